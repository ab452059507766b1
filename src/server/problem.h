#pragma once
// server, problems: a Failure as the caller sees it, application/problem+json (RFC 9457) with the
// reason's id, in English or Urdu. Pure functions.

#include <string_view>

#include "model/request.h"
#include "model/result.h"

namespace amanat::server {

/// problem renders a failure for one request; `accept_language` chooses the language. The detail is
/// shown only where the reason's row allows it.
Response problem(const Failure& failure, std::string_view accept_language);
/// refusal is the problem of one request, with the challenge of its status: exactly one, DPoP's or,
/// to a caller with a token bound to its certificate, Bearer's (RFC 9449 7.1, 6750 3, 9470 3).
Response refusal(const Failure& failure, const Request& request);

}  // namespace amanat::server
