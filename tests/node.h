#pragma once
// Other people's programs for tests: scripts of tests/clients run by node, with the npm packages
// that `make test` installs beside them.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

namespace amanat::test {

struct Ran {
  int status = -1;
  std::string said;  // both streams
};

/// run runs a command line and collects what it says. Arguments are ours, none is from outside.
inline Ran run(const std::string& command) {
  Ran ran;
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return ran;
  std::array<char, 4096> buffer;
  for (std::size_t n; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    ran.said.append(buffer.data(), n);
  const int status = ::pclose(pipe);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

inline std::string clients_folder() { return std::string(AMANAT_SOURCE_DIR) + "/tests/clients"; }

/// node runs a script of tests/clients.
inline Ran node(const std::string& script, const std::string& arguments) {
  return run("cd '" + clients_folder() + "' && node '" + script + "' " + arguments);
}

}  // namespace amanat::test
