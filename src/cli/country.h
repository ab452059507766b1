#pragma once
// cli, the invented country: families across generations, their numbers, calls, journeys and
// quarrels, and the officers who look into them, written as departments really write their files
// (dashes or none, three forms of a number, two forms of a date, upper case, blank and repeated
// rows, IDs that cannot exist). One seed makes the same country again. Families are made in blocks,
// so memory does not grow with the number of citizens. Nobody in it is real. See docs/country.md.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "model/result.h"

namespace amanat::cli {

struct CountryOptions {
  std::string directory;               // must exist
  std::uint64_t citizens = 10'000;     // 100 to 50,000,000
  std::uint64_t seed = 1;
  std::int32_t today = 0;              // days since 1970-01-01; nothing in the country is later
};

/// CountryFile is one file written, and what an import of it must report: the parts are known
/// because the generator planted them.
struct CountryFile {
  std::string name;                    // nadra_identity.csv
  std::string dataset;                 // identity.persons; empty for roster, cases and canaries
  std::uint64_t rows = 0, accepted = 0, repeated = 0, blank = 0, quarantined = 0;
};

/// Cast is who a demonstration can play with: all of them exist in the files.
struct Cast {
  std::string case_ref;                // an open FIR case
  std::string fir, station;            // the report behind it
  std::string subject;                 // the one citizen it names, 13 digits
  std::string subject_number;          // a number of that citizen, +92...
  std::string investigator;            // assigned to the case
  std::string outsider;                // an investigator who is not
  std::string licence;                 // a hotel with guests
  std::vector<std::string> canaries;   // national IDs nobody should ask for (at most 16 of them)
};

struct Country {
  std::vector<CountryFile> files;
  Cast cast;
  std::uint64_t citizens = 0, canaries = 0, officers = 0;
  const CountryFile& file(std::string_view name) const;
};

/// write_country writes the files. `progress` (may be null) gets citizens done.
/// Errors: usage_wrong (citizens out of range), file_failed, disk_full.
Result<Country> write_country(const CountryOptions& options, const std::function<void(std::uint64_t)>& progress);

/// today_utc is the day on which this is called, as CountryOptions takes it.
std::int32_t today_utc();

}  // namespace amanat::cli
