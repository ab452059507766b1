// Rows and lines out of one window over the input. The window slides forward and grows only while
// a single row does not fit, so memory is bounded by a row's limit, not by the file.
//
// A row is found in two passes: where it ends (quotes counted), then where its cells lie. A row
// that is malformed costs one physical line: reading goes on at the line after its first, so one
// stray quote cannot swallow the rest of a file.

#include "net/csv.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "model/insist.h"

namespace amanat::net {
namespace {

constexpr std::size_t kChunkBytes = 256 * 1024;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Window is the part of the input in memory: bytes [base, base + size). Either a file read in
// chunks or a whole text.
class Window {
 public:
  static Result<std::unique_ptr<Window>> open(const std::string& path, std::size_t row_bytes_max) {
    auto window = std::make_unique<Window>();
    window->fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat facts {};
    if (window->fd_ < 0 || ::fstat(window->fd_, &facts) != 0)
      return fail(Reason::file_failed, path + ": " + std::strerror(errno));
    if (S_ISDIR(facts.st_mode)) return fail(Reason::file_failed, path + ": is a directory");
    window->path_ = path;
    window->total_ = S_ISREG(facts.st_mode) ? static_cast<std::uint64_t>(facts.st_size) : 0;
    window->bytes_.resize(std::min(kChunkBytes, row_bytes_max + 2 + kByteOrderMark.size()));
    window->bytes_most_ = row_bytes_max + 2 + kByteOrderMark.size();
    window->bytes_most_ = std::max(window->bytes_most_, window->bytes_.size());
    (void)::posix_fadvise(window->fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
    return window;
  }
  static std::unique_ptr<Window> over(std::string text) {
    auto window = std::make_unique<Window>();
    window->bytes_ = std::move(text);
    window->end_ = window->bytes_.size();
    window->total_ = window->end_;
    window->ended_ = true;
    return window;
  }
  Window() = default;
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  ~Window() {
    if (fd_ >= 0) ::close(fd_);
  }

  std::string_view rest() const { return {bytes_.data() + begin_, end_ - begin_}; }
  std::uint64_t offset() const { return base_ + begin_; }
  std::uint64_t total() const { return total_; }
  bool ended() const { return ended_; }  // nothing lies beyond rest()
  void advance(std::size_t n) {
    insist(n <= end_ - begin_);
    begin_ += n;
  }
  // more brings further bytes into rest(), growing if there is no room; false when there are
  // none or the window is as large as it may be.
  Result<bool> more() {
    if (ended_) return false;
    if (begin_ > 0) {
      std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
      base_ += begin_;
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == bytes_.size()) {
      if (bytes_.size() >= bytes_most_) return false;
      bytes_.resize(std::min(bytes_.size() * 2, bytes_most_));
    }
    for (;;) {
      const ssize_t n = ::read(fd_, bytes_.data() + end_, bytes_.size() - end_);
      if (n > 0) {
        end_ += static_cast<std::size_t>(n);
        return true;
      }
      if (n == 0) {
        ended_ = true;
        return false;
      }
      if (errno != EINTR) return fail(Reason::file_failed, path_ + ": " + std::strerror(errno));
    }
  }
  Result<void> seek(std::uint64_t offset) {
    if (fd_ < 0) {
      if (offset > bytes_.size()) return fail(Reason::file_failed, "a place beyond the end");
      begin_ = static_cast<std::size_t>(offset);
      return {};
    }
    if (total_ != 0 && offset > total_)
      return fail(Reason::file_failed, path_ + ": a place beyond the end");
    if (::lseek(fd_, static_cast<off_t>(offset), SEEK_SET) < 0)
      return fail(Reason::file_failed, path_ + ": " + std::strerror(errno));
    base_ = offset;
    begin_ = end_ = 0;
    ended_ = false;
    return {};
  }
  // skip_mark steps over a byte-order mark at the very start of the input.
  Result<void> skip_mark() {
    if (offset() != 0) return {};
    while (rest().size() < kByteOrderMark.size() && !ended_) {
      const auto got = more();
      if (!got) return std::unexpected(got.error());
    }
    if (rest().starts_with(kByteOrderMark)) advance(kByteOrderMark.size());
    return {};
  }
  // skip_line throws away everything up to and including the next line feed.
  Result<void> skip_line() {
    for (;;) {
      const auto feed = rest().find('\n');
      if (feed != std::string_view::npos) {
        advance(feed + 1);
        return {};
      }
      advance(rest().size());
      const auto got = more();
      if (!got) return std::unexpected(got.error());
      if (!*got) return {};
    }
  }

 private:
  int fd_ = -1;
  std::string path_, bytes_;
  std::size_t begin_ = 0, end_ = 0, bytes_most_ = 0;
  std::uint64_t base_ = 0, total_ = 0;
  bool ended_ = false;
};

// Extent is what the first pass knows of a row.
struct Extent {
  enum class Kind : std::uint8_t { whole, unfinished, malformed };
  Kind kind = Kind::unfinished;
  std::size_t bytes = 0;       // with its line end
  std::size_t text_bytes = 0;  // without
  std::uint64_t lines = 1;
  bool quoted = false;
};

Extent finish(std::string_view text, std::size_t feed, Extent extent) {
  extent.kind = Extent::Kind::whole;
  extent.bytes = std::min(feed + 1, text.size());
  extent.text_bytes = std::min(feed, text.size());
  if (extent.text_bytes > 0 && text[extent.text_bytes - 1] == '\r') --extent.text_bytes;
  return extent;
}

// quoted_extent finds the end of a row that holds quotes. Every quote must open a cell, close it,
// or stand doubled inside one.
Extent quoted_extent(std::string_view text, bool ended) {
  Extent extent;
  extent.quoted = true;
  std::size_t i = 0;
  for (;;) {  // at the start of a cell
    if (i < text.size() && text[i] == '"') {
      for (++i;;) {
        const auto quote = text.find('"', i);
        const auto stop = std::min(quote, text.size());
        extent.lines += static_cast<std::uint64_t>(
            std::count(text.begin() + static_cast<std::ptrdiff_t>(i),
                       text.begin() + static_cast<std::ptrdiff_t>(stop), '\n'));
        if (quote == std::string_view::npos || (quote + 1 == text.size() && !ended)) {
          extent.kind = ended ? Extent::Kind::malformed : Extent::Kind::unfinished;
          return extent;
        }
        i = quote + 1;
        if (i == text.size() || text[i] != '"') break;
        ++i;
      }
      if (i == text.size()) return finish(text, i, extent);
      if (text[i] == '\r' && i + 1 == text.size() && !ended) return extent;
      if (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] == '\n'))
        return finish(text, i + 1, extent);
      if (text[i] == '\n') return finish(text, i, extent);
      if (text[i] != ',') {
        extent.kind = Extent::Kind::malformed;
        return extent;
      }
      ++i;
      continue;
    }
    const auto stop = text.find_first_of(",\n\"", i);
    if (stop == std::string_view::npos) {
      if (!ended) return extent;
      return finish(text, text.size(), extent);
    }
    if (text[stop] == '"') {
      extent.kind = Extent::Kind::malformed;
      return extent;
    }
    if (text[stop] == '\n') return finish(text, stop, extent);
    i = stop + 1;
  }
}

Extent row_extent(std::string_view text, bool ended) {
  const auto* feed = static_cast<const char*>(std::memchr(text.data(), '\n', text.size()));
  const std::size_t line =
      feed != nullptr ? static_cast<std::size_t>(feed - text.data()) : text.size();
  if (std::memchr(text.data(), '"', line) != nullptr) return quoted_extent(text, ended);
  if (feed == nullptr && !ended) return {};
  return finish(text, line, {});
}

}  // namespace

