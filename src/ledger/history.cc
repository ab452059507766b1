#include "ledger/history.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "ledger/audit.h"
#include "ledger/big_endian.h"
#include "ledger/proof.h"
#include "ledger/tree.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

// Written a second time on purpose (ledger page 2.1 and 2.2): whoever checks a history should not
// have to trust the code that wrote it.
constexpr std::size_t kSubjectAt = 10, kActorAt = 42, kBodyAt = 74, kTailAt = 106;
constexpr std::uint8_t kDisclosure = 1, kDenied = 2, kEpoch = 4, kErasure = 5, kPolicy = 6,
                       kGenesis = 8;
constexpr std::size_t kMinimumAt = 106 + 32;  // after the document's digest

Digest digest_at(std::string_view bytes, std::size_t at) {
  Digest d;
  insist(bytes.size() >= at + d.size());
  std::memcpy(d.data(), bytes.data() + at, d.size());
  return d;
}

template <std::size_t N>
crypto::Bytes with_nul(const char (&literal)[N]) {
  return {reinterpret_cast<const std::uint8_t*>(literal), N};
}

// A member of the genesis document, which is flat JSON without escapes.
std::optional<std::string> member_of(std::string_view document, std::string_view name) {
  const std::string start = "\"" + std::string(name) + "\": \"";
  const std::size_t at = document.find(start);
  if (at == document.npos) return std::nullopt;
  const std::size_t begin = at + start.size(), end = document.find('"', begin);
  if (end == document.npos) return std::nullopt;
  return std::string(document.substr(begin, end - begin));
}

class Check {
 public:
  Check(const HistoryCheck& held_to, HistoryVerdict& verdict)
      : held_to_(held_to), verdict_(verdict) {}

  void run(std::string_view text) {
    auto parsed = parse_history(text);
    if (!parsed) {
      problem(HistoryFault::malformed, parsed.error().detail);
      return;
    }
    h_ = *std::move(parsed);
    using Step = bool (Check::*)();
    for (const Step step :
         {&Check::checkpoint, &Check::genesis, &Check::epoch, &Check::label, &Check::map,
          &Check::chain, &Check::openings, &Check::fresh, &Check::remembered})
      if (!(this->*step)()) return;
  }

 private:
  bool problem(HistoryFault fault, std::string words) {
    verdict_.fault = fault;
    verdict_.problem = std::move(words);
    return false;
  }
  bool included(const ProvedEntry& e) const {
    return verify_inclusion(e.index, at_.size, leaf_hash(e.entry), e.path, at_.root).has_value();
  }
  static Digest leaf_of(const HistoryEntry& e) {
    return e.state == HistoryEntry::State::pruned ? e.leaf : leaf_hash(e.proved.entry);
  }
  static std::string place(const ProvedEntry& e) { return "entry " + std::to_string(e.index); }
  static std::optional<EntryHead> head_of(const ProvedEntry& e) { return read_entry_head(e.entry); }

  bool checkpoint();
  bool genesis();
  bool epoch();
  bool label();
  bool map();
  bool chain();
  bool openings();
  std::optional<std::uint64_t> minimum_index();
  bool opening(const HistoryEntry& e, ShownEntry& shown);
  bool actor(const HistoryEntry& e, ShownEntry& shown);
  bool shown_to_expert(const HistoryEntry& e, const ShownEntry& shown);
  bool concerns_me(const History::Erasure& e) const;
  bool erased(const HistoryEntry& e);
  bool fresh();
  bool remembered();

  const HistoryCheck& held_to_;
  HistoryVerdict& verdict_;
  History h_;
  Checkpoint at_;
  std::uint64_t youngest_ = 0;
  crypto::VrfPublic label_key_{};
  Label label_{};
  Digest map_root_{};
  std::vector<Digest> heads_;  // after each entry of the chain
};

bool Check::checkpoint() {
  auto witnessed = open_witnessed(h_.checkpoint, held_to_.policy);
  if (!witnessed)
    return problem(witnessed.error().reason == Reason::quorum_missing ? HistoryFault::quorum
                                                                      : HistoryFault::checkpoint,
                   witnessed.error().detail);
  at_ = std::move(witnessed->at.checkpoint);
  youngest_ = witnessed->youngest;
  verdict_.size = at_.size;
  verdict_.root = at_.root;
  verdict_.now.origin = at_.origin;
  if (held_to_.reader == Reader::expert) return true;
  if (youngest_ == 0) return true;  // a policy without witnesses promises no freshness
  if (youngest_ + held_to_.checkpoint_age_max < held_to_.unix_time)
    return problem(
        HistoryFault::stale_checkpoint,
        "the youngest cosignature is " + std::to_string(held_to_.unix_time - youngest_) + " s old");
  return true;
}

