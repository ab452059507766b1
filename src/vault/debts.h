#pragma once
// Debts: what is owed to the ledger for keys that were unwrapped (ledger page 5.7). An answer's
// keys are opened on account, a citizen each; the account is settled by the receipt of an entry of
// every one of them, or given back with the plaintext, which wipes itself. What is neither within
// its time stops all further unwrapping, until the exchange is started again by somebody who knows
// why. Thread-safe. An account is used by one thread at a time.
//
// Invariants
//  1. No key is unwrapped for an answer without an account that is still within its time.
//  2. An entry pays once, for its own citizen, and only if it is younger than the account.

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>

#include "model/ids.h"
#include "model/passes.h"
#include "model/result.h"

namespace amanat::vault {

/// Paid is an entry that accounts for a citizen's key. That it is one, durable and of this citizen,
/// the ledger has checked.
struct Paid {
  Label subject{};
  EntryIndex index{};
  Moment time{};
};

class Debts {
 public:
  struct Options {
    unsigned open_ms = 5000;       // from the last key until others are waited for
    unsigned waiting_ms = 30'000;  // from there to the receipt, besides the wait for witnesses
  };
  Debts() = default;
  explicit Debts(Options options) : options_(options) {}

  /// introduce gives it the ledger's clock, and for how long the ledger may wait for witnesses;
  /// before the first account. Otherwise now(), and not at all.
  void introduce(std::function<Moment()> clock, unsigned witnesses_ms = 0) {
    clock_ = std::move(clock);
    witnesses_ms_ = witnesses_ms;
  }

  /// open begins the account of one answer. Errors: debts_unpaid.
  Result<std::unique_ptr<Reservation>> open();
  /// owe notes that a citizen's key is about to be unwrapped on it. Errors: debts_unpaid.
  Result<void> owe(Reservation& account, const Label& subject);
  /// waiting says that nothing more is unwrapped: others are waited for, the ledger at last.
  void waiting(Reservation& account);
  /// take_over closes a part's account and owes its keys on the account of the whole, after those
  /// it owes already: an answer made part by part is paid for at once, by entries younger than its
  /// last part. The whole waits for others from here on. Errors: debts_unpaid (one of them is too
  /// late: both stay open).
  Result<void> take_over(Reservation& whole, Reservation& part);
  /// settle closes the account. Errors, with the account still open: ledger_proof_wrong (not an
  /// entry of each citizen, an entry used before, one older than the account), debts_unpaid (too
  /// late).
  Result<void> settle(Reservation& account, std::span<const Paid> paid);

  /// overdue looks again and says how many accounts have run out of time since the start.
  std::uint64_t overdue();

 private:
  class Account;
  using Accounts = std::list<Account*>;
  void close(Account& account);
  void look(std::uint64_t now_ms);  // under mutex_

  const Options options_{};
  std::function<Moment()> clock_;
  unsigned witnesses_ms_ = 0;
  std::mutex mutex_;
  Accounts accounts_;                               // oldest first
  std::unordered_map<std::uint64_t, Moment> used_;  // of entries younger than the oldest account
  std::uint64_t looked_ms_ = 0;
  std::atomic<std::uint64_t> overdue_{0};
};

}  // namespace amanat::vault
