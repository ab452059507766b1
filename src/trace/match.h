#pragma once
// trace, match: which rows of a leak are of citizens whose data the exchange disclosed, and which
// disclosures those were. It counts rows and citizens, never accounts: an overlap convicts
// innocents (docs/trace-index.md), so no number of this room says how much an account has in common
// with a leak. A Matcher belongs to one thread; the snapshot it searches may be shared.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "trace/index.h"
#include "trace/read.h"

namespace amanat::trace {

/// Aliases say which citizen a phone is of, both as keyed hashes: the second structure beside the
/// postings. Made from the registry; immutable once sorted.
class Aliases {
 public:
  void add(std::uint64_t phone, std::uint64_t citizen) { pairs_.emplace_back(phone, citizen); }
  /// sort must be called before of().
  void sort();
  /// of gives the citizens of a phone: several, where numbers were handed on.
  std::span<const std::pair<std::uint64_t, std::uint64_t>> of(std::uint64_t phone) const;
  std::size_t size() const { return pairs_.size(); }

 private:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> pairs_;
};

/// RowRef names a row of the leak.
struct RowRef {
  std::uint32_t part = 0, cluster = 0;
  std::uint64_t number = 0, offset = 0, length = 0;
  friend bool operator==(const RowRef&, const RowRef&) = default;
};

/// RowMatch is one citizen of one row with all their disclosures, over all segments in turn: it may
/// be told of several times, once a segment. Views live during the call.
struct RowMatch {
  RowRef row;
  Kind through{};             // which identifier led there
  std::uint64_t citizen = 0;  // keyed hash
  std::span<const std::uint64_t> postings;
};

struct MatchSummary {
  std::uint64_t rows = 0;          // with at least one identifier that is whole
  std::uint64_t rows_matched = 0;  // of a citizen some disclosure was of
  std::uint64_t rows_doubtful =
      0;  // found only through numbers that look like times: not in rows_matched
  std::uint64_t citizens = 0;                 // distinct, matched
  std::uint64_t disclosures = 0;              // of these citizens, all in all
  std::uint16_t first_day = 0, last_day = 0;  // of these disclosures
};

struct MatchOptions {
  std::function<void(const RowMatch&)> on_match;  // may be null
  std::size_t batch = 1u << 20;                   // identifiers looked up at once
};

/// HashSet holds keyed hashes, which are evenly spread: their own first bits are their place, so
/// that hashes that ascend are inserted walking forwards.
class HashSet {
 public:
  /// reserve makes room for `more` hashes. To be called before hashes that ascend are inserted:
  /// they fill a table from its beginning, and one that grows meanwhile would be crowded there.
  void reserve(std::size_t more);
  /// insert returns whether it is new.
  bool insert(std::uint64_t hash);
  std::size_t size() const { return size_; }

 private:
  void grow();
  std::vector<std::uint64_t> slots_;  // 0: empty
  unsigned bits_ = 0;
  std::size_t size_ = 0;
};

class Matcher {
 public:
  Matcher(const IdentifierHash& hash, std::shared_ptr<const Snapshot> snapshot,
          const Aliases& aliases, const MatchOptions& options);
  /// take is for ReadOptions::on_row. A partial number matches nothing.
  void take(const LeakRow& row);
  /// finish looks the rest up; `read` says which columns are doubtful.
  MatchSummary finish(const Summary& read);

 private:
  struct Asked {
    std::uint64_t hash;
    std::uint32_t row;
    Kind kind;
    bool time_like;
    std::uint16_t column;
  };
  void flush();
  void sort_asked();
  void search(std::uint32_t segment);

  const IdentifierHash& hash_;
  const std::shared_ptr<const Snapshot> snapshot_;
  const Aliases& aliases_;
  const MatchOptions options_;
  MatchSummary summary_;
  std::vector<RowRef> rows_;
  std::vector<Asked> asked_, sorted_;
  std::vector<std::uint64_t> hashes_;
  std::vector<Found> found_;
  std::vector<std::uint8_t> row_state_;
  HashSet citizens_;
  std::vector<HashSet> in_segment_;  // a citizen's disclosures are counted once a segment
  std::map<std::pair<std::uint32_t, std::uint16_t>, std::uint64_t> only_through_;
};

}  // namespace amanat::trace
