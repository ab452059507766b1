#include "trace/identifiers.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "model/insist.h"
#include "trace/layouts.h"
#include "trace/symbols.h"

// Two steps. Candidates: where a run of digits begins whose length and next byte an identifier can
// begin with; found 64 bytes at a time. Reading: the groups of digits from there on, compared with
// the known layouts. The first step only spares work: without it the second finds the same.

namespace amanat::trace {
namespace {

// plausible says whether an identifier can begin with a run of `n` ASCII digits at `at`.
inline bool plausible(std::string_view text, std::size_t at, std::size_t n) {
  const char next = at + n < text.size() ? text[at + n] : '\n';
  // Behind a byte above ASCII there may be another digit, a dash or what is invisible.
  if (next < 0) return true;
  const char* d = text.data() + at;
  const bool joined = next == ' ' || next == '-' || next == '.' || next == '/' || next == '_' ||
                      next == '(' || next == ')';
  switch (n) {
    case 1:
      return next == '.';
    case 2:
      return joined && d[0] == '9' && d[1] == '2';
    case 3:
      return joined && d[0] == '3';
    case 4:
      return joined && d[0] == '0';
    case 5:
      return joined;
    case 7:
      return joined && d[0] == '0';
    case 10:
      return d[0] == '3';
    case 11:
      return d[0] == '0';
    case 12:
      return d[0] == '9' || joined;
    case 13:
      return true;
    case 14:
      return d[0] == '0';
    default:
      return n > 14;
  }
}

std::size_t run_length(std::string_view text, std::size_t at) {
  std::size_t n = 0;
  while (at + n < text.size() && text[at + n] >= '0' && text[at + n] <= '9') ++n;
  return n;
}

bool wide_digit(std::string_view text, std::size_t at) {
  return symbol_at(text, at).symbol == Symbol::digit;
}

// Masks of 64 bytes: which are ASCII digits, which may begin a digit of another script.
struct Masks {
  std::uint64_t digits = 0, leads = 0;
};

// What a byte before or after a number is if it can be no part of it: it ends fields and sentences.
constexpr std::array<bool, 256> make_fences() {
  std::array<bool, 256> fence{};
  for (unsigned c = 0; c < 128; ++c) {
    const bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    const bool digit = c >= '0' && c <= '9';
    fence[c] = !letter && !digit && c != ' ' && c != '-' && c != '.' && c != '/' && c != '_' &&
               c != '(' && c != ')' && c != '+';
  }
  return fence;
}
constexpr auto kFences = make_fences();
bool fence(char c) { return kFences[static_cast<unsigned char>(c)]; }

// One bit a byte: which of 16 are ASCII digits.
inline unsigned digits_of_16(const char* at) {
#if defined(__SSE2__)
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i from_zero = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
  return static_cast<unsigned>(
      _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(from_zero, _mm_set1_epi8(9)), from_zero)));
#else
  unsigned mask = 0;
  for (unsigned i = 0; i < 16; ++i) mask |= (at[i] >= '0' && at[i] <= '9' ? 1u : 0u) << i;
  return mask;
#endif
}

// read_fenced reads the commonest layouts between two fences in one look: 16 bytes and what is
// around them decide. 0: it cannot tell, read_at must.
inline std::size_t read_fenced(std::string_view text, std::size_t at, std::size_t n,
                               std::vector<Identifier>& found) {
  if (at + 16 > text.size()) return 0;
  const char* d = text.data() + at;
  const char left = at == 0 ? ',' : d[-1];
  const bool plus = left == '+';
  if (!fence(left) && !plus) return 0;
  std::size_t length = n;
  Identifier id;
  id.offset = static_cast<std::uint32_t>(at);
  id.kind = Kind::msisdn;
  id.layout = Layout::trunk;
  char* to = id.digits.data();
  if (n == 12 && d[0] == '9' && d[1] == '2' && d[2] == '3') {
    id.layout = Layout::country;
    std::memcpy(to, d, 12);
  } else if (plus) {
    return 0;
  } else if (n == 13 && d[0] != '0') {
    id.kind = Kind::national_id;
    id.layout = Layout::plain;
    std::memcpy(to, d, 13);
  } else if (n == 5 && d[0] != '0' && d[5] == d[13] && (d[5] == '-' || d[5] == ' ') &&
             digits_of_16(d) == 0b0101'1111'1101'1111) {
    id.kind = Kind::national_id;
    id.layout = d[5] == '-' ? Layout::grouped : Layout::spaced;
    length = 15;
    std::memcpy(to, d, 5);
    std::memcpy(to + 5, d + 6, 7);
    to[12] = d[14];
  } else if (n == 11 && d[0] == '0' && d[1] == '3') {
    std::memcpy(to + 2, d + 1, 10);
  } else if (n == 4 && d[0] == '0' && d[1] == '3' && (d[4] == '-' || d[4] == ' ') &&
             (digits_of_16(d) & 0x1fff) == 0b0'1111'1110'1111) {
    length = 12;
    std::memcpy(to + 2, d + 1, 3);
    std::memcpy(to + 5, d + 5, 7);
  } else if (n == 10 && d[0] == '3') {
    id.layout = Layout::bare;
    std::memcpy(to + 2, d, 10);
  } else {
    return 0;
  }
  if (!fence(at + length < text.size() ? d[length] : ',')) return 0;
  id.length = static_cast<std::uint16_t>(length);
  if (id.kind == Kind::msisdn) {
    to[0] = '9', to[1] = '2';
    id.count = kMsisdnDigits;
  } else {
    id.count = kNationalIdDigits;
  }
  found.push_back(id);
  return at + length;
}

