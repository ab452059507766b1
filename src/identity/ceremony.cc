// Sign-in, and what a person signs: questions and acts. WebAuthn Level 3, identity page 1.2
// and 1.7.

#include "identity/ceremony.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "crypto/passkey.h"
#include "identity/state.h"

namespace amanat::identity {
namespace {

constexpr std::uint64_t kOrdinaryAge = 15 * kMinute, kSensitiveAge = 5 * kMinute;
constexpr std::size_t kVerbMax = 32, kTargetMax = 200, kReasonMax = 500,
                      kCertificateMax = 32 * 1024;
constexpr std::string_view kClient = "console";

std::string text_of(const Digest& digest) { return std::string(crypto::text_of(digest)); }

std::string random_nonce() {
  std::string nonce(kNonceBytes, '\0');
  crypto::random_bytes({reinterpret_cast<std::uint8_t*>(nonce.data()), nonce.size()});
  return nonce;
}

// SHA-256(tag || 0x00 || parts): the forms of identity page 1.2.
Digest tagged(std::string_view tag, std::initializer_list<std::string_view> parts) {
  crypto::Sha256 hash;
  hash.update(tag).update(std::uint8_t{0});
  for (const std::string_view part : parts) hash.update(part);
  return hash.finish();
}

std::string big_endian(std::uint64_t value, int bytes) {
  std::string out;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<char>((value >> shift) & 0xff));
  return out;
}

std::string challenge_of_question(std::string_view nonce, std::string_view canonical) {
  const Digest question = tagged("amanat/question/v1", {canonical});
  return text_of(tagged("amanat/ask/v1", {nonce, crypto::text_of(question)}));
}

// An approval signs the question, its approver and its expiry, so that an edited question voids it.
// A refusal signs the act like any other: what was signed to refuse must never read as an approval.
std::string challenge_of_act(std::string_view nonce, const Act& act, std::string_view canonical,
                             const std::string& account) {
  if (act.verb == "approve")
    return text_of(tagged("amanat/approval/v1",
                          {nonce, crypto::text_of(act.subject), big_endian(account.size(), 2),
                           account, big_endian(act.until, 8)}));
  const Digest hash = crypto::sha256(canonical);
  return text_of(tagged("amanat/act/v1", {nonce, crypto::text_of(hash)}));
}

// Kind 4: a question; kind 5: an act, with who signed it (docs/callers.md).
std::string evidence_of(const Pending& pending, const std::string& account,
                        const Assertion& assertion, const DeviceRecord& device) {
  std::string out;
  out.push_back(pending.question ? 4 : 5);
  append_prefixed(out, pending.canonical);
  if (pending.act) append_prefixed(out, account);
  for (const std::string* part :
       {&pending.nonce, &assertion.credential, &device.key, &assertion.authenticator_data,
        &assertion.client_data, &assertion.signature})
    append_prefixed(out, *part);
  return out;
}

std::string_view session_token(const Request& request) {
  std::string_view cookies = request.header("cookie");
  while (!cookies.empty()) {
    const std::size_t end = std::min(cookies.find(';'), cookies.size());
    std::string_view one = cookies.substr(0, end);
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one.starts_with(kSessionCookie) && one.substr(kSessionCookie.size()).starts_with('='))
      return one.substr(kSessionCookie.size() + 1);
  }
  return {};
}

// SameSite=Strict is the browser's part against requests from other sites; this is ours. A request
// that changes or asks anything must say that it comes from one of our own pages.
bool comes_from_us(const Request& request, const PasskeyRules& rules) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const std::string_view origin = request.header("origin");
  const bool ours =
      std::find(rules.origins.begin(), rules.origins.end(), origin) != rules.origins.end();
  if (origin.empty() ? !reads : !ours) return false;
  const std::string_view site = request.header("sec-fetch-site");
  return site.empty() || site == "same-origin" || (reads && site == "none");
}

