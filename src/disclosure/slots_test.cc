#include "disclosure/slots.h"

#include <gtest/gtest.h>

#include <numeric>

namespace amanat::disclosure {
namespace {

Key256 counting_key() {
  std::array<std::uint8_t, 32> bytes;
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return Key256(bytes);
}

constexpr std::string_view kCatalogue =
    "amanat-slots v1\n"
    "version 3\n"
    "name 1 id.p\n"
    "name 2 id.p.present\n"
    "name 3 id.p.permanent\n"
    "name 4 id.p.born\n"
    "name 5 id.p.issued\n"
    "name 6 id.p.family\n"
    "name 7 tel.s.msisdn\n"
    "name 8 tel.c.started\n"
    "name 9 tel.c.duration\n"
    "slot 1 0 withheld even - 5,6\n"
    "slot 1 1 which even - 2,3\n"
    "slot 1 2 date even - 4,5\n"
    "slot 2 0 house 3,1 - -\n"
    "slot 2 1 abbreviation even - -\n"
    "slot 7 0 first even - -\n"
    "slot 7 2 number even - -\n"
    "slot 8 0 minute even - -\n"
    "slot 9 0 seconds even 8 -\n";

SlotCatalogue catalogue() {
  auto parsed = SlotCatalogue::parse(kCatalogue);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().detail);
  return parsed ? *parsed : SlotCatalogue();
}

// The check values of the tracing page, 3.3.
TEST(Coins, FallAsTheSpecificationSays) {
  const Key256 key = counting_key();
  const Digest subject = crypto::sha256("subject");
  const ValueId value = value_id_of({"923331234567", "923001234567"});
  EXPECT_EQ(crypto::hex(value), "a135bca9c1bd7530");
  const CoinKey coins(key);
  const std::vector<std::uint32_t> two{1, 1}, four{1, 1, 1, 1}, uneven{3, 1};
  EXPECT_EQ(coins.draw(subject, 7, value, 0), 0x31c4de457187fb72u);
  EXPECT_EQ(symbol_of(coins.draw(subject, 7, value, 0), two), 0u);
  EXPECT_EQ(coins.draw(subject, 7, value, 1), 0x4af0e250a8054b81u);
  EXPECT_EQ(symbol_of(coins.draw(subject, 7, value, 1), four), 1u);
  EXPECT_EQ(coins.draw(subject, 7, value, 2), 0x9e02132c70a1f6bcu);
  EXPECT_EQ(symbol_of(coins.draw(subject, 7, value, 2), uneven), 0u);
  EXPECT_EQ(crypto::hex(key_commitment(key)),
            "9f617a357672937f808d2c9ad559ac0294c5b5ae066df6cbd85da4549246bc27");
}

TEST(Coins, TheEndsOfADrawFallOnTheFirstAndTheLastSide) {
  const std::vector<std::uint32_t> weights{1, 2, 3};
  EXPECT_EQ(symbol_of(0, weights), 0u);
  EXPECT_EQ(symbol_of(~std::uint64_t{0}, weights), 2u);
}

TEST(SlotCatalogue, ReadsItsOneForm) {
  const SlotCatalogue c = catalogue();
  EXPECT_EQ(c.version(), 3);
  EXPECT_EQ(c.text(), kCatalogue);
  EXPECT_EQ(c.sha256(), crypto::sha256(kCatalogue));
  EXPECT_EQ(c.number_of("tel.s.msisdn"), 7);
  EXPECT_EQ(c.id_of(9), "tel.c.duration");
  ASSERT_NE(c.find(2, 0), nullptr);
  EXPECT_EQ(c.find(2, 0)->weights, (std::vector<std::uint32_t>{3, 1}));
  EXPECT_EQ(c.find(2, 7), nullptr);
}

TEST(SlotCatalogue, RefusesWhateverIsNotThatForm) {
  const std::string good(kCatalogue);
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return SlotCatalogue::parse(text);
  };
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"v1", "v2"},
           {"version 3", "version 0"},
           {"version 3", "version 03"},
           {"name 2", "name 1"},
           {"name 2 id.p.present", "name 2 ID"},
           {"withheld even - 5,6", "withheld even - 6,5"},
           {"withheld even - 5,6", "withheld even - 5,60"},
           {"withheld even - 5,6", "withheld even - -"},
           {"house 3,1", "house 3"},
           {"house 3,1", "house 65536,1"},
           {"house 3,1", "hous even"},
           {"house 3,1 -", "house 3,1 2"},
           {"slot 2 1", "slot 2 0"},
           {"slot 2 1", "slot 12 1"},
           {"slot 2 1", "slot  2 1"},
           {"seconds even 8 -\n", "seconds even 8 -"}})
    EXPECT_EQ(with(from, to).error().reason, Reason::catalog_wrong) << to;
  EXPECT_EQ(SlotCatalogue::parse("").error().reason, Reason::catalog_wrong);
  EXPECT_EQ(SlotCatalogue::parse(std::string(kCatalogueBytesMax + 1, '\n')).error().reason,
            Reason::catalog_wrong);
}

