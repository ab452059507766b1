// `amanat policy test`: a table of expected decisions that a lawyer can write, as TOML rows
// [[expect]] or as CSV with the same words for columns (docs/policy.md). What a row does not say is
// not there: no case, no approval, no proof of presence.

#include <algorithm>
#include <charconv>
#include <map>

#include "model/insist.h"
#include "net/csv.h"
#include "net/toml.h"
#include "policy/state.h"
#include "storage/file.h"

namespace amanat::policy {
namespace {

constexpr std::size_t kFileMax = 4 << 20;
constexpr std::size_t kRowsMax = 100'000;

using Words = std::vector<std::string>;

const Words kColumns = {"says",     "roles",       "department", "unit",        "purpose",
                        "case",     "case_open",   "assigned",   "own_unit",    "citizen",
                        "subject",  "court_order", "consent",    "approvals",   "approver",
                        "presence", "proof",       "hour",       "break_glass", "service",
                        "fields",   "level",       "reason"};
const Words kStandings3 = {"named", "kin", "other"};

// One row: every value as text, lists joined by ';'.
struct RowText {
  std::string place;  // "row 3, line 14"
  std::map<std::string, std::string, std::less<>> values;
  const std::string& value(std::string_view key) const {
    static const std::string none;
    const auto at = values.find(key);
    return at == values.end() ? none : at->second;
  }
};

Words split(const std::string& text) {
  Words words;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(';', at), text.size());
    std::string word = text.substr(at, end - at);
    const auto from = word.find_first_not_of(' '), to = word.find_last_not_of(' ');
    if (from != std::string::npos) words.push_back(word.substr(from, to - from + 1));
    at = end + 1;
  }
  return words;
}

class Expectations {
 public:
  Expectations(const Compiled& compiled, std::string file) : c_(compiled), file_(std::move(file)) {}
  Result<std::vector<TestedRow>> run(const std::string& path);

 private:
  Result<std::vector<RowText>> rows_of_toml(const std::string& text) const;
  Result<std::vector<RowText>> rows_of_csv(const std::string& text) const;
  Result<TestedRow> decide(const RowText& row) const;
  Result<Situation> situation_of(const RowText& row, FieldSet& every) const;
  Result<std::string> judge(const RowText& row, const Situation& s, Standing standing,
                            const std::vector<FieldId>& asked) const;
  bool proof_is_enough(const RowText& row, const Situation& s) const;

