// Approvals, reviews of emergencies and consents: what a person confirms about other people's
// questions, or about the own record. What was signed is in the ledger before it counts.

#include "crypto/crypto.h"
#include "net/json.h"
#include "server/api.h"
#include "server/state.h"

namespace amanat::server {
namespace {

constexpr std::size_t kSignatureMax = 512;

Result<Digest> document_of(const Act& act) {
  auto canonical = canonical_act(act);
  if (!canonical) return std::unexpected(canonical.error());
  return crypto::sha256(*canonical);
}

Result<std::string> text_in(const net::Json& object, std::string_view name, std::size_t max) {
  const net::Json* member = object.find(name);
  if (member == nullptr) return std::string();
  const std::string* text = member->string();
  if (text == nullptr || text->size() > max)
    return fail(Reason::malformed_value, std::string(name));
  return *text;
}

// The act of a body that is signed with a key instead of a passkey: {"act": {verb, target, subject,
// reason, until}, "signature": base64 of the DER signature}.
Result<Act> act_in(const net::Json& body) {
  const net::Json* object = body.find("act");
  if (object == nullptr || object->object() == nullptr) return fail(Reason::malformed_json, "act");
  for (const auto& member : *object->object())
    if (member.name != "verb" && member.name != "target" && member.name != "subject" &&
        member.name != "reason" && member.name != "until")
      return fail(Reason::malformed_json, "act has an unknown member");
  Act act;
  const std::tuple<const char*, std::string*, std::size_t> texts[] = {
      {"verb", &act.verb, 32}, {"target", &act.target, 200}, {"reason", &act.reason, 500}};
  for (const auto& [name, to, max] : texts) {
    auto text = text_in(*object, name, max);
    if (!text) return std::unexpected(text.error());
    *to = *std::move(text);
  }
  auto subject = text_in(*object, "subject", 64);
  if (!subject) return std::unexpected(subject.error());
  if (!subject->empty()) {
    const auto bytes = crypto::from_hex(*subject);
    if (!bytes || bytes->size() != act.subject.size())
      return fail(Reason::malformed_value, "act.subject is 64 hex digits");
    std::copy(bytes->begin(), bytes->end(), act.subject.begin());
  }
  if (const net::Json* until = object->find("until"); until != nullptr) {
    if (!until->integer()) return fail(Reason::malformed_value, "act.until is milliseconds");
    act.until = *until->integer();
  }
  return act;
}

std::string pem_of(std::string_view der) {
  const std::string base64 = crypto::base64(crypto::bytes_of(der));
  std::string pem = "-----BEGIN CERTIFICATE-----\n";
  for (std::size_t at = 0; at < base64.size(); at += 64) pem += base64.substr(at, 64) + "\n";
  return pem + "-----END CERTIFICATE-----\n";
}

Response json_response(std::string body) {
  Response response;
  response.body = std::move(body);
  return response;
}

// Shown says how much of a question an approver's credential shows: a session's cookie alone shows
// no citizen's number.
enum class Shown : std::uint8_t { whole, masked };

std::string masked_number(const std::string& number) {
  return number.size() == 13 ? masked(SubjectName{SubjectKind::national_id, number}) : "*";
}

void write_waiting(net::JsonWriter& json, const policy::WaitingQuestion& one, Shown shown) {
  json.begin_object().key("approval").string(one.id).key("asker").string(one.asker);
  json.key("department").string(one.department).key("unit").string(one.unit);
  json.key("asked").number(number(one.asked)).key("expires").number(number(one.expires));
  json.key("approvals_wanted").number(one.wanted).key("approver").string(one.approver);
  if (shown == Shown::whole)
    json.key("question").string(crypto::base64(crypto::bytes_of(one.question)));
  json.key("question_hash").string(crypto::hex(one.question_hash));
  const auto words = policy::question_in_words(one.question);
  if (words) {
    json.key("asks").begin_object();
    for (const auto& [name, value] : *words) {
      const bool personal = name == "national_id" || name.starts_with("subject.");
      json.key(name).string(personal && shown == Shown::masked ? masked_number(value) : value);
    }
    json.end_object();
  }
  json.key("decided").begin_array();
  for (const auto& decision : one.decided) {
    json.begin_object().key("approver").string(decision.approver);
    json.key("approved").boolean(decision.approved);
    json.key("reason").string(decision.reason).end_object();
  }
  json.end_array().end_object();
}

}  // namespace

Result<Caller> Exchange::confirm(const Request& request) const {
  net::JsonLimits limits;
  limits.bytes_max = 16 * 1024;
  limits.depth_max = 6;
  const auto signs = request.body.find("\"signature\"") != std::string::npos &&
                     request.body.find("\"assertion\"") == std::string::npos;
  if (!signs) return state_->identity->confirm(request);
  // The credential first, as everywhere: nothing of a stranger's body is parsed.
  auto asker = state_->identity->known(request);
  if (!asker) return std::unexpected(asker.error());
  auto body = net::parse_json(request.body, limits);
  if (!body) return std::unexpected(body.error());
  auto act = act_in(*body);
  if (!act) return std::unexpected(act.error());
  auto base64 = text_in(*body, "signature", kSignatureMax);
  if (!base64) return std::unexpected(base64.error());
  const auto signature = crypto::from_base64(*base64);
  if (!signature || request.peer == nullptr) return fail(Reason::act_signature_wrong);
  return state_->identity->confirm_signed(asker->id, *act, pem_of(request.peer->der), *signature);
}

Result<void> Exchange::decide_approval(const Caller& confirmed, std::string_view id) {
  const std::lock_guard one(state_->acts);
  if (auto judged = state_->policy->judge(confirmed, id); !judged) return judged;
  auto document = document_of(*confirmed.act());
  if (!document) return std::unexpected(document.error());
  const bool approves = confirmed.act()->verb == "approve";
  std::string word;  // for detection's report: whose question, and when it was asked
  for (const auto& waiting : state_->policy->waiting_for(confirmed.asker(), confirmed.received()))
    if (approves && waiting.id == id)
      for (const Asker& asker : state_->identity->accounts())
        if (asker.id == waiting.asker)
          word = "approved " + std::to_string(number(asker.account)) + ' ' +
                 std::to_string(number(waiting.asked));
  auto recorded = state_->record_act(approves ? "approval given" : "approval refused", *document,
                                     &confirmed, {}, std::move(word));
  if (!recorded) return std::unexpected(recorded.error());
  return state_->policy->decide(confirmed, id);
}

Result<void> Exchange::review_emergency(const Caller& confirmed, std::string_view id) {
  const std::lock_guard one(state_->acts);
  if (!state_->policy->may(confirmed.asker(), "review"))
    return fail(Reason::not_your_right, "review");
  auto document = document_of(*confirmed.act());
  if (!document) return std::unexpected(document.error());
  auto recorded = state_->record_act("emergency reviewed", *document, &confirmed);
  if (!recorded) return std::unexpected(recorded.error());
  return state_->policy->review(confirmed, id);
}

// A citizen consents by an act 'consent': its target is the purpose, its reason the fields with
// commas between, its time the end; so that what was signed reads as what it says.
Result<std::string> Exchange::give_consent(const Caller& confirmed) {
  const std::lock_guard one(state_->acts);
  const Act& act = *confirmed.act();
  if (!confirmed.asker().citizen) return fail(Reason::not_your_right, "a citizen's own");
  if (act.verb != "consent") return fail(Reason::act_wrong, "its verb");
  std::vector<std::string> fields;
  for (std::size_t at = 0; at < act.reason.size();) {
    const std::size_t end = std::min(act.reason.find(',', at), act.reason.size());
    std::string field = act.reason.substr(at, end - at);
    while (field.starts_with(' ')) field.erase(0, 1);
    if (!field.empty()) fields.push_back(std::move(field));
    at = end + 1;
  }
  auto document = document_of(act);
  if (!document) return std::unexpected(document.error());
  auto recorded = state_->record_act("consent given", *document, &confirmed);
  if (!recorded) return std::unexpected(recorded.error());
  return state_->policy->consent(*confirmed.asker().citizen, act.target, fields,
                                 confirmed.received(), Moment{act.until});
}

Result<void> Exchange::withdraw_consent(const Caller& confirmed) {
  const std::lock_guard one(state_->acts);
  const Act& act = *confirmed.act();
  if (!confirmed.asker().citizen) return fail(Reason::not_your_right, "a citizen's own");
  if (act.verb != "withdraw") return fail(Reason::act_wrong, "its verb");
  // The act first: what is taken back must not wait for the disk.
  if (auto done = state_->policy->withdraw(*confirmed.asker().citizen, act.target); !done)
    return done;
  auto document = document_of(act);
  if (!document) return std::unexpected(document.error());
  auto recorded = state_->record_act("consent withdrawn", *document, &confirmed);
  if (!recorded) return std::unexpected(recorded.error());
  return {};
}

Result<void> Exchange::protect(const SubjectName& person, policy::Policy::Listed listed) {
  const std::lock_guard one(state_->acts);
  const bool on = listed == policy::Policy::Listed::on;
  auto recorded = state_->record_act(on ? "person protected" : "person no longer protected",
                                     crypto::sha256("protected"), nullptr);
  if (!recorded) return std::unexpected(recorded.error());
  return state_->policy->protect(person, listed);
}

void Api::add_approvals() {
  const auto confirm = [this](const Request& request) { return exchange_.confirm(request); };
  // A device's certificate shows the question whole; a session's cookie alone, its number masked.
  const auto look = [this](const Request& request) -> Result<Caller> {
    auto caller = exchange_.identity().admit(request);
    if (caller || caller.error().reason != Reason::no_credential) return caller;
    auto person = exchange_.identity().signed_in(request);
    return person || person.error().reason != Reason::no_session ? std::move(person)
                                                                 : std::move(caller);
  };
  routes_.proven_by(
      look,
      {"GET", "/v1/approvals", "officer",
       "Questions that wait for you to approve them, and your own that wait for others."},
      [this](const Caller& caller, const Request& request, std::string_view) -> Result<Response> {
        const bool cookie = request.peer == nullptr && request.header("authorization").empty();
        const Shown shown = cookie ? Shown::masked : Shown::whole;
        net::JsonWriter json;
        json.begin_object().key("to_decide").begin_array();
        for (const auto& one : exchange_.policy().waiting_for(caller.asker(), request.received))
          write_waiting(json, one, shown);
        json.end_array().key("own").begin_array();
        for (const auto& one : exchange_.policy().waiting_of(caller.asker(), request.received))
          write_waiting(json, one, shown);
        json.end_array().end_object();
        return json_response(json.take());
      });
  routes_.proven_by(
      confirm,
      {"POST", "/v1/approvals/{id}", "officer with the right 'approve'",
       "Decide a waiting question, by a confirmed act 'approve' or 'refuse' whose subject is the "
       "question's hash."},
      [this](const Caller& caller, const Request&, std::string_view id) -> Result<Response> {
        if (auto decided = exchange_.decide_approval(caller, id); !decided)
          return std::unexpected(decided.error());
        return json_response("{\"decided\":true}");
      });
  routes_.data({"GET", "/v1/reviews", "officer with the right 'review'",
                "Questions asked past the rules, and who has reviewed them."},
               [this](const Caller& caller, const Request&, std::string_view) -> Result<Response> {
                 if (!exchange_.policy().may(caller.asker(), "review"))
                   return fail(Reason::not_your_right, "review");
                 net::JsonWriter json;
                 json.begin_object().key("reviews").begin_array();
                 for (const auto& one : exchange_.policy().emergencies()) {
                   json.begin_object().key("review").string(one.id).key("asker").string(one.asker);
                   json.key("at").number(number(one.at)).key("purpose").string(one.purpose);
                   json.key("case").string(one.case_ref).key("reason").string(one.reason);
                   json.key("reviewers").begin_array();
                   for (const auto& reviewer : one.reviewers) json.string(reviewer);
                   json.end_array();
                   if (!one.reviewed_by.empty()) {
                     json.key("reviewed_by").string(one.reviewed_by);
                     json.key("justified").boolean(one.justified);
                   }
                   json.end_object();
                 }
                 json.end_array().end_object();
                 return json_response(json.take());
               });
  routes_.proven_by(
      confirm,
      {"POST", "/v1/reviews/{id}", "officer with the right 'review', not the asker",
       "End a review, by a confirmed act 'approve' (justified) or 'refuse' with a reason."},
      [this](const Caller& caller, const Request&, std::string_view id) -> Result<Response> {
        if (auto reviewed = exchange_.review_emergency(caller, id); !reviewed)
          return std::unexpected(reviewed.error());
        return json_response("{\"reviewed\":true}");
      });
  routes_.session(
      {"GET", "/v1/me/consents", "citizen", "What you have consented to."},
      [this](const Caller& caller, const Request& request, std::string_view) -> Result<Response> {
        if (!caller.asker().citizen) return fail(Reason::not_your_right, "a citizen's own");
        net::JsonWriter json;
        json.begin_object().key("consents").begin_array();
        for (const auto& one :
             exchange_.policy().consents_of(*caller.asker().citizen, request.received)) {
          json.begin_object().key("consent").string(one.id).key("purpose").string(one.purpose);
          json.key("given").number(number(one.given)).key("until").number(number(one.until));
          json.key("fields").begin_array();
          for (const auto& field : one.fields) json.string(field);
          json.end_array().end_object();
        }
        json.end_array().end_object();
        return json_response(json.take());
      });
  routes_.act(
      {"POST", "/v1/me/consents", "citizen",
       "Consent (act 'consent': target the purpose, reason the fields, until its end) or take it "
       "back (act 'withdraw': target the consent)."},
      [this](const Caller& caller, const Request&, std::string_view) -> Result<Response> {
        if (caller.act()->verb == "withdraw") {
          if (auto done = exchange_.withdraw_consent(caller); !done)
            return std::unexpected(done.error());
          return json_response("{\"withdrawn\":true}");
        }
        auto id = exchange_.give_consent(caller);
        if (!id) return std::unexpected(id.error());
        net::JsonWriter json;
        json.begin_object().key("consent").string(*id).end_object();
        return json_response(json.take());
      });
}

}  // namespace amanat::server
