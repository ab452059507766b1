// Retention: two acts by two people (ledger page 3.6). The first moves the minimum index by a
// POLICY entry, and entries below are refused; the second destroys what the policy lets go and
// deletes it.
//
// The order of the second, so that a crash at any line leaves nothing that cannot be explained:
//   1. who is named where is durable;         afterwards it could be read from nothing
//   2. the slices past retention are destroyed
//   3. one ERASURE entry says how many, by which rule
//   4. finished segments move to the archive; openings and entries below the minimum are deleted.
// Whoever repeats it after a crash finishes it.

#include <algorithm>
#include <array>
#include <map>

#include "crypto/crypto.h"
#include "ledger/checkpoint.h"
#include "net/json.h"
#include "server/api.h"
#include "server/state.h"

namespace amanat::server {
namespace {

constexpr std::uint64_t kYearMs = 31'556'952'000;  // 365.2425 days
constexpr std::uint32_t kRuleRetention = 2;        // of an ERASURE; 1 is on request
constexpr std::string_view kRight = "policy";
constexpr std::array<EntryType, 4> kOfCitizens{EntryType::disclosure, EntryType::denied,
                                               EntryType::erasure, EntryType::alert};

using Years = std::map<EntryType, std::uint32_t>;

Years years_of(const policy::Policy& policy) {
  Years years;
  for (const policy::Retention& one : policy.retention()) years[one.type] = one.years;
  return years;
}

ledger::KeyOfSlice no_key() {
  return
      [](std::span<const std::uint8_t, 16>) -> Result<Key256> { return fail(Reason::key_missing); };
}

// EPOCHs, GENESIS and POLICY/KEY entries are about no citizen and hold nothing back; the archive
// keeps them anyway, openings included.
bool is_of_nobody(EntryType type) {
  return type == EntryType::epoch || type == EntryType::genesis || type == EntryType::policy_key;
}

Result<EntryIndex> target_of(const Act& act, std::string_view verb) {
  if (act.verb != verb) return fail(Reason::act_wrong, "its verb");
  const auto index = ledger::parse_decimal(act.target);
  if (!index) return fail(Reason::act_wrong, "its target is the minimum index");
  return EntryIndex{*index};
}

}  // namespace

Result<Exchange::Retention> Exchange::retention() const {
  const ledger::Ledger& log = *state_->ledger;
  const Years years = years_of(*state_->policy);
  const std::uint64_t now_ms = number(log.time());
  Retention out;
  out.now = log.minimum();
  out.allowed = out.now.index;
  auto scanned = log.scan(out.now.index, no_key(), [&](const ledger::Opened& e) {
    const std::string place = "entry " + std::to_string(number(e.index));
    if (!is_of_nobody(e.type)) {
      const auto kept = years.find(e.type);
      if (kept == years.end()) {
        out.held_by = place + ": the policy keeps entries of its type for ever";
        return false;
      }
      if (number(e.time) + kept->second * kYearMs > now_ms) {
        out.held_by = place + " is younger than " + std::to_string(kept->second) + " years";
        return false;
      }
      ++out.entries;
      out.allowed = EntryIndex{number(e.index) + 1};
    }
    return true;
  });
  if (!scanned) return std::unexpected(std::move(scanned.error()));
  return out;
}

Result<EntryIndex> Exchange::move_minimum(const Caller& confirmed) {
  const std::lock_guard one(state_->acts);
  if (!state_->policy->may(confirmed.asker(), kRight))
    return fail(Reason::not_your_right, std::string(kRight));
  auto wanted = target_of(*confirmed.act(), "retain");
  if (!wanted) return wanted;
  auto plan = retention();
  if (!plan) return std::unexpected(std::move(plan.error()));
  if (number(*wanted) <= number(plan->now.index))
    return fail(Reason::act_wrong, "the minimum is " + std::to_string(number(plan->now.index)));
  if (number(*wanted) > number(plan->allowed))
    return fail(
        Reason::retention_missing,
        "it may be moved to " + std::to_string(number(plan->allowed)) + "; " + plan->held_by);
  EntryContent entry;
  entry.type = EntryType::policy_key;
  entry.actor = confirmed.asker().actor;
  entry.evidence = confirmed.evidence();
  entry.tail = ledger::tail_of_policy_key(state_->policy->documents(), *wanted);
  entry.part(BodyPart::purpose) = "minimum index";
  auto recorded = state_->record(std::move(entry));
  if (!recorded) return std::unexpected(std::move(recorded.error()));
  const EntryIndex index = recorded->front().index;
  auto moved = state_->ledger->refuse_below({*wanted, index, confirmed.asker().actor.account});
  if (!moved) return std::unexpected(std::move(moved.error()));
  return index;
}

Result<Exchange::Pruned> Exchange::prune(const Caller& confirmed) {
  const std::lock_guard one(state_->acts);
  State& s = *state_;
  if (!s.policy->may(confirmed.asker(), kRight))
    return fail(Reason::not_your_right, std::string(kRight));
  auto wanted = target_of(*confirmed.act(), "prune");
  if (!wanted) return std::unexpected(std::move(wanted.error()));
  const ledger::Minimum minimum = s.ledger->minimum();
  if (*wanted != minimum.index || number(minimum.index) == 0)
    return fail(Reason::act_wrong, "the minimum is " + std::to_string(number(minimum.index)));
  if (confirmed.asker().actor.account == minimum.by)
    return fail(Reason::not_yourself, "who moved the minimum does not delete");
  if (auto kept = s.ledger->keep_chains(); !kept) return std::unexpected(std::move(kept.error()));

  Pruned out;
  if (const auto end = slices_end(minimum.index)) {
    auto destroyed = s.vault->destroy_slices_before(*end);
    if (!destroyed) return std::unexpected(std::move(destroyed.error()));
    out.slices = *destroyed;
  }
  EntryContent entry;
  entry.type = EntryType::erasure;
  entry.actor = confirmed.asker().actor;
  entry.evidence = confirmed.evidence();
  entry.tail = ledger::tail_of_erasure(kRuleRetention, out.slices);
  entry.part(BodyPart::purpose) = "past its retention";
  auto recorded = s.record(std::move(entry));
  if (!recorded) return std::unexpected(std::move(recorded.error()));
  out.entry = recorded->front().index;
  if (auto trimmed = s.ledger->trim(); !trimmed) return std::unexpected(std::move(trimmed.error()));
  auto gone = s.ledger->prune();
  if (!gone) return std::unexpected(std::move(gone.error()));
  out.entries = *gone;
  return out;
}

// Up to when every entry of a citizen is past its retention, whatever its type, and below the
// minimum. Nothing while a type is kept for ever.
std::optional<Moment> Exchange::slices_end(EntryIndex minimum) const {
  const Years years = years_of(*state_->policy);
  std::uint64_t longest = 0;
  for (const EntryType type : kOfCitizens) {
    const auto kept = years.find(type);
    if (kept == years.end()) return std::nullopt;
    longest = std::max<std::uint64_t>(longest, kept->second);
  }
  std::uint64_t end = number(state_->ledger->time());
  end -= std::min(end, longest * kYearMs);
  std::optional<Moment> first_kept;
  auto scanned = state_->ledger->scan(minimum, no_key(), [&](const ledger::Opened& e) {
    first_kept = e.time;
    return false;
  });
  if (!scanned || !first_kept) return std::nullopt;
  return Moment{std::min(end, number(*first_kept))};
}

// A backup must not miss a segment that moves while it copies.
Result<ledger::Trimmed> Exchange::trim_ledger() {
  const std::lock_guard one(state_->acts);
  return state_->ledger->trim();
}

void Api::add_retention() {
  routes_.proven_by(
      [this](const Request& request) { return exchange_.confirm(request); },
      {"POST", "/v1/ledger/retention", "officer with the right 'policy'",
       "Move the ledger's minimum index (act 'retain', target the index), or delete below it (act "
       "'prune', target the same, another person)."},
      [this](const Caller& caller, const Request&, std::string_view) -> Result<Response> {
        net::JsonWriter json;
        if (caller.act()->verb == "prune") {
          auto pruned = exchange_.prune(caller);
          if (!pruned) return std::unexpected(std::move(pruned.error()));
          json.begin_object().key("entry").number(number(pruned->entry));
          json.key("slices").number(pruned->slices).key("entries").number(pruned->entries);
        } else {
          auto entry = exchange_.move_minimum(caller);
          if (!entry) return std::unexpected(std::move(entry.error()));
          json.begin_object().key("entry").number(number(*entry));
          json.key("minimum").number(number(exchange_.ledger().minimum().index));
        }
        Response response;
        response.body = json.end_object().take();
        return response;
      });
}

}  // namespace amanat::server
