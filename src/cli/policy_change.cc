// amanat policy: what a change would open, whether a policy decides as expected, and a change's way
// into force.

#include "cli/commands.h"
#include "cli/policy.h"
#include "cli/terminal.h"
#include "crypto/crypto.h"
#include "net/json.h"
#include "policy/policy.h"

namespace amanat::cli {
namespace {

void write_changes(net::JsonWriter& json, const std::vector<policy::Change>& changes) {
  json.key("changes").begin_array();
  for (const auto& one : changes) {
    json.begin_object().key("kind").string(one.kind).key("widens").boolean(one.widens);
    if (!one.role.empty()) json.key("role").string(one.role);
    if (!one.purpose.empty()) json.key("purpose").string(one.purpose);
    if (!one.field.empty()) json.key("field").string(one.field);
    json.key("text").string(one.text).end_object();
  }
  json.end_array();
}

bool widens(const std::vector<policy::Change>& changes) {
  for (const auto& one : changes)
    if (one.widens) return true;
  return false;
}

std::string changes_for_people(const std::vector<policy::Change>& changes, const Manner& manner) {
  std::string text;
  for (const auto& one : changes) {
    const std::string kind = one.kind + std::string(one.kind.size() < 10 ? 10 - one.kind.size() : 0, ' ');
    text += painted(manner, one.widens ? Paint::bad : Paint::good, kind) + visible(one.text) + "\n";
  }
  if (changes.empty()) return "Nothing changes.\n";
  return text + (widens(changes) ? "The change opens something: two people must sign it.\n"
                                 : "The change only narrows: one person must sign it.\n");
}

void write_proposal(net::JsonWriter& json, const policy::Proposal& one) {
  json.begin_object().key("proposal").string(one.id).key("documents").string(crypto::hex(one.documents));
  json.key("widens").boolean(one.widens).key("signatures_wanted").number(one.signatures_wanted());
  json.key("signed_by").begin_array();
  for (const auto& signer : one.signers) json.string(signer);
  json.end_array();
  write_changes(json, one.changes);
  json.end_object();
}

std::string proposal_line(const policy::Proposal& one, const Manner& manner) {
  std::string line = painted(manner, Paint::strong, one.id) + "  " + (one.widens ? "widens" : "narrows") + ", " +
                     std::to_string(one.signers.size()) + " of " + std::to_string(one.signatures_wanted()) +
                     " signatures";
  for (const auto& signer : one.signers) line += " " + visible(signer);
  return line + "\n";
}

}  // namespace

int run_policy_diff(const Call& call, const Emit& emit) {
  std::string directory = call.has("home") ? server::Home(call.option("home")).catalog() : std::string();
  directory = call.option_or("catalog", directory);
  if (directory.empty())
    return complain(emit, call.manner,
                    Failure{Reason::usage_wrong, "policy diff needs --catalog DIR, or --home DIR for its catalog"});
  auto catalog = registry::Catalog::load(directory);
  if (!catalog) return complain(emit, call.manner, catalog.error());
  auto changes = policy::difference_of(call.words[0], call.words[1], catalog->fields());
  if (!changes) return complain(emit, call.manner, changes.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("widens").boolean(widens(*changes));
    write_changes(json, *changes);
    json.end_object();
    emit(1, json.take() + "\n");
  } else {
    emit(1, changes_for_people(*changes, call.manner));
  }
  return 0;
}

int run_policy_test(const Call& call, const Emit& emit) {
  auto places = policy_places(call);
  if (!places) return complain(emit, call.manner, places.error());
  auto catalog = registry::Catalog::load(places->catalog);
  if (!catalog) return complain(emit, call.manner, catalog.error());
  auto rows = policy::test_directory(places->policy, catalog->fields(), call.words[0]);
  if (!rows) return complain(emit, call.manner, rows.error());
  std::size_t wrong = 0;
  for (const auto& one : *rows) wrong += one.wrong.empty() ? 0 : 1;
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("rows").number(rows->size()).key("wrong").number(wrong).key("failures").begin_array();
    for (const auto& one : *rows) {
      if (one.wrong.empty()) continue;
      json.begin_object().key("row").string(one.row).key("says").string(one.says);
      json.key("wrong").string(one.wrong).end_object();
    }
    json.end_array().end_object();
    emit(1, json.take() + "\n");
    return wrong > 0 ? 1 : 0;
  }
  std::string text;
  for (const auto& one : *rows) {
    if (one.wrong.empty()) continue;
    text += painted(call.manner, Paint::bad, "wrong") + "  " + one.row +
            (one.says.empty() ? "" : ": " + visible(one.says)) + "\n" + wrapped(visible(one.wrong), 96, "       ");
  }
  text += wrong > 0 ? grouped(wrong) + " of " + grouped(rows->size()) + " rows are not decided as expected.\n"
                    : "All " + grouped(rows->size()) + " rows are decided as expected.\n";
  emit(1, text);
  return wrong > 0 ? 1 : 0;
}

