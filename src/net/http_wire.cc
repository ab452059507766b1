#include "net/http_wire.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include "model/insist.h"
#include "net/json.h"

namespace amanat::net {
namespace {

constexpr std::string_view kTokenMarks =
    "!#$%&'*+-.^_`|~";  // RFC 9110 5.6.2, beside letters and digits

constexpr auto kTokenBytes = [] {
  std::array<bool, 256> token{};
  for (unsigned c = 0; c < 256; ++c)
    token[c] = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               (c < 128 && kTokenMarks.find(static_cast<char>(c)) != std::string_view::npos);
  return token;
}();

// Fields that are lists by their definition and may come in several lines (RFC 9110 5.3).
constexpr std::string_view kLists[] = {"accept",
                                       "accept-charset",
                                       "accept-encoding",
                                       "accept-language",
                                       "cache-control",
                                       "connection",
                                       "forwarded",
                                       "if-match",
                                       "if-none-match",
                                       "pragma",
                                       "te",
                                       "upgrade",
                                       "via",
                                       "x-forwarded-for"};

bool is_list(std::string_view name) {
  return std::find(std::begin(kLists), std::end(kLists), name) != std::end(kLists);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool plain_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) {
    const auto b = static_cast<unsigned char>(c);
    return b == '\t' || (b >= 0x20 && b != 0x7F);
  });
}

bool lower_token(std::string_view name, std::string& out) {
  if (name.empty()) return false;
  out.resize(name.size());
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (!kTokenBytes[static_cast<unsigned char>(name[i])]) return false;
    out[i] = lower(name[i]);
  }
  return true;
}

std::string_view phrase(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Other";
  }
}

// plain_headers says whether a response's headers are headers: a line break that slipped into one
// would end it and begin something of its author's choice.
bool plain_headers(const Response& response) {
  std::string low;
  return plain_value(response.content_type) &&
         std::all_of(response.headers.begin(), response.headers.end(), [&low](const auto& header) {
           return lower_token(header.first, low) && plain_value(header.second) &&
                  low != "content-length" && low != "transfer-encoding";
         });
}

// HeadText collects a reply's head on the stack, where most fit, and copies it once.
class HeadText {
 public:
  void put(std::string_view text) {
    if (far_.empty() && size_ + text.size() > sizeof near_) far_.assign(near_, size_);
    if (!far_.empty()) {
      far_.append(text);
      return;
    }
    std::copy(text.begin(), text.end(), near_ + size_);
    size_ += text.size();
  }
  void put_number(std::uint64_t n) {
    char digits[20];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, n);
    insist(error == std::errc{});
    put({digits, static_cast<std::size_t>(end - digits)});
  }
  void move_to(WipingBuffer& out) const {
    out.append(far_.empty() ? std::string_view(near_, size_) : far_);
  }

 private:
  char near_[768];
  std::size_t size_ = 0;
  std::string far_;
};

}  // namespace

HeadEnd find_head_end(std::string_view text, std::size_t from) {
  insist(from <= text.size());
  std::size_t at = from;
  for (;;) {
    const auto i = text.find('\n', at);
    if (i == std::string_view::npos) return {HeadEnd::Kind::unfinished, text.size()};
    if (i == 0 || text[i - 1] != '\r') return {HeadEnd::Kind::wrong, i};
    if (i == 1) return {HeadEnd::Kind::wrong, i};  // an empty line where the request line belongs
    if (text[i - 2] == '\n') return {HeadEnd::Kind::found, i + 1};
    at = i + 1;
  }
}

Result<Fields> parse_fields(std::string_view lines, unsigned fields_max) {
  Fields fields;
  fields.reserve(8);
  std::string name;
  for (unsigned count = 0; !lines.empty();) {
    const auto end = lines.find("\r\n");
    if (end == std::string_view::npos)
      return fail(Reason::malformed_request, "a header line does not end");
    const auto line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    if (++count > fields_max) return fail(Reason::header_too_large, "too many headers");
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !lower_token(line.substr(0, colon), name))
      return fail(Reason::malformed_request, "a header's name is not a word followed by a colon");
    const auto value = trimmed(line.substr(colon + 1));
    if (!plain_value(value)) return fail(Reason::malformed_request, "a control byte in a header");
    const auto same =
        std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.first == name; });
    if (same == fields.end()) {
      fields.emplace_back(name, value);
    } else if (is_list(name)) {
      same->second.append(", ").append(value);
    } else {
      return fail(Reason::malformed_request, "a header is repeated");
    }
  }
  return fields;
}

Result<Framing> framing_of(const Fields& fields, std::uint64_t body_bytes_max) {
  Framing framing;
  for (const auto& [name, value] : fields) {
    if (name == "content-length") {
      std::uint64_t n = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
      const bool digits =
          error != std::errc::invalid_argument && end == value.data() + value.size();
      if (!digits || (value.size() > 1 && value[0] == '0'))
        return fail(Reason::malformed_request, "Content-Length is not a plain number");
      if (error != std::errc{} || n > body_bytes_max)
        return fail(Reason::body_too_large,
                    "more than " + std::to_string(body_bytes_max) + " bytes");
      framing.length = n;
    } else if (name == "transfer-encoding") {
      if (!same_word(value, "chunked"))
        return fail(Reason::wrong_media_type, "a transfer coding other than chunked");
      framing.chunked = true;
    }
  }
  if (framing.chunked && framing.length)
    return fail(Reason::malformed_request, "both Content-Length and Transfer-Encoding");
  return framing;
}

