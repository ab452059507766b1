#include "vault/vault.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "crypto/crypto.h"
#include "storage/power_disk.h"
#include "storage/scratch.h"
#include "vault/slots.h"

namespace amanat::vault {
namespace {

using storage::Scratch;
using storage::system_disk;

const SubjectName kPerson{SubjectKind::national_id, "3520212345671"};
constexpr Moment kNow{1'780'000'000'000};

std::string text(const Key256& key) { return std::string(crypto::text_of(key.bytes())); }

class Keys : public testing::Test {
 protected:
  void SetUp() override {
    auto made = Vault::create(system_disk(), directory());
    ASSERT_TRUE(made) << made.error().detail;
    vault_ = std::move(*made);
  }
  std::string directory() const { return scratch_ / "keys"; }
  std::string file(const std::string& name) const { return directory() + "/" + name; }
  Reason reason_of_open() {
    vault_.reset();
    auto opened = Vault::open(system_disk(), directory());
    return opened ? Reason::internal_error : opened.error().reason;
  }
  void reopen() {
    vault_.reset();
    auto opened = Vault::open(system_disk(), directory());
    ASSERT_TRUE(opened) << opened.error().detail;
    vault_ = std::move(*opened);
  }
  Slot synced_slot() {
    const auto slot = vault_->make_slot();
    EXPECT_TRUE(slot);
    EXPECT_TRUE(vault_->sync_slots());
    return *slot;
  }

