// amanat auditor: a small process for whoever holds the other half of the marks' keys. It never
// sees a citizen, an officer or an answer, and unlocks only what the ledger says was sealed.

#include <signal.h>
#include <sys/stat.h>

#include <cstring>

#include "cli/commands.h"
#include "cli/terminal.h"
#include "crypto/certificate.h"
#include "crypto/crypto.h"
#include "disclosure/auditor.h"
#include "ledger/checkpoint.h"
#include "ledger/tlog_policy.h"
#include "model/insist.h"
#include "net/http.h"
#include "net/json.h"
#include "server/log.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

constexpr std::size_t kSmallFile = 256 * 1024;
constexpr std::string_view kListen = "127.0.0.1:8445";
constexpr unsigned kCertificateDays = 825;

/// Place names the files of an auditor's directory (docs/marks.md).
struct Place {
  explicit Place(std::string directory) : root(std::move(directory)) {}
  std::string root;
  std::string key() const { return root + "/auditor.key"; }
  std::string vkey() const { return root + "/auditor.vkey"; }
  std::string state() const { return root + "/state"; }
  std::string policy() const { return root + "/policy"; }
  std::string ca() const { return root + "/ca.crt"; }
  std::string certificate() const { return root + "/server.crt"; }
  std::string tls_key() const { return root + "/server.key"; }
  std::string exchange() const { return root + "/exchange"; }  // handed over to the exchange
};

Result<Key256> read_key(const Place& place) {
  struct stat info {};
  if (::stat(place.key().c_str(), &info) != 0)
    return fail(Reason::exchange_missing, place.root + " holds no auditor");
  if ((info.st_mode & 077) != 0) return fail(Reason::key_missing, place.key() + " is open to other accounts");
  auto text = storage::read_file(place.key(), 256);
  if (!text) return std::unexpected(std::move(text.error()));
  while (text->ends_with('\n')) text->pop_back();
  auto bytes = crypto::from_base64(*text);
  wipe(text->data(), text->size());
  if (!bytes || bytes->size() != 32) return fail(Reason::key_missing, place.key());
  Key256 key;
  std::memcpy(key.mutable_bytes().data(), bytes->data(), 32);
  wipe(bytes->data(), bytes->size());
  return key;
}

// The exchange shows a certificate of ours: nobody else's blinded elements are evaluated.
Result<void> write_tls(const Place& place, const std::vector<std::string>& names) {
  auto authority = crypto::make_authority("auditor CA", 10);
  if (!authority) return std::unexpected(std::move(authority.error()));
  auto server = crypto::issue_server(*authority, names, kCertificateDays);
  if (!server) return std::unexpected(std::move(server.error()));
  auto device = crypto::make_device_key("exchange");
  if (!device) return std::unexpected(std::move(device.error()));
  auto client = crypto::certify(*authority, device->csr_pem, "exchange", kCertificateDays);
  if (!client) return std::unexpected(std::move(client.error()));
  storage::Disk& disk = storage::system_disk();
  if (auto r = disk.make_directory(place.exchange()); !r) return r;
  const std::tuple<std::string, std::string_view, unsigned> files[] = {
      {place.ca(), authority->certificate_pem, 0644},
      {place.certificate(), server->certificate_pem, 0644},
      {place.tls_key(), server->key_pem.view(), 0600},
      {place.exchange() + "/ca.crt", authority->certificate_pem, 0644},
      {place.exchange() + "/client.crt", client->certificate_pem, 0644},
      {place.exchange() + "/client.key", device->key_pem.view(), 0600}};
  for (const auto& [path, content, mode] : files)
    if (auto r = storage::replace_file(disk, path, content, mode); !r) return r;
  return {};
}

