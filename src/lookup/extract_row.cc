#include "lookup/extract_row.h"

#include <chrono>
#include <cstdio>

#include "net/json.h"

namespace amanat::lookup {
namespace {

constexpr std::string_view kStates[] = {"making", "closing", "ready", "refused", "void", "wiped"};

// Every member but id, state, account, lists and the flag, by name: written and read by one table.
template <class Row, class Text, class Number>
void members(Row& row, Text text, Number number_of) {
  text("recipient", row.recipient);
  text("department", row.department);
  text("unit", row.unit);
  text("purpose", row.purpose);
  text("case", row.case_ref);
  text("format", row.format);
  text("reason", row.reason);
  text("detail", row.detail);
  text("list", row.list);
  text("sha256", row.sha256);
  number_of("citizens", row.citizens);
  number_of("with_records", row.with_records);
  number_of("rows", row.rows);
  number_of("decoys", row.decoys);
  number_of("bytes", row.bytes);
  number_of("asked", row.asked);
  number_of("made", row.made);
  number_of("expires", row.expires);
  number_of("keep_ms", row.keep_ms);
  number_of("from_entry", row.from_entry);
  number_of("first", row.first);
  number_of("export_entry", row.export_entry);
  number_of("slot", row.slot);
}

void put(net::JsonWriter& json, std::string_view name, const std::vector<std::string>& words) {
  json.key(name).begin_array();
  for (const auto& word : words) json.string(word);
  json.end_array();
}

bool take(const net::Json& json, std::string_view name, std::vector<std::string>& words) {
  const net::Json* list = json.find(name);
  if (list == nullptr || list->array() == nullptr) return false;
  for (const net::Json& one : *list->array()) {
    if (one.string() == nullptr) return false;
    words.push_back(*one.string());
  }
  return true;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ",") + word;
  return out;
}

// A manifest's line ends where it ends: a case's reference cannot add one.
std::string on_one_line(std::string_view text) {
  std::string out;
  for (const char c : text) out.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  return out;
}

}  // namespace

std::string_view word_of(ExtractState state) { return kStates[static_cast<std::size_t>(state)]; }

std::string encode(const ExtractRow& row) {
  net::JsonWriter json;
  json.begin_object();
  json.key("id").string(row.id);
  json.key("state").string(word_of(row.state));
  json.key("account").number(number(row.account));
  json.key("marked").boolean(row.marked);
  put(json, "fields", row.fields);
  put(json, "columns", row.columns);
  members(
      row, [&json](const char* name, const std::string& text) { json.key(name).string(text); },
      [&json](const char* name, std::uint64_t n) { json.key(name).number(n); });
  json.end_object();
  return json.take();
}

std::optional<ExtractRow> decode_extract(std::string_view text) {
  const auto json = net::parse_json(text);
  if (!json || json->object() == nullptr) return std::nullopt;
  ExtractRow row;
  const net::Json* id = json->find("id");
  const net::Json* state = json->find("state");
  const net::Json* account = json->find("account");
  const net::Json* marked = json->find("marked");
  if (id == nullptr || id->string() == nullptr || state == nullptr || state->string() == nullptr ||
      account == nullptr || !account->integer() || marked == nullptr || !marked->boolean() ||
      !take(*json, "fields", row.fields) || !take(*json, "columns", row.columns))
    return std::nullopt;
  row.id = *id->string();
  row.account = AccountId{static_cast<std::uint32_t>(*account->integer())};
  row.marked = *marked->boolean();
  std::size_t which = 0;
  while (which < std::size(kStates) && kStates[which] != *state->string()) ++which;
  if (which == std::size(kStates)) return std::nullopt;
  row.state = static_cast<ExtractState>(which);
  bool whole = true;
  members(
      row,
      [&](const char* name, std::string& to) {
        const net::Json* value = json->find(name);
        whole &= value != nullptr && value->string() != nullptr;
        if (whole) to = *value->string();
      },
      [&](const char* name, std::uint64_t& to) {
        const net::Json* value = json->find(name);
        whole &= value != nullptr && value->integer().has_value();
        if (whole) to = *value->integer();
      });
  if (!whole) return std::nullopt;
  return row;
}

std::string utc(std::uint64_t ms) {
  const std::chrono::sys_seconds at(std::chrono::seconds(ms / 1000));
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text;
}

std::string manifest_of(const ExtractRow& row, std::string_view origin) {
  std::string out = "amanat/extract-manifest/v1\n";
  const auto line = [&out](std::string_view name, std::string_view value) {
    out.append(name).append(" ").append(value.empty() ? "-" : on_one_line(value)).append("\n");
  };
  line("origin", origin);
  line("extract", row.id);
  line("sha256", row.sha256);
  line("bytes", std::to_string(row.bytes));
  line("format", row.format);
  line("rows", std::to_string(row.rows));
  line("columns", joined(row.columns));
  line("fields", joined(row.fields));
  line("citizens", std::to_string(row.citizens));
  line("with-records", std::to_string(row.with_records));
  line("list", row.list);
  line("entries", std::to_string(row.first) + " " + std::to_string(row.citizens));
  line("export", std::to_string(row.export_entry));
  line("recipient", row.recipient);
  line("department", row.department);
  line("unit", row.unit);
  line("purpose", row.purpose);
  line("case", row.case_ref);
  line("made", utc(row.made));
  line("expires", utc(row.expires));
  line("cells",
       row.format == "csv" ? "one leading apostrophe is not part of a value" : "as they are");
  line("marks", row.marked ? "this recipient's" : "none");
  line("seeded", row.decoys > 0 ? "yes" : "no");
  return out;
}

}  // namespace amanat::lookup
