#include "ledger/refold.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "crypto/hash_many.h"
#include "ledger/big_endian.h"
#include "ledger/tile.h"
#include "ledger/tree.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::size_t kSubjectAt = 10, kTailAt = 106;
constexpr std::uint8_t kEpoch = 4, kPolicy = 6;
constexpr std::size_t kMinimumAt = kTailAt + 32;  // after the document's digest

Digest digest_at(std::string_view bytes, std::size_t at) {
  Digest d;
  insist(bytes.size() >= at + d.size());
  std::memcpy(d.data(), bytes.data() + at, d.size());
  return d;
}

constexpr char kSubjectDomain[] = "amanat/subject/v1";  // with its NUL

// MapLine holds the map to the EPOCHs on a thread of its own, while the one that reads goes on.
class MapLine {
 public:
  struct Job {
    std::vector<MapUpdate> updates;
    Digest root{};
    std::string otherwise;  // the problem if that is not the map over them
  };
  explicit MapLine(const Key256& key) : map_(key), thread_([this] { run(); }) {}
  ~MapLine() { end(); }
  MapLine(const MapLine&) = delete;
  MapLine& operator=(const MapLine&) = delete;

  void give(Job job) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return jobs_.size() < kWaitingMax; });
    jobs_.push_back(std::move(job));
    changed_.notify_all();
  }
  bool holds() const { return holds_.load(std::memory_order_relaxed); }
  // Waits until all was folded.
  void end() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
      changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
  }
  // After end().
  const std::string& problem() const { return problem_; }
  std::uint64_t citizens() const { return map_.citizens(); }

 private:
  static constexpr std::size_t kWaitingMax = 64;
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      const Job job = std::move(jobs_.front());
      jobs_.pop_front();
      changed_.notify_all();
      if (!holds()) continue;  // nothing after it means anything
      lock.unlock();
      const Digest folded = map_.stage(job.updates);
      map_.commit();
      if (folded != job.root) {
        problem_ = job.otherwise;
        holds_ = false;
      }
      lock.lock();
    }
  }

  Map map_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool ending_ = false;
  std::atomic<bool> holds_{true};
  std::string problem_;
  std::thread thread_;
};

class Run {
 public:
  Run(LogSource& source, const Key256& map_key, const Feed& feed, const RefoldOptions& options,
      Refold& out)
      : source_(source), feed_(feed), options_(options), out_(out), map_(map_key) {}

  Result<void> run() {
    auto ran = all();
    map_.end();
    // What the map showed comes before whatever was read after it.
    if (!map_.holds()) out_.problem = map_.problem();
    out_.citizens = map_.citizens();
    if (ran || !holds()) return {};
    return ran;
  }

 private:
  Result<void> all() {
    const std::uint64_t size = out_.at.checkpoint.size;
    if (auto r = advance(); !r) return r;
    for (std::uint64_t number = 0; number * kTileWidth < size && holds() && map_.holds();
         ++number) {
      if (auto r = take_bundle(number, size); !r) return r;
      if (options_.progress) options_.progress(out_.entries, size);
    }
    if (!holds() || !map_.holds()) return {};
    if (range_.root() != out_.at.checkpoint.root)
      return problem("the entries' root is not the one the checkpoint signs");
    if (pruned_ > minimum_)
      return problem("entries below " + std::to_string(pruned_) +
                     " are gone, and no POLICY entry lets them go");
    if (next_ && next_->index < size)
      return problem("the feed names entry " + std::to_string(next_->index) + " out of order");
    if (options_.before && !met_before_)
      return problem("the EPOCH audited before is not in this log");
    out_.uncovered = pending_.size() + untold_;
    return {};
  }

  bool holds() const { return out_.problem.empty(); }
  Result<void> problem(std::string words) {
    if (holds()) out_.problem = std::move(words);
    return {};
  }
  std::string place() const { return "entry " + std::to_string(out_.entries); }

