#include "detection/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

namespace amanat::detection {
namespace {

constexpr std::size_t kEntriesMost = 64;
constexpr std::size_t kPeersLeast = 5;  // fewer with enough citizens in a unit: all are the peers
constexpr double kSharedMost = 0.1;     // of the citizens of two who split a list

using Two = std::pair<AccountId, AccountId>;

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

void keep(std::vector<std::uint64_t>& entries, std::uint64_t entry) {
  if (entries.size() < kEntriesMost) entries.push_back(entry);
}

void finish(Found& found) {
  std::sort(found.accounts.begin(), found.accounts.end());
  found.accounts.erase(std::unique(found.accounts.begin(), found.accounts.end()),
                       found.accounts.end());
  std::sort(found.entries.begin(), found.entries.end());
  found.entries.erase(std::unique(found.entries.begin(), found.entries.end()), found.entries.end());
  if (found.entries.size() > kEntriesMost) found.entries.resize(kEntriesMost);
}

/// Share is a beta distribution of the peers' shares, by moments.
struct Share {
  double a = 1, b = 1;
  double mean() const { return a / (a + b); }
};
Share share_of(const std::vector<std::pair<unsigned, unsigned>>& peers) {
  double hits = 0, all = 0;
  for (const auto& [k, n] : peers) {
    hits += k;
    all += n;
  }
  const double mean = std::clamp((hits + 0.5) / (all + 1), 0.001, 0.999);
  // What the shares differ beyond the chance of their own draws.
  double between = 0, draws = 0;
  for (const auto& [k, n] : peers) {
    const double share = static_cast<double>(k) / n;
    between += (share - mean) * (share - mean);
    draws += mean * (1 - mean) / n;
  }
  const auto count = static_cast<double>(peers.size());
  // Never less than six points in a hundred or so: peers that are few agree by chance.
  const double variance = std::max((between - draws) / count, mean * (1 - mean) / 60);
  const double size = std::max(2.0, mean * (1 - mean) / variance - 1);
  return {mean * size, (1 - mean) * size};
}

}  // namespace

void Report::take(const Shown& shown) {
  Month& month = months_[shown.account];
  month.unit = shown.unit;
  if (month.distinct.size() < kDistinctMost && month.distinct.insert(shown.subject).second) {
    ++month.sexes[static_cast<std::size_t>(shown.sex)];
    if (shown.age_band < kAgeBands) ++month.ages[shown.age_band];
  }
  if (shown.why != Why::unexplained) return;
  if (shown.own_address) keep(month.own_address, shown.entry);
  Askers& askers = strangers_[shown.subject];
  if (askers.accounts.size() < kAskersMost &&
      std::find(askers.accounts.begin(), askers.accounts.end(), shown.account) ==
          askers.accounts.end()) {
    askers.accounts.push_back(shown.account);
    askers.entries.push_back(shown.entry);
  }
  month.strangers.add(shown.subject);
  const auto known = std::find_if(month.order.begin(), month.order.end(),
                                  [&](const Step& s) { return s.subject == shown.subject; });
  if (known != month.order.end() || month.order.size() == kOrderMost) return;
  month.order.push_back(Step{shown.place, shown.entry, shown.subject});
}

bool Report::is_night(std::uint64_t at) const {
  const auto local = static_cast<std::int64_t>(at) + tuned_.zone_ms;
  const auto day = static_cast<std::int64_t>(kDayMs);
  const auto hour = static_cast<double>((local % day + day) % day / 3'600'000);
  const double from = tuned_.p.ring_night_from, until = tuned_.p.ring_night_until;
  return from <= until ? from <= hour && hour < until : hour >= from || hour < until;
}

void Report::take(const Approved& approved) {
  Pair& pair = approvals_[{approved.approver, approved.asker}];
  ++pair.approvals;
  const auto fast = static_cast<std::uint64_t>(tuned_.p.ring_fast_s * 1000);
  if (is_night(approved.at) || approved.at < approved.asked + fast) ++pair.odd;
  keep(pair.entries, approved.entry);
}

void Report::groups(std::vector<Found>& out) const {
  std::map<Two, Found> pairs;
  for (const auto& [subject, askers] : strangers_) {
    if (askers.accounts.size() < static_cast<std::size_t>(tuned_.p.magnet_officers)) continue;
    for (std::size_t i = 0; i < askers.accounts.size(); ++i)
      for (std::size_t j = 0; j < askers.accounts.size(); ++j) {
        if (askers.accounts[i] >= askers.accounts[j]) continue;
        Found& pair = pairs[{askers.accounts[i], askers.accounts[j]}];
        pair.score += 1;
        pair.entries.push_back(askers.entries[i]);
        pair.entries.push_back(askers.entries[j]);
      }
  }
  // Who is in one pair is in one group with whoever is in another with them.
  std::map<AccountId, std::size_t> group_of;
  std::vector<Found> found;
  for (const auto& [two, pair] : pairs) {
    if (pair.score < tuned_.p.group_citizens) continue;
    const auto a = group_of.find(two.first), b = group_of.find(two.second);
    std::size_t group = found.size();
    if (a != group_of.end())
      group = a->second;
    else if (b != group_of.end())
      group = b->second;
    else
      found.emplace_back();
    if (a != group_of.end() && b != group_of.end() && a->second != b->second) {
      const std::size_t gone = b->second;
      Found& into = found[group];
      into.accounts.insert(into.accounts.end(), found[gone].accounts.begin(),
                           found[gone].accounts.end());
      into.entries.insert(into.entries.end(), found[gone].entries.begin(),
                          found[gone].entries.end());
      into.score = std::max(into.score, found[gone].score);
      found[gone].accounts.clear();
      for (auto& [account, in] : group_of)
        if (in == gone) in = group;
    }
    group_of[two.first] = group_of[two.second] = group;
    Found& into = found[group];
    into.score = std::max(into.score, pair.score);
    into.accounts.insert(into.accounts.end(), {two.first, two.second});
    into.entries.insert(into.entries.end(), pair.entries.begin(), pair.entries.end());
  }
  for (Found& one : found) {
    if (one.accounts.empty()) continue;
    one.rule = Rule::recurring_group;
    one.threshold = tuned_.p.group_citizens;
    finish(one);
    one.numbers = std::to_string(one.accounts.size()) + " officers; two of them share " +
                  std::to_string(static_cast<unsigned>(one.score)) +
                  " citizens whom unusually many asked for";
    out.push_back(std::move(one));
  }
}

void Report::overlaps(std::vector<Found>& out) const {
  Kmv all;
  std::map<std::uint64_t, std::vector<AccountId>> by_name;
  for (const auto& [account, month] : months_)
    for (const std::uint64_t name : month.strangers.names()) by_name[name].push_back(account);
  for (const auto& [subject, askers] : strangers_) all.add(subject);
  std::set<Two> pairs;
  for (const auto& [name, accounts] : by_name) {
    if (accounts.size() > kAskersMost) continue;  // a magnet: everybody asks for them
    for (std::size_t i = 0; i < accounts.size(); ++i)
      for (std::size_t j = i + 1; j < accounts.size(); ++j) pairs.emplace(accounts[i], accounts[j]);
  }
  for (const Two& two : pairs) {
    const Month &a = months_.at(two.first), &b = months_.at(two.second);
    if (a.unit == b.unit) continue;
    const double shared = Kmv::shared(a.strangers, b.strangers);
    if (shared < tuned_.p.collusion_citizens) continue;
    const double mean = a.strangers.count() * b.strangers.count() / std::max(1.0, all.count());
    const double tail = poisson_tail(static_cast<std::uint64_t>(shared), mean);
    if (tail <= tuned_.p.collusion_tail) continue;
    Found found;
    found.rule = Rule::collusion;
    found.score = tail;
    found.threshold = tuned_.p.collusion_tail;
    found.accounts = {two.first, two.second};
    for (const Step& step : a.order)
      for (const Step& other : b.order)
        if (step.subject == other.subject)
          found.entries.insert(found.entries.end(), {step.entry, other.entry});
    const double either = a.strangers.count() + b.strangers.count() - shared;
    found.numbers = decimal(shared) + " citizens in common, " + decimal(mean) +
                    " by chance; Jaccard " + decimal(shared / std::max(1.0, either));
    finish(found);
    out.push_back(std::move(found));
  }
}

void Report::splits(std::vector<Found>& out) const {
  struct Walker {
    AccountId account;
    const Month* month;
    double sigmas;
  };
  std::map<std::pair<std::string, bool>, std::vector<Walker>> walkers;  // by unit and direction
  for (const auto& [account, month] : months_) {
    std::vector<std::uint64_t> places;
    for (const Step& step : month.order)
      if (step.place != 0) places.push_back(step.place);
    if (static_cast<double>(places.size()) < tuned_.p.split_citizens) continue;
    const double sigmas = mann_kendall(places);
    if (std::abs(sigmas) < tuned_.p.split_score) continue;
    walkers[{month.unit, sigmas > 0}].push_back({account, &month, std::abs(sigmas)});
  }
  // Those who are alone in their unit are looked at together.
  std::map<bool, std::vector<Walker>> alone;
  std::vector<std::vector<Walker>> groups;
  for (auto& [key, list] : walkers) {
    if (list.size() > 1)
      groups.push_back(std::move(list));
    else
      alone[key.second].push_back(list.front());
  }
  for (auto& [up, list] : alone)
    if (list.size() > 1) groups.push_back(std::move(list));
  for (const auto& group : groups) {
    Found found;
    found.rule = Rule::split_list;
    found.threshold = tuned_.p.split_score;
    found.score = 1e9;
    std::size_t citizens = 0;
    for (std::size_t i = 0; i < group.size(); ++i) {
      bool apart = false;  // from one of the others at least
      for (std::size_t j = 0; j < group.size(); ++j) {
        if (i == j) continue;
        const Kmv &a = group[i].month->strangers, &b = group[j].month->strangers;
        apart = apart || Kmv::shared(a, b) <= kSharedMost * std::min(a.count(), b.count());
      }
      if (!apart) continue;
      found.accounts.push_back(group[i].account);
      found.score = std::min(found.score, group[i].sigmas);
      citizens += group[i].month->order.size();
      for (const Step& step : group[i].month->order) found.entries.push_back(step.entry);
    }
    if (found.accounts.size() < 2) continue;
    found.numbers = std::to_string(found.accounts.size()) + " officers, " +
                    std::to_string(citizens) +
                    " citizens, each officer in the order of the numbers by " +
                    decimal(found.score) + " sigmas at the least";
    finish(found);
    out.push_back(std::move(found));
  }
}

void Report::rings(std::vector<Found>& out) const {
  for (const auto& [two, pair] : approvals_) {
    const auto back = approvals_.find({two.second, two.first});
    const bool returned = back != approvals_.end();
    if (returned && two.first > two.second) continue;  // told once
    Found found;
    found.rule = Rule::approver_ring;
    found.threshold = tuned_.p.ring_approvals;
    unsigned odd = pair.odd, given = pair.approvals;
    found.entries = pair.entries;
    if (returned) {
      given += back->second.approvals;
      odd = std::max(odd + back->second.odd, 2 * std::min(pair.approvals, back->second.approvals));
      found.entries.insert(found.entries.end(), back->second.entries.begin(),
                           back->second.entries.end());
    }
    found.score = odd;
    if (found.score < found.threshold) continue;
    found.accounts = {two.first, two.second};
    found.numbers = std::to_string(given) + " approvals, " + std::to_string(odd) +
                    " of them fast, at night or returned";
    finish(found);
    out.push_back(std::move(found));
  }
}

void Report::skews(std::vector<Found>& out) const {
  const auto least = static_cast<unsigned>(tuned_.p.skew_citizens);
  struct Count {
    AccountId account;
    const std::string* unit;
    unsigned k, n;
  };
  const auto judge = [&](const std::string& what, const std::vector<Count>& counts) {
    for (const Count& own : counts) {
      if (own.n < least) continue;
      std::vector<std::pair<unsigned, unsigned>> unit, all;
      for (const Count& c : counts) {
        if (c.account == own.account || c.n < least / 3) continue;
        all.emplace_back(c.k, c.n);
        if (*c.unit == *own.unit) unit.emplace_back(c.k, c.n);
      }
      const auto& peers = unit.size() >= kPeersLeast ? unit : all;
      if (peers.size() < kPeersLeast) continue;
      const Share share = share_of(peers);
      const double tail = beta_binomial_tail(own.k, own.n, share.a, share.b);
      if (tail <= tuned_.p.skew_tail) continue;
      Found found;
      found.rule = Rule::skewed;
      found.score = tail;
      found.threshold = tuned_.p.skew_tail;
      found.accounts = {own.account};
      found.numbers = what + ": " + std::to_string(own.k) + " of " + std::to_string(own.n) +
                      ", the peers' share is " + decimal(share.mean());
      out.push_back(std::move(found));
    }
  };
  std::vector<Count> counts;
  for (const auto& [account, m] : months_)
    counts.push_back({account, &m.unit, m.sexes[2], m.sexes[1] + m.sexes[2]});
  judge("women", counts);
  static constexpr const char* kBands[] = {"below 18", "18 to 29", "30 to 44", "45 to 59",
                                           "60 and above"};
  for (std::size_t band = 0; band < kAgeBands; ++band) {
    counts.clear();
    for (const auto& [account, m] : months_) {
      unsigned n = 0;
      for (const unsigned k : m.ages) n += k;
      counts.push_back({account, &m.unit, m.ages[band], n});
    }
    judge(std::string("aged ") + kBands[band], counts);
  }
}

void Report::addresses(std::vector<Found>& out) const {
  for (const auto& [account, month] : months_) {
    if (month.own_address.empty()) continue;
    Found found;
    found.rule = Rule::shared_address;
    found.score = static_cast<double>(month.own_address.size());
    found.threshold = 1;
    found.accounts = {account};
    found.entries = month.own_address;
    found.numbers = std::to_string(month.own_address.size()) + " lookups";
    finish(found);
    out.push_back(std::move(found));
  }
}

std::vector<Found> Report::found() const {
  std::vector<Found> out;
  groups(out);
  overlaps(out);
  splits(out);
  rings(out);
  skews(out);
  addresses(out);
  return out;
}

}  // namespace amanat::detection
