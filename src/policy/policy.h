#pragma once
// policy: may they. Seven TOML tables (field, role, department, purpose, grant, forbid, quota), the
// case book and what people said about one question (approvals, consents, emergencies), compiled to
// bitsets; deny by default, forbid wins, an unknown or failing input never opens anything. Each
// decision is made against one immutable compiled policy; a change swaps it whole. Thread-safe.
// Semantics: docs/policy.md.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/passes.h"
#include "model/result.h"
#include "storage/storage.h"
#include "vault/vault.h"

namespace amanat::policy {

/// Case is a matter known to the exchange. Subjects are named by keyed tags only.
struct Case {
  std::string ref, kind, unit;
  Moment opened{};
  std::optional<Moment> closed;
  std::vector<std::string> officers;  // ids, ascending
  std::vector<SubjectName> subjects;  // as imported; kept as tags
  struct Order {
    std::string ref;
    std::vector<std::string> fields;    // ids or patterns of the catalog
    std::vector<SubjectName> subjects;  // none: whoever the case names
    Moment until{};
  };
  std::vector<Order> orders;  // of courts
  Moment noted{};
  std::string noted_by;  // the account that wrote it
};

/// CaseVersion is a case as it was noted once, without the names of those in it.
struct CaseVersion {
  std::string ref, kind, unit, noted_by;
  std::uint32_t version = 0;
  Moment opened{}, noted{};
  std::optional<Moment> closed;
  std::vector<std::string> officers;
  std::vector<Tag> subjects;
  struct Order {
    std::string ref;
    std::vector<std::string> fields;
    std::size_t subjects = 0;
    Moment until{};
  };
  std::vector<Order> orders;
};

/// Roster is what policy must know of other people than the asker; lookup introduces it.
struct Roster {
  std::function<std::vector<Tag>(std::string_view department, std::string_view unit)> own_of_unit;
  std::function<std::optional<Tag>(std::string_view account)> own_of;
  std::function<std::uint64_t()> changes;  // grows whenever the two above may answer otherwise
  std::function<std::vector<Asker>()> accounts;
  /// alert writes an ALERT into the ledger ahead of whatever is recorded after this returns.
  std::function<Result<void>(std::string text)> alert;
};

/// WaitingQuestion is a question that lacks approvals, as an approver sees it: all of it.
struct WaitingQuestion {
  std::string id, asker, department, unit;
  Digest question_hash{};
  std::string question;  // canonical bytes (identity page 1.2)
  Moment asked{}, expires{};
  unsigned wanted = 1, given = 0;
  std::string approver;  // whose approval is asked for
  struct Decision {
    std::string approver, reason;
    bool approved = false;
  };
  std::vector<Decision> decided;
};

/// question_in_words takes a canonical question apart for people: (name, value), lists with commas
/// between. Nothing unless the bytes are exactly one question.
std::optional<std::vector<std::pair<std::string, std::string>>> question_in_words(
    std::string_view canonical);

/// EmergencyReview is a question past the rules and its review.
struct EmergencyReview {
  std::string id, asker, purpose, case_ref, reason, reviewed_by;
  std::vector<std::string> reviewers;
  Moment at{};
  bool justified = false;
};

/// ConsentGiven is a citizen's consent.
struct ConsentGiven {
  std::string id, purpose;
  std::vector<std::string> fields;
  Moment given{}, until{};
};

enum class Noted : std::uint8_t { added, changed, unchanged };

/// Sentence is one line of `policy who`: a rule in words with the circumstances it needs.
struct Sentence {
  std::string role, purpose, rule, text;
  Level level = Level::none;
};

/// Finding is a complaint of `policy check`.
struct Complaint {
  std::string rule, text;
  bool error = false;  // errors keep a policy from being loaded
};

/// Change is a difference between two policies, in words.
struct Change {
  std::string kind;  // opened, closed, raised, lowered, eased, tightened, other
  std::string role, purpose, field, text;
  Level before = Level::none, after = Level::none;
  bool widens = false;
};

/// Retention says after how many years entries of a type may go from the ledger.
struct Retention {
  EntryType type{};
  std::uint32_t years = 0;
};

/// Proposal is a policy that is not in force yet.
struct Proposal {
  std::string id;                      // first 16 hex digits of the documents' digest
  Digest documents{}, hash{}, base{};  // `base`: the documents it is to replace
  Moment proposed{};
  bool widens = false;
  std::vector<Change> changes;
  std::vector<std::string> signers;
  std::size_t signatures_wanted() const { return widens ? 2 : 1; }
};

/// Offered is a purpose a person may choose, and the fields some grant of theirs reaches for it.
struct Offered {
  struct Field {
    FieldId id{};
    Level level = Level::none;  // at best
    std::string rule;           // the grant that reaches farthest
  };
  std::string purpose, says, says_ur;  // says_ur: empty where the policy has none
  std::vector<Field> fields;           // ascending
};

/// LawfulPurpose is a purpose of the policy, for people.
struct LawfulPurpose {
  std::string id, says, law;
  std::string says_ur, law_ur;  // empty where the policy has none
  std::string notice;  // when a citizen who wishes it is told: at_once, daily, never
};

class Policy {
 public:
  /// open compiles directory/*.toml and loads the case book. `fields` must outlive it.
  /// Errors: policy_wrong ("file:line: ..."), store_failed.
  static Result<std::unique_ptr<Policy>> open(const std::string& directory,
                                              const FieldTable& fields, storage::Store& store,
                                              vault::Vault& vault);
  ~Policy();
  /// introduce gives it the roster. Before anybody asks; without it what the roster would know is
  /// not known, and forbids that ask for it hold.
  void introduce(Roster roster);

