#pragma once
// trace, observe: what the rows of a leak show, and which disclosures may have supplied them, from
// the rows, the true values and the ledger alone: no coin, no key (tracing page 5.3 and 6.3). The
// exchange makes the extraction with it, an outside checker makes it again from the evidence and
// compares the bytes. Pure, thread-safe.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "disclosure/slots.h"
#include "model/ids.h"
#include "model/result.h"
#include "trace/extraction.h"
#include "trace/weigh.h"

namespace amanat::trace {

/// KnownRecord is one version of one record of a citizen, as the registry has or had it.
struct KnownRecord {
  std::string dataset;  // registry.dataset
  Tag record{};
  std::uint32_t version = 0;
  std::vector<std::pair<std::string, std::string>> values;  // field id, text; ascending
  friend auto operator<=>(const KnownRecord&, const KnownRecord&) = default;
};

/// ShownRecord names a version that a disclosure rested on, in the answer's order.
struct ShownRecord {
  Tag record{};
  std::uint32_t version = 0;
};

/// Disclosed is one DISCLOSURE entry of the ledger about a citizen, as opened for this.
struct Disclosed {
  std::uint64_t entry = 0;
  AccountId account{};
  Moment at{};
  std::vector<std::string> fields;  // granted, by id; ascending
  std::vector<ShownRecord> shown;
  std::optional<disclosure::MarksRecord> marks;
};

/// Facts are what is known of one citizen of the leak.
struct Facts {
  Label subject{};
  std::vector<KnownRecord> records;  // ascending by dataset, record, version
  std::vector<Disclosed> disclosed;  // ascending by entry
};
using AllFacts = std::map<Label, Facts>;

/// FoundRow is one row of the leak with the citizen it is about.
struct FoundRow {
  std::uint64_t offset = 0, length = 0;
  std::uint32_t cluster = 0;
  Label subject{};
  std::vector<std::string> cells;  // raw; of plain text the whole line is one
  bool columns = false;            // cells are columns of a template
};

/// Find is what is said of the leak as a whole.
struct Find {
  Digest sha256{};
  std::uint64_t bytes = 0;
  std::string day;  // earliest proven appearance
  std::uint64_t unknown = 0;
  std::vector<Extraction::Cluster> clusters;  // of which some row stems
  Statistic test = Statistic::e;
  std::optional<SealedStrays> strays;
  std::vector<Extraction::Held> held;  // decoys: whose keys are to be unlocked as well
  std::vector<Extraction::Rekeyed> rekeyed;
};

/// LogPlace is the checkpoint at which the ledger was read, and up to which entry it is complete.
struct LogPlace {
  std::string origin;
  std::uint64_t tree_size = 0, covered = 0;
  Digest root{};
};

/// observe makes the extraction. Rows repeated are one row; rows come out by cluster, offset and
/// subject. Errors: evidence_malformed (a row of a citizen without facts, an impossible day).
/// `exposed`, if given, gets the fields that each row shows, by id, in the rows' order.
using Exposed = std::vector<std::vector<std::string>>;
Result<Extraction> observe(const Find& find, std::vector<FoundRow> rows, const AllFacts& facts,
                           const disclosure::SlotCatalogue& catalogue, const LogPlace& log,
                           Exposed* exposed = nullptr);

/// in_order are the rows as observe() numbers them, from 1.
std::vector<FoundRow> in_order(std::vector<FoundRow> rows);

/// CoinName is what tells the coins of one account's copies of one subject apart.
struct CoinName {
  std::uint16_t field = 0;
  disclosure::ValueId value{};
  std::uint8_t slot = 0;
  friend auto operator<=>(const CoinName&, const CoinName&) = default;
};

/// CarriedCoin is a coin that a disclosure had room for, decided without any key.
struct CarriedCoin {
  CoinName name;
  disclosure::Place place;
};
/// true_records are what a disclosure could show of a citizen, and where they stand in its list of
/// versions; views into `facts`.
struct TrueShare {
  std::vector<disclosure::TrueRecord> records;
  std::vector<std::size_t> at;  // of each record: its place in Disclosed::shown
};
TrueShare true_share(const Facts& facts, const Disclosed& disclosed,
                     const disclosure::SlotCatalogue& catalogue);
/// coins_of lists the coins of a disclosure; none if it was not marked.
std::vector<CarriedCoin> coins_of(const Facts& facts, const Disclosed& disclosed,
                                  const disclosure::SlotCatalogue& catalogue);

/// SymbolOf gives the symbol of an account's coin from its key; nothing if the key is not there.
using SymbolOf = std::function<std::optional<std::uint32_t>(
    AccountId account, std::uint16_t epoch, const Label& subject, const disclosure::Place& place)>;

/// WeighedSubject is one subject of the leak that an account may have supplied, ready to be
/// weighed.
struct WeighedSubject {
  Label subject{};
  Weighed weighed;
  std::vector<std::vector<CoinName>> names;  // of the coins of each copy
  std::uint64_t coins = 0, agreeing = 0;
};
/// weighed_for collects an account's subjects, each coin once, by the sealed extraction. `skip`
/// says which subjects were peeled off. Subjects without coins are left out.
std::vector<WeighedSubject> weighed_for(AccountId account, const Extraction& extraction,
                                        const AllFacts& facts,
                                        const disclosure::SlotCatalogue& catalogue,
                                        const SymbolOf& symbol_of,
                                        const std::function<bool(const Label&)>& skip);

}  // namespace amanat::trace
