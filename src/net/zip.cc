#include "net/zip.h"

#include <algorithm>
#include <optional>

#include "model/insist.h"

// Invariants
//  1. No byte count of the archive is believed before it was compared with the archive's size.
//  2. The bytes of two entries never overlap: one stored kernel cannot be unpacked a thousand times
//     ("A better zip bomb", Fifield 2019).

namespace amanat::net {
namespace {

constexpr std::size_t kEndBytes = 22, kCentralBytes = 46, kLocalBytes = 30, kLocatorBytes = 20,
                      kEnd64Bytes = 56, kCommentMax = 65535, kPieceBytes = 64 * 1024;

std::unexpected<Failure> broken(const char* what) { return fail(Reason::archive_broken, what); }

std::uint64_t number(std::string_view s, std::size_t at, unsigned bytes) {
  insist(at + bytes <= s.size());
  std::uint64_t n = 0;
  for (unsigned i = 0; i < bytes; ++i)
    n |= static_cast<std::uint64_t>(static_cast<unsigned char>(s[at + i])) << (8 * i);
  return n;
}

struct Directory {
  std::uint64_t offset = 0, size = 0, entries = 0;
};

Result<Directory> find_directory(const ReadAt& read, std::uint64_t size) {
  const std::uint64_t from = size > kEndBytes + kCommentMax ? size - kEndBytes - kCommentMax : 0;
  std::string tail;
  if (auto r = read(from, static_cast<std::size_t>(size - from), tail); !r)
    return std::unexpected(r.error());
  const std::size_t at = tail.rfind(std::string_view("PK\5\6", 4));
  if (at == std::string::npos || at + kEndBytes > tail.size()) return broken("no ZIP directory");
  Directory d{number(tail, at + 16, 4), number(tail, at + 12, 4), number(tail, at + 10, 2)};
  const bool wide = d.offset == 0xffffffff || d.size == 0xffffffff || d.entries == 0xffff;
  if (wide && at >= kLocatorBytes &&
      tail.compare(at - kLocatorBytes, 4, std::string_view("PK\6\7", 4)) == 0) {
    const std::uint64_t end64 = number(tail, at - kLocatorBytes + 8, 8);
    std::string head;
    if (end64 >= size) return broken("a ZIP64 directory outside the archive");
    if (auto r = read(end64, kEnd64Bytes, head); !r) return std::unexpected(r.error());
    if (head.size() < kEnd64Bytes || !head.starts_with(std::string_view("PK\6\6", 4)))
      return broken("a ZIP64 directory");
    d = {number(head, 48, 8), number(head, 40, 8), number(head, 32, 8)};
  }
  if (d.offset > size || d.size > size - d.offset) return broken("a directory outside the archive");
  return d;
}

// The ZIP64 extra field has those numbers, in this order, that the entry has no room for.
void widen(ZipEntry& entry, std::string_view extra) {
  for (std::size_t at = 0; at + 4 <= extra.size();) {
    const auto id = number(extra, at, 2);
    const auto length = static_cast<std::size_t>(number(extra, at + 2, 2));
    if (at + 4 + length > extra.size()) return;
    if (id == 1) {
      std::string_view rest = extra.substr(at + 4, length);
      for (std::uint64_t* n : {&entry.unpacked, &entry.packed, &entry.header}) {
        if (*n != 0xffffffff || rest.size() < 8) continue;
        *n = number(rest, 0, 8);
        rest.remove_prefix(8);
      }
      return;
    }
    at += 4 + length;
  }
}

// apart gives every entry the bytes up to the next one, and refuses those that need more.
Result<void> apart(std::vector<ZipEntry>& entries, std::uint64_t directory) {
  std::vector<ZipEntry*> order;
  for (auto& entry : entries) order.push_back(&entry);
  std::sort(order.begin(), order.end(),
            [](const ZipEntry* a, const ZipEntry* b) { return a->header < b->header; });
  for (std::size_t i = 0; i < order.size(); ++i) {
    ZipEntry& e = *order[i];
    e.end = i + 1 < order.size() ? order[i + 1]->header : directory;
    if (e.header > e.end || e.packed > e.end - e.header ||
        e.end - e.header - e.packed < kLocalBytes)
      return broken("entries that overlap or lie outside the archive");
  }
  return {};
}

}  // namespace

Result<std::vector<ZipEntry>> zip_entries(const ReadAt& read, std::uint64_t size,
                                          const ZipLimits& limits) {
  auto directory = find_directory(read, size);
  if (!directory) return std::unexpected(directory.error());
  if (directory->entries > limits.entries_max) return broken("too many entries");
  if (directory->size > limits.directory_bytes_max) return broken("too large a directory");
  std::string text;
  if (auto r = read(directory->offset, static_cast<std::size_t>(directory->size), text); !r)
    return std::unexpected(r.error());
  std::vector<ZipEntry> entries;
  for (std::size_t at = 0; entries.size() < directory->entries;) {
    if (at + kCentralBytes > text.size() || text.compare(at, 4, std::string_view("PK\1\2", 4)) != 0)
      return broken("a directory that ends too early");
    const auto name = static_cast<std::size_t>(number(text, at + 28, 2));
    const auto extra = static_cast<std::size_t>(number(text, at + 30, 2));
    const auto comment = static_cast<std::size_t>(number(text, at + 32, 2));
    if (at + kCentralBytes + name + extra + comment > text.size())
      return broken("a directory that ends too early");
    ZipEntry entry;
    entry.encrypted = (number(text, at + 8, 2) & 1) != 0;
    entry.method = static_cast<std::uint16_t>(number(text, at + 10, 2));
    entry.crc = static_cast<std::uint32_t>(number(text, at + 16, 4));
    entry.packed = number(text, at + 20, 4);
    entry.unpacked = number(text, at + 24, 4);
    entry.header = number(text, at + 42, 4);
    entry.name = text.substr(at + kCentralBytes, name);
    widen(entry, std::string_view(text).substr(at + kCentralBytes + name, extra));
    entries.push_back(std::move(entry));
    at += kCentralBytes + name + extra + comment;
  }
  if (auto r = apart(entries, directory->offset); !r) return std::unexpected(r.error());
  return entries;
}

Result<ZipStream> ZipStream::open(const ReadAt& read, const ZipEntry& entry) {
  if (entry.encrypted) return broken("an encrypted entry");
  if (entry.method != 0 && entry.method != 8) return broken("an unknown method of compression");
  std::string head;
  if (auto r = read(entry.header, kLocalBytes, head); !r) return std::unexpected(r.error());
  if (head.size() < kLocalBytes || !head.starts_with(std::string_view("PK\3\4", 4)))
    return broken("an entry without its header");
  const std::uint64_t begin =
      entry.header + kLocalBytes + number(head, 26, 2) + number(head, 28, 2);
  // The local header's own lengths could push it into its neighbour.
  if (begin > entry.end || entry.packed > entry.end - begin)
    return broken("entries that overlap or lie outside the archive");
  return ZipStream(read, entry, begin);
}

Result<bool> ZipStream::stored(std::size_t bytes_max, std::string& out) {
  const std::size_t piece = static_cast<std::size_t>(
      std::min<std::uint64_t>(std::min(bytes_max, kPieceBytes), entry_.packed - taken_));
  const std::size_t before = out.size();
  if (auto r = (*read_)(at_ + taken_, piece, out); !r) return std::unexpected(r.error());
  if (out.size() - before != piece) return broken("an entry that ends too early");
  taken_ += piece;
  return taken_ == entry_.packed;
}

Result<bool> ZipStream::deflated(std::size_t bytes_max, std::string& out) {
  if (used_ == packed_.size()) {
    const std::size_t piece =
        static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, entry_.packed - taken_));
    packed_.clear();
    used_ = 0;
    if (auto r = (*read_)(at_ + taken_, piece, packed_); !r) return std::unexpected(r.error());
    if (packed_.empty()) return broken("an entry that ends too early");
    taken_ += packed_.size();
  }
  std::string_view in = std::string_view(packed_).substr(used_);
  auto done = inflater_.inflate(in, bytes_max, out);
  used_ = packed_.size() - in.size();
  return done;
}

Result<bool> ZipStream::next(std::size_t bytes_max, std::string& out) {
  if (ended_) return false;
  const std::size_t before = out.size();
  auto done = entry_.method == 0 ? stored(bytes_max, out) : deflated(bytes_max, out);
  if (!done) return done;
  given_ += out.size() - before;
  crc_ = crc32(crc_, std::string_view(out).substr(before));
  ended_ = *done;
  if (given_ > entry_.unpacked) return broken("an entry longer than it says");
  if (ended_ && (given_ != entry_.unpacked || crc_ != entry_.crc))
    return broken("an entry with a wrong checksum");
  return true;
}

}  // namespace amanat::net
