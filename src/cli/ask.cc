#include "cli/ask.h"

#include <charconv>
#include <iostream>
#include <iterator>
#include <sstream>

#include "cli/terminal.h"
#include "model/insist.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

constexpr std::size_t kQuestionBytesMax = 64 * 1024;

Result<std::uint64_t> number_option(const Call& call, std::string_view name, std::uint64_t max) {
  const std::string& text = call.option(name);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > max)
    return fail(Reason::usage_wrong, "--" + std::string(name) + " is a number from 1 to " + std::to_string(max));
  return value;
}

Result<std::string> question_from_file(const std::string& file) {
  if (file != "-") return storage::read_file(file, kQuestionBytesMax);
  std::string text(kQuestionBytesMax + 1, '\0');
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::cin.gcount()));
  if (text.size() > kQuestionBytesMax) return fail(Reason::body_too_large, "the question on standard input");
  return text;
}

Result<void> write_subject(const Call& call, net::JsonWriter& json) {
  struct Form {
    std::string_view option, word;
    std::vector<std::string_view> also;
  };
  static const std::vector<Form> forms = {{"national-id", "national_id", {"hops"}},
                                          {"msisdn", "msisdn", {"from", "to"}},
                                          {"passport", "passport", {}},
                                          {"fir", "fir", {"station"}},
                                          {"licence", "licence", {"from", "to"}}};
  const Form* chosen = nullptr;
  for (const auto& form : forms) {
    if (!call.has(form.option)) continue;
    if (chosen != nullptr)
      return fail(Reason::usage_wrong, "one subject only: --" + std::string(chosen->option) + " or --" + std::string(form.option));
    chosen = &form;
  }
  if (chosen == nullptr)
    return fail(Reason::usage_wrong, "whom is it about? --national-id, --msisdn, --passport, --fir, --licence or --question");
  json.key("subject").begin_object().key(chosen->word).string(call.option(chosen->option));
  for (const std::string_view narrower : {"hops", "station", "from", "to"}) {
    if (!call.has(narrower)) continue;
    if (std::find(chosen->also.begin(), chosen->also.end(), narrower) == chosen->also.end())
      return fail(Reason::usage_wrong, "--" + std::string(narrower) + " does not go with --" + std::string(chosen->option));
    json.key(narrower);
    if (narrower == "hops") {
      auto hops = number_option(call, "hops", 3);
      if (!hops) return std::unexpected(hops.error());
      json.number(*hops);
    } else {
      json.string(call.option(narrower));
    }
  }
  json.end_object();
  return {};
}

std::string_view text_of(const net::Json& object, std::string_view member) {
  const net::Json* found = object.find(member);
  const std::string* text = found == nullptr ? nullptr : found->string();
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

std::string shown(const net::Json& value) {
  if (const auto* text = value.string()) return visible(*text);
  if (const auto number = value.integer()) return std::to_string(*number);
  if (const auto yes = value.boolean()) return *yes ? "(exists)" : "(no)";
  return "(?)";
}

void render_record(const net::Json& record, const std::string& dataset, const Manner& manner, std::string& out) {
  const auto* members = record.object();
  if (members == nullptr) return;
  out += "  " + painted(manner, Paint::name, visible(dataset)) +
         painted(manner, Paint::faint,
                 "  from " + visible(text_of(record, "source")) + ", taken in " + visible(text_of(record, "date"))) +
         "\n";
  Columns table;
  for (const auto& [name, value] : *members)
    if (name != "source" && name != "date") table.add({visible(name), shown(value)});
  out += table.render("    ");
}

void render_one(const net::Json& answer, const Manner& manner, std::string& out) {
  const net::Json* entry = answer.find("entry");
  out += painted(manner, Paint::strong, visible(text_of(answer, "citizen")));
  if (entry != nullptr) out += painted(manner, Paint::faint, "  recorded as entry " + shown(*entry));
  out += "\n";
  const net::Json* records = answer.find("records");
  if (records != nullptr && records->object() != nullptr)
    for (const auto& [dataset, list] : *records->object())
      if (const auto* array = list.array())
        for (const auto& record : *array) render_record(record, dataset, manner, out);
  const net::Json* withheld = answer.find("withheld");
  if (withheld == nullptr || withheld->array() == nullptr || withheld->array()->empty()) return;
  out += "  withheld\n";
  Columns table;
  for (const auto& one : *withheld->array())
    table.add({visible(text_of(one, "field")), visible(text_of(one, "reason")), visible(text_of(one, "next"))});
  out += table.render("    ");
}

}  // namespace

Result<std::string> question_of(const Call& call) {
  if (call.has("question")) return question_from_file(call.option("question"));
  net::JsonWriter json;
  json.begin_object();
  if (auto subject = write_subject(call, json); !subject) return std::unexpected(subject.error());
  if (!call.has("fields")) return fail(Reason::usage_wrong, "which fields? --fields registry.dataset.field,...");
  json.key("fields").begin_array();
  std::istringstream fields(call.option("fields"));
  for (std::string field; std::getline(fields, field, ',');)
    if (!field.empty()) json.string(field);
  json.end_array();
  if (!call.has("purpose")) return fail(Reason::usage_wrong, "for what purpose? --purpose NAME");
  json.key("purpose").string(call.option("purpose"));
  if (call.has("case")) json.key("case").string(call.option("case"));
  if (call.has("reason")) json.key("reason").string(call.option("reason"));
  if (call.has("max-subjects")) {
    auto most = number_option(call, "max-subjects", 65'535);
    if (!most) return std::unexpected(most.error());
    json.key("max_subjects").number(*most);
  }
  if (call.has("more-of")) {
    auto entry = number_option(call, "more-of", (1ull << 53) - 1);
    if (!entry) return std::unexpected(entry.error());
    json.key("more_of").number(*entry);
  }
  json.end_object();
  return json.take();
}

Failure refusal_of(const net::Json& problem) {
  const auto id = text_of(problem, "reason");
  for (std::size_t i = 0; i < reason_count(); ++i) {
    const auto& row = row_of(static_cast<Reason>(i));
    if (row.id == id) return {row.reason, std::string(text_of(problem, "detail"))};
  }
  return {Reason::internal_error, "the exchange said: " + std::string(text_of(problem, "title"))};
}

Result<net::Json> parse_answer(std::string_view body) {
  return net::parse_json(body, {.bytes_max = std::size_t{256} << 20, .depth_max = 16, .values_max = std::size_t{1} << 24});
}

std::string member_text(const net::Json& object, std::string_view name) {
  const net::Json* member = object.find(name);
  return member != nullptr && member->string() != nullptr ? *member->string() : std::string();
}

Result<net::Client> client_of(const Call& call) {
  net::ClientOptions options;
  options.url = call.option("url");
  options.ca_file = call.option("ca");
  options.certificate_file = call.option("cert");
  options.key_file = call.option("key");
  return net::Client::connect(options);
}

std::string answer_for_people(const net::Json& answer, const Manner& manner) {
  std::string out;
  const net::Json* answers = answer.find("answers");
  if (answers == nullptr || answers->array() == nullptr) return out;
  for (const auto& one : *answers->array()) render_one(one, manner, out);
  return out;
}

std::vector<std::string> receipts_of(const net::Json& answer) {
  std::vector<std::string> out;
  const net::Json* answers = answer.find("answers");
  if (answers == nullptr || answers->array() == nullptr) return out;
  for (const auto& one : *answers->array()) out.emplace_back(text_of(one, "receipt"));
  return out;
}

}  // namespace amanat::cli
