// What a signed question costs a service's exchange: the machine's P-256 verification alone, the
// identification of a DPoP question (token, proof, body hash, nonce, replay), the whole signed
// lookup over TLS with its durable record, and tokens from the token endpoint. CPU of the server
// per answer, from which the rate of one core follows.
//
//   signed_bench [SECONDS] [CATALOG POLICY]   prints part lines for bench/parts.sh; of each
//   measurement

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "crypto/crypto.h"
#include "crypto/es256.h"
#include "identity/identity.h"
#include "identity/service_for_tests.h"
#include "net/http.h"
#include "server/exchange.h"
#include "storage/scratch.h"

namespace {

using namespace amanat;
namespace fs = std::filesystem;

double seconds_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}
double cpu_seconds() { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }

void part(const char* name, double value, const char* unit, const char* words) {
  std::printf("part\t%s\t%.6g\t%s\t%s\n", name, value, unit, words);
  std::fflush(stdout);
}

double measure_verify(double seconds) {
  const auto key = crypto::Es256Key::generate();
  const auto shown = crypto::Es256Public::import(key.point());
  const std::string message(300, 'm');
  const auto signature = key.sign(crypto::bytes_of(message));
  const double begin = cpu_seconds();
  std::size_t done = 0;
  while (cpu_seconds() - begin < seconds)
    for (int i = 0; i < 64; ++i, ++done)
      insist(shown->verify(crypto::bytes_of(message), signature));
  const double rate = static_cast<double>(done) / (cpu_seconds() - begin);
  part("p256_verify", rate, "1/s", "P-256 signatures of 300 bytes verified, one core");
  return rate;
}

std::vector<server::Document> documents_of(const fs::path& directory) {
  std::vector<server::Document> documents;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() != ".toml") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    documents.push_back({entry.path().filename().string(), text.str()});
  }
  return documents;
}

constexpr const char* kDetails =
    R"([{"type":"amanat_lookup","purpose":"desk-verification","datatypes":["identity.persons"],"max_subjects":1}])";
const std::string kBody =
    R"({"subject":{"national_id":"3520281848771"},"fields":["identity.persons.name"],"purpose":"desk-verification"})";

// The served exchange is a process of its own, so that its CPU can be told from the client's.
struct Served {
  pid_t pid = -1;
  std::string url;
};

Served serve(const std::string& home, const std::string& jwk) {
  int ends[2];
  insist(::pipe(ends) == 0);
  Served served;
  served.pid = ::fork();
  insist(served.pid >= 0);
  if (served.pid == 0) {
    ::close(ends[0]);
    auto exchange = server::Exchange::open(home);
    insist(exchange.has_value());
    insist((*exchange)->add_service("bench-desk", "police", {"clerk"}).has_value());
    insist((*exchange)->enrol_key("bench-desk", jwk).has_value());
    auto address = (*exchange)->serve("127.0.0.1:0", {});
    insist(address.has_value());
    const std::string url = "https://" + *address + "\n";
    insist(::write(ends[1], url.data(), url.size()) == static_cast<ssize_t>(url.size()));
    ::pause();
    ::_exit(0);
  }
  ::close(ends[1]);
  char buffer[256];
  const ssize_t n = ::read(ends[0], buffer, sizeof buffer);
  insist(n > 1);
  served.url.assign(buffer, static_cast<std::size_t>(n - 1));
  ::close(ends[0]);
  return served;
}

