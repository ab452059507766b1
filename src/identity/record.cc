#include "identity/record.h"

#include <cstring>

#include "model/insist.h"

namespace amanat::identity {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kRolesMax = 32;
constexpr std::uint8_t kOfficer = 0, kService = 1, kCitizen = 2;

void put(std::string& out, std::uint64_t value, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0;) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

void put(std::string& out, std::string_view text) {
  insist(text.size() <= 0xffff);
  put(out, text.size(), 2);
  out += text;
}

void put(std::string& out, const std::optional<Moment>& moment) {
  put(out, moment ? 1 : 0, 1);
  put(out, moment ? number(*moment) : 0, 8);
}

// Takes values off the front of a record; after the first that is not there, everything is empty.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t number(unsigned bytes) {
    const std::string_view taken = take(bytes);
    std::uint64_t value = 0;
    for (const char c : taken) value = value << 8 | static_cast<std::uint8_t>(c);
    return value;
  }
  std::string text() {
    const auto size = static_cast<std::size_t>(number(2));
    return std::string(take(size));
  }
  bool flag() {
    const auto value = number(1);
    if (value > 1) broken_ = true;
    return value == 1;
  }
  std::optional<Moment> moment() {
    const bool there = flag();
    const std::uint64_t at = number(8);
    if (there) return Moment{at};
    if (at != 0) broken_ = true;  // one form for what is not there
    return std::nullopt;
  }
  template <std::size_t N>
  std::array<std::uint8_t, N> bytes() {
    std::array<std::uint8_t, N> out{};
    const std::string_view taken = take(N);
    if (taken.size() == N) std::memcpy(out.data(), taken.data(), N);
    return out;
  }
  bool whole() const { return !broken_ && rest_.empty(); }
  bool broken() const { return broken_; }

 private:
  std::string_view take(std::size_t n) {
    if (broken_ || rest_.size() < n) {
      broken_ = true;
      return {};
    }
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }
  std::string_view rest_;
  bool broken_ = false;
};

}  // namespace

std::string account_key(AccountId account) {
  std::string key = "a";
  put(key, number(account), 4);
  return key;
}

std::string device_key(const Digest& thumbprint) {
  std::string key = "d";
  key.append(reinterpret_cast<const char*>(thumbprint.data()), thumbprint.size());
  return key;
}

std::string counter_key(const Digest& thumbprint) {
  std::string key = device_key(thumbprint);
  key[0] = 'c';
  return key;
}

std::string ticket_key(const Digest& code) {
  std::string key = device_key(code);
  key[0] = 't';
  return key;
}

std::string encode(const AccountRecord& r) {
  insist(r.roles.size() <= kRolesMax);
  std::string out;
  put(out, kVersion, 1);
  put(out, number(r.account), 4);
  insist(!(r.service && r.citizen));
  put(out, r.citizen ? kCitizen : r.service ? kService : kOfficer, 1);
  for (const std::string* text : {&r.id, &r.department, &r.unit, &r.station, &r.shift})
    put(out, *text);
  put(out, r.roles.size(), 1);
  for (const auto& role : r.roles) put(out, role);
  put(out, number(r.joined), 8);
  put(out, r.left);
  put(out, static_cast<std::uint8_t>(r.name_at), 1);
  put(out, r.slot, 8);
  put(out, r.sealed_name);
  put(out, r.own ? 1 : 0, 1);
  const Tag own = r.own.value_or(Tag{});
  out.append(reinterpret_cast<const char*>(own.data()), own.size());
  return out;
}

std::optional<AccountRecord> decode_account(std::string_view bytes) {
  Taker take(bytes);
  if (take.number(1) != kVersion) return std::nullopt;
  AccountRecord r;
  r.account = AccountId{static_cast<std::uint32_t>(take.number(4))};
  const auto kind = take.number(1);
  if (kind > kCitizen) return std::nullopt;
  r.service = kind == kService;
  r.citizen = kind == kCitizen;
  for (std::string* text : {&r.id, &r.department, &r.unit, &r.station, &r.shift})
    *text = take.text();
  const auto roles = take.number(1);
  if (roles > kRolesMax) return std::nullopt;
  for (std::uint64_t i = 0; i < roles && !take.broken(); ++i) r.roles.push_back(take.text());
  r.joined = Moment{take.number(8)};
  r.left = take.moment();
  const auto name_at = take.number(1);
  if (name_at > static_cast<std::uint8_t>(NameAt::forgotten)) return std::nullopt;
  r.name_at = static_cast<NameAt>(name_at);
  r.slot = take.number(8);
  r.sealed_name = take.text();
  const bool has_own = take.flag();
  const Tag own = take.bytes<16>();
  if (has_own) r.own = own;
  if (!has_own && own != Tag{}) return std::nullopt;
  if (!take.whole()) return std::nullopt;
  return r;
}

std::string encode(const DeviceRecord& r) {
  std::string out;
  put(out, kVersion, 1);
  out.append(reinterpret_cast<const char*>(r.thumbprint.data()), r.thumbprint.size());
  put(out, number(r.account), 4);
  put(out, number(r.enrolled), 8);
  put(out, number(r.not_after), 8);
  put(out, r.revoked);
  put(out, static_cast<std::uint8_t>(r.kind), 1);
  put(out, r.key);
  put(out, r.credential);
  out.append(reinterpret_cast<const char*>(r.aaguid.data()), r.aaguid.size());
  put(out, r.counter, 4);
  put(out, r.backup_eligible ? 1 : 0, 1);
  return out;
}

std::optional<DeviceRecord> decode_device(std::string_view bytes) {
  Taker take(bytes);
  if (take.number(1) != kVersion) return std::nullopt;
  DeviceRecord r;
  r.thumbprint = take.bytes<32>();
  r.account = AccountId{static_cast<std::uint32_t>(take.number(4))};
  r.enrolled = Moment{take.number(8)};
  r.not_after = Moment{take.number(8)};
  r.revoked = take.moment();
  const auto kind = take.number(1);
  if (kind < 1 || kind > static_cast<std::uint8_t>(KeyKind::passkey)) return std::nullopt;
  r.kind = static_cast<KeyKind>(kind);
  r.key = take.text();
  r.credential = take.text();
  r.aaguid = take.bytes<16>();
  r.counter = static_cast<std::uint32_t>(take.number(4));
  r.backup_eligible = take.flag();
  if (!take.whole()) return std::nullopt;
  return r;
}

std::string encode(const TicketRecord& r) {
  std::string out;
  put(out, kVersion, 1);
  out.append(reinterpret_cast<const char*>(r.code.data()), r.code.size());
  put(out, number(r.account), 4);
  put(out, number(r.expires), 8);
  put(out, r.left, 1);
  return out;
}

std::optional<TicketRecord> decode_ticket(std::string_view bytes) {
  Taker take(bytes);
  if (take.number(1) != kVersion) return std::nullopt;
  TicketRecord r;
  r.code = take.bytes<32>();
  r.account = AccountId{static_cast<std::uint32_t>(take.number(4))};
  r.expires = Moment{take.number(8)};
  r.left = static_cast<std::uint8_t>(take.number(1));
  if (!take.whole()) return std::nullopt;
  return r;
}

std::string encode_counter(std::uint32_t counter) {
  std::string out;
  put(out, counter, 4);
  return out;
}

std::optional<std::uint32_t> decode_counter(std::string_view bytes) {
  Taker take(bytes);
  const auto counter = static_cast<std::uint32_t>(take.number(4));
  if (!take.whole()) return std::nullopt;
  return counter;
}

}  // namespace amanat::identity
