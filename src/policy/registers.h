#pragma once
// policy, registers: the small books beside the case book: what citizens consented to, who is
// protected, and who asked past the rules. In Table::settings, sealed with the house key, under
// keyed or random names. Thread-safe.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/field.h"
#include "model/ids.h"
#include "model/result.h"
#include "policy/policy.h"
#include "storage/storage.h"
#include "vault/vault.h"

namespace amanat::policy {

/// Consent is a citizen's word that these fields may be shown for this purpose, until it ends or
/// they take it back.
struct Consent {
  std::string id;
  Tag citizen{};
  std::string purpose;
  std::vector<std::string> fields;  // ids, expanded when it was given
  std::uint64_t given = 0, until = 0;
};

/// Emergency is one question past the rules, and its review.
struct Emergency {
  std::string id;
  AccountId asker{};
  std::string asker_id, purpose, case_ref, reason;
  std::vector<std::string> reviewers;  // ids of the two who were told
  std::uint64_t at = 0;
  std::string reviewed_by;  // empty: not yet
  std::uint64_t reviewed = 0;
  bool justified = false;
};

class Registers {
 public:
  Registers(storage::Store& store, vault::Vault& vault) : store_(store), vault_(vault) {}
  /// load reads the tables. Errors: store_failed, seal_broken.
  Result<void> load(Moment at);

  /// consent notes a citizen's consent and returns its id; withdraw ends one of that citizen's.
  /// Errors: no_record (withdraw), waiting_full (a citizen's hundredth), store_failed.
  Result<std::string> consent(Consent one);
  Result<void> withdraw(const Tag& citizen, std::string_view id);
  std::vector<Consent> consents_of(const Tag& citizen, Moment at) const;
  /// consented is what a citizen's consents cover for a purpose.
  FieldSet consented(const Tag& citizen, std::string_view purpose, const FieldTable& fields,
                     Moment at) const;

  /// protect puts a person on the list of the protected, or takes them off. Errors: store_failed.
  Result<void> protect(const Tag& person, Policy::Listed listed);
  std::shared_ptr<const std::vector<Tag>> protected_people() const;  // ascending

  /// declare notes an emergency, which must be durable before anything is released. Errors:
  /// break_glass_spent (one a day, five in thirty days), break_glass_unreviewed, store_failed.
  Result<std::string> declare(Emergency one);
  std::vector<Emergency> emergencies() const;  // oldest first, of thirty-one days
  /// review ends one's review. Errors: no_record, approver_wrong (one's own, or reviewed before),
  /// store_failed.
  Result<void> review(std::string_view id, std::string_view by, bool justified, Moment at);

 private:
  Result<void> save(const std::string& key, const std::string& plain);
  storage::Store& store_;
  vault::Vault& vault_;
  mutable std::mutex mutex_;
  std::map<Tag, std::vector<Consent>> consents_;
  std::shared_ptr<const std::vector<Tag>> protected_ = std::make_shared<std::vector<Tag>>();
  std::map<std::string, Emergency, std::less<>> emergencies_;
};

}  // namespace amanat::policy
