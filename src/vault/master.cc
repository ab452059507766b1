#include "vault/master.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "crypto/crypto.h"
#include "model/insist.h"

namespace amanat::vault {
namespace {

constexpr std::string_view kMasterHead = "amanat-master-key-v1\n";
constexpr std::string_view kSecretHead = "amanat-secret-v1\n";
constexpr std::size_t kTextMax = 512;

// head, base64 of the value, newline: a person can see what the file is and copy it whole.
std::string text_of(std::string_view head, crypto::Bytes value) {
  std::string out(head);
  crypto::append_base64(out, value);
  out.push_back('\n');
  return out;
}

Result<std::string> value_of(storage::Disk& disk, const std::string& path, std::string_view head) {
  auto file = disk.open(path, storage::Disk::Open::existing);
  if (!file) return fail(Reason::key_missing, file.error().detail);
  std::string text;
  if (auto r = (*file)->read_at(0, kTextMax, text); !r)
    return std::unexpected(std::move(r.error()));
  std::optional<std::string> value;
  if (text.starts_with(head) && text.ends_with('\n') && text.size() > head.size())
    value = crypto::from_base64(
        std::string_view(text).substr(head.size(), text.size() - head.size() - 1));
  wipe(text.data(), text.size());
  if (!value) return fail(Reason::key_missing, path + " has the wrong form");
  return *std::move(value);
}

Result<Key256> key_from(std::string& bytes, const std::string& path) {
  Key256 key;
  const bool fits = bytes.size() == Key256::size();
  if (fits) std::memcpy(key.mutable_bytes().data(), bytes.data(), bytes.size());
  wipe(bytes.data(), bytes.size());
  if (!fits) return fail(Reason::key_missing, path + " has the wrong length");
  return key;
}

}  // namespace

Result<bool> has_file(storage::Disk& disk, const std::string& directory, const std::string& name) {
  const auto names = disk.list(directory);
  if (!names) return std::unexpected(names.error());
  return std::find(names->begin(), names->end(), name) != names->end();
}

Result<void> write_master(storage::Disk& disk, const std::string& path, const Key256& master) {
  std::string text = text_of(kMasterHead, master.bytes());
  const auto written = storage::replace_file(disk, path, text, 0600);
  wipe(text.data(), text.size());
  return written;
}

Result<Key256> read_master(storage::Disk& disk, const std::string& path) {
  // As ssh does: a key others can read is no key. (No such path on a test's disk: nothing to
  // check.)
  namespace fs = std::filesystem;
  std::error_code error;
  const auto status = fs::status(path, error);
  constexpr auto others = fs::perms::group_all | fs::perms::others_all;
  if (!error && fs::exists(status) && (status.permissions() & others) != fs::perms::none)
    return fail(Reason::key_missing, path + " is open to other accounts: chmod 600");
  auto bytes = value_of(disk, path, kMasterHead);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  return key_from(*bytes, path);
}

Result<void> write_secret(storage::Disk& disk, const std::string& path, const Key256& wrap,
                          std::string_view name, const Key256& secret) {
  std::string sealed;
  crypto::seal(wrap, crypto::bytes_of(name), secret.bytes(), sealed);
  return storage::replace_file(disk, path, text_of(kSecretHead, crypto::bytes_of(sealed)), 0600);
}

Result<Key256> read_secret(storage::Disk& disk, const std::string& path, const Key256& wrap,
                           std::string_view name) {
  const auto sealed = value_of(disk, path, kSecretHead);
  if (!sealed) return std::unexpected(sealed.error());
  WipingBuffer plain;
  if (auto r = crypto::open(wrap, crypto::bytes_of(name), crypto::bytes_of(*sealed), plain); !r)
    return fail(r.error().reason, path);
  std::string bytes(plain.view());
  return key_from(bytes, path);
}

}  // namespace amanat::vault
