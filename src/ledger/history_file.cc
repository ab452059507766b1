// The file of a citizen's history: lines of words, one spelling each, the checkpoint at the end.

#include <algorithm>
#include <cstring>

#include "ledger/big_endian.h"
#include "ledger/history.h"
#include "ledger/proof.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::size_t kLineBytesMax = 512 * 1024;
constexpr std::string_view kNothing = "-";  // an empty value

void add_word(std::string& out, crypto::Bytes bytes) {
  out += ' ';
  if (bytes.empty())
    out += kNothing;
  else
    crypto::append_base64(out, bytes);
}

template <class Hashes>
std::string joined(const Hashes& hashes) {
  std::string all;
  for (const Digest& hash : hashes) all += crypto::text_of(hash);
  return all;
}

void add_entry(std::string& out, std::string_view word, const ProvedEntry& e) {
  out += word;
  out += ' ' + std::to_string(e.index);
  add_word(out, crypto::bytes_of(e.entry));
  add_word(out, crypto::bytes_of(joined(e.path)));
  out += '\n';
}

void add_history_entry(std::string& out, const HistoryEntry& e) {
  if (e.state == HistoryEntry::State::pruned) {
    out += "pruned " + std::to_string(e.proved.index);
    add_word(out, e.leaf);
    add_word(out, crypto::bytes_of(joined(e.proved.path)));
    out += '\n';
    return;
  }
  add_entry(out, "entry", e.proved);
  if (e.state == HistoryEntry::State::erased) {
    out += "erased " + std::to_string(e.erasure) + "\n";
    return;
  }
  out += e.state == HistoryEntry::State::open ? "open" : "sealed";
  add_word(out, e.r_subject);
  add_word(out, e.r_body);
  add_word(out, crypto::bytes_of(joined(e.part_hashes)));
  out += '\n';
  if (e.actor) {
    std::string actor;
    append_number(actor, number(e.actor->actor.account));
    actor += static_cast<char>(e.actor->actor.key_kind);
    actor += crypto::text_of(e.actor->actor.thumbprint);
    out += "actor";
    add_word(out, e.actor->r);
    add_word(out, crypto::bytes_of(actor));
    out += '\n';
  }
  for (const ShownPart& part : e.parts) {
    out += "part " + std::to_string(part.number);
    add_word(out, part.salt);
    add_word(out, crypto::bytes_of(part.bytes));
    out += '\n';
  }
}

// Lines takes the file apart; the first thing that is not as it must be is the failure.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  std::unexpected<Failure> wrong(const std::string& what) const {
    return fail(Reason::note_malformed, "line " + std::to_string(number_) + ": " + what);
  }
  // The next line must begin with `word` and have `count` words after it.
  Result<std::vector<std::string_view>> take(std::string_view word, std::size_t count) {
    if (next_word() != word) {
      ++number_;
      return wrong("expected " + std::string(word));
    }
    const std::size_t end = rest_.find('\n');
    ++number_;
    if (end == rest_.npos || end > kLineBytesMax) return wrong("no end of line");
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    line.remove_prefix(word.size());
    std::vector<std::string_view> words;
    while (!line.empty()) {
      if (line[0] != ' ' || words.size() == count) return wrong("words after " + std::string(word));
      line.remove_prefix(1);
      const std::size_t space = std::min(line.find(' '), line.size());
      words.push_back(line.substr(0, space));
      line.remove_prefix(space);
    }
    if (words.size() != count) return wrong("words after " + std::string(word));
    return words;
  }
  std::string_view next_word() const { return rest_.substr(0, rest_.find_first_of(" \n")); }
  std::string_view rest() const { return rest_; }

  Result<std::uint64_t> number(std::string_view word, std::uint64_t max = UINT64_MAX) const {
    const auto n = parse_decimal(word);
    if (!n || *n > max) return wrong("a number");
    return *n;
  }
  Result<std::string> bytes(std::string_view word) const {
    if (word == kNothing) return std::string();
    auto decoded = crypto::from_base64(word);
    if (!decoded || decoded->empty()) return wrong("base64");
    return *std::move(decoded);
  }
  template <class Array>
  Result<void> exactly(std::string_view word, Array& out) const {
    auto decoded = bytes(word);
    if (!decoded) return std::unexpected(std::move(decoded.error()));
    if (decoded->size() != sizeof(out)) return wrong("the wrong number of bytes");
    std::memcpy(&out, decoded->data(), sizeof(out));
    return {};
  }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

