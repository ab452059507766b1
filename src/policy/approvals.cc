#include "policy/approvals.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "model/insist.h"
#include "policy/bytes.h"

namespace amanat::policy {
namespace {

constexpr std::string_view kUse = "approvals";
constexpr std::string_view kWaitingRow = "waiting/";
constexpr std::string_view kPairRow = "approved/";
constexpr std::uint64_t kPairsMs = 30 * kDayMs;
constexpr std::size_t kReciprocalMax = 3;
constexpr std::size_t kDecisionsMax = 16;
constexpr std::size_t kRolesMax = 64;

std::string fresh_id() {
  std::array<std::uint8_t, 8> id;
  crypto::random_bytes(id);
  return crypto::hex(id);
}

std::string row_of(std::string_view kind, std::string_view id) {
  std::string row(kind);
  row += id;
  return row;
}

}  // namespace

std::string encode(const Waiting& w) {
  std::string out;
  put(out, 1, 1);
  put(out, w.id);
  out += bytes_of(w.question_hash);
  put(out, w.question.size(), 4);
  out += w.question;
  put(out, number(w.asker), 4);
  for (const std::string* text : {&w.asker_id, &w.department, &w.unit}) put(out, *text);
  put(out, w.roles.size(), 2);
  for (const auto& role : w.roles) put(out, role);
  put(out, w.asked, 8);
  put(out, w.expires, 8);
  put(out, w.wanted, 1);
  put(out, static_cast<std::uint8_t>(w.approver), 1);
  put(out, w.decided.size(), 2);
  for (const Approval& a : w.decided) {
    put(out, number(a.approver), 4);
    put(out, a.approver_id);
    for (const bool flag : {a.approved, a.superior, a.other_unit, a.taken})
      put(out, flag ? 1 : 0, 1);
    put(out, a.until, 8);
    put(out, a.decided, 8);
    put(out, a.reason);
  }
  return out;
}

std::optional<Waiting> decode_waiting(std::string_view bytes) {
  Taker take(bytes);
  if (take.number(1) != 1) return std::nullopt;
  Waiting w;
  w.id = take.text();
  w.question_hash = take.array<32>();
  w.question = std::string(take.take(take.count(4, 1 << 20)));
  w.asker = AccountId{static_cast<std::uint32_t>(take.number(4))};
  for (std::string* text : {&w.asker_id, &w.department, &w.unit}) *text = take.text();
  const std::size_t roles = take.count(2, kRolesMax);
  for (std::size_t i = 0; i < roles && !take.broken(); ++i) w.roles.push_back(take.text());
  w.asked = take.number(8);
  w.expires = take.number(8);
  w.wanted = static_cast<unsigned>(take.number(1));
  const std::uint64_t approver = take.number(1);
  if (approver >= kApprovers) return std::nullopt;
  w.approver = static_cast<Approver>(approver);
  const std::size_t decided = take.count(2, kDecisionsMax);
  for (std::size_t i = 0; i < decided && !take.broken(); ++i) {
    Approval a;
    a.approver = AccountId{static_cast<std::uint32_t>(take.number(4))};
    a.approver_id = take.text();
    for (bool* flag : {&a.approved, &a.superior, &a.other_unit, &a.taken}) *flag = take.flag();
    a.until = take.number(8);
    a.decided = take.number(8);
    a.reason = take.text();
    w.decided.push_back(std::move(a));
  }
  if (!take.whole()) return std::nullopt;
  return w;
}

Result<void> Approvals::load(Moment at) {
  const std::lock_guard lock(mutex_);
  Result<void> loaded;
  std::vector<std::string> dead;
  auto scanned = store_.scan(storage::Table::settings, kWaitingRow, "",
                             [&](std::string_view key, std::string_view sealed) {
                               WipingBuffer plain;
                               loaded = vault_.open_house(kUse, key, sealed, plain);
                               if (!loaded) return false;
                               auto one = decode_waiting(plain.view());
                               if (!one || row_of(kWaitingRow, one->id) != key) {
                                 loaded = fail(Reason::store_failed, "a waiting question's row");
                                 return false;
                               }
                               if (one->expires <= number(at)) {
                                 dead.emplace_back(key);
                                 return true;
                               }
                               ++askers_[one->asker];
                               const std::string id = one->id;
                               waiting_.emplace(id, *std::move(one));
                               return true;
                             });
  if (!scanned) return scanned;
  if (!loaded) return loaded;
  scanned = store_.scan(storage::Table::settings, kPairRow, "",
                        [&](std::string_view key, std::string_view sealed) {
                          WipingBuffer plain;
                          loaded = vault_.open_house(kUse, key, sealed, plain);
                          if (!loaded) return false;
                          Taker take(plain.view());
                          Pair pair;
                          pair.approver = AccountId{static_cast<std::uint32_t>(take.number(4))};
                          pair.asker = AccountId{static_cast<std::uint32_t>(take.number(4))};
                          pair.at = take.number(8);
                          if (!take.whole()) {
                            loaded = fail(Reason::store_failed, "an approval's row");
                            return false;
                          }
                          if (pair.at + kPairsMs <= number(at))
                            dead.emplace_back(key);
                          else
                            pairs_.push_back(pair);
                          return true;
                        });
  if (!scanned) return scanned;
  if (!loaded || dead.empty()) return loaded;
  storage::Batch batch;
  for (const auto& key : dead) batch.erase(storage::Table::settings, key);
  return store_.write(batch, storage::Durability::buffered);
}

Result<void> Approvals::save(const Waiting& one) {
  const std::string key = row_of(kWaitingRow, one.id);
  std::string sealed;
  vault_.seal_house(kUse, key, encode(one), sealed);
  storage::Batch batch;
  batch.put(storage::Table::settings, key, sealed);
  return store_.write(batch, storage::Durability::synced);
}

// forget drops what has expired; the caller has the lock.
void Approvals::forget(std::uint64_t at) {
  storage::Batch batch;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (it->second.expires > at) {
      ++it;
      continue;
    }
    batch.erase(storage::Table::settings, row_of(kWaitingRow, it->first));
    if (--askers_[it->second.asker] == 0) askers_.erase(it->second.asker);
    it = waiting_.erase(it);
  }
  std::erase_if(pairs_, [&](const Pair& pair) { return pair.at + kPairsMs <= at; });
  // What stays on disk is dropped by the next load.
  if (!batch.empty())
    if (auto written = store_.write(batch, storage::Durability::buffered); !written) return;
}

