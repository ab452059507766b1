#include "cli/authenticator.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "model/insist.h"

namespace amanat::cli {
namespace {

constexpr std::size_t kFileMax = 1 << 20, kCredentialBytes = 32;
constexpr std::uint8_t kPresent = 0x01, kVerified = 0x04, kEligible = 0x08, kBackedUp = 0x10,
                       kAttested = 0x40;

std::string b64(std::string_view bytes) { return crypto::base64url(crypto::bytes_of(bytes)); }
std::string_view text_of(const Digest& digest) { return crypto::text_of(digest); }

// CBOR in its one form (CTAP2 canonical), as far as WebAuthn needs it.
void put_head(std::string& out, unsigned major, std::uint64_t value) {
  const auto first = static_cast<char>(major << 5);
  if (value < 24) {
    out.push_back(static_cast<char>(first | static_cast<char>(value)));
  } else if (value < 0x100) {
    out.push_back(static_cast<char>(first | 24));
    out.push_back(static_cast<char>(value));
  } else {
    insist(value < 0x10000);
    out.push_back(static_cast<char>(first | 25));
    out.push_back(static_cast<char>(value >> 8));
    out.push_back(static_cast<char>(value & 0xff));
  }
}
void put_integer(std::string& out, int value) {
  put_head(out, value < 0 ? 1 : 0, static_cast<std::uint64_t>(value < 0 ? -1 - value : value));
}
void put_bytes(std::string& out, std::string_view bytes) {
  put_head(out, 2, bytes.size());
  out += bytes;
}
void put_text(std::string& out, std::string_view text) {
  put_head(out, 3, text.size());
  out += text;
}

std::string cose_key(const crypto::EcPoint& point) {
  const std::string_view xy(reinterpret_cast<const char*>(point.data()), point.size());
  std::string out;
  put_head(out, 5, 5);
  constexpr std::pair<int, int> kParameters[] = {{1, 2}, {3, -7}, {-1, 1}};
  for (const auto& [label, value] : kParameters) {
    put_integer(out, label);
    put_integer(out, value);
  }
  put_integer(out, -2);
  put_bytes(out, xy.substr(0, 32));
  put_integer(out, -3);
  put_bytes(out, xy.substr(32));
  return out;
}

std::string start_of_data(std::string_view rp_id, std::uint8_t flags, std::uint32_t counter) {
  std::string out(text_of(crypto::sha256(rp_id)));
  out.push_back(static_cast<char>(flags));
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>((counter >> shift) & 0xff));
  return out;
}

// As browsers write it (WebAuthn 5.8.1.1).
std::string client_data_of(std::string_view type, std::string_view challenge,
                           std::string_view origin) {
  net::JsonWriter json;
  json.begin_object();
  json.key("type").string(type).key("challenge").string(challenge).key("origin").string(origin);
  json.key("crossOrigin").boolean(false);
  json.end_object();
  return json.take();
}

void apply(const std::function<void(std::string&)>& bend, std::string& what) {
  if (bend) bend(what);
}

// find_text follows member names down to a string.
const std::string* find_text(const net::Json& from, std::initializer_list<std::string_view> path) {
  const net::Json* at = &from;
  for (const std::string_view name : path)
    if (at != nullptr) at = at->find(name);
  return at != nullptr ? at->string() : nullptr;
}

std::unexpected<Failure> wrong_options() {
  return fail(Reason::malformed_json, "the options of a ceremony");
}

std::string signature_of(const Key256& secret, std::string_view data,
                         std::string_view client_data) {
  std::string message(data);
  message += text_of(crypto::sha256(client_data));
  return crypto::der_signature(
      crypto::Es256Key::from_secret(secret).sign(crypto::bytes_of(message)));
}

std::string key_hex(const Key256& key) {
  return crypto::hex({key.bytes().data(), key.bytes().size()});
}

bool read_key(const net::Json& from, std::string_view name, Key256& key) {
  const std::string* hex = find_text(from, {name});
  auto bytes = hex != nullptr ? crypto::from_hex(*hex) : std::nullopt;
  if (!bytes || bytes->size() != 32) return false;
  key = Key256(crypto::bytes_of(*bytes).first<32>());
  wipe(bytes->data(), bytes->size());
  return true;
}

bool read_bytes(const net::Json& from, std::string_view name, std::string& into) {
  const std::string* text = find_text(from, {name});
  auto bytes = text != nullptr ? crypto::from_base64url(*text) : std::nullopt;
  if (bytes) into = *std::move(bytes);
  return bytes.has_value();
}

}  // namespace

