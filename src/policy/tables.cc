#include "policy/tables.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "crypto/crypto.h"
#include "model/insist.h"
#include "net/toml.h"
#include "storage/file.h"

namespace amanat::policy {
namespace {

constexpr std::size_t kFileMax = 1 << 20;
constexpr std::size_t kIdMax = 64;
constexpr std::size_t kSaysMax = 500;
constexpr std::size_t kListMax = 512;
constexpr std::size_t kLimitsMax = 8;
constexpr std::uint64_t kDayMs = 86'400'000;
constexpr std::uint64_t kKeepMostMs = 7 * kDayMs;
constexpr std::int64_t kSealedDaysMax = 3660, kYearsMax = 200;

using net::Toml;
using net::TomlReader;
using Words = std::vector<std::string>;

const Words kRights = {"records", "cases", "audit",         "hold",       "approve", "policy",
                       "review",  "enrol", "enrol-citizen", "introspect", "usages", "operate"};
const Words kClassWords = {"self", "own_family", "colleague_same_unit", "officer_of_record",
                           "protected"};
const Words kProofWords = {"channel", "signature", "touch"};
const Words kApproverWords = {"anyone", "superior", "other_unit", "superior_other_unit"};
const Words kOfficersAsk = {"passkey", "certificate"};
const Words kServicesAsk = {"signed", "channel"};
const Words kLevels = {"none", "exists", "masked", "full"};
const Words kClasses = {"open", "ordinary", "sensitive", "secret_existence"};
const Words kStandingWords = {"named", "kin", "other"};
// GENESIS, EPOCHs and POLICY/KEY entries are kept for ever: without them the rest means nothing.
const Words kEntryWords = {"", "disclosure", "denied", "export", "", "erasure", "", "alert", "", "trace"};
const Words kPers = {"officer", "case", "unit"};
const Words kFormats = {"csv", "jsonl", "xlsx"};
constexpr std::uint64_t kExtractMost = 100'000;

bool has(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string meant(std::string_view word, const Words& known) {
  const std::string_view near = amanat::nearest_word(word, known);
  return near.empty() ? std::string() : "; did you mean \"" + std::string(near) + "\"?";
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kIdMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

// One row of the policy, with what every row has: a place for complaints, an id, a sentence.
class Row {
 public:
  Row(const Toml& table, const std::string& file)
      : reader_(table, file, Reason::policy_wrong), line_(table.line) {}

  std::unexpected<Failure> wrong(std::string what) const {
    return reader_.wrong(line_, std::move(what));
  }
  TomlReader& reader() { return reader_; }

  Result<std::string> id(std::set<std::string>& taken) {
    auto id = reader_.string("id");
    if (!id) return id;
    if (!is_id(*id)) return wrong("an id is 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-'");
    if (!taken.insert(*id).second) return wrong("the id \"" + *id + "\" is taken");
    return id;
  }
  Result<std::string> says() {
    auto says = reader_.string("says");
    if (!says) return says;
    if (says->find_first_not_of(" \t\n") == std::string::npos)
      return wrong("`says` is empty: it is what auditors read");
    if (says->size() > kSaysMax) return wrong("`says` is longer than 500 bytes");
    return says;
  }
  // words reads a list whose every word must be known (any word where `known` is null).
  Result<Words> words(std::string_view key, const Words* known, std::string_view what) {
    return words_of(reader_, key, known, what);
  }
  Result<Words> words_of(TomlReader& reader, std::string_view key, const Words* known,
                         std::string_view what) {
    auto words = reader.strings(key);
    if (!words) return words;
    if (words->size() > kListMax) return wrong("`" + std::string(key) + "` is too long");
    for (const auto& word : *words) {
      if (word.empty() || word.size() > 200)
        return wrong("`" + std::string(key) + "` holds an empty or overlong word");
      if (known != nullptr && !has(*known, word))
        return wrong("no " + std::string(what) + " \"" + word + "\"" + meant(word, *known));
    }
    std::sort(words->begin(), words->end());
    words->erase(std::unique(words->begin(), words->end()), words->end());
    return words;
  }

 private:
  TomlReader reader_;
  std::uint32_t line_;
};

// "08-20+05": from 8 o'clock until before 20 o'clock, five hours east of Greenwich.
std::optional<Hours> hours_of(std::string_view text) {
  const auto two = [&](std::size_t at) -> int {
    if (text[at] < '0' || text[at] > '9' || text[at + 1] < '0' || text[at + 1] > '9') return -1;
    return (text[at] - '0') * 10 + (text[at + 1] - '0');
  };
  if (text.size() != 8 || text[2] != '-' || (text[5] != '+' && text[5] != '-')) return std::nullopt;
  const int from = two(0), to = two(3), offset = two(6);
  if (from < 0 || from > 23 || to < 0 || to > 24 || offset < 0 || offset > 14 || from == to)
    return std::nullopt;
  return Hours{static_cast<std::uint8_t>(from), static_cast<std::uint8_t>(to),
               static_cast<std::int8_t>(text[5] == '-' ? -offset : offset)};
}

class TablesReader {
 public:
  TablesReader(const FieldTable& fields) : fields_(fields) {
    tables_.classes.resize(fields.size());
    tables_.masks.resize(fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const FieldInfo& info = fields[FieldId{static_cast<std::uint16_t>(i)}];
      insist(info.masks.size() <= kMasksMax);
      tables_.classes[i] = info.sensitivity;
      tables_.masks[i] = info.masks;
    }
  }
  Result<Tables> read(const std::vector<Document>& documents);

 private:
  using Reader = Result<void> (TablesReader::*)(const Toml&, const std::string&);
  Result<void> field(const Toml& table, const std::string& file);
  Result<void> role(const Toml& table, const std::string& file);
  Result<void> department(const Toml& table, const std::string& file);
  Result<void> purpose(const Toml& table, const std::string& file);
  Result<void> quota(const Toml& table, const std::string& file);
  Result<void> grant(const Toml& table, const std::string& file);
  Result<void> forbid(const Toml& table, const std::string& file);
  Result<void> retention(const Toml& table, const std::string& file);
  Result<Needs> needs(Row& row, const std::string& file, std::uint8_t approvals_otherwise);
  Result<std::optional<ExtractTerms>> extract(Row& row, const std::string& file);
  Result<void> when(Row& row, const std::string& file, ForbidRow& forbid);
  Result<void> except(Row& row, const Toml& table, const std::string& file, ForbidRow& forbid);
  Result<void> check_over() const;
  Result<std::vector<Cell>> cells(Row& row, std::string_view level_otherwise);
  Result<FieldSet> optional_of(Row& row, const std::vector<Cell>& cells);
  Result<void> refine(Row& row, const Toml& masks, const FieldSet& named,
                      std::map<std::uint16_t, Rank>& ranks);
  Result<FieldSet> matched(const Row& row, const std::string& pattern) const;

  const FieldTable& fields_;
  Tables tables_;
  std::set<std::string> field_ids_, department_ids_, role_ids_, purpose_ids_, quota_ids_, rule_ids_,
      retained_;
  Words roles_, purposes_, quotas_, kinds_;
};

Result<FieldSet> TablesReader::matched(const Row& row, const std::string& pattern) const {
  const FieldSet set = fields_.match(pattern);
  if (set.none()) {
    const std::string near = fields_.nearest(pattern);
    return row.wrong("no field \"" + pattern + "\"" +
                     (near.empty() ? "" : "; did you mean \"" + near + "\"?"));
  }
  return set;
}

Result<void> TablesReader::field(const Toml& table, const std::string& file) {
  Row row(table, file);
  auto id = row.reader().string("id");
  if (!id) return std::unexpected(id.error());
  auto set = matched(row, *id);
  if (!set) return std::unexpected(set.error());
  if (!field_ids_.insert(*id).second)
    return row.wrong("the field \"" + *id + "\" stands here twice");
  auto sensitivity = row.reader().string_or("class", "");
  if (!sensitivity) return std::unexpected(sensitivity.error());
  if (!sensitivity->empty() && !has(kClasses, *sensitivity))
    return row.wrong("no class \"" + *sensitivity + "\"" + meant(*sensitivity, kClasses));
  auto masks = row.words("masks", nullptr, "mask");
  if (!masks) return std::unexpected(masks.error());
  if (auto end = row.reader().finish(); !end) return end;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (!set->test(i)) continue;
    const Words& chain = fields_[FieldId{static_cast<std::uint16_t>(i)}].masks;
    for (const auto& mask : *masks)
      if (!has(chain, mask))
        return row.wrong("no mask \"" + mask + "\" of this field in the catalog" +
                         meant(mask, chain));
    if (!masks->empty()) {
      Words kept;  // in the chain's order, whatever the row's
      for (const auto& mask : chain)
        if (has(*masks, mask)) kept.push_back(mask);
      tables_.masks[i] = std::move(kept);
    }
    if (!sensitivity->empty())
      tables_.classes[i] = static_cast<Sensitivity>(
          std::find(kClasses.begin(), kClasses.end(), *sensitivity) - kClasses.begin());
  }
  return {};
}

Result<void> TablesReader::role(const Toml& table, const std::string& file) {
  Row row(table, file);
  RoleRow role;
  auto id = row.id(role_ids_);
  if (!id) return std::unexpected(id.error());
  auto says = row.says();
  if (!says) return std::unexpected(says.error());
  auto rights = row.words("rights", &kRights, "right");
  if (!rights) return std::unexpected(rights.error());
  // The roles it is over may stand further down, so they are checked once all are read.
  auto over = row.words("over", nullptr, "role");
  if (!over) return std::unexpected(over.error());
  if (auto end = row.reader().finish(); !end) return end;
  roles_.push_back(*id);
  tables_.roles.push_back({*std::move(id), *std::move(says), *std::move(rights), *std::move(over)});
  return {};
}

Result<void> TablesReader::check_over() const {
  for (const RoleRow& role : tables_.roles)
    for (const auto& word : role.over)
      if (!has(roles_, word) || word == role.id)
        return fail(Reason::policy_wrong, "role " + role.id + ": `over` names no other role \"" +
                                              word + "\"" + meant(word, roles_));
  return {};
}

Result<void> TablesReader::department(const Toml& table, const std::string& file) {
  Row row(table, file);
  DepartmentRow department;
  auto id = row.id(department_ids_);
  if (!id) return std::unexpected(id.error());
  auto says = row.says();
  if (!says) return std::unexpected(says.error());
  auto officers = row.reader().string_or("officers", "passkey");
  if (!officers) return std::unexpected(officers.error());
  if (!has(kOfficersAsk, *officers))
    return row.wrong("`officers` is \"passkey\" or \"certificate\"" +
                     meant(*officers, kOfficersAsk));
  auto services = row.reader().string_or("services", "signed");
  if (!services) return std::unexpected(services.error());
  if (!has(kServicesAsk, *services))
    return row.wrong("`services` is \"signed\" or \"channel\"" + meant(*services, kServicesAsk));
  if (auto end = row.reader().finish(); !end) return end;
  department.id = *std::move(id);
  department.says = *std::move(says);
  department.officers = *officers == "passkey" ? Proof::touch : Proof::channel;
  department.services = *services == "signed" ? Proof::signature : Proof::channel;
  tables_.departments.push_back(std::move(department));
  return {};
}

Result<void> TablesReader::purpose(const Toml& table, const std::string& file) {
  Row row(table, file);
  auto id = row.id(purpose_ids_);
  if (!id) return std::unexpected(id.error());
  auto says = row.says();
  if (!says) return std::unexpected(says.error());
  auto law = row.reader().string("law");
  if (!law) return std::unexpected(law.error());
  if (law->empty()) return row.wrong("`law` is empty: a purpose rests on a law");
  auto cases = row.words("cases", nullptr, "case kind");
  if (!cases) return std::unexpected(cases.error());
  auto witnessed = row.reader().boolean_or("witnessed", false);
  if (!witnessed) return std::unexpected(witnessed.error());
  auto sealed = row.reader().integer_or("sealed_days", 0, 0, kSealedDaysMax);
  if (!sealed) return std::unexpected(sealed.error());
  auto notice = row.reader().string_or("notice", "daily");
  if (!notice) return std::unexpected(notice.error());
  if (*notice != "at_once" && *notice != "daily" && *notice != "never")
    return row.wrong("`notice` is at_once, daily or never");
  auto says_ur = row.reader().string_or("says_ur", "");
  if (!says_ur) return std::unexpected(says_ur.error());
  auto law_ur = row.reader().string_or("law_ur", "");
  if (!law_ur) return std::unexpected(law_ur.error());
  if (says_ur->size() > kSaysMax || law_ur->size() > kSaysMax)
    return row.wrong("`says_ur` and `law_ur` are at most 500 bytes");
  if (auto end = row.reader().finish(); !end) return end;
  purposes_.push_back(*id);
  for (const auto& kind : *cases)
    if (!has(kinds_, kind)) kinds_.push_back(kind);
  tables_.purposes.push_back({*std::move(id), *std::move(says), *std::move(law),
                              *std::move(cases), *witnessed, static_cast<std::uint32_t>(*sealed),
                              *std::move(notice), *std::move(says_ur), *std::move(law_ur)});
  return {};
}

Result<void> TablesReader::quota(const Toml& table, const std::string& file) {
  Row row(table, file);
  QuotaRow quota;
  auto id = row.id(quota_ids_);
  if (!id) return std::unexpected(id.error());
  quota.id = *id;
  auto rows = row.reader().tables("distinct_subjects");
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty() || rows->size() > kLimitsMax)
    return row.wrong("`distinct_subjects` holds 1 to 8 limits");
  for (const Toml* one : *rows) {
    Row inner(*one, file);
    auto per = inner.reader().string("per");
    if (!per) return std::unexpected(per.error());
    if (!has(kPers, *per)) return inner.wrong("no holder \"" + *per + "\"" + meant(*per, kPers));
    auto n = inner.reader().integer_or("n", 0, 1, 1'000'000);
    if (!n) return std::unexpected(n.error());
    if (*n == 0) return inner.wrong("`n` is missing: how many citizens");
    auto window = inner.reader().string_or("window", "");
    if (!window) return std::unexpected(window.error());
    if (auto end = inner.reader().finish(); !end) return end;
    Limit limit;
    limit.per = *per == "officer" ? Limit::Per::officer
                : *per == "case"  ? Limit::Per::case_
                                  : Limit::Per::unit;
    limit.quota = *id;
    limit.n = static_cast<std::uint32_t>(*n);
    if (!window->empty()) {
      const auto ms = span_of(*window);
      if (!ms) return inner.wrong("`window` is a number and m, h or d, such as \"7d\"");
      limit.window_ms = *ms;
    }
    quota.limits.push_back(std::move(limit));
  }
  if (auto end = row.reader().finish(); !end) return end;
  quotas_.push_back(*id);
  tables_.quotas.push_back(std::move(quota));
  return {};
}

// refine applies a rule's `mask = { "field" = "mask" }`.
Result<void> TablesReader::refine(Row& row, const Toml& masks, const FieldSet& named,
                                  std::map<std::uint16_t, Rank>& ranks) {
  insist(masks.table() != nullptr);
  for (const auto& member : *masks.table()) {
    const std::string* mask = member.value.string();
    if (mask == nullptr)
      return row.wrong("the mask of \"" + member.key + "\" must be text in quotes");
    auto set = matched(row, member.key);
    if (!set) return std::unexpected(set.error());
    if ((*set & named).none())
      return row.wrong("\"" + member.key + "\" is masked but not among `fields`");
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      if (!set->test(i) || !named.test(i)) continue;
      if (!has(tables_.masks[i], *mask))
        return row.wrong("no mask \"" + *mask + "\" of " +
                         fields_[FieldId{static_cast<std::uint16_t>(i)}].id +
                         meant(*mask, tables_.masks[i]));
      const Words& chain = fields_[FieldId{static_cast<std::uint16_t>(i)}].masks;
      const auto at = std::find(chain.begin(), chain.end(), *mask) - chain.begin();
      ranks[static_cast<std::uint16_t>(i)] = static_cast<Rank>(kNarrowest + at);
    }
  }
  return {};
}

Result<std::vector<Cell>> TablesReader::cells(Row& row, std::string_view level_otherwise) {
  auto patterns = row.words("fields", nullptr, "field");
  if (!patterns) return std::unexpected(patterns.error());
  if (patterns->empty()) return row.wrong("`fields` is missing");
  FieldSet named;
  for (const auto& pattern : *patterns) {
    auto set = matched(row, pattern);
    if (!set) return std::unexpected(set.error());
    named |= *set;
  }
  auto level = row.reader().string_or("level", level_otherwise);
  if (!level) return std::unexpected(level.error());
  if (!has(kLevels, *level))
    return row.wrong("no level \"" + *level + "\"" + meant(*level, kLevels));
  std::map<std::uint16_t, Rank> ranks;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (!named.test(i)) continue;
    Rank rank = *level == "full" ? kFull : *level == "exists" ? kExists : kNone;
    if (*level == "masked") {
      // Without a word which mask: the narrowest. A field that knows no mask only exists.
      rank = kExists;
      if (!tables_.masks[i].empty()) {
        const Words& chain = fields_[FieldId{static_cast<std::uint16_t>(i)}].masks;
        const auto at =
            std::find(chain.begin(), chain.end(), tables_.masks[i].front()) - chain.begin();
        rank = static_cast<Rank>(kNarrowest + at);
      }
    }
    ranks[static_cast<std::uint16_t>(i)] = rank;
  }
  auto masks = row.reader().table("mask");
  if (!masks) return std::unexpected(masks.error());
  if (*masks != nullptr)
    if (auto refined = refine(row, **masks, named, ranks); !refined)
      return std::unexpected(refined.error());
  std::vector<Cell> cells;
  for (const auto& [field, rank] : ranks) cells.push_back({FieldId{field}, rank});
  return cells;
}

