#include "registry/nfc.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include "model/insist.h"

namespace amanat::registry {

void compose_nfc(std::string& text, std::size_t begin) {
  insist(begin <= text.size());
  UErrorCode status = U_ZERO_ERROR;
  static const icu::Normalizer2* const nfc = icu::Normalizer2::getNFCInstance(status);
  insist(nfc != nullptr);
  const icu::StringPiece piece(text.data() + begin, static_cast<std::int32_t>(text.size() - begin));
  status = U_ZERO_ERROR;
  if (nfc->isNormalizedUTF8(piece, status) && U_SUCCESS(status)) return;
  std::string composed;
  icu::StringByteSink<std::string> sink(&composed);
  status = U_ZERO_ERROR;
  nfc->normalizeUTF8(0, piece, sink, nullptr, status);
  insist(U_SUCCESS(status));
  text.replace(begin, std::string::npos, composed);
}

}  // namespace amanat::registry
