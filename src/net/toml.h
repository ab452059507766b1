#pragma once
// net, TOML 1.0: catalog, policy and configuration files as a small tree with line numbers, so
// that every complaint names file, line, key and the nearest valid word. Pure functions.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/result.h"

namespace amanat::net {

/// Toml is a parsed value with the line it stands on.
struct Toml {
  struct Member;
  using Table = std::vector<Member>;     // in the order of the file
  using Array = std::vector<Toml>;
  std::variant<bool, std::int64_t, std::string, Array, Table> value;
  std::uint32_t line = 0;

  const Table* table() const { return std::get_if<Table>(&value); }
  const Array* array() const { return std::get_if<Array>(&value); }
  const std::string* string() const { return std::get_if<std::string>(&value); }
  const std::int64_t* integer() const { return std::get_if<std::int64_t>(&value); }
  const bool* boolean() const { return std::get_if<bool>(&value); }
  const Toml* find(std::string_view key) const;
};
struct Toml::Member {
  std::string key;
  Toml value;
};

/// parse_toml reads a document of at most 1 MiB and depth 16; floats and TOML's own dates are
/// refused (nothing here needs them). `file` is only for messages. Errors: config_wrong with
/// "file:line: what".
Result<Toml> parse_toml(std::string_view text, std::string_view file);

/// nearest_word returns the one of `words` most like `word`, for "did you mean"; empty if none is
/// near. Thread-safe, never fails.
std::string_view nearest_word(std::string_view word, const std::vector<std::string>& words);

/// TomlReader walks one table and refuses what it does not know: each known key is asked for, and
/// finish() complains of the first key nobody asked for, with the nearest known one.
/// `reason` is the reason its failures carry (catalog_wrong, policy_wrong, config_wrong).
class TomlReader {
 public:
  TomlReader(const Toml& table, std::string file, Reason reason);
  Result<std::string> string(std::string_view key);                                    // required
  Result<std::string> string_or(std::string_view key, std::string_view otherwise);
  Result<std::int64_t> integer_or(std::string_view key, std::int64_t otherwise, std::int64_t min, std::int64_t max);
  Result<bool> boolean_or(std::string_view key, bool otherwise);
  Result<std::vector<std::string>> strings(std::string_view key);                      // a list, or one string; absent: empty
  Result<std::vector<const Toml*>> tables(std::string_view key);                       // [[key]]; absent: empty
  Result<const Toml*> table(std::string_view key);                                     // null if absent
  Result<void> finish() const;
  std::unexpected<Failure> wrong(std::uint32_t line, std::string what) const;          // "file:line: what"

 private:
  const Toml* take(std::string_view key);
  const Toml& table_;
  std::string file_;
  Reason reason_;
  std::vector<std::string> known_;
};

}  // namespace amanat::net
