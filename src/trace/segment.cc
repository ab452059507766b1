#include "trace/segment.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <queue>

#include "crypto/crypto.h"
#include "model/insist.h"

namespace amanat::trace {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "amanat postings 1\n";
constexpr std::size_t kHead = 4096, kPage = 4096, kBufferBytes = 4u << 20;
constexpr unsigned kBucketBitsMin = 18, kBucketBitsMax = 26;
constexpr std::uint8_t kOverflow = 255;

// The head's numbers, after the magic, at 32.
struct Head {
  std::uint64_t file_bytes, subjects, postings, bucket_bits, overflows;
  std::uint64_t posting_at, dir_at, tag_at, tail_at, count_at, base_at, overflow_at, covered_at,
      covered_bytes;
  std::uint8_t digest[32];  // SHA-256 of everything after the head
};
static_assert(sizeof(Head) == 14 * 8 + 32);
constexpr std::size_t kHeadAt = 32;

std::uint64_t up(std::uint64_t n) { return (n + kPage - 1) / kPage * kPage; }

// A bucket holds 2 to 4 subjects until there are 2^26 buckets.
unsigned bucket_bits_for(std::uint64_t subjects) {
  const unsigned bits = subjects < 4 ? 0 : static_cast<unsigned>(std::bit_width(subjects)) - 2;
  return std::clamp(bits, kBucketBitsMin, kBucketBitsMax);
}

std::uint32_t tag_of(std::uint64_t hash, unsigned bits) {
  return static_cast<std::uint32_t>(hash >> (32 - bits));
}
std::uint8_t tail_of(std::uint64_t hash, unsigned bits) {
  return bits == kBucketBitsMax ? std::uint8_t{0}
                                : static_cast<std::uint8_t>(hash >> (64 - kHashBits) &
                                                            ((1u << (kBucketBitsMax - bits)) - 1));
}

void put(std::string& out, std::uint64_t n) {
  char bytes[8];
  std::memcpy(bytes, &n, 8);
  out.append(bytes, 8);
}

std::string encode(const Covered& c) {
  std::string out;
  put(out, c.from);
  put(out, c.to);
  put(out, c.days.size());
  for (const auto& d : c.days) {
    put(out, d.day);
    put(out, d.entry);
  }
  put(out, c.field_sets.size());
  for (const auto& set : c.field_sets) {
    put(out, set.size());
    out.append(set);
  }
  return out;
}

template <class T>
std::string_view raw(const std::vector<T>& v) {
  return {reinterpret_cast<const char*>(v.data()), v.size() * sizeof(T)};
}

}  // namespace

struct SegmentWriter::State {
  std::unique_ptr<storage::File> file;
  std::string buffer;
  std::uint64_t at = kHead;  // where the buffer will go
  crypto::Sha256 digest;
  std::vector<std::uint64_t> hashes;
  std::vector<std::uint8_t> counts;
  std::vector<std::uint64_t> bases, overflows;
  std::uint64_t postings = 0;

  Result<void> flush() {
    if (buffer.empty()) return {};
    digest.update(buffer);
    auto written = file->write_at(at, buffer);
    at += buffer.size();
    buffer.clear();
    return written;
  }
  Result<void> write(std::string_view bytes) {
    if (buffer.size() + bytes.size() > kBufferBytes)
      if (auto r = flush(); !r) return r;
    if (bytes.size() > kBufferBytes) {
      buffer.assign(bytes);
      return flush();
    }
    buffer.append(bytes);
    return {};
  }
  Result<std::uint64_t> section(std::string_view bytes) {
    const std::uint64_t end = at + buffer.size();
    if (auto r = write(std::string(static_cast<std::size_t>(up(end) - end), '\0')); !r)
      return std::unexpected(r.error());
    if (auto r = write(bytes); !r) return std::unexpected(r.error());
    return up(end);
  }
};

SegmentWriter::SegmentWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
SegmentWriter::SegmentWriter(SegmentWriter&&) noexcept = default;
SegmentWriter::~SegmentWriter() = default;

Result<SegmentWriter> SegmentWriter::create(storage::Disk& disk, const std::string& path) {
  auto file = disk.open(path, storage::Disk::Open::create_or_existing);
  if (!file) return std::unexpected(file.error());
  // What a run that was killed left behind is overwritten, and must not stay behind our end.
  if (auto r = (*file)->truncate(0); !r) return std::unexpected(r.error());
  auto state = std::make_unique<State>();
  state->file = *std::move(file);
  state->buffer.reserve(kBufferBytes);
  return SegmentWriter(std::move(state));
}

