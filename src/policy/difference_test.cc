// What a change opens, against two reference evaluators side by side; and tables of expectations.

#include "policy/difference.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "policy/invented.h"
#include "policy/reference.h"
#include "storage/scratch.h"

namespace amanat::policy {
namespace {

using invented::Draw;
using invented::Sizes;
using reference::Circumstances;

Tables tables_of(const std::string& text, const FieldTable& fields) {
  auto tables = read_tables({{"invented.toml", text}}, fields);
  EXPECT_TRUE(tables) << (tables ? "" : tables.error().detail);
  return tables ? *std::move(tables) : Tables{};
}

// An officer as identity knows them: a plain role and its department's form, in that department.
Circumstances draw_officer(Draw& draw, const Sizes& sizes) {
  Circumstances c;
  const std::string id = draw.of(invented::role_names(sizes));
  const std::string plain = id.substr(id.find('.') + 1);
  c.department = draw.of(invented::departments());
  c.roles = {plain, c.department + "." + plain};
  c.unit = draw.of(invented::units());
  c.purpose = draw.of(invented::purpose_names(sizes));
  c.known = static_cast<Circumstances::Known>(draw.one_in(3) ? draw.below(3) : 2);
  if (c.known == Circumstances::Known::known_case) {
    c.kind = draw.of(invented::kinds());
    c.case_open = !draw.one_in(4);
    c.assigned = !draw.one_in(4);
    c.own_unit = !draw.one_in(4);
    c.standing = static_cast<Standing>(draw.below(3));
    if (draw.one_in(2)) c.ordered.set();
  }
  if (draw.one_in(2)) c.consented.set();
  c.glass = draw.one_in(3);
  if (draw.one_in(2)) c.classes = {static_cast<SubjectClass>(draw.below(kSubjectClasses))};
  c.proof = static_cast<Proof>(draw.below(3));
  c.approvals.fill(draw.below(3));
  if (!draw.one_in(3)) c.presence_ms = 60'000 * (1 + draw.below(20));
  c.utc_hour = draw.below(24);
  return c;
}

// Every role, purpose and field that opens somewhere is told, and nothing is told that does not.
TEST(Difference, TellsExactlyWhatOpensAndWhatCloses) {
  Sizes sizes;
  sizes.grants = 6;
  std::size_t opened = 0, told = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const FieldTable fields = invented::field_table(sizes.fields);
    const Tables before = tables_of(invented::policy_text(sizes, seed, fields), fields);
    Tables after = before;
    // A change as people make them: a rule goes, a rule comes, a need falls away.
    Draw change(seed);
    const Tables other = tables_of(invented::policy_text(sizes, seed + 1000, fields), fields);
    if (change.one_in(2)) after.forbids.erase(after.forbids.begin());
    if (change.one_in(2)) after.grants.erase(after.grants.begin());
    if (change.one_in(2)) {
      GrantRow fresh = other.grants.front();
      fresh.id = "new";
      fresh.quota = before.quotas.front().id;
      after.grants.push_back(fresh);
    }
    after.grants.back().needs.case_open = false;
    after.grants.back().needs.approvals = 0;
    const auto changes = difference(before, after, fields);
    // By role as it is told: the department's form where the policy has one.
    std::set<std::tuple<std::string, std::string, std::string>> widened, narrowed;
    for (const Change& one : changes) {
      if (one.field.empty()) continue;
      ++told;
      EXPECT_FALSE(one.text.empty());
      (one.widens ? widened : narrowed).insert({one.role, one.purpose, one.field});
    }
    Draw draw(seed * 7);
    for (int i = 0; i < 6'000; ++i) {
      const Circumstances c = draw_officer(draw, sizes);
      const std::string role = std::any_of(before.roles.begin(), before.roles.end(),
                                           [&](const RoleRow& r) { return r.id == c.roles[1]; })
                                   ? c.roles[1]
                                   : c.roles[0];
      for (std::size_t f = 0; f < fields.size(); ++f) {
        const FieldId field{static_cast<std::uint16_t>(f)};
        const Rank was = reference::rank(before, c, field), is = reference::rank(after, c, field);
        const auto key = std::tuple(role, c.purpose, fields[field].id);
        if (is > was) {
          ++opened;
          ASSERT_TRUE(widened.contains(key)) << role << " " << c.purpose << " " << fields[field].id;
        }
        if (is < was)
          ASSERT_TRUE(narrowed.contains(key))
              << role << " " << c.purpose << " " << fields[field].id;
      }
    }
    EXPECT_TRUE(difference(before, before, fields).empty());
    // What is told to open does: the best of the old is less than the best of the new, or there is
    // a circumstance, which a going-through of one policy alone confirms for opened and raised.
    for (const Change& one : changes)
      if (one.kind == "opened") EXPECT_EQ(one.before, Level::none);
  }
  EXPECT_GT(opened, 300u);
  EXPECT_GT(told, 20u);
}

FieldTable one_field() {
  return FieldTable(
      {FieldInfo{"a.people.name", "name", DatasetId{0}, Sensitivity::open, {"first"}}},
      {"a.people"});
}
const std::string kBase = R"(
[[role]]
id = "clerk"
says = "A clerk"
[[role]]
id = "chief"
says = "A chief"
rights = ["approve"]
over = ["clerk"]
[[purpose]]
id = "desk"
says = "the desk"
law = "law"
[[quota]]
id = "q"
distinct_subjects = [{ per = "officer", n = 5, window = "7d" }]
[[grant]]
id = "G1"
says = "Names"
roles = ["clerk"]
purposes = ["desk"]
fields = ["*"]
quota = "q"
)";

