#pragma once
// net, markup: a forgiving, streaming tokenizer of HTML and XML for files of unknown make: tags
// with their attributes, text with entities decoded. No tree is built, no entity is declared,
// nothing outside the document is ever fetched. One thread each.

#include <cstdint>
#include <string>
#include <string_view>

namespace amanat::net {

/// MarkupSink hears what a document says, in order. Views live during the call.
class MarkupSink {
 public:
  virtual ~MarkupSink() = default;
  /// opened is told of a start tag: its name in lower case without prefix ("w:p" is "p"), and the
  /// raw text of its attributes, for attribute(). `empty`: it closes itself. `at`: where it begins.
  struct Tag {
    std::string_view name, attributes;
    bool empty = false;
    std::uint64_t at = 0;
  };
  virtual void opened(const Tag& tag) = 0;
  virtual void closed(std::string_view name, std::uint64_t at_end) = 0;
  /// text may come in several pieces; entities are decoded.
  virtual void text(std::string_view piece) = 0;
};

/// attribute finds one by its lower-case name without prefix, entities decoded; empty if absent.
std::string attribute(std::string_view attributes, std::string_view name);

/// append_decoded appends `text` with its character references decoded.
void append_decoded(std::string_view text, std::string& out);

enum class Dialect : std::uint8_t {
  xml,
  html  // script and style hold no text
};

class MarkupReader {
 public:
  MarkupReader(Dialect dialect, MarkupSink& sink) : dialect_(dialect), sink_(sink) {}
  /// feed takes the next piece of UTF-8 text, cut anywhere. A tag longer than 64 KiB is text.
  void feed(std::string_view piece);
  /// finish says that nothing follows.
  void finish();

 private:
  std::size_t take(std::string_view rest, bool at_end);
  std::size_t take_tag(std::string_view rest, bool at_end);
  void say_tag(std::string_view inside, std::uint64_t length);
  void say_text(std::string_view raw);

  Dialect dialect_;
  MarkupSink& sink_;
  std::string held_;                       // a token that is not yet whole
  std::string decoded_, name_, skipping_;  // skipping_: the element whose content is no text
  std::uint64_t at_ = 0;
};

}  // namespace amanat::net
