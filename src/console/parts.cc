#include "console/parts.h"

#include "model/insist.h"

namespace amanat::console {

namespace {

struct InWords {
  std::string_view id;
  Word word;
};
constexpr InWords kKinds[] = {
    {"disclosure", Word::entry_disclosure}, {"denied", Word::entry_denied},
    {"export", Word::entry_export},         {"erasure", Word::entry_erasure},
    {"policy", Word::entry_policy},         {"alert", Word::entry_alert},
    {"trace", Word::entry_trace},           {"epoch", Word::entry_epoch},
    {"genesis", Word::entry_genesis}};
constexpr InWords kTiers[] = {
    {"report", Word::tier_report},         {"review", Word::tier_review},
    {"silent", Word::tier_silent},         {"friction", Word::tier_friction},
    {"hold", Word::tier_hold},             {"close_class", Word::tier_close_class},
    {"suspend_device", Word::tier_suspend_device}, {"suspend", Word::tier_suspend}};
constexpr InWords kLevels[] = {{"exists", Word::level_exists},
                               {"masked", Word::level_masked},
                               {"full", Word::level_full}};

template <std::size_t N>
std::string in_words(const InWords (&words)[N], std::string_view id, Language language) {
  for (const InWords& one : words)
    if (one.id == id) return std::string(say(one.word, language));
  return std::string(id);
}

}  // namespace

std::string kind_in_words(std::string_view kind, Language language) {
  return in_words(kKinds, kind, language);
}
std::string tier_in_words(std::string_view tier, Language language) {
  return in_words(kTiers, tier, language);
}
std::string level_in_words(std::string_view level, Language language) {
  return in_words(kLevels, level, language);
}

std::string_view text_of(const ReasonRow& row, Language language) {
  return language == Language::urdu ? row.urdu : row.english;
}
std::string_view next_of(const ReasonRow& row, Language language) {
  return language == Language::urdu ? row.next_urdu : row.next_english;
}

void why_box(Html& html, const ReasonRow* why, Language language) {
  if (why == nullptr) return;
  html.open("div", {{"class", "note"}, {"role", "status"}});
  html.element("p", text_of(*why, language)).element("p", next_of(*why, language));
  html.open("p").text(say(Word::reason_id, language)).text(": ");
  html.element("code", {{"dir", "ltr"}}, why->id).close();
  html.close();
}

void signing(Html& html, Word button, Language language) {
  html.lone("input", {{"type", "hidden"}, {"name", "signed"}});
  html.open("p", {{"role", "alert"},
                  {"data-waiting", say(Word::waiting_for_key, language)},
                  {"data-failed", say(Word::key_failed, language)},
                  {"data-sent", say(Word::signed_saving, language)}})
      .close();
  html.open("p").element("button", say(button, language)).close();
  html.open("noscript").element("p", say(Word::needs_script, language)).close();
}

void hidden(Html& html, Name name, std::string_view value) {
  html.lone("input", {{"type", "hidden"}, {"name", name.view()}, {"value", value}});
}

void line(Html& html, std::string_view term, std::string_view value) {
  html.open("div").element("dt", term).open("dd").value(value).close().close();
}

void words_line(Html& html, std::string_view term, std::string_view text) {
  html.open("div").element("dt", term).open("dd").element("bdi", text).close().close();
}

void link(Html& html, const Address& address, std::string_view text) {
  html.element("a", {Attribute::href(address)}, text);
}

void back_to(Html& html, const Address& address, Word word, Language language) {
  html.open("p");
  link(html, address, say(word, language));
  html.close();
}

void back_to_start(Html& html, Language language) {
  back_to(html, Address("/"), Word::back_to_start, language);
}

void text_area(Html& html, Name name, Word label, Word hint, std::string_view value,
               Language language) {
  const std::string hint_id = std::string(name.view()) + "-hint";
  html.open("div", {{"class", "field"}});
  html.element("label", {{"for", name.view()}}, say(label, language));
  html.element("p", {{"class", "hint"}, {"id", hint_id}}, say(hint, language));
  html.element("textarea",
               {{"id", name.view()},
                {"name", name.view()},
                {"rows", "4"},
                {"maxlength", "500"},
                {"dir", "auto"},
                {"aria-describedby", hint_id}},
               value);
  html.close();
}

Table::Table(Html& html, std::string_view caption, std::initializer_list<Word> heads,
             Language language)
    : html_(html), heads_(heads), language_(language) {
  html_.open("table").element("caption", caption).open("thead").open("tr");
  for (const Word head : heads_) html_.element("th", {{"scope", "col"}}, say(head, language_));
  html_.close().close().open("tbody");
}

Table& Table::row() {
  if (in_row_) html_.close();
  html_.open("tr");
  in_row_ = true;
  at_ = 0;
  return *this;
}

void Table::cell() {
  insist(in_row_ && at_ < heads_.size());
  if (at_ == 0)
    html_.open("th", {{"scope", "row"}});
  else
    html_.open("td", {{"data-label", say(heads_[at_], language_)}});
}

void Table::end_cell() {
  html_.close();
  ++at_;
}

Table& Table::text(std::string_view text) {
  cell();
  html_.element("bdi", text);
  end_cell();
  return *this;
}

Table& Table::value(std::string_view value) {
  cell();
  html_.value(value);
  end_cell();
  return *this;
}

Table& Table::address(const Address& address, std::string_view text) {
  cell();
  html_.open("a", {Attribute::href(address)}).value(text).close();
  end_cell();
  return *this;
}

void Table::end() {
  if (in_row_) html_.close();
  html_.close().close();
}

}  // namespace amanat::console
