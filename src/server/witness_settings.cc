#include "server/witness_settings.h"

#include <sys/stat.h>

#include "net/toml.h"
#include "storage/file.h"

namespace amanat::server {

Result<void> read_witness_settings(const std::string& file, ledger::WitnessOptions& options) {
  struct stat there;
  if (::stat(file.c_str(), &there) != 0) return {};
  auto text = storage::read_file(file, 64 * 1024);
  if (!text) return std::unexpected(text.error());
  auto parsed = net::parse_toml(*text, file);
  if (!parsed) return std::unexpected(parsed.error());
  net::TomlReader reader(*parsed, file, Reason::config_wrong);
  const auto alarm = reader.integer_or("alarm_seconds", options.alarm_ms / 1000, 5, 3600);
  if (!alarm) return std::unexpected(alarm.error());
  const auto stop = reader.integer_or("all_stop_seconds", options.all_stop_ms / 1000, 5, 86'400);
  if (!stop) return std::unexpected(stop.error());
  const auto subjects = reader.integer_or("subjects_max", options.subjects_max, 1, 1'000'000);
  if (!subjects) return std::unexpected(subjects.error());
  if (auto finished = reader.finish(); !finished) return finished;
  if (*stop < *alarm)
    return fail(Reason::config_wrong, file + ": all_stop_seconds is less than alarm_seconds");
  options.alarm_ms = static_cast<unsigned>(*alarm * 1000);
  options.all_stop_ms = static_cast<unsigned>(*stop * 1000);
  options.subjects_max = static_cast<unsigned>(*subjects);
  return {};
}

}  // namespace amanat::server
