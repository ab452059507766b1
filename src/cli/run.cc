// How a command comes to run: here, on a home opened by this process, or in the process that serves it.

#include <sys/stat.h>

#include <cstdio>
#include <iostream>

#include "cli/commands.h"
#include "cli/terminal.h"
#include "model/insist.h"
#include "net/json.h"
#include "net/local.h"

namespace amanat::cli {
namespace {

// A personal value given as "-" is read from standard input, so that it stands in no argument list.
Result<void> read_personal(Call& call) {
  for (const auto& row : option_rows()) {
    if (row.kind != ValueKind::personal || !call.has(row.name) || call.option(row.name) != "-") continue;
    std::string line;
    std::getline(std::cin, line);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty() || line.size() > 256)
      return fail(Reason::usage_wrong, "--" + std::string(row.name) + " - reads one line from standard input");
    call.options.find(row.name)->second = std::move(line);
  }
  return {};
}

std::string letters(const Manner& manner) {
  std::string out;
  if (manner.colour) out += 'c';
  if (manner.progress) out += 'p';
  if (manner.urdu) out += 'u';
  return out;
}

bool is_socket(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

int on_a_home(Call& call, const Emit& emit) {
  const server::Home home(call.option("home"));
  if (is_socket(home.control())) {
    call.options["manner"] = letters(call.manner);
    bool heard = false;
    const Emit listening = [&](int stream, std::string_view text) {
      heard = true;
      emit(stream, text);
    };
    auto code = net::local_call(home.control(), as_arguments(call), listening);
    if (code) return *code;
    // A socket nobody answers on was left behind by a process that was killed: the home is free. A
    // command that had begun is not begun again.
    if (heard || code.error().reason != Reason::peer_unreachable) return complain(emit, call.manner, code.error());
  }
  auto exchange = server::Exchange::open(home.root);
  if (!exchange) return complain(emit, call.manner, exchange.error());
  return call.command->on_home(**exchange, call, emit);
}

}  // namespace

int complain(const Emit& emit, const Manner& manner, const Failure& failure) {
  const ReasonRow& row = row_of(failure.reason);
  const std::string_view what = manner.urdu ? row.urdu : row.english;
  const std::string_view next = manner.urdu ? row.next_urdu : row.next_english;
  if (manner.json) {
    net::JsonWriter json;
    json.begin_object().key("reason").string(row.id).key("title").string(what);
    if (!failure.detail.empty()) json.key("detail").string(failure.detail);
    json.key("next").string(next).end_object();
    emit(1, json.take() + "\n");
  }
  std::string text = "amanat: " + std::string(what) + "\n";
  text += "why: " + std::string(row.id);
  if (!failure.detail.empty()) text += ": " + visible(failure.detail);
  text += "\nhint: " + std::string(next) + "\n";
  emit(2, text);
  return row.exit_code;
}

int run(const std::vector<std::string>& arguments, Manner manner, const Emit& emit) {
  auto call = parse(arguments);
  if (!call) {
    for (const auto& argument : arguments) manner.json = manner.json || argument == "--json";
    return complain(emit, manner, call.error());
  }
  manner.json = manner.json || call->has("json");
  call->manner = manner;
  insist((call->command->here != nullptr) != (call->command->on_home != nullptr));
  if (call->has("help") && call->command->path != "help") {
    emit(1, help_of(*call->command));
    return 0;
  }
  if (call->command->here != nullptr) {
    if (auto personal = read_personal(*call); !personal) return complain(emit, manner, personal.error());
    return call->command->here(*call, emit);
  }
  if (!call->has("home")) {
    emit(1, short_help());
    return 0;
  }
  if (auto personal = read_personal(*call); !personal) return complain(emit, manner, personal.error());
  return on_a_home(*call, emit);
}

int run_on_home(server::Exchange& exchange, const std::vector<std::string>& arguments, const Emit& emit) {
  auto call = parse(arguments);
  if (!call) return complain(emit, Manner{}, call.error());
  call->manner.json = call->has("json");
  for (const char letter : call->option_or("manner", "")) {
    call->manner.colour = call->manner.colour || letter == 'c';
    call->manner.progress = call->manner.progress || letter == 'p';
    call->manner.urdu = call->manner.urdu || letter == 'u';
  }
  if (call->command->on_home == nullptr)
    return complain(emit, call->manner, Failure{Reason::usage_wrong, "this command does not run in a serving exchange"});
  return call->command->on_home(exchange, *call, emit);
}

}  // namespace amanat::cli
