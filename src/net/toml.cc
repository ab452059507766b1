// toml++ reads; this file turns its tree into ours, in the order of the file, and refuses what no
// file of the exchange needs. The only file that includes toml++.

namespace {
struct Unreadable {};
}  // namespace

// toml++ 3.3 asserts, instead of complaining, on a table whose name begins with no name ("[!x]"). A
// malformed file must not stop the process, so here an assertion is one more complaint.
#undef NDEBUG
#define TOML_ASSERT(expr) (static_cast<bool>(expr) ? static_cast<void>(0) : throw Unreadable{})
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#define TOML_UNRELEASED_FEATURES 0
#define TOML_MAX_NESTED_VALUES 16
#include "net/toml.h"

#if !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wterminate"  // the assertion in functions that are noexcept
#endif
#include <toml++/toml.h>
#if !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <algorithm>
#include <numeric>

#include "model/insist.h"

namespace amanat::net {
namespace {

constexpr std::size_t kBytesMost = 1 << 20;
constexpr unsigned kDepthMost = 16;
constexpr unsigned kDotsMost = 32;
constexpr std::size_t kWordMost = 64;  // longer words are not compared for likeness

std::string place(std::string_view file, std::uint32_t line) {
  return std::string(file) + ":" + std::to_string(line) + ": ";
}

// too_dotted returns the first line with a key of absurdly many parts, or 0. toml++ makes a table
// a part and frees them by recursion, so depth must be bounded before it reads.
std::uint32_t too_dotted(std::string_view text) {
  std::uint32_t number = 0;
  while (!text.empty()) {
    ++number;
    const auto feed = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, feed);
    text.remove_prefix(std::min(feed + 1, text.size()));
    // Beside a multi-line string's end nothing tells inside from outside: count every dot there.
    const bool unsure = line.find("\"\"\"") != line.npos || line.find("'''") != line.npos;
    char quote = 0;
    unsigned dots = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      if (c == '.' && (quote == 0 || unsure) && ++dots > kDotsMost) return number;
      if (quote != 0) {
        if (c == '\\' && quote == '"') ++i;
        else if (c == quote) quote = 0;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '#' && !unsure) {
        break;
      }
    }
  }
  return 0;
}

// unreadable_letter returns the first line where a byte beyond ASCII stands outside strings and
// comments, or 0: TOML allows none there, and toml++ 3.3, asked whether such a letter is white
// space, runs into undefined behaviour for many of them.
std::uint32_t unreadable_letter(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::uint32_t number = 1;
  std::string_view closing;   // of the string or comment that the scan is in
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool many = closing.size() == 3;
    if (c == '\n') {
      ++number;
      if (!many) closing = {};   // a line ends comments, and strings that forgot to
    } else if (closing.empty()) {
      if (static_cast<unsigned char>(c) >= 0x80) return number;
      if (c == '#') closing = "\n";
      for (const std::string_view opening : {"\"\"\"", "'''", "\"", "'"}) {
        if (!text.substr(i).starts_with(opening)) continue;
        closing = opening;
        i += opening.size() - 1;
        break;
      }
    } else if (c == '\\' && closing[0] == '"') {
      if (i + 1 < text.size() && text[i + 1] != '\n') ++i;
    } else if (text.substr(i).starts_with(closing)) {
      i += closing.size() - 1;
      // Up to two quotes may stand right before the three that close.
      while (many && i + 1 < text.size() && text[i + 1] == closing[0]) ++i;
      closing = {};
    }
  }
  return 0;
}

class Turner {
 public:
  explicit Turner(std::string_view file) : file_(file) {}

  Result<Toml> turn(const toml::node& node, std::uint32_t line, unsigned depth) {
    if (depth > kDepthMost) return wrong(line, "nested too deep");
    if (const auto at = node.source().begin.line; at != 0) line = at;
    Toml out;
    out.line = line;
    if (const auto* b = node.as_boolean()) {
      out.value = b->get();
    } else if (const auto* n = node.as_integer()) {
      out.value = n->get();
    } else if (const auto* s = node.as_string()) {
      out.value = s->get();
    } else if (const auto* a = node.as_array()) {
      auto& array = out.value.emplace<Toml::Array>();
      array.reserve(a->size());
      for (const auto& element : *a) {
        auto value = turn(element, line, depth + 1);
        if (!value) return value;
        array.push_back(*std::move(value));
      }
    } else if (const auto* t = node.as_table()) {
      return turn_table(*t, line, depth);
    } else {
      return wrong(line, node.is_floating_point() ? "fractions are not used here; write an integer"
                                                  : "dates are written as text here, in quotes");
    }
    return out;
  }

 private:
  struct Place {
    const toml::key* key;
    const toml::node* node;
  };

  Result<Toml> turn_table(const toml::table& table, std::uint32_t line, unsigned depth) {
    std::vector<Place> places;
    places.reserve(table.size());
    for (auto&& [key, node] : table) places.push_back({&key, &node});
    std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
      const auto x = a.key->source().begin, y = b.key->source().begin;
      return x.line != y.line ? x.line < y.line : x.column < y.column;
    });
    Toml out;
    out.line = line;
    auto& members = out.value.emplace<Toml::Table>();
    members.reserve(places.size());
    for (const auto& [key, node] : places) {
      auto value = turn(*node, key->source().begin.line, depth + 1);
      if (!value) return value;
      members.push_back({std::string(key->str()), *std::move(value)});
    }
    return out;
  }
  std::unexpected<Failure> wrong(std::uint32_t line, std::string_view what) const {
    return fail(Reason::config_wrong, place(file_, line).append(what));
  }

  std::string_view file_;
};

