#include "server/authenticators.h"

#include <sys/stat.h>

#include <algorithm>

#include "crypto/crypto.h"
#include "crypto/passkey.h"
#include "net/toml.h"
#include "storage/file.h"

namespace amanat::server {
namespace {

constexpr std::size_t kFileMax = 1 << 20, kRowsMax = 256;
constexpr std::string_view kScheme = "https://";

// 01020304-0506-0708-090a-0b0c0d0e0f10, small letters: the form of FIDO's own metadata.
std::optional<crypto::Aaguid> aaguid_of(std::string_view text) {
  constexpr std::size_t kDashes[] = {8, 13, 18, 23};
  if (text.size() != 36) return std::nullopt;
  std::string hex;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = std::find(std::begin(kDashes), std::end(kDashes), i) != std::end(kDashes);
    if (dash != (text[i] == '-')) return std::nullopt;
    if (!dash) hex.push_back(text[i]);
  }
  const auto bytes = crypto::from_hex(hex);
  if (!bytes) return std::nullopt;
  crypto::Aaguid aaguid;
  std::copy(bytes->begin(), bytes->end(), aaguid.begin());
  return aaguid;
}

Result<identity::Authenticator> read_row(const net::Toml& table, const std::string& file) {
  net::TomlReader reader(table, file, Reason::config_wrong);
  identity::Authenticator row;
  auto aaguid = reader.string("aaguid");
  if (!aaguid) return std::unexpected(aaguid.error());
  auto says = reader.string("says");
  if (!says) return std::unexpected(says.error());
  auto roles = reader.strings("roles");
  if (!roles) return std::unexpected(roles.error());
  auto root = reader.string("root");
  if (!root) return std::unexpected(root.error());
  if (auto done = reader.finish(); !done) return std::unexpected(done.error());
  const auto make = aaguid_of(*aaguid);
  if (!make) return reader.wrong(table.line, "aaguid is not 8-4-4-4-12 small hex digits");
  if (!crypto::check_roots(*root)) return reader.wrong(table.line, "root holds no PEM certificate");
  row.aaguid = *make;
  row.says = *std::move(says);
  row.roles = *std::move(roles);
  row.roots_pem = *std::move(root);
  return row;
}

Result<void> read_file_into(const std::string& file, const FieldTable& fields,
                            identity::PasskeyRules& rules) {
  auto text = storage::read_file(file, kFileMax);
  if (!text) return std::unexpected(text.error());
  auto parsed = net::parse_toml(*text, file);
  if (!parsed) return std::unexpected(parsed.error());
  net::TomlReader reader(*parsed, file, Reason::config_wrong);
  auto always = reader.strings("verify_always");
  if (!always) return std::unexpected(always.error());
  auto rows = reader.tables("authenticator");
  if (!rows) return std::unexpected(rows.error());
  if (auto done = reader.finish(); !done) return std::unexpected(done.error());
  if (rows->size() > kRowsMax) return reader.wrong(1, "more than 256 authenticators");
  if (!always->empty()) rules.verify_always.reset();
  for (const std::string& pattern : *always) {
    const FieldSet matched = fields.match(pattern);
    if (matched.none()) return reader.wrong(1, "verify_always: " + pattern + " is no field");
    rules.verify_always |= matched;
  }
  for (const net::Toml* table : *rows) {
    auto row = read_row(*table, file);
    if (!row) return std::unexpected(row.error());
    rules.authenticators.push_back(*std::move(row));
  }
  return {};
}

}  // namespace

std::string rp_id_of(const Config& config) {
  insist(!config.origins.empty() && config.origins.front().starts_with(kScheme));
  const std::string_view rest = std::string_view(config.origins.front()).substr(kScheme.size());
  return std::string(rest.substr(0, rest.find(':')));
}

Result<identity::PasskeyRules> read_authenticators(const std::string& file, const Config& config,
                                                   const FieldTable& fields) {
  identity::PasskeyRules rules;
  rules.rp_id = rp_id_of(config);
  rules.origins = config.origins;
  // Call records, unless the file says otherwise.
  rules.verify_always = fields.match("telecom.calls.*");
  struct stat there;
  if (::stat(file.c_str(), &there) != 0) return rules;
  if (auto read = read_file_into(file, fields, rules); !read) return std::unexpected(read.error());
  return rules;
}

}  // namespace amanat::server
