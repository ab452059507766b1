#include "detection/detection.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "detection/state.h"

namespace amanat::detection {
namespace {

// How much of a Seat a verdict reads: all but the days and what follows them.
constexpr std::size_t kSeatRead = sizeof(Seat) - sizeof(Officer::days) - 160;

std::uint64_t hash_of_key(std::string_view key) {
  // The mix spreads short keys over shards and places alike.
  return std::hash<std::string_view>{}(key)*0x9e3779b97f4a7c15ull;
}

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

std::uint64_t system_steady_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

bool judges_anything(const Parameters& p) {
  return p.burst_on + p.robot_on + p.run_on + p.unexplained_on + p.week_on + p.absent_on +
             p.near_on + p.two_places_on + p.off_duty_on + p.coverage_on + p.magnet_on +
             p.padding_on + p.travel_on + p.strange_on + p.protected_on >
         0;
}

}  // namespace

std::uint64_t hash_of(const Label& label) {
  std::uint64_t hash = 0;
  std::memcpy(&hash, label.data(), sizeof hash);
  return hash;
}

Units::~Units() {
  if (reserved_ == 0 && looks_.empty()) return;
  const Locks locks(held_);
  release_locked(reserved_);
  // Judged, but never recorded: undone, unless something was judged on top of it. Then the state
  // holds a lookup too many until the next start, which errs on the side of refusing.
  Officer* officer = held_[0].holder->officer;
  if (looks_.empty() || officer == nullptr || officer->habits.last_order() != looks_.back().order)
    return;
  officer->habits.forget_last(looks_);
  officer->habits.restore(before_);
  for (std::size_t k = 1; k < kKinds && looks_.size() == 1; ++k)
    if (held_[k].holder->shared) held_[k].holder->shared->ring.drop_last();
}

void Units::release_locked(std::uint32_t units) {
  insist(units <= reserved_);
  for (const Held& h : held_) {
    insist(h.holder->pending >= units);
    h.holder->pending -= units;
  }
  reserved_ -= units;
}

void Units::take_locked(std::uint32_t units) {
  for (const Held& h : held_) h.holder->pending += units;
  reserved_ += units;
}

Detection::State::State(Options o)
    : options(std::move(o)),
      tuned(options.parameters, std::move(options.stations)),
      judges(judges_anything(options.parameters)),
      parameters_id(
          crypto::hex(crypto::sha256(write_parameters(options.parameters) + tuned.stations.id()))
              .substr(0, 16)),
      neighbour_key(options.key.bytes()),
      magnet(static_cast<std::size_t>(options.parameters.magnet_table)) {
  if (!options.steady_ms) options.steady_ms = system_steady_ms;
  anchor_steady = options.steady_ms();
}

Held Detection::State::hold(Kind kind, std::string_view key) {
  const std::uint64_t hash = hash_of_key(key);
  Shard& shard = shards[static_cast<std::size_t>(kind)][hash >> 58];
  static_assert(kShards == 64);
  const std::lock_guard lock(shard.mutex);
  Kept& kept = shard.holders.find_or_make(key, hash, [kind] {
    return kind == Kind::officer ? std::unique_ptr<Kept>(std::make_unique<Seat>())
                                 : std::make_unique<Kept>();
  });
  return {&shard, &kept.holder};
}

// ask_for asks the processor for all of three holders that a verdict reads, so that the misses are
// waited for together and not one after the other: first where they are, then what they are.
void Detection::State::ask_for(const std::array<std::uint64_t, kKinds>& hashes) {
  const auto shard_of = [&](std::size_t kind) -> Shard& {
    return shards[kind][hashes[kind] >> 58];
  };
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    Shard& shard = shard_of(kind);
    const std::lock_guard lock(shard.mutex);
    shard.holders.soon(hashes[kind]);
  }
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    Shard& shard = shard_of(kind);
    const std::lock_guard lock(shard.mutex);
    const Kept* kept = shard.holders.likely(hashes[kind]);
    if (kept == nullptr) continue;
    const auto* line = reinterpret_cast<const char*>(kept);
    const std::size_t bytes =
        kind == static_cast<std::size_t>(Kind::officer) ? kSeatRead : sizeof(Kept);
    for (std::size_t i = 0; i < bytes; i += 64) __builtin_prefetch(line + i, 1);
  }
}