std::vector<Change> changed(const std::string& before, const std::string& after) {
  const FieldTable fields = one_field();
  return difference(tables_of(before, fields), tables_of(after, fields), fields);
}
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  text.replace(text.find(from), from.size(), to);
  return text;
}

TEST(Difference, RightsBudgetsAndProofsAreChangesToo) {
  const auto only = [&](const std::string& from, const std::string& to) {
    const auto changes = changed(kBase, replaced(kBase, from, to));
    EXPECT_EQ(changes.size(), 1u) << to;
    return changes.empty() ? Change{} : changes.front();
  };
  EXPECT_TRUE(only("[\"approve\"]", "[\"approve\", \"policy\"]").widens);
  EXPECT_TRUE(only("n = 5", "n = 6").widens);
  EXPECT_FALSE(only("n = 5", "n = 4").widens);
  EXPECT_TRUE(only("window = \"7d\"", "window = \"1d\"").widens) << "another window is more room";
  EXPECT_TRUE(only("over = [\"clerk\"]\n", "").widens);
  const std::string row = "[[department]]\nid = \"d\"\nsays = \"d\"\nofficers = \"certificate\"\n";
  EXPECT_TRUE(widens(changed(kBase, kBase + row)));
  EXPECT_FALSE(widens(changed(kBase + row, kBase)));
  EXPECT_TRUE(widens(changed(kBase, replaced(kBase, "quota = \"q\"\n", ""))));
}

// A leak of answers without marks names nobody.
TEST(Difference, FewerMarksWantASecondSignature) {
  const std::string unmarked = replaced(kBase, "quota = \"q\"\n", "quota = \"q\"\nmarks = false\n");
  EXPECT_TRUE(widens(changed(kBase, unmarked)));
  EXPECT_FALSE(widens(changed(unmarked, kBase)));
  EXPECT_EQ(changed(unmarked, kBase).size(), 1u);
}

TEST(Difference, ToTakeBackWhatTheLedgerPromisesWidens) {
  const auto with = [&](const std::string& purpose, const std::string& grant,
                        const std::string& more = "") {
    return replaced(replaced(kBase, "law = \"law\"\n", "law = \"law\"\n" + purpose),
                    "quota = \"q\"\n", "quota = \"q\"\n" + grant) +
           more;
  };
  const auto one = [&](const std::string& before, const std::string& after) {
    const auto changes = changed(before, after);
    EXPECT_EQ(changes.size(), 1u);
    return changes.empty() ? Change{} : changes.front();
  };
  const std::string witnessed = with("witnessed = true\n", ""), of_grant = with("", "witnessed = true\n"),
                    week = with("sealed_days = 7\n", ""), month = with("sealed_days = 30\n", "");
  EXPECT_TRUE(one(witnessed, kBase).widens);
  EXPECT_FALSE(one(kBase, witnessed).widens);
  EXPECT_TRUE(one(of_grant, kBase).widens);
  EXPECT_FALSE(one(kBase, of_grant).widens);
  EXPECT_TRUE(one(week, month).widens) << "hidden for longer";
  EXPECT_TRUE(one(kBase, week).widens) << "newly covert";
  EXPECT_FALSE(one(month, week).widens);
  EXPECT_EQ(one(month, kBase).text, "desk is no longer kept from the citizen");
  const std::string at_once = with("notice = \"at_once\"\n", ""),
                    never = with("notice = \"never\"\n", "");
  EXPECT_TRUE(one(kBase, never).widens) << "citizens are no longer told";
  EXPECT_TRUE(one(at_once, kBase).widens) << "told later";
  EXPECT_FALSE(one(kBase, at_once).widens);
  const auto kept = [&](const std::string& years) {
    return with("", "", "[[retention]]\nsays = \"s\"\nentries = [\"denied\"]\nyears = " + years + "\n");
  };
  EXPECT_TRUE(one(kBase, kept("10")).widens) << "kept for ever until now";
  EXPECT_TRUE(one(kept("10"), kept("9")).widens);
  EXPECT_FALSE(one(kept("9"), kept("10")).widens);
  EXPECT_FALSE(one(kept("9"), kBase).widens);
}

