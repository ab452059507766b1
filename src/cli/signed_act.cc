#include "cli/signed_act.h"

#include "cli/ask.h"
#include "crypto/device_key.h"
#include "net/http.h"
#include "net/json.h"
#include "storage/file.h"

namespace amanat::cli {

Result<std::string> signed_act(const Call& call, const Act& act) {
  auto canonical = canonical_act(act);
  if (!canonical) return std::unexpected(canonical.error());
  std::string tagged("amanat/act/v1");
  tagged.push_back('\0');
  tagged += *canonical;
  auto key = storage::read_file(call.option("key"), 1 << 14);
  if (!key) return std::unexpected(key.error());
  auto signature = crypto::sign_with_key(*key, crypto::bytes_of(tagged));
  wipe(key->data(), key->size());
  if (!signature) return std::unexpected(signature.error());
  net::JsonWriter json;
  json.begin_object().key("act").begin_object();
  json.key("verb").string(act.verb).key("target").string(act.target);
  json.key("subject").string(crypto::hex(act.subject)).key("reason").string(act.reason);
  json.key("until").number(act.until).end_object();
  json.key("signature").string(crypto::base64(crypto::bytes_of(*signature))).end_object();
  return json.take();
}

Result<net::Json> ask_exchange(const Call& call, std::string_view method,
                               const std::string& target, std::string_view body) {
  auto client = client_of(call);
  if (!client) return std::unexpected(client.error());
  auto response = client->ask(method, target, body);
  if (!response) return std::unexpected(response.error());
  auto json = parse_answer(response->body);
  if (!json) return fail(Reason::malformed_json, "the exchange's answer");
  if (response->status != 200) return std::unexpected(refusal_of(*json));
  return json;
}

std::uint64_t number_at(const net::Json& object, std::string_view name) {
  const net::Json* member = object.find(name);
  return member != nullptr ? member->integer().value_or(0) : 0;
}

}  // namespace amanat::cli
