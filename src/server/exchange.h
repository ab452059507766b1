#pragma once
// server: the running exchange. Wires the rooms of one home directory together and does the acts
// that touch several of them: each is in the ledger. Thread-safe once open.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "detection/detection.h"
#include "identity/identity.h"
#include "ledger/ledger.h"
#include "lookup/extracts.h"
#include "lookup/looks.h"
#include "lookup/lookup.h"
#include "lookup/trails.h"
#include "model/result.h"
#include "policy/policy.h"
#include "registry/registry.h"
#include "server/config.h"
#include "server/report.h"
#include "server/routes.h"
#include "trace/decoys.h"
#include "trace/dossier.h"
#include "trace/trace.h"

namespace amanat::server {

/// Document is a file to be put into a new home: catalog or policy.
struct Document {
  std::string name;  // file name, "identity.toml"
  std::string content;
};

struct InitOptions {
  std::string home;
  std::string origin;  // name of the exchange and of its log
  std::vector<Document> catalog, policy;
  unsigned segment_mib = Config{}.segment_mib;  // of the ledger, for good
  std::vector<std::string> server_names = {"localhost", "127.0.0.1", "::1"};
  std::string store = Config{}.store;
  std::string ledger_store = Config{}.ledger_store;
};

/// Waiting says whether an exchange that another process holds is waited for.
struct Waiting {
  std::function<bool()> go_on;                 // asked while it waits; null: it does not wait
  std::function<void(std::string_view)> say;   // told whom it waits for; null: nobody
};

/// Home names the places inside a home directory (docs/home.md).
struct Home {
  explicit Home(std::string directory) : root(std::move(directory)) {}
  std::string root;
  std::string config() const { return root + "/exchange.toml"; }
  std::string catalog() const { return root + "/catalog"; }
  std::string policy() const { return root + "/policy"; }
  std::string detection() const { return root + "/detection.toml"; }
  std::string stations() const { return root + "/stations.toml"; }
  std::string keys() const { return root + "/keys"; }
  std::string records() const { return root + "/records"; }
  std::string ledger() const { return root + "/ledger"; }
  std::string snapshots() const { return root + "/snapshots"; }  // a projection of the ledger
  std::string quarantine() const { return root + "/quarantine"; }
  std::string extracts() const { return root + "/extracts"; }  // sealed, for a day
  std::string traces() const { return root + "/traces"; }      // leaked files, sealed
  std::string trace() const { return root + "/trace"; }        // a projection of the ledger
  std::string trails() const { return root + "/trails"; }      // another, for searching
  std::string ca_certificate() const { return root + "/ca.crt"; }
  std::string ca_key() const { return keys() + "/ca.key"; }
  std::string server_certificate() const { return root + "/server.crt"; }
  std::string server_key() const { return keys() + "/server.key"; }
  std::string vkey() const { return root + "/ledger.vkey"; }
  // Who confirms the ledger's growth, if there are witnesses (docs/ledger-witness.md).
  std::string witness_policy() const { return root + "/witnesses/policy"; }
  std::string witness_ca() const { return root + "/witnesses/ca.crt"; }
  std::string witness_settings() const { return root + "/witnesses/settings.toml"; }
  // Who holds the other half of the marks' keys, if anybody does (docs/marks.md).
  std::string auditor() const { return root + "/auditor"; }
  std::string auditor_key() const { return keys() + "/auditor-client.key"; }
  std::string control() const { return root + "/control.sock"; }
  std::string authenticators() const { return root + "/authenticators.toml"; }
  std::string notices() const { return root + "/notices.toml"; }
};

class Traces;      // server/traces.h
struct Kept;       // server/backup.h
class Complaints;  // server/complaints.h
class Notices;     // server/notices.h

struct Status {
  std::string origin, vkey;
  std::uint64_t ledger_size = 0;
  std::vector<registry::Registry::DatasetCount> datasets;
  std::vector<registry::Registry::LiveStanding> live;
  std::uint64_t accounts = 0, rules = 0;
  std::string listening;  // empty: not serving
  disclosure::Marks::Standing marks;
  unsigned slots_version = 0;
  ledger::WitnessStanding witnesses;
};

class Exchange {
 public:
  /// init makes a new exchange. Errors: exchange_exists, catalog_wrong, policy_wrong, file_failed.
  static Result<void> init(const InitOptions& options);
  /// open opens a home for this process alone. Errors: exchange_missing, exchange_busy (and
  /// `waiting` does not wait), shutting_down (it does no more), config_wrong, catalog_wrong,
  /// policy_wrong, key_missing, ledger_corrupt, store_failed.
  static Result<std::unique_ptr<Exchange>> open(const std::string& home,
                                                const Waiting& waiting = {});
  ~Exchange();

