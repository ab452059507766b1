// The file that keeps the map: whatever is on the disk, it is the map it was or it is thrown away.
// An input is the file; then the file that a writer would make of its bytes as mailboxes.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/map_file.h"
#include "ledger/recovery.h"
#include "ledger/simulated_disk.h"
#include "model/insist.h"

using namespace amanat;
using namespace amanat::ledger;

namespace {

void put(SimulatedDisk& disk, std::string_view bytes) {
  auto file = disk.open(map_path("/ledger"), storage::Disk::Open::create_or_existing);
  insist(file.has_value() && (*file)->truncate(0).has_value());
  insist((*file)->write_at(0, bytes).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static const Digest log = log_id("log.example.org/amanat1");
  const Key256 key{}, map_key{};
  SimulatedDisk disk;
  insist(disk.make_directory("/ledger").has_value());
  put(disk, bytes);
  Map read(map_key);
  if (const auto kept = read_map(disk, "/ledger", log, key, read))
    insist(read.root() == kept->epoch.root);

  std::vector<MapUpdate> updates;
  for (std::size_t at = 0; at + 40 <= bytes.size() && updates.size() < 64; at += 40) {
    MapUpdate& u = updates.emplace_back();
    std::memcpy(u.label.data(), bytes.data() + at, 32);
    std::memcpy(&u.index, bytes.data() + at + 32, 8);
    u.place = ~u.index;
  }
  Map made(map_key), again(map_key);
  KeptMap kept;
  kept.epoch.root = made.stage(updates);
  made.commit();
  for (const MapUpdate& u : updates) kept.runs.push_back(u.index);
  insist(write_map(disk, "/ledger", log, key, kept, made).has_value());
  const auto back = read_map(disk, "/ledger", log, key, again);
  insist(back.has_value() && back->runs == kept.runs && again.citizens() == made.citizens());
  return 0;
}
