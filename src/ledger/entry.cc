#include "ledger/entry.h"

#include <algorithm>
#include <cstring>

#include "crypto/crypto.h"
#include "ledger/big_endian.h"
#include "ledger/history.h"
#include "ledger/tree.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

using crypto::Bytes;
using crypto::bytes_of;

constexpr std::size_t kTimeAt = 2, kSubjectAt = 10, kActorAt = 42, kBodyAt = 74;
constexpr std::size_t kActorBytes = 37, kBodyBytes = 32 * kBodyParts;
constexpr std::uint8_t kOpeningVersion = 1;
constexpr std::size_t kOpeningHead = 1 + 16 + crypto::kAeadNonce;

// Which commitments a type uses (ledger page 2.1) and how long its tail is.
struct Shape {
  bool subject, actor, body;
  std::size_t tail;
};
std::optional<Shape> shape_of(EntryType type) {
  switch (type) {
    case EntryType::disclosure:
      return Shape{true, true, true, 0};
    case EntryType::denied:
      return Shape{true, true, true, 0};
    case EntryType::export_:
      return Shape{false, true, true, 12};
    case EntryType::epoch:
      return Shape{false, false, false, 56};
    case EntryType::erasure:
      return Shape{true, true, true, 12};
    case EntryType::policy_key:
      return Shape{false, true, true, 40};
    case EntryType::alert:
      return Shape{true, true, true, 0};
    case EntryType::genesis:
      return Shape{false, false, false, 32};
    case EntryType::trace:
      return Shape{false, true, true, 33};
  }
  return std::nullopt;
}

bool is_zero(const Digest& d) {
  return std::all_of(d.begin(), d.end(), [](std::uint8_t b) { return b == 0; });
}

bool fits(const Shape& shape, const PublicEntry& e) {
  return (shape.subject || is_zero(e.subject)) && (shape.actor || is_zero(e.actor)) &&
         (shape.body || is_zero(e.body)) && e.tail.size() == shape.tail;
}

void write_entry(char* at, const PublicEntry& e) {
  at[0] = static_cast<char>(kEntryVersion);
  at[1] = static_cast<char>(e.type);
  store_number(at + kTimeAt, number(e.time));
  std::memcpy(at + kSubjectAt, e.subject.data(), 32);
  std::memcpy(at + kActorAt, e.actor.data(), 32);
  std::memcpy(at + kBodyAt, e.body.data(), 32);
  if (!e.tail.empty()) std::memcpy(at + kEntryHead, e.tail.data(), e.tail.size());
}

// A string literal with its terminating NUL: the 0x00 that ends every domain of ledger page 2.2.
template <std::size_t N>
Bytes with_nul(const char (&literal)[N]) {
  return {reinterpret_cast<const std::uint8_t*>(literal), N};
}

// Everything that hangs on a slice key, from one HMAC midstate.
class SliceMac {
 public:
  explicit SliceMac(const Key256& key) : mac_(key.bytes()) {}

  Digest commitment(Bytes r_domain, Bytes nonce, Bytes domain, Bytes canonical) const {
    Digest r = mac_.mac({r_domain, nonce});
    const Digest c = crypto::Hmac(r).mac({domain, canonical});
    wipe(r.data(), r.size());
    return c;
  }
  Digest subject(Bytes nonce, Bytes canonical) const {
    return commitment(with_nul("amanat/r/subject"), nonce, with_nul("amanat/subject/v1"),
                      canonical);
  }
  Digest actor(Bytes nonce, Bytes canonical) const {
    return commitment(with_nul("amanat/r/actor"), nonce, with_nul("amanat/actor/v1"), canonical);
  }
  Digest body(Bytes nonce, Bytes canonical) const {
    return commitment(with_nul("amanat/r/body"), nonce, with_nul("amanat/body/v1"), canonical);
  }
  Digest part(Bytes nonce, BodyPart which, std::string_view bytes) const {
    const auto i = static_cast<std::uint8_t>(which);
    const Digest salt = mac_.mac({with_nul("amanat/salt/v1"), nonce, Bytes(&i, 1)});
    crypto::Sha256 hash;
    return hash.update(std::uint8_t{0x12})
        .update(Bytes(salt).first(16))
        .update(i)
        .update(bytes)
        .finish();
  }
  Key256 opening_key() const {
    Digest d = mac_.mac("amanat/open/v1");
    Key256 key{std::span<const std::uint8_t, 32>(d)};
    wipe(d.data(), d.size());
    return key;
  }