  /// grant decides the caller's question. Where nothing but approvals is missing the question is
  /// noted as waiting for them. Errors: the reasons of model/reasons.def from unknown_purpose to
  /// break_glass_unreviewed, when nothing at all is released for any standing the question can
  /// have.
  Result<Grant> grant(Caller caller) const;
  /// commit uses up the approvals the draft stands on, once its entries are durable.
  void commit(const Draft& draft) const;

  /// note_case adds or updates a case.
  Result<Noted> note_case(const Case& one);
  /// case_digest is SHA-256 of a case as it would be kept, for the ledger. Errors: as note_case's.
  Result<Digest> case_digest(const Case& one) const;
  /// case_history gives all versions of a case, oldest first. Errors: case_unknown, store_failed.
  Result<std::vector<CaseVersion>> case_history(std::string_view ref) const;

  /// waiting_for lists what this person may decide; waiting_of what they wait for themselves.
  std::vector<WaitingQuestion> waiting_for(const Asker& approver, Moment at) const;
  std::vector<WaitingQuestion> waiting_of(const Asker& asker, Moment at) const;
  /// judge says whether a confirmed act decides a waiting question; nothing changes yet.
  /// Errors: approval_unknown, not_your_right, approver_wrong, act_wrong.
  Result<void> judge(const Caller& confirmed, std::string_view id) const;
  /// decide makes it count. Errors: as judge's, approver_ring, store_failed.
  Result<void> decide(const Caller& confirmed, std::string_view id);

  /// emergencies lists questions past the rules; review ends a review by a confirmed act
  /// ("approve": justified, or "refuse"). Errors: not_your_right, no_record, act_wrong,
  /// approver_wrong, store_failed.
  std::vector<EmergencyReview> emergencies() const;
  Result<void> review(const Caller& confirmed, std::string_view id);

  /// consent notes a citizen's word; withdraw ends it at once. Errors: unknown_purpose,
  /// unknown_field, malformed_value (an end more than five years off or past), waiting_full,
  /// no_record, store_failed.
  Result<std::string> consent(const Tag& citizen, std::string_view purpose,
                              const std::vector<std::string>& patterns, Moment given, Moment until);
  Result<void> withdraw(const Tag& citizen, std::string_view id);
  std::vector<ConsentGiven> consents_of(const Tag& citizen, Moment at) const;
  /// protect puts a person on the list of the protected or takes them off.
  enum class Listed : std::uint8_t { on, off };
  Result<void> protect(const SubjectName& person, Listed listed);
  std::size_t protected_count() const;

