#include "trace/report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "crypto/crypto.h"
#include "trace/evidence.h"
#include "trace/pdf.h"

namespace amanat::trace {
namespace {

enum class Word : std::uint8_t {
#define WORD(id, english, urdu) id,
#include "trace/report_words.def"
#undef WORD
};
constexpr std::array<std::array<std::string_view, 2>, 58> kWords = {{
#define WORD(id, english, urdu) {english, urdu},
#include "trace/report_words.def"
#undef WORD
}};

constexpr std::size_t kRowsShown = 200, kPlotLines = 60, kPlotDays = 12;

std::string one_decimal(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", x);
  return text;
}

/// Html is a document in the making: what is not a literal of this file is escaped.
class Html {
 public:
  explicit Html(Language language) : language_(language) {}
  template <std::size_t N>
  Html& raw(const char (&literal)[N]) {
    out_.append(literal, N - 1);
    return *this;
  }
  Html& text(std::string_view t) {
    for (const char c : t) switch (c) {
        case '&':
          out_ += "&amp;";
          break;
        case '<':
          out_ += "&lt;";
          break;
        case '>':
          out_ += "&gt;";
          break;
        case '"':
          out_ += "&quot;";
          break;
        case '\'':
          out_ += "&#39;";
          break;
        default:
          out_ += c;
      }
    return *this;
  }
  Html& say(Word w) { return text(words(w)); }
  Html& number(std::uint64_t n) { return text(std::to_string(n)); }
  Html& real(double x) { return text(one_decimal(x)); }
  /// code writes what reads from the left in every language: days, accounts, numbers of entries.
  Html& code(std::string_view t) { return raw("<bdi dir=\"ltr\">").text(t).raw("</bdi>"); }
  std::string_view words(Word w) const {
    return kWords[static_cast<std::size_t>(w)][static_cast<std::size_t>(language_)];
  }
  std::string take() { return std::move(out_); }

 private:
  const Language language_;
  std::string out_;
};

struct Totals {
  std::uint64_t citizens = 0;
  std::set<std::string> fields;
};
Totals exposed_of(const std::string& csv) {
  Totals out;
  std::size_t at = csv.find('\n');
  while (at != csv.npos && at + 1 < csv.size()) {
    const std::size_t end = std::min(csv.find('\n', at + 1), csv.size());
    const std::string line = csv.substr(at + 1, end - at - 1);
    at = end;
    const std::size_t first = line.find(','), last = line.rfind(',');
    if (first == line.npos || last <= first) continue;
    ++out.citizens;
    const std::string fields = line.substr(first + 1, last - first - 1);
    for (std::size_t from = 0; from < fields.size();) {
      const std::size_t to = std::min(fields.find(' ', from), fields.size());
      out.fields.insert(fields.substr(from, to - from));
      from = to + 1;
    }
  }
  return out;
}

constexpr double kDecimal = 0.30102999566398;  // log10 of 2
double bits(std::uint64_t millibits) { return static_cast<double>(millibits) / 1000; }

std::string power_of_ten(std::uint64_t millibits) {
  char text[32];
  std::snprintf(text, sizeof text, "10^%.1f", bits(millibits) * kDecimal);
  return text;
}

std::string joined(const std::vector<std::uint64_t>& numbers) {
  std::string out;
  for (const std::uint64_t n : numbers) out += (out.empty() ? "" : " ") + std::to_string(n);
  return out;
}

// Which coins of each citizen agree with a named copy, as both plots show them.
std::vector<std::vector<bool>> agreement(const ReportInput& in, AccountId account) {
  std::vector<std::vector<bool>> out;
  for (const auto& subject : weighed_for(account, *in.extraction, *in.facts, *in.catalogue,
                                         in.symbol_of, [](const Label&) { return false; })) {
    auto& line = out.emplace_back();
    for (const Copy& copy : subject.weighed.copies)
      for (const Coin& coin : copy.coins)
        line.push_back(std::ranges::any_of(
            coin.seen, [&](const Observed& o) { return o.symbol == coin.own; }));
  }
  return out;
}

class Report {
 public:
  Report(const ReportInput& input, Language language)
      : in_(input), f_(*input.findings), x_(*input.extraction), html_(language) {}

