#include "ledger/log_source.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <unordered_map>
#include <utility>

#include "model/descriptor.h"
#include "model/insist.h"

extern char** environ;

namespace amanat::ledger {
namespace {

namespace fs = std::filesystem;

// The largest resource there can be: 256 entries of 65,535 bytes with their lengths.
constexpr std::size_t kResourceBytesMax = std::size_t{kTileWidth} * (kEntryBytesMax + 2);
constexpr std::size_t kUrlMax = 2048;

Result<std::string> read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return fail(Reason::no_record, path);
    return fail(Reason::file_failed, path + ": " + std::strerror(errno));
  }
  struct stat about {};
  if (fstat(file.get(), &about) != 0)
    return fail(Reason::file_failed, path + ": " + std::strerror(errno));
  if (!S_ISREG(about.st_mode)) return fail(Reason::file_failed, path + " is not a file");
  if (static_cast<std::uint64_t>(about.st_size) > kResourceBytesMax)
    return fail(Reason::value_too_long, path);
  std::string bytes(static_cast<std::size_t>(about.st_size), '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Reason::file_failed, path + ": " + std::strerror(errno));
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

class Folder : public LogSource {
 public:
  explicit Folder(std::string directory) : directory_(std::move(directory)) {}
  Result<std::string> read(const std::string& path) override {
    return read_file(directory_ + "/" + path);
  }

 private:
  std::string directory_;
};

// A new folder under TMPDIR, removed with what is in it.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::error_code none;
    std::string pattern = (fs::temp_directory_path(none) / "amanat-verify-XXXXXX").string();
    if (!none && mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// While it lives, no file of this process or its children grows beyond the largest resource: curl
// cannot hold an endless answer of unannounced length back by itself.
class FileSizeLimit {
 public:
  FileSizeLimit() {
    if (getrlimit(RLIMIT_FSIZE, &before_) != 0) return;
    rlimit lower = before_;
    lower.rlim_cur = std::min<rlim_t>(before_.rlim_cur, kResourceBytesMax + 1);
    lowered_ = setrlimit(RLIMIT_FSIZE, &lower) == 0;
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    if (lowered_) setrlimit(RLIMIT_FSIZE, &before_);
  }

 private:
  rlimit before_{};
  bool lowered_ = false;
};

// Runs a program found on PATH with `input` on its standard input; what it prints comes back.
// `errors` names the file its standard error goes to.
Result<std::string> run(std::vector<std::string> words, const std::string& input,
                        const std::string& errors) {
  insist(!words.empty());
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0) return fail(Reason::file_failed, std::strerror(errno));
  Descriptor in_read(in[0]), in_write(in[1]);
  if (pipe2(out, O_CLOEXEC) != 0) return fail(Reason::file_failed, std::strerror(errno));
  Descriptor out_read(out[0]), out_write(out[1]);

  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in_read.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out_write.get(), STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  pid_t child = 0;
  const FileSizeLimit limit;
  const int spawned =
      posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (spawned == ENOENT)
    return fail(Reason::peer_unreachable,
                "the program " + words[0] + " is not installed; install it, or use --dir");
  if (spawned != 0) return fail(Reason::file_failed, words[0] + ": " + std::strerror(spawned));
  in_read.close();
  out_write.close();

  // curl reads its whole configuration before it writes anything, so this cannot deadlock.
  for (std::size_t sent = 0; sent < input.size();) {
    const ssize_t wrote = ::write(in_write.get(), input.data() + sent, input.size() - sent);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) break;  // it ended early; its own message says why
    sent += static_cast<std::size_t>(wrote);
  }
  in_write.close();
  std::string printed;
  for (char part[4096];;) {
    const ssize_t got = ::read(out_read.get(), part, sizeof(part));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    if (printed.size() < kResourceBytesMax) printed.append(part, static_cast<std::size_t>(got));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return printed;
}

class Url : public LogSource {
 public:
  Url(std::string prefix, std::string ca_file)
      : prefix_(std::move(prefix)), ca_file_(std::move(ca_file)) {}

  // Some servers answer what they do not have with a page, so only a note counts as found. If there
  // is none, what stood at the prefix given is the checkpoint, and what is wrong with it the
  // audit's to say.
  Result<void> find() {
    if (scratch_.path().empty())
      return fail(Reason::file_failed, "no temporary folder could be made");
    const std::string given = prefix_;
    std::optional<std::string> page;
    for (const char* below : {"", "/ledger"}) {
      prefix_ = given + below;
      auto answer = read("checkpoint");
      if (!answer && answer.error().reason == Reason::no_record) continue;
      if (!answer && !page) return std::unexpected(answer.error());
      if (answer && parse_note(*answer)) {
        checkpoint_ = *std::move(answer);
        return {};
      }
      if (answer && !page) page = *std::move(answer);
    }
    prefix_ = given;
    if (!page) return fail(Reason::no_record, given + "/checkpoint");
    checkpoint_ = std::move(page);
    return {};
  }

  Result<std::string> read(const std::string& path) override {
    if (path == "checkpoint" && checkpoint_) return *checkpoint_;
    auto found = fetched_.find(path);
    if (found == fetched_.end()) {
      fetch({path});
      found = fetched_.find(path);
      insist(found != fetched_.end());
    }
    const Fetched fetched = found->second;
    fetched_.erase(found);
    const std::string url = prefix_ + "/" + path;
    std::string bytes_file = file_of(fetched.slot);
    if (fetched.trouble) return fail(fetched.trouble->reason, fetched.trouble->detail);
    if (fetched.status == 404 || fetched.status == 410) return fail(Reason::no_record, url);
    if (fetched.status != 200)
      return fail(Reason::peer_unreachable,
                  url + " answered with status " + std::to_string(fetched.status));
    auto bytes = read_file(bytes_file);
    ::unlink(bytes_file.c_str());
    if (!bytes && bytes.error().reason == Reason::no_record)
      return std::string();  // curl makes no file of nothing
    return bytes;
  }

  void expect(const std::vector<std::string>& paths) override { fetch(paths); }

 private:
  struct Fetched {
    std::size_t slot = 0;
    unsigned status = 0;
    std::optional<Failure> trouble;
  };

  std::string file_of(std::size_t slot) const {
    return scratch_.path() + "/" + std::to_string(slot);
  }

  // One run of curl for all of them, so that connection and handshake are shared.
  void fetch(const std::vector<std::string>& paths) {
    std::string configuration;
    const std::size_t first = next_slot_;
    for (const std::string& path : paths) {
      configuration += "url = \"" + prefix_ + "/" + path + "\"\n";
      configuration += "output = \"" + file_of(next_slot_++) + "\"\n";
    }
    // --disable must come first: a user's own curlrc must not change what is fetched.
    std::vector<std::string> words{"curl",
                                   "--disable",
                                   "--silent",
                                   "--show-error",
                                   "--globoff",
                                   "--proto",
                                   "=http,https",
                                   "--connect-timeout",
                                   "10",
                                   "--max-time",
                                   "600",
                                   "--max-filesize",
                                   std::to_string(kResourceBytesMax),
                                   "--write-out",
                                   "%{http_code} %{exitcode}\\n",
                                   "--config",
                                   "-"};
    if (!ca_file_.empty()) words.insert(words.end() - 2, {"--cacert", ca_file_});
    const std::string errors = scratch_.path() + "/errors";
    const auto printed = run(std::move(words), configuration, errors);
    std::string_view lines = printed ? std::string_view(*printed) : std::string_view();
    for (std::size_t i = 0; i < paths.size(); ++i) {
      Fetched fetched{first + i, 0, std::nullopt};
      unsigned exit_code = 0;
      const std::size_t end = lines.find('\n');
      const std::size_t space = lines.substr(0, end).find(' ');
      const std::string line(lines.substr(0, end));
      lines.remove_prefix(end == lines.npos ? lines.size() : end + 1);
      if (!printed) {
        fetched.trouble = printed.error();
      } else if (space == line.npos) {
        fetched.trouble =
            Failure{Reason::peer_unreachable, first_error(errors, "curl gave no result")};
      } else {
        fetched.status = static_cast<unsigned>(std::strtoul(line.c_str(), nullptr, 10));
        exit_code = static_cast<unsigned>(std::strtoul(line.c_str() + space, nullptr, 10));
        if (exit_code != 0) fetched.trouble = trouble_of(exit_code, errors);
      }
      fetched_[paths[i]] = std::move(fetched);
    }
  }

  static std::string first_error(const std::string& errors, const char* otherwise) {
    const auto text = read_file(errors);
    if (!text || text->empty()) return otherwise;
    return text->substr(0, std::min<std::size_t>(text->find('\n'), 300));
  }

  static Failure trouble_of(unsigned exit_code, const std::string& errors) {
    constexpr unsigned kTooLarge = 63, kWrongCertificate = 60, kNoHandshake = 35, kNoCaFile = 77;
    const std::string text = first_error(errors, "curl failed");
    if (exit_code == kTooLarge) return {Reason::value_too_long, text};
    if (exit_code == kWrongCertificate || exit_code == kNoHandshake || exit_code == kNoCaFile)
      return {Reason::peer_untrusted, text};
    return {Reason::peer_unreachable, text};
  }

  std::string prefix_, ca_file_;
  std::optional<std::string> checkpoint_;  // read once: the audit is of one head
  ScratchFolder scratch_;
  std::size_t next_slot_ = 0;
  std::unordered_map<std::string, Fetched> fetched_;
};

// Nothing that would end the quoted string in curl's configuration, or mean another scheme.
bool plain_url(std::string_view url) {
  if (!url.starts_with("https://") && !url.starts_with("http://")) return false;
  return url.size() <= kUrlMax && std::ranges::all_of(url, [](unsigned char c) {
           return c > 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '?' && c != '#';
         });
}

}  // namespace

std::unique_ptr<LogSource> open_folder(std::string directory) {
  return std::make_unique<Folder>(std::move(directory));
}

Result<std::unique_ptr<LogSource>> open_url(std::string prefix, std::string ca_file) {
  while (prefix.ends_with('/')) prefix.pop_back();
  if (!plain_url(prefix)) return fail(Reason::usage_wrong, "not a plain http:// or https:// URL");
  auto source = std::make_unique<Url>(std::move(prefix), std::move(ca_file));
  if (const auto found = source->find(); !found) return std::unexpected(found.error());
  return source;
}

}  // namespace amanat::ledger
