// What coins may and may not do, over random catalogues, values and keys: no value is ever
// falsified, coins are fair and independent, and nothing of them can be changed afterwards.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <random>

#include "disclosure/slots.h"
#include "ledger/entry.h"

namespace amanat::disclosure {
namespace {

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : engine_(seed) {}
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(engine_() % n); }
  std::string digits(std::size_t n) {
    std::string out;
    while (out.size() < n) out.push_back(static_cast<char>('0' + below(10)));
    return out;
  }
  std::string two(std::uint32_t from, std::uint32_t n) {
    const std::uint32_t v = from + below(n);
    return std::string(1, static_cast<char>('0' + v / 10)) + static_cast<char>('0' + v % 10);
  }
  Key256 key() {
    std::array<std::uint8_t, 32> bytes;
    for (auto& b : bytes) b = static_cast<std::uint8_t>(engine_());
    return Key256(bytes);
  }

 private:
  std::mt19937_64 engine_;
};

unsigned number_of(const std::string& text) { return static_cast<unsigned>(std::stoul(text)); }

// A value of the kind's sort, sometimes one on which the slot is dead.
std::string value_of(SlotKind kind, Draw& draw) {
  const auto date = [&] {
    return std::to_string(1950 + draw.below(90)) + "-" + draw.two(1, 12) + "-" + draw.two(1, 28);
  };
  switch (kind) {
    case SlotKind::day:
    case SlotKind::date:
      return draw.below(8) == 0 ? "unknown" : date();
    case SlotKind::minute:
      return date() + "T" + draw.two(0, 24) + ":" + draw.two(0, 60) + ":" + draw.two(0, 60);
    case SlotKind::seconds:
      return std::to_string(draw.below(10'000));
    case SlotKind::cell:
      return "410-0" + draw.digits(1) + "-" + draw.digits(4) + "-" + draw.digits(5);
    case SlotKind::dashes:
      return draw.digits(draw.below(8) == 0 ? 12 : 13);
    case SlotKind::number:
      return draw.below(8) == 0 ? "1122" : "+923" + draw.digits(9);
    case SlotKind::unicode:
      return draw.below(2) == 0 ? "\u0622\u0645\u0646\u06C1" : "\u06A9\u0627\u0634\u0641";
    case SlotKind::section:
      return draw.digits(3) + "/" + draw.digits(3) + (draw.below(4) == 0 ? "" : " PPC");
    case SlotKind::house:
    case SlotKind::abbreviation:
      return (draw.below(6) == 0 ? "" : "House " + draw.digits(2) + ", ") +
             (draw.below(6) == 0 ? "Village Kot" : "Street " + draw.digits(1)) + ", Saddar, Multan";
    default:
      return draw.digits(4);
  }
}

// Whether what is shown is true of the value, in words of this test and none of the code's.
bool is_true(SlotKind kind, const std::string& shown, const std::string& value) {
  const auto only_digits = [](const std::string& text) {
    std::string out;
    for (const char c : text)
      if (c >= '0' && c <= '9') out.push_back(c);
    return out;
  };
  if (shown == value) return true;
  switch (kind) {
    case SlotKind::day:
      return shown.size() == 7 && value.starts_with(shown);
    case SlotKind::date: {
      const std::string y = value.substr(0, 4), m = value.substr(5, 2), d = value.substr(8, 2);
      if (shown.starts_with(d + " ") && shown.ends_with(" " + y)) {
        static const std::string kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
        return kMonths.find(shown.substr(3, 3)) == (number_of(m) - 1) * 3;
      }
      return only_digits(shown) == d + m + y && shown.size() == 10;
    }
    case SlotKind::minute: {
      const unsigned at = number_of(value.substr(11, 2)) * 60 + number_of(value.substr(14, 2));
      const unsigned from = number_of(shown.substr(11, 2)) * 60 + number_of(shown.substr(14, 2));
      const unsigned to = number_of(shown.substr(17, 2)) * 60 + number_of(shown.substr(20, 2));
      return shown.substr(0, 11) == value.substr(0, 11) && from <= at && at < to && to == from + 5;
    }
    case SlotKind::seconds: {
      const unsigned from = number_of(shown), to = number_of(shown.substr(shown.find('-') + 1));
      return to == from + 1 && from * 60 <= number_of(value) && number_of(value) < to * 60;
    }
    case SlotKind::cell:
      return value.starts_with(shown + "-");
    case SlotKind::dashes:
      return only_digits(shown) == value && shown.size() == 15;
    case SlotKind::number:
      return only_digits(shown).ends_with(value.substr(3)) && only_digits(shown).size() <= 12;
    case SlotKind::unicode:
      return shown == "\u0627\u0653\u0645\u0646\u06C1" && value == "\u0622\u0645\u0646\u06C1";
    case SlotKind::section:
      return shown == "PPC " + value.substr(0, value.find(' '));
    case SlotKind::house:
    case SlotKind::abbreviation:
      return value.ends_with(shown.substr(shown.find(", ", shown.find(", ") + 1))) &&
             only_digits(value).ends_with(only_digits(shown));
    default:
      return false;
  }
}

struct Invented {
  SlotCatalogue catalogue;
  std::vector<std::string> texts;
  std::vector<TrueRecord> records;
  std::vector<std::uint16_t> optional;
  std::map<std::uint16_t, SlotKind> kinds;
};

// A catalogue with a few slots of any kind and citizens' records to match.
Invented invent(Draw& draw) {
  Invented out;
  std::string names = "name 1 r.d\n", slots;
  std::uint16_t next = 2;
  std::string head_slots;
  std::vector<std::uint16_t> fields;
  const std::size_t count = 2 + draw.below(6);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint16_t field = next++;
    const auto kind = static_cast<SlotKind>(3 + draw.below(kSlotKinds - 3));
    names += "name " + std::to_string(field) + " r.d.f" + std::to_string(field) + "\n";
    const bool whole = kind == SlotKind::date || kind == SlotKind::dashes;
    (whole ? head_slots : slots) +=
        "slot " + std::to_string(whole ? 1 : field) + " " +
        std::to_string(whole ? static_cast<int>(field) : static_cast<int>(draw.below(3))) + " " +
        std::string(slot_word(kind)) + (symbols_of(kind) == 2 && draw.below(2) ? " 3,1" : " even") +
        " - " + (whole ? std::to_string(field) : "-") + "\n";
    out.kinds[field] = kind;
    fields.push_back(field);
    if (draw.below(3) != 0) out.optional.push_back(field);
  }
  std::string members;
  for (const auto f : fields) members += (members.empty() ? "" : ",") + std::to_string(f);
  auto parsed =
      SlotCatalogue::parse("amanat-slots v1\nversion 1\n" + names + "slot 1 0 withheld even - " +
                           members + "\n" + head_slots + slots);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().detail);
  out.catalogue = *std::move(parsed);
  const std::size_t records = 1 + draw.below(3);
  out.texts.reserve(records * fields.size());
  for (std::size_t r = 0; r < records; ++r) {
    TrueRecord record{1, {}};
    for (const auto f : fields) {
      if (draw.below(6) == 0) continue;
      out.texts.push_back(value_of(out.kinds[f], draw));
      record.values.push_back({f, out.texts.back()});
    }
    out.records.push_back(std::move(record));
  }
  return out;
}