// extract reads `extract = { most = 10000, formats = ["csv"], keep = "24h" }`.
Result<std::optional<ExtractTerms>> TablesReader::extract(Row& row, const std::string& file) {
  auto table = row.reader().table("extract");
  if (!table) return std::unexpected(table.error());
  if (*table == nullptr) return std::optional<ExtractTerms>{};
  TomlReader reader(**table, file, Reason::policy_wrong);
  ExtractTerms terms;
  auto most = reader.integer_or("most", 0, 1, kExtractMost);
  if (!most) return std::unexpected(most.error());
  if (*most == 0) return row.wrong("`most` is missing: how many citizens one extract may have");
  terms.most = static_cast<std::uint32_t>(*most);
  auto formats = row.words_of(reader, "formats", &kFormats, "format");
  if (!formats) return std::unexpected(formats.error());
  terms.formats = formats->empty() ? kFormats : *std::move(formats);
  auto keep = reader.string_or("keep", "24h");
  if (!keep) return std::unexpected(keep.error());
  const auto ms = span_of(*keep);
  if (!ms || *ms > kKeepMostMs)
    return row.wrong("`keep` is a number and m, h or d, at most seven days");
  terms.keep_ms = *ms;
  if (auto end = reader.finish(); !end) return std::unexpected(end.error());
  return std::optional<ExtractTerms>(std::move(terms));
}

