#pragma once
// policy, walk: going through all values of all inputs of a policy that can occur together. Exact:
// two values after which the same rules are left cannot differ any more, so one is enough. This
// room only; one thread.

#include <functional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "model/field.h"
#include "policy/compiled.h"

namespace amanat::policy {

/// Place is where the going-through stands: who asks, for what. The rest is in the set of rules
/// that match.
struct Place {
  std::vector<Column> roles;  // the plain role and its department's form, those that exist
  Column purpose = 0;
};

class Walk {
 public:
  using Visit = std::function<void(const Place&, const Rules&)>;
  /// Walk visits once each different set of matching rules a (roles, purpose) can meet that
  /// releases or would release something of `fields`.
  Walk(const Compiled& compiled, const FieldSet& fields, Visit visit);
  void run();

 private:
  std::set<std::string> plain_roles() const;
  std::string department_name(Column department) const;
  void run_role(Column department, const std::string& plain);
  bool narrow(Rules& rules, std::span<const std::uint64_t> column) const;
  void descend(const Place& place, std::size_t depth, bool case_known, const Rules& rules);

  const Compiled& c_;
  Visit visit_;
  Rules relevant_;
  std::vector<std::unordered_set<std::string>> seen_;
};

/// bits_of lists the rules of a set, ascending.
std::vector<std::size_t> bits_of(const Compiled& c, const Rules& rules);

}  // namespace amanat::policy
