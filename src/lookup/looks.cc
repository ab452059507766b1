#include "lookup/looks.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <map>

#include "net/json.h"

namespace amanat::lookup {
namespace {

using State = ledger::CitizenEntry::State;
constexpr std::uint64_t kLimitMax = 10'000;

std::string rfc3339(Moment moment) {
  const auto s = static_cast<std::time_t>(number(moment) / 1000);
  std::tm parts{};
  ::gmtime_r(&s, &parts);
  char date[32], whole[48];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(whole, sizeof whole, "%s.%03uZ", date,
                static_cast<unsigned>(number(moment) % 1000));
  return whole;
}

// The granted field set as it is committed to: u16 length, id, and so on (ledger page 2.2).
std::vector<std::string> fields_of(std::string_view part) {
  std::vector<std::string> out;
  while (part.size() >= 2) {
    const std::size_t n = static_cast<std::size_t>(static_cast<unsigned char>(part[0])) << 8 |
                          static_cast<unsigned char>(part[1]);
    if (n == 0 || part.size() < 2 + n) break;
    out.emplace_back(part.substr(2, n));
    part.remove_prefix(2 + n);
  }
  return out;
}

std::string_view word_of(EntryType type) {
  switch (type) {
    case EntryType::disclosure:
      return "disclosure";
    case EntryType::denied:
      return "refusal";
    case EntryType::erasure:
      return "erasure";
    case EntryType::alert:
      return "alert";
    default:
      return "entry";
  }
}

std::string_view word_of(State state) {
  if (state == State::open) return "open";
  if (state == State::pruned) return "past-retention";
  return state == State::sealed ? "sealed" : "erased";
}

// A sentence for a person, as the Data Tracker shows it.
std::string action_of(const Look& look) {
  if (look.state == State::sealed) return "Sealed by law until " + rfc3339(*look.sealed_until);
  if (look.state == State::erased) return "Erased at the citizen's request or by retention";
  if (look.type == EntryType::denied) return "Refused: " + look.purpose;
  return look.purpose.empty() ? std::string(word_of(look.type)) : look.purpose;
}

std::optional<unsigned> digits(std::string_view text, std::size_t at, std::size_t n) {
  unsigned value = 0;
  if (at + n > text.size()) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + n, value);
  if (error != std::errc{} || end != text.data() + at + n) return std::nullopt;
  return value;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    if (i + 2 >= text.size()) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16);
    if (error != std::errc{} || end != text.data() + i + 3) return std::nullopt;
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

Result<std::uint64_t> count_of(std::string_view name, std::string_view text, std::uint64_t max) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > max)
    return fail(Reason::malformed_request, std::string(name) + " is not a number in its range");
  return value;
}

}  // namespace

std::optional<Moment> moment_of(std::string_view text) {
  const auto y = digits(text, 0, 4), mo = digits(text, 5, 2), d = digits(text, 8, 2),
             h = digits(text, 11, 2), mi = digits(text, 14, 2), s = digits(text, 17, 2);
  if (!y || !mo || !d || !h || !mi || !s || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':')
    return std::nullopt;
  if (*y < 1970 || *mo < 1 || *mo > 12 || *d < 1 || *d > 31 || *h > 23 || *mi > 59 || *s > 60)
    return std::nullopt;
  text.remove_prefix(19);
  std::uint64_t ms = 0;  // a usage's logtime has them, and may be given back as an end of a period
  if (text.starts_with('.')) {
    const auto end = std::min(text.find_first_not_of("0123456789", 1), text.size());
    if (end == 1 || end > 10) return std::nullopt;
    for (std::size_t i = 1; i <= 3; ++i)
      ms = ms * 10 + (i < end ? static_cast<std::uint64_t>(text[i] - '0') : 0);
    text.remove_prefix(end);
  }
  std::int64_t offset_s = 0;
  if (text.size() == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':') {
    const auto oh = digits(text, 1, 2), om = digits(text, 4, 2);
    if (!oh || !om || *oh > 23 || *om > 59) return std::nullopt;
    offset_s = (static_cast<std::int64_t>(*oh) * 60 + *om) * 60 * (text[0] == '+' ? 1 : -1);
  } else if (!text.empty() && text != "Z" && text != "z") {
    return std::nullopt;
  }
  std::tm parts{};
  parts.tm_year = static_cast<int>(*y) - 1900;
  parts.tm_mon = static_cast<int>(*mo) - 1;
  parts.tm_mday = static_cast<int>(*d);
  parts.tm_hour = static_cast<int>(*h);
  parts.tm_min = static_cast<int>(*mi);
  parts.tm_sec = static_cast<int>(*s);
  const std::int64_t seconds = static_cast<std::int64_t>(::timegm(&parts)) - offset_s;
  if (seconds < 0) return std::nullopt;
  return Moment{static_cast<std::uint64_t>(seconds) * 1000 + ms};
}

