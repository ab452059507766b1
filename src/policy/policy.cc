#include "policy/policy.h"

#include <algorithm>
#include <bit>

#include "crypto/crypto.h"
#include "policy/analysis.h"
#include "policy/state.h"

namespace amanat::policy {
namespace {

constexpr std::uint64_t kHourMs = 3'600'000;
constexpr std::uint64_t kExplainsAfterMs = 600'000;  // a case opened just now explains nothing
constexpr std::uint64_t kFreshMs = 300'000;          // for break-glass: verified just now
constexpr std::size_t kNationalIdDigits = 13;
constexpr std::size_t kReviewers = 2;

// The 13 digits of a national ID written with or without dashes, blanks and dots; else nothing.
std::optional<std::string> national_id_of(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '-' || c == ' ' || c == '.') continue;
    if (c < '0' || c > '9') return std::nullopt;
    out.push_back(c);
  }
  if (out.size() != kNationalIdDigits) return std::nullopt;
  return out;
}

// Which standings the question's citizens can have; decided here where they are known beforehand.
struct Possible {
  bool standing[kStandings] = {false, false, false};
  bool& operator[](Standing s) { return standing[static_cast<std::size_t>(s)]; }
  bool operator[](Standing s) const { return standing[static_cast<std::size_t>(s)]; }
};

Possible possible_standings(const BookedCase* booked, const std::optional<Tag>& direct) {
  Possible possible;
  if (booked == nullptr) {
    possible[Standing::other] = true;
  } else if (direct) {
    const bool named =
        std::binary_search(booked->subjects.begin(), booked->subjects.end(), *direct);
    possible[named ? Standing::named : Standing::other] = true;
  } else {
    for (const Standing s : {Standing::named, Standing::kin, Standing::other}) possible[s] = true;
  }
  return possible;
}

Situation situation_of(const Compiled& c, const Asked& asked, Column purpose,
                       const BookedCase* booked) {
  const Asker& asker = asked.asker;
  Situation s;
  for (const auto& role : asker.roles) {
    // A department's form of a role counts in that department only, whoever handed it out.
    const auto dot = role.find('.');
    if (dot != std::string::npos && role.substr(0, dot) != asker.department) continue;
    const auto column = c.role(role);
    if (!column || s.role_count == kRolesAsked) continue;
    s.roles[s.role_count++] = *column;
  }
  s.purpose = purpose;
  s[Attribute::department] = c.department(asker.department);
  s[Attribute::unit] = c.unit(asker.unit);
  if (booked != nullptr) {
    s.kind = c.kind(booked->kind);
    // A closing that was recorded closes the case, whatever its date: a clock that is behind must
    // not keep a closed case open.
    s[Attribute::case_open] = booked->closed ? kNo : kYes;
    s[Attribute::assigned] =
        std::binary_search(booked->officers.begin(), booked->officers.end(), asker.id) ? kYes : kNo;
    if (!booked->unit.empty() && !asker.unit.empty())
      s[Attribute::own_unit] = booked->unit == asker.unit ? kYes : kNo;
  } else {
    s.kind = normal_case_ref(asked.question.case_ref).empty() ? kNoCase : kUnknown;
  }
  s[Attribute::matter] = c.matter(purpose, s.kind);
  s[Attribute::evidence] = static_cast<Column>(kChannel + static_cast<unsigned>(asked.proof));
  c.set_approvals(s, {});
  std::optional<std::uint64_t> age;
  // A verification that lies ahead is a clock that is wrong: no age is known.
  if (asked.verified && *asked.verified <= asked.received)
    age = number(asked.received) - number(*asked.verified);
  s[Attribute::presence] = c.presence(age);
  s[Attribute::glass] = asked.question.kind == QuestionKind::break_glass ? kYes
                        : asked.question.kind != QuestionKind::export_   ? kNo
                        : c.columns(Attribute::glass) > kExtract         ? kExtract
                                                                         : kUnknown;
  s[Attribute::hour] = Compiled::hour(static_cast<unsigned>(number(asked.received) / kHourMs % 24));
  return s;
}

// Judging is one question on its way to a Grant.
class Judging {
 public:
  Judging(Policy::State& state, const InForce& in_force, std::shared_ptr<const Asked> asked)
      : state_(state),
        c_(in_force.compiled),
        in_force_(in_force),
        asked_(std::move(asked)),
        question_(asked_->question) {}

