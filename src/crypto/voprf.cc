#include "crypto/voprf.h"

#include <sodium.h>

#include <cstring>

#include "model/insist.h"

// RFC 9497 over ristretto255 with SHA-512 (its sections 2.2, 3.2, 3.3.2 and 4.1); hashing to the
// group and to scalars is expand_message_xmd of RFC 9380, 5.3.1. Scalars are little-endian.

namespace amanat::crypto {
namespace {

using Wide = std::array<std::uint8_t, 64>;
using Point = VoprfElement;

// contextString: "OPRFV1-" || mode 0x01 || "-ristretto255-SHA512".
#define AMANAT_VOPRF_CONTEXT \
  "OPRFV1-"                  \
  "\x01"                     \
  "-ristretto255-SHA512"
constexpr std::string_view kHashToGroup = "HashToGroup-" AMANAT_VOPRF_CONTEXT;
constexpr std::string_view kHashToScalar = "HashToScalar-" AMANAT_VOPRF_CONTEXT;
constexpr std::string_view kDeriveKeyPair = "DeriveKeyPair" AMANAT_VOPRF_CONTEXT;
constexpr std::string_view kSeed = "Seed-" AMANAT_VOPRF_CONTEXT;
#undef AMANAT_VOPRF_CONTEXT

class Sha512 {
 public:
  Sha512() { crypto_hash_sha512_init(&state_); }
  ~Sha512() { sodium_memzero(&state_, sizeof state_); }
  Sha512& add(Bytes data) {
    crypto_hash_sha512_update(&state_, data.data(), data.size());
    return *this;
  }
  Sha512& add(std::string_view text) { return add(bytes_of(text)); }
  Sha512& u8(unsigned n) {
    const std::uint8_t byte = static_cast<std::uint8_t>(n);
    return add(Bytes(&byte, 1));
  }
  Sha512& u16(std::size_t n) {
    insist(n <= 0xffff);
    return u8(static_cast<unsigned>(n >> 8)).u8(static_cast<unsigned>(n & 0xff));
  }
  Sha512& framed(Bytes data) { return u16(data.size()).add(data); }
  Wide finish() {
    Wide out;
    crypto_hash_sha512_final(&state_, out.data());
    return out;
  }

