#include "trace/necessity.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <utility>

#include "model/insist.h"

namespace amanat::trace {
namespace {

using Words = std::vector<std::uint64_t>;
constexpr std::uint32_t kNone = ~std::uint32_t{0};
constexpr unsigned kSourcesMax = 16;

// Accounts with exactly the same rows.
struct Tied {
  std::vector<std::uint32_t> accounts;  // ascending
  std::vector<std::uint32_t> rows;      // ascending
  Words dense;                          // the same rows as bits; empty if there are few
  std::uint32_t inside = kNone;         // another class that has all these rows and more
};

struct Leak {
  std::uint64_t rows = 0;
  std::size_t words = 0;
  std::vector<Tied> classes;
  std::map<std::uint32_t, std::uint32_t> class_of;  // by account
};

bool has(const Words& bits, std::uint32_t row) { return (bits[row / 64] >> (row % 64) & 1) != 0; }

// The distinct rows with a source, each with everybody who may have supplied one of its kind: the
// union, because more sources can only acquit.
std::vector<std::vector<std::uint32_t>> distinct(std::span<const SourcedRow> rows) {
  std::map<std::pair<std::string_view, std::span<const std::uint16_t>>, std::vector<std::uint32_t>,
           decltype([](const auto& a, const auto& b) {
             if (a.first != b.first) return a.first < b.first;
             return std::lexicographical_compare(a.second.begin(), a.second.end(), b.second.begin(),
                                                 b.second.end());
           })>
      by_kind;
  for (const SourcedRow& r : rows) {
    auto& all = by_kind[{r.subject, r.versions}];
    all.insert(all.end(), r.accounts.begin(), r.accounts.end());
  }
  std::vector<std::vector<std::uint32_t>> out;
  for (auto& [kind, accounts] : by_kind) {
    if (accounts.empty()) continue;
    std::sort(accounts.begin(), accounts.end());
    accounts.erase(std::unique(accounts.begin(), accounts.end()), accounts.end());
    out.push_back(std::move(accounts));
  }
  return out;
}

// mark_contained finds for each class another one that contains it: whoever picks the smaller may
// pick the larger instead. Only holders of the class's rarest row can contain it.
void mark_contained(Leak& leak, const std::vector<std::vector<std::uint32_t>>& holders,
                    std::uint64_t work_max) {
  std::uint64_t work = 0;
  for (std::uint32_t a = 0; a < leak.classes.size() && work < work_max; ++a) {
    Tied& mine = leak.classes[a];
    const auto rarest = *std::min_element(
        mine.rows.begin(), mine.rows.end(),
        [&](std::uint32_t x, std::uint32_t y) { return holders[x].size() < holders[y].size(); });
    for (const std::uint32_t account : holders[rarest]) {
      const std::uint32_t b = leak.class_of.at(account);
      const Tied& other = leak.classes[b];
      if (other.rows.size() <= mine.rows.size()) continue;
      work += mine.rows.size();
      if (std::includes(other.rows.begin(), other.rows.end(), mine.rows.begin(), mine.rows.end())) {
        mine.inside = b;
        break;
      }
    }
  }
}

Leak leak_of(std::span<const SourcedRow> rows, std::uint64_t work_max) {
  const auto holders = distinct(rows);
  Leak leak;
  leak.rows = holders.size();
  leak.words = (holders.size() + 63) / 64;
  std::map<std::uint32_t, std::vector<std::uint32_t>> rows_of;
  for (std::uint32_t r = 0; r < holders.size(); ++r)
    for (const std::uint32_t account : holders[r]) rows_of[account].push_back(r);
  std::map<std::vector<std::uint32_t>, std::vector<std::uint32_t>> by_rows;
  for (auto& [account, own] : rows_of) by_rows[std::move(own)].push_back(account);
  for (auto& [own, accounts] : by_rows) {
    Tied tied{std::move(accounts), own, {}, kNone};
    if (own.size() * 4 >= leak.words) {
      tied.dense.assign(leak.words, 0);
      for (const std::uint32_t r : own) tied.dense[r / 64] |= std::uint64_t{1} << (r % 64);
    }
    for (const std::uint32_t account : tied.accounts)
      leak.class_of[account] = static_cast<std::uint32_t>(leak.classes.size());
    leak.classes.push_back(std::move(tied));
  }
  mark_contained(leak, holders, work_max);
  return leak;
}

// Search finds the most rows that `slots` more classes cover beside those already picked. Depth
// first, largest gain first; a gain can only shrink as more is covered, so a parent's gain bounds
// its children's.
class Search {
 public:
  Search(const Leak& leak, std::uint64_t work_max) : leak_(leak), work_max_(work_max) {}

