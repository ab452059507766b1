// A citizen's history made from the map, the chain file, the frames and the tiles. Everything in it
// is checked by whoever reads it; what could not be proved here is not handed out.

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "ledger/entry.h"
#include "ledger/frame_reader.h"
#include "ledger/history.h"
#include "ledger/proof.h"
#include "ledger/recovery.h"
#include "ledger/state.h"
#include "ledger/tile.h"
#include "ledger/tree.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

// What a citizen reads: why, which fields, a refusal's reasons, and until when it was hidden. Who
// asked is the answer's business, not the file's: a case or an officer is not shown by default.
constexpr std::array<unsigned, 3> kShownParts{1, 3, 9};
constexpr std::array<unsigned, 1> kSealedParts{9};
// What an expert reads: which fields, which versions, which marks.
constexpr std::array<unsigned, 3> kExpertParts{3, 4, 8};
constexpr unsigned kEpochTries = 5;
constexpr std::size_t kAfterMax = 65'536;

/// Frames reads entries with their openings, going on from the frame read last where it can.
class Frames {
 public:
  Frames(storage::Disk& disk, std::string directory, const Digest& log, const Projection& places)
      : disk_(disk), directory_(std::move(directory)), log_(log), places_(places) {}

  Result<Frame::Item> item(std::uint64_t index) {
    const bool near = reader_ && index >= frame_.head.first && index - frame_.head.first < 1024;
    if (!near) {
      auto place = places_.frame_of(index);
      if (!place) return std::unexpected(std::move(place.error()));
      reader_.emplace(disk_, directory_, log_, *place);
      if (auto r = reader_->next(frame_); !r) return std::unexpected(std::move(r.error()));
    }
    while (index >= frame_.head.first + frame_.items.size())
      if (auto r = reader_->next(frame_); !r) return std::unexpected(std::move(r.error()));
    if (index < frame_.head.first)
      return fail(Reason::ledger_corrupt, "entry " + std::to_string(index) + " is not here");
    return frame_.items[index - frame_.head.first];
  }

 private:
  storage::Disk& disk_;
  const std::string directory_;
  const Digest log_;
  const Projection& places_;
  std::optional<FrameReader> reader_;
  Frame frame_;
};

}  // namespace

/// HistoryMaker makes one history.
class HistoryMaker {
 public:
  HistoryMaker(const Ledger::State& state, std::shared_ptr<const Head> head,
               Reader reader = Reader::citizen)
      : s_(state),
        head_(std::move(head)),
        reader_(reader),
        frames_(*s_.disk, s_.options.directory, s_.log, *s_.projection),
        tree_(head_->size, [this](const TileName& name) { return s_.projection->tile(name); }) {}

  Result<std::string> make(const ByCitizen::Found& found, const crypto::VrfProof& vrf) {
    auto document = read_small(*s_.disk, genesis_path(s_.options.directory), 64 * 1024);
    if (!document) return std::unexpected(std::move(document.error()));
    h_ = {};
    h_.genesis = *std::move(document);
    if (auto r = prove(0, h_.genesis_entry); !r) return std::unexpected(std::move(r.error()));
    if (auto r = prove(found.epoch.index, h_.epoch_entry); !r)
      return std::unexpected(std::move(r.error()));
    h_.vrf = vrf;
    h_.map_secret = found.secret;
    h_.map = found.proof;
    for (const ChainLine& line : found.chain)
      if (auto r = add(line); !r) return std::unexpected(std::move(r.error()));
    if (auto r = mark_erased(found); !r) return std::unexpected(std::move(r.error()));
    if (reader_ == Reader::citizen)
      if (auto r = add_after(found.epoch.covered); !r) return std::unexpected(std::move(r.error()));
    std::vector<VerifierKey> kept{s_.signer->verifier()};
    kept.insert(kept.end(), s_.known.begin(), s_.known.end());
    h_.checkpoint = keep_lines(head_->checkpoint, kept);
    return write_history(h_);
  }

