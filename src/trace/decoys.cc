#include "trace/decoys.h"

#include <algorithm>
#include <cstring>

#include "crypto/crypto.h"
#include "disclosure/decoy_seed.h"
#include "ledger/proof.h"
#include "ledger/tree.h"
#include "model/insist.h"
#include "trace/words.h"

namespace amanat::trace {
namespace {

constexpr double kNumberValues = 1e6, kPhoneValues = 9e6;
constexpr std::string_view kStray("amanat/stray/v1\0", 16), kActor("amanat/actor/v1\0", 16),
    kBody("amanat/body/v1\0", 15);
constexpr std::size_t kActorAt = 42, kBodyAt = 74, kEntryBytes = 118;  // of an EXPORT
constexpr std::array<unsigned, 3> kShownParts = {7, 8, 9};
constexpr std::size_t kListBytesMax = 128u << 20;

Digest leaf_of(std::span<const std::uint8_t> salt, const Stray& stray) {
  crypto::Sha256 hash;
  hash.update(std::uint8_t{0}).update(kStray).update(salt);
  return hash
      .update(stray.citizen + " " + stray.phone + word(stray.offset) + word(stray.length) +
              word(stray.cluster))
      .finish();
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// 0300…, 92300…, 0092300… and 300… are one number.
std::string phone_in(std::string_view digits) {
  if (digits.size() < 10 || digits[digits.size() - 10] != '3') return {};
  const std::string_view before = digits.substr(0, digits.size() - 10);
  const bool known = before.empty() || before == "0" || before == "92" || before == "0092";
  return known ? "92" + std::string(digits.substr(before.size())) : std::string();
}

Digest digest_at(std::string_view bytes, std::size_t at) {
  Digest out;
  std::memcpy(out.data(), bytes.data() + at, out.size());
  return out;
}

// Roots of complete subtrees, out of leaves that are all here.
ledger::ReadNode nodes_over(const std::vector<Digest>& leaves) {
  return [&leaves](unsigned level, std::uint64_t index) -> Result<Digest> {
    ledger::CompactRange range;
    for (std::uint64_t i = index << level; i < (index + 1) << level; ++i) range.append(leaves[i]);
    return range.root();
  };
}

}  // namespace

double chance_of_decoy(StrayKind kind, std::uint64_t strays, std::uint64_t given) {
  const double values = kind == StrayKind::pairs
                            ? kNumberValues * kPhoneValues / static_cast<double>(kStrayPhones)
                            : kNumberValues;
  return std::min(1.0, static_cast<double>(strays) * static_cast<double>(given) / values);
}

StrayList StrayList::of(std::vector<Stray> found, const Digest& secret) {
  StrayList list;
  list.secret_ = secret;
  const auto paired = [](const Stray& s) { return !s.phone.empty(); };
  if (std::ranges::any_of(found, paired)) {
    list.kind_ = StrayKind::pairs;
    std::erase_if(found, [&](const Stray& s) { return !paired(s); });
  }
  std::ranges::sort(found);
  const auto name = [](const Stray& s) { return std::tie(s.citizen, s.phone); };
  const auto repeated = std::ranges::unique(found, {}, name);
  found.erase(repeated.begin(), repeated.end());
  list.strays_ = std::move(found);
  return list;
}

std::array<std::uint8_t, 16> StrayList::salt(std::size_t place) const {
  const Stray& stray = strays_.at(place);
  const Digest mac = crypto::Hmac(secret_).mac(stray.citizen + " " + stray.phone);
  std::array<std::uint8_t, 16> out;
  std::copy_n(mac.begin(), out.size(), out.begin());
  return out;
}

std::vector<Digest> StrayList::leaves() const {
  std::vector<Digest> out;
  out.reserve(strays_.size());
  for (std::size_t i = 0; i < strays_.size(); ++i) out.push_back(leaf_of(salt(i), strays_[i]));
  return out;
}

Digest StrayList::root() const {
  ledger::CompactRange range;
  for (const Digest& leaf : leaves()) range.append(leaf);
  return range.root();
}

std::optional<std::size_t> StrayList::find(std::string_view citizen, std::string_view phone) const {
  const auto name = [](const Stray& s) {
    return std::pair<std::string_view, std::string_view>(s.citizen, s.phone);
  };
  const std::pair wanted(citizen, phone);
  const auto at = std::ranges::lower_bound(strays_, wanted, {}, name);
  if (at == strays_.end() || name(*at) != wanted) return std::nullopt;
  return static_cast<std::size_t>(at - strays_.begin());
}

std::vector<Digest> StrayList::path(std::size_t place) const {
  const auto all = leaves();
  auto path = ledger::inclusion_path(place, all.size(), nodes_over(all));
  insist(path.has_value());
  return *std::move(path);
}

std::string StrayList::write() const {
  std::string out = "amanat-strays v1\nsecret" + hex_word(secret_) + "\nkind " +
                    std::string(word_of(kind_)) + "\n";
  for (const Stray& s : strays_)
    out += "stray " + s.citizen + " " + (s.phone.empty() ? "-" : s.phone) + word(s.offset) +
           word(s.length) + word(s.cluster) + "\n";
  return out;
}

Result<StrayList> StrayList::parse(std::string_view text) {
  StrayList list;
  if (text.size() > kListBytesMax) return fail(Reason::evidence_malformed, "strays: too long");
  Words in(text);
  in.begin("amanat-strays v1");
  in.begin("secret");
  in.hex(list.secret_);
  in.begin("kind");
  list.kind_ = in.take() == word_of(StrayKind::pairs) ? StrayKind::pairs : StrayKind::numbers;
  while (in.at("stray") && in.begin("stray")) {
    Stray& s = list.strays_.emplace_back();
    s.citizen = in.take();
    s.phone = in.take();
    if (s.phone == "-") s.phone.clear();
    s.offset = in.number<std::uint64_t>();
    s.length = in.number<std::uint64_t>();
    s.cluster = in.number<std::uint32_t>();
  }
  const auto write = [](const StrayList& one) { return one.write(); };
  return exactly(in, text, std::move(list), write, "a list of strays");
}

RowNumbers numbers_of(std::string_view rows) {
  RowNumbers out;
  const auto add = [](std::vector<std::string>& to, std::string number) {
    if (!number.empty() && std::ranges::find(to, number) == to.end())
      to.push_back(std::move(number));
  };
  std::string digits;
  for (std::size_t i = 0; i <= rows.size(); ++i) {
    const char c = i < rows.size() ? rows[i] : '\n';
    if (is_digit(c)) {
      digits.push_back(c);
    } else if (c != '-' && c != ' ' && c != '+') {
      if (digits.size() == disclosure::kDecoyDigits)
        add(out.citizens, digits);
      else
        add(out.phones, phone_in(digits));
      digits.clear();
    }
  }
  return out;
}

std::string write_decoy(const DecoyFile& d) {
  std::string out = "amanat-decoy v1\ngiven" + hex_word(d.extract) + word(d.number) +
                    word(number(d.account)) + word(d.epoch) + "\nseed" + hex_word(d.seed) + "\n";
  out += "actor" + hex_word(d.shown.r_actor) + word(number(d.shown.actor.account)) +
         word(static_cast<std::uint8_t>(d.shown.actor.key_kind)) +
         hex_word(d.shown.actor.thumbprint) + "\nbody" + hex_word(d.shown.r_body);
  for (const Digest& hash : d.shown.part_hashes) out += hex_word(hash);
  for (std::size_t i = 0; i < kShownParts.size(); ++i)
    out +=
        "\npart" + word(kShownParts[i]) + hex_word(d.shown.salts[i]) + text_word(d.shown.parts[i]);
  out += "\nanswers" + hex_word(d.answers) + "\n";
  for (const Digest& one : d.decoys) out += "decoy" + hex_word(one) + "\n";
  out += "rows" + text_word(d.rows) + "\nstray " + d.stray.citizen + " " +
         (d.stray.phone.empty() ? "-" : d.stray.phone) + word(d.stray.offset) +
         word(d.stray.length) + word(d.stray.cluster) + hex_word(d.salt) + word(d.place) + "\n";
  for (const Digest& one : d.path) out += "path" + hex_word(one) + "\n";
  return out;
}

Result<DecoyFile> parse_decoy(std::string_view text) {
  DecoyFile d;
  Words in(text);
  in.begin("amanat-decoy v1");
  in.begin("given");
  in.hex(d.extract);
  d.number = in.number<std::uint32_t>();
  d.account = AccountId{in.number<std::uint32_t>()};
  d.epoch = in.number<std::uint16_t>();
  in.begin("seed");
  in.hex(d.seed);
  in.begin("actor");
  in.hex(d.shown.r_actor);
  d.shown.actor.account = AccountId{in.number<std::uint32_t>()};
  d.shown.actor.key_kind = static_cast<KeyKind>(in.number<std::uint8_t>());
  in.hex(d.shown.actor.thumbprint);
  in.begin("body");
  in.hex(d.shown.r_body);
  for (Digest& hash : d.shown.part_hashes) in.hex(hash);
  for (std::size_t i = 0; i < kShownParts.size(); ++i) {
    in.begin("part");
    if (in.number<unsigned>() != kShownParts[i]) in.refuse();
    in.hex(d.shown.salts[i]);
    d.shown.parts[i] = in.text();
  }
  in.begin("answers");
  in.hex(d.answers);
  while (in.at("decoy") && in.begin("decoy")) in.hex(d.decoys.emplace_back());
  in.begin("rows");
  d.rows = in.text();
  in.begin("stray");
  d.stray.citizen = in.take();
  d.stray.phone = in.take();
  if (d.stray.phone == "-") d.stray.phone.clear();
  d.stray.offset = in.number<std::uint64_t>();
  d.stray.length = in.number<std::uint64_t>();
  d.stray.cluster = in.number<std::uint32_t>();
  in.hex(d.salt);
  d.place = in.number<std::uint64_t>();
  while (in.at("path") && in.begin("path")) in.hex(d.path.emplace_back());
  return exactly(in, text, std::move(d), write_decoy, "a decoy");
}

std::string wrong_key(const DecoyFile& d, const disclosure::CoinKey& key) {
  if (key.decoy_seed(d.extract, d.number) != d.seed) return "the seed is not the account key's";
  if (!disclosure::seed_gives(d.seed, d.stray.citizen)) return "the seed does not give the number";
  return {};
}

std::string wrong_export(const DecoyFile& d, std::string_view entry, const Digest& commitment) {
  if (entry.size() != kEntryBytes) return "its EXPORT is no EXPORT";
  std::string actor;
  for (const int shift : {24, 16, 8, 0})
    actor += static_cast<char>(number(d.shown.actor.account) >> shift);
  actor += static_cast<char>(d.shown.actor.key_kind);
  actor += crypto::text_of(d.shown.actor.thumbprint);
  if (d.shown.actor.account != d.account ||
      crypto::Hmac(d.shown.r_actor).mac({crypto::bytes_of(kActor), crypto::bytes_of(actor)}) !=
          digest_at(entry, kActorAt))
    return "its EXPORT is another account's";
  std::string body;
  for (const Digest& hash : d.shown.part_hashes) body += crypto::text_of(hash);
  if (crypto::Hmac(d.shown.r_body).mac({crypto::bytes_of(kBody), crypto::bytes_of(body)}) !=
      digest_at(entry, kBodyAt))
    return "its EXPORT has another content";
  for (std::size_t i = 0; i < kShownParts.size(); ++i) {
    crypto::Sha256 hash;
    hash.update(std::uint8_t{0x12}).update(d.shown.salts[i]);
    hash.update(static_cast<std::uint8_t>(kShownParts[i])).update(d.shown.parts[i]);
    if (hash.finish() != d.shown.part_hashes[kShownParts[i] - 1])
      return "part " + std::to_string(kShownParts[i]) + " of its EXPORT was changed";
  }
  crypto::Sha256 seeded, both;
  for (const Digest& one : d.decoys) seeded.update(one);
  if (crypto::text_of(both.update(d.answers).update(seeded.finish()).finish()) != d.shown.parts[0])
    return "its EXPORT committed to other rows";
  if (std::ranges::find(d.decoys, crypto::sha256(d.rows)) == d.decoys.end())
    return "its rows are not among those of its EXPORT";
  const auto marks = disclosure::parse_marks(d.shown.parts[1]);
  if (!marks || marks->kind != disclosure::MarksRecord::Kind::coins || marks->epoch != d.epoch ||
      marks->commitment != commitment)
    return "its EXPORT was marked with another key";
  if (d.shown.parts[2] != crypto::text_of(d.extract)) return "its EXPORT is of another extract";
  return {};
}

std::string wrong_stray(const DecoyFile& d, const Extraction& sealed) {
  if (!sealed.strays) return "no strays were sealed";
  if (d.stray.phone.empty() != (sealed.strays->kind == StrayKind::numbers))
    return "it is compared by something else than was sealed";
  if (!ledger::verify_inclusion(d.place, sealed.strays->count, leaf_of(d.salt, d.stray), d.path,
                                sealed.strays->root))
    return "it is not among the strays that were sealed";
  const bool holds = std::ranges::any_of(sealed.held, [&](const Extraction::Held& h) {
    return AccountId{h.account} == d.account && h.epoch == d.epoch;
  });
  if (!holds) return "its account was not sealed as holding decoys";
  const RowNumbers shown = numbers_of(d.rows);
  const auto first = shown.phones.begin();
  const auto last =
      first + static_cast<std::ptrdiff_t>(std::min(shown.phones.size(), kStrayPhones));
  if (std::ranges::find(shown.citizens, d.stray.citizen) == shown.citizens.end() ||
      (!d.stray.phone.empty() && std::find(first, last, d.stray.phone) == last))
    return "its rows do not show it";
  return {};
}

}  // namespace amanat::trace
