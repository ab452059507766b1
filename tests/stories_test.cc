// Stories: transcripts of a terminal that are played with the built programs.
//
//   # words about the story
//   -- officers.csv --                a file put into the story's directory, up to
//   -- end --
//   $ amanat help                     a command that must succeed, and what it prints:
//   amanat help: *                    * stands for any text within a line,
//   ...                               a line of three dots for any number of lines
//   ! amanat improt                   a command that must fail; !1 and !2 say with which code
//   & amanat serve --home H           a command left running until the story ends; the story goes on
//                                     when it has printed the lines below it
//
// Commands run under sh in a directory of their own, with the built programs first in PATH and PORT
// set to a free port. Standard error counts as output.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace fs = std::filesystem;

namespace {

struct Step {
  enum class Kind { must_succeed, must_fail, stays } kind = Kind::must_succeed;
  int code = -1;                     // of must_fail; -1: any but 0
  std::string command;
  std::vector<std::string> expected;
  int line = 0;
};

struct Story {
  std::vector<std::pair<std::string, std::string>> files;
  std::vector<Step> steps;
};

Story read_story(const fs::path& path) {
  Story story;
  std::ifstream in(path);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.starts_with("#")) continue;
    if (line.starts_with("-- ") && line.ends_with(" --")) {
      std::string name = line.substr(3, line.size() - 6), content;
      for (++number; std::getline(in, line) && line != "-- end --"; ++number) content += line + "\n";
      story.files.emplace_back(name, content);
      continue;
    }
    Step step;
    step.line = number;
    if (line.starts_with("$ ")) {
      step.command = line.substr(2);
    } else if (line.starts_with("!")) {
      step.kind = Step::Kind::must_fail;
      const auto space = line.find(' ');
      if (space > 1) step.code = std::stoi(line.substr(1, space - 1));
      step.command = line.substr(space + 1);
    } else if (line.starts_with("& ")) {
      step.kind = Step::Kind::stays;
      step.command = line.substr(2);
    } else {
      if (!story.steps.empty() && !(line.empty() && story.steps.back().expected.empty()))
        story.steps.back().expected.push_back(line);
      continue;
    }
    story.steps.push_back(std::move(step));
  }
  for (auto& step : story.steps)
    while (!step.expected.empty() && step.expected.back().empty()) step.expected.pop_back();
  return story;
}

bool matches(std::string_view text, std::string_view pattern) {
  // The usual two-pointer match: after a *, try to go on; else let the * take one more.
  std::size_t t = 0, p = 0, star = std::string_view::npos, from = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool matches(const std::vector<std::string>& lines, std::size_t l, const std::vector<std::string>& wanted, std::size_t w) {
  if (w == wanted.size()) return l == lines.size();
  if (wanted[w] == "...") {
    for (std::size_t skip = l; skip <= lines.size(); ++skip)
      if (matches(lines, skip, wanted, w + 1)) return true;
    return false;
  }
  return l < lines.size() && matches(lines[l], wanted[w]) && matches(lines, l + 1, wanted, w + 1);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  while (!out.empty() && out.back().empty()) out.pop_back();
  return out;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += "    " + line + "\n";
  return out;
}

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  return bound ? ntohs(address.sin_port) : 0;
}

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