Result<Needs> TablesReader::needs(Row& row, const std::string& file,
                                  std::uint8_t approvals_otherwise) {
  Needs needs;
  needs.approvals = approvals_otherwise;
  auto table = row.reader().table("needs");
  if (!table) return std::unexpected(table.error());
  if (*table == nullptr) return needs;
  TomlReader reader(**table, file, Reason::policy_wrong);
  auto cases = row.words_of(reader, "case", &kinds_, "case kind of any purpose");
  if (!cases) return std::unexpected(cases.error());
  needs.cases = *std::move(cases);
  const std::pair<const char*, bool*> flags[] = {{"case_open", &needs.case_open},
                                                 {"subject_in_case", &needs.subject_in_case},
                                                 {"kin", &needs.kin},
                                                 {"officer_assigned", &needs.officer_assigned},
                                                 {"own_unit", &needs.own_unit},
                                                 {"court_order", &needs.court_order},
                                                 {"consent", &needs.consent},
                                                 {"break_glass", &needs.break_glass}};
  for (const auto& [key, flag] : flags) {
    auto value = reader.boolean_or(key, false);
    if (!value) return std::unexpected(value.error());
    *flag = *value;
  }
  if (needs.kin && !needs.subject_in_case)
    return row.wrong("`kin` widens `subject_in_case`, which is not there");
  auto approvals = reader.integer_or("approvals", approvals_otherwise, 0, 8);
  if (!approvals) return std::unexpected(approvals.error());
  needs.approvals = static_cast<std::uint8_t>(*approvals);
  auto approver = reader.string_or("approver", "anyone");
  if (!approver) return std::unexpected(approver.error());
  if (!has(kApproverWords, *approver))
    return row.wrong("no approver \"" + *approver + "\"" + meant(*approver, kApproverWords));
  if (*approver != "anyone" && needs.approvals == 0)
    return row.wrong("`approver` says who approves, but `approvals` asks for none");
  needs.approver = static_cast<Approver>(
      std::find(kApproverWords.begin(), kApproverWords.end(), *approver) - kApproverWords.begin());
  auto age = reader.string_or("uv_max_age", "");
  if (!age) return std::unexpected(age.error());
  if (!age->empty()) {
    needs.uv_max_age_ms = span_of(*age);
    if (!needs.uv_max_age_ms)
      return row.wrong("`uv_max_age` is a number and m, h or d, such as \"15m\"");
  }
  auto evidence = reader.string_or("evidence", "channel");
  if (!evidence) return std::unexpected(evidence.error());
  if (!has(kProofWords, *evidence))
    return row.wrong("`evidence` is \"channel\", \"signature\" or \"touch\"");
  needs.evidence = static_cast<Proof>(std::find(kProofWords.begin(), kProofWords.end(), *evidence) -
                                      kProofWords.begin());
  auto hours = reader.string_or("hours", "");
  if (!hours) return std::unexpected(hours.error());
  if (!hours->empty() && !(needs.hours = hours_of(*hours)))
    return row.wrong("`hours` is written \"08-20+05\": from, to, hours ahead of UTC");
  if (auto end = reader.finish(); !end) return std::unexpected(end.error());
  return needs;
}

