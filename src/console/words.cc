#include "console/words.h"

#include "model/insist.h"

namespace amanat::console {
namespace {

struct Row {
  std::string_view english, urdu;
};

constexpr Row kRows[] = {
#define WORD(id, en, ur) {en, ur},
#include "console/words.def"
#undef WORD
};

}  // namespace

Language language_of(std::string_view chosen, std::string_view accept_language) {
  if (chosen == "ur") return Language::urdu;
  if (chosen == "en") return Language::english;
  return accept_language.starts_with("ur") ? Language::urdu : Language::english;
}

std::size_t word_count() { return std::size(kRows); }

std::string_view say(Word word, Language language) {
  const auto i = static_cast<std::size_t>(word);
  insist(i < std::size(kRows));
  return language == Language::urdu ? kRows[i].urdu : kRows[i].english;
}

std::string say(Word word, Language language, std::string_view filling) {
  std::string text(say(word, language));
  const std::size_t at = text.find("{}");
  insist(at != std::string::npos);
  // Figures and names inside an Urdu sentence keep their own direction (UAX 9, isolates).
  if (language == Language::urdu)
    return text.replace(at, 2, "\u2068" + std::string(filling) + "\u2069");
  return text.replace(at, 2, filling);
}

std::string say_plainly(Word word, Language language, std::string_view filling) {
  std::string text(say(word, language));
  const std::size_t at = text.find("{}");
  insist(at != std::string::npos);
  return text.replace(at, 2, filling);
}

}  // namespace amanat::console
