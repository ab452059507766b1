// A question answered from the exchange's own records and from the departments that keep theirs.

#include <algorithm>
#include <iterator>

#include "registry/fetch.h"
#include "registry/live.h"

namespace amanat::registry {
namespace {

/// add_live puts what a department said into the findings: its records, or why its fields are
/// withheld. Nothing else of the answer changes.
void add_live(const Archive& archive, const Wanted& wanted, const LiveWant& want,
              const LiveFound& said, Findings::Content& content) {
  const Dataset& dataset = archive.catalog.dataset(want.dataset);
  Person& person = content.people[want.person];
  const auto& usual = *wanted.releases[static_cast<std::size_t>(person.standing)];
  if (said.failed) {
    std::vector<FieldId> fields;
    for (const auto& one : want.fields) fields.push_back(one.id);
    return withhold(person, usual, fields, *said.failed);
  }
  if (!said.dirty.empty()) withhold(person, usual, said.dirty, Reason::department_value_wrong);
  // Records stand by dataset, as shaping wants them; of this one there are none but the
  // department's.
  auto at = std::ranges::upper_bound(person.records, number(dataset.id), {},
                                     [](const FoundRecord& r) { return number(r.dataset); });
  std::vector<FoundRecord> records;
  for (const LiveFound::Record& record : said.records) {
    FoundRecord found;
    found.dataset = dataset.id;
    found.source = dataset.department;
    found.date = now();
    found.version = record.version;
    found.record = record.record;
    for (const auto& [field, text] : record.values)
      found.values.push_back(FoundValue{field, content.text.append(said.text.view(text))});
    records.push_back(std::move(found));
  }
  person.exists = person.exists || !records.empty();
  person.records.insert(at, std::make_move_iterator(records.begin()),
                        std::make_move_iterator(records.end()));
}

}  // namespace

Task<Result<Findings::Content>> find_everywhere(Archive& archive, LiveDesks& desks,
                                                const Wanted& wanted) {
  auto found = find(archive, wanted);
  if (!found) co_return std::unexpected(found.error());
  if (!found->live.empty()) {
    LiveDesks::Wait asking(desks, found->live);
    std::vector<LiveFound> said = co_await asking;
    for (std::size_t i = 0; i < said.size(); ++i)
      add_live(archive, wanted, found->live[i], said[i], found->content);
  }
  co_return std::move(found->content);
}

}  // namespace amanat::registry
