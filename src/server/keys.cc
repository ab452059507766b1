#include "server/keys.h"

#include "crypto/crypto.h"
#include "server/state.h"
#include "storage/file.h"

namespace amanat::server {
namespace {

constexpr std::size_t kCheckAt = 32, kHeadBytes = 64;

/// rewrap_text is the document of an entry: which master key is in force, by what it leaves in a
/// slot file's header, which says nothing of the key itself.
Result<std::string> rewrap_text(storage::Disk& disk, const std::string& keys) {
  auto file = disk.open(keys + "/subject.slots", storage::Disk::Open::existing);
  if (!file) return std::unexpected(file.error());
  std::string head;
  if (auto read = (*file)->read_at(0, kHeadBytes, head); !read)
    return std::unexpected(read.error());
  if (head.size() != kHeadBytes) return fail(Reason::key_missing, keys + "/subject.slots");
  return "amanat-rewrap v1\ncheck " + crypto::hex(crypto::bytes_of(head.substr(kCheckAt))) + "\n";
}

}  // namespace

Result<RewrappedHome> rewrap_keys(const Home& home,
                                  const std::function<void(std::uint64_t)>& progress) {
  storage::Disk& disk = storage::system_disk();
  RewrappedHome out;
  const auto begun = vault::rewrap_unfinished(disk, home.keys());
  if (!begun) return fail(Reason::exchange_missing, home.root);
  out.resumed = *begun;
  if (!out.resumed) {
    auto exchange = Exchange::open(home.root);
    if (!exchange) return std::unexpected(exchange.error());
    if (auto said = (*exchange)->record_rewrap(kRewrapBegun); !said)
      return std::unexpected(said.error());
  }
  {
    auto lock = storage::DirectoryLock::take(home.root);
    if (!lock) return std::unexpected(lock.error());
    auto done = vault::rewrap(disk, home.keys(), progress);
    if (!done) return std::unexpected(done.error());
    out.vault = *done;
  }
  auto exchange = Exchange::open(home.root);
  if (!exchange) return std::unexpected(exchange.error());
  auto said = (*exchange)->record_rewrap(kRewrapped);
  if (!said) return std::unexpected(said.error());
  out.entry = *said;
  return out;
}

Result<std::uint64_t> Exchange::record_rewrap(std::string note) {
  auto text = rewrap_text(storage::system_disk(), home().keys());
  if (!text) return std::unexpected(text.error());
  const std::lock_guard one(state_->acts);
  auto recorded = state_->record_text(*text, note);
  if (!recorded) return std::unexpected(recorded.error());
  return number(recorded->index);
}

}  // namespace amanat::server
