#include "ledger/receipt_file.h"

#include "ledger/checkpoint.h"
#include "ledger/proof.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr unsigned kDepthMax = 64;

void append_utf8(std::string& out, std::uint32_t c) {
  insist(c <= 0x10ffff);
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xc0 | c >> 6);
  } else {
    if (c < 0x10000) {
      put(0xe0 | c >> 12);
    } else {
      put(0xf0 | c >> 18);
      put(0x80 | (c >> 12 & 0x3f));
    }
    put(0x80 | (c >> 6 & 0x3f));
  }
  put(0x80 | (c & 0x3f));
}

// A strict reader of JSON that keeps two members and forgets the rest. It builds nothing, so memory
// is that of the receipts.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool document() {
    space();
    if (!value(0, nullptr)) return false;
    space();
    return rest_.empty();
  }
  std::vector<HandedReceipt> found;

 private:
  // What one object said so far.
  struct Members {
    std::optional<std::string> receipt;
    std::optional<std::uint64_t> entry;
  };

  void space() {
    const std::size_t end = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(end == rest_.npos ? rest_.size() : end);
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool word(std::string_view w) {
    if (!rest_.starts_with(w)) return false;
    rest_.remove_prefix(w.size());
    return true;
  }

  // Reads one value. Where `text` or a number is wanted, `kept` says for which member.
  struct Kept {
    std::string_view member;
    Members* members;
  };
  bool value(unsigned depth, const Kept* kept) {
    if (depth > kDepthMax || rest_.empty()) return false;
    const char first = rest_.front();
    if (first == '{') return object(depth);
    if (first == '[') return array(depth);
    if (first == '"') {
      const bool wanted = kept != nullptr && kept->member == "receipt";
      std::string text;
      if (!string(wanted ? &text : nullptr)) return false;
      if (!wanted) return true;
      if (kept->members->receipt) return false;  // two members of one name: which one is meant?
      kept->members->receipt = std::move(text);
      return true;
    }
    if (first == '-' || (first >= '0' && first <= '9')) {
      std::string_view digits;
      if (!number(digits)) return false;
      if (kept == nullptr || kept->member != "entry") return true;
      if (kept->members->entry) return false;
      kept->members->entry = parse_decimal(digits);
      return kept->members->entry.has_value();
    }
    return word("true") || word("false") || word("null");
  }

  bool object(unsigned depth) {
    Members members;
    if (!take('{')) return false;
    space();
    if (!take('}')) {
      do {
        space();
        std::string name;
        if (!string(&name)) return false;
        space();
        if (!take(':')) return false;
        space();
        const Kept kept{name, &members};
        if (!value(depth + 1, &kept)) return false;
        space();
      } while (take(','));
      if (!take('}')) return false;
    }
    if (members.receipt) found.push_back({*std::move(members.receipt), members.entry});
    return true;
  }

  bool array(unsigned depth) {
    if (!take('[')) return false;
    space();
    if (take(']')) return true;
    do {
      space();
      if (!value(depth + 1, nullptr)) return false;
      space();
    } while (take(','));
    return take(']');
  }

  bool number(std::string_view& digits) {
    const std::string_view start = rest_;
    const auto run = [&] {
      std::size_t n = 0;
      while (n < rest_.size() && rest_[n] >= '0' && rest_[n] <= '9') ++n;
      rest_.remove_prefix(n);
      return n;
    };
    take('-');
    const bool zero = rest_.starts_with('0');
    const std::size_t whole = run();
    if (whole == 0 || (zero && whole > 1)) return false;
    if (take('.') && run() == 0) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (run() == 0) return false;
    }
    digits = start.substr(0, start.size() - rest_.size());
    return true;
  }

  std::optional<std::uint32_t> four_digits() {
    if (rest_.size() < 4) return std::nullopt;
    std::uint32_t unit = 0;
    for (const char c : rest_.substr(0, 4)) {
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return std::nullopt;
      unit = unit << 4 | static_cast<std::uint32_t>(digit);
    }
    rest_.remove_prefix(4);
    return unit;
  }

  bool escape(std::string* out) {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    constexpr std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
    if (const std::size_t at = from.find(c); at != from.npos) {
      if (out != nullptr) out->push_back(to[at]);
      return true;
    }
    if (c != 'u') return false;
    auto unit = four_digits();
    if (!unit || (*unit >= 0xdc00 && *unit <= 0xdfff)) return false;
    if (*unit >= 0xd800 && *unit <= 0xdbff) {
      if (!word("\\u")) return false;
      const auto low = four_digits();
      if (!low || *low < 0xdc00 || *low > 0xdfff) return false;
      unit = 0x10000 + ((*unit - 0xd800) << 10) + (*low - 0xdc00);
    }
    if (out != nullptr) append_utf8(*out, *unit);
    return true;
  }

  bool string(std::string* out) {
    if (!take('"')) return false;
    while (!rest_.empty()) {
      std::size_t plain = 0;
      while (plain < rest_.size() && rest_[plain] != '"' && rest_[plain] != '\\' &&
             static_cast<unsigned char>(rest_[plain]) >= 0x20)
        ++plain;
      if (out != nullptr) out->append(rest_.substr(0, plain));
      rest_.remove_prefix(plain);
      if (take('"')) return true;
      if (!take('\\') || !escape(out)) return false;
    }
    return false;
  }

  std::string_view rest_;
};

}  // namespace

Result<std::vector<HandedReceipt>> receipts_in(std::string_view file) {
  if (file.size() > kReceiptFileBytesMax) return fail(Reason::value_too_long, "larger than 64 MiB");
  const std::size_t first = file.find_first_not_of(" \t\r\n");
  if (first == file.npos) return fail(Reason::note_malformed, "the file is empty");
  if (file[first] != '{' && file[first] != '[')
    return std::vector<HandedReceipt>{{std::string(file), std::nullopt}};
  Scanner scanner(file);
  if (!scanner.document())
    return fail(Reason::note_malformed, "neither a receipt nor a well-formed JSON answer");
  if (scanner.found.empty())
    return fail(Reason::note_malformed, "the JSON answer holds no receipt");
  return std::move(scanner.found);
}

}  // namespace amanat::ledger
