// The compiled policy against the reference evaluator, and the lattice's two laws.

#include "policy/compiled.h"

#include <gtest/gtest.h>

#include "policy/circumstances_for_tests.h"
#include "policy/invented.h"
#include "policy/reference.h"

namespace amanat::policy {
namespace {

using invented::Draw;
using invented::draw_circumstances;
using invented::situation_of;
using invented::Sizes;
using reference::Circumstances;

std::vector<FieldId> all_fields(const FieldTable& table) {
  std::vector<FieldId> all;
  for (std::size_t i = 0; i < table.size(); ++i)
    all.push_back(FieldId{static_cast<std::uint16_t>(i)});
  return all;
}

Tables tables_of(const std::string& text, const FieldTable& fields) {
  auto tables = read_tables({{"invented.toml", text}}, fields);
  EXPECT_TRUE(tables) << (tables ? "" : tables.error().detail) << "\n" << text;
  return tables ? *std::move(tables) : Tables{};
}

TEST(Compiled, DecidesAsTheReferenceDoes) {
  std::size_t decisions = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Sizes sizes;
    sizes.grants = seed % 10 == 0 ? 150 : 10;  // more than two words of grants
    sizes.forbids = seed % 10 == 0 ? 70 : 4;
    const FieldTable fields = invented::field_table(sizes.fields);
    const Compiled compiled(tables_of(invented::policy_text(sizes, seed, fields), fields), fields);
    const auto asked = all_fields(fields);
    Draw draw(seed * 7919);
    Verdict verdict;
    for (int i = 0; i < 300; ++i) {
      Circumstances c = draw_circumstances(draw, sizes);
      compiled.decide(situation_of(compiled, c), asked, verdict);
      for (const Standing standing : {Standing::named, Standing::kin, Standing::other}) {
        c.standing = standing;
        for (const FieldId f : asked)
          ASSERT_EQ(verdict.rank[static_cast<std::size_t>(standing)][number(f)],
                    reference::rank(compiled.tables(), c, f))
              << "decision " << i << " field " << fields[f].id << " standing "
              << static_cast<int>(standing);
      }
      ++decisions;
    }
  }
  EXPECT_GE(decisions, 100'000u);
}

TEST(Compiled, NamesExactlyTheRulesThatDecided) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Sizes sizes;
    const FieldTable fields = invented::field_table(sizes.fields);
    const Compiled compiled(tables_of(invented::policy_text(sizes, seed, fields), fields), fields);
    const std::vector<FieldId> asked = {FieldId{0}, FieldId{9}};
    Draw draw(seed * 104729);
    Verdict verdict;
    for (int i = 0; i < 100; ++i) {
      Circumstances c = draw_circumstances(draw, sizes);
      c.standing = Standing::named;
      compiled.decide(situation_of(compiled, c), asked, verdict);
      const Rules& decided = verdict.decided[0];
      const auto touches = [&](const std::vector<Cell>& cells) {
        return std::any_of(cells.begin(), cells.end(), [](const Cell& cell) {
          return number(cell.field) == 0 || number(cell.field) == 9;
        });
      };
      for (std::size_t g = 0; g < compiled.grants(); ++g)
        ASSERT_EQ((decided[g / 64] >> (g % 64) & 1) != 0,
                  std::any_of(asked.begin(), asked.end(), [&](FieldId f) {
                    const GrantRow& grant = compiled.tables().grants[g];
                    return reference::applies(grant, c, compiled.tables(), f) &&
                           reference::rank_in(grant.cells, f, kNone) > kNone;
                  }));
      for (std::size_t f = 0; f < compiled.forbids(); ++f) {
        const std::size_t bit = compiled.first_forbid() + f;
        EXPECT_EQ((decided[bit / 64] >> (bit % 64) & 1) != 0,
                  reference::applies(compiled.tables().forbids[f], c) &&
                      touches(compiled.tables().forbids[f].cells));
      }
    }
  }
}

// What is decided apart for citizens learned later is what a decision that knew them says.
TEST(Compiled, AClassLearnedLaterTakesWhatAClassKnownAtOnceTakes) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Sizes sizes;
    sizes.forbids = 12;
    const FieldTable fields = invented::field_table(sizes.fields);
    const Compiled compiled(tables_of(invented::policy_text(sizes, seed, fields), fields), fields);
    const auto asked = all_fields(fields);
    Draw draw(seed * 31);
    Verdict apart, known;
    for (int i = 0; i < 200; ++i) {
      Situation s = situation_of(compiled, draw_circumstances(draw, sizes));
      const ClassMask of_citizen = s.classes;
      s.classes = 0;
      s.later = (1U << kSubjectClasses) - 1;
      compiled.decide(s, asked, apart);
      s.later = 0;
      s.classes = of_citizen;
      compiled.decide(s, asked, known);
      for (std::size_t k = 0; k < kStandings; ++k)
        for (std::size_t f = 0; f < asked.size(); ++f) {
          Rank rank = apart.rank[k][f];
          for (std::size_t one = 0; one < kSubjectClasses; ++one)
            if ((of_citizen >> one & 1) != 0 && (apart.narrowing >> one & 1) != 0)
              rank = std::min(rank, apart.narrowed[one][k][f]);
          ASSERT_EQ(rank, known.rank[k][f]);
        }
    }
  }
}

