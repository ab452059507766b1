#include "vault/rewrap.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "crypto/crypto.h"
#include "model/insist.h"
#include "vault/master.h"
#include "vault/slots.h"

namespace amanat::vault {
namespace {

constexpr std::string_view kMaster = "master.key", kNext = ".next", kCommit = "rewrap.commit";
constexpr std::string_view kSecret = ".secret";
constexpr std::string_view kNames = "names", kHouse = "house-";
constexpr std::size_t kZeroBytes = 1 << 20;
constexpr unsigned kHousesMax = 1'000;

/// Rewrapping is one directory being rewrapped.
class Rewrapping {
 public:
  Rewrapping(storage::Disk& disk, const std::string& directory,
             const std::function<void(std::uint64_t)>& progress)
      : disk_(disk), directory_(directory), progress_(progress) {}

  Result<Rewrapped> run() {
    auto names = disk_.list(directory_);
    if (!names) return std::unexpected(names.error());
    names_ = *std::move(names);
    if (!has(kCommit)) {
      if (auto done = prepare(); !done) return std::unexpected(done.error());
      if (auto done = storage::replace_file(disk_, in(kCommit), "1\n"); !done)
        return std::unexpected(done.error());
    }
    if (auto done = replace_all(); !done) return std::unexpected(done.error());
    if (auto done = disk_.remove(in(kCommit)); !done) return std::unexpected(done.error());
    if (auto done = disk_.sync_directory(directory_); !done) return std::unexpected(done.error());
    return out_;
  }

 private:
  std::string in(std::string_view name) const { return directory_ + "/" + std::string(name); }
  bool has(std::string_view name) const { return std::ranges::find(names_, name) != names_.end(); }

  /// prepare writes every F.next. What a former call left of them is not trusted but written again.
  Result<void> prepare() {
    auto old_master = read_master(disk_, in(kMaster));
    if (!old_master) return std::unexpected(old_master.error());
    // What cannot be read is found before anything is written: afterwards only the disk can fail.
    if (auto fit = readable(*old_master); !fit) return fit;
    const std::string next = in(std::string(kMaster) + std::string(kNext));
    const Key256 new_master = crypto::random_key();
    if (auto written = write_master(disk_, next, new_master); !written) return written;
    if (auto done = slots("subject.slots", SlotFile::Kind::subject, *old_master, new_master); !done)
      return done;
    if (auto done = slots("slice.slots", SlotFile::Kind::slice, *old_master, new_master); !done)
      return done;
    return secrets(*old_master, new_master);
  }

  Result<void> readable(const Key256& old_master) {
    const Key256 wrap = crypto::hkdf(old_master, "amanat/vault/secret/v1");
    for (const std::string& file : names_) {
      if (!file.ends_with(kSecret)) continue;
      const std::string name = file.substr(0, file.size() - kSecret.size());
      if (auto secret = read_secret(disk_, in(file), wrap, name); !secret)
        return std::unexpected(secret.error());
    }
    for (const auto& [name, kind] : {std::pair{"subject.slots", SlotFile::Kind::subject},
                                     std::pair{"slice.slots", SlotFile::Kind::slice}})
      if (auto file = SlotFile::open(disk_, in(name), kind, old_master, {1, 1}); !file)
        return std::unexpected(file.error());
    return {};
  }

  Result<void> slots(const std::string& name, SlotFile::Kind kind, const Key256& old_master,
                     const Key256& new_master) {
    SlotFile::Rewrap job{disk_,      in(name), in(name + std::string(kNext)), kind, old_master,
                         new_master, progress_};
    auto counted = SlotFile::rewrap(job);
    if (!counted) return std::unexpected(counted.error());
    out_.keys += counted->live;
    out_.destroyed += counted->destroyed;
    out_.broken += counted->broken;
    return {};
  }

  Result<void> secrets(const Key256& old_master, const Key256& new_master) {
    const Key256 old_wrap = crypto::hkdf(old_master, "amanat/vault/secret/v1");
    const Key256 new_wrap = crypto::hkdf(new_master, "amanat/vault/secret/v1");
    bool named = false;
    unsigned houses = 0;
    for (const std::string& file : names_) {
      if (!file.ends_with(kSecret)) continue;
      const std::string name = file.substr(0, file.size() - kSecret.size());
      auto secret = read_secret(disk_, in(file), old_wrap, name);
      if (!secret) return std::unexpected(secret.error());
      if (auto kept = keep(name, new_wrap, *secret); !kept) return kept;
      named = named || name == kNames;
      if (name.starts_with(kHouse)) ++houses;
    }
    // The first master key is what names were made of; what is sealed from now on is not.
    if (!named)
      if (auto kept = keep(std::string(kNames), new_wrap, old_master); !kept) return kept;
    insist(houses < kHousesMax);
    return keep(std::string(kHouse) + std::to_string(houses + 1), new_wrap, crypto::random_key());
  }

  Result<void> keep(const std::string& name, const Key256& wrap, const Key256& secret) {
    ++out_.secrets;
    return write_secret(disk_, in(name + std::string(kSecret) + std::string(kNext)), wrap, name,
                        secret);
  }

  /// replace_all puts every F.next that is there in the place of its F, the master key last.
  Result<void> replace_all() {
    auto names = disk_.list(directory_);
    if (!names) return std::unexpected(names.error());
    names_ = *std::move(names);
    std::vector<std::string> next;
    for (const std::string& name : names_)
      if (name.ends_with(kNext)) next.push_back(name.substr(0, name.size() - kNext.size()));
    if (std::erase(next, kMaster) > 0) next.emplace_back(kMaster);
    for (const std::string& name : next) {
      if (has(name))
        if (auto gone = overwrite(name); !gone) return gone;
      if (auto put = disk_.rename(in(name + std::string(kNext)), in(name)); !put) return put;
      if (auto synced = disk_.sync_directory(directory_); !synced) return synced;
    }
    return {};
  }

  /// overwrite leaves nothing in the old file's blocks that its master key could open.
  Result<void> overwrite(const std::string& name) {
    auto file = disk_.open(in(name), storage::Disk::Open::existing);
    if (!file) return std::unexpected(file.error());
    const auto size = (*file)->size();
    if (!size) return std::unexpected(size.error());
    for (std::uint64_t at = 0; at < *size; at += kZeroBytes) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(kZeroBytes, *size - at));
      if (auto put = (*file)->write_at(at, std::string(n, '\0')); !put) return put;
    }
    return (*file)->sync();
  }

  storage::Disk& disk_;
  const std::string directory_;
  const std::function<void(std::uint64_t)>& progress_;
  std::vector<std::string> names_;
  Rewrapped out_;
};

}  // namespace

Result<Rewrapped> rewrap(storage::Disk& disk, const std::string& directory,
                         const std::function<void(std::uint64_t)>& progress) {
  return Rewrapping(disk, directory, progress).run();
}

Result<bool> rewrap_unfinished(storage::Disk& disk, const std::string& directory) {
  const auto names = disk.list(directory);
  if (!names) return std::unexpected(names.error());
  return std::ranges::any_of(*names, [](const std::string& name) {
    return name == kCommit || name == std::string(kMaster) + std::string(kNext);
  });
}

}  // namespace amanat::vault
