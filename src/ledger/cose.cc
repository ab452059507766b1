#include "ledger/cose.h"

#include <cstring>
#include <optional>

#include "ledger/proof.h"
#include "ledger/tree.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

// CBOR (RFC 8949): major types 0 unsigned, 1 negative, 2 bytes, 3 text, 4 array, 5 map, 6 tag.
void add_head(std::string& out, unsigned major, std::uint64_t value) {
  const auto first = [&](unsigned info) { out += static_cast<char>(major << 5 | info); };
  const auto bytes = [&](unsigned n) {
    for (unsigned i = n; i-- > 0;) out += static_cast<char>(value >> (8 * i));
  };
  if (value < 24) return first(static_cast<unsigned>(value));
  if (value <= 0xff) return first(24), bytes(1);
  if (value <= 0xffff) return first(25), bytes(2);
  if (value <= 0xffffffff) return first(26), bytes(4);
  first(27), bytes(8);
}
void add_bytes(std::string& out, std::string_view bytes) {
  add_head(out, 2, bytes.size());
  out += bytes;
}

constexpr std::uint64_t kSign1Tag = 18, kAlg = 1, kVds = 395, kVdp = 396, kRfc9162Sha256 = 1;
constexpr std::uint64_t kEdDsa = 8 - 1;                    // -8 as a negative integer's argument
constexpr std::uint64_t kInclusion = 0, kConsistency = 1;  // -1 and -2
constexpr char kNull = '\xf6';

// {1: -8, 395: 1}
std::string protected_header() {
  std::string out;
  add_head(out, 5, 2);
  add_head(out, 0, kAlg);
  add_head(out, 1, kEdDsa);
  add_head(out, 0, kVds);
  add_head(out, 0, kRfc9162Sha256);
  return out;
}

// Sig_structure (RFC 9052 section 4.4): ["Signature1", protected, external_aad, payload].
std::string to_be_signed(std::string_view header, const Digest& root) {
  std::string out;
  add_head(out, 4, 4);
  add_head(out, 3, 10);
  out += "Signature1";
  add_bytes(out, header);
  add_bytes(out, "");
  add_bytes(out, crypto::text_of(root));
  return out;
}

std::string receipt_of(const crypto::Ed25519Signer& key, std::uint64_t kind, std::uint64_t first,
                       std::uint64_t second, std::span<const Digest> path, const Digest& root) {
  insist(!path.empty() && path.size() <= kProofHashesMax);
  std::string proof;
  add_head(proof, 4, 3);
  add_head(proof, 0, first);
  add_head(proof, 0, second);
  add_head(proof, 4, path.size());
  for (const Digest& hash : path) add_bytes(proof, crypto::text_of(hash));

  const std::string header = protected_header();
  std::string out;
  add_head(out, 6, kSign1Tag);
  add_head(out, 4, 4);
  add_bytes(out, header);
  add_head(out, 5, 1);  // {396: {-1: [proof]}}
  add_head(out, 0, kVdp);
  add_head(out, 5, 1);
  add_head(out, 1, kind);
  add_head(out, 4, 1);
  add_bytes(out, proof);
  out += kNull;  // the payload is detached
  add_bytes(out, crypto::text_of(key.sign(crypto::bytes_of(to_be_signed(header, root)))));
  return out;
}

// Reader takes CBOR apart; only the shortest form of each head is read.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool head(unsigned major, std::uint64_t& value) {
    if (rest_.empty()) return false;
    const auto first = static_cast<std::uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    if (first >> 5 != major) return false;
    const unsigned info = first & 31;
    if (info < 24) return value = info, true;
    if (info > 27) return false;
    const unsigned n = 1u << (info - 24);
    if (rest_.size() < n) return false;
    value = 0;
    for (unsigned i = 0; i < n; ++i) value = value << 8 | static_cast<std::uint8_t>(rest_[i]);
    rest_.remove_prefix(n);
    const std::uint64_t least = n == 1 ? 24 : std::uint64_t{1} << (4 * n);
    return value >= least;
  }
  bool exactly(unsigned major, std::uint64_t wanted) {
    std::uint64_t value = 0;
    return head(major, value) && value == wanted;
  }
  bool bytes(std::string_view& out) {
    std::uint64_t n = 0;
    if (!head(2, n) || n > rest_.size()) return false;
    out = rest_.substr(0, static_cast<std::size_t>(n));
    rest_.remove_prefix(out.size());
    return true;
  }
  bool null() {
    if (rest_.empty() || rest_[0] != kNull) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

bool parse_proof(std::string_view bytes, CoseReceipt& out) {
  Reader r(bytes);
  std::uint64_t first = 0, second = 0, n = 0;
  if (!r.exactly(4, 3) || !r.head(0, first) || !r.head(0, second) || !r.head(4, n) || n == 0 ||
      n > kProofHashesMax)
    return false;
  out.size = out.inclusion ? first : second;
  out.other = out.inclusion ? second : first;
  for (std::uint64_t i = 0; i < n; ++i) {
    std::string_view hash;
    if (!r.bytes(hash) || hash.size() != sizeof(Digest)) return false;
    std::memcpy(out.path.emplace_back().data(), hash.data(), hash.size());
  }
  return r.at_end();
}

bool parse(std::string_view bytes, CoseReceipt& out) {
  Reader r(bytes);
  std::string_view header, proof, signature;
  std::uint64_t kind = 0;
  if (!r.exactly(6, kSign1Tag) || !r.exactly(4, 4) || !r.bytes(header) ||
      header != protected_header() || !r.exactly(5, 1) || !r.exactly(0, kVdp) || !r.exactly(5, 1) ||
      !r.head(1, kind) || kind > kConsistency || !r.exactly(4, 1) || !r.bytes(proof) || !r.null() ||
      !r.bytes(signature) || signature.size() != out.signature.size() || !r.at_end())
    return false;
  out.inclusion = kind == kInclusion;
  out.protected_bytes = header;
  std::memcpy(out.signature.data(), signature.data(), signature.size());
  return parse_proof(proof, out);
}

}  // namespace

std::string cose_inclusion(const crypto::Ed25519Signer& key, std::uint64_t size,
                           std::uint64_t index, std::span<const Digest> path, const Digest& root) {
  return receipt_of(key, kInclusion, size, index, path, root);
}

std::string cose_consistency(const crypto::Ed25519Signer& key, std::uint64_t older,
                             std::uint64_t newer, std::span<const Digest> path,
                             const Digest& newer_root) {
  return receipt_of(key, kConsistency, older, newer, path, newer_root);
}

Result<CoseReceipt> parse_cose(std::string_view bytes) {
  CoseReceipt out;
  if (bytes.size() > 8192 || !parse(bytes, out))
    return fail(Reason::note_malformed, "not a COSE receipt of this form");
  return out;
}

Result<CoseReceipt> verify_cose_inclusion(std::string_view bytes, const Digest& leaf,
                                          const crypto::Ed25519Public& key) {
  auto receipt = parse_cose(bytes);
  if (!receipt) return receipt;
  if (!receipt->inclusion) return fail(Reason::ledger_proof_wrong, "it proves consistency");
  const auto root = inclusion_root(receipt->other, receipt->size, leaf, receipt->path);
  if (!root) return fail(Reason::ledger_proof_wrong, "the path has the wrong number of hashes");
  if (!crypto::ed25519_verify(key, crypto::bytes_of(to_be_signed(receipt->protected_bytes, *root)),
                              receipt->signature))
    return fail(Reason::note_signature_wrong, "the path leads to a root that was not signed");
  return receipt;
}

}  // namespace amanat::ledger
