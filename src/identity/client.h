#pragma once
// identity, client: a service proves itself to the authorization server, by private_key_jwt (RFC
// 7523, FAPI 2.0) or by the certificate of its connection (RFC 8705 2.1). This room only.

#include <optional>

#include "identity/state.h"
#include "model/request.h"
#include "net/form.h"
#include "net/jose.h"

namespace amanat::identity {

/// Parameters are those of a request to the authorization server; none stands twice (RFC 6749 3.2).
class Parameters {
 public:
  /// read takes the body of a request apart. Errors: oauth_request_wrong.
  static Result<Parameters> read(const Request& request);
  /// find returns a parameter's value, or null; an empty value counts as left out (RFC 6749 3.2).
  const std::string* find(std::string_view name) const;

 private:
  net::Form form_;
};

/// Client is an authenticated client.
struct Client {
  Account* account = nullptr;
  std::shared_ptr<const Facts> facts;
  /// once is how its assertion is remembered; take it only when everything else is in order.
  struct Once {
    Tag name{};
    Moment until{};
  };
  std::optional<Once> once;
};

/// read_client_assertion is the form of a client assertion alone, exposed for fuzzing. Errors:
/// client_assertion_malformed.
struct ClientAssertion {
  net::Jws jws;
  std::string client, id;
  std::optional<std::string> key_id;
  std::string audience;
  Moment expires{};
  std::optional<Moment> not_before, issued;
};
Result<ClientAssertion> read_client_assertion(std::string_view text);

/// authenticate proves the client of a request to the token, introspection or revocation endpoint.
/// Errors: client_unknown, client_assertion_malformed, client_assertion_audience,
/// client_assertion_time, client_assertion_signature, revoked_device, the certificate's own.
Result<Client> authenticate(const Request& request, const Parameters& form, const Book& book,
                            const Services& services);

/// key_of finds a live JWK of an account by its thumbprint. Errors: proof_key_wrong,
/// revoked_device.
Result<const Device*> live_key(const Book& book, const Account& account, const Digest& thumbprint,
                               Moment at);
/// certificate_of is the live certificate of an account that the connection shows. Errors:
/// no_credential, foreign_certificate, expired_certificate, unknown_device, revoked_device.
Result<const Device*> live_certificate(const Book& book, const Account& account,
                                       const Request& request);

}  // namespace amanat::identity
