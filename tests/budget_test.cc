// Who asks, may they, is it usual: the three rooms joined as a lookup joins them, over a store in
// memory, a real vault, real certificates and a real registry.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <map>
#include <thread>

#include "crypto/certificate.h"
#include "crypto/crypto.h"
#include "detection/detection.h"
#include "disclosure/disclosure.h"
#include "identity/identity.h"
#include "policy/policy.h"
#include "registry/catalog.h"
#include "registry/registry.h"
#include "storage/storage.h"
#include "vault/vault.h"
#include "world.h"

namespace amanat::test {
namespace {

constexpr unsigned kCitizens = 260;
constexpr const char* kName = "identity.persons.name";

std::string citizen(unsigned i) { return std::to_string(3520200000000ull + i); }

std::string grant(const std::string& id, const std::string& purpose, const std::string& quota,
                  const std::string& more = "") {
  return "[[grant]]\nid = \"" + id +
         "\"\nsays = \"s\"\nroles = [\"investigator\"]\npurposes = [\"" + purpose +
         "\"]\nfields = [\"identity.persons.name\", \"family.tree.*\"]\nquota = \"" + quota +
         "\"\n" + more;
}

std::string quota(const std::string& id, const std::string& limits) {
  return "[[quota]]\nid = \"" + id + "\"\ndistinct_subjects = [" + limits + "]\n";
}

std::string purpose(const std::string& id) {
  return "[[purpose]]\nid = \"" + id + "\"\nsays = \"s\"\nlaw = \"l\"\n";
}

// One purpose a budget, so that each test spends its own.
std::string test_policy() {
  return std::string(
             "[[role]]\nid = \"investigator\"\nsays = \"s\"\n[[department]]\nid = "
             "\"police\"\nsays = \"s\"\nofficers = \"certificate\"\n") +
         purpose("officer50") + purpose("officer5") + purpose("case5") + purpose("unit5") +
         purpose("minute") + purpose("two") +
         quota("q50", "{ per = \"officer\", n = 50, window = \"7d\" }") +
         quota("q5", "{ per = \"officer\", n = 5, window = \"7d\" }") +
         quota("c5", "{ per = \"case\", n = 5 }") +
         quota("u5", "{ per = \"unit\", n = 5, window = \"7d\" }") +
         quota("m2", "{ per = \"officer\", n = 2, window = \"1m\" }") +
         quota("both",
               "{ per = \"officer\", n = 100, window = \"7d\" }, { per = \"unit\", n = 3, window = "
               "\"7d\" }") +
         grant("G1", "officer50", "q50") +
         grant("G2", "officer5", "q5",
               "follow = [\"father\", \"mother\", \"spouse\", \"child\"]\n") +
         grant("G3", "case5", "c5") + grant("G4", "unit5", "u5") + grant("G5", "minute", "m2") +
         grant("G6", "two", "both");
}

struct Told {
  std::optional<Reason> refused;
  std::size_t people = 0;
};

// The rooms of a lookup but the ledger, which has no say in who may ask.
class Rooms {
 public:
  Rooms()
      : catalog_(*registry::Catalog::load(std::string(AMANAT_SOURCE_DIR) + "/catalog/pakistan")) {
    vault_ = *vault::Vault::create(storage::system_disk(), (directory_.path / "keys").string());
    store_ = storage::open_memory();
    identity_ = *identity::Identity::open(*store_, *vault_, catalog_.fields());
    fs::create_directory(directory_.path / "policy");
    write_all(directory_.path / "policy/test.toml", test_policy());
    auto policy = policy::Policy::open((directory_.path / "policy").string(), catalog_.fields(),
                                       *store_, *vault_);
    EXPECT_TRUE(policy) << (policy ? "" : policy.error().detail);
    policy_ = *std::move(policy);
    registry_ = std::make_unique<registry::Registry>(catalog_, *store_, *vault_);
    authority_ = std::make_unique<crypto::Authority>(*crypto::make_authority("test", 1));
    std::string lines;
    for (unsigned i = 0; i < kCitizens; ++i) {
      lines += "{\"national_id\":\"" + citizen(i) + "\",\"name\":\"Citizen " +
               std::string(1, static_cast<char>('A' + i % 26)) +
               "\",\"date_of_birth\":\"1980-01-01\"";
      // Citizen 0 has ten children.
      if (i >= 1 && i <= 10) lines += ",\"father_id\":\"" + citizen(0) + '"';
      lines += "}\n";
    }
    auto report = registry_->import_lines("identity.persons", lines);
    EXPECT_TRUE(report) << (report ? "" : report.error().detail);
    EXPECT_EQ(report ? report->accepted : 0, kCitizens)
        << (report && !report->reasons.empty()
                ? report->reasons.begin()->first + " " + report->first_quarantined[0].field
                : "");
  }

