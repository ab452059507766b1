// Who asks: accounts, devices, revocation, over a store in memory, a real vault and real
// certificates.

#include "identity/identity.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "crypto/certificate.h"
#include "crypto/crypto.h"
#include "storage/scratch.h"

namespace amanat::identity {
namespace {

FieldTable fields() {
  return FieldTable({{"identity.persons.name", "name", DatasetId{0}, Sensitivity::open, {}}},
                    {"identity.persons"});
}

const std::string kBody =
    R"({"subject":{"national_id":"3520281848771"},"fields":["identity.persons.name"],"purpose":"crime-investigation","case":"FIR 1"})";

Officer an_officer(const std::string& id = "PO-1000") {
  Officer o;
  o.id = id;
  o.name = "Zubair Aslam";
  o.national_id = "4210160459263";
  o.department = "police";
  o.unit = "Investigation Lahore";
  o.role = "investigator";
  o.station = "Lahore";
  o.shift = "08:00-16:00";
  return o;
}

class IdentityTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = vault::Vault::create(storage::system_disk(), scratch_ / "keys");
    ASSERT_TRUE(made) << made.error().detail;
    vault_ = *std::move(made);
    store_ = storage::open_memory();
    reopen();
    auto authority = crypto::make_authority("test", 1);
    ASSERT_TRUE(authority);
    authority_ = std::make_unique<crypto::Authority>(*std::move(authority));
  }
  void reopen() {
    auto opened = Identity::open(*store_, *vault_, fields_);
    ASSERT_TRUE(opened) << opened.error().detail;
    identity_ = *std::move(opened);
  }
  Result<Enrolled> enrol(const std::string& id) {
    auto key = crypto::make_device_key(id);
    EXPECT_TRUE(key);
    return identity_->enrol(id, key->csr_pem, authority_->certificate_pem,
                            authority_->key_pem.view(), 30);
  }
  // A request over a connection of this device.
  Request request(const Digest& thumbprint, const std::string& body = kBody) const {
    Request r;
    r.method = "POST";
    r.path = "/v1/lookups";
    r.headers = {{"content-type", "application/json"}};
    r.body = body;
    r.received = now();
    auto peer = std::make_shared<PeerCertificate>();
    peer->thumbprint = thumbprint;
    peer->issued_by_us = true;
    peer->not_before = Moment{number(now()) - 1'000};
    peer->not_after = Moment{number(now()) + 86'400'000};
    r.peer = std::move(peer);
    return r;
  }
  Reason refusal(const Request& r) const {
    const auto caller = identity_->identify(r);
    EXPECT_FALSE(caller);
    return caller ? Reason::internal_error : caller.error().reason;
  }
  static std::shared_ptr<PeerCertificate> changed(const Request& r) {
    return std::make_shared<PeerCertificate>(*r.peer);
  }

  storage::Scratch scratch_;
  const FieldTable fields_ = fields();
  std::unique_ptr<vault::Vault> vault_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Identity> identity_;
  std::unique_ptr<crypto::Authority> authority_;
};

TEST_F(IdentityTest, AnEnrolledDeviceProvesItsOfficer) {
  ASSERT_EQ(identity_->note_officer(an_officer()).value(), Noted::added);
  const auto device = enrol("PO-1000");
  ASSERT_TRUE(device) << device.error().detail;
  const auto caller = identity_->identify(request(device->thumbprint));
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->asker().id, "PO-1000");
  EXPECT_EQ(caller->asker().department, "police");
  EXPECT_EQ(caller->asker().roles,
            (std::vector<std::string>{"investigator", "police.investigator"}));
  EXPECT_EQ(caller->asker().actor.thumbprint, device->thumbprint);
  EXPECT_EQ(caller->asker().actor.key_kind, KeyKind::certificate);
  EXPECT_FALSE(caller->asker().service);
  EXPECT_EQ(caller->question().purpose, "crime-investigation");
}

