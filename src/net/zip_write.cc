#include "net/zip_write.h"

#include <zlib.h>

#include <array>

#include "model/insist.h"
#include "model/secret.h"

namespace amanat::net {
namespace {

constexpr std::uint64_t kMost = 0xffff'ffff;
constexpr std::uint16_t kVersion = 20;     // deflate
constexpr std::uint16_t kFlags = 1u << 3;  // crc and sizes follow the content
constexpr std::uint16_t kDeflated = 8;
constexpr std::uint16_t kDate =
    (2000 - 1980) << 9 | 1 << 5 | 1;  // no time of making leaves with it

void put_u16(std::string& out, std::uint32_t n) {
  out.push_back(static_cast<char>(n & 0xff));
  out.push_back(static_cast<char>(n >> 8 & 0xff));
}
void put_u32(std::string& out, std::uint64_t n) {
  put_u16(out, static_cast<std::uint32_t>(n & 0xffff));
  put_u16(out, static_cast<std::uint32_t>(n >> 16 & 0xffff));
}

}  // namespace

struct ZipWriter::Deflater {
  z_stream stream{};
  std::array<char, 64 * 1024> out{};
  Deflater() { insist(deflateInit2(&stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK); }
  ~Deflater() {
    deflateEnd(&stream);
    wipe(out.data(), out.size());
  }
};

ZipWriter::ZipWriter(Sink sink) : sink_(std::move(sink)) {}
ZipWriter::ZipWriter(ZipWriter&&) noexcept = default;
ZipWriter::~ZipWriter() = default;

Result<void> ZipWriter::put(std::string_view bytes) {
  at_ += bytes.size();
  if (at_ > kMost) return fail(Reason::value_too_long, "an archive of 4 GiB");
  return sink_(bytes);
}

Result<void> ZipWriter::begin(std::string_view name) {
  insist(!open_ && !name.empty() && name.size() < 0xffff);
  Entry& entry = entries_.emplace_back();
  entry.name = name;
  entry.header = at_;
  entry.crc = static_cast<std::uint32_t>(crc32(0, nullptr, 0));
  open_ = true;
  deflater_ = std::make_unique<Deflater>();
  std::string head = "PK\x03\x04";
  put_u16(head, kVersion);
  put_u16(head, kFlags);
  put_u16(head, kDeflated);
  put_u16(head, 0);
  put_u16(head, kDate);
  for (int i = 0; i < 3; ++i) put_u32(head, 0);
  put_u16(head, static_cast<std::uint32_t>(name.size()));
  put_u16(head, 0);
  head += name;
  return put(head);
}

Result<void> ZipWriter::deflate(std::string_view content, int flush) {
  z_stream& z = deflater_->stream;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  z.avail_in = static_cast<uInt>(content.size());
  int state = Z_OK;
  do {
    z.next_out = reinterpret_cast<Bytef*>(deflater_->out.data());
    z.avail_out = static_cast<uInt>(deflater_->out.size());
    state = ::deflate(&z, flush);
    insist(state != Z_STREAM_ERROR);
    const std::size_t made = deflater_->out.size() - z.avail_out;
    if (made == 0) continue;
    entries_.back().packed += made;
    if (auto done = put({deflater_->out.data(), made}); !done) return done;
  } while (z.avail_out == 0 || (flush == Z_FINISH && state != Z_STREAM_END));
  insist(z.avail_in == 0);
  return {};
}

Result<void> ZipWriter::write(std::string_view content) {
  insist(open_);
  constexpr std::size_t kStep = 1u << 20;
  for (std::size_t at = 0; at < content.size(); at += kStep) {
    const std::string_view step = content.substr(at, kStep);
    Entry& entry = entries_.back();
    entry.crc = static_cast<std::uint32_t>(crc32(
        entry.crc, reinterpret_cast<const Bytef*>(step.data()), static_cast<uInt>(step.size())));
    entry.unpacked += step.size();
    if (entry.unpacked > kMost) return fail(Reason::value_too_long, "an entry of 4 GiB");
    if (auto done = deflate(step, Z_NO_FLUSH); !done) return done;
  }
  return {};
}

Result<void> ZipWriter::end() {
  insist(open_);
  if (auto done = deflate({}, Z_FINISH); !done) return done;
  open_ = false;
  deflater_.reset();
  std::string tail = "PK\x07\x08";
  put_u32(tail, entries_.back().crc);
  put_u32(tail, entries_.back().packed);
  put_u32(tail, entries_.back().unpacked);
  return put(tail);
}

Result<void> ZipWriter::finish() {
  insist(!open_ && !entries_.empty() && entries_.size() < 0xffff);
  const std::uint64_t begin = at_;
  for (const Entry& entry : entries_) {
    std::string line = "PK\x01\x02";
    put_u16(line, kVersion);
    put_u16(line, kVersion);
    put_u16(line, kFlags);
    put_u16(line, kDeflated);
    put_u16(line, 0);
    put_u16(line, kDate);
    put_u32(line, entry.crc);
    put_u32(line, entry.packed);
    put_u32(line, entry.unpacked);
    put_u16(line, static_cast<std::uint32_t>(entry.name.size()));
    for (int i = 0; i < 4; ++i) put_u16(line, 0);  // extra, comment, disk, inner attributes
    put_u32(line, 0);
    put_u32(line, entry.header);
    line += entry.name;
    if (auto done = put(line); !done) return done;
  }
  std::string close = "PK\x05\x06";
  put_u32(close, 0);
  put_u16(close, static_cast<std::uint32_t>(entries_.size()));
  put_u16(close, static_cast<std::uint32_t>(entries_.size()));
  put_u32(close, at_ - begin);
  put_u32(close, begin);
  put_u16(close, 0);
  return put(close);
}

}  // namespace amanat::net
