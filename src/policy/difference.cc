#include "policy/difference.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "model/insist.h"
#include "policy/walk.h"

namespace amanat::policy {
namespace {

using Words = std::vector<std::string>;

template <class Row>
const Row* row_of(const std::vector<Row>& rows, std::string_view id) {
  for (const Row& row : rows)
    if (row.id == id) return &row;
  return nullptr;
}

bool has(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The kinds that satisfy both the grant and its purpose; nothing if none can.
std::optional<Words> kinds_of(const Words& grant, const Words& purpose) {
  if (grant.empty()) return purpose;
  if (purpose.empty()) return grant;
  Words both;
  for (const auto& kind : grant)
    if (has(purpose, kind)) both.push_back(kind);
  if (both.empty()) return std::nullopt;
  return both;
}

constexpr std::string_view kBefore = "0", kAfter = "1";

// add puts one policy's rules of one purpose into the joint tables. What the purpose asks of a
// case is written into the grants, because the two policies may ask differently.
void add(const Tables& from, const std::string& purpose, std::string_view side, Tables& joint) {
  const PurposeRow* row = row_of(from.purposes, purpose);
  if (row == nullptr) return;  // nobody asks for it, so nothing is granted
  for (const GrantRow& grant : from.grants) {
    if (!has(grant.purposes, purpose)) continue;
    auto kinds = kinds_of(grant.needs.cases, row->cases);
    if (!kinds) continue;
    GrantRow mine = grant;
    mine.id = std::string(side) + grant.id;
    mine.purposes = {purpose};
    mine.needs.cases = *std::move(kinds);
    joint.grants.push_back(std::move(mine));
  }
  for (const ForbidRow& forbid : from.forbids) {
    if (!forbid.purposes.empty() && !has(forbid.purposes, purpose)) continue;
    if (has(forbid.except_purposes, purpose)) continue;
    ForbidRow mine = forbid;
    mine.id = std::string(side) + forbid.id;
    mine.purposes.clear();
    mine.except_purposes.clear();
    joint.forbids.push_back(std::move(mine));
  }
}

Tables joint_of(const Tables& before, const Tables& after, const std::string& purpose) {
  Tables joint;
  joint.classes = after.classes;
  joint.masks = after.masks;
  for (const Tables* side : {&before, &after})
    for (const RoleRow& role : side->roles)
      if (row_of(joint.roles, role.id) == nullptr) joint.roles.push_back(role);
  PurposeRow row;
  row.id = purpose;
  joint.purposes.push_back(std::move(row));
  add(before, purpose, kBefore, joint);
  add(after, purpose, kAfter, joint);
  return joint;
}

// What going through both showed of one role, purpose and field.
struct Seen {
  Rank before = kNone, after = kNone;  // at best
  bool more = false, less = false;     // somewhere
};
using Found = std::map<std::tuple<std::string, std::string, std::uint16_t>, Seen>;

void compare(const Compiled& c, const std::string& purpose, Found& found) {
  FieldSet every;
  for (std::size_t f = 0; f < c.fields().size(); ++f) every.set(f);
  Walk walk(c, every, [&](const Place& place, const Rules& rules) {
    const auto bits = bits_of(c, rules);
    // The department's form of a role says more than the plain one.
    const std::string& role = c.tables().roles[place.roles.back() - 1U].id;
    for (std::size_t f = 0; f < c.fields().size(); ++f) {
      const FieldId field{static_cast<std::uint16_t>(f)};
      Rank best[2] = {kNone, kNone}, cap[2] = {kFull, kFull};
      for (const std::size_t bit : bits) {
        const std::size_t side = c.rule_id(bit).front() == kAfter.front() ? 1 : 0;
        const Rank rank = c.rank_of(field, bit);
        if (c.is_forbid(bit))
          cap[side] = std::min(cap[side], rank);
        else
          best[side] = std::max(best[side], rank);
      }
      const Rank was = std::min(best[0], cap[0]), is = std::min(best[1], cap[1]);
      if (was == kNone && is == kNone) continue;
      Seen& seen = found[{role, purpose, number(field)}];
      seen.before = std::max(seen.before, was);
      seen.after = std::max(seen.after, is);
      seen.more |= is > was;
      seen.less |= is < was;
    }
  });
  walk.run();
}

std::string in_words(Rank rank, const FieldInfo& info) {
  switch (level_of(rank)) {
    case Level::none:
      return "nothing";
    case Level::exists:
      return "only that it exists";
    case Level::masked:
      return "masked (" + info.masks[mask_of(rank)] + ")";
    case Level::full:
      return "in full";
  }
  insist(false);
  return {};
}

void tell(const Found& found, const FieldTable& fields, std::vector<Change>& changes) {
  for (const auto& [key, seen] : found) {
    const auto& [role, purpose, number_of_field] = key;
    const FieldInfo& info = fields[FieldId{number_of_field}];
    const std::string who = role + ", for " + purpose + ": " + info.id;
    const auto note = [&](const char* kind, bool widens, std::string text) {
      Change change;
      change.kind = kind;
      change.role = role;
      change.purpose = purpose;
      change.field = info.id;
      change.before = level_of(seen.before);
      change.after = level_of(seen.after);
      change.widens = widens;
      change.text = who + " " + std::move(text);
      changes.push_back(std::move(change));
    };
    const std::string was = in_words(seen.before, info), is = in_words(seen.after, info);
    if (seen.before == kNone) {
      note("opened", true, "can now be seen, " + is);
      continue;
    }
    if (seen.after == kNone) {
      note("closed", false, "can no longer be seen (was " + was + ")");
      continue;
    }
    if (seen.after > seen.before)
      note("raised", true, "is now shown " + is + " at best (was " + was + ")");
    else if (seen.more)
      note("eased", true, "is shown in circumstances in which it was not, or shown less");
    if (seen.after < seen.before)
      note("lowered", false, "is now shown " + is + " at best (was " + was + ")");
    else if (seen.less)
      note("tightened", false, "is no longer shown, or shown less, in some circumstances");
  }
}

void note(std::vector<Change>& changes, const std::string& role, std::string text, bool widens) {
  Change change;
  change.kind = "other";
  change.role = role;
  change.text = std::move(text);
  change.widens = widens;
  changes.push_back(std::move(change));
}

void tell_roles(const Tables& before, const Tables& after, std::vector<Change>& changes) {
  for (const RoleRow& role : after.roles) {
    const RoleRow* was = row_of(before.roles, role.id);
    for (const auto& right : role.rights)
      if (was == nullptr || !has(was->rights, right))
        note(changes, role.id, role.id + " newly holds the right " + right, true);
    // Whom one is over says whose approval counts and whose does not.
    if (was != nullptr && was->over != role.over)
      note(changes, role.id, role.id + " is over other roles than before", true);
    if (was == nullptr && !role.over.empty())
      note(changes, role.id, role.id + " is newly over other roles", true);
  }
  for (const RoleRow& role : before.roles) {
    const RoleRow* is = row_of(after.roles, role.id);
    for (const auto& right : role.rights)
      if (is == nullptr || !has(is->rights, right))
        note(changes, role.id, role.id + " no longer holds the right " + right, false);
  }
}

void tell_departments(const Tables& before, const Tables& after, std::vector<Change>& changes) {
  std::set<std::string> ids;
  for (const Tables* side : {&before, &after})
    for (const DepartmentRow& row : side->departments) ids.insert(row.id);
  for (const auto& id : ids) {
    const DepartmentRow otherwise;
    const DepartmentRow* was = row_of(before.departments, id);
    const DepartmentRow* is = row_of(after.departments, id);
    if (was == nullptr) was = &otherwise;
    if (is == nullptr) is = &otherwise;
    if (is->officers != was->officers)
      note(changes, {},
           id + ": officers ask with " +
               (is->officers == Proof::touch ? "a passkey" : "a certificate"),
           is->officers < was->officers);
    if (is->services != was->services)
      note(changes, {},
           id + ": systems " + (is->services == Proof::signature ? "sign" : "need not sign") +
               " each question",
           is->services < was->services);
  }
}

// How soon a citizen is told of a look: later, or never, is less than was promised.
int promptness(const std::string& notice) {
  return notice == "at_once" ? 2 : notice == "daily" ? 1 : 0;
}
std::string told(const std::string& notice) {
  return notice == "at_once" ? "at once" : notice == "daily" ? "once a day" : "of nothing";
}

// What the ledger promises of an answer: taking a promise back widens as showing more does.
void tell_promises(const Tables& before, const Tables& after, std::vector<Change>& changes) {
  const auto witnessed = [&](const std::string& id, bool was, bool is) {
    if (was && !is) note(changes, {}, id + " is answered without the ledger's witnesses", true);
    if (!was && is) note(changes, {}, id + " is answered once the witnesses have confirmed it", false);
  };
  for (const PurposeRow& purpose : after.purposes) {
    const PurposeRow otherwise;
    const PurposeRow* was = row_of(before.purposes, purpose.id);
    if (was == nullptr) was = &otherwise;
    witnessed(purpose.id, was->witnessed, purpose.witnessed);
    if (purpose.notice != was->notice)
      note(changes, {}, purpose.id + ": a citizen who wishes it is told " + told(purpose.notice),
           promptness(purpose.notice) < promptness(was->notice));
    if (purpose.sealed_days == was->sealed_days) continue;
    note(changes, {},
         purpose.sealed_days == 0
             ? purpose.id + " is no longer kept from the citizen"
             : purpose.id + " is kept from the citizen for " +
                   std::to_string(purpose.sealed_days) + " days (was " +
                   std::to_string(was->sealed_days) + ")",
         purpose.sealed_days > was->sealed_days);
  }
  for (const GrantRow& grant : after.grants)
    if (const GrantRow* was = row_of(before.grants, grant.id))
      witnessed(grant.id, was->witnessed, grant.witnessed);
}

void tell_retention(const Tables& before, const Tables& after, std::vector<Change>& changes) {
  for (const RetentionRow& row : after.retention) {
    const RetentionRow* was = row_of(before.retention, row.id);
    if (was != nullptr && was->years == row.years) continue;
    note(changes, {},
         "entries " + row.id + " may go after " + std::to_string(row.years) + " years (was " +
             (was == nullptr ? "never" : std::to_string(was->years)) + ")",
         was == nullptr || row.years < was->years);
  }
  for (const RetentionRow& row : before.retention)
    if (row_of(after.retention, row.id) == nullptr)
      note(changes, {}, "entries " + row.id + " are kept for ever", false);
}

// limits_of are the windows that hold an answer of a grant back; more room in any is more.
using Limits = std::map<std::pair<Limit::Per, std::uint64_t>, std::uint32_t>;
Limits limits_of(const Tables& tables, const GrantRow& grant) {
  Limits limits;
  if (const QuotaRow* row = row_of(tables.quotas, grant.quota))
    for (const Limit& limit : row->limits) {
      auto [at, fresh] = limits.emplace(std::pair(limit.per, limit.window_ms), limit.n);
      if (!fresh) at->second = std::min(at->second, limit.n);
    }
  return limits;
}

// Fewer marks mean that a leak names nobody: such a change wants as many signatures as a wider one.
void tell_marks(const GrantRow& was, const GrantRow& grant, const FieldTable& fields,
                std::vector<Change>& changes) {
  if (was.marks != grant.marks)
    note(changes, {},
         grant.id + (grant.marks ? " now marks its answers" : " no longer marks its answers"),
         !grant.marks);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (was.optional.test(i) == grant.optional.test(i)) continue;
    const bool now = grant.optional.test(i);
    note(changes, {},
         grant.id + (now ? " can now do without " : " can no longer do without ") +
             fields[FieldId{static_cast<std::uint16_t>(i)}].id,
         !now);
  }
}

void tell_grants(const Tables& before, const Tables& after, const FieldTable& fields,
                 std::vector<Change>& changes) {
  for (const GrantRow& grant : after.grants) {
    const GrantRow* was = row_of(before.grants, grant.id);
    if (was == nullptr) {
      // What it opens is told above; that its budget counts apart is told here.
      note(changes, {}, grant.id + " is a new grant", true);
      continue;
    }
    const Limits old_limits = limits_of(before, *was), new_limits = limits_of(after, grant);
    bool wider = false;
    for (const auto& [window, n] : old_limits) {
      const auto at = new_limits.find(window);
      wider |= at == new_limits.end() || at->second > n;
    }
    if (wider)
      note(changes, {}, grant.id + " has a larger budget, or none", true);
    else if (old_limits != new_limits)
      note(changes, {}, grant.id + " has a smaller budget", false);
    for (const auto& word : grant.follow)
      if (!has(was->follow, word))
        note(changes, {}, grant.id + " newly follows " + word + " in a family tree", true);
    for (const auto& word : was->follow)
      if (!has(grant.follow, word))
        note(changes, {}, grant.id + " no longer follows " + word, false);
    tell_marks(*was, grant, fields, changes);
  }
}

}  // namespace

std::vector<Change> difference(const Tables& before, const Tables& after,
                               const FieldTable& fields) {
  std::set<std::string> purposes;
  for (const Tables* side : {&before, &after})
    for (const PurposeRow& purpose : side->purposes) purposes.insert(purpose.id);
  Found found;
  for (const auto& purpose : purposes) {
    const Compiled joint(joint_of(before, after, purpose), fields);
    compare(joint, purpose, found);
  }
  std::vector<Change> changes;
  tell(found, fields, changes);
  tell_roles(before, after, changes);
  tell_departments(before, after, changes);
  tell_grants(before, after, fields, changes);
  tell_promises(before, after, changes);
  tell_retention(before, after, changes);
  const auto rank = [](const Change& change) {
    constexpr std::string_view kOrder[] = {"opened",  "raised",    "eased", "closed",
                                           "lowered", "tightened", "other"};
    return std::find(std::begin(kOrder), std::end(kOrder), change.kind) - std::begin(kOrder);
  };
  std::sort(changes.begin(), changes.end(), [&](const Change& a, const Change& b) {
    return std::tuple(rank(a), a.role, a.purpose, a.field, a.text) <
           std::tuple(rank(b), b.role, b.purpose, b.field, b.text);
  });
  return changes;
}

bool widens(const std::vector<Change>& changes) {
  return std::any_of(changes.begin(), changes.end(),
                     [](const Change& change) { return change.widens; });
}

}  // namespace amanat::policy
