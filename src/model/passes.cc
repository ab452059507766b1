#include "model/passes.h"

#include <algorithm>

namespace amanat {
namespace {

bool holds(const std::vector<Tag>& ascending, const Tag& one) {
  return std::binary_search(ascending.begin(), ascending.end(), one);
}

bool less(const FieldRelease& a, const FieldRelease& b) {
  return a.level != b.level ? a.level < b.level : a.level == Level::masked && a.mask < b.mask;
}

}  // namespace

std::pair<std::vector<FieldRelease>, std::string> Grant::releases_for(Standing standing,
                                                                      const Tag& citizen,
                                                                      bool family) const {
  const Content& c = content();
  const auto k = static_cast<std::size_t>(standing);
  std::pair<std::vector<FieldRelease>, std::string> out{c.releases[k], {}};
  for (const CourtOrder& order : c.orders) {
    insist(c.ordered[k].size() == out.first.size());
    const bool covers =
        order.subjects.empty() ? standing == Standing::named : holds(order.subjects, citizen);
    if (!covers) continue;
    for (std::size_t i = 0; i < out.first.size(); ++i)
      if (order.fields.test(number(out.first[i].field))) out.first[i] = c.ordered[k][i];
  }
  for (const Narrowed& one : c.narrowed) {
    if (one.members != nullptr ? !holds(*one.members, citizen) : !family) continue;
    insist(one.caps[k].size() == out.first.size());
    for (std::size_t i = 0; i < out.first.size(); ++i) {
      if (!less(one.caps[k][i], out.first[i])) continue;
      out.first[i] = one.caps[k][i];
      out.first[i].withheld = Reason::forbidden_by_rule;
      if (out.second.empty()) out.second = one.rule;
    }
  }
  return out;
}

}  // namespace amanat
