#pragma once
// net, charset: which encoding foreign text has, and that text as UTF-8. Streaming, constant
// memory. A Transcoder belongs to one thread.

#include <memory>
#include <string>
#include <string_view>

#include "model/result.h"

namespace amanat::net {

/// Charset is an encoding by its ICU name, and how it was found.
struct Charset {
  std::string name;           // "UTF-8", "UTF-16LE", "windows-1256", ...
  std::size_t bom_bytes = 0;  // to be skipped at the beginning
  bool guessed = false;       // from statistics; not by a byte-order mark or because it is UTF-8
  /// UTF-8 that somebody read as Windows-1252 and wrote as UTF-8 again ("Ø¹Ù„ÛŒ" for three
  /// letters).
  bool twice_encoded = false;
  friend bool operator==(const Charset&, const Charset&) = default;
};

/// detect_charset judges by the first bytes of a text (64 KiB are plenty). Never fails: what is
/// nothing else is taken as windows-1252, in which every byte is a character.
Charset detect_charset(std::string_view sample);

/// Transcoder turns a text of a charset into UTF-8, a piece at a time, wherever the pieces are cut.
/// What is malformed becomes U+FFFD.
class Transcoder {
 public:
  /// open. Errors: text_not_unicode (ICU knows no such charset).
  static Result<Transcoder> open(const Charset& charset);
  Transcoder(Transcoder&&) noexcept;
  ~Transcoder();
  /// convert appends `bytes` as UTF-8; `last` says that nothing comes after them.
  enum class Piece : std::uint8_t { more_follows, last };
  void convert(std::string_view bytes, Piece piece, std::string& out);
  /// passes says that convert would copy: the text is UTF-8 already and may be read in place.
  bool passes() const;

 private:
  struct State;
  explicit Transcoder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace amanat::net