// The laws of §2.4: adding a grant never narrows, adding a forbid never widens.
TEST(Compiled, AnotherGrantNeverNarrowsAndAnotherForbidNeverWidens) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Sizes sizes;
    const FieldTable fields = invented::field_table(sizes.fields);
    const Tables whole = tables_of(invented::policy_text(sizes, seed, fields), fields);
    Tables fewer_grants = whole, fewer_forbids = whole;
    fewer_grants.grants.erase(fewer_grants.grants.begin() +
                              static_cast<long>(seed % whole.grants.size()));
    fewer_forbids.forbids.erase(fewer_forbids.forbids.begin() +
                                static_cast<long>(seed % whole.forbids.size()));
    const Compiled with(whole, fields), without_grant(fewer_grants, fields),
        without_forbid(fewer_forbids, fields);
    const auto asked = all_fields(fields);
    Draw draw(seed);
    Verdict a, b, c;
    for (int i = 0; i < 300; ++i) {
      const Circumstances circumstances = draw_circumstances(draw, sizes);
      with.decide(situation_of(with, circumstances), asked, a);
      without_grant.decide(situation_of(without_grant, circumstances), asked, b);
      without_forbid.decide(situation_of(without_forbid, circumstances), asked, c);
      for (std::size_t k = 0; k < kStandings; ++k)
        for (std::size_t f = 0; f < asked.size(); ++f) {
          ASSERT_GE(a.rank[k][f], b.rank[k][f]);
          ASSERT_LE(a.rank[k][f], c.rank[k][f]);
        }
    }
  }
}

// Replacing any known input by "unknown" never opens a field.
TEST(Compiled, WhatIsNotKnownNeverOpensAnything) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Sizes sizes;
    const FieldTable fields = invented::field_table(sizes.fields);
    const Compiled compiled(tables_of(invented::policy_text(sizes, seed, fields), fields), fields);
    const auto asked = all_fields(fields);
    Draw draw(seed + 1000);
    Verdict known, unknown;
    for (int i = 0; i < 200; ++i) {
      const Situation s = situation_of(compiled, draw_circumstances(draw, sizes));
      compiled.decide(s, asked, known);
      for (std::size_t a = 0; a < kWholeAttributes; ++a) {
        if (static_cast<Attribute>(a) == Attribute::matter) continue;
        Situation less = s;
        less.column[a] = kUnknown;
        compiled.decide(less, asked, unknown);
        for (std::size_t k = 0; k < kStandings; ++k)
          for (std::size_t f = 0; f < asked.size(); ++f)
            ASSERT_LE(unknown.rank[k][f], known.rank[k][f]) << "attribute " << a;
      }
      Situation less = s;
      less.kind = kUnknown;
      less[Attribute::matter] = compiled.matter(s.purpose, kUnknown);
      compiled.decide(less, asked, unknown);
      for (std::size_t k = 0; k < kStandings; ++k)
        for (std::size_t f = 0; f < asked.size(); ++f)
          ASSERT_LE(unknown.rank[k][f], known.rank[k][f]);
    }
  }
}

FieldTable two_fields() {
  FieldInfo name{"a.people.name", "name", DatasetId{0}, Sensitivity::open, {}};
  FieldInfo number{
      "a.people.number", "number", DatasetId{0}, Sensitivity::sensitive, {"last2", "last4"}};
  return FieldTable({name, number}, {"a.people"});
}

const std::string kPeople = R"(
[[role]]
id = "investigator"
says = "Investigator"
[[role]]
id = "clerk"
says = "Clerk"
[[purpose]]
id = "crime"
says = "crime"
law = "law"
cases = ["fir"]
[[purpose]]
id = "desk"
says = "desk"
law = "law"
)";

