#include "ledger/by_citizen.h"

#include <algorithm>

#include "ledger/entry.h"
#include "ledger/frame_reader.h"
#include "ledger/map_file.h"
#include "ledger/tree.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kFlushEvery{100};
constexpr milliseconds kRetryEpoch{2000};
constexpr milliseconds kFirstEpochWait{3000};  // longer than publishing it takes
constexpr std::uint64_t kQuietMax = 4096;      // entries that name nobody between two EPOCHs
constexpr std::size_t kFoldAtOnce = 1u << 20;  // while loading

bool is_zero(const Digest& d) { return d == Digest{}; }

}  // namespace

ByCitizen::ByCitizen(Setup setup) : setup_(std::move(setup)), map_(setup_.options.map_key) {
  insist(setup_.disk != nullptr && setup_.projection != nullptr && setup_.append_epoch);
}

ByCitizen::~ByCitizen() { stop(); }

void ByCitizen::start() {
  const std::lock_guard lock(mutex_);
  insist(!started_);
  started_ = true;
  thread_ = std::thread([this] { run(); });
}

void ByCitizen::durable(std::shared_ptr<const Batch> batch) {
  {
    const std::lock_guard lock(mutex_);
    arrived_.push_back(std::move(batch));
  }
}

void ByCitizen::broken(const std::string& words) {
  if (broken_.exchange(true)) return;
  setup_.alarm("histories: " + words + "; no further EPOCH is made");
}

Result<void> ByCitizen::keep(std::uint64_t size) {
  std::unique_lock lock(mutex_);
  if (!started_ || stopping_) return fail(Reason::shutting_down);
  if (done_keep_ >= size) return {};
  asked_keep_ = std::max(asked_keep_, size);
  keep_failure_.reset();
  called_.notify_all();
  kept_.wait(lock, [&] { return done_keep_ >= size || keep_failure_ || stopping_; });
  if (done_keep_ >= size) return {};
  if (keep_failure_) return std::unexpected(*keep_failure_);
  return fail(Reason::shutting_down);
}

void ByCitizen::cover() {
  std::unique_lock lock(mutex_);
  if (!started_ || stopping_) return;
  cover_ = true;
  called_.notify_all();
  // A log whose disk failed takes no EPOCH any more: not for ever.
  kept_.wait_for(lock, std::chrono::seconds(5), [this] { return covered_all_; });
}

bool ByCitizen::hasten(std::uint64_t size) {
  {
    const std::lock_guard lock(mutex_);
    if (settled_ >= size && served_.index != 0) return true;
  }
  hasten_ = true;
  asked_ = true;
  called_.notify_all();
  return false;
}

EpochMark ByCitizen::last_served() const {
  const std::lock_guard lock(mutex_);
  return served_;
}

void ByCitizen::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (!started_ || stopping_) return;
    stopping_ = true;
  }
  called_.notify_all();
  kept_.notify_all();
  thread_.join();
}

void ByCitizen::run() {
  build();
  std::unique_lock lock(mutex_);
  built_ = !broken_;
  for (;;) {
    if (!stopping_) called_.wait_for(lock, kFlushEvery, [this] { return stopping_; });
    const bool last = stopping_, wanted = asked_keep_ > done_keep_;
    const auto batches = std::exchange(arrived_, {});
    lock.unlock();
    if (!broken_)
      for (const auto& batch : batches) take(*batch);
    flush();
    auto failure = sync(wanted || last);
    if (!broken_) {
      try_commit();
      try_epoch();
      keep_map(last);
    }
    lock.lock();
    if (failure)
      keep_failure_ = std::move(failure);
    else if (wanted)
      done_keep_ = processed_;
    if (pending_.empty() && !staged_) settled_ = processed_;
    if (cover_ && settled() && arrived_.empty()) covered_all_ = true;
    kept_.notify_all();
    if (last && arrived_.empty()) return;
  }
}