void Detection::State::soon(const HeldByKind& held, std::uint64_t subject) const {
  if (tuned.p.magnet_on != 0) magnet.soon(subject);
  for (const Held& h : held) {
    h.holder->seen.soon(subject);
    if (h.holder->shared) h.holder->shared->ring.soon();
    if (h.holder->officer) h.holder->officer->habits.soon(subject);
  }
}

Held Detection::State::hold_officer(AccountId account) {
  return hold(Kind::officer, std::to_string(number(account)));
}

HeldByKind Detection::State::hold_all(AccountId account, std::string_view unit,
                                      std::string_view case_ref) {
  const std::string officer = std::to_string(number(account));
  // Without a case an officer's questions count together as one case of the officer's own, so
  // that leaving the case out never escapes a budget per case. A case's key has no control byte.
  std::string case_key = normal_case_ref(case_ref);
  if (case_key.empty()) case_key = '\0' + officer;
  ask_for({hash_of_key(officer), hash_of_key(case_key), hash_of_key(unit)});
  return {hold(Kind::officer, officer), hold(Kind::case_, case_key), hold(Kind::unit, unit)};
}

std::uint64_t Detection::State::judged_at() {
  // Read under the lock: a later reading of another thread must not come before an earlier one.
  const std::lock_guard lock(clock_mutex);
  const std::uint64_t steady = options.steady_ms();
  insist(steady >= anchor_steady);
  anchor_ledger = std::max(anchor_ledger + (steady - anchor_steady), time());
  anchor_steady = steady;
  return anchor_ledger;
}

void Detection::State::observe(std::uint64_t time) {
  std::uint64_t seen = ledger_time.load(std::memory_order_relaxed);
  while (seen < time && !ledger_time.compare_exchange_weak(seen, time, std::memory_order_acq_rel)) {
  }
}

Detection::Detection() : Detection(Options{}) {}
Detection::Detection(Options options) : state_(std::make_unique<State>(std::move(options))) {}
Detection::~Detection() = default;

const Parameters& Detection::parameters() const { return state_->options.parameters; }

const std::string& Detection::parameters_id() const { return state_->parameters_id; }

Result<Clearance> Detection::clear(Grant grant) {
  const Asker& asker = grant.caller().asker();
  const Question& question = grant.caller().question();
  insist(question.max_subjects > 0);
  State& s = *state_;
  const HeldByKind held = s.hold_all(asker.account, asker.unit, question.case_ref);
  std::uint32_t units = question.max_subjects;
  {
    const Locks locks(held);
    Officer& officer = s.officer_of(*held[0].holder);
    if (auto free = s.held_back(officer, asker, s.class_of(question.fields)); !free)
      return std::unexpected(free.error());
    if (s.judges && !asker.service) {
      const std::uint64_t at = s.judged_at();
      if (!officer.habits.paced(s.tuned, at)) {
        const Refused refused{s.next_order(), at, Rule::burst};
        s.note_refused(officer, asker, question, refused);
        Failure why{Reason::too_fast, std::string(row_of(Rule::burst).id)};
        why.judged = words_of(refused);
        return std::unexpected(std::move(why));
      }
    }
    const std::uint64_t now = s.time();
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
  if (!subjects.empty()) state_->soon(units.held(), subjects.front());
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
  auto words = state_->judge(findings, units);
  if (!words) return std::unexpected(words.error());
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
  findings.settle(Findings::Settled{*std::move(words)});
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
  units.looks().clear();
}

void Detection::commit(const Draft& draft, const Receipt& receipt) {
  auto& units = static_cast<Units&>(draft.findings().clearance().reservation());
  {
    const Locks locks(units.held());
    if (Officer* officer = units.held()[0].holder->officer)
      for (std::size_t i = 0; i < units.looks().size() && i < receipt.entries().size(); ++i)
        officer->habits.note_entry(units.looks()[i].order, number(receipt.entries()[i].index));
  }
  commit(draft, receipt.entries().back().time);
}

void Detection::observe(Moment ledger_time) { state_->observe(number(ledger_time)); }

}  // namespace amanat::detection
