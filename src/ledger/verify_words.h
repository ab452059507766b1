#pragma once
// What the commands of amanat-verify share: exit codes, words for people, reading input. This
// program only; one thread.

#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/audit.h"
#include "model/ids.h"
#include "model/result.h"

namespace amanat::ledger {

inline constexpr int kHolds = 0, kDoesNotHold = 1, kTrouble = 2;

/// complain prints what, why and what to do on standard error and returns the exit code it was
/// given.
int complain(int exit_code, std::string_view what, std::string_view why, std::string_view hint);
int complain(int exit_code, const Failure& failure, std::string_view where = {});
/// json_text quotes and escapes.
std::string json_text(std::string_view text);
/// time_text is RFC 3339 in UTC; grouped writes 1,234,567; plain makes bytes safe for a terminal.
std::string time_text(Moment time);
std::string grouped(std::uint64_t value);
std::string plain(std::string_view text);
/// Progress is a line on standard error, where that is a terminal, at most ten times a second.
class Progress {
 public:
  explicit Progress(bool wanted);
  ~Progress() { end(); }
  void operator()(std::uint64_t done, std::uint64_t size);
  /// end takes the line away.
  void end();

 private:
  bool shown_, drawn_ = false;
  std::clock_t last_ = 0;
};
/// read_input reads a file, or standard input for "-". Errors: file_failed, value_too_long.
Result<std::string> read_input(const std::string& name, std::size_t bytes_max);

/// Words is a command line after its command: options with a value, switches, and the rest.
class Words {
 public:
  /// Words takes "--name value" and "--name=value" of `valued`, and `switches`. What it does not
  /// know is its wrong().
  Words(std::vector<std::string> arguments, std::vector<std::string> valued,
        std::vector<std::string> switches);
  const std::string& option(std::string_view name) const;  // empty if not given
  bool has(std::string_view name) const;
  const std::vector<std::string>& rest() const { return rest_; }
  const std::string& wrong() const { return wrong_; }

 private:
  std::vector<std::pair<std::string, std::string>> options_;
  std::vector<std::string> rest_;
  std::string wrong_;
};

/// open_source opens --dir or --url (with --ca) of a command. Errors: usage_wrong, those of
/// open_url.
Result<std::unique_ptr<LogSource>> open_source(const Words& words);

// The commands beside the plain check, each in a file of its own.
int run_citizen(const std::vector<std::string>& arguments);
int run_refold(const std::vector<std::string>& arguments);
int run_fork(const std::vector<std::string>& arguments);
int run_extract(const std::vector<std::string>& arguments);
// Its file lies with the formulas it checks (src/trace/verify_evidence_main.cc).
int run_evidence(const std::vector<std::string>& arguments);

}  // namespace amanat::ledger
