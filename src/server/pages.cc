// The console's routes. A page is a client of the same rooms as the API: a form becomes the JSON
// that the API takes, and is judged there. No address holds anything that was asked.

#include <algorithm>
#include <ctime>
#include <map>
#include <memory>

#include "console/pages.h"
#include "crypto/crypto.h"
#include "model/readable.h"
#include "net/form.h"
#include "net/json.h"
#include "server/api.h"
#include "server/exchange.h"
#include "server/page.h"
#include "server/problem.h"
#include "server/webauthn_options.h"

namespace amanat::server {
namespace {

using console::Address;
using console::Word;

// Pages that can be asked for again: nothing but their address makes them.
using console::Literal;
constexpr Literal kAgain[] = {"/sign-in", "/enrol",         "/ledger",   "/ask",        "/devices",
                              "/me",      "/approvals",     "/alerts",   "/reviews",    "/policy",
                              "/entries", "/trails",        "/who",      "/complaints", "/state",
                              "/api",     "/me/complaints", "/me/leaks", "/me/notices", "/notice",
                              "/traces",  "/operations",    "/reports",  "/team",       "/record"};
// The same of one thing: an address of two parts.
constexpr Literal kAgainOne[] = {"/traces", "/entries", "/approvals", "/me/look", "/me/complain"};

constexpr SignedForm kSignIn{"nonce", "nonce", "assertion"}, kAsk{"nonce", "ask", "assertion"},
    kRegister{"ticket", "ticket", "credential"};

std::string digits_of(std::string_view text) {
  std::string digits;
  for (const char c : text)
    if (c != '-' && c != ' ') digits.push_back(c);
  return digits;
}

bool is_citizen_number(const std::string& text) {
  return text.size() == 13 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// An entry's number, or nothing; no leading zero, which JSON does not know.
bool is_entry(const std::string& text) {
  return text.empty() || text == "0" ||
         (text.size() <= 15 && text[0] != '0' &&
          std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }));
}

// A field is sent as "purpose field": only those of the chosen purpose were meant.
console::AskForm ask_form(const net::Form& form) {
  console::AskForm ask;
  ask.citizen = text_of(form, "citizen");
  ask.purpose = text_of(form, "purpose");
  ask.case_ref = text_of(form, "case");
  ask.more_of = text_of(form, "more-of");
  // Whoever ticks fields of one purpose alone has chosen it: the sentences say so before signing.
  if (ask.purpose.empty())
    for (const std::string_view value : form.all("field")) {
      const std::string_view its = value.substr(0, value.find(' '));
      if (!ask.purpose.empty() && ask.purpose != its) {
        ask.purpose.clear();
        break;
      }
      ask.purpose = its;
    }
  for (const std::string_view value : form.all("field"))
    if (value.starts_with(ask.purpose + " "))
      ask.fields.emplace_back(value.substr(ask.purpose.size() + 1));
  std::sort(ask.fields.begin(), ask.fields.end());
  ask.fields.erase(std::unique(ask.fields.begin(), ask.fields.end()), ask.fields.end());
  return ask;
}

void find_mistakes(console::AskForm& ask) {
  const std::string digits = digits_of(ask.citizen);
  if (!is_citizen_number(digits))
    ask.mistakes.emplace_back(Word::citizen_number_wrong, std::to_string(digits.size()));
  if (ask.purpose.empty()) ask.mistakes.emplace_back(Word::purpose_missing, "");
  if (ask.fields.empty()) ask.mistakes.emplace_back(Word::fields_missing, "");
  if (!is_entry(ask.more_of)) ask.mistakes.emplace_back(Word::more_of_wrong, "");
}

std::string question_of(const console::AskForm& ask) {
  net::JsonWriter json;
  json.begin_object().key("subject").begin_object();
  json.key("national_id").string(digits_of(ask.citizen)).end_object();
  json.key("fields").begin_array();
  for (const auto& field : ask.fields) json.string(field);
  json.end_array();
  json.key("purpose").string(ask.purpose);
  if (!ask.case_ref.empty()) json.key("case").string(ask.case_ref);
  if (!ask.more_of.empty()) json.key("more_of").raw(ask.more_of);
  json.end_object();
  return json.take();
}

std::string text_at(const net::Json& object, std::string_view name) {
  const net::Json* value = object.find(name);
  return value != nullptr && value->string() != nullptr ? *value->string() : std::string();
}

const ReasonRow* row_named(std::string_view id) {
  for (std::size_t i = 0; i < reason_count(); ++i)
    if (row_of(static_cast<Reason>(i)).id == id) return &row_of(static_cast<Reason>(i));
  insist(false);  // the answer is ours
  return nullptr;
}

console::AnsweredCitizen answered_citizen(const net::Json& one, const Labels& labels) {
  console::AnsweredCitizen citizen;
  citizen.citizen = readable(ValueShape::citizen_number, text_at(one, "citizen"));
  citizen.receipt = text_at(one, "receipt");
  if (const net::Json* entry = one.find("entry")) citizen.entry = entry->integer().value_or(0);
  if (const net::Json* records = one.find("records"); records && records->object())
    for (const auto& [dataset, list] : *records->object())
      if (list.array())
        for (const net::Json& record : *list.array()) {
          console::AnswerRecord shown;
          shown.dataset = labels.dataset(dataset);
          if (record.object())
            for (const auto& [field, value] : *record.object()) {
              if (!value.string()) continue;
              if (field == "source")
                shown.source = labels.department(*value.string());
              else if (field == "date")
                shown.date = *value.string();
              else
                // A value stands exactly as it was released: its form may carry the mark.
                shown.fields.emplace_back(labels.field(dataset + "." + field), *value.string());
            }
          citizen.records.push_back(std::move(shown));
        }
  if (const net::Json* withheld = one.find("withheld"); withheld && withheld->array())
    for (const net::Json& held : *withheld->array())
      citizen.withheld.push_back(
          {labels.field(text_at(held, "field")), row_named(text_at(held, "reason"))});
  return citizen;
}

Response answer_page(const registry::Catalog& catalog, const Answer& answer, const Request& request,
                     const std::string& account) {
  // An answer of ours, in limits of ours.
  const auto json = net::parse_json(
      answer.body(), {.bytes_max = 64 << 20, .depth_max = 16, .values_max = 4'000'000});
  insist(json.has_value());
  const console::Reader reader = reader_of(request, account);
  const Labels labels(catalog, reader.language);
  std::vector<console::AnsweredCitizen> citizens;
  if (const net::Json* answers = json->find("answers"); answers && answers->array())
    for (const net::Json& one : *answers->array())
      citizens.push_back(answered_citizen(one, labels));
  return page(console::answer_page(reader, citizens));
}

Word kind_word(KeyKind kind) {
  if (kind == KeyKind::passkey) return Word::kind_passkey;
  return kind == KeyKind::jwk ? Word::kind_key : Word::kind_certificate;
}

std::string date_of(Moment moment) {
  const auto seconds = static_cast<std::time_t>(number(moment) / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d", &parts)};
}

// Answering keeps a request alive until its page is written, and wipes what was asked.
struct Answering {
  Request request, asked;
  net::Reply reply;
  std::string account;
  ~Answering() {
    wipe(request.body.data(), request.body.size());
    wipe(asked.body.data(), asked.body.size());
  }
};

}  // namespace

void Api::add_pages() {
  add_open_pages();
  add_own_pages();
  add_ask_pages();
  add_citizen_pages();
  add_decision_pages();
  add_audit_pages();
  add_notice_pages();
  add_trace_pages();
  add_watch_pages();
}

void Api::add_open_pages() {
  using identity::PublicRoute;
  routes_.open(PublicRoute::asset,
               {"GET", "/assets/{file...}", "anyone", "Style, script and font of the pages."},
               [](const Request&, std::string_view rest) -> Result<Response> {
                 const std::size_t slash = rest.find('/');
                 if (slash == rest.npos || rest.substr(0, slash) != console::asset_tag())
                   return fail(Reason::no_such_route);
                 const auto asset = console::asset(rest.substr(slash + 1));
                 if (!asset) return fail(Reason::no_such_route);
                 Response response;
                 response.content_type = asset->type;
                 response.headers = {{"Cache-Control", "public, max-age=31536000, immutable"}};
                 response.body = asset->content;
                 return response;
               });
  routes_.open(
      PublicRoute::language, {"GET", "/language", "anyone", "Choose the language of the pages."},
      [](const Request& request, std::string_view) -> Result<Response> {
        auto query = net::parse_form(request.query, {.bytes_max = 512, .fields_max = 4});
        if (!query) return std::unexpected(query.error());
        const bool urdu = query->one("to") == "ur";
        // Back to a page that anybody can ask for again, or to the start; never elsewhere.
        Address back("/");
        const auto wanted = query->one("back").value_or("");
        for (const Literal page : kAgain)
          if (wanted == page.view()) back = Address(page);
        for (const Literal page : kAgainOne) {
          if (!wanted.starts_with(page.view()) || wanted.size() <= page.view().size() + 1) continue;
          const auto one = wanted.substr(page.view().size() + 1);
          if (wanted[page.view().size()] == '/' && one.size() <= 24 &&
              std::all_of(one.begin(), one.end(),
                          [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); }))
            back = Address(page).part(one);
        }
        Response response = see_other(back);
        response.headers.emplace_back(
            "Set-Cookie", std::string("language=") + (urdu ? "ur" : "en") +
                              "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000");
        return response;
      });
  const auto sign_in = [this](const Request& request, const ReasonRow* why, unsigned status) {
    const auto offer = exchange_.identity().begin_sign_in(request.received);
    console::Reader reader = reader_of(request, {});
    reader.path = "/sign-in";
    return page(
        console::sign_in_page(
            reader, {crypto::base64url(crypto::bytes_of(offer.nonce)), request_options(offer)},
            why),
        status);
  };
  routes_.open(PublicRoute::sign_in_page, {"GET", "/sign-in", "anyone", "The sign-in page."},
               [sign_in](const Request& request, std::string_view) -> Result<Response> {
                 return sign_in(request, nullptr, 200);
               });
  routes_.open(PublicRoute::sign_in_page,
               {"POST", "/sign-in", "the holder of a passkey", "Sign in from the page."},
               [this, sign_in](const Request& request, std::string_view) -> Result<Response> {
                 const auto again = [&](const Failure& why) {
                   exchange_.lookup().strangers().count(why.reason);
                   const ReasonRow& row = row_of(why.reason);
                   return sign_in(request, &row, row.http_status);
                 };
                 auto form = form_of(request);
                 if (!form) return again(form.error());
                 auto body = signed_body(*form, kSignIn);
                 if (!body) return again(body.error());
                 auto in = exchange_.identity().finish_sign_in(as_json(request, *std::move(body)));
                 if (!in) return again(in.error());
                 Response response = see_other(Address("/"));
                 response.headers.emplace_back("Set-Cookie", session_cookie(in->token));
                 return response;
               });
  routes_.open(PublicRoute::enrol_page,
               {"GET", "/enrol", "the holder of an enrolment code", "Where a key is registered."},
               [](const Request& request, std::string_view) -> Result<Response> {
                 return page(console::code_page(reader_of(request, {}), nullptr));
               });
  const auto code = [this](const Request& request, const Failure& why) {
    exchange_.lookup().strangers().count(why.reason);
    const ReasonRow& row = row_of(why.reason);
    console::Reader reader = reader_of(request, {});
    return page(console::code_page(reader, &row), row.http_status);
  };
  routes_.open(PublicRoute::enrol_page,
               {"POST", "/enrol", "the holder of an enrolment code", "Begin to register a key."},
               [this, code](const Request& request, std::string_view) -> Result<Response> {
                 auto form = form_of(request);
                 if (!form) return code(request, form.error());
                 const std::string ticket = text_of(*form, "ticket");
                 net::JsonWriter json;
                 json.begin_object().key("ticket").string(ticket).end_object();
                 auto offer =
                     exchange_.identity().begin_registration(as_json(request, json.take()));
                 if (!offer) return code(request, offer.error());
                 return page(console::register_page(reader_of(request, {}), offer->account, ticket,
                                                    {{}, creation_options(*offer)}));
               });
  routes_.open(PublicRoute::enrol_page,
               {"POST", "/enrol/finish", "the holder of an enrolment code", "Register a key."},
               [this, code](const Request& request, std::string_view) -> Result<Response> {
                 auto form = form_of(request);
                 if (!form) return code(request, form.error());
                 auto body = signed_body(*form, kRegister);
                 if (!body) return code(request, body.error());
                 auto made = exchange_.register_passkey(as_json(request, *std::move(body)));
                 if (!made) return code(request, made.error());
                 return page(console::registered_page(reader_of(request, {}), made->says,
                                                      made->left, text_of(*form, "ticket")));
               });
  routes_.open(PublicRoute::ledger_page,
               {"GET", "/ledger", "anyone", "The state of the ledger, as a page."},
               [this](const Request& request, std::string_view) -> Result<Response> {
                 console::LedgerState state;
                 const std::string head = exchange_.ledger().checkpoint();
                 const std::size_t first = head.find('\n'), second = head.find('\n', first + 1),
                                   third = head.find('\n', second + 1);
                 if (third == head.npos) return fail(Reason::ledger_not_durable);
                 state.origin = head.substr(0, first);
                 for (const char c : head.substr(first + 1, second - first - 1))
                   state.size = state.size * 10 + static_cast<unsigned>(c - '0');
                 state.root = head.substr(second + 1, third - second - 1);
                 state.vkey = exchange_.ledger().vkey();
                 return page(console::ledger_page(reader_of(request, {}), state));
               });
}

