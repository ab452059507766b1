// amanat ledger: check it, show it, prove from it, hand it out.

#include <cstdio>
#include <ctime>

#include "cli/commands.h"
#include "cli/terminal.h"
#include "crypto/crypto.h"
#include "ledger/ledger.h"
#include "ledger/proof.h"
#include "net/json.h"
#include "server/engine.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

std::string_view word_of(EntryType type) {
  switch (type) {
    case EntryType::disclosure: return "disclosure";
    case EntryType::denied: return "denied";
    case EntryType::export_: return "export";
    case EntryType::epoch: return "epoch";
    case EntryType::erasure: return "erasure";
    case EntryType::policy_key: return "policy or key";
    case EntryType::alert: return "alert";
    case EntryType::genesis: return "genesis";
    case EntryType::trace: return "trace";
  }
  return "unknown";
}

std::string utc(Moment moment) {
  const auto s = static_cast<std::time_t>(number(moment) / 1000);
  std::tm parts{};
  ::gmtime_r(&s, &parts);
  char text[96];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", parts.tm_year + 1900, parts.tm_mon + 1,
                parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<unsigned>(number(moment) % 1000));
  return text;
}

Result<std::string> vkey_of(const server::Home& home) {
  auto vkey = storage::read_file(home.vkey(), 4096);
  if (!vkey) return fail(Reason::exchange_missing, home.root + " has no ledger.vkey");
  while (vkey->ends_with('\n')) vkey->pop_back();
  return vkey;
}

Result<EntryIndex> index_of(const Call& call) {
  const auto index = ledger::parse_decimal(call.words[0]);
  if (!index) return fail(Reason::usage_wrong, "INDEX is a number from 0");
  return EntryIndex{*index};
}

}  // namespace

int run_ledger_verify(const Call& call, const Emit& emit) {
  const server::Home home(call.option("home"));
  auto vkey = vkey_of(home);
  if (!vkey) return complain(emit, call.manner, vkey.error());
  const auto began = std::chrono::steady_clock::now();
  Result<ledger::Verdict> verdict;
  {
    Progress progress(call.manner, emit, "checking");
    verdict = server::verify_ledger(home, *vkey,
                                    [&](std::uint64_t done) { progress.show(0, 0, done, "entries"); });
  }
  if (!verdict) return complain(emit, call.manner, verdict.error());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const bool holds = verdict->problem.empty();
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("holds").boolean(holds).key("size").number(verdict->size);
    json.key("root").string(crypto::base64(verdict->root)).key("problem");
    if (holds) json.null();
    else json.string(verdict->problem);
    json.end_object();
    emit(1, json.take() + "\n");
    return holds ? 0 : 1;
  }
  if (!holds) {
    emit(1, painted(call.manner, Paint::bad, "The ledger does not hold.") + "\n  " + visible(verdict->problem) + "\n  " +
                grouped(verdict->size) + " entries before it do.\n");
    return 1;
  }
  emit(1, painted(call.manner, Paint::good, "The ledger holds.") + "\n  " + grouped(verdict->size) +
              " entries, every hash and signature checked in " + seconds(took.count()) + "\n  root " +
              crypto::base64(verdict->root) + "\n");
  return 0;
}

int run_ledger_vkey(const Call& call, const Emit& emit) {
  auto vkey = vkey_of(server::Home(call.option("home")));
  if (!vkey) return complain(emit, call.manner, vkey.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("vkey").string(*vkey).end_object();
    emit(1, json.take() + "\n");
  } else {
    emit(1, *vkey + "\n");
  }
  return 0;
}

int run_ledger_show(server::Exchange& exchange, const Call& call, const Emit& emit) {
  if (call.has("opening")) {
    if (!call.has("out"))
      return complain(emit, call.manner, Failure{Reason::usage_wrong, "--opening goes with --out DIR"});
    return run_ledger_evidence(exchange, call, emit);
  }
  auto index = index_of(call);
  if (!index) return complain(emit, call.manner, index.error());
  std::optional<ledger::Opened> entry;
  // The opening stays shut: a tool on the operator's console shows what the public log shows.
  const ledger::KeyOfSlice no_key = [](std::span<const std::uint8_t, 16>) -> Result<Key256> {
    return fail(Reason::key_missing);
  };
  auto scanned = exchange.ledger().scan(*index, no_key, [&](const ledger::Opened& one) {
    if (one.index == *index) entry = one;
    return false;
  });
  if (!scanned) return complain(emit, call.manner, scanned.error());
  if (!entry) return complain(emit, call.manner, Failure{Reason::no_record, "entry " + call.words[0]});
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("index").number(number(entry->index)).key("type").string(word_of(entry->type));
    json.key("time").string(utc(entry->time)).key("slice").string(crypto::hex(entry->slice_id)).end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  Columns table;
  table.add({"entry", std::to_string(number(entry->index))});
  table.add({"type", std::string(word_of(entry->type))});
  table.add({"time", utc(entry->time)});
  table.add({"opening", "sealed under slice " + crypto::hex(entry->slice_id)});
  emit(1, table.render());
  return 0;
}

namespace {

int prove_cose(server::Exchange& exchange, EntryIndex index, const Call& call, const Emit& emit) {
  if (!call.has("out")) return complain(emit, call.manner, Failure{Reason::usage_wrong, "--cose goes with --out"});
  auto seed = exchange.cose_seed();
  if (!seed) return complain(emit, call.manner, seed.error());
  const crypto::Ed25519Signer key(*seed);
  auto receipt = exchange.ledger().prove_cose(index, key);
  if (!receipt) return complain(emit, call.manner, receipt.error());
  auto written = storage::replace_file(storage::system_disk(), call.option("out"), *receipt, 0644);
  if (!written) return complain(emit, call.manner, written.error());
  const std::string public_key = crypto::base64(key.public_key());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("receipt").boolean(true).key("ed25519").string(public_key).end_object();
    emit(1, json.take() + "\n");
  } else {
    emit(1, "Written to " + call.option("out") + "; its Ed25519 key is " + public_key + "\n");
  }
  return 0;
}

}  // namespace

int run_ledger_prove(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto index = index_of(call);
  if (!index) return complain(emit, call.manner, index.error());
  if (call.has("cose")) return prove_cose(exchange, *index, call, emit);
  auto proof = exchange.ledger().prove(*index);
  if (!proof) return complain(emit, call.manner, proof.error());
  if (call.has("out")) {
    auto written = storage::replace_file(storage::system_disk(), call.option("out"), *proof, 0644);
    if (!written) return complain(emit, call.manner, written.error());
    emit(1, call.manner.json ? "{\"receipt\":true}\n" : "Written to " + call.option("out") + "\n");
    return 0;
  }
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("receipt").string(*proof).end_object();
    emit(1, json.take() + "\n");
  } else {
    emit(1, *proof);
  }
  return 0;
}

int run_ledger_export(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto exported = exchange.ledger().export_to(call.words[0]);
  if (!exported) return complain(emit, call.manner, exported.error());
  const std::string vkey = exchange.ledger().vkey();
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("directory").string(call.words[0]).key("vkey").string(vkey).end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  emit(1, "The public ledger is in " + call.words[0] + "\n  check it: amanat-verify --vkey '" + vkey + "' --dir " +
              call.words[0] + "\n");
  return 0;
}

}  // namespace amanat::cli
