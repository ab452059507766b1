#include "registry/archive.h"

#include <algorithm>
#include <charconv>

#include "model/insist.h"
#include "registry/normalise.h"

namespace amanat::registry {
namespace {

constexpr std::string_view kNumbersKey = "registry/numbers";
constexpr std::size_t kDatasetsEver = 0xffff;

}  // namespace

Result<Numbers> Numbers::load(const Catalog& catalog, storage::Store& store) {
  // One line a name, in the order in which numbers were given: "dataset" or "dataset field".
  std::string lines;
  if (auto found = store.get(storage::Table::settings, kNumbersKey, lines); !found)
    return std::unexpected(found.error());
  std::vector<std::string> names;  // [i] is dataset number i
  std::vector<std::vector<std::string>> field_names;
  for (std::size_t from = 0; from < lines.size();) {
    const std::size_t to = std::min(lines.find('\n', from), lines.size());
    const std::string line = lines.substr(from, to - from);
    const std::size_t space = line.find(' ');
    const auto at = std::find(names.begin(), names.end(), line.substr(0, space));
    if (space == line.npos) {
      names.push_back(line);
      field_names.emplace_back();
    } else if (at == names.end()) {
      return fail(Reason::store_failed, "the registry's table of numbers is damaged");
    } else {
      field_names[static_cast<std::size_t>(at - names.begin())].push_back(line.substr(space + 1));
    }
    from = to + 1;
  }
  const std::size_t known = lines.size();
  Numbers out;
  for (const auto& d : catalog.datasets()) {
    auto at = std::find(names.begin(), names.end(), d.name);
    if (at == names.end()) {
      if (names.size() >= kDatasetsEver)
        return fail(Reason::catalog_wrong, "more datasets than numbers");
      names.push_back(d.name);
      field_names.emplace_back();
      lines += d.name + "\n";
      at = names.end() - 1;
    }
    const auto index = static_cast<std::size_t>(at - names.begin());
    out.datasets_.push_back(static_cast<std::uint16_t>(index));
    auto& fields = out.fields_.emplace_back();
    for (const auto& f : d.fields) {
      auto& given = field_names[index];
      auto place = std::find(given.begin(), given.end(), f.name);
      if (place == given.end()) {
        if (given.size() > 255)
          return fail(Reason::catalog_wrong, d.name + ": more fields than numbers");
        given.push_back(f.name);
        lines += d.name + " " + f.name + "\n";
        place = given.end() - 1;
      }
      fields.push_back(static_cast<std::uint8_t>(place - given.begin()));
    }
  }
  if (lines.size() != known) {
    storage::Batch batch;
    batch.put(storage::Table::settings, kNumbersKey, lines);
    if (auto ok = store.write(batch, storage::Durability::synced); !ok)
      return std::unexpected(ok.error());
  }
  return out;
}

std::optional<std::size_t> Numbers::field_of(DatasetId dataset, std::uint8_t stored) const {
  const auto& fields = fields_[number(dataset)];
  // A field's number is its place unless the catalog was reordered since.
  if (stored < fields.size() && fields[stored] == stored) return stored;
  const auto at = std::find(fields.begin(), fields.end(), stored);
  if (at == fields.end()) return std::nullopt;
  return static_cast<std::size_t>(at - fields.begin());
}

std::optional<DatasetId> Numbers::dataset_of(std::uint16_t stored) const {
  for (std::size_t i = 0; i < datasets_.size(); ++i)
    if (datasets_[i] == stored) return DatasetId{static_cast<std::uint16_t>(i)};
  return std::nullopt;
}

Result<std::optional<SubjectRow>> find_subject(const storage::Reader& store, const Tag& tag) {
  std::string value;
  auto found = store.get(storage::Table::subjects, view(tag), value);
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::nullopt;
  auto row = decode_subject(value);
  if (!row) return std::unexpected(row.error());
  if (row->erasing) return std::nullopt;
  return *row;
}

std::string count_key(std::string_view dataset) { return "registry/count/" + std::string(dataset); }

std::string encode_count(std::uint64_t count) { return std::to_string(count); }

Result<std::uint64_t> read_count(const storage::Reader& store, std::string_view dataset) {
  std::string value;
  auto found = store.get(storage::Table::settings, count_key(dataset), value);
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::uint64_t{0};
  std::uint64_t count = 0;
  const char* const end = value.data() + value.size();
  if (std::from_chars(value.data(), end, count).ptr != end)
    return fail(Reason::store_failed, "a dataset's count is damaged");
  return count;
}

Result<std::string_view> link_value(const vault::Vault& vault, std::string_view record_key,
                                    std::uint32_t version, const RecordReader::Value& value,
                                    WipingBuffer& out) {
  insist(value.linked);
  auto key = vault.key_of(value.other);
  if (!key) {
    if (key.error().reason == Reason::erased) return std::string_view();
    return std::unexpected(key.error());
  }
  const std::size_t begin = out.size();
  if (auto opened = vault::Vault::open(*key, associated_link(record_key, version, value.field),
                                       value.sealed, out);
      !opened)
    return std::unexpected(opened.error());
  return decode_link(out.view().substr(begin));
}

Result<std::vector<Tag>> index_tags(const Archive& archive, const Dataset& dataset,
                                    std::string_view record_key, std::uint32_t version,
                                    std::string_view plaintext) {
  auto reader = RecordReader::over(plaintext);
  if (!reader) return std::unexpected(reader.error());
  std::vector<Tag> tags;
  RecordReader::Value value;
  std::string folded;
  for (;;) {
    auto more = reader->next(value);
    if (!more) return std::unexpected(more.error());
    if (!*more) return tags;
    const auto field = archive.numbers.field_of(dataset.id, value.field);
    if (!field || !dataset.fields[*field].indexed()) continue;
    WipingBuffer linked;
    std::string_view text = value.value;
    if (value.linked) {
      auto opened = link_value(archive.vault, record_key, version, value, linked);
      if (!opened) return std::unexpected(opened.error());
      text = *opened;
    }
    if (text.empty()) continue;
    folded.clear();
    append_folded(text, folded);
    tags.push_back(archive.vault.index_tag(dataset.fields[*field].id, folded));
  }
}

}  // namespace amanat::registry
