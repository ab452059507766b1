#pragma once
// A serving exchange as a process of its own, for tests that kill it.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

namespace amanat::test {

/// Process runs a program and reads its standard error until it has said where it listens.
class Process {
 public:
  explicit Process(const std::vector<std::string>& command) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ends[1], 2);
      const int nothing = ::open("/dev/null", O_RDWR);
      ::dup2(nothing, 0);
      ::dup2(nothing, 1);
      std::vector<char*> argv;
      for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
      argv.push_back(nullptr);
      ::execvp(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    errors_ = ends[0];
  }
  ~Process() {
    kill(SIGKILL);
    if (errors_ >= 0) ::close(errors_);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// address waits until the log says "serving ... address=HOST:PORT"; empty if it ended instead.
  std::string address(int seconds_max = 60) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds_max);
    while (std::chrono::steady_clock::now() < deadline) {
      const auto at = said_.find(" address=");
      if (at != std::string::npos) {
        const auto end = said_.find_first_of(" \n", at + 9);
        if (end != std::string::npos) return said_.substr(at + 9, end - at - 9);
      }
      pollfd p{errors_, POLLIN, 0};
      if (::poll(&p, 1, 100) <= 0) continue;
      char buffer[4096];
      const ssize_t n = ::read(errors_, buffer, sizeof buffer);
      if (n <= 0) return {};
      said_.append(buffer, static_cast<std::size_t>(n));
    }
    return {};
  }
  const std::string& said() const { return said_; }

  void kill(int signal) {
    if (pid_ <= 0) return;
    ::kill(pid_, signal);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  int errors_ = -1;
  std::string said_;
};

}  // namespace amanat::test
