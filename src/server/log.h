#pragma once
// server, log: one line an event on standard error, for journald: level, event, key=value. Values
// are counts, names of datasets and reasons, addresses of our own; never anything of a citizen or a
// caller (records are named by entry index). Thread-safe.

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace amanat::server {

enum class LogLevel : unsigned char { error, warning, info, debug };

/// set_log_level takes a word of exchange.toml (error, warning, info, debug); others mean info.
void set_log_level(std::string_view word);
/// log writes an event if its level is on.
void log(LogLevel level, std::string_view event,
         std::initializer_list<std::pair<std::string_view, std::string>> values = {});

}  // namespace amanat::server
