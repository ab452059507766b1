// The steps of a trace, on the thread of Traces. What each makes is kept before the state moves on,
// so that a stop at any point loses no step and repeats none that the ledger holds.

#include <algorithm>
#include <set>

#include "console/frame.h"
#include "crypto/crypto.h"
#include "disclosure/marks.h"
#include "ledger/note.h"
#include "model/insist.h"
#include "net/json.h"
#include "server/marks.h"
#include "server/sealed_file.h"
#include "server/trace_decoys.h"
#include "server/trace_words.h"
#include "server/traces.h"
#include "trace/dossier.h"
#include "trace/evidence.h"
#include "trace/findings.h"
#include "trace/found.h"
#include "trace/leads.h"
#include "trace/report.h"

namespace amanat::server {
namespace {

using trace::Files;

std::string numbered(std::string_view folder, std::uint64_t n) {
  return std::string(folder) + "/" + std::to_string(n);
}

// Whom a row names by number and whose data were disclosed to anybody, in its order. As evidence it
// is of the first.
std::vector<Label> subjects_of(const trace::MatchedRow& row,
                               const std::map<SubjectName, Label>& labels,
                               const trace::AllFacts& facts) {
  std::vector<Label> out;
  for (const SubjectName& name : row.about) {
    const auto label = labels.find(name);
    if (label == labels.end() || std::ranges::find(out, label->second) != out.end()) continue;
    const auto known = facts.find(label->second);
    if (known != facts.end() && !known->second.disclosed.empty()) out.push_back(label->second);
  }
  return out;
}

// The citizens that the rows may be about; a number leads to its holder.
Result<std::map<SubjectName, SubjectName>> citizens_of(Exchange& exchange,
                                                       const std::vector<trace::MatchedRow>& rows) {
  std::map<SubjectName, SubjectName> out;
  for (const auto& row : rows)
    for (const SubjectName& name : row.about) {
      if (out.contains(name)) continue;
      SubjectName citizen = name;
      if (name.kind == SubjectKind::msisdn) {
        Question question;
        question.subject.search = "msisdn";
        question.subject.value = name.value;
        auto found = exchange.registry().subject_of_question(question);
        if (!found || !*found || (*found)->kind != SubjectKind::national_id) continue;
        citizen = **std::move(found);
      }
      out.emplace(name, std::move(citizen));
    }
  return out;
}

std::string summary_json(const trace::FoundRows& found, const trace::Extraction& x) {
  const trace::Summary& read = found.outcome.read;
  const trace::MatchSummary& match = found.outcome.match;
  net::JsonWriter json;
  json.begin_object()
      .key("sha256")
      .string(crypto::hex(read.sha256))
      .key("bytes")
      .number(read.bytes);
  json.key("parts").number(read.parts.size()).key("templates").number(read.clusters.size());
  json.key("rows")
      .number(read.rows)
      .key("rows_with_identifiers")
      .number(read.rows_with_identifiers);
  json.key("rows_matched")
      .number(match.rows_matched)
      .key("rows_doubtful")
      .number(match.rows_doubtful);
  json.key("citizens").number(match.citizens).key("disclosures").number(match.disclosures);
  json.key("first_day").number(match.first_day).key("last_day").number(match.last_day);
  json.key("rows_as_evidence").number(x.rows.size()).key("cut").boolean(found.cut);
  json.key("rows_with_sources").number(x.sources.size()).key("coins_read").number(x.symbols.size());
  json.key("accounts_under_test").number(x.candidates);
  json.key("unread_parts").begin_array();
  for (const auto& p : read.parts)
    if (!p.note.empty()) json.string(p.note);
  json.end_array().end_object();
  return json.take();
}

// Whose fields are exposed: label, fields, rows. It is what notices are made from.
// Whom the notices go to: citizens. An invented one in a leak is evidence, and nobody to be told.
class Impact {
 public:
  void add(const std::vector<trace::FoundRow>& rows, const trace::Exposed& exposed) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto& [fields, count] = all_[rows[i].subject];
      fields.insert(exposed[i].begin(), exposed[i].end());
      ++count;
    }
  }
  std::string csv(const std::set<Label>& invented) const;

 private:
  std::map<Label, std::pair<std::set<std::string>, std::uint64_t>> all_;
};

