#include "server/backup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <vector>

#include "crypto/crypto.h"
#include "server/engine.h"
#include "server/move.h"
#include "server/state.h"
#include "storage/dump.h"

namespace amanat::server {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSums = "SHA256SUMS", kRows = "records.rows";
constexpr std::size_t kSumsBytesMax = std::size_t{64} << 20, kDigestHex = 64;

std::unexpected<Failure> trouble(const fs::path& path, const std::error_code& error) {
  const bool full = error == std::errc::no_space_on_device;
  return fail(full ? Reason::disk_full : Reason::file_failed, path.string());
}

Result<std::string> sum_of(const fs::path& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             std::fclose);
  if (!file) return fail(Reason::file_failed, path.string());
  crypto::Sha256 digest;
  std::string piece(std::size_t{1} << 20, '\0');
  while (const std::size_t n = std::fread(piece.data(), 1, piece.size(), file.get()))
    digest.update(std::string_view(piece).substr(0, n));
  if (std::ferror(file.get()) != 0) return fail(Reason::file_failed, path.string());
  return crypto::hex(digest.finish());
}

// Files come and go while the exchange answers: one that is gone since it was listed is no error,
// and what is about to be renamed into place is not part of it.
Result<void> copy_tree(const fs::path& from, const fs::path& to, std::string_view left_out = {}) {
  std::error_code error;
  fs::create_directories(to, error);
  if (error) return trouble(to, error);
  for (fs::recursive_directory_iterator at(from, error), end; !error && at != end;
       at.increment(error)) {
    const fs::path target = to / at->path().lexically_relative(from);
    std::error_code one;
    if (!left_out.empty() && at->path() == from / left_out) {
      at.disable_recursion_pending();
    } else if (at->is_directory(one)) {
      fs::create_directories(target, one);
    } else if (at->is_regular_file(one) && at->path().extension() != ".new") {
      fs::copy_file(at->path(), target, one);
      if (one == std::errc::no_such_file_or_directory) one.clear();
    }
    if (one && one != std::errc::no_such_file_or_directory) return trouble(at->path(), one);
  }
  if (error) return trouble(from, error);
  return {};
}

// write_sums lists all files of a directory as sha256sum(1) does, so that `sha256sum -c` checks
// them.
Result<Kept> write_sums(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  Kept kept;
  for (fs::recursive_directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error))
    if (at->is_regular_file()) {
      names.push_back(at->path().lexically_relative(directory).string());
      kept.bytes += at->file_size();
    }
  if (error) return trouble(directory, error);
  std::sort(names.begin(), names.end());
  std::string text;
  for (const std::string& name : names) {
    auto sum = sum_of(fs::path(directory) / name);
    if (!sum) return std::unexpected(sum.error());
    text += *sum + "  " + name + "\n";
  }
  kept.files = names.size();
  // One call makes all the copies durable before the file that says they are whole.
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::syncfs(fd) == 0;
  if (fd >= 0) ::close(fd);
  if (!synced) return fail(Reason::file_failed, directory);
  auto put = storage::replace_file(storage::system_disk(), directory + "/" + std::string(kSums),
                                   text, 0600);
  if (!put) return std::unexpected(put.error());
  return kept;
}

Result<void> make_new(const std::string& directory) {
  std::error_code error;
  if (fs::exists(directory, error) && !fs::is_empty(directory, error))
    return fail(Reason::file_failed, directory + " is not empty");
  return storage::system_disk().make_directory(directory);
}

// copy_disk copies the files of a ledger's directory between disks. Its folders are known by name:
// a disk in PostgreSQL lists files alone.
Result<void> copy_disk(storage::Disk& from, const std::string& source, storage::Disk& to,
                       const std::string& target) {
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  for (const char* folder : {"", "/snapshots", "/tree", "/heads", "/archive", "/segments"}) {
    const auto names = from.list(source + folder);
    if (!names) continue;  // none yet
    if (auto made = to.make_directory(target + folder); !made) return made;
    for (const std::string& name : *names) {
      auto in = from.open(source + folder + "/" + name, storage::Disk::Open::existing);
      if (!in && *folder == '\0') continue;  // a folder, where these are listed too
      if (!in) return std::unexpected(in.error());
      auto size = (*in)->size();
      if (!size) return std::unexpected(size.error());
      auto out = to.open(target + folder + "/" + name, storage::Disk::Open::create_new);
      if (!out) return std::unexpected(out.error());
      for (std::uint64_t at = 0; at < *size; at += kPiece) {
        std::string bytes;
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, *size - at));
        if (auto read = (*in)->read_at(at, n, bytes); !read) return read;
        if (auto put = (*out)->write_at(at, bytes); !put) return put;
      }
      if (auto synced = (*out)->sync(); !synced) return synced;
    }
    if (auto synced = to.sync_directory(target + folder); !synced) return synced;
  }
  return {};
}