Result<std::string> make_auditor(const Place& place, const std::string& name,
                                 const std::vector<std::string>& server_names) {
  if (!ledger::valid_key_name(name))
    return fail(Reason::usage_wrong, "--name is a key name: no white space, no '+'");
  storage::Disk& disk = storage::system_disk();
  if (auto made = disk.make_directory(place.root); !made) return std::unexpected(std::move(made.error()));
  struct stat there {};
  if (::stat(place.key().c_str(), &there) == 0) return fail(Reason::exchange_exists, place.key());
  const Key256 seed = crypto::random_key();
  const std::string vkey = disclosure::Auditor::verifier_of(name, seed).text();
  if (auto r = disclosure::Auditor::create(disk, place.state()); !r) return std::unexpected(std::move(r.error()));
  if (auto r = write_tls(place, server_names); !r) return std::unexpected(std::move(r.error()));
  const std::string policy =
      "# Whose sealed extractions are unlocked, and which witnesses must have seen the seal\n"
      "# (C2SP tlog-policy): log <vkey>, witness <name> <vkey>, quorum <name or none>.\n"
      "quorum none\n";
  const std::tuple<std::string, std::string, unsigned> files[] = {
      {place.policy(), policy, 0644},
      {place.vkey(), vkey + "\n", 0644},
      {place.exchange() + "/vkey", vkey + "\n", 0644}};
  for (const auto& [path, content, mode] : files)
    if (auto r = storage::replace_file(disk, path, content, mode); !r) return std::unexpected(std::move(r.error()));
  // The key comes last: a directory without it is no auditor, and init may be run again.
  std::string secret = crypto::base64(seed.bytes()) + "\n";
  auto kept = storage::replace_file(disk, place.key(), secret, 0600);
  wipe(secret.data(), secret.size());
  if (!kept) return std::unexpected(std::move(kept.error()));
  return vkey;
}

Result<std::unique_ptr<disclosure::Auditor>> open_auditor(const Place& place) {
  auto key = read_key(place);
  if (!key) return std::unexpected(std::move(key.error()));
  auto vkey = storage::read_file(place.vkey(), kSmallFile);
  if (!vkey) return std::unexpected(std::move(vkey.error()));
  while (vkey->ends_with('\n')) vkey->pop_back();
  const auto ours = ledger::parse_verifier_key(*vkey);
  if (!ours) return fail(Reason::config_wrong, place.vkey());
  if (disclosure::Auditor::verifier_of(ours->name, *key).key != ours->key)
    return fail(Reason::key_missing, "auditor.key and auditor.vkey do not belong together");
  auto text = storage::read_file(place.policy(), kSmallFile);
  if (!text) return std::unexpected(std::move(text.error()));
  auto policy = ledger::parse_tlog_policy(*text);
  if (!policy) return fail(Reason::config_wrong, place.policy() + ": " + policy.error().detail);
  disclosure::Auditor::Setup setup;
  setup.disk = &storage::system_disk();
  setup.state_file = place.state();
  setup.name = ours->name;
  setup.seed = *key;
  setup.policy = *std::move(policy);
  setup.alarm = [](std::string_view what) {
    server::log(server::LogLevel::warning, "auditor", {{"what", std::string(what)}});
  };
  return disclosure::Auditor::open(std::move(setup));
}

std::vector<std::string> names_of(const Call& call) {
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};
  const std::string given = call.option_or("server-name", "");
  std::string_view rest = given;
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    if (comma > 0) names.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return names;
}

}  // namespace

int run_auditor_init(const Call& call, const Emit& emit) {
  const Place place(call.option("dir"));
  auto vkey = make_auditor(place, call.option("name"), names_of(call));
  if (!vkey) return complain(emit, call.manner, vkey.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("vkey").string(*vkey).key("directory").string(place.root).end_object();
    emit(1, json.take() + "\n");
  } else {
    emit(1, "An auditor is in " + place.root + "\n  its key for checkers: " + *vkey +
                "\n  name the exchange's log in " + place.policy() + "\n  hand " + place.exchange() +
                " to the exchange: amanat auditor join " + place.exchange() + " --home H --url https://HOST:PORT\n");
  }
  return 0;
}

int run_auditor_serve(const Call& call, const Emit& emit) {
  // Blocked before any thread exists, so that only the sigwait below gets them.
  sigset_t stops;
  ::sigemptyset(&stops);
  ::sigaddset(&stops, SIGINT);
  ::sigaddset(&stops, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &stops, nullptr);
  const Place place(call.option("dir"));
  // One process a state: two would each count only half.
  auto lock = storage::DirectoryLock::take(place.root);
  if (!lock) return complain(emit, call.manner, lock.error());
  auto auditor = open_auditor(place);
  if (!auditor) return complain(emit, call.manner, auditor.error());
  const std::string listen = call.option_or("listen", kListen);
  const std::size_t colon = listen.rfind(':');
  const auto port = colon == std::string::npos ? std::nullopt
                                               : ledger::parse_decimal(std::string_view(listen).substr(colon + 1));
  if (!port || *port > 65535)
    return complain(emit, call.manner, Failure{Reason::usage_wrong, "--listen is HOST:PORT"});
  auto ca = storage::read_file(place.ca(), kSmallFile);
  if (!ca) return complain(emit, call.manner, ca.error());
  net::ServerOptions options;
  options.address = listen.substr(0, colon);
  options.port = static_cast<std::uint16_t>(*port);
  options.certificate_file = place.certificate();
  options.key_file = place.tls_key();
  options.client_ca_pem = *ca;
  options.threads = 1;
  options.body_bytes_max = disclosure::kUnlockBytesMax;
  options.connections_max = 64;
  auto server = net::Server::start(options, [&auditor](Request request, net::Reply reply) {
    Response response;
    response.content_type = "application/json";
    const bool ours = request.peer && request.peer->issued_by_us && request.peer->not_after > now();
    disclosure::Auditor::Said said{403, R"({"why":"show the exchange's client certificate"})"};
    if (ours) said = (*auditor)->answer(request.method, request.path, request.body);
    response.status = said.status;
    response.body = std::move(said.body);
    reply(std::move(response));
  });
  if (!server) return complain(emit, call.manner, server.error());
  const std::string address = options.address + ":" + std::to_string((*server)->port());
  server::log(server::LogLevel::info, "auditing", {{"address", address}});
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("listening").string(address).end_object();
    emit(1, json.take() + "\n");
  } else {
    emit(1, "Auditing at https://" + address + ". Ctrl-C stops.\n");
  }
  int signal = 0;
  ::sigwait(&stops, &signal);
  (*server)->stop(2000);
  return 0;
}