std::string Impact::csv(const std::set<Label>& invented) const {
  std::string out = "citizen,fields,rows\n";
  for (const auto& [label, what] : all_) {
    if (invented.contains(label)) continue;
    out += crypto::hex(label) + ",";
    bool first = true;
    for (const auto& field : what.first) {
      out += (first ? "" : " ") + field;
      first = false;
    }
    out += "," + std::to_string(what.second) + "\n";
  }
  return out;
}

trace::Find find_of(const trace::FoundRows& found, const TraceCase& one) {
  trace::Find find;
  find.sha256 = found.outcome.read.sha256;
  find.bytes = found.outcome.read.bytes;
  find.day = one.leak_day;
  find.unknown = found.unknown;
  find.clusters = found.clusters;
  return find;
}

// What is known of each citizen of the extraction, as the files of the bundle say.
Result<trace::AllFacts> facts_in(const Files& files, const trace::Extraction& x) {
  trace::AllFacts facts;
  std::set<Label> subjects;
  for (const auto& r : x.rows) subjects.insert(r.subject);
  std::uint64_t n = 0;
  for (const Label& label : subjects) {
    ++n;
    const auto values = files.find(numbered("values", n)),
               history = files.find(numbered("subjects", n));
    if (values == files.end() || history == files.end())
      return fail(Reason::internal_error, "the trace's own files");
    auto parsed = trace::parse_values(values->second);
    if (!parsed) return std::unexpected(parsed.error());
    trace::Facts& one = facts[label];
    one.subject = label;
    one.records = std::move(parsed->records);
    auto disclosed = disclosures_in(history->second);
    if (!disclosed) return std::unexpected(disclosed.error());
    one.disclosed = *std::move(disclosed);
  }
  return facts;
}

}  // namespace

// ---- read, match, extract: without any coin ----

Result<void> Traces::read(TraceCase& one) {
  auto index_key = exchange_.trace_key();
  if (!index_key) return std::unexpected(index_key.error());
  auto secret = key();
  if (!secret) return std::unexpected(secret.error());
  auto index =
      trace::Trace::open({exchange_.home().trace(), *index_key}, exchange_.trace_sources());
  if (!index) return std::unexpected(index.error());
  trace::RunOptions options;
  options.stop = &stop_work_;
  options.progress = [this](std::uint64_t done, std::uint64_t total, std::uint64_t) {
    done_ = done;
    total_ = total;
  };
  const trace::LeakBytes bytes{sealed_range(place(one.id) + "/find", *secret, one.id + "/find"),
                               one.bytes, one.name};
  auto found = trace::find_rows(**index, bytes, options);
  if (!found) return std::unexpected(found.error());

  auto citizens = citizens_of(exchange_, found->rows);
  if (!citizens) return std::unexpected(citizens.error());
  std::vector<SubjectName> names;
  for (const auto& [name, citizen] : *citizens) names.push_back(citizen);
  auto known = exchange_.facts_of(names);
  if (!known) return std::unexpected(known.error());
  std::map<std::string, Label> by_number;
  for (const auto& [label, number] : known->citizens) by_number.emplace(number, label);
  std::map<SubjectName, Label> labels;
  for (const auto& [name, citizen] : *citizens)
    if (const auto at = by_number.find(citizen.value); at != by_number.end())
      labels.emplace(name, at->second);

  // Evidence is of one person a row; exposed is everybody that a row names.
  std::vector<trace::FoundRow> rows, beside;
  for (auto& row : found->rows) {
    const auto subjects = subjects_of(row, labels, known->facts);
    for (std::size_t i = 0; i < subjects.size(); ++i)
      (i == 0 ? rows : beside)
          .push_back({row.offset, row.length, row.cluster, subjects[i], row.cells, row.columns});
  }
  rows = trace::in_order(std::move(rows));
  beside = trace::in_order(std::move(beside));
  trace::Exposed exposed;
  trace::Find find = find_of(*found, one);
  auto strays = add_strays(exchange_, std::move(found->strays), known->facts, find);
  if (!strays) return std::unexpected(strays.error());
  auto extraction = trace::observe(find, rows, known->facts,
                                   exchange_.marks().catalogue(), known->log, &exposed);
  if (!extraction) return std::unexpected(extraction.error());
  Impact impact;
  impact.add(rows, exposed);
  trace::Exposed of_others;
  auto others = trace::observe(find, beside, known->facts, exchange_.marks().catalogue(),
                               known->log, &of_others);
  if (!others) return std::unexpected(others.error());
  impact.add(beside, of_others);

  const auto invented = exchange_.invented();
  if (!invented) return std::unexpected(invented.error());

  Files files;
  files["extraction"] = trace::write_extraction(*extraction);
  files["summary.json"] = summary_json(*found, *extraction);
  files["impact.csv"] = impact.csv(*invented);
  std::set<Label> used;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    files[numbered("rows", i + 1)] = trace::write_row({rows[i].columns, rows[i].cells});
    used.insert(rows[i].subject);
  }
  std::uint64_t n = 0;
  for (auto& [label, history] : known->files) {
    if (!used.contains(label)) continue;
    ++n;
    files[numbered("subjects", n)] = std::move(history);
    files[numbered("values", n)] =
        trace::write_values({known->citizens.at(label), known->facts.at(label).records});
  }
  std::string leaked;
  for (const auto& row : exposed) {
    for (const auto& field : row) leaked += field + " ";
    leaked += "\n";
  }
  files["exposed"] = leaked;
  if (!strays->empty())
    if (auto kept = keep_work(one.id, {{"strays", *std::move(strays)}}, "strays"); !kept)
      return kept;
  if (auto kept = keep_work(one.id, files); !kept) return kept;
  one.state = TraceState::waiting;
  return keep(one);
}

