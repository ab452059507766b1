// Pages of those who watch: announced operations, reports between officers, the own unit. By the
// session alone: they name accounts and no citizen. Announcing is a signed act.

#include "console/watch_pages.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "net/json.h"
#include "server/api.h"
#include "server/exchange.h"
#include "server/page.h"
#include "server/report_desk.h"

namespace amanat::server {
namespace {

using console::Address;

constexpr std::uint64_t kDayMs = 86'400'000;
constexpr unsigned kRefreshSeconds = 3;

std::string account_named(const std::vector<Asker>& all, AccountId account) {
  for (const Asker& a : all)
    if (a.account == account) return a.id;
  return std::to_string(number(account));
}

/// wall_clock reads YYYY-MM-DD, or YYYY-MM-DDTHH:MM, on a clock of the exchange's zone.
std::optional<Moment> wall_clock(std::string_view text, console::Zone zone) {
  if ((text.size() != 10 && text.size() != 16) || text[4] != '-' || text[7] != '-')
    return std::nullopt;
  const auto y = number_in(text.substr(0, 4)), m = number_in(text.substr(5, 2)),
             d = number_in(text.substr(8, 2));
  if (!y || !m || !d || *y < 1971) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*y)),
                                         std::chrono::month(static_cast<unsigned>(*m)),
                                         std::chrono::day(static_cast<unsigned>(*d))};
  if (!date.ok()) return std::nullopt;
  std::int64_t minutes =
      std::int64_t{std::chrono::sys_days(date).time_since_epoch().count()} * 1440;
  if (text.size() == 16) {
    const auto hour = number_in(text.substr(11, 2)), minute = number_in(text.substr(14, 2));
    if (text[10] != 'T' || text[13] != ':' || !hour || !minute || *hour > 23 || *minute > 59)
      return std::nullopt;
    minutes += static_cast<std::int64_t>(*hour * 60 + *minute);
  }
  return Moment{static_cast<std::uint64_t>(minutes - zone.minutes) * 60'000};
}

std::string day_text(Moment moment, console::Zone zone) {
  const std::chrono::year_month_day date{std::chrono::sys_days{
      std::chrono::days(static_cast<int>(console::day_number(moment, zone)))}};
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

std::string utc_text(Moment moment) {
  const auto of_day = number(moment) / 1000 % 86'400;
  char text[24];
  std::snprintf(text, sizeof text, "T%02u:%02u:00Z", static_cast<unsigned>(of_day / 3600),
                static_cast<unsigned>(of_day / 60 % 60));
  return day_text(moment, {}) + text;
}

console::ShownReport shown(const ReportDesk::Standing& standing, const std::vector<Asker>& all,
                           console::Zone zone, console::Language language) {
  const bool urdu = language == console::Language::urdu;
  console::ShownReport out;
  out.being_made = standing.being_made;
  const std::uint64_t midnight = (number(now()) / kDayMs) * kDayMs;
  out.from = day_text(Moment{midnight - 7 * kDayMs}, zone);
  out.to = day_text(Moment{midnight}, zone);
  if (!standing.last) return out;
  if (!*standing.last) {
    out.failed = &row_of(standing.last->error().reason);
    return out;
  }
  const DetectionReport& report = **standing.last;
  out.made = true;
  out.from = day_text(report.from, zone);
  out.to = day_text(Moment{number(report.until) - 1}, zone);
  out.lookups = report.lookups;
  out.officers = report.officers;
  for (const detection::Found& found : report.found) {
    const auto& row = detection::row_of(found.rule);
    console::ShownFinding one;
    one.says = urdu ? row.urdu : row.english;
    one.numbers = found.numbers;
    one.score =
        detection::number_text(found.score) + " / " + detection::number_text(found.threshold);
    for (const AccountId account : found.accounts)
      one.accounts.push_back(account_named(all, account));
    one.entries = found.entries;
    out.findings.push_back(std::move(one));
  }
  for (const auto& [rule, count] : report.alerts) {
    detection::Rule known{};
    const bool named = detection::rule_named(rule, known);
    const auto& row = detection::row_of(known);
    out.alerts.emplace_back(named ? std::string(urdu ? row.urdu : row.english) : rule, count);
  }
  return out;
}

console::Team team_of(Exchange& exchange, const Asker& supervisor, Moment at,
                      console::Language language) {
  console::Team team;
  team.department = Labels(exchange.catalog(), language).department(supervisor.department);
  team.unit = supervisor.unit;
  std::set<AccountId> accounts;
  std::vector<Asker> officers;
  for (Asker& a : exchange.identity().accounts())
    if (a.department == supervisor.department && a.unit == supervisor.unit && !a.citizen &&
        a.account != supervisor.account) {
      accounts.insert(a.account);
      officers.push_back(std::move(a));
    }
  std::ranges::sort(officers, {}, &Asker::id);
  const auto ago = [at](std::uint64_t days) { return Moment{number(at) - days * kDayMs}; };
  auto week = exchange.tally(accounts, ago(7)), month = exchange.tally(accounts, ago(30));
  if (!week || !month) {
    team.cut = true;
    return team;
  }
  team.cut = week->cut || month->cut;
  const auto purposes = exchange.policy().purposes();
  const auto in_words = [&](const std::string& id) {
    for (const auto& p : purposes)
      if (p.id == id)
        return language == console::Language::urdu && !p.says_ur.empty() ? p.says_ur : p.says;
    return id;
  };
  for (const Asker& officer : officers) {
    console::TeamOfficer one;
    one.account = officer.id;
    std::map<std::string, std::uint64_t> by_purpose;
    for (const auto& [key, count] : week->counts) {
      if (key.account != officer.account) continue;
      if (key.type == EntryType::disclosure) one.shown += count;
      if (key.type == EntryType::denied) one.refused += count;
      if (key.type == EntryType::disclosure) by_purpose[key.purpose] += count;
    }
    for (const auto& [purpose, count] : by_purpose)
      one.by_purpose.emplace_back(in_words(purpose), count);
    for (const auto& offered : exchange.policy().offered(officer)) {
      const bool used = std::ranges::any_of(month->counts, [&](const auto& entry) {
        return entry.first.account == officer.account && entry.first.purpose == offered.purpose;
      });
      if (!used) one.unused.push_back(in_words(offered.purpose));
    }
    const auto days = exchange.detection().month(officer.account, officer.unit);
    one.a_day = days.citizens;
    one.peers_a_day = days.peer_citizens;
    team.officers.push_back(std::move(one));
  }
  return team;
}

}  // namespace

