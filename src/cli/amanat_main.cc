// amanat: the one program of an exchange. See src/cli/commands.cc for what it can do.

#include <signal.h>
#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"

namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

// The first of these that is set says the language, as everywhere (POSIX, 8.2).
bool speaks_urdu() {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"})
    if (const auto value = environment(name); !value.empty()) return value.starts_with("ur");
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  amanat::cli::Manner manner;
  manner.colour = ::isatty(STDOUT_FILENO) == 1 && environment("NO_COLOR").empty() && environment("TERM") != "dumb";
  manner.progress = ::isatty(STDERR_FILENO) == 1 && environment("TERM") != "dumb";
  manner.urdu = speaks_urdu();
  const auto emit = [](int stream, std::string_view text) {
    std::FILE* out = stream == 2 ? stderr : stdout;
    std::fwrite(text.data(), 1, text.size(), out);
    std::fflush(out);
  };
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  return amanat::cli::run(arguments, manner, emit);
}
