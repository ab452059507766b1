#pragma once
// console, words: everything a page says, in both languages, from one table (words.def). Pure.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace amanat::console {

enum class Language : std::uint8_t { english, urdu };

/// language_of chooses by what the reader chose ("en", "ur"; empty: nothing), else by the browser's
/// Accept-Language.
Language language_of(std::string_view chosen, std::string_view accept_language);

enum class Word : std::uint16_t {
#define WORD(id, en, ur) id,
#include "console/words.def"
#undef WORD
};
/// word_count is the number of words.
std::size_t word_count();

/// say is a word in a language.
std::string_view say(Word word, Language language);
/// say fills the word's {} in.
std::string say(Word word, Language language, std::string_view filling);
/// say_plainly is the same without marks of direction, for text messages.
std::string say_plainly(Word word, Language language, std::string_view filling);

}  // namespace amanat::console
