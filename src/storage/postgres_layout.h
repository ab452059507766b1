#pragma once
// The store's tables in PostgreSQL: names, columns, statements, and which part of a key says on
// which shard its row rests. Plain SQL and bytea alone, so that engines which speak PostgreSQL's
// protocol can run it. Private to storage.
//
// Each table is (p, k, v) with primary key (p, k): k the key, v the value, p the part of k by which
// rows are distributed: the subject's tag, slot or blind tag. A subject's rows of one table are
// thus side by side, whoever places them: Citus by create_distributed_table(..., 'p'), YugabyteDB
// by the first column of the primary key, CockroachDB by ranges of it.

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/postgres_wire.h"
#include "storage/storage.h"

namespace amanat::storage::pg {

inline constexpr std::string_view kLayout = "1";
/// kOwn is a table beside the store's: what layout this is, and decisions over several servers.
inline constexpr std::string_view kOwn = "amanat_own";

/// table_name is a table's name without a shard's number.
std::string_view table_name(Table table);
/// place_of is the part of a key by which its row is placed.
std::string_view place_of(Table table, std::string_view key);
/// place_of_prefix says whether all keys under a prefix are in one place, and which.
bool place_of_prefix(Table table, std::string_view prefix, std::string_view& place);
/// keys_lie_by_place says that order by (p, k) is order by k.
bool keys_lie_by_place(Table table);

/// place_hash is PostgreSQL's hash of a bytea (hash_bytes, src/common/hashfn.c), by which Citus
/// chooses a shard.
std::int32_t place_hash(std::string_view place);

/// Span is the keys of a scan: from `low` on, below `high`.
struct Span {
  std::string low, high;
  std::string place;       // if `one_place`
  bool one_place = false;  // then only rows with this p
  bool by_place = false;   // else p bounds the keys too
};
Span span_of(Table table, std::string_view prefix, std::string_view from);

// Statements on one relation (a table, or a shard of it).
Statement create_table(Table table);
Statement get_one(std::string_view relation);                                   // p, k -> v
Statement put_one(std::string_view relation);                                   // p, k, v
Statement put_many(std::string_view relation);                                  // p[], k[], v[]
Statement erase_one(std::string_view relation);                                 // p, k
Statement erase_many(std::string_view relation);                                // p[], k[]
Statement select_span(std::string_view relation, const Span& span, int limit);  // -> k, v
/// bind is the parameters of select_span; they view the span.
std::vector<std::string_view> bind(const Span& span);

}  // namespace amanat::storage::pg
