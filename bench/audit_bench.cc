// The goals of the ledger page that need no clients: the map's cost an access (G5), refolding
// (G6), a citizen's history of 50 entries, the size of a receipt at 10^9 entries (G4).
//   audit_bench [citizens] [entries] [seconds at most]
//   audit_bench history DIRECTORY    that history alone, left there with its policy for a browser
// Prints one tab-separated line a figure: part, name, value, unit.

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/hash_many.h"
#include "crypto/vrf.h"
#include "ledger/by_citizen.h"
#include "ledger/entry.h"
#include "ledger/history.h"
#include "ledger/map.h"
#include "ledger/note.h"
#include "ledger/proof.h"
#include "ledger/refold.h"
#include "ledger/tile.h"
#include "ledger/tree.h"

namespace {

using namespace amanat;
using namespace amanat::ledger;

// CPU seconds of all threads: the goals are per core, and a bench may share its machine.
double cpu_now() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}
double seconds_since(double begin) { return cpu_now() - begin; }

void figure(const char* name, double value, const char* unit, const char* words) {
  std::printf("part\t%s\t%.6g\t%s\t%s\n", name, value, unit, words);
}

std::string public_entry(EntryType type, const Digest& subject, std::string tail) {
  PublicEntry e;
  e.type = type;
  e.time = Moment{1'790'000'000'000};
  e.subject = subject;
  e.tail = std::move(tail);
  return encode_entry(e);
}

/// PaperLog is a log in memory with its feed: made fast, accepted by every verifier.
class PaperLog : public LogSource {
 public:
  PaperLog(std::size_t citizens, std::size_t entries, std::size_t epoch_every,
           const Key256& map_key)
      : map_(map_key), signer_("log.example.org/bench", crypto::random_key()) {
    std::mt19937_64 random(7);
    std::vector<Label> labels(citizens);
    for (Label& l : labels)
      for (auto& b : l) b = static_cast<std::uint8_t>(random());
    const crypto::Hmac blind(crypto::random_key().bytes());
    add(public_entry(EntryType::genesis, {}, std::string(32, 'g')));
    std::vector<MapUpdate> pending;
    EpochMark last;
    const auto fold = [&] {
      count_map_blocks(pending);
      const auto begin = cpu_now();
      EpochMark mark{0, last.epoch + 1, size_, map_.stage(pending), last.index};
      map_.commit();
      map_seconds_ += seconds_since(begin);
      pending.clear();
      mark.index = size_;
      add(public_entry(EntryType::epoch, {}, tail_of_epoch(mark)));
      last = mark;
    };
    constexpr char kDomain[] = "amanat/subject/v1";
    const crypto::Bytes domain(reinterpret_cast<const std::uint8_t*>(kDomain), sizeof kDomain);
    for (std::size_t i = 0; i < entries; ++i) {
      const Label& who = labels[random() % labels.size()];
      const std::string n = std::to_string(i);
      const Digest r = blind.mac(n);
      const Digest c = crypto::Hmac(r).mac({domain, who});
      const std::string entry = public_entry(EntryType::disclosure, c, "");
      feed_.push_back({size_, who, r});
      pending.push_back({who, leaf_hash(entry), size_, 0});
      add(entry);
      if (pending.size() == epoch_every) fold();
    }
    if (!pending.empty()) fold();
    if (!bundle_.empty()) bundles_.push_back(std::move(bundle_));
    checkpoint_ = signer_.sign(checkpoint_text(signer_.verifier().name, size_, range_.root()));
  }
  Result<std::string> read(const std::string& path) override {
    if (path == "checkpoint") return checkpoint_;
    const auto name = parse_tile_path(path);
    if (!name || name->kind != TileName::Kind::entries || name->number >= bundles_.size())
      return fail(Reason::no_record);
    return bundles_[name->number];
  }
  const VerifierKey& key() const { return signer_.verifier(); }
  const std::vector<FeedLine>& feed() const { return feed_; }
  double map_seconds() const { return map_seconds_; }
  // Blocks of SHA-256 that whoever refolds this log cannot do without.
  double blocks_to_refold() const {
    const double of_entries = static_cast<double>(feed_.size()) * (kLeafBlocks + kOpeningBlocks);
    return map_blocks_ + of_entries + static_cast<double>(size_) * kNodeBlocks;
  }
  const Map& map() const { return map_; }

