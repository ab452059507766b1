#pragma once
// registry, keep: normalised values into sealed records, in batches. This room only; one keeper,
// one thread.
//
// Invariants, and who keeps them:
//  1. A record's key is durable before the record that is sealed under it       commit()
//  2. A row with the same key and values changes nothing                        put()
//  3. Other values make the next version; the one before moves to Table::past   put()
//  4. Postings are those of the current version alone                           put()
//  5. What names another subject is sealed under that subject's key             seal_links()
//  6. Records, counts and the import's progress move together                   commit()

#include <array>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "registry/archive.h"
#include "registry/judge.h"

namespace amanat::registry {

enum class Kept : std::uint8_t { accepted, repeated };

class Keeper {
 public:
  Keeper(Archive& archive, const Dataset& dataset, Moment taken_in);
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  /// keep takes one copy of a judged row: one record, or two where the dataset is mirrored.
  /// Errors: store_failed, seal_broken, disk_full, file_failed; nothing of the batch is then kept.
  Result<Kept> keep(std::span<const Value> values, std::size_t twin);
  /// full says that it is time to commit.
  bool full() const;
  /// commit writes the batch, with one more row of Table::imports (an empty value erases it; an
  /// empty key: none). Errors: store_failed, disk_full, file_failed.
  Result<void> commit(std::string_view import_key, std::string_view import_value);

 private:
  struct Known {
    vault::Slot slot{};
    Key256 key;
    bool has_records = false;
    std::uint64_t made_in = 0;  // the batch that made it; 0: it was there before
  };
  struct TagHash {
    std::size_t operator()(const Tag& t) const;
  };
  using KeyBytes = std::array<char, kRecordKeyBytes>;
  struct KeyHash {
    std::size_t operator()(const KeyBytes& k) const;
  };

  void begin();
  Result<Known*> know(const SubjectName& name);
  Result<Known> make_subject();
  void name_subject(std::span<const Value> values, std::size_t twin);
  void fold_key(std::span<const Value> values);
  Result<Kept> put(std::span<const Value> values, std::size_t twin);
  Result<bool> find_current(const Known& subject, StoredRecord& current);
  void write_plaintext(std::span<const Value> values, std::uint32_t version);
  Result<void> retire(const StoredRecord& current, const Known& subject);
  void post(std::span<const Value> values);

  Archive& archive_;
  const Dataset& dataset_;
  const Moment taken_in_;
  const std::uint16_t dataset_number_;

  std::unique_lock<std::mutex> lock_;
  std::uint64_t generation_ = 0;
  std::uint64_t batch_number_ = 0;
  storage::Batch batch_;
  std::unordered_map<KeyBytes, std::size_t, KeyHash> pending_;  // records: their place in batch_
  std::vector<Decoys::Decoy> offers_;            // some of the new records of this batch
  std::vector<std::pair<Tag, Known*>> touched_;  // subjects whose row this batch writes
  std::uint64_t new_records_ = 0;
  bool new_slots_ = false;
  std::unordered_map<Tag, Known, TagHash> known_, known_before_;  // young and old; nodes never move

  // Scratch of one record, kept to spare allocations.
  SubjectName name_, other_;
  KeyBytes key_bytes_{};
  std::string folded_, digest_text_, plaintext_, link_plain_, link_sealed_, key_, sealed_, value_,
      found_, bound_;
  std::vector<Known*> others_;  // by field: whom a link names
  std::vector<Value> swapped_;
};

}  // namespace amanat::registry
