#pragma once
// trace, found: the rows of a leak that are of citizens whose data the exchange disclosed, with
// their cells as they stand. The file is read twice: what matches is known only after its end.

#include <cstdint>
#include <string>
#include <vector>

#include "trace/decoys.h"
#include "trace/extraction.h"
#include "trace/trace.h"

namespace amanat::trace {

/// kEvidenceRowsMax rows become evidence, the first of the file: more would prove nothing more, and
/// the choice does not depend on anything in them.
inline constexpr std::size_t kEvidenceRowsMax = 10'000;

/// MatchedRow is one row and who it may be about, in the order in which it names them.
struct MatchedRow {
  std::uint64_t offset = 0, length = 0;
  std::uint32_t cluster = 0;
  std::vector<std::string> cells;
  bool columns = false;
  std::vector<SubjectName> about;  // national IDs first, then numbers
};

struct FoundRows {
  Outcome outcome;
  std::vector<MatchedRow> rows;               // in the order of the file
  std::vector<Extraction::Cluster> clusters;  // of every template
  std::uint64_t unknown = 0;                  // rows that match no citizen
  bool cut = false;                           // there were more than kEvidenceRowsMax
  std::vector<Stray> strays;                  // what rows that match no citizen name
};

/// LeakBytes are a leaked file, wherever it lies.
struct LeakBytes {
  net::ReadAt read;
  std::uint64_t size = 0;
  std::string name;
};
/// find_rows matches a file and reads the rows that matched. Errors: as Trace::run.
Result<FoundRows> find_rows(Trace& trace, const LeakBytes& file, const RunOptions& options);

/// template_digest is what a `cluster` line of the extraction says of a template.
Digest template_digest(const ClusterSummary& cluster);

}  // namespace amanat::trace
