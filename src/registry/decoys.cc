#include "registry/decoys.h"

#include <cstring>

#include "crypto/crypto.h"
#include "registry/archive.h"

namespace amanat::registry {
namespace {

constexpr std::size_t kDecoysMax = 256;
constexpr std::size_t kTriesMax = 4 * kDecoysMax;

std::uint64_t first_bytes(const Tag& tag) {
  std::uint64_t n = 0;
  std::memcpy(&n, tag.data(), sizeof n);
  return n;
}

}  // namespace

Result<void> Decoys::sample(const Catalog& catalog, const Numbers& numbers,
                            const storage::Reader& store) {
  std::vector<std::uint16_t> datasets;
  for (const auto& d : catalog.datasets())
    if (d.one) datasets.push_back(numbers.of(d.id));
  for (std::size_t tries = 0; tries < kTriesMax && !datasets.empty(); ++tries) {
    // Subjects lie by their tags, and tags are uniform: the one after a random tag is a fair draw.
    Tag from{};
    crypto::random_bytes(from);
    Decoy one;
    std::optional<SubjectRow> row;
    auto scanned = store.scan(storage::Table::subjects, {}, view(from),
                              [&](std::string_view key, std::string_view value) {
                                if (key.size() != one.subject.size()) return false;
                                std::memcpy(one.subject.data(), key.data(), key.size());
                                if (auto read = decode_subject(value)) row = *read;
                                return false;
                              });
    if (!scanned) return scanned;
    if (!row && tries >= kDecoysMax) break;  // an empty store
    if (!row || !row->has_records || row->erasing) continue;
    const std::string prefix = subject_prefix(datasets[tries % datasets.size()], row->slot);
    bool found = false;
    scanned = store.scan(storage::Table::records, prefix, {},
                         [&](std::string_view key, std::string_view) {
                           const auto record = decode_record_key(key);
                           found = record.has_value();
                           if (record) one.record = *record;
                           return false;
                         });
    if (!scanned) return scanned;
    if (found) offer(one);
  }
  return {};
}

void Decoys::offer(const Decoy& one) {
  const std::lock_guard lock(mutex_);
  if (decoys_.size() < kDecoysMax) {
    decoys_.push_back(one);
  } else if (const auto place = first_bytes(one.record.record) % (8 * kDecoysMax);
             place < kDecoysMax) {
    decoys_[place] = one;  // one in eight, so that the sample stays mixed
  }
}

std::optional<Decoys::Decoy> Decoys::pick(const Tag& asked) const {
  const std::lock_guard lock(mutex_);
  if (decoys_.empty()) return std::nullopt;
  return decoys_[first_bytes(asked) % decoys_.size()];
}

}  // namespace amanat::registry