Result<ProvedEntry> take_entry(Lines& lines, std::string_view word) {
  auto words = lines.take(word, 3);
  if (!words) return std::unexpected(std::move(words.error()));
  auto index = lines.number((*words)[0]);
  if (!index) return std::unexpected(std::move(index.error()));
  auto entry = lines.bytes((*words)[1]);
  if (!entry) return std::unexpected(std::move(entry.error()));
  auto path = lines.bytes((*words)[2]);
  if (!path) return std::unexpected(std::move(path.error()));
  if (path->size() % sizeof(Digest) != 0 || path->size() / sizeof(Digest) > kProofHashesMax)
    return lines.wrong("a path of whole hashes, at most 63");
  ProvedEntry out{*index, *std::move(entry), std::vector<Digest>(path->size() / sizeof(Digest))};
  if (!path->empty()) std::memcpy(out.path.data(), path->data(), path->size());
  return out;
}

Result<void> take_parts(Lines& lines, HistoryEntry& out) {
  unsigned before = 0;
  while (lines.next_word() == "part") {
    auto words = lines.take("part", 3);
    if (!words) return std::unexpected(std::move(words.error()));
    auto number = lines.number((*words)[0], kBodyParts);
    if (!number) return std::unexpected(std::move(number.error()));
    if (*number <= before) return lines.wrong("parts out of order");
    before = static_cast<unsigned>(*number);
    ShownPart& part = out.parts.emplace_back();
    part.number = before;
    if (auto r = lines.exactly((*words)[1], part.salt); !r) return r;
    auto bytes = lines.bytes((*words)[2]);
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    part.bytes = *std::move(bytes);
  }
  return {};
}

Result<void> take_actor(Lines& lines, HistoryEntry& out) {
  if (lines.next_word() != "actor") return {};
  auto words = lines.take("actor", 2);
  if (!words) return std::unexpected(std::move(words.error()));
  ShownActor& shown = out.actor.emplace();
  if (auto r = lines.exactly((*words)[0], shown.r); !r) return r;
  std::array<char, 4 + 1 + sizeof(Digest)> bytes{};
  if (auto r = lines.exactly((*words)[1], bytes); !r) return r;
  shown.actor.account = AccountId{load_number<std::uint32_t>(bytes.data())};
  shown.actor.key_kind = static_cast<KeyKind>(bytes[4]);
  if (static_cast<std::uint8_t>(bytes[4]) > static_cast<std::uint8_t>(KeyKind::passkey))
    return lines.wrong("a kind of key");
  std::memcpy(shown.actor.thumbprint.data(), bytes.data() + 5, sizeof(Digest));
  return {};
}

Result<HistoryEntry> take_history_entry(Lines& lines) {
  if (lines.next_word() == "pruned") {
    auto taken = take_entry(lines, "pruned");
    if (!taken) return std::unexpected(std::move(taken.error()));
    HistoryEntry out;
    out.state = HistoryEntry::State::pruned;
    if (taken->entry.size() != out.leaf.size()) return lines.wrong("the wrong number of bytes");
    std::memcpy(out.leaf.data(), taken->entry.data(), out.leaf.size());
    taken->entry.clear();
    out.proved = *std::move(taken);
    return out;
  }
  auto proved = take_entry(lines, "entry");
  if (!proved) return std::unexpected(std::move(proved.error()));
  HistoryEntry out;
  out.proved = *std::move(proved);
  const std::string_view state = lines.next_word();
  if (state == "erased") {
    auto words = lines.take("erased", 1);
    if (!words) return std::unexpected(std::move(words.error()));
    auto index = lines.number((*words)[0]);
    if (!index) return std::unexpected(std::move(index.error()));
    out.state = HistoryEntry::State::erased;
    out.erasure = *index;
    return out;
  }
  out.state = state == "sealed" ? HistoryEntry::State::sealed : HistoryEntry::State::open;
  auto words = lines.take(out.state == HistoryEntry::State::open ? "open" : "sealed", 3);
  if (!words) return std::unexpected(std::move(words.error()));
  if (auto r = lines.exactly((*words)[0], out.r_subject); !r) return std::unexpected(r.error());
  if (auto r = lines.exactly((*words)[1], out.r_body); !r) return std::unexpected(r.error());
  if (auto r = lines.exactly((*words)[2], out.part_hashes); !r) return std::unexpected(r.error());
  if (auto r = take_actor(lines, out); !r) return std::unexpected(std::move(r.error()));
  if (auto r = take_parts(lines, out); !r) return std::unexpected(std::move(r.error()));
  return out;
}

