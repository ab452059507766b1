#pragma once
// server: what a running exchange holds. This room only.

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "net/http.h"
#include "net/local.h"
#include "server/api.h"
#include "server/engine.h"
#include "server/exchange.h"
#include "server/marks.h"
#include "server/metrics.h"
#include "server/snapshot.h"
#include "server/traces.h"
#include "server/notices.h"
#include "storage/file.h"

namespace amanat::server {

struct Exchange::State {
  Home home{""};
  std::optional<storage::DirectoryLock> lock, keys_lock;
  Config config;
  std::unique_ptr<storage::Disk> ledger_disk;  // null: files of the home
  std::optional<registry::Catalog> catalog;
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<vault::Vault> vault;
  std::unique_ptr<identity::Identity> identity;
  std::unique_ptr<policy::Policy> policy;
  std::unique_ptr<detection::Detection> detection;
  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<ledger::Ledger> ledger;
  MarksRecorded recorded_marks;
  std::unique_ptr<disclosure::Marks> marks;  // its thread writes to the ledger
  std::unique_ptr<disclosure::Disclosure> disclosure;
  std::unique_ptr<lookup::Lookup> lookup;
  std::unique_ptr<lookup::Extracts> extracts;
  std::unique_ptr<Traces> traces;  // its thread asks the rooms above
  std::unique_ptr<lookup::Trails> trails;
  std::unique_ptr<Notices> notices;  // null: none are sent
  std::mutex acts;  // imports, enrolments, erasures: one at a time

  // Serving. Destroyed in reverse: first nobody asks any more, then the rooms go.
  std::unique_ptr<Api> api;
  Metrics metrics;
  std::unique_ptr<MetricsPort> metrics_port;
  std::unique_ptr<net::Server> server;
  std::unique_ptr<net::LocalServer> local;
  std::string listening;
  std::atomic<bool> reachable{false};  // the address is known to identity
  std::mutex watch_mutex;
  std::condition_variable watch_wake;
  bool stopping = false;
  std::uint64_t debts_told = 0;  // the watching thread's
  std::thread watch;
  std::thread telling;  // a gateway that hangs must not hold up alerts

  // Snapshots of what a start learns from the ledger (server/snapshot.h).
  std::mutex snapshots_mutex;            // making one, or destroying what is in it: one at a time
  std::uint64_t snapshot_size = 0;  // of the one that counts; under snapshots_mutex
  std::thread snapshot_keeper;
  std::uint64_t slices_noted = 0;  // the watching thread's
  std::uint64_t read_at_start = 0;
  Result<std::unique_ptr<detection::Detection>> fresh_detection() const;
  Result<void> fold(detection::Detection& into, Snapshot& at,
                    const std::function<Result<void>(const ledger::Opened&)>& also) const;
  std::optional<Digest> snapshot_named() const;
  Result<Snapshot> read_snapshot(const Digest& name, detection::Detection& into) const;
  Result<void> write_snapshot(const detection::Detection& what, Snapshot made);
  Result<void> end_other_snapshots(const Digest& but) const;
  // Beside the ledger, so that a gateway that takes it over has them.
  storage::Disk& snapshots_disk() const {
    return ledger_disk ? *ledger_disk : storage::system_disk();
  }
  std::string snapshots_place() const {
    return ledger_disk ? "snapshots" : home.snapshots();
  }
  Result<void> refresh_snapshot(const std::function<bool()>& go,
                                const std::function<void(detection::Detection&)>& change);
  /// forget_in_snapshot takes an erased citizen out of what is kept; under snapshots_mutex.
  Result<void> forget_in_snapshot(const SubjectName& citizen, const Label& label);
  void keep_snapshots();
  void last_snapshot();
  void note_slices();

  Result<LedgerPlace> take_all(const std::string& directory, const Waiting& waiting);
  Result<std::vector<Receipt::Entry>> record(EntryContent entry);
  /// record_device records an enrolled device under the hash of its credential; where that fails,
  /// the device is revoked again.
  Result<void> record_device(const Actor& device, const Digest& credential);
  Result<Receipt::Entry> record_document(std::string_view document, std::string note);
  /// record_act records a document people agreed on, with who confirmed it and what they signed.
  Result<Receipt::Entry> record_act(std::string note, const Digest& document, const Caller* by,
                                    std::string case_ref = {}, std::string word = {});
  /// record_policy records which policy is in force from here on.
  Result<Receipt::Entry> record_policy(const Digest& documents, const Digest& hash);
  /// record_text records a document that people need the text of, which the opening keeps.
  Result<Receipt::Entry> record_text(std::string_view text, std::string_view note);
  Result<void> open_marks();
  Result<void> note_slots();
  Result<void> publish_keys(const disclosure::YearKeys& keys);
  /// keep_label_proof keeps what shows a citizen that the label is theirs; forget_citizen destroys
  /// it and the complaints.
  Result<void> keep_label_proof(const SubjectName& citizen);
  Result<void> forget_citizen(const SubjectName& citizen);
  Result<void> open_notices();
  void tell_of_canaries(const std::vector<SubjectName>& named, const Asker& by,
                        const std::string& case_ref, const char* what);
  std::string metrics_page() const;
  Result<void> quarantine_for(std::string_view dataset, registry::ImportOptions& options) const;
};

}  // namespace amanat::server
