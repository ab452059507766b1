#include "identity/token.h"

#include <algorithm>
#include <cstring>

#include "crypto/crypto.h"
#include "net/jose.h"

namespace amanat::identity {
namespace {

constexpr std::size_t kDatatypesMax = 32;
constexpr std::size_t kDatatypeBytesMax = 128;
constexpr std::size_t kPurposeBytesMax = 64;
constexpr std::size_t kCaseBytesMax = 200;
constexpr std::uint64_t kSubjectsMax = 100'000;
constexpr std::uint64_t kOwnSkewMs = 10'000;  // our nodes' clocks (identity page 1.6)
constexpr std::string_view kLookup = "amanat_lookup";

std::unexpected<Failure> details(std::string what) {
  return fail(Reason::authorization_details_wrong, std::move(what));
}

bool is_id(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

bool plain_text(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
  });
}

// A field by its id; a dataset or registry by its name, with or without ".*".
FieldSet fields_of(std::string_view datatype, const FieldTable& fields) {
  if (datatype == "*" || datatype == ".*") return {};
  FieldSet named = fields.match(datatype);
  if (named.none() && !datatype.ends_with(".*")) named = fields.match(std::string(datatype) + ".*");
  return named;
}

Result<std::vector<std::string>> read_datatypes(const net::Json& value, const FieldTable& fields) {
  const net::Json::Array* list = value.array();
  if (list == nullptr || list->empty() || list->size() > kDatatypesMax)
    return details("datatypes is not a list of 1 to " + std::to_string(kDatatypesMax));
  std::vector<std::string> datatypes;
  for (const net::Json& one : *list) {
    const std::string* text = one.string();
    if (text == nullptr || text->size() > kDatatypeBytesMax || fields_of(*text, fields).none())
      return details("datatypes[" + std::to_string(datatypes.size()) +
                     "] is no field, dataset or registry");
    datatypes.push_back(*text);
  }
  std::ranges::sort(datatypes);
  if (std::ranges::adjacent_find(datatypes) != datatypes.end())
    return details("datatypes names one twice");
  return datatypes;
}

Result<void> read_member(const net::Json::Member& member, const FieldTable& fields,
                         Allowance& allowance) {
  const std::string* text = member.value.string();
  if (member.name == "purpose") {
    if (text == nullptr || text->size() > kPurposeBytesMax || !is_id(*text))
      return details("purpose is not an id");
    allowance.purpose = *text;
  } else if (member.name == "case") {
    if (text == nullptr || text->size() > kCaseBytesMax || !plain_text(*text))
      return details("case is not a reference");
    allowance.case_ref = *text;
  } else if (member.name == "max_subjects") {
    const auto n = member.value.integer();
    if (!n || *n < 1 || *n > kSubjectsMax)
      return details("max_subjects is not 1 to " + std::to_string(kSubjectsMax));
    allowance.max_subjects = static_cast<std::uint32_t>(*n);
  } else if (member.name == "datatypes") {
    auto datatypes = read_datatypes(member.value, fields);
    if (!datatypes) return std::unexpected(datatypes.error());
    allowance.datatypes = *std::move(datatypes);
  } else if (member.name != "type") {
    return details("a member is unknown");
  }
  return {};
}

std::optional<Digest> digest_of(const net::Json& value) {
  const std::string* text = value.string();
  const auto bytes = text != nullptr ? crypto::from_base64url(*text) : std::nullopt;
  if (!bytes || bytes->size() != 32) return std::nullopt;
  Digest digest;
  std::memcpy(digest.data(), bytes->data(), digest.size());
  return digest;
}

// cnf with exactly one member (identity page 1.3, rule 9).
bool read_binding(const net::Json* cnf, TokenFacts& facts) {
  const net::Json::Object* members = cnf != nullptr ? cnf->object() : nullptr;
  if (members == nullptr || members->size() != 1) return false;
  const net::Json::Member& only = members->front();
  if (only.name == "jkt") facts.binding = KeyKind::jwk;
  if (only.name == "x5t#S256") facts.binding = KeyKind::certificate;
  const auto key = digest_of(only.value);
  if (facts.binding == KeyKind::none || !key) return false;
  facts.key = *key;
  return true;
}

bool is_text(const net::Json* value, std::string_view wanted) {
  return value != nullptr && value->string() != nullptr && *value->string() == wanted;
}

// typ, alg and kid and nothing else: jku, x5u, jwk, crit name keys and rules that are not ours.
Result<void> check_header(const net::Json& header, const std::string& key_id) {
  for (const net::Json::Member& member : *header.object()) {
    const bool right = (member.name == "typ" && is_text(&member.value, "at+jwt")) ||
                       (member.name == "alg" && is_text(&member.value, "ES256")) ||
                       (member.name == "kid" && is_text(&member.value, key_id));
    if (!right) return fail(Reason::token_malformed, "its header is not one of this exchange's");
  }
  if (header.object()->size() != 3)
    return fail(Reason::token_malformed, "its header is not one of this exchange's");
  return {};
}

}  // namespace

