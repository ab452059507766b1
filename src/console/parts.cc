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
constexpr InWords kTiers[] = {{"report", Word::tier_report},
                              {"review", Word::tier_review},
                              {"silent", Word::tier_silent},
                              {"friction", Word::tier_friction},
                              {"hold", Word::tier_hold},
                              {"close_class", Word::tier_close_class},
                              {"suspend_device", Word::tier_suspend_device},
                              {"suspend", Word::tier_suspend}};
constexpr InWords kLevels[] = {
    {"exists", Word::level_exists}, {"masked", Word::level_masked}, {"full", Word::level_full}};

constexpr std::pair<Reason, Word> kNextOnPages[] = {
    {Reason::behind_show_more, Word::next_show_more},
    {Reason::field_not_granted, Word::next_who_can_see},
    {Reason::unknown_purpose, Word::next_who_can_see},
    {Reason::parent_wrong, Word::next_parent},
    {Reason::approval_unknown, Word::next_requests}};

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
// What to do next is said for every door to the exchange; here, where nobody types a command or
// names a member of JSON, it is said of pages.
std::string_view next_of(const ReasonRow& row, Language language) {
  for (const auto& [reason, word] : kNextOnPages)
    if (&row == &row_of(reason)) return say(word, language);
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

void sentence(Html& html, std::string_view text) {
  const auto joins = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '-' || c == '/' || c == '*';
  };
  html.open("li").open("bdi");
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && joins(text[end])) ++end;
    const std::string_view run = text.substr(at, end - at);
    if (run.size() > 3 && run.size() <= kWholeMost && run.find('-') != run.npos) {
      html.element("span", {{"class", "id"}}, run);
    } else {
      while (end < text.size() && !joins(text[end])) ++end;
      html.text(text.substr(at, end - at));
    }
    at = end;
  }
  html.close().close();
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
  html_.open("table").open("caption").element("bdi", caption).close().open("thead").open("tr");
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
  if (!text.empty()) html_.element("bdi", text);
  end_cell();
  return *this;
}

Table& Table::value(std::string_view value) {
  cell();
  if (!value.empty()) html_.value(value);
  end_cell();
  return *this;
}

Table& Table::english(std::string_view text) {
  cell();
  html_.element("bdi", {{"lang", "en"}, {"dir", "ltr"}}, text);
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