// optional_of reads which of a grant's fields a coin may withhold or coarsen. What is not shown in
// full has no coin: to name it would promise marks that no answer carries.
Result<FieldSet> TablesReader::optional_of(Row& row, const std::vector<Cell>& cells) {
  auto patterns = row.words("optional", nullptr, "field");
  if (!patterns) return std::unexpected(patterns.error());
  FieldSet full, optional;
  for (const Cell& cell : cells)
    if (cell.rank == kFull) full.set(number(cell.field));
  for (const auto& pattern : *patterns) {
    auto set = matched(row, pattern);
    if (!set) return set;
    if ((*set & full).none())
      return row.wrong("\"" + pattern + "\" is `optional` but not shown in full by this grant");
    optional |= *set & full;
  }
  return optional;
}

Result<void> TablesReader::grant(const Toml& table, const std::string& file) {
  Row row(table, file);
  GrantRow grant;
  auto id = row.id(rule_ids_);
  if (!id) return std::unexpected(id.error());
  auto says = row.says();
  if (!says) return std::unexpected(says.error());
  const std::tuple<const char*, const Words*, const char*, Words*> lists[] = {
      {"roles", &roles_, "role", &grant.roles},
      {"purposes", &purposes_, "purpose", &grant.purposes},
      {"departments", nullptr, "", &grant.departments},
      {"units", nullptr, "", &grant.units},
      {"follow", nullptr, "", &grant.follow}};
  for (const auto& [key, known, what, to] : lists) {
    auto words = row.words(key, known, what);
    if (!words) return std::unexpected(words.error());
    *to = *std::move(words);
  }
  if (grant.roles.empty()) return row.wrong("`roles` is missing");
  if (grant.purposes.empty()) return row.wrong("`purposes` is missing");
  auto terms = extract(row, file);
  if (!terms) return std::unexpected(terms.error());
  // Nobody takes many citizens' data alone, unless the row says so in words.
  auto read_needs = needs(row, file, *terms ? 1 : 0);
  if (!read_needs) return std::unexpected(read_needs.error());
  if (*terms && (read_needs->break_glass || read_needs->consent))
    return row.wrong("`extract` goes with neither `break_glass` nor `consent`");
  // Past a forbid nobody sees more than a mask, unless the row says so in words.
  auto read_cells = cells(row, read_needs->break_glass ? "masked" : "full");
  if (!read_cells) return std::unexpected(read_cells.error());
  auto quota = row.reader().string_or("quota", "");
  if (!quota) return std::unexpected(quota.error());
  if (!quota->empty() && !has(quotas_, *quota))
    return row.wrong("no quota \"" + *quota + "\"" + meant(*quota, quotas_));
  auto optional = optional_of(row, *read_cells);
  if (!optional) return std::unexpected(optional.error());
  auto marks = row.reader().boolean_or("marks", true);
  if (!marks) return std::unexpected(marks.error());
  auto witnessed = row.reader().boolean_or("witnessed", false);
  if (!witnessed) return std::unexpected(witnessed.error());
  grant.witnessed = *witnessed;
  if (auto end = row.reader().finish(); !end) return end;
  for (const Cell& cell : *read_cells)
    if (cell.rank == kNone) return row.wrong("a grant of level none grants nothing");
  grant.optional = *optional;
  grant.marks = *marks;
  grant.id = *std::move(id);
  grant.says = *std::move(says);
  grant.quota = *std::move(quota);
  grant.cells = *std::move(read_cells);
  grant.needs = *std::move(read_needs);
  grant.extract = *std::move(terms);
  tables_.grants.push_back(std::move(grant));
  return {};
}

