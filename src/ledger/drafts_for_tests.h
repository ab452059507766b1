#pragma once
// Drafts for the tests of this room. Only identity, policy, detection, registry and disclosure can
// mint the passes a Draft stands on; this room may not know them, and this test binary links none
// of them, so it names stand-ins of its own. Nothing outside the tests of ledger may include this.

#include <optional>
#include <utility>
#include <vector>

#include "model/passes.h"

namespace amanat {
namespace identity {
class Identity {
 public:
  static Caller caller() { return Caller(Caller::Content{}); }
  static Draft::Stands stands() { return {}; }
};
}  // namespace identity
namespace policy {
class Policy {
 public:
  static Grant grant() { return Grant(identity::Identity::caller(), Grant::Content{}); }
};
}  // namespace policy
namespace detection {
class Detection {
 public:
  static Clearance clearance() { return Clearance(policy::Policy::grant(), nullptr); }
};
}  // namespace detection
namespace registry {
class Registry {
 public:
  static Findings findings() {
    return Findings(detection::Detection::clearance(), Findings::Content{});
  }
};
}  // namespace registry
namespace disclosure {
class Disclosure {
 public:
  static Draft draft(std::vector<EntryContent> entries, std::optional<EntryContent> closing,
                     const Digest& released) {
    Draft::Content content;
    for (auto& entry : entries) {
      Draft::Share share{};
      share.entry = std::move(entry);
      content.shares.push_back(std::move(share));
    }
    content.export_entry = std::move(closing);
    content.released = released;
    return Draft(registry::Registry::findings(), std::move(content));
  }
};
}  // namespace disclosure
}  // namespace amanat
