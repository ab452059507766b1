// Alerts and holds: what a supervisor or auditor sees and decides. A hold is in force before it is
// recorded, a release recorded before it is in force.

#include "server/alerts.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>

#include "crypto/crypto.h"
#include "lookup/looks.h"
#include "net/json.h"
#include "server/api.h"
#include "server/log.h"
#include "server/state.h"
#include "storage/file.h"

namespace amanat::server {
namespace {

constexpr std::size_t kAlertsShown = 200, kAlertsKept = 10'000;

std::string id_of(const std::map<AccountId, Asker>& accounts, AccountId account) {
  const auto at = accounts.find(account);
  return at == accounts.end() ? "account " + std::to_string(number(account)) : at->second.id;
}

std::map<AccountId, Asker> by_number(const identity::Identity& identity) {
  std::map<AccountId, Asker> accounts;
  for (Asker& a : identity.accounts()) accounts.emplace(a.account, a);
  return accounts;
}

void put_real(net::JsonWriter& json, std::string_view key, double value) {
  json.key(key).raw(detection::number_text(value));
}

void put_month(net::JsonWriter& json, const detection::Month& month) {
  json.key("last_thirty_days").begin_object();
  json.key("days").begin_array();
  for (const detection::Day& d : month.days) {
    json.begin_object().key("day").number(d.day).key("citizens").number(d.citizens);
    json.key("unexplained").number(d.unexplained).key("absent").number(d.absent).end_object();
  }
  json.end_array();
  json.key("a_day").begin_object();
  put_real(json, "citizens", month.citizens);
  put_real(json, "unexplained", month.unexplained);
  put_real(json, "absent", month.absent);
  json.end_object();
  json.key("peers").number(month.peers);
  json.key("peers_a_day").begin_object();
  put_real(json, "citizens", month.peer_citizens);
  put_real(json, "unexplained", month.peer_unexplained);
  put_real(json, "absent", month.peer_absent);
  json.end_object();
  json.end_object();
}

void put_alert(net::JsonWriter& json, const detection::Told& told,
               const std::map<AccountId, Asker>& accounts) {
  const detection::Alert& a = told.alert;
  const detection::RuleRow& row = detection::row_of(a.rule);
  json.key("entry").number(told.entry).key("rule").string(row.id);
  json.key("tier").string(detection::word_of(a.tier));
  json.key("says").string(row.english).key("says_urdu").string(row.urdu);
  json.key("account").string(id_of(accounts, a.actor.account));
  if (a.actor.key_kind != KeyKind::none) json.key("device").string(crypto::hex(a.actor.thumbprint));
  if (!a.unit.empty()) json.key("unit").string(a.unit);
  if (!a.case_ref.empty()) json.key("case").string(a.case_ref);
  if (!a.purpose.empty()) json.key("purpose").string(a.purpose);
  json.key("at").number(a.at);
  put_real(json, "score", a.score);
  put_real(json, "threshold", a.threshold);
  json.key("rests_on").begin_array();
  for (const std::uint64_t entry : a.entries) json.number(entry);
  json.end_array();
  if (!a.note.empty()) json.key("note").string(a.note);
  if (number(a.by) != 0) json.key("by").string(id_of(accounts, a.by));
  if (a.releases) json.key("releases").number(*a.releases);
  if (a.from != 0) json.key("from").number(a.from);
  if (a.until != 0) json.key("until").number(a.until);
}

}  // namespace

Result<detection::Options> detection_options(const Home& home, vault::Vault& vault,
                                             const FieldTable& fields) {
  detection::Options options;
  options.parameters = detection::Parameters{};
  options.fields = &fields;
  struct stat there;
  if (::stat(home.detection().c_str(), &there) == 0) {
    auto text = storage::read_file(home.detection(), 256 * 1024);
    if (!text) return std::unexpected(text.error());
    auto parameters = detection::read_parameters(*text, home.detection());
    if (!parameters) return std::unexpected(parameters.error());
    options.parameters = *parameters;
  }
  if (::stat(home.stations().c_str(), &there) == 0) {
    auto text = storage::read_file(home.stations(), 1024 * 1024);
    if (!text) return std::unexpected(text.error());
    auto stations = detection::Stations::read(*text, home.stations());
    if (!stations) return std::unexpected(stations.error());
    options.stations = *std::move(stations);
  }
  auto key = vault.named_secret("detection");
  if (!key) return std::unexpected(key.error());
  options.key = *std::move(key);
  return options;
}

void tell(detection::Detection& detection, const ledger::Opened& entry, const std::string& unit) {
  detection.observe(entry.time);
  if (!entry.actor || (entry.type != EntryType::disclosure && entry.type != EntryType::alert &&
                       entry.type != EntryType::denied))
    return;
  const auto part = [&](BodyPart p) -> const std::string& {
    return entry.parts[static_cast<std::size_t>(p) - 1];
  };
  // A disclosure that showed no record spent nothing.
  if (entry.type == EntryType::disclosure && entry.subject &&
      !part(BodyPart::value_versions).empty()) {
    detection::Spent spent;
    spent.account = entry.actor->account;
    spent.unit = unit;
    spent.case_ref = part(BodyPart::case_ref);
    spent.subject = *entry.subject;
    spent.time = entry.time;
    detection.replay(spent);
  }
  if (part(BodyPart::denial).empty()) return;
  detection::Past past;
  past.index = entry.index;
  past.type = entry.type;
  past.time = entry.time;
  past.actor = *entry.actor;
  past.unit = unit;
  past.case_ref = part(BodyPart::case_ref);
  past.judged = part(BodyPart::denial);
  past.subject = entry.subject;
  detection.replay(past);
}

detection::Detection& Exchange::detection() { return *state_->detection; }

Result<std::uint64_t> Exchange::record_alert(const detection::Alert& alert, const Caller* by) {
  EntryContent entry = detection::entry_of(alert);
  if (by != nullptr) entry.evidence = by->evidence();
  auto recorded = state_->record(std::move(entry));
  if (!recorded) return std::unexpected(recorded.error());
  state_->detection->recorded(alert, recorded->front().index);
  if (auto notice = detection::notice_of(alert))
    if (auto slice = state_->vault->slice_for(*notice->subject, now())) {
      notice->slice = *std::move(slice);
      // The alert stands; without the notice the citizen still sees every lookup.
      if (auto told = state_->record(*std::move(notice)); !told)
        log(LogLevel::error, "notice-not-recorded",
            {{"reason", std::string(row_of(told.error().reason).id)}});
    }
  log(LogLevel::warning, "alert",
      {{"rule", std::string(detection::row_of(alert.rule).id)},
       {"tier", std::string(detection::word_of(alert.tier))},
       {"entry", std::to_string(number(recorded->front().index))}});
  return number(recorded->front().index);
}

Result<std::uint64_t> Exchange::place_hold(std::string_view account, detection::Tier tier,
                                           Sensitivity data_class, const Caller& by) {
  if (!state_->policy->may(by.asker(), "hold")) return fail(Reason::not_your_right, "hold");
  if (by.asker().id == account) return fail(Reason::not_yourself, "hold");
  for (const Asker& whom : state_->identity->accounts()) {
    if (whom.id != account) continue;
    const std::string reason = by.act() ? by.act()->reason : "";
    const detection::Alert alert =
        state_->detection->place(whom, tier, data_class, by.asker().account, reason);
    return record_alert(alert, &by);
  }
  return fail(Reason::unknown_officer);
}

Result<std::uint64_t> Exchange::announce(std::string_view target, const Caller& by) {
  if (!state_->policy->may(by.asker(), "hold")) return fail(Reason::not_your_right, "hold");
  const auto wrong = [] {
    return fail(Reason::malformed_value,
                "target: UNIT FROM/UNTIL, as in 2026-11-23T08:00:00Z/2026-11-23T20:00:00Z");
  };
  const std::size_t blank = target.rfind(' '), slash = target.rfind('/');
  if (blank == target.npos || slash == target.npos || slash < blank) return wrong();
  const auto from = lookup::moment_of(target.substr(blank + 1, slash - blank - 1));
  const auto until = lookup::moment_of(target.substr(slash + 1));
  if (!from || !until) return wrong();
  const std::string_view unit = target.substr(0, blank);
  if (by.asker().unit != unit && !state_->policy->may(by.asker(), "audit"))
    return fail(Reason::not_your_right, "another unit's");
  auto alert = state_->detection->announcing(by.asker(), std::string(unit), number(*from),
                                             number(*until), by.act() ? by.act()->reason : "");
  if (!alert) return std::unexpected(alert.error());
  return record_alert(*alert, &by);
}

Result<std::uint64_t> Exchange::release_hold(std::uint64_t hold, const Caller& by) {
  const std::lock_guard one(state_->acts);
  // What only an auditor may reopen, a supervisor cannot.
  bool auditors = false;
  for (const detection::Hold& h : state_->detection->holds())
    if (h.id == hold) auditors = h.tier >= detection::Tier::close_class && number(h.by) == 0;
  const char* right = auditors ? "audit" : "hold";
  if (!state_->policy->may(by.asker(), right)) return fail(Reason::not_your_right, right);
  auto alert =
      state_->detection->releasing(hold, by.asker().account, by.act() ? by.act()->reason : "");
  if (!alert) return std::unexpected(alert.error());
  auto entry = record_alert(*alert, &by);
  if (!entry) return entry;
  state_->detection->lift(*alert);
  return entry;
}

Result<detection::Replayed> Exchange::replay_alerts() {
  auto options = detection_options(state_->home, *state_->vault, state_->catalog->fields());
  if (!options) return std::unexpected(options.error());
  detection::Detection again(*std::move(options));
  auto labels = planted(*state_->store, *state_->vault);
  if (!labels) return std::unexpected(labels.error());
  again.canaries(*labels);
  const auto accounts = by_number(*state_->identity);
  auto scanned = scan_ledger(EntryIndex{0}, [&](const ledger::Opened& e) {
    const auto at = e.actor ? accounts.find(e.actor->account) : accounts.end();
    tell(again, e, at == accounts.end() ? std::string() : at->second.unit);
    return true;
  });
  if (!scanned) return std::unexpected(scanned.error());
  detection::Replayed replayed = again.replayed();
  if (auto reports = replay_reports(replayed); !reports) return std::unexpected(reports.error());
  return replayed;
}

std::string Exchange::alerts_json(AccountId reader, std::optional<std::uint64_t> after) const {
  const auto accounts = by_number(*state_->identity);
  net::JsonWriter json;
  json.begin_object().key("holds").begin_array();
  for (const detection::Hold& h : state_->detection->holds()) {
    const auto whom = accounts.find(h.actor.account);
    json.begin_object().key("hold").number(h.id == ~0ull ? 0 : h.id);
    json.key("rule").string(detection::row_of(h.rule).id);
    json.key("tier").string(detection::word_of(h.tier));
    json.key("says").string(detection::row_of(h.rule).english);
    json.key("says_urdu").string(detection::row_of(h.rule).urdu);
    json.key("account").string(id_of(accounts, h.actor.account)).key("since").number(h.at);
    const bool auditors = h.tier >= detection::Tier::close_class && number(h.by) == 0;
    json.key("released_by").string(auditors ? "audit" : "hold");
    if (number(h.by) != 0) json.key("by").string(id_of(accounts, h.by));
    put_month(json, state_->detection->month(h.actor.account,
                                             whom == accounts.end() ? "" : whom->second.unit));
    json.end_object();
  }
  json.end_array().key("operations").begin_array();
  for (const detection::Operation& o : state_->detection->operations()) {
    json.begin_object().key("operation").number(o.id).key("unit").string(o.unit);
    json.key("from").number(o.from).key("until").number(o.until);
    json.key("by").string(id_of(accounts, o.by)).end_object();
  }
  json.end_array().key("alerts").begin_array();
  std::vector<detection::Told> told_alerts =
      state_->detection->alerts(after ? kAlertsKept : kAlertsShown, reader);
  if (after) {
    std::erase_if(told_alerts, [&](const detection::Told& t) { return t.entry <= *after; });
    // Those that come next, so that whoever follows misses none.
    std::sort(told_alerts.begin(), told_alerts.end(),
              [](const detection::Told& a, const detection::Told& b) { return a.entry < b.entry; });
    if (told_alerts.size() > kAlertsShown) told_alerts.resize(kAlertsShown);
  }
  for (const detection::Told& told : told_alerts) {
    json.begin_object();
    put_alert(json, told, accounts);
    json.end_object();
  }
  json.end_array().end_object();
  return json.take();
}

void Api::add_alerts() {
  routes_.data(
      {"GET", "/v1/alerts", "officer with the right 'hold' or 'audit'",
       "Alerts and holds: what happened, the rule in words, the officer against peers. "
       "?after=ENTRY: "
       "those of later entries, the oldest first."},
      [this](const Caller& caller, const Request& request, std::string_view) -> Result<Response> {
        if (!exchange_.policy().may(caller.asker(), "hold") &&
            !exchange_.policy().may(caller.asker(), "audit"))
          return fail(Reason::not_your_right, "hold");
        std::optional<std::uint64_t> after;
        if (!request.query.empty()) {
          constexpr std::string_view kAfter = "after=";
          const std::string_view query = request.query;
          std::uint64_t entry = 0;
          const char* const end = query.data() + query.size();
          if (!query.starts_with(kAfter))
            return fail(Reason::malformed_request, "the query is after=ENTRY");
          const auto read = std::from_chars(query.data() + kAfter.size(), end, entry);
          if (read.ec != std::errc() || read.ptr != end)
            return fail(Reason::malformed_request, "the query is after=ENTRY");
          after = entry;
        }
        Response response;
        response.body = exchange_.alerts_json(caller.asker().account, after);
        response.headers.emplace_back("Cache-Control", "no-store");
        return response;
      });
  routes_.proven_by(
      [this](const Request& request) { return exchange_.confirm(request); },
      {"POST", "/v1/holds", "officer with the right 'hold' or 'audit', a second person",
       "Place a hold (act 'hold', target the account), release one (act 'release', target the "
       "hold's entry), or announce an operation (act 'announce', target 'UNIT FROM/UNTIL')."},
      [this](const Caller& caller, const Request&, std::string_view) -> Result<Response> {
        const Act& act = *caller.act();
        Result<std::uint64_t> entry = 0;
        if (act.verb == "hold") {
          entry =
              exchange_.place_hold(act.target, detection::Tier::suspend, Sensitivity::open, caller);
        } else if (act.verb == "release") {
          std::uint64_t hold = 0;
          for (const char c : act.target) {
            if (c < '0' || c > '9' || act.target.size() > 18)
              return fail(Reason::malformed_value, "target: the hold's entry");
            hold = hold * 10 + static_cast<std::uint64_t>(c - '0');
          }
          entry = exchange_.release_hold(hold, caller);
        } else if (act.verb == "announce") {
          entry = exchange_.announce(act.target, caller);
        } else {
          return fail(Reason::malformed_value, "the act is neither hold, release nor announce");
        }
        if (!entry) return std::unexpected(entry.error());
        net::JsonWriter json;
        json.begin_object().key("entry").number(*entry).end_object();
        Response response;
        response.body = json.take();
        return response;
      });
}

}  // namespace amanat::server