Result<void> TablesReader::when(Row& row, const std::string& file, ForbidRow& forbid) {
  auto table = row.reader().table("when");
  if (!table) return std::unexpected(table.error());
  if (*table == nullptr) return {};
  TomlReader reader(**table, file, Reason::policy_wrong);
  auto cases = row.words_of(reader, "case", &kinds_, "case kind of any purpose");
  if (!cases) return std::unexpected(cases.error());
  forbid.cases = *std::move(cases);
  auto subjects = row.words_of(reader, "subject", &kStandingWords, "standing");
  if (!subjects) return std::unexpected(subjects.error());
  for (const auto& word : *subjects)
    forbid.subjects.push_back(word == "named" ? Standing::named
                              : word == "kin" ? Standing::kin
                                              : Standing::other);
  const std::pair<const char*, std::optional<bool>*> flags[] = {
      {"case_open", &forbid.case_open}, {"officer_assigned", &forbid.officer_assigned}};
  for (const auto& [key, flag] : flags) {
    const Toml* there = (*table)->find(key);
    auto value = reader.boolean_or(key, false);
    if (!value) return std::unexpected(value.error());
    if (there != nullptr) *flag = *value;
  }
  auto hours = reader.string_or("hours", "");
  if (!hours) return std::unexpected(hours.error());
  if (!hours->empty() && !(forbid.hours = hours_of(*hours)))
    return row.wrong("`hours` is written \"20-08+05\": from, to, hours ahead of UTC");
  return reader.finish();
}

