#include "sim/leak_procedure.h"

#include <algorithm>
#include <cstring>

#include "crypto/crypto.h"
#include "model/insist.h"
#include "trace/match.h"
#include "trace/read.h"

namespace amanat::sim {
namespace {

constexpr std::uint16_t kEpochZero = 400, kDataset = 1, kId = 2, kDated = 3, kFirstMember = 10;
constexpr const char* kDatasetId = "sim.people";

std::uint16_t member(unsigned slot, unsigned symbol) {
  return static_cast<std::uint16_t>(kFirstMember + 2 * slot + symbol);
}
std::string member_id(unsigned slot, unsigned symbol) {
  return std::string(kDatasetId) + ".contact" + std::to_string(slot) + (symbol == 0 ? "a" : "b");
}
const std::string kIdField = std::string(kDatasetId) + ".cnic";
const std::string kDatedField = std::string(kDatasetId) + ".registered";

// One slot a pair of values, of which one is shown.
disclosure::SlotCatalogue catalogue_of(unsigned coins) {
  std::string text = "amanat-slots v1\nversion 1\nname " + std::to_string(kDataset) + " " +
                     kDatasetId + "\nname " + std::to_string(kId) + " " + kIdField + "\nname " +
                     std::to_string(kDated) + " " + kDatedField + "\n";
  for (unsigned s = 0; s < coins; ++s)
    for (unsigned symbol = 0; symbol < 2; ++symbol)
      text += "name " + std::to_string(member(s, symbol)) + " " + member_id(s, symbol) + "\n";
  for (unsigned s = 0; s < coins; ++s)
    text += "slot " + std::to_string(kDataset) + " " + std::to_string(s) + " which even - " +
            std::to_string(member(s, 0)) + "," + std::to_string(member(s, 1)) + "\n";
  auto parsed = disclosure::SlotCatalogue::parse(text);
  insist(parsed.has_value());
  return *std::move(parsed);
}

Label label_of(std::uint32_t citizen) {
  Label label{};
  std::memcpy(label.data(), &citizen, sizeof citizen);
  return label;
}
std::uint32_t citizen_of(const Label& label) {
  std::uint32_t citizen = 0;
  std::memcpy(&citizen, label.data(), sizeof citizen);
  return citizen;
}

Moment moment_of(std::uint16_t day) {
  return Moment{trace::kDayZeroMs + std::uint64_t{day} * 86'400'000};
}

std::string digits_of(const World& world, std::uint32_t citizen) {
  return std::to_string(world.national_id(citizen));
}

// What the registry has of a citizen, and the ledger of who was shown it.
trace::Facts facts_of(const World& world, std::uint32_t citizen) {
  const unsigned coins = world.shape().coins;
  trace::Facts facts;
  facts.subject = label_of(citizen);
  Tag tag{};
  std::memcpy(tag.data(), &citizen, sizeof citizen);
  std::vector<std::string> narrow = {kIdField, kDatedField}, full = narrow;
  std::vector<std::uint16_t> optional;
  for (unsigned s = 0; s < coins; ++s)
    for (unsigned symbol = 0; symbol < 2; ++symbol) {
      full.push_back(member_id(s, symbol));
      optional.push_back(member(s, symbol));
    }
  std::sort(full.begin(), full.end());
  for (std::uint16_t v = 1; v <= world.version_on(citizen, kLastDay); ++v) {
    trace::KnownRecord record{kDatasetId, tag, v, {}};
    record.values.emplace_back(kIdField, digits_of(world, citizen));
    record.values.emplace_back(kDatedField, std::to_string(world.dated(citizen, v)));
    for (unsigned s = 0; s < coins; ++s)
      for (unsigned symbol = 0; symbol < 2; ++symbol)
        record.values.emplace_back(member_id(s, symbol), world.either_text(citizen, s, symbol));
    std::sort(record.values.begin(), record.values.end());
    facts.records.push_back(std::move(record));
  }
  std::uint64_t entry = std::uint64_t{citizen} << 20;
  for (const trace::Posting& p : world.postings_of(citizen)) {
    trace::Disclosed one;
    one.entry = entry++;
    one.account = p.account;
    one.at = moment_of(p.day);
    one.fields = p.fields == kFullFields ? full : narrow;
    one.shown = {{tag, p.version}};
    disclosure::MarksRecord marks;
    marks.kind = disclosure::MarksRecord::Kind::coins;
    marks.catalogue = 1;
    marks.epoch = static_cast<std::uint16_t>(kEpochZero + world.epoch_of(number(p.account), p.day));
    marks.optional = optional;
    one.marks = std::move(marks);
    facts.disclosed.push_back(std::move(one));
  }
  return facts;
}

std::vector<std::string> cells_of(std::string_view row) {
  while (row.ends_with('\n')) row.remove_suffix(1);
  std::vector<std::string> cells;
  for (std::size_t at = 0; at <= row.size();) {
    const std::size_t end = std::min(row.find(',', at), row.size());
    cells.emplace_back(row.substr(at, end - at));
    at = end + 1;
  }
  return cells;
}

}  // namespace

trace::Findings judge_by_procedure(World& world, const Leak& leak) {
  insist(leak.finds.size() == 1);
  const Find& find = leak.finds.front();
  trace::Find found;
  found.sha256 = crypto::sha256(find.file);
  found.bytes = find.file.size();
  found.day = trace::day_of(moment_of(find.day));
  found.clusters = {{0, Digest{}}};
  std::vector<trace::FoundRow> rows;
  trace::AllFacts facts;
  trace::ReadOptions reading;
  reading.on_row = [&](const trace::LeakRow& row) {
    for (const trace::Identifier& id : row.identifiers) {
      const auto citizen = world.citizen_of(world.hash()(id.canonical()));
      if (id.kind != trace::Kind::national_id || !citizen) continue;
      rows.push_back(
          {row.offset, row.length, row.cluster, label_of(*citizen), cells_of(row.text), true});
      facts.try_emplace(label_of(*citizen), facts_of(world, *citizen));
      return;
    }
  };
  auto read = trace::read_leak_bytes(find.file, "find.csv", reading);
  insist(read.has_value());
  const auto catalogue = catalogue_of(world.shape().coins);
  trace::LogPlace log;
  log.origin = "sim.invalid/ledger";
  log.tree_size = log.covered = ~std::uint64_t{0} >> 1;
  auto extraction = trace::observe(found, std::move(rows), facts, catalogue, log);
  insist(extraction.has_value());
  // Sealed here; only now are coins drawn.
  return trace::judge_extraction(
      *extraction, facts, catalogue,
      [&](AccountId account, std::uint16_t epoch, const Label& subject,
          const disclosure::Place& place) -> std::optional<std::uint32_t> {
        return world.coin(number(account), epoch - kEpochZero, citizen_of(subject),
                          place.slot->number);
      });
}

}  // namespace amanat::sim
