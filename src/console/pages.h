#pragma once
// console, pages: each takes plain values and draws one page. What a page knows it was given; it
// asks nobody. Pure functions.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "console/frame.h"
#include "console/parts.h"
#include "model/result.h"

namespace amanat::console {

/// sign_in_page asks for a passkey; `why` says why the last try failed.
std::string sign_in_page(const Reader& reader, const ToSign& sign, const ReasonRow* why);
/// code_page asks for an enrolment code.
std::string code_page(const Reader& reader, const ReasonRow* why);
/// register_page registers a passkey for an account; `ticket` is the code.
std::string register_page(const Reader& reader, std::string_view account, std::string_view ticket,
                          const ToSign& sign);
/// registered_page tells what was registered; `more` more are to be.
std::string registered_page(const Reader& reader, std::string_view authenticator, unsigned more,
                            std::string_view ticket);

/// StartFor says what the signed-in person may do.
struct StartFor {
  bool asks = false, waits = false, decides = false, holds = false, reviews = false, audits = false,
       signs_policy = false, citizen = false, operates = false;
};
std::string start_page(const Reader& reader, const StartFor& may);

/// Offered is what a purpose lets this officer ask for.
struct OfferedField {
  std::string id, label, rule;  // label: in the reader's language
  bool masked = false;
  std::string group = {};  // its dataset's; fields of one group stand together
};
struct OfferedPurpose {
  std::string id, says;  // in the reader's language
  std::vector<OfferedField> fields;
};
/// Draft question, as typed.
struct AskForm {
  std::string citizen, purpose, case_ref, more_of;
  std::vector<std::string> fields;
  std::vector<std::pair<Word, std::string>> mistakes;  // the word, and what fills it in
  const ReasonRow* refused = nullptr;
};
/// ask_page: whom, for what purpose, in which case; the fields of the chosen purpose with the rule
/// that grants each.
std::string ask_page(const Reader& reader, const std::vector<OfferedPurpose>& purposes,
                     const AskForm& form);
/// check_page shows the sentences that are signed, made from the question's own bytes.
std::string check_page(const Reader& reader, const std::vector<std::string>& sentences,
                       const AskForm& form, const ToSign& sign);

/// AnswerField is one value of an answer, as released.
struct AnswerRecord {
  std::string dataset, source, date;                        // dataset: as people call it
  std::vector<std::pair<std::string, std::string>> fields;  // label, value as people read it
};
struct AnswerWithheld {
  std::string field;  // its label
  const ReasonRow* why = nullptr;
};
struct AnsweredCitizen {
  std::string citizen, receipt;
  std::uint64_t entry = 0;
  std::vector<AnswerRecord> records;
  std::vector<AnswerWithheld> withheld;
};
/// answer_page shows an answer and takes it off the screen after a while.
std::string answer_page(const Reader& reader, const std::vector<AnsweredCitizen>& citizens);

/// refused_page says what, why and what next, without colour and without apology. The detail is
/// shown where the reason's row allows it.
std::string refused_page(const Reader& reader, const Failure& failure);

struct ShownDevice {
  std::string thumbprint;
  Word kind = Word::kind_passkey;
  std::string enrolled;  // a date
  bool ended = false, this_one = false;
};
std::string devices_page(const Reader& reader, const std::vector<ShownDevice>& devices);

struct LedgerState {
  std::string origin, root, vkey;
  std::uint64_t size = 0;
};
std::string ledger_page(const Reader& reader, const LedgerState& state);

}  // namespace amanat::console
