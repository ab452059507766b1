#include "cli/sheet.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>

#include "model/insist.h"

namespace amanat::cli {
namespace {

constexpr std::size_t kBufferBytes = 1 << 20;
// In ten thousand rows.
constexpr std::uint32_t kRepeated = 24, kBlank = 8, kDayFirst = 2'000, kCapitals = 460, kTrailing = 180;

}  // namespace

Result<Sheet> Sheet::open(const std::string& directory, std::string name, std::string dataset,
                          std::string_view header, bool mark) {
  Sheet sheet;
  const std::string path = directory + "/" + name;
  sheet.file_.reset(std::fopen(path.c_str(), "wbe"));
  if (!sheet.file_) return fail(Reason::file_failed, path + ": " + std::strerror(errno));
  sheet.counts_.name = std::move(name);
  sheet.counts_.dataset = std::move(dataset);
  sheet.cells_ = static_cast<std::size_t>(std::count(header.begin(), header.end(), ',')) + 1;
  sheet.buffer_.reserve(kBufferBytes + 4096);
  if (mark) sheet.buffer_ += "\xEF\xBB\xBF";
  sheet.buffer_ += header;
  sheet.buffer_ += '\n';
  return sheet;
}

void Sheet::put(std::string_view text) {
  buffer_ += text;
  buffer_ += '\n';
  ++counts_.rows;
  if (buffer_.size() < kBufferBytes) return;
  failed_ = failed_ || std::fwrite(buffer_.data(), 1, buffer_.size(), file_.get()) != buffer_.size();
  buffer_.clear();
}

void Sheet::end_plain() {
  insist(!row_.empty());
  put(row_);
  ++counts_.accepted;
  row_.clear();
}

void Sheet::end(Chance& chance) {
  insist(!row_.empty());
  put(row_);
  ++counts_.accepted;
  if (chance.happens(kRepeated)) {
    put(row_);
    ++counts_.repeated;
  }
  row_.clear();
  if (chance.happens(kBlank)) {
    put(std::string(cells_ - 1, ','));
    ++counts_.blank;
  }
}

void Sheet::end_broken() {
  put(row_);
  ++counts_.quarantined;
  row_.clear();
}

Result<void> Sheet::close() {
  insist(row_.empty());
  failed_ = failed_ || std::fwrite(buffer_.data(), 1, buffer_.size(), file_.get()) != buffer_.size();
  errno = 0;
  if (std::fflush(file_.get()) != 0 || failed_)
    return fail(errno == ENOSPC ? Reason::disk_full : Reason::file_failed, counts_.name);
  file_.reset();
  return {};
}

void append_number(std::string& out, std::uint64_t n, int digits) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, n).ptr;
  for (auto missing = digits - (end - text); missing > 0; --missing) out += '0';
  out.append(text, end);
}

void append_national_id(std::string& out, std::uint64_t id, Chance& chance) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, id).ptr;
  insist(end - digits == 13);
  if (chance.happens(4'000)) {
    out.append(digits, 13);
    return;
  }
  out.append(digits, 5).append("-").append(digits + 5, 7).append("-").append(digits + 12, 1);
}

void append_broken_id(std::string& out, std::uint64_t id, Chance& chance) {
  std::string digits = std::to_string(id);
  insist(digits.size() == 13);
  switch (chance.below(4)) {
    case 0: out += digits.substr(0, 12); return;
    case 1:
      digits[6] = 'O';
      out += digits;
      return;
    case 2: out += "00000" + digits.substr(5); return;
    default: return;
  }
}

void append_msisdn(std::string& out, std::uint64_t number, Chance& chance) {
  const auto form = chance.below(3);
  if (form == 0) out += "+92";
  if (form == 1) out += '0';
  append_number(out, number, 10);
}

namespace {

std::chrono::year_month_day date_of(std::int32_t day) {
  return std::chrono::year_month_day(std::chrono::sys_days(std::chrono::days(day)));
}

}  // namespace

void append_iso_day(std::string& out, std::int32_t day) {
  const auto date = date_of(day);
  append_number(out, static_cast<std::uint64_t>(static_cast<int>(date.year())), 4);
  out += '-';
  append_number(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_number(out, static_cast<unsigned>(date.day()), 2);
}

void append_day(std::string& out, std::int32_t day, Chance& chance) {
  if (!chance.happens(kDayFirst)) return append_iso_day(out, day);
  const auto date = date_of(day);
  append_number(out, static_cast<unsigned>(date.day()), 2);
  out += '-';
  append_number(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_number(out, static_cast<std::uint64_t>(static_cast<int>(date.year())), 4);
}

void append_name(std::string& out, std::string_view given, std::string_view surname, Chance& chance) {
  const std::size_t begin = out.size();
  out += given;
  out += ' ';
  out += surname;
  if (chance.happens(kCapitals))
    for (std::size_t i = begin; i < out.size(); ++i)
      if (out[i] >= 'a' && out[i] <= 'z') out[i] = static_cast<char>(out[i] - 'a' + 'A');
  if (chance.happens(kTrailing)) out += ' ';
}

}  // namespace amanat::cli
