#include "trace/evidence.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "disclosure/marks.h"
#include "ledger/audit.h"
#include "ledger/history.h"
#include "ledger/proof.h"
#include "trace/decoys.h"
#include "trace/dossier.h"
#include "trace/extraction.h"
#include "trace/observe.h"

// Invariants
//  1. Nothing of a bundle is believed that is not hashed into the log, signed by a known key, or
//     computed here from what is.
//  2. The extraction is made again from the evidence and compared byte for byte with what was
//     sealed: rows, sources, symbols, candidates.

namespace amanat::trace {
namespace {

using disclosure::CoinKey;
using disclosure::SlotCatalogue;
using disclosure::YearKeys;

constexpr std::size_t kTailAt = 106;
constexpr std::uint8_t kDisclosure = 1, kExport = 3, kPolicyKey = 6, kTrace = 9;

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t n = 0;
  for (const char c : bytes) n = n << 8 | static_cast<unsigned char>(c);
  return n;
}

struct Proven {
  std::uint64_t index = 0;
  std::uint8_t type = 0;
  std::string entry;
};

class Checking {
 public:
  Checking(const Files& files, const Anchors& anchors, EvidenceVerdict& verdict)
      : files_(files), anchors_(anchors), witnesses_(anchors.policy.keys()), verdict_(verdict) {}

  void run() {
    using Step = bool (Checking::*)();
    for (const Step step : {&Checking::file_set, &Checking::signatures, &Checking::histories,
                            &Checking::order, &Checking::keys, &Checking::rendering,
                            &Checking::extraction, &Checking::found_decoys, &Checking::formulas,
                            &Checking::report})
      if (!(this->*step)()) return;
  }

 private:
  bool wrong(EvidenceStep step, std::string problem) {
    verdict_.step = step;
    verdict_.problem = std::move(problem);
    return false;
  }
  const std::string* file(std::string_view path) const {
    const auto at = files_.find(path);
    return at == files_.end() ? nullptr : &at->second;
  }

  bool file_set();
  bool signatures();
  bool histories();
  bool order();
  bool keys();
  bool rendering();
  bool extraction();
  bool decoy_keys();
  bool found_decoys();
  bool formulas();
  bool report();

  std::optional<Proven> proven(const std::string& path, std::string& problem) const;
  bool subject(std::size_t n);
  bool account_key(const std::string& path, const std::string& text);
  bool answer(const Facts& facts, const Disclosed& d, const ledger::ShownEntry& entry);
  const Disclosed* find_entry(std::uint64_t index, const Facts*& facts) const;

  const Files& files_;
  const Anchors& anchors_;
  const std::vector<ledger::VerifierKey> witnesses_;
  EvidenceVerdict& verdict_;
  Extraction sealed_;
  SlotCatalogue catalogue_;
  AllFacts facts_;
  std::map<std::uint64_t, ledger::ShownEntry> entries_;  // of all citizens, by index
  std::uint64_t covered_ = 0, epoch_ = 0;
  Proven seal_, unlock_, verdict_entry_;
  std::map<unsigned, std::pair<YearKeys, std::uint64_t>> years_;  // and the entry they are in
  disclosure::Unlocked unlocked_;
  std::map<std::pair<AccountId, std::uint16_t>, Key256> account_keys_;
  struct Found {
    std::string path;
    DecoyFile file;
    Proven entry;  // of its EXPORT
  };
  std::vector<Found> decoys_;
  std::vector<DecoyHit> hits_;
  std::vector<AccountId> named_;
};

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (text.size() > 1 && text[0] == '0') return std::nullopt;
  return n;
}

// ---- 1: exactly the files a bundle has, as listed ----