TEST(Policy, ThePromisesOfTheLedgerAreReadAndInItsHash) {
  const FieldTable fields = one_field();
  const auto text = [&](const std::string& more) {
    return canonical_text(tables_of(replaced(kBase, "law = \"law\"\n", "law = \"law\"\n" + more), fields),
                          fields);
  };
  EXPECT_EQ(text(""), text("witnessed = false\nsealed_days = 0\n"));
  EXPECT_NE(text(""), text("witnessed = true\n"));
  EXPECT_NE(text("sealed_days = 1\n"), text("sealed_days = 2\n"));
  EXPECT_EQ(text(""), text("notice = \"daily\"\n"));
  EXPECT_NE(text("notice = \"at_once\"\n"), text("notice = \"never\"\n"));
  const std::string retention =
      "[[retention]]\nsays = \"The law asks for ten years\"\nentries = [\"disclosure\", \"denied\"]\n"
      "years = 10\n";
  const Tables tables = tables_of(kBase + retention, fields);
  ASSERT_EQ(tables.retention.size(), 2u);
  EXPECT_EQ(tables.retention[0].years, 10u);
  EXPECT_NE(canonical_text(tables, fields), text(""));
  const auto wrong = [&](const std::string& more) {
    return !read_tables({{"p.toml", kBase + more}}, fields);
  };
  EXPECT_TRUE(wrong(retention + retention)) << "two times for one type";
  EXPECT_TRUE(wrong("[[retention]]\nsays = \"s\"\nentries = [\"genesis\"]\nyears = 1\n"));
  EXPECT_TRUE(wrong("[[retention]]\nsays = \"s\"\nentries = [\"denied\"]\n"));
  EXPECT_TRUE(wrong("[[retention]]\nsays = \"s\"\nentries = [\"denied\"]\nyears = 0\n"));
  EXPECT_TRUE(wrong("[[purpose]]\nid = \"p\"\nsays = \"s\"\nlaw = \"l\"\nsealed_days = 4000\n"));
  EXPECT_TRUE(wrong("[[purpose]]\nid = \"p\"\nsays = \"s\"\nlaw = \"l\"\nnotice = \"soon\"\n"));
}

TEST(Difference, SaysInSentencesWhatChanges) {
  const std::string masked =
      replaced(kBase, "fields = [\"*\"]", "fields = [\"*\"]\nlevel = \"masked\"");
  const auto raised = changed(masked, kBase);
  ASSERT_EQ(raised.size(), 1u);
  EXPECT_EQ(raised[0].kind, "raised");
  EXPECT_EQ(raised[0].text,
            "clerk, for desk: a.people.name is now shown in full at best (was masked (first))");
  EXPECT_EQ(changed(kBase, masked)[0].kind, "lowered");
  const std::string hours =
      replaced(kBase, "quota = \"q\"\n", "quota = \"q\"\nneeds = { hours = \"08-20+05\" }\n");
  EXPECT_EQ(changed(hours, kBase)[0].kind, "eased");
  EXPECT_EQ(changed(kBase, hours)[0].kind, "tightened");
  EXPECT_FALSE(widens(changed(kBase, hours)));
}

