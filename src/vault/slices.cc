#include "vault/slices.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "model/insist.h"

namespace amanat::vault {
namespace {

constexpr std::size_t kPool = 8192;  // refilled when half empty: 4096 stay ahead
constexpr std::size_t kInline = 64;  // made at once when the pool is dry
constexpr unsigned kRounds = 4;      // Luby and Rackoff 1988: four rounds make a strong permutation
constexpr std::uint64_t kLastMoment = 253'402'300'799'999;  // the end of the year 9999

// Counts quarters from 1970 in the proleptic Gregorian calendar (days_from_civil, inverted:
// Hinnant, "chrono-Compatible Low-Level Date Algorithms").
std::uint32_t quarter_of(Moment at) {
  const std::uint64_t z = std::min(number(at), kLastMoment) / 86'400'000 + 719'468;
  const std::uint64_t era = z / 146'097, doe = z % 146'097;
  const std::uint64_t yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  const std::uint64_t mp = (5 * (doe - (365 * yoe + yoe / 4 - yoe / 100)) + 2) / 153;
  const std::uint64_t month = mp < 10 ? mp + 3 : mp - 9;
  const std::uint64_t year = yoe + era * 400 + (month <= 2 ? 1 : 0);
  insist(month >= 1 && month <= 12 && year >= 1970);
  return static_cast<std::uint32_t>((year - 1970) * 4 + (month - 1) / 3);
}

constexpr std::size_t kPlaceBytes = 16, kSlotBytes = 8;

void put_number(std::string& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = bytes; i-- > 0;) out.push_back(static_cast<char>(value >> (8 * i)));
}

std::uint64_t number_at(std::string_view bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kSlotBytes; ++i)
    value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

// The quarter at the end of a row's key.
std::uint32_t quarter_in(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

using Half = std::array<std::uint8_t, 8>;

Half mix(const crypto::Hmac& mac, unsigned round, const Half& half, const Half& into) {
  const auto tweak = static_cast<std::uint8_t>(round);
  const Digest f = mac.mac({crypto::Bytes(&tweak, 1), half});
  Half out;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = into[i] ^ f[i];
  return out;
}

}  // namespace

std::size_t Slices::LabelHash::operator()(const Label& label) const {
  std::size_t hash;  // a label is the output of a keyed hash already
  std::memcpy(&hash, label.data(), sizeof hash);
  return hash;
}

Slices::Slices(std::unique_ptr<SlotFile> file, const Key256& master)
    : file_(std::move(file)),
      id_mac_(crypto::hkdf(master, "amanat/vault/slice-id/v1").bytes()),
      place_mac_(crypto::hkdf(master, "amanat/vault/slice-place/v1").bytes()) {
  insist(file_ != nullptr);
}

Slices::~Slices() {
  {
    const std::scoped_lock lock(pool_mutex_);
    stopping_ = true;
  }
  pool_low_.notify_all();
  if (filler_.joinable()) filler_.join();
}

Slices::Id Slices::id_of(std::uint64_t slot, const SlotFile::Salt& salt) const {
  Half left, right = salt;
  for (std::size_t i = 0; i < left.size(); ++i)
    left[i] = static_cast<std::uint8_t>(slot >> (56 - 8 * i));
  for (unsigned round = 0; round < kRounds; ++round)
    left = std::exchange(right, mix(id_mac_, round, right, left));
  Id id;
  std::copy(left.begin(), left.end(), id.begin());
  std::copy(right.begin(), right.end(), id.begin() + 8);
  return id;
}

std::pair<std::uint64_t, SlotFile::Salt> Slices::slot_of(const Id& id) const {
  Half left, right;
  std::copy_n(id.begin(), 8, left.begin());
  std::copy_n(id.begin() + 8, 8, right.begin());
  for (unsigned round = kRounds; round-- > 0;)
    right = std::exchange(left, mix(id_mac_, round, left, right));
  std::uint64_t slot = 0;
  for (const auto byte : left) slot = slot << 8 | byte;
  return {slot, right};
}

void Slices::keep_in(storage::Store& store) {
  insist(store_ == nullptr);
  store_ = &store;
}

std::string Slices::place_of(const Label& label) const {
  const Digest name = place_mac_.mac({label});
  return std::string(reinterpret_cast<const char*>(name.data()), kPlaceBytes);
}

std::string Slices::row_of(std::string place, std::uint32_t quarter) {
  put_number(place, quarter, 4);
  return place;
}

// A full shard is emptied rather than thinned out: with a store everything in it is kept there too.
void Slices::assign(Shard& shard, const Label& label, Assigned assigned) const {
  if (store_ != nullptr && shard.assigned.size() >= kShardMax) shard.assigned.clear();
  shard.assigned.emplace(label, assigned);
}

Result<void> Slices::recall(const Label& label, std::uint32_t quarter) {
  if (store_ == nullptr) return {};
  std::string slots;
  auto there = store_->get(storage::Table::slices, row_of(place_of(label), quarter), slots);
  if (!there) return std::unexpected(std::move(there.error()));
  if (slots.size() % kSlotBytes != 0) return fail(Reason::store_failed, "a row of slices");
  Shard& shard = shard_of(label);
  for (std::size_t at = 0; at < slots.size(); at += kSlotBytes) {
    const std::uint64_t slot = number_at(slots, at);
    const auto held = file_->read(slot);
    if (!held && held.error().reason == Reason::file_failed) return std::unexpected(held.error());
    if (!held) continue;  // destroyed, or of a newer slot file than the one restored
    const std::scoped_lock lock(shard.mutex);
    const auto [begin, end] = shard.assigned.equal_range(label);
    if (std::none_of(begin, end, [slot](const auto& one) { return one.second.slot == slot; }))
      assign(shard, label, Assigned{quarter, slot, id_of(slot, held->salt)});
  }
  return {};
}

// keep adds a slot to its row; the shard is locked, so nobody else adds to the same row.
Result<void> Slices::keep(const Label& label, std::uint32_t quarter, std::uint64_t slot) {
  if (store_ == nullptr) return {};
  const std::string row = row_of(place_of(label), quarter);
  std::string slots;
  auto there = store_->get(storage::Table::slices, row, slots);
  if (!there) return std::unexpected(std::move(there.error()));
  for (std::size_t at = 0; at + kSlotBytes <= slots.size(); at += kSlotBytes)
    if (number_at(slots, at) == slot) return {};
  put_number(slots, slot, kSlotBytes);
  storage::Batch batch;
  batch.put(storage::Table::slices, row, slots);
  return store_->write(batch, storage::Durability::buffered);
}

Result<std::optional<Slice>> Slices::live_slice(const Shard& shard, const Label& label,
                                                std::uint32_t quarter) const {
  const auto [begin, end] = shard.assigned.equal_range(label);
  for (auto it = begin; it != end; ++it) {
    if (it->second.quarter != quarter) continue;
    auto held = file_->read(it->second.slot);
    if (held) return Slice{it->second.id, std::move(held->key)};
    // A slice that no longer opens is as good as gone: the label gets another one.
    const Reason why = held.error().reason;
    if (why != Reason::erased && why != Reason::seal_broken)
      return std::unexpected(std::move(held.error()));
  }
  return std::optional<Slice>{};
}

Result<Slice> Slices::slice_for(const Label& label, Moment at) {
  const std::uint32_t quarter = quarter_of(at);
  Shard& shard = shard_of(label);
  {
    const std::scoped_lock lock(shard.mutex);
    auto found = live_slice(shard, label, quarter);
    if (!found) return std::unexpected(std::move(found.error()));
    if (*found) return *std::move(*found);
  }
  // May wait for a disk, so without the shard.
  if (auto recalled = recall(label, quarter); !recalled)
    return std::unexpected(std::move(recalled.error()));
  if (store_ != nullptr) {
    const std::scoped_lock lock(shard.mutex);
    auto found = live_slice(shard, label, quarter);
    if (!found) return std::unexpected(std::move(found.error()));
    if (*found) return *std::move(*found);
  }
  auto fresh = take_fresh();
  if (!fresh) return std::unexpected(std::move(fresh.error()));
  const std::scoped_lock lock(shard.mutex);
  auto raced = live_slice(shard, label, quarter);
  if (!raced) return std::unexpected(std::move(raced.error()));
  if (*raced) return *std::move(*raced);  // the fresh one is wasted, never given to anybody else
  if (auto kept = keep(label, quarter, fresh->slot); !kept)
    return std::unexpected(std::move(kept.error()));
  assign(shard, label, Assigned{quarter, fresh->slot, fresh->slice.id});
  return std::move(fresh->slice);
}

Result<Key256> Slices::key(const Id& id) const {
  const auto [slot, salt] = slot_of(id);
  auto held = file_->read(slot);
  if (!held) return std::unexpected(std::move(held.error()));
  if (held->salt != salt) return fail(Reason::key_missing, "a slice is not in slice.slots");
  return std::move(held->key);
}

Result<void> Slices::remember(const Id& id, const Label& label, Moment at) {
  const auto [slot, salt] = slot_of(id);
  const std::uint32_t quarter = quarter_of(at);
  Shard& shard = shard_of(label);
  const std::scoped_lock lock(shard.mutex);
  const auto [begin, end] = shard.assigned.equal_range(label);
  for (auto it = begin; it != end; ++it)
    if (it->second.slot == slot) return {};
  const auto held = file_->read(slot);
  // Forget what is destroyed already or was never in this slot file; keep what merely cannot be
  // read now, so that destroy() still reaches it.
  if (held ? held->salt != salt
           : held.error().reason == Reason::erased || held.error().reason == Reason::key_missing)
    return {};
  if (auto kept = keep(label, quarter, slot); !kept) return kept;
  assign(shard, label, Assigned{quarter, slot, id});
  return {};
}

// No lock is held over the sync: whoever asks meanwhile finds the key gone and gets a new slice.
Result<std::uint64_t> Slices::destroy(const Label& label) {
  Shard& shard = shard_of(label);
  std::vector<std::uint64_t> slots;
  std::vector<std::string> rows;
  if (store_ != nullptr) {
    const std::string place = place_of(label);
    auto read = store_->scan(
        storage::Table::slices, place, "", [&](std::string_view row, std::string_view kept) {
          rows.emplace_back(row);
          for (std::size_t at = 0; at + kSlotBytes <= kept.size(); at += kSlotBytes)
            slots.push_back(number_at(kept, at));
          return true;
        });
    if (!read) return std::unexpected(std::move(read.error()));
  }
  {
    const std::scoped_lock lock(shard.mutex);
    const auto [begin, end] = shard.assigned.equal_range(label);
    for (auto it = begin; it != end; ++it) slots.push_back(it->second.slot);
  }
  std::sort(slots.begin(), slots.end());
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  // A row may name a slot that an older slot file, restored, never had. What is erased already is
  // destroyed again: an earlier try may have failed before it was durable.
  std::erase_if(slots, [this](std::uint64_t slot) {
    const auto held = file_->read(slot);
    return !held && held.error().reason == Reason::key_missing;
  });
  if (auto destroyed = file_->destroy(slots); !destroyed)
    return std::unexpected(std::move(destroyed.error()));
  const std::scoped_lock lock(shard.mutex);
  const auto [begin, end] = shard.assigned.equal_range(label);
  for (auto it = begin; it != end;)
    it = std::find(slots.begin(), slots.end(), it->second.slot) == slots.end()
             ? std::next(it)
             : shard.assigned.erase(it);
  // Still under the lock, and read again: a slice assigned since the scan stays in its row.
  storage::Batch batch;
  for (const auto& row : rows) {
    std::string kept, left;
    auto read = store_->get(storage::Table::slices, row, kept);
    if (!read) return std::unexpected(std::move(read.error()));
    for (std::size_t at = 0; at + kSlotBytes <= kept.size(); at += kSlotBytes)
      if (!std::binary_search(slots.begin(), slots.end(), number_at(kept, at)))
        left.append(kept, at, kSlotBytes);
    if (left.empty())
      batch.erase(storage::Table::slices, row);
    else
      batch.put(storage::Table::slices, row, left);
  }
  if (!batch.empty())
    if (auto gone = store_->write(batch, storage::Durability::buffered); !gone)
      return std::unexpected(std::move(gone.error()));
  return slots.size();
}

// Only what is kept in the store is found: memory may have forgotten most of it. The system's slices
// (the label of zeros) hold no citizen and stay.
Result<std::uint64_t> Slices::destroy_before(Moment end) {
  if (store_ == nullptr) return fail(Reason::store_failed, "slices are kept in no store");
  const std::uint32_t before = quarter_of(end);
  const std::string system = place_of(Label{});
  std::vector<std::uint64_t> slots;
  std::vector<std::string> rows;
  auto read = store_->scan(
      storage::Table::slices, "", "", [&](std::string_view row, std::string_view kept) {
        if (row.size() != kPlaceBytes + 4 || row.starts_with(system) ||
            quarter_in(row.substr(kPlaceBytes)) >= before)
          return true;
        rows.emplace_back(row);
        for (std::size_t at = 0; at + kSlotBytes <= kept.size(); at += kSlotBytes)
          slots.push_back(number_at(kept, at));
        return true;
      });
  if (!read) return std::unexpected(std::move(read.error()));
  std::sort(slots.begin(), slots.end());
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  std::erase_if(slots, [this](std::uint64_t slot) {
    const auto held = file_->read(slot);
    return !held && held.error().reason == Reason::key_missing;
  });
  if (auto destroyed = file_->destroy(slots); !destroyed)
    return std::unexpected(std::move(destroyed.error()));
  for (Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    std::erase_if(shard.assigned, [&](const auto& one) {
      return std::binary_search(slots.begin(), slots.end(), one.second.slot);
    });
  }
  // A past quarter gets no new slices, so its rows go whole; only after the keys are gone for good.
  storage::Batch batch;
  for (const auto& row : rows) batch.erase(storage::Table::slices, row);
  if (!batch.empty())
    if (auto gone = store_->write(batch, storage::Durability::buffered); !gone)
      return std::unexpected(std::move(gone.error()));
  return slots.size();
}

Result<std::vector<Slices::Fresh>> Slices::make_fresh(std::size_t count) {
  std::vector<Fresh> fresh;
  fresh.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto held = file_->make();
    if (!held) return std::unexpected(std::move(held.error()));
    fresh.push_back(Fresh{held->slot, Slice{id_of(held->slot, held->salt), std::move(held->key)}});
  }
  if (auto synced = file_->sync(); !synced) return std::unexpected(std::move(synced.error()));
  return fresh;
}

