// Pages of those who decide: requests, alerts and holds, reviews, changes of the policy,
// complaints. Every decision is an act: a page draws it from the exchange's own words, a passkey
// signs it, and POST /acts judges it exactly as the API does.

#include <algorithm>
#include <map>

#include "console/auditor_pages.h"
#include "console/supervisor_pages.h"
#include "crypto/crypto.h"
#include "model/readable.h"
#include "net/json.h"
#include "server/api.h"
#include "server/complaints.h"
#include "server/exchange.h"
#include "server/page.h"
#include "server/webauthn_options.h"

namespace amanat::server {
namespace {

using console::Address;
using console::Word;

constexpr SignedForm kAct{"nonce", "act", "assertion"};
constexpr std::size_t kAlertsShown = 50;

// RequestWords is what a request is put into words with.
struct RequestWords {
  Labels labels;
  std::vector<policy::LawfulPurpose> purposes;
  console::Language language;
};
RequestWords words_for(Exchange& exchange, const console::Reader& reader) {
  return {Labels(exchange.catalog(), reader.language), exchange.policy().purposes(),
          reader.language};
}

// Hidden says that a citizen's number is masked: a session's cookie alone shows nobody.
enum class Numbers : std::uint8_t { masked, whole };

std::string shown_value(const std::string& name, const std::string& value, Numbers numbers) {
  if (numbers == Numbers::whole || (name != "national_id" && !name.starts_with("subject.")))
    return value;
  return value.size() == 13 ? masked(SubjectName{SubjectKind::national_id, value}) : "*";
}

// A part of a question as people read it: what it is called, and its value.
std::pair<std::string, std::string> in_words(const std::string& name, const std::string& value,
                                             const RequestWords& words) {
  constexpr std::pair<std::string_view, Word> kNames[] = {
      {"kind", Word::kind},
      {"asker", Word::officer},
      {"client", Word::client},
      {"purpose", Word::purpose},
      {"case", Word::case_number},
      {"national_id", Word::citizen_number},
      {"fields", Word::what_to_see},
      {"max_subjects", Word::citizens_at_most},
      {"reason", Word::why},
      {"subject.national_id", Word::citizen_number},
      {"subject.msisdn", Word::phone_number}};
  std::string said = name;
  for (const auto& [known, word] : kNames)
    if (known == name) said = console::say(word, words.language);
  if (name == "purpose") return {said, words.labels.purpose(words.purposes, value)};
  if (name.ends_with("national_id")) return {said, readable(ValueShape::citizen_number, value)};
  if (name.ends_with("msisdn")) return {said, readable(ValueShape::telephone, value)};
  if (name != "fields") return {said, value};
  std::string list;
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t end = std::min(value.find(", ", at), value.size());
    list += (list.empty()                                ? ""
             : words.language == console::Language::urdu ? "، "
                                                         : ", ") +
            words.labels.field(std::string_view(value).substr(at, end - at));
    at = end + 2;
  }
  return {said, list};
}

console::ShownRequest shown(const policy::WaitingQuestion& one, Numbers numbers,
                            const RequestWords& words_of) {
  console::ShownRequest out;
  out.id = one.id;
  out.asker = one.asker;
  out.department = words_of.labels.department(one.department);
  out.unit = one.unit;
  out.asked = one.asked;
  out.expires = one.expires;
  out.wanted = one.wanted;
  out.given = one.given;
  out.whole = numbers == Numbers::whole;
  if (const auto words = policy::question_in_words(one.question))
    for (const auto& [name, value] : *words)
      out.asks.push_back(in_words(name, shown_value(name, value, numbers), words_of));
  for (const auto& decision : one.decided)
    out.decided.push_back({decision.approver, decision.reason, decision.approved});
  return out;
}

// Of the reader's own: not who asked, by which program, and that it is a lookup.
console::ShownRequest own_request(console::ShownRequest one, const RequestWords& words) {
  std::erase_if(one.asks, [&](const auto& line) {
    for (const Word word : {Word::kind, Word::officer, Word::client})
      if (line.first == console::say(word, words.language)) return true;
    return false;
  });
  return one;
}

console::ShownMonth shown(const detection::Month& month, console::Language language) {
  console::ShownMonth out;
  for (const detection::Day& day : month.days)
    out.days.push_back(
        {console::written_day(Moment{std::uint64_t{day.day} * 86'400'000}, {}, language),
         day.citizens, day.unexplained});
  out.citizens = month.citizens;
  out.peer_citizens = month.peer_citizens;
  out.unexplained = month.unexplained;
  out.peer_unexplained = month.peer_unexplained;
  out.peers = month.peers;
  return out;
}

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

Result<policy::WaitingQuestion> waiting(Exchange& exchange, const Asker& approver, Moment at,
                                        std::string_view id) {
  for (const auto& one : exchange.policy().waiting_for(approver, at))
    if (one.id == id) return one;
  return fail(Reason::approval_unknown);
}

std::optional<console::ShownMonth> month_of(Exchange& exchange, const std::string& officer,
                                            console::Language language) {
  for (const Asker& asker : exchange.identity().accounts())
    if (asker.id == officer)
      return shown(exchange.detection().month(asker.account, asker.unit), language);
  return std::nullopt;
}

// What an act says, as JSON for Identity::put_act.
struct Said {
  std::string_view verb;
  std::string target, reason;
  std::optional<Digest> subject;
  std::uint64_t until = 0;
};
std::string act_json(const Said& said) {
  net::JsonWriter json;
  json.begin_object().key("verb").string(said.verb).key("target").string(said.target);
  if (said.subject) json.key("subject").string(crypto::hex(*said.subject));
  if (!said.reason.empty()) json.key("reason").string(said.reason);
  if (said.until != 0) json.key("until").number(said.until);
  json.end_object();
  return json.take();
}

bool blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n.") == std::string_view::npos;
}

}  // namespace

