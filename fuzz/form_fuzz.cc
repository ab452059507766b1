// Forms from strangers: whatever is read decodes to text that is safe to show and to pass on.

#include <cstdint>
#include <string_view>

#include "model/insist.h"
#include "net/form.h"
#include "net/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto form =
      amanat::net::parse_form({reinterpret_cast<const char*>(data), size}, {.fields_max = 64});
  if (!form) return 0;
  insist(form->fields().size() <= 64);
  for (const auto& [name, value] : form->fields()) {
    insist(!name.empty() && amanat::net::is_utf8(name) && amanat::net::is_utf8(value));
    insist(value.find('\0') == value.npos);
  }
  return 0;
}