Result<std::uint64_t> take_count(Lines& lines, std::string_view word) {
  auto words = lines.take(word, 1);
  if (!words) return std::unexpected(std::move(words.error()));
  return lines.number((*words)[0], kHistoryEntriesMax);
}

Result<void> take_map(Lines& lines, History& h) {
  auto vrf = lines.take("vrf", 1);
  if (!vrf) return std::unexpected(std::move(vrf.error()));
  if (auto r = lines.exactly((*vrf)[0], h.vrf); !r) return r;
  auto secret = lines.take("map-secret", 1);
  if (!secret) return std::unexpected(std::move(secret.error()));
  if (auto r = lines.exactly((*secret)[0], h.map_secret); !r) return r;
  auto path = lines.take("map-path", 1);
  if (!path) return std::unexpected(std::move(path.error()));
  if (auto r = lines.exactly((*path)[0], h.map.path); !r) return r;
  auto pairs = take_count(lines, "bucket");
  if (!pairs) return std::unexpected(std::move(pairs.error()));
  if (*pairs > kBucketPairsMax) return lines.wrong("too many pairs");
  for (std::uint64_t i = 0; i < *pairs; ++i) {
    auto words = lines.take("pair", 2);
    if (!words) return std::unexpected(std::move(words.error()));
    BucketPair& pair = h.map.bucket.emplace_back();
    if (auto r = lines.exactly((*words)[0], pair.label); !r) return r;
    if (auto r = lines.exactly((*words)[1], pair.value); !r) return r;
  }
  return {};
}

Result<void> take_proved(Lines& lines, std::string_view list, std::string_view word,
                         std::vector<ProvedEntry>& out) {
  auto count = take_count(lines, list);
  if (!count) return std::unexpected(std::move(count.error()));
  for (std::uint64_t i = 0; i < *count; ++i) {
    auto entry = take_entry(lines, word);
    if (!entry) return std::unexpected(std::move(entry.error()));
    out.push_back(*std::move(entry));
  }
  return {};
}

Result<void> take_erasures(Lines& lines, History& h) {
  auto count = take_count(lines, "erasures");
  if (!count) return std::unexpected(std::move(count.error()));
  for (std::uint64_t i = 0; i < *count; ++i) {
    auto entry = take_entry(lines, "erasure");
    if (!entry) return std::unexpected(std::move(entry.error()));
    History::Erasure& out = h.erasures.emplace_back();
    out.proved = *std::move(entry);
    if (lines.next_word() != "mine") continue;
    auto words = lines.take("mine", 1);
    if (!words) return std::unexpected(std::move(words.error()));
    if (auto r = lines.exactly((*words)[0], out.r_subject.emplace()); !r) return r;
  }
  return {};
}

}  // namespace

std::string write_history(const History& h) {
  std::string out(kHistoryHead);
  out += "\ngenesis";
  add_word(out, crypto::bytes_of(h.genesis));
  out += '\n';
  add_entry(out, "first", h.genesis_entry);
  add_entry(out, "epoch", h.epoch_entry);
  out += "vrf";
  add_word(out, h.vrf);
  out += "\nmap-secret";
  add_word(out, h.map_secret);
  out += "\nmap-path";
  add_word(out, crypto::bytes_of(joined(h.map.path)));
  out += "\nbucket " + std::to_string(h.map.bucket.size()) + "\n";
  for (const BucketPair& pair : h.map.bucket) {
    out += "pair";
    add_word(out, pair.label);
    add_word(out, pair.value);
    out += '\n';
  }
  out += "entries " + std::to_string(h.entries.size()) + "\n";
  for (const HistoryEntry& e : h.entries) add_history_entry(out, e);
  out += "after " + std::to_string(h.after.size()) + "\n";
  for (const ProvedEntry& e : h.after) add_entry(out, "later", e);
  out += "erasures " + std::to_string(h.erasures.size()) + "\n";
  for (const History::Erasure& e : h.erasures) {
    add_entry(out, "erasure", e.proved);
    if (!e.r_subject) continue;
    out += "mine";
    add_word(out, *e.r_subject);
    out += '\n';
  }
  if (h.minimum) add_entry(out, "minimum", *h.minimum);
  out += "checkpoint\n";
  return out += h.checkpoint;
}

