#include "trace/findings.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

namespace amanat::trace {
namespace {

std::uint64_t thousandths(double bits) {
  return bits <= 0 ? 0 : static_cast<std::uint64_t>(std::floor(bits * 1000));
}

/// Weight is one account weighed on what is left.
struct Weight {
  bool named = false;
  double bits = 0;
  std::vector<WeighedSubject> subjects;
};

class Judging {
 public:
  Judging(const Extraction& x, const AllFacts& facts, const disclosure::SlotCatalogue& catalogue,
          const SymbolOf& symbol_of, std::span<const DecoyHit> hits)
      : x_(x), facts_(facts), catalogue_(catalogue), symbol_of_(symbol_of), hits_(hits) {
    for (const auto& a : x.accounts)
      if (candidates_.empty() || candidates_.back() != AccountId{a.account})
        candidates_.push_back(AccountId{a.account});
    for (const auto& h : x.held) given_[AccountId{h.account}] += h.count;
    alone_ = x.strays && std::ranges::none_of(x.accounts, [](const Extraction::Account& a) {
               return a.bits >= kCandidateBits;
             });
  }

  const std::vector<AccountId>& candidates() const { return candidates_; }

  Weight weigh(AccountId account) const {
    Weight out;
    out.subjects = weighed_for(account, x_, facts_, catalogue_, symbol_of_,
                               [this](const Label& l) { return peeled_.contains(l); });
    const Bound bound{std::max<std::uint64_t>(x_.candidates, 1)};
    if (x_.test == Statistic::tail) {
      std::vector<Match> matches;
      for (const auto& s : out.subjects)
        for (const Copy& copy : s.weighed.copies)
          for (const Coin& coin : copy.coins)
            // A coin that rows show with several symbols is no single draw: left out.
            if (coin.seen.size() == 1)
              matches.push_back({coin.seen[0], coin.seen[0].symbol == coin.own});
      const double p = matches.empty() ? 1 : tail(matches);
      out.named = judge_tail(p, bound) == Tier::named;
      out.bits = -std::log2(p);
      return out;
    }
    const auto q = luck(account);
    const bool found = std::ranges::find(hits_, account, &DecoyHit::account) != hits_.end();
    // Which statistic decides was fixed by the seal, before anybody knew of a decoy.
    if (alone_) {
      out.bits = q && found ? -std::log2(*q) : 0;
    } else {
      const auto subjects = weighed(out.subjects);
      out.bits = log2_evidence(subjects);
      if (q) out.bits += found ? log2_decoy(*q) : -1;
    }
    out.named = judge(out.bits, bound) == Tier::named;
    return out;
  }
  // q of part 9; nothing of an account that holds no decoys.
  std::optional<double> luck(AccountId account) const {
    const auto given = given_.find(account);
    if (!x_.strays || given == given_.end()) return std::nullopt;
    return chance_of_decoy(x_.strays->kind, x_.strays->count, given->second);
  }

  void accept(AccountId account, const Weight& weight, Findings& out) {
    NamedAccount one;
    one.account = account;
    one.round = static_cast<unsigned>(out.named.size() + 1);
    one.millibits = thousandths(weight.bits);
    one.subjects = weight.subjects.size();
    for (const auto& s : weight.subjects) {
      one.coins += s.coins;
      one.agreeing += s.agreeing;
    }
    one.not_before = not_before(account);
    for (const DecoyHit& hit : hits_)
      if (hit.account == account) {
        ++one.decoys;
        one.not_before = std::max(one.not_before, hit.day);
      }
    if (one.decoys > 0) {
      one.given = given_.at(account);
      one.luck = thousandths(-std::log2(*luck(account)));
    }
    out.named.push_back(std::move(one));
    const auto subjects = weighed(weight.subjects);
    const auto left = keeps(subjects);
    for (std::size_t i = 0; i < left.size(); ++i)
      if (!left[i]) peeled_.insert(weight.subjects[i].subject);
  }

