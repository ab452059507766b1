#pragma once
// A disk for tests: it lives in memory, fails at the call it is told to, and can lose its power:
// then of what was not synced any part may be there, whole or torn. Thread-safe.
//
// What survives: a file's bytes as of its last sync, and any subset of later writes, each cut at
// any 512-byte sector; a directory's names as of its last sync_directory, and any prefix of later
// changes.

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "model/insist.h"
#include "storage/file.h"

namespace amanat::storage {

class PowerDisk : public Disk {
 public:
  enum class Then : std::uint8_t { recovers, stays_dead };

  /// fail_at makes the `step`-th mutating call from now fail (0 is the next); a failing write first
  /// writes half. `stays_dead`: all later calls fail too, as after a kill.
  void fail_at(std::uint64_t step, Reason reason, Then then) {
    const std::scoped_lock lock(mutex_);
    fail_step_ = steps_ + step;
    fail_reason_ = reason;
    fail_then_ = then;
    armed_ = true;
  }
  void heal() {
    const std::scoped_lock lock(mutex_);
    armed_ = false;
  }
  std::uint64_t steps() const {
    const std::scoped_lock lock(mutex_);
    return steps_;
  }
  /// lose_power keeps of what was not synced a part that `random` picks; open files become useless.
  void lose_power(std::mt19937_64& random);
  /// lose_everything_unsynced is the harshest power loss.
  void lose_everything_unsynced();
  /// content returns a file's bytes, or nothing if there is no such file.
  std::optional<std::string> content(const std::string& path) const {
    const std::scoped_lock lock(mutex_);
    const auto it = names_.find(path);
    if (it == names_.end()) return std::nullopt;
    return it->second->now;
  }
  void set_content(const std::string& path, std::string bytes) {
    const std::scoped_lock lock(mutex_);
    auto& inode = names_[path];
    if (!inode) inode = std::make_shared<Inode>();
    inode->now = inode->durable = std::move(bytes);
    inode->changes.clear();
    durable_names_ = names_;
    renames_.clear();
  }

  Result<std::unique_ptr<File>> open(const std::string& path, Open how) override;
  Result<std::unique_ptr<File>> open_for_recovery(const std::string& path) override {
    return open(path, Open::existing);
  }
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<void> make_directory(const std::string&) override { return step(); }
  Result<std::vector<std::string>> list(const std::string& path) override;

 private:
  struct Change {
    std::uint64_t offset = 0;  // of a write, or the new size of a truncate
    std::string data;
    bool truncate = false;
  };
  struct Inode {
    std::string now, durable;
    std::vector<Change> changes;  // since the last sync
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>>;
  struct NameChange {
    std::string path;
    std::shared_ptr<Inode> inode;  // null: removed
    bool with_next = false;        // a rename is two changes that happen together
  };
  class Handle;

  static void apply(std::string& bytes, const Change& change) {
    if (change.truncate) return bytes.resize(change.offset, '\0');
    if (bytes.size() < change.offset + change.data.size())
      bytes.resize(change.offset + change.data.size(), '\0');
    bytes.replace(change.offset, change.data.size(), change.data);
  }
  static std::string directory_of(const std::string& path) {
    return path.substr(0, path.find_last_of('/'));
  }
  static void put(Names& names, const NameChange& change) {
    if (change.inode)
      names[change.path] = change.inode;
    else
      names.erase(change.path);
  }
  void change_name(NameChange change) {
    put(names_, change);
    renames_.push_back(std::move(change));
  }
  Result<void> step_locked() {
    const std::uint64_t at = steps_++;
    if (!armed_ || at < fail_step_) return {};
    if (fail_then_ == Then::recovers) armed_ = false;
    return fail(fail_reason_, "injected");
  }
  Result<void> step() {
    const std::scoped_lock lock(mutex_);
    return step_locked();
  }

  mutable std::mutex mutex_;
  Names names_, durable_names_;
  std::vector<NameChange> renames_;
  std::uint64_t steps_ = 0, fail_step_ = 0, generation_ = 0;
  Reason fail_reason_ = Reason::file_failed;
  Then fail_then_ = Then::recovers;
  bool armed_ = false;
};

class PowerDisk::Handle : public File {
 public:
  Handle(PowerDisk& disk, std::shared_ptr<Inode> inode, std::uint64_t generation)
      : disk_(disk), inode_(std::move(inode)), generation_(generation) {}

