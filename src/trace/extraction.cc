#include "trace/extraction.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>

#include "crypto/crypto.h"

namespace amanat::trace {
namespace {

std::string word(std::uint64_t n) { return " " + std::to_string(n); }
template <class Bytes>
std::string hex_word(const Bytes& bytes) {
  return " " + crypto::hex(bytes);
}

// Lines reads the lines of one file, each of words between single blanks.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  bool at(std::string_view kind) const {
    return rest_.starts_with(kind) && rest_.size() > kind.size() &&
           (rest_[kind.size()] == ' ' || rest_[kind.size()] == '\n');
  }
  // begin takes the next line, which must be of this kind.
  bool begin(std::string_view kind) {
    ++number_;
    const std::size_t end = rest_.find('\n');
    if (!at(kind) || end == rest_.npos) return failed("expected " + std::string(kind));
    line_ = rest_.substr(kind.size(), end - kind.size());
    rest_.remove_prefix(end + 1);
    return true;
  }
  std::string_view take() {
    if (!line_.starts_with(' ')) {
      failed("a word is missing");
      return {};
    }
    line_.remove_prefix(1);
    const std::string_view out = line_.substr(0, line_.find(' '));
    line_.remove_prefix(out.size());
    if (out.empty()) failed("an empty word");
    return out;
  }
  template <class Number>
  Number number() {
    const std::string_view text = take();
    Number n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc() || end != text.data() + text.size()) failed("a number");
    return n;
  }
  template <class Bytes>
  Bytes hex() {
    Bytes out{};
    const auto decoded = crypto::from_hex(take());
    if (!decoded || decoded->size() != out.size())
      failed("hexadecimal digits");
    else
      std::memcpy(out.data(), decoded->data(), out.size());
    return out;
  }
  bool more() const { return !line_.empty(); }
  bool end() { return line_.empty() || failed("more words than there are"); }
  bool done() const { return rest_.empty(); }
  bool failed(std::string what) {
    if (!problem_) problem_ = "line " + std::to_string(number_) + ": " + std::move(what);
    return false;
  }
  const std::optional<std::string>& problem() const { return problem_; }

 private:
  std::string_view rest_, line_;
  std::uint64_t number_ = 0;
  std::optional<std::string> problem_;
};

void read_head(Lines& in, Extraction& x) {
  in.begin(kExtractionHead);
  in.begin("leak");
  x.leak = in.hex<Digest>();
  x.leak_bytes = in.number<std::uint64_t>();
  x.leak_day = in.take();
  if (!valid_day(x.leak_day)) in.failed("a day");
  in.begin("log");
  x.origin = in.take();
  x.tree_size = in.number<std::uint64_t>();
  const auto root = crypto::from_base64(in.take());
  if (!root || root->size() != x.root.size())
    in.failed("a root");
  else
    std::memcpy(x.root.data(), root->data(), x.root.size());
  in.begin("catalogue");
  x.catalogue = in.number<std::uint16_t>();
  x.catalogue_sha256 = in.hex<Digest>();
  in.begin("test");
  const std::string_view test = in.take();
  x.test = test == "tail" ? Statistic::tail : Statistic::e;
  if (test != "e" && test != "tail") in.failed("e or tail");
  in.begin("alpha");
  if (in.take() != "1e-9") in.failed("alpha is 1e-9");
  in.begin("unknown");
  x.unknown = in.number<std::uint64_t>();
  if (in.at("strays") && in.begin("strays")) {
    SealedStrays& s = x.strays.emplace();
    const std::string_view kind = in.take();
    s.kind = kind == word_of(StrayKind::pairs) ? StrayKind::pairs : StrayKind::numbers;
    if (kind != word_of(s.kind)) in.failed("numbers or pairs");
    s.count = in.number<std::uint64_t>();
    s.root = in.hex<Digest>();
  }
  while (in.at("held") && in.begin("held"))
    x.held.push_back(
        {in.number<std::uint32_t>(), in.number<std::uint16_t>(), in.number<std::uint64_t>()});
  while (in.at("rekeyed") && in.begin("rekeyed"))
    x.rekeyed.push_back({in.number<std::uint32_t>(), in.number<std::uint16_t>()});
}

