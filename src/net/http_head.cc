// The request head (RFC 9112 2-6), as strict as a parser can be that still serves every honest
// client: what this server reads in one way, no proxy before it can have read in another.

#include <algorithm>
#include <array>

#include "model/insist.h"
#include "net/http.h"
#include "net/http_wire.h"

namespace amanat::net {
namespace {

constexpr std::size_t kMethodBytesMost = 16;

constexpr auto kTargetBytes = [] {
  std::array<bool, 256> allowed{};
  for (unsigned c = 0x21; c < 0x7F; ++c)
    allowed[c] =
        std::string_view("\"#<>\\^`{|}").find(static_cast<char>(c)) == std::string_view::npos;
  return allowed;
}();

bool is_version(std::string_view v) {
  return v.size() == 8 && v.starts_with("HTTP/") && v[5] >= '0' && v[5] <= '9' && v[6] == '.' &&
         v[7] >= '0' && v[7] <= '9';
}

Result<void> parse_request_line(std::string_view line, Request& request) {
  const auto first = line.find(' ');
  const auto second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos)
    return fail(Reason::malformed_request, "the request line lacks a part");
  const auto method = line.substr(0, first), target = line.substr(first + 1, second - first - 1),
             version = line.substr(second + 1);
  if (method.empty() || method.size() > kMethodBytesMost ||
      !std::all_of(method.begin(), method.end(), [](char c) { return c >= 'A' && c <= 'Z'; }))
    return fail(Reason::malformed_request, "the method is not a short word in capitals");
  if (!is_version(version))
    return fail(Reason::malformed_request, "the request line does not end in a version");
  if (version != "HTTP/1.1") return fail(Reason::wrong_http_version);
  if (target.empty() || target[0] != '/')
    return fail(Reason::malformed_request, "the target is not a path on this server");
  if (!std::all_of(target.begin(), target.end(),
                   [](char c) { return kTargetBytes[static_cast<unsigned char>(c)]; }))
    return fail(Reason::malformed_request, "a byte in the target that must be encoded");
  const auto mark = std::min(target.find('?'), target.size());
  request.method = method;
  request.path = target.substr(0, mark);
  if (mark < target.size()) request.query = target.substr(mark + 1);
  return {};
}

bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= 255 && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
  });
}

}  // namespace

Result<Head> parse_request_head(std::string_view text, const ServerOptions& limits) {
  const auto end = find_head_end(text.substr(0, limits.header_bytes_max), 0);
  if (end.kind == HeadEnd::Kind::wrong)
    return fail(Reason::malformed_request, "a line does not end in CR LF");
  if (end.kind == HeadEnd::Kind::unfinished)
    return text.size() >= limits.header_bytes_max
               ? fail(Reason::header_too_large)
               : fail(Reason::malformed_request, "the head does not end");
  const auto lines = text.substr(0, end.bytes - 2);
  const auto first = lines.find("\r\n");
  insist(first != std::string_view::npos && first + 2 <= lines.size());
  Head head;
  head.head_bytes = end.bytes;
  if (const auto line = parse_request_line(lines.substr(0, first), head.request); !line)
    return std::unexpected(line.error());
  auto fields = parse_fields(lines.substr(first + 2), limits.headers_max);
  if (!fields) return std::unexpected(std::move(fields.error()));
  head.request.headers = *std::move(fields);
  if (!is_host(head.request.header("host")))
    return fail(Reason::malformed_request, "no Host, or not a name");
  head.upload = !limits.upload_path.empty() && head.request.method == "POST" &&
                head.request.path == limits.upload_path &&
                head.request.header("content-type").starts_with("multipart/form-data");
  const auto framing = framing_of(head.request.headers,
                                  head.upload ? limits.upload_bytes_max : limits.body_bytes_max);
  if (!framing) return std::unexpected(framing.error());
  for (const auto& [name, value] : head.request.headers) {
    if (name == "content-encoding") return fail(Reason::wrong_media_type, "a content coding");
    if (name == "expect" && !has_token(value, "100-continue"))
      return fail(Reason::malformed_request, "Expect other than 100-continue");
  }
  head.body_bytes = framing->length.value_or(0);
  head.chunked = framing->chunked;
  head.keep_alive = !has_token(head.request.header("connection"), "close");
  return head;
}

}  // namespace amanat::net
