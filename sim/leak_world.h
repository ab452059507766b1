#pragma once
// sim, leak_world: an invented exchange's past, with the trace's own index over it. Officers sit in
// stations, look up citizens of their station's pool, and are shown copies whose coins fall as the
// exchange's own PRF says. Everything follows from one seed.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "disclosure/slots.h"
#include "sim/force.h"
#include "trace/index.h"

namespace amanat::sim {

/// Shape is what a world is like.
struct Shape {
  double overlap = .28;  // share of an officer's disclosures a colleague was given too
  unsigned coins = 4;    // of two sides, of class R, in each answer
  unsigned stations = 5, officers = 20;  // officers in each station
  unsigned disclosures = 400;            // of each officer, about
  double changes = 1.5;                  // of a citizen's dated value in a year
  double strangers = 1;                  // disclosures to other accounts of the country, a citizen
  // Citizens of the rest of the country, whom half as many strangers saw.
  unsigned elsewhere = 4000;
  double again = .1;  // share of citizens an officer asked for a second time
  friend auto operator<=>(const Shape&, const Shape&) = default;
};

/// kFirstDay to kLastDay are when officers asked, in the index's days.
inline constexpr std::uint16_t kFirstDay = 9000, kLastDay = 9364, kRekeyDay = 9182;
inline constexpr std::uint32_t kStrangers = 100'000;
inline constexpr std::uint16_t kFullFields = 0, kNarrowFields = 1;

/// place_word stands before a coin's number, so that a cell looks like an address or an office.
std::string_view place_word(unsigned slot);

/// Shown is one citizen in one officer's hands.
struct Shown {
  std::uint32_t citizen = 0;
  std::uint16_t day = 0;
};

class World {
 public:
  /// make invents one; its index is written into `directory` by the writer of every index.
  static Result<std::unique_ptr<World>> make(const Shape& shape, std::uint64_t seed,
                                             const std::string& directory);

  const Shape& shape() const { return shape_; }
  unsigned officers() const { return shape_.stations * shape_.officers; }
  unsigned station_of(std::uint32_t officer) const { return officer / shape_.officers; }
  std::uint32_t account_of(std::uint32_t officer) const { return accounts_[officer]; }
  std::optional<std::uint32_t> officer_of(std::uint32_t account) const;
  /// shown lists an officer's disclosures, a citizen once, ascending by citizen.
  const std::vector<Shown>& shown(std::uint32_t officer) const { return shown_[officer]; }
  bool saw(std::uint32_t officer, std::uint32_t citizen, std::uint16_t by_day) const;

  std::uint32_t citizens() const { return static_cast<std::uint32_t>(changes_.size()); }
  /// pool is how many citizens a station deals with: those of station n begin at n * pool; after
  /// them come citizens of the rest of the country.
  std::uint32_t pool() const { return pool_; }
  std::uint32_t first_elsewhere() const { return pool_ * shape_.stations; }
  std::uint64_t national_id(std::uint32_t citizen) const;
  std::optional<std::uint32_t> citizen_of(std::uint64_t hash) const;
  /// version_on is the number of a citizen's dated value on a day; dated and either are what a
  /// record says: six digits each.
  std::uint16_t version_on(std::uint32_t citizen, std::uint16_t day) const;
  std::uint32_t dated(std::uint32_t citizen, std::uint16_t version) const;
  std::uint32_t either(std::uint32_t citizen, unsigned slot, unsigned symbol) const;

  /// either_text is the same as a cell says it.
  std::string either_text(std::uint32_t citizen, unsigned slot, unsigned symbol) const;
  /// postings_of reads a citizen's disclosures from the index.
  std::vector<trace::Posting> postings_of(std::uint32_t citizen) const;

  /// coin is the side that falls for an account in an epoch: 0 or 1.
  unsigned coin(std::uint32_t account, unsigned epoch, std::uint32_t citizen, unsigned slot);
  /// epoch_of: some accounts are keyed anew within the year.
  unsigned epoch_of(std::uint32_t account, std::uint16_t day) const {
    return account % 10 == 0 && day >= kRekeyDay ? 1 : 0;
  }

  const trace::IdentifierHash& hash() const { return hash_; }
  const std::shared_ptr<const trace::Snapshot>& snapshot() const { return snapshot_; }

 private:
  World(const Shape& shape, std::uint64_t seed, const Key256& index_key);
  void invent();
  Result<void> write_index(const std::string& directory);
  disclosure::CoinKey key_of(std::uint32_t account, unsigned epoch) const;
  unsigned draw(const disclosure::CoinKey& key, std::uint32_t citizen, unsigned slot) const;
  std::uint64_t mixed(std::uint64_t a, std::uint64_t b) const;

  Shape shape_;
  std::uint64_t seed_;
  std::uint32_t pool_ = 0;
  Dice dice_;
  trace::IdentifierHash hash_;
  std::vector<std::uint32_t> accounts_;                        // by officer
  std::unordered_map<std::uint32_t, std::uint32_t> officers_;  // by account
  std::vector<std::vector<Shown>> shown_;
  std::vector<std::vector<std::uint16_t>>
      changes_;  // by citizen: days on which the dated value did
  std::vector<std::vector<std::uint64_t>> postings_;  // by citizen, until the index is written
  std::unordered_map<std::uint64_t, std::uint32_t> citizens_;  // by hash
  std::vector<std::vector<std::uint8_t>> known_;  // coins drawn so far, by officer and epoch
  std::shared_ptr<const trace::Snapshot> snapshot_;
};

}  // namespace amanat::sim
