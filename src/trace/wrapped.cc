#include "trace/wrapped.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

namespace amanat::trace {
namespace {

constexpr std::size_t kSurely = 64;  // bytes of base64 that no other text begins with
constexpr unsigned kMailDepthMax = 4;
constexpr std::size_t kMailPartsMax = 1'000;
constexpr std::size_t kGroupsMax = 256;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
std::string lowered(std::string_view s) {
  std::string out(s);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

int sextet(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}
int hexadecimal(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// Base64 decodes a text in pieces.
class Base64 {
 public:
  /// take returns whether the text goes on.
  bool take(std::string_view text, std::string& out) {
    for (const char c : text) {
      if (c == '\r' || c == '\n' || c == ' ' || c == '\t') continue;
      const int six = sextet(c);
      if (six < 0) return false;
      bits_ = bits_ << 6 | static_cast<std::uint32_t>(six);
      if ((count_ += 6) < 8) continue;
      count_ -= 8;
      out.push_back(static_cast<char>(bits_ >> count_ & 0xff));
    }
    return true;
  }

 private:
  std::uint32_t bits_ = 0;
  unsigned count_ = 0;
};

class Base64Stream : public ByteStream {
 public:
  explicit Base64Stream(std::unique_ptr<ByteStream> text) : text_(std::move(text)) {}
  Result<bool> next(std::string& out) override {
    out.clear();
    while (out.empty() && !ended_) {
      auto more = text_->next(piece_);
      if (!more) return more;
      ended_ = !*more || !base64_.take(piece_, out);
    }
    return !out.empty();
  }

 private:
  std::unique_ptr<ByteStream> text_;
  std::string piece_;
  Base64 base64_;
  bool ended_ = false;
};

std::string from_quoted_printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      out.push_back(text[i]);
      continue;
    }
    std::size_t end = i + 1;
    if (end < text.size() && text[end] == '\r') ++end;
    if (end < text.size() && text[end] == '\n') {
      i = end;
      continue;
    }
    const int high = i + 2 < text.size() ? hexadecimal(text[i + 1]) : -1;
    const int low = high >= 0 ? hexadecimal(text[i + 2]) : -1;
    if (low < 0) {
      out.push_back('=');
      continue;
    }
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

struct Head {
  std::string type, boundary, encoding, name;
};

// parameter finds `boundary="…"` in a header's value.
std::string parameter(std::string_view value, std::string_view name) {
  const std::string wanted = std::string(name) + "=";
  std::size_t at = lowered(value).find(wanted);
  if (at == std::string::npos) return {};
  at += wanted.size();
  if (at < value.size() && value[at] == '"')
    return std::string(
        value.substr(at + 1, std::min(value.find('"', at + 1), value.size()) - at - 1));
  return std::string(
      value.substr(at, std::min(value.find_first_of("; \t\r\n", at), value.size()) - at));
}

// head_of reads a header and takes it off; continued lines are one.
Head head_of(std::string_view& text) {
  Head head;
  std::string line;
  const auto done = [&] {
    const std::size_t colon = line.find(':');
    if (colon == line.npos) return;
    const std::string name = lowered(std::string_view(line).substr(0, colon));
    const std::string_view value = std::string_view(line).substr(colon + 1);
    if (name == "content-type") {
      const std::size_t begin = std::min(value.find_first_not_of(" \t"), value.size());
      head.type = lowered(value.substr(
          begin, std::min(value.find_first_of("; \r\n", begin), value.size()) - begin));
      head.boundary = parameter(value, "boundary");
      if (head.name.empty()) head.name = parameter(value, "name");
    } else if (name == "content-transfer-encoding") {
      head.encoding = lowered(value);
    } else if (name == "content-disposition") {
      head.name = parameter(value, "filename");
    }
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (one.ends_with('\r')) one.remove_suffix(1);
    if (one.empty()) break;
    if (one.front() == ' ' || one.front() == '\t') {
      line += one;
      continue;
    }
    done();
    line = one;
  }
  done();
  return head;
}

void add_parts(std::string_view text, unsigned depth, std::vector<MailPart>& parts) {
  const Head head = head_of(text);
  if (!head.boundary.empty() && head.type.starts_with("multipart/") && depth < kMailDepthMax) {
    const std::string mark = "--" + head.boundary;
    std::size_t at = text.find(mark);
    while (at != text.npos && parts.size() < kMailPartsMax) {
      std::size_t begin = text.find('\n', at);
      if (begin == text.npos || text.substr(at + mark.size()).starts_with("--")) break;
      ++begin;
      const std::size_t next = text.find(mark, begin);
      add_parts(text.substr(begin, std::min(next, text.size()) - begin), depth + 1, parts);
      at = next;
    }
    return;
  }
  if (head.type == "message/rfc822" && depth < kMailDepthMax)
    return add_parts(text, depth + 1, parts);
  MailPart part{head.name.empty() ? "part" + std::to_string(parts.size() + 1) : head.name, {}};
  if (head.encoding.find("base64") != head.encoding.npos)
    static_cast<void>(Base64().take(text, part.bytes));
  else if (head.encoding.find("quoted-printable") != head.encoding.npos)
    part.bytes = from_quoted_printable(text);
  else
    part.bytes = text;
  parts.push_back(std::move(part));
}

void append_point(unsigned point, std::string& out) {
  if (point < 0x80) {
    out.push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    out.push_back(static_cast<char>(0xC0 | point >> 6));
    out.push_back(static_cast<char>(0x80 | (point & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xE0 | point >> 12));
    out.push_back(static_cast<char>(0x80 | (point >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (point & 0x3F)));
  }
}

/// RichText reads an RTF document (Microsoft's specification 1.9.1) for its words alone.
class RichText {
 public:
  explicit RichText(std::string_view text) : text_(text) {}
  std::string run() {
    while (at_ < text_.size()) step();
    return std::move(out_);
  }

 private:
  void step() {
    const char c = text_[at_++];
    if (c == '{') {
      if (groups_.size() < kGroupsMax) groups_.push_back(silent_);
    } else if (c == '}') {
      if (groups_.empty()) return;
      silent_ = groups_.back();
      groups_.pop_back();
    } else if (c == '\\') {
      control();
    } else if (c != '\r' && c != '\n') {
      say(static_cast<unsigned char>(c));
    }
  }
  void say(unsigned point) {
    if (skip_ > 0) {
      --skip_;
      return;
    }
    if (!silent_) append_point(point, out_);
  }
  void control() {
    if (at_ >= text_.size()) return;
    const char c = text_[at_];
    if (lower(c) < 'a' || lower(c) > 'z') {
      ++at_;
      if (c == '\'') {
        const int high = at_ < text_.size() ? hexadecimal(text_[at_]) : -1;
        const int low = at_ + 1 < text_.size() ? hexadecimal(text_[at_ + 1]) : -1;
        at_ = std::min(at_ + 2, text_.size());
        if (high >= 0 && low >= 0) say(static_cast<unsigned>(high * 16 + low));
      } else if (c == '*') {
        silent_ = true;
      } else if (c == '~') {
        say(' ');
      } else if (c == '_') {
        say('-');
      } else if (c == '\\' || c == '{' || c == '}') {
        say(static_cast<unsigned char>(c));
      } else if (c == '\n' || c == '\r') {
        say('\n');
      }
      return;
    }
    std::string word;
    while (at_ < text_.size() && lower(text_[at_]) >= 'a' && lower(text_[at_]) <= 'z')
      word += text_[at_++];
    std::string number;
    while (at_ < text_.size() && number.size() < 8 &&
           ((text_[at_] >= '0' && text_[at_] <= '9') || (number.empty() && text_[at_] == '-')))
      number += text_[at_++];
    if (at_ < text_.size() && text_[at_] == ' ') ++at_;
    said(word, number);
  }
  void said(const std::string& word, const std::string& number) {
    static const std::set<std::string_view> kSilent = {"fonttbl", "colortbl",  "stylesheet", "info",
                                                       "pict",    "generator", "listtable"};
    if (kSilent.contains(word)) silent_ = true;
    if (word == "par" || word == "line" || word == "row") say('\n');
    if (word == "tab" || word == "cell") say('\t');
    if (word == "u" && !number.empty() && number != "-") {
      const int n = std::stoi(number);
      skip_ = 0;
      say(static_cast<unsigned>(n < 0 ? n + 65'536 : n) & 0xffff);
      skip_ = 1;  // what older readers show instead
    }
  }

  const std::string_view text_;
  std::size_t at_ = 0, skip_ = 0;
  std::string out_;
  bool silent_ = false;
  std::vector<bool> groups_;
};

}  // namespace

bool is_base64(std::string_view first) {
  std::size_t letters = 0, lows = 0, highs = 0, figures = 0, ends = 0;
  for (const char c : first) {
    if (c == '\r' || c == '\n') continue;
    if (c == '=') {
      if (++ends > 2) return false;
      continue;
    }
    // RFC 4648's two alphabets; a text with both is neither.
    if (sextet(c) < 0 || ends > 0) return false;
    ++letters;
    lows += c >= 'a' && c <= 'z';
    highs += c >= 'A' && c <= 'Z';
    figures += c >= '0' && c <= '9';
  }
  return letters >= kSurely && lows * 16 > letters && highs * 16 > letters && figures > 0;
}

std::unique_ptr<ByteStream> stream_of_base64(std::unique_ptr<ByteStream> text) {
  return std::make_unique<Base64Stream>(std::move(text));
}

bool is_mail(std::string_view first) {
  const std::string head = lowered(first.substr(0, 16 * 1024));
  static constexpr std::array<std::string_view, 9> kFirst = {
      "from ",       "from:",         "received:", "return-path:", "delivered-to:", "date:",
      "message-id:", "mime-version:", "x-"};
  const bool begins =
      std::ranges::any_of(kFirst, [&](std::string_view w) { return head.starts_with(w); });
  return begins && head.find("\ncontent-type:") != head.npos;
}

std::vector<MailPart> mail_parts(std::string_view mail) {
  std::vector<MailPart> parts;
  add_parts(mail, 0, parts);
  return parts;
}

bool is_rich_text(std::string_view first) { return first.starts_with("{\\rtf"); }
std::string rich_text(std::string_view document) { return RichText(document).run(); }

}  // namespace amanat::trace
