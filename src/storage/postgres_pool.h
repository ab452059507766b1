#pragma once
// Connections kept open, by server. A thread takes one for as long as it needs it; the one given
// back last is taken next. Private to storage. Thread-safe.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "storage/postgres_places.h"

namespace amanat::storage::pg {

class Pool {
 public:
  Pool(Target base, std::size_t connections_max)
      : base_(std::move(base)), connections_max_(connections_max) {}

  /// Lease gives its connection back when it dies, unless it was lost.
  class Lease {
   public:
    Lease(Pool& pool, Node node, std::unique_ptr<Link> link)
        : pool_(&pool), node_(std::move(node)), link_(std::move(link)) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (pool_of_link()) pool_->give(node_, std::move(link_));
    }
    Link& operator*() const { return *link_; }
    Link* operator->() const { return link_.get(); }

   private:
    bool pool_of_link() const { return link_ != nullptr; }
    Pool* pool_;
    Node node_;
    std::unique_ptr<Link> link_;
  };

  /// take returns a connection, at most `connections_max` a server at a time. Faults: the server
  /// cannot be reached; all were in use for half a minute.
  Reply<Lease> take(const Node& node);
  /// idle is how many connections wait to be used.
  std::size_t idle() const;

 private:
  friend class Lease;
  struct Server {
    std::vector<std::unique_ptr<Link>> idle;
    std::size_t open = 0;
  };
  void give(const Node& node, std::unique_ptr<Link> link);

  const Target base_;
  const std::size_t connections_max_;
  mutable std::mutex mutex_;
  std::condition_variable returned_;
  std::map<Node, Server> servers_;
};

inline constexpr auto kPauseMax = std::chrono::milliseconds(100);

/// patiently does `act` on a connection to `node`, again while what went wrong may pass, for at
/// most `patience`. What it does must be repeatable.
template <class Act>
auto patiently(Pool& pool, const Node& node, std::chrono::milliseconds patience, const Act& act)
    -> decltype(act(std::declval<Link&>())) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (auto pause = std::chrono::milliseconds(1);; pause = std::min(pause * 2, kPauseMax)) {
    Fault fault;
    if (auto lease = pool.take(node)) {
      auto done = act(**lease);
      if (done || !done.error().passing()) return done;
      fault = std::move(done.error());
    } else {
      fault = std::move(lease.error());
      if (!fault.passing()) return std::unexpected(std::move(fault));
    }
    if (std::chrono::steady_clock::now() + pause > deadline)
      return std::unexpected(std::move(fault));
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace amanat::storage::pg
