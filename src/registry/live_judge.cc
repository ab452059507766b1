// A department's reply: the same rules as an import's, one citizen's records alone, and a sealed
// copy of what may be shown, because departments overwrite and a leak is traced by the values of
// its day. Copies lie among the past versions, under a record name of their own: nothing finds them
// by searching, erasure takes them with everything else of the citizen.

#include <algorithm>
#include <set>
#include <tuple>

#include "crypto/crypto.h"
#include "model/insist.h"
#include "registry/judge.h"
#include "registry/live.h"
#include "registry/normalise.h"

namespace amanat::registry {
namespace {

/// Row is one judged record before it is kept.
struct Row {
  std::string key;  // folded
  std::int64_t order = 0;
  std::vector<std::pair<std::size_t, std::string>> values;  // of wanted fields, as kept
  ~Row() {
    for (auto& [field, value] : values) wipe(value.data(), value.size());
  }
  Row() = default;
  Row(Row&&) noexcept = default;
  Row& operator=(Row&&) noexcept = default;
  Row(const Row&) = delete;
  Row& operator=(const Row&) = delete;
};

bool holds(const std::vector<std::size_t>& list, std::size_t one) {
  return std::ranges::find(list, one) != list.end();
}

/// Judging reads one reply.
class Judging {
 public:
  Judging(const Rules& rules, const Dataset& dataset, const LiveWant& want)
      : dataset_(dataset),
        lenient_(dataset),
        want_(want),
        asked_(asked_of(dataset, want)),
        judge_(rules, lenient_) {
    // What was not asked for cannot be missing; what was is looked at here.
    for (Field& field : lenient_.fields) field.required = false;
  }

  Result<std::vector<Row>> rows(const LiveCells& cells) {
    std::vector<Row> out;
    for (const auto& one : cells) {
      auto row = judged(one);
      if (!row) return std::unexpected(row.error());
      if (!*row) continue;
      const auto twin = std::ranges::find(out, (*row)->key, &Row::key);
      if (twin == out.end())
        out.push_back(**std::move(row));
      else if (twin->values != (*row)->values)
        return fail(Reason::department_value_wrong, dataset_.name + ": one record twice");
    }
    for (Row& row : out)
      std::erase_if(row.values, [&](const auto& v) { return dirty_.contains(v.first); });
    std::ranges::sort(out, [](const Row& a, const Row& b) {
      return std::tie(a.order, a.key) < std::tie(b.order, b.key);
    });
    return out;
  }
  const std::set<std::size_t>& dirty() const { return dirty_; }

 private:
  /// settle judges again without each cell that breaks its rule, and remembers the field.
  Result<std::span<const Value>> settle(RawRow& raw, std::set<std::size_t>& wrong) {
    for (;;) {
      const auto fault = judge_.judge(raw);
      if (!fault) break;
      const bool names = fault->field == *dataset_.subject || holds(dataset_.key, fault->field);
      if (fault->whole_row || names || raw.cells[fault->field].empty())
        return fail(Reason::department_value_wrong, dataset_.fields[fault->field].id + ": " +
                                                        std::string(row_of(fault->reason).id));
      wrong.insert(fault->field);
      raw.cells[fault->field] = {};
    }
    return judge_.copy(0);
  }

  bool inside(std::span<const Value> values, std::int64_t& order) const {
    if (!dataset_.window_from) return true;
    const auto begin = seconds_of(values[*dataset_.window_from].value);
    order = begin.value_or(0);
    const Window& w = want_.window;
    if (w.open()) return true;
    if (!begin || *begin >= w.to) return false;
    if (!dataset_.window_to) return *begin >= w.from;
    const auto end = seconds_of(values[*dataset_.window_to].value);
    return !end || *end > w.from;
  }

