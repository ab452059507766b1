#include "storage/dump.h"

#include <cstdio>
#include <memory>

#include "model/insist.h"

namespace amanat::storage {
namespace {

// "amanat rows v1\n", then of each row: table (1), size of key (2), size of value (4), key, value;
// at the end ff and the number of rows (8). Integers are big-endian.
constexpr std::string_view kBegin = "amanat rows v1\n";
constexpr std::uint8_t kEnd = 0xff;
constexpr std::size_t kHead = 7, kTail = 9;
constexpr std::size_t kKeyMax = 1024, kValueMax = std::size_t{64} << 20;
constexpr std::size_t kBufferBytes = std::size_t{4} << 20, kBatchRows = 8192;

void append(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift));
}
std::uint64_t integer(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}
std::unexpected<Failure> damaged(std::uint64_t rows) {
  return fail(Reason::store_failed, "the dump is damaged after row " + std::to_string(rows));
}

}  // namespace

Result<std::uint64_t> write_dump(const Reader& reader, Disk& disk, const std::string& path) {
  auto file = disk.open(path, Disk::Open::create_new);
  if (!file) return std::unexpected(file.error());
  std::string buffer(kBegin);
  std::uint64_t offset = 0, rows = 0;
  Result<void> written;
  const auto flush = [&] {
    written = (*file)->write_at(offset, buffer);
    offset += buffer.size();
    buffer.clear();
    return written.has_value();
  };
  for (std::size_t t = 0; t < kTables; ++t) {
    auto scanned = reader.scan(static_cast<Table>(t), {}, {},
                               [&](std::string_view key, std::string_view value) {
                                 append(buffer, t, 1);
                                 append(buffer, key.size(), 2);
                                 append(buffer, value.size(), 4);
                                 buffer.append(key).append(value);
                                 ++rows;
                                 return buffer.size() < kBufferBytes || flush();
                               });
    if (!scanned) return std::unexpected(scanned.error());
    if (!written) return std::unexpected(written.error());
  }
  append(buffer, kEnd, 1);
  append(buffer, rows, 8);
  if (!flush()) return std::unexpected(written.error());
  if (auto synced = (*file)->sync(); !synced) return std::unexpected(synced.error());
  return rows;
}

// take reads one row from the front of `text`, or nothing if it is not whole yet: 0.
Result<std::size_t> DumpParser::take(std::string_view text, const Visit& visit) {
  if (ended_) return damaged(rows_);  // something follows the end
  if (!begun_) {
    if (text.size() < kBegin.size()) return std::size_t{0};
    if (!text.starts_with(kBegin)) return fail(Reason::store_failed, "this is no dump of rows");
    begun_ = true;
    return kBegin.size();
  }
  if (static_cast<std::uint8_t>(text[0]) == kEnd) {
    if (text.size() < kTail) return std::size_t{0};
    if (integer(text.substr(1, 8)) != rows_) return damaged(rows_);
    ended_ = true;
    return kTail;
  }
  if (text.size() < kHead) return std::size_t{0};
  const auto table = static_cast<std::uint8_t>(text[0]);
  const std::size_t key = integer(text.substr(1, 2)), value = integer(text.substr(3, 4));
  if (table >= kTables || key == 0 || key > kKeyMax || value > kValueMax) return damaged(rows_);
  if (text.size() - kHead < key + value) return std::size_t{0};
  auto seen =
      visit(static_cast<Table>(table), text.substr(kHead, key), text.substr(kHead + key, value));
  if (!seen) return std::unexpected(seen.error());
  ++rows_;
  return kHead + key + value;
}

Result<void> DumpParser::feed(std::string_view piece, const Visit& visit) {
  rest_.append(piece);
  std::string_view text = rest_;
  while (!text.empty()) {
    auto taken = take(text, visit);
    if (!taken) return std::unexpected(taken.error());
    if (*taken == 0) break;
    text.remove_prefix(*taken);
  }
  rest_.erase(0, rest_.size() - text.size());
  return {};
}

Result<std::uint64_t> DumpParser::finish() const {
  if (!ended_ || !rest_.empty()) return damaged(rows_);
  return rows_;
}

Result<std::uint64_t> read_dump(const std::string& path, Store& store) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             std::fclose);
  if (!file) return fail(Reason::file_failed, path);
  DumpParser parser;
  Batch batch;
  const DumpParser::Visit visit = [&](Table table, std::string_view key,
                                      std::string_view value) -> Result<void> {
    batch.put(table, key, value);
    if (batch.size() < kBatchRows && batch.bytes() < kBufferBytes) return {};
    auto written = store.write(batch, Durability::buffered);
    batch.clear();
    return written;
  };
  std::string piece(std::size_t{1} << 20, '\0');
  for (;;) {
    const std::size_t n = std::fread(piece.data(), 1, piece.size(), file.get());
    if (n == 0) break;
    if (auto fed = parser.feed(std::string_view(piece).substr(0, n), visit); !fed)
      return std::unexpected(fed.error());
  }
  if (std::ferror(file.get()) != 0) return fail(Reason::file_failed, path);
  auto rows = parser.finish();
  if (!rows) return rows;
  if (auto written = store.write(batch, Durability::buffered); !written)
    return std::unexpected(written.error());
  if (auto synced = store.sync(); !synced) return std::unexpected(synced.error());
  return rows;
}

}  // namespace amanat::storage
