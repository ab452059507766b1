// A department's file against the country's catalog: whatever the bytes, no crash and no memory out
// of proportion; what is taken is well formed, reads back, and is repeated when it comes again. The
// first byte says which dataset, and whether the rest is CSV or JSON lines.

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "model/insist.h"
#include "registry/archive.h"
#include "registry/judge.h"
#include "registry/keep.h"
#include "registry/normalise.h"
#include "registry/source.h"
#include "storage/scratch.h"

using namespace amanat;
using namespace amanat::registry;

namespace {

constexpr std::size_t kKeptMost = 16;  // rows a run keeps; the rest is judged alone

const Catalog& catalog() {
  static const Catalog loaded = [] {
    const auto repository = std::filesystem::path(__FILE__).parent_path().parent_path();
    auto read = Catalog::load((repository / "catalog/pakistan").string());
    insist(read.has_value());
    return *std::move(read);
  }();
  return loaded;
}

/// Keys are slow to make and no part of what is fuzzed: one vault.
vault::Vault& keys() {
  static const auto made = [] {
    static const storage::Scratch scratch;
    auto vault = vault::Vault::create(storage::system_disk(), scratch / "keys");
    insist(vault.has_value());
    return *std::move(vault);
  }();
  return *made;
}

void check_values(const Dataset& dataset, std::span<const Value> values) {
  insist(values.size() == dataset.fields.size());
  for (std::size_t f = 0; f < values.size(); ++f) {
    const Field& field = dataset.fields[f];
    const std::string_view value = values[f].value;
    insist(valid_utf8(value) && value.size() <= field.length_max && trim(value) == value);
    insist(!value.empty() || !field.required || field.columns.empty());
    insist(value.empty() || values[f].original != value);
    if (field.type == FieldType::date || field.type == FieldType::datetime)
      insist(value.empty() || seconds_of(value));
  }
}

std::unique_ptr<RowSource> source_of(const Dataset& dataset, bool json, std::string_view bytes) {
  if (json) return lines_source(bytes, dataset);
  auto csv = csv_source(std::string(bytes), dataset);
  return csv ? *std::move(csv) : nullptr;
}

/// pass reads the source once; returns rows kept as new.
std::size_t pass(Archive& archive, const Dataset& dataset, RowSource& source, std::size_t size) {
  Judge judge(archive.catalog.rules(), dataset);
  Keeper keeper(archive, dataset, Moment{1});
  RawRow row;
  std::size_t rows = 0, kept = 0, accepted = 0;
  std::uint64_t offset = 0;
  for (;;) {
    auto more = source.next(row);
    insist(more.has_value());
    if (!*more) break;
    insist(row.end_offset > offset && row.next_line > row.line);
    offset = row.end_offset;
    insist(++rows <= size);
    if (row.blank) continue;
    if (const auto fault = judge.judge(row)) {
      insist(fault->whole_row || fault->field < dataset.fields.size());
      continue;
    }
    for (std::size_t copy = 0; copy < judge.copies(); ++copy) {
      check_values(dataset, judge.copy(copy));
      if (kept >= kKeptMost) continue;
      ++kept;
      auto one = keeper.keep(judge.copy(copy), copy);
      insist(one.has_value());
      accepted += *one == Kept::accepted;
    }
  }
  insist(keeper.commit({}, {}).has_value());
  return accepted;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto& datasets = catalog().datasets();
  const Dataset& dataset = datasets[(data[0] >> 1) % datasets.size()];
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const bool json = (data[0] & 1) != 0;
  auto source = source_of(dataset, json, bytes);
  if (source == nullptr || dataset.tree) return 0;
  if (!dataset.keep) {
    Judge judge(catalog().rules(), dataset);
    RawRow row;
    std::vector<std::string> values;
    while (*source->next(row))
      if (!row.blank) (void)judge.joined(row, values);
    return 0;
  }
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
  const std::size_t first = pass(archive, dataset, *source, size);
  source = source_of(dataset, json, bytes);
  insist(source != nullptr);
  // Again: only a key with two values can still be told apart, and that only if there was one.
  const std::size_t again = pass(archive, dataset, *source, size);
  insist(again <= first && (first != 1 || again == 0));
  return 0;
}