  const Home& home() const;
  const Config& config() const;
  const registry::Catalog& catalog() const;
  registry::Registry& registry();
  policy::Policy& policy();
  identity::Identity& identity();
  ledger::Ledger& ledger();
  lookup::Lookup& lookup();
  lookup::Extracts& extracts();
  detection::Detection& detection();
  disclosure::Marks& marks();
  /// rekey_marks begins a new epoch of an account whose key was published; recorded first. Errors:
  /// usage_wrong (fifteen times a year), the ledger's.
  Result<void> rekey_marks(AccountId account);

  /// import takes a department's file into a dataset; quarantined rows are listed in
  /// home().quarantine().
  Result<registry::ImportReport> import(std::string_view dataset, const std::string& file,
                                        registry::ImportOptions options);
  /// import_officers reads a personnel roster (dataset personnel.roster).
  Result<registry::ImportReport> import_officers(const std::string& file,
                                                 registry::ImportOptions options);
  /// import_cases reads a case list (dataset cases.cases).
  Result<registry::ImportReport> import_cases(const std::string& file,
                                              registry::ImportOptions options);
  /// add_service makes a service account.
  Result<AccountId> add_service(std::string_view id, std::string_view department,
                                const std::vector<std::string>& roles);
  /// enrol certifies a device from its CSR; a KEY entry is durable before the certificate is
  /// returned.
  Result<identity::Enrolled> enrol(std::string_view account_id, std::string_view csr_pem);
  /// enrol_key enrols a service's own key (JWK or PEM); a KEY entry is durable before it counts for
  /// anybody.
  Result<identity::EnrolledKey> enrol_key(std::string_view account_id, std::string_view text);
  /// revoke ends devices, at once, and records it; `by` is who confirmed it, null for the operator.
  Result<std::vector<Digest>> revoke(std::string_view device_or_account,
                                     const Caller* by = nullptr);
  /// enrolment_code makes a code with which the account's passkeys are registered; `by` is who
  /// confirmed it, null for the operator at the machine. Recorded before it is told.
  Result<identity::Ticket> enrolment_code(std::string_view account, const Caller* by);
  /// citizen_code makes, or finds, a citizen's account and a code for it. Recorded without
  /// the citizen's number.
  Result<identity::Ticket> citizen_code(const SubjectName& citizen, const Caller* by);
  /// register_passkey judges and records a new passkey, and only then puts it in force.
  struct Registered {
    std::string account, says;
    Digest thumbprint{};
    unsigned left = 0;  // how many more the code registers
  };
  Result<Registered> register_passkey(const Request& request);
  /// erase destroys a citizen's keys, records and openings, and records that it was done.
  struct Erased {
    std::uint64_t records = 0, keys = 0, openings = 0;
    EntryIndex entry{};
  };
  Result<Erased> erase(const SubjectName& citizen);
  /// plant makes these invented citizens, imported like any other, canaries of a department;
  /// retire_canaries ends a department's. Returns how many are planted, or were retired.
  Result<std::uint64_t> plant(const std::vector<SubjectName>& canaries,
                              std::string_view department);
  Result<std::uint64_t> retire_canaries(std::string_view department);
  /// make_canaries invents so many citizens, with kin, numbers, calls, stays and reports, after
  /// those the registers have (Registry::invent), and plants them before their first record stands.
  /// rotate_canaries makes as many anew as the department's batches of `days` days and older have,
  /// and then takes those out of every register. What a hit left in the ledger stays. Errors: those
  /// of Registry::invent.
  struct Canaries {
    std::uint64_t made = 0, kin = 0, records = 0, retired = 0;
    std::vector<std::string> numbers;  // drawn: for those who issue them, who never issue these
  };
  using CanaryProgress = std::function<void(std::uint64_t done, std::uint64_t sampled)>;
  Result<Canaries> make_canaries(std::string_view department, std::uint64_t count,
                                 const CanaryProgress& progress);
  Result<Canaries> rotate_canaries(std::string_view department, std::uint64_t days,
                                   const CanaryProgress& progress);
  /// canary_batches lists what is planted: department, when, how many, by whom made.
  struct CanaryBatch {
    std::string department;
    std::uint64_t made_at = 0, citizens = 0, kin = 0;  // made_at 0: planted from a file
  };
  Result<std::vector<CanaryBatch>> canary_batches() const;
  /// is_invented says whether an action, notice or statistic must leave this name out; invented are
  /// all whom it must leave out: canaries, and those that are retired. Errors: store_failed,
  /// seal_broken.
  bool is_invented(const SubjectName& name) const;
  Result<std::set<Label>> invented() const;
  /// place_hold holds an account at once; release_hold ends a hold, by a second person, once that
  /// is recorded. Both return the entry. Errors: not_your_right, not_yourself, unknown_officer,
  /// no_record, those of the ledger.
  Result<std::uint64_t> place_hold(std::string_view account, detection::Tier tier,
                                   Sensitivity data_class, const Caller& by);
  Result<std::uint64_t> release_hold(std::uint64_t hold, const Caller& by);
  /// announce records an operation of the caller's unit ("UNIT FROM/UNTIL", RFC 3339), in which the
  /// friction test pauses. Errors: not_your_right, malformed_value, those of the ledger.
  Result<std::uint64_t> announce(std::string_view target, const Caller& by);
  /// record_alert makes an alert durable and tells detection where it is.
  Result<std::uint64_t> record_alert(const detection::Alert& alert, const Caller* by = nullptr);
  /// replay_alerts judges every alert of the ledger again from its entries.
  Result<detection::Replayed> replay_alerts();
  /// report is what shows over weeks and between officers, in [from, until): computed from the
  /// ledger and the registers. With Recording::yes what an auditor must see becomes an ALERT entry,
  /// once. Errors: store_failed, seal_broken, config_wrong, those of the ledger.
  enum class Recording : std::uint8_t { no, yes };
  Result<DetectionReport> report(Moment from, Moment until, Recording recording);
  /// alerts_json is what GET /v1/alerts answers to `reader`, and nothing about themselves: alerts
  /// of entries after `after`, where it is given.
  std::string alerts_json(AccountId reader,
                          std::optional<std::uint64_t> after = std::nullopt) const;
  /// confirm is who confirmed an act: with a passkey, or with the key of the connection's own
  /// certificate over {"act", "signature"}. Errors: as Identity::confirm and confirm_signed.
  Result<Caller> confirm(const Request& request) const;
  /// Each of these is in the ledger, with what was signed, before it counts. Errors: those of the
  /// policy's act of that name, and of the ledger.
  Result<void> decide_approval(const Caller& confirmed, std::string_view id);
  Result<void> review_emergency(const Caller& confirmed, std::string_view id);
  Result<std::string> give_consent(const Caller& confirmed);
  Result<void> withdraw_consent(const Caller& confirmed);
  Result<policy::Noted> note_case(policy::Case one, const Caller& by);
  Result<void> protect(const SubjectName& person, policy::Policy::Listed listed);
  Result<policy::Proposal> sign_policy(const Caller& confirmed, std::string_view id);
  /// apply_policy puts a signed proposal in force: files, entry, then the switch, without a
  /// restart.
  Result<EntryIndex> apply_policy(std::string_view id);
  Result<Status> status();
  /// read_at_start is how many entries of the ledger the start read: those after the snapshot.
  std::uint64_t read_at_start() const;
  /// Retention is what the policy in force lets go of the ledger, and what stands in the way.
  struct Retention {
    ledger::Minimum now;
    EntryIndex allowed{};  // how far the minimum may be moved
    std::string held_by;   // why not farther
    std::uint64_t entries = 0;
  };
  Result<Retention> retention() const;
  /// move_minimum is the first act: entries below are refused. Recorded by a POLICY entry. Errors:
  /// act_wrong, retention_missing, not_your_right, the ledger's.
  Result<EntryIndex> move_minimum(const Caller& confirmed);
  /// prune is the second, by another person: slices past retention are destroyed, recorded by one
  /// ERASURE entry; openings and entries below the minimum are deleted. Errors: as move_minimum's,
  /// not_yourself.
  struct Pruned {
    std::uint64_t slices = 0, entries = 0;
    EntryIndex entry{};
  };
  Result<Pruned> prune(const Caller& confirmed);
  /// trim_ledger moves finished segments to the ledger's archive. Errors: those of Ledger::trim.
  Result<ledger::Trimmed> trim_ledger();
  /// backup copies everything but the keys to a new `directory`, and the keys to `keys` (empty: not
  /// at all), while questions are answered; acts wait. Errors: usage_wrong (inside the home, or in
  /// one another), file_failed, store_failed, disk_full.
  Result<Kept> backup(const std::string& directory, const std::string& keys);
  /// history is the file of a citizen's complete history, for amanat-verify citizen. The caller has
  /// made sure that it is this citizen who asks. Errors: those of ledger::Ledger::history.
  Result<std::string> history(const SubjectName& citizen) const;
  /// check_openings is ledger::Ledger::check_openings with the keys of this exchange.
  Result<ledger::OpeningsCheck> check_openings(
      const std::function<void(std::uint64_t)>& progress) const;
  /// looks lists who looked at a citizen; looks_of_tag by the keyed name that an Asker carries.
  /// Errors: those of lookup::looks.
  Result<std::vector<lookup::Look>> looks(const SubjectName& citizen) const;
  Result<std::vector<lookup::Look>> looks_of_tag(const Tag& citizen) const;
  /// leaks_json lists the leaks that a citizen's own data were found in; by the keyed name that an
  /// Asker carries, so that nobody asks about another. Errors: as Traces::leaks_of.
  Result<std::string> leaks_json(const Tag& citizen) const;
  /// leaks_of_tag is the same as days of the leaks and fields.
  using OwnLeaks = std::vector<std::pair<std::string, std::vector<std::string>>>;
  Result<OwnLeaks> leaks_of_tag(const Tag& citizen) const;
  /// history_of_tag is history by the keyed name that an enrolled citizen's Asker carries. Errors:
  /// no_record (enrolled before proofs were kept), store_failed, seal_broken, those of history.
  Result<std::string> history_of_tag(const Tag& citizen) const;
  /// complaints is what citizens said is not right. complain records that one was made and keeps
  /// it; answer_complaint takes a confirmed act "uphold" or "dismiss" (target: the complaint,
  /// reason: the answer the citizen reads) of somebody with the right 'audit'. Both return the
  /// entry. Errors: not_your_right, act_wrong, no_record, malformed_value, waiting_full, those of
  /// the ledger and the store.
  Complaints complaints() const;
  /// notices is how citizens are told of looks; null if this exchange sends none.
  Notices* notices() const;
  Result<std::uint64_t> complain(const Caller& citizen, EntryIndex about, std::string_view text);
  Result<std::uint64_t> answer_complaint(const Caller& confirmed);
  /// note_look records that whoever may decide a request saw all of it. Errors: those of the
  /// ledger.
  Result<void> note_look(const Caller& confirmed);
  /// open_trail records that somebody with the right 'audit' opens a trail, by a confirmed act
  /// "trail" (target: an account, or a citizen's 13 digits), and gives what is in it. A citizen's
  /// stands among that citizen's own entries. Errors: not_your_right, act_wrong, no_record,
  /// unknown_officer, those of the ledger.
  struct OpenedTrail {
    std::uint64_t entry = 0;
    bool of_citizen = false;
    std::string account;              // of an officer
    std::vector<lookup::Look> looks;  // oldest first
  };
  Result<OpenedTrail> open_trail(const Caller& confirmed);
  /// search finds entries by who asked, purpose, type and time, newest first. Errors: too_busy (it
  /// is being made again), file_failed.
  Result<lookup::TrailPage> search(const lookup::TrailQuery& query) const;
  /// tally counts what these accounts did since a moment (lookup/trails.h). Errors: as search.
  Result<lookup::TrailTally> tally(const std::set<AccountId>& accounts, Moment from) const;
  /// cose_seed is the seed of the key that signs COSE receipts. Errors: as Vault::named_secret.
  Result<Key256> cose_seed() const;
  /// map_key is K_map, for the auditor and nobody else. Errors: as Vault::named_secret.
  Result<Key256> map_key() const;
  /// scan_ledger visits entries with their openings, as far as their slices still live.
  Result<void> scan_ledger(EntryIndex from,
                           const std::function<bool(const ledger::Opened&)>& visit) const;
  /// evidence is what an outsider needs to verify an entry's question with public keys alone, as
  /// files by name (docs/callers.md): what was signed, signature, key, the entry and what opens it,
  /// its receipt, and a script for the OpenSSL command line. Errors: no_record (no such entry, or
  /// its opening is gone or holds no evidence), the ledger's.
  Result<std::vector<Document>> evidence(EntryIndex index) const;
  /// trace_key is the secret under which the trace index names citizens; finds_key the one under
  /// which leaked files lie at rest.
  Result<Key256> trace_key();
  Result<Key256> finds_key() const;
  /// traces is the work on leaked files.
  Traces& traces();
  /// trace_sources is what the trace index is made from.
  trace::Sources trace_sources();
  /// facts_of is everything known of these citizens at one checkpoint: the versions of their
  /// records that anybody was shown, and every disclosure; with the ledger's files that show it.
  struct TraceFacts {
    trace::AllFacts facts;
    std::vector<std::pair<Label, std::string>> files;  // ascending by label: histories for experts
    std::map<Label, std::string> citizens;             // their national IDs
    trace::LogPlace log;
  };
  Result<TraceFacts> facts_of(const std::vector<SubjectName>& citizens);
  /// record_trace makes a step of a trace durable and returns its entry. Errors: the ledger's.
  Result<std::uint64_t> record_trace(ledger::TraceStep step, const Digest& document);
  /// cosigned waits for the receipt of an entry under the witnesses' quorum, where there are
  /// witnesses. Errors: witnesses_silent (not within two minutes), trace_stopped.
  Result<std::string> cosigned(std::uint64_t index, const std::atomic<bool>& stop);
  Result<void> record_trace_act(std::string note, const Caller& confirmed);
  /// record_rewrap records that the master key is to be, or was, replaced (server/keys.h), and returns
  /// the entry. Errors: file_failed, key_missing, the ledger's.
  Result<std::uint64_t> record_rewrap(std::string note);
  /// opened_answer opens what leaked of the answer of one disclosure (trace/answers.h).
  Result<trace::AnswerFile> opened_answer(const trace::Facts& facts,
                                          const trace::Disclosed& disclosed,
                                          const disclosure::CoinKey& coins,
                                          const std::set<std::string>& leaked);
  /// opened_export opens an EXPORT as a bundle shows it; slice_key is the key of an entry's opening.
  /// Errors: no_record, key_missing, erased.
  Result<trace::ShownExport> opened_export(std::uint64_t entry);
  Result<Key256> slice_key(std::span<const std::uint8_t, 16> slice) const;
  /// year_keys are both parties' public keys of a year with the entry that holds them; nothing if
  /// none were published.
  std::optional<std::pair<disclosure::YearKeys, std::uint64_t>> year_keys(unsigned year) const;
  /// routes is the table of what can be asked over HTTP, as served.
  const std::vector<RouteInfo>& routes() const;

