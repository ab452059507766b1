#pragma once
// trace: the story of a leak. Whose copy is this? Read the find, match its rows with the
// disclosures of the ledger; then weigh and report, which are separate steps because coins stay
// locked until what was read is sealed. This front door goes as far as matching: it names no
// account. One Trace belongs to one exchange and one thread at a time.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "model/ids.h"
#include "model/result.h"
#include "trace/index.h"
#include "trace/match.h"
#include "trace/read.h"

namespace amanat::trace {

/// Sources are what a trace needs of the exchange.
struct Sources {
  ScanLedger scan;
  /// each_subject visits every subject of the records with its label, and every phone with its
  /// citizen (registry::Registry::each_subject).
  std::function<Result<void>(
      const std::function<void(const SubjectName& name, const Label& label)>& subject,
      const std::function<void(const SubjectName& number, const SubjectName& citizen)>& number)>
      each_subject;
  /// records_mark changes when the records do: as long as it stays, who is who is not read again.
  std::function<Result<std::uint64_t>()> records_mark;
};

struct TraceOptions {
  std::string directory;  // the index lies here
  Key256 key;             // of the index: the vault's secret "trace-index"
  storage::Disk* disk = nullptr;
};

/// Outcome is what reading and matching found. No account is named in it.
struct Outcome {
  Summary read;
  MatchSummary match;
  std::uint64_t ledger_entries = 0, disclosures = 0;  // covered by the index
  std::uint64_t nameless = 0;  // disclosures of citizens whom no record names any more
};

struct RunOptions {
  Limits limits;
  std::function<void(const RowMatch&)> on_match;  // may be null
  std::function<void(std::uint64_t bytes_done, std::uint64_t bytes_total, std::uint64_t rows)>
      progress;                             // may be null
  const std::atomic<bool>* stop = nullptr;  // from any thread: run ends with trace_stopped
};

class Trace {
 public:
  /// open reads the index of an exchange. Errors: file_failed, disk_full.
  static Result<std::unique_ptr<Trace>> open(const TraceOptions& options, Sources sources);
  ~Trace();

  /// catch_up brings the index up to the ledger's last entry; run() does so by itself. After an
  /// erasure it is made anew, so that nothing of the erased stays in it.
  /// Errors: as Index::catch_up, and those of the sources.
  Result<void> catch_up(const std::atomic<bool>* stop = nullptr);
  /// run reads a file and matches it. Nothing is recorded; a run that is stopped or killed is
  /// simply begun again. Errors: as catch_up and read_leak.
  Result<Outcome> run(const std::string& file, const RunOptions& options);
  /// run_at is run for bytes that are read through a function. Errors: as run.
  Result<Outcome> run_at(const net::ReadAt& read, std::uint64_t size, const std::string& name,
                         const RunOptions& options);
  std::shared_ptr<const Snapshot> snapshot() const;

 private:
  struct State;
  using Read = std::function<Result<Summary>(const ReadOptions&)>;
  Result<Outcome> run_with(const Read& read, const RunOptions& options);
  explicit Trace(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace amanat::trace
