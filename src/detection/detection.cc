#include "detection/detection.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "detection/window.h"

namespace amanat::detection {
namespace {

// The order in which a question takes its holders, and their shards' locks.
enum class Kind : std::uint8_t { officer, case_, unit };
constexpr std::size_t kKinds = 3;
constexpr std::size_t kShards = 64;

// One officer, case or unit: what it has seen, and what questions in hand may still disclose.
struct Holder {
  Windows seen;
  std::uint32_t pending = 0;
};

struct Shard {
  std::mutex mutex;
  std::unordered_map<std::string, Holder> holders;  // node-based: a Holder never moves
};

// A holder with the lock that guards it.
struct Held {
  Shard* shard = nullptr;
  Holder* holder = nullptr;
};
using HeldByKind = std::array<Held, kKinds>;

// Locks the shards of one question in the order officer, case, unit: everybody takes them so.
class Locks {
 public:
  explicit Locks(const HeldByKind& held) : held_(held) {
    for (const Held& h : held_) h.shard->mutex.lock();
  }
  ~Locks() {
    for (const Held& h : held_) h.shard->mutex.unlock();
  }
  Locks(const Locks&) = delete;
  Locks& operator=(const Locks&) = delete;

 private:
  const HeldByKind& held_;
};

constexpr std::size_t kind_of(Limit::Per per) {
  switch (per) {
    case Limit::Per::officer:
      return static_cast<std::size_t>(Kind::officer);
    case Limit::Per::case_:
      return static_cast<std::size_t>(Kind::case_);
    case Limit::Per::unit:
      return static_cast<std::size_t>(Kind::unit);
  }
  insist(false);
  return 0;
}

const char* word_of(Limit::Per per) {
  switch (per) {
    case Limit::Per::officer:
      return "officer";
    case Limit::Per::case_:
      return "case";
    case Limit::Per::unit:
      return "unit";
  }
  insist(false);
  return "";
}

std::string spent(const Limit& limit) {
  return "quota " + limit.quota + ": " + std::to_string(limit.n) + " per " + word_of(limit.per);
}

// The label is keyed and pseudorandom already, so its first 8 bytes are a hash (§2.6).
std::uint64_t hash_of(const Label& label) {
  std::uint64_t hash = 0;
  std::memcpy(&hash, label.data(), sizeof hash);
  return hash;
}

// What one question holds of the budgets. Gives back on death whatever was not committed.
class Units final : public Reservation {
 public:
  Units(const HeldByKind& held, std::uint32_t reserved) : held_(held), reserved_(reserved) {}
  ~Units() override { give_back(); }
  Units(const Units&) = delete;
  Units& operator=(const Units&) = delete;

  // give_back returns every unit still reserved. Takes the locks only if there is one.
  void give_back() {
    if (reserved_ == 0) return;
    const Locks locks(held_);
    release_locked(reserved_);
  }
  // release_locked returns some units; the caller has the locks.
  void release_locked(std::uint32_t units) {
    insist(units <= reserved_);
    for (const Held& h : held_) {
      insist(h.holder->pending >= units);
      h.holder->pending -= units;
    }
    reserved_ -= units;
  }
  void take_locked(std::uint32_t units) {
    for (const Held& h : held_) h.holder->pending += units;
    reserved_ += units;
  }

  const HeldByKind& held() const { return held_; }
  std::uint32_t reserved() const { return reserved_; }
  std::vector<std::uint64_t>& subjects() { return subjects_; }

 private:
  HeldByKind held_;
  std::uint32_t reserved_;
  std::vector<std::uint64_t> subjects_;  // once settled: who is disclosed
};

}  // namespace

struct Detection::State {
  std::array<std::array<Shard, kShards>, kKinds> shards;
  std::atomic<std::uint64_t> ledger_time{0};

  Held hold(Kind kind, std::string key) {
    Shard& shard = shards[static_cast<std::size_t>(kind)][std::hash<std::string>{}(key) % kShards];
    const std::lock_guard lock(shard.mutex);
    return {&shard, &shard.holders[std::move(key)]};
  }

  HeldByKind hold_all(AccountId account, std::string_view unit, std::string_view case_ref) {
    const std::string officer = std::to_string(number(account));
    // Without a case an officer's questions count together as one case of the officer's own, so
    // that leaving the case out never escapes a budget per case. A case's key has no control byte.
    std::string case_key = normal_case_ref(case_ref);
    if (case_key.empty()) case_key = '\0' + officer;
    return {hold(Kind::officer, officer), hold(Kind::case_, std::move(case_key)),
            hold(Kind::unit, std::string(unit))};
  }

