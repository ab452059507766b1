#pragma once
// cli, stage: on which the demo plays. Each step is told as what is done, the command one would
// type, and what came back; a step that did not go as promised is told so and counted. One thread.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"

namespace amanat::cli {

/// Ran is what a command gave back.
struct Ran {
  int code = 2;
  std::string out, err;
  double seconds = 0;
};

class Stage {
 public:
  Stage(const Manner& manner, const Emit& emit) : manner_(manner), emit_(emit), began_(Clock::now()) {}

  /// title opens the play; lines are printed as they are.
  void title(std::string_view text, const std::vector<std::string>& lines);
  /// step closes a step: its sentence, the command (may be empty), what came back, and whether that
  /// is what was promised.
  void step(std::string_view sentence, std::string_view command, const std::vector<std::string>& back, bool good);
  /// end prints the closing line (or, with --json, the one object) and returns the exit code.
  int end();

  const Manner& manner() const { return manner_; }
  double seconds_so_far() const;
  unsigned failed() const { return failed_; }
  /// figure remembers a measured number for the closing JSON object.
  void figure(std::string_view name, std::uint64_t value) { figures_.emplace_back(name, value); }
  void line(std::string_view text);

 private:
  using Clock = std::chrono::steady_clock;
  struct Told {
    std::string sentence;
    bool good;
  };
  const Manner& manner_;
  const Emit& emit_;
  Clock::time_point began_;
  std::vector<Told> told_;
  std::vector<std::pair<std::string, std::uint64_t>> figures_;
  unsigned failed_ = 0;
};

/// Scratch is a directory of the demo's own (0700), removed when it dies unless it is kept.
class Scratch {
 public:
  /// temporary makes one under TMPDIR; keep makes `directory`, which must not hold anything yet.
  /// Errors: file_failed, exchange_exists.
  static Result<Scratch> temporary();
  static Result<Scratch> keep(const std::string& directory);
  Scratch(Scratch&& other) noexcept;
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch();
  const std::string& path() const { return path_; }

 private:
  Scratch(std::string path, bool kept) : path_(std::move(path)), kept_(kept) {}
  std::string path_;
  bool kept_;
};

}  // namespace amanat::cli