Result<Maker> make_maker(std::string_view name) {
  auto authority = crypto::make_authority(name, 10);
  if (!authority) return std::unexpected(authority.error());
  Maker maker;
  maker.authority = *std::move(authority);
  crypto::random_bytes(maker.aaguid);
  return maker;
}

std::string allow_list(const Maker& maker, std::string_view says) {
  const std::string hex = crypto::hex(maker.aaguid);
  std::string out =
      "# The makes of authenticator that officers may register (docs/callers.md).\n\n";
  out += "[[authenticator]]\naaguid = \"";
  constexpr std::size_t kEnds[] = {8, 12, 16, 20, 32};
  std::size_t at = 0;
  for (const std::size_t end : kEnds) {
    if (at > 0) out += '-';
    out += hex.substr(at, end - at);
    at = end;
  }
  out += "\"\nsays = \"" + std::string(says) + "\"\nroot = \"\"\"\n";
  out += maker.authority.certificate_pem + "\"\"\"\n";
  return out;
}

Result<Authenticator> Authenticator::make(const Maker& maker) {
  Authenticator made;
  made.aaguid_ = maker.aaguid;
  made.attestation_secret_ = crypto::random_key();
  const auto key = crypto::Es256Key::from_secret(made.attestation_secret_);
  auto certificate = crypto::issue_attestation(maker.authority, maker.aaguid, key.point(), 3650);
  if (!certificate) return std::unexpected(certificate.error());
  made.attestation_certificate_ = *std::move(certificate);
  return made;
}

Result<Authenticator> Authenticator::parse(std::string_view text) {
  const net::JsonLimits limits{.bytes_max = kFileMax, .depth_max = 4, .values_max = 1 << 16};
  auto json = net::parse_json(text, limits);
  if (!json) return std::unexpected(json.error());
  const auto wrong = [] { return fail(Reason::malformed_json, "no file of an authenticator"); };
  Authenticator read;
  std::string aaguid;
  const net::Json* list = json->find("credentials");
  if (!read_bytes(*json, "aaguid", aaguid) || aaguid.size() != read.aaguid_.size() ||
      !read_key(*json, "attestation_secret", read.attestation_secret_) ||
      !read_bytes(*json, "attestation_certificate", read.attestation_certificate_) ||
      list == nullptr || list->array() == nullptr)
    return wrong();
  std::copy(aaguid.begin(), aaguid.end(), read.aaguid_.begin());
  for (const net::Json& one : *list->array()) {
    Credential c;
    const std::string* rp_id = find_text(one, {"rp_id"});
    const net::Json* counter = one.find("counter");
    const net::Json* copied = one.find("synced");
    if (rp_id == nullptr || !read_bytes(one, "id", c.id) ||
        !read_bytes(one, "user_handle", c.user_handle) || !read_key(one, "secret", c.secret) ||
        counter == nullptr || !counter->integer() || copied == nullptr || !copied->boolean())
      return wrong();
    c.rp_id = *rp_id;
    c.counter = static_cast<std::uint32_t>(*counter->integer());
    c.synced = *copied->boolean();
    read.credentials_.push_back(std::move(c));
  }
  return read;
}

WipingBuffer Authenticator::text() const {
  net::JsonWriter json;
  json.begin_object();
  json.key("aaguid").string(crypto::base64url(aaguid_));
  json.key("attestation_secret").string(key_hex(attestation_secret_));
  json.key("attestation_certificate").string(b64(attestation_certificate_));
  json.key("credentials").begin_array();
  for (const Credential& c : credentials_) {
    json.begin_object();
    json.key("id").string(b64(c.id)).key("rp_id").string(c.rp_id);
    json.key("user_handle").string(b64(c.user_handle)).key("secret").string(key_hex(c.secret));
    json.key("counter").number(c.counter).key("synced").boolean(c.synced);
    json.end_object();
  }
  json.end_array().end_object();
  std::string written = json.take();
  WipingBuffer out;
  out.append(written);
  wipe(written.data(), written.size());
  return out;
}