  // The last of the days on which each row could first be had; of one account, or of anybody.
  std::string not_before(std::optional<AccountId> account) const {
    std::string latest;
    std::map<std::uint64_t, const Extraction::Row*> rows;
    for (const auto& r : x_.rows) rows.emplace(r.n, &r);
    for (const auto& s : x_.sources) {
      std::string first;
      const auto facts = facts_.find(rows.at(s.row)->subject);
      if (facts == facts_.end()) continue;
      for (const Disclosed& d : facts->second.disclosed) {
        if (account && d.account != *account) continue;
        if (!std::ranges::binary_search(s.entries, d.entry)) continue;
        const std::string day = day_of(d.at);
        if (first.empty() || day < first) first = day;
      }
      if (first > latest) latest = first;
    }
    return latest;
  }

  Findings head() const {
    Findings out;
    out.leak = x_.leak;
    out.leak_bytes = x_.leak_bytes;
    out.leak_day = x_.leak_day;
    out.test = x_.test;
    out.rows = x_.rows.size();
    out.sourced = x_.sources.size();
    out.foreign = out.rows - out.sourced;
    out.unknown = x_.unknown;
    out.symbols = x_.symbols.size();
    out.erased = x_.erased.size();
    out.strays = x_.strays;
    out.holders = given_.size();
    out.decoys_alone = alone_;
    out.candidates = x_.candidates;
    out.bound_millibits = thousandths(bound_bits(Bound{std::max<std::uint64_t>(x_.candidates, 1)}));
    out.not_before = not_before(std::nullopt);
    return out;
  }

  void add_necessity(Findings& out) const {
    NecessityOptions options;
    for (const auto& n : out.named) options.accepted.push_back(number(n.account));
    std::ranges::sort(options.accepted);
    const auto rows = sourced_rows(x_, facts_);
    if (!rows.empty()) out.necessity = necessity(rows, options);
  }

 private:
  static std::vector<Weighed> weighed(const std::vector<WeighedSubject>& subjects) {
    std::vector<Weighed> out;
    for (const auto& s : subjects) out.push_back(s.weighed);
    return out;
  }