// ---- seal: what was read is in the ledger before a coin is seen ----

Result<void> Traces::seal(TraceCase& one) {
  auto files = work_of(one.id);
  if (!files) return std::unexpected(files.error());
  const Digest digest = crypto::sha256(files->at("extraction"));
  if (!one.seal) {
    auto entry = exchange_.record_trace(ledger::TraceStep::seal, digest);
    if (!entry) return std::unexpected(entry.error());
    one.seal = *entry;
    if (auto kept = keep(one); !kept) return kept;
  }
  auto proof = exchange_.cosigned(*one.seal, stop_work_);
  if (!proof) return std::unexpected(proof.error());
  (*files)["seal.tlog-proof"] = *std::move(proof);
  if (auto kept = keep_work(one.id, *files); !kept) return kept;
  one.state = TraceState::unlocking;
  return keep(one);
}

// ---- unlock: the auditor's shares of the sealed accounts, and of no other ----

Result<void> Traces::unlock(TraceCase& one) {
  auto files = work_of(one.id);
  if (!files) return std::unexpected(files.error());
  auto extraction = trace::parse_extraction(files->at("extraction"));
  if (!extraction) return std::unexpected(extraction.error());
  // Nobody to unlock, or nobody who could: the verdict says so, and rests on no coin.
  if (extraction->accounts.empty() || !exchange_.marks().configured()) {
    one.state = TraceState::weighing;
    return keep(one);
  }
  if (!files->contains("auditor.statement")) {
    auto statement =
        exchange_.marks().unlock(files->at("seal.tlog-proof"), files->at("extraction"));
    if (!statement) return std::unexpected(statement.error());
    (*files)["auditor.statement"] = *std::move(statement);
    if (auto kept = keep_work(one.id, *files); !kept) return kept;
  }
  if (!one.unlock) {
    auto entry = exchange_.record_trace(ledger::TraceStep::unlock,
                                        crypto::sha256(files->at("auditor.statement")));
    if (!entry) return std::unexpected(entry.error());
    one.unlock = *entry;
    if (auto kept = keep(one); !kept) return kept;
  }
  auto proof = exchange_.cosigned(*one.unlock, stop_work_);
  if (!proof) return std::unexpected(proof.error());
  (*files)["unlock.tlog-proof"] = *std::move(proof);
  if (auto kept = keep_work(one.id, *files); !kept) return kept;
  one.state = TraceState::weighing;
  return keep(one);
}