// act_to_sign puts an act forward and draws the page that signs it.
Result<Response> Api::act_to_sign(const Caller& caller, const Request& request,
                                  const std::string& json, const Address& back) {
  auto put = exchange_.identity().put_act(as_json(request, json));
  if (!put) return std::unexpected(put.error());
  console::ActToSign act;
  act.sentences = put->sentences;
  act.sign = {crypto::base64url(crypto::bytes_of(put->offer.nonce)), request_options(put->offer)};
  return page(console::act_page(reader_of(request, caller.asker().id), act, back));
}

// finish_act judges a signed act by its verb, each as the API's route does, and says what came of
// it. The act is the one the exchange held; nothing of the form decides.
Result<Response> Api::finish_act(const Caller& caller, const Request& request) {
  const Act& act = *caller.act();
  const console::Reader reader = reader_of(request, caller.asker().id);
  const auto done = [&](Word what, std::optional<std::uint64_t> entry, const Address& back,
                        Word back_word) {
    return page(console::done_page(reader, what, entry, back, back_word));
  };
  const console::Zone zone{static_cast<int>(exchange_.detection().parameters().zone_minutes)};
  if (act.verb == "look") {
    auto one = waiting(exchange_, caller.asker(), request.received, act.target);
    if (!one) return std::unexpected(one.error());
    if (auto noted = exchange_.note_look(caller); !noted) return std::unexpected(noted.error());
    return page(
        console::request_page(reader, shown(*one, Numbers::whole, words_for(exchange_, reader)),
                              month_of(exchange_, one->asker, reader.language), zone, nullptr));
  }
  if (act.verb == "approve" || act.verb == "refuse") {
    // One verb for a waiting question and for a review past the rules: whichever has that id.
    for (const auto& review : exchange_.policy().emergencies())
      if (review.id == act.target) {
        if (auto ok = exchange_.review_emergency(caller, act.target); !ok)
          return std::unexpected(ok.error());
        return done(Word::decided_done, std::nullopt, Address("/reviews"), Word::reviews);
      }
    if (auto ok = exchange_.decide_approval(caller, act.target); !ok)
      return std::unexpected(ok.error());
    return done(Word::decided_done, std::nullopt, Address("/approvals"), Word::requests);
  }
  if (act.verb == "hold") {
    auto entry =
        exchange_.place_hold(act.target, detection::Tier::suspend, Sensitivity::open, caller);
    if (!entry) return std::unexpected(entry.error());
    return done(Word::held_done, *entry, Address("/alerts"), Word::alerts_and_holds);
  }
  if (act.verb == "release") {
    const auto hold = number_in(act.target);
    if (!hold) return fail(Reason::malformed_value, "target: the hold's entry");
    auto entry = exchange_.release_hold(*hold, caller);
    if (!entry) return std::unexpected(entry.error());
    return done(Word::released_done, *entry, Address("/alerts"), Word::alerts_and_holds);
  }
  if (act.verb == "policy") {
    if (auto ok = exchange_.sign_policy(caller, act.target); !ok)
      return std::unexpected(ok.error());
    return done(Word::policy_signed_done, std::nullopt, Address("/policy"), Word::policy);
  }
  if (act.verb == "uphold" || act.verb == "dismiss") {
    auto entry = exchange_.answer_complaint(caller);
    if (!entry) return std::unexpected(entry.error());
    return done(Word::decided_done, *entry, Address("/complaints"), Word::complaints);
  }
  if (act.verb == "trail") return opened_trail(caller, request);
  if (act.verb == "open-trace" || act.verb == "cancel-trace" || act.verb == "take-evidence")
    return finish_trace_act(caller, request);
  if (act.verb == "announce") {
    auto entry = exchange_.announce(act.target, caller);
    if (!entry) return std::unexpected(entry.error());
    return done(Word::announced_done, *entry, Address("/operations"), Word::operations);
  }
  if (act.verb == "revoke") {
    // From a page only one's own: others' devices are ended where their owners are looked up.
    if (!exchange_.identity().owns(caller.asker().account, act.target))
      return fail(Reason::not_your_right, "enrol");
    if (auto ended = exchange_.revoke(act.target, &caller); !ended)
      return std::unexpected(ended.error());
    return done(Word::device_ended_done, std::nullopt, Address("/devices"), Word::my_devices);
  }
  return fail(Reason::act_wrong, "its verb");
}

