// Alerts, judged lookups and refusals as the ledger keeps them: whatever the bytes, no crash, and
// what is read back has one spelling.

#include <cstdint>
#include <string_view>

#include "detection/alert.h"
#include "model/insist.h"

using namespace amanat;
using namespace amanat::detection;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto alert = decode_alert(text)) {
    insist(encode(*alert) == text);
    insist(alert->looks.size() <= 64 && alert->entries.size() <= 64);
  }
  if (const auto look = look_of(text)) insist(words_of(*look) == text);
  if (const auto refused = refused_of(text)) {
    const auto again = refused_of("\n" + words_of(*refused));
    insist(again && again->order == refused->order && again->at == refused->at &&
           again->rule == refused->rule);
  }
  return 0;
}
