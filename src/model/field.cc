#include "model/field.h"

#include <algorithm>

#include "model/insist.h"

namespace amanat {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view nearest_word(std::string_view word, const std::vector<std::string>& candidates) {
  // A word from outside may be long; the distance is quadratic, so cut it first.
  word = word.substr(0, 128);
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    const std::size_t d = edit_distance(word, candidate);
    if (d < best_distance) {
      best_distance = d;
      best = candidate;
    }
  }
  return best;
}

FieldTable::FieldTable(std::vector<FieldInfo> fields, std::vector<std::string> datasets)
    : fields_(std::move(fields)), datasets_(std::move(datasets)) {
  insist(fields_.size() <= kFieldsMax);
  std::sort(fields_.begin(), fields_.end(),
            [](const FieldInfo& a, const FieldInfo& b) { return a.id < b.id; });
  for (std::size_t i = 1; i < fields_.size(); ++i) insist(fields_[i - 1].id != fields_[i].id);
  for (const auto& f : fields_) insist(number(f.dataset) < datasets_.size());
}

const FieldInfo& FieldTable::operator[](FieldId id) const {
  insist(number(id) < fields_.size());
  return fields_[number(id)];
}

std::optional<FieldId> FieldTable::find(std::string_view id) const {
  const auto at = std::lower_bound(fields_.begin(), fields_.end(), id,
                                   [](const FieldInfo& f, std::string_view v) { return f.id < v; });
  if (at == fields_.end() || at->id != id) return std::nullopt;
  return FieldId{static_cast<std::uint16_t>(at - fields_.begin())};
}

FieldSet FieldTable::match(std::string_view pattern) const {
  FieldSet set;
  if (pattern == "*") {
    for (std::size_t i = 0; i < fields_.size(); ++i) set.set(i);
  } else if (pattern.ends_with(".*")) {
    const std::string_view prefix = pattern.substr(0, pattern.size() - 1);
    for (std::size_t i = 0; i < fields_.size(); ++i)
      if (std::string_view(fields_[i].id).starts_with(prefix)) set.set(i);
  } else if (const auto id = find(pattern)) {
    set.set(number(*id));
  }
  return set;
}

const std::string& FieldTable::dataset_name(DatasetId id) const {
  insist(number(id) < datasets_.size());
  return datasets_[number(id)];
}

std::string FieldTable::nearest(std::string_view id) const {
  std::vector<std::string> ids;
  ids.reserve(fields_.size());
  for (const auto& f : fields_) ids.push_back(f.id);
  return std::string(nearest_word(id, ids));
}

}  // namespace amanat
