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

  // A gateway that finds another at work stands by until that one ends, and then goes on for it.
  server::Waiting waiting;
  waiting.go_on = [&stops] {
    const timespec now{0, 0};
    return ::sigtimedwait(&stops, nullptr, &now) < 0;
  };
  waiting.say = [&](std::string_view words) {
    if (!call.manner.json) emit(2, "Standing by: " + std::string(words) + ".\n");
  };
  if (!call.has("standby")) waiting = {};
  auto exchange = server::Exchange::open(call.option("home"), waiting);
  if (!exchange && exchange.error().reason == Reason::shutting_down) return 0;
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
