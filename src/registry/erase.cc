// Erasure. In this order, so that a crash at any point leaves either a citizen who is still there
// or an erasure that the next call finishes:
//   1. one synced batch deletes records, past versions and postings of the citizen and of the
//      numbers only they held, and marks the citizen's row with every slot that must die;
//   2. the keys of those slots are destroyed;
//   3. the row goes, and the files are rewritten without what was deleted.

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "model/insist.h"
#include "registry/fetch.h"
#include "registry/normalise.h"
#include "registry/registry.h"
#include "registry/state.h"

namespace amanat::registry {
namespace {

/// Erasing collects what goes.
class Erasing {
 public:
  explicit Erasing(Archive& archive) : archive_(archive) {}

  /// forget_subject takes out all that rests under one slot, and what points to it by name.
  Result<void> forget_subject(const SubjectName& name, vault::Slot slot) {
    slots_.push_back(slot);
    for (const auto& d : archive_.catalog.datasets()) {
      if (!d.keep || d.tree) continue;
      const std::string prefix = subject_prefix(archive_.numbers.of(d.id), slot);
      if (auto ok = forget_records(d, prefix, slot); !ok) return ok;
      if (auto ok = forget_past(d, prefix); !ok) return ok;
      // Other people's records name this subject by links; the links die with the key, the
      // postings that lead from here to them must go too.
      for (const auto& f : d.fields)
        if (f.indexed() && !f.link.empty())
          if (auto ok = forget_postings(archive_.vault.index_tag(f.id, folded(name.value))); !ok)
            return ok;
    }
    return {};
  }

  storage::Batch& batch() { return batch_; }
  const std::vector<vault::Slot>& slots() const { return slots_; }
  std::uint64_t records() const { return records_; }

  Result<void> count_down() {
    for (const auto& [dataset, removed] : removed_) {
      auto count = read_count(archive_.store, dataset);
      if (!count) return std::unexpected(count.error());
      batch_.put(storage::Table::settings, count_key(dataset),
                 encode_count(*count - std::min(*count, removed)));
    }
    return {};
  }

  /// purge rewrites the files that held what went.
  Result<void> purge() {
    for (const auto& [table, prefix] : prefixes_)
      if (auto ok = archive_.store.purge(table, prefix); !ok) return ok;
    return {};
  }
  void touch(storage::Table table, std::string prefix) {
    prefixes_.emplace_back(table, std::move(prefix));
  }

 private:
  static std::string folded(std::string_view text) {
    std::string out;
    append_folded(text, out);
    return out;
  }

  Result<void> forget_records(const Dataset& d, const std::string& prefix, vault::Slot slot) {
    std::vector<std::pair<std::string, std::string>> stored;
    auto scanned = archive_.store.scan(storage::Table::records, prefix, {},
                                       [&](std::string_view k, std::string_view v) {
                                         stored.emplace_back(k, v);
                                         return true;
                                       });
    if (!scanned) return scanned;
    if (stored.empty()) return {};
    touch(storage::Table::records, prefix);
    records_ += stored.size();
    removed_[d.name] += stored.size();  // once a dataset, however many numbers' records go
    auto secret = archive_.vault.key_of(slot);
    if (!secret && secret.error().reason != Reason::erased) return std::unexpected(secret.error());
    for (const auto& [key, value] : stored) {
      batch_.erase(storage::Table::records, key);
      if (!secret) continue;  // its postings lead to nothing; nothing is left to find them by
      auto record = decode_record(value);
      if (!record) return std::unexpected(record.error());
      WipingBuffer plain;
      if (auto ok =
              vault::Vault::open(*secret, associated(key, record->version), record->sealed, plain);
          !ok)
        return ok;
      auto tags = index_tags(archive_, d, key, record->version, plain.view());
      if (!tags) return std::unexpected(tags.error());
      for (const Tag& tag : *tags) {
        const std::string posting = posting_key(tag, key);
        batch_.erase(storage::Table::index, posting);
        touch(storage::Table::index, posting);
      }
    }
    return {};
  }

