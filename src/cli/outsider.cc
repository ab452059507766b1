#include "cli/outsider.h"

#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cstring>

#include "crypto/crypto.h"
#include "ledger/checkpoint.h"
#include "net/json.h"
#include "server/log.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

constexpr std::size_t kSmallFile = 256 * 1024;
constexpr unsigned kStopMs = 2000;

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

Result<net::ServerOptions> options_of(const Call& call, const Outsider& place,
                                      const OutsiderServer& server) {
  const std::string listen = call.option_or("listen", server.listen);
  const std::size_t colon = listen.rfind(':');
  const auto port = colon == std::string::npos
                        ? std::nullopt
                        : ledger::parse_decimal(std::string_view(listen).substr(colon + 1));
  if (!port || *port > 65535) return fail(Reason::usage_wrong, "--listen is HOST:PORT");
  auto ca = storage::read_file(place.ca(), kSmallFile);
  if (!ca) return std::unexpected(std::move(ca.error()));
  net::ServerOptions options;
  options.address = listen.substr(0, colon);
  options.port = static_cast<std::uint16_t>(*port);
  options.certificate_file = place.certificate();
  options.key_file = place.tls_key();
  options.client_ca_pem = *std::move(ca);
  options.threads = 1;
  options.body_bytes_max = server.body_bytes_max;
  options.connections_max = server.connections_max;
  return options;
}

std::string capital(std::string_view word) {
  std::string text(word);
  text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text;
}

}  // namespace

Result<void> begin_outsider(const Outsider& place, const std::string& name) {
  if (!ledger::valid_key_name(name))
    return fail(Reason::usage_wrong, "--name is a key name: no white space, no '+'");
  if (auto made = storage::system_disk().make_directory(place.root); !made) return made;
  struct stat there {};
  if (::stat(place.key().c_str(), &there) == 0) return fail(Reason::exchange_exists, place.key());
  return {};
}

Result<crypto::Authority> write_outsider_tls(const Outsider& place, const Call& call) {
  auto authority = crypto::make_authority(place.kind + " CA", 10);
  if (!authority) return authority;
  auto server = crypto::issue_server(*authority, names_of(call), kOutsiderCertificateDays);
  if (!server) return server;
  const std::tuple<std::string, std::string_view, unsigned> files[] = {
      {place.ca(), authority->certificate_pem, 0644},
      {place.certificate(), server->certificate_pem, 0644},
      {place.tls_key(), server->key_pem.view(), 0600}};
  for (const auto& [path, content, mode] : files)
    if (auto r = storage::replace_file(storage::system_disk(), path, content, mode); !r)
      return std::unexpected(std::move(r.error()));
  return authority;
}

Result<void> finish_outsider(const Outsider& place, const std::string& vkey, const Key256& seed) {
  storage::Disk& disk = storage::system_disk();
  if (auto r = storage::replace_file(disk, place.vkey(), vkey + "\n", 0644); !r) return r;
  std::string secret = crypto::base64(seed.bytes()) + "\n";
  auto kept = storage::replace_file(disk, place.key(), secret, 0600);
  wipe(secret.data(), secret.size());
  return kept;
}

Result<Key256> read_outsider_key(const Outsider& place) {
  struct stat info {};
  if (::stat(place.key().c_str(), &info) != 0)
    return fail(Reason::exchange_missing, place.root + " holds no " + place.kind);
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

Result<ledger::VerifierKey> read_outsider_vkey(const Outsider& place) {
  auto text = storage::read_file(place.vkey(), kSmallFile);
  if (!text) return std::unexpected(std::move(text.error()));
  while (text->ends_with('\n')) text->pop_back();
  auto key = ledger::parse_verifier_key(*text);
  if (!key) return fail(Reason::config_wrong, place.vkey());
  return key;
}

int serve_outsider(const Call& call, const Emit& emit, const Outsider& place,
                   const OutsiderServer& what,
                   const std::function<Result<OutsiderHandler>()>& open) {
  // Blocked before any thread exists, so that only the sigwait below gets them.
  sigset_t stops;
  ::sigemptyset(&stops);
  ::sigaddset(&stops, SIGINT);
  ::sigaddset(&stops, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &stops, nullptr);
  // One process a state: two would each remember only half.
  auto lock = storage::DirectoryLock::take(place.root);
  if (!lock) return complain(emit, call.manner, lock.error());
  auto handler = open();
  if (!handler) return complain(emit, call.manner, handler.error());
  auto options = options_of(call, place, what);
  if (!options) return complain(emit, call.manner, options.error());
  auto server = net::Server::start(
      *options, [&handler](Request request, net::Reply reply) { reply((*handler)(request)); });
  if (!server) return complain(emit, call.manner, server.error());
  const std::string address = options->address + ":" + std::to_string((*server)->port());
  server::log(server::LogLevel::info, what.doing, {{"address", address}});
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("listening").string(address).end_object();
    emit(1, json.take() + "\n");
  } else {
    emit(1, capital(what.doing) + " at https://" + address + ". Ctrl-C stops.\n");
  }
  int signal = 0;
  ::sigwait(&stops, &signal);
  (*server)->stop(kStopMs);
  return 0;
}

}  // namespace amanat::cli
