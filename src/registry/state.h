#pragma once
// registry, state: what a Registry holds. This room only.

#include <memory>
#include <optional>

#include "registry/archive.h"
#include "registry/live.h"
#include "registry/registry.h"

namespace amanat::registry {

struct Registry::State {
  const Catalog& catalog;
  std::unique_ptr<Archive> archive;  // null: it could not be opened, see failure
  std::unique_ptr<LiveDesks> desks = {};  // of the archive; their threads end before it does
  Failure failure{Reason::internal_error, {}};

  /// open returns the archive, or why there is none (the store failed at construction).
  Result<Archive*> open() const {
    if (archive == nullptr) return std::unexpected(failure);
    return archive.get();
  }
};

}  // namespace amanat::registry