// Nothing waits to be covered by an EPOCH.
bool ByCitizen::settled() const {
  return broken_ || (pending_.empty() && (!staged_ || staged_->index != 0));
}

std::optional<Failure> ByCitizen::sync(bool wanted) {
  if (!wanted) return std::nullopt;
  if (file_ == nullptr || broken_) return Failure{Reason::ledger_corrupt, "chains"};
  if (dirty_) return Failure{Reason::disk_full, "chains"};
  if (auto synced = file_->sync(); !synced) return std::move(synced.error());
  return std::nullopt;
}

// Goes on from the map that was kept, or from the first line; folds what the last EPOCH covers, and
// lists what the frames hold beyond it.
void ByCitizen::build() {
  const ChainFile::From rest = take_kept();
  const auto visit = [this](const ChainLine& line, std::uint64_t place) {
    if (line.kind == ChainLine::Kind::run) runs_.push_back(line.index);  // no reader yet
    if (line.kind == ChainLine::Kind::epoch) fold_loaded(line.epoch);
    if (line.kind != ChainLine::Kind::entry) return;
    ++listed_;
    pending_.push_back({line.label, line.leaf, line.index, place});
    places_[line.label] = place;
  };
  const auto open = [&](ChainFile::From from) {
    return ChainFile::open(*setup_.disk, setup_.directory, setup_.log, setup_.options.chain_key,
                           from, visit);
  };
  auto file = open(rest);
  if (!file && file.error().reason == Reason::no_record && rest.offset != 0) {
    go_on_from(KeptMap{});
    map_ = Map(setup_.options.map_key);
    setup_.alarm("histories: " + file.error().detail + "; the map is folded anew");
    file = open({});
  }
  if (!file)
    return broken(std::string(row_of(file.error().reason).id) + ": " + file.error().detail);
  file_ = *std::move(file);
  processed_ = file_->end().covered;
  if (processed_ > setup_.size) return broken("the chain file is longer than the log");
  if (auto caught = catch_up(); !caught) return broken(caught.error().detail);
  if (!pending_.empty()) first_pending_ = Clock::now() - milliseconds(setup_.options.epoch_ms);
  // Every line is in the map: what comes next begins behind them.
  if (pending_.empty() && served_.index != 0 && !dirty_ && !broken_)
    keep_next_ = KeptMap{served_, file_->end(), runs_};
}

void ByCitizen::go_on_from(KeptMap kept) {
  const std::lock_guard lock(mutex_);
  served_ = newest_ = kept.epoch;
  runs_ = std::move(kept.runs);
}

// The map that was kept, if it is that of an EPOCH of this log; where its lines go on.
ChainFile::From ByCitizen::take_kept() {
  auto kept = read_map(*setup_.disk, setup_.directory, setup_.log, setup_.options.chain_key, map_);
  const auto without = [&](const std::string& why) {
    setup_.alarm("histories: " + why + "; the map is folded anew");
    map_ = Map(setup_.options.map_key);
    return ChainFile::From{};
  };
  if (!kept)
    return kept.error().reason == Reason::no_record ? ChainFile::From{}
                                                    : without(kept.error().detail);
  const auto there = is_in_log(kept->epoch);
  if (!there || !*there) return without("the kept map is of no EPOCH of this log");
  const ChainFile::From rest = kept->rest;
  go_on_from(*std::move(kept));
  return rest;
}

Result<bool> ByCitizen::is_in_log(const EpochMark& epoch) const {
  if (epoch.index >= setup_.size) return false;
  auto place = setup_.projection->frame_of(epoch.index);
  if (!place) return std::unexpected(std::move(place.error()));
  FrameReader frames(*setup_.disk, setup_.directory, setup_.log, *place);
  Frame frame;
  do {
    if (auto r = frames.next(frame); !r) return std::unexpected(std::move(r.error()));
    if (frame.head.first > epoch.index) return false;
  } while (epoch.index - frame.head.first >= frame.items.size());
  const auto entry = decode_entry(frame.items[epoch.index - frame.head.first].entry);
  return entry && entry->type == EntryType::epoch && entry->tail == tail_of_epoch(epoch);
}

