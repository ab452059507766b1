#include "ledger/epoch_heads.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "crypto/crypto.h"
#include "ledger/big_endian.h"
#include "ledger/segment.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::uint64_t kEpochsPerFile = 1024;
constexpr std::size_t kNoteBytesMax = 512 * 1024, kFileBytesMax = 1u << 30;
constexpr std::size_t kHead = 4 + 8, kHash = 32;

std::string record_of(std::uint64_t epoch, std::string_view note) {
  std::string out;
  append_number(out, static_cast<std::uint32_t>(note.size()));
  append_number(out, epoch);
  out += note;
  return out += crypto::text_of(crypto::sha256(out));
}

std::uint64_t file_of(std::uint64_t epoch) { return (epoch - 1) / kEpochsPerFile; }

// The record that begins here, if it is whole.
std::optional<EpochHeads::Record> record_at(std::string_view bytes) {
  if (bytes.size() < kHead + kHash) return std::nullopt;
  const auto length = load_number<std::uint32_t>(bytes.data());
  if (length > kNoteBytesMax || bytes.size() < kHead + length + kHash) return std::nullopt;
  const auto body = bytes.substr(0, kHead + length);
  if (crypto::text_of(crypto::sha256(body)) != bytes.substr(body.size(), kHash))
    return std::nullopt;
  return EpochHeads::Record{load_number<std::uint64_t>(bytes.data() + 4),
                            std::string(body.substr(kHead))};
}

}  // namespace

std::string heads_directory(const std::string& ledger_directory) {
  return ledger_directory + "/heads";
}

std::string EpochHeads::path_of(std::uint64_t file) const {
  return directory_ + "/" + segment_name(static_cast<std::uint32_t>(file));
}

Result<EpochHeads::Content> EpochHeads::read(std::uint64_t file) const {
  auto bytes = read_small(disk_, path_of(file), kFileBytesMax);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  Content out;
  out.bytes = bytes->size();
  const std::string_view all = *bytes;
  for (std::uint64_t at = 0; at < all.size();) {
    if (auto record = record_at(all.substr(at)); record && file_of(record->epoch) == file) {
      at += kHead + record->note.size() + kHash;
      out.end = at;
      out.records.push_back(*std::move(record));
    } else {
      ++at;  // damaged: what comes behind it is not lost with it
    }
  }
  return out;
}

Result<std::unique_ptr<EpochHeads>> EpochHeads::open(storage::Disk& disk,
                                                     const std::string& ledger_directory) {
  std::unique_ptr<EpochHeads> h(new EpochHeads(disk, heads_directory(ledger_directory)));
  if (auto r = disk.make_directory(h->directory_); !r) return std::unexpected(std::move(r.error()));
  auto names = disk.list(h->directory_);
  if (!names) return std::unexpected(std::move(names.error()));
  for (const auto& name : *names)
    if (name.size() == 10) h->number_ = std::strtoull(name.c_str(), nullptr, 10);
  auto file = disk.open(h->path_of(h->number_), storage::Disk::Open::create_or_existing);
  if (!file) return std::unexpected(std::move(file.error()));
  h->file_ = *std::move(file);
  if (auto r = disk.sync_directory(h->directory_); !r) return std::unexpected(std::move(r.error()));
  auto content = h->read(h->number_);
  if (!content) return std::unexpected(std::move(content.error()));
  // Records are synced one by one, so only the last can be torn: behind it no other stands.
  if (content->end != content->bytes)
    if (auto r = h->file_->truncate(content->end); !r) return std::unexpected(std::move(r.error()));
  h->end_ = content->end;
  h->last_ = content->records.empty() ? h->number_ * kEpochsPerFile : content->records.back().epoch;
  return h;
}

std::uint64_t EpochHeads::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

Result<void> EpochHeads::keep(std::uint64_t epoch, std::string_view note) {
  const std::lock_guard lock(mutex_);
  insist(epoch == last_ + 1 && note.size() <= kNoteBytesMax);
  if (const std::uint64_t number = file_of(epoch); number != number_) {
    auto file = disk_.open(path_of(number), storage::Disk::Open::create_or_existing);
    if (!file) return std::unexpected(std::move(file.error()));
    if (auto r = disk_.sync_directory(directory_); !r) return r;
    file_ = *std::move(file);
    number_ = number;
    end_ = 0;
  }
  const std::string record = record_of(epoch, note);
  if (auto r = file_->write_at(end_, record); !r) return r;
  if (auto r = file_->sync(); !r) return r;
  end_ += record.size();
  last_ = epoch;
  return {};
}

Result<std::string> EpochHeads::head_of(std::uint64_t epoch) const {
  const std::lock_guard lock(mutex_);
  const auto none = [&] { return fail(Reason::no_record, "epoch " + std::to_string(epoch)); };
  if (epoch == 0 || epoch > last_) return none();
  auto content = read(file_of(epoch));
  if (!content) return std::unexpected(std::move(content.error()));
  for (Record& one : content->records)
    if (one.epoch == epoch) return std::move(one.note);
  return fail(Reason::ledger_corrupt, "the head of epoch " + std::to_string(epoch) + " is damaged");
}

Result<void> EpochHeads::each(
    const std::function<bool(std::uint64_t epoch, const std::string* note)>& visit) const {
  const std::uint64_t last = this->last();
  for (std::uint64_t epoch = 1; epoch <= last;) {
    auto content = read(file_of(epoch));  // whole records never change
    if (!content) return std::unexpected(std::move(content.error()));
    const std::uint64_t end = std::min(last, (file_of(epoch) + 1) * kEpochsPerFile);
    auto at = content->records.begin();
    for (; epoch <= end; ++epoch) {
      while (at != content->records.end() && at->epoch < epoch) ++at;
      const bool there = at != content->records.end() && at->epoch == epoch;
      if (!visit(epoch, there ? &at->note : nullptr)) return {};
    }
  }
  return {};
}

}  // namespace amanat::ledger
