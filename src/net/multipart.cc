#include "net/multipart.h"

#include <algorithm>

#include "model/insist.h"
#include "net/http_wire.h"
#include "net/utf8.h"

namespace amanat::net {
namespace {

constexpr std::size_t kBoundaryMax = 70;  // RFC 2046 5.1.1
constexpr std::string_view kFormData = "multipart/form-data";

std::unexpected<Failure> wrong(std::string what) {
  return fail(Reason::malformed_value, "the form: " + std::move(what));
}

bool is_boundary_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("'()+_,-./:=?").find(c) != std::string_view::npos;
}

bool is_plain_text(std::string_view text) {
  return is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

// quoted takes ; name="value" from the front of `rest`; browsers write a quote inside as %22.
Result<std::string> quoted(std::string_view& rest, std::string_view name) {
  const std::string begin = "; " + std::string(name) + "=\"";
  if (!rest.starts_with(begin)) return wrong("a part's disposition");
  rest.remove_prefix(begin.size());
  const std::size_t end = rest.find('"');
  if (end == rest.npos) return wrong("a part's disposition");
  std::string value(rest.substr(0, end));
  rest.remove_prefix(end + 1);
  if (!is_plain_text(value)) return wrong("a part's name");
  return value;
}

Result<PartHead> disposition(std::string_view value, const MultipartLimits& limits) {
  constexpr std::string_view kKind = "form-data";
  if (!value.starts_with(kKind)) return wrong("a part's disposition");
  value.remove_prefix(kKind.size());
  PartHead part;
  auto name = quoted(value, "name");
  if (!name) return std::unexpected(name.error());
  part.name = *std::move(name);
  if (!value.empty()) {
    auto file = quoted(value, "filename");
    if (!file) return std::unexpected(file.error());
    part.file_name = *std::move(file);
    part.is_file = true;
  }
  if (!value.empty()) return wrong("a part's disposition");
  if (part.name.empty() || part.name.size() > limits.name_bytes_max ||
      part.file_name.size() > limits.file_name_bytes_max)
    return wrong("a part's name");
  return part;
}

Result<PartHead> part_head(std::string_view lines, const MultipartLimits& limits) {
  std::string_view said;
  while (!lines.empty()) {
    const std::size_t end = lines.find("\r\n");
    insist(end != lines.npos);
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    const std::size_t colon = line.find(": ");
    if (colon == line.npos || line.find('\n') != line.npos || line.find('\r') != line.npos)
      return wrong("a part's head");
    const std::string name = lower_case(line.substr(0, colon));
    // What a file calls itself is not believed; a coding would hide it from the reader.
    if (name == "content-type") continue;
    if (name != "content-disposition" || !said.empty()) return wrong("a part's head");
    said = line.substr(colon + 2);
  }
  return disposition(said, limits);
}

}  // namespace

Result<std::string> Multipart::boundary_of(std::string_view content_type) {
  const auto no = [] { return fail(Reason::wrong_media_type, std::string(kFormData)); };
  const std::size_t semicolon = content_type.find(';');
  if (semicolon == content_type.npos || lower_case(content_type.substr(0, semicolon)) != kFormData)
    return no();
  std::string_view rest = content_type.substr(semicolon + 1);
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  constexpr std::string_view kName = "boundary=";
  if (!rest.starts_with(kName)) return no();
  rest.remove_prefix(kName.size());
  if (rest.size() >= 2 && rest.front() == '"' && rest.back() == '"')
    rest = rest.substr(1, rest.size() - 2);
  if (rest.empty() || rest.size() > kBoundaryMax ||
      !std::all_of(rest.begin(), rest.end(), is_boundary_char))
    return no();
  return std::string(rest);
}

Multipart::Multipart(std::string_view boundary, MultipartTaker& taker,
                     const MultipartLimits& limits)
    : taker_(taker), limits_(limits), delimiter_("\r\n--" + std::string(boundary)) {
  insist(!boundary.empty() && boundary.size() <= kBoundaryMax);
}

Multipart::~Multipart() { wipe_away(held_); }

Result<void> Multipart::take(std::string_view bytes) {
  if (at_ == At::failed) return wrong("it was wrong before");
  append_wiping(held_, bytes);
  for (;;) {
    auto more = step();
    if (!more) {
      at_ = At::failed;
      return std::unexpected(more.error());
    }
    if (!*more) return {};
  }
}

// step reads one thing from what is held; false: it wants more bytes.
Result<bool> Multipart::step() {
  const auto drop = [this](std::size_t n, At next) -> Result<bool> {
    held_.erase(0, n);
    at_ = next;
    return true;
  };
  switch (at_) {
    case At::first: {
      const std::string_view begin = std::string_view(delimiter_).substr(2);
      const std::size_t n = std::min(held_.size(), begin.size());
      if (std::string_view(held_).substr(0, n) != begin.substr(0, n))
        return wrong("it does not begin with its boundary");
      if (n < begin.size()) return false;
      return drop(n, At::after_boundary);
    }
    case At::after_boundary:
      if (held_.size() < 2) return false;
      if (held_.starts_with("\r\n")) {
        if (++parts_ > limits_.parts_max) return wrong("too many parts");
        return drop(2, At::head);
      }
      if (held_.starts_with("--")) return drop(2, At::last_break);
      return wrong("a boundary does not end");
    case At::head:
      return read_head();
    case At::body:
      return read_body();
    case At::last_break:
      // The last line break may be missing (RFC 2046 5.1.1); nothing else follows.
      if (!std::string_view("\r\n").starts_with(held_)) return wrong("something follows its end");
      return false;
    case At::failed:
      break;
  }
  return wrong("it was wrong before");
}

Result<bool> Multipart::read_head() {
  const std::size_t end = held_.find("\r\n\r\n");
  if (end == held_.npos) {
    if (held_.size() > limits_.head_bytes_max) return wrong("a part's head is too long");
    return false;
  }
  if (end > limits_.head_bytes_max) return wrong("a part's head is too long");
  auto part = part_head(std::string_view(held_).substr(0, end + 2), limits_);
  if (!part) return std::unexpected(part.error());
  held_.erase(0, end + 4);
  at_ = At::body;
  if (auto begun = taker_.begin_part(*part); !begun) return std::unexpected(begun.error());
  return true;
}

Result<bool> Multipart::read_body() {
  const std::size_t end = held_.find(delimiter_);
  // The end of what is held may be the beginning of a delimiter.
  const std::size_t sure =
      end != held_.npos ? end : held_.size() - std::min(held_.size(), delimiter_.size() - 1);
  if (sure > 0)
    if (auto taken = taker_.part_bytes(std::string_view(held_).substr(0, sure)); !taken)
      return std::unexpected(taken.error());
  if (end == held_.npos) {
    held_.erase(0, sure);
    return false;
  }
  held_.erase(0, end + delimiter_.size());
  at_ = At::after_boundary;
  if (auto ended = taker_.end_part(); !ended) return std::unexpected(ended.error());
  return true;
}

}  // namespace amanat::net
