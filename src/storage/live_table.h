#pragma once
// storage, live tables: a table or view that stays in its department's own PostgreSQL, read for one
// ID at a time and never written. The server is another's: its words are never passed on, and what
// it sends is bounded in time, rows and bytes. Not thread-safe: one LiveTable, one thread.
//
// Invariants
//  1. Names are quoted, the ID is a parameter: neither can become a statement.
//  2. The session is read-only and the server is told to give up when we do.
//  3. After anything but a whole answer the connection is closed: nothing of one citizen can be
//  read
//     as another's.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"
#include "model/secret.h"

namespace amanat::storage {

struct LiveTableOptions {
  std::string host, port, user, database;  // a host with a / is a socket's directory
  bool plain = false;                      // no TLS; else TLS with the server's name checked
  std::string ca_file;                     // empty: the system's authorities
  std::string certificate_file, key_file, password_file;  // empty: none
  std::string schema, table, id_column;
  unsigned connect_ms = 1'000, total_ms = 3'000;
  std::size_t rows_max = 100, bytes_max = 1 << 20;
};

/// LiveRows is what came, as text; NULL is an empty cell.
struct LiveRows {
  WipingBuffer text;
  std::vector<std::vector<WipingBuffer::Place>> rows;  // each: one cell a column asked for
};

class LiveTable {
 public:
  explicit LiveTable(LiveTableOptions options);
  LiveTable(LiveTable&&) noexcept;
  ~LiveTable();

  /// read returns the rows whose ID column equals `id`, `columns` alone; connects if need be.
  /// Errors: department_silent (not there, refuses us, or late; a credential's file),
  /// department_reply_wrong (no such table or column, too many rows or bytes, a type that cannot
  /// hold the ID).
  Result<LiveRows> read(const std::vector<std::string>& columns, std::string_view id,
                        std::chrono::steady_clock::time_point deadline);
  /// examine tries the table without a citizen, and lists what an operator should change: columns
  /// of bytes, and more rights than to read. Errors: as read's.
  Result<std::vector<std::string>> examine(const std::vector<std::string>& columns,
                                           std::chrono::steady_clock::time_point deadline);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace amanat::storage
