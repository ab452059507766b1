#include "disclosure/slots.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

#include "disclosure/rendering.h"
#include "model/insist.h"

// Invariants
//  1. places() reads true values and the optional set, never a key: whether there is a coin does
//     not depend on how a coin fell (tracing page 6.4, T1).
//  2. A place has at least two symbols, and no two of them print the same.

namespace amanat::disclosure {
namespace {

struct KindRow {
  std::string_view word;
  SlotClass which;
  std::size_t symbols;
};
constexpr std::array<KindRow, kSlotKinds> kKinds = {{{"withheld", SlotClass::r, 0},
                                                     {"which", SlotClass::r, 0},
                                                     {"first", SlotClass::r, 0},
                                                     {"house", SlotClass::r, 2},
                                                     {"day", SlotClass::r, 2},
                                                     {"minute", SlotClass::r, 2},
                                                     {"seconds", SlotClass::r, 2},
                                                     {"cell", SlotClass::r, 2},
                                                     {"abbreviation", SlotClass::f, 4},
                                                     {"date", SlotClass::f, 4},
                                                     {"dashes", SlotClass::f, 2},
                                                     {"number", SlotClass::f, 4},
                                                     {"unicode", SlotClass::f, 2},
                                                     {"section", SlotClass::f, 2}}};
constexpr std::size_t kLinesMax = 4096, kMembersMax = 64;
constexpr std::uint32_t kWeightsSumMax = 1u << 16;

bool has_members(SlotKind kind) {
  return kind == SlotKind::withheld || kind == SlotKind::which || kind == SlotKind::date ||
         kind == SlotKind::dashes;
}
bool may_have_anchor(SlotKind kind) {
  return kind == SlotKind::minute || kind == SlotKind::seconds || kind == SlotKind::cell;
}

std::unexpected<Failure> wrong(std::size_t line, std::string_view what) {
  return fail(Reason::catalog_wrong,
              "slot catalogue line " + std::to_string(line) + ": " + std::string(what));
}

template <class N>
std::optional<N> decimal(std::string_view text) {
  N n{};
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = std::min(text.find(at), text.size());
    parts.push_back(text.substr(0, end));
    if (end == text.size()) return parts;
    text.remove_prefix(end + 1);
  }
}

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= 255 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  });
}

// numbers reads "1,2,3" strictly; `ascending` refuses any other order. Empty on failure.
template <class N>
std::optional<std::vector<N>> numbers(std::string_view text, bool ascending) {
  std::vector<N> out;
  for (const std::string_view part : split(text, ',')) {
    const auto n = decimal<N>(part);
    if (!n || *n == 0 || out.size() == kMembersMax) return std::nullopt;
    if (ascending && !out.empty() && *n <= out.back()) return std::nullopt;
    out.push_back(*n);
  }
  return out;
}

Result<Slot> read_slot(const std::vector<std::string_view>& words, std::size_t line) {
  Slot slot;
  const auto field = decimal<std::uint16_t>(words[1]);
  const auto number = decimal<std::uint8_t>(words[2]);
  const auto kind = slot_kind(words[3]);
  if (!field || *field == 0 || !number) return wrong(line, "a number");
  if (!kind) return wrong(line, "an unknown kind of slot");
  slot.field = *field;
  slot.number = *number;
  slot.kind = *kind;
  if (words[4] != "even") {
    auto weights = numbers<std::uint32_t>(words[4], false);
    if (!weights || weights->size() != symbols_of(*kind))
      return wrong(line, "weights: \"even\", or one above 0 for each symbol");
    std::uint64_t sum = 0;
    for (const std::uint32_t w : *weights) sum += w;
    if (sum > kWeightsSumMax) return wrong(line, "weights above 65536 in all");
    slot.weights = *std::move(weights);
  }
  if (words[5] != "-") {
    const auto anchor = decimal<std::uint16_t>(words[5]);
    if (!anchor || *anchor == 0 || !may_have_anchor(*kind)) return wrong(line, "the anchor");
    slot.anchor = *anchor;
  }
  if (has_members(*kind)) {
    auto members = numbers<std::uint16_t>(words[6], true);
    if (!members) return wrong(line, "members: numbers, ascending");
    slot.members = *std::move(members);
  } else if (words[6] != "-") {
    return wrong(line, "this kind has no members");
  }
  return slot;
}

