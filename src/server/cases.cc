// Cases as departments' systems write them: PUT and GET /v1/cases/{ref}. A case explains questions,
// so each version of one is in the ledger before it counts: a KEY/POLICY entry with the digest of
// what is kept and who wrote it. Nobody's number leaves here again; they are kept as keyed names.

#include <algorithm>
#include <charconv>

#include "crypto/crypto.h"
#include "net/json.h"
#include "server/api.h"
#include "server/state.h"

namespace amanat::server {
namespace {

constexpr std::size_t kDigits = 13, kRefMax = 200, kTextMax = 200, kSubjectsMax = 4096;

// A reference holds blanks and slashes, so it comes percent-encoded (RFC 3986).
std::optional<std::string> decoded(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      out.push_back(path[i]);
      continue;
    }
    unsigned byte = 0;
    if (i + 2 >= path.size()) return std::nullopt;
    const auto [end, error] = std::from_chars(path.data() + i + 1, path.data() + i + 3, byte, 16);
    if (error != std::errc{} || end != path.data() + i + 3) return std::nullopt;
    out.push_back(static_cast<char>(byte));
    i += 2;
  }
  for (const char c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
  if (out.empty() || out.size() > kRefMax) return std::nullopt;
  return out;
}

std::unexpected<Failure> wrong(std::string what) {
  return fail(Reason::malformed_value, std::move(what));
}

Result<std::string> text_in(const net::Json& value, const std::string& name) {
  const std::string* text = value.string();
  if (text == nullptr || text->size() > kTextMax) return wrong(name + " is not a short text");
  return *text;
}

Result<std::vector<std::string>> list_in(const net::Json& value, const std::string& name) {
  const net::Json::Array* list = value.array();
  if (list == nullptr || list->size() > kSubjectsMax) return wrong(name + " is not a list");
  std::vector<std::string> words;
  for (const net::Json& one : *list) {
    auto text = text_in(one, name);
    if (!text) return std::unexpected(text.error());
    words.push_back(*std::move(text));
  }
  return words;
}

Result<std::vector<SubjectName>> subjects_in(const net::Json& value, const std::string& name) {
  auto words = list_in(value, name);
  if (!words) return std::unexpected(words.error());
  std::vector<SubjectName> subjects;
  for (auto& word : *words) {
    if (word.size() != kDigits ||
        !std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; }))
      return wrong(name + " are national IDs of 13 digits");
    subjects.push_back({SubjectKind::national_id, std::move(word)});
  }
  return subjects;
}

Result<Moment> moment_in(const net::Json& value, const std::string& name) {
  const auto ms = value.integer();
  if (!ms || *ms > 253'402'300'799'999) return wrong(name + " is Unix time in milliseconds");
  return Moment{*ms};
}

/// taking moves a result to its place, or its error to `read`.
auto taking(Result<void>& read) {
  return [&read](auto result, auto& to) {
    if (result)
      to = *std::move(result);
    else
      read = std::unexpected(result.error());
  };
}

Result<policy::Case::Order> order_in(const net::Json& value) {
  const net::Json::Object* members = value.object();
  if (members == nullptr) return wrong("a court order is an object");
  policy::Case::Order order;
  bool ends = false;
  for (const auto& member : *members) {
    Result<void> read;
    const auto take = taking(read);
    if (member.name == "order") {
      take(text_in(member.value, "order"), order.ref);
    } else if (member.name == "fields") {
      take(list_in(member.value, "fields"), order.fields);
    } else if (member.name == "subjects") {
      take(subjects_in(member.value, "subjects"), order.subjects);
    } else if (member.name == "until") {
      take(moment_in(member.value, "until"), order.until);
      ends = true;
    } else {
      return fail(Reason::malformed_json, "a court order has order, fields, subjects and until");
    }
    if (!read) return std::unexpected(read.error());
  }
  if (order.ref.empty() || order.fields.empty() || !ends)
    return fail(Reason::malformed_json, "a court order has order, fields and until");
  return order;
}

Result<policy::Case> case_in(const net::Json& body, const FieldTable& fields) {
  const net::Json::Object* members = body.object();
  if (members == nullptr) return fail(Reason::malformed_json, "the body is not an object");
  policy::Case one;
  for (const auto& member : *members) {
    Result<void> read;
    const auto take = taking(read);
    if (member.name == "kind") {
      take(text_in(member.value, "kind"), one.kind);
    } else if (member.name == "unit") {
      take(text_in(member.value, "unit"), one.unit);
    } else if (member.name == "officers") {
      take(list_in(member.value, "officers"), one.officers);
    } else if (member.name == "subjects") {
      take(subjects_in(member.value, "subjects"), one.subjects);
    } else if (member.name == "opened") {
      take(moment_in(member.value, "opened"), one.opened);
    } else if (member.name == "closed") {
      take(moment_in(member.value, "closed"), one.closed);
    } else if (member.name == "court_orders") {
      const net::Json::Array* orders = member.value.array();
      if (orders == nullptr || orders->size() > 16) return wrong("court_orders is a list of 16");
      for (const net::Json& value : *orders) {
        auto order = order_in(value);
        if (!order) return std::unexpected(order.error());
        for (const auto& pattern : order->fields)
          if (fields.match(pattern).none()) {
            const std::string near = fields.nearest(pattern);
            return fail(Reason::unknown_field, near.empty() ? "" : "did you mean " + near + "?");
          }
        one.orders.push_back(*std::move(order));
      }
    } else {
      const std::vector<std::string> known = {"kind",   "unit",   "officers",    "subjects",
                                              "opened", "closed", "court_orders"};
      const auto near = amanat::nearest_word(member.name, known);
      return fail(Reason::malformed_json,
                  "a member is unknown" +
                      (near.empty() ? "" : "; did you mean " + std::string(near) + "?"));
    }
    if (!read) return std::unexpected(read.error());
  }
  if (one.kind.empty()) return fail(Reason::malformed_json, "kind is missing");
  if (number(one.opened) == 0) return fail(Reason::malformed_json, "opened is missing");
  return one;
}

