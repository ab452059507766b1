// Routes of people: sign-in and registration by passkey, questions and acts put forward to be
// signed, and what a second officer does about another's keys.

#include "crypto/crypto.h"
#include "net/json.h"
#include "server/api.h"
#include "server/exchange.h"
#include "server/webauthn_options.h"

namespace amanat::server {
namespace {

std::string b64(std::string_view bytes) { return crypto::base64url(crypto::bytes_of(bytes)); }

Response document(net::JsonWriter& json) {
  Response response;
  response.body = json.take();
  return response;
}

void write_put_forward(net::JsonWriter& json, std::string_view name,
                       const identity::PutForward& put) {
  json.begin_object();
  json.key(name).string(b64(put.offer.nonce));
  json.key("challenge").string(b64(put.offer.challenge));
  json.key("canonical").string(b64(put.canonical));
  json.key("sentences").begin_array();
  for (const std::string& sentence : put.sentences) json.string(sentence);
  json.end_array();
  json.key("expires").number(number(put.offer.expires));
  write_request_options(json, put.offer);
  json.end_object();
}

void write_asker(net::JsonWriter& json, const Asker& asker) {
  json.key("account").string(asker.id);
  json.key("department").string(asker.department).key("unit").string(asker.unit);
  json.key("roles").begin_array();
  for (const std::string& role : asker.roles) json.string(role);
  json.end_array();
  json.key("device").string(crypto::hex(asker.actor.thumbprint));
}

Response told(const identity::Ticket& ticket) {
  net::JsonWriter json;
  json.begin_object();
  json.key("account").string(ticket.account).key("code").string(ticket.code);
  json.key("expires").number(number(ticket.expires));
  json.end_object();
  return document(json);
}

}  // namespace

void Api::add_sign_in() {
  using identity::PublicRoute;
  routes_.open(PublicRoute::sign_in_begin,
               {"POST", "/v1/session/begin", "anyone", "Begin to sign in: a challenge."},
               [this](const Request& request, std::string_view) -> Result<Response> {
                 if (!request.body.empty() && request.body != "{}")
                   return fail(Reason::malformed_json, "the body is {}");
                 const auto offer = exchange_.identity().begin_sign_in(request.received);
                 net::JsonWriter json;
                 json.begin_object();
                 json.key("nonce").string(b64(offer.nonce));
                 json.key("expires").number(number(offer.expires));
                 write_request_options(json, offer);
                 json.end_object();
                 return document(json);
               });
  routes_.open(PublicRoute::sign_in_finish,
               {"POST", "/v1/session/finish", "the holder of a passkey",
                "Sign in with a passkey's answer; sets the session's cookie."},
               [this](const Request& request, std::string_view) -> Result<Response> {
                 auto in = exchange_.identity().finish_sign_in(request);
                 if (!in) {
                   exchange_.lookup().strangers().count(in.error().reason);
                   return std::unexpected(in.error());
                 }
                 net::JsonWriter json;
                 json.begin_object();
                 write_asker(json, in->asker);
                 json.key("idle_until").number(number(in->idle_until));
                 json.key("ends").number(number(in->ends));
                 json.end_object();
                 Response response = document(json);
                 response.headers.emplace_back("Set-Cookie", session_cookie(in->token));
                 return response;
               });
  routes_.session({"GET", "/v1/session", "a signed-in person", "Who is signed in."},
                  [](const Caller& caller, const Request&, std::string_view) -> Result<Response> {
                    net::JsonWriter json;
                    json.begin_object();
                    write_asker(json, caller.asker());
                    json.end_object();
                    return document(json);
                  });
  routes_.session(
      {"DELETE", "/v1/session", "a signed-in person", "Sign out."},
      [this](const Caller& caller, const Request& request, std::string_view) -> Result<Response> {
        if (auto out = exchange_.identity().sign_out(request); !out)
          return std::unexpected(out.error());
        exchange_.marks().forget(caller.asker().account);
        Response response;
        response.body = "{}";
        response.headers.emplace_back("Set-Cookie", no_session_cookie());
        return response;
      });
  routes_.session(
      {"POST", "/v1/questions", "a signed-in officer",
       "Put a question forward: what to sign. It is asked at /v1/lookups."},
      [this](const Caller&, const Request& request, std::string_view) -> Result<Response> {
        auto put = exchange_.identity().put_question(request);
        if (!put) return std::unexpected(put.error());
        net::JsonWriter json;
        write_put_forward(json, "ask", *put);
        return document(json);
      });
  routes_.session(
      {"POST", "/v1/acts", "a signed-in officer",
       "Put an act forward (approve, refuse, enrol, revoke, ...): what to sign."},
      [this](const Caller&, const Request& request, std::string_view) -> Result<Response> {
        auto put = exchange_.identity().put_act(request);
        if (!put) return std::unexpected(put.error());
        net::JsonWriter json;
        write_put_forward(json, "act", *put);
        return document(json);
      });
}

void Api::add_enrolment() {
  using identity::PublicRoute;
  routes_.open(PublicRoute::register_begin,
               {"POST", "/v1/passkeys/begin", "the holder of an enrolment code",
                "Begin to register a passkey."},
               [this](const Request& request, std::string_view) -> Result<Response> {
                 auto offer = exchange_.identity().begin_registration(request);
                 if (!offer) {
                   exchange_.lookup().strangers().count(offer.error().reason);
                   return std::unexpected(offer.error());
                 }
                 Response response;
                 response.body = creation_options(*offer);
                 return response;
               });
  routes_.open(PublicRoute::register_finish,
               {"POST", "/v1/passkeys/finish", "the holder of an enrolment code",
                "Register a passkey with its authenticator's answer."},
               [this](const Request& request, std::string_view) -> Result<Response> {
                 auto made = exchange_.register_passkey(request);
                 if (!made) {
                   exchange_.lookup().strangers().count(made.error().reason);
                   return std::unexpected(made.error());
                 }
                 net::JsonWriter json;
                 json.begin_object();
                 json.key("account").string(made->account);
                 json.key("device").string(crypto::hex(made->thumbprint));
                 json.key("authenticator").string(made->says);
                 json.key("more").number(made->left);
                 json.end_object();
                 return document(json);
               });
  routes_.act(
      {"POST", "/v1/enrolments", "officer with the right 'enrol' or 'enrol-citizen'",
       "Make an enrolment code, by a confirmed act 'enrol' or 'enrol-citizen'."},
      [this](const Caller& caller, const Request&, std::string_view) -> Result<Response> {
        const Act& act = *caller.act();
        if (act.verb != "enrol" && act.verb != "enrol-citizen")
          return fail(Reason::malformed_value, "the act is no enrolment");
        if (!exchange_.policy().may(caller.asker(), act.verb))
          return fail(Reason::not_your_right, act.verb);
        if (act.target == caller.asker().id) return fail(Reason::not_yourself);
        if (act.verb == "enrol") {
          auto ticket = exchange_.enrolment_code(act.target, &caller);
          if (!ticket) return std::unexpected(ticket.error());
          return told(*ticket);
        }
        if (act.target.size() != 13 ||
            act.target.find_first_not_of("0123456789") != std::string::npos)
          return fail(Reason::malformed_value, "target: 13 digits");
        auto ticket = exchange_.citizen_code({SubjectKind::national_id, act.target}, &caller);
        if (!ticket) return std::unexpected(ticket.error());
        return told(*ticket);
      });
  routes_.act({"POST", "/v1/revocations", "officer with the right 'enrol'; anybody for own devices",
               "End a device or all of an account's, by a confirmed act 'revoke'."},
              [this](const Caller& caller, const Request&, std::string_view) -> Result<Response> {
                const Act& act = *caller.act();
                if (act.verb != "revoke")
                  return fail(Reason::malformed_value, "the act is no revocation");
                // Ending one's own is always allowed: whoever lost a key must not wait for anybody.
                const bool own = act.target == caller.asker().id ||
                                 exchange_.identity().owns(caller.asker().account, act.target);
                if (!own && !exchange_.policy().may(caller.asker(), "enrol"))
                  return fail(Reason::not_your_right, "enrol");
                auto ended = exchange_.revoke(act.target, &caller);
                if (!ended) return std::unexpected(ended.error());
                net::JsonWriter json;
                json.begin_object().key("revoked").begin_array();
                for (const Digest& thumbprint : *ended) json.string(crypto::hex(thumbprint));
                json.end_array().end_object();
                return document(json);
              });
}

}  // namespace amanat::server
