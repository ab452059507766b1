#pragma once
// storage, a disk in PostgreSQL: the durable files of a process that has no disk of its own, for
// one holder at a time. A small door beside storage.h.
//
// Each disk has a name, and whoever holds it holds it for a term: its number is in a row that every
// transaction checks and updates, so that nobody writes after another's term has begun, whatever
// became of sessions, locks or servers meanwhile.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "model/result.h"
#include "storage/file.h"

namespace amanat::storage {

struct PostgresDiskOptions {
  std::string name;  // which of the database's disks; made when it is not there
  enum class Busy : std::uint8_t { refuse, wait } busy = Busy::refuse;
  /// A holder that has not reached the server for so long ends itself ...
  unsigned silence_ms = 5'000;
  /// ... and its successor begins no sooner after it was last heard of. More than silence_ms.
  unsigned lease_ms = 6'000;
  std::size_t cache_bytes = std::size_t{32} << 20;  // blocks read or written lately
  std::function<bool()> go_on;                      // asked while it waits; null: always
  std::function<void(std::string_view)> on_wait;    // told once whom it waits for; null: nobody
  /// on_lost is told, once and on a thread of its own, that the term is over without having been
  /// given back. Null: words on standard error, 100 ms for answers on their way, abort.
  std::function<void(std::string_view)> on_lost;
};

/// open_postgres_disk takes the disk `options.name` in the database that `url` names
/// (docs/storage.md). What is written is buffered in the process; File::sync and sync_directory are
/// each a transaction that is on the server's disk, and on its synchronous standby's, when they
/// return. A transaction whose outcome is not known, or that finds the term over, ends the disk:
/// every later call fails. Thread-safe; a File is one thread's at a time. The destructor gives the
/// term back, so that the next holder need not wait. Errors: config_wrong (as check_postgres_url),
/// exchange_busy (it is held, and options.busy says refuse), shutting_down (go_on said no),
/// store_failed, disk_full.
Result<std::unique_ptr<Disk>> open_postgres_disk(const std::string& url,
                                                 const PostgresDiskOptions& options);

/// look_at_postgres_disk shows a disk as it is now, whoever holds it and writes on: for checks and
/// copies. Every call that would change something fails. Thread-safe. Errors: config_wrong,
/// exchange_missing (there is none of this name), store_failed.
Result<std::unique_ptr<Disk>> look_at_postgres_disk(const std::string& url,
                                                    const std::string& name);

/// kPostgresBlockBytes is how much of a file is one row, at most.
inline constexpr std::size_t kPostgresBlockBytes = 4096;

}  // namespace amanat::storage
