#pragma once
// net, the bytes of HTTP/1.1 (RFC 9112), inside the room only: where a head ends, how a body is
// framed, and how a reply is written. Strict: whatever two parsers could read in two ways is
// refused. Pure functions and small values without locks.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/request.h"
#include "model/result.h"
#include "model/secret.h"

namespace amanat::net {

/// Fields are header names in lower case with their values, in order.
using Fields = std::vector<std::pair<std::string, std::string>>;

/// HeadEnd says where the head at the start of a text ends.
struct HeadEnd {
  enum class Kind : std::uint8_t { found, unfinished, wrong };
  Kind kind = Kind::unfinished;
  std::size_t bytes = 0;  // found: with the empty line; unfinished: where to look on
};
/// find_head_end looks for the empty line from `from` on (a value it returned as unfinished
/// before, or 0). A line feed without carriage return is wrong at once.
HeadEnd find_head_end(std::string_view text, std::size_t from);

/// parse_fields reads header lines "name: value CRLF", names into lower case. Lists that came in
/// several lines are joined by ", "; any other repeated field is malformed_request. More than
/// `fields_max` is header_too_large.
Result<Fields> parse_fields(std::string_view lines, unsigned fields_max);

/// Framing is how long a message's body is.
struct Framing {
  std::optional<std::uint64_t> length;
  bool chunked = false;
};
/// framing_of reads Content-Length and Transfer-Encoding: one of them, once, in plain digits.
/// Errors: malformed_request, wrong_media_type (another coding), body_too_large.
Result<Framing> framing_of(const Fields& fields, std::uint64_t body_bytes_max);

/// has_token says whether a comma-separated field holds a word, in any case of letters.
bool has_token(std::string_view list, std::string_view word);

/// BodyReader takes a body out of a stream. Chunk extensions and trailers are refused: nobody
/// needs them, and they are read in two ways by two parsers.
class BodyReader {
 public:
  BodyReader(const Framing& framing, std::uint64_t body_bytes_max);
  enum class State : std::uint8_t { more, complete, wrong, too_large };
  /// take moves bytes from the front of `text` to `body` until it is complete or text is empty.
  State take(std::string_view& text, std::string& body);

 private:
  enum class At : std::uint8_t {
    size,
    size_feed,
    data,
    data_return,
    data_feed,
    last_return,
    last_feed,
    end
  };
  State chunk_byte(char c);
  std::uint64_t left_, total_ = 0, bytes_max_;
  unsigned digits_ = 0;
  bool chunked_;
  At at_;
};

/// append_wiping appends to a string that holds personal data; an outgrown block is wiped.
void append_wiping(std::string& to, std::string_view text);
/// wipe_away wipes and empties a string.
void wipe_away(std::string& text);

/// ReplyForm is what surrounds a response on the wire.
struct ReplyForm {
  bool without_body = false;  // to HEAD
  bool close = false;         // the connection ends after it
  std::string_view date;      // RFC 9110 5.6.7
};
/// append_reply writes head and body. A response whose headers hold a line break or say how long it
/// is becomes an internal_error.
void append_reply(WipingBuffer& out, const Response& response, const ReplyForm& form);

/// problem makes the reply of a request that could not be read (RFC 9457).
Response problem(const Failure& failure, bool urdu);
/// asks_urdu looks into a raw head, well-formed or not, for Accept-Language: ur.
bool asks_urdu(std::string_view raw_head);

/// http_date writes seconds since 1970 as "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::uint64_t seconds);

}  // namespace amanat::net