  Result<Grant::Content> judge();

 private:
  Result<void> weigh_proof() const;
  void weigh_classes();
  void of_class(SubjectClass which, std::shared_ptr<const std::vector<Tag>> members);
  void weigh_orders();
  Result<void> weigh_approvals();
  bool fill(const Verdict& verdict, std::vector<FieldRelease> (&releases)[kStandings]);
  void fill_narrowed(const Verdict& verdict);
  void note_waiting(const Missing& missing);
  Result<void> declare() const;
  Failure refusal() const;
  Failure weak(Reason reason) const;

  Policy::State& state_;
  const Compiled& c_;
  const InForce& in_force_;
  const std::shared_ptr<const Asked> asked_;
  const Question& question_;
  std::shared_ptr<const BookedCase> booked_;
  std::optional<Tag> direct_;  // the one citizen asked for, by name
  Situation situation_;
  Possible possible_;
  Grant::Content content_;
  Rules decided_;
  std::vector<std::pair<SubjectClass, std::shared_ptr<const std::vector<Tag>>>> later_;
  Missing nearest_;
  FieldId nearest_field_{};
  Failure waiting_{Reason::internal_error, {}};  // its needs name the approval waited for
};

Failure Judging::weak(Reason reason) const {
  Failure failure{reason, {}};
  failure.policy_hash.assign(reinterpret_cast<const char*>(in_force_.hash.data()),
                             in_force_.hash.size());
  return failure;
}

// weigh_proof refuses what is proved by less than the asker's department asks for.
Result<void> Judging::weigh_proof() const {
  const Asker& asker = asked_->asker;
  const DepartmentRow otherwise;
  const DepartmentRow* row = c_.department_row(asker.department);
  if (row == nullptr) row = &otherwise;
  const Proof least = asker.service ? row->services : row->officers;
  if (asked_->proof < least) {
    Failure failure = weak(Reason::evidence_too_weak);
    failure.detail =
        row->id.empty() ? "the department has no row in the policy" : "department " + row->id;
    Need need;
    need.reason = Reason::evidence_too_weak;
    need.word = proof_words()[static_cast<std::size_t>(least)];
    failure.needs.push_back(std::move(need));
    return std::unexpected(std::move(failure));
  }
  if (question_.kind != QuestionKind::break_glass) return {};
  if (question_.reason.find_first_not_of(' ') == std::string::npos)
    return std::unexpected(weak(Reason::reason_missing));
  const bool fresh = asked_->verified && *asked_->verified <= asked_->received &&
                     number(asked_->received) - number(*asked_->verified) <= kFreshMs;
  if (!fresh) {
    Failure failure = weak(Reason::presence_too_old);
    Need need;
    need.reason = Reason::presence_too_old;
    need.max_age_s = kFreshMs / 1000;
    failure.needs.push_back(std::move(need));
    return std::unexpected(std::move(failure));
  }
  return {};
}

// of_class notes who is of a class: decided here where the citizen is known, later otherwise.
void Judging::of_class(SubjectClass which, std::shared_ptr<const std::vector<Tag>> members) {
  if (direct_ && members != nullptr) {
    if (std::binary_search(members->begin(), members->end(), *direct_))
      situation_.classes |= mask_of(which);
    return;
  }
  if (members != nullptr && members->empty()) return;
  situation_.later |= mask_of(which);
  later_.emplace_back(which, std::move(members));
}

