#pragma once
// The RocksDB engine with its file system in the open, so that tests can give one that fails.
// Private to storage: the only header that shows RocksDB.

#include <memory>
#include <string>

#include <rocksdb/env.h>

#include "storage/storage.h"

namespace amanat::storage {

/// open_rocks_on is open_rocks over `env`, which must outlive the store; null means the system's.
Result<std::unique_ptr<Store>> open_rocks_on(rocksdb::Env* env, const std::string& directory,
                                             const RocksOptions& options);

}  // namespace amanat::storage
