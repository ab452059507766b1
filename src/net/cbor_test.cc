#include "net/cbor.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <random>
#include <string>

namespace amanat::net {
namespace {

using namespace std::string_literals;

std::string from_hex(std::string_view hex) {
  std::string out;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<char>(digit(hex[i]) << 4 | digit(hex[i + 1])));
  return out;
}

bool accepts(std::string_view hex) { return check_cbor(from_hex(hex)).has_value(); }

long peak_kib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// A COSE key of invented coordinates, and authenticator data with and without a credential.
std::string cose_key() {
  return from_hex("a5010203262001215820") + std::string(32, 'x') + from_hex("225820") +
         std::string(32, 'y');
}
std::string data_with(std::uint8_t flags, const std::string& rest) {
  return std::string(32, 'r') + static_cast<char>(flags) + "\0\0\0\x07"s + rest;
}
std::string attested(const std::string& id, const std::string& key) {
  return std::string(16, 'a') + static_cast<char>(id.size() >> 8) +
         static_cast<char>(id.size() & 0xff) + id + key;
}

TEST(Cbor, TakesTheCanonicalFormsOfRfc8949) {
  // RFC 8949 appendix A, those that CTAP2 allows.
  for (const char* hex : {"00",
                          "01",
                          "0a",
                          "17",
                          "1818",
                          "1819",
                          "1864",
                          "1903e8",
                          "1a000f4240",
                          "1b000000e8d4a51000",
                          "1bffffffffffffffff",
                          "20",
                          "29",
                          "3863",
                          "3903e7",
                          "3bffffffffffffffff",
                          "f4",
                          "f5",
                          "f6",
                          "40",
                          "4401020304",
                          "60",
                          "6161",
                          "6449455446",
                          "62c3bc",
                          "63e6b0b4",
                          "80",
                          "83010203",
                          "8301820203820405",
                          "a0",
                          "a201020304",
                          "a26161016162820203",
                          "826161a161626163"})
    EXPECT_TRUE(accepts(hex)) << hex;
}

TEST(Cbor, RefusesEveryOtherFormOfTheSameValues) {
  for (const char* hex : {
           "1800",
           "1817",
           "190000",
           "1900ff",
           "1a0000ffff",
           "1b00000000ffffffff",
           "3817",
           "5800",
           "5817"
           "0000000000000000000000000000000000000000000000",
           "780161",
           "9800",
           "b800",  // not the shortest head
           "5f42010243030405ff",
           "7f657374726561646d696e67ff",
           "9fff",
           "bf6161019fff",
           "5f",
           "9f",
           "bf",
           "ff",  // indefinite lengths, a lone break
           "f7",
           "f0",
           "f8ff",
           "f818",
           "f814",  // undefined and unnamed simple values
           "f90000",
           "fa47c35000",
           "fb3ff199999999999a",  // floats
           "c074",
           "c11a514b67b0",
           "d9d9f700",  // tags
           "1c",
           "1d",
           "1e",
           "3c",
           "5c",
           "7d",
           "9e",
           "bc",  // reserved heads
           "a201020102",
           "a2616101616102",
           "a201016161"
           "02"
           "00",  // repeated keys; bytes after
           "a202010102",
           "a26162016161"
           "02",
           "a2616101"
           "0102",  // out of order
           "a28001"
           "8002",
           "a1f401",
           "a1a00102",  // keys that are no numbers or strings
           "61ff",
           "62c328",
           "63eda080",
           "64f4908080",
           "62c080",  // text that is not UTF-8
           "",
           "0000",
           "18",
           "19ff",
           "41",
           "61",
           "81",
           "a1",
           "a101",  // too short, too long
       })
    EXPECT_FALSE(accepts(hex)) << hex;
}

TEST(Cbor, KeysStandInTheOrderOfCtap2) {
  // By major type, then length, then bytes: 1, 24, -1, "b", "aa".
  EXPECT_TRUE(
      accepts("a5"
              "0100"
              "181800"
              "2000"
              "616200"
              "62616100"));
  EXPECT_FALSE(
      accepts("a2"
              "2000"
              "0100"));  // -1 before 1
  EXPECT_FALSE(
      accepts("a2"
              "62616100"
              "616200"));  // the longer before the shorter
  EXPECT_FALSE(
      accepts("a2"
              "616200"
              "616100"));  // b before a
}

TEST(Cbor, NestsFourDeepAndNoDeeper) {
  EXPECT_TRUE(accepts("8181818100"));
  EXPECT_FALSE(accepts("818181818100"));
  EXPECT_TRUE(accepts("a100a100a100a10000"));
  EXPECT_FALSE(accepts("a100a100a100a100a10000"));
}

TEST(Cbor, BombsCostNothing) {
  const long before = peak_kib();
  std::vector<std::string> bombs = {from_hex("9a08000000"),
                                    from_hex("9bffffffffffffffff"),
                                    from_hex("5b7fffffffffffffff"),
                                    from_hex("ba08000000"),
                                    from_hex("bb7fffffffffffffff"),
                                    from_hex("7bffffffffffffffff"),
                                    std::string(1 << 20, '\x81'),
                                    std::string(1 << 20, '\xa1'),
                                    std::string(1 << 20, '\0'),
                                    std::string(kCborBytesMax, '\x81'),
                                    std::string(kCborBytesMax, '\x9f'),
                                    from_hex("993fff") + std::string(kCborBytesMax - 3, '\x80'),
                                    from_hex("b91fff") + std::string(kCborBytesMax - 3, '\0')};
  for (const std::string& bomb : bombs) {
    EXPECT_FALSE(check_cbor(bomb));
    EXPECT_FALSE(parse_cose_key(bomb));
    EXPECT_FALSE(parse_attestation_object(bomb));
    EXPECT_FALSE(parse_authenticator_data(data_with(0xc1, attested("id", bomb))));
    EXPECT_FALSE(parse_authenticator_data(data_with(0x81, bomb)));
  }
  // The bombs themselves take 3 MiB and are copied a few times each.
  EXPECT_LT(peak_kib() - before, 64 * 1024);
}

TEST(Cbor, TheWidestAcceptedInputIsReadWhole) {
  const std::string widest = from_hex("993ffd") + std::string(kCborBytesMax - 3, '\0');
  EXPECT_TRUE(check_cbor(widest));
  EXPECT_FALSE(check_cbor(widest + '\0'));
}

TEST(Cbor, MeasuresTheFirstItemAndLeavesTheRest) {
  const auto size = measure_cbor(from_hex("8201026161"));
  ASSERT_TRUE(size);
  EXPECT_EQ(*size, 3u);
}

TEST(Cbor, ACoseKeyIsEs256OrNothing) {
  const std::string key = cose_key();
  const auto point = parse_cose_key(key);
  ASSERT_TRUE(point);
  EXPECT_EQ((*point)[0], 'x');
  EXPECT_EQ((*point)[63], 'y');
  const auto changed = [&key](std::size_t at, char to) {
    std::string copy = key;
    copy[at] = to;
    return copy;
  };
  const auto reason = [](const std::string& bytes) {
    const auto read = parse_cose_key(bytes);
    return read ? Reason::internal_error : read.error().reason;
  };
  EXPECT_EQ(reason(changed(2, 1)), Reason::key_algorithm_wrong);       // OKP
  EXPECT_EQ(reason(changed(4, '\x27')), Reason::key_algorithm_wrong);  // EdDSA
  EXPECT_EQ(reason(changed(6, 2)), Reason::key_algorithm_wrong);       // P-384
  EXPECT_EQ(reason(key + '\0'), Reason::malformed_cbor);
  EXPECT_EQ(reason(key.substr(0, 40)), Reason::malformed_cbor);
  EXPECT_EQ(reason(from_hex("a0")), Reason::key_algorithm_wrong);
  std::string rsa = from_hex("a401030339010020") + from_hex("5903e8") + std::string(1000, 'n');
  EXPECT_EQ(reason(rsa), Reason::malformed_cbor);  // a map of four with three
}

TEST(Cbor, FlagsAndBytesOfAuthenticatorDataAgree) {
  const std::string bare = data_with(0x05, "");
  const auto plain = parse_authenticator_data(bare);
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->user_present && plain->user_verified);
  EXPECT_FALSE(plain->backup_eligible || plain->backed_up || plain->credential);
  EXPECT_EQ(plain->counter, 7u);
  const std::string extended =
      data_with(0xc5, attested("id", cose_key()) + from_hex("a16b68"
                                                            "6d61632d736563726574"
                                                            "f5"));
  const auto with = parse_authenticator_data(extended);
  ASSERT_TRUE(with) << with.error().detail;
  ASSERT_TRUE(with->credential);
  EXPECT_EQ(with->credential->id, "id");
  EXPECT_EQ(with->credential->key, cose_key());
  ASSERT_EQ(with->extensions.size(), 1u);
  EXPECT_EQ(with->extensions[0].name, "hmac-secret");

