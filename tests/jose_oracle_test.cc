// The exchange's own JWS reader and verifier against the npm package jose, on mutated DPoP proofs.
// A short run each time; AMANAT_PROOFS=100000 (make soak) for the long one.

#include <gtest/gtest.h>

#include <random>

#include "identity/proof.h"
#include "identity/service_for_tests.h"
#include "node.h"
#include "world.h"

namespace amanat::test {
namespace {

using identity::TestService;

// Whether the exchange takes a text as a proof signed by the key in its header.
bool ours(const std::string& text) {
  const auto proof = identity::read_proof(text);
  if (!proof) return false;
  const auto key = crypto::Es256Public::import(proof->key);
  return key != nullptr &&
         key->verify(crypto::bytes_of(proof->jws.signing_input), proof->jws.signature);
}

// Strictness says whether the exchange may refuse what jose takes.
enum class Strictness : std::uint8_t { same, stricter };
struct Mutant {
  std::string text;
  Strictness strictness = Strictness::same;
  const char* how = "";
};

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : draw_(seed) {}

  Mutant next() {
    switch (draw_() % 12) {
      case 0:
        return {good(), Strictness::same, "as it is"};
      case 1:
        return {bytes_changed(good()), Strictness::stricter, "bytes of the text changed"};
      case 2:
        return {bits_of_signature(), Strictness::same, "bits of the signature changed"};
      case 3:
        return {signature_of(special_signature()), Strictness::same, "a special signature"};
      case 4:
        return {other_half(), Strictness::same, "n - s for s"};
      case 5:
        return {others_key(), Strictness::same, "another key in the header"};
      case 6:
        return {cut(good()), Strictness::same, "cut or spliced"};
      case 7:
        return {claims_changed(), Strictness::stricter, "other claims, signed"};
      case 8:
        return {header_changed(), Strictness::stricter, "another header, signed"};
      case 9:
        return {json_changed(), Strictness::stricter, "bytes of the JSON changed, signed"};
      case 10:
        return {point_changed(), Strictness::same, "another point, signed"};
      default:
        return {payload_swapped(), Strictness::same, "the payload of another proof"};
    }
  }

