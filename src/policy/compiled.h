#pragma once
// policy, compiled: the tables as bitsets. Every input of a decision is an attribute with finitely
// many values; for each value one bitset over the rules says whose condition on it holds. A
// decision ANDs one bitset an attribute and folds what is left. Immutable; thread-safe.
//
// Invariants:
//  1. column 0 of every attribute is "unknown": for a grant that tests the attribute its bit is 0,
//     for a forbid that tests it 1. So what is not known never opens anything;
//  2. grants hold the bits [0, grants()), forbids [first_forbid(), first_forbid() + forbids()), and
//     first_forbid() is a multiple of 64;
//  3. rank_of(f, r) is 0 for a grant and 255 for a forbid that does not name the field;
//  4. a set (the asker's roles, the citizen's classes) holds what any of its members holds.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/field.h"
#include "model/passes.h"
#include "policy/tables.h"

namespace amanat::policy {

/// Attribute is one input of a decision besides the roles.
enum class Attribute : std::uint8_t {
  department,
  unit,
  matter,  // purpose and kind of case together: a purpose says which kinds prove it
  case_open,
  assigned,
  own_unit,
  evidence,
  approvals,  // of anybody; then of a superior, of another unit, of both: one per Approver
  approvals_superior,
  approvals_other_unit,
  approvals_superior_other_unit,
  presence,
  glass,
  hour,
  // Those that differ between the fields or the citizens of one question.
  standing,
  court,
  consent,
  subject_class
};
inline constexpr std::size_t kAttributes = 18;
inline constexpr std::size_t kWholeAttributes = 14;  // up to and with hour

inline Attribute approvals_of(Approver approver) {
  return static_cast<Attribute>(static_cast<unsigned>(Attribute::approvals) +
                                static_cast<unsigned>(approver));
}

using Column = std::uint16_t;
inline constexpr Column kUnknown = 0;
// case_open, assigned, own_unit, court, consent, glass:
inline constexpr Column kYes = 1, kNo = 2;
inline constexpr Column kExtract = 3;  // of glass: a bulk question, which is neither
inline constexpr Column kNamed = 1, kKin = 2, kOther = 3;          // standing
inline constexpr Column kChannel = 1, kSignature = 2, kTouch = 3;  // evidence
inline constexpr Column kNoClass = 1, kClasses = 2;                // subject_class
inline constexpr Column kElsewhere = 1;  // a department or unit no rule names
inline constexpr Column kNoCase = 1, kOtherKind = 2,
                        kKinds = 3;  // kinds: none asked, not named, named ones
inline constexpr std::size_t kRolesAsked = 40;
inline constexpr std::size_t kWordsMax = 2 * kRulesMax / 64 + 2;  // two policies side by side

using Rules = std::array<std::uint64_t, kWordsMax>;  // a set of rules

inline Column column_of(SubjectClass one) {
  return static_cast<Column>(kClasses + static_cast<unsigned>(one));
}
using ClassMask = std::uint8_t;  // bit i: SubjectClass i
inline ClassMask mask_of(SubjectClass one) {
  return static_cast<ClassMask>(1U << static_cast<unsigned>(one));
}

/// Situation is the inputs of one decision as columns. The standing is not in it: a decision gives
/// all three.
struct Situation {
  std::array<Column, kAttributes> column{};
  std::array<Column, kRolesAsked> roles{};
  std::size_t role_count = 0;
  Column purpose = 0, kind = 0;
  FieldSet ordered, consented;  // fields that a court order, the citizen's consent covers
  ClassMask classes = 0;        // the citizen's, or possibly the citizen's: it is not known
  ClassMask later = 0;          // those learned with the citizen, decided apart
  Column& operator[](Attribute a) { return column[static_cast<std::size_t>(a)]; }
  Column operator[](Attribute a) const { return column[static_cast<std::size_t>(a)]; }
};

/// Verdict is what a decision gives: the rank per standing and asked field, and who decided.
struct Verdict {
  std::array<Rank, kFieldsMax> rank[kStandings];     // [standing][place among the asked]
  std::array<Rank, kFieldsMax> granted[kStandings];  // the same before forbids
  Rules decided[kStandings];
  // Of each class in Situation::later that takes something: its caps, and the first that took.
  ClassMask narrowing = 0;
  std::array<Rank, kFieldsMax> narrowed[kSubjectClasses][kStandings];
  std::size_t narrower[kSubjectClasses];
};

/// Missing is what stands nearest between a question and a field.
struct Missing {
  Reason reason = Reason::purpose_not_held;  // the farthest there is
  std::uint8_t count = 0xff;                 // how many needs fail; fewer is nearer
  std::string_view rule;    // the grant or forbid that says so; empty if there is none
  std::vector<Need> needs;  // all that the grant lacks, most useful first
  bool nearer_than(const Missing& other) const;
};

class Compiled {
 public:
  Compiled(Tables tables, const FieldTable& fields);
  Compiled(const Compiled&) = delete;

