#include "model/insist.h"

#include <cstdio>
#include <cstdlib>

namespace amanat {

void insist_failed(const char* condition, const std::source_location& where) {
  std::fprintf(stderr, "amanat: invariant broken: %s (%s:%u, %s)\n", condition, where.file_name(),
               static_cast<unsigned>(where.line()), where.function_name());
  std::abort();
}

}  // namespace amanat