// weigh_classes says what the citizens may be to the asker. A system is nobody's relative; of an
// officer whose own number the roster lacks it is not known, and then everybody may be.
void Judging::weigh_classes() {
  const Asker& asker = asked_->asker;
  const auto named = [&](SubjectClass one) { return (in_force_.classes & mask_of(one)) != 0; };
  const auto unknown = [&](SubjectClass one) { situation_.classes |= mask_of(one); };
  const auto list = [](std::vector<Tag> tags) {
    std::sort(tags.begin(), tags.end());
    return std::make_shared<const std::vector<Tag>>(std::move(tags));
  };
  if (!asker.service) {
    if (named(SubjectClass::self)) {
      if (asker.own)
        of_class(SubjectClass::self, list({*asker.own}));
      else
        unknown(SubjectClass::self);
    }
    if (named(SubjectClass::own_family)) {
      if (asker.own)
        of_class(SubjectClass::own_family, nullptr);
      else
        unknown(SubjectClass::own_family);
    }
    if (named(SubjectClass::colleague)) {
      if (auto tags = state_.colleagues_of(asker))
        of_class(SubjectClass::colleague, std::move(tags));
      else
        unknown(SubjectClass::colleague);
    }
  }
  if (named(SubjectClass::officer_of_case) && booked_ != nullptr) {
    if (!state_.roster.own_of) {
      unknown(SubjectClass::officer_of_case);
    } else {
      std::vector<Tag> tags;
      for (const auto& officer : booked_->officers)
        if (const auto own = state_.roster.own_of(officer)) tags.push_back(*own);
      of_class(SubjectClass::officer_of_case, list(std::move(tags)));
    }
  }
  if (named(SubjectClass::protected_person))
    of_class(SubjectClass::protected_person, state_.registers.protected_people());
}

// weigh_orders hears the court orders in force: at once for a citizen who is known, else they
// travel with the Grant.
void Judging::weigh_orders() {
  if (!c_.tested(Attribute::court) || booked_ == nullptr) return;
  for (const BookedOrder& order : booked_->orders) {
    if (order.until <= asked_->received) continue;
    CourtOrder live;
    for (const auto& pattern : order.fields) live.fields |= c_.fields().match(pattern);
    live.subjects = order.subjects;
    if (direct_) {
      const std::vector<Tag>& whom = live.subjects.empty() ? booked_->subjects : live.subjects;
      if (std::binary_search(whom.begin(), whom.end(), *direct_)) situation_.ordered |= live.fields;
    } else {
      content_.orders.push_back(std::move(live));
    }
  }
}

Result<void> Judging::weigh_approvals() {
  if (!state_.approvals.has(asked_->asker.account)) return {};
  const auto canonical = canonical_of(*asked_, c_.fields());
  if (!canonical) return {};  // what cannot be signed was never approved
  auto held =
      state_.approvals.take(asked_->asker.account, question_hash_of(*canonical), asked_->received);
  if (!held) return std::unexpected(held.error());
  if (*held == nullptr) return {};
  c_.set_approvals(situation_, (*held)->counts());
  content_.approvals = *std::move(held);
  return {};
}

// note_waiting puts the question before approvers, if nothing else is missing.
void Judging::note_waiting(const Missing& missing) {
  if (missing.reason != Reason::approval_required || missing.count != 1 || !waiting_.needs.empty())
    return;
  insist(missing.needs.size() == 1);
  const auto canonical = canonical_of(*asked_, c_.fields());
  if (!canonical) return;
  const Need& need = missing.needs.front();
  Waiting one;
  one.question_hash = question_hash_of(*canonical);
  one.question = *canonical;
  one.asker = asked_->asker.account;
  one.asker_id = asked_->asker.id;
  one.department = asked_->asker.department;
  one.unit = asked_->asker.unit;
  one.roles = asked_->asker.roles;
  one.asked = number(asked_->received);
  one.expires = one.asked + kDayMs;
  one.wanted = need.approvals;
  const auto& words = approver_words();
  one.approver =
      static_cast<Approver>(std::find(words.begin(), words.end(), need.word) - words.begin());
  auto id = state_.approvals.wait(std::move(one));
  waiting_.needs.push_back(need);
  if (id) {
    waiting_.needs.front().id = *id;
    waiting_.detail = "approval " + *id;
    if (const auto there = state_.approvals.find(*id, asked_->received))
      for (const Approval& decided : there->decided)
        if (!decided.approved) waiting_.detail += ", refused by " + decided.approver_id;
  } else {
    waiting_.detail = std::string(amanat::row_of(id.error().reason).id);
  }
}

