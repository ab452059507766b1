// amanat config: the settings in force, or all of them explained.

#include "cli/commands.h"
#include "cli/terminal.h"
#include "net/json.h"
#include "server/config.h"

namespace amanat::cli {

int run_config(const Call& call, const Emit& emit) {
  const bool urdu = call.manner.urdu;
  std::optional<server::Config> config;
  if (call.has("home")) {
    auto read = server::read_config(server::Home(call.option("home")).config());
    if (!read) return complain(emit, call.manner, read.error());
    config = *std::move(read);
  }
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("keys").begin_array();
    for (const auto& key : server::config_keys()) {
      json.begin_object().key("name").string(key.name).key("type").string(key.type).key("standard").string(key.standard);
      if (config) json.key("value").raw(server::config_value(*config, key.name));
      json.key("explanation").string(urdu ? key.explanation_urdu : key.explanation_english).end_object();
    }
    json.end_array().end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  if (config && !call.has("explain")) {
    emit(1, server::write_config(*config));
    return 0;
  }
  std::string text = "exchange.toml in the home directory; an unknown key is an error.\n";
  for (const auto& key : server::config_keys()) {
    text += "\n" + painted(call.manner, Paint::strong, key.name) + "  (" + std::string(key.type);
    if (!key.standard.empty()) text += ", standard " + std::string(key.standard);
    text += ")\n" + wrapped(urdu ? key.explanation_urdu : key.explanation_english, 90, "  ");
  }
  emit(1, text);
  return 0;
}

}  // namespace amanat::cli
