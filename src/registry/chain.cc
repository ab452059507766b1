// Whom a case does not name the registers may lead to: somebody who called the accused. The chain
// is read from the person's own records, never from what the asker says: their number, the calls
// kept under it, the other number, its holder.

#include <algorithm>
#include <set>

#include "crypto/crypto.h"
#include "registry/fetch.h"

namespace amanat::registry {
namespace {

constexpr std::size_t kRecordsMost = 1000, kFromMost = 64;

/// Chain looks for one person.
class Chain {
 public:
  Chain(const Archive& archive, const std::vector<Tag>& from) : archive_(archive), from_(from) {}

  Result<std::string> to(vault::Slot slot) {
    if (from_.empty() || from_.size() > kFromMost) return std::string();
    for (const Dataset& dataset : archive_.catalog.datasets()) {
      if (std::none_of(dataset.fields.begin(), dataset.fields.end(),
                       [](const Field& f) { return f.explains; }))
        continue;
      auto slots = slots_of(dataset, slot);
      if (!slots) return std::unexpected(slots.error());
      for (const vault::Slot one : *slots)
        if (auto ok = records(dataset, one); !ok) return std::unexpected(ok.error());
      if (!found_.empty()) return found_;
    }
    return std::string();
  }

 private:
  /// slots_of is where the person's records of a dataset lie: of one about numbers, under theirs.
  Result<std::vector<vault::Slot>> slots_of(const Dataset& dataset, vault::Slot slot) {
    std::vector<vault::Slot> slots;
    if (!dataset.about_numbers()) return std::vector{slot};
    auto held = numbers_of(archive_, slot, Holding::current);
    if (!held) return std::unexpected(held.error());
    for (std::string& number : *held) {
      auto row = find_subject(
          archive_.store, archive_.vault.tag(SubjectName{SubjectKind::msisdn, std::move(number)}));
      if (!row) return std::unexpected(row.error());
      if (*row && (*row)->has_records) slots.push_back((*row)->slot);
    }
    return slots;
  }

  /// holders maps each number that a citizen of the case holds to their keyed name, once.
  Result<void> read_holders() {
    if (holders_read_) return {};
    holders_read_ = true;
    for (const Tag& citizen : from_) {
      auto row = find_subject(archive_.store, citizen);
      if (!row) return std::unexpected(row.error());
      if (!*row || !(*row)->has_records) continue;
      auto numbers = numbers_of(archive_, (*row)->slot, Holding::current);
      if (!numbers) return std::unexpected(numbers.error());
      for (std::string& number : *numbers) holders_.emplace(std::move(number), citizen);
    }
    return {};
  }

  Result<void> records(const Dataset& dataset, vault::Slot slot) {
    std::vector<RecordKey> keys;
    auto scanned = archive_.store.scan(storage::Table::records,
                                       subject_prefix(archive_.numbers.of(dataset.id), slot), {},
                                       [&](std::string_view key, std::string_view) {
                                         if (const auto k = decode_record_key(key))
                                           keys.push_back(*k);
                                         return keys.size() <= kRecordsMost;
                                       });
    if (!scanned) return scanned;
    if (keys.size() > kRecordsMost) return {};
    for (const RecordKey& key : keys) {
      if (!found_.empty()) return {};
      auto record = open_record(archive_, key);
      if (!record) return std::unexpected(record.error());
      if (!*record) continue;
      if (auto ok = links(dataset, **record); !ok) return ok;
    }
    return {};
  }

  Result<void> links(const Dataset& dataset, const OpenRecord& record) {
    auto reader = RecordReader::over(record.plain.view());
    if (!reader) return std::unexpected(reader.error());
    RecordReader::Value value;
    WipingBuffer text;
    for (;;) {
      auto more = reader->next(value);
      if (!more) return std::unexpected(more.error());
      if (!*more) return {};
      const auto f = archive_.numbers.field_of(dataset.id, value.field);
      if (!f || !dataset.fields[*f].explains) continue;
      std::string_view named = value.value;
      if (value.linked) {
        text.clear();
        auto opened = link_value(archive_.vault, record.name, record.version, value, text);
        if (!opened) return std::unexpected(opened.error());
        named = *opened;
      }
      auto citizen = citizen_of(dataset.fields[*f], named);
      if (!citizen) return std::unexpected(citizen.error());
      if (!*citizen) continue;
      found_ = dataset.fields[*f].id + ' ' + crypto::hex(record.key.record) + ' ' +
               crypto::hex(**citizen);
      return {};
    }
  }

  /// citizen_of is the citizen of the case whom a value names, by number or by national ID.
  Result<std::optional<Tag>> citizen_of(const Field& field, std::string_view named) {
    if (named.empty()) return std::nullopt;
    if (field.type == FieldType::msisdn || field.type == FieldType::phone) {
      if (auto ok = read_holders(); !ok) return std::unexpected(ok.error());
      const auto at = holders_.find(named);
      if (at == holders_.end()) return std::nullopt;
      return at->second;
    }
    const SubjectKind kind =
        field.type == FieldType::passport ? SubjectKind::passport : SubjectKind::national_id;
    const Tag tag = archive_.vault.tag(SubjectName{kind, std::string(named)});
    if (!std::binary_search(from_.begin(), from_.end(), tag)) return std::nullopt;
    return tag;
  }

  const Archive& archive_;
  const std::vector<Tag>& from_;
  bool holders_read_ = false;
  std::map<std::string, Tag, std::less<>> holders_;  // personal data, for one question
  std::string found_;
};

}  // namespace

Result<std::string> chain_to(const Archive& archive, vault::Slot slot,
                             const std::vector<Tag>& from) {
  return Chain(archive, from).to(slot);
}

}  // namespace amanat::registry
