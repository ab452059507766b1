#include "disclosure/marks.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

#include "model/insist.h"

// Invariants
//  1. K lies in pages of its own, locked where the system lets us and never in a dump; a slot that
//     is given back was wiped.
//  2. A year's keys are in the ledger before any share under them is used: fetch_now asks
//     year_keys first, which publishes.
//  3. What the auditor sends is believed only with its proof under the key it published.

namespace amanat::disclosure {

namespace {

constexpr std::uint64_t kLivesMs = 24ull * 3600 * 1000, kRestMs = 1000;
constexpr std::chrono::seconds kSweep{60};
constexpr std::size_t kDaysKept = 7;

std::string date_of(Moment at) {
  const std::chrono::sys_days day(std::chrono::days(static_cast<int>(number(at) / 86'400'000)));
  const std::chrono::year_month_day d(day);
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(d.year()),
                static_cast<unsigned>(d.month()), static_cast<unsigned>(d.day()));
  return text;
}

crypto::VoprfKey own_key(const Key256& seed, unsigned year) {
  auto key = crypto::VoprfKey::derive(seed, crypto::bytes_of(share_info(year)));
  insist(key.has_value());
  return *std::move(key);
}

}  // namespace

struct Marks::Slot {
  Key256 key;
  Digest commitment{};
  std::uint64_t fetched = 0;  // 0: free
  std::uint16_t epoch = 0;
};

struct Marks::Page {
  static constexpr std::size_t kBytes = 4096;
  static constexpr std::size_t kSlots = kBytes / sizeof(Slot);
  Page() {
    memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    insist(memory != MAP_FAILED);
    locked = ::mlock(memory, kBytes) == 0;
    ::madvise(memory, kBytes, MADV_DONTDUMP);
    ::madvise(memory, kBytes, MADV_DONTFORK);
    for (std::size_t i = 0; i < kSlots; ++i) ::new (slot(i)) Slot;
  }
  ~Page() {
    for (std::size_t i = 0; i < kSlots; ++i) slot(i)->~Slot();
    ::munmap(memory, kBytes);
  }
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;
  Slot* slot(std::size_t i) { return static_cast<Slot*>(memory) + i; }
  void* memory = nullptr;
  bool locked = false;
};

Marks::Marks(Setup setup) : setup_(std::move(setup)) {
  if (configured()) thread_ = std::thread([this] { run(); });
}

Marks::~Marks() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  called_.notify_all();
  if (thread_.joinable()) thread_.join();
  // Who still waits is never resumed: their Home is gone with the server.
}

std::uint16_t Marks::epoch_locked(AccountId account, Moment at) const {
  const unsigned year = year_of(epoch_of(at));
  const auto times = rekeyings_.find({account, year});
  return epoch_of(at, times == rekeyings_.end() ? 0 : times->second);
}

std::uint16_t Marks::epoch(AccountId account) const {
  const Moment at = setup_.clock ? setup_.clock() : now();
  const std::lock_guard lock(mutex_);
  return epoch_locked(account, at);
}

bool Marks::fresh(const Slot& slot, Moment at) const {
  return number(at) < slot.fetched + kLivesMs && number(at) + kLivesMs > slot.fetched;
}

bool Marks::has(AccountId account) {
  const Moment at = setup_.clock ? setup_.clock() : now();
  const std::lock_guard lock(mutex_);
  const auto found = keys_.find(account);
  return found != keys_.end() && fresh(*found->second, at) &&
         found->second->epoch == epoch_locked(account, at);
}

std::optional<LiveKey> Marks::key(AccountId account) {
  const Moment at = setup_.clock ? setup_.clock() : now();
  const std::lock_guard lock(mutex_);
  const auto found = keys_.find(account);
  if (found == keys_.end()) return std::nullopt;
  const Slot& slot = *found->second;
  if (!fresh(slot, at) || slot.epoch != epoch_locked(account, at)) {
    drop(found);
    return std::nullopt;
  }
  return LiveKey{CoinKey(slot.key), slot.commitment, slot.epoch};
}

