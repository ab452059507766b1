// A log of a million entries, accepted by verifiers that others wrote.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "export_folder.h"
#include "ledger/audit.h"
#include "ledger/ledger.h"
#include "ledger/log_source.h"
#include "ledger/long_run_for_tests.h"
#include "ledger/proof.h"
#include "model/task.h"
#include "node.h"

namespace amanat::ledger {
namespace {

constexpr int kSkipped = 77;

// The arguments are names made here, so the shell of popen sees nothing foreign.
int run_interop(const std::string& arguments, std::string& printed) {
  const std::string command =
      std::string(AMANAT_SOURCE_DIR) + "/tests/interop/run " + arguments + " 2>&1";
  std::FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return -1;
  for (char part[512]; std::fgets(part, sizeof(part), pipe) != nullptr;) printed += part;
  const int status = pclose(pipe);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string quoted_key() { return "'" + test_signer().verifier().text() + "'"; }

// Receipts as the log hands them out: paths made from the tiles.
void write_receipts(const std::string& folder, const std::string& to, std::uint64_t size,
                    std::string_view note) {
  const auto source = open_folder(folder);
  TileTree tree(size, [&](const TileName& name) { return source->read(tile_path(name)); });
  for (std::uint64_t i = 0; i < size; i += size / 200 + 1) {
    const auto path = inclusion_path(i, size, tree.reader());
    ASSERT_TRUE(path) << path.error().detail;
    std::string receipt;
    append_tlog_proof(receipt, test_entry(i), i, *path, note);
    write_text(to + "/" + std::to_string(i) + ".tlog-proof", receipt);
  }
}

TEST(Interop, OthersVerifiersAcceptALogOfAMillionEntries) {
  const TestFolder probe;
  std::string printed;
  if (run_interop(probe.path() + " none", printed) == kSkipped) GTEST_SKIP() << printed;
  const TestFolder folder, receipts;
  const std::string note = export_folder(folder.path(), 1'000'000);
  write_receipts(folder.path(), receipts.path(), 1'000'000, note);
  printed.clear();
  EXPECT_EQ(run_interop(folder.path() + " " + quoted_key() + " " + receipts.path(), printed), 0)
      << printed;
  EXPECT_NE(
      printed.find(
          "1000000 entries, 3924 tiles, 1000 inclusion and 1000 consistency proofs, 200 receipts"),
      printed.npos)
      << printed;
  const auto source = open_folder(folder.path());
  const auto audit = audit_log(*source, test_signer().verifier(), {});
  ASSERT_TRUE(audit);
  EXPECT_EQ(audit->problem, "");
  EXPECT_EQ(audit->tiles, 3924u);
}

TEST(Interop, OthersVerifiersAcceptEveryWidthAndRefuseWhatWasChanged) {
  const std::uint64_t mutations = number_from("AMANAT_MUTATIONS", 0);
  const LongRunSeed seed;
  SCOPED_TRACE(seed.text());
  for (const std::uint64_t size : {1u, 255u, 256u, 257u, 65'535u, 65'536u, 65'537u}) {
    const TestFolder folder, receipts;
    const std::string note = export_folder(folder.path(), size);
    write_receipts(folder.path(), receipts.path(), size, note);
    std::string printed;
    const int code =
        run_interop(folder.path() + " " + quoted_key() + " " + receipts.path(), printed);
    if (code == kSkipped) GTEST_SKIP() << printed;
    EXPECT_EQ(code, 0) << size << printed;
    if (size > 1000 && mutations == 0) continue;
    // One bit of each file, then of any: checkpoint, tiles of every level, bundles, receipts.
    printed.clear();
    EXPECT_EQ(run_interop("mutate " + folder.path() + " " + quoted_key() + " " + receipts.path() +
                              " " + std::to_string(mutations == 0 ? 300 : mutations) + " " +
                              std::to_string(seed.value % 1'000'000'000),
                          printed),
              0)
        << size << printed;
    EXPECT_NE(printed.find(" turned bits in "), printed.npos) << printed;
    std::printf("    %llu entries: %s", static_cast<unsigned long long>(size), printed.c_str());
  }
}

Task<Result<Recorded>> record(Ledger& ledger, std::vector<EntryContent> entries) {
  auto pending = ledger.record(std::move(entries));
  auto recorded = co_await pending;
  co_return recorded;
}

// Not the tile writer alone but a running ledger: its receipts at the tip and its export.
TEST(Interop, OthersVerifiersAcceptARunningLedgersExportAndReceipts) {
  const TestFolder home, receipts;
  const Key256 seed = crypto::random_key();
  Slice slice;
  slice.key = crypto::random_key();
  Options options;
  options.directory = home.path() + "/ledger";
  options.origin = "log.example.org/running";
  options.segment_bytes = 1 << 20;
  options.publish_every_ms = 1;
  ASSERT_TRUE(Ledger::create(options, seed, slice));
  auto ledger = Ledger::open(options, seed);
  ASSERT_TRUE(ledger) << ledger.error().detail;
  for (int round = 0; round < 20; ++round) {
    std::vector<EntryContent> entries;
    for (int i = 0; i < 60; ++i) {
      EntryContent denied;
      denied.type = EntryType::denied;
      denied.subject = Label{};
      denied.actor = Actor{};
      denied.part(BodyPart::purpose) = "crime-investigation";
      denied.slice = slice;
      entries.push_back(std::move(denied));
    }
    const auto recorded = wait(record(**ledger, std::move(entries)));
    ASSERT_TRUE(recorded) << recorded.error().detail;
    ASSERT_EQ(recorded->entries.size(), 60u);
    for (const auto& entry : recorded->entries)
      write_text(receipts.path() + "/" + std::to_string(number(entry.index)) + ".tlog-proof",
                 entry.proof);
  }
  const std::string folder = home.path() + "/export", vkey = (*ledger)->vkey();
  // Published is what the next tick of the publisher makes so.
  for (int i = 0; i < 500 && (*ledger)->checkpoint().find("\n1201\n") == std::string::npos; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_TRUE((*ledger)->export_to(folder));
  const auto source = open_folder(folder);
  const auto audit = audit_log(*source, *parse_verifier_key(vkey), {});
  ASSERT_TRUE(audit);
  EXPECT_EQ(audit->problem, "");
  EXPECT_EQ(audit->entries, 1201u);
  EXPECT_TRUE(audit->ours);
  std::string printed;
  const int code = run_interop(folder + " '" + vkey + "' " + receipts.path(), printed);
  if (code == kSkipped) GTEST_SKIP() << printed;
  EXPECT_EQ(code, 0) << printed;
  EXPECT_NE(printed.find("1201 entries"), printed.npos) << printed;
  EXPECT_NE(printed.find("1200 receipts"), printed.npos) << printed;
}

// Sigstore's own verifier, another code base than the Go one above.
TEST(Interop, SigstoresVerifierAcceptsEveryReceiptAndRefusesEveryChange) {
  std::size_t changes = 0;
  for (const std::uint64_t size : {1u, 2u, 255u, 256u, 257u, 1000u}) {
    const TestFolder folder, receipts;
    const std::string note = export_folder(folder.path(), size);
    write_receipts(folder.path(), receipts.path(), size, note);
    const test::Ran ran =
        test::node("sigstore-log.mjs", quoted_key() + " '" + receipts.path() + "'");
    ASSERT_EQ(ran.status, 0) << size << ": " << ran.said;
    std::size_t accepted = 0, refused = 0;
    ASSERT_EQ(std::sscanf(ran.said.c_str(), "%zu receipts accepted, %zu changes refused", &accepted,
                          &refused),
              2)
        << ran.said;
    EXPECT_EQ(accepted, (size + size / 200) / (size / 200 + 1)) << size;
    EXPECT_GE(refused, accepted * 5);
    changes += refused;
  }
  std::printf("    %zu changes of receipts refused\n", changes);
}

}  // namespace
}  // namespace amanat::ledger
