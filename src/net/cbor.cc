#include "net/cbor.h"

#include <cstring>
#include <string>

#include "model/insist.h"
#include "net/utf8.h"

namespace amanat::net {
namespace {

enum Major : unsigned { kUnsigned, kNegative, kBytes, kText, kArray, kMap, kTag, kSimple };

constexpr unsigned kFalse = 20, kTrue = 21, kNull = 22;
constexpr std::size_t kCredentialIdMax = 1023;  // WebAuthn section 4
constexpr std::size_t kChainMax = 4;
constexpr std::size_t kExtensionsMax = 16;
constexpr std::size_t kAuthenticatorDataMin = 37;
constexpr std::uint8_t kUserPresent = 0x01, kUserVerified = 0x04, kBackupEligible = 0x08,
                       kBackedUp = 0x10, kAttested = 0x40, kExtended = 0x80, kReserved = 0x22;

std::uint8_t byte_at(std::string_view text, std::size_t i) {
  return static_cast<std::uint8_t>(text[i]);
}

struct Head {
  unsigned major = 0;
  std::uint64_t value = 0;
  std::size_t bytes = 0;
};

// read_head takes an item's first bytes if they are in their one form; null otherwise.
std::optional<Head> read_head(std::string_view text) {
  if (text.empty()) return std::nullopt;
  Head head;
  head.major = byte_at(text, 0) >> 5;
  const unsigned low = byte_at(text, 0) & 0x1f;
  if (low < 24) {
    head.value = low;
    head.bytes = 1;
    return head;
  }
  if (low > 27 || head.major == kSimple) return std::nullopt;
  const std::size_t follow = std::size_t{1} << (low - 24);
  if (text.size() < 1 + follow) return std::nullopt;
  for (std::size_t i = 1; i <= follow; ++i) head.value = head.value << 8 | byte_at(text, i);
  const std::uint64_t least = low == 24 ? 24 : std::uint64_t{1} << (8 * follow / 2);
  if (head.value < least) return std::nullopt;  // a shorter form exists
  head.bytes = 1 + follow;
  return head;
}

class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) {}

  // item moves past one item; false leaves the reason in complaint().
  bool item(unsigned depth) {
    const auto head = read_head(left());
    if (!head) return wrong("no item in its shortest form");
    at_ += head->bytes;
    switch (head->major) {
      case kUnsigned:
      case kNegative:
        return true;
      case kBytes:
      case kText:
        return string(*head);
      case kArray:
      case kMap:
        if (depth >= kCborDepthMax) return wrong("nested too deep");
        return head->major == kArray ? array(*head, depth) : map(*head, depth);
      case kSimple:
        if (head->value == kFalse || head->value == kTrue || head->value == kNull) return true;
        return wrong("neither true, false nor null");
      default:
        return wrong("a tag");
    }
  }
  std::size_t at() const { return at_; }
  const char* complaint() const { return complaint_; }

