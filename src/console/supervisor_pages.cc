#include "console/supervisor_pages.h"

#include <cstdio>

namespace amanat::console {
namespace {

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

void month_part(Html& html, const ShownMonth& month, Language l) {
  BarPlot plot;
  plot.bars = month.days;
  plot.level = month.peer_citizens;
  plot.title = say(Word::last_thirty_days, l);
  html.markup(bar_plot(plot, l));
  html.open("dl", {{"class", "summary"}});
  line(html, say(Word::citizens_a_day, l),
       decimal(month.citizens) + " / " + decimal(month.peer_citizens));
  line(html, say(Word::unexplained_a_day, l),
       decimal(month.unexplained) + " / " + decimal(month.peer_unexplained));
  line(html, say(Word::peers, l), std::to_string(month.peers));
  html.close();
}

std::string minutes_left(Moment at, Moment expires) {
  const std::uint64_t left = number(expires) > number(at) ? number(expires) - number(at) : 0;
  const std::uint64_t minutes = left / 60'000;
  char text[32];
  std::snprintf(text, sizeof text, "%llu:%02llu", static_cast<unsigned long long>(minutes / 60),
                static_cast<unsigned long long>(minutes % 60));
  return text;
}

void decisions(Html& html, const std::vector<ShownDecision>& decided, Language l) {
  if (decided.empty()) return;
  Table table(html, say(Word::decided_so_far, l), {Word::officer, Word::decision, Word::why}, l);
  for (const auto& one : decided)
    table.row()
        .value(one.approver)
        .text(say(one.approved ? Word::approved : Word::refused_word, l))
        .text(one.reason);
  table.end();
}

void choice(Html& html, Name name, std::string_view value, Word word, Language l) {
  html.open("label", {{"class", "tick"}});
  html.lone("input",
            {{"type", "radio"}, {"name", name.view()}, {"value", value}, Attribute("required")});
  html.element("span", say(word, l)).close();
}

}  // namespace

std::string act_page(const Reader& reader, const ActToSign& act, const Address& back) {
  const Language l = reader.language;
  Html html;
  html.element("p", {{"class", "note"}}, say(Word::act_lead, l));
  html.open("ul");
  for (const auto& one : act.sentences) sentence(html, one);
  html.close();
  html.open("form", {{"method", "post"},
                     Attribute::action(Address("/acts")),
                     {"data-sign", "get"},
                     {"data-options", act.sign.options}});
  hidden(html, "nonce", act.sign.nonce);
  for (const auto& [name, value] : act.carried)
    html.lone("input", {{"type", "hidden"}, {"name", name}, {"value", value}});
  signing(html, act.button, l);
  html.close();
  back_to(html, back, Word::go_back, l);
  return framed(reader, Word::check, html.take());
}

std::string done_page(const Reader& reader, Word what, std::optional<std::uint64_t> entry,
                      const Address& back, Word back_word) {
  const Language l = reader.language;
  Html html;
  html.element("p", {{"class", "note"}, {"role", "status"}}, say(what, l));
  if (entry) html.element("p", say(Word::recorded_as, l, std::to_string(*entry)));
  back_to(html, back, back_word, l);
  back_to_start(html, l);
  return framed(reader, Word::done, html.take());
}

std::string requests_page(const Reader& reader, const std::vector<ShownRequest>& to_decide,
                          const std::vector<ShownRequest>& own, Moment at, Zone zone) {
  const Language l = reader.language;
  Html html;
  html.element("h2", say(Word::waits_for_you, l));
  if (to_decide.empty()) html.element("p", {{"class", "note"}}, say(Word::nothing_waits, l));
  if (!to_decide.empty()) {
    Table table(html, say(Word::oldest_first, l),
                {Word::request, Word::officer, Word::asked_on, Word::time_left}, l);
    for (const auto& one : to_decide)
      table.row()
          .address(Address("/approvals").part(one.id), one.id)
          .text(one.asker + " · " + one.department + ", " + one.unit)
          .text(written(one.asked, zone, l))
          .value(minutes_left(at, one.expires));
    table.end();
  }
  html.element("h2", say(Word::you_wait_for, l));
  if (own.empty()) html.element("p", {{"class", "note"}}, say(Word::nothing_waits, l));
  for (const auto& one : own) {
    html.open("section").open("h3").value(one.id).close();
    html.open("dl", {{"class", "summary"}});
    words_line(html, say(Word::asked_on, l), written(one.asked, zone, l));
    line(html, say(Word::time_left, l), minutes_left(at, one.expires));
    line(html, say(Word::approvals, l),
         std::to_string(one.given) + " / " + std::to_string(one.wanted));
    for (const auto& [name, value] : one.asks)
      if (!value.empty()) words_line(html, name, value);
    html.close();
    if (one.given >= one.wanted) {
      html.element("p", {{"class", "note"}}, say(Word::request_approved, l));
      back_to(html, Address("/ask"), Word::ask, l);
    }
    decisions(html, one.decided, l);
    html.close();
  }
  html.element("p", {{"class", "hint"}}, say(Word::times_are, l, zone_name(zone)));
  back_to_start(html, l);
  return framed(reader, Word::requests, html.take());
}

std::string request_page(const Reader& reader, const ShownRequest& request,
                         const std::optional<ShownMonth>& month, Zone zone, const ReasonRow* why) {
  const Language l = reader.language;
  Html html;
  why_box(html, why, l);
  html.open("dl", {{"class", "summary"}});
  words_line(html, say(Word::officer, l),
             request.asker + " · " + request.department + ", " + request.unit);
  words_line(html, say(Word::asked_on, l), written(request.asked, zone, l));
  words_line(html, say(Word::open_until, l), written(request.expires, zone, l));
  for (const auto& [name, value] : request.asks)
    if (!value.empty()) words_line(html, name, value);
  html.close();
  if (!request.whole) {
    html.open("form", {{"method", "post"},
                       Attribute::action(Address("/approvals").part(request.id).part("whole"))});
    html.element("p", {{"class", "hint"}}, say(Word::number_hidden, l));
    html.open("p").element("button", {{"class", "quiet"}}, say(Word::show_whole, l)).close();
    html.close();
  }
  decisions(html, request.decided, l);
  if (month) {
    html.element("h2", say(Word::against_peers, l));
    month_part(html, *month, l);
  }
  html.element("h2", say(Word::your_decision, l));
  html.open("form",
            {{"method", "post"}, Attribute::action(Address("/approvals").part(request.id))});
  html.open("fieldset").element("legend", say(Word::decision, l));
  choice(html, "decision", "approve", Word::approve, l);
  choice(html, "decision", "refuse", Word::refuse, l);
  html.close();
  text_area(html, "reason", Word::your_reason, Word::your_reason_hint, "", l);
  html.open("p").element("button", say(Word::continue_, l)).close();
  html.close();
  back_to(html, Address("/approvals"), Word::requests, l);
  return framed(reader, Word::request, html.take());
}

std::string alerts_page(const Reader& reader, const std::vector<ShownHold>& holds,
                        const std::vector<ShownAlert>& alerts, Zone zone, bool may_hold,
                        const ReasonRow* why) {
  const Language l = reader.language;
  Html html;
  why_box(html, why, l);
  html.element("h2", say(Word::in_force_now, l));
  if (holds.empty()) html.element("p", {{"class", "note"}}, say(Word::no_holds, l));
  for (const auto& one : holds) {
    html.open("section").open("h3").value(one.account).text(" · ");
    html.element("bdi", tier_in_words(one.tier, l)).close();
    html.element("p", one.says);
    html.open("dl", {{"class", "summary"}});
    words_line(html, say(Word::since, l), written(one.since, zone, l));
    if (!one.by.empty()) line(html, say(Word::placed_by, l), one.by);
    html.close();
    month_part(html, one.month, l);
    if (one.may_release) {
      html.open("form",
                {{"method", "post"},
                 Attribute::action(Address("/alerts/release").part(std::to_string(one.hold)))});
      text_area(html, "reason", Word::your_reason, Word::your_reason_hint, "", l);
      html.open("p").element("button", say(Word::release, l)).close();
      html.close();
    }
    html.close();
  }
  html.element("h2", say(Word::alerts, l));
  if (alerts.empty()) {
    html.element("p", {{"class", "note"}}, say(Word::no_alerts, l));
  } else {
    Table table(html, say(Word::newest_first, l),
                {Word::entry, Word::when, Word::account, Word::rule, Word::tier, Word::score}, l);
    for (const auto& one : alerts)
      table.row()
          .value(std::to_string(one.entry))
          .text(written(one.at, zone, l))
          .text(one.account + (one.case_ref.empty() ? "" : " · " + one.case_ref))
          .text(one.says + (one.note.empty() ? "" : " · " + one.note))
          .text(tier_in_words(one.tier, l))
          .value(one.score + " / " + one.threshold);
    table.end();
  }
  if (may_hold) {
    html.element("h2", say(Word::pause_account, l));
    html.element("p", say(Word::pause_lead, l));
    html.open("form", {{"method", "post"}, Attribute::action(Address("/alerts/hold"))});
    html.open("div", {{"class", "field"}});
    html.element("label", {{"for", "account"}}, say(Word::account, l));
    html.lone("input", {{"id", "account"},
                        {"name", "account"},
                        {"autocomplete", "off"},
                        {"dir", "ltr"},
                        Attribute("required")});
    html.close();
    text_area(html, "why", Word::your_reason, Word::your_reason_hint, "", l);
    html.open("p").element("button", say(Word::pause_account, l)).close();
    html.close();
  }
  back_to_start(html, l);
  return framed(reader, Word::alerts_and_holds, html.take());
}

std::string reviews_page(const Reader& reader, const std::vector<ShownReview>& reviews, Zone zone) {
  const Language l = reader.language;
  Html html;
  html.element("p", say(Word::reviews_lead, l));
  if (reviews.empty()) html.element("p", {{"class", "note"}}, say(Word::nothing_waits, l));
  for (const auto& one : reviews) {
    html.open("section").open("h2").value(one.asker).text(" · ");
    html.text(written(one.at, zone, l)).close();
    html.open("dl", {{"class", "summary"}});
    words_line(html, say(Word::purpose, l), one.purpose);
    line(html, say(Word::case_number, l), one.case_ref);
    words_line(html, say(Word::why, l), one.reason);
    if (!one.reviewed_by.empty()) {
      words_line(html, say(Word::decision, l),
                 say(one.justified ? Word::justified : Word::not_justified, l));
      line(html, say(Word::decided_by, l), one.reviewed_by);
    }
    html.close();
    if (one.reviewed_by.empty() && !one.mine) {
      html.open("form", {{"method", "post"}, Attribute::action(Address("/reviews").part(one.id))});
      html.open("fieldset").element("legend", say(Word::decision, l));
      choice(html, "decision", "approve", Word::justified, l);
      choice(html, "decision", "refuse", Word::not_justified, l);
      html.close();
      text_area(html, "reason", Word::your_reason, Word::your_reason_hint, "", l);
      html.open("p").element("button", say(Word::continue_, l)).close();
      html.close();
    }
    html.close();
  }
  back_to_start(html, l);
  return framed(reader, Word::reviews, html.take());
}

std::string proposals_page(const Reader& reader, const std::vector<ShownProposal>& proposals,
                           std::string_view in_force, Zone zone) {
  const Language l = reader.language;
  Html html;
  html.open("dl", {{"class", "summary"}});
  line(html, say(Word::policy_in_force, l), in_force);
  html.close();
  if (proposals.empty()) html.element("p", {{"class", "note"}}, say(Word::no_proposals, l));
  for (const auto& one : proposals) {
    html.open("section").open("h2").value(one.id).close();
    html.element("p", {{"class", "note"}}, say(one.widens ? Word::widens : Word::narrows, l));
    html.open("ul");
    for (const auto& [text, widens] : one.changes) {
      html.open("li");
      if (widens) html.element("strong", say(Word::opens_more, l)).text(" ");
      html.element("bdi", {{"lang", "en"}, {"dir", "ltr"}}, text).close();
    }
    html.close();
    html.open("dl", {{"class", "summary"}});
    words_line(html, say(Word::proposed_on, l), written(one.proposed, zone, l));
    std::string signers;
    for (const auto& s : one.signers) signers += (signers.empty() ? "" : ", ") + s;
    line(html, say(Word::signed_by, l),
         signers + " (" + std::to_string(one.signers.size()) + " / " + std::to_string(one.wanted) +
             ")");
    line(html, "SHA-256", one.documents);
    html.close();
    html.open("form", {{"method", "post"}, Attribute::action(Address("/policy").part(one.id))});
    html.open("p").element("button", say(Word::sign_policy, l)).close().close();
    html.close();
  }
  back_to_start(html, l);
  return framed(reader, Word::policy, html.take());
}

std::string open_complaints_page(const Reader& reader, const std::vector<OpenComplaint>& complaints,
                                 Zone zone, const ReasonRow* why) {
  const Language l = reader.language;
  Html html;
  why_box(html, why, l);
  html.element("p", say(Word::complaints_lead, l));
  if (complaints.empty()) html.element("p", {{"class", "note"}}, say(Word::nothing_waits, l));
  for (const auto& one : complaints) {
    html.open("section");
    html.open("h2").text(say(Word::about_entry, l, std::to_string(one.entry))).close();
    html.open("dl", {{"class", "summary"}});
    words_line(html, say(Word::the_citizen_says, l), one.text);
    words_line(html, say(Word::sent_on, l), written(one.made, zone, l));
    words_line(html, say(one.late ? Word::answer_late : Word::answer_due, l),
               written_day(one.due, zone, l));
    html.close();
    html.open("form", {{"method", "post"}, Attribute::action(Address("/complaints").part(one.id))});
    html.open("fieldset").element("legend", say(Word::decision, l));
    choice(html, "decision", "upheld", Word::upheld, l);
    choice(html, "decision", "not-upheld", Word::not_upheld, l);
    html.close();
    text_area(html, "answer", Word::answer_to_citizen, Word::answer_to_citizen_hint, "", l);
    html.open("p").element("button", say(Word::continue_, l)).close();
    html.close().close();
  }
  back_to_start(html, l);
  return framed(reader, Word::complaints, html.take());
}

}  // namespace amanat::console
