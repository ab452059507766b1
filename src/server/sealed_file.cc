#include "server/sealed_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "crypto/crypto.h"
#include "model/descriptor.h"

namespace amanat::server {
namespace {

constexpr std::size_t kPieceOnDisk = kSealedPiece + crypto::kAeadOverhead;

std::unexpected<Failure> failed() {
  return fail(errno == ENOSPC ? Reason::disk_full : Reason::file_failed, std::strerror(errno));
}

std::string place(const std::string& name, std::uint64_t number) {
  return name + '\0' + std::to_string(number);
}

Result<void> put(int fd, std::string_view bytes, std::uint64_t at) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return failed();
    bytes.remove_prefix(static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<std::string> get(int fd, std::uint64_t at, std::size_t most) {
  std::string out(most, '\0');
  std::size_t have = 0;
  while (have < most) {
    const ssize_t n = ::pread(fd, out.data() + have, most - have, static_cast<off_t>(at + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed();
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  out.resize(have);
  return out;
}

std::uint64_t content_of(std::uint64_t on_disk) {
  const std::uint64_t whole = on_disk / kPieceOnDisk, rest = on_disk % kPieceOnDisk;
  return whole * kSealedPiece + (rest > crypto::kAeadOverhead ? rest - crypto::kAeadOverhead : 0);
}

}  // namespace

SealedWriter::SealedWriter(std::string path, Key256 key, std::string name)
    : path_(std::move(path)), name_(std::move(name)), key_(std::move(key)) {}

Result<std::uint64_t> SealedWriter::size() const {
  struct stat there;
  if (::stat(path_.c_str(), &there) != 0) {
    if (errno == ENOENT) return std::uint64_t{0};
    return failed();
  }
  return content_of(static_cast<std::uint64_t>(there.st_size));
}

Result<void> SealedWriter::append(std::uint64_t offset, std::string_view piece) {
  auto size = this->size();
  if (!size) return std::unexpected(size.error());
  if (offset != *size || offset % kSealedPiece != 0)
    return fail(Reason::malformed_value, "the next part begins at byte " + std::to_string(*size));
  if (piece.empty() || piece.size() > kSealedPiece)
    return fail(Reason::malformed_value, "a part is at most 49,152 bytes");
  const Descriptor file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (file.get() < 0) return failed();
  std::string sealed;
  const std::uint64_t number = offset / kSealedPiece;
  const std::string bound = place(name_, number);
  crypto::seal(key_, crypto::bytes_of(bound), crypto::bytes_of(piece), sealed);
  // Not synced: an upload that a power cut tears is found by its seal, and sent again.
  return put(file.get(), sealed, number * kPieceOnDisk);
}

Result<void> write_sealed(const std::string& path, const Key256& key, const std::string& name,
                          std::string_view content) {
  const std::string fresh = path + ".new";
  {
    const Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.get() < 0) return failed();
    for (std::uint64_t number = 0; number * kSealedPiece < content.size(); ++number) {
      std::string sealed;
      const std::string bound = place(name, number);
      crypto::seal(key, crypto::bytes_of(bound),
                   crypto::bytes_of(content.substr(number * kSealedPiece, kSealedPiece)), sealed);
      if (auto done = put(file.get(), sealed, number * kPieceOnDisk); !done) return done;
    }
    if (::fdatasync(file.get()) != 0) return failed();
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return failed();
  return {};
}

net::ReadAt sealed_range(std::string path, Key256 key, std::string name) {
  const auto fd = std::make_shared<Descriptor>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return [fd, key = std::move(key), name = std::move(name)](std::uint64_t offset, std::size_t n,
                                                            std::string& out) -> Result<void> {
    if (fd->get() < 0) return fail(Reason::file_failed, "the sealed file cannot be opened");
    const std::size_t begin = out.size();
    while (out.size() - begin < n) {
      const std::uint64_t at = offset + (out.size() - begin), number = at / kSealedPiece;
      auto sealed = get(fd->get(), number * kPieceOnDisk, kPieceOnDisk);
      if (!sealed) return std::unexpected(sealed.error());
      if (sealed->empty()) return {};
      WipingBuffer plain;
      const std::string bound = place(name, number);
      if (auto opened =
              crypto::open(key, crypto::bytes_of(bound), crypto::bytes_of(*sealed), plain);
          !opened)
        return opened;
      const std::size_t from = static_cast<std::size_t>(at % kSealedPiece);
      if (from >= plain.view().size()) return {};
      out.append(plain.view().substr(from, n - (out.size() - begin)));
    }
    return {};
  };
}

Result<std::string> read_sealed(const std::string& path, const Key256& key,
                                const std::string& name) {
  struct stat there;
  if (::stat(path.c_str(), &there) != 0) return failed();
  const std::uint64_t size = content_of(static_cast<std::uint64_t>(there.st_size));
  std::string out;
  out.reserve(static_cast<std::size_t>(size));
  const auto read = sealed_range(path, key, name);
  if (auto done = read(0, static_cast<std::size_t>(size), out); !done)
    return std::unexpected(done.error());
  if (out.size() != size) return fail(Reason::seal_broken, "cut short");
  return out;
}

}  // namespace amanat::server
