#include "disclosure/auditor.h"

#include <chrono>
#include <cstdio>
#include <cstring>

#include "ledger/entry.h"
#include "ledger/proof.h"
#include "model/insist.h"
#include "net/json.h"

namespace amanat::disclosure {
namespace {

constexpr std::string_view kState = "amanat-auditor v1\n";
constexpr std::size_t kStateBytesMax = 4u << 20, kDaysKept = 800;
constexpr std::uint64_t kHourMs = 3'600'000, kDayMs = 24 * kHourMs;

Auditor::Said refused(unsigned status, std::string_view why) {
  net::JsonWriter json;
  json.begin_object().key("why").string(why).end_object();
  return {status, json.take()};
}

std::uint64_t first_of(unsigned year) {
  const std::chrono::sys_days day(std::chrono::year(static_cast<int>(year)) / 1 / 1);
  return static_cast<std::uint64_t>(day.time_since_epoch().count()) * kDayMs;
}

std::string date_of(Moment at) {
  const std::chrono::sys_days day(std::chrono::days(static_cast<int>(number(at) / kDayMs)));
  const std::chrono::year_month_day d(day);
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(d.year()),
                static_cast<unsigned>(d.month()), static_cast<unsigned>(d.day()));
  return text;
}

bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (i != 4 && i != 7 && (text[i] < '0' || text[i] > '9')) return false;
  return true;
}

const std::string* text_of(const net::Json& json, std::string_view name) {
  const net::Json* value = json.find(name);
  return value == nullptr ? nullptr : value->string();
}
std::optional<std::uint64_t> number_of(const net::Json& json, std::string_view name) {
  const net::Json* value = json.find(name);
  return value == nullptr ? std::nullopt : value->integer();
}

}  // namespace

Auditor::Auditor(Setup setup)
    : setup_(std::move(setup)),
      signer_(setup_.name, crypto::hkdf(setup_.seed, "amanat/auditor/note/v1")) {}

ledger::VerifierKey Auditor::verifier_of(std::string_view name, const Key256& seed) {
  return ledger::NoteSigner(name, crypto::hkdf(seed, "amanat/auditor/note/v1")).verifier();
}

Result<void> Auditor::create(storage::Disk& disk, const std::string& state_file) {
  if (disk.open(state_file, storage::Disk::Open::existing))
    return fail(Reason::exchange_exists, state_file);
  return storage::replace_file(disk, state_file, kState, 0600);
}

Result<std::unique_ptr<Auditor>> Auditor::open(Setup setup) {
  insist(setup.disk != nullptr && ledger::valid_key_name(setup.name));
  std::unique_ptr<Auditor> auditor(new Auditor(std::move(setup)));
  auto text = storage::read_file(auditor->setup_.state_file, kStateBytesMax);
  if (!text) return std::unexpected(text.error());
  if (auto loaded = auditor->load(*text); !loaded) return std::unexpected(loaded.error());
  return auditor;
}

// The state: head; "day DATE EVALUATED DISCLOSING OTHERS yes|no" and "unlocked SHA256 TIMES" lines.
std::string Auditor::encode() const {
  std::string out(kState);
  for (const auto& [date, day] : days_)
    out += "day " + date + " " + std::to_string(day.evaluated) + " " +
           std::to_string(day.disclosing) + " " + std::to_string(day.others) +
           (day.declared ? " yes\n" : " no\n");
  for (const auto& [extraction, times] : unlocked_)
    out += "unlocked " + extraction + " " + std::to_string(times) + "\n";
  return out;
}

Result<void> Auditor::load(std::string_view text) {
  const auto bad = [] { return fail(Reason::ledger_corrupt, "the auditor's state is damaged"); };
  if (!text.starts_with(kState) || text.back() != '\n') return bad();
  text.remove_prefix(kState.size());
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    std::vector<std::string_view> words;
    for (;;) {
      const std::size_t blank = std::min(line.find(' '), line.size());
      words.push_back(line.substr(0, blank));
      if (blank == line.size()) break;
      line.remove_prefix(blank + 1);
    }
    if (words.size() == 6 && words[0] == "day" && is_date(words[1])) {
      const auto evaluated = ledger::parse_decimal(words[2]), one = ledger::parse_decimal(words[3]),
                 other = ledger::parse_decimal(words[4]);
      if (!evaluated || !one || !other || (words[5] != "yes" && words[5] != "no")) return bad();
      days_[std::string(words[1])] = Day{*evaluated, *one, *other, words[5] == "yes"};
    } else if (words.size() == 3 && words[0] == "unlocked") {
      const auto times = ledger::parse_decimal(words[2]);
      if (!times || !crypto::from_hex(words[1])) return bad();
      unlocked_[std::string(words[1])] = *times;
    } else {
      return bad();
    }
  }
  return {};
}