TEST(SlotCatalogue, ANumberOnceUsedMeansNothingElse) {
  const SlotCatalogue old = catalogue();
  const auto next = [&](std::string_view from, std::string_view to) {
    std::string text(kCatalogue);
    text.replace(text.find("version 3"), 9, "version 4");
    if (!from.empty()) text.replace(text.find(from), from.size(), to);
    auto parsed = SlotCatalogue::parse(text);
    EXPECT_TRUE(parsed) << to;
    return *parsed;
  };
  EXPECT_FALSE(old.follows(old));  // the version must grow
  EXPECT_TRUE(next("", "").follows(old));
  EXPECT_TRUE(next("slot 9 0 seconds even 8 -\n", "").follows(old));
  EXPECT_TRUE(next("slot 9 0 ", "slot 9 1 ").follows(old));
  EXPECT_FALSE(next("slot 9 0 seconds even 8", "slot 9 0 seconds even -").follows(old));
  EXPECT_FALSE(next("house 3,1", "house 1,3").follows(old));
  EXPECT_FALSE(next("name 6 id.p.family", "name 6 id.p.other").follows(old));
}

struct Citizen {
  std::vector<TrueRecord> records;
  std::vector<Place> places;
};
std::vector<TrueRecord> one_person() {
  return {{1,
           {{2, "House 668, Street 25, Ichhra, Lahore"},
            {3, "House 1, Street 2, Saddar, Multan"},
            {4, "1954-06-02"},
            {5, "2024-05-25"},
            {6, "ESH746"}}}};
}
const Place* place_of(const std::vector<Place>& all, std::uint16_t field, std::uint8_t slot) {
  for (const Place& p : all)
    if (p.slot->field == field && p.slot->number == slot) return &p;
  return nullptr;
}

TEST(Places, AreWhereThePurposeLeavesRoomAndTheDataHasTwoSides) {
  const SlotCatalogue c = catalogue();
  const auto records = one_person();
  const std::vector<std::uint16_t> optional{2, 3, 5, 6};
  const auto all = places(c, records, optional);
  const Place* withheld = place_of(all, 1, 0);
  ASSERT_NE(withheld, nullptr);
  EXPECT_EQ(withheld->alternatives, (std::vector<std::uint32_t>{5, 6}));
  EXPECT_EQ(withheld->value, value_id(std::string_view("\0\x05\0\x06", 4)));
  const Place* which = place_of(all, 1, 1);
  ASSERT_NE(which, nullptr);
  EXPECT_EQ(which->alternatives, (std::vector<std::uint32_t>{3, 2}));  // ascending by value
  EXPECT_NE(place_of(all, 1, 2), nullptr);
  EXPECT_EQ(place_of(all, 2, 0)->weights, (std::vector<std::uint32_t>{3, 1}));
  // What the purpose needs has no coin of class R, and keeps those of class F.
  const auto needed = places(c, records, {});
  EXPECT_EQ(place_of(needed, 1, 0), nullptr);
  EXPECT_EQ(place_of(needed, 1, 1), nullptr);
  EXPECT_EQ(place_of(needed, 2, 0), nullptr);
  EXPECT_NE(place_of(needed, 2, 1), nullptr);
  EXPECT_NE(place_of(needed, 1, 2), nullptr);
}

