// Pages of an auditor and of whoever keeps the exchange running: search, one entry, trails, who can
// see a field, the exchange's state, the list of routes.

#include <algorithm>
#include <chrono>
#include <map>

#include "console/auditor_pages.h"
#include "crypto/crypto.h"
#include "net/json.h"
#include "server/api.h"
#include "server/exchange.h"
#include "server/page.h"

namespace amanat::server {
namespace {

using console::Address;

constexpr std::uint64_t kDayMs = 86'400'000;
constexpr std::size_t kOwnShown = 20;

struct KindWord {
  EntryType type;
  std::string_view word;
};
constexpr KindWord kKinds[] = {{EntryType::disclosure, "disclosure"},
                               {EntryType::denied, "denied"},
                               {EntryType::export_, "export"},
                               {EntryType::epoch, "epoch"},
                               {EntryType::erasure, "erasure"},
                               {EntryType::policy_key, "policy"},
                               {EntryType::alert, "alert"},
                               {EntryType::genesis, "genesis"},
                               {EntryType::trace, "trace"}};

std::string word_of(EntryType type) {
  for (const auto& kind : kKinds)
    if (kind.type == type) return std::string(kind.word);
  return "entry";
}

// A day as a date field sends it, at its beginning in the exchange's zone.
std::optional<Moment> day_in(std::string_view text, console::Zone zone) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto y = number_in(text.substr(0, 4)), m = number_in(text.substr(5, 2)),
             d = number_in(text.substr(8, 2));
  if (!y || !m || !d || *y < 1970) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*y)),
                                         std::chrono::month(static_cast<unsigned>(*m)),
                                         std::chrono::day(static_cast<unsigned>(*d))};
  if (!date.ok()) return std::nullopt;
  const std::int64_t ms = std::int64_t{std::chrono::sys_days(date).time_since_epoch().count()} *
                              static_cast<std::int64_t>(kDayMs) -
                          std::int64_t{zone.minutes} * 60'000;
  return Moment{static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 0))};
}

/// Names says which number is whose account.
class Names {
 public:
  explicit Names(const identity::Identity& identity) {
    for (const Asker& a : identity.accounts()) ids_.emplace(a.account, a.id);
  }
  std::string of(AccountId account) const {
    const auto at = ids_.find(account);
    if (at != ids_.end()) return at->second;
    return number(account) == 0 ? std::string() : std::to_string(number(account));
  }
  std::optional<AccountId> named(std::string_view id) const {
    for (const auto& [account, its] : ids_)
      if (its == id) return account;
    return std::nullopt;
  }

 private:
  std::map<AccountId, std::string> ids_;
};

Result<lookup::TrailQuery> query_of(const console::Search& search, const Names& names,
                                    std::string_view before, console::Zone zone) {
  lookup::TrailQuery query;
  if (!search.account.empty()) {
    query.account = names.named(search.account);
    if (!query.account) return fail(Reason::unknown_officer);
  }
  query.purpose = search.purpose;
  if (!search.kind.empty()) {
    for (const auto& kind : kKinds)
      if (kind.word == search.kind) query.type = kind.type;
    if (!query.type) return fail(Reason::malformed_value, "kind");
  }
  if (!search.from.empty()) {
    query.from = day_in(search.from, zone);
    if (!query.from) return fail(Reason::malformed_value, "from");
  }
  if (!search.to.empty()) {
    const auto to = day_in(search.to, zone);
    if (!to) return fail(Reason::malformed_value, "to");
    query.to = Moment{number(*to) + kDayMs};  // the whole of that day
  }
  if (const auto below = number_in(before)) query.before = EntryIndex{*below};
  return query;
}

console::Search typed(const net::Form& form) {
  console::Search search;
  search.account = text_of(form, "account");
  search.purpose = text_of(form, "purpose");
  search.kind = text_of(form, "kind");
  search.from = text_of(form, "from");
  search.to = text_of(form, "to");
  return search;
}