bool is_inside(const std::string& inner, const std::string& outer) {
  const auto relative =
      fs::path(inner).lexically_normal().lexically_relative(fs::path(outer).lexically_normal());
  return !relative.empty() && *relative.begin() != "..";
}

// A name in SHA256SUMS stays inside its directory, whoever wrote it.
bool is_safe(const fs::path& name) {
  if (name.empty() || name.is_absolute()) return false;
  return std::none_of(name.begin(), name.end(), [](const fs::path& part) { return part == ".."; });
}

// put_ledger puts a backup's ledger into a disk in PostgreSQL that holds none.
Result<void> put_ledger(const std::string& files, const std::string& config_file, const Home& home,
                        const std::string& ledger_store) {
  auto config = read_config(config_file);
  if (!config) return std::unexpected(config.error());
  config->ledger_store = ledger_store;
  auto place = hold_ledger(home, *config, {});
  if (!place) return std::unexpected(place.error());
  if (place->disk->list(place->directory))
    return fail(Reason::exchange_exists, "the database holds a ledger of this origin");
  return copy_disk(storage::system_disk(), files, *place->disk, place->directory);
}

}  // namespace

Result<Kept> copy_home(const Home& home, const std::string& directory, const std::string& keys) {
  std::error_code error;
  // The frames come last: head, tree and chains are then at most as long as what they are made of,
  // and what is missing in them is made again from the frames.
  auto config = read_config(home.config());
  if (!config) return std::unexpected(config.error());
  auto place = look_at_ledger(home, *config);
  if (!place) return std::unexpected(place.error());
  const std::string ledger = directory + "/ledger", segments = "/segments";
  if (place->disk) {
    if (auto done = copy_disk(*place->disk, place->directory, storage::system_disk(), ledger);
        !done)
      return std::unexpected(done.error());
  } else {
    if (auto done = copy_tree(home.ledger(), ledger, "segments"); !done)
      return std::unexpected(done.error());
    if (auto done = copy_tree(home.ledger() + segments, ledger + segments); !done)
      return std::unexpected(done.error());
  }
  for (fs::directory_iterator at(home.root, error), end; !error && at != end; at.increment(error)) {
    const std::string path = at->path().string();
    if (path == home.keys() || path == home.records() || path == home.ledger() ||
        path == home.quarantine())
      continue;
    const fs::path target = fs::path(directory) / at->path().filename();
    std::error_code one;
    if (at->is_directory()) {
      if (auto done = copy_tree(at->path(), target); !done) return std::unexpected(done.error());
    } else if (at->is_regular_file() && at->path().extension() != ".new") {
      fs::copy_file(at->path(), target, one);
      if (one) return trouble(at->path(), one);
    }
  }
  if (error) return trouble(home.root, error);
  if (!keys.empty()) {
    if (auto done = copy_tree(home.keys(), keys); !done) return std::unexpected(done.error());
    if (auto summed = write_sums(keys); !summed) return summed;
  }
  return write_sums(directory);
}

