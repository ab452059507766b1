#include "sim/leak_trace.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>
#include <utility>

#include "model/insist.h"
#include "trace/match.h"
#include "trace/read.h"
#include "trace/weigh.h"

namespace amanat::sim {
namespace {

using trace::Posting;
constexpr std::uint32_t kUnseen = ~std::uint32_t{0};
constexpr unsigned kPeelings = 8;

// numbers_of lists the runs of exactly six digits in a row, ASCII or Urdu.
void numbers_of(std::string_view text, std::vector<std::uint32_t>& out) {
  std::uint32_t value = 0;
  unsigned count = 0;
  const auto end = [&] {
    if (count == 6) out.push_back(value);
    value = count = 0;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    unsigned digit = 10;
    if (c >= '0' && c <= '9') digit = c - '0';
    if (c == 0xdb && i + 1 < text.size()) {
      const auto next = static_cast<unsigned char>(text[i + 1]);
      if (next >= 0xb0 && next <= 0xb9) digit = next - 0xb0, ++i;
    }
    if (digit == 10) {
      end();
      continue;
    }
    if (count < 7) ++count;
    if (count < 7) value = value * 10 + digit;
  }
  end();
}

// What a row says of its citizen, read without any coin.
struct LeakedRow {
  std::uint32_t citizen = kUnseen;
  std::vector<std::uint32_t> numbers;
  std::vector<std::uint16_t> versions;  // that agree; empty: all
  std::vector<std::uint8_t> sides;      // per coin, bits of the sides that appear
  std::vector<std::uint32_t> accounts;  // S(r), with their epochs
  std::vector<std::pair<std::uint32_t, std::uint8_t>> epochs;
};

struct ReadFind {
  std::vector<LeakedRow> rows;  // with somebody who may have supplied them
  std::uint64_t seen = 0;
};

void read_symbols(const World& world, LeakedRow& row) {
  const auto has = [&](std::uint32_t number) {
    return std::find(row.numbers.begin(), row.numbers.end(), number) != row.numbers.end();
  };
  const auto last = world.version_on(row.citizen, kLastDay);
  for (std::uint16_t v = 1; v <= last; ++v)
    if (has(world.dated(row.citizen, v))) row.versions.push_back(v);
  row.sides.resize(world.shape().coins);
  for (unsigned s = 0; s < row.sides.size(); ++s)
    for (unsigned symbol = 0; symbol < 2; ++symbol)
      if (has(world.either(row.citizen, s, symbol)))
        row.sides[s] = static_cast<std::uint8_t>(row.sides[s] | 1u << symbol);
}

// Who may have supplied the row: granted fields, day and version; never what a coin let through.
void add_sources(const World& world, std::span<const std::uint64_t> postings, std::uint16_t day,
                 LeakedRow& row) {
  for (const std::uint64_t bits : postings) {
    const Posting p = trace::unpack(bits);
    if (p.day > day || p.fields != kFullFields) continue;
    if (!row.versions.empty() &&
        std::find(row.versions.begin(), row.versions.end(), p.version) == row.versions.end())
      continue;
    const std::uint32_t account = number(p.account);
    if (row.accounts.empty() || row.accounts.back() != account) row.accounts.push_back(account);
    row.epochs.emplace_back(account, static_cast<std::uint8_t>(world.epoch_of(account, p.day)));
  }
}

ReadFind read_find(const World& world, const Find& find) {
  ReadFind out;
  std::vector<LeakedRow> rows;
  const auto place = [](std::uint32_t cluster, std::uint64_t number) {
    return std::uint64_t{cluster} << 40 | number;
  };
  std::unordered_map<std::uint64_t, std::uint32_t> row_at;
  trace::MatchOptions options;
  options.batch = 1u << 12;
  options.on_match = [&](const trace::RowMatch& match) {
    const auto found = row_at.find(place(match.row.cluster, match.row.number));
    const auto citizen = world.citizen_of(match.citizen);
    insist(found != row_at.end() && citizen.has_value());
    LeakedRow& row = rows[found->second];
    if (row.citizen == kUnseen) {
      row.citizen = *citizen;
      read_symbols(world, row);
    }
    if (row.citizen == *citizen) add_sources(world, match.postings, find.day, row);
  };
  const trace::Aliases no_phones;
  trace::Matcher matcher(world.hash(), world.snapshot(), no_phones, options);
  trace::ReadOptions reading;
  reading.on_row = [&](const trace::LeakRow& leaked) {
    row_at[place(leaked.cluster, leaked.number)] = static_cast<std::uint32_t>(rows.size());
    numbers_of(leaked.text, rows.emplace_back().numbers);
    matcher.take(leaked);
  };
  auto read = trace::read_leak_bytes(find.file, "find", reading);
  insist(read.has_value());
  matcher.finish(*read);
  out.seen = rows.size();
  for (LeakedRow& row : rows)
    if (!row.accounts.empty()) out.rows.push_back(std::move(row));
  return out;
}

// A coin of a subject as the leak shows it: the sides seen, and by which of its rows.
struct SeenCoin {
  unsigned slot = 0;
  std::vector<trace::Observed> seen;
  std::vector<std::uint32_t> rows;
};
struct Subject {
  std::uint32_t citizen = 0;
  std::vector<std::uint32_t> rows;
  std::vector<SeenCoin> coins;
};

class Weigher {
 public:
  // `used` are coins that an earlier find showed: they enter once.
  Weigher(World& world, const ReadFind& find, std::map<std::uint64_t, bool>& used)
      : world_(world), find_(find) {
    std::map<std::uint32_t, std::vector<std::uint32_t>> by_citizen;
    for (std::uint32_t r = 0; r < find.rows.size(); ++r)
      by_citizen[find.rows[r].citizen].push_back(r);
    for (auto& [citizen, rows] : by_citizen) {
      Subject subject{citizen, std::move(rows), {}};
      for (unsigned slot = 0; slot < world.shape().coins; ++slot) {
        SeenCoin coin = seen_in(subject, slot);
        if (coin.seen.empty() || used[std::uint64_t{citizen} << 8 | slot]) continue;
        subject.coins.push_back(std::move(coin));
      }
      for (const SeenCoin& coin : subject.coins)
        used[std::uint64_t{citizen} << 8 | coin.slot] = true;
      subjects_.push_back(std::move(subject));
    }
  }

