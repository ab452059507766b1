// A trace while the witnesses have no quorum: what is sealed waits for them, nothing is unlocked
// meanwhile, and it goes on where it stood once they are back.

#include <gtest/gtest.h>

#include "auditor.h"
#include "extract_world.h"
#include "server/traces.h"
#include "trace/bundle.h"
#include "trace/decoys.h"
#include "trace/evidence.h"
#include "witnesses.h"

namespace amanat::test {
namespace {

Result<Caller> confirms(const ExtractWorld& w, const std::string& officer,
                        const std::string& target) {
  Act act;
  act.verb = "open-trace";
  act.target = target;
  const std::string tagged = std::string("amanat/act/v1") + '\0' + *canonical_act(act);
  auto signature = crypto::sign_with_key(read_all(w.world->directory.path / (officer + ".key")),
                                         crypto::bytes_of(tagged));
  EXPECT_TRUE(signature);
  return w.world->exchange->identity().confirm_signed(
      officer, act, read_all(w.world->directory.path / (officer + ".crt")),
      crypto::text_of(crypto::bytes_of(*signature)));
}

// What somebody sells: one row of an extract, an invented citizen with a phone.
std::string one_row(const ExtractWorld& w) {
  const std::vector<std::string> list(w.citizens.begin(), w.citizens.begin() + 900);
  for (const auto& line : split(w.fetch("TA-1", w.extract("TA-1", list, "jsonl")), '\n')) {
    const auto numbers = trace::numbers_of(line);
    if (!numbers.citizens.empty() && !numbers.phones.empty() &&
        !std::binary_search(list.begin(), list.end(), numbers.citizens[0]))
      return "card,mobile\n" + numbers.citizens[0] + ",+" + numbers.phones[0] + "\n";
  }
  return {};
}

TEST(TraceQuorum, LostDuringATraceKeepsWhatIsSealedWaitingAndUnlocksNothing) {
  ExtractWorld w;
  World& world = *w.world;
  const std::string vkey = world.exchange->ledger().vkey();
  AuditorProcess auditor(vkey);
  auditor.join(world.home);
  Witnesses witnesses(vkey, world.home);
  world.reopen();
  world.serve();
  const std::string find = one_row(w);
  ASSERT_FALSE(find.empty());
  const fs::path file = world.directory.path / "find.csv";
  write_all(file, find);
  const auto traces = [&]() -> server::Traces& { return world.exchange->traces(); };
  auto id = traces().take_file(file.string(), {});
  ASSERT_TRUE(id) << id.error().detail;
  ASSERT_EQ(traces().rest(*id, {})->state, server::TraceState::waiting);

  // Two of three are gone: a quorum takes two.
  witnesses.stop(0);
  witnesses.stop(1);
  for (const char* who : {"TA-5", "TA-6"}) {
    auto caller = confirms(w, who, *id);
    ASSERT_TRUE(caller);
    ASSERT_TRUE(traces().open_by(*caller, *id));
  }
  const auto sealed = [&] {
    for (int i = 0; i < 600; ++i) {
      const auto one = traces().find(*id);
      if (one->seal) return *one;
      ::usleep(100'000);
    }
    return *traces().find(*id);
  };
  const auto before = sealed();
  ASSERT_TRUE(before.seal) << before.trouble;
  const auto waits = [&] {
    // Without a quorum no later state can be reached, however long one looks.
    for (int i = 0; i < 10; ++i) {
      const auto one = traces().find(*id);
      EXPECT_EQ(one->state, server::TraceState::sealing);
      EXPECT_FALSE(one->unlock);
      ::usleep(50'000);
    }
  };
  waits();
  // A restart meanwhile seals nothing again.
  world.reopen();
  world.serve();
  EXPECT_EQ(sealed().seal, before.seal);
  waits();

  witnesses.start(0);
  witnesses.start(1);
  auto one = traces().rest(*id, {});
  ASSERT_TRUE(one);
  ASSERT_EQ(one->state, server::TraceState::closed) << one->trouble;
  EXPECT_EQ(one->seal, before.seal);
  ASSERT_EQ(one->named, std::vector<std::string>{"TA-1"})
      << find << traces().findings(*id).value_or("no findings") << "\n"
      << traces().summary(*id).value_or("no summary");
  // The seal's receipt has the quorum, and a bundle is held to it.
  const auto bundle = traces().bundle(*id);
  ASSERT_TRUE(bundle) << bundle.error().detail;
  const auto files = trace::read_container(*bundle);
  ASSERT_TRUE(files);
  trace::Anchors anchors;
  anchors.policy = *ledger::parse_tlog_policy(witnesses.policy);
  std::string key = read_all(fs::path(auditor.place()) / "auditor.vkey");
  key.pop_back();
  anchors.auditor = *ledger::parse_verifier_key(key);
  EXPECT_EQ(trace::check_evidence(*files, anchors).problem, "");
}

}  // namespace
}  // namespace amanat::test
