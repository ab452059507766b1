#include "server/trace_words.h"

#include <cstdio>

namespace amanat::server {
namespace {

void put_number(net::JsonWriter& json, std::string_view key,
                const std::optional<std::uint64_t>& n) {
  json.key(key);
  n ? json.number(*n) : json.null();
}
void put_list(net::JsonWriter& json, std::string_view key, const std::vector<std::string>& list) {
  json.key(key).begin_array();
  for (const auto& one : list) json.string(one);
  json.end_array();
}

std::string text_in(const net::Json& object, std::string_view name) {
  const net::Json* member = object.find(name);
  const std::string* text = member != nullptr ? member->string() : nullptr;
  return text != nullptr ? *text : std::string();
}
std::optional<std::uint64_t> number_in(const net::Json& object, std::string_view name) {
  const net::Json* member = object.find(name);
  return member != nullptr ? member->integer() : std::nullopt;
}
std::vector<std::string> list_in(const net::Json& object, std::string_view name) {
  std::vector<std::string> out;
  const net::Json* member = object.find(name);
  if (member == nullptr || member->array() == nullptr) return out;
  for (const net::Json& one : *member->array())
    if (one.string() != nullptr) out.push_back(*one.string());
  return out;
}

std::string bits_text(std::uint64_t millibits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", static_cast<double>(millibits) / 1000);
  return text;
}

}  // namespace

std::string write_case(const TraceCase& c) {
  net::JsonWriter json;
  json.begin_object().key("id").string(c.id).key("name").string(c.name);
  json.key("brought_by").string(c.brought_by).key("leak_day").string(c.leak_day);
  json.key("bytes").number(c.bytes).key("begun").number(number(c.begun));
  json.key("state").string(word_of(c.state));
  put_list(json, "opened_by", c.opened_by);
  put_number(json, "seal", c.seal);
  put_number(json, "unlock", c.unlock);
  put_number(json, "verdict", c.verdict);
  json.key("trouble").string(c.trouble).key("findings").string(c.findings);
  put_list(json, "named", c.named);
  json.key("bundle").boolean(c.bundle).end_object();
  return json.take() + "\n";
}

std::optional<TraceCase> parse_case(std::string_view text) {
  net::JsonLimits limits;
  limits.bytes_max = 1 << 20;
  const auto json = net::parse_json(text, limits);
  if (!json) return std::nullopt;
  TraceCase c;
  c.id = text_in(*json, "id");
  c.name = text_in(*json, "name");
  c.brought_by = text_in(*json, "brought_by");
  c.leak_day = text_in(*json, "leak_day");
  c.bytes = number_in(*json, "bytes").value_or(0);
  c.begun = Moment{number_in(*json, "begun").value_or(0)};
  c.opened_by = list_in(*json, "opened_by");
  c.seal = number_in(*json, "seal");
  c.unlock = number_in(*json, "unlock");
  c.verdict = number_in(*json, "verdict");
  c.trouble = text_in(*json, "trouble");
  c.findings = text_in(*json, "findings");
  c.named = list_in(*json, "named");
  const net::Json* bundle = json->find("bundle");
  c.bundle = bundle != nullptr && bundle->boolean().value_or(false);
  const std::string state = text_in(*json, "state");
  for (std::uint8_t s = 0; s <= static_cast<std::uint8_t>(TraceState::failed); ++s)
    if (state == word_of(static_cast<TraceState>(s))) {
      c.state = static_cast<TraceState>(s);
      return c;
    }
  return std::nullopt;
}

void put_case(net::JsonWriter& json, const TraceCase& c,
              std::pair<std::uint64_t, std::uint64_t> progress) {
  json.key("id").string(c.id).key("state").string(word_of(c.state));
  json.key("name").string(c.name).key("brought_by").string(c.brought_by);
  json.key("leak_day").string(c.leak_day).key("bytes").number(c.bytes);
  json.key("begun").number(number(c.begun));
  put_list(json, "opened_by", c.opened_by);
  json.key("progress").begin_object().key("done").number(progress.first);
  json.key("total").number(progress.second).end_object();
  json.key("entries").begin_object();
  put_number(json, "seal", c.seal);
  put_number(json, "unlock", c.unlock);
  put_number(json, "verdict", c.verdict);
  json.end_object();
  put_list(json, "accounts_named", c.named);
  json.key("bundle").boolean(c.bundle);
  if (!c.trouble.empty()) json.key("trouble").string(c.trouble);
}

std::string findings_json(const trace::Findings& f, const std::vector<std::string>& leads,
                          const std::map<std::string, std::uint64_t>& days,
                          const std::function<std::string(AccountId)>& id_of) {
  net::JsonWriter json;
  json.begin_object();
  json.key("rows").number(f.rows).key("rows_with_sources").number(f.sourced);
  json.key("rows_foreign").number(f.foreign).key("rows_of_nobody_known").number(f.unknown);
  json.key("coins_read").number(f.symbols).key("coins_erased").number(f.erased);
  json.key("accounts_under_test").number(f.candidates);
  json.key("bound_bits").raw(bits_text(f.bound_millibits));
  json.key("evaluations").number(f.evaluations);
  json.key("chance_that_any_innocent_account_is_named")
      .string("at most " + std::to_string(f.evaluations) + "e-9");
  json.key("not_before");
  f.not_before.empty() ? json.null() : json.string(f.not_before);
  json.key("copies").begin_array();
  for (const auto& n : f.named) {
    json.begin_object().key("account").string(id_of(n.account)).key("tier").string("A");
    json.key("evidence_bits").raw(bits_text(n.millibits)).key("round").number(n.round);
    json.key("subjects").number(n.subjects).key("coins").number(n.coins);
    json.key("coins_agreeing").number(n.agreeing);
    json.key("decoys_found").number(n.decoys).key("decoys_given").number(n.given);
    json.key("shown_every_row_by").string(n.not_before).end_object();
  }
  json.end_array().key("necessity").begin_array();
  for (const auto& at : f.necessity) {
    json.begin_object().key("sources_at_most").number(at.sources).key("rows").number(at.rows);
    json.key("rows_unexplained").number(at.residual).key("possible").boolean(at.possible);
    json.key("margins").begin_array();
    for (const auto& m : at.margins) {
      json.begin_object().key("account").string(id_of(AccountId{m.account}));
      json.key("foreign_rows_to_clear").string(trace::margin_text(m.b_star, m.exact));
      json.key("named_by_tier_a").boolean(m.accepted).key("same_rows_as").begin_array();
      for (const std::uint32_t other : m.tied)
        if (other != m.account) json.string(id_of(AccountId{other}));
      json.end_array().end_object();
    }
    json.end_array().end_object();
  }
  json.end_array().key("rows_first_had").begin_array();
  for (const auto& [day, rows] : days)
    json.begin_object().key("day").string(day).key("rows").number(rows).end_object();
  json.end_array().key("leads").begin_array();
  for (const auto& line : leads) json.string(line);
  json.end_array();
  json.key("always_open").string("the exchange's own storage, backups and administrators");
  json.end_object();
  return json.take();
}

}  // namespace amanat::server