struct CsvReader::State {
  std::unique_ptr<Window> window;
  CsvLimits limits;
  std::uint64_t line = 1;
  bool fresh = true;     // a byte-order mark may still come
  std::string unquoted;  // cells that had doubled quotes, laid end to end

  // split fills `cells`; false if there are too many.
  bool split(std::string_view row, bool quoted, std::vector<std::string_view>& cells);
  bool split_plain(std::string_view row, std::vector<std::string_view>& cells) const;
};

bool CsvReader::State::split_plain(std::string_view row,
                                   std::vector<std::string_view>& cells) const {
  const char* p = row.data();
  const char* const end = p + row.size();
  for (;;) {
    if (cells.size() == limits.cells_max) return false;
    // Cells are short: looking byte by byte beats a call to memchr for the first few.
    const char* q = p;
    const char* const near = end - p > 16 ? p + 16 : end;
    while (q != near && *q != ',') ++q;
    if (q == near && q != end) {
      q = static_cast<const char*>(std::memchr(q, ',', static_cast<std::size_t>(end - q)));
      if (q == nullptr) q = end;
    }
    cells.emplace_back(p, static_cast<std::size_t>(q - p));
    if (q == end) return true;
    p = q + 1;
  }
}

bool CsvReader::State::split(std::string_view row, bool quoted,
                             std::vector<std::string_view>& cells) {
  if (!quoted) return split_plain(row, cells);
  unquoted.clear();
  unquoted.reserve(row.size());  // so that views into it stay
  std::size_t i = 0;
  for (;;) {
    if (cells.size() == limits.cells_max) return false;
    if (i < row.size() && row[i] == '"') {
      const std::size_t from = unquoted.size(), start = ++i;
      bool doubled = false;
      std::size_t end = start;
      for (;;) {
        end = row.find('"', i);
        insist(end != std::string_view::npos);  // the first pass saw it
        if (end + 1 >= row.size() || row[end + 1] != '"') break;
        unquoted.append(row.substr(i, end + 1 - i));
        doubled = true;
        i = end + 2;
      }
      if (doubled) {
        unquoted.append(row.substr(i, end - i));
        cells.push_back(std::string_view(unquoted).substr(from));
      } else {
        cells.push_back(row.substr(start, end - start));
      }
      i = end + 1;
      if (i == row.size()) return true;
      insist(row[i] == ',');
      ++i;
      continue;
    }
    const auto comma = std::min(row.find(',', i), row.size());
    cells.push_back(row.substr(i, comma - i));
    if (comma == row.size()) return true;
    i = comma + 1;
  }
}

