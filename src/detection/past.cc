// detection, past: the state of the tests and the holds, rebuilt from the ledger. Lookups and
// alerts are taken in the order in which they were judged, which differs from the ledger's by the
// questions in flight at one time.

#include <algorithm>
#include <bit>

#include "detection/state.h"

namespace amanat::detection {
namespace {

// More questions than this are never between judgement and record (the ledger's queue is smaller).
constexpr std::size_t kInFlight = 16'384;

// How a replay comes to an alert's score: from the refused lookups that the alert holds, or by
// raising it again from the entries it rests on. Of the others a person is the cause, or a rule of
// the policy's: there is nothing to count.
enum class Again : std::uint8_t { judged, raised, neither };
Again again(const Alert& alert) {
  switch (alert.rule) {
    case Rule::robot:
    case Rule::unexplained_run:
    case Rule::unexplained_week:
    case Rule::unexplained:
    case Rule::absent_names:
    case Rule::neighbours:
    case Rule::neighbours_unit:
    case Rule::neighbours_case:
    case Rule::impossible_travel:
    case Rule::strange_network:
    case Rule::two_places:
      return alert.looks.empty() ? Again::neither : Again::judged;
    case Rule::burst:
    case Rule::key_mismatch:
    case Rule::case_padding:
    case Rule::coverage:
    case Rule::magnet:
    case Rule::canary_again:
    case Rule::protected_person:
      return Again::raised;
    case Rule::canary:  // of an act, and of no lookup, a note tells
      return alert.note.empty() ? Again::raised : Again::neither;
    case Rule::off_duty:
      return alert.tier == Tier::review ? Again::raised : Again::neither;
    default:
      return Again::neither;
  }
}

bool same_bits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

Question question_of(const std::string& case_ref) {
  Question question;
  question.case_ref = case_ref;
  return question;
}

Asker asker_of(const Actor& actor, const std::string& unit) {
  Asker asker;
  asker.account = actor.account;
  asker.actor = actor;
  asker.unit = unit;
  return asker;
}

}  // namespace

void Detection::replay(const Spent& spent_unit) {
  state_->observe(number(spent_unit.time));
  const HeldByKind held =
      state_->hold_all(spent_unit.account, spent_unit.unit, spent_unit.case_ref);
  const Locks locks(held);
  for (const Held& h : held) h.holder->seen.see(hash_of(spent_unit.subject), state_->time());
}

void Detection::replay(const Past& past) {
  State& s = *state_;
  s.replaying = true;
  s.observe(number(past.time));
  State::Waiting one;
  one.index = number(past.index);
  one.actor = past.actor;
  one.unit = past.unit;
  one.case_ref = past.case_ref;
  one.subject = past.subject;
  if (past.type == EntryType::alert) {
    auto alert = decode_alert(past.judged);
    if (!alert) return;  // of strangers: counts alone
    one.order = alert->order;
    one.alert = true;
    const State::Known name = s.known(*alert);
    s.recorded_alerts.insert(name);
    std::erase_if(s.expected, [&](const Alert& e) { return s.known(e) == name; });
    one.told = *std::move(alert);
  } else if (past.type == EntryType::denied) {
    const auto refused = refused_of(past.judged);
    if (!refused) return;
    one.order = refused->order;
    one.refusal = true;
    one.refused = *refused;
  } else if (const auto look = look_of(past.judged.substr(0, past.judged.find('\n')))) {
    one.order = look->order;
    one.look = *look;
  } else {
    return;
  }
  s.waiting.push(std::move(one));
  s.drain(kInFlight);
}

void Detection::State::drain(std::size_t leave) {
  while (waiting.size() > leave) {
    Waiting one = waiting.top();
    waiting.pop();
    order.store(std::max(order.load(), one.order));
    const bool same_answer = !one.alert && !one.refusal && one.look.next && !together.empty() &&
                             together.front().actor.account == one.actor.account;
    if (!same_answer && !together.empty()) {
      std::vector<Waiting> answer;
      answer.swap(together);
      restore(std::move(answer));
    }
    if (one.alert)
      restore(one);
    else if (one.refusal)
      restore_refused(one);
    else
      together.push_back(std::move(one));
  }
}

void Detection::State::restore(std::vector<Waiting> answer) {
  const Waiting& first = answer.front();
  const Asker asker = asker_of(first.actor, first.unit);
  const Question question = question_of(first.case_ref);
  const HeldByKind held = hold_all(asker.account, asker.unit, question.case_ref);
  const Locks locks(held);
  Officer& officer = officer_of(*held[0].holder);
  if (officer.unit != asker.unit) officer.unit = asker.unit;
  std::vector<Look> looks;
  for (const Waiting& one : answer) looks.push_back(one.look);
  replayed.lookups += looks.size();
  if (judges) {
    const Company company =
        company_of(held, !normal_case_ref(question.case_ref).empty(), tuned.p.near_on != 0);
    const std::uint64_t at = looks.front().at;
    if (const auto covered = officer.habits.advance(tuned, at, company.peers)) {
      Alert alert = alert_of(*covered, asker, question, officer, at);
      alert.order = looks.front().order;
      raise(std::move(alert), officer);
    }
    Tried tried = officer.habits.judge(tuned, looks, company);
    tried.trip.reset();  // it was released
    officer.habits.apply(tuned, looks, tried, company);
    for (const Waiting& one : answer) officer.habits.note_entry(one.order, one.index);
    if (officer.habits.scores().friction_since == 0)
      std::erase_if(officer.holds, [](const Hold& h) { return h.tier == Tier::friction; });
    officer.device = asker.actor.thumbprint;
    officer.device_at = at;
    note_off_duty(officer, asker, question, looks.front());
    std::vector<Label> citizens;
    for (const Waiting& one : answer)
      if (one.subject) citizens.push_back(*one.subject);
    note_magnets(officer, asker, question, looks, citizens);
    note_case(officer, asker, question, looks.front());
    note_protected(officer, asker, question, looks);
  }
  count_day(officer, looks);
  note_canaries(officer, asker, question, looks);
}

void Detection::State::restore_refused(const Waiting& one) {
  const Held held = hold_officer(one.actor.account);
  const std::lock_guard lock(held.shard->mutex);
  note_refused(officer_of(*held.holder), asker_of(one.actor, one.unit), question_of(one.case_ref),
               one.refused);
}

// comes_out_again says whether the ledger gives the alert's score and threshold, to the bit;
// nothing if there is nothing to count. The caller has the locks.
std::optional<bool> Detection::State::comes_out_again(const Alert& alert, Officer& officer,
                                                      const HeldByKind& held) {
  switch (again(alert)) {
    case Again::neither:
      return std::nullopt;
    case Again::raised: {
      const auto at = raised.find(known(alert));
      if (at == raised.end()) return false;
      const auto bits = at->second;
      raised.erase(at);
      return bits[0] == std::bit_cast<std::uint64_t>(alert.score) &&
             bits[1] == std::bit_cast<std::uint64_t>(alert.threshold);
    }
    case Again::judged:
      break;
  }
  const Company company =
      company_of(held, !normal_case_ref(alert.case_ref).empty(), tuned.p.near_on != 0);
  std::optional<Trip> trip;
  if (alert.rule == Rule::two_places) {
    trip = places_trip(officer, alert.actor, alert.looks.front());
  } else {
    officer.habits.advance(tuned, alert.looks.front().at, company.peers);
    trip = officer.habits.judge(tuned, alert.looks, company).trip;
  }
  return trip && trip->rule == alert.rule && same_bits(trip->score, alert.score) &&
         same_bits(trip->threshold, alert.threshold);
}

void Detection::State::restore(const Waiting& one) {
  const Alert& alert = one.told;
  const HeldByKind held = hold_all(alert.actor.account, alert.unit, alert.case_ref);
  const Locks locks(held);
  Officer& officer = officer_of(*held[0].holder);
  ++replayed.alerts;
  if (judges) {
    if (const auto same = comes_out_again(alert, officer, held)) {
      if (alert.parameters != parameters_id)
        ++replayed.by_other_parameters;
      else if (*same)
        ++replayed.same;
      else
        replayed.different.push_back(one.index);
    }
  }
  if (alert.rule == Rule::announced) put_operation(alert, one.index);
  if (alert.rule == Rule::released) {
    if (alert.releases) {
      const std::unique_lock operations_lock(operations_mutex);
      std::erase_if(operations, [&](const Operation& o) { return o.id == *alert.releases; });
      Rule rule = alert.rule;
      std::erase_if(officer.holds, [&](const Hold& h) {
        if (h.id != *alert.releases) return false;
        rule = h.rule;
        return true;
      });
      if (rule != alert.rule) officer.habits.lift(rule);
    }
  } else {
    put_hold(alert, officer);
    if (alert.tier >= Tier::friction) officer.holds.back().id = one.index;
  }
  const std::lock_guard lock(alerts_mutex);
  told.push_front(Told{one.index, alert});
  if (told.size() > 10'000) told.pop_back();
}

Replayed Detection::replayed() {
  State& s = *state_;
  s.drain(0);
  if (!s.together.empty()) {
    std::vector<State::Waiting> answer;
    answer.swap(s.together);
    s.restore(std::move(answer));
  }
  s.replaying = false;
  s.recorded_alerts.clear();
  s.raised.clear();
  std::vector<Alert> lost;
  lost.swap(s.expected);
  for (Alert& alert : lost) {
    const Held held = s.hold_officer(alert.actor.account);
    const std::lock_guard lock(held.shard->mutex);
    s.raise(std::move(alert), s.officer_of(*held.holder));
  }
  return s.replayed;
}

}  // namespace amanat::detection
