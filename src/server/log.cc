#include "server/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace amanat::server {
namespace {

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::debug:
      return spdlog::level::debug;
  }
  return spdlog::level::info;
}

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> one = [] {
    auto made = spdlog::stderr_logger_mt("amanat");
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    return made;
  }();
  return *one;
}

}  // namespace

void set_log_level(std::string_view word) {
  logger().set_level(word == "error"     ? spdlog::level::err
                     : word == "warning" ? spdlog::level::warn
                     : word == "debug"   ? spdlog::level::debug
                                         : spdlog::level::info);
}

void log(LogLevel level, std::string_view event,
         std::initializer_list<std::pair<std::string_view, std::string>> values) {
  if (!logger().should_log(level_of(level))) return;
  std::string line(event);
  for (const auto& [key, value] : values) {
    line.push_back(' ');
    line.append(key).push_back('=');
    // A value may come from a path or a library: no line of it may pass for a line of ours.
    for (const char c : value) line.push_back(static_cast<unsigned char>(c) < 0x20 ? '?' : c);
  }
  logger().log(level_of(level), "{}", line);
}

}  // namespace amanat::server
