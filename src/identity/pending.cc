#include "identity/pending.h"

#include <algorithm>

namespace amanat::identity {
namespace {

constexpr std::size_t kStamp = 8, kHead = 16, kMac = 16;

std::string random_text(std::size_t n) {
  std::string out(n, '\0');
  crypto::random_bytes({reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
  return out;
}

}  // namespace

void Pendings::erase(std::list<Pending>::iterator one) {
  const auto count = of_account_.find(number(one->account));
  if (--count->second == 0) of_account_.erase(count);
  by_nonce_.erase(one->nonce);
  by_age_.erase(one);
}

void Pendings::forget_expired(Moment at) {
  // Kept for one life more, so that who comes too late is told so.
  while (!by_age_.empty() && number(by_age_.front().expires) + kPendingLife <= number(at))
    erase(by_age_.begin());
}

Result<void> Pendings::add(Pending pending, Moment at) {
  const std::lock_guard lock(mutex_);
  forget_expired(at);
  // The account's own expired ones make room first.
  if (const auto count = of_account_.find(number(pending.account));
      count != of_account_.end() && count->second >= kPendingsOfAccountMax) {
    for (auto one = by_age_.begin(); one != by_age_.end() && one->expires <= at;) {
      const auto here = one++;
      if (here->account == pending.account) erase(here);
    }
  }
  if (by_age_.size() >= kPendingsMax) return fail(Reason::pending_full);
  std::size_t& count = of_account_[number(pending.account)];
  if (count >= kPendingsOfAccountMax) return fail(Reason::pending_full);
  ++count;
  by_age_.push_back(std::move(pending));
  const bool fresh = by_nonce_.emplace(by_age_.back().nonce, std::prev(by_age_.end())).second;
  insist(fresh);
  return {};
}

Result<Pending> Pendings::take(std::string_view nonce, const Digest& session, Moment at) {
  const std::lock_guard lock(mutex_);
  const auto found = by_nonce_.find(std::string(nonce));
  if (found == by_nonce_.end() || found->second->session != session)
    return fail(Reason::pending_unknown);
  Pending taken = std::move(*found->second);
  found->second->nonce = taken.nonce;  // erase looks it up
  erase(found->second);
  if (taken.expires <= at) return fail(Reason::pending_expired);
  return taken;
}

SignInNonces::SignInNonces() : key_(crypto::bytes_of(random_text(32))) {}

Digest SignInNonces::mac(std::string_view head) const { return key_.mac(head); }

std::string SignInNonces::make(Moment at) const {
  const std::uint64_t expires = number(at) + kPendingLife;
  std::string nonce;
  for (int shift = 56; shift >= 0; shift -= 8)
    nonce.push_back(static_cast<char>((expires >> shift) & 0xff));
  nonce += random_text(kHead - kStamp);
  const Digest seal = mac(nonce);
  nonce.append(reinterpret_cast<const char*>(seal.data()), kMac);
  return nonce;
}

std::string SignInNonces::challenge(std::string_view nonce) {
  crypto::Sha256 hash;
  hash.update("amanat/sign-in/v1").update(std::uint8_t{0}).update(nonce);
  return std::string(crypto::text_of(hash.finish()));
}

Result<std::string> SignInNonces::challenge_of(std::string_view nonce, Moment at) const {
  if (nonce.size() != kNonceBytes) return fail(Reason::pending_unknown);
  const Digest seal = mac(nonce.substr(0, kHead));
  if (!crypto::equal(crypto::bytes_of(nonce.substr(kHead)), crypto::Bytes(seal).first(kMac)))
    return fail(Reason::pending_unknown);
  std::uint64_t expires = 0;
  for (const char c : nonce.substr(0, kStamp))
    expires = expires << 8 | static_cast<std::uint8_t>(c);
  if (expires <= number(at)) return fail(Reason::pending_expired);
  return challenge(nonce);
}

bool SignInNonces::use(std::string_view nonce, Moment at) {
  insist(nonce.size() == kNonceBytes);
  std::uint64_t expires = 0;
  for (const char c : nonce.substr(0, kStamp))
    expires = expires << 8 | static_cast<std::uint8_t>(c);
  const std::lock_guard lock(mutex_);
  used_.erase(used_.begin(), used_.lower_bound(number(at)));
  auto& of_this_time = used_[expires];
  if (std::find(of_this_time.begin(), of_this_time.end(), nonce) != of_this_time.end())
    return false;
  of_this_time.emplace_back(nonce);
  return true;
}

std::optional<Digest> Tickets::add(const TicketRecord& record) {
  const std::lock_guard lock(mutex_);
  std::optional<Digest> replaced;
  for (auto one = tickets_.begin(); one != tickets_.end(); ++one)
    if (one->second.record.account == record.account) {
      replaced = one->first;
      tickets_.erase(one);
      break;
    }
  Open open;
  open.record = record;
  tickets_.emplace(record.code, std::move(open));
  return replaced;
}

std::optional<Tickets::Open> Tickets::find(const Digest& code, Moment at) const {
  const std::lock_guard lock(mutex_);
  const auto found = tickets_.find(code);
  if (found == tickets_.end() || found->second.record.expires <= at) return std::nullopt;
  return found->second;
}

void Tickets::offer(const Digest& code, const Offer& offer) {
  const std::lock_guard lock(mutex_);
  if (const auto found = tickets_.find(code); found != tickets_.end()) found->second.offer = offer;
}

Result<Offer> Tickets::take_offer(const Digest& code, Moment at) {
  const std::lock_guard lock(mutex_);
  const auto found = tickets_.find(code);
  if (found == tickets_.end() || found->second.record.expires <= at)
    return fail(Reason::ticket_wrong);
  if (!found->second.offer) return fail(Reason::pending_unknown);
  Offer taken = *std::move(found->second.offer);
  found->second.offer.reset();
  if (taken.expires <= at) return fail(Reason::pending_expired);
  return taken;
}

bool Tickets::failed(const Digest& code) {
  const std::lock_guard lock(mutex_);
  const auto found = tickets_.find(code);
  if (found == tickets_.end() || ++found->second.failures < kFailuresMax) return false;
  tickets_.erase(found);
  return true;
}

std::optional<TicketRecord> Tickets::spend(const Digest& code, Moment at) {
  const std::lock_guard lock(mutex_);
  const auto found = tickets_.find(code);
  if (found == tickets_.end() || found->second.record.expires <= at ||
      found->second.record.left == 0)
    return std::nullopt;
  TicketRecord& record = found->second.record;
  --record.left;
  found->second.failures = 0;
  const TicketRecord after = record;
  if (record.left == 0) tickets_.erase(found);
  return after;
}

}  // namespace amanat::identity