Result<Act> read_act(const net::Json& body) {
  Act act;
  const auto wrong = [](std::string what) {
    return fail(Reason::malformed_value, std::move(what));
  };
  auto verb = text_member(body, "verb", kVerbMax);
  if (!verb) return std::unexpected(verb.error());
  if (verb->empty() || !std::all_of(verb->begin(), verb->end(),
                                    [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; }))
    return wrong("verb is not a word of a-z and -");
  act.verb = *std::move(verb);
  auto target = text_member(body, "target", kTargetMax);
  if (!target) return std::unexpected(target.error());
  act.target = *std::move(target);
  if (body.find("reason") != nullptr) {
    auto reason = text_member(body, "reason", kReasonMax);
    if (!reason) return std::unexpected(reason.error());
    act.reason = *std::move(reason);
  }
  if (body.find("subject") != nullptr) {
    auto subject = text_member(body, "subject", 64);
    if (!subject) return std::unexpected(subject.error());
    const auto bytes = crypto::from_hex(*subject);
    if (!bytes || bytes->size() != act.subject.size()) return wrong("subject is not 64 hex digits");
    std::copy(bytes->begin(), bytes->end(), act.subject.begin());
  }
  if (const net::Json* until = body.find("until"); until != nullptr) {
    if (!until->integer()) return wrong("until is not a number of milliseconds");
    act.until = *until->integer();
  }
  return act;
}

std::optional<std::string> der_of_pem(std::string_view pem) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  const std::size_t from = pem.find(kBegin), to = pem.find(kEnd);
  if (pem.size() > kCertificateMax || from == pem.npos || to == pem.npos || to < from)
    return std::nullopt;
  std::string text;
  for (const char c : pem.substr(from + kBegin.size(), to - from - kBegin.size()))
    if (c != '\n' && c != '\r') text.push_back(c);
  return crypto::from_base64(text);
}

Offer offer_of(const Pending& pending, const PasskeyRules& rules, const Device& device) {
  Offer offer;
  offer.nonce = pending.nonce;
  offer.challenge = pending.challenge;
  offer.rp_id = rules.rp_id;
  offer.verification = pending.verification;
  offer.credentials = {device.record.credential};
  offer.expires = pending.expires;
  return offer;
}

}  // namespace

bool carries_session(const Request& request) { return !session_token(request).empty(); }

Result<Session> Identity::State::session_of(const Request& request) {
  const std::string_view token = session_token(request);
  if (token.empty()) return fail(Reason::no_session);
  if (!comes_from_us(request, *ceremonies.rules())) return fail(Reason::cross_site);
  auto session = ceremonies.sessions.find(token, request.received);
  if (!session) return fail(Reason::no_session);
  return *session;
}

Result<Asker> Identity::State::asker_of_session(const Session& session, Moment at) const {
  const Device& device = *session.device;
  // The epoch is read first: a revocation after this line is found by still_stands.
  const std::uint64_t epoch = epoch_of(device);
  if (device.revoked.load(std::memory_order_acquire)) return fail(Reason::revoked_device);
  const auto facts = device.account.facts();
  if (has_left(facts->record, at)) return fail(Reason::officer_left);
  return asker_of(*facts, &device, epoch);
}

// The counter is compared last and moved only by an assertion that is right in all else. One that
// did not grow is a signal of a copied key, not a proof: this assertion is refused, the other key
// works.
Result<Judged> Identity::State::settle_assertion(const Assertion& assertion, const Device& device,
                                                 std::string_view challenge, bool verification) {
  const auto facts = device.account.facts();
  auto judged = judge_assertion(assertion, device.record, facts->record.id, challenge, verification,
                                *ceremonies.rules());
  if (!judged) return judged;
  Device* const counted = book.device(device.record.thumbprint);
  insist(counted == &device);
  std::uint32_t stored = counted->counter.load(std::memory_order_acquire);
  do {
    if (judged->counter == 0 && stored == 0) return judged;
    if (judged->counter <= stored) return fail(Reason::counter_not_grown);
  } while (
      !counted->counter.compare_exchange_weak(stored, judged->counter, std::memory_order_acq_rel));
  const std::string key = counter_key(device.record.thumbprint);
  std::string sealed;
  vault.seal_house(kSealUse, key, encode_counter(judged->counter), sealed);
  storage::Batch batch;
  batch.put(storage::Table::accounts, key, sealed);
  // Unsynced: what a crash loses of it, the next entry's assertion moves on again.
  if (auto saved = store.write(batch, storage::Durability::buffered); !saved)
    return std::unexpected(saved.error());
  return judged;
}

