#pragma once
// disclosure, marking: what the coins of one account do to one citizen's answer. This room only.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "disclosure/marks.h"
#include "model/passes.h"

namespace amanat::disclosure {

/// Numbers are the catalogue's numbers of this catalog's fields and datasets; 0: none.
struct Numbers {
  const std::vector<std::uint16_t>& fields;    // by FieldId
  const std::vector<std::uint16_t>& datasets;  // by DatasetId
};

/// Marking decides, once a citizen, which records and fields wait and how values are spelt.
class Marking {
 public:
  /// Marking of an answer without coins: everything is shown as it is.
  Marking() = default;
  /// Asked says how the answer came about. more: "show more", nothing is kept back and coins only
  /// spell. search: the records are what was searched for, so that none of them may wait.
  enum class Asked : std::uint8_t { of_citizen, search, more };
  /// `optional` are the fields the purpose can do without, `releases` what this citizen's standing
  /// gives.
  Marking(const SlotCatalogue& catalogue, const CoinKey& coins, const Numbers& numbers,
          const FieldSet& optional, const std::vector<FieldRelease>& releases,
          const Findings& findings, const Person& person, Asked asked);

  bool shows(std::size_t record) const { return hidden_.empty() || !hidden_[record]; }
  /// waits is whether a field of a record is withheld by a coin.
  bool waits(std::size_t record, FieldId field) const;
  /// spelt is the value as shown, or nothing where no coin touches it.
  std::optional<std::string> spelt(std::size_t record, FieldId field, std::string_view text) const;
  /// behind lists the fields of which something waits or was coarsened, for the answer's list.
  const std::vector<FieldId>& behind() const { return behind_; }
  /// optional lists the numbers of fields released in full that the purpose can do without.
  const std::vector<std::uint16_t>& optional() const { return optional_; }

 private:
  struct Fallen {
    std::uint32_t record = 0;
    std::uint16_t field = 0;  // its number; 0: of all members
    Symbolised symbol;
  };
  void fall(const Place& place, std::uint32_t symbol, std::span<const TrueRecord> records);
  void wait(std::uint16_t field);

  const Numbers* numbers_ = nullptr;
  std::vector<bool> hidden_;
  std::vector<std::pair<std::uint32_t, std::uint16_t>> withheld_;
  std::vector<Fallen> fallen_;  // ascending by what is cut first
  std::vector<FieldId> behind_;
  std::vector<std::uint16_t> optional_;
};

}  // namespace amanat::disclosure