void Api::add_own_pages() {
  routes_.session(
      {"GET", "/", "a signed-in person", "The start page."},
      [this](const Caller& caller, const Request& request, std::string_view) -> Result<Response> {
        const Asker& asker = caller.asker();
        const auto may = [&](std::string_view right) {
          return exchange_.policy().may(asker, right);
        };
        console::StartFor start;
        start.asks = !exchange_.policy().offered(asker).empty();
        start.citizen = asker.citizen.has_value();
        start.decides = may("approve");
        start.waits = !start.citizen;
        start.holds = may("hold") || may("audit");
        start.reviews = may("review");
        start.audits = may("audit");
        start.signs_policy = may("policy");
        start.operates = may("operate");
        return page(console::start_page(reader_of(request, asker.id), start));
      });
  routes_.session(
      {"POST", "/sign-out", "a signed-in person", "Sign out from a page."},
      [this](const Caller& caller, const Request& request, std::string_view) -> Result<Response> {
        if (auto out = exchange_.identity().sign_out(request); !out)
          return std::unexpected(out.error());
        exchange_.marks().forget(caller.asker().account);
        Response response = see_other(Address("/sign-in"));
        response.headers.emplace_back("Set-Cookie", no_session_cookie());
        return response;
      });
  routes_.session(
      {"GET", "/devices", "a signed-in person", "The own devices, as a page."},
      [this](const Caller& caller, const Request& request, std::string_view) -> Result<Response> {
        const Asker& asker = caller.asker();
        std::vector<console::ShownDevice> shown;
        for (const auto& device : exchange_.identity().devices(asker.id)) {
          console::ShownDevice one;
          one.thumbprint = crypto::hex(device.thumbprint);
          one.kind = kind_word(device.kind);
          one.enrolled = date_of(device.enrolled);
          one.ended = device.revoked.has_value();
          one.this_one = device.thumbprint == asker.actor.thumbprint;
          shown.push_back(std::move(one));
        }
        return page(console::devices_page(reader_of(request, asker.id), shown));
      });
  routes_.session(
      {"POST", "/devices/{thumbprint}", "a signed-in person", "End a lost device: what to sign."},
      [this](const Caller& caller, const Request& request,
             std::string_view thumbprint) -> Result<Response> {
        if (thumbprint.size() != 64 ||
            !exchange_.identity().owns(caller.asker().account, thumbprint))
          return fail(Reason::unknown_device);
        net::JsonWriter json;
        json.begin_object().key("verb").string("revoke").key("target").string(thumbprint);
        json.end_object();
        return act_to_sign(caller, request, json.take(), Address("/devices"));
      });
}