// Keeps the map after as many lines as make the writing cheap beside them; a start without it is
// only slower, so a failure is tried again with the next EPOCH.
void ByCitizen::keep_map(bool closing) {
  if (!keep_next_) return;
  const std::uint64_t worth = std::max(setup_.options.keep_map_after, map_.citizens() / 4);
  if (listed_ < (closing ? worth / 16 : worth)) return;
  const KeptMap kept = *std::exchange(keep_next_, std::nullopt);
  if (file_->sync() &&
      write_map(*setup_.disk, setup_.directory, setup_.log, setup_.options.chain_key, kept, map_))
    listed_ = 0;
}

void ByCitizen::fold_loaded(const EpochMark& epoch) {
  const auto end = std::partition_point(pending_.begin(), pending_.end(), [&](const MapUpdate& u) {
    return u.index < epoch.covered;
  });
  const std::lock_guard lock(mutex_);
  const Digest root = map_.stage(std::span(pending_.begin(), end));
  map_.commit();
  pending_.erase(pending_.begin(), end);
  places_.clear();
  for (const MapUpdate& u : pending_) places_[u.label] = u.place;
  if (root != epoch.root) broken("the map is not the one of EPOCH " + std::to_string(epoch.epoch));
  served_ = newest_ = epoch;
}

// Entries that are durable but not yet listed: their citizens stand in their openings.
Result<void> ByCitizen::catch_up() {
  if (processed_ >= setup_.size) return {};
  const std::uint64_t projected = setup_.projection->size();
  insist(projected >= setup_.size);
  auto place = setup_.projection->frame_of(processed_);
  if (!place) return std::unexpected(std::move(place.error()));
  FrameReader frames(*setup_.disk, setup_.directory, setup_.log, *place);
  Frame frame;
  while (processed_ < setup_.size) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return fail(Reason::shutting_down, "stopped while reading the log");
    }
    if (auto r = frames.next(frame); !r) return r;
    for (std::uint64_t i = processed_ - std::min(processed_, frame.head.first);
         i < frame.items.size() && processed_ < setup_.size; ++i, ++processed_) {
      const auto& item = frame.items[i];
      if (item.entry.empty())
        return fail(Reason::ledger_corrupt, "the chain file ends before entries past retention");
      auto entry = decode_entry(item.entry);
      if (!entry) return std::unexpected(std::move(entry.error()));
      ChainLine line;
      line.index = processed_;
      if (entry->type == EntryType::erasure && is_zero(entry->subject)) {
        line.kind = ChainLine::Kind::run;
        file_->add(line);
        dirty_ = true;
        const std::lock_guard lock(mutex_);
        runs_.push_back(processed_);
        continue;
      }
      if (entry->type == EntryType::epoch) {
        line.kind = ChainLine::Kind::epoch;
        line.epoch = read_epoch_tail(processed_, entry->tail);
        file_->add(line);
        dirty_ = true;
        fold_loaded(line.epoch);
        continue;
      }
      if (is_zero(entry->subject)) continue;
      const auto slice = slice_of(item.opening);
      auto key = slice ? setup_.options.key_of_slice(*slice) : fail(Reason::seal_broken);
      auto opening = key ? unseal(item.opening, *key, *entry) : std::unexpected(key.error());
      if (!opening || !opening->subject)
        return fail(Reason::ledger_corrupt,
                    "the citizen of entry " + std::to_string(processed_) + " cannot be known");
      line.label = *opening->subject;
      line.leaf = leaf_hash(item.entry);
      take_line(std::move(line));
    }
    if (pending_.size() % kFoldAtOnce == 0) flush();
  }
  flush();
  return {};
}

