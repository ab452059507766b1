// How soon what was acknowledged is in a published head that a quorum of witnesses has cosigned
// (G8 of the ledger's goals): three witnesses, each a process of its own on loopback, over TLS.
//   publish_bench [seconds]
// Its files lie under $TMPDIR; the program amanat stands beside this one.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "crypto/crypto.h"
#include "ledger/ledger.h"
#include "model/task.h"
#include "tests/process.h"

namespace {

using namespace amanat;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr const char* kOrigin = "bench.example/publish";

std::string text_of(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

Task<bool> one_append(ledger::Ledger& ledger, const Slice& slice, std::uint64_t& index) {
  std::vector<EntryContent> entries(1);
  entries[0].type = EntryType::denied;
  entries[0].actor = Actor{AccountId{1}, KeyKind::certificate, {}};
  entries[0].slice = slice;
  auto pending = ledger.record(std::move(entries));
  auto recorded = co_await pending;
  if (recorded) index = number(recorded->entries[0].index);
  co_return recorded.has_value();
}

struct Witnesses {
  std::vector<std::unique_ptr<test::Process>> processes;
  std::string policy, trusted;

  bool start(const fs::path& program, const fs::path& directory, const std::string& vkey) {
    policy = "log " + vkey + "\n";
    std::string members;
    for (int i = 0; i < 3; ++i) {
      const std::string n = std::to_string(i);
      const fs::path place = directory / ("w" + n);
      const std::string made = program.string() + " ledger witness init --dir " + place.string() +
                               " --name witness.example.org/w" + n + " >/dev/null";
      if (std::system(made.c_str()) != 0) return false;
      std::ofstream(place / "logs") << vkey << "\n";
      processes.push_back(std::make_unique<test::Process>(
          std::vector<std::string>{program.string(), "ledger", "witness", "serve", "--dir",
                                   place.string(), "--listen", "127.0.0.1:0"}));
      const std::string address = processes.back()->address();
      if (address.empty()) return false;
      std::string key = text_of(place / "witness.vkey");
      key.erase(key.find_last_not_of('\n') + 1);
      policy += "witness w" + n + " " + key + " https://" + address + "\n";
      trusted += text_of(place / "ca.crt");
      members += " w" + n;
    }
    policy += "group three 2" + members + "\nquorum three\n";
    return true;
  }
};

double at(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 10;
  const char* temporary = std::getenv("TMPDIR");
  const fs::path directory = fs::path(temporary != nullptr ? temporary : "/var/tmp") / "publish";
  const fs::path program = fs::canonical("/proc/self/exe").parent_path() / "amanat";
  fs::remove_all(directory);
  fs::create_directories(directory);

  ledger::Options options;
  options.directory = (directory / "ledger").string();
  options.origin = kOrigin;
  options.alarm = [](std::string_view) {};
  const Key256 seed = crypto::random_key();
  Slice slice;
  slice.key = crypto::random_key();
  if (!ledger::Ledger::create(options, seed, slice)) return 2;
  Witnesses witnesses;
  {
    auto before = ledger::Ledger::open(options, seed);
    if (!before || !witnesses.start(program, directory, (*before)->vkey())) {
      std::fputs("publish_bench: no witnesses\n", stderr);
      return 2;
    }
  }
  std::ofstream(directory / "ca.crt") << witnesses.trusted;
  options.witnesses.emplace();
  options.witnesses->policy = witnesses.policy;
  options.witnesses->ca_file = (directory / "ca.crt").string();
  auto ledger = ledger::Ledger::open(options, seed);
  if (!ledger) {
    std::fprintf(stderr, "publish_bench: %s\n", ledger.error().detail.c_str());
    return 2;
  }

  // One append every 97 ms meets the second's period at every phase.
  std::vector<std::pair<std::uint64_t, Clock::time_point>> waiting;
  std::vector<double> took;
  WaitingRoom room;
  const auto begin = Clock::now();
  const auto end =
      begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  auto next = begin;
  while (Clock::now() < end || !waiting.empty()) {
    if (Clock::now() >= next && Clock::now() < end) {
      next += std::chrono::milliseconds(97);
      std::uint64_t index = 0;
      bool done = false, recorded = false;
      auto task = one_append(**ledger, slice, index);
      start(std::move(task), [&](bool ok) {
        recorded = ok;
        done = true;
      });
      while (!done) room.run_one();
      if (!recorded) return 2;
      waiting.emplace_back(index, Clock::now());
    }
    const auto standing = (*ledger)->witness_standing();
    const auto now = Clock::now();
    std::erase_if(waiting, [&](const auto& one) {
      if (standing.cosignatures < 2 || standing.cosigned_size <= one.first) return false;
      took.push_back(std::chrono::duration<double>(now - one.second).count());
      return true;
    });
    if (now > end + std::chrono::seconds(60)) {
      std::fputs("publish_bench: no quorum\n", stderr);
      return 2;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::sort(took.begin(), took.end());
  const auto figure = [](const char* name, double value, const char* words) {
    std::printf("part\t%s\t%.4g\ts\t%s\n", name, value, words);
  };
  figure("ledger_publication_p50", at(took, 0.5),
         "from acknowledgement to a published head cosigned by 2 of 3 witnesses on loopback");
  figure("ledger_publication_p99", at(took, 0.99), "the same, 99th percentile");
  ledger->reset();
  witnesses.processes.clear();
  fs::remove_all(directory);
  return 0;
}
