#include "ledger/map_file.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "crypto/crypto.h"
#include "ledger/big_endian.h"
#include "ledger/segment.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::string_view kMagic = "AMNMAP01";
constexpr std::size_t kTail = 56, kHead = 8 + 32 + 8 + kTail + 8 + 8 + 8;
constexpr std::size_t kMailbox = 32 + 8 + 32 + 8, kTogether = 8192;
constexpr std::size_t kPlainMax = kTogether * kMailbox, kRunsMax = kPlainMax / 8;
constexpr std::string_view kUse = "amanat/ledger/map-file/v1";

std::string head_of(const Digest& log, const KeptMap& kept, std::uint64_t citizens) {
  std::string out(kMagic);
  out += crypto::text_of(log);
  append_number(out, kept.epoch.index);
  out += tail_of_epoch(kept.epoch);
  append_number(out, kept.rest.offset);
  append_number(out, kept.rest.covered);
  append_number(out, citizens);
  insist(out.size() == kHead);
  return out;
}

// What a piece is bound to: so none is left out, moved, or taken from another file.
std::string associated(std::string_view head, std::uint64_t piece) {
  std::string out(crypto::text_of(crypto::sha256(head)));
  append_number(out, piece);
  return out;
}

void put_number(WipingBuffer& out, std::uint64_t value) {
  std::string bytes;
  append_number(bytes, value);
  out.append(bytes);
}

std::unexpected<Failure> wrong(const char* what) {
  return fail(Reason::ledger_corrupt, std::string("the kept map: ") + what);
}

// Writing is the file in the making: pieces one after another, each sealed, a u32 length before it.
class Writing {
 public:
  Writing(storage::File& file, std::string head, const Key256& key)
      : file_(file), head_(std::move(head)), key_(key) {}
  Result<void> begin() {
    at_ = head_.size();
    return file_.write_at(0, head_);
  }
  Result<void> put(const WipingBuffer& plain) {
    std::string sealed;
    crypto::seal(key_, crypto::bytes_of(associated(head_, piece_++)),
                 crypto::bytes_of(plain.view()), sealed);
    std::string bytes;
    append_number(bytes, static_cast<std::uint32_t>(sealed.size()));
    bytes += sealed;
    if (auto r = file_.write_at(at_, bytes); !r) return r;
    at_ += bytes.size();
    return {};
  }

 private:
  storage::File& file_;
  const std::string head_;
  const Key256& key_;
  std::uint64_t at_ = 0, piece_ = 0;
};

Result<void> write_pieces(Writing& to, const KeptMap& kept, const Map& map) {
  if (auto r = to.begin(); !r) return r;
  WipingBuffer runs;
  for (const std::uint64_t run : kept.runs) put_number(runs, run);
  if (auto r = to.put(runs); !r) return r;
  WipingBuffer plain;
  Result<void> put;
  map.each([&](const Mailbox& m) {
    if (!put) return;
    plain.append(crypto::text_of(m.label));
    put_number(plain, m.count);
    plain.append(crypto::text_of(m.head));
    put_number(plain, m.place);
    if (plain.size() < kPlainMax) return;
    put = to.put(plain);
    plain.truncate(0);
  });
  if (put && plain.size() > 0) put = to.put(plain);
  return put;
}

}  // namespace

std::string map_path(const std::string& ledger_directory) { return ledger_directory + "/map"; }

Result<void> write_map(storage::Disk& disk, const std::string& directory, const Digest& log,
                       const Key256& chain_key, const KeptMap& kept, const Map& map) {
  insist(map.root() == kept.epoch.root);
  if (kept.runs.size() > kRunsMax) return fail(Reason::value_too_long, "retention runs");
  const Key256 key = crypto::hkdf(chain_key, kUse);
  const std::string path = map_path(directory), growing = path + ".new";
  const auto write = [&]() -> Result<void> {
    auto file = disk.open(growing, storage::Disk::Open::create_or_existing);
    if (!file) return std::unexpected(std::move(file.error()));
    if (auto r = (*file)->truncate(0); !r) return r;
    Writing to(**file, head_of(log, kept, map.citizens()), key);
    if (auto r = write_pieces(to, kept, map); !r) return r;
    if (auto r = (*file)->sync(); !r) return r;
    if (auto r = disk.rename(growing, path); !r) return r;
    return disk.sync_directory(directory);
  };
  auto written = write();
  if (!written) (void)disk.remove(growing);
  return written;
}