  std::string document(Language language) {
    html_.raw("<!doctype html>\n<html lang=\"");
    language == Language::urdu ? html_.raw("ur\" dir=\"rtl\">\n")
                               : html_.raw("en\" dir=\"ltr\">\n");
    html_.raw(
        "<head><meta charset=\"utf-8\">"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
        "style-src 'unsafe-inline'; font-src data:\">"
        "<meta name=\"viewport\" content=\"width=device-width\"><title>");
    html_.say(Word::title).text(" ").text(in_.trace);
    html_.raw(
        "</title><style>body{font:16px/1.5 serif;max-width:46em;margin:2em auto;padding:0 "
        "1em;color:#111}h1{font-size:1.6em}h2{font-size:1.15em;margin:1.4em 0 "
        ".3em}table{border-collapse:collapse}td,th{border:1px solid #999;padding:.2em "
        ".5em;text-align:start;vertical-align:top}code,pre{font:13px/1.4 "
        "monospace;direction:ltr;unicode-bidi:embed}pre{overflow:auto;text-align:left}"
        ".first{page-break-after:always}.named{border:2px solid #111;padding:.5em "
        "1em}svg{max-width:100%;direction:ltr}@media print{body{margin:0}}");
    if (language == Language::urdu && !in_.urdu_font.empty()) {
      html_.raw("@font-face{font-family:Urdu;src:url(data:font/woff2;base64,");
      html_.text(crypto::base64(crypto::bytes_of(in_.urdu_font)));
      html_.raw(
          ")}body,h1,h2{font-family:Urdu,serif;line-height:2.4}code,pre,bdi{font-family:"
          "monospace;line-height:1.4}svg text{font-family:monospace}");
    }
    html_.raw(
        "</style></head><body>\n<section class=\"first\"><h1>");
    html_.say(Word::title).raw("</h1>\n");
    the_file();
    ours();
    copies();
    changes();
    unseen();
    html_.raw("</section>\n");
    timeline();
    match_plot();
    necessity_table();
    rows();
    html_.raw("<h2>").say(Word::numbers).raw("</h2>\n");
    findings_block();
    html_.raw("</body></html>\n");
    return html_.take();
  }

 private:
  void the_file() {
    html_.raw("<h2>").say(Word::the_file).raw("</h2><p><code>");
    html_.text(sha256_hex()).raw("</code>, ").number(f_.leak_bytes).text(" ").say(Word::bytes);
    html_.raw(". ").say(Word::seen_on).text(" ").code(f_.leak_day).raw(". ");
    if (!in_.brought_by.empty())
      html_.say(Word::brought_by).raw(": ").text(in_.brought_by).raw(". ");
    html_.raw("</p>\n");
  }
  std::string sha256_hex() const {
    std::string out;
    for (const std::uint8_t b : f_.leak) {
      out += "0123456789abcdef"[b >> 4];
      out += "0123456789abcdef"[b & 15];
    }
    return out;
  }
  void ours() {
    html_.raw("<h2>").say(Word::is_it_ours).raw("</h2><ul><li>");
    html_.number(f_.rows).text(" ").say(Word::rows_ours).raw("</li><li>");
    html_.number(f_.sourced).text(" ").say(Word::rows_sourced).raw("; ");
    html_.number(f_.foreign).text(" ").say(Word::rows_foreign).raw("</li><li>");
    html_.number(f_.unknown).text(" ").say(Word::rows_unknown).raw("</li>");
    const Totals exposed = exposed_of(in_.impact);
    html_.raw("<li>").number(exposed.citizens).text(" ").say(Word::citizens_exposed).raw("</li>");
    if (!f_.not_before.empty())
      html_.raw("<li>").say(Word::since_when).text(" ").code(f_.not_before).raw("</li>");
    html_.raw("</ul><p>").say(Word::which_fields).raw(": ");
    bool first = true;
    for (const auto& field : exposed.fields) {
      if (!first) html_.raw(", ");
      first = false;
      html_.raw("<code>").text(field).raw("</code>");
    }
    if (first) html_.say(Word::none_word);
    html_.raw("</p>\n");
  }
  void copies() {
    html_.raw("<h2>").say(Word::which_copies).raw("</h2>\n");
    if (f_.named.empty()) html_.raw("<p class=\"named\">").say(Word::nobody).raw("</p>\n");
    for (const NamedAccount& n : f_.named) {
      html_.raw("<p class=\"named\"><b>").say(Word::copy_of).text(" ");
      html_.code(in_.id_of(n.account)).raw("</b> (A): 10<sup>").real(bits(n.millibits) * kDecimal);
      html_.raw("</sup> ");
      html_.say(Word::likelihood).text(" ").real(bits(n.millibits)).raw("). ");
      if (n.coins > 0) {
        html_.number(n.agreeing).text(" ").say(Word::of_words).text(" ").number(n.coins).text(" ");
        html_.say(Word::coins_agree).raw(". ");
      }
      if (n.decoys > 0) {
        html_.number(n.decoys).text(" ").say(Word::decoys_found).text(" ").number(n.given);
        html_.text(" ").say(Word::decoys_luck).text(" ").real(bits(n.luck)).raw(". ");
        html_.say(Word::decoys_agree);
      }
      html_.raw("</p>\n");
    }
    if (f_.strays && f_.decoys_alone) html_.raw("<p>").say(Word::decoys_decide).raw("</p>\n");
    if (f_.strays && !f_.decoys_alone)
      html_.raw("<p>").number(f_.holders).text(" ").say(Word::decoys_beside).raw("</p>\n");
    html_.raw("<p>")
        .say(Word::bound)
        .text(" ")
        .number(f_.evaluations)
        .raw(" &times; 10<sup>-9</sup> (");
    html_.number(f_.evaluations).text(" ").say(Word::evaluations).raw("). ");
    html_.number(f_.candidates).text(" ").say(Word::under_test).text(" ");
    html_.real(bits(f_.bound_millibits)).text(" ").say(Word::bits_on).raw(".</p><p>");
    html_.say(Word::h1h2).raw("</p>\n");
  }
  void changes() {
    html_.raw("<h2>").say(Word::what_changes).raw("</h2><ul>");
    for (const Word w : {Word::open_backend, Word::open_photo, Word::open_added, Word::heard})
      html_.raw("<li>").say(w).raw("</li>");
    html_.raw("</ul>\n");
  }
  void unseen() {
    html_.raw("<h2>").say(Word::not_seen).raw("</h2><ul>");
    if (!in_.marked) html_.raw("<li>").say(Word::no_coins).raw("</li>");
    html_.raw("<li>").number(f_.symbols).text(" ").say(Word::coins_read).raw("; ");
    html_.number(f_.erased).text(" ").say(Word::erased).raw("</li><li>");
    html_.say(Word::one_value).raw("</li></ul>\n");
  }