namespace {

/// Keys of the sealed accounts, for as long as they are weighed.
struct Unlocked {
  std::map<std::pair<AccountId, std::uint16_t>, std::pair<disclosure::Shares, Key256>> keys;
  std::map<std::pair<AccountId, std::uint16_t>, disclosure::CoinKey> coins;
};

// An account is given a new key once its key was published: then the old ones prove nothing in what
// is sealed later, because whoever has a key can make rows that agree with it. So the sealed list
// has none of them.
Result<Unlocked> keys_of(Exchange& exchange, const Files& files, const std::string& origin) {
  Unlocked out;
  const auto statement = files.find("auditor.statement");
  if (statement == files.end()) return out;
  auto note = ledger::parse_note(statement->second);
  if (!note) return std::unexpected(note.error());
  auto unlocked = disclosure::parse_unlocked(note->text, origin);
  if (!unlocked) return std::unexpected(unlocked.error());
  for (disclosure::Shares shares : unlocked->shares) {
    const unsigned year = disclosure::year_of(shares.epoch);
    const auto keys = exchange.year_keys(year);
    if (!keys) return fail(Reason::auditor_wrong, "a year whose keys were never published");
    shares.exchange = exchange.marks().own_share(shares.account, shares.epoch);
    auto key = disclosure::key_of_shares(keys->first, shares);
    if (!key) return std::unexpected(key.error());
    const std::pair place(shares.account, shares.epoch);
    out.coins.emplace(place, disclosure::CoinKey(*key));
    out.keys.emplace(place, std::pair(shares, *std::move(key)));
  }
  return out;
}

std::vector<std::string> leads_of(Exchange& exchange, const trace::Extraction& x,
                                  const trace::AllFacts& facts) {
  const auto rows = trace::sourced_rows(x, facts);
  std::set<AccountId> accounts;
  for (const auto& row : rows)
    for (const std::uint32_t a : row.accounts) accounts.insert(AccountId{a});
  std::map<AccountId, std::set<Label>> shown;
  std::map<AccountId, std::uint64_t> unexplained;
  std::set<Label> leaked;
  for (const auto& r : x.rows) leaked.insert(r.subject);
  const auto scanned = exchange.scan_ledger(EntryIndex{0}, [&](const ledger::Opened& e) {
    if (e.type != EntryType::disclosure || !e.subject || !e.actor ||
        !accounts.contains(e.actor->account))
      return true;
    shown[e.actor->account].insert(*e.subject);
    if (leaked.contains(*e.subject) &&
        e.parts[static_cast<std::size_t>(BodyPart::case_ref) - 1].empty())
      ++unexplained[e.actor->account];
    return true;
  });
  std::vector<std::string> out;
  if (!scanned) return out;
  std::vector<trace::Holding> holdings;
  for (const AccountId a : accounts)
    holdings.push_back({number(a), shown[a].size(), unexplained[a]});
  trace::LeadOptions options;
  options.overlap = [&](std::uint32_t a, std::uint32_t b) {
    const auto &one = shown[AccountId{a}], &other = shown[AccountId{b}];
    return static_cast<std::uint64_t>(
        std::ranges::count_if(one, [&](const Label& l) { return other.contains(l); }));
  };
  for (const trace::Lead& lead : trace::leads(rows, holdings, options)) out.push_back(lead.text());
  return out;
}

std::vector<std::set<std::string>> exposed_in(const Files& files) {
  std::vector<std::set<std::string>> out;
  const auto at = files.find("exposed");
  if (at == files.end()) return out;
  std::string_view rest = at->second;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    auto& row = out.emplace_back();
    while (!line.empty()) {
      const std::size_t blank = std::min(line.find(' '), line.size());
      if (blank > 0) row.emplace(line.substr(0, blank));
      line.remove_prefix(std::min(blank + 1, line.size()));
    }
    if (end == rest.npos) break;
    rest.remove_prefix(end + 1);
  }
  return out;
}