Result<Slices::Fresh> Slices::take_fresh() {
  std::unique_lock lock(pool_mutex_);
  insist(!stopping_);
  if (!filler_.joinable()) filler_ = std::thread([this] { fill(); });
  if (pool_.size() <= kPool / 2 && !wanted_) {
    wanted_ = true;
    pool_low_.notify_one();
  }
  if (pool_.empty()) {
    lock.unlock();
    auto made = make_fresh(kInline);
    if (!made) return std::unexpected(std::move(made.error()));
    lock.lock();
    std::move(made->begin(), made->end(), std::back_inserter(pool_));
  }
  Fresh taken = std::move(pool_.back());
  pool_.pop_back();
  return taken;
}

// A refill that fails (the disk is full) is dropped here: the pool then runs dry, the caller that
// finds it so makes its own and is told why that fails, and the next call asks for a refill again.
void Slices::fill() {
  std::unique_lock lock(pool_mutex_);
  for (;;) {
    pool_low_.wait(lock, [this] { return wanted_ || stopping_; });
    if (stopping_) return;
    const std::size_t count = kPool - std::min(kPool, pool_.size());
    lock.unlock();
    auto made = make_fresh(count);
    lock.lock();
    wanted_ = false;
    if (made) std::move(made->begin(), made->end(), std::back_inserter(pool_));
  }
}

}  // namespace amanat::vault