void Api::add_decision_pages() {
  const auto zone = [this] {
    return console::Zone{static_cast<int>(exchange_.detection().parameters().zone_minutes)};
  };
  // A signed form becomes the document the API confirms.
  routes_.proven_by(
      [this](const Request& request) -> Result<Caller> {
        // The session first: nothing of a stranger's form is read.
        if (auto in = exchange_.identity().signed_in(request); !in)
          return std::unexpected(in.error());
        auto form = form_of(request);
        if (!form) return std::unexpected(form.error());
        auto body = signed_body(*form, kAct);
        if (!body) return std::unexpected(body.error());
        return exchange_.confirm(as_json(request, *std::move(body)));
      },
      {"POST", "/acts", "a signed-in person", "Do what was put forward and signed, from a page."},
      [this](const Caller& caller, const Request& request, std::string_view) -> Result<Response> {
        return finish_act(caller, request);
      });

  routes_.session({"GET", "/approvals", "officer", "Requests that wait, as a page."},
                  [this, zone](const Caller& caller, const Request& request,
                               std::string_view) -> Result<Response> {
                    const Asker& asker = caller.asker();
                    if (asker.citizen) return fail(Reason::not_your_right, "requests");
                    std::vector<console::ShownRequest> to_decide, own;
                    const RequestWords words = words_for(exchange_, reader_of(request, asker.id));
                    for (const auto& one : exchange_.policy().waiting_for(asker, request.received))
                      to_decide.push_back(shown(one, Numbers::masked, words));
                    for (const auto& one : exchange_.policy().waiting_of(asker, request.received))
                      own.push_back(own_request(shown(one, Numbers::masked, words), words));
                    std::sort(to_decide.begin(), to_decide.end(),
                              [](const auto& a, const auto& b) { return a.asked < b.asked; });
                    return page(console::requests_page(reader_of(request, asker.id), to_decide, own,
                                                       request.received, zone()));
                  });
  const auto request_of = [this, zone](const Caller& caller, const Request& request,
                                       std::string_view id, const ReasonRow* why,
                                       unsigned status) -> Result<Response> {
    auto one = waiting(exchange_, caller.asker(), request.received, id);
    if (!one) return std::unexpected(one.error());
    const console::Reader reader = reader_of(request, caller.asker().id);
    return page(
        console::request_page(reader, shown(*one, Numbers::masked, words_for(exchange_, reader)),
                              month_of(exchange_, one->asker, reader.language), zone(), why),
        status);
  };
  routes_.session({"GET", "/approvals/{id}", "officer", "A request, as a page."},
                  [request_of](const Caller& caller, const Request& request,
                               std::string_view id) -> Result<Response> {
                    return request_of(caller, request, id, nullptr, 200);
                  });
  routes_.session(
      {"POST", "/approvals/{id...}", "officer", "Decide a request, or ask to see all of it."},
      [this, request_of](const Caller& caller, const Request& request,
                         std::string_view rest) -> Result<Response> {
        const std::size_t slash = rest.find('/');
        const std::string id(rest.substr(0, slash));
        auto one = waiting(exchange_, caller.asker(), request.received, id);
        if (!one) return std::unexpected(one.error());
        if (slash != rest.npos) {
          if (rest.substr(slash) != "/whole") return fail(Reason::no_such_route);
          return act_to_sign(caller, request, act_json({"look", id, "", std::nullopt, 0}),
                             Address("/approvals").part(id));
        }
        auto form = form_of(request);
        if (!form) return std::unexpected(form.error());
        const std::string decision = text_of(*form, "decision"), reason = text_of(*form, "reason");
        if (decision != "approve" && decision != "refuse")
          return fail(Reason::malformed_value, "decision");
        if (blank(reason)) {
          const ReasonRow& row = row_of(Reason::reason_wanted);
          return request_of(caller, request, id, &row, row.http_status);
        }
        return act_to_sign(
            caller, request,
            act_json({decision, id, reason, one->question_hash, number(one->expires)}),
            Address("/approvals").part(id));
      });

  const auto alerts = [this, zone](const Caller& caller, const Request& request,
                                   const ReasonRow* why, unsigned status) -> Result<Response> {
    const Asker& asker = caller.asker();
    const bool may_hold = exchange_.policy().may(asker, "hold"),
               may_audit = exchange_.policy().may(asker, "audit");
    if (!may_hold && !may_audit) return fail(Reason::not_your_right, "hold");
    const console::Reader reader = reader_of(request, asker.id);
    const bool urdu = reader.language == console::Language::urdu;
    std::map<AccountId, Asker> accounts;
    for (Asker& a : exchange_.identity().accounts()) accounts.emplace(a.account, a);
    const auto id_of = [&](AccountId account) {
      const auto at = accounts.find(account);
      return at == accounts.end() ? std::to_string(number(account)) : at->second.id;
    };
    std::vector<console::ShownHold> holds;
    for (const detection::Hold& hold : exchange_.detection().holds()) {
      const auto& row = detection::row_of(hold.rule);
      console::ShownHold one;
      one.hold = hold.id == ~0ull ? 0 : hold.id;
      one.says = urdu ? row.urdu : row.english;
      one.tier = detection::word_of(hold.tier);
      one.account = id_of(hold.actor.account);
      if (number(hold.by) != 0) one.by = id_of(hold.by);
      one.since = Moment{hold.at};
      const auto whom = accounts.find(hold.actor.account);
      one.month = shown(exchange_.detection().month(
                            hold.actor.account, whom == accounts.end() ? "" : whom->second.unit),
                        reader.language);
      const bool auditors = hold.tier >= detection::Tier::close_class && number(hold.by) == 0;
      one.may_release = one.hold != 0 && (auditors ? may_audit : may_hold) &&
                        hold.by != asker.account && hold.actor.account != asker.account;
      holds.push_back(std::move(one));
    }
    std::vector<console::ShownAlert> told;
    for (const detection::Told& t : exchange_.detection().alerts(kAlertsShown, asker.account)) {
      const auto& row = detection::row_of(t.alert.rule);
      console::ShownAlert one;
      one.entry = t.entry;
      one.says = urdu ? row.urdu : row.english;
      one.tier = detection::word_of(t.alert.tier);
      one.account = id_of(t.alert.actor.account);
      one.unit = t.alert.unit;
      one.case_ref = t.alert.case_ref;
      one.note = t.alert.note;
      one.at = Moment{t.alert.at};
      one.score = decimal(t.alert.score);
      one.threshold = decimal(t.alert.threshold);
      told.push_back(std::move(one));
    }
    return page(console::alerts_page(reader, holds, told, zone(), may_hold, why), status);
  };
  routes_.session(
      {"GET", "/alerts", "officer with the right 'hold' or 'audit'",
       "Alerts and holds, as a page."},
      [alerts](const Caller& caller, const Request& request, std::string_view) -> Result<Response> {
        return alerts(caller, request, nullptr, 200);
      });
  routes_.session(
      {"POST", "/alerts/{what...}", "officer with the right 'hold' or 'audit'",
       "Pause an account, or end a hold: what to sign."},
      [this, alerts](const Caller& caller, const Request& request,
                     std::string_view what) -> Result<Response> {
        auto form = form_of(request);
        if (!form) return std::unexpected(form.error());
        Said said;
        if (what == "hold") {
          said = {"hold", text_of(*form, "account"), text_of(*form, "why"), std::nullopt, 0};
        } else if (what.starts_with("release/")) {
          said = {"release", std::string(what.substr(8)), text_of(*form, "reason"), std::nullopt,
                  0};
        } else {
          return fail(Reason::no_such_route);
        }
        if (blank(said.reason) || said.target.empty()) {
          const ReasonRow& row = row_of(Reason::reason_wanted);
          return alerts(caller, request, &row, row.http_status);
        }
        return act_to_sign(caller, request, act_json(said), Address("/alerts"));
      });

  routes_.session(
      {"GET", "/reviews", "officer with the right 'review'", "Reviews, as a page."},
      [this, zone](const Caller& caller, const Request& request,
                   std::string_view) -> Result<Response> {
        if (!exchange_.policy().may(caller.asker(), "review"))
          return fail(Reason::not_your_right, "review");
        std::vector<console::ShownReview> reviews;
        const RequestWords words = words_for(exchange_, reader_of(request, {}));
        for (const auto& one : exchange_.policy().emergencies())
          reviews.push_back({one.id, one.asker, words.labels.purpose(words.purposes, one.purpose),
                             one.case_ref, one.reason, one.reviewed_by, one.at, one.justified,
                             one.asker == caller.asker().id});
        return page(console::reviews_page(reader_of(request, caller.asker().id), reviews, zone()));
      });
  routes_.session(
      {"POST", "/reviews/{id}", "officer with the right 'review'", "Review: what to sign."},
      [this](const Caller& caller, const Request& request,
             std::string_view id) -> Result<Response> {
        auto form = form_of(request);
        if (!form) return std::unexpected(form.error());
        const std::string decision = text_of(*form, "decision"), reason = text_of(*form, "reason");
        if ((decision != "approve" && decision != "refuse") || blank(reason))
          return fail(Reason::reason_wanted);
        return act_to_sign(caller, request,
                           act_json({decision, std::string(id), reason, std::nullopt, 0}),
                           Address("/reviews"));
      });

  routes_.session(
      {"GET", "/policy", "officer", "Changes of the policy, as a page."},
      [this, zone](const Caller& caller, const Request& request,
                   std::string_view) -> Result<Response> {
        if (caller.asker().citizen) return fail(Reason::not_your_right, "policy");
        std::vector<console::ShownProposal> proposals;
        for (const auto& one : exchange_.policy().proposals()) {
          console::ShownProposal out;
          out.id = one.id;
          out.documents = crypto::hex(one.documents);
          out.proposed = one.proposed;
          out.widens = one.widens;
          for (const auto& change : one.changes)
            out.changes.emplace_back(change.text, change.widens);
          out.signers = one.signers;
          out.wanted = one.signatures_wanted();
          proposals.push_back(std::move(out));
        }
        return page(console::proposals_page(reader_of(request, caller.asker().id), proposals,
                                            crypto::hex(exchange_.policy().documents()), zone()));
      });
  routes_.session(
      {"POST", "/policy/{id}", "officer with the right 'policy'", "Sign a change: what to sign."},
      [this](const Caller& caller, const Request& request,
             std::string_view id) -> Result<Response> {
        auto proposal = exchange_.policy().proposal(id);
        if (!proposal) return std::unexpected(proposal.error());
        return act_to_sign(caller, request,
                           act_json({"policy", std::string(id), "", proposal->documents, 0}),
                           Address("/policy"));
      });

  routes_.session(
      {"GET", "/complaints", "officer with the right 'audit'", "Complaints that wait, as a page."},
      [this, zone](const Caller& caller, const Request& request,
                   std::string_view) -> Result<Response> {
        if (!exchange_.policy().may(caller.asker(), "audit"))
          return fail(Reason::not_your_right, "audit");
        auto open = exchange_.complaints().open();
        if (!open) return std::unexpected(open.error());
        std::vector<console::OpenComplaint> list;
        for (const Complaint& one : *open)
          list.push_back(
              {one.id, one.text, number(one.entry), one.made, one.due, one.due < request.received});
        return page(console::open_complaints_page(reader_of(request, caller.asker().id), list,
                                                  zone(), nullptr));
      });
  routes_.session(
      {"POST", "/complaints/{id}", "officer with the right 'audit'", "Answer: what to sign."},
      [this](const Caller& caller, const Request& request,
             std::string_view id) -> Result<Response> {
        auto form = form_of(request);
        if (!form) return std::unexpected(form.error());
        const std::string decision = text_of(*form, "decision"), answer = text_of(*form, "answer");
        if ((decision != "upheld" && decision != "not-upheld") || blank(answer))
          return fail(Reason::reason_wanted);
        return act_to_sign(caller, request,
                           act_json({decision == "upheld" ? "uphold" : "dismiss", std::string(id),
                                     answer, std::nullopt, 0}),
                           Address("/complaints"));
      });
}

}  // namespace amanat::server
