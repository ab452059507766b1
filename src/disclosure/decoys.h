#pragma once
// disclosure, decoys: invented citizens placed among the real ones of an extract, so that a leaked
// row names the extract it came from (tracing page, part 9). Never in place of a real row, never
// with a real citizen's number. What is invented and where follows from the recipient's account key
// and the extract alone; what a row looks like is put together from real ones around its place. One
// thread.

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "disclosure/slots.h"
#include "model/passes.h"
#include "model/result.h"

namespace amanat::disclosure {

/// Decoy is one invented citizen as given to one recipient.
struct Decoy {
  std::uint32_t number = 0;  // i of the seed
  std::size_t place = 0;     // before the citizen at this place of the list
  std::string citizen;       // 13 digits
  std::string share;         // the JSON a lookup would release
  std::string rows;          // as they stand in the file, once placed
};

class DecoyMaker {
 public:
  /// IsFree says whether nobody has this number. Errors: store_failed.
  using IsFree = std::function<Result<bool>(const std::string& citizen)>;
  /// decoys_for is one in a hundred, at least two in fifty or more, none in fewer.
  static std::uint32_t decoys_for(std::size_t citizens);
  /// plan chooses numbers and places in a list, ascending: as many as decoys_for, fewer where no
  /// number was free (disclosure/decoy_seed.h). Errors: those of is_free.
  static Result<std::vector<Decoy>> plan(const CoinKey& key,
                                         const std::array<std::uint8_t, 16>& extract,
                                         const std::vector<Person>& roll, const IsFree& is_free);
  /// invent writes a decoy's share like those around it. insists that there is one.
  static void invent(const CoinKey& key, const std::array<std::uint8_t, 16>& extract,
                     const std::vector<std::string_view>& around, Decoy& decoy);
};

}  // namespace amanat::disclosure
