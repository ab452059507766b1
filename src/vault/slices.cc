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
    : file_(std::move(file)), id_mac_(crypto::hkdf(master, "amanat/vault/slice-id/v1").bytes()) {
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
  auto fresh = take_fresh();  // may wait for a disk, so without the shard
  if (!fresh) return std::unexpected(std::move(fresh.error()));
  const std::scoped_lock lock(shard.mutex);
  auto raced = live_slice(shard, label, quarter);
  if (!raced) return std::unexpected(std::move(raced.error()));
  if (*raced) return *std::move(*raced);  // the fresh one is wasted, never given to anybody else
  shard.assigned.emplace(label, Assigned{quarter, fresh->slot, fresh->slice.id});
  return std::move(fresh->slice);
}

Result<Key256> Slices::key(const Id& id) const {
  const auto [slot, salt] = slot_of(id);
  auto held = file_->read(slot);
  if (!held) return std::unexpected(std::move(held.error()));
  if (held->salt != salt) return fail(Reason::key_missing, "a slice is not in slice.slots");
  return std::move(held->key);
}

void Slices::remember(const Id& id, const Label& label, Moment at) {
  const auto [slot, salt] = slot_of(id);
  const std::uint32_t quarter = quarter_of(at);
  Shard& shard = shard_of(label);
  const std::scoped_lock lock(shard.mutex);
  const auto [begin, end] = shard.assigned.equal_range(label);
  for (auto it = begin; it != end; ++it)
    if (it->second.slot == slot) return;
  const auto held = file_->read(slot);
  // Forget what is destroyed already or was never in this slot file; keep what merely cannot be
  // read now, so that destroy() still reaches it.
  if (held ? held->salt != salt
           : held.error().reason == Reason::erased || held.error().reason == Reason::key_missing)
    return;
  shard.assigned.emplace(label, Assigned{quarter, slot, id});
}

// No lock is held over the sync: whoever asks meanwhile finds the key gone and gets a new slice.
Result<std::uint64_t> Slices::destroy(const Label& label) {
  Shard& shard = shard_of(label);
  std::vector<std::uint64_t> slots;
  {
    const std::scoped_lock lock(shard.mutex);
    const auto [begin, end] = shard.assigned.equal_range(label);
    for (auto it = begin; it != end; ++it) slots.push_back(it->second.slot);
  }
  if (auto destroyed = file_->destroy(slots); !destroyed)
    return std::unexpected(std::move(destroyed.error()));
  const std::scoped_lock lock(shard.mutex);
  const auto [begin, end] = shard.assigned.equal_range(label);
  for (auto it = begin; it != end;)
    it = std::find(slots.begin(), slots.end(), it->second.slot) == slots.end()
             ? std::next(it)
             : shard.assigned.erase(it);
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
