// A leaked file of any make: reading it ends, in order and in proportion, whatever it holds; and
// the fast search for numbers finds what the slow one finds.

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/insist.h"
#include "trace/identifiers.h"
#include "trace/read.h"

using namespace amanat;
using namespace amanat::trace;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::vector<Identifier> fast, slow;
  find_identifiers(bytes, fast);
  find_identifiers_slowly(bytes, slow);
  insist(fast.size() == slow.size());
  for (std::size_t i = 0; i < fast.size(); ++i) {
    insist(fast[i].offset == slow[i].offset && fast[i].length == slow[i].length);
    insist(fast[i].kind == slow[i].kind && fast[i].layout == slow[i].layout);
    insist(fast[i].canonical() == slow[i].canonical());
  }

  ReadOptions options;
  options.limits.unpacked_bytes_max = 1u << 20;
  options.limits.nested_bytes_max = 1u << 16;
  options.limits.strings_bytes_max = 1u << 16;
  options.limits.row_bytes_max = 1u << 12;
  options.limits.cells_max = 64;
  options.limits.templates_max = 8;
  options.limits.parts_max = 16;
  std::uint64_t rows = 0, identifiers = 0;
  options.on_row = [&](const LeakRow& row) {
    ++rows;
    identifiers += row.identifiers.size();
    insist(row.columns.size() == row.identifiers.size());
    for (const Identifier& id : row.identifiers) {
      insist(id.offset + id.length <= row.text.size());
      insist(id.count <= id.digits.size() && (id.partial || id.count >= kMsisdnDigits));
    }
  };
  const auto read = read_leak_bytes(bytes, "find", options);
  if (!read) return 0;
  insist(read->rows_with_identifiers == rows);
  insist(read->count(Kind::national_id) + read->count(Kind::msisdn) == identifiers);
  insist(read->parts.size() <= 2 * options.limits.parts_max + 2);
  return 0;
}
