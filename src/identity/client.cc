#include "identity/client.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "identity/proof.h"
#include "identity/services.h"
#include "net/jose.h"

namespace amanat::identity {
namespace {

constexpr std::string_view kJwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
constexpr std::string_view kClaims[] = {"iss", "sub", "aud", "exp", "nbf", "iat", "jti"};
constexpr std::size_t kAssertionBytesMax = 4096;
constexpr std::size_t kKeysTriedMax = 4;
// What others sign may run 60 s ahead of us (identity page 1.6, fapi issue 603).
constexpr std::uint64_t kSkewMs = 60'000, kLifeMsMax = 60'000;

std::unexpected<Failure> malformed(std::string what) {
  return fail(Reason::client_assertion_malformed, std::move(what));
}

const std::string* text_at(const net::Json& object, std::string_view name) {
  const net::Json* value = object.find(name);
  return value != nullptr ? value->string() : nullptr;
}

Result<void> read_header(const net::Json& header, ClientAssertion& assertion) {
  for (const net::Json::Member& member : *header.object()) {
    const std::string* text = member.value.string();
    if (text == nullptr) return malformed("its header has a member that is no string");
    if (member.name == "alg") {
      if (*text != "ES256") return malformed("its alg is not ES256");
    } else if (member.name == "kid") {
      assertion.key_id = *text;
    } else if (member.name == "typ") {
      if (*text != "JWT" && *text != "client-authentication+jwt")
        return malformed("its typ is of another kind of token");
    } else {
      return malformed("its header has a member beside alg, kid and typ");
    }
  }
  if (header.find("alg") == nullptr) return malformed("its alg is missing");
  return {};
}

Result<std::optional<Moment>> moment_at(const net::Json& claims, std::string_view name) {
  const net::Json* value = claims.find(name);
  if (value == nullptr) return std::optional<Moment>{};
  const auto seconds = value->integer();
  if (!seconds || *seconds > (1ull << 40)) return malformed(std::string(name) + " is not a time");
  return std::optional<Moment>(Moment{*seconds * 1000});
}

Result<void> read_claims(const net::Json& claims, ClientAssertion& assertion) {
  for (const net::Json::Member& member : *claims.object())
    if (std::ranges::find(kClaims, member.name) == std::end(kClaims))
      return malformed("it has a claim that no client assertion has");
  const std::string *issuer = text_at(claims, "iss"), *subject = text_at(claims, "sub"),
                    *id = text_at(claims, "jti");
  if (issuer == nullptr || subject == nullptr || *issuer != *subject)
    return malformed("iss and sub are not the client, both");
  if (id == nullptr || id->empty()) return malformed("jti is missing");
  const net::Json* audience = claims.find("aud");
  if (audience == nullptr) return malformed("aud is missing");
  // One string: a list could name us beside an attacker's server, to which it was sent first.
  if (audience->string() == nullptr)
    return fail(Reason::client_assertion_audience, "aud is not one string");
  const auto expires = moment_at(claims, "exp");
  const auto not_before = moment_at(claims, "nbf");
  const auto issued = moment_at(claims, "iat");
  for (const auto* one : {&expires, &not_before, &issued})
    if (!*one) return std::unexpected(one->error());
  if (!expires->has_value()) return malformed("exp is missing");
  assertion.client = *issuer;
  assertion.id = *id;
  assertion.audience = *audience->string();
  assertion.expires = **expires;
  assertion.not_before = *not_before;
  assertion.issued = *issued;
  return {};
}

Result<void> check_times(const ClientAssertion& assertion, Moment at) {
  const std::uint64_t now_ms = number(at);
  if (number(assertion.expires) <= now_ms)
    return fail(Reason::client_assertion_time, "it has expired");
  if (number(assertion.expires) > now_ms + kLifeMsMax + kSkewMs)
    return fail(Reason::client_assertion_time, "it lives too long");
  for (const auto& start : {assertion.not_before, assertion.issued})
    if (start && number(*start) > now_ms + kSkewMs)
      return fail(Reason::client_assertion_time, "it begins in the future");
  return {};
}

// The keys an assertion may have been signed with: the one it names, or the account's few.
std::vector<const Device*> candidates(const ClientAssertion& assertion, const Book& book,
                                      const Account& account) {
  std::vector<const Device*> keys;
  if (assertion.key_id) {
    const auto bytes = crypto::from_base64url(*assertion.key_id);
    if (!bytes || bytes->size() != 32) return keys;
    Digest thumbprint;
    std::copy(bytes->begin(), bytes->end(), thumbprint.begin());
    const Device* device = book.device(thumbprint);
    if (device != nullptr && &device->account == &account && device->key != nullptr)
      keys.push_back(device);
    return keys;
  }
  // Live keys first; a revoked one is tried too, so that its holder is told why.
  for (const bool revoked : {false, true})
    for (const Device* device : account.devices())
      if (device->key != nullptr && keys.size() < kKeysTriedMax &&
          device->revoked.load(std::memory_order_acquire) == revoked)
        keys.push_back(device);
  return keys;
}

Result<Client> by_assertion(std::string_view text, const std::string* named, const Book& book,
                            const Services& services, Moment at) {
  auto assertion = read_client_assertion(text);
  if (!assertion) return std::unexpected(assertion.error());
  if (named != nullptr && *named != assertion->client)
    return malformed("client_id names another client");
  if (assertion->audience != services.url) return fail(Reason::client_assertion_audience);
  if (auto times = check_times(*assertion, at); !times) return std::unexpected(times.error());
  Client client;
  client.account = book.account(assertion->client);
  if (client.account == nullptr) return fail(Reason::client_unknown, "no such client");
  client.facts = client.account->facts();
  if (!client.facts->record.service) return fail(Reason::client_unknown, "not a service");
  for (const Device* device : candidates(*assertion, book, *client.account)) {
    if (!device->key->verify(crypto::bytes_of(assertion->jws.signing_input),
                             assertion->jws.signature))
      continue;
    if (device->revoked.load(std::memory_order_acquire)) return fail(Reason::revoked_device);
    if (at > device->record.not_after)
      return fail(Reason::client_assertion_signature, "the key's time is over");
    Client::Once once;
    once.name = replay_name(crypto::sha256(assertion->client), assertion->id, "assertion");
    once.until = assertion->expires;
    client.once = once;
    return client;
  }
  return fail(Reason::client_assertion_signature);
}

}  // namespace

Result<Parameters> Parameters::read(const Request& request) {
  std::string_view type = request.header("content-type");
  type = type.substr(0, std::min(type.find(';'), type.size()));
  if (type != "application/x-www-form-urlencoded")
    return fail(Reason::oauth_request_wrong, "the body is not application/x-www-form-urlencoded");
  auto form = net::parse_form(request.body, {.bytes_max = 32 * 1024, .fields_max = 32});
  if (!form) return fail(Reason::oauth_request_wrong, "a parameter is not form-encoded");
  const auto& fields = form->fields();
  for (std::size_t i = 1; i < fields.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (fields[i].first == fields[j].first)
        return fail(Reason::oauth_request_wrong, "a parameter is repeated");
  Parameters parameters;
  parameters.form_ = *std::move(form);
  return parameters;
}

const std::string* Parameters::find(std::string_view name) const {
  for (const auto& [known, value] : form_.fields())
    if (known == name) return value.empty() ? nullptr : &value;
  return nullptr;
}

Result<void> once_only(ReplayStore& store, const Tag& name, Moment until, Moment at,
                       Reason reason) {
  const auto use = store.use(name, until, at);
  if (use == ReplayStore::Use::again) return fail(reason);
  if (use == ReplayStore::Use::full) return fail(Reason::too_busy, "the store of proofs is full");
  return {};
}

Result<ClientAssertion> read_client_assertion(std::string_view text) {
  auto jws = net::parse_jws(text, {.bytes_max = kAssertionBytesMax});
  if (!jws) return malformed(jws.error().detail);
  ClientAssertion assertion;
  if (auto header = read_header(jws->header, assertion); !header)
    return std::unexpected(header.error());
  if (auto claims = read_claims(jws->payload, assertion); !claims)
    return std::unexpected(claims.error());
  assertion.jws = *std::move(jws);
  return assertion;
}

Result<const Device*> live_key(const Book& book, const Account& account, const Digest& thumbprint,
                               Moment at) {
  const Device* device = book.device(thumbprint);
  if (device == nullptr || &device->account != &account || device->key == nullptr)
    return fail(Reason::proof_key_wrong, "the key is not enrolled for this service");
  if (device->revoked.load(std::memory_order_acquire)) return fail(Reason::revoked_device);
  if (at > device->record.not_after) return fail(Reason::proof_key_wrong, "the key's time is over");
  return device;
}

Result<const Device*> live_certificate(const Book& book, const Account& account,
                                       const Request& request) {
  const PeerCertificate* peer = request.peer.get();
  if (peer == nullptr) return fail(Reason::no_credential);
  if (!peer->issued_by_us) return fail(Reason::foreign_certificate);
  if (request.received < peer->not_before || request.received > peer->not_after)
    return fail(Reason::expired_certificate);
  const Device* device = book.device(peer->thumbprint);
  if (device == nullptr || &device->account != &account) return fail(Reason::unknown_device);
  if (request.received > device->record.not_after) return fail(Reason::expired_certificate);
  if (device->revoked.load(std::memory_order_acquire)) return fail(Reason::revoked_device);
  return device;
}

Result<Client> authenticate(const Request& request, const Parameters& form, const Book& book,
                            const Services& services) {
  if (!request.header("authorization").empty())
    return fail(Reason::client_unknown, "a secret in the Authorization header");
  if (form.find("client_secret") != nullptr)
    return fail(Reason::client_unknown, "a secret in the body");
  const std::string *named = form.find("client_id"), *type = form.find("client_assertion_type"),
                    *text = form.find("client_assertion");
  if (text != nullptr || type != nullptr) {
    if (text == nullptr || type == nullptr || *type != kJwtBearer)
      return malformed("client_assertion_type is not jwt-bearer, or one of the two is missing");
    return by_assertion(*text, named, book, services, request.received);
  }
  if (named == nullptr) return fail(Reason::client_unknown, "client_id is missing");
  Client client;
  client.account = book.account(*named);
  if (client.account == nullptr) return fail(Reason::client_unknown, "no such client");
  client.facts = client.account->facts();
  if (!client.facts->record.service) return fail(Reason::client_unknown, "not a service");
  if (auto device = live_certificate(book, *client.account, request); !device)
    return std::unexpected(device.error());
  return client;
}

}  // namespace amanat::identity