  void add_bits(std::unordered_map<std::uint32_t, std::uint64_t>& bits) const {
    for (const Subject& subject : subjects_)
      for (const SeenCoin& coin : subject.coins)
        for (const std::uint32_t account : accounts_of(coin.rows))
          bits[account] += trace::bits_of(coin.seen.front());
  }

  // weigh gives log2 E over the subjects that are left; `kept` is filled with who explains what.
  double weigh(std::uint32_t account, const std::vector<bool>& gone,
               std::vector<std::uint32_t>& which) {
    weighed_.clear();
    which.clear();
    for (std::uint32_t s = 0; s < subjects_.size(); ++s) {
      if (gone[s]) continue;
      trace::Weighed one = of_account(subjects_[s], account);
      if (one.copies.empty()) continue;
      weighed_.push_back(std::move(one));
      which.push_back(s);
    }
    return trace::log2_evidence(weighed_);
  }
  std::vector<bool> keeps() const { return trace::keeps(weighed_); }
  std::size_t subjects() const { return subjects_.size(); }

 private:
  SeenCoin seen_in(const Subject& subject, unsigned slot) const {
    SeenCoin coin{slot, {}, {}};
    unsigned sides = 0;
    for (const std::uint32_t r : subject.rows) {
      const unsigned shown = find_.rows[r].sides[slot];
      if (shown != 1 && shown != 2) continue;  // erased, or both sides in the row
      sides |= shown;
      coin.rows.push_back(r);
    }
    for (unsigned symbol = 0; symbol < 2; ++symbol)
      if ((sides >> symbol & 1) != 0) coin.seen.push_back({symbol, 1, 2});
    return coin;
  }

  std::vector<std::uint32_t> accounts_of(const std::vector<std::uint32_t>& rows) const {
    std::vector<std::uint32_t> out;
    for (const std::uint32_t r : rows)
      out.insert(out.end(), find_.rows[r].accounts.begin(), find_.rows[r].accounts.end());
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }

  trace::Weighed of_account(const Subject& subject, std::uint32_t account) {
    trace::Weighed out;
    unsigned epochs = 0;
    for (const std::uint32_t r : subject.rows)
      for (const auto& [whose, epoch] : find_.rows[r].epochs)
        if (whose == account) epochs |= 1u << epoch;
    for (unsigned epoch = 0; epoch < 2; ++epoch) {
      if ((epochs >> epoch & 1) == 0) continue;
      trace::Copy copy;
      for (const SeenCoin& coin : subject.coins) {
        const bool counts = std::any_of(coin.rows.begin(), coin.rows.end(), [&](std::uint32_t r) {
          const auto& all = find_.rows[r].accounts;
          return std::find(all.begin(), all.end(), account) != all.end();
        });
        if (counts)
          copy.coins.push_back(
              {world_.coin(account, epoch, subject.citizen, coin.slot), coin.seen});
      }
      out.copies.push_back(std::move(copy));
    }
    return out;
  }