std::string history_json(const std::vector<policy::CaseVersion>& versions) {
  net::JsonWriter json;
  json.begin_object().key("case").string(versions.back().ref).key("versions").begin_array();
  for (const auto& one : versions) {
    json.begin_object().key("version").number(one.version);
    json.key("noted").number(number(one.noted)).key("noted_by").string(one.noted_by);
    json.key("kind").string(one.kind).key("unit").string(one.unit);
    json.key("opened").number(number(one.opened));
    if (one.closed) json.key("closed").number(number(*one.closed));
    json.key("officers").begin_array();
    for (const auto& officer : one.officers) json.string(officer);
    json.end_array().key("subjects").number(one.subjects.size());
    json.key("court_orders").begin_array();
    for (const auto& order : one.orders) {
      json.begin_object().key("order").string(order.ref).key("fields").begin_array();
      for (const auto& field : order.fields) json.string(field);
      json.end_array().key("subjects").number(order.subjects);
      json.key("until").number(number(order.until)).end_object();
    }
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return json.take();
}

}  // namespace

Result<policy::Noted> Exchange::note_case(policy::Case one, const Caller& by) {
  const std::lock_guard lock(state_->acts);
  // Another department's system writes no case of this one: only who noted it first goes on.
  const auto before = state_->policy->case_history(one.ref);
  if (!before && before.error().reason != Reason::case_unknown)
    return std::unexpected(before.error());
  if (before && before->back().noted_by != by.asker().id && before->back().noted_by != "file")
    return fail(Reason::not_your_right, "another system keeps this case");
  one.noted_by = by.asker().id;
  one.noted = by.received();
  auto digest = state_->policy->case_digest(one);
  if (!digest) return std::unexpected(digest.error());
  auto recorded = state_->record_act("case noted", *digest, &by, one.ref);
  if (!recorded) return std::unexpected(recorded.error());
  state_->tell_of_canaries(one.subjects, by.asker(), one.ref, "named in a case");
  return state_->policy->note_case(one);
}

void Api::add_cases() {
  routes_.data(
      {"PUT", "/v1/cases/{ref...}", "service with the right 'cases'",
       "Register a case or a change of it: kind, unit, officers, subjects, opened, closed, "
       "court_orders."},
      [this](const Caller& caller, const Request& request,
             std::string_view rest) -> Result<Response> {
        if (!caller.asker().service || !exchange_.policy().may(caller.asker(), "cases"))
          return fail(Reason::not_your_right, "cases");
        const auto ref = decoded(rest);
        if (!ref) return wrong("the case's reference, percent-encoded, at most 200 bytes");
        net::JsonLimits limits;
        limits.bytes_max = 256 * 1024;
        limits.depth_max = 6;
        limits.values_max = 20'000;
        auto body = net::parse_json(request.body, limits);
        if (!body) return std::unexpected(body.error());
        auto one = case_in(*body, exchange_.catalog().fields());
        if (!one) return std::unexpected(one.error());
        one->ref = *ref;
        auto noted = exchange_.note_case(*std::move(one), caller);
        if (!noted) return std::unexpected(noted.error());
        net::JsonWriter json;
        json.begin_object().key("case").string(*ref).key("noted");
        json.string(*noted == policy::Noted::added     ? "added"
                    : *noted == policy::Noted::changed ? "changed"
                                                       : "unchanged");
        json.end_object();
        Response response;
        response.body = json.take();
        return response;
      });
  routes_.data(
      {"GET", "/v1/cases/{ref...}", "service with the right 'cases'",
       "All versions of a case, with who wrote each and when; citizens are counted."},
      [this](const Caller& caller, const Request&, std::string_view rest) -> Result<Response> {
        if (!caller.asker().service || !exchange_.policy().may(caller.asker(), "cases"))
          return fail(Reason::not_your_right, "cases");
        const auto ref = decoded(rest);
        if (!ref) return wrong("the case's reference, percent-encoded");
        auto versions = exchange_.policy().case_history(*ref);
        if (!versions) return std::unexpected(versions.error());
        if (versions->back().noted_by != caller.asker().id && versions->back().noted_by != "file")
          return fail(Reason::case_unknown);
        Response response;
        response.body = history_json(*versions);
        return response;
      });
}

}  // namespace amanat::server
