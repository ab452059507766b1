// The store in PostgreSQL, or in several that Citus places shards on: docs/storage.md.
//
// 1. Nothing of a key or a value is in an error or a log: what leaves is the SQLSTATE (Fault).
// 2. A scan is one statement, or one transaction that does not move, so it sees one state.
// 3. While this process lives, no other writes: an advisory lock is held by one connection (Watch).

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <optional>
#include <thread>

#include "model/insist.h"
#include "storage/postgres_commit.h"
#include "storage/storage.h"

namespace amanat::storage {
namespace {

using namespace std::chrono_literals;
using pg::Fault;
using pg::Link;
using pg::Node;
using pg::Places;
using pg::Pool;
using pg::Reply;
using pg::Rows;
using pg::Span;
using pg::Spot;
using pg::Statement;

constexpr auto kWatchEvery = 1s;
// A server process outlives the client that was killed until it next reads or writes to it.
constexpr auto kBusyWait = 10s;
constexpr auto kSnapshotWait = 30s;
constexpr int kFewRows = 64, kFetchRows = 512, kPurgeSeconds = 3600;
// Above this a table is not rewritten while readers wait (docs/storage.md).
constexpr std::int64_t kRewriteBytesMax = std::int64_t{256} << 20;
// "amanat": the advisory lock of whoever writes here.
constexpr std::string_view kTakeLock = "SELECT pg_try_advisory_lock(107065826173300)::int4";

std::unexpected<Failure> failed(const Fault& fault) { return std::unexpected(fault.as_failure()); }

Reply<bool> get_with(Link& link, const Spot& spot, std::string_view place, std::string_view key,
                     std::string& out) {
  const std::array parameters{place, key};
  auto rows = link.ask(pg::get_one(spot.relation), parameters);
  if (!rows) return std::unexpected(rows.error());
  if (rows->size() == 0) return false;
  out.append(rows->bytes(0, 0));
  return true;
}

/// Stream is the rows of one relation under a span, some at a time, through a cursor in the
/// transaction that its connection has open.
class Stream {
 public:
  Stream(Link& link, const Spot& spot, std::uint64_t number)
      : link_(link), spot_(spot), cursor_("scan" + std::to_string(number)) {}
  Reply<void> open(const Span& span) {
    const Statement select = pg::select_span(spot_.relation, span, 0);
    const auto parameters = pg::bind(span);
    link_.send({"", "DECLARE " + cursor_ + " NO SCROLL CURSOR FOR " + select.sql}, parameters);
    auto opened = link_.answers();
    if (!opened) return std::unexpected(opened.error());
    return more();
  }
  void close() {
    if (!link_.lost()) (void)link_.ask({"", "CLOSE " + cursor_});
  }
  bool ended() const { return !rows_ || at_ >= rows_->size(); }
  std::string_view key() const { return rows_->bytes(at_, 0); }
  std::string_view value() const { return rows_->bytes(at_, 1); }
  Reply<void> next() {
    if (++at_ < rows_->size() || rows_->size() < static_cast<std::size_t>(fetch_)) return {};
    return more();
  }

 private:
  Reply<void> more() {
    fetch_ = std::min(fetch_ * 4, kFetchRows);
    auto rows = link_.ask({"", "FETCH FORWARD " + std::to_string(fetch_) + " FROM " + cursor_});
    if (!rows) return std::unexpected(rows.error());
    rows_.emplace(*std::move(rows));
    at_ = 0;
    return {};
  }
  Link& link_;
  const Spot spot_;
  const std::string cursor_;
  int fetch_ = 8;
  std::optional<Rows> rows_;
  std::size_t at_ = 0;
};

/// View is a transaction on each of some servers that sees what was there when it began. Between
/// servers those moments differ by a round trip.
class View : public Reader {
 public:
  View(std::shared_ptr<const Places> places, std::vector<std::pair<Node, Pool::Lease>> links)
      : places_(std::move(places)), links_(std::move(links)) {}
  explicit View(Fault fault) : fault_(std::move(fault)) {}
  ~View() override {
    for (auto& [node, link] : links_)
      if (!link->lost()) (void)link->ask({"commit", "COMMIT"});
  }

