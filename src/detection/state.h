#pragma once
// detection, state: holders of budgets and habits, sharded; this room only.

#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <queue>
#include <set>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "crypto/crypto.h"
#include "detection/detection.h"
#include "detection/holders.h"
#include "detection/magnet.h"
#include "detection/window.h"

namespace amanat::detection {

// The order in which a question takes its holders, and their shards' locks.
enum class Kind : std::uint8_t { officer, case_, unit };
inline constexpr std::size_t kKinds = 3;
inline constexpr std::size_t kShards = 64;

// What is kept of an officer besides budgets; what every lookup reads first.
struct Officer {
  Habits habits;
  std::vector<Hold> holds;
  Digest device{};  // of the last lookup
  std::uint64_t device_at = 0;
  std::string unit;
  std::array<Day, 30> days{};
  std::vector<std::uint64_t> too_fast;  // times of refusals for pace, within an hour
  std::vector<std::uint64_t> wrong;     // times of proofs that did not fit
  std::vector<std::uint64_t> canaries;  // which ones, at most a few
  std::vector<std::uint32_t> off_duty;  // days, within thirty
  std::string station;
  std::uint64_t refusals = 0;  // GCRA's theoretical arrival time; a start begins anew
};

// One officer, case or unit: what it has seen, and what questions in hand may still disclose.
struct Holder {
  Windows seen;
  std::uint32_t pending = 0;
  Officer* officer = nullptr;      // of an officer: follows this in memory
  std::unique_ptr<Shared> shared;  // of a unit or a case
  std::unique_ptr<Peers> peers;    // of a unit
};

struct alignas(64) Kept {
  std::string key;
  Holder holder;
  virtual ~Kept() = default;
};
struct Seat final : Kept {
  Officer officer;
  Seat() { holder.officer = &officer; }
};

struct Shard {
  mutable std::mutex mutex;
  Holders<Kept> holders;
};

// A holder with the lock that guards it.
struct Held {
  Shard* shard = nullptr;
  Holder* holder = nullptr;
};
using HeldByKind = std::array<Held, kKinds>;

// Locks the shards of one question in the order officer, case, unit: everybody takes them so.
class Locks {
 public:
  explicit Locks(const HeldByKind& held) : held_(held) {
    for (const Held& h : held_) h.shard->mutex.lock();
  }
  ~Locks() {
    for (const Held& h : held_) h.shard->mutex.unlock();
  }
  Locks(const Locks&) = delete;
  Locks& operator=(const Locks&) = delete;

 private:
  const HeldByKind& held_;
};

// The label is keyed and pseudorandom already, so its first 8 bytes are a hash (§2.6).
std::uint64_t hash_of(const Label& label);

// What one question holds of the budgets. Gives back on death whatever was not committed.
class Units final : public Reservation {
 public:
  Units(const HeldByKind& held, std::uint32_t reserved) : held_(held), reserved_(reserved) {}
  ~Units() override;
  Units(const Units&) = delete;
  Units& operator=(const Units&) = delete;

  // release_locked returns some units; the caller has the locks.
  void release_locked(std::uint32_t units);
  void take_locked(std::uint32_t units);
  const HeldByKind& held() const { return held_; }
  std::uint32_t reserved() const { return reserved_; }
  std::vector<std::uint64_t>& subjects() { return subjects_; }
  // applied keeps what undoes the judgement of an answer that is never recorded.
  void applied(std::vector<Look> looks, const Scores& before) {
    looks_ = std::move(looks);
    before_ = before;
  }
  std::vector<Look>& looks() { return looks_; }

 private:
  HeldByKind held_;
  std::uint32_t reserved_;
  std::vector<std::uint64_t> subjects_;  // once settled: who is disclosed
  std::vector<Look> looks_;
  Scores before_;
};

struct Detection::State {
  explicit State(Options o);
  Options options;
  Tuned tuned;
  bool judges = false;  // any rule is on
  std::string parameters_id;
  crypto::Hmac neighbour_key;
  std::array<std::array<Shard, kShards>, kKinds> shards;
  std::atomic<std::uint64_t> ledger_time{0};
  std::atomic<std::uint64_t> order{0};
  Magnet magnet;

  mutable std::mutex clock_mutex;
  std::uint64_t anchor_ledger = 0, anchor_steady = 0;

  mutable std::mutex alerts_mutex;
  std::vector<Alert> outbox;
  std::deque<Told> told;  // the last recorded ones