bool Check::genesis() {
  const auto head = head_of(h_.genesis_entry);
  if (h_.genesis_entry.index != 0 || !head || head->type != kGenesis || !included(h_.genesis_entry))
    return problem(HistoryFault::genesis, "entry 0 is not this log's GENESIS");
  if (digest_at(h_.genesis_entry.entry, kTailAt) != crypto::sha256(h_.genesis))
    return problem(HistoryFault::genesis, "the document is not the one entry 0 commits to");
  const auto origin = member_of(h_.genesis, "origin"), key = member_of(h_.genesis, "label_key");
  const auto bytes = key ? crypto::from_base64(*key) : std::nullopt;
  if (origin != at_.origin || !bytes || bytes->size() != label_key_.size())
    return problem(HistoryFault::genesis, "the document names another log, or no key of labels");
  std::memcpy(label_key_.data(), bytes->data(), bytes->size());
  return true;
}

bool Check::epoch() {
  const auto head = head_of(h_.epoch_entry);
  if (!head || head->type != kEpoch || !included(h_.epoch_entry))
    return problem(HistoryFault::epoch, place(h_.epoch_entry) + " is not an EPOCH of this log");
  const char* const tail = h_.epoch_entry.entry.data() + kTailAt;
  verdict_.now.epoch = load_number<std::uint64_t>(tail);
  verdict_.covered = load_number<std::uint64_t>(tail + 8);
  verdict_.epoch_time = head->time;
  verdict_.epoch_index = h_.epoch_entry.index;
  map_root_ = digest_at(h_.epoch_entry.entry, kTailAt + 16);
  if (verdict_.covered > h_.epoch_entry.index)
    return problem(HistoryFault::epoch, "the EPOCH covers more than what stood before it");
  return true;
}

bool Check::label() {
  const auto beta = crypto::vrf_verify(label_key_, crypto::bytes_of(held_to_.subject), h_.vrf);
  if (!beta) return problem(HistoryFault::label, "the proof of the label is not of this citizen");
  std::copy_n(beta->begin(), label_.size(), label_.begin());
  verdict_.label = label_;
  return true;
}

bool Check::map() {
  const auto root = map_root(bucket_of(label_), h_.map);
  if (!root) return problem(HistoryFault::bucket, "the bucket is out of order, or another one");
  if (*root != map_root_)
    return problem(HistoryFault::map_root, "the bucket does not lead to the epoch's root");
  return true;
}

bool Check::chain() {
  Digest head{};
  std::uint64_t before = 0;
  for (const HistoryEntry& e : h_.entries) {
    if (e.proved.index <= before && !heads_.empty())
      return problem(HistoryFault::order, place(e.proved) + " is out of order");
    if (e.proved.index >= verdict_.covered)
      return problem(HistoryFault::order, place(e.proved) + " is not covered by the epoch");
    before = e.proved.index;
    head = chain_next(head, leaf_of(e), e.proved.index);
    heads_.push_back(head);
  }
  verdict_.now.count = h_.entries.size();
  verdict_.now.head = head;
  const auto mine = std::ranges::find(h_.map.bucket, label_, &BucketPair::label);
  if (mine == h_.map.bucket.end()) {
    if (!h_.entries.empty())
      return problem(HistoryFault::map_value, "entries are listed that the map does not know");
  } else if (mine->value != map_value(h_.map_secret, h_.entries.size(), head)) {
    return problem(HistoryFault::chain,
                   "the entries listed are not those the map counts: one was left out, added or "
                   "changed");
  }
  for (const HistoryEntry& e : h_.entries)
    if (!verify_inclusion(e.proved.index, at_.size, leaf_of(e), e.proved.path, at_.root))
      return problem(HistoryFault::inclusion, place(e.proved) + " is not in the log there");
  return true;
}

bool Check::openings() {
  const auto minimum = minimum_index();
  if (!minimum) return false;
  for (const HistoryEntry& e : h_.entries) {
    if (e.state == HistoryEntry::State::pruned) {
      if (e.proved.index >= *minimum)
        return problem(HistoryFault::retention,
                       place(e.proved) + " is not below the minimum index of a POLICY entry");
      ShownEntry gone;
      gone.index = e.proved.index;
      gone.state = e.state;
      verdict_.entries.push_back(std::move(gone));
      continue;
    }
    const auto head = head_of(e.proved);
    if (!head)
      return problem(HistoryFault::inclusion, place(e.proved) + " is not an entry of this form");
    ShownEntry shown;
    shown.index = e.proved.index;
    shown.type = head->type;
    shown.time = head->time;
    shown.state = e.state;
    shown.leaf = leaf_hash(e.proved.entry);
    if (e.state == HistoryEntry::State::erased ? !erased(e) : !opening(e, shown)) return false;
    verdict_.entries.push_back(std::move(shown));
  }
  return true;
}

