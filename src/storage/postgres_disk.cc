// A disk in PostgreSQL: names, files and blocks as rows (docs/storage.md).
//
// Invariants
//  1. Nothing is said to be synced before a transaction of this term's that holds it has returned.
//  2. What the process knows of the disk is what the server holds plus what it has not written yet:
//     nobody else writes (postgres_term.h), so blocks are kept in memory once read or written.
//  3. Of what is not synced any part may be on the server, as on any disk: long files are written
//     in parts, and old unsynced blocks by and by.
//  4. A block is stored without the zeros at its end, and not at all where none was ever stored: a
//     file full of zeros costs nothing.

#include "storage/postgres_disk.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <unordered_map>
#include <vector>

#include "model/insist.h"
#include "storage/postgres_term.h"

namespace amanat::storage {
namespace {

using namespace std::chrono_literals;
using pg::DiskChange;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kBlock = kPostgresBlockBytes;
constexpr std::size_t kPartBytes = std::size_t{512} << 10;      // of one transaction
constexpr std::size_t kSmallPartBytes = std::size_t{64} << 10;  // that others should not wait for
constexpr std::size_t kUnsyncedMax = std::size_t{8} << 20;      // of one file, then it is written
constexpr std::uint64_t kFetchBlocks = 256;                     // of one answer
constexpr std::chrono::milliseconds kRenewEvery = 1s, kLookEvery = 200ms, kWriteAfter = 2s,
                                    kGrace = 100ms;

const std::string& zeros() {
  static const std::string all(kBlock, '\0');
  return all;
}

std::string directory_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

/// Inode is a file's content. Everything is under the disk's mutex.
struct Inode {
  std::int64_t id = 0;
  std::uint64_t size = 0, stored_size = 0;
  bool stored = false;                            // it has a row
  std::uint64_t rows_end = 0;                     // no block from here on has a row
  std::optional<std::uint64_t> cut;               // rows from this block on go with the next commit
  std::map<std::uint64_t, std::string> unsynced;  // whole blocks
  std::map<std::uint64_t, std::string> flying;    // in the transaction under way
  std::uint64_t version = 0;                      // of what the server holds
  std::optional<Clock::time_point> unsynced_since;

  // Rows the server may show: those behind a truncation count no more.
  std::uint64_t end() const { return std::min(rows_end, cut.value_or(rows_end)); }
  bool changed() const { return !unsynced.empty() || cut || size != stored_size || !stored; }
};

/// Cache holds blocks as the server has them, the ones used last. Not thread-safe.
class Cache {
 public:
  explicit Cache(std::size_t bytes_max)
      : blocks_max_(std::max<std::size_t>(bytes_max / kBlock, 1)) {}
  const std::string* find(std::int64_t file, std::uint64_t block) {
    const auto it = places_.find({file, block});
    if (it == places_.end()) return nullptr;
    used_.splice(used_.begin(), used_, it->second);
    return &it->second->bytes;
  }
  void put(std::int64_t file, std::uint64_t block, std::string bytes) {
    const auto it = places_.find({file, block});
    if (it != places_.end()) {
      it->second->bytes = std::move(bytes);
      return;
    }
    used_.push_front({{file, block}, std::move(bytes)});
    places_[{file, block}] = used_.begin();
    if (used_.size() <= blocks_max_) return;
    places_.erase(used_.back().key);
    used_.pop_back();
  }
  void forget(std::int64_t file, std::uint64_t from) {
    for (auto it = places_.lower_bound({file, from});
         it != places_.end() && it->first.first == file;) {
      used_.erase(it->second);
      it = places_.erase(it);
    }
  }

 private:
  using Key = std::pair<std::int64_t, std::uint64_t>;
  struct Held {
    Key key;
    std::string bytes;
  };
  const std::size_t blocks_max_;
  std::list<Held> used_;
  std::map<Key, std::list<Held>::iterator> places_;
};

class PostgresDisk : public Disk {
 public:
  PostgresDisk(pg::Target target, const PostgresDiskOptions& options)
      : target_(std::move(target)), options_(options), cache_(options.cache_bytes) {}
  ~PostgresDisk() override;
  Result<void> begin();

