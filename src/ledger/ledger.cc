#include "ledger/ledger.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "ledger/big_endian.h"
#include "ledger/archive.h"
#include "ledger/checkpoint.h"
#include "ledger/frame.h"
#include "ledger/proof.h"
#include "ledger/state.h"
#include "ledger/submission.h"
#include "ledger/tile.h"
#include "ledger/tlog_policy.h"
#include "ledger/witness_circle.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::uint64_t kClockSlackMs = 5000;
constexpr auto kGrace = std::chrono::milliseconds(100);
constexpr std::size_t kPublishedBytesMax = 64 * 1024;

std::uint64_t steady_ms() {
  timespec t{};
  ::clock_gettime(CLOCK_BOOTTIME, &t);  // goes on while the machine sleeps
  return static_cast<std::uint64_t>(t.tv_sec) * 1000 +
         static_cast<std::uint64_t>(t.tv_nsec) / 1'000'000;
}

std::string random_hex() {
  std::array<std::uint8_t, 16> bytes;
  crypto::random_bytes(bytes);
  return crypto::hex(bytes);
}

Result<void> check_options(const Options& options) {
  insist(!options.directory.empty());
  insist(options.segment_bytes % kBlock == 0 && options.segment_bytes >= 64 * 1024);
  insist(options.segment_bytes / kBlock <= 0xffffffffu && options.queue_entries_max > 0);
  if (!valid_key_name(options.origin) || options.origin.find_first_of("\"\\") != std::string::npos)
    return fail(Reason::config_wrong, "origin is not fit for a key name");
  return {};
}

// A simulated disk has no directory to lock.
Result<void> take_lock(storage::Disk& disk, const std::string& directory,
                       std::optional<storage::DirectoryLock>& out) {
  if (&disk != &storage::system_disk()) return {};
  auto lock = storage::DirectoryLock::take(directory);
  if (!lock) return std::unexpected(std::move(lock.error()));
  out.emplace(std::move(*lock));
  return {};
}

// The frame of entry 0.
std::string genesis_frame(const NoteSigner& signer, const std::string& text, Moment time) {
  const std::string& origin = signer.verifier().name;
  const Digest document = crypto::sha256(text);
  PublicEntry genesis;
  genesis.type = EntryType::genesis;
  genesis.time = time;
  genesis.tail = crypto::text_of(document);
  const std::string entry = encode_entry(genesis);
  CompactRange range;
  range.append(leaf_hash(entry));
  FrameBuilder builder;
  builder.begin();
  builder.add(entry, {});
  FrameHead head;
  head.log = log_id(origin);
  Digest hash;
  const auto checkpoint = signer.sign(checkpoint_text(origin, 1, range.root()));
  return std::string(builder.finish(head, 1, range.root(), checkpoint, hash));
}

std::string checkpoint_of(std::string_view frame_bytes, const Digest& log) {
  Frame frame;
  const auto parsed = parse_frame(frame_bytes, log, frame);
  insist(parsed.has_value());
  return std::string(frame.checkpoint);
}

// Does the log in the directory belong to this key?
Result<void> check_genesis(storage::Disk& disk, const std::string& directory,
                           const VerifierKey& key) {
  auto document = read_small(disk, genesis_path(directory), 64 * 1024);
  if (!document) return fail(Reason::ledger_corrupt, document.error().detail);
  if (!genesis_names(*document, key))
    return fail(Reason::key_missing, "the genesis document names another origin or key");
  std::string block;
  std::unique_ptr<ArchivedSegment> archived;
  Frame frame;
  if (auto file = disk.open_for_recovery(segment_path(directory, 0)); file) {
    if (auto r = (*file)->read_at(0, kBlock, block); !r) return r;
    if (auto r = parse_frame(block, log_id(key.name), frame); !r)
      return fail(Reason::ledger_corrupt, text_of_place({}) + ": " + r.error().detail);
  } else {
    auto opened = ArchivedSegment::open(disk, directory, log_id(key.name), 0);
    if (!opened) return std::unexpected(std::move(opened.error()));
    archived = *std::move(opened);
    if (archived->frames() > 0)
      if (auto r = archived->read(0, frame); !r) return r;
  }
  if (frame.items.empty() || frame.items[0].entry.empty())
    return fail(Reason::ledger_corrupt, "the log does not begin with its genesis entry");
  auto entry = decode_entry(frame.items[0].entry);
  if (!entry || entry->type != EntryType::genesis ||
      entry->tail != crypto::text_of(crypto::sha256(*document)))
    return fail(Reason::ledger_corrupt, "entry 0 does not commit to the genesis document");
  return {};
}

}  // namespace