  /// serve begins to answer on config().listen (or `listen`, "host:port"; port 0 = any free one)
  /// and opens the control socket, on which `run_command` runs commands for other processes.
  /// Errors: peer_unreachable (address in use), config_wrong.
  using Emit = std::function<void(int stream, std::string_view text)>;  // 1 out, 2 err
  using RunCommand =
      std::function<int(Exchange&, const std::vector<std::string>& arguments, const Emit&)>;
  Result<std::string> serve(const std::string& listen,
                            RunCommand run_command);  // the address it listens on
  void stop();

 private:
  struct State;
  static Result<void> replay(State& state);
  static Result<void> note_authenticators(State& state);
  Result<void> replay_reports(detection::Replayed& replayed);
  static Result<void> same_policy(State& state, const std::optional<Digest>& recorded);
  std::optional<Moment> slices_end(EntryIndex minimum) const;
  Result<void> open_extracts();
  void watch();
  void record_alerts();
  void record_debts();
  Result<std::uint64_t> plant_all(storage::Batch& batch);
  void add_canary(storage::Batch& batch, const SubjectName& name, std::string_view department,
                  std::string_view more);
  Result<std::uint64_t> retire(std::string_view department, const std::set<std::string>& old);
  void follow_trails();
  void tell_citizens();
  explicit Exchange(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace amanat::server
