// JSON and JSON lines, forgivingly: whatever stands between objects is skipped, a missing end is an
// end. An object is a row; one that is the value of a member belongs to the row around it.

#include <algorithm>
#include <vector>

#include "trace/parsers.h"

namespace amanat::trace {
namespace {

class JsonParser : public TextParser {
 public:
  JsonParser(Format format, Gatherer& gatherer, const Limits& limits)
      : format_(format), gatherer_(gatherer), limits_(limits) {}

  void feed(std::string_view piece) override {
    for (std::size_t i = 0; i < piece.size(); ++i, ++at_) {
      if (state_ == State::string && escape_ == 0 && utf16_ == 0) {
        // The usual case by the run: up to the next quote or backslash.
        const std::size_t end = std::min(piece.find_first_of("\"\\", i), piece.size());
        append(piece.substr(i, end - i));
        at_ += end - i;
        i = end;
        if (i == piece.size()) return;
      }
      step(piece[i]);
    }
  }

  void finish() override {
    end_token();
    while (!open_.empty()) close();
  }

 private:
  enum class State : std::uint8_t { between, string, bare };
  /// Open is an object or array that has not ended.
  struct Open {
    bool object = false, row = false;
    bool mixed = false;     // an array that holds words beside objects: a text in pieces
    std::size_t path = 0;   // length of path_ before it
    std::size_t cells = 0;  // where its row's cells begin
    std::size_t text = 0;   // and their text
    std::uint64_t at = 0;
  };
  struct Cell {
    std::size_t name, name_size, text, size;
  };

  void append(std::string_view s) {
    if (token_.size() + s.size() <= limits_.row_bytes_max) token_.append(s);
  }

  void step(char c) {
    if (state_ == State::string) return in_string(c);
    if (state_ == State::bare) {
      const bool goes_on = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                           (c >= 'A' && c <= 'Z') || c == '.' || c == '+' || c == '-' || c == '_' ||
                           c < 0;
      if (goes_on) return append({&c, 1});
      end_token();
    }
    switch (c) {
      case '"':
        state_ = State::string;
        token_.clear();
        break;
      case '{':
        open(true);
        break;
      case '[':
        open(false);
        break;
      case '}':
      case ']':
        close();
        break;
      case ':':
        name_it();
        break;
      case ',':
        expect_name();
        break;
      case ' ':
      case '\t':
      case '\n':
      case '\r':
        break;
      default:
        state_ = State::bare;
        token_.assign(1, c);
    }
  }

  void in_string(char c) {
    if (utf16_ > 0) {
      const int digit = c >= '0' && c <= '9'                     ? c - '0'
                        : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                                 : -1;
      unit_ = digit < 0 ? 0xFFFD : unit_ * 16 + static_cast<unsigned>(digit);
      utf16_ = digit < 0 ? 0 : utf16_ - 1;
      if (utf16_ == 0) end_unit();
      return;
    }
    if (escape_ != 0) {
      escape_ = 0;
      switch (c) {
        case 'n':
        case 'r':
          append("\n");
          break;
        case 't':
          append("\t");
          break;
        case 'b':
        case 'f':
          append(" ");
          break;
        case 'u':
          utf16_ = 4;
          unit_ = 0;
          break;
        default:
          append({&c, 1});
      }
      return;
    }
    if (c == '\\')
      escape_ = 1;
    else if (c == '"')
      end_token();
    else
      append({&c, 1});
  }

  void end_unit() {
    unsigned point = unit_;
    if (point >= 0xD800 && point < 0xDC00) {
      high_ = point;
      return;
    }
    if (point >= 0xDC00 && point < 0xE000)
      point = high_ != 0 ? 0x10000 + ((high_ - 0xD800) << 10) + (point - 0xDC00) : 0xFFFD;
    high_ = 0;
    char out[4];
    std::size_t n = 0;
    if (point < 0x80)
      out[n++] = static_cast<char>(point);
    else if (point < 0x800)
      out[n++] = static_cast<char>(0xC0 | point >> 6);
    else if (point < 0x10000) {
      out[n++] = static_cast<char>(0xE0 | point >> 12);
      out[n++] = static_cast<char>(0x80 | (point >> 6 & 0x3F));
    } else {
      out[n++] = static_cast<char>(0xF0 | point >> 18);
      out[n++] = static_cast<char>(0x80 | (point >> 12 & 0x3F));
      out[n++] = static_cast<char>(0x80 | (point >> 6 & 0x3F));
    }
    if (point >= 0x80) out[n++] = static_cast<char>(0x80 | (point & 0x3F));
    append({out, n});
  }

