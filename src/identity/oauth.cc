// The authorization server for services (FAPI 2.0's subset, identity page 1.6): who may have a
// token, bound to which key, for what; what a token says; its end.

#include <algorithm>

#include "crypto/crypto.h"
#include "identity/client.h"
#include "identity/proof.h"
#include "identity/services.h"
#include "identity/state.h"
#include "net/jose.h"
#include "net/uri.h"

namespace amanat::identity {
namespace {

constexpr std::size_t kDetailsBytesMax = 8 * 1024;

// What a token is bound to: the key of the DPoP proof, else the connection's certificate. Exactly
// one, and enrolled for this client either way.
struct Binding {
  const Device* device = nullptr;
  std::optional<Client::Once> once;
};

Result<Binding> by_dpop(const Request& request, const Client& client, const Book& book,
                        const Services& services) {
  auto proof = read_proof(request.header("dpop"));
  if (!proof) return std::unexpected(proof.error());
  auto device = live_key(book, *client.account, proof->jkt, request.received);
  if (!device) return std::unexpected(device.error());
  const auto uri = net::normal_uri(services.place_of(request) + request.path);
  insist(uri.has_value());  // the path is one of ours
  ProofFor what;
  what.method = request.method;
  what.uri = *uri;
  what.at = request.received;
  auto until = check_proof(*proof, what, services.nonces);
  if (!until) return std::unexpected(until.error());
  if (!(*device)->key->verify(crypto::bytes_of(proof->jws.signing_input), proof->jws.signature))
    return fail(Reason::proof_signature_wrong);
  Client::Once once;
  once.name = replay_name(proof->jkt, jti_of(*proof), *uri);
  once.until = *until;
  Binding binding;
  binding.device = *device;
  binding.once = once;
  return binding;
}

Result<Binding> binding_of(const Request& request, const Client& client, const Book& book,
                           const Services& services) {
  if (!request.header("dpop").empty()) return by_dpop(request, client, book, services);
  auto device = live_certificate(book, *client.account, request);
  if (!device)
    return fail(Reason::token_binding_wrong,
                "neither a DPoP proof nor an enrolled certificate to bind the token to");
  Binding binding;
  binding.device = *device;
  return binding;
}

Result<std::optional<Allowance>> allowance_of(const Parameters& form, const FieldTable& fields) {
  const std::string* text = form.find("authorization_details");
  if (text == nullptr) return std::optional<Allowance>{};
  const net::JsonLimits limits{.bytes_max = kDetailsBytesMax, .depth_max = 4, .values_max = 64};
  const auto json = net::parse_json(*text, limits);
  if (!json) return fail(Reason::authorization_details_wrong, "not JSON");
  auto allowance = read_allowance(*json, fields);
  if (!allowance) return std::unexpected(allowance.error());
  return std::optional<Allowance>(*std::move(allowance));
}

Result<void> take(const std::optional<Client::Once>& once, ReplayStore& store, Moment at,
                  Reason reason) {
  if (!once) return {};
  return once_only(store, once->name, once->until, at, reason);
}

}  // namespace

// A Host that is none of ours is taken for the issuer's: what was signed for another name than ours
// then does not fit.
const std::string& Services::place_of(const Request& request) const {
  const std::string_view host = request.header("host");
  for (const std::string& place : places)
    if (place.ends_with(host) && place.size() == host.size() + std::string_view("https://").size())
      return place;
  return places.front();
}

void Identity::be_reached_at(const std::vector<std::string>& urls) {
  insist(!urls.empty());
  Services& services = *state_->services;
  services.url = urls.front();
  services.places.clear();
  for (const std::string& url : urls) {
    const auto normal = net::normal_uri(url);
    insist(normal.has_value() && normal->ends_with('/'));
    services.places.push_back(normal->substr(0, normal->size() - 1));
  }
}

const std::string& Identity::url() const { return state_->services->url; }

std::string Identity::fresh_nonce(const Request& request) const {
  const std::string_view header = request.header("dpop");
  if (header.empty()) return {};
  std::optional<Digest> jkt;
  const std::string_view shown = request.header("authorization");
  // A token that is known already names the key without a look at the proof.
  if (const std::size_t blank = shown.find(' '); blank != shown.npos)
    if (const auto token = state_->services->tokens.kept(shown.substr(blank + 1)))
      if (token->facts.binding == KeyKind::jwk) jkt = token->facts.key;
  if (!jkt) jkt = jkt_of_header(header);
  if (!jkt) return {};
  return state_->services->nonces.mint(*jkt, request.received);
}

Result<IssuedToken> Identity::issue_token(const Request& request) const {
  Services& services = *state_->services;
  auto form = Parameters::read(request);
  if (!form) return std::unexpected(form.error());
  auto client = authenticate(request, *form, state_->book, services);
  if (!client) return std::unexpected(client.error());
  const std::string* grant = form->find("grant_type");
  if (grant == nullptr) return fail(Reason::oauth_request_wrong, "grant_type is missing");
  if (*grant != "client_credentials") return fail(Reason::grant_type_wrong);
  if (form->find("scope") != nullptr) return fail(Reason::scope_wrong);
  for (const char* name : {"resource", "audience"})
    if (const std::string* place = form->find(name); place != nullptr && *place != services.url)
      return fail(Reason::resource_wrong);
  auto binding = binding_of(request, *client, state_->book, services);
  if (!binding) return std::unexpected(binding.error());
  auto allowance = allowance_of(*form, state_->fields);
  if (!allowance) return std::unexpected(allowance.error());
  const Moment at = request.received;
  if (auto first = take(client->once, services.replay, at, Reason::client_assertion_replayed);
      !first)
    return std::unexpected(first.error());
  if (auto first = take(binding->once, services.replay, at, Reason::proof_replayed); !first)
    return std::unexpected(first.error());
  TokenFacts facts;
  facts.account = client->facts->record.id;
  facts.binding = binding->device->record.kind;
  facts.key = binding->device->record.thumbprint;
  facts.epoch = epoch_of(*binding->device);
  facts.issued = at;
  facts.expires = Moment{number(at) + kTokenMs};
  facts.allowance = *std::move(allowance);
  IssuedToken issued;
  issued.dpop = facts.binding == KeyKind::jwk;
  issued.seconds = kTokenMs / 1000;
  if (facts.allowance) issued.details = write_allowance(*facts.allowance);
  issued.token = services.tokens.issue(std::move(facts), services.url);
  return issued;
}

Result<std::string> Identity::introspect(const Request& request,
                                         const std::function<bool(const Asker&)>& may) const {
  Services& services = *state_->services;
  auto form = Parameters::read(request);
  if (!form) return std::unexpected(form.error());
  auto client = authenticate(request, *form, state_->book, services);
  if (!client) return std::unexpected(client.error());
  const Moment at = request.received;
  if (auto first = take(client->once, services.replay, at, Reason::client_assertion_replayed);
      !first)
    return std::unexpected(first.error());
  if (!may(asker_of(*client->facts, nullptr, client->account->epoch())))
    return fail(Reason::not_your_right, "introspect");
  const std::string* text = form->find("token");
  if (text == nullptr) return fail(Reason::oauth_request_wrong, "token is missing");
  const auto token = services.tokens.find(*text, services.url, state_->fields, at);
  bool active = token.has_value();
  if (active) {
    const TokenFacts& facts = (*token)->facts;
    const Device* device = state_->book.device(facts.key);
    active = device != nullptr && !device->revoked.load(std::memory_order_acquire) &&
             epoch_of(*device) == facts.epoch && at <= device->record.not_after;
  }
  net::JsonWriter json;
  json.begin_object().key("active").boolean(active);
  if (active) {
    const TokenFacts& facts = (*token)->facts;
    const bool dpop = facts.binding == KeyKind::jwk;
    json.key("iss").string(services.url).key("aud").string(services.url);
    json.key("sub").string(facts.account).key("client_id").string(facts.account);
    json.key("iat").number(number(facts.issued) / 1000);
    json.key("exp").number(number(facts.expires) / 1000);
    json.key("jti").string(facts.id).key("token_type").string(dpop ? "DPoP" : "Bearer");
    json.key("cnf").begin_object().key(dpop ? "jkt" : "x5t#S256");
    json.string(crypto::base64url(facts.key)).end_object();
    if (facts.allowance) json.key("authorization_details").raw(write_allowance(*facts.allowance));
  }
  json.end_object();
  return json.take();
}

Result<void> Identity::withdraw_token(const Request& request) const {
  Services& services = *state_->services;
  auto form = Parameters::read(request);
  if (!form) return std::unexpected(form.error());
  auto client = authenticate(request, *form, state_->book, services);
  if (!client) return std::unexpected(client.error());
  if (auto first =
          take(client->once, services.replay, request.received, Reason::client_assertion_replayed);
      !first)
    return first;
  const std::string* text = form->find("token");
  if (text == nullptr) return fail(Reason::oauth_request_wrong, "token is missing");
  // An unknown token, or another client's, is no error and no news (RFC 7009 2.2).
  const auto token = services.tokens.find(*text, services.url, state_->fields, request.received);
  if (token && (*token)->facts.account == client->facts->record.id)
    (*token)->ended->store(true, std::memory_order_release);
  return {};
}

std::string Identity::public_keys() const {
  const Tokens& tokens = state_->services->tokens;
  std::string key = net::canonical_jwk(tokens.public_point());
  key.pop_back();
  net::JsonWriter kid;
  kid.string(tokens.key_id());
  return R"({"keys":[)" + key + R"(,"alg":"ES256","use":"sig","kid":)" + kid.take() + "}]}";
}

Result<EnrolledKey> Identity::enrol_key(std::string_view account_id, std::string_view text,
                                        unsigned days) {
  std::optional<crypto::EcPoint> point = crypto::point_of_spki_pem(text);
  if (!point) {
    const auto json = net::parse_json(text, {.bytes_max = 4096, .depth_max = 3, .values_max = 32});
    if (!json) return fail(Reason::key_wrong, "neither PEM nor JSON");
    auto jwk = net::read_jwk(*json);
    if (!jwk) return fail(Reason::key_wrong, jwk.error().detail);
    point = *jwk;
  }
  if (crypto::Es256Public::import(*point) == nullptr)
    return fail(Reason::key_wrong, "its point does not lie on the curve");
  const std::lock_guard lock(state_->writing);
  Account* account = state_->book.account(account_id);
  if (account == nullptr) return fail(Reason::unknown_officer);
  const auto facts = account->facts();
  if (!facts->record.service)
    return fail(Reason::key_wrong, "officers sign with passkeys; keys are for services");
  DeviceRecord record;
  record.kind = KeyKind::jwk;
  record.thumbprint = thumbprint_of(*point);
  record.key = crypto::text_of(*point);
  record.account = facts->record.account;
  record.enrolled = now();
  record.not_after = Moment{number(record.enrolled) + std::uint64_t{days} * 24 * 3600 * 1000};
  if (state_->book.device(record.thumbprint) != nullptr) return fail(Reason::key_taken);
  if (auto saved = state_->save(device_key(record.thumbprint), encode(record)); !saved)
    return std::unexpected(saved.error());
  state_->book.add(record, *account);
  EnrolledKey enrolled;
  enrolled.account = record.account;
  enrolled.thumbprint = record.thumbprint;
  enrolled.jwk = net::canonical_jwk(*point);
  return enrolled;
}

}  // namespace amanat::identity
