// What proves an entry's question to an outsider: the evidence in its opening taken apart into
// files that the OpenSSL command line reads (docs/callers.md), and what ties it to the public
// entry.

#include <array>
#include <cstring>
#include <optional>

#include "crypto/crypto.h"
#include "crypto/es256.h"
#include "ledger/entry.h"
#include "net/jose.h"
#include "net/json.h"
#include "server/exchange.h"
#include "server/state.h"
#include "server/verify_script.h"

namespace amanat::server {
namespace {

enum Kind : std::uint8_t { channel = 1, dpop = 2, message = 3, touch = 4, touched_act = 5 };

// Takes u32-prefixed parts off the front of the evidence.
class Parts {
 public:
  explicit Parts(std::string_view bytes) : rest_(bytes) {}
  std::string_view next() {
    if (rest_.size() < 4) return wrong();
    std::size_t size = 0;
    for (int i = 0; i < 4; ++i) size = size << 8 | static_cast<std::uint8_t>(rest_[i]);
    rest_.remove_prefix(4);
    if (rest_.size() < size) return wrong();
    const std::string_view part = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return part;
  }
  std::string_view rest() const { return rest_; }
  bool whole() const { return !broken_; }

 private:
  std::string_view wrong() {
    broken_ = true;
    rest_ = {};
    return {};
  }
  std::string_view rest_;
  bool broken_ = false;
};

using Files = std::vector<Document>;

void put(Files& files, std::string name, std::string_view content) {
  files.push_back({std::move(name), std::string(content)});
}

void put_key(Files& files, const crypto::EcPoint& point) {
  put(files, "key.pem", crypto::spki_pem(point));
  put(files, "key.jwk", net::canonical_jwk(point));
}

bool put_signature(Files& files, std::string_view raw) {
  crypto::Es256Signature signature;
  if (raw.size() != signature.size()) return false;
  std::memcpy(signature.data(), raw.data(), raw.size());
  put(files, "signature.der", crypto::der_signature(signature));
  return true;
}

bool put_dpop(Files& files, Parts parts) {
  const std::string_view proof = parts.next(), body = parts.next();
  const auto jws = parts.whole() ? net::parse_jws(proof) : fail(Reason::malformed_value);
  if (!jws || jws->header.find("jwk") == nullptr) return false;
  const auto point = net::read_jwk(*jws->header.find("jwk"));
  if (!point || !put_signature(files, crypto::text_of(jws->signature))) return false;
  put_key(files, *point);
  put(files, "signed.txt", jws->signing_input);
  put(files, "question.json", body);
  return true;
}

std::string pem_of(std::string_view der) {
  std::string pem = "-----BEGIN CERTIFICATE-----\n";
  const std::string text = crypto::base64(crypto::bytes_of(der));
  for (std::size_t at = 0; at < text.size(); at += 64) pem += text.substr(at, 64) + "\n";
  return pem + "-----END CERTIFICATE-----\n";
}

bool put_message(Files& files, Parts parts) {
  const std::string_view base = parts.next(), signature = parts.next(), certificate = parts.next(),
                         body = parts.next();
  const auto point = crypto::point_of_certificate(certificate);
  if (!parts.whole() || !point || !put_signature(files, signature)) return false;
  put_key(files, *point);
  put(files, "certificate.pem", pem_of(certificate));
  put(files, "certificate.der", certificate);
  put(files, "signed.txt", base);
  put(files, "question.json", body);
  return true;
}

// The one canonical form of an ES256 COSE key (RFC 9053 7.1.1): {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
std::optional<crypto::EcPoint> point_of_cose(std::string_view key) {
  constexpr std::string_view start("\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", 10);
  constexpr std::string_view between("\x22\x58\x20", 3);
  if (key.size() != start.size() + 32 + between.size() + 32 || !key.starts_with(start) ||
      key.substr(start.size() + 32, between.size()) != between)
    return std::nullopt;
  crypto::EcPoint point;
  std::memcpy(point.data(), key.data() + start.size(), 32);
  std::memcpy(point.data() + 32, key.data() + key.size() - 32, 32);
  return point;
}

bool put_touch(Files& files, Parts parts, bool act) {
  put(files, act ? "act.bin" : "question.bin", parts.next());
  if (act) put(files, "account.txt", parts.next());
  put(files, "nonce.bin", parts.next());
  put(files, "credential.bin", parts.next());
  const std::string_view key = parts.next(), data = parts.next(), client = parts.next(),
                         signature = parts.next();
  const auto point = point_of_cose(key);
  if (!parts.whole() || !point) return false;
  put_key(files, *point);
  put(files, "key.cose", key);
  put(files, "authenticatorData.bin", data);
  put(files, "clientData.json", client);
  put(files, "signature.der", signature);  // an authenticator writes DER (WebAuthn 6.5.6)
  std::string what(data);
  what += crypto::text_of(crypto::sha256(client));
  put(files, "signed.txt", what);
  return true;
}

// What ties the evidence to the public entry: the entry, the blinds of its two commitments, the
// bytes they commit to, and the part that holds the evidence's hash.
bool put_entry(Files& files, const ledger::Opened& opened, const Key256& slice_key) {
  ledger::Opening opening;
  opening.nonce = opened.nonce;
  opening.subject = opened.subject;
  opening.actor = opened.actor;
  opening.parts = opened.parts;
  opening.evidence = opened.evidence;
  const ledger::Commitments commitments = ledger::commit(slice_key, opening);
  const ledger::Blinds blinds = ledger::blinds_of(slice_key, opening);
  ledger::PublicEntry entry{opened.type,       opened.time,      commitments.subject,
                            commitments.actor, commitments.body, {}};
  if (ledger::entry_size(opened.type) != 106 || !opened.actor) return false;
  put(files, "entry.bin", ledger::encode_entry(entry));
  put(files, "actor.bin",
      std::string("amanat/actor/v1\0", 16) + ledger::canonical_actor(*opened.actor));
  put(files, "actor.blind", crypto::hex(blinds.actor));
  put(files, "body.bin",
      std::string("amanat/body/v1\0", 15) + ledger::canonical_body(slice_key, opening));
  put(files, "body.blind", crypto::hex(blinds.body));
  constexpr auto kPart = static_cast<std::size_t>(BodyPart::evidence_digest);
  std::string part("\x12");
  part += crypto::text_of(blinds.salts[kPart - 1]);
  part.push_back(static_cast<char>(kPart));
  part += opened.parts[kPart - 1];
  put(files, "part11.bin", part);
  put(files, "evidence.bin", opened.evidence);
  return true;
}

}  // namespace

Result<std::vector<Document>> Exchange::evidence(EntryIndex index) const {
  std::optional<ledger::Opened> opened;
  auto scanned = scan_ledger(index, [&](const ledger::Opened& one) {
    if (one.index == index) opened = one;
    return false;
  });
  if (!scanned) return std::unexpected(scanned.error());
  const std::string name = "entry " + std::to_string(number(index));
  if (!opened) return fail(Reason::no_record, name);
  if (opened->evidence.empty()) return fail(Reason::no_record, name + " keeps no evidence");
  auto key = state_->vault->slice_key(opened->slice_id);
  if (!key) return std::unexpected(key.error());
  Files files;
  const auto kind = static_cast<std::uint8_t>(opened->evidence[0]);
  const Parts parts{std::string_view(opened->evidence).substr(1)};
  bool read = false;
  if (kind == Kind::dpop) read = put_dpop(files, parts);
  if (kind == Kind::message) read = put_message(files, parts);
  if (kind == Kind::touch || kind == Kind::touched_act)
    read = put_touch(files, parts, kind == Kind::touched_act);
  if (kind == Kind::channel) {
    Parts body = parts;
    put(files, "question.json", body.next());
    read = body.whole();
  }
  if (!read || !put_entry(files, *opened, *key))
    return fail(Reason::no_record, name + " keeps no evidence of a question");
  if (auto receipt = state_->ledger->prove(index)) put(files, "receipt.tlog-proof", *receipt);
  put(files, "ledger.vkey", state_->ledger->vkey() + "\n");
  if (auto ca = storage::read_file(state_->home.ca_certificate(), 1 << 16))
    put(files, "ca.crt", *ca);
  put(files, "kind", std::to_string(kind) + "\n");
  put(files, "verify.sh", kVerifyScript);
  put(files, "README.txt", evidence_readme(kind, number(index)));
  return files;
}

}  // namespace amanat::server
