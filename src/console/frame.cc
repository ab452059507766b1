#include "console/frame.h"

#include "crypto/crypto.h"

extern "C" const char amanat_console_css[], amanat_console_css_end[];
extern "C" const char amanat_console_js[], amanat_console_js_end[];
extern "C" const char amanat_console_font[], amanat_console_font_end[];

namespace amanat::console {
namespace {

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

std::optional<Asset> asset(std::string_view name) {
  if (name == "console.css")
    return Asset{between(amanat_console_css, amanat_console_css_end), "text/css; charset=utf-8"};
  if (name == "console.js")
    return Asset{between(amanat_console_js, amanat_console_js_end),
                 "text/javascript; charset=utf-8"};
  if (name == "nastaliq.woff2")
    return Asset{between(amanat_console_font, amanat_console_font_end), "font/woff2"};
  return std::nullopt;
}

const std::string& asset_tag() {
  static const std::string tag = [] {
    crypto::Sha256 hash;
    for (const char* name : {"console.css", "console.js", "nastaliq.woff2"})
      hash.update(asset(name)->content);
    const Digest digest = hash.finish();
    return crypto::hex(digest).substr(0, 16);
  }();
  return tag;
}

/// Frame alone writes the few elements that name files and scripts.
class Frame {
 public:
  static std::string write(const Reader& reader, Word title, const Markup& content) {
    const Language language = reader.language;
    const bool urdu = language == Language::urdu;
    Html html;
    html.raw(urdu ? "<!doctype html>\n<html lang=\"ur\" dir=\"rtl\"><head>"
                  : "<!doctype html>\n<html lang=\"en\" dir=\"ltr\"><head>");
    html.raw(
        "<meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, "
        "initial-scale=1\"><meta name=\"robots\" content=\"noindex\"><title>");
    html.text(say(title, language)).text(" · ").text(say(Word::product, language));
    html.raw("</title><link rel=\"stylesheet\" href=\"/assets/" + asset_tag() + "/console.css\">");
    html.raw("<script src=\"/assets/" + asset_tag() + "/console.js\" defer></script></head>");
    html.open("body");
    html.raw("<a class=\"skip\" href=\"#main\">");
    html.text(say(Word::skip_to_content, language));
    html.raw("</a>");
    html.open("header").open("p", {{"class", "name"}});
    html.element("a", {Attribute::href(Address("/"))}, say(Word::product, language)).close();
    html.open("nav", {{"aria-label", say(Word::product, language)}});
    if (!reader.account.empty()) {
      html.open("span").text(say(Word::signed_in_as, language)).text(" ");
      // A citizen's account has a name that says nothing to anybody.
      if (reader.account.starts_with("citizen-"))
        html.element("bdi", say(Word::a_citizen, language));
      else
        html.value(reader.account);
      html.close();
      html.open("form", {{"method", "post"}, Attribute::action(Address("/sign-out"))});
      html.element("button", {{"class", "quiet"}}, say(Word::sign_out, language)).close();
    }
    other_language(reader, html);
    html.close().close();
    html.open("main", {{"id", "main"}, {"tabindex", "-1"}});
    html.element("h1", say(title, language));
    html.markup(content);
    html.close();
    html.open("footer").element("p", say(Word::tagline, language)).close();
    html.close();
    html.raw("</html>\n");
    return std::move(html.take()).take();
  }

 private:
  // A link where the page can be asked for again; a page that answers a form cannot.
  static void other_language(const Reader& reader, Html& html) {
    if (reader.path.empty()) return;
    const bool urdu = reader.language == Language::urdu;
    Address address("/language");
    address.parameter("to", urdu ? "en" : "ur").parameter("back", reader.path);
    html.element(
        "a",
        {{"lang", urdu ? "en" : "ur"}, {"dir", urdu ? "ltr" : "rtl"}, Attribute::href(address)},
        say(Word::language_other, reader.language));
  }
};

std::string framed(const Reader& reader, Word title, const Markup& content) {
  return Frame::write(reader, title, content);
}

}  // namespace amanat::console
