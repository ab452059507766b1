// The page needs nothing beside itself: no script, no font, no picture from elsewhere, and its
// policy (CSP) says so. One radio button a language switches it; paper shows the language chosen.
// Directions are logical (inline, start), so that one stylesheet serves both scripts.

#include <algorithm>

#include "crypto/crypto.h"
#include "probe/probe.h"

namespace amanat::probe {
namespace {

constexpr std::string_view kStyle = R"css(
:root{color-scheme:light;--ink:#1b2430;--faint:#5c6773;--line:#d9dee4;--paper:#fff;--wash:#f5f7f9;--high:#a3262a;--medium:#8a5a00;--low:#3d5a80;--good:#1f6f43}
*{box-sizing:border-box}
body{margin:0;background:var(--wash);color:var(--ink);font:1rem/1.55 system-ui,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-inline-size:60rem;margin-inline:auto;padding:1.5rem 1rem 4rem}
[lang=ur]{font-family:"Noto Nastaliq Urdu","Jameel Noori Nastaleeq","Urdu Typesetting",serif;line-height:2.3}
.switch{display:flex;gap:1rem;justify-content:flex-end;align-items:center;max-inline-size:60rem;margin-inline:auto;padding:1rem}
.switch input{accent-color:var(--low)}
.ur{display:none}
body:has(#ur:checked) .ur{display:block}
body:has(#ur:checked) .en{display:none}
h1{font-size:1.6rem;margin:0 0 .25rem}
h2{font-size:1.15rem;margin:2.5rem 0 .75rem}
h3{font-size:1.05rem;margin:0}
.faint{color:var(--faint)}
.tally{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.5rem 0;padding:0;list-style:none}
.tally li{background:var(--paper);border:1px solid var(--line);border-radius:.5rem;padding:.5rem 1rem;min-inline-size:7rem}
.tally b{display:block;font-size:1.6rem;line-height:1.3}
article{background:var(--paper);border:1px solid var(--line);border-inline-start:.35rem solid var(--low);border-radius:.5rem;padding:1rem 1.25rem;margin-block-end:1rem;break-inside:avoid}
article.high{border-inline-start-color:var(--high)}
article.medium{border-inline-start-color:var(--medium)}
.mark{display:inline-block;font-size:.8rem;border:1px solid currentColor;border-radius:1rem;padding:0 .6rem;margin-inline-end:.5rem;color:var(--low)}
.high .mark{color:var(--high)}
.medium .mark{color:var(--medium)}
p{margin:.5rem 0}
code{font:0.92em ui-monospace,"DejaVu Sans Mono",Menlo,monospace;background:var(--wash);border-radius:.25rem;padding:.05rem .3rem;overflow-wrap:anywhere}
table{border-collapse:collapse;inline-size:100%;background:var(--paper);border:1px solid var(--line)}
th,td{text-align:start;padding:.4rem .7rem;border-block-end:1px solid var(--line);vertical-align:top}
th{font-size:.85rem;color:var(--faint)}
.wide{overflow-x:auto}
.fine{background:var(--paper);border:1px solid var(--line);border-inline-start:.35rem solid var(--good);border-radius:.5rem;padding:1rem 1.25rem}
@media print{body{background:#fff}.switch{display:none}main{max-inline-size:none;padding:0}h2{break-after:avoid}tr{break-inside:avoid}}
)css";

void put(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
    }
  }
}

std::string code(std::string_view text) {
  std::string out = "<bdi dir=\"ltr\"><code>";
  put(out, text);
  return out + "</code></bdi>";
}

std::string number(std::uint64_t n) {
  std::string digits = std::to_string(n);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return "<bdi dir=\"ltr\">" + digits + "</bdi>";
}

std::string_view weight_word(Weight weight, bool urdu) {
  switch (weight) {
    case Weight::high:
      return urdu ? "سنگین" : "grave";
    case Weight::medium:
      return urdu ? "درمیانہ" : "serious";
    case Weight::low:
      return urdu ? "معمولی" : "minor";
  }
  return "";
}

std::string_view type_word(registry::PersonalType type, bool urdu) {
  using enum registry::PersonalType;
  switch (type) {
    case national_id:
      return urdu ? "شناختی نمبر" : "national ID";
    case phone:
      return urdu ? "فون نمبر" : "phone number";
    case passport:
      return urdu ? "پاسپورٹ نمبر" : "passport number";
    case name:
      return urdu ? "نام" : "name";
    case address:
      return urdu ? "پتہ" : "address";
    case birth_date:
      return urdu ? "تاریخ پیدائش" : "date of birth";
  }
  return "";
}

class Page {
 public:
  Page(const Report& report, bool urdu) : report_(report), urdu_(urdu) {}

  std::string write() {
    out_ += urdu_ ? "<main class=\"ur\" lang=\"ur\" dir=\"rtl\">\n"
                  : "<main class=\"en\" lang=\"en\" dir=\"ltr\">\n";
    head();
    findings();
    visits();
    notes();
    out_ += "</main>\n";
    return std::move(out_);
  }

 private:
  std::string_view say(std::string_view english, std::string_view urdu) const {
    return urdu_ ? urdu : english;
  }

  void head() {
    out_ += "<h1>";
    out_ += say("Does it answer strangers?", "کیا یہ اجنبیوں کو جواب دیتا ہے؟");
    out_ += "</h1>\n<p class=\"faint\">";
    put(out_, report_.title);
    out_ +=
        " · " + code(report_.origin) + " · " + code(report_.began) + "</p>\n<ul class=\"tally\">";
    for (const Weight weight : {Weight::high, Weight::medium, Weight::low}) {
      const auto n =
          std::count_if(report_.findings.begin(), report_.findings.end(),
                        [weight](const Finding& f) { return row_of(f.kind).weight == weight; });
      out_ += "<li><b>" + number(static_cast<std::uint64_t>(n)) + "</b>" +
              std::string(weight_word(weight, urdu_)) + "</li>";
    }
    out_ += "<li><b>" + number(report_.visits.size()) + "</b>" +
            std::string(say("operations", "راستے")) + "</li>";
    out_ += "<li><b>" + number(report_.asked) + "</b>" +
            std::string(say("requests sent", "درخواستیں")) + "</li></ul>\n<p>";
    out_ +=
        say("No value that came back is kept or shown here: only what kind it was, how many there "
            "were, and what "
            "one of them looks like.",
            "جو معلومات واپس آئیں ان میں سے کوئی بھی یہاں محفوظ یا ظاہر نہیں: صرف قسم، تعداد اور "
            "شکل دکھائی گئی ہے۔");
    out_ += "</p>\n";
  }

  void findings() {
    out_ += "<h2>" + std::string(say("Holes", "سوراخ")) + "</h2>\n";
    if (report_.findings.empty()) {
      out_ += "<p class=\"fine\">";
      out_ +=
          say("None was found by what was asked. That is not proof that there is none.",
              "جو پوچھا گیا اس سے کوئی سوراخ نہیں ملا۔ یہ اس بات کا ثبوت نہیں کہ کوئی ہے ہی نہیں۔");
      out_ += "</p>\n";
    }
    for (const auto& one : report_.findings) finding(one);
  }

  void finding(const Finding& one) {
    const KindRow& row = row_of(one.kind);
    const std::string weight = row.weight == Weight::high     ? "high"
                               : row.weight == Weight::medium ? "medium"
                                                              : "low";
    out_ += "<article class=\"" + weight + "\"><h3><span class=\"mark\">" +
            std::string(weight_word(row.weight, urdu_)) + "</span>" +
            std::string(urdu_ ? row.urdu : row.english) + "</h3>\n<p>" +
            code(one.method + " " + one.path) + " · " + number(one.status) + " · " +
            std::string(words_of(one.difference, urdu_)) + "</p>\n";
    if (!one.how.empty()) {
      out_ += "<p>" + std::string(say("By: ", "کس طرح: "));
      for (std::size_t i = 0; i < one.how.size(); ++i)
        out_ += (i > 0 ? ", " : "") + code(one.how[i]);
      out_ += "</p>\n";
    }
    if (!one.personal.empty()) {
      out_ += "<p>" + std::string(say("Personal data: ", "ذاتی معلومات: "));
      for (std::size_t i = 0; i < one.personal.size(); ++i) {
        const auto& p = one.personal[i];
        out_ += (i > 0 ? ", " : "") + number(p.count) + " × " +
                std::string(type_word(p.type, urdu_)) + " " + code(p.shape);
      }
      out_ += "</p>\n";
    }
    out_ += "<p class=\"faint\">" + std::string(urdu_ ? row.means_urdu : row.means_english) +
            "</p>\n<p><strong>" + std::string(say("What to do: ", "کیا کریں: ")) + "</strong>" +
            std::string(urdu_ ? row.next_urdu : row.next_english) + "</p></article>\n";
  }

  void visits() {
    out_ += "<h2>" + std::string(say("What was asked", "کیا پوچھا گیا")) +
            "</h2>\n<div class=\"wide\"><table><thead><tr>";
    for (const auto& [english, urdu] : {std::pair{"Operation", "راستہ"},
                                        {"Stranger", "اجنبی"},
                                        {"Rightful caller", "حق دار"},
                                        {"So", "نتیجہ"}})
      out_ += "<th scope=\"col\">" + std::string(say(english, urdu)) + "</th>";
    out_ += "</tr></thead><tbody>\n";
    for (const auto& one : report_.visits) {
      const auto status = [](unsigned s) { return s == 0 ? std::string("–") : number(s); };
      out_ += "<tr><td>" + code(one.method + " " + one.path) + "</td><td>" +
              status(one.stranger_status) + "</td><td>" + status(one.own_status) + "</td><td>" +
              std::string(words_of(one.outcome, urdu_)) + "</td></tr>\n";
    }
    out_ += "</tbody></table></div>\n";
  }

  void notes() {
    if (report_.notes.empty()) return;
    out_ += "<h2>" + std::string(say("Notes", "نوٹ")) + "</h2>\n<ul" +
            (urdu_ ? " lang=\"en\" dir=\"ltr\"" : "") + ">";
    for (const auto& one : report_.notes) {
      out_ += "<li>";
      put(out_, one);
      out_ += "</li>";
    }
    out_ += "</ul>\n";
  }

  const Report& report_;
  bool urdu_;
  std::string out_;
};

}  // namespace

std::string report_html(const Report& report, const PageOptions& options) {
  const bool urdu_first = options.language == PageOptions::Language::urdu;
  std::string out =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'; font-src data:\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n<title>";
  put(out, "Probe: " + report.title);
  out += "</title>\n<style>" + std::string(kStyle);
  if (!options.font.empty())
    out += "@font-face{font-family:\"Noto Nastaliq Urdu\";src:url(data:font/woff2;base64," +
           crypto::base64(
               {reinterpret_cast<const std::uint8_t*>(options.font.data()), options.font.size()}) +
           ")}\n";
  out += "</style>\n</head>\n<body>\n";
  out +=
      "<div class=\"switch\" role=\"group\" aria-label=\"Language\"><label><input type=\"radio\" "
      "name=\"language\" id=\"en\"" +
      std::string(urdu_first ? "" : " checked") +
      "> English</label><label lang=\"ur\"><input type=\"radio\" name=\"language\" id=\"ur\"" +
      std::string(urdu_first ? " checked" : "") + "> اردو</label></div>\n";
  out += Page(report, false).write() + Page(report, true).write();
  return out + "</body>\n</html>\n";
}

}  // namespace amanat::probe
