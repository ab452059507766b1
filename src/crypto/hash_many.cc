// The low-level SHA256_* calls, as in sha256.cc: the portable way to feed a block to a state.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/hash_many.h"

#include <openssl/sha.h>
#include <time.h>

#include <algorithm>
#include <bit>
#include <utility>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#include "model/insist.h"

namespace amanat::crypto {
namespace {

constexpr ShaState kShaStart{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                             0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
constexpr std::size_t kTogether = 64;  // messages: as many as stay in the first cache

// The padding of FIPS 180-4 section 5.1.1 after `bytes` of a message that began `before` bytes
// earlier.
void pad(std::uint8_t* block, std::size_t bytes, std::size_t room, std::size_t before = 0) {
  std::memset(block + bytes, 0, room - bytes);
  block[bytes] = 0x80;
  const std::uint64_t bits = (before + bytes) * 8;
  for (std::size_t i = 0; i < 8; ++i)
    block[room - 1 - i] = static_cast<std::uint8_t>(bits >> (8 * i));
}

void compress_portable(ShaState& state, const std::uint8_t* blocks, std::size_t each) {
  SHA256_CTX context;
  SHA256_Init(&context);
  for (std::size_t i = 0; i < 8; ++i) context.h[i] = state[i];
  for (std::size_t i = 0; i < each; ++i) SHA256_Transform(&context, blocks + i * kShaBlock);
  for (std::size_t i = 0; i < 8; ++i) state[i] = context.h[i];
}

#if defined(__x86_64__)

// FIPS 180-4 section 4.2.2.
alignas(16) constexpr std::uint32_t kRound[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// Lane is one message's share of the registers: the state in the instructions' order (ABEF, CDGH)
// and the last sixteen words of the schedule.
struct Lane {
  __m128i abef, cdgh, abef_before, cdgh_before, w[4];
};

#define AMANAT_SHA __attribute__((target("sha,sse4.1,ssse3"), always_inline)) inline

AMANAT_SHA void load(Lane& l, const ShaState& state) {
  const auto* const words = reinterpret_cast<const __m128i*>(state.data());
  const __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128(words), 0xb1);
  const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(words + 1), 0x1b);
  l.abef = _mm_alignr_epi8(cdab, efgh, 8);
  l.cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
}

AMANAT_SHA void store(const Lane& l, ShaState& state) {
  const __m128i feba = _mm_shuffle_epi32(l.abef, 0x1b), dchg = _mm_shuffle_epi32(l.cdgh, 0xb1);
  auto* const words = reinterpret_cast<__m128i*>(state.data());
  _mm_storeu_si128(words, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(words + 1, _mm_alignr_epi8(dchg, feba, 8));
}

AMANAT_SHA void begin_block(Lane& l, const std::uint8_t* block) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  const auto* const words = reinterpret_cast<const __m128i*>(block);
  for (int i = 0; i < 4; ++i) l.w[i] = _mm_shuffle_epi8(_mm_loadu_si128(words + i), swap);
  l.abef_before = l.abef;
  l.cdgh_before = l.cdgh;
}

// Four rounds, and the four words of the schedule that sixteen rounds later need.
template <int kStep>
AMANAT_SHA void rounds(Lane& l) {
  const __m128i k = _mm_load_si128(reinterpret_cast<const __m128i*>(kRound) + kStep);
  const __m128i wk = _mm_add_epi32(l.w[kStep % 4], k);
  l.cdgh = _mm_sha256rnds2_epu32(l.cdgh, l.abef, wk);
  if constexpr (kStep < 12) {
    const __m128i w1 = l.w[(kStep + 1) % 4], w2 = l.w[(kStep + 2) % 4], w3 = l.w[(kStep + 3) % 4];
    __m128i w = _mm_sha256msg1_epu32(l.w[kStep % 4], w1);
    w = _mm_add_epi32(w, _mm_alignr_epi8(w3, w2, 4));
    l.w[kStep % 4] = _mm_sha256msg2_epu32(w, w3);
  }
  l.abef = _mm_sha256rnds2_epu32(l.abef, l.cdgh, _mm_shuffle_epi32(wk, 0x0e));
}

AMANAT_SHA void end_block(Lane& l) {
  l.abef = _mm_add_epi32(l.abef, l.abef_before);
  l.cdgh = _mm_add_epi32(l.cdgh, l.cdgh_before);
}

template <int kStep = 0>
AMANAT_SHA void all_rounds(Lane& a, Lane& b) {
  rounds<kStep>(a);
  rounds<kStep>(b);
  if constexpr (kStep < 15) all_rounds<kStep + 1>(a, b);
}

__attribute__((target("sha,sse4.1,ssse3"))) void compress_two(ShaState& first, ShaState& second,
                                                              const std::uint8_t* of_first,
                                                              const std::uint8_t* of_second,
                                                              std::size_t each) {
  Lane a, b;
  load(a, first);
  load(b, second);
  for (std::size_t i = 0; i < each; ++i) {
    begin_block(a, of_first + i * kShaBlock);
    begin_block(b, of_second + i * kShaBlock);
    all_rounds(a, b);
    end_block(a);
    end_block(b);
  }
  store(a, first);
  store(b, second);
}

#undef AMANAT_SHA

bool has_sha_instructions() {
  static const bool has = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0) return false;
    const bool sse = (c & bit_SSSE3) != 0 && (c & bit_SSE4_1) != 0;
    return sse && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
  }();
  return has;
}

