#include "model/question.h"

namespace amanat {

std::string canonical_fields(const FieldTable& table, const std::vector<FieldId>& fields) {
  std::string out;
  for (const FieldId f : fields) {
    const std::string& id = table[f].id;
    out.push_back(static_cast<char>(id.size() >> 8));
    out.push_back(static_cast<char>(id.size() & 0xff));
    out += id;
  }
  return out;
}

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

}  // namespace amanat
