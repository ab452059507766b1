#include "disclosure/decoys.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>

#include "disclosure/decoy_seed.h"
#include "model/insist.h"
#include "net/json.h"

namespace amanat::disclosure {
namespace {

constexpr net::JsonLimits kShare{.bytes_max = 64u << 20, .depth_max = 8, .values_max = 1u << 22};
constexpr std::size_t kIdDigits = kDecoyDigits, kRegion = kDecoyRegion;
constexpr std::uint64_t kLooks = 1u << 20;  // the block of a seed from which its looks are drawn

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string digits_in(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (is_digit(c)) out.push_back(c);
  return out;
}

const std::string* text_at(const net::Json& record, std::string_view name) {
  const net::Json* value = record.find(name);
  return value == nullptr ? nullptr : value->string();
}

// A date or a time in any of its forms: a year of four digits among separators, months as words.
bool is_date(std::string_view text) {
  const std::string digits = digits_in(text);
  if (digits.size() < 6 || digits.size() > 14 || text.size() == digits.size()) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) ||
           std::string_view("-/: TZJanFebMrApyulgSOctNovDi").find(c) != std::string_view::npos;
  });
}

bool is_number_like(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_digit(c) || c == '-' || c == ' ' || c == '+'; });
}

using Records = std::vector<const net::Json*>;

// Inventing puts one citizen together: the shape of one real citizen, the last names and dates of
// others, numbers of nobody. What was equal in the pattern is equal in the decoy.
class Inventing {
 public:
  Inventing(Dice& dice, const std::vector<net::Json>& around, const std::string& citizen)
      : dice_(dice), around_(around), citizen_(citizen) {}

  std::string share() {
    // The last digit of a number says a citizen's gender: the pattern is one of the same.
    std::vector<const net::Json*> alike;
    for (const net::Json& one : around_)
      if (const std::string* id = text_at(one, "citizen");
          id != nullptr && !id->empty() && (id->back() - citizen_.back()) % 2 == 0)
        alike.push_back(&one);
    const net::Json& pattern =
        alike.empty() ? around_[dice_.below(around_.size())] : *alike[dice_.below(alike.size())];
    const std::string* own = text_at(pattern, "citizen");
    insist(own != nullptr);
    told_[*own] = citizen_;
    net::JsonWriter json;
    json.begin_object();
    for (const auto& member : *pattern.object()) {
      json.key(member.name);
      if (member.name == "citizen")
        json.string(citizen_);
      else if (member.name == "records")
        records(json, member.value);
      else
        copy(json, member.value);
    }
    json.end_object();
    return json.take();
  }

 private:
  void copy(net::JsonWriter& json, const net::Json& value) {
    if (const auto* text = value.string()) {
      json.string(*text);
    } else if (const auto flag = value.boolean()) {
      json.boolean(*flag);
    } else if (const auto n = value.integer()) {
      json.number(*n);
    } else if (const auto* list = value.array()) {
      json.begin_array();
      for (const net::Json& one : *list) copy(json, one);
      json.end_array();
    } else if (const auto* object = value.object()) {
      json.begin_object();
      for (const auto& member : *object) {
        json.key(member.name);
        copy(json, member.value);
      }
      json.end_object();
    } else {
      json.null();
    }
  }

  void records(net::JsonWriter& json, const net::Json& datasets) {
    json.begin_object();
    for (const auto& dataset : *datasets.object()) {
      Records others;
      for (const net::Json& share : around_) {
        const net::Json* all = share.find("records");
        const net::Json* same = all == nullptr ? nullptr : all->find(dataset.name);
        if (same == nullptr || same->array() == nullptr) continue;
        for (const net::Json& record : *same->array()) others.push_back(&record);
      }
      json.key(dataset.name).begin_array();
      for (const net::Json& record : *dataset.value.array()) one(json, record, others);
      json.end_array();
    }
    json.end_object();
  }

  void one(net::JsonWriter& json, const net::Json& record, const Records& others) {
    const net::Json& other = *others[dice_.below(others.size())];
    json.begin_object();
    for (const auto& member : *record.object()) {
      json.key(member.name);
      const std::string* text = member.value.string();
      if (text == nullptr || member.name == "source" || member.name == "date")
        copy(json, member.value);
      else
        json.string(value(member.name, *text, other));
    }
    json.end_object();
  }

  std::string value(const std::string& name, const std::string& text, const net::Json& other) {
    if (const auto known = told_.find(text); known != told_.end()) return known->second;
    std::string made = invented(name, text, other);
    told_[text] = made;
    return made;
  }

  std::string invented(const std::string& name, const std::string& text, const net::Json& other) {
    const std::string digits = digits_in(text);
    if (digits.size() == kIdDigits && is_number_like(text)) {
      if (const auto known = told_.find(digits); known != told_.end())
        return spelt_as(text, known->second);
      return rerolled(text, kRegion, 1);
    }
    if (digits.size() >= 10 && is_number_like(text)) return rerolled(text, digits.size() - 7, 0);
    // One donor gives all the dates of a record: a card that ends before it begins would stand out.
    const std::string* theirs = text_at(other, name);
    if (is_date(text)) return theirs != nullptr && is_date(*theirs) ? *theirs : text;
    if (!digits.empty()) {
      // An address: its place, and house and street of another.
      auto swapped = theirs == nullptr ? std::nullopt : with_runs_of(text, *theirs);
      return swapped ? *std::move(swapped) : rerolled(text, 0, 0);
    }
    const std::size_t blank = text.rfind(' ');
    if (blank == std::string::npos || text.find(',') != std::string::npos) return text;
    // A name: its first words, another's last.
    const std::size_t last = theirs == nullptr ? std::string::npos : theirs->rfind(' ');
    if (last == std::string::npos) return text;
    return text.substr(0, blank) + theirs->substr(last);
  }

