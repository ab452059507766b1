#include "ledger/frame.h"

#include <algorithm>
#include <cstring>

#include "crypto/crypto.h"
#include "ledger/big_endian.h"
#include "ledger/entry.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::string_view kMagic = "AMNFRM01";
constexpr std::size_t kSpare = 24;
constexpr std::size_t kTrailerFixed =
    8 + 32 + 4 + 32;  // size, root, length of checkpoint, frame hash

std::unexpected<Failure> bad(const char* part) { return fail(Reason::ledger_corrupt, part); }

Digest digest_of(std::string_view bytes) {
  insist(bytes.size() == 32);
  Digest d;
  std::memcpy(d.data(), bytes.data(), d.size());
  return d;
}

void put_digest(char*& at, const Digest& d) {
  std::memcpy(at, d.data(), d.size());
  at += d.size();
}

template <class T>
void put(char*& at, T value) {
  store_number(at, value);
  at += sizeof(T);
}

void write_head(char* at, const FrameHead& h) {
  const char* const begin = at;
  std::memcpy(at, kMagic.data(), kMagic.size());
  at += kMagic.size();
  put_digest(at, h.log);
  put(at, h.batch);
  put(at, h.first);
  put(at, h.count);
  put(at, h.public_bytes);
  put(at, h.private_bytes);
  put(at, h.trailer_bytes);
  put_digest(at, h.previous);
  std::memset(at, 0, kSpare);
  insist(at + kSpare == begin + kFrameHead);
}

// Takes the public and private parts apart in step; both must be used up exactly.
bool parse_items(std::string_view open, std::string_view shut, std::uint32_t count,
                 std::vector<Frame::Item>& out) {
  Cursor entries(open), openings(shut);
  out.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto entry = entries.take(entries.number<std::uint16_t>());
    const auto opening = openings.take(openings.number<std::uint32_t>());
    if (entries.failed() || openings.failed() || entry.empty()) return false;
    out.push_back({entry, opening});
  }
  return entries.at_end() && openings.at_end();
}

}  // namespace

bool all_zero(std::string_view bytes) {
  return bytes.empty() ||
         (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

std::size_t FrameHead::bytes() const {
  return padded(kFrameHead + std::size_t{public_bytes} + private_bytes + trailer_bytes);
}

Result<FrameHead> parse_head(std::string_view bytes, const Digest& log) {
  if (bytes.size() < kFrameHead) return bad("frame is cut short");
  Cursor cursor(bytes.substr(0, kFrameHead));
  FrameHead h;
  if (cursor.take(kMagic.size()) != kMagic) return bad("no frame begins here");
  h.log = digest_of(cursor.take(32));
  h.batch = cursor.number<std::uint64_t>();
  h.first = cursor.number<std::uint64_t>();
  h.count = cursor.number<std::uint32_t>();
  h.public_bytes = cursor.number<std::uint32_t>();
  h.private_bytes = cursor.number<std::uint32_t>();
  h.trailer_bytes = cursor.number<std::uint32_t>();
  h.previous = digest_of(cursor.take(32));
  if (!all_zero(cursor.take(kSpare)) || !cursor.at_end()) return bad("frame head: reserved bytes");
  if (h.log != log) return bad("frame of another log");
  if (h.count > kFrameEntriesMax) return bad("frame head: count");
  if (std::size_t{h.public_bytes} + h.private_bytes > kFramePayloadMax)
    return bad("frame head: lengths");
  if (h.trailer_bytes <= kTrailerFixed || h.trailer_bytes > kFrameTrailerMax)
    return bad("frame head: trailer length");
  return h;
}

Result<void> parse_frame(std::string_view bytes, const Digest& log, Frame& out) {
  auto head = parse_head(bytes, log);
  if (!head) return std::unexpected(std::move(head.error()));
  if (bytes.size() != head->bytes()) return bad("frame is cut short");
  out.head = *head;
  Cursor cursor(bytes.substr(kFrameHead));
  const auto open = cursor.take(head->public_bytes);
  const auto shut = cursor.take(head->private_bytes);
  Cursor trailer(cursor.take(head->trailer_bytes));
  const auto padding = cursor.take(cursor.left());

  out.size = trailer.number<std::uint64_t>();
  const auto root = trailer.take(32);
  out.checkpoint = trailer.take(trailer.number<std::uint32_t>());
  const auto hash = trailer.take(32);
  if (!trailer.at_end()) return bad("frame trailer: lengths");
  const std::size_t hashed = kFrameHead + open.size() + shut.size() + head->trailer_bytes - 32;
  out.hash = crypto::sha256(bytes.substr(0, hashed));
  if (out.hash != digest_of(hash)) return bad("frame hash");
  if (!all_zero(padding)) return bad("frame padding");
  out.root = digest_of(root);
  if (out.size != head->first + head->count) return bad("frame trailer: size");
  if (!parse_items(open, shut, head->count, out.items)) return bad("frame items");
  return {};
}

void FrameBuilder::begin() {
  frame_.assign(kFrameHead, '\0');
  private_.clear();
  count_ = 0;
}

char* FrameBuilder::add(std::string_view entry, std::string_view opening) {
  insist(frame_.size() >= kFrameHead && count_ < kFrameEntriesMax);
  insist(!entry.empty() && entry.size() <= 0xffff);
  append_number(frame_, static_cast<std::uint16_t>(entry.size()));
  const std::size_t at = frame_.size();
  frame_.append(entry);
  append_number(private_, static_cast<std::uint32_t>(opening.size()));
  private_.append(opening);
  ++count_;
  return frame_.data() + at;
}

void FrameBuilder::back_to(const Mark& mark) {
  insist(mark.public_bytes <= frame_.size() && mark.private_bytes <= private_.size() &&
         mark.count <= count_);
  frame_.resize(mark.public_bytes);
  private_.resize(mark.private_bytes);
  count_ = mark.count;
}

std::string_view FrameBuilder::finish(FrameHead head, std::uint64_t size, const Digest& root,
                                      std::string_view checkpoint, Digest& hash) {
  insist(payload_bytes() <= kFramePayloadMax);
  insist(!checkpoint.empty() && kTrailerFixed + checkpoint.size() <= kFrameTrailerMax);
  head.count = count_;
  head.public_bytes = static_cast<std::uint32_t>(frame_.size() - kFrameHead);
  head.private_bytes = static_cast<std::uint32_t>(private_.size());
  head.trailer_bytes = static_cast<std::uint32_t>(kTrailerFixed + checkpoint.size());
  insist(size == head.first + head.count);
  write_head(frame_.data(), head);
  frame_.append(private_);
  append_number(frame_, size);
  frame_.append(crypto::text_of(root));
  append_number(frame_, static_cast<std::uint32_t>(checkpoint.size()));
  frame_.append(checkpoint);
  hash = crypto::sha256(frame_);
  frame_.append(crypto::text_of(hash));
  frame_.resize(padded(frame_.size()), '\0');
  insist(frame_.size() == head.bytes());
  return frame_;
}

}  // namespace amanat::ledger
