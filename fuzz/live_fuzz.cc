// A department's reply to a question about one citizen, and the address a catalog names: whatever
// the bytes, no crash; what is taken is about the citizen asked for, holds nothing that was not
// asked for, and is kept under one version when it comes again.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "model/insist.h"
#include "registry/archive.h"
#include "registry/declaration.h"
#include "registry/live.h"
#include "registry/normalise.h"
#include "storage/scratch.h"

using namespace amanat;
using namespace amanat::registry;
namespace fs = std::filesystem;

namespace {

constexpr const char* kExcise = R"(
registry = "excise"
department = "excise"
[[dataset]]
name = "vehicles"
subject = "owner"
key = ["plate"]
window = ["since"]
live = "https://excise.test/owners"
[dataset.ask]
body = '{"id":"{id}","want":"{fields}"}'
records = "data.items"
rows = 8
[[dataset.field]]
name = "owner"
column = "CNIC"
type = "national_id"
required = true
[[dataset.field]]
name = "plate"
column = "Reg No"
type = "text"
required = true
[[dataset.field]]
name = "make"
column = "Make"
type = "text"
[[dataset.field]]
name = "since"
column = "Since"
type = "date"
[[dataset.field]]
name = "seats"
column = "Seats"
type = "number"
)";

// Removed at the end, the vault with it.
const storage::Scratch& scratch() {
  static const storage::Scratch made;
  static const bool written = [] {
    const auto repository = fs::path(__FILE__).parent_path().parent_path();
    fs::copy(repository / "catalog/pakistan", made / "catalog");
    std::ofstream(made / "catalog/excise.toml") << kExcise;
    return true;
  }();
  insist(written);
  return made;
}

const Catalog& catalog() {
  static const Catalog loaded = [] {
    auto read = Catalog::load(scratch() / "catalog");
    insist(read.has_value());
    return *std::move(read);
  }();
  return loaded;
}

vault::Vault& keys() {
  static const auto made = [] {
    auto vault = vault::Vault::create(storage::system_disk(), scratch() / "keys");
    insist(vault.has_value());
    return *std::move(vault);
  }();
  return *made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Live live;
  if (!live_from(bytes, live)) insist(live.path.find_first_of("?#{} ") == std::string::npos);

  const Dataset& dataset = *catalog().dataset("excise.vehicles");
  LiveWant want;
  want.dataset = dataset.id;
  want.name = {SubjectKind::national_id, "3520212345671"};
  for (std::size_t f = 0; f < dataset.fields.size(); ++f)
    if (dataset.fields[f].name != "seats")
      want.fields.push_back({f, *dataset.fields[f].table_id, Level::full});
  const auto asked = asked_of(dataset, want);
  auto cells = rest_cells(dataset, bytes, asked);
  if (!cells) return 0;
  insist(cells->size() <= dataset.live->rows_max);
  for (const auto& row : *cells) insist(row[*dataset.find("seats")].empty());

  const auto store = storage::open_memory();
  auto numbers = Numbers::load(catalog(), *store);
  insist(numbers.has_value());
  Archive archive{.catalog = catalog(),
                  .store = *store,
                  .vault = keys(),
                  .numbers = *numbers,
                  .writing = {},
                  .generation = 1,
                  .decoys = {}};
  auto first = judge_live(archive, dataset, want, *cells);
  if (!first) return 0;
  auto again = judge_live(archive, dataset, want, *cells);
  insist(again.has_value() && again->records.size() == first->records.size());
  for (std::size_t i = 0; i < first->records.size(); ++i) {
    insist(first->records[i].version == 1 && again->records[i].version == 1);
    for (const auto& [field, place] : first->records[i].values) {
      const std::string_view value = first->text.view(place);
      insist(!value.empty() && valid_utf8(value));
      if (field == want.fields[0].id) insist(value == want.name.value);
    }
  }
  return 0;
}