  const std::string wrong[] = {"",
                               std::string(36, 'r'),
                               data_with(0x05, "x"),
                               data_with(0x45, ""),
                               data_with(0x45, std::string(17, 'a')),
                               data_with(0x45, attested("", cose_key())),
                               data_with(0x45, attested(std::string(1024, 'i'), cose_key())),
                               data_with(0x45, attested("id", "")),
                               data_with(0x45, attested("id", cose_key()) + "x"),
                               data_with(0x85, ""),
                               data_with(0x85, from_hex("a0") + "x"),
                               data_with(0x85, "\x01"),
                               data_with(0xc5, attested("id", cose_key())),
                               data_with(0x05, from_hex("a0")),
                               data_with(0x07, ""),
                               data_with(0x25, ""),
                               data_with(0x85, from_hex("a10101"))};
  for (const std::string& bytes : wrong)
    EXPECT_FALSE(parse_authenticator_data(bytes)) << bytes.size();
  EXPECT_TRUE(
      parse_authenticator_data(data_with(0x45, attested(std::string(1023, 'i'), cose_key()))));
}

std::string object_of(const std::string& format_and_statement, const std::string& data) {
  std::string out = from_hex("a363666d74") + format_and_statement;
  out += from_hex("686175746844617461") + from_hex("58") + static_cast<char>(data.size()) + data;
  return out;
}