  Result<void> write_at(std::uint64_t offset, std::string_view data) override {
    const std::scoped_lock lock(disk_.mutex_);
    if (auto ok = may(); !ok) return ok;
    const auto ok = disk_.step_locked();
    change({offset, std::string(ok ? data : data.substr(0, data.size() / 2)), false});
    return ok;
  }
  Result<void> read_at(std::uint64_t offset, std::size_t size, std::string& out) const override {
    const std::scoped_lock lock(disk_.mutex_);
    if (auto ok = may(); !ok) return ok;
    if (offset < inode_->now.size()) out.append(inode_->now, offset, size);
    return {};
  }
  Result<void> sync() override {
    const std::scoped_lock lock(disk_.mutex_);
    if (auto ok = may(); !ok) return ok;
    if (auto ok = disk_.step_locked(); !ok) {
      useless_ = true;  // as after a failed fdatasync
      return ok;
    }
    inode_->durable = inode_->now;
    inode_->changes.clear();
    return {};
  }
  Result<void> truncate(std::uint64_t size) override {
    const std::scoped_lock lock(disk_.mutex_);
    if (auto ok = may(); !ok) return ok;
    if (auto ok = disk_.step_locked(); !ok) return ok;
    change({size, {}, true});
    return {};
  }
  Result<std::uint64_t> size() const override {
    const std::scoped_lock lock(disk_.mutex_);
    return inode_->now.size();
  }

 private:
  Result<void> may() const {
    if (generation_ != disk_.generation_)
      return fail(Reason::file_failed, "opened before the power was lost");
    if (useless_) return fail(Reason::file_failed, "used after a failed sync");
    return {};
  }
  void change(Change c) {
    apply(inode_->now, c);
    inode_->changes.push_back(std::move(c));
  }

  PowerDisk& disk_;
  const std::shared_ptr<Inode> inode_;
  const std::uint64_t generation_;
  bool useless_ = false;
};

inline Result<std::unique_ptr<File>> PowerDisk::open(const std::string& path, Open how) {
  const std::scoped_lock lock(mutex_);
  auto it = names_.find(path);
  if (it == names_.end() && how == Open::existing)
    return fail(Reason::file_failed, path + ": no such file");
  if (it != names_.end() && how == Open::create_new)
    return fail(Reason::file_failed, path + ": exists");
  if (it == names_.end()) {
    if (auto ok = step_locked(); !ok) return std::unexpected(std::move(ok.error()));
    change_name({path, std::make_shared<Inode>()});
    it = names_.find(path);
  }
  return std::make_unique<Handle>(*this, it->second, generation_);
}

inline Result<void> PowerDisk::rename(const std::string& from, const std::string& to) {
  const std::scoped_lock lock(mutex_);
  if (auto ok = step_locked(); !ok) return ok;
  const auto it = names_.find(from);
  if (it == names_.end()) return fail(Reason::file_failed, from + ": no such file");
  change_name({to, it->second, true});
  change_name({from, nullptr});
  return {};
}

inline Result<void> PowerDisk::remove(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  if (auto ok = step_locked(); !ok) return ok;
  if (!names_.contains(path)) return fail(Reason::file_failed, path + ": no such file");
  change_name({path, nullptr});
  return {};
}

inline Result<void> PowerDisk::sync_directory(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  if (auto ok = step_locked(); !ok) return ok;
  std::erase_if(renames_, [&](const NameChange& change) {
    if (directory_of(change.path) != path) return false;
    put(durable_names_, change);
    return true;
  });
  return {};
}

inline Result<std::vector<std::string>> PowerDisk::list(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [name, inode] : names_)
    if (directory_of(name) == path) out.push_back(name.substr(path.size() + 1));
  return out;
}

inline void PowerDisk::lose_power(std::mt19937_64& random) {
  const std::scoped_lock lock(mutex_);
  ++generation_;
  armed_ = false;
  std::size_t kept = random() % (renames_.size() + 1);
  if (kept > 0 && renames_[kept - 1].with_next) ++kept;
  for (std::size_t i = 0; i < kept; ++i) put(durable_names_, renames_[i]);
  renames_.clear();
  names_ = durable_names_;
  for (auto& [path, inode] : names_) {
    for (Change& change : inode->changes) {
      if (random() % 2 == 0) continue;
      if (!change.truncate && random() % 2 == 0)
        change.data.resize(std::min<std::size_t>(change.data.size(),
                                                 random() % (change.data.size() / 512 + 1) * 512));
      apply(inode->durable, change);
    }
    inode->changes.clear();
    inode->now = inode->durable;
  }
}

inline void PowerDisk::lose_everything_unsynced() {
  const std::scoped_lock lock(mutex_);
  ++generation_;
  armed_ = false;
  renames_.clear();
  names_ = durable_names_;
  for (auto& [path, inode] : names_) {
    inode->changes.clear();
    inode->now = inode->durable;
  }
}

}  // namespace amanat::storage