  void pick(std::uint32_t chosen) {
    const std::uint64_t gain = gain_of(chosen, covered_);
    cover(chosen, covered_);
    best_ += gain;
    best_pick_.push_back(chosen);
  }
  // run leaves the class `without` out; kNone leaves nobody out.
  void run(unsigned slots, std::uint32_t without) {
    std::vector<Candidate> all;
    Words reach = covered_;
    for (std::uint32_t c = 0; c < leak_.classes.size(); ++c) {
      const Tied& tied = leak_.classes[c];
      if (c == without || (tied.inside != kNone && tied.inside != without)) continue;
      all.push_back({c, tied.rows.size()});
      cover(c, reach);
    }
    reachable_ = 0;
    for (const std::uint64_t w : reach) reachable_ += static_cast<unsigned>(std::popcount(w));
    sort(all);
    picked_ = best_pick_;
    lists_.resize(slots + 1);
    seen_.resize(slots + 1);
    if (slots > 0) descend(0, slots, best_, covered_, all);
  }
  std::uint64_t best() const { return best_; }
  // at_most bounds what any cover reaches: more than best() only if the search was cut.
  std::uint64_t at_most() const { return std::max(best_, open_); }
  const std::vector<std::uint32_t>& best_pick() const { return best_pick_; }

 private:
  struct Candidate {
    std::uint32_t which;
    std::uint64_t gain;
  };
  static void sort(std::vector<Candidate>& list) {
    std::sort(list.begin(), list.end(), [](const Candidate& a, const Candidate& b) {
      return a.gain != b.gain ? a.gain > b.gain : a.which < b.which;
    });
  }

  std::uint64_t gain_of(std::uint32_t which, const Words& covered) {
    const Tied& tied = leak_.classes[which];
    std::uint64_t gain = 0;
    if (!tied.dense.empty()) {
      work_ += leak_.words;
      for (std::size_t w = 0; w < leak_.words; ++w)
        gain += static_cast<unsigned>(std::popcount(tied.dense[w] & ~covered[w]));
    } else {
      work_ += tied.rows.size();
      for (const std::uint32_t r : tied.rows) gain += has(covered, r) ? 0 : 1;
    }
    return gain;
  }
  void cover(std::uint32_t which, Words& covered) const {
    for (const std::uint32_t r : leak_.classes[which].rows)
      covered[r / 64] |= std::uint64_t{1} << (r % 64);
  }

  // gains lists those of `from` that can still be part of a better cover, with their exact gains.
  void gains(unsigned depth, unsigned slots, std::uint64_t reached, const Words& covered,
             std::span<const Candidate> from) {
    auto& mine = lists_[depth];
    mine.clear();
    std::array<std::uint64_t, kSourcesMax> top{};  // the largest exact gains so far, descending
    for (const Candidate& c : from) {
      // With it and all that follow bounded by c.gain, can best_ be beaten?
      std::uint64_t bound = reached + c.gain;
      for (unsigned k = 0; k + 1 < slots; ++k) bound += std::max(top[k], c.gain);
      if (bound <= best_) break;
      const std::uint64_t gain = gain_of(c.which, covered);
      if (gain == 0) continue;
      mine.push_back({c.which, gain});
      for (std::uint64_t g = gain, k = 0; k + 1 < slots; ++k)
        if (g > top[k]) std::swap(g, top[k]);
    }
    sort(mine);
  }

  void record(std::uint64_t reached) {
    if (reached <= best_) return;
    best_ = reached;
    best_pick_ = picked_;
  }

  void descend(unsigned depth, unsigned slots, std::uint64_t reached, const Words& covered,
               std::span<const Candidate> from) {
    gains(depth, slots, reached, covered, from);
    const auto& mine = lists_[depth];
    for (std::size_t i = 0; i < mine.size(); ++i) {
      std::uint64_t bound = reached;
      for (std::size_t k = i; k < std::min(mine.size(), i + slots); ++k) bound += mine[k].gain;
      bound = std::min(bound, reachable_);
      if (bound <= best_) return;
      if (work_ > work_max_) {
        open_ = std::max(open_, bound);
        return;
      }
      picked_.push_back(mine[i].which);
      record(reached + mine[i].gain);
      if (slots > 1) {
        Words& next = seen_[depth];
        next = covered;
        cover(mine[i].which, next);
        descend(depth + 1, slots - 1, reached + mine[i].gain, next, std::span(mine).subspan(i + 1));
      }
      picked_.pop_back();
    }
  }

