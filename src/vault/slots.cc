#include "vault/slots.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "model/insist.h"

namespace amanat::vault {
namespace {

// A slot: nonce 12 | wrapped key 32 | tag 16 | state 1 | zero 3.
constexpr std::size_t kNonce = 12, kSealed = 48, kState = 60;
constexpr char kLive = 1, kDestroyed = 2;
constexpr std::uint64_t kChunkSlots = 4096;    // the file grows by 256 KiB
constexpr std::uint64_t kPendingMax = 65'536;  // 4 MiB wait for a sync at most
constexpr std::size_t kScanBytes = 1 << 20;
constexpr std::string_view kMagic = "amanat slots v1\n";
static_assert(kMagic.size() == 16 && kNonce + kSealed == kState && kState < SlotFile::kSlotBytes);

std::string_view word(SlotFile::Kind kind) {
  return kind == SlotFile::Kind::subject ? "subject" : "slice";
}

Key256 derive(const Key256& master, SlotFile::Kind kind, std::string_view use) {
  std::string info = "amanat/vault/slots/v1/";
  info.append(word(kind)).append("/").append(use);
  return crypto::hkdf(master, info);
}

// The header has the size of a slot: magic 16 | kind 1 | zero 15 | check 32. The check ties the
// file to its master key, so that a wrong one is found at the start and not at a citizen's lookup.
std::string header_of(SlotFile::Kind kind, const Key256& master) {
  const Digest check = crypto::Hmac(derive(master, kind, "check").bytes()).mac(kMagic);
  std::string out(kMagic);
  out.push_back(static_cast<char>(kind));
  out.append(15, '\0');
  out.append(crypto::text_of(check));
  insist(out.size() == SlotFile::kSlotBytes);
  return out;
}

std::array<std::uint8_t, 9> associated_of(SlotFile::Kind kind, std::uint64_t slot) {
  std::array<std::uint8_t, 9> out{static_cast<std::uint8_t>(kind)};
  for (std::size_t i = 0; i < 8; ++i) out[1 + i] = static_cast<std::uint8_t>(slot >> (56 - 8 * i));
  return out;
}

std::uint64_t offset_of(std::uint64_t slot) { return slot * SlotFile::kSlotBytes; }

bool all_zero(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == '\0'; });
}

const std::string& tombstone() {
  static const std::string bytes = [] {
    std::string b(SlotFile::kSlotBytes, '\0');
    b[kState] = kDestroyed;
    return b;
  }();
  return bytes;
}

std::span<const std::uint8_t, kNonce> nonce_of(std::string_view slot) {
  return std::span<const std::uint8_t, kNonce>(reinterpret_cast<const std::uint8_t*>(slot.data()),
                                               kNonce);
}

SlotFile::Salt salt_of(std::string_view slot) {
  SlotFile::Salt salt;
  std::memcpy(salt.data(), slot.data(), salt.size());
  return salt;
}

}  // namespace

SlotFile::SlotFile(storage::Disk& disk, std::string path, Kind kind, const Key256& master)
    : disk_(disk), path_(std::move(path)), kind_(kind), wrap_(derive(master, kind, "wrap")) {}

Result<void> SlotFile::create(storage::Disk& disk, const std::string& path, Kind kind,
                              const Key256& master) {
  auto file = disk.open(path, storage::Disk::Open::create_or_existing);
  if (!file) return std::unexpected(std::move(file.error()));
  const auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  // Only what an interrupted create leaves may be overwritten: wrapped keys whose master key is
  // elsewhere are not ours to lose.
  if (*size > kChunkSlots * kSlotBytes)
    return fail(Reason::key_missing, path + " holds keys, but their master.key is not here");
  std::string old;
  if (auto r = (*file)->read_at(0, static_cast<std::size_t>(*size), old); !r) return r;
  if (old.size() > kSlotBytes && !all_zero(std::string_view(old).substr(kSlotBytes)))
    return fail(Reason::key_missing, path + " holds keys, but their master.key is not here");
  std::string content = header_of(kind, master);
  content.resize(kChunkSlots * kSlotBytes, '\0');
  if (auto r = (*file)->write_at(0, content); !r) return r;
  return (*file)->sync();
}