bool Checking::file_set() {
  if (auto listed = check_manifest(files_); !listed)
    return wrong(EvidenceStep::files, listed.error().detail);
  const auto missing = [&](std::string_view path) { return file(path) == nullptr; };
  for (const std::string_view path : {"extraction", "seal.tlog-proof", "unlock.tlog-proof",
                                      "auditor.statement", "findings", "report/report.html"})
    if (missing(path)) return wrong(EvidenceStep::files, std::string(path) + " is missing");
  auto parsed = parse_extraction(*file("extraction"));
  if (!parsed) return wrong(EvidenceStep::files, "extraction: " + parsed.error().detail);
  sealed_ = *std::move(parsed);
  std::set<Label> subjects;
  for (const auto& r : sealed_.rows) subjects.insert(r.subject);
  std::set<std::string> expected = {"extraction",
                                    "seal.tlog-proof",
                                    "unlock.tlog-proof",
                                    "auditor.statement",
                                    "findings",
                                    "report/report.html",
                                    "report/report.ur.html",
                                    "report/report.pdf",
                                    std::string(kManifest),
                                    std::string(kVerdictProof),
                                    "catalogue-" + std::to_string(sealed_.catalogue)};
  for (std::size_t i = 1; i <= subjects.size(); ++i) {
    expected.insert("subjects/" + std::to_string(i));
    expected.insert("values/" + std::to_string(i));
  }
  for (const auto& r : sealed_.rows) expected.insert("rows/" + std::to_string(r.n));
  for (const std::string& path : expected) {
    if (path == "report/report.ur.html" || path == "report/report.pdf") continue;
    if (missing(path)) return wrong(EvidenceStep::files, path + " is missing");
  }
  for (const auto& [path, text] : files_)
    if (!expected.contains(path) && !path.starts_with("keys/") && !path.starts_with("answers/") &&
        !path.starts_with("questions/") && !path.starts_with("decoys/"))
      return wrong(EvidenceStep::files, path + " is no file of a bundle");
  verdict_.files = files_.size();
  verdict_.rows = sealed_.rows.size();
  auto catalogue = SlotCatalogue::parse(*file("catalogue-" + std::to_string(sealed_.catalogue)));
  if (!catalogue || catalogue->version() != sealed_.catalogue ||
      catalogue->sha256() != sealed_.catalogue_sha256)
    return wrong(EvidenceStep::files, "the catalogue is not the sealed one");
  catalogue_ = *std::move(catalogue);
  return true;
}

// ---- 2: every checkpoint by known keys alone, with its quorum ----

std::optional<Proven> Checking::proven(const std::string& path, std::string& problem) const {
  const std::string* text = file(path);
  problem = path;
  if (text == nullptr) {
    problem += " is missing";
    return std::nullopt;
  }
  const ledger::VerifierKey* log = anchors_.policy.log(sealed_.origin);
  if (log == nullptr) {
    problem = "the log " + sealed_.origin + " is not one the policy knows";
    return std::nullopt;
  }
  auto parts = ledger::parse_tlog_proof(*text);
  auto entry = ledger::verify_tlog_proof(*text, *log, witnesses_);
  if (!parts || !entry) {
    problem += ": " + (parts ? entry.error().detail : parts.error().detail);
    return std::nullopt;
  }
  // Nothing beside what was verified: another extra word, another signature, another spelling.
  std::string again;
  ledger::append_tlog_proof(again, entry->entry, parts->index, parts->path, parts->checkpoint);
  auto note = ledger::parse_note(parts->checkpoint);
  const bool known = note && std::ranges::all_of(note->signatures, [&](const auto& s) {
                       const auto is = [&](const ledger::VerifierKey& k) {
                         return k.name == s.name && k.id == s.id;
                       };
                       return is(*log) || std::ranges::any_of(witnesses_, is);
                     });
  const auto head = ledger::read_entry_head(entry->entry);
  if (again != *text || !known || !head || note->signatures.size() != entry->at.signed_by.size()) {
    problem += " holds more than what is verified";
    return std::nullopt;
  }
  if (!anchors_.policy.reached(entry->at.signed_by)) {
    problem += ": its checkpoint lacks the witnesses' quorum";
    return std::nullopt;
  }
  return Proven{entry->index, head->type, entry->entry};
}

