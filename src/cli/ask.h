#pragma once
// cli, asking: questions to an exchange over HTTPS, and its answers made readable. Used by `amanat
// lookup` and by the demo. Pure functions but for ask(), which blocks.

#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "net/http.h"
#include "net/json.h"

namespace amanat::cli {

/// question_of makes the JSON body of POST /v1/lookups from the options of `amanat lookup`.
/// Errors: usage_wrong, file_failed.
Result<std::string> question_of(const Call& call);

/// refusal_of turns a problem document into a failure; a reason this program does not know becomes
/// internal_error with the title as detail.
Failure refusal_of(const net::Json& problem);

/// parse_answer reads an answer (or problem) of any size an exchange may send. Errors: malformed_json.
Result<net::Json> parse_answer(std::string_view body);

/// member_text is a member's text, empty where there is none.
std::string member_text(const net::Json& object, std::string_view name);

/// client_of connects as --url, --ca, --cert and --key say. Errors: as net::Client::connect.
Result<net::Client> client_of(const Call& call);

/// answer_for_people renders an answer: citizen, records by registry with source and date, what was
/// withheld and why, the entry.
std::string answer_for_people(const net::Json& answer, const Manner& manner);

/// receipts_of lists the receipts of an answer, in order.
std::vector<std::string> receipts_of(const net::Json& answer);

}  // namespace amanat::cli
