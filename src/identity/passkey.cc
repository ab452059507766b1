#include "identity/passkey.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "crypto/passkey.h"
#include "identity/state.h"

namespace amanat::identity {
namespace {

constexpr std::size_t kValuesMax = 256;
constexpr unsigned kDepthMax = 6;
constexpr std::size_t kClientDataMax = 4 * 1024, kSignatureMax = 80, kHandleMax = 64;

std::unexpected<Failure> wrong_json(std::string what) {
  return fail(Reason::malformed_json, std::move(what));
}

// only refuses an object with any member but those named.
Result<void> only(const net::Json& value, std::string_view what,
                  std::initializer_list<std::string_view> members) {
  const net::Json::Object* object = value.object();
  if (object == nullptr) return wrong_json(std::string(what) + " is not an object");
  for (const auto& member : *object)
    if (std::find(members.begin(), members.end(), member.name) == members.end())
      return wrong_json(std::string(what) + " has a member that is not known");
  return {};
}

struct PublicKeyCredential {
  std::string id;
  const net::Json* response = nullptr;
};

// What both ceremonies answer with: id and rawId are one value, the rest is not looked at.
Result<PublicKeyCredential> read_credential(const net::Json& value) {
  if (auto known = only(
          value, "the credential",
          {"id", "rawId", "type", "response", "clientExtensionResults", "authenticatorAttachment"});
      !known)
    return std::unexpected(known.error());
  auto id = bytes_member(value, "id", kCredentialMax);
  if (!id) return std::unexpected(id.error());
  auto raw = bytes_member(value, "rawId", kCredentialMax);
  if (!raw) return std::unexpected(raw.error());
  if (*id != *raw || id->empty()) return wrong_json("id and rawId are not one credential");
  const net::Json* type = value.find("type");
  if (type == nullptr || type->string() == nullptr || *type->string() != "public-key")
    return wrong_json("type is not public-key");
  const net::Json* response = value.find("response");
  if (response == nullptr) return wrong_json("response is missing");
  return PublicKeyCredential{*std::move(id), response};
}

crypto::PasskeyExtensions extensions_of(const net::AuthenticatorData& data) {
  crypto::PasskeyExtensions known;
  for (const auto& extension : data.extensions) {
    net::CborCursor value(extension.value);
    // An assertion's hmac-secret is a byte string, a registration's a yes or no.
    if (extension.name == "hmac-secret")
      known.hmac_secret = value.bytes() || value.boolean() == true;
    else if (extension.name == "credBlob")
      known.credential_blob = value.bytes() || value.boolean() == true;
    else if (extension.name == "credProtect")
      known.protection = static_cast<std::uint8_t>(value.integer().value_or(0));
    else if (extension.name == "minPinLength")
      if (const auto length = value.integer(); length && *length >= 0)
        known.pin_length_min = static_cast<std::uint64_t>(*length);
  }
  return known;
}

// What both ceremonies ask of the authenticator data.
Result<void> judge_data(const net::AuthenticatorData& data, bool verification,
                        const PasskeyRules& rules) {
  if (data.rp_id_hash != crypto::sha256(rules.rp_id)) return fail(Reason::rp_wrong);
  if (!data.user_present) return fail(Reason::presence_missing);
  if (verification && !data.user_verified) return fail(Reason::verification_missing);
  if (data.backed_up && !data.backup_eligible) return fail(Reason::backup_state_wrong);
  return {};
}

const Authenticator* listed(const PasskeyRules& rules, const crypto::Aaguid& aaguid,
                            const std::vector<std::string>& roles) {
  for (const Authenticator& one : rules.authenticators) {
    if (one.aaguid != aaguid) continue;
    const bool for_these =
        one.roles.empty() || std::any_of(roles.begin(), roles.end(), [&one](const auto& role) {
          return std::find(one.roles.begin(), one.roles.end(), role) != one.roles.end();
        });
    if (for_these) return &one;
  }
  return nullptr;
}

Result<std::string> judge_make(const net::AttestationObject& object,
                               const crypto::SignedByPasskey& made, const crypto::Aaguid& aaguid,
                               const std::vector<std::string>& roles, const PasskeyRules& rules,
                               Moment at) {
  // U2F cannot verify a person, and self attestation names no maker.
  if (object.format != "packed" || object.chain.empty())
    return fail(Reason::attestation_format_wrong,
                object.format == "packed" ? "packed without a certificate" : "not packed");
  const Authenticator* const make = listed(rules, aaguid, roles);
  if (make == nullptr) return fail(Reason::authenticator_not_listed);
  if (auto trusted = crypto::verify_maker(object.chain, make->roots_pem, aaguid, at); !trusted)
    return std::unexpected(trusted.error());
  if (object.algorithm != -7) return fail(Reason::attestation_wrong, "not ES256");
  if (auto right = crypto::verify_attestation(made, object.chain.front()); !right)
    return std::unexpected(right.error());
  return make->says;
}

}  // namespace

Result<net::Json> read_body(const Request& request, std::size_t bytes_max,
                            std::initializer_list<std::string_view> members) {
  if (!is_json(request.header("content-type")) || !request.header("content-encoding").empty())
    return fail(Reason::wrong_media_type);
  const net::JsonLimits limits{
      .bytes_max = bytes_max, .depth_max = kDepthMax, .values_max = kValuesMax};
  auto document = net::parse_json(request.body, limits);
  if (!document) return document;
  if (auto known = only(*document, "the body", members); !known)
    return std::unexpected(known.error());
  return document;
}

Result<std::string> text_member(const net::Json& body, std::string_view name, std::size_t max) {
  const net::Json* value = body.find(name);
  const std::string* text = value != nullptr ? value->string() : nullptr;
  if (text == nullptr || text->size() > max)
    return wrong_json(std::string(name) + " is missing, no string or too long");
  return *text;
}

Result<std::string> bytes_member(const net::Json& body, std::string_view name, std::size_t max) {
  const net::Json* value = body.find(name);
  const std::string* text = value != nullptr ? value->string() : nullptr;
  if (text == nullptr || text->size() > max * 4 / 3 + 4)
    return wrong_json(std::string(name) + " is missing, no string or too long");
  auto bytes = crypto::from_base64url(*text);
  if (!bytes || bytes->size() > max) return wrong_json(std::string(name) + " is not base64url");
  return *std::move(bytes);
}

Result<Assertion> read_assertion(const net::Json& value) {
  auto credential = read_credential(value);
  if (!credential) return std::unexpected(credential.error());
  const net::Json& response = *credential->response;
  if (auto known = only(response, "response",
                        {"authenticatorData", "clientDataJSON", "signature", "userHandle"});
      !known)
    return std::unexpected(known.error());
  Assertion assertion;
  assertion.credential = std::move(credential->id);
  const std::tuple<std::string_view, std::size_t, std::string*> parts[] = {
      {"authenticatorData", net::kCborBytesMax, &assertion.authenticator_data},
      {"clientDataJSON", kClientDataMax, &assertion.client_data},
      {"signature", kSignatureMax, &assertion.signature}};
  for (const auto& [name, max, into] : parts) {
    auto bytes = bytes_member(response, name, max);
    if (!bytes) return std::unexpected(bytes.error());
    *into = *std::move(bytes);
  }
  const net::Json* handle = response.find("userHandle");
  if (handle != nullptr && !std::holds_alternative<std::nullptr_t>(handle->value)) {
    auto bytes = bytes_member(response, "userHandle", kHandleMax);
    if (!bytes) return std::unexpected(bytes.error());
    assertion.user_handle = *std::move(bytes);
  }
  return assertion;
}

Result<Attestation> read_attestation(const net::Json& value) {
  auto credential = read_credential(value);
  if (!credential) return std::unexpected(credential.error());
  const net::Json& response = *credential->response;
  // What a browser adds for pages that cannot read CBOR is not believed, and so not read.
  if (auto known = only(response, "response",
                        {"attestationObject", "clientDataJSON", "transports", "publicKey",
                         "publicKeyAlgorithm", "authenticatorData"});
      !known)
    return std::unexpected(known.error());
  Attestation attestation;
  attestation.credential = std::move(credential->id);
  auto object = bytes_member(response, "attestationObject", net::kCborBytesMax);
  if (!object) return std::unexpected(object.error());
  attestation.object = *std::move(object);
  auto client_data = bytes_member(response, "clientDataJSON", kClientDataMax);
  if (!client_data) return std::unexpected(client_data.error());
  attestation.client_data = *std::move(client_data);
  return attestation;
}

std::string user_handle_of(std::string_view account) {
  crypto::Sha256 hash;
  hash.update("amanat/user/v1").update(std::uint8_t{0}).update(account);
  const Digest digest = hash.finish();
  return std::string(reinterpret_cast<const char*>(digest.data()), 16);
}

Result<void> judge_client_data(std::string_view client_data, std::string_view type,
                               std::string_view challenge, const PasskeyRules& rules) {
  const auto wrong = [](std::string what) {
    return fail(Reason::client_data_wrong, std::move(what));
  };
  // The mark is stripped for reading only; what was signed is the hash of the bytes as they came.
  if (client_data.starts_with("\xef\xbb\xbf")) client_data.remove_prefix(3);
  const net::JsonLimits limits{.bytes_max = kClientDataMax, .depth_max = 4, .values_max = 64};
  const auto json = net::parse_json(client_data, limits);
  if (!json || json->object() == nullptr) return wrong("no JSON object");
  for (const std::string_view name : {"type", "challenge", "origin"}) {
    const net::Json* value = json->find(name);
    if (value == nullptr || value->string() == nullptr) return wrong(std::string(name));
  }
  if (*json->find("type")->string() != type) return fail(Reason::ceremony_type_wrong);
  const auto signed_challenge = crypto::from_base64url(*json->find("challenge")->string());
  if (!signed_challenge ||
      !crypto::equal(crypto::bytes_of(*signed_challenge), crypto::bytes_of(challenge)))
    return fail(Reason::challenge_wrong);
  const std::string& origin = *json->find("origin")->string();
  if (std::find(rules.origins.begin(), rules.origins.end(), origin) == rules.origins.end())
    return fail(Reason::origin_wrong);
  if (const net::Json* cross = json->find("crossOrigin"); cross != nullptr) {
    if (!cross->boolean()) return wrong("crossOrigin");
    if (*cross->boolean()) return fail(Reason::embedded_elsewhere);
  }
  if (json->find("topOrigin") != nullptr) return fail(Reason::embedded_elsewhere);
  return {};
}

Result<Judged> judge_assertion(const Assertion& assertion, const DeviceRecord& device,
                               std::string_view account, std::string_view challenge,
                               bool verification, const PasskeyRules& rules) {
  if (auto right = judge_client_data(assertion.client_data, "webauthn.get", challenge, rules);
      !right)
    return std::unexpected(right.error());
  const auto data = net::parse_authenticator_data(assertion.authenticator_data);
  if (!data) return std::unexpected(data.error());
  if (data->credential) return fail(Reason::authenticator_data_wrong, "a credential in an answer");
  if (auto right = judge_data(*data, verification, rules); !right)
    return std::unexpected(right.error());
  if (data->backup_eligible != device.backup_eligible) return fail(Reason::backup_state_wrong);
  if (assertion.user_handle && *assertion.user_handle != user_handle_of(account))
    return fail(Reason::user_handle_wrong);
  const auto key = net::parse_cose_key(device.key);
  insist(key.has_value());  // it was read at registration
  crypto::SignedByPasskey what;
  what.rp_id = rules.rp_id;
  what.authenticator_data = assertion.authenticator_data;
  what.client_data_hash = crypto::sha256(assertion.client_data);
  what.signature = assertion.signature;
  what.verification = verification;
  what.extensions = extensions_of(*data);
  if (auto right = crypto::verify_assertion(what, *key); !right)
    return std::unexpected(right.error());
  return Judged{data->user_verified, data->counter};
}

Result<NewPasskey> judge_registration(const Attestation& attestation, std::string_view challenge,
                                      const std::vector<std::string>& roles, bool citizen,
                                      const PasskeyRules& rules, Moment at) {
  if (auto right = judge_client_data(attestation.client_data, "webauthn.create", challenge, rules);
      !right)
    return std::unexpected(right.error());
  const auto object = net::parse_attestation_object(attestation.object);
  if (!object) return std::unexpected(object.error());
  const auto data = net::parse_authenticator_data(object->authenticator_data);
  if (!data) return std::unexpected(data.error());
  if (auto right = judge_data(*data, true, rules); !right) return std::unexpected(right.error());
  if (!data->credential) return fail(Reason::authenticator_data_wrong, "no credential");
  if (data->credential->id != attestation.credential)
    return fail(Reason::authenticator_data_wrong, "another credential than the one named");
  if (data->backup_eligible && !citizen) return fail(Reason::synced_passkey);
  const auto key = net::parse_cose_key(data->credential->key);
  if (!key) return std::unexpected(key.error());
  if (crypto::Es256Public::import(*key) == nullptr) return fail(Reason::key_algorithm_wrong);

  NewPasskey made;
  crypto::SignedByPasskey what;
  what.rp_id = rules.rp_id;
  what.authenticator_data = object->authenticator_data;
  what.client_data_hash = crypto::sha256(attestation.client_data);
  what.signature = object->signature;
  what.verification = true;
  what.extensions = extensions_of(*data);
  // A citizen's authenticator need not say whose make it is: it opens only the citizen's own list.
  if (!(citizen && object->format == "none")) {
    auto make = judge_make(*object, what, data->credential->aaguid,
                           citizen ? std::vector<std::string>{"citizen"} : roles, rules, at);
    if (!make) return std::unexpected(make.error());
    made.says = *std::move(make);
  }
  made.record.kind = KeyKind::passkey;
  made.record.key = data->credential->key;
  made.record.thumbprint = crypto::sha256(made.record.key);
  made.record.credential = attestation.credential;
  made.record.aaguid = data->credential->aaguid;
  made.record.counter = data->counter;
  made.record.backup_eligible = data->backup_eligible;
  made.evidence.push_back(7);
  append_prefixed(made.evidence, attestation.object);
  append_prefixed(made.evidence, attestation.client_data);
  return made;
}

void append_prefixed(std::string& out, std::string_view bytes) {
  insist(bytes.size() <= 0xffffffff);
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>((bytes.size() >> shift) & 0xff));
  out += bytes;
}

}  // namespace amanat::identity
