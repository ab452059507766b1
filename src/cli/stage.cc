#include "cli/stage.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/terminal.h"
#include "net/json.h"

namespace amanat::cli {
namespace {

// A command broken before its options, as a shell takes it, so that it fits and can be copied.
std::string shell_lines(std::string_view command, std::size_t width, std::string_view indent) {
  std::string out, line;
  while (!command.empty()) {
    const auto next = std::min(command.find(" --", 1), command.size());
    const auto piece = command.substr(0, next);
    if (!line.empty() && width_of(line) + width_of(piece) > width) {
      out += line + " \\\n" + std::string(indent);
      line.clear();
    }
    line += line.empty() && !out.empty() ? piece.substr(1) : piece;
    command.remove_prefix(next);
  }
  return out + line;
}

}  // namespace

void Stage::title(std::string_view text, const std::vector<std::string>& lines) {
  if (manner_.json) return;
  emit_(1, "\n" + painted(manner_, Paint::strong, text) + "\n");
  for (const auto& one : lines) emit_(1, "  " + one + "\n");
}

void Stage::step(std::string_view sentence, std::string_view command, const std::vector<std::string>& back, bool good) {
  told_.push_back({std::string(sentence), good});
  if (!good) ++failed_;
  if (manner_.json) return;
  const std::string mark = good ? painted(manner_, Paint::good, "✓") : painted(manner_, Paint::bad, "✗ NOT AS PROMISED");
  std::string text = "\n" + mark + " " + painted(manner_, Paint::strong, sentence) + "\n";
  if (!command.empty()) text += "    " + painted(manner_, Paint::name, "$ " + shell_lines(command, 100, "        ")) + "\n";
  for (const auto& one : back) text += "    " + one + "\n";
  emit_(1, text);
}

void Stage::line(std::string_view text) {
  if (!manner_.json) emit_(1, std::string(text) + "\n");
}

double Stage::seconds_so_far() const { return std::chrono::duration<double>(Clock::now() - began_).count(); }

int Stage::end() {
  if (manner_.json) {
    net::JsonWriter json;
    json.begin_object().key("steps").begin_array();
    for (const auto& one : told_) {
      json.begin_object().key("step").string(one.sentence).key("as_promised").boolean(one.good).end_object();
    }
    json.end_array().key("figures").begin_object();
    for (const auto& [name, value] : figures_) json.key(name).number(value);
    json.end_object().key("milliseconds").number(static_cast<std::uint64_t>(seconds_so_far() * 1000));
    json.key("failed").number(failed_).end_object();
    emit_(1, json.take() + "\n");
  } else {
    emit_(1, "\n" + std::to_string(told_.size() - failed_) + " of " + std::to_string(told_.size()) +
                 " steps as promised, in " + seconds(seconds_so_far()) + ".\n");
  }
  return failed_ == 0 ? 0 : 1;
}

Result<Scratch> Scratch::temporary() {
  std::error_code error;
  std::string pattern = (std::filesystem::temp_directory_path(error) / "amanat-demo.XXXXXX").string();
  if (error) return fail(Reason::file_failed, "no temporary directory: " + error.message());
  if (::mkdtemp(pattern.data()) == nullptr) return fail(Reason::file_failed, pattern + ": " + std::strerror(errno));
  return Scratch(std::move(pattern), false);
}

Result<Scratch> Scratch::keep(const std::string& directory) {
  std::error_code error;
  if (std::filesystem::exists(directory, error) && !std::filesystem::is_empty(directory, error))
    return fail(Reason::exchange_exists, directory + " is not empty");
  std::filesystem::create_directories(directory, error);
  if (error || ::chmod(directory.c_str(), 0700) != 0) return fail(Reason::file_failed, directory);
  return Scratch(directory, true);
}

Scratch::Scratch(Scratch&& other) noexcept : path_(std::move(other.path_)), kept_(other.kept_) { other.path_.clear(); }

Scratch::~Scratch() {
  std::error_code ignored;   // what cannot be removed stays; nothing more can be done here
  if (!kept_ && !path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace amanat::cli
