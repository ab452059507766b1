// The archive of finished segments and the file of the minimum index: whatever is on the disk, no
// crash, and nothing is read beyond its part. An input is the u32 length of a segment's entries,
// that file, and the file of its openings; first as an archived segment, then as a pruned one.

#include <cstdint>
#include <string>
#include <string_view>

#include "ledger/archive.h"
#include "ledger/big_endian.h"
#include "ledger/recovery.h"
#include "ledger/simulated_disk.h"
#include "model/insist.h"

using namespace amanat;
using namespace amanat::ledger;

namespace {

void put(SimulatedDisk& disk, const std::string& path, std::string_view bytes) {
  auto file = disk.open(path, storage::Disk::Open::create_or_existing);
  insist(file.has_value() && (*file)->write_at(0, bytes).has_value());
}

void read_all(SimulatedDisk& disk, const Digest& log, const VerifierKey& key,
              ArchivedSegment::Check check) {
  auto archived = ArchivedSegment::open(disk, "/ledger", log, 0, check);
  if (!archived) return;
  Frame frame;
  for (std::size_t i = 0; i < std::min<std::size_t>((*archived)->frames(), 256); ++i) {
    if (!(*archived)->read(i, frame)) break;
    insist(frame.items.size() == frame.head.count);
    for (const auto& item : frame.items) insist(!item.entry.empty() || item.leaf.size() == 32);
    insist((*archived)->frame_at((*archived)->offset_of(i)) <= (*archived)->frames());
  }
  static_cast<void>((*archived)->after(key));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static const Digest log = log_id("log.example.org/amanat1");
  static const VerifierKey key = NoteSigner("log.example.org/amanat1", Key256{}).verifier();
  if (const auto minimum = decode_minimum(bytes)) insist(encode_minimum(*minimum) == bytes);
  if (bytes.size() < 4) return 0;
  const auto length = std::min<std::size_t>(load_number<std::uint32_t>(bytes.data()), size - 4);
  const auto entries = bytes.substr(4, length), openings = bytes.substr(4 + length);
  for (const bool pruned : {false, true}) {
    SimulatedDisk disk;
    insist(disk.make_directory("/ledger/archive").has_value());
    const std::string path = archive_directory("/ledger") + "/" + segment_name(0);
    put(disk, path + (pruned ? ".leaves" : ".entries"), entries);
    put(disk, path + (pruned ? ".kept" : ".openings"), openings);
    for (const auto check : {ArchivedSegment::Check::none, ArchivedSegment::Check::every_byte})
      read_all(disk, log, key, check);
  }
  return 0;
}
