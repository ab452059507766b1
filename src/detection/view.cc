// detection, view: alerts on their way into the ledger, holds and their release, and what a
// supervisor is shown.

#include <algorithm>

#include "detection/state.h"

namespace amanat::detection {

std::vector<Alert> Detection::take_alerts(std::optional<AccountId> account) {
  const std::lock_guard lock(state_->alerts_mutex);
  std::vector<Alert> taken;
  std::vector<Alert>& box = state_->outbox;
  if (!account) {
    taken.swap(box);
    return taken;
  }
  for (Alert& alert : box)
    if (alert.actor.account == *account) taken.push_back(alert);
  std::erase_if(box, [&](const Alert& a) { return a.actor.account == *account; });
  return taken;
}

void Detection::give_back(std::vector<Alert> alerts) {
  const std::lock_guard lock(state_->alerts_mutex);
  for (Alert& alert : alerts) state_->outbox.push_back(std::move(alert));
}

void Detection::recorded(const Alert& alert, EntryIndex index) {
  const Held held = state_->hold_officer(alert.actor.account);
  {
    const std::lock_guard lock(held.shard->mutex);
    if (held.holder->officer)
      for (Hold& hold : held.holder->officer->holds)
        if (hold.order == alert.order && hold.rule == alert.rule) hold.id = number(index);
  }
  if (alert.rule == Rule::announced) state_->put_operation(alert, number(index));
  const std::lock_guard lock(state_->alerts_mutex);
  state_->told.push_front(Told{number(index), alert});
  if (state_->told.size() > 10'000) state_->told.pop_back();
}

Alert Detection::place(const Asker& whom, Tier tier, Sensitivity data_class, AccountId by,
                       std::string reason) {
  insist(tier == Tier::hold || tier == Tier::close_class || tier == Tier::suspend_device ||
         tier == Tier::suspend);
  State& s = *state_;
  const Held held = s.hold_officer(whom.account);
  const std::uint64_t at = s.judged_at();
  const std::lock_guard lock(held.shard->mutex);
  Officer& officer = s.officer_of(*held.holder);
  Alert alert = s.alert_of(Trip{Rule::placed, 0, 0}, whom, Question{}, officer, at);
  alert.tier = tier;
  alert.data_class = data_class;
  alert.by = by;
  alert.note = std::move(reason);
  s.put_hold(alert, officer);
  return alert;
}

Result<Alert> Detection::releasing(std::uint64_t hold, AccountId by, std::string reason) {
  State& s = *state_;
  for (Shard& shard : s.shards[static_cast<std::size_t>(Kind::officer)]) {
    const std::lock_guard lock(shard.mutex);
    for (Kept& kept : shard.holders) {
      Holder& holder = kept.holder;
      if (!holder.officer) continue;
      for (const Hold& h : holder.officer->holds) {
        if (h.id != hold || hold == ~0ull) continue;
        // A second person: neither the one who is held nor the one who held.
        if (h.actor.account == by || h.by == by) return fail(Reason::not_yourself, "release");
        Asker whom;
        whom.account = h.actor.account;
        whom.actor = h.actor;
        whom.unit = holder.officer->unit;
        Alert alert = s.alert_of(Trip{Rule::released, 0, 0}, whom, Question{}, *holder.officer,
                                 s.judged_at());
        alert.by = by;
        alert.releases = hold;
        alert.note = std::move(reason);
        return alert;
      }
    }
  }
  return ending(hold, by, std::move(reason));
}

// ending makes the release of an operation: whoever announced it may end it.
Result<Alert> Detection::ending(std::uint64_t operation, AccountId by, std::string reason) {
  State& s = *state_;
  const std::uint64_t at = s.judged_at();
  for (const Operation& o : operations()) {
    if (o.id != operation || operation == ~0ull || o.until <= at) continue;
    Asker whom;
    whom.account = o.by;
    whom.actor.account = o.by;
    whom.unit = o.unit;
    Alert alert = s.alert_of(Trip{Rule::released, 0, 0}, whom, Question{}, Officer{}, at);
    alert.by = by;
    alert.releases = operation;
    alert.note = std::move(reason);
    return alert;
  }
  return fail(Reason::no_record, "no such hold");
}

Result<Alert> Detection::announcing(const Asker& by, std::string unit, std::uint64_t from,
                                    std::uint64_t until, std::string reason) {
  State& s = *state_;
  const std::uint64_t at = s.judged_at();
  // Beforehand: what was asked before the announcement is judged as it was.
  from = std::max(from, at);
  if (until <= from) return fail(Reason::malformed_value, "the operation is over");
  if (static_cast<double>(until - from) > s.tuned.p.operation_h * static_cast<double>(kHourMs))
    return fail(Reason::malformed_value, "the operation is longer than operation_h");
  Asker who = by;
  who.unit = std::move(unit);
  Alert alert = s.alert_of(Trip{Rule::announced, 0, 0}, who, Question{}, Officer{}, at);
  alert.by = by.account;
  alert.from = from;
  alert.until = until;
  alert.note = std::move(reason);
  return alert;
}

Alert Detection::reporting(const Found& found, std::uint64_t from, std::uint64_t until) {
  insist(!found.accounts.empty());
  Asker first;
  first.account = first.actor.account = found.accounts.front();
  Alert alert = state_->alert_of(Trip{found.rule, found.score, found.threshold}, first, Question{},
                                 Officer{}, state_->judged_at());
  alert.entries = found.entries;
  alert.from = from;
  alert.until = until;
  return alert;
}

std::vector<Operation> Detection::operations() const {
  const std::uint64_t at = state_->judged_at();
  const std::shared_lock lock(state_->operations_mutex);
  std::vector<Operation> found;
  for (const Operation& o : state_->operations)
    if (at < o.until) found.push_back(o);
  return found;
}

void Detection::lift(const Alert& release) {
  insist(release.rule == Rule::released && release.releases);
  {
    const std::unique_lock lock(state_->operations_mutex);
    if (std::erase_if(state_->operations,
                      [&](const Operation& o) { return o.id == *release.releases; }) > 0)
      return;
  }
  const Held held = state_->hold_officer(release.actor.account);
  const std::lock_guard lock(held.shard->mutex);
  if (!held.holder->officer) return;
  Officer& officer = *held.holder->officer;
  for (const Hold& hold : officer.holds)
    if (hold.id == *release.releases) officer.habits.lift(hold.rule);
  std::erase_if(officer.holds, [&](const Hold& h) { return h.id == *release.releases; });
}

std::vector<Hold> Detection::holds() const {
  std::vector<Hold> found;
  for (const Shard& shard : state_->shards[static_cast<std::size_t>(Kind::officer)]) {
    const std::lock_guard lock(shard.mutex);
    for (const Kept& kept : shard.holders)
      if (const Officer* officer = kept.holder.officer)
        found.insert(found.end(), officer->holds.begin(), officer->holds.end());
  }
  std::sort(found.begin(), found.end(),
            [](const Hold& a, const Hold& b) { return a.order < b.order; });
  return found;
}

std::vector<Told> Detection::alerts(std::size_t most, std::optional<AccountId> reader) const {
  const std::string own = reader ? " " + std::to_string(number(*reader)) : "";
  // An alert of several officers lists them in its note: "accounts 3 17: ...".
  const auto names = [&](const Alert& alert) {
    if (!reader) return false;
    if (alert.actor.account == *reader) return true;
    const std::string_view note = alert.note;
    if (!note.starts_with("accounts")) return false;
    const std::string_view accounts = note.substr(0, note.find(':'));
    for (std::size_t at = accounts.find(own); at != accounts.npos;
         at = accounts.find(own, at + 1)) {
      const std::size_t end = at + own.size();
      if (end == accounts.size() || accounts[end] == ' ') return true;
    }
    return false;
  };
  const std::lock_guard lock(state_->alerts_mutex);
  std::vector<Told> out;
  for (const Told& told : state_->told) {
    if (out.size() == most) break;
    if (!names(told.alert)) out.push_back(told);
  }
  return out;
}

Month Detection::month(AccountId account, const std::string& unit) const {
  Month month;
  const std::uint32_t today = state_->tuned.day_of(state_->judged_at());
  const std::string own = std::to_string(number(account));
  double peer_days = 0;
  for (const Shard& shard : state_->shards[static_cast<std::size_t>(Kind::officer)]) {
    const std::lock_guard lock(shard.mutex);
    for (const Kept& kept : shard.holders) {
      const Holder& holder = kept.holder;
      const bool is_own = kept.key == own;
      if (!holder.officer || (!is_own && holder.officer->unit != unit)) continue;
      bool any = false;
      for (const Day& d : holder.officer->days) {
        if (d.day == 0 || d.day + 30 <= today) continue;
        any = true;
        if (is_own) {
          month.days.push_back(d);
          month.citizens += d.citizens;
          month.unexplained += d.unexplained;
          month.absent += d.absent;
        } else {
          peer_days += 1;
          month.peer_citizens += d.citizens;
          month.peer_unexplained += d.unexplained;
          month.peer_absent += d.absent;
        }
      }
      if (any && !is_own) ++month.peers;
    }
  }
  std::sort(month.days.begin(), month.days.end(),
            [](const Day& a, const Day& b) { return a.day < b.day; });
  const auto a_day = [](double& sum, double days) { sum = days > 0 ? sum / days : 0; };
  const auto days = static_cast<double>(month.days.size());
  for (double* sum : {&month.citizens, &month.unexplained, &month.absent}) a_day(*sum, days);
  for (double* sum : {&month.peer_citizens, &month.peer_unexplained, &month.peer_absent})
    a_day(*sum, peer_days);
  return month;
}

void Detection::canaries(const std::vector<Label>& labels) {
  std::unordered_set<std::uint64_t> set;
  for (const Label& label : labels) set.insert(hash_of(label));
  const std::unique_lock lock(state_->canaries_mutex);
  state_->canaries.swap(set);
}

bool Detection::is_canary(const Label& label) const { return state_->is_canary(hash_of(label)); }

std::size_t Detection::bytes() const {
  std::size_t bytes = state_->magnet.bytes();
  for (const auto& kind : state_->shards)
    for (const Shard& shard : kind) {
      const std::lock_guard lock(shard.mutex);
      for (const Kept& kept : shard.holders) {
        const Holder& holder = kept.holder;
        bytes += sizeof kept + 40 + holder.seen.bytes();
        if (holder.officer)
          bytes += sizeof(Officer) - sizeof(Habits) + holder.officer->habits.bytes();
        if (holder.shared) bytes += sizeof(Shared) + holder.shared->ring.bytes();
      }
    }
  return bytes;
}

}  // namespace amanat::detection
