#pragma once
// identity, session: who is signed in, in memory: a restart signs everybody out. A token is 32
// random bytes of which only the hash is kept. One live session a device; its last sign-in stands.
// This room only; thread-safe.

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "identity/book.h"

namespace amanat::identity {

inline constexpr std::uint64_t kMinute = 60 * 1000;
inline constexpr std::uint64_t kOfficerIdle = 30 * kMinute, kCitizenIdle = 10 * kMinute;
inline constexpr std::uint64_t kSessionLife = 10 * 60 * kMinute;
inline constexpr unsigned kFailuresMax = 10;  // then the session ends: it may be in other hands
inline constexpr std::size_t kSessionsMax = 200'000;

/// Session is one as it was when it was looked at.
struct Session {
  Digest id{};  // SHA-256 of the token
  const Device* device = nullptr;
  bool citizen = false;
  Moment began{}, used{}, verified{};
  unsigned failures = 0;
};

Moment idle_until(const Session& session);

class Sessions {
 public:
  /// open begins a session of a device, ends the device's former one and returns the token; empty
  /// when there are kSessionsMax live ones already.
  std::string open(const Device& device, bool citizen, Moment at);
  /// find looks a live session up and counts as its use.
  std::optional<Session> find(std::string_view token, Moment at);
  /// signed_well ends a run of failures; `verified`: the person was verified (PIN, fingerprint)
  /// then.
  void signed_well(const Digest& id, bool verified, Moment at);
  /// failed counts what was sent to be answered and not rightly signed; too many in a row end the
  /// session: each is an entry of the ledger, and whoever copied a cookie could write there for
  /// ever.
  void failed(const Digest& id);
  void close(const Digest& id);
  /// close_of ends the live session of a device, if it has one.
  void close_of(const Device& device);
  std::size_t size() const;

 private:
  struct IdHash {
    std::size_t operator()(const Digest& d) const;
  };
  void sweep(Moment at);
  void erase(const Digest& id);
  mutable std::mutex mutex_;
  std::unordered_map<Digest, Session, IdHash> sessions_;
  std::unordered_map<const Device*, Digest> of_device_;
  std::size_t sweep_at_ = 1024;  // sizes at which expired ones are looked for: twice the last rest
};

}  // namespace amanat::identity