bool Checking::signatures() {
  const struct {
    const char* path;
    const char* document;
    std::uint8_t step;
    Proven* out;
  } steps[] = {{"verdict.tlog-proof", "manifest", 3, &verdict_entry_},
               {"seal.tlog-proof", "extraction", 1, &seal_},
               {"unlock.tlog-proof", "auditor.statement", 2, &unlock_}};
  std::string problem;
  for (const auto& s : steps) {
    auto entry = proven(s.path, problem);
    if (!entry) return wrong(EvidenceStep::signatures, problem);
    std::string tail(1, static_cast<char>(s.step));
    tail += crypto::text_of(crypto::sha256(*file(s.document)));
    if (entry->type != kTrace || std::string_view(entry->entry).substr(kTailAt) != tail)
      return wrong(EvidenceStep::signatures,
                   std::string(s.path) + " does not stand for " + s.document);
    *s.out = *std::move(entry);
  }
  for (const auto& [path, text] : files_) {
    if (!path.starts_with("keys/year-") || path.ends_with(".tlog-proof")) continue;
    auto keys = disclosure::parse_year_keys(text);
    if (!keys || path != "keys/year-" + std::to_string(keys->year))
      return wrong(EvidenceStep::signatures, path + " is not in its form");
    auto entry = proven(path + ".tlog-proof", problem);
    if (!entry) return wrong(EvidenceStep::signatures, problem);
    if (entry->type != kPolicyKey ||
        std::string_view(entry->entry).substr(kTailAt, 32) != crypto::text_of(crypto::sha256(text)))
      return wrong(EvidenceStep::signatures, path + " is not what its entry stands for");
    years_.emplace(keys->year, std::pair(*keys, entry->index));
  }
  const std::size_t listed = static_cast<std::size_t>(std::ranges::count_if(
      files_, [](const auto& one) { return one.first.starts_with("decoys/"); }));
  for (std::size_t n = 1; n <= listed / 2; ++n) {
    Found one;
    one.path = "decoys/" + std::to_string(n);
    auto decoy = file(one.path) != nullptr ? parse_decoy(*file(one.path))
                                           : fail(Reason::evidence_malformed);
    auto entry = proven(one.path + ".tlog-proof", problem);
    if (!entry) return wrong(EvidenceStep::signatures, problem);
    if (!decoy || entry->type != kExport)
      return wrong(EvidenceStep::signatures, one.path + " is not in its form");
    one.file = *std::move(decoy);
    one.entry = *std::move(entry);
    decoys_.push_back(std::move(one));
  }
  if (listed != decoys_.size() * 2)
    return wrong(EvidenceStep::signatures, "decoys are numbered from 1, each with its receipt");
  const ledger::VerifierKey known[] = {anchors_.auditor};
  auto note = ledger::open_note(*file("auditor.statement"), known);
  auto parts = ledger::parse_note(*file("auditor.statement"));
  if (!note || !parts || parts->signatures.size() != 1)
    return wrong(EvidenceStep::signatures, "auditor.statement is not signed by the auditor alone");
  auto unlocked = disclosure::parse_unlocked(note->text, sealed_.origin);
  if (!unlocked || disclosure::unlocked_text(*unlocked, sealed_.origin) != note->text)
    return wrong(EvidenceStep::signatures, "auditor.statement is not in its form");
  unlocked_ = *std::move(unlocked);
  return true;
}

// ---- who was shown each citizen's data, complete ----

