#include "detection/case_key.h"

namespace amanat::detection {

std::string normal_case_ref(std::string_view ref) {
  std::string out;
  out.reserve(ref.size());
  bool blank = false;
  for (const char c : ref) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      blank = !out.empty();
      continue;
    }
    if (blank) out.push_back(' ');
    blank = false;
    out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return out;
}

}  // namespace amanat::detection
