// A backup's rows, as somebody else may have written them: in one piece or in many, the same rows or
// the same refusal, and never more than was there.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "storage/dump.h"

namespace {

struct Seen {
  bool fine = true;
  std::uint64_t rows = 0, bytes = 0;
};

Seen parse(std::string_view text, std::size_t step) {
  amanat::storage::DumpParser parser;
  Seen seen;
  const auto visit = [&](amanat::storage::Table table, std::string_view key,
                         std::string_view value) -> amanat::Result<void> {
    if (static_cast<std::size_t>(table) >= amanat::storage::kTables || key.empty()) std::abort();
    ++seen.rows;
    seen.bytes += key.size() + value.size();
    return {};
  };
  while (!text.empty() && seen.fine) {
    const auto piece = text.substr(0, step);
    seen.fine = parser.feed(piece, visit).has_value();
    text.remove_prefix(piece.size());
  }
  seen.fine = seen.fine && parser.finish().has_value();
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Seen whole = parse(text, size + 1), parts = parse(text, 3);
  if (whole.fine != parts.fine || whole.rows != parts.rows || whole.bytes > size) std::abort();
  return 0;
}