std::string csv_quoted(std::string_view text) {
  // A spreadsheet runs what begins like a formula: such a cell begins with an apostrophe.
  std::string out = "\"";
  if (!text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos)
    out += '\'';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

console::ShownLook shown(const lookup::Look& look, const Labels& labels,
                         const std::vector<policy::LawfulPurpose>& purposes) {
  console::ShownLook out;
  out.entry = number(look.entry);
  out.time = look.time;
  using State = ledger::CitizenEntry::State;
  out.state = look.state == State::open     ? console::ShownLook::State::open
              : look.state == State::sealed ? console::ShownLook::State::sealed
                                            : console::ShownLook::State::erased;
  if (look.sealed_until) out.opens = *look.sealed_until;
  out.purpose = look.purpose.empty() ? word_of(look.type) : labels.purpose(purposes, look.purpose);
  out.department = labels.department(look.department);
  out.unit = look.unit;
  out.officer = number(look.account);
  out.fields = labels.fields(look.fields);
  return out;
}

Result<void> audits(const policy::Policy& policy, const Caller& caller) {
  if (!policy.may(caller.asker(), "audit")) return fail(Reason::not_your_right, "audit");
  return {};
}

}  // namespace

Result<Response> Api::opened_trail(const Caller& caller, const Request& request) {
  auto opened = exchange_.open_trail(caller);
  if (!opened) return std::unexpected(opened.error());
  console::Trail trail;
  trail.of_citizen = opened->of_citizen;
  trail.account = opened->account;
  trail.recorded = opened->entry;
  const Labels labels(exchange_.catalog(), reader_of(request, {}).language);
  const auto purposes = exchange_.policy().purposes();
  for (auto it = opened->looks.rbegin(); it != opened->looks.rend(); ++it)
    trail.looks.push_back(shown(*it, labels, purposes));
  const console::Zone zone{static_cast<int>(exchange_.detection().parameters().zone_minutes)};
  return page(console::trail_page(reader_of(request, caller.asker().id), trail, zone));
}

