// The example policy, asked as officers of the departments ask: what it releases, and what it says
// when it does not.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "crypto/certificate.h"
#include "identity/identity.h"
#include "policy/policy.h"
#include "registry/catalog.h"
#include "storage/storage.h"
#include "vault/vault.h"
#include "world.h"

namespace amanat::test {
namespace {

constexpr const char* kNamed = "3520281848771";
constexpr const char* kOther = "3520200353346";
constexpr const char* kFir = "FIR 1/26 PS Cantt Multan";
constexpr const char* kClosed = "FIR 2/26 PS Cantt Multan";
constexpr const char* kComplaint = "CC-00001/2026";

class GrantTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { rooms = new Rooms; }
  static void TearDownTestSuite() {
    delete rooms;
    rooms = nullptr;
  }

  struct Rooms {
    Rooms()
        : catalog(*registry::Catalog::load(std::string(AMANAT_SOURCE_DIR) + "/catalog/pakistan")) {
      vault = *vault::Vault::create(storage::system_disk(), (directory.path / "keys").string());
      store = storage::open_memory();
      identity = *identity::Identity::open(*store, *vault, catalog.fields());
      auto opened = policy::Policy::open(std::string(AMANAT_SOURCE_DIR) + "/examples/policy",
                                         catalog.fields(), *store, *vault);
      EXPECT_TRUE(opened) << (opened ? "" : opened.error().detail);
      policy = *std::move(opened);
      policy::Roster roster;
      roster.own_of_unit = [this](std::string_view department, std::string_view unit) {
        return identity->own_of_unit(department, unit);
      };
      roster.own_of = [this](std::string_view account) { return identity->own_of(account); };
      roster.changes = [this] { return identity->changes(); };
      policy->introduce(std::move(roster));
      authority = std::make_unique<crypto::Authority>(*crypto::make_authority("test", 1));
      officer("PO-1", "police", "Investigation Multan", "investigator");
      officer("PO-2", "police", "Investigation Multan", "investigator");
      officer("PO-3", "police", "Investigation Multan", "supervisor");
      officer("PO-4", "police", "Investigation Quetta", "supervisor");
      officer("PO-5", "police", "Investigation Multan", "clerk");
      officer("FI-1", "fia", "Cyber Crime Multan", "investigator");
      officer("EX-1", "excise", "Token Lahore", "clerk");
      note(kFir, "fir", "Investigation Multan", std::nullopt, {"PO-1", "FI-1"});
      note(kClosed, "fir", "Investigation Multan", Moment{5'000}, {"PO-1"});
      note(kComplaint, "complaint", "Cyber Crime Multan", std::nullopt, {"FI-1", "PO-1"});
    }
    void officer(const std::string& id, const std::string& department, const std::string& unit,
                 const std::string& role) {
      identity::Officer o;
      o.id = id;
      o.department = department;
      o.unit = unit;
      o.role = role;
      // An own number each: of an officer without one nobody knows whose colleague they are.
      o.national_id = "42101000000" + std::to_string(10 + devices.size());
      EXPECT_TRUE(identity->note_officer(o));
      auto device = identity->enrol(id, crypto::make_device_key(id)->csr_pem,
                                    authority->certificate_pem, authority->key_pem.view(), 30);
      ASSERT_TRUE(device);
      devices[id] = device->thumbprint;
    }
    void note(const std::string& ref, const std::string& kind, const std::string& unit,
              std::optional<Moment> closed, std::vector<std::string> officers) {
      policy::Case c;
      c.ref = ref;
      c.kind = kind;
      c.unit = unit;
      c.opened = Moment{1'000};
      c.closed = closed;
      c.officers = std::move(officers);
      c.subjects = {{SubjectKind::national_id, kNamed}};
      EXPECT_TRUE(policy->note_case(c));
    }
    TemporaryDirectory directory;
    registry::Catalog catalog;
    std::unique_ptr<vault::Vault> vault;
    std::unique_ptr<storage::Store> store;
    std::unique_ptr<identity::Identity> identity;
    std::unique_ptr<policy::Policy> policy;
    std::unique_ptr<crypto::Authority> authority;
    std::map<std::string, Digest> devices;
  };

  static Result<Grant> ask(const std::string& officer, const std::string& subject,
                           const std::string& fields, const std::string& purpose,
                           const std::string& case_ref) {
    Request r;
    r.headers = {{"content-type", "application/json"}};
    r.body = "{\"subject\":{" + subject + "},\"fields\":[" + fields + "],\"purpose\":\"" + purpose +
             "\",\"case\":\"" + case_ref + "\"}";
    r.received = now();
    auto peer = std::make_shared<PeerCertificate>();
    peer->thumbprint = rooms->devices.at(officer);
    peer->issued_by_us = true;
    peer->not_after = Moment{~0ull};
    r.peer = std::move(peer);
    auto caller = rooms->identity->identify(r);
    if (!caller) return std::unexpected(caller.error());
    return rooms->policy->grant(*std::move(caller));
  }
  static std::string by_id(const std::string& id) { return "\"national_id\":\"" + id + '"'; }
  static Reason refusal(const Result<Grant>& grant) {
    EXPECT_FALSE(grant);
    return grant ? Reason::internal_error : grant.error().reason;
  }
  static const FieldRelease& release(const Grant& grant, std::string_view field,
                                     Standing standing = Standing::named) {
    for (const auto& r : grant.releases(standing))
      if (rooms->catalog.fields()[r.field].id == field) return r;
    ADD_FAILURE() << field << " was not asked";
    std::abort();
  }
  static Rooms* rooms;
};
GrantTest::Rooms* GrantTest::rooms = nullptr;

constexpr const char* kName = R"("identity.persons.name")";
constexpr const char* kCrime = "crime-investigation";

TEST_F(GrantTest, TheExamplePolicyIsComplainedOfForItsCertificatesAlone) {
  const auto complaints = policy::check_directory(
      std::string(AMANAT_SOURCE_DIR) + "/examples/policy", rooms->catalog.fields());
  ASSERT_TRUE(complaints);
  EXPECT_EQ(complaints->size(), 8u);  // four departments: officers' certificates, systems' channels
  for (const auto& c : *complaints) {
    EXPECT_FALSE(c.error);
    EXPECT_TRUE(c.text.find("certificate alone") != std::string::npos ||
                c.text.find("channel alone") != std::string::npos)
        << c.rule << ": " << c.text;
  }
  EXPECT_EQ(rooms->policy->check().size(), complaints->size());
  EXPECT_GT(rooms->policy->rule_count(), 15u);
}

TEST_F(GrantTest, TheExamplePolicyDecidesAsItsTableOfExpectationsSays) {
  const std::string examples = std::string(AMANAT_SOURCE_DIR) + "/examples";
  const auto rows = policy::test_directory(examples + "/policy", rooms->catalog.fields(),
                                           examples + "/expected.csv");
  ASSERT_TRUE(rows) << rows.error().detail;
  EXPECT_GE(rows->size(), 10u);
  for (const auto& one : *rows) EXPECT_EQ(one.wrong, "") << one.row << ": " << one.says;
}

TEST_F(GrantTest, AnInvestigatorOfTheOpenCaseSeesTheNameAndAddressOfItsCitizen) {
  const auto grant = ask(
      "PO-1", by_id(kNamed),
      R"("identity.persons.name","identity.persons.present_address","identity.persons.date_of_birth")",
      kCrime, kFir);
  ASSERT_TRUE(grant) << grant.error().detail;
  EXPECT_EQ(release(*grant, "identity.persons.name").level, Level::full);
  EXPECT_EQ(release(*grant, "identity.persons.present_address").level, Level::full);
  EXPECT_EQ(release(*grant, "identity.persons.date_of_birth").level, Level::masked)
      << "a forbid caps it to the year";
  EXPECT_TRUE(grant->content().case_known);
  EXPECT_EQ(grant->content().case_subjects,
            std::vector<Tag>{rooms->vault->tag({SubjectKind::national_id, kNamed})});
  EXPECT_EQ(grant->content().policy_hash, rooms->policy->hash());
  const auto& rules = grant->content().rules;
  EXPECT_NE(std::find(rules.begin(), rules.end(), "C01"), rules.end());
  EXPECT_NE(std::find(rules.begin(), rules.end(), "F02"), rules.end());
  ASSERT_FALSE(grant->content().limits.empty());
  EXPECT_EQ(grant->content().limits[0].quota, "case-std");
}

TEST_F(GrantTest, TheCitizensNumberIsTheSameHoweverItIsWritten) {
  for (const char* written :
       {"35202-8184877-1", "35202 8184877 1", "3520281848771", "35202.8184877.1"})
    EXPECT_TRUE(ask("PO-1", by_id(written), kName, kCrime, kFir)) << written;
}

TEST_F(GrantTest, EachMissingNeedIsNamed) {
  EXPECT_EQ(refusal(ask("PO-1", by_id(kOther), kName, kCrime, kFir)), Reason::subject_not_in_case);
  EXPECT_EQ(refusal(ask("PO-1", by_id(kNamed), kName, kCrime, "")), Reason::case_missing);
  EXPECT_EQ(refusal(ask("PO-1", by_id(kNamed), kName, kCrime, "FIR 9/26 PS Cantt Multan")),
            Reason::case_unknown);
  EXPECT_EQ(refusal(ask("PO-1", by_id(kNamed), kName, kCrime, kClosed)), Reason::case_closed);
  EXPECT_EQ(refusal(ask("PO-1", by_id(kNamed), kName, kCrime, kComplaint)),
            Reason::case_wrong_kind);
  EXPECT_EQ(refusal(ask("PO-2", by_id(kNamed), kName, kCrime, kFir)), Reason::officer_not_assigned);
  EXPECT_EQ(refusal(ask("PO-5", by_id(kNamed), kName, kCrime, kFir)), Reason::purpose_not_held);
  EXPECT_EQ(refusal(ask("PO-1", by_id(kNamed), kName, "complaint-inquiry", kComplaint)),
            Reason::purpose_not_held);
  EXPECT_EQ(refusal(ask("PO-1", by_id(kNamed), kName, "curiosity", kFir)), Reason::unknown_purpose);
  EXPECT_EQ(refusal(ask("PO-1", by_id(kNamed), R"("documents.pages.*")", kCrime, kFir)),
            Reason::field_not_granted);
  EXPECT_EQ(refusal(ask("PO-1", by_id(kNamed), R"("telecom.subscribers.imsi")", kCrime, kFir)),
            Reason::forbidden_by_rule);
  const auto refused = ask("PO-1", by_id(kOther), kName, kCrime, kFir);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail, "identity.persons.name, rule C01");
}

TEST_F(GrantTest, WhatIsWithheldSaysWhy) {
  const auto grant = ask(
      "PO-1", by_id(kNamed),
      R"("identity.persons.name","documents.pages.sha256","telecom.subscribers.imsi","telecom.calls.cell")",
      kCrime, kFir);
  ASSERT_TRUE(grant);
  EXPECT_EQ(release(*grant, "documents.pages.sha256").withheld, Reason::field_not_granted);
  EXPECT_EQ(release(*grant, "telecom.subscribers.imsi").withheld, Reason::forbidden_by_rule);
  EXPECT_EQ(release(*grant, "telecom.calls.cell").withheld, Reason::approval_required);
}

TEST_F(GrantTest, CallRecordsHideTheOtherParty) {
  const auto grant =
      ask("PO-1", R"("msisdn":"+923001234567","from":"2026-01-01","to":"2026-02-01")",
          R"("telecom.calls.*","telecom.subscribers.*")", kCrime, kFir);
  ASSERT_TRUE(grant) << grant.error().detail;
  const FieldRelease& party = release(*grant, "telecom.calls.counterparty");
  EXPECT_EQ(party.level, Level::masked);
  EXPECT_EQ(rooms->catalog.fields()[party.field].masks[party.mask], "last4");
  EXPECT_EQ(release(*grant, "telecom.calls.started_at").level, Level::full);
  // A holder whom the case does not name: the number is real, and no more.
  EXPECT_EQ(release(*grant, "telecom.calls.started_at", Standing::other).level, Level::none);
  EXPECT_EQ(release(*grant, "telecom.calls.started_at", Standing::other).withheld,
            Reason::subject_not_in_case);
  EXPECT_EQ(release(*grant, "telecom.subscribers.operator", Standing::other).level, Level::full);
  EXPECT_EQ(release(*grant, "telecom.subscribers.national_id", Standing::other).level,
            Level::masked);
}

TEST_F(GrantTest, OfTheFamilyOnlyNamesAreShown) {
  const auto grant =
      ask("PO-1", by_id(kNamed) + R"(,"hops":2)",
          R"("identity.persons.name","identity.persons.present_address","family.tree.relation")",
          kCrime, kFir);
  ASSERT_TRUE(grant);
  EXPECT_EQ(release(*grant, "identity.persons.name", Standing::kin).level, Level::full);
  EXPECT_EQ(release(*grant, "family.tree.relation", Standing::kin).level, Level::full);
  EXPECT_EQ(release(*grant, "identity.persons.present_address", Standing::kin).level, Level::none);
  EXPECT_EQ(release(*grant, "identity.persons.name", Standing::other).level, Level::none);
  auto follow = grant->content().follow;
  std::sort(follow.begin(), follow.end());
  EXPECT_EQ(follow, (std::vector<std::string>{"child", "father", "mother", "spouse"}));
}

TEST_F(GrantTest, ASupervisorAnswersForTheCasesOfTheOwnUnit) {
  EXPECT_TRUE(ask("PO-3", by_id(kNamed), kName, kCrime, kFir));
  EXPECT_EQ(refusal(ask("PO-4", by_id(kNamed), kName, kCrime, kFir)), Reason::officer_not_assigned);
}

TEST_F(GrantTest, AnInvestigatorOfAnyDepartmentMayBeAssignedToACrime) {
  EXPECT_TRUE(ask("FI-1", by_id(kNamed), kName, kCrime, kFir));
}

TEST_F(GrantTest, TheCyberWingSeesTheCardOfACitizenInTheComplaint) {
  const auto grant =
      ask("FI-1", by_id(kNamed), R"("telecom.subscribers.imsi","identity.persons.present_address")",
          "complaint-inquiry", kComplaint);
  ASSERT_TRUE(grant) << grant.error().detail;
  EXPECT_EQ(release(*grant, "telecom.subscribers.imsi").level, Level::full);
  EXPECT_EQ(release(*grant, "identity.persons.present_address").level, Level::masked);
}

TEST_F(GrantTest, ACounterLearnsNextToNothingAndNeedsNoCase) {
  const auto grant =
      ask("EX-1", by_id(kOther), R"("identity.persons.name","identity.persons.present_address")",
          "token-verification", "");
  ASSERT_TRUE(grant) << grant.error().detail;
  const FieldRelease& name = release(*grant, "identity.persons.name", Standing::other);
  EXPECT_EQ(name.level, Level::masked);
  EXPECT_EQ(rooms->catalog.fields()[name.field].masks[name.mask], "first_letter");
  EXPECT_EQ(release(*grant, "identity.persons.present_address", Standing::other).level,
            Level::none);
  EXPECT_EQ(refusal(ask("PO-5", by_id(kOther), kName, "token-verification", "")),
            Reason::purpose_not_held);
}

TEST_F(GrantTest, ASearchIsRefusedOnlyIfNoStandingCouldSeeAnything) {
  EXPECT_EQ(
      refusal(ask("PO-1", R"("fir":"1/26")", R"("police.firs.accused_name")", kCrime, kClosed)),
      Reason::case_closed);
  const auto grant = ask("PO-1", R"("fir":"1/26","station":"PS Cantt")",
                         R"("police.firs.accused_name")", kCrime, kFir);
  ASSERT_TRUE(grant);
  EXPECT_EQ(release(*grant, "police.firs.accused_name", Standing::named).level, Level::full);
  EXPECT_EQ(release(*grant, "police.firs.accused_name", Standing::other).level, Level::none);
}

TEST_F(GrantTest, WhoListsExactlyThoseWhoCanSeeTheCard) {
  const auto sentences = rooms->policy->who("telecom.subscribers.imsi");
  ASSERT_TRUE(sentences);
  ASSERT_EQ(sentences->size(), 1u);
  EXPECT_EQ(sentences->front().role, "fia.investigator");
  EXPECT_EQ(sentences->front().purpose, "complaint-inquiry");
  EXPECT_EQ(sentences->front().level, Level::full);
  EXPECT_TRUE(rooms->policy->who("documents.pages")->empty());
  EXPECT_EQ(rooms->policy->who("telecom.cals").error().reason, Reason::unknown_field);
}

TEST_F(GrantTest, RightsOutsideLookupsBelongToRoles) {
  Asker asker;
  asker.roles = {"fia.case-registrar", "case-registrar"};
  EXPECT_TRUE(rooms->policy->may(asker, "cases"));
  EXPECT_FALSE(rooms->policy->may(asker, "records"));
  asker.roles = {"investigator"};
  EXPECT_FALSE(rooms->policy->may(asker, "cases"));
  EXPECT_FALSE(rooms->policy->may(asker, ""));
}

}  // namespace
}  // namespace amanat::test