struct Asked {
  Compiled compiled;
  Situation s;
  explicit Asked(const std::string& rules, const FieldTable& fields,
                 const std::string& role = "investigator", const std::string& purpose = "crime")
      : compiled(tables_of(kPeople + rules, fields), fields) {
    s.roles[s.role_count++] = *compiled.role(role);
    s.purpose = *compiled.purpose(purpose);
    s[Attribute::department] = compiled.department("police");
    s[Attribute::unit] = compiled.unit("Unit Lahore");
    s[Attribute::evidence] = kChannel;
    compiled.set_approvals(s, {});
    s[Attribute::glass] = kNo;
    s[Attribute::hour] = Compiled::hour(7);
    with_case("fir", kYes, kYes);
  }
  void with_case(std::string_view kind, Column open, Column assigned) {
    s.kind = kind.empty() ? kNoCase : compiled.kind(kind);
    s[Attribute::matter] = compiled.matter(s.purpose, s.kind);
    s[Attribute::case_open] = open;
    s[Attribute::assigned] = assigned;
  }
  void without_case(Column kind) {
    s.kind = kind;
    s[Attribute::matter] = compiled.matter(s.purpose, kind);
    s[Attribute::case_open] = s[Attribute::assigned] = kUnknown;
  }
  Rank rank(FieldId f, Standing standing = Standing::named) const {
    Verdict verdict;
    compiled.decide(s, std::vector<FieldId>{f}, verdict);
    return verdict.rank[static_cast<std::size_t>(standing)][0];
  }
  Reason why(FieldId f, Standing standing = Standing::named) const {
    Verdict verdict;
    compiled.decide(s, std::vector<FieldId>{f}, verdict);
    return compiled.missing(s, f, standing, verdict.granted[static_cast<std::size_t>(standing)][0])
        .reason;
  }
};

const std::string kOneGrant = R"(
[[grant]]
id = "G1"
says = "Name"
roles = ["investigator"]
purposes = ["crime"]
fields = ["a.people.name"]
needs = { case_open = true, subject_in_case = true, officer_assigned = true }
)";
constexpr FieldId kNameField{0}, kNumberField{1};

TEST(Missing, IsNamedByTheNearestNeed) {
  const FieldTable fields = two_fields();
  Asked asked(kOneGrant, fields);
  EXPECT_EQ(asked.rank(kNameField), kFull);
  EXPECT_EQ(asked.rank(kNameField, Standing::other), kNone);
  EXPECT_EQ(asked.why(kNameField, Standing::other), Reason::subject_not_in_case);
  EXPECT_EQ(asked.why(kNumberField), Reason::field_not_granted);
  asked.with_case("fir", kNo, kYes);
  EXPECT_EQ(asked.why(kNameField), Reason::case_closed);
  asked.with_case("fir", kYes, kNo);
  EXPECT_EQ(asked.why(kNameField), Reason::officer_not_assigned);
  EXPECT_EQ(asked.why(kNameField, Standing::other), Reason::officer_not_assigned);
  asked.with_case("complaint", kYes, kYes);
  EXPECT_EQ(asked.why(kNameField), Reason::case_wrong_kind);
  asked.without_case(kNoCase);
  EXPECT_EQ(asked.why(kNameField, Standing::other), Reason::case_missing);
  asked.without_case(kUnknown);
  EXPECT_EQ(asked.why(kNameField, Standing::other), Reason::case_unknown);
  const Asked clerk(kOneGrant, fields, "clerk");
  EXPECT_EQ(clerk.why(kNameField), Reason::purpose_not_held);
}

TEST(Missing, SaysOfEveryOtherNeedWhatItIs) {
  const FieldTable fields = two_fields();
  const auto why = [&](const std::string& needs) {
    const Asked asked(
        "[[grant]]\nid = \"G1\"\nsays = \"s\"\nroles = [\"investigator\"]\npurposes = [\"crime\"]\n"
        "fields = [\"a.people.*\"]\nneeds = { " +
            needs + " }\n",
        fields);
    EXPECT_EQ(asked.rank(kNameField), kNone) << needs;
    return asked.why(kNameField);
  };
  EXPECT_EQ(why("approvals = 1"), Reason::approval_required);
  EXPECT_EQ(why("court_order = true"), Reason::court_order_missing);
  EXPECT_EQ(why("consent = true"), Reason::consent_missing);
  EXPECT_EQ(why("break_glass = true"), Reason::break_glass_only);
  EXPECT_EQ(why("evidence = \"touch\""), Reason::evidence_too_weak);
  EXPECT_EQ(why("approvals = 2, approver = \"superior_other_unit\""), Reason::approval_required);
  EXPECT_EQ(why("uv_max_age = \"5m\""), Reason::presence_too_old);
  EXPECT_EQ(why("evidence = \"signature\""), Reason::evidence_too_weak);
  EXPECT_EQ(why("hours = \"20-08+05\""), Reason::outside_hours);  // 7 o'clock UTC is noon there
  EXPECT_EQ(why("own_unit = true"), Reason::officer_not_assigned);
}

