#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <shared_mutex>

#include "model/insist.h"
#include "storage/storage.h"

namespace amanat::storage {
namespace {

using Rows = std::map<std::string, std::string, std::less<>>;
using Tables = std::array<std::shared_ptr<const Rows>, kTables>;

const Rows& rows_of(const Tables& tables, Table table) {
  const auto i = static_cast<std::size_t>(table);
  insist(i < kTables);
  return *tables[i];
}

Result<bool> get_from(const Rows& rows, std::string_view key, std::string& out) {
  const auto it = rows.find(key);
  if (it == rows.end()) return false;
  out.append(it->second);
  return true;
}

void scan_rows(const Rows& rows, std::string_view prefix, std::string_view from, const Visitor& visit) {
  insist(from.empty() || from.starts_with(prefix));
  for (auto it = rows.lower_bound(from.empty() ? prefix : from); it != rows.end(); ++it)
    if (!it->first.starts_with(prefix) || !visit(it->first, it->second)) return;
}

// A table is copied only when it is written while a snapshot or a scan still looks at it.
class Snapshot : public Reader {
 public:
  explicit Snapshot(Tables tables) : tables_(std::move(tables)) {}
  Result<bool> get(Table table, std::string_view key, std::string& out) const override {
    return get_from(rows_of(tables_, table), key, out);
  }
  Result<void> scan(Table table, std::string_view prefix, std::string_view from,
                    const Visitor& visit) const override {
    scan_rows(rows_of(tables_, table), prefix, from, visit);
    return {};
  }

 private:
  Tables tables_;
};

class Memory : public Store {
 public:
  Memory() {
    for (auto& table : tables_) table = std::make_shared<Rows>();
  }

  Result<bool> get(Table table, std::string_view key, std::string& out) const override {
    const std::shared_lock lock(mutex_);
    return get_from(rows_of(tables_, table), key, out);
  }

  // Visits what the table held when the scan began, without a lock: a visitor may write.
  Result<void> scan(Table table, std::string_view prefix, std::string_view from,
                    const Visitor& visit) const override {
    insist(static_cast<std::size_t>(table) < kTables);
    std::shared_ptr<const Rows> rows;
    {
      const std::shared_lock lock(mutex_);
      rows = tables_[static_cast<std::size_t>(table)];
    }
    scan_rows(*rows, prefix, from, visit);
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
    auto& shared = tables_[static_cast<std::size_t>(table)];
    if (shared.use_count() > 1) shared = std::make_shared<Rows>(*shared);
    std::atomic_thread_fence(std::memory_order_acquire);  // the count was read relaxed
    return const_cast<Rows&>(*shared);  // made as Rows above, and nobody else holds it
  }

  mutable std::shared_mutex mutex_;
  Tables tables_;
};

}  // namespace

std::unique_ptr<Store> open_memory() { return std::make_unique<Memory>(); }

}  // namespace amanat::storage