 private:
  std::string_view left() const { return text_.substr(at_); }
  bool wrong(const char* what) {
    complaint_ = what;
    return false;
  }
  bool string(const Head& head) {
    if (head.value > left().size()) return wrong("a length beyond the end");
    const std::string_view content = left().substr(0, head.value);
    if (head.major == kText && !is_utf8(content)) return wrong("text that is not UTF-8");
    at_ += content.size();
    return true;
  }
  bool array(const Head& head, unsigned depth) {
    if (head.value > left().size()) return wrong("a count beyond the end");
    for (std::uint64_t i = 0; i < head.value; ++i)
      if (!item(depth + 1)) return false;
    return true;
  }
  bool map(const Head& head, unsigned depth) {
    if (head.value > left().size() / 2) return wrong("a count beyond the end");
    std::string_view before;
    for (std::uint64_t i = 0; i < head.value; ++i) {
      const std::size_t from = at_;
      if (!left().empty() && (byte_at(text_, at_) >> 5) > kText)
        return wrong("a key that is neither a number nor a string");
      if (!item(depth + 1)) return false;
      const std::string_view key = text_.substr(from, at_ - from);
      if (i > 0 && !ascending(before, key)) return wrong("keys out of order or repeated");
      before = key;
      if (!item(depth + 1)) return false;
    }
    return true;
  }
  // CTAP2: by major type, then by length, then by bytes.
  static bool ascending(std::string_view a, std::string_view b) {
    const unsigned major_a = byte_at(a, 0) >> 5, major_b = byte_at(b, 0) >> 5;
    if (major_a != major_b) return major_a < major_b;
    if (a.size() != b.size()) return a.size() < b.size();
    return std::memcmp(a.data(), b.data(), a.size()) < 0;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  const char* complaint_ = "";
};

std::unexpected<Failure> wrong_form(std::string what) {
  return fail(Reason::malformed_cbor, std::move(what));
}
std::unexpected<Failure> wrong_data(std::string what) {
  return fail(Reason::authenticator_data_wrong, std::move(what));
}

Result<void> read_packed(std::string_view statement, AttestationObject& object) {
  CborCursor cursor(statement);
  const auto pairs = cursor.map();
  if (!pairs || *pairs < 2 || *pairs > 3) return wrong_form("attStmt is not packed");
  if (cursor.text() != "alg") return wrong_form("attStmt has no alg");
  const auto algorithm = cursor.integer();
  if (!algorithm) return wrong_form("alg is no number");
  object.algorithm = *algorithm;
  if (cursor.text() != "sig") return wrong_form("attStmt has no sig");
  const auto signature = cursor.bytes();
  if (!signature) return wrong_form("sig is no byte string");
  object.signature = *signature;
  if (*pairs == 2) return {};
  if (cursor.text() != "x5c") return wrong_form("attStmt has a member that is not known");
  const auto count = cursor.array();
  if (!count || *count == 0 || *count > kChainMax) return wrong_form("x5c is no chain of 1 to 4");
  for (std::size_t i = 0; i < *count; ++i) {
    const auto certificate = cursor.bytes();
    if (!certificate) return wrong_form("x5c holds something else than certificates");
    object.chain.push_back(*certificate);
  }
  return {};
}

Result<std::size_t> read_credential(std::string_view bytes, AuthenticatorData& data) {
  constexpr std::size_t kFixed = 16 + 2;
  if (bytes.size() < kFixed) return wrong_data("it ends within the credential");
  auto& credential = data.credential.emplace();
  std::memcpy(credential.aaguid.data(), bytes.data(), credential.aaguid.size());
  const std::size_t size = std::size_t{byte_at(bytes, 16)} << 8 | byte_at(bytes, 17);
  if (size == 0 || size > kCredentialIdMax) return wrong_data("a credential id of 1 to 1023 bytes");
  if (bytes.size() - kFixed < size) return wrong_data("it ends within the credential id");
  credential.id = bytes.substr(kFixed, size);
  auto key_size = measure_cbor(bytes.substr(kFixed + size));
  if (!key_size) return std::unexpected(key_size.error());
  credential.key = bytes.substr(kFixed + size, *key_size);
  return kFixed + size + *key_size;
}

Result<void> read_extensions(std::string_view bytes, AuthenticatorData& data) {
  if (auto checked = check_cbor(bytes); !checked) return checked;
  CborCursor cursor(bytes);
  const auto pairs = cursor.map();
  if (!pairs || *pairs > kExtensionsMax) return wrong_data("the extensions are no small map");
  for (std::size_t i = 0; i < *pairs; ++i) {
    const auto name = cursor.text();
    if (!name) return wrong_data("an extension without a name");
    data.extensions.push_back({*name, cursor.item()});
  }
  return {};
}

}  // namespace

Result<std::size_t> measure_cbor(std::string_view bytes) {
  if (bytes.size() > kCborBytesMax) return wrong_form("more than 16 KiB");
  Checker checker(bytes);
  if (!checker.item(0))
    return wrong_form(std::string(checker.complaint()) + " at byte " +
                      std::to_string(checker.at()));
  return checker.at();
}

Result<void> check_cbor(std::string_view bytes) {
  auto size = measure_cbor(bytes);
  if (!size) return std::unexpected(size.error());
  if (*size != bytes.size()) return wrong_form("bytes after the end");
  return {};
}

std::optional<std::uint64_t> CborCursor::head(unsigned major) {
  const auto head = read_head(rest_);
  if (!head || head->major != major) return std::nullopt;
  rest_.remove_prefix(head->bytes);
  return head->value;
}

std::optional<std::string_view> CborCursor::string(unsigned major) {
  const auto size = head(major);
  if (!size) return std::nullopt;
  insist(*size <= rest_.size());
  const std::string_view content = rest_.substr(0, *size);
  rest_.remove_prefix(content.size());
  return content;
}

std::optional<std::int64_t> CborCursor::integer() {
  constexpr std::uint64_t kMost = 0x7fffffffffffffff;
  const auto first = read_head(rest_);
  if (!first || first->major > kNegative || first->value > kMost) return std::nullopt;
  rest_.remove_prefix(first->bytes);
  const auto value = static_cast<std::int64_t>(first->value);
  return first->major == kUnsigned ? value : -1 - value;
}

