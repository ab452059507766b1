#include "cli/neighbour.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <utility>

namespace amanat::cli {
namespace {

constexpr std::chrono::seconds kMost{15};

}  // namespace

Neighbour::Neighbour(Neighbour&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), out_(std::exchange(other.out_, -1)), address_(std::move(other.address_)) {}

Neighbour::~Neighbour() {
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    int status = 0;
    ::waitpid(pid_, &status, 0);
  }
  if (out_ >= 0) ::close(out_);
}

Result<Neighbour> Neighbour::start(const std::vector<std::string>& arguments, const std::string& log) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(Reason::file_failed, "a pipe");
  std::vector<char*> argv;
  std::string name = "amanat", json = "--json";
  argv.push_back(name.data());
  for (const auto& word : arguments) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(json.data());
  argv.push_back(nullptr);
  const int errors = ::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  const pid_t pid = ::fork();
  if (pid == 0) {
    // It does not outlive us, however we end.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::dup2(ends[1], 1);
    if (errors >= 0) ::dup2(errors, 2);
    ::execv("/proc/self/exe", argv.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  if (errors >= 0) ::close(errors);
  Neighbour neighbour(pid, ends[0]);
  if (pid < 0) return fail(Reason::file_failed, "a process");
  std::string said;
  constexpr std::string_view kSays = "\"listening\":\"";
  const auto until = std::chrono::steady_clock::now() + kMost;
  while (std::chrono::steady_clock::now() < until) {
    const auto at = said.find(kSays);
    const auto end = at == std::string::npos ? at : said.find('"', at + kSays.size());
    if (end != std::string::npos) {
      neighbour.address_ = said.substr(at + kSays.size(), end - at - kSays.size());
      return neighbour;
    }
    pollfd waiting{ends[0], POLLIN, 0};
    if (::poll(&waiting, 1, 100) <= 0) continue;
    char buffer[512];
    const ssize_t n = ::read(ends[0], buffer, sizeof buffer);
    if (n <= 0) break;
    said.append(buffer, static_cast<std::size_t>(n));
  }
  return fail(Reason::file_failed, "the process beside this one ended; see " + log);
}

}  // namespace amanat::cli
