// The coins themselves and the schedule of their keys (docs/marks.md): what a checker outside runs
// to see that the marks of a copy are those of the account.

#include <algorithm>
#include <chrono>
#include <cstring>

#include "disclosure/slots.h"
#include "model/insist.h"

namespace amanat::disclosure {
namespace {

constexpr std::string_view kCoin("amanat/marks/coin/v1\0", 21);
constexpr std::string_view kShare("amanat/marks/share/v1\0", 22);
constexpr std::string_view kInput("amanat/marks/key/v1\0", 20);
constexpr std::string_view kAccountKey("amanat/marks/K/v1\0", 18);
constexpr std::string_view kCommit("amanat/marks/commit/v1\0", 23);

void put(std::string& out, std::uint64_t value, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0;) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t n = 0;
  for (const char c : bytes) n = n << 8 | static_cast<unsigned char>(c);
  return n;
}

}  // namespace

std::uint64_t CoinKey::draw(std::span<const std::uint8_t> subject, std::uint16_t field,
                            const ValueId& value, std::uint8_t slot) const {
  insist(subject.size() <= 0xffff);
  const std::array<std::uint8_t, 2> size{static_cast<std::uint8_t>(subject.size() >> 8),
                                         static_cast<std::uint8_t>(subject.size() & 0xff)};
  const std::array<std::uint8_t, 2> place{static_cast<std::uint8_t>(field >> 8),
                                          static_cast<std::uint8_t>(field & 0xff)};
  const Digest mac =
      mac_.mac({crypto::bytes_of(kCoin), size, subject, place, value, crypto::Bytes(&slot, 1)});
  return big_endian(crypto::text_of(crypto::Bytes(mac).first(8)));
}

Digest CoinKey::decoy_seed(std::span<const std::uint8_t, 16> extract, std::uint32_t i) const {
  static constexpr std::string_view kDecoy("amanat/marks/decoy/v1\0", 22);
  const std::array<std::uint8_t, 4> which{
      static_cast<std::uint8_t>(i >> 24), static_cast<std::uint8_t>(i >> 16 & 0xff),
      static_cast<std::uint8_t>(i >> 8 & 0xff), static_cast<std::uint8_t>(i & 0xff)};
  return mac_.mac({crypto::bytes_of(kDecoy), extract, which});
}

std::uint32_t CoinKey::symbol(std::span<const std::uint8_t> subject, const Place& place) const {
  insist(place.slot != nullptr);
  return symbol_of(draw(subject, place.slot->field, place.value, place.slot->number),
                   place.weights);
}

std::uint32_t symbol_of(std::uint64_t draw, std::span<const std::uint32_t> weights) {
  std::uint64_t total = 0;
  for (const std::uint32_t w : weights) total += w;
  insist(total > 0 && total <= 1u << 16);
  const std::uint64_t at =
      static_cast<std::uint64_t>(static_cast<unsigned __int128>(draw) * total >> 64);
  std::uint64_t reached = 0;
  for (std::size_t s = 0; s < weights.size(); ++s)
    if ((reached += weights[s]) > at) return static_cast<std::uint32_t>(s);
  insist(false);  // the sum of all weights is above every `at`
  return 0;
}

std::uint16_t epoch_of(Moment moment, unsigned rekeyed) {
  insist(rekeyed < 16);
  const std::chrono::sys_days day(std::chrono::days(static_cast<int>(number(moment) / 86'400'000)));
  const int year = static_cast<int>(std::chrono::year_month_day(day).year());
  insist(year >= 2000 && year < 2000 + 4096);
  return static_cast<std::uint16_t>((year - 2000) * 16 + static_cast<int>(rekeyed));
}

std::string share_info(unsigned year) {
  std::string info(kShare);
  put(info, year, 2);
  return info;
}

std::string share_input(AccountId account, std::uint16_t epoch) {
  std::string input(kInput);
  put(input, number(account), 4);
  put(input, epoch, 2);
  return input;
}

Key256 account_key(std::span<const std::uint8_t, 64> exchange_share,
                   std::span<const std::uint8_t, 64> auditor_share, AccountId account,
                   std::uint16_t epoch) {
  // HKDF-SHA256 (RFC 5869) of a 128-byte secret with an empty salt, one block.
  const std::array<std::uint8_t, 32> no_salt{};
  const crypto::Hmac extract{crypto::Bytes(no_salt)};
  Digest prk = extract.mac({exchange_share, auditor_share});
  std::string info(kAccountKey);
  put(info, number(account), 4);
  put(info, epoch, 2);
  const std::uint8_t one = 1;
  Digest okm = crypto::Hmac(prk).mac({crypto::bytes_of(info), crypto::Bytes(&one, 1)});
  Key256 key(okm);
  wipe(prk.data(), prk.size());
  wipe(okm.data(), okm.size());
  return key;
}

Digest key_commitment(const Key256& k) {
  crypto::Sha256 hash;
  hash.update(kCommit).update(k.bytes());
  return hash.finish();
}

std::string encode_marks(const MarksRecord& record) {
  std::string out(1, static_cast<char>(record.kind));
  if (record.kind == MarksRecord::Kind::exempt) return out;
  put(out, record.catalogue, 2);
  put(out, record.epoch, 2);
  out += crypto::text_of(record.commitment);
  if (record.kind == MarksRecord::Kind::more) {
    put(out, number(record.parent), 8);
  } else {
    insist(std::is_sorted(record.optional.begin(), record.optional.end()));
    for (const std::uint16_t field : record.optional) put(out, field, 2);
  }
  return out;
}

Result<MarksRecord> parse_marks(std::string_view part) {
  constexpr std::size_t kHead = 37;
  MarksRecord record;
  if (part.empty()) return fail(Reason::ledger_corrupt, "marks: empty");
  const auto kind = static_cast<unsigned char>(part[0]);
  if (kind == 0 && part.size() == 1) return record;
  if (kind < 1 || kind > 2 || part.size() < kHead)
    return fail(Reason::ledger_corrupt, "marks: unknown kind or size");
  record.kind = static_cast<MarksRecord::Kind>(kind);
  record.catalogue = static_cast<std::uint16_t>(big_endian(part.substr(1, 2)));
  record.epoch = static_cast<std::uint16_t>(big_endian(part.substr(3, 2)));
  std::memcpy(record.commitment.data(), part.data() + 5, 32);
  const std::string_view rest = part.substr(kHead);
  if (record.kind == MarksRecord::Kind::more) {
    if (rest.size() != 8) return fail(Reason::ledger_corrupt, "marks: parent");
    record.parent = EntryIndex{big_endian(rest)};
    return record;
  }
  if (rest.size() % 2 != 0 || rest.size() > 2 * kFieldsMarkedMax)
    return fail(Reason::ledger_corrupt, "marks: optional fields");
  for (std::size_t i = 0; i < rest.size(); i += 2) {
    const auto field = static_cast<std::uint16_t>(big_endian(rest.substr(i, 2)));
    if (!record.optional.empty() && field <= record.optional.back())
      return fail(Reason::ledger_corrupt, "marks: optional fields are not ascending");
    record.optional.push_back(field);
  }
  return record;
}

}  // namespace amanat::disclosure
