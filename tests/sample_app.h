#pragma once
// A department's app as it should be, and with holes planted one by one: the land and licence
// office of a country nobody lives in. Each resource may carry one hole, so that all of them
// together hide none. Served over TLS by the exchange's own HTTP server, or over plain http by a
// few sockets.

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "crypto/crypto.h"
#include "net/http.h"
#include "net/json.h"
#include "net/test_certificates.h"

namespace amanat::test {

/// Citizen is a user of the app, who may see what is theirs.
struct Citizen {
  std::string user, national_id, name, phone;
};
inline const Citizen& first_user() {
  static const Citizen one{"a", "3520281848771", "Kashif Mehmood", "+923001234567"};
  return one;
}
inline const Citizen& second_user() {
  static const Citizen one{"b", "6110133445566", "Sana Tariq", "+923214445566"};
  return one;
}

/// Resource is one route of the app and the hole it carries when it is faulty.
struct Resource {
  std::string name;
  enum class Form { record, list, search, form } form = Form::record;
  std::string hole;  // the flaw's own word
  std::string kind;  // how probe must call it
  std::string method = "GET";
  std::string path() const {
    return "/v1/" + name + (form == Form::record ? "/{national_id}" : "");
  }
};

inline const std::vector<Resource>& resources() {
  using enum Resource::Form;
  static const std::vector<Resource> all = {
      {"pensions", search, "open", "no-credential"},
      {"mutations", form, "open-post", "verb-unprotected", "POST"},
      {"offices", search, "officer-shown", "public-personal"},
      {"plots", list, "any-token", "any-credential"},
      {"licences", record, "expiry-ignored", "expired-credential"},
      {"vehicles", record, "signature-ignored", "unsigned-token"},
      {"taxes", record, "trailing-slash", "path-variant"},
      {"fines", record, "case", "path-variant"},
      {"permits", record, "encoded", "path-variant"},
      {"grants", list, "double-slash", "path-variant"},
      {"arms", record, "dots", "path-variant"},
      {"schools", record, "suffix", "path-variant"},
      {"births", record, "matrix", "path-variant"},
      {"deaths", record, "options", "method-variant"},
      {"zakat", record, "override", "method-variant"},
      {"tenants", list, "strange-verb", "method-variant"},
      {"visas", record, "forwarded", "header-trusted"},
      {"claims", form, "text-plain", "media-variant", "POST"},
      {"domiciles", record, "not-owner", "other-object"},
      {"complaints", list, "everybodys", "other-list"},
      {"families", record, "extra-members", "excess-fields"},
      {"hospitals", record, "name-in-error", "personal-in-error"},
      {"loans", record, "trace-in-error", "stack-trace"},
      {"rations", list, "any-origin", "cors-any"},
      {"voters", search, "no-page-limit", "bulk-listing"},
      {"teachers", search, "counted-ids", "sequential-ids"},
      {"passports", record, "public-cache", "cacheable"},
      {"banking", list, "token-in-url", "credential-in-url"}};
  return all;
}
/// neighbours are undescribed routes a faulty app leaves open.
inline const std::vector<std::string>& open_neighbours() {
  static const std::vector<std::string> all = {"/actuator/env", "/.env", "/metrics", "/debug",
                                               "/swagger"};
  return all;
}

class SampleApp {
 public:
  /// SampleApp plants `holes` (their own words, or "neighbours"); none makes the correct app.
  explicit SampleApp(std::set<std::string> holes = {}) : holes_(std::move(holes)) {}

  /// description is the app's OpenAPI file; `only` leaves out other resources.
  static std::string description(const std::set<std::string>& only = {});
  /// token signs one for a user; `lives` false: expired.
  static std::string token(const Citizen& citizen, bool lives = true);