// unlikeness is the number of single-letter changes (or swaps of neighbours) between two words.
std::size_t unlikeness(std::string_view a, std::string_view b) {
  if (a.size() > kWordMost || b.size() > kWordMost) return kWordMost;
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

const Toml* Toml::find(std::string_view key) const {
  if (const auto* members = table())
    for (const auto& member : *members)
      if (member.key == key) return &member.value;
  return nullptr;
}

Result<Toml> parse_toml(std::string_view text, std::string_view file) {
  if (text.size() > kBytesMost) return fail(Reason::config_wrong, place(file, 1) + "larger than 1 MiB");
  if (const auto line = too_dotted(text); line != 0)
    return fail(Reason::config_wrong, place(file, line) + "nested too deep");
  if (const auto line = unreadable_letter(text); line != 0)
    return fail(Reason::config_wrong, place(file, line) + "a letter that no key can have");
  try {
    const auto parsed = toml::parse(text);
    if (!parsed) {
      const auto& error = parsed.error();
      return fail(Reason::config_wrong, place(file, error.source().begin.line).append(error.description()));
    }
    return Turner(file).turn(parsed.table(), 1, 0);
  } catch (const Unreadable&) {
    return fail(Reason::config_wrong, place(file, 1) + "a table's or key's name is not one");
  }
}

std::string_view nearest_word(std::string_view word, const std::vector<std::string>& words) {
  std::string_view best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const auto& candidate : words) {
    const auto distance = unlikeness(word, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

TomlReader::TomlReader(const Toml& table, std::string file, Reason reason)
    : table_(table), file_(std::move(file)), reason_(reason) {
  insist(table.table() != nullptr);
}

const Toml* TomlReader::take(std::string_view key) {
  insist(!key.empty());
  known_.emplace_back(key);
  return table_.find(key);
}

std::unexpected<Failure> TomlReader::wrong(std::uint32_t line, std::string what) const {
  return fail(reason_, place(file_, line) + what);
}

Result<std::string> TomlReader::string(std::string_view key) {
  const auto* found = take(key);
  if (found == nullptr) return wrong(table_.line, "`" + std::string(key) + "` is missing");
  if (found->string() == nullptr) return wrong(found->line, "`" + std::string(key) + "` must be text in quotes");
  return *found->string();
}

Result<std::string> TomlReader::string_or(std::string_view key, std::string_view otherwise) {
  const auto* found = take(key);
  if (found == nullptr) return std::string(otherwise);
  if (found->string() == nullptr) return wrong(found->line, "`" + std::string(key) + "` must be text in quotes");
  return *found->string();
}

Result<std::int64_t> TomlReader::integer_or(std::string_view key, std::int64_t otherwise, std::int64_t min,
                                            std::int64_t max) {
  insist(min <= max);
  const auto* found = take(key);
  if (found == nullptr) return otherwise;
  const auto* n = found->integer();
  if (n == nullptr) return wrong(found->line, "`" + std::string(key) + "` must be an integer");
  if (*n < min || *n > max)
    return wrong(found->line, "`" + std::string(key) + "` must be from " + std::to_string(min) + " to " +
                                  std::to_string(max));
  return *n;
}

Result<bool> TomlReader::boolean_or(std::string_view key, bool otherwise) {
  const auto* found = take(key);
  if (found == nullptr) return otherwise;
  if (found->boolean() == nullptr) return wrong(found->line, "`" + std::string(key) + "` must be true or false");
  return *found->boolean();
}

Result<std::vector<std::string>> TomlReader::strings(std::string_view key) {
  std::vector<std::string> out;
  const auto* found = take(key);
  if (found == nullptr) return out;
  if (const auto* one = found->string()) {
    out.push_back(*one);
    return out;
  }
  const auto* array = found->array();
  if (array == nullptr) return wrong(found->line, "`" + std::string(key) + "` must be a list of texts, or one text");
  for (const auto& element : *array) {
    if (element.string() == nullptr) return wrong(element.line, "`" + std::string(key) + "` must hold texts only");
    out.push_back(*element.string());
  }
  return out;
}

Result<std::vector<const Toml*>> TomlReader::tables(std::string_view key) {
  std::vector<const Toml*> out;
  const auto* found = take(key);
  if (found == nullptr) return out;
  const auto* array = found->array();
  if (array == nullptr) return wrong(found->line, "`" + std::string(key) + "` must be written [[" + std::string(key) + "]]");
  for (const auto& element : *array) {
    if (element.table() == nullptr) return wrong(element.line, "`" + std::string(key) + "` must hold tables only");
    out.push_back(&element);
  }
  return out;
}

Result<const Toml*> TomlReader::table(std::string_view key) {
  const auto* found = take(key);
  if (found != nullptr && found->table() == nullptr)
    return wrong(found->line, "`" + std::string(key) + "` must be a table");
  return found;
}

Result<void> TomlReader::finish() const {
  for (const auto& member : *table_.table()) {
    if (std::find(known_.begin(), known_.end(), member.key) != known_.end()) continue;
    std::string what = "unknown key `" + member.key + "`";
    if (const auto near = nearest_word(member.key, known_); !near.empty())
      what += "; did you mean `" + std::string(near) + "`?";
    return wrong(member.value.line, std::move(what));
  }
  return {};
}

}  // namespace amanat::net
