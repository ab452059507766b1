// amanat lookup: asks an exchange over mutual TLS and shows what it says.

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/passkey_client.h"
#include "cli/terminal.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

// One receipt goes to FILE, several to FILE.1, FILE.2 and so on.
Result<void> write_receipts(const std::vector<std::string>& receipts, const std::string& file) {
  for (std::size_t i = 0; i < receipts.size(); ++i) {
    const std::string path = receipts.size() == 1 ? file : file + "." + std::to_string(i + 1);
    auto written = storage::replace_file(storage::system_disk(), path, receipts[i], 0644);
    if (!written) return written;
  }
  return {};
}

// A question signed by a touch: signs in, puts it forward, signs it. The file is written back whatever
// came of it: its counters must never fall behind what the exchange has seen.
Result<Response> ask_signed(const Call& call, net::Client client, const std::string& question) {
  const std::string& file = call.option("authenticator");
  auto authenticator = read_authenticator(file);
  if (!authenticator) return std::unexpected(authenticator.error());
  PasskeyClient page(std::move(client), call.option_or("web-origin", call.option("url")));
  auto entered = page.sign_in(*authenticator);
  auto response = entered ? page.ask(*authenticator, question)
                          : Result<Response>(std::unexpected(entered.error()));
  if (auto kept = keep_authenticator(file, *authenticator); !kept)
    return std::unexpected(kept.error());
  return response;
}

}  // namespace

int run_lookup(const Call& call, const Emit& emit) {
  if (call.has("cert") != call.has("key"))
    return complain(emit, call.manner, Failure{Reason::usage_wrong, "--cert and --key go together"});
  auto question = question_of(call);
  if (!question) return complain(emit, call.manner, question.error());
  net::ClientOptions options;
  options.url = call.option("url");
  options.ca_file = call.option("ca");
  options.certificate_file = call.option_or("cert", "");
  options.key_file = call.option_or("key", "");
  auto client = net::Client::connect(options);
  if (!client) return complain(emit, call.manner, client.error());
  auto response = call.has("authenticator") ? ask_signed(call, *std::move(client), *question)
                                            : client->ask("POST", "/v1/lookups", *question);
  if (!response) return complain(emit, call.manner, response.error());

  auto answer = parse_answer(response->body);
  if (!answer) return complain(emit, call.manner, Failure{Reason::malformed_json, "the exchange's answer"});
  if (response->status != 200) {
    if (call.manner.json) emit(1, response->body + "\n");
    Manner plain = call.manner;
    plain.json = false;   // the problem document above is the JSON
    return complain(emit, plain, refusal_of(*answer));
  }
  if (call.has("receipt"))
    if (auto written = write_receipts(receipts_of(*answer), call.option("receipt")); !written)
      return complain(emit, call.manner, written.error());
  emit(1, call.manner.json ? response->body + "\n" : answer_for_people(*answer, call.manner));
  return 0;
}

}  // namespace amanat::cli
