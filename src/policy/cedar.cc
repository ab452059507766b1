// The policy as Cedar text, for people who know Cedar and as a second opinion: whether a field is
// released at all. Cedar has no levels, masks and budgets, so a forbid that only caps is a comment.
// Inputs are in the context; one that is absent is unknown, and each condition says what that
// means, because Cedar skips a rule in which anything fails.

#include <string>
#include <string_view>
#include <vector>

#include "policy/state.h"

namespace amanat::policy {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
  return out;
}

std::string set_of(const std::vector<std::string>& words) {
  std::string out = "[";
  for (std::size_t i = 0; i < words.size(); ++i) out += (i > 0 ? ", " : "") + quoted(words[i]);
  return out + "]";
}

// Conditions joined by "and".
class Conditions {
 public:
  Conditions& add(std::string condition) {
    text_ += (text_.empty() ? "  " : " &&\n  ") + std::move(condition);
    return *this;
  }
  /// known asks for an attribute that is there; forbidding() holds where it is not.
  Conditions& known(std::string_view attribute, std::string condition) {
    return add("(context has " + std::string(attribute) + " && " + std::move(condition) + ")");
  }
  Conditions& forbidding(std::string_view attribute, std::string condition) {
    return add("(!(context has " + std::string(attribute) + ") || " + std::move(condition) + ")");
  }
  std::string take() { return text_.empty() ? "  true" : std::move(text_); }

 private:
  std::string text_;
};

std::string one_of(std::string_view attribute, const std::vector<std::string>& words) {
  return set_of(words) + ".contains(context." + std::string(attribute) + ")";
}

std::string hours_of(const Hours& hours) {
  std::string out = "[";
  for (unsigned hour = 0; hour < 24; ++hour)
    if (hours.covers(hour)) out += (out.size() > 1 ? ", " : "") + std::to_string(hour);
  return out + "].contains(context.hour)";
}

std::string fields_of(const std::vector<Cell>& cells, const FieldTable& fields, bool forbid) {
  std::string out = "[";
  for (const Cell& cell : cells)
    if (forbid == (cell.rank == kNone))
      out += (out.size() > 1 ? ", " : "") + ("Field::" + quoted(fields[cell.field].id));
  return out + "].contains(resource)";
}

std::string statement(std::string_view effect, const std::string& id, const std::string& says,
                      std::string conditions) {
  std::string line = says;
  for (char& c : line)
    if (c == '\n' || c == '\r') c = ' ';
  return "// " + line + "\n@id(" + quoted(id) + ")\n" + std::string(effect) +
         "(principal, action, resource) when {\n" + std::move(conditions) + "\n};\n";
}

std::string permit(const GrantRow& g, const Tables& t, const FieldTable& fields) {
  Conditions c;
  c.add("context.roles.containsAny(" + set_of(g.roles) + ")").add(one_of("purpose", g.purposes));
  for (const PurposeRow& purpose : t.purposes)
    if (!purpose.cases.empty())
      c.add("(context.purpose != " + quoted(purpose.id) + " || (context has kind && " +
            one_of("kind", purpose.cases) + "))");
  const Needs& n = g.needs;
  if (!n.cases.empty()) c.known("kind", one_of("kind", n.cases));
  if (!g.departments.empty()) c.known("department", one_of("department", g.departments));
  if (!g.units.empty()) c.known("unit", one_of("unit", g.units));
  const std::pair<bool, const char*> facts[] = {
      {n.case_open, "case_open"}, {n.officer_assigned, "assigned"}, {n.own_unit, "own_unit"}};
  for (const auto& [asked, name] : facts)
    if (asked) c.known(name, "context." + std::string(name));
  if (n.subject_in_case)
    c.add(std::string(n.kin ? "[\"named\", \"kin\"]" : "[\"named\"]") +
          ".contains(context.standing)");
  if (n.court_order) c.add("context.ordered");
  if (n.consent) c.add("context.consented");
  // Amanat asks Cedar with `extract` for a bulk question and for no other.
  if (g.extract)
    c.known("extract", "context.extract");
  else
    c.known("glass", n.break_glass ? "context.glass" : "!context.glass");
  if (n.evidence != Proof::channel)
    c.known("proof", "context.proof >= " + std::to_string(static_cast<int>(n.evidence)));
  if (n.approvals > 0)
    c.add("context.approvals_" + approver_words()[static_cast<std::size_t>(n.approver)] +
          " >= " + std::to_string(n.approvals));
  if (n.uv_max_age_ms)
    c.known("presence_ms", "context.presence_ms <= " + std::to_string(*n.uv_max_age_ms));
  if (n.hours) c.known("hour", hours_of(*n.hours));
  c.add(fields_of(g.cells, fields, false));
  return statement("permit", g.id, g.says, c.take());
}

std::string forbid(const ForbidRow& f, const FieldTable& fields) {
  constexpr const char* kStandings[] = {"named", "kin", "other"};
  Conditions c;
  if (!f.roles.empty()) c.add("context.roles.containsAny(" + set_of(f.roles) + ")");
  if (!f.purposes.empty()) c.add(one_of("purpose", f.purposes));
  if (!f.except_purposes.empty()) c.add("!" + one_of("purpose", f.except_purposes));
  if (!f.except_departments.empty())
    c.forbidding("department", "!" + one_of("department", f.except_departments));
  if (!f.departments.empty()) c.forbidding("department", one_of("department", f.departments));
  if (!f.units.empty()) c.forbidding("unit", one_of("unit", f.units));
  if (!f.cases.empty())
    c.add("(context.case_state == \"unknown\" || (context has kind && " + one_of("kind", f.cases) +
          "))");
  if (f.case_open)
    c.forbidding("case_open", *f.case_open ? "context.case_open" : "!context.case_open");
  if (f.officer_assigned)
    c.forbidding("assigned", *f.officer_assigned ? "context.assigned" : "!context.assigned");
  if (!f.subjects.empty()) {
    std::vector<std::string> words;
    for (const Standing one : f.subjects) words.push_back(kStandings[static_cast<int>(one)]);
    c.add(one_of("standing", words));
  }
  if (!f.classes.empty()) {
    std::vector<std::string> words;
    for (const SubjectClass one : f.classes)
      words.push_back(class_words()[static_cast<std::size_t>(one)]);
    c.add("context.classes.containsAny(" + set_of(words) + ")");
  }
  if (f.except_break_glass) c.add("!(context has glass && context.glass)");
  if (f.hours) c.forbidding("hour", hours_of(*f.hours));
  c.add(fields_of(f.cells, fields, true));
  return statement("forbid", f.id, f.says, c.take());
}

}  // namespace

std::string cedar_of(const Tables& tables, const FieldTable& fields) {
  std::string out =
      "// Generated from a policy of Amanat: whether a field is released at all. Levels, masks,\n"
      "// budgets and the proof a department asks for are not in it.\n";
  for (const GrantRow& grant : tables.grants) out += "\n" + permit(grant, tables, fields);
  for (const ForbidRow& row : tables.forbids) {
    bool closes = false;
    for (const Cell& cell : row.cells) closes |= cell.rank == kNone;
    out += closes ? "\n" + forbid(row, fields) : "\n// " + row.id + " only caps what is shown.\n";
  }
  return out;
}

Result<std::string> cedar_of_directory(const std::string& directory, const FieldTable& fields) {
  auto documents = read_documents(directory);
  if (!documents) return std::unexpected(documents.error());
  auto tables = read_tables(*documents, fields);
  if (!tables) return std::unexpected(tables.error());
  return cedar_of(*tables, fields);
}

}  // namespace amanat::policy