  Response answer(const Request& request);
  std::uint64_t asked() const { return asked_; }
  std::vector<std::string> seen() const {  // "METHOD target" of every request
    const std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  bool has(std::string_view hole) const { return holes_.contains(std::string(hole)); }
  const Citizen* caller(const Request& request, const Resource& resource) const;
  const Resource* find(const Request& request, std::string& path) const;
  Response serve(const Resource& resource, const Request& request, const std::string& id,
                 bool open);
  Response record(const Resource& resource, const Citizen& caller, const std::string& id);
  Response listing(const Resource& resource, const Citizen& caller);
  Response search(const Resource& resource, const Request& request);

  std::set<std::string> holes_;
  std::atomic<std::uint64_t> asked_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> seen_;
};

inline Response json(unsigned status, std::string body) {
  Response made;
  made.status = status;
  made.headers.emplace_back("Cache-Control", "no-store");
  made.body = std::move(body);
  return made;
}
inline Response problem(unsigned status, std::string_view title) {
  Response made = json(status, "{\"error\":\"" + std::string(title) + "\"}");
  made.content_type = "application/problem+json";
  return made;
}

inline std::string mac_of(std::string_view text) {
  static const Key256 key = crypto::random_key();
  return crypto::base64url(crypto::Hmac(key.bytes()).mac(text));
}
inline std::string base64url_of(std::string_view text) {
  return crypto::base64url({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

inline std::string SampleApp::token(const Citizen& citizen, bool lives) {
  const std::string head = base64url_of(R"({"alg":"HS256","typ":"JWT"})");
  const std::string body = base64url_of(
      "{\"sub\":\"" + citizen.user + "\",\"exp\":" + (lives ? "4102444800" : "1000000000") + "}");
  return head + "." + body + "." + mac_of(head + "." + body);
}

// What a request's credential proves, with the resource's own carelessness.
inline const Citizen* SampleApp::caller(const Request& request, const Resource& resource) const {
  const bool careless = has(resource.hole);
  std::string text(request.header("authorization"));
  if (careless && resource.hole == "token-in-url")
    if (const auto at = request.query.find("access_token="); at != std::string::npos)
      text = "Bearer " + request.query.substr(at + 13, request.query.find('&', at) - at - 13);
  if (!text.starts_with("Bearer ")) return nullptr;
  const std::string token = text.substr(7);
  if (careless && resource.hole == "any-token") return &first_user();
  const auto first = token.find('.'), last = token.rfind('.');
  if (first == std::string::npos || first == last) return nullptr;
  const auto body = crypto::from_base64url(token.substr(first + 1, last - first - 1));
  const auto head = crypto::from_base64url(token.substr(0, first));
  if (!body || !head || !net::parse_json(*head)) return nullptr;
  const auto claims = net::parse_json(*body);
  if (!claims || claims->find("sub") == nullptr || claims->find("sub")->string() == nullptr)
    return nullptr;
  const bool signature_ignored = careless && resource.hole == "signature-ignored";
  if (!signature_ignored && token.substr(last + 1) != mac_of(token.substr(0, last))) return nullptr;
  const bool expiry_ignored = careless && resource.hole == "expiry-ignored";
  if (!expiry_ignored && claims->find("exp")->integer().value_or(0) < 1'700'000'000) return nullptr;
  const std::string& user = *claims->find("sub")->string();
  return user == "a" ? &first_user() : user == "b" ? &second_user() : nullptr;
}

inline std::string lowered(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}
inline void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
}

inline Response SampleApp::record(const Resource& resource, const Citizen& caller,
                                  const std::string& id) {
  const bool careless = has(resource.hole);
  const Citizen* whose = id == first_user().national_id    ? &first_user()
                         : id == second_user().national_id ? &second_user()
                                                           : nullptr;
  if (whose == nullptr) {
    if (careless && resource.hole == "trace-in-error")
      return problem(500,
                     "Traceback (most recent call last): File \\\"app.py\\\", line 7, in find");
    if (careless && resource.hole == "name-in-error")
      return problem(404, "nothing found between 42101-6045926-3 and 42101-7045926-5");
    return problem(404, "no such record");
  }
  if (whose != &caller && !(careless && resource.hole == "not-owner"))
    return problem(403, "not yours");
  std::string body = "{\"national_id\":\"" + whose->national_id + "\",\"name\":\"" + whose->name +
                     "\",\"mobile\":\"" + whose->phone + "\",\"resource\":\"" + resource.name +
                     "\",\"since\":1767225600000,\"rate\":0.5";
  if (careless && resource.hole == "extra-members")
    body += ",\"mother_id\":\"4210160459263\",\"password_hash\":\"c0ffee\"";
  Response made = json(200, body + "}");
  if (careless && resource.hole == "public-cache")
    made.headers = {{"Cache-Control", "public, max-age=600"}};
  return made;
}

inline Response SampleApp::listing(const Resource& resource, const Citizen& caller) {
  const bool all = has(resource.hole) && resource.hole == "everybodys";
  std::string items;
  for (const Citizen* one : {&first_user(), &second_user()}) {
    if (one != &caller && !all) continue;
    items += (items.empty() ? "" : ",") + std::string("{\"id\":\"7d44b5a2-9f0c-4c2e-8b1a-") +
             one->national_id.substr(0, 1) + "c5d6e7f8a9b\",\"national_id\":\"" + one->national_id +
             "\",\"name\":\"" + one->name + "\"}";
  }
  return json(200, "{\"items\":[" + items + "]}");
}

inline Response SampleApp::search(const Resource& resource, const Request& request) {
  const bool careless = has(resource.hole);
  if (resource.name == "offices") {
    const std::string officer =
        careless ? R"(,"officer_name":"Zubair Aslam","officer_mobile":"0300-7654321")" : "";
    return json(
        200,
        R"({"offices":[{"id":1,"name":"Lahore","phone":"1122","hours":"9-17"},{"id":2,"name":"Multan","phone":"15"},)"
        R"({"id":3,"name":"Quetta"},{"id":4,"name":"Gilgit")" +
            officer + "}]}");
  }
  std::uint64_t limit = 20;
  if (const auto at = request.query.find("limit="); at != std::string::npos)
    limit = std::strtoull(request.query.c_str() + at + 6, nullptr, 10);
  const std::uint64_t most = careless && resource.hole == "no-page-limit" ? 600 : 100;
  limit = std::clamp<std::uint64_t>(limit, 1, most);
  std::string items;
  for (std::uint64_t i = 0; i < limit; ++i) {
    const std::string id =
        careless && resource.hole == "counted-ids"
            ? std::to_string(4000 + i)
            : "\"" + crypto::hex(crypto::sha256(resource.name + std::to_string(i))).substr(0, 32) +
                  "\"";
    items += (i > 0 ? "," : "") + std::string("{\"id\":") + id + ",\"national_id\":\"35202" +
             std::to_string(10000000 + i * 7919) + "\",\"name\":\"Citizen Number\"}";
  }
  return json(200, "{\"items\":[" + items + "]}");
}

// find names the resource a path means, as this app's careless parts read it. The id is left in
// `path`.
inline const Resource* SampleApp::find(const Request& request, std::string& path) const {
  path = request.path;
  for (const auto& resource : resources()) {
    const std::string plain = "/v1/" + resource.name;
    if (path == plain && resource.form != Resource::Form::record) return path = "", &resource;
    if (resource.form == Resource::Form::record && path.starts_with(plain + "/") &&
        path.find('/', plain.size() + 1) == std::string::npos)
      return path = path.substr(plain.size() + 1), &resource;
  }
  return nullptr;
}

inline Response SampleApp::serve(const Resource& resource, const Request& request,
                                 const std::string& id, bool open) {
  const bool careless = has(resource.hole);
  if (resource.name == "offices") open = true;
  if (careless && resource.hole == "open") open = true;
  if (careless && resource.hole == "open-post" && request.method == "POST") open = true;
  if (careless && resource.hole == "options" && request.method == "OPTIONS") open = true;
  if (careless && resource.hole == "strange-verb" && request.method == "PROPFIND") open = true;
  if (careless && resource.hole == "override" &&
      request.header("x-http-method-override") == "OPTIONS")
    open = true;
  if (careless && resource.hole == "forwarded" && request.header("x-forwarded-for") == "127.0.0.1")
    open = true;
  if (careless && resource.hole == "text-plain" && request.header("content-type") == "text/plain")
    open = true;
  const Citizen* who = caller(request, resource);
  if (who == nullptr && !open) return problem(401, "sign in");
  const Citizen& as = who != nullptr                    ? *who
                      : id == second_user().national_id ? second_user()
                                                        : first_user();
  const bool post = request.method == "POST";
  if (post != (resource.form == Resource::Form::form && request.method == "POST") ||
      (request.method != "GET" && request.method != "HEAD" && !post &&
       !(careless && (resource.hole == "strange-verb" || resource.hole == "options"))))
    return problem(405, "wrong method");
  Response made = json(200, "{}");
  if (post) {
    if (!request.body.starts_with("{\"")) return problem(400, "not JSON");
    made = json(201, "{\"reference\":\"M-" +
                         crypto::hex(crypto::sha256(request.body)).substr(0, 12) + "\"}");
  } else if (resource.form == Resource::Form::record) {
    made = record(resource, as, id);
  } else if (resource.form == Resource::Form::search) {
    made = search(resource, request);
  } else {
    made = listing(resource, as);
  }
  if (careless && resource.hole == "any-origin" && !request.header("origin").empty()) {
    made.headers.emplace_back("Access-Control-Allow-Origin", request.header("origin"));
    made.headers.emplace_back("Access-Control-Allow-Credentials", "true");
  }
  return made;
}

inline Response SampleApp::answer(const Request& request) {
  ++asked_;
  {
    const std::lock_guard lock(mutex_);
    seen_.push_back(request.method + " " + request.path +
                    (request.query.empty() ? "" : "?" + request.query));
  }
  if (request.path == "/v1/health") return json(200, "{\"up\":true}");
  if (has("neighbours") &&
      std::count(open_neighbours().begin(), open_neighbours().end(), request.path) > 0) {
    Response made = json(200, "APP_MODE=production\nDB_HOST=db1\n");
    made.content_type = "text/plain";
    return made;
  }
  std::string id;
  // Each careless reader of paths: the check saw another path than the handler.
  std::string path = request.path;
  const auto through = [&](std::string_view hole, std::string spelled) -> std::optional<Response> {
    if (!has(hole) || spelled == request.path) return std::nullopt;
    Request again = request;
    again.path = std::move(spelled);
    const Resource* resource = find(again, id);
    if (resource == nullptr || resource->hole != hole) return std::nullopt;
    return serve(*resource, again, id, true);
  };
  std::string cut = path, folded = lowered(path), decoded = path, single = path, dotless = path,
              bare = path, unparted = path;
  if (cut.size() > 1 && cut.ends_with('/')) cut.pop_back();
  replace_all(decoded, "%70", "p");
  replace_all(single, "//", "/");
  if (dotless.starts_with("/./")) dotless.erase(0, 2);
  if (bare.ends_with(".json")) bare.resize(bare.size() - 5);
  replace_all(unparted, ";x=1", "");
  for (auto& [hole, spelled] : {std::pair<std::string_view, std::string&>{"trailing-slash", cut},
                                {"case", folded},
                                {"encoded", decoded},
                                {"double-slash", single},
                                {"dots", dotless},
                                {"suffix", bare},
                                {"matrix", unparted}})
    if (auto answered = through(hole, spelled)) return *std::move(answered);
  if (const Resource* resource = find(request, id)) return serve(*resource, request, id, false);
  return problem(404, "no such page");
}

inline std::string SampleApp::description(const std::set<std::string>& only) {
  std::string paths =
      R"("/v1/health":{"get":{"security":[],"responses":{"200":{"description":"up"}}}})";
  for (const auto& resource : resources()) {
    if (!only.empty() && !only.contains(resource.name)) continue;
    std::string get =
        R"({"responses":{"200":{"description":"ok","content":{"application/json":{"schema":)";
    const std::string person =
        R"({"type":"object","properties":{"national_id":{"type":"string"},"name":{"type":"string"},)"
        R"("mobile":{"type":"string"},"resource":{"type":"string"},"since":{"type":"integer"},"rate":{"type":"number","minimum":0.0},)"
        R"("id":{}}})";
    get += resource.form == Resource::Form::record
               ? person
               : R"({"type":"object","properties":{"items":{"type":"array","items":)" + person +
                     R"(},"offices":{"type":"array"}}})";
    get += "}}}}";
    if (resource.form == Resource::Form::record)
      get +=
          R"(,"parameters":[{"name":"national_id","in":"path","required":true,"schema":{"type":"string"}}])";
    if (resource.form == Resource::Form::search && resource.name != "offices")
      get +=
          R"(,"parameters":[{"name":"limit","in":"query","schema":{"type":"integer","maximum":100}}])";
    if (resource.name == "offices") get += R"(,"security":[])";
    get += "}";
    paths += ",\"" + resource.path() + "\":{\"get\":" + get;
    if (resource.form == Resource::Form::form)
      paths +=
          R"(,"post":{"requestBody":{"content":{"application/json":{"schema":{"type":"object","properties":{"plot":{"type":"string"},)"
          R"("area":{"type":"number","example":2.5}}}}}},"responses":{"201":{"description":"made"}}})";
    paths += "}";
  }
  return R"({"openapi":"3.0.3","info":{"title":"Land and licences","version":"1"},"servers":[{"url":"https://elsewhere.invalid/v9"}],)"
         R"("security":[{"login":[]}],"components":{"securitySchemes":{"login":{"type":"http","scheme":"bearer"}}},"paths":{)" +
         paths + "}}";
}

/// ServedApp serves an app over TLS on loopback.
class ServedApp {
 public:
  explicit ServedApp(std::set<std::string> holes = {}) : app_(std::move(holes)) {
    net::ServerOptions options;
    options.port = 0;
    options.threads = 1;
    options.certificate_file = certificates().crt("server");
    options.key_file = certificates().key("server");
    options.client_ca_pem = certificates().pem("ours");
    auto started = net::Server::start(
        options, [this](Request request, net::Reply reply) { reply(app_.answer(request)); });
    if (!started) std::abort();
    server_ = *std::move(started);
  }
  ~ServedApp() { server_->stop(1000); }
  std::string url() const { return "https://127.0.0.1:" + std::to_string(server_->port()); }
  static std::string ca_file() { return certificates().crt("ours"); }
  static const net::TestCertificates& certificates() {
    static const net::TestCertificates all;
    return all;
  }
  SampleApp& app() { return app_; }

 private:
  SampleApp app_;
  std::unique_ptr<net::Server> server_;
};

/// PlainApp serves one over http, one connection after the other.
class PlainApp {
 public:
  using Answer = std::function<Response(const Request&)>;
  explicit PlainApp(Answer answer) : answer_(std::move(answer)) {
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listening_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listening_, 16) != 0)
      std::abort();
    ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~PlainApp() {
    stopping_ = true;
    ::shutdown(listening_, SHUT_RDWR);
    thread_.join();
    ::close(listening_);
  }
  PlainApp(const PlainApp&) = delete;
  PlainApp& operator=(const PlainApp&) = delete;
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::uint64_t connections() const { return connections_; }

 private:
  void run() {
    while (!stopping_) {
      const int fd = ::accept(listening_, nullptr, nullptr);
      if (fd < 0) continue;
      ++connections_;
      serve(fd);
      ::close(fd);
    }
  }
  void serve(int fd) {
    std::string text;
    while (!stopping_) {
      net::ServerOptions limits;
      auto head = net::parse_request_head(text, limits);
      if (head && text.size() >= head->head_bytes + head->body_bytes) {
        head->request.body = text.substr(head->head_bytes, head->body_bytes);
        text.erase(0, head->head_bytes + head->body_bytes);
        const Response answered = answer_(head->request);
        if (answered.status == 0) return;  // the connection ends without a word
        reply(fd, answered, head->request.method == "HEAD");
        continue;
      }
      if (!head && text.find("\r\n\r\n") != std::string::npos) {
        text.clear();
        reply(fd, problem(400, "malformed"), false);
        continue;
      }
      pollfd watched{fd, POLLIN, 0};
      if (::poll(&watched, 1, 50) <= 0) continue;
      char bytes[8192];
      const ssize_t n = ::recv(fd, bytes, sizeof bytes, 0);
      if (n <= 0) return;
      text.append(bytes, static_cast<std::size_t>(n));
    }
  }
  static void reply(int fd, const Response& response, bool to_head) {
    std::string out = "HTTP/1.1 " + std::to_string(response.status) +
                      " Said\r\nContent-Type: " + response.content_type +
                      "\r\nContent-Length: " + std::to_string(response.body.size()) + "\r\n";
    for (const auto& [name, value] : response.headers) out += name + ": " + value + "\r\n";
    out += "\r\n";
    if (!to_head) out += response.body;
    (void)!::send(fd, out.data(), out.size(), MSG_NOSIGNAL);
  }

  Answer answer_;
  int listening_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> connections_{0};
  std::thread thread_;
};

}  // namespace amanat::test