  void officer(const std::string& id, const std::string& unit = "Unit A") {
    identity::Officer o;
    o.id = id;
    o.department = "police";
    o.unit = unit;
    o.role = "investigator";
    ASSERT_TRUE(identity_->note_officer(o));
    const auto key = crypto::make_device_key(id);
    const auto device = identity_->enrol(id, key->csr_pem, authority_->certificate_pem,
                                         authority_->key_pem.view(), 30);
    ASSERT_TRUE(device) << device.error().detail;
    devices_[id] = device->thumbprint;
  }

  Request request(const std::string& officer, const std::string& subject, const std::string& what,
                  const std::string& case_ref, const std::string& more = "") const {
    Request r;
    r.headers = {{"content-type", "application/json"}};
    r.body = "{\"subject\":{" + subject + "},\"fields\":[\"" + kName + "\"],\"purpose\":\"" + what +
             "\",\"case\":\"" + case_ref + "\"" + more + "}";
    r.received = now();
    auto peer = std::make_shared<PeerCertificate>();
    peer->thumbprint = devices_.at(officer);
    peer->issued_by_us = true;
    peer->not_after = Moment{~0ull};
    r.peer = std::move(peer);
    return r;
  }
  static std::string by_id(unsigned i) { return "\"national_id\":\"" + citizen(i) + '"'; }

  Result<Clearance> clear(const Request& r) {
    auto caller = identity_->identify(r);
    if (!caller) return std::unexpected(caller.error());
    auto grant = policy_->grant(*std::move(caller));
    if (!grant) return std::unexpected(grant.error());
    return detection_.clear(*std::move(grant));
  }
  Result<Draft> draft(Clearance clearance) {
    auto findings = wait(registry_->fetch(std::move(clearance)));
    if (!findings) return std::unexpected(findings.error());
    auto settled = detection_.settle(*findings);
    if (!settled) return std::unexpected(settled.error());
    auto drafted = disclosure_.prepare(*std::move(findings));
    if (!drafted) return drafted;
    auto stands = identity_->still_stands(*drafted);
    if (!stands) return std::unexpected(stands.error());
    return drafted;
  }
  // What a lookup does; `meanwhile` runs between clearance and fetch.
  template <class Meanwhile>
  Told ask(const Request& r, Moment at, Meanwhile meanwhile) {
    auto clearance = clear(r);
    meanwhile();
    if (!clearance) return {clearance.error().reason, 0};
    auto drafted = draft(*std::move(clearance));
    if (!drafted) return {drafted.error().reason, 0};
    detection_.commit(*drafted, at);
    return {std::nullopt, drafted->findings().people().size()};
  }
  Told ask(const Request& r, Moment at = now()) {
    return ask(r, at, [] {});
  }
  bool passes(const std::string& officer, unsigned who, const std::string& what,
              const std::string& case_ref = "FIR 1") {
    const Told told = ask(request(officer, by_id(who), what, case_ref));
    EXPECT_EQ(told.refused.value_or(Reason::quota_spent), Reason::quota_spent);
    return !told.refused;
  }

  TemporaryDirectory directory_;
  registry::Catalog catalog_;
  std::unique_ptr<vault::Vault> vault_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<identity::Identity> identity_;
  std::unique_ptr<policy::Policy> policy_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<crypto::Authority> authority_;
  detection::Detection detection_;
  disclosure::Disclosure disclosure_{catalog_.fields()};
  std::map<std::string, Digest> devices_;
};

class BudgetTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { rooms = new Rooms; }
  static void TearDownTestSuite() {
    delete rooms;
    rooms = nullptr;
  }
  static Rooms* rooms;
};
Rooms* BudgetTest::rooms = nullptr;

TEST_F(BudgetTest, ExactlyNDistinctCitizensPassAQuotaOfNUnder200AtOnce) {
  for (int round = 0; round < 3; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const std::string officer = "PO-R" + std::to_string(round);
    rooms->officer(officer);
    std::atomic<int> passed{0}, spent{0}, other{0};
    std::barrier together(200);
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 200; ++i)
      threads.emplace_back([&, i] {
        const Request r = rooms->request(officer, Rooms::by_id(i), "officer50", "FIR 1");
        together.arrive_and_wait();
        // In every other round all are cleared before the first is fetched.
        const Told told = rooms->ask(r, now(), [&] {
          if (round % 2 == 0) together.arrive_and_wait();
        });
        ++(!told.refused ? passed : *told.refused == Reason::quota_spent ? spent : other);
      });
    for (auto& t : threads) t.join();
    EXPECT_EQ(passed, 50);
    EXPECT_EQ(spent, 150);
    EXPECT_EQ(other, 0);
  }
}

