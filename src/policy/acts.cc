// What people do beside asking: cases are written, questions approved, emergencies reviewed,
// consent given and taken back.

#include <algorithm>

#include "crypto/crypto.h"
#include "model/insist.h"
#include "policy/bytes.h"
#include "policy/state.h"

namespace amanat::policy {
namespace {

constexpr std::uint64_t kConsentMaxMs = 5 * 366 * kDayMs;

WaitingQuestion view_of(const Waiting& one) {
  WaitingQuestion view;
  view.id = one.id;
  view.asker = one.asker_id;
  view.department = one.department;
  view.unit = one.unit;
  view.question_hash = one.question_hash;
  view.question = one.question;
  view.asked = Moment{one.asked};
  view.expires = Moment{one.expires};
  view.wanted = one.wanted;
  view.approver = approver_words()[static_cast<std::size_t>(one.approver)];
  for (const Approval& decided : one.decided) {
    view.decided.push_back({decided.approver_id, decided.reason, decided.approved});
    if (decided.approved) ++view.given;
  }
  return view;
}

CaseVersion view_of(const BookedCase& b) {
  CaseVersion view;
  view.ref = b.ref;
  view.kind = b.kind;
  view.unit = b.unit;
  view.noted_by = b.noted_by;
  view.version = b.version;
  view.opened = b.opened;
  view.noted = b.noted;
  view.closed = b.closed;
  view.officers = b.officers;
  view.subjects = b.subjects;
  for (const BookedOrder& order : b.orders)
    view.orders.push_back({order.ref, order.fields, order.subjects.size(), order.until});
  return view;
}

// is_over says whether a role of one person is the superior of a role of another.
bool is_over(const Tables& tables, const std::vector<std::string>& upper,
             const std::vector<std::string>& lower) {
  for (const RoleRow& role : tables.roles) {
    if (std::find(upper.begin(), upper.end(), role.id) == upper.end()) continue;
    for (const auto& under : role.over)
      if (std::find(lower.begin(), lower.end(), under) != lower.end()) return true;
  }
  return false;
}

}  // namespace

std::optional<std::vector<std::pair<std::string, std::string>>> question_in_words(
    std::string_view canonical) {
  constexpr const char* kKindWords[] = {"", "lookup", "list", "export", "break-glass", "trail", "page"};
  Taker take(canonical);
  std::vector<std::pair<std::string, std::string>> words;
  const std::uint64_t version = take.number(1), kind = take.number(1);
  if (version < 1 || version > 2 || kind < 1 || kind > 6) return std::nullopt;
  words.emplace_back("kind", kKindWords[kind]);
  for (const char* name : {"asker", "client", "purpose", "case"})
    words.emplace_back(name, take.text());
  std::string citizens, fields;
  const std::size_t n = take.count(2, 1024);
  for (std::size_t i = 0; i < n && !take.broken(); ++i)
    citizens += (i > 0 ? ", " : "") + std::string(take.take(13));
  if (!citizens.empty()) words.emplace_back("national_id", citizens);
  const std::size_t m = take.count(2, kFieldsMax);
  for (std::size_t i = 0; i < m && !take.broken(); ++i) fields += (i > 0 ? ", " : "") + take.text();
  words.emplace_back("fields", fields);
  words.emplace_back("max_subjects", std::to_string(take.number(2)));
  words.emplace_back("reason", take.text());
  if (version == 2) {
    const std::size_t forms = take.count(2, 16);
    for (std::size_t i = 0; i < forms && !take.broken(); ++i) {
      std::string name = "subject." + take.text();
      words.emplace_back(std::move(name), take.text());
    }
  }
  if (!take.whole()) return std::nullopt;
  return words;
}

Result<Digest> Policy::case_digest(const Case& one) const {
  auto booked = state_->cases.book(one);
  if (!booked) return std::unexpected(booked.error());
  return crypto::sha256(encode(*booked));
}

Result<std::vector<CaseVersion>> Policy::case_history(std::string_view ref) const {
  auto versions = state_->cases.history(ref);
  if (!versions) return std::unexpected(versions.error());
  if (versions->empty()) return fail(Reason::case_unknown);
  std::vector<CaseVersion> views;
  for (const BookedCase& one : *versions) views.push_back(view_of(one));
  return views;
}

Result<Approval> Policy::State::judge_decision(const Asker& approver, const Waiting& one) const {
  const auto in_force_now = current();
  const Tables& tables = in_force_now->compiled.tables();
  if (approver.service || !holds_right(tables, approver, "approve"))
    return fail(Reason::not_your_right, "approve");
  if (approver.account == one.asker) return fail(Reason::approver_wrong, "it is your own");
  for (const Approval& before : one.decided)
    if (before.approver == approver.account)
      return fail(Reason::approver_wrong, "you have decided it");
  const bool same_department = approver.department == one.department;
  if (same_department && is_over(tables, one.roles, approver.roles))
    return fail(Reason::approver_wrong, "the asker is your superior");
  Approval approval;
  approval.approver = approver.account;
  approval.approver_id = approver.id;
  approval.superior = same_department && is_over(tables, approver.roles, one.roles);
  approval.other_unit = !same_department || approver.unit != one.unit;
  const bool superior_asked =
      one.approver == Approver::superior || one.approver == Approver::superior_other_unit;
  const bool other_unit_asked =
      one.approver == Approver::other_unit || one.approver == Approver::superior_other_unit;
  if ((superior_asked && !approval.superior) || (other_unit_asked && !approval.other_unit))
    return fail(Reason::approver_wrong,
                "asked for: " + approver_words()[static_cast<std::size_t>(one.approver)]);
  return approval;
}

std::vector<WaitingQuestion> Policy::waiting_for(const Asker& approver, Moment at) const {
  std::vector<WaitingQuestion> list;
  for (const Waiting& one : state_->approvals.list(at))
    if (state_->judge_decision(approver, one)) list.push_back(view_of(one));
  return list;
}

std::vector<WaitingQuestion> Policy::waiting_of(const Asker& asker, Moment at) const {
  std::vector<WaitingQuestion> list;
  for (const Waiting& one : state_->approvals.list(at))
    if (one.asker == asker.account) list.push_back(view_of(one));
  return list;
}

namespace {

// The act must be about exactly this question, and its time within a day.
Result<bool> verdict_of(const Caller& confirmed, std::string_view id, const Digest& subject) {
  const auto& act = confirmed.act();
  if (!act) return fail(Reason::act_wrong, "no act was confirmed");
  if (act->verb != "approve" && act->verb != "refuse") return fail(Reason::act_wrong, "its verb");
  if (act->target != id) return fail(Reason::act_wrong, "its target");
  if (act->subject != subject) return fail(Reason::act_wrong, "its subject");
  return act->verb == "approve";
}

}  // namespace

// What a department asks of its officers' questions it asks of their decisions as well.
Result<void> proof_fits(const Tables& tables, const Caller& confirmed) {
  const DepartmentRow otherwise;
  const DepartmentRow* row = &otherwise;
  for (const DepartmentRow& one : tables.departments)
    if (one.id == confirmed.asker().department) row = &one;
  if (confirmed.proof() < std::max(row->officers, Proof::signature))
    return fail(Reason::evidence_too_weak, "department " + confirmed.asker().department);
  return {};
}

Result<void> Policy::judge(const Caller& confirmed, std::string_view id) const {
  const auto one = state_->approvals.find(id, confirmed.received());
  if (!one) return fail(Reason::approval_unknown);
  auto may_decide = state_->judge_decision(confirmed.asker(), *one);
  if (!may_decide) return std::unexpected(may_decide.error());
  auto approves = verdict_of(confirmed, id, one->question_hash);
  if (!approves) return std::unexpected(approves.error());
  const auto in_force = state_->current();
  if (auto fits = proof_fits(in_force->compiled.tables(), confirmed); !fits) return fits;
  const std::uint64_t at = number(confirmed.received()), until = confirmed.act()->until;
  if (*approves && (until <= at || until - at > kDayMs)) return fail(Reason::act_wrong, "its time");
  return {};
}

Result<void> Policy::decide(const Caller& confirmed, std::string_view id) {
  if (auto judged = judge(confirmed, id); !judged) return judged;
  const auto one = state_->approvals.find(id, confirmed.received());
  if (!one) return fail(Reason::approval_unknown);
  auto approval = state_->judge_decision(confirmed.asker(), *one);
  if (!approval) return std::unexpected(approval.error());
  const Act& act = *confirmed.act();
  approval->approved = act.verb == "approve";
  approval->until = act.until;
  approval->decided = number(confirmed.received());
  approval->reason = act.reason;
  return state_->approvals.decide(id, *approval, confirmed.received());
}

std::vector<EmergencyReview> Policy::emergencies() const {
  std::vector<EmergencyReview> list;
  for (Emergency& one : state_->registers.emergencies()) {
    EmergencyReview view;
    view.id = std::move(one.id);
    view.asker = std::move(one.asker_id);
    view.purpose = std::move(one.purpose);
    view.case_ref = std::move(one.case_ref);
    view.reason = std::move(one.reason);
    view.reviewed_by = std::move(one.reviewed_by);
    view.reviewers = std::move(one.reviewers);
    view.at = Moment{one.at};
    view.justified = one.justified;
    list.push_back(std::move(view));
  }
  return list;
}

Result<void> Policy::review(const Caller& confirmed, std::string_view id) {
  if (confirmed.asker().service || !may(confirmed.asker(), "review"))
    return fail(Reason::not_your_right, "review");
  auto justified = verdict_of(confirmed, id, Digest{});
  if (!justified) return std::unexpected(justified.error());
  if (confirmed.act()->reason.empty()) return fail(Reason::reason_missing);
  const auto in_force = state_->current();
  if (auto fits = proof_fits(in_force->compiled.tables(), confirmed); !fits) return fits;
  return state_->registers.review(id, confirmed.asker().id, *justified, confirmed.received());
}

Result<std::string> Policy::consent(const Tag& citizen, std::string_view purpose,
                                    const std::vector<std::string>& patterns, Moment given,
                                    Moment until) {
  const auto in_force = state_->current();
  if (!in_force->compiled.purpose(purpose)) return fail(Reason::unknown_purpose);
  if (until <= given || number(until) - number(given) > kConsentMaxMs)
    return fail(Reason::malformed_value, "until: later than now, at most five years");
  FieldSet named;
  for (const auto& pattern : patterns) {
    const FieldSet set = state_->fields.match(pattern);
    if (set.none()) return fail(Reason::unknown_field);
    named |= set;
  }
  if (named.none()) return fail(Reason::value_missing, "fields");
  Consent one;
  one.citizen = citizen;
  one.purpose = std::string(purpose);
  for (std::size_t f = 0; f < state_->fields.size(); ++f)
    if (named.test(f))
      one.fields.push_back(state_->fields[FieldId{static_cast<std::uint16_t>(f)}].id);
  one.given = number(given);
  one.until = number(until);
  return state_->registers.consent(std::move(one));
}

Result<void> Policy::withdraw(const Tag& citizen, std::string_view id) {
  return state_->registers.withdraw(citizen, id);
}

std::vector<ConsentGiven> Policy::consents_of(const Tag& citizen, Moment at) const {
  std::vector<ConsentGiven> list;
  for (Consent& one : state_->registers.consents_of(citizen, at))
    list.push_back({std::move(one.id), std::move(one.purpose), std::move(one.fields),
                    Moment{one.given}, Moment{one.until}});
  return list;
}

Result<void> Policy::protect(const SubjectName& person, Listed listed) {
  return state_->registers.protect(state_->vault.tag(person), listed);
}

std::size_t Policy::protected_count() const { return state_->registers.protected_people()->size(); }

}  // namespace amanat::policy
