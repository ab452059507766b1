#pragma once
// cli, embedded files: the catalog of Pakistan and the example policy, which travel inside the
// program (embed.cmake). Immutable; thread-safe.

#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"
#include "server/exchange.h"

namespace amanat::cli {

inline constexpr std::string_view kEmbeddedCatalog = "catalog/pakistan/", kEmbeddedPolicy = "examples/policy/";

/// embedded_documents returns the embedded files of a folder, ascending by name.
std::vector<server::Document> embedded_documents(std::string_view folder);

/// documents_in reads every *.toml of a directory. Errors: file_failed (also if there is none).
Result<std::vector<server::Document>> documents_in(const std::string& directory);

}  // namespace amanat::cli
