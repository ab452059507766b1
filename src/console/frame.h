#pragma once
// console, frame: what stands around every page: language and direction, the way past the
// navigation, who is signed in, the other language. Pure functions.

#include <optional>
#include <string>
#include <string_view>

#include "console/html.h"
#include "console/words.h"

namespace amanat::console {

/// Reader is for whom a page is drawn.
struct Reader {
  Language language = Language::english;
  std::string account;  // empty: nobody is signed in
  std::string path;     // of this page, for the link to the other language
};

/// framed is the whole document of a page: `title` is both its title and its heading. Nothing of a
/// citizen may stand in a title: a browser keeps it.
std::string framed(const Reader& reader, Word title, const Markup& content);

/// Asset is a file the pages need, embedded in the program.
struct Asset {
  std::string_view content, type;
};
/// asset finds one by its name ("console.css", "console.js", "nastaliq.woff2").
std::optional<Asset> asset(std::string_view name);
/// asset_tag is a digest of all assets, part of their addresses: a changed file has a new address,
/// so a browser may keep what it has for ever.
const std::string& asset_tag();

/// kPolicy is the Content-Security-Policy of every page: nothing inline, nothing from elsewhere, in
/// nobody's frame.
inline constexpr std::string_view kContentPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

}  // namespace amanat::console
