#pragma once
// A ledger that keeps histories, with citizens, their slices and their erasure, for tests.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "crypto/vrf.h"
#include "ledger/big_endian.h"
#include "ledger/history.h"
#include "ledger/log_for_tests.h"

namespace amanat::ledger {

struct CitizensForTests {
  LogForTests log;
  crypto::VrfKey labels = crypto::VrfKey::from_seed(crypto::random_key());
  Key256 map_key = crypto::random_key(), chain_key = crypto::random_key();
  std::shared_ptr<std::mutex> mutex = std::make_shared<std::mutex>();
  std::shared_ptr<std::map<std::array<std::uint8_t, 16>, Key256>> slices =
      std::make_shared<std::map<std::array<std::uint8_t, 16>, Key256>>();
  std::map<std::string, Slice> live;  // by national ID
  std::vector<std::string> alarms;

  CitizensForTests() {
    log.label_key = labels.public_key();
    (*slices)[log.slice.id] = log.slice.key;
  }
  static std::string citizen(unsigned i) {
    std::string digits = std::to_string(3520200000000ull + i);
    return digits;
  }
  Label label(const std::string& id) const {
    const auto beta = labels.output(crypto::bytes_of(id));
    Label l;
    std::copy_n(beta.begin(), l.size(), l.begin());
    return l;
  }
  crypto::VrfProof proof(const std::string& id) const { return labels.prove(crypto::bytes_of(id)); }
  KeyOfSlice key_of() const {
    return [m = mutex, s = slices](std::span<const std::uint8_t, 16> id) -> Result<Key256> {
      std::array<std::uint8_t, 16> at;
      std::copy(id.begin(), id.end(), at.begin());
      const std::lock_guard lock(*m);
      const auto found = s->find(at);
      if (found == s->end()) return fail(Reason::erased);
      return found->second;
    };
  }
  Options options(storage::Disk* disk, unsigned epoch_ms = 5) {
    Options o = log.options(disk);
    o.citizens.emplace();
    o.citizens->map_key = map_key;
    o.citizens->chain_key = chain_key;
    o.citizens->key_of_slice = key_of();
    o.citizens->epoch_ms = epoch_ms;
    o.citizens->keep_map_after = 1;
    o.alarm = [this](std::string_view words) {
      const std::lock_guard lock(*mutex);
      alarms.emplace_back(words);
    };
    return o;
  }
  Slice slice_of(const std::string& id) {
    auto& slice = live[id];
    if (slice.id == std::array<std::uint8_t, 16>{}) {
      slice = LogForTests::make_slice();
      const std::lock_guard lock(*mutex);
      (*slices)[slice.id] = slice.key;
    }
    return slice;
  }
  EntryContent entry(const std::string& id, const std::string& purpose = "crime-investigation",
                     EntryType type = EntryType::disclosure) {
    EntryContent c;
    c.type = type;
    c.subject = label(id);
    c.actor = Actor{AccountId{7}, KeyKind::certificate, {}};
    c.part(BodyPart::purpose) = purpose;
    c.part(BodyPart::case_ref) = "FIR 1/26";
    c.part(BodyPart::granted_fields) = "identity.persons.name";
    if (type == EntryType::denied) c.part(BodyPart::denial) = "quota_spent";
    c.evidence = "signed question";
    c.slice = slice_of(id);
    return c;
  }
  /// erase destroys a citizen's slice as the exchange does: chains first, the act after.
  Result<void> erase(Ledger& ledger, const std::string& id) {
    if (auto kept = ledger.keep_chains(); !kept) return kept;
    {
      const std::lock_guard lock(*mutex);
      slices->erase(live[id].id);
    }
    live.erase(id);
    EntryContent c = entry(id, "erased on request", EntryType::erasure);
    c.tail = tail_of_erasure(1, 1);
    auto recorded = record_one(ledger, std::move(c));
    if (!recorded) return std::unexpected(recorded.error());
    return {};
  }
  /// covers says whether a history's epoch covers every entry with a subject below `size`.
  static bool covers(const History& h, std::uint64_t size) {
    const auto covered = load_number<std::uint64_t>(h.epoch_entry.entry.data() + 114);
    for (const auto& later : h.after)
      if (later.entry.substr(10, 32) != std::string(32, '\0')) return false;
    return covered + h.after.size() >= size;
  }
  /// history waits until an epoch covers `size` entries and gives the citizen's file.
  Result<std::string> history(const Ledger& ledger, const std::string& id,
                              std::uint64_t size = 0) const {
    for (int i = 0; i < 8000; ++i) {
      auto file = ledger.history(label(id), proof(id));
      if (file) {
        const auto parsed = parse_history(*file);
        if (!parsed) return std::unexpected(parsed.error());
        if (size == 0 || covers(*parsed, size)) return file;
      } else if (file.error().reason != Reason::too_busy) {
        return file;
      } else if (i == 7999) {
        const std::lock_guard lock(*mutex);
        return fail(Reason::too_busy, alarms.empty() ? file.error().detail : alarms.front());
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const std::lock_guard lock(*mutex);
    return fail(Reason::too_busy, alarms.empty() ? "no epoch in time" : alarms.front());
  }
  HistoryCheck check(const std::string& id) const {
    HistoryCheck c;
    c.policy = *parse_tlog_policy("log " + log.key().text() + "\nquorum none\n");
    c.subject = id;
    c.unix_time = number(now()) / 1000;
    return c;
  }
};

}  // namespace amanat::ledger
