// amanat ledger witness: a small process for a court, an ombudsman or an NGO. It cosigns the heads
// of the logs it was told of, each only if it extends the one before, and keeps one file of state.

#include <signal.h>
#include <sys/stat.h>

#include <cstring>

#include "cli/commands.h"
#include "cli/terminal.h"
#include "crypto/certificate.h"
#include "crypto/crypto.h"
#include "ledger/checkpoint.h"
#include "ledger/note.h"
#include "ledger/witness.h"
#include "net/http.h"
#include "net/json.h"
#include "server/log.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

constexpr std::size_t kSmallFile = 64 * 1024;
constexpr std::string_view kListen = "127.0.0.1:8444";

/// Place names the files of a witness's directory (docs/ledger-witness.md).
struct Place {
  explicit Place(std::string directory) : root(std::move(directory)) {}
  std::string root;
  std::string key() const { return root + "/witness.key"; }
  std::string vkey() const { return root + "/witness.vkey"; }
  std::string state() const { return root + "/state"; }
  std::string logs() const { return root + "/logs"; }
  std::string ca() const { return root + "/ca.crt"; }
  std::string certificate() const { return root + "/server.crt"; }
  std::string tls_key() const { return root + "/server.key"; }
};

Result<std::vector<ledger::VerifierKey>> read_logs(const Place& place) {
  auto text = storage::read_file(place.logs(), 1 << 20);
  if (!text) return std::unexpected(std::move(text.error()));
  std::vector<ledger::VerifierKey> logs;
  std::size_t number = 0;
  for (std::string_view rest = *text; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    auto key = ledger::parse_verifier_key(line);
    if (!key)
      return fail(Reason::config_wrong,
                  place.logs() + ":" + std::to_string(number) + ": " + key.error().detail);
    logs.push_back(*std::move(key));
  }
  return logs;
}

Result<Key256> read_key(const Place& place) {
  struct stat info {};
  if (::stat(place.key().c_str(), &info) != 0)
    return fail(Reason::exchange_missing, place.root + " holds no witness");
  if ((info.st_mode & 077) != 0)
    return fail(Reason::key_missing, place.key() + " is open to other accounts");
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

Result<void> write_tls(const Place& place, const std::vector<std::string>& names) {
  auto authority = crypto::make_authority("witness CA", 10);
  if (!authority) return std::unexpected(std::move(authority.error()));
  auto server = crypto::issue_server(*authority, names, 825);
  if (!server) return std::unexpected(std::move(server.error()));
  storage::Disk& disk = storage::system_disk();
  if (auto r = storage::replace_file(disk, place.ca(), authority->certificate_pem, 0644); !r) return r;
  if (auto r = storage::replace_file(disk, place.certificate(), server->certificate_pem, 0644); !r) return r;
  return storage::replace_file(disk, place.tls_key(), server->key_pem.view(), 0600);
}

Result<std::string> make_witness(const Place& place, const std::string& name,
                                 const std::vector<std::string>& server_names) {
  if (!ledger::valid_key_name(name))
    return fail(Reason::usage_wrong, "--name is a key name: no white space, no '+'");
  storage::Disk& disk = storage::system_disk();
  if (auto made = disk.make_directory(place.root); !made) return std::unexpected(std::move(made.error()));
  struct stat there {};
  if (::stat(place.key().c_str(), &there) == 0) return fail(Reason::exchange_exists, place.key());
  const Key256 seed = crypto::random_key();
  const std::string vkey = ledger::Cosigner(name, seed).verifier().text();
  if (auto r = ledger::Witness::create(disk, place.state()); !r) return std::unexpected(std::move(r.error()));
  if (auto r = write_tls(place, server_names); !r) return std::unexpected(std::move(r.error()));
  const std::string logs = "# The logs this witness cosigns: one verifier key a line (amanat ledger vkey).\n";
  if (auto r = storage::replace_file(disk, place.logs(), logs, 0644); !r) return std::unexpected(std::move(r.error()));
  if (auto r = storage::replace_file(disk, place.vkey(), vkey + "\n", 0644); !r) return std::unexpected(std::move(r.error()));
  // The key comes last: a directory without it is no witness, and init may be run again.
  std::string secret = crypto::base64(seed.bytes()) + "\n";
  auto kept = storage::replace_file(disk, place.key(), secret, 0600);
  wipe(secret.data(), secret.size());
  if (!kept) return std::unexpected(std::move(kept.error()));
  return vkey;
}

Result<std::unique_ptr<ledger::Witness>> open_witness(const Place& place) {
  auto key = read_key(place);
  if (!key) return std::unexpected(std::move(key.error()));
  auto vkey = storage::read_file(place.vkey(), kSmallFile);
  if (!vkey) return std::unexpected(std::move(vkey.error()));
  while (vkey->ends_with('\n')) vkey->pop_back();
  const auto ours = ledger::parse_verifier_key(*vkey);
  if (!ours) return fail(Reason::config_wrong, place.vkey());
  auto logs = read_logs(place);
  if (!logs) return std::unexpected(std::move(logs.error()));
  if (logs->empty()) return fail(Reason::config_wrong, place.logs() + " names no log yet");
  auto witness = ledger::Witness::open(storage::system_disk(), place.state(), ours->name, *key, *std::move(logs));
  if (witness && (*witness)->verifier().key != ours->key)
    return fail(Reason::key_missing, "witness.key and witness.vkey do not belong together");
  return witness;
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

int run_witness_init(const Call& call, const Emit& emit) {
  const Place place(call.option("dir"));
  auto vkey = make_witness(place, call.option("name"), names_of(call));
  if (!vkey) return complain(emit, call.manner, vkey.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("vkey").string(*vkey).key("directory").string(place.root).end_object();
    emit(1, json.take() + "\n");
  } else {
    emit(1, "A witness is in " + place.root + "\n  its key for policies: " + *vkey +
                "\n  add the logs it is to cosign to " + place.logs() + "\n");
  }
  return 0;
}

int run_witness_serve(const Call& call, const Emit& emit) {
  // Blocked before any thread exists, so that only the sigwait below gets them.
  sigset_t stops;
  ::sigemptyset(&stops);
  ::sigaddset(&stops, SIGINT);
  ::sigaddset(&stops, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &stops, nullptr);
  const Place place(call.option("dir"));
  // One process a state: two would each remember only half of what they said.
  auto lock = storage::DirectoryLock::take(place.root);
  if (!lock) return complain(emit, call.manner, lock.error());
  auto witness = open_witness(place);
  if (!witness) return complain(emit, call.manner, witness.error());

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
  options.body_bytes_max = ledger::kAddCheckpointBytesMax;
  options.connections_max = 1024;
  auto server = net::Server::start(options, [&witness](Request request, net::Reply reply) {
    auto said = (*witness)->answer(request.method, request.path, request.body);
    Response response;
    response.status = said.status;
    response.content_type = std::move(said.content_type);
    response.body = std::move(said.body);
    reply(std::move(response));
  });
  if (!server) return complain(emit, call.manner, server.error());
  const std::string address = options.address + ":" + std::to_string((*server)->port());
  server::log(server::LogLevel::info, "witnessing", {{"address", address}});
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("listening").string(address).end_object();
    emit(1, json.take() + "\n");
  } else {
    emit(1, "Witnessing at https://" + address + ". Ctrl-C stops.\n");
  }
  int signal = 0;
  ::sigwait(&stops, &signal);
  (*server)->stop(2000);
  return 0;
}

}  // namespace amanat::cli