  Result<void> advance() {
    const bool had = next_.has_value();
    const std::uint64_t before = had ? next_->index : 0;
    auto line = feed_();
    if (!line) return std::unexpected(std::move(line.error()));
    next_ = *std::move(line);
    if (next_ && had && next_->index <= before)
      return problem("the feed goes back to entry " + std::to_string(next_->index));
    return {};
  }

  Result<void> take_bundle(std::uint64_t number, std::uint64_t size) {
    const TileName name{TileName::Kind::entries, 0, number, tile_width(0, number, size)};
    auto bundle = source_.read(tile_path(name));
    if (!bundle && bundle.error().reason == Reason::no_record && name.width != kTileWidth)
      bundle = source_.read(tile_path({TileName::Kind::entries, 0, number, kTileWidth}));
    if (!bundle && bundle.error().reason == Reason::no_record && name.width == kTileWidth)
      return take_hashes(number);
    if (!bundle && bundle.error().reason == Reason::no_record)
      return problem(tile_path(name) + " is missing");
    if (!bundle) return std::unexpected(std::move(bundle.error()));
    auto entries = parse_bundle(*bundle, name.width);
    if (!entries && name.width != kTileWidth) {
      entries = parse_bundle(*bundle, kTileWidth);
      if (entries) entries->resize(name.width);
    }
    if (!entries) return problem(tile_path(name) + ": " + entries.error().detail);
    const auto leaves = hasher_.leaves(*entries);
    hasher_.append(range_, leaves);
    for (std::size_t i = 0; i < entries->size(); ++i, ++out_.entries)
      if (auto r = take((*entries)[i], leaves[i]); !r || !holds()) return r;
    return check_subjects();
  }

  // Many commitments are opened at once; a wrong one is told before any EPOCH it may be in.
  Result<void> check_subjects() {
    const auto opened = subjects_.finish();
    for (std::size_t i = 0; i < opened.size(); ++i)
      if (opened[i] != expected_[i].subject)
        return problem("entry " + std::to_string(expected_[i].index) +
                       " is filed under a citizen whom it does not name");
    expected_.clear();
    return {};
  }

  // A bundle past its retention: the hashes of its entries, which the signed root vouches for, and
  // who they name by the feed alone. No EPOCH can be read; the first one after it holds all this to
  // the map.
  Result<void> take_hashes(std::uint64_t number) {
    const TileName name{TileName::Kind::hashes, 0, number, kTileWidth};
    auto tile = source_.read(tile_path(name));
    if (!tile && tile.error().reason == Reason::no_record)
      return problem(tile_path(name) + " is missing");
    if (!tile) return std::unexpected(std::move(tile.error()));
    if (tile->size() != kTileWidth * sizeof(Digest))
      return problem(tile_path(name) + " has the wrong length");
    for (std::size_t i = 0; i < kTileWidth; ++i, ++out_.entries, ++out_.pruned) {
      if (auto r = meet_before(); !r || !holds()) return r;
      Digest leaf;
      std::memcpy(leaf.data(), tile->data() + i * sizeof(Digest), sizeof(Digest));
      range_.append(leaf);
      if (!next_ || next_->index != out_.entries) continue;
      const bool seen = options_.before && out_.entries < options_.before->covered;
      if (!seen && !options_.allow_erased)
        return problem(place() + " is past its retention and was never audited");
      ++out_.named;
      pending_.push_back({next_->label, leaf, out_.entries, 0});
      if (auto r = advance(); !r || !holds()) return r;
    }
    pruned_ = out_.entries;
    epoch_unknown_ = true;
    return meet_before();
  }

  // Where the EPOCH audited before is itself past its retention, the map at what it covered still
  // has its root.
  Result<void> meet_before() {
    if (!options_.before || met_before_ || out_.entries != options_.before->covered) return {};
    map_.give({std::exchange(pending_, {}), options_.before->root,
               "the map at " + place() + " is not the one audited before"});
    met_before_ = true;
    out_.now.epoch = options_.before->epoch;
    out_.now.covered = options_.before->covered;
    return {};
  }

