// Who can see what, against brute force; and what `policy check` complains of.

#include "policy/analysis.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "policy/invented.h"
#include "policy/reference.h"

namespace amanat::policy {
namespace {

using invented::Sizes;
using reference::Circumstances;

using Reach =
    std::map<std::tuple<std::string, std::string, std::string>, Level>;  // role, purpose, rule

Tables tables_of(const std::string& text, const FieldTable& fields) {
  auto tables = read_tables({{"invented.toml", text}}, fields);
  EXPECT_TRUE(tables) << (tables ? "" : tables.error().detail);
  return tables ? *std::move(tables) : Tables{};
}

// note adds what one set of circumstances reaches of one field.
void note(const Tables& t, const Circumstances& c, FieldId field,
          std::map<std::tuple<std::string, std::string, std::string>, Rank>& best) {
  std::vector<const GrantRow*> granting;
  for (const auto& g : t.grants)
    if (reference::rank_in(g.cells, field, kNone) > kNone && reference::applies(g, c, t, field))
      granting.push_back(&g);
  if (granting.empty()) return;
  Rank cap = kFull;
  for (const auto& f : t.forbids)
    if (reference::applies(f, c)) cap = std::min(cap, reference::rank_in(f.cells, field, kFull));
  for (const GrantRow* g : granting) {
    const Rank rank = std::min(cap, reference::rank_in(g->cells, field, kNone));
    if (rank == kNone) continue;
    for (const auto& role : c.roles) {
      if (!reference::in(g->roles, role)) continue;
      Rank& r = best[{role, c.purpose, g->id}];
      r = std::max(r, rank);
    }
  }
}

// brute goes through every officer and every case there can be. Court orders, signatures,
// approvals, presence and consent only ever help and no forbid asks for them, so they are there.
Reach brute(const Tables& t, const Sizes& sizes, const std::vector<FieldId>& fields) {
  std::map<std::tuple<std::string, std::string, std::string>, Rank> best;
  std::set<std::string> plain;
  for (const auto& role : invented::role_names(sizes))
    plain.insert({role, role.substr(role.find('.') + 1)});
  Circumstances c;
  c.proof = Proof::touch;
  c.approvals.fill(8);
  c.presence_ms = 1;
  c.consented.set();
  for (const std::string department : {"", "customs", "police", "fia", "excise"})
    for (const auto& role : plain)
      for (const std::string unit : {"", "Nowhere", "Unit Lahore", "Unit Multan", "Unit Quetta"})
        for (const auto& purpose : invented::purpose_names(sizes))
          for (const std::string kind : {"none", "unknown", "audit", "fir", "complaint", "inquest"})
            for (unsigned facts = 0; facts < 8; ++facts)
              for (const Standing standing : {Standing::named, Standing::kin, Standing::other})
                for (const unsigned hour : {2U, 5U, 16U, 18U}) {  // one of each part of the day
                  const bool known = kind != "none" && kind != "unknown";
                  if (!known && (facts != 0 || standing != Standing::other)) continue;
                  // A department's form alone counts in that department only.
                  const auto dot = role.find('.');
                  if (dot != std::string::npos && role.substr(0, dot) != department) continue;
                  c.roles = {role};
                  if (!department.empty() && dot == std::string::npos)
                    c.roles.push_back(department + "." + role);
                  c.department = department;
                  c.unit = unit;
                  c.purpose = purpose;
                  c.known = known               ? Circumstances::Known::known_case
                            : kind == "unknown" ? Circumstances::Known::unknown_case
                                                : Circumstances::Known::no_case;
                  c.kind = known ? kind : "";
                  const auto fact = [&](unsigned bit) {
                    return known ? std::optional<bool>((facts & bit) != 0) : std::nullopt;
                  };
                  c.case_open = fact(1);
                  c.assigned = fact(2);
                  c.own_unit = fact(4);
                  c.ordered = known ? ~FieldSet{} : FieldSet{};
                  c.standing = standing;
                  c.utc_hour = hour;
                  // A citizen of no class loses least: a forbid takes from classes, never gives.
                  for (const bool glass : {false, true}) {
                    c.glass = glass;
                    for (const FieldId f : fields) note(t, c, f, best);
                  }
                }
  Reach reach;
  for (const auto& [key, rank] : best) reach[key] = level_of(rank);
  return reach;
}

// AMANAT_WHO_POLICIES sets how many policies (standard 1,000; `make soak` asks for 10,000).
std::uint64_t policies_wanted() {
  const char* wanted = std::getenv("AMANAT_WHO_POLICIES");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 1'000;
}

TEST(Who, IsExactlyWhatBruteForceFinds) {
  for (std::uint64_t seed = 1; seed <= policies_wanted(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    // A few large policies, then many small ones, which go wrong in more ways in the same time.
    Sizes sizes;
    sizes.grants = 8;
    if (seed > 20)
      sizes = {.fields = 8, .roles = 3, .purposes = 2, .grants = 4, .forbids = 3, .quotas = 1};
    const FieldTable fields = invented::field_table(sizes.fields);
    const Compiled compiled(tables_of(invented::policy_text(sizes, seed, fields), fields), fields);
    const std::string pattern =
        seed % (seed > 20 ? 20 : 2) == 0
            ? "reg0.set0.*"
            : fields[FieldId{static_cast<std::uint16_t>(seed % sizes.fields)}].id;
    const FieldSet set = fields.match(pattern);
    std::vector<FieldId> asked;
    for (std::size_t i = 0; i < fields.size(); ++i)
      if (set.test(i)) asked.push_back(FieldId{static_cast<std::uint16_t>(i)});
    ASSERT_FALSE(asked.empty());
    Reach told;
    for (const auto& sentence : who_can_see(compiled, set)) {
      EXPECT_FALSE(sentence.text.empty());
      EXPECT_TRUE(
          told.emplace(std::tuple(sentence.role, sentence.purpose, sentence.rule), sentence.level)
              .second);
    }
    EXPECT_EQ(told, brute(compiled.tables(), sizes, asked));
  }
}

FieldTable three_fields() {
  FieldInfo name{"a.people.name", "name", DatasetId{0}, Sensitivity::open, {}};
  FieldInfo number{"a.people.number", "number", DatasetId{0}, Sensitivity::sensitive, {"last4"}};
  FieldInfo calls{"b.calls.cell", "cell", DatasetId{1}, Sensitivity::sensitive, {}};
  return FieldTable({name, number, calls}, {"a.people", "b.calls"});
}

const std::string kPeople = R"(
[[role]]
id = "investigator"
says = "An investigator"
[[role]]
id = "fia.investigator"
says = "An investigator of the FIA"
[[purpose]]
id = "crime"
says = "the investigation of a crime"
law = "law"
cases = ["fir"]
[[purpose]]
id = "complaint"
says = "a complaint"
law = "law"
cases = ["complaint"]
[[quota]]
id = "std"
distinct_subjects = [{ per = "officer", n = 5 }]
)";

std::string grant(const std::string& id, const std::string& more,
                  const std::string& role = "investigator", const std::string& purpose = "crime") {
  return "[[grant]]\nid = \"" + id + "\"\nsays = \"Grant " + id + "\"\nroles = [\"" + role +
         "\"]\npurposes = [\"" + purpose + "\"]\nquota = \"std\"\n" + more + "\n";
}

TEST(Who, SpeaksInSentences) {
  const FieldTable fields = three_fields();
  const Compiled compiled(
      tables_of(
          kPeople +
              grant(
                  "G1",
                  "fields = [\"a.people.*\"]\nmask = { \"a.people.number\" = \"last4\" }\n"
                  "needs = { case_open = true, subject_in_case = true, officer_assigned = true }") +
              "[[forbid]]\nid = \"F1\"\nsays = \"At night nobody sees a name\"\nfields = "
              "[\"a.people.name\"]\n"
              "when = { hours = \"22-06+05\" }\n",
          fields),
      fields);
  const auto sentences = who_can_see(compiled, fields.match("a.people.*"));
  ASSERT_EQ(sentences.size(), 1u);
  EXPECT_EQ(sentences[0].role, "investigator");
  EXPECT_EQ(sentences[0].level, Level::full);
  EXPECT_EQ(
      sentences[0].text,
      "An investigator, for the investigation of a crime: Grant G1. Shown in full: a.people.name. "
      "Shown masked (last4): a.people.number. Needs an open case of kind fir, the citizen named in "
      "the case "
      "and the officer assigned to the case. But F1: At night nobody sees a name.");
  EXPECT_TRUE(who_can_see(compiled, fields.match("b.calls.cell")).empty());
}

bool complains(const std::vector<Complaint>& list, const std::string& rule, const std::string& word,
               bool error = false) {
  return std::any_of(list.begin(), list.end(), [&](const Complaint& c) {
    return c.rule == rule && c.text.find(word) != std::string::npos && c.error == error;
  });
}

std::vector<Complaint> check(const std::string& text) {
  const FieldTable fields = three_fields();
  const Compiled compiled(tables_of(text, fields), fields);
  return complaints(compiled);
}

TEST(Check, AGrantThatCanNeverApplyIsAnError) {
  // The purpose is proved by a report, the grant asks for a complaint.
  EXPECT_TRUE(complains(
      check(kPeople + grant("G1", "fields = [\"*\"]\nneeds = { case = [\"complaint\"] }")), "G1",
      "never apply", true));
  // The role is the FIA's, the department another.
  EXPECT_TRUE(complains(check(kPeople + grant("G1", "fields = [\"*\"]\ndepartments = [\"police\"]",
                                              "fia.investigator")),
                        "G1", "never apply", true));
}

TEST(Check, AGrantThatForbidsAlwaysTakeAwayIsAWarning) {
  EXPECT_TRUE(complains(check(kPeople + grant("G1", "fields = [\"a.people.name\"]") +
                              "[[forbid]]\nid = \"F1\"\nsays = \"s\"\nfields = [\"a.*\"]\n"),
                        "G1", "always take away"));
}

TEST(Check, AShadowedGrantAddsNothing) {
  const auto list =
      check(kPeople + grant("G1", "fields = [\"a.people.*\"]") +
            grant("G2", "fields = [\"a.people.name\"]\nneeds = { case_open = true }"));
  EXPECT_TRUE(complains(list, "G2", "adds nothing"));
  EXPECT_FALSE(complains(list, "G1", "adds nothing"));
}

TEST(Check, AForbidThatTakesNothingIsNamed) {
  const std::string forbid = "[[forbid]]\nid = \"F1\"\nsays = \"s\"\nfields = [\"b.calls.cell\"]\n";
  EXPECT_TRUE(complains(check(kPeople + grant("G1", "fields = [\"a.people.*\"]") + forbid), "F1",
                        "takes nothing"));
  EXPECT_FALSE(
      complains(check(kPeople + grant("G1", "fields = [\"*\"]") + forbid), "F1", "takes nothing"));
}

TEST(Check, WhatNobodyUsesIsNamed) {
  const auto list =
      check(kPeople + grant("G1", "fields = [\"a.people.*\"]") +
            "[[quota]]\nid = \"spare\"\ndistinct_subjects = [{ per = \"unit\", n = 1 }]\n");
  EXPECT_TRUE(complains(list, "spare", "quota"));
  EXPECT_TRUE(complains(list, "complaint", "purpose"));
  EXPECT_TRUE(complains(list, "fia.investigator", "neither a grant nor a right"));
  EXPECT_FALSE(complains(list, "investigator", "neither"));
}

TEST(Check, ASensitiveFieldWithoutACaseAndAGrantWithoutAQuotaAreNamed) {
  const std::string desk = "[[purpose]]\nid = \"desk\"\nsays = \"s\"\nlaw = \"l\"\n";
  EXPECT_TRUE(
      complains(check(kPeople + desk + grant("G1", "fields = [\"a.*\"]", "investigator", "desk")),
                "G1", "sensitive"));
  EXPECT_FALSE(complains(check(kPeople + grant("G1", "fields = [\"a.*\"]")), "G1", "sensitive"));
  std::string unlimited = grant("G1", "fields = [\"a.*\"]");
  unlimited.erase(unlimited.find("quota = \"std\"\n"), 14);
  EXPECT_TRUE(complains(check(kPeople + unlimited), "G1", "no quota"));
}

}  // namespace
}  // namespace amanat::policy
