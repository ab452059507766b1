#include "net/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "model/insist.h"
#include "net/loop.h"

namespace amanat::net {
namespace {

constexpr std::size_t kUnsentMost = 1 << 20;     // beyond it nothing more is read or encrypted
constexpr std::size_t kJoinedMost = 256 * 1024;  // plaintext encrypted at a time
constexpr std::uint64_t kRestMs = 1000;          // idle for so long it gives its buffers back
constexpr std::uint64_t kUploadStep =
    64 * 1024;  // so much of an upload at least in the time of a request
constexpr std::uint64_t kLingerMs = 2000, kLingerStoppingMs = 200;
constexpr std::uint64_t kSlowMs = 60'000;  // after a reply that waited

}  // namespace

Connection::Connection(Loop& loop, ConnectionId id, int fd, const Address& from)
    : loop_(loop),
      id_(id),
      fd_(fd),
      from_(from),
      born_ms_(loop.now_ms()),
      active_ms_(loop.now_ms()) {
  insist(fd >= 0);
}

Connection::~Connection() { ::close(fd_); }

bool Connection::can_take() const {
  const std::size_t most = loop_.now_ms() < slow_until_ms_ ? 1 : loop_.options().pipelined_max;
  return pending() < most && unsent() < kUnsentMost;
}

// receive feeds the session with what the socket has; false if there is nothing or it is over.
bool Connection::receive() {
  auto& buffer = loop_.received;
  const ssize_t n = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (n > 0) {
    session_->feed({buffer.data(), static_cast<std::size_t>(n)});
    return true;
  }
  if (n == 0) {
    peer_closed_ = true;
    if (handshaking()) return kill(), false;
    settle();
    update_interest();
  } else if (errno != EAGAIN && errno != EINTR) {
    kill();
  }
  return false;
}

void Connection::handshake_step() {
  if (!handshaking()) return;
  if (!session_) session_ = loop_.shared().tls->accept();
  if (!session_) return kill();
  if (!receive()) return;
  session_->output_to(&loop_.ciphertext);
  const auto step = session_->handshake();
  send_ciphertext();
  if (dead() || step == TlsSession::Step::want_input) return;
  if (step != TlsSession::Step::done) return kill();
  loop_.handshake_ended(*this);
  peer_ = session_->peer();
  if (peer_) slow_until_ms_ = loop_.shared().slow.until(peer_->thumbprint);
  state_ = State::open;
  active_ms_ = loop_.now_ms();
  update_interest();
  process_input();
  loop_.touch(*this);
}

void Connection::on_readable() {
  switch (state_) {
    case State::handshaking:
      return loop_.queue_handshake(*this);
    case State::dead:
      return;
    case State::lingering: {
      const ssize_t n = ::recv(fd_, loop_.received.data(), loop_.received.size(), 0);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) kill();
      return;
    }
    case State::open:
      break;
  }
  loop_.established();
  if (paused_ || closing_ || peer_closed_) return;
  if (!receive()) return;
  process_input();
}

void Connection::on_writable() {
  if (dead() || unsent() == 0) return;
  send_ciphertext();
  loop_.touch(*this);
}

// process_input decrypts and parses until the input is used up or enough requests are in hand.
void Connection::process_input() {
  auto& plain = loop_.plain;
  session_->output_to(&loop_.ciphertext);  // an alert or key update may have to be answered
  std::size_t size = in_.size(), most = 0;
  insist(size <= plain.size());
  if (size > 0) {
    std::memcpy(plain.data(), in_.view().data(), size);
    in_ = WipingBuffer();
  }
  bool more = true;
  for (;;) {
    while (more && size < plain.size()) {
      std::size_t n = 0;
      const auto step = session_->read(plain.data() + size, plain.size() - size, n);
      size += n;
      if (step == TlsSession::Step::done) {
        more = !session_->drained();
        continue;
      }
      more = false;
      if (step == TlsSession::Step::closed) peer_closed_ = true;
      if (step == TlsSession::Step::failed) kill();
    }
    most = std::max(most, size);
    const std::size_t used = dead() ? size : consume({plain.data(), size});
    insist(used <= size);
    std::memmove(plain.data(), plain.data() + used, size - used);
    size -= used;
    if (!more || paused_ || closing_) break;
    insist(size < plain.size());  // consume refuses what cannot fit
  }
  if (most > 0) {
    active_ms_ = loop_.now_ms();
    rested_ = false;
  }
  keep_rest({plain.data(), size});
  wipe(plain.data(), most);
  if (!loop_.ciphertext.empty()) send_ciphertext();
  settle();
  update_interest();
}

