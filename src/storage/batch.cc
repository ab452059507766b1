#include "model/insist.h"
#include "storage/storage.h"

namespace amanat::storage {

void Batch::put(Table table, std::string_view key, std::string_view value) {
  insist(static_cast<std::size_t>(table) < kTables);
  insist(!key.empty());
  writes_.push_back(Write{table, false, std::string(key), std::string(value)});
  bytes_ += key.size() + value.size();
}

void Batch::erase(Table table, std::string_view key) {
  insist(static_cast<std::size_t>(table) < kTables);
  insist(!key.empty());
  writes_.push_back(Write{table, true, std::string(key), {}});
  bytes_ += key.size();
}

void Batch::clear() {
  writes_.clear();
  bytes_ = 0;
}

}  // namespace amanat::storage
