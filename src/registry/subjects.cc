// Who is in the records: every subject once, and which citizen a number is of. For projections that
// find citizens again (trace), never for an answer.

#include <algorithm>
#include <unordered_set>

#include "registry/fetch.h"
#include "registry/normalise.h"
#include "registry/records.h"
#include "registry/registry.h"
#include "registry/state.h"

namespace amanat::registry {
namespace {

bool is_number(FieldType type) { return type == FieldType::msisdn || type == FieldType::phone; }

/// Walk reads one dataset's records.
class Walk {
 public:
  Walk(const Archive& archive, const Registry::EachSubject& subject,
       const Registry::EachNumber& number)
      : archive_(archive), subject_(subject), number_(number) {}

  Result<void> dataset(const Dataset& d) {
    std::string prefix(subject_prefix(archive_.numbers.of(d.id), vault::Slot{0}).substr(0, 2));
    Result<void> trouble;
    const auto table = d.live ? storage::Table::past : storage::Table::records;
    auto scanned = archive_.store.scan(table, prefix, {},
                                       [&](std::string_view key, std::string_view value) {
                                         trouble = record(d, key.substr(0, kRecordKeyBytes), value);
                                         return trouble.has_value();
                                       });
    return scanned ? trouble : scanned;
  }

 private:
  Result<void> record(const Dataset& d, std::string_view key, std::string_view value) {
    const auto place = decode_record_key(key);
    auto stored = decode_record(value);
    if (!place) return fail(Reason::seal_broken, "a record's key");
    if (!stored) return std::unexpected(stored.error());
    auto secret = archive_.vault.key_of(place->slot);
    if (!secret && secret.error().reason == Reason::erased) return {};
    if (!secret) return std::unexpected(secret.error());
    WipingBuffer plain;
    if (auto ok =
            vault::Vault::open(*secret, associated(key, stored->version), stored->sealed, plain);
        !ok)
      return ok;
    auto reader = RecordReader::over(plain.view());
    if (!reader) return std::unexpected(reader.error());
    const SubjectName name{reader->kind(), std::string(reader->subject())};
    if (seen_.insert(vault::number(place->slot)).second) subject_(name, archive_.vault.label(name));
    return numbers(d, key, stored->version, *reader, name);
  }

  Result<void> numbers(const Dataset& d, std::string_view key, std::uint32_t version,
                       RecordReader& reader, const SubjectName& name) {
    RecordReader::Value value;
    for (;;) {
      auto more = reader.next(value);
      if (!more) return std::unexpected(more.error());
      if (!*more) return {};
      const auto field = archive_.numbers.field_of(d.id, value.field);
      if (!field) continue;
      const FieldType type = d.fields[*field].type;
      if (name.kind != SubjectKind::national_id || !is_number(type)) continue;
      WipingBuffer linked;
      std::string_view text = value.value;
      if (value.linked) {
        auto opened = link_value(archive_.vault, key, version, value, linked);
        if (!opened) return std::unexpected(opened.error());
        text = *opened;
      }
      if (text.empty()) continue;
      number_(SubjectName{SubjectKind::msisdn, std::string(text)}, name);
    }
  }

  const Archive& archive_;
  const Registry::EachSubject& subject_;
  const Registry::EachNumber& number_;
  std::unordered_set<std::uint64_t> seen_;
};

Result<void> traits_of(const Archive& archive, const Dataset& d, std::string_view key,
                       std::string_view stored,
                       const std::function<void(const Registry::Traits&)>& visit) {
  const auto place = decode_record_key(key);
  if (!place) return fail(Reason::seal_broken, "a record's key");
  auto record = open_record(archive, *place);
  if (!record) return std::unexpected(record.error());
  if (!*record || stored.empty()) return {};
  auto reader = RecordReader::over((*record)->plain.view());
  if (!reader) return std::unexpected(reader.error());
  Registry::Traits traits;
  traits.name = SubjectName{reader->kind(), std::string(reader->subject())};
  RecordReader::Value value;
  for (;;) {
    auto more = reader->next(value);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    const auto field = archive.numbers.field_of(d.id, value.field);
    if (!field || value.linked) continue;
    const Trait trait = d.fields[*field].trait;
    if (trait == Trait::sex) traits.sex = value.value;
    if (trait == Trait::birth) traits.born = value.value;
    if (trait == Trait::address) append_folded(value.value, traits.addresses.emplace_back());
  }
  traits.label = archive.vault.label(traits.name);
  traits.tag = archive.vault.tag(traits.name);
  visit(traits);
  return {};
}

}  // namespace

Result<void> Registry::each_subject(const EachSubject& subject, const EachNumber& number) const {
  auto archive = state_->open();
  if (!archive) return std::unexpected(archive.error());
  Walk walk(**archive, subject, number);
  for (const auto& d : (*archive)->catalog.datasets()) {
    if (!d.keep || d.tree) continue;
    if (auto r = walk.dataset(d); !r) return r;
  }
  return {};
}

Result<void> Registry::each_traits(const std::function<void(const Traits&)>& visit) const {
  auto archive = state_->open();
  if (!archive) return std::unexpected(archive.error());
  for (const auto& d : (*archive)->catalog.datasets()) {
    if (!d.keep || d.tree || std::none_of(d.fields.begin(), d.fields.end(), [](const Field& f) {
          return f.trait != Trait::none;
        }))
      continue;
    const std::string prefix(
        subject_prefix((*archive)->numbers.of(d.id), vault::Slot{0}).substr(0, 2));
    Result<void> trouble;
    auto scanned = (*archive)->store.scan(storage::Table::records, prefix, {},
                                          [&](std::string_view key, std::string_view value) {
                                            trouble = traits_of(**archive, d, key, value, visit);
                                            return trouble.has_value();
                                          });
    if (!scanned) return scanned;
    if (!trouble) return trouble;
  }
  return {};
}

}  // namespace amanat::registry