Result<void> TablesReader::forbid(const Toml& table, const std::string& file) {
  Row row(table, file);
  ForbidRow forbid;
  auto id = row.id(rule_ids_);
  if (!id) return std::unexpected(id.error());
  auto says = row.says();
  if (!says) return std::unexpected(says.error());
  const std::tuple<const char*, const Words*, const char*, Words*> lists[] = {
      {"roles", &roles_, "role", &forbid.roles},
      {"purposes", &purposes_, "purpose", &forbid.purposes},
      {"departments", nullptr, "", &forbid.departments},
      {"units", nullptr, "", &forbid.units}};
  for (const auto& [key, known, what, to] : lists) {
    auto words = row.words(key, known, what);
    if (!words) return std::unexpected(words.error());
    *to = *std::move(words);
  }
  auto read_cells = cells(row, "none");
  if (!read_cells) return std::unexpected(read_cells.error());
  if (auto read = when(row, file, forbid); !read) return read;
  auto classes = row.words("subjects", &kClassWords, "class of citizens");
  if (!classes) return std::unexpected(classes.error());
  for (const auto& word : *classes)
    forbid.classes.push_back(static_cast<SubjectClass>(
        std::find(kClassWords.begin(), kClassWords.end(), word) - kClassWords.begin()));
  std::sort(forbid.classes.begin(), forbid.classes.end());
  if (auto read = except(row, table, file, forbid); !read) return read;
  if (auto end = row.reader().finish(); !end) return end;
  for (const Cell& cell : *read_cells)
    if (cell.rank == kFull) return row.wrong("a forbid of level full forbids nothing");
  forbid.id = *std::move(id);
  forbid.says = *std::move(says);
  forbid.cells = *std::move(read_cells);
  tables_.forbids.push_back(std::move(forbid));
  return {};
}

