#include "net/loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>

#include "model/insist.h"
#include "net/address.h"

namespace amanat::net {
namespace {

constexpr int kEventsMost = 256;
constexpr unsigned kAcceptsMost = 16;         // a turn
constexpr std::size_t kHandshakesMost = 512;  // in progress
constexpr std::uint64_t kHandshakeSafeMs = 1000;
constexpr unsigned kStepsWhenIdle = 8;
constexpr std::int64_t kCreditMostUs = 1500;
constexpr std::int64_t kShare = 4;  // handshakes get a quarter of a busy loop's time
constexpr std::uint64_t kSweepMs = 125;
constexpr std::size_t kSweepParts = 8;  // so each connection is looked at once a second
constexpr std::size_t kReceiveBytes = 64 * 1024;
constexpr std::size_t kCiphertextKeep = 4 << 20;
constexpr std::size_t kSlowMost = 4096;  // certificates remembered

constexpr std::uint64_t kListenerTag = ~std::uint64_t{0}, kEventTag = kListenerTag - 1;

std::uint64_t monotonic_us() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(t.tv_nsec) / 1000;
}

std::uint64_t tag_of(ConnectionId id) { return std::uint64_t{id.generation} << 32 | id.place; }

// Ticket is the right to answer one request, once. Dropped unused it answers that something went
// wrong, so that the replies behind it are not held up for ever.
class Ticket {
 public:
  Ticket(Loop& loop, ConnectionId id, std::uint64_t sequence)
      : loop_(&loop), id_(id), sequence_(sequence) {}
  Ticket(Ticket&& other) noexcept
      : loop_(std::exchange(other.loop_, nullptr)), id_(other.id_), sequence_(other.sequence_) {}
  Ticket& operator=(Ticket&&) = delete;
  ~Ticket() {
    if (loop_ != nullptr) use(problem({Reason::internal_error, {}}, false));
  }
  void use(Response response) {
    insist(loop_ != nullptr);          // called once
    insist(Home::current() == loop_);  // on its own thread
    std::exchange(loop_, nullptr)->answer(id_, sequence_, std::move(response));
  }

 private:
  Loop* loop_;
  ConnectionId id_;
  std::uint64_t sequence_;
};

}  // namespace

void SlowPeers::note(const Digest& thumbprint, std::uint64_t until_ms, std::uint64_t now_ms) {
  const std::lock_guard lock(mutex_);
  if (until_ms_.size() >= kSlowMost && !until_ms_.contains(thumbprint)) {
    std::erase_if(until_ms_, [now_ms](const auto& one) { return one.second <= now_ms; });
    if (until_ms_.size() >= kSlowMost) return;
  }
  std::uint64_t& until = until_ms_[thumbprint];
  until = std::max(until, until_ms);
}

std::uint64_t SlowPeers::until(const Digest& thumbprint) {
  const std::lock_guard lock(mutex_);
  const auto found = until_ms_.find(thumbprint);
  return found == until_ms_.end() ? 0 : found->second;
}

Loop::Loop(ServerShared& shared, int listener)
    : received(kReceiveBytes),
      plain(shared.options.header_bytes_max + kReceiveBytes),
      shared_(shared),
      listener_(listener) {}

Loop::~Loop() {
  insist(!thread_.joinable());
  insist(outstanding_ == 0);
  for (const int fd : {listener_, epoll_, event_})
    if (fd >= 0) ::close(fd);
}

Result<void> Loop::prepare() {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  event_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event wake_up{};
  wake_up.events = EPOLLIN;
  wake_up.data.u64 = kEventTag;
  if (epoll_ < 0 || event_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, event_, &wake_up) != 0)
    return fail(Reason::internal_error, "epoll");
  listen(true);
  return {};
}

