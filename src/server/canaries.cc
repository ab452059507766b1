// Canaries: invented citizens whom nobody has a reason to ask for. Who they are rests in the spent
// table, sealed under the house key, and nowhere else.
//
// Invariants
//  1. a canary is planted before its first record stands, and is retired after its last is gone: at
//     no moment is there an invented citizen of whom nobody knows;
//  2. new ones are made before old ones are taken out: a register is never without.

#include <algorithm>
#include <cstring>
#include <set>

#include "crypto/crypto.h"
#include "crypto/vrf.h"
#include "server/alerts.h"
#include "server/exchange.h"
#include "server/log.h"
#include "server/state.h"

namespace amanat::server {
namespace {

constexpr std::string_view kCanaryUse = "canaries";
// Of a retired one the label stays: what its leak or its looks left behind is no citizen's.
constexpr std::string_view kCanaryPrefix = "canary/", kBatchPrefix = "canary-batch/",
                           kRetiredPrefix = "canary-retired/";

std::string_view bytes_of_label(const Label& label) {
  return {reinterpret_cast<const char*>(label.data()), label.size()};
}

// label_of is the label without its being kept: a label that is known already makes an answer some
// 60 us quicker, and whoever is planted must not be answered sooner than whoever is not.
Label label_of(const vault::Vault& vault, const SubjectName& name) {
  if (name.kind != SubjectKind::national_id) return vault.label(name);
  const auto beta =
      crypto::vrf_verify(vault.label_key(), crypto::bytes_of(name.value), vault.label_proof(name));
  insist(beta.has_value());
  Label label;
  std::copy_n(beta->begin(), label.size(), label.begin());
  return label;
}

// One planted citizen. Of those planted from a file the label and the department alone are known.
struct Planted {
  std::string key;
  Label label{};
  std::string department, batch, id;  // hex of the batch; the national ID
  bool kin = false;
};

// One making: lines "key value".
struct Batch {
  std::string key, id, department;
  std::uint64_t made_at = 0;
  std::map<std::string, std::uint64_t> records;
};

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::uint64_t number_in(std::string_view text) {
  std::uint64_t n = 0;
  for (const char c : text)
    if (c >= '0' && c <= '9') n = n * 10 + static_cast<std::uint64_t>(c - '0');
  return n;
}

template <class Visit>
Result<void> each_sealed(const storage::Store& store, const vault::Vault& vault,
                         std::string_view prefix, Visit visit) {
  Result<void> opened;
  auto scanned = store.scan(storage::Table::spent, prefix, "",
                            [&](std::string_view key, std::string_view sealed) {
                              WipingBuffer plain;
                              opened = vault.open_house(kCanaryUse, key, sealed, plain);
                              if (opened) visit(key, plain.view());
                              return opened.has_value();
                            });
  if (!scanned) return scanned;
  return opened;
}

Result<void> each_planted(const storage::Store& store, const vault::Vault& vault,
                          const std::function<void(Planted)>& visit) {
  return each_sealed(store, vault, kCanaryPrefix,
                     [&](std::string_view key, std::string_view plain) {
                       Planted one;
                       if (plain.size() < one.label.size()) return;
                       one.key = key;
                       std::memcpy(one.label.data(), plain.data(), one.label.size());
                       const auto lines = lines_of(plain.substr(one.label.size()));
                       if (!lines.empty()) one.department = lines[0];
                       if (lines.size() == 4) {
                         one.batch = lines[1];
                         one.kin = lines[2] == "kin";
                         one.id = lines[3];
                       }
                       visit(std::move(one));
                     });
}

Result<std::vector<Batch>> batches_of(const storage::Store& store, const vault::Vault& vault) {
  std::vector<Batch> batches;
  auto read =
      each_sealed(store, vault, kBatchPrefix, [&](std::string_view key, std::string_view plain) {
        Batch batch;
        batch.key = key;
        batch.id = key.substr(kBatchPrefix.size());
        for (const std::string_view line : lines_of(plain)) {
          const std::size_t space = std::min(line.find(' '), line.size());
          const std::string_view word = line.substr(0, space);
          const std::string_view value = line.substr(std::min(space + 1, line.size()));
          if (word == "department")
            batch.department = value;
          else if (word == "made_at")
            batch.made_at = number_in(value);
          else
            batch.records[std::string(word)] = number_in(value);
        }
        batches.push_back(std::move(batch));
      });
  if (!read) return std::unexpected(read.error());
  return batches;
}

}  // namespace

Result<std::vector<Label>> planted(const storage::Store& store, const vault::Vault& vault) {
  std::vector<Label> labels;
  auto read = each_planted(store, vault, [&](Planted one) { labels.push_back(one.label); });
  if (!read) return std::unexpected(read.error());
  return labels;
}

Result<std::map<std::string, std::uint64_t>> invented_records(const storage::Store& store,
                                                              const vault::Vault& vault) {
  auto batches = batches_of(store, vault);
  if (!batches) return std::unexpected(batches.error());
  std::map<std::string, std::uint64_t> records;
  for (const Batch& batch : *batches)
    for (const auto& [dataset, count] : batch.records) records[dataset] += count;
  return records;
}

// plant_all seals rows of canaries into a batch, writes it and puts them in force. Under `acts`.
Result<std::uint64_t> Exchange::plant_all(storage::Batch& batch) {
  if (auto written = state_->store->write(batch, storage::Durability::synced); !written)
    return std::unexpected(written.error());
  auto labels = planted(*state_->store, *state_->vault);
  if (!labels) return std::unexpected(labels.error());
  state_->detection->canaries(*labels);
  return labels->size();
}

// add_canary puts one row; `more` is empty, or "\nbatch\nkin or citizen\nid".
void Exchange::add_canary(storage::Batch& batch, const SubjectName& name,
                          std::string_view department, std::string_view more) {
  const Label label = label_of(*state_->vault, name);
  const Tag tag = state_->vault->index_tag("canary", std::string(bytes_of_label(label)));
  std::string key(kCanaryPrefix), plain(bytes_of_label(label)), sealed;
  key.append(reinterpret_cast<const char*>(tag.data()), tag.size());
  plain.append(department).append(more);
  state_->vault->seal_house(kCanaryUse, key, plain, sealed);
  wipe(plain.data(), plain.size());
  batch.put(storage::Table::spent, key, sealed);
}

Result<std::uint64_t> Exchange::plant(const std::vector<SubjectName>& canaries,
                                      std::string_view department) {
  const std::lock_guard one(state_->acts);
  storage::Batch batch;
  for (const SubjectName& canary : canaries) add_canary(batch, canary, department, {});
  return plant_all(batch);
}

Result<Exchange::Canaries> Exchange::make_canaries(std::string_view department, std::uint64_t count,
                                                   const CanaryProgress& progress) {
  const std::lock_guard one(state_->acts);
  std::array<std::uint8_t, 8> random;
  crypto::random_bytes(random);
  const std::string id = crypto::hex(random);
  std::string about =
      "department " + std::string(department) + "\nmade_at " + std::to_string(number(now())) + "\n";
  const std::string key = std::string(kBatchPrefix) + id;
  std::string sealed;
  Canaries made;
  registry::Registry::InventOptions options;
  options.citizens = count;
  options.progress = progress;
  options.invented = [this](const SubjectName& name) { return is_invented(name); };
  options.before_write = [&](const registry::Registry::Invented& invented) -> Result<void> {
    storage::Batch batch;
    for (const auto* list : {&invented.citizens, &invented.kin})
      for (const SubjectName& name : *list) {
        const char* what = list == &invented.kin ? "kin" : "citizen";
        add_canary(batch, name, department, "\n" + id + "\n" + what + "\n" + name.value);
        made.numbers.push_back(name.value);
      }
    for (const std::string& number : invented.numbers) made.numbers.push_back(number);
    for (const auto& [dataset, records] : invented.records)
      about += dataset + ' ' + std::to_string(records) + '\n';
    state_->vault->seal_house(kCanaryUse, key, about, sealed);
    batch.put(storage::Table::spent, key, sealed);
    auto in_force = plant_all(batch);
    if (!in_force) return std::unexpected(in_force.error());
    made.made = invented.citizens.size();
    made.kin = invented.kin.size();
    for (const auto& [dataset, records] : invented.records) made.records += records;
    return {};
  };
  auto invented = state_->registry->invent(options);
  if (!invented) return std::unexpected(invented.error());
  return made;
}

Result<std::uint64_t> Exchange::retire_canaries(std::string_view department) {
  auto batches = batches_of(*state_->store, *state_->vault);
  if (!batches) return std::unexpected(batches.error());
  std::set<std::string> all{std::string()};  // those planted from a file
  for (const Batch& batch : *batches)
    if (batch.department == department) all.insert(batch.id);
  return retire(department, all);
}

// retire ends a department's canaries of these batches: first their records, then the knowledge of
// them. What was planted from a file (batch "") has no records of ours.
Result<std::uint64_t> Exchange::retire(std::string_view department,
                                       const std::set<std::string>& old) {
  const std::lock_guard one(state_->acts);
  storage::Batch batch;
  for (const std::string& id : old)
    if (!id.empty()) batch.erase(storage::Table::spent, std::string(kBatchPrefix) + id);
  std::vector<Planted> ended;
  auto read = each_planted(*state_->store, *state_->vault, [&](Planted canary) {
    if (canary.department != department) return;
    if (old.contains(canary.batch)) ended.push_back(std::move(canary));
  });
  if (!read) return std::unexpected(read.error());
  if (ended.empty()) return 0;
  for (const Planted& canary : ended) {
    if (canary.id.empty()) continue;
    auto erased = state_->registry->erase({SubjectKind::national_id, canary.id});
    if (!erased && erased.error().reason != Reason::no_record)
      return std::unexpected(erased.error());
  }
  std::uint64_t retired = 0;
  for (const Planted& canary : ended) {
    batch.erase(storage::Table::spent, canary.key);
    std::string key(kRetiredPrefix), sealed;
    key += canary.key.substr(kCanaryPrefix.size());
    state_->vault->seal_house(kCanaryUse, key, bytes_of_label(canary.label), sealed);
    batch.put(storage::Table::spent, key, sealed);
    retired += canary.kin ? 0 : 1;
  }
  auto in_force = plant_all(batch);
  if (!in_force) return std::unexpected(in_force.error());
  return retired;
}

Result<Exchange::Canaries> Exchange::rotate_canaries(std::string_view department,
                                                     std::uint64_t days,
                                                     const CanaryProgress& progress) {
  const std::uint64_t at = number(now()), age = days * 86'400'000;
  auto batches = batches_of(*state_->store, *state_->vault);
  if (!batches) return std::unexpected(batches.error());
  std::set<std::string> old;
  for (const Batch& batch : *batches)
    if (batch.department == department && batch.made_at + age <= at) old.insert(batch.id);
  if (old.empty()) return Canaries{};
  std::uint64_t count = 0;
  auto read = each_planted(*state_->store, *state_->vault, [&](Planted canary) {
    if (old.contains(canary.batch) && !canary.kin) ++count;
  });
  if (!read) return std::unexpected(read.error());
  auto made = make_canaries(department, count, progress);
  if (!made) return made;
  auto retired = retire(department, old);
  if (!retired) return std::unexpected(retired.error());
  made->retired = *retired;
  return made;
}

Result<std::vector<Exchange::CanaryBatch>> Exchange::canary_batches() const {
  auto batches = batches_of(*state_->store, *state_->vault);
  if (!batches) return std::unexpected(batches.error());
  std::map<std::string, CanaryBatch> by_id;
  for (const Batch& batch : *batches) by_id[batch.id] = {batch.department, batch.made_at, 0, 0};
  auto read = each_planted(*state_->store, *state_->vault, [&](Planted canary) {
    CanaryBatch& batch = by_id[canary.batch.empty() ? "file " + canary.department : canary.batch];
    batch.department = canary.department;
    ++(canary.kin ? batch.kin : batch.citizens);
  });
  if (!read) return std::unexpected(read.error());
  std::vector<CanaryBatch> out;
  for (auto& [id, batch] : by_id) out.push_back(std::move(batch));
  std::sort(out.begin(), out.end(), [](const CanaryBatch& a, const CanaryBatch& b) {
    return a.department != b.department ? a.department < b.department : a.made_at < b.made_at;
  });
  return out;
}

Result<std::set<Label>> Exchange::invented() const {
  std::set<Label> labels;
  auto living = planted(*state_->store, *state_->vault);
  if (!living) return std::unexpected(living.error());
  labels.insert(living->begin(), living->end());
  auto read = each_sealed(*state_->store, *state_->vault, kRetiredPrefix,
                          [&](std::string_view, std::string_view plain) {
                            Label label{};
                            if (plain.size() != label.size()) return;
                            std::memcpy(label.data(), plain.data(), label.size());
                            labels.insert(label);
                          });
  if (!read) return std::unexpected(read.error());
  return labels;
}

// tell_of_canaries raises the silent alert of an act that names invented citizens. Whoever acts
// learns nothing: the act is done as any other.
void Exchange::State::tell_of_canaries(const std::vector<SubjectName>& named, const Asker& by,
                                       const std::string& case_ref, const char* what) {
  for (const SubjectName& name : named)
    if (name.kind == SubjectKind::national_id)
      detection->touched(by, label_of(*vault, name), case_ref, what);
}

bool Exchange::is_invented(const SubjectName& name) const {
  return state_->detection->is_canary(label_of(*state_->vault, name));
}

}  // namespace amanat::server
