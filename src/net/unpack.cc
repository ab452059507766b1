#include "net/unpack.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "model/descriptor.h"

// What the process says: u8 kind, u32 length (big-endian), bytes. 'n' begins a part and is its
// name, 'd' is its data, 'e' says why it ends here, 'z' that nothing is missing. Of a PDF it is the
// bare text, since the program that reads it is not ours.

namespace amanat::net {
namespace {

constexpr std::size_t kFrameMax = 64 * 1024, kNameMax = 1024, kPiece = 256 * 1024;
constexpr int kSilenceMs = 60'000;  // neither taking nor giving for so long: given up

std::unexpected<Failure> broken(std::string what) {
  return fail(Reason::archive_broken, std::move(what));
}

// The program lies beside this one, or where the package puts it.
std::string program() {
  std::array<char, 4096> self;
  const ssize_t n = ::readlink("/proc/self/exe", self.data(), self.size());
  if (n > 0) {
    std::string path(self.data(), static_cast<std::size_t>(n));
    path.resize(path.rfind('/') + 1);
    for (const char* where : {"amanat-unpack", "../libexec/amanat/amanat-unpack"})
      if (::access((path + where).c_str(), X_OK) == 0) return path + where;
  }
  return {};
}

std::string_view word_of(Packing packing) {
  constexpr std::array<std::string_view, 5> kWords = {"stream", "seven", "sqlite", "workbook",
                                                      "pdf"};
  return kWords[static_cast<std::size_t>(packing)];
}

class Process : public Unpacking {
 public:
  Process(Packing packing, Feed feed) : packing_(packing), feed_(std::move(feed)) {}
  ~Process() override {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  Result<void> begin(std::size_t held_bytes_max) {
    const std::string path = program();
    if (path.empty())
      return broken("amanat-unpack, which takes such files apart, is not installed");
    Descriptor theirs, out_theirs;
    if (packing_ == Packing::stream) {
      int pair[2];
      if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return fail(Reason::file_failed, "a socket pair");
      in_.take(pair[0]);
      theirs.take(pair[1]);
      ::fcntl(pair[1], F_SETFL, 0);  // the process waits for its bytes
    } else if (auto held = hold(theirs, held_bytes_max); !held) {
      return held;
    }
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) return fail(Reason::file_failed, "a pipe");
    out_.take(pipe[0]);
    out_theirs.take(pipe[1]);
    ::fcntl(out_.get(), F_SETFL, O_NONBLOCK);
    return spawn(path, theirs.get(), out_theirs.get());
  }

  Result<bool> next_part(std::string& name) override {
    std::string rest;
    for (;;) {  // what is left of the part before
      auto more = next(rest);
      if (!more) return more;
      if (!*more) break;
    }
    if (packing_ == Packing::pdf) {
      if (std::exchange(begun_, true)) return false;
      name = "text";
      return true;
    }
    begun_ = true;
    if (over_) return false;
    name = std::exchange(name_, {});
    return true;
  }

  Result<bool> next(std::string& out) override {
    out.clear();
    if (!begun_ && packing_ == Packing::pdf) return false;
    while (!over_) {
      if (packing_ == Packing::pdf) {
        if (auto r = wait_for(1); !r) return std::unexpected(r.error());
        if (said_.empty()) return end_of_text();
        given_ = true;
        out = std::exchange(said_, {});
        return true;
      }
      if (!name_.empty()) return !out.empty();  // of the next part
      if (auto r = frame(out); !r) return std::unexpected(r.error());
      if (out.size() >= kPiece) return true;
    }
    return !out.empty();
  }

  std::uint64_t taken() const override { return taken_; }

 private:
  // hold puts the packed bytes into memory of which the process gets a descriptor.
  Result<void> hold(Descriptor& theirs, std::size_t most) {
    theirs.take(::memfd_create("find", MFD_CLOEXEC));
    if (theirs.get() < 0) return fail(Reason::file_failed, "memory for what is packed");
    for (std::string piece;;) {
      auto more = feed_(piece);
      if (!more) return std::unexpected(more.error());
      if (!*more) break;
      taken_ += piece.size();
      if (taken_ > most) return broken("too large to take apart here (unpack it)");
      for (std::string_view left = piece; !left.empty();) {
        const ssize_t n = ::write(theirs.get(), left.data(), left.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return fail(Reason::file_failed, "memory for what is packed");
        left.remove_prefix(static_cast<std::size_t>(n));
      }
    }
    ::lseek(theirs.get(), 0, SEEK_SET);
    return {};
  }

  Result<void> spawn(const std::string& path, int in, int out) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_adddup2(&actions, in, 0);
    ::posix_spawn_file_actions_adddup2(&actions, out, 1);
    ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    sigset_t none, standard;
    ::sigemptyset(&none);
    ::sigemptyset(&standard);
    ::sigaddset(&standard, SIGPIPE);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &standard);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::string name = "amanat-unpack", kind(word_of(packing_));
    std::array<char*, 3> words = {name.data(), kind.data(), nullptr};
    std::array<char*, 1> environment = {nullptr};
    const int wrong =
        ::posix_spawn(&pid_, path.c_str(), &actions, &attributes, words.data(), environment.data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (wrong == 0) return {};
    pid_ = -1;
    return broken("amanat-unpack does not start");
  }

