#pragma once
// Leaked files as they are found, invented: every format, encoding and trap of
// docs/trace-reading.md, with what is in them. For tests; the same seed makes the same files.

#include <unicode/ucnv.h>
#include <zlib.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "model/insist.h"
#include "trace/identifiers.h"

namespace amanat::trace::dirty {

/// File is a leaked file and the truth about it.
struct File {
  std::string name, bytes;
  std::map<std::pair<Kind, std::string>, int> truth;  // whole identifiers, how often
  int partial = 0;
  std::uint64_t tokens = 0;  // words and numbers in it that are no identifiers
  bool doubtful = false;     // a column of it holds times
};

struct Person {
  std::string id, phone;  // canonical: 13 digits; 92 and ten
  std::string name, urdu, address, date;
};

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : draw_(seed) {}

  std::uint64_t below(std::uint64_t n) { return draw_() % n; }
  template <class T>
  const T& one_of(const std::vector<T>& from) {
    return from[below(from.size())];
  }
  std::string digits(std::size_t n) {
    std::string out;
    while (out.size() < n) out.push_back(static_cast<char>('0' + below(10)));
    return out;
  }

  std::vector<Person> people(std::size_t n) {
    static const std::vector<std::string> kNames = {"Muhammad Ali",      "Fatima Bibi",
                                                    "Syed Hussain Shah", "A. Rehman",
                                                    "Nasreen Akhtar",    "Bilal Ahmed Khan"};
    static const std::vector<std::string> kUrdu = {"محمد علی", "فاطمہ بی بی", "سید حسین شاہ",
                                                   "نسرین اختر", "بلال احمد خان"};
    std::vector<Person> out;
    for (std::size_t i = 0; i < n; ++i) {
      Person p;
      p.id = std::to_string(2 + below(6)) + digits(12);
      p.phone = "923" + digits(9);
      p.name = one_of(kNames);
      p.urdu = one_of(kUrdu);
      p.address = "House " + std::to_string(1 + below(900)) + " Street " +
                  std::to_string(1 + below(60)) + " Lahore";
      p.date = "2026-" + two(1 + below(12)) + "-" + two(1 + below(28));
      out.push_back(std::move(p));
    }
    return out;
  }
  static std::string two(std::uint64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); }

  static std::string joined_id(const std::string& id, const std::string& by) {
    return id.substr(0, 5) + by + id.substr(5, 7) + by + id.substr(12);
  }
  std::string any_id(const std::string& id) {
    switch (below(8)) {
      case 0:
        return id;
      case 1:
        return joined_id(id, " ");
      case 2:
        return joined_id(id, "–");
      case 3:
        return joined_id(id, "‑");
      case 4:
        return joined_id(id, "\u00A0");
      case 5:
        return "\u200F" + joined_id(id, "-") + "\u200E";
      case 6:
        return in_script(joined_id(id, "-"), 2);
      default:
        return joined_id(id, "-");
    }
  }
  std::string any_phone(const std::string& phone) {
    const std::string ten = phone.substr(2), a = ten.substr(0, 3), b = ten.substr(3);
    switch (below(10)) {
      case 0:
        return "0" + ten;
      case 1:
        return "0" + a + "-" + b;
      case 2:
        return "+92" + ten;
      case 3:
        return "0092" + ten;
      case 4:
        return "92" + ten;
      case 5:
        return ten;
      case 6:
        return "+92 " + a + " " + b;
      case 7:
        return "0" + a + " " + b;
      case 8:
        return "(0" + a + ") " + b;
      default:
        return in_script("0" + ten, 1);
    }
  }
  /// in_script writes digits in Urdu (0), Arabic (1), mixed (2) or full-width (3) forms.
  std::string in_script(const std::string& text, int script) {
    std::string out;
    for (const char c : text) {
      const int which = script == 2 ? static_cast<int>(below(3)) : script;
      const auto d = static_cast<unsigned>(c - '0');
      if (d > 9 || (script == 2 && which == 2))
        out.push_back(c);
      else if (which == 0)
        out += {static_cast<char>(0xDB), static_cast<char>(0xB0 + d)};
      else if (which == 1)
        out += {static_cast<char>(0xD9), static_cast<char>(0xA0 + d)};
      else
        out += {static_cast<char>(0xEF), static_cast<char>(0xBC), static_cast<char>(0x90 + d)};
    }
    return out;
  }

  std::mt19937_64& draw() { return draw_; }

 private:
  std::mt19937_64 draw_;
};

// Encodings.
inline std::string encoded(const std::string& utf8, const char* charset) {
  UErrorCode status = U_ZERO_ERROR;
  std::string out(utf8.size() * 4 + 16, '\0');
  const auto n = ucnv_convert(charset, "UTF-8", out.data(), static_cast<std::int32_t>(out.size()),
                              utf8.data(), static_cast<std::int32_t>(utf8.size()), &status);
  insist(U_SUCCESS(status));
  out.resize(static_cast<std::size_t>(n));
  return out;
}

// Archives.
inline void put(std::string& out, std::uint64_t n, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(n >> (8 * i)));
}
inline std::string deflated(const std::string& bytes, int window) {
  z_stream z{};
  insist(deflateInit2(&z, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&z, bytes.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  insist(deflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}
inline std::string gzipped(const std::string& bytes) { return deflated(bytes, 15 + 16); }

enum class Packing : std::uint8_t { stored, deflate };
inline std::string zipped(const std::vector<std::pair<std::string, std::string>>& files,
                          Packing packing) {
  std::string out, directory;
  for (const auto& [name, bytes] : files) {
    const std::string packed = packing == Packing::stored ? bytes : deflated(bytes, -15);
    const auto crc =
        ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size()));
    const std::size_t at = out.size();
    std::string about;
    put(about, 20, 2);
    put(about, 0x800, 2);
    put(about, packing == Packing::stored ? 0 : 8, 2);
    put(about, 0, 4);
    put(about, crc, 4);
    put(about, packed.size(), 4);
    put(about, bytes.size(), 4);
    put(about, name.size(), 2);
    put(about, 0, 2);
    out += std::string("PK\3\4", 4) + about + name + packed;
    directory += std::string("PK\1\2\x14\0", 6) + about;
    put(directory, 0, 2);
    put(directory, 0, 2);
    put(directory, 0, 2);
    put(directory, 0, 4);
    put(directory, at, 4);
    directory += name;
  }
  const std::size_t begin = out.size();
  out += directory;
  out += std::string("PK\5\6\0\0\0\0", 8);
  put(out, files.size(), 2);
  put(out, files.size(), 2);
  put(out, directory.size(), 4);
  put(out, begin, 4);
  put(out, 0, 2);
  return out;
}

/// all_files makes the corpus: at least 60 files of `rows` people each.
std::vector<File> all_files(std::uint64_t seed, std::size_t rows);

}  // namespace amanat::trace::dirty
