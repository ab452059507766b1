#include "crypto/crypto.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <set>
#include <thread>

namespace amanat::crypto {
namespace {

std::string raw(std::string_view text) {
  const auto bytes = from_hex(text);
  EXPECT_TRUE(bytes.has_value()) << text;
  return bytes.value_or("");
}
Key256 key_of(std::string_view text) {
  const std::string bytes = raw(text);
  return Key256{std::span<const std::uint8_t, 32>(bytes_of(bytes).first<32>())};
}
std::array<std::uint8_t, kAeadNonce> nonce_of(std::string_view text) {
  const std::string bytes = raw(text);
  std::array<std::uint8_t, kAeadNonce> nonce{};
  std::memcpy(nonce.data(), bytes.data(), nonce.size());
  return nonce;
}

// FIPS 180-4 examples and the NIST million-a message.
TEST(Sha256, GivesTheDigestsOfTheStandard) {
  EXPECT_EQ(hex(sha256(std::string_view())),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex(sha256(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, AStreamInAnyPiecesIsTheWhole) {
  const std::string text(300, 'x');
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Sha256 hash;
    hash.update(std::string_view(text).substr(0, cut));
    Sha256 copy = hash;  // the copy and the original go on independently
    hash.update(std::string_view(text).substr(cut));
    EXPECT_EQ(hash.finish(), sha256(text));
    EXPECT_EQ(copy.finish(), sha256(std::string_view(text).substr(0, cut)));
  }
}

// RFC 4231, cases 1, 2, 3, 6 and 7.
TEST(Hmac, GivesTheMacsOfRfc4231) {
  const auto mac = [](std::string_view key, std::string_view data) {
    return hex(Hmac(bytes_of(key)).mac(data));
  };
  EXPECT_EQ(mac(std::string(20, '\x0b'), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(mac("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(mac(std::string(20, '\xaa'), std::string(50, '\xdd')),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(mac(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(mac(std::string(131, '\xaa'),
                "This is a test using a larger than block-size key and a larger than block-size "
                "data. The key "
                "needs to be hashed before being used by the HMAC algorithm."),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

TEST(Hmac, OneKeyMacsManyMessagesAndPartsAreOneMessage) {
  const Hmac hmac(bytes_of("Jefe"));
  const Hmac copy = hmac;
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(copy.mac({bytes_of("what do ya want "), Bytes{}, bytes_of("for nothing?")}),
              hmac.mac("what do ya want for nothing?"));
  EXPECT_NE(Hmac(Bytes{}).mac(""), hmac.mac(""));
}

// Computed with an independent implementation (Python's hmac, RFC 5869 with an empty salt).
TEST(Hkdf, DerivesAKeyPerUse) {
  const Key256 key = key_of("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  EXPECT_EQ(hex(hkdf(key, "amanat/test").bytes()),
            "336973aa8ea9c153e63c7d2d3d17936d0f251f6b0f78f9aa3fbcab43b0cf1d6b");
  EXPECT_FALSE(equal(hkdf(key, "amanat/test").bytes(), hkdf(key, "amanat/tesu").bytes()));
}

// The GCM specification's test cases 13, 14 and 16 (McGrew and Viega), AES-256.
TEST(Aead, GivesTheCiphertextsOfTheSpecification) {
  std::string out;
  const Key256 zero;
  seal_with_nonce(zero, nonce_of("000000000000000000000000"), {}, {}, out);
  EXPECT_EQ(hex(bytes_of(out)), "530f8afbc74536b9a963b4f1c4cb738b");
  out.clear();
  seal_with_nonce(zero, nonce_of("000000000000000000000000"), {}, bytes_of(std::string(16, '\0')),
                  out);
  EXPECT_EQ(hex(bytes_of(out)), "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
  out.clear();
  const Key256 key = key_of("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const std::string plain =
      raw("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24"
          "49a6b525"
          "b16aedf5aa0de657ba637b39");
  const std::string associated = raw("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  seal_with_nonce(key, nonce_of("cafebabefacedbaddecaf888"), bytes_of(associated), bytes_of(plain),
                  out);
  EXPECT_EQ(hex(bytes_of(out)),
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b"
            "1056828838"
            "c5f61e6393ba7a0abcc9f662"
            "76fc6ece0f4e1768cddf8853bb2d551b");
  WipingBuffer opened;
  ASSERT_TRUE(open_with_nonce(key, nonce_of("cafebabefacedbaddecaf888"), bytes_of(associated),
                              bytes_of(out), opened));
  EXPECT_EQ(opened.view(), plain);
}

TEST(Aead, WhatWasSealedOpensForEveryLength) {
  const Key256 key = random_key();
  for (std::size_t length = 0; length < 70; ++length) {
    const std::string plain(length, 'p'), associated(length % 5, 'a');
    std::string sealed = "before";
    seal(key, bytes_of(associated), bytes_of(plain), sealed);
    EXPECT_EQ(sealed.size(), 6 + length + kAeadOverhead);
    WipingBuffer opened;
    opened.append("kept");
    ASSERT_TRUE(open(key, bytes_of(associated), bytes_of(sealed).subspan(6), opened));
    EXPECT_EQ(opened.view(), "kept" + plain);
  }
}

TEST(Aead, EveryFlippedBitIsRefusedAndNothingIsAppended) {
  const Key256 key = random_key();
  std::string sealed;
  seal(key, bytes_of("dataset"), bytes_of("a citizen's field"), sealed);
  WipingBuffer out;
  out.append("kept");
  for (std::size_t i = 0; i < sealed.size() * 8; ++i) {
    std::string changed = sealed;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
    const auto opened = open(key, bytes_of("dataset"), bytes_of(changed), out);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().reason, Reason::seal_broken);
    EXPECT_EQ(out.view(), "kept");
  }
  for (std::size_t length = 0; length < sealed.size(); ++length)
    EXPECT_FALSE(open(key, bytes_of("dataset"), bytes_of(sealed).first(length), out));
  EXPECT_FALSE(open(key, bytes_of("datasets"), bytes_of(sealed), out));
  EXPECT_FALSE(open(random_key(), bytes_of("dataset"), bytes_of(sealed), out));
  EXPECT_EQ(out.view(), "kept");
  // A refusal leaves the thread's context fit for the next record.
  EXPECT_TRUE(open(key, bytes_of("dataset"), bytes_of(sealed), out));
}

TEST(Aead, ThreadsSealSideBySide) {
  const Key256 key = random_key();
  std::vector<std::thread> threads;
  std::vector<int> opened(4, 0);
  for (std::size_t t = 0; t < opened.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        std::string sealed;
        WipingBuffer out;
        seal(key, {}, bytes_of(std::to_string(i)), sealed);
        opened[t] +=
            open(key, {}, bytes_of(sealed), out) && out.view() == std::to_string(i) ? 1 : 0;
      }
    });
  for (auto& thread : threads) thread.join();
  for (const int count : opened) EXPECT_EQ(count, 500);
}

TEST(Random, NoTwoDrawsAreAlike) {
  std::set<std::string> seen;
  for (int i = 0; i < 20'000; ++i) {
    std::array<std::uint8_t, 12> draw{};
    random_bytes(draw);
    EXPECT_TRUE(seen.emplace(text_of(draw)).second);
  }
  std::array<std::uint8_t, 4096> large{};
  random_bytes(large);
  EXPECT_GT(std::set<std::uint8_t>(large.begin(), large.end()).size(), 200u);
  random_bytes({});
}

TEST(Random, AForkedChildDrawsOtherBytesThanItsParent) {
  std::array<std::uint8_t, 16> mine{}, childs{};
  random_bytes(mine);  // leaves a block drawn ahead, which the child inherits
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    random_bytes(childs);
    _exit(write(ends[1], childs.data(), childs.size()) == static_cast<ssize_t>(childs.size()) ? 0
                                                                                              : 1);
  }
  random_bytes(mine);
  int status = 1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  ASSERT_EQ(read(ends[0], childs.data(), childs.size()), static_cast<ssize_t>(childs.size()));
  EXPECT_NE(mine, childs);
  close(ends[0]);
  close(ends[1]);
}

TEST(Random, EqualComparesWholeValues) {
  EXPECT_TRUE(equal({}, {}));
  EXPECT_TRUE(equal(bytes_of("abc"), bytes_of("abc")));
  EXPECT_FALSE(equal(bytes_of("abc"), bytes_of("abd")));
  EXPECT_FALSE(equal(bytes_of("abc"), bytes_of("ab")));
}

struct SignCase {
  const char *seed, *key, *message, *signature;
};
// RFC 8032 section 7.1, tests 1 to 3.
constexpr SignCase kSignCases[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "46b"
     "d25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d8c"
     "387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "659"
     "4a7c15e9716ed28dc027beceea1ec40a"}};

TEST(Sign, GivesTheSignaturesOfRfc8032) {
  for (const SignCase& c : kSignCases) {
    Ed25519Signer made(key_of(c.seed));
    const Ed25519Signer signer(std::move(made));
    EXPECT_EQ(hex(signer.public_key()), c.key);
    const std::string message = raw(c.message);
    const Ed25519Signature signature = signer.sign(bytes_of(message));
    EXPECT_EQ(hex(signature), c.signature);
    EXPECT_TRUE(ed25519_verify(signer.public_key(), bytes_of(message), signature));
  }
}

TEST(Sign, EveryFlippedBitIsRefused) {
  const Ed25519Signer signer(key_of(kSignCases[2].seed));
  const std::string message = "amanat";
  const Ed25519Signature signature = signer.sign(bytes_of(message));
  for (std::size_t i = 0; i < signature.size() * 8; ++i) {
    Ed25519Signature changed = signature;
    changed[i / 8] = static_cast<std::uint8_t>(changed[i / 8] ^ (1 << (i % 8)));
    EXPECT_FALSE(ed25519_verify(signer.public_key(), bytes_of(message), changed));
  }
  EXPECT_FALSE(ed25519_verify(signer.public_key(), bytes_of("Amanat"), signature));
  EXPECT_FALSE(ed25519_verify(Ed25519Public{}, bytes_of(message), signature));
}

TEST(SignDeathTest, AMovedFromSignerSignsNothing) {
  EXPECT_DEATH(
      {
        Ed25519Signer signer(random_key());
        const Ed25519Signer taken(std::move(signer));
        (void)signer.sign({});
      },
      "key_ != nullptr");
}

// RFC 4648 section 10.
TEST(Encode, WritesWhatRfc4648Writes) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : cases) {
    EXPECT_EQ(base64(bytes_of(plain)), coded);
    EXPECT_EQ(from_base64(coded), plain);
    std::string bare = coded;
    while (bare.ends_with('=')) bare.pop_back();
    EXPECT_EQ(base64url(bytes_of(plain)), bare);
    EXPECT_EQ(from_base64url(bare), plain);
  }
  EXPECT_EQ(base64(bytes_of("\xfb\xff\xbf")), "+/+/");
  EXPECT_EQ(base64url(bytes_of("\xfb\xff\xbf")), "-_-_");
  EXPECT_EQ(hex(bytes_of("foobar\xff")), "666f6f626172ff");
  EXPECT_EQ(from_hex("666f6f626172ff"), "foobar\xff");
}

TEST(Encode, AnythingButTheOneSpellingIsRefused) {
  for (const char* text :
       {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zh==", "Zm9=", "Zm8=Zm8=", "Zm9v\n", " Zm9v",
        "Zm9-", "Zm9_", "Zm9v=", "Zm9v==", "Zm9v====", "Zm\x80v", "Z=g=", "A=="})
    EXPECT_FALSE(from_base64(text)) << text;
  for (const char* text : {"Z", "Zg==", "Zh", "Zm9", "Zm9v\n", "+/+/", "Zm9vY"})
    EXPECT_FALSE(from_base64url(text)) << text;
  for (const char* text : {"6", "6g", "FF", "0x", " 6", "66 "})
    EXPECT_FALSE(from_hex(text)) << text;
}

TEST(Encode, WhatADecoderTakesIsWhatTheEncoderWrites) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  constexpr std::string_view letters = "ABZagz09+/-_=\n ";
  int taken = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text(random() % 9, ' ');
    for (char& c : text) c = letters[random() % letters.size()];
    if (const auto value = from_base64(text)) {
      ++taken;
      ASSERT_EQ(base64(bytes_of(*value)), text);
    }
    if (const auto value = from_base64url(text)) {
      ASSERT_EQ(base64url(bytes_of(*value)), text);
    }
  }
  EXPECT_GT(taken, 100);
  for (int i = 0; i < 2'000; ++i) {
    std::string value(random() % 100, '\0');
    for (char& c : value) c = static_cast<char>(random());
    ASSERT_EQ(from_base64(base64(bytes_of(value))), value);
    ASSERT_EQ(from_base64url(base64url(bytes_of(value))), value);
    ASSERT_EQ(from_hex(hex(bytes_of(value))), value);
  }
}

}  // namespace
}  // namespace amanat::crypto