  /// propose checks a policy and notes it beside the one in force. Errors: policy_wrong,
  /// waiting_full (eight are proposed), store_failed.
  Result<Proposal> propose(const std::string& directory, Moment at);
  std::vector<Proposal> proposals() const;
  Result<Proposal> proposal(std::string_view id) const;  // Errors: no_such_proposal
  /// proposed_documents gives the files of a proposal: name and text.
  Result<std::vector<std::pair<std::string, std::string>>> proposed_documents(
      std::string_view id) const;
  /// judge_signature says whether a confirmed act signs a proposal; sign makes it count. Errors:
  /// no_such_proposal, not_your_right, act_wrong, approver_wrong (signed already), store_failed.
  Result<void> judge_signature(const Caller& confirmed, std::string_view id) const;
  Result<Proposal> sign(const Caller& confirmed, std::string_view id);
  /// ready says whether a proposal may be put in force. Errors: no_such_proposal, policy_outdated,
  /// signatures_missing, policy_wrong.
  Result<void> ready(std::string_view id) const;
  /// put_in_force swaps it in; whoever decides already goes on with the old one. The caller has
  /// recorded it. Errors: as ready's.
  Result<void> put_in_force(std::string_view id);

  /// who lists exactly who can see fields matching `pattern`, as sentences; for one purpose if it
  /// is not empty. Errors: unknown_field, unknown_purpose.
  Result<std::vector<Sentence>> who(std::string_view pattern, std::string_view purpose = {}) const;
  /// offered lists what this person may choose from; whether a grant applies is decided when the
  /// question is asked. In the order of the policy's purposes.
  std::vector<Offered> offered(const Asker& asker) const;
  /// purposes lists every lawful purpose, in the order of the policy.
  std::vector<LawfulPurpose> purposes() const;
  std::vector<Complaint> check() const;
  Digest hash() const;
  /// documents is the digest over its files, which the POLICY entry commits to.
  Digest documents() const;
  std::size_t rule_count() const;
  /// demands_witnesses says whether the policy's own words ask for them; where there are none such
  /// an answer must not leave.
  bool demands_witnesses(const Grant& grant) const;
  /// sealed_ms is for how long a purpose is kept from the citizens it is used on; 0: not at all.
  std::uint64_t sealed_ms(std::string_view purpose) const;
  /// retention is what the policy in force says; types it does not name are kept for ever.
  std::vector<Retention> retention() const;

  /// may says whether a role holds a named right outside lookups: "records", "cases", "hold",
  /// "audit", "approve", "policy", "review".
  bool may(const Asker& asker, std::string_view right) const;
  /// forbids_people says whether a rule is a forbid of a class of persons: oneself, family,
  /// colleagues, officers of the case, the protected.
  bool forbids_people(std::string_view rule) const;

  struct State;  // of this room alone

 private:
  explicit Policy(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// What can be said of a policy's files without an exchange. Errors: policy_wrong, file_failed.
/// check_directory compiles a policy against fields without opening anything, for `policy check`.
Result<std::vector<Complaint>> check_directory(const std::string& directory,
                                               const FieldTable& fields);
Result<std::vector<Sentence>> who_in_directory(const std::string& directory,
                                               const FieldTable& fields, std::string_view pattern,
                                               std::string_view purpose);
/// difference_of lists what a change would open, close or alter, over every role, purpose, field
/// and circumstance there can be.
Result<std::vector<Change>> difference_of(const std::string& old_directory,
                                          const std::string& new_directory,
                                          const FieldTable& fields);
/// TestedRow is one expected decision and what came of it; empty `wrong`: as expected.
struct TestedRow {
  std::string row, says, wrong;  // "row 3, line 14"
};
/// test_directory decides the rows of a table of expectations (TOML or CSV, docs/policy.md).
/// Errors: policy_wrong ("file:line: ...").
Result<std::vector<TestedRow>> test_directory(const std::string& directory,
                                              const FieldTable& fields, const std::string& file);
/// digest_of_directory is documents() of the files there.
Result<Digest> digest_of_directory(const std::string& directory);
/// cedar_of_directory writes the policy as Cedar, as far as Cedar has words for it.
Result<std::string> cedar_of_directory(const std::string& directory, const FieldTable& fields);

}  // namespace amanat::policy
