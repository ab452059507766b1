#pragma once
// The malicious operator's file: every way that tests know to lie to a citizen about his history.

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "ledger/citizens_for_tests.h"
#include "ledger/drafts_for_tests.h"

namespace amanat::ledger {

/// Liar changes honest histories in every way its seed thinks of; each is a lie about something.
struct Liar {
  CitizensForTests town;
  SimulatedDisk disk;
  std::unique_ptr<Ledger> ledger;
  std::vector<std::string> ids, old_files, files;
  std::string foreign_file;  // of another log with the same citizens

  Liar() {
    ledger = fill(town, disk, 40);
    for (unsigned i = 0; i < 6; ++i) ids.push_back(town.citizen(i));
    for (const auto& id : ids) old_files.push_back(*town.history(*ledger, id, ledger->size() - 1));
    std::mt19937_64 random(3);
    for (int i = 0; i < 30; ++i)
      EXPECT_TRUE(record_one(*ledger, town.entry(ids[random() % ids.size()], "later")));
    EXPECT_TRUE(town.erase(*ledger, ids[0]));
    EXPECT_TRUE(record_one(*ledger, town.entry(ids[0], "after the erasure")));
    EntryContent covert = town.entry(ids[1], "covert");
    covert.sealed_until = Moment{number(now()) + 3'600'000};
    EXPECT_TRUE(record_one(*ledger, std::move(covert)));
    const auto size = ledger->size();
    for (const auto& id : ids) files.push_back(*town.history(*ledger, id, size));
  }
  static std::unique_ptr<Ledger> fill(CitizensForTests& town, SimulatedDisk& disk, int n) {
    const Options options = town.options(&disk);
    EXPECT_TRUE(Ledger::create(options, town.log.seed, town.log.slice));
    auto opened = Ledger::open(options, town.log.seed);
    EXPECT_TRUE(opened);
    std::mt19937_64 random(1);
    for (int i = 0; i < n; ++i)
      EXPECT_TRUE(record_one(**opened, town.entry(town.citizen(random() % 6))));
    return *std::move(opened);
  }

