// Stations, networks and detection's parameters: whatever the bytes, no crash; a network that is
// read holds its own first address, and parameters that are read are written and read the same.

#include <cstdint>
#include <string_view>

#include "detection/parameters.h"
#include "detection/stations.h"
#include "model/insist.h"
#include "net/address.h"

using namespace amanat;
using namespace amanat::detection;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto network = net::parse_network(text)) {
    insist(network->bits <= 128);
    insist(network->holds(network->first));
  }
  if (const auto stations = Stations::read(text, "stations.toml")) {
    Address address{};
    for (std::size_t i = 0; i < size && i < address.size(); ++i) address[i] = data[size - 1 - i];
    const std::uint64_t zone = stations->zone_of(address);
    insist(stations->km(zone, zone) == 0 && stations->km(zone, kNowhere) == 0);
  }
  if (const auto parameters = read_parameters(text, "detection.toml")) {
    const std::string written = write_parameters(*parameters);
    const auto again = read_parameters(written, "detection.toml");
    insist(again && write_parameters(*again) == written);
  }
  return 0;
}
