#include "server/report.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <set>
#include <unordered_map>

#include "server/alerts.h"
#include "server/exchange.h"
#include "server/state.h"

namespace amanat::server {
namespace {

using detection::Found;
using detection::Rule;

std::uint64_t name_of(const Label& label) {
  std::uint64_t name = 0;
  std::memcpy(&name, label.data(), sizeof name);
  return name;
}

const std::string& part(const ledger::Opened& e, BodyPart p) {
  return e.parts[static_cast<std::size_t>(p) - 1];
}

bool of_reports(Rule rule) {
  switch (rule) {
    case Rule::recurring_group:
    case Rule::collusion:
    case Rule::split_list:
    case Rule::approver_ring:
    case Rule::shared_address:
      return true;
    default:
      return false;
  }
}

/// Citizen is what a report needs of one.
struct Citizen {
  std::uint64_t place = 0;
  detection::Sex sex = detection::Sex::unknown;
  std::uint8_t age_band = detection::kAgeBands;
  std::vector<std::string> addresses;
};

std::uint8_t band_of(std::string_view born, Moment at) {
  unsigned year = 0;
  const auto [end, error] = std::from_chars(born.data(), born.data() + born.size(), year);
  if (error != std::errc() || born.size() < 4 || end < born.data() + 4) return detection::kAgeBands;
  const auto now = 1970 + static_cast<unsigned>(number(at) / 31'556'952'000);
  if (year > now) return detection::kAgeBands;
  const unsigned age = now - year;
  std::uint8_t band = 0;
  for (const unsigned until : {18u, 30u, 45u, 60u})
    band = static_cast<std::uint8_t>(band + (age >= until));
  return band;
}

Citizen citizen_of(const registry::Registry::Traits& traits, Moment at) {
  Citizen c;
  const std::string& id = traits.name.value;
  if (traits.name.kind == SubjectKind::national_id && id.size() == 13)
    std::from_chars(id.data(), id.data() + 12, c.place);
  if (traits.sex == "F") c.sex = detection::Sex::female;
  if (traits.sex == "M") c.sex = detection::Sex::male;
  c.age_band = band_of(traits.born, at);
  c.addresses = traits.addresses;
  return c;
}

bool share(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::any_of(a.begin(), a.end(), [&](const std::string& one) {
    return !one.empty() && std::find(b.begin(), b.end(), one) != b.end();
  });
}

// "approved ACCOUNT ASKED_MS", of the entry of an approval.
std::optional<std::pair<AccountId, std::uint64_t>> approved_of(std::string_view text) {
  constexpr std::string_view kHead = "approved ";
  if (!text.starts_with(kHead)) return std::nullopt;
  std::uint32_t account = 0;
  std::uint64_t asked = 0;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data() + kHead.size(), end, account);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, asked);
  if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
  return std::pair{AccountId{account}, asked};
}

/// Period is what a scan of the ledger keeps of the time that is reported.
struct Period {
  Moment from{}, until{};
  std::vector<detection::Shown> shown;
  std::vector<detection::Approved> approved;
  std::unordered_map<std::uint64_t, Citizen> citizens;
  std::vector<std::pair<std::uint64_t, detection::Alert>> alerts;  // of these very reports
  std::map<std::string, std::uint64_t> by_rule;
  std::set<Label> invented;  // in no statistic

  void take(const ledger::Opened& e, const std::map<AccountId, Asker>& accounts) {
    if (!e.actor) return;
    if (e.type == EntryType::alert) {
      auto alert = detection::decode_alert(part(e, BodyPart::denial));
      if (!alert) return;
      const bool mine =
          of_reports(alert->rule) && alert->from == number(from) && alert->until == number(until);
      if (mine) alerts.emplace_back(number(e.index), *alert);
      if (e.time >= from && e.time < until)
        ++by_rule[std::string(detection::row_of(alert->rule).id)];
      return;
    }
    if (e.time < from || e.time >= until) return;
    const std::string& word = part(e, BodyPart::denial);
    if (e.type == EntryType::policy_key) {
      if (const auto approval = approved_of(word))
        approved.push_back(
            {number(e.index), number(e.time), approval->second, e.actor->account, approval->first});
      return;
    }
    if (e.type != EntryType::disclosure || !e.subject || invented.contains(*e.subject)) return;
    const auto look = detection::look_of(std::string_view(word).substr(0, word.find('\n')));
    if (!look || !look->exists) return;
    detection::Shown one;
    one.entry = number(e.index);
    one.at = look->at;
    one.account = e.actor->account;
    if (const auto at = accounts.find(one.account); at != accounts.end())
      one.unit = at->second.unit;
    one.subject = name_of(*e.subject);
    one.why = look->why;
    citizens.try_emplace(one.subject);
    shown.push_back(std::move(one));
  }
};

}  // namespace