  // A bar a day: rows that could first be had then.
  void timeline() {
    const auto days = first_days(x_, *in_.facts);
    if (days.empty()) return;
    std::uint64_t most = 1;
    for (const auto& [day, n] : days) most = std::max(most, n);
    html_.raw("<h2>").say(Word::timeline).raw("</h2>\n<p>").say(Word::timeline_key);
    html_.raw("</p><svg viewBox=\"0 0 700 170\" role=\"img\">");
    const double step = std::min(60.0, 640.0 / static_cast<double>(days.size() + 1));
    double at = 30;
    const bool label_all = days.size() <= 12;
    std::size_t i = 0;
    const auto bar = [&](double height, const std::string& day, bool leak, std::uint64_t n) {
      html_.raw("<rect x=\"").real(at).raw("\" y=\"").real(120 - height).raw("\" width=\"");
      html_.real(step * .7).raw("\" height=\"").real(height).raw("\" fill=\"");
      leak ? html_.raw("#b00020\"/>") : html_.raw("#234a84\"/>");
      if (label_all || i == 1 || i == days.size() || leak) {
        html_.raw("<text x=\"").real(at).raw("\" y=\"140\" font-size=\"10\">").text(day);
        html_.raw("</text>");
        if (n > 0)
          html_.raw("<text x=\"")
              .real(at)
              .raw("\" y=\"")
              .real(115 - height)
              .raw("\" font-size=\"10\">")
              .number(n)
              .raw("</text>");
      }
      at += step;
    };
    for (const auto& [day, n] : days)
      ++i, bar(100.0 * static_cast<double>(n) / static_cast<double>(most), day, false, n);
    bar(100, f_.leak_day, true, 0);
    html_.raw("</svg>\n");
  }

  // A line a row, a square a coin: filled where the copy agrees.
  void match_plot() {
    const bool coins = std::ranges::any_of(f_.named, [](const auto& n) { return n.coins > 0; });
    if (!coins || !in_.symbol_of) return;
    html_.raw("<h2>").say(Word::match_plot).raw("</h2>\n<p>").say(Word::match_key).raw("</p>");
    for (const NamedAccount& named : f_.named) {
      const auto lines = agreement(in_, named.account);
      const std::size_t shown = std::min<std::size_t>(lines.size(), kPlotLines);
      if (shown == 0) continue;
      html_.raw("<p><b>").code(in_.id_of(named.account)).raw("</b>: <span>&#9632; ");
      html_.say(Word::agrees)
          .raw(" &#9633; ")
          .say(Word::differs)
          .raw("</span></p><svg viewBox=\"0 0 700 ");
      html_.number(shown * 12 + 14).raw("\" role=\"img\">");
      for (std::size_t s = 0; s < shown; ++s) {
        double at = 10;
        for (const bool agrees : lines[s]) {
          html_.raw("<rect x=\"").real(at).raw("\" y=\"").number(s * 12 + 4);
          html_.raw("\" width=\"9\" height=\"9\" stroke=\"#111\" fill=\"");
          agrees ? html_.raw("#111\"/>") : html_.raw("none\"/>");
          at += 12;
        }
      }
      html_.raw("</svg>\n");
    }
  }

