#pragma once
// insist: programmer errors, checked in release builds as well. A broken invariant stops the
// process at once: an exchange that no longer knows its own state must not answer anybody.

#include <source_location>

namespace amanat {

/// insist_failed prints file, line and function to standard error (never a value) and aborts.
[[noreturn]] void insist_failed(const char* condition, const std::source_location& where);

}  // namespace amanat

/// insist(condition) aborts with file and line unless `condition` holds. Thread-safe.
#define insist(condition)       \
  (static_cast<bool>(condition) \
       ? static_cast<void>(0)   \
       : ::amanat::insist_failed(#condition, std::source_location::current()))