TEST_F(IdentityTest, TheEvidenceIsTheBodyAndTheDevice) {
  ASSERT_TRUE(identity_->note_officer(an_officer()));
  const auto device = enrol("PO-1000");
  ASSERT_TRUE(device);
  const auto caller = identity_->identify(request(device->thumbprint));
  ASSERT_TRUE(caller);
  std::string expected = {1, 0, 0, 0, static_cast<char>(kBody.size())};
  expected += kBody;
  expected += crypto::text_of(device->thumbprint);
  EXPECT_EQ(caller->evidence(), expected);
}

TEST_F(IdentityTest, EveryOtherCredentialIsRefusedByItsOwnReason) {
  ASSERT_TRUE(identity_->note_officer(an_officer()));
  const auto device = enrol("PO-1000");
  ASSERT_TRUE(device);
  Request r = request(device->thumbprint);
  const Request good = r;
  r.peer = nullptr;
  EXPECT_EQ(refusal(r), Reason::no_credential);
  auto peer = changed(good);
  peer->issued_by_us = false;
  r.peer = peer;
  EXPECT_EQ(refusal(r), Reason::foreign_certificate);
  peer = changed(good);
  peer->not_after = Moment{number(r.received) - 1};
  r.peer = peer;
  EXPECT_EQ(refusal(r), Reason::expired_certificate);
  peer = changed(good);
  peer->not_before = Moment{number(r.received) + 1};
  r.peer = peer;
  EXPECT_EQ(refusal(r), Reason::expired_certificate);
  peer = changed(good);
  peer->thumbprint[0] ^= 1;
  r.peer = peer;
  EXPECT_EQ(refusal(r), Reason::unknown_device);
  ASSERT_TRUE(identity_->identify(good));
}

TEST_F(IdentityTest, AStrangersBodyIsNeverRead) {
  Request r = request(Digest{});
  r.body = "this is no JSON";
  r.headers.clear();
  EXPECT_EQ(refusal(r), Reason::unknown_device);
  r.peer = nullptr;
  EXPECT_EQ(refusal(r), Reason::no_credential);
}

TEST_F(IdentityTest, ABodyOfAnotherKindIsRefused) {
  ASSERT_TRUE(identity_->note_officer(an_officer()));
  const auto device = enrol("PO-1000");
  ASSERT_TRUE(device);
  const auto with_type = [&](const char* type) {
    Request r = request(device->thumbprint);
    r.headers = {{"content-type", type}};
    return r;
  };
  for (const char* type : {"text/plain", "", "application/jsonx",
                           "application/json; charset=latin1", "application/problem+json"})
    EXPECT_EQ(refusal(with_type(type)), Reason::wrong_media_type) << type;
  EXPECT_TRUE(identity_->identify(with_type("application/json")));
  EXPECT_TRUE(identity_->identify(with_type("Application/JSON; charset=UTF-8")));
  Request packed = request(device->thumbprint);
  packed.headers.emplace_back("content-encoding", "gzip");
  EXPECT_EQ(refusal(packed), Reason::wrong_media_type);
  EXPECT_EQ(refusal(request(device->thumbprint, "{")), Reason::malformed_json);
}

TEST_F(IdentityTest, ARevokedDeviceEndsAtOnceAndForEver) {
  ASSERT_TRUE(identity_->note_officer(an_officer()));
  const auto one = enrol("PO-1000"), two = enrol("PO-1000");
  ASSERT_TRUE(one && two);
  const auto ended = identity_->revoke(crypto::hex(one->thumbprint).substr(0, 12));
  ASSERT_TRUE(ended);
  EXPECT_EQ(*ended, std::vector<Digest>{one->thumbprint});
  EXPECT_EQ(refusal(request(one->thumbprint)), Reason::revoked_device);
  EXPECT_TRUE(identity_->identify(request(two->thumbprint)));
  EXPECT_TRUE(identity_->revoke(crypto::hex(one->thumbprint))->empty()) << "ended already";
  reopen();
  EXPECT_EQ(refusal(request(one->thumbprint)), Reason::revoked_device);
  EXPECT_EQ(identity_->revoke("PO-1000")->size(), 1u);
  EXPECT_EQ(refusal(request(two->thumbprint)), Reason::revoked_device);
}