  Result<void> take(std::string_view entry, const Digest& leaf) {
    const auto head = read_entry_head(entry);
    if (!head) return problem(place() + " is not in the form of a public entry");
    if (head->type == kEpoch) return take_epoch(entry);
    if (head->type == kPolicy)
      minimum_ = std::max(minimum_, load_number<std::uint64_t>(entry.data() + kMinimumAt));
    const Digest subject = digest_at(entry, kSubjectAt);
    const bool told = next_ && next_->index == out_.entries;
    if (subject == Digest{}) {
      if (told) return problem(place() + " names nobody, but the feed gives it to a citizen");
      return {};
    }
    if (!told && !next_) {  // what came after the feed was made is not told; no EPOCH may cover it
      if (untold_++ == 0) first_untold_ = out_.entries;
      ++out_.named;
      return {};
    }
    if (!told) return problem(place() + " names a citizen, but the feed does not say which");
    if (next_->r_subject) {
      std::uint8_t* const to = subjects_.add(*next_->r_subject);
      std::memcpy(to, kSubjectDomain, sizeof kSubjectDomain);
      std::memcpy(to + sizeof kSubjectDomain, next_->label.data(), next_->label.size());
      expected_.push_back({out_.entries, subject});
    } else {
      ++out_.erased;
      const bool seen = options_.before && out_.entries < options_.before->covered;
      if (!seen && !options_.allow_erased)
        return problem(place() + " was erased before it was ever audited");
    }
    ++out_.named;
    pending_.push_back({next_->label, leaf, out_.entries, 0});
    return advance();
  }

  Result<void> take_epoch(std::string_view entry) {
    const char* const tail = entry.data() + kTailAt;
    const auto epoch = load_number<std::uint64_t>(tail);
    const auto covered = load_number<std::uint64_t>(tail + 8);
    const Digest root = digest_at(entry, kTailAt + 16);
    const auto previous = load_number<std::uint64_t>(tail + 48);
    if (std::exchange(epoch_unknown_, false)) {
      if (epoch <= out_.now.epoch || previous >= pruned_)
        return problem(place() + ": EPOCH numbers do not follow");
    } else {
      if (epoch != out_.now.epoch + 1) return problem(place() + ": EPOCH numbers do not follow");
      if (previous != last_epoch_) return problem(place() + ": it names another EPOCH before it");
    }
    if (covered > out_.entries || covered < out_.now.covered)
      return problem(place() + ": it covers entries it cannot");
    if (untold_ > 0 && first_untold_ < covered)
      return problem("entry " + std::to_string(first_untold_) + " names a citizen and EPOCH " +
                     std::to_string(epoch) + " covers it, but the feed ends before it");
    if (auto r = check_subjects(); !r || !holds()) return r;
    const auto end = std::partition_point(pending_.begin(), pending_.end(),
                                          [&](const MapUpdate& u) { return u.index < covered; });
    std::vector<MapUpdate> rest(end, pending_.end());
    pending_.erase(end, pending_.end());
    map_.give({std::exchange(pending_, std::move(rest)), root,
               place() + ": EPOCH " + std::to_string(epoch) +
                   " is not the map over the entries it covers"});
    last_epoch_ = out_.entries;
    ++out_.epochs;
    out_.now.covered = covered;
    out_.now.epoch = epoch;
    out_.now.root = root;
    if (options_.before && options_.before->epoch == epoch) {
      met_before_ = true;
      if (options_.before->root != root || options_.before->covered != covered)
        return problem(place() + ": EPOCH " + std::to_string(epoch) +
                       " is not the one audited before");
    }
    return {};
  }

