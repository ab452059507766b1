// A leaked file traced from an auditor's own machine, over HTTPS (docs/trace-case.md): sent in
// parts, looked at, and what came out fetched.

#include "cli/trace_remote.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "cli/ask.h"
#include "cli/signed_act.h"
#include "cli/terminal.h"
#include "net/http.h"
#include "net/json.h"
#include "storage/reading.h"

namespace amanat::cli {
namespace {

constexpr std::chrono::milliseconds kLookAgain{500};
constexpr int kTries = 5;  // of a part, where the line breaks

/// Line is a connection that is made anew where it broke.
class Line {
 public:
  explicit Line(const Call& call) : call_(call) {}
  Result<net::Json> ask(std::string_view method, const std::string& target, std::string_view body,
                        std::string_view type) {
    auto response = raw(method, target, body, type);
    if (!response) return std::unexpected(response.error());
    auto json = parse_answer(response->body);
    if (!json) return fail(Reason::malformed_json, "the exchange's answer");
    if (response->status != 200 && response->status != 201)
      return std::unexpected(refusal_of(*json));
    return json;
  }
  Result<Response> raw(std::string_view method, const std::string& target, std::string_view body,
                       std::string_view type) {
    for (int left = kTries;; --left) {
      Result<Response> response = fail(Reason::peer_unreachable, {});
      if (!client_) {
        auto made = client_of(call_);
        if (made)
          client_.emplace(*std::move(made));
        else
          response = std::unexpected(made.error());
      }
      if (client_) response = client_->ask(method, target, body, type);
      if (response || left == 1 || response.error().reason != Reason::peer_unreachable)
        return response;
      client_.reset();
      std::this_thread::sleep_for(kLookAgain);
    }
  }