  /// lie changes `h`, the history of citizen `who`, and says what it did; empty if it could not.
  std::string lie(std::mt19937_64& random, std::size_t who, History& h) {
    const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    if (h.entries.empty()) return "";
    HistoryEntry& e = h.entries[pick(h.entries.size())];
    const std::size_t other = (who + 1 + pick(ids.size() - 1)) % ids.size();
    History theirs = *parse_history(files[other]);
    History before = *parse_history(old_files[who]);
    switch (pick(34)) {
      case 0:
        h.entries.erase(h.entries.begin() + static_cast<std::ptrdiff_t>(pick(h.entries.size())));
        return "an entry left out";
      case 1:
        h.entries.pop_back();
        return "the newest left out";
      case 2:
        h.entries.erase(h.entries.begin());
        return "the oldest left out";
      case 3:
        h.entries.push_back(h.entries[pick(h.entries.size())]);
        return "an entry twice";
      case 4: {
        if (h.entries.size() < 2) return "";
        const auto i = pick(h.entries.size() - 1);
        std::swap(h.entries[i], h.entries[i + 1]);
        return "two entries swapped";
      }
      case 5: {
        if (theirs.entries.empty()) return "";
        h.entries[pick(h.entries.size())] = theirs.entries[pick(theirs.entries.size())];
        return "another citizen's entry in place of one";
      }
      case 6: {
        if (theirs.entries.empty()) return "";
        h.entries.insert(h.entries.begin() + static_cast<std::ptrdiff_t>(pick(h.entries.size())),
                         theirs.entries[pick(theirs.entries.size())]);
        return "another citizen's entry added";
      }
      case 7:
        e.proved.index += 1 + pick(3);
        return "an index moved";
      case 8:
        e.proved.entry[pick(e.proved.entry.size())] ^= static_cast<char>(1 + pick(255));
        return "an entry's byte";
      case 9: {
        if (e.proved.path.empty()) return "";
        e.proved.path[pick(e.proved.path.size())][pick(32)] ^= 1;
        return "a path's bit";
      }
      case 10: {
        if (e.state != HistoryEntry::State::open || e.parts.empty()) return "";
        e.parts[pick(e.parts.size())].bytes += "x";
        return "a purpose reworded";
      }
      case 11: {
        if (e.state != HistoryEntry::State::open) return "";
        e.state = HistoryEntry::State::erased;
        e.erasure = e.proved.index + 1;
        return "an erasure invented";
      }
      case 12: {
        if (e.state != HistoryEntry::State::open) return "";
        e.state = HistoryEntry::State::sealed;
        return "a seal without a date";
      }
      case 13: {
        if (e.state == HistoryEntry::State::erased) return "";
        e.r_subject[pick(32)] ^= 4;
        return "another opening of the subject";
      }
      case 14: {
        if (e.state == HistoryEntry::State::erased) return "";
        e.r_body[pick(32)] ^= 4;
        return "another opening of the body";
      }
      case 15: {
        if (e.state == HistoryEntry::State::erased) return "";
        e.part_hashes[pick(11)][pick(32)] ^= 4;
        return "another part hash";
      }
      case 16: {
        if (e.state != HistoryEntry::State::open || e.parts.empty()) return "";
        e.parts.erase(e.parts.begin());
        return "the purpose kept back";
      }
      case 17:
        h.vrf = theirs.vrf;
        return "another citizen's label";
      case 18:
        h.map = theirs.map, h.map_secret = theirs.map_secret;
        return "another citizen's bucket";
      case 19: {
        h.map.bucket.clear();
        h.entries.clear();
        return "never looked at";
      }
      case 20:
        h.map_secret[pick(32)] ^= 1;
        return "another secret of the map";
      case 21:
        h.map.path[pick(kMapDepth)][pick(32)] ^= 1;
        return "another map";
      case 22: {
        if (h.map.bucket.empty()) return "";
        h.map.bucket[pick(h.map.bucket.size())].value[pick(32)] ^= 1;
        return "another value";
      }
      case 23: {
        if (h.map.bucket.empty()) return "";
        h.map.bucket.push_back(h.map.bucket[0]);
        return "two slots for one label";
      }
      case 24: {  // the shorter history of an older epoch, with today's checkpoint
        if (before.entries.size() == h.entries.size()) return "";
        const std::string today = h.checkpoint;
        h = before;
        h.checkpoint = today;
        return "an old epoch under a new checkpoint";
      }
      case 25: {
        if (before.entries.size() == h.entries.size()) return "";
        h.entries = before.entries;
        return "an old list under a new epoch";
      }
      case 26: {
        if (before.entries.size() == h.entries.size()) return "";
        h.map = before.map;
        h.entries = before.entries;
        return "an old bucket under a new epoch";
      }
      case 27:
        h.epoch_entry.entry[106 + pick(56)] ^= 1;
        return "a forged EPOCH";
      case 28:
        h.epoch_entry = e.proved;
        return "something else as EPOCH";
      case 29: {
        if (h.after.empty()) return "";
        h.after.erase(h.after.begin() + static_cast<std::ptrdiff_t>(pick(h.after.size())));
        return "entries after the epoch kept back";
      }
      case 30:
        h.genesis[pick(h.genesis.size())] ^= 2;
        return "another genesis document";
      case 31: {
        const auto at = h.checkpoint.rfind("\n\n");
        h.checkpoint[pick(at)] ^= 1;
        return "another checkpoint";
      }
      case 32: {  // a checkpoint signed by a key of his own
        const NoteSigner forger(town.log.origin, crypto::random_key());
        const auto at = h.checkpoint.rfind("\n\n");
        h.checkpoint = forger.sign(h.checkpoint.substr(0, at + 1));
        return "another signer";
      }
      default: {
        if (e.state != HistoryEntry::State::sealed) return "";
        for (auto& part : e.parts)
          if (part.number == 9)
            part.bytes = sealed_part(Moment{number(now()) + 99'000'000'000}, "");
        return "a later date of a seal";
      }
    }
  }
};

}  // namespace amanat::ledger
