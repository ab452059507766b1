// detection, verdict: what a lookup is to the tests, and what follows when it breaks a rule.
//
// Invariants
//  1. an order number is drawn under the locks of officer, case and unit, so that putting lookups
//     and alerts in its order again gives every one of them the state it was judged on;
//  2. a hold is in force before the refusal that announces it, and recorded before that is told.

#include <algorithm>
#include <bit>

#include "detection/state.h"

namespace amanat::detection {
namespace {

constexpr std::uint64_t kFreshMs = 5 * kMinuteMs;
constexpr std::uint64_t kClocksApartMs = kMinuteMs;

Reason refusal_of(Rule rule) {
  switch (rule) {
    case Rule::burst:
      return Reason::too_fast;
    case Rule::unexplained_week:
      return Reason::unexplained_spent;
    case Rule::unexplained:
      return Reason::class_on_hold;
    case Rule::key_mismatch:
      return Reason::device_on_hold;
    default:
      return row_of(rule).tier == Tier::friction || rule == Rule::off_duty
                 ? Reason::touch_and_reason
                 : Reason::account_on_hold;
  }
}

Failure refused(const Trip& trip) {
  Failure why{refusal_of(trip.rule), std::string(row_of(trip.rule).id)};
  if (why.reason == Reason::touch_and_reason) {
    Need need;
    need.reason = Reason::presence_too_old;
    need.max_age_s = kFreshMs / 1000;
    why.needs.push_back(std::move(need));
  }
  return why;
}

// Fresh: a person touched a key for exactly this question, after friction was asked, and says why.
bool is_fresh(const Caller& caller, std::uint64_t since) {
  const Asked& asked = *caller.asked();
  return asked.proof == Proof::touch && asked.verified && !asked.question.reason.empty() &&
         number(*asked.verified) + kClocksApartMs >= since &&
         number(*asked.verified) + kFreshMs >= number(asked.received);
}

}  // namespace

bool Detection::State::is_canary(std::uint64_t subject) const {
  const std::shared_lock lock(canaries_mutex);
  return canaries.contains(subject);
}

Near Detection::State::near_of(const SubjectName& name) const {
  Near near;
  if (name.kind != SubjectKind::national_id || name.value.size() != 13) return near;
  std::uint64_t serial = 0;
  for (std::size_t i = 0; i < 12; ++i) {
    if (name.value[i] < '0' || name.value[i] > '9') return near;
    serial = serial * 10 + static_cast<std::uint64_t>(name.value[i] - '0');
  }
  const auto named = [this](std::uint64_t tens) {
    const Digest mac = neighbour_key.mac("amanat/neighbour/v1/" + std::to_string(tens));
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < 8; ++i) out = out << 8 | mac[i];
    return out & ~std::uint64_t{15};
  };
  const std::uint64_t tens = serial / 10;
  near.below = named(tens - (tens > 0 ? 1 : 0));
  near.here = named(tens);
  near.above = named(tens + 1);
  near.digit = static_cast<std::uint8_t>(serial % 10);
  near.known = true;
  return near;
}

Sensitivity Detection::State::class_of(const std::vector<FieldId>& fields) const {
  Sensitivity most = options.fields == nullptr ? Sensitivity::ordinary : Sensitivity::open;
  if (options.fields != nullptr)
    for (const FieldId f : fields) most = std::max(most, (*options.fields)[f].sensitivity);
  return most;
}

Officer& Detection::State::officer_of(Holder& holder) {
  insist(holder.officer != nullptr);
  return *holder.officer;
}

Company Detection::State::company_of(const HeldByKind& held, bool with_case, bool make) {
  Company company;
  Holder& unit = *held[static_cast<std::size_t>(Kind::unit)].holder;
  Holder& case_ = *held[static_cast<std::size_t>(Kind::case_)].holder;
  if (!unit.peers) unit.peers = std::make_unique<Peers>();
  company.peers = unit.peers.get();
  if (make && !unit.shared) unit.shared = std::make_unique<Shared>();
  if (make && with_case && !case_.shared) case_.shared = std::make_unique<Shared>();
  company.unit = unit.shared.get();
  company.case_ = with_case ? case_.shared.get() : nullptr;
  return company;
}

