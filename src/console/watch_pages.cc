#include "console/watch_pages.h"

#include <cstdio>

namespace amanat::console {
namespace {

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

void moment_input(Html& html, Name name, Word label, Name type, std::string_view value,
                  Language l) {
  html.open("div", {{"class", "field"}});
  html.element("label", {{"for", name.view()}}, say(label, l));
  html.lone("input", {{"id", name.view()},
                      {"name", name.view()},
                      {"type", type.view()},
                      {"value", value},
                      {"dir", "ltr"},
                      Attribute("required")});
  html.close();
}

void finding(Html& html, const ShownFinding& one, Language l) {
  html.open("section").open("h3");
  bool first = true;
  for (const auto& account : one.accounts) {
    if (!first) html.text(" · ");
    html.value(account);
    first = false;
  }
  html.close().element("p", one.says);
  html.open("dl", {{"class", "summary"}});
  html.open("div").element("dt", say(Word::counted, l)).open("dd");
  html.element("bdi", {{"dir", "ltr"}, {"lang", "en"}}, one.numbers).close().close();
  line(html, say(Word::score, l), one.score);
  html.close();
  if (!one.entries.empty()) {
    html.open("p").text(say(Word::entries_it_rests_on, l)).text(": ");
    for (const std::uint64_t entry : one.entries) {
      const std::string number = std::to_string(entry);
      html.open("a", {Attribute::href(Address("/entries").part(number))}).value(number).close();
      html.text(" ");
    }
    html.close();
  }
  html.close();
}

}  // namespace

std::string operations_page(const Reader& reader, const std::vector<ShownOperation>& operations,
                            std::string_view unit, Zone zone, const ReasonRow* why) {
  const Language l = reader.language;
  Html html;
  why_box(html, why, l);
  html.element("p", say(Word::operations_lead, l));
  if (operations.empty()) {
    html.element("p", {{"class", "note"}}, say(Word::no_operations, l));
  } else {
    Table table(html, say(Word::operations, l),
                {Word::unit, Word::from_day, Word::to_day, Word::announced_by, Word::entry}, l);
    for (const auto& one : operations)
      table.row()
          .text(one.unit)
          .text(written(one.from, zone, l))
          .text(written(one.until, zone, l))
          .value(one.by)
          .value(std::to_string(one.entry));
    table.end();
  }
  if (!unit.empty()) {
    html.element("h2", say(Word::announce, l));
    html.open("form", {{"method", "post"}, Attribute::action(Address("/operations"))});
    html.open("dl", {{"class", "summary"}});
    words_line(html, say(Word::unit, l), unit);
    html.close();
    moment_input(html, "from", Word::from_day, "datetime-local", "", l);
    moment_input(html, "to", Word::to_day, "datetime-local", "", l);
    text_area(html, "reason", Word::your_reason, Word::announce_hint, "", l);
    html.open("p").element("button", say(Word::continue_, l)).close().close();
  }
  html.element("p", {{"class", "hint"}}, say(Word::times_are, l, zone_name(zone)));
  back_to_start(html, l);
  return framed(reader, Word::operations, html.take());
}

std::string report_page(const Reader& reader, const ShownReport& report, bool refreshes,
                        const ReasonRow* why) {
  const Language l = reader.language;
  Html html;
  why_box(html, why, l);
  html.element("p", say(Word::reports_lead, l));
  if (report.being_made) {
    html.open("div", {{"class", "note"}, {"role", "status"}});
    html.element("p", say(Word::report_being_made, l)).close();
    html.open("p").text(say(refreshes ? Word::page_refreshes : Word::page_rests, l)).text(" ");
    Address other("/reports");
    if (refreshes) other.parameter("refresh", "off");
    link(html, other, say(refreshes ? Word::stop_refreshing : Word::refresh, l));
    html.close();
  }
  if (report.failed != nullptr) why_box(html, report.failed, l);
  if (report.made) {
    html.open("h2").text(written_day(report.from, l)).text(" – ");
    html.text(written_day(report.to, l)).close();
    html.open("dl", {{"class", "summary"}});
    line(html, say(Word::lookups, l), std::to_string(report.lookups));
    line(html, say(Word::officers, l), std::to_string(report.officers));
    html.close();
    html.element("h2", say(Word::between_officers, l));
    if (report.findings.empty())
      html.element("p", {{"class", "note"}}, say(Word::nothing_shows, l));
    for (const auto& one : report.findings) finding(html, one, l);
    if (!report.alerts.empty()) {
      Table table(html, say(Word::alerts_of_period, l), {Word::rule, Word::how_many}, l);
      for (const auto& [says, count] : report.alerts)
        table.row().text(says).value(std::to_string(count));
      table.end();
    }
  }
  if (!report.being_made) {
    html.element("h2", say(Word::make_report, l));
    html.open("form", {{"method", "post"}, Attribute::action(Address("/reports"))});
    moment_input(html, "from", Word::from_day, "date", report.from, l);
    moment_input(html, "to", Word::to_day, "date", report.to, l);
    html.open("p").element("button", say(Word::make_report, l)).close().close();
  }
  back_to_start(html, l);
  return framed(reader, Word::reports, html.take());
}

std::string team_page(const Reader& reader, const Team& team) {
  const Language l = reader.language;
  Html html;
  html.element("p", say(Word::team_lead, l));
  html.open("dl", {{"class", "summary"}});
  words_line(html, say(Word::unit, l), team.unit + " · " + team.department);
  html.close();
  if (team.cut) html.element("p", {{"class", "note"}}, say(Word::team_cut, l));
  if (team.officers.empty()) {
    html.element("p", {{"class", "note"}}, say(Word::nobody_in_unit, l));
  } else {
    Table table(html, say(Word::seven_days, l),
                {Word::officer, Word::answers, Word::refused_word, Word::citizens_a_day,
                 Word::by_purpose, Word::unused_purposes},
                l);
    for (const auto& one : team.officers) {
      const std::string between = l == Language::urdu ? "؛ " : "; ";
      std::string purposes, unused;
      for (const auto& [purpose, count] : one.by_purpose)
        purposes += (purposes.empty() ? "" : between) + purpose + ": " + std::to_string(count);
      for (const auto& purpose : one.unused) unused += (unused.empty() ? "" : between) + purpose;
      table.row()
          .value(one.account)
          .value(std::to_string(one.shown))
          .value(std::to_string(one.refused))
          .value(decimal(one.a_day) + " / " + decimal(one.peers_a_day))
          .text(purposes)
          .text(unused);
    }
    table.end();
  }
  back_to(html, Address("/alerts"), Word::alerts_and_holds, l);
  back_to_start(html, l);
  return framed(reader, Word::my_team, html.take());
}

}  // namespace amanat::console