  // Windows are judged at the greatest ledger time seen: it is never later than the time the
  // disclosure will be recorded at, so a subject that left the window here has left it there.
  std::uint64_t time() const { return ledger_time.load(std::memory_order_acquire); }

  void observe(std::uint64_t time) {
    std::uint64_t seen = ledger_time.load(std::memory_order_relaxed);
    while (seen < time &&
           !ledger_time.compare_exchange_weak(seen, time, std::memory_order_acq_rel)) {
    }
  }
};

Detection::Detection() : state_(std::make_unique<State>()) {}
Detection::~Detection() = default;

Result<Clearance> Detection::clear(Grant grant) {
  const Asker& asker = grant.caller().asker();
  const Question& question = grant.caller().question();
  insist(question.max_subjects > 0);
  const HeldByKind held = state_->hold_all(asker.account, asker.unit, question.case_ref);
  std::uint32_t units = question.max_subjects;
  {
    const Locks locks(held);
    const std::uint64_t now = state_->time();
    for (const Limit& limit : grant.content().limits) {
      Holder& holder = *held[kind_of(limit.per)].holder;
      const std::uint32_t count = holder.seen.count(limit.window_ms, now);
      const std::uint64_t taken = std::uint64_t{count} + holder.pending;
      const std::uint64_t free = taken < limit.n ? limit.n - taken : 0;
      // Whom the window knows costs nothing, and that is known only after the fetch.
      if (free == 0 && count == 0) return fail(Reason::quota_spent, spent(limit));
      units = static_cast<std::uint32_t>(std::min<std::uint64_t>(units, free));
    }
    for (const Held& h : held) h.holder->pending += units;
  }
  return Clearance(std::move(grant), std::make_unique<Units>(held, units));
}

Result<void> Detection::settle(Findings& findings) {
  const Grant& grant = findings.clearance().grant();
  auto& units = static_cast<Units&>(findings.clearance().reservation());
  insist(!findings.is_settled());
  std::vector<std::uint64_t> subjects;
  // Somebody who does not exist uses no unit, but where none is free the answer is the same as for
  // somebody new: or a spent budget would still tell who exists.
  std::uint32_t absent = 0;
  for (const Person& person : findings.people())
    if (person.exists)
      subjects.push_back(hash_of(person.label));
    else
      absent = 1;
  std::sort(subjects.begin(), subjects.end());
  subjects.erase(std::unique(subjects.begin(), subjects.end()), subjects.end());
  if (subjects.size() > grant.caller().question().max_subjects)
    return fail(
        Reason::too_many_subjects,
        "more than max_subjects = " + std::to_string(grant.caller().question().max_subjects));

  const Locks locks(units.held());
  const std::uint64_t now = state_->time();
  const std::uint32_t mine = units.reserved();
  for (const Limit& limit : grant.content().limits) {
    Holder& holder = *units.held()[kind_of(limit.per)].holder;
    const std::uint32_t fresh = holder.seen.fresh(subjects, limit.window_ms, now);
    insist(holder.pending >= mine);
    const std::uint64_t others = holder.pending - mine;
    const std::uint64_t wanted = fresh + absent;
    if (wanted > 0 && holder.seen.count(limit.window_ms, now) + others + wanted > limit.n)
      return fail(Reason::quota_spent, spent(limit));
  }
  // Until committed, hold what any window of these holders will count, this grant's or another's:
  // whoever is new to a long window is new to a short one as well.
  std::uint32_t needed = 0;
  for (const Held& h : units.held())
    if (const auto shortest = h.holder->seen.shortest())
      needed = std::max(needed, h.holder->seen.fresh(subjects, *shortest, now));
  if (needed < mine)
    units.release_locked(mine - needed);
  else
    units.take_locked(needed - mine);
  units.subjects() = std::move(subjects);
  findings.settle(Findings::Settled{});
  return {};
}

void Detection::commit(const Draft& draft, Moment time) {
  insist(draft.findings().is_settled());
  auto& units = static_cast<Units&>(draft.findings().clearance().reservation());
  state_->observe(number(time));
  const Locks locks(units.held());
  const std::uint64_t now = state_->time();
  for (const Held& h : units.held())
    for (const std::uint64_t subject : units.subjects()) h.holder->seen.see(subject, now);
  units.release_locked(units.reserved());
}

void Detection::replay(const Spent& spent_unit) {
  state_->observe(number(spent_unit.time));
  const HeldByKind held =
      state_->hold_all(spent_unit.account, spent_unit.unit, spent_unit.case_ref);
  const Locks locks(held);
  for (const Held& h : held) h.holder->seen.see(hash_of(spent_unit.subject), state_->time());
}

void Detection::observe(Moment ledger_time) { state_->observe(number(ledger_time)); }

}  // namespace amanat::detection