 private:
  crypto::Hmac mac_;
};

// OpeningView is an Opening before anything of it was copied.
struct OpeningView {
  std::array<std::uint8_t, 16> nonce;
  const std::optional<Label>& subject;
  const std::optional<Actor>& actor;
  std::array<std::string_view, kBodyParts> parts;
  std::string_view evidence;
};

OpeningView view_of(const Opening& o) {
  OpeningView v{o.nonce, o.subject, o.actor, {}, o.evidence};
  for (std::size_t i = 0; i < kBodyParts; ++i) v.parts[i] = o.parts[i];
  return v;
}

std::array<std::uint8_t, kBodyBytes> part_hashes(const SliceMac& mac, const OpeningView& o) {
  std::array<std::uint8_t, kBodyBytes> body{};
  for (std::size_t i = 0; i < kBodyParts; ++i) {
    if (o.parts[i].empty()) continue;
    const Digest hash = mac.part(o.nonce, static_cast<BodyPart>(i + 1), o.parts[i]);
    std::memcpy(body.data() + 32 * i, hash.data(), 32);
  }
  return body;
}

Commitments commit_with(const SliceMac& mac, const OpeningView& o) {
  Commitments c;
  if (o.subject) c.subject = mac.subject(o.nonce, *o.subject);
  if (o.actor) c.actor = mac.actor(o.nonce, bytes_of(canonical_actor(*o.actor)));
  c.body = mac.body(o.nonce, part_hashes(mac, o));
  return c;
}

std::array<std::uint8_t, 96> associated(const Digest& subject, const Digest& actor,
                                        const Digest& body) {
  std::array<std::uint8_t, 96> all;
  std::memcpy(all.data(), subject.data(), 32);
  std::memcpy(all.data() + 32, actor.data(), 32);
  std::memcpy(all.data() + 64, body.data(), 32);
  return all;
}

void add_sized(WipingBuffer& out, std::string_view bytes) {
  char length[4];
  store_number(length, static_cast<std::uint32_t>(bytes.size()));
  out.append({length, 4});
  out.append(bytes);
}

std::string seal_with(const SliceMac& mac, const Slice& slice, const OpeningView& o,
                      const Commitments& c) {
  insist(o.evidence.size() <= kEvidenceBytesMax);
  std::size_t parts = 0;
  for (const auto& part : o.parts) parts += part.empty() ? 0 : 1 + 4 + part.size();
  WipingBuffer plain;
  plain.reserve(16 + 4 * 4 + 32 + kActorBytes + parts + o.evidence.size());
  plain.append(crypto::text_of(o.nonce));
  add_sized(plain, o.subject ? crypto::text_of(*o.subject) : std::string_view{});
  add_sized(plain, o.actor ? canonical_actor(*o.actor) : std::string{});
  char length[4];
  store_number(length, static_cast<std::uint32_t>(parts));
  plain.append({length, 4});
  for (std::size_t i = 0; i < kBodyParts; ++i) {
    if (o.parts[i].empty()) continue;
    insist(o.parts[i].size() <= kPartBytesMax);
    const char which = static_cast<char>(i + 1);
    plain.append({&which, 1});
    add_sized(plain, o.parts[i]);
  }
  add_sized(plain, o.evidence);

  std::string out;
  out.reserve(kOpeningHead + plain.size() + crypto::kAeadTag);
  out.push_back(static_cast<char>(kOpeningVersion));
  out.append(crypto::text_of(slice.id));
  // seal writes its fresh random 12-byte nonce first, which is where the format has it.
  crypto::seal(mac.opening_key(), associated(c.subject, c.actor, c.body), bytes_of(plain.view()),
               out);
  return out;
}

bool parse_parts(std::string_view bytes, std::array<std::string, kBodyParts>& out) {
  Cursor cursor(bytes);
  for (unsigned before = 0; cursor.left() > 0;) {
    const unsigned which = cursor.number<std::uint8_t>();
    const auto part = cursor.take(cursor.number<std::uint32_t>());
    // Ascending, none twice, none empty: one spelling each.
    if (cursor.failed() || which <= before || which > kBodyParts || part.empty() ||
        part.size() > kPartBytesMax)
      return false;
    out[which - 1] = part;
    before = which;
  }
  return cursor.at_end();
}

