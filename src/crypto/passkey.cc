#include "crypto/passkey.h"

#include <fido.h>
#include <fido/es256.h>

#include <memory>
#include <mutex>

#include "model/insist.h"

namespace amanat::crypto {
namespace {

struct FreeAssertion {
  void operator()(fido_assert_t* p) const { fido_assert_free(&p); }
};
struct FreeCredential {
  void operator()(fido_cred_t* p) const { fido_cred_free(&p); }
};
struct FreePoint {
  void operator()(es256_pk_t* p) const { es256_pk_free(&p); }
};

constexpr std::size_t kDataMax = 16 * 1024, kSignatureMax = 80;  // a P-256 signature has 72 at most

const unsigned char* data(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

void begin() {
  static std::once_flag once;
  std::call_once(once, [] { fido_init(0); });
}

bool fits(const SignedByPasskey& what) {
  return !what.authenticator_data.empty() && what.authenticator_data.size() <= kDataMax &&
         !what.signature.empty() && what.signature.size() <= kSignatureMax;
}

}  // namespace

Result<void> verify_assertion(const SignedByPasskey& assertion, const EcPoint& key) {
  begin();
  if (!fits(assertion)) return fail(Reason::assertion_wrong, "its length");
  const std::unique_ptr<fido_assert_t, FreeAssertion> a(fido_assert_new());
  const std::unique_ptr<es256_pk_t, FreePoint> point(es256_pk_new());
  insist(a != nullptr && point != nullptr);
  const std::string rp_id(assertion.rp_id);
  const PasskeyExtensions& e = assertion.extensions;
  const int extensions =
      (e.hmac_secret ? FIDO_EXT_HMAC_SECRET : 0) | (e.credential_blob ? FIDO_EXT_CRED_BLOB : 0);
  const bool set = es256_pk_from_ptr(point.get(), key.data(), key.size()) == FIDO_OK &&
                   fido_assert_set_count(a.get(), 1) == FIDO_OK &&
                   fido_assert_set_rp(a.get(), rp_id.c_str()) == FIDO_OK &&
                   fido_assert_set_clientdata_hash(a.get(), assertion.client_data_hash.data(),
                                                   assertion.client_data_hash.size()) == FIDO_OK &&
                   fido_assert_set_up(a.get(), FIDO_OPT_TRUE) == FIDO_OK &&
                   fido_assert_set_uv(a.get(), assertion.verification ? FIDO_OPT_TRUE
                                                                      : FIDO_OPT_OMIT) == FIDO_OK &&
                   fido_assert_set_extensions(a.get(), extensions) == FIDO_OK &&
                   fido_assert_set_authdata_raw(a.get(), 0, data(assertion.authenticator_data),
                                                assertion.authenticator_data.size()) == FIDO_OK &&
                   fido_assert_set_sig(a.get(), 0, data(assertion.signature),
                                       assertion.signature.size()) == FIDO_OK;
  if (!set) return fail(Reason::assertion_wrong, "its form");
  if (fido_assert_verify(a.get(), 0, COSE_ES256, point.get()) != FIDO_OK)
    return fail(Reason::assertion_wrong);
  return {};
}

Result<void> verify_attestation(const SignedByPasskey& attestation,
                                std::string_view certificate_der) {
  begin();
  if (!fits(attestation) || certificate_der.empty() || certificate_der.size() > kDataMax)
    return fail(Reason::attestation_wrong, "its length");
  const std::unique_ptr<fido_cred_t, FreeCredential> c(fido_cred_new());
  insist(c != nullptr);
  const std::string rp_id(attestation.rp_id);
  const PasskeyExtensions& e = attestation.extensions;
  const int extensions =
      (e.hmac_secret ? FIDO_EXT_HMAC_SECRET : 0) | (e.credential_blob ? FIDO_EXT_CRED_BLOB : 0);
  bool set = fido_cred_set_type(c.get(), COSE_ES256) == FIDO_OK &&
             fido_cred_set_rp(c.get(), rp_id.c_str(), "Amanat") == FIDO_OK &&
             fido_cred_set_clientdata_hash(c.get(), attestation.client_data_hash.data(),
                                           attestation.client_data_hash.size()) == FIDO_OK &&
             fido_cred_set_uv(c.get(), attestation.verification ? FIDO_OPT_TRUE : FIDO_OPT_OMIT) ==
                 FIDO_OK &&
             fido_cred_set_extensions(c.get(), extensions) == FIDO_OK;
  if (e.protection != 0) set = set && fido_cred_set_prot(c.get(), e.protection) == FIDO_OK;
  if (e.pin_length_min)
    set = set && fido_cred_set_pin_minlen(c.get(), *e.pin_length_min) == FIDO_OK;
  set = set &&
        fido_cred_set_authdata_raw(c.get(), data(attestation.authenticator_data),
                                   attestation.authenticator_data.size()) == FIDO_OK &&
        fido_cred_set_x509(c.get(), data(certificate_der), certificate_der.size()) == FIDO_OK &&
        fido_cred_set_sig(c.get(), data(attestation.signature), attestation.signature.size()) ==
            FIDO_OK &&
        fido_cred_set_fmt(c.get(), "packed") == FIDO_OK;
  if (!set) return fail(Reason::attestation_wrong, "its form");
  if (fido_cred_verify(c.get()) != FIDO_OK) return fail(Reason::attestation_wrong);
  return {};
}

}  // namespace amanat::crypto
