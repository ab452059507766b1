#pragma once
// What a running Ledger is made of. Inside the room only.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "ledger/by_citizen.h"
#include "ledger/epoch_heads.h"
#include "ledger/ledger.h"
#include "ledger/note.h"
#include "ledger/projection.h"
#include "ledger/publisher.h"
#include "ledger/segment.h"
#include "ledger/sequencer.h"
#include "storage/file.h"

namespace amanat::ledger {

/// LedgerClock is a steady clock anchored at the start, never before the last entry. Thread-safe.
class LedgerClock {
 public:
  LedgerClock(std::function<Moment()> wall, Moment last_entry);
  /// stamp is the ledger's time now.
  Moment stamp() const;
  /// check says once per episode when the system's clock has left the ledger's by more than 5 s.
  std::optional<std::string> check();

 private:
  std::function<Moment()> wall_;
  bool simulated_;  // a clock was given: it is the time, there is nothing to anchor
  Moment anchor_;
  std::uint64_t started_ms_;
  Moment highest_{};
  bool alarmed_ = false;
};

// Members are destroyed from the last to the first: who writes goes before what is written.
struct Ledger::State {
  Options options;
  storage::Disk* disk = nullptr;
  std::optional<storage::DirectoryLock> lock;
  std::optional<NoteSigner> signer;
  std::string origin;
  Digest log{};
  std::unique_ptr<Projection> projection;
  std::unique_ptr<EpochHeads> heads;
  std::optional<LedgerClock> clock;
  std::unique_ptr<Publisher> publisher;
  std::unique_ptr<ByCitizen> by_citizen;  // null: this log keeps no map
  std::unique_ptr<Filler> filler;
  std::unique_ptr<Sequencer> sequencer;

  bool witnessed = false;          // a quorum of witnesses is asked for
  std::vector<VerifierKey> known;  // their keys
  int quorum_stage = 0;            // the publisher's thread: which alarm was given
  std::atomic<bool> opened{false};  // the publisher's thread may use every member
  mutable std::mutex minimum_mutex;
  Minimum minimum;
  std::mutex retention_mutex;  // one trim or prune at a time

  Result<void> read_minimum();
  Result<void> plan_witnesses(Publisher::Setup& world);
  bool wants_quorum(const Draft& draft) const;
  Result<void> may_disclose(bool quorum) const;
  std::shared_ptr<Submission> append_epoch(const EpochMark& mark);
  void tick(std::uint64_t without_quorum_ms);
  void keep_heads();
  Result<void> make_proofs(Submission& submission, const Head& head) const;
  void alarm(std::string_view words) const;
  void death(std::string_view words) const;
};

}  // namespace amanat::ledger