void Connection::keep_rest(std::string_view plain) {
  const auto unread = session_->unread();
  if (!dead() && !closing_) {
    if (!plain.empty()) in_.append(plain);
    if (paused_) cipher_in_.assign(unread);  // else it was used up, or follows close_notify
  }
  // The fed bytes live in a buffer all connections share: the session must not see them again.
  session_->drop_unread();
}

std::size_t Connection::consume(std::string_view text) {
  std::string_view rest = text;
  while (!rest.empty() && !closing_) {
    if (!can_take()) {
      paused_ = true;
      break;
    }
    if (!(incoming_ ? take_body(rest) : take_head(rest))) break;
  }
  if (closing_) rest = {};
  const bool partial = incoming_ != nullptr || !rest.empty();
  if (!partial || paused_)
    began_ms_ = 0;
  else if (began_ms_ == 0)
    began_ms_ = loop_.now_ms();
  return text.size() - rest.size();
}

// take_body returns whether to go on.
bool Connection::take_body(std::string_view& rest) {
  std::string& body = incoming_->head.request.body;
  const auto state = incoming_->body.take(rest, body);
  if (incoming_->upload && !pass_on(body)) return false;
  switch (state) {
    case BodyReader::State::more:
      return false;
    case BodyReader::State::wrong:
      return refuse({Reason::malformed_request, "a chunk is not well formed"}, {}), false;
    case BodyReader::State::too_large:
      return refuse({Reason::body_too_large, {}}, {}), false;
    case BodyReader::State::complete:
      break;
  }
  if (incoming_->upload) body = incoming_->upload->end();
  Head head = std::move(incoming_->head);
  incoming_.reset();
  dispatch(std::move(head));
  return true;
}

// pass_on gives an upload what has come of it; false if that was refused.
bool Connection::pass_on(std::string& bytes) {
  if (bytes.empty()) return true;
  incoming_->taken += bytes.size();
  auto refused = incoming_->upload->take(bytes);
  wipe_away(bytes);
  if (refused) return end_with(*std::move(refused)), false;
  if (incoming_->taken >= kUploadStep) {
    incoming_->taken = 0;
    began_ms_ = loop_.now_ms();
  }
  return true;
}

bool Connection::take_head(std::string_view& rest) {
  const auto& options = loop_.options();
  const auto within = rest.substr(0, options.header_bytes_max);
  const auto end = find_head_end(within, std::min(scanned_, within.size()));
  if (end.kind == HeadEnd::Kind::wrong)
    return refuse({Reason::malformed_request, "a line does not end in CR LF"}, within), false;
  if (end.kind == HeadEnd::Kind::unfinished) {
    if (rest.size() >= options.header_bytes_max)
      return refuse({Reason::header_too_large, {}}, within), false;
    scanned_ = end.bytes;
    return false;
  }
  scanned_ = 0;
  const auto raw = rest.substr(0, end.bytes);
  auto head = parse_request_head(raw, options);
  if (!head) return refuse(head.error(), raw), false;
  rest.remove_prefix(end.bytes);
  if (!head->chunked && head->body_bytes == 0) return dispatch(*std::move(head)), true;
  Framing framing;
  framing.chunked = head->chunked;
  if (!framing.chunked) framing.length = head->body_bytes;
  urdu_ = asks_urdu(raw);
  const bool wants_continue = !head->request.header("expect").empty() && rest.empty();
  const std::uint64_t most = head->upload ? options.upload_bytes_max : options.body_bytes_max;
  std::unique_ptr<Upload> upload;
  if (head->upload) {
    head->request.from = from_;
    head->request.peer = peer_;
    head->request.received = now();
    upload = options.upload(head->request);
  }
  incoming_.reset(new Incoming{*std::move(head), BodyReader(framing, most), wants_continue,
                               std::move(upload), 0});
  if (wants_continue) loop_.touch(*this);
  return true;
}

