#pragma once
// trace, columns: what a column of a leak holds, judged by a sample of its values. This room only;
// one thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trace/dates.h"
#include "trace/identifiers.h"
#include "trace/read.h"

namespace amanat::trace {

/// Column collects what its values say.
class Column {
 public:
  explicit Column(std::string heading = {}) : heading_(std::move(heading)) {}
  /// see takes one value of the sample.
  void see(std::string_view value);
  /// see_plain_id takes a 13-digit number of it; of those that begin with 1, every one.
  void see_plain_id(const Identifier& id);
  /// sure says that see_plain_id need not be told any more: some number is no time.
  bool sure() const { return ids_elsewhere_ > 0; }
  std::uint64_t plain_ids() const { return ids_in_range_; }
  ColumnSummary summary() const;
  const std::string& heading() const { return heading_; }

 private:
  std::string heading_;
  std::uint64_t values_ = 0, empty_ = 0;
  std::uint64_t ids_ = 0, phones_ = 0, dates_ = 0, serials_ = 0, names_ = 0, numbers_ = 0;
  DateOrders orders_;
  // Of 13-digit numbers: between 1.0e12 and 2.0e12, or not; how they follow each other.
  std::uint64_t ids_in_range_ = 0, ids_elsewhere_ = 0, whole_seconds_ = 0, rising_ = 0,
                falling_ = 0;
  std::uint64_t last_ = 0;
  std::vector<Identifier> found_;
};

/// looks_like_heading says whether a first row names columns: words in most cells, no number.
bool looks_like_heading(const std::vector<std::string_view>& cells);

}  // namespace amanat::trace