LedgerClock::LedgerClock(std::function<Moment()> wall, Moment last_entry)
    : wall_(wall ? std::move(wall) : std::function<Moment()>(now)),
      simulated_(wall_.target<Moment (*)()>() == nullptr),
      anchor_(std::max(wall_(), last_entry)),
      started_ms_(steady_ms()),
      highest_(anchor_) {}

Moment LedgerClock::stamp() const {
  if (simulated_) return wall_();
  return Moment{number(anchor_) + (steady_ms() - started_ms_)};
}

std::optional<std::string> LedgerClock::check() {
  const std::uint64_t wall = number(wall_());
  highest_ = std::max(highest_, stamp());
  const std::uint64_t ledger = number(highest_);
  const bool behind = wall + kClockSlackMs < ledger;
  const bool ahead = !simulated_ && ledger + kClockSlackMs < wall;
  if (!behind && !ahead) {
    alarmed_ = false;
    return std::nullopt;
  }
  if (std::exchange(alarmed_, true)) return std::nullopt;
  return behind ? "the system's clock is behind the ledger's by " + std::to_string(ledger - wall) +
                      " ms"
                : "the system's clock is ahead of the ledger's by " +
                      std::to_string(wall - ledger) + " ms";
}

void Ledger::State::alarm(std::string_view words) const {
  if (options.alarm)
    options.alarm(words);
  else
    std::fprintf(stderr, "amanat: ledger: %.*s\n", static_cast<int>(words.size()), words.data());
}

void Ledger::State::death(std::string_view words) const {
  if (options.on_death) return options.on_death(words);
  std::fprintf(
      stderr,
      "amanat: ledger: %.*s\namanat: stopping at once: nothing more can be recorded durably\n",
      static_cast<int>(words.size()), words.data());
  std::fflush(stderr);
  std::this_thread::sleep_for(kGrace);  // the refusals just handed over may still be sent
  std::abort();
}

// The witnesses' policy must name this log, or their cosignatures would vouch for another.
Result<void> Ledger::State::plan_witnesses(Publisher::Setup& world) {
  if (!options.witnesses) return {};
  const WitnessOptions& asked = *options.witnesses;
  auto policy = parse_tlog_policy(asked.policy);
  if (!policy) return fail(Reason::config_wrong, "witness policy: " + policy.error().detail);
  const VerifierKey* const named = policy->log(origin);
  if (named == nullptr || named->key != signer->verifier().key)
    return fail(Reason::config_wrong, "the witness policy does not name this log's key");
  if (policy->quorum == "none") return {};
  known = policy->keys();
  Publisher::Setup::Witnesses plan;
  plan.policy = *std::move(policy);
  plan.open_line = asked.open_line;
  if (!plan.open_line)
    plan.open_line = [ca = asked.ca_file](const std::string& url) { return https_line(url, ca); };
  plan.resubmit_ms = asked.resubmit_ms;
  plan.start_ms = asked.start_ms;
  plan.wait_ms = asked.alarm_ms;
  world.witnesses = std::move(plan);
  witnessed = true;
  return {};
}

bool Ledger::State::wants_quorum(const Draft& draft) const {
  const auto guarded = [](const Person& one) { return one.guarded; };
  const auto& people = draft.findings().people();
  return witnessed && (draft.findings().clearance().grant().content().witnessed ||
                       draft.shares().size() > options.witnesses->subjects_max ||
                       std::any_of(people.begin(), people.end(), guarded));
}

