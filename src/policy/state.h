#pragma once
// policy, state: what a Policy holds, for the files of this room only.

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "policy/approvals.h"
#include "policy/cases.h"
#include "policy/compiled.h"
#include "policy/policy.h"
#include "policy/registers.h"

namespace amanat::policy {

/// InForce is one policy, compiled; never changed, only replaced whole.
struct InForce {
  InForce(Tables tables, const FieldTable& fields, const Digest& documents_digest);
  Compiled compiled;
  Digest hash{};          // of its canonical text
  Digest documents{};     // of its files
  ClassMask classes = 0;  // that any forbid names
};

/// Proposed is a policy beside the one in force.
struct Proposed {
  Proposal view;
  std::vector<Document> files;
  std::shared_ptr<const InForce> compiled;
  std::vector<AccountId> signers;
};

/// Colleagues remembers the officers of a unit until the roster changes.
struct Colleagues {
  std::uint64_t changes = 0;
  std::shared_ptr<const std::vector<Tag>> tags;
};

struct Policy::State {
  State(std::shared_ptr<const InForce> now_valid, const FieldTable& table, storage::Store& s,
        vault::Vault& v)
      : fields(table), store(s), vault(v), cases(s, v), approvals(s, v), registers(s, v) {
    in_force.store(std::move(now_valid));
  }
  std::shared_ptr<const InForce> current() const { return in_force.load(); }
  std::shared_ptr<const std::vector<Tag>> colleagues_of(const Asker& asker);
  /// judge_decision says what an approver is to a waiting question. Errors: as Policy::judge's.
  Result<Approval> judge_decision(const Asker& approver, const Waiting& one) const;
  Result<void> load_proposals();
  Result<void> save(const Proposed& one);

  const FieldTable& fields;
  storage::Store& store;
  vault::Vault& vault;
  std::atomic<std::shared_ptr<const InForce>> in_force;
  CaseBook cases;
  Approvals approvals;
  Registers registers;
  Roster roster;
  std::mutex colleagues_mutex;
  std::map<std::string, Colleagues> colleagues;
  mutable std::mutex proposals_mutex;
  std::map<std::string, Proposed, std::less<>> proposals;
};

/// read_policy reads and compiles the files; errors of `policy check` are its own. Errors:
/// policy_wrong.
Result<std::shared_ptr<const InForce>> read_policy(const std::vector<Document>& documents,
                                                   const FieldTable& fields);
/// holds_right says whether one of an asker's roles holds a right.
bool holds_right(const Tables& tables, const Asker& asker, std::string_view right);
/// proof_fits says whether an act is confirmed as its department asks. Errors: evidence_too_weak.
Result<void> proof_fits(const Tables& tables, const Caller& confirmed);
/// question_hash_of is SHA-256("amanat/question/v1" || 0x00 || question).
Digest question_hash_of(std::string_view canonical);
/// canonical_of is the canonical question of a caller, its national ID in plain digits. Errors:
/// malformed_value.
Result<std::string> canonical_of(const Asked& asked, const FieldTable& fields);

}  // namespace amanat::policy