 private:
  static constexpr Moment kAt{1'800'000'000'000};
  static constexpr const char* kUri = "https://localhost:8443/v1/lookups";
  std::string body() { return std::to_string(draw_() % 1000); }
  std::string good(const TestService::Bend& bend = {}) {
    const std::string b = body();
    return service_.proof("POST", kUri, kAt, std::string(36, 'A'), "token", &b, bend);
  }
  std::string bytes_changed(std::string text) {
    constexpr std::string_view letters = "ABCxyz019-_=.+/ ";
    for (auto n = 1 + draw_() % 3; n-- > 0;)
      text[draw_() % text.size()] = letters[draw_() % letters.size()];
    return text;
  }
  std::string signature_of(const crypto::Es256Signature& signature) {
    std::string text = good();
    return text.substr(0, text.rfind('.') + 1) + crypto::base64url(signature);
  }
  static crypto::Es256Signature signature_in(const std::string& text) {
    const auto bytes = crypto::from_base64url(text.substr(text.rfind('.') + 1));
    crypto::Es256Signature signature{};
    if (bytes && bytes->size() == 64) std::copy(bytes->begin(), bytes->end(), signature.begin());
    return signature;
  }
  std::string bits_of_signature() {
    const std::string text = good();
    auto signature = signature_in(text);
    for (auto n = 1 + draw_() % 4; n-- > 0;)
      signature[draw_() % 64] ^= static_cast<std::uint8_t>(1U << draw_() % 8);
    return text.substr(0, text.rfind('.') + 1) + crypto::base64url(signature);
  }
  static crypto::Bytes order() {
    static const auto bytes =
        crypto::from_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    return crypto::bytes_of(*bytes);
  }
  // 0, 1, n - 1, n, n + 1 and all ones, in r and s.
  crypto::Es256Signature special_signature() {
    crypto::Es256Signature signature{};
    for (std::size_t half = 0; half < 64; half += 32) {
      const auto which = draw_() % 6;
      if (which == 1) signature[half + 31] = 1;
      if (which >= 2 && which <= 4) {
        std::copy(order().begin(), order().end(), signature.begin() + half);
        signature[half + 31] = static_cast<std::uint8_t>(signature[half + 31] + which - 3);
      }
      if (which == 5) std::fill_n(signature.begin() + half, 32, std::uint8_t{0xff});
    }
    return signature;
  }
  std::string other_half() {
    const std::string text = good();
    auto signature = signature_in(text);
    int borrow = 0;
    for (std::size_t i = 32; i-- > 0;) {
      const int difference = order()[i] - signature[32 + i] - borrow;
      borrow = difference < 0;
      signature[32 + i] = static_cast<std::uint8_t>(difference + (borrow ? 256 : 0));
    }
    return text.substr(0, text.rfind('.') + 1) + crypto::base64url(signature);
  }
  std::string others_key() {
    return good([this](auto& header, auto&) { TestService::set(header, "jwk", other_.jwk()); });
  }
  std::string cut(std::string text) {
    if (draw_() % 2 == 0) return text.substr(0, draw_() % text.size());
    const std::string more = good();
    return text.substr(0, draw_() % text.size()) + more.substr(draw_() % more.size());
  }
  std::string claims_changed() {
    const char* values[] = {"1",    "-1",     "1.5", "1e400", "null",
                            "true", R"("x")", "[]",  "{}",    R"("\ud800")"};
    const char* names[] = {"jti", "htm", "htu", "iat", "nonce", "ath", "bdh", "x"};
    const std::string name = names[draw_() % 8], value = values[draw_() % 10];
    return good([&](auto&, auto& payload) { TestService::set(payload, name, value); });
  }
  std::string header_changed() {
    const char* values[] = {R"("none")",     R"("ES256")", R"("ES384")", R"("HS256")", "null",
                            R"("dpop+jwt")", R"("JWT")",   R"(["exp"])", "{}",         "true"};
    const char* names[] = {"typ", "alg", "kid", "crit", "jku", "b64", "zip", "x5c"};
    const std::string name = names[draw_() % 8], value = values[draw_() % 10];
    return good([&](auto& header, auto&) { TestService::set(header, name, value); });
  }
  std::string json_changed() {
    std::string header = R"({"typ":"dpop+jwt","alg":"ES256","jwk":)" + service_.jwk() + "}";
    std::string payload = R"({"jti":"a","htm":"POST","htu":"https://a/","iat":1})";
    std::string& bent = draw_() % 2 == 0 ? header : payload;
    for (auto n = 1 + draw_() % 2; n-- > 0;)
      bent[draw_() % bent.size()] = static_cast<char>(draw_());
    return service_.signed_jws(header, payload);
  }
  std::string point_changed() {
    auto point = service_.key.point();
    point[draw_() % 64] ^= static_cast<std::uint8_t>(1U << draw_() % 8);
    return good(
        [&](auto& header, auto&) { TestService::set(header, "jwk", net::canonical_jwk(point)); });
  }
  std::string payload_swapped() {
    const std::string a = good(), b = good();
    const auto first = a.find('.'), last = a.rfind('.');
    return a.substr(0, first) + b.substr(first, b.rfind('.') - first) + a.substr(last);
  }

  std::mt19937_64 draw_;
  TestService service_, other_;
};

TEST(JoseOracle, OursAndJoseAgreeOnMutatedProofs) {
  const char* wanted = std::getenv("AMANAT_PROOFS");
  const int proofs = wanted != nullptr ? std::atoi(wanted) : 5'000;
  const std::uint64_t seed = 20261122;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Mutator mutator(seed);
  std::vector<Mutant> mutants;
  TemporaryDirectory directory;
  std::string lines;
  for (int i = 0; i < proofs; ++i) {
    mutants.push_back(mutator.next());
    lines += TestService::quoted(mutants.back().text) + "\n";
  }
  write_all(directory.path / "proofs", lines);
  const Ran ran = node("oracle.mjs", "'" + (directory.path / "proofs").string() + "'");
  ASSERT_EQ(ran.status, 0) << ran.said;
  ASSERT_EQ(ran.said.size(), mutants.size() * 2) << ran.said.substr(0, 1000);
  std::size_t both = 0, neither = 0, stricter = 0;
  for (std::size_t i = 0; i < mutants.size(); ++i) {
    const bool here = ours(mutants[i].text), there = ran.said[2 * i] == 'y';
    EXPECT_FALSE(here && !there) << "taken here alone: " << mutants[i].how << ": "
                                 << mutants[i].text;
    if (!here && there) {
      EXPECT_EQ(mutants[i].strictness, Strictness::stricter)
          << "refused here alone: " << mutants[i].how << ": " << mutants[i].text;
      ++stricter;
    }
    (here && there ? both : neither) += here == there;
  }
  std::cout << "  " << proofs << " proofs: taken by both " << both << ", by neither " << neither
            << ", refused here for form " << stricter << "\n";
  EXPECT_GT(both, static_cast<std::size_t>(proofs) / 10);
  EXPECT_GT(neither, static_cast<std::size_t>(proofs) / 3);
}

}  // namespace
}  // namespace amanat::test