#endif

// Feeds `each` blocks into every state: those of states[i] begin at blocks + i * each * kShaBlock.
void compress_many(std::span<ShaState> states, const std::uint8_t* blocks, std::size_t each) {
  std::size_t i = 0;
  const std::size_t stride = each * kShaBlock;
#if defined(__x86_64__)
  if (has_sha_instructions()) {
    for (; i + 1 < states.size(); i += 2)
      compress_two(states[i], states[i + 1], blocks + i * stride, blocks + (i + 1) * stride, each);
    if (i < states.size()) {  // the odd one takes no longer with another beside it
      ShaState other = states[i];
      compress_two(states[i], other, blocks + i * stride, blocks + i * stride, each);
      wipe(other.data(), sizeof other);
      ++i;
    }
  }
#endif
  for (; i < states.size(); ++i) compress_portable(states[i], blocks + i * stride, each);
}

// What a state is after a padded message's last block.
void put_digest(const ShaState& state, std::uint8_t* to) {
  for (std::size_t i = 0; i < 8; ++i) {
    const std::uint32_t word = __builtin_bswap32(state[i]);
    static_assert(std::endian::native == std::endian::little);
    std::memcpy(to + 4 * i, &word, 4);
  }
}

}  // namespace

HashMany::HashMany(std::size_t message_bytes)
    : bytes_(message_bytes), each_((message_bytes + 9 + kShaBlock - 1) / kShaBlock) {
  insist(message_bytes > 0);
}

void HashMany::make_room() {
  if (room_ == kTogether) return hash();
  // Only the message changes from use to use: what pads it is written once.
  const std::size_t block = each_ * kShaBlock, had = room_;
  room_ = std::min(kTogether, std::max<std::size_t>(16, 2 * had));
  blocks_.resize(room_ * block);
  for (std::size_t i = had; i < room_; ++i) pad(blocks_.data() + i * block, bytes_, block);
}

void HashMany::hash() {
  if (digests_.size() < count()) digests_.resize(std::max(count(), 2 * digests_.size()));
  std::array<ShaState, 8> states;
  for (std::size_t i = 0; i < waiting_; i += states.size()) {
    const auto some = std::span(states).first(std::min(states.size(), waiting_ - i));
    std::fill(some.begin(), some.end(), kShaStart);
    compress_many(some, blocks_.data() + i * each_ * kShaBlock, each_);
    for (const ShaState& state : some) put_digest(state, digests_[done_++].data());
  }
  waiting_ = 0;
}

std::span<const Digest> HashMany::finish() {
  hash();
  finished_.swap(digests_);
  return std::span<const Digest>(finished_).first(std::exchange(done_, 0));
}

HmacMany::HmacMany(std::size_t message_bytes) : bytes_(message_bytes) {
  insist(message_bytes > 0 && message_bytes <= kShaBlock - 9);
}

