#pragma once
// policy, approvals: questions that wait for a second person, and what was decided of them. Kept in
// Table::settings under a keyed name, sealed with the house key; bounded; at most a day old.
// Thread-safe.
//
// Invariants:
//  1. a statement counts once: it is taken, durably, before the answer it stands behind can be
//     recorded. What was taken and not given back is spent, after a crash as well;
//  2. a statement counts for one question, byte for byte, of one asker, until it expires;
//  3. nobody decides a question of their own.

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/passes.h"
#include "model/result.h"
#include "policy/tables.h"
#include "storage/storage.h"
#include "vault/vault.h"

namespace amanat::policy {

inline constexpr std::uint64_t kDayMs = 86'400'000;
inline constexpr std::size_t kWaitingMax = 10'000, kWaitingOfOneMax = 20;

/// Approval is one person's decision about a waiting question.
struct Approval {
  AccountId approver{};
  std::string approver_id;
  bool approved = false;
  bool superior = false, other_unit = false;  // what the approver was to the asker
  bool taken = false;
  std::uint64_t until = 0;  // Unix milliseconds
  std::uint64_t decided = 0;
  std::string reason;
  friend bool operator==(const Approval&, const Approval&) = default;
};

/// Waiting is a question that lacks approvals.
struct Waiting {
  std::string id;  // 16 hex digits
  Digest question_hash{};
  std::string question;  // canonical bytes
  AccountId asker{};
  std::string asker_id, department, unit;
  std::vector<std::string> roles;
  std::uint64_t asked = 0, expires = 0;
  unsigned wanted = 1;
  Approver approver = Approver::anyone;
  std::vector<Approval> decided;
  friend bool operator==(const Waiting&, const Waiting&) = default;
};

/// encode and decode: how one rests before it is sealed. decode refuses every other form.
std::string encode(const Waiting& one);
std::optional<Waiting> decode_waiting(std::string_view bytes);

class Approvals {
 public:
  Approvals(storage::Store& store, vault::Vault& vault) : store_(store), vault_(vault) {}
  /// load reads the table; what has expired is dropped. Errors: store_failed, seal_broken.
  Result<void> load(Moment at);

  /// wait notes a question as waiting, or finds it waiting already; returns its id. Errors:
  /// waiting_full, store_failed.
  Result<std::string> wait(Waiting one);
  /// find returns a waiting question, or nothing.
  std::optional<Waiting> find(std::string_view id, Moment at) const;
  std::vector<Waiting> list(Moment at) const;

  /// decide adds a person's decision; durable when it returns. Errors: approval_unknown,
  /// approver_wrong (decided before, or one's own), approver_ring, store_failed.
  Result<void> decide(std::string_view id, const Approval& approval, Moment at);

  /// Held are the approvals a question takes with it; given back when dropped before commit().
  class Held final : public Reservation {
   public:
    Held(Approvals& of, std::string id, std::array<unsigned, kApprovers> counts)
        : of_(of), id_(std::move(id)), counts_(counts) {}
    ~Held() override;
    void commit() { committed_ = true; }
    const std::array<unsigned, kApprovers>& counts() const { return counts_; }
    const std::string& id() const { return id_; }

   private:
    Approvals& of_;
    std::string id_;
    std::array<unsigned, kApprovers> counts_;
    bool committed_ = false;
  };
  /// has says whether an asker has anything waiting: whether take() can find something.
  bool has(AccountId asker) const;
  /// take takes every approval that stands behind exactly this question of this asker; null if
  /// there is none. Errors: store_failed (nothing is taken).
  Result<std::shared_ptr<Held>> take(AccountId asker, const Digest& question_hash, Moment at);

 private:
  Result<void> save(const Waiting& one);
  void give_back(const std::string& id);
  void forget(std::uint64_t at);

  storage::Store& store_;
  vault::Vault& vault_;
  mutable std::mutex mutex_;
  std::map<std::string, Waiting, std::less<>> waiting_;
  std::map<AccountId, std::size_t> askers_;  // how many questions of each wait
  // Who approved whose question, and when: for thirty days.
  struct Pair {
    AccountId approver{}, asker{};
    std::uint64_t at = 0;
  };
  std::vector<Pair> pairs_;
};

}  // namespace amanat::policy
