#include "model/result.h"

#include <array>
#include <cstddef>

#include "model/insist.h"

namespace amanat {
namespace {

constexpr bool refused = true, failed = false, shown = true, hidden = false;

// Identifiers in C++ have underscores, on the wire dashes: turned once, at compile time.
template <std::size_t N>
struct Dashed {
  char text[N];
  consteval Dashed(const char (&word)[N]) : text{} {
    for (std::size_t i = 0; i < N; ++i) text[i] = word[i] == '_' ? '-' : word[i];
  }
};
template <Dashed D>
constexpr std::string_view dashed() {
  return {D.text, sizeof(D.text) - 1};  // a template parameter object lives for ever
}

constexpr ReasonRow kRows[] = {
#define REASON(id, kind, http, exit, en, ur, next_en, next_ur, detail) \
  {Reason::id, dashed<#id>(), kind, http, exit, en, ur, next_en, next_ur, detail},
#include "model/reasons.def"
#undef REASON
};

}  // namespace

const ReasonRow& row_of(Reason reason) {
  const auto i = static_cast<std::size_t>(reason);
  insist(i < std::size(kRows));
  insist(kRows[i].reason == reason);
  return kRows[i];
}

std::size_t reason_count() { return std::size(kRows); }

}  // namespace amanat
