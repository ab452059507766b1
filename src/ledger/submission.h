#pragma once
// Submission: one append on its way from the thread that asks to the sequencer and back. Written by
// the asking thread until it is queued, by the sequencer until it is settled, then by the asking
// thread again; `phase` is the hand-over.

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledger/entry.h"
#include "ledger/segment.h"
#include "ledger/tree.h"
#include "model/result.h"
#include "model/task.h"

namespace amanat::ledger {

/// Batch is what one fdatasync made durable; shared by the receipts of all its entries.
struct Batch {
  BatchTree tree;
  std::vector<Digest> leaves;
  std::string checkpoint;  // log-signed, never published itself
  Place place;
  /// Mark is an entry that the map of citizens is about: one with a subject, an EPOCH, or the
  /// ERASURE of a retention run, which has no subject.
  struct Mark {
    enum class Kind : std::uint8_t { entry = 1, epoch = 2, run = 3 } kind = Kind::entry;
    std::uint64_t index = 0;
    Label label{};
    std::string epoch_tail;
  };
  std::vector<Mark> marks;
  std::uint64_t size() const { return tree.size(); }
};

struct Submission {
  enum class Phase : std::uint8_t { working, awaited, settled };

  std::vector<Prepared> entries;
  bool closes_with_export = false;  // the last entry is an EXPORT whose tail is to be filled in
  Digest released{};
  Submission* next = nullptr;        // in the queue
  std::shared_ptr<Submission> self;  // keeps it alive while it is queued

  // The outcome: a failure, or where each run of entries went.
  struct Run {
    std::shared_ptr<const Batch> batch;
    std::uint64_t first_index = 0;
    std::uint32_t count = 0;
  };
  std::optional<Failure> failure;
  std::vector<Run> runs;
  bool wants_quorum = false;        // settled only once witnesses have cosigned a head over it
  std::vector<std::string> proofs;  // then: a receipt for each entry, with their cosignatures
  bool bulk = false;                // a receipt for the last entry alone
  /// charge is how many places of the queue it takes.
  std::size_t charge = 0;
  std::size_t proofs_from() const { return bulk ? entries.size() - 1 : 0; }
  std::uint64_t first_index = 0;

  std::atomic<Phase> phase{Phase::working};
  std::coroutine_handle<> waiting;  // set before phase becomes awaited
  Home* home = nullptr;
};

/// settle marks a submission as done and gives who waits for it, to be resumed on its Home. The
/// waiter may run, and free the submission, as soon as this was called.
inline std::optional<std::pair<Home*, std::coroutine_handle<>>> settle(Submission& s) {
  if (s.phase.exchange(Submission::Phase::settled, std::memory_order_acq_rel) !=
      Submission::Phase::awaited)
    return std::nullopt;
  return std::pair{s.home, s.waiting};
}

}  // namespace amanat::ledger
