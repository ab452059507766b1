#pragma once
// A ledger with keys of its own, and clients that append to it, for the tests of this room.

#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "ledger/checkpoint.h"
#include "ledger/entry.h"
#include "ledger/ledger.h"
#include "ledger/proof.h"
#include "ledger/simulated_disk.h"
#include "ledger/tile.h"
#include "ledger/tree.h"
#include "ledger/verify.h"
#include "model/task.h"

namespace amanat::ledger {

struct LogForTests {
  Key256 seed = crypto::random_key();
  Slice slice = make_slice();
  std::string origin = "log.example.org/amanat1";
  Digest label_key = crypto::sha256("a key of labels");

  static Slice make_slice() {
    Slice s;
    crypto::random_bytes(s.id);
    s.key = crypto::random_key();
    return s;
  }
  Options options(storage::Disk* disk, const std::string& directory = "/ledger") {
    Options o;
    o.directory = directory;
    o.origin = origin;
    o.label_key = label_key;
    o.disk = disk;
    o.segment_bytes = 64 * 1024;
    o.publish_every_ms = 1;
    o.alarm = [](std::string_view) {};
    o.on_death = [](std::string_view) {};
    return o;
  }
  VerifierKey key() const { return NoteSigner(origin, seed).verifier(); }
  KeyOfSlice key_of() const {
    return [this](std::span<const std::uint8_t, 16> id) -> Result<Key256> {
      if (!std::equal(id.begin(), id.end(), slice.id.begin())) return fail(Reason::key_missing);
      return slice.key;
    };
  }
  /// denial is an entry with everything in it; `salt` makes it differ from others.
  EntryContent denial(std::uint64_t salt, std::size_t evidence = 40) const {
    EntryContent c;
    c.type = EntryType::denied;
    c.subject.emplace();
    c.subject->fill(static_cast<std::uint8_t>(salt));
    c.actor = Actor{AccountId{static_cast<std::uint32_t>(salt)}, KeyKind::certificate, {}};
    c.part(BodyPart::purpose) = "crime-investigation";
    c.part(BodyPart::case_ref) = "fir-" + std::to_string(salt);
    c.evidence = std::string(evidence, 'e');
    c.slice = slice;
    return c;
  }
};

inline Task<Result<Recorded>> record_task(Ledger& ledger, std::vector<EntryContent> entries) {
  auto pending = ledger.record(std::move(entries));
  auto recorded = co_await pending;
  co_return recorded;
}

/// record_all appends all at once, as many clients would, and waits for every outcome.
inline std::vector<Result<Recorded>> record_all(Ledger& ledger,
                                                std::vector<std::vector<EntryContent>> appends) {
  WaitingRoom room;
  std::vector<Result<Recorded>> outcomes(appends.size(), Result<Recorded>(Recorded{}));
  std::size_t done = 0;
  for (std::size_t i = 0; i < appends.size(); ++i)
    start(record_task(ledger, std::move(appends[i])), [&outcomes, &done, i](Result<Recorded> r) {
      outcomes[i] = std::move(r);
      ++done;
    });
  while (done < appends.size()) room.run_one();
  return outcomes;
}
inline Result<Recorded> record_one(Ledger& ledger, EntryContent entry) {
  std::vector<EntryContent> entries;
  entries.push_back(std::move(entry));
  return wait(record_task(ledger, std::move(entries)));
}

/// Promises is everything a ledger has let out: what it must still hold after any crash.
struct Promises {
  std::map<std::uint64_t, std::string> entries;  // index -> public bytes
  std::map<std::uint64_t, Digest> heads;         // size -> root
  std::string broken;                            // the first promise that was not kept

  void saw_head(const Checkpoint& c) {
    const auto [at, fresh] = heads.emplace(c.size, c.root);
    if (!fresh && at->second != c.root && broken.empty())
      broken = "two heads of size " + std::to_string(c.size);
  }
  void saw_checkpoint(std::string_view note, const VerifierKey& key) {
    auto opened = open_checkpoint(note, key);
    if (opened)
      saw_head(opened->checkpoint);
    else if (broken.empty())
      broken = "a checkpoint that does not open";
  }
  void saw(const Recorded& recorded, const VerifierKey& key) {
    for (const auto& e : recorded.entries) {
      auto proven = verify_tlog_proof(e.proof, key);
      if (!proven || proven->index != number(e.index)) {
        if (broken.empty()) broken = "a receipt that does not hold";
        return;
      }
      const auto [at, fresh] = entries.emplace(proven->index, proven->entry);
      if (!fresh && broken.empty())
        broken = "index " + std::to_string(proven->index) + " given twice";
      saw_head(proven->at.checkpoint);
    }
  }
  /// check reads the whole published log and compares.
  void check(const Ledger& ledger, const VerifierKey& key) {
    if (!broken.empty()) return;
    auto opened = open_checkpoint(ledger.checkpoint(), key);
    if (!opened) return void(broken = "the published checkpoint does not open");
    saw_head(opened->checkpoint);
    const std::uint64_t size = opened->checkpoint.size;
    CompactRange range;
    for (std::uint64_t tile = 0; tile * kTileWidth < size; ++tile) {
      const unsigned width = tile_width(0, tile, size);
      auto bundle = ledger.resource(tile_path({TileName::Kind::entries, 0, tile, width}));
      if (!bundle) return void(broken = "a bundle is not served: " + bundle.error().detail);
      auto split = parse_bundle(*bundle, width);
      if (!split) return void(broken = "a bundle is malformed");
      for (const auto entry : *split) {
        const auto promised = entries.find(range.size());
        if (promised != entries.end() && promised->second != entry)
          return void(broken = "another entry stands at index " + std::to_string(range.size()));
        range.append(leaf_hash(entry));
        const auto head = heads.find(range.size());
        if (head != heads.end() && head->second != range.root())
          return void(broken = "the head of size " + std::to_string(range.size()) +
                               " is not of this log");
      }
    }
    if (!entries.empty() && entries.rbegin()->first >= size)
      broken = "an acknowledged entry is lost";
    if (!heads.empty() && heads.rbegin()->first > size)
      broken = "the log is shorter than a head that got out";
  }
};

/// wait_published waits until the whole log is published.
inline void wait_published(const Ledger& ledger, const VerifierKey& key) {
  for (int i = 0; i < 5000; ++i) {
    auto opened = open_checkpoint(ledger.checkpoint(), key);
    if (opened && opened->checkpoint.size == ledger.size()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace amanat::ledger
