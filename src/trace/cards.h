#pragma once
// trace, cards: rows that belong together. In chats, copied pages and forms a person stands on
// several lines, "Name: …", "CNIC: …", "Address: …", and only one of them holds a number; in a
// sheet with merged cells the number stands in the first of several rows. A card is decided by the
// text alone. This room only; one thread.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "trace/found.h"

namespace amanat::trace {

/// CardLine is one row as it is read.
struct CardLine {
  std::uint32_t cluster = 0;
  std::uint64_t offset = 0, length = 0;
  std::vector<std::string> cells;
  bool columns = false;
  bool matched = false;            // somebody's data were disclosed
  std::vector<SubjectName> about;  // national IDs first
};

class Cards {
 public:
  explicit Cards(std::function<void(MatchedRow)> emit) : emit_(std::move(emit)) {}
  /// flowing takes a line of running text, or a narrow row ("Name | Ali"), of a template: lines up
  /// to the next number, the next card or the next blank line are one row.
  void flowing(CardLine line);
  /// tabular takes a row of a table: one without a number in the column where the last row had one
  /// is about whom that row is about.
  void tabular(CardLine line);
  void finish();

 private:
  struct Card {
    std::vector<CardLine> lines;
    std::set<std::string, std::less<>> labels;
    std::size_t lines_after = 0;
    bool strong = false;  // it has a national ID
    bool matched = false;
    std::vector<SubjectName> ids, numbers;
  };
  struct Flow {
    std::vector<CardLine> before;  // since the last card's number, for the next card
    std::optional<Card> open;
    bool head_first = true;  // lines before the number belong to a card
    std::uint64_t end = 0;   // of the last line
    std::size_t block = 0;   // lines since the last gap
    bool any = false;
  };
  struct Table {
    std::vector<SubjectName> about;
    std::size_t column = 0;
    bool matched = false;
  };
  void boundary(Flow& flow);
  void close(Flow& flow);
  static void join(Card& card, CardLine line);
  void emit_card(const Card& card);
  void begin_card(Flow& flow, CardLine line);
  void follow(Flow& flow, CardLine line);

  const std::function<void(MatchedRow)> emit_;
  std::map<std::uint32_t, Flow> flows_;
  std::map<std::uint32_t, Table> tables_;
};

/// begins_message is whether a line is the first of a chat's message: "[22/11/2026, 14:35] Ali: …".
bool begins_message(std::string_view line);

}  // namespace amanat::trace