Result<Asked> Identity::State::signed_by_session(const Request& request, std::string_view member,
                                                 Signing signing) {
  auto session = session_of(request);
  if (!session) return std::unexpected(session.error());
  auto asker = asker_of_session(*session, request.received);
  if (!asker) return std::unexpected(asker.error());
  // Nothing of the body is looked at before this line.
  auto asked = judge_signed(request, *session, asker->id, member, signing);
  if (!asked) {
    ceremonies.sessions.failed(session->id);
    return asked;
  }
  ceremonies.sessions.signed_well(session->id, *asked->verified == request.received,
                                  request.received);
  asked->asker = *std::move(asker);
  return asked;
}

Result<Asked> Identity::State::judge_signed(const Request& request, const Session& session,
                                            const std::string& account, std::string_view member,
                                            Signing signing) {
  auto body = read_body(request, kAssertionBody, {member, "assertion"});
  // A whole question with a cookie alone is told what it lacks.
  if (!body && body.error().reason == Reason::malformed_json) return fail(Reason::touch_missing);
  if (!body) return std::unexpected(body.error());
  auto nonce = bytes_member(*body, member, kNonceBytes);
  if (!nonce) return std::unexpected(nonce.error());
  // Taken away first: a failed attempt burns it.
  auto pending = ceremonies.pendings.take(*nonce, session.id, request.received);
  if (!pending) return std::unexpected(pending.error());
  if ((signing == Signing::question) != pending->question.has_value())
    return fail(Reason::pending_unknown);
  const net::Json* const value = body->find("assertion");
  auto assertion = value != nullptr ? read_assertion(*value)
                                    : fail(Reason::malformed_json, "assertion is missing");
  if (!assertion) return std::unexpected(assertion.error());
  const Device& device = *session.device;
  if (assertion->credential != device.record.credential) return fail(Reason::passkey_other);
  auto judged = settle_assertion(*assertion, device, pending->challenge, pending->verification);
  if (!judged) return std::unexpected(judged.error());
  Asked asked;
  asked.evidence = evidence_of(*pending, account, *assertion, device.record);
  if (pending->question) asked.question = *std::move(pending->question);
  asked.act = std::move(pending->act);
  asked.client = kClient;
  asked.received = request.received;
  asked.from = request.from;
  asked.proof = Proof::touch;
  asked.verified = judged->verified ? request.received : session.verified;
  return asked;
}

Result<PutForward> Identity::State::put_forward(Pending pending, const Session& session,
                                                std::vector<std::string> sentences, Moment at) {
  pending.account = session.device->record.account;
  pending.session = session.id;
  pending.expires = Moment{number(at) + kPendingLife};
  PutForward put;
  put.offer = offer_of(pending, *ceremonies.rules(), *session.device);
  put.canonical = pending.canonical;
  put.sentences = std::move(sentences);
  if (auto added = ceremonies.pendings.add(std::move(pending), at); !added)
    return std::unexpected(added.error());
  return put;
}

// How fresh the person's last verification must be, by the most sensitive field asked for.
bool Identity::State::wants_verification(const Question& question, const Session& session,
                                         Moment at) const {
  if (question.kind != QuestionKind::lookup && question.kind != QuestionKind::list) return true;
  const auto rules = ceremonies.rules();
  std::uint64_t most = kOrdinaryAge;
  for (const FieldId field : question.fields) {
    if (rules->verify_always.test(number(field))) return true;
    const Sensitivity sensitivity = fields[field].sensitivity;
    if (sensitivity == Sensitivity::secret_existence) return true;
    if (sensitivity == Sensitivity::sensitive) most = std::min(most, kSensitiveAge);
  }
  return number(at) >= number(session.verified) + most;
}