bool Checking::subject(std::size_t n) {
  const std::string number = std::to_string(n);
  const auto bad = [&](const std::string& what) {
    return wrong(EvidenceStep::sources, "subjects/" + number + ": " + what);
  };
  auto values = parse_values(*file("values/" + number));
  if (!values) return wrong(EvidenceStep::sources, "values/" + number + " is not in its form");
  ledger::HistoryCheck check;
  check.policy = anchors_.policy;
  check.subject = values->citizen;
  check.reader = ledger::Reader::expert;
  const auto history = ledger::verify_history(*file("subjects/" + number), check);
  if (history.fault != ledger::HistoryFault::none)
    return bad(std::string(ledger::text_of(history.fault)) + ": " + history.problem);
  if (history.size != sealed_.tree_size || history.root != sealed_.root)
    return bad("it is of another checkpoint than the sealed one");
  if (n > 1 && (history.covered != covered_ || history.epoch_index != epoch_))
    return bad("it is complete up to another epoch than the others");
  covered_ = history.covered;
  epoch_ = history.epoch_index;
  Facts& facts = facts_[history.label];
  if (!facts.records.empty() || !facts.disclosed.empty()) return bad("a citizen stands twice");
  facts.subject = history.label;
  facts.records = std::move(values->records);
  for (const auto& e : history.entries) {
    if (e.state != ledger::HistoryEntry::State::open) continue;
    auto d = disclosed_of(e.index, e.type, e.time, e.actor, e.parts[2], e.parts[3], e.parts[7]);
    if (!d) return bad("entry " + std::to_string(e.index) + ": " + d.error().detail);
    if (!*d) continue;
    entries_.emplace(e.index, e);
    facts.disclosed.push_back(**std::move(d));
  }
  return true;
}

bool Checking::histories() {
  std::set<Label> subjects;
  for (const auto& r : sealed_.rows) subjects.insert(r.subject);
  for (std::size_t n = 1; n <= subjects.size(); ++n)
    if (!subject(n)) return false;
  for (const Label& label : subjects)
    if (!facts_.contains(label))
      return wrong(EvidenceStep::sources, "a row is of a citizen whose history is not here");
  verdict_.entries = entries_.size();
  return true;
}

const Disclosed* Checking::find_entry(std::uint64_t index, const Facts*& facts) const {
  for (const auto& [label, f] : facts_)
    for (const Disclosed& d : f.disclosed)
      if (d.entry == index) {
        facts = &f;
        return &d;
      }
  return nullptr;
}

// ---- 3: year keys < disclosures < SEAL < UNLOCK < VERDICT ----

bool Checking::order() {
  std::uint64_t first = UINT64_MAX, last = 0;
  for (const auto& s : sealed_.sources)
    for (const std::uint64_t entry : s.entries) {
      first = std::min(first, entry);
      last = std::max(last, entry);
    }
  for (const auto& [year, keys] : years_)
    for (const auto& [label, facts] : facts_)
      for (const Disclosed& d : facts.disclosed)
        if (d.marks && d.marks->kind == disclosure::MarksRecord::Kind::coins &&
            disclosure::year_of(d.marks->epoch) == year && d.entry <= keys.second)
          return wrong(EvidenceStep::order, "entry " + std::to_string(d.entry) +
                                                " was marked before the keys of " +
                                                std::to_string(year) + " were published");
  for (const Found& d : decoys_) {
    const auto year = years_.find(disclosure::year_of(d.file.epoch));
    if (d.entry.index >= seal_.index || year == years_.end() ||
        d.entry.index <= year->second.second ||
        day_of(ledger::read_entry_head(d.entry.entry)->time) > sealed_.leak_day)
      return wrong(EvidenceStep::order, d.path + ": its EXPORT is not before the leak");
  }
  if ((!sealed_.sources.empty() && last >= seal_.index) || seal_.index >= unlock_.index ||
      unlock_.index >= verdict_entry_.index)
    return wrong(EvidenceStep::order, "SEAL, UNLOCK and VERDICT do not follow each other");
  if (unlocked_.extraction != crypto::sha256(*file("extraction")) || unlocked_.index != seal_.index)
    return wrong(EvidenceStep::order, "the auditor unlocked another extraction");
  return true;
}

// ---- 4: both shares, K, and what every entry committed to ----