  // wait_for reads until `bytes` are here or the process says no more, feeding it meanwhile.
  Result<void> wait_for(std::size_t bytes) {
    while (said_.size() < bytes && !silent_) {
      if (in_.get() >= 0 && to_feed_.empty()) {
        auto more = feed_(piece_);
        if (!more) return std::unexpected(more.error());
        if (*more)
          to_feed_ = piece_;
        else
          in_.close();
      }
      std::array<pollfd, 2> waits = {pollfd{out_.get(), POLLIN, 0}, pollfd{in_.get(), POLLOUT, 0}};
      const int ready = ::poll(waits.data(), in_.get() >= 0 ? 2 : 1, kSilenceMs);
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0) return broken("taking it apart took too long");
      if (in_.get() >= 0 && waits[1].revents != 0) feed_some();
      if (waits[0].revents != 0) listen();
    }
    return {};
  }
  void feed_some() {
    const ssize_t n = ::send(in_.get(), to_feed_.data(), to_feed_.size(), MSG_NOSIGNAL);
    if (n > 0) {
      to_feed_.remove_prefix(static_cast<std::size_t>(n));
      taken_ += static_cast<std::uint64_t>(n);
    } else if (errno != EAGAIN && errno != EINTR) {
      in_.close();  // it has what it wants
      to_feed_ = {};
    }
  }
  void listen() {
    std::array<char, kFrameMax> some;
    const ssize_t n = ::read(out_.get(), some.data(), some.size());
    if (n > 0)
      said_.append(some.data(), static_cast<std::size_t>(n));
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
      silent_ = true;
  }

  // frame takes one: data goes to `out`, a name waits in name_, the end sets over_.
  Result<void> frame(std::string& out) {
    for (;;) {
      auto taken = take_frame(said_);
      if (!taken) return std::unexpected(std::move(taken.error()));
      if (!*taken) {
        const std::size_t before = said_.size();
        if (auto r = wait_for(before + 1); !r) return r;
        if (said_.size() == before) return broken("it broke off while it was taken apart");
        continue;
      }
      auto& [kind, bytes] = **taken;
      if (kind == 'e') return broken(bytes.substr(0, kNameMax));
      if (kind == 'd') out.append(bytes);
      if (kind == 'n') name_ = bytes.empty() ? "part" : bytes.substr(0, kNameMax);
      if (kind == 'z') over_ = true;
      return {};
    }
  }
  Result<bool> end_of_text() {
    over_ = true;
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    if (given_ || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) return false;
    return broken(WIFEXITED(status) && WEXITSTATUS(status) == 127
                      ? "a PDF: pdftotext (poppler-utils), which reads it, is not installed"
                      : "a PDF that is damaged or locked");
  }

  const Packing packing_;
  const Feed feed_;
  pid_t pid_ = -1;
  Descriptor in_, out_;
  std::string piece_, said_, name_;
  std::string_view to_feed_;
  std::uint64_t taken_ = 0;
  bool begun_ = false, given_ = false, silent_ = false, over_ = false;
};

struct Magic {
  std::string_view bytes;
  Packing packing;
};
constexpr std::array<Magic, 11> kMagic = {
    {{"%PDF-", Packing::pdf},
     {{"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8}, Packing::workbook},
     {"Rar!\x1A\x07", Packing::stream},
     {{"7z\xBC\xAF\x27\x1C", 6}, Packing::seven},
     {"BZh", Packing::stream},
     {{"\xFD"
       "7zXZ\0",
       6},
      Packing::stream},
     {{"\x28\xB5\x2F\xFD", 4}, Packing::stream},
     {{"\x04\x22\x4D\x18", 4}, Packing::stream},
     {{"LZIP\x01", 5}, Packing::stream},
     {"\x1F\x9D", Packing::stream},
     {{"SQLite format 3\0", 16}, Packing::sqlite}}};

}  // namespace

int packing_of(std::string_view first) {
  for (const Magic& magic : kMagic)
    if (first.starts_with(magic.bytes)) return static_cast<int>(magic.packing);
  // POSIX 1003.1, ustar: the magic stands in the first header.
  if (first.size() >= 512 && first.substr(257, 5) == "ustar")
    return static_cast<int>(Packing::stream);
  return -1;
}

Result<std::optional<UnpackFrame>> take_frame(std::string& said) {
  if (said.size() < 5) return std::nullopt;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(said[i]); };
  const std::size_t length =
      std::size_t{byte(1)} << 24 | std::size_t{byte(2)} << 16 | std::size_t{byte(3)} << 8 | byte(4);
  if (length > kFrameMax || std::string_view("ndez").find(said[0]) == std::string_view::npos)
    return broken("it broke off while it was taken apart");
  if (said.size() < 5 + length) return std::nullopt;
  UnpackFrame frame{said[0], said.substr(5, length)};
  said.erase(0, 5 + length);
  return frame;
}

Result<std::unique_ptr<Unpacking>> Unpacking::begin(Packing packing, Feed feed,
                                                    std::size_t held_bytes_max) {
  auto process = std::make_unique<Process>(packing, std::move(feed));
  if (auto begun = process->begin(held_bytes_max); !begun)
    return std::unexpected(std::move(begun.error()));
  return std::unique_ptr<Unpacking>(std::move(process));
}

}  // namespace amanat::net
