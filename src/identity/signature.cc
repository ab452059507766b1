#include "identity/signature.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <vector>

#include "crypto/crypto.h"
#include "model/insist.h"

namespace amanat::identity {
namespace {

constexpr std::size_t kInputBytesMax = 2048;
constexpr std::size_t kStringBytesMax = 256;
constexpr std::size_t kComponentsMax = 8;
constexpr std::uint64_t kAwayMsMax = 60'000;
constexpr std::uint8_t kEvidenceKind = 3;

std::unexpected<Failure> malformed(std::string what) {
  return fail(Reason::signature_malformed, std::move(what));
}

// Takes structured fields (RFC 8941) off the front of a text, in the one serialisation that 4.1 of
// it prescribes: what is signed is this text, not its meaning.
class Fields {
 public:
  explicit Fields(std::string_view text) : rest_(text) {}
  std::string_view rest() const { return rest_; }
  bool take(std::string_view what) {
    if (!rest_.starts_with(what)) return false;
    rest_.remove_prefix(what.size());
    return true;
  }
  // key = ( lcalpha / "*" ) *( lcalpha / DIGIT / "_" / "-" / "." / "*" )
  std::string_view key() {
    std::size_t n = 0;
    while (n < rest_.size() && ((rest_[n] >= 'a' && rest_[n] <= 'z') || rest_[n] == '*' ||
                                (n > 0 && ((rest_[n] >= '0' && rest_[n] <= '9') ||
                                           rest_[n] == '_' || rest_[n] == '-' || rest_[n] == '.'))))
      ++n;
    return cut(n);
  }
  // A string without escapes: nothing we read needs one.
  std::optional<std::string_view> string() {
    if (!take("\"")) return std::nullopt;
    std::size_t n = 0;
    while (n < rest_.size() && rest_[n] != '"' && rest_[n] != '\\' && rest_[n] >= 0x20 &&
           rest_[n] < 0x7f)
      ++n;
    if (n == rest_.size() || rest_[n] != '"' || n > kStringBytesMax) return std::nullopt;
    const std::string_view text = cut(n);
    rest_.remove_prefix(1);
    return text;
  }
  std::optional<std::uint64_t> number() {
    std::uint64_t n = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), n);
    const auto digits = static_cast<std::size_t>(end - rest_.data());
    if (error != std::errc{} || digits > 15 || (digits > 1 && rest_[0] == '0')) return std::nullopt;
    rest_.remove_prefix(digits);
    return n;
  }
  // A byte sequence, :base64:.
  std::optional<std::string> bytes() {
    if (!take(":")) return std::nullopt;
    const std::size_t end = rest_.find(':');
    if (end == rest_.npos) return std::nullopt;
    auto decoded = crypto::from_base64(cut(end));
    rest_.remove_prefix(1);
    return decoded;
  }

 private:
  std::string_view cut(std::size_t n) {
    const std::string_view part = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return part;
  }
  std::string_view rest_;
};

struct Input {
  std::string_view label, params;  // params: the inner list with its parameters, as signed
  std::vector<std::string_view> components;
  std::optional<std::uint64_t> created;
  std::optional<std::string_view> nonce, key_id, algorithm;
};

Result<void> read_parameters(Fields& fields, Input& input) {
  while (fields.take(";")) {
    const std::string_view name = fields.key();
    if (!fields.take("=")) return malformed("a parameter without a value");
    if (name == "created") {
      if (input.created) return malformed("a parameter is repeated");
      input.created = fields.number();
      if (!input.created) return malformed("created is not a number of seconds");
      continue;
    }
    auto* into = name == "nonce"   ? &input.nonce
                 : name == "keyid" ? &input.key_id
                 : name == "alg"   ? &input.algorithm
                                   : nullptr;
    if (into == nullptr) return malformed("a parameter beside created, nonce, keyid and alg");
    if (*into) return malformed("a parameter is repeated");
    *into = fields.string();
    if (!*into || (*into)->empty()) return malformed("a parameter is not a string");
  }
  if (!fields.rest().empty()) return malformed("something after the parameters");
  if (!input.created || !input.nonce || !input.key_id || !input.algorithm)
    return malformed("created, nonce, keyid or alg is missing");
  return {};
}

