#include "storage/postgres_term.h"

#include <algorithm>
#include <array>
#include <random>
#include <thread>

#include "model/insist.h"

namespace amanat::storage::pg {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr auto kAskAgain = 200ms;
// The advisory lock of a disk: "AMND" and its number. Of the records' writer: postgres.cc.
constexpr std::int64_t kLockKey = std::int64_t{0x414d4e44} << 32;

const Statement kBegin{"begin", "BEGIN"};
const Statement kCommit{"commit", "COMMIT"};
const Statement kRollback{"rollback", "ROLLBACK"};

// A term that is over updates no row, and dividing by their number is an error that ends the
// transaction.
const Statement kFence{
    "fence",
    "WITH held AS (UPDATE amanat_disks SET seen = clock_timestamp() WHERE disk = $1::int8 AND term "
    "= $2::int8 AND holder = $3::text RETURNING 1) SELECT 1 / count(*)::int4 FROM held"};
const Statement kCut{"cut",
                     "DELETE FROM amanat_disk_blocks WHERE disk = $1::int8 AND file = $2::int8 AND "
                     "block >= $3::int8"};
const Statement kPut{
    "put",
    "INSERT INTO amanat_disk_blocks SELECT $1::int8, f, n, b FROM unnest($2::int8[], $3::int8[], "
    "$4::bytea[]) AS t(f, n, b) ON CONFLICT (disk, file, block) DO UPDATE SET bytes = "
    "excluded.bytes"};
const Statement kSize{
    "size",
    "INSERT INTO amanat_disk_files VALUES ($1::int8, $2::int8, $3::int8) ON CONFLICT (disk, file) "
    "DO UPDATE SET size = excluded.size"};
const Statement kName{
    "name",
    "INSERT INTO amanat_disk_names VALUES ($1::int8, $2::text, $3::int8) ON CONFLICT (disk, path) "
    "DO UPDATE SET file = excluded.file"};
const Statement kUnname{"unname",
                        "DELETE FROM amanat_disk_names WHERE disk = $1::int8 AND path = $2::text"};
const Statement kGone{"gone",
                      "DELETE FROM amanat_disk_files WHERE disk = $1::int8 AND file = $2::int8"};
const Statement kRelease{
    "release",
    "UPDATE amanat_disks SET released = true WHERE disk = $1::int8 AND term = $2::int8 AND holder "
    "= $3::text"};

// One at a time, whoever opens first: CREATE TABLE IF NOT EXISTS is no protection against itself.
constexpr std::string_view kTables[] = {
    "SELECT pg_advisory_xact_lock(4705241860000)",
    "CREATE TABLE IF NOT EXISTS amanat_disks (disk int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
    "name text UNIQUE NOT NULL, layout int4 NOT NULL DEFAULT 1, term int8 NOT NULL DEFAULT 0, "
    "holder text NOT NULL DEFAULT '', seen timestamptz NOT NULL DEFAULT clock_timestamp(), "
    "released bool NOT NULL DEFAULT true)",
    "CREATE TABLE IF NOT EXISTS amanat_disk_names (disk int8, path text, file int8 NOT NULL, "
    "PRIMARY KEY (disk, path))",
    "CREATE TABLE IF NOT EXISTS amanat_disk_files (disk int8, file int8, size int8 NOT NULL, "
    "PRIMARY KEY (disk, file))",
    "CREATE TABLE IF NOT EXISTS amanat_disk_blocks (disk int8, file int8, block int8, bytes bytea "
    "NOT NULL, PRIMARY KEY (disk, file, block))",
    // What is in them is sealed or hashes: compressing it is time for nothing.
    "ALTER TABLE amanat_disk_blocks ALTER bytes SET STORAGE EXTERNAL"};

std::string random_holder() {
  static constexpr char kHex[] = "0123456789abcdef";
  std::random_device random;
  std::string name;
  while (name.size() < 32) name.push_back(kHex[random() % 16]);
  return name;
}

std::int64_t steady_ms() {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Failure refusal(const Fault& fault) {
  Failure failure = fault.as_failure();
  if (failure.reason == Reason::store_failed) failure.reason = Reason::file_failed;
  return failure;
}

}  // namespace

Term::Term(const PostgresDiskOptions& options) : options_(options), holder_(random_holder()) {
  insist(options.lease_ms > options.silence_ms && options.silence_ms > 0 && !options.name.empty());
}

Term::~Term() {
  if (!link_ || link_->lost() || over()) return;
  link_->send(kRelease, std::array<std::string_view, 3>{fence_disk_, fence_term_, holder_});
  (void)link_->answers_within(2000);  // else the next holder waits for the lease
}

Reply<void> Term::make_tables(Link& link) {
  auto there = link.ask({"", "SELECT (to_regclass('amanat_disk_blocks') IS NOT NULL)::int4"});
  if (!there) return std::unexpected(there.error());
  if (there->number(0, 0) == 0) {
    link.send(kBegin);
    for (const auto statement : kTables) link.send({"", std::string(statement)});
    link.send(kCommit);
    if (auto made = link.answers(); !made) {
      if (!link.lost()) (void)link.ask(kRollback);
      return std::unexpected(made.error());
    }
  }
  const std::array<std::string_view, 1> name{options_.name};
  auto row = link.ask(
      {"", "INSERT INTO amanat_disks (name) VALUES ($1::text) ON CONFLICT (name) DO NOTHING"},
      name);
  if (!row) return std::unexpected(row.error());
  auto found = link.ask({"", "SELECT disk, layout FROM amanat_disks WHERE name = $1::text"}, name);
  if (!found) return std::unexpected(found.error());
  if (found->size() != 1 || found->number(0, 1) != 1)
    return std::unexpected(Fault{"0A000", false, {}});
  disk_ = found->number(0, 0);
  fence_disk_ = int_parameter(disk_);
  return {};
}

Reply<bool> Term::lock() {
  const std::string key = int_parameter(kLockKey | disk_);
  auto got = link_->ask({"", "SELECT pg_try_advisory_lock($1::int8)::int4"},
                        std::array<std::string_view, 1>{key});
  if (!got) return std::unexpected(got.error());
  return got->number(0, 0) == 1;
}

// Who holds the lock and has not been heard of for longer than the lease has ended itself, or
// hangs, or is a session that the server has not noticed the end of: its session is ended, and that
// of the records' writer with it. Ours is the fence whatever it was.
Reply<void> Term::evict() {
  auto done = link_->ask(
      {"",
       "SELECT count(pg_terminate_backend(l.pid))::int8 FROM pg_locks l WHERE l.locktype = "
       "'advisory' AND l.granted AND l.objsubid = 1 AND l.pid <> pg_backend_pid() AND l.database = "
       "(SELECT oid FROM pg_database WHERE datname = current_database()) AND (l.classid::int8 << "
       "32 "
       "| l.objid::int8) IN ($1::int8, 107065826173300) AND EXISTS (SELECT 1 FROM amanat_disks "
       "WHERE disk = $2::int8 AND extract(epoch FROM clock_timestamp() - seen) * 1000 > $3::int8)"},
      std::array<std::string_view, 3>{int_parameter(kLockKey | disk_), fence_disk_,
                                      int_parameter(std::int64_t{2} * options_.lease_ms)});
  if (!done) return std::unexpected(done.error());
  return {};
}

// begin takes the lock and, once the lease of whoever held it before is over, the term. False: not
// yet.
Reply<bool> Term::begin() {
  auto locked = lock();
  if (!locked) return locked;
  if (!*locked) {
    if (auto r = evict(); !r) return std::unexpected(r.error());
    return false;
  }
  for (;;) {
    auto row = link_->ask({"",
                           "SELECT term, released::int4, (extract(epoch FROM clock_timestamp() - "
                           "seen) * 1000)::int8 FROM amanat_disks WHERE disk = $1::int8"},
                          std::array<std::string_view, 1>{fence_disk_});
    if (!row) return std::unexpected(row.error());
    if (row->size() != 1) return std::unexpected(Fault{"02000", false, {}});
    const std::int64_t left =
        row->number(0, 1) == 1 ? 0 : std::int64_t{options_.lease_ms} - row->number(0, 2);
    if (left <= 0) {
      term_ = row->number(0, 0) + 1;
      break;
    }
    if (options_.go_on && !options_.go_on()) return false;
    std::this_thread::sleep_for(std::min<milliseconds>(milliseconds(left), kAskAgain));
  }
  fence_term_ = int_parameter(term_);
  const std::int64_t sent = steady_ms();
  auto won = link_->ask(
      {"",
       "UPDATE amanat_disks SET term = $2::int8, holder = $3::text, seen = clock_timestamp(), "
       "released = false WHERE disk = $1::int8 AND term = $2::int8 - 1 RETURNING term"},
      std::array<std::string_view, 3>{fence_disk_, fence_term_, holder_});
  if (!won) return std::unexpected(won.error());
  last_good_ms_ = sent;
  return won->size() == 1 && !link_->warned();
}

Result<std::unique_ptr<Term>> Term::take(const Target& target, const PostgresDiskOptions& options) {
  std::unique_ptr<Term> term(new Term(options));
  const bool waits = options.busy == PostgresDiskOptions::Busy::wait;
  const auto give_up = Clock::now() + milliseconds(options.silence_ms);
  bool told = false;
  for (;;) {
    Reply<bool> begun = false;
    if (!term->link_ || term->link_->lost() || term->link_->warned()) {
      term->link_.reset();
      if (auto link = Link::dial(target); !link) {
        begun = std::unexpected(link.error());
      } else {
        term->link_ = *std::move(link);
        // Whether this session lives must be known to the server as soon as to us.
        term->link_->send({"", "SET tcp_keepalives_idle TO 2"});
        term->link_->send({"", "SET tcp_keepalives_interval TO 1"});
        term->link_->send({"", "SET tcp_keepalives_count TO 3"});
        if (auto set = term->link_->answers(); !set) begun = std::unexpected(set.error());
        if (auto made = term->make_tables(*term->link_); begun && !made)
          begun = std::unexpected(made.error());
        if (begun) begun = term->begin();
      }
    } else {
      begun = term->begin();
    }
    if (begun && *begun) return term;
    if (options.go_on && !options.go_on()) return fail(Reason::shutting_down);
    if (!begun && !begun.error().passing()) return std::unexpected(begun.error().as_failure());
    if (!begun && !waits && Clock::now() > give_up)
      return std::unexpected(begun.error().as_failure());
    if (begun && !waits)
      return fail(Reason::exchange_busy, "another gateway holds " + options.name);
    if (begun && !std::exchange(told, true) && options.on_wait)
      options.on_wait("another gateway holds " + options.name + ": waiting until it ends");
    std::this_thread::sleep_for(kAskAgain);
  }
}

milliseconds Term::quiet() const { return milliseconds(steady_ms() - last_good_ms_.load()); }

Result<void> Term::end(std::string why) {
  over_.store(true, std::memory_order_release);
  return fail(Reason::file_failed, "the term over " + options_.name + " has ended: " + why);
}

void Term::send_change(const DiskChange& change) {
  for (const auto& cut : change.cuts)
    link_->send(kCut, std::array<std::string_view, 3>{fence_disk_, int_parameter(cut.file),
                                                      int_parameter(cut.block)});
  if (!change.blocks.empty()) {
    ArrayParameter files(ArrayParameter::Of::int8), numbers(ArrayParameter::Of::int8),
        bytes(ArrayParameter::Of::bytea);
    for (const auto& block : change.blocks) {
      files.add(int_parameter(block.file));
      numbers.add(int_parameter(block.number));
      bytes.add(block.bytes);
    }
    link_->send(kPut, std::array<std::string_view, 4>{fence_disk_, files.text(), numbers.text(),
                                                      bytes.text()});
  }
  for (const auto& size : change.sizes)
    link_->send(kSize, std::array<std::string_view, 3>{fence_disk_, int_parameter(size.file),
                                                       int_parameter(size.bytes)});
  for (const auto& name : change.names) {
    if (name.file == 0)
      link_->send(kUnname, std::array<std::string_view, 2>{fence_disk_, name.path});
    else
      link_->send(
          kName, std::array<std::string_view, 3>{fence_disk_, name.path, int_parameter(name.file)});
  }
  for (const std::int64_t file : change.gone) {
    const std::string id = int_parameter(file);
    link_->send(kCut, std::array<std::string_view, 3>{fence_disk_, id, int_parameter(0)});
    link_->send(kGone, std::array<std::string_view, 2>{fence_disk_, id});
  }
}

Result<void> Term::commit(const DiskChange& change) {
  const std::lock_guard lock(mutex_);
  if (over()) return fail(Reason::file_failed, "the term over " + options_.name + " has ended");
  const std::int64_t left = std::int64_t{options_.silence_ms} - quiet().count();
  if (left <= 0) return end("the server was out of reach for too long");
  const std::int64_t sent = steady_ms();
  link_->send(kBegin);
  link_->send(kFence, std::array<std::string_view, 3>{fence_disk_, fence_term_, holder_});
  send_change(change);
  link_->send(kCommit);
  auto done = link_->answers_within(left);
  // A COMMIT that was cancelled while it waited for the standby answers with a warning: what it
  // wrote may be lost with this server.
  if (link_->warned()) return end("a commit did not reach the standby");
  if (done) {
    last_good_ms_ = sent;
    return {};
  }
  const Fault& fault = done.error();
  // Out of room, memory or connections: the server has said that nothing was done.
  if (!link_->lost() && fault.sqlstate.starts_with("53") && link_->ask(kRollback))
    return std::unexpected(refusal(fault));
  if (fault.sqlstate == "22012") return end("another gateway has taken it");
  return end(refusal(fault).detail);
}

Result<DiskContent> Term::content() {
  const std::lock_guard lock(mutex_);
  DiskContent content;
  const std::array<std::string_view, 1> disk{fence_disk_};
  link_->send(kBegin);
  link_->send(kFence, std::array<std::string_view, 3>{fence_disk_, fence_term_, holder_});
  for (const char* table : {"amanat_disk_blocks", "amanat_disk_files"})
    link_->send(
        {"", std::string("DELETE FROM ") + table +
                 " WHERE disk = $1::int8 AND file IN (SELECT f.file FROM amanat_disk_files "
                 "f WHERE f.disk = $1::int8 AND NOT EXISTS (SELECT 1 FROM amanat_disk_names "
                 "n WHERE n.disk = f.disk AND n.file = f.file))"},
        disk);
  link_->send({"", "SELECT path, file FROM amanat_disk_names WHERE disk = $1::int8"}, disk);
  link_->send(
      {"",
       "SELECT f.file, f.size, coalesce((SELECT max(b.block) + 1 FROM amanat_disk_blocks b "
       "WHERE b.disk = f.disk AND b.file = f.file), 0)::int8 FROM amanat_disk_files f WHERE "
       "f.disk = $1::int8"},
      disk);
  link_->send(kCommit);
  auto rows = link_->answers_within(std::int64_t{Link::kAnswerSeconds} * 1000);
  if (!rows) return std::unexpected(rows.error().as_failure());
  last_good_ms_ = steady_ms();  // nothing was done elsewhere yet, however long this took
  insist(rows->size() == 7);
  const Rows &names = (*rows)[4], &files = (*rows)[5];
  for (std::size_t i = 0; i < names.size(); ++i)
    content.names.push_back({std::string(names.bytes(i, 0)), names.number(i, 1)});
  for (std::size_t i = 0; i < files.size(); ++i)
    content.files.push_back({files.number(i, 0), files.number(i, 1), files.number(i, 2)});
  return content;
}

}  // namespace amanat::storage::pg