Result<std::unique_ptr<SlotFile>> SlotFile::open(storage::Disk& disk, const std::string& path,
                                                 Kind kind, const Key256& master,
                                                 CacheShape cache) {
  insist(std::has_single_bit(cache.shards) && std::has_single_bit(cache.keys_per_shard));
  std::unique_ptr<SlotFile> slots(new SlotFile(disk, path, kind, master));
  auto file = disk.open(path, storage::Disk::Open::existing);
  if (!file) return fail(Reason::key_missing, file.error().detail);
  slots->file_ = std::move(*file);
  std::string header;
  if (auto r = slots->file_->read_at(0, kSlotBytes, header); !r) return std::unexpected(r.error());
  if (header.size() != kSlotBytes || !header.starts_with(kMagic) ||
      header[kMagic.size()] != static_cast<char>(kind))
    return fail(Reason::key_missing, path + " is not a slot file of its kind");
  if (!crypto::equal(crypto::bytes_of(header), crypto::bytes_of(header_of(kind, master))))
    return fail(Reason::key_missing, path + " belongs to another master.key");
  if (auto r = slots->find_end(); !r) return std::unexpected(r.error());
  slots->shards_ = std::vector<Shard>(cache.shards);
  slots->keys_per_shard_ = cache.keys_per_shard;
  for (auto& shard : slots->shards_) {
    auto handle = disk.open(path, storage::Disk::Open::existing);
    if (!handle) return std::unexpected(std::move(handle.error()));
    shard.file = std::move(*handle);
  }
  return slots;
}

// From the end backwards: usually one read, as at most one chunk and a lost tail are zero.
Result<void> SlotFile::find_end() {
  const auto size = file_->size();
  if (!size) return std::unexpected(size.error());
  allocated_ = *size / kSlotBytes;
  std::uint64_t end = *size;
  std::string bytes;
  while (end > 0) {
    const std::uint64_t begin = (end - 1) / kScanBytes * kScanBytes;
    bytes.clear();
    if (auto r = file_->read_at(begin, static_cast<std::size_t>(end - begin), bytes); !r) return r;
    const auto last = bytes.find_last_not_of('\0');
    if (last != std::string::npos) {
      next_ = durable_end_ = (begin + last) / kSlotBytes + 1;
      return {};
    }
    end = begin;
  }
  return fail(Reason::key_missing, path_ + " is empty");
}

// Bytes are drawn a block at a time: a system call for each key would double the cost of a slot.
void SlotFile::draw(std::span<std::uint8_t> out) {
  insist(out.size() <= random_.size());
  if (random_.size() - random_used_ < out.size()) {
    crypto::random_bytes(random_);
    random_used_ = 0;
  }
  std::memcpy(out.data(), random_.data() + random_used_, out.size());
  wipe(random_.data() + random_used_, out.size());
  random_used_ += out.size();
}

Result<SlotFile::Held> SlotFile::make() {
  Held held;
  bool full = false;
  {
    const std::scoped_lock lock(mutex_);
    std::array<std::uint8_t, kNonce> nonce;
    draw(nonce);
    draw(held.key.mutable_bytes());
    held.slot = next_;
    const std::size_t begin = pending_.size();
    pending_.append(reinterpret_cast<const char*>(nonce.data()), nonce.size());
    crypto::seal_with_nonce(wrap_, nonce, associated_of(kind_, held.slot), held.key.bytes(),
                            pending_);
    insist(pending_.size() - begin == kState);
    pending_.push_back(kLive);
    pending_.append(kSlotBytes - kState - 1, '\0');
    held.salt = salt_of(std::string_view(pending_).substr(begin));
    ++next_;
    full = next_ - durable_end_ >= kPendingMax;
  }
  if (full)
    if (auto synced = sync(); !synced) return std::unexpected(std::move(synced.error()));
  // Nobody else knows the number yet, so no destroy can pass by between the two locks.
  Shard& shard = shard_of(held.slot);
  const std::scoped_lock lock(shard.mutex);
  place_of(shard, held.slot) = Cached{held.slot, held.salt, held.key};
  return held;
}

