#include "disclosure/spool.h"

#include <algorithm>

#include "model/insist.h"

namespace amanat::disclosure {
namespace {

std::string associated(const SealedRows& rows, std::uint32_t block) {
  std::string out("amanat/extract/v1");
  out.push_back('\0');
  out.append(reinterpret_cast<const char*>(rows.id.data()), rows.id.size());
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(block >> shift & 0xff));
  return out;
}

}  // namespace

Result<Spool> Spool::create(storage::Disk& disk, SealedRows place) {
  auto file = disk.open(place.file, storage::Disk::Open::create_or_existing);
  if (!file) return std::unexpected(std::move(file.error()));
  if (auto empty = (*file)->truncate(0); !empty) return std::unexpected(std::move(empty.error()));
  place.bytes = 0;
  return Spool(*std::move(file), std::move(place));
}

Result<void> Spool::seal() {
  std::string sealed;
  crypto::seal(place_.key, crypto::bytes_of(associated(place_, blocks_)),
               crypto::bytes_of(block_.view()), sealed);
  if (auto written = file_->write_at(at_, sealed); !written) return written;
  at_ += sealed.size();
  ++blocks_;
  block_.clear();
  return {};
}

Result<void> Spool::write(std::string_view rows) {
  hash_.update(rows);
  place_.bytes += rows.size();
  while (!rows.empty()) {
    const std::string_view step = rows.substr(0, kBlockBytes - block_.size());
    block_.append(step);
    rows.remove_prefix(step.size());
    if (block_.size() < kBlockBytes) break;
    if (auto sealed = seal(); !sealed) return sealed;
  }
  return {};
}

Result<SealedRows> Spool::finish() {
  if (block_.size() > 0)
    if (auto sealed = seal(); !sealed) return std::unexpected(std::move(sealed.error()));
  if (auto synced = file_->sync(); !synced) return std::unexpected(std::move(synced.error()));
  place_.digest = hash_.finish();
  return place_;
}

Result<void> read_rows(storage::Disk& disk, const SealedRows& rows, std::uint64_t offset,
                       std::size_t size, WipingBuffer& out) {
  insist(offset <= rows.bytes && size <= rows.bytes - offset);
  auto file = disk.open(rows.file, storage::Disk::Open::existing);
  if (!file) return std::unexpected(std::move(file.error()));
  constexpr std::size_t kSealed = kBlockBytes + crypto::kAeadOverhead;
  std::string sealed;
  WipingBuffer plain;
  while (size > 0) {
    const std::uint64_t block = offset / kBlockBytes;
    const std::size_t within = offset % kBlockBytes;
    const std::size_t whole =
        std::min<std::uint64_t>(kBlockBytes, rows.bytes - block * kBlockBytes);
    sealed.clear();
    plain.clear();
    if (auto read = (*file)->read_at(block * kSealed, whole + crypto::kAeadOverhead, sealed); !read)
      return read;
    auto opened = crypto::open(
        rows.key, crypto::bytes_of(associated(rows, static_cast<std::uint32_t>(block))),
        crypto::bytes_of(sealed), plain);
    if (!opened) return opened;
    const std::string_view part = plain.view().substr(within, size);
    out.append(part);
    offset += part.size();
    size -= part.size();
  }
  return {};
}

}  // namespace amanat::disclosure