  void necessity_table() {
    html_.raw("<h2>").say(Word::tier_b).raw("</h2><table><tr><th>").say(Word::sources_at_most);
    html_.raw("</th><th>").say(Word::unexplained).raw("</th><th>").say(Word::account);
    html_.raw("</th><th>").say(Word::foreign_needed).raw("</th></tr>\n");
    for (const Necessity& at : f_.necessity)
      for (const Margin& m : at.margins) {
        html_.raw("<tr><td>").number(at.sources).raw("</td><td>").number(at.residual);
        html_.raw("</td><td>").code(in_.id_of(AccountId{m.account}));
        if (m.tied.size() > 1) {
          html_.raw(" (").say(Word::same_rows);
          for (const std::uint32_t other : m.tied)
            if (other != m.account) html_.text(" ").code(in_.id_of(AccountId{other}));
          html_.raw(")");
        }
        html_.raw("</td><td>").text(margin_text(m.b_star, m.exact)).raw("</td></tr>\n");
      }
    html_.raw("</table>\n");
  }

  void rows() {
    std::map<std::uint64_t, std::vector<const Extraction::Sym*>> symbols;
    for (const auto& s : x_.symbols) symbols[s.row].push_back(&s);
    std::map<std::uint64_t, const Extraction::Source*> sources;
    for (const auto& s : x_.sources) sources.emplace(s.row, &s);
    html_.raw("<h2>")
        .say(Word::rows_title)
        .raw("</h2><p>")
        .say(Word::rows_key)
        .raw("</p><table><tr><th>")
        .say(Word::row);
    html_.raw("</th><th>").say(Word::disclosures).raw("</th><th>").say(Word::coins_head);
    html_.raw("</th></tr>\n");
    for (const auto& r : x_.rows) {
      if (r.n > kRowsShown) break;
      html_.raw("<tr><td>").number(r.n).raw("</td><td>");
      if (const auto at = sources.find(r.n); at != sources.end())
        html_.code(joined(at->second->entries));
      else
        html_.say(Word::rows_foreign);
      html_.raw("</td><td>");
      for (const auto* s : symbols[r.n]) {
        html_.code(std::string(in_.catalogue->id_of(s->field)) + "." + std::to_string(s->slot) +
                   " = " + std::to_string(s->symbol) + " (" + std::to_string(s->weight) + "/" +
                   std::to_string(s->total) + ")")
            .raw("<br>");
      }
      html_.raw("</td></tr>\n");
    }
    html_.raw("</table>\n");
  }

  void findings_block() {
    static_assert(kFindingsMark == "<pre id=\"findings\">\n");
    html_.raw("<pre id=\"findings\">\n").text(write_findings(f_)).raw("</pre>\n");
  }

