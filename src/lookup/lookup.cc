#include "lookup/lookup.h"

namespace amanat::lookup {
namespace {

const Failure kAskedElsewhere{Reason::malformed_value, "a list is asked about at /v1/extracts"};

}  // namespace

// The whole story. Whatever fails before the receipt: nothing leaves. Whatever is refused to a
// known caller is durable in the ledger before the refusal is sent.
Task<Result<Answer>> Lookup::answer(const Request& request) {
  auto caller = identity_.identify(request);
  if (!caller) co_return co_await turned_away(request, caller.error());
  const std::shared_ptr<const Asked> asked = caller->asked();
  if (asked->question.list) co_return co_await refused(*asked, kAskedElsewhere);

  auto grant = policy_.grant(*std::move(caller));
  if (!grant) co_return co_await refused(*asked, grant.error());

  auto clearance = detection_.clear(*std::move(grant));
  if (!clearance) co_return co_await refused(*asked, clearance.error());

  auto fetching = registry_.fetch(*std::move(clearance));
  auto findings = co_await std::move(fetching);
  if (!findings) co_return co_await refused(*asked, findings.error());
  // The outcome may turn the verdict: the request that trips a rule is the one refused.
  auto settled = detection_.settle(*findings);
  if (!settled) co_return co_await refused(*asked, settled.error());

  if (auto parent = names_its_parent(*asked, *findings); !parent)
    co_return co_await refused(*asked, parent.error());
  wait_on_account(*findings);
  auto key = co_await disclosure_.ready(*findings);  // no key, no answer
  if (!key) co_return co_await refused(*asked, key.error());
  auto draft = disclosure_.prepare(*std::move(findings));
  if (!draft) co_return co_await refused(*asked, draft.error());
  // Revoked or suspended while the answer was being made?
  auto stands = identity_.still_stands(*draft);
  if (!stands) co_return co_await refused(*asked, stands.error());

  auto ready = may_leave(*draft);
  if (!ready) co_return co_await refused(*asked, ready.error());
  auto receipt = co_await ledger_.append(*draft);  // returns after the frame is durable
  if (!receipt && receipt.error().reason == Reason::witnesses_silent)
    co_return co_await refused(*asked, receipt.error());
  if (!receipt) co_return std::unexpected(receipt.error());  // nothing recorded, nothing released
  auto paid = pay(*draft, *receipt);  // for every key that was unwrapped, an entry
  if (!paid) co_return std::unexpected(paid.error());
  detection_.commit(*draft, *receipt);
  policy_.commit(*draft);

  co_return disclosure_.release(*std::move(draft), *std::move(receipt));
}

}  // namespace amanat::lookup
