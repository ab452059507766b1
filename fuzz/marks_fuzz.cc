// Marks from strangers' hands: slot catalogues, marks records, year keys, statements, extractions,
// and leaked text against a value. What is accepted is canonical; nothing reads beyond its bytes.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "disclosure/marks.h"
#include "disclosure/slots.h"
#include "model/insist.h"

using namespace amanat;
using namespace amanat::disclosure;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto slots = SlotCatalogue::parse(text)) {
    insist(slots->text() == text && slots->version() > 0);
    insist(!slots->follows(*slots));
  }
  if (const auto record = parse_marks(text)) insist(encode_marks(*record) == text);
  if (const auto keys = parse_year_keys(text)) insist(year_keys_text(*keys) == text);
  if (const auto unlocked = parse_unlocked(text, "o.test/1"))
    insist(unlocked_text(*unlocked, "o.test/1") == text);
  (void)accounts_of_extraction(text);
  // A leaked cell and what it may be of: first line, the rest.
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::string_view raw = text.substr(0, line);
  const std::string_view value = line < text.size() ? text.substr(line + 1) : text;
  if (value.size() > 300 || raw.size() > 300) return 0;
  for (std::size_t kind = 3; kind < kSlotKinds; ++kind) {
    Slot slot;
    slot.kind = static_cast<SlotKind>(kind);
    const Slot* const one = &slot;
    const auto read = read_value(std::span(&one, 1), raw, value)[0];
    insist(!read || *read < symbols_of(slot.kind));
    for (std::uint32_t s = 0; s < symbols_of(slot.kind); ++s) {
      const Symbolised fallen{&slot, s};
      const std::string shown = rendered(std::span(&fallen, 1), value);
      const auto back = read_value(std::span(&one, 1), shown, value)[0];
      insist(!back || *back == s);
    }
  }
  return 0;
}
