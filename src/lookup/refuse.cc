// The smaller story beside the lookup: how a refusal is told and recorded.

#include <string>

#include "lookup/lookup.h"
#include "vault/debts.h"

namespace amanat::lookup {
namespace {

// The body's part 10: the reason's id, then what it rests on (rule, field, need; no person).
std::string denial_bytes(const Failure& why) {
  std::string out(row_of(why.reason).id);
  out.push_back('\n');
  out += why.detail;
  for (const Need& need : why.needs) {
    out += "\nneed ";
    out += row_of(need.reason).id;
    out += " " + need.rule;
  }
  if (!why.judged.empty()) out += "\n" + why.judged;
  return out;
}

// A proof that another key, place or question made: what the device's own never is by mistake.
bool is_mismatch(Reason reason) {
  switch (reason) {
    case Reason::passkey_other:
    case Reason::challenge_wrong:
    case Reason::origin_wrong:
    case Reason::rp_wrong:
    case Reason::user_handle_wrong:
    case Reason::assertion_wrong:
    case Reason::counter_not_grown:
      return true;
    default:
      return false;
  }
}

// Refusals that a service's holds and budgets make of whatever it asks. A service may be refused
// thousands of single records by the policy while it does an honest day's work.
bool is_stopped(Reason reason) {
  switch (reason) {
    case Reason::account_on_hold:
    case Reason::device_on_hold:
    case Reason::class_on_hold:
    case Reason::quota_spent:
      return true;
    default:
      return false;
  }
}

}  // namespace

void Strangers::count(Reason reason) {
  counts_[static_cast<std::size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
}

std::vector<std::pair<Reason, std::uint64_t>> Strangers::drain() {
  std::vector<std::pair<Reason, std::uint64_t>> drained;
  for (std::size_t i = 0; i < reason_count(); ++i)
    if (const auto n = counts_[i].exchange(0, std::memory_order_relaxed); n > 0)
      drained.emplace_back(static_cast<Reason>(i), n);
  return drained;
}

Lookup::Lookup(identity::Identity& identity, policy::Policy& policy,
               detection::Detection& detection, registry::Registry& registry,
               disclosure::Disclosure& disclosure, ledger::Ledger& ledger, vault::Vault& vault)
    : identity_(identity),
      policy_(policy),
      detection_(detection),
      registry_(registry),
      disclosure_(disclosure),
      ledger_(ledger),
      vault_(vault) {
  introduce();
}

// introduce tells policy where to ask about people, and how to raise an alarm: the rooms are blind
// to each other. An alert goes into the ledger's queue ahead of the answer it warns of, so it is
// durable no later; if the queue is gone, so is the answer.
void Lookup::introduce() {
  policy::Roster roster;
  roster.own_of_unit = [this](std::string_view department, std::string_view unit) {
    return identity_.own_of_unit(department, unit);
  };
  roster.own_of = [this](std::string_view account) { return identity_.own_of(account); };
  roster.changes = [this] { return identity_.changes(); };
  roster.accounts = [this] { return identity_.accounts(); };
  roster.alert = [this](std::string text) -> Result<void> {
    EntryContent alert;
    alert.type = EntryType::alert;
    alert.part(BodyPart::denial) = std::move(text);
    auto slice = vault_.system_slice(now());
    if (!slice) return fail(Reason::ledger_not_durable, "no slice for the alert");
    alert.slice = *std::move(slice);
    std::vector<EntryContent> entries;
    entries.push_back(std::move(alert));
    const auto pending = ledger_.record(std::move(entries));
    return {};
  };
  policy_.introduce(std::move(roster));
}

Task<Result<Answer>> Lookup::turned_away(const Request& request, const Failure& why) {
  // A device we know that sends nonsense is a refusal of a known caller; anybody else is only
  // counted, or a stranger could fill the ledger and write into a citizen's history.
  // A proof is used up by the first look at it: whether the caller was known then, the reason says.
  Result<Asker> known = std::unexpected(why);
  if (identity::Identity::names_caller(why.reason)) known = identity_.known(request);
  if (!known) {
    strangers_.count(why.reason);
    co_return std::unexpected(why);
  }
  Failure judged = why;
  if (is_mismatch(why.reason)) judged.judged = detection_.mismatch(*known);
  EntryContent denial;
  denial.type = EntryType::denied;
  denial.actor = known->actor;
  denial.part(BodyPart::denial) = denial_bytes(judged);
  co_return co_await record_denial(std::move(denial), *known, why);
}

Task<Result<Answer>> Lookup::refused(const Asked& asked, const Failure& why) {
  EntryContent denial;
  denial.type = EntryType::denied;
  denial.actor = asked.asker.actor;
  denial.part(BodyPart::purpose) = asked.question.purpose;
  denial.part(BodyPart::case_ref) = asked.question.case_ref;
  denial.part(BodyPart::denial) = denial_bytes(why);
  denial.part(BodyPart::policy_hash) = why.policy_hash;
  denial.evidence = asked.evidence;
  // Detail: "..., rule ID".
  if (why.reason == Reason::forbidden_by_rule) {
    const std::size_t at = why.detail.rfind("rule ");
    const std::string rule = at == why.detail.npos ? std::string() : why.detail.substr(at + 5);
    if (policy_.forbids_people(rule))
      detection_.forbidden(asked.asker, asked.question, "rule " + rule);
  }
  if (const auto named = registry_.subject_of_question(asked.question); named && *named)
    denial.subject = vault_.label(**named);
  // A refusal for a covert purpose would tell what the answer does not.
  if (const std::uint64_t sealed_ms = policy_.sealed_ms(asked.question.purpose);
      denial.subject && sealed_ms > 0)
    denial.sealed_until = Moment{number(ledger_.time()) + sealed_ms};
  co_return co_await record_denial(std::move(denial), asked.asker, why);
}

// From here on others are waited for, the holder of a key's other half and then the ledger, while
// what was unwrapped is owed an entry.
void Lookup::wait_on_account(const Findings& findings) {
  if (Reservation* const debt = findings.debt()) vault_.debts().waiting(*debt);
}

// A promise of witnesses is not kept by having none.
Result<void> Lookup::may_leave(const Draft& draft) const {
  if (policy_.demands_witnesses(draft.findings().clearance().grant()) &&
      !ledger_.witness_standing().has_witnesses)
    return fail(Reason::witnesses_silent);
  return {};
}

// pay settles what the vault is owed: vault and ledger do not know each other. That the Receipt is
// of this Draft its digest says; that it is durable, that there is one.
Result<void> Lookup::pay(const Draft& draft, const Receipt& receipt) {
  Reservation* const debt = draft.findings().debt();
  if (debt == nullptr) return {};
  if (receipt.released() != draft.released())
    return fail(Reason::ledger_proof_wrong, "the receipt of another answer");
  std::vector<Label> owed;
  owed.reserve(draft.shares().size());
  for (const auto& share : draft.shares()) {
    insist(share.entry.subject.has_value());
    owed.push_back(*share.entry.subject);
  }
  return pay(*debt, owed, receipt);
}

Result<void> Lookup::pay(Reservation& debt, const std::vector<Label>& owed,
                         const Receipt& receipt) {
  const auto& entries = receipt.entries();
  const auto& bulk = receipt.bulk();
  if (entries.empty() || (bulk ? bulk->count : entries.size()) != owed.size())
    return fail(Reason::ledger_proof_wrong, "the receipt of another answer");
  std::vector<vault::Paid> paid;
  paid.reserve(owed.size());
  for (std::size_t i = 0; i < owed.size(); ++i) {
    if (bulk)  // its EXPORT, which comes last, names the range
      paid.push_back({owed[i], EntryIndex{number(bulk->first) + i}, entries[0].time});
    else
      paid.push_back({owed[i], entries[i].index, entries[i].time});
  }
  return vault_.debts().settle(debt, paid);
}

Task<Result<Answer>> Lookup::record_denial(EntryContent denial, const Asker& asker,
                                           const Failure& why) {
  auto slice =
      denial.subject ? vault_.slice_for(*denial.subject, now()) : vault_.system_slice(now());
  if (!slice) co_return fail(Reason::ledger_not_durable, "no slice for the refusal");
  denial.slice = *std::move(slice);
  // The alert of the rule that was broken is durable together with the refusal.
  std::vector<detection::Alert> alerts;
  if (denial.actor) alerts = detection_.take_alerts(denial.actor->account);
  std::vector<EntryContent> entries;
  entries.push_back(std::move(denial));
  for (const detection::Alert& alert : alerts) {
    auto system = vault_.system_slice(now());
    if (!system) {
      detection_.give_back(std::move(alerts));
      co_return fail(Reason::ledger_not_durable, "no slice for the alert");
    }
    entries.push_back(detection::entry_of(alert));
    entries.back().slice = *std::move(system);
  }
  // After the alerts, so that each keeps its place.
  for (const detection::Alert& alert : alerts) {
    auto notice = detection::notice_of(alert);
    if (!notice) continue;
    auto own = vault_.slice_for(*notice->subject, now());
    if (!own) {
      detection_.give_back(std::move(alerts));
      co_return fail(Reason::ledger_not_durable, "no slice for the notice");
    }
    notice->slice = *std::move(own);
    entries.push_back(*std::move(notice));
  }
  auto recorded = co_await ledger_.record(std::move(entries));
  // A refusal that could not be recorded is not told: the caller learns only that nothing is.
  if (!recorded) {
    detection_.give_back(std::move(alerts));
    co_return std::unexpected(recorded.error());
  }
  for (std::size_t i = 0; i < alerts.size(); ++i) {
    detection_.recorded(alerts[i], recorded->entries[i + 1].index);
    // Two at once: the older session ends, and whoever is right signs in again.
    if (alerts[i].other) identity_.end_session(alerts[i].actor.account, *alerts[i].other);
  }
  detection_.observe(recorded->entries.back().time);
  Failure told = why;
  if (!asker.service || is_stopped(why.reason)) told.wait_ms = detection_.waits(asker);
  co_return std::unexpected(std::move(told));
}

Task<Result<void>> Lookup::alert_strangers() {
  const auto counts = strangers_.drain();
  if (counts.empty()) co_return Result<void>{};
  EntryContent alert;
  alert.type = EntryType::alert;
  std::string& body = alert.part(BodyPart::denial);
  for (const auto& [reason, n] : counts) {
    body += row_of(reason).id;
    body.push_back(' ');
    body += std::to_string(n);
    body.push_back('\n');
  }
  auto slice = vault_.system_slice(now());
  if (!slice) co_return std::unexpected(slice.error());
  alert.slice = *std::move(slice);
  std::vector<EntryContent> entries;
  entries.push_back(std::move(alert));
  auto recorded = co_await ledger_.record(std::move(entries));
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return Result<void>{};
}

}  // namespace amanat::lookup