TEST_F(IdentityTest, RevokingNeedsOneDeviceOrOneAccount) {
  ASSERT_TRUE(identity_->note_officer(an_officer()));
  ASSERT_TRUE(enrol("PO-1000"));
  EXPECT_EQ(identity_->revoke("PO-9999").error().reason, Reason::unknown_officer);
  EXPECT_EQ(identity_->revoke("abcdef0").error().reason, Reason::unknown_device);
  EXPECT_EQ(identity_->revoke("0123456789abcdef").error().reason, Reason::unknown_device);
  EXPECT_EQ(identity_->revoke("").error().reason, Reason::unknown_device);
}

TEST_F(IdentityTest, ARevocationIsSeenByEveryThread) {
  ASSERT_TRUE(identity_->note_officer(an_officer()));
  const auto device = enrol("PO-1000");
  ASSERT_TRUE(device);
  std::atomic<bool> revoked{false}, late{false};
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 2'000; ++i) {
        const bool before = revoked.load();
        if (identity_->known(request(device->thumbprint))) {
          answered.fetch_add(1);
          if (before) late = true;
        }
      }
    });
  while (answered.load() < 100) std::this_thread::yield();
  ASSERT_TRUE(identity_->revoke("PO-1000"));
  revoked = true;
  for (auto& t : threads) t.join();
  EXPECT_FALSE(late);
  EXPECT_EQ(refusal(request(device->thumbprint)), Reason::revoked_device);
}

TEST_F(IdentityTest, AnOfficerWhoLeftNeitherAsksNorEnrolsFromThatDateOn) {
  ASSERT_TRUE(identity_->note_officer(an_officer()));
  const auto device = enrol("PO-1000");
  ASSERT_TRUE(device);
  Officer leaving = an_officer();
  leaving.left = Moment{number(now()) + 3'600'000};
  EXPECT_EQ(identity_->note_officer(leaving).value(), Noted::changed);
  Request r = request(device->thumbprint);
  EXPECT_TRUE(identity_->identify(r));
  r.received = *leaving.left;
  EXPECT_EQ(refusal(r), Reason::officer_left);
  leaving.left = Moment{number(now()) - 1};
  ASSERT_TRUE(identity_->note_officer(leaving));
  EXPECT_EQ(refusal(request(device->thumbprint)), Reason::officer_left);
  EXPECT_EQ(enrol("PO-1000").error().reason, Reason::officer_left);
  EXPECT_EQ(enrol("PO-1").error().reason, Reason::unknown_officer);
}

TEST_F(IdentityTest, ARepeatedRosterChangesNothing) {
  EXPECT_EQ(identity_->note_officer(an_officer()).value(), Noted::added);
  EXPECT_EQ(identity_->note_officer(an_officer()).value(), Noted::unchanged);
  reopen();
  EXPECT_EQ(identity_->note_officer(an_officer()).value(), Noted::unchanged);
  Officer renamed = an_officer();
  renamed.name = "Zubair A. Khan";
  EXPECT_EQ(identity_->note_officer(renamed).value(), Noted::changed);
  EXPECT_EQ(identity_->note_officer(renamed).value(), Noted::unchanged);
  renamed.unit = "Investigation Multan";
  EXPECT_EQ(identity_->note_officer(renamed).value(), Noted::changed);
  ASSERT_EQ(identity_->accounts().size(), 1u);
  EXPECT_EQ(identity_->accounts()[0].unit, "Investigation Multan");
}

TEST_F(IdentityTest, AnAccountNumberIsGivenOnceAndKept) {
  ASSERT_TRUE(identity_->note_officer(an_officer("PO-1")));
  ASSERT_TRUE(identity_->note_officer(an_officer("PO-2")));
  const auto service = identity_->add_service("fia-cases", "fia", {"case-registrar"});
  ASSERT_TRUE(service);
  EXPECT_EQ(number(*service), 3u);
  EXPECT_EQ(identity_->add_service("fia-cases", "fia", {"case-registrar"}).value(), *service);
  reopen();
  ASSERT_TRUE(identity_->note_officer(an_officer("PO-4")));
  const auto accounts = identity_->accounts();
  ASSERT_EQ(accounts.size(), 4u);
  for (std::size_t i = 0; i < accounts.size(); ++i) EXPECT_EQ(number(accounts[i].account), i + 1);
  EXPECT_TRUE(accounts[2].service);
  EXPECT_EQ(accounts[2].roles, (std::vector<std::string>{"case-registrar", "fia.case-registrar"}));
  EXPECT_FALSE(identity_->add_service("PO-1", "fia", {}));
  EXPECT_FALSE(identity_->note_officer(an_officer("fia-cases")));
  EXPECT_FALSE(identity_->add_service("two words", "fia", {}));
}