void read_rows(Lines& in, Extraction& x) {
  while (in.at("cluster") && in.begin("cluster"))
    x.clusters.push_back({in.number<std::uint32_t>(), in.hex<Digest>()});
  while (in.at("erased") && in.begin("erased"))
    x.erased.push_back(
        {in.number<std::uint32_t>(), in.number<std::uint16_t>(), in.number<std::uint8_t>()});
  while (in.at("foreign") && in.begin("foreign"))
    x.foreign.push_back({in.number<std::uint32_t>(), in.number<std::uint16_t>()});
  while (in.at("row") && in.begin("row"))
    x.rows.push_back({in.number<std::uint64_t>(), in.number<std::uint64_t>(),
                      in.number<std::uint64_t>(), in.number<std::uint32_t>(), in.hex<Label>()});
  while (in.at("sym") && in.begin("sym"))
    x.symbols.push_back({in.number<std::uint64_t>(), in.number<std::uint16_t>(),
                         in.hex<std::array<std::uint8_t, 8>>(), in.number<std::uint8_t>(),
                         in.number<std::uint32_t>(), in.number<std::uint32_t>(),
                         in.number<std::uint32_t>()});
  while (in.at("src") && in.begin("src")) {
    Extraction::Source& one = x.sources.emplace_back();
    one.row = in.number<std::uint64_t>();
    do one.entries.push_back(in.number<std::uint64_t>());
    while (in.more() && !in.problem());
  }
}

void read_accounts(Lines& in, Extraction& x) {
  while (in.at("page") && in.begin("page"))
    x.pages.push_back(
        {in.number<std::uint64_t>(), in.hex<Digest>(), in.hex<Digest>(), in.hex<Digest>()});
  while (in.at("acct") && in.begin("acct"))
    x.accounts.push_back(
        {in.number<std::uint32_t>(), in.number<std::uint16_t>(), in.number<std::uint64_t>()});
  in.begin("nc");
  x.candidates = in.number<std::uint64_t>();
  in.end();
  if (!in.done()) in.failed("more lines than there are");
}

template <class T>
bool ascends(const std::vector<T>& list) {
  for (std::size_t i = 1; i < list.size(); ++i)
    if (!(list[i - 1] < list[i])) return false;
  return true;
}

// What the words alone do not say: order, and that everything named is there.
std::optional<std::string> unsound(const Extraction& x) {
  if (!ascends(x.held) || !ascends(x.rekeyed) || !ascends(x.clusters) || !ascends(x.erased) || !ascends(x.foreign) || !ascends(x.rows) ||
      !ascends(x.symbols) || !ascends(x.sources) || !ascends(x.pages) || !ascends(x.accounts))
    return "lines out of order";
  if (x.strays.has_value() == x.held.empty() || (x.strays && x.strays->count == 0))
    return "strays without decoys, or decoys without strays";
  for (std::size_t i = 0; i < x.held.size(); ++i)
    if (x.held[i].count == 0 || (i > 0 && x.held[i - 1].account == x.held[i].account &&
                                 x.held[i - 1].epoch == x.held[i].epoch))
      return "decoys of an account counted twice, or none";
  std::size_t row = 0;
  for (const auto& r : x.rows)
    if (r.n != ++row) return "rows are numbered from 1";
  for (const auto& s : x.symbols)
    if (s.row == 0 || s.row > row || s.weight == 0 || s.weight >= s.total || s.total > 65536)
      return "a symbol of no row, or an impossible weight";
  for (const auto& s : x.sources)
    if (s.row == 0 || s.row > row || s.entries.empty() || !ascends(s.entries))
      return "sources of no row, or out of order";
  return std::nullopt;
}

}  // namespace

std::string_view word_of(StrayKind kind) {
  return kind == StrayKind::pairs ? "pairs" : "numbers";
}