std::optional<Opening> parse_opening(std::string_view plain) {
  Cursor cursor(plain);
  Opening o;
  const auto nonce = cursor.take(16);
  const auto subject = cursor.take(cursor.number<std::uint32_t>());
  const auto actor = cursor.take(cursor.number<std::uint32_t>());
  const auto parts = cursor.take(cursor.number<std::uint32_t>());
  const auto evidence = cursor.take(cursor.number<std::uint32_t>());
  if (!cursor.at_end()) return std::nullopt;
  if ((!subject.empty() && subject.size() != 32) ||
      (!actor.empty() && actor.size() != kActorBytes) || evidence.size() > kEvidenceBytesMax ||
      !parse_parts(parts, o.parts))
    return std::nullopt;
  std::memcpy(o.nonce.data(), nonce.data(), 16);
  if (!subject.empty()) std::memcpy(o.subject.emplace().data(), subject.data(), 32);
  if (!actor.empty()) {
    const auto kind = static_cast<std::uint8_t>(actor[4]);
    if (kind > static_cast<std::uint8_t>(KeyKind::passkey)) return std::nullopt;
    Actor& a = o.actor.emplace();
    a.account = AccountId{load_number<std::uint32_t>(actor.data())};
    a.key_kind = KeyKind{kind};
    std::memcpy(a.thumbprint.data(), actor.data() + 5, 32);
  }
  o.evidence = evidence;
  return o;
}

}  // namespace

std::size_t entry_size(EntryType type) {
  const auto shape = shape_of(type);
  return shape ? kEntryHead + shape->tail : 0;
}

std::string encode_entry(const PublicEntry& entry) {
  const auto shape = shape_of(entry.type);
  insist(shape.has_value());
  insist(fits(*shape, entry));
  std::string out(kEntryHead + shape->tail, '\0');
  write_entry(out.data(), entry);
  return out;
}

Result<PublicEntry> decode_entry(std::string_view bytes) {
  if (bytes.size() < kEntryHead || bytes.size() > kLeafBytesMax)
    return fail(Reason::malformed_value, "entry: length");
  if (static_cast<std::uint8_t>(bytes[0]) != kEntryVersion)
    return fail(Reason::malformed_value, "entry: version");
  PublicEntry e;
  e.type = static_cast<EntryType>(static_cast<std::uint8_t>(bytes[1]));
  const auto shape = shape_of(e.type);
  if (!shape) return fail(Reason::malformed_value, "entry: type");
  e.time = time_of(bytes);
  std::memcpy(e.subject.data(), bytes.data() + kSubjectAt, 32);
  std::memcpy(e.actor.data(), bytes.data() + kActorAt, 32);
  std::memcpy(e.body.data(), bytes.data() + kBodyAt, 32);
  e.tail = bytes.substr(kEntryHead);
  if (!fits(*shape, e)) return fail(Reason::malformed_value, "entry: fields of its type");
  return e;
}

Moment time_of(std::string_view entry) {
  insist(entry.size() >= kEntryHead);
  return Moment{load_number<std::uint64_t>(entry.data() + kTimeAt)};
}

void restamp(char* entry, Moment time) {
  insist(entry != nullptr);
  store_number(entry + kTimeAt, number(time));
}

void fill_export_tail(char* entry, EntryIndex first, std::uint32_t count) {
  insist(static_cast<EntryType>(static_cast<std::uint8_t>(entry[1])) == EntryType::export_);
  insist(count > 0);
  store_number(entry + kEntryHead, number(first));
  store_number(entry + kEntryHead + 8, count);
}

Digest part_hash(const Key256& slice_key, const std::array<std::uint8_t, 16>& entry_nonce,
                 BodyPart part, std::string_view bytes) {
  if (bytes.empty()) return Digest{};
  return SliceMac(slice_key).part(entry_nonce, part, bytes);
}

std::string canonical_actor(const Actor& actor) {
  std::string out;
  out.reserve(kActorBytes);
  append_number(out, number(actor.account));
  out.push_back(static_cast<char>(actor.key_kind));
  out.append(crypto::text_of(actor.thumbprint));
  insist(out.size() == kActorBytes);
  return out;
}

std::string canonical_body(const Key256& slice_key, const Opening& opening) {
  return std::string(crypto::text_of(part_hashes(SliceMac(slice_key), view_of(opening))));
}

Commitments commit(const Key256& slice_key, const Opening& opening) {
  return commit_with(SliceMac(slice_key), view_of(opening));
}

std::string seal_opening(const Slice& slice, const Opening& opening,
                         const Commitments& commitments) {
  return seal_with(SliceMac(slice.key), slice, view_of(opening), commitments);
}

