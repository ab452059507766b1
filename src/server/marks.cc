#include "server/marks.h"

#include <sys/stat.h>

#include "ledger/checkpoint.h"
#include "server/exchange.h"
#include "server/state.h"
#include "storage/file.h"

namespace amanat::server {
namespace {

constexpr std::size_t kUrlBytesMax = 1024;
constexpr std::chrono::milliseconds kCosignedStep{20}, kCosignedMost{10'000};

std::optional<std::pair<AccountId, std::uint16_t>> rekeyed_of(std::string_view text) {
  constexpr std::string_view kHead = "amanat-rekey v1\naccount ", kEpoch = "\nepoch ";
  if (!text.starts_with(kHead) || !text.ends_with('\n')) return std::nullopt;
  text = text.substr(kHead.size(), text.size() - kHead.size() - 1);
  const std::size_t at = text.find(kEpoch);
  if (at == std::string_view::npos) return std::nullopt;
  const auto account = ledger::parse_decimal(text.substr(0, at));
  const auto epoch = ledger::parse_decimal(text.substr(at + kEpoch.size()));
  if (!account || *account > 0xffffffff || !epoch || *epoch > 0xffff) return std::nullopt;
  return std::pair(AccountId{static_cast<std::uint32_t>(*account)},
                   static_cast<std::uint16_t>(*epoch));
}

}  // namespace

std::string rekey_text(AccountId account, std::uint16_t epoch) {
  return "amanat-rekey v1\naccount " + std::to_string(number(account)) + "\nepoch " +
         std::to_string(epoch) + "\n";
}

Result<void> MarksRecorded::read(const ledger::Opened& entry) {
  if (entry.type != EntryType::policy_key) return {};
  const std::string& note = entry.parts[static_cast<std::size_t>(BodyPart::purpose) - 1];
  if (note == kSlotsRecorded) {
    auto read = disclosure::SlotCatalogue::parse(entry.evidence);
    if (!read) return fail(Reason::ledger_corrupt, "a slot catalogue: " + read.error().detail);
    slots = *std::move(read);
    slots_index = number(entry.index);
  } else if (note == kYearKeysRecorded) {
    auto read = disclosure::parse_year_keys(entry.evidence);
    if (!read) return std::unexpected(read.error());
    years[read->year] = {*read, number(entry.index)};
  } else if (note == kRekeyed) {
    const auto read = rekeyed_of(entry.evidence);
    if (!read) return fail(Reason::ledger_corrupt, "a re-keying");
    rekeyed[{read->first, disclosure::year_of(read->second)}] = read->second % 16u;
  }
  return {};
}

Result<disclosure::OpenAuditorLine> read_auditor(const std::string& directory,
                                                  const std::string& key_file) {
  const std::string url_file = directory + "/url";
  struct stat there;
  if (::stat(url_file.c_str(), &there) != 0) return disclosure::OpenAuditorLine();
  auto url = storage::read_file(url_file, kUrlBytesMax);
  if (!url) return std::unexpected(url.error());
  while (url->ends_with('\n') || url->ends_with(' ')) url->pop_back();
  if (!url->starts_with("https://") || url->find_first_of(" \t\n") != std::string::npos)
    return fail(Reason::config_wrong, url_file + ": one https:// address of the auditor");
  const disclosure::HttpsAuditor where{*url, directory + "/ca.crt", directory + "/client.crt",
                                       key_file};
  for (const std::string& file : {where.ca_file, where.certificate_file, where.key_file})
    if (::stat(file.c_str(), &there) != 0) return fail(Reason::config_wrong, file + " is missing");
  return disclosure::OpenAuditorLine([where] { return disclosure::https_auditor(where); });
}

Result<void> Exchange::State::open_marks() {
  disclosure::Marks::Setup setup;
  if (!catalog->slots().empty()) {
    auto slots = disclosure::SlotCatalogue::parse(catalog->slots());
    if (!slots) return std::unexpected(slots.error());
    setup.catalogue = *std::move(slots);
  }
  auto auditor = read_auditor(home.auditor(), home.auditor_key());
  if (!auditor) return std::unexpected(auditor.error());
  setup.open_line = *std::move(auditor);
  auto seed = vault->named_secret("marks-share");
  if (!seed) return std::unexpected(seed.error());
  setup.seed = *std::move(seed);
  setup.publish = [this](const disclosure::YearKeys& keys) { return publish_keys(keys); };
  marks = std::make_unique<disclosure::Marks>(std::move(setup));
  return {};
}

// What the coins mean is in the ledger before the first of them falls.
Result<void> Exchange::State::note_slots() {
  for (const auto& [who, times] : recorded_marks.rekeyed)
    marks->rekeyed(who.first, who.second, times);
  if (!marks->configured()) return {};
  const disclosure::SlotCatalogue& slots = marks->catalogue();
  const auto& last = recorded_marks.slots;
  if (slots.version() == 0 || (last && last->sha256() == slots.sha256())) return {};
  if (last)
    if (auto follows = slots.follows(*last); !follows) return follows;
  auto recorded = record_text(slots.text(), kSlotsRecorded);
  if (!recorded) return std::unexpected(recorded.error());
  recorded_marks.slots = slots;
  recorded_marks.slots_index = number(recorded->index);
  return {};
}

Result<Receipt::Entry> Exchange::State::record_text(std::string_view text, std::string_view note) {
  EntryContent entry;
  entry.type = EntryType::policy_key;
  entry.tail = ledger::tail_of_policy_key(crypto::sha256(text), EntryIndex{0});
  entry.part(BodyPart::purpose) = note;
  entry.evidence = text;
  auto recorded = record(std::move(entry));
  if (!recorded) return std::unexpected(recorded.error());
  return std::move(recorded->front());
}

Result<void> Exchange::State::publish_keys(const disclosure::YearKeys& keys) {
  std::uint64_t index = 0;
  if (const auto at = recorded_marks.years.find(keys.year); at != recorded_marks.years.end()) {
    if (at->second.first.exchange != keys.exchange || at->second.first.auditor != keys.auditor)
      return fail(Reason::auditor_wrong, "another key of the year is in the ledger");
    index = at->second.second;
  } else {
    auto recorded = record_text(disclosure::year_keys_text(keys), kYearKeysRecorded);
    if (!recorded) return std::unexpected(recorded.error());
    index = number(recorded->index);
    recorded_marks.years[keys.year] = {keys, index};
  }
  index = std::max(index, recorded_marks.slots_index);
  for (auto waited = kCosignedStep;; waited += kCosignedStep) {
    const ledger::WitnessStanding standing = ledger->witness_standing();
    if (!standing.has_witnesses || standing.cosigned_size > index) return {};
    if (waited > kCosignedMost) return fail(Reason::witnesses_silent, "the year's keys");
    std::this_thread::sleep_for(kCosignedStep);
  }
}

Result<void> Exchange::rekey_marks(AccountId account) {
  State& s = *state_;
  const std::lock_guard one(s.acts);
  const std::uint16_t epoch = s.marks->epoch(account);
  if (epoch % 16 == 15) return fail(Reason::usage_wrong, "re-keyed fifteen times this year");
  const auto next = static_cast<std::uint16_t>(epoch + 1);
  auto recorded = s.record_text(rekey_text(account, next), kRekeyed);
  if (!recorded) return std::unexpected(recorded.error());
  s.recorded_marks.rekeyed[{account, disclosure::year_of(next)}] = next % 16u;
  s.marks->rekeyed(account, disclosure::year_of(next), next % 16u);
  return {};
}

disclosure::Marks& Exchange::marks() { return *state_->marks; }

}  // namespace amanat::server
