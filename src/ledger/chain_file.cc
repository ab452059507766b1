// The chain file: a header of 64 bytes, then sealed blocks (docs/ledger-frames.md section 9).

#include <algorithm>
#include <cstring>

#include "ledger/big_endian.h"
#include "ledger/by_citizen.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::string_view kMagic = "AMNCHN01";
constexpr std::size_t kHeader = 64;
constexpr std::size_t kBlockHead = 4 + 4 + 8 + 8;  // sealed bytes, lines, from, to
constexpr std::size_t kEntryLine = 1 + 8 + 32 + 32 + 8, kEpochLine = 1 + 8 + 56, kRunLine = 1 + 8;
constexpr std::size_t kSealedMax = 512 * kEntryLine + crypto::kAeadOverhead;
constexpr unsigned kPlaceBits = 16;

std::string header_of(const Digest& log) {
  std::string out(kMagic);
  out += crypto::text_of(log);
  out.resize(kHeader, '\0');
  return out;
}

std::string associated(const Digest& log, std::uint64_t offset, std::string_view head) {
  std::string out(crypto::text_of(log));
  append_number(out, offset);
  return out += head;
}

void encode_line(WipingBuffer& out, const ChainLine& line) {
  std::string bytes;
  bytes.push_back(static_cast<char>(line.kind));
  append_number(bytes, line.index);
  if (line.kind == ChainLine::Kind::epoch) {
    bytes += tail_of_epoch(line.epoch);
  } else if (line.kind == ChainLine::Kind::entry) {
    bytes += crypto::text_of(line.label);
    bytes += crypto::text_of(line.leaf);
    append_number(bytes, line.before);
  }
  out.append(bytes);
}

bool decode_lines(std::string_view plain, std::size_t count, std::vector<ChainLine>& out) {
  Cursor cursor(plain);
  for (std::size_t i = 0; i < count; ++i) {
    ChainLine& line = out.emplace_back();
    const unsigned kind = cursor.number<std::uint8_t>();
    line.index = cursor.number<std::uint64_t>();
    if (kind < 1 || kind > 3) return false;
    line.kind = static_cast<ChainLine::Kind>(kind);
    if (line.kind == ChainLine::Kind::run) continue;
    if (line.kind == ChainLine::Kind::epoch) {
      const auto tail = cursor.take(56);
      if (cursor.failed()) return false;
      line.epoch = read_epoch_tail(line.index, tail);
      continue;
    }
    const auto label = cursor.take(32), leaf = cursor.take(32);
    line.before = cursor.number<std::uint64_t>();
    if (cursor.failed()) return false;
    std::memcpy(line.label.data(), label.data(), 32);
    std::memcpy(line.leaf.data(), leaf.data(), 32);
  }
  return cursor.at_end();
}

}  // namespace

std::string chains_path(const std::string& ledger_directory) {
  return ledger_directory + "/chains";
}

std::string tail_of_epoch(const EpochMark& mark) {
  std::string out;
  append_number(out, mark.epoch);
  append_number(out, mark.covered);
  out += crypto::text_of(mark.root);
  append_number(out, mark.previous);
  return out;
}

EpochMark read_epoch_tail(std::uint64_t index, std::string_view tail) {
  insist(tail.size() == 56);
  EpochMark mark;
  mark.index = index;
  mark.epoch = load_number<std::uint64_t>(tail.data());
  mark.covered = load_number<std::uint64_t>(tail.data() + 8);
  std::memcpy(mark.root.data(), tail.data() + 16, 32);
  mark.previous = load_number<std::uint64_t>(tail.data() + 48);
  return mark;
}

std::size_t ChainFile::bytes_of_line(const ChainLine& line) {
  if (line.kind == ChainLine::Kind::run) return kRunLine;
  return line.kind == ChainLine::Kind::epoch ? kEpochLine : kEntryLine;
}

std::string ChainFile::encode(const std::vector<ChainLine>& lines, std::uint64_t offset,
                              std::uint64_t from, std::uint64_t to) const {
  WipingBuffer plain;
  for (const ChainLine& line : lines) encode_line(plain, line);
  std::string block;
  append_number(block, static_cast<std::uint32_t>(plain.size() + crypto::kAeadOverhead));
  append_number(block, static_cast<std::uint32_t>(lines.size()));
  append_number(block, from);
  append_number(block, to);
  crypto::seal(key_, crypto::bytes_of(associated(log_, offset, block)),
               crypto::bytes_of(plain.view()), block);
  return block;
}

