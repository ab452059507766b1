// Every version that is kept of a citizen's records. For the trace, never for an answer.

#include <algorithm>
#include <tuple>

#include "registry/fetch.h"
#include "registry/registry.h"
#include "registry/state.h"

namespace amanat::registry {
namespace {

/// Gathering reads the versions of one subject's records.
class Gathering {
 public:
  explicit Gathering(const Archive& archive) : archive_(archive) {}

  Result<void> subject(vault::Slot slot) {
    auto secret = archive_.vault.key_of(slot);
    if (!secret && secret.error().reason == Reason::erased) return {};
    if (!secret) return std::unexpected(secret.error());
    for (const auto& dataset : archive_.catalog.datasets()) {
      if (!dataset.keep || dataset.tree) continue;
      const std::string prefix = subject_prefix(archive_.numbers.of(dataset.id), slot);
      for (const auto table : {storage::Table::records, storage::Table::past}) {
        Result<void> trouble;
        auto scanned = archive_.store.scan(
            table, prefix, {}, [&](std::string_view key, std::string_view value) {
              trouble = take(dataset, key.substr(0, kRecordKeyBytes), value, *secret);
              return trouble.has_value();
            });
        if (!scanned) return scanned;
        if (!trouble) return trouble;
      }
    }
    return {};
  }

  std::vector<Registry::Version> finish() {
    const auto order = [](const Registry::Version& v) {
      return std::tuple(number(v.dataset), v.record, v.version);
    };
    std::ranges::sort(found_, {}, order);
    return std::move(found_);
  }

 private:
  Result<void> take(const Dataset& dataset, std::string_view key, std::string_view value,
                    const Key256& secret) {
    const auto place = decode_record_key(key);
    auto stored = decode_record(value);
    if (!place) return fail(Reason::seal_broken, "a record's key");
    if (!stored) return std::unexpected(stored.error());
    WipingBuffer plain;
    if (auto ok =
            vault::Vault::open(secret, associated(key, stored->version), stored->sealed, plain);
        !ok)
      return ok;
    auto reader = RecordReader::over(plain.view());
    if (!reader) return std::unexpected(reader.error());
    Registry::Version out{dataset.id, place->record, stored->version, stored->taken_in, {}};
    RecordReader::Value one;
    for (;;) {
      auto more = reader->next(one);
      if (!more) return std::unexpected(more.error());
      if (!*more) break;
      const auto field = archive_.numbers.field_of(dataset.id, one.field);
      if (!field || !dataset.fields[*field].table_id) continue;
      WipingBuffer linked;
      std::string_view text = one.value;
      if (one.linked) {
        auto opened = link_value(archive_.vault, key, stored->version, one, linked);
        if (!opened) return std::unexpected(opened.error());
        text = *opened;
      }
      if (!text.empty()) out.values.emplace_back(*dataset.fields[*field].table_id, text);
    }
    std::ranges::sort(out.values);
    if (!out.values.empty()) found_.push_back(std::move(out));
    return {};
  }

  const Archive& archive_;
  std::vector<Registry::Version> found_;
};

}  // namespace

Result<std::vector<Registry::Version>> Registry::versions_of(const SubjectName& citizen) const {
  auto archive = state_->open();
  if (!archive) return std::unexpected(archive.error());
  auto row = find_subject((*archive)->store, (*archive)->vault.tag(citizen));
  if (!row) return std::unexpected(row.error());
  Gathering gathering(**archive);
  if (!*row) return gathering.finish();
  if (auto r = gathering.subject((*row)->slot); !r) return std::unexpected(r.error());
  // Numbers that were theirs, as far as nobody else held them: another holder's calls are his.
  std::vector<std::string> numbers;
  for (const Holding how : {Holding::current, Holding::exclusive}) {
    auto held = numbers_of(**archive, (*row)->slot, how);
    if (!held) return std::unexpected(held.error());
    numbers.insert(numbers.end(), held->begin(), held->end());
  }
  std::ranges::sort(numbers);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  for (auto& one : numbers) {
    auto other = find_subject((*archive)->store,
                              (*archive)->vault.tag({SubjectKind::msisdn, std::move(one)}));
    if (!other) return std::unexpected(other.error());
    if (*other && (*other)->has_records && (*other)->slot != (*row)->slot)
      if (auto r = gathering.subject((*other)->slot); !r) return std::unexpected(r.error());
  }
  return gathering.finish();
}

}  // namespace amanat::registry
