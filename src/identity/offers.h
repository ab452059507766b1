#pragma once
// identity, offers: what the ceremonies of passkeys take and give, as plain values. Byte strings
// are raw: whoever shows them to a browser writes them in base64url.

#include <string>
#include <vector>

#include "identity/record.h"
#include "model/passes.h"

namespace amanat::identity {

/// Authenticator is a row of the allow-list: a make of authenticator, and who may register it.
struct Authenticator {
  std::array<std::uint8_t, 16> aaguid{};
  std::string says;                // make and model
  std::vector<std::string> roles;  // who may register it; empty: every officer
  std::string roots_pem;           // where its maker's attestations must lead
};

/// PasskeyRules is what passkeys are judged by.
struct PasskeyRules {
  std::string rp_id = "localhost";
  std::vector<std::string> origins;  // exactly as a browser writes them: https://host:port
  std::vector<Authenticator> authenticators;
  FieldSet verify_always;  // fields that want the person verified at every question
};

/// Offer is what a browser is to sign.
struct Offer {
  std::string nonce;  // 32 bytes; names the ceremony when its result is sent
  std::string challenge;
  std::string rp_id;
  bool verification = true;              // userVerification: "required"
  std::vector<std::string> credentials;  // to sign with; at registration: those there already
  Moment expires{};
};

/// PutForward is a question or act that waits for its signature.
struct PutForward {
  Offer offer;
  std::string canonical;               // the bytes the challenge stands for
  std::vector<std::string> sentences;  // the same in words, for the person who signs
};

struct RegistrationOffer {
  Offer offer;
  std::string account, user_handle;
  bool direct = true;  // attestation: "direct"; else "none"
};

/// SignedIn is a session; `token` is the cookie's value and kept by nobody else.
struct SignedIn {
  std::string token;
  Asker asker;
  Moment idle_until{}, ends{};
};

/// Ticket is an enrolment code, told once.
struct Ticket {
  std::string code, account;
  Moment expires{};
};

/// NewPasskey is a registration that was judged and is not in force yet.
struct NewPasskey {
  DeviceRecord record;
  std::string account, says;
  Digest ticket{};
  std::string evidence;  // kind 7 of docs/callers.md
};

}  // namespace amanat::identity
