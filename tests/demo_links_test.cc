// The demo in front of somebody: on a terminal it stays up, Enter makes fresh links, and a link that
// was used or replaced lets nobody in.

#include <gtest/gtest.h>

#include <pty.h>
#include <termios.h>

#include <array>

#include "process.h"
#include "world.h"

namespace amanat::test {
namespace {

// A program on a terminal of its own.
class OnATerminal {
 public:
  explicit OnATerminal(const std::vector<std::string>& command, const std::string& scratch) {
    pid_ = ::forkpty(&terminal_, nullptr, nullptr, nullptr);
    if (pid_ == 0) {
      ::setenv("TMPDIR", scratch.c_str(), 1);
      ::setenv("NO_COLOR", "1", 1);
      std::vector<char*> argv;
      for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
      argv.push_back(nullptr);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
  }
  ~OnATerminal() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(terminal_);
  }
  void press_enter() { EXPECT_EQ(::write(terminal_, "\n", 1), 1); }
  /// until reads on till `done` is content with all that was said; false if it ended before.
  template <class Done>
  bool until(Done done) {
    for (int tries = 0; tries < 3000 && !done(all); ++tries) {
      pollfd p{terminal_, POLLIN, 0};
      if (::poll(&p, 1, 100) <= 0) continue;
      std::array<char, 4096> buffer;
      const ssize_t n = ::read(terminal_, buffer.data(), buffer.size());
      if (n <= 0) return false;
      all.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return done(all);
  }
  /// stop asks it to end, as Ctrl-C does, and returns its exit status.
  int stop() {
    ::kill(pid_, SIGINT);
    int status = 0;
    // What it still says must be read, or it waits for its terminal.
    std::array<char, 4096> buffer;
    while (::read(terminal_, buffer.data(), buffer.size()) > 0) continue;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string all;

 private:
  pid_t pid_ = -1;
  int terminal_ = -1;
};

// The links said whole after the `times`th invitation; nothing before it was said.
std::vector<std::string> links_in(const std::string& said, int times) {
  std::size_t at = 0;
  for (int i = 0; i < times; ++i) {
    at = said.find("Sign in as one of five people", i == 0 ? 0 : at + 1);
    if (at == said.npos) return {};
  }
  std::vector<std::string> out;
  while ((at = said.find("https://localhost:", at)) != said.npos) {
    const std::size_t end = said.find_first_of(" \r\n", at);
    if (end == said.npos) break;
    out.push_back(said.substr(at, end - at));
    at = end;
  }
  return out;
}

// Whether a link lets a browser in: it is sent on with a cookie.
bool lets_in(const std::string& link, const fs::path& scratch) {
  const std::string out = (scratch / "curl").string();
  const std::string command = "curl -sk -D - -o /dev/null '" + link + "' > '" + out + "'";
  EXPECT_EQ(std::system(command.c_str()), 0);
  std::string head = read_all(out);
  for (char& c : head) c = static_cast<char>(std::tolower(c));
  return head.find("set-cookie:") != head.npos;
}

TEST(DemoLinks, EnterMakesFreshOnesAndEachWorksOnce) {
  TemporaryDirectory scratch;
  OnATerminal demo({std::string(AMANAT_BINARY_DIR) + "/amanat", "demo", "--citizens", "500"}, scratch.path.string());
  const auto links = [&](int times) {
    EXPECT_TRUE(demo.until([&](const std::string& all) { return links_in(all, times).size() >= 5; }))
        << demo.all;
    return links_in(demo.all, times);
  };
  const auto first = links(1);
  ASSERT_EQ(first.size(), 5u) << demo.all;
  EXPECT_TRUE(lets_in(first[0], scratch.path));
  EXPECT_FALSE(lets_in(first[0], scratch.path)) << "once";
  demo.press_enter();
  const auto second = links(2);
  ASSERT_EQ(second.size(), 5u) << demo.all;
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NE(first[i], second[i]);
  EXPECT_FALSE(lets_in(first[1], scratch.path)) << "replaced, though never used";
  for (const auto& link : second) EXPECT_TRUE(lets_in(link, scratch.path)) << link;
  EXPECT_EQ(demo.stop(), 0);
  for (const auto& left : fs::directory_iterator(scratch.path))
    EXPECT_EQ(left.path().filename(), "curl") << "nothing is left behind";
}

}  // namespace
}  // namespace amanat::test
