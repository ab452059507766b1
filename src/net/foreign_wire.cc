#include "net/foreign_wire.h"

#include <algorithm>
#include <charconv>

#include "model/insist.h"
#include "model/secret.h"
#include "net/http_wire.h"

namespace amanat::net {
namespace {

constexpr std::size_t kFieldsMost = 256;
constexpr std::size_t kChunkLineMost = 4096;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

// The end of a head: an empty line, its line ends written either way.
std::size_t head_end(std::string_view text) {
  const auto strict = text.find("\r\n\r\n"), loose = text.find("\n\n");
  if (strict == text.npos && loose == text.npos) return text.npos;
  if (loose == text.npos || (strict != text.npos && strict < loose)) return strict + 4;
  return loose + 2;
}

bool status_of(std::string_view line, unsigned& status, bool& keep) {
  if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ') return false;
  if (line[7] != '0' && line[7] != '1') return false;
  keep = line[7] == '1';
  const auto [stop, error] = std::from_chars(line.data() + 9, line.data() + 12, status);
  return error == std::errc{} && stop == line.data() + 12 && status >= 100 && status <= 999 &&
         (line.size() == 12 || line[12] == ' ');
}

}  // namespace

ForeignReader::~ForeignReader() { wipe_away(rest_); }

bool ForeignReader::line(std::string_view& out) {
  const auto end = rest_.find('\n');
  if (end == std::string::npos) return false;
  out = trimmed(std::string_view(rest_).substr(0, end));
  return true;
}

bool ForeignReader::keep(std::string_view bytes) {
  const auto room = body_max_ - reply_.body.size();
  append_wiping(reply_.body, bytes.substr(0, room));
  reply_.cut = bytes.size() > room;
  return !reply_.cut;
}

ForeignReader::State ForeignReader::feed(std::string_view bytes) {
  if (!bytes.empty()) begun_ = true;
  append_wiping(rest_, bytes);
  return at_ == At::head ? head() : body();
}

ForeignReader::State ForeignReader::end() {
  keep_ = false;
  if (at_ == At::to_end || at_ == At::done) {
    at_ = At::done;
    return State::complete;
  }
  // A body that was announced longer than what came is shown as far as it came.
  if (at_ == At::head) return State::wrong;
  reply_.cut = true;
  at_ = At::done;
  return State::complete;
}

ForeignReader::State ForeignReader::head() {
  for (;;) {
    const auto size = head_end(rest_);
    if (size == std::string::npos) return rest_.size() > head_max_ ? State::wrong : State::more;
    if (size > head_max_) return State::wrong;
    std::string_view text = std::string_view(rest_).substr(0, size);
    const auto first = text.find('\n');
    if (!status_of(trimmed(text.substr(0, first)), reply_.status, keep_)) return State::wrong;
    text.remove_prefix(first + 1);
    reply_.headers.clear();
    while (!text.empty()) {
      const auto feed = text.find('\n');
      const auto one = trimmed(text.substr(0, feed));
      text.remove_prefix(feed == text.npos ? text.size() : feed + 1);
      const auto colon = one.find(':');
      if (one.empty() || colon == one.npos) continue;
      if (reply_.headers.size() == kFieldsMost) return State::wrong;
      reply_.headers.emplace_back(lowered(trimmed(one.substr(0, colon))),
                                  trimmed(one.substr(colon + 1)));
    }
    rest_.erase(0, size);
    if (reply_.status >= 200) return frame();
  }
}

ForeignReader::State ForeignReader::frame() {
  if (has_token(reply_.header("connection"), "close")) keep_ = false;
  if (to_head_ || reply_.status == 204 || reply_.status == 304) {
    at_ = At::done;
    return State::complete;
  }
  if (has_token(reply_.header("transfer-encoding"), "chunked")) {
    at_ = At::chunk_size;
  } else if (const auto length = reply_.header("content-length"); !length.empty()) {
    const char* end = length.data() + length.size();
    const auto [stop, error] = std::from_chars(length.data(), end, left_);
    if (error != std::errc{} || stop != end) return State::wrong;
    at_ = At::counted;
  } else {
    at_ = At::to_end;
    keep_ = false;
  }
  return body();
}

ForeignReader::State ForeignReader::body() {
  for (;;) {
    std::string_view text;
    switch (at_) {
      case At::counted:
      case At::chunk_data: {
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest_.size()));
        const bool all = keep(std::string_view(rest_).substr(0, n));
        wipe(rest_.data(), n);
        rest_.erase(0, n);
        left_ -= n;
        if (!all) break;
        if (left_ > 0) return State::more;
        if (at_ == At::counted) break;
        at_ = At::chunk_end;
        continue;
      }
      case At::chunk_end:
        if (!line(text)) return rest_.size() > 2 ? State::wrong : State::more;
        if (!text.empty()) return State::wrong;
        rest_.erase(0, rest_.find('\n') + 1);
        at_ = At::chunk_size;
        continue;
      case At::chunk_size: {
        if (!line(text)) return rest_.size() > kChunkLineMost ? State::wrong : State::more;
        text = trimmed(text.substr(0, text.find(';')));
        const auto [stop, error] =
            std::from_chars(text.data(), text.data() + text.size(), left_, 16);
        if (error != std::errc{} || stop != text.data() + text.size()) return State::wrong;
        rest_.erase(0, rest_.find('\n') + 1);
        at_ = left_ == 0 ? At::trailer : At::chunk_data;
        continue;
      }
      case At::trailer:
        if (!line(text)) return rest_.size() > kChunkLineMost ? State::wrong : State::more;
        {
          const bool last = text.empty();
          rest_.erase(0, rest_.find('\n') + 1);
          if (!last) continue;
        }
        break;
      case At::to_end: {
        const bool all = keep(rest_);
        wipe_away(rest_);
        if (all) return State::more;
        break;
      }
      case At::head:
      case At::done:
        break;
    }
    at_ = At::done;
    return State::complete;
  }
}

ForeignReply::~ForeignReply() { wipe_away(body); }

std::string_view ForeignReply::header(std::string_view name) const {
  for (const auto& [n, value] : headers)
    if (n == name) return value;
  return {};
}

Result<ForeignReply> read_foreign_reply(std::string_view bytes, std::string_view method,
                                        const ForeignOptions& limits) {
  ForeignReader reader(method, limits);
  auto state = reader.feed(bytes);
  if (state == ForeignReader::State::more) state = reader.end();
  if (state != ForeignReader::State::complete)
    return fail(Reason::malformed_request, "the reply is not HTTP/1");
  return reader.take();
}

}  // namespace amanat::net