TEST(Truth, NoCoinFalsifiesAValue) {
  const char* more = std::getenv("AMANAT_TRUTHS");
  const std::uint64_t rounds = more != nullptr ? std::strtoull(more, nullptr, 10) : 4000;
  const std::uint64_t seed = 20'261'122;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Draw draw(seed);
  std::size_t shown_otherwise = 0, kept_back = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const Invented one = invent(draw);
    const CoinKey coins(draw.key());
    const Digest subject = crypto::sha256(std::to_string(round));
    const auto all = places(one.catalogue, one.records, one.optional);
    const auto same = places(one.catalogue, one.records, one.optional);
    ASSERT_EQ(all.size(), same.size());
    for (const Place& place : all) {
      ASSERT_GE(place.weights.size(), 2u);
      const std::uint32_t symbol = coins.symbol(subject, place);
      ASSERT_LT(symbol, place.weights.size());
      if (class_of(place.slot->kind) == SlotClass::r && place.of != 0) {
        ASSERT_TRUE(std::find(one.optional.begin(), one.optional.end(), place.of) !=
                    one.optional.end());
      }
      if (place.slot->kind == SlotKind::withheld) {
        // What waits is a true, filled field that the purpose can do without.
        const auto field = static_cast<std::uint16_t>(place.alternatives[symbol]);
        ASSERT_TRUE(std::find(one.optional.begin(), one.optional.end(), field) !=
                    one.optional.end());
        ++kept_back;
        continue;
      }
      for (const TrueValue& v : one.records[*place.record].values) {
        const auto& members = place.slot->members;
        if (v.field != place.of &&
            std::find(members.begin(), members.end(), v.field) == members.end())
          continue;
        const Symbolised fallen{place.slot, symbol};
        const std::string text = rendered(std::span(&fallen, 1), v.text), value(v.text);
        ASSERT_TRUE(is_true(place.slot->kind, text, value))
            << slot_word(place.slot->kind) << ": " << text << " of " << value;
        shown_otherwise += text != value ? 1 : 0;
        // And it is read back as what fell, or not at all.
        const Slot* const slot = place.slot;
        const auto read = read_value(std::span(&slot, 1), text, value)[0];
        if (read) {
          ASSERT_EQ(*read, symbol) << slot_word(place.slot->kind) << ": " << text;
        }
        ASSERT_TRUE(says_value(std::span(&slot, 1), text, value)) << text;
        // Two symbols never print the same.
        for (std::uint32_t s = 0; s < place.weights.size(); ++s) {
          const Symbolised other{place.slot, s};
          if (s == symbol || place.of == 0) continue;
          ASSERT_NE(rendered(std::span(&other, 1), v.text), text) << slot_word(place.slot->kind);
        }
      }
    }
  }
  EXPECT_GT(shown_otherwise, rounds);
  EXPECT_GT(kept_back, rounds / 2);
}

