// amanat trace read and match: what a leaked file is, and how much of it this exchange disclosed. They
// name no account: that takes the sealed procedure, and a bound on accusing an innocent.

#include "trace/trace.h"

#include <chrono>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "cli/commands.h"
#include "cli/terminal.h"
#include "crypto/crypto.h"
#include "model/insist.h"
#include "net/json.h"

namespace amanat::cli {
namespace {

using namespace trace;

constexpr std::string_view kNobody = "no account is named";
constexpr std::size_t kShownClusters = 50, kShownParts = 50;

// Text from a leak may be in any encoding: what is no UTF-8 becomes a question mark.
std::string clean(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    std::size_t n = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    bool whole = n > 0 && i + n <= text.size();
    for (std::size_t k = 1; whole && k < n; ++k) whole = (static_cast<unsigned char>(text[i + k]) & 0xC0) == 0x80;
    if (whole && n == 3) whole = !(lead == 0xE0 && static_cast<unsigned char>(text[i + 1]) < 0xA0) &&
                                 !(lead == 0xED && static_cast<unsigned char>(text[i + 1]) > 0x9F);
    if (whole && n == 4) whole = !(lead == 0xF0 && static_cast<unsigned char>(text[i + 1]) < 0x90) &&
                                 !(lead == 0xF4 && static_cast<unsigned char>(text[i + 1]) > 0x8F);
    if (!whole) {
      out.push_back('?');
      ++i;
      continue;
    }
    out.append(text, i, n);
    i += n;
  }
  return out;
}

// A heading that holds a number itself is no heading but a row: it is not shown.
std::string heading_of(const ColumnSummary& column) {
  std::vector<Identifier> found;
  find_identifiers(column.heading, found);
  return found.empty() ? clean(column.heading) : std::string();
}

std::string day_text(std::uint16_t day) {
  const std::chrono::sys_days date(std::chrono::days(10'957 + day));  // 2000-01-01
  const std::chrono::year_month_day d(date);
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(d.year()), static_cast<unsigned>(d.month()),
                static_cast<unsigned>(d.day()));
  return text;
}

void write_columns(net::JsonWriter& json, const ClusterSummary& cluster) {
  json.key("columns").begin_array();
  for (const auto& c : cluster.columns) {
    json.begin_object().key("heading").string(heading_of(c)).key("kind").string(word_of(c.kind));
    json.key("share_percent").number(static_cast<std::uint64_t>(c.share * 100 + 0.5));
    json.key("looked_at").number(c.looked_at).key("doubtful").boolean(c.doubtful);
    if (c.kind == ColumnKind::date)
      json.key("day_first").boolean(!c.month_first).key("order_decided").boolean(c.order_decided);
    json.end_object();
  }
  json.end_array();
}

void write_reading(net::JsonWriter& json, const Summary& s) {
  json.key("file").begin_object().key("sha256").string(crypto::hex(s.sha256)).key("bytes").number(s.bytes);
  json.key("parts").begin_array();
  for (const auto& p : s.parts) {
    json.begin_object().key("name").string(clean(p.name)).key("format").string(word_of(p.format));
    json.key("charset").string(p.charset).key("bytes").number(p.bytes).key("note");
    p.note.empty() ? json.null() : json.string(p.note);
    json.end_object();
  }
  json.end_array().end_object();
  json.key("rows").number(s.rows).key("rows_with_identifiers").number(s.rows_with_identifiers);
  json.key("identifiers").begin_object();
  for (const Kind kind : {Kind::national_id, Kind::msisdn}) {
    const auto k = static_cast<std::size_t>(kind);
    json.key(word_of(kind)).begin_object().key("count").number(s.count(kind)).key("partial").number(s.partial[k]);
    json.key("layouts").begin_object();
    for (std::size_t l = 0; l < kLayouts; ++l)
      if (s.found[k][l] > 0) json.key(word_of(static_cast<Layout>(l))).number(s.found[k][l]);
    json.end_object().end_object();
  }
  json.end_object().key("doubtful").number(s.doubtful);
  json.key("templates").begin_array();
  for (const auto& c : s.clusters) {
    json.begin_object().key("part").number(c.part).key("format").string(word_of(c.format));
    json.key("table").string(clean(c.table)).key("rows").number(c.rows);
    json.key("rows_with_identifiers").number(c.rows_with_identifiers);
    write_columns(json, c);
    json.end_object();
  }
  json.end_array();
}

void write_matching(net::JsonWriter& json, const Outcome& o) {
  json.key("matching").begin_object().key("ledger_entries").number(o.ledger_entries);
  json.key("disclosures_indexed").number(o.disclosures).key("disclosures_nameless").number(o.nameless);
  json.key("rows").number(o.match.rows).key("rows_matched").number(o.match.rows_matched);
  json.key("rows_doubtful").number(o.match.rows_doubtful).key("citizens").number(o.match.citizens);
  json.key("disclosures").number(o.match.disclosures).key("first_day");
  o.match.citizens > 0 ? json.string(day_text(o.match.first_day)) : json.null();
  json.key("last_day");
  o.match.citizens > 0 ? json.string(day_text(o.match.last_day)) : json.null();
  json.end_object();
}

std::string reading_for_people(const Manner& manner, const Summary& s) {
  std::string text = painted(manner, Paint::strong, "The file") + "\n  " + grouped(s.bytes) + " bytes, SHA-256 " +
                     crypto::hex(s.sha256) + "\n";
  Columns parts({Columns::Align::left, Columns::Align::left, Columns::Align::right, Columns::Align::left});
  for (std::size_t i = 0; i < std::min(s.parts.size(), kShownParts); ++i) {
    const auto& p = s.parts[i];
    parts.add({visible(clean(p.name)), std::string(word_of(p.format)) + (p.charset.empty() ? "" : ", " + p.charset),
               grouped(p.bytes), p.note.empty() ? "" : "note: " + p.note});
  }
  text += parts.render("  ");
  if (s.parts.size() > kShownParts) text += "  ... and " + grouped(s.parts.size() - kShownParts) + " more parts\n";
  text += painted(manner, Paint::strong, "What is in it") + "\n  " + grouped(s.rows) + " rows, " +
          grouped(s.rows_with_identifiers) + " with a national ID or a phone number\n";
  Columns counts({Columns::Align::right, Columns::Align::left});
  counts.add({grouped(s.count(Kind::national_id)), "national IDs"});
  counts.add({grouped(s.count(Kind::msisdn)), "phone numbers"});
  if (s.partial[0] + s.partial[1] > 0)
    counts.add({grouped(s.partial[0] + s.partial[1]), "of them with digits lost (E+12): leads, never evidence"});
  if (s.doubtful > 0) counts.add({grouped(s.doubtful), "of them in columns that look like times: doubtful"});
  text += counts.render("  ");
  Columns columns;
  std::size_t shown = 0;
  for (const auto& cluster : s.clusters) {
    if (cluster.rows_with_identifiers == 0 || ++shown > kShownClusters) continue;
    std::string line;
    for (const auto& c : cluster.columns) {
      const std::string heading = visible(heading_of(c));
      line += (line.empty() ? "" : ", ") + (heading.empty() ? "" : heading + " = ") + std::string(word_of(c.kind));
    }
    text += wrapped(grouped(cluster.rows) + " rows of " + line, 96, "  ");
  }
  return text;
}

// Ctrl-C ends a reading in order. Only where no exchange is served: there the signal is the server's,
// and a trace that is killed leaves nothing half done either.
std::atomic<bool> interrupted{false};
class Interrupt {
 public:
  Interrupt() {
    interrupted = false;
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = true; };
    sigaction(SIGINT, &action, &before_);
  }
  ~Interrupt() { sigaction(SIGINT, &before_, nullptr); }
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

 private:
  struct sigaction before_ {};
};

std::string absolute(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::absolute(path, ignored).string();
}

}  // namespace

