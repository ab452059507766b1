// Pages of leaked files: the same traces as POST /v1/traces (server/traces.h). Opening one, taking
// its evidence and cancelling it are signed acts; what is shown by the session alone names accounts
// and holds nothing of a citizen.

#include "console/trace_pages.h"
#include "console/supervisor_pages.h"
#include "model/insist.h"
#include "net/json.h"
#include "server/api.h"
#include "server/exchange.h"
#include "server/page.h"
#include "server/traces.h"

namespace amanat::server {
namespace {

using console::Address;
using console::TraceStage;
using console::Word;

constexpr unsigned kRefreshSeconds = 3;

static_assert(static_cast<int>(TraceStage::failed) == static_cast<int>(TraceState::failed));
TraceStage stage_of(TraceState state) {
  return static_cast<TraceStage>(static_cast<std::uint8_t>(state));
}

std::string text_at(const net::Json& object, std::string_view name) {
  const net::Json* member = object.find(name);
  if (member == nullptr) return {};
  if (const std::string* text = member->string()) return *text;
  return {};
}
std::uint64_t number_at(const net::Json& object, std::string_view name) {
  const net::Json* member = object.find(name);
  return member == nullptr ? 0 : member->integer().value_or(0);
}
// Bits have a fraction, which our reader of JSON refuses: they are read as text, as they are spelt.
std::string with_bits_as_text(std::string text) {
  for (const std::string_view key : {"\"bound_bits\":", "\"evidence_bits\":"})
    for (std::size_t at = text.find(key); at != text.npos; at = text.find(key, at + 1)) {
      const std::size_t from = at + key.size(), end = text.find_first_not_of("-0123456789.", from);
      text.insert(std::min(end, text.size()), "\"").insert(from, "\"");
    }
  return text;
}
template <class Visit>
void each(const net::Json& object, std::string_view name, const Visit& visit) {
  const net::Json* list = object.find(name);
  if (list == nullptr || list->array() == nullptr) return;
  for (const net::Json& one : *list->array()) visit(one);
}

constexpr net::JsonLimits kOwn{.bytes_max = 16u << 20, .depth_max = 16, .values_max = 1 << 20};

console::TraceRead read_of(const net::Json& summary) {
  console::TraceRead read;
  read.rows = number_at(summary, "rows");
  read.rows_with_identifiers = number_at(summary, "rows_with_identifiers");
  read.rows_matched = number_at(summary, "rows_matched");
  read.rows_as_evidence = number_at(summary, "rows_as_evidence");
  read.citizens = number_at(summary, "citizens");
  read.coins_read = number_at(summary, "coins_read");
  read.accounts_under_test = number_at(summary, "accounts_under_test");
  read.sha256 = text_at(summary, "sha256");
  each(summary, "unread_parts", [&](const net::Json& part) {
    if (part.string() != nullptr) read.unread.push_back(*part.string());
  });
  return read;
}

console::TraceVerdict verdict_of(const net::Json& findings) {
  console::TraceVerdict out;
  out.rows = number_at(findings, "rows");
  out.sourced = number_at(findings, "rows_with_sources");
  out.foreign = number_at(findings, "rows_foreign");
  out.unknown = number_at(findings, "rows_of_nobody_known");
  out.coins_read = number_at(findings, "coins_read");
  out.coins_erased = number_at(findings, "coins_erased");
  out.evaluations = number_at(findings, "evaluations");
  out.not_before = text_at(findings, "not_before");
  out.bound_bits = text_at(findings, "bound_bits");
  each(findings, "copies", [&](const net::Json& one) {
    console::NamedCopy copy;
    copy.account = text_at(one, "account");
    copy.tier = text_at(one, "tier");
    copy.bits = text_at(one, "evidence_bits");
    copy.citizens = number_at(one, "subjects");
    copy.coins = number_at(one, "coins");
    copy.agreeing = number_at(one, "coins_agreeing");
    copy.decoys = number_at(one, "decoys_found");
    copy.shown_by = text_at(one, "shown_every_row_by");
    out.copies.push_back(std::move(copy));
  });
  each(findings, "necessity", [&](const net::Json& at) {
    each(at, "margins", [&](const net::Json& one) {
      console::TraceMargin margin;
      margin.account = text_at(one, "account");
      margin.foreign_rows = text_at(one, "foreign_rows_to_clear");
      margin.sources = number_at(at, "sources_at_most");
      margin.unexplained = number_at(at, "rows_unexplained");
      each(one, "same_rows_as", [&](const net::Json& other) {
        if (other.string() != nullptr)
          margin.same_rows_as += (margin.same_rows_as.empty() ? "" : ", ") + *other.string();
      });
      out.margins.push_back(std::move(margin));
    });
  });
  each(findings, "rows_first_had", [&](const net::Json& day) {
    out.days.emplace_back(text_at(day, "day"), number_at(day, "rows"));
  });
  each(findings, "leads", [&](const net::Json& lead) {
    if (lead.string() != nullptr) out.leads.push_back(*lead.string());
  });
  return out;
}

std::optional<Moment> time_of(const Exchange& exchange, std::uint64_t entry) {
  lookup::TrailQuery query;
  query.before = EntryIndex{entry + 1};
  query.most = 1;
  const auto found = exchange.search(query);
  if (!found || found->lines.empty() || number(found->lines[0].entry) != entry) return std::nullopt;
  return found->lines[0].time;
}

console::ShownTrace shown(Exchange& exchange, const TraceCase& one, const std::string& reader) {
  const Traces& traces = exchange.traces();
  console::ShownTrace out;
  out.id = one.id;
  out.name = one.name;
  out.brought_by = one.brought_by;
  out.leak_day = one.leak_day;
  out.trouble = one.trouble;
  out.stage = stage_of(one.state);
  out.bytes = one.bytes;
  out.opened_by = one.opened_by;
  out.bundle = one.bundle;
  for (const auto& who : one.opened_by)
    out.opened_by_reader = out.opened_by_reader || who == reader;
  if (console::is_at_work(out.stage)) std::tie(out.done, out.total) = traces.progress();
  out.events.push_back({Word::event_begun, {}, std::nullopt, one.begun});
  for (const auto& who : one.opened_by)
    out.events.push_back({Word::event_opened, who, std::nullopt, std::nullopt});
  for (const auto& [word, entry] : {std::pair{Word::event_sealed, one.seal},
                                    {Word::event_unlocked, one.unlock},
                                    {Word::event_verdict, one.verdict}})
    if (entry) out.events.push_back({word, {}, *entry, time_of(exchange, *entry)});
  if (auto summary = traces.summary(one.id))
    if (auto json = net::parse_json(*summary, kOwn)) out.read = read_of(*json);
  if (auto findings = traces.findings(one.id); findings && one.state == TraceState::closed)
    if (auto json = net::parse_json(with_bits_as_text(*findings), kOwn))
      out.verdict = verdict_of(*json);
  return out;
}

std::string act_json(std::string_view verb, std::string_view target, std::string_view reason) {
  net::JsonWriter json;
  json.begin_object().key("verb").string(verb).key("target").string(target);
  if (!reason.empty()) json.key("reason").string(reason);
  json.end_object();
  return json.take();
}

Response file(std::string body, std::string_view type, const std::string& name) {
  Response response = page(std::move(body));
  response.content_type = type;
  response.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + name + "\"");
  return response;
}

}  // namespace