// The evidence against the named accounts' copies: keys, openings, proofs.
Result<void> add_evidence(Exchange& exchange, const Files& work, const trace::Extraction& x,
                          const trace::AllFacts& facts, const trace::Findings& findings,
                          const Unlocked& unlocked, const std::atomic<bool>& stop, Files& bundle) {
  for (const auto& [path, text] : work)
    if (path == "extraction" || path.ends_with(".tlog-proof") || path == "auditor.statement" ||
        path.starts_with("rows/") || path.starts_with("subjects/") || path.starts_with("values/"))
      bundle[path] = text;
  const auto& catalogue = exchange.marks().catalogue();
  if (catalogue.version() != x.catalogue)
    return fail(Reason::catalog_wrong, "the slot catalogue changed since the extraction");
  bundle["catalogue-" + std::to_string(x.catalogue)] = catalogue.text();
  std::set<unsigned> years;
  std::set<AccountId> named;
  for (const auto& n : findings.named) named.insert(n.account);
  for (const auto& [place, key] : unlocked.keys) {
    if (!named.contains(place.first)) continue;
    years.insert(disclosure::year_of(place.second));
    bundle["keys/" + std::to_string(number(place.first)) + "-" + std::to_string(place.second)] =
        trace::write_key({key.first, key.second});
  }
  for (const unsigned year : years) {
    const auto keys = exchange.year_keys(year);
    insist(keys.has_value());
    const std::string path = "keys/year-" + std::to_string(year);
    bundle[path] = disclosure::year_keys_text(keys->first);
    auto proof = exchange.cosigned(keys->second, stop);
    if (!proof) return std::unexpected(proof.error());
    bundle[path + ".tlog-proof"] = *std::move(proof);
  }
  const auto exposed = exposed_in(work);
  std::map<std::uint64_t, std::set<std::string>> leaked;  // by entry
  for (const auto& s : x.sources)
    for (const std::uint64_t entry : s.entries)
      if (s.row <= exposed.size())
        leaked[entry].insert(exposed[s.row - 1].begin(), exposed[s.row - 1].end());
  for (const auto& [label, known] : facts)
    for (const trace::Disclosed& d : known.disclosed) {
      if (!leaked.contains(d.entry) || !named.contains(d.account) || !d.marks ||
          d.marks->kind != disclosure::MarksRecord::Kind::coins)
        continue;
      const auto coins = unlocked.coins.find({d.account, d.marks->epoch});
      if (coins == unlocked.coins.end()) continue;  // an older key: not weighed
      auto answer = exchange.opened_answer(known, d, coins->second, leaked.at(d.entry));
      if (!answer) return std::unexpected(answer.error());
      bundle[numbered("answers", d.entry)] = trace::write_answer(*answer);
    }
  return {};
}

}  // namespace

// ---- weigh, report, verdict ----

Result<Traces::Decoys> Traces::decoys_of(const TraceCase& one, const trace::Extraction& sealed) {
  Decoys out;
  if (!sealed.strays) return out;
  auto kept = work_of(one.id, "strays");
  if (!kept) return std::unexpected(kept.error());
  auto list = trace::StrayList::parse(kept->at("strays"));
  if (!list) return std::unexpected(list.error());
  out.strays = *std::move(list);
  auto found = found_decoys(exchange_, one, sealed, out.strays);
  if (!found) return std::unexpected(found.error());
  out.found = *std::move(found);
  for (const FoundDecoy& f : out.found)
    out.hits.push_back({f.given.account, trace::day_of(f.exported.at)});
  return out;
}

// The decoys of the named accounts, each with the receipt of the EXPORT that gave it away.
Result<void> Traces::add_decoys(
    const Decoys& decoys, const trace::Findings& findings,
    const std::map<std::pair<AccountId, std::uint16_t>, disclosure::CoinKey>& keys, Files& bundle) {
  std::uint64_t n = 0;
  for (const FoundDecoy& f : decoys.found) {
    const auto named = std::ranges::find(findings.named, f.given.account,
                                         &trace::NamedAccount::account);
    if (named == findings.named.end()) continue;
    auto file = decoy_file(exchange_, f, decoys.strays, keys.at({f.given.account, f.epoch}));
    if (!file) return std::unexpected(file.error());
    auto proof = exchange_.cosigned(f.exported.entry, stop_work_);
    if (!proof) return std::unexpected(proof.error());
    const std::string path = numbered("decoys", ++n);
    bundle[path] = trace::write_decoy(*file);
    bundle[path + ".tlog-proof"] = *std::move(proof);
  }
  return {};
}

