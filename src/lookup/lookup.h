#pragma once
// lookup: the story of a request. Introduces the rooms that are blind to each other; passes travel
// as model types. Thread-safe; a Task runs on the Home that started it.

#include <atomic>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "detection/detection.h"
#include "disclosure/disclosure.h"
#include "identity/identity.h"
#include "ledger/ledger.h"
#include "model/passes.h"
#include "model/request.h"
#include "model/task.h"
#include "policy/policy.h"
#include "registry/registry.h"
#include "vault/vault.h"

namespace amanat::lookup {

/// Strangers counts callers who were never identified, per cause: they may not fill the ledger.
class Strangers {
 public:
  void count(Reason reason);
  /// drain returns the counts since the last call as (reason, count).
  std::vector<std::pair<Reason, std::uint64_t>> drain();

 private:
  std::atomic<std::uint64_t> counts_[256] = {};
};

class Extracts;

class Lookup {
 public:
  Lookup(identity::Identity& identity, policy::Policy& policy, detection::Detection& detection,
         registry::Registry& registry, disclosure::Disclosure& disclosure, ledger::Ledger& ledger,
         vault::Vault& vault);

  /// answer takes a question from its raw request to its answer, or to a refusal that is already in
  /// the ledger when it is returned. The request must live until the task ends.
  Task<Result<Answer>> answer(const Request& request);

  /// alert_strangers records one ALERT entry with the counts of unidentified callers, if there were
  /// any.
  Task<Result<void>> alert_strangers();

  Strangers& strangers() { return strangers_; }

 private:
  friend class Extracts;  // the same passes, for a list
  void introduce();
  /// names_its_parent checks the entry a question for more names. Errors: parent_wrong, the
  /// ledger's.
  Result<void> names_its_parent(const Asked& asked, const Findings& findings) const;
  Task<Result<Answer>> turned_away(const Request& request, const Failure& why);
  Task<Result<Answer>> refused(const Asked& asked, const Failure& why);
  void wait_on_account(const Findings& findings);
  Result<void> may_leave(const Draft& draft) const;
  Result<void> pay(const Draft& draft, const Receipt& receipt);
  Result<void> pay(Reservation& debt, const std::vector<Label>& owed, const Receipt& receipt);
  Task<Result<Answer>> record_denial(EntryContent denial, const Asker& asker, const Failure& why);

  identity::Identity& identity_;
  policy::Policy& policy_;
  detection::Detection& detection_;
  registry::Registry& registry_;
  disclosure::Disclosure& disclosure_;
  ledger::Ledger& ledger_;
  vault::Vault& vault_;
  Strangers strangers_;
};

}  // namespace amanat::lookup