Result<void> Detection::State::held_back(const Officer& officer, const Asker& asker,
                                         Sensitivity asked) const {
  for (const Hold& hold : officer.holds) {
    const std::string what(row_of(hold.rule).id);
    switch (hold.tier) {
      case Tier::suspend:
        return fail(Reason::account_on_hold, what);
      case Tier::suspend_device:
        if (hold.actor.thumbprint == asker.actor.thumbprint)
          return fail(Reason::device_on_hold, what);
        break;
      case Tier::close_class:
        if (asked >= hold.data_class) return fail(Reason::class_on_hold, what);
        break;
      case Tier::hold:
        // The weekly cap closes unexplained lookups alone, and only the outcome says which is one.
        if (hold.rule != Rule::unexplained_week) return fail(Reason::account_on_hold, what);
        break;
      default:
        break;
    }
  }
  return {};
}

Alert Detection::State::alert_of(const Trip& trip, const Asker& asker, const Question& question,
                                 const Officer& officer, std::uint64_t at) {
  Alert alert;
  alert.rule = trip.rule;
  alert.tier = row_of(trip.rule).tier;
  alert.actor = asker.actor;
  alert.unit = asker.unit;
  alert.case_ref = question.case_ref;
  alert.purpose = question.purpose;
  alert.data_class = class_of(question.fields);
  alert.at = at;
  alert.order = next_order();
  alert.score = trip.score;
  alert.threshold = trip.threshold;
  if (trip.rule == Rule::unexplained || trip.rule == Rule::unexplained_week ||
      trip.rule == Rule::unexplained_run)
    for (const Seen& seen : officer.habits.week())
      if (seen.entry != ~0ull && alert.entries.size() < 64) alert.entries.push_back(seen.entry);
  alert.parameters = parameters_id;
  return alert;
}

void Detection::State::put_hold(const Alert& alert, Officer& officer) {
  if (alert.tier < Tier::friction) return;
  Hold hold;
  hold.rule = alert.rule;
  hold.tier = alert.tier;
  hold.actor = alert.actor;
  hold.data_class = alert.data_class;
  hold.at = alert.at;
  hold.order = alert.order;
  hold.by = alert.by;
  if (alert.tier == Tier::friction) {
    std::erase_if(officer.holds, [](const Hold& h) { return h.tier == Tier::friction; });
    officer.habits.ask_friction(alert.rule, alert.at);
  }
  officer.holds.push_back(std::move(hold));
}

// known names an alert by what makes it one, so that a replay finds the one it has raised. Which of
// two officers was the last of a magnet's is decided by a lock of the magnet's own: the citizen and
// the day name it.
Detection::State::Known Detection::State::known(const Alert& alert) const {
  if (alert.rule != Rule::magnet || alert.looks.empty()) return {alert.rule, alert.order};
  return {alert.rule, alert.looks.front().subject + tuned.day_of(alert.at)};
}

void Detection::State::raise(Alert alert, Officer& officer) {
  if (replaying) {
    // The ledger may have it already, or be about to say so; what it lacks in the end is raised.
    const Known name = known(alert);
    raised[name] = {std::bit_cast<std::uint64_t>(alert.score),
                    std::bit_cast<std::uint64_t>(alert.threshold)};
    if (!recorded_alerts.contains(name)) expected.push_back(std::move(alert));
    return;
  }
  put_hold(alert, officer);
  const std::lock_guard lock(alerts_mutex);
  outbox.push_back(std::move(alert));
}

void Detection::State::count_day(Officer& officer, const std::vector<Look>& looks) {
  const std::uint32_t day = tuned.day_of(looks.front().at);
  Day& d = officer.days[day % officer.days.size()];
  if (d.day != day) d = Day{day, 0, 0, 0};
  const auto add = [](std::uint16_t& n) { n = static_cast<std::uint16_t>(n + (n < 0xffff)); };
  for (const Look& look : looks) {
    add(d.citizens);
    if (look.why == Why::unexplained) add(d.unexplained);
    if (!look.exists) add(d.absent);
  }
}