Result<History> parse_history(std::string_view text) {
  if (text.size() > kHistoryBytesMax) return fail(Reason::value_too_long, "history");
  Lines lines(text);
  if (auto r = lines.take(kHistoryHead, 0); !r) return std::unexpected(std::move(r.error()));
  History h;
  auto genesis = lines.take("genesis", 1);
  if (!genesis) return std::unexpected(std::move(genesis.error()));
  auto document = lines.bytes((*genesis)[0]);
  if (!document) return std::unexpected(std::move(document.error()));
  h.genesis = *std::move(document);
  for (const auto& [word, entry] :
       {std::pair{"first", &h.genesis_entry}, std::pair{"epoch", &h.epoch_entry}}) {
    auto taken = take_entry(lines, word);
    if (!taken) return std::unexpected(std::move(taken.error()));
    *entry = *std::move(taken);
  }
  if (auto r = take_map(lines, h); !r) return std::unexpected(std::move(r.error()));
  auto count = take_count(lines, "entries");
  if (!count) return std::unexpected(std::move(count.error()));
  for (std::uint64_t i = 0; i < *count; ++i) {
    auto entry = take_history_entry(lines);
    if (!entry) return std::unexpected(std::move(entry.error()));
    h.entries.push_back(*std::move(entry));
  }
  if (auto r = take_proved(lines, "after", "later", h.after); !r)
    return std::unexpected(std::move(r.error()));
  if (auto r = take_erasures(lines, h); !r) return std::unexpected(std::move(r.error()));
  if (lines.next_word() == "minimum") {
    auto minimum = take_entry(lines, "minimum");
    if (!minimum) return std::unexpected(std::move(minimum.error()));
    h.minimum = *std::move(minimum);
  }
  if (auto r = lines.take("checkpoint", 0); !r) return std::unexpected(std::move(r.error()));
  h.checkpoint = lines.rest();
  return h;
}

std::string sealed_part(Moment until, std::string_view part) {
  return "sealed-until " + std::to_string(number(until)) + "\n" + std::string(part);
}

std::optional<Moment> sealed_until(std::string_view part) {
  constexpr std::string_view kStart = "sealed-until ";
  if (!part.starts_with(kStart)) return std::nullopt;
  part.remove_prefix(kStart.size());
  const std::size_t end = part.find('\n');
  const auto ms = end == part.npos ? std::nullopt : parse_decimal(part.substr(0, end));
  if (!ms) return std::nullopt;
  return Moment{*ms};
}

std::string write_remembered(const Remembered& r) {
  return "amanat-remembered/1\norigin " + r.origin + "\nepoch " + std::to_string(r.epoch) +
         "\ncount " + std::to_string(r.count) + "\nhead " + crypto::base64(r.head) + "\n";
}

Result<Remembered> parse_remembered(std::string_view text) {
  Lines lines(text);
  Remembered out;
  if (auto r = lines.take("amanat-remembered/1", 0); !r) return std::unexpected(r.error());
  auto origin = lines.take("origin", 1);
  if (!origin) return std::unexpected(origin.error());
  out.origin = (*origin)[0];
  for (const auto& [word, value] :
       {std::pair{"epoch", &out.epoch}, std::pair{"count", &out.count}}) {
    auto words = lines.take(word, 1);
    if (!words) return std::unexpected(words.error());
    auto number = lines.number((*words)[0]);
    if (!number) return std::unexpected(number.error());
    *value = *number;
  }
  auto head = lines.take("head", 1);
  if (!head) return std::unexpected(head.error());
  if (auto r = lines.exactly((*head)[0], out.head); !r) return std::unexpected(r.error());
  if (!lines.rest().empty()) return lines.wrong("something after the end");
  return out;
}

}  // namespace amanat::ledger