int run_trace_read(const Call& call, const Emit& emit) {
  insist(call.words.size() == 1);
  const Interrupt interrupt;
  Result<Summary> read;
  {
    Progress progress(call.manner, emit, "reading");
    ReadOptions options;
    options.stop = &interrupted;
    options.progress = [&](std::uint64_t done, std::uint64_t total, std::uint64_t rows) {
      progress.show(done, total, rows, "rows");
    };
    read = read_leak(call.words[0], options);
  }
  if (!read) return complain(emit, call.manner, read.error());
  if (!call.manner.json) {
    emit(1, reading_for_people(call.manner, *read));
    return 0;
  }
  net::JsonWriter json;
  json.begin_object();
  write_reading(json, *read);
  json.key("verdict").string(kNobody).end_object();
  emit(1, json.take() + "\n");
  return 0;
}

int run_trace_match(server::Exchange& exchange, const Call& call, const Emit& emit) {
  insist(call.words.size() == 1);
  auto key = exchange.trace_key();
  if (!key) return complain(emit, call.manner, key.error());
  auto trace = Trace::open({exchange.home().trace(), *key}, exchange.trace_sources());
  if (!trace) return complain(emit, call.manner, trace.error());
  Result<Outcome> outcome;
  {
    Progress progress(call.manner, emit, "tracing");
    RunOptions options;
    options.progress = [&](std::uint64_t done, std::uint64_t total, std::uint64_t rows) {
      progress.show(done, total, rows, "rows");
    };
    outcome = (*trace)->run(absolute(call.words[0]), options);
  }
  if (!outcome) return complain(emit, call.manner, outcome.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object();
    write_reading(json, outcome->read);
    write_matching(json, *outcome);
    json.key("verdict").string(kNobody).end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  const auto& m = outcome->match;
  std::string text = reading_for_people(call.manner, outcome->read);
  text += painted(call.manner, Paint::strong, "What of it this exchange disclosed") + "\n  " + grouped(m.rows_matched) +
          " of " + grouped(m.rows) + " rows are of citizens whose data was disclosed: " + grouped(m.citizens) +
          " citizens, " + grouped(m.disclosures) + " disclosures";
  if (m.citizens > 0) text += ", " + day_text(m.first_day) + " to " + day_text(m.last_day);
  text += "\n";
  if (m.rows_doubtful > 0)
    text += "  " + grouped(m.rows_doubtful) + " more rows match only through numbers that look like times: not counted\n";
  if (outcome->nameless > 0)
    text += "  " + grouped(outcome->nameless) + " disclosures are of people no record names any more: not searched\n";
  text += wrapped("An overlap proves nothing about anybody: who shares work shares rows. So " + std::string(kNobody) + ".", 96, "  ");
  emit(1, text);
  return 0;
}

}  // namespace amanat::cli