double cpu_of(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(in, text);
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

class Bench {
 public:
  Bench(const std::string& home, identity::TestService& service, Served served)
      : service_(service), served_(std::move(served)) {
    service_.id = "bench-desk";
    service_.issuer = served_.url;
    options_.url = served_.url;
    options_.ca_file = home + "/ca.crt";
    auto client = net::Client::connect(options_);
    insist(client.has_value());
    const std::string at = served_.url + "/oauth/token";
    const auto ask = [&](const std::string& nonce) {
      auto reply = client->ask_with({{"DPoP", service_.proof("POST", at, now(), nonce)}}, "POST",
                                    "/oauth/token", service_.token_form(now(), kDetails),
                                    "application/x-www-form-urlencoded");
      insist(reply.has_value());
      return *std::move(reply);
    };
    nonce_ = nonce_of(ask(""));
    const Response given = ask(nonce_);
    const auto json = net::parse_json(given.body);
    insist(json && json->find("access_token") != nullptr);
    token_ = *json->find("access_token")->string();
    nonce_ = nonce_of(given);
  }
  ~Bench() {
    ::kill(served_.pid, SIGKILL);
    ::waitpid(served_.pid, nullptr, 0);
  }

  /// lookups asks signed questions made beforehand, over `threads` connections.
  double lookups(double seconds, unsigned threads) {
    const auto each = static_cast<std::size_t>(seconds * 16'000 / threads);
    std::vector<std::vector<std::string>> proofs(threads);
    const std::string at = served_.url + "/v1/lookups";
    std::vector<std::thread> work;
    for (auto& list : proofs)
      work.emplace_back([&] {
        for (std::size_t i = 0; i < each; ++i)
          list.push_back(service_.proof("POST", at, now(), nonce_, token_, &kBody));
      });
    for (auto& t : work) t.join();
    return run(threads, seconds, [&](net::Client& client, unsigned t, std::size_t i) {
      if (i >= each) return false;
      auto reply = client.ask_with({{"Authorization", "DPoP " + token_}, {"DPoP", proofs[t][i]}},
                                   "POST", "/v1/lookups", kBody);
      insist(reply.has_value());
      if (reply->status != 200) std::fprintf(stderr, "%s\n", reply->body.c_str());
      insist(reply->status == 200);
      return true;
    });
  }
  /// tokens asks for tokens, each with its own assertion and proof, made beforehand.
  double tokens(double seconds, unsigned threads) {
    const auto each = static_cast<std::size_t>(seconds * 6'000 / threads);
    std::vector<std::vector<std::pair<std::string, std::string>>> asked(threads);
    const std::string at = served_.url + "/oauth/token";
    std::vector<std::thread> work;
    for (auto& list : asked)
      work.emplace_back([&] {
        for (std::size_t i = 0; i < each; ++i)
          list.emplace_back(service_.proof("POST", at, now(), nonce_),
                            service_.token_form(now(), kDetails));
      });
    for (auto& t : work) t.join();
    return run(threads, seconds, [&](net::Client& client, unsigned t, std::size_t i) {
      if (i >= each) return false;
      auto reply = client.ask_with({{"DPoP", asked[t][i].first}}, "POST", "/oauth/token",
                                   asked[t][i].second, "application/x-www-form-urlencoded");
      insist(reply.has_value() && reply->status == 200);
      return true;
    });
  }
  double elapsed() const { return elapsed_; }
  std::size_t done() const { return done_; }

 private:
  static std::string nonce_of(const Response& response) {
    for (const auto& [name, value] : response.headers)
      if (name == "dpop-nonce" || name == "DPoP-Nonce") return value;
    insist(false);
    return {};
  }
  // CPU seconds of the server for each of the requests, in all threads together.
  template <class Ask>
  double run(unsigned threads, double seconds, Ask ask) {
    std::atomic<std::size_t> done{0};
    const double cpu = cpu_of(served_.pid), begin = seconds_of(CLOCK_MONOTONIC);
    std::vector<std::thread> work;
    for (unsigned t = 0; t < threads; ++t)
      work.emplace_back([&, t] {
        auto client = net::Client::connect(options_);
        insist(client.has_value());
        for (std::size_t i = 0; seconds_of(CLOCK_MONOTONIC) - begin < seconds && ask(*client, t, i);
             ++i)
          done.fetch_add(1, std::memory_order_relaxed);
      });
    for (auto& t : work) t.join();
    elapsed_ = seconds_of(CLOCK_MONOTONIC) - begin;
    done_ = done.load();
    return (cpu_of(served_.pid) - cpu) / static_cast<double>(done_);
  }

  identity::TestService& service_;
  Served served_;
  net::ClientOptions options_;
  std::string nonce_, token_;
  double elapsed_ = 0;
  std::size_t done_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  const fs::path catalog = argc > 3 ? argv[2] : "catalog/pakistan";
  const fs::path policy = argc > 3 ? argv[3] : "examples/policy";
  storage::Scratch scratch;
  server::InitOptions options;
  options.home = scratch / "home";
  options.origin = "bench.test/signed";
  options.catalog = documents_of(catalog);
  options.policy = documents_of(policy);
  // A desk asks without end here: its budget is not what is measured.
  for (auto& document : options.policy)
    for (std::size_t at;
         (at = document.content.find("quota = \"counter\"\n")) != std::string::npos;)
      document.content.erase(at, std::string_view("quota = \"counter\"\n").size());
  const auto made = server::Exchange::init(options);
  if (!made) std::fprintf(stderr, "%s\n", made.error().detail.c_str());
  insist(made.has_value());

  const double verify = measure_verify(seconds);
  identity::TestService service;
  Bench bench(options.home, service, serve(options.home, service.jwk()));
  const double lookup = bench.lookups(seconds, 32);
  part("signed_lookup_us", lookup * 1e6, "us",
       "CPU of the server for a signed lookup: DPoP with body hash, policy, durable record, over "
       "TLS");
  part("signed_lookup", 1 / lookup, "1/s", "the same, of one core");
  part("signed_lookup_share", 1 / lookup / verify, "",
       "that rate over the machine's P-256 verification rate (goal: 0.6)");
  part("signed_lookup_rate", static_cast<double>(bench.done()) / bench.elapsed(), "1/s",
       "signed lookups answered to 32 connections while the clients share the cores");
  const double token = bench.tokens(seconds, 16);
  part("token_us", token * 1e6, "us", "CPU of the server for a token: assertion, proof, signature");
  part("token", 1 / token, "1/s", "tokens of one core");
  return 0;
}
