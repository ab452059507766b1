// Which coins a disclosure carried, and those of an account that a leak shows, ready to be weighed.

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "trace/observe.h"

namespace amanat::trace {

using disclosure::Place;
using disclosure::SlotCatalogue;

TrueShare true_share(const Facts& facts, const Disclosed& disclosed,
                     const SlotCatalogue& catalogue) {
  TrueShare share;
  for (std::size_t i = 0; i < disclosed.shown.size(); ++i) {
    const ShownRecord& s = disclosed.shown[i];
    const auto known = std::ranges::find_if(facts.records, [&](const KnownRecord& k) {
      return k.record == s.record && k.version == s.version;
    });
    if (known == facts.records.end()) continue;  // kept no longer
    disclosure::TrueRecord record;
    record.dataset = catalogue.number_of(known->dataset);
    for (const auto& [field, text] : known->values) {
      const std::uint16_t number = catalogue.number_of(field);
      if (number == 0 || !std::ranges::binary_search(disclosed.fields, field)) continue;
      record.values.push_back({number, text});
    }
    std::ranges::sort(record.values, {}, &disclosure::TrueValue::field);
    share.records.push_back(std::move(record));
    share.at.push_back(i);
  }
  return share;
}

std::vector<CarriedCoin> coins_of(const Facts& facts, const Disclosed& disclosed,
                                  const SlotCatalogue& catalogue) {
  std::vector<CarriedCoin> coins;
  if (!disclosed.marks || disclosed.marks->kind != disclosure::MarksRecord::Kind::coins)
    return coins;
  const TrueShare share = true_share(facts, disclosed, catalogue);
  for (Place& place : disclosure::places(catalogue, share.records, disclosed.marks->optional)) {
    const CoinName name{place.slot->field, place.value, place.slot->number};
    coins.push_back({name, std::move(place)});
  }
  return coins;
}

std::vector<WeighedSubject> weighed_for(AccountId account, const Extraction& x,
                                        const AllFacts& facts, const SlotCatalogue& catalogue,
                                        const SymbolOf& symbol_of,
                                        const std::function<bool(const Label&)>& skip) {
  // Rows by subject that the account may have supplied, with the entries of each.
  std::map<std::uint64_t, const Extraction::Source*> sources;
  for (const auto& s : x.sources) sources.emplace(s.row, &s);
  std::map<Label, std::set<std::uint64_t>> rows;
  for (const auto& row : x.rows) {
    const auto source = sources.find(row.n);
    const auto known = facts.find(row.subject);
    if (source == sources.end() || known == facts.end() || skip(row.subject)) continue;
    for (const Disclosed& d : known->second.disclosed)
      if (d.account == account && std::ranges::binary_search(source->second->entries, d.entry)) {
        rows[row.subject].insert(row.n);
        break;
      }
  }
  std::vector<WeighedSubject> out;
  for (const auto& [subject, own] : rows) {
    std::map<CoinName, std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>>> seen;
    for (auto s = x.symbols.begin(); s != x.symbols.end(); ++s)
      if (own.contains(s->row))
        seen[{s->field, s->value, s->slot}].emplace(s->symbol, s->weight, s->total);
    // Copies by epoch; within one, each coin once.
    std::map<std::uint16_t, std::map<CoinName, Place>> carried;
    const Facts& known = facts.at(subject);
    for (const Disclosed& d : known.disclosed) {
      const bool source = d.account == account && std::ranges::any_of(own, [&](std::uint64_t n) {
                            return std::ranges::binary_search(sources.at(n)->entries, d.entry);
                          });
      if (!source) continue;
      for (CarriedCoin& coin : coins_of(known, d, catalogue))
        if (seen.contains(coin.name))
          carried[d.marks->epoch].emplace(coin.name, std::move(coin.place));
    }
    WeighedSubject one;
    one.subject = subject;
    for (const auto& [epoch, coins] : carried) {
      Copy copy;
      std::vector<CoinName> names;
      for (const auto& [name, place] : coins) {
        const auto symbol = symbol_of(account, epoch, subject, place);
        if (!symbol) continue;
        Coin coin;
        coin.own = *symbol;
        bool agrees = false;
        for (const auto& [y, weight, total] : seen.at(name)) {
          coin.seen.push_back({y, weight, total});
          agrees = agrees || y == *symbol;
        }
        ++one.coins;
        one.agreeing += agrees;
        copy.coins.push_back(std::move(coin));
        names.push_back(name);
      }
      if (copy.coins.empty()) continue;
      one.weighed.copies.push_back(std::move(copy));
      one.names.push_back(std::move(names));
    }
    if (!one.weighed.copies.empty()) out.push_back(std::move(one));
  }
  return out;
}

}  // namespace amanat::trace
