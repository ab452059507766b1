#include "console/notice_pages.h"

namespace amanat::console {
namespace {

void number_field(Html& html, Language l, bool wrong) {
  html.open("div", {{"class", "field"}});
  html.element("label", {{"for", "number"}}, say(Word::your_number, l));
  html.element("p", {{"class", "hint"}, {"id", "number-hint"}}, say(Word::your_number_hint, l));
  if (wrong)
    html.element("p", {{"class", "mistake"}, {"role", "alert"}}, say(Word::number_wrong, l));
  html.lone("input", {{"id", "number"},
                      {"name", "number"},
                      {"type", "tel"},
                      {"autocomplete", "tel"},
                      {"dir", "ltr"},
                      {"aria-describedby", "number-hint"}});
  html.close();
}

}  // namespace

std::string notices_page(const Reader& reader, const NoticeWish& wish) {
  const Language l = reader.language;
  Html html;
  if (!wish.offered) {
    html.element("p", {{"class", "note"}}, say(Word::notices_not_offered, l));
  } else {
    html.element("p", say(Word::notices_lead, l));
    html.element("p", {{"class", "note"}, {"role", "status"}},
                 wish.number_end.empty() ? std::string(say(Word::notices_off, l))
                                         : say(Word::notices_go_to, l, wish.number_end));
    html.open("form", {{"method", "post"}, Attribute::action(Address("/me/notices"))});
    number_field(html, l, wish.number_wrong);
    html.open("p").element("button", say(Word::save, l)).close().close();
  }
  back_to(html, Address("/notice"), Word::check_a_notice, l);
  back_to(html, Address("/me"), Word::back_to_looks, l);
  return framed(reader, Word::notices, html.take());
}

std::string check_notice_page(const Reader& reader, const std::optional<CheckedNotice>& checked,
                              const ReasonRow* why, Zone zone) {
  const Language l = reader.language;
  Html html;
  why_box(html, why, l);
  if (checked && checked->genuine) {
    html.open("div", {{"class", "note"}, {"role", "status"}});
    html.element("p", say(Word::notice_genuine, l, written(checked->sent, zone, l)));
    html.element("p", {{"class", "message"}, {"dir", "auto"}}, checked->text).close();
  } else if (checked) {
    html.element("p", {{"class", "note"}, {"role", "status"}}, say(Word::notice_not_ours, l));
  }
  html.element("p", say(Word::check_a_notice_lead, l));
  // By post: neither code nor number may stand in an address.
  html.open("form", {{"method", "post"}, Attribute::action(Address("/notice"))});
  html.open("div", {{"class", "field"}});
  html.element("label", {{"for", "code"}}, say(Word::code_of_notice, l));
  html.lone("input", {{"id", "code"},
                      {"name", "code"},
                      {"autocomplete", "off"},
                      {"spellcheck", "false"},
                      {"dir", "ltr"},
                      Attribute("required")});
  html.close();
  html.open("div", {{"class", "field"}});
  html.element("label", {{"for", "number"}}, say(Word::your_number, l));
  html.lone("input", {{"id", "number"},
                      {"name", "number"},
                      {"type", "tel"},
                      {"autocomplete", "tel"},
                      {"dir", "ltr"},
                      Attribute("required")});
  html.close();
  html.open("p").element("button", say(Word::check_it, l)).close().close();
  back_to_start(html, l);
  return framed(reader, Word::check_a_notice, html.take());
}

}  // namespace amanat::console
