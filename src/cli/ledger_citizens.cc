// amanat ledger history, auditor feed, auditor key: what a citizen and the auditor receive.

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "cli/commands.h"
#include "cli/terminal.h"
#include "cli/when_ready.h"
#include "crypto/crypto.h"
#include "ledger/checkpoint.h"
#include "ledger/history.h"
#include "net/json.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

Result<SubjectName> citizen_of(server::Exchange& exchange, const Call& call) {
  // The registry knows how the catalog writes a national ID; people type it with dashes or without.
  Question question;
  question.subject.search = "national_id";
  question.subject.value = call.option("national-id");
  auto citizen = exchange.registry().subject_of_question(question);
  if (!citizen) return std::unexpected(std::move(citizen.error()));
  if (!*citizen) return fail(Reason::malformed_value, "--national-id");
  return **citizen;
}

int written(const Call& call, const Emit& emit, std::string_view key, std::uint64_t n,
            const std::string& words) {
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("out").string(call.option("out")).key(key).number(n).end_object();
    emit(1, json.take() + "\n");
  } else {
    emit(1, words + "\n");
  }
  return 0;
}

}  // namespace

int run_ledger_history(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto citizen = citizen_of(exchange, call);
  if (!citizen) return complain(emit, call.manner, citizen.error());
  auto file = when_ready(call, [&] { return exchange.history(*citizen); });
  if (!file) return complain(emit, call.manner, file.error());
  const auto parsed = ledger::parse_history(*file);
  if (!parsed) return complain(emit, call.manner, parsed.error());
  // The file says who looked at a citizen: nobody else's business.
  auto put = storage::replace_file(storage::system_disk(), call.option("out"), *file, 0600);
  if (!put) return complain(emit, call.manner, put.error());
  return written(call, emit, "entries", parsed->entries.size(),
                 "The history of " + masked(*citizen) + " has " + grouped(parsed->entries.size()) +
                     " entries: " + call.option("out") +
                     "\n  check it: amanat-verify citizen --policy POLICY " + call.option("out"));
}

int run_ledger_feed(server::Exchange& exchange, const Call& call, const Emit& emit) {
  const auto from = ledger::parse_decimal(call.option_or("from-entry", "0"));
  if (!from)
    return complain(emit, call.manner, Failure{Reason::usage_wrong, "--from-entry is a number"});
  const std::string fresh = call.option("out") + ".new";
  std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
  // Labels and their traffic are the auditor's alone.
  std::error_code kept;
  std::filesystem::permissions(
      fresh, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, kept);
  if (!out.good() || kept) return complain(emit, call.manner, Failure{Reason::file_failed, fresh});
  std::uint64_t lines = 0;
  auto fed = when_ready(call, [&] {
    return exchange.ledger().audit_feed(EntryIndex{*from}, [&](std::string_view line) {
      out << line;
      ++lines;
    });
  });
  out.close();
  if (!fed) {
    std::remove(fresh.c_str());
    return complain(emit, call.manner, fed.error());
  }
  if (!out.good() || std::rename(fresh.c_str(), call.option("out").c_str()) != 0)
    return complain(emit, call.manner, Failure{Reason::file_failed, call.option("out")});
  return written(
      call, emit, "entries", lines,
      "The auditor's feed of " + grouped(lines) + " entries is in " + call.option("out"));
}

int run_ledger_map_key(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto key = exchange.map_key();
  if (!key) return complain(emit, call.manner, key.error());
  std::string text = crypto::hex(key->bytes()) + "\n";
  auto put = storage::replace_file(storage::system_disk(), call.option("out"), text, 0600);
  wipe(text.data(), text.size());
  if (!put) return complain(emit, call.manner, put.error());
  return written(call, emit, "keys", 1,
                 "The key of the map is in " + call.option("out") + ": for the auditor alone.");
}

}  // namespace amanat::cli
