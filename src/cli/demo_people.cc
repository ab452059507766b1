#include "cli/demo_people.h"

#include <algorithm>

#include "cli/passkey_client.h"
#include "net/http.h"

namespace amanat::cli {
namespace {

// A person of the demo: what to call them, whose account, and the page that is theirs.
struct Role {
  std::string who, account, page;
};

Result<void> note(server::Exchange& exchange, const std::string& id, const std::string& name,
                  const std::string& unit, const std::string& role, const std::string& number) {
  identity::Officer one;
  one.id = id;
  one.name = name;
  one.department = "police";
  one.unit = unit;
  one.role = role;
  one.national_id = number;
  auto noted = exchange.identity().note_officer(one);
  if (!noted) return std::unexpected(noted.error());
  return {};
}

Result<PasskeyClient> page_of(const PeopleScene& scene) {
  net::ClientOptions to;
  to.url = scene.url;
  to.ca_file = scene.exchange->home().ca_certificate();
  auto client = net::Client::connect(to);
  if (!client) return std::unexpected(client.error());
  return PasskeyClient(*std::move(client), scene.origin);
}

// Two keys an officer, one a citizen, each registered as at any exchange.
Result<Authenticator> enrolled(const PeopleScene& scene, const std::string& code, bool citizen) {
  auto page = page_of(scene);
  if (!page) return std::unexpected(page.error());
  auto first = Authenticator::make(*scene.maker);
  if (!first) return first;
  first->synced = citizen;
  Dishonesty own;
  if (citizen) own.format = "none";
  if (auto in = page->enrol(*first, code, own); !in) return std::unexpected(in.error());
  if (citizen) return first;
  auto second = Authenticator::make(*scene.maker);
  if (!second) return second;
  if (auto in = page->enrol(*second, code); !in) return std::unexpected(in.error());
  return first;
}

// What a browser sees that opens a link: the door's redirect, then the person's own page.
Result<std::string> seen_through(const PeopleScene& scene, const std::string& link,
                                 const std::string& page) {
  const std::size_t path = link.find('/', std::string_view("https://").size());
  net::ClientOptions to;
  to.url = link.substr(0, path);
  to.ca_file = scene.exchange->home().ca_certificate();
  auto client = net::Client::connect(to);
  if (!client) return std::unexpected(client.error());
  auto in = client->ask("GET", link.substr(path), "");
  if (!in) return std::unexpected(in.error());
  std::string cookie;
  for (const auto& [name, value] : in->headers)
    if (name == "set-cookie") cookie = value.substr(0, value.find(';'));
  if (in->status != 303 || cookie.empty())
    return fail(Reason::internal_error, "the link: " + std::to_string(in->status) + " " + in->body);
  auto got = client->ask_with({{"Cookie", cookie}, {"Accept", "text/html"}}, "GET", page, "");
  if (!got) return std::unexpected(got.error());
  const std::size_t from = got->body.find("<h1>"), to_end = got->body.find("</h1>");
  if (got->status != 200 || from == std::string::npos || to_end == std::string::npos)
    return fail(Reason::internal_error, page + ": " + std::to_string(got->status));
  return got->body.substr(from + 4, to_end - from - 4);
}

}  // namespace

DemoPeople DemoPeople::gather(Stage& stage, const PeopleScene& scene) {
  constexpr std::string_view kSentence = "Five people have a page each; a link signs each one in";
  DemoPeople people;
  std::vector<std::string> back;
  std::string trouble;
  server::Exchange& exchange = *scene.exchange;
  std::string unit;
  for (const Asker& asker : exchange.identity().accounts())
    if (asker.id == scene.investigator) unit = asker.unit;
  for (const auto& [id, name, its_unit, role, number] :
       {std::tuple{"SP-1", "The Supervisor", unit.c_str(), "supervisor", "6110100000011"},
        std::tuple{"OM-3", "The Auditor", "Ombudsman", "auditor", "6110100000012"},
        std::tuple{"OP-1", "The Operator", "Operations", "operator", "6110100000013"}})
    if (auto noted = note(exchange, id, name, its_unit, role, number); !noted)
      trouble = noted.error().detail;
  const std::vector<Role> roles = {{"officer", scene.investigator, "/ask"},
                                   {"supervisor", "SP-1", "/team"},
                                   {"auditor", "OM-3", "/traces"},
                                   {"citizen", "", "/me"},
                                   {"operator", "OP-1", "/state"}};
  for (const Role& role : roles) {
    const bool citizen = role.account.empty();
    Result<Authenticator> key = fail(Reason::internal_error);
    if (role.who == "officer") {
      key = read_authenticator(scene.scratch + "/devices/" + role.account + ".first");
    } else {
      auto ticket = citizen
                        ? exchange.citizen_code({SubjectKind::national_id, scene.subject}, nullptr)
                        : exchange.enrolment_code(role.account, nullptr);
      key = ticket ? enrolled(scene, ticket->code, citizen)
                   : Result<Authenticator>(std::unexpected(ticket.error()));
    }
    if (!key) {
      trouble =
          role.who + ": " + std::string(row_of(key.error().reason).id) + " " + key.error().detail;
      break;
    }
    DoorOptions options;
    options.url = scene.url;
    options.origin = scene.origin;
    options.ca_file = exchange.home().ca_certificate();
    options.certificate_file = exchange.home().server_certificate();
    options.key_file = exchange.home().server_key();
    options.person = role.who;
    options.start = "/";
    auto door = Door::open(options, *std::move(key));
    if (!door) {
      trouble = role.who + ": " + door.error().detail;
      break;
    }
    auto seen = seen_through(scene, (*door)->fresh_link(), role.page);
    if (!seen) {
      trouble = role.who + ": " + seen.error().detail;
      break;
    }
    back.push_back(role.who + std::string(role.who.size() < 11 ? 11 - role.who.size() : 1, ' ') +
                   (*door)->address() + "  " +
                   (citizen ? std::string("(the one asked about)") : role.account) + ": " + *seen);
    people.doors_.push_back({role.who, role.account, *std::move(door)});
  }
  if (!trouble.empty()) back.push_back(trouble);
  stage.step(kSentence, "", back, people.complete() && trouble.empty());
  return people;
}

std::vector<std::string> DemoPeople::links() {
  std::vector<std::string> out;
  for (const Person& one : doors_)
    out.push_back("  " + one.who + std::string(one.who.size() < 11 ? 11 - one.who.size() : 1, ' ') +
                  one.door->fresh_link());
  return out;
}

}  // namespace amanat::cli