Result<void> SegmentWriter::add(std::uint64_t hash, std::span<const std::uint64_t> postings) {
  State& s = *state_;
  insist(!postings.empty());
  insist((hash & ~kHashMask) == 0);
  insist(s.hashes.empty() || hash > s.hashes.back());
  insist(std::is_sorted(postings.begin(), postings.end()));
  if (s.hashes.size() % 64 == 0) s.bases.push_back(s.postings);
  if (postings.size() >= kOverflow) {
    s.overflows.push_back(s.hashes.size());
    s.overflows.push_back(postings.size());
  }
  s.hashes.push_back(hash);
  s.counts.push_back(static_cast<std::uint8_t>(std::min<std::size_t>(postings.size(), kOverflow)));
  s.postings += postings.size();
  return s.write({reinterpret_cast<const char*>(postings.data()), postings.size_bytes()});
}

Result<void> SegmentWriter::finish(const Covered& covered) {
  State& s = *state_;
  insist(s.hashes.size() < 0xffffffff);
  const unsigned bits = bucket_bits_for(s.hashes.size());
  Head head{};
  head.subjects = s.hashes.size();
  head.postings = s.postings;
  head.bucket_bits = bits;
  head.overflows = s.overflows.size() / 2;
  head.posting_at = kHead;

  std::vector<std::uint32_t> words((std::size_t{1} << bits) + 1);
  for (const std::uint64_t h : s.hashes) ++words[(h >> (64 - bits)) + 1];
  for (std::size_t i = 1; i < words.size(); ++i) words[i] += words[i - 1];
  const auto take = [&](std::uint64_t& place, std::string_view bytes) -> Result<void> {
    auto at = s.section(bytes);
    if (!at) return std::unexpected(at.error());
    place = *at;
    return {};
  };
  if (auto r = take(head.dir_at, raw(words)); !r) return r;
  words.resize(s.hashes.size());
  std::transform(s.hashes.begin(), s.hashes.end(), words.begin(),
                 [bits](std::uint64_t h) { return tag_of(h, bits); });
  if (auto r = take(head.tag_at, raw(words)); !r) return r;
  if (bits < kBucketBitsMax) {
    std::vector<std::uint8_t> tails(s.hashes.size());
    std::transform(s.hashes.begin(), s.hashes.end(), tails.begin(),
                   [bits](std::uint64_t h) { return tail_of(h, bits); });
    if (auto r = take(head.tail_at, raw(tails)); !r) return r;
  }
  const std::string about = encode(covered);
  head.covered_bytes = about.size();
  // A search reads the counts of whole groups of 64.
  s.counts.resize((s.counts.size() + 63) / 64 * 64);
  if (auto r = take(head.count_at, raw(s.counts)); !r) return r;
  if (auto r = take(head.base_at, raw(s.bases)); !r) return r;
  if (auto r = take(head.overflow_at, raw(s.overflows)); !r) return r;
  if (auto r = take(head.covered_at, about); !r) return r;
  if (auto r = s.flush(); !r) return r;
  head.file_bytes = s.at;
  const Digest digest = s.digest.finish();
  std::copy(digest.begin(), digest.end(), head.digest);
  std::string first(kHead, '\0');
  std::memcpy(first.data(), kMagic.data(), kMagic.size());
  std::memcpy(first.data() + kHeadAt, &head, sizeof head);
  if (auto r = s.file->write_at(0, first); !r) return r;
  return s.file->sync();
}

Result<Segment> Segment::open(const std::string& path) {
  auto mapping = storage::Mapping::open(path);
  if (!mapping) return std::unexpected(mapping.error());
  Segment segment(*std::move(mapping));
  if (auto r = segment.place(); !r) return std::unexpected(r.error());
  return segment;
}

