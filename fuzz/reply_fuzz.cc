// Replies of foreign apps: read whole or in two pieces they are the same, and what is said of them
// holds no digit of what they held.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "model/insist.h"
#include "net/foreign.h"
#include "net/foreign_wire.h"
#include "probe/look.h"

using namespace amanat;
using namespace amanat::probe;

namespace {

const registry::Recogniser& recogniser() {
  static const registry::Recogniser one = [] {
    const auto repository = std::filesystem::path(__FILE__).parent_path().parent_path();
    auto catalog = registry::Catalog::load((repository / "catalog/pakistan").string());
    insist(catalog.has_value());
    return registry::Recogniser(*catalog);
  }();
  return one;
}

const Description& description() {
  static const Description one = [] {
    auto made = Description::read(
        R"({"openapi":"3.0.0","paths":{"/a":{"get":{"responses":{"200":{"content":{"application/json":)"
        R"({"schema":{"properties":{"a":{"properties":{"b":{}}},"items":{"items":{"properties":)"
        R"({"name":{}}}}}}}}}}}}}})");
    insist(made.has_value());
    return *std::move(made);
  }();
  return one;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 64 * 1024) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  net::ForeignOptions limits;
  limits.body_bytes_max = 32 * 1024;
  const auto whole = net::read_foreign_reply(text, "GET", limits);
  net::ForeignReader reader("GET", limits);
  const std::size_t cut = text.empty() ? 0 : data[0] % text.size();
  auto state = reader.feed(text.substr(0, cut));
  if (state == net::ForeignReader::State::more) state = reader.feed(text.substr(cut));
  if (state == net::ForeignReader::State::more) state = reader.end();
  insist((state == net::ForeignReader::State::complete) == whole.has_value());
  if (!whole) return 0;
  const auto again = reader.take();
  insist(again.body == whole->body && again.status == whole->status);

  const Look one = look(*whole, "/x", recogniser());
  for (const auto& count : counted(one.sightings))
    for (const char c : count.shape) insist(c < '1' || c > '9');
  for (const auto& member : one.members)
    insist(std::count_if(member.begin(), member.end(), [](char c) { return c < 0x20; }) == 0);
  Operation operation;
  operation.method = "GET";
  (void)answered(one, nullptr, nullptr, operation);
  insist(!one.good() || one.size == 0 || answered(one, &one, nullptr, operation));
  insist(alike(one, one));
  (void)excess(one, description().operations()[0].answer, description(), recogniser());
  (void)counted_through(one, recogniser());
  return 0;
}