namespace {

// Reading takes the file's pieces one after another.
class Reading {
 public:
  Reading(const storage::File& file, const Key256& key) : file_(file), key_(key) {}
  Result<std::string_view> head() {
    if (auto r = file_.read_at(0, kHead, head_); !r) return std::unexpected(std::move(r.error()));
    if (head_.size() != kHead || !head_.starts_with(kMagic)) return wrong("its head");
    at_ = kHead;
    return std::string_view(head_);
  }
  Result<void> take(WipingBuffer& plain) {
    std::string bytes;
    if (auto r = file_.read_at(at_, 4, bytes); !r) return r;
    const auto length = bytes.size() == 4 ? load_number<std::uint32_t>(bytes.data()) : 0;
    if (length < crypto::kAeadOverhead || length > kPlainMax + crypto::kAeadOverhead)
      return wrong("its lengths");
    bytes.clear();
    if (auto r = file_.read_at(at_ + 4, length, bytes); !r) return r;
    if (bytes.size() != length) return wrong("its end is missing");
    plain.truncate(0);
    if (!crypto::open(key_, crypto::bytes_of(associated(head_, piece_++)), crypto::bytes_of(bytes),
                      plain))
      return wrong("a piece does not open");
    at_ += 4 + length;
    return {};
  }
  std::uint64_t at() const { return at_; }

 private:
  const storage::File& file_;
  const Key256& key_;
  std::string head_;
  std::uint64_t at_ = 0, piece_ = 0;
};

Result<std::uint64_t> parse_head(std::string_view head, const Digest& log, KeptMap& out) {
  Cursor cursor(head.substr(kMagic.size()));
  if (cursor.take(32) != crypto::text_of(log)) return wrong("it is of another log");
  const auto index = cursor.number<std::uint64_t>();
  out.epoch = read_epoch_tail(index, cursor.take(kTail));
  out.rest.offset = cursor.number<std::uint64_t>();
  out.rest.covered = cursor.number<std::uint64_t>();
  const auto citizens = cursor.number<std::uint64_t>();
  insist(cursor.at_end());
  return citizens;
}

Result<void> load(std::string_view plain, std::optional<Label>& last, Map& into) {
  if (plain.empty() || plain.size() % kMailbox != 0) return wrong("its lengths");
  std::vector<Mailbox> mailboxes(plain.size() / kMailbox);
  Cursor cursor(plain);
  for (Mailbox& m : mailboxes) {
    std::memcpy(m.label.data(), cursor.take(32).data(), 32);
    m.count = cursor.number<std::uint64_t>();
    std::memcpy(m.head.data(), cursor.take(32).data(), 32);
    m.place = cursor.number<std::uint64_t>();
    if (last && m.label <= *last) return wrong("its order");
    last = m.label;
  }
  into.load(mailboxes);
  return {};
}

}  // namespace

Result<KeptMap> read_map(storage::Disk& disk, const std::string& directory, const Digest& log,
                         const Key256& chain_key, Map& into) {
  insist(into.citizens() == 0);
  auto names = disk.list(directory);
  if (!names) return std::unexpected(std::move(names.error()));
  const std::string path = map_path(directory);
  if (std::find(names->begin(), names->end(), path.substr(directory.size() + 1)) == names->end())
    return fail(Reason::no_record, "no map is kept");
  auto file = disk.open(path, storage::Disk::Open::existing);
  if (!file) return std::unexpected(std::move(file.error()));
  auto bytes = (*file)->size();
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  const Key256 key = crypto::hkdf(chain_key, kUse);
  Reading from(**file, key);
  auto head = from.head();
  if (!head) return std::unexpected(std::move(head.error()));
  KeptMap kept;
  auto citizens = parse_head(*head, log, kept);
  if (!citizens) return std::unexpected(std::move(citizens.error()));
  WipingBuffer plain;
  if (auto r = from.take(plain); !r) return std::unexpected(std::move(r.error()));
  if (plain.size() % 8 != 0) return wrong("its lengths");
  for (std::size_t at = 0; at < plain.size(); at += 8)
    kept.runs.push_back(load_number<std::uint64_t>(plain.view().data() + at));
  for (std::optional<Label> last; from.at() < *bytes;) {
    if (auto r = from.take(plain); !r) return std::unexpected(std::move(r.error()));
    if (auto r = load(plain.view(), last, into); !r) return std::unexpected(std::move(r.error()));
  }
  if (into.citizens() != *citizens || into.root() != kept.epoch.root)
    return wrong("it is not the map of its EPOCH");
  return kept;
}

}  // namespace amanat::ledger