void Api::add_watch_pages() {
  const auto zone = [this] {
    return console::Zone{static_cast<int>(exchange_.detection().parameters().zone_minutes)};
  };
  const auto operations = [this, zone](const Caller& caller, const Request& request,
                                       const ReasonRow* why) -> Result<Response> {
    const Asker& asker = caller.asker();
    const bool may_hold = exchange_.policy().may(asker, "hold");
    if (!may_hold && !exchange_.policy().may(asker, "audit"))
      return fail(Reason::not_your_right, "hold");
    const auto all = exchange_.identity().accounts();
    std::vector<console::ShownOperation> list;
    for (const detection::Operation& o : exchange_.detection().operations())
      list.push_back({o.unit, account_named(all, o.by), Moment{o.from}, Moment{o.until},
                      o.id == ~0ull ? 0 : o.id});
    return page(console::operations_page(reader_of(request, asker.id), list,
                                         may_hold ? asker.unit : "", zone(), why),
                why == nullptr ? 200 : why->http_status);
  };
  const std::string watches = "officer with the right 'hold' or 'audit'";
  routes_.session({"GET", "/operations", watches, "Announced operations, as a page."},
                  [operations](const Caller& caller, const Request& request, std::string_view)
                      -> Result<Response> { return operations(caller, request, nullptr); });
  routes_.session(
      {"POST", "/operations", "officer with the right 'hold'",
       "Announce an operation of the own unit: what to sign."},
      [this, zone, operations](const Caller& caller, const Request& request,
                               std::string_view) -> Result<Response> {
        if (!exchange_.policy().may(caller.asker(), "hold"))
          return fail(Reason::not_your_right, "hold");
        auto form = form_of(request);
        if (!form) return std::unexpected(form.error());
        const auto from = wall_clock(text_of(*form, "from"), zone()),
                   until = wall_clock(text_of(*form, "to"), zone());
        const std::string reason = text_of(*form, "reason");
        if (!from || !until || *until <= *from ||
            reason.find_first_not_of(" .\t\r\n") == reason.npos)
          return operations(caller, request,
                            &row_of(from && until && *until > *from ? Reason::reason_wanted
                                                                    : Reason::malformed_value));
        net::JsonWriter json;
        json.begin_object().key("verb").string("announce").key("target");
        json.string(caller.asker().unit + " " + utc_text(*from) + "/" + utc_text(*until));
        json.key("reason").string(reason).end_object();
        return act_to_sign(caller, request, json.take(), Address("/operations"));
      });

  const auto reports = [this, zone](const Caller& caller, const Request& request,
                                    const ReasonRow* why) -> Result<Response> {
    if (!exchange_.policy().may(caller.asker(), "audit"))
      return fail(Reason::not_your_right, "audit");
    const console::Reader reader = reader_of(request, caller.asker().id);
    const auto standing = reports_->standing();
    const bool refreshes = standing.being_made && request.query != "refresh=off";
    Response response =
        page(console::report_page(
                 reader, shown(standing, exchange_.identity().accounts(), zone(), reader.language),
                 refreshes, why),
             why == nullptr ? 200 : why->http_status);
    if (refreshes) response.headers.emplace_back("Refresh", std::to_string(kRefreshSeconds));
    return response;
  };
  routes_.session({"GET", "/reports", "officer with the right 'audit'",
                   "What shows between officers, as a page."},
                  [reports](const Caller& caller, const Request& request, std::string_view)
                      -> Result<Response> { return reports(caller, request, nullptr); });
  routes_.session(
      {"POST", "/reports", "officer with the right 'audit'", "Make a report of some days."},
      [this, zone, reports](const Caller& caller, const Request& request,
                            std::string_view) -> Result<Response> {
        if (!exchange_.policy().may(caller.asker(), "audit"))
          return fail(Reason::not_your_right, "audit");
        auto form = form_of(request);
        if (!form) return std::unexpected(form.error());
        const auto from = wall_clock(text_of(*form, "from"), zone()),
                   last = wall_clock(text_of(*form, "to"), zone());
        if (!from || !last || *last < *from)
          return reports(caller, request, &row_of(Reason::malformed_value));
        if (auto begun = reports_->make(*from, Moment{number(*last) + kDayMs}); !begun)
          return reports(caller, request, &row_of(begun.error().reason));
        return see_other(Address("/reports"));
      });

  routes_.session(
      {"GET", "/team", "officer with the right 'approve' or 'hold'",
       "The own unit this week, as a page."},
      [this](const Caller& caller, const Request& request, std::string_view) -> Result<Response> {
        const Asker& asker = caller.asker();
        if (!exchange_.policy().may(asker, "approve") && !exchange_.policy().may(asker, "hold"))
          return fail(Reason::not_your_right, "hold");
        const console::Reader reader = reader_of(request, asker.id);
        return page(console::team_page(
            reader, team_of(exchange_, asker, request.received, reader.language)));
      });
}

}  // namespace amanat::server
