#include "bench/paper_exchange.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <future>
#include <random>
#include <sstream>
#include <vector>

#include "detection/alert.h"
#include "ledger/by_citizen.h"
#include "ledger/checkpoint.h"
#include "ledger/entry.h"
#include "ledger/frame.h"
#include "ledger/map.h"
#include "ledger/recovery.h"
#include "server/engine.h"
#include "server/exchange.h"
#include "server/snapshot.h"
#include "vault/vault.h"

namespace amanat::bench {
namespace {

namespace fs = std::filesystem;
using namespace amanat::ledger;

constexpr const char* kOrigin = "bench.example/restart";
constexpr std::uint64_t kTogether = kFrameEntriesMax - 1;  // one place is left for an EPOCH
constexpr unsigned kFramesAnEpoch = 16, kCitizensACase = 50;
constexpr std::uint64_t kLastSecond = 10'000;  // entries
constexpr double kMsAnEntry = 0.9;

template <class T>
bool said(const char* what, const Result<T>& result) {
  if (!result)
    std::fprintf(stderr, "%s: %s %s\n", what, std::string(row_of(result.error().reason).id).c_str(),
                 result.error().detail.c_str());
  return result.has_value();
}

std::vector<server::Document> documents_of(const fs::path& directory) {
  std::vector<server::Document> documents;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() != ".toml") continue;
    std::ifstream in(entry.path());
    std::stringstream text;
    text << in.rdbuf();
    documents.push_back({entry.path().filename().string(), text.str()});
  }
  return documents;
}

// Case c has 50 citizens, an officer of its own, and nothing else that is anybody's.
std::uint64_t citizen_of(const Wanted& w, std::uint64_t c, unsigned i) {
  return ((c * 0x9e3779b97f4a7c15ull + i * 0xbf58476d1ce4e5b9ull) >> 20) % w.citizens;
}

struct Made {
  Prepared prepared;
  std::uint64_t citizen = ~0ull;
};

EntryContent content_of(const Wanted& w, std::mt19937_64& random, std::uint64_t order,
                        std::uint64_t at, std::uint64_t& citizen,
                        const std::vector<Slice>& slices) {
  const std::uint64_t c = random() % w.cases;
  citizen = citizen_of(w, c, static_cast<unsigned>(random() % kCitizensACase));
  EntryContent e;
  e.type = EntryType::disclosure;
  e.subject = label_of(citizen);
  e.actor =
      Actor{AccountId{static_cast<std::uint32_t>(1000 + c % w.officers)}, KeyKind::certificate, {}};
  e.part(BodyPart::purpose) = "crime-investigation";
  e.part(BodyPart::case_ref) = "FIR-" + std::to_string(c);
  e.part(BodyPart::value_versions) = "1";
  detection::Look look;
  look.order = order;
  std::copy_n(e.subject->begin(), 8, reinterpret_cast<std::uint8_t*>(&look.subject));
  look.at = at;
  look.why = detection::Why::named;
  e.part(BodyPart::denial) = detection::words_of(look);
  e.slice = slices[citizen];
  return e;
}

std::vector<Made> make_some(const Wanted& w, std::uint64_t first, std::uint64_t count,
                            std::uint64_t begin_ms, const std::vector<Slice>& slices) {
  std::mt19937_64 random(first);
  std::vector<Made> made(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t order = first + i;
    const std::uint64_t at =
        begin_ms + static_cast<std::uint64_t>(static_cast<double>(order) * kMsAnEntry);
    if (random() % 100 < w.disclosures_percent) {
      auto prepared =
          prepare(content_of(w, random, order, at, made[i].citizen, slices), Moment{at});
      made[i].prepared = *std::move(prepared);
      continue;
    }
    // As retention leaves it: a denial whose slice was destroyed, so that nobody can open it.
    PublicEntry shut;
    shut.type = EntryType::denied;
    shut.time = Moment{at};
    for (auto* commitment : {&shut.actor, &shut.body})
      for (std::size_t k = 0; k < commitment->size(); k += 8) {
        const std::uint64_t word = random();
        std::memcpy(commitment->data() + k, &word, 8);
      }
    const std::string entry = encode_entry(shut);
    Prepared& p = made[i].prepared;
    std::copy(entry.begin(), entry.end(), p.leaf.bytes.begin());
    p.leaf.size = static_cast<std::uint8_t>(entry.size());
    p.hash = leaf_hash(entry);
    p.opening.assign(1, '\x01');
    p.opening.append(reinterpret_cast<const char*>(w.destroyed.data()), w.destroyed.size());
    p.opening.append(entry, 74, 32).append(8, '\0');
  }
  return made;
}

// Writer continues a closed log.
class Writer {
 public:
  explicit Writer(Wanted w) : w_(std::move(w)), directory_(server::Home(w_.home).ledger()) {}
  bool run();

 private:
  bool open();
  bool make_slices();
  bool frame(std::vector<Made> made, bool epoch);
  bool next_segment();
  bool finish();

