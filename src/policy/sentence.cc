#include "policy/sentence.h"

#include <algorithm>

#include "model/insist.h"

namespace amanat::policy {
namespace {

std::string joined(const std::vector<std::string>& words, const std::string& last) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " " + last + " " : ", ";
    out += words[i];
  }
  return out;
}

std::string two_digits(unsigned n) { return (n < 10 ? "0" : "") + std::to_string(n); }

std::string hours_in_words(const Hours& hours) {
  return two_digits(hours.from) + ":00 to " + two_digits(hours.to) + ":00 (UTC" +
         (hours.offset < 0 ? "-" : "+") +
         std::to_string(hours.offset < 0 ? -hours.offset : hours.offset) + ")";
}

std::string span_in_words(std::uint64_t ms) {
  const std::uint64_t minutes = ms / 60'000;
  if (minutes % 1440 == 0) return std::to_string(minutes / 1440) + " days";
  if (minutes % 60 == 0) return std::to_string(minutes / 60) + " hours";
  return std::to_string(minutes) + " minutes";
}

// The kinds that satisfy both the grant and the purpose.
std::vector<std::string> kinds_of(const GrantRow& grant, const PurposeRow& purpose) {
  if (grant.needs.cases.empty()) return purpose.cases;
  if (purpose.cases.empty()) return grant.needs.cases;
  std::vector<std::string> both;
  for (const auto& kind : grant.needs.cases)
    if (std::find(purpose.cases.begin(), purpose.cases.end(), kind) != purpose.cases.end())
      both.push_back(kind);
  return both;
}

}  // namespace

std::string needs_in_words(const Compiled&, const GrantRow& grant, const PurposeRow& purpose) {
  const Needs& needs = grant.needs;
  std::vector<std::string> parts;
  const auto kinds = kinds_of(grant, purpose);
  if (!kinds.empty() || needs.case_open) {
    std::string a_case = needs.case_open ? "an open case" : "a case";
    if (!kinds.empty()) a_case += " of kind " + joined(kinds, "or");
    parts.push_back(a_case);
  }
  if (needs.subject_in_case)
    parts.push_back(needs.kin ? "the citizen named in the case, or kin of one who is"
                              : "the citizen named in the case");
  if (needs.officer_assigned) parts.push_back("the officer assigned to the case");
  if (needs.own_unit) parts.push_back("a case of the officer's own unit");
  if (needs.court_order) parts.push_back("a court order");
  if (needs.consent) parts.push_back("the citizen's own consent");
  if (needs.approvals > 0) {
    constexpr std::string_view kOf[] = {"", " who is a superior", " of another unit",
                                        " who is a superior in another unit"};
    const std::string_view who = kOf[static_cast<std::size_t>(needs.approver)];
    parts.push_back((needs.approvals == 1
                         ? "the approval of a second person"
                         : "the approval of " + std::to_string(needs.approvals) + " others") +
                    (needs.approvals > 1 && !who.empty() ? ", each" : "") + std::string(who));
  }
  if (needs.uv_max_age_ms)
    parts.push_back("a sign-in not older than " + span_in_words(*needs.uv_max_age_ms));
  if (needs.evidence == Proof::signature) parts.push_back("a question signed by the device");
  if (needs.evidence == Proof::touch)
    parts.push_back("a question confirmed with the officer's passkey");
  if (needs.break_glass)
    parts.push_back("an emergency that the officer declares and answers for in a review");
  if (grant.extract)
    parts.push_back("an extract of at most " + std::to_string(grant.extract->most) +
                    " listed citizens (" + joined(grant.extract->formats, "or") + ")");
  if (needs.hours) parts.push_back("the hours " + hours_in_words(*needs.hours));
  return joined(parts, "and");
}

std::optional<Sentence> sentence_of(const Compiled& c, Column role, Column purpose, std::size_t bit,
                                    const Reached& reached) {
  insist(role > 0 && !c.is_forbid(bit));
  const GrantRow& grant = c.tables().grants[bit];
  const PurposeRow& for_what = c.tables().purposes[purpose];
  Rank best = kNone;
  std::map<std::string, std::vector<std::string>> by_level;
  for (const auto& [f, rank] : reached.rank) {
    if (rank == kNone) continue;
    best = std::max(best, rank);
    const FieldInfo& info = c.fields()[FieldId{f}];
    const Level level = level_of(rank);
    const std::string word = level == Level::full ? "1in full"
                             : level == Level::masked
                                 ? "2masked (" + info.masks[mask_of(rank)] + ")"
                                 : "3only that it exists";
    by_level[word].push_back(info.id);
  }
  if (best == kNone) return std::nullopt;
  Sentence sentence;
  sentence.role = c.tables().roles[role - 1].id;
  sentence.purpose = for_what.id;
  sentence.rule = grant.id;
  sentence.level = level_of(best);
  std::string& text = sentence.text;
  text = c.tables().roles[role - 1].says + ", for " + for_what.says + ": " + grant.says + ".";
  for (const auto& [word, ids] : by_level)
    text += " Shown " + word.substr(1) + ": " + joined(ids, "and") + ".";
  if (!grant.departments.empty())
    text += " Only in the department " + joined(grant.departments, "or") + ".";
  if (!grant.units.empty()) text += " Only in the unit " + joined(grant.units, "or") + ".";
  const std::string needs = needs_in_words(c, grant, for_what);
  text += needs.empty() ? " Needs no case." : " Needs " + needs + ".";
  if (grant.witnessed || for_what.witnessed)
    text += " Answered only once the ledger's witnesses have confirmed the record.";
  if (for_what.sealed_days > 0)
    text += " Covert: for " + std::to_string(for_what.sealed_days) +
            " days the citizen sees that somebody looked, but not who, what and why.";
  for (const auto& id : reached.forbids) {
    const auto forbid = std::find_if(c.tables().forbids.begin(), c.tables().forbids.end(),
                                     [&id = id](const ForbidRow& f) { return f.id == id; });
    insist(forbid != c.tables().forbids.end());
    text += " But " + id + ": " + forbid->says + ".";
  }
  return sentence;
}

}  // namespace amanat::policy