TEST_F(BudgetTest, ACitizenSeenBeforeCostsNothingEvenWhenTheBudgetIsSpent) {
  rooms->officer("PO-A");
  for (unsigned i = 20; i < 25; ++i) EXPECT_TRUE(rooms->passes("PO-A", i, "officer5"));
  EXPECT_FALSE(rooms->passes("PO-A", 25, "officer5"));
  for (int again = 0; again < 3; ++again)
    for (unsigned i = 20; i < 25; ++i) EXPECT_TRUE(rooms->passes("PO-A", i, "officer5"));
  EXPECT_FALSE(rooms->passes("PO-A", 25, "officer5"));
  EXPECT_TRUE(rooms->passes("PO-A", 25, "officer50")) << "another grant's budget is larger";
}

TEST_F(BudgetTest, AQuestionThatReleasedNothingGivesItsUnitsBack) {
  rooms->officer("PO-B");
  for (int i = 0; i < 20; ++i) {
    auto clearance = rooms->clear(rooms->request("PO-B", Rooms::by_id(30), "officer5", "FIR 1"));
    ASSERT_TRUE(clearance);  // and dropped: as when the ledger fails
  }
  for (int i = 0; i < 20; ++i) {
    auto clearance = rooms->clear(rooms->request("PO-B", Rooms::by_id(30), "officer5", "FIR 1"));
    ASSERT_TRUE(clearance);
    ASSERT_TRUE(rooms->draft(*std::move(clearance)));  // settled, then dropped
  }
  for (unsigned i = 30; i < 35; ++i) EXPECT_TRUE(rooms->passes("PO-B", i, "officer5"));
  EXPECT_FALSE(rooms->passes("PO-B", 35, "officer5"));
}

