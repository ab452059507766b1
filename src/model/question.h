#pragma once
// The question: what is asked, in normalised form. Plain values.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/field.h"
#include "model/ids.h"

namespace amanat {

/// SubjectForm is how the subject is named: one searchable field and, where the form takes them,
/// a second value that narrows it, a time window, or the hops of a family tree.
///   {"national_id": N}                                    one citizen
///   {"national_id": N, "hops": 2}                         the family tree around N, 1..3 hops
///   {"msisdn": M} or {"msisdn": M, "from": T, "to": T}    a number, calls within a window
///   {"fir": "1/19", "station": "PS Cantt"}                a first information report
///   {"licence": "HL-0022", "from": T, "to": T}            a hotel's guests in a window
struct SubjectForm {
  std::string search;  // the catalog's search word: national_id, msisdn, fir, licence
  std::string value;   // as sent; the registry normalises it by the field's type
  std::vector<std::pair<std::string, std::string>> narrowing;  // further search words, as sent
  std::optional<Moment> from, to;                              // half-open window [from, to)
  std::uint8_t hops = 0;                                       // 0 = no tree
};

/// Question is one request. `fields` ascending without repeats, at least one.
struct Question {
  SubjectForm subject;
  std::vector<FieldId> fields;
  std::string purpose;
  std::string case_ref;            // exactly as sent; empty if the purpose needs none
  std::uint16_t max_subjects = 1;  // upper bound of citizens the answer may disclose
  std::string reason;              // at most 500 bytes
};

/// canonical_fields is the entry's part 3: u16 length and id of each field, in the order given.
std::string canonical_fields(const FieldTable& table, const std::vector<FieldId>& fields);

/// normal_case_ref trims, folds runs of white space to one blank and ASCII capitals to small
/// letters: two spellings of one case are one case, in the case book and in its budget.
std::string normal_case_ref(std::string_view ref);

}  // namespace amanat