  const Leak& leak_;
  const std::uint64_t work_max_;
  Words covered_ = Words(leak_.words, 0);
  std::uint64_t best_ = 0, open_ = 0, reachable_ = 0, work_ = 0;
  std::vector<std::uint32_t> best_pick_, picked_;
  std::vector<std::vector<Candidate>> lists_;
  std::vector<Words> seen_;
};

// One question: the best cover by c accounts, the accepted among them but for `spared`, and without
// the class `without`.
Search answered(const Leak& leak, const NecessityOptions& options, unsigned sources,
                const std::vector<std::uint32_t>& accepted, std::uint32_t spared,
                std::uint32_t without) {
  Search search(leak, options.work_max);
  unsigned slots = sources;
  for (const std::uint32_t account : accepted) {
    const auto at = leak.class_of.find(account);
    const bool known = at != leak.class_of.end();
    if (account == spared || (known && at->second == without)) continue;
    --slots;
    if (known) search.pick(at->second);
  }
  search.run(slots, without);
  return search;
}

Margin margin_of(const Leak& leak, const NecessityOptions& options, unsigned sources,
                 const std::vector<std::uint32_t>& accepted, std::uint32_t account) {
  const std::uint32_t which = leak.class_of.at(account);
  const Tied& tied = leak.classes[which];
  Margin margin;
  margin.account = account;
  margin.tied = tied.accounts;
  margin.accepted = std::binary_search(accepted.begin(), accepted.end(), account);
  const Search without_all = answered(leak, options, sources, accepted, account, which);
  margin.b_star_tied = leak.rows - without_all.at_most();
  margin.exact_tied = without_all.at_most() == without_all.best();
  margin.b_star = margin.b_star_tied;
  margin.exact = margin.exact_tied;
  if (tied.accounts.size() > 1) {
    // Another of the tie set takes its place.
    const Search without = answered(leak, options, sources, accepted, account, kNone);
    margin.b_star = leak.rows - without.at_most();
    margin.exact = without.at_most() == without.best();
  }
  return margin;
}

Necessity at(const Leak& leak, const NecessityOptions& options, unsigned sources,
             const std::vector<std::uint32_t>& accepted) {
  insist(sources > 0 && sources <= kSourcesMax);
  Necessity out;
  out.sources = sources;
  out.rows = leak.rows;
  if (accepted.size() > sources) {
    out.possible = false;
    out.residual = out.residual_least = leak.rows;
    return out;
  }
  const Search all = answered(leak, options, sources, accepted, kNone, kNone);
  out.residual = leak.rows - all.best();
  out.residual_least = leak.rows - all.at_most();
  std::vector<std::uint32_t> members = accepted;
  for (const std::uint32_t which : all.best_pick()) {
    const auto& tied = leak.classes[which].accounts;
    const bool there = std::any_of(tied.begin(), tied.end(), [&](std::uint32_t account) {
      return std::find(members.begin(), members.end(), account) != members.end();
    });
    if (!there) members.push_back(tied.front());
  }
  for (const std::uint32_t account : members)
    if (leak.class_of.contains(account))
      out.margins.push_back(margin_of(leak, options, sources, accepted, account));
  std::sort(out.margins.begin(), out.margins.end(), [](const Margin& a, const Margin& b) {
    return a.b_star != b.b_star ? a.b_star > b.b_star : a.account < b.account;
  });
  return out;
}

}  // namespace

std::vector<Necessity> necessity(std::span<const SourcedRow> rows,
                                 const NecessityOptions& options) {
  const Leak leak = leak_of(rows, options.work_max);
  std::vector<std::uint32_t> accepted = options.accepted;
  std::sort(accepted.begin(), accepted.end());
  accepted.erase(std::unique(accepted.begin(), accepted.end()), accepted.end());
  std::vector<Necessity> out;
  for (const unsigned sources : options.sources)
    out.push_back(at(leak, options, sources, accepted));
  return out;
}

Explained explained(const Necessity& at, std::uint64_t foreign) {
  return at.possible && at.residual <= foreign ? Explained::holds : Explained::refuted;
}

std::vector<std::uint32_t> needed(const Necessity& at, std::uint64_t foreign) {
  std::vector<std::uint32_t> out;
  if (explained(at, foreign) == Explained::refuted) return out;
  for (const Margin& m : at.margins)
    if (foreign < m.b_star) out.push_back(m.account);
  std::sort(out.begin(), out.end());
  return out;
}

std::string margin_text(std::uint64_t b_star, bool exact) {
  return (exact ? "" : ">=") + std::to_string(b_star);
}

}  // namespace amanat::trace
