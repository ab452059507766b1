#include "disclosure/marking.h"

#include <algorithm>
#include <tuple>

#include "model/insist.h"

namespace amanat::disclosure {
namespace {

// Only what is shown in full can be shown in two ways.
bool in_full(const std::vector<FieldRelease>& releases, FieldId field) {
  const auto at = std::lower_bound(
      releases.begin(), releases.end(), field,
      [](const FieldRelease& r, FieldId f) { return number(r.field) < number(f); });
  return at != releases.end() && at->field == field && at->level == Level::full;
}

}  // namespace

Marking::Marking(const SlotCatalogue& catalogue, const CoinKey& coins, const Numbers& numbers,
                 const FieldSet& optional, const std::vector<FieldRelease>& releases,
                 const Findings& findings, const Person& person, Asked asked)
    : numbers_(&numbers) {
  const auto tells_records_apart = [&](std::uint16_t field) {
    for (const Slot& slot : catalogue.slots())
      if (slot.field == field && slot.kind == SlotKind::first) return true;
    return false;
  };
  for (const FieldRelease& r : releases) {
    const std::uint16_t n = numbers.fields[number(r.field)];
    if (n == 0 || r.level != Level::full || !optional.test(number(r.field))) continue;
    if (asked == Asked::more || (asked == Asked::search && tells_records_apart(n))) continue;
    optional_.push_back(n);
  }
  std::sort(optional_.begin(), optional_.end());
  std::vector<TrueRecord> records;
  records.reserve(person.records.size());
  for (const FoundRecord& r : person.records) {
    TrueRecord& one = records.emplace_back();
    one.dataset = numbers.datasets[number(r.dataset)];
    for (const FoundValue& v : r.values) {
      const std::uint16_t n = numbers.fields[number(v.field)];
      const std::string_view text = findings.text(v);
      if (n != 0 && !text.empty() && in_full(releases, v.field)) one.values.push_back({n, text});
    }
    std::sort(one.values.begin(), one.values.end(),
              [](const TrueValue& a, const TrueValue& b) { return a.field < b.field; });
  }
  hidden_.resize(records.size(), false);
  for (const Place& place : places(catalogue, records, optional_))
    fall(place, coins.symbol(person.label, place), records);
  std::sort(fallen_.begin(), fallen_.end(), [](const Fallen& a, const Fallen& b) {
    return std::tuple(a.symbol.slot->kind, a.symbol.slot->field, a.symbol.slot->number) <
           std::tuple(b.symbol.slot->kind, b.symbol.slot->field, b.symbol.slot->number);
  });
  // The members of a field table are ascending by id, those of a catalogue by number.
  std::sort(behind_.begin(), behind_.end());
  behind_.erase(std::unique(behind_.begin(), behind_.end()), behind_.end());
}

void Marking::wait(std::uint16_t field) {
  for (std::size_t i = 0; i < numbers_->fields.size(); ++i)
    if (numbers_->fields[i] == field) behind_.push_back(FieldId{static_cast<std::uint16_t>(i)});
}

void Marking::fall(const Place& place, std::uint32_t symbol, std::span<const TrueRecord> records) {
  const auto text_of = [&](std::uint32_t record) {
    for (const TrueValue& v : records[record].values)
      if (v.field == place.slot->field) return canonical_bytes(v.text);
    return std::string();
  };
  switch (place.slot->kind) {
    case SlotKind::withheld: {
      const auto field = static_cast<std::uint16_t>(place.alternatives[symbol]);
      withheld_.emplace_back(*place.record, field);
      wait(field);
      return;
    }
    case SlotKind::which:
      for (std::uint32_t i = 0; i < place.alternatives.size(); ++i) {
        if (i == symbol) continue;
        const auto field = static_cast<std::uint16_t>(place.alternatives[i]);
        withheld_.emplace_back(*place.record, field);
        wait(field);
      }
      return;
    case SlotKind::first: {
      // Records of the same value are one alternative; those without it are always shown.
      const std::string shown = text_of(place.alternatives[symbol]);
      for (std::uint32_t r = 0; r < records.size(); ++r)
        if (const std::string text = text_of(r); !text.empty() && text != shown) hidden_[r] = true;
      wait(place.slot->field);
      return;
    }
    default:
      fallen_.push_back({*place.record, place.of, {place.slot, symbol}});
      if (class_of(place.slot->kind) == SlotClass::r && symbol != 0) wait(place.of);
  }
}

bool Marking::waits(std::size_t record, FieldId field) const {
  if (withheld_.empty()) return false;
  const std::uint16_t n = numbers_->fields[number(field)];
  return std::find(withheld_.begin(), withheld_.end(),
                   std::pair(static_cast<std::uint32_t>(record), n)) != withheld_.end();
}

std::optional<std::string> Marking::spelt(std::size_t record, FieldId field,
                                          std::string_view text) const {
  if (fallen_.empty()) return std::nullopt;
  const std::uint16_t n = numbers_->fields[number(field)];
  std::vector<Symbolised> symbols;
  for (const Fallen& f : fallen_) {
    const auto& members = f.symbol.slot->members;
    if (f.record == record &&
        (f.field == n || (f.field == 0 && std::binary_search(members.begin(), members.end(), n))))
      symbols.push_back(f.symbol);
  }
  if (n == 0 || symbols.empty()) return std::nullopt;
  return rendered(symbols, text);
}

}  // namespace amanat::disclosure
