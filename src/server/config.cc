#include "server/config.h"

#include <algorithm>
#include <cstddef>

#include "model/field.h"
#include "model/insist.h"
#include "net/toml.h"
#include "server/engine.h"
#include "server/metrics.h"
#include "storage/file.h"

namespace amanat::server {
namespace {

constexpr std::size_t kConfigBytesMax = 64 * 1024, kOriginsMax = 8;

// One row a number: name, member, smallest and largest value. The standard is the member's own
// initialiser in Config, so that it is written in one place.
struct NumberKey {
  std::string_view name;
  unsigned Config::*member;
  unsigned min, max;
};
constexpr NumberKey kNumbers[] = {
    {"threads", &Config::threads, 0, 256},
    {"cache_mib", &Config::cache_mib, 8, 1u << 20},
    {"segment_mib", &Config::segment_mib, 1, 4096},
    {"certificate_days", &Config::certificate_days, 1, 825},
    {"publish_ms", &Config::publish_ms, 10, 60'000},
    {"snapshot_entries", &Config::snapshot_entries, 10, 1'000'000'000},
    {"connections_max", &Config::connections_max, 16, 1u << 20},
};

const std::vector<std::string> kLogLevels = {"error", "warning", "info", "debug"};

// An origin is a scheme-less URL prefix without trailing slash and a key name at once (C2SP
// signed-note: no white space, no '+').
bool origin_is_wellformed(std::string_view origin) {
  if (origin.empty() || origin.size() > 200 || origin.back() == '/' ||
      origin.find("//") != origin.npos)
    return false;
  for (const char c : origin) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
                      c == '/' || c == '_' || c == ':';
    if (!fine) return false;
  }
  return true;
}

// A web origin as browsers serialise it (RFC 6454 6.2): a passkey's client data is compared with it
// byte for byte. Port 443 is never written.
bool is_web_origin(std::string_view origin) {
  constexpr std::string_view kScheme = "https://";
  if (!origin.starts_with(kScheme)) return false;
  origin.remove_prefix(kScheme.size());
  const std::size_t colon = std::min(origin.find(':'), origin.size());
  const std::string_view host = origin.substr(0, colon), port = origin.substr(colon);
  const bool host_fits =
      !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
      });
  const bool port_fits =
      port.empty() ||
      (port.size() >= 2 && port.size() <= 6 && port != ":443" && port[1] != '0' &&
       std::all_of(port.begin() + 1, port.end(), [](char c) { return c >= '0' && c <= '9'; }));
  return host_fits && port_fits;
}

Result<void> read_numbers(net::TomlReader& reader, Config& config) {
  for (const auto& row : kNumbers) {
    auto value = reader.integer_or(row.name, config.*row.member, row.min, row.max);
    if (!value) return std::unexpected(value.error());
    insist(*value >= row.min && *value <= row.max);
    config.*row.member = static_cast<unsigned>(*value);
  }
  return {};
}

Result<void> check_words(const Config& config, const std::string& file) {
  if (auto origin = check_origin(config.origin); !origin)
    return fail(Reason::config_wrong, file + ": " + origin.error().detail);
  if (config.listen.rfind(':') == std::string::npos)
    return fail(Reason::config_wrong, file + ": listen is written host:port");
  if (config.origins.size() > kOriginsMax)
    return fail(Reason::config_wrong, file + ": origins lists more than 8");
  for (const auto& one : config.origins)
    if (!is_web_origin(one))
      return fail(
          Reason::config_wrong,
          file + ": an origin is written https://host or https://host:port, in small letters");
  if (auto store = check_store(config.store); !store)
    return fail(Reason::config_wrong, file + ": " + store.error().detail);
  if (auto store = check_store(config.ledger_store); !store)
    return fail(Reason::config_wrong, file + ": ledger_" + store.error().detail);
  if (auto metrics = check_metrics(config.metrics); !metrics)
    return fail(Reason::config_wrong, file + ": " + metrics.error().detail);
  for (const auto& level : kLogLevels)
    if (config.log_level == level) return {};
  const auto near = nearest_word(config.log_level, kLogLevels);
  return fail(Reason::config_wrong,
              file + ": log_level is one of error, warning, info, debug" +
                  (near.empty() ? "" : "; did you mean " + std::string(near) + "?"));
}

}  // namespace

Result<void> check_origin(std::string_view origin) {
  if (origin_is_wellformed(origin)) return {};
  return fail(Reason::config_wrong,
              "origin is like exchange.test/one: small letters, digits and . - / _ only");
}

std::string config_value(const Config& config, std::string_view key) {
  if (key == "origin") return '"' + config.origin + '"';
  if (key == "listen") return '"' + config.listen + '"';
  if (key == "origins") {
    std::string list;
    for (const auto& origin : config.origins) list += (list.empty() ? "\"" : ", \"") + origin + '"';
    return '[' + list + ']';
  }
  if (key == "store") return '"' + config.store + '"';
  if (key == "metrics") return '"' + config.metrics + '"';
  if (key == "log_level") return '"' + config.log_level + '"';
  for (const auto& row : kNumbers)
    if (row.name == key) return std::to_string(config.*row.member);
  constexpr bool every_key_has_a_value = false;
  insist(every_key_has_a_value);
  return {};
}

