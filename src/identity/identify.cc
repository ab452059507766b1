// Who asks: which credential a request carries, and what it proves. An access token where there is
// an Authorization header, a session where there is its cookie, else the connection's certificate.

#include <algorithm>

#include "crypto/crypto.h"
#include "identity/client.h"
#include "identity/proof.h"
#include "identity/services.h"
#include "identity/signature.h"
#include "identity/state.h"
#include "net/uri.h"

namespace amanat::identity {
namespace {

constexpr std::uint8_t kChannelKind = 1;

// Evidence of a question that only its channel proves: docs/callers.md.
std::string channel_evidence(std::string_view body, const Digest& thumbprint,
                             std::string_view token) {
  std::string out;
  out.reserve(1 + 4 + body.size() + 2 * thumbprint.size());
  out.push_back(static_cast<char>(kChannelKind));
  insist(body.size() <= 0xffffffff);
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>((body.size() >> shift) & 0xff));
  out += body;
  out += crypto::text_of(thumbprint);
  if (!token.empty()) out += crypto::text_of(crypto::sha256(token));
  return out;
}

// Authorization: one scheme, one blank, one token of token68's letters (RFC 9110 11.4).
enum class Scheme : std::uint8_t { dpop, bearer };
struct Authorization {
  Scheme scheme = Scheme::bearer;
  std::string_view token;
};
Result<Authorization> read_authorization(std::string_view header) {
  const std::size_t blank = std::min(header.find(' '), header.size());
  std::string word;
  for (const char c : header.substr(0, blank))
    word.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  Authorization found;
  if (word == "dpop") {
    found.scheme = Scheme::dpop;
  } else if (word != "bearer") {
    return fail(Reason::token_malformed, "the scheme is neither DPoP nor Bearer");
  }
  found.token = header.substr(std::min(blank + 1, header.size()));
  const bool letters = std::ranges::all_of(found.token, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~+/=").find(c) != std::string_view::npos;
  });
  if (found.token.empty() || !letters)
    return fail(Reason::token_malformed, "the header holds no single token");
  return found;
}

// A page's request: a session's cookie and no token.
bool by_session(const Request& request) {
  return request.header("authorization").empty() && carries_session(request);
}

// What a token lets be asked (RFC 9396): never more than it says, whatever the policy says.
Result<void> within(const Question& question, LiveToken& token, const vault::Vault& vault) {
  if (!token.bounds)
    return fail(Reason::token_bounds, "the token was given without authorization_details");
  const Bounds& bounds = *token.bounds;
  if (question.purpose != bounds.purpose)
    return fail(Reason::token_bounds, "the token is for another purpose");
  if (normal_case_ref(question.case_ref) != normal_case_ref(bounds.case_ref))
    return fail(Reason::token_bounds, "the token is for another case");
  for (const FieldId field : question.fields)
    if (!bounds.fields.test(number(field)))
      return fail(Reason::token_bounds, "the token does not cover every field asked for");
  if (question.max_subjects > bounds.max_subjects)
    return fail(Reason::token_bounds, "max_subjects of the question is above the token's");
  SubjectName name;
  const SubjectForm& subject = question.subject;
  if (subject.search == "national_id" && subject.hops == 0) {
    for (const char c : subject.value)
      if (c >= '0' && c <= '9') name.value.push_back(c);
  } else if (question.list) {
    name.kind = SubjectKind::unidentified;
    name.value = "list\n" + crypto::hex(question.list->digest);
  } else {
    name.kind = SubjectKind::unidentified;
    name.value = subject.search + "\n" + subject.value + "\n" + std::to_string(subject.hops);
    for (const auto& [word, value] : subject.narrowing)
      name.value.append("\n").append(word).append("\n").append(value);
    for (const auto& moment : {subject.from, subject.to})
      name.value.append("\n").append(moment ? std::to_string(number(*moment)) : "-");
  }
  if (!token.spend(vault.tag(name), question.max_subjects))
    return fail(Reason::token_bounds, "the token's subjects are spent");
  return {};
}

}  // namespace

// live_device judges the certificate: reasons in the order of the comparisons, cheapest first.
Result<const Device*> Identity::State::live_device(const Request& request) const {
  const PeerCertificate* peer = request.peer.get();
  if (peer == nullptr) return fail(Reason::no_credential);
  if (!peer->issued_by_us) return fail(Reason::foreign_certificate);
  if (request.received < peer->not_before || request.received > peer->not_after)
    return fail(Reason::expired_certificate);
  const Device* device = book.device(peer->thumbprint);
  if (device == nullptr) return fail(Reason::unknown_device);
  if (request.received > device->record.not_after) return fail(Reason::expired_certificate);
  return device;
}

Result<Asker> Identity::State::asker_by(const Device& device, Moment at) const {
  // The epoch is read first: a revocation after this line is found by still_stands.
  const std::uint64_t epoch = epoch_of(device);
  if (device.revoked.load(std::memory_order_acquire)) return fail(Reason::revoked_device);
  const auto facts = device.account.facts();
  if (has_left(facts->record, at)) return fail(Reason::officer_left);
  return asker_of(*facts, &device, epoch);
}

