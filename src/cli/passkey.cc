// amanat enrol passkey: the operator's way to begin an officer's registration; between officers it is
// a confirmed act (POST /v1/enrolments).

#include "cli/commands.h"
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

}  // namespace amanat::cli