Result<std::string> Authenticator::create(const net::Json& options, std::string_view origin,
                                          const Dishonesty& dishonesty) {
  const std::string* challenge = find_text(options, {"challenge"});
  const std::string* rp_id = find_text(options, {"rp", "id"});
  const std::string* user = find_text(options, {"user", "id"});
  if (challenge == nullptr || rp_id == nullptr || user == nullptr) return wrong_options();
  const auto handle = crypto::from_base64url(*user);
  if (!handle) return wrong_options();
  Credential c;
  c.id.resize(kCredentialBytes);
  crypto::random_bytes({reinterpret_cast<std::uint8_t*>(c.id.data()), c.id.size()});
  c.rp_id = *rp_id;
  c.user_handle = *handle;
  c.secret = crypto::random_key();
  c.synced = synced;

  std::string client_data = client_data_of("webauthn.create", *challenge, origin);
  apply(dishonesty.client_data, client_data);
  const auto flags = static_cast<std::uint8_t>(kPresent | kVerified | kAttested |
                                               (synced ? kEligible | kBackedUp : 0));
  std::string data = start_of_data(*rp_id, flags, 0);
  data.append(reinterpret_cast<const char*>(aaguid_.data()), aaguid_.size());
  data.push_back(0);
  data.push_back(static_cast<char>(c.id.size()));
  data += c.id;
  data += cose_key(crypto::Es256Key::from_secret(c.secret).point());
  apply(dishonesty.authenticator_data, data);

  const bool self = dishonesty.format == "self";
  std::string signature = signature_of(self ? c.secret : attestation_secret_, data, client_data);
  apply(dishonesty.signature, signature);
  apply(dishonesty.sent_data, data);
  std::string object;
  put_head(object, 5, 3);
  put_text(object, "fmt");
  put_text(object, self ? "packed" : dishonesty.format);
  put_text(object, "attStmt");
  if (dishonesty.format == "none") {
    put_head(object, 5, 0);
  } else {
    put_head(object, 5, self ? 2 : 3);
    put_text(object, "alg");
    put_integer(object, -7);
    put_text(object, "sig");
    put_bytes(object, signature);
    if (!self) {
      put_text(object, "x5c");
      put_head(object, 4, 1);
      put_bytes(object, attestation_certificate_);
    }
  }
  put_text(object, "authData");
  put_bytes(object, data);
  apply(dishonesty.object, object);

  net::JsonWriter json;
  json.begin_object();
  json.key("id").string(b64(c.id)).key("rawId").string(b64(c.id));
  json.key("type").string("public-key");
  json.key("clientExtensionResults").begin_object().end_object();
  json.key("response").begin_object();
  json.key("clientDataJSON").string(b64(client_data));
  json.key("attestationObject").string(b64(object));
  json.end_object().end_object();
  credentials_.push_back(std::move(c));
  return json.take();
}

Result<std::string> Authenticator::get(const net::Json& options, std::string_view origin,
                                       const Dishonesty& dishonesty) {
  const std::string* challenge = find_text(options, {"challenge"});
  const std::string* rp_id = find_text(options, {"rpId"});
  const std::string* verification = find_text(options, {"userVerification"});
  const net::Json* allowed = options.find("allowCredentials");
  if (challenge == nullptr || rp_id == nullptr || verification == nullptr || allowed == nullptr ||
      allowed->array() == nullptr)
    return wrong_options();
  const auto chosen =
      std::find_if(credentials_.begin(), credentials_.end(), [&](const Credential& c) {
        return c.rp_id == *rp_id && (allowed->array()->empty() ||
                                     std::any_of(allowed->array()->begin(), allowed->array()->end(),
                                                 [&c](const net::Json& one) {
                                                   const std::string* id = find_text(one, {"id"});
                                                   return id != nullptr && *id == b64(c.id);
                                                 }));
      });
  if (chosen == credentials_.end()) return fail(Reason::passkey_unknown);
  std::string client_data = client_data_of("webauthn.get", *challenge, origin);
  apply(dishonesty.client_data, client_data);
  const auto flags =
      static_cast<std::uint8_t>(kPresent | (*verification == "required" ? kVerified : 0) |
                                (chosen->synced ? kEligible | kBackedUp : 0));
  std::string data = start_of_data(*rp_id, flags, ++chosen->counter);
  apply(dishonesty.authenticator_data, data);
  std::string signature = signature_of(chosen->secret, data, client_data);
  apply(dishonesty.signature, signature);
  apply(dishonesty.sent_data, data);
  std::string handle = chosen->user_handle;
  apply(dishonesty.user_handle, handle);

  net::JsonWriter json;
  json.begin_object();
  json.key("id").string(b64(chosen->id)).key("rawId").string(b64(chosen->id));
  json.key("type").string("public-key");
  json.key("clientExtensionResults").begin_object().end_object();
  json.key("response").begin_object();
  json.key("clientDataJSON").string(b64(client_data));
  json.key("authenticatorData").string(b64(data));
  json.key("signature").string(b64(signature));
  json.key("userHandle").string(b64(handle));
  json.end_object().end_object();
  return json.take();
}

}  // namespace amanat::cli