// Chi-square of symbols against weights; 4 standard deviations above the mean, seed fixed.
double excess(const std::vector<std::uint64_t>& seen, const std::vector<double>& expected) {
  double chi = 0;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const double d = static_cast<double>(seen[i]) - expected[i];
    chi += d * d / expected[i];
  }
  const double freedom = static_cast<double>(seen.size() - 1);
  return (chi - freedom) / std::sqrt(2 * freedom);
}

TEST(Fairness, EverySideFallsAsOftenAsItsWeight) {
  Draw draw(7);
  for (const auto& weights : std::vector<std::vector<std::uint32_t>>{
           {1, 1}, {3, 1}, {1, 1, 1}, {1, 1, 1, 1}, {1, 2, 5}}) {
    const CoinKey coins(draw.key());
    std::vector<std::uint64_t> seen(weights.size());
    const int n = 40'000;
    for (int i = 0; i < n; ++i) {
      const Digest subject = crypto::sha256(std::to_string(i));
      ++seen[symbol_of(coins.draw(subject, 9, ValueId{}, 1), weights)];
    }
    double total = 0;
    for (const auto w : weights) total += w;
    std::vector<double> expected;
    for (const auto w : weights) expected.push_back(n * w / total);
    EXPECT_LT(excess(seen, expected), 4.0);
  }
}