 private:
  crypto_hash_sha512_state state_;
};

// expand_message_xmd to 64 bytes: one block of SHA-512, so b_1 is all of it.
Wide expanded(std::initializer_list<Bytes> message, std::string_view tag) {
  insist(tag.size() <= 255);
  static constexpr std::array<std::uint8_t, 128> kBlock{};
  Sha512 first;
  first.add(kBlock);
  for (const Bytes part : message) first.add(part);
  first.u16(64).u8(0).add(tag).u8(static_cast<unsigned>(tag.size()));
  Wide b0 = first.finish();
  const Wide out = Sha512().add(b0).u8(1).add(tag).u8(static_cast<unsigned>(tag.size())).finish();
  wipe(b0.data(), b0.size());
  return out;
}

std::optional<Point> hash_to_group(Bytes input) {
  const Wide wide = expanded({input}, kHashToGroup);
  Point point;
  const int done = crypto_core_ristretto255_from_hash(point.data(), wide.data());
  insist(done == 0);
  if (sodium_is_zero(point.data(), point.size()) != 0) return std::nullopt;  // the identity
  return point;
}

Key256 hash_to_scalar(std::initializer_list<Bytes> message, std::string_view tag) {
  Wide wide = expanded(message, tag);
  Key256 scalar;
  crypto_core_ristretto255_scalar_reduce(scalar.mutable_bytes().data(), wide.data());
  wipe(wide.data(), wide.size());
  return scalar;
}

bool is_zero(const Key256& scalar) {
  return sodium_is_zero(scalar.bytes().data(), scalar.bytes().size()) != 0;
}

// libsodium refuses invalid encodings and the identity as result.
std::optional<Point> times(const Key256& scalar, const Point& point) {
  Point out;
  if (crypto_scalarmult_ristretto255(out.data(), scalar.bytes().data(), point.data()) != 0)
    return std::nullopt;
  return out;
}
std::optional<Point> times_base(const Key256& scalar) {
  Point out;
  if (crypto_scalarmult_ristretto255_base(out.data(), scalar.bytes().data()) != 0)
    return std::nullopt;
  return out;
}
std::optional<Point> sum(const std::optional<Point>& a, const std::optional<Point>& b) {
  Point out;
  if (!a || !b || crypto_core_ristretto255_add(out.data(), a->data(), b->data()) != 0)
    return std::nullopt;
  return out;
}

Key256 random_scalar() {
  Key256 scalar;
  crypto_core_ristretto255_scalar_random(scalar.mutable_bytes().data());
  return scalar;
}

// The composites of a batch of one (2.2.1): d = H(seed || 0 || C || D), M = d*C, Z = d*D.
Key256 composite_factor(const Point& server, const Point& c, const Point& d) {
  const Wide seed = Sha512().framed(server).framed(bytes_of(kSeed)).finish();
  const std::array<std::uint8_t, 2> seed_size{0, 64}, element_size{0, 32}, index{0, 0};
  return hash_to_scalar(
      {seed_size, seed, index, element_size, c, element_size, d, bytes_of("Composite")},
      kHashToScalar);
}

Key256 challenge(const Point& server, const Point& m, const Point& z, const Point& t2,
                 const Point& t3) {
  const std::array<std::uint8_t, 2> size{0, 32};
  return hash_to_scalar({size, server, size, m, size, z, size, t2, size, t3, bytes_of("Challenge")},
                        kHashToScalar);
}

// Of a scalar sent to us: reduced, or the proof had several spellings.
bool is_reduced(std::span<const std::uint8_t, 32> scalar) {
  Wide wide{};
  std::memcpy(wide.data(), scalar.data(), 32);
  std::array<std::uint8_t, 32> reduced;
  crypto_core_ristretto255_scalar_reduce(reduced.data(), wide.data());
  return std::memcmp(reduced.data(), scalar.data(), 32) == 0;
}

}  // namespace

std::optional<VoprfKey> VoprfKey::derive(const Key256& seed, Bytes info) {
  insist(sodium_init() >= 0);
  if (info.size() > 0xffff) return std::nullopt;
  const std::array<std::uint8_t, 2> size{static_cast<std::uint8_t>(info.size() >> 8),
                                         static_cast<std::uint8_t>(info.size() & 0xff)};
  for (unsigned counter = 0; counter <= 255; ++counter) {
    const auto byte = static_cast<std::uint8_t>(counter);
    VoprfKey key;
    key.scalar_ = hash_to_scalar({seed.bytes(), size, info, Bytes(&byte, 1)}, kDeriveKeyPair);
    if (is_zero(key.scalar_)) continue;
    const auto point = times_base(key.scalar_);
    insist(point.has_value());
    key.public_ = *point;
    return key;
  }
  return std::nullopt;
}

std::optional<VoprfKey::Evaluated> VoprfKey::evaluate(const VoprfElement& blinded,
                                                      const Key256* nonce) const {
  const auto element = times(scalar_, blinded);
  if (!element) return std::nullopt;
  Evaluated out;
  out.element = *element;
  const Key256 factor = composite_factor(public_, blinded, *element);
  const auto m = times(factor, blinded);
  if (!m) return std::nullopt;
  const auto z = times(scalar_, *m);
  const Key256 r = nonce != nullptr ? *nonce : random_scalar();
  const auto t2 = times_base(r), t3 = times(r, *m);
  if (!z || !t2 || !t3) return std::nullopt;
  const Key256 c = challenge(public_, *m, *z, *t2, *t3);
  Key256 product, s;
  crypto_core_ristretto255_scalar_mul(product.mutable_bytes().data(), c.bytes().data(),
                                      scalar_.bytes().data());
  crypto_core_ristretto255_scalar_sub(s.mutable_bytes().data(), r.bytes().data(),
                                      product.bytes().data());
  std::memcpy(out.proof.data(), c.bytes().data(), 32);
  std::memcpy(out.proof.data() + 32, s.bytes().data(), 32);
  return out;
}

std::optional<VoprfBlinded> voprf_blind(Bytes input, const Key256* blind) {
  insist(sodium_init() >= 0);
  const auto point = hash_to_group(input);
  if (!point) return std::nullopt;
  VoprfBlinded out;
  out.blind = blind != nullptr ? *blind : random_scalar();
  const auto element = times(out.blind, *point);
  if (!element) return std::nullopt;
  out.element = *element;
  return out;
}

std::optional<VoprfElement> voprf_element(Bytes input) {
  insist(sodium_init() >= 0);
  return hash_to_group(input);
}

bool voprf_verify(const VoprfElement& server, const VoprfElement& blinded,
                  const VoprfKey::Evaluated& evaluated) {
  insist(sodium_init() >= 0);
  const auto c_bytes = std::span(evaluated.proof).first<32>();
  const auto s_bytes = std::span(evaluated.proof).last<32>();
  if (!is_reduced(c_bytes) || !is_reduced(s_bytes)) return false;
  const Key256 c(c_bytes), s(s_bytes);
  const Key256 factor = composite_factor(server, blinded, evaluated.element);
  const auto m = times(factor, blinded), z = times(factor, evaluated.element);
  if (!m || !z) return false;
  const auto t2 = sum(times_base(s), times(c, server));
  const auto t3 = sum(times(s, *m), times(c, *z));
  if (!t2 || !t3) return false;
  const Key256 expected = challenge(server, *m, *z, *t2, *t3);
  return equal(expected.bytes(), c.bytes());
}

std::optional<Key256> voprf_unblind(const VoprfBlinded& blinded, const VoprfElement& server,
                                    const VoprfKey::Evaluated& evaluated) {
  if (!voprf_verify(server, blinded.element, evaluated)) return std::nullopt;
  Key256 inverse;
  if (crypto_core_ristretto255_scalar_invert(inverse.mutable_bytes().data(),
                                             blinded.blind.bytes().data()) != 0)
    return std::nullopt;
  const auto z = times(inverse, evaluated.element);
  if (!z) return std::nullopt;
  return Key256(*z);
}

VoprfOutput voprf_output(Bytes input, const Key256& unblinded) {
  return Sha512().framed(input).framed(unblinded.bytes()).add("Finalize").finish();
}

}  // namespace amanat::crypto
