#pragma once
// policy: may they. Six TOML tables (field, role, purpose, grant, forbid, quota) and the case book,
// compiled to bitsets; deny by default, forbid wins, an unknown or failing input never opens
// anything. Decisions are made against one immutable compiled policy. Thread-safe.
// Semantics: docs/policy.md.

#include <cstdint>
#include <memory>
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

class Policy {
 public:
  /// open compiles directory/*.toml and loads the case book. `fields` must outlive it.
  /// Errors: policy_wrong ("file:line: ..."), store_failed.
  static Result<std::unique_ptr<Policy>> open(const std::string& directory,
                                              const FieldTable& fields, storage::Store& store,
                                              vault::Vault& vault);
  ~Policy();

  /// grant decides the caller's question. Errors: the reasons of model/reasons.def from
  /// unknown_purpose to approval_required, when nothing at all is released for any standing the
  /// question can have.
  Result<Grant> grant(Caller caller) const;

  /// note_case adds or updates a case.
  Result<Noted> note_case(const Case& one);

  /// who lists exactly who can see fields matching `pattern`, as sentences. Errors: unknown_field.
  Result<std::vector<Sentence>> who(std::string_view pattern) const;
  std::vector<Complaint> check() const;
  Digest hash() const;
  std::size_t rule_count() const;

  /// may says whether a role holds a named right outside lookups: "records", "cases", "hold",
  /// "audit".
  bool may(const Asker& asker, std::string_view right) const;

 private:
  struct State;
  explicit Policy(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// check_directory compiles a policy against fields without opening anything, for `policy check`.
Result<std::vector<Complaint>> check_directory(const std::string& directory,
                                               const FieldTable& fields);

}  // namespace amanat::policy
