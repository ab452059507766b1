#include "net/charset.h"

#include <gtest/gtest.h>
#include <unicode/ucnv.h>

namespace amanat::net {
namespace {

const std::string kText = "۳۵۲۰۲-1234567-1, محمد علی خان, Lahore لاہور, 0300-1234567\n";

std::string in(const std::string& utf8, const char* charset) {
  UErrorCode status = U_ZERO_ERROR;
  std::string out(utf8.size() * 4 + 16, '\0');
  const auto n = ucnv_convert(charset, "UTF-8", out.data(), static_cast<std::int32_t>(out.size()),
                              utf8.data(), static_cast<std::int32_t>(utf8.size()), &status);
  EXPECT_TRUE(U_SUCCESS(status));
  out.resize(static_cast<std::size_t>(n));
  return out;
}

std::string decoded(const std::string& bytes, const Charset& charset, std::size_t piece) {
  auto transcoder = Transcoder::open(charset);
  EXPECT_TRUE(transcoder.has_value());
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    transcoder->convert(std::string_view(bytes).substr(at, piece), Transcoder::Piece::more_follows,
                        out);
  transcoder->convert({}, Transcoder::Piece::last, out);
  return out;
}

TEST(Charset, WideEncodingsAreToldWithAndWithoutAMark) {
  std::string text;
  for (int i = 0; i < 20; ++i) text += kText;
  for (const char* name : {"UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"}) {
    for (const char* mark : {"", "\uFEFF"}) {
      const std::string bytes = in(mark + text, name);
      const Charset charset = detect_charset(bytes);
      EXPECT_EQ(charset.name, name) << mark;
      for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, bytes.size()})
        EXPECT_EQ(decoded(bytes, charset, piece), text) << name << " in pieces of " << piece;
    }
  }
}

TEST(Charset, Utf8PassesUnlessItWasEncodedTwice) {
  EXPECT_EQ(detect_charset(kText), (Charset{"UTF-8", 0, false, false}));
  EXPECT_EQ(detect_charset("\uFEFF" + kText).bom_bytes, 3u);
  EXPECT_EQ(detect_charset("plain").name, "UTF-8");
  EXPECT_TRUE(Transcoder::open(detect_charset(kText))->passes());
  // Damage here and there does not make it another encoding.
  std::string damaged = kText + kText + kText;
  damaged[5] = static_cast<char>(0xFF);
  EXPECT_EQ(detect_charset(damaged).name, "UTF-8");
}

TEST(Charset, TextEncodedTwiceIsUndone) {
  std::string twice;
  for (const char c : kText) {
    UErrorCode status = U_ZERO_ERROR;
    char out[8];
    const auto n = ucnv_convert("UTF-8", "windows-1252", out, 8, &c, 1, &status);
    twice.append(out, static_cast<std::size_t>(n));
  }
  const Charset charset = detect_charset(twice);
  EXPECT_TRUE(charset.twice_encoded);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, twice.size()})
    EXPECT_EQ(decoded(twice, charset, piece), kText);
  EXPECT_FALSE(detect_charset("José Müller, Łódź – “quoted”").twice_encoded);
}

TEST(Charset, OldEncodingsGiveTheirLettersBack) {
  std::string text;
  for (int i = 0; i < 20; ++i) text += "محمد علي خان بن احمد، لاهور\n";
  const std::string bytes = in(text, "windows-1256");
  const Charset charset = detect_charset(bytes);
  EXPECT_EQ(charset.name, "windows-1256");
  EXPECT_EQ(decoded(bytes, charset, 11), text);
}

}  // namespace
}  // namespace amanat::net
