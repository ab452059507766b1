// Policy files: whatever the text, no crash; a complaint names file and line; and what is taken
// compiles, analyses, keeps its canonical text, and opens nothing to somebody without a role.

#include <cstdint>
#include <string>
#include <string_view>

#include "model/insist.h"
#include "policy/analysis.h"
#include "policy/compiled.h"

using namespace amanat;
using namespace amanat::policy;

namespace {

FieldTable table() {
  std::vector<FieldInfo> fields;
  for (const char* name : {"date_of_birth", "name", "number"})
    fields.push_back({std::string("a.people.") + name,
                      name,
                      DatasetId{0},
                      Sensitivity::ordinary,
                      {"last2", "last4"}});
  fields.push_back({"b.calls.cell", "cell", DatasetId{1}, Sensitivity::sensitive, {}});
  return FieldTable(std::move(fields), {"a.people", "b.calls"});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const FieldTable fields = table();
  // A policy of many attribute values is lawful and slow to analyse; the bytes are what is tried
  // here.
  if (size > 16 * 1024) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto tables = read_tables({{"p.toml", text}}, fields);
  if (!tables) {
    insist(tables.error().reason == Reason::policy_wrong);
    return 0;
  }
  insist(canonical_text(*tables, fields) == canonical_text(*tables, fields));
  const Compiled compiled(*tables, fields);
  Verdict verdict;
  const std::vector<FieldId> asked = {FieldId{0}, FieldId{1}, FieldId{2}, FieldId{3}};
  for (std::size_t purpose = 0; purpose < compiled.tables().purposes.size() && purpose < 8;
       ++purpose) {
    Situation nobody;
    nobody.purpose = static_cast<Column>(purpose);
    nobody[Attribute::matter] = compiled.matter(nobody.purpose, kUnknown);
    compiled.decide(nobody, asked, verdict);
    for (const auto& ranks : verdict.rank)
      for (std::size_t i = 0; i < asked.size(); ++i) insist(ranks[i] == kNone);
  }
  if (compiled.grants() + compiled.forbids() <= 32) {
    (void)complaints(compiled);
    FieldSet all;
    for (std::size_t i = 0; i < fields.size(); ++i) all.set(i);
    for (const auto& sentence : who_can_see(compiled, all))
      insist(sentence.level != Level::none && !sentence.text.empty());
  }
  return 0;
}