  std::unexpected<Failure> wrong(const RowText& row, const std::string& what) const {
    return fail(Reason::policy_wrong, file_ + ", " + row.place + ": " + what);
  }
  // word reads one of a list of words; `otherwise` where the row says nothing.
  Result<std::size_t> word(const RowText& row, std::string_view key, const Words& known,
                           std::size_t otherwise) const {
    const std::string& text = row.value(key);
    if (text.empty()) return otherwise;
    const auto at = std::find(known.begin(), known.end(), text);
    if (at != known.end()) return static_cast<std::size_t>(at - known.begin());
    const auto near = amanat::nearest_word(text, known);
    return wrong(row, "`" + std::string(key) + "` is no word known here" +
                          (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"));
  }
  Result<bool> yes(const RowText& row, std::string_view key) const {
    const std::string& text = row.value(key);
    if (text.empty() || text == "no" || text == "false") return false;
    if (text == "yes" || text == "true") return true;
    return wrong(row, "`" + std::string(key) + "` is yes or no");
  }
  Result<unsigned> count(const RowText& row, std::string_view key, unsigned most) const {
    const std::string& text = row.value(key);
    unsigned n = 0;
    if (text.empty()) return n;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc{} || end != text.data() + text.size() || n > most)
      return wrong(row, "`" + std::string(key) + "` is a number up to " + std::to_string(most));
    return n;
  }

  const Compiled& c_;
  std::string file_;
};

Result<std::vector<RowText>> Expectations::rows_of_toml(const std::string& text) const {
  auto toml = net::parse_toml(text, file_);
  if (!toml) return fail(Reason::policy_wrong, toml.error().detail);
  net::TomlReader reader(*toml, file_, Reason::policy_wrong);
  auto tables = reader.tables("expect");
  if (!tables) return std::unexpected(tables.error());
  if (auto end = reader.finish(); !end) return std::unexpected(end.error());
  std::vector<RowText> rows;
  for (const net::Toml* table : *tables) {
    RowText row;
    row.place = "row " + std::to_string(rows.size() + 1) + ", line " + std::to_string(table->line);
    for (const auto& member : *table->table()) {
      std::string& value = row.values[member.key];
      if (const auto* one = member.value.string()) {
        value = *one;
      } else if (const auto* flag = member.value.boolean()) {
        value = *flag ? "yes" : "no";
      } else if (const auto* n = member.value.integer()) {
        value = std::to_string(*n);
      } else if (const auto* list = member.value.array()) {
        for (const auto& item : *list) {
          if (item.string() == nullptr)
            return wrong(row, "`" + member.key + "` is a list of words");
          value += (value.empty() ? "" : ";") + *item.string();
        }
      } else {
        return wrong(row, "`" + member.key + "` is not a plain value");
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::vector<RowText>> Expectations::rows_of_csv(const std::string& text) const {
  auto reader = net::CsvReader::over(text);
  net::CsvReader::Row line;
  Words columns;
  std::vector<RowText> rows;
  for (;;) {
    auto more = reader.next(line);
    if (!more) return std::unexpected(more.error());
    if (!*more) return rows;
    RowText row;
    row.place = "row " + std::to_string(rows.size() + 1) + ", line " + std::to_string(line.line);
    if (line.malformed) return wrong(row, "not well-formed CSV");
    if (line.cells.empty() || (line.cells.size() == 1 && line.cells[0].empty())) continue;
    if (columns.empty()) {
      columns.assign(line.cells.begin(), line.cells.end());
      continue;
    }
    if (line.cells.size() != columns.size()) return wrong(row, "more or fewer cells than columns");
    for (std::size_t i = 0; i < columns.size(); ++i)
      row.values[columns[i]] = std::string(line.cells[i]);
    rows.push_back(std::move(row));
  }
}

Result<Situation> Expectations::situation_of(const RowText& row, FieldSet& every) const {
  Situation s;
  for (const auto& id : split(row.value("roles"))) {
    const auto role = c_.role(id);
    if (!role) return wrong(row, "no role \"" + id + "\" in the policy");
    if (s.role_count == kRolesAsked) return wrong(row, "too many roles");
    s.roles[s.role_count++] = *role;
  }
  if (s.role_count == 0) return wrong(row, "`roles` is missing");
  const auto purpose = c_.purpose(row.value("purpose"));
  if (!purpose) return wrong(row, "`purpose` is missing, or not in the policy");
  s.purpose = *purpose;
  s[Attribute::department] = c_.department(row.value("department"));
  s[Attribute::unit] = c_.unit(row.value("unit"));
  const std::string& kind = row.value("case");
  const bool known = !kind.empty() && kind != "unknown";
  s.kind = kind.empty() ? kNoCase : known ? c_.kind(kind) : kUnknown;
  s[Attribute::matter] = c_.matter(s.purpose, s.kind);
  const std::pair<const char*, Attribute> facts[] = {{"case_open", Attribute::case_open},
                                                     {"assigned", Attribute::assigned},
                                                     {"own_unit", Attribute::own_unit},
                                                     {"break_glass", Attribute::glass}};
  for (const auto& [key, attribute] : facts) {
    auto fact = yes(row, key);
    if (!fact) return std::unexpected(fact.error());
    s[attribute] = *fact ? kYes : kNo;
    if (!known && attribute != Attribute::glass) s[attribute] = kUnknown;
  }
  for (const char* key : {"court_order", "consent"}) {
    auto fact = yes(row, key);
    if (!fact) return std::unexpected(fact.error());
    if (*fact) (key[1] == 'o' && key[2] == 'u' ? s.ordered : s.consented) = every;
  }
  auto proof = word(row, "proof", proof_words(), static_cast<std::size_t>(Proof::touch));
  if (!proof) return std::unexpected(proof.error());
  s[Attribute::evidence] = static_cast<Column>(kChannel + *proof);
  auto approvals = count(row, "approvals", 8);
  if (!approvals) return std::unexpected(approvals.error());
  auto approver = word(row, "approver", approver_words(), 0);
  if (!approver) return std::unexpected(approver.error());
  std::array<unsigned, kApprovers> counts{};
  counts[0] = *approvals;
  if (*approver != 0) counts[*approver] = *approvals;
  if (static_cast<Approver>(*approver) == Approver::superior_other_unit) counts.fill(*approvals);
  c_.set_approvals(s, counts);
  std::optional<std::uint64_t> age;
  if (const std::string& text = row.value("presence"); !text.empty()) {
    age = span_of(text);
    if (!age) return wrong(row, "`presence` is how long ago, such as \"4m\"");
  }
  s[Attribute::presence] = c_.presence(age);
  std::optional<unsigned> hour;
  if (!row.value("hour").empty()) {
    auto read = count(row, "hour", 23);
    if (!read) return std::unexpected(read.error());
    hour = *read;
  }
  s[Attribute::hour] = Compiled::hour(hour);
  for (const auto& one : split(row.value("subject"))) {
    const auto at = std::find(class_words().begin(), class_words().end(), one);
    if (at == class_words().end()) return wrong(row, "no class of citizens \"" + one + "\"");
    s.classes |= mask_of(static_cast<SubjectClass>(at - class_words().begin()));
  }
  return s;
}

// proof_is_enough judges what the department asks of a question, whatever it asks for.
bool Expectations::proof_is_enough(const RowText& row, const Situation& s) const {
  const DepartmentRow otherwise;
  const DepartmentRow* department = c_.department_row(row.value("department"));
  if (department == nullptr) department = &otherwise;
  const auto service = yes(row, "service");
  const Proof least = service && *service ? department->services : department->officers;
  return s[Attribute::evidence] >= kChannel + static_cast<unsigned>(least);
}

// judge compares what is released with what the row expects; empty: as expected.
Result<std::string> Expectations::judge(const RowText& row, const Situation& s, Standing standing,
                                        const std::vector<FieldId>& asked) const {
  const std::string& expected = row.value("level");
  const std::string plain = expected.substr(0, expected.find('.'));
  if (plain != "none" && plain != "exists" && plain != "masked" && plain != "full")
    return wrong(row, "`level` is none, exists, masked, masked.MASK or full");
  const bool enough = proof_is_enough(row, s);
  Verdict verdict;
  c_.decide(s, asked, verdict);
  const auto k = static_cast<std::size_t>(standing);
  std::string complaint;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const FieldInfo& info = c_.fields()[asked[i]];
    const Rank rank = enough ? verdict.rank[k][i] : kNone;
    constexpr const char* kLevels[] = {"none", "exists", "masked", "full"};
    std::string is = kLevels[static_cast<std::size_t>(level_of(rank))];
    if (expected.find('.') != std::string::npos && level_of(rank) == Level::masked)
      is += "." + info.masks[mask_of(rank)];
    std::string why, rule;
    if (rank == kNone) {
      const Missing missing = c_.missing(s, asked[i], standing, verdict.granted[k][i]);
      why = amanat::row_of(enough ? missing.reason : Reason::evidence_too_weak).id;
      rule = missing.rule;
    }
    const std::string& reason = row.value("reason");
    if (is == expected && (reason.empty() || reason == why)) continue;
    if (!complaint.empty()) complaint += "; ";
    complaint += info.id + ": expected " + expected + (reason.empty() ? "" : " (" + reason + ")") +
                 ", is " + is;
    if (!why.empty()) complaint += " (" + why + (rule.empty() ? "" : ", " + rule) + ")";
  }
  return complaint;
}

Result<TestedRow> Expectations::decide(const RowText& row) const {
  for (const auto& [key, value] : row.values)
    if (std::find(kColumns.begin(), kColumns.end(), key) == kColumns.end()) {
      const auto near = amanat::nearest_word(key, kColumns);
      return wrong(row, "unknown key \"" + key + "\"" +
                            (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"));
    }
  FieldSet named;
  for (const auto& pattern : split(row.value("fields"))) {
    const FieldSet set = c_.fields().match(pattern);
    if (set.none()) {
      const std::string near = c_.fields().nearest(pattern);
      return wrong(row, "no field \"" + pattern + "\"" +
                            (near.empty() ? "" : "; did you mean \"" + near + "\"?"));
    }
    named |= set;
  }
  if (named.none()) return wrong(row, "`fields` is missing");
  std::vector<FieldId> asked;
  for (std::size_t f = 0; f < c_.fields().size(); ++f)
    if (named.test(f)) asked.push_back(FieldId{static_cast<std::uint16_t>(f)});
  auto s = situation_of(row, named);
  if (!s) return std::unexpected(s.error());
  const bool known = s->kind >= kOtherKind;
  auto standing = word(row, "citizen", kStandings3, known ? 0 : 2);
  if (!standing) return std::unexpected(standing.error());
  auto complaint = judge(row, *s, static_cast<Standing>(*standing), asked);
  if (!complaint) return std::unexpected(complaint.error());
  return TestedRow{row.place, row.value("says"), *std::move(complaint)};
}

Result<std::vector<TestedRow>> Expectations::run(const std::string& path) {
  auto text = storage::read_file(path, kFileMax);
  if (!text) return std::unexpected(text.error());
  auto rows = path.ends_with(".csv") ? rows_of_csv(*text) : rows_of_toml(*text);
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty()) return fail(Reason::policy_wrong, file_ + ": no row expects anything");
  if (rows->size() > kRowsMax) return fail(Reason::policy_wrong, file_ + ": too many rows");
  std::vector<TestedRow> tested;
  for (const RowText& row : *rows) {
    auto one = decide(row);
    if (!one) return std::unexpected(one.error());
    tested.push_back(*std::move(one));
  }
  return tested;
}

}  // namespace

Result<std::vector<TestedRow>> test_directory(const std::string& directory,
                                              const FieldTable& fields, const std::string& file) {
  auto documents = read_documents(directory);
  if (!documents) return std::unexpected(documents.error());
  auto in_force = read_policy(*documents, fields);
  if (!in_force) return std::unexpected(in_force.error());
  return Expectations((*in_force)->compiled, file.substr(file.rfind('/') + 1)).run(file);
}

}  // namespace amanat::policy