std::optional<std::array<std::uint8_t, 16>> slice_of(std::string_view sealed) {
  if (sealed.size() < kOpeningHead + crypto::kAeadTag || sealed.size() > kOpeningBytesMax)
    return std::nullopt;
  if (static_cast<std::uint8_t>(sealed[0]) != kOpeningVersion) return std::nullopt;
  std::array<std::uint8_t, 16> id;
  std::memcpy(id.data(), sealed.data() + 1, id.size());
  return id;
}

Result<Opening> unseal(std::string_view sealed, const Key256& slice_key, const PublicEntry& entry) {
  if (!slice_of(sealed)) return fail(Reason::seal_broken, "not an opening");
  const SliceMac mac(slice_key);
  WipingBuffer plain;
  auto opened = crypto::open(mac.opening_key(), associated(entry.subject, entry.actor, entry.body),
                             bytes_of(sealed.substr(1 + 16)), plain);
  if (!opened) return std::unexpected(std::move(opened.error()));
  auto opening = parse_opening(plain.view());
  if (!opening) return fail(Reason::seal_broken, "opening is malformed");
  // The seal only shows who wrote the opening; that it is the one committed to, the leaf shows.
  const Commitments c = commit_with(mac, view_of(*opening));
  if (c.subject != entry.subject || c.actor != entry.actor || c.body != entry.body)
    return fail(Reason::seal_broken, "opening does not open its entry");
  return std::move(*opening);
}

Blinds blinds_of(const Key256& slice_key, const Opening& opening) {
  const crypto::Hmac mac(slice_key.bytes());
  Blinds b;
  b.subject = mac.mac({with_nul("amanat/r/subject"), opening.nonce});
  b.actor = mac.mac({with_nul("amanat/r/actor"), opening.nonce});
  b.body = mac.mac({with_nul("amanat/r/body"), opening.nonce});
  for (std::size_t i = 0; i < kBodyParts; ++i) {
    const auto which = static_cast<std::uint8_t>(i + 1);
    const Digest salt = mac.mac({with_nul("amanat/salt/v1"), opening.nonce, Bytes(&which, 1)});
    std::copy_n(salt.begin(), b.salts[i].size(), b.salts[i].begin());
  }
  return b;
}

Result<Prepared> prepare(const EntryContent& content, Moment time, std::optional<Moment> until) {
  const auto shape = shape_of(content.type);
  insist(shape.has_value());
  insist(shape->subject || !content.subject);
  insist(shape->actor || !content.actor);
  insist(content.type != EntryType::disclosure || (content.subject && content.actor));
  if (content.evidence.size() > kEvidenceBytesMax) return fail(Reason::value_too_long, "evidence");

  const SliceMac mac(content.slice.key);
  OpeningView opening{{}, content.subject, content.actor, {}, content.evidence};
  crypto::random_bytes(opening.nonce);
  for (std::size_t i = 0; i < kBodyParts; ++i) {
    if (content.parts[i].size() > kPartBytesMax)
      return fail(Reason::value_too_long, "part of an entry");
    opening.parts[i] = content.parts[i];
  }
  std::string dated;
  if (until) {
    auto& ninth = opening.parts[static_cast<std::size_t>(BodyPart::export_id) - 1];
    dated = sealed_part(*until, ninth);
    ninth = dated;
  }
  // Part 11 ties the evidence to the leaf, so that it cannot be swapped later.
  Digest evidence;
  auto& digest = opening.parts[static_cast<std::size_t>(BodyPart::evidence_digest) - 1];
  if (digest.empty() && !content.evidence.empty()) {
    evidence = crypto::sha256(content.evidence);
    digest = crypto::text_of(evidence);
  }
  Commitments c;
  if (shape->body)
    c = commit_with(mac, opening);
  else
    insist(!content.subject && !content.actor);

  PublicEntry entry{content.type, time, c.subject, c.actor, c.body, content.tail};
  if (content.type == EntryType::export_ && entry.tail.empty())
    entry.tail.assign(shape->tail, '\0');
  insist(fits(*shape, entry));
  Prepared prepared;
  prepared.leaf.size = static_cast<std::uint8_t>(kEntryHead + shape->tail);
  write_entry(prepared.leaf.bytes.data(), entry);
  prepared.hash = leaf_hash(prepared.leaf.view());
  prepared.subject = content.subject;
  if (shape->body) prepared.opening = seal_with(mac, content.slice, opening, c);
  return prepared;
}

}  // namespace amanat::ledger
