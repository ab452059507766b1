#pragma once
// identity, token: access tokens, JWTs of type at+jwt (RFC 9068) signed by the exchange's own token
// key and bound to one key of their holder (RFC 7800 cnf: jkt of RFC 9449, or x5t#S256 of RFC
// 8705). Thread-safe.
//
// Invariants:
//  1. a token is honoured by the process that made it alone: its id begins with the boot's number,
//     so what was withdrawn or spent needs no store to stay so;
//  2. a token in the book stays there until it expires: forgetting it would forget that it was
//     withdrawn, and give its subjects back.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "crypto/es256.h"
#include "identity/book.h"
#include "model/passes.h"
#include "model/result.h"
#include "net/json.h"

namespace amanat::identity {

/// Allowance is the one object of type amanat_lookup in authorization_details (RFC 9396).
struct Allowance {
  std::string purpose, case_ref;
  std::vector<std::string> datatypes;  // ascending: a field, a dataset or a registry
  std::uint32_t max_subjects = 1;
};
/// read_allowance reads authorization_details: one amanat_lookup and nothing else. Errors:
/// authorization_details_wrong.
Result<Allowance> read_allowance(const net::Json& list, const FieldTable& fields);
/// write_allowance is what was granted, as the JSON array.
std::string write_allowance(const Allowance& allowance);
/// bounds_of is the allowance in the terms of a question.
Bounds bounds_of(const Allowance& allowance, const FieldTable& fields);

/// TokenFacts is what a token says.
struct TokenFacts {
  std::string account;  // sub and client_id
  KeyKind binding = KeyKind::none;
  Digest key{};  // the thumbprint it is bound to
  std::uint64_t epoch = 0;
  Moment issued{}, expires{};
  std::string id;  // jti
  std::optional<Allowance> allowance;
};

/// LiveToken is a token that was shown, until it expires.
class LiveToken {
 public:
  LiveToken(TokenFacts facts, std::optional<Bounds> bounds);
  const TokenFacts facts;
  const std::optional<Bounds> bounds;
  const std::shared_ptr<std::atomic<bool>> ended;
  /// spend takes `n` of the token's subjects for what `name` stands for, once for each name. False
  /// if too few are left.
  bool spend(const Tag& name, std::uint32_t n);

 private:
  std::mutex mutex_;
  std::vector<Tag> names_;
  std::uint32_t spent_ = 0;
};

/// kTokenBytesMax bounds what is looked at as a token.
inline constexpr std::size_t kTokenBytesMax = 8192;
inline constexpr std::uint64_t kTokenMs = 600'000;

class Tokens {
 public:
  /// Tokens signs with a key derived from `secret`.
  explicit Tokens(const Key256& secret);
  /// issue makes a token for `issuer`, its own audience; facts.id is given here.
  std::string issue(TokenFacts facts, std::string_view issuer) const;
  /// find returns the live token of a text. Errors: token_malformed, token_signature_wrong,
  /// token_claims_wrong, token_expired, token_revoked, token_busy.
  Result<std::shared_ptr<LiveToken>> find(std::string_view text, std::string_view issuer,
                                          const FieldTable& fields, Moment at);
  /// kept is find for tokens that were shown before, without judging them: null if unknown.
  std::shared_ptr<LiveToken> kept(std::string_view text) const;
  const crypto::EcPoint& public_point() const { return key_.point(); }
  const std::string& key_id() const { return key_id_; }

 private:
  static constexpr std::size_t kShards = 64, kTokensMax = 1u << 18;
  struct Hash {
    std::size_t operator()(const Digest& d) const;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<Digest, std::shared_ptr<LiveToken>, Hash> tokens;
    std::uint64_t swept = 0;  // second of the last sweep
  };
  Result<TokenFacts> read(std::string_view text, std::string_view issuer, const FieldTable& fields,
                          Moment at) const;

  crypto::Es256Key key_;
  std::shared_ptr<const crypto::Es256Public> shown_;
  std::string key_id_, boot_;
  mutable std::array<Shard, kShards> shards_;
};

}  // namespace amanat::identity
