// What a parser of hostile bytes may cost: no input of at most 64 KiB takes more than 1 MiB of heap
// (TOML, which only the operator writes and toml++ keeps in large nodes: 5 MiB) or more than
// 5,000,000 steps. A step is a branch of the parser's code (the compiler calls
// __sanitizer_cov_trace_pc at each; CMakeLists.txt compiles the parsers of this test so) and costs
// about a nanosecond, so this is 5 ms, the same on every machine and under every load. Heap is
// everything between malloc and free, libraries included. libyaml's own steps are not counted.

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/cbor.h"
#include "net/jose.h"
#include "net/json.h"
#include "net/toml.h"
#include "net/yaml.h"

#if defined(__SANITIZE_ADDRESS__)
#define AMANAT_OTHERS_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define AMANAT_OTHERS_HEAP 1
#endif
#endif

namespace {

std::uint64_t steps = 0;
std::size_t live = 0, peak = 0;
bool counting = false;

}  // namespace

extern "C" void __sanitizer_cov_trace_pc() { ++steps; }

#ifndef AMANAT_OTHERS_HEAP
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void __libc_free(void*);

static void* taken(void* p) {
  if (counting && p != nullptr) peak = std::max(peak, live += ::malloc_usable_size(p));
  return p;
}
static void given_back(void* p) {
  if (counting && p != nullptr) live -= std::min(live, ::malloc_usable_size(p));
}
void* malloc(std::size_t n) { return taken(__libc_malloc(n)); }
void* calloc(std::size_t n, std::size_t size) { return taken(__libc_calloc(n, size)); }
void* realloc(void* p, std::size_t n) {
  given_back(p);
  return taken(__libc_realloc(p, n));
}
void free(void* p) {
  given_back(p);
  __libc_free(p);
}
}
#endif

namespace amanat::net {
namespace {

constexpr std::size_t kBytes = 64 * 1024, kHeapMost = 1 << 20, kTomlHeapMost = 5 << 20;
#if defined(AMANAT_OTHERS_HEAP) || !defined(__clang__)
// Other builds have more branches for the same work, or more steps a branch; they see a blow-up
// too.
constexpr std::uint64_t kStepsMost = 15'000'000;
#else
constexpr std::uint64_t kStepsMost = 5'000'000;
#endif

struct Input {
  std::string what, bytes;
};
using Parse = std::function<bool(std::string_view)>;

std::string times(std::string_view piece, std::size_t bytes = kBytes) {
  std::string out;
  while (out.size() + piece.size() <= bytes) out += piece;
  return out;
}

struct Cost {
  std::uint64_t steps = 0;
  std::size_t heap = 0;
};

Cost cost_of(const Parse& parse, std::string_view bytes) {
  steps = 0;
  live = peak = 0;
  counting = true;
  (void)parse(bytes);
  counting = false;
  return {steps, peak};
}

// bound runs every input as it is and, cheaper to find by chance than by thought, cut short, spoilt
// in one byte, and with a part of it repeated.
void bound(const Parse& parse, const std::vector<Input>& inputs,
           std::size_t heap_most = kHeapMost) {
  const unsigned seed = 20261122;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  Cost worst;
  std::string worst_heap, worst_steps;
  const auto check = [&](const std::string& what, std::string_view bytes) {
    ASSERT_LE(bytes.size(), kBytes) << what;
    const Cost cost = cost_of(parse, bytes);
    EXPECT_LE(cost.heap, heap_most) << what;
    EXPECT_LE(cost.steps, kStepsMost) << what;
    if (cost.heap > worst.heap) worst.heap = cost.heap, worst_heap = what;
    if (cost.steps > worst.steps) worst.steps = cost.steps, worst_steps = what;
  };
  for (const auto& input : inputs) {
    check(input.what, input.bytes);
    for (int i = 0; i < 8 && !input.bytes.empty(); ++i) {
      std::string bent = input.bytes;
      const std::size_t at = random() % bent.size();
      switch (i % 3) {
        case 0:
          bent.resize(at);
          break;
        case 1:
          bent[at] = static_cast<char>(random());
          break;
        default: {
          const std::size_t from = random() % bent.size();
          bent.insert(at, bent.substr(from, random() % 4096));
          bent.resize(std::min(bent.size(), kBytes));
        }
      }
      check(input.what + ", bent", bent);
    }
  }
#ifndef AMANAT_OTHERS_HEAP  // the sanitizer's heap is its own: there only steps are counted
  EXPECT_GT(worst.heap, 0u);
#endif
  EXPECT_GT(worst.steps, 0u);
  std::printf("    most heap: %zu KiB (%s); most steps: %llu (%s)\n", worst.heap / 1024,
              worst_heap.c_str(), static_cast<unsigned long long>(worst.steps),
              worst_steps.c_str());
}

std::vector<std::string> numbered(std::size_t count, std::string_view before,
                                  std::string_view after) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) {
    std::string digits = std::to_string(i);
    digits.insert(0, 5 - std::min<std::size_t>(5, digits.size()), '0');
    out.push_back(std::string(before) + digits + std::string(after));
  }
  return out;
}