// fill writes one verdict down and says whether anything is released for a possible standing.
bool Judging::fill(const Verdict& verdict, std::vector<FieldRelease> (&releases)[kStandings]) {
  bool anything = false;
  for (const Standing standing : {Standing::named, Standing::kin, Standing::other}) {
    const auto k = static_cast<std::size_t>(standing);
    releases[k].reserve(question_.fields.size());
    for (std::size_t i = 0; i < question_.fields.size(); ++i) {
      FieldRelease release;
      release.field = question_.fields[i];
      const Rank rank = verdict.rank[k][i];
      release.level = level_of(rank);
      release.mask = mask_of(rank);
      if (rank == kNone && possible_[standing]) {
        Missing missing = c_.missing(situation_, release.field, standing, verdict.granted[k][i]);
        release.withheld = missing.reason;
        note_waiting(missing);
        if (missing.nearer_than(nearest_)) {
          nearest_ = std::move(missing);
          nearest_field_ = release.field;
        }
      }
      anything |= rank != kNone && possible_[standing];
      releases[k].push_back(release);
    }
    if (possible_[standing])
      for (std::size_t w = 0; w < c_.words(); ++w) decided_[w] |= verdict.decided[k][w];
  }
  return anything;
}

void Judging::fill_narrowed(const Verdict& verdict) {
  for (auto& [which, members] : later_) {
    const auto one = static_cast<std::size_t>(which);
    if ((verdict.narrowing >> one & 1) == 0) continue;
    Narrowed narrowed;
    narrowed.which = which;
    narrowed.members = members;
    narrowed.rule = c_.rule_id(verdict.narrower[one]);
    bool takes = false;
    for (std::size_t k = 0; k < kStandings; ++k) {
      for (std::size_t i = 0; i < question_.fields.size(); ++i) {
        const Rank cap = verdict.narrowed[one][k][i];
        takes |= cap < verdict.rank[k][i];
        FieldRelease release;
        release.field = question_.fields[i];
        release.level = level_of(cap);
        release.mask = mask_of(cap);
        narrowed.caps[k].push_back(release);
      }
    }
    if (takes) content_.narrowed.push_back(std::move(narrowed));
  }
}

// declare writes an emergency down and tells two reviewers before anything is fetched.
Result<void> Judging::declare() const {
  std::vector<std::string> others, elsewhere;
  if (state_.roster.accounts)
    for (const Asker& one : state_.roster.accounts()) {
      if (one.service || one.account == asked_->asker.account ||
          !holds_right(c_.tables(), one, "review"))
        continue;
      (one.unit == asked_->asker.unit ? others : elsewhere).push_back(one.id);
    }
  // Of other units first; which of them, nobody can foresee.
  std::vector<std::string> reviewers;
  for (auto* from : {&elsewhere, &others})
    while (!from->empty() && reviewers.size() < kReviewers) {
      std::array<std::uint8_t, 4> random;
      crypto::random_bytes(random);
      const std::size_t at = (random[0] | random[1] << 8 | random[2] << 16) % from->size();
      reviewers.push_back((*from)[at]);
      from->erase(from->begin() + static_cast<long>(at));
    }
  if (reviewers.size() < kReviewers || !state_.roster.alert) {
    Failure failure = weak(Reason::break_glass_unreviewed);
    failure.detail = "fewer than two people hold the right to review it";
    return std::unexpected(std::move(failure));
  }
  Emergency one;
  one.asker = asked_->asker.account;
  one.asker_id = asked_->asker.id;
  one.purpose = question_.purpose;
  one.case_ref = question_.case_ref;
  one.reason = question_.reason;
  one.reviewers = reviewers;
  one.at = number(asked_->received);
  auto id = state_.registers.declare(std::move(one));
  if (!id) {
    Failure failure = weak(id.error().reason);
    failure.detail = id.error().detail;
    return std::unexpected(std::move(failure));
  }
  return state_.roster.alert("break-glass " + *id + "\nasker " + asked_->asker.id + "\nreviewers " +
                             reviewers[0] + " " + reviewers[1] + "\n");
}

Failure Judging::refusal() const {
  Failure failure = weak(nearest_.reason);
  failure.detail = c_.fields()[nearest_field_].id;
  if (!nearest_.rule.empty()) failure.detail.append(", rule ").append(nearest_.rule);
  failure.needs = nearest_.needs;
  if (!waiting_.needs.empty() && nearest_.reason == Reason::approval_required) {
    failure.detail.append(", ").append(waiting_.detail);
    failure.needs = waiting_.needs;
  }
  return failure;
}