  Result<void> forget_past(const Dataset& d, const std::string& prefix) {
    bool any = false;
    std::set<std::string> kept;  // records of a live dataset: past versions are all there is of them
    auto scanned = archive_.store.scan(storage::Table::past, prefix, {},
                                       [&](std::string_view k, std::string_view) {
                                         batch_.erase(storage::Table::past, k);
                                         if (d.live) kept.emplace(k.substr(0, kRecordKeyBytes));
                                         return any = true;
                                       });
    records_ += kept.size();
    if (!kept.empty()) removed_[d.name] += kept.size();
    if (any) touch(storage::Table::past, prefix);
    return scanned;
  }

  Result<void> forget_postings(const Tag& tag) {
    bool any = false;
    auto scanned = archive_.store.scan(storage::Table::index, view(tag), {},
                                       [&](std::string_view k, std::string_view) {
                                         batch_.erase(storage::Table::index, k);
                                         return any = true;
                                       });
    if (any) touch(storage::Table::index, std::string(view(tag)));
    return scanned;
  }

  Archive& archive_;
  storage::Batch batch_;
  std::vector<vault::Slot> slots_;
  std::map<std::string, std::uint64_t> removed_;
  std::vector<std::pair<storage::Table, std::string>> prefixes_;
  std::uint64_t records_ = 0;
};

/// forget_numbers adds the numbers that only this citizen ever held.
Result<void> forget_numbers(Archive& archive, Erasing& erasing, vault::Slot slot) {
  auto numbers = numbers_of(archive, slot, Holding::exclusive);
  if (!numbers) {
    if (numbers.error().reason == Reason::erased) return {};
    return std::unexpected(numbers.error());
  }
  for (const auto& number : *numbers) {
    const SubjectName name{SubjectKind::msisdn, number};
    const Tag tag = archive.vault.tag(name);
    auto row = find_subject(archive.store, tag);
    if (!row) return std::unexpected(row.error());
    if (!*row) continue;
    if (auto ok = erasing.forget_subject(name, (*row)->slot); !ok) return ok;
    erasing.batch().erase(storage::Table::subjects, view(tag));
    erasing.touch(storage::Table::subjects, std::string(view(tag)));
  }
  return {};
}

}  // namespace

Result<Registry::Erased> Registry::erase(const SubjectName& citizen) {
  auto opened = state_->open();
  if (!opened) return std::unexpected(opened.error());
  Archive& archive = **opened;
  std::unique_lock writing(archive.writing);
  const Tag tag = archive.vault.tag(citizen);
  std::string stored;
  auto found = archive.store.get(storage::Table::subjects, view(tag), stored);
  if (!found) return std::unexpected(found.error());
  if (!*found) return fail(Reason::no_record);
  auto row = decode_subject(stored);
  if (!row) return std::unexpected(row.error());

  Erased out;
  out.label = archive.vault.label(citizen);
  Erasing erasing(archive);
  std::vector<vault::Slot> slots = row->also;
  if (!row->erasing) {
    if (auto ok = forget_numbers(archive, erasing, row->slot); !ok)
      return std::unexpected(ok.error());
    if (auto ok = erasing.forget_subject(citizen, row->slot); !ok)
      return std::unexpected(ok.error());
    if (auto ok = erasing.count_down(); !ok) return std::unexpected(ok.error());
    slots = erasing.slots();
    erasing.batch().put(storage::Table::subjects, view(tag),
                        encode(SubjectRow{row->slot, false, true, slots}));
    if (auto ok = archive.store.write(erasing.batch(), storage::Durability::synced); !ok)
      return std::unexpected(ok.error());
    ++archive.generation;
  }
  for (const auto slot : slots) {
    if (auto ok = archive.vault.destroy(slot); !ok) return std::unexpected(ok.error());
    ++out.keys;
  }
  storage::Batch last;
  last.erase(storage::Table::subjects, view(tag));
  if (auto ok = archive.store.write(last, storage::Durability::synced); !ok)
    return std::unexpected(ok.error());
  ++archive.generation;
  writing.unlock();  // the rewriting of files is slow, and changes nothing that is read
  erasing.touch(storage::Table::subjects, std::string(view(tag)));
  if (auto ok = erasing.purge(); !ok) return std::unexpected(ok.error());
  out.records = erasing.records();
  insist(out.keys > 0);
  return out;
}

}  // namespace amanat::registry