Result<void> Auditor::save() const {
  return storage::replace_file(*setup_.disk, setup_.state_file, encode(), 0600);
}

crypto::VoprfElement Auditor::year_key(unsigned year) const {
  const auto key = crypto::VoprfKey::derive(setup_.seed, crypto::bytes_of(share_info(year)));
  insist(key.has_value());
  return key->public_key();
}

Auditor::Said Auditor::answer(std::string_view method, std::string_view path,
                              std::string_view body) {
  constexpr std::string_view kKeys = "/v1/keys/";
  if (method == "GET" && path.starts_with(kKeys)) return key(path.substr(kKeys.size()));
  if (method == "POST" && path == "/v1/evaluate") return evaluate(body);
  if (method == "POST" && path == "/v1/day") return day(body);
  if (method == "POST" && path == "/v1/unlock") return unlock(body);
  if (method == "GET" && path == "/v1/counts") return counts();
  return refused(404, "there is nothing here");
}

Auditor::Said Auditor::key(std::string_view text) {
  const auto year = ledger::parse_decimal(text);
  if (!year || *year < 2000 || *year > 6000) return refused(404, "no such year");
  net::JsonWriter json;
  json.begin_object().key("year").number(*year).key("key").string(
      crypto::hex(year_key(static_cast<unsigned>(*year))));
  json.key("statements").string(verifier().text()).end_object();
  return {200, json.take()};
}

Auditor::Said Auditor::evaluate(std::string_view body) {
  const auto json = net::parse_json(body, {.bytes_max = 4096, .depth_max = 2, .values_max = 8});
  if (!json) return refused(400, "not the JSON expected");
  const auto year = number_of(*json, "year");
  const std::string* hex = text_of(*json, "blinded");
  const auto bytes = hex == nullptr ? std::nullopt : crypto::from_hex(*hex);
  crypto::VoprfElement blinded{};
  if (!year || *year < 2000 || *year > 6000 || !bytes || bytes->size() != blinded.size())
    return refused(400, "year and blinded are missing or wrong");
  std::memcpy(blinded.data(), bytes->data(), blinded.size());
  const Moment at = setup_.clock ? setup_.clock() : now();
  const unsigned y = static_cast<unsigned>(*year);
  if (number(at) + kHourMs < first_of(y)) return refused(403, "that year has not begun");
  if (number(at) >= first_of(y + 1) + kDayMs)
    return refused(403, "that year is over: its key answers an unlock alone");
  const auto key = crypto::VoprfKey::derive(setup_.seed, crypto::bytes_of(share_info(y)));
  insist(key.has_value());
  const auto evaluated = key->evaluate(blinded);
  if (!evaluated) return refused(400, "blinded is no element of the group");
  {
    const std::lock_guard lock(mutex_);
    ++days_[date_of(at)].evaluated;
    while (days_.size() > kDaysKept) days_.erase(days_.begin());
    if (!save()) {
      --days_[date_of(at)].evaluated;
      return refused(503, "the count could not be kept");
    }
  }
  net::JsonWriter out;
  out.begin_object().key("element").string(crypto::hex(evaluated->element));
  out.key("proof").string(crypto::hex(evaluated->proof)).end_object();
  return {200, out.take()};
}

Auditor::Said Auditor::day(std::string_view body) {
  const auto json = net::parse_json(body, {.bytes_max = 4096, .depth_max = 2, .values_max = 8});
  if (!json) return refused(400, "not the JSON expected");
  const std::string* date = text_of(*json, "day");
  const auto disclosing = number_of(*json, "disclosing"), others = number_of(*json, "others");
  if (date == nullptr || !is_date(*date) || !disclosing || !others)
    return refused(400, "day, disclosing and others are missing or wrong");
  const Moment at = setup_.clock ? setup_.clock() : now();
  if (*date >= date_of(at)) return refused(409, "that day is not over");
  std::uint64_t surplus = 0;
  {
    const std::lock_guard lock(mutex_);
    Day& one = days_[*date];
    if (one.declared && (one.disclosing != *disclosing || one.others != *others))
      return refused(409, "that day was declared otherwise");
    one.declared = true;
    one.disclosing = *disclosing;
    one.others = *others;
    const std::uint64_t told = *disclosing + *others;
    surplus = one.evaluated > told ? one.evaluated - told : 0;
    if (!save()) return refused(503, "the count could not be kept");
  }
  if (surplus > 0 && setup_.alarm)
    setup_.alarm("on " + *date + " there were " + std::to_string(surplus) +
                 " evaluations more than accounts declared");
  net::JsonWriter out;
  out.begin_object().key("surplus").number(surplus).end_object();
  return {200, out.take()};
}