// except is written as a table, or as the one word `except = ["break_glass"]`.
Result<void> TablesReader::except(Row& row, const Toml& table, const std::string& file,
                                  ForbidRow& forbid) {
  const Toml* there = table.find("except");
  if (there != nullptr && there->table() == nullptr) {
    const Words known = {"break_glass"};
    auto words = row.words("except", &known, "exception");
    if (!words) return std::unexpected(words.error());
    forbid.except_break_glass = !words->empty();
    return {};
  }
  auto except = row.reader().table("except");
  if (!except) return std::unexpected(except.error());
  if (*except == nullptr) return {};
  TomlReader reader(**except, file, Reason::policy_wrong);
  auto purposes = row.words_of(reader, "purposes", &purposes_, "purpose");
  if (!purposes) return std::unexpected(purposes.error());
  auto departments = row.words_of(reader, "departments", nullptr, "");
  if (!departments) return std::unexpected(departments.error());
  auto glass = reader.boolean_or("break_glass", false);
  if (!glass) return std::unexpected(glass.error());
  if (auto end = reader.finish(); !end) return end;
  forbid.except_purposes = *std::move(purposes);
  forbid.except_departments = *std::move(departments);
  forbid.except_break_glass = *glass;
  return {};
}

// One row of several types makes a row of each.
Result<void> TablesReader::retention(const Toml& table, const std::string& file) {
  Row row(table, file);
  auto says = row.says();
  if (!says) return std::unexpected(says.error());
  auto entries = row.words("entries", &kEntryWords, "type of entry");
  if (!entries) return std::unexpected(entries.error());
  if (entries->empty()) return row.wrong("`entries` is missing: which types of entry");
  auto years = row.reader().integer_or("years", 0, 1, kYearsMax);
  if (!years) return std::unexpected(years.error());
  if (*years == 0) return row.wrong("`years` is missing: after how many they may go");
  if (auto end = row.reader().finish(); !end) return end;
  for (const auto& word : *entries) {
    if (!retained_.insert(word).second)
      return row.wrong("the entries \"" + word + "\" have two times of retention");
    tables_.retention.push_back({word, *says, static_cast<std::uint32_t>(*years)});
  }
  return {};
}