  Result<std::optional<Row>> judged(const std::vector<std::string>& cells) {
    RawRow raw;
    raw.cells.assign(cells.begin(), cells.end());
    insist(raw.cells.size() == dataset_.fields.size());
    std::set<std::size_t> wrong;
    auto values = settle(raw, wrong);
    if (!values) return std::unexpected(values.error());
    if ((*values)[*dataset_.subject].value != want_.name.value)
      return fail(Reason::department_reply_wrong, dataset_.name + ": a record of another citizen");
    Row row;
    for (const std::size_t k : dataset_.key) {
      if ((*values)[k].value.empty())
        return fail(Reason::department_value_wrong, dataset_.fields[k].id + ": missing");
      append_folded((*values)[k].value, row.key);
      row.key.push_back('\x1f');
    }
    for (const std::size_t f : asked_)
      if (dataset_.fields[f].required && (*values)[f].value.empty()) wrong.insert(f);
    if (!inside(*values, row.order)) return std::nullopt;
    dirty_.insert(wrong.begin(), wrong.end());
    for (const auto& wanted : want_.fields)
      if (!(*values)[wanted.field].value.empty())
        row.values.emplace_back(wanted.field, (*values)[wanted.field].value);
    return row;
  }

  const Dataset& dataset_;
  Dataset lenient_;
  const LiveWant& want_;
  const std::vector<std::size_t> asked_;
  Judge judge_;
  std::set<std::size_t> dirty_;
};

/// Keeping finds or makes the version of each record.
class Keeping {
 public:
  Keeping(Archive& archive, const Dataset& dataset, const SubjectName& name)
      : archive_(archive), dataset_(dataset), name_(name), tag_(archive.vault.tag(name)) {}

  /// known gives every row the version it was kept as before; false: some are new.
  Result<bool> known(const std::vector<Row>& rows, std::vector<LiveFound::Record>& out) {
    out.assign(rows.size(), {});
    greatest_.clear();
    auto subject = find_subject(archive_.store, tag_);
    if (!subject) return std::unexpected(subject.error());
    if (!*subject) {
      greatest_.assign(rows.size(), 0);
      return rows.empty();
    }
    slot_ = (*subject)->slot;
    auto key = archive_.vault.key_of(*slot_);
    if (!key) return std::unexpected(key.error());
    bool all = true;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto found = find(rows[i], *key, out[i]);
      if (!found) return found;
      all = all && *found;
    }
    return all;
  }

  /// keep writes what is new, durably. The archive's `writing` is held.
  Result<void> keep(const std::vector<Row>& rows, std::vector<LiveFound::Record>& out) {
    auto there = known(rows, out);
    if (!there) return std::unexpected(there.error());
    if (*there) return {};
    storage::Batch batch;
    if (!slot_)
      if (auto made = make_subject(batch); !made) return made;
    auto key = archive_.vault.key_of(*slot_);
    if (!key) return std::unexpected(key.error());
    std::uint64_t records = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (out[i].version > 0) continue;
      if (greatest_[i] == 0) ++records;
      out[i].version = greatest_[i] + 1;
      put(rows[i], *key, out[i], batch);
    }
    auto count = read_count(archive_.store, dataset_.name);
    if (!count) return std::unexpected(count.error());
    batch.put(storage::Table::settings, count_key(dataset_.name), encode_count(*count + records));
    if (auto written = archive_.store.write(batch, storage::Durability::synced); !written)
      return written;
    ++archive_.generation;
    return {};
  }

