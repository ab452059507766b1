#include "crypto/vrf.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>

#include "model/insist.h"

namespace amanat::crypto {
namespace {

constexpr std::size_t kPoint = crypto_core_ristretto255_BYTES;
constexpr std::size_t kScalar = crypto_core_ristretto255_SCALARBYTES;
constexpr std::size_t kWide = crypto_core_ristretto255_NONREDUCEDSCALARBYTES;
static_assert(kPoint == 32 && kScalar == 32 && kWide == 64);

using Point = std::array<std::uint8_t, kPoint>;
using Scalar = std::array<std::uint8_t, kScalar>;
using Wide = std::array<std::uint8_t, kWide>;

constexpr std::string_view kSuite(
    "\xff"
    "c2sp.org/vrf-r255");

// The suite's hashes all begin with its name and one byte that says what is hashed.
class Sha512 {
 public:
  explicit Sha512(std::uint8_t purpose) {
    crypto_hash_sha512_init(&state_);
    add(bytes_of(kSuite));
    add(Bytes(&purpose, 1));
  }
  ~Sha512() { sodium_memzero(&state_, sizeof state_); }
  Sha512& add(Bytes data) {
    crypto_hash_sha512_update(&state_, data.data(), data.size());
    return *this;
  }
  Wide finish() {
    Wide out;
    crypto_hash_sha512_final(&state_, out.data());
    return out;
  }

 private:
  crypto_hash_sha512_state state_;
};

Point hash_to_group(const VrfPublic& key, Bytes alpha) {
  const Wide wide = Sha512(0x82).add(key).add(alpha).finish();
  Point point;
  const int done = crypto_core_ristretto255_from_hash(point.data(), wide.data());
  insist(done == 0);
  return point;
}

Scalar challenge(const VrfPublic& key, const Point& h, const Point& gamma, const Point& u,
                 const Point& v) {
  const std::uint8_t zero = 0;
  const Wide hash =
      Sha512(0x02).add(key).add(h).add(gamma).add(u).add(v).add(Bytes(&zero, 1)).finish();
  Scalar c{};
  std::copy_n(hash.begin(), 16, c.begin());
  return c;
}

VrfOutput beta_of(const Point& gamma) {
  const std::uint8_t zero = 0;
  return Sha512(0x03).add(gamma).add(Bytes(&zero, 1)).finish();
}

bool is_reduced(const Scalar& s) {
  // Reducing a scalar below the order changes nothing.
  Wide wide{};
  std::copy(s.begin(), s.end(), wide.begin());
  Scalar reduced;
  crypto_core_ristretto255_scalar_reduce(reduced.data(), wide.data());
  return sodium_memcmp(reduced.data(), s.data(), kScalar) == 0;
}

// a*A - b*B, or nothing where libsodium refuses (an invalid encoding, or the identity as factor).
std::optional<Point> combine(const Scalar& a, const Point* base, const Scalar& b,
                             const Point& other) {
  Point left, right, out;
  const int l = base == nullptr
                    ? crypto_scalarmult_ristretto255_base(left.data(), a.data())
                    : crypto_scalarmult_ristretto255(left.data(), a.data(), base->data());
  if (l != 0) return std::nullopt;
  if (crypto_scalarmult_ristretto255(right.data(), b.data(), other.data()) != 0)
    return std::nullopt;
  if (crypto_core_ristretto255_sub(out.data(), left.data(), right.data()) != 0) return std::nullopt;
  return out;
}

}  // namespace

VrfKey VrfKey::from_seed(const Key256& seed) {
  Wide wide = Sha512(0x80).add(seed.bytes()).finish();
  Key256 scalar;
  crypto_core_ristretto255_scalar_reduce(scalar.mutable_bytes().data(), wide.data());
  wipe(wide.data(), wide.size());
  auto key = from_scalar(scalar);
  insist(key.has_value());  // zero once in 2^252
  return *std::move(key);
}

std::optional<VrfKey> VrfKey::from_scalar(const Key256& scalar) {
  insist(sodium_init() >= 0);
  Scalar copy;
  std::copy(scalar.bytes().begin(), scalar.bytes().end(), copy.begin());
  const bool fine = is_reduced(copy) && sodium_is_zero(copy.data(), kScalar) == 0;
  wipe(copy.data(), copy.size());
  if (!fine) return std::nullopt;
  VrfKey key;
  key.scalar_ = scalar;
  const int done = crypto_scalarmult_ristretto255_base(key.public_.data(), scalar.bytes().data());
  insist(done == 0);
  return key;
}

VrfOutput VrfKey::output(Bytes alpha) const {
  const Point h = hash_to_group(public_, alpha);
  Point gamma;
  const int done = crypto_scalarmult_ristretto255(gamma.data(), scalar_.bytes().data(), h.data());
  insist(done == 0);
  return beta_of(gamma);
}

VrfProof VrfKey::prove(Bytes alpha) const {
  const Point h = hash_to_group(public_, alpha);
  Point gamma, u, v;
  int done = crypto_scalarmult_ristretto255(gamma.data(), scalar_.bytes().data(), h.data());
  insist(done == 0);
  Wide wide = Sha512(0x81).add(scalar_.bytes()).add(h).finish();
  Scalar k;
  crypto_core_ristretto255_scalar_reduce(k.data(), wide.data());
  done = crypto_scalarmult_ristretto255_base(u.data(), k.data());
  insist(done == 0);
  done = crypto_scalarmult_ristretto255(v.data(), k.data(), h.data());
  insist(done == 0);
  const Scalar c = challenge(public_, h, gamma, u, v);
  Scalar cx, s;
  crypto_core_ristretto255_scalar_mul(cx.data(), c.data(), scalar_.bytes().data());
  crypto_core_ristretto255_scalar_add(s.data(), k.data(), cx.data());
  VrfProof proof;
  std::copy(gamma.begin(), gamma.end(), proof.begin());
  std::copy_n(c.begin(), 16, proof.begin() + 32);
  std::copy(s.begin(), s.end(), proof.begin() + 48);
  wipe(wide.data(), wide.size());
  wipe(k.data(), k.size());
  wipe(cx.data(), cx.size());
  return proof;
}

std::optional<VrfOutput> vrf_verify(const VrfPublic& key, Bytes alpha, const VrfProof& proof) {
  insist(sodium_init() >= 0);
  Point gamma, public_point;
  Scalar c{}, s;
  std::copy_n(proof.begin(), 32, gamma.begin());
  std::copy_n(proof.begin() + 32, 16, c.begin());
  std::copy_n(proof.begin() + 48, 32, s.begin());
  std::copy(key.begin(), key.end(), public_point.begin());
  if (!is_reduced(s) || crypto_core_ristretto255_is_valid_point(gamma.data()) != 1 ||
      crypto_core_ristretto255_is_valid_point(key.data()) != 1 ||
      sodium_is_zero(key.data(), key.size()) != 0)
    return std::nullopt;
  const Point h = hash_to_group(key, alpha);
  const auto u = combine(s, nullptr, c, public_point);
  const auto v = combine(s, &h, c, gamma);
  if (!u || !v) return std::nullopt;
  const Scalar again = challenge(key, h, gamma, *u, *v);
  if (sodium_memcmp(again.data(), c.data(), kScalar) != 0) return std::nullopt;
  return beta_of(gamma);
}

}  // namespace amanat::crypto
