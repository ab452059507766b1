#include "ledger/settlement.h"

#include <cstring>

#include "crypto/crypto.h"
#include "ledger/audit.h"
#include "ledger/proof.h"

namespace amanat::ledger {
namespace {

// Written a second time on purpose (ledger page 2.1): the gate does not trust the code that writes.
constexpr std::uint8_t kDisclosure = 1, kDenied = 2;
constexpr std::size_t kSubjectAt = 10;
constexpr char kDomain[] = "amanat/subject/v1";  // with its final zero

}  // namespace

Result<Settlement> settlement_of(std::string_view receipt, const VerifierKey& log,
                                 const Label& subject, const Digest& r_subject) {
  auto proven = verify_tlog_proof(receipt, log);
  if (!proven) return std::unexpected(std::move(proven.error()));
  const auto head = read_entry_head(proven->entry);
  if (!head || (head->type != kDisclosure && head->type != kDenied))
    return fail(Reason::ledger_proof_wrong, "not an entry of a disclosure");
  const Digest expected = crypto::Hmac(r_subject).mac(
      {crypto::Bytes(reinterpret_cast<const std::uint8_t*>(kDomain), sizeof kDomain), subject});
  if (std::memcmp(proven->entry.data() + kSubjectAt, expected.data(), expected.size()) != 0)
    return fail(Reason::ledger_proof_wrong, "the entry of another citizen");
  return Settlement{EntryIndex{proven->index}, head->time};
}

}  // namespace amanat::ledger
