#pragma once
// identity, record: how accounts and devices rest in Table::accounts, before they are sealed.
// Big-endian, strings with a u16 length; a reader refuses every other form. Pure functions.
//
// Keys: 'a' + u32 account, 'd' + 32-byte thumbprint, 'c' + thumbprint (a passkey's counter), 't' +
// SHA-256 of an enrolment code. Values are sealed by the vault for the use "accounts", with the key
// as associated data.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/entry.h"
#include "model/ids.h"

namespace amanat::identity {

/// NameAt says where an officer's name is.
enum class NameAt : std::uint8_t {
  nowhere = 0,   // a service, or an officer without a name in the roster
  slot = 1,      // sealed under the officer's own key in the vault
  forgotten = 2  // erased; a later roster does not bring it back
};

/// AccountRecord is all that is kept of an account.
struct AccountRecord {
  AccountId account{};
  bool service = false;
  bool citizen = false;  // asks of themselves alone; never with `service`
  std::string id, department, unit, station, shift;
  std::vector<std::string> roles;  // as the roster or the operator says, without departments
  Moment joined{};
  std::optional<Moment> left;
  NameAt name_at = NameAt::nowhere;
  std::uint64_t slot = 0;
  std::string sealed_name;
  std::optional<Tag> own;  // keyed name of the officer's own national ID

  friend bool operator==(const AccountRecord&, const AccountRecord&) = default;
};

/// DeviceRecord is all that is kept of a device. The thumbprint is of the certificate's DER, of the
/// JWK (RFC 7638), or of the passkey's COSE key, as `kind` says.
struct DeviceRecord {
  Digest thumbprint{};
  KeyKind kind = KeyKind::certificate;
  std::string key;         // 64 bytes x || y (P-256); a passkey's COSE key
  std::string credential;  // a passkey's credential id, 1..1023 bytes
  std::array<std::uint8_t, 16> aaguid{};
  std::uint32_t counter = 0;     // a passkey's, at registration
  bool backup_eligible = false;  // a synced passkey: citizens only
  AccountId account{};
  Moment enrolled{}, not_after{};
  std::optional<Moment> revoked;

  friend bool operator==(const DeviceRecord&, const DeviceRecord&) = default;
};

/// TicketRecord is an enrolment code as it rests: what it opens, not what it is.
struct TicketRecord {
  Digest code{};  // SHA-256
  AccountId account{};
  Moment expires{};
  std::uint8_t left = 0;  // passkeys that may still be registered with it
};

std::string account_key(AccountId account);
std::string device_key(const Digest& thumbprint);
std::string counter_key(const Digest& thumbprint);
std::string ticket_key(const Digest& code);
std::string encode(const AccountRecord& record);
std::string encode(const DeviceRecord& record);
std::string encode(const TicketRecord& record);
/// A decoder returns nothing unless `bytes` is exactly one record.
std::optional<AccountRecord> decode_account(std::string_view bytes);
std::optional<DeviceRecord> decode_device(std::string_view bytes);
std::optional<TicketRecord> decode_ticket(std::string_view bytes);
std::string encode_counter(std::uint32_t counter);
std::optional<std::uint32_t> decode_counter(std::string_view bytes);

}  // namespace amanat::identity
