#include "trace/bundle.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "crypto/crypto.h"
#include "model/insist.h"

namespace amanat::trace {
namespace {

constexpr std::size_t kBlock = 512;

void put_octal(std::array<char, kBlock>& head, std::size_t at, std::size_t digits,
               std::uint64_t value) {
  for (std::size_t i = digits; i > 0; --i, value /= 8)
    head[at + i - 1] = static_cast<char>('0' + value % 8);
  insist(value == 0);
}

std::array<char, kBlock> head_of(std::string_view path, std::size_t size) {
  insist(valid_path(path));
  std::array<char, kBlock> head{};
  std::memcpy(head.data(), path.data(), path.size());
  put_octal(head, 100, 7, 0600);
  put_octal(head, 108, 7, 0);
  put_octal(head, 116, 7, 0);
  put_octal(head, 124, 11, size);
  put_octal(head, 136, 11, 0);
  std::memset(head.data() + 148, ' ', 8);
  head[156] = '0';
  std::memcpy(head.data() + 257, "ustar\00000", 8);
  unsigned sum = 0;
  for (const char c : head) sum += static_cast<unsigned char>(c);
  put_octal(head, 148, 6, sum);
  head[154] = '\0';
  return head;
}

std::size_t padded(std::size_t size) { return (size + kBlock - 1) / kBlock * kBlock; }

Result<std::string> read_whole(const std::filesystem::path& path, std::size_t most) {
  std::ifstream in(path, std::ios::binary);
  std::string text;
  std::array<char, 1 << 16> piece;
  while (in && text.size() <= most) {
    in.read(piece.data(), piece.size());
    text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad() || !in.eof()) {
    if (text.size() > most) return fail(Reason::evidence_malformed, "too large");
    return fail(Reason::file_failed, path.filename().string());
  }
  return text;
}

Result<Files> read_directory(const std::string& root) {
  namespace fs = std::filesystem;
  Files files;
  std::size_t bytes = 0;
  std::error_code error;
  fs::recursive_directory_iterator at(root, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    const std::string name = at->path().lexically_relative(root).generic_string();
    const fs::file_status status = at->symlink_status(error);
    if (error) break;
    if (!valid_path(name)) return fail(Reason::evidence_malformed, "a path that no bundle has");
    if (fs::is_directory(status)) continue;
    if (!fs::is_regular_file(status)) return fail(Reason::evidence_malformed, name + " is no file");
    if (files.size() == kBundleFilesMax) return fail(Reason::evidence_malformed, "too many files");
    auto text = read_whole(at->path(), kBundleBytesMax - bytes);
    if (!text) return std::unexpected(text.error());
    bytes += text->size();
    files.emplace(name, *std::move(text));
  }
  if (error) return fail(Reason::file_failed, error.message());
  return files;
}

}  // namespace

bool valid_path(std::string_view path) {
  if (path.empty() || path.size() > 100) return false;
  std::size_t begin = 0;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part.find_first_not_of('.') == part.npos) return false;
    for (const char c : part)
      if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '.' || c == '-' || c == '_'))
        return false;
    begin = end + 1;
  }
  return true;
}

std::string manifest_of(const Files& files) {
  std::string out;
  for (const auto& [path, text] : files) {
    if (path == kManifest || path == kVerdictProof) continue;
    out += crypto::hex(crypto::sha256(text)) + "  " + path + "\n";
  }
  return out;
}

Result<void> check_manifest(const Files& files) {
  const auto manifest = files.find(kManifest);
  if (manifest == files.end() || !files.contains(kVerdictProof))
    return fail(Reason::evidence_wrong, "there is no manifest, or no proof of it");
  std::string_view rest = manifest->second;
  auto file = files.begin();
  const auto pass_over = [&] {
    while (file != files.end() && (file->first == kManifest || file->first == kVerdictProof))
      ++file;
  };
  for (pass_over(); !rest.empty(); ++file, pass_over()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    if (end == rest.npos || line.size() < 67 || line.substr(64, 2) != "  ")
      return fail(Reason::evidence_wrong, "the manifest is not in its form");
    const std::string path(line.substr(66));
    if (file == files.end() || file->first < path || file->first > path)
      return fail(Reason::evidence_wrong, files.contains(path) || !valid_path(path)
                                              ? "the manifest and the files are not the same list"
                                              : path + " is missing");
    if (crypto::hex(crypto::sha256(file->second)) != line.substr(0, 64))
      return fail(Reason::evidence_wrong, path + " is not what the manifest lists");
    rest.remove_prefix(end + 1);
  }
  if (file != files.end())
    return fail(Reason::evidence_wrong, file->first + " is not in the manifest");
  return {};
}

std::string write_container(const Files& files) {
  std::string out;
  for (const auto& [path, text] : files) {
    const auto head = head_of(path, text.size());
    out.append(head.data(), head.size());
    out += text;
    out.append(padded(text.size()) - text.size(), '\0');
  }
  return out.append(2 * kBlock, '\0');
}

Result<Files> read_container(std::string_view bytes) {
  if (bytes.size() > kBundleBytesMax) return fail(Reason::evidence_malformed, "too large");
  Files files;
  std::size_t at = 0;
  std::string before;
  while (at + kBlock <= bytes.size() && bytes[at] != '\0') {
    const std::string_view head = bytes.substr(at, kBlock);
    const std::string path(head.substr(0, std::min<std::size_t>(head.find('\0'), 100)));
    std::uint64_t size = 0;
    for (const char c : head.substr(124, 11)) {
      if (c < '0' || c > '7') return fail(Reason::evidence_malformed, "the container's numbers");
      size = size * 8 + static_cast<std::uint64_t>(c - '0');
    }
    if (!valid_path(path) || path <= before || files.size() == kBundleFilesMax)
      return fail(Reason::evidence_malformed, "the container's paths");
    const auto own = head_of(path, size);
    if (head != std::string_view(own.data(), own.size()))
      return fail(Reason::evidence_malformed, "the container's form");
    at += kBlock;
    if (size > bytes.size() - at || padded(size) > bytes.size() - at)
      return fail(Reason::evidence_malformed, "the container is cut short");
    files.emplace(path, bytes.substr(at, size));
    const std::string_view padding = bytes.substr(at + size, padded(size) - size);
    if (padding.find_first_not_of('\0') != padding.npos)
      return fail(Reason::evidence_malformed, "the container's padding");
    at += padded(size);
    before = path;
  }
  if (bytes.size() - at != 2 * kBlock ||
      bytes.find_first_not_of('\0', at) != std::string_view::npos)
    return fail(Reason::evidence_malformed, "the container's end");
  return files;
}

Result<Files> read_bundle(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return read_directory(path);
  auto bytes = read_whole(path, kBundleBytesMax);
  if (!bytes) return std::unexpected(bytes.error());
  return read_container(*bytes);
}

Result<void> write_bundle(const Files& files, const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::exists(directory, error)) return fail(Reason::exchange_exists, directory);
  for (const auto& [path, text] : files) {
    insist(valid_path(path));
    const fs::path target = fs::path(directory) / path;
    fs::create_directories(target.parent_path(), error);
    if (error) return fail(Reason::file_failed, error.message());
    std::ofstream out(target, std::ios::binary);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    if (!out.flush()) return fail(Reason::file_failed, path);
    fs::permissions(target, fs::perms::owner_read | fs::perms::owner_write, error);
  }
  return {};
}

}  // namespace amanat::trace
