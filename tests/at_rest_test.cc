// What a stolen disk gives: nothing. What an erased citizen leaves: nothing.

#include <gtest/gtest.h>

#include <algorithm>
#include <unordered_map>

#include "crypto/crypto.h"
#include "world.h"

namespace amanat::test {
namespace {

// Hunt looks for many patterns at once in one pass: every pattern is at least 8 bytes, found by its
// first 8, then compared whole.
class Hunt {
 public:
  void add(std::string pattern, std::string what) {
    if (pattern.size() < 8) return;
    std::uint64_t head;
    std::memcpy(&head, pattern.data(), 8);
    by_head_.emplace(head, std::pair{std::move(pattern), std::move(what)});
  }
  // add_all_forms adds the text as it is, in hex of both cases, and in base64 at all three
  // alignments (without the characters that depend on neighbours).
  void add_all_forms(const std::string& text, const std::string& what) {
    add(text, what);
    std::string hex = crypto::hex(crypto::bytes_of(text));
    add(hex, what + " in hex");
    std::transform(hex.begin(), hex.end(), hex.begin(),
                   [](unsigned char c) { return std::toupper(c); });
    add(hex, what + " in upper-case hex");
    for (std::size_t shift = 0; shift < 3; ++shift) {
      std::string padded = std::string(shift, 'x') + text;
      padded.resize(padded.size() / 3 * 3);
      const std::string encoded = crypto::base64(crypto::bytes_of(padded));
      const std::size_t cut = shift == 0 ? 0 : 4;
      if (encoded.size() > cut + 8) add(encoded.substr(cut), what + " in base64");
    }
  }
  std::string find_in(std::string_view haystack) const {
    for (std::size_t i = 0; i + 8 <= haystack.size(); ++i) {
      std::uint64_t head;
      std::memcpy(&head, haystack.data() + i, 8);
      const auto [from, to] = by_head_.equal_range(head);
      for (auto at = from; at != to; ++at)
        if (haystack.substr(i, at->second.first.size()) == at->second.first)
          return at->second.second;
    }
    return {};
  }
  std::size_t size() const { return by_head_.size(); }

 private:
  std::unordered_multimap<std::uint64_t, std::pair<std::string, std::string>> by_head_;
};

void hunt_for_column(Hunt& hunt, const char* file, std::size_t column, const std::string& what) {
  const Table table = read_table(World::data() / file);
  std::set<std::string> seen;
  for (std::size_t i = 1; i < table.size(); ++i) {
    if (table[i].size() <= column) continue;
    std::string text = table[i][column];
    while (!text.empty() && text.back() == ' ') text.pop_back();
    const std::string digits = digits_of(text);
    // Numbers are hunted in the forms they may be kept in; names as sent.
    if (digits.size() >= 10) {
      if (!seen.insert(digits.substr(digits.size() - 10)).second) continue;
      hunt.add_all_forms(digits, what);
      hunt.add_all_forms(digits.substr(digits.size() - 10), what);
      if (digits.size() == 13)
        hunt.add_all_forms(
            digits.substr(0, 5) + "-" + digits.substr(5, 7) + "-" + digits.substr(12), what);
    } else if (text.size() >= 10 && seen.insert(text).second) {
      hunt.add_all_forms(text, what);
    }
  }
}

Hunt everything_that_went_in() {
  Hunt hunt;
  hunt_for_column(hunt, "nadra_identity.csv", 0, "a national ID");
  hunt_for_column(hunt, "nadra_identity.csv", 1, "a name");
  hunt_for_column(hunt, "nadra_identity.csv", 2, "an Urdu name");
  hunt_for_column(hunt, "nadra_identity.csv", 9, "an address");
  hunt_for_column(hunt, "telecom_subscribers.csv", 0, "a phone number");
  hunt_for_column(hunt, "telecom_cdr.csv", 1, "a called number");
  hunt_for_column(hunt, "police_firs.csv", 6, "an accused's name");
  hunt_for_column(hunt, "hotel_guests.csv", 3, "a guest's name");
  hunt_for_column(hunt, "hr_roster.csv", 1, "an officer's name");
  hunt_for_column(hunt, "hr_roster.csv", 2, "an officer's national ID");
  hunt_for_column(hunt, "cases.csv", 6, "a case's subject");
  return hunt;
}

TEST(AtRest, TheHuntFindsEachFormItLooksFor) {
  Hunt hunt;
  hunt.add_all_forms("Kashif Mehmood", "a name");
  for (const std::string& around :
       {std::string("Kashif Mehmood"), crypto::hex(crypto::bytes_of("xKashif Mehmoodx")),
        crypto::base64(crypto::bytes_of("Kashif Mehmood!!")),
        crypto::base64(crypto::bytes_of("1Kashif Mehmood!!")),
        crypto::base64(crypto::bytes_of("12Kashif Mehmood!!"))})
    EXPECT_FALSE(hunt.find_in("...." + around + "....").empty()) << around;
}

TEST(AtRest, AHomeWithoutItsKeysHoldsNoNationalIdPhoneOrNameThatWentIn) {
  World world;
  const OpenCase open = world.open_cases("fir").at(0);
  world.device(open.officer);
  world.serve();
  // Answers and refusals leave traces too: openings with names asked for, evidence with IDs.
  const auto reply = world.ask(
      open.officer, World::question(R"("national_id":")" + open.citizen + '"',
                                    R"("identity.persons.*")", "crime-investigation", open.ref));
  ASSERT_EQ(reply.status, 200u) << reply.body;
  world.exchange->stop();
  world.exchange.reset();