  World& world_;
  const ReadFind& find_;
  std::vector<Subject> subjects_;
  std::vector<trace::Weighed> weighed_;
};

struct Peeled {
  std::vector<std::vector<bool>> gone;  // by find and subject
};

// One round: every candidate against the bound; whoever passes is accepted, and what it explains is
// taken away before the next round.
std::vector<Weight> round_of(std::vector<Weigher>& finds,
                             const std::vector<std::uint32_t>& candidates,
                             const trace::Bound& bound, Peeled& peeled,
                             std::vector<std::uint32_t>& named, bool peel) {
  std::vector<Weight> weights;
  std::vector<std::uint32_t> which;
  auto next = peeled.gone;
  for (const std::uint32_t account : candidates) {
    if (std::find(named.begin(), named.end(), account) != named.end()) continue;
    double log2_e = 0;
    for (std::size_t f = 0; f < finds.size(); ++f)
      log2_e += finds[f].weigh(account, peeled.gone[f], which);
    weights.push_back({account, log2_e});
    if (trace::judge(log2_e, bound) != trace::Tier::named) continue;
    named.push_back(account);
    for (std::size_t f = 0; peel && f < finds.size(); ++f) {
      finds[f].weigh(account, peeled.gone[f], which);
      if (which.empty()) continue;
      const auto kept = finds[f].keeps();
      for (std::size_t i = 0; i < which.size(); ++i)
        if (!kept[i]) next[f][which[i]] = true;
    }
  }
  peeled.gone = std::move(next);
  return weights;
}

std::vector<trace::SourcedRow> sourced(const std::vector<ReadFind>& finds) {
  std::vector<trace::SourcedRow> rows;
  for (const ReadFind& find : finds)
    for (const LeakedRow& row : find.rows)
      rows.push_back({std::to_string(row.citizen), row.versions, row.accounts});
  return rows;
}

// What must not be evidence: the account with most rows, and Papadimitriou and Garcia-Molina's
// formula at p = .2 and .99.
void count_what_is_banned(const std::vector<ReadFind>& finds, Traced& out) {
  std::map<std::uint32_t, std::pair<std::uint64_t, double>> of;  // rows, log of innocence
  for (const ReadFind& find : finds)
    for (const LeakedRow& row : find.rows)
      for (const std::uint32_t account : row.accounts) {
        auto& [rows, log] = of.try_emplace(account, 0, 0.0).first->second;
        ++rows;
        log += std::log1p(-.8 / static_cast<double>(row.accounts.size()));
      }
  std::uint64_t most = 0;
  for (const auto& [account, said] : of) {
    if (said.first > most) {
      most = said.first;
      out.most_common = account;
    }
    if (1 - std::exp(said.second) >= .99) out.by_formula.push_back(account);
  }
}

}  // namespace

Traced trace_leak(World& world, const Leak& leak, const TraceAsked& asked) {
  Traced out;
  std::vector<ReadFind> finds;
  for (const Find& find : leak.finds) {
    finds.push_back(read_find(world, find));
    out.rows += finds.back().seen;
    out.matched += finds.back().rows.size();
  }
  std::map<std::uint64_t, bool> used;
  std::vector<Weigher> weighers;
  std::unordered_map<std::uint32_t, std::uint64_t> bits;
  for (const ReadFind& find : finds) weighers.emplace_back(world, find, used);
  for (const Weigher& weigher : weighers) weigher.add_bits(bits);
  std::vector<std::uint32_t> candidates;
  for (const auto& [account, sum] : bits)
    if (sum >= trace::kCandidateBits) candidates.push_back(account);
  std::sort(candidates.begin(), candidates.end());
  out.candidates = candidates.size();
  // Sealed here; only now are coins drawn.
  if (!candidates.empty()) {
    const trace::Bound bound{candidates.size(), asked.alpha};
    Peeled peeled;
    for (const Weigher& weigher : weighers) peeled.gone.emplace_back(weigher.subjects(), false);
    std::size_t before = 0;
    do {
      before = out.named.size();
      const bool peel = ++out.rounds <= kPeelings;
      auto weights = round_of(weighers, candidates, bound, peeled, out.named, peel);
      if (out.rounds == 1) out.weights = std::move(weights);
    } while (out.named.size() > before && out.rounds <= kPeelings);
    std::sort(out.named.begin(), out.named.end());
  }
  if (asked.necessity) {
    // By itself, so that the table shows what it can do without the coins.
    out.necessity = trace::necessity(sourced(finds), {});
    count_what_is_banned(finds, out);
  }
  return out;
}

}  // namespace amanat::sim
