#pragma once
// A purpose for tests whose question waits for a superior of another unit.

namespace amanat::test {

inline constexpr const char* kAnApprovalNeeded = R"(
[[purpose]]
id = "asset-tracing"
says = "the tracing of assets"
says_ur = "اثاثوں کا سراغ"
law = "an invented law, section 1"
[[quota]]
id = "some"
distinct_subjects = [{ per = "officer", n = 1000 }]
[[grant]]
id = "A01"
says = "A name, if a superior of another unit approves"
roles = ["investigator"]
purposes = ["asset-tracing"]
fields = ["identity.persons.name"]
needs = { approvals = 1, approver = "superior_other_unit" }
quota = "some"
)";

}  // namespace amanat::test
