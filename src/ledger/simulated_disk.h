#pragma once
// SimulatedDisk: a disk in memory that can fail any call, die between two calls, and lose or tear
// whatever was not synced. For tests of the ledger's durability; thread-safe.
//
// The model is harsh: every unsynced write persists in any subset of its blocks, whatever order it
// was made in; names (creations, renames, removals) persist as a prefix of the order they were made
// in, and only a directory's sync makes them sure; after a failed sync the cache still shows what
// the disk has lost.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/result.h"
#include "storage/file.h"

namespace amanat::ledger {

class SimulatedDisk : public storage::Disk {
 public:
  enum class Call : std::uint8_t {
    open,
    write,
    sync,
    truncate,
    rename,
    remove,
    sync_directory,
    make_directory
  };
  /// Fault says what becomes of one call: its error, and how much of a write was done all the same.
  struct Fault {
    Reason reason = Reason::file_failed;
    enum class Effect : std::uint8_t { none, half, whole } effect = Effect::none;
  };
  /// Plan is asked before every call that writes; n counts such calls from 0.
  using Plan =
      std::function<std::optional<Fault>(std::uint64_t n, Call call, const std::string& path)>;

  void set_plan(Plan plan) {
    const std::lock_guard lock(mutex_);
    plan_ = std::move(plan);
    calls_ = 0;
  }
  std::uint64_t calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  /// die_at makes call number `n` and all after it fail without any effect, reads too.
  void die_at(std::uint64_t n) {
    const std::lock_guard lock(mutex_);
    calls_ = 0;
    plan_ = nullptr;
    die_at_ = n;
    dead_ = false;
  }
  bool dead() const {
    const std::lock_guard lock(mutex_);
    return dead_;
  }

