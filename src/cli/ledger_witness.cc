// amanat ledger witness: a small process for a court, an ombudsman or an NGO. It cosigns the heads
// of the logs it was told of, each only if it extends the one before, and keeps one file of state.

#include "cli/commands.h"
#include "cli/outsider.h"
#include "crypto/crypto.h"
#include "ledger/checkpoint.h"
#include "ledger/witness.h"
#include "net/json.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

constexpr std::string_view kListen = "127.0.0.1:8444";

constexpr std::string_view kLogs = "logs";

Outsider place_of(const Call& call) { return {call.option("dir"), "witness"}; }

Result<std::vector<ledger::VerifierKey>> read_logs(const Outsider& place) {
  auto text = storage::read_file(place.file(kLogs), 1 << 20);
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
                  place.file(kLogs) + ":" + std::to_string(number) + ": " + key.error().detail);
    logs.push_back(*std::move(key));
  }
  return logs;
}

Result<std::string> make_witness(const Outsider& place, const Call& call) {
  const std::string name = call.option("name");
  if (auto begun = begin_outsider(place, name); !begun)
    return std::unexpected(std::move(begun.error()));
  storage::Disk& disk = storage::system_disk();
  const Key256 seed = crypto::random_key();
  std::string vkey = ledger::Cosigner(name, seed).verifier().text();
  if (auto r = ledger::Witness::create(disk, place.state()); !r)
    return std::unexpected(std::move(r.error()));
  if (auto r = write_outsider_tls(place, call); !r) return std::unexpected(std::move(r.error()));
  const std::string_view logs =
      "# The logs this witness cosigns: one verifier key a line (amanat ledger vkey).\n";
  if (auto r = storage::replace_file(disk, place.file(kLogs), logs, 0644); !r)
    return std::unexpected(std::move(r.error()));
  if (auto r = finish_outsider(place, vkey, seed); !r) return std::unexpected(std::move(r.error()));
  return vkey;
}

Result<std::unique_ptr<ledger::Witness>> open_witness(const Outsider& place) {
  auto key = read_outsider_key(place);
  if (!key) return std::unexpected(std::move(key.error()));
  auto ours = read_outsider_vkey(place);
  if (!ours) return std::unexpected(std::move(ours.error()));
  auto logs = read_logs(place);
  if (!logs) return std::unexpected(std::move(logs.error()));
  if (logs->empty())
    return fail(Reason::config_wrong, place.file(kLogs) +
                                          " names no log yet: put its key there "
                                          "(amanat ledger vkey prints it)");
  auto witness = ledger::Witness::open(storage::system_disk(), place.state(), ours->name, *key,
                                       *std::move(logs));
  if (witness && (*witness)->verifier().key != ours->key)
    return fail(Reason::key_missing, "witness.key and witness.vkey do not belong together");
  return witness;
}

}  // namespace

int run_witness_init(const Call& call, const Emit& emit) {
  const Outsider place = place_of(call);
  auto vkey = make_witness(place, call);
  if (!vkey) return complain(emit, call.manner, vkey.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("vkey").string(*vkey).key("directory").string(place.root).end_object();
    emit(1, json.take() + "\n");
  } else {
    emit(1, "A witness is in " + place.root + "\n  its key, for policies: " + *vkey +
                "\nNext:\n  put the key of each log it is to cosign into " + place.file(kLogs) +
                " (the log's operator\n    prints it with amanat ledger vkey)\n"
                "  give that operator the key above, the address you will answer at, and\n    " +
                place.ca() + "\n  start it: amanat ledger witness serve --dir " + place.root +
                "\nKeep " + place.key() + " and " + place.state() +
                " together, and never run an older copy of them.\n");
  }
  return 0;
}

int run_witness_serve(const Call& call, const Emit& emit) {
  const Outsider place = place_of(call);
  const OutsiderServer server{.listen = kListen,
                              .body_bytes_max = ledger::kAddCheckpointBytesMax,
                              .connections_max = 1024,
                              .doing = "witnessing"};
  std::unique_ptr<ledger::Witness> witness;
  return serve_outsider(call, emit, place, server, [&]() -> Result<OutsiderHandler> {
    auto opened = open_witness(place);
    if (!opened) return std::unexpected(std::move(opened.error()));
    witness = *std::move(opened);
    return [&witness](const Request& request) {
      auto said = witness->answer(request.method, request.path, request.body);
      Response response;
      response.status = said.status;
      response.content_type = std::move(said.content_type);
      response.body = std::move(said.body);
      return response;
    };
  });
}

}  // namespace amanat::cli
