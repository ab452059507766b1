// What a witness is sent, and the policy files that name witnesses.

#include <cstdint>
#include <string_view>

#include "ledger/tlog_policy.h"
#include "ledger/witness.h"
#include "model/insist.h"

using namespace amanat;
using namespace amanat::ledger;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto add = parse_add_checkpoint(text)) insist(write_add_checkpoint(*add) == text);
  if (const auto policy = parse_tlog_policy(text)) {
    std::vector<NoteSigned> all;
    for (const auto& w : policy->witnesses)
      all.push_back({w.key.name, w.key.id, w.key.type, 1});
    insist(policy->reached(all));  // a quorum that even all of them do not make cannot be written
    static_cast<void>(open_witnessed(text, *policy));
  }
  return 0;
}