  /// crash is what a machine finds that lost power now: each block of `grain` bytes of each
  /// unsynced write is there with probability `keep`.
  std::unique_ptr<SimulatedDisk> crash(std::mt19937_64& random, std::size_t grain,
                                       double keep) const {
    const std::lock_guard lock(mutex_);
    auto after = std::make_unique<SimulatedDisk>();
    std::bernoulli_distribution kept(keep);
    std::map<const Node*, std::shared_ptr<Node>> survivors;
    auto names = durable_names_;
    const std::size_t happened =
        std::uniform_int_distribution<std::size_t>(0, name_changes_.size())(random);
    for (std::size_t i = 0; i < happened; ++i) name_changes_[i](names);
    for (const auto& [path, node] : names) {
      auto& copy = survivors[node.get()];
      if (!copy) {
        copy = std::make_shared<Node>();
        copy->disk = node->disk;
        for (const auto& w : node->unsynced)
          apply_torn(w, copy->disk, grain, [&] { return kept(random); });
        copy->cached = copy->disk;
      }
      after->durable_names_[path] = after->names_[path] = copy;
    }
    after->directories_ = directories_;
    return after;
  }
  /// flip inverts one bit of a file, on the disk and in the cache.
  void flip(const std::string& path, std::uint64_t bit) {
    const std::lock_guard lock(mutex_);
    Node& node = *names_.at(path);
    const auto mask = static_cast<char>(1 << (bit % 8));
    node.cached.at(bit / 8) = static_cast<char>(node.cached.at(bit / 8) ^ mask);
    node.disk = node.cached;
    node.unsynced.clear();
  }
  std::unique_ptr<SimulatedDisk> copy() const {
    const std::lock_guard lock(mutex_);
    auto after = std::make_unique<SimulatedDisk>();
    for (const auto& [path, node] : names_) {
      auto same = std::make_shared<Node>();
      same->disk = same->cached = node->cached;
      after->durable_names_[path] = after->names_[path] = same;
    }
    after->directories_ = directories_;
    return after;
  }
  std::vector<std::string> paths() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const auto& [path, node] : names_) all.push_back(path);
    return all;
  }
  std::string content(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    return names_.at(path)->cached;
  }

  Result<std::unique_ptr<storage::File>> open(const std::string& path, Open how) override {
    const std::lock_guard lock(mutex_);
    if (dead_) return fail(Reason::file_failed, "dead disk");
    const auto found = names_.find(path);
    if (found != names_.end()) {
      if (how == Open::create_new) return fail(Reason::file_failed, "exists: " + path);
      return std::make_unique<OpenFile>(*this, path, found->second, false);
    }
    if (how == Open::existing) return fail(Reason::file_failed, "no such file: " + path);
    if (auto f = fault(Call::open, path)) return std::unexpected(failure(*f, path));
    auto node = std::make_shared<Node>();
    names_[path] = node;
    name_changes_.push_back([path, node](Names& names) { names[path] = node; });
    return std::make_unique<OpenFile>(*this, path, node, false);
  }
  Result<std::unique_ptr<storage::File>> open_for_recovery(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    if (dead_) return fail(Reason::file_failed, "dead disk");
    const auto found = names_.find(path);
    if (found == names_.end()) return fail(Reason::file_failed, "no such file: " + path);
    return std::make_unique<OpenFile>(*this, path, found->second, true);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    const std::lock_guard lock(mutex_);
    const auto f = fault(Call::rename, from);
    if (f && f->effect != Fault::Effect::whole) return std::unexpected(failure(*f, from));
    const auto found = names_.find(from);
    if (found == names_.end()) return fail(Reason::file_failed, "no such file: " + from);
    auto node = found->second;
    names_.erase(found);
    names_[to] = node;
    name_changes_.push_back([from, to, node](Names& names) {
      names.erase(from);
      names[to] = node;
    });
    if (f) return std::unexpected(failure(*f, from));
    return {};
  }
  Result<void> remove(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    if (auto f = fault(Call::remove, path)) return std::unexpected(failure(*f, path));
    if (names_.erase(path) == 0) return fail(Reason::file_failed, "no such file: " + path);
    name_changes_.push_back([path](Names& names) { names.erase(path); });
    return {};
  }
  Result<void> sync_directory(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    if (auto f = fault(Call::sync_directory, path)) return std::unexpected(failure(*f, path));
    for (const auto& change : name_changes_) change(durable_names_);  // the journal is one
    name_changes_.clear();
    return {};
  }
  Result<void> make_directory(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    if (directories_.contains(path)) return {};
    if (auto f = fault(Call::make_directory, path)) return std::unexpected(failure(*f, path));
    directories_.insert(path);
    return {};
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    if (dead_ || !directories_.contains(path)) return fail(Reason::file_failed, "list " + path);
    std::vector<std::string> found;
    for (const auto& [name, node] : names_)
      if (name.starts_with(path + "/") && name.find('/', path.size() + 1) == std::string::npos)
        found.push_back(name.substr(path.size() + 1));
    return found;
  }

 private:
  struct Write {
    std::uint64_t offset;
    std::string data;
    bool truncates = false;  // to `offset` bytes
  };
  struct Node {
    std::string disk;             // on the platter
    std::string cached;           // what a plain read sees
    std::vector<Write> unsynced;  // in order
  };
  using Names = std::map<std::string, std::shared_ptr<Node>>;

  static void apply(const Write& w, std::string& to) {
    if (w.truncates) return to.resize(w.offset, '\0');
    if (to.size() < w.offset + w.data.size()) to.resize(w.offset + w.data.size(), '\0');
    to.replace(w.offset, w.data.size(), w.data);
  }
  template <class Kept>
  static void apply_torn(const Write& w, std::string& to, std::size_t grain, Kept kept) {
    if (w.truncates) {
      if (kept()) apply(w, to);
      return;
    }
    for (std::size_t at = 0; at < w.data.size();) {
      const std::size_t end =
          std::min<std::size_t>(w.data.size(), ((w.offset + at) / grain + 1) * grain - w.offset);
      if (kept()) apply({w.offset + at, w.data.substr(at, end - at)}, to);
      at = end;
    }
  }

  std::optional<Fault> fault(Call call, const std::string& path) {
    const std::uint64_t n = calls_++;
    if (dead_ || n >= die_at_) {
      dead_ = true;
      return Fault{};
    }
    return plan_ ? plan_(n, call, path) : std::nullopt;
  }
  // A file may have been renamed since it was opened.
  std::string name_of(const std::shared_ptr<Node>& node) const {
    for (const auto& [path, held] : names_)
      if (held == node) return path;
    return "removed";
  }
  static Failure failure(const Fault& f, const std::string& path) {
    return {f.reason, "injected: " + path};
  }

  class OpenFile : public storage::File {
   public:
    OpenFile(SimulatedDisk& disk, std::string path, std::shared_ptr<Node> node, bool direct)
        : disk_(disk), path_(std::move(path)), node_(std::move(node)), direct_(direct) {}

    Result<void> write_at(std::uint64_t offset, std::string_view data) override {
      const std::lock_guard lock(disk_.mutex_);
      const auto f = disk_.fault(Call::write, disk_.name_of(node_));
      if (f && f->effect == Fault::Effect::half) data = data.substr(0, data.size() / 2 / 512 * 512);
      if (!f || f->effect != Fault::Effect::none) {
        Write w{offset, std::string(data)};
        apply(w, node_->cached);
        node_->unsynced.push_back(std::move(w));
      }
      if (f) return std::unexpected(failure(*f, path_));
      return {};
    }
    Result<void> read_at(std::uint64_t offset, std::size_t size, std::string& out) const override {
      const std::lock_guard lock(disk_.mutex_);
      if (disk_.dead_) return fail(Reason::file_failed, "dead disk");
      std::string direct;
      if (direct_) {
        direct = node_->disk;
        for (const auto& w : node_->unsynced) apply(w, direct);
      }
      const std::string& bytes = direct_ ? direct : node_->cached;
      if (offset < bytes.size()) out.append(bytes, offset, size);
      return {};
    }
    Result<void> sync() override {
      const std::lock_guard lock(disk_.mutex_);
      if (auto f = disk_.fault(Call::sync, disk_.name_of(node_))) {
        if (disk_.dead_) return std::unexpected(failure(*f, path_));
        // The kernel calls the pages clean; some blocks made it, the cache shows all.
        std::size_t n = 0;
        for (const auto& w : node_->unsynced)
          apply_torn(w, node_->disk, 4096, [&] {
            return f->effect == Fault::Effect::whole ||
                   (f->effect == Fault::Effect::half && n++ % 2 == 0);
          });
        node_->unsynced.clear();
        return std::unexpected(failure(*f, path_));
      }
      for (const auto& w : node_->unsynced) apply(w, node_->disk);
      node_->unsynced.clear();
      return {};
    }
    Result<void> truncate(std::uint64_t size) override {
      const std::lock_guard lock(disk_.mutex_);
      if (auto f = disk_.fault(Call::truncate, disk_.name_of(node_)))
        return std::unexpected(failure(*f, path_));
      Write w{size, {}, true};
      apply(w, node_->cached);
      node_->unsynced.push_back(std::move(w));
      return {};
    }
    Result<std::uint64_t> size() const override {
      const std::lock_guard lock(disk_.mutex_);
      if (disk_.dead_) return fail(Reason::file_failed, "dead disk");
      return node_->cached.size();
    }

   private:
    SimulatedDisk& disk_;
    const std::string path_;
    const std::shared_ptr<Node> node_;
    const bool direct_;
  };

  mutable std::mutex mutex_;
  Plan plan_;
  std::uint64_t calls_ = 0, die_at_ = ~std::uint64_t{0};
  bool dead_ = false;
  Names names_, durable_names_;
  std::vector<std::function<void(Names&)>> name_changes_;
  std::set<std::string> directories_;  // making them is synced at once
};

}  // namespace amanat::ledger
