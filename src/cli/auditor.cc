// amanat auditor: a small process for whoever holds the other half of the marks' keys. It never
// sees a citizen, an officer or an answer, and unlocks only what the ledger says was sealed.

#include <sys/stat.h>

#include "cli/commands.h"
#include "cli/outsider.h"
#include "cli/terminal.h"
#include "crypto/certificate.h"
#include "crypto/crypto.h"
#include "disclosure/auditor.h"
#include "ledger/tlog_policy.h"
#include "model/insist.h"
#include "net/json.h"
#include "server/log.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

constexpr std::size_t kSmallFile = 256 * 1024;
constexpr std::string_view kListen = "127.0.0.1:8445";
constexpr std::string_view kPolicy = "policy", kExchange = "exchange";  // handed to the exchange

Outsider place_of(const Call& call) { return {call.option("dir"), "auditor"}; }

// The exchange shows a certificate of ours: nobody else's blinded elements are evaluated.
Result<void> write_exchange_files(const Outsider& place, const crypto::Authority& authority) {
  auto device = crypto::make_device_key("exchange");
  if (!device) return std::unexpected(std::move(device.error()));
  auto client = crypto::certify(authority, device->csr_pem, "exchange", kOutsiderCertificateDays);
  if (!client) return std::unexpected(std::move(client.error()));
  storage::Disk& disk = storage::system_disk();
  const std::string directory = place.file(kExchange);
  if (auto r = disk.make_directory(directory); !r) return r;
  const std::tuple<std::string_view, std::string_view, unsigned> files[] = {
      {"/ca.crt", authority.certificate_pem, 0644},
      {"/client.crt", client->certificate_pem, 0644},
      {"/client.key", device->key_pem.view(), 0600}};
  for (const auto& [name, content, mode] : files)
    if (auto r = storage::replace_file(disk, directory + std::string(name), content, mode); !r)
      return r;
  return {};
}

Result<std::string> make_auditor(const Outsider& place, const Call& call) {
  const std::string name = call.option("name");
  if (auto begun = begin_outsider(place, name); !begun)
    return std::unexpected(std::move(begun.error()));
  storage::Disk& disk = storage::system_disk();
  const Key256 seed = crypto::random_key();
  std::string vkey = disclosure::Auditor::verifier_of(name, seed).text();
  if (auto r = disclosure::Auditor::create(disk, place.state()); !r)
    return std::unexpected(std::move(r.error()));
  auto authority = write_outsider_tls(place, call);
  if (!authority) return std::unexpected(std::move(authority.error()));
  if (auto r = write_exchange_files(place, *authority); !r)
    return std::unexpected(std::move(r.error()));
  const std::string policy =
      "# Whose sealed extractions are unlocked, and which witnesses must have seen the seal\n"
      "# (C2SP tlog-policy): log <vkey>, witness <name> <vkey>, quorum <name or none>.\n"
      "quorum none\n";
  if (auto r = storage::replace_file(disk, place.file(kPolicy), policy, 0644); !r)
    return std::unexpected(std::move(r.error()));
  if (auto r = storage::replace_file(disk, place.file(kExchange) + "/vkey", vkey + "\n", 0644); !r)
    return std::unexpected(std::move(r.error()));
  if (auto r = finish_outsider(place, vkey, seed); !r) return std::unexpected(std::move(r.error()));
  return vkey;
}

Result<std::unique_ptr<disclosure::Auditor>> open_auditor(const Outsider& place) {
  auto key = read_outsider_key(place);
  if (!key) return std::unexpected(std::move(key.error()));
  auto ours = read_outsider_vkey(place);
  if (!ours) return std::unexpected(std::move(ours.error()));
  if (disclosure::Auditor::verifier_of(ours->name, *key).key != ours->key)
    return fail(Reason::key_missing, "auditor.key and auditor.vkey do not belong together");
  auto text = storage::read_file(place.file(kPolicy), kSmallFile);
  if (!text) return std::unexpected(std::move(text.error()));
  auto policy = ledger::parse_tlog_policy(*text);
  if (!policy)
    return fail(Reason::config_wrong, place.file(kPolicy) + ": " + policy.error().detail);
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

}  // namespace

int run_auditor_init(const Call& call, const Emit& emit) {
  const Outsider place = place_of(call);
  auto vkey = make_auditor(place, call);
  if (!vkey) return complain(emit, call.manner, vkey.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("vkey").string(*vkey).key("directory").string(place.root).end_object();
    emit(1, json.take() + "\n");
  } else {
    emit(1, "An auditor is in " + place.root + "\n  its key for checkers: " + *vkey +
                "\n  name the exchange's log in " + place.file(kPolicy) + "\n  hand " +
                place.file(kExchange) + " to the exchange: amanat auditor join " +
                place.file(kExchange) + " --home H --url https://HOST:PORT\n");
  }
  return 0;
}

int run_auditor_serve(const Call& call, const Emit& emit) {
  const Outsider place = place_of(call);
  const OutsiderServer server{.listen = kListen,
                              .body_bytes_max = disclosure::kUnlockBytesMax,
                              .connections_max = 64,
                              .doing = "auditing"};
  std::unique_ptr<disclosure::Auditor> auditor;
  return serve_outsider(call, emit, place, server, [&]() -> Result<OutsiderHandler> {
    auto opened = open_auditor(place);
    if (!opened) return std::unexpected(std::move(opened.error()));
    auditor = *std::move(opened);
    return [&auditor](const Request& request) {
      const bool ours =
          request.peer && request.peer->issued_by_us && request.peer->not_after > now();
      disclosure::Auditor::Said said{403, R"({"why":"show the exchange's client certificate"})"};
      if (ours) said = auditor->answer(request.method, request.path, request.body);
      Response response;
      response.content_type = "application/json";
      response.status = said.status;
      response.body = std::move(said.body);
      return response;
    };
  });
}

int run_auditor_counts(const Call& call, const Emit& emit) {
  auto auditor = open_auditor(place_of(call));
  if (!auditor) return complain(emit, call.manner, auditor.error());
  const auto said = (*auditor)->answer("GET", "/v1/counts", "");
  if (call.manner.json) {
    emit(1, said.body + "\n");
    return 0;
  }
  const auto json =
      net::parse_json(said.body, {.bytes_max = 1u << 20, .depth_max = 4, .values_max = 8192});
  insist(json && json->find("days") && json->find("days")->array());
  Columns table(
      {Columns::Align::left, Columns::Align::right, Columns::Align::right, Columns::Align::right});
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
      declared = std::to_string(day.find("disclosing")->integer().value_or(0) +
                                day.find("others")->integer().value_or(0));
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
  if (auto made = disk.make_directory(home.auditor()); !made)
    return complain(emit, call.manner, made.error());
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
