// How a department is asked: its PostgreSQL, or an HTTPS interface that takes a JSON document and
// returns one. The ID is a parameter or stands in the body, never in a statement or a URL.

#include <algorithm>

#include "model/insist.h"
#include "net/foreign.h"
#include "net/json.h"
#include "registry/live.h"
#include "registry/source.h"
#include "storage/file.h"
#include "storage/live_table.h"

namespace amanat::registry {
namespace {

constexpr unsigned kDepthMax = 8;
constexpr std::size_t kValuesMax = 200'000;
constexpr std::size_t kHeadBytesMax = 16 * 1024;

std::unexpected<Failure> wrong(std::string what) {
  return fail(Reason::department_reply_wrong, std::move(what));
}

void wipe_texts(net::Json& json) {
  if (auto* text = std::get_if<std::string>(&json.value)) wipe(text->data(), text->size());
  if (auto* list = std::get_if<net::Json::Array>(&json.value))
    for (auto& one : *list) wipe_texts(one);
  if (auto* object = std::get_if<net::Json::Object>(&json.value))
    for (auto& member : *object) wipe_texts(member.value);
}

class TableLine final : public LiveLine {
 public:
  explicit TableLine(const Dataset& dataset) : dataset_(dataset), table_(options(*dataset.live)) {}

  Result<LiveCells> ask(std::string_view id, const std::vector<std::size_t>& asked,
                        Deadline deadline) override {
    auto rows = table_.read(columns(asked), id, deadline);
    if (!rows) return std::unexpected(rows.error());
    LiveCells out;
    for (const auto& row : rows->rows) {
      auto& cells = out.emplace_back(dataset_.fields.size());
      for (std::size_t c = 0; c < asked.size(); ++c) cells[asked[c]] = rows->text.view(row[c]);
    }
    return out;
  }
  Result<std::vector<std::string>> examine(Deadline deadline) override {
    std::vector<std::size_t> all;
    for (std::size_t f = 0; f < dataset_.fields.size(); ++f) all.push_back(f);
    auto complaints = table_.examine(columns(all), deadline);
    if (!complaints) return complaints;
    // An ID nobody has: is there something to compare it with?
    const std::string nobody(13, '0');
    auto rows =
        table_.read(columns({*dataset_.subject}), in_form(dataset_.live->form, nobody), deadline);
    if (!rows) return std::unexpected(rows.error());
    return complaints;
  }

 private:
  static storage::LiveTableOptions options(const Live& live) {
    storage::LiveTableOptions o;
    o.host = live.host;
    o.port = live.port;
    o.user = live.user;
    o.database = live.database;
    o.plain = live.plain;
    o.ca_file = live.ca;
    o.certificate_file = live.certificate;
    o.key_file = live.key;
    o.password_file = live.secret;
    o.schema = live.schema;
    o.table = live.table;
    o.id_column = live.id_column;
    o.connect_ms = live.connect_ms;
    o.total_ms = live.total_ms;
    o.rows_max = live.rows_max;
    o.bytes_max = live.bytes_max;
    return o;
  }
  std::vector<std::string> columns(const std::vector<std::size_t>& fields) const {
    std::vector<std::string> out;
    for (const std::size_t f : fields) out.push_back(dataset_.fields[f].asked_as);
    return out;
  }
  const Dataset& dataset_;
  storage::LiveTable table_;
};

class RestLine final : public LiveLine {
 public:
  explicit RestLine(const Dataset& dataset) : dataset_(dataset), live_(*dataset.live) {}

  Result<LiveCells> ask(std::string_view id, const std::vector<std::size_t>& asked,
                        Deadline deadline) override {
    auto reply = send(id, asked, deadline);
    if (!reply) {
      foreign_.reset();  // the next question looks the name up again
      return std::unexpected(told(reply.error()));
    }
    if (reply->cut) return wrong("more bytes than `bytes` allows");
    if (reply->status == 404 || reply->status == 204) return LiveCells{};
    if (reply->status != 200)
      return fail(Reason::department_silent, "HTTP status " + std::to_string(reply->status));
    return rest_cells(dataset_, reply->body, asked);
  }
  Result<std::vector<std::string>> examine(Deadline deadline) override {
    std::vector<std::size_t> all;
    for (std::size_t f = 0; f < dataset_.fields.size(); ++f) all.push_back(f);
    const std::string nobody(13, '0');
    auto cells = ask(in_form(live_.form, nobody), all, deadline);
    if (!cells) return std::unexpected(cells.error());
    std::vector<std::string> out;
    if (!cells->empty()) out.push_back("it has records of an ID that nobody has");
    return out;
  }

