#include "trace/match.h"

#include <algorithm>
#include <array>

#include "model/insist.h"

namespace amanat::trace {
namespace {

// More cold hits than this are read in one pass over the postings: random reads give 65,000 a
// second, a pass over 8 GB takes 8 s.
constexpr std::size_t kSequentialFrom = 500'000;
constexpr std::size_t kWantAhead = 4096;  // hits asked for ahead of the reader, when cold
constexpr std::uint8_t kHit = 1, kOnlyTimeLike = 2;

}  // namespace

void Aliases::sort() {
  std::sort(pairs_.begin(), pairs_.end());
  pairs_.erase(std::unique(pairs_.begin(), pairs_.end()), pairs_.end());
}

std::span<const std::pair<std::uint64_t, std::uint64_t>> Aliases::of(std::uint64_t phone) const {
  const auto begin =
      std::lower_bound(pairs_.begin(), pairs_.end(), std::pair(phone, std::uint64_t{0}));
  auto end = begin;
  while (end != pairs_.end() && end->first == phone) ++end;
  return {begin, end};
}

bool HashSet::insert(std::uint64_t hash) {
  if (hash == 0) hash = 1;
  if (2 * (size_ + 1) > slots_.size()) grow();
  for (std::size_t at = hash >> (64 - bits_);; at = at + 1 == slots_.size() ? 0 : at + 1) {
    if (slots_[at] == hash) return false;
    if (slots_[at] != 0) continue;
    slots_[at] = hash;
    ++size_;
    return true;
  }
}

void HashSet::reserve(std::size_t more) {
  while (2 * (size_ + more + 1) > slots_.size()) grow();
}

void HashSet::grow() {
  const std::vector<std::uint64_t> old = std::move(slots_);
  bits_ = bits_ == 0 ? 12 : bits_ + 1;
  slots_.assign(std::size_t{1} << bits_, 0);
  size_ = 0;
  for (const std::uint64_t hash : old)
    if (hash != 0) insert(hash);
}

Matcher::Matcher(const IdentifierHash& hash, std::shared_ptr<const Snapshot> snapshot,
                 const Aliases& aliases, const MatchOptions& options)
    : hash_(hash), snapshot_(std::move(snapshot)), aliases_(aliases), options_(options) {
  insist(snapshot_ != nullptr && options_.batch > 0);
  in_segment_.resize(snapshot_->segments.size());
  summary_.first_day = kDaysMax;
  rows_.reserve(options_.batch + 64);
  asked_.reserve(options_.batch + 64);
}

void Matcher::take(const LeakRow& row) {
  bool counted = false;
  for (std::size_t i = 0; i < row.identifiers.size(); ++i) {
    const Identifier& id = row.identifiers[i];
    if (id.partial) continue;
    if (!counted) {
      counted = true;
      ++summary_.rows;
      rows_.push_back({row.part, row.cluster, row.number, row.offset, row.length});
    }
    const auto at = static_cast<std::uint32_t>(rows_.size() - 1);
    const std::uint64_t hash = hash_(id.canonical());
    if (id.kind == Kind::msisdn) {
      // A number may have been asked about itself, and its citizen's data disclosed.
      asked_.push_back({hash, at, id.kind, false, kNoColumn});
      for (const auto& [phone, citizen] : aliases_.of(hash))
        asked_.push_back({citizen, at, id.kind, false, kNoColumn});
    } else {
      const bool time_like = id.layout == Layout::plain && id.digits[0] == '1';
      asked_.push_back({hash, at, id.kind, time_like, row.columns[i]});
    }
  }
  if (asked_.size() >= options_.batch) flush();
}

// Queries in the order of their first 24 bits walk the arrays forwards, page by page.
void Matcher::sort_asked() {
  constexpr unsigned kBits = 12;
  sorted_.resize(asked_.size());
  for (const unsigned shift : {64 - 2 * kBits, 64 - kBits}) {
    std::array<std::size_t, (1u << kBits) + 1> begins{};
    const auto digit = [shift](const Asked& a) { return a.hash >> shift & ((1u << kBits) - 1); };
    for (const Asked& a : asked_) ++begins[digit(a) + 1];
    for (std::size_t i = 1; i < begins.size(); ++i) begins[i] += begins[i - 1];
    for (const Asked& a : asked_) sorted_[begins[digit(a)]++] = a;
    asked_.swap(sorted_);
  }
}

void Matcher::search(std::uint32_t number) {
  const Segment& segment = *snapshot_->segments[number];
  found_.clear();
  segment.find(hashes_, found_);
  citizens_.reserve(found_.size());
  if (in_segment_.size() > 1) in_segment_[number].reserve(found_.size());
  const bool warm = segment.warm();
  if (!warm) {
    std::sort(found_.begin(), found_.end(),
              [](const Found& a, const Found& b) { return a.first < b.first; });
    if (found_.size() > kSequentialFrom)
      segment.expect_sequential();
    else
      segment.expect_random();
  }
  for (std::size_t i = 0; i < found_.size(); ++i) {
    if (!warm && found_.size() <= kSequentialFrom && i % kWantAhead == 0)
      segment.want(std::span(found_).subspan(i, std::min(kWantAhead, found_.size() - i)));
    const Found& f = found_[i];
    const Asked& a = asked_[f.query];
    const auto postings = segment.postings_of(f);
    if (i + 8 < found_.size()) __builtin_prefetch(segment.postings_of(found_[i + 8]).data());
    const bool first = citizens_.insert(a.hash);
    const bool first_here = in_segment_.size() == 1 ? first : in_segment_[number].insert(a.hash);
    if (first_here) summary_.disclosures += f.count;
    for (const std::uint64_t p : postings) {
      const std::uint16_t day = unpack(p).day;
      summary_.first_day = std::min(summary_.first_day, day);
      summary_.last_day = std::max(summary_.last_day, day);
    }
    std::uint8_t& state = row_state_[a.row];
    state =
        a.time_like ? static_cast<std::uint8_t>(state == 0 ? (kHit | kOnlyTimeLike) : state) : kHit;
    if (options_.on_match) options_.on_match({rows_[a.row], a.kind, a.hash, postings});
  }
}

void Matcher::flush() {
  sort_asked();
  hashes_.resize(asked_.size());
  std::transform(asked_.begin(), asked_.end(), hashes_.begin(),
                 [](const Asked& a) { return a.hash; });
  row_state_.assign(rows_.size(), 0);
  for (std::uint32_t i = 0; i < snapshot_->segments.size(); ++i) search(i);
  for (const std::uint8_t state : row_state_) summary_.rows_matched += state & kHit;
  for (const Asked& a : asked_)
    if ((row_state_[a.row] & kOnlyTimeLike) != 0 && a.time_like) {
      ++only_through_[{rows_[a.row].cluster, a.column}];
      row_state_[a.row] = 0;  // once a row
    }
  asked_.clear();
  rows_.clear();
}

MatchSummary Matcher::finish(const Summary& read) {
  flush();
  summary_.citizens = citizens_.size();
  for (const auto& [place, rows] : only_through_) {
    const auto [cluster, column] = place;
    insist(cluster < read.clusters.size());
    const auto& columns = read.clusters[cluster].columns;
    if (column >= columns.size() || !columns[column].doubtful) continue;
    summary_.rows_doubtful += rows;
    summary_.rows_matched -= rows;
  }
  if (summary_.citizens == 0) summary_.first_day = 0;
  return summary_;
}

}  // namespace amanat::trace
