// amanat-verify citizen: a citizen checks the list of who looked at him, on his own machine.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "ledger/history.h"
#include "ledger/verify_words.h"
#include "model/secret.h"

namespace amanat::ledger {
namespace {

constexpr const char* kHelp =
    R"(Check a history of who looked at a citizen: nothing in it is left out, added or changed.

  amanat-verify citizen --policy FILE [--state FILE] [--at SECONDS] [--json] HISTORY

The national ID is read from standard input (13 digits, with dashes or without), so that it stands in no
argument list.

  --policy FILE   the log's tlog-policy: its key and its witnesses, as their bodies publish it
  --state FILE    what this program remembers from last time: today's history must begin with it;
                  written again when the history holds
  --at SECONDS    judge by this Unix time instead of the clock, for a history kept as evidence

Exit code: 0 it holds, 1 it does not hold, 2 trouble (nothing was shown either way).)";

std::uint64_t unix_now() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

std::string read_national_id() {
  if (isatty(STDIN_FILENO) == 1) std::fputs("National ID: ", stderr);
  std::string line, digits;
  std::getline(std::cin, line);
  for (const char c : line)
    if (c >= '0' && c <= '9') digits += c;
  wipe(line.data(), line.size());
  return digits;
}

std::string state_word(HistoryEntry::State state) {
  if (state == HistoryEntry::State::open) return "open";
  if (state == HistoryEntry::State::pruned) return "past-retention";
  return state == HistoryEntry::State::sealed ? "sealed" : "erased";
}

// Body part 3: names, each after its length in two bytes; as it is, if it is not that.
std::vector<std::string> fields_of(std::string_view part) {
  std::vector<std::string> names;
  std::string_view rest = part;
  while (rest.size() >= 2) {
    const std::size_t n = static_cast<std::size_t>(static_cast<unsigned char>(rest[0])) << 8 |
                          static_cast<unsigned char>(rest[1]);
    if (n == 0 || rest.size() < 2 + n) break;
    names.push_back(plain(rest.substr(2, n)));
    rest.remove_prefix(2 + n);
  }
  if (!rest.empty()) return {plain(part)};
  return names;
}

// What to do about a step that does not hold: most are evidence, some are a mistake of one's own.
std::string_view hint_of(HistoryFault fault) {
  switch (fault) {
    case HistoryFault::label:
      return "give the national ID that the history was made for; if it was that, the file is "
             "evidence";
    case HistoryFault::malformed:
      return "fetch the history again, byte for byte";
    case HistoryFault::stale_checkpoint:
      return "fetch a new history; one kept as evidence is judged with --at";
    case HistoryFault::checkpoint:
      return "take the policy of this log from a witness; if it is that, the file is evidence";
    default:
      return "keep the file: it is evidence";
  }
}

void print_json(const HistoryVerdict& v) {
  std::string out = std::string("{\"holds\":") + (v.problem.empty() ? "true" : "false");
  if (!v.problem.empty()) {
    out += ",\"fault\":" + json_text(text_of(v.fault)) + ",\"problem\":" + json_text(v.problem);
  } else {
    out += ",\"origin\":" + json_text(v.now.origin) + ",\"epoch\":" + std::to_string(v.now.epoch) +
           ",\"covered\":" + std::to_string(v.covered) + ",\"size\":" + std::to_string(v.size) +
           ",\"entries\":[";
    bool first = true;
    for (const ShownEntry& e : v.entries) {
      out += std::string(first ? "" : ",") + "{\"entry\":" + std::to_string(e.index);
      if (e.state != HistoryEntry::State::pruned)  // of that one only its hash is left
        out += ",\"type\":" + json_text(entry_type_name(e.type)) +
               ",\"time\":" + json_text(time_text(e.time));
      out += ",\"state\":" + json_text(state_word(e.state));
      if (e.sealed_until) out += ",\"sealed_until\":" + json_text(time_text(*e.sealed_until));
      if (!e.parts[0].empty()) out += ",\"purpose\":" + json_text(plain(e.parts[0]));
      if (!e.parts[2].empty()) {
        out += ",\"fields\":[";
        bool after = false;
        for (const std::string& name : fields_of(e.parts[2])) {
          out += (after ? "," : "") + json_text(name);
          after = true;
        }
        out += "]";
      }
      out += "}";
      first = false;
    }
    out += "]";
  }
  std::puts((out + "}").c_str());
}

void print(const HistoryVerdict& v) {
  std::string out = "The history holds: nothing is missing up to epoch " +
                    std::to_string(v.now.epoch) + " (" + time_text(v.epoch_time) + ").\n";
  out += "  log      " + v.now.origin + ", " + grouped(v.size) + " entries\n";
  out += "  entries  " + grouped(v.entries.size()) + "\n";
  for (const ShownEntry& e : v.entries) {
    if (e.state == HistoryEntry::State::pruned) {
      out +=
          "  entry " + std::to_string(e.index) + "  past its retention, as a POLICY entry allows\n";
      continue;
    }
    out += "  " + time_text(e.time) + "  " + entry_type_name(e.type) + "  entry " +
           std::to_string(e.index);
    if (e.state == HistoryEntry::State::erased) out += "  erased, and the erasure is recorded";
    if (e.state == HistoryEntry::State::sealed)
      out += "  sealed until " + time_text(*e.sealed_until);
    if (!e.parts[0].empty()) out += "  " + plain(e.parts[0]);
    out += "\n";
    if (!e.parts[2].empty()) {
      out += "     ";
      for (const std::string& name : fields_of(e.parts[2])) out += " " + name;
      out += "\n";
    }
  }
  std::fputs(out.c_str(), stdout);
}

bool write_state(const std::string& name, const Remembered& remembered) {
  std::ofstream out(name + ".new", std::ios::binary | std::ios::trunc);
  out << write_remembered(remembered);
  out.close();
  return out.good() && std::rename((name + ".new").c_str(), name.c_str()) == 0;
}

}  // namespace