Result<std::string> Approvals::wait(Waiting one) {
  insist(one.expires > one.asked && one.expires - one.asked <= kDayMs);
  const std::lock_guard lock(mutex_);
  forget(one.asked);
  for (auto& [id, there] : waiting_)
    if (there.asker == one.asker && there.question_hash == one.question_hash) return id;
  if (waiting_.size() >= kWaitingMax) return fail(Reason::waiting_full, "of everybody");
  if (const auto n = askers_.find(one.asker); n != askers_.end() && n->second >= kWaitingOfOneMax)
    return fail(Reason::waiting_full);
  one.id = fresh_id();
  if (auto saved = save(one); !saved) return std::unexpected(saved.error());
  ++askers_[one.asker];
  std::string id = one.id;
  waiting_.emplace(id, std::move(one));
  return id;
}

std::optional<Waiting> Approvals::find(std::string_view id, Moment at) const {
  const std::lock_guard lock(mutex_);
  const auto found = waiting_.find(id);
  if (found == waiting_.end() || found->second.expires <= number(at)) return std::nullopt;
  return found->second;
}

std::vector<Waiting> Approvals::list(Moment at) const {
  const std::lock_guard lock(mutex_);
  std::vector<Waiting> all;
  for (const auto& [id, one] : waiting_)
    if (one.expires > number(at)) all.push_back(one);
  return all;
}

