#include "vault/rewrap.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <vector>

#include "crypto/crypto.h"
#include "storage/power_disk.h"
#include "storage/scratch.h"
#include "vault/master.h"
#include "vault/slots.h"
#include "vault/vault.h"

namespace amanat::vault {
namespace {

using storage::PowerDisk;
using storage::Scratch;
using storage::system_disk;

const SubjectName kPerson{SubjectKind::national_id, "3520212345671"};
constexpr Moment kNow{1'780'000'000'000};

std::string text(const Key256& key) { return std::string(crypto::text_of(key.bytes())); }

/// Known is what a vault said before it was rewrapped.
struct Known {
  Slot kept{}, gone{};
  std::string key, slice, secret, sealed;
  std::array<std::uint8_t, 16> slice_id{};
  Tag tag{}, index{}, record{};
  Label label{};

  static Known of(Vault& vault) {
    Known k;
    k.kept = vault.make_slot().value();
    k.gone = vault.make_slot().value();
    EXPECT_TRUE(vault.sync_slots());
    EXPECT_TRUE(vault.destroy(k.gone));
    k.key = text(vault.key_of(k.kept).value());
    k.label = vault.label(kPerson);
    const Slice slice = vault.slice_for(k.label, kNow).value();
    k.slice_id = slice.id;
    k.slice = text(slice.key);
    k.secret = text(vault.named_secret("ledger-signer").value());
    vault.seal_house("cases", "row", "a case", k.sealed);
    k.tag = vault.tag(kPerson);
    k.index = vault.index_tag("identity.persons.name", "kashif");
    k.record = vault.record_tag("identity.persons", "1");
    return k;
  }
  void check(Vault& vault) const {
    EXPECT_EQ(text(vault.key_of(kept).value()), key);
    EXPECT_EQ(vault.key_of(gone).error().reason, Reason::erased);
    EXPECT_EQ(text(vault.slice_key(slice_id).value()), slice);
    EXPECT_EQ(text(vault.named_secret("ledger-signer").value()), secret);
    EXPECT_EQ(vault.tag(kPerson), tag);
    EXPECT_EQ(vault.index_tag("identity.persons.name", "kashif"), index);
    EXPECT_EQ(vault.record_tag("identity.persons", "1"), record);
    EXPECT_EQ(vault.label(kPerson), label);
    WipingBuffer plain;
    EXPECT_TRUE(vault.open_house("cases", "row", sealed, plain));
    EXPECT_EQ(plain.view(), "a case");
  }
};

TEST(Rewrap, TheNewMasterKeyOpensEverythingAndTheOldOneNothing) {
  const Scratch scratch;
  const std::string keys = scratch / "keys", master = keys + "/master.key";
  Known known;
  known = Known::of(**Vault::create(system_disk(), keys));
  const std::string old_text = storage::read_file(master, 1'000).value();
  const Key256 old_master = read_master(system_disk(), master).value();
  std::string house_sealed = known.sealed;
  for (int round = 0; round < 2; ++round) {
    SCOPED_TRACE(round);
    std::uint64_t told = 0;
    auto done = rewrap(system_disk(), keys, [&](std::uint64_t slots) { told = slots; });
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_EQ(done->destroyed, 1U);
    EXPECT_EQ(done->broken, 0U);
    EXPECT_GT(done->keys, 1U);
    EXPECT_GT(told, 0U);
    EXPECT_FALSE(rewrap_unfinished(system_disk(), keys).value());
    auto opened = Vault::open(system_disk(), keys);
    ASSERT_TRUE(opened) << opened.error().detail;
    known.check(**opened);
    EXPECT_TRUE((*opened)->make_slot());
    EXPECT_TRUE((*opened)->sync_slots());
    house_sealed.clear();
    (*opened)->seal_house("cases", "row", "a later case", house_sealed);
  }
  EXPECT_NE(storage::read_file(master, 1'000).value(), old_text);
  for (const auto& one : std::filesystem::directory_iterator(keys))
    EXPECT_FALSE(one.path().string().ends_with(".next")) << one.path();

  // The old key: no slot file, no secret, nothing sealed since; put back, no vault.
  for (const auto& [name, kind] : {std::pair{"subject.slots", SlotFile::Kind::subject},
                                   std::pair{"slice.slots", SlotFile::Kind::slice}}) {
    auto file = SlotFile::open(system_disk(), keys + "/" + name, kind, old_master, {1, 1});
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().reason, Reason::key_missing);
  }
  const Key256 old_wrap = crypto::hkdf(old_master, "amanat/vault/secret/v1");
  for (const char* name : {"ledger-signer", "names", "house-1", "house-2"})
    EXPECT_EQ(
        read_secret(system_disk(), keys + "/" + name + ".secret", old_wrap, name).error().reason,
        Reason::seal_broken)
        << name;
  WipingBuffer plain;
  EXPECT_FALSE(Vault::open(crypto::hkdf(old_master, "amanat/vault/house/v1/cases"), "row",
                           house_sealed, plain));
  ASSERT_TRUE(storage::replace_file(system_disk(), master, old_text));
  auto refused = Vault::open(system_disk(), keys);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::key_missing);
}

TEST(Rewrap, WhereverThePowerFailsItIsFinishedAndNothingIsLost) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::uint64_t finished = 0, refused = 0;
  for (std::uint64_t step = 0; finished == 0 && step < 500; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    PowerDisk disk;
    Known known;
    {
      auto vault = Vault::create(disk, "keys");
      ASSERT_TRUE(vault);
      known = Known::of(**vault);
    }
    disk.fail_at(step, Reason::disk_full, PowerDisk::Then::stays_dead);
    const bool done = rewrap(disk, "keys", nullptr).has_value();
    finished += done ? 1 : 0;
    disk.heal();
    if (step % 2 == 0)
      disk.lose_power(random);
    else
      disk.lose_everything_unsynced();
    const auto unfinished = rewrap_unfinished(disk, "keys");
    ASSERT_TRUE(unfinished);
    EXPECT_FALSE(done && *unfinished);
    if (*unfinished) {
      auto early = Vault::open(disk, "keys");
      ASSERT_FALSE(early);
      EXPECT_EQ(early.error().reason, Reason::key_missing);
      ++refused;
      auto again = rewrap(disk, "keys", nullptr);
      ASSERT_TRUE(again) << again.error().detail;
      disk.lose_everything_unsynced();
    }
    auto vault = Vault::open(disk, "keys");
    ASSERT_TRUE(vault) << vault.error().detail;
    known.check(**vault);
  }
  EXPECT_EQ(finished, 1U);
  EXPECT_GT(refused, 20U);
}

// AMANAT_REWRAP_KEYS: how many; what a key costs is printed.
TEST(Rewrap, EveryKeyOfManyIsWrappedAnew) {
  const char* wanted = std::getenv("AMANAT_REWRAP_KEYS");
  const std::uint64_t count = wanted == nullptr ? 20'000 : std::strtoull(wanted, nullptr, 10);
  const Scratch scratch;
  const std::string keys = scratch / "keys";
  std::vector<std::string> some;
  {
    auto vault = Vault::create(system_disk(), keys);
    ASSERT_TRUE(vault);
    for (std::uint64_t n = 1; n <= count; ++n) {
      const auto slot = (*vault)->make_slot();
      ASSERT_TRUE(slot);
      ASSERT_EQ(number(*slot), n);
      if (n % 997 == 0) some.push_back(text((*vault)->key_of(*slot).value()));
    }
    ASSERT_TRUE((*vault)->sync_slots());
  }
  const auto began = std::chrono::steady_clock::now();
  auto done = rewrap(system_disk(), keys, nullptr);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_GE(done->keys, count);
  std::printf("rewrap: %llu keys in %.2f s, %.2f us a key\n",
              static_cast<unsigned long long>(done->keys), took.count(),
              took.count() * 1e6 / static_cast<double>(done->keys));
  auto vault = Vault::open(system_disk(), keys);
  ASSERT_TRUE(vault);
  for (std::size_t i = 0; i < some.size(); ++i)
    EXPECT_EQ(text((*vault)->key_of(Slot{(i + 1) * 997}).value()), some[i]);
}

TEST(Rewrap, WhatCannotBeReadIsFoundBeforeAnythingIsWritten) {
  const Scratch scratch;
  const std::string keys = scratch / "keys";
  const Known known = Known::of(**Vault::create(system_disk(), keys));
  const std::string secret = keys + "/ledger-signer.secret";
  const std::string good = storage::read_file(secret, 1'000).value();
  std::string bad = good;
  bad[30] = bad[30] == 'A' ? 'B' : 'A';
  ASSERT_TRUE(storage::replace_file(system_disk(), secret, bad));
  EXPECT_FALSE(rewrap(system_disk(), keys, nullptr));
  EXPECT_FALSE(rewrap_unfinished(system_disk(), keys).value());
  ASSERT_TRUE(storage::replace_file(system_disk(), secret, good));
  known.check(**Vault::open(system_disk(), keys));
}

}  // namespace
}  // namespace amanat::vault