bool Checking::account_key(const std::string& path, const std::string& text) {
  const auto bad = [&](const std::string& what) {
    return wrong(EvidenceStep::keys, path + ": " + what);
  };
  auto file = parse_key(text);
  if (!file) return bad("not in its form");
  const auto& shares = file->shares;
  if (path != "keys/" + std::to_string(number(shares.account)) + "-" + std::to_string(shares.epoch))
    return bad("of another account or epoch");
  const auto year = years_.find(disclosure::year_of(shares.epoch));
  if (year == years_.end()) return bad("the keys of its year are not here");
  auto key = disclosure::key_of_shares(year->second.first, shares);
  if (!key) return bad(key.error().detail);
  if (!crypto::equal(key->bytes(), file->key.bytes())) return bad("K is not of both shares");
  const auto same = std::ranges::find_if(unlocked_.shares, [&](const disclosure::Shares& s) {
    return s.account == shares.account && s.epoch == shares.epoch;
  });
  if (same == unlocked_.shares.end() || same->auditor.element != shares.auditor.element ||
      same->auditor.proof != shares.auditor.proof)
    return bad("the share is not the one the auditor unlocked");
  account_keys_.emplace(std::pair(shares.account, shares.epoch), *std::move(key));
  return true;
}

bool Checking::keys() {
  std::vector<std::pair<AccountId, std::uint16_t>> listed;
  for (const auto& a : sealed_.accounts) listed.emplace_back(AccountId{a.account}, a.epoch);
  const auto as_pair = [](const disclosure::Shares& s) { return std::pair(s.account, s.epoch); };
  if (!std::ranges::equal(unlocked_.shares, listed, {}, as_pair))
    return wrong(EvidenceStep::keys, "the auditor unlocked other accounts than were sealed");
  for (const auto& [path, text] : files_)
    if (path.starts_with("keys/") && !path.starts_with("keys/year-"))
      if (!account_key(path, text)) return false;
  for (const auto& [label, facts] : facts_)
    for (const Disclosed& d : facts.disclosed) {
      if (!d.marks || d.marks->kind != disclosure::MarksRecord::Kind::coins) continue;
      const auto key = account_keys_.find({d.account, d.marks->epoch});
      if (key != account_keys_.end() &&
          disclosure::key_commitment(key->second) != d.marks->commitment)
        return wrong(EvidenceStep::keys,
                     "entry " + std::to_string(d.entry) + " was marked with another key");
    }
  return decoy_keys();
}

bool Checking::decoy_keys() {
  for (const Found& d : decoys_) {
    const auto key = account_keys_.find({d.file.account, d.file.epoch});
    if (key == account_keys_.end())
      return wrong(EvidenceStep::keys, d.path + " is of no named account's key");
    if (const auto problem = wrong_key(d.file, CoinKey(key->second)); !problem.empty())
      return wrong(EvidenceStep::keys, d.path + ": " + problem);
  }
  return true;
}

// ---- 5: the coins of K give the very texts that the answer digest commits to ----

bool Checking::answer(const Facts& facts, const Disclosed& d, const ledger::ShownEntry& entry) {
  const std::string path = "answers/" + std::to_string(d.entry);
  const auto bad = [&](const std::string& what) {
    return wrong(EvidenceStep::rendering, path + ": " + what);
  };
  const std::string* text = file(path);
  if (text == nullptr) return bad("is missing");
  auto opened = parse_answer(*text);
  if (!opened || opened->entry != d.entry) return bad("is not in its form");
  crypto::Sha256 part;
  part.update(std::uint8_t{0x12}).update(opened->part_salt).update(std::uint8_t{7});
  part.update(opened->digest).update(opened->nonce);
  if (part.finish() != entry.part_hashes[6] || answer_digest(*opened) != opened->digest)
    return bad("it is not what the entry commits to");
  const auto key = account_keys_.find({d.account, d.marks->epoch});
  if (key == account_keys_.end()) return bad("its account's key is not here");
  const CoinKey coins(key->second);
  if (const auto problem = differs_from_coins(facts, d, catalogue_, coins, *opened);
      !problem.empty())
    return bad(problem);
  return true;
}

bool Checking::rendering() {
  for (const auto& [label, facts] : facts_)
    for (const Disclosed& d : facts.disclosed) {
      if (!d.marks || d.marks->kind != disclosure::MarksRecord::Kind::coins) continue;
      if (!account_keys_.contains({d.account, d.marks->epoch})) continue;
      const bool used = std::ranges::any_of(sealed_.sources, [&](const auto& s) {
        return std::ranges::binary_search(s.entries, d.entry);
      });
      if (used && !answer(facts, d, entries_.at(d.entry))) return false;
    }
  for (const auto& [path, text] : files_) {
    if (!path.starts_with("answers/")) continue;
    const auto index = number_in(std::string_view(path).substr(8));
    const Facts* facts = nullptr;
    const Disclosed* d = index ? find_entry(*index, facts) : nullptr;
    if (d == nullptr || !d->marks || !account_keys_.contains({d->account, d->marks->epoch}))
      return wrong(EvidenceStep::rendering, path + " is of no named account's disclosure");
  }
  return true;
}