 private:
  // How many blocks each message fills (FIPS 180-4: 9 bytes more than it is long, in 64s).
  static constexpr double kLeafBlocks = 2, kNodeBlocks = 2, kChainBlocks = 2, kSlotBlocks = 2,
                          kBucketBlocks = 1;
  // HMAC under a key of its own: two for the key, two for the message; under one key of all, two.
  static constexpr double kOpeningBlocks = 4, kValueBlocks = 4, kSecretBlocks = 2;
  // An epoch's: a link an entry, a value a citizen, and every node above a changed bucket, once.
  // Neighbours in a bucket are left out: with few citizens there are hardly any.
  void count_map_blocks(const std::vector<MapUpdate>& updates) {
    std::vector<Label> who;
    for (const MapUpdate& u : updates) who.push_back(u.label);
    std::sort(who.begin(), who.end());
    who.erase(std::unique(who.begin(), who.end()), who.end());
    std::vector<std::uint32_t> row;
    for (const Label& l : who) row.push_back(bucket_of(l));
    const auto once = [&] { row.erase(std::unique(row.begin(), row.end()), row.end()); };
    once();
    map_blocks_ += static_cast<double>(updates.size()) * kChainBlocks +
                   static_cast<double>(who.size()) * (kSecretBlocks + kValueBlocks + kSlotBlocks) +
                   static_cast<double>(row.size()) * kBucketBlocks;
    for (unsigned depth = 0; depth < kMapDepth; ++depth) {
      for (std::uint32_t& number : row) number >>= 1;
      once();
      map_blocks_ += static_cast<double>(row.size()) * kNodeBlocks;
    }
  }
  void add(const std::string& entry) {
    append_bundle_entry(bundle_, entry);
    range_.append(leaf_hash(entry));
    if (++size_ % kTileWidth == 0) bundles_.push_back(std::exchange(bundle_, {}));
  }
  Map map_;
  NoteSigner signer_;
  CompactRange range_;
  std::uint64_t size_ = 0;
  std::string bundle_, checkpoint_;
  std::vector<std::string> bundles_;
  std::vector<FeedLine> feed_;
  double map_seconds_ = 0, map_blocks_ = 0;
};