std::string accounts_of(const Found& found) {
  std::string out = "accounts";
  for (const AccountId account : found.accounts) out += ' ' + std::to_string(number(account));
  return out;
}

Result<DetectionReport> Exchange::report(Moment from, Moment until, Recording recording) {
  Period period;
  period.from = from;
  period.until = until;
  auto invented = this->invented();
  if (!invented) return std::unexpected(invented.error());
  period.invented = *std::move(invented);
  std::map<AccountId, Asker> accounts;
  std::map<Tag, AccountId> officers;
  for (Asker& a : state_->identity->accounts()) {
    if (a.own) officers.emplace(*a.own, a.account);
    accounts.emplace(a.account, std::move(a));
  }
  auto scanned = scan_ledger(EntryIndex{0}, [&](const ledger::Opened& e) {
    period.take(e, accounts);
    return true;
  });
  if (!scanned) return std::unexpected(scanned.error());
  std::map<AccountId, std::vector<std::string>> homes;
  auto walked = state_->registry->each_traits([&](const registry::Registry::Traits& traits) {
    if (const auto at = period.citizens.find(name_of(traits.label)); at != period.citizens.end())
      at->second = citizen_of(traits, until);
    if (const auto officer = officers.find(traits.tag); officer != officers.end())
      homes[officer->second] = traits.addresses;
  });
  if (!walked) return std::unexpected(walked.error());

  auto options = detection_options(state_->home, *state_->vault, state_->catalog->fields());
  if (!options) return std::unexpected(options.error());
  const detection::Tuned tuned(options->parameters);
  detection::Report report(tuned);
  DetectionReport out;
  out.from = from;
  out.until = until;
  std::set<AccountId> asked;
  for (detection::Shown& one : period.shown) {
    const Citizen& citizen = period.citizens.at(one.subject);
    one.place = citizen.place;
    one.sex = citizen.sex;
    one.age_band = citizen.age_band;
    const auto home = homes.find(one.account);
    one.own_address = home != homes.end() && share(citizen.addresses, home->second);
    report.take(one);
    asked.insert(one.account);
  }
  for (const detection::Approved& one : period.approved) report.take(one);
  out.lookups = period.shown.size();
  out.officers = asked.size();
  out.alerts = std::move(period.by_rule);
  out.found = report.found();
  if (recording == Recording::no) return out;
  for (const Found& found : out.found) {
    if (!of_reports(found.rule)) continue;
    const auto known = std::find_if(period.alerts.begin(), period.alerts.end(), [&](const auto& a) {
      return a.second.rule == found.rule && a.second.note.starts_with(accounts_of(found) + ":");
    });
    if (known != period.alerts.end()) {
      out.recorded.push_back(known->first);
      continue;
    }
    detection::Alert alert = state_->detection->reporting(found, number(from), number(until));
    alert.note = accounts_of(found) + ": " + found.numbers;
    if (const auto at = accounts.find(found.accounts.front()); at != accounts.end())
      alert.unit = at->second.unit;
    auto entry = record_alert(alert);
    if (!entry) return std::unexpected(entry.error());
    out.recorded.push_back(*entry);
  }
  return out;
}

// The alerts of reports are made again from the ledger and the registers, a period at a time.
Result<void> Exchange::replay_reports(detection::Replayed& replayed) {
  std::map<std::pair<std::uint64_t, std::uint64_t>,
           std::vector<std::pair<std::uint64_t, detection::Alert>>>
      periods;
  auto scanned = scan_ledger(EntryIndex{0}, [&](const ledger::Opened& e) {
    if (e.type != EntryType::alert) return true;
    auto alert = detection::decode_alert(part(e, BodyPart::denial));
    if (alert && of_reports(alert->rule) && alert->until != 0)
      periods[{alert->from, alert->until}].emplace_back(number(e.index), *std::move(alert));
    return true;
  });
  if (!scanned) return std::unexpected(scanned.error());
  for (const auto& [period, alerts] : periods) {
    auto again = report(Moment{period.first}, Moment{period.second}, Recording::no);
    if (!again) return std::unexpected(again.error());
    for (const auto& [entry, alert] : alerts) {
      const bool same =
          std::any_of(again->found.begin(), again->found.end(), [&](const Found& found) {
            return found.rule == alert.rule &&
                   alert.note == accounts_of(found) + ": " + found.numbers &&
                   std::memcmp(&found.score, &alert.score, sizeof(double)) == 0 &&
                   std::memcmp(&found.threshold, &alert.threshold, sizeof(double)) == 0;
          });
      if (alert.parameters != state_->detection->parameters_id())
        ++replayed.by_other_parameters;
      else if (same)
        ++replayed.same;
      else
        replayed.different.push_back(entry);
    }
  }
  return {};
}

}  // namespace amanat::server
