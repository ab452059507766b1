#pragma once
// A slot file: wrapped 256-bit keys in fixed places of 64 bytes, numbered from 1, never reused.
// Private to the vault. Thread-safe; readers never wait for a sync. Format: docs/vault-format.md.
//
// Invariants
//  1. The file grows only at its end; a number is handed out once. At open the next number is the
//     one after the last slot that is not all zero (SlotFile::open). A destroyed slot is not zero.
//  2. Slots from durable_end_ on live in pending_ until a sync that covers them succeeded
//     (SlotFile::flush), so a failed sync loses nothing and is simply done again.
//  3. A key is in the cache only if its slot was live when the shard's lock was last held;
//  destroy()
//     evicts under that lock after the tombstone is in the file (SlotFile::destroy).

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "crypto/crypto.h"
#include "model/result.h"
#include "model/secret.h"
#include "storage/file.h"

namespace amanat::vault {

class SlotFile {
 public:
  /// Kind is bound into every wrapped key. Values are on disk: never renumber.
  enum class Kind : std::uint8_t { subject = 1, slice = 2 };
  /// Salt is 8 random bytes of a slot that die with it.
  using Salt = std::array<std::uint8_t, 8>;
  struct Held {
    std::uint64_t slot = 0;
    Salt salt{};
    Key256 key;
  };
  struct CacheShape {
    std::size_t shards, keys_per_shard;  // powers of two
  };
  static constexpr std::size_t kSlotBytes = 64;

  /// create makes an empty file, or accepts an empty one that an interrupted create left.
  /// Errors: key_missing (the file holds keys already), file_failed, disk_full.
  static Result<void> create(storage::Disk& disk, const std::string& path, Kind kind,
                             const Key256& master);
  /// open reads the header and finds the next number. Errors: key_missing, file_failed.
  static Result<std::unique_ptr<SlotFile>> open(storage::Disk& disk, const std::string& path,
                                                Kind kind, const Key256& master, CacheShape cache);

  /// Rewrap is a slot file to be written again under another master key.
  struct Rewrap {
    storage::Disk& disk;
    std::string from, to;
    Kind kind;
    const Key256& old_master;
    const Key256& new_master;
    const std::function<void(std::uint64_t slots)>& progress;  // may be null
  };
  struct Counted {
    std::uint64_t live = 0, destroyed = 0, broken = 0;
  };
  /// rewrap writes `to`, durable: the same slots with the same salts, keys wrapped anew. Slots that do
  /// not open are copied as they are. Errors: key_missing (another master key), file_failed, disk_full.
  static Result<Counted> rewrap(const Rewrap& job);

  /// make wraps a fresh key; durable after sync(). Errors: those of sync() (now and then it syncs).
  Result<Held> make();
  /// sync makes every slot made so far durable. Errors: file_failed, disk_full; may be called
  /// again.
  Result<void> sync();
  /// read unwraps. Errors: erased, seal_broken, key_missing (never made), file_failed.
  Result<Held> read(std::uint64_t slot) const;
  /// destroy overwrites all `slots` in place, then syncs once. Errors: key_missing (a number never
  /// made; nothing is destroyed then), file_failed, disk_full; after these, call it again.
  Result<void> destroy(std::span<const std::uint64_t> slots);
  /// end is one past the highest number made.
  std::uint64_t end() const;

 private:
  struct Cached {
    std::uint64_t slot = 0;  // 0 = empty
    Salt salt{};
    Key256 key;
  };
  struct Shard {
    std::mutex mutex;
    std::unique_ptr<storage::File> file;  // its own handle: a File serves one thread at a time
    std::vector<Cached> cached;           // empty until first used: most commands read few keys
  };

  SlotFile(storage::Disk& disk, std::string path, Kind kind, const Key256& master);
  Result<void> find_end();
  Result<void> flush_locked();
  Result<void> reopen_if_broken();
  Result<std::string> bytes_of_slot(Shard& shard, std::uint64_t slot) const;
  Result<Held> unwrap(std::uint64_t slot, std::string_view bytes) const;
  void draw(std::span<std::uint8_t> out);
  Shard& shard_of(std::uint64_t slot) const { return shards_[slot & (shards_.size() - 1)]; }
  Cached& place_of(Shard& shard, std::uint64_t slot) const {
    if (shard.cached.empty()) shard.cached.resize(keys_per_shard_);
    return shard.cached[slot / shards_.size() & (keys_per_shard_ - 1)];
  }

  storage::Disk& disk_;
  const std::string path_;
  const Kind kind_;
  const Key256 wrap_;

  // Lock order: sync_mutex_, then a shard's, then mutex_.
  std::mutex sync_mutex_;  // one writer of the file at a time
  std::unique_ptr<storage::File> file_;
  bool broken_ = false;          // a sync failed: the handle must not be used again
  std::uint64_t allocated_ = 0;  // slots the file has room for

  mutable std::mutex mutex_;  // short: never held over a system call on the file
  std::uint64_t durable_end_ = 1;
  std::uint64_t next_ = 1;
  std::string pending_;  // slots [durable_end_, next_)
  std::array<std::uint8_t, 4096> random_{};
  std::size_t random_used_ = sizeof random_;

  mutable std::vector<Shard> shards_;
  std::size_t keys_per_shard_ = 1;
};

}  // namespace amanat::vault