 private:
  Result<void> prove(std::uint64_t index, ProvedEntry& out) {
    auto item = frames_.item(index);
    if (!item) return std::unexpected(std::move(item.error()));
    return prove(index, item->entry, out);
  }
  Result<void> prove(std::uint64_t index, std::string_view entry, ProvedEntry& out) {
    auto path = inclusion_path(index, head_->size, tree_.reader());
    if (!path) return std::unexpected(std::move(path.error()));
    if (!verify_inclusion(index, head_->size, leaf_hash(entry), *path, head_->root))
      return fail(Reason::ledger_corrupt,
                  "the tree files do not prove entry " + std::to_string(index));
    out = {index, std::string(entry), *std::move(path)};
    return {};
  }

  // One entry of the chain, as open as it may be shown.
  Result<void> add(const ChainLine& line) {
    auto item = frames_.item(line.index);
    if (!item) return std::unexpected(std::move(item.error()));
    HistoryEntry& out = h_.entries.emplace_back();
    if (item->entry.empty()) return add_pruned(line, out);
    if (auto r = prove(line.index, item->entry, out.proved); !r) return r;
    auto entry = decode_entry(item->entry);
    if (!entry) return std::unexpected(std::move(entry.error()));
    const auto slice = slice_of(item->opening);
    auto key = slice ? s_.options.citizens->key_of_slice(*slice) : fail(Reason::seal_broken);
    if (!key) {
      if (key.error().reason != Reason::erased && key.error().reason != Reason::key_missing)
        return std::unexpected(std::move(key.error()));
      out.state = HistoryEntry::State::erased;
      key_lost_ = key_lost_ || key.error().reason == Reason::key_missing;
      return {};
    }
    auto opening = unseal(item->opening, *key, *entry);
    if (!opening) return std::unexpected(std::move(opening.error()));
    const Blinds blinds = blinds_of(*key, *opening);
    out.r_subject = blinds.subject;
    out.r_body = blinds.body;
    const std::string body = canonical_body(*key, *opening);
    std::memcpy(out.part_hashes.data(), body.data(), body.size());
    const auto until = sealed_until(opening->parts[8]);
    const bool sealed =
        reader_ == Reader::citizen && until && number(*until) > number(s_.clock->stamp());
    out.state = sealed ? HistoryEntry::State::sealed : HistoryEntry::State::open;
    const auto show = [&](unsigned number) {
      if (opening->parts[number - 1].empty()) return;
      out.parts.push_back({number, blinds.salts[number - 1], opening->parts[number - 1]});
    };
    if (reader_ == Reader::expert) {
      if (opening->actor) out.actor = ShownActor{blinds.actor, *opening->actor};
      if (entry->type == EntryType::disclosure)
        for (const unsigned n : kExpertParts) show(n);
      return {};
    }
    if (sealed)
      for (const unsigned n : kSealedParts) show(n);
    else
      for (const unsigned n : kShownParts) show(n);
    if (!sealed && entry->type == EntryType::denied) show(10);
    return {};
  }

  // Of what retention took only the hash is left, and where it stood.
  Result<void> add_pruned(const ChainLine& line, HistoryEntry& out) {
    out.state = HistoryEntry::State::pruned;
    out.leaf = line.leaf;
    auto path = inclusion_path(line.index, head_->size, tree_.reader());
    if (!path) return std::unexpected(std::move(path.error()));
    if (!verify_inclusion(line.index, head_->size, line.leaf, *path, head_->root))
      return fail(Reason::ledger_corrupt,
                  "the tree files do not prove entry " + std::to_string(line.index));
    out.proved = {line.index, {}, *std::move(path)};
    if (h_.minimum) return {};
    const std::lock_guard lock(s_.minimum_mutex);
    if (number(s_.minimum.recorded) >= head_->size)
      return fail(Reason::too_busy, "the minimum index is not published yet");
    return prove(number(s_.minimum.recorded), h_.minimum.emplace());
  }

