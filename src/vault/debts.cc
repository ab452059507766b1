#include "vault/debts.h"

#include <time.h>

#include <algorithm>
#include <vector>

#include "model/insist.h"

namespace amanat::vault {
namespace {

constexpr std::uint64_t kLookEveryMs = 100;
constexpr std::uint64_t kShapingMs = 2;  // of one citizen more

std::uint64_t steady_ms() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &t);  // its 4 ms are nothing beside seconds
  return static_cast<std::uint64_t>(t.tv_sec) * 1000 +
         static_cast<std::uint64_t>(t.tv_nsec) / 1'000'000;
}

}  // namespace

class Debts::Account : public Reservation {
 public:
  explicit Account(Debts& debts) : debts_(debts) {}
  ~Account() override { debts_.close(*this); }

  Debts& debts_;
  Accounts::iterator at;
  Moment opened{};
  std::uint64_t due_ms = 0;
  bool closed = false, late = false;
  std::vector<Label> subjects;  // of its own thread alone
};

// look finds accounts out of time; each is counted once and stops everything from then on.
void Debts::look(std::uint64_t now_ms) {
  looked_ms_ = now_ms;
  for (Account* one : accounts_)
    if (!one->late && one->due_ms < now_ms) {
      one->late = true;
      overdue_.fetch_add(1, std::memory_order_relaxed);
    }
  if (accounts_.empty())
    used_.clear();
  else
    std::erase_if(used_, [oldest = accounts_.front()->opened](const auto& entry) {
      return entry.second < oldest;
    });
}

Result<std::unique_ptr<Reservation>> Debts::open() {
  auto account = std::make_unique<Account>(*this);
  account->opened = clock_ ? clock_() : now();
  const std::uint64_t now_ms = steady_ms();
  account->due_ms = now_ms + options_.open_ms;
  const std::lock_guard lock(mutex_);
  if (now_ms - looked_ms_ >= kLookEveryMs) look(now_ms);
  account->at = accounts_.insert(accounts_.end(), account.get());
  if (overdue_.load(std::memory_order_relaxed) > 0) {
    accounts_.erase(account->at);
    account->closed = true;
    return fail(Reason::debts_unpaid);
  }
  return account;
}

Result<void> Debts::owe(Reservation& reservation, const Label& subject) {
  auto& account = static_cast<Account&>(reservation);
  insist(&account.debts_ == this && !account.closed);
  const std::uint64_t now_ms = steady_ms();
  {
    const std::lock_guard lock(mutex_);
    if (now_ms - looked_ms_ >= kLookEveryMs || account.due_ms < now_ms) look(now_ms);
    // A large answer takes longer to shape than a small one.
    account.due_ms = now_ms + options_.open_ms + account.subjects.size() * kShapingMs;
  }
  if (overdue_.load(std::memory_order_relaxed) > 0) return fail(Reason::debts_unpaid);
  account.subjects.push_back(subject);
  return {};
}

void Debts::waiting(Reservation& reservation) {
  auto& account = static_cast<Account&>(reservation);
  insist(&account.debts_ == this && !account.closed);
  const std::lock_guard lock(mutex_);
  if (!account.late) account.due_ms = steady_ms() + options_.waiting_ms + witnesses_ms_;
}

Result<void> Debts::take_over(Reservation& of_whole, Reservation& of_part) {
  auto& whole = static_cast<Account&>(of_whole);
  auto& part = static_cast<Account&>(of_part);
  insist(&whole != &part && &whole.debts_ == this && &part.debts_ == this);
  insist(!whole.closed && !part.closed);
  const std::uint64_t now_ms = steady_ms();
  const std::lock_guard lock(mutex_);
  if (whole.due_ms < now_ms || part.due_ms < now_ms) look(now_ms);
  if (whole.late || part.late) return fail(Reason::debts_unpaid);
  whole.subjects.insert(whole.subjects.end(), part.subjects.begin(), part.subjects.end());
  whole.due_ms = now_ms + options_.waiting_ms + witnesses_ms_;
  // It takes the younger one's place, so that the oldest stay first.
  if (whole.opened < part.opened) {
    whole.opened = part.opened;
    accounts_.splice(part.at, accounts_, whole.at);
  }
  accounts_.erase(part.at);
  part.closed = true;
  return {};
}

Result<void> Debts::settle(Reservation& reservation, std::span<const Paid> paid) {
  auto& account = static_cast<Account&>(reservation);
  insist(&account.debts_ == this && !account.closed);
  const auto wrong = [](const char* what) { return fail(Reason::ledger_proof_wrong, what); };
  const std::uint64_t now_ms = steady_ms();
  const std::lock_guard lock(mutex_);
  if (account.due_ms < now_ms) look(now_ms);
  if (account.late) return fail(Reason::debts_unpaid);
  // As a rule in the order of the keys; each citizen once.
  if (paid.size() != account.subjects.size()) return wrong("not as many entries as keys");
  for (std::size_t i = 0; i < paid.size(); ++i) {
    if (paid[i].subject != account.subjects[i]) return wrong("the entry of another citizen");
    if (paid[i].time < account.opened) return wrong("an entry older than the unwrapping");
    if (used_.contains(number(paid[i].index))) return wrong("an entry that has paid before");
    for (std::size_t j = i; j-- > 0 && paid.size() <= 16;)
      if (paid[j].index == paid[i].index) return wrong("an entry that pays twice");
  }
  for (const Paid& one : paid)
    if (!used_.emplace(number(one.index), one.time).second)
      return wrong("an entry that pays twice");
  accounts_.erase(account.at);
  account.closed = true;
  return {};
}

void Debts::close(Account& account) {
  if (account.closed) return;
  const std::lock_guard lock(mutex_);
  account.closed = true;
  accounts_.erase(account.at);
}

std::uint64_t Debts::overdue() {
  const std::lock_guard lock(mutex_);
  look(steady_ms());
  return overdue_.load(std::memory_order_relaxed);
}

}  // namespace amanat::vault
