#include "model/ids.h"

#include <chrono>

namespace amanat {

Moment now() {
  using namespace std::chrono;
  return Moment{static_cast<std::uint64_t>(
      duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count())};
}

std::string masked(const SubjectName& name) {
  const std::string& v = name.value;
  if (name.kind == SubjectKind::national_id && v.size() == 13)
    return v.substr(0, 5) + "-*****" + v.substr(10, 2) + "-" + v.substr(12);
  const std::size_t shown = v.size() > 6 ? 2 : 0;
  return std::string(v.size() - shown, '*') + v.substr(v.size() - shown);
}

}  // namespace amanat
