#include "cli/demo_door.h"

#include <algorithm>
#include <array>
#include <deque>
#include <mutex>

#include "cli/passkey_client.h"
#include "crypto/crypto.h"
#include "net/form.h"
#include "net/http.h"
#include "net/json.h"

namespace amanat::cli {
namespace {

constexpr std::size_t kOptionsKept = 64, kUploadMost = 64u << 20;
constexpr std::string_view kForm = "application/x-www-form-urlencoded";

std::string secret() {
  std::array<std::uint8_t, 24> bytes{};
  crypto::random_bytes(bytes);
  return crypto::base64url(bytes);
}

bool same(std::string_view a, std::string_view b) {
  return !a.empty() && a.size() == b.size() &&
         crypto::equal(crypto::bytes_of(a), crypto::bytes_of(b));
}

std::string cookie_of(const Request& request, std::string_view name) {
  std::string_view cookies = request.header("cookie");
  const std::string key = std::string(name) + "=";
  for (std::size_t at = cookies.find(key); at != cookies.npos; at = cookies.find(key, at + 1)) {
    if (at != 0 && cookies[at - 1] != ' ' && cookies[at - 1] != ';') continue;
    const std::string_view value = cookies.substr(at + key.size());
    return std::string(value.substr(0, value.find(';')));
  }
  return {};
}

std::string text_of_html(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kReferences[] = {
      {"&quot;", "\""}, {"&#39;", "'"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}};
  for (const auto& [from, to] : kReferences)
    for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, at + 1))
      text.replace(at, from.size(), to);
  return text;
}

void append_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
}

Response plain(unsigned status, std::string text) {
  Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.headers = {{"Cache-Control", "no-store"}, {"X-Frame-Options", "DENY"}};
  response.body = std::move(text) + "\n";
  return response;
}

// What the exchange says of its pages holds here too.
bool passes_on(std::string_view header) {
  constexpr std::string_view kPassed[] = {"content-security-policy",
                                          "x-frame-options",
                                          "cross-origin-opener-policy",
                                          "cross-origin-resource-policy",
                                          "referrer-policy",
                                          "permissions-policy",
                                          "cache-control",
                                          "location",
                                          "content-disposition",
                                          "refresh",
                                          "clear-site-data"};
  return std::find(std::begin(kPassed), std::end(kPassed), header) != std::end(kPassed);
}

}  // namespace

struct Door::State {
  DoorOptions options;
  std::string own_origin, cookie_name;
  std::mutex mutex;
  Authenticator authenticator;
  std::string token, browser;  // of the link; of the browser that entered
  std::string session;         // the exchange's cookie
  std::deque<std::pair<std::string, std::string>> asked;  // nonce or code -> WebAuthn options
  std::unique_ptr<net::Server> server;

  explicit State(const DoorOptions& o, Authenticator a)
      : options(o), cookie_name("__Host-demo-" + o.person), authenticator(std::move(a)) {}

  Result<net::Client> exchange() const {
    net::ClientOptions to;
    to.url = options.url;
    to.ca_file = options.ca_file;
    return net::Client::connect(to);
  }
  Response answer(const Request& request);
  Response enter(std::string_view given);
  Response forward(const Request& request);
  std::string signed_form(const Request& request);
  std::string shown(std::string html, bool urdu);
};

// enter lets one browser in, and signs the person in as their own browser would.
Response Door::State::enter(std::string_view given) {
  if (!same(given, token))
    return plain(403,
                 "This link was used, or is not the last one. Press Enter in the demo's "
                 "terminal for a fresh one.");
  token.clear();
  auto client = exchange();
  if (!client) return plain(502, "The exchange does not answer.");
  PasskeyClient page(*std::move(client), options.origin);
  if (auto in = page.sign_in(authenticator); !in)
    return plain(502, "Signing in failed: " + std::string(row_of(in.error().reason).english));
  session = page.cookie;
  browser = secret();
  Response response = plain(303, "");
  response.headers.emplace_back("Location", options.start);
  response.headers.emplace_back(
      "Set-Cookie", cookie_name + "=" + browser + "; Path=/; Secure; HttpOnly; SameSite=Strict");
  return response;
}

// signed_form puts the signature where the page's script would have.
std::string Door::State::signed_form(const Request& request) {
  if (!request.header("content-type").starts_with(kForm)) return request.body;
  auto form = net::parse_form(request.body, {.bytes_max = 64 * 1024, .fields_max = 512});
  if (!form || form->one("signed") != std::string_view()) return request.body;
  const auto nonce = form->one("nonce");
  std::string made;
  for (const auto& [key, options_text] : asked) {
    if (!nonce || key != *nonce) continue;
    auto json = net::parse_json(options_text);
    const net::Json* key_options = json ? json->find("publicKey") : nullptr;
    if (key_options == nullptr) continue;
    auto given = authenticator.get(*key_options, options.origin);
    if (given) made = *std::move(given);
  }
  std::string out;
  for (const auto& [name, value] : form->fields()) {
    if (!out.empty()) out.push_back('&');
    append_encoded(out, name);
    out.push_back('=');
    append_encoded(out, name == "signed" ? std::string_view(made) : std::string_view(value));
  }
  return out;
}

