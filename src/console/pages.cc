#include "console/pages.h"

#include <algorithm>

#include "console/dates.h"
#include "console/parts.h"

namespace amanat::console {
namespace {

// A value of figures alone stands left to right; words in their own direction.
void value_of(Html& html, std::string_view value) {
  const bool letters = std::any_of(value.begin(), value.end(),
                                   [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  letters ? html.element("bdi", value) : html.value(value);
}

void carried(Html& html, const AskForm& form) {
  hidden(html, "citizen", form.citizen);
  hidden(html, "case", form.case_ref);
  hidden(html, "more-of", form.more_of);
  hidden(html, "purpose", form.purpose);
  for (const auto& field : form.fields) hidden(html, "field", form.purpose + " " + field);
}

// Seldom wanted: where an earlier answer kept a field back.
void more_of(Html& html, std::string_view value, Language l) {
  if (value.empty())
    html.open("details");
  else
    html.open("details", {Attribute("open")});
  html.element("summary", say(Word::more_of, l));
  html.open("div", {{"class", "field"}});
  html.element("label", {{"for", "more-of"}}, say(Word::entry_in_ledger, l));
  html.element("p", {{"class", "hint"}, {"id", "more-of-hint"}}, say(Word::more_of_hint, l));
  html.lone("input", {{"id", "more-of"},
                      {"name", "more-of"},
                      {"value", value},
                      {"inputmode", "numeric"},
                      {"autocomplete", "off"},
                      {"dir", "ltr"},
                      {"aria-describedby", "more-of-hint"}});
  html.close().close();
}

bool has(const std::vector<std::string>& list, std::string_view one) {
  return std::find(list.begin(), list.end(), one) != list.end();
}

}  // namespace

std::string sign_in_page(const Reader& reader, const ToSign& sign, const ReasonRow* why) {
  const Language l = reader.language;
  Html html;
  why_box(html, why, l);
  html.element("p", say(Word::sign_in_lead, l));
  html.open("form", {{"method", "post"},
                     Attribute::action(Address("/sign-in")),
                     {"data-sign", "get"},
                     {"data-options", sign.options}});
  hidden(html, "nonce", sign.nonce);
  signing(html, Word::sign_in_button, l);
  html.close();
  html.open("p");
  link(html, Address("/enrol"), say(Word::new_key_first, l));
  html.close().open("p");
  link(html, Address("/ledger"), say(Word::ledger_state, l));
  html.close();
  return framed(reader, Word::sign_in, html.take());
}

std::string code_page(const Reader& reader, const ReasonRow* why) {
  const Language l = reader.language;
  Html html;
  why_box(html, why, l);
  html.element("p", say(Word::new_key_lead, l));
  html.open("form", {{"method", "post"}, Attribute::action(Address("/enrol"))});
  html.open("div", {{"class", "field"}});
  html.element("label", {{"for", "ticket"}}, say(Word::enrolment_code, l));
  html.lone("input", {{"id", "ticket"},
                      {"name", "ticket"},
                      {"autocomplete", "one-time-code"},
                      {"spellcheck", "false"},
                      {"dir", "ltr"},
                      Attribute("required")});
  html.close();
  html.open("p").element("button", say(Word::continue_, l)).close();
  html.close();
  return framed(reader, Word::new_key, html.take());
}

std::string register_page(const Reader& reader, std::string_view account, std::string_view ticket,
                          const ToSign& sign) {
  const Language l = reader.language;
  Html html;
  // A citizen's account has a name that says nothing to anybody.
  html.element("p", account.starts_with("citizen-") ? std::string(say(Word::register_own, l))
                                                    : say(Word::register_for, l, account));
  html.element("p", say(Word::register_lead, l));
  html.open("form", {{"method", "post"},
                     Attribute::action(Address("/enrol/finish")),
                     {"data-sign", "create"},
                     {"data-options", sign.options}});
  hidden(html, "ticket", ticket);
  signing(html, Word::register_button, l);
  html.close();
  return framed(reader, Word::new_key, html.take());
}

std::string registered_page(const Reader& reader, std::string_view authenticator, unsigned more,
                            std::string_view ticket) {
  const Language l = reader.language;
  Html html;
  html.element("p", {{"class", "note"}, {"role", "status"}},
               authenticator.empty() ? std::string(say(Word::registered_key, l))
                                     : say(Word::registered, l, authenticator));
  if (more == 0) {
    html.element("p", say(Word::register_done, l)).open("p");
    link(html, Address("/sign-in"), say(Word::sign_in, l));
    html.close();
  } else {
    html.element("p", say(Word::register_more, l));
    html.open("form", {{"method", "post"}, Attribute::action(Address("/enrol"))});
    hidden(html, "ticket", ticket);
    html.open("p").element("button", say(Word::continue_, l)).close().close();
  }
  return framed(reader, Word::new_key, html.take());
}

std::string start_page(const Reader& reader, const StartFor& may) {
  const Language l = reader.language;
  Html html;
  html.element("p", say(may.citizen ? Word::start_lead_citizen : Word::start_lead, l));
  html.open("ul", {{"class", "tasks"}});
  const auto task = [&](bool offered, const Address& address, Word word) {
    if (!offered) return;
    html.open("li");
    link(html, address, say(word, l));
    html.close();
  };
  task(may.citizen, Address("/me"), Word::who_looked);
  task(may.citizen, Address("/me/complaints"), Word::my_complaints);
  task(may.citizen, Address("/me/leaks"), Word::was_i_in_a_leak);
  task(may.asks, Address("/ask"), Word::ask);
  task(may.waits, Address("/approvals"), Word::requests);
  task(may.holds, Address("/alerts"), Word::alerts_and_holds);
  task(may.decides || may.holds, Address("/team"), Word::my_team);
  task(may.holds, Address("/operations"), Word::operations);
  task(may.audits, Address("/traces"), Word::traces);
  task(may.audits, Address("/reports"), Word::reports);
  task(may.reviews, Address("/reviews"), Word::reviews);
  task(may.audits, Address("/entries"), Word::search_entries);
  task(may.audits, Address("/trails"), Word::trails);
  task(may.audits, Address("/complaints"), Word::complaints);
  task(may.audits || may.operates, Address("/state"), Word::exchange_state);
  task(may.audits || may.signs_policy, Address("/policy"), Word::policy);
  task(!may.citizen, Address("/who"), Word::who_can_see);
  task(may.asks, Address("/record"), Word::my_record);
  task(true, Address("/devices"), Word::my_devices);
  task(true, Address("/ledger"), Word::ledger_state);
  html.close();
  return framed(reader, Word::start, html.take());
}

std::string ask_page(const Reader& reader, const std::vector<OfferedPurpose>& purposes,
                     const AskForm& form) {
  const Language l = reader.language;
  Html html;
  why_box(html, form.refused, l);
  if (!form.mistakes.empty()) {
    html.open("div", {{"class", "note mistakes"}, {"role", "alert"}}).open("ul");
    for (const auto& [word, filling] : form.mistakes)
      html.element("li", filling.empty() ? std::string(say(word, l)) : say(word, l, filling));
    html.close().close();
  }
  html.element("p", say(Word::ask_lead, l));
  if (purposes.empty()) {
    html.element("p", {{"class", "note"}}, say(Word::no_purpose_held, l));
    return framed(reader, Word::ask, html.take());
  }
  html.open("form", {{"method", "post"}, Attribute::action(Address("/ask"))});
  html.open("div", {{"class", "field"}});
  html.element("label", {{"for", "citizen"}}, say(Word::citizen_number, l));
  html.element("p", {{"class", "hint"}, {"id", "citizen-hint"}}, say(Word::citizen_number_hint, l));
  html.lone("input", {{"id", "citizen"},
                      {"name", "citizen"},
                      {"value", form.citizen},
                      {"inputmode", "numeric"},
                      {"autocomplete", "off"},
                      {"dir", "ltr"},
                      {"aria-describedby", "citizen-hint"}});
  html.close();
  html.open("div", {{"class", "field"}});
  html.element("label", {{"for", "case"}}, say(Word::case_number, l));
  html.element("p", {{"class", "hint"}, {"id", "case-hint"}}, say(Word::case_hint, l));
  html.lone("input", {{"id", "case"},
                      {"name", "case"},
                      {"value", form.case_ref},
                      {"autocomplete", "off"},
                      {"dir", "auto"},
                      {"aria-describedby", "case-hint"}});
  html.close();
  html.element("h2", say(Word::purpose_and_fields, l));
  if (purposes.size() > 1)
    html.element("p", {{"class", "hint"}}, say(Word::purpose_and_fields_hint, l));
  // One list of fields a purpose: without a script the choice of a purpose cannot change a list.
  for (const auto& purpose : purposes) {
    const bool chosen = form.purpose == purpose.id;
    html.open("fieldset").open("legend");
    html.open("label", {{"class", "tick"}});
    if (chosen || purposes.size() == 1)
      html.lone(
          "input",
          {{"type", "radio"}, {"name", "purpose"}, {"value", purpose.id}, Attribute("checked")});
    else
      html.lone("input", {{"type", "radio"}, {"name", "purpose"}, {"value", purpose.id}});
    html.element("span", purpose.says).close().close();
    html.element("p", {{"class", "hint"}}, say(Word::what_to_see, l));
    const std::string* group = nullptr;
    for (const auto& field : purpose.fields) {
      if (group == nullptr || *group != field.group) {
        if (group != nullptr) html.close();
        html.open("fieldset", {{"class", "group"}}).element("legend", field.group);
        group = &field.group;
      }
      const std::string value = purpose.id + " " + field.id;
      html.open("label", {{"class", "tick"}});
      if (chosen && has(form.fields, field.id))
        html.lone(
            "input",
            {{"type", "checkbox"}, {"name", "field"}, {"value", value}, Attribute("checked")});
      else
        html.lone("input", {{"type", "checkbox"}, {"name", "field"}, {"value", value}});
      html.open("span").element("bdi", field.label).text(" ").open("small");
      html.text(say(Word::by_rule, l, field.rule));
      if (field.masked) html.text(" · ").text(say(Word::masked, l));
      html.close().close().close();
    }
    if (group != nullptr) html.close();
    html.close();
  }
  more_of(html, form.more_of, l);
  html.open("p").element("button", say(Word::continue_, l)).close();
  html.close();
  return framed(reader, Word::ask, html.take());
}

std::string check_page(const Reader& reader, const std::vector<std::string>& sentences,
                       const AskForm& form, const ToSign& sign) {
  const Language l = reader.language;
  Html html;
  why_box(html, form.refused, l);
  html.element("p", {{"class", "note"}}, say(Word::check_lead, l));
  html.open("ul");
  for (const auto& one : sentences) sentence(html, one);
  html.close();
  html.open("form", {{"method", "post"},
                     Attribute::action(Address("/answer")),
                     {"data-sign", "get"},
                     {"data-options", sign.options}});
  hidden(html, "nonce", sign.nonce);
  // Carried along for a prompt that lasted too long: it is put forward and signed anew then.
  carried(html, form);
  signing(html, Word::sign_and_ask, l);
  html.close();
  // The question goes back to the form by a post: nothing of it may stand in an address.
  html.open("form", {{"method", "post"}, Attribute::action(Address("/ask/change"))});
  carried(html, form);
  html.open("p").element("button", {{"class", "quiet"}}, say(Word::change, l)).close().close();
  return framed(reader, Word::check, html.take());
}

std::string answer_page(const Reader& reader, const std::vector<AnsweredCitizen>& citizens) {
  const Language l = reader.language;
  Html html;
  html.element("p", say(Word::blanks_in, l));
  html.open("div", {{"data-blank-after", "120"}, {"data-blanked", say(Word::blanked, l)}});
  for (const auto& one : citizens) {
    html.open("section").open("h2").text(say(Word::about, l)).text(" ").value(one.citizen).close();
    if (one.records.empty()) html.element("p", {{"class", "note"}}, say(Word::nothing_known, l));
    for (const auto& record : one.records) {
      html.open("table").open("caption").element("bdi", record.dataset).text(" · ");
      html.element("bdi", record.source);
      if (!record.date.empty())
        html.text(" · ")
            .text(say(Word::as_of, l))
            .text(" ")
            .element("bdi", written_day(record.date, l));
      html.close();
      html.open("thead").open("tr");
      html.element("th", {{"scope", "col"}}, say(Word::field, l));
      html.element("th", {{"scope", "col"}}, say(Word::shown, l)).close().close().open("tbody");
      for (const auto& [field, value] : record.fields) {
        html.open("tr");
        html.open("th", {{"scope", "row"}}).element("bdi", field).close();
        html.open("td");  // the field's name beside it says what it is
        value_of(html, value);
        html.close().close();
      }
      html.close().close();
    }
    if (!one.withheld.empty()) {
      html.open("table").element("caption", say(Word::withheld, l)).open("thead").open("tr");
      for (const Word head : {Word::field, Word::why, Word::next_step})
        html.element("th", {{"scope", "col"}}, say(head, l));
      html.close().close().open("tbody");
      for (const auto& held : one.withheld) {
        html.open("tr").open("th", {{"scope", "row"}}).element("bdi", held.field).close();
        html.element("td", {{"data-label", say(Word::why, l)}}, text_of(*held.why, l));
        html.element("td", {{"data-label", say(Word::next_step, l)}}, next_of(*held.why, l));
        html.close();
      }
      html.close().close();
    }
    html.element("p", say(Word::recorded_as, l, std::to_string(one.entry)));
    html.open("details").element("summary", say(Word::receipt, l));
    html.element("p", say(Word::receipt_check, l)).element("pre", one.receipt).close();
    html.close();
  }
  html.close();
  html.open("p");
  link(html, Address("/ask"), say(Word::ask_again, l));
  html.close();
  back_to_start(html, l);
  return framed(reader, Word::answer, html.take());
}

std::string refused_page(const Reader& reader, const Failure& failure) {
  const Language l = reader.language;
  const ReasonRow& row = row_of(failure.reason);
  Html html;
  html.element("p", {{"class", "note"}}, text_of(row, l));
  html.open("dl", {{"class", "summary"}});
  if (row.detail_shown && !failure.detail.empty()) line(html, say(Word::why, l), failure.detail);
  html.open("div").element("dt", say(Word::next_step, l)).element("dd", next_of(row, l)).close();
  line(html, say(Word::reason_id, l), row.id);
  html.close();
  if (failure.reason == Reason::approval_required) {
    html.element("p", say(Word::question_waits, l));
    back_to(html, Address("/approvals"), Word::requests, l);
  }
  if (failure.reason == Reason::field_not_granted || failure.reason == Reason::unknown_purpose)
    back_to(html, Address("/who"), Word::who_can_see, l);
  back_to_start(html, l);
  return framed(reader, Word::refused, html.take());
}

std::string devices_page(const Reader& reader, const std::vector<ShownDevice>& devices) {
  const Language l = reader.language;
  Html html;
  html.element("p", say(Word::lost_key, l));
  html.open("table").element("caption", say(Word::my_devices, l)).open("thead").open("tr");
  for (const Word head : {Word::device, Word::kind, Word::enrolled, Word::state})
    html.element("th", {{"scope", "col"}}, say(head, l));
  html.close().close().open("tbody");
  for (const auto& device : devices) {
    html.open("tr");
    html.open("th", {{"scope", "row"}}).value(device.thumbprint.substr(0, 16)).close();
    html.element("td", {{"data-label", say(Word::kind, l)}}, say(device.kind, l));
    html.open("td", {{"data-label", say(Word::enrolled, l)}})
        .element("bdi", written_day(device.enrolled, l))
        .close();
    std::string state(say(device.ended ? Word::ended : Word::in_force, l));
    if (device.this_one) state += " · " + std::string(say(Word::this_one, l));
    html.open("td", {{"data-label", say(Word::state, l)}}).text(state);
    if (!device.ended && !device.this_one) {
      html.open("form", {{"method", "post"},
                         Attribute::action(Address("/devices").part(device.thumbprint))});
      html.element("button",
                   {{"class", "quiet"},
                    {"aria-label", std::string(say(Word::end_device, l)) + " (" +
                                       device.thumbprint.substr(0, 16) + ")"}},
                   say(Word::end_device, l));
      html.close();
    }
    html.close().close();
  }
  html.close().close();
  back_to_start(html, l);
  return framed(reader, Word::my_devices, html.take());
}

std::string ledger_page(const Reader& reader, const LedgerState& state) {
  const Language l = reader.language;
  Html html;
  html.element("p", say(Word::ledger_lead, l));
  html.open("dl", {{"class", "summary"}});
  line(html, say(Word::ledger_name, l), state.origin);
  line(html, say(Word::ledger_size, l), std::to_string(state.size));
  line(html, say(Word::ledger_root, l), state.root);
  line(html, say(Word::ledger_key, l), state.vkey);
  html.close();
  html.element("h2", say(Word::check_it_yourself, l));
  html.element("pre", "amanat-verify --vkey '" + state.vkey + "' --url https://" + state.origin);
  back_to_start(html, l);
  return framed(reader, Word::ledger_state, html.take());
}

}  // namespace amanat::console