void add_limits(const Tables& tables, const std::string& quota, std::vector<Limit>& limits) {
  for (const auto& row : tables.quotas) {
    if (row.id != quota) continue;
    limits.insert(limits.end(), row.limits.begin(), row.limits.end());
    return;
  }
  insist(false);  // read_tables knows every quota
}

// tighten keeps the strictest terms of all grants that take part.
void tighten(std::optional<ExtractTerms>& terms, const ExtractTerms& other) {
  if (!terms) {
    terms = other;
    return;
  }
  terms->most = std::min(terms->most, other.most);
  terms->keep_ms = std::min(terms->keep_ms, other.keep_ms);
  std::erase_if(terms->formats, [&other](const std::string& format) {
    return !std::binary_search(other.formats.begin(), other.formats.end(), format);
  });
}

// within_terms says whether a bulk question is within what its grants give.
Result<void> within_terms(const ExtractTerms& terms, const ListAsked& list) {
  if (list.citizens > terms.most)
    return fail(Reason::too_many_subjects,
                "the grant gives extracts of at most " + std::to_string(terms.most) + " citizens");
  if (std::binary_search(terms.formats.begin(), terms.formats.end(), list.format)) return {};
  std::string given;
  for (const auto& format : terms.formats) given += (given.empty() ? "" : ", ") + format;
  return fail(Reason::format_not_granted, given.empty() ? "none" : given);
}

// add_deciders writes down who decided: rule ids, and of the grants their quotas and links.
void add_deciders(const Compiled& c, const Rules& decided, Grant::Content& content) {
  std::vector<std::string_view> quotas;
  FieldSet needed;  // by some grant that decides: a coin may not touch it
  bool any_grant = false, all_unmarked = true;
  for (std::size_t w = 0; w < c.words(); ++w) {
    for (std::uint64_t left = decided[w]; left != 0; left &= left - 1) {
      const std::size_t bit = w * 64 + static_cast<std::size_t>(std::countr_zero(left));
      content.rules.push_back(c.rule_id(bit));
      if (c.is_forbid(bit)) continue;
      const GrantRow& grant = c.tables().grants[bit];
      if (grant.extract) tighten(content.extract, *grant.extract);
      any_grant = true;
      all_unmarked = all_unmarked && !grant.marks;
      content.optional |= grant.optional;
      for (const Cell& cell : grant.cells)
        if (!grant.optional.test(number(cell.field))) needed.set(number(cell.field));
      content.witnessed |= grant.witnessed;
      for (const auto& word : grant.follow)
        if (std::find(content.follow.begin(), content.follow.end(), word) == content.follow.end())
          content.follow.push_back(word);
      if (grant.quota.empty() ||
          std::find(quotas.begin(), quotas.end(), grant.quota) != quotas.end())
        continue;
      quotas.push_back(grant.quota);
      add_limits(c.tables(), grant.quota, content.limits);
    }
  }
  content.optional &= ~needed;
  content.unmarked = any_grant && all_unmarked;
}