Result<void> Ledger::State::may_disclose(bool quorum) const {
  if (!witnessed) return {};
  const std::uint64_t lacking = publisher->without_quorum_ms();
  if (lacking >= options.witnesses->all_stop_ms ||
      (quorum && lacking >= options.witnesses->alarm_ms))
    return fail(Reason::witnesses_silent);
  return {};
}

// Of several epochs since the last look the head served now includes every one. What fails is tried
// again at the next look, and after a restart.
void Ledger::State::keep_heads() {
  if (!opened.load(std::memory_order_acquire) || !by_citizen) return;
  const std::uint64_t epoch = by_citizen->last_served().epoch;
  while (heads->last() < epoch)
    if (!heads->keep(heads->last() + 1, publisher->head()->checkpoint)) return;
}

// About once a publication, on the publisher's thread.
void Ledger::State::tick(std::uint64_t lacking) {
  if (auto words = clock->check()) alarm(*words);
  keep_heads();
  if (!witnessed) return;
  const int stage = lacking >= options.witnesses->all_stop_ms ? 2
                    : lacking >= options.witnesses->alarm_ms  ? 1
                                                              : 0;
  const int before = std::exchange(quorum_stage, stage);
  if (stage > before)
    alarm(stage == 1 ? "no witness quorum: what needs witnesses is refused from now on"
                     : "no witness quorum: every disclosure is refused from now on");
  if (stage == 0 && before > 0) alarm("the witness quorum is back");
}

// Receipts against a cosigned head: the paths come from the tiles, in order, so each is read once.
Result<void> Ledger::State::make_proofs(Submission& submission, const Head& head) const {
  std::vector<VerifierKey> kept{signer->verifier()};
  kept.insert(kept.end(), known.begin(), known.end());
  const std::string note = keep_lines(head.checkpoint, kept);
  TileTree tree(head.size, [this](const TileName& name) { return projection->tile(name); });
  const std::size_t from = submission.proofs_from();
  submission.proofs.reserve(submission.entries.size() - from);
  std::uint64_t which = 0;
  for (const auto& run : submission.runs)
    for (std::uint32_t i = 0; i < run.count; ++i, ++which) {
      if (which < from) continue;
      const std::uint64_t index = run.first_index + i;
      const Prepared& entry = submission.entries[which];
      auto path = inclusion_path(index, head.size, tree.reader());
      if (!path) return std::unexpected(std::move(path.error()));
      if (!verify_inclusion(index, head.size, entry.hash, *path, head.root))
        return fail(Reason::ledger_corrupt,
                    "the tree files do not prove entry " + std::to_string(index));
      append_tlog_proof(submission.proofs.emplace_back(), entry.leaf.view(), index, *path, note);
    }
  return {};
}

// The order: directories, genesis document, published file, and last the first segment, whose
// appearance under its name makes the log exist.
Result<void> Ledger::create(const Options& options, const Key256& signer_seed, const Slice&) {
  if (auto r = check_options(options); !r) return r;
  storage::Disk& disk = options.disk != nullptr ? *options.disk : storage::system_disk();
  for (const auto& directory : {options.directory, segments_directory(options.directory),
                                snapshots_directory(options.directory)})
    if (auto r = disk.make_directory(directory); !r) return r;
  std::optional<storage::DirectoryLock> lock;
  if (auto r = take_lock(disk, options.directory, lock); !r) return r;
  auto count = segment_count(disk, options.directory);
  if (!count) return std::unexpected(std::move(count.error()));
  if (*count > 0) return fail(Reason::exchange_exists, options.directory);

  const NoteSigner signer(options.origin, signer_seed);
  const std::string document = genesis_document(signer.verifier(), options.label_key);
  const std::string frame =
      genesis_frame(signer, document, options.clock ? options.clock() : now());
  if (auto r = storage::replace_file(disk, genesis_path(options.directory), document); !r) return r;
  const Published published{random_hex(), false, checkpoint_of(frame, log_id(options.origin))};
  if (auto r = storage::replace_file(disk, published_path(options.directory),
                                     encode_published(published));
      !r)
    return r;
  return make_segment(disk, options.directory, 0, options.segment_bytes, frame);
}