 private:
  Result<void> make_subject(storage::Batch& batch) {
    std::string stored;
    auto row = archive_.store.get(storage::Table::subjects, view(tag_), stored);
    if (!row) return std::unexpected(row.error());
    if (*row) return fail(Reason::erased);  // an erasure began: it is finished first
    auto slot = archive_.vault.make_slot();
    if (!slot) return std::unexpected(slot.error());
    if (auto synced = archive_.vault.sync_slots(); !synced) return synced;
    slot_ = *slot;
    batch.put(storage::Table::subjects, view(tag_), encode(SubjectRow{*slot, false, false, {}}));
    return {};
  }
  std::string key_of(const Row& row, Tag& record) const {
    record = archive_.vault.record_tag(dataset_.name + "/live", row.key);
    std::string out;
    append(out, RecordKey{archive_.numbers.of(dataset_.id), *slot_, record});
    return out;
  }
  RowDigest digest(const Row& row, const Key256& key) const {
    crypto::Hmac mac(key.bytes());
    std::string text = "live";
    for (const auto& [field, value] : row.values) {
      text.push_back('\0');
      text.push_back(static_cast<char>(archive_.numbers.of(dataset_.id, field)));
      text += value;
    }
    const Digest full = mac.mac(text);
    wipe(text.data(), text.size());
    RowDigest out;
    std::copy_n(full.begin(), out.size(), out.begin());
    return out;
  }
  Result<bool> find(const Row& row, const Key256& key, LiveFound::Record& out) {
    const std::size_t place = greatest_.size();
    greatest_.push_back(0);
    const std::string prefix = key_of(row, out.record);
    const RowDigest wanted = digest(row, key);
    out.version = 0;
    Result<void> trouble;
    auto scanned = archive_.store.scan(
        storage::Table::past, prefix, {}, [&](std::string_view, std::string_view value) {
          auto stored = decode_record(value);
          if (!stored) trouble = std::unexpected(stored.error());
          if (!trouble) return false;
          greatest_[place] = std::max(greatest_[place], stored->version);
          if (stored->digest != wanted) return true;
          out.version = stored->version;
          return false;
        });
    if (!scanned) return std::unexpected(scanned.error());
    if (!trouble) return std::unexpected(trouble.error());
    return out.version > 0;
  }
  void put(const Row& row, const Key256& key, LiveFound::Record& at, storage::Batch& batch) {
    const std::string name = key_of(row, at.record);
    std::string plain, sealed, value;
    RecordWriter writer(plain);
    writer.subject(name_.kind, name_.value);
    for (const auto& [field, text] : row.values) {
      const std::uint8_t number = archive_.numbers.of(dataset_.id, field);
      if (field == *dataset_.subject)
        writer.subject_value(number, {});
      else
        writer.value(number, text, {});
    }
    StoredRecord stored;
    stored.version = at.version;
    stored.taken_in = now();
    stored.digest = digest(row, key);
    vault::Vault::seal(key, associated(name, at.version), plain, sealed);
    wipe(plain.data(), plain.size());
    stored.sealed = sealed;
    append(value, stored);
    batch.put(storage::Table::past, past_key(name, at.version), value);
  }

  Archive& archive_;
  const Dataset& dataset_;
  const SubjectName& name_;
  const Tag tag_;
  std::optional<vault::Slot> slot_;
  std::vector<std::uint32_t> greatest_;  // version of each row's record; 0: there is none
};

}  // namespace

std::vector<std::size_t> asked_of(const Dataset& dataset, const LiveWant& want) {
  std::set<std::size_t> out(dataset.key.begin(), dataset.key.end());
  out.insert(*dataset.subject);
  for (const auto& wanted : want.fields) out.insert(wanted.field);
  if (!want.window.open()) {
    if (dataset.window_from) out.insert(*dataset.window_from);
    if (dataset.window_to) out.insert(*dataset.window_to);
  }
  return {out.begin(), out.end()};
}

Result<LiveFound> judge_live(Archive& archive, const Dataset& dataset, const LiveWant& want,
                             const LiveCells& cells) {
  Judging judging(archive.catalog.rules(), dataset, want);
  auto rows = judging.rows(cells);
  if (!rows) return std::unexpected(rows.error());
  LiveFound out;
  for (const auto& wanted : want.fields)
    if (judging.dirty().contains(wanted.field)) out.dirty.push_back(wanted.id);
  {
    // Mostly it is what was kept the last time, and nothing has to be written.
    Keeping keeping(archive, dataset, want.name);
    auto known = keeping.known(*rows, out.records);
    if (!known) return std::unexpected(known.error());
    if (!*known) {
      const std::lock_guard writing(archive.writing);
      Keeping again(archive, dataset, want.name);
      if (auto kept = again.keep(*rows, out.records); !kept) return std::unexpected(kept.error());
    }
  }
  for (std::size_t i = 0; i < rows->size(); ++i) {
    LiveFound::Record& record = out.records[i];
    record.order = (*rows)[i].order;
    for (const auto& wanted : want.fields)
      for (const auto& [field, value] : (*rows)[i].values)
        if (field == wanted.field)
          record.values.emplace_back(wanted.id,
                                     out.text.append(wanted.level == Level::exists ? "*" : value));
    std::ranges::sort(record.values, {}, [](const auto& v) { return number(v.first); });
  }
  return out;
}

}  // namespace amanat::registry
