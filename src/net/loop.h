#pragma once
// net, the event loop of one server thread, inside the room only. A turn is:
//   1 events: every complete request that arrived is handed on
//   2 coroutines handed back by other threads run
//     and replies whose time has come are set free
//   3 each connection touched by 1 or 2 is flushed once: its answers leave joined
//   4 handshakes, within a share of the time, so that strangers do not delay established callers
// resume() and stop() may be called from any thread, all else is the loop's own.

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

#include "model/task.h"
#include "net/connection.h"

namespace amanat::net {

/// SlowPeers remembers which certificates' replies had to wait, so that a new connection of the
/// same one does not begin with as many questions at once as a connection may ask. Bounded;
/// thread-safe.
class SlowPeers {
 public:
  void note(const Digest& thumbprint, std::uint64_t until_ms, std::uint64_t now_ms);
  /// until returns until when, in the loops' milliseconds; 0: not at all.
  std::uint64_t until(const Digest& thumbprint);

 private:
  std::mutex mutex_;
  std::map<Digest, std::uint64_t> until_ms_;
};

/// ServerShared is what the loops of a server have in common.
struct ServerShared {
  ServerOptions options;
  Handler handler;
  std::unique_ptr<TlsServer> tls;
  std::atomic<unsigned> connections{0};
  SlowPeers slow;
};

class Loop final : public Home {
 public:
  /// Takes over `listener`, a bound and listening socket that does not block.
  Loop(ServerShared& shared, int listener);
  ~Loop() override;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// prepare makes the kernel objects. Errors: internal_error.
  Result<void> prepare();
  void start();
  void resume(std::coroutine_handle<> coroutine) override;
  void stop(unsigned grace_ms);
  void join();

  // For connections and replies, on the loop's thread.
  ServerShared& shared() { return shared_; }
  const ServerOptions& options() const { return shared_.options; }
  bool stopping() const { return stopped_; }
  std::uint64_t now_ms() const { return now_ms_; }
  std::string_view date();
  void touch(Connection& connection);
  void queue_handshake(Connection& connection);
  void handshake_ended(Connection& connection);
  void hand_over(Connection& connection, std::uint64_t sequence, Request request);
  void answer(ConnectionId id, std::uint64_t sequence, Response response);
  /// answer_at calls due() of that connection, if it is still there, when its time has come.
  void answer_at(std::uint64_t at_ms, ConnectionId id, std::uint64_t sequence);
  void interest(Connection& connection, std::uint32_t events);
  /// established notes that a caller past its handshake was served in this turn.
  void established() { busy_ = true; }

  // Buffers every connection of the thread works in.
  std::vector<char> received, plain;
  WipingBuffer out;
  std::string ciphertext;

 private:
  void run();
  void wake();
  int wait_ms(bool queued) const;
  void handle(const void* event);
  void accept_some();
  bool make_room();
  void listen(bool on);
  void run_coroutines();
  void release_due();
  void flush_touched();
  void run_handshakes();
  void sweep_some();
  void begin_stop();
  void reap();
  Connection* find(ConnectionId id);

  ServerShared& shared_;
  int listener_, epoll_ = -1, event_ = -1;
  std::thread thread_;

  std::mutex mutex_;
  std::vector<std::coroutine_handle<>> ready_;  // under mutex_
  bool asleep_ = false;                         // under mutex_
  std::atomic<bool> stop_asked_{false};
  std::atomic<unsigned> grace_ms_{0};

  std::vector<std::coroutine_handle<>> running_;
  std::vector<std::unique_ptr<Connection>> table_;
  std::vector<std::uint32_t> generations_, free_;
  std::vector<Connection*> touched_;
  std::vector<std::uint32_t> dead_;
  struct Waiting {
    std::uint64_t at_ms, sequence;
    ConnectionId id;
    bool operator<(const Waiting& other) const { return at_ms > other.at_ms; }  // first due on top
  };
  std::priority_queue<Waiting> waiting_;  // replies whose time has not come
  std::deque<ConnectionId> handshakes_;   // with input to take
  std::deque<ConnectionId> arrivals_;     // handshaking, oldest first
  std::size_t living_ = 0, handshaking_ = 0, outstanding_ = 0;
  std::size_t sweep_at_ = 0;
  std::uint64_t now_ms_ = 0, sweep_next_ms_ = 0, kill_at_ms_ = 0, turn_us_ = 0;
  std::int64_t handshake_credit_us_ = 0;
  std::uint64_t date_until_ms_ = 0;
  std::string date_;
  bool listening_ = false, stopped_ = false, busy_ = false;
};

}  // namespace amanat::net
