#include "net/inflate.h"

#include <zlib.h>

#include <algorithm>

#include "model/insist.h"

namespace amanat::net {

struct Inflater::State {
  z_stream stream{};
  bool ended = false, usable = false;
  ~State() {
    if (usable) inflateEnd(&stream);
  }
};

Inflater::Inflater(Wrapping wrapping) : state_(std::make_unique<State>()) {
  // 15: the largest window; +16: a gzip head and tail; negative: neither.
  const int window = wrapping == Wrapping::gzip ? 15 + 16 : -15;
  state_->usable = inflateInit2(&state_->stream, window) == Z_OK;
  insist(state_->usable);
}
Inflater::Inflater(Inflater&&) noexcept = default;
Inflater::~Inflater() = default;

Result<bool> Inflater::inflate(std::string_view& in, std::size_t out_bytes_max, std::string& out) {
  z_stream& z = state_->stream;
  if (state_->ended) {
    if (in.empty()) return true;
    insist(inflateReset(&z) == Z_OK);
    state_->ended = false;
  }
  constexpr std::size_t kMost = 1u << 30;
  const std::size_t room = std::min(out_bytes_max, kMost), given = std::min(in.size(), kMost);
  const std::size_t before = out.size();
  out.resize(before + room);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
  z.avail_in = static_cast<uInt>(given);
  z.next_out = reinterpret_cast<Bytef*>(out.data() + before);
  z.avail_out = static_cast<uInt>(room);
  const int status = ::inflate(&z, Z_NO_FLUSH);
  out.resize(before + room - z.avail_out);
  in.remove_prefix(given - z.avail_in);
  if (status == Z_STREAM_END) {
    state_->ended = true;
    return true;
  }
  // Z_BUF_ERROR: nothing more to take or no room; neither is wrong.
  if (status != Z_OK && status != Z_BUF_ERROR)
    return fail(Reason::archive_broken, "a compressed stream");
  return false;
}

std::uint32_t crc32(std::uint32_t so_far, std::string_view bytes) {
  return static_cast<std::uint32_t>(
      ::crc32_z(so_far, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace amanat::net