#if defined(__SSE2__)
inline Masks masks_of(const char* block) {
  Masks m;
  const __m128i zero = _mm_set1_epi8('0'), nine = _mm_set1_epi8(9);
  std::uint64_t high = 0;
  __m128i part[4];
  for (int i = 0; i < 4; ++i) {
    part[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + 16 * i));
    const __m128i from_zero = _mm_sub_epi8(part[i], zero);
    const __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(from_zero, nine), from_zero);
    m.digits |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(is_digit)))
                << (16 * i);
    high |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(part[i])))
            << (16 * i);
  }
  if (high == 0) return m;
  for (int i = 0; i < 4; ++i) {
    const __m128i lead =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(part[i], _mm_set1_epi8(static_cast<char>(0xD9))),
                                  _mm_cmpeq_epi8(part[i], _mm_set1_epi8(static_cast<char>(0xDB)))),
                     _mm_cmpeq_epi8(part[i], _mm_set1_epi8(static_cast<char>(0xEF))));
    m.leads |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(lead)))
               << (16 * i);
  }
  return m;
}
#else
inline Masks masks_of(const char* block) {
  Masks m;
  for (int i = 0; i < 64; ++i) {
    const auto c = static_cast<unsigned char>(block[i]);
    const std::uint64_t bit = std::uint64_t{1} << i;
    if (c >= '0' && c <= '9') m.digits |= bit;
    if (c == 0xD9 || c == 0xDB || c == 0xEF) m.leads |= bit;
  }
  return m;
}
#endif

}  // namespace

std::string_view word_of(Kind kind) { return kind == Kind::national_id ? "national-id" : "msisdn"; }

std::string_view word_of(Layout layout) {
  static constexpr std::array<std::string_view, kLayouts> kWords = {
      "grouped", "spaced", "plain", "trunk", "country", "bare", "scientific"};
  return kWords[static_cast<std::size_t>(layout)];
}

void find_identifiers(std::string_view text, std::vector<Identifier>& found) {
  insist(text.size() <= 0xffffffff);
  std::size_t resume = 0;
  std::uint64_t carry = 0;  // whether the byte before the block is a digit
  alignas(16) char tail[64];
  for (std::size_t block = 0; block < text.size(); block += 64) {
    const char* bytes = text.data() + block;
    if (text.size() - block < 64) {
      std::fill(std::begin(tail), std::end(tail), '\0');
      std::copy_n(bytes, text.size() - block, tail);
      bytes = tail;
    }
    const Masks m = masks_of(bytes);
    std::uint64_t starts = (m.digits & ~(m.digits << 1 | carry)) | m.leads;
    carry = m.digits >> 63;
    for (; starts != 0; starts &= starts - 1) {
      const unsigned bit = static_cast<unsigned>(std::countr_zero(starts));
      const std::size_t at = block + bit;
      if (at < resume) continue;
      if ((m.digits >> bit & 1) != 0) {
        const auto here = static_cast<std::size_t>(std::countr_one(m.digits >> bit));
        const std::size_t n = bit + here < 64 ? here : run_length(text, at);
        if (!plausible(text, at, n)) {
          if (n < 5 && at + n < text.size() && misread_digit(text[at + n]) >= 0)
            if (const std::size_t letters = misread(text, at, found); letters != 0)
              resume = at + letters;
          continue;
        }
        const std::size_t end = read_fenced(text, at, n, found);
        resume = end != 0 ? end : read_at(text, at, found);
      } else if (wide_digit(text, at)) {
        resume = read_at(text, at, found);
      }
    }
  }
}

void find_identifiers_slowly(std::string_view text, std::vector<Identifier>& found) {
  for (std::size_t at = 0; at < text.size();) {
    const Read r = symbol_at(text, at);
    at = r.symbol == Symbol::digit ? read_at(text, at, found) : at + r.bytes;
  }
}

}  // namespace amanat::trace
