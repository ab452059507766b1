#pragma once
// server, snapshot: what a start learns from the ledger's entries (whose budget is spent, who is
// held, which policy is in force), kept up to a size of the ledger, so that the next start reads
// only the entries after it (docs/restart.md). Kept by Exchange::State (snapshot.cc).
//
// Invariants
//  1. A snapshot is what a replay of exactly the entries below its size gives: it is made by such a
//     replay, beside the running exchange, never from what the exchange has in memory.
//  2. It is sealed under a key of its own in the vault, which is destroyed when the snapshot is
//     replaced: no copy of its file says anything about whoever was erased since.
//  3. A row of the store names the one snapshot that counts. It is written, synced, after the file
//     is whole, so all that the vault kept in the store for those entries is durable too.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"
#include "model/result.h"
#include "storage/storage.h"

namespace amanat::server {

/// SnapshotHead is the beginning of a snapshot's file, in clear.
struct SnapshotHead {
  Digest log{};            // SHA-256 of the ledger's origin
  std::uint64_t size = 0;  // entries it rests on
  Digest root{};           // of their tree
  std::uint64_t slot = 0;  // of its key in the vault
  std::string state_id;    // Detection::state_id
  friend bool operator==(const SnapshotHead&, const SnapshotHead&) = default;
};
/// Snapshot is what it says besides detection's state, which is read into a Detection.
struct Snapshot {
  SnapshotHead head;
  std::vector<std::uint64_t> standing;  // entries that every start reads again: is_standing()
};
std::string encode_head(const SnapshotHead& head);
/// decode_head reads the exact form. Errors: ledger_corrupt.
Result<SnapshotHead> decode_head(std::string_view bytes);

/// note_slices_kept says in the store that the slices of all entries below `size`, which are
/// durable in the ledger, were kept there before: the next start need not tell the vault of them.
/// Errors: store_failed, disk_full.
Result<void> note_slices_kept(storage::Store& store, std::uint64_t size);
/// slices_kept is what note_slices_kept said last; 0: nothing. Errors: store_failed.
Result<std::uint64_t> slices_kept(const storage::Store& store);

}  // namespace amanat::server
