#pragma once
// cli, neighbour: this same program as a process of its own beside us, for the demo: an auditor or
// a witness is nobody's thread. Killed when it dies. One thread.

#include <sys/types.h>

#include <string>
#include <vector>

#include "model/result.h"

namespace amanat::cli {

class Neighbour {
 public:
  /// start runs `amanat ARGUMENTS... --json` and waits until it says where it listens. Its standard
  /// error goes to `log`. Errors: file_failed (no such program, or it ended instead).
  static Result<Neighbour> start(const std::vector<std::string>& arguments, const std::string& log);
  Neighbour(Neighbour&& other) noexcept;
  Neighbour& operator=(Neighbour&&) = delete;
  ~Neighbour();
  const std::string& address() const { return address_; }  // host:port

 private:
  Neighbour(pid_t pid, int out) : pid_(pid), out_(out) {}
  pid_t pid_;
  int out_;
  std::string address_;
};

}  // namespace amanat::cli
