#pragma once
// registry, judge: one raw row to normalised values, or the reason it cannot be taken. Rows that
// list several people side by side become one copy each. This room only; one judge, one thread.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"
#include "model/secret.h"
#include "registry/dataset.h"
#include "registry/source.h"

namespace amanat::registry {

/// Value is one normalised value; absent if `value` is empty. Views live until the next row.
struct Value {
  std::string_view value;
  std::string_view original;  // the cell as sent, where it differs; else empty
  SubjectKind kind = SubjectKind::national_id;
};

/// Fault is why a row goes to quarantine.
struct Fault {
  Reason reason{};
  std::size_t field = 0;
  bool whole_row = false;  // no one field is at fault
};

class Judge {
 public:
  Judge(const Rules& rules, const Dataset& dataset) : rules_(rules), dataset_(dataset) {}
  ~Judge() { wipe(text_.data(), text_.size()); }
  Judge(const Judge&) = delete;
  Judge& operator=(const Judge&) = delete;

  /// judge normalises a row that is not blank. Nothing returned: it holds, see copies().
  std::optional<Fault> judge(const RawRow& row);
  std::size_t copies() const { return copies_; }
  /// copy returns one value a field. Shared fields are the same in every copy.
  std::span<const Value> copy(std::size_t i) const;

  /// joined normalises a row whose lists stay lists (rows that become no records): values by
  /// field, list elements joined by '\n'.
  std::optional<Fault> joined(const RawRow& row, std::vector<std::string>& out);

 private:
  struct Cell {
    std::uint32_t offset = 0, length = 0;
    std::string_view raw;
    SubjectKind kind = SubjectKind::national_id;
  };
  std::optional<Reason> take(const Field& field, std::string_view raw, Cell& cell);
  std::optional<Fault> missing(std::size_t field) const;
  std::optional<Fault> side_by_side(const RawRow& row,
                                    std::vector<std::vector<std::string_view>>& lists);
  std::optional<Fault> expand(const RawRow& row);
  void settle();

  const Rules& rules_;
  const Dataset& dataset_;
  std::string text_;         // every normalised value of the row
  std::vector<Cell> cells_;  // copies x fields
  std::vector<Value> values_;
  std::size_t copies_ = 0;
};

}  // namespace amanat::registry