TEST(Missing, ListsAllThatIsLackedForPrograms) {
  const FieldTable fields = two_fields();
  const Asked asked(
      "[[grant]]\nid = \"G1\"\nsays = \"s\"\nroles = [\"investigator\"]\npurposes = [\"crime\"]\n"
      "fields = [\"a.people.*\"]\nneeds = { approvals = 2, approver = \"superior\", uv_max_age = "
      "\"5m\", evidence = \"touch\" }\n",
      fields);
  const Missing missing = asked.compiled.missing(asked.s, kNameField, Standing::named, kNone);
  ASSERT_EQ(missing.needs.size(), 3u);
  EXPECT_EQ(missing.needs[0].reason, Reason::approval_required);
  EXPECT_EQ(missing.needs[0].approvals, 2u);
  EXPECT_EQ(missing.needs[0].word, "superior");
  EXPECT_EQ(missing.needs[1].reason, Reason::presence_too_old);
  EXPECT_EQ(missing.needs[1].max_age_s, 300u);
  EXPECT_EQ(missing.needs[2].reason, Reason::evidence_too_weak);
  EXPECT_EQ(missing.needs[2].word, "touch");
  EXPECT_EQ(missing.needs[0].rule, "G1");
}

TEST(Compiled, PastTheRulesOnlyARuleForItCountsAndThenMasked) {
  const FieldTable fields = two_fields();
  const std::string ordinary = kOneGrant;
  const std::string emergency =
      "[[grant]]\nid = \"B1\"\nsays = \"s\"\nroles = [\"investigator\"]\npurposes = [\"crime\"]\n"
      "fields = [\"a.people.*\"]\nneeds = { break_glass = true }\n";
  const std::string forbid =
      "[[forbid]]\nid = \"F1\"\nsays = \"s\"\nfields = [\"*\"]\nexcept = [\"break_glass\"]\n";
  Asked asked(ordinary + emergency + forbid, fields);
  EXPECT_EQ(asked.rank(kNameField), kNone);
  asked.s[Attribute::glass] = kYes;
  EXPECT_EQ(asked.rank(kNameField), kExists);
  EXPECT_EQ(asked.rank(kNumberField), kNarrowest);
}

TEST(Missing, AForbidIsNamedAsOne) {
  const FieldTable fields = two_fields();
  const Asked asked(kOneGrant + "[[forbid]]\nid = \"F1\"\nsays = \"no\"\nfields = [\"*\"]\n",
                    fields);
  EXPECT_EQ(asked.rank(kNameField), kNone);
  EXPECT_EQ(asked.why(kNameField), Reason::forbidden_by_rule);
}

TEST(Compiled, OfTwoMasksTheWiderIsShownAndACapNarrowsIt) {
  const FieldTable fields = two_fields();
  const auto grant = [](const std::string& id, const std::string& mask) {
    return "[[grant]]\nid = \"" + id +
           "\"\nsays = \"s\"\nroles = [\"investigator\"]\npurposes = [\"crime\"]\n"
           "fields = [\"a.people.number\"]\nmask = { \"a.people.number\" = \"" +
           mask + "\" }\n";
  };
  const std::string both = grant("G1", "last2") + grant("G2", "last4");
  EXPECT_EQ(Asked(grant("G1", "last2"), fields).rank(kNumberField), kNarrowest);
  EXPECT_EQ(Asked(both, fields).rank(kNumberField), kNarrowest + 1);
  const std::string cap =
      "[[forbid]]\nid = \"F1\"\nsays = \"s\"\nfields = [\"a.people.number\"]\nlevel = ";
  EXPECT_EQ(Asked(both + cap + "\"masked\"\n", fields).rank(kNumberField), kNarrowest);
  EXPECT_EQ(Asked(both + cap + "\"exists\"\n", fields).rank(kNumberField), kExists);
  EXPECT_EQ(Asked(both + cap + "\"none\"\n", fields).rank(kNumberField), kNone);
}

TEST(Compiled, AFieldWithoutMasksThatIsToBeMaskedOnlyExists) {
  const FieldTable fields = two_fields();
  const Asked asked(
      "[[grant]]\nid = \"G1\"\nsays = \"s\"\nroles = [\"investigator\"]\npurposes = [\"crime\"]\n"
      "fields = [\"a.people.*\"]\nlevel = \"masked\"\n",
      fields);
  EXPECT_EQ(asked.rank(kNameField), kExists);
  EXPECT_EQ(asked.rank(kNumberField), kNarrowest);
}

TEST(CompiledDeathTest, TakesNoMoreRolesThanItHasRoomFor) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const FieldTable fields = two_fields();
  Asked asked(kOneGrant, fields);
  asked.s.role_count = kRolesAsked + 1;
  EXPECT_DEATH(asked.rank(kNameField), "role_count");
}

}  // namespace
}  // namespace amanat::policy
