#include "storage/postgres_commit.h"

#include <algorithm>
#include <array>
#include <random>

#include "model/insist.h"

namespace amanat::storage::pg {
namespace {

constexpr std::size_t kPieceRows = 16'384, kPieceBytes = std::size_t{4} << 20;
constexpr std::string_view kPrepared = "amanat_";

const Statement kBegin{"begin", "BEGIN"};
const Statement kCommit{"commit", "COMMIT"};
const Statement kRollback{"rollback", "ROLLBACK"};
const Statement kLazily{"lazily", "SET LOCAL synchronous_commit TO off"};
const Statement kLockWait{"lock wait", "SET LOCAL lock_timeout TO '2s'"};
const Statement kTransaction{"transaction", "SELECT pg_current_xact_id()::text"};

// ShareLock (5) is what Citus takes for a write of its own; moving a shard takes ExclusiveLock.
const Statement kHoldShards{"hold", "SELECT lock_shard_metadata(5, $1::int8[])"};
const Statement kCheckShards{"check",
                             "SELECT 1 / (count(*) = $2::int8)::int4 FROM pg_dist_placement WHERE "
                             "shardid = ANY($1::int8[]) AND groupid = $3::int8 AND shardstate = 1"};

std::string name_of_batch() {
  static constexpr char kHex[] = "0123456789abcdef";
  std::random_device random;
  std::string name;
  while (name.size() < 32) name.push_back(kHex[random() % 16]);
  return name;
}

// Of a prepared transaction's name, amanat_BATCH_NUMBER, the batch.
std::string batch_of(std::string_view prepared) {
  prepared.remove_prefix(kPrepared.size());
  return std::string(prepared.substr(0, prepared.find('_')));
}

void undo(Link& link) {
  if (!link.lost()) (void)link.ask(kRollback);
}

}  // namespace

Reply<void> Committer::learn() {
  return patiently(pool_, Node{}, patience_, [&](Link& link) -> Reply<void> {
    auto rows = link.ask({"",
                          "SELECT (SELECT count(*) FROM pg_proc WHERE proname ="
                          " 'pg_xact_status')::int8, (version() LIKE 'PostgreSQL %'"
                          " AND version() NOT LIKE '%-YB-%')::int4"});
    if (!rows) return std::unexpected(rows.error());
    knows_transactions_ = rows->number(0, 0) > 0 && rows->number(0, 1) == 1;
    return {};
  });
}

// Rows are written in the order of their keys, so that two batches that meet wait for each other
// and do not lock each other out; of two writes to one key the later is kept, since a statement may
// not touch a row twice.
std::vector<Committer::Share> Committer::divide(const Places& places, const Batch& batch) {
  struct Row {
    const Spot* spot;
    Batch::Write write;
    std::string_view place;
    std::size_t made;
  };
  std::vector<Row> rows;
  rows.reserve(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Batch::Write w = batch[i];
    const std::string_view place = place_of(w.table, w.key);
    rows.push_back(Row{&places.find(w.table, place), w, place, i});
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    if (a.spot != b.spot) {
      if (a.spot->node != b.spot->node) return a.spot->node < b.spot->node;
      return a.spot->relation < b.spot->relation;
    }
    const int order = a.write.key.compare(b.write.key);
    return order != 0 ? order < 0 : a.made > b.made;
  });
  rows.erase(std::unique(rows.begin(), rows.end(),
                         [](const Row& a, const Row& b) {
                           return a.spot == b.spot && a.write.key == b.write.key;
                         }),
             rows.end());

  std::vector<Share> shares;
  for (std::size_t i = 0; i < rows.size();) {
    const Spot& spot = *rows[i].spot;
    const bool erase = rows[i].write.erase;
    std::size_t end = i, bytes = 0;
    while (end < rows.size() && rows[end].spot == &spot && rows[end].write.erase == erase &&
           end - i < kPieceRows && bytes < kPieceBytes)
      bytes += rows[end++].write.value.size();
    if (shares.empty() || shares.back().node != spot.node)
      shares.push_back(Share{spot.node, spot.group, {}, {}});
    Share& share = shares.back();
    if (spot.shard != 0 && (share.shards.empty() || share.shards.back() != spot.shard))
      share.shards.push_back(spot.shard);
    Piece piece;
    if (end - i == 1) {
      piece.statement = erase ? erase_one(spot.relation) : put_one(spot.relation);
      piece.parameters = {std::string(rows[i].place), std::string(rows[i].write.key)};
      if (!erase) piece.parameters.emplace_back(rows[i].write.value);
    } else {
      piece.statement = erase ? erase_many(spot.relation) : put_many(spot.relation);
      ArrayParameter p(ArrayParameter::Of::bytea), k(ArrayParameter::Of::bytea),
          v(ArrayParameter::Of::bytea);
      for (std::size_t at = i; at < end; ++at) {
        p.add(rows[at].place);
        k.add(rows[at].write.key);
        if (!erase) v.add(rows[at].write.value);
      }
      piece.parameters = {std::string(p.text()), std::string(k.text())};
      if (!erase) piece.parameters.emplace_back(v.text());
    }
    share.pieces.push_back(std::move(piece));
    i = end;
  }
  return shares;
}