std::string joined(const std::vector<std::string>& pieces, std::string_view between,
                   std::size_t bytes = kBytes) {
  std::string out;
  for (const auto& piece : pieces) {
    if (out.size() + piece.size() + between.size() > bytes) break;
    if (!out.empty()) out += between;
    out += piece;
  }
  return out;
}

std::vector<Input> json_inputs() {
  const auto wrap = [](std::string_view open, const std::string& inside, std::string_view close) {
    return std::string(open) + inside.substr(0, kBytes - 64) + std::string(close);
  };
  const auto members = numbered(8000, "\"", "\":1");
  const auto long_names = numbered(4000, "\"" + std::string(200, 'a'), "\":1");
  auto repeated = members;
  repeated.resize(3000);
  repeated.push_back(repeated.front());
  return {
      {"nothing", ""},
      {"white space", times(" ")},
      {"deep arrays", times("[")},
      {"deep objects", times("{\"a\":")},
      {"arrays closed", times("[", kBytes / 2) + times("]", kBytes / 2)},
      {"wide numbers", wrap("[", times("1,"), "1]")},
      {"wide empty arrays", wrap("[", times("[],"), "1]")},
      {"wide arrays of one", wrap("[", times("[1],"), "1]")},
      {"wide empty objects", wrap("[", times("{},"), "1]")},
      {"wide objects of one", wrap("[", times("{\"a\":1},"), "1]")},
      {"wide short strings", wrap("[", times("\"\","), "1]")},
      {"wide strings past the small buffer", wrap("[", times("\"0123456789abcdef\","), "1]")},
      {"objects in arrays in objects", wrap("[", times("{\"a\":[{\"b\":[]}]},"), "1]")},
      {"many members", wrap("{", joined(members, ","), "}")},
      {"long names with one beginning", wrap("{", joined(long_names, ","), "}")},
      {"a name repeated at the end", wrap("{", joined(repeated, ","), "}")},
      {"the same name", wrap("{", times("\"a\":1,"), "\"a\":1}")},
      {"a long string", wrap("\"", times("a"), "\"")},
      {"escapes", wrap("\"", times("\\n"), "\"")},
      {"surrogates", wrap("\"", times("\\ud83d\\ude00"), "\"")},
      {"half surrogates", wrap("\"", times("\\ud83d"), "\"")},
      {"long UTF-8", wrap("\"", times("\xF0\x9F\x98\x80"), "\"")},
      {"not UTF-8", wrap("\"", times("\xC0\x80"), "\"")},
      {"a long number", times("9")},
      {"a long fraction", "0." + times("1", kBytes - 8)},
      {"a number bomb", "1e" + times("9", kBytes - 8)},
      {"nulls", times(std::string_view("\0", 1))},
  };
}

TEST(ParserBounds, HoldForJson) {
  bound([](std::string_view text) { return parse_json(text).has_value(); }, json_inputs());
}

