#pragma once
// disclosure, marks: the account keys of those who ask, each made of two shares: the exchange's own
// and the auditor's, which is fetched blinded when an account first needs it. They lie in locked
// memory and are wiped at sign-out, at revocation and after 24 hours at the latest. No key, no
// answer. Schedule and what it buys: docs/marks.md. Thread-safe.

#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "crypto/voprf.h"
#include "disclosure/slots.h"
#include "model/task.h"

namespace amanat::disclosure {

/// AuditorLine is a way to the auditor, kept open between requests. One thread at a time.
class AuditorLine {
 public:
  virtual ~AuditorLine() = default;
  /// key is the auditor's public key of a year. Errors: peer_unreachable, peer_untrusted,
  /// auditor_refused (with the auditor's words), auditor_wrong (no such answer).
  virtual Result<crypto::VoprfElement> key(unsigned year) = 0;
  /// evaluate asks for a share, blinded. Nothing is verified yet. Errors: as key.
  virtual Result<crypto::VoprfKey::Evaluated> evaluate(unsigned year,
                                                       const crypto::VoprfElement& blinded) = 0;
  /// day declares how many accounts a day's evaluations were for: `disclosing` with a disclosure,
  /// `others` without one or once more. The answer is the surplus. Errors: as key.
  virtual Result<std::uint64_t> day(const std::string& date, std::uint64_t disclosing,
                                    std::uint64_t others) = 0;
  /// unlock asks for the shares of a sealed extraction: its receipt (tlog-proof) and the file. The
  /// answer is the auditor's signed statement (docs/marks.md). Errors: as key.
  virtual Result<std::string> unlock(const std::string& proof, const std::string& extraction) = 0;
};
using OpenAuditorLine = std::function<std::unique_ptr<AuditorLine>()>;

/// HttpsAuditor says where the auditor is and who we are to it.
struct HttpsAuditor {
  std::string url;  // https://host:port
  std::string ca_file, certificate_file, key_file;
};
std::unique_ptr<AuditorLine> https_auditor(const HttpsAuditor& where);

/// YearKeys are both parties' public keys of a year.
struct YearKeys {
  unsigned year = 0;
  crypto::VoprfElement exchange{}, auditor{};
};
/// year_keys_text is the document whose SHA-256 a POLICY/KEY entry holds before first use:
/// "amanat-year-keys v1", "year Y", "exchange HEX", "auditor HEX", a line each. parse_year_keys
/// takes exactly that. Errors: ledger_corrupt.
std::string year_keys_text(const YearKeys& keys);
Result<YearKeys> parse_year_keys(std::string_view text);

/// LiveKey is an account's key for one answer; wiped.
struct LiveKey {
  CoinKey coins;
  Digest commitment{};
  std::uint16_t epoch = 0;
};

/// Shares is all that a checker needs to see that K is of both shares.
struct Shares {
  AccountId account{};
  std::uint16_t epoch = 0;
  crypto::VoprfKey::Evaluated exchange, auditor;  // unblinded: of the bare input
};
/// key_of_shares verifies both and makes K. Errors: auditor_wrong (a proof does not hold).
Result<Key256> key_of_shares(const YearKeys& keys, const Shares& shares);

/// Unlocked is an auditor's statement taken apart (docs/marks.md); nothing of it is verified.
struct Unlocked {
  Digest extraction{};
  std::uint64_t index = 0;      // of the SEAL entry
  std::vector<YearKeys> years;  // the auditor's keys alone
  std::vector<Shares> shares;   // the auditor's parts alone
};
std::string unlocked_text(const Unlocked& unlocked, std::string_view origin);
Result<Unlocked> parse_unlocked(std::string_view text, std::string_view origin);
/// Sealed is what the auditor reads of an extraction: accounts ascending, each with its epochs.
/// Errors: malformed_value (a line "acct" that is none, or too many).
inline constexpr std::size_t kAccountsUnlockedMax = 200'000;
Result<std::vector<std::pair<AccountId, std::uint16_t>>> accounts_of_extraction(
    std::string_view extraction);

class Marks {
 public:
  struct Setup {
    SlotCatalogue catalogue;
    Key256 seed;                // of the exchange's year keys
    OpenAuditorLine open_line;  // null: no auditor; nothing is marked
    /// publish makes a year's keys part of the ledger, cosigned where there are witnesses, and
    /// returns once they are; keys published before must be the same. Called on a thread of Marks.
    std::function<Result<void>(const YearKeys& keys)> publish;
    std::function<Moment()> clock;  // null: now()
  };
  explicit Marks(Setup setup);
  ~Marks();
  Marks(const Marks&) = delete;
  Marks& operator=(const Marks&) = delete;

