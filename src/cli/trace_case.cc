// amanat trace FILE and what follows it: a leaked file handed in, opened by two auditors, and what
// came out (docs/trace-case.md). Reading and matching alone: trace.cc.

#include <chrono>
#include <fstream>
#include <thread>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/signed_act.h"
#include "cli/terminal.h"
#include "net/json.h"
#include "server/traces.h"

namespace amanat::cli {
namespace {

using server::TraceCase;
using server::TraceState;

constexpr std::chrono::seconds kWaitMost{24 * 3600};

// 0: a copy is named; 1: none is (yet); 2: trouble.
int code_of(const TraceCase& one) {
  if (one.state == TraceState::failed) return 2;
  return one.state == TraceState::closed && !one.named.empty() ? 0 : 1;
}

std::string next_of(const TraceCase& one) {
  switch (one.state) {
    case TraceState::receiving:
      return "Parts of the file are missing.";
    case TraceState::waiting:
      return std::to_string(one.opened_by.size()) + " of two auditors have opened it: amanat trace open " +
             one.id + " --url URL --ca CA --cert CERT --key KEY --reason WHY";
    case TraceState::closed:
      return one.bundle ? "The evidence: amanat trace bundle " + one.id + " --out FILE.tar, for amanat-verify evidence"
                        : "No account's copy is shown to be the source.";
    case TraceState::failed:
      return one.trouble;
    default:
      return "";
  }
}

void put(net::JsonWriter& json, const server::Traces& traces, const TraceCase& one) {
  json.begin_object().key("id").string(one.id).key("state").string(word_of(one.state));
  json.key("leak_day").string(one.leak_day).key("bytes").number(one.bytes);
  json.key("opened_by").begin_array();
  for (const auto& who : one.opened_by) json.string(who);
  json.end_array().key("accounts_named").begin_array();
  for (const auto& who : one.named) json.string(who);
  json.end_array().key("bundle").boolean(one.bundle);
  if (!one.trouble.empty()) json.key("trouble").string(one.trouble);
  if (auto summary = traces.summary(one.id)) json.key("summary").raw(*summary);
  if (auto findings = traces.findings(one.id)) json.key("findings").raw(*findings);
  json.end_object();
}

std::string for_people(const Manner& manner, const TraceCase& one) {
  std::string text = painted(manner, Paint::strong, "Trace " + one.id) + "  " +
                     std::string(word_of(one.state)) + "  " + visible(one.name) + ", " +
                     grouped(one.bytes) + " bytes, first seen " + one.leak_day + "\n";
  for (const auto& who : one.named)
    text += "  " + painted(manner, Paint::bad, "the copies delivered to account " + visible(who)) + "\n";
  if (const std::string next = next_of(one); !next.empty()) text += wrapped(next, 96, "  ");
  if (text.back() != '\n') text += "\n";
  return text;
}

int tell(server::Exchange& exchange, const Call& call, const Emit& emit, const TraceCase& one) {
  if (call.manner.json) {
    net::JsonWriter json;
    put(json, exchange.traces(), one);
    emit(1, json.take() + "\n");
  } else {
    emit(1, for_people(call.manner, one));
  }
  return code_of(one);
}

// Waits until the trace needs somebody, or with --wait until it is over.
Result<TraceCase> follow(server::Exchange& exchange, const Call& call, const Emit& emit, const std::string& id) {
  Progress progress(call.manner, emit, "tracing");
  const auto until = std::chrono::steady_clock::now() + kWaitMost;
  for (;;) {
    auto one = exchange.traces().rest(id, [&] {
      const auto [done, total] = exchange.traces().progress();
      progress.show(done, total, done, "bytes");
      return true;
    });
    if (!one) return one;
    const bool waits = one->state == TraceState::waiting || one->state == TraceState::receiving;
    const bool over = one->state == TraceState::closed || one->state == TraceState::cancelled ||
                      one->state == TraceState::failed;
    if (over || (waits && !call.has("wait")) || std::chrono::steady_clock::now() >= until) return one;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

int write_out(const Call& call, const Emit& emit, const Result<std::string>& text) {
  if (!text) return complain(emit, call.manner, text.error());
  std::ofstream out(call.option("out"), std::ios::binary | std::ios::trunc);
  out << *text;
  if (!out.flush()) return complain(emit, call.manner, Failure{Reason::file_failed, call.option("out")});
  if (call.manner.json)
    emit(1, "{\"bytes\":" + std::to_string(text->size()) + "}\n");
  else
    emit(1, grouped(text->size()) + " bytes written.\n");
  return 0;
}

}  // namespace

int run_trace(server::Exchange& exchange, const Call& call, const Emit& emit) {
  server::Traces::Begin begin;
  begin.leak_day = call.option_or("leak-day", "");
  begin.brought_by = call.option_or("brought-by", "");
  auto id = exchange.traces().take_file(call.words.at(0), begin);
  if (!id) return complain(emit, call.manner, id.error());
  auto one = follow(exchange, call, emit, *id);
  if (!one) return complain(emit, call.manner, one.error());
  return tell(exchange, call, emit, *one);
}

int run_trace_list(server::Exchange& exchange, const Call& call, const Emit& emit) {
  const auto all = exchange.traces().list();
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("traces").begin_array();
    for (const TraceCase& one : all) put(json, exchange.traces(), one);
    json.end_array().end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  if (all.empty()) emit(1, "No leaked file was traced yet.\n");
  for (const TraceCase& one : all) emit(1, for_people(call.manner, one));
  return 0;
}

int run_trace_show(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto one = exchange.traces().find(call.words.at(0));
  if (one && call.has("wait")) one = follow(exchange, call, emit, call.words.at(0));
  if (!one) return complain(emit, call.manner, one.error());
  return tell(exchange, call, emit, *one);
}

int run_trace_cancel(server::Exchange& exchange, const Call& call, const Emit& emit) {
  if (auto done = exchange.traces().cancel(call.words.at(0)); !done)
    return complain(emit, call.manner, done.error());
  emit(1, call.manner.json ? "{\"cancelled\":true}\n" : "Cancelled; the file is removed.\n");
  return 0;
}

int run_trace_bundle(server::Exchange& exchange, const Call& call, const Emit& emit) {
  return write_out(call, emit, exchange.traces().bundle(call.words.at(0)));
}

int run_trace_report(server::Exchange& exchange, const Call& call, const Emit& emit) {
  const std::string& out = call.option("out");
  const char* file = out.ends_with(".pdf") ? "report.pdf" : call.manner.urdu ? "report.ur.html" : "report.html";
  return write_out(call, emit, exchange.traces().report(call.words.at(0), file));
}

int run_trace_open(const Call& call, const Emit& emit) {
  Act act;
  act.verb = "open-trace";
  act.target = call.words.at(0);
  act.reason = call.option("reason");
  auto body = signed_act(call, act);
  if (!body) return complain(emit, call.manner, body.error());
  auto client = client_of(call);
  if (!client) return complain(emit, call.manner, client.error());
  auto response = client->ask("POST", "/v1/traces/" + act.target, *body);
  if (!response) return complain(emit, call.manner, response.error());
  auto json = parse_answer(response->body);
  if (!json) return complain(emit, call.manner, Failure{Reason::malformed_json, "the exchange's answer"});
  if (response->status != 200) return complain(emit, call.manner, refusal_of(*json));
  const net::Json* opened = json->find("opened_by");
  const std::size_t n = opened != nullptr && opened->array() != nullptr ? opened->array()->size() : 0;
  if (call.manner.json)
    emit(1, "{\"opened_by\":" + std::to_string(n) + "}\n");
  else
    emit(1, n < 2 ? "Opened; a second auditor's word starts it.\n" : "Opened by two auditors: it is sealed and goes on.\n");
  return 0;
}

}  // namespace amanat::cli
