#include "trace/names.h"

#include <cstdint>
#include <vector>

namespace amanat::trace {
namespace {

// Classes of one letter; 0: a blank or anything that ends a word; '-': dropped.
// 'a' initial A, otherwise dropped; 'w', 'y' only initial; 'h' he, dropped at the end of a word.
char of_roman(char c) {
  switch (c) {
    case 'a':
    case 'e':
    case 'i':
    case 'o':
    case 'u':
      return 'a';
    case 'w':
    case 'v':
      return 'w';
    case 'y':
      return 'y';
    case 's':
      return 'S';
    case 'x':
      return 'K';
    case 'z':
      return 'Z';
    case 't':
      return 'T';
    case 'd':
      return 'D';
    case 'r':
      return 'R';
    case 'k':
    case 'c':
    case 'q':
      return 'K';
    case 'g':
      return 'G';
    case 'h':
      return 'H';
    case 'f':
      return 'F';
    case 'b':
      return 'B';
    case 'p':
      return 'P';
    case 'j':
      return 'J';
    case 'l':
      return 'L';
    case 'm':
      return 'M';
    case 'n':
      return 'N';
    case '\'':
    case '`':
      return '-';
    default:
      return 0;
  }
}

char of_urdu(std::uint32_t c) {
  switch (c) {
    case 0x0627:
    case 0x0622:
    case 0x0623:
    case 0x0625:
    case 0x0671:
    case 0x0639:
      return 'a';
    case 0x0648:
    case 0x0624:
      return 'w';
    case 0x06CC:
    case 0x06D2:
    case 0x064A:
    case 0x0649:
    case 0x0626:
    case 0x06D3:
      return 'y';
    case 0x0633:
    case 0x062B:
    case 0x0635:
      return 'S';
    case 0x0634:
      return 'X';
    case 0x0686:
      return 'C';
    case 0x0632:
    case 0x0630:
    case 0x0636:
    case 0x0638:
    case 0x0698:
      return 'Z';
    case 0x062A:
    case 0x0679:
    case 0x0637:
      return 'T';
    case 0x062F:
    case 0x0688:
      return 'D';
    case 0x0631:
    case 0x0691:
      return 'R';
    case 0x06A9:
    case 0x0643:
    case 0x0642:
    case 0x062E:
      return 'K';
    case 0x06AF:
    case 0x063A:
      return 'G';
    case 0x062D:
    case 0x06C1:
    case 0x0647:
    case 0x0629:
    case 0x06C3:
    case 0x06D5:
      return 'H';
    case 0x0641:
      return 'F';
    case 0x0628:
      return 'B';
    case 0x067E:
      return 'P';
    case 0x062C:
      return 'J';
    case 0x0644:
      return 'L';
    case 0x0645:
      return 'M';
    case 0x0646:
    case 0x06BA:
      return 'N';
    case 0x0621:
    case 0x06BE:
    case 0x0640:
    case 0x06C2:
      return '-';
    default:
      break;
  }
  if ((c >= 0x064B && c <= 0x065F) || c == 0x0670) return '-';  // vowel signs, shadda
  return c >= 0x0600 && c < 0x0700 ? 0 : c >= 0x200B && c <= 0x200F ? '-' : 0;
}

std::uint32_t next_point(std::string_view s, std::size_t& i) {
  const auto b = [&](std::size_t k) -> unsigned {
    return i + k < s.size() ? static_cast<unsigned char>(s[i + k]) & 0x3F : 0;
  };
  const auto lead = static_cast<unsigned char>(s[i]);
  std::uint32_t c = lead;
  std::size_t n = 1;
  if (lead >= 0xF0)
    c = (lead & 7u) << 18 | b(1) << 12 | b(2) << 6 | b(3), n = 4;
  else if (lead >= 0xE0)
    c = (lead & 15u) << 12 | b(1) << 6 | b(2), n = 3;
  else if (lead >= 0xC0)
    c = (lead & 31u) << 6 | b(1), n = 2;
  i += n;
  return c;
}

/// Letter is one letter's class, with what it was written as, so that doubled ones merge.
struct Letter {
  char key;
  std::uint32_t written;
};

// Accented Latin letters lose their marks; combining marks are dropped.
std::uint32_t plain(std::uint32_t c) {
  static constexpr std::string_view kLatin1 =
      "aaaaaaaceeeeiiiidnooooo ouuuuyts"   // U+00C0 to U+00DF
      "aaaaaaaceeeeiiiidnooooo ouuuuyty";  // U+00E0 to U+00FF
  if (c >= 'A' && c <= 'Z') return c + 32;
  if (c >= 0xC0 && c <= 0xFF) return static_cast<unsigned char>(kLatin1[c - 0xC0]);
  if (c == 0x100 || c == 0x101) return 'a';
  if (c == 0x12A || c == 0x12B) return 'i';
  if (c == 0x16A || c == 0x16B) return 'u';
  return c;
}

void push_roman(std::string_view word, std::vector<Letter>& out) {
  for (std::size_t i = 0; i < word.size(); ++i) {
    const char c = word[i], next = i + 1 < word.size() ? word[i + 1] : '\0';
    char key = of_roman(c);
    bool two = true;
    if (next == 'h' && c == 's')
      key = 'X';
    else if (next == 'h' && c == 'c')
      key = 'C';
    else if (next == 'h' && c == 'k')
      key = 'K';
    else if (next == 'h' && c == 'g')
      key = 'G';
    else if (next == 'h' && (c == 'd' || c == 't'))
      key = of_roman(c);
    else if (next == 'h' && c == 'p')
      key = 'F';
    else if (next == 'h' && (c == 'b' || c == 'j'))
      key = of_roman(c);  // with do-chashmi he
    else
      two = false;
    out.push_back({key, static_cast<unsigned char>(c)});
    i += two ? 1 : 0;
  }
}

std::string key_of(const std::vector<Letter>& letters) {
  std::string key;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if (i > 0 && letters[i].written == letters[i - 1].written) continue;  // doubled in the source
    const bool first = i == 0;
    switch (letters[i].key) {
      case '-':
        break;
      case 'a':
        if (first) key.push_back('A');
        break;
      case 'w':
        if (first) key.push_back('W');
        break;
      case 'y':
        if (first) key.push_back('Y');
        break;
      default:
        key.push_back(letters[i].key);
    }
  }
  if (key.size() > 1 && key.ends_with('H') && letters.back().key == 'H') key.pop_back();
  return key;
}

}  // namespace