  const Extraction& x_;
  const AllFacts& facts_;
  const disclosure::SlotCatalogue& catalogue_;
  const SymbolOf& symbol_of_;
  const std::span<const DecoyHit> hits_;
  std::map<AccountId, std::uint64_t> given_;  // decoys, by holder
  bool alone_ = false;
  std::vector<AccountId> candidates_;
  std::set<Label> peeled_;
};

}  // namespace

Findings judge_extraction(const Extraction& x, const AllFacts& facts,
                          const disclosure::SlotCatalogue& catalogue, const SymbolOf& symbol_of,
                          std::span<const DecoyHit> hits) {
  Judging judging(x, facts, catalogue, symbol_of, hits);
  Findings out = judging.head();
  std::set<AccountId> named;
  while (out.named.size() < kPeelingRoundsMax && !judging.candidates().empty()) {
    ++out.evaluations;
    std::optional<std::pair<AccountId, Weight>> best;
    for (const AccountId account : judging.candidates()) {
      if (named.contains(account)) continue;
      Weight weight = judging.weigh(account);
      if (weight.named && (!best || weight.bits > best->second.bits))
        best.emplace(account, std::move(weight));
    }
    if (!best) break;
    named.insert(best->first);
    judging.accept(best->first, best->second, out);
    if (x.test == Statistic::tail) break;  // the tail is for one find and one source
  }
  judging.add_necessity(out);
  return out;
}

Result<Findings> judge_again(const Extraction& x, const AllFacts& facts,
                             const disclosure::SlotCatalogue& catalogue, const SymbolOf& symbol_of,
                             std::span<const AccountId> named, std::span<const DecoyHit> hits) {
  Judging judging(x, facts, catalogue, symbol_of, hits);
  Findings out = judging.head();
  for (const AccountId account : named) {
    const std::string who = "account " + std::to_string(number(account));
    if (!std::ranges::binary_search(judging.candidates(), account))
      return fail(Reason::evidence_wrong, who + " is not on the sealed list");
    const Weight weight = judging.weigh(account);
    if (!weight.named) return fail(Reason::evidence_wrong, who + " is not reached by the bound");
    judging.accept(account, weight, out);
  }
  // One evaluation a round, and a last one that named nobody, unless the rounds were over.
  const bool over = out.named.size() == kPeelingRoundsMax || judging.candidates().empty() ||
                    (x.test == Statistic::tail && !out.named.empty());
  out.evaluations = static_cast<unsigned>(out.named.size()) + (over ? 0 : 1);
  judging.add_necessity(out);
  return out;
}

std::vector<SourcedRow> sourced_rows(const Extraction& x, const AllFacts& facts) {
  std::map<std::uint64_t, const Extraction::Row*> rows;
  for (const auto& r : x.rows) rows.emplace(r.n, &r);
  std::map<std::pair<std::string, std::vector<std::uint16_t>>, std::set<std::uint32_t>> merged;
  for (const auto& s : x.sources) {
    const Label& label = rows.at(s.row)->subject;
    const auto known = facts.find(label);
    if (known == facts.end()) continue;
    std::set<std::uint16_t> versions;
    std::set<std::uint32_t> accounts;
    for (const Disclosed& d : known->second.disclosed) {
      if (!std::ranges::binary_search(s.entries, d.entry)) continue;
      accounts.insert(number(d.account));
      std::uint32_t version = 0;
      for (const ShownRecord& r : d.shown) version = std::max(version, r.version);
      versions.insert(static_cast<std::uint16_t>(version % 4096));
    }
    const std::string subject(label.begin(), label.end());
    merged[{subject, {versions.begin(), versions.end()}}].insert(accounts.begin(), accounts.end());
  }
  std::vector<SourcedRow> out;
  for (const auto& [key, accounts] : merged)
    out.push_back({key.first, key.second, {accounts.begin(), accounts.end()}});
  return out;
}

std::string write_findings(const Findings& f) {
  const auto word = [](std::uint64_t n) { return " " + std::to_string(n); };
  std::string out = "amanat-findings v1\nleak ";
  for (const std::uint8_t byte : f.leak) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  out += word(f.leak_bytes) + " " + f.leak_day + "\n";
  out += "rows" + word(f.rows) + word(f.sourced) + word(f.foreign) + word(f.unknown) + "\n";
  out += "symbols" + word(f.symbols) + word(f.erased) + "\n";
  out += std::string("test ") + (f.test == Statistic::e ? "e" : "tail") + "\n";
  if (f.strays)
    out += "strays " + std::string(word_of(f.strays->kind)) + word(f.strays->count) +
           word(f.holders) + (f.decoys_alone ? " alone\n" : " together\n");
  out += "nc" + word(f.candidates) + "\nbound" + word(f.bound_millibits) + "\n";
  out += "evaluations" + word(f.evaluations) + "\n";
  out += "not-before " + (f.not_before.empty() ? std::string("-") : f.not_before) + "\n";
  for (const NamedAccount& n : f.named) {
    out += "named" + word(number(n.account)) + word(n.round) + word(n.millibits) +
           word(n.subjects) + word(n.coins) + word(n.agreeing) + " " + n.not_before + "\n";
    if (n.decoys > 0)
      out += "decoys" + word(number(n.account)) + word(n.decoys) + word(n.given) + word(n.luck) +
             "\n";
  }
  for (const Necessity& at : f.necessity) {
    out += "necessity" + word(at.sources) + word(at.rows) + word(at.residual) +
           (at.possible ? " possible\n" : " impossible\n");
    for (const Margin& m : at.margins) {
      out += "margin" + word(at.sources) + word(m.account) + " " + margin_text(m.b_star, m.exact) +
             (m.accepted ? " accepted" : " open");
      for (const std::uint32_t tied : m.tied) out += word(tied);
      out += "\n";
    }
  }
  return out += "open backend\n";
}

}  // namespace amanat::trace
