#pragma once
// Officers with passkeys for tests: software authenticators of an invented maker, which the test's
// home lists, over the real server.

#include "cli/authenticator.h"
#include "cli/passkey_client.h"
#include "crypto/crypto.h"
#include "world.h"

namespace amanat::test {

/// Officer is a person with two authenticators and a browser.
struct Officer {
  std::string id;
  cli::Authenticator first, second;
  cli::PasskeyClient page;
};

/// PasskeyWorld is a served World whose home lists one maker of authenticators.
class PasskeyWorld {
 public:
  PasskeyWorld() {
    auto made = cli::make_maker("Test Authenticators");
    EXPECT_TRUE(made);
    maker = *std::move(made);
    write_all(world.home / "authenticators.toml", cli::allow_list(maker, "Test authenticator"));
    world.reopen();
    world.serve();
    origin = "https://localhost:" + world.url.substr(world.url.rfind(':') + 1);
  }

  cli::Authenticator authenticator() const {
    auto made = cli::Authenticator::make(maker);
    insist(made.has_value());
    return *std::move(made);
  }
  cli::PasskeyClient page() const {
    auto client = world.client("");
    insist(client.has_value());
    return cli::PasskeyClient(*std::move(client), origin);
  }
  std::string code(const std::string& account) const {
    auto ticket = world.exchange->enrolment_code(account, nullptr);
    EXPECT_TRUE(ticket) << row_of(ticket.error().reason).id;
    return ticket ? ticket->code : "";
  }
  /// officer enrols an officer's two passkeys and signs in with the first.
  Officer officer(const std::string& id) const {
    Officer made{id, authenticator(), authenticator(), page()};
    const std::string ticket = code(id);
    for (cli::Authenticator* one : {&made.first, &made.second}) {
      auto enrolled = made.page.enrol(*one, ticket);
      EXPECT_TRUE(enrolled) << row_of(enrolled.error().reason).id << " " << enrolled.error().detail;
    }
    sign_in(made);
    return made;
  }
  void sign_in(Officer& officer) const {
    auto in = officer.page.sign_in(officer.first);
    EXPECT_TRUE(in) << row_of(in.error().reason).id;
  }
  /// request is what the server would hand on, at a moment of the test's choice.
  Request request(const cli::PasskeyClient& page, const std::string& path, const std::string& body,
                  Moment at) const {
    Request made;
    made.method = "POST";
    made.path = path;
    made.body = body;
    made.headers = {{"content-type", "application/json"}, {"origin", origin}};
    if (!page.cookie.empty()) made.headers.emplace_back("cookie", page.cookie);
    made.received = at;
    return made;
  }
  identity::Identity& identity() const { return world.exchange->identity(); }

  World world;
  cli::Maker maker;
  std::string origin;
};

inline std::string reason_of(const Result<net::Json>& reply) {
  return reply ? "accepted" : std::string(row_of(reply.error().reason).id);
}
inline std::string reason_of(const Result<Response>& reply) {
  if (!reply) return "no reply: " + std::string(row_of(reply.error().reason).id);
  if (reply->status == 200) return "accepted";
  auto json = net::parse_json(reply->body);
  const net::Json* reason = json ? json->find("reason") : nullptr;
  return reason != nullptr && reason->string() != nullptr ? *reason->string()
                                                          : "no problem document";
}
template <class T>
std::string reason_word(const Result<T>& result) {
  return result ? "accepted" : std::string(row_of(result.error().reason).id);
}

}  // namespace amanat::test
