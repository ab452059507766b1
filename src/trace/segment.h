#pragma once
// trace, segment: one immutable file of postings, read where it lies. Format: docs/trace-index.md.
// A Segment is thread-safe; a writer belongs to one thread.
//
// Invariants
//  1. Subjects ascend by the 58 most significant bits of their hash; each stands once    add()
//  2. A subject's postings ascend                                                        add()
//  3. A file is whole and synced before anything names it                                finish()
//  4. The same subjects, postings, days and field sets make the same bytes               finish()

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"
#include "storage/file.h"
#include "storage/reading.h"
#include "trace/posting.h"

namespace amanat::trace {

/// kHashBits of a subject's hash are kept; kHashMask are the others.
inline constexpr unsigned kHashBits = 58;
inline constexpr std::uint64_t kHashMask = ~((std::uint64_t{1} << (64 - kHashBits)) - 1);

/// FirstOfDay says which entry was the first of a day, so that a posting's entry can be read again.
struct FirstOfDay {
  std::uint64_t day = 0, entry = 0;
  friend bool operator==(const FirstOfDay&, const FirstOfDay&) = default;
};

/// Covered is what a segment is a projection of: entries [from, to) of the ledger.
struct Covered {
  std::uint64_t from = 0, to = 0;
  std::vector<FirstOfDay> days;         // ascending
  std::vector<std::string> field_sets;  // the dictionary as of `to`
};

class SegmentWriter {
 public:
  /// create begins a file; it is nothing until finish(). Errors: file_failed, disk_full.
  static Result<SegmentWriter> create(storage::Disk& disk, const std::string& path);
  SegmentWriter(SegmentWriter&&) noexcept;
  ~SegmentWriter();
  /// add takes a subject with at least one posting; insists on invariants 1 and 2.
  /// Errors: file_failed, disk_full.
  Result<void> add(std::uint64_t hash, std::span<const std::uint64_t> postings);
  /// finish writes the rest and syncs. Errors: file_failed, disk_full.
  Result<void> finish(const Covered& covered);

 private:
  struct State;
  explicit SegmentWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Found is where a subject's postings lie.
struct Found {
  std::uint32_t query = 0;  // which of the hashes asked for
  std::uint32_t count = 0;
  std::uint64_t first = 0;  // posting number
};

class Segment {
 public:
  /// open. Errors: file_failed, ledger_corrupt (the file is not one, or cut short).
  static Result<Segment> open(const std::string& path);
  Segment(Segment&&) noexcept = default;

  std::uint64_t subjects() const { return subjects_; }
  std::uint64_t postings() const { return postings_; }
  std::uint64_t file_bytes() const { return mapping_.bytes().size(); }
  Covered covered() const;
  /// find looks many hashes up at once, and appends those it has. Queries that ascend are faster.
  void find(std::span<const std::uint64_t> hashes, std::vector<Found>& found) const;
  /// postings_of reads them; of a `found` of this segment.
  std::span<const std::uint64_t> postings_of(const Found& found) const {
    return {posting_ + found.first, found.count};
  }
  /// warm says whether postings are mostly in memory (a sample).
  bool warm() const;
  /// want asks for the postings of `found` to be read ahead; `found` must ascend by `first`.
  void want(std::span<const Found> found) const;
  void expect_sequential() const;
  void expect_random() const;
  /// subject reads the i-th in order: its hash and postings, for merging.
  std::uint64_t hash_of(std::uint64_t i) const;
  std::uint32_t count_of(std::uint64_t i) const;
  /// check verifies the file's digest; it reads all of it. Errors: ledger_corrupt.
  Result<void> check() const;

 private:
  explicit Segment(storage::Mapping mapping) : mapping_(std::move(mapping)) {}
  Result<void> place();
  std::uint64_t place_of(std::uint64_t i) const;

  storage::Mapping mapping_;
  std::uint64_t subjects_ = 0, postings_ = 0, overflows_ = 0;
  unsigned bucket_bits_ = 0;
  const std::uint64_t* posting_ = nullptr;
  const std::uint32_t* dir_ = nullptr;
  const std::uint32_t* tag_ = nullptr;
  const std::uint8_t* tail_ = nullptr;  // further bits of the tag; null with 26 bucket bits
  const std::uint8_t* count_ = nullptr;
  const std::uint64_t* base_ = nullptr;
  const std::uint64_t* overflow_ = nullptr;  // pairs: subject, count
  std::string_view covered_;
};

/// merge writes one file of several that cover ranges of entries one after the other, oldest first.
/// Errors: file_failed, disk_full.
Result<void> merge(storage::Disk& disk, const std::string& path,
                   std::span<const Segment* const> from);

}  // namespace amanat::trace