  // Each erased entry names an erasure after it: one of the citizen's own, one that no epoch covers
  // yet, or a retention run's.
  Result<void> mark_erased(const ByCitizen::Found& found) {
    for (HistoryEntry& e : h_.entries) {
      if (e.state != HistoryEntry::State::erased) continue;
      for (const HistoryEntry& later : h_.entries)
        if (e.erasure == 0 && later.proved.index > e.proved.index && is_erasure(later.proved.entry))
          e.erasure = later.proved.index;
      for (const std::uint64_t run : found.runs)
        if (e.erasure == 0 && run > e.proved.index && run < head_->size) {
          e.erasure = run;
          if (auto r = add_erasure(run, std::nullopt); !r) return r;
        }
      if (e.erasure != 0) continue;
      auto own = uncovered_erasure(found);
      if (!own) return std::unexpected(std::move(own.error()));
      e.erasure = *own;
      // The keys go first, the record of it a moment later. A key that was lost without an erasure
      // is another matter, and the reader's to judge.
      if (*own == 0 && !key_lost_) return fail(Reason::too_busy, "an erasure is being recorded");
    }
    return {};
  }
  static bool is_erasure(std::string_view entry) {
    return !entry.empty() &&
           static_cast<EntryType>(static_cast<std::uint8_t>(entry[1])) == EntryType::erasure;
  }
  Result<void> add_erasure(std::uint64_t index, std::optional<Digest> r_subject) {
    for (const auto& known : h_.erasures)
      if (known.proved.index == index) return {};
    History::Erasure& out = h_.erasures.emplace_back();
    out.r_subject = r_subject;
    return prove(index, out.proved);
  }
  Result<std::uint64_t> uncovered_erasure(const ByCitizen::Found& found) {
    for (std::uint64_t i = found.epoch.covered; i < head_->size; ++i) {
      auto item = frames_.item(i);
      if (!item) return std::unexpected(std::move(item.error()));
      if (!is_erasure(item->entry)) continue;
      auto entry = decode_entry(item->entry);
      const auto slice = slice_of(item->opening);
      auto key = slice ? s_.options.citizens->key_of_slice(*slice) : fail(Reason::seal_broken);
      if (!entry || !key) continue;
      const auto opening = unseal(item->opening, *key, *entry);
      if (!opening || opening->subject != found.label) continue;
      if (auto r = add_erasure(i, blinds_of(*key, *opening).subject); !r)
        return std::unexpected(std::move(r.error()));
      return i;
    }
    return std::uint64_t{0};
  }

  Result<void> add_after(std::uint64_t covered) {
    for (std::uint64_t i = covered; i < head_->size; ++i) {
      if (h_.after.size() == kAfterMax) return fail(Reason::too_busy, "epochs are late");
      auto item = frames_.item(i);
      if (!item) return std::unexpected(std::move(item.error()));
      if (auto r = prove(i, item->entry, h_.after.emplace_back()); !r) return r;
      auto entry = decode_entry(item->entry);
      if (!entry) return std::unexpected(std::move(entry.error()));
      if (entry->subject != Digest{}) return {};
    }
    return {};
  }

  const Ledger::State& s_;
  const std::shared_ptr<const Head> head_;
  const Reader reader_;
  Frames frames_;
  TileTree tree_;
  History h_;
  bool key_lost_ = false;
};

Result<std::string> Ledger::history(const Label& label,
                                    const std::array<std::uint8_t, 80>& proof) const {
  const State& s = *state_;
  if (!s.by_citizen) return fail(Reason::no_record, "this log keeps no histories");
  auto found = s.by_citizen->find(label);
  if (!found) return std::unexpected(std::move(found.error()));
  const auto head = s.publisher->head();
  insist(head->size > found->epoch.index);
  return HistoryMaker(s, head).make(*found, proof);
}

Result<std::vector<std::string>> Ledger::shown_to(std::span<const Labelled> citizens) const {
  const State& s = *state_;
  if (!s.by_citizen) return fail(Reason::no_record, "this log keeps no histories");
  for (unsigned i = 0; i < kEpochTries; ++i) {
    // One head and one EPOCH for all of them; one that comes in between begins it anew.
    const auto epoch = s.by_citizen->last_served();
    const auto head = s.publisher->head();
    if (head->size <= epoch.index) continue;
    HistoryMaker maker(s, head, Reader::expert);
    std::vector<std::string> files;
    bool same = true;
    for (const Labelled& one : citizens) {
      auto found = s.by_citizen->find(one.label);
      if (!found) return std::unexpected(std::move(found.error()));
      same = found->epoch.index == epoch.index;
      if (!same) break;
      auto file = maker.make(*found, one.proof);
      if (!file) return std::unexpected(std::move(file.error()));
      files.push_back(*std::move(file));
    }
    if (same) return files;
  }
  return fail(Reason::too_busy, "epochs follow each other too fast");
}