 private:
  const Call& call_;
  std::optional<net::Client> client_;
};

// 0: a copy is named; 1: none is (yet); 2: trouble.
int code_of(const net::Json& one) {
  if (member_text(one, "state") == "failed") return 2;
  const net::Json* named = one.find("accounts_named");
  return named != nullptr && named->array() != nullptr && !named->array()->empty() ? 0 : 1;
}

int tell(const Call& call, const Emit& emit, const net::Json& one, const std::string& raw) {
  if (call.manner.json) {
    emit(1, raw + "\n");
    return code_of(one);
  }
  std::string text = painted(call.manner, Paint::strong, "Trace " + member_text(one, "id")) + "  " +
                     member_text(one, "state") + "\n";
  const net::Json* named = one.find("accounts_named");
  if (named != nullptr && named->array() != nullptr)
    for (const net::Json& who : *named->array())
      if (who.string() != nullptr)
        text += "  the copies delivered to account " + visible(*who.string()) + "\n";
  const std::string state = member_text(one, "state"), trouble = member_text(one, "trouble");
  if (!trouble.empty()) text += "  " + visible(trouble) + "\n";
  if (state == "waiting")
    text += "  It waits for two auditors: amanat trace open " + member_text(one, "id") +
            " --url URL --ca CA --cert CERT --key KEY --reason WHY\n";
  if (state == "closed")
    text += code_of(one) == 0
                ? "  The evidence: amanat trace fetch " + member_text(one, "id") +
                      " --out FILE.tar; the report: --out FILE.html, FILE.ur.html or FILE.pdf\n"
                : std::string("  No account's copy is shown to be the source.\n");
  emit(1, text);
  return code_of(one);
}

// follow looks until the trace needs somebody, or with --wait until it is over.
int follow(Line& line, const Call& call, const Emit& emit, const std::string& id) {
  Progress progress(call.manner, emit, "tracing");
  for (;;) {
    auto response = line.raw("GET", "/v1/traces/" + id, {}, "application/json");
    if (!response) return complain(emit, call.manner, response.error());
    auto one = parse_answer(response->body);
    if (!one)
      return complain(emit, call.manner, Failure{Reason::malformed_json, "the exchange's answer"});
    if (response->status != 200) return complain(emit, call.manner, refusal_of(*one));
    const std::string state = member_text(*one, "state");
    const bool over = state == "closed" || state == "cancelled" || state == "failed";
    if (over || ((state == "waiting" || state == "receiving") && !call.has("wait")))
      return tell(call, emit, *one, response->body);
    if (const net::Json* at = one->find("progress"))
      progress.show(number_at(*at, "done"), number_at(*at, "total"), number_at(*at, "done"),
                    "bytes");
    std::this_thread::sleep_for(kLookAgain);
  }
}

}  // namespace

int run_trace_send(const Call& call, const Emit& emit) {
  const std::string& path = call.words.at(0);
  auto file = storage::ReadOnlyFile::open(path);
  if (!file) return complain(emit, call.manner, file.error());
  net::JsonWriter begin;
  begin.begin_object().key("name").string(std::filesystem::path(path).filename().string());
  begin.key("bytes").number(file->size());
  if (call.has("brought-by")) begin.key("brought_by").string(call.option("brought-by"));
  if (call.has("leak-day")) begin.key("leak_day").string(call.option("leak-day"));
  begin.end_object();
  Line line(call);
  auto begun = line.ask("POST", "/v1/traces", begin.take(), "application/json");
  if (!begun) return complain(emit, call.manner, begun.error());
  const std::string id = member_text(*begun, "id");
  const std::uint64_t part = number_at(*begun, "part_bytes");
  if (id.empty() || part == 0)
    return complain(emit, call.manner, Failure{Reason::malformed_json, "the exchange's answer"});
  {
    Progress progress(call.manner, emit, "sending");
    for (std::uint64_t at = 0; at < file->size(); at += part) {
      std::string bytes;
      if (auto read = file->read_at(at, part, bytes); !read)
        return complain(emit, call.manner, read.error());
      auto sent = line.ask("PUT", "/v1/traces/" + id + "?offset=" + std::to_string(at), bytes,
                           "application/octet-stream");
      if (!sent) return complain(emit, call.manner, sent.error());
      progress.show(at + bytes.size(), file->size(), at + bytes.size(), "bytes");
    }
  }
  return follow(line, call, emit, id);
}

int run_trace_status(const Call& call, const Emit& emit) {
  Line line(call);
  return follow(line, call, emit, call.words.at(0));
}

int run_trace_fetch(const Call& call, const Emit& emit) {
  const std::string& out = call.option("out");
  const char* what = out.ends_with(".tar")       ? "/bundle"
                     : out.ends_with(".ur.html") ? "/report.ur"
                     : out.ends_with(".html")    ? "/report"
                     : out.ends_with(".pdf")     ? "/report.pdf"
                     : out.ends_with(".csv")     ? "/impact"
                                                 : nullptr;
  if (what == nullptr)
    return complain(
        emit, call.manner,
        Failure{Reason::usage_wrong,
                "--out ends in .tar (evidence), .html, .ur.html, .pdf (report) or .csv (impact)"});
  Line line(call);
  auto response = line.raw("GET", "/v1/traces/" + call.words.at(0) + what, {}, "application/json");
  if (!response) return complain(emit, call.manner, response.error());
  if (response->status != 200) {
    auto json = parse_answer(response->body);
    return complain(emit, call.manner,
                    json ? refusal_of(*json) : Failure{Reason::malformed_json, "the answer"});
  }
  std::ofstream file(out, std::ios::binary | std::ios::trunc);
  file << response->body;
  if (!file.flush()) return complain(emit, call.manner, Failure{Reason::file_failed, out});
  if (call.manner.json)
    emit(1, "{\"bytes\":" + std::to_string(response->body.size()) + "}\n");
  else
    emit(1, grouped(response->body.size()) + " bytes written.\n");
  return 0;
}

}  // namespace amanat::cli