  // end_token keeps a finished string or word as the pending one: a name if ':' follows.
  void end_token() {
    if (state_ == State::between) return;
    state_ = State::between;
    escape_ = 0, utf16_ = 0, high_ = 0;
    keep_pending();
    pending_.swap(token_);
    has_pending_ = true;
  }

  void name_it() {
    if (!has_pending_ || open_.empty() || !open_.back().object) return;
    path_.resize(open_.back().path);
    if (!path_.empty()) path_.push_back('.');
    has_pending_ = false;
    // A member named by a number ("{"35202…": {…}}") is a value, and what it names is its row.
    const auto digits = std::count_if(pending_.begin(), pending_.end(),
                                      [](char c) { return (c >= '0' && c <= '9') || c < 0; });
    if (digits >= 9 && pending_.size() < 128) {
      key_ = pending_;
      path_.push_back('*');
    } else {
      path_.append(pending_.substr(0, 128));
    }
  }
  void expect_name() { keep_pending(); }

  void keep_key() {
    if (key_.empty()) return;
    pending_.swap(key_);
    key_.clear();
    has_pending_ = true;
    keep_pending();
  }

  void keep_pending() {
    if (!has_pending_) return;
    has_pending_ = false;
    if (!open_.empty() && !open_.back().object) open_.back().mixed = true;
    if (!key_.empty()) {
      std::string value;
      value.swap(pending_);
      keep_key();
      pending_.swap(value);
    }
    if (cells_.size() >= limits_.cells_max ||
        text_.size() + pending_.size() > limits_.row_bytes_max * 4)
      return;
    const std::size_t name = text_.size();
    text_.append(path_);
    const std::size_t value = text_.size();
    text_.append(pending_);
    cells_.push_back({name, path_.size(), value, pending_.size()});
    // Text outside every object is a row of its own.
    if (open_.empty() || rows_open_ == 0) emit(0, 0, at_);
  }

  void open(bool object) {
    keep_pending();
    if (open_.size() >= limits_.json_depth_max) {
      ++too_deep_;
      return;
    }
    // An object in an array, or at the top, is a row; one that a member names belongs to its owner.
    const bool row = object && (open_.empty() || (!open_.back().object && !open_.back().mixed) ||
                                rows_open_ == 0 || !key_.empty());
    open_.push_back({object, row, false, row ? 0 : path_.size(), cells_.size(), text_.size(), at_});
    if (row) {
      ++rows_open_;
      saved_paths_.push_back(path_);
      path_.clear();
    }
    keep_key();
  }

  void close() {
    keep_pending();
    if (too_deep_ > 0) {
      --too_deep_;
      return;
    }
    if (open_.empty()) return;
    const Open o = open_.back();
    open_.pop_back();
    if (o.row) {
      emit(o.cells, o.text, o.at);
      --rows_open_;
      path_ = std::move(saved_paths_.back());
      saved_paths_.pop_back();
    } else {
      path_.resize(std::min(path_.size(), o.path));
    }
  }

  void emit(std::size_t cells, std::size_t text, std::uint64_t begin) {
    if (cells_.size() > cells) {
      values_.clear();
      bool same = headings_.size() == cells_.size() - cells;
      for (std::size_t i = cells; i < cells_.size(); ++i) {
        const Cell& c = cells_[i];
        values_.push_back(std::string_view(text_).substr(c.text, c.size));
        const auto name = std::string_view(text_).substr(c.name, c.name_size);
        same = same && headings_[i - cells] == name;
      }
      if (!same) {
        headings_.clear();
        for (std::size_t i = cells; i < cells_.size(); ++i)
          headings_.emplace_back(
              std::string_view(text_).substr(cells_[i].name, cells_[i].name_size));
        cluster_ = gatherer_.cluster({format_, 0, {}, headings_});
      }
      gatherer_.take(cluster_, begin, at_ - begin, values_);
    }
    cells_.resize(cells);
    text_.resize(text);
  }

  const Format format_;
  Gatherer& gatherer_;
  const Limits& limits_;
  State state_ = State::between;
  int escape_ = 0, utf16_ = 0;
  unsigned unit_ = 0, high_ = 0;
  std::uint64_t at_ = 0;
  std::string token_, pending_, key_, path_, text_;
  bool has_pending_ = false;
  std::size_t rows_open_ = 0, too_deep_ = 0;
  std::vector<Open> open_;
  std::vector<std::string> saved_paths_, headings_;
  std::vector<Cell> cells_;
  std::vector<std::string_view> values_;
  std::uint32_t cluster_ = 0;
};

}  // namespace

std::unique_ptr<TextParser> make_json_parser(Format format, Gatherer& gatherer,
                                             const Limits& limits) {
  return std::make_unique<JsonParser>(format, gatherer, limits);
}

}  // namespace amanat::trace
