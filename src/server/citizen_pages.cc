// A citizen's own pages: who looked, one look, complaints, leaks. By the session alone, because
// they show nothing of anybody else; what is changed is in the ledger first.

#include <algorithm>

#include "console/citizen_pages.h"
#include "crypto/crypto.h"
#include "server/api.h"
#include "server/complaints.h"
#include "server/exchange.h"
#include "server/page.h"
#include "server/webauthn_options.h"

namespace amanat::server {
namespace {

using console::Address;
using console::ShownLook;
using lookup::Look;

constexpr std::size_t kLooksShown = 50;

// Words are what a look is put into words with.
struct Words {
  Labels labels;
  std::vector<policy::LawfulPurpose> purposes;
  bool urdu;
};

ShownLook shown(const Look& look, const Words& words) {
  ShownLook out;
  out.entry = number(look.entry);
  out.time = look.time;
  using State = ledger::CitizenEntry::State;
  out.state = look.state == State::open     ? ShownLook::State::open
              : look.state == State::sealed ? ShownLook::State::sealed
                                            : ShownLook::State::erased;
  out.kind = look.type == EntryType::disclosure ? ShownLook::Kind::disclosure
             : look.type == EntryType::denied   ? ShownLook::Kind::refusal
             : look.type == EntryType::erasure  ? ShownLook::Kind::erasure
                                                : ShownLook::Kind::other;
  if (look.sealed_until) out.opens = *look.sealed_until;
  out.purpose = look.purpose;
  for (const auto& purpose : words.purposes)
    if (purpose.id == look.purpose) {
      out.purpose = words.labels.purpose(words.purposes, look.purpose);
      out.law = words.urdu && !purpose.law_ur.empty() ? purpose.law_ur : purpose.law;
    }
  out.department = words.labels.department(look.department);
  out.unit = look.unit;
  out.officer = number(look.account);
  out.fields = words.labels.fields(look.fields);
  return out;
}

Result<Tag> own(const Caller& caller) {
  if (!caller.asker().citizen) return fail(Reason::not_your_right, "a citizen's own page");
  return *caller.asker().citizen;
}

/// own_look finds one of the reader's own looks; nobody learns here whether another's entry exists.
Result<Look> own_look(const Exchange& exchange, const Tag& citizen, std::string_view entry) {
  const auto index = number_in(entry);
  auto looks = exchange.looks_of_tag(citizen);
  if (!looks) return std::unexpected(looks.error());
  for (const Look& look : *looks)
    if (index && number(look.entry) == *index) return look;
  return fail(Reason::no_record);
}

Response file_response(std::string body, std::string name) {
  Response response;
  response.content_type = "application/octet-stream";
  response.headers = {{"Cache-Control", "no-store"},
                      {"Content-Disposition", "attachment; filename=\"" + std::move(name) + "\""}};
  response.body = std::move(body);
  return response;
}

console::ShownComplaint shown(const Complaint& one) {
  console::ShownComplaint out;
  out.id = one.id;
  out.entry = number(one.entry);
  out.made = one.made;
  out.due = one.due;
  out.answered = one.answered;
  out.text = one.text;
  out.answer = one.answer;
  out.upheld = one.upheld;
  return out;
}

}  // namespace

void Api::add_citizen_pages() {
  const auto words = [this](const Request& request) {
    const console::Language language = reader_of(request, {}).language;
    return Words{Labels(exchange_.catalog(), language), exchange_.policy().purposes(),
                 language == console::Language::urdu};
  };
  const auto zone = [this] {
    return console::Zone{static_cast<int>(exchange_.detection().parameters().zone_minutes)};
  };
  routes_.session(
      {"GET", "/me", "citizen", "Who looked at my record, as a page."},
      [this, zone, words](const Caller& caller, const Request& request,
                          std::string_view) -> Result<Response> {
        auto citizen = own(caller);
        if (!citizen) return std::unexpected(citizen.error());
        auto query = net::parse_form(request.query, {.bytes_max = 512, .fields_max = 4});
        if (!query) return std::unexpected(query.error());
        auto looks = exchange_.looks_of_tag(*citizen);
        if (!looks) return std::unexpected(looks.error());
        const auto in_words = words(request);
        console::LooksList list;
        list.zone = zone();
        list.total = looks->size();
        list.department = text_of(*query, "office");
        const auto before = number_in(text_of(*query, "before"));
        for (const Look& look : *looks) {
          list.sealed += look.state == ledger::CitizenEntry::State::sealed ? 1 : 0;
          if (look.department.empty()) continue;
          const std::pair one(look.department, in_words.labels.department(look.department));
          if (std::find(list.departments.begin(), list.departments.end(), one) ==
              list.departments.end())
            list.departments.push_back(one);
        }
        std::sort(list.departments.begin(), list.departments.end());
        for (auto it = looks->rbegin(); it != looks->rend(); ++it) {
          if (before && number(it->entry) >= *before) continue;
          if (!list.department.empty() && it->department != list.department) continue;
          if (list.looks.size() == kLooksShown) {
            list.before = list.looks.back().entry;
            break;
          }
          list.looks.push_back(shown(*it, in_words));
        }
        return page(console::looks_page(reader_of(request, caller.asker().id), list));
      });
  routes_.session(
      {"GET", "/me/look/{entry}", "citizen", "One look at my record, as a page."},
      [this, zone, words](const Caller& caller, const Request& request,
                          std::string_view entry) -> Result<Response> {
        auto citizen = own(caller);
        if (!citizen) return std::unexpected(citizen.error());
        auto look = own_look(exchange_, *citizen, entry);
        if (!look) return std::unexpected(look.error());
        const bool may_complain =
            look->state == ledger::CitizenEntry::State::open && look->type != EntryType::erasure;
        return page(console::look_page(reader_of(request, caller.asker().id),
                                       shown(*look, words(request)), zone(), may_complain));
      });
  routes_.session(
      {"GET", "/me/receipt/{entry}", "citizen", "The proof of an entry about me."},
      [this](const Caller& caller, const Request&, std::string_view entry) -> Result<Response> {
        auto citizen = own(caller);
        if (!citizen) return std::unexpected(citizen.error());
        auto look = own_look(exchange_, *citizen, entry);
        if (!look) return std::unexpected(look.error());
        auto proof = exchange_.ledger().prove(look->entry);
        if (!proof) return std::unexpected(proof.error());
        return file_response(*std::move(proof),
                             "entry-" + std::to_string(number(look->entry)) + ".tlog-proof");
      });
  routes_.session(
      {"GET", "/me/history", "citizen", "My whole history, for amanat-verify citizen."},
      [this](const Caller& caller, const Request&, std::string_view) -> Result<Response> {
        auto citizen = own(caller);
        if (!citizen) return std::unexpected(citizen.error());
        auto history = exchange_.history_of_tag(*citizen);
        if (!history) return std::unexpected(history.error());
        return file_response(*std::move(history), "my-history");
      });
  routes_.session(
      {"GET", "/me/complain/{entry}", "citizen", "Where a complaint is written."},
      [this, zone, words](const Caller& caller, const Request& request,
                          std::string_view entry) -> Result<Response> {
        auto citizen = own(caller);
        if (!citizen) return std::unexpected(citizen.error());
        auto look = own_look(exchange_, *citizen, entry);
        if (!look) return std::unexpected(look.error());
        return page(console::complain_page(reader_of(request, caller.asker().id),
                                           shown(*look, words(request)), zone(), nullptr));
      });
  routes_.session(
      {"POST", "/me/complain/{entry}", "citizen", "Complain about a look at my record."},
      [this, zone, words](const Caller& caller, const Request& request,
                          std::string_view entry) -> Result<Response> {
        auto citizen = own(caller);
        if (!citizen) return std::unexpected(citizen.error());
        auto look = own_look(exchange_, *citizen, entry);
        if (!look) return std::unexpected(look.error());
        auto form = form_of(request);
        if (!form) return std::unexpected(form.error());
        auto made = exchange_.complain(caller, look->entry, text_of(*form, "text"));
        if (!made) {
          const ReasonRow& row = row_of(made.error().reason);
          return page(console::complain_page(reader_of(request, caller.asker().id),
                                             shown(*look, words(request)), zone(), &row),
                      row.http_status);
        }
        return see_other(Address("/me/complaints"));
      });
  routes_.session(
      {"GET", "/me/complaints", "citizen", "My complaints and their answers."},
      [this, zone](const Caller& caller, const Request& request,
                   std::string_view) -> Result<Response> {
        auto citizen = own(caller);
        if (!citizen) return std::unexpected(citizen.error());
        auto complaints = exchange_.complaints().of(*citizen);
        if (!complaints) return std::unexpected(complaints.error());
        std::vector<console::ShownComplaint> list;
        for (const Complaint& one : *complaints) list.push_back(shown(one));
        return page(console::complaints_page(reader_of(request, caller.asker().id), list, zone()));
      });
  routes_.session(
      {"GET", "/me/leaks", "citizen", "Whether my data were in a leak, as a page."},
      [this](const Caller& caller, const Request& request, std::string_view) -> Result<Response> {
        auto citizen = own(caller);
        if (!citizen) return std::unexpected(citizen.error());
        auto leaks = exchange_.leaks_of_tag(*citizen);
        if (!leaks) return std::unexpected(leaks.error());
        std::vector<console::ShownLeak> shown;
        const console::Reader reader = reader_of(request, caller.asker().id);
        const Labels labels(exchange_.catalog(), reader.language);
        for (const auto& [day, fields] : *leaks)
          shown.push_back({console::written_day(day, reader.language), labels.fields(fields)});
        return page(console::leaks_page(reader, shown));
      });
  routes_.session(
      {"POST", "/leave", "a signed-in person", "Leave at once: signs out and goes elsewhere."},
      [this](const Caller&, const Request& request, std::string_view) -> Result<Response> {
        if (auto out = exchange_.identity().sign_out(request); !out)
          return std::unexpected(out.error());
        Response response = page({});
        response.headers.emplace_back("Set-Cookie", no_session_cookie());
        response.headers.emplace_back("Clear-Site-Data", "\"cache\"");
        response.headers.emplace_back("Refresh", "0; url=https://www.wikipedia.org/");
        return response;
      });
}

}  // namespace amanat::server