void Marks::drop(std::map<AccountId, Slot*>::iterator at) {
  Slot* const slot = at->second;
  wipe(slot->key.mutable_bytes().data(), slot->key.size());
  slot->fetched = 0;
  free_.push_back(slot);
  keys_.erase(at);
}

void Marks::forget(AccountId account) {
  const std::lock_guard lock(mutex_);
  if (const auto found = keys_.find(account); found != keys_.end()) drop(found);
}

void Marks::rekeyed(AccountId account, unsigned year, unsigned times) {
  insist(times < 16);
  const std::lock_guard lock(mutex_);
  rekeyings_[{account, year}] = times;
  if (const auto found = keys_.find(account); found != keys_.end()) drop(found);
}

void Marks::sweep(Moment at) {
  for (auto one = keys_.begin(); one != keys_.end();) {
    const auto next = std::next(one);
    if (!fresh(*one->second, at)) drop(one);
    one = next;
  }
}

void Marks::keep(AccountId account, std::uint16_t epoch, const Key256& key) {
  const Moment at = setup_.clock ? setup_.clock() : now();
  const std::lock_guard lock(mutex_);
  if (const auto found = keys_.find(account); found != keys_.end()) drop(found);
  if (free_.empty()) {
    auto page = std::make_unique<Page>();
    all_locked_ = all_locked_ && page->locked;
    for (std::size_t i = Page::kSlots; i-- > 0;) free_.push_back(page->slot(i));
    pages_.push_back(std::move(page));
  }
  Slot* const slot = free_.back();
  free_.pop_back();
  slot->key = key;
  slot->commitment = key_commitment(key);
  slot->fetched = number(at);
  slot->epoch = epoch;
  keys_[account] = slot;
  count_day(account, at);
}

void Marks::count_day(AccountId account, Moment at) {
  Day& day = days_[date_of(at)];
  if (!day.accounts.insert(account).second) ++day.again;
  while (days_.size() > kDaysKept) days_.erase(days_.begin());
}

bool Marks::Wait::await_suspend(std::coroutine_handle<> awaiting) {
  home_ = Home::current();
  insist(home_ != nullptr);
  awaiting_ = awaiting;
  const Moment at = marks_.setup_.clock ? marks_.setup_.clock() : now();
  const std::lock_guard lock(marks_.mutex_);
  if (!marks_.configured() || marks_.stopping_ || number(at) < marks_.rested_until_) {
    failure_ = Failure{Reason::marks_key_missing, {}};
    return false;
  }
  auto& queue = marks_.waiting_[account_];
  if (queue.empty()) marks_.asked_.push_back(account_);
  queue.push_back(this);
  marks_.called_.notify_one();
  return true;
}

Result<void> Marks::Wait::await_resume() {
  if (failure_) return std::unexpected(*failure_);
  return {};
}

Result<YearKeys> Marks::year_keys(AuditorLine& line, unsigned year) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = published_.find(year); at != published_.end()) return at->second;
  }
  auto theirs = line.key(year);
  if (!theirs) return std::unexpected(theirs.error());
  const YearKeys keys{year, own_key(setup_.seed, year).public_key(), *theirs};
  if (setup_.publish)
    if (auto published = setup_.publish(keys); !published)
      return std::unexpected(published.error());
  const std::lock_guard lock(mutex_);
  published_[year] = keys;
  return keys;
}

Result<void> Marks::fetch_now(AuditorLine& line, AccountId account) {
  const std::uint16_t epoch_now = epoch(account);
  const unsigned year = year_of(epoch_now);
  auto keys = year_keys(line, year);
  if (!keys) return std::unexpected(keys.error());
  const std::string input = share_input(account, epoch_now);
  const auto blinded = crypto::voprf_blind(crypto::bytes_of(input));
  insist(blinded.has_value());
  auto evaluated = line.evaluate(year, blinded->element);
  if (!evaluated) return std::unexpected(evaluated.error());
  const auto z_auditor = crypto::voprf_unblind(*blinded, keys->auditor, *evaluated);
  if (!z_auditor) return fail(Reason::auditor_wrong, "the share's proof");
  const auto bare = crypto::voprf_element(crypto::bytes_of(input));
  const auto ours = own_key(setup_.seed, year).evaluate(*bare);
  insist(ours.has_value());
  auto out_x = crypto::voprf_output(crypto::bytes_of(input), Key256(ours->element));
  auto out_a = crypto::voprf_output(crypto::bytes_of(input), *z_auditor);
  keep(account, epoch_now, account_key(out_x, out_a, account, epoch_now));
  wipe(out_x.data(), out_x.size());
  wipe(out_a.data(), out_a.size());
  return {};
}

