// SQL dumps: the rows of INSERT and COPY, read and never run. Everything else is skipped.

#include <algorithm>

#include "trace/parsers.h"

namespace amanat::trace {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

class SqlParser : public TextParser {
 public:
  SqlParser(Gatherer& gatherer, const Limits& limits) : gatherer_(gatherer), limits_(limits) {}

  void feed(std::string_view piece) override {
    for (const char c : piece) {
      step(c);
      ++at_;
    }
  }
  void finish() override {
    step('\n');
    if (depth_ > 0 && statement_ == Statement::rows) end_row();
    if (state_ == State::copy && !line_.empty()) copy_line();
  }

 private:
  enum class State : std::uint8_t {
    between,
    word,
    quoted,
    quoted_end,
    comment,
    block,
    block_end,
    copy
  };
  // Where in "INSERT INTO t (a, b) VALUES (1, 2), (3, 4);" we are.
  enum class Statement : std::uint8_t { none, insert, table, columns, values, rows, copy_head };

  void step(char c) {
    switch (state_) {
      case State::copy:
        return in_copy(c);
      case State::comment:
        if (c == '\n') state_ = State::between;
        return;
      case State::block:
        if (c == '*') state_ = State::block_end;
        return;
      case State::block_end:
        if (c == '/')
          state_ = State::between;
        else if (c != '*')
          state_ = State::block;
        return;
      case State::quoted:
        return in_quoted(c);
      case State::quoted_end:
        if (c == quote_ && quote_ != ']') {  // '' is a quote
          append(c);
          state_ = State::quoted;
          return;
        }
        end_token(true);
        break;
      case State::word: {
        const bool goes_on = c < 0 || (lower(c) >= 'a' && lower(c) <= 'z') ||
                             (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '+' ||
                             c == '-' || c == '\\' || c == '$';
        if (token_ == "--") {
          token_.clear();
          state_ = c == '\n' ? State::between : State::comment;
          return;
        }
        if (goes_on) return append(c);
        end_token(false);
        break;
      }
      case State::between:
        break;
    }
    begin(c);
  }

  void begin(char c) {
    switch (c) {
      case '\'':
      case '"':
      case '`':
        open(c);
        return;
      case '[':
        if (statement_ != Statement::rows) open(']');
        return;
      case '(':
        ++depth_;
        if (depth_ == 1) open_list();
        return;
      case ')':
        close_list();
        return;
      case ',':
        if (depth_ == 1) end_cell();
        return;
      case ';':
        end_statement();
        return;
      case '/':
        slash_ = true;
        return;
      case '*':
        if (slash_) state_ = State::block;
        slash_ = false;
        return;
      case '#':
        if (line_begin_) state_ = State::comment;
        return;
      case ' ':
      case '\t':
      case '\r':
        return;
      case '\n':
        line_begin_ = true;
        return;
      case '=':
      case '<':
      case '>':
      case ':':
        return;
      default:
        break;
    }
    slash_ = line_begin_ = false;
    state_ = State::word;
    token_.assign(1, c);
  }

  void open(char quote) {
    quote_ = quote;
    slash_ = line_begin_ = false;
    token_.clear();
    state_ = State::quoted;
    escape_ = false;
  }

  void append(char c) {
    if (token_.size() < limits_.row_bytes_max) token_.push_back(c);
  }

  void in_quoted(char c) {
    if (escape_) {
      escape_ = false;
      append(c == 'n' || c == 'r' ? '\n' : c == 't' ? '\t' : c == '0' ? ' ' : c);
    } else if (c == '\\' && quote_ == '\'') {
      escape_ = true;
    } else if (c == quote_) {
      state_ = State::quoted_end;
    } else {
      append(c);
    }
  }

  void end_token(bool quoted) {
    state_ = State::between;
    if (depth_ > 0) {
      // N'…', E'…', CAST('…' AS …): the value is what was quoted.
      if (quoted || cell_.empty()) cell_ = token_;
      return;
    }
    // "INSERT [dbo].[t] (…)": SQL Server leaves INTO out.
    if (quoted && statement_ == Statement::insert) {
      statement_ = Statement::table;
      table_.clear();
      headings_.clear();
    }
    std::string word(token_);
    std::transform(word.begin(), word.end(), word.begin(), lower);
    if (!quoted && (word == "insert" || word == "replace"))
      statement_ = Statement::insert;
    else if (!quoted && word == "copy")
      statement_ = Statement::copy_head, table_.clear(), headings_.clear();
    // Oracle's INSERT ALL has one INTO after another.
    else if (!quoted && word == "into" &&
             (statement_ == Statement::insert || statement_ == Statement::rows))
      statement_ = Statement::table, table_.clear(), headings_.clear();
    else if (!quoted && (word == "values" || word == "value") && in_insert())
      statement_ = Statement::rows, begin_rows();
    else if (!quoted && word == "stdin" && statement_ == Statement::copy_head)
      copy_ready_ = true;
    else if ((statement_ == Statement::table || statement_ == Statement::copy_head) &&
             headings_.empty() && word != "from")
      table_ = table_.empty() || !token_.starts_with('.') ? token_.substr(0, 128)
                                                          : table_ + token_.substr(0, 128);
  }
  bool in_insert() const {
    return statement_ == Statement::table || statement_ == Statement::columns ||
           statement_ == Statement::values;
  }

  void open_list() {
    cells_.clear();
    row_text_.clear();
    cell_.clear();
    row_at_ = at_;
  }
  void end_cell() {
    if (cells_.size() < limits_.cells_max &&
        row_text_.size() + cell_.size() <= limits_.row_bytes_max) {
      row_text_.append(cell_);
      cells_.push_back(row_text_.size());
    }
    cell_.clear();
  }
  void close_list() {
    if (depth_ == 0) return;
    if (--depth_ > 0) return;
    end_cell();
    if (statement_ == Statement::rows) {
      end_row();
    } else if (statement_ == Statement::table || statement_ == Statement::copy_head) {
      if (headings_.empty())
        each_cell([this](std::string_view c) { headings_.emplace_back(c.substr(0, 128)); });
      if (statement_ == Statement::table) statement_ = Statement::columns;
    }
  }

  template <class F>
  void each_cell(F f) {
    std::size_t begin = 0;
    for (const std::size_t end : cells_) {
      f(std::string_view(row_text_).substr(begin, end - begin));
      begin = end;
    }
  }

  void begin_rows() { cluster_ = gatherer_.cluster({Format::sql, 0, table_, headings_}); }

  void end_row() {
    values_.clear();
    each_cell([this](std::string_view c) { values_.push_back(c); });
    if (!values_.empty()) gatherer_.take(cluster_, row_at_, at_ + 1 - row_at_, values_);
    cells_.clear();
    row_text_.clear();
  }

  void end_statement() {
    depth_ = 0;
    if (copy_ready_) {
      begin_rows();
      state_ = State::copy;
      copy_head_ = true;
      line_.clear();
    }
    copy_ready_ = false;
    statement_ = Statement::none;
  }

  // A COPY's rows are lines of tabs, with backslashes, up to "\.".
  void in_copy(char c) {
    if (c != '\n') {
      if (line_.empty()) line_at_ = at_;
      if (line_.size() < limits_.row_bytes_max) line_.push_back(c);
      return;
    }
    if (line_.ends_with('\r')) line_.pop_back();
    if (line_ == "\\.")
      state_ = State::between;
    else if (!line_.empty() && !copy_head_)
      copy_line();
    copy_head_ = false;
    line_.clear();
  }

  void copy_line() {
    cells_.clear();
    row_text_.clear();
    for (std::size_t i = 0; i < line_.size(); ++i) {
      const char c = line_[i];
      if (c == '\t') {
        cells_.push_back(row_text_.size());
      } else if (c == '\\' && i + 1 < line_.size()) {
        const char next = line_[++i];
        if (next != 'N')
          row_text_.push_back(next == 'n' || next == 'r' ? '\n' : next == 't' ? ' ' : next);
      } else {
        row_text_.push_back(c);
      }
    }
    cells_.push_back(row_text_.size());
    row_at_ = line_at_;
    end_row();
  }

  Gatherer& gatherer_;
  const Limits& limits_;
  State state_ = State::between;
  Statement statement_ = Statement::none;
  char quote_ = 0;
  bool escape_ = false, slash_ = false, line_begin_ = true, copy_ready_ = false, copy_head_ = false;
  std::size_t depth_ = 0;
  std::uint64_t at_ = 0, row_at_ = 0, line_at_ = 0;
  std::string token_, cell_, row_text_, table_, line_;
  std::vector<std::size_t> cells_;
  std::vector<std::string> headings_;
  std::vector<std::string_view> values_;
  std::uint32_t cluster_ = 0;
};

}  // namespace

std::unique_ptr<TextParser> make_sql_parser(Gatherer& gatherer, const Limits& limits) {
  return std::make_unique<SqlParser>(gatherer, limits);
}

}  // namespace amanat::trace