  LogSource& source_;
  const Feed& feed_;
  const RefoldOptions& options_;
  Refold& out_;
  MapLine map_;
  CompactRange range_;
  BundleHasher hasher_;
  crypto::HmacMany subjects_{sizeof kSubjectDomain + sizeof(Label)};
  struct Expected {
    std::uint64_t index;
    Digest subject;
  };
  std::vector<Expected> expected_;  // of what subjects_ gathers
  std::optional<FeedLine> next_;
  std::vector<MapUpdate> pending_;
  std::uint64_t untold_ = 0, first_untold_ = 0;  // entries after the feed's end that name somebody
  std::uint64_t last_epoch_ = 0;
  std::uint64_t pruned_ = 0, minimum_ = 0;  // bundles below it were gone; so much may be
  bool epoch_unknown_ = false;              // EPOCHs went with them
  bool met_before_ = false;
};

template <class Array>
bool from_hex_exactly(std::string_view text, Array& out) {
  const auto bytes = crypto::from_hex(text);
  if (!bytes || bytes->size() != out.size()) return false;
  std::memcpy(out.data(), bytes->data(), out.size());
  return true;
}

}  // namespace

std::string write_feed_line(const FeedLine& line) {
  return std::to_string(line.index) + " " + crypto::hex(line.label) + " " +
         (line.r_subject ? crypto::hex(*line.r_subject) : "-") + "\n";
}

Result<FeedLine> parse_feed_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t second = first == line.npos ? line.npos : line.find(' ', first + 1);
  const auto wrong = [] { return fail(Reason::note_malformed, "a line of the feed"); };
  if (second == line.npos) return wrong();
  const auto index = parse_decimal(line.substr(0, first));
  FeedLine out;
  if (!index || !from_hex_exactly(line.substr(first + 1, second - first - 1), out.label))
    return wrong();
  out.index = *index;
  const std::string_view r = line.substr(second + 1);
  if (r == "-") return out;
  if (!from_hex_exactly(r, out.r_subject.emplace())) return wrong();
  return out;
}

std::string write_audited(const Audited& a) {
  return "amanat-audited/1\n" + a.origin + "\n" + std::to_string(a.epoch) + "\n" +
         std::to_string(a.covered) + "\n" + crypto::hex(a.root) + "\n";
}

Result<Audited> parse_audited(std::string_view text) {
  const auto line = [&text]() -> std::optional<std::string_view> {
    const std::size_t end = text.find('\n');
    if (end == text.npos) return std::nullopt;
    const auto out = text.substr(0, end);
    text.remove_prefix(end + 1);
    return out;
  };
  Audited out;
  const auto magic = line(), origin = line(), epoch = line(), covered = line(), root = line();
  const auto e = epoch ? parse_decimal(*epoch) : std::nullopt;
  const auto c = covered ? parse_decimal(*covered) : std::nullopt;
  if (magic != "amanat-audited/1" || !origin || !e || !c || !root ||
      !from_hex_exactly(*root, out.root) || !text.empty())
    return fail(Reason::note_malformed, "not what an audit left behind");
  out.origin = *origin;
  out.epoch = *e;
  out.covered = *c;
  return out;
}

Result<Refold> refold_log(LogSource& source, const VerifierKey& log, const Key256& map_key,
                          const Feed& feed, const RefoldOptions& options) {
  auto note = source.read("checkpoint");
  if (!note) return std::unexpected(std::move(note.error()));
  Refold out;
  auto opened = open_checkpoint(*note, log);
  if (!opened) {
    out.problem = std::string(row_of(opened.error().reason).english);
    return out;
  }
  out.at = *std::move(opened);
  out.note = *std::move(note);
  out.now.origin = out.at.checkpoint.origin;
  if (options.before && options.before->origin != out.now.origin) {
    out.problem = "the earlier audit was of another log";
    return out;
  }
  if (auto ran = Run(source, map_key, feed, options, out).run(); !ran)
    return std::unexpected(std::move(ran.error()));
  return out;
}

}  // namespace amanat::ledger