Result<Grant::Content> Judging::judge() {
  const auto purpose = c_.purpose(question_.purpose);
  if (!purpose) return fail(Reason::unknown_purpose);
  if (auto proved = weigh_proof(); !proved) return std::unexpected(proved.error());
  booked_ = state_.cases.find(question_.case_ref);
  if (question_.subject.search == "national_id" && question_.subject.hops == 0)
    if (auto id = national_id_of(question_.subject.value))
      direct_ = state_.vault.tag({SubjectKind::national_id, *std::move(id)});
  situation_ = situation_of(c_, *asked_, *purpose, booked_.get());
  possible_ = possible_standings(booked_.get(), direct_);
  weigh_classes();
  weigh_orders();
  if (direct_ && c_.tested(Attribute::consent))
    situation_.consented =
        state_.registers.consented(*direct_, question_.purpose, c_.fields(), asked_->received);
  if (auto weighed = weigh_approvals(); !weighed) return std::unexpected(weighed.error());

  nearest_field_ = question_.fields.front();
  decided_.fill(0);
  Verdict verdict;
  c_.decide(situation_, question_.fields, verdict);
  bool anything = fill(verdict, content_.releases);
  fill_narrowed(verdict);
  if (!content_.orders.empty()) {
    for (const CourtOrder& order : content_.orders) situation_.ordered |= order.fields;
    c_.decide(situation_, question_.fields, verdict);
    anything |= fill(verdict, content_.ordered);
    const std::size_t before = content_.narrowed.size();
    fill_narrowed(verdict);
    // The same forbids narrow both; what is named twice is heard twice, to the same end.
    insist(content_.narrowed.size() >= before);
  }
  if (!anything) return std::unexpected(refusal());
  if (question_.kind == QuestionKind::break_glass)
    if (auto declared = declare(); !declared) return std::unexpected(declared.error());
  add_deciders(c_, decided_, content_);
  if (question_.list) {
    insist(content_.extract.has_value());  // no other grant counts for a bulk question
    content_.witnessed = true;             // no extract leaves before witnesses have its entries
    if (auto within = within_terms(*content_.extract, *question_.list); !within) {
      Failure failure = weak(within.error().reason);
      failure.detail = within.error().detail;
      return std::unexpected(std::move(failure));
    }
  }
  content_.policy_hash = in_force_.hash;
  content_.case_known = booked_ != nullptr;
  for (const PurposeRow& row : c_.tables().purposes) {
    if (row.id != question_.purpose) continue;
    content_.case_needed = !row.cases.empty();
    content_.witnessed |= row.witnessed;
    content_.sealed_ms = row.sealed_days * kDayMs;
  }
  if (auto listed = state_.registers.protected_people(); !listed->empty())
    content_.guarded = std::move(listed);
  if (booked_) {
    content_.case_subjects = booked_->subjects;
    content_.case_explains =
        !booked_->closed &&
        (situation_[Attribute::assigned] == kYes || situation_[Attribute::own_unit] == kYes) &&
        number(booked_->opened) + kExplainsAfterMs <= number(asked_->received);
  }
  return std::move(content_);
}

}  // namespace

InForce::InForce(Tables tables, const FieldTable& fields, const Digest& documents_digest)
    : compiled(std::move(tables), fields), documents(documents_digest) {
  hash = crypto::sha256(canonical_text(compiled.tables(), fields));
  for (const ForbidRow& forbid : compiled.tables().forbids)
    for (const SubjectClass one : forbid.classes) classes |= mask_of(one);
}

Result<std::shared_ptr<const InForce>> read_policy(const std::vector<Document>& documents,
                                                   const FieldTable& fields) {
  auto tables = read_tables(documents, fields);
  if (!tables) return std::unexpected(tables.error());
  auto made =
      std::make_shared<const InForce>(*std::move(tables), fields, documents_digest(documents));
  for (const auto& complaint : complaints(made->compiled))
    if (complaint.error) return fail(Reason::policy_wrong, complaint.rule + ": " + complaint.text);
  return made;
}

bool holds_right(const Tables& tables, const Asker& asker, std::string_view right) {
  for (const RoleRow& role : tables.roles) {
    if (std::find(asker.roles.begin(), asker.roles.end(), role.id) == asker.roles.end()) continue;
    if (std::find(role.rights.begin(), role.rights.end(), right) != role.rights.end()) return true;
  }
  return false;
}

Digest question_hash_of(std::string_view canonical) {
  std::string bytes("amanat/question/v1");
  bytes.push_back('\0');
  bytes += canonical;
  return crypto::sha256(bytes);
}

Result<std::string> canonical_of(const Asked& asked, const FieldTable& fields) {
  Question plain = asked.question;
  if (plain.subject.search == "national_id")
    if (auto digits = national_id_of(plain.subject.value)) plain.subject.value = *std::move(digits);
  return canonical_question(asked.asker.id, asked.client, plain, fields);
}

// colleagues_of gives the officers of the asker's unit but the asker; null if they are not known.
std::shared_ptr<const std::vector<Tag>> Policy::State::colleagues_of(const Asker& asker) {
  if (!roster.own_of_unit || !roster.changes || asker.unit.empty()) return nullptr;
  const std::uint64_t changes = roster.changes();
  const std::lock_guard lock(colleagues_mutex);
  // The roster is read once per unit and change of it, not per question.
  Colleagues& known = colleagues[asker.department + '\n' + asker.unit + '\n' + asker.id];
  if (known.tags == nullptr || known.changes != changes) {
    auto tags = roster.own_of_unit(asker.department, asker.unit);
    if (asker.own) std::erase(tags, *asker.own);
    std::sort(tags.begin(), tags.end());
    known = {changes, std::make_shared<const std::vector<Tag>>(std::move(tags))};
  }
  return known.tags;
}

