#pragma once
// detection, stations: where each station of the roster lies and which networks are its own, from
// one file (H/stations.toml, docs/detection.md). Immutable once read; thread-safe. Whoever holds it
// learns no officer's place: a zone is kept with a lookup as a number, in the citizen's own slice.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/ids.h"
#include "model/result.h"
#include "net/address.h"

namespace amanat::detection {

/// A zone is the networks of one station, as a number that no other station's name gives. kNoZone:
/// nothing is known (no file, no address); kNowhere: an address of no station's network.
inline constexpr std::uint64_t kNoZone = 0, kNowhere = 1;

class Stations {
 public:
  /// read takes a stations.toml: [[station]] with name (as the roster writes it), latitude and
  /// longitude in degrees in quotes, and networks. Errors: config_wrong ("file:line: ...": an
  /// unknown key, a degree out of range, a name or a network given twice, more than 4,096
  /// stations or 65,536 networks).
  static Result<Stations> read(std::string_view text, std::string_view file);

  bool empty() const { return places_.empty(); }
  /// zone_of is the zone whose network holds the address, the longest prefix first.
  std::uint64_t zone_of(const Address& address) const;
  /// zone_named is the zone of a station; kNoZone if the file does not name it.
  std::uint64_t zone_named(std::string_view station) const;
  /// km is the great circle between two zones (haversine, mean radius); 0 where one has no place.
  double km(std::uint64_t zone, std::uint64_t other) const;
  /// id names what the file says: 16 hex digits; empty if there is none.
  const std::string& id() const { return id_; }

 private:
  struct Place {
    double latitude = 0, longitude = 0;  // radians
  };
  struct Prefixes {
    unsigned bits = 0;
    std::vector<std::pair<Address, std::uint64_t>> zones;  // ascending by address
  };
  std::unordered_map<std::uint64_t, Place> places_;
  std::vector<Prefixes> networks_;  // the longest first
  std::string id_;
};

}  // namespace amanat::detection
