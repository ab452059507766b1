#pragma once
// Where rows rest: on the one server there is, or where Citus has placed the shards of a table, as
// its metadata says (pg_dist_partition, pg_dist_shard, pg_dist_placement, pg_dist_node). Private to
// storage. Places never change; a newer reading makes another.

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/postgres_layout.h"
#include "storage/postgres_wire.h"

namespace amanat::storage::pg {

/// Node is a server; with an empty host it is the one the store's URL names.
struct Node {
  std::string host, port;
  auto operator<=>(const Node&) const = default;
};

/// Spot is a relation on a node. Outside Citus shard and group are 0.
struct Spot {
  Node node;
  std::string relation;
  std::int64_t shard = 0, group = 0;
};

class Places {
 public:
  /// read asks the server that the URL names. Faults: shards with a gap or with two placements.
  static Reply<std::shared_ptr<const Places>> read(Link& base);

  /// find is where a table's rows of this place rest. It lives as long as the places.
  const Spot& find(Table table, std::string_view place) const;
  /// all is every spot of a table.
  std::vector<Spot> all(Table table) const;
  /// nodes is every server, the URL's first.
  const std::vector<Node>& nodes() const { return nodes_; }
  /// distributed says that there are shards at all.
  bool distributed() const { return nodes_.size() > 1; }
  /// lockable says that Citus' own lock against moving a shard can be taken.
  bool lockable() const { return lockable_; }

 private:
  struct Shard {
    std::int32_t least, greatest;  // hash of the place
    Spot spot;
  };
  Reply<void> add(const Rows& rows);

  std::array<Spot, kTables> whole_;
  std::array<std::vector<Shard>, kTables> shards_;  // empty: the table is whole
  std::vector<Node> nodes_ = {Node{}};
  bool lockable_ = false;
};

}  // namespace amanat::storage::pg
