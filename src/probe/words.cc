#include <algorithm>
#include <array>

#include "model/insist.h"
#include "probe/probe.h"

namespace amanat::probe {
namespace {

template <std::size_t N>
constexpr auto dashed(const char (&id)[N]) {
  std::array<char, N> out{};
  for (std::size_t i = 0; i < N; ++i) out[i] = id[i] == '_' ? '-' : id[i];
  return out;
}

#define HOLE(id, weight, en, ur, means_en, means_ur, next_en, next_ur) \
  constexpr auto k_##id = dashed(#id);
#include "probe/kinds.def"
#undef HOLE

constexpr KindRow kRows[] = {
#define HOLE(id, weight, en, ur, means_en, means_ur, next_en, next_ur) \
  {Kind::id,                                                           \
   {k_##id.data(), k_##id.size() - 1},                                 \
   Weight::weight,                                                     \
   en,                                                                 \
   ur,                                                                 \
   means_en,                                                           \
   means_ur,                                                           \
   next_en,                                                            \
   next_ur},
#include "probe/kinds.def"
#undef HOLE
};

}  // namespace

std::size_t kind_count() { return std::size(kRows); }

const KindRow& row_of(Kind kind) {
  const auto index = static_cast<std::size_t>(kind);
  insist(index < std::size(kRows));
  return kRows[index];
}

std::string_view words_of(Difference difference, bool urdu) {
  switch (difference) {
    case Difference::unknown:
      return urdu ? "موازنے کے لیے کوئی جائز جواب نہیں" : "no rightful answer to compare with";
    case Difference::same_body:
      return urdu ? "بالکل وہی جواب جو حق دار کو ملا" : "exactly the answer of the rightful caller";
    case Difference::same_members:
      return urdu ? "وہی خانے، قدریں مختلف" : "the same members, other values";
    case Difference::other_members:
      return urdu ? "دوسرے خانے یا دوسری شکل" : "other members or another form";
    case Difference::no_body:
      return urdu ? "جواب بغیر متن کے" : "an answer without a body";
  }
  insist(false);
}

std::string_view words_of(Outcome outcome, bool urdu) {
  switch (outcome) {
    case Outcome::refused:
      return urdu ? "انکار" : "refused";
    case Outcome::open:
      return urdu ? "عوامی" : "public";
    case Outcome::answered:
      return urdu ? "جواب دیا" : "answered";
    case Outcome::unclear:
      return urdu ? "غیر واضح" : "unclear";
    case Outcome::not_asked:
      return urdu ? "نہیں پوچھا" : "not asked";
  }
  insist(false);
}

}  // namespace amanat::probe
