#include "policy/policy.h"

#include <algorithm>
#include <bit>

#include "crypto/crypto.h"
#include "policy/analysis.h"
#include "policy/cases.h"
#include "policy/compiled.h"
#include "policy/tables.h"

namespace amanat::policy {
namespace {

constexpr std::uint64_t kHourMs = 3'600'000;
constexpr std::size_t kNationalIdDigits = 13;

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

Result<Tables> tables_of(const std::string& directory, const FieldTable& fields) {
  auto documents = read_documents(directory);
  if (!documents) return std::unexpected(documents.error());
  return read_tables(*documents, fields);
}

// Which standings the question's citizens can have; decided here where they are known beforehand.
struct Possible {
  bool standing[kStandings] = {false, false, false};
  bool& operator[](Standing s) { return standing[static_cast<std::size_t>(s)]; }
};

Possible possible_standings(const Question& question, const BookedCase* booked,
                            const vault::Vault& vault) {
  Possible possible;
  if (booked == nullptr) {
    possible[Standing::other] = true;
    return possible;
  }
  if (question.subject.search == "national_id" && question.subject.hops == 0) {
    if (auto id = national_id_of(question.subject.value)) {
      const Tag tag = vault.tag({SubjectKind::national_id, *std::move(id)});
      const bool named = std::binary_search(booked->subjects.begin(), booked->subjects.end(), tag);
      possible[named ? Standing::named : Standing::other] = true;
      return possible;
    }
  }
  for (const Standing s : {Standing::named, Standing::kin, Standing::other}) possible[s] = true;
  return possible;
}

Situation situation_of(const Compiled& c, const Caller& caller, Column purpose,
                       const BookedCase* booked) {
  const Asker& asker = caller.asker();
  Situation s;
  for (const auto& role : asker.roles) {
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
    s.kind = normal_case_ref(caller.question().case_ref).empty() ? kNoCase : kUnknown;
  }
  s[Attribute::matter] = c.matter(purpose, s.kind);
  s[Attribute::evidence] = kChannel;  // identity mints no other Caller yet
  s[Attribute::approvals] = c.approvals(0);
  s[Attribute::presence] = c.presence(std::nullopt);
  s[Attribute::court] = kUnknown;
  s[Attribute::hour] =
      Compiled::hour(static_cast<unsigned>(number(caller.received()) / kHourMs % 24));
  return s;
}

void add_limits(const Tables& tables, const std::string& quota, std::vector<Limit>& limits) {
  for (const auto& row : tables.quotas) {
    if (row.id != quota) continue;
    limits.insert(limits.end(), row.limits.begin(), row.limits.end());
    return;
  }
  insist(false);  // read_tables knows every quota
}

// add_deciders writes down who decided: rule ids, and of the grants their quotas and links.
void add_deciders(const Compiled& c, const Rules& decided, Grant::Content& content) {
  std::vector<std::string_view> quotas;
  for (std::size_t w = 0; w < c.words(); ++w) {
    for (std::uint64_t left = decided[w]; left != 0; left &= left - 1) {
      const std::size_t bit = w * 64 + static_cast<std::size_t>(std::countr_zero(left));
      content.rules.push_back(c.rule_id(bit));
      if (c.is_forbid(bit)) continue;
      const GrantRow& grant = c.tables().grants[bit];
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
}

Failure refusal_of(const Compiled& c, const Missing& nearest, FieldId field) {
  std::string detail = c.fields()[field].id;
  if (!nearest.rule.empty()) detail.append(", rule ").append(nearest.rule);
  return Failure{nearest.reason, std::move(detail)};
}

}  // namespace

struct Policy::State {
  State(Tables tables, const FieldTable& fields, storage::Store& store, vault::Vault& v)
      : compiled(std::move(tables), fields), cases(store, v), vault(v) {}
  Compiled compiled;
  CaseBook cases;
  vault::Vault& vault;
  Digest hash{};
};

Policy::Policy(std::unique_ptr<State> state) : state_(std::move(state)) {}
Policy::~Policy() = default;

Result<std::unique_ptr<Policy>> Policy::open(const std::string& directory, const FieldTable& fields,
                                             storage::Store& store, vault::Vault& vault) {
  auto tables = tables_of(directory, fields);
  if (!tables) return std::unexpected(tables.error());
  auto state = std::make_unique<State>(*std::move(tables), fields, store, vault);
  for (const auto& complaint : complaints(state->compiled))
    if (complaint.error) return fail(Reason::policy_wrong, complaint.rule + ": " + complaint.text);
  state->hash = crypto::sha256(canonical_text(state->compiled.tables(), fields));
  if (auto loaded = state->cases.load(); !loaded) return std::unexpected(loaded.error());
  return std::unique_ptr<Policy>(new Policy(std::move(state)));
}

Result<Grant> Policy::grant(Caller caller) const {
  const Question& question = caller.question();
  const Compiled& c = state_->compiled;
  insist(!question.fields.empty());
  const auto purpose = c.purpose(question.purpose);
  if (!purpose) return fail(Reason::unknown_purpose);
  const auto booked = state_->cases.find(question.case_ref);
  const Situation situation = situation_of(c, caller, *purpose, booked.get());
  Possible possible = possible_standings(question, booked.get(), state_->vault);
  Verdict verdict;
  c.decide(situation, question.fields, verdict);

  Grant::Content content;
  Rules decided;
  decided.fill(0);
  bool anything = false;
  Missing nearest;
  FieldId nearest_field = question.fields.front();
  for (const Standing standing : {Standing::named, Standing::kin, Standing::other}) {
    const auto k = static_cast<std::size_t>(standing);
    content.releases[k].reserve(question.fields.size());
    for (std::size_t i = 0; i < question.fields.size(); ++i) {
      FieldRelease release;
      release.field = question.fields[i];
      const Rank rank = verdict.rank[k][i];
      release.level = level_of(rank);
      release.mask = mask_of(rank);
      if (rank == kNone && possible[standing]) {
        const Missing missing =
            c.missing(situation, release.field, standing, verdict.granted[k][i]);
        release.withheld = missing.reason;
        if (missing.nearer_than(nearest)) {
          nearest = missing;
          nearest_field = release.field;
        }
      }
      anything |= rank != kNone && possible[standing];
      content.releases[k].push_back(release);
    }
    if (possible[standing])
      for (std::size_t w = 0; w < c.words(); ++w) decided[w] |= verdict.decided[k][w];
  }
  if (!anything) return std::unexpected(refusal_of(c, nearest, nearest_field));
  add_deciders(c, decided, content);
  content.policy_hash = state_->hash;
  content.case_known = booked != nullptr;
  if (booked) content.case_subjects = booked->subjects;
  return Grant(std::move(caller), std::move(content));
}

Result<Noted> Policy::note_case(const Case& one) { return state_->cases.note(one); }

Result<std::vector<Sentence>> Policy::who(std::string_view pattern) const {
  const FieldTable& fields = state_->compiled.fields();
  FieldSet set = fields.match(pattern);
  // "telecom.calls" means all of it, as "telecom.calls.*" does.
  if (set.none()) set = fields.match(std::string(pattern) + ".*");
  if (set.none()) {
    const std::string near = fields.nearest(pattern);
    return fail(Reason::unknown_field,
                near.empty() ? "no field is named so" : "did you mean " + near + "?");
  }
  return who_can_see(state_->compiled, set);
}

std::vector<Complaint> Policy::check() const { return complaints(state_->compiled); }
Digest Policy::hash() const { return state_->hash; }
std::size_t Policy::rule_count() const {
  return state_->compiled.grants() + state_->compiled.forbids();
}

bool Policy::may(const Asker& asker, std::string_view right) const {
  for (const auto& role : asker.roles) {
    const auto column = state_->compiled.role(role);
    if (!column) continue;
    const auto& rights = state_->compiled.tables().roles[*column - 1].rights;
    if (std::find(rights.begin(), rights.end(), right) != rights.end()) return true;
  }
  return false;
}

Result<std::vector<Complaint>> check_directory(const std::string& directory,
                                               const FieldTable& fields) {
  auto tables = tables_of(directory, fields);
  if (!tables) return std::unexpected(tables.error());
  const Compiled compiled(*std::move(tables), fields);
  return complaints(compiled);
}

}  // namespace amanat::policy
