#include "trace/leads.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <unordered_map>
#include <utility>

namespace amanat::trace {
namespace {

constexpr int kRounds = 200;
constexpr double kSettled = 1e-6;

struct Source {
  Holding holding;
  double weight = 0, next = 0;
  std::uint64_t rows = 0;  // of the leak, that it may have supplied
};

struct Fit {
  std::vector<Source> sources;
  std::vector<std::vector<std::uint32_t>> holders;  // by row, places in `sources`
  double eps = .5;
};

Fit prepared(std::span<const SourcedRow> rows, std::span<const Holding> holdings) {
  Fit fit;
  std::unordered_map<std::uint32_t, std::uint32_t> place;
  for (const Holding& h : holdings)
    if (h.disclosures > 0 &&
        place.emplace(h.account, static_cast<std::uint32_t>(fit.sources.size())).second)
      fit.sources.push_back({h});
  for (const SourcedRow& row : rows) {
    auto& mine = fit.holders.emplace_back();
    for (const std::uint32_t account : row.accounts)
      if (const auto at = place.find(account); at != place.end()) mine.push_back(at->second);
    std::sort(mine.begin(), mine.end());
    mine.erase(std::unique(mine.begin(), mine.end()), mine.end());
    for (const std::uint32_t s : mine) ++fit.sources[s].rows;
  }
  std::erase_if(fit.holders, [](const auto& mine) { return mine.empty(); });
  for (Source& s : fit.sources) s.weight = 1 / static_cast<double>(fit.sources.size());
  return fit;
}

// One round: responsibilities, then weights. Returns the log-likelihood before it.
double round_of(Fit& fit, double background) {
  double log_likelihood = 0, foreign = 0;
  for (Source& s : fit.sources) s.next = 0;
  for (const auto& mine : fit.holders) {
    double p = fit.eps * background;
    for (const std::uint32_t s : mine)
      p += (1 - fit.eps) * fit.sources[s].weight /
           static_cast<double>(fit.sources[s].holding.disclosures);
    if (!(p > 0)) continue;
    log_likelihood += std::log(p);
    foreign += fit.eps * background / p;
    for (const std::uint32_t s : mine)
      fit.sources[s].next += (1 - fit.eps) * fit.sources[s].weight /
                             static_cast<double>(fit.sources[s].holding.disclosures) / p;
  }
  double sum = 0;
  for (const Source& s : fit.sources) sum += s.next;
  for (Source& s : fit.sources) s.weight = sum > 0 ? s.next / sum : 0;
  fit.eps = foreign / static_cast<double>(fit.holders.size());
  return log_likelihood;
}

double log_choose(std::uint64_t n, std::uint64_t k) {
  const auto f = [](std::uint64_t x) { return std::lgamma(static_cast<double>(x) + 1); };
  return f(n) - f(k) - f(n - k);
}

std::string printed(const char* form, double value) {
  char text[40];
  std::snprintf(text, sizeof text, form, value);
  return text;
}

}  // namespace

double chance_in_common(std::uint64_t disclosures, std::uint64_t overlap, std::uint64_t picked,
                        std::uint64_t common) {
  if (overlap > disclosures || picked > disclosures || common > picked) return 1;
  double sum = 0;
  for (std::uint64_t k = common; k <= std::min(picked, overlap); ++k) {
    if (picked - k > disclosures - overlap) continue;
    sum += std::exp(log_choose(overlap, k) + log_choose(disclosures - overlap, picked - k) -
                    log_choose(disclosures, picked));
  }
  return std::min(sum, 1.0);
}

// LeadWriter alone turns weights into lines.
class LeadWriter {
 public:
  LeadWriter(const Fit& fit, const LeadOptions& options) : fit_(fit), options_(options) {
    for (std::uint32_t s = 0; s < fit.sources.size(); ++s)
      if (fit.sources[s].rows > 0) order_.push_back(s);
    // Disclosures that no case explains raise a place: at most as if the weight were double.
    const auto rank = [&](std::uint32_t s) {
      const Source& a = fit.sources[s];
      const double share = static_cast<double>(std::min(a.holding.unexplained, a.rows)) /
                           static_cast<double>(a.rows);
      return a.weight * (1 + share);
    };
    std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
      const double ra = rank(a), rb = rank(b);
      if (ra != rb) return ra > rb;
      return fit.sources[a].holding.account < fit.sources[b].holding.account;
    });
    if (order_.size() > options.most) order_.resize(options.most);
  }

  std::vector<Lead> lines() const {
    std::vector<Lead> out;
    for (const std::uint32_t s : order_)
      out.push_back(Lead(fit_.sources[s].holding.account, of(s)));
    return out;
  }

 private:
  std::string of(std::uint32_t s) const {
    const Source& a = fit_.sources[s];
    std::string text = "account " + std::to_string(a.holding.account) + ": fitted share " +
                       printed("%.3g", 100 * a.weight) + " % of the rows; may have supplied " +
                       std::to_string(a.rows) + " of " + std::to_string(fit_.holders.size()) +
                       ", of " + std::to_string(a.holding.disclosures) + " disclosures to it";
    if (a.holding.unexplained > 0)
      text += "; " + std::to_string(a.holding.unexplained) + " without a case that fits";
    text += colleague_of(s);
    return text + "; " + std::string(kLeadWarning);
  }

  // The listed account that may have supplied most of the same rows, and what chance says to that.
  std::string colleague_of(std::uint32_t s) const {
    if (!options_.overlap) return {};
    std::uint32_t closest = s;
    std::uint64_t most = 0;
    for (const std::uint32_t other : order_) {
      if (other == s) continue;
      std::uint64_t common = 0;
      for (const auto& mine : fit_.holders)
        common += std::binary_search(mine.begin(), mine.end(), s) &&
                          std::binary_search(mine.begin(), mine.end(), other)
                      ? 1
                      : 0;
      if (common > most) {
        most = common;
        closest = other;
      }
    }
    if (closest == s) return {};
    const Source &a = fit_.sources[s], &b = fit_.sources[closest];
    const std::uint64_t overlap = options_.overlap(a.holding.account, b.holding.account);
    return "; account " + std::to_string(b.holding.account) + " may have supplied " +
           std::to_string(most) + " of these too, by chance " +
           printed("%.2g", chance_in_common(a.holding.disclosures, overlap, a.rows, most)) + " (" +
           std::to_string(overlap) + " disclosures in common)";
  }

  const Fit& fit_;
  const LeadOptions& options_;
  std::vector<std::uint32_t> order_;
};

std::vector<Lead> leads(std::span<const SourcedRow> rows, std::span<const Holding> holdings,
                        const LeadOptions& options) {
  Fit fit = prepared(rows, holdings);
  if (fit.holders.empty() || fit.sources.empty()) return {};
  double before = 0;
  for (int i = 0; i < kRounds; ++i) {
    const double now = round_of(fit, options.background);
    if (i > 0 && std::abs(now - before) <= kSettled * std::abs(before)) break;
    before = now;
  }
  return LeadWriter(fit, options).lines();
}

}  // namespace amanat::trace
