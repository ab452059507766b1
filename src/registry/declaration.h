#pragma once
// registry, declaration: one file of the catalog read into declared datasets or the rules.
// For this room only.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"
#include "registry/dataset.h"

namespace amanat::registry {

/// DeclaredSlot is a [[dataset.slot]]: names are the dataset's fields.
struct DeclaredSlot {
  std::string kind, field, anchor;  // no field: the whole dataset
  unsigned number = 0;
  std::vector<std::string> members;
  std::vector<std::uint32_t> weights;
  std::uint32_t line = 0;
};

/// Declared is a dataset with what can only be resolved once all files are read.
struct Declared {
  Dataset dataset;
  std::string held_by;
  std::vector<FieldInfo> infos;      // one a field, `dataset` not yet numbered
  std::uint16_t mark = 0;            // the dataset's number in the slot catalogue; 0: none
  std::vector<std::uint16_t> marks;  // the fields'
  std::vector<DeclaredSlot> slots;
};

/// live_from reads the address in `live` of a dataset that stays with its department.
/// Returns what is wrong, or nothing.
std::optional<std::string> live_from(std::string_view url, Live& out);
/// unfit_for_live is why a dataset cannot be a live one, or nothing.
std::optional<std::string> unfit_for_live(const Dataset& dataset);

/// read_declarations reads one TOML file: its [[dataset]]s are appended to `out`, its [rules] are
/// put into `rules` (once in all files). Errors: catalog_wrong with "file:line: what".
Result<void> read_declarations(std::string_view text, const std::string& file,
                               std::vector<Declared>& out, std::optional<Rules>& rules);

/// slots_text is the slot catalogue the declarations make, in its canonical text; empty if there is
/// none. Errors: catalog_wrong (a mark or slot number twice, no version).
Result<std::string> slots_text(const std::vector<Declared>& declared, const Rules& rules);

}  // namespace amanat::registry
