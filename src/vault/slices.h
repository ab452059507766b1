#pragma once
// Slices: keys of ledger openings, one per label and calendar quarter (UTC). Private to the vault.
// Thread-safe. A pool of fresh, synced slices is kept ahead, so that handing one out waits for no
// disk; when the pool runs dry, one is made and synced inline.
//
// A slice id is the slot's number and 8 of its random bytes (the salt), enciphered. So the ids look
// random, need no index of their own, and the id of a slice that an older backup of the slot file
// does not know is recognised as unknown instead of opening with a stranger's key.
//
// Which label has which slice is remembered, and where there is a store also kept there, so that
// the memory is bounded and a start needs to be told only of the openings that the store may have
// lost with the power. A row of Table::slices: keyed name of the label (16) and quarter (4),
// big-endian
// -> slot numbers (8 each). Ids are not in it: a slot leads to its id through the slot file alone.
//
// Invariants
//  1. A slice belongs to one label: take_fresh() alone assigns, from slots made by this process;
//     slots of earlier processes are only ever assigned by remember(), to the label they had.
//  2. Whatever take_fresh() returns is durable in the slot file.
//  3. With a store, every assigned slice is in its row before it is handed out.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "crypto/crypto.h"
#include "model/entry.h"
#include "storage/storage.h"
#include "vault/slots.h"

namespace amanat::vault {

class Slices {
 public:
  using Id = std::array<std::uint8_t, 16>;

  Slices(std::unique_ptr<SlotFile> file, const Key256& master);
  ~Slices();
  Slices(const Slices&) = delete;
  Slices& operator=(const Slices&) = delete;

  /// keep_in keeps the assignments in a store as well; before the first of them.
  void keep_in(storage::Store& store);
  Result<Slice> slice_for(const Label& label, Moment at);
  Result<Key256> key(const Id& id) const;
  Result<void> remember(const Id& id, const Label& label, Moment at);
  Result<std::uint64_t> destroy(const Label& label);
  Result<std::uint64_t> destroy_before(Moment end);

 private:
  struct LabelHash {
    std::size_t operator()(const Label& label) const;
  };
  struct Assigned {
    std::uint32_t quarter;
    std::uint64_t slot;
    Id id;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_multimap<Label, Assigned, LabelHash> assigned;
  };
  struct Fresh {
    std::uint64_t slot;
    Slice slice;
  };
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kShardMax = 32'768;  // half a million in all, about 60 MB

  Shard& shard_of(const Label& label) { return shards_[label[31] % kShards]; }
  /// live_slice finds a label's slice for a quarter; nullopt if it has none or it was destroyed.
  Result<std::optional<Slice>> live_slice(const Shard& shard, const Label& label,
                                          std::uint32_t quarter) const;
  /// recall puts what the store knows of a label and quarter into memory. Not under a lock.
  Result<void> recall(const Label& label, std::uint32_t quarter);
  Result<void> keep(const Label& label, std::uint32_t quarter, std::uint64_t slot);
  void assign(Shard& shard, const Label& label, Assigned assigned) const;
  std::string place_of(const Label& label) const;
  static std::string row_of(std::string place, std::uint32_t quarter);
  Result<Fresh> take_fresh();
  Result<std::vector<Fresh>> make_fresh(std::size_t count);
  void fill();
  Id id_of(std::uint64_t slot, const SlotFile::Salt& salt) const;
  std::pair<std::uint64_t, SlotFile::Salt> slot_of(const Id& id) const;

  const std::unique_ptr<SlotFile> file_;
  const crypto::Hmac id_mac_, place_mac_;
  storage::Store* store_ = nullptr;
  std::array<Shard, kShards> shards_;

  std::mutex pool_mutex_;
  std::condition_variable pool_low_;
  std::vector<Fresh> pool_;
  bool wanted_ = false, stopping_ = false;
  std::thread filler_;  // started by the first slice handed out: most commands hand out none
};

}  // namespace amanat::vault