  Wanted w_;
  const std::string directory_;
  storage::Disk& disk_ = storage::system_disk();
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<vault::Vault> vault_;
  std::optional<NoteSigner> signer_;
  std::unique_ptr<Projection> projection_;
  std::optional<Recovered> at_;
  std::unique_ptr<storage::File> segment_;
  std::unique_ptr<ChainFile> chain_;
  std::optional<Map> map_;
  std::vector<Slice> slices_;
  std::vector<std::uint64_t> place_;  // of each citizen's last line
  std::vector<MapUpdate> pending_;
  EpochMark last_;
  FrameBuilder builder_;
  std::vector<Digest> leaves_;
  Digest log_{};
};

bool Writer::open() {
  const server::Home home(w_.home);
  auto store = server::open_store({std::string(server::kLocalStore), home.records(), 64});
  if (!said("store", store)) return false;
  store_ = *std::move(store);
  auto vault = vault::Vault::open(disk_, home.keys());
  if (!said("vault", vault)) return false;
  vault_ = *std::move(vault);
  vault_->keep_in(*store_);
  auto seed = vault_->named_secret("ledger-signer");
  auto chain_key = vault_->named_secret("ledger-chains");
  auto map_key = vault_->named_secret("ledger-map");
  if (!said("key", seed) || !said("key", chain_key) || !said("key", map_key)) return false;
  signer_.emplace(kOrigin, *seed);
  log_ = log_id(kOrigin);
  auto bytes = read_small(disk_, published_path(directory_), 65'536);
  if (!said("published", bytes)) return false;
  auto published = decode_published(*bytes);
  if (!said("published", published)) return false;
  auto projection = Projection::open(disk_, directory_);
  if (!said("tree", projection)) return false;
  projection_ = *std::move(projection);
  auto recovered = recover(disk_, directory_, signer_->verifier(), *published, *projection_);
  if (!said("recovery", recovered)) return false;
  at_ = *std::move(recovered);
  map_.emplace(*map_key);
  place_.resize(w_.citizens, 0);
  std::vector<MapUpdate> loaded;
  auto chain = ChainFile::open(disk_, directory_, log_, *chain_key, {},
                               [&](const ChainLine& line, std::uint64_t place) {
                                 if (line.kind == ChainLine::Kind::entry)
                                   loaded.push_back({line.label, line.leaf, line.index, place});
                                 if (line.kind != ChainLine::Kind::epoch) return;
                                 map_->stage(loaded);
                                 map_->commit();
                                 loaded.clear();
                                 last_ = line.epoch;
                               });
  if (!said("chains", chain)) return false;
  chain_ = *std::move(chain);
  // Whatever it does not list yet names nobody: a closed log is covered by an EPOCH.
  if (!loaded.empty()) {
    std::fprintf(stderr, "the log was not closed\n");
    return false;
  }
  auto segment =
      disk_.open(segment_path(directory_, at_->next.segment), storage::Disk::Open::existing);
  if (!said("segment", segment)) return false;
  segment_ = *std::move(segment);
  return true;
}

bool Writer::make_slices() {
  for (std::uint64_t i = 0; i < w_.citizens; ++i) {
    auto slice = vault_->slice_for(label_of(i), at_->last_time);
    if (!said("slice", slice)) return false;
    slices_.push_back(*std::move(slice));
    if (const auto box = map_->find(label_of(i))) place_[i] = box->place;
  }
  Label nobody{};
  nobody[0] = 1;
  auto dead = vault_->slice_for(nobody, at_->last_time);
  if (!said("slice", dead) || !said("slice", vault_->destroy_slices(nobody))) return false;
  w_.destroyed = dead->id;
  return said("store", store_->sync());
}

// Files are made of holes, which read as the zeros an exchange writes ahead.
bool Writer::next_segment() {
  Snapshot snapshot;
  snapshot.segment = ++at_->next.segment;
  at_->next.offset = 0;
  snapshot.batch = at_->next_batch;
  snapshot.last_time = at_->last_time;
  snapshot.frame_hash = at_->frame_hash;
  snapshot.range = at_->range;
  snapshot.checkpoint = at_->checkpoint;
  if (!said("tree", projection_->flush())) return false;
  if (!said("snapshot", storage::replace_file(disk_, snapshot_path(directory_, snapshot.segment),
                                              encode_snapshot(snapshot))))
    return false;
  auto segment = disk_.open(segment_path(directory_, snapshot.segment),
                            storage::Disk::Open::create_or_existing);
  if (!said("segment", segment)) return false;
  segment_ = *std::move(segment);
  return said("segment", segment_->truncate(at_->segment_bytes));
}

bool Writer::frame(std::vector<Made> made, bool epoch) {
  builder_.begin();
  leaves_.clear();
  FrameHead head;
  head.log = log_;
  head.batch = at_->next_batch++;
  head.first = at_->range.size();
  head.previous = at_->frame_hash;
  const auto add = [&](const Prepared& p) {
    const std::uint64_t index = at_->range.size();
    builder_.add(p.leaf.view(), p.opening);
    at_->range.append(p.hash);
    leaves_.push_back(p.hash);
    at_->last_time = std::max(at_->last_time, time_of(p.leaf.view()));
    return index;
  };
  for (const Made& one : made) {
    const std::uint64_t index = add(one.prepared);
    if (one.citizen == ~0ull) continue;
    ChainLine line;
    line.index = index;
    line.label = *one.prepared.subject;
    line.leaf = one.prepared.hash;
    line.before = place_[one.citizen];
    place_[one.citizen] = chain_->add(line);
    pending_.push_back({line.label, line.leaf, index, place_[one.citizen]});
  }
  if (epoch && !pending_.empty()) {
    EpochMark mark{at_->range.size(), last_.epoch + 1, at_->range.size(), map_->stage(pending_),
                   last_.index};
    map_->commit();
    pending_.clear();
    PublicEntry entry;
    entry.type = EntryType::epoch;
    entry.time = at_->last_time;
    entry.tail = tail_of_epoch(mark);
    const std::string bytes = encode_entry(entry);
    Prepared p;
    std::copy(bytes.begin(), bytes.end(), p.leaf.bytes.begin());
    p.leaf.size = static_cast<std::uint8_t>(bytes.size());
    p.hash = leaf_hash(bytes);
    add(p);
    ChainLine line;
    line.kind = ChainLine::Kind::epoch;
    line.index = mark.index;
    line.epoch = last_ = mark;
    chain_->add(line);
  }
  const Digest root = at_->range.root();
  at_->checkpoint = signer_->sign(checkpoint_text(kOrigin, at_->range.size(), root));
  const std::string_view bytes =
      builder_.finish(head, at_->range.size(), root, at_->checkpoint, at_->frame_hash);
  // The frame names the one before it, not where it lies: it may still go to the next segment.
  if (at_->next.offset + bytes.size() > at_->segment_bytes) {
    std::fprintf(stderr, "a frame does not fit\n");
    return false;
  }
  projection_->append(leaves_, at_->next);
  if (!said("write", segment_->write_at(at_->next.offset, bytes))) return false;
  at_->next.offset += bytes.size();
  return !epoch ||
         (said("tree", projection_->flush()) && said("chains", chain_->flush(at_->range.size())));
}

bool Writer::finish() {
  if (!said("chains", chain_->flush(at_->range.size())) || !said("chains", chain_->sync()) ||
      !said("tree", projection_->flush()) || !said("tree", projection_->sync()) ||
      !said("segment", segment_->sync()))
    return false;
  // A running exchange says so once a second: what came in the last one, it has not said of.
  const std::uint64_t size = at_->range.size();
  if (!said("store", server::note_slices_kept(*store_, size - std::min(size, kLastSecond))))
    return false;
  const Published published{std::string(32, 'b'), false, at_->checkpoint};
  return said("published", storage::replace_file(disk_, published_path(directory_),
                                                 encode_published(published)));
}

bool Writer::run() {
  if (!open() || !make_slices()) return false;
  const std::uint64_t first = at_->range.size();
  // Times go on from where a log of this many entries began.
  const std::uint64_t begin_ms =
      number(at_->last_time) - static_cast<std::uint64_t>(static_cast<double>(first) * kMsAnEntry) +
      1;
  std::deque<std::future<std::vector<Made>>> coming;
  std::uint64_t asked = 0, taken = 0, frames = 0;
  while (taken < w_.entries) {
    while (coming.size() <= w_.threads && asked < w_.entries) {
      const std::uint64_t count = std::min<std::uint64_t>(kTogether, w_.entries - asked);
      coming.push_back(std::async(std::launch::async, make_some, std::cref(w_), first + asked,
                                  count, begin_ms, std::cref(slices_)));
      asked += count;
    }
    auto made = coming.front().get();
    coming.pop_front();
    taken += made.size();
    if (at_->next.offset + kFrameBytesMax > at_->segment_bytes && !next_segment()) return false;
    const bool epoch = ++frames % kFramesAnEpoch == 0 || taken == w_.entries;
    if (!frame(std::move(made), epoch)) return false;
    if (frames % 2048 == 0)
      std::fprintf(stderr, "written %llu entries\n", static_cast<unsigned long long>(taken));
  }
  return finish();
}

}  // namespace

Label label_of(std::uint64_t citizen) {
  return crypto::sha256("bench citizen " + std::to_string(citizen));
}

bool make_home(const Wanted& wanted) {
  server::InitOptions options;
  options.home = wanted.home;
  options.origin = kOrigin;
  options.segment_mib = wanted.segment_mib;
  options.catalog = documents_of("catalog/pakistan");
  options.policy = documents_of("examples/policy");
  return said("init", server::Exchange::init(options));
}

bool append_entries(const Wanted& wanted) { return Writer(wanted).run(); }

}  // namespace amanat::bench
