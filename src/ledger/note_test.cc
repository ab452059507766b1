#include "ledger/note.h"

#include <gtest/gtest.h>

#include "ledger/checkpoint.h"
#include "ledger/tree.h"

namespace amanat::ledger {
namespace {

Key256 seed_of(std::uint8_t first) {
  Key256 seed;
  for (auto& byte : seed.mutable_bytes()) byte = first++;
  return seed;
}

const NoteSigner& signer() {
  static const NoteSigner made("log.example.org/amanat1", seed_of(0));
  return made;
}

std::string line_of(std::string_view name, std::string_view id_and_blob) {
  return "\u2014 " + std::string(name) + " " + crypto::base64(crypto::bytes_of(id_and_blob)) + "\n";
}

Result<OpenedNote> opened(std::string_view note) {
  return open_note(note, std::span(&signer().verifier(), 1));
}

void expect_malformed(const std::string& note) {
  const auto refused = opened(note);
  ASSERT_FALSE(refused) << note;
  EXPECT_EQ(refused.error().reason, Reason::note_malformed) << note;
}

// The example of C2SP signed-note v1.0.0.
TEST(Note, TheSpecificationsKeyHasItsId) {
  const auto key =
      parse_verifier_key("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
  ASSERT_TRUE(key) << key.error().detail;
  EXPECT_EQ(key->id, 0x530d903au);
  EXPECT_EQ(key->name, "example.com/foo");
  EXPECT_EQ(key->text(), "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
}

TEST(Note, AKeyInAnyOtherFormIsRefused) {
  const std::string good = signer().verifier().text();
  EXPECT_TRUE(parse_verifier_key(good));
  std::string typed("\x02");
  typed += crypto::text_of(signer().verifier().key);
  const std::string start = good.substr(0, good.rfind('+') + 1);
  for (const std::string& text :
       {std::string(), std::string("name"), std::string("name+00000000"), "x" + good, good + "A",
        good + "\n", good + "=", std::string("a b") + good.substr(good.find('+')),
        good.substr(good.find('+')), start + crypto::base64(crypto::bytes_of(typed)), start,
        start + "AQ==",
        std::string("log.example.org/amanat1+BA03C0CF") + good.substr(good.rfind('+')),
        std::string("log.example.org/amanat1+ba03c0ce") + good.substr(good.rfind('+')),
        std::string("log.example.org/amanat1+a03c0cf") + good.substr(good.rfind('+')),
        std::string(2000, 'a')}) {
    const auto refused = parse_verifier_key(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().reason, Reason::note_malformed);
  }
}

TEST(Note, NamesHaveNoSpaceAndNoPlus) {
  for (const char* name : {"a", "log.example.org/amanat1", "\u0644\u0627\u06af", "a/b:c"})
    EXPECT_TRUE(valid_key_name(name));
  for (const char* name :
       {"", "a b", "a+b", "a\tb", "a\nb", "a\u00a0b", "a\u2003b", "a\u3000b", "a\u0085b", "a\x01",
        "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x80"})
    EXPECT_FALSE(valid_key_name(name)) << name;
}

TEST(Note, WhatIsSignedOpensAndChangedTextDoesNot) {
  const std::string text = "a text\n\nwith a blank line\nand \u0627\u0645\u0627\u0646\u062a\n";
  const std::string note = signer().sign(text);
  const auto good = opened(note);
  ASSERT_TRUE(good) << good.error().detail;
  EXPECT_EQ(good->text, text);
  ASSERT_EQ(good->signed_by.size(), 1u);
  EXPECT_EQ(good->signed_by[0].name, "log.example.org/amanat1");
  EXPECT_EQ(good->signed_by[0].time, 0u);
  for (std::size_t i = 0; i < note.size() * 8; ++i) {
    std::string changed = note;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
    EXPECT_FALSE(opened(changed)) << i;
  }
}

TEST(Note, UnknownLinesAreIgnored) {
  const std::string text = "text\n";
  const std::string ours = signer().line(text);
  std::string note = text + "\n" + grease_lines("log.example.org/amanat1");
  note += line_of("other.example", "\x01\x02\x03\x04short");
  note += line_of("ml-dsa.example", std::string("\x01\x02\x03\x06") + std::string(2428, 'm'));
  // Our name under another ID, our ID under another name, our ID with other letters in the name.
  note += line_of("log.example.org/amanat1", std::string("\0\0\0\0", 4) + std::string(64, 's'));
  note +=
      line_of("log.example.org/amanat2", std::string("\xba\x03\xc0\xcf") + std::string(64, 's'));
  note += ours;
  note += grease_lines("witness.example");
  const auto good = opened(note);
  ASSERT_TRUE(good) << good.error().detail;
  EXPECT_EQ(good->signed_by.size(), 1u);
  EXPECT_EQ(parse_note(note)->signatures.size(), 9u);
}

TEST(Note, GreaseIsNamedAsItShouldBeAndNeverTwiceTheSame) {
  const std::string lines = grease_lines("log.example.org/amanat1");
  EXPECT_TRUE(lines.starts_with("\u2014 grease.invalid "));
  EXPECT_NE(lines.find("\n\u2014 log.example.org/amanat1 "), lines.npos);
  EXPECT_NE(lines, grease_lines("log.example.org/amanat1"));
  EXPECT_FALSE(opened("text\n\n" + lines)) << "grease alone is no signature";
}

TEST(Note, SixtyFourSignaturesAreReadAndOneMoreIsNot) {
  const std::string text = "text\n";
  std::string note = text + "\n";
  for (int i = 0; i < 63; ++i) note += line_of("unknown" + std::to_string(i), std::string(72, 'u'));
  note += signer().line(text);
  EXPECT_TRUE(opened(note));
  expect_malformed(note + line_of("one-more", std::string(72, 'u')));
}

TEST(Note, AKnownKeysWrongSignatureRefusesTheWholeNote) {
  const std::string text = "text\n";
  const NoteSigner other("other.example", seed_of(9));
  const std::vector<VerifierKey> known{signer().verifier(), other.verifier()};
  const std::string good = text + "\n" + signer().line(text) + other.line(text);
  ASSERT_TRUE(open_note(good, known));
  EXPECT_EQ(open_note(good, known)->signed_by.size(), 2u);
  const std::string bad = text + "\n" + signer().line(text) + other.line("another text\n");
  const auto refused = open_note(bad, known);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::note_signature_wrong);
  EXPECT_TRUE(opened(bad)) << "whoever does not know the second key ignores its line";
  // A second, wrong line of a key that also signed rightly; a signature of the wrong length.
  EXPECT_FALSE(opened(text + "\n" + signer().line(text) + signer().line("x\n")));
  EXPECT_FALSE(opened(text + "\n" + line_of("log.example.org/amanat1", "\xba\x03\xc0\xcfshort")));
  EXPECT_EQ(opened(text + "\n" + other.line(text)).error().reason, Reason::note_signature_wrong);
}

TEST(Note, AnyOtherFormIsRefused) {
  const std::string text = "text\n", line = signer().line(text);
  const std::string bare = line.substr(0, line.size() - 1);
  expect_malformed("");
  expect_malformed("\n");
  expect_malformed("\n\n");
  expect_malformed("text");
  expect_malformed(text);
  expect_malformed(text + "\n");
  expect_malformed(text + line);
  expect_malformed(text + "\n" + bare);
  expect_malformed(text + "\n" + bare + "\r\n");
  expect_malformed("text\r\n\r\n" + line);
  expect_malformed(text + "\n" + line + "\n");
  expect_malformed(text + "\n" + line + "stray\n");
  expect_malformed(text + "\n" + bare + " \n");
  expect_malformed(text + "\n " + line);
  expect_malformed(text + "\n- " + line.substr(4));
  expect_malformed(text + "\n\u2014\u2014" + line.substr(3));
  expect_malformed(text + "\n\u2014  " + line.substr(4));
  expect_malformed(text + "\n" + line_of("a+b", std::string(68, 's')) + line);
  expect_malformed(text + "\n" + line_of("a\u2003b", std::string(68, 's')) + line);
  expect_malformed(text + "\n\u2014 noblob\n" + line);
  expect_malformed(text + "\n" + line_of("four", "1234") + line);
  expect_malformed(text + "\n\u2014 bad AAA\n" + line);
  expect_malformed("te\txt\n\n" + line);
  expect_malformed(std::string("te\0xt\n\n", 7) + line);
  expect_malformed("te\xffxt\n\n" + line);
  expect_malformed(std::string(kNoteBytesMax, 'x') + "\n\n" + line);
}

TEST(Note, ACosignatureCarriesItsTime) {
  const Cosigner witness("witness.example.org/w1", seed_of(0x20));
  const std::string text = checkpoint_text("log.example.org/amanat1", 0, empty_root());
  const std::vector<VerifierKey> known{signer().verifier(), witness.verifier()};
  const std::string note = signer().sign(text) + witness.line(text, 1'700'000'000);
  const auto good = open_note(note, known);
  ASSERT_TRUE(good) << good.error().detail;
  ASSERT_EQ(good->signed_by.size(), 2u);
  EXPECT_EQ(good->signed_by[1].type, SignatureType::cosignature);
  EXPECT_EQ(good->signed_by[1].time, 1'700'000'000u);

  // A time of zero or above 2^63-1 is refused whatever follows it; so is the time of another line.
  const std::string id = std::string("\xf3\xc0\x80\xb6");
  const auto with_time = [&](std::string_view time) {
    const auto blob = parse_note(note)->signatures[1].blob;
    return signer().sign(text) +
           line_of("witness.example.org/w1", id + std::string(time) + blob.substr(8));
  };
  EXPECT_FALSE(open_note(with_time(std::string(8, '\0')), known));
  EXPECT_FALSE(open_note(with_time(std::string(8, '\xff')), known));
  EXPECT_FALSE(open_note(with_time(std::string("\0\0\0\0\x65\x53\xf1\x01", 8)), known));
  EXPECT_TRUE(open_note(with_time(std::string("\0\0\0\0\x65\x53\xf1\0", 8)), known));
}

TEST(NoteDeathTest, OnlyWholeLinesAreSigned) {
  EXPECT_DEATH((void)signer().sign("no line feed"), "ends_with");
  EXPECT_DEATH(NoteSigner("a b", seed_of(0)), "valid_key_name");
}

}  // namespace
}  // namespace amanat::ledger
