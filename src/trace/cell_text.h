#pragma once
// trace, cell text: what stands in a cell or line of a leak, taken apart before it is held against
// true values. This room only; a Folds belongs to one thread.

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "disclosure/slots.h"
#include "disclosure/spoken.h"

namespace amanat::trace {

/// Folds are the foldings of one text, each made once.
class Folds {
 public:
  explicit Folds(std::string_view text) : raw_(text), trimmed_(disclosure::trimmed_text(text)) {}
  bool said_by(const disclosure::ValueReader& reader) {
    if (reader.by_value())
      return reader.says(trimmed_,
                         digits() ? disclosure::folded_text(reader.family(), raw_, reader.value())
                                  : std::string());
    auto at = made_.find(reader.family());
    if (at == made_.end())
      at = made_.emplace(reader.family(), disclosure::folded_text(reader.family(), raw_, {})).first;
    return reader.says(trimmed_, at->second);
  }

 private:
  // No date or time is without a digit of some script.
  bool digits() const {
    return std::ranges::any_of(raw_, [](char c) { return (c >= '0' && c <= '9') || c < 0; });
  }
  const std::string_view raw_;
  const std::string trimmed_;
  std::map<disclosure::SlotKind, std::string> made_;
};

/// nothing_in: what people and programs write where nothing stands.
bool nothing_in(std::string_view cell);
/// decoded undoes the encoding of requests and forms; other lines stay as they are.
std::string decoded(std::string_view line);
/// tokens_of are the words of a line, begin and end, with "Name:" and "name=" apart from what they
/// name; at most 200.
using Tokens = std::vector<std::pair<std::size_t, std::size_t>>;
Tokens tokens_of(std::string_view line);
/// bare takes off what people put around a value: quotes, brackets, stars, stops.
std::string_view bare(std::string_view text);

}  // namespace amanat::trace
