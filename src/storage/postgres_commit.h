#pragma once
// How a batch becomes visible and durable in PostgreSQL: one transaction on one server, or prepared
// on several with the decision written down first. Private to storage. Thread-safe.
//
// 1. Nothing is sent twice whose first sending may have been committed: after a connection is lost
// in
//    a COMMIT, PostgreSQL is asked what became of that transaction.
// 2. A batch over several servers is decided by one row, written to the URL's server before any of
//    them commits. Whoever finds a prepared batch without such a row writes "abort" there; of two
//    who write, the first wins. So a batch is committed on all servers or on none.
// 3. A write to a shard holds Citus' lock against moving it and checks that it is still there.

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "storage/postgres_pool.h"

namespace amanat::storage::pg {

/// kMoved is the SQLSTATE with which a write finds that a shard is elsewhere (a division by zero in
/// the check itself).
inline constexpr std::string_view kMoved = "22012";

class Committer {
 public:
  Committer(Pool& pool, std::chrono::milliseconds patience) : pool_(pool), patience_(patience) {}

  /// learn asks what the server can tell of ended transactions.
  Reply<void> learn();
  /// write applies a batch. Faults: kMoved or a missing table (read the places again and repeat);
  /// else as they come.
  Reply<void> write(const Places& places, const Batch& batch, Durability durability);
  /// flush makes everything written to a server durable.
  Reply<void> flush(const Node& node);
  /// flush_all does so on every server that may hold buffered writes.
  Reply<void> flush_all(const Places& places);
  /// recover ends batches that a process which died left prepared. Nobody else may be writing.
  Reply<void> recover(const Places& places);
  /// owes says that a decided batch did not reach every server yet: until it does, what is read
  /// there is older than what was written.
  bool owes() const { return owes_; }
  /// settle_debts commits what is owed, and forgets decisions nobody needs; true if none is owed.
  bool settle_debts();

 private:
  struct Piece {
    Statement statement;
    std::vector<std::string> parameters;
  };
  struct Share {  // what of a batch one server does
    Node node;
    std::int64_t group = 0;
    std::vector<std::int64_t> shards;
    std::vector<Piece> pieces;
  };
  static std::vector<Share> divide(const Places& places, const Batch& batch);
  static void send(Link& link, const Places& places, const Share& share);
  Reply<void> commit_one(const Places& places, const Share& share, Durability durability);
  Reply<void> prepare(const Places& places, const std::vector<Share>& shares,
                      const std::vector<std::string>& names);
  Reply<void> commit_many(const Places& places, const std::vector<Share>& shares);
  Reply<bool> was_committed(const Node& node, const std::string& transaction);
  Reply<std::string> decide(const std::string& batch, std::string_view wish);
  void finish(const Node& node, const std::string& prepared, bool commit);

  Pool& pool_;
  const std::chrono::milliseconds patience_;
  bool knows_transactions_ = false;
  std::mutex mutex_;
  std::map<std::string, std::pair<Node, bool>> debts_;  // prepared: where, and commit or not
  std::atomic<bool> owes_ = false;
  std::map<Node, bool> unflushed_;
  std::vector<std::string> ended_;  // batches whose decision nobody needs any more
};

}  // namespace amanat::storage::pg