int run_auditor_counts(const Call& call, const Emit& emit) {
  auto auditor = open_auditor(Place(call.option("dir")));
  if (!auditor) return complain(emit, call.manner, auditor.error());
  const auto said = (*auditor)->answer("GET", "/v1/counts", "");
  if (call.manner.json) {
    emit(1, said.body + "\n");
    return 0;
  }
  const auto json = net::parse_json(said.body, {.bytes_max = 1u << 20, .depth_max = 4, .values_max = 8192});
  insist(json && json->find("days") && json->find("days")->array());
  Columns table({Columns::Align::left, Columns::Align::right, Columns::Align::right, Columns::Align::right});
  table.add({"day", "evaluated", "declared", "surplus"});
  const auto text = [](const net::Json& day, std::string_view name) -> std::string {
    const net::Json* value = day.find(name);
    return value != nullptr && value->integer() ? std::to_string(*value->integer()) : "-";
  };
  bool surplus = false;
  for (const net::Json& day : *json->find("days")->array()) {
    const net::Json* over = day.find("surplus");
    surplus = surplus || (over != nullptr && over->integer().value_or(0) > 0);
    std::string declared = "not yet";
    if (over != nullptr)
      declared = std::to_string(day.find("disclosing")->integer().value_or(0) + day.find("others")->integer().value_or(0));
    table.add({*day.find("day")->string(), text(day, "evaluated"), declared, text(day, "surplus")});
  }
  emit(1, table.render());
  // More keys than accounts: somebody asks for keys nobody signed in for.
  return surplus ? 1 : 0;
}

int run_auditor_join(const Call& call, const Emit& emit) {
  const std::string from = call.words.front();
  const std::string url = call.option("url");
  if (!url.starts_with("https://") || url.find_first_of(" \t\n") != std::string::npos)
    return complain(emit, call.manner, Failure{Reason::usage_wrong, "--url is https://HOST:PORT"});
  const server::Home home(call.option("home"));
  struct stat there {};
  if (::stat(home.config().c_str(), &there) != 0)
    return complain(emit, call.manner, Failure{Reason::exchange_missing, home.root});
  storage::Disk& disk = storage::system_disk();
  if (auto made = disk.make_directory(home.auditor()); !made) return complain(emit, call.manner, made.error());
  // The address comes last: a home with an address has an auditor.
  for (const char* name : {"ca.crt", "client.crt", "vkey", "client.key"}) {
    auto content = storage::read_file(from + "/" + name, kSmallFile);
    if (!content) return complain(emit, call.manner, content.error());
    const unsigned mode = std::string_view(name) == "client.key" ? 0600 : 0644;
    // The key lies with the other keys, apart from what a backup may be shown with.
    const std::string to = mode == 0600 ? home.auditor_key() : home.auditor() + "/" + name;
    auto put = storage::replace_file(disk, to, *content, mode);
    wipe(content->data(), content->size());
    if (!put) return complain(emit, call.manner, put.error());
  }
  if (auto put = storage::replace_file(disk, home.auditor() + "/url", url + "\n", 0644); !put)
    return complain(emit, call.manner, put.error());
  if (call.manner.json)
    emit(1, "{\"joined\":true}\n");
  else
    emit(1, "Answers are marked from the next start on: no key from " + url + ", no answer.\n");
  return 0;
}

}  // namespace amanat::cli
