#include "cli/passkey_client.h"

#include "cli/ask.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

Result<std::string> text_at(const net::Json& json, std::string_view name) {
  const net::Json* value = json.find(name);
  if (value == nullptr || value->string() == nullptr)
    return fail(Reason::malformed_json, "the exchange's reply lacks " + std::string(name));
  return *value->string();
}

Result<const net::Json*> options_of(const net::Json& json) {
  const net::Json* options = json.find("publicKey");
  if (options == nullptr)
    return fail(Reason::malformed_json, "the exchange's reply lacks publicKey");
  return options;
}

}  // namespace

Result<Authenticator> read_authenticator(const std::string& file) {
  constexpr std::size_t kFileMax = 1 << 20;
  auto text = storage::read_file(file, kFileMax);
  if (!text) return std::unexpected(text.error());
  auto authenticator = Authenticator::parse(*text);
  wipe(text->data(), text->size());
  return authenticator;
}

Result<void> keep_authenticator(const std::string& file, const Authenticator& authenticator) {
  return storage::replace_file(storage::system_disk(), file, authenticator.text().view(), 0600);
}

std::string body_of_two(std::string_view name, std::string_view text, std::string_view second,
                        std::string_view raw) {
  net::JsonWriter json;
  json.begin_object();
  json.key(name).string(text);
  json.key(second).raw(raw);
  json.end_object();
  return json.take();
}

Result<Response> PasskeyClient::send(std::string_view method, std::string_view target,
                                     std::string_view body) {
  net::Client::Headers headers = {{"Origin", origin_}};
  if (!cookie.empty()) headers.emplace_back("Cookie", cookie);
  return client_.ask_with(headers, method, target, body);
}

Result<Response> PasskeyClient::post(std::string_view target, std::string_view body) {
  return send("POST", target, body);
}

Result<net::Json> PasskeyClient::post_for_json(std::string_view target, std::string_view body) {
  auto response = post(target, body);
  if (!response) return std::unexpected(response.error());
  auto json = parse_answer(response->body);
  if (!json) return json;
  if (response->status != 200) return std::unexpected(refusal_of(*json));
  for (const auto& [name, value] : response->headers)
    if (name == "set-cookie") cookie = value.substr(0, value.find(';'));
  return json;
}

Result<net::Json> PasskeyClient::enrol(Authenticator& authenticator, std::string_view code,
                                       const Dishonesty& dishonesty) {
  net::JsonWriter begin;
  begin.begin_object().key("ticket").string(code).end_object();
  auto offered = post_for_json("/v1/passkeys/begin", begin.take());
  if (!offered) return offered;
  auto options = options_of(*offered);
  if (!options) return std::unexpected(options.error());
  auto credential = authenticator.create(**options, origin_, dishonesty);
  if (!credential) return std::unexpected(credential.error());
  return post_for_json("/v1/passkeys/finish",
                       body_of_two("ticket", code, "credential", *credential));
}

Result<net::Json> PasskeyClient::sign_in(Authenticator& authenticator,
                                         const Dishonesty& dishonesty) {
  cookie.clear();
  auto offered = post_for_json("/v1/session/begin", "{}");
  if (!offered) return offered;
  auto options = options_of(*offered);
  if (!options) return std::unexpected(options.error());
  auto nonce = text_at(*offered, "nonce");
  if (!nonce) return std::unexpected(nonce.error());
  auto assertion = authenticator.get(**options, origin_, dishonesty);
  if (!assertion) return std::unexpected(assertion.error());
  return post_for_json("/v1/session/finish", body_of_two("nonce", *nonce, "assertion", *assertion));
}

Result<Response> PasskeyClient::ask(Authenticator& authenticator, std::string_view question,
                                    const Dishonesty& dishonesty) {
  auto put = post("/v1/questions", question);
  if (!put || put->status != 200) return put;
  auto json = parse_answer(put->body);
  if (!json) return std::unexpected(json.error());
  auto options = options_of(*json);
  if (!options) return std::unexpected(options.error());
  auto nonce = text_at(*json, "ask");
  if (!nonce) return std::unexpected(nonce.error());
  auto assertion = authenticator.get(**options, origin_, dishonesty);
  if (!assertion) return std::unexpected(assertion.error());
  return post("/v1/lookups", body_of_two("ask", *nonce, "assertion", *assertion));
}

Result<net::Json> PasskeyClient::confirm(Authenticator& authenticator, std::string_view act,
                                         std::string_view target, const Dishonesty& dishonesty) {
  auto put = post_for_json("/v1/acts", act);
  if (!put) return put;
  auto options = options_of(*put);
  if (!options) return std::unexpected(options.error());
  auto nonce = text_at(*put, "act");
  if (!nonce) return std::unexpected(nonce.error());
  auto assertion = authenticator.get(**options, origin_, dishonesty);
  if (!assertion) return std::unexpected(assertion.error());
  return post_for_json(target, body_of_two("act", *nonce, "assertion", *assertion));
}

Result<net::Json> PasskeyClient::sign_out() {
  auto response = send("DELETE", "/v1/session", "");
  if (!response) return std::unexpected(response.error());
  auto json = parse_answer(response->body);
  if (!json) return json;
  if (response->status != 200) return std::unexpected(refusal_of(*json));
  cookie.clear();
  return json;
}

}  // namespace amanat::cli