// ---- 5 and 7: what was found of decoys was given, and was sealed ----

bool Checking::found_decoys() {
  std::set<std::pair<std::string, std::string>> once;
  for (const Found& d : decoys_) {
    const Digest commitment =
        disclosure::key_commitment(account_keys_.at({d.file.account, d.file.epoch}));
    if (const auto problem = wrong_export(d.file, d.entry.entry, commitment); !problem.empty())
      return wrong(EvidenceStep::rendering, d.path + ": " + problem);
    if (const auto problem = wrong_stray(d.file, sealed_); !problem.empty())
      return wrong(EvidenceStep::symbols, d.path + ": " + problem);
    if (!once.emplace(d.file.stray.citizen, d.file.stray.phone).second)
      return wrong(EvidenceStep::symbols, d.path + " stands twice");
    hits_.push_back({d.file.account, day_of(ledger::read_entry_head(d.entry.entry)->time)});
  }
  return true;
}

// ---- 6 and 7: the extraction, made again ----

bool Checking::extraction() {
  std::vector<FoundRow> rows;
  for (const auto& r : sealed_.rows) {
    auto row = parse_row(*file("rows/" + std::to_string(r.n)));
    if (!row)
      return wrong(EvidenceStep::symbols, "rows/" + std::to_string(r.n) + " is not in its form");
    rows.push_back({r.offset, r.length, r.cluster, r.subject, std::move(row->cells), row->columns});
  }
  Find find;
  find.sha256 = sealed_.leak;
  find.bytes = sealed_.leak_bytes;
  find.day = sealed_.leak_day;
  find.unknown = sealed_.unknown;
  find.clusters = sealed_.clusters;
  find.test = sealed_.test;
  find.strays = sealed_.strays;
  find.held = sealed_.held;
  find.rekeyed = sealed_.rekeyed;
  const LogPlace log{sealed_.origin, sealed_.tree_size, covered_, sealed_.root};
  auto again = observe(find, std::move(rows), facts_, catalogue_, log);
  if (!again) return wrong(EvidenceStep::sources, again.error().detail);
  if (again->rows != sealed_.rows || again->clusters != sealed_.clusters)
    return wrong(EvidenceStep::symbols, "the rows are not those that were sealed");
  if (again->sources != sealed_.sources)
    return wrong(EvidenceStep::sources,
                 "the disclosures that may have supplied the rows are others");
  if (again->symbols != sealed_.symbols || again->erased != sealed_.erased ||
      again->foreign != sealed_.foreign)
    return wrong(EvidenceStep::symbols, "the rows show other symbols than were sealed");
  if (again->accounts != sealed_.accounts || again->candidates != sealed_.candidates)
    return wrong(EvidenceStep::sources, "the accounts under test are others");
  if (write_extraction(*again) != *file("extraction"))
    return wrong(EvidenceStep::symbols, "the extraction is another one");
  return true;
}

// ---- 8: the formulas ----

