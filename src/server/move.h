#pragma once
// server, move: takes an exchange's rows from one store to another, of whatever engine. The home
// must not be open. Ledger and keys stay where they are: they are files of the home on every
// engine.
//
// 1. The rows arrive in the order of their keys, each batch with a row that says how far it came
//    (kMovingRow, in the same batch): a move that was killed goes on after the last batch.
// 2. Both stores are then read side by side and every row is compared by digest. A difference (the
//    exchange was used in between) empties the target and begins again, once.
// 3. Only then the old store is marked as left, exchange.toml names the new one, and the mark that
// a
//    move is under way goes. Killed anywhere in between, the next run does what is missing.

#include <cstdint>
#include <functional>
#include <string>

#include "crypto/crypto.h"
#include "model/result.h"
#include "server/engine.h"
#include "server/exchange.h"

namespace amanat::server {

struct Moved {
  std::uint64_t rows = 0, bytes = 0;
  std::uint64_t resumed_after = 0;  // rows that an earlier run had brought
  Digest digest{};                  // over all rows, in order: the same for both stores
};

/// MoveProgress is told rows done in a pass: 1 copies, 2 compares. Returning false ends the move as
/// a failure there and then (for tests).
using MoveProgress = std::function<bool(int pass, std::uint64_t rows)>;

/// move_store moves the home's rows to `to`: kLocalStore or a postgresql:// URL.
/// Errors: exchange_missing, exchange_busy (it is open), config_wrong, exchange_exists (the target
/// holds other rows, or the rows are there already), store_failed, disk_full.
Result<Moved> move_store(const Home& home, const std::string& to, const MoveProgress& progress);

/// with_store is an exchange.toml's text with another value of `key`; all else in it stays.
std::string with_store(std::string_view config, std::string_view store,
                       std::string_view key = "store");

/// digest_rows reads all rows of a store but the marks of a move, and returns their number, size
/// and digest. Errors: store_failed.
Result<Moved> digest_rows(const storage::Reader& store,
                          const std::function<bool(std::uint64_t rows)>& progress);

}  // namespace amanat::server
