#pragma once
// registry, nfc: Unicode normalisation form C (UAX 15) through ICU, alone in its file.

#include <cstddef>
#include <string>

namespace amanat::registry {

/// compose_nfc brings text[begin..] into NFC, in place. The text is valid UTF-8. Thread-safe.
void compose_nfc(std::string& text, std::size_t begin);

}  // namespace amanat::registry