Result<void> Traces::weigh(TraceCase& one) {
  if (one.verdict) return close(one);
  auto work = work_of(one.id);
  if (!work) return std::unexpected(work.error());
  auto extraction = trace::parse_extraction(work->at("extraction"));
  if (!extraction) return std::unexpected(extraction.error());
  auto facts = facts_in(*work, *extraction);
  if (!facts) return std::unexpected(facts.error());
  auto unlocked = keys_of(exchange_, *work, extraction->origin);
  if (!unlocked) return std::unexpected(unlocked.error());
  const auto& catalogue = exchange_.marks().catalogue();
  const trace::SymbolOf symbol_of =
      [&](AccountId account, std::uint16_t epoch, const Label& subject,
          const disclosure::Place& place) -> std::optional<std::uint32_t> {
    const auto at = unlocked->coins.find({account, epoch});
    if (at == unlocked->coins.end()) return std::nullopt;
    return at->second.symbol(subject, place);
  };
  // The register is opened only now that all of it is sealed.
  auto decoys = decoys_of(one, *extraction);
  if (!decoys) return std::unexpected(decoys.error());
  const trace::Findings findings =
      trace::judge_extraction(*extraction, *facts, catalogue, symbol_of, decoys->hits);
  std::map<AccountId, std::string> ids;
  for (const Asker& a : exchange_.identity().accounts()) ids.emplace(a.account, a.id);
  const auto id_of = [&ids](AccountId account) {
    const auto at = ids.find(account);
    return at == ids.end() ? "account " + std::to_string(number(account)) : at->second;
  };
  const auto leads = leads_of(exchange_, *extraction, *facts);

  trace::ReportInput input;
  input.findings = &findings;
  input.extraction = &*extraction;
  input.facts = &*facts;
  input.id_of = id_of;
  input.trace = one.id;
  input.brought_by = one.brought_by;
  input.impact = work->at("impact.csv");
  input.marked = exchange_.marks().configured();
  if (const auto font = console::asset("nastaliq.woff2")) input.urdu_font = font->content;
  input.symbol_of = symbol_of;
  input.catalogue = &catalogue;
  Files reports;
  reports["report/report.html"] = trace::report_html(input, trace::Language::english);
  reports["report/report.ur.html"] = trace::report_html(input, trace::Language::urdu);
  reports["report/report.pdf"] = trace::report_pdf(input);

  one.named.clear();
  for (const auto& n : findings.named) one.named.push_back(id_of(n.account));
  one.findings = trace::write_findings(findings);
  Files bundle;
  Digest verdict = crypto::sha256(one.findings);
  if (!findings.named.empty()) {
    if (auto added = add_evidence(exchange_, *work, *extraction, *facts, findings, *unlocked,
                                  stop_work_, bundle);
        !added)
      return added;
    if (auto added = add_decoys(*decoys, findings, unlocked->coins, bundle); !added) return added;
    bundle["findings"] = one.findings;
    bundle.insert(reports.begin(), reports.end());
    bundle["manifest"] = trace::manifest_of(bundle);
    verdict = crypto::sha256(bundle["manifest"]);
  }
  for (auto& [path, text] : reports) (*work)[path] = std::move(text);
  (*work)["findings.json"] =
      findings_json(findings, leads, trace::first_days(*extraction, *facts), id_of);
  if (auto kept = keep_work(one.id, *work); !kept) return kept;
  if (!bundle.empty())
    if (auto kept = keep_work(one.id, bundle, "bundle"); !kept) return kept;
  auto entry = exchange_.record_trace(ledger::TraceStep::verdict, verdict);
  if (!entry) return std::unexpected(entry.error());
  one.verdict = *entry;
  if (auto kept = keep(one); !kept) return kept;
  return close(one);
}

namespace {

// The accounts whose keys a bundle publishes, with the last epoch of each.
std::map<AccountId, std::uint16_t> published_in(const Files& bundle) {
  std::map<AccountId, std::uint16_t> out;
  for (const auto& [path, text] : bundle) {
    if (!path.starts_with("keys/") || path.starts_with("keys/year-")) continue;
    const auto key = trace::parse_key(text);
    insist(key.has_value());
    auto& last = out[key->shares.account];
    last = std::max(last, key->shares.epoch);
  }
  return out;
}

}  // namespace

// The verdict is an entry: its proof completes the bundle.
Result<void> Traces::close(TraceCase& one) {
  insist(one.verdict.has_value());
  if (!one.named.empty()) {
    auto bundle = work_of(one.id, "bundle");
    if (!bundle) return std::unexpected(bundle.error());
    auto proof = exchange_.cosigned(*one.verdict, stop_work_);
    if (!proof) return std::unexpected(proof.error());
    // K of a named account is published with the bundle: from here on it gets another. Once, though
    // a stop may have come between.
    auto rekeyed = rekeyed_before(exchange_, UINT64_MAX);
    if (!rekeyed) return std::unexpected(rekeyed.error());
    for (const auto& [account, epoch] : published_in(*bundle)) {
      const auto since = rekeyed->find(account);
      if (since != rekeyed->end() && epoch < since->second) continue;
      if (auto done = exchange_.rekey_marks(account);
          !done && done.error().reason != Reason::usage_wrong)
        return done;
    }
    (*bundle)["verdict.tlog-proof"] = *std::move(proof);
    if (auto kept = keep_work(one.id, *bundle, "bundle"); !kept) return kept;
    one.bundle = true;
  }
  one.state = TraceState::closed;
  return keep(one);
}

}  // namespace amanat::server