std::string skeleton(std::string_view name) {
  std::string out, roman;
  std::vector<Letter> letters;
  bool first = true;
  const auto end_word = [&] {
    push_roman(roman, letters);
    if (!letters.empty()) {
      std::string key = key_of(letters);
      // The short forms of Muhammad, before another name.
      if (first && (roman == "mohd" || roman == "md" || roman == "m" || roman == "mhd"))
        key = "MHMD";
      if (!key.empty()) {
        if (!out.empty()) out.push_back(' ');
        out += key;
        first = false;
      }
    }
    roman.clear();
    letters.clear();
  };
  for (std::size_t i = 0; i < name.size();) {
    const std::uint32_t c = plain(next_point(name, i));
    if (c < 0x80) {
      if (!letters.empty() && letters.back().written >= 0x80 && roman.empty()) end_word();
      if (of_roman(static_cast<char>(c)) == 0)
        end_word();
      else if (c != '\'' && c != '`')
        roman.push_back(static_cast<char>(c));
      continue;
    }
    if (c >= 0x300 && c < 0x370) continue;
    const char key = of_urdu(c);
    if (key == 0) {
      end_word();
      continue;
    }
    if (!roman.empty()) end_word();
    letters.push_back({key, c});
  }
  end_word();
  return out;
}

}  // namespace amanat::trace