CsvReader::CsvReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
CsvReader::CsvReader(CsvReader&&) noexcept = default;
CsvReader::~CsvReader() = default;

Result<CsvReader> CsvReader::open(const std::string& path, const CsvLimits& limits) {
  auto window = Window::open(path, limits.row_bytes_max);
  if (!window) return std::unexpected(window.error());
  auto state = std::make_unique<State>();
  state->window = *std::move(window);
  state->limits = limits;
  return CsvReader(std::move(state));
}

CsvReader CsvReader::over(std::string text, const CsvLimits& limits) {
  auto state = std::make_unique<State>();
  state->window = Window::over(std::move(text));
  state->limits = limits;
  return CsvReader(std::move(state));
}

std::uint64_t CsvReader::bytes_total() const { return state_->window->total(); }

Result<void> CsvReader::seek(std::uint64_t offset, std::uint64_t line) {
  insist(line >= 1);
  state_->line = line;
  state_->fresh = true;
  return state_->window->seek(offset);
}

Result<bool> CsvReader::next(Row& row) {
  insist(state_ != nullptr);
  Window& window = *state_->window;
  if (std::exchange(state_->fresh, false)) {
    if (const auto skipped = window.skip_mark(); !skipped) return std::unexpected(skipped.error());
  }
  row.cells.clear();
  row.malformed = false;
  Extent extent;
  for (;;) {
    const auto text = window.rest();
    if (!text.empty()) extent = row_extent(text, window.ended());
    if (extent.kind != Extent::Kind::unfinished) break;
    if (text.empty() && window.ended()) return false;
    const auto got = window.more();
    if (!got) return std::unexpected(got.error());
    if (!*got && !window.ended()) break;  // longer than a row may be
  }
  row.line = state_->line;
  row.offset = window.offset();
  const bool whole =
      extent.kind == Extent::Kind::whole && extent.text_bytes <= state_->limits.row_bytes_max;
  if (whole &&
      state_->split(window.rest().substr(0, extent.text_bytes), extent.quoted, row.cells)) {
    window.advance(extent.bytes);
    state_->line += extent.lines;
  } else {
    row.malformed = true;
    row.cells.clear();
    if (const auto skipped = window.skip_line(); !skipped) return std::unexpected(skipped.error());
    state_->line += 1;
  }
  row.end_offset = window.offset();
  insist(row.end_offset > row.offset);
  return true;
}

struct LinesReader::State {
  std::unique_ptr<Window> window;
  std::size_t line_bytes_max = 0;
  std::uint64_t line = 1;
  bool fresh = true;
};

LinesReader::LinesReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
LinesReader::LinesReader(LinesReader&&) noexcept = default;
LinesReader::~LinesReader() = default;

Result<LinesReader> LinesReader::open(const std::string& path, std::size_t line_bytes_max) {
  auto window = Window::open(path, line_bytes_max);
  if (!window) return std::unexpected(window.error());
  auto state = std::make_unique<State>();
  state->window = *std::move(window);
  state->line_bytes_max = line_bytes_max;
  return LinesReader(std::move(state));
}

std::uint64_t LinesReader::bytes_total() const { return state_->window->total(); }

Result<void> LinesReader::seek(std::uint64_t offset, std::uint64_t line) {
  insist(line >= 1);
  state_->line = line;
  state_->fresh = true;
  return state_->window->seek(offset);
}

Result<bool> LinesReader::next(Line& line) {
  insist(state_ != nullptr);
  Window& window = *state_->window;
  if (std::exchange(state_->fresh, false)) {
    if (const auto skipped = window.skip_mark(); !skipped) return std::unexpected(skipped.error());
  }
  std::size_t feed = std::string_view::npos;
  for (;;) {
    feed = window.rest().find('\n');
    if (feed != std::string_view::npos) break;
    const auto got = window.more();
    if (!got) return std::unexpected(got.error());
    if (!*got) break;
  }
  if (window.rest().empty()) return false;
  line.line = state_->line++;
  line.offset = window.offset();
  auto text = window.rest().substr(0, std::min(feed, window.rest().size()));
  const std::size_t with_feed = std::min(text.size() + 1, window.rest().size());
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  line.too_long =
      text.size() > state_->line_bytes_max || (feed == std::string_view::npos && !window.ended());
  if (line.too_long) {
    line.text = {};
    if (const auto skipped = window.skip_line(); !skipped) return std::unexpected(skipped.error());
  } else {
    line.text = text;
    window.advance(with_feed);
  }
  line.end_offset = window.offset();
  insist(line.end_offset > line.offset);
  return true;
}

}  // namespace amanat::net