TEST_F(BudgetTest, ACitizenWhoDoesNotExistUsesNoUnit) {
  rooms->officer("PO-C");
  for (unsigned i = 0; i < 20; ++i) {
    const Told told =
        rooms->ask(rooms->request("PO-C", Rooms::by_id(100'000 + i), "officer5", "FIR 1"));
    EXPECT_TRUE(!told.refused || *told.refused == Reason::no_record);
  }
  for (unsigned i = 40; i < 45; ++i) EXPECT_TRUE(rooms->passes("PO-C", i, "officer5"));
  EXPECT_FALSE(rooms->passes("PO-C", 45, "officer5"));
}

TEST_F(BudgetTest, ASpentBudgetDoesNotTellWhoExists) {
  rooms->officer("PO-S");
  for (unsigned i = 150; i < 155; ++i) EXPECT_TRUE(rooms->passes("PO-S", i, "officer5"));
  for (const unsigned who : {155U, 100'000U})
    EXPECT_EQ(rooms->ask(rooms->request("PO-S", Rooms::by_id(who), "officer5", "FIR 1")).refused,
              Reason::quota_spent);
  EXPECT_TRUE(rooms->passes("PO-S", 152, "officer5"));
}

TEST_F(BudgetTest, ACasesBudgetIsSharedByItsOfficersAndBySpellings) {
  rooms->officer("PO-D");
  rooms->officer("PO-E");
  const char* spelled[] = {"FIR 7/26 PS A", "fir 7/26 ps a", " FIR  7/26 PS A", "Fir 7/26 Ps A",
                           "FIR 7/26  ps A "};
  for (unsigned i = 0; i < 5; ++i)
    EXPECT_TRUE(rooms->passes(i % 2 == 0 ? "PO-D" : "PO-E", 50 + i, "case5", spelled[i]));
  EXPECT_FALSE(rooms->passes("PO-D", 56, "case5", spelled[0]));
  EXPECT_FALSE(rooms->passes("PO-E", 56, "case5", spelled[1]));
  EXPECT_TRUE(rooms->passes("PO-D", 56, "case5", "FIR 8/26 PS A"));
}

TEST_F(BudgetTest, LeavingTheCaseOutDoesNotEscapeItsBudget) {
  rooms->officer("PO-F");
  for (unsigned i = 60; i < 65; ++i) EXPECT_TRUE(rooms->passes("PO-F", i, "case5", ""));
  EXPECT_FALSE(rooms->passes("PO-F", 65, "case5", ""));
  EXPECT_FALSE(rooms->passes("PO-F", 65, "case5", "  "));
}

TEST_F(BudgetTest, AUnitsBudgetIsSharedByItsOfficers) {
  rooms->officer("PO-G", "Unit G");
  rooms->officer("PO-H", "Unit G");
  rooms->officer("PO-I", "Unit I");
  for (unsigned i = 0; i < 5; ++i)
    EXPECT_TRUE(rooms->passes(i % 2 == 0 ? "PO-G" : "PO-H", 70 + i, "unit5"));
  EXPECT_FALSE(rooms->passes("PO-H", 76, "unit5"));
  EXPECT_TRUE(rooms->passes("PO-I", 76, "unit5"));
}

TEST_F(BudgetTest, OfTwoWindowsBothMustHaveRoom) {
  rooms->officer("PO-J", "Unit J");
  for (unsigned i = 80; i < 83; ++i) EXPECT_TRUE(rooms->passes("PO-J", i, "two"));
  EXPECT_FALSE(rooms->passes("PO-J", 83, "two")) << "the officer has room, the unit has not";
}

TEST_F(BudgetTest, AnAnswerWithMoreCitizensThanAskedForIsRefusedWhole) {
  rooms->officer("PO-K");
  const std::string tree = Rooms::by_id(0) + ",\"hops\":1";
  const Told few =
      rooms->ask(rooms->request("PO-K", tree, "officer5", "FIR 1", ",\"max_subjects\":4"));
  EXPECT_EQ(few.refused, Reason::too_many_subjects);
  const Told spent = rooms->ask(rooms->request("PO-K", tree, "officer5", "FIR 1"));
  EXPECT_EQ(spent.refused, Reason::quota_spent) << "eleven people, a budget of five";
  for (unsigned i = 90; i < 95; ++i)
    EXPECT_TRUE(rooms->passes("PO-K", i, "officer5")) << "neither refusal spent anything";
}

TEST_F(BudgetTest, ABudgetIsRebuiltFromTheLedgerAndACrashRefillsNothing) {
  rooms->officer("PO-L", "Unit L");
  AccountId account{};
  for (const auto& a : rooms->identity_->accounts())
    if (a.id == "PO-L") account = a.account;
  for (unsigned i = 100; i < 105; ++i)
    rooms->detection_.replay({account, "Unit L", "FIR 1",
                              rooms->vault_->label({SubjectKind::national_id, citizen(i)}), now()});
  EXPECT_FALSE(rooms->passes("PO-L", 105, "officer5"));
  EXPECT_TRUE(rooms->passes("PO-L", 104, "officer5"));
}

TEST_F(BudgetTest, AWindowMovesWithTheLedgersTimeAndNoOther) {
  Rooms fresh;
  fresh.officer("PO-M");
  const std::uint64_t start = 1'000'000'000'000;
  const auto at = [&](unsigned who, std::uint64_t ms) {
    return !fresh
                .ask(fresh.request("PO-M", Rooms::by_id(who), "minute", "FIR 1"),
                     Moment{start + ms})
                .refused;
  };
  EXPECT_TRUE(at(1, 0));
  EXPECT_TRUE(at(2, 30'000));
  EXPECT_FALSE(at(3, 59'999));
  fresh.detection_.observe(Moment{start + 59'999});
  EXPECT_FALSE(at(3, 0));
  fresh.detection_.observe(Moment{start + 60'000});  // citizen 1 has left the window
  EXPECT_TRUE(at(3, 60'000));
  EXPECT_FALSE(at(4, 60'000));
  fresh.detection_.observe(Moment{start});  // a clock set back moves nothing
  EXPECT_FALSE(at(4, 0));
  fresh.detection_.observe(Moment{start + 90'000});
  EXPECT_TRUE(at(4, 90'000));
}

TEST_F(BudgetTest, RevokedWhileTheAnswerIsMadeMeansNoAnswer) {
  rooms->officer("PO-N");
  const Request r = rooms->request("PO-N", Rooms::by_id(110), "officer50", "FIR 1");
  const Told told = rooms->ask(r, now(), [] { EXPECT_TRUE(rooms->identity_->revoke("PO-N")); });
  EXPECT_EQ(told.refused, Reason::revoked_device);
}

TEST_F(BudgetTest, ChangedWhileTheAnswerIsMadeMeansNoAnswer) {
  rooms->officer("PO-O", "Unit O");
  const Request r = rooms->request("PO-O", Rooms::by_id(111), "officer50", "FIR 1");
  const auto change = [](const std::string& unit, std::optional<Moment> left) {
    identity::Officer o;
    o.id = "PO-O";
    o.department = "police";
    o.unit = unit;
    o.role = "investigator";
    o.left = left;
    EXPECT_TRUE(rooms->identity_->note_officer(o));
  };
  EXPECT_EQ(rooms->ask(r, now(), [&] { change("Unit P", std::nullopt); }).refused,
            Reason::not_your_right);
  EXPECT_FALSE(rooms->ask(r).refused);
  EXPECT_EQ(rooms->ask(r, now(), [&] { change("Unit P", Moment{1}); }).refused,
            Reason::officer_left);
}

}  // namespace
}  // namespace amanat::test