// Below it entries may be gone: as the log itself says, in an entry that is included.
std::optional<std::uint64_t> Check::minimum_index() {
  if (!h_.minimum) return 0;
  const auto head = head_of(*h_.minimum);
  if (!head || head->type != kPolicy || !included(*h_.minimum)) {
    problem(HistoryFault::retention, place(*h_.minimum) + " is not a POLICY entry of this log");
    return std::nullopt;
  }
  return load_number<std::uint64_t>(h_.minimum->entry.data() + kMinimumAt);
}

bool Check::opening(const HistoryEntry& e, ShownEntry& shown) {
  const std::string_view entry = e.proved.entry;
  if (crypto::Hmac(e.r_subject).mac({with_nul("amanat/subject/v1"), label_}) !=
      digest_at(entry, kSubjectAt))
    return problem(HistoryFault::opening_subject, place(e.proved) + " is not shown to be yours");
  std::string body;
  for (const Digest& hash : e.part_hashes) body += crypto::text_of(hash);
  if (crypto::Hmac(e.r_body).mac({with_nul("amanat/body/v1"), crypto::bytes_of(body)}) !=
      digest_at(entry, kBodyAt))
    return problem(HistoryFault::opening_body, place(e.proved) + ": its content is another one");
  for (const ShownPart& part : e.parts) {
    crypto::Sha256 hash;
    hash.update(std::uint8_t{0x12}).update(part.salt);
    hash.update(static_cast<std::uint8_t>(part.number)).update(part.bytes);
    if (hash.finish() != e.part_hashes[part.number - 1])
      return problem(HistoryFault::opening_body,
                     place(e.proved) + ": part " + std::to_string(part.number) + " was changed");
    shown.parts[part.number - 1] = part.bytes;
  }
  shown.part_hashes = e.part_hashes;
  if (!actor(e, shown)) return false;
  if (held_to_.reader == Reader::expert) return shown_to_expert(e, shown);
  const auto date = sealed_until(shown.parts[8]);
  shown.sealed_until = date;
  if (e.state == HistoryEntry::State::sealed) {
    if (!date)
      return problem(HistoryFault::seal_date, place(e.proved) + " is sealed without a date");
    if (number(*date) <= held_to_.unix_time * 1000)
      return problem(HistoryFault::seal_date, place(e.proved) + " is sealed past its date");
    return true;
  }
  // An opened entry shows why and what: parts left shut would be a seal without a date.
  for (const unsigned must : {1u, 3u, 10u}) {
    if (must == 10 && shown.type != kDenied) continue;
    if (e.part_hashes[must - 1] != Digest{} && shown.parts[must - 1].empty())
      return problem(HistoryFault::opening_body,
                     place(e.proved) + ": part " + std::to_string(must) + " is kept from you");
  }
  return true;
}

bool Check::actor(const HistoryEntry& e, ShownEntry& shown) {
  if (!e.actor) return true;
  std::string canonical;
  append_number(canonical, number(e.actor->actor.account));
  canonical += static_cast<char>(e.actor->actor.key_kind);
  canonical += crypto::text_of(e.actor->actor.thumbprint);
  if (crypto::Hmac(e.actor->r).mac({with_nul("amanat/actor/v1"), crypto::bytes_of(canonical)}) !=
      digest_at(e.proved.entry, kActorAt))
    return problem(HistoryFault::opening_actor, place(e.proved) + ": its account is another one");
  shown.actor = e.actor->actor;
  return true;
}

// Whoever looks for the source of a leak may overlook no disclosure: each shows to which account,
// which fields, which versions, and its marks if it has any.
bool Check::shown_to_expert(const HistoryEntry& e, const ShownEntry& shown) {
  if (e.state != HistoryEntry::State::open)
    return problem(HistoryFault::opening_body, place(e.proved) + " is sealed from the expert");
  if (shown.type != kDisclosure) return true;
  if (!shown.actor)
    return problem(HistoryFault::opening_actor, place(e.proved) + " does not show its account");
  for (const unsigned must : {3u, 4u, 8u})
    if (e.part_hashes[must - 1] != Digest{} && shown.parts[must - 1].empty())
      return problem(HistoryFault::opening_body,
                     place(e.proved) + ": part " + std::to_string(must) + " is not shown");
  return true;
}

