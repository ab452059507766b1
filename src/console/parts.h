#pragma once
// console, parts: what several pages have in common: a reason in a box, the end of a form that is
// signed, lines of a summary, tables that become cards on a narrow screen. This room only.

#include <initializer_list>
#include <string_view>
#include <vector>

#include "console/frame.h"
#include "console/html.h"
#include "console/words.h"
#include "model/result.h"

namespace amanat::console {

std::string_view text_of(const ReasonRow& row, Language language);
std::string_view next_of(const ReasonRow& row, Language language);

/// ToSign is a form whose button ends in a passkey's signature.
struct ToSign {
  std::string nonce;    // base64url, sent back with the signature
  std::string options;  // WebAuthn's options, JSON
};

/// why_box says what, next and the reason's id; nothing for null.
void why_box(Html& html, const ReasonRow* why, Language language);
/// signing is the form's last part: the place of the signature, what it tells while it waits, the
/// button.
void signing(Html& html, Word button, Language language);
void hidden(Html& html, Name name, std::string_view value);
/// line is one row of a summary (dl.summary).
void line(Html& html, std::string_view term, std::string_view value);
/// words_line is the same for text in the page's language.
void words_line(Html& html, std::string_view term, std::string_view text);
/// sentence is one line of what is signed; a number in it never breaks at its dashes.
void sentence(Html& html, std::string_view text);
void link(Html& html, const Address& address, std::string_view text);
void back_to(Html& html, const Address& address, Word word, Language language);
void back_to_start(Html& html, Language language);
/// kind_in_words, tier_in_words and level_in_words say an entry's kind, what follows an alert, and
/// how much is shown; a word they do not know stays as it is.
std::string kind_in_words(std::string_view kind, Language language);
std::string tier_in_words(std::string_view tier, Language language);
std::string level_in_words(std::string_view level, Language language);
/// text_area is a labelled field of several lines.
void text_area(Html& html, Name name, Word label, Word hint, std::string_view value,
               Language language);

/// Table writes a table whose cells carry their column's name, so that it can be read as cards.
class Table {
 public:
  Table(Html& html, std::string_view caption, std::initializer_list<Word> heads, Language language);
  /// row begins a row; its first cell heads it.
  Table& row();
  Table& text(std::string_view text);     // in the page's language, or any
  Table& value(std::string_view value);   // left to right always
  Table& english(std::string_view text);  // a sentence that there is in English alone
  Table& address(const Address& address, std::string_view text);
  void end();

 private:
  void cell();
  void end_cell();
  Html& html_;
  std::vector<Word> heads_;
  Language language_;
  std::size_t at_ = 0;
  bool in_row_ = false;
};

}  // namespace amanat::console