void Identity::speak(Speech speech) { state_->speech = std::move(speech); }

void Identity::use_passkeys(PasskeyRules rules) { state_->ceremonies.use(std::move(rules)); }

std::shared_ptr<const PasskeyRules> Identity::passkey_rules() const {
  return state_->ceremonies.rules();
}

Offer Identity::begin_sign_in(Moment at) const {
  Offer offer;
  offer.nonce = state_->ceremonies.sign_ins.make(at);
  offer.challenge = SignInNonces::challenge(offer.nonce);
  offer.rp_id = state_->ceremonies.rules()->rp_id;
  offer.expires = Moment{number(at) + kPendingLife};
  return offer;
}

Result<SignedIn> Identity::finish_sign_in(const Request& request) const {
  State& s = *state_;
  auto body = read_body(request, kAssertionBody, {"nonce", "assertion"});
  if (!body) return std::unexpected(body.error());
  auto nonce = bytes_member(*body, "nonce", kNonceBytes);
  if (!nonce) return std::unexpected(nonce.error());
  auto challenge = s.ceremonies.sign_ins.challenge_of(*nonce, request.received);
  if (!challenge) return std::unexpected(challenge.error());
  const net::Json* const value = body->find("assertion");
  if (value == nullptr) return fail(Reason::malformed_json, "assertion is missing");
  auto assertion = read_assertion(*value);
  if (!assertion) return std::unexpected(assertion.error());
  const Device* const device = s.book.passkey(assertion->credential);
  if (device == nullptr) return fail(Reason::passkey_unknown);
  // Nobody was named before, so that the authenticator itself must say whose key this is.
  if (!assertion->user_handle) return fail(Reason::user_handle_wrong);
  auto judged = s.settle_assertion(*assertion, *device, *challenge, true);
  if (!judged) return std::unexpected(judged.error());
  if (!s.ceremonies.sign_ins.use(*nonce, request.received)) return fail(Reason::pending_unknown);
  Session session;
  session.device = device;
  auto asker = s.asker_of_session(session, request.received);
  if (!asker) return std::unexpected(asker.error());
  const bool citizen = device->account.facts()->record.citizen;
  // Both keys first: whoever works with one is locked out when it is lost.
  if (!citizen && device->account.passkeys_ever() < kOfficerPasskeys)
    return fail(Reason::second_key_missing);
  SignedIn signed_in;
  signed_in.token = s.ceremonies.sessions.open(*device, citizen, request.received);
  if (signed_in.token.empty()) return fail(Reason::pending_full);
  session.citizen = citizen;
  session.used = request.received;
  signed_in.idle_until = idle_until(session);
  signed_in.ends = Moment{number(request.received) + kSessionLife};
  signed_in.asker = *std::move(asker);
  return signed_in;
}

Result<Caller> Identity::signed_in(const Request& request) const {
  auto session = state_->session_of(request);
  if (!session) return std::unexpected(session.error());
  auto asker = state_->asker_of_session(*session, request.received);
  if (!asker) return std::unexpected(asker.error());
  Caller::Content content;
  content.asker = *std::move(asker);
  content.client = kClient;
  content.received = request.received;
  content.from = request.from;
  content.verified = session->verified;
  return Caller(std::move(content));
}

void Identity::end_session(AccountId account, const Digest& thumbprint) const {
  const Device* device = state_->book.device(thumbprint);
  if (device == nullptr || device->record.account != account) return;
  state_->ceremonies.sessions.close_of(*device);
}

Result<void> Identity::sign_out(const Request& request) const {
  auto session = state_->session_of(request);
  if (!session) return std::unexpected(session.error());
  state_->ceremonies.sessions.close(session->id);
  return {};
}