Result<void> Approvals::decide(std::string_view id, const Approval& approval, Moment at) {
  const std::lock_guard lock(mutex_);
  const auto found = waiting_.find(id);
  if (found == waiting_.end() || found->second.expires <= number(at))
    return fail(Reason::approval_unknown);
  Waiting& one = found->second;
  if (one.asker == approval.approver) return fail(Reason::approver_wrong, "it is your own");
  if (one.decided.size() >= kDecisionsMax) return fail(Reason::approver_wrong, "it is decided");
  for (const Approval& before : one.decided)
    if (before.approver == approval.approver)
      return fail(Reason::approver_wrong, "you have decided it");
  std::size_t mine = 0, theirs = 0;
  for (const Pair& pair : pairs_) {
    if (pair.at + kPairsMs <= number(at)) continue;
    if (pair.approver == approval.approver && pair.asker == one.asker) ++mine;
    if (pair.approver == one.asker && pair.asker == approval.approver) ++theirs;
  }
  // A superior who approves for the own people is no ring: only where both approve each other.
  if (approval.approved && theirs > 0 && mine + theirs >= kReciprocalMax)
    return fail(Reason::approver_ring);
  Waiting changed = one;
  changed.decided.push_back(approval);
  const std::string key = row_of(kWaitingRow, one.id);
  std::string sealed;
  vault_.seal_house(kUse, key, encode(changed), sealed);
  storage::Batch batch;
  batch.put(storage::Table::settings, key, sealed);
  const Pair pair{approval.approver, one.asker, number(at)};
  if (approval.approved) {
    const std::string pair_key = row_of(kPairRow, fresh_id());
    std::string plain, pair_sealed;
    put(plain, number(pair.approver), 4);
    put(plain, number(pair.asker), 4);
    put(plain, pair.at, 8);
    vault_.seal_house(kUse, pair_key, plain, pair_sealed);
    batch.put(storage::Table::settings, pair_key, pair_sealed);
  }
  if (auto written = store_.write(batch, storage::Durability::synced); !written) return written;
  if (approval.approved) pairs_.push_back(pair);
  one = std::move(changed);
  return {};
}

bool Approvals::has(AccountId asker) const {
  const std::lock_guard lock(mutex_);
  return askers_.contains(asker);
}

Result<std::shared_ptr<Approvals::Held>> Approvals::take(AccountId asker,
                                                         const Digest& question_hash, Moment at) {
  const std::lock_guard lock(mutex_);
  for (auto& [id, one] : waiting_) {
    if (one.asker != asker || one.question_hash != question_hash || one.expires <= number(at))
      continue;
    Waiting taken = one;
    std::array<unsigned, kApprovers> counts{};
    bool refused = false;
    for (Approval& a : taken.decided) {
      refused |= !a.approved;
      if (!a.approved || a.taken || a.until <= number(at)) continue;
      a.taken = true;
      ++counts[static_cast<std::size_t>(Approver::anyone)];
      if (a.superior) ++counts[static_cast<std::size_t>(Approver::superior)];
      if (a.other_unit) ++counts[static_cast<std::size_t>(Approver::other_unit)];
      if (a.superior && a.other_unit)
        ++counts[static_cast<std::size_t>(Approver::superior_other_unit)];
    }
    // One person's no stands against any number of others' yes.
    if (refused || counts[0] == 0) return std::shared_ptr<Held>();
    if (auto saved = save(taken); !saved) return std::unexpected(saved.error());
    one = std::move(taken);
    return std::make_shared<Held>(*this, id, counts);
  }
  return std::shared_ptr<Held>();
}

void Approvals::give_back(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  Waiting back = found->second;
  for (Approval& a : back.decided) a.taken = false;
  // If that cannot be written it stays spent: too few uses, never one too many.
  if (auto saved = save(back); saved) found->second = std::move(back);
}

Approvals::Held::~Held() {
  if (!committed_) {
    of_.give_back(id_);
    return;
  }
  const std::lock_guard lock(of_.mutex_);
  const auto found = of_.waiting_.find(id_);
  if (found == of_.waiting_.end()) return;
  storage::Batch batch;
  batch.erase(storage::Table::settings, row_of(kWaitingRow, id_));
  // Left on disk it is still marked as taken.
  if (auto written = of_.store_.write(batch, storage::Durability::buffered); !written) return;
  if (--of_.askers_[found->second.asker] == 0) of_.askers_.erase(found->second.asker);
  of_.waiting_.erase(found);
}

}  // namespace amanat::policy
