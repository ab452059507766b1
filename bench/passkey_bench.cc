// What a passkey costs a question: one assertion verified by libfido2 alone, and the whole way from
// a signed request to a Caller (session, body, what was put forward, the rules, the signature, the
// counter, the evidence). One core, CPU seconds.
//
//   passkey_bench [SECONDS]   prints part lines for bench/parts.sh; of each measurement, standard 2

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "cli/authenticator.h"
#include "cli/passkey_client.h"
#include "crypto/crypto.h"
#include "crypto/passkey.h"
#include "identity/identity.h"
#include "net/cbor.h"
#include "storage/scratch.h"
#include "storage/storage.h"
#include "vault/vault.h"

namespace {

using namespace amanat;

constexpr const char* kOrigin = "https://localhost:8443";

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void part(const char* name, double value, const char* unit, const char* words) {
  std::printf("part\t%s\t%.6g\t%s\t%s\n", name, value, unit, words);
}

std::string b64(std::string_view bytes) { return crypto::base64url(crypto::bytes_of(bytes)); }

Request post(const std::string& path, const std::string& body, const std::string& cookie) {
  Request request;
  request.method = "POST";
  request.path = path;
  request.body = body;
  request.headers = {{"content-type", "application/json"}, {"origin", kOrigin}};
  if (!cookie.empty()) request.headers.emplace_back("cookie", cookie);
  request.received = now();
  return request;
}

net::Json get_options(const identity::Offer& offer) {
  std::string ids;
  for (const std::string& id : offer.credentials)
    ids += (ids.empty() ? "" : ",") + (R"({"type":"public-key","id":")" + b64(id) + "\"}");
  auto json =
      net::parse_json(R"({"challenge":")" + b64(offer.challenge) + R"(","rpId":")" + offer.rp_id +
                      R"(","allowCredentials":[)" + ids + R"(],"userVerification":")" +
                      (offer.verification ? "required" : "discouraged") + "\"}");
  insist(json.has_value());
  return *std::move(json);
}

struct World {
  storage::Scratch scratch;
  std::unique_ptr<vault::Vault> vault;
  std::unique_ptr<storage::Store> store = storage::open_memory();
  FieldTable fields{{{"identity.persons.name", "name", DatasetId{0}, Sensitivity::open, {}}},
                    {"identity.persons"}};
  std::unique_ptr<identity::Identity> identity;
  std::optional<cli::Authenticator> authenticator;
  std::string cookie;

  World() {
    auto made = vault::Vault::create(storage::system_disk(), scratch / "keys");
    insist(made.has_value());
    vault = *std::move(made);
    auto opened = identity::Identity::open(*store, *vault, fields);
    insist(opened.has_value());
    identity = *std::move(opened);
    identity::Officer officer;
    officer.id = "PO-1000";
    officer.department = "police";
    officer.role = "investigator";
    insist(identity->note_officer(officer).has_value());
    auto maker = cli::make_maker("Bench Authenticators");
    insist(maker.has_value());
    identity::PasskeyRules rules;
    rules.origins = {kOrigin};
    identity::Authenticator row;
    row.aaguid = maker->aaguid;
    row.roots_pem = maker->authority.certificate_pem;
    rules.authenticators.push_back(std::move(row));
    identity->use_passkeys(std::move(rules));
    enrol(*maker);
  }
  void enrol(const cli::Maker& maker) {
    auto ticket = identity->make_ticket("PO-1000");
    insist(ticket.has_value());
    std::vector<cli::Authenticator> both;
    for (int i = 0; i < 2; ++i) {
      auto one = cli::Authenticator::make(maker);
      insist(one.has_value());
      auto offer = identity->begin_registration(
          post("/v1/passkeys/begin", R"({"ticket":")" + ticket->code + "\"}", ""));
      insist(offer.has_value());
      auto options = net::parse_json(R"({"challenge":")" + b64(offer->offer.challenge) +
                                     R"(","rp":{"id":"localhost"},"user":{"id":")" +
                                     b64(offer->user_handle) + "\"}}");
      insist(options.has_value());
      auto credential = one->create(*options, kOrigin);
      insist(credential.has_value());
      auto judged = identity->finish_registration(
          post("/v1/passkeys/finish",
               cli::body_of_two("ticket", ticket->code, "credential", *credential), ""));
      insist(judged.has_value());
      insist(identity->put_in_force(*judged).has_value());
      both.push_back(*std::move(one));
    }
    authenticator = std::move(both.front());
    sign_in();
  }
  void sign_in() {
    const auto offer = identity->begin_sign_in(now());
    auto assertion = authenticator->get(get_options(offer), kOrigin);
    insist(assertion.has_value());
    auto in = identity->finish_sign_in(
        post("/v1/session/finish",
             cli::body_of_two("nonce", b64(offer.nonce), "assertion", *assertion), ""));
    insist(in.has_value());
    cookie = "__Host-amanat=" + in->token;
  }
};

// The signatures are made beforehand: only their checking counts.
void measure_identify(World& world, double seconds) {
  const std::string question =
      R"({"subject":{"national_id":"3520281848771"},"fields":["identity.persons.name"],)"
      R"("purpose":"crime-investigation","case":"FIR 1"})";
  double spent = 0, putting = 0;
  std::size_t done = 0;
  while (spent < seconds) {
    std::vector<Request> batch;
    for (int i = 0; i < 16; ++i) {
      const Request request = post("/v1/questions", question, world.cookie);
      const double before = cpu_seconds();
      auto put = world.identity->put_question(request);
      putting += cpu_seconds() - before;
      insist(put.has_value());
      auto assertion = world.authenticator->get(get_options(put->offer), kOrigin);
      insist(assertion.has_value());
      batch.push_back(post("/v1/lookups",
                           cli::body_of_two("ask", b64(put->offer.nonce), "assertion", *assertion),
                           world.cookie));
    }
    const double before = cpu_seconds();
    for (const Request& request : batch) {
      const auto caller = world.identity->identify(request);
      insist(caller.has_value() && caller->proof() == Proof::touch);
    }
    spent += cpu_seconds() - before;
    done += batch.size();
  }
  const auto n = static_cast<double>(done);
  part("passkey_identify", n / spent, "1/s", "questions signed by a touch identified, one core");
  part("passkey_identify_us", spent / n * 1e6, "us", "CPU of one");
  part("passkey_put_us", putting / n * 1e6, "us", "CPU of putting one forward");
}

void measure_assertion(double seconds) {
  const auto key = crypto::Es256Key::generate();
  crypto::SignedByPasskey what;
  const std::string data =
      std::string(crypto::text_of(crypto::sha256("localhost"))) + std::string("\x05\0\0\0\1", 5);
  what.rp_id = "localhost";
  what.authenticator_data = data;
  what.client_data_hash = crypto::sha256("client data");
  what.verification = true;
  const std::string message = data + std::string(crypto::text_of(what.client_data_hash));
  const std::string signature = crypto::der_signature(key.sign(crypto::bytes_of(message)));
  what.signature = signature;
  const double begin = cpu_seconds();
  std::size_t done = 0;
  while (cpu_seconds() - begin < seconds)
    for (int i = 0; i < 64; ++i, ++done)
      insist(crypto::verify_assertion(what, key.point()).has_value());
  const double spent = cpu_seconds() - begin;
  const auto n = static_cast<double>(done);
  part("passkey_assertion", n / spent, "1/s", "assertions verified by libfido2, one core");
  part("passkey_assertion_us", spent / n * 1e6, "us", "CPU of one");
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  measure_assertion(seconds);
  World world;
  measure_identify(world, seconds);
  return 0;
}
