// Reading single records, postings and holders: what search, tree, answer and erasure share.

#include <algorithm>

#include "model/insist.h"
#include "registry/fetch.h"
#include "registry/normalise.h"

namespace amanat::registry {
namespace {

constexpr std::size_t kHoldersMax = 1000;

/// holder_field finds the field that says who holds a number.
std::optional<FieldPlace> holder_field(const Catalog& catalog) {
  for (const auto& d : catalog.datasets())
    if (d.held_by) return d.held_by;
  return std::nullopt;
}

/// value_of reads one unlinked field of an opened record; empty if it has none.
Result<std::string_view> value_of(const Archive& archive, const Dataset& dataset,
                                  const OpenRecord& record, std::size_t field) {
  auto reader = RecordReader::over(record.plain.view());
  if (!reader) return std::unexpected(reader.error());
  RecordReader::Value value;
  for (;;) {
    auto more = reader->next(value);
    if (!more) return std::unexpected(more.error());
    if (!*more) return std::string_view();
    if (archive.numbers.field_of(dataset.id, value.field) == field) return value.value;
  }
}

}  // namespace

Result<std::optional<OpenRecord>> open_record(const Archive& archive, const RecordKey& key) {
  OpenRecord out;
  out.key = key;
  append(out.name, key);
  std::string stored;
  auto found = archive.store.get(storage::Table::records, out.name, stored);
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::nullopt;
  auto record = decode_record(stored);
  if (!record) return std::unexpected(record.error());
  auto secret = archive.vault.key_of(key.slot);
  if (!secret) {
    if (secret.error().reason == Reason::erased) return std::nullopt;
    return std::unexpected(secret.error());
  }
  out.version = record->version;
  out.taken_in = record->taken_in;
  if (auto opened =
          vault::Vault::open(*secret, associated(out.name, out.version), record->sealed, out.plain);
      !opened)
    return std::unexpected(opened.error());
  return out;
}

Result<std::vector<RecordKey>> postings(const Archive& archive, const Tag& tag, std::size_t most) {
  std::vector<RecordKey> out;
  bool damaged = false;
  auto scanned = archive.store.scan(storage::Table::index, view(tag), {},
                                    [&](std::string_view key, std::string_view) {
                                      const auto posting = decode_posting(key);
                                      if (posting)
                                        out.push_back(*posting);
                                      else
                                        damaged = true;
                                      return out.size() <= most && !damaged;
                                    });
  if (!scanned) return std::unexpected(scanned.error());
  if (damaged) return fail(Reason::store_failed, "a posting has an unknown form");
  if (out.size() > most) return fail(Reason::too_many_subjects, "narrow the question");
  return out;
}

Result<std::optional<Holder>> current_holder(const Archive& archive, std::string_view number) {
  const auto place = holder_field(archive.catalog);
  if (!place) return std::nullopt;
  const Dataset& dataset = archive.catalog.dataset(place->dataset);
  insist(dataset.latest_by);
  auto keys = postings(archive, archive.vault.index_tag(dataset.fields[place->field].id, number),
                       kHoldersMax);
  if (!keys) return std::unexpected(keys.error());
  std::vector<std::pair<SubjectName, RecordKey>> seen;
  std::optional<SubjectName> best;
  std::string best_since;
  Moment best_taken{};
  for (const auto& key : *keys) {
    auto record = open_record(archive, key);
    if (!record) return std::unexpected(record.error());
    if (!*record) continue;
    auto reader = RecordReader::over((*record)->plain.view());
    if (!reader) return std::unexpected(reader.error());
    seen.emplace_back(SubjectName{reader->kind(), std::string(reader->subject())}, key);
    auto since = value_of(archive, dataset, **record, *dataset.latest_by);
    if (!since) return std::unexpected(since.error());
    // ISO dates order as text; of two activations on one day the one taken in later counts.
    if (best && std::pair(std::string_view(best_since), best_taken) >=
                    std::pair(*since, (*record)->taken_in))
      continue;
    best_since = *since;
    best_taken = (*record)->taken_in;
    best = seen.back().first;
  }
  if (!best) return std::nullopt;
  Holder holder{*best, {}};
  for (const auto& [name, key] : seen)
    if (name == *best) holder.records.push_back(key);
  return holder;
}

Result<std::vector<std::string>> numbers_of(const Archive& archive, vault::Slot slot, Holding how) {
  std::vector<std::string> numbers;
  const auto place = holder_field(archive.catalog);
  if (!place) return numbers;
  const Dataset& dataset = archive.catalog.dataset(place->dataset);
  std::vector<RecordKey> keys;
  auto scanned = archive.store.scan(storage::Table::records,
                                    subject_prefix(archive.numbers.of(dataset.id), slot), {},
                                    [&](std::string_view key, std::string_view) {
                                      if (const auto k = decode_record_key(key)) keys.push_back(*k);
                                      return true;
                                    });
  if (!scanned) return std::unexpected(scanned.error());
  for (const auto& key : keys) {
    auto record = open_record(archive, key);
    if (!record) return std::unexpected(record.error());
    if (!*record) continue;
    auto number = value_of(archive, dataset, **record, place->field);
    if (!number) return std::unexpected(number.error());
    if (number->empty()) continue;
    auto holders = postings(
        archive, archive.vault.index_tag(dataset.fields[place->field].id, *number), kHoldersMax);
    if (!holders) return std::unexpected(holders.error());
    bool theirs = std::all_of(holders->begin(), holders->end(),
                              [&](const RecordKey& k) { return k.slot == slot; });
    if (!theirs && how == Holding::current) {
      auto holder = current_holder(archive, *number);
      if (!holder) return std::unexpected(holder.error());
      theirs = *holder && std::any_of((*holder)->records.begin(), (*holder)->records.end(),
                                      [&](const RecordKey& k) { return k.slot == slot; });
    }
    if (theirs) numbers.emplace_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

}  // namespace amanat::registry
