#pragma once
// cli, authenticator: a passkey authenticator in software, with an invented maker of its own. It is
// accepted only where a home's authenticators.toml lists that maker, which the demo's and the
// tests' homes alone do: its keys lie in a file and whoever copies the file has them. Not
// thread-safe.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/passkey.h"
#include "model/result.h"
#include "net/json.h"

namespace amanat::cli {

/// Maker is who attests software authenticators: an authority and a make.
struct Maker {
  crypto::Authority authority;
  crypto::Aaguid aaguid{};
};
/// make_maker invents one. Errors: internal_error.
Result<Maker> make_maker(std::string_view name);
/// allow_list writes a maker down as a home's authenticators.toml has it.
std::string allow_list(const Maker& maker, std::string_view says);

/// Dishonesty is what a wrong or stolen authenticator or browser does to its answer before signing
/// and after: for tests of those who must refuse it. Empty functions do nothing.
struct Dishonesty {
  std::function<void(std::string&)> client_data = {};         // JSON, before it is hashed
  std::function<void(std::string&)> authenticator_data = {};  // before it is signed
  std::function<void(std::string&)> sent_data = {};           // after it was signed
  std::function<void(std::string&)> signature = {}, user_handle = {};
  std::function<void(std::string&)> object = {};  // attestation object, as sent
  std::string format = "packed";                  // packed, self (packed without x5c), none
};

class Authenticator {
 public:
  /// make makes a fresh one of a maker. Errors: key_missing, internal_error.
  static Result<Authenticator> make(const Maker& maker);
  /// parse and text are the file's content, JSON. Errors: malformed_json.
  static Result<Authenticator> parse(std::string_view text);
  WipingBuffer text() const;

  /// create answers navigator.credentials.create for options as JSON (the member "publicKey"): the
  /// credential as JSON. Errors: malformed_json.
  Result<std::string> create(const net::Json& options, std::string_view origin,
                             const Dishonesty& dishonesty = {});
  /// get answers navigator.credentials.get. It verifies its person when, and only when, the options
  /// require it. Errors: malformed_json, passkey_unknown.
  Result<std::string> get(const net::Json& options, std::string_view origin,
                          const Dishonesty& dishonesty = {});

  /// synced makes the credentials made from now on claim to be copied elsewhere (BE, BS).
  bool synced = false;

 private:
  struct Credential {
    std::string id, rp_id, user_handle;
    Key256 secret;
    std::uint32_t counter = 0;
    bool synced = false;
  };
  crypto::Aaguid aaguid_{};
  Key256 attestation_secret_;
  std::string attestation_certificate_;  // DER
  std::vector<Credential> credentials_;
};

}  // namespace amanat::cli
