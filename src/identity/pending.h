#pragma once
// identity, pending: what waits for a signature, in memory. Taking a pending away is the first
// thing that happens to it, so that a failed attempt burns it and a second one finds nothing. This
// room only; thread-safe.

#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "crypto/crypto.h"
#include "identity/offers.h"
#include "identity/session.h"

namespace amanat::identity {

inline constexpr std::uint64_t kPendingLife = 5 * kMinute;
inline constexpr std::size_t kPendingsMax = 16'384, kPendingsOfAccountMax = 16;
inline constexpr std::size_t kNonceBytes = 32;

/// Pending is a question or an act that was put forward.
struct Pending {
  std::string nonce, challenge, canonical;
  AccountId account{};
  Digest session{};
  bool verification = true;
  Moment expires{};
  std::optional<Question> question;  // of the two exactly one
  std::optional<Act> act;
};

class Pendings {
 public:
  /// add keeps one. Errors: pending_full (of this account, or at all).
  Result<void> add(Pending pending, Moment at);
  /// take removes the session's pending of that nonce and returns it. Another session's stays and
  /// is not told of. Errors: pending_unknown, pending_expired.
  Result<Pending> take(std::string_view nonce, const Digest& session, Moment at);

 private:
  void forget_expired(Moment at);
  void erase(std::list<Pending>::iterator one);
  std::mutex mutex_;
  std::list<Pending> by_age_;  // all live as long, so the oldest expires first
  std::unordered_map<std::string, std::list<Pending>::iterator> by_nonce_;
  std::unordered_map<std::uint32_t, std::size_t> of_account_;
};

/// SignInNonces makes the challenges of sign-in. Strangers ask for them, so that nothing may be
/// kept of one before its answer has verified: a nonce carries its own time and a MAC, and is
/// remembered only once it was used.
class SignInNonces {
 public:
  SignInNonces();
  std::string make(Moment at) const;
  /// challenge_of gives what is to be signed for a nonce of ours that lives. Errors:
  /// pending_unknown, pending_expired.
  Result<std::string> challenge_of(std::string_view nonce, Moment at) const;
  /// use says whether a nonce is used for the first time. Call it when all else is judged.
  bool use(std::string_view nonce, Moment at);
  static std::string challenge(std::string_view nonce);

 private:
  Digest mac(std::string_view head) const;
  crypto::Hmac key_;
  std::mutex mutex_;
  std::map<std::uint64_t, std::vector<std::string>> used_;  // by expiry
};

/// Tickets keeps enrolment codes by the hash of the code. One live ticket an account.
class Tickets {
 public:
  struct Open {
    TicketRecord record;
    std::optional<Offer> offer;  // the registration in hand: a new one replaces it
    unsigned failures = 0;
  };
  /// add takes a ticket in and returns the one of the same account that it replaces.
  std::optional<Digest> add(const TicketRecord& record);
  std::optional<Open> find(const Digest& code, Moment at) const;
  void offer(const Digest& code, const Offer& offer);
  /// take_offer removes the registration in hand and returns it. Errors: ticket_wrong,
  /// pending_unknown, pending_expired.
  Result<Offer> take_offer(const Digest& code, Moment at);
  /// failed counts a wrong registration; true when it burned the ticket.
  bool failed(const Digest& code);
  /// spend takes one registration off and returns how many are left; nothing if there was none.
  std::optional<TicketRecord> spend(const Digest& code, Moment at);

 private:
  mutable std::mutex mutex_;
  std::map<Digest, Open> tickets_;
};

}  // namespace amanat::identity