void ByCitizen::take_line(ChainLine line) {
  const auto at = places_.find(line.label);
  if (at != places_.end())
    line.before = at->second;
  else if (const auto box = map_.find(line.label))
    line.before = box->place;
  const std::uint64_t place = file_->add(line);
  {
    const std::lock_guard lock(mutex_);
    places_[line.label] = place;
  }
  if (pending_.empty()) first_pending_ = Clock::now();
  ++listed_;
  pending_.push_back({line.label, line.leaf, line.index, place});
  dirty_ = true;
}

void ByCitizen::take(const Batch& batch) {
  insist(batch.tree.first() == processed_);
  for (const Batch::Mark& mark : batch.marks) {
    ChainLine line;
    line.index = mark.index;
    line.kind = mark.kind;
    if (mark.kind == ChainLine::Kind::run) {
      file_->add(line);
      dirty_ = true;
      const std::lock_guard lock(mutex_);
      runs_.push_back(mark.index);
      continue;
    }
    if (mark.kind == ChainLine::Kind::epoch) {
      line.epoch = read_epoch_tail(mark.index, mark.epoch_tail);
      if (staged_ && staged_->epoch == line.epoch.epoch) staged_->index = mark.index;
      file_->add(line);
      dirty_ = true;
      const std::lock_guard lock(mutex_);
      newest_ = line.epoch;
      continue;
    }
    line.label = mark.label;
    line.leaf = batch.leaves[mark.index - batch.tree.first()];
    take_line(std::move(line));
  }
  processed_ = batch.size();
}

void ByCitizen::flush() {
  if (file_ == nullptr || !dirty_) return;
  if (file_->flush(processed_)) dirty_ = false;  // else again in the next round
}

bool ByCitizen::due() const {
  return hasten_ || Clock::now() - first_pending_ >= milliseconds(setup_.options.epoch_ms);
}

// An EPOCH over nobody new: the first one, when somebody asks before anybody was looked at; and one
// after many entries that name nobody, since a history shows all that follow its EPOCH.
bool ByCitizen::due_over_nobody(const EpochMark& next) const {
  if (staged_) return false;
  return next.epoch == 1 ? asked_ && processed_ > 0 : processed_ - next.previous > kQuietMax;
}

// A staged EPOCH that the sequencer refused is not in the log: its entries wait for the next one.
void ByCitizen::give_up_stage() {
  map_.drop();
  in_stage_.insert(in_stage_.end(), pending_.begin(), pending_.end());
  pending_ = std::exchange(in_stage_, {});
  staged_.reset();
  submitted_.reset();
  first_pending_ = Clock::now() - milliseconds(setup_.options.epoch_ms) + kRetryEpoch;
}

void ByCitizen::try_epoch() {
  if (submitted_ &&
      submitted_->phase.load(std::memory_order_acquire) == Submission::Phase::settled) {
    if (submitted_->failure) return give_up_stage();
    submitted_.reset();
  }
  bool cover = false;
  EpochMark mark;
  {
    const std::lock_guard lock(mutex_);
    cover = cover_;
    mark.epoch = newest_.epoch + 1;
    mark.previous = newest_.index;
  }
  if (dirty_ || (pending_.empty() ? !due_over_nobody(mark) : !cover && !due())) return;
  if (staged_) {
    // At the end of a run the EPOCH made last need not be published before the next is made.
    if (!cover || staged_->index == 0) return;
    commit();
  }
  hasten_ = false;
  mark.covered = processed_;
  mark.root = map_.stage(pending_);
  stage_rest_ = file_->end();
  staged_ = mark;
  in_stage_ = std::exchange(pending_, {});
  submitted_ = setup_.append_epoch(mark);
  if (!submitted_) give_up_stage();
}

