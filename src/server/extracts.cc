// Extracts: a list is sent in parts, a bulk question asked about it, and its rows fetched once its
// entries are durable. Form: docs/extracts.md.

#include <charconv>
#include <cstring>
#include <memory>

#include "crypto/crypto.h"
#include "lookup/extracts.h"
#include "net/json.h"
#include "server/api.h"
#include "server/exchange.h"
#include "server/problem.h"

namespace amanat::server {
namespace {

constexpr std::uint64_t kFetchedMax = 4u << 20;  // bytes a reply

struct Asking {
  Request request;
  net::Reply reply;
  ~Asking() { wipe(request.body.data(), request.body.size()); }
};

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

void put_words(net::JsonWriter& json, std::string_view name,
               const std::vector<std::string>& words) {
  json.key(name).begin_array();
  for (const auto& word : words) json.string(word);
  json.end_array();
}

void write_view(net::JsonWriter& json, const lookup::ExtractView& view) {
  const lookup::ExtractRow& row = view.row;
  json.begin_object();
  json.key("extract").string(row.id);
  json.key("state").string(lookup::word_of(row.state));
  json.key("citizens").number(row.citizens);
  json.key("done").number(view.done);
  json.key("purpose").string(row.purpose);
  json.key("case").string(row.case_ref);
  json.key("format").string(row.format);
  put_words(json, "fields", row.fields);
  json.key("list").string(row.list);
  json.key("asked").string(lookup::utc(row.asked));
  if (!row.reason.empty()) json.key("reason").string(row.reason);
  if (!row.detail.empty()) json.key("detail").string(row.detail);
  if (row.export_entry != 0) {
    json.key("rows").number(row.rows);
    json.key("with_records").number(row.with_records);
    json.key("bytes").number(row.bytes);
    json.key("sha256").string(row.sha256);
    put_words(json, "columns", row.columns);
    json.key("first_entry").number(row.first);
    json.key("export_entry").number(row.export_entry);
    json.key("made").string(lookup::utc(row.made));
    json.key("expires").string(lookup::utc(row.expires));
  }
  json.end_object();
}

Response json_response(unsigned status, std::string body) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

// Wanted is the part of the rows a request asks for: "bytes=FIRST-LAST" or "bytes=FIRST-" (RFC 9110
// 14.1.2), one range; without one, all of it.
struct Wanted {
  std::uint64_t from = 0, size = 0;
  bool part = false;
};
Result<Wanted> wanted_of(std::string_view range, std::uint64_t bytes) {
  Wanted wanted;
  if (range.empty()) {
    if (bytes > kFetchedMax)
      return fail(Reason::range_wrong, std::to_string(bytes) + " bytes: fetch them in ranges");
    wanted.size = bytes;
    return wanted;
  }
  const std::size_t dash = range.find('-');
  if (!range.starts_with("bytes=") || dash == std::string_view::npos)
    return fail(Reason::range_wrong, "bytes=FIRST-LAST");
  const auto first = number_in(range.substr(6, dash - 6));
  const std::string_view last_text = range.substr(dash + 1);
  const auto last = last_text.empty() ? std::optional(bytes - 1) : number_in(last_text);
  if (!first || !last || *first >= bytes || *last < *first)
    return fail(Reason::range_wrong, "of " + std::to_string(bytes) + " bytes");
  wanted.part = true;
  wanted.from = *first;
  wanted.size = std::min(*last, bytes - 1) - *first + 1;
  if (wanted.size > kFetchedMax) return fail(Reason::range_wrong, "at most 4194304 bytes a reply");
  return wanted;
}

std::string type_of(const std::string& format) {
  if (format == "csv") return "text/csv; charset=utf-8; header=present";
  if (format == "jsonl") return "application/jsonl";
  return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
}

Result<Response> rows_of(lookup::Extracts& extracts, const Caller& caller, const Request& request,
                         std::string_view id) {
  auto view = extracts.view(caller.asker().account, id);
  if (!view) return std::unexpected(view.error());
  const lookup::ExtractRow& row = view->row;
  // State, expiry and holds are judged with the reading; until then the size is not known.
  auto wanted = row.bytes > 0 ? wanted_of(request.header("range"), row.bytes) : Wanted{};
  if (!wanted) return std::unexpected(wanted.error());
  auto rows = extracts.read(caller.asker(), id, wanted->from, wanted->size);
  if (!rows) return std::unexpected(rows.error());
  Response response;
  response.content_type = type_of(row.format);
  response.body.assign(rows->body());
  response.headers.emplace_back("Accept-Ranges", "bytes");
  response.headers.emplace_back("ETag", "\"" + row.sha256 + "\"");
  response.headers.emplace_back("Content-Disposition",
                                "attachment; filename=\"" + row.id + "." + row.format + "\"");
  if (wanted->part) {
    response.status = 206;
    response.headers.emplace_back("Content-Range",
                                  "bytes " + std::to_string(wanted->from) + "-" +
                                      std::to_string(wanted->from + wanted->size - 1) + "/" +
                                      std::to_string(row.bytes));
  }
  return response;
}

Result<Response> one_of(Exchange& exchange, const Caller& caller, const Request& request,
                        std::string_view rest) {
  lookup::Extracts& extracts = exchange.extracts();
  const std::size_t slash = rest.find('/');
  const std::string_view id = rest.substr(0, slash);
  const std::string_view what = slash == std::string_view::npos ? "" : rest.substr(slash + 1);
  if (what == "rows") return rows_of(extracts, caller, request, id);
  auto view = extracts.view(caller.asker().account, id);
  if (!view) return std::unexpected(view.error());
  Response response;
  if (what == "manifest") {
    auto manifest = extracts.manifest(caller.asker().account, id);
    if (!manifest) return std::unexpected(manifest.error());
    response.content_type = "text/plain; charset=utf-8";
    response.body = *std::move(manifest);
    return response;
  }
  if (what == "receipt") {
    if (view->row.export_entry == 0) return fail(Reason::extract_unfinished);
    auto receipt = exchange.ledger().prove(EntryIndex{view->row.export_entry});
    if (!receipt) return std::unexpected(receipt.error());
    response.content_type = "text/plain; charset=utf-8";
    response.body = *std::move(receipt);
    return response;
  }
  if (!what.empty()) return fail(Reason::no_such_route);
  net::JsonWriter json;
  write_view(json, *view);
  return json_response(200, json.take());
}

// "<64 hex digits>/<part>".
Result<Response> take_list(Exchange& exchange, const Caller& caller, const Request& request,
                           std::string_view rest) {
  const std::size_t slash = rest.find('/');
  const auto bytes = crypto::from_hex(rest.substr(0, slash));
  const auto part =
      slash == std::string_view::npos ? std::nullopt : number_in(rest.substr(slash + 1));
  Digest list{};
  if (!bytes || bytes->size() != list.size() || !part || *part > 1000)
    return fail(Reason::malformed_value, "the path is lists/SHA256/PART");
  std::memcpy(list.data(), bytes->data(), list.size());
  auto taken = exchange.extracts().take_list(
      caller.asker().account, list, static_cast<unsigned>(*part), request.body, request.received);
  if (!taken) return std::unexpected(taken.error());
  net::JsonWriter json;
  json.begin_object().key("numbers").number(*taken).end_object();
  return json_response(200, json.take());
}

}  // namespace

void Api::add_extracts() {
  routes_.data({"PUT", "/v1/extracts/lists/{list...}", "officer, service",
                "Send part N of a list of national IDs, one a line: lists/SHA256/N."},
               [this](const Caller& caller, const Request& request, std::string_view rest) {
                 return take_list(exchange_, caller, request, rest);
               });
  routes_.question(
      {"POST", "/v1/extracts", "officer, service", "Ask for an extract about a list sent before."},
      [this](Request request, net::Reply reply) {
        auto asking = std::make_shared<Asking>();
        asking->request = std::move(request);
        asking->reply = std::move(reply);
        auto task = exchange_.extracts().ask(asking->request);
        start(std::move(task), [asking](Result<std::string> id) {
          if (!id) return asking->reply(refusal(id.error(), asking->request));
          net::JsonWriter json;
          json.begin_object().key("extract").string(*id).end_object();
          Response response = json_response(202, json.take());
          response.headers.emplace_back("Location", "/v1/extracts/" + *id);
          response.headers.emplace_back("Cache-Control", "no-store");
          asking->reply(std::move(response));
        });
      });
  routes_.data({"GET", "/v1/extracts", "officer, service", "One's own extracts, the newest first."},
               [this](const Caller& caller, const Request&, std::string_view) -> Result<Response> {
                 net::JsonWriter json;
                 json.begin_object().key("extracts").begin_array();
                 for (const auto& view : exchange_.extracts().list(caller.asker().account))
                   write_view(json, view);
                 json.end_array().end_object();
                 return json_response(200, json.take());
               });
  routes_.data({"GET", "/v1/extracts/{id...}", "who asked for it",
                "State and progress; ID/rows: the rows, by Range; ID/manifest; ID/receipt."},
               [this](const Caller& caller, const Request& request, std::string_view rest) {
                 return one_of(exchange_, caller, request, rest);
               });
  routes_.data(
      {"DELETE", "/v1/extracts/{id...}", "who asked for it",
       "The rows are fetched: wipe them now."},
      [this](const Caller& caller, const Request&, std::string_view rest) -> Result<Response> {
        if (auto wiped = exchange_.extracts().wipe(caller.asker().account, rest); !wiped)
          return std::unexpected(wiped.error());
        return json_response(200, "{\"wiped\":true}");
      });
}

}  // namespace amanat::server