Ledger::Ledger(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Ledger>> Ledger::open(const Options& options, const Key256& signer_seed) {
  const auto pass_on = [](Failure f) { return std::unexpected(std::move(f)); };
  if (auto r = check_options(options); !r) return pass_on(std::move(r.error()));
  auto state = std::make_unique<State>();
  State& s = *state;
  s.options = options;
  s.disk = options.disk != nullptr ? options.disk : &storage::system_disk();
  s.origin = options.origin;
  s.log = log_id(options.origin);
  s.signer.emplace(options.origin, signer_seed);
  const std::string& directory = options.directory;
  auto count = segment_count(*s.disk, directory);
  if (!count && count.error().reason == Reason::ledger_corrupt)
    return pass_on(std::move(count.error()));
  if (!count || *count == 0) return fail(Reason::exchange_missing, directory + " holds no ledger");
  if (auto r = take_lock(*s.disk, directory, s.lock); !r) return pass_on(std::move(r.error()));

  if (auto r = check_genesis(*s.disk, directory, s.signer->verifier()); !r)
    return pass_on(std::move(r.error()));
  auto bytes = read_small(*s.disk, published_path(directory), kPublishedBytesMax);
  if (!bytes)
    return fail(Reason::ledger_corrupt,
                "the published checkpoint is missing: " + bytes.error().detail);
  auto published = decode_published(*bytes);
  if (!published) return pass_on(std::move(published.error()));
  if (auto r = s.read_minimum(); !r) return pass_on(std::move(r.error()));
  auto projection = Projection::open(*s.disk, directory);
  if (!projection) return pass_on(std::move(projection.error()));
  s.projection = std::move(*projection);
  auto heads = EpochHeads::open(*s.disk, directory);
  if (!heads) return pass_on(std::move(heads.error()));
  s.heads = *std::move(heads);
  auto recovered = recover(*s.disk, directory, s.signer->verifier(), *published, *s.projection);
  if (!recovered) return pass_on(std::move(recovered.error()));
  if (recovered->cut_bytes > 0)
    s.alarm("a torn last write of " + std::to_string(recovered->cut_bytes) +
            " bytes was cut off at " + text_of_place(recovered->next));
  s.clock.emplace(options.clock, recovered->last_time);

  Publisher::Setup world;
  world.disk = s.disk;
  world.directory = directory;
  world.origin = s.origin;
  world.boot = random_hex();
  world.projection = s.projection.get();
  world.publish_every_ms = options.publish_every_ms;
  world.on_usurped = [&s](std::string_view words) {
    s.sequencer->die();
    s.death(words);
  };
  world.on_tick = [&s](std::uint64_t without_quorum_ms) { s.tick(without_quorum_ms); };
  world.alarm = [&s](std::string_view words) { s.alarm(words); };
  world.make_proofs = [&s](Submission& submission, const Head& head) {
    return s.make_proofs(submission, head);
  };
  if (auto r = s.plan_witnesses(world); !r) return pass_on(std::move(r.error()));
  auto publisher = Publisher::start(std::move(world), recovered->range.size(),
                                    recovered->range.root(), recovered->checkpoint);
  if (!publisher) return pass_on(std::move(publisher.error()));
  s.publisher = std::move(*publisher);

  if (options.citizens) {
    ByCitizen::Setup map;
    map.disk = s.disk;
    map.directory = directory;
    map.log = s.log;
    map.options = *options.citizens;
    map.projection = s.projection.get();
    map.size = recovered->range.size();
    map.head = [p = s.publisher.get()] { return p->head(); };
    map.append_epoch = [&s](const EpochMark& mark) { return s.append_epoch(mark); };
    map.alarm = [&s](std::string_view words) { s.alarm(words); };
    s.by_citizen = std::make_unique<ByCitizen>(std::move(map));
  }
  auto segment =
      s.disk->open(segment_path(directory, recovered->next.segment), storage::Disk::Open::existing);
  if (!segment) return pass_on(std::move(segment.error()));
  s.filler = std::make_unique<Filler>(*s.disk, directory, recovered->segment_bytes);
  s.filler->want(recovered->next.segment + 1);
  Sequencer::Setup setup;
  setup.signer = &*s.signer;
  setup.filler = s.filler.get();
  setup.segment = std::move(*segment);
  setup.state = std::move(*recovered);
  setup.queue_entries_max = options.queue_entries_max;
  setup.on_durable = [p = s.publisher.get(),
                      c = s.by_citizen.get()](std::shared_ptr<const Batch> b) {
    if (c != nullptr) c->durable(b);
    p->durable(std::move(b));
  };
  setup.on_segment_end = [p = s.publisher.get()](Snapshot snapshot) {
    p->segment_ended(std::move(snapshot));
  };
  setup.on_quorum_wanted = [p = s.publisher.get()](std::shared_ptr<Submission> submission) {
    p->await_quorum(std::move(submission));
  };
  setup.is_behind = [p = s.publisher.get()] { return p->is_behind(); };
  setup.on_death = [&s](std::string_view words) { s.death(words); };
  s.sequencer = std::make_unique<Sequencer>(std::move(setup));
  if (s.by_citizen) s.by_citizen->start();
  s.opened.store(true, std::memory_order_release);
  return std::unique_ptr<Ledger>(new Ledger(std::move(state)));
}

Ledger::~Ledger() {
  if (state_->by_citizen && !state_->sequencer->is_dead()) state_->by_citizen->cover();
  const bool closed = state_->sequencer->stop();
  if (state_->by_citizen) state_->by_citizen->stop();
  state_->publisher->stop(closed);
}

namespace {

// Everything but index and receipt, in the asking thread.
Result<void> prepare_all(const std::vector<const EntryContent*>& contents, Moment time,
                         std::size_t payload_max, Submission& out, std::uint64_t sealed_ms = 0) {
  if (!out.bulk) out.entries.reserve(contents.size());
  for (const EntryContent* content : contents) {
    // What a covert purpose hides, it hides until a date; whatever names nobody hides nothing.
    std::optional<Moment> until = content->sealed_until;
    if (!until && sealed_ms > 0 && content->subject) until = Moment{number(time) + sealed_ms};
    auto prepared = prepare(*content, time, until);
    if (!prepared) return std::unexpected(std::move(prepared.error()));
    if (prepared->leaf.size + prepared->opening.size() + 6 > payload_max)
      return fail(Reason::value_too_long, "evidence");
    out.entries.push_back(std::move(*prepared));
  }
  return {};
}

void settle_now(Submission& s, Failure failure) {
  s.failure = std::move(failure);
  s.phase.store(Submission::Phase::settled, std::memory_order_release);
}

}  // namespace

std::shared_ptr<Submission> Ledger::State::append_epoch(const EpochMark& mark) {
  EntryContent content;
  content.type = EntryType::epoch;
  content.tail = tail_of_epoch(mark);
  auto submission = std::make_shared<Submission>();
  if (!prepare_all({&content}, clock->stamp(), sequencer->payload_max(), *submission) ||
      !sequencer->submit(submission))
    return nullptr;
  return submission;
}

namespace {

// The receipts of a settled submission, made by the thread that asked: copying a path costs the
// sequencer nothing.
Result<std::vector<Receipt::Entry>> receipts(const Submission& s, std::size_t wanted) {
  insist(s.phase.load(std::memory_order_acquire) == Submission::Phase::settled);
  if (s.failure) return std::unexpected(*s.failure);
  std::vector<Receipt::Entry> out;
  out.reserve(wanted);
  std::vector<Digest> path;
  std::size_t which = 0;
  for (const auto& run : s.runs)
    for (std::uint32_t i = 0; i < run.count && out.size() < wanted; ++i, ++which) {
      if (which < s.proofs_from()) continue;
      const std::uint64_t index = run.first_index + i;
      run.batch->tree.path(index, path);
      Receipt::Entry& entry = out.emplace_back();
      entry.index = EntryIndex{index};
      entry.time = time_of(s.entries[which].leaf.view());
      if (s.wants_quorum) {
        entry.proof = s.proofs[which - s.proofs_from()];
        continue;
      }
      append_tlog_proof(entry.proof, s.entries[which].leaf.view(), index, path,
                        run.batch->checkpoint);
    }
  insist(out.size() == wanted);
  return out;
}

}  // namespace

Result<Receipt> Ledger::receipt_of(Submission& s) {
  auto entries = receipts(s, s.bulk                 ? 1
                             : s.closes_with_export ? s.entries.size() - 1
                                                    : s.entries.size());
  if (!entries) return std::unexpected(std::move(entries.error()));
  Receipt::Content content;
  content.entries = std::move(*entries);
  content.released = s.released;
  if (s.bulk)
    content.bulk =
        Receipt::Range{EntryIndex{s.first_index}, static_cast<std::uint32_t>(s.entries.size() - 1)};
  return Receipt(std::move(content));
}

Bulk::Bulk() : submission_(std::make_shared<Submission>()) { submission_->bulk = true; }
Bulk::Bulk(Bulk&&) noexcept = default;
Bulk& Bulk::operator=(Bulk&&) noexcept = default;
Bulk::~Bulk() = default;

std::size_t Bulk::count() const {
  insist(submission_ != nullptr);
  return submission_->entries.size();
}

Result<void> Ledger::gather(Bulk& bulk, const Draft& part) const {
  insist(bulk.submission_ != nullptr && part.still_stands() && !part.export_entry());
  insist(!part.shares().empty());
  std::vector<const EntryContent*> contents;
  for (const auto& share : part.shares()) contents.push_back(&share.entry);
  return prepare_all(contents, state_->clock->stamp(), state_->sequencer->payload_max(),
                     *bulk.submission_, part.findings().clearance().grant().content().sealed_ms);
}

Pending<Receipt> Ledger::append(Bulk bulk, const Draft& closing) {
  insist(bulk.submission_ != nullptr && bulk.count() > 0);
  insist(closing.still_stands() && closing.shares().empty() && closing.export_entry());
  auto submission = std::move(bulk.submission_);
  submission->released = closing.released();
  submission->closes_with_export = true;
  submission->wants_quorum = state_->witnessed;
  // All of it is recorded now, however long the gathering took.
  const Moment time = state_->clock->stamp();
  for (Prepared& entry : submission->entries) {
    restamp(entry.leaf.bytes.data(), time);
    entry.hash = leaf_hash(entry.leaf.view());
  }
  auto ready = state_->may_disclose(submission->wants_quorum);
  if (ready)
    ready = prepare_all({&*closing.export_entry()}, time, state_->sequencer->payload_max(),
                        *submission);
  if (ready) ready = state_->sequencer->submit(submission);
  if (!ready) settle_now(*submission, std::move(ready.error()));
  return {std::move(submission), &Ledger::receipt_of};
}

Result<Recorded> Ledger::recorded_of(Submission& s) {
  auto entries = receipts(s, s.entries.size());
  if (!entries) return std::unexpected(std::move(entries.error()));
  return Recorded{std::move(*entries)};
}

Pending<Receipt> Ledger::append(const Draft& draft) {
  insist(draft.still_stands());
  insist(!draft.shares().empty());
  auto submission = std::make_shared<Submission>();
  submission->released = draft.released();
  std::vector<const EntryContent*> contents;
  for (const auto& share : draft.shares()) contents.push_back(&share.entry);
  if (draft.export_entry()) {
    insist(draft.export_entry()->type == EntryType::export_);
    contents.push_back(&*draft.export_entry());
    submission->closes_with_export = true;
  }
  submission->wants_quorum = state_->wants_quorum(draft);
  auto ready = state_->may_disclose(submission->wants_quorum);
  if (ready)
    ready = prepare_all(contents, state_->clock->stamp(), state_->sequencer->payload_max(),
                        *submission, draft.findings().clearance().grant().content().sealed_ms);
  if (ready) ready = state_->sequencer->submit(submission);
  if (!ready) settle_now(*submission, std::move(ready.error()));
  return {std::move(submission), &Ledger::receipt_of};
}

std::string Ledger::sign_statement(std::string_view text) const {
  insist(text.starts_with("amanat/") && text.ends_with("\n"));
  insist(text.substr(0, text.find('\n')) != state_->origin);
  return state_->signer->sign(text);
}

Pending<Recorded> Ledger::record(std::vector<EntryContent> entries) {
  insist(!entries.empty());
  auto submission = std::make_shared<Submission>();
  std::vector<const EntryContent*> contents;
  for (const auto& entry : entries) contents.push_back(&entry);
  auto ready =
      prepare_all(contents, state_->clock->stamp(), state_->sequencer->payload_max(), *submission);
  if (ready) ready = state_->sequencer->submit(submission);
  if (!ready) settle_now(*submission, std::move(ready.error()));
  return {std::move(submission), &Ledger::recorded_of};
}

template <class T>
bool Pending<T>::await_ready() const noexcept {
  insist(submission_ != nullptr);
  return submission_->phase.load(std::memory_order_acquire) == Submission::Phase::settled;
}

template <class T>
bool Pending<T>::await_suspend(std::coroutine_handle<> awaiting) noexcept {
  insist(Home::current() != nullptr);  // resuming on the sequencer's thread would stop the log
  // Once awaited, the coroutine may run on and destroy this Pending: nothing of it is used after.
  Submission& s = *submission_;
  s.waiting = awaiting;
  s.home = Home::current();
  auto expected = Submission::Phase::working;
  const bool suspended = s.phase.compare_exchange_strong(expected, Submission::Phase::awaited,
                                                         std::memory_order_acq_rel);
  insist(suspended || expected == Submission::Phase::settled);
  return suspended;
}

template <class T>
Result<T> Pending<T>::await_resume() {
  const auto submission = std::move(submission_);
  insist(submission != nullptr);
  return outcome_(*submission);
}

template class Pending<Receipt>;
template class Pending<Recorded>;

const std::string& Ledger::origin() const { return state_->origin; }
std::string Ledger::vkey() const { return state_->signer->verifier().text(); }
Moment Ledger::time() const { return state_->clock->stamp(); }
std::uint64_t Ledger::size() const { return state_->sequencer->size(); }
WitnessStanding Ledger::witness_standing() const {
  WitnessStanding out;
  out.has_witnesses = state_->witnessed;
  if (!out.has_witnesses) return out;
  const auto head = state_->publisher->head();
  out.cosigned_size = head->cosignatures > 0 ? head->size : 0;
  out.cosignatures = head->cosignatures;
  out.without_quorum_ms = state_->publisher->without_quorum_ms();
  out.a1_stopped = out.without_quorum_ms >= state_->options.witnesses->alarm_ms;
  out.all_stopped = out.without_quorum_ms >= state_->options.witnesses->all_stop_ms;
  return out;
}

Result<std::string> Ledger::head_of_epoch(std::uint64_t epoch) const {
  return state_->heads->head_of(epoch);
}

std::string Ledger::checkpoint() const { return state_->publisher->head()->checkpoint; }

std::string tail_of_export(EntryIndex first, std::uint32_t count) {
  std::string tail;
  append_number(tail, number(first));
  append_number(tail, count);
  return tail;
}

std::string tail_of_erasure(std::uint32_t rule, std::uint64_t count) {
  std::string tail;
  append_number(tail, rule);
  append_number(tail, count);
  return tail;
}

std::string tail_of_policy_key(const Digest& document, EntryIndex minimum) {
  std::string tail(crypto::text_of(document));
  append_number(tail, number(minimum));
  return tail;
}

std::string tail_of_trace(TraceStep step, const Digest& document) {
  std::string tail(1, static_cast<char>(step));
  tail += crypto::text_of(document);
  return tail;
}

}  // namespace amanat::ledger