Result<void> SlotFile::sync() {
  const std::scoped_lock lock(sync_mutex_);
  return flush_locked();
}

// After a failed fdatasync the kernel may have dropped the pages and forgotten the error, so the
// handle is worthless; what it should have written is still in pending_.
Result<void> SlotFile::reopen_if_broken() {
  if (!broken_) return {};
  auto file = disk_.open(path_, storage::Disk::Open::existing);
  if (!file) return std::unexpected(std::move(file.error()));
  file_ = std::move(*file);
  broken_ = false;
  return {};
}

Result<void> SlotFile::flush_locked() {
  std::string bytes;
  std::uint64_t begin = 0, end = 0;
  {
    const std::scoped_lock lock(mutex_);
    if (pending_.empty()) return {};
    bytes = pending_;
    begin = durable_end_;
    end = next_;
  }
  insist(bytes.size() == (end - begin) * kSlotBytes);
  if (auto r = reopen_if_broken(); !r) return r;
  std::uint64_t room = allocated_;
  if (end >
      allocated_) {  // whole chunks of zeros, so that most syncs need not change the file's size
    room = (end / kChunkSlots + 1) * kChunkSlots;
    bytes.resize((room - begin) * kSlotBytes, '\0');
  }
  if (auto r = file_->write_at(offset_of(begin), bytes); !r) return r;
  if (auto r = file_->sync(); !r) {
    broken_ = true;
    return r;
  }
  allocated_ = room;
  const std::scoped_lock lock(mutex_);
  pending_.erase(0, (end - begin) * kSlotBytes);
  durable_end_ = end;
  return {};
}

Result<std::string> SlotFile::bytes_of_slot(Shard& shard, std::uint64_t slot) const {
  {
    const std::scoped_lock lock(mutex_);
    if (slot == 0 || slot >= next_) return fail(Reason::key_missing, "no such slot in " + path_);
    if (slot >= durable_end_)
      return pending_.substr((slot - durable_end_) * kSlotBytes, kSlotBytes);
  }
  std::string bytes;
  if (auto r = shard.file->read_at(offset_of(slot), kSlotBytes, bytes); !r)
    return std::unexpected(std::move(r.error()));
  return bytes;
}

Result<SlotFile::Held> SlotFile::unwrap(std::uint64_t slot, std::string_view bytes) const {
  if (bytes.size() != kSlotBytes) return fail(Reason::seal_broken, "a slot is cut short");
  if (bytes == tombstone()) return fail(Reason::erased);
  if (all_zero(bytes)) return fail(Reason::key_missing, "a slot was never made in " + path_);
  if (bytes[kState] != kLive || !all_zero(bytes.substr(kState + 1)))
    return fail(Reason::seal_broken, "a slot has no known state");
  WipingBuffer plain;
  if (auto opened = crypto::open_with_nonce(wrap_, nonce_of(bytes), associated_of(kind_, slot),
                                            crypto::bytes_of(bytes.substr(kNonce, kSealed)), plain);
      !opened)
    return std::unexpected(std::move(opened.error()));
  insist(plain.size() == Key256::size());
  Held held{slot, salt_of(bytes), {}};
  std::memcpy(held.key.mutable_bytes().data(), plain.view().data(), Key256::size());
  return held;
}

