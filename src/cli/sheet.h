#pragma once
// cli, sheets: a department's file as departments write them. Buffers a megabyte; one thread.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "cli/country.h"
#include "cli/families.h"
#include "model/result.h"

namespace amanat::cli {

/// Sheet writes one CSV file and keeps count of what an importer must find in it.
class Sheet {
 public:
  /// open makes the file with its header; `mark` puts a byte-order mark before it. Errors: file_failed.
  static Result<Sheet> open(const std::string& directory, std::string name, std::string dataset,
                            std::string_view header, bool mark);

  /// row is the line being built; cells are appended to it, commas by cell().
  std::string& row() { return row_; }
  Sheet& cell() {
    row_ += ',';
    return *this;
  }

  /// end writes the row as a good one; now and then departments send it twice, or a blank one after it.
  void end(Chance& chance);
  /// end_plain writes a good row and nothing else.
  void end_plain();
  /// end_broken writes a row that an importer must set aside.
  void end_broken();

  const CountryFile& counts() const { return counts_; }
  /// close flushes. Errors: disk_full, file_failed.
  Result<void> close();

 private:
  struct Closer {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  void put(std::string_view text);
  std::unique_ptr<std::FILE, Closer> file_;
  CountryFile counts_;
  std::string row_, buffer_;
  std::size_t cells_ = 0;
  bool failed_ = false;
};

// Appenders, each in one of the forms departments use.
void append_number(std::string& out, std::uint64_t n, int digits = 0);
/// append_national_id writes 13 digits, mostly with dashes.
void append_national_id(std::string& out, std::uint64_t id, Chance& chance);
/// append_broken_id writes an ID that cannot exist: short, a letter for a digit, province 0, or nothing.
void append_broken_id(std::string& out, std::uint64_t id, Chance& chance);
/// append_msisdn writes a number (ten digits, 3...) with +92, with 0, or bare.
void append_msisdn(std::string& out, std::uint64_t number, Chance& chance);
/// append_day writes days since 1970 as 2026-11-22, or day first.
void append_day(std::string& out, std::int32_t day, Chance& chance);
void append_iso_day(std::string& out, std::int32_t day);
/// append_name writes a name, sometimes in capitals, sometimes with a space behind it.
void append_name(std::string& out, std::string_view given, std::string_view surname, Chance& chance);

}  // namespace amanat::cli