Result<std::uint64_t> Ledger::cover(unsigned wait_ms) {
  const State& s = *state_;
  if (!s.by_citizen) return fail(Reason::no_record, "this log keeps no histories");
  const std::uint64_t size = this->size();
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms);
  while (!s.by_citizen->hasten(size)) {
    if (std::chrono::steady_clock::now() >= until)
      return fail(Reason::too_busy, "no EPOCH covers the newest entries yet");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return s.by_citizen->last_served().covered;
}

Result<void> Ledger::entries_of(const Label& label,
                                const std::function<void(const CitizenEntry&)>& visit) const {
  const State& s = *state_;
  if (!s.by_citizen) return fail(Reason::no_record, "this log keeps no histories");
  auto lines = s.by_citizen->lines_now(label);
  if (!lines) return std::unexpected(std::move(lines.error()));
  Frames frames(*s.disk, s.options.directory, s.log, *s.projection);
  const std::uint64_t now = number(s.clock->stamp());
  for (const ChainLine& line : *lines) {
    // Durable, but not yet among the places: it will be with the next look, a moment later.
    if (line.index >= s.projection->size()) break;
    auto item = frames.item(line.index);
    if (!item) return std::unexpected(std::move(item.error()));
    CitizenEntry out;
    out.entry.index = EntryIndex{line.index};
    if (item->entry.empty()) {
      out.state = CitizenEntry::State::pruned;
      visit(out);
      continue;
    }
    auto entry = decode_entry(item->entry);
    if (!entry) return std::unexpected(std::move(entry.error()));
    out.entry.type = entry->type;
    out.entry.time = entry->time;
    const auto slice = slice_of(item->opening);
    auto key = slice ? s.options.citizens->key_of_slice(*slice) : fail(Reason::seal_broken);
    auto opening = key ? unseal(item->opening, *key, *entry) : std::unexpected(key.error());
    if (!opening) {
      out.state = CitizenEntry::State::erased;
      visit(out);
      continue;
    }
    out.sealed_until = sealed_until(opening->parts[8]);
    if (out.sealed_until && number(*out.sealed_until) > now) {
      out.state = CitizenEntry::State::sealed;
    } else {
      out.entry.subject = opening->subject;
      out.entry.actor = opening->actor;
      out.entry.parts = std::move(opening->parts);
    }
    visit(out);
  }
  return {};
}

Result<void> Ledger::keep_chains() {
  if (!state_->by_citizen) return {};
  return state_->by_citizen->keep(size());
}

// A line: index, label, r_subject, in hexadecimal but for the index; "-" where the slice is gone.
Result<void> Ledger::audit_feed(EntryIndex from,
                                const std::function<void(std::string_view)>& take) const {
  const State& s = *state_;
  if (!s.by_citizen) return fail(Reason::no_record, "this log keeps no histories");
  Frames frames(*s.disk, s.options.directory, s.log, *s.projection);
  Result<void> outcome;
  auto visited = s.by_citizen->visit_chain(size(), [&](const ChainLine& line) {
    if (!outcome || line.kind != ChainLine::Kind::entry || line.index < number(from)) return;
    std::string out = std::to_string(line.index) + " " + crypto::hex(line.label) + " ";
    auto item = frames.item(line.index);
    if (!item) {
      outcome = std::unexpected(std::move(item.error()));
      return;
    }
    if (item->entry.empty()) return take(out += "-\n");  // past its retention
    const auto entry = decode_entry(item->entry);
    const auto slice = slice_of(item->opening);
    auto key = slice ? s.options.citizens->key_of_slice(*slice) : fail(Reason::seal_broken);
    auto opening = key && entry ? unseal(item->opening, *key, *entry) : fail(Reason::seal_broken);
    out += opening ? crypto::hex(blinds_of(*key, *opening).subject) : "-";
    take(out += "\n");
  });
  if (!visited) return visited;
  return outcome;
}

}  // namespace amanat::ledger