const TrueValue* value_of(const TrueRecord& record, std::uint16_t field) {
  for (const TrueValue& v : record.values)
    if (v.field == field) return &v;
  return nullptr;
}

// Placing collects the live coins of one citizen's answer.
class Placing {
 public:
  Placing(std::span<const TrueRecord> records, std::span<const std::uint16_t> optional)
      : records_(records), optional_(optional) {}

  void add(const Slot& slot) {
    if (slot.kind == SlotKind::first) return first(slot);
    for (std::uint32_t r = 0; r < records_.size(); ++r) {
      switch (slot.kind) {
        case SlotKind::withheld:
          withheld(slot, r);
          break;
        case SlotKind::which:
          which(slot, r);
          break;
        case SlotKind::date:
        case SlotKind::dashes:
          whole_record(slot, r);
          break;
        default:
          of_value(slot, r);
      }
    }
  }
  std::vector<Place> take() { return std::move(places_); }

 private:
  bool optional(std::uint16_t field) const {
    return std::find(optional_.begin(), optional_.end(), field) != optional_.end();
  }
  static Place at(const Slot& slot, std::optional<std::uint32_t> record) {
    Place place;
    place.slot = &slot;
    place.record = record;
    return place;
  }
  void keep(Place place, std::size_t symbols) {
    place.weights = place.slot->weights;
    if (place.weights.empty()) place.weights.assign(symbols, 1);
    insist(place.weights.size() == symbols && symbols >= 2);
    places_.push_back(std::move(place));
  }

  void withheld(const Slot& slot, std::uint32_t r) {
    Place place = at(slot, r);
    std::string content;
    for (const std::uint16_t member : slot.members) {
      if (place.alternatives.size() == kAlternativesMax) break;
      if (!optional(member) || value_of(records_[r], member) == nullptr) continue;
      place.alternatives.push_back(member);
      content.push_back(static_cast<char>(member >> 8));
      content.push_back(static_cast<char>(member & 0xff));
    }
    if (place.alternatives.size() < 2) return;
    place.value = value_id(content);
    const std::size_t symbols = place.alternatives.size();
    keep(std::move(place), symbols);
  }

  void which(const Slot& slot, std::uint32_t r) {
    std::vector<std::pair<std::string, std::uint32_t>> choices;
    for (const std::uint16_t member : slot.members) {
      const TrueValue* value = value_of(records_[r], member);
      if (value == nullptr || !optional(member)) return;  // all or none
      choices.emplace_back(canonical_bytes(value->text), member);
    }
    std::sort(choices.begin(), choices.end());
    for (std::size_t i = 1; i < choices.size(); ++i)
      if (choices[i].first == choices[i - 1].first) return;  // would print the same
    choose(slot, std::move(choices), r);
  }

  void first(const Slot& slot) {
    if (!optional(slot.field)) return;
    std::map<std::string, std::uint32_t> by_value;
    for (std::uint32_t r = 0; r < records_.size(); ++r)
      if (const TrueValue* value = value_of(records_[r], slot.field))
        by_value.emplace(canonical_bytes(value->text), r);
    choose(slot, {by_value.begin(), by_value.end()}, std::nullopt);
  }