  // The same layout, the digits of another number.
  static std::string spelt_as(const std::string& layout, const std::string& digits) {
    std::string out = layout;
    std::size_t next = 0;
    for (char& c : out)
      if (is_digit(c)) c = digits[next++];
    return out;
  }

  static std::vector<std::string> runs_of(std::string_view text) {
    std::vector<std::string> runs;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (!is_digit(text[i])) continue;
      if (i == 0 || !is_digit(text[i - 1])) runs.emplace_back();
      runs.back().push_back(text[i]);
    }
    return runs;
  }

  // with_runs_of is a text with the numbers of another that has as many.
  static std::optional<std::string> with_runs_of(const std::string& text,
                                                 const std::string& theirs) {
    const auto runs = runs_of(theirs);
    if (runs.size() != runs_of(text).size()) return std::nullopt;
    std::string out;
    std::size_t run = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (!is_digit(text[i]))
        out.push_back(text[i]);
      else if (i == 0 || !is_digit(text[i - 1]))
        out += runs[run++];
    }
    return out;
  }

  // rerolled keeps the first `head` and the last `tail` digits; a number begins with no zero.
  std::string rerolled(const std::string& text, std::size_t head, std::size_t tail) {
    const std::size_t all = digits_in(text).size();
    std::string out = text;
    std::size_t at = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (!is_digit(out[i])) continue;
      const bool begins = i == 0 || !is_digit(text[i - 1]);
      if (at >= head && at + tail < all)
        out[i] = begins && text[i] != '0' ? static_cast<char>('1' + dice_.below(9)) : dice_.digit();
      ++at;
    }
    return out;
  }

  Dice& dice_;
  const std::vector<net::Json>& around_;
  const std::string& citizen_;
  std::map<std::string, std::string> told_;
};

}  // namespace

std::uint32_t DecoyMaker::decoys_for(std::size_t citizens) {
  if (citizens < 50) return 0;
  return static_cast<std::uint32_t>(std::max<std::size_t>(2, citizens / 100));
}

Result<std::vector<Decoy>> DecoyMaker::plan(const CoinKey& key,
                                            const std::array<std::uint8_t, 16>& extract,
                                            const std::vector<Person>& roll,
                                            const IsFree& is_free) {
  std::vector<Decoy> out;
  const std::uint32_t wanted = decoys_for(roll.size());
  for (std::uint32_t i = 0; i < wanted; ++i) {
    Dice dice(key.decoy_seed(extract, i));
    for (std::size_t tries = 0; tries < kDecoyTries; ++tries) {
      // A number like its neighbours': their region and what the last digit says, seven of its own.
      std::string id = roll[dice.below(roll.size())].name.value;
      insist(id.size() == kIdDigits);
      for (std::size_t d = kRegion; d + 1 < kIdDigits; ++d) id[d] = dice.digit();
      const bool taken = std::any_of(out.begin(), out.end(),
                                     [&id](const Decoy& one) { return one.citizen == id; });
      auto free = is_free(id);
      if (!free) return std::unexpected(std::move(free.error()));
      // Rows are in the order of their numbers, and there are neighbours on both sides of each.
      const auto at = std::lower_bound(
          roll.begin(), roll.end(), id,
          [](const Person& person, const std::string& one) { return person.name.value < one; });
      // No country issues a number that begins with a zero; registers hold some all the same, and
      // an invented one like them could not be told from a broken number in a leak.
      const bool issuable = id.front() != '0';
      if (!issuable || !*free || taken || at == roll.end()) continue;
      out.push_back({i, static_cast<std::size_t>(at - roll.begin()), std::move(id), {}, {}});
      break;
    }
  }
  std::sort(out.begin(), out.end(),
            [](const Decoy& a, const Decoy& b) { return a.citizen < b.citizen; });
  return out;
}

void DecoyMaker::invent(const CoinKey& key, const std::array<std::uint8_t, 16>& extract,
                        const std::vector<std::string_view>& around, Decoy& decoy) {
  std::vector<net::Json> shares;
  for (const std::string_view share : around) {
    auto json = net::parse_json(share, kShare);
    insist(json.has_value());
    // Whoever has records is a better pattern than who has none; if nobody has, none is what is
    // usual here.
    const net::Json* records = json->find("records");
    if (records != nullptr && records->object() != nullptr && !records->object()->empty())
      shares.push_back(*std::move(json));
  }
  if (shares.empty()) {
    auto json = net::parse_json(around.front(), kShare);
    shares.push_back(*std::move(json));
  }
  Dice dice(key.decoy_seed(extract, decoy.number));
  dice.skip_to(kLooks);
  decoy.share = Inventing(dice, shares, decoy.citizen).share();
}

}  // namespace amanat::disclosure