bool has_token(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    if (same_word(trimmed(list.substr(0, comma)), word)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

BodyReader::BodyReader(const Framing& framing, std::uint64_t body_bytes_max)
    : left_(framing.length.value_or(0)),
      bytes_max_(body_bytes_max),
      chunked_(framing.chunked),
      at_(framing.chunked ? At::size
          : left_ == 0    ? At::end
                          : At::data) {
  insist(left_ <= body_bytes_max);
}

BodyReader::State BodyReader::take(std::string_view& text, std::string& body) {
  while (at_ != At::end && !text.empty()) {
    if (at_ == At::data) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, text.size()));
      append_wiping(body, text.substr(0, n));
      text.remove_prefix(n);
      left_ -= n;
      if (left_ == 0) at_ = chunked_ ? At::data_return : At::end;
      continue;
    }
    const auto state = chunk_byte(text.front());
    if (state != State::more) return state;
    text.remove_prefix(1);
  }
  return at_ == At::end ? State::complete : State::more;
}

BodyReader::State BodyReader::chunk_byte(char c) {
  insist(chunked_);
  const auto expect = [this, c](char wanted, At next) {
    at_ = next;
    return c == wanted ? State::more : State::wrong;
  };
  switch (at_) {
    case At::size: {
      if (c == '\r' && digits_ > 0) {
        at_ = At::size_feed;
        return State::more;
      }
      const char l = lower(c);
      const bool digit = c >= '0' && c <= '9';
      if ((!digit && (l < 'a' || l > 'f')) || ++digits_ > 8) return State::wrong;
      left_ = left_ * 16 + static_cast<unsigned>(digit ? c - '0' : l - 'a' + 10);
      if (total_ + left_ > bytes_max_) return State::too_large;
      return State::more;
    }
    case At::size_feed:
      digits_ = 0;
      total_ += left_;
      return expect('\n', left_ == 0 ? At::last_return : At::data);
    case At::data_return:
      return expect('\r', At::data_feed);
    case At::data_feed:
      return expect('\n', At::size);
    case At::last_return:
      return expect('\r', At::last_feed);
    case At::last_feed:
      return expect('\n', At::end);
    case At::data:
    case At::end:
      break;
  }
  insist(false);
  return State::wrong;
}

void append_wiping(std::string& to, std::string_view text) {
  if (to.capacity() - to.size() < text.size()) {
    std::string larger;
    larger.reserve(std::max(to.size() + text.size(), to.capacity() * 2));
    larger.append(to);
    wipe(to.data(), to.size());
    to.swap(larger);
  }
  to.append(text);
}

void wipe_away(std::string& text) {
  wipe(text.data(), text.size());
  text.clear();
}

void append_reply(WipingBuffer& out, const Response& response, const ReplyForm& form) {
  insist(response.status >= 200 && response.status <= 599);
  if (!plain_headers(response))
    return append_reply(out, problem({Reason::internal_error, {}}, false), form);
  const bool bodiless = response.status == 204 || response.status == 304;
  HeadText head;
  head.put("HTTP/1.1 ");
  head.put_number(response.status);
  head.put(" ");
  head.put(phrase(response.status));
  head.put("\r\nDate: ");
  head.put(form.date);
  if (!response.content_type.empty() && !bodiless) {
    head.put("\r\nContent-Type: ");
    head.put(response.content_type);
  }
  bool caches = false;
  for (const auto& [name, value] : response.headers) {
    caches = caches || same_word(name, "cache-control");
    for (const std::string_view part : {std::string_view("\r\n"), std::string_view(name),
                                        std::string_view(": "), std::string_view(value)})
      head.put(part);
  }
  if (!caches) head.put("\r\nCache-Control: no-store");
  head.put("\r\nX-Content-Type-Options: nosniff\r\nStrict-Transport-Security: max-age=31536000");
  if (!bodiless) {
    head.put("\r\nContent-Length: ");
    head.put_number(response.body.size());
  }
  head.put(form.close ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n");
  head.move_to(out);
  if (!form.without_body && !bodiless) out.append(response.body);
}

Response problem(const Failure& failure, bool urdu) {
  const ReasonRow& row = row_of(failure.reason);
  JsonWriter json;
  json.begin_object().key("type").string("about:blank");
  json.key("title").string(urdu ? row.urdu : row.english);
  json.key("status").number(row.http_status);
  json.key("reason").string(row.id);
  json.key("next").string(urdu ? row.next_urdu : row.next_english);
  if (row.detail_shown && !failure.detail.empty()) json.key("detail").string(failure.detail);
  json.end_object();
  Response response;
  response.status = row.http_status;
  response.content_type = "application/problem+json";
  if (urdu) response.headers.emplace_back("Content-Language", "ur");
  response.body = json.take();
  return response;
}

bool asks_urdu(std::string_view raw_head) {
  constexpr std::string_view kName = "accept-language:";
  for (auto feed = raw_head.find('\n'); feed != std::string_view::npos;
       feed = raw_head.find('\n', feed + 1)) {
    const auto line =
        raw_head.substr(feed + 1, raw_head.find_first_of("\r\n", feed + 1) - feed - 1);
    if (line.size() < kName.size() || !same_word(line.substr(0, kName.size()), kName)) continue;
    const auto value = trimmed(line.substr(kName.size()));
    if (value.size() < 2 || !same_word(value.substr(0, 2), "ur")) return false;
    return value.size() == 2 || value[2] == '-' || value[2] == ',' || value[2] == ';';
  }
  return false;
}

std::string http_date(std::uint64_t seconds) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto clock = static_cast<std::time_t>(seconds);
  std::tm t{};
  insist(::gmtime_r(&clock, &t) != nullptr);
  char text[64];
  const int n =
      std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[t.tm_wday],
                    t.tm_mday, kMonths[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
  insist(n == 29);
  return std::string(text, 29);
}

}  // namespace amanat::net