  // choose takes choices ascending by canonical bytes; of more than four the last four count.
  void choose(const Slot& slot, std::vector<std::pair<std::string, std::uint32_t>> choices,
              std::optional<std::uint32_t> record) {
    if (choices.size() < 2) return;
    Place place = at(slot, record);
    const std::size_t beyond =
        choices.size() > kAlternativesMax ? choices.size() - kAlternativesMax : 0;
    std::vector<std::string> values;
    for (std::size_t i = 0; i < choices.size(); ++i) {
      (i < beyond ? place.behind : place.alternatives).push_back(choices[i].second);
      if (i >= beyond) values.push_back(std::move(choices[i].first));
    }
    place.value = value_id_of(std::move(values));
    const std::size_t symbols = place.alternatives.size();
    keep(std::move(place), symbols);
  }

  // One draw for the whole record of a citizen, so that a page looks of one piece.
  void whole_record(const Slot& slot, std::uint32_t r) {
    const bool shown = std::any_of(slot.members.begin(), slot.members.end(), [&](auto member) {
      const TrueValue* value = value_of(records_[r], member);
      return value != nullptr && alive(slot.kind, value->text);
    });
    if (!shown) return;
    Place place = at(slot, r);
    place.value = value_id(std::string_view());
    keep(std::move(place), symbols_of(slot.kind));
  }

  void of_value(const Slot& slot, std::uint32_t r) {
    const TrueValue* value = value_of(records_[r], slot.field);
    if (value == nullptr || !alive(slot.kind, value->text)) return;
    if (class_of(slot.kind) == SlotClass::r && !optional(slot.field)) return;
    std::string content = canonical_bytes(value->text);
    if (slot.anchor != 0 && slot.anchor != slot.field) {
      const TrueValue* anchor = value_of(records_[r], slot.anchor);
      if (anchor == nullptr) return;
      const std::string other = canonical_bytes(anchor->text);
      content = slot.anchor < slot.field ? other + '\0' + content : content + '\0' + other;
    }
    Place place = at(slot, r);
    place.value = value_id(content);
    place.of = slot.field;
    keep(std::move(place), symbols_of(slot.kind));
  }

  const std::span<const TrueRecord> records_;
  const std::span<const std::uint16_t> optional_;
  std::vector<Place> places_;
};

}  // namespace

std::string_view slot_word(SlotKind kind) { return kKinds[static_cast<std::size_t>(kind)].word; }
SlotClass class_of(SlotKind kind) { return kKinds[static_cast<std::size_t>(kind)].which; }
std::size_t symbols_of(SlotKind kind) { return kKinds[static_cast<std::size_t>(kind)].symbols; }
std::optional<SlotKind> slot_kind(std::string_view word) {
  for (std::size_t i = 0; i < kKinds.size(); ++i)
    if (kKinds[i].word == word) return static_cast<SlotKind>(i);
  return std::nullopt;
}

Result<SlotCatalogue> SlotCatalogue::parse(std::string_view text) {
  SlotCatalogue out;
  if (text.size() > kCatalogueBytesMax) return wrong(0, "longer than 256 KiB");
  if (text.empty() || text.back() != '\n') return wrong(0, "does not end in a line feed");
  out.text_ = text;
  out.sha256_ = crypto::sha256(text);
  std::size_t line = 0;
  for (const std::string_view row : split(text.substr(0, text.size() - 1), '\n')) {
    if (++line > kLinesMax) return wrong(line, "too many lines");
    const auto words = split(row, ' ');
    if (line == 1) {
      if (row != "amanat-slots v1") return wrong(line, "not \"amanat-slots v1\"");
    } else if (line == 2) {
      const auto version = words.size() == 2 ? decimal<std::uint16_t>(words[1]) : std::nullopt;
      if (words[0] != "version" || !version || *version == 0) return wrong(line, "the version");
      out.version_ = *version;
    } else if (words[0] == "name" && words.size() == 3 && out.slots_.empty()) {
      const auto number = decimal<std::uint16_t>(words[1]);
      if (!number || *number == 0 || !is_id(words[2])) return wrong(line, "a name");
      if (!out.names_.empty() && *number <= out.names_.back().number)
        return wrong(line, "names are ascending by number");
      out.names_.push_back({*number, std::string(words[2])});
    } else if (words[0] == "slot" && words.size() == 7) {
      auto slot = read_slot(words, line);
      if (!slot) return std::unexpected(slot.error());
      if (!out.slots_.empty() && std::pair(slot->field, slot->number) <=
                                     std::pair(out.slots_.back().field, out.slots_.back().number))
        return wrong(line, "slots are ascending by field and number");
      for (const std::uint16_t member : slot->members)
        if (out.id_of(member).empty()) return wrong(line, "a member without a name");
      if (out.id_of(slot->field).empty() || (slot->anchor && out.id_of(slot->anchor).empty()))
        return wrong(line, "a field without a name");
      out.slots_.push_back(*std::move(slot));
    } else {
      return wrong(line, "neither a name nor a slot");
    }
  }
  if (out.version_ == 0) return wrong(2, "the version is missing");
  return out;
}