  Scratch scratch_;
  std::unique_ptr<Vault> vault_;
};

TEST_F(Keys, AnExchangeIsNotMadeTwiceInOnePlace) {
  EXPECT_EQ(Vault::create(system_disk(), directory()).error().reason, Reason::exchange_exists);
  EXPECT_EQ(Vault::open(system_disk(), scratch_ / "none").error().reason, Reason::key_missing);
}

TEST_F(Keys, TheMasterKeyIsItsOwnersAlone) {
  namespace fs = std::filesystem;
  EXPECT_EQ(fs::status(file("master.key")).permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  fs::permissions(file("master.key"), fs::perms::group_read, fs::perm_options::add);
  EXPECT_EQ(reason_of_open(), Reason::key_missing);
  fs::permissions(file("master.key"), fs::perms::owner_read);  // as systemd's credentials are
  reopen();
}

TEST_F(Keys, AMasterKeyOfTheWrongFormIsNotUsed) {
  const std::string good = storage::read_file(file("master.key"), 1'000).value();
  for (const std::string& bad :
       {std::string(), good.substr(0, good.size() - 1), good + "\n", good.substr(1), "x" + good,
        std::string("amanat-master-key-v1\nAAAA\n"), std::string("amanat-master-key-v1\n\n"),
        std::string(10'000, 'A')}) {
    ASSERT_TRUE(storage::replace_file(system_disk(), file("master.key"), bad));
    EXPECT_EQ(reason_of_open(), Reason::key_missing);
  }
  // A well-formed key of another exchange is found out as well.
  const Scratch other;
  ASSERT_TRUE(Vault::create(system_disk(), other / "keys"));
  std::filesystem::copy_file(other / "keys/master.key", file("master.key"),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(reason_of_open(), Reason::key_missing);
  ASSERT_TRUE(storage::replace_file(system_disk(), file("master.key"), good));
  reopen();
}

TEST_F(Keys, WithoutItsMasterKeyAnExchangeIsNotMadeOverOldOnes) {
  (void)synced_slot();
  vault_.reset();
  const std::string slots = storage::read_file(file("subject.slots"), 1 << 24).value();
  ASSERT_TRUE(system_disk().rename(file("master.key"), scratch_ / "moved"));
  EXPECT_EQ(Vault::create(system_disk(), directory()).error().reason, Reason::key_missing);
  EXPECT_EQ(storage::read_file(file("subject.slots"), 1 << 24).value(), slots);
  ASSERT_TRUE(system_disk().rename(scratch_ / "moved", file("master.key")));
  reopen();
}

TEST_F(Keys, NamesStayAndSayNothing) {
  const Tag tag = vault_->tag(kPerson),
            index = vault_->index_tag("police.firs.accused", kPerson.value);
  const Tag record = vault_->record_tag("identity.persons", kPerson.value);
  const Label label = vault_->label(kPerson);
  reopen();
  EXPECT_EQ(vault_->tag(kPerson), tag);
  EXPECT_EQ(vault_->label(kPerson), label);
  EXPECT_EQ(vault_->index_tag("police.firs.accused", kPerson.value), index);
  EXPECT_EQ(vault_->record_tag("identity.persons", kPerson.value), record);
  const Scratch elsewhere;
  const auto other = Vault::create(system_disk(), elsewhere / "keys");
  ASSERT_TRUE(other);
  EXPECT_NE((*other)->tag(kPerson), tag);
  EXPECT_NE((*other)->label(kPerson), label);
  EXPECT_NE((*other)->index_tag("police.firs.accused", kPerson.value), index);
}

TEST_F(Keys, NoTwoThingsHaveOneName) {
  std::set<Tag> tags;
  const std::string value = kPerson.value;
  for (const auto kind : {SubjectKind::national_id, SubjectKind::msisdn, SubjectKind::passport,
                          SubjectKind::unidentified})
    EXPECT_TRUE(tags.insert(vault_->tag({kind, value})).second);
  // The same text divided elsewhere, or named for another use, is another thing.
  for (const auto& [first, second] :
       {std::pair{"ab", "c"}, {"a", "bc"}, {"", "abc"}, {"abc", ""}}) {
    EXPECT_TRUE(tags.insert(vault_->index_tag(first, second)).second);
    EXPECT_TRUE(tags.insert(vault_->record_tag(first, second)).second);
  }
  std::set<Label> labels;
  for (const auto kind : {SubjectKind::national_id, SubjectKind::msisdn, SubjectKind::passport,
                          SubjectKind::unidentified})
    EXPECT_TRUE(labels.insert(vault_->label({kind, value})).second);
}

TEST_F(Keys, ASealedValueOpensWithItsKeyAndPlaceAlone) {
  const Key256 key = vault_->key_of(synced_slot()).value(),
               other = vault_->key_of(synced_slot()).value();
  std::string sealed = "before";
  Vault::seal(key, "persons/1/v1", "the text", sealed);
  ASSERT_TRUE(sealed.starts_with("before"));
  sealed.erase(0, 6);
  WipingBuffer out;
  out.append("kept ");
  ASSERT_TRUE(Vault::open(key, "persons/1/v1", sealed, out));
  EXPECT_EQ(out.view(), "kept the text");
  EXPECT_EQ(Vault::open(key, "persons/1/v2", sealed, out).error().reason, Reason::seal_broken);
  EXPECT_EQ(Vault::open(other, "persons/1/v1", sealed, out).error().reason, Reason::seal_broken);
  for (std::size_t cut = 0; cut < sealed.size(); ++cut)
    EXPECT_EQ(Vault::open(key, "persons/1/v1", sealed.substr(0, cut), out).error().reason,
              Reason::seal_broken);
  EXPECT_EQ(out.view(), "kept the text");
}

// The strongest thief: the records as they ever were, every file of the vault as it is now, the
// master key included, and any 32 bytes of any file tried as the key.
TEST_F(Keys, AnErasedKeyOpensNothing) {
  const Slot slot = synced_slot(), neighbour = synced_slot();
  std::string sealed, others;
  Vault::seal(vault_->key_of(slot).value(), "persons/1/v1", "the text", sealed);
  Vault::seal(vault_->key_of(neighbour).value(), "persons/2/v1", "other text", others);
  ASSERT_TRUE(vault_->destroy(slot));
  for (int life = 0; life < 2; ++life) {
    EXPECT_EQ(vault_->key_of(slot).error().reason, Reason::erased);
    WipingBuffer out;
    EXPECT_TRUE(Vault::open(vault_->key_of(neighbour).value(), "persons/2/v1", others, out));
    EXPECT_TRUE(vault_->destroy(slot));
    reopen();
  }
  WipingBuffer out;
  std::set<std::string> tried;
  for (const auto& [path, bytes] : storage::bytes_of_files(directory())) {
    for (std::size_t at = 0; at + 32 <= bytes.size(); ++at)
      if (const std::string window = bytes.substr(at, 32); tried.insert(window).second) {
        Key256 key;
        std::memcpy(key.mutable_bytes().data(), window.data(), 32);
        ASSERT_FALSE(Vault::open(key, "persons/1/v1", sealed, out)) << path << " at " << at;
      }
  }
  for (std::uint64_t n = 0; n < number(neighbour) + 10; ++n)
    if (const auto key = vault_->key_of(Slot{n})) {
      EXPECT_FALSE(Vault::open(*key, "persons/1/v1", sealed, out));
    }
  EXPECT_GT(tried.size(), 100u);
}

TEST_F(Keys, NoFileHoldsAKeyInPlainSight) {
  std::vector<std::string> secrets;
  for (int i = 0; i < 20; ++i) secrets.push_back(text(vault_->key_of(synced_slot()).value()));
  secrets.push_back(text(vault_->slice_for(vault_->label(kPerson), kNow)->key));
  secrets.push_back(text(vault_->named_secret("ledger-signer").value()));
  const auto files = storage::bytes_of_files(directory());
  EXPECT_EQ(files.size(), 4u);
  for (const auto& [path, bytes] : files)
    for (const std::string& secret : secrets) {
      EXPECT_EQ(bytes.find(secret.substr(0, 16)), bytes.npos) << path;
      EXPECT_EQ(bytes.find(crypto::hex(crypto::bytes_of(secret)).substr(0, 32)), bytes.npos)
          << path;
      EXPECT_EQ(bytes.find(crypto::base64(crypto::bytes_of(secret)).substr(0, 20)), bytes.npos)
          << path;
      EXPECT_EQ(bytes.find(kPerson.value), bytes.npos) << path;
    }
}

TEST_F(Keys, WhatBelongsToTheHouseOpensForItsUseAlone) {
  std::string sealed;
  vault_->seal_house("cases", "case/1", "FIR 12/2026", sealed);
  reopen();
  WipingBuffer out;
  ASSERT_TRUE(vault_->open_house("cases", "case/1", sealed, out));
  EXPECT_EQ(out.view(), "FIR 12/2026");
  EXPECT_EQ(vault_->open_house("cases", "case/2", sealed, out).error().reason, Reason::seal_broken);
  EXPECT_EQ(vault_->open_house("devices", "case/1", sealed, out).error().reason,
            Reason::seal_broken);
}

TEST_F(Keys, ANamedSecretStaysAndIsNeverReplaced) {
  const std::string signer = text(vault_->named_secret("ledger-signer").value());
  const std::string witness = text(vault_->named_secret("witness").value());
  EXPECT_NE(signer, witness);
  EXPECT_EQ(text(vault_->named_secret("ledger-signer").value()), signer);
  reopen();
  EXPECT_EQ(text(vault_->named_secret("ledger-signer").value()), signer);

  const std::string good = storage::read_file(file("ledger-signer.secret"), 1'000).value();
  ASSERT_TRUE(storage::replace_file(system_disk(), file("ledger-signer.secret"),
                                    storage::read_file(file("witness.secret"), 1'000).value()));
  EXPECT_EQ(vault_->named_secret("ledger-signer").error().reason, Reason::seal_broken);
  ASSERT_TRUE(storage::replace_file(system_disk(), file("ledger-signer.secret"), ""));
  EXPECT_EQ(vault_->named_secret("ledger-signer").error().reason, Reason::key_missing);
  ASSERT_TRUE(storage::replace_file(system_disk(), file("ledger-signer.secret"), good));
  EXPECT_EQ(text(vault_->named_secret("ledger-signer").value()), signer);
}

TEST(KeysDeathTest, ASecretsNameIsNoPath) {
  const Scratch scratch;
  const auto vault = Vault::create(system_disk(), scratch / "keys");
  ASSERT_TRUE(vault);
  EXPECT_DEATH((void)(*vault)->named_secret("../elsewhere"), "secret_name_fits");
  EXPECT_DEATH((void)(*vault)->destroy_slices(Label{}), "vault.cc");
}

TEST_F(Keys, ALabelIsKeptSealedAndBoundToItsTag) {
  const auto store = storage::open_memory();
  vault_->keep_in(*store);
  const SubjectName one{SubjectKind::national_id, "3520212345671"},
      two{SubjectKind::national_id, "3520212345672"};
  const Label first = vault_->label(one), second = vault_->label(two);
  reopen();
  EXPECT_EQ(vault_->label(one), first);  // made again
  reopen();
  vault_->keep_in(*store);
  EXPECT_EQ(vault_->label(one), first);
  std::vector<std::pair<std::string, std::string>> rows;
  ASSERT_TRUE(store->scan(
      storage::Table::labels, "", "", [&](std::string_view tag, std::string_view sealed) {
        rows.emplace_back(tag, sealed);
        EXPECT_EQ(sealed.find(std::string_view(reinterpret_cast<const char*>(first.data()), 8)),
                  std::string_view::npos);
        return true;
      }));
  ASSERT_EQ(rows.size(), 2u);
  // Rows that were changed places, or damaged, are no labels: the true ones are made again.
  storage::Batch batch;
  batch.put(storage::Table::labels, rows[0].first, rows[1].second);
  batch.put(storage::Table::labels, rows[1].first, "x" + rows[1].second);
  ASSERT_TRUE(store->write(batch, storage::Durability::buffered));
  reopen();
  vault_->keep_in(*store);
  EXPECT_EQ(vault_->label(one), first);
  EXPECT_EQ(vault_->label(two), second);
}

TEST_F(Keys, TheSystemHasSlicesOfItsOwn) {
  const Slice system = vault_->system_slice(kNow).value(),
              person = vault_->slice_for(vault_->label(kPerson), kNow).value();
  EXPECT_NE(system.id, person.id);
  EXPECT_EQ(vault_->system_slice(kNow)->id, system.id);
  EXPECT_EQ(vault_->destroy_slices(vault_->label(kPerson)).value(), 1u);
  EXPECT_EQ(vault_->slice_key(person.id).error().reason, Reason::erased);
  EXPECT_EQ(text(vault_->slice_key(system.id).value()), text(system.key));
  reopen();
  ASSERT_TRUE(vault_->remember(system.id, Label{}, kNow));
  EXPECT_EQ(vault_->system_slice(kNow)->id, system.id);
}

TEST_F(Keys, ErasingRecordsAndErasingWhoLookedAreTwoActs) {
  const Slot slot = synced_slot();
  const Label label = vault_->label(kPerson);
  const Slice slice = vault_->slice_for(label, kNow).value();
  ASSERT_TRUE(vault_->destroy(slot));
  EXPECT_TRUE(vault_->slice_key(slice.id));
  ASSERT_TRUE(vault_->destroy_slices(label));
  EXPECT_EQ(vault_->slice_key(slice.id).error().reason, Reason::erased);
}

TEST_F(Keys, AnEarlierCopyOfTheKeysKeepsWhatItHad) {
  // Why keys are backed up apart and briefly: docs/vault-format.md.
  const Slot old = synced_slot();
  const std::string key = text(vault_->key_of(old).value());
  std::filesystem::copy(directory(), scratch_ / "copy");
  const Slot late = synced_slot();
  ASSERT_TRUE(vault_->destroy(old));
  const auto copy = Vault::open(system_disk(), scratch_ / "copy");
  ASSERT_TRUE(copy);
  EXPECT_EQ(text((*copy)->key_of(old).value()), key);
  EXPECT_EQ((*copy)->key_of(late).error().reason, Reason::key_missing);
}

TEST(KeysAndPower, AnInterruptedCreateIsDoneAgainOrWasDone) {
  for (std::uint64_t step = 0;; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    ASSERT_LT(step, 30u);
    std::mt19937_64 random(step);
    storage::PowerDisk disk;
    disk.fail_at(step, Reason::file_failed, storage::PowerDisk::Then::stays_dead);
    const bool made = Vault::create(disk, "keys").has_value();
    disk.lose_power(random);
    const auto opened = Vault::open(disk, "keys");
    EXPECT_TRUE(opened || !made);
    if (made) break;
    EXPECT_TRUE(opened || Vault::create(disk, "keys"));
  }
}

}  // namespace
}  // namespace amanat::vault