// A receipt as an evidence bundle carries it: one log signature, three cosignatures, 30 hashes.
void receipt_size() {
  const NoteSigner log("log.example.org/amanat-01", crypto::random_key());
  const std::string text = checkpoint_text(log.verifier().name, 1'000'000'000, Digest{});
  std::string note = log.sign(text);
  for (int i = 0; i < 3; ++i)
    note += Cosigner("witness.example.org/w-" + std::to_string(i), crypto::random_key())
                .line(text, 1'790'000'000);
  std::string proof;
  append_tlog_proof(proof, "", 999'999'999, std::vector<Digest>(30), note);
  figure("ledger_receipt", static_cast<double>(proof.size()), "bytes",
         "a self-contained receipt at 10^9 entries: one log signature, three cosignatures");
}

constexpr const char* kCitizen = "3520212345671";

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  if (!out.flush()) {
    std::fprintf(stderr, "audit_bench: %s cannot be written\n", path.c_str());
    std::exit(2);
  }
}

// A citizen's history of 50 entries in a log of a million, cosigned by three witnesses, from file
// to verdict.
void history_of_fifty(const char* directory) {
  const crypto::VrfKey labels = crypto::VrfKey::from_seed(crypto::random_key());
  const NoteSigner log("log.example.org/bench", crypto::random_key());
  const std::string id = kCitizen;
  Label label;
  const auto beta = labels.output(crypto::bytes_of(id));
  std::copy_n(beta.begin(), label.size(), label.begin());
  History h;
  h.genesis = "{\n  \"origin\": \"log.example.org/bench\",\n  \"label_key\": \"" +
              crypto::base64(labels.public_key()) + "\"\n}\n";
  std::vector<std::string> entries;
  entries.push_back(public_entry(EntryType::genesis, {},
                                 std::string(crypto::text_of(crypto::sha256(h.genesis)))));
  const Key256 map_key = crypto::random_key();
  Map map(map_key);
  std::vector<MapUpdate> updates;
  Slice slice;
  slice.key = crypto::random_key();
  std::vector<HistoryEntry> mine;
  for (std::uint64_t i = 1; i < 1'000'000; ++i) {
    if (i % 20'000 != 10'000) {
      entries.push_back(public_entry(EntryType::alert, {}, ""));
      continue;
    }
    Opening opening;
    crypto::random_bytes(opening.nonce);
    opening.subject = label;
    opening.parts[0] = "crime-investigation";
    opening.parts[2] = "identity.persons.name";
    const Commitments c = commit(slice.key, opening);
    PublicEntry e{EntryType::disclosure, Moment{1'790'000'000'000}, c.subject, c.actor, c.body, ""};
    entries.push_back(encode_entry(e));
    const Blinds blinds = blinds_of(slice.key, opening);
    HistoryEntry& out = mine.emplace_back();
    out.proved.index = i;
    out.proved.entry = entries.back();
    out.r_subject = blinds.subject;
    out.r_body = blinds.body;
    const std::string body = canonical_body(slice.key, opening);
    std::copy(body.begin(), body.end(), reinterpret_cast<char*>(out.part_hashes.data()));
    for (const unsigned n : {1u, 3u})
      out.parts.push_back({n, blinds.salts[n - 1], opening.parts[n - 1]});
    updates.push_back({label, leaf_hash(entries.back()), i, 0});
  }
  EpochMark mark{0, 1, entries.size(), map.stage(updates), 0};
  map.commit();
  const std::uint64_t epoch_index = entries.size();
  entries.push_back(public_entry(EntryType::epoch, {}, tail_of_epoch(mark)));
  std::vector<std::vector<Digest>> levels(1);
  for (const auto& e : entries) levels[0].push_back(leaf_hash(e));
  while (levels.back().size() > 1) {
    std::vector<Digest> above;
    for (std::size_t i = 0; i + 1 < levels.back().size(); i += 2)
      above.push_back(node_hash(levels.back()[i], levels.back()[i + 1]));
    levels.push_back(std::move(above));
  }
  const ReadNode read = [&](unsigned level, std::uint64_t index) -> Result<Digest> {
    return levels[level][index];
  };
  const auto prove = [&](std::uint64_t index, ProvedEntry& out) {
    out = {index, entries[index], *inclusion_path(index, entries.size(), read)};
  };
  prove(0, h.genesis_entry);
  prove(epoch_index, h.epoch_entry);
  for (HistoryEntry& e : mine) prove(e.proved.index, e.proved);
  h.after.emplace_back();
  prove(epoch_index, h.after[0]);
  h.entries = std::move(mine);
  h.vrf = labels.prove(crypto::bytes_of(id));
  h.map = map.prove(label);
  h.map_secret = map.secret_of(label);
  h.checkpoint = log.sign(
      checkpoint_text(log.verifier().name, entries.size(), *root_of(entries.size(), read)));
  const std::string signed_text = h.checkpoint.substr(0, h.checkpoint.rfind("\n\n") + 1);
  const auto unix_now = static_cast<std::uint64_t>(std::time(nullptr));
  std::string policy = "log " + log.verifier().text() + "\n";
  for (const std::string name : {"w1", "w2", "w3"}) {
    const Cosigner witness("witness.example.org/" + name, crypto::random_key());
    policy += "witness " + name + " " + witness.verifier().text() + "\n";
    h.checkpoint += witness.line(signed_text, unix_now);
  }
  policy += "group two 2 w1 w2 w3\nquorum two\n";
  const std::string file = write_history(h);
  if (directory != nullptr) {
    write_file(std::string(directory) + "/history", file);
    write_file(std::string(directory) + "/policy", policy);
  }
  HistoryCheck check;
  check.policy = *parse_tlog_policy(policy);
  check.subject = id;
  check.unix_time = unix_now;
  const auto begin = cpu_now();
  const auto verdict = verify_history(file, check);
  const double took = seconds_since(begin);
  if (!verdict.problem.empty() || verdict.entries.size() != 50) {
    std::fprintf(stderr, "audit_bench: %s, %zu entries\n", verdict.problem.c_str(),
                 verdict.entries.size());
    std::exit(1);
  }
  figure("ledger_history_check", took * 1000, "ms", "a citizen's history of 50 entries verified");
  figure("ledger_history_file", static_cast<double>(file.size()) / 1024, "KiB", "its file");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "history") {
    history_of_fifty(argv[2]);
    return 0;
  }
  const auto number_at = [&](int i, std::size_t otherwise) {
    return argc > i ? static_cast<std::size_t>(std::strtoull(argv[i], nullptr, 10)) : otherwise;
  };
  const std::size_t citizens = number_at(1, 200'000), entries = number_at(2, 1'000'000);
  const Key256 map_key = crypto::random_key();
  PaperLog log(citizens, entries, 1000, map_key);
  figure("ledger_map_access", log.map_seconds() / static_cast<double>(entries) * 1e6, "us",
         "the map's cost of one access, 1,000 to an epoch");
  std::vector<double> sizes;
  for (std::size_t i = 0; i < std::min<std::size_t>(log.feed().size(), 2000); ++i) {
    const auto proof = log.map().prove(log.feed()[i].label);
    sizes.push_back(static_cast<double>(proof.bucket.size() * 64 + kMapDepth * 32 + 80));
  }
  std::sort(sizes.begin(), sizes.end());
  figure("ledger_map_proof", sizes[sizes.size() / 2], "bytes",
         "bucket, path and VRF proof, median");
  figure("ledger_map_proof_max", sizes.back(), "bytes", "the same, the largest");
  std::size_t at = 0;
  const Feed feed = [&]() -> Result<std::optional<FeedLine>> {
    if (at == log.feed().size()) return std::optional<FeedLine>{};
    return std::optional(log.feed()[at++]);
  };
  const auto began = std::chrono::steady_clock::now();
  const auto begin = cpu_now();
  const auto refold = refold_log(log, log.key(), map_key, feed, {});
  const double took = seconds_since(begin);
  const std::chrono::duration<double> clock = std::chrono::steady_clock::now() - began;
  if (!refold || !refold->problem.empty()) {
    std::fprintf(stderr, "audit_bench: the log does not refold\n");
    return 1;
  }
  figure("ledger_refold", static_cast<double>(entries) / took, "entries/s/core",
         "the auditor's refolding: every opening, leaf, EPOCH and root");
  const std::string words = "the same by the clock, on two cores: a log of " +
                            std::to_string(entries) + " entries, 1,000 to an epoch";
  figure("ledger_refold_clock", static_cast<double>(entries) / clock.count(), "entries/s",
         words.c_str());
  // What bounds it: nothing refolds faster than it hashes.
  const double blocks = crypto::sha_blocks_per_second(1),
               an_entry = log.blocks_to_refold() / static_cast<double>(entries);
  figure("ledger_sha_blocks", blocks, "blocks/s/core", "SHA-256 of this core, two side by side");
  figure("ledger_refold_blocks", an_entry, "blocks/entry",
         "SHA-256 that refolding takes, 1,000 to an epoch");
  figure("ledger_refold_bound", blocks / an_entry, "entries/s/core",
         "so many if it were hashing alone");
  receipt_size();
  history_of_fifty(nullptr);
  return 0;
}