TEST(Places, EqualAddressesAndRoundTimesAreDead) {
  const SlotCatalogue c = catalogue();
  auto records = one_person();
  records[0].values[1].text = records[0].values[0].text;
  const std::vector<std::uint16_t> optional{2, 3, 8, 9};
  EXPECT_EQ(place_of(places(c, records, optional), 1, 1), nullptr);
  const std::vector<TrueRecord> round{{0, {{8, "2026-11-22T14:35:00"}, {9, "180"}}}};
  EXPECT_TRUE(places(c, round, optional).empty());
  const std::vector<TrueRecord> odd{{0, {{8, "2026-11-22T14:36:00"}, {9, "187"}}}};
  EXPECT_EQ(places(c, odd, optional).size(), 2u);
}

TEST(Places, OfManyRecordsTheFourLastCountAndTheOthersWait) {
  const SlotCatalogue c = catalogue();
  std::vector<TrueRecord> records;
  const std::vector<std::string> numbers{"+923005550005", "+923001110001", "+923002220002",
                                         "+923004440004", "+923003330003", "+923001110001"};
  for (const auto& n : numbers) records.push_back({0, {{7, n}}});
  const auto all = places(c, records, std::vector<std::uint16_t>{7});
  const Place* first = place_of(all, 7, 0);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->alternatives, (std::vector<std::uint32_t>{2, 4, 3, 0}));
  EXPECT_EQ(first->behind, (std::vector<std::uint32_t>{1}));
  records.resize(1);
  EXPECT_EQ(place_of(places(c, records, std::vector<std::uint16_t>{7}), 7, 0), nullptr);
}

// Every kind: what a symbol prints is read back, retyped or not.
struct Typed {
  std::string_view kind, value;
  std::vector<std::string> shown;                    // per symbol
  std::vector<std::pair<std::string, int>> retyped;  // -1: erased
};

