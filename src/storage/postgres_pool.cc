#include "storage/postgres_pool.h"

#include "model/insist.h"

namespace amanat::storage::pg {
namespace {

constexpr auto kTakeWait = std::chrono::seconds(30);

}  // namespace

Reply<Pool::Lease> Pool::take(const Node& node) {
  {
    std::unique_lock lock(mutex_);
    Server& server = servers_[node];
    const bool free = returned_.wait_for(
        lock, kTakeWait, [&] { return !server.idle.empty() || server.open < connections_max_; });
    if (!free) return std::unexpected(Fault{{}, false, "all connections are in use"});
    if (!server.idle.empty()) {
      std::unique_ptr<Link> link = std::move(server.idle.back());
      server.idle.pop_back();
      return Lease(*this, node, std::move(link));
    }
    ++server.open;
  }
  auto link = Link::dial(node.host.empty() ? base_ : base_.at(node.host, node.port));
  if (link) return Lease(*this, node, *std::move(link));
  const std::lock_guard lock(mutex_);
  --servers_[node].open;
  returned_.notify_one();
  return std::unexpected(std::move(link.error()));
}

// After one connection is lost the others of that server are most likely dead too; each would cost
// a failed attempt of its own.
void Pool::give(const Node& node, std::unique_ptr<Link> link) {
  std::vector<std::unique_ptr<Link>> dead;
  {
    const std::lock_guard lock(mutex_);
    Server& server = servers_[node];
    if (link->lost()) {
      dead.swap(server.idle);
      dead.push_back(std::move(link));
      insist(server.open >= dead.size());
      server.open -= dead.size();
    } else {
      server.idle.push_back(std::move(link));
    }
  }
  returned_.notify_one();
}

std::size_t Pool::idle() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [node, server] : servers_) count += server.idle.size();
  return count;
}

}  // namespace amanat::storage::pg
