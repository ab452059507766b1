#include "detection/stations.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>

#include "crypto/crypto.h"
#include "net/toml.h"

namespace amanat::detection {
namespace {

constexpr std::size_t kStationsMost = 4096, kNetworksMost = 65'536;
constexpr double kEarthKm = 6371.0088;  // mean radius (IUGG)

std::uint64_t zone_number(std::string_view station) {
  const Digest digest = crypto::sha256("amanat/zone/v1/" + std::string(station));
  std::uint64_t zone = 0;
  for (std::size_t i = 0; i < 8; ++i) zone = zone << 8 | digest[i];
  return zone | 2;  // never kNoZone or kNowhere
}

Address masked(Address address, unsigned bits) {
  for (std::size_t i = 0; i < address.size(); ++i) {
    const unsigned kept = std::clamp<int>(static_cast<int>(bits) - static_cast<int>(i) * 8, 0, 8);
    address[i] = static_cast<std::uint8_t>(address[i] & ~(0xffu >> kept));
  }
  return address;
}

bool degrees(std::string_view text, double most, double& radians) {
  double value = 0;
  if (text.empty() || text.size() > 16) return false;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size() || !(std::abs(value) <= most))
    return false;
  radians = value * std::numbers::pi / 180;
  return true;
}

}  // namespace

Result<Stations> Stations::read(std::string_view text, std::string_view file) {
  auto parsed = net::parse_toml(text, file);
  if (!parsed) return std::unexpected(parsed.error());
  net::TomlReader whole(*parsed, std::string(file), Reason::config_wrong);
  auto tables = whole.tables("station");
  if (!tables) return std::unexpected(tables.error());
  if (auto ok = whole.finish(); !ok) return std::unexpected(ok.error());
  if (tables->size() > kStationsMost) return whole.wrong(1, "more than 4096 stations");
  Stations out;
  std::vector<std::pair<net::Network, std::uint64_t>> networks;
  for (const net::Toml* table : *tables) {
    net::TomlReader reader(*table, std::string(file), Reason::config_wrong);
    auto name = reader.string("name");
    if (!name) return std::unexpected(name.error());
    auto latitude = reader.string("latitude"), longitude = reader.string("longitude");
    if (!latitude) return std::unexpected(latitude.error());
    if (!longitude) return std::unexpected(longitude.error());
    auto own = reader.strings("networks");
    if (!own) return std::unexpected(own.error());
    if (auto ok = reader.finish(); !ok) return std::unexpected(ok.error());
    Place place;
    if (!degrees(*latitude, 90, place.latitude) || !degrees(*longitude, 180, place.longitude))
      return reader.wrong(table->line, "latitude and longitude are degrees, like \"31.5497\"");
    const std::uint64_t zone = zone_number(*name);
    if (name->empty() || !out.places_.emplace(zone, place).second)
      return reader.wrong(table->line, "a station is named once");
    for (const std::string& one : *own) {
      const auto network = net::parse_network(one);
      if (!network)
        return reader.wrong(table->line,
                            "networks are like 10.20.0.0/16 or 2001:db8::/48, with "
                            "no bits beyond the prefix");
      if (networks.size() == kNetworksMost)
        return reader.wrong(table->line, "more than 65536 networks");
      networks.emplace_back(*network, zone);
    }
  }
  std::sort(networks.begin(), networks.end(), [](const auto& a, const auto& b) {
    return a.first.bits != b.first.bits ? a.first.bits > b.first.bits
                                        : a.first.first < b.first.first;
  });
  for (const auto& [network, zone] : networks) {
    if (out.networks_.empty() || out.networks_.back().bits != network.bits)
      out.networks_.push_back(Prefixes{network.bits, {}});
    auto& zones = out.networks_.back().zones;
    if (!zones.empty() && zones.back().first == network.first)
      return whole.wrong(1, "one network is given twice");
    zones.emplace_back(network.first, zone);
  }
  if (!out.empty()) out.id_ = crypto::hex(crypto::sha256(text)).substr(0, 16);
  return out;
}

std::uint64_t Stations::zone_of(const Address& address) const {
  if (networks_.empty() || address == Address{}) return kNoZone;
  for (const Prefixes& prefixes : networks_) {
    const Address first = masked(address, prefixes.bits);
    const auto at =
        std::lower_bound(prefixes.zones.begin(), prefixes.zones.end(), first,
                         [](const auto& zone, const Address& a) { return zone.first < a; });
    if (at != prefixes.zones.end() && at->first == first) return at->second;
  }
  return kNowhere;
}

std::uint64_t Stations::zone_named(std::string_view station) const {
  if (empty() || station.empty()) return kNoZone;
  const std::uint64_t zone = zone_number(station);
  return places_.contains(zone) ? zone : kNoZone;
}

double Stations::km(std::uint64_t zone, std::uint64_t other) const {
  const auto a = places_.find(zone), b = places_.find(other);
  if (a == places_.end() || b == places_.end() || zone == other) return 0;
  const double up = std::sin((b->second.latitude - a->second.latitude) / 2);
  const double along = std::sin((b->second.longitude - a->second.longitude) / 2);
  const double half =
      up * up + std::cos(a->second.latitude) * std::cos(b->second.latitude) * along * along;
  return 2 * kEarthKm * std::asin(std::min(1.0, std::sqrt(half)));
}

}  // namespace amanat::detection