// shown is a page as this browser gets it: it remembers what a form wants signed, and leaves the
// form to be sent as it is.
std::string Door::State::shown(std::string html, bool urdu) {
  constexpr std::string_view kSigns = " data-sign=\"get\"", kOptions = " data-options=\"",
                             kNonce = "name=\"nonce\" value=\"", kMain = "<main id=\"main\"";
  for (std::size_t at = html.find(kSigns); at != html.npos; at = html.find(kSigns, at)) {
    html.erase(at, kSigns.size());
    const std::size_t from = html.find(kOptions, at), nonce = html.find(kNonce, at);
    if (from == html.npos || nonce == html.npos) continue;
    const std::size_t begin = from + kOptions.size(), key = nonce + kNonce.size();
    asked.emplace_back(html.substr(key, html.find('"', key) - key),
                       text_of_html(html.substr(begin, html.find('"', begin) - begin)));
    if (asked.size() > kOptionsKept) asked.pop_front();
  }
  const std::size_t main = html.find(kMain), end = html.find('>', main);
  if (main != html.npos && end != html.npos)
    html.insert(
        end + 1,
        urdu ? "<p class=\"hint\">نمائش: یہ شخص فرضی ہے، اور اس کی کلید یہی صفحہ چھوتا ہے۔</p>"
             : "<p class=\"hint\">Demo: this person is invented, and this page touches "
               "their key for them.</p>");
  return html;
}

Response Door::State::forward(const Request& request) {
  net::Client::Headers headers;
  headers.emplace_back("Accept", "text/html,application/xhtml+xml");
  if (const auto language = request.header("accept-language"); !language.empty())
    headers.emplace_back("Accept-Language", std::string(language));
  std::string cookies = session;
  if (const std::string language = cookie_of(request, "language");
      language == "ur" || language == "en")
    cookies += (cookies.empty() ? "language=" : "; language=") + language;
  if (!cookies.empty()) headers.emplace_back("Cookie", cookies);
  const bool posts = request.method == "POST";
  if (posts) headers.emplace_back("Origin", options.origin);
  std::string target = request.path;
  if (!request.query.empty()) target += "?" + request.query;
  const std::string body = posts ? signed_form(request) : std::string();
  auto client = exchange();
  if (!client) return plain(502, "The exchange does not answer.");
  auto got = client->ask_with(headers, request.method, target, body,
                              posts ? request.header("content-type") : std::string_view());
  if (!got) return plain(502, "The exchange does not answer.");
  Response response;
  response.status = got->status;
  response.content_type = got->content_type;
  for (const auto& [name, value] : got->headers) {
    if (passes_on(name)) response.headers.emplace_back(name, value);
    if (name != "set-cookie") continue;
    if (value.starts_with("__Host-amanat=")) session = value.substr(0, value.find(';'));
    if (value.starts_with("language=")) response.headers.emplace_back("Set-Cookie", value);
  }
  response.body = std::move(got->body);
  constexpr std::string_view kPage = "<!doctype html>\n<html lang=\"";
  if (!response.content_type.starts_with("text/html") || !response.body.starts_with(kPage))
    return response;
  const bool urdu = std::string_view(response.body).substr(kPage.size()).starts_with("ur");
  response.body = shown(std::move(response.body), urdu);
  return response;
}

Response Door::State::answer(const Request& request) {
  constexpr std::string_view kEnter = "/enter/";
  const std::lock_guard one(mutex);
  if (request.method == "GET" && request.path.starts_with(kEnter))
    return enter(std::string_view(request.path).substr(kEnter.size()));
  if (!same(cookie_of(request, cookie_name), browser))
    return plain(403, "Open the link that the demo printed for this person.");
  if (request.method != "GET" && request.method != "POST") return plain(405, "GET or POST.");
  // Other pages of this machine are the same site to a browser: the origin decides.
  if (request.method == "POST" && request.header("origin") != own_origin)
    return plain(403, "This comes from another page.");
  return forward(request);
}

Door::Door(std::unique_ptr<State> state) : state_(std::move(state)) {}
Door::~Door() {
  if (state_ && state_->server) state_->server->stop(500);
}

Result<std::unique_ptr<Door>> Door::open(const DoorOptions& options, Authenticator authenticator) {
  auto state = std::make_unique<State>(options, std::move(authenticator));
  net::ServerOptions listen;
  listen.port = 0;
  listen.threads = 1;
  listen.certificate_file = options.certificate_file;
  listen.key_file = options.key_file;
  listen.body_bytes_max = kUploadMost;
  State* const held = state.get();
  auto server = net::Server::start(
      listen, [held](Request request, net::Reply reply) { reply(held->answer(request)); });
  if (!server) return std::unexpected(server.error());
  state->server = *std::move(server);
  state->own_origin = "https://localhost:" + std::to_string(state->server->port());
  return std::unique_ptr<Door>(new Door(std::move(state)));
}

const std::string& Door::address() const { return state_->own_origin; }

std::string Door::fresh_link() {
  const std::lock_guard one(state_->mutex);
  state_->token = secret();
  return state_->own_origin + "/enter/" + state_->token;
}

}  // namespace amanat::cli