// A block at `offset`; nothing where no whole one begins.
Result<std::optional<ChainFile::Block>> ChainFile::block_at(std::uint64_t offset) const {
  std::string head;
  if (auto r = file_->read_at(offset, kBlockHead, head); !r)
    return std::unexpected(std::move(r.error()));
  if (head.size() != kBlockHead) return std::optional<Block>{};
  const auto sealed_bytes = load_number<std::uint32_t>(head.data());
  const auto count = load_number<std::uint32_t>(head.data() + 4);
  if (sealed_bytes < crypto::kAeadOverhead || sealed_bytes > kSealedMax || count > kLinesMax)
    return std::optional<Block>{};
  std::string sealed;
  if (auto r = file_->read_at(offset + kBlockHead, sealed_bytes, sealed); !r)
    return std::unexpected(std::move(r.error()));
  WipingBuffer plain;
  if (sealed.size() != sealed_bytes ||
      !crypto::open(key_, crypto::bytes_of(associated(log_, offset, head)),
                    crypto::bytes_of(sealed), plain))
    return std::optional<Block>{};
  Block block;
  block.offset = offset;
  block.bytes = kBlockHead + sealed_bytes;
  block.from = load_number<std::uint64_t>(head.data() + 8);
  block.to = load_number<std::uint64_t>(head.data() + 16);
  if (!decode_lines(plain.view(), count, block.lines)) return std::optional<Block>{};
  return std::optional<Block>(std::move(block));
}

Result<std::unique_ptr<ChainFile>> ChainFile::open(storage::Disk& disk,
                                                   const std::string& directory, const Digest& log,
                                                   const Key256& key, From from,
                                                   const Visit& visit) {
  std::unique_ptr<ChainFile> f(new ChainFile(log, key));
  auto file = disk.open(chains_path(directory), storage::Disk::Open::create_or_existing);
  if (!file) return std::unexpected(std::move(file.error()));
  f->file_ = *std::move(file);
  std::string header;
  if (auto r = f->file_->read_at(0, kHeader, header); !r)
    return std::unexpected(std::move(r.error()));
  f->end_ = f->next_ = kHeader;
  if (header.size() < kHeader || header == std::string(kHeader, '\0')) {
    if (from.offset != 0) return fail(Reason::no_record, "chains: it is empty");
    // None, or one torn at its birth: then nothing was ever listed in it.
    if (auto r = f->file_->truncate(0); !r) return std::unexpected(std::move(r.error()));
    if (auto r = f->file_->write_at(0, header_of(log)); !r)
      return std::unexpected(std::move(r.error()));
    if (auto r = f->sync(); !r) return std::unexpected(std::move(r.error()));
    if (auto r = disk.sync_directory(directory); !r) return std::unexpected(std::move(r.error()));
    return f;
  }
  if (header != header_of(log)) return fail(Reason::ledger_corrupt, "chains: it is of another log");
  if (from.offset != 0) {
    auto fits = f->begins_at(from);
    if (!fits) return std::unexpected(std::move(fits.error()));
    if (!*fits) return fail(Reason::no_record, "chains: no block begins there");
    f->end_ = from.offset;
    f->covered_ = from.covered;
  }
  for (;;) {
    auto block = f->block_at(f->end_);
    if (!block) return std::unexpected(std::move(block.error()));
    if (!*block || (*block)->from != f->covered_ || (*block)->to < f->covered_) break;
    for (std::size_t i = 0; i < (*block)->lines.size(); ++i)
      visit((*block)->lines[i], f->end_ << kPlaceBits | i);
    f->covered_ = (*block)->to;
    f->end_ += (*block)->bytes;
  }
  auto more = f->later_block();
  if (!more) return std::unexpected(std::move(more.error()));
  if (*more)
    return fail(Reason::ledger_corrupt,
                "chains: damaged at " + std::to_string(f->end_) + ", with whole blocks after it");
  // What lies behind is a torn write; it is listed again.
  if (auto r = f->file_->truncate(f->end_); !r) return std::unexpected(std::move(r.error()));
  f->next_ = f->end_;
  return f;
}

