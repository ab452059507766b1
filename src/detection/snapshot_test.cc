#include "detection/snapshot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "crypto/crypto.h"

namespace amanat::detection {
namespace {

struct Entry {
  Past past;
  std::string case_ref, judged;
  std::optional<Spent> spent;
};

SubjectName name_of(unsigned citizen) {
  return {SubjectKind::national_id, std::to_string(3'520'100'000'000ull + citizen)};
}

Label label_of(unsigned citizen) { return crypto::sha256("citizen " + std::to_string(citizen)); }

Near near_of(unsigned citizen) {
  Near near;
  near.known = true;
  near.digit = static_cast<std::uint8_t>(citizen % 10);
  const auto tens = [](std::uint64_t n) { return n * 0x9e3779b97f4a7c15ull << 4; };
  near.below = tens(citizen / 10 + 99);
  near.here = tens(citizen / 10 + 100);
  near.above = tens(citizen / 10 + 101);
  return near;
}

// A ledger's worth of lookups and alerts, recorded a little out of the order they were judged in.
std::vector<Entry> some_history(std::mt19937& random, std::size_t entries) {
  std::vector<Entry> history;
  std::uint64_t at = 1'700'000'000'000, order = 1;
  for (std::size_t i = 0; i < entries; ++i) {
    at += random() % 400'000;
    Entry e;
    const unsigned officer = random() % 12, citizen = random() % 300;
    e.past.type = EntryType::disclosure;
    e.past.time = Moment{at};
    e.past.actor = Actor{AccountId{officer + 1}, KeyKind::certificate, label_of(officer % 5)};
    e.past.unit = "unit " + std::to_string(officer / 4);
    if (random() % 3 != 0) e.case_ref = "FIR " + std::to_string(random() % 9);
    if (random() % 12 == 0) {
      Alert alert;
      alert.rule = random() % 2 == 0 ? Rule::placed : Rule::absent_names;
      alert.tier = Tier::hold;
      alert.actor = e.past.actor;
      alert.unit = e.past.unit;
      alert.at = at;
      alert.order = order++;
      Look look;
      look.order = alert.order;
      look.subject = hash_of(label_of(citizen));
      look.at = at;
      alert.looks.push_back(look);
      alert.parameters = "0123456789abcdef";
      e.past.type = EntryType::alert;
      e.judged = encode(alert);
    } else {
      Look look;
      look.order = order++;
      look.subject = hash_of(label_of(citizen));
      look.at = at;
      look.near = near_of(citizen);
      look.why = random() % 4 == 0 ? Why::unexplained : Why::named;
      look.exists = random() % 9 != 0;
      e.judged = words_of(look);
      if (look.exists)
        e.spent = Spent{e.past.actor.account, e.past.unit, e.case_ref, label_of(citizen), {}};
    }
    history.push_back(std::move(e));
  }
  for (std::size_t i = 0; i + 8 < history.size(); i += 8)
    std::shuffle(history.begin() + static_cast<std::ptrdiff_t>(i),
                 history.begin() + static_cast<std::ptrdiff_t>(i + 8), random);
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < history.size(); ++i) {
    Entry& e = history[i];
    last = std::max(last, number(e.past.time));
    e.past.time = Moment{last};
    e.past.index = EntryIndex{i + 1};
    if (e.spent) e.spent->time = e.past.time;
  }
  return history;
}

void tell(Detection& detection, std::span<const Entry> history) {
  for (const Entry& e : history) {
    detection.observe(e.past.time);
    if (e.spent) detection.replay(*e.spent);
    Past past = e.past;
    past.case_ref = e.case_ref;
    past.judged = e.judged;
    detection.replay(past);
  }
}

// Each holder a chunk of its own, so that two states are equal exactly if their chunks are.
std::vector<std::string> state_of(const Detection& detection) {
  std::vector<std::string> chunks;
  const auto written = detection.write_state(
      [&](std::string_view chunk) {
        chunks.emplace_back(chunk);
        return Result<void>{};
      },
      1);
  EXPECT_TRUE(written);
  std::sort(chunks.begin(), chunks.end());
  return chunks;
}

Options all_rules() {
  Options options;
  options.parameters = Parameters{};
  options.steady_ms = [] { return 1u; };
  return options;
}

TEST(Snapshot, AReplayGoesOnFromOneAsIfItHadNeverStopped) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto history = some_history(random, 3000);
  Detection whole(all_rules());
  tell(whole, history);
  for (int round = 0; round < 5; ++round) {
    const std::size_t cut = random() % history.size();
    Detection first(all_rules()), second(all_rules());
    EXPECT_EQ(first.state_id(), second.state_id());
    tell(first, std::span(history).first(cut));
    const auto written = first.write_state(
        [&](std::string_view chunk) { return second.read_state(chunk); }, 1 + random() % 100'000);
    ASSERT_TRUE(written);
    EXPECT_EQ(state_of(first), state_of(second));
    tell(second, std::span(history).subspan(cut));
    EXPECT_EQ(state_of(whole), state_of(second)) << "cut at " << cut;
    Detection plain(all_rules());
    tell(plain, history);
    EXPECT_EQ(plain.replayed().alerts, second.replayed().alerts);
    EXPECT_EQ(plain.holds().size(), second.holds().size());
    EXPECT_GT(second.holds().size(), 0u);
    EXPECT_EQ(plain.alerts(50).size(), second.alerts(50).size());
  }
}

TEST(Snapshot, AnErasedCitizenIsNowhereInItAndNothingIsRefilled) {
  std::mt19937 random(7);
  Detection detection(all_rules());
  tell(detection, some_history(random, 3000));
  const auto before = state_of(detection);
  const std::uint64_t subject = hash_of(label_of(5));
  const std::string bytes(reinterpret_cast<const char*>(&subject), sizeof subject);
  const auto names = [&](const std::vector<std::string>& chunks) {
    return std::count_if(chunks.begin(), chunks.end(), [&](const std::string& chunk) {
      return chunk.find(bytes) != std::string::npos;
    });
  };
  ASSERT_GT(names(before), 3);
  detection.forget(name_of(5), label_of(5));
  const auto after = state_of(detection);
  EXPECT_EQ(names(after), 0);
  ASSERT_EQ(before.size(), after.size());
  std::size_t bytes_before = 0, bytes_after = 0;
  for (const auto& chunk : before) bytes_before += chunk.size();
  for (const auto& chunk : after) bytes_after += chunk.size();
  EXPECT_LE(bytes_before - bytes_after, 200u);  // the place in the magnet's table alone
}

TEST(Snapshot, AnotherFormOrACutChunkIsRefused) {
  std::mt19937 random(3);
  Detection detection(all_rules());
  tell(detection, some_history(random, 200));
  for (const std::string& chunk : state_of(detection)) {
    Detection other(all_rules());
    EXPECT_TRUE(other.read_state(chunk));
    for (int i = 0; i < 20; ++i)
      EXPECT_FALSE(
          Detection(all_rules())
              .read_state(std::string_view(chunk).substr(0, 2 + random() % (chunk.size() - 2))))
          << chunk.size();
  }
  EXPECT_FALSE(detection.read_state("X"));
  Options other = all_rules();
  other.parameters.burst_per_minute += 1;
  EXPECT_NE(Detection(other).state_id(), detection.state_id());
}

}  // namespace
}  // namespace amanat::detection