// put_again draws the question anew whose prompt lasted too long: nothing is typed twice, and a new
// signature is wanted (WCAG 2.2.1, 3.3.7).
Response Api::put_again(const Request& request, const std::string& account) {
  auto form = form_of(request);
  if (!form) return refused_page(form.error(), request, account);
  console::AskForm wanted = ask_form(*form);
  find_mistakes(wanted);
  if (!wanted.mistakes.empty())
    return refused_page(Failure{Reason::pending_expired, {}}, request, account);
  auto put = exchange_.identity().put_question(as_json(request, question_of(wanted)));
  if (!put) return refused_page(put.error(), request, account);
  wanted.refused = &row_of(Reason::pending_expired);
  return page(console::check_page(reader_of(request, account), put->sentences, wanted,
                                  {crypto::base64url(crypto::bytes_of(put->offer.nonce)),
                                   request_options(put->offer)}),
              wanted.refused->http_status);
}

void Api::add_ask_pages() {
  const auto ask = [this](const Caller& caller, const Request& request,
                          const console::AskForm& form, unsigned status) {
    std::vector<console::OfferedPurpose> purposes;
    const console::Reader reader = reader_of(request, caller.asker().id);
    const bool urdu = reader.language == console::Language::urdu;
    const Labels labels(exchange_.catalog(), reader.language);
    const FieldTable& fields = exchange_.catalog().fields();
    for (const auto& offered : exchange_.policy().offered(caller.asker())) {
      console::OfferedPurpose purpose{
          offered.purpose, urdu && !offered.says_ur.empty() ? offered.says_ur : offered.says, {}};
      // By dataset, in the order of the policy's rules: what its writers put first comes first.
      std::map<DatasetId, std::string> first_rule;
      for (const auto& field : offered.fields) {
        const auto [at, fresh] = first_rule.emplace(fields[field.id].dataset, field.rule);
        if (!fresh) at->second = std::min(at->second, field.rule);
      }
      std::vector<std::pair<std::string, DatasetId>> order;
      for (const auto& [dataset, rule] : first_rule) order.emplace_back(rule, dataset);
      std::sort(order.begin(), order.end());
      for (const auto& [rule, dataset] : order)
        for (const auto& field : offered.fields)
          if (fields[field.id].dataset == dataset)
            purpose.fields.push_back({fields[field.id].id, labels.field(fields[field.id].id),
                                      field.rule, field.level != Level::full,
                                      labels.dataset(fields.dataset_name(dataset))});
      purposes.push_back(std::move(purpose));
    }
    return page(console::ask_page(reader, purposes, form), status);
  };
  routes_.session(
      {"GET", "/ask", "a signed-in officer", "Where a question is put."},
      [ask](const Caller& caller, const Request& request, std::string_view) -> Result<Response> {
        return ask(caller, request, {}, 200);
      });
  routes_.session(
      {"POST", "/ask/change", "a signed-in officer", "Back to a question, to change it."},
      [ask](const Caller& caller, const Request& request, std::string_view) -> Result<Response> {
        auto form = form_of(request);
        if (!form) return std::unexpected(form.error());
        return ask(caller, request, ask_form(*form), 200);
      });
  routes_.session(
      {"POST", "/ask", "a signed-in officer", "Put a question forward: what to sign."},
      [this, ask](const Caller& caller, const Request& request,
                  std::string_view) -> Result<Response> {
        auto form = form_of(request);
        if (!form) return std::unexpected(form.error());
        console::AskForm wanted = ask_form(*form);
        find_mistakes(wanted);
        if (!wanted.mistakes.empty()) return ask(caller, request, wanted, 422);
        auto put = exchange_.identity().put_question(as_json(request, question_of(wanted)));
        if (!put) {
          wanted.refused = &row_of(put.error().reason);
          return ask(caller, request, wanted, wanted.refused->http_status);
        }
        return page(console::check_page(
            reader_of(request, caller.asker().id), put->sentences, wanted,
            {crypto::base64url(crypto::bytes_of(put->offer.nonce)), request_options(put->offer)}));
      });
  routes_.question({"POST", "/answer", "officer",
                    "Ask the question that was put forward and signed, from a page."},
                   [this](Request request, net::Reply reply) {
                     auto answering = std::make_shared<Answering>();
                     answering->request = std::move(request);
                     answering->reply = std::move(reply);
                     const Request& sent = answering->request;
                     if (const auto in = exchange_.identity().signed_in(sent))
                       answering->account = in->asker().id;
                     // A stranger's form is not read: identification refuses what comes without a
                     // session.
                     std::string body = "{}";
                     if (!answering->account.empty()) {
                       auto form = form_of(sent);
                       auto made = form ? signed_body(*form, kAsk)
                                        : Result<std::string>(std::unexpected(form.error()));
                       if (made) body = *std::move(made);
                     }
                     answering->asked = as_json(sent, std::move(body));
                     auto task = exchange_.lookup().answer(answering->asked);
                     start(std::move(task), [this, answering](Result<Answer> answer) {
                       if (!answer && answer.error().reason == Reason::pending_expired &&
                           wants_page(answering->request))
                         return answering->reply(put_again(answering->request, answering->account));
                       if (!answer && !wants_page(answering->request))
                         return answering->reply(refusal(answer.error(), answering->request));
                       answering->reply(answer ? answer_page(exchange_.catalog(), *answer,
                                                             answering->request, answering->account)
                                               : refused_page(answer.error(), answering->request,
                                                              answering->account));
                     });
                   });
}

}  // namespace amanat::server
