#pragma once
// net, unpack: archives, databases and PDFs from outside, taken apart by a process of its own
// (amanat-unpack), since the libraries that read them are large and what they read is hostile. The
// process has no files, no network and no other programs: bytes go in, parts come out, and this
// side believes nothing but their lengths. One thread each.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "model/result.h"

namespace amanat::net {

/// Packing is what the process is told to expect.
enum class Packing : std::uint8_t {
  stream,    // tar, RAR; one file packed by bzip2, xz, zstd, lz4, lzip or compress
  seven,     // 7z: held in memory
  sqlite,    // an SQLite database, held in memory: a part a table, as CSV with a heading
  workbook,  // an old Office workbook (BIFF), held in memory: a part a sheet, as CSV
  pdf        // held in memory: its text, laid out as on the page
};

/// packing_of tells by the first bytes (at least 512 of them, or all there are); -1: none of these.
int packing_of(std::string_view first);

/// Feed replaces `out` by the next piece of the packed bytes; false at the end.
using Feed = std::function<Result<bool>(std::string& out)>;

/// UnpackFrame is what the process says: u8 kind, u32 length (big-endian, at most 64 KiB), bytes.
/// 'n' begins a part and is its name, 'd' is data of it, 'e' says why it ends here, 'z' that
/// nothing is missing. (Of a PDF it says the bare text: the program that reads it is not ours.)
struct UnpackFrame {
  char kind = 0;
  std::string bytes;
};
/// take_frame takes a whole frame off the front of what was said; none: it is not all there yet.
/// Errors: archive_broken (no frame begins like this).
Result<std::optional<UnpackFrame>> take_frame(std::string& said);

/// Unpacking is one find being taken apart. It ends its process when it goes.
class Unpacking {
 public:
  /// begin starts the process. `held_bytes_max`: the most that is held in memory for it; `feed` is
  /// asked while parts are read and must outlive this. Errors: archive_broken (too large to hold,
  /// or the program or one that it needs is not installed; the detail says which), what `feed`
  /// says.
  static Result<std::unique_ptr<Unpacking>> begin(Packing packing, Feed feed,
                                                  std::size_t held_bytes_max);
  virtual ~Unpacking() = default;
  /// next_part goes to the next part, whatever is left of this one, and gives its name, at most
  /// 1024 bytes; false at the end. Errors: archive_broken (damaged, locked, or it took too long).
  virtual Result<bool> next_part(std::string& name) = 0;
  /// next replaces `out` by the part's next piece, never empty; false at its end. Errors: as above.
  virtual Result<bool> next(std::string& out) = 0;
  /// taken is how many packed bytes the process has been given.
  virtual std::uint64_t taken() const = 0;
};

}  // namespace amanat::net