  Result<std::unique_ptr<File>> open(const std::string& path, Open how) override;
  Result<std::unique_ptr<File>> open_for_recovery(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<void> make_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;

 private:
  class Handle;
  using Node = std::shared_ptr<Inode>;

  Result<void> alive() const;
  void set_name(const std::string& path, Node node);
  Result<void> write(const Node& node, std::uint64_t offset, std::string_view data);
  Result<void> read(const Node& node, std::uint64_t offset, std::size_t size, std::string& out,
                    bool around_cache);
  Result<void> truncate(const Node& node, std::uint64_t size);
  Result<void> flush(const Node& node, bool always);
  Result<bool> flush_part(const Node& node, bool always, std::size_t bytes_max = kPartBytes);
  const std::string* known(const Inode& node, std::uint64_t block, bool around_cache);
  Result<std::string> one_block(const Node& node, std::uint64_t block);
  Result<std::map<std::uint64_t, std::string>> fetch(std::int64_t file, std::uint64_t from,
                                                     std::uint64_t to);
  pg::Reply<pg::Rows> ask_blocks(std::int64_t file, std::uint64_t from, std::uint64_t to);
  void guard();
  void write_old();

  const pg::Target target_;
  const PostgresDiskOptions options_;
  std::unique_ptr<pg::Term> term_;

  mutable std::mutex mutex_;  // what follows; never held over a transaction
  std::map<std::string, Node> names_;
  std::set<std::string> directories_;
  std::map<std::string, std::int64_t> renamed_;  // names the server does not have yet; 0: none
  std::vector<Node> unnamed_;                    // to be deleted once nobody has them open
  std::int64_t next_file_ = 1;
  Cache cache_;

  std::mutex writing_;  // one transaction's worth of blocks is in the air at a time
  std::mutex reading_;
  std::unique_ptr<pg::Link> reader_;

  std::mutex guard_mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread guard_;
};

class PostgresDisk::Handle : public File {
 public:
  Handle(PostgresDisk& disk, Node node, bool around_cache)
      : disk_(disk), node_(std::move(node)), around_cache_(around_cache) {}

  // Also once the term is over: it is the sync that fails then, and a failed sync is final.
  Result<void> write_at(std::uint64_t offset, std::string_view data) override {
    if (useless_) return fail(Reason::file_failed, "used after a failed sync");
    return disk_.write(node_, offset, data);
  }
  Result<void> read_at(std::uint64_t offset, std::size_t size, std::string& out) const override {
    return disk_.read(node_, offset, size, out, around_cache_);
  }
  Result<void> sync() override {
    if (auto ok = may(); !ok) return ok;
    auto synced = disk_.flush(node_, true);
    useless_ = !synced;
    return synced;
  }
  Result<void> truncate(std::uint64_t size) override {
    if (auto ok = may(); !ok) return ok;
    return disk_.truncate(node_, size);
  }
  Result<std::uint64_t> size() const override {
    const std::lock_guard lock(disk_.mutex_);
    return node_->size;
  }