  bool configured() const { return static_cast<bool>(setup_.open_line); }
  const SlotCatalogue& catalogue() const { return setup_.catalogue; }

  /// Wait is awaited for an account's key; it resumes on the Home of the thread that awaits it.
  class [[nodiscard]] Wait {
   public:
    Wait(Marks& marks, AccountId account) : marks_(marks), account_(account) {}
    bool await_ready() { return marks_.has(account_); }
    bool await_suspend(std::coroutine_handle<> awaiting);
    Result<void> await_resume();

   private:
    friend class Marks;
    Marks& marks_;
    const AccountId account_;
    std::optional<Failure> failure_;
    std::coroutine_handle<> awaiting_;
    Home* home_ = nullptr;
  };
  /// fetch has the account's key of the present epoch fetched unless it is there. Errors:
  /// marks_key_missing (the auditor cannot be reached, refuses, or answers wrongly).
  Wait fetch(AccountId account) { return Wait(*this, account); }
  /// key is an account's key of the present epoch, if it is there.
  std::optional<LiveKey> key(AccountId account);
  /// forget wipes the keys of an account: sign-out, revocation.
  void forget(AccountId account);
  /// rekeyed sets how often an account was re-keyed within a year; its key is made anew.
  void rekeyed(AccountId account, unsigned year, unsigned times);
  std::uint16_t epoch(AccountId account) const;

  /// own_share is the exchange's part of an unlocked account, unblinded, with its proof.
  crypto::VoprfKey::Evaluated own_share(AccountId account, std::uint16_t epoch) const;
  crypto::VoprfElement own_public(unsigned year) const;
  /// unlock passes a sealed extraction on to the auditor, on the calling thread. Errors: as
  /// AuditorLine's.
  Result<std::string> unlock(const std::string& proof, const std::string& extraction) const;

  struct Standing {
    bool configured = false, locked = true;  // locked: no key lies in memory that may be swapped
    std::size_t keys = 0;
    std::uint64_t fetched_today = 0, again_today = 0;
    std::string trouble;  // the last failure to fetch a key, empty if the last one went well
  };
  Standing standing() const;

 private:
  struct Slot;
  struct Page;
  using Clock = std::function<Moment()>;
  bool has(AccountId account);
  bool fresh(const Slot& slot, Moment at) const;
  void run();
  void settle(AccountId account, bool fetched);  // under the lock
  Result<void> fetch_now(AuditorLine& line, AccountId account);
  Result<YearKeys> year_keys(AuditorLine& line, unsigned year);
  void keep(AccountId account, std::uint16_t epoch, const Key256& key);
  void drop(std::map<AccountId, Slot*>::iterator at);
  void sweep(Moment at);
  std::uint16_t epoch_locked(AccountId account, Moment at) const;
  void count_day(AccountId account, Moment at);
  void declare_days(AuditorLine& line);

  const Setup setup_;
  mutable std::mutex mutex_;
  std::condition_variable called_;
  std::vector<std::unique_ptr<Page>> pages_;
  std::vector<Slot*> free_;
  std::map<AccountId, Slot*> keys_;
  std::map<AccountId, std::vector<Wait*>> waiting_;
  std::vector<AccountId> asked_;
  std::map<std::pair<AccountId, unsigned>, unsigned> rekeyings_;
  std::map<unsigned, YearKeys> published_;
  bool all_locked_ = true, stopping_ = false;
  std::string trouble_;
  std::uint64_t rested_until_ = 0;  // after a failure nobody is asked for a second
  // Who was fetched a key for on a day, and how often once more.
  struct Day {
    std::set<AccountId> accounts;
    std::uint64_t again = 0;
  };
  std::map<std::string, Day> days_;
  std::thread thread_;
};

}  // namespace amanat::disclosure