Result<Allowance> read_allowance(const net::Json& list, const FieldTable& fields) {
  const net::Json::Array* all = list.array();
  if (all == nullptr || all->size() != 1) return details("not a list of exactly one object");
  const net::Json::Object* members = all->front().object();
  if (members == nullptr) return details("not a list of exactly one object");
  if (!is_text(all->front().find("type"), kLookup)) return details("its type is unknown");
  Allowance allowance;
  for (const net::Json::Member& member : *members)
    if (auto read = read_member(member, fields, allowance); !read)
      return std::unexpected(read.error());
  for (const char* needed : {"purpose", "datatypes", "max_subjects"})
    if (all->front().find(needed) == nullptr) return details(std::string(needed) + " is missing");
  return allowance;
}

std::string write_allowance(const Allowance& allowance) {
  net::JsonWriter json;
  json.begin_array().begin_object();
  json.key("type").string(kLookup);
  json.key("purpose").string(allowance.purpose);
  if (!allowance.case_ref.empty()) json.key("case").string(allowance.case_ref);
  json.key("datatypes").begin_array();
  for (const auto& datatype : allowance.datatypes) json.string(datatype);
  json.end_array();
  json.key("max_subjects").number(allowance.max_subjects);
  json.end_object().end_array();
  return json.take();
}

Bounds bounds_of(const Allowance& allowance, const FieldTable& fields) {
  Bounds bounds;
  bounds.purpose = allowance.purpose;
  bounds.case_ref = allowance.case_ref;
  bounds.max_subjects = allowance.max_subjects;
  for (const auto& datatype : allowance.datatypes) bounds.fields |= fields_of(datatype, fields);
  return bounds;
}

LiveToken::LiveToken(TokenFacts f, std::optional<Bounds> b)
    : facts(std::move(f)),
      bounds(std::move(b)),
      ended(std::make_shared<std::atomic<bool>>(false)) {}

bool LiveToken::spend(const Tag& name, std::uint32_t n) {
  insist(bounds.has_value());
  const std::lock_guard lock(mutex_);
  if (std::ranges::find(names_, name) != names_.end()) return true;
  if (spent_ + n > bounds->max_subjects) return false;
  spent_ += n;
  names_.push_back(name);
  return true;
}

std::size_t Tokens::Hash::operator()(const Digest& d) const {
  std::size_t hash = 0;
  std::memcpy(&hash, d.data(), sizeof hash);
  return hash;
}

Tokens::Tokens(const Key256& secret)
    : key_(crypto::Es256Key::from_secret(secret)),
      shown_(crypto::Es256Public::import(key_.point())),
      key_id_(crypto::base64url(crypto::sha256(net::canonical_jwk(key_.point())))) {
  insist(shown_ != nullptr);
  std::array<std::uint8_t, 9> boot;
  crypto::random_bytes(boot);
  boot_ = crypto::base64url(boot);
}

std::string Tokens::issue(TokenFacts facts, std::string_view issuer) const {
  insist(facts.binding == KeyKind::jwk || facts.binding == KeyKind::certificate);
  insist(number(facts.expires) <= number(facts.issued) + kTokenMs);
  std::array<std::uint8_t, 15> drawn;
  crypto::random_bytes(drawn);
  net::JsonWriter header;
  header.begin_object().key("alg").string("ES256").key("typ").string("at+jwt");
  header.key("kid").string(key_id_).end_object();
  net::JsonWriter json;
  json.begin_object();
  json.key("iss").string(issuer).key("aud").string(issuer);
  json.key("sub").string(facts.account).key("client_id").string(facts.account);
  json.key("iat")
      .number(number(facts.issued) / 1000)
      .key("exp")
      .number(number(facts.expires) / 1000);
  json.key("jti").string(boot_ + crypto::base64url(drawn));
  json.key("acr")
      .string("urn:amanat:acr:device")
      .key("auth_time")
      .number(number(facts.issued) / 1000);
  json.key("epoch").number(facts.epoch);
  json.key("cnf").begin_object();
  json.key(facts.binding == KeyKind::jwk ? "jkt" : "x5t#S256").string(crypto::base64url(facts.key));
  json.end_object();
  if (facts.allowance) json.key("authorization_details").raw(write_allowance(*facts.allowance));
  json.end_object();
  std::string text = crypto::base64url(crypto::bytes_of(header.take())) + "." +
                     crypto::base64url(crypto::bytes_of(json.take()));
  const auto signature = key_.sign(crypto::bytes_of(text));
  text += "." + crypto::base64url(signature);
  insist(text.size() <= kTokenBytesMax);
  return text;
}

