// Markup: cut into pieces anywhere it says the same.

#include <cstdint>
#include <string>
#include <string_view>

#include "model/insist.h"
#include "net/markup.h"

using namespace amanat;
using namespace amanat::net;

namespace {

class Heard : public MarkupSink {
 public:
  void opened(const Tag& tag) override {
    all += '<' + std::string(tag.name) + attribute(tag.attributes, "r") + (tag.empty ? "/>" : ">");
  }
  void closed(std::string_view name, std::uint64_t) override {
    all += "</" + std::string(name) + '>';
  }
  void text(std::string_view piece) override { all += piece; }
  std::string all;
};

std::string heard(std::string_view text, Dialect dialect, std::size_t piece) {
  Heard sink;
  MarkupReader reader(dialect, sink);
  for (std::size_t at = 0; at < text.size(); at += piece) reader.feed(text.substr(at, piece));
  reader.finish();
  return sink.all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Dialect dialect : {Dialect::xml, Dialect::html}) {
    const std::string whole = heard(text, dialect, size + 1);
    insist(heard(text, dialect, 1) == whole);
    insist(heard(text, dialect, 7) == whole);
    insist(whole.size() <= 3 * size + 16);
  }
  return 0;
}