const std::vector<ConfigKey>& config_keys() {
  static const std::vector<ConfigKey> keys = {
      {"origin", "text", "",
       "Name of the exchange and of its ledger. Fixed at init: the ledger's keys are bound to it.",
       "نظام اور اس کے کھاتے کا نام۔ آغاز پر طے ہوتا ہے اور بدلتا نہیں۔"},
      {"listen", "host:port", "127.0.0.1:8443",
       "Where to answer, with TLS 1.3. No plaintext mode exists.",
       "جوابات کا پتہ، TLS 1.3 کے ساتھ۔ بغیر رمز کوئی صورت نہیں۔"},
      {"threads", "number", "0", "Threads that answer; 0 means one a core.",
       "جواب دینے والے دھاگے؛ 0 یعنی ہر کور پر ایک۔"},
      {"cache_mib", "MiB", "256", "Memory for records read lately, in sealed form.",
       "حال میں پڑھے گئے (مہر بند) اندراجات کی یادداشت۔"},
      {"segment_mib", "MiB", "64",
       "Size of a ledger segment; segments are written full of zeros ahead.",
       "کھاتے کے ایک ٹکڑے کا حجم؛ پہلے سے صفر سے بھرا جاتا ہے۔"},
      {"certificate_days", "days", "365", "How long a device's certificate is valid.",
       "آلے کی سند کی میعاد۔"},
      {"publish_ms", "milliseconds", "1000", "How often the ledger's signed head is published.",
       "کھاتے کا دستخط شدہ سرا کتنی دیر بعد شائع ہو۔"},
      {"connections_max", "number", "8192",
       "Connections held at a time; further ones are closed at once.", "بیک وقت رابطوں کی حد۔"},
      {"origins", "list", "[\"https://localhost:8443\"]",
       "Addresses of the exchange's own pages, as browsers write them. The first one's host name "
       "is "
       "what passkeys are bound to: changing it ends them all.",
       "ادارے کے اپنے صفحات کے پتے۔ پاس کی پہلے پتے کے نام سے بندھی ہیں: اسے بدلنا سب کو ختم کر "
       "دیتا ہے۔"},
      {"store", "text", "local",
       "Where records rest: local (RocksDB in the home) or postgresql://USER@HOST/DB?sslcert=...; never "
       "a password in it. Moved with amanat migrate.",
       "اندراجات کہاں رہیں: local یا postgresql:// پتہ؛ اس میں پاس ورڈ کبھی نہیں۔"},
      {"metrics", "host:port", "",
       "Where Prometheus may read counts, on this machine alone; empty for nowhere. No personal value.",
       "گنتیوں کا پتہ، صرف اسی مشین پر؛ خالی یعنی کہیں نہیں۔ کوئی ذاتی قدر نہیں۔"},
      {"log_level", "word", "info",
       "error, warning, info or debug. No level logs a personal value.",
       "error، warning، info یا debug۔ کسی سطح پر ذاتی قدر درج نہیں ہوتی۔"},
  };
  return keys;
}

Result<Config> read_config(const std::string& file) {
  auto text = storage::read_file(file, kConfigBytesMax);
  if (!text) return std::unexpected(text.error());
  auto parsed = net::parse_toml(*text, file);
  if (!parsed) return std::unexpected(parsed.error());
  net::TomlReader reader(*parsed, file, Reason::config_wrong);

  Config config;
  auto origin = reader.string("origin");
  if (!origin) return std::unexpected(origin.error());
  auto listen = reader.string_or("listen", config.listen);
  if (!listen) return std::unexpected(listen.error());
  auto origins = reader.strings("origins");
  if (!origins) return std::unexpected(origins.error());
  auto store = reader.string_or("store", config.store);
  if (!store) return std::unexpected(store.error());
  auto ledger_store = reader.string_or("ledger_store", config.ledger_store);
  if (!ledger_store) return std::unexpected(ledger_store.error());
  auto metrics = reader.string_or("metrics", config.metrics);
  if (!metrics) return std::unexpected(metrics.error());
  auto level = reader.string_or("log_level", config.log_level);
  if (!level) return std::unexpected(level.error());
  if (auto numbers = read_numbers(reader, config); !numbers)
    return std::unexpected(numbers.error());
  if (auto finished = reader.finish(); !finished) return std::unexpected(finished.error());

  config.origin = *std::move(origin);
  config.listen = *std::move(listen);
  if (!origins->empty()) config.origins = *std::move(origins);
  config.store = *std::move(store);
  config.ledger_store = *std::move(ledger_store);
  config.metrics = *std::move(metrics);
  config.log_level = *std::move(level);
  if (auto words = check_words(config, file); !words) return std::unexpected(words.error());
  return config;
}

std::string write_config(const Config& config) {
  std::string out = "# exchange.toml: the settings of this exchange. An unknown key is an error.\n";
  for (const auto& key : config_keys()) {
    out += "\n# ";
    out += key.explanation_english;
    out += "\n# ";
    out += key.type;
    if (!key.standard.empty()) {
      out += "; standard ";
      out += key.standard;
    }
    out += '\n';
    out += key.name;
    out += " = ";
    out += config_value(config, key.name);
    out += '\n';
  }
  if (config.ledger_store != Config{}.ledger_store)
    out += "\n# Where the ledger rests; other gateways can take it over (docs/scale.md).\nledger_store = \"" +
           config.ledger_store + "\"\n";
  return out;
}

}  // namespace amanat::server