HmacMany::HmacMany(std::size_t message_bytes, const Key256& key_of_all) : HmacMany(message_bytes) {
  Digest key;
  std::memcpy(key.data(), key_of_all.bytes().data(), key.size());
  add(key);
  begin();
  wipe(key.data(), key.size());
  inner_of_all_ = inner_[0];
  outer_of_all_ = outer_[0];
  wipe(keys_.data(), keys_.size());
  waiting_ = 0;
  one_key_ = true;
}

HmacMany::~HmacMany() {
  wipe(keys_.data(), keys_.size());
  wipe(messages_.data(), messages_.size());
  wipe(inner_.data(), inner_.size() * sizeof(ShaState));
  wipe(outer_.data(), outer_.size() * sizeof(ShaState));
  wipe(inner_of_all_.data(), sizeof(ShaState));
  wipe(outer_of_all_.data(), sizeof(ShaState));
}

std::uint8_t* HmacMany::place() {
  if (messages_.empty()) messages_.resize(kTogether * kShaBlock);
  std::uint8_t* const block = messages_.data() + waiting_++ * kShaBlock;
  pad(block, bytes_, kShaBlock, kShaBlock);
  return block;
}

std::uint8_t* HmacMany::add() {
  insist(one_key_);
  if (waiting_ == kTogether) hash();
  return place();
}

std::uint8_t* HmacMany::add(const Digest& key) {
  insist(!one_key_);
  if (waiting_ == kTogether) hash();
  if (keys_.empty()) keys_.resize(kTogether * kShaBlock);
  std::uint8_t* const block = keys_.data() + waiting_ * kShaBlock;
  std::memcpy(block, key.data(), key.size());
  std::memset(block + key.size(), 0, kShaBlock - key.size());
  return place();
}

// The states after the keys' blocks.
void HmacMany::begin() {
  inner_.resize(kTogether);
  outer_.resize(kTogether);
  const auto inner = std::span(inner_).first(waiting_), outer = std::span(outer_).first(waiting_);
  std::fill(inner.begin(), inner.end(), one_key_ ? inner_of_all_ : kShaStart);
  std::fill(outer.begin(), outer.end(), one_key_ ? outer_of_all_ : kShaStart);
  if (one_key_) return;
  const auto pads = [this](std::uint8_t with) {
    for (std::size_t i = 0; i < waiting_ * kShaBlock; ++i) keys_[i] ^= with;
  };
  pads(0x36);
  compress_many(inner, keys_.data(), 1);
  pads(0x36 ^ 0x5c);
  compress_many(outer, keys_.data(), 1);
}

void HmacMany::hash() {
  begin();
  if (digests_.size() < count()) digests_.resize(std::max(count(), 2 * digests_.size()));
  const auto inner = std::span(inner_).first(waiting_), outer = std::span(outer_).first(waiting_);
  compress_many(inner, messages_.data(), 1);
  for (std::size_t i = 0; i < waiting_; ++i) {
    std::uint8_t* const block = messages_.data() + i * kShaBlock;
    put_digest(inner[i], block);
    pad(block, sizeof(Digest), kShaBlock, kShaBlock);
  }
  compress_many(outer, messages_.data(), 1);
  for (const ShaState& state : outer) put_digest(state, digests_[done_++].data());
  waiting_ = 0;
}

std::span<const Digest> HmacMany::finish() {
  hash();
  finished_.swap(digests_);
  return std::span<const Digest>(finished_).first(std::exchange(done_, 0));
}

double sha_blocks_per_second(double seconds) {
  const auto now = [] {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
  };
  constexpr std::size_t kMessage = 1 + 2 * sizeof(Digest), kBlocks = 2, kAtOnce = 1024;
  HashMany many(kMessage);
  std::size_t blocks = 0;
  const double begin = now();
  double took = 0;
  for (; took < seconds; took = now() - begin, blocks += kAtOnce * kBlocks) {
    for (std::size_t i = 0; i < kAtOnce; ++i)
      std::memset(many.add(), static_cast<int>(i), kMessage);
    many.finish();
  }
  return static_cast<double>(blocks) / took;
}

}  // namespace amanat::crypto