void Loop::start() {
  // Signals are for the program's main thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Loop::wake() {
  const std::uint64_t one = 1;
  while (::write(event_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void Loop::resume(std::coroutine_handle<> coroutine) {
  insist(coroutine != nullptr);
  bool wakes = false;
  {
    const std::lock_guard lock(mutex_);
    ready_.push_back(coroutine);
    wakes = std::exchange(asleep_, false);
  }
  if (wakes) wake();
}

void Loop::stop(unsigned grace_ms) {
  grace_ms_ = grace_ms;
  stop_asked_ = true;
  wake();
}

void Loop::join() {
  insist(Home::current() != this);
  if (thread_.joinable()) thread_.join();
}

std::string_view Loop::date() {
  if (now_ms_ >= date_until_ms_) {
    const std::uint64_t wall_ms = number(now());
    date_ = http_date(wall_ms / 1000);
    date_until_ms_ = now_ms_ + 1000 - wall_ms % 1000;
  }
  return date_;
}

void Loop::touch(Connection& connection) {
  if (std::exchange(connection.touched, true)) return;
  touched_.push_back(&connection);
}

void Loop::queue_handshake(Connection& connection) {
  if (std::exchange(connection.handshake_queued, true)) return;
  handshakes_.push_back(connection.id());
}

void Loop::hand_over(Connection& connection, std::uint64_t sequence, Request request) {
  ++outstanding_;
  Ticket ticket(*this, connection.id(), sequence);
  shared_.handler(std::move(request), [ticket = std::move(ticket)](Response response) mutable {
    ticket.use(std::move(response));
  });
}

void Loop::answer(ConnectionId id, std::uint64_t sequence, Response response) {
  insist(outstanding_ > 0);
  --outstanding_;
  if (Connection* connection = find(id); connection != nullptr && !connection->dead())
    return connection->answer(sequence, std::move(response));
  wipe_away(response.body);
}

void Loop::answer_at(std::uint64_t at_ms, ConnectionId id, std::uint64_t sequence) {
  waiting_.push({at_ms, sequence, id});
}

// A stop lets everything go at once: nobody else is waiting for the time it was to take.
void Loop::release_due() {
  while (!waiting_.empty() && (stopped_ || waiting_.top().at_ms <= now_ms_)) {
    const Waiting first = waiting_.top();
    waiting_.pop();
    if (Connection* connection = find(first.id); connection != nullptr && !connection->dead())
      connection->due(first.sequence);
  }
}

Connection* Loop::find(ConnectionId id) {
  insist(id.place < table_.size());
  return generations_[id.place] == id.generation ? table_[id.place].get() : nullptr;
}

void Loop::interest(Connection& connection, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag_of(connection.id());
  if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd(), &event) != 0) connection.kill();
}

void Loop::listen(bool on) {
  if (listener_ < 0 || on == listening_) return;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kListenerTag;
  ::epoll_ctl(epoll_, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listener_, &event);
  listening_ = on;
}

// make_room ends the oldest handshake that has had its fair time; false if all are young.
bool Loop::make_room() {
  while (!arrivals_.empty()) {
    Connection* oldest = find(arrivals_.front());
    if (oldest != nullptr && oldest->handshaking()) {
      if (now_ms_ < oldest->born_ms() + kHandshakeSafeMs) return false;
      oldest->kill();
      dead_.push_back(arrivals_.front().place);
      arrivals_.pop_front();
      return true;
    }
    arrivals_.pop_front();
  }
  return false;
}

void Loop::handshake_ended(Connection& connection) {
  insist(connection.counted_as_handshake && handshaking_ > 0);
  connection.counted_as_handshake = false;
  --handshaking_;
}

void Loop::accept_some() {
  for (unsigned i = 0; i < kAcceptsMost; ++i) {
    if (handshaking_ >= kHandshakesMost && !make_room()) return listen(false);
    sockaddr_storage from{};
    socklen_t from_size = sizeof from;
    const int fd = ::accept4(listener_, reinterpret_cast<sockaddr*>(&from), &from_size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EMFILE || errno == ENFILE) listen(false);  // the next sweep tries again
      return;
    }
    if (shared_.connections.fetch_add(1) >= options().connections_max) {
      shared_.connections.fetch_sub(1);
      ::close(fd);
      continue;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(table_.size()));
      table_.emplace_back();
      generations_.push_back(0);
    }
    const std::uint32_t place = free_.back();
    free_.pop_back();
    const ConnectionId id{place, ++generations_[place]};
    table_[place] = std::make_unique<Connection>(*this, id, fd, address_of(from));
    ++living_;
    ++handshaking_;
    arrivals_.push_back(id);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;  // a queued handshake must not be reported every turn
    event.data.u64 = tag_of(id);
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
      table_[place]->kill();
      dead_.push_back(place);
    }
  }
}

void Loop::handle(const void* raw) {
  const auto& event = *static_cast<const epoll_event*>(raw);
  if (event.data.u64 == kListenerTag) return accept_some();
  if (event.data.u64 == kEventTag) {
    std::uint64_t count = 0;
    (void)!::read(event_, &count, sizeof count);
    return;
  }
  const ConnectionId id{static_cast<std::uint32_t>(event.data.u64),
                        static_cast<std::uint32_t>(event.data.u64 >> 32)};
  Connection* connection = find(id);
  if (connection == nullptr || connection->dead()) return;
  if ((event.events & EPOLLOUT) != 0) connection->on_writable();
  if ((event.events & EPOLLIN) != 0) connection->on_readable();
  if ((event.events & EPOLLERR) != 0 || (event.events & (EPOLLHUP | EPOLLIN)) == EPOLLHUP)
    connection->kill();
  if (connection->dead()) dead_.push_back(id.place);
}