Result<SlotFile::Held> SlotFile::read(std::uint64_t slot) const {
  Shard& shard = shard_of(slot);
  const std::scoped_lock lock(shard.mutex);
  Cached& place = place_of(shard, slot);
  if (slot != 0 && place.slot == slot) return Held{slot, place.salt, place.key};
  const auto bytes = bytes_of_slot(shard, slot);
  if (!bytes) return std::unexpected(bytes.error());
  auto held = unwrap(slot, *bytes);
  if (held) place = Cached{slot, held->salt, held->key};
  return held;
}

// Order: pwrite of every tombstone, eviction from the cache, one fdatasync. Before the sync returns
// nobody is told that the key is gone; from the eviction on nobody gets it any more.
Result<void> SlotFile::destroy(std::span<const std::uint64_t> slots) {
  if (slots.empty()) return {};
  const std::scoped_lock sync_lock(sync_mutex_);
  if (auto r = flush_locked(); !r) return r;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto slot : slots)
      if (slot == 0 || slot >= durable_end_)
        return fail(Reason::key_missing, "no such slot in " + path_);
  }
  if (auto r = reopen_if_broken(); !r) return r;
  for (const auto slot : slots) {
    if (auto r = file_->write_at(offset_of(slot), tombstone()); !r) return r;
    Shard& shard = shard_of(slot);
    const std::scoped_lock lock(shard.mutex);
    Cached& place = place_of(shard, slot);
    if (place.slot == slot) place = Cached{};
  }
  if (auto r = file_->sync(); !r) {
    broken_ = true;
    return r;
  }
  return {};
}

// The nonce stays: the salt is its first half, and openings name slices by it. Under another key it is
// as good as a new one.
Result<SlotFile::Counted> SlotFile::rewrap(const Rewrap& job) {
  auto old_slots = open(job.disk, job.from, job.kind, job.old_master, {1, 1});
  if (!old_slots) return std::unexpected(old_slots.error());
  const Key256 wrap = derive(job.new_master, job.kind, "wrap");
  auto to = job.disk.open(job.to, storage::Disk::Open::create_or_existing);
  if (!to) return std::unexpected(std::move(to.error()));
  if (auto cut = (*to)->truncate(0); !cut) return std::unexpected(cut.error());
  Counted out;
  const std::uint64_t room = std::max<std::uint64_t>((*old_slots)->allocated_, kChunkSlots);
  std::string bytes, chunk;
  for (std::uint64_t at = 0; at < room; at += kChunkSlots) {
    bytes.clear();
    chunk.clear();
    if (auto r = (*old_slots)->file_->read_at(offset_of(at), kChunkSlots * kSlotBytes, bytes); !r)
      return std::unexpected(r.error());
    bytes.resize(kChunkSlots * kSlotBytes, '\0');
    for (std::uint64_t i = 0; i < kChunkSlots; ++i) {
      const auto slot = std::string_view(bytes).substr(i * kSlotBytes, kSlotBytes);
      if (at + i == 0) {
        chunk += header_of(job.kind, job.new_master);
        continue;
      }
      auto held = (*old_slots)->unwrap(at + i, slot);
      if (!held) {
        out.destroyed += held.error().reason == Reason::erased ? 1 : 0;
        out.broken += held.error().reason == Reason::seal_broken ? 1 : 0;
        chunk += slot;
        continue;
      }
      ++out.live;
      chunk += slot.substr(0, kNonce);
      crypto::seal_with_nonce(wrap, nonce_of(slot), associated_of(job.kind, at + i),
                              held->key.bytes(), chunk);
      chunk += slot.substr(kState);
    }
    insist(chunk.size() == kChunkSlots * kSlotBytes);
    if (auto r = (*to)->write_at(offset_of(at), chunk); !r) return std::unexpected(r.error());
    if (job.progress) job.progress(at + kChunkSlots);
  }
  if (auto r = (*to)->sync(); !r) return std::unexpected(r.error());
  return out;
}

std::uint64_t SlotFile::end() const {
  const std::scoped_lock lock(mutex_);
  return next_;
}

}  // namespace amanat::vault