// by_signature takes a request on a certificate's channel as signed by that certificate's key, if
// it claims to be.
Result<void> Identity::State::by_signature(const Request& request, Repeat repeat,
                                           Shown& shown) const {
  if (!is_signed(request)) return {};
  auto signature = read_signature(request, services->place_of(request));
  if (!signature) return std::unexpected(signature.error());
  const Digest& thumbprint = request.peer->thumbprint;
  if (signature->key_id != crypto::base64url(thumbprint))
    return fail(Reason::proof_key_wrong, "keyid is not the certificate of the connection");
  const auto point = crypto::point_of_certificate(request.peer->der);
  const auto key = point ? crypto::Es256Public::import(*point) : nullptr;
  if (key == nullptr || !key->verify(crypto::bytes_of(signature->base), signature->bytes))
    return fail(Reason::proof_signature_wrong);
  if (repeat == Repeat::refused) {
    const Moment until{number(signature->created) + Nonces::kAgeMsMax};
    if (auto once =
            once_only(services->replay, replay_name(thumbprint, signature->nonce, "signature"),
                      until, request.received, Reason::proof_replayed);
        !once)
      return once;
  }
  shown.proof = Proof::signature;
  shown.evidence = signature_evidence(*signature, request.peer->der, request.body);
  return {};
}

Result<Shown> Identity::State::by_certificate(const Request& request, Repeat repeat) const {
  auto device = live_device(request);
  if (!device) return std::unexpected(device.error());
  auto asker = asker_by(**device, request.received);
  if (!asker) return std::unexpected(asker.error());
  Shown shown;
  shown.asker = *std::move(asker);
  if (auto judged = by_signature(request, repeat, shown); !judged)
    return std::unexpected(judged.error());
  return shown;
}

// by_proof judges a DPoP proof beside its token (identity page 1.3), the signature last but one: an
// unsigned proof must not be able to use up somebody's jti.
Result<void> Identity::State::by_proof(const Request& request, const DpopProof& proof,
                                       std::string_view token, const Device& device, Repeat repeat,
                                       Shown& shown) const {
  const auto uri = net::normal_uri(services->place_of(request) + request.path);
  if (!uri) return fail(Reason::proof_other_request, "an address that has no normal form");
  ProofFor what;
  what.method = request.method;
  what.uri = *uri;
  what.token = token;
  what.body = crypto::sha256(request.body);
  what.at = request.received;
  auto until = check_proof(proof, what, services->nonces);
  if (!until) return std::unexpected(until.error());
  if (!device.key->verify(crypto::bytes_of(proof.jws.signing_input), proof.jws.signature))
    return fail(Reason::proof_signature_wrong);
  if (repeat == Repeat::refused)
    if (auto once = once_only(services->replay, replay_name(proof.jkt, jti_of(proof), *uri), *until,
                              request.received, Reason::proof_replayed);
        !once)
      return once;
  shown.proof = Proof::signature;
  shown.evidence = proof_evidence(request.header("dpop"), request.body);
  return {};
}

Result<Shown> Identity::State::by_token(const Request& request, Repeat repeat) const {
  const auto authorization = read_authorization(request.header("authorization"));
  if (!authorization) return std::unexpected(authorization.error());
  const bool with_proof = authorization->scheme == Scheme::dpop;
  Result<DpopProof> proof = fail(Reason::proof_malformed);
  if (with_proof) {
    proof = read_proof(request.header("dpop"));
    if (!proof) return std::unexpected(proof.error());
  } else if (!request.header("dpop").empty()) {
    return fail(Reason::token_binding_wrong, "a DPoP proof beside a token shown as Bearer");
  }
  auto token = services->tokens.find(authorization->token, services->url, fields, request.received);
  if (!token) return std::unexpected(token.error());
  const TokenFacts& facts = (*token)->facts;
  if ((facts.binding == KeyKind::jwk) != with_proof)
    return fail(Reason::token_binding_wrong, with_proof ? "the token is bound to a certificate"
                                                        : "the token is bound to a DPoP key");
  const Account* account = book.account(facts.account);
  insist(account != nullptr);  // accounts are never removed, and the token is ours
  Result<const Device*> device = fail(Reason::unknown_device);
  if (with_proof) {
    if (proof->jkt != facts.key)
      return fail(Reason::proof_key_wrong, "the proof's key is not the one the token is bound to");
    device = live_key(book, *account, facts.key, request.received);
  } else {
    if (request.peer == nullptr || request.peer->thumbprint != facts.key)
      return fail(Reason::token_binding_wrong, "the connection shows another certificate, or none");
    device = live_certificate(book, *account, request);
  }
  if (!device) return std::unexpected(device.error());
  auto asker = asker_by(**device, request.received);
  if (!asker) return std::unexpected(asker.error());
  if (asker->epoch != facts.epoch)
    return fail(Reason::token_revoked, "the account or its device was changed since");
  Shown shown;
  shown.asker = *std::move(asker);
  shown.token = *std::move(token);
  auto judged = with_proof
                    ? by_proof(request, *proof, authorization->token, **device, repeat, shown)
                    : by_signature(request, repeat, shown);
  if (!judged) return std::unexpected(judged.error());
  return shown;
}

