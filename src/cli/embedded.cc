#include "cli/embedded.h"

#include <algorithm>
#include <filesystem>

#include "model/insist.h"
#include "storage/file.h"

// Laid out by embed.cmake: four words a file.
struct AmanatEmbedded {
  const char* name;
  std::size_t name_size;
  const char* data;
  std::size_t data_size;
};
extern "C" const AmanatEmbedded amanat_embedded[];
extern "C" const std::size_t amanat_embedded_count;

namespace amanat::cli {

std::vector<server::Document> embedded_documents(std::string_view folder) {
  insist(folder.ends_with('/'));
  std::vector<server::Document> out;
  for (std::size_t i = 0; i < amanat_embedded_count; ++i) {
    const AmanatEmbedded& file = amanat_embedded[i];
    const std::string_view name(file.name, file.name_size);
    if (name.starts_with(folder))
      out.push_back({std::string(name.substr(folder.size())), std::string(file.data, file.data_size)});
  }
  return out;
}

Result<std::vector<server::Document>> documents_in(const std::string& directory) {
  constexpr std::size_t kBytesMax = 1 << 20;
  std::error_code error;
  std::vector<server::Document> out;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().extension() != ".toml") continue;
    auto content = storage::read_file(entry.path().string(), kBytesMax);
    if (!content) return std::unexpected(content.error());
    out.push_back({entry.path().filename().string(), *std::move(content)});
  }
  if (error) return fail(Reason::file_failed, directory + ": " + error.message());
  if (out.empty()) return fail(Reason::file_failed, directory + " holds no .toml file");
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

}  // namespace amanat::cli