Result<Input> read_input(std::string_view text) {
  if (text.size() > kInputBytesMax) return malformed("Signature-Input is too long");
  Fields fields(text);
  Input input;
  input.label = fields.key();
  if (input.label.empty() || !fields.take("=")) return malformed("Signature-Input has no label");
  input.params = fields.rest();
  if (!fields.take("(")) return malformed("Signature-Input has no list of components");
  while (!fields.take(")")) {
    if (!input.components.empty() && !fields.take(" "))
      return malformed("components are not set apart by one blank");
    const auto component = fields.string();
    if (!component || input.components.size() == kComponentsMax)
      return malformed("a component is not a name, or there are too many");
    if (std::ranges::find(input.components, *component) != input.components.end())
      return malformed("a component is repeated");
    input.components.push_back(*component);
  }
  if (auto read = read_parameters(fields, input); !read) return std::unexpected(read.error());
  return input;
}

// The value of one component, or nothing for those that are not read here.
std::optional<std::string> value_of(std::string_view component, const Request& request,
                                    std::string_view url) {
  if (component == "@method") return request.method;
  if (component == "@target-uri")
    return std::string(url) + request.path + (request.query.empty() ? "" : "?" + request.query);
  for (const char* header : {"content-digest", "authorization", "content-type", "content-length"})
    if (component == header && !request.header(header).empty())
      return std::string(request.header(header));
  return std::nullopt;
}

Result<std::string> base_of(const Input& input, const Request& request, std::string_view url) {
  std::string base;
  for (const std::string_view component : input.components) {
    const auto value = value_of(component, request, url);
    if (!value) return malformed("a component is covered that is not there");
    base.append("\"").append(component).append("\": ").append(*value).append("\n");
  }
  for (const char* needed : {"@method", "@target-uri", "content-digest", "authorization"})
    if (std::ranges::find(input.components, needed) == input.components.end() &&
        (std::string_view(needed) != "authorization" || !request.header("authorization").empty()))
      return malformed(std::string(needed) + " is not covered");
  return base.append("\"@signature-params\": ").append(input.params);
}

// Content-Digest: sha-256=:...: and no other algorithm, which would only be one more spelling.
Result<void> check_digest(const Request& request) {
  Fields fields(request.header("content-digest"));
  if (!fields.take("sha-256=")) return malformed("Content-Digest is not sha-256 alone");
  const auto digest = fields.bytes();
  if (!digest || digest->size() != 32 || !fields.rest().empty())
    return malformed("Content-Digest is not sha-256 alone");
  if (*digest != crypto::text_of(crypto::sha256(request.body)))
    return fail(Reason::proof_other_body, "Content-Digest is the hash of another body");
  return {};
}

void put(std::string& out, std::string_view part) {
  insist(part.size() <= 0xffffffff);
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>((part.size() >> shift) & 0xff));
  out += part;
}

}  // namespace

bool is_signed(const Request& request) {
  return !request.header("signature-input").empty() || !request.header("signature").empty();
}

Result<MessageSignature> read_signature(const Request& request, std::string_view url) {
  const auto input = read_input(request.header("signature-input"));
  if (!input) return std::unexpected(input.error());
  if (*input->algorithm != "ecdsa-p256-sha256") return malformed("alg is not ecdsa-p256-sha256");
  Fields fields(request.header("signature"));
  if (fields.key() != input->label || !fields.take("="))
    return malformed("Signature has another label");
  const auto bytes = fields.bytes();
  if (!bytes || bytes->size() != 64 || !fields.rest().empty())
    return malformed("Signature is not one of 64 bytes");
  const std::uint64_t created = *input->created * 1000, at = number(request.received);
  if (created > at + kAwayMsMax || at > created + kAwayMsMax)
    return fail(Reason::proof_time_wrong, "created is more than 60 s away");
  if (auto digest = check_digest(request); !digest) return std::unexpected(digest.error());
  auto base = base_of(*input, request, url);
  if (!base) return std::unexpected(base.error());
  MessageSignature signature;
  signature.base = *std::move(base);
  std::memcpy(signature.bytes.data(), bytes->data(), signature.bytes.size());
  signature.key_id = *input->key_id;
  signature.nonce = *input->nonce;
  signature.created = Moment{created};
  return signature;
}

std::string signature_evidence(const MessageSignature& signature, std::string_view certificate_der,
                               std::string_view body) {
  std::string out;
  out.push_back(static_cast<char>(kEvidenceKind));
  put(out, signature.base);
  put(out, crypto::text_of(signature.bytes));
  put(out, certificate_der);
  put(out, body);
  return out;
}

}  // namespace amanat::identity
