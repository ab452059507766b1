// What a trace needs of the exchange: facts at one checkpoint, entries of its own, old answers.

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "crypto/crypto.h"
#include "ledger/big_endian.h"
#include "ledger/entry.h"
#include "ledger/history.h"
#include "ledger/proof.h"
#include "model/insist.h"
#include "net/json.h"
#include "server/state.h"
#include "server/trace_words.h"
#include "server/traces.h"
#include "trace/answers.h"
#include "trace/evidence.h"

namespace amanat::server {
namespace {

constexpr unsigned kCoverMs = 90'000;
constexpr std::chrono::milliseconds kStep{20}, kCosignMost{120'000};
constexpr std::size_t kEpochCoveredAt = ledger::kEntryHead + 8;

// Where in the log the expert's file was made.
Result<void> take_place(const std::string& text, trace::LogPlace& log) {
  auto history = ledger::parse_history(text);
  if (!history) return std::unexpected(history.error());
  auto note = ledger::parse_note(history->checkpoint);
  auto at = note ? ledger::parse_checkpoint(note->text) : std::unexpected(note.error());
  if (!at) return std::unexpected(at.error());
  log.origin = at->origin;
  log.tree_size = at->size;
  log.root = at->root;
  const std::string& epoch = history->epoch_entry.entry;
  insist(epoch.size() >= kEpochCoveredAt + 8);
  log.covered = ledger::load_number<std::uint64_t>(epoch.data() + kEpochCoveredAt);
  return {};
}

}  // namespace

Result<std::vector<trace::Disclosed>> disclosures_in(std::string_view text) {
  std::vector<trace::Disclosed> out;
  auto history = ledger::parse_history(text);
  if (!history) return std::unexpected(history.error());
  for (const auto& e : history->entries) {
    if (e.state != ledger::HistoryEntry::State::open) continue;
    std::array<std::string_view, kBodyParts> parts;
    for (const auto& p : e.parts) parts[p.number - 1] = p.bytes;
    const std::optional<Actor> actor =
        e.actor ? std::optional(e.actor->actor) : std::optional<Actor>();
    auto d =
        trace::disclosed_of(e.proved.index, static_cast<std::uint8_t>(e.proved.entry[1]),
                            ledger::time_of(e.proved.entry), actor, parts[2], parts[3], parts[7]);
    if (!d) return std::unexpected(d.error());
    if (*d) out.push_back(**std::move(d));
  }
  return out;
}

Result<Key256> Exchange::finds_key() const { return state_->vault->named_secret("trace-finds"); }

Traces& Exchange::traces() { return *state_->traces; }

trace::Sources Exchange::trace_sources() {
  trace::Sources sources;
  sources.scan = [this](EntryIndex from, const auto& visit) { return scan_ledger(from, visit); };
  sources.each_subject = [this](const auto& subject, const auto& number) {
    return registry().each_subject(subject, number);
  };
  sources.records_mark = [this]() -> Result<std::uint64_t> {
    auto counts = registry().counts();
    if (!counts) return std::unexpected(counts.error());
    std::uint64_t mark = 1;
    for (const auto& c : *counts) mark = mark * 1'000'003 + c.records;
    return mark;
  };
  return sources;
}

Result<Exchange::TraceFacts> Exchange::facts_of(const std::vector<SubjectName>& citizens) {
  TraceFacts out;
  std::map<Label, SubjectName> by_label;
  for (const SubjectName& name : citizens) by_label.emplace(state_->vault->label(name), name);
  // Of nobody there is no file to take it from; a seal says where the log stood all the same.
  if (by_label.empty()) {
    auto note = ledger::parse_note(state_->ledger->checkpoint());
    auto at = note ? ledger::parse_checkpoint(note->text) : std::unexpected(note.error());
    if (!at) return std::unexpected(at.error());
    out.log = {at->origin, at->size, 0, at->root};
    return out;
  }
  auto covered = state_->ledger->cover(kCoverMs);
  if (!covered) return std::unexpected(covered.error());
  std::vector<ledger::Ledger::Labelled> labelled;
  for (const auto& [label, name] : by_label)
    labelled.push_back({label, state_->vault->label_proof(name)});
  auto files = state_->ledger->shown_to(labelled);
  if (!files) return std::unexpected(files.error());
  const FieldTable& fields = state_->catalog->fields();
  for (std::size_t i = 0; i < labelled.size(); ++i) {
    const Label& label = labelled[i].label;
    trace::Facts& facts = out.facts[label];
    facts.subject = label;
    auto disclosed = disclosures_in((*files)[i]);
    if (!disclosed) return std::unexpected(disclosed.error());
    facts.disclosed = *std::move(disclosed);
    if (i == 0)
      if (auto taken = take_place((*files)[i], out.log); !taken)
        return std::unexpected(taken.error());
    auto versions = state_->registry->versions_of(by_label.at(label));
    if (!versions) return std::unexpected(versions.error());
    for (const auto& v : *versions) {
      // Versions that nobody was shown cannot have leaked from an answer.
      const bool shown = std::ranges::any_of(facts.disclosed, [&](const trace::Disclosed& d) {
        return std::ranges::any_of(d.shown, [&](const trace::ShownRecord& s) {
          return s.record == v.record && s.version == v.version;
        });
      });
      if (!shown) continue;
      trace::KnownRecord& record = facts.records.emplace_back();
      record.dataset = fields.dataset_name(v.dataset);
      record.record = v.record;
      record.version = v.version;
      for (const auto& [field, text] : v.values) record.values.emplace_back(fields[field].id, text);
      std::ranges::sort(record.values);
    }
    std::ranges::sort(facts.records);
    out.citizens[label] = by_label.at(label).value;
    out.files.emplace_back(label, std::move((*files)[i]));
  }
  return out;
}

Result<std::string> Exchange::cosigned(std::uint64_t index, const std::atomic<bool>& stop) {
  const auto until = std::chrono::steady_clock::now() + kCosignMost;
  for (;;) {
    const auto standing = state_->ledger->witness_standing();
    if (!standing.has_witnesses || standing.cosigned_size > index)
      if (auto proof = state_->ledger->prove(EntryIndex{index})) return proof;
    if (stop) return fail(Reason::trace_stopped);
    if (std::chrono::steady_clock::now() >= until)
      return fail(Reason::witnesses_silent, "a step of the trace");
    std::this_thread::sleep_for(kStep);
  }
}

Result<std::uint64_t> Exchange::record_trace(ledger::TraceStep step, const Digest& document) {
  static constexpr const char* kNotes[] = {"", "trace sealed", "trace unlocked", "trace verdict"};
  EntryContent entry;
  entry.type = EntryType::trace;
  entry.tail = ledger::tail_of_trace(step, document);
  entry.part(BodyPart::purpose) = kNotes[static_cast<std::size_t>(step)];
  auto recorded = state_->record(std::move(entry));
  if (!recorded) return std::unexpected(recorded.error());
  return number(recorded->front().index);
}

Result<void> Exchange::record_trace_act(std::string note, const Caller& confirmed) {
  const std::lock_guard one(state_->acts);
  insist(confirmed.act().has_value());
  auto canonical = canonical_act(*confirmed.act());
  if (!canonical) return std::unexpected(canonical.error());
  auto recorded = state_->record_act(std::move(note), crypto::sha256(*canonical), &confirmed);
  if (!recorded) return std::unexpected(recorded.error());
  return {};
}

Result<Key256> Exchange::slice_key(std::span<const std::uint8_t, 16> slice) const {
  return state_->vault->slice_key(slice);
}

Result<trace::ShownExport> Exchange::opened_export(std::uint64_t entry) {
  std::optional<ledger::Opened> opened;
  auto scanned = scan_ledger(EntryIndex{entry}, [&](const ledger::Opened& one) {
    opened = one;
    return false;
  });
  if (!scanned) return std::unexpected(scanned.error());
  if (!opened || number(opened->index) != entry || !opened->actor)
    return fail(Reason::no_record, "entry " + std::to_string(entry));
  auto key = state_->vault->slice_key(opened->slice_id);
  if (!key) return std::unexpected(key.error());
  const ledger::Opening opening{opened->nonce, opened->subject, opened->actor, opened->parts, {}};
  const ledger::Blinds blinds = ledger::blinds_of(*key, opening);
  trace::ShownExport out;
  out.actor = *opened->actor;
  out.r_actor = blinds.actor;
  out.r_body = blinds.body;
  const std::string body = ledger::canonical_body(*key, opening);
  std::memcpy(out.part_hashes.data(), body.data(), body.size());
  constexpr BodyPart kShown[] = {BodyPart::answer_digest, BodyPart::marks, BodyPart::export_id};
  for (std::size_t i = 0; i < std::size(kShown); ++i) {
    const std::size_t at = static_cast<std::size_t>(kShown[i]) - 1;
    out.salts[i] = blinds.salts[at];
    out.parts[i] = opened->parts[at];
  }
  return out;
}

Result<trace::AnswerFile> Exchange::opened_answer(const trace::Facts& facts,
                                                  const trace::Disclosed& disclosed,
                                                  const disclosure::CoinKey& coins,
                                                  const std::set<std::string>& leaked) {
  std::optional<ledger::Opened> opened;
  auto scanned = scan_ledger(EntryIndex{disclosed.entry}, [&](const ledger::Opened& one) {
    if (number(one.index) == disclosed.entry) opened = one;
    return false;
  });
  if (!scanned) return std::unexpected(scanned.error());
  if (!opened) return fail(Reason::no_record, "entry " + std::to_string(disclosed.entry));
  auto key = state_->vault->slice_key(opened->slice_id);
  if (!key) return std::unexpected(key.error());
  ledger::Opening opening;
  opening.nonce = opened->nonce;
  opening.subject = opened->subject;
  opening.actor = opened->actor;
  opening.parts = opened->parts;
  const ledger::Blinds blinds = ledger::blinds_of(*key, opening);
  constexpr auto kPart = static_cast<std::size_t>(BodyPart::answer_digest) - 1;
  const trace::OldAnswer old{&facts, &disclosed, opened->parts[kPart], blinds.salts[kPart], &*key};
  return trace::open_answer(old, state_->marks->catalogue(), coins, state_->catalog->fields(),
                            leaked);
}

Result<std::string> Exchange::leaks_json(const Tag& citizen) const {
  net::JsonWriter json;
  json.begin_object().key("leaks").begin_array();
  if (const auto label = state_->vault->label_of_tag(citizen)) {
    auto leaks = state_->traces->leaks_of(*label);
    if (!leaks) return std::unexpected(leaks.error());
    for (const auto& leak : *leaks) {
      json.begin_object().key("seen_on").string(leak.leak_day).key("fields").begin_array();
      for (const auto& field : leak.fields) json.string(field);
      json.end_array().end_object();
    }
  }
  json.end_array().end_object();
  return json.take();
}

std::optional<std::pair<disclosure::YearKeys, std::uint64_t>> Exchange::year_keys(
    unsigned year) const {
  const auto at = state_->recorded_marks.years.find(year);
  if (at == state_->recorded_marks.years.end()) return std::nullopt;
  return at->second;
}

}  // namespace amanat::server
