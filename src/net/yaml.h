#pragma once
// net, YAML: a strict reader of the part of YAML 1.2 that says what JSON says. Pure functions.

#include <string_view>

#include "model/result.h"
#include "net/json.h"

namespace amanat::net {

/// parse_yaml reads one document into what the same JSON would be. Plain words are read by the core
/// schema (null, true, false, integers; other numbers as they are written); everything quoted is
/// text. Refused, because two readers read it in two ways or a small file becomes a large one:
/// aliases and anchors, tags, merge keys, keys that are no scalars, repeated keys, a second
/// document. Errors: malformed_yaml (what and at which line, never the content), body_too_large.
Result<Json> parse_yaml(std::string_view text, const JsonLimits& limits = {});

}  // namespace amanat::net
