#pragma once
// registry, fetch: what a cleared question finds, as plain values; Registry::fetch mints the pass
// around it. This room only. Thread-safe.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/passes.h"
#include "model/task.h"
#include "registry/archive.h"
#include "registry/live.h"

namespace amanat::registry {

/// Wanted is the question and what the grant releases.
struct Wanted {
  const Question* question = nullptr;
  const std::vector<FieldRelease>* releases[kStandings] = {};
  const std::vector<Tag>* case_subjects = nullptr;  // ascending
  const std::vector<std::string>* follow = nullptr;
  // Where what is released differs between citizens of one standing; else null.
  const Grant* grant = nullptr;
  bool explains = false;  // the case explains whom it names, and whom the registers lead to
};

/// Found is what the exchange's own records say, and what departments are still to be asked.
struct Found {
  Findings::Content content;
  std::vector<LiveWant> live;
};
/// find answers it. Errors as of Registry::fetch.
Result<Found> find(Archive& archive, const Wanted& wanted);

/// find_everywhere is find, and then asks all departments at once; `wanted` must outlive it.
Task<Result<Findings::Content>> find_everywhere(Archive& archive, LiveDesks& desks,
                                                const Wanted& wanted);

/// withhold takes `fields` out of what is released of a person, each with the reason; of_standing is
/// what is released of their standing where the person has no releases of their own.
void withhold(Person& person, const std::vector<FieldRelease>& of_standing,
              const std::vector<FieldId>& fields, Reason reason);

/// find_roll says of each listed citizen who they are, without decrypting anything; find_part answers
/// the question about `count` of them, from place `from` on. Errors as of Registry::roll, fetch_part.
Result<Findings::Content> find_roll(Archive& archive, const Wanted& wanted,
                                    const std::vector<std::string>& citizens);
Result<Findings::Content> find_part(Archive& archive, const Wanted& wanted,
                                    const std::vector<Person>& roll, std::size_t from,
                                    std::size_t count);

/// subject_named normalises the subject of a question that names one citizen (or the number, if
/// nobody is known to hold it); nothing for a search. Errors: unknown_subject_form,
/// malformed_value, store_failed.
Result<std::optional<SubjectName>> subject_named(const Archive& archive, const SubjectForm& form);

/// OpenRecord is one current record, decrypted.
struct OpenRecord {
  RecordKey key;
  std::string name;  // the key's bytes
  std::uint32_t version = 0;
  Moment taken_in{};
  WipingBuffer plain;
};
/// open_record reads and decrypts; nothing if it is not there or its subject is erased.
Result<std::optional<OpenRecord>> open_record(const Archive& archive, const RecordKey& key);

/// postings lists the records that an index tag points to, in key order; at most `most`.
/// Errors: too_many_subjects, store_failed.
Result<std::vector<RecordKey>> postings(const Archive& archive, const Tag& tag, std::size_t most);

/// Holder is who holds a number now, of all who ever did: the latest activation.
struct Holder {
  SubjectName name;
  std::vector<RecordKey> records;  // the holder's own records of this number
};
Result<std::optional<Holder>> current_holder(const Archive& archive, std::string_view number);
/// numbers_of lists the numbers of which a subject is the current holder, ascending. `ever` lists
/// all that were ever theirs and nobody else's (what dies with them).
enum class Holding : std::uint8_t { current, exclusive };
Result<std::vector<std::string>> numbers_of(const Archive& archive, vault::Slot slot, Holding how);

/// family_of_officer lists the keyed names of those within two steps of the person whose own keyed
/// name this is, ascending, as far as the registers know them. Errors: store_failed, seal_broken,
/// too_many_subjects.
Result<Families::Tags> family_of_officer(Archive& archive, const Tag& own);

/// chain_to says how the registers lead from a citizen of `from` (keyed names, ascending) to the
/// person whose records lie under `slot`, over one field that the catalog declares to explain, in
/// that person's own records: "dataset.field record tag-of-the-citizen", keyed names in hex; empty
/// if they do not. Of somebody with more than 1,000 such records, or a case of more than 64, nothing
/// is said: who speaks with everybody explains nobody. Errors: store_failed, seal_broken.
Result<std::string> chain_to(const Archive& archive, vault::Slot slot,
                             const std::vector<Tag>& from);

/// Relative is one person of a family tree.
struct Relative {
  SubjectName name;
  std::uint8_t hops = 0;  // 0: the root
  std::string relation;   // of the edge over which they were reached
  SubjectName of;         // its other end
  FoundRecord edge;       // date, version and record the edge was read from
};
/// family walks the tree breadth first from `root`, following only the words in `follow`; root
/// first, then ascending hops, deterministic. Errors: too_many_subjects beyond `most` people.
Result<std::vector<Relative>> family(const Archive& archive, const SubjectName& root, unsigned hops,
                                     const std::vector<std::string>& follow, std::size_t most);

}  // namespace amanat::registry