// One thread asks the auditor: whoever waits for the same account waits for the same answer.
void Marks::run() {
  auto line = setup_.open_line();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (asked_.empty()) {
      called_.wait_for(lock, kSweep);
      const Moment at = setup_.clock ? setup_.clock() : now();
      sweep(at);
      if (asked_.empty() && !stopping_) {
        lock.unlock();
        declare_days(*line);
        lock.lock();
      }
      continue;
    }
    const AccountId account = asked_.front();
    asked_.erase(asked_.begin());
    lock.unlock();
    auto fetched = fetch_now(*line, account);
    lock.lock();
    if (fetched) {
      trouble_.clear();
    } else {
      trouble_ = std::string(row_of(fetched.error().reason).id) +
                 (fetched.error().detail.empty() ? "" : ": " + fetched.error().detail);
      const Moment at = setup_.clock ? setup_.clock() : now();
      rested_until_ = number(at) + kRestMs;
    }
    settle(account, fetched.has_value());
    if (fetched) continue;
    // An auditor that is silent to one is silent to all: nobody waits for as many limits of time as
    // there are others before them.
    for (const AccountId other : std::exchange(asked_, {})) settle(other, false);
  }
}

void Marks::settle(AccountId account, bool fetched) {
  auto waiters = std::move(waiting_[account]);
  waiting_.erase(account);
  for (Wait* wait : waiters) {
    if (!fetched) wait->failure_ = Failure{Reason::marks_key_missing, {}};
    wait->home_->resume(wait->awaiting_);
  }
}

// Yesterday and what is before it are declared once; a failure leaves them for the next minute.
void Marks::declare_days(AuditorLine& line) {
  const Moment at = setup_.clock ? setup_.clock() : now();
  const std::string today = date_of(at);
  for (;;) {
    std::string date;
    std::uint64_t accounts = 0, again = 0;
    {
      const std::lock_guard lock(mutex_);
      if (days_.empty() || days_.begin()->first >= today) return;
      date = days_.begin()->first;
      accounts = days_.begin()->second.accounts.size();
      again = days_.begin()->second.again;
    }
    if (!line.day(date, accounts, again)) return;
    const std::lock_guard lock(mutex_);
    days_.erase(date);
  }
}

crypto::VoprfKey::Evaluated Marks::own_share(AccountId account, std::uint16_t epoch) const {
  const auto bare = crypto::voprf_element(crypto::bytes_of(share_input(account, epoch)));
  insist(bare.has_value());
  const auto share = own_key(setup_.seed, year_of(epoch)).evaluate(*bare);
  insist(share.has_value());
  return *share;
}

crypto::VoprfElement Marks::own_public(unsigned year) const {
  return own_key(setup_.seed, year).public_key();
}

Result<std::string> Marks::unlock(const std::string& proof, const std::string& extraction) const {
  if (!configured()) return fail(Reason::auditor_refused, "no auditor is configured");
  return setup_.open_line()->unlock(proof, extraction);
}

Marks::Standing Marks::standing() const {
  const Moment at = setup_.clock ? setup_.clock() : now();
  const std::lock_guard lock(mutex_);
  Standing standing;
  standing.configured = configured();
  standing.locked = all_locked_;
  standing.keys = keys_.size();
  if (const auto day = days_.find(date_of(at)); day != days_.end()) {
    standing.fetched_today = day->second.accounts.size();
    standing.again_today = day->second.again;
  }
  standing.trouble = trouble_;
  return standing;
}

}  // namespace amanat::disclosure
