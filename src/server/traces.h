#pragma once
// server, traces: the work on leaked files. One at a time: a file is taken in part by part, read
// and matched, and rests until two auditors have opened it by signed acts; then what was read is
// sealed in the ledger, coins are unlocked, weighed and forgotten, and the verdict is an entry too
// (docs/trace-case.md). Everything of a trace lies sealed in H/traces/ID; a step that was cut off
// is done again at the next start. Thread-safe; the work has a thread of its own.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "model/passes.h"
#include "model/result.h"
#include "server/exchange.h"
#include "trace/bundle.h"
#include "trace/findings.h"

namespace amanat::server {

enum class TraceState : std::uint8_t {
  receiving,  // parts of the file are missing
  reading,    // read, matched, extracted
  waiting,    // for two auditors
  sealing,    // the extraction goes into the ledger
  unlocking,  // the auditor's share, for the sealed accounts alone
  weighing,   // coins, findings, report, verdict
  closed,
  cancelled,
  failed
};
std::string_view word_of(TraceState state);

/// TraceCase is one trace as it is kept; it holds no personal value.
struct TraceCase {
  std::string id;          // number and the first digits of the file's SHA-256, once it is known
  std::string name;        // as handed in; bytes from outside
  std::string brought_by;  // in words
  std::string leak_day;    // earliest proven appearance
  std::uint64_t bytes = 0;  // 0: not told yet
  Moment begun{};
  TraceState state = TraceState::receiving;
  std::vector<std::string> opened_by;                  // auditors, by account id
  std::optional<std::uint64_t> seal, unlock, verdict;  // entries
  std::string trouble;                                 // of a failed one
  std::string findings;                                // canonical text, once closed
  std::vector<std::string> named;                      // account ids, once closed
  bool bundle = false;                                 // there is one
};

class Traces {
 public:
  explicit Traces(Exchange& exchange, std::string directory);
  ~Traces();
  Traces(const Traces&) = delete;
  Traces& operator=(const Traces&) = delete;

  struct Begin {
    std::string name, brought_by, leak_day;  // leak_day empty: today
    std::optional<std::uint64_t> bytes;      // nothing: known when the last part comes
  };
  /// begin makes a trace that waits for `bytes` bytes. Errors: trace_running, malformed_value,
  /// body_too_large (more than a tebibyte), file_failed, disk_full.
  Result<std::string> begin(const Begin& begin);
  /// append takes the part at `offset` and returns how much is there. The last one starts the
  /// reading. Errors: trace_unknown, trace_not_so_far, malformed_value, file_failed, disk_full.
  Result<std::uint64_t> append(std::string_view id, std::uint64_t offset, std::string_view part);
  /// append_last is append of the part that ends a file whose size was not told. Errors: as append.
  Result<std::uint64_t> append_last(std::string_view id, std::uint64_t offset,
                                    std::string_view part);
  /// take_file begins a trace with a file of this machine. Errors: as begin and append.
  Result<std::string> take_file(const std::string& path, const Begin& begin);
  /// open_by takes an auditor's confirmed act 'open-trace' on this trace; the second one starts the
  /// envelope. Errors: trace_unknown, trace_not_so_far, not_your_right, not_yourself, act_wrong,
  /// those of the ledger.
  Result<TraceCase> open_by(const Caller& confirmed, std::string_view id);
  /// cancel ends a trace that is not sealed yet and removes the file. Errors: trace_unknown,
  /// trace_not_so_far.
  Result<void> cancel(std::string_view id);

  std::vector<TraceCase> list() const;
  Result<TraceCase> find(std::string_view id) const;
  /// progress of the step under way: done and total, in bytes or rows; 0, 0: none.
  std::pair<std::uint64_t, std::uint64_t> progress() const { return {done_, total_}; }
  /// summary is what reading and matching found, findings the verdict (JSON, no personal value);
  /// impact the citizens and fields exposed (CSV for the notices: label, fields, rows); bundle the
  /// evidence as a container. Errors: trace_unknown, trace_not_so_far, file_failed, seal_broken.
  Result<std::string> summary(std::string_view id) const;
  Result<std::string> impact(std::string_view id) const;
  Result<std::string> findings(std::string_view id) const;
  Result<std::string> bundle(std::string_view id) const;
  Result<std::string> report(std::string_view id, std::string_view file) const;

  /// OwnLeak is one leak that a citizen's data were in, as that citizen is told.
  struct OwnLeak {
    std::string id, leak_day;
    std::vector<std::string> fields;  // by id
  };
  /// leaks_of lists closed traces that found a citizen's data; asked with that citizen's own label
  /// alone. Errors: file_failed, seal_broken.
  Result<std::vector<OwnLeak>> leaks_of(const Label& label) const;

  /// resume goes on with what a stop cut off; stop lets the step under way end, or end early.
  void resume();
  void stop();
  /// rest returns when the trace needs somebody or is over, or `give_up` says so.
  Result<TraceCase> rest(std::string_view id, const std::function<bool()>& give_up);

 private:
  void run();
  Result<void> step(TraceCase& one);
  Result<void> read(TraceCase& one);
  Result<void> seal(TraceCase& one);
  Result<void> unlock(TraceCase& one);
  Result<void> weigh(TraceCase& one);
  Result<void> close(TraceCase& one);
  struct Decoys;
  Result<Decoys> decoys_of(const TraceCase& one, const trace::Extraction& sealed);
  Result<void> add_decoys(
      const Decoys& decoys, const trace::Findings& findings,
      const std::map<std::pair<AccountId, std::uint16_t>, disclosure::CoinKey>& keys,
      trace::Files& bundle);
  Result<void> keep(const TraceCase& one);
  void load();
  TraceCase* known(std::string_view id);
  const TraceCase* known(std::string_view id) const;
  std::string place(std::string_view id) const { return directory_ + "/" + std::string(id); }
  Result<void> put(TraceCase& one, std::uint64_t offset, std::string_view part);
  Result<std::string> made(std::string_view id, const std::string& file) const;
  Result<trace::Files> work_of(const std::string& id, std::string_view file = "work") const;
  Result<void> keep_work(const std::string& id, const trace::Files& files,
                         std::string_view file = "work");
  Result<Key256> key() const;
  void wake();

  Exchange& exchange_;
  const std::string directory_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<TraceCase> cases_;
  bool stopping_ = false, called_ = false;
  std::atomic<bool> stop_work_{false};
  std::atomic<std::uint64_t> done_{0}, total_{0};
  std::thread thread_;
};

}  // namespace amanat::server
