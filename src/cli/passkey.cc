// amanat enrol passkey: the operator's way to begin an officer's registration; between officers it is
// a confirmed act (POST /v1/enrolments).

#include "cli/commands.h"
#include "cli/passkey_client.h"
#include "cli/terminal.h"
#include "net/json.h"

namespace amanat::cli {

int run_enrol_passkey(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto ticket = exchange.enrolment_code(call.words[0], nullptr);
  if (!ticket) return complain(emit, call.manner, ticket.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("account").string(ticket->account).key("code").string(ticket->code);
    json.key("expires").number(number(ticket->expires)).end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  emit(1, "Enrolment code of " + visible(ticket->account) + ", for 15 minutes:\n  " + ticket->code +
              "\nTell it to nobody else. The officer registers two passkeys with it at " +
              exchange.config().origins.front() + ".\n");
  return 0;
}

int run_passkey_register(const Call& call, const Emit& emit) {
  const std::string& file = call.option("authenticator");
  auto authenticator = read_authenticator(file);
  if (!authenticator) return complain(emit, call.manner, authenticator.error());
  net::ClientOptions options;
  options.url = call.option("url");
  options.ca_file = call.option("ca");
  auto client = net::Client::connect(options);
  if (!client) return complain(emit, call.manner, client.error());
  PasskeyClient page(*std::move(client), call.option_or("web-origin", call.option("url")));
  auto registered = page.enrol(*authenticator, call.option("code"));
  if (!registered) return complain(emit, call.manner, registered.error());
  if (auto kept = keep_authenticator(file, *authenticator); !kept)
    return complain(emit, call.manner, kept.error());
  const auto text = [&registered](std::string_view name) {
    const net::Json* found = registered->find(name);
    return found != nullptr && found->string() != nullptr ? *found->string() : std::string();
  };
  const net::Json* const more = registered->find("more");
  const std::uint64_t left = more != nullptr ? more->integer().value_or(0) : 0;
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("account").string(text("account")).key("device").string(text("device"));
    json.key("more").number(left).end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  emit(1, "A passkey of " + visible(text("account")) + " is registered.\n  device  " +
              visible(text("device")) + "\n" +
              (left > 0 ? "The same code registers " + std::to_string(left) + " more.\n" : ""));
  return 0;
}

}  // namespace amanat::cli
