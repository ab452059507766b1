// The way to the auditor over HTTPS.

#include <cstring>

#include "disclosure/marks.h"
#include "net/http.h"
#include "net/json.h"

namespace amanat::disclosure {
namespace {

constexpr unsigned kSecondsMax = 5, kUnlockSecondsMax = 300;
constexpr std::size_t kReplyBytesMax = 64u << 20;

template <std::size_t N>
bool read_hex(const net::Json& json, std::string_view name, std::array<std::uint8_t, N>& out) {
  const net::Json* value = json.find(name);
  const std::string* text = value == nullptr ? nullptr : value->string();
  const auto bytes = text == nullptr ? std::nullopt : crypto::from_hex(*text);
  if (!bytes || bytes->size() != N) return false;
  std::memcpy(out.data(), bytes->data(), N);
  return true;
}

class Https : public AuditorLine {
 public:
  explicit Https(HttpsAuditor where) : where_(std::move(where)) {
    while (where_.url.ends_with('/')) where_.url.pop_back();
  }

  Result<crypto::VoprfElement> key(unsigned year) override {
    auto json = ask("GET", "/v1/keys/" + std::to_string(year), "", kSecondsMax);
    if (!json) return std::unexpected(json.error());
    crypto::VoprfElement element;
    if (!read_hex(*json, "key", element)) return fail(Reason::auditor_wrong, "its key");
    return element;
  }

  Result<crypto::VoprfKey::Evaluated> evaluate(unsigned year,
                                               const crypto::VoprfElement& blinded) override {
    net::JsonWriter body;
    body.begin_object().key("year").number(year).key("blinded").string(crypto::hex(blinded));
    body.end_object();
    auto json = ask("POST", "/v1/evaluate", body.take(), kSecondsMax);
    if (!json) return std::unexpected(json.error());
    crypto::VoprfKey::Evaluated out;
    if (!read_hex(*json, "element", out.element) || !read_hex(*json, "proof", out.proof))
      return fail(Reason::auditor_wrong, "its share");
    return out;
  }

  Result<std::uint64_t> day(const std::string& date, std::uint64_t disclosing,
                            std::uint64_t others) override {
    net::JsonWriter body;
    body.begin_object().key("day").string(date).key("disclosing").number(disclosing);
    body.key("others").number(others).end_object();
    auto json = ask("POST", "/v1/day", body.take(), kSecondsMax);
    if (!json) return std::unexpected(json.error());
    const net::Json* surplus = json->find("surplus");
    const auto n = surplus == nullptr ? std::nullopt : surplus->integer();
    if (!n) return fail(Reason::auditor_wrong, "its count");
    return *n;
  }

  Result<std::string> unlock(const std::string& proof, const std::string& extraction) override {
    net::JsonWriter body;
    body.begin_object().key("proof").string(proof).key("extraction").string(extraction);
    body.end_object();
    auto json = ask("POST", "/v1/unlock", body.take(), kUnlockSecondsMax);
    if (!json) return std::unexpected(json.error());
    const net::Json* statement = json->find("statement");
    if (statement == nullptr || statement->string() == nullptr)
      return fail(Reason::auditor_wrong, "its statement");
    return *statement->string();
  }

 private:
  Result<net::Json> ask(std::string_view method, const std::string& target, const std::string& body,
                        unsigned seconds_max) {
    auto reply = sent(method, target, body, seconds_max);
    if (!reply) return std::unexpected(reply.error());
    auto json = net::parse_json(reply->body,
                                {.bytes_max = kReplyBytesMax, .depth_max = 4, .values_max = 4096});
    if (reply->status == 200) {
      if (!json) return fail(Reason::auditor_wrong, "no JSON");
      return json;
    }
    std::string why = "status " + std::to_string(reply->status);
    const net::Json* said = json ? json->find("why") : nullptr;
    if (said != nullptr && said->string() != nullptr) why = said->string()->substr(0, 200);
    return fail(Reason::auditor_refused, why);
  }

  Result<Response> sent(std::string_view method, const std::string& target, const std::string& body,
                        unsigned seconds_max) {
    // A kept connection may have been closed meanwhile: once more on a fresh one.
    if (client_ != nullptr && seconds_max == kSecondsMax) {
      if (auto reply = client_->ask(method, target, body)) return reply;
      client_.reset();
    }
    net::ClientOptions options;
    options.url = where_.url;
    options.ca_file = where_.ca_file;
    options.certificate_file = where_.certificate_file;
    options.key_file = where_.key_file;
    options.seconds_max = seconds_max;
    auto connected = net::Client::connect(options);
    if (!connected) return std::unexpected(connected.error());
    auto client = std::make_unique<net::Client>(std::move(*connected));
    auto reply = client->ask(method, target, body);
    if (reply && seconds_max == kSecondsMax) client_ = std::move(client);
    return reply;
  }

  HttpsAuditor where_;
  std::unique_ptr<net::Client> client_;
};

}  // namespace

std::unique_ptr<AuditorLine> https_auditor(const HttpsAuditor& where) {
  return std::make_unique<Https>(where);
}

}  // namespace amanat::disclosure
