// ZIP archives: whatever the directory claims, no byte outside is read and no entry gives more than
// it said.

#include <algorithm>
#include <cstdint>
#include <string>

#include "model/insist.h"
#include "net/zip.h"

using namespace amanat;
using namespace amanat::net;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const ReadAt read = [&](std::uint64_t offset, std::size_t n, std::string& out) -> Result<void> {
    insist(offset <= bytes.size());
    out.append(bytes, static_cast<std::size_t>(offset), n);
    return {};
  };
  ZipLimits limits;
  limits.entries_max = 64;
  const auto entries = zip_entries(read, size, limits);
  if (!entries) return 0;
  insist(entries->size() <= limits.entries_max);
  for (const ZipEntry& entry : *entries) {
    insist(entry.header <= size && entry.packed <= size);
    auto stream = ZipStream::open(read, entry);
    if (!stream) continue;
    std::string out;
    while (out.size() < (1u << 20)) {
      const auto more = stream->next(4096, out);
      if (!more || !*more) break;
    }
    insist(out.size() <= std::max<std::uint64_t>(entry.unpacked + 65'536, 1u << 21));
  }
  return 0;
}
