#pragma once
// Fields: the one table of everything an answer can release, made by the catalog, read by policy,
// identity and disclosure. Immutable once made; any number of threads may read.

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"

namespace amanat {

inline constexpr std::size_t kFieldsMax = 512;
using FieldSet = std::bitset<kFieldsMax>;

/// Sensitivity is the class of a field, from the catalog.
enum class Sensitivity : std::uint8_t { open, ordinary, sensitive, secret_existence };

/// Level is what is released of a field; the order is the lattice none < exists < masked < full.
enum class Level : std::uint8_t { none, exists, masked, full };

/// FieldInfo describes one field. `masks` is a chain from narrow to wide.
struct FieldInfo {
  std::string id;    // registry.dataset.field
  std::string name;  // field
  DatasetId dataset{};
  Sensitivity sensitivity = Sensitivity::ordinary;
  std::vector<std::string> masks;
};

/// FieldTable holds the fields ascending by id (bytewise), so that a FieldId order is an id order.
class FieldTable {
 public:
  FieldTable() = default;
  /// FieldTable takes fields in any order; `datasets[i]` names DatasetId i. At most kFieldsMax.
  FieldTable(std::vector<FieldInfo> fields, std::vector<std::string> datasets);

  std::size_t size() const { return fields_.size(); }
  const FieldInfo& operator[](FieldId id) const;
  std::optional<FieldId> find(std::string_view id) const;
  /// match returns the fields a pattern names: an exact id, or a prefix ending in ".*", or "*".
  FieldSet match(std::string_view pattern) const;
  const std::string& dataset_name(DatasetId id) const;
  /// nearest returns the known id closest in spelling, for error messages; empty if none is near.
  std::string nearest(std::string_view id) const;

 private:
  std::vector<FieldInfo> fields_;
  std::vector<std::string> datasets_;
};

/// nearest_word returns the candidate with the smallest edit distance (at most a third of the
/// word's length, at least 2), or an empty view.
std::string_view nearest_word(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace amanat