Result<Kept> check_sums(const std::string& directory) {
  auto text = storage::read_file(directory + "/" + std::string(kSums), kSumsBytesMax);
  if (!text) return std::unexpected(text.error());
  Kept kept;
  std::string_view left = *text;
  while (!left.empty()) {
    const std::size_t end = left.find('\n');
    const std::string_view line = left.substr(0, end);
    if (end == left.npos || line.size() < kDigestHex + 3 || line.substr(kDigestHex, 2) != "  ")
      return fail(Reason::file_failed, std::string(kSums) + " is damaged");
    left.remove_prefix(end + 1);
    const fs::path name(line.substr(kDigestHex + 2));
    if (!is_safe(name)) return fail(Reason::file_failed, std::string(kSums) + " is damaged");
    auto sum = sum_of(fs::path(directory) / name);
    if (!sum) return std::unexpected(sum.error());
    if (*sum != line.substr(0, kDigestHex))
      return fail(Reason::file_failed, name.string() + " is not what was backed up");
    ++kept.files;
    std::error_code error;
    kept.bytes += fs::file_size(fs::path(directory) / name, error);
  }
  return kept;
}

Result<Kept> Exchange::backup(const std::string& directory, const std::string& keys) {
  if (is_inside(directory, state_->home.root) ||
      (!keys.empty() && is_inside(keys, state_->home.root)))
    return fail(Reason::usage_wrong, "a backup is not inside the home");
  if (!keys.empty() && (is_inside(keys, directory) || is_inside(directory, keys)))
    return fail(Reason::usage_wrong, "keys are kept apart from the rest");
  for (const std::string& one : {directory, keys})
    if (!one.empty())
      if (auto made = make_new(one); !made) return std::unexpected(made.error());
  // Imports, enrolments and erasures wait; questions are answered.
  const std::lock_guard acts(state_->acts);
  const auto snapshot = state_->store->snapshot();
  auto rows =
      storage::write_dump(*snapshot, storage::system_disk(), directory + "/" + std::string(kRows));
  if (!rows) return std::unexpected(rows.error());
  auto kept = copy_home(state_->home, directory, keys);
  if (kept) kept->rows = *rows;
  return kept;
}

Result<Kept> restore(const std::string& directory, const std::string& keys, const Home& home,
                     const std::string& store, const std::string& ledger_store) {
  for (const std::string& place : {store, ledger_store})
    if (auto fine = check_store(place); !fine) return std::unexpected(fine.error());
  std::error_code error;
  if (fs::exists(home.root, error) && !fs::is_empty(home.root, error))
    return fail(Reason::exchange_exists, home.root);
  auto kept = check_sums(directory);
  if (!kept) return kept;
  if (auto whole = check_sums(keys); !whole) return whole;
  if (auto made = storage::system_disk().make_directory(home.root); !made)
    return std::unexpected(made.error());
  // Until exchange.toml is there, this is no exchange, and the directory may be removed.
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    const fs::path name = at->path().filename();
    if (name == kSums || name == kRows || name == "exchange.toml") continue;
    if (name == "ledger" && ledger_store != kLocalStore) continue;
    const fs::path target = fs::path(home.root) / name;
    if (at->is_directory()) {
      if (auto done = copy_tree(at->path(), target); !done) return std::unexpected(done.error());
    } else {
      fs::copy_file(at->path(), target, error);
    }
  }
  if (error) return trouble(directory, error);
  if (auto done = copy_tree(keys, home.keys()); !done) return std::unexpected(done.error());
  fs::remove(fs::path(home.keys()) / kSums, error);
  fs::permissions(home.keys(), fs::perms::owner_all, error);

  auto engine = open_engine(Engine{store, home.records(), Config{}.cache_mib});
  if (!engine) return std::unexpected(engine.error());
  auto empty = digest_rows(**engine, [](std::uint64_t) { return true; });
  if (!empty) return std::unexpected(empty.error());
  if (empty->rows != 0) return fail(Reason::exchange_exists, "the store holds rows");
  auto rows = storage::read_dump(directory + "/" + std::string(kRows), **engine);
  if (!rows) return std::unexpected(rows.error());
  kept->rows = *rows;
  auto text = storage::read_file(directory + "/exchange.toml", 64 * 1024);
  if (!text) return std::unexpected(text.error());
  const std::string config = with_store(with_store(*text, store), ledger_store, "ledger_store");
  if (ledger_store != kLocalStore)
    if (auto put = put_ledger(directory + "/ledger", directory + "/exchange.toml", home, ledger_store); !put)
      return std::unexpected(put.error());
  auto put = storage::replace_file(storage::system_disk(), home.config(), config, 0644);
  if (!put) return std::unexpected(put.error());
  return kept;
}

}  // namespace amanat::server