void Connection::dispatch(Head head) {
  began_ms_ = 0;
  auto& slot = replies_.emplace_back();
  Request request = std::move(head.request);
  if (request.method == "HEAD") {
    slot.to_head = true;
    request.method = "GET";
  }
  request.peer = peer_;
  request.received = now();
  request.from = from_;
  if (!head.keep_alive) closing_ = true;
  const std::uint64_t sequence = sequence_base_ + replies_.size() - 1;
  if (!loop_.stopping()) return loop_.hand_over(*this, sequence, std::move(request));
  closing_ = true;
  wipe_away(request.body);
  answer(sequence, problem({Reason::shutting_down, {}}, false));
}

// refuse answers what could not be read, after everything before it, and ends the connection:
// where the next request would begin is not known any more.
void Connection::refuse(const Failure& failure, std::string_view raw_head) {
  end_with(problem(failure, raw_head.empty() ? urdu_ : asks_urdu(raw_head)));
}

void Connection::end_with(Response response) {
  auto& slot = replies_.emplace_back();
  slot.response = std::move(response);
  slot.ready = true;
  closing_ = true;
  began_ms_ = 0;
  incoming_.reset();
  loop_.touch(*this);
}

void Connection::answer(std::uint64_t sequence, Response response) {
  insist(sequence >= sequence_base_ + sent_ && sequence < sequence_base_ + replies_.size());
  auto& slot = replies_[static_cast<std::size_t>(sequence - sequence_base_)];
  insist(!slot.ready);
  slot.response = std::move(response);
  if (slot.response.wait_ms > 0 && !loop_.stopping()) {
    const std::uint64_t at = loop_.now_ms() + slot.response.wait_ms;
    slow_until_ms_ = std::max(slow_until_ms_, at + kSlowMs);
    if (peer_) loop_.shared().slow.note(peer_->thumbprint, slow_until_ms_, loop_.now_ms());
    return loop_.answer_at(at, id_, sequence);
  }
  slot.ready = true;
  loop_.touch(*this);
}

void Connection::due(std::uint64_t sequence) {
  insist(sequence >= sequence_base_ + sent_ && sequence < sequence_base_ + replies_.size());
  replies_[static_cast<std::size_t>(sequence - sequence_base_)].ready = true;
  loop_.touch(*this);
}

void Connection::encrypt(WipingBuffer& out) {
  if (!session_->write(out.view())) kill();
  out.clear();
}

void Connection::append_ready(WipingBuffer& out) {
  while (pending() > 0 && replies_[sent_].ready &&
         unsent() + loop_.ciphertext.size() < kUnsentMost && !dead()) {
    Slot& slot = replies_[sent_];
    if (loop_.stopping() && pending() == 1) closing_ = true;
    ReplyForm form;
    form.without_body = slot.to_head;
    form.close = closing_ && pending() == 1;
    form.date = loop_.date();
    append_reply(out, slot.response, form);
    wipe_away(slot.response.body);
    slot.response = Response();
    ++sent_;
    if (out.size() >= kJoinedMost) encrypt(out);
  }
  if (sent_ == replies_.size() || sent_ >= 256) {
    sequence_base_ += sent_;
    replies_.erase(replies_.begin(), replies_.begin() + static_cast<std::ptrdiff_t>(sent_));
    sent_ = 0;
    if (replies_.empty() && replies_.capacity() > 2) std::vector<Slot>().swap(replies_);
  }
}

void Connection::flush() {
  if (dead() || state_ != State::open) return;
  loop_.established();
  WipingBuffer& out = loop_.out;
  insist(out.size() == 0);
  session_->output_to(&loop_.ciphertext);
  append_ready(out);
  if (incoming_ && incoming_->wants_continue && pending() == 0 && !closing_) {
    out.append("HTTP/1.1 100 Continue\r\n\r\n");
    incoming_->wants_continue = false;
  }
  if (out.size() > 0) {
    encrypt(out);
    active_ms_ = loop_.now_ms();
    rested_ = false;
  }
  if (dead()) return loop_.ciphertext.clear();
  if (closing_ && pending() == 0) session_->close();
  if (!loop_.ciphertext.empty()) send_ciphertext();
  settle();
  if (!dead()) unpause();
  // The socket took everything although more is ready: no event will say so.
  if (!dead() && unsent() == 0 && pending() > 0 && replies_[sent_].ready) loop_.touch(*this);
  update_interest();
}