Result<TokenFacts> Tokens::read(std::string_view text, std::string_view issuer,
                                const FieldTable& fields, Moment at) const {
  auto jws = net::parse_jws(text, {.bytes_max = kTokenBytesMax, .values_max = 256});
  if (!jws) return fail(Reason::token_malformed, jws.error().detail);
  if (auto header = check_header(jws->header, key_id_); !header)
    return std::unexpected(header.error());
  if (!shown_->verify(crypto::bytes_of(jws->signing_input), jws->signature))
    return fail(Reason::token_signature_wrong);
  // What follows was signed here; it is checked all the same, for another use of the key's sake.
  const net::Json& claims = jws->payload;
  TokenFacts facts;
  if (!is_text(claims.find("iss"), issuer)) return fail(Reason::token_claims_wrong, "iss");
  if (!is_text(claims.find("aud"), issuer)) return fail(Reason::token_claims_wrong, "aud");
  const net::Json *sub = claims.find("sub"), *id = claims.find("jti");
  if (sub == nullptr || sub->string() == nullptr ||
      !is_text(claims.find("client_id"), *sub->string()))
    return fail(Reason::token_claims_wrong, "sub, client_id");
  if (id == nullptr || id->string() == nullptr) return fail(Reason::token_claims_wrong, "jti");
  if (!read_binding(claims.find("cnf"), facts)) return fail(Reason::token_claims_wrong, "cnf");
  const auto number_of = [&claims](const char* name) {
    const net::Json* value = claims.find(name);
    return value != nullptr ? value->integer() : std::nullopt;
  };
  const auto issued = number_of("iat"), expires = number_of("exp"), epoch = number_of("epoch");
  if (!issued || !expires || !epoch || *issued > (1ull << 40) || *expires > (1ull << 40))
    return fail(Reason::token_claims_wrong, "iat, exp");
  facts.account = *sub->string();
  facts.id = *id->string();
  facts.epoch = *epoch;
  facts.issued = Moment{*issued * 1000};
  facts.expires = Moment{*expires * 1000};
  if (at >= facts.expires) return fail(Reason::token_expired);
  if (number(facts.issued) > number(at) + kOwnSkewMs || *expires > *issued + kTokenMs / 1000)
    return fail(Reason::token_claims_wrong, "iat, exp");
  if (!facts.id.starts_with(boot_))
    return fail(Reason::token_revoked, "the exchange was started anew since it was given");
  if (const net::Json* list = claims.find("authorization_details")) {
    auto allowance = read_allowance(*list, fields);
    if (!allowance) return fail(Reason::token_claims_wrong, "authorization_details");
    facts.allowance = *std::move(allowance);
  }
  return facts;
}

std::shared_ptr<LiveToken> Tokens::kept(std::string_view text) const {
  const Digest name = crypto::sha256(text);
  const Shard& shard = shards_[name[31] % kShards];
  const std::lock_guard lock(shard.mutex);
  const auto at = shard.tokens.find(name);
  return at == shard.tokens.end() ? nullptr : at->second;
}

Result<std::shared_ptr<LiveToken>> Tokens::find(std::string_view text, std::string_view issuer,
                                                const FieldTable& fields, Moment at) {
  if (text.size() > kTokenBytesMax) return fail(Reason::token_malformed, "too long");
  if (auto known = kept(text)) {
    if (at >= known->facts.expires) return fail(Reason::token_expired);
    if (known->ended->load(std::memory_order_acquire)) return fail(Reason::token_revoked);
    return known;
  }
  auto facts = read(text, issuer, fields, at);
  if (!facts) return std::unexpected(facts.error());
  std::optional<Bounds> bounds;
  if (facts->allowance) bounds = bounds_of(*facts->allowance, fields);
  auto live = std::make_shared<LiveToken>(*std::move(facts), std::move(bounds));
  const Digest name = crypto::sha256(text);
  Shard& shard = shards_[name[31] % kShards];
  const std::lock_guard lock(shard.mutex);
  if (const std::uint64_t second = number(at) / 1000; second != shard.swept) {
    shard.swept = second;
    std::erase_if(shard.tokens, [at](const auto& one) { return at >= one.second->facts.expires; });
  }
  if (shard.tokens.size() >= kTokensMax / kShards) return fail(Reason::token_busy);
  // Another thread may have been first: there is one live token a text.
  return shard.tokens.try_emplace(name, std::move(live)).first->second;
}

}  // namespace amanat::identity