// Of two coins that differ in one thing alone, all four pairs of sides are equally frequent.
TEST(Fairness, CoinsOfOtherAccountsSubjectsFieldsValuesAndSlotsAreIndependent) {
  Draw draw(11);
  const std::vector<std::uint32_t> two{1, 1};
  const ValueId value = value_id("value"), other_value = value_id("other");
  std::vector<std::vector<std::uint64_t>> pairs(6, std::vector<std::uint64_t>(4));
  const int n = 40'000;
  for (int i = 0; i < n; ++i) {
    const CoinKey coins(draw.key()), other(draw.key());
    const Digest subject = crypto::sha256(std::to_string(i));
    const Digest neighbour = crypto::sha256(std::to_string(i + 1));
    const auto side = [&](std::uint64_t u) { return symbol_of(u, two); };
    const std::uint32_t x = side(coins.draw(subject, 3, value, 0));
    const std::uint32_t y[] = {
        side(other.draw(subject, 3, value, 0)), side(coins.draw(neighbour, 3, value, 0)),
        side(coins.draw(subject, 4, value, 0)), side(coins.draw(subject, 3, other_value, 0)),
        side(coins.draw(subject, 3, value, 1)),
        // and of what the data says
        static_cast<std::uint32_t>(subject[0] & 1)};
    for (std::size_t p = 0; p < 6; ++p) ++pairs[p][x * 2 + y[p]];
  }
  for (const auto& seen : pairs) EXPECT_LT(excess(seen, std::vector<double>(4, n / 4.0)), 4.0);
}

// The custodian keeps entry, slice key and opening. Another key commitment, another epoch or
// another shown text does not open the leaf that the ledger holds.
TEST(Commitments, NeitherKeyNorShownTextCanBeChangedAfterwards) {
  Draw draw(3);
  EntryContent content;
  content.slice.key = draw.key();
  content.subject = Label{};
  content.actor = Actor{AccountId{7}, KeyKind::passkey, Digest{}};
  MarksRecord record{MarksRecord::Kind::coins, 1, 416, key_commitment(draw.key()), {5, 6}, {}};
  content.part(BodyPart::marks) = encode_marks(record);
  const auto field_hash = [](std::string_view shown) {
    crypto::Sha256 hash;
    hash.update(std::uint8_t{0x10}).update(std::string(16 + 6, 'x')).update(shown);
    return hash.finish();
  };
  content.part(BodyPart::answer_digest) = crypto::text_of(field_hash("22-11-2026"));
  const auto prepared = ledger::prepare(content, Moment{1});
  ASSERT_TRUE(prepared);
  const auto entry = ledger::decode_entry(prepared->leaf.view());
  ASSERT_TRUE(entry);
  const auto opening = ledger::unseal(prepared->opening, content.slice.key, *entry);
  ASSERT_TRUE(opening);
  EXPECT_EQ(ledger::commit(content.slice.key, *opening).body, entry->body);
  const auto with = [&](BodyPart part, std::string bytes) {
    ledger::Opening changed = *opening;
    changed.parts[static_cast<std::size_t>(part) - 1] = std::move(bytes);
    return ledger::commit(content.slice.key, changed).body;
  };
  auto other = record;
  other.commitment = key_commitment(draw.key());
  EXPECT_NE(with(BodyPart::marks, encode_marks(other)), entry->body);
  other = record;
  other.epoch = 417;
  EXPECT_NE(with(BodyPart::marks, encode_marks(other)), entry->body);
  other = record;
  other.optional = {5};
  EXPECT_NE(with(BodyPart::marks, encode_marks(other)), entry->body);
  const Digest shown = field_hash("2026-11-22");
  EXPECT_NE(with(BodyPart::answer_digest, std::string(crypto::text_of(shown))), entry->body);
  // And two accounts do not share a key: the commitment names exactly one.
  EXPECT_NE(key_commitment(draw.key()), record.commitment);
}

}  // namespace
}  // namespace amanat::disclosure
