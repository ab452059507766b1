// The family of whoever asks: found from the keyed name of the asker's own number, because the
// roster keeps no other.

#include <algorithm>

#include "model/insist.h"
#include "registry/fetch.h"

namespace amanat::registry {
namespace {

constexpr unsigned kSteps = 2;  // parents, spouses, children; their parents, brothers and sisters
constexpr std::size_t kFamilyMax = 2'000;

// name_of finds who a keyed name is, from a record of theirs; nothing if no register knows them.
Result<std::optional<SubjectName>> name_of(const Archive& archive, const Tag& own) {
  auto row = find_subject(archive.store, own);
  if (!row) return std::unexpected(row.error());
  if (!*row) return std::nullopt;
  for (const auto& dataset : archive.catalog.datasets()) {
    if (!dataset.one) continue;
    std::vector<RecordKey> keys;
    auto scanned = archive.store.scan(
        storage::Table::records, subject_prefix(archive.numbers.of(dataset.id), (*row)->slot), {},
        [&](std::string_view key, std::string_view) {
          if (const auto k = decode_record_key(key)) keys.push_back(*k);
          return keys.empty();
        });
    if (!scanned) return std::unexpected(scanned.error());
    for (const auto& key : keys) {
      auto record = open_record(archive, key);
      if (!record) return std::unexpected(record.error());
      if (!*record) continue;
      auto reader = RecordReader::over((*record)->plain.view());
      if (!reader) return std::unexpected(reader.error());
      SubjectName name{reader->kind(), std::string(reader->subject())};
      if (archive.vault.tag(name) == own) return name;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<Families::Tags> family_of_officer(Archive& archive, const Tag& own) {
  const std::uint64_t generation = archive.generation.load();
  if (auto known = archive.families.find(own, generation)) return known;
  auto name = name_of(archive, own);
  if (!name) return std::unexpected(name.error());
  auto tags = std::make_shared<std::vector<Tag>>();
  if (*name) {
    std::vector<std::string> links;
    for (const auto& dataset : archive.catalog.datasets())
      for (const auto& field : dataset.fields)
        for (const auto* word : {&field.link, &field.reverse})
          if (!word->empty()) links.push_back(*word);
    auto relatives = family(archive, **name, kSteps, links, kFamilyMax);
    if (!relatives) return std::unexpected(relatives.error());
    for (const Relative& one : *relatives)
      if (one.hops > 0) tags->push_back(archive.vault.tag(one.name));
    std::sort(tags->begin(), tags->end());
  }
  archive.families.keep(own, generation, tags);
  return Families::Tags(tags);
}

}  // namespace amanat::registry
