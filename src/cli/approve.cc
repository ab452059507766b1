// amanat approve, review and policy sign: what waits for this officer's word, and the word itself,
// signed with the device's key over exactly what the exchange shows.

#include <algorithm>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/signed_act.h"
#include "cli/terminal.h"
#include "crypto/device_key.h"
#include "net/json.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

constexpr std::uint64_t kHoldsMs = 8ULL * 3'600'000;  // how long an approval given here may be used

// ask sends a request and reads the reply; a problem document becomes its failure.
Result<net::Json> ask(net::Client& client, std::string_view method, const std::string& target,
                      std::string_view body) {
  auto response = client.ask(method, target, body);
  if (!response) return std::unexpected(response.error());
  auto json = parse_answer(response->body);
  if (!json) return fail(Reason::malformed_json, "the exchange's answer");
  if (response->status != 200) return std::unexpected(refusal_of(*json));
  return json;
}

bool set_subject(Act& act, const std::string& hex) {
  const auto bytes = crypto::from_hex(hex);
  if (!bytes || bytes->size() != act.subject.size()) return false;
  std::copy(bytes->begin(), bytes->end(), act.subject.begin());
  return true;
}

std::string waiting_for_people(const net::Json& list, std::string_view name, const Manner& manner) {
  const net::Json* rows = list.find(name);
  if (rows == nullptr || rows->array() == nullptr) return {};
  std::string text;
  for (const net::Json& one : *rows->array()) {
    text += painted(manner, Paint::strong, visible(member_text(one, "approval"))) + "  " + visible(member_text(one, "asker")) +
            ", " + visible(member_text(one, "unit")) + "\n";
    if (const net::Json* asks = one.find("asks"); asks != nullptr && asks->object() != nullptr)
      for (const auto& member : *asks->object()) {
        const std::string* value = member.value.string();
        if (value == nullptr || value->empty() || member.name == "asker" || member.name == "client") continue;
        text += "  " + visible(member.name) + ": " + visible(*value) + "\n";
      }
    if (const net::Json* decided = one.find("decided"); decided != nullptr && decided->array() != nullptr)
      for (const net::Json& decision : *decided->array()) {
        const net::Json* approved = decision.find("approved");
        const bool yes = approved != nullptr && approved->boolean().value_or(false);
        text += std::string(yes ? "  approved by " : "  refused by ") + visible(member_text(decision, "approver")) + "\n";
      }
  }
  return text;
}

// decide confirms an act about one thing and tells what came of it.
int decide(const Call& call, const Emit& emit, net::Client& client, const Act& act, const std::string& target,
           std::string_view done) {
  auto body = signed_act(call, act);
  if (!body) return complain(emit, call.manner, body.error());
  auto answer = ask(client, "POST", target, *body);
  if (!answer) return complain(emit, call.manner, answer.error());
  if (call.manner.json)
    emit(1, "{\"done\":true}\n");
  else
    emit(1, std::string(done) + "\n");
  return 0;
}

}  // namespace

int run_approve(const Call& call, const Emit& emit) {
  auto client = client_of(call);
  if (!client) return complain(emit, call.manner, client.error());
  auto response = client->ask("GET", "/v1/approvals", "");
  if (!response) return complain(emit, call.manner, response.error());
  auto list = parse_answer(response->body);
  if (!list) return complain(emit, call.manner, Failure{Reason::malformed_json, "the exchange's answer"});
  if (response->status != 200) return complain(emit, call.manner, refusal_of(*list));
  if (call.words.empty()) {
    if (call.manner.json) {
      emit(1, response->body + "\n");
      return 0;
    }
    const std::string mine = waiting_for_people(*list, "to_decide", call.manner);
    const std::string own = waiting_for_people(*list, "own", call.manner);
    emit(1, (mine.empty() ? std::string("Nothing waits for your approval.\n") : mine) +
                (own.empty() ? std::string() : "Your own questions that wait:\n" + own));
    return 0;
  }
  Act act;
  act.verb = call.has("refuse") ? "refuse" : "approve";
  act.target = call.words[0];
  act.reason = call.option_or("reason", "");
  act.until = number(now()) + kHoldsMs;
  const net::Json* rows = list->find("to_decide");
  bool found = false;
  if (rows != nullptr && rows->array() != nullptr)
    for (const net::Json& one : *rows->array())
      if (member_text(one, "approval") == act.target) found = set_subject(act, member_text(one, "question_hash"));
  if (!found) return complain(emit, call.manner, Failure{Reason::approval_unknown, {}});
  return decide(call, emit, *client, act, "/v1/approvals/" + act.target,
                call.has("refuse") ? "Refused." : "Approved: the asker may ask it once, within eight hours.");
}

int run_review(const Call& call, const Emit& emit) {
  auto client = client_of(call);
  if (!client) return complain(emit, call.manner, client.error());
  if (!call.words.empty()) {
    Act act;
    act.verb = call.has("refuse") ? "refuse" : "approve";
    act.target = call.words[0];
    act.reason = call.option_or("reason", "");
    act.until = number(now()) + kHoldsMs;
    return decide(call, emit, *client, act, "/v1/reviews/" + act.target, "Reviewed.");
  }
  auto response = client->ask("GET", "/v1/reviews", "");
  if (!response) return complain(emit, call.manner, response.error());
  auto list = parse_answer(response->body);
  if (!list) return complain(emit, call.manner, Failure{Reason::malformed_json, "the exchange's answer"});
  if (response->status != 200) return complain(emit, call.manner, refusal_of(*list));
  if (call.manner.json) {
    emit(1, response->body + "\n");
    return 0;
  }
  std::string text;
  if (const net::Json* rows = list->find("reviews"); rows != nullptr && rows->array() != nullptr)
    for (const net::Json& one : *rows->array()) {
      const std::string by = member_text(one, "reviewed_by");
      text += painted(call.manner, Paint::strong, visible(member_text(one, "review"))) + "  " +
              visible(member_text(one, "asker")) + ", " + visible(member_text(one, "purpose")) + ": " +
              visible(member_text(one, "reason")) + (by.empty() ? "  (not reviewed)" : "  (by " + visible(by) + ")") + "\n";
    }
  emit(1, text.empty() ? "Nobody has asked past the rules.\n" : text);
  return 0;
}

int run_policy_sign(const Call& call, const Emit& emit) {
  auto client = client_of(call);
  if (!client) return complain(emit, call.manner, client.error());
  auto policy = ask(*client, "GET", "/v1/policy", "");
  if (!policy) return complain(emit, call.manner, policy.error());
  Act act;
  act.verb = "policy";
  act.target = call.words[0];
  act.reason = call.option_or("reason", "");
  act.until = number(now()) + kHoldsMs;
  const net::Json* rows = policy->find("proposals");
  bool found = false;
  if (rows != nullptr && rows->array() != nullptr)
    for (const net::Json& one : *rows->array())
      if (member_text(one, "proposal") == act.target) found = set_subject(act, member_text(one, "documents"));
  if (!found) return complain(emit, call.manner, Failure{Reason::no_such_proposal, {}});
  return decide(call, emit, *client, act, "/v1/policy/" + act.target, "Signed.");
}

}  // namespace amanat::cli
