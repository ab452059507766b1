#pragma once
// probe, journal: what a run has done, so that one cut short goes on. A file of JSON lines, one an
// operation, each written when the operation is done; it holds what the report holds and no value
// of a reply. One run at a time.

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "model/result.h"
#include "net/json.h"
#include "probe/examine.h"
#include "probe/probe.h"

namespace amanat::probe {

void append_finding(net::JsonWriter& json, const Finding& finding);
void append_visit(net::JsonWriter& json, const Visit& visit);

class Journal {
 public:
  /// open reads what `run` (a fingerprint of the question) has done before; an empty name keeps
  /// nothing. A last line cut short is as if it had not been. Errors: file_failed, usage_wrong (the
  /// journal of another run).
  static Result<Journal> open(const std::string& file, const std::string& run);
  const std::vector<Examined>& done() const { return done_; }
  std::uint64_t asked() const { return asked_; }
  /// add appends one operation. Errors: file_failed.
  Result<void> add(const Examined& examined, std::uint64_t asked);

 private:
  std::string file_;
  std::vector<Examined> done_;
  std::uint64_t asked_ = 0;
  std::ofstream out_;
};

/// read_journal_line reads one line; exposed for tests. Errors: malformed_json, malformed_value.
Result<std::pair<Examined, std::uint64_t>> read_journal_line(std::string_view line);

}  // namespace amanat::probe