void Committer::send(Link& link, const Places& places, const Share& share) {
  if (!share.shards.empty()) {
    ArrayParameter shards(ArrayParameter::Of::int8);
    for (const auto shard : share.shards) shards.add(int_parameter(shard));
    const std::string count = int_parameter(static_cast<std::int64_t>(share.shards.size()));
    const std::string group = int_parameter(share.group);
    const std::string_view ids = shards.text();
    if (places.lockable()) link.send(kHoldShards, std::array{ids});
    link.send(kCheckShards, std::array{ids, std::string_view(count), std::string_view(group)});
  }
  for (const Piece& piece : share.pieces) {
    const std::vector<std::string_view> parameters(piece.parameters.begin(),
                                                   piece.parameters.end());
    link.send(piece.statement, parameters);
  }
}

Reply<void> Committer::write(const Places& places, const Batch& batch, Durability durability) {
  const std::vector<Share> shares = divide(places, batch);
  if (shares.empty()) return {};
  if (shares.size() > 1) return commit_many(places, shares);
  if (places.distributed()) {
    // One server's log is in order by itself. With several, what was buffered elsewhere comes
    // first.
    std::vector<Node> first;
    {
      const std::lock_guard lock(mutex_);
      if (durability == Durability::buffered)
        unflushed_[shares[0].node] = true;
      else
        for (const auto& [node, waits] : unflushed_)
          if (waits && node != shares[0].node) first.push_back(node);
    }
    for (const Node& node : first)
      if (auto flushed = flush(node); !flushed) return flushed;
  }
  return commit_one(places, shares[0], durability);
}

Reply<void> Committer::commit_one(const Places& places, const Share& share, Durability durability) {
  return patiently(pool_, share.node, patience_, [&](Link& link) -> Reply<void> {
    link.send(kBegin);
    if (durability == Durability::buffered) link.send(kLazily);
    send(link, places, share);
    if (knows_transactions_) link.send(kTransaction);
    auto done = link.answers();
    if (!done) {
      undo(link);
      return std::unexpected(done.error());
    }
    const std::string transaction =
        knows_transactions_ ? std::string(done->back().bytes(0, 0)) : std::string();
    auto committed = link.ask(kCommit);
    if (committed) return {};
    if (!committed.error().lost || transaction.empty())
      return std::unexpected(Fault{committed.error().sqlstate, false, "lost in a commit"});
    auto outcome = was_committed(share.node, transaction);
    if (!outcome) return std::unexpected(Fault{{}, false, "lost in a commit"});
    if (!*outcome) return std::unexpected(committed.error());  // it may be sent again
    // A wait for the standby that was broken off is made good by waiting for something later.
    return durability == Durability::synced ? flush(share.node) : Reply<void>();
  });
}

Reply<bool> Committer::was_committed(const Node& node, const std::string& transaction) {
  return patiently(pool_, node, patience_, [&](Link& link) -> Reply<bool> {
    const std::array parameters{std::string_view(transaction)};
    auto rows =
        link.ask({"", "SELECT coalesce(pg_xact_status($1::text::xid8), 'unknown')"}, parameters);
    if (!rows) return std::unexpected(rows.error());
    const std::string_view status = rows->bytes(0, 0);
    if (status == "committed") return true;
    if (status == "aborted") return false;
    // Its server process has not noticed yet, or the log was cut back before it.
    return std::unexpected(Fault{{}, status == "in progress", "a transaction without an end"});
  });
}

// prepare makes every server promise its share. All work at once; a lock that is waited for longer
// than kLockWait may be held by somebody who waits for us on another server.
Reply<void> Committer::prepare(const Places& places, const std::vector<Share>& shares,
                               const std::vector<std::string>& names) {
  std::vector<Pool::Lease> leases;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    auto lease = pool_.take(shares[i].node);
    if (!lease) return std::unexpected(lease.error());
    leases.push_back(*std::move(lease));
  }
  for (std::size_t i = 0; i < shares.size(); ++i) {
    leases[i]->send(kBegin);
    leases[i]->send(kLockWait);
    send(*leases[i], places, shares[i]);
    leases[i]->send({"", "PREPARE TRANSACTION '" + names[i] + "'"});
    leases[i]->push();
  }
  Reply<void> prepared;
  for (auto& lease : leases) {
    auto done = lease->answers();
    if (done) continue;
    if (prepared) prepared = std::unexpected(done.error());
    undo(*lease);
  }
  return prepared;
}