// A retention run names nobody; any other erasure must name this citizen.
bool Check::concerns_me(const History::Erasure& e) const {
  if (!head_of(e.proved)) return false;
  const Digest subject = digest_at(e.proved.entry, kSubjectAt);
  if (!e.r_subject) return subject == Digest{};
  return crypto::Hmac(*e.r_subject).mac({with_nul("amanat/subject/v1"), label_}) == subject;
}

// The ERASURE is one of the citizen's own, later in the same chain or not yet covered, or one of a
// retention run.
bool Check::erased(const HistoryEntry& e) {
  const ProvedEntry* act = nullptr;
  for (const HistoryEntry& other : h_.entries)
    if (other.proved.index == e.erasure) act = &other.proved;
  for (const History::Erasure& outside : h_.erasures)
    if (outside.proved.index == e.erasure && included(outside.proved) && concerns_me(outside))
      act = &outside.proved;
  const auto head = act == nullptr ? std::nullopt : head_of(*act);
  if (!head || head->type != kErasure || act->index <= e.proved.index)
    return problem(HistoryFault::erasure,
                   place(e.proved) + " has no opening, and no erasure is recorded for it");
  const auto own = head_of(e.proved);
  if (own && own->type == kErasure && e.erasure == e.proved.index)
    return problem(HistoryFault::erasure, place(e.proved) + " erases itself");
  return true;
}

// Nobody may stop making epochs: the first entry with a subject that none covers yet is young.
bool Check::fresh() {
  if (held_to_.reader == Reader::expert) return true;
  std::uint64_t next = verdict_.covered;
  for (const ProvedEntry& e : h_.after) {
    if (e.index != next++ || !included(e))
      return problem(HistoryFault::epoch, place(e) + " after the epoch is not shown as it stands");
    const auto head = head_of(e);
    if (!head) return problem(HistoryFault::epoch, place(e) + " is not an entry of this form");
    if (digest_at(e.entry, kSubjectAt) == Digest{}) continue;
    const std::uint64_t entry_s = number(head->time) / 1000;
    const std::uint64_t now = youngest_ != 0 ? youngest_ : held_to_.unix_time;
    if (entry_s + held_to_.uncovered_age_max < now)
      return problem(HistoryFault::stale_epoch, place(e) + " has waited for its epoch too long");
    return true;
  }
  if (next != at_.size)
    return problem(HistoryFault::epoch, "not every entry after the epoch is shown");
  return true;
}

bool Check::remembered() {
  if (!held_to_.before) return true;
  const Remembered& before = *held_to_.before;
  if (before.origin != at_.origin || before.epoch > verdict_.now.epoch ||
      before.count > heads_.size() ||
      before.head != (before.count == 0 ? Digest{} : heads_[before.count - 1]))
    return problem(HistoryFault::rewritten,
                   "what was shown before is not the beginning of what is shown now");
  return true;
}

}  // namespace

std::string_view text_of(HistoryFault fault) {
  switch (fault) {
    case HistoryFault::none:
      return "none";
    case HistoryFault::malformed:
      return "malformed";
    case HistoryFault::checkpoint:
      return "checkpoint";
    case HistoryFault::quorum:
      return "quorum";
    case HistoryFault::stale_checkpoint:
      return "stale_checkpoint";
    case HistoryFault::genesis:
      return "genesis";
    case HistoryFault::epoch:
      return "epoch";
    case HistoryFault::stale_epoch:
      return "stale_epoch";
    case HistoryFault::label:
      return "label";
    case HistoryFault::bucket:
      return "bucket";
    case HistoryFault::map_root:
      return "map_root";
    case HistoryFault::map_value:
      return "map_value";
    case HistoryFault::order:
      return "order";
    case HistoryFault::chain:
      return "chain";
    case HistoryFault::inclusion:
      return "inclusion";
    case HistoryFault::opening_subject:
      return "opening_subject";
    case HistoryFault::opening_actor:
      return "opening_actor";
    case HistoryFault::opening_body:
      return "opening_body";
    case HistoryFault::retention:
      return "retention";
    case HistoryFault::erasure:
      return "erasure";
    case HistoryFault::seal_date:
      return "seal_date";
    case HistoryFault::rewritten:
      return "rewritten";
  }
  return "none";
}

HistoryVerdict verify_history(std::string_view text, const HistoryCheck& check) {
  HistoryVerdict verdict;
  Check(check, verdict).run(text);
  insist((verdict.fault == HistoryFault::none) == verdict.problem.empty());
  return verdict;
}

}  // namespace amanat::ledger
