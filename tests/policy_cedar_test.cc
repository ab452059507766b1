// Cedar as a second opinion: on whether a field is released at all, its own engine and ours agree
// on the translated policy, over random policies, circumstances and questions.
// AMANAT_CEDAR_DECISIONS sets how many (standard 20,000; `make soak` asks for 1,000,000).

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "net/json.h"
#include "node.h"
#include "policy/circumstances_for_tests.h"
#include "world.h"

namespace amanat::test {
namespace {

using policy::invented::Draw;
using policy::invented::Sizes;
using policy::reference::Circumstances;

std::size_t decisions_wanted() {
  const char* wanted = std::getenv("AMANAT_CEDAR_DECISIONS");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 20'000;
}

void write_context(net::JsonWriter& json, const Circumstances& c) {
  const auto list = [&](const char* name, const std::vector<std::string>& words) {
    json.key(name).begin_array();
    for (const auto& word : words) json.string(word);
    json.end_array();
  };
  const auto flag = [&](const char* name, const std::optional<bool>& value) {
    if (value) json.key(name).boolean(*value);
  };
  using Known = Circumstances::Known;
  constexpr const char* kStandings3[] = {"named", "kin", "other"};
  json.key("context").begin_object();
  list("roles", c.roles);
  json.key("purpose").string(c.purpose);
  if (!c.department.empty()) json.key("department").string(c.department);
  if (!c.unit.empty()) json.key("unit").string(c.unit);
  json.key("case_state")
      .string(c.known == Known::no_case        ? "none"
              : c.known == Known::unknown_case ? "unknown"
                                               : "known");
  if (c.known == Known::known_case) json.key("kind").string(c.kind);
  flag("case_open", c.case_open);
  flag("assigned", c.assigned);
  flag("own_unit", c.own_unit);
  flag("glass", c.glass);
  json.key("standing").string(kStandings3[static_cast<int>(c.standing)]);
  std::vector<std::string> classes;
  for (const SubjectClass one : c.classes)
    classes.push_back(policy::class_words()[static_cast<std::size_t>(one)]);
  list("classes", classes);
  if (c.proof) json.key("proof").number(static_cast<std::uint64_t>(*c.proof));
  for (std::size_t k = 0; k < policy::kApprovers; ++k)
    json.key("approvals_" + policy::approver_words()[k]).number(c.approvals[k]);
  if (c.presence_ms) json.key("presence_ms").number(*c.presence_ms);
  if (c.utc_hour) json.key("hour").number(*c.utc_hour);
  json.end_object();
}

// One batch goes through one run of node: many policies, many circumstances, several fields each.
void decide_batch(std::uint64_t seed, std::size_t decisions) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  const TemporaryDirectory directory;
  std::ofstream file(directory.path / "questions.jsonl");
  std::string ours;
  std::uint64_t allowed = 0;
  for (std::uint64_t n = 0; ours.size() < decisions; ++n) {
    Sizes sizes;
    sizes.forbids = 6;
    const FieldTable fields = policy::invented::field_table(sizes.fields);
    auto tables = policy::read_tables(
        {{"invented.toml", policy::invented::policy_text(sizes, seed + n, fields)}}, fields);
    ASSERT_TRUE(tables) << tables.error().detail;
    {
      net::JsonWriter json;
      json.begin_object().key("policy").string(policy::cedar_of(*tables, fields)).end_object();
      file << json.take() << "\n";
    }
    const policy::Compiled compiled(*std::move(tables), fields);
    Draw draw(seed * 7919 + n);
    for (int i = 0; i < 200 && ours.size() < decisions; ++i) {
      Circumstances c = policy::invented::draw_circumstances(draw, sizes);
      if (draw.one_in(2)) {  // one who has most of what is asked for
        c.case_open = c.assigned = c.own_unit = true;
        c.proof = Proof::touch;
        c.approvals.fill(3);
        c.presence_ms = 1;
        c.glass = draw.one_in(5);
        c.roles = policy::invented::role_names(sizes);
        if (c.known == Circumstances::Known::known_case) c.standing = Standing::named;
      }
      net::JsonWriter json;
      json.begin_object();
      write_context(json, c);
      json.key("fields").begin_array();
      std::vector<FieldId> asked;
      for (std::uint16_t f = 0; f < fields.size(); ++f)
        if (draw.one_in(4)) asked.push_back(FieldId{f});
      policy::Verdict verdict;
      compiled.decide(policy::invented::situation_of(compiled, c), asked, verdict);
      for (std::size_t at = 0; at < asked.size(); ++at) {
        json.begin_array().string(fields[asked[at]].id);
        json.boolean(c.ordered.test(number(asked[at])));
        json.boolean(c.consented.test(number(asked[at]))).end_array();
        const auto rank = verdict.rank[static_cast<std::size_t>(c.standing)][at];
        ours.push_back(rank > policy::kNone ? 'A' : 'D');
        allowed += rank > policy::kNone ? 1 : 0;
      }
      json.end_array().end_object();
      file << json.take() << "\n";
    }
  }
  file.close();
  const Ran ran = node("cedar.mjs", "'" + (directory.path / "questions.jsonl").string() + "'");
  ASSERT_EQ(ran.status, 0) << ran.said.substr(0, 2'000);
  ASSERT_EQ(ran.said.size(), ours.size());
  for (std::size_t i = 0; i < ours.size(); ++i)
    ASSERT_EQ(ran.said[i], ours[i]) << "decision " << i << " of " << ours.size();
  EXPECT_GT(allowed, decisions / 100) << "a test in which everybody is refused shows nothing";
}

TEST(Cedar, DecidesAsWeDoOnTheTranslatedPolicy) {
  const std::size_t wanted = decisions_wanted();
  std::size_t done = 0;
  for (std::uint64_t seed = 1; done < wanted && !HasFatalFailure(); seed += 1'000) {
    const std::size_t batch = std::min<std::size_t>(wanted - done, 25'000);
    decide_batch(seed, batch);
    done += batch;
  }
  EXPECT_GE(done, wanted);
}

}  // namespace
}  // namespace amanat::test
