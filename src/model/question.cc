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

}  // namespace amanat
