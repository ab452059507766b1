#pragma once
// net, one connection of the server, inside the room only. Lives on its Loop's thread.
//
//   handshaking --> open --> lingering --> dead
//        |            |                     ^
//        +------------+---------------------+
//
// open: requests are parsed as they come and handed on at once; replies wait in order in slots and
// leave together at the end of the loop's turn. closing_ is set by the last request that will be
// read (Connection: close, a malformed one): once its reply has left, the connection lingers, so
// that the reply is not lost to a reset because of input nobody read.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/request.h"
#include "model/secret.h"
#include "net/http.h"
#include "net/http_wire.h"
#include "net/tls.h"

namespace amanat::net {

class Loop;

/// ConnectionId is a place in the loop's table and the generation of its tenant.
struct ConnectionId {
  std::uint32_t place = 0, generation = 0;
  friend bool operator==(ConnectionId, ConnectionId) = default;
};

class Connection {
 public:
  Connection(Loop& loop, ConnectionId id, int fd, const Address& from);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  ConnectionId id() const { return id_; }
  int fd() const { return fd_; }
  bool dead() const { return state_ == State::dead; }
  bool handshaking() const { return state_ == State::handshaking; }
  std::uint64_t born_ms() const { return born_ms_; }

  /// handshake_step takes what arrived and answers it.
  void handshake_step();
  void on_readable();
  void on_writable();
  /// answer stores the reply to request number `sequence`; one that has to wait leaves when due()
  /// says that its time has come.
  void answer(std::uint64_t sequence, Response response);
  void due(std::uint64_t sequence);
  /// flush sends what can be sent, in order, as few records as possible.
  void flush();
  /// sweep ends what has lasted too long.
  void sweep();
  /// stop lets requests in hand finish.
  void stop();
  void kill() { state_ = State::dead; }

  bool touched = false;           // stands in the loop's list of connections to flush
  bool handshake_queued = false;  // stands in the loop's queue of handshakes
  bool counted_as_handshake = true;

 private:
  enum class State : std::uint8_t { handshaking, open, lingering, dead };
  struct Slot {
    Response response;
    bool ready = false;
    bool to_head = false;
    Slot() = default;
    Slot(Slot&&) noexcept = default;
    Slot& operator=(Slot&&) noexcept = default;
    ~Slot() { wipe_away(response.body); }
  };
  struct Incoming {  // a request whose body is still arriving
    Head head;
    BodyReader body;
    bool wants_continue = false;
    std::unique_ptr<Upload> upload;
    std::uint64_t taken = 0;  // of an upload, since its time was begun anew
    ~Incoming() { wipe_away(head.request.body); }
  };

  std::size_t pending() const { return replies_.size() - sent_; }
  std::size_t unsent() const { return unsent_.size() - unsent_at_; }
  bool can_take() const;
  bool receive();
  void process_input();
  void keep_rest(std::string_view plain);
  std::size_t consume(std::string_view text);
  bool take_body(std::string_view& rest);
  bool take_head(std::string_view& rest);
  bool pass_on(std::string& bytes);
  void dispatch(Head head);
  void refuse(const Failure& failure, std::string_view raw_head);
  void end_with(Response response);
  void encrypt(WipingBuffer& out);
  void append_ready(WipingBuffer& out);
  void send_ciphertext();
  void settle();
  void unpause();
  void update_interest();

  Loop& loop_;
  const ConnectionId id_;
  const int fd_;
  State state_ = State::handshaking;
  bool closing_ = false, paused_ = false, peer_closed_ = false, urdu_ = false, rested_ = false;
  std::uint32_t interest_ = 0;
  std::unique_ptr<TlsSession> session_;
  std::shared_ptr<const PeerCertificate> peer_;
  const Address from_;
  WipingBuffer in_;          // decrypted, not parsed yet
  std::string cipher_in_;    // received, not decrypted yet (only while paused)
  std::size_t scanned_ = 0;  // of the head now arriving
  std::unique_ptr<Incoming> incoming_;
  std::vector<Slot> replies_;
  std::size_t sent_ = 0;             // of replies_
  std::uint64_t sequence_base_ = 0;  // of replies_[0]
  std::string unsent_;               // ciphertext the socket did not take
  std::size_t unsent_at_ = 0;
  std::uint64_t born_ms_, active_ms_, began_ms_ = 0, linger_until_ms_ = 0, slow_until_ms_ = 0;
};

}  // namespace amanat::net