int run_citizen(const std::vector<std::string>& arguments) {
  const Words words(arguments, {"policy", "state", "at"}, {"json", "help"});
  if (words.has("help")) {
    std::puts(kHelp);
    return kHolds;
  }
  if (!words.wrong().empty() || words.rest().size() != 1 || !words.has("policy"))
    return complain(kTrouble, "The command line is wrong.",
                    words.wrong().empty() ? "--policy and one history are needed" : words.wrong(),
                    "see amanat-verify citizen --help");
  HistoryCheck check;
  check.unix_time = unix_now();
  if (words.has("at")) {
    const auto at = parse_decimal(words.option("at"));
    if (!at) return complain(kTrouble, "The command line is wrong.", "--at is Unix seconds", "");
    check.unix_time = *at;
  }
  const auto policy_text = read_input(words.option("policy"), kTlogPolicyBytesMax);
  if (!policy_text) return complain(kTrouble, policy_text.error());
  auto policy = parse_tlog_policy(*policy_text);
  if (!policy)
    return complain(kTrouble, "This is not a tlog-policy: the file that names the log's key.",
                    words.option("policy") + ": " + policy.error().detail,
                    "a witness of the log publishes it; --policy FILE comes before the history");
  check.policy = *std::move(policy);
  const auto history = read_input(words.rest()[0], kHistoryBytesMax);
  if (!history) return complain(kTrouble, history.error());
  if (words.has("state") && ::access(words.option("state").c_str(), F_OK) == 0) {
    const auto before = read_input(words.option("state"), 64 * 1024);
    if (!before) return complain(kTrouble, before.error());
    auto remembered = parse_remembered(*before);
    if (!remembered) return complain(kTrouble, remembered.error(), words.option("state"));
    check.before = *std::move(remembered);
  }
  check.subject = read_national_id();
  if (check.subject.size() != 13)
    return complain(kTrouble, "A national ID has 13 digits.", "", "give it on standard input");
  const auto verdict = verify_history(*history, check);
  wipe(check.subject.data(), check.subject.size());
  if (words.has("json")) print_json(verdict);
  if (!verdict.problem.empty()) {
    if (words.has("json")) return kDoesNotHold;
    return complain(kDoesNotHold,
                    "The history does not hold (" + std::string(text_of(verdict.fault)) + ").",
                    verdict.problem, hint_of(verdict.fault));
  }
  if (!words.has("json")) print(verdict);
  if (words.has("state") && !write_state(words.option("state"), verdict.now))
    return complain(kTrouble, "What to remember could not be written.", words.option("state"), "");
  return kHolds;
}

}  // namespace amanat::ledger
