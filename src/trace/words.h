#pragma once
// trace, words: reading and writing the small files of an evidence bundle: lines of words between
// single blanks. This room only.

#include <charconv>
#include <cstring>
#include <string>
#include <string_view>

#include "crypto/crypto.h"
#include "model/result.h"

namespace amanat::trace {

inline std::string word(std::uint64_t n) { return " " + std::to_string(n); }
template <class Bytes>
std::string hex_word(const Bytes& bytes) {
  return " " + crypto::hex(bytes);
}
inline std::string text_word(std::string_view text) {
  return text.empty() ? " -" : " " + crypto::base64(crypto::bytes_of(text));
}

/// Words reads lines of words; the first thing wrong is remembered and ends it.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}
  bool at(std::string_view kind) const { return ok_ && rest_.starts_with(kind) && !rest_.empty(); }
  bool begin(std::string_view kind) {
    const std::size_t end = rest_.find('\n');
    if (!ok_ || end == rest_.npos || !rest_.starts_with(kind)) return ok_ = false;
    line_ = rest_.substr(kind.size(), end - kind.size());
    rest_.remove_prefix(end + 1);
    return true;
  }
  std::string_view take() {
    if (!line_.starts_with(' ')) {
      ok_ = false;
      return {};
    }
    line_.remove_prefix(1);
    const std::string_view out = line_.substr(0, line_.find(' '));
    line_.remove_prefix(out.size());
    return out;
  }
  template <class Number>
  Number number() {
    const std::string_view text = take();
    Number n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc() || end != text.data() + text.size()) ok_ = false;
    return n;
  }
  template <class Bytes>
  void hex(Bytes& out) {
    const auto decoded = crypto::from_hex(take());
    if (!decoded || decoded->size() != out.size())
      ok_ = false;
    else
      std::memcpy(out.data(), decoded->data(), out.size());
  }
  std::string text() {
    const std::string_view taken = take();
    if (taken == "-") return {};
    auto decoded = crypto::from_base64(taken);
    if (!decoded) ok_ = false;
    return decoded ? *std::move(decoded) : std::string();
  }
  bool done() const { return ok_ && rest_.empty(); }
  bool ok() const { return ok_; }
  void refuse() { ok_ = false; }

 private:
  std::string_view rest_, line_;
  bool ok_ = true;
};

// Whatever a reader lets pass must be the one spelling of what it says.
template <class File, class Write>
Result<File> exactly(const Words& in, std::string_view text, File file, Write write,
                     std::string_view what) {
  if (!in.done() || write(file) != text)
    return fail(Reason::evidence_malformed, std::string(what) + " is not in its form");
  return file;
}

}  // namespace amanat::trace
