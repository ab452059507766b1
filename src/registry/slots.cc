// The slot catalogue of the declarations, in its canonical text (docs/marks.md). What the kinds do
// is disclosure's to know; here numbers are unique and every name has one.

#include <algorithm>
#include <map>
#include <tuple>

#include "registry/declaration.h"

namespace amanat::registry {
namespace {

std::unexpected<Failure> wrong(const Dataset& d, std::uint32_t line, const std::string& what) {
  return fail(Reason::catalog_wrong,
              d.file + ":" + std::to_string(line == 0 ? d.line : line) + ": " + what);
}

std::string list_of(std::vector<std::uint16_t> numbers) {
  std::sort(numbers.begin(), numbers.end());
  std::string out;
  for (const auto n : numbers) out += (out.empty() ? "" : ",") + std::to_string(n);
  return out.empty() ? "-" : out;
}

}  // namespace

Result<std::string> slots_text(const std::vector<Declared>& declared, const Rules& rules) {
  std::map<std::uint16_t, std::string> names;
  std::map<std::pair<std::uint16_t, unsigned>, std::string> slots;
  for (const Declared& one : declared) {
    const Dataset& d = one.dataset;
    const auto name = [&](std::uint16_t mark, const std::string& id) -> Result<void> {
      if (mark == 0) return {};
      if (const auto [at, fresh] = names.emplace(mark, id); !fresh)
        return wrong(d, 0,
                     "mark " + std::to_string(mark) + " is of " + at->second + " and of " + id);
      return {};
    };
    if (auto named = name(one.mark, d.name); !named) return std::unexpected(named.error());
    for (std::size_t i = 0; i < d.fields.size(); ++i)
      if (auto named = name(one.marks[i], d.fields[i].id); !named)
        return std::unexpected(named.error());
    const auto mark_of = [&](const std::string& field) { return one.marks[*d.find(field)]; };
    for (const DeclaredSlot& slot : one.slots) {
      const std::uint16_t field = slot.field.empty() ? one.mark : mark_of(slot.field);
      std::string line = slot.kind + " ";
      for (std::size_t i = 0; i < slot.weights.size(); ++i)
        line += (i == 0 ? "" : ",") + std::to_string(slot.weights[i]);
      if (slot.weights.empty()) line += "even";
      line += slot.anchor.empty() ? " -" : " " + std::to_string(mark_of(slot.anchor));
      std::vector<std::uint16_t> members;
      for (const auto& member : slot.members) members.push_back(mark_of(member));
      line += " " + list_of(std::move(members));
      if (!slots.emplace(std::pair(field, slot.number), line).second)
        return wrong(d, slot.line, "slot number " + std::to_string(slot.number) + " stands twice");
    }
  }
  if (slots.empty() && rules.marks_version == 0) return std::string();
  if (rules.marks_version == 0)
    return fail(Reason::catalog_wrong, "[rules] has no `marks_version`, but there are slots");
  std::string out = "amanat-slots v1\nversion " + std::to_string(rules.marks_version) + "\n";
  for (const auto& [number, id] : names) out += "name " + std::to_string(number) + " " + id + "\n";
  for (const auto& [place, line] : slots)
    out += "slot " + std::to_string(place.first) + " " + std::to_string(place.second) + " " + line +
           "\n";
  return out;
}

}  // namespace amanat::registry