TEST(ParserBounds, HoldForTheJsonOfForeignApps) {
  // Larger limits are the caller's to pay for; what they cost stays in proportion to the bytes.
  const JsonLimits large{
      .bytes_max = 1 << 20, .depth_max = 48, .values_max = 5'000, .numbers = JsonNumbers::any};
  bound([&large](std::string_view text) { return parse_json(text, large).has_value(); },
        json_inputs());
}

TEST(ParserBounds, HoldForToml) {
  const auto keys = numbered(8000, "k", " = 1");
  const auto tables = numbered(8000, "[t", "]");
  const auto long_keys = numbered(400, std::string(200, 'a'), " = 1");
  bound([](std::string_view text) { return parse_toml(text, "f").has_value(); },
        {{"nothing", ""},
         {"white space", times(" ")},
         {"line feeds", times("\n")},
         {"a comment", "#" + times("x", kBytes - 1)},
         {"comments", times("#\n")},
         {"deep arrays", "a=" + times("[", kBytes - 2)},
         {"deep inline tables", "a=" + times("{a=", kBytes - 2)},
         {"deep dotted keys", times("a.", kBytes - 8) + "a=1"},
         {"deep headers", "[" + times("a.", kBytes - 8) + "a]"},
         {"many deep headers", times("[a.b.c.d.e.f.g.h]\nx=1\n")},
         {"many keys", joined(keys, "\n")},
         {"many long keys", joined(long_keys, "\n")},
         {"the same key", times("a=1\n")},
         {"many tables", joined(tables, "\n")},
         {"many tables in an array", times("[[a]]\n")},
         {"many tables of one key", times("[[a]]\nb=1\n")},
         {"many dotted keys", joined(numbered(8000, "a.b.c", "=1"), "\n")},
         {"wide numbers", "a=[" + times("1,", kBytes - 8) + "]"},
         {"wide strings", "a=[" + times("\"\",", kBytes - 8) + "]"},
         {"wide empty arrays", "a=[" + times("[],", kBytes - 8) + "]"},
         {"wide empty tables", "a=[" + times("{},", kBytes - 8) + "]"},
         {"wide tables of one", "a=[" + times("{a=1},", kBytes - 8) + "]"},
         {"a long string", "a=\"" + times("a", kBytes - 8) + "\""},
         {"a long literal", "a='''" + times("a\n", kBytes - 16) + "'''"},
         {"escapes", "a=\"" + times("\\U0001F600", kBytes - 8) + "\""},
         {"a string that does not end", "a=\"\"\"" + times("\\\n", kBytes - 8)},
         {"a long number", "a=" + times("9", kBytes - 2)},
         {"a long float", "a=1." + times("9", kBytes - 8)},
         {"underscores", "a=1" + times("_1", kBytes - 8)},
         {"not UTF-8", times("\xC0\x80")},
         {"nulls", times(std::string_view("\0", 1))}},
        kTomlHeapMost);
}

TEST(ParserBounds, HoldForYaml) {
  bound([](std::string_view text) { return parse_yaml(text).has_value(); },
        {{"nothing", ""},
         {"white space", times(" ")},
         {"line feeds", times("\n")},
         {"tabs", times("\t")},
         {"deep flow arrays", times("[")},
         {"deep flow maps", times("{a: ")},
         {"deep blocks", times("- ")},
         {"deep keys", times("? ")},
         {"many keys", joined(numbered(8000, "k", ": 1"), "\n")},
         {"the same key", times("a: 1\n")},
         {"many items", times("- 1\n")},
         {"many empty maps", times("- {}\n")},
         {"many maps of one", times("- {a: 1}\n")},
         {"many anchors", times("- &a 1\n")},
         {"an alias bomb", "a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\n"},
         {"many documents", times("---\n")},
         {"directives", times("%TAG ! x\n")},
         {"a long word", times("a")},
         {"a long quoted word", "\"" + times("a", kBytes - 2) + "\""},
         {"escapes", "\"" + times("\\U0001F600", kBytes - 2) + "\""},
         {"a folded block", "a: >\n" + times(" x\n", kBytes - 8)},
         {"colons", times(":")},
         {"many words of a line", times("a ")},
         {"not UTF-8", times("\xC0\x80")},
         {"nulls", times(std::string_view("\0", 1))}});
}

std::vector<Input> cbor_inputs() {
  const auto byte = [](unsigned b) { return std::string(1, static_cast<char>(b)); };
  const std::string map("\xB9\x10\x00", 3);  // 4096 pairs, keys ascending
  std::string sorted;
  for (unsigned i = 0; i < 4096; ++i) {
    sorted += i < 24    ? byte(i)
              : i < 256 ? byte(0x18) + byte(i)
                        : byte(0x19) + byte(i >> 8) + byte(i & 255);
    sorted += byte(0);
  }
  std::vector<Input> all = {
      {"nothing", ""},
      {"deep arrays", times("\x81")},
      {"deep maps", times(std::string_view("\xA1\x00", 2))},
      {"an announced gigabyte", std::string("\x9A\x08\x00\x00\x00", 5)},
      {"announced without end", times(std::string_view("\x9A\xFF\xFF\xFF\xFF", 5))},
      {"an announced string", std::string("\x7B\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 9)},
      {"indefinite", times("\x9F")},
      {"tags", times("\xC0")},
      {"floats", times(std::string_view("\xF9\x00\x00", 3))},
      {"a long map", map + sorted},
      {"a map of one key", map + times(std::string_view("\0\0", 2), kBytes - 8)},
      {"a long array", std::string("\x99\x3F\xFC", 3) + std::string(0x3FFC, '\0')},
      {"arrays in arrays",
       std::string("\x99\x1F\xFC", 3) + times(std::string_view("\x81\x00", 2), 0x3FF8)},
      {"a long string", std::string("\x59\x3F\xFC", 3) + std::string(0x3FFC, 'a')},
      {"a long text", std::string("\x79\x3F\xFC", 3) + std::string(0x3FFC, 'a')},
      {"not UTF-8", std::string("\x79\x3F\xFC", 3) + std::string(0x3FFC, '\xC0')},
      {"not the shortest", times(std::string_view("\x18\x00", 2))},
      {"64 KiB", std::string("\x59\xFF\xF0", 3) + std::string(0xFFF0, 'a')}};
  return all;
}

TEST(ParserBounds, HoldForCbor) {
  bound(
      [](std::string_view bytes) {
        auto touched = std::make_unique<int>(1);  // so that "no heap at all" still is a measurement
        const bool one = check_cbor(bytes).has_value(), two = measure_cbor(bytes).has_value();
        const bool three = parse_cose_key(bytes).has_value();
        const bool four =
            parse_authenticator_data(std::string(37, '\xC1') + std::string(bytes)).has_value();
        return (one || two || three || four) && *touched == 1;
      },
      cbor_inputs());
}

TEST(ParserBounds, HoldForJose) {
  std::vector<Input> all = {
      {"nothing", ""},
      {"dots", times(".")},
      {"one part", times("A")},
      {"no alphabet", times("+")},
      {"padding", times("=")},
      {"a small token", "eyJhbGciOiJFUzI1NiJ9.e30." + std::string(86, 'A')},
      {"a long signature", "eyJhbGciOiJFUzI1NiJ9.e30." + times("A", kBytes - 32)}};
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const auto coded = [](std::string_view text) {
    std::string out;
    unsigned held = 0, bits = 0;
    for (const char c : text) {
      held = (held << 8 | static_cast<unsigned char>(c)) & 0xFFFF;
      for (bits += 8; bits >= 6; bits -= 6) out.push_back(kAlphabet[held >> (bits - 6) & 63]);
    }
    if (bits > 0) out.push_back(kAlphabet[held << (6 - bits) & 63]);
    return out;
  };
  for (const auto& input : json_inputs())
    for (const std::size_t most : {5'000U, 40'000U}) {
      const std::string part = coded(std::string_view(input.bytes).substr(0, most));
      all.push_back({input.what + " as payload",
                     "eyJhbGciOiJFUzI1NiJ9." + part + "." + std::string(86, 'A')});
      all.push_back({input.what + " as header", part + ".e30." + std::string(86, 'A')});
    }
  bound(
      [](std::string_view text) {
        const auto read = parse_jws(text);
        return read && read_jwk(read->payload).has_value();
      },
      all);
}

}  // namespace
}  // namespace amanat::net