// The end of the file is a place too.
Result<bool> ChainFile::begins_at(const From& from) const {
  auto size = file_->size();
  if (!size) return std::unexpected(std::move(size.error()));
  if (from.offset < kHeader || from.offset > *size) return false;
  if (from.offset == *size) return true;
  auto block = block_at(from.offset);
  if (!block) return std::unexpected(std::move(block.error()));
  return *block && (*block)->from == from.covered;
}

// Is there a whole block somewhere behind the first bad one? Then that one is damage, not a torn
// write, and what it lists may stand nowhere else any more.
Result<bool> ChainFile::later_block() const {
  constexpr std::uint64_t kLook = 4 * (kBlockHead + kSealedMax);
  auto size = file_->size();
  if (!size) return std::unexpected(std::move(size.error()));
  for (std::uint64_t at = end_ + 1; at < std::min(*size, end_ + kLook); ++at) {
    auto block = block_at(at);
    if (!block) return std::unexpected(std::move(block.error()));
    if (*block) return true;
  }
  return false;
}

std::uint64_t ChainFile::add(const ChainLine& line) {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty() || waiting_.back().size() == kLinesMax) {
    waiting_.emplace_back();
    offsets_.push_back(next_);
    next_ += kBlockHead + crypto::kAeadOverhead;
  }
  waiting_.back().push_back(line);
  next_ += bytes_of_line(line);
  return offsets_.back() << kPlaceBits | (waiting_.back().size() - 1);
}

Result<void> ChainFile::flush(std::uint64_t covered) {
  insist(covered >= covered_);
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return {};
  std::string bytes;
  std::uint64_t from = covered_;
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    insist(offsets_[i] == end_ + bytes.size());
    const bool last = i + 1 == waiting_.size();
    const std::uint64_t to = last ? covered : waiting_[i].back().index + 1;
    bytes += encode(waiting_[i], offsets_[i], from, to);
    from = to;
  }
  if (auto r = file_->write_at(end_, bytes); !r) return r;
  end_ += bytes.size();
  insist(end_ == next_);
  covered_ = covered;
  waiting_.clear();
  offsets_.clear();
  return {};
}

Result<void> ChainFile::sync() {
  const std::lock_guard lock(mutex_);
  return file_->sync();
}

Result<ChainLine> ChainFile::read(std::uint64_t place) const {
  const std::lock_guard lock(mutex_);
  const std::uint64_t offset = place >> kPlaceBits;
  const std::size_t which = place & ((1u << kPlaceBits) - 1);
  if (offset >= end_) {  // not written yet
    const auto at = std::find(offsets_.begin(), offsets_.end(), offset);
    if (at == offsets_.end() || which >= waiting_[at - offsets_.begin()].size())
      return fail(Reason::ledger_corrupt, "chains: a place");
    return waiting_[at - offsets_.begin()][which];
  }
  if (last_read_.offset != offset || last_read_.lines.empty()) {
    auto block = block_at(offset);
    if (!block) return std::unexpected(std::move(block.error()));
    if (!*block) return fail(Reason::ledger_corrupt, "chains: a block does not open");
    last_read_ = *std::move(*block);
  }
  if (which >= last_read_.lines.size()) return fail(Reason::ledger_corrupt, "chains: a place");
  return last_read_.lines[which];
}

Result<void> ChainFile::visit(std::uint64_t covered, const Visit& visit) const {
  for (std::uint64_t at = kHeader;;) {
    std::optional<Block> block;
    {
      const std::lock_guard lock(mutex_);
      if (at >= end_) return {};
      auto read = block_at(at);
      if (!read) return std::unexpected(std::move(read.error()));
      block = *std::move(read);
    }
    if (!block) return fail(Reason::ledger_corrupt, "chains: a block does not open");
    for (std::size_t i = 0; i < block->lines.size(); ++i) {
      if (block->lines[i].index >= covered) return {};
      visit(block->lines[i], at << kPlaceBits | i);
    }
    at += block->bytes;
  }
}

}  // namespace amanat::ledger
