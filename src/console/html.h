#pragma once
// console, HTML: text that a browser will read, made so that nothing a person wrote can become
// markup. Markup is a type of its own: it comes from literals of this program, from text that was
// escaped, and from other Markup, and from nowhere else. Names of elements and attributes are
// literals, checked when compiled; the value of an attribute that a browser follows is an Address,
// never a string. Not thread-safe as such: a page is made by one thread.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace amanat::console {

/// kWholeMost is how long a word may be that is kept on one line: it fits beside a margin on the
/// narrowest screen.
inline constexpr std::size_t kWholeMost = 20;

/// Literal is a string of this program's text, known when it was compiled.
class Literal {
 public:
  consteval Literal(const char* text) : text_(text) {}  // NOLINT: a literal is meant to convert
  constexpr std::string_view view() const { return text_; }

 private:
  std::string_view text_;
};

/// Name is the name of an element or attribute: a-z, 0-9 and "-", or viewBox. Attributes that a
/// browser follows (href, action, src) or runs (on...) are no Name: see Address.
class Name {
 public:
  consteval Name(const char* text) : text_(text) {  // NOLINT: a literal is meant to convert
    for (const char c : text_)
      if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-') && text_ != "viewBox")
        throw "no name";
    if (text_.empty() || text_ == "script" || text_ == "style" || text_ == "href" ||
        text_ == "src" || text_ == "action" || text_ == "srcdoc" || text_ == "formaction" ||
        text_.starts_with("on"))
      throw "a name that only the frame of a page may use";
  }
  constexpr std::string_view view() const { return text_; }

 private:
  std::string_view text_;
};

/// Address is a path of this exchange: a literal beginning with "/", and parts and parameters that
/// are percent-encoded (RFC 3986 2.3) as they are added. It cannot leave the origin.
class Address {
 public:
  explicit Address(Literal path);
  /// part adds "/" and one part of the path: not empty, "." or "..".
  Address& part(std::string_view value);
  Address& parameter(Name name, std::string_view value);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  bool asked_ = false;
};

/// Markup is text a browser may read as it is.
class Markup {
 public:
  Markup() = default;
  std::string_view view() const { return text_; }
  bool empty() const { return text_.empty(); }
  Markup& operator+=(const Markup& other) {
    text_ += other.text_;
    return *this;
  }
  std::string take() && { return std::move(text_); }

 private:
  friend class Html;
  explicit Markup(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// Attribute is one attribute with an escaped value, or without a value.
struct Attribute {
  Attribute(Name name, std::string_view value);
  /// A bare attribute: required, checked, hidden.
  explicit Attribute(Name name);
  /// href, action: only an Address.
  static Attribute href(const Address& address);
  static Attribute action(const Address& address);

 private:
  friend class Html;
  Attribute() = default;
  std::string text_;
};
using Attributes = std::initializer_list<Attribute>;

/// Html writes markup from the outside in; it insists that elements are closed in order.
class Html {
 public:
  /// text writes escaped text.
  Html& text(std::string_view text);
  Html& markup(const Markup& markup);
  Html& open(Name name, Attributes attributes = {});
  Html& close();
  /// lone writes an element that has no content: input, br, meta.
  Html& lone(Name name, Attributes attributes = {});
  /// element writes an element with text in it.
  Html& element(Name name, std::string_view text) { return element(name, {}, text); }
  Html& element(Name name, Attributes attributes, std::string_view text) {
    return open(name, attributes).text(text).close();
  }
  /// value writes what stands left to right in either language: numbers, ids, times.
  /// One short word of it, such as 35202-1234567-1, never breaks at a dash.
  Html& value(std::string_view text);
  Markup take();

 private:
  friend class Frame;
  void raw(std::string_view text) { out_ += text; }
  std::string out_;
  std::vector<std::string_view> open_;
};

/// escaped writes &, <, >, " and ' as references, and control characters other than line breaks and
/// tabs as U+FFFD.
std::string escaped(std::string_view text);

}  // namespace amanat::console
