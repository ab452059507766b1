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

}  // namespace amanat::server
