#include "net/charset.h"

#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>
#include <optional>

#include <algorithm>
#include <array>
#include <cstring>

#include "model/insist.h"

namespace amanat::net {
namespace {

constexpr std::size_t kSampleBytes = 64 * 1024;

unsigned byte(std::string_view s, std::size_t i) { return static_cast<unsigned char>(s[i]); }

std::optional<Charset> by_mark(std::string_view s) {
  // UTF-32's little-endian mark begins with UTF-16's.
  if (s.starts_with(std::string_view("\xFF\xFE\0\0", 4))) return Charset{"UTF-32LE", 4};
  if (s.starts_with(std::string_view("\0\0\xFE\xFF", 4))) return Charset{"UTF-32BE", 4};
  if (s.starts_with("\xFF\xFE")) return Charset{"UTF-16LE", 2};
  if (s.starts_with("\xFE\xFF")) return Charset{"UTF-16BE", 2};
  if (s.starts_with("\xEF\xBB\xBF")) return Charset{"UTF-8", 3};
  return std::nullopt;
}

// Digits, blanks, line ends and Latin letters have zeros in known places of wider units, whatever
// the language around them; Urdu letters have 06.
std::optional<Charset> by_zeros(std::string_view s) {
  std::array<std::size_t, 4> zeros{}, sixes{};
  for (std::size_t i = 0; i < s.size(); ++i) {
    zeros[i % 4] += byte(s, i) == 0 ? 1 : 0;
    sixes[i % 4] += byte(s, i) == 6 ? 1 : 0;
  }
  const std::size_t quarter = s.size() / 4;
  if (quarter == 0) return std::nullopt;
  const auto most = [&](std::size_t n) { return n * 10 >= quarter * 9; };
  if (most(zeros[2]) && most(zeros[3]) && !most(zeros[0])) return Charset{"UTF-32LE", 0, true};
  if (most(zeros[0]) && most(zeros[1]) && !most(zeros[3])) return Charset{"UTF-32BE", 0, true};
  const std::size_t high_first = zeros[0] + zeros[2] + sixes[0] + sixes[2];
  const std::size_t high_second = zeros[1] + zeros[3] + sixes[1] + sixes[3];
  const std::size_t half = s.size() / 2;
  const bool has_zero = zeros[0] + zeros[1] + zeros[2] + zeros[3] > half / 50;
  if (has_zero && high_second * 10 >= half * 8 && high_first * 10 < half * 3)
    return Charset{"UTF-16LE", 0, true};
  if (has_zero && high_first * 10 >= half * 8 && high_second * 10 < half * 3)
    return Charset{"UTF-16BE", 0, true};
  return std::nullopt;
}

// is_utf8 says whether it is UTF-8, a character cut off at the end and a few damaged bytes
// forgiven: text in another encoding has hardly any well-formed sequence by chance.
bool is_utf8(std::string_view s) {
  std::size_t good = 0, bad = 0;
  for (std::size_t i = 0; i < s.size();) {
    const unsigned lead = byte(s, i);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xC2 ? 0
                               : lead < 0xE0 ? 2
                               : lead < 0xF0 ? 3
                               : lead < 0xF5 ? 4
                                             : 0;
    if (length != 0 && i + length > s.size()) break;
    bool whole = length != 0;
    for (std::size_t k = 1; k < length; ++k) whole = whole && (byte(s, i + k) & 0xC0) == 0x80;
    if (whole && length == 3)
      whole = !(lead == 0xE0 && byte(s, i + 1) < 0xA0) && !(lead == 0xED && byte(s, i + 1) > 0x9F);
    if (whole && length == 4)
      whole = !(lead == 0xF0 && byte(s, i + 1) < 0x90) && !(lead == 0xF4 && byte(s, i + 1) > 0x8F);
    good += whole && length > 1 ? 1 : 0;
    bad += whole ? 0 : 1;
    i += whole ? length : 1;
  }
  return bad == 0 || good > 4 * bad;
}

// Urdu letters are D8 to DB and a byte of 80 to BF. Read as Windows-1252 and written again they are
// C3 98 to C3 9B (Ø Ù Ú Û) before a character of U+0080 to U+00BF or of the 1252 block.
bool looks_twice_encoded(std::string_view s) {
  std::size_t pairs = 0, others = 0;
  for (std::size_t i = 0; i + 2 < s.size();) {
    if (byte(s, i) < 0x80) {
      ++i;
      continue;
    }
    const bool first = byte(s, i) == 0xC3 && byte(s, i + 1) >= 0x98 && byte(s, i + 1) <= 0x9B;
    const unsigned next = byte(s, i + 2);
    if (first && (next == 0xC2 || next == 0xE2 || next == 0xC5 || next == 0xC6 || next == 0xCB)) {
      ++pairs;
      i += 4;
    } else {
      ++others;
      i += 2;
    }
    while (i < s.size() && (byte(s, i) & 0xC0) == 0x80) ++i;
  }
  return pairs >= 3 && pairs > others * 4;
}

std::string by_statistics(std::string_view sample) {
  UErrorCode status = U_ZERO_ERROR;
  UCharsetDetector* detector = ucsdet_open(&status);
  std::string name;
  if (U_SUCCESS(status)) {
    ucsdet_setText(detector, sample.data(), static_cast<std::int32_t>(sample.size()), &status);
    const UCharsetMatch* match = ucsdet_detect(detector, &status);
    if (U_SUCCESS(status) && match != nullptr) {
      const char* found = ucsdet_getName(match, &status);
      const std::int32_t sure = ucsdet_getConfidence(match, &status);
      if (U_SUCCESS(status) && found != nullptr && sure >= 10) name = found;
    }
  }
  ucsdet_close(detector);
  // A superset: it has characters where the standard has control codes, and Windows writes those.
  if (name.empty() || name == "ISO-8859-1") name = "windows-1252";
  if (name == "ISO-8859-6") name = "windows-1256";
  // The mark or the zeros would have shown it; EBCDIC and the escapes are not what a dump is in.
  if (name.starts_with("UTF-") || name.starts_with("IBM4") || name.starts_with("ISO-2022"))
    name = "windows-1252";
  return name;
}

// What Windows-1252 has at 0x80 to 0x9F (0: nothing; then it is the control code itself).
constexpr std::array<std::uint16_t, 32> k1252 = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

}  // namespace

Charset detect_charset(std::string_view sample) {
  sample = sample.substr(0, kSampleBytes);
  if (auto marked = by_mark(sample)) {
    if (marked->name == "UTF-8") marked->twice_encoded = looks_twice_encoded(sample);
    return *marked;
  }
  if (auto wide = by_zeros(sample)) return *wide;
  if (is_utf8(sample)) return Charset{"UTF-8", 0, false, looks_twice_encoded(sample)};
  return Charset{by_statistics(sample), 0, true};
}

struct Transcoder::State {
  UConverter* from = nullptr;  // null: the text is UTF-8
  UConverter* to = nullptr;
  bool twice = false;
  std::string held;  // of twice-encoded text: a character cut off
  std::array<UChar, 4096> pivot{};
  UChar *source = pivot.data(), *target = pivot.data();
  std::size_t skip = 0;

