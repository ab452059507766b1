#include "console/citizen_pages.h"

namespace amanat::console {
namespace {

Word kind_word(const ShownLook& look) {
  switch (look.kind) {
    case ShownLook::Kind::disclosure:
      return Word::was_shown;
    case ShownLook::Kind::refusal:
      return Word::was_refused;
    case ShownLook::Kind::erasure:
      return Word::was_erased;
    case ShownLook::Kind::other:
      return Word::was_noted;
  }
  return Word::was_noted;
}

std::string joined(const std::vector<std::string>& list, Language l) {
  std::string text;
  for (const auto& one : list)
    text += (text.empty() ? "" : l == Language::urdu ? "، " : ", ") + one;
  return text;
}

std::string office(const ShownLook& look) {
  return look.unit.empty() ? look.department : look.department + ", " + look.unit;
}

// Whoever is at risk leaves to a page that says nothing of this one; the way back stays empty.
void exit_fast(Html& html, Language language) {
  html.open("form", {{"method", "post"}, Attribute::action(Address("/leave")), {"class", "leave"}});
  html.element("button", {{"class", "quiet"}}, say(Word::leave_now, language)).close();
}

void look_row(Html& html, const ShownLook& look, Zone zone, Language l) {
  html.open("li").open("p");
  html.value(written_time(look.time, zone)).text(" · ");
  switch (look.state) {
    case ShownLook::State::sealed:
      html.text(say(Word::sealed_until, l, written_day(look.opens, zone, l)));
      break;
    case ShownLook::State::erased:
      html.text(say(Word::contents_erased, l));
      break;
    case ShownLook::State::open:
      html.element("bdi", office(look)).text(" · ").text(say(kind_word(look), l));
      break;
  }
  html.close();
  if (look.state == ShownLook::State::open) {
    html.open("p").element("bdi", look.purpose);
    if (!look.fields.empty()) html.text(" · ").element("bdi", joined(look.fields, l));
    html.close();
  }
  html.open("p");
  html.open("a", {Attribute::href(Address("/me/look").part(std::to_string(look.entry)))});
  html.text(say(Word::what_was_this, l, std::to_string(look.entry))).close().close();
  html.close();
}

void filter(Html& html, const LooksList& list, Language l) {
  if (list.departments.size() < 2) return;
  html.open("nav", {{"aria-label", say(Word::filter_by_office, l)}, {"class", "filter"}});
  html.text(say(Word::filter_by_office, l)).text(": ");
  link(html, Address("/me"), say(Word::all_offices, l));
  for (const auto& [department, label] : list.departments) {
    html.text(" · ");
    if (department == list.department)
      html.element("strong", {{"aria-current", "true"}}, label);
    else
      link(html, Address("/me").parameter("office", department), label);
  }
  html.close();
}

}  // namespace

std::string looks_page(const Reader& reader, const LooksList& list) {
  const Language l = reader.language;
  Html html;
  exit_fast(html, l);
  html.element("p", say(Word::looks_lead, l));
  html.element("p", {{"class", "note"}}, say(Word::looks_count, l, std::to_string(list.total)));
  if (list.sealed > 0) html.element("p", say(Word::looks_sealed, l, std::to_string(list.sealed)));
  filter(html, list, l);
  std::uint64_t day = 0;
  bool in_day = false;
  for (const ShownLook& look : list.looks) {
    const std::uint64_t its_day = day_number(look.time, list.zone);
    if (!in_day || its_day != day) {
      if (in_day) html.close().close();
      html.open("section").element("h2", written_day(look.time, list.zone, l));
      html.open("ul", {{"class", "looks"}});
      in_day = true;
      day = its_day;
    }
    look_row(html, look, list.zone, l);
  }
  if (in_day) html.close().close();
  if (list.before != 0) {
    Address older("/me");
    if (!list.department.empty()) older.parameter("office", list.department);
    older.parameter("before", std::to_string(list.before));
    back_to(html, older, Word::older, l);
  }
  html.element("p", {{"class", "hint"}}, say(Word::times_are, l, zone_name(list.zone)));
  html.element("h2", say(Word::check_it_yourself, l));
  html.element("p", say(Word::history_check, l));
  back_to(html, Address("/me/history"), Word::history_file, l);
  back_to(html, Address("/me/complaints"), Word::my_complaints, l);
  back_to(html, Address("/me/leaks"), Word::was_i_in_a_leak, l);
  back_to_start(html, l);
  return framed(reader, Word::who_looked, html.take());
}

std::string look_page(const Reader& reader, const ShownLook& look, Zone zone, bool may_complain) {
  const Language l = reader.language;
  Html html;
  exit_fast(html, l);
  html.open("dl", {{"class", "summary"}});
  words_line(html, say(Word::when, l), written(look.time, zone, l) + " " + zone_name(zone));
  if (look.state == ShownLook::State::open) {
    words_line(html, say(Word::what_happened, l), say(kind_word(look), l));
    words_line(html, say(Word::office, l), office(look));
    if (look.officer != 0) line(html, say(Word::officer_number, l), std::to_string(look.officer));
    words_line(html, say(Word::purpose, l), look.purpose);
    if (!look.law.empty()) words_line(html, say(Word::law, l), look.law);
    if (!look.fields.empty()) words_line(html, say(Word::what_was_seen, l), joined(look.fields, l));
  } else if (look.state == ShownLook::State::sealed) {
    words_line(html, say(Word::what_happened, l),
               say(Word::sealed_until, l, written_day(look.opens, zone, l)));
  } else {
    words_line(html, say(Word::what_happened, l), say(Word::contents_erased, l));
  }
  line(html, say(Word::entry_in_ledger, l), std::to_string(look.entry));
  html.close();
  html.element("p", say(look.kind == ShownLook::Kind::refusal ? Word::refusal_explained
                                                              : Word::look_explained,
                        l));
  html.element("h2", say(Word::check_it_yourself, l));
  html.element("p", say(Word::receipt_check, l));
  html.open("p").open("a",
                      {Attribute::href(Address("/me/receipt").part(std::to_string(look.entry))),
                       Attribute("download")});
  html.text(say(Word::receipt_file, l)).close().close();
  if (may_complain) {
    html.element("h2", say(Word::not_right, l));
    html.element("p", say(Word::not_right_lead, l));
    html.open("p").open(
        "a", {Attribute::href(Address("/me/complain").part(std::to_string(look.entry)))});
    html.text(say(Word::complain, l)).close().close();
  }
  back_to(html, Address("/me"), Word::back_to_looks, l);
  return framed(reader, Word::one_look, html.take());
}

std::string complain_page(const Reader& reader, const ShownLook& look, Zone zone,
                          const ReasonRow* why) {
  const Language l = reader.language;
  Html html;
  exit_fast(html, l);
  why_box(html, why, l);
  html.open("dl", {{"class", "summary"}});
  words_line(html, say(Word::when, l), written(look.time, zone, l) + " " + zone_name(zone));
  words_line(html, say(Word::office, l), office(look));
  line(html, say(Word::entry_in_ledger, l), std::to_string(look.entry));
  html.close();
  html.open("form", {{"method", "post"},
                     Attribute::action(Address("/me/complain").part(std::to_string(look.entry)))});
  text_area(html, "text", Word::what_is_not_right, Word::what_is_not_right_hint, "", l);
  html.open("p").element("button", say(Word::send_complaint, l)).close();
  html.close();
  back_to(html, Address("/me"), Word::back_to_looks, l);
  return framed(reader, Word::complain, html.take());
}

std::string complaints_page(const Reader& reader, const std::vector<ShownComplaint>& complaints,
                            Zone zone) {
  const Language l = reader.language;
  Html html;
  exit_fast(html, l);
  if (complaints.empty()) html.element("p", {{"class", "note"}}, say(Word::no_complaints, l));
  for (const auto& one : complaints) {
    html.open("section");
    html.open("h2").text(say(Word::about_entry, l, std::to_string(one.entry))).close();
    html.open("dl", {{"class", "summary"}});
    words_line(html, say(Word::you_said, l), one.text);
    words_line(html, say(Word::sent_on, l), written(one.made, zone, l));
    if (one.answered) {
      words_line(html, say(Word::state, l), say(one.upheld ? Word::upheld : Word::not_upheld, l));
      words_line(html, say(Word::answered_on, l), written(*one.answered, zone, l));
      words_line(html, say(Word::the_answer, l), one.answer);
    } else {
      words_line(html, say(Word::state, l), say(Word::being_looked_into, l));
      words_line(html, say(Word::answer_due, l), written_day(one.due, zone, l));
    }
    html.close().close();
  }
  back_to(html, Address("/me"), Word::back_to_looks, l);
  return framed(reader, Word::my_complaints, html.take());
}

std::string leaks_page(const Reader& reader, const std::vector<ShownLeak>& leaks) {
  const Language l = reader.language;
  Html html;
  exit_fast(html, l);
  if (leaks.empty()) {
    html.element("p", {{"class", "note"}}, say(Word::not_in_a_leak, l));
    html.element("p", say(Word::not_in_a_leak_means, l));
  }
  for (const auto& leak : leaks) {
    html.open("section").element("h2", leak.day);
    html.element("p", say(Word::in_a_leak, l));
    html.open("ul");
    for (const auto& field : leak.fields) html.open("li").element("bdi", field).close();
    html.close().close();
  }
  if (!leaks.empty()) html.element("p", say(Word::in_a_leak_do, l));
  back_to(html, Address("/me"), Word::back_to_looks, l);
  return framed(reader, Word::was_i_in_a_leak, html.take());
}

}  // namespace amanat::console