TEST(Rendering, IsReadBackFromRawTextAndRetypedOnes) {
  const std::vector<Typed> all = {
      {"house",
       "House 668, Street 25, Ichhra, Lahore",
       {"House 668, Street 25, Ichhra, Lahore", "Street 25, Ichhra, Lahore"},
       {{"house no 668 street 25 ICHHRA lahore", 0},
        {"H# 668 St# 25, Ichhra, Lahore", 0},
        {"st. 25 ichhra , lahore", 1},
        {"Street 26, Ichhra, Lahore", -1},
        {"", -1}}},
      {"day",
       "2024-12-12",
       {"2024-12-12", "2024-12"},
       {{"12/12/2024", 0},
        {"12 December 2024", 0},
        {"Dec 2024", 1},
        {"12/2024", 1},
        {"2024", -1},
        {"20241212", 0},
        {"۱۲-۱۲-۲۰۲۴", 0}}},
      {"minute",
       "2026-10-19T07:11:59",
       {"2026-10-19T07:11:59", "2026-10-19T07:10/07:15"},
       {{"19-10-2026 07:11", 0},
        {"07:11 19/10/2026", 0},
        {"20261019071159", 0},
        {"7:11 AM", 0},
        {"7:10-7:15", 1},
        {"2026-10-19 07:10 – 07:15", 1},
        {"07:10", 1},
        {"07:12", -1},
        {"20-10-2026 07:11", -1}}},
      {"minute",
       "2026-10-19T23:57:00",
       {"2026-10-19T23:57:00", "2026-10-19T23:55/24:00"},
       {{"11:57 pm", 0}, {"23:55-00:00", 1}}},
      {"seconds",
       "187",
       {"187", "3-4 min"},
       {{"187 s", 0}, {"3:07", 0}, {"3 minutes", 1}, {"3", 1}, {"3 - 4", 1}, {"4", -1}}},
      {"cell",
       "410-05-2283-21087",
       {"410-05-2283-21087", "410-05-2283"},
       {{"410-05-2283 - 21087", 0}, {"410–05–2283", 1}, {"410-05", -1}}},
      {"abbreviation",
       "House 668, Street 25, Ichhra, Lahore",
       {"House 668, Street 25, Ichhra, Lahore", "H. 668, St. 25, Ichhra, Lahore",
        "H# 668, St# 25, Ichhra, Lahore", "668, 25, Ichhra, Lahore"},
       {{" H. 668, St. 25, Ichhra, Lahore ", 1}, {"h. 668 st. 25 ichhra lahore", -1}}},
      {"date",
       "2026-11-22",
       {"2026-11-22", "22-11-2026", "22 Nov 2026", "22/11/2026"},
       {{"22.11.2026", -1}}},
      {"dashes", "3520281848771", {"35202-8184877-1", "3520281848771"}, {{"35202 8184877 1", -1}}},
      {"number",
       "+923001234567",
       {"0300-1234567", "03001234567", "+92 300 1234567", "923001234567"},
       {{"3001234567", -1}}},
      {"unicode",
       "\u0622\u0645\u0646\u06C1",
       {"\u0622\u0645\u0646\u06C1", "\u0627\u0653\u0645\u0646\u06C1"},
       {{"\u0627\u0645\u0646\u06C1", -1}}},
      {"section", "420/468/471 PPC", {"420/468/471 PPC", "PPC 420/468/471"}, {{"420 PPC", -1}}}};
  for (const Typed& t : all) {
    SCOPED_TRACE(t.kind);
    Slot slot;
    slot.kind = *slot_kind(t.kind);
    const std::vector<const Slot*> slots{&slot};
    ASSERT_EQ(t.shown.size(), symbols_of(slot.kind));
    for (std::uint32_t s = 0; s < t.shown.size(); ++s) {
      const Symbolised symbol{&slot, s};
      EXPECT_EQ(rendered(std::span(&symbol, 1), t.value), t.shown[s]);
      EXPECT_EQ(read_value(slots, t.shown[s], t.value)[0], s) << t.shown[s];
      EXPECT_TRUE(says_value(slots, t.shown[s], t.value));
    }
    for (const auto& [raw, symbol] : t.retyped) {
      const auto read = read_value(slots, raw, t.value)[0];
      EXPECT_EQ(read ? static_cast<int>(*read) : -1, symbol) << raw;
    }
  }
}

TEST(Rendering, TwoCoinsOfOneAddressAreReadApart) {
  const SlotCatalogue c = catalogue();
  const auto slots = value_slots(c, 2);
  ASSERT_EQ(slots.size(), 2u);
  const std::string_view value = "House 668, Street 25, Ichhra, Lahore";
  for (std::uint32_t house = 0; house < 2; ++house)
    for (std::uint32_t words = 0; words < 4; ++words) {
      const std::vector<Symbolised> symbols{{slots[0], house}, {slots[1], words}};
      const std::string text = rendered(symbols, value);
      const auto read = read_value(slots, text, value);
      EXPECT_EQ(read[0], house) << text;
      EXPECT_EQ(read[1], words) << text;
    }
  const auto retyped = read_value(slots, "st 25 ichhra lahore", value);
  EXPECT_EQ(retyped[0], 1u);
  EXPECT_FALSE(retyped[1]);
}