class Stage {
 public:
  Stage() {
    std::string pattern = (fs::temp_directory_path() / "amanat-story.XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) directory_ = pattern;
    port_ = std::to_string(free_port());
  }
  ~Stage() {
    for (const auto& one : running_) {
      ::kill(-one.pid, SIGTERM);
      ::waitpid(one.pid, nullptr, 0);
    }
    std::error_code ignored;
    if (!directory_.empty()) fs::remove_all(directory_, ignored);
  }
  const fs::path& directory() const { return directory_; }

  /// start runs a command with its output in a file, in a process group of its own.
  pid_t start(const std::string& command, const fs::path& output) const {
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::setpgid(0, 0);
    const int out = ::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int in = ::open("/dev/null", O_RDONLY);
    if (out < 0 || in < 0 || ::chdir(directory_.c_str()) != 0) ::_exit(127);
    ::dup2(in, 0);
    ::dup2(out, 1);
    ::dup2(out, 2);
    const char* path = std::getenv("PATH");
    ::setenv("PATH", (std::string(AMANAT_BINARY_DIR) + ":" + (path ? path : "/usr/bin:/bin")).c_str(), 1);
    ::setenv("PORT", port_.c_str(), 1);
    ::setenv("SOURCE", AMANAT_SOURCE_DIR, 1);
    ::setenv("LC_ALL", "C.UTF-8", 1);
    ::unsetenv("AMANAT_HOME");
    ::execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }

  int run(const std::string& command, std::string& said) const {
    const fs::path output = directory_ / ".said";
    const pid_t child = start(command, output);
    int status = 0;
    ::waitpid(child, &status, 0);
    said = content(output);
    fs::remove(output);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  /// leave_running starts a command and waits until it has said what is expected.
  bool leave_running(const Step& step, std::string& said) {
    const fs::path output = directory_ / (".running" + std::to_string(running_.size()));
    running_.push_back({start(step.command, output)});
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < patience) {
      said = content(output);
      if (matches(lines_of(said), 0, step.expected, 0)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }

 private:
  struct Running {
    pid_t pid;
  };
  fs::path directory_;
  std::string port_;
  std::vector<Running> running_;
};

void play(const fs::path& file) {
  const Story story = read_story(file);
  ASSERT_FALSE(story.steps.empty()) << file << " has no command";
  Stage stage;
  ASSERT_FALSE(stage.directory().empty());
  for (const auto& [name, text] : story.files) std::ofstream(stage.directory() / name) << text;
  for (const auto& step : story.steps) {
    const std::string where = file.filename().string() + ":" + std::to_string(step.line) + ": " + step.command;
    std::string said;
    if (step.kind == Step::Kind::stays) {
      ASSERT_TRUE(stage.leave_running(step, said)) << where << "\n  said\n" << joined(lines_of(said));
      continue;
    }
    const int code = stage.run(step.command, said);
    const auto lines = lines_of(said);
    if (step.kind == Step::Kind::must_succeed)
      ASSERT_EQ(code, 0) << where << "\n  said\n" << joined(lines);
    else if (step.code >= 0)
      ASSERT_EQ(code, step.code) << where << "\n  said\n" << joined(lines);
    else
      ASSERT_NE(code, 0) << where << " should fail\n  said\n" << joined(lines);
    ASSERT_TRUE(matches(lines, 0, step.expected, 0))
        << where << "\n  said\n" << joined(lines) << "  expected\n" << joined(step.expected);
  }
}

class StoryTest : public testing::Test {
 public:
  explicit StoryTest(fs::path file) : file_(std::move(file)) {}
  void TestBody() override { play(file_); }

 private:
  fs::path file_;
};

// "02_a_refused_stranger.story" is the test Stories.ARefusedStranger.
std::string test_name(const fs::path& file) {
  std::string out;
  bool upper = true;
  for (const char c : file.stem().string()) {
    if (c == '_' || (c >= '0' && c <= '9' && out.empty())) {
      upper = true;
      continue;
    }
    out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return out;
}

std::vector<fs::path> story_files() {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(fs::path(AMANAT_SOURCE_DIR) / "tests" / "stories"))
    if (entry.path().extension() == ".story") out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

const bool registered = [] {
  for (const auto& file : story_files())
    testing::RegisterTest("Stories", test_name(file).c_str(), nullptr, nullptr, file.c_str(), 1,
                          [file]() -> testing::Test* { return new StoryTest(file); });
  return true;
}();

}  // namespace

TEST(StoryRunner, PatternsMatchWholeLines) {
  EXPECT_TRUE(matches("entry 12 of 13", "entry * of *"));
  EXPECT_TRUE(matches("", "*"));
  EXPECT_FALSE(matches("entry 12 of", "entry * of 13"));
  EXPECT_TRUE(matches({"a", "b", "c"}, 0, {"a", "...", "c"}, 0));
  EXPECT_TRUE(matches({"a"}, 0, {"...", "a", "..."}, 0));
  EXPECT_FALSE(matches({"a", "b"}, 0, {"a"}, 0));
  EXPECT_FALSE(matches({}, 0, {"a"}, 0));
}

TEST(StoryRunner, ACommandThatShouldFailAndDoesNotIsNoticed) {
  Stage stage;
  std::string said;
  EXPECT_EQ(stage.run("echo out; echo err >&2; exit 3", said), 3);
  EXPECT_EQ(said, "out\nerr\n");
  EXPECT_EQ(stage.run("kill -9 $$", said), 128 + SIGKILL);
}

TEST(StoryRunner, TheReadmesCommandsArePlayedAsAStory) {
  ASSERT_TRUE(registered);
  std::set<std::string> played;
  for (const auto& file : story_files())
    for (const auto& step : read_story(file).steps) played.insert(step.command);
  std::ifstream readme(fs::path(AMANAT_SOURCE_DIR) / "README.md");
  std::size_t commands = 0;
  bool block = false;
  for (std::string line; std::getline(readme, line);) {
    if (line.starts_with("```")) {
      block = line == "```sh";
    } else if (block && line.find("amanat") != std::string::npos) {
      ++commands;
      EXPECT_TRUE(played.contains(line)) << "no story plays the README's: " << line;
    } else if (block && line.starts_with("make ")) {
      ++commands;
      std::string said;
      const std::string target = line.substr(5, line.find_first_of(" #", 5) - 5);
      EXPECT_EQ(Stage().run("make -n -C " AMANAT_SOURCE_DIR " " + target, said), 0) << line << "\n" << said;
    }
  }
  EXPECT_GE(commands, 5u);
}
