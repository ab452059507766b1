#pragma once
// net, the local control channel: how the command line speaks to a running exchange on the same
// machine, over a unix socket in the exchange's directory. Only the exchange's own user and root
// are heard (mode 0600 and SO_PEERCRED). One command at a time.
//
// Frames both ways: one byte of kind, four bytes of length (big-endian), payload.
//   'A'  the arguments: a count, then each with its length (all four bytes, big-endian); at most 1
//   MiB '1', '2'  a piece of output or error output, at most 64 KiB 'X'  the exit code (four
//   bytes); the last frame

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"

namespace amanat::net {

/// LocalEmit takes a piece of output: stream 1 or 2.
using LocalEmit = std::function<void(int stream, std::string_view text)>;
/// LocalHandler runs one command and returns its exit code. May block; runs on the channel's
/// thread.
using LocalHandler = std::function<int(std::vector<std::string> args, const LocalEmit& emit)>;

/// LocalServer listens until it dies; its end waits for the command in hand.
class LocalServer {
 public:
  /// start takes over `path`; a socket left by a process that is gone is replaced.
  /// Errors: exchange_busy (somebody answers there), file_failed.
  static Result<std::unique_ptr<LocalServer>> start(const std::string& path, LocalHandler handler);
  ~LocalServer();

 private:
  struct State;
  explicit LocalServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// local_call has a running exchange run a command and returns its exit code. Blocks until the end.
/// Errors: peer_unreachable (nobody listens, or it ended early), peer_untrusted (another user's
/// socket), malformed_request (arguments or frames over the limits).
Result<int> local_call(const std::string& path, const std::vector<std::string>& args,
                       const LocalEmit& emit);

}  // namespace amanat::net