int run_policy_export(const Call& call, const Emit& emit) {
  auto places = policy_places(call);
  if (!places) return complain(emit, call.manner, places.error());
  auto catalog = registry::Catalog::load(places->catalog);
  if (!catalog) return complain(emit, call.manner, catalog.error());
  auto cedar = policy::cedar_of_directory(places->policy, catalog->fields());
  if (!cedar) return complain(emit, call.manner, cedar.error());
  emit(1, *cedar);
  return 0;
}

int run_policy_propose(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto proposal = exchange.policy().propose(call.words[0], now());
  if (!proposal) return complain(emit, call.manner, proposal.error());
  if (call.manner.json) {
    net::JsonWriter json;
    write_proposal(json, *proposal);
    emit(1, json.take() + "\n");
    return 0;
  }
  emit(1, changes_for_people(proposal->changes, call.manner) + "Proposed as " +
              painted(call.manner, Paint::strong, proposal->id) + ".\n");
  return 0;
}

int run_policy_proposals(server::Exchange& exchange, const Call& call, const Emit& emit) {
  const auto proposals = exchange.policy().proposals();
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("proposals").begin_array();
    for (const auto& one : proposals) write_proposal(json, one);
    json.end_array().end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  std::string text;
  for (const auto& one : proposals) text += proposal_line(one, call.manner);
  emit(1, text.empty() ? "Nothing is proposed.\n" : text);
  return 0;
}

int run_policy_apply(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto entry = exchange.apply_policy(call.words[0]);
  if (!entry) return complain(emit, call.manner, entry.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("in_force").string(call.words[0]).key("entry").number(number(*entry)).end_object();
    emit(1, json.take() + "\n");
  } else {
    emit(1, "In force from now on; entry " + grouped(number(*entry)) + " of the ledger says so.\n");
  }
  return 0;
}

namespace {

int list_person(server::Exchange& exchange, const Call& call, const Emit& emit, policy::Policy::Listed listed) {
  std::string digits;
  for (const char c : call.option("national-id"))
    if (c >= '0' && c <= '9') digits.push_back(c);
  if (digits.size() != 13) return complain(emit, call.manner, Failure{Reason::national_id_impossible, {}});
  const SubjectName person{SubjectKind::national_id, std::move(digits)};
  if (auto done = exchange.protect(person, listed); !done) return complain(emit, call.manner, done.error());
  const std::size_t n = exchange.policy().protected_count();
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("protected").number(n).end_object();
    emit(1, json.take() + "\n");
  } else {
    emit(1, grouped(n) + (n == 1 ? " person is" : " people are") + " on the list.\n");
  }
  return 0;
}

}  // namespace

int run_policy_protect(server::Exchange& exchange, const Call& call, const Emit& emit) {
  return list_person(exchange, call, emit, policy::Policy::Listed::on);
}

int run_policy_unprotect(server::Exchange& exchange, const Call& call, const Emit& emit) {
  return list_person(exchange, call, emit, policy::Policy::Listed::off);
}

int run_case_show(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto versions = exchange.policy().case_history(call.words[0]);
  if (!versions) return complain(emit, call.manner, versions.error());
  net::JsonWriter json;
  std::string text;
  json.begin_object().key("case").string(versions->back().ref).key("versions").begin_array();
  for (const auto& one : *versions) {
    json.begin_object().key("version").number(one.version).key("noted").number(number(one.noted));
    json.key("noted_by").string(one.noted_by).key("kind").string(one.kind).key("unit").string(one.unit);
    json.key("open").boolean(!one.closed).key("officers").begin_array();
    for (const auto& officer : one.officers) json.string(officer);
    json.end_array().key("subjects").begin_array();
    text += painted(call.manner, Paint::strong, visible(one.ref)) + "  version " + std::to_string(one.version) +
            ", by " + visible(one.noted_by.empty() ? "file" : one.noted_by) + ": " + visible(one.kind) + " of " +
            visible(one.unit) + ", " + (one.closed ? "closed" : "open") + "\n  officers:";
    for (const auto& officer : one.officers) text += " " + visible(officer);
    text += "\n  citizens: " + std::to_string(one.subjects.size());
    // Kept as keyed names: enough to see whether two cases name the same person, and nothing else.
    for (const Tag& tag : one.subjects) {
      const std::string masked = "#" + crypto::hex(tag).substr(0, 8);
      json.string(masked);
      text += " " + masked;
    }
    text += "\n";
    json.end_array().key("court_orders").begin_array();
    for (const auto& order : one.orders) {
      json.string(order.ref);
      text += "  court order " + visible(order.ref) + "\n";
    }
    json.end_array().end_object();
  }
  json.end_array().end_object();
  emit(1, call.manner.json ? json.take() + "\n" : text);
  return 0;
}

}  // namespace amanat::cli
