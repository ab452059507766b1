#include "console/trace_pages.h"

#include "console/plot.h"

namespace amanat::console {
namespace {

Word word_of(TraceStage stage) {
  constexpr Word kWords[] = {Word::trace_receiving, Word::trace_reading,   Word::trace_waiting,
                             Word::trace_sealing,   Word::trace_unlocking, Word::trace_weighing,
                             Word::trace_closed,    Word::trace_cancelled, Word::trace_failed};
  return kWords[static_cast<std::size_t>(stage)];
}

bool may_begin(const std::vector<TraceLine>& traces) {
  for (const TraceLine& one : traces)
    if (one.stage != TraceStage::closed && one.stage != TraceStage::cancelled &&
        one.stage != TraceStage::failed)
      return false;
  return true;
}

void text_input(Html& html, Name name, Word label, Word hint, Name type, Language l) {
  const std::string hint_id = std::string(name.view()) + "-hint";
  html.open("div", {{"class", "field"}});
  html.element("label", {{"for", name.view()}}, say(label, l));
  html.element("p", {{"class", "hint"}, {"id", hint_id}}, say(hint, l));
  html.lone("input",
            {{"id", name.view()},
             {"name", name.view()},
             {"type", type.view()},
             {"maxlength", "200"},
             {"autocomplete", "off"},
             {"dir", type.view() == "date" ? std::string_view("ltr") : std::string_view("auto")},
             {"aria-describedby", hint_id}});
  html.close();
}

// The text fields come before the file: what they say is known when the file begins to arrive.
void upload_form(Html& html, Language l) {
  html.element("h2", say(Word::trace_a_file, l));
  html.element("p", say(Word::trace_a_file_lead, l));
  html.open("form", {{"method", "post"},
                     Attribute::action(Address("/traces")),
                     {"enctype", "multipart/form-data"}});
  text_input(html, "brought-by", Word::brought_by, Word::brought_by_hint, "text", l);
  text_input(html, "leak-day", Word::leak_day, Word::leak_day_hint, "date", l);
  html.open("div", {{"class", "field"}});
  html.element("label", {{"for", "file"}}, say(Word::the_file, l));
  html.element("p", {{"class", "hint"}, {"id", "file-hint"}}, say(Word::the_file_hint, l));
  html.lone("input", {{"id", "file"},
                      {"name", "file"},
                      {"type", "file"},
                      Attribute("required"),
                      {"aria-describedby", "file-hint"}});
  html.close();
  html.open("p").element("button", say(Word::hand_in, l)).close().close();
}

void progress_part(Html& html, const ShownTrace& trace, Language l) {
  html.open("div", {{"class", "note"}, {"role", "status"}});
  html.element("p", say(word_of(trace.stage), l));
  if (trace.total > 0) {
    const std::string done = std::to_string(trace.done), total = std::to_string(trace.total);
    html.open("p").open(
        "progress",
        {{"max", total}, {"value", done}, {"aria-label", say(word_of(trace.stage), l)}});
    html.close().text(" ").value(done + " / " + total).close();
  }
  html.close();
  // A page that moves by itself can be held (WCAG 2.2.2).
  html.open("p");
  html.text(say(trace.refreshes ? Word::page_refreshes : Word::page_rests, l)).text(" ");
  Address other = Address("/traces").part(trace.id);
  if (trace.refreshes) other.parameter("refresh", "off");
  link(html, other, say(trace.refreshes ? Word::stop_refreshing : Word::refresh, l));
  html.close();
}

void steps(Html& html, const ShownTrace& trace, Language l) {
  struct Step {
    Word word;
    TraceStage from, to;  // under way in [from, to]
  };
  constexpr Step kSteps[] = {
      {Word::step_read, TraceStage::receiving, TraceStage::reading},
      {Word::step_open, TraceStage::waiting, TraceStage::waiting},
      {Word::step_seal, TraceStage::sealing, TraceStage::unlocking},
      {Word::step_weigh, TraceStage::weighing, TraceStage::weighing},
  };
  html.open("ol", {{"class", "steps"}});
  for (const Step& step : kSteps) {
    const bool over = trace.stage == TraceStage::cancelled || trace.stage == TraceStage::failed;
    const bool done = trace.stage > step.to && !over;
    const bool now = trace.stage >= step.from && trace.stage <= step.to;
    html.open("li").element("span", say(step.word, l)).text(" · ");
    html.element("strong", {{"class", "state"}},
                 say(done   ? Word::step_done
                     : now  ? Word::step_now
                     : over ? Word::step_not_done
                            : Word::step_later,
                     l));
    html.close();
  }
  html.close();
}

void read_part(Html& html, const TraceRead& read, Language l) {
  html.element("h2", say(Word::what_was_read, l));
  html.open("dl", {{"class", "summary"}});
  const auto count = [&](Word word, std::uint64_t n) {
    line(html, say(word, l), std::to_string(n));
  };
  count(Word::rows_in_file, read.rows);
  count(Word::rows_with_number, read.rows_with_identifiers);
  count(Word::rows_found, read.rows_matched);
  count(Word::citizens_in_file, read.citizens);
  count(Word::rows_as_evidence, read.rows_as_evidence);
  count(Word::coins_read, read.coins_read);
  count(Word::accounts_under_test, read.accounts_under_test);
  line(html, "SHA-256", read.sha256);
  html.close();
  if (!read.unread.empty()) {
    html.element("p", say(Word::parts_unread, l)).open("ul");
    for (const auto& one : read.unread)
      html.open("li").element("bdi", {{"lang", "en"}}, one).close();
    html.close();
  }
}

// Two people open a trace: what was read is fixed before anybody can know whom it names.
void opening_part(Html& html, const ShownTrace& trace, Language l) {
  html.element("h2", say(Word::open_the_trace, l));
  html.element("p", say(Word::open_the_trace_lead, l));
  html.open("dl", {{"class", "summary"}});
  std::string who;
  for (const auto& one : trace.opened_by) who += (who.empty() ? "" : ", ") + one;
  line(html, say(Word::opened_by, l),
       who + " (" + std::to_string(trace.opened_by.size()) + " / 2)");
  html.close();
  if (trace.opened_by_reader) {
    html.element("p", {{"class", "note"}}, say(Word::another_auditor, l));
    return;
  }
  html.open("form", {{"method", "post"},
                     Attribute::action(Address("/traces").part(trace.id).part("open"))});
  text_area(html, "reason", Word::your_reason, Word::trail_reason_hint, "", l);
  html.open("p").element("button", say(Word::open_the_trace, l)).close().close();
}

void timeline_part(Html& html, const ShownTrace& trace, Zone zone, Language l) {
  html.element("h2", say(Word::timeline, l));
  if (trace.verdict && !trace.verdict->days.empty()) {
    BarPlot plot;
    for (const auto& [day, rows] : trace.verdict->days)
      plot.bars.push_back(
          {day.empty() ? std::string(say(Word::day_unknown, l)) : written_day(day, l),
           static_cast<unsigned>(rows), 0});
    plot.title = say(Word::rows_by_day, l);
    plot.value = Word::rows;
    plot.marked = std::nullopt;
    html.markup(bar_plot(plot, l));
  }
  Table table(html, say(Word::recorded_steps, l),
              {Word::what_happened, Word::when, Word::entry, Word::who}, l);
  for (const TraceEvent& event : trace.events) {
    table.row().text(say(event.what, l));
    table.text(event.at ? written(*event.at, zone, l) : std::string());
    if (event.entry)
      table.address(Address("/entries").part(std::to_string(*event.entry)),
                    std::to_string(*event.entry));
    else
      table.text("");
    table.value(event.by);
  }
  table.end();
}

void copies_part(Html& html, const TraceVerdict& verdict, Language l) {
  html.element("h2", say(Word::whose_copy, l));
  if (verdict.copies.empty()) {
    html.element("p", {{"class", "note"}}, say(Word::nobody_named, l));
    html.element("p", say(Word::nobody_named_means, l));
  }
  for (const NamedCopy& copy : verdict.copies) {
    html.open("div", {{"class", "note"}}).open("p");
    html.text(say(Word::copy_of_account, l)).text(" ").open("strong").value(copy.account);
    html.close().close();
    html.element("p", say(Word::copy_not_person, l)).close();
    html.open("dl", {{"class", "summary"}});
    line(html, say(Word::tier_of_proof, l), copy.tier);
    line(html, say(Word::evidence_bits, l), copy.bits + " / " + verdict.bound_bits);
    line(html, say(Word::citizens_counted, l), std::to_string(copy.citizens));
    if (copy.decoys > 0) line(html, say(Word::decoys_found, l), std::to_string(copy.decoys));
    if (!copy.shown_by.empty())
      words_line(html, say(Word::shown_every_row_by, l), written_day(copy.shown_by, l));
    html.close();
  }
  SharePlot plot;
  for (const NamedCopy& copy : verdict.copies)
    if (copy.coins > 0) plot.rows.push_back({copy.account, copy.agreeing, copy.coins});
  if (!plot.rows.empty()) {
    plot.title = say(Word::match_plot, l);
    plot.part = Word::coins_agreeing;
    plot.whole = Word::coins_read;
    html.markup(share_plot(plot, l));
  }
  html.element("p", say(Word::false_bound, l, std::to_string(verdict.evaluations)));
}

void numbers_part(Html& html, const TraceVerdict& verdict, Language l) {
  html.open("dl", {{"class", "summary"}});
  const auto count = [&](Word word, std::uint64_t n) {
    line(html, say(word, l), std::to_string(n));
  };
  count(Word::rows_ours, verdict.rows);
  count(Word::rows_sourced, verdict.sourced);
  count(Word::rows_foreign, verdict.foreign);
  count(Word::rows_unknown, verdict.unknown);
  count(Word::coins_read, verdict.coins_read);
  count(Word::coins_erased, verdict.coins_erased);
  if (!verdict.not_before.empty())
    words_line(html, say(Word::not_before, l), written_day(verdict.not_before, l));
  html.close();
}

void margins_part(Html& html, const TraceVerdict& verdict, Language l) {
  html.element("h2", say(Word::what_would_change, l));
  html.element("p", say(Word::what_would_change_lead, l));
  if (!verdict.margins.empty()) {
    Table table(html, say(Word::tier_b, l),
                {Word::account, Word::sources_at_most, Word::rows_unexplained,
                 Word::foreign_rows_needed, Word::same_rows_as},
                l);
    for (const TraceMargin& one : verdict.margins)
      table.row()
          .value(one.account)
          .value(std::to_string(one.sources))
          .value(std::to_string(one.unexplained))
          .value(one.foreign_rows)
          .value(one.same_rows_as);
    table.end();
  }
  if (!verdict.leads.empty()) {
    html.element("h3", say(Word::leads, l)).element("p", say(Word::leads_lead, l)).open("ul");
    for (const auto& lead : verdict.leads)
      html.open("li").element("bdi", {{"lang", "en"}, {"dir", "ltr"}}, lead).close();
    html.close();
  }
  html.element("p", say(Word::always_open, l));
}

void downloads_part(Html& html, const ShownTrace& trace, Language l) {
  html.element("h2", say(Word::take_with_you, l));
  html.open("ul");
  const auto file = [&](Literal what, Word word) {
    html.open("li").open("a", {Attribute::href(Address("/traces").part(trace.id).part(what.view())),
                               Attribute("download")});
    html.text(say(word, l)).close().close();
  };
  file("report", Word::report_english);
  file("report.ur", Word::report_urdu);
  file("report.pdf", Word::report_pdf);
  html.close();
  if (!trace.bundle) return;
  html.element("p", say(Word::bundle_lead, l));
  html.open("form", {{"method", "post"},
                     Attribute::action(Address("/traces").part(trace.id).part("evidence"))});
  html.open("p").element("button", say(Word::take_bundle, l)).close().close();
  html.element("pre", "amanat-verify evidence --policy POLICY --auditor AUDITOR.vkey " + trace.id +
                          "-evidence.tar");
}

}  // namespace

bool is_at_work(TraceStage stage) {
  return stage == TraceStage::reading || stage == TraceStage::sealing ||
         stage == TraceStage::unlocking || stage == TraceStage::weighing;
}

std::string traces_page(const Reader& reader, const std::vector<TraceLine>& traces, Zone zone,
                        const ReasonRow* why) {
  const Language l = reader.language;
  Html html;
  why_box(html, why, l);
  html.element("p", say(Word::traces_lead, l));
  if (traces.empty()) {
    html.element("p", {{"class", "note"}}, say(Word::no_traces, l));
  } else {
    Table table(html, say(Word::newest_first, l),
                {Word::trace, Word::the_file, Word::begun_on, Word::state}, l);
    for (const TraceLine& one : traces)
      table.row()
          .address(Address("/traces").part(one.id), one.id)
          .text(one.name)
          .text(written(one.begun, zone, l))
          .text(say(word_of(one.stage), l));
    table.end();
  }
  if (may_begin(traces))
    upload_form(html, l);
  else
    html.element("p", {{"class", "note"}}, say(Word::one_trace_at_a_time, l));
  back_to_start(html, l);
  return framed(reader, Word::traces, html.take());
}

std::string trace_page(const Reader& reader, const ShownTrace& trace, Zone zone,
                       const ReasonRow* why) {
  const Language l = reader.language;
  Html html;
  why_box(html, why, l);
  steps(html, trace, l);
  if (is_at_work(trace.stage)) {
    progress_part(html, trace, l);
  } else {
    const bool broken = trace.stage == TraceStage::failed;
    html.open("div",
              {{"class", broken ? std::string_view("note broken") : std::string_view("note")},
               {"role", "status"}});
    html.element("p", say(word_of(trace.stage), l));
    if (broken) html.open("p").element("bdi", {{"lang", "en"}}, trace.trouble).close();
    html.close();
  }
  if (trace.verdict) copies_part(html, *trace.verdict, l);
  html.element("h2", say(Word::the_file, l));
  html.open("dl", {{"class", "summary"}});
  words_line(html, say(Word::file_name, l), trace.name);
  if (!trace.brought_by.empty()) words_line(html, say(Word::brought_by, l), trace.brought_by);
  words_line(html, say(Word::leak_day, l), written_day(trace.leak_day, l));
  if (trace.bytes > 0) line(html, say(Word::bytes, l), std::to_string(trace.bytes));
  html.close();
  if (trace.read) read_part(html, *trace.read, l);
  if (trace.stage == TraceStage::waiting) opening_part(html, trace, l);
  if (trace.verdict) {
    html.element("h2", say(Word::is_it_ours, l));
    numbers_part(html, *trace.verdict, l);
  }
  timeline_part(html, trace, zone, l);
  if (trace.verdict) margins_part(html, *trace.verdict, l);
  if (trace.stage == TraceStage::closed) downloads_part(html, trace, l);
  if (trace.stage == TraceStage::receiving || trace.stage == TraceStage::reading ||
      trace.stage == TraceStage::waiting) {
    html.element("h2", say(Word::cancel_trace, l)).element("p", say(Word::cancel_trace_lead, l));
    html.open("form", {{"method", "post"},
                       Attribute::action(Address("/traces").part(trace.id).part("cancel"))});
    html.open("p").element("button", {{"class", "quiet"}}, say(Word::cancel_trace, l));
    html.close().close();
  }
  html.element("p", {{"class", "hint"}}, say(Word::times_are, l, zone_name(zone)));
  back_to(html, Address("/traces"), Word::traces, l);
  return framed(reader, Word::trace, html.take());
}

}  // namespace amanat::console
