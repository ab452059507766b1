#include "server/move.h"

#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <future>
#include <utility>

#include "model/insist.h"
#include "storage/file.h"

namespace amanat::server {
namespace {

using storage::Batch;
using storage::Durability;
using storage::kTables;
using storage::Store;
using storage::Table;

constexpr std::size_t kBatchRows = 8192, kBatchBytes = std::size_t{8} << 20;
constexpr std::uint64_t kTellEvery = 4096;
constexpr const char* kAside = ".left";

bool is_mark(Table table, std::string_view key) {
  return table == Table::settings && (key == kMovingRow || key == kLeftRow);
}

std::unexpected<Failure> ended() { return fail(Reason::store_failed, "the move was ended"); }

// What kMovingRow says: which exchange, how far, and the last key taken.
struct Mark {
  std::string origin;
  std::uint64_t rows = 0;
  std::size_t table = 0;
  std::string last;

  std::string text() const {
    return origin + '\n' + std::to_string(rows) + '\n' + std::to_string(table) + '\n' + last;
  }
  static Result<Mark> read(std::string_view text) {
    Mark mark;
    std::array<std::string, 3> lines;
    for (auto& line : lines) {
      const std::size_t end = text.find('\n');
      if (end == text.npos) return fail(Reason::store_failed, "the mark of a move is damaged");
      line = text.substr(0, end);
      text.remove_prefix(end + 1);
    }
    mark.origin = lines[0];
    for (const char c : lines[1] + lines[2])
      if (c < '0' || c > '9') return fail(Reason::store_failed, "the mark of a move is damaged");
    if (lines[1].empty() || lines[1].size() > 18 || lines[2].empty() || lines[2].size() > 2)
      return fail(Reason::store_failed, "the mark of a move is damaged");
    mark.rows = std::stoull(lines[1]);
    mark.table = std::stoul(lines[2]);
    if (mark.table >= kTables) return fail(Reason::store_failed, "the mark of a move is damaged");
    mark.last = text;
    return mark;
  }
};

Result<std::optional<std::string>> row(const Store& store, std::string_view key) {
  std::string value;
  auto there = store.get(Table::settings, key, value);
  if (!there) return std::unexpected(there.error());
  return *there ? std::optional(std::move(value)) : std::nullopt;
}

Result<void> put_row(Store& store, std::string_view key, std::string_view value) {
  Batch batch;
  batch.put(Table::settings, key, value);
  return store.write(batch, Durability::synced);
}

Result<void> erase_row(Store& store, std::string_view key) {
  Batch batch;
  batch.erase(Table::settings, key);
  return store.write(batch, Durability::synced);
}

Result<bool> holds_rows(const Store& store) {
  bool any = false;
  for (std::size_t t = 0; t < kTables && !any; ++t) {
    const auto table = static_cast<Table>(t);
    auto scanned = store.scan(table, {}, {}, [&](std::string_view key, std::string_view) {
      any = !is_mark(table, key);
      return !any;
    });
    if (!scanned) return std::unexpected(scanned.error());
  }
  return any;
}

// The mark stays to the end, so that a half-emptied store is never taken for an exchange's.
Result<void> empty_out(Store& store, const Mark& mark) {
  if (auto marked = put_row(store, kMovingRow, mark.text()); !marked) return marked;
  for (std::size_t t = 0; t < kTables; ++t) {
    const auto table = static_cast<Table>(t);
    Batch batch;
    Result<void> written;
    auto scanned = store.scan(table, {}, {}, [&](std::string_view key, std::string_view) {
      if (table == Table::settings && key == kMovingRow) return true;
      batch.erase(table, key);
      if (batch.size() < kBatchRows) return true;
      written = store.write(batch, Durability::buffered);
      batch.clear();
      return written.has_value();
    });
    if (!scanned) return scanned;
    if (!written) return written;
    if (written = store.write(batch, Durability::buffered); !written) return written;
  }
  return store.sync();
}

Result<void> copy(const Store& from, Store& to, Mark mark, const MoveProgress& progress) {
  for (std::size_t t = mark.table; t < kTables; ++t) {
    const auto table = static_cast<Table>(t);
    Batch batch;
    Result<void> written;
    const auto flush = [&] {
      mark.table = t;
      batch.put(Table::settings, kMovingRow, mark.text());
      written = to.write(batch, Durability::buffered);
      batch.clear();
      if (written && !progress(1, mark.rows)) written = ended();
      return written.has_value();
    };
    const std::string after = std::exchange(mark.last, {});
    auto scanned = from.scan(table, {}, after, [&](std::string_view key, std::string_view value) {
      if (key == after || is_mark(table, key)) return true;
      batch.put(table, key, value);
      ++mark.rows;
      mark.last = key;
      return (batch.size() < kBatchRows && batch.bytes() < kBatchBytes) || flush();
    });
    if (!scanned) return scanned;
    if (!written || !flush()) return written;
    mark.last.clear();
  }
  return to.sync();
}

Result<bool> are_equal(const Store& from, const Store& to, const MoveProgress& progress,
                       Moved& moved) {
  auto other = std::async(std::launch::async,
                          [&] { return digest_rows(to, [](std::uint64_t) { return true; }); });
  auto here = digest_rows(from, [&](std::uint64_t rows) { return progress(2, rows); });
  auto there = other.get();
  if (!here) return std::unexpected(here.error());
  if (!there) return std::unexpected(there.error());
  moved.rows = here->rows;
  moved.bytes = here->bytes;
  moved.digest = here->digest;
  return here->rows == there->rows && here->digest == there->digest;
}

// A local store that was left is removed whole, which is quicker than row by row.
Result<void> renew_if_left(const Home& home, const Engine& engine, std::unique_ptr<Store>& store) {
  auto left = row(*store, kLeftRow);
  if (!left) return std::unexpected(left.error());
  if (!*left || engine.store != kLocalStore) return {};
  store.reset();
  // Out of the way at once: a store that is only half removed would not open any more.
  std::error_code failed;
  std::filesystem::rename(home.records(), home.records() + kAside, failed);
  if (!failed) std::filesystem::remove_all(home.records() + kAside, failed);
  if (failed) return fail(Reason::file_failed, home.records());
  auto again = open_engine(engine);
  if (!again) return std::unexpected(again.error());
  store = *std::move(again);
  return {};
}

}  // namespace

// Only the line of `key` changes: comments of the operator's own stay.
std::string with_store(std::string_view config, std::string_view store, std::string_view key) {
  const std::string word(key), line = word + " = \"" + std::string(store) + "\"\n";
  std::string out;
  bool named = false;
  while (!config.empty()) {
    const std::size_t end = std::min(config.find('\n'), config.size() - 1) + 1;
    const std::string_view one = config.substr(0, end);
    const bool this_one = one.starts_with(word + " ") || one.starts_with(word + "=");
    out += this_one ? std::string_view(line) : one;
    named = named || this_one;
    config.remove_prefix(end);
  }
  if (!named) out += (out.empty() || out.ends_with('\n') ? "" : "\n") + line;
  return out;
}

Result<Moved> digest_rows(const storage::Reader& store,
                          const std::function<bool(std::uint64_t)>& progress) {
  Moved all;
  crypto::Sha256 digest;
  bool going = true;
  for (std::size_t t = 0; t < kTables && going; ++t) {
    const auto table = static_cast<Table>(t);
    auto scanned = store.scan(table, {}, {}, [&](std::string_view key, std::string_view value) {
      if (is_mark(table, key)) return true;
      std::array<std::uint8_t, 7> head = {static_cast<std::uint8_t>(t)};
      for (std::size_t i = 0; i < 2; ++i)
        head[1 + i] = static_cast<std::uint8_t>(key.size() >> (8 - 8 * i));
      for (std::size_t i = 0; i < 4; ++i)
        head[3 + i] = static_cast<std::uint8_t>(value.size() >> (24 - 8 * i));
      digest.update(head);
      digest.update(crypto::bytes_of(key));
      digest.update(crypto::bytes_of(value));
      ++all.rows;
      all.bytes += key.size() + value.size();
      return going = all.rows % kTellEvery != 0 || progress(all.rows);
    });
    if (!scanned) return std::unexpected(scanned.error());
  }
  if (!going) return ended();
  all.digest = digest.finish();
  return all;
}

Result<Moved> move_store(const Home& home, const std::string& to, const MoveProgress& progress) {
  struct stat there;
  if (::stat(home.config().c_str(), &there) != 0) return fail(Reason::exchange_missing, home.root);
  if (auto fine = check_store(to); !fine) return std::unexpected(fine.error());
  auto lock = storage::DirectoryLock::take(home.root);
  if (!lock) return std::unexpected(lock.error());
  auto config = read_config(home.config());
  if (!config) return std::unexpected(config.error());
  // What a move that was killed had put aside.
  std::error_code failed;
  std::filesystem::remove_all(home.records() + kAside, failed);
  if (failed) return fail(Reason::file_failed, home.records() + kAside);
  Moved moved;
  const Engine goal{to, home.records(), config->cache_mib};
  auto target = open_engine(goal);
  if (!target) return std::unexpected(target.error());
  if (config->store == to) {
    // Either there is nothing to do, or the last step of a move is missing.
    auto moving = row(**target, kMovingRow);
    if (!moving) return std::unexpected(moving.error());
    if (!*moving) return fail(Reason::exchange_exists, "the rows are in that store already");
    if (auto done = erase_row(**target, kMovingRow); !done) return std::unexpected(done.error());
    return digest_rows(**target, [](std::uint64_t) { return true; });
  }
  if (auto renewed = renew_if_left(home, goal, *target); !renewed)
    return std::unexpected(renewed.error());
  auto source = open_engine(Engine{config->store, home.records(), config->cache_mib});
  if (!source) return std::unexpected(source.error());

  Mark mark;
  mark.origin = config->origin;
  auto moving = row(**target, kMovingRow);
  if (!moving) return std::unexpected(moving.error());
  bool fresh = false;
  if (*moving) {
    auto read = Mark::read(**moving);
    if (!read) return std::unexpected(read.error());
    if (read->origin != mark.origin)
      return fail(Reason::exchange_exists, "rows of another exchange are being moved there");
    mark = *std::move(read);
    moved.resumed_after = mark.rows;
  } else {
    fresh = true;
    auto left = row(**target, kLeftRow);
    if (!left) return std::unexpected(left.error());
    auto held = holds_rows(**target);
    if (!held) return std::unexpected(held.error());
    if (*held && !*left) return fail(Reason::exchange_exists, "the target holds rows");
    if (auto emptied = empty_out(**target, mark); !emptied) return std::unexpected(emptied.error());
  }
  for (;;) {
    if (auto copied = copy(**source, **target, mark, progress); !copied)
      return std::unexpected(copied.error());
    auto equal = are_equal(**source, **target, progress, moved);
    if (!equal) return std::unexpected(equal.error());
    if (*equal) break;
    if (fresh) return fail(Reason::store_failed, "the two stores differ after all");
    fresh = true;
    moved.resumed_after = 0;
    mark = Mark{config->origin, 0, 0, {}};
    if (auto emptied = empty_out(**target, mark); !emptied) return std::unexpected(emptied.error());
  }
  if (auto left = put_row(**source, kLeftRow, "moved"); !left) return std::unexpected(left.error());
  auto text = storage::read_file(home.config(), 64 * 1024);
  if (!text) return std::unexpected(text.error());
  if (auto named =
          storage::replace_file(storage::system_disk(), home.config(), with_store(*text, to), 0644);
      !named)
    return std::unexpected(named.error());
  if (auto done = erase_row(**target, kMovingRow); !done) return std::unexpected(done.error());
  return moved;
}

}  // namespace amanat::server