  mutable std::shared_mutex operations_mutex;
  std::vector<Operation> operations;

  mutable std::shared_mutex canaries_mutex;
  std::unordered_set<std::uint64_t> canaries;

  // A replay puts lookups and alerts back into the order in which they were judged.
  struct Waiting {
    std::uint64_t order = 0, index = 0;
    bool alert = false, refusal = false;
    Look look;
    Alert told;
    Refused refused;
    Actor actor;
    std::string unit, case_ref;
    std::optional<Label> subject;
    bool operator<(const Waiting& other) const {  // a priority_queue gives the greatest first
      return order != other.order   ? order > other.order
             : alert != other.alert ? alert
                                    : index > other.index;
    }
  };
  std::priority_queue<Waiting> waiting;
  std::vector<Waiting> together;  // citizens of one answer, judged together
  Replayed replayed;
  bool replaying = false;
  std::vector<Alert> expected;                   // raised by the replay, not seen recorded
  using Known = std::pair<Rule, std::uint64_t>;  // an alert by what makes it one: see known()
  std::set<Known> recorded_alerts;
  std::map<Known, std::array<std::uint64_t, 2>> raised;  // score and threshold, to the bit

  Held hold(Kind kind, std::string_view key);
  void ask_for(const std::array<std::uint64_t, kKinds>& hashes);
  HeldByKind hold_all(AccountId account, std::string_view unit, std::string_view case_ref);
  Held hold_officer(AccountId account);

  // Windows are judged at the greatest ledger time seen: it is never later than the time the
  // disclosure will be recorded at, so a subject that left the window here has left it there.
  std::uint64_t time() const { return ledger_time.load(std::memory_order_acquire); }
  // judged_at is the ledger's time carried on by a steady clock: what the tests are judged at.
  std::uint64_t judged_at();
  void observe(std::uint64_t time);
  std::uint64_t next_order() { return order.fetch_add(1, std::memory_order_relaxed) + 1; }
  bool is_canary(std::uint64_t subject) const;
  Near near_of(const SubjectName& name) const;
  Sensitivity class_of(const std::vector<FieldId>& fields) const;

  // All that follows is called under the officer's lock.
  // soon asks the processor for what a verdict on this subject will touch.
  void soon(const HeldByKind& held, std::uint64_t subject) const;
  Officer& officer_of(Holder& holder);
  Company company_of(const HeldByKind& held, bool with_case, bool make);
  Result<void> held_back(const Officer& officer, const Asker& asker, Sensitivity asked) const;
  Alert alert_of(const Trip& trip, const Asker& asker, const Question& question,
                 const Officer& officer, std::uint64_t at);
  void raise(Alert alert, Officer& officer);
  void put_hold(const Alert& alert, Officer& officer);
  void count_day(Officer& officer, const std::vector<Look>& looks);
  std::optional<Trip> places_trip(const Officer& officer, const Actor& actor,
                                  const Look& look) const;
  bool in_operation(std::string_view unit, std::uint64_t at) const;
  void put_operation(const Alert& alert, std::uint64_t entry);
  Known known(const Alert& alert) const;
  bool off_duty(const Asker& asker, std::uint64_t at) const;
  void note_off_duty(Officer& officer, const Asker& asker, const Question& question,
                     const Look& look);
  void note_case(Officer& officer, const Asker& asker, const Question& question, const Look& look);
  void note_protected(Officer& officer, const Asker& asker, const Question& question,
                      const std::vector<Look>& looks);
  void note_refused(Officer& officer, const Asker& asker, const Question& question,
                    const Refused& refused);
  void note_canaries(Officer& officer, const Asker& asker, const Question& question,
                     const std::vector<Look>& looks);
  void note_listed_canaries(Officer& officer, const Asker& asker, const Question& question,
                            const Findings& findings);
  void note_magnets(Officer& officer, const Asker& asker, const Question& question,
                    const std::vector<Look>& looks, const std::vector<Label>& citizens);
  std::vector<Look> looks_of(const Findings& findings, const Officer& officer, std::uint64_t at);
  Result<std::vector<std::string>> judge(const Findings& findings, Units& units);

  void restore(std::vector<Waiting> answer);
  void restore(const Waiting& alert);
  void restore_refused(const Waiting& refusal);
  std::optional<bool> comes_out_again(const Alert& alert, Officer& officer, const HeldByKind& held);
  void drain(std::size_t leave);
};

}  // namespace amanat::detection