TEST(Cbor, AnAttestationObjectIsSplitOnlyIfItsStatementFitsItsFormat) {
  const std::string data = data_with(0x05, "");
  const std::string alg_sig = from_hex(
      "63616c6726"
      "63736967"
      "43"
      "010203");
  const std::string packed = object_of(from_hex("667061636b6564"
                                                "6761747453746d74"
                                                "a3") +
                                           alg_sig +
                                           from_hex("63783563"
                                                    "82"
                                                    "420102"
                                                    "420304"),
                                       data);
  const auto split = parse_attestation_object(packed);
  ASSERT_TRUE(split) << split.error().detail;
  EXPECT_EQ(split->format, "packed");
  EXPECT_EQ(split->algorithm, -7);
  EXPECT_EQ(split->signature, "\x01\x02\x03");
  ASSERT_EQ(split->chain.size(), 2u);
  EXPECT_EQ(split->chain[1], "\x03\x04");
  EXPECT_EQ(split->authenticator_data, data);
  EXPECT_TRUE(parse_attestation_object(object_of(from_hex("646e6f6e65"
                                                          "6761747453746d74"
                                                          "a0"),
                                                 data)));
  // `none` with a statement; packed without sig; an empty chain; five certificates.
  for (const std::string& wrong :
       {object_of(from_hex("646e6f6e65"
                           "6761747453746d74"
                           "a1") +
                      from_hex("63616c6726"),
                  data),
        object_of(from_hex("667061636b6564"
                           "6761747453746d74"
                           "a1") +
                      from_hex("63616c6726"),
                  data),
        object_of(from_hex("667061636b6564"
                           "6761747453746d74"
                           "a3") +
                      alg_sig +
                      from_hex("63783563"
                               "80"),
                  data),
        object_of(from_hex("667061636b6564"
                           "6761747453746d74"
                           "a3") +
                      alg_sig +
                      from_hex("63783563"
                               "85"
                               "4101"
                               "4101"
                               "4101"
                               "4101"
                               "4101"),
                  data),
        packed + "\0"s, packed.substr(0, packed.size() - 1), from_hex("a0"), from_hex("80")})
    EXPECT_FALSE(parse_attestation_object(wrong));
}

// Whatever is changed, nothing is read past the end and nothing accepted says two things at once.
TEST(Cbor, AChangedByteNeverMakesTheReadersDisagree) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string data = data_with(0xc5, attested("id", cose_key()) + from_hex("a0"));
  for (int i = 0; i < 200'000; ++i) {
    std::string changed = data;
    for (unsigned n = random() % 3 + 1; n-- > 0;)
      changed[random() % changed.size()] ^= static_cast<char>(1 << random() % 8);
    changed.resize(changed.size() - random() % 3);
    if (const auto read = parse_authenticator_data(changed)) {
      std::size_t told = 37;
      if (read->credential) told += 18 + read->credential->id.size() + read->credential->key.size();
      EXPECT_EQ((changed[32] & 0x40) != 0, read->credential.has_value());
      if ((changed[32] & 0x80) == 0) EXPECT_EQ(told, changed.size());
      if (read->credential) EXPECT_TRUE(check_cbor(read->credential->key));
    }
  }
}

}  // namespace
}  // namespace amanat::net