bool Checking::formulas() {
  // Who is named, in which order, the findings say; whether rightly is computed here.
  std::string_view rest = *file("findings");
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!line.starts_with("named ")) continue;
    const auto account = number_in(line.substr(6, line.find(' ', 6) - 6));
    if (!account || *account > UINT32_MAX)
      return wrong(EvidenceStep::formulas, "findings: a line of a named account");
    named_.push_back(AccountId{static_cast<std::uint32_t>(*account)});
  }
  std::set<AccountId> keyed;
  for (const auto& [place, key] : account_keys_) keyed.insert(place.first);
  if (keyed != std::set<AccountId>(named_.begin(), named_.end()) || keyed.size() != named_.size())
    return wrong(EvidenceStep::formulas, "the keys here are not those of the named accounts");
  std::map<std::pair<AccountId, std::uint16_t>, CoinKey> coins;
  for (const auto& [place, key] : account_keys_) coins.emplace(place, CoinKey(key));
  const SymbolOf symbol_of = [&](AccountId account, std::uint16_t epoch, const Label& subject,
                                 const disclosure::Place& place) -> std::optional<std::uint32_t> {
    const auto at = coins.find({account, epoch});
    if (at == coins.end()) return std::nullopt;
    return at->second.symbol(subject, place);
  };
  auto again = judge_again(sealed_, facts_, catalogue_, symbol_of, named_, hits_);
  if (!again) return wrong(EvidenceStep::formulas, again.error().detail);
  for (const auto& named : again->named)
    for (const auto& a : sealed_.accounts)
      if (AccountId{a.account} == named.account &&
          !account_keys_.contains({named.account, a.epoch}))
        return wrong(EvidenceStep::formulas, "a key of a named account is missing");
  if (write_findings(*again) != *file("findings"))
    return wrong(EvidenceStep::formulas, "the findings are not what the formulas give");
  verdict_.findings = *std::move(again);
  return true;
}

// ---- 9: the report repeats these numbers and no others ----

bool Checking::report() {
  for (const char* path : {"report/report.html", "report/report.ur.html"}) {
    const std::string* text = file(path);
    if (text == nullptr) continue;
    const std::size_t begin = text->find(kFindingsMark);
    const std::size_t from = begin + kFindingsMark.size();
    const std::size_t end = begin == text->npos ? begin : text->find(kFindingsEnd, from);
    if (begin == text->npos || end == text->npos || text->find(kFindingsMark, from) != text->npos ||
        text->substr(from, end - from) != *file("findings"))
      return wrong(EvidenceStep::report, std::string(path) + " has other numbers");
  }
  return true;
}

}  // namespace

std::string_view word_of(EvidenceStep step) {
  static constexpr std::string_view kWords[] = {"none",     "files",     "signatures", "order",
                                                "keys",     "rendering", "sources",    "symbols",
                                                "formulas", "report"};
  return kWords[static_cast<std::size_t>(step)];
}

EvidenceVerdict check_evidence(const Files& files, const Anchors& anchors) {
  EvidenceVerdict verdict;
  Checking(files, anchors, verdict).run();
  return verdict;
}

Result<std::optional<Disclosed>> disclosed_of(std::uint64_t index, std::uint8_t type, Moment at,
                                              const std::optional<Actor>& actor,
                                              std::string_view fields, std::string_view versions,
                                              std::string_view marks) {
  if (type != kDisclosure) return std::nullopt;
  if (!actor) return fail(Reason::evidence_malformed, "no account");
  Disclosed d;
  d.entry = index;
  d.account = actor->account;
  d.at = at;
  while (fields.size() >= 2) {
    const std::size_t size = big_endian(fields.substr(0, 2));
    fields.remove_prefix(2);
    if (size > fields.size()) return fail(Reason::evidence_malformed, "the granted fields");
    d.fields.emplace_back(fields.substr(0, size));
    fields.remove_prefix(size);
  }
  constexpr std::size_t kShownBytes = 2 + sizeof(Tag) + 4;
  if (!fields.empty() || versions.size() % kShownBytes != 0)
    return fail(Reason::evidence_malformed, "the granted fields, or the versions");
  std::ranges::sort(d.fields);
  for (; !versions.empty(); versions.remove_prefix(kShownBytes)) {
    ShownRecord& one = d.shown.emplace_back();
    std::memcpy(one.record.data(), versions.data() + 2, one.record.size());
    one.version = big_endian(versions.substr(18, 4));
  }
  if (!marks.empty()) {
    auto record = disclosure::parse_marks(marks);
    if (!record) return fail(Reason::evidence_malformed, "the marks");
    d.marks = *std::move(record);
  }
  return d;
}

}  // namespace amanat::trace