// finish_trace_act does what an auditor signed about a trace.
Result<Response> Api::finish_trace_act(const Caller& caller, const Request& request) {
  const Act& act = *caller.act();
  if (!exchange_.policy().may(caller.asker(), "audit"))
    return fail(Reason::not_your_right, "audit");
  const console::Reader reader = reader_of(request, caller.asker().id);
  if (act.verb == "open-trace") {
    auto one = exchange_.traces().open_by(caller, act.target);
    if (!one) return std::unexpected(one.error());
    return page(console::done_page(reader, Word::trace_opened_done, std::nullopt,
                                   Address("/traces").part(one->id), Word::trace));
  }
  auto one = exchange_.traces().find(act.target);
  if (!one) return std::unexpected(one.error());
  if (act.verb == "cancel-trace") {
    if (auto done = exchange_.traces().cancel(one->id); !done) return std::unexpected(done.error());
    if (auto noted = exchange_.record_trace_act("trace cancelled", caller); !noted)
      return std::unexpected(noted.error());
    return page(console::done_page(reader, Word::trace_cancelled_done, std::nullopt,
                                   Address("/traces"), Word::traces));
  }
  insist(act.verb == "take-evidence");
  auto bundle = exchange_.traces().bundle(one->id);
  if (!bundle) return std::unexpected(bundle.error());
  // Recorded before it leaves.
  if (auto noted = exchange_.record_trace_act("evidence taken", caller); !noted)
    return std::unexpected(noted.error());
  return file(*std::move(bundle), "application/x-tar", one->id + "-evidence.tar");
}

