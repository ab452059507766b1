#include "console/auditor_pages.h"

namespace amanat::console {
namespace {

void input(Html& html, Name name, Word label, std::string_view value, Language l) {
  html.open("div", {{"class", "field"}});
  html.element("label", {{"for", name.view()}}, say(label, l));
  html.lone("input", {{"id", name.view()},
                      {"name", name.view()},
                      {"value", value},
                      {"autocomplete", "off"},
                      {"dir", "ltr"}});
  html.close();
}

// What is typed here goes into an address: a browser sends no citizen's number.
void account_input(Html& html, std::string_view value, Language l) {
  html.open("div", {{"class", "field"}});
  html.element("label", {{"for", "account"}}, say(Word::account, l));
  html.lone("input", {{"id", "account"},
                      {"name", "account"},
                      {"value", value},
                      {"autocomplete", "off"},
                      {"pattern", "(?![0-9]{13}$|[0-9]{5}-[0-9]{7}-[0-9]$).*"},
                      {"dir", "ltr"}});
  html.close();
}

void day_input(Html& html, Name name, Word label, std::string_view value, Language l) {
  html.open("div", {{"class", "field"}});
  html.element("label", {{"for", name.view()}}, say(label, l));
  html.lone("input", {{"id", name.view()},
                      {"name", name.view()},
                      {"value", value},
                      {"type", "date"},
                      {"dir", "ltr"}});
  html.close();
}

void option(Html& html, std::string_view value, std::string_view text, bool chosen) {
  if (chosen)
    html.open("option", {{"value", value}, Attribute("selected")}).text(text).close();
  else
    html.open("option", {{"value", value}}).text(text).close();
}

std::string said(const Purposes& purposes, const std::string& id) {
  for (const auto& [known, says] : purposes)
    if (known == id) return says;
  return id;
}

void looks_table(Html& html, const std::vector<ShownLook>& looks, Zone zone, Language l) {
  Table table(html, say(Word::newest_first, l),
              {Word::entry, Word::when, Word::office, Word::purpose, Word::what_was_seen}, l);
  for (const auto& one : looks) {
    std::string fields;
    for (const auto& f : one.fields) fields += (fields.empty() ? "" : ", ") + f;
    std::string purpose = one.purpose;
    if (one.state == ShownLook::State::sealed)
      purpose = say(Word::sealed_until, l, written_day(one.opens, zone, l));
    if (one.state == ShownLook::State::erased) purpose = say(Word::contents_erased, l);
    table.row()
        .address(Address("/entries").part(std::to_string(one.entry)), std::to_string(one.entry))
        .text(written(one.time, zone, l))
        .text(one.department + (one.unit.empty() ? "" : ", " + one.unit) +
              (one.officer == 0 ? "" : " · " + std::to_string(one.officer)))
        .text(purpose)
        .text(fields);
  }
  table.end();
}

}  // namespace

std::string search_page(const Reader& reader, const Search& search, const Purposes& purposes,
                        Zone zone) {
  const Language l = reader.language;
  Html html;
  why_box(html, search.why, l);
  html.element("p", say(Word::search_lead, l, std::to_string(search.entries)));
  // Accounts, purposes and days only: an address may hold them. A citizen's number never may.
  html.open("form", {{"method", "get"}, Attribute::action(Address("/entries"))});
  account_input(html, search.account, l);
  html.open("div", {{"class", "field"}});
  html.element("label", {{"for", "purpose"}}, say(Word::purpose, l));
  html.open("select", {{"id", "purpose"}, {"name", "purpose"}});
  option(html, "", say(Word::any, l), search.purpose.empty());
  for (const auto& [id, says] : purposes) option(html, id, says, id == search.purpose);
  html.close().close();
  html.open("div", {{"class", "field"}});
  html.element("label", {{"for", "kind"}}, say(Word::kind, l));
  html.open("select", {{"id", "kind"}, {"name", "kind"}});
  option(html, "", say(Word::any, l), search.kind.empty());
  for (const char* kind : {"disclosure", "denied", "export", "erasure", "policy", "alert", "trace"})
    option(html, kind, kind_in_words(kind, l), search.kind == kind);
  html.close().close();
  day_input(html, "from", Word::from_day, search.from, l);
  day_input(html, "to", Word::to_day, search.to, l);
  html.open("p").element("button", say(Word::search, l)).close().close();
  if (search.found.empty()) {
    html.element("p", {{"class", "note"}}, say(Word::nothing_found, l));
  } else {
    Table table(html, say(Word::newest_first, l),
                {Word::entry, Word::when, Word::kind, Word::account, Word::purpose}, l);
    for (const auto& one : search.found)
      table.row()
          .address(Address("/entries").part(std::to_string(one.entry)), std::to_string(one.entry))
          .text(written(one.time, zone, l))
          .text(kind_in_words(one.kind, l))
          .value(one.account)
          .text(said(purposes, one.purpose));
    table.end();
  }
  if (search.before != 0) {
    Address older("/entries");
    if (!search.account.empty()) older.parameter("account", search.account);
    if (!search.purpose.empty()) older.parameter("purpose", search.purpose);
    if (!search.kind.empty()) older.parameter("kind", search.kind);
    if (!search.from.empty()) older.parameter("from", search.from);
    if (!search.to.empty()) older.parameter("to", search.to);
    older.parameter("before", std::to_string(search.before));
    back_to(html, older, Word::older, l);
  }
  html.element("p", {{"class", "hint"}}, say(Word::times_are, l, zone_name(zone)));
  back_to(html, Address("/trails"), Word::trails, l);
  back_to_start(html, l);
  return framed(reader, Word::search_entries, html.take());
}

std::string record_page(const Reader& reader, const std::vector<FoundEntry>& own,
                        const Purposes& purposes, Zone zone) {
  const Language l = reader.language;
  Html html;
  html.element("p", say(Word::my_record_lead, l));
  if (own.empty()) {
    html.element("p", {{"class", "note"}}, say(Word::my_record_none, l));
  } else {
    Table table(html, say(Word::newest_first, l),
                {Word::entry, Word::when, Word::kind, Word::purpose}, l);
    for (const auto& one : own)
      table.row()
          .value(std::to_string(one.entry))
          .text(written(one.time, zone, l))
          .text(kind_in_words(one.kind, l))
          .text(said(purposes, one.purpose));
    table.end();
  }
  html.element("p", {{"class", "hint"}}, say(Word::times_are, l, zone_name(zone)));
  back_to_start(html, l);
  return framed(reader, Word::my_record, html.take());
}

std::string entry_page(const Reader& reader, const ShownEntry& entry, Zone zone) {
  const Language l = reader.language;
  Html html;
  html.open("dl", {{"class", "summary"}});
  line(html, say(Word::entry_in_ledger, l), std::to_string(entry.found.entry));
  words_line(html, say(Word::when, l), written(entry.found.time, zone, l) + " " + zone_name(zone));
  words_line(html, say(Word::kind, l), kind_in_words(entry.found.kind, l));
  if (!entry.found.account.empty()) line(html, say(Word::account, l), entry.found.account);
  if (!entry.found.purpose.empty()) words_line(html, say(Word::purpose, l), entry.found.purpose);
  line(html, say(Word::leaf, l), entry.leaf);
  html.close();
  html.element("h2", say(Word::check_it_yourself, l));
  html.element("p", say(Word::receipt_check, l));
  html.element("pre", entry.receipt);
  html.element("pre", "amanat ledger prove " + std::to_string(entry.found.entry));
  back_to(html, Address("/entries"), Word::search_entries, l);
  return framed(reader, Word::entry, html.take());
}

std::string trails_page(const Reader& reader, const ReasonRow* why) {
  const Language l = reader.language;
  Html html;
  why_box(html, why, l);
  html.element("p", {{"class", "note"}}, say(Word::trails_lead, l));
  html.open("form", {{"method", "post"}, Attribute::action(Address("/trails"))});
  html.open("fieldset").element("legend", say(Word::whose_trail, l));
  html.open("label", {{"class", "tick"}});
  html.lone("input",
            {{"type", "radio"}, {"name", "whose"}, {"value", "officer"}, Attribute("checked")});
  html.element("span", say(Word::an_officers, l)).close();
  html.open("label", {{"class", "tick"}});
  html.lone("input", {{"type", "radio"}, {"name", "whose"}, {"value", "citizen"}});
  html.element("span", say(Word::a_citizens, l)).close();
  html.close();
  input(html, "name", Word::account_or_number, "", l);
  text_area(html, "reason", Word::your_reason, Word::trail_reason_hint, "", l);
  html.open("p").element("button", say(Word::continue_, l)).close();
  html.close();
  back_to_start(html, l);
  return framed(reader, Word::trails, html.take());
}

std::string trail_page(const Reader& reader, const Trail& trail, Zone zone) {
  const Language l = reader.language;
  Html html;
  html.element("p", {{"class", "note"}, {"role", "status"}},
               say(Word::trail_recorded, l, std::to_string(trail.recorded)));
  if (!trail.of_citizen) {
    html.open("dl", {{"class", "summary"}});
    line(html, say(Word::account, l), trail.account);
    html.close();
  }
  if (trail.looks.empty())
    html.element("p", {{"class", "note"}}, say(Word::nothing_found, l));
  else
    looks_table(html, trail.looks, zone, l);
  back_to(html, Address("/trails"), Word::trails, l);
  return framed(reader, Word::trail, html.take());
}

std::string who_page(const Reader& reader, std::string_view pattern,
                     const std::vector<WhoLine>& lines, const ReasonRow* why) {
  const Language l = reader.language;
  Html html;
  why_box(html, why, l);
  html.element("p", say(Word::who_lead, l));
  html.open("form", {{"method", "get"}, Attribute::action(Address("/who"))});
  input(html, "field", Word::field, pattern, l);
  html.open("p").element("button", say(Word::search, l)).close().close();
  if (!lines.empty()) {
    Table table(html, pattern, {Word::rule, Word::role, Word::purpose, Word::shown, Word::text}, l);
    for (const auto& one : lines)
      table.row()
          .value(one.rule)
          .value(one.role)
          .text(one.purpose)
          .text(level_in_words(one.level, l))
          .english(one.text);
    table.end();
  } else if (!pattern.empty() && why == nullptr) {
    html.element("p", {{"class", "note"}}, say(Word::nobody_sees, l));
  }
  back_to_start(html, l);
  return framed(reader, Word::who_can_see, html.take());
}

std::string state_page(const Reader& reader, const ExchangeState& state) {
  const Language l = reader.language;
  Html html;
  if (state.broken.empty())
    html.element("p", {{"class", "note"}, {"role", "status"}}, say(Word::all_works, l));
  for (const auto& broken : state.broken)
    html.open("p", {{"class", "note broken"}, {"role", "alert"}})
        .element("strong", say(Word::broken, l))
        .text(" ")
        .element("bdi", broken)
        .close();
  html.open("dl", {{"class", "summary"}});
  for (const auto& [what, how] : state.lines) words_line(html, what, how);
  html.close();
  html.element("p", say(Word::state_same, l));
  html.element("pre", "amanat status");
  back_to_start(html, l);
  return framed(reader, Word::exchange_state, html.take());
}

std::string api_page(const Reader& reader, const std::vector<ApiRoute>& routes) {
  const Language l = reader.language;
  Html html;
  html.element("p", say(Word::api_lead, l));
  back_to(html, Address("/v1/openapi.json"), Word::api_document, l);
  Table table(html, say(Word::api, l), {Word::address, Word::who, Word::what_it_does}, l);
  for (const auto& route : routes)
    table.row().value(route.method + " " + route.path).text(route.who).text(route.says);
  table.end();
  back_to_start(html, l);
  return framed(reader, Word::api, html.take());
}

}  // namespace amanat::console
