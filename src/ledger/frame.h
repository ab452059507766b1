#pragma once
// Frames: one batch of entries with their openings and the signed head after them, as it lies on
// disk (docs/ledger-frames.md section 4). A frame proves itself by its hash and its place in the
// log by the hash of the one before. Pure functions; a FrameBuilder has one owner.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"
#include "model/result.h"

namespace amanat::ledger {

inline constexpr std::size_t kBlock = 4096;  // frames begin and end on this grid
inline constexpr std::size_t kFrameHead = 128;
inline constexpr std::size_t kFrameEntriesMax = 4096;
inline constexpr std::size_t kFramePayloadMax = 2u << 20;  // public and private part together
inline constexpr std::size_t kFrameTrailerMax = 8192;
inline constexpr std::size_t kFrameBytesMax = kFramePayloadMax + kFrameTrailerMax + kBlock;

/// FrameHead is the fixed part.
struct FrameHead {
  Digest log{};  // SHA-256 of the origin
  std::uint64_t batch = 0;
  std::uint64_t first = 0;  // index of the first entry; of the next one if count is 0
  std::uint32_t count = 0;
  std::uint32_t public_bytes = 0, private_bytes = 0, trailer_bytes = 0;
  Digest previous{};  // hash of the frame before; zero for the first

  /// bytes is the length of the frame with its padding.
  std::size_t bytes() const;
};

/// Frame is a checked frame; views point into the bytes it was parsed from.
struct Frame {
  struct Item {
    std::string_view entry, opening;  // opening empty where the type has none
    std::string_view leaf = {};       // 32 bytes, where retention took the entry itself
  };
  FrameHead head;
  std::vector<Item> items;
  std::uint64_t size = 0;  // tree size after this frame
  Digest root{};
  std::string_view checkpoint;
  Digest hash{};
};

/// parse_head checks the first kFrameHead bytes: magic, log, lengths within their limits, zeros
/// where zeros belong. Errors: ledger_corrupt, with the part at fault.
Result<FrameHead> parse_head(std::string_view bytes, const Digest& log);
/// parse_frame checks a whole frame but for chain, leaves, root and signature: everything the bytes
/// can show by themselves. `bytes` is exactly the frame, padding included; `out.items` is reused.
Result<void> parse_frame(std::string_view bytes, const Digest& log, Frame& out);

/// FrameBuilder puts a frame together in memory it keeps from batch to batch.
class FrameBuilder {
 public:
  void begin();
  /// add copies entry and opening in and returns where the entry now lies.
  char* add(std::string_view entry, std::string_view opening);
  std::size_t payload_bytes() const { return frame_.size() - kFrameHead + private_.size(); }
  std::uint32_t count() const { return count_; }

  /// Mark and back_to undo everything added since, when one entry of an append is refused.
  struct Mark {
    std::size_t public_bytes, private_bytes;
    std::uint32_t count;
  };
  Mark mark() const { return {frame_.size(), private_.size(), count_}; }
  void back_to(const Mark& mark);

  /// finish writes head and trailer, hashes and pads. `head`'s counts and lengths are filled in.
  /// The view is valid until begin().
  std::string_view finish(FrameHead head, std::uint64_t size, const Digest& root,
                          std::string_view checkpoint, Digest& hash);

 private:
  std::string frame_, private_;
  std::uint32_t count_ = 0;
};

/// padded rounds up to the grid.
inline std::size_t padded(std::size_t bytes) { return (bytes + kBlock - 1) / kBlock * kBlock; }
/// all_zero says whether there is nothing but zero bytes.
bool all_zero(std::string_view bytes);

}  // namespace amanat::ledger
