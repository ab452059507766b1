#pragma once
// probe, variants: other ways to write a request that a careful app refuses like the plain one.
// Pure functions; nothing here sends.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace amanat::probe {

/// PathVariant is one spelling. `target` is a path with its query, fit for a request line.
struct PathVariant {
  std::string_view what;  // "trailing slash"
  std::string target;
};
/// path_variants spells `path` (already encoded, beginning with /, after `base`) in other ways;
/// `query` is kept. `open_path` is a path the description calls public, or empty. None equals the
/// plain spelling, none twice, none leaves `base`.
std::vector<PathVariant> path_variants(std::string_view base, std::string_view path,
                                       std::string_view query, std::string_view open_path);

/// HeaderVariant is headers that make some apps look away.
struct HeaderVariant {
  std::string_view what;
  std::vector<std::pair<std::string, std::string>> headers;
};
/// trusted_headers claim that the request comes from inside or goes elsewhere; `host` without port.
std::vector<HeaderVariant> trusted_headers(std::string_view target);
/// override_headers claim another verb.
std::vector<HeaderVariant> override_headers(std::string_view verb);

/// broken_tokens makes of a header's value those that only an app which does not verify accepts: of
/// a JSON Web Token the signature cut off, algorithm none, and one character of the signature
/// changed. Empty for any other value.
std::vector<std::pair<std::string_view, std::string>> broken_tokens(std::string_view value);

/// made_up writes a value of the same form (scheme and length) that nobody issued.
std::string made_up(std::string_view value);

/// encoded writes text for a path part or a query (RFC 3986: unreserved characters stay).
std::string encoded(std::string_view text);

}  // namespace amanat::probe
