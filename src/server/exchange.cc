#include "server/exchange.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "crypto/certificate.h"
#include "crypto/crypto.h"
#include "server/alerts.h"
#include "server/authenticators.h"
#include "server/engine.h"
#include "server/log.h"
#include "server/problem.h"
#include "server/state.h"
#include "server/trace_upload.h"
#include "server/witness_settings.h"
#include "vault/debts.h"

namespace amanat::server {

namespace {

constexpr std::string_view kLedgerSigner = "ledger-signer";
constexpr std::string_view kLedgerMap = "ledger-map";  // K_map: shared with the auditor alone

ledger::Options ledger_options(const LedgerPlace& place, const Config& config) {
  ledger::Options options;
  options.disk = place.disk.get();
  options.directory = place.directory;
  options.origin = config.origin;
  options.segment_bytes = std::uint64_t{config.segment_mib} << 20;
  options.publish_every_ms = config.publish_ms;
  return options;
}

// A home with a witness policy has witnesses (docs/ledger-witness.md).
Result<void> add_witnesses(const Home& home, ledger::Options& options) {
  struct stat there;
  if (::stat(home.witness_policy().c_str(), &there) != 0) return {};
  auto policy = storage::read_file(home.witness_policy(), 256 * 1024);
  if (!policy) return std::unexpected(policy.error());
  options.witnesses.emplace();
  options.witnesses->policy = *std::move(policy);
  options.witnesses->ca_file = home.witness_ca();
  return read_witness_settings(home.witness_settings(), *options.witnesses);
}

// The first address is the issuer of tokens: the configured one, unless nobody can have meant it: a
// free port was asked for, or another one than the standard origin's while that was left as it is.
std::vector<std::string> addresses_of(const Config& config, const std::string& listening,
                                      bool any_port) {
  std::vector<std::string> addresses = config.origins;
  const std::string own = "https://" + listening;
  const std::string& first = addresses.front();
  const bool elsewhere = addresses == Config{}.origins &&
                         first.substr(first.rfind(':')) != listening.substr(listening.rfind(':'));
  addresses.insert(any_port || elsewhere ? addresses.begin() : addresses.end(), own);
  return addresses;
}

// The log keeps a map over its citizens, from which each is shown a complete history.
Result<void> add_citizens(vault::Vault& vault, ledger::Options& options) {
  auto map = vault.named_secret(kLedgerMap);
  if (!map) return std::unexpected(map.error());
  auto chains = vault.named_secret("ledger-chains");
  if (!chains) return std::unexpected(chains.error());
  options.citizens.emplace();
  options.citizens->map_key = *std::move(map);
  options.citizens->chain_key = *std::move(chains);
  options.citizens->key_of_slice = [&vault](std::span<const std::uint8_t, 16> id) {
    return vault.slice_key(id);
  };
  return {};
}

// until_free does `take` again while another process holds what it wants, if that is to be waited for.
template <class Take>
auto until_free(const Waiting& waiting, std::string_view what, const Take& take)
    -> decltype(take()) {
  for (bool told = false;; told = true) {
    auto taken = take();
    if (taken || taken.error().reason != Reason::exchange_busy || !waiting.go_on) return taken;
    if (!waiting.go_on()) return fail(Reason::shutting_down);
    if (!told && waiting.say)
      waiting.say("another gateway holds " + std::string(what) + ": waiting until it ends");
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

// record() is a coroutine's business; tools and acts wait for it on their own thread.
Task<Result<ledger::Recorded>> record_and_wait(ledger::Ledger& ledger,
                                               std::vector<EntryContent> entries) {
  auto recorded = co_await ledger.record(std::move(entries));
  co_return recorded;
}

Engine engine_of(const Home& home, const Config& config) {
  return Engine{config.store, home.records(), config.cache_mib};
}

net::Reply counted(Metrics& metrics, std::string path, net::Reply reply) {
  return [&metrics, path = std::move(path), reply = std::move(reply),
          began = Metrics::Clock::now()](Response response) mutable {
    metrics.answered(path, response.status, began);
    reply(std::move(response));
  };
}

// A new exchange begins in an empty store: rows sealed under other keys would be noise to it.
Result<void> check_empty(const Engine& engine) {
  auto store = open_store(engine);
  if (!store) return std::unexpected(store.error());
  bool empty = true;
  auto scanned =
      (*store)->scan(storage::Table::settings, {}, {}, [&](auto, auto) { return empty = false; });
  if (!scanned) return scanned;
  if (!empty) return fail(Reason::exchange_exists, "the store holds rows of an exchange");
  return {};
}

Result<void> write_documents(storage::Disk& disk, const std::string& directory,
                             const std::vector<Document>& documents) {
  if (auto made = disk.make_directory(directory); !made) return made;
  for (const Document& d : documents) {
    insist(d.name.find('/') == std::string::npos);
    if (auto put = storage::replace_file(disk, directory + "/" + d.name, d.content, 0644); !put)
      return put;
  }
  return {};
}

Result<void> write_certificates(storage::Disk& disk, const InitOptions& options, const Home& home) {
  auto authority = crypto::make_authority(options.origin + " CA", 10);
  if (!authority) return std::unexpected(authority.error());
  auto server = crypto::issue_server(*authority, options.server_names, 825);
  if (!server) return std::unexpected(server.error());
  const std::pair<std::string, std::string_view> files[] = {
      {home.ca_certificate(), authority->certificate_pem},
      {home.server_certificate(), server->certificate_pem},
      {home.ca_key(), authority->key_pem.view()},
      {home.server_key(), server->key_pem.view()}};
  for (const auto& [path, content] : files) {
    const unsigned mode = path.ends_with(".key") ? 0600 : 0644;
    if (auto put = storage::replace_file(disk, path, content, mode); !put) return put;
  }
  return {};
}

}  // namespace

Result<std::vector<Receipt::Entry>> Exchange::State::record(EntryContent entry) {
  if (!entry.subject) {
    auto slice = vault->system_slice(now());
    if (!slice) return std::unexpected(slice.error());
    entry.slice = *std::move(slice);
  }
  std::vector<EntryContent> entries;
  entries.push_back(std::move(entry));
  auto recorded = wait(record_and_wait(*ledger, std::move(entries)));
  if (!recorded) return std::unexpected(recorded.error());
  return std::move(recorded->entries);
}

Result<Receipt::Entry> Exchange::State::record_document(std::string_view document,
                                                        std::string note) {
  EntryContent entry;
  entry.type = EntryType::policy_key;
  entry.tail = ledger::tail_of_policy_key(crypto::sha256(document), EntryIndex{0});
  entry.part(BodyPart::purpose) = std::move(note);
  auto recorded = record(std::move(entry));
  if (!recorded) return std::unexpected(recorded.error());
  return std::move(recorded->front());
}

std::string Exchange::State::metrics_page() const {
  Metrics::Gauges gauges;
  gauges.engine = config.store == kLocalStore ? "rocksdb" : "postgresql";
  gauges.ledger_entries = ledger->size();
  gauges.accounts = identity->accounts().size();
  gauges.policy_rules = policy->rule_count();
  const auto began = Metrics::Clock::now();
  std::string value;
  gauges.store_answers = store->get(storage::Table::settings, "metrics", value).has_value();
  gauges.store_seconds = std::chrono::duration<double>(Metrics::Clock::now() - began).count();
  for (auto& one : registry->live_standings())
    gauges.live.push_back({std::move(one.dataset), one.resting, one.answered, one.failed,
                           one.spared, one.wrong_values});
  return metrics.page(gauges);
}

// quarantine_for says where an import lists the rows it refused, unless its caller said so.
Result<void> Exchange::State::quarantine_for(std::string_view dataset,
                                             registry::ImportOptions& options) const {
  if (!options.quarantine_file.empty()) return {};
  if (auto made = storage::system_disk().make_directory(home.quarantine()); !made) return made;
  options.quarantine_file = home.quarantine() + "/" + std::string(dataset) + ".csv";
  return {};
}

Result<void> Exchange::init(const InitOptions& options) {
  if (auto fits = check_origin(options.origin); !fits) return fits;
  storage::Disk& disk = storage::system_disk();
  const Home home(options.home);
  struct stat there;
  if (::stat(home.config().c_str(), &there) == 0)
    return fail(Reason::exchange_exists, home.config());
  if (auto made = disk.make_directory(home.root); !made) return made;
  if (auto done = write_documents(disk, home.catalog(), options.catalog); !done) return done;
  if (auto done = write_documents(disk, home.policy(), options.policy); !done) return done;
  // Wrong declarations are found before there are keys to lose.
  auto catalog = registry::Catalog::load(home.catalog());
  if (!catalog) return std::unexpected(catalog.error());
  auto complaints = policy::check_directory(home.policy(), catalog->fields());
  if (!complaints) return std::unexpected(complaints.error());
  for (const auto& c : *complaints)
    if (c.error) return fail(Reason::policy_wrong, c.rule + ": " + c.text);

  Config config;
  config.origin = options.origin;
  config.segment_mib = options.segment_mib;
  config.store = options.store;
  config.ledger_store = options.ledger_store;
  for (const auto& place : {config.store, config.ledger_store})
    if (auto fits = check_store(place); !fits) return fits;
  if (auto empty = check_empty(engine_of(home, config)); !empty) return empty;
  auto vault = vault::Vault::create(disk, home.keys());
  if (!vault) return std::unexpected(vault.error());
  if (auto done = write_certificates(disk, options, home); !done) return done;
  auto seed = (*vault)->named_secret(kLedgerSigner);
  if (!seed) return std::unexpected(seed.error());
  auto slice = (*vault)->system_slice(now());
  if (!slice) return std::unexpected(slice.error());
  auto place = hold_ledger(home, config, {});
  if (!place) return std::unexpected(place.error());
  ledger::Options log = ledger_options(*place, config);
  log.label_key = (*vault)->label_key();
  if (auto made = ledger::Ledger::create(log, *seed, *slice); !made) return made;
  place->disk.reset();
  // The configuration comes last: a home without it is no exchange, and init may be run again.
  if (auto put = storage::replace_file(disk, home.config(), write_config(config), 0644); !put)
    return put;
  vault->reset();

  auto exchange = open(options.home);
  if (!exchange) return std::unexpected(exchange.error());
  State& state = *(*exchange)->state_;
  if (auto put = storage::replace_file(disk, home.vkey(), state.ledger->vkey() + "\n", 0644); !put)
    return put;
  auto policy_entry = state.record_policy(state.policy->documents(), state.policy->hash());
  if (!policy_entry) return std::unexpected(policy_entry.error());
  auto ca = storage::read_file(home.ca_certificate(), 1 << 16);
  if (!ca) return std::unexpected(ca.error());
  auto ca_entry = state.record_document(*ca, "certificate authority");
  if (!ca_entry) return std::unexpected(ca_entry.error());
  return {};
}

// The order in which a gateway takes what is one's at a time: the home, the ledger, the keys, the
// records. Who holds the ledger has outlived everybody who held it before, so the others follow.
Result<LedgerPlace> Exchange::State::take_all(const std::string& directory,
                                              const Waiting& waiting) {
  auto locked = until_free(waiting, directory,
                           [&] { return storage::DirectoryLock::take(directory); });
  if (!locked) return std::unexpected(locked.error());
  lock.emplace(*std::move(locked));
  auto place = hold_ledger(home, config, waiting);
  if (!place) return place;
  if (place->disk) {
    // Several homes share the keys then.
    auto keys = until_free(waiting, home.keys(),
                           [&] { return storage::DirectoryLock::take(home.keys()); });
    if (!keys) return std::unexpected(keys.error());
    keys_lock.emplace(*std::move(keys));
  }
  auto opened = until_free(waiting, "the records",
                           [&] { return open_store(engine_of(home, config)); });
  if (!opened) return std::unexpected(opened.error());
  store = *std::move(opened);
  return place;
}

Result<std::unique_ptr<Exchange>> Exchange::open(const std::string& directory,
                                                 const Waiting& waiting) {
  auto state = std::make_unique<State>();
  State& s = *state;
  s.home = Home(directory);
  struct stat there;
  if (::stat(s.home.config().c_str(), &there) != 0)
    return fail(Reason::exchange_missing, directory);
  auto config = read_config(s.home.config());
  if (!config) return std::unexpected(config.error());
  s.config = *std::move(config);
  set_log_level(s.config.log_level);
  auto place = s.take_all(directory, waiting);
  if (!place) return std::unexpected(place.error());
  ledger::Options log_options = ledger_options(*place, s.config);
  s.ledger_disk = std::move(place->disk);
  auto catalog = registry::Catalog::load(s.home.catalog());
  if (!catalog) return std::unexpected(catalog.error());
  s.catalog.emplace(*std::move(catalog));

  auto vault = vault::Vault::open(storage::system_disk(), s.home.keys());
  if (!vault) return std::unexpected(vault.error());
  s.vault = *std::move(vault);
  s.vault->keep_in(*s.store);
  const FieldTable& fields = s.catalog->fields();
  auto identity = identity::Identity::open(*s.store, *s.vault, fields);
  if (!identity) return std::unexpected(identity.error());
  s.identity = *std::move(identity);
  auto policy = policy::Policy::open(s.home.policy(), fields, *s.store, *s.vault);
  if (!policy) return std::unexpected(policy.error());
  s.policy = *std::move(policy);
  auto rules = read_authenticators(s.home.authenticators(), s.config, fields);
  if (!rules) return std::unexpected(rules.error());
  s.identity->use_passkeys(*std::move(rules));
  identity::Speech speech;
  speech.purpose = [&s](std::string_view purpose, bool urdu) {
    if (s.policy == nullptr) return std::string();
    for (const auto& one : s.policy->purposes())
      if (one.id == purpose) return urdu && !one.says_ur.empty() ? one.says_ur : one.says;
    return std::string();
  };
  speech.field = [&s](FieldId field, bool urdu) {
    using Tongue = registry::Catalog::Tongue;
    return s.catalog->field_label(field, urdu ? Tongue::urdu : Tongue::english);
  };
  s.identity->speak(std::move(speech));

  auto seed = s.vault->named_secret(kLedgerSigner);
  if (!seed) return std::unexpected(seed.error());
  if (auto added = add_witnesses(s.home, log_options); !added)
    return std::unexpected(added.error());
  if (auto added = add_citizens(*s.vault, log_options); !added)
    return std::unexpected(added.error());
  auto ledger = ledger::Ledger::open(log_options, *seed);
  if (!ledger) return std::unexpected(ledger.error());
  s.ledger = *std::move(ledger);
  s.vault->debts().introduce([log = s.ledger.get()] { return log->time(); },
                             log_options.witnesses ? log_options.witnesses->alarm_ms : 0);

  auto detection = s.fresh_detection();
  if (!detection) return std::unexpected(detection.error());
  s.detection = *std::move(detection);
  s.registry = std::make_unique<registry::Registry>(*s.catalog, *s.store, *s.vault);
  if (auto opened = s.open_marks(); !opened) return std::unexpected(opened.error());
  s.disclosure = std::make_unique<disclosure::Disclosure>(fields, s.marks.get());
  if (auto replayed = replay(s); !replayed) return std::unexpected(replayed.error());
  s.lookup = std::make_unique<lookup::Lookup>(*s.identity, *s.policy, *s.detection, *s.registry,
                                              *s.disclosure, *s.ledger, *s.vault);
  if (auto noted = note_authenticators(s); !noted) return std::unexpected(noted.error());
  if (auto noted = s.note_slots(); !noted) return std::unexpected(noted.error());
  auto trails_key = s.vault->named_secret("trails");
  if (!trails_key) return std::unexpected(trails_key.error());
  auto trails = lookup::Trails::open({s.home.trails(), *std::move(trails_key), nullptr});
  if (!trails) return std::unexpected(trails.error());
  s.trails = *std::move(trails);
  if (auto opened = s.open_notices(); !opened) return std::unexpected(opened.error());
  std::unique_ptr<Exchange> exchange(new Exchange(std::move(state)));
  if (auto opened = exchange->open_extracts(); !opened) return std::unexpected(opened.error());
  exchange->state_->traces = std::make_unique<Traces>(*exchange, exchange->state_->home.traces());
  exchange->state_->api = std::make_unique<Api>(*exchange);
  return exchange;
}

Result<void> Exchange::open_extracts() {
  lookup::Extracts::Setup setup;
  setup.lookup = state_->lookup.get();
  setup.store = state_->store.get();
  setup.directory = state_->home.extracts();
  setup.fields = &state_->catalog->fields();
  setup.on_decoys = [this](const std::vector<SubjectName>& decoys,
                           std::string_view extract) -> Result<void> {
    auto planted = plant(decoys, "extract " + std::string(extract));
    if (!planted) return std::unexpected(planted.error());
    return {};
  };
  auto extracts = lookup::Extracts::open(std::move(setup));
  if (!extracts) return std::unexpected(extracts.error());
  state_->extracts = *std::move(extracts);
  return {};
}

Exchange::Exchange(std::unique_ptr<State> state) : state_(std::move(state)) {}
Exchange::~Exchange() {
  stop();
  if (state_ == nullptr) return;
  state_->extracts.reset();  // what is being made still reaches for the others
  state_->traces.reset();
}

const Home& Exchange::home() const { return state_->home; }
const Config& Exchange::config() const { return state_->config; }
const registry::Catalog& Exchange::catalog() const { return *state_->catalog; }
registry::Registry& Exchange::registry() { return *state_->registry; }
policy::Policy& Exchange::policy() { return *state_->policy; }
identity::Identity& Exchange::identity() { return *state_->identity; }
ledger::Ledger& Exchange::ledger() { return *state_->ledger; }
lookup::Lookup& Exchange::lookup() { return *state_->lookup; }
lookup::Extracts& Exchange::extracts() { return *state_->extracts; }

Result<AccountId> Exchange::add_service(std::string_view id, std::string_view department,
                                        const std::vector<std::string>& roles) {
  const std::lock_guard one(state_->acts);
  return state_->identity->add_service(id, department, roles);
}

Result<identity::Enrolled> Exchange::enrol(std::string_view account_id, std::string_view csr_pem) {
  const std::lock_guard one(state_->acts);
  auto certificate = storage::read_file(state_->home.ca_certificate(), 1 << 16);
  if (!certificate) return std::unexpected(certificate.error());
  auto key = storage::read_file(state_->home.ca_key(), 1 << 16);
  if (!key) return std::unexpected(key.error());
  auto enrolled = state_->identity->enrol(account_id, csr_pem, *certificate, *key,
                                          state_->config.certificate_days);
  wipe(key->data(), key->size());
  if (!enrolled) return enrolled;
  if (auto recorded =
          state_->record_device({enrolled->account, KeyKind::certificate, enrolled->thumbprint},
                                crypto::sha256(enrolled->certificate_pem));
      !recorded)
    return std::unexpected(recorded.error());
  return enrolled;
}

Result<void> Exchange::State::record_device(const Actor& device, const Digest& credential) {
  EntryContent entry;
  entry.type = EntryType::policy_key;
  entry.actor = device;
  entry.tail = ledger::tail_of_policy_key(credential, EntryIndex{0});
  entry.part(BodyPart::purpose) = "device enrolled";
  auto recorded = record(std::move(entry));
  if (recorded) return {};
  // Not recorded, so it never happened: the device ends before anybody holds its credential.
  auto undone = identity->revoke(crypto::hex(device.thumbprint));
  insist(undone.has_value() || undone.error().reason != Reason::unknown_device);
  return std::unexpected(recorded.error());
}

Result<std::vector<Digest>> Exchange::revoke(std::string_view device_or_account, const Caller* by) {
  const std::lock_guard one(state_->acts);
  // First the act, then its record: revoking opens nothing, and must not wait for the disk.
  auto ended = state_->identity->revoke(device_or_account);
  if (!ended) return ended;
  for (const Digest& thumbprint : *ended) {
    EntryContent entry;
    entry.type = EntryType::policy_key;
    const auto device = state_->identity->device_of(thumbprint);
    insist(device.has_value());
    state_->marks->forget(device->account);
    entry.actor =
        by != nullptr ? by->asker().actor : Actor{AccountId{0}, device->key_kind, thumbprint};
    if (by != nullptr) entry.evidence = by->evidence();
    entry.tail = ledger::tail_of_policy_key(thumbprint, EntryIndex{0});
    entry.part(BodyPart::purpose) = "device revoked";
    if (auto recorded = state_->record(std::move(entry)); !recorded)
      return std::unexpected(recorded.error());
  }
  return ended;
}

Result<Exchange::Erased> Exchange::erase(const SubjectName& citizen) {
  const std::lock_guard one(state_->acts);
  const Label label = state_->vault->label(citizen);
  // An officer is a citizen too: the roster forgets name and national ID, the account stays.
  auto forgotten = state_->identity->forget(citizen);
  if (!forgotten) return std::unexpected(forgotten.error());
  auto erased = state_->registry->erase(citizen);
  if (!erased && !(erased.error().reason == Reason::no_record && *forgotten > 0))
    return std::unexpected(erased.error());
  const auto gone = erased ? *erased : registry::Registry::Erased{};
  // The citizen may be in any file that is still to be fetched.
  if (auto wiped = state_->extracts->wipe_all("a citizen was erased"); !wiped)
    return std::unexpected(wiped.error());
  // What the exchange keeps of its entries forgets him first: a crash in between leaves openings.
  const std::lock_guard no_other(state_->snapshots_mutex);
  if (auto done = state_->forget_in_snapshot(citizen, label); !done)
    return std::unexpected(done.error());
  if (auto forgot = state_->forget_citizen(citizen); !forgot)
    return std::unexpected(forgot.error());
  // What lists this citizen's entries can be read from no opening once these are gone.
  if (auto kept = state_->ledger->keep_chains(); !kept) return std::unexpected(kept.error());
  auto openings = state_->vault->destroy_slices(label);
  if (!openings) return std::unexpected(openings.error());
  // The ERASURE entry names its subject under the live slice, made after the others died, so that
  // the citizen can still be shown that, and when, it happened.
  EntryContent entry;
  entry.type = EntryType::erasure;
  entry.subject = label;
  auto slice = state_->vault->slice_for(label, now());
  if (!slice) return std::unexpected(slice.error());
  entry.slice = *std::move(slice);
  entry.part(BodyPart::purpose) = "erased on request";
  entry.tail = ledger::tail_of_erasure(1, *openings);
  auto recorded = state_->record(std::move(entry));
  if (!recorded) return std::unexpected(recorded.error());
  // Who asked about the erased, and why, must not be found by a search either.
  if (auto cleared = state_->trails->forget(); !cleared) return std::unexpected(cleared.error());
  return Erased{gone.records, gone.keys + *forgotten, *openings, recorded->front().index};
}

Result<std::string> Exchange::history(const SubjectName& citizen) const {
  return state_->ledger->history(state_->vault->label(citizen),
                                 state_->vault->label_proof(citizen));
}

Result<ledger::OpeningsCheck> Exchange::check_openings(
    const std::function<void(std::uint64_t)>& progress) const {
  const auto key_of = [this](std::span<const std::uint8_t, 16> id) {
    return state_->vault->slice_key(id);
  };
  return state_->ledger->check_openings(key_of, progress);
}

Result<std::vector<lookup::Look>> Exchange::looks(const SubjectName& citizen) const {
  return lookup::looks(*state_->ledger, state_->identity->accounts(),
                       state_->vault->label(citizen));
}

Result<std::vector<lookup::Look>> Exchange::looks_of_tag(const Tag& citizen) const {
  const auto label = state_->vault->label_of_tag(citizen);
  if (!label) return std::vector<lookup::Look>{};
  return lookup::looks(*state_->ledger, state_->identity->accounts(), *label);
}

Result<Key256> Exchange::cose_seed() const { return state_->vault->named_secret("ledger-cose"); }

Result<Key256> Exchange::map_key() const { return state_->vault->named_secret(kLedgerMap); }

Result<void> Exchange::scan_ledger(EntryIndex from,
                                   const std::function<bool(const ledger::Opened&)>& visit) const {
  const auto key_of = [this](std::span<const std::uint8_t, 16> id) {
    return state_->vault->slice_key(id);
  };
  return state_->ledger->scan(from, key_of, visit);
}

Result<Key256> Exchange::trace_key() { return state_->vault->named_secret("trace-index"); }

const std::vector<RouteInfo>& Exchange::routes() const { return state_->api->routes().list(); }

std::uint64_t Exchange::read_at_start() const { return state_->read_at_start; }

Result<Status> Exchange::status() {
  Status status;
  status.origin = state_->config.origin;
  status.vkey = state_->ledger->vkey();
  status.ledger_size = state_->ledger->size();
  auto counts = state_->registry->counts();
  if (!counts) return std::unexpected(counts.error());
  status.datasets = *std::move(counts);
  status.live = state_->registry->live_standings();
  auto invented = invented_records(*state_->store, *state_->vault);
  if (!invented) return std::unexpected(invented.error());
  for (auto& one : status.datasets) one.records -= std::min(one.records, (*invented)[one.dataset]);
  status.accounts = state_->identity->accounts().size();
  status.rules = state_->policy->rule_count();
  status.listening = state_->listening;
  status.marks = state_->marks->standing();
  status.slots_version = state_->marks->catalogue().version();
  status.witnesses = state_->ledger->witness_standing();
  return status;
}

Result<std::string> Exchange::serve(const std::string& listen, RunCommand run_command) {
  State& s = *state_;
  insist(!s.server);
  const std::string address = listen.empty() ? s.config.listen : listen;
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return fail(Reason::config_wrong, "listen is host:port");
  unsigned port = 0;
  const std::string_view digits = std::string_view(address).substr(colon + 1);
  for (const char c : digits) {
    if (c < '0' || c > '9' || digits.size() > 5)
      return fail(Reason::config_wrong, "listen is host:port");
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  if (digits.empty() || port > 65535) return fail(Reason::config_wrong, "listen is host:port");

  const auto open_routes = s.api->routes().walk();
  if (!open_routes.empty())
    return fail(Reason::internal_error, "a route answers strangers: " + open_routes.front());
  s.lookup->strangers().drain();  // the walk's own

  auto ca = storage::read_file(s.home.ca_certificate(), 1 << 16);
  if (!ca) return std::unexpected(ca.error());
  net::ServerOptions options;
  options.address = address.substr(0, colon);
  options.port = static_cast<std::uint16_t>(port);
  options.certificate_file = s.home.server_certificate();
  options.key_file = s.home.server_key();
  options.client_ca_pem = *ca;
  options.threads = s.config.threads;
  options.connections_max = s.config.connections_max;
  options.request_seconds_max = s.config.request_seconds_max;
  options.upload_path = kTraceUploadPath;
  options.upload_bytes_max = kTraceUploadMax;
  options.upload = [this](const Request& head) { return begin_trace_upload(*this, head); };
  if (!s.config.metrics.empty()) {
    auto counts = MetricsPort::start(s.config.metrics, [this] { return state_->metrics_page(); });
    if (!counts) return std::unexpected(counts.error());
    s.metrics_port = *std::move(counts);
  }
  auto server = net::Server::start(options, [this](Request request, net::Reply reply) {
    // Until the port is known, nobody can have signed anything for this address.
    if (!state_->reachable.load(std::memory_order_acquire))
      return reply(problem(Failure{Reason::too_busy, {}}, request.header("accept-language")));
    if (state_->metrics_port) reply = counted(state_->metrics, request.path, std::move(reply));
    state_->api->routes().serve(std::move(request), std::move(reply));
  });
  if (!server) return std::unexpected(server.error());
  s.server = *std::move(server);
  s.listening = options.address + ":" + std::to_string(s.server->port());
  // Pages fetched from here are ours whatever port was free.
  identity::PasskeyRules rules = *s.identity->passkey_rules();
  std::string own = "https://" + rules.rp_id;
  if (s.server->port() != 443) own += ":" + std::to_string(s.server->port());
  if (std::find(rules.origins.begin(), rules.origins.end(), own) == rules.origins.end()) {
    rules.origins.push_back(own);
    s.identity->use_passkeys(std::move(rules));
  }
  s.identity->be_reached_at(addresses_of(s.config, s.listening, options.port != s.server->port()));
  s.reachable.store(true, std::memory_order_release);

  if (run_command) {
    auto local = net::LocalServer::start(
        s.home.control(),
        [this, run_command](const std::vector<std::string>& arguments, const Emit& emit) {
          return run_command(*this, arguments, emit);
        });
    if (!local) return std::unexpected(local.error());
    s.local = *std::move(local);
  }
  if (!s.marks->configured())
    log(LogLevel::warning, "no-auditor",
        {{"answers", "carry no marks: a leak of them cannot be traced to a copy"}});
  s.stopping = false;
  s.watch = std::thread([this] { watch(); });
  s.snapshot_keeper = std::thread([&s] { s.keep_snapshots(); });
  s.traces->resume();
  if (s.notices) s.telling = std::thread([this] { tell_citizens(); });
  log(LogLevel::info, "serving",
      {{"origin", s.config.origin},
       {"address", s.listening},
       {"entries", std::to_string(s.ledger->size())},
       {"read", std::to_string(s.read_at_start)}});
  return s.listening;
}

// watch records alerts that no refusal carried (a canary, a review) within a second, off the
// answer's path, so that its timing tells nothing; and once a minute how many strangers were turned
// away, and for what.
void Exchange::watch() {
  State& s = *state_;
  std::unique_lock lock(s.watch_mutex);
  for (unsigned seconds = 1;
       !s.watch_wake.wait_for(lock, std::chrono::seconds(1), [&s] { return s.stopping; });
       ++seconds) {
    lock.unlock();
    record_alerts();
    record_debts();
    follow_trails();
    s.note_slices();
    if (seconds % 60 != 0) {
      lock.lock();
      continue;
    }
    // A failure to record is not retried here: every answer fails the same way and says so.
    if (auto told = wait(s.lookup->alert_strangers()); !told)
      log(LogLevel::error, "alert-not-recorded",
          {{"reason", std::string(row_of(told.error().reason).id)}});
    if (auto swept = s.extracts->sweep(now()); !swept)
      log(LogLevel::error, "extracts-not-swept",
          {{"reason", std::string(row_of(swept.error().reason).id)}});
    lock.lock();
  }
}

// Keys were opened that no entry accounts for: nothing more is opened, and somebody must know why.
void Exchange::record_debts() {
  State& s = *state_;
  const std::uint64_t overdue = s.vault->debts().overdue();
  if (overdue == s.debts_told) return;
  EntryContent alert;
  alert.type = EntryType::alert;
  alert.part(BodyPart::denial) =
      std::string(row_of(Reason::debts_unpaid).id) + " " + std::to_string(overdue) + "\n";
  if (auto recorded = s.record(std::move(alert)); !recorded) return;  // again in a second
  s.debts_told = overdue;
  log(LogLevel::error, "debts-unpaid", {{"answers", std::to_string(overdue)}});
}

void Exchange::record_alerts() {
  std::vector<detection::Alert> alerts = state_->detection->take_alerts();
  for (std::size_t i = 0; i < alerts.size(); ++i) {
    if (record_alert(alerts[i])) continue;
    alerts.erase(alerts.begin(), alerts.begin() + static_cast<std::ptrdiff_t>(i));
    state_->detection->give_back(std::move(alerts));
    return;
  }
}

void Exchange::stop() {
  State& s = *state_;
  if (!s.server) return;
  {
    const std::lock_guard lock(s.watch_mutex);
    s.stopping = true;
  }
  s.watch_wake.notify_all();
  if (s.watch.joinable()) s.watch.join();
  if (s.snapshot_keeper.joinable()) s.snapshot_keeper.join();
  s.traces->stop();  // whoever waits for a trace at the control socket is told
  if (s.telling.joinable()) s.telling.join();
  s.local.reset();
  s.server->stop(2000);
  s.server.reset();
  s.metrics_port.reset();
  record_alerts();
  if (auto told = wait(s.lookup->alert_strangers()); !told)
    log(LogLevel::error, "alert-not-recorded",
        {{"reason", std::string(row_of(told.error().reason).id)}});
  s.last_snapshot();
  log(LogLevel::info, "stopped", {{"entries", std::to_string(s.ledger->size())}});
  s.listening.clear();
}

}  // namespace amanat::server
