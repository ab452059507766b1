#include "server/trace_decoys.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "crypto/crypto.h"
#include "disclosure/decoys.h"
#include "server/marks.h"

namespace amanat::server {
namespace {

constexpr std::size_t part_at(BodyPart part) { return static_cast<std::size_t>(part) - 1; }

// Exports of rows with decoys by the end of a day. The register stays shut: an EXPORT says itself
// that it is seeded, by its marks record, and its range says how many that can be.
Result<SeededExports> seeded_exports(Exchange& exchange, const std::string& leak_day) {
  SeededExports out;
  const auto scanned = exchange.scan_ledger(EntryIndex{0}, [&](const ledger::Opened& e) {
    if (e.type != EntryType::export_ || !e.actor || trace::day_of(e.time) > leak_day) return true;
    const auto marks = disclosure::parse_marks(e.parts[part_at(BodyPart::marks)]);
    const std::string& id = e.parts[part_at(BodyPart::export_id)];
    std::array<std::uint8_t, 16> extract;
    if (!marks || marks->kind != disclosure::MarksRecord::Kind::coins ||
        id.size() != extract.size())
      return true;
    std::memcpy(extract.data(), id.data(), extract.size());
    out[extract] = {number(e.index), 0, e.actor->account, marks->epoch, e.time};
    return true;
  });
  if (!scanned) return std::unexpected(scanned.error());
  for (auto& [extract, one] : out) {
    auto receipt = exchange.ledger().receipt_of_export(
        EntryIndex{one.entry},
        [&](std::span<const std::uint8_t, 16> slice) { return exchange.slice_key(slice); });
    if (!receipt) return std::unexpected(receipt.error());
    one.decoys = disclosure::DecoyMaker::decoys_for(receipt->bulk()->count);
  }
  return out;
}

bool was_shown_under_older(const trace::AllFacts& facts, AccountId account, std::uint16_t epoch) {
  for (const auto& [label, known] : facts)
    for (const trace::Disclosed& d : known.disclosed)
      if (d.account == account && d.marks && d.marks->epoch < epoch) return true;
  return false;
}

}  // namespace

Result<std::map<AccountId, std::uint16_t>> rekeyed_before(Exchange& exchange, std::uint64_t entry) {
  MarksRecorded recorded;
  Result<void> read;
  const auto scanned = exchange.scan_ledger(EntryIndex{0}, [&](const ledger::Opened& e) {
    if (number(e.index) >= entry) return false;
    read = recorded.read(e);
    return read.has_value();
  });
  if (!scanned) return std::unexpected(scanned.error());
  if (!read) return std::unexpected(read.error());
  std::map<AccountId, std::uint16_t> out;
  for (const auto& [who, times] : recorded.rekeyed) {
    const auto epoch = static_cast<std::uint16_t>((who.second - 2000) * 16 + times);
    auto& last = out[who.first];
    last = std::max(last, epoch);
  }
  return out;
}

Result<std::string> add_strays(Exchange& exchange, std::vector<trace::Stray> strays,
                               const trace::AllFacts& facts, trace::Find& find) {
  auto rekeyed = rekeyed_before(exchange, UINT64_MAX);
  if (!rekeyed) return std::unexpected(rekeyed.error());
  for (const auto& [account, epoch] : *rekeyed)
    if (was_shown_under_older(facts, account, epoch))
      find.rekeyed.push_back({number(account), epoch});
  if (strays.empty() || !exchange.marks().configured()) return std::string();
  auto exports = seeded_exports(exchange, find.day);
  if (!exports) return std::unexpected(exports.error());
  std::map<std::pair<std::uint32_t, std::uint16_t>, std::uint64_t> held;
  for (const auto& [extract, one] : *exports) {
    const auto since = rekeyed->find(one.account);
    if (since != rekeyed->end() && one.epoch < since->second) continue;  // its key is public
    if (one.decoys > 0) held[{number(one.account), one.epoch}] += one.decoys;
  }
  if (held.empty()) return std::string();
  Digest secret;
  crypto::random_bytes(secret);
  const auto list = trace::StrayList::of(std::move(strays), secret);
  std::map<std::uint32_t, std::uint64_t> of_account;
  for (const auto& [who, n] : held) of_account[who.first] += n;
  // So many strays that a decoy among them says nothing: nobody is put under test for it.
  const bool tells = std::ranges::any_of(of_account, [&](const auto& one) {
    return trace::chance_of_decoy(list.kind(), list.strays().size(), one.second) < 0.5;
  });
  if (!tells) return std::string();
  find.strays = trace::SealedStrays{list.kind(), list.strays().size(), list.root()};
  for (const auto& [who, n] : held) find.held.push_back({who.first, who.second, n});
  return list.write();
}

Result<std::vector<FoundDecoy>> found_decoys(Exchange& exchange, const TraceCase& trace,
                                             const trace::Extraction& sealed,
                                             const trace::StrayList& strays) {
  lookup::DecoyRegister::Sealed envelope{trace.opened_by, {}};
  const auto scanned =
      exchange.scan_ledger(EntryIndex{trace.seal.value_or(0)}, [&](const ledger::Opened& e) {
        envelope.seal = e;
        return false;
      });
  if (!scanned) return std::unexpected(scanned.error());
  auto given = exchange.extracts().decoys_after_seal(envelope);
  if (!given) return std::unexpected(given.error());
  auto exports = seeded_exports(exchange, sealed.leak_day);
  if (!exports) return std::unexpected(exports.error());
  std::ranges::sort(*given, {},
                    [](const auto& one) { return std::pair(one.extract, one.citizen); });
  std::map<std::string, std::vector<Digest>> rows;  // by extract, in order
  for (const auto& one : *given) rows[one.extract].push_back(crypto::sha256(one.rows));
  std::vector<FoundDecoy> out;
  std::map<AccountId, std::size_t> shown;
  for (auto& one : *given) {
    std::array<std::uint8_t, 16> extract{};
    const auto id = crypto::from_hex(one.extract);
    if (!id || id->size() != extract.size() || one.rows.empty()) continue;
    std::memcpy(extract.data(), id->data(), extract.size());
    const auto exported = exports->find(extract);
    if (exported == exports->end()) continue;  // later than the leak, or never released
    const bool counts = std::ranges::any_of(sealed.held, [&](const trace::Extraction::Held& h) {
      return AccountId{h.account} == one.account && h.epoch == exported->second.epoch;
    });
    if (!counts || shown[one.account] == trace::kDecoysShown) continue;
    const auto phones = trace::numbers_of(one.rows).phones;
    std::optional<std::size_t> place;
    if (strays.kind() == trace::StrayKind::numbers) place = strays.find(one.citizen, "");
    for (std::size_t i = 0; i < std::min(phones.size(), trace::kStrayPhones) && !place; ++i)
      if (strays.kind() == trace::StrayKind::pairs) place = strays.find(one.citizen, phones[i]);
    if (!place) continue;
    ++shown[one.account];
    const std::uint16_t epoch = exported->second.epoch;
    auto all = rows.at(one.extract);
    out.push_back({std::move(one), epoch, exported->second, *place, std::move(all)});
  }
  return out;
}

Result<trace::DecoyFile> decoy_file(Exchange& exchange, const FoundDecoy& found,
                                    const trace::StrayList& strays,
                                    const disclosure::CoinKey& key) {
  trace::DecoyFile out;
  const auto id = crypto::from_hex(found.given.extract);
  const auto answers = crypto::from_hex(found.given.answers);
  if (!id || id->size() != out.extract.size() || !answers || answers->size() != out.answers.size())
    return fail(Reason::internal_error, "a line of the decoys' register");
  std::memcpy(out.extract.data(), id->data(), out.extract.size());
  std::memcpy(out.answers.data(), answers->data(), out.answers.size());
  out.number = found.given.number;
  out.account = found.given.account;
  out.epoch = found.epoch;
  out.seed = key.decoy_seed(out.extract, out.number);
  auto shown = exchange.opened_export(found.exported.entry);
  if (!shown) return std::unexpected(shown.error());
  out.shown = *std::move(shown);
  out.decoys = found.all;
  out.rows = found.given.rows;
  out.stray = strays.strays().at(found.place);
  out.salt = strays.salt(found.place);
  out.place = found.place;
  out.path = strays.path(found.place);
  return out;
}

}  // namespace amanat::server