  const Tables& tables() const { return tables_; }
  const FieldTable& fields() const { return fields_; }
  std::size_t grants() const { return tables_.grants.size(); }
  std::size_t forbids() const { return tables_.forbids.size(); }
  std::size_t first_forbid() const { return first_forbid_; }
  std::size_t words() const { return words_; }
  const std::string& rule_id(std::size_t bit) const;
  bool is_forbid(std::size_t bit) const { return bit >= first_forbid_; }
  Rank rank_of(FieldId field, std::size_t bit) const {
    return ranks_[number(field) * stride_ + bit];
  }

  // Columns of names; kUnknown for an empty name, "elsewhere" for one that no rule names.
  Column department(std::string_view name) const;
  Column unit(std::string_view name) const;
  Column kind(std::string_view name) const;  // of a known case
  std::optional<Column> purpose(std::string_view id) const;
  std::optional<Column> role(std::string_view id) const;
  Column matter(Column purpose, Column kind) const {
    return static_cast<Column>(purpose * kinds_ + kind);
  }
  /// set_approvals writes how many approvals there are of each kind.
  void set_approvals(Situation& s, const std::array<unsigned, kApprovers>& counts) const;
  Column approvals(unsigned n) const;
  Column presence(std::optional<std::uint64_t> age_ms) const;
  static Column hour(std::optional<unsigned> utc_hour) {
    return utc_hour ? static_cast<Column>(*utc_hour + 1) : kUnknown;
  }
  /// columns is the number of values of an attribute, unknown included.
  Column columns(Attribute a) const { return columns_[static_cast<std::size_t>(a)].count; }
  Column kinds() const { return kinds_; }
  const std::vector<std::string>& department_names() const {
    return department_names_;
  }  // column - 2
  const std::vector<std::string>& unit_names() const { return unit_names_; }
  const std::vector<std::string>& kind_names() const { return kind_names_; }  // column - kKinds

  /// tested says whether any rule tells one value of an attribute from another.
  bool tested(Attribute a) const { return columns_[static_cast<std::size_t>(a)].tested; }
  /// department_row is the row of a department, or null.
  const DepartmentRow* department_row(std::string_view id) const;
  std::span<const std::uint64_t> column(Attribute a, Column c) const;
  std::span<const std::uint64_t> role_column(Column role) const;  // role 0: none at all
  std::span<const std::uint64_t> of_field(FieldId field) const;   // rules that name the field

  /// decide is the pure decision. `asked` has at most kFieldsMax fields.
  void decide(const Situation& situation, std::span<const FieldId> asked, Verdict& verdict) const;
  /// missing explains a field whose rank came out as none.
  Missing missing(const Situation& situation, FieldId field, Standing standing, Rank granted) const;

 private:
  struct Columns {
    Column count = 0;
    bool tested = false;              // some rule's bits differ between values
    std::vector<std::uint64_t> bits;  // count × words
  };
  void name_values();
  void fill(Attribute a, Column count);
  bool holds(const GrantRow& grant, Attribute a, Column c) const;
  bool holds(const ForbidRow& forbid, Attribute a, Column c) const;
  Rules matching(const Situation& situation) const;
  Column of_field(const Situation& situation, Attribute a, FieldId field) const;
  void narrow(const Situation& situation, std::size_t asked, std::size_t word, std::uint64_t bits,
              const Rank* ranks, Verdict& verdict) const;
  Missing missing_of(const Situation& situation, FieldId field, Standing standing,
                     std::size_t bit) const;

  Tables tables_;
  const FieldTable& fields_;
  std::size_t words_ = 0, first_forbid_ = 0, stride_ = 0;
  std::array<Columns, kAttributes> columns_;
  std::vector<Attribute> tested_;            // of the whole question
  std::vector<std::uint64_t> role_bits_;     // (roles + 1) × words
  std::vector<std::uint64_t> purpose_bits_;  // purposes × words, kinds aside
  std::vector<std::uint64_t> field_bits_;    // fields × words
  std::vector<Rank> ranks_;                  // fields × stride
  bool by_field_ = false;                    // some rule asks for an order or a consent
  Column kinds_ = 0;
  std::vector<std::string> department_names_, unit_names_, kind_names_;
  std::vector<unsigned> approval_steps_;
  std::vector<std::uint64_t> presence_steps_;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  using Names = std::unordered_map<std::string, Column, Hash, std::equal_to<>>;
  Names departments_, units_, kind_columns_, purposes_, roles_;
};

}  // namespace amanat::policy