TEST(Check, TwoDutiesInOneHandAreNamed) {
  const auto complains_of = [](const std::string& text, const std::string& words) {
    const storage::Scratch scratch;
    std::filesystem::create_directory(scratch / "p");
    std::ofstream(scratch / "p/p.toml") << text;
    const FieldTable fields = one_field();
    const auto complaints = check_directory(scratch / "p", fields);
    EXPECT_TRUE(complaints);
    return std::any_of(complaints->begin(), complaints->end(),
                       [&](const Complaint& c) { return c.text.find(words) != std::string::npos; });
  };
  const auto with = [](const std::string& rights, const std::string& needs) {
    std::string text =
        replaced(kBase, "says = \"A clerk\"\n", "says = \"A clerk\"\nrights = [" + rights + "]\n");
    return replaced(text, "quota = \"q\"\n", "quota = \"q\"\nneeds = { " + needs + " }\n");
  };
  EXPECT_TRUE(complains_of(with("\"approve\"", "approvals = 1"), "approve each other"));
  EXPECT_FALSE(complains_of(with("\"approve\"", ""), "approve each other"));
  EXPECT_TRUE(complains_of(with("\"approve\", \"policy\"", ""), "sign the policy and approve"));
  EXPECT_TRUE(complains_of(with("\"policy\"", ""), "sign the policy and ask"));
  EXPECT_TRUE(complains_of(with("\"cases\"", "officer_assigned = true"), "explain its own"));
  EXPECT_TRUE(complains_of(with("\"review\"", "break_glass = true"), "review who does"));
  EXPECT_TRUE(complains_of(with("\"audit\"", ""), "auditors watch"));
}

class ExpectationsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(scratch_ / "p");
    std::ofstream(scratch_ / "p/p.toml")
        << kBase << "[[department]]\nid = \"post\"\nsays = \"Post\"\nofficers = \"certificate\"\n";
  }
  Result<std::vector<TestedRow>> test(const std::string& name, const std::string& text) {
    std::ofstream(scratch_ / name) << text;
    return test_directory(scratch_ / "p", fields_, scratch_ / name);
  }
  storage::Scratch scratch_;
  const FieldTable fields_ = one_field();
};

TEST_F(ExpectationsTest, ATableOfALawyerIsDecidedRowByRow) {
  const auto rows =
      test("e.csv",
           "says,roles,department,purpose,proof,fields,level,reason\n"
           "Clerks see names,clerk,post,desk,channel,a.people.*,full,\n"
           "Chiefs do not,chief,post,desk,touch,a.people.name,none,purpose-not-held\n"
           "Elsewhere a certificate is not enough,clerk,tax,desk,channel,a.people.name,"
           "none,evidence-too-weak\n"
           "A wrong expectation,clerk,post,desk,touch,a.people.name,exists,\n");
  ASSERT_TRUE(rows) << rows.error().detail;
  ASSERT_EQ(rows->size(), 4u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ((*rows)[i].wrong, "") << i;
  EXPECT_EQ((*rows)[3].row, "row 4, line 5");
  EXPECT_EQ((*rows)[3].wrong, "a.people.name: expected exists, is full");
}

TEST_F(ExpectationsTest, TomlRowsSayTheSame) {
  const auto rows = test("e.toml",
                         "[[expect]]\nsays = \"s\"\nroles = [\"clerk\"]\ndepartment = \"tax\"\n"
                         "purpose = \"desk\"\nfields = [\"*\"]\nlevel = \"full\"\nhour = 9\n"
                         "break_glass = false\n");
  ASSERT_TRUE(rows) << rows.error().detail;
  EXPECT_EQ((*rows)[0].wrong, "");
}

TEST_F(ExpectationsTest, ARowThatCannotBeReadIsNamed) {
  const auto why = [&](const std::string& row) {
    const auto rows = test("e.toml", "[[expect]]\n" + row);
    EXPECT_FALSE(rows);
    return rows ? std::string() : rows.error().detail;
  };
  EXPECT_NE(why("rolls = [\"clerk\"]").find("did you mean \"roles\""), std::string::npos);
  EXPECT_NE(why("fields = [\"*\"]\nroles = [\"clrk\"]").find("no role \"clrk\""),
            std::string::npos);
  EXPECT_NE(why("fields = [\"a.people.nam\"]").find("did you mean \"a.people.name\""),
            std::string::npos);
  const std::string good = "fields = [\"*\"]\nroles = [\"clerk\"]\npurpose = \"desk\"\n";
  EXPECT_NE(why(good + "level = \"some\"").find("row 1, line 1: `level`"), std::string::npos);
  EXPECT_NE(why(good + "level = \"none\"\npresence = \"soon\"").find("presence"),
            std::string::npos);
  EXPECT_FALSE(test("e.csv", "roles\n"));
}

}  // namespace
}  // namespace amanat::policy