Policy::Policy(std::unique_ptr<State> state) : state_(std::move(state)) {}
Policy::~Policy() = default;

Result<std::unique_ptr<Policy>> Policy::open(const std::string& directory, const FieldTable& fields,
                                             storage::Store& store, vault::Vault& vault) {
  auto documents = read_documents(directory);
  if (!documents) return std::unexpected(documents.error());
  auto made = read_policy(*documents, fields);
  if (!made) return std::unexpected(made.error());
  auto state = std::make_unique<State>(*std::move(made), fields, store, vault);
  if (auto loaded = state->cases.load(); !loaded) return std::unexpected(loaded.error());
  if (auto loaded = state->approvals.load(now()); !loaded) return std::unexpected(loaded.error());
  if (auto loaded = state->registers.load(now()); !loaded) return std::unexpected(loaded.error());
  if (auto loaded = state->load_proposals(); !loaded) return std::unexpected(loaded.error());
  return std::unique_ptr<Policy>(new Policy(std::move(state)));
}

void Policy::introduce(Roster roster) { state_->roster = std::move(roster); }

Result<Grant> Policy::grant(Caller caller) const {
  insist(!caller.question().fields.empty());
  // One policy from here to the end, whatever is put in force meanwhile.
  const std::shared_ptr<const InForce> in_force = state_->current();
  auto content = Judging(*state_, *in_force, caller.asked()).judge();
  if (!content) return std::unexpected(content.error());
  return Grant(std::move(caller), *std::move(content));
}

void Policy::commit(const Draft& draft) const {
  const auto& held = draft.findings().clearance().grant().content().approvals;
  if (held != nullptr) static_cast<Approvals::Held&>(*held).commit();
}

Result<Noted> Policy::note_case(const Case& one) { return state_->cases.note(one); }

std::vector<Complaint> Policy::check() const { return complaints(state_->current()->compiled); }
Digest Policy::hash() const { return state_->current()->hash; }
Digest Policy::documents() const { return state_->current()->documents; }
std::size_t Policy::rule_count() const {
  const auto in_force = state_->current();
  return in_force->compiled.grants() + in_force->compiled.forbids();
}
bool Policy::demands_witnesses(const Grant& grant) const {
  const auto in_force = state_->current();
  const Tables& tables = in_force->compiled.tables();
  const auto& rules = grant.content().rules;
  const auto asked = [&](const PurposeRow& row) {
    return row.witnessed && row.id == grant.caller().question().purpose;
  };
  const auto decided = [&](const GrantRow& row) {
    return row.witnessed && std::find(rules.begin(), rules.end(), row.id) != rules.end();
  };
  return std::any_of(tables.purposes.begin(), tables.purposes.end(), asked) ||
         std::any_of(tables.grants.begin(), tables.grants.end(), decided);
}
std::uint64_t Policy::sealed_ms(std::string_view purpose) const {
  for (const PurposeRow& row : state_->current()->compiled.tables().purposes)
    if (row.id == purpose) return row.sealed_days * kDayMs;
  return 0;
}
std::vector<Retention> Policy::retention() const {
  std::vector<Retention> out;
  const auto& words = entry_words();
  for (const RetentionRow& row : state_->current()->compiled.tables().retention) {
    const auto at = std::find(words.begin(), words.end(), row.id);
    insist(at != words.end());
    out.push_back({static_cast<EntryType>(at - words.begin()), row.years});
  }
  return out;
}
bool Policy::may(const Asker& asker, std::string_view right) const {
  return holds_right(state_->current()->compiled.tables(), asker, right);
}

bool Policy::forbids_people(std::string_view rule) const {
  const auto in_force = state_->current();
  const auto& forbids = in_force->compiled.tables().forbids;
  return std::any_of(forbids.begin(), forbids.end(), [&](const ForbidRow& forbid) {
    return forbid.id == rule && !forbid.classes.empty();
  });
}

Result<std::vector<Sentence>> Policy::who(std::string_view pattern,
                                          std::string_view purpose) const {
  return sentences_about(state_->current()->compiled, pattern, purpose);
}

}  // namespace amanat::policy