// The staged map becomes the one histories are made from.
void ByCitizen::commit() {
  const std::lock_guard lock(mutex_);
  map_.commit();
  served_ = *std::exchange(staged_, std::nullopt);
  keep_next_ = KeptMap{served_, stage_rest_, {}};
  for (const std::uint64_t run : runs_)
    if (run < served_.covered) keep_next_->runs.push_back(run);
}

void ByCitizen::try_commit() {
  if (!staged_ || staged_->index == 0) return;
  const auto head = setup_.head();
  if (head == nullptr || head->size <= staged_->index) return;
  commit();
  in_stage_.clear();
  const std::lock_guard lock(mutex_);
  places_.clear();
  for (const MapUpdate& u : pending_) places_[u.label] = u.place;
}

Result<ByCitizen::Found> ByCitizen::find(const Label& label) const {
  Found found;
  found.label = label;
  {
    std::unique_lock lock(mutex_);
    if (!built_) return fail(Reason::too_busy, "histories are being made ready");
    if (served_.index == 0 && !stopping_) {
      asked_ = true;
      kept_.wait_for(lock, kFirstEpochWait,
                     [this] { return served_.index != 0 || stopping_ || broken_; });
    }
    const auto head = setup_.head();
    if (served_.index == 0 || head == nullptr || head->size <= served_.index)
      return fail(Reason::too_busy, "the first epoch is not published yet");
    found.epoch = served_;
    found.secret = map_.secret_of(label);
    found.proof = map_.prove(label);
    found.runs = runs_;
    const auto box = map_.find(label);
    if (!box) return found;
    found.mailbox = *box;
  }
  std::uint64_t place = found.mailbox.place;
  for (std::uint64_t i = 0; i < found.mailbox.count; ++i) {
    if (place == 0) return fail(Reason::ledger_corrupt, "chains: a chain is too short");
    auto line = file_->read(place);
    if (!line) return std::unexpected(std::move(line.error()));
    if (line->kind != ChainLine::Kind::entry || line->label != label)
      return fail(Reason::ledger_corrupt, "chains: a line of another citizen");
    place = line->before;
    found.chain.push_back(*std::move(line));
  }
  std::reverse(found.chain.begin(), found.chain.end());
  Digest head{};
  for (const ChainLine& line : found.chain) head = chain_next(head, line.leaf, line.index);
  if (place != 0 || head != found.mailbox.head)
    return fail(Reason::ledger_corrupt, "chains: a chain does not fold to its head");
  return found;
}

Result<std::vector<ChainLine>> ByCitizen::lines_now(const Label& label) const {
  std::uint64_t place = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!built_) return fail(Reason::too_busy, "histories are being made ready");
    const auto at = places_.find(label);
    if (at != places_.end())
      place = at->second;
    else if (const auto box = map_.find(label))
      place = box->place;
  }
  std::vector<ChainLine> lines;
  while (place != 0) {
    auto line = file_->read(place);
    if (!line) return std::unexpected(std::move(line.error()));
    if (line->kind != ChainLine::Kind::entry || line->label != label)
      return fail(Reason::ledger_corrupt, "chains: a line of another citizen");
    if (line->before >= place) return fail(Reason::ledger_corrupt, "chains: a chain goes forward");
    place = line->before;
    lines.push_back(*std::move(line));
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

Result<void> ByCitizen::visit_chain(std::uint64_t size,
                                    const std::function<void(const ChainLine&)>& visit) {
  {
    const std::lock_guard lock(mutex_);
    if (!built_) return fail(Reason::too_busy, "histories are being made ready");
  }
  // An EPOCH that is published may be a moment ahead of what this thread has listed.
  if (auto kept = keep(size); !kept) return kept;
  std::uint64_t covered = 0;
  {
    const std::lock_guard lock(mutex_);
    covered = newest_.covered;
  }
  return file_->visit(covered, [&](const ChainLine& line, std::uint64_t) { visit(line); });
}

}  // namespace amanat::ledger
