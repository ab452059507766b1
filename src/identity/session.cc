#include "identity/session.h"

#include <algorithm>
#include <cstring>

#include "crypto/crypto.h"

namespace amanat::identity {
namespace {

bool is_live(const Session& session, Moment at) {
  return at < idle_until(session) && number(at) < number(session.began) + kSessionLife;
}

}  // namespace

Moment idle_until(const Session& session) {
  return Moment{number(session.used) + (session.citizen ? kCitizenIdle : kOfficerIdle)};
}

std::size_t Sessions::IdHash::operator()(const Digest& d) const {
  std::size_t hash = 0;  // it is a hash already
  std::memcpy(&hash, d.data(), sizeof hash);
  return hash;
}

void Sessions::erase(const Digest& id) {
  const auto at = sessions_.find(id);
  if (at == sessions_.end()) return;
  const auto owner = of_device_.find(at->second.device);
  if (owner != of_device_.end() && owner->second == id) of_device_.erase(owner);
  sessions_.erase(at);
}

void Sessions::sweep(Moment at) {
  std::vector<Digest> over;
  for (const auto& [id, session] : sessions_)
    if (!is_live(session, at)) over.push_back(id);
  for (const Digest& id : over) erase(id);
  sweep_at_ = std::max<std::size_t>(1024, sessions_.size() * 2);
}

std::string Sessions::open(const Device& device, bool citizen, Moment at) {
  std::array<std::uint8_t, 32> secret;
  crypto::random_bytes(secret);
  std::string token = crypto::base64url(secret);
  wipe(secret.data(), secret.size());
  Session session;
  session.id = crypto::sha256(token);
  session.device = &device;
  session.citizen = citizen;
  session.began = session.used = session.verified = at;
  const std::lock_guard lock(mutex_);
  if (const auto former = of_device_.find(&device); former != of_device_.end())
    erase(Digest(former->second));
  if (sessions_.size() >= sweep_at_ || sessions_.size() >= kSessionsMax) sweep(at);
  if (sessions_.size() >= kSessionsMax) return {};
  sessions_.emplace(session.id, session);
  of_device_[&device] = session.id;
  return token;
}

std::optional<Session> Sessions::find(std::string_view token, Moment at) {
  const Digest id = crypto::sha256(token);
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return std::nullopt;
  if (!is_live(found->second, at)) {
    erase(id);
    return std::nullopt;
  }
  // Requests of one session may overtake each other: use never goes back.
  found->second.used = std::max(found->second.used, at);
  return found->second;
}

void Sessions::signed_well(const Digest& id, bool verified, Moment at) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  if (verified) found->second.verified = std::max(found->second.verified, at);
  found->second.failures = 0;
}

void Sessions::failed(const Digest& id) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  if (found != sessions_.end() && ++found->second.failures >= kFailuresMax) erase(id);
}

void Sessions::close(const Digest& id) {
  const std::lock_guard lock(mutex_);
  erase(id);
}

void Sessions::close_of(const Device& device) {
  const std::lock_guard lock(mutex_);
  const auto at = of_device_.find(&device);
  if (at != of_device_.end()) erase(Digest(at->second));
}

std::size_t Sessions::size() const {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

}  // namespace amanat::identity