// Another device of the account, or its question from another zone, within a minute of the last.
std::optional<Trip> Detection::State::places_trip(const Officer& officer, const Actor& actor,
                                                  const Look& look) const {
  const auto within = static_cast<std::uint64_t>(tuned.p.two_places_s * 1000);
  const std::uint64_t zone = officer.habits.scores().zone;
  const bool other_device = officer.device != actor.thumbprint;
  const bool other_zone = zone != kNoZone && look.zone != kNoZone && zone != look.zone;
  if (tuned.p.two_places_on == 0 || look.fresh || officer.device_at == 0 ||
      (!other_device && !other_zone) || look.at > officer.device_at + within)
    return std::nullopt;
  return Trip{Rule::two_places, static_cast<double>(look.at - officer.device_at),
              tuned.p.two_places_s * 1000};
}

bool Detection::State::in_operation(std::string_view unit, std::uint64_t at) const {
  const std::shared_lock lock(operations_mutex);
  return std::any_of(operations.begin(), operations.end(), [&](const Operation& o) {
    return o.unit == unit && o.from <= at && at < o.until;
  });
}

void Detection::State::put_operation(const Alert& alert, std::uint64_t entry) {
  const std::unique_lock lock(operations_mutex);
  std::erase_if(operations, [&](const Operation& o) { return o.until <= alert.at; });
  operations.push_back(
      Operation{entry, alert.unit, alert.from, alert.until, alert.order, alert.by});
}

