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

/// Declared is a dataset with what can only be resolved once all files are read.
struct Declared {
  Dataset dataset;
  std::string held_by;
  std::vector<FieldInfo> infos;  // one a field, `dataset` not yet numbered
};

/// read_declarations reads one TOML file: its [[dataset]]s are appended to `out`, its [rules] are
/// put into `rules` (once in all files). Errors: catalog_wrong with "file:line: what".
Result<void> read_declarations(std::string_view text, const std::string& file,
                               std::vector<Declared>& out, std::optional<Rules>& rules);

}  // namespace amanat::registry