  const Hunt hunt = everything_that_went_in();
  ASSERT_GT(hunt.size(), 50'000u);
  std::size_t files = 0, bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(world.home)) {
    if (!entry.is_regular_file()) continue;
    if (entry.path().string().starts_with((world.home / "keys").string() + "/")) continue;
    const std::string content = read_all(entry.path());
    ++files;
    bytes += content.size();
    EXPECT_EQ(hunt.find_in(content), "") << "in " << fs::relative(entry.path(), world.home);
  }
  EXPECT_GT(files, 5u);
  EXPECT_GT(bytes, 5'000'000u) << "the records are there, sealed";
}

TEST(AtRest, AnErasedCitizenIsInNoAnswerAndInNoEarlierBackupWithTodaysKeys) {
  World world;
  const OpenCase open = world.open_cases("fir").at(0);
  world.device(open.officer);
  const std::string question =
      World::question(R"("national_id":")" + open.citizen + '"',
                      R"("identity.persons.name","identity.persons.present_address")",
                      "crime-investigation", open.ref);
  world.serve();
  const auto before = world.ask(open.officer, question);
  ASSERT_EQ(before.status, 200u) << before.body;
  ASSERT_NE(before.body.find("present_address\":"), std::string::npos);
  world.exchange->stop();
  world.exchange.reset();
  const fs::path backup = world.directory.path / "backup";
  fs::copy(world.home / "records", backup, fs::copy_options::recursive);

  auto opened = server::Exchange::open(world.home.string());
  ASSERT_TRUE(opened) << opened.error().detail;
  world.exchange = *std::move(opened);
  auto erased = world.exchange->erase({SubjectKind::national_id, open.citizen});
  ASSERT_TRUE(erased) << row_of(erased.error().reason).id;
  EXPECT_GT(erased->records, 0u);
  EXPECT_GT(erased->keys, 0u);
  EXPECT_GT(erased->openings, 0u) << "who looked at them is erased as well";
  world.serve();
  const auto after = world.ask(open.officer, question);
  EXPECT_EQ(after.status, 200u);
  EXPECT_NE(after.body.find("\"records\":{}"), std::string::npos) << after.body;
  auto again = world.exchange->erase({SubjectKind::national_id, open.citizen});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, Reason::no_record);
  world.exchange->stop();
  world.exchange.reset();

  // Somebody restores yesterday's records beside today's keys.
  fs::remove_all(world.home / "records");
  fs::copy(backup, world.home / "records", fs::copy_options::recursive);
  opened = server::Exchange::open(world.home.string());
  ASSERT_TRUE(opened) << row_of(opened.error().reason).id << opened.error().detail;
  world.exchange = *std::move(opened);
  world.serve();
  const auto restored = world.ask(open.officer, question);
  EXPECT_EQ(restored.body.find("present_address\":"), std::string::npos) << restored.body;
  EXPECT_EQ(restored.body.find("\"name\":"), std::string::npos) << restored.body;
}

}  // namespace
}  // namespace amanat::test