bool Detection::State::off_duty(const Asker& asker, std::uint64_t at) const {
  if (tuned.p.off_duty_on == 0 || asker.shift.size() != 11) return false;
  const auto minutes = [&](std::size_t from) {
    const auto d = [&](std::size_t i) { return asker.shift[from + i] - '0'; };
    return (d(0) * 10 + d(1)) * 60 + d(3) * 10 + d(4);
  };
  const int begin = minutes(0), end = minutes(6);
  const auto grace = static_cast<int>(tuned.p.off_duty_grace_min);
  const auto now = static_cast<int>((static_cast<std::int64_t>(at) + tuned.zone_ms) %
                                    static_cast<std::int64_t>(kDayMs) / 60'000);
  const int length = (end - begin + 1440) % 1440;
  return length + 2 * grace < 1440 && (now - begin + grace + 2880) % 1440 > length + 2 * grace;
}

void Detection::State::note_off_duty(Officer& officer, const Asker& asker, const Question& question,
                                     const Look& look) {
  if (!look.off_duty) return;
  const std::uint32_t day = tuned.day_of(look.at);
  std::erase_if(officer.off_duty, [day](std::uint32_t d) { return d + 30 <= day; });
  if (!officer.off_duty.empty() && officer.off_duty.back() == day) return;
  officer.off_duty.push_back(day);
  if (officer.off_duty.size() != static_cast<std::size_t>(tuned.p.off_duty_alert)) return;
  Alert alert = alert_of(
      Trip{Rule::off_duty, static_cast<double>(officer.off_duty.size()), tuned.p.off_duty_alert},
      asker, question, officer, look.at);
  alert.order = look.order;  // a start that finds the lookup and not its alert raises it again
  if (!asker.shift.empty()) alert.note = "shift " + asker.shift;
  raise(std::move(alert), officer);
}

// Once a day is enough to be read.
void Detection::State::note_case(Officer& officer, const Asker& asker, const Question& question,
                                 const Look& look) {
  const std::uint32_t day = tuned.day_of(look.at);
  if (look.padded == 0 || officer.days[day % officer.days.size()].day == day) return;
  Alert alert =
      alert_of(Trip{Rule::case_padding, static_cast<double>(look.padded), tuned.p.padding_most},
               asker, question, officer, look.at);
  alert.order = look.order;
  raise(std::move(alert), officer);
}

void Detection::State::note_protected(Officer& officer, const Asker& asker,
                                      const Question& question, const std::vector<Look>& looks) {
  if (tuned.p.protected_on == 0) return;
  for (const Look& look : looks) {
    if (!look.guarded) continue;
    Alert alert = alert_of(Trip{Rule::protected_person, 1, 1}, asker, question, officer, look.at);
    alert.order = look.order;
    alert.looks = {look};
    raise(std::move(alert), officer);
  }
}

// note_refused counts a refusal that its DENIED entry tells of as well, so that a start counts it
// again at the same time.
void Detection::State::note_refused(Officer& officer, const Asker& asker, const Question& question,
                                    const Refused& refused) {
  const bool burst = refused.rule == Rule::burst;
  auto& times = burst ? officer.too_fast : officer.wrong;
  const std::uint64_t window =
      burst ? kHourMs : static_cast<std::uint64_t>(tuned.p.mismatch_min) * kMinuteMs;
  const double most = burst ? tuned.p.burst_alert : tuned.p.mismatch_most;
  std::erase_if(times, [&](std::uint64_t t) { return t + window <= refused.at; });
  if (times.size() < 1000) times.push_back(refused.at);
  const auto count = static_cast<double>(times.size());
  if (burst ? count != most : count < most) return;
  if (!burst) times.clear();
  Alert alert = alert_of(Trip{refused.rule, count, most}, asker, question, officer, refused.at);
  alert.order = refused.order;
  raise(std::move(alert), officer);
}

void Detection::State::note_canaries(Officer& officer, const Asker& asker, const Question& question,
                                     const std::vector<Look>& looks) {
  for (const Look& look : looks) {
    if (!is_canary(look.subject)) continue;
    const bool new_one = std::find(officer.canaries.begin(), officer.canaries.end(),
                                   look.subject) == officer.canaries.end();
    if (!new_one) continue;
    if (officer.canaries.size() < 100) officer.canaries.push_back(look.subject);
    const auto touched = static_cast<double>(officer.canaries.size());
    const bool again = touched >= tuned.p.canary_suspend;
    Alert alert =
        alert_of(Trip{again ? Rule::canary_again : Rule::canary, touched, tuned.p.canary_suspend},
                 asker, question, officer, look.at);
    alert.order = look.order;  // a start that finds the lookup and not its alert raises it again
    alert.looks = {look};
    raise(std::move(alert), officer);
  }
}

void Detection::State::note_listed_canaries(Officer& officer, const Asker& asker,
                                            const Question& question, const Findings& findings) {
  std::vector<Look> looks;
  for (const Person& person : findings.people()) {
    const std::uint64_t subject = hash_of(person.label);
    if (!is_canary(subject)) continue;
    Look look;
    look.order = order.fetch_add(1, std::memory_order_relaxed) + 1;
    look.subject = subject;
    look.at = judged_at();
    look.exists = person.exists;
    looks.push_back(look);
  }
  note_canaries(officer, asker, question, looks);
}

void Detection::State::note_magnets(Officer& officer, const Asker& asker, const Question& question,
                                    const std::vector<Look>& looks,
                                    const std::vector<Label>& citizens) {
  if (tuned.p.magnet_on == 0) return;
  for (std::size_t i = 0; i < looks.size(); ++i) {
    const Look& look = looks[i];
    if (!look.exists || is_canary(look.subject)) continue;  // in no statistic
    const unsigned officers =
        magnet.see(look.subject, number(asker.account), tuned.day_of(look.at));
    if (officers != static_cast<unsigned>(tuned.p.magnet_officers)) continue;
    Alert alert =
        alert_of(Trip{Rule::magnet, static_cast<double>(officers), tuned.p.magnet_officers}, asker,
                 question, officer, look.at);
    alert.order = look.order;
    alert.note = "accounts";
    for (const std::uint32_t a : magnet.accounts(look.subject, tuned.day_of(look.at)))
      alert.note += ' ' + std::to_string(a);
    alert.looks = {look};
    if (i < citizens.size()) alert.citizen = citizens[i];
    raise(std::move(alert), officer);
  }
}

// looks_of is the answer's citizens as the tests see them. The caller has the locks.
std::vector<Look> Detection::State::looks_of(const Findings& findings, const Officer& officer,
                                             std::uint64_t at) {
  const Grant& grant = findings.clearance().grant();
  const Caller& caller = grant.caller();
  const Asker& asker = caller.asker();
  const std::size_t named = grant.content().case_subjects.size();
  Look all;
  all.at = at;
  all.fresh = is_fresh(caller, officer.habits.scores().friction_since);
  all.announced = in_operation(asker.unit, at);
  all.off_duty = off_duty(asker, at);
  all.zone = tuned.stations.zone_of(caller.from());
  const std::uint64_t home = tuned.stations.zone_named(asker.station);
  all.away = all.zone == kNowhere || (all.zone != kNoZone && home != kNoZone && all.zone != home);
  if (tuned.p.padding_on != 0 && static_cast<double>(named) > tuned.p.padding_most)
    all.padded = static_cast<std::uint16_t>(std::min<std::size_t>(named, 0xffff));
  std::vector<Look> looks;
  for (const Person& person : findings.people()) {
    Look look = all;
    look.order = next_order();
    look.subject = hash_of(person.label);
    look.near = judges ? near_of(person.name) : Near{};
    look.exists = person.exists;
    look.guarded = person.guarded;
    look.next = !looks.empty();
    const bool explains = grant.content().case_explains && all.padded == 0;
    if (explains && person.standing != Standing::other)
      look.why = person.standing == Standing::named ? Why::named : Why::kin;
    else if (explains && !person.chain.empty())
      look.why = Why::chain;
    else if (!grant.content().case_needed)
      look.why = Why::counter;
    looks.push_back(look);
  }
  return looks;
}

Result<std::vector<std::string>> Detection::State::judge(const Findings& findings, Units& units) {
  const Caller& caller = findings.clearance().grant().caller();
  const Asker& asker = caller.asker();
  const Question& question = caller.question();
  Officer& officer = officer_of(*units.held()[0].holder);
  std::vector<std::string> words(findings.people().size());
  // A bulk answer stands on its own grant and approvals: the tests are of single lookups, and its
  // entries tell a replay nothing. Holds and budgets were judged; what is left are canaries.
  if (question.kind == QuestionKind::export_) {
    note_listed_canaries(officer, asker, question, findings);
    return words;
  }
  if (asker.service || asker.citizen) return words;
  if (officer.unit != asker.unit) officer.unit = asker.unit;

  const std::uint64_t at = judged_at();
  const std::vector<Look> looks = looks_of(findings, officer, at);
  const Look& first = looks.front();
  const auto refuse = [&](const Trip& trip) {
    Failure why = refused(trip);
    if (trip.rule == Rule::burst) {
      const Refused counted{first.order, at, trip.rule};
      note_refused(officer, asker, question, counted);
      why.judged = words_of(counted);
    } else if (!trip.repeated) {
      Alert alert = alert_of(trip, asker, question, officer, at);
      alert.looks = looks;
      if (trip.rule == Rule::off_duty) alert.tier = Tier::friction;
      if (trip.rule == Rule::two_places && officer.device != asker.actor.thumbprint)
        alert.other = officer.device;
      raise(std::move(alert), officer);
    }
    return std::unexpected(std::move(why));
  };
  if (judges) {
    const bool with_case = !normal_case_ref(question.case_ref).empty();
    const Company company = company_of(units.held(), with_case, tuned.p.near_on != 0);
    for (const Hold& hold : officer.holds)
      if (hold.rule == Rule::unexplained_week &&
          std::any_of(looks.begin(), looks.end(),
                      [](const Look& l) { return l.why == Why::unexplained; }))
        return refuse(Trip{hold.rule, 0, 0, true});
    if (const Scores& s = officer.habits.scores(); s.friction_since != 0 && !first.fresh)
      return refuse(Trip{s.friction_rule, 0, 0, true});
    if (const auto trip = places_trip(officer, asker.actor, first)) return refuse(*trip);
    if (tuned.p.off_duty_friction != 0 && !first.fresh && first.off_duty)
      return refuse(Trip{Rule::off_duty, 0, 0});
    if (const auto covered = officer.habits.advance(tuned, at, company.peers)) {
      Alert alert = alert_of(*covered, asker, question, officer, at);
      alert.order = first.order;
      raise(std::move(alert), officer);
    }
    const Tried tried = officer.habits.judge(tuned, looks, company);
    if (tried.trip) return refuse(*tried.trip);
    units.applied(looks, officer.habits.scores());
    officer.habits.apply(tuned, looks, tried, company);
    if (officer.habits.scores().friction_since == 0)
      std::erase_if(officer.holds, [](const Hold& h) { return h.tier == Tier::friction; });
    officer.device = asker.actor.thumbprint;
    officer.device_at = at;
    note_off_duty(officer, asker, question, first);
    std::vector<Label> citizens;
    for (const Person& person : findings.people()) citizens.push_back(person.label);
    note_magnets(officer, asker, question, looks, citizens);
    note_case(officer, asker, question, first);
    note_protected(officer, asker, question, looks);
  }
  count_day(officer, looks);
  note_canaries(officer, asker, question, looks);
  for (std::size_t i = 0; i < looks.size(); ++i) {
    words[i] = words_of(looks[i]);
    if (looks[i].why == Why::chain) words[i] += "\nchain " + findings.people()[i].chain;
  }
  return words;
}

std::string Detection::mismatch(const Asker& asker) {
  State& s = *state_;
  if (s.tuned.p.mismatch_on == 0) return {};
  const Held held = s.hold_officer(asker.account);
  const std::lock_guard lock(held.shard->mutex);
  const Refused refused{s.next_order(), s.judged_at(), Rule::key_mismatch};
  s.note_refused(s.officer_of(*held.holder), asker, Question{}, refused);
  return words_of(refused);
}

void Detection::touched(const Asker& asker, const Label& label, std::string case_ref,
                        std::string what) {
  State& s = *state_;
  const std::uint64_t subject = hash_of(label);
  insist(!what.empty());
  if (!s.is_canary(subject)) return;
  const Held held = s.hold_officer(asker.account);
  const std::lock_guard lock(held.shard->mutex);
  Question question;
  question.case_ref = std::move(case_ref);
  Alert alert = s.alert_of(Trip{Rule::canary, 1, s.tuned.p.canary_suspend}, asker, question,
                           s.officer_of(*held.holder), s.judged_at());
  alert.note = std::move(what);
  s.raise(std::move(alert), *held.holder->officer);
}

std::uint32_t Detection::waits(const Asker& asker) {
  State& s = *state_;
  if (s.tuned.p.slow_on == 0) return 0;
  const Held held = s.hold_officer(asker.account);
  const std::lock_guard lock(held.shard->mutex);
  const auto apart = static_cast<std::uint64_t>(kMinuteMs / s.tuned.p.slow_per_minute);
  const auto free = static_cast<std::uint64_t>(s.tuned.p.slow_at_once) * apart;
  const auto most = static_cast<std::uint64_t>(s.tuned.p.slow_most_s * 1000);
  const std::uint64_t at = s.judged_at();
  std::uint64_t& arrival = s.officer_of(*held.holder).refusals;
  arrival = std::min(std::max(arrival, at) + apart, at + free + most);
  return arrival > at + free ? static_cast<std::uint32_t>(arrival - at - free) : 0;
}

void Detection::forbidden(const Asker& asker, const Question& question, const std::string& rule) {
  State& s = *state_;
  if (s.tuned.p.forbidden_on == 0 || asker.service || asker.citizen) return;
  const Held held = s.hold_officer(asker.account);
  const std::lock_guard lock(held.shard->mutex);
  Officer& officer = s.officer_of(*held.holder);
  Alert alert =
      s.alert_of(Trip{Rule::forbidden_person, 1, 1}, asker, question, officer, s.judged_at());
  alert.note = rule;
  s.raise(std::move(alert), officer);
}

}  // namespace amanat::detection