Result<Shown> Identity::State::shown(const Request& request, Repeat repeat) const {
  if (!request.header("authorization").empty()) return by_token(request, repeat);
  return by_certificate(request, repeat);
}

// content_of is what a Caller holds besides a question.
Caller::Content Identity::State::content_of(Shown shown, const Request& request) const {
  Caller::Content content;
  content.asker = std::move(shown.asker);
  content.client = content.asker.id;
  content.received = request.received;
  content.from = request.from;
  content.proof = shown.proof;
  content.evidence = std::move(shown.evidence);
  if (content.evidence.empty()) {
    std::string_view token;
    if (shown.token) token = read_authorization(request.header("authorization"))->token;
    content.evidence = channel_evidence(request.body, content.asker.actor.thumbprint, token);
  }
  if (shown.token) {
    content.bounds = shown.token->bounds;
    content.ended = shown.token->ended;
  }
  return content;
}

Result<Asker> Identity::known(const Request& request) const {
  if (by_session(request)) {
    auto session = state_->session_of(request);
    if (!session) return std::unexpected(session.error());
    return state_->asker_of_session(*session, request.received);
  }
  auto shown = state_->shown(request, Repeat::allowed);
  if (!shown) return std::unexpected(shown.error());
  return std::move(shown->asker);
}

Result<Caller> Identity::identify(const Request& request) const {
  if (by_session(request)) {
    auto asked = state_->signed_by_session(request, "ask", State::Signing::question);
    if (!asked) return std::unexpected(asked.error());
    return Caller(*std::move(asked));
  }
  auto shown = state_->shown(request, Repeat::refused);
  if (!shown) return std::unexpected(shown.error());
  // Nothing of the body is looked at before this line, but its hash.
  if (!is_json(request.header("content-type")) || !request.header("content-encoding").empty())
    return fail(Reason::wrong_media_type);
  auto question = parse_question(request.body, state_->fields);
  if (!question) return std::unexpected(question.error());
  if (shown->token)
    if (auto covered = within(*question, *shown->token, state_->vault); !covered)
      return std::unexpected(covered.error());
  Caller::Content content = state_->content_of(*std::move(shown), request);
  content.question = *std::move(question);
  return Caller(std::move(content));
}

Result<Caller> Identity::admit(const Request& request) const {
  // A cookie alone releases nothing: data routes want a token, a certificate or a signature.
  if (by_session(request)) return fail(Reason::touch_missing);
  auto shown = state_->shown(request, Repeat::refused);
  if (!shown) return std::unexpected(shown.error());
  Caller::Content content = state_->content_of(*std::move(shown), request);
  if (content.proof == Proof::channel) content.evidence.clear();  // nothing was signed
  return Caller(std::move(content));
}

bool Identity::names_caller(Reason reason) {
  switch (reason) {
    // What a live session sent and its passkey did not sign.
    case Reason::touch_missing:
    case Reason::pending_unknown:
    case Reason::pending_expired:
    case Reason::passkey_other:
    case Reason::malformed_cbor:
    case Reason::authenticator_data_wrong:
    case Reason::client_data_wrong:
    case Reason::ceremony_type_wrong:
    case Reason::challenge_wrong:
    case Reason::origin_wrong:
    case Reason::embedded_elsewhere:
    case Reason::rp_wrong:
    case Reason::presence_missing:
    case Reason::verification_missing:
    case Reason::backup_state_wrong:
    case Reason::user_handle_wrong:
    case Reason::assertion_wrong:
    case Reason::counter_not_grown:
    case Reason::wrong_media_type:
    case Reason::malformed_json:
    case Reason::malformed_value:
    case Reason::unknown_field:
    case Reason::body_too_large:
    case Reason::token_bounds:
      return true;
    default:
      return false;
  }
}

Result<void> Identity::still_stands(Draft& draft) const {
  const Asker& asker = draft.asker();
  const Device* device = state_->book.device(asker.actor.thumbprint);
  insist(device != nullptr);
  if (device->revoked.load(std::memory_order_acquire)) return fail(Reason::revoked_device);
  if (has_left(device->account.facts()->record, now())) return fail(Reason::officer_left);
  if (epoch_of(*device) != asker.epoch)
    return fail(Reason::not_your_right, "the account was changed while the answer was made");
  const auto asked = draft.findings().clearance().grant().caller().asked();
  if (asked->ended && asked->ended->load(std::memory_order_acquire))
    return fail(Reason::token_revoked);
  draft.stands(Draft::Stands{});
  return {};
}

}  // namespace amanat::identity
