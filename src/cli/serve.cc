// amanat serve: answers until it is told to stop (SIGINT or SIGTERM).

#include <signal.h>

#include "cli/commands.h"
#include "cli/terminal.h"
#include "net/json.h"

namespace amanat::cli {

int run_serve(const Call& call, const Emit& emit) {
  // Blocked before any thread exists, so that only the sigwait below gets them.
  sigset_t stops;
  ::sigemptyset(&stops);
  ::sigaddset(&stops, SIGINT);
  ::sigaddset(&stops, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &stops, nullptr);

  auto exchange = server::Exchange::open(call.option("home"));
  if (!exchange) return complain(emit, call.manner, exchange.error());
  const std::string listen = call.option_or("listen", (*exchange)->config().listen);
  auto address = (*exchange)->serve(listen, run_on_home);
  if (!address) return complain(emit, call.manner, address.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("listening").string(*address).key("origin").string((*exchange)->config().origin);
    json.end_object();
    emit(1, json.take() + "\n");
  } else {
    emit(1, "Answering at https://" + *address + " as " + (*exchange)->config().origin + ". Ctrl-C stops.\n");
  }
  int signal = 0;
  ::sigwait(&stops, &signal);
  (*exchange)->stop();
  if (!call.manner.json) emit(1, "Stopped.\n");
  return 0;
}

}  // namespace amanat::cli