Result<Tables> TablesReader::read(const std::vector<Document>& documents) {
  std::vector<Toml> parsed;
  for (const auto& document : documents) {
    auto toml = net::parse_toml(document.text, document.name);
    if (!toml) return fail(Reason::policy_wrong, toml.error().detail);
    parsed.push_back(*std::move(toml));
  }
  // Rules name roles, purposes, quotas and masks of any file, so those tables come first.
  const std::pair<const char*, Reader> kinds[] = {
      {"field", &TablesReader::field},           {"role", &TablesReader::role},
      {"department", &TablesReader::department}, {"purpose", &TablesReader::purpose},
      {"quota", &TablesReader::quota},           {"grant", &TablesReader::grant},
      {"forbid", &TablesReader::forbid},         {"retention", &TablesReader::retention}};
  for (std::size_t i = 0; i < parsed.size(); ++i) {
    TomlReader reader(parsed[i], documents[i].name, Reason::policy_wrong);
    for (const auto& [key, read_row] : kinds)
      if (auto rows = reader.tables(key); !rows) return std::unexpected(rows.error());
    if (auto end = reader.finish(); !end) return std::unexpected(end.error());
  }
  for (const auto& [key, read_row] : kinds) {
    for (std::size_t i = 0; i < parsed.size(); ++i) {
      TomlReader reader(parsed[i], documents[i].name, Reason::policy_wrong);
      auto rows = reader.tables(key);
      if (!rows) return std::unexpected(rows.error());
      for (const Toml* row : *rows)
        if (auto done = (this->*read_row)(*row, documents[i].name); !done)
          return std::unexpected(done.error());
    }
  }
  if (auto checked = check_over(); !checked) return std::unexpected(checked.error());
  if (tables_.grants.size() + tables_.forbids.size() > kRulesMax)
    return fail(Reason::policy_wrong, "more than 1024 rules");
  if (tables_.roles.size() > kListMax || tables_.purposes.size() > kListMax)
    return fail(Reason::policy_wrong, "more than 512 roles or purposes");
  return std::move(tables_);
}

}  // namespace

std::optional<std::uint64_t> span_of(std::string_view text) {
  std::uint64_t n = 0;
  if (text.size() < 2) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size() - 1, n);
  if (error != std::errc{} || end != text.data() + text.size() - 1 || n == 0 || n > 10'000'000)
    return std::nullopt;
  const char unit = text.back();
  const std::uint64_t ms = unit == 'm'   ? n * 60'000
                           : unit == 'h' ? n * 3'600'000
                           : unit == 'd' ? n * kDayMs
                                         : 0;
  if (ms == 0 || ms > 3660 * kDayMs) return std::nullopt;
  return ms;
}

const std::vector<std::string>& rights() { return kRights; }
const std::vector<std::string>& class_words() { return kClassWords; }
const std::vector<std::string>& proof_words() { return kProofWords; }
const std::vector<std::string>& entry_words() { return kEntryWords; }
const std::vector<std::string>& approver_words() { return kApproverWords; }

Digest documents_digest(const std::vector<Document>& documents) {
  std::string text;
  for (const Document& one : documents) text += one.name + "\n" + one.text;
  return crypto::sha256(text);
}

bool Hours::covers(unsigned utc_hour) const {
  insist(utc_hour < 24);
  const unsigned local = (utc_hour + 24U + static_cast<unsigned>(offset + 24)) % 24;
  return from < to ? local >= from && local < to : local >= from || local < to;
}

Result<std::vector<Document>> read_documents(const std::string& directory) {
  auto names = storage::system_disk().list(directory);
  if (!names) return std::unexpected(names.error());
  std::vector<Document> documents;
  for (const auto& name : *names) {
    if (!name.ends_with(".toml")) continue;
    std::string path = directory;
    path.append("/").append(name);
    auto text = storage::read_file(path, kFileMax);
    if (!text) return std::unexpected(text.error());
    documents.push_back({name, *std::move(text)});
  }
  if (documents.empty()) return fail(Reason::policy_wrong, directory + ": no *.toml file");
  return documents;
}

Result<Tables> read_tables(const std::vector<Document>& documents, const FieldTable& fields) {
  return TablesReader(fields).read(documents);
}

}  // namespace amanat::policy
