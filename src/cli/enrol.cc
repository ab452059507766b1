// amanat enrol: accounts and devices. Secrets never pass through here: a device's key is made where
// the device is, and only its certificate request arrives.

#include <sstream>

#include "cli/commands.h"
#include "cli/terminal.h"
#include "crypto/crypto.h"
#include "net/json.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

constexpr std::size_t kCsrBytesMax = 8 * 1024;
constexpr std::size_t kKeyBytesMax = 4 * 1024;

std::string hex(const Digest& digest) { return crypto::hex(digest); }

}  // namespace

int run_enrol_device(server::Exchange& exchange, const Call& call, const Emit& emit) {
  if (call.has("officer") == call.has("service"))
    return complain(emit, call.manner, Failure{Reason::usage_wrong, "enrol device needs --officer ID or --service ID"});
  const std::string account = call.has("officer") ? call.option("officer") : call.option("service");
  auto csr = storage::read_file(call.option("csr"), kCsrBytesMax);
  if (!csr) return complain(emit, call.manner, csr.error());
  auto enrolled = exchange.enrol(account, *csr);
  if (!enrolled) return complain(emit, call.manner, enrolled.error());
  // A certificate is public; the key that goes with it never left the device.
  auto written = storage::replace_file(storage::system_disk(), call.option("out"), enrolled->certificate_pem, 0644);
  if (!written) return complain(emit, call.manner, written.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("account").string(account).key("device").string(hex(enrolled->thumbprint));
    json.key("certificate").string(call.option("out")).end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  emit(1, "A device of " + visible(account) + " is enrolled.\n  device       " + hex(enrolled->thumbprint) +
              "\n  certificate  " + call.option("out") + "\n");
  return 0;
}

int run_enrol_service(server::Exchange& exchange, const Call& call, const Emit& emit) {
  std::vector<std::string> roles;
  std::istringstream list(call.option_or("roles", ""));
  for (std::string role; std::getline(list, role, ',');)
    if (!role.empty()) roles.push_back(role);
  auto added = exchange.add_service(call.option("id"), call.option("department"), roles);
  if (!added) return complain(emit, call.manner, added.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("service").string(call.option("id")).key("account").number(number(*added)).end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  emit(1, "The service " + visible(call.option("id")) + " has account " + std::to_string(number(*added)) + ".\n");
  return 0;
}

int run_enrol_key(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto text = storage::read_file(call.option("public"), kKeyBytesMax);
  if (!text) return complain(emit, call.manner, text.error());
  auto enrolled = exchange.enrol_key(call.option("service"), *text);
  if (!enrolled) return complain(emit, call.manner, enrolled.error());
  // The name under which clients give the key: kid, jkt (RFC 7638).
  const std::string name = crypto::base64url(enrolled->thumbprint);
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("service").string(call.option("service"));
    json.key("key").string(hex(enrolled->thumbprint)).key("kid").string(name).end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  emit(1, "A key of " + visible(call.option("service")) + " is enrolled.\n  key  " + hex(enrolled->thumbprint) +
              "\n  kid  " + name + "\n");
  return 0;
}

int run_enrol_revoke(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto ended = exchange.revoke(call.words[0]);
  if (!ended) return complain(emit, call.manner, ended.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("revoked").begin_array();
    for (const auto& device : *ended) json.string(hex(device));
    json.end_array().end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  std::string text = std::to_string(ended->size()) + (ended->size() == 1 ? " device" : " devices") + " revoked, at once.\n";
  for (const auto& device : *ended) text += "  " + hex(device) + "\n";
  emit(1, text);
  return 0;
}

int run_enrol_list(server::Exchange& exchange, const Call& call, const Emit& emit) {
  const auto accounts = exchange.identity().accounts();
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("accounts").begin_array();
    for (const auto& one : accounts) {
      json.begin_object().key("account").number(number(one.account)).key("id").string(one.id);
      json.key("department").string(one.department).key("unit").string(one.unit);
      json.key("kind").string(one.service ? "service" : "officer").key("roles").begin_array();
      for (const auto& role : one.roles) json.string(role);
      json.end_array().end_object();
    }
    json.end_array().end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  Columns table;
  table.add({"id", "department", "unit", "kind", "roles"});
  for (const auto& one : accounts) {
    std::string roles;
    for (const auto& role : one.roles) roles += (roles.empty() ? "" : ", ") + role;
    table.add({visible(one.id), visible(one.department), visible(one.unit), one.service ? "service" : "officer",
               visible(roles)});
  }
  emit(1, table.render());
  return 0;
}

}  // namespace amanat::cli