Result<PutForward> Identity::put_question(const Request& request) const {
  State& s = *state_;
  auto session = s.session_of(request);
  if (!session) return std::unexpected(session.error());
  auto asker = s.asker_of_session(*session, request.received);
  if (!asker) return std::unexpected(asker.error());
  if (session->citizen) return fail(Reason::not_your_right, "questions");
  if (!is_json(request.header("content-type")) || !request.header("content-encoding").empty())
    return fail(Reason::wrong_media_type);
  auto question = parse_question(request.body, s.fields);
  if (!question) return std::unexpected(question.error());
  auto canonical = canonical_question(asker->id, kClient, *question, s.fields);
  if (!canonical) return std::unexpected(canonical.error());
  const bool urdu = request.header("accept-language").starts_with("ur");
  auto sentences = sentences_of(*asker, *question, {s.fields, s.speech}, urdu);
  Pending pending;
  pending.nonce = random_nonce();
  pending.challenge = challenge_of_question(pending.nonce, *canonical);
  pending.canonical = *std::move(canonical);
  pending.verification = s.wants_verification(*question, *session, request.received);
  pending.question = *std::move(question);
  return s.put_forward(std::move(pending), *session, std::move(sentences), request.received);
}

Result<PutForward> Identity::put_act(const Request& request) const {
  State& s = *state_;
  auto session = s.session_of(request);
  if (!session) return std::unexpected(session.error());
  auto asker = s.asker_of_session(*session, request.received);
  if (!asker) return std::unexpected(asker.error());
  auto body = read_body(request, kSmallBody, {"verb", "target", "subject", "reason", "until"});
  if (!body) return std::unexpected(body.error());
  auto act = read_act(*body);
  if (!act) return std::unexpected(act.error());
  auto canonical = canonical_act(*act);
  if (!canonical) return std::unexpected(canonical.error());
  const bool urdu = request.header("accept-language").starts_with("ur");
  auto sentences = sentences_of(*asker, *act, urdu);
  Pending pending;
  pending.nonce = random_nonce();
  pending.challenge = challenge_of_act(pending.nonce, *act, *canonical, asker->id);
  pending.canonical = *std::move(canonical);
  pending.act = *std::move(act);
  return s.put_forward(std::move(pending), *session, std::move(sentences), request.received);
}

Result<Caller> Identity::confirm(const Request& request) const {
  auto asked = state_->signed_by_session(request, "act", State::Signing::act);
  if (!asked) return std::unexpected(asked.error());
  return Caller(*std::move(asked));
}

Result<Caller> Identity::confirm_signed(std::string_view account_id, const Act& act,
                                        std::string_view certificate_pem,
                                        std::string_view signature_der) const {
  auto canonical = canonical_act(act);
  if (!canonical) return std::unexpected(canonical.error());
  const Account* const account = state_->book.account(account_id);
  if (account == nullptr) return fail(Reason::unknown_officer);
  const auto der = der_of_pem(certificate_pem);
  const Device* const device = der ? state_->book.device(crypto::sha256(*der)) : nullptr;
  if (device == nullptr || &device->account != account) return fail(Reason::unknown_device);
  const Moment at = now();
  if (at > device->record.not_after) return fail(Reason::expired_certificate);
  Session nobody;
  nobody.device = device;
  auto asker = state_->asker_of_session(nobody, at);
  if (!asker) return std::unexpected(asker.error());
  const auto key = crypto::point_of_certificate(*der);
  std::string message = "amanat/act/v1";
  message.push_back('\0');
  message += *canonical;
  if (!key || !crypto::verify_der(*key, crypto::bytes_of(message), crypto::bytes_of(signature_der)))
    return fail(Reason::act_signature_wrong);
  Caller::Content content;
  content.evidence.push_back(6);
  append_prefixed(content.evidence, *canonical);
  append_prefixed(content.evidence, asker->id);
  append_prefixed(content.evidence, *der);
  append_prefixed(content.evidence, signature_der);
  content.client = asker->id;
  content.asker = *std::move(asker);
  content.act = act;
  content.proof = Proof::signature;
  content.received = at;
  return Caller(std::move(content));
}

}  // namespace amanat::identity