TEST(Reading, AWithheldFieldIsTheOneEmptyCellOfAColumnThatIsThere) {
  const SlotCatalogue c = catalogue();
  const auto records = one_person();
  const auto all = places(c, records, std::vector<std::uint16_t>{5, 6});
  const Place& place = *place_of(all, 1, 0);
  const auto with = [&](Cell five, Cell six) {
    return read_withheld(place, [=](std::uint16_t f) { return f == 5 ? five : six; });
  };
  EXPECT_EQ(with(Cell::empty, Cell::filled), 0u);
  EXPECT_EQ(with(Cell::filled, Cell::empty), 1u);
  EXPECT_EQ(with(Cell::filled, Cell::filled), std::nullopt);  // "show more" was pressed
  EXPECT_EQ(with(Cell::empty, Cell::empty), std::nullopt);
  EXPECT_EQ(with(Cell::absent, Cell::filled), std::nullopt);
  EXPECT_EQ(with(Cell::absent, Cell::absent), std::nullopt);
}

TEST(Reading, AChoiceIsTheOneAlternativeThatAppears) {
  const SlotCatalogue c = catalogue();
  const auto slots = value_slots(c, 7);
  const std::vector<std::string_view> texts{"+923001110001", "+923002220002"};
  const auto read = [&](std::vector<std::string_view> raws) {
    return read_choice(raws, texts, slots);
  };
  EXPECT_EQ(read({"x", "0300 1110001"}), 0u);
  EXPECT_EQ(read({"3002220002"}), 1u);
  EXPECT_EQ(read({"3002220002", "0300-1110001"}), std::nullopt);
  EXPECT_EQ(read({"03003330003"}), std::nullopt);
}

TEST(Keys, AnEpochIsAYearAndItsRekeyings) {
  EXPECT_EQ(epoch_of(Moment{1'795'305'600'000}), 26 * 16);  // 22 November 2026
  EXPECT_EQ(epoch_of(Moment{1'795'305'600'000}, 15), 26 * 16 + 15);
  EXPECT_EQ(year_of(26 * 16 + 15), 2026u);
}

TEST(Keys, BothSharesAccountAndEpochDecideTheKey) {
  std::array<std::uint8_t, 64> a{}, b{};
  b[63] = 1;
  std::vector<Key256> keys{
      account_key(a, b, AccountId{1}, 416), account_key(b, a, AccountId{1}, 416),
      account_key(a, b, AccountId{2}, 416), account_key(a, b, AccountId{1}, 417),
      account_key(a, a, AccountId{1}, 416)};
  for (std::size_t i = 0; i < keys.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(key_commitment(keys[i]), key_commitment(keys[j]));
}

TEST(MarksRecord, IsReadAsItWasWritten) {
  MarksRecord record{MarksRecord::Kind::coins, 3, 416, crypto::sha256("k"), {}, EntryIndex{}};
  EXPECT_EQ(encode_marks(record).size(), 37u);
  record.optional = {2, 5, 600};
  auto read = parse_marks(encode_marks(record));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->optional, record.optional);
  EXPECT_EQ(read->commitment, record.commitment);
  EXPECT_EQ(read->epoch, 416);
  EXPECT_EQ(read->catalogue, 3);
  MarksRecord more{MarksRecord::Kind::more, 3, 416, record.commitment, {}, EntryIndex{77}};
  read = parse_marks(encode_marks(more));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->parent, EntryIndex{77});
  EXPECT_EQ(parse_marks(encode_marks(MarksRecord{}))->kind, MarksRecord::Kind::exempt);
  const std::string good = encode_marks(record);
  for (const std::string& bad :
       {std::string(), std::string(1, '\3') + good.substr(1), good.substr(0, 36), good + "x",
        good + std::string("\0\1", 2), std::string("\0\0", 2), std::string("\2") + good.substr(1)})
    EXPECT_EQ(parse_marks(bad).error().reason, Reason::ledger_corrupt);
}

}  // namespace
}  // namespace amanat::disclosure