 private:
  static Failure told(const Failure& failure) {
    if (failure.reason == Reason::malformed_request)
      return {Reason::department_reply_wrong, "the reply is not HTTP, or was cut off"};
    if (failure.reason == Reason::peer_untrusted)
      return {Reason::department_silent, "its certificate is not trusted: " + failure.detail};
    return {Reason::department_silent, failure.detail};
  }
  Result<void> open() {
    net::ForeignOptions options;
    const bool six = live_.host.find(':') != std::string::npos;
    options.origin = "https://" + (six ? "[" + live_.host + "]" : live_.host) +
                     (live_.port.empty() ? "" : ":" + live_.port);
    options.ca_file = live_.ca;
    options.seconds_max = (live_.total_ms + 999) / 1000;
    options.connect_ms_max = live_.connect_ms;
    options.head_bytes_max = kHeadBytesMax;
    options.body_bytes_max = live_.bytes_max;
    auto foreign = net::Foreign::open(options);
    if (!foreign) return std::unexpected(foreign.error());
    foreign_ = std::make_unique<net::Foreign>(*std::move(foreign));
    return {};
  }
  Result<net::ForeignReply> send(std::string_view id, const std::vector<std::size_t>& asked,
                                 Deadline deadline) {
    if (!foreign_)
      if (auto opened = open(); !opened) return std::unexpected(opened.error());
    net::ForeignRequest request;
    request.method = "POST";
    request.target = live_.path;
    request.headers = {{"Content-Type", "application/json"},
                       {"Accept", "application/json"},
                       {"User-Agent", "amanat"}};
    request.body = rest_body(dataset_, id, asked);
    request.repeatable = true;
    request.deadline = deadline;
    if (!live_.secret.empty()) {
      auto token = storage::read_private(live_.secret);
      if (!token) return std::unexpected(token.error());
      if (!std::ranges::all_of(*token, [](char c) { return c > ' ' && c < '\x7f'; }))
        return fail(Reason::file_failed, live_.secret + " holds other than a token");
      request.headers.emplace_back("Authorization", "Bearer " + *token);
      wipe(token->data(), token->size());
    }
    auto reply = foreign_->ask(request, {live_.certificate, live_.key});
    for (auto& [header, value] : request.headers) wipe(value.data(), value.size());
    wipe(request.body.data(), request.body.size());
    return reply;
  }

  const Dataset& dataset_;
  const Live& live_;
  std::unique_ptr<net::Foreign> foreign_;
};

bool is_asked(const std::vector<std::size_t>& asked, std::size_t field) {
  return std::ranges::find(asked, field) != asked.end();
}

/// records_in finds the list of records in a reply: the member `path` names ("data.items"), or the
/// whole of it; one object is a list of one, null is none.
Result<std::vector<const net::Json*>> records_in(const net::Json& reply, std::string_view path) {
  const net::Json* at = &reply;
  while (!path.empty()) {
    const auto dot = std::min(path.find('.'), path.size());
    at = at->object() == nullptr ? nullptr : at->find(path.substr(0, dot));
    if (at == nullptr) return wrong("the reply has no member `records` names");
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  std::vector<const net::Json*> out;
  if (std::holds_alternative<std::nullptr_t>(at->value)) return out;
  if (at->object() != nullptr) {
    out.push_back(at);
    return out;
  }
  if (at->array() == nullptr) return wrong("the reply is neither a list nor an object");
  for (const net::Json& one : *at->array()) {
    if (one.object() == nullptr) return wrong("a record of the reply is no object");
    out.push_back(&one);
  }
  return out;
}

}  // namespace

std::string in_form(std::string_view form, std::string_view digits) {
  if (form.empty()) return std::string(digits);
  std::string out;
  std::size_t used = 0;
  for (const char c : form) out.push_back(c == '0' && used < digits.size() ? digits[used++] : c);
  return out;
}

std::string rest_body(const Dataset& dataset, std::string_view id,
                      const std::vector<std::size_t>& asked) {
  std::string text, fields = "[";
  net::append_json_string(text, id);
  for (const std::size_t f : asked) {
    if (fields.size() > 1) fields += ",";
    net::append_json_string(fields, dataset.fields[f].asked_as);
  }
  fields += "]";
  const std::string& body = dataset.live->body;
  constexpr std::string_view kId = "\"{id}\"", kFields = "\"{fields}\"";
  const auto id_at = body.find(kId), fields_at = body.find(kFields);
  insist(id_at != body.npos && fields_at != body.npos);
  std::string out;
  for (std::size_t i = 0; i < body.size();) {
    if (i == id_at) {
      out += text;
      i += kId.size();
    } else if (i == fields_at) {
      out += fields;
      i += kFields.size();
    } else {
      out.push_back(body[i++]);
    }
  }
  wipe(text.data(), text.size());
  return out;
}

Result<LiveCells> rest_cells(const Dataset& dataset, std::string_view reply,
                             const std::vector<std::size_t>& asked) {
  auto json = net::parse_json(reply, {.bytes_max = dataset.live->bytes_max,
                                      .depth_max = kDepthMax,
                                      .values_max = kValuesMax,
                                      .numbers = net::JsonNumbers::integers});
  if (!json) return wrong("the reply is not the JSON that was expected");
  struct Wiped {
    net::Json& json;
    ~Wiped() { wipe_texts(json); }
  } const wiped{*json};
  auto records = records_in(*json, dataset.live->rows);
  if (!records) return std::unexpected(records.error());
  if (records->size() > dataset.live->rows_max) return wrong("more rows than `rows` allows");
  LiveCells out;
  for (const net::Json* record : *records) {
    auto& cells = out.emplace_back();
    if (!object_cells(dataset, *record, cells)) return wrong("a value is neither text nor number");
    for (std::size_t f = 0; f < cells.size(); ++f)
      if (!is_asked(asked, f)) {
        wipe(cells[f].data(), cells[f].size());
        cells[f].clear();
      }
  }
  return out;
}

std::vector<Catalog::LiveTrial> Catalog::try_live() const {
  std::vector<LiveTrial> out;
  for (const Dataset& dataset : datasets()) {
    if (!dataset.live) continue;
    LiveTrial& trial = out.emplace_back();
    trial.dataset = dataset.name;
    trial.where = dataset.live->where();
    const auto began = std::chrono::steady_clock::now();
    auto said =
        live_line(dataset)->examine(began + std::chrono::milliseconds(dataset.live->total_ms));
    if (said)
      trial.complaints = *std::move(said);
    else
      trial.failure = said.error();
    const auto took = std::chrono::steady_clock::now() - began;
    trial.took_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
  }
  return out;
}

std::unique_ptr<LiveLine> live_line(const Dataset& dataset) {
  insist(dataset.live.has_value());
  if (dataset.live->rest) return std::make_unique<RestLine>(dataset);
  return std::make_unique<TableLine>(dataset);
}

}  // namespace amanat::registry