TEST_F(IdentityTest, NothingOfAnOfficerLiesInTheStoreReadable) {
  ASSERT_TRUE(identity_->note_officer(an_officer()));
  ASSERT_TRUE(enrol("PO-1000"));
  std::string all;
  ASSERT_TRUE(store_->scan(storage::Table::accounts, "", "",
                           [&](std::string_view key, std::string_view value) {
                             all.append(key).append(value);
                             return true;
                           }));
  for (const char* secret : {"Zubair", "4210160459263", "PO-1000", "Lahore", "investigator"})
    EXPECT_EQ(all.find(secret), std::string::npos) << secret;
}

TEST_F(IdentityTest, AForgottenOfficerKeepsTheAccountButNoName) {
  ASSERT_TRUE(identity_->note_officer(an_officer()));
  const auto device = enrol("PO-1000");
  ASSERT_TRUE(device);
  EXPECT_EQ(identity_->forget({SubjectKind::national_id, "3520281848771"}).value(), 0u);
  EXPECT_EQ(identity_->forget({SubjectKind::national_id, "4210160459263"}).value(), 1u);
  EXPECT_EQ(identity_->forget({SubjectKind::national_id, "4210160459263"}).value(), 0u);
  EXPECT_TRUE(identity_->identify(request(device->thumbprint)));
  // The next roster brings neither the name nor the number back.
  EXPECT_EQ(identity_->note_officer(an_officer()).value(), Noted::unchanged);
  reopen();
  EXPECT_EQ(identity_->note_officer(an_officer()).value(), Noted::unchanged);
  EXPECT_EQ(identity_->forget({SubjectKind::national_id, "4210160459263"}).value(), 0u);
}

TEST_F(IdentityTest, ARequestForACertificateThatIsNoneIsRefused) {
  ASSERT_TRUE(identity_->note_officer(an_officer()));
  const auto refused = identity_->enrol("PO-1000", "no request", authority_->certificate_pem,
                                        authority_->key_pem.view(), 30);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::csr_wrong);
}

TEST_F(IdentityTest, ASealedRowMovedToAnotherKeyIsFound) {
  ASSERT_TRUE(identity_->note_officer(an_officer("PO-1")));
  ASSERT_TRUE(identity_->note_officer(an_officer("PO-2")));
  std::vector<std::pair<std::string, std::string>> rows;
  ASSERT_TRUE(store_->scan(storage::Table::accounts, "a", "",
                           [&](std::string_view key, std::string_view value) {
                             rows.emplace_back(key, value);
                             return true;
                           }));
  ASSERT_EQ(rows.size(), 2u);
  storage::Batch swapped;
  swapped.put(storage::Table::accounts, rows[0].first, rows[1].second);
  ASSERT_TRUE(store_->write(swapped, storage::Durability::synced));
  const auto opened = Identity::open(*store_, *vault_, fields_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, Reason::seal_broken);
}

TEST_F(IdentityTest, KnownAndAdmitJudgeTheCredentialAlone) {
  ASSERT_TRUE(identity_->note_officer(an_officer()));
  const auto device = enrol("PO-1000");
  ASSERT_TRUE(device);
  Request r = request(device->thumbprint, "");
  r.headers.clear();
  const auto known = identity_->known(r);
  ASSERT_TRUE(known);
  EXPECT_EQ(known->id, "PO-1000");
  const auto admitted = identity_->admit(r);
  ASSERT_TRUE(admitted);
  EXPECT_TRUE(admitted->question().fields.empty());
  EXPECT_TRUE(admitted->evidence().empty());
  r.peer = nullptr;
  EXPECT_EQ(identity_->known(r).error().reason, Reason::no_credential);
  EXPECT_EQ(identity_->admit(r).error().reason, Reason::no_credential);
}

}  // namespace
}  // namespace amanat::identity