Result<void> Segment::place() {
  const std::string_view all = mapping_.bytes();
  const auto wrong = [] { return fail(Reason::ledger_corrupt, "a segment of the trace index"); };
  if (all.size() < kHead || !all.starts_with(kMagic)) return wrong();
  Head h{};
  std::memcpy(&h, all.data() + kHeadAt, sizeof h);
  const std::uint64_t size = all.size();
  if (h.file_bytes != size || h.bucket_bits < kBucketBitsMin || h.bucket_bits > kBucketBitsMax)
    return wrong();
  if (h.subjects > size || h.postings > size / 8 || h.overflows > size) return wrong();
  const std::uint64_t counts = (h.subjects + 63) / 64 * 64;
  const auto inside = [&](std::uint64_t at, std::uint64_t bytes) {
    return at % kPage == 0 && at >= kHead && at <= size && bytes <= size - at;
  };
  const bool whole = inside(h.posting_at, h.postings * 8) &&
                     inside(h.dir_at, ((std::uint64_t{1} << h.bucket_bits) + 1) * 4) &&
                     inside(h.tag_at, h.subjects * 4) &&
                     (h.bucket_bits == kBucketBitsMax || inside(h.tail_at, h.subjects)) &&
                     inside(h.count_at, counts) && inside(h.base_at, counts / 64 * 8) &&
                     inside(h.overflow_at, h.overflows * 16) &&
                     inside(h.covered_at, h.covered_bytes);
  if (!whole) return wrong();
  subjects_ = h.subjects;
  postings_ = h.postings;
  overflows_ = h.overflows;
  bucket_bits_ = static_cast<unsigned>(h.bucket_bits);
  const char* d = all.data();
  posting_ = reinterpret_cast<const std::uint64_t*>(d + h.posting_at);
  dir_ = reinterpret_cast<const std::uint32_t*>(d + h.dir_at);
  tag_ = reinterpret_cast<const std::uint32_t*>(d + h.tag_at);
  if (bucket_bits_ < kBucketBitsMax) tail_ = reinterpret_cast<const std::uint8_t*>(d + h.tail_at);
  count_ = reinterpret_cast<const std::uint8_t*>(d + h.count_at);
  base_ = reinterpret_cast<const std::uint64_t*>(d + h.base_at);
  overflow_ = reinterpret_cast<const std::uint64_t*>(d + h.overflow_at);
  covered_ = all.substr(h.covered_at, h.covered_bytes);
  if (dir_[std::uint64_t{1} << bucket_bits_] != subjects_) return wrong();
  return {};
}

std::uint32_t Segment::count_of(std::uint64_t i) const {
  if (count_[i] != kOverflow) return count_[i];
  std::uint64_t low = 0, high = overflows_;
  while (low < high) {
    const std::uint64_t mid = (low + high) / 2;
    if (overflow_[2 * mid] < i)
      low = mid + 1;
    else
      high = mid;
  }
  insist(low < overflows_ && overflow_[2 * low] == i);
  return static_cast<std::uint32_t>(overflow_[2 * low + 1]);
}

std::uint64_t Segment::place_of(std::uint64_t i) const {
  std::uint64_t at = base_[i / 64];
  for (std::uint64_t k = i / 64 * 64; k < i; ++k)
    at += count_[k] == kOverflow ? count_of(k) : count_[k];
  return at;
}

std::uint64_t Segment::hash_of(std::uint64_t i) const {
  // The bucket is where the directory passes i.
  const std::uint32_t* end = dir_ + (std::size_t{1} << bucket_bits_) + 1;
  const auto bucket = static_cast<std::uint64_t>(
      std::upper_bound(dir_, end, static_cast<std::uint32_t>(i)) - dir_ - 1);
  std::uint64_t hash = bucket << (64 - bucket_bits_) | static_cast<std::uint64_t>(tag_[i])
                                                           << (32 - bucket_bits_);
  if (tail_ != nullptr) hash |= static_cast<std::uint64_t>(tail_[i]) << (64 - kHashBits);
  return hash & kHashMask;
}

void Segment::find(std::span<const std::uint64_t> hashes, std::vector<Found>& found) const {
  // Three places of memory an answer depends on, one after the other: each is asked for ahead, for
  // a batch of queries, so that the misses overlap.
  constexpr std::size_t kBatch = 32;
  const unsigned bits = bucket_bits_;
  for (std::size_t begin = 0; begin < hashes.size(); begin += kBatch) {
    const std::size_t n = std::min(kBatch, hashes.size() - begin);
    std::uint32_t subject[kBatch];
    for (std::size_t i = 0; i < n; ++i)
      __builtin_prefetch(dir_ + (hashes[begin + i] >> (64 - bits)));
    for (std::size_t i = 0; i < n; ++i) {
      subject[i] = dir_[hashes[begin + i] >> (64 - bits)];
      __builtin_prefetch(tag_ + subject[i]);
      if (tail_ != nullptr) __builtin_prefetch(tail_ + subject[i]);
    }
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint64_t hash = hashes[begin + i];
      const std::uint32_t end = dir_[(hash >> (64 - bits)) + 1], tag = tag_of(hash, bits);
      const std::uint8_t tail = tail_of(hash, bits);
      std::uint32_t s = subject[i];
      while (s < end && (tag_[s] < tag || (tag_[s] == tag && tail_ != nullptr && tail_[s] < tail)))
        ++s;
      const bool hit = s < end && tag_[s] == tag && (tail_ == nullptr || tail_[s] == tail);
      subject[i] = hit ? s : 0xffffffff;
      if (!hit) continue;
      __builtin_prefetch(count_ + s / 64 * 64);
      __builtin_prefetch(base_ + s / 64);
    }
    for (std::size_t i = 0; i < n; ++i) {
      if (subject[i] == 0xffffffff) continue;
      const Found f{static_cast<std::uint32_t>(begin + i), count_of(subject[i]),
                    place_of(subject[i])};
      __builtin_prefetch(posting_ + f.first);
      found.push_back(f);
    }
  }
}