  static Reply<std::unique_ptr<View>> open(Pool& pool, std::shared_ptr<const Places> places,
                                           const std::vector<Node>& nodes) {
    std::vector<std::pair<Node, Pool::Lease>> links;
    for (const Node& node : nodes) {
      // The first use of a connection that died in the pool finds that out; then it is made anew.
      for (int tries = 0;; ++tries) {
        auto lease = pool.take(node);
        if (!lease) return std::unexpected(lease.error());
        (*lease)->send({"", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"});
        (*lease)->send({"", "SELECT 1"});
        auto begun = (*lease)->answers();
        if (begun) {
          links.emplace_back(node, *std::move(lease));
          break;
        }
        if (!begun.error().lost || tries > 0) return std::unexpected(begun.error());
      }
    }
    return std::make_unique<View>(std::move(places), std::move(links));
  }

  Result<bool> get(Table table, std::string_view key, std::string& out) const override {
    if (fault_) return failed(*fault_);
    const std::string_view place = pg::place_of(table, key);
    const Spot& spot = places_->find(table, place);
    auto found = get_with(link(spot.node), spot, place, key, out);
    if (!found) return failed(found.error());
    return *found;
  }
  Result<void> scan(Table table, std::string_view prefix, std::string_view from,
                    const Visitor& visit) const override {
    if (fault_) return failed(*fault_);
    auto done = scan_span(table, pg::span_of(table, prefix, from), visit);
    if (!done) return failed(done.error());
    return {};
  }
  Reply<void> scan_span(Table table, const Span& span, const Visitor& visit) const {
    std::vector<Stream> streams;
    const std::vector<Spot> spots =
        span.one_place ? std::vector<Spot>{places_->find(table, span.place)} : places_->all(table);
    Reply<void> done;
    for (const Spot& spot : spots) {
      streams.emplace_back(link(spot.node), spot, ++scans_);
      if (done = streams.back().open(span); !done) return done;
    }
    // The streams are each in order; the least of their heads is next.
    for (;;) {
      Stream* least = nullptr;
      for (Stream& stream : streams)
        if (!stream.ended() && (least == nullptr || stream.key() < least->key())) least = &stream;
      if (least == nullptr || !visit(least->key(), least->value())) break;
      if (done = least->next(); !done) return done;
    }
    for (Stream& stream : streams) stream.close();
    return done;
  }

 private:
  Link& link(const Node& node) const {
    const auto at = std::find_if(links_.begin(), links_.end(),
                                 [&](const auto& one) { return one.first == node; });
    insist(at != links_.end());
    return *at->second;
  }
  std::optional<Fault> fault_;  // it could not be opened, and says so when it is read
  std::shared_ptr<const Places> places_;
  std::vector<std::pair<Node, Pool::Lease>> links_;
  mutable std::uint64_t scans_ = 0;
};

class Postgres : public Store {
 public:
  Postgres(pg::Target target, const PostgresOptions& options)
      : patience_(options.patience_ms),
        pool_(std::move(target), options.connections_max),
        committer_(pool_, patience_) {}
  ~Postgres() override {
    {
      const std::lock_guard lock(watch_mutex_);
      stopping_ = true;
    }
    watch_wake_.notify_all();
    if (watch_.joinable()) watch_.join();
    if (opened_) (void)committer_.flush_all(*places());
  }
  Result<void> open();

  Result<bool> get(Table table, std::string_view key, std::string& out) const override;
  Result<void> scan(Table table, std::string_view prefix, std::string_view from,
                    const Visitor& visit) const override;
  Result<void> write(const Batch& batch, Durability durability) override;
  Result<void> sync() override;
  std::unique_ptr<Reader> snapshot() const override;
  Result<void> purge(Table table, std::string_view prefix) override;

 private:
  std::shared_ptr<const Places> places() const { return places_.load(); }
  Reply<void> read_places() const;
  template <class Act>
  auto where_it_is(const Act& act) const -> decltype(act(std::declval<const Places&>()));
  Result<void> make_tables();
  Reply<bool> take_lock();
  void watch();
  Reply<void> rewrite(const Spot& spot);

  const std::chrono::milliseconds patience_;
  mutable Pool pool_;
  mutable pg::Committer committer_;
  mutable std::atomic<std::shared_ptr<const Places>> places_ = std::make_shared<const Places>();
  std::optional<Pool::Lease> lock_;       // the connection that holds the advisory lock
  std::atomic<bool> taken_over_ = false;  // somebody else holds it
  std::mutex watch_mutex_;
  std::condition_variable watch_wake_;
  bool stopping_ = false;
  std::thread watch_;
  bool opened_ = false;
};

Reply<void> Postgres::read_places() const {
  return pg::patiently(pool_, Node{}, patience_, [&](Link& link) -> Reply<void> {
    auto read = Places::read(link);
    if (!read) return std::unexpected(read.error());
    places_.store(*std::move(read));
    return {};
  });
}

// where_it_is does `act` by the places last read, and while Citus is moving what it wants, by newer
// ones. First whatever was decided and is not yet done everywhere is done.
template <class Act>
auto Postgres::where_it_is(const Act& act) const -> decltype(act(std::declval<const Places&>())) {
  const auto deadline = std::chrono::steady_clock::now() + patience_;
  for (auto pause = 5ms;; pause *= 2) {
    if (committer_.owes()) (void)committer_.settle_debts();
    const auto now = places();
    auto done = act(*now);
    if (done) return done;
    const Fault& fault = done.error();
    const bool moved = fault.moved() || fault.sqlstate == pg::kMoved;
    const bool worth = now->distributed() && (moved || fault.passing());
    if (!worth || std::chrono::steady_clock::now() + pause > deadline) return done;
    std::this_thread::sleep_for(pause);
    if (moved)
      if (auto read = read_places(); !read) return std::unexpected(read.error());
  }
}

Result<void> Postgres::open() {
  // A server that is not there at all is said at once, with libpq's reason.
  if (auto lease = pool_.take(Node{}); !lease) return failed(lease.error());
  if (auto learnt = committer_.learn(); !learnt) return failed(learnt.error());
  const auto deadline = std::chrono::steady_clock::now() + kBusyWait;
  for (;;) {
    auto got = take_lock();
    if (!got) return failed(got.error());
    if (*got) break;
    if (std::chrono::steady_clock::now() > deadline)
      return fail(Reason::exchange_busy, "another process has this database open");
    std::this_thread::sleep_for(50ms);
  }
  if (auto made = make_tables(); !made) return made;
  if (auto read = read_places(); !read) return failed(read.error());
  if (places()->distributed()) {
    for (const Node& node : places()->nodes()) {
      const std::string own = "CREATE TABLE IF NOT EXISTS " + std::string(pg::kOwn) +
                              " (name text PRIMARY KEY, value text NOT NULL)";
      auto made = pg::patiently(pool_, node, patience_, [&](Link& link) {
        return link.ask({"", own});
      });
      if (!made) return failed(made.error());
    }
    if (auto recovered = committer_.recover(*places()); !recovered)
      return failed(recovered.error());
  }
  watch_ = std::thread([this] { watch(); });
  opened_ = true;
  return {};
}

Result<void> Postgres::make_tables() {
  auto made = pg::patiently(pool_, Node{}, patience_, [&](Link& link) -> Reply<Rows> {
    link.send({"", "CREATE TABLE IF NOT EXISTS " + std::string(pg::kOwn) +
                       " (name text PRIMARY KEY, value text NOT NULL)"});
    for (std::size_t t = 0; t < kTables; ++t) link.send(pg::create_table(static_cast<Table>(t)));
    link.send({"", "INSERT INTO " + std::string(pg::kOwn) + " (name, value) VALUES ('layout', '" +
                       std::string(pg::kLayout) + "') ON CONFLICT (name) DO NOTHING"});
    if (auto done = link.answers(); !done) return std::unexpected(done.error());
    return link.ask({"", "SELECT value FROM " + std::string(pg::kOwn) + " WHERE name = 'layout'"});
  });
  if (!made) return failed(made.error());
  if (made->size() != 1 || made->bytes(0, 0) != pg::kLayout)
    return fail(Reason::store_failed, "the database holds a layout this program does not know");
  return {};
}

Reply<bool> Postgres::take_lock() {
  if (!lock_) {
    auto lease = pool_.take(Node{});
    if (!lease) return std::unexpected(lease.error());
    lock_.emplace(*std::move(lease));
  }
  auto rows = (*lock_)->ask({"", std::string(kTakeLock)});
  if (!rows) {
    lock_.reset();
    return std::unexpected(rows.error());
  }
  return rows->number(0, 0) == 1;
}

// Once a second: is the lock still held, are shards still where they were, is anything owed?
void Postgres::watch() {
  std::unique_lock lock(watch_mutex_);
  while (!watch_wake_.wait_for(lock, kWatchEvery, [this] { return stopping_; })) {
    lock.unlock();
    const bool held = lock_ && (*lock_)->ask({"alive", "SELECT 1"}).has_value();
    if (!held) {
      // Its server process is gone, and the lock with it. Who is there first after that has it.
      lock_.reset();
      if (auto got = take_lock(); got) taken_over_ = !*got;
    }
    if (places()->distributed()) {
      if (auto lease = pool_.take(Node{}))
        if (auto read = Places::read(**lease)) places_.store(*std::move(read));
      (void)committer_.settle_debts();
    }
    lock.lock();
  }
}

Result<bool> Postgres::get(Table table, std::string_view key, std::string& out) const {
  const std::string_view place = pg::place_of(table, key);
  auto found = where_it_is([&](const Places& places) {
    const Spot& spot = places.find(table, place);
    return pg::patiently(pool_, spot.node, patience_,
                         [&](Link& link) { return get_with(link, spot, place, key, out); });
  });
  if (!found) return failed(found.error());
  return *found;
}

// Most scans are of one subject and short: one statement, one round trip, and the connection is
// free before anything is visited. What turns out longer is read again in a transaction of its own.
Result<void> Postgres::scan(Table table, std::string_view prefix, std::string_view from,
                            const Visitor& visit) const {
  const Span span = pg::span_of(table, prefix, from);
  const auto parameters = pg::bind(span);
  bool began = false;
  std::optional<Fault> broken;
  auto done = where_it_is([&](const Places& places) -> Reply<void> {
    const std::vector<Spot> spots =
        span.one_place ? std::vector<Spot>{places.find(table, span.place)} : places.all(table);
    if (spots.size() == 1) {
      auto rows = pg::patiently(pool_, spots[0].node, patience_, [&](Link& link) {
        return link.ask(pg::select_span(spots[0].relation, span, kFewRows), parameters);
      });
      if (!rows) return std::unexpected(rows.error());
      if (rows->size() < static_cast<std::size_t>(kFewRows)) {
        for (std::size_t i = 0; i < rows->size(); ++i)
          if (!visit(rows->bytes(i, 0), rows->bytes(i, 1))) break;
        return {};
      }
    }
    std::vector<Node> nodes;
    for (const Spot& spot : spots)
      if (std::find(nodes.begin(), nodes.end(), spot.node) == nodes.end())
        nodes.push_back(spot.node);
    auto view = View::open(pool_, std::make_shared<const Places>(places), nodes);
    if (!view) return std::unexpected(view.error());
    const Visitor once = [&](std::string_view key, std::string_view value) {
      began = true;
      return visit(key, value);
    };
    auto scanned = (*view)->scan_span(table, span, once);
    if (scanned || !began) return scanned;
    broken = std::move(scanned.error());  // what was visited is not visited again
    return {};
  });
  if (!done) return failed(done.error());
  if (broken) return failed(*broken);
  return {};
}

Result<void> Postgres::write(const Batch& batch, Durability durability) {
  if (batch.empty()) return {};
  if (taken_over_) return fail(Reason::exchange_busy, "another process has this database open");
  auto written = where_it_is(
      [&](const Places& places) { return committer_.write(places, batch, durability); });
  if (!written) return failed(written.error());
  return {};
}

Result<void> Postgres::sync() {
  if (auto flushed = committer_.flush_all(*places()); !flushed) return failed(flushed.error());
  return {};
}

std::unique_ptr<Reader> Postgres::snapshot() const {
  if (committer_.owes()) (void)committer_.settle_debts();
  const auto now = places();
  auto view = View::open(pool_, now, now->nodes());
  if (!view) return std::make_unique<View>(view.error());
  return *std::move(view);
}

// VACUUM FULL writes the relation anew with what is visible, so what was erased is in no file of
// it; it keeps what an older snapshot sees, so those are waited for first. Readers of this relation
// wait while it runs: hence the bound, above which space is made free to be overwritten and no
// more.
Reply<void> Postgres::rewrite(const Spot& spot) {
  const auto deadline = std::chrono::steady_clock::now() + kSnapshotWait;
  auto lease = pool_.take(spot.node);
  if (!lease) return std::unexpected(lease.error());
  Link& link = **lease;
  auto begun = link.ask({"", "SELECT pg_current_xact_id()::text"});
  if (!begun) return std::unexpected(begun.error());
  const std::string boundary(begun->bytes(0, 0));
  for (;;) {
    const std::array parameters{std::string_view(boundary)};
    auto older = link.ask({"",
                           "SELECT count(*)::int8 FROM pg_stat_activity WHERE datname ="
                           " current_database() AND pid <> pg_backend_pid() AND backend_xmin"
                           " IS NOT NULL AND age(backend_xmin) > age($1::text::xid8::xid)"},
                          parameters);
    if (!older) return std::unexpected(older.error());
    if (older->number(0, 0) == 0) break;
    if (std::chrono::steady_clock::now() > deadline)
      return std::unexpected(Fault{{}, false, "an open snapshot still sees what is to be purged"});
    std::this_thread::sleep_for(5ms);
  }
  const std::array relation{std::string_view(spot.relation)};
  auto size = link.ask({"", "SELECT pg_total_relation_size($1::text::regclass)"}, relation);
  if (!size) return std::unexpected(size.error());
  const bool full = size->number(0, 0) <= kRewriteBytesMax;
  auto done =
      link.ask({"", (full ? "VACUUM (FULL) " : "VACUUM (INDEX_CLEANUP ON) ") + spot.relation}, {},
               kPurgeSeconds);
  if (!done) return std::unexpected(done.error());
  // The log is recycled after a checkpoint; who may not ask for one waits for the server's own.
  auto checked = link.ask({"", "CHECKPOINT"}, {}, kPurgeSeconds);
  if (!checked && checked.error().sqlstate != "42501") return std::unexpected(checked.error());
  return {};
}

Result<void> Postgres::purge(Table table, std::string_view prefix) {
  auto done = where_it_is([&](const Places& places) -> Reply<void> {
    std::string_view place;
    const std::vector<Spot> spots = pg::place_of_prefix(table, prefix, place)
                                        ? std::vector<Spot>{places.find(table, place)}
                                        : places.all(table);
    for (const Spot& spot : spots)
      if (auto written = rewrite(spot); !written) return written;
    return {};
  });
  if (!done) return failed(done.error());
  return {};
}

}  // namespace

Result<std::unique_ptr<Store>> open_postgres(const std::string& url,
                                             const PostgresOptions& options) {
  insist(options.connections_max >= 4 && options.patience_ms >= 1);
  auto target = pg::Target::parse(url);
  if (!target) return std::unexpected(std::move(target.error()));
  auto postgres = std::make_unique<Postgres>(*std::move(target), options);
  if (auto opened = postgres->open(); !opened) return std::unexpected(std::move(opened.error()));
  return postgres;
}

Result<void> check_postgres_url(const std::string& url) {
  auto target = pg::Target::parse(url);
  if (!target) return std::unexpected(std::move(target.error()));
  return {};
}

}  // namespace amanat::storage