void Api::add_audit_pages() {
  const auto zone = [this] {
    return console::Zone{static_cast<int>(exchange_.detection().parameters().zone_minutes)};
  };
  routes_.session(
      {"GET", "/entries", "officer with the right 'audit'", "Search the ledger, as a page."},
      [this, zone](const Caller& caller, const Request& request,
                   std::string_view) -> Result<Response> {
        if (auto may = audits(exchange_.policy(), caller); !may)
          return std::unexpected(may.error());
        auto form = net::parse_form(request.query, {.bytes_max = 1024, .fields_max = 8});
        if (!form) return std::unexpected(form.error());
        console::Search search = typed(*form);
        const Names names(exchange_.identity());
        console::Purposes purposes;
        const auto all = exchange_.policy().purposes();
        const Labels labels(exchange_.catalog(), reader_of(request, {}).language);
        for (const auto& purpose : all)
          purposes.emplace_back(purpose.id, labels.purpose(all, purpose.id));
        search.entries = exchange_.ledger().size();
        unsigned status = 200;
        auto query = query_of(search, names, text_of(*form, "before"), zone());
        auto found = query ? exchange_.search(*query)
                           : Result<lookup::TrailPage>(std::unexpected(query.error()));
        if (!found) {
          search.why = &row_of(found.error().reason);
          status = search.why->http_status;
        } else {
          for (const auto& line : found->lines)
            search.found.push_back({number(line.entry), line.time, word_of(line.type),
                                    names.of(line.account), line.purpose});
          if (found->more_before) search.before = number(*found->more_before);
        }
        return page(
            console::search_page(reader_of(request, caller.asker().id), search, purposes, zone()),
            status);
      });
  routes_.session(
      {"GET", "/record", "officer", "What the ledger holds of the own questions, as a page."},
      [this, zone](const Caller& caller, const Request& request,
                   std::string_view) -> Result<Response> {
        if (caller.asker().citizen) return fail(Reason::not_your_right, "an officer's own page");
        // Answers and refusals alone: an alert about somebody is not theirs to see.
        std::vector<console::FoundEntry> own;
        for (const EntryType type : {EntryType::disclosure, EntryType::denied}) {
          lookup::TrailQuery query;
          query.account = caller.asker().account;
          query.type = type;
          query.most = kOwnShown;
          auto found = exchange_.search(query);
          if (!found) return std::unexpected(found.error());
          for (const auto& line : found->lines)
            own.push_back({number(line.entry), line.time, word_of(line.type), {}, line.purpose});
        }
        std::sort(own.begin(), own.end(),
                  [](const auto& a, const auto& b) { return a.entry > b.entry; });
        if (own.size() > kOwnShown) own.resize(kOwnShown);
        const auto all = exchange_.policy().purposes();
        const Labels labels(exchange_.catalog(), reader_of(request, {}).language);
        console::Purposes purposes;
        for (const auto& one : all) purposes.emplace_back(one.id, labels.purpose(all, one.id));
        return page(
            console::record_page(reader_of(request, caller.asker().id), own, purposes, zone()));
      });
  routes_.session(
      {"GET", "/entries/{entry}", "officer with the right 'audit'", "One entry with its proof."},
      [this, zone](const Caller& caller, const Request& request,
                   std::string_view text) -> Result<Response> {
        if (auto may = audits(exchange_.policy(), caller); !may)
          return std::unexpected(may.error());
        const auto index = number_in(text);
        if (!index) return fail(Reason::no_record);
        auto receipt = exchange_.ledger().prove(EntryIndex{*index});
        if (!receipt) return std::unexpected(receipt.error());
        lookup::TrailQuery query;
        query.before = EntryIndex{*index + 1};
        query.most = 1;
        auto found = exchange_.search(query);
        if (!found) return std::unexpected(found.error());
        const Names names(exchange_.identity());
        console::ShownEntry entry;
        entry.found.entry = *index;
        for (const auto& line : found->lines)
          if (number(line.entry) == *index)
            entry.found = {*index, line.time, word_of(line.type), names.of(line.account),
                           Labels(exchange_.catalog(), reader_of(request, {}).language)
                               .purpose(exchange_.policy().purposes(), line.purpose)};
        entry.receipt = *std::move(receipt);
        return page(console::entry_page(reader_of(request, caller.asker().id), entry, zone()));
      });
  routes_.data(
      {"GET", "/v1/entries", "officer with the right 'audit'",
       "Search the ledger by account, purpose, kind, from, to; `before` goes on; JSON, or CSV with "
       "Accept: text/csv."},
      [this, zone](const Caller& caller, const Request& request,
                   std::string_view) -> Result<Response> {
        if (auto may = audits(exchange_.policy(), caller); !may)
          return std::unexpected(may.error());
        auto form = net::parse_form(request.query, {.bytes_max = 1024, .fields_max = 8});
        if (!form) return std::unexpected(form.error());
        const Names names(exchange_.identity());
        auto query = query_of(typed(*form), names, text_of(*form, "before"), zone());
        if (!query) return std::unexpected(query.error());
        query->most = 1000;
        auto found = exchange_.search(*query);
        if (!found) return std::unexpected(found.error());
        Response response;
        response.headers.emplace_back("Cache-Control", "no-store");
        if (request.header("accept").starts_with("text/csv")) {
          response.content_type = "text/csv; charset=utf-8";
          response.body = "entry,time,kind,account,purpose\r\n";
          for (const auto& line : found->lines)
            response.body += std::to_string(number(line.entry)) + "," +
                             std::to_string(number(line.time)) + "," + word_of(line.type) + "," +
                             csv_quoted(names.of(line.account)) + "," + csv_quoted(line.purpose) +
                             "\r\n";
          if (found->more_before)
            response.headers.emplace_back("Amanat-More-Before",
                                          std::to_string(number(*found->more_before)));
          return response;
        }
        net::JsonWriter json;
        json.begin_object().key("entries").begin_array();
        for (const auto& line : found->lines) {
          json.begin_object().key("entry").number(number(line.entry));
          json.key("time").number(number(line.time)).key("kind").string(word_of(line.type));
          json.key("account").string(names.of(line.account));
          json.key("purpose").string(line.purpose).end_object();
        }
        json.end_array();
        if (found->more_before) json.key("more_before").number(number(*found->more_before));
        json.key("covered").number(found->entries).end_object();
        response.body = json.take();
        return response;
      });
  routes_.session(
      {"GET", "/trails", "officer with the right 'audit'", "Open a trail, as a page."},
      [this](const Caller& caller, const Request& request, std::string_view) -> Result<Response> {
        if (auto may = audits(exchange_.policy(), caller); !may)
          return std::unexpected(may.error());
        return page(console::trails_page(reader_of(request, caller.asker().id), nullptr));
      });
  routes_.session(
      {"POST", "/trails", "officer with the right 'audit'", "Open a trail: what to sign."},
      [this](const Caller& caller, const Request& request, std::string_view) -> Result<Response> {
        if (auto may = audits(exchange_.policy(), caller); !may)
          return std::unexpected(may.error());
        auto form = form_of(request);
        if (!form) return std::unexpected(form.error());
        std::string name = text_of(*form, "name");
        if (text_of(*form, "whose") == "citizen")
          std::erase_if(name, [](char c) { return c == '-' || c == ' '; });
        const std::string reason = text_of(*form, "reason");
        const bool number =
            name.size() == 13 && name.find_first_not_of("0123456789") == std::string::npos;
        if (reason.empty() || name.empty() || number != (text_of(*form, "whose") == "citizen")) {
          const ReasonRow& row =
              row_of(reason.empty() ? Reason::reason_wanted : Reason::malformed_value);
          return page(console::trails_page(reader_of(request, caller.asker().id), &row),
                      row.http_status);
        }
        net::JsonWriter json;
        json.begin_object().key("verb").string("trail").key("target").string(name);
        json.key("reason").string(reason).end_object();
        return act_to_sign(caller, request, json.take(), Address("/trails"));
      });
  routes_.session(
      {"GET", "/who", "officer", "Who can see a field, as a page."},
      [this](const Caller& caller, const Request& request, std::string_view) -> Result<Response> {
        if (caller.asker().citizen) return fail(Reason::not_your_right, "policy");
        auto form = net::parse_form(request.query, {.bytes_max = 512, .fields_max = 4});
        if (!form) return std::unexpected(form.error());
        const std::string pattern = text_of(*form, "field");
        std::vector<console::WhoLine> lines;
        const ReasonRow* why = nullptr;
        if (!pattern.empty()) {
          auto sentences = exchange_.policy().who(pattern);
          if (!sentences) why = &row_of(sentences.error().reason);
          constexpr std::string_view kLevels[] = {"none", "exists", "masked", "full"};
          const auto purposes = exchange_.policy().purposes();
          const Labels labels(exchange_.catalog(), reader_of(request, {}).language);
          if (sentences)
            for (const auto& s : *sentences)
              lines.push_back({s.role, labels.purpose(purposes, s.purpose),
                               std::string(kLevels[static_cast<std::size_t>(s.level)]), s.rule,
                               s.text});
        }
        return page(console::who_page(reader_of(request, caller.asker().id), pattern, lines, why),
                    why == nullptr ? 200 : why->http_status);
      });
  routes_.session(
      {"GET", "/state", "officer with the right 'audit' or 'operate'",
       "State of the exchange, as a page."},
      [this](const Caller& caller, const Request& request, std::string_view) -> Result<Response> {
        if (!exchange_.policy().may(caller.asker(), "audit") &&
            !exchange_.policy().may(caller.asker(), "operate"))
          return fail(Reason::not_your_right, "operate");
        auto status = exchange_.status();
        if (!status) return std::unexpected(status.error());
        console::ExchangeState state;
        const console::Reader reader = reader_of(request, caller.asker().id);
        using console::Word;
        const auto word = [&](Word w) { return std::string(console::say(w, reader.language)); };
        state.lines = {{word(Word::ledger_name), status->origin},
                       {word(Word::state_listening), status->listening},
                       {word(Word::state_entries), std::to_string(status->ledger_size)},
                       {word(Word::state_accounts), std::to_string(status->accounts)},
                       {word(Word::state_rules), std::to_string(status->rules)}};
        const Labels labels(exchange_.catalog(), reader.language);
        for (const auto& dataset : status->datasets)
          state.lines.emplace_back(labels.dataset(dataset.dataset),
                                   std::to_string(dataset.records));
        const auto witnesses = exchange_.ledger().witness_standing();
        state.lines.emplace_back(word(Word::state_witnesses),
                                 !witnesses.has_witnesses
                                     ? word(Word::no_witnesses)
                                     : std::to_string(witnesses.cosignatures) + " " +
                                           console::say(Word::witnesses_confirm, reader.language,
                                                        std::to_string(witnesses.cosigned_size)));
        if (witnesses.all_stopped)
          state.broken.push_back(word(Word::broken_all_stopped));
        else if (witnesses.a1_stopped)
          state.broken.push_back(word(Word::broken_witnessed_wait));
        return page(console::state_page(reader, state));
      });
  routes_.open(identity::PublicRoute::api_page,
               {"GET", "/api", "anyone", "What can be asked over HTTP, as a page."},
               [this](const Request& request, std::string_view) -> Result<Response> {
                 std::vector<console::ApiRoute> routes;
                 for (const auto& route : routes_.list())
                   routes.push_back({route.method, route.path, route.who, route.says});
                 return page(console::api_page(reader_of(request, {}), routes));
               });
}

}  // namespace amanat::server