  ~State() {
    ucnv_close(from);
    ucnv_close(to);
  }

  // once undoes one encoding: each character back to the byte that Windows-1252 had read.
  void once(std::string_view bytes, Piece piece, std::string& out) {
    held.append(bytes);
    std::size_t i = 0;
    while (i < held.size()) {
      const unsigned lead = byte(held, i);
      const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
      if (i + length > held.size() && piece == Piece::more_follows) break;
      const std::size_t take = std::min(length, held.size() - i);
      unsigned point = lead;
      if (take == 2) point = (lead & 0x1F) << 6 | (byte(held, i + 1) & 0x3F);
      if (take == 3)
        point = (lead & 0x0F) << 12 | (byte(held, i + 1) & 0x3F) << 6 | (byte(held, i + 2) & 0x3F);
      const auto at = std::find(k1252.begin(), k1252.end(), point);
      if (take == 3 || (take == 2 && point > 0xFF)) {
        if (at != k1252.end())
          out.push_back(static_cast<char>(0x80 + (at - k1252.begin())));
        else
          out.append(held, i, take);
      } else if (take == 2) {
        out.push_back(static_cast<char>(point));
      } else {
        out.append(held, i, take);
      }
      i += take;
    }
    held.erase(0, i);
  }
};

Transcoder::Transcoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
Transcoder::Transcoder(Transcoder&&) noexcept = default;
Transcoder::~Transcoder() = default;

Result<Transcoder> Transcoder::open(const Charset& charset) {
  auto state = std::make_unique<State>();
  state->skip = charset.bom_bytes;
  state->twice = charset.twice_encoded;
  if (charset.name != "UTF-8") {
    UErrorCode status = U_ZERO_ERROR;
    state->from = ucnv_open(charset.name.c_str(), &status);
    state->to = ucnv_open("UTF-8", &status);
    if (U_FAILURE(status)) return fail(Reason::text_not_unicode, "an unknown encoding");
  }
  return Transcoder(std::move(state));
}

bool Transcoder::passes() const { return state_->from == nullptr && !state_->twice; }

void Transcoder::convert(std::string_view bytes, Piece piece, std::string& out) {
  State& s = *state_;
  const std::size_t skipped = std::min(s.skip, bytes.size());
  s.skip -= skipped;
  bytes.remove_prefix(skipped);
  if (s.from == nullptr) {
    if (s.twice)
      s.once(bytes, piece, out);
    else
      out.append(bytes);
    return;
  }
  const char *at = bytes.data(), *end = at + bytes.size();
  for (;;) {
    const std::size_t before = out.size();
    constexpr std::size_t kRoom = 64 * 1024;
    out.resize(before + kRoom);
    char *target = out.data() + before, *limit = target + kRoom;
    UErrorCode status = U_ZERO_ERROR;
    ucnv_convertEx(s.to, s.from, &target, limit, &at, end, s.pivot.data(), &s.source, &s.target,
                   s.pivot.data() + s.pivot.size(), false, piece == Piece::last, &status);
    out.resize(static_cast<std::size_t>(target - out.data()));
    if (status != U_BUFFER_OVERFLOW_ERROR) break;
  }
}

}  // namespace amanat::net