// Rule 4: the one way to a share in clear, and to a year that is over.
Auditor::Said Auditor::unlock(std::string_view body) {
  const auto json =
      net::parse_json(body, {.bytes_max = kUnlockBytesMax, .depth_max = 2, .values_max = 8});
  if (!json) return refused(400, "not the JSON expected");
  const std::string* proof = text_of(*json, "proof");
  const std::string* extraction = text_of(*json, "extraction");
  if (proof == nullptr || extraction == nullptr)
    return refused(400, "proof or extraction is missing");
  const auto parsed = ledger::parse_tlog_proof(*proof);
  if (!parsed) return refused(400, "the receipt is not well formed");
  const auto witnessed = ledger::open_witnessed(parsed->checkpoint, setup_.policy);
  if (!witnessed)
    return refused(403, witnessed.error().reason == Reason::quorum_missing
                            ? "the seal lacks its quorum of witnesses"
                            : "the seal is in no log known here");
  const std::string& origin = witnessed->at.checkpoint.origin;
  const ledger::VerifierKey* log = setup_.policy.log(origin);
  if (log == nullptr) return refused(403, "the seal is in no log known here");
  const auto proven = ledger::verify_tlog_proof(*proof, *log, setup_.policy.keys());
  if (!proven) return refused(403, "the receipt does not hold");
  const auto entry = ledger::decode_entry(proven->entry);
  const Digest digest = crypto::sha256(*extraction);
  const std::string sealed = std::string(1, '\1') + std::string(crypto::text_of(digest));
  if (!entry || entry->type != EntryType::trace || entry->tail != sealed)
    return refused(403, "that entry does not seal this extraction");
  const auto accounts = accounts_of_extraction(*extraction);
  if (!accounts) return refused(400, accounts.error().detail);
  Unlocked out;
  out.extraction = digest;
  out.index = proven->index;
  std::map<unsigned, crypto::VoprfKey> keys;
  for (const auto& [account, epoch] : *accounts) {
    const unsigned year = year_of(epoch);
    if (!keys.contains(year)) {
      auto key = crypto::VoprfKey::derive(setup_.seed, crypto::bytes_of(share_info(year)));
      insist(key.has_value());
      keys.emplace(year, *std::move(key));
    }
    const auto bare = crypto::voprf_element(crypto::bytes_of(share_input(account, epoch)));
    insist(bare.has_value());
    const auto share = keys.at(year).evaluate(*bare);
    insist(share.has_value());
    Shares one;
    one.account = account;
    one.epoch = epoch;
    one.auditor = *share;
    out.shares.push_back(one);
  }
  for (const auto& [year, key] : keys) {
    YearKeys one;
    one.year = year;
    one.auditor = key.public_key();
    out.years.push_back(one);
  }
  {
    const std::lock_guard lock(mutex_);
    ++unlocked_[crypto::hex(digest)];
    if (!save()) return refused(503, "the unlock could not be kept");
  }
  if (setup_.alarm)
    setup_.alarm("unlocked " + std::to_string(out.shares.size()) + " accounts for entry " +
                 std::to_string(out.index));
  net::JsonWriter answer;
  answer.begin_object()
      .key("statement")
      .string(signer_.sign(unlocked_text(out, origin)))
      .end_object();
  return {200, answer.take()};
}

Auditor::Said Auditor::counts() const {
  net::JsonWriter json;
  json.begin_object().key("days").begin_array();
  const std::lock_guard lock(mutex_);
  for (const auto& [date, day] : days_) {
    json.begin_object().key("day").string(date).key("evaluated").number(day.evaluated);
    if (day.declared) {
      const std::uint64_t told = day.disclosing + day.others;
      json.key("disclosing").number(day.disclosing).key("others").number(day.others);
      json.key("surplus").number(day.evaluated > told ? day.evaluated - told : 0);
    }
    json.end_object();
  }
  json.end_array().key("unlocked").number(unlocked_.size()).end_object();
  return {200, json.take()};
}

}  // namespace amanat::disclosure