std::optional<std::string_view> CborCursor::bytes() { return string(kBytes); }
std::optional<std::string_view> CborCursor::text() { return string(kText); }

std::optional<bool> CborCursor::boolean() {
  const auto first = read_head(rest_);
  if (!first || first->major != kSimple || (first->value != kFalse && first->value != kTrue))
    return std::nullopt;
  rest_.remove_prefix(1);
  return first->value == kTrue;
}

std::optional<std::size_t> CborCursor::array() { return head(kArray); }
std::optional<std::size_t> CborCursor::map() { return head(kMap); }

std::string_view CborCursor::item() {
  Checker checker(rest_);
  const bool whole = checker.item(0);
  insist(whole);
  const std::string_view taken = rest_.substr(0, checker.at());
  rest_.remove_prefix(taken.size());
  return taken;
}

Result<Es256Point> parse_cose_key(std::string_view bytes) {
  if (auto checked = check_cbor(bytes); !checked) return std::unexpected(checked.error());
  // RFC 9052 section 7, RFC 9053 section 7.1: 1 kty = 2 (EC2), 3 alg = -7 (ES256), -1 crv = 1
  // (P-256), -2 x, -3 y, in this order and nothing else.
  CborCursor cursor(bytes);
  const auto not_es256 = [] { return fail(Reason::key_algorithm_wrong); };
  if (cursor.map() != 5) return not_es256();
  constexpr std::pair<int, int> kParameters[] = {{1, 2}, {3, -7}, {-1, 1}};
  for (const auto& [label, value] : kParameters)
    if (cursor.integer() != label || cursor.integer() != value) return not_es256();
  Es256Point point;
  for (int i = 0; i < 2; ++i) {
    if (cursor.integer() != -2 - i) return not_es256();
    const auto coordinate = cursor.bytes();
    if (!coordinate || coordinate->size() != 32) return not_es256();
    std::memcpy(point.data() + 32 * i, coordinate->data(), 32);
  }
  return point;
}

Result<AuthenticatorData> parse_authenticator_data(std::string_view bytes) {
  if (bytes.size() > kCborBytesMax) return wrong_data("more than 16 KiB");
  if (bytes.size() < kAuthenticatorDataMin) return wrong_data("fewer than 37 bytes");
  AuthenticatorData data;
  std::memcpy(data.rp_id_hash.data(), bytes.data(), data.rp_id_hash.size());
  const std::uint8_t flags = byte_at(bytes, 32);
  if ((flags & kReserved) != 0) return wrong_data("a reserved flag is set");
  data.user_present = (flags & kUserPresent) != 0;
  data.user_verified = (flags & kUserVerified) != 0;
  data.backup_eligible = (flags & kBackupEligible) != 0;
  data.backed_up = (flags & kBackedUp) != 0;
  for (std::size_t i = 33; i < kAuthenticatorDataMin; ++i)
    data.counter = data.counter << 8 | byte_at(bytes, i);
  std::string_view rest = bytes.substr(kAuthenticatorDataMin);
  if ((flags & kAttested) != 0) {
    auto taken = read_credential(rest, data);
    if (!taken) return std::unexpected(taken.error());
    rest.remove_prefix(*taken);
  }
  if ((flags & kExtended) != 0) {
    if (auto read = read_extensions(rest, data); !read) return std::unexpected(read.error());
    rest = {};
  }
  if (!rest.empty()) return wrong_data("bytes that no flag announces");
  return data;
}

Result<AttestationObject> parse_attestation_object(std::string_view bytes) {
  if (auto checked = check_cbor(bytes); !checked) return std::unexpected(checked.error());
  AttestationObject object;
  CborCursor cursor(bytes);
  if (cursor.map() != 3) return wrong_form("an attestation object has three members");
  if (cursor.text() != "fmt") return wrong_form("no fmt");
  const auto format = cursor.text();
  if (!format) return wrong_form("fmt is no text");
  object.format = *format;
  if (cursor.text() != "attStmt") return wrong_form("no attStmt");
  const std::string_view statement = cursor.item();
  if (object.format == "packed") {
    if (auto read = read_packed(statement, object); !read) return std::unexpected(read.error());
  } else if (object.format == "none") {
    if (CborCursor(statement).map() != 0) return wrong_form("the attStmt of none is not empty");
  }
  if (cursor.text() != "authData") return wrong_form("no authData");
  const auto data = cursor.bytes();
  if (!data) return wrong_form("authData is no byte string");
  object.authenticator_data = *data;
  return object;
}

}  // namespace amanat::net
