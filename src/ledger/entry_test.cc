#include "ledger/entry.h"

#include <gtest/gtest.h>

#include <random>

#include "crypto/crypto.h"
#include "ledger/ledger.h"
#include "ledger/log_for_tests.h"

namespace amanat::ledger {
namespace {

using crypto::Bytes;
using crypto::bytes_of;

const EntryType kTypes[] = {EntryType::disclosure, EntryType::denied,  EntryType::export_,
                            EntryType::epoch,      EntryType::erasure, EntryType::policy_key,
                            EntryType::alert,      EntryType::genesis, EntryType::trace};

Bytes domain(const char* text, std::size_t with_nul) {
  return {reinterpret_cast<const std::uint8_t*>(text), with_nul};
}
Bytes one(const std::uint8_t& byte) { return {&byte, 1}; }

EntryContent everything(const LogForTests& log) {
  EntryContent c = log.denial(7);
  c.type = EntryType::disclosure;
  for (std::size_t i = 0; i < kBodyParts; ++i) c.parts[i] = "part " + std::to_string(i + 1);
  c.part(BodyPart::evidence_digest).clear();
  return c;
}

TEST(Entry, EachTypeHasTheLengthOfItsPage) {
  const std::size_t sizes[] = {106, 106, 118, 162, 118, 146, 106, 138, 139};
  for (std::size_t i = 0; i < std::size(kTypes); ++i) EXPECT_EQ(entry_size(kTypes[i]), sizes[i]);
  EXPECT_EQ(entry_size(static_cast<EntryType>(0)), 0u);
  EXPECT_EQ(entry_size(static_cast<EntryType>(10)), 0u);
}

TEST(Entry, EveryFieldStandsAtItsOffset) {
  PublicEntry e;
  e.type = EntryType::erasure;
  e.time = Moment{0x0102030405060708};
  e.subject.fill(0xaa);
  e.actor.fill(0xbb);
  e.body.fill(0xcc);
  e.tail = tail_of_erasure(0x11223344, 0x5566778899aabbcc);
  const std::string bytes = encode_entry(e);
  EXPECT_EQ(crypto::hex(bytes_of(bytes)),
            "0105"
            "0102030405060708" +
                std::string(64, 'a') + std::string(64, 'b') + std::string(64, 'c') +
                "11223344"
                "5566778899aabbcc");
  EXPECT_EQ(crypto::hex(bytes_of(tail_of_export(EntryIndex{258}, 3))),
            "0000000000000102"
            "00000003");
  EXPECT_EQ(crypto::hex(bytes_of(tail_of_policy_key(Digest{}, EntryIndex{9}))),
            std::string(64, '0') + "0000000000000009");
}

TEST(Entry, ASecondSpellingIsRefused) {
  std::mt19937_64 random(1);
  for (const EntryType type : kTypes) {
    PublicEntry e;
    e.type = type;
    e.time = Moment{1700000000000};
    e.tail.assign(entry_size(type) - kEntryHead, 't');
    const std::string good = encode_entry(e);
    auto decoded = decode_entry(good);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(encode_entry(*decoded), good);
    EXPECT_FALSE(decode_entry(good + '\0'));
    EXPECT_FALSE(decode_entry(good.substr(0, good.size() - 1)));
    std::string other = good;
    other[0] = 9;
    EXPECT_FALSE(decode_entry(other)) << "version";
    other = good;
    other[1] = 77;
    EXPECT_FALSE(decode_entry(other)) << "type";
  }
  // A commitment that the type does not use must be zero.
  std::string genesis(entry_size(EntryType::genesis), '\0');
  genesis[0] = 1;
  genesis[1] = 8;
  EXPECT_TRUE(decode_entry(genesis));
  genesis[10] = 1;
  EXPECT_FALSE(decode_entry(genesis));
}

TEST(Entry, CommitmentsFollowThePublishedFormula) {
  // Known answer of ledger page 5.3: the label of the VRF vector under r = bytes 40..5f.
  const auto beta =
      crypto::from_hex("dd653f0879b48c3ef69e13551239bec4cbcc1c18fe8894de2e9e1c790e182736");
  ASSERT_TRUE(beta);
  std::array<std::uint8_t, 32> r;
  for (std::size_t i = 0; i < r.size(); ++i) r[i] = static_cast<std::uint8_t>(0x40 + i);
  EXPECT_EQ(crypto::hex(crypto::Hmac(r).mac({domain("amanat/subject/v1", 18), bytes_of(*beta)})),
            "3b0bc91c2eadfc32f3eb51b37acc50ee89ce56fdfd8828ba2735808a27049886");

  LogForTests log;
  const EntryContent content = everything(log);
  auto prepared = prepare(content, Moment{5});
  ASSERT_TRUE(prepared);
  auto entry = decode_entry(prepared->leaf.view());
  ASSERT_TRUE(entry);
  auto opening = unseal(prepared->opening, log.slice.key, *entry);
  ASSERT_TRUE(opening) << opening.error().detail;

  // Written out again here, without a line of entry.cc.
  const crypto::Hmac slice(log.slice.key.bytes());
  const Bytes nonce = opening->nonce;
  const Digest r_subject = slice.mac({domain("amanat/r/subject", 17), nonce});
  const Digest r_actor = slice.mac({domain("amanat/r/actor", 15), nonce});
  const Digest r_body = slice.mac({domain("amanat/r/body", 14), nonce});
  EXPECT_EQ(entry->subject,
            crypto::Hmac(r_subject).mac({domain("amanat/subject/v1", 18), *content.subject}));
  std::string actor("\0\0\0\7\2", 5);
  actor.append(crypto::text_of(content.actor->thumbprint));
  EXPECT_EQ(entry->actor,
            crypto::Hmac(r_actor).mac({domain("amanat/actor/v1", 16), bytes_of(actor)}));
  std::string body;
  for (std::uint8_t i = 1; i <= kBodyParts; ++i) {
    const Digest evidence = crypto::sha256(content.evidence);
    const std::string part =
        i == 11 ? std::string(crypto::text_of(evidence)) : content.parts[i - 1];
    const Digest salt = slice.mac({domain("amanat/salt/v1", 15), nonce, one(i)});
    std::string hashed("\x12", 1);
    hashed.append(crypto::text_of(Bytes(salt).first(16)))
        .append(1, static_cast<char>(i))
        .append(part);
    body.append(crypto::text_of(crypto::sha256(hashed)));
  }
  EXPECT_EQ(entry->body, crypto::Hmac(r_body).mac({domain("amanat/body/v1", 15), bytes_of(body)}));
  EXPECT_EQ(canonical_body(log.slice.key, *opening), body);
}

TEST(Entry, AnAbsentPartIsThirtyTwoZeroBytes) {
  LogForTests log;
  Opening o;
  o.parts[0] = "purpose";
  const std::string body = canonical_body(log.slice.key, o);
  ASSERT_EQ(body.size(), 352u);
  EXPECT_NE(body.substr(0, 32), std::string(32, '\0'));
  EXPECT_EQ(body.substr(32), std::string(320, '\0'));
}

TEST(Entry, AnOpeningGivesBackAllThatWasCommittedTo) {
  LogForTests log;
  const EntryContent content = everything(log);
  auto prepared = prepare(content, Moment{5});
  ASSERT_TRUE(prepared);
  auto entry = decode_entry(prepared->leaf.view());
  ASSERT_TRUE(entry);
  EXPECT_EQ(slice_of(prepared->opening), log.slice.id);
  auto opening = unseal(prepared->opening, log.slice.key, *entry);
  ASSERT_TRUE(opening);
  EXPECT_EQ(opening->subject, content.subject);
  EXPECT_EQ(opening->actor->account, content.actor->account);
  EXPECT_EQ(opening->evidence, content.evidence);
  for (std::size_t i = 0; i + 1 < kBodyParts; ++i) EXPECT_EQ(opening->parts[i], content.parts[i]);
  EXPECT_EQ(opening->parts[10], crypto::text_of(crypto::sha256(content.evidence)));
  const Commitments again = commit(log.slice.key, *opening);
  EXPECT_EQ(again.subject, entry->subject);
  EXPECT_EQ(again.actor, entry->actor);
  EXPECT_EQ(again.body, entry->body);
}

TEST(Entry, AWrongKeyOrAnotherEntryOpensNothing) {
  LogForTests log;
  auto first = prepare(everything(log), Moment{5});
  auto second = prepare(everything(log), Moment{5});
  ASSERT_TRUE(first && second);
  auto entry = decode_entry(first->leaf.view());
  ASSERT_TRUE(entry);
  EXPECT_FALSE(unseal(first->opening, crypto::random_key(), *entry));
  EXPECT_FALSE(unseal(second->opening, log.slice.key, *entry));
  // The slice's owner could seal an opening for this entry that says something else: refused too.
  auto opened = unseal(first->opening, log.slice.key, *entry);
  ASSERT_TRUE(opened);
  opened->parts[0] = "another purpose";
  const auto forged = seal_opening(log.slice, *opened, {entry->subject, entry->actor, entry->body});
  EXPECT_FALSE(unseal(forged, log.slice.key, *entry));
}

TEST(Entry, EveryFlippedBitOfAnOpeningIsFound) {
  LogForTests log;
  auto prepared = prepare(everything(log), Moment{5});
  ASSERT_TRUE(prepared);
  auto entry = decode_entry(prepared->leaf.view());
  ASSERT_TRUE(entry);
  for (std::size_t bit = 0; bit < prepared->opening.size() * 8; ++bit) {
    std::string bad = prepared->opening;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    // The slice id stands in clear and only says which key to try.
    if (bit / 8 >= 1 && bit / 8 < 17)
      EXPECT_NE(slice_of(bad), log.slice.id);
    else
      EXPECT_FALSE(unseal(bad, log.slice.key, *entry)) << "bit " << bit;
  }
}

TEST(Entry, TwoEntriesOfOneContentLookNothingAlike) {
  LogForTests log;
  auto a = prepare(everything(log), Moment{5});
  auto b = prepare(everything(log), Moment{5});
  ASSERT_TRUE(a && b);
  const auto ea = decode_entry(a->leaf.view()), eb = decode_entry(b->leaf.view());
  EXPECT_NE(ea->subject, eb->subject);
  EXPECT_NE(ea->actor, eb->actor);
  EXPECT_NE(ea->body, eb->body);
  EXPECT_NE(a->opening, b->opening);
}

TEST(Entry, TooMuchEvidenceIsRefusedBeforeAnythingIsMade) {
  LogForTests log;
  EntryContent c = log.denial(1, kEvidenceBytesMax + 1);
  auto prepared = prepare(c, Moment{5});
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().reason, Reason::value_too_long);
  c.evidence.clear();
  c.part(BodyPart::purpose).assign(kPartBytesMax + 1, 'p');
  EXPECT_FALSE(prepare(c, Moment{5}));
}

TEST(EntryDeathTest, AnExportNamesNoSubject) {
  LogForTests log;
  EntryContent c = log.denial(1);
  c.type = EntryType::export_;
  EXPECT_DEATH((void)prepare(c, Moment{5}), "subject");
}

}  // namespace
}  // namespace amanat::ledger