std::string write_extraction(const Extraction& x) {
  std::string out(kExtractionHead);
  out += "\nleak" + hex_word(x.leak) + word(x.leak_bytes) + " " + x.leak_day + "\n";
  out += "log " + x.origin + word(x.tree_size) + " " + crypto::base64(x.root) + "\n";
  out += "catalogue" + word(x.catalogue) + hex_word(x.catalogue_sha256) + "\n";
  out += x.test == Statistic::e ? "test e\n" : "test tail\n";
  out += "alpha 1e-9\nunknown" + word(x.unknown) + "\n";
  if (x.strays)
    out += "strays " + std::string(word_of(x.strays->kind)) + word(x.strays->count) +
           hex_word(x.strays->root) + "\n";
  for (const auto& h : x.held)
    out += "held" + word(h.account) + word(h.epoch) + word(h.count) + "\n";
  for (const auto& r : x.rekeyed) out += "rekeyed" + word(r.account) + word(r.epoch) + "\n";
  for (const auto& c : x.clusters) out += "cluster" + word(c.id) + hex_word(c.sha256) + "\n";
  for (const auto& e : x.erased)
    out += "erased" + word(e.cluster) + word(e.field) + word(e.slot) + "\n";
  for (const auto& f : x.foreign) out += "foreign" + word(f.cluster) + word(f.column) + "\n";
  for (const auto& r : x.rows)
    out += "row" + word(r.n) + word(r.offset) + word(r.length) + word(r.cluster) +
           hex_word(r.subject) + "\n";
  for (const auto& s : x.symbols)
    out += "sym" + word(s.row) + word(s.field) + hex_word(s.value) + word(s.slot) + word(s.symbol) +
           word(s.weight) + word(s.total) + "\n";
  for (const auto& s : x.sources) {
    out += "src" + word(s.row);
    for (const std::uint64_t entry : s.entries) out += word(entry);
    out += "\n";
  }
  for (const auto& p : x.pages)
    out +=
        "page" + word(p.n) + hex_word(p.found) + hex_word(p.page) + hex_word(p.registration) + "\n";
  for (const auto& a : x.accounts)
    out += "acct" + word(a.account) + word(a.epoch) + word(a.bits) + "\n";
  return out += "nc" + word(x.candidates) + "\n";
}

Result<Extraction> parse_extraction(std::string_view text) {
  if (text.size() > kExtractionBytesMax) return fail(Reason::evidence_malformed, "too long");
  Extraction x;
  Lines in(text);
  read_head(in, x);
  if (!in.problem()) read_rows(in, x);
  if (!in.problem()) read_accounts(in, x);
  if (in.problem()) return fail(Reason::evidence_malformed, *in.problem());
  if (const auto wrong = unsound(x)) return fail(Reason::evidence_malformed, *wrong);
  // Leading zeros, words too many, a second spelling of anything: all of it is another text.
  if (write_extraction(x) != text)
    return fail(Reason::evidence_malformed, "not the one spelling of what it says");
  return x;
}

std::string day_of(Moment moment) {
  const std::chrono::sys_days day(
      std::chrono::days(static_cast<std::int64_t>(number(moment) / 86'400'000)));
  const std::chrono::year_month_day d(day);
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(d.year()),
                static_cast<unsigned>(d.month()), static_cast<unsigned>(d.day()));
  return text;
}

bool valid_day(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  for (const std::size_t i : {0u, 1u, 2u, 3u, 5u, 6u, 8u, 9u})
    if (text[i] < '0' || text[i] > '9') return false;
  const auto two = [&](std::size_t i) {
    return static_cast<unsigned>((text[i] - '0') * 10 + (text[i + 1] - '0'));
  };
  const std::chrono::year_month_day d(std::chrono::year(static_cast<int>(two(0) * 100 + two(2))),
                                      std::chrono::month(two(5)), std::chrono::day(two(8)));
  return d.ok();
}

}  // namespace amanat::trace
