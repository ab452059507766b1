#include "net/json.h"

namespace amanat::net {

void append_json_string(WipingBuffer& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.append("\"");
  std::size_t clean = 0;   // runs that need no escape go in one piece
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.substr(clean, i - clean));
    clean = i + 1;
    if (c == '"') out.append("\\\"");
    else if (c == '\\') out.append("\\\\");
    else if (c == '\n') out.append("\\n");
    else if (c == '\t') out.append("\\t");
    else if (c == '\r') out.append("\\r");
    else {
      const char escape[] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
      out.append(std::string_view(escape, sizeof escape));
    }
  }
  out.append(text.substr(clean));
  out.append("\"");
}

}  // namespace amanat::net