Covered Segment::covered() const {
  Covered c;
  std::string_view rest = covered_;
  const auto number = [&]() -> std::uint64_t {
    if (rest.size() < 8) return 0;
    std::uint64_t n = 0;
    std::memcpy(&n, rest.data(), 8);
    rest.remove_prefix(8);
    return n;
  };
  c.from = number();
  c.to = number();
  for (std::uint64_t n = std::min<std::uint64_t>(number(), rest.size() / 16); n > 0; --n) {
    const std::uint64_t day = number();
    c.days.push_back({day, number()});
  }
  for (std::uint64_t n = std::min<std::uint64_t>(number(), kFieldSetsMax); n > 0; --n) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(number(), rest.size()));
    c.field_sets.emplace_back(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  return c;
}

bool Segment::warm() const { return mapping_.resident(kHead, postings_ * 8, 256) >= 0.5; }

void Segment::want(std::span<const Found> found) const {
  // Neighbours on one page, or nearly, are one wish.
  for (std::size_t i = 0; i < found.size();) {
    const std::uint64_t begin = found[i].first;
    std::uint64_t end = begin + found[i].count;
    for (++i; i < found.size() && found[i].first <= end + kPage / 8; ++i)
      end = found[i].first + found[i].count;
    mapping_.want(kHead + begin * 8, (end - begin) * 8);
  }
}

void Segment::expect_sequential() const {
  mapping_.expect(storage::Mapping::Access::sequential, kHead, postings_ * 8);
}
void Segment::expect_random() const {
  mapping_.expect(storage::Mapping::Access::random, kHead, postings_ * 8);
}

Result<void> Segment::check() const {
  const std::string_view all = mapping_.bytes();
  Head h{};
  std::memcpy(&h, all.data() + kHeadAt, sizeof h);
  const Digest digest = crypto::sha256(all.substr(kHead));
  if (!std::equal(digest.begin(), digest.end(), h.digest))
    return fail(Reason::ledger_corrupt, "a segment of the trace index");
  return {};
}

Result<void> merge(storage::Disk& disk, const std::string& path,
                   std::span<const Segment* const> from) {
  auto writer = SegmentWriter::create(disk, path);
  if (!writer) return std::unexpected(writer.error());
  struct Cursor {
    std::uint64_t hash;
    std::size_t segment;
    bool operator>(const Cursor& o) const {
      return hash != o.hash ? hash > o.hash : segment > o.segment;
    }
  };
  std::vector<std::uint64_t> at(from.size()), place(from.size());
  std::priority_queue<Cursor, std::vector<Cursor>, std::greater<>> next;
  Covered all;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const Covered c = from[i]->covered();
    if (i == 0) all.from = c.from;
    insist(i == 0 || all.to == c.from);
    all.to = c.to;
    for (const auto& day : c.days)
      if (all.days.empty() || all.days.back().day < day.day) all.days.push_back(day);
    all.field_sets = c.field_sets;
    if (from[i]->subjects() > 0) next.push({from[i]->hash_of(0), i});
  }
  std::vector<std::uint64_t> postings;
  while (!next.empty()) {
    const std::uint64_t hash = next.top().hash;
    postings.clear();
    while (!next.empty() && next.top().hash == hash) {
      const std::size_t i = next.top().segment;
      next.pop();
      const std::uint32_t count = from[i]->count_of(at[i]);
      const auto some = from[i]->postings_of({0, count, place[i]});
      postings.insert(postings.end(), some.begin(), some.end());
      place[i] += count;
      if (++at[i] < from[i]->subjects()) next.push({from[i]->hash_of(at[i]), i});
    }
    std::sort(postings.begin(), postings.end());
    if (auto r = writer->add(hash, postings); !r) return r;
  }
  return writer->finish(all);
}

}  // namespace amanat::trace