void Loop::run_coroutines() {
  {
    const std::lock_guard lock(mutex_);
    asleep_ = false;
    running_.swap(ready_);
  }
  if (!running_.empty()) busy_ = true;
  for (const auto coroutine : running_) coroutine.resume();
  running_.clear();
}

void Loop::flush_touched() {
  for (std::size_t i = 0; i < touched_.size(); ++i) {  // flushing may touch again
    Connection* connection = touched_[i];
    connection->touched = false;
    connection->flush();
    if (connection->dead()) dead_.push_back(connection->id().place);
  }
  touched_.clear();
  if (ciphertext.capacity() > kCiphertextKeep) std::string().swap(ciphertext);
}

void Loop::run_handshakes() {
  const std::uint64_t begin = monotonic_us();
  handshake_credit_us_ += static_cast<std::int64_t>(begin - turn_us_) / kShare;
  handshake_credit_us_ = std::clamp(handshake_credit_us_, -kCreditMostUs, kCreditMostUs);
  turn_us_ = begin;
  unsigned steps = 0;
  while (!handshakes_.empty() && (busy_ ? handshake_credit_us_ > 0 : steps < kStepsWhenIdle)) {
    const ConnectionId id = handshakes_.front();
    handshakes_.pop_front();
    Connection* connection = find(id);
    if (connection == nullptr) continue;
    connection->handshake_queued = false;
    if (connection->dead()) continue;
    ++steps;
    connection->handshake_step();
    if (connection->dead()) dead_.push_back(id.place);
    const std::uint64_t end = monotonic_us();
    handshake_credit_us_ -= static_cast<std::int64_t>(end - turn_us_);
    turn_us_ = end;
  }
}

void Loop::sweep_some() {
  if (now_ms_ < sweep_next_ms_) return;
  sweep_next_ms_ = now_ms_ + kSweepMs;
  if (!stopped_) listen(true);
  const std::size_t part = table_.size() / kSweepParts + 1;
  for (std::size_t i = 0; i < part && !table_.empty(); ++i) {
    if (++sweep_at_ >= table_.size()) sweep_at_ = 0;
    Connection* connection = table_[sweep_at_].get();
    if (connection == nullptr) continue;
    connection->sweep();
    if (connection->dead()) dead_.push_back(connection->id().place);
  }
  while (!arrivals_.empty()) {  // forget those that have got through
    Connection* oldest = find(arrivals_.front());
    if (oldest != nullptr && oldest->handshaking()) break;
    arrivals_.pop_front();
  }
  if (stopped_ && now_ms_ >= kill_at_ms_)
    for (std::size_t place = 0; place < table_.size(); ++place)
      if (table_[place] != nullptr) {
        table_[place]->kill();
        dead_.push_back(static_cast<std::uint32_t>(place));
      }
}

void Loop::begin_stop() {
  stopped_ = true;
  kill_at_ms_ = now_ms_ + grace_ms_;
  listen(false);
  ::close(std::exchange(listener_, -1));
  for (const auto& connection : table_) {
    if (connection == nullptr) continue;
    connection->stop();
    if (connection->dead()) dead_.push_back(connection->id().place);
  }
}

// reap frees what died in this turn; only here, so that pointers hold throughout a turn.
void Loop::reap() {
  for (const std::uint32_t place : dead_) {
    if (table_[place] == nullptr) continue;  // named twice
    if (table_[place]->counted_as_handshake) handshake_ended(*table_[place]);
    table_[place].reset();
    ++generations_[place];
    free_.push_back(place);
    --living_;
    shared_.connections.fetch_sub(1);
  }
  dead_.clear();
}

int Loop::wait_ms(bool queued) const {
  if (queued || !handshakes_.empty() || !touched_.empty()) return 0;
  if (living_ == 0 && listening_ && !stopped_) return -1;
  return sweep_next_ms_ > now_ms_ ? static_cast<int>(sweep_next_ms_ - now_ms_) : 0;
}

void Loop::run() {
  Home::make_current(this);
  epoll_event events[kEventsMost];
  turn_us_ = monotonic_us();
  for (;;) {
    bool queued = false;
    {
      const std::lock_guard lock(mutex_);
      queued = !ready_.empty();
      asleep_ = !queued;
    }
    const int count = ::epoll_wait(epoll_, events, kEventsMost, wait_ms(queued));
    insist(count >= 0 || errno == EINTR);
    now_ms_ = monotonic_us() / 1000;
    busy_ = false;
    for (int i = 0; i < count; ++i) handle(&events[i]);
    // After the events: whoever asked set the flag first, so the read of its wake-up shows it.
    if (stop_asked_ && !stopped_) begin_stop();
    run_coroutines();
    release_due();
    sweep_some();
    flush_touched();
    run_handshakes();
    flush_touched();
    reap();
    if (stopped_ && living_ == 0 && outstanding_ == 0) break;
  }
  Home::make_current(nullptr);
}

}  // namespace amanat::net