Reply<void> Committer::commit_many(const Places& places, const std::vector<Share>& shares) {
  const std::string batch = name_of_batch();
  std::vector<std::string> names;
  for (std::size_t i = 0; i < shares.size(); ++i)
    names.push_back(std::string(kPrepared) + batch + "_" + std::to_string(i));
  auto prepared = prepare(places, shares, names);
  bool commit = prepared.has_value();
  if (commit) {
    auto decision = decide(batch, "commit");
    // Not known: it stays prepared until the next start reads what was decided.
    if (!decision) return std::unexpected(Fault{{}, false, "lost in a commit"});
    commit = *decision == "commit";
    if (!commit) prepared = std::unexpected(Fault{{}, false, "ended by another process"});
  }
  for (std::size_t i = 0; i < shares.size(); ++i) finish(shares[i].node, names[i], commit);
  if (!commit) return prepared;
  const std::lock_guard lock(mutex_);
  if (!owes_) ended_.push_back("batch/" + batch);
  return {};
}

// Whoever's row is there first has decided; asking again gives the same answer.
Reply<std::string> Committer::decide(const std::string& batch, std::string_view wish) {
  return patiently(pool_, Node{}, patience_, [&](Link& link) -> Reply<std::string> {
    const std::string name = "batch/" + batch;
    const std::array both{std::string_view(name), wish};
    const std::array one{std::string_view(name)};
    link.send({"decide", "INSERT INTO " + std::string(kOwn) +
                             " (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"},
              both);
    auto made = link.answers();
    if (!made) return std::unexpected(made.error());
    auto rows =
        link.ask({"decided", "SELECT value FROM " + std::string(kOwn) + " WHERE name = $1"}, one);
    if (!rows) return std::unexpected(rows.error());
    if (rows->size() != 1) return std::unexpected(Fault{{}, true, "a decision is gone"});
    return std::string(rows->bytes(0, 0));
  });
}

// A name that is not there (42704) was ended before.
void Committer::finish(const Node& node, const std::string& prepared, bool commit) {
  const std::string sql =
      std::string(commit ? "COMMIT" : "ROLLBACK") + " PREPARED '" + prepared + "'";
  auto ended = patiently(pool_, node, patience_, [&](Link& link) -> Reply<void> {
    auto done = link.ask({"", sql});
    if (!done && done.error().sqlstate != "42704") return std::unexpected(done.error());
    return {};
  });
  const std::lock_guard lock(mutex_);
  if (ended)
    debts_.erase(prepared);
  else
    debts_[prepared] = {node, commit};
  owes_ = std::any_of(debts_.begin(), debts_.end(),
                      [](const auto& debt) { return debt.second.second; });
}

bool Committer::settle_debts() {
  std::map<std::string, std::pair<Node, bool>> debts;
  std::vector<std::string> ended;
  {
    const std::lock_guard lock(mutex_);
    debts = debts_;
    ended.swap(ended_);
  }
  for (const auto& [prepared, debt] : debts) finish(debt.first, prepared, debt.second);
  if (!ended.empty()) {
    auto lease = pool_.take(Node{});
    for (const std::string& name : ended) {
      if (!lease) break;
      const std::array parameters{std::string_view(name)};
      (*lease)->send({"forget", "DELETE FROM " + std::string(kOwn) + " WHERE name = $1"},
                     parameters);
    }
    if (lease) (void)(*lease)->answers();  // what stays is a row that nobody asks for
  }
  const std::lock_guard lock(mutex_);
  return debts_.empty();
}

Reply<void> Committer::recover(const Places& places) {
  for (const Node& node : places.nodes()) {
    auto found = patiently(pool_, node, patience_, [&](Link& link) {
      return link.ask({"",
                       "SELECT gid::text FROM pg_prepared_xacts WHERE gid LIKE 'amanat\\_%'"
                       " AND database = current_database()"});
    });
    if (!found) return std::unexpected(found.error());
    for (std::size_t i = 0; i < found->size(); ++i) {
      const std::string prepared(found->bytes(i, 0));
      auto decision = decide(batch_of(prepared), "abort");
      if (!decision) return std::unexpected(decision.error());
      finish(node, prepared, *decision == "commit");
    }
  }
  return {};
}

// A transaction that writes nothing waits for nothing, so this one writes a row. Everything before
// it in the log is on the disk (and the standby) when it has committed.
Reply<void> Committer::flush(const Node& node) {
  auto flushed = patiently(pool_, node, patience_, [&](Link& link) -> Reply<void> {
    auto done = link.ask({"flush", "INSERT INTO " + std::string(kOwn) +
                                       " (name, value) VALUES ('flush', '') ON CONFLICT (name)"
                                       " DO UPDATE SET value = excluded.value"});
    if (!done) return std::unexpected(done.error());
    return {};
  });
  if (!flushed) return flushed;
  const std::lock_guard lock(mutex_);
  unflushed_[node] = false;
  return {};
}

Reply<void> Committer::flush_all(const Places& places) {
  for (const Node& node : places.nodes())
    if (auto flushed = flush(node); !flushed) return flushed;
  return {};
}

}  // namespace amanat::storage::pg
