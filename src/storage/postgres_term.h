#pragma once
// A term of one holder over a disk in PostgreSQL, and the transactions it may make. Private to
// storage.
//
// 1. All writes go over one session, which holds an advisory lock: when the session is lost, so is
//    the lock, and nothing is sent again.
// 2. Each transaction updates the disk's row where holder and term are its own, or fails. A
//    successor's term begins by updating the same row, so it waits for a transaction under way and
//    every later one fails: also on a server that has lost its advisory locks (a failover).
// 3. A holder that has not committed anything for silence_ms ends; a successor begins no sooner
//    than lease_ms after the row was last updated, unless it was given back. So a former holder
//    does nothing outside the database either.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "storage/postgres_disk.h"
#include "storage/postgres_wire.h"

namespace amanat::storage::pg {

/// DiskChange is what one transaction does, in this order.
struct DiskChange {
  struct Cut {
    std::int64_t file, block;  // rows of this block and those behind it go
  };
  struct Block {
    std::int64_t file, number;
    std::string_view bytes;
  };
  struct Size {
    std::int64_t file, bytes;
  };
  struct Name {
    std::string path;
    std::int64_t file;  // 0: the name goes
  };
  std::vector<Cut> cuts;
  std::vector<Block> blocks;
  std::vector<Size> sizes;
  std::vector<Name> names;
  std::vector<std::int64_t> gone;  // files of which nothing stays
};

/// DiskContent is what a disk holds when a term begins, the blocks' bytes apart.
struct DiskContent {
  struct FileRow {
    std::int64_t file, bytes, blocks_end;
  };
  std::vector<FileRow> files;
  std::vector<DiskChange::Name> names;
};

class Term {
 public:
  static Result<std::unique_ptr<Term>> take(const Target& target,
                                            const PostgresDiskOptions& options);
  ~Term();
  Term(const Term&) = delete;
  Term& operator=(const Term&) = delete;

  /// content reads what is there, and removes files that no name leads to.
  Result<DiskContent> content();
  /// commit does one transaction; an empty one renews the term. Errors: disk_full and store_failed
  /// (nothing was done, the term goes on), file_failed (the term is over; it may have been done).
  Result<void> commit(const DiskChange& change);
  bool over() const { return over_.load(std::memory_order_acquire); }
  /// quiet says for how long nothing was committed.
  std::chrono::milliseconds quiet() const;
  std::int64_t disk() const { return disk_; }

 private:
  using Clock = std::chrono::steady_clock;
  explicit Term(const PostgresDiskOptions& options);
  Reply<void> make_tables(Link& link);
  Reply<bool> begin();
  Reply<bool> lock();
  Reply<void> evict();
  void send_change(const DiskChange& change);
  Result<void> end(std::string why);

  const PostgresDiskOptions options_;
  const std::string holder_;
  std::unique_ptr<Link> link_;
  std::int64_t disk_ = 0, term_ = 0;
  std::string fence_disk_, fence_term_;
  std::mutex mutex_;  // the session: one transaction at a time
  std::atomic<std::int64_t> last_good_ms_{0};
  std::atomic<bool> over_{false};
};

}  // namespace amanat::storage::pg
