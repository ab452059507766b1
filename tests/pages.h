#pragma once
// The console's pages as a browser uses them, without one: forms, a cookie, a signature by a
// software authenticator.

#include <gtest/gtest.h>

#include <cstring>

#include "passkeys.h"

namespace amanat::test {

inline std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    char hex[4];
    std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned char>(c));
    out += hex;
  }
  return out;
}

inline std::string decoded_html(std::string text) {
  for (const auto& [from, to] :
       {std::pair{"&quot;", "\""}, {"&#39;", "'"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}})
    for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, at + 1))
      text.replace(at, std::strlen(from), to);
  return text;
}

// The value of an attribute that stands once in a page after `mark`.
inline std::string attribute(const std::string& page, const std::string& mark,
                             const std::string& name) {
  std::size_t at = page.find(mark);
  EXPECT_NE(at, page.npos) << mark;
  if (at == page.npos) return {};
  at = page.find(" " + name + "=\"", page.rfind('<', at));
  EXPECT_NE(at, page.npos) << name;
  if (at == page.npos) return {};
  at += name.size() + 3;
  return decoded_html(page.substr(at, page.find('"', at) - at));
}

inline std::string header(const Response& response, std::string_view name) {
  for (const auto& [n, value] : response.headers)
    if (n == name) return value;
  return {};
}

// Browser keeps one cookie and follows nothing by itself.
class Browser {
 public:
  Browser(net::Client client, std::string origin)
      : client_(std::move(client)), origin(std::move(origin)) {}

  Response send(std::string_view method, std::string_view target, std::string_view form = {},
                net::Client::Headers more = {}) {
    net::Client::Headers headers = std::move(more);
    headers.emplace_back("Accept", "text/html,application/xhtml+xml");
    if (method == "POST" && !origin.empty()) headers.emplace_back("Origin", origin);
    if (!cookie.empty()) headers.emplace_back("Cookie", cookie);
    auto response =
        client_.ask_with(headers, method, target, form, "application/x-www-form-urlencoded");
    if (!response) {
      ADD_FAILURE() << target << ": " << row_of(response.error().reason).id << " "
                    << response.error().detail;
      Response none;
      none.status = 0;
      return none;
    }
    const std::string set = header(*response, "set-cookie");
    if (set.starts_with("__Host-")) cookie = set.substr(0, set.find(';'));
    return *std::move(response);
  }
  /// upload sends a form with a file, as a browser does.
  Response upload(std::string_view target,
                  const std::vector<std::pair<std::string, std::string>>& fields,
                  const std::string& file_name, const std::string& file) {
    const std::string boundary = "----AmanatTestBoundary";
    std::string body;
    for (const auto& [name, value] : fields)
      body += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name +
              "\"\r\n\r\n" + value + "\r\n";
    body += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" +
            file_name + "\"\r\nContent-Type: application/octet-stream\r\n\r\n" + file + "\r\n--" +
            boundary + "--\r\n";
    net::Client::Headers headers = {{"Accept", "text/html,application/xhtml+xml"}};
    if (!origin.empty()) headers.emplace_back("Origin", origin);
    if (!cookie.empty()) headers.emplace_back("Cookie", cookie);
    auto response = client_.ask_with(headers, "POST", target, body,
                                     "multipart/form-data; boundary=" + boundary);
    if (response) return *std::move(response);
    Response none;
    none.status = 0;
    none.body = row_of(response.error().reason).id;
    return none;
  }
  Response get(std::string_view target) { return send("GET", target); }
  Response post(std::string_view target, const std::string& form) {
    return send("POST", target, form);
  }
  std::string signed_by(cli::Authenticator& authenticator, const std::string& page,
                        const std::string& action) {
    const std::string mark = "action=\"" + action + "\"";
    auto options = net::parse_json(attribute(page, mark, "data-options"));
    if (!options) {
      ADD_FAILURE() << options.error().detail;
      return {};
    }
    const net::Json* key = options->find("publicKey");
    EXPECT_NE(key, nullptr);
    auto made = attribute(page, mark, "data-sign") == "get"
                    ? authenticator.get(*key, own_origin)
                    : authenticator.create(*key, own_origin);
    EXPECT_TRUE(made);
    return made ? *made : "";
  }
  void sign_in(cli::Authenticator& authenticator) {
    const Response page = get("/sign-in");
    ASSERT_EQ(page.status, 200u);
    const std::string nonce = attribute(page.body, "name=\"nonce\"", "value");
    const Response in =
        post("/sign-in", "nonce=" + encoded(nonce) +
                             "&signed=" + encoded(signed_by(authenticator, page.body, "/sign-in")));
    EXPECT_EQ(in.status, 303u) << in.body;
    EXPECT_EQ(header(in, "location"), "/");
    EXPECT_FALSE(cookie.empty());
  }

 private:
  net::Client client_;

 public:
  std::string origin, own_origin = origin, cookie;
};

}  // namespace amanat::test
