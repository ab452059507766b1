#include "console/html.h"

#include "model/insist.h"

namespace amanat::console {
namespace {

void append_encoded(std::string& out, std::string_view value) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : value) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '~' || c == '.';
    if (plain) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 15]);
  }
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default: {
        const auto byte = static_cast<unsigned char>(c);
        const bool control = (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
        if (control)
          out += "\xef\xbf\xbd";
        else
          out.push_back(c);
      }
    }
  }
  return out;
}

Address::Address(Literal path) : text_(path.view()) {
  insist(text_.starts_with('/') && !text_.starts_with("//"));
}

Address& Address::part(std::string_view value) {
  insist(!asked_);
  if (!text_.ends_with('/')) text_.push_back('/');
  // A browser resolves dots before it asks: nothing of ours is named so.
  insist(!value.empty() && value != "." && value != "..");
  append_encoded(text_, value);
  return *this;
}

Address& Address::parameter(Name name, std::string_view value) {
  text_.push_back(asked_ ? '&' : '?');
  asked_ = true;
  text_ += name.view();
  text_.push_back('=');
  append_encoded(text_, value);
  return *this;
}

Attribute::Attribute(Name name, std::string_view value) {
  text_.push_back(' ');
  text_ += name.view();
  text_ += "=\"";
  text_ += escaped(value);
  text_.push_back('"');
}

Attribute::Attribute(Name name) {
  text_.push_back(' ');
  text_ += name.view();
}

Attribute Attribute::href(const Address& address) {
  Attribute made;
  made.text_ = " href=\"" + escaped(address.text()) + "\"";
  return made;
}

Attribute Attribute::action(const Address& address) {
  Attribute made;
  made.text_ = " action=\"" + escaped(address.text()) + "\"";
  return made;
}

Html& Html::text(std::string_view text) {
  out_ += escaped(text);
  return *this;
}

Html& Html::value(std::string_view text) {
  if (text.size() <= kWholeMost && text.find(' ') == text.npos)
    return element("bdi", {{"dir", "ltr"}, {"class", "id"}}, text);
  return element("bdi", {{"dir", "ltr"}}, text);
}

Html& Html::markup(const Markup& markup) {
  out_ += markup.view();
  return *this;
}

Html& Html::open(Name name, Attributes attributes) {
  lone(name, attributes);
  open_.push_back(name.view());
  return *this;
}

Html& Html::close() {
  insist(!open_.empty());
  out_ += "</";
  out_ += open_.back();
  out_.push_back('>');
  open_.pop_back();
  return *this;
}

Html& Html::lone(Name name, Attributes attributes) {
  out_.push_back('<');
  out_ += name.view();
  for (const Attribute& attribute : attributes) out_ += attribute.text_;
  out_.push_back('>');
  return *this;
}

Markup Html::take() {
  insist(open_.empty());
  return Markup(std::move(out_));
}

}  // namespace amanat::console