// send_ciphertext sends what the session wrote, after what the socket did not take before.
void Connection::send_ciphertext() {
  std::string_view fresh = loop_.ciphertext;
  const auto put = [this](std::string_view bytes) -> std::size_t {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) kill();
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  };
  if (unsent() > 0) {
    const std::size_t n = put(std::string_view(unsent_).substr(unsent_at_));
    unsent_at_ += n;
    if (n > 0) active_ms_ = loop_.now_ms();
  }
  if (unsent() == 0) {
    if (!unsent_.empty()) std::string().swap(unsent_);
    unsent_at_ = 0;
    if (!fresh.empty() && !dead()) fresh.remove_prefix(put(fresh));
  }
  unsent_.append(fresh);
  loop_.ciphertext.clear();
  if (!dead()) update_interest();
}

// settle ends the connection if everything due has left.
void Connection::settle() {
  if (state_ != State::open || pending() > 0 || unsent() > 0 || paused_) return;
  if (peer_closed_) {
    if (!closing_) {
      session_->output_to(&loop_.ciphertext);
      session_->close();
      if (!loop_.ciphertext.empty()) send_ciphertext();
    }
    return kill();
  }
  if (!closing_) return;
  ::shutdown(fd_, SHUT_WR);
  state_ = State::lingering;
  linger_until_ms_ = loop_.now_ms() + (loop_.stopping() ? kLingerStoppingMs : kLingerMs);
}

void Connection::unpause() {
  if (!paused_ || !can_take()) return;
  paused_ = false;
  if (closing_) return;
  const std::string held = std::move(cipher_in_);
  cipher_in_.clear();
  session_->feed(held);
  process_input();
}

void Connection::update_interest() {
  if (dead() || handshaking()) {
    if (handshaking() && unsent() > 0) loop_.interest(*this, EPOLLIN | EPOLLOUT | EPOLLET);
    return;
  }
  const bool reads = state_ == State::lingering || !(paused_ || closing_ || peer_closed_);
  const std::uint32_t wanted =
      (reads ? std::uint32_t{EPOLLIN} : 0U) | (unsent() > 0 ? std::uint32_t{EPOLLOUT} : 0U);
  if (wanted == interest_) return;
  interest_ = wanted;
  loop_.interest(*this, wanted);
}

void Connection::sweep() {
  const auto now_ms = loop_.now_ms();
  const auto& o = loop_.options();
  const auto late = [now_ms](std::uint64_t since, unsigned seconds) {
    return now_ms >= since + seconds * 1000ULL;
  };
  switch (state_) {
    case State::dead:
      return;
    case State::handshaking:
      if (late(born_ms_, o.handshake_seconds_max)) kill();
      return;
    case State::lingering:
      if (now_ms >= linger_until_ms_) kill();
      return;
    case State::open:
      break;
  }
  if (!rested_ && now_ms >= active_ms_ + kRestMs) {
    session_->rest();
    rested_ = true;
  }
  if (unsent() > 0) {  // the peer does not read
    if (late(active_ms_, o.request_seconds_max)) kill();
  } else if (began_ms_ != 0 && late(began_ms_, o.request_seconds_max)) {
    refuse({Reason::request_too_slow, {}}, {});
  } else if (pending() == 0 && late(active_ms_, o.idle_seconds_max)) {
    closing_ = true;
    loop_.touch(*this);
  }
}

void Connection::stop() {
  if (handshaking()) return kill();
  if (state_ != State::open || pending() > 0 || incoming_ != nullptr || in_.size() > 0) return;
  session_->output_to(&loop_.ciphertext);
  session_->close();
  send_ciphertext();
  kill();
}

}  // namespace amanat::net
