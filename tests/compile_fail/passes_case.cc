// Each CASE must be refused by the compiler for the reason compile_fail.cmake names; without a
// CASE the file must compile. A pass cannot be forged, copied, skipped or replaced.

#include <utility>

#include "detection/detection.h"
#include "disclosure/disclosure.h"
#include "identity/identity.h"
#include "ledger/ledger.h"
#include "policy/policy.h"
#include "registry/registry.h"
#include "server/routes.h"

using namespace amanat;

// The honest path compiles.
Result<void> honest(policy::Policy& policy, detection::Detection& detection,
                    registry::Registry& registry, disclosure::Disclosure& disclosure,
                    Caller caller) {
  auto grant = policy.grant(std::move(caller));
  if (!grant) return std::unexpected(grant.error());
  auto clearance = detection.clear(*std::move(grant));
  if (!clearance) return std::unexpected(clearance.error());
  auto findings = wait(registry.fetch(*std::move(clearance)));
  if (!findings) return std::unexpected(findings.error());
  auto draft = disclosure.prepare(*std::move(findings));
  if (!draft) return std::unexpected(draft.error());
  return {};
}

void honest_route(server::Routes& routes) {
  routes.data({}, [](const Caller&, const Request&, std::string_view) -> Result<Response> {
    return Response{};
  });
}

#if CASE == 1  // a Caller cannot be made outside identity
Caller forged() { return Caller(Caller::Content{}); }
#elif CASE == 2   // a Grant cannot be made outside policy
Grant forged(Caller caller) { return Grant(std::move(caller), Grant::Content{}); }
#elif CASE == 3   // a Clearance cannot be made outside detection
Clearance forged(Grant grant) { return Clearance(std::move(grant), nullptr); }
#elif CASE == 4   // Findings cannot be made outside registry
Findings forged(Clearance clearance) { return Findings(std::move(clearance), Findings::Content{}); }
#elif CASE == 5   // a Draft cannot be made outside disclosure
Draft forged(Findings findings) { return Draft(std::move(findings), Draft::Content{}); }
#elif CASE == 6   // a Receipt cannot be made outside the ledger
Receipt forged() { return Receipt({}); }
#elif CASE == 7   // an Answer cannot be made outside disclosure
Answer forged() { return Answer(WipingBuffer{}); }
#elif CASE == 8   // a pass cannot be copied
Caller copied(const Caller& caller) { return caller; }
#elif CASE == 9   // the grant cannot be skipped
Result<Clearance> skipped(detection::Detection& detection, Caller caller) {
  return detection.clear(std::move(caller));
}
#elif CASE == 10  // the clearance cannot be skipped
Task<Result<Findings>> skipped(registry::Registry& registry, Grant grant) {
  return registry.fetch(std::move(grant));
}
#elif CASE == 11  // findings cannot be released without the ledger
Result<Answer> skipped(disclosure::Disclosure& disclosure, Draft draft) {
  return disclosure.release(std::move(draft));
}
#elif CASE == 12  // the stamp of detection's second look cannot be forged
void forged(Findings& findings) { findings.settle(Findings::Settled(std::vector<std::string>{})); }
#elif CASE == 13  // the stamp of good standing cannot be forged
void forged(Draft& draft) { draft.stands(Draft::Stands{}); }
#elif CASE == 14  // a data route without a Caller does not build
void careless(server::Routes& routes) {
  routes.data({}, [](const Request&, std::string_view) -> Result<Response> { return Response{}; });
}
#elif CASE == 15  // a route open to strangers must be one of the list
void careless(server::Routes& routes) {
  routes.open({}, [](const Request&, std::string_view) -> Result<Response> { return Response{}; });
}
#elif CASE == 16  // a result cannot be taken for its value
Grant careless(policy::Policy& policy, Caller caller) { return policy.grant(std::move(caller)); }
#elif CASE == 17  // the right to read a bulk answer's rows cannot be made outside disclosure
Extract forged(SealedRows rows) { return Extract(std::move(rows)); }
#elif CASE == 18  // a bulk answer's rows cannot be released without the ledger
Result<Extract> skipped(disclosure::Disclosure& disclosure, SealedRows rows) {
  return disclosure.release(std::move(rows));
}
#endif
