// Checkpoint texts and the paths of tiles: what is accepted is what the writer would have written.

#include <cstdint>
#include <string_view>

#include "ledger/checkpoint.h"
#include "ledger/tile.h"
#include "model/insist.h"

using namespace amanat;
using namespace amanat::ledger;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto c = parse_checkpoint(text); c && valid_key_name(c->origin)) {
    std::string again = checkpoint_text(c->origin, c->size, c->root);
    for (const std::string& extension : c->extensions) again += extension + "\n";
    insist(again == text);
  }
  if (const auto number = parse_decimal(text)) insist(std::to_string(*number) == text);
  if (const auto name = parse_tile_path(text)) insist(tile_path(*name) == text);
  // The first byte chooses a width, the rest is a bundle.
  if (size > 0)
    if (const auto entries = parse_bundle(text.substr(1), unsigned{data[0]} + 1)) {
      std::string again;
      for (const std::string_view entry : *entries) append_bundle_entry(again, entry);
      insist(again == text.substr(1));
    }
  return 0;
}
