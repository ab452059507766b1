#pragma once
// console, pages of a supervisor and whoever decides: what waits for a decision, one request with
// everything that was asked, alerts and holds, and the signing of any act. Pure functions.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "console/dates.h"
#include "console/frame.h"
#include "console/parts.h"
#include "console/plot.h"

namespace amanat::console {

/// ActToSign is an act before its signature: what it says, and where it goes when signed.
struct ActToSign {
  std::vector<std::string> sentences;
  ToSign sign;
  Word button = Word::sign_act;
  // Carried along for the page after it; never trusted.
  std::vector<std::pair<std::string, std::string>> carried;
};
std::string act_page(const Reader& reader, const ActToSign& act, const Address& back);
/// done_page says that an act is recorded.
std::string done_page(const Reader& reader, Word what, std::optional<std::uint64_t> entry,
                      const Address& back, Word back_word);

/// ShownDecision is what somebody decided of a request.
struct ShownDecision {
  std::string approver, reason;
  bool approved = false;
};
/// ShownRequest is a question that waits for a decision.
struct ShownRequest {
  std::string id, asker, department, unit;
  Moment asked{}, expires{};
  unsigned wanted = 1, given = 0;
  std::vector<std::pair<std::string, std::string>> asks;  // name, value; a citizen's number masked
  bool whole = false;                                     // nothing is masked
  std::vector<ShownDecision> decided;
};
std::string requests_page(const Reader& reader, const std::vector<ShownRequest>& to_decide,
                          const std::vector<ShownRequest>& own, Moment at, Zone zone);

/// ShownMonth is an officer's last thirty days against the peers of the unit.
struct ShownMonth {
  std::vector<Bar> days;
  double citizens = 0, peer_citizens = 0, unexplained = 0, peer_unexplained = 0;
  unsigned peers = 0;
};
std::string request_page(const Reader& reader, const ShownRequest& request,
                         const std::optional<ShownMonth>& month, Zone zone, const ReasonRow* why);

/// ShownAlert is one rule broken.
struct ShownAlert {
  std::uint64_t entry = 0;
  std::string says, tier, account, unit, case_ref, note;
  Moment at{};
  std::string score, threshold;
};
/// ShownHold is what an account may not do.
struct ShownHold {
  std::uint64_t hold = 0;
  std::string says, tier, account, by;
  Moment since{};
  ShownMonth month;
  bool may_release = false;
};
std::string alerts_page(const Reader& reader, const std::vector<ShownHold>& holds,
                        const std::vector<ShownAlert>& alerts, Zone zone, bool may_hold,
                        const ReasonRow* why);

/// ShownReview is a question asked past the rules.
struct ShownReview {
  std::string id, asker, purpose, case_ref, reason, reviewed_by;
  Moment at{};
  bool justified = false, mine = false;
};
std::string reviews_page(const Reader& reader, const std::vector<ShownReview>& reviews, Zone zone);

/// ShownProposal is a policy that is not in force.
struct ShownProposal {
  std::string id, documents;
  Moment proposed{};
  bool widens = false, ready = false;
  std::vector<std::pair<std::string, bool>> changes;  // in words; whether it widens
  std::vector<std::string> signers;
  std::size_t wanted = 1;
};
std::string proposals_page(const Reader& reader, const std::vector<ShownProposal>& proposals,
                           std::string_view in_force, Zone zone);

/// OpenComplaint is a citizen's complaint that waits for an answer; the citizen is not named.
struct OpenComplaint {
  std::string id, text;
  std::uint64_t entry = 0;
  Moment made{}, due{};
  bool late = false;
};
std::string open_complaints_page(const Reader& reader, const std::vector<OpenComplaint>& complaints,
                                 Zone zone, const ReasonRow* why);

}  // namespace amanat::console