  const ReportInput& in_;
  const Findings& f_;
  const Extraction& x_;
  Html html_;
};

std::string_view english(Word w) { return kWords[static_cast<std::size_t>(w)][0]; }

}  // namespace

std::map<std::string, std::uint64_t> first_days(const Extraction& extraction, const AllFacts& all) {
  std::map<std::string, std::uint64_t> days;
  std::map<std::uint64_t, Label> subject_of;
  for (const auto& r : extraction.rows) subject_of.emplace(r.n, r.subject);
  for (const auto& s : extraction.sources) {
    std::string first;
    const auto facts = all.find(subject_of.at(s.row));
    if (facts == all.end()) continue;
    for (const Disclosed& d : facts->second.disclosed)
      if (std::ranges::binary_search(s.entries, d.entry))
        if (const auto day = day_of(d.at); first.empty() || day < first) first = day;
    ++days[first];
  }
  return days;
}

std::string report_html(const ReportInput& input, Language language) {
  return Report(input, language).document(language);
}

namespace {

void plots_of(const ReportInput& input, Pdf& pdf) {
  const Findings& f = *input.findings;
  const auto say = [](Word w) { return std::string(english(w)); };
  auto days = first_days(*input.extraction, *input.facts);
  std::uint64_t most = 1;
  for (const auto& [day, n] : days) most = std::max(most, n);
  if (!days.empty()) {
    pdf.line(say(Word::timeline), 13, true);
    pdf.line(say(Word::timeline_key));
    std::vector<Pdf::Bar> bars;
    const std::size_t left_out = days.size() - std::min(days.size(), kPlotDays);
    for (auto at = std::next(days.begin(), static_cast<std::ptrdiff_t>(left_out)); at != days.end();
         ++at)
      bars.push_back({static_cast<double>(at->second) / static_cast<double>(most), at->first,
                      std::to_string(at->second), false});
    bars.push_back({1, f.leak_day, "", true});
    pdf.bars(bars);
  }
  for (const NamedAccount& named : f.named) {
    const auto lines = input.symbol_of ? agreement(input, named.account)
                                       : std::vector<std::vector<bool>>();
    if (lines.empty()) continue;
    pdf.line(say(Word::match_plot) + ": " + input.id_of(named.account), 13, true);
    pdf.line(say(Word::match_key) + " " + say(Word::agrees) + " if filled.");
    for (std::size_t i = 0; i < std::min(lines.size(), kPlotLines); ++i) pdf.squares(lines[i]);
    pdf.gap();
  }
}

}  // namespace

std::string report_pdf(const ReportInput& input) {
  const Findings& f = *input.findings;
  const auto number = [](std::uint64_t n) { return std::to_string(n) + " "; };
  const auto say = [](Word w) { return std::string(english(w)); };
  Pdf pdf;
  pdf.line(say(Word::title) + " " + input.trace, 18, true);
  pdf.line(say(Word::seen_on) + " " + f.leak_day + ", " + number(f.leak_bytes) + say(Word::bytes));
  if (!input.brought_by.empty()) pdf.line(say(Word::brought_by) + ": " + input.brought_by);
  pdf.gap();
  pdf.line(say(Word::is_it_ours), 13, true);
  pdf.line(number(f.rows) + say(Word::rows_ours));
  pdf.line(number(f.sourced) + say(Word::rows_sourced) + "; " + number(f.foreign) +
           say(Word::rows_foreign));
  pdf.line(number(f.unknown) + say(Word::rows_unknown));
  const Totals exposed = exposed_of(input.impact);
  pdf.line(number(exposed.citizens) + say(Word::citizens_exposed));
  std::string fields = say(Word::which_fields) + ":";
  for (const auto& field : exposed.fields) fields += " " + field;
  pdf.line(fields);
  if (!f.not_before.empty()) pdf.line(say(Word::since_when) + " " + f.not_before);
  pdf.gap();
  pdf.line(say(Word::which_copies), 13, true);
  if (f.named.empty()) pdf.line(say(Word::nobody), 11, true);
  for (const NamedAccount& n : f.named) {
    const std::string bits_text = one_decimal(bits(n.millibits));
    pdf.line(say(Word::copy_of) + " " + input.id_of(n.account) + " (A)", 11, true);
    pdf.line(power_of_ten(n.millibits) + " " + say(Word::likelihood) + " " + bits_text + "). " +
             (n.coins == 0 ? ""
                           : number(n.agreeing) + say(Word::of_words) + " " + number(n.coins) +
                                 say(Word::coins_agree)));
    if (n.decoys > 0) {
      pdf.line(number(n.decoys) + say(Word::decoys_found) + " " + number(n.given) +
               say(Word::decoys_luck) + " " + one_decimal(bits(n.luck)) + ". " + say(Word::decoys_agree));
    }
  }
  if (f.strays)
    pdf.line(f.decoys_alone ? say(Word::decoys_decide)
                            : number(f.holders) + say(Word::decoys_beside));
  pdf.line(say(Word::bound) + " " + number(f.evaluations) + "x 1e-9");
  pdf.line(number(f.candidates) + say(Word::under_test) + " " + one_decimal(bits(f.bound_millibits)) +
           " " + say(Word::bits_on));
  pdf.line(say(Word::h1h2));
  pdf.gap();
  pdf.line(say(Word::what_changes), 13, true);
  for (const Word w : {Word::open_backend, Word::open_photo, Word::open_added, Word::heard})
    pdf.line("- " + say(w));
  pdf.gap();
  pdf.line(say(Word::not_seen), 13, true);
  if (!input.marked) pdf.line(say(Word::no_coins));
  pdf.line(number(f.symbols) + say(Word::coins_read) + "; " + number(f.erased) + say(Word::erased));
  pdf.line(say(Word::one_value));
  pdf.gap();
  plots_of(input, pdf);
  pdf.line(say(Word::numbers), 13, true);
  const std::string text = write_findings(f);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    pdf.line(text.substr(at, end - at), 9);
    at = end + 1;
  }
  return pdf.take();
}

}  // namespace amanat::trace
