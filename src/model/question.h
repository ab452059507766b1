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
#include "model/result.h"

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

/// QuestionKind says what is asked for. Values are signed: never renumber.
enum class QuestionKind : std::uint8_t {
  lookup = 1,       // one citizen by the own number
  list = 2,         // relatives, or whoever a number, report or place leads to
  export_ = 3,      // a bulk answer
  break_glass = 4,  // past a forbid, loudly
  trail = 5,        // who looked at a citizen, or at whom an officer looked
  page = 6          // a scanned page
};

/// ListAsked is whom a bulk question is about: a list the exchange was given beforehand, which its
/// digest names exactly.
struct ListAsked {
  Digest digest{};  // SHA-256 over the distinct numbers, ascending, each with a line feed
  std::uint32_t citizens = 0;  // how many numbers that is
  std::string format;          // of the file: csv, jsonl, xlsx
};

/// Question is one request. `fields` ascending without repeats, at least one.
struct Question {
  QuestionKind kind = QuestionKind::lookup;
  SubjectForm subject;
  std::vector<FieldId> fields;
  std::string purpose;
  std::string case_ref;            // exactly as sent; empty if the purpose needs none
  std::uint32_t max_subjects = 1;  // upper bound of citizens the answer may disclose
  std::string reason;              // at most 500 bytes
  // "Show more": the entry of the answer that kept something back which is asked for now.
  std::optional<EntryIndex> more_of;
  std::optional<ListAsked> list;   // of kind export_ and of no other, in place of a subject
};

/// canonical_fields is the entry's part 3: u16 length and id of each field, in the order given.
std::string canonical_fields(const FieldTable& table, const std::vector<FieldId>& fields);

/// canonical_question is the one byte form of a question, which its asker signs (identity
/// page 1.2). A question by national ID alone has version 1. Any other form names its subject in
/// words, which version 1 has no place for: version 2 is the same, with the citizens left empty
/// and, at the end, a u16 count and that many pairs (str word, str value) of the subject form,
/// ascending by word: the search word, what narrows it, "from" and "to" (milliseconds), "hops", and
/// "more_of" (an entry's index). A question that names an entry always has version 2.
/// A bulk question has version 2, max_subjects 0 and the words "citizens" (how many), "format" and
/// "list" (the digest of ListAsked in hex), so that its signature binds exactly that list.
/// `client` is the console's or the service's id. Errors: malformed_value (a national ID that is
/// not 13 digits, a text with control characters or above its length).
Result<std::string> canonical_question(std::string_view asker, std::string_view client,
                                       const Question& question, const FieldTable& table);

/// Act is what a person confirms besides a question: an approval, an enrolment, a change of policy,
/// the release of a hold.
struct Act {
  std::string verb;         // [a-z-]: approve, refuse, enrol, revoke, policy, hold, release
  std::string target;       // what it is done to: an approval's, an account's, a hold's id
  Digest subject{};         // SHA-256 of the document or question it is about; zero: none
  std::string reason;       // at most 500 bytes
  std::uint64_t until = 0;  // Unix milliseconds up to which the statement may be used; 0: at once
};

/// canonical_act is the one byte form of an act: u8 version = 1, str verb, str target, 32-byte
/// subject, str reason, u64 until. Errors: malformed_value.
Result<std::string> canonical_act(const Act& act);

/// normal_case_ref trims, folds runs of white space to one blank and ASCII capitals to small
/// letters: two spellings of one case are one case, in the case book and in its budget.
std::string normal_case_ref(std::string_view ref);

}  // namespace amanat