 private:
  Result<void> may() const {
    if (useless_) return fail(Reason::file_failed, "used after a failed sync");
    return disk_.alive();
  }
  PostgresDisk& disk_;
  const Node node_;
  const bool around_cache_;
  bool useless_ = false;
};

Result<void> PostgresDisk::alive() const {
  if (!term_->over()) return {};
  return fail(Reason::file_failed, "the term over " + options_.name + " has ended");
}

Result<void> PostgresDisk::begin() {
  auto term = pg::Term::take(target_, options_);
  if (!term) return std::unexpected(std::move(term.error()));
  term_ = *std::move(term);
  auto content = term_->content();
  if (!content) return std::unexpected(std::move(content.error()));
  std::unordered_map<std::int64_t, Node> nodes;
  for (const auto& row : content->files) {
    auto node = std::make_shared<Inode>();
    node->id = row.file;
    node->size = node->stored_size = static_cast<std::uint64_t>(row.bytes);
    node->rows_end = static_cast<std::uint64_t>(row.blocks_end);
    node->stored = true;
    nodes[row.file] = node;
    next_file_ = std::max(next_file_, row.file + 1);
  }
  for (const auto& name : content->names) {
    const auto node = nodes.find(name.file);
    if (node == nodes.end()) return fail(Reason::store_failed, name.path + ": its file is missing");
    names_[name.path] = node->second;
    directories_.insert(directory_of(name.path));
  }
  if (auto renewed = term_->commit({}); !renewed) return renewed;
  guard_ = std::thread([this] { guard(); });
  return {};
}

PostgresDisk::~PostgresDisk() {
  {
    const std::lock_guard lock(guard_mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (!guard_.joinable()) return;
  guard_.join();
  // What a file system would write by and by once the process is gone.
  std::vector<Node> nodes;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [path, node] : names_) nodes.push_back(node);
  }
  for (const Node& node : nodes)
    if (!flush(node, false)) return;
  if (!renamed_.empty()) (void)sync_directory({});
}

// The guard renews the term, writes what has waited for long, and says when the term is over.
void PostgresDisk::guard() {
  std::unique_lock lock(guard_mutex_);
  while (!wake_.wait_for(lock, kLookEvery, [this] { return stopping_; })) {
    lock.unlock();
    if (!term_->over()) write_old();
    if (!term_->over() && term_->quiet() >= kRenewEvery) (void)term_->commit({});
    if (term_->over()) {
      const std::string words =
          "the term over " + options_.name + " has ended: another gateway may write the ledger now";
      if (options_.on_lost) return options_.on_lost(words);
      std::fprintf(stderr, "amanat: %s\namanat: stopping at once\n", words.c_str());
      std::fflush(stderr);
      std::this_thread::sleep_for(kGrace);  // refusals on their way may still be sent
      std::abort();
    }
    lock.lock();
  }
}

void PostgresDisk::write_old() {
  std::vector<Node> old;
  {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    for (const auto& [path, node] : names_)
      if (node->unsynced_since && now - *node->unsynced_since > kWriteAfter) old.push_back(node);
  }
  for (const Node& node : old) {
    // A failure that the term outlives is for whoever syncs the file to find.
    if (auto part = flush_part(node, false, kSmallPartBytes); !part) return;
  }
}

void PostgresDisk::set_name(const std::string& path, Node node) {
  auto& at = names_[path];
  if (at && at != node) unnamed_.push_back(at);
  renamed_[path] = node ? node->id : 0;
  if (node)
    at = std::move(node);
  else
    names_.erase(path);
}

Result<std::unique_ptr<File>> PostgresDisk::open(const std::string& path, Open how) {
  if (auto ok = alive(); !ok) return std::unexpected(std::move(ok.error()));
  const std::lock_guard lock(mutex_);
  auto found = names_.find(path);
  if (found != names_.end() && how == Open::create_new)
    return fail(Reason::file_failed, "open " + path + ": it exists");
  if (found == names_.end()) {
    if (how == Open::existing) return fail(Reason::file_failed, "open " + path + ": no such file");
    auto node = std::make_shared<Inode>();
    node->id = next_file_++;
    set_name(path, std::move(node));
    found = names_.find(path);
  }
  return std::make_unique<Handle>(*this, found->second, false);
}

Result<std::unique_ptr<File>> PostgresDisk::open_for_recovery(const std::string& path) {
  if (auto ok = alive(); !ok) return std::unexpected(std::move(ok.error()));
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(path);
  if (found == names_.end()) return fail(Reason::file_failed, "open " + path + ": no such file");
  return std::make_unique<Handle>(*this, found->second, true);
}

Result<void> PostgresDisk::rename(const std::string& from, const std::string& to) {
  if (auto ok = alive(); !ok) return ok;
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(from);
  if (found == names_.end()) return fail(Reason::file_failed, "rename " + from + ": no such file");
  if (from == to) return {};
  const Node node = found->second;
  set_name(to, node);
  names_.erase(from);
  renamed_[from] = 0;
  return {};
}

Result<void> PostgresDisk::remove(const std::string& path) {
  if (auto ok = alive(); !ok) return ok;
  const std::lock_guard lock(mutex_);
  if (!names_.contains(path)) return fail(Reason::file_failed, "remove " + path + ": no such file");
  set_name(path, nullptr);
  return {};
}

// One transaction for all names changed so far, of whatever directory: they are sure in an order
// that some crash of a file system could have left.
Result<void> PostgresDisk::sync_directory(const std::string&) {
  const std::lock_guard writing(writing_);
  DiskChange change;
  std::map<std::string, std::int64_t> renamed;
  std::vector<Node> named, gone;
  {
    const std::lock_guard lock(mutex_);
    renamed = std::exchange(renamed_, {});
    for (const auto& [path, file] : renamed) {
      change.names.push_back({path, file});
      const auto it = names_.find(path);
      if (file == 0 || it->second->stored) continue;
      change.sizes.push_back({file, 0});
      named.push_back(it->second);
    }
    std::erase_if(unnamed_, [&gone](Node& node) {
      if (node.use_count() > 1) return false;
      gone.push_back(std::move(node));
      return true;
    });
    for (const Node& node : gone) change.gone.push_back(node->id);
  }
  auto done = term_->commit(change);
  const std::lock_guard lock(mutex_);
  if (!done) {
    renamed.merge(renamed_);  // older ones under newer ones of the same name
    for (auto& [path, file] : renamed_) renamed[path] = file;
    renamed_ = std::move(renamed);
    unnamed_.insert(unnamed_.end(), gone.begin(), gone.end());
    return done;
  }
  for (const Node& node : named) node->stored = true;
  for (const Node& node : gone) cache_.forget(node->id, 0);
  return done;
}

Result<void> PostgresDisk::make_directory(const std::string& path) {
  if (auto ok = alive(); !ok) return ok;
  const std::lock_guard lock(mutex_);
  if (names_.contains(path))
    return fail(Reason::file_failed, "make directory " + path + ": it exists");
  directories_.insert(path);
  return {};
}

// A directory is there as long as anything is in it; an empty one, until the process ends.
Result<std::vector<std::string>> PostgresDisk::list(const std::string& path) {
  if (auto ok = alive(); !ok) return std::unexpected(std::move(ok.error()));
  const std::lock_guard lock(mutex_);
  const std::string within = path + "/";
  std::vector<std::string> found;
  bool there = directories_.contains(path);
  for (auto it = names_.lower_bound(within); it != names_.end() && it->first.starts_with(within);
       ++it) {
    there = true;
    if (it->first.find('/', within.size()) == std::string::npos)
      found.push_back(it->first.substr(within.size()));
  }
  if (!there) return fail(Reason::file_failed, "list " + path + ": no such directory");
  return found;
}

// known gives a block without asking the server; null where it must be asked. Under mutex_.
const std::string* PostgresDisk::known(const Inode& node, std::uint64_t block, bool around_cache) {
  if (const auto it = node.unsynced.find(block); it != node.unsynced.end()) return &it->second;
  if (node.cut && block >= *node.cut) return &zeros();
  if (const auto it = node.flying.find(block); it != node.flying.end()) return &it->second;
  if (block >= node.end()) return &zeros();
  return around_cache ? nullptr : cache_.find(node.id, block);
}

Result<std::string> PostgresDisk::one_block(const Node& node, std::uint64_t block) {
  std::string out;
  std::uint64_t version = 0;
  {
    const std::lock_guard lock(mutex_);
    if (const std::string* bytes = known(*node, block, false)) return *bytes;
    version = node->version;
  }
  auto rows = fetch(node->id, block, block + 1);
  if (!rows) return std::unexpected(std::move(rows.error()));
  out = rows->contains(block) ? std::move(rows->at(block)) : zeros();
  const std::lock_guard lock(mutex_);
  if (node->version == version) cache_.put(node->id, block, out);
  return out;
}

Result<void> PostgresDisk::write(const Node& node, std::uint64_t offset, std::string_view data) {
  bool full = false;
  while (!data.empty()) {
    const std::uint64_t block = offset / kBlock;
    const std::size_t at = offset % kBlock;
    const std::string_view piece = data.substr(0, kBlock - at);
    std::string before;
    const bool whole = piece.size() == kBlock;
    if (!whole) {
      auto read = one_block(node, block);
      if (!read) return std::unexpected(std::move(read.error()));
      before = *std::move(read);
    }
    {
      const std::lock_guard lock(mutex_);
      const bool nothing =
          whole && block >= node->rows_end && !node->flying.contains(block) && piece == zeros();
      if (nothing) {
        node->unsynced.erase(block);
      } else {
        if (whole)
          before.assign(piece);
        else
          before.replace(at, piece.size(), piece);
        node->unsynced[block] = std::move(before);
        if (!node->unsynced_since) node->unsynced_since = Clock::now();
        full = node->unsynced.size() * kBlock > kUnsyncedMax;
      }
      node->size = std::max(node->size, offset + piece.size());
    }
    offset += piece.size();
    data.remove_prefix(piece.size());
    if (full)
      if (auto part = flush_part(node, false); !part)
        return std::unexpected(std::move(part.error()));
    full = false;
  }
  return {};
}

Result<void> PostgresDisk::truncate(const Node& node, std::uint64_t size) {
  const std::uint64_t end = (size + kBlock - 1) / kBlock;
  if (size % kBlock != 0) {
    std::uint64_t before = 0;
    {
      const std::lock_guard lock(mutex_);
      before = node->size;
    }
    if (size < before) {
      auto last = one_block(node, size / kBlock);
      if (!last) return std::unexpected(std::move(last.error()));
      last->replace(size % kBlock, std::string::npos, kBlock - size % kBlock, '\0');
      const std::lock_guard lock(mutex_);
      node->unsynced[size / kBlock] = *std::move(last);
    }
  }
  const std::lock_guard lock(mutex_);
  node->unsynced.erase(node->unsynced.lower_bound(end), node->unsynced.end());
  if (node->rows_end > end || !node->flying.empty())
    node->cut = std::min(node->cut.value_or(end), end);
  node->size = size;
  ++node->version;
  if (!node->unsynced_since) node->unsynced_since = Clock::now();
  cache_.forget(node->id, end);
  return {};
}

// flush_part commits at most so much of a file; true if nothing is left. `always`: a transaction
// also where nothing changed, since what another term left visible is only then sure to be durable.
Result<bool> PostgresDisk::flush_part(const Node& node, bool always, std::size_t bytes_max) {
  const std::lock_guard writing(writing_);
  DiskChange change;
  std::optional<std::uint64_t> cut;
  std::uint64_t size = 0, version = 0;
  bool rest = false;
  {
    const std::lock_guard lock(mutex_);
    if (!node->changed() && !always) return true;
    cut = node->cut;
    size = node->size;
    if (cut) change.cuts.push_back({node->id, static_cast<std::int64_t>(*cut)});
    insist(node->flying.empty());
    while (!node->unsynced.empty() && node->flying.size() * kBlock < bytes_max)
      node->flying.insert(node->unsynced.extract(node->unsynced.begin()));
    rest = !node->unsynced.empty();
    if (!rest) node->unsynced_since.reset();
    for (const auto& [number, bytes] : node->flying) {
      const auto last = bytes.find_last_not_of('\0');
      change.blocks.push_back({node->id, static_cast<std::int64_t>(number),
                               std::string_view(bytes).substr(0, last + 1)});
    }
    if (!node->stored || size != node->stored_size)
      change.sizes.push_back({node->id, static_cast<std::int64_t>(size)});
    version = ++node->version;
  }
  auto done = term_->commit(change);
  const std::lock_guard lock(mutex_);
  if (!done) {
    // As after a failed fdatasync: the file shows what the disk has.
    node->flying.clear();
    node->unsynced.clear();
    node->unsynced_since.reset();
    node->cut.reset();
    node->size = node->stored_size;
    cache_.forget(node->id, 0);
    ++node->version;
    return std::unexpected(std::move(done.error()));
  }
  const bool same = node->version == version;  // else it was truncated meanwhile
  if (cut) {
    node->rows_end = std::min(node->rows_end, *cut);
    if (same) node->cut.reset();
  }
  node->stored = true;
  node->stored_size = size;
  for (auto& [number, bytes] : node->flying) {
    node->rows_end = std::max(node->rows_end, number + 1);
    if (same) cache_.put(node->id, number, std::move(bytes));
  }
  if (!same) cache_.forget(node->id, 0);
  node->flying.clear();
  ++node->version;
  return !rest;
}

Result<void> PostgresDisk::flush(const Node& node, bool always) {
  for (;;) {
    auto done = flush_part(node, always);
    if (!done) return std::unexpected(std::move(done.error()));
    if (*done) return {};
    always = false;
  }
}

pg::Reply<pg::Rows> PostgresDisk::ask_blocks(std::int64_t file, std::uint64_t from,
                                             std::uint64_t to) {
  static const pg::Statement kSelect{
      "blocks",
      "SELECT block, bytes FROM amanat_disk_blocks WHERE disk = $1::int8 AND file = $2::int8 AND "
      "block >= $3::int8 AND block < $4::int8"};
  if (!reader_ || reader_->lost()) {
    auto link = pg::Link::dial(target_);
    if (!link) return std::unexpected(link.error());
    reader_ = *std::move(link);
  }
  const std::string disk = pg::int_parameter(term_->disk()), id = pg::int_parameter(file),
                    first = pg::int_parameter(static_cast<std::int64_t>(from)),
                    end = pg::int_parameter(static_cast<std::int64_t>(to));
  return reader_->ask(kSelect, std::array<std::string_view, 4>{disk, id, first, end});
}

// Reads go over a connection of their own, so that no append waits for them; one that is lost is
// made again.
Result<std::map<std::uint64_t, std::string>> PostgresDisk::fetch(std::int64_t file,
                                                                 std::uint64_t from,
                                                                 std::uint64_t to) {
  if (auto ok = alive(); !ok) return std::unexpected(std::move(ok.error()));
  const std::lock_guard lock(reading_);
  auto rows = ask_blocks(file, from, to);
  if (!rows && rows.error().passing()) rows = ask_blocks(file, from, to);
  if (!rows) return fail(Reason::file_failed, rows.error().as_failure().detail);
  std::map<std::uint64_t, std::string> out;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    std::string bytes(rows->bytes(i, 1));
    if (bytes.size() > kBlock) return fail(Reason::file_failed, "a block is too long");
    bytes.resize(kBlock, '\0');
    out[static_cast<std::uint64_t>(rows->number(i, 0))] = std::move(bytes);
  }
  return out;
}

Result<void> PostgresDisk::read(const Node& node, std::uint64_t offset, std::size_t size,
                                std::string& out, bool around_cache) {
  if (auto ok = alive(); !ok) return ok;
  const std::size_t before = out.size();
  std::uint64_t end = 0;
  {
    const std::lock_guard lock(mutex_);
    end = std::min<std::uint64_t>(offset + size, node->size);
  }
  std::map<std::uint64_t, std::string> fetched;
  while (offset < end) {
    const std::uint64_t block = offset / kBlock;
    const std::size_t at = offset % kBlock;
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock - at, end - offset));
    std::uint64_t until = 0, version = 0;
    {
      const std::lock_guard lock(mutex_);
      const auto have = fetched.find(block);
      const std::string* bytes =
          have != fetched.end() ? &have->second : known(*node, block, around_cache);
      if (bytes != nullptr) {
        out.append(*bytes, at, n);
        offset += n;
        continue;
      }
      until = std::min({(end + kBlock - 1) / kBlock, block + kFetchBlocks, node->end()});
      version = node->version;
    }
    auto rows = fetch(node->id, block, until);
    if (!rows) {
      out.resize(before);
      return std::unexpected(std::move(rows.error()));
    }
    fetched.clear();
    const std::lock_guard lock(mutex_);
    for (std::uint64_t b = block; b < until; ++b) {
      auto row = rows->find(b);
      std::string bytes = row != rows->end() ? std::move(row->second) : zeros();
      // What this process has not written yet, or wrote meanwhile, is newer than what came.
      if (const std::string* newer = known(*node, b, node->version == version); newer != nullptr)
        bytes = *newer;
      else if (node->version == version && !around_cache)
        cache_.put(node->id, b, bytes);
      fetched[b] = std::move(bytes);
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Disk>> open_postgres_disk(const std::string& url,
                                                 const PostgresDiskOptions& options) {
  auto target = pg::Target::parse(url);
  if (!target) return std::unexpected(std::move(target.error()));
  auto disk = std::make_unique<PostgresDisk>(*std::move(target), options);
  if (auto begun = disk->begin(); !begun) return std::unexpected(std::move(begun.error()));
  return std::unique_ptr<Disk>(std::move(disk));
}

}  // namespace amanat::storage