Result<std::vector<Look>> looks(const ledger::Ledger& ledger, const std::vector<Asker>& accounts,
                                const Label& citizen) {
  std::map<AccountId, const Asker*> who;
  for (const Asker& a : accounts) who[a.account] = &a;
  std::vector<Look> out;
  auto visited = ledger.entries_of(citizen, [&](const ledger::CitizenEntry& e) {
    Look& look = out.emplace_back();
    look.entry = e.entry.index;
    look.time = e.entry.time;
    look.type = e.entry.type;
    look.state = e.state;
    look.sealed_until = e.sealed_until;
    if (e.state != State::open) return;
    look.purpose = e.entry.parts[static_cast<std::size_t>(BodyPart::purpose) - 1];
    look.fields = fields_of(e.entry.parts[static_cast<std::size_t>(BodyPart::granted_fields) - 1]);
    if (!e.entry.actor) return;
    look.account = e.entry.actor->account;
    const auto asker = who.find(e.entry.actor->account);
    if (asker == who.end()) return;
    look.department = asker->second->department;
    look.unit = asker->second->unit;
  });
  if (!visited) return std::unexpected(std::move(visited.error()));
  return out;
}

std::string looks_json(const std::vector<Look>& looks) {
  std::uint64_t sealed = 0;
  for (const Look& look : looks) sealed += look.state == State::sealed ? 1 : 0;
  net::JsonWriter json;
  json.begin_object().key("total").number(looks.size()).key("sealed").number(sealed);
  json.key("disclosures").begin_array();
  for (auto it = looks.rbegin(); it != looks.rend(); ++it) {
    const Look& look = *it;
    json.begin_object().key("entry").number(number(look.entry));
    if (look.state == State::pruned) {
      json.key("state").string(word_of(look.state)).end_object();
      continue;
    }
    json.key("time").string(rfc3339(look.time));
    json.key("state").string(word_of(look.state));
    if (look.state == State::sealed) {
      json.key("opens").string(rfc3339(*look.sealed_until)).end_object();
      continue;
    }
    json.key("kind").string(word_of(look.type));
    if (look.state == State::open) {
      json.key("purpose").string(look.purpose);
      json.key("department").string(look.department).key("unit").string(look.unit);
      json.key("fields").begin_array();
      for (const std::string& field : look.fields) json.string(field);
      json.end_array();
    }
    json.end_object();
  }
  json.end_array().end_object();
  return json.take();
}

Result<UsageQuery> parse_usage_query(std::string_view query) {
  UsageQuery out;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view name = pair.substr(0, equals);
    const auto value = decoded(pair.substr(std::min(equals + 1, pair.size())));
    if (!value) return fail(Reason::malformed_request, "the query's encoding");
    if (name == "periodStart" || name == "periodEnd") {
      const auto moment = moment_of(*value);
      if (!moment)
        return fail(Reason::malformed_request, std::string(name) + " is not a date and time");
      (name == "periodStart" ? out.from : out.to) = moment;
    } else if (name == "offset") {
      auto n = count_of(name, *value, UINT32_MAX);
      if (!n) return std::unexpected(std::move(n.error()));
      out.offset = *n;
    } else if (name == "limit") {
      auto n = count_of(name, *value, kLimitMax);
      if (!n) return std::unexpected(std::move(n.error()));
      out.limit = *n;
    } else if (name != "userCode") {
      return fail(Reason::malformed_request, "the query has a parameter findUsage does not take");
    }
  }
  return out;
}

std::string usages_json(const std::vector<Look>& looks, const UsageQuery& query,
                        std::string_view system) {
  std::vector<const Look*> within;
  for (auto it = looks.rbegin(); it != looks.rend(); ++it)
    if (it->state != State::pruned &&  // nothing is left to show of it
        (!query.from || it->time >= *query.from) && (!query.to || it->time <= *query.to))
      within.push_back(&*it);
  net::JsonWriter json;
  json.begin_object().key("totalUsages").number(within.size()).key("usages").begin_array();
  for (std::size_t i = query.offset; i < within.size() && i - query.offset < query.limit; ++i) {
    const Look& look = *within[i];
    json.begin_object().key("logtime").string(rfc3339(look.time));
    json.key("action").string(action_of(look));
    json.key("receiverCode").string(look.department.empty() ? "-" : look.department);
    if (!look.unit.empty()) json.key("receiverName").string(look.unit);
    json.key("receiverSystem").string(system).end_object();
  }
  json.end_array().end_object();
  return json.take();
}

std::string usage_period_json(Moment since) {
  net::JsonWriter json;
  json.begin_object().key("periodStart").string(rfc3339(since)).end_object();
  return json.take();
}

std::string heartbeat_json(bool works) {
  net::JsonWriter json;
  json.begin_object().key("status").string(works ? "OK" : "FAIL").end_object();
  return json.take();
}

}  // namespace amanat::lookup
