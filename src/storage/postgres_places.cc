#include "storage/postgres_places.h"

#include <algorithm>
#include <limits>

#include "model/insist.h"

namespace amanat::storage::pg {
namespace {

constexpr std::int32_t kLeast = std::numeric_limits<std::int32_t>::min();
constexpr std::int32_t kGreatest = std::numeric_limits<std::int32_t>::max();

// Citus 11 to 13: one row a shard of a table that is distributed by hash.
constexpr std::string_view kShardsSql =
    "SELECT c.relname::text, s.shardid::int8, s.shardminvalue::int4, s.shardmaxvalue::int4,"
    " n.groupid::int8, n.nodename::text, n.nodeport::text"
    " FROM pg_dist_partition d JOIN pg_class c ON c.oid = d.logicalrelid"
    " JOIN pg_dist_shard s ON s.logicalrelid = d.logicalrelid"
    " JOIN pg_dist_placement pl ON pl.shardid = s.shardid"
    " JOIN pg_dist_node n ON n.groupid = pl.groupid"
    " WHERE d.partmethod = 'h' AND pl.shardstate = 1 AND n.noderole::text = 'primary'"
    " AND n.isactive AND c.relname::text LIKE 'amanat\\_%'"
    " ORDER BY c.relname::text, s.shardminvalue::int4";

std::unexpected<Fault> odd(std::string_view what) {
  return std::unexpected(Fault{{}, false, "Citus' metadata: " + std::string(what)});
}

}  // namespace

Reply<void> Places::add(const Rows& rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::size_t t = 0;
    while (t < kTables && table_name(static_cast<Table>(t)) != rows.bytes(i, 0)) ++t;
    if (t == kTables) continue;
    Shard shard{static_cast<std::int32_t>(rows.number(i, 2)),
                static_cast<std::int32_t>(rows.number(i, 3)),
                {}};
    shard.spot.shard = rows.number(i, 1);
    shard.spot.group = rows.number(i, 4);
    shard.spot.node = Node{std::string(rows.bytes(i, 5)), std::string(rows.bytes(i, 6))};
    shard.spot.relation = std::string(rows.bytes(i, 0)) + "_" + std::to_string(shard.spot.shard);
    if (std::find(nodes_.begin(), nodes_.end(), shard.spot.node) == nodes_.end())
      nodes_.push_back(shard.spot.node);
    auto& shards = shards_[t];
    const bool follows = shards.empty() ? shard.least == kLeast
                                        : shards.back().greatest != kGreatest &&
                                              shard.least == shards.back().greatest + 1;
    if (!follows) return odd("a table's shards have a gap or two placements");
    shards.push_back(std::move(shard));
  }
  for (const auto& shards : shards_)
    if (!shards.empty() && shards.back().greatest != kGreatest)
      return odd("a table's shards end early");
  return {};
}

Reply<std::shared_ptr<const Places>> Places::read(Link& base) {
  auto places = std::make_shared<Places>();
  for (std::size_t t = 0; t < kTables; ++t)
    places->whole_[t].relation = table_name(static_cast<Table>(t));
  auto there = base.ask({"",
                         "SELECT (to_regclass('pg_dist_placement') IS NOT NULL)::int4,"
                         " (SELECT count(*) FROM pg_proc"
                         " WHERE proname = 'lock_shard_metadata')::int8"});
  if (!there) return std::unexpected(there.error());
  if (there->number(0, 0) == 0) return places;
  places->lockable_ = there->number(0, 1) > 0;
  auto rows = base.ask({"", std::string(kShardsSql)});
  if (!rows) return std::unexpected(rows.error());
  if (auto added = places->add(*rows); !added) return std::unexpected(added.error());
  return places;
}

const Spot& Places::find(Table table, std::string_view place) const {
  const auto t = static_cast<std::size_t>(table);
  insist(t < kTables);
  const auto& shards = shards_[t];
  if (shards.empty()) return whole_[t];
  const std::int32_t hash = place_hash(place);
  const auto after =
      std::upper_bound(shards.begin(), shards.end(), hash,
                       [](std::int32_t value, const Shard& shard) { return value < shard.least; });
  insist(after != shards.begin());
  return std::prev(after)->spot;
}

std::vector<Spot> Places::all(Table table) const {
  const auto t = static_cast<std::size_t>(table);
  insist(t < kTables);
  if (shards_[t].empty()) return {whole_[t]};
  std::vector<Spot> out;
  for (const Shard& shard : shards_[t]) out.push_back(shard.spot);
  return out;
}

}  // namespace amanat::storage::pg
