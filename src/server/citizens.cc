// What the exchange does for citizens themselves: complaints, their answers, the file of their own
// history. Each act is in the ledger before it counts.

#include "crypto/crypto.h"
#include "server/complaints.h"
#include "server/exchange.h"
#include "server/log.h"
#include "server/state.h"

namespace amanat::server {
namespace {

constexpr std::string_view kProofUse = "label proofs", kProofPrefix = "label-proof/";

std::string proof_key(const Tag& citizen) {
  return std::string(kProofPrefix) +
         std::string(reinterpret_cast<const char*>(citizen.data()), citizen.size());
}

}  // namespace

Notices* Exchange::notices() const { return state_->notices.get(); }

// tell_citizens runs beside the server until it stops.
void Exchange::tell_citizens() {
  State& s = *state_;
  const auto scan = [this](EntryIndex from,
                           const std::function<bool(const ledger::Opened&)>& visit) {
    return scan_ledger(from, visit);
  };
  std::unique_lock lock(s.watch_mutex);
  while (!s.watch_wake.wait_for(lock, std::chrono::seconds(1), [&s] { return s.stopping; })) {
    lock.unlock();
    if (auto told = s.notices->follow(scan, s.ledger->size(), now()); !told)
      log(LogLevel::warning, "notices-wait",
          {{"reason", std::string(row_of(told.error().reason).id)}});
    lock.lock();
  }
}

Result<void> Exchange::State::open_notices() {
  auto settings = read_notice_settings(home.notices());
  if (!settings) return std::unexpected(settings.error());
  if (!*settings) return {};
  Notices::Options options;
  options.page = (*settings)->page;
  options.a_minute_max = (*settings)->a_minute_max;
  options.zone_minutes = static_cast<int>(detection->parameters().zone_minutes);
  options.when = [this](std::string_view purpose) {
    for (const auto& one : policy->purposes())
      if (one.id == purpose)
        return one.notice == "at_once" ? When::at_once
               : one.notice == "never" ? When::never
                                       : When::daily;
    return When::daily;
  };
  options.office = [this](AccountId account) -> std::optional<std::pair<std::string, std::string>> {
    for (const Asker& asker : identity->accounts())
      if (asker.account == account) return std::pair{asker.department, asker.unit};
    return std::nullopt;
  };
  options.label_of = [this](const Tag& tag) { return vault->label_of_tag(tag); };
  options.is_invented = [this](const Label& label) { return detection->is_canary(label); };
  options.send = gateway_send(**settings);
  auto opened = Notices::open(*store, *vault, std::move(options));
  if (!opened) return std::unexpected(opened.error());
  notices = *std::move(opened);
  return {};
}

Complaints Exchange::complaints() const { return Complaints(*state_->store, *state_->vault); }

Result<std::uint64_t> Exchange::complain(const Caller& citizen, EntryIndex about,
                                         std::string_view text) {
  const std::lock_guard one(state_->acts);
  if (!citizen.asker().citizen) return fail(Reason::not_your_right, "a citizen's own");
  Complaints complaints = this->complaints();
  auto made = complaints.draft(*citizen.asker().citizen, about, text, citizen.received());
  if (!made) return std::unexpected(made.error());
  // The words stay out of the ledger: only that somebody complained, when, and a digest.
  auto recorded = state_->record_act("complaint made", crypto::sha256(encode(*made)), nullptr);
  if (!recorded) return std::unexpected(recorded.error());
  if (auto kept = complaints.keep(*made); !kept) return std::unexpected(kept.error());
  return number(recorded->index);
}

Result<std::uint64_t> Exchange::answer_complaint(const Caller& confirmed) {
  const std::lock_guard one(state_->acts);
  const Act& act = *confirmed.act();
  if (!state_->policy->may(confirmed.asker(), "audit"))
    return fail(Reason::not_your_right, "audit");
  if (act.verb != "uphold" && act.verb != "dismiss") return fail(Reason::act_wrong, "its verb");
  if (act.reason.empty()) return fail(Reason::act_wrong, "an answer in words");
  Complaints complaints = this->complaints();
  auto found = complaints.find(act.target);
  if (!found) return std::unexpected(found.error());
  if (found->answered) return fail(Reason::act_wrong, "it is answered");
  auto canonical = canonical_act(act);
  if (!canonical) return std::unexpected(canonical.error());
  auto recorded = state_->record_act("complaint answered", crypto::sha256(*canonical), &confirmed);
  if (!recorded) return std::unexpected(recorded.error());
  found->answered = confirmed.received();
  found->upheld = act.verb == "uphold";
  found->answer = act.reason;
  found->answered_by = confirmed.asker().id;
  if (auto kept = complaints.keep(*found); !kept) return std::unexpected(kept.error());
  return number(recorded->index);
}

// A citizen's session knows the citizen by a keyed name alone; the proof of the label needs the
// number, so it is made once, when the citizen is enrolled, and kept sealed.
Result<void> Exchange::State::keep_label_proof(const SubjectName& citizen) {
  const std::string key = proof_key(vault->tag(citizen));
  const auto proof = vault->label_proof(citizen);
  std::string sealed;
  vault->seal_house(kProofUse, key, {reinterpret_cast<const char*>(proof.data()), proof.size()},
                    sealed);
  storage::Batch batch;
  batch.put(storage::Table::settings, key, sealed);
  return store->write(batch, storage::Durability::synced);
}

Result<void> Exchange::State::forget_citizen(const SubjectName& citizen) {
  const Tag tag = vault->tag(citizen);
  storage::Batch batch;
  batch.erase(storage::Table::settings, proof_key(tag));
  if (auto written = store->write(batch, storage::Durability::synced); !written) return written;
  if (notices)
    if (auto forgot = notices->forget(tag); !forgot) return forgot;
  return Complaints(*store, *vault).forget(tag);
}

Result<Exchange::OwnLeaks> Exchange::leaks_of_tag(const Tag& citizen) const {
  const auto label = state_->vault->label_of_tag(citizen);
  if (!label) return OwnLeaks{};
  auto leaks = state_->traces->leaks_of(*label);
  if (!leaks) return std::unexpected(leaks.error());
  OwnLeaks out;
  for (auto& leak : *leaks) out.emplace_back(std::move(leak.leak_day), std::move(leak.fields));
  return out;
}

Result<std::string> Exchange::history_of_tag(const Tag& citizen) const {
  const std::string key = proof_key(citizen);
  std::string sealed;
  auto found = state_->store->get(storage::Table::settings, key, sealed);
  if (!found) return std::unexpected(found.error());
  if (!*found) return fail(Reason::no_record, "enrol again: no proof of the label is kept");
  WipingBuffer plain;
  if (auto opened = state_->vault->open_house(kProofUse, key, sealed, plain); !opened)
    return std::unexpected(opened.error());
  std::array<std::uint8_t, 80> proof{};
  if (plain.view().size() != proof.size()) return fail(Reason::seal_broken, "a label's proof");
  std::copy(plain.view().begin(), plain.view().end(), proof.begin());
  const auto label = state_->vault->label_of_tag(citizen);
  if (!label) return fail(Reason::no_record);
  return state_->ledger->history(*label, proof);
}

}  // namespace amanat::server