void Api::add_trace_pages() {
  const auto zone = [this] {
    return console::Zone{static_cast<int>(exchange_.detection().parameters().zone_minutes)};
  };
  const std::string who = "officer with the right 'audit'";
  const auto audits = [this](const Caller& caller) -> Result<void> {
    if (!exchange_.policy().may(caller.asker(), "audit"))
      return fail(Reason::not_your_right, "audit");
    return {};
  };
  const auto list = [this, zone](const Caller& caller, const Request& request,
                                 const ReasonRow* why) {
    std::vector<console::TraceLine> lines;
    const auto all = exchange_.traces().list();
    for (auto it = all.rbegin(); it != all.rend(); ++it)
      lines.push_back({it->id, it->name, stage_of(it->state), it->begun});
    return page(console::traces_page(reader_of(request, caller.asker().id), lines, zone(), why),
                why == nullptr ? 200 : why->http_status);
  };
  routes_.session({"GET", "/traces", who, "Leaked files, as a page."},
                  [list, audits](const Caller& caller, const Request& request,
                                 std::string_view) -> Result<Response> {
                    if (auto may = audits(caller); !may) return std::unexpected(may.error());
                    return list(caller, request, nullptr);
                  });
  routes_.session(
      {"POST", "/traces", who, "Hand in a leaked file, from a page (multipart/form-data)."},
      [list, audits](const Caller& caller, const Request& request,
                     std::string_view) -> Result<Response> {
        if (auto may = audits(caller); !may) return std::unexpected(may.error());
        // The body is what the upload handed on: no other form reaches this with that type.
        if (!request.header("content-type").starts_with("multipart/form-data"))
          return fail(Reason::wrong_media_type);
        if (request.body.empty()) return list(caller, request, &row_of(Reason::malformed_value));
        return see_other(Address("/traces").part(request.body));
      });
  const auto one_page = [this, zone](const Caller& caller, const Request& request,
                                     std::string_view id,
                                     const ReasonRow* why) -> Result<Response> {
    auto one = exchange_.traces().find(id);
    if (!one) return std::unexpected(one.error());
    console::ShownTrace trace = shown(exchange_, *one, caller.asker().id);
    trace.refreshes = console::is_at_work(trace.stage) && request.query != "refresh=off";
    Response response =
        page(console::trace_page(reader_of(request, caller.asker().id), trace, zone(), why),
             why == nullptr ? 200 : why->http_status);
    // Without script: the browser asks again by itself, as long as there is something to see.
    if (trace.refreshes) response.headers.emplace_back("Refresh", std::to_string(kRefreshSeconds));
    return response;
  };
  routes_.session(
      {"GET", "/traces/{trace...}", who,
       "A leaked file, as a page; with /report, /report.ur or /report.pdf what came out."},
      [this, audits, one_page](const Caller& caller, const Request& request,
                               std::string_view rest) -> Result<Response> {
        if (auto may = audits(caller); !may) return std::unexpected(may.error());
        const std::size_t slash = rest.find('/');
        if (slash == rest.npos) return one_page(caller, request, rest, nullptr);
        const std::string id(rest.substr(0, slash));
        const std::string_view what = rest.substr(slash + 1);
        struct Kind {
          std::string_view what, file, type, end;
        };
        constexpr Kind kKinds[] = {
            {"report", "report.html", "text/html; charset=utf-8", ".html"},
            {"report.ur", "report.ur.html", "text/html; charset=utf-8", ".ur.html"},
            {"report.pdf", "report.pdf", "application/pdf", ".pdf"}};
        for (const Kind& kind : kKinds) {
          if (kind.what != what) continue;
          auto report = exchange_.traces().report(id, kind.file);
          if (!report) return std::unexpected(report.error());
          return file(*std::move(report), kind.type, id + std::string(kind.end));
        }
        return fail(Reason::no_such_route);
      });
  routes_.session({"POST", "/traces/{trace...}", who,
                   "Open a leaked file's trace, take its evidence or cancel it: what to sign."},
                  [this, audits, one_page](const Caller& caller, const Request& request,
                                           std::string_view rest) -> Result<Response> {
                    if (auto may = audits(caller); !may) return std::unexpected(may.error());
                    const std::size_t slash = rest.find('/');
                    if (slash == rest.npos) return fail(Reason::no_such_route);
                    const std::string id(rest.substr(0, slash));
                    const std::string_view what = rest.substr(slash + 1);
                    if (auto one = exchange_.traces().find(id); !one)
                      return std::unexpected(one.error());
                    const Address back = Address("/traces").part(id);
                    if (what == "cancel")
                      return act_to_sign(caller, request, act_json("cancel-trace", id, ""), back);
                    if (what == "evidence")
                      return act_to_sign(caller, request, act_json("take-evidence", id, ""), back);
                    if (what != "open") return fail(Reason::no_such_route);
                    auto form = form_of(request);
                    if (!form) return std::unexpected(form.error());
                    const std::string reason = text_of(*form, "reason");
                    if (reason.find_first_not_of(" \t\r\n.") == reason.npos)
                      return one_page(caller, request, id, &row_of(Reason::reason_wanted));
                    return act_to_sign(caller, request, act_json("open-trace", id, reason), back);
                  });
}

}  // namespace amanat::server
