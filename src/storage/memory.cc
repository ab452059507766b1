#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>

#include "model/insist.h"
#include "storage/storage.h"

namespace amanat::storage {
namespace {

using Rows = std::map<std::string, std::string, std::less<>>;

// A table's rows, and how many snapshots and scans look at them just now.
struct Held {
  Rows rows;
  std::atomic<int> lookers = 0;
};

// A look at a table, which keeps the rows as they are: whoever writes meanwhile copies them first.
class Look {
 public:
  explicit Look(std::shared_ptr<Held> held) : held_(std::move(held)) {
    held_->lookers.fetch_add(1);
  }
  ~Look() { held_->lookers.fetch_sub(1); }
  Look(const Look&) = delete;
  Look& operator=(const Look&) = delete;
  const Rows& rows() const { return held_->rows; }

 private:
  const std::shared_ptr<Held> held_;
};

using Tables = std::array<std::shared_ptr<Held>, kTables>;

std::size_t place_of(Table table) {
  const auto i = static_cast<std::size_t>(table);
  insist(i < kTables);
  return i;
}

Result<bool> get_from(const Rows& rows, std::string_view key, std::string& out) {
  const auto it = rows.find(key);
  if (it == rows.end()) return false;
  out.append(it->second);
  return true;
}

void scan_rows(const Rows& rows, std::string_view prefix, std::string_view from,
               const Visitor& visit) {
  insist(from.empty() || from.starts_with(prefix));
  for (auto it = rows.lower_bound(from.empty() ? prefix : from); it != rows.end(); ++it)
    if (!it->first.starts_with(prefix) || !visit(it->first, it->second)) return;
}

class Snapshot : public Reader {
 public:
  explicit Snapshot(const Tables& tables) {
    for (std::size_t i = 0; i < kTables; ++i) looks_[i].emplace(tables[i]);
  }
  Result<bool> get(Table table, std::string_view key, std::string& out) const override {
    return get_from(looks_[place_of(table)]->rows(), key, out);
  }
  Result<void> scan(Table table, std::string_view prefix, std::string_view from,
                    const Visitor& visit) const override {
    scan_rows(looks_[place_of(table)]->rows(), prefix, from, visit);
    return {};
  }

 private:
  std::array<std::optional<Look>, kTables> looks_;
};

class Memory : public Store {
 public:
  Memory() {
    for (auto& table : tables_) table = std::make_shared<Held>();
  }

  Result<bool> get(Table table, std::string_view key, std::string& out) const override {
    const std::shared_lock lock(mutex_);
    return get_from(tables_[place_of(table)]->rows, key, out);
  }

  // The lock is not held while the visitor runs: it may write.
  Result<void> scan(Table table, std::string_view prefix, std::string_view from,
                    const Visitor& visit) const override {
    std::optional<Look> look;
    {
      const std::shared_lock lock(mutex_);
      look.emplace(tables_[place_of(table)]);
    }
    scan_rows(look->rows(), prefix, from, visit);
    return {};
  }

  Result<void> write(const Batch& batch, Durability) override {
    const std::unique_lock lock(mutex_);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const Batch::Write w = batch[i];
      Rows& rows = own(w.table);
      const auto it = rows.lower_bound(w.key);
      const bool there = it != rows.end() && it->first == w.key;
      if (w.erase) {
        if (there) rows.erase(it);
      } else if (there) {
        it->second.assign(w.value);
      } else {
        rows.emplace_hint(it, w.key, w.value);
      }
    }
    return {};
  }

  Result<void> sync() override { return {}; }

  std::unique_ptr<Reader> snapshot() const override {
    const std::shared_lock lock(mutex_);
    return std::make_unique<Snapshot>(tables_);
  }

  Result<void> purge(Table, std::string_view) override { return {}; }

 private:
  Rows& own(Table table) {
    auto& held = tables_[place_of(table)];
    if (held->lookers.load() != 0) {
      auto copy = std::make_shared<Held>();
      copy->rows = held->rows;
      held = std::move(copy);
    }
    return held->rows;
  }

  mutable std::shared_mutex mutex_;
  Tables tables_;
};

}  // namespace

std::unique_ptr<Store> open_memory() { return std::make_unique<Memory>(); }

}  // namespace amanat::storage