std::uint16_t SlotCatalogue::number_of(std::string_view id) const {
  for (const Name& name : names_)
    if (name.id == id) return name.number;
  return 0;
}

std::string_view SlotCatalogue::id_of(std::uint16_t number) const {
  const auto at = std::lower_bound(names_.begin(), names_.end(), number,
                                   [](const Name& n, std::uint16_t m) { return n.number < m; });
  return at != names_.end() && at->number == number ? std::string_view(at->id) : std::string_view();
}

const Slot* SlotCatalogue::find(std::uint16_t field, std::uint8_t number) const {
  for (const Slot& slot : slots_)
    if (slot.field == field && slot.number == number) return &slot;
  return nullptr;
}

Result<void> SlotCatalogue::follows(const SlotCatalogue& older) const {
  if (version_ <= older.version_)
    return fail(Reason::catalog_wrong, "the slots changed: their version must become " +
                                           std::to_string(older.version_ + 1) + " or more");
  for (const Name& name : older.names_) {
    const std::string_view now = id_of(name.number);
    const std::uint16_t number = number_of(name.id);
    if ((!now.empty() && now != name.id) || (number != 0 && number != name.number))
      return fail(Reason::catalog_wrong, "number " + std::to_string(name.number) + " was " +
                                             name.id + " and can mean nothing else");
  }
  for (const Slot& slot : older.slots_) {
    const Slot* now = find(slot.field, slot.number);
    if (now != nullptr && !(*now == slot))
      return fail(Reason::catalog_wrong,
                  "slot " + std::to_string(slot.field) + "." + std::to_string(slot.number) +
                      " was used for another: give the new one a new number");
  }
  return {};
}

ValueId value_id(std::string_view content) {
  const Digest digest = crypto::sha256(content);
  ValueId id;
  std::copy_n(digest.begin(), id.size(), id.begin());
  return id;
}

ValueId value_id_of(std::vector<std::string> values) {
  std::sort(values.begin(), values.end());
  std::string content;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) content.push_back('\0');
    content += values[i];
  }
  return value_id(std::string_view(content));
}

std::vector<Place> places(const SlotCatalogue& catalogue, std::span<const TrueRecord> records,
                          std::span<const std::uint16_t> optional) {
  Placing placing(records, optional);
  for (const Slot& slot : catalogue.slots()) placing.add(slot);
  return placing.take();
}

std::vector<const Slot*> value_slots(const SlotCatalogue& catalogue, std::uint16_t field) {
  std::vector<const Slot*> slots;
  for (const Slot& slot : catalogue.slots()) {
    const bool whole = slot.kind == SlotKind::date || slot.kind == SlotKind::dashes;
    const bool of_it = whole ? std::binary_search(slot.members.begin(), slot.members.end(), field)
                             : slot.field == field && symbols_of(slot.kind) != 0;
    if (of_it) slots.push_back(&slot);
  }
  // What cuts comes before what only spells.
  std::sort(slots.begin(), slots.end(), [](const Slot* a, const Slot* b) {
    return std::tuple(a->kind, a->field, a->number) < std::tuple(b->kind, b->field, b->number);
  });
  return slots;
}

}  // namespace amanat::disclosure
