// What an auditor does with the record: search it, and open an officer's or a citizen's trail,
// which is itself recorded first.

#include "crypto/crypto.h"
#include "server/exchange.h"
#include "server/log.h"
#include "server/state.h"

namespace amanat::server {
namespace {

constexpr std::size_t kTrailMost = 1000, kFollowMost = 20'000;

bool is_citizen_number(std::string_view text) {
  return text.size() == 13 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// A page must not wait for a nation's month.
constexpr std::uint64_t kTallied = 4'000'000;

}  // namespace

Result<lookup::TrailPage> Exchange::search(const lookup::TrailQuery& query) const {
  auto found = state_->trails->find(query);
  if (found || found.error().reason != Reason::seal_broken) return found;
  // A projection: what is damaged is made again, while nothing wrong is shown.
  if (auto cleared = state_->trails->forget(); !cleared) return std::unexpected(cleared.error());
  return fail(Reason::too_busy, "the search is being made again from the ledger");
}

Result<lookup::TrailTally> Exchange::tally(const std::set<AccountId>& accounts,
                                           Moment from) const {
  return state_->trails->tally(accounts, from, kTallied);
}

void Exchange::follow_trails() {
  const auto scan = [this](EntryIndex from,
                           const std::function<bool(const ledger::Opened&)>& visit) {
    return scan_ledger(from, visit);
  };
  if (auto more = state_->trails->catch_up(scan, kFollowMost); !more)
    log(LogLevel::error, "search-not-followed",
        {{"reason", std::string(row_of(more.error().reason).id)}});
}

Result<void> Exchange::note_look(const Caller& confirmed) {
  auto canonical = canonical_act(*confirmed.act());
  if (!canonical) return std::unexpected(canonical.error());
  auto recorded = state_->record_act("request read whole", crypto::sha256(*canonical), &confirmed);
  if (!recorded) return std::unexpected(recorded.error());
  return {};
}

Result<Exchange::OpenedTrail> Exchange::open_trail(const Caller& confirmed) {
  const Act& act = *confirmed.act();
  if (!state_->policy->may(confirmed.asker(), "audit"))
    return fail(Reason::not_your_right, "audit");
  if (act.verb != "trail") return fail(Reason::act_wrong, "its verb");
  if (act.reason.empty()) return fail(Reason::act_wrong, "a reason");
  OpenedTrail trail;
  if (is_citizen_number(act.target)) {
    const SubjectName citizen{SubjectKind::national_id, act.target};
    const Label label = state_->vault->label(citizen);
    EntryContent entry;
    entry.type = EntryType::disclosure;
    entry.subject = label;
    entry.actor = confirmed.asker().actor;
    entry.evidence = confirmed.evidence();
    entry.part(BodyPart::purpose) = "audit";
    entry.part(BodyPart::evidence_digest) =
        std::string(crypto::text_of(crypto::sha256(confirmed.evidence())));
    auto slice = state_->vault->slice_for(label, now());
    if (!slice) return std::unexpected(slice.error());
    entry.slice = *std::move(slice);
    auto recorded = state_->record(std::move(entry));
    if (!recorded) return std::unexpected(recorded.error());
    trail.entry = number(recorded->front().index);
    trail.of_citizen = true;
    auto found = looks(citizen);
    if (!found) return std::unexpected(found.error());
    trail.looks = *std::move(found);
    return trail;
  }
  const auto accounts = state_->identity->accounts();
  const auto whose = std::find_if(accounts.begin(), accounts.end(),
                                  [&](const Asker& a) { return a.id == act.target; });
  if (whose == accounts.end()) return fail(Reason::unknown_officer);
  auto canonical = canonical_act(act);
  if (!canonical) return std::unexpected(canonical.error());
  auto recorded = state_->record_act("trail opened", crypto::sha256(*canonical), &confirmed);
  if (!recorded) return std::unexpected(recorded.error());
  trail.entry = number(recorded->index);
  trail.account = whose->id;
  lookup::TrailQuery query;
  query.account = whose->account;
  query.most = kTrailMost;
  auto page = search(query);
  if (!page) return std::unexpected(page.error());
  for (auto line = page->lines.rbegin(); line != page->lines.rend(); ++line) {
    lookup::Look look;
    look.entry = line->entry;
    look.time = line->time;
    look.type = line->type;
    look.purpose = line->purpose;
    look.account = line->account;
    look.department = whose->department;
    look.unit = whose->unit;
    trail.looks.push_back(std::move(look));
  }
  return trail;
}

}  // namespace amanat::server
