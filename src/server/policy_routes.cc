// The policy as an exchange keeps it: which one is in force, what is proposed, who signed, and the
// switch. A change is in the ledger before anybody is judged by it.
//
// The order of a change on disk, so that a crash at any line leaves one policy or the other:
//   1. H/policy.next is written and synced;      a start ignores it
//   2. the POLICY entry is durable;              a start finishes the switch
//   3. H/policy -> H/policy.old, H/policy.next -> H/policy, H synced
//   4. the compiled policy is swapped in memory.

#include "crypto/crypto.h"
#include "net/json.h"
#include "server/api.h"
#include "server/policy_record.h"
#include "server/state.h"
#include "storage/file.h"

namespace amanat::server {
namespace {

std::string next_of(const Home& home) { return home.policy() + ".next"; }

std::string_view text_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Result<void> empty(storage::Disk& disk, const std::string& directory) {
  if (auto made = disk.make_directory(directory); !made) return made;
  auto names = disk.list(directory);
  if (!names) return std::unexpected(names.error());
  for (const auto& name : *names)
    if (auto removed = disk.remove(directory + "/" + name); !removed) return removed;
  return {};
}

// put_in_place makes H/policy.next H/policy: the files of the old one go aside, name by name. A
// crash in between is finished by the next start, because the entry names the new files' digest.
Result<void> put_in_place(storage::Disk& disk, const Home& home) {
  auto coming = disk.list(next_of(home));
  if (!coming) return std::unexpected(coming.error());
  auto going = disk.list(home.policy());
  if (!going) return std::unexpected(going.error());
  for (const auto& name : *coming) {
    auto text = storage::read_file(next_of(home) + "/" + name, 1 << 20);
    if (!text) return std::unexpected(text.error());
    if (auto put = storage::replace_file(disk, home.policy() + "/" + name, *text, 0644); !put)
      return put;
  }
  for (const auto& name : *going) {
    if (!name.ends_with(".toml")) continue;
    if (std::find(coming->begin(), coming->end(), name) != coming->end()) continue;
    if (auto removed = disk.remove(home.policy() + "/" + name); !removed) return removed;
  }
  if (auto synced = disk.sync_directory(home.policy()); !synced) return synced;
  return empty(disk, next_of(home));
}

void write_change(net::JsonWriter& json, const policy::Change& change) {
  json.begin_object().key("kind").string(change.kind).key("widens").boolean(change.widens);
  if (!change.role.empty()) json.key("role").string(change.role);
  if (!change.purpose.empty()) json.key("purpose").string(change.purpose);
  if (!change.field.empty()) json.key("field").string(change.field);
  json.key("text").string(change.text).end_object();
}

std::string proposal_json(const policy::Proposal& one) {
  net::JsonWriter json;
  json.begin_object().key("proposal").string(one.id);
  json.key("documents").string(crypto::hex(one.documents));
  json.key("policy").string(crypto::hex(one.hash));
  json.key("widens").boolean(one.widens);
  json.key("signatures_wanted").number(one.signatures_wanted());
  json.key("signed_by").begin_array();
  for (const auto& signer : one.signers) json.string(signer);
  json.end_array().key("changes").begin_array();
  for (const policy::Change& change : one.changes) write_change(json, change);
  json.end_array().end_object();
  return json.take();
}

}  // namespace

std::optional<Digest> policy_recorded_by(const ledger::Opened& entry) {
  const auto part = [&](BodyPart p) -> const std::string& {
    return entry.parts[static_cast<std::size_t>(p) - 1];
  };
  if (entry.type != EntryType::policy_key || part(BodyPart::purpose) != kPolicyInForce)
    return std::nullopt;
  const std::string& bytes = part(BodyPart::released_digest);
  Digest digest{};
  if (bytes.size() != digest.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

Result<Receipt::Entry> Exchange::State::record_policy(const Digest& documents, const Digest& hash) {
  EntryContent entry;
  entry.type = EntryType::policy_key;
  entry.tail = ledger::tail_of_policy_key(documents, EntryIndex{0});
  entry.part(BodyPart::purpose) = std::string(kPolicyInForce);
  entry.part(BodyPart::policy_hash) = std::string(text_of(hash));
  entry.part(BodyPart::released_digest) = std::string(text_of(documents));
  auto recorded = record(std::move(entry));
  if (!recorded) return std::unexpected(recorded.error());
  return std::move(recorded->front());
}

Result<Receipt::Entry> Exchange::State::record_act(std::string note, const Digest& document,
                                                   const Caller* by, std::string case_ref,
                                                   std::string word) {
  EntryContent entry;
  entry.type = EntryType::policy_key;
  entry.tail = ledger::tail_of_policy_key(document, EntryIndex{0});
  entry.part(BodyPart::purpose) = std::move(note);
  entry.part(BodyPart::case_ref) = std::move(case_ref);
  entry.part(BodyPart::denial) = std::move(word);
  if (by != nullptr) {
    entry.actor = by->asker().actor;
    entry.evidence = by->evidence();
  }
  auto recorded = record(std::move(entry));
  if (!recorded) return std::unexpected(recorded.error());
  return std::move(recorded->front());
}

// same_policy holds the files against the ledger's last POLICY entry. A ledger without one is that
// of an exchange being made.
Result<void> Exchange::same_policy(State& s, const std::optional<Digest>& recorded) {
  if (!recorded || s.policy->documents() == *recorded) return {};
  storage::Disk& disk = storage::system_disk();
  if (const auto next = policy::digest_of_directory(next_of(s.home)); next && *next == *recorded) {
    if (auto put = put_in_place(disk, s.home); !put) return put;
    auto policy = policy::Policy::open(s.home.policy(), s.catalog->fields(), *s.store, *s.vault);
    if (!policy) return std::unexpected(policy.error());
    s.policy = *std::move(policy);
    if (s.policy->documents() == *recorded) return {};
  }
  return fail(Reason::policy_edited,
              s.home.policy() + " is " + crypto::hex(s.policy->documents()).substr(0, 16) +
                  ", the ledger says " + crypto::hex(*recorded).substr(0, 16));
}

Result<policy::Proposal> Exchange::sign_policy(const Caller& confirmed, std::string_view id) {
  const std::lock_guard one(state_->acts);
  if (auto judged = state_->policy->judge_signature(confirmed, id); !judged)
    return std::unexpected(judged.error());
  auto proposal = state_->policy->proposal(id);
  if (!proposal) return proposal;
  auto recorded = state_->record_act("policy signed", proposal->documents, &confirmed);
  if (!recorded) return std::unexpected(recorded.error());
  return state_->policy->sign(confirmed, id);
}

Result<EntryIndex> Exchange::apply_policy(std::string_view id) {
  const std::lock_guard one(state_->acts);
  State& s = *state_;
  if (auto fit = s.policy->ready(id); !fit) return std::unexpected(fit.error());
  auto proposal = s.policy->proposal(id);
  if (!proposal) return std::unexpected(proposal.error());
  auto files = s.policy->proposed_documents(id);
  if (!files) return std::unexpected(files.error());
  storage::Disk& disk = storage::system_disk();
  if (auto cleared = empty(disk, next_of(s.home)); !cleared)
    return std::unexpected(cleared.error());
  for (const auto& [name, text] : *files)
    if (auto put = storage::replace_file(disk, next_of(s.home) + "/" + name, text, 0644); !put)
      return std::unexpected(put.error());
  auto recorded = s.record_policy(proposal->documents, proposal->hash);
  if (!recorded) return std::unexpected(recorded.error());
  // From here on it is in force: what fails below is finished by the next start.
  if (auto swapped = s.policy->put_in_force(id); !swapped) return std::unexpected(swapped.error());
  if (auto put = put_in_place(disk, s.home); !put) return std::unexpected(put.error());
  return recorded->index;
}

void Api::add_policy() {
  routes_.data({"GET", "/v1/policy", "officer, service",
                "Which policy is in force, and what is proposed in its place."},
               [this](const Caller&, const Request&, std::string_view) -> Result<Response> {
                 const policy::Policy& policy = exchange_.policy();
                 net::JsonWriter json;
                 json.begin_object().key("policy").string(crypto::hex(policy.hash()));
                 json.key("documents").string(crypto::hex(policy.documents()));
                 json.key("proposals").begin_array();
                 for (const auto& one : policy.proposals()) json.raw(proposal_json(one));
                 json.end_array().end_object();
                 Response response;
                 response.body = json.take();
                 return response;
               });
  routes_.proven_by(
      [this](const Request& request) { return exchange_.confirm(request); },
      {"POST", "/v1/policy/{proposal}", "officer with the right 'policy'",
       "Sign a proposed policy, by a confirmed act 'policy' whose subject is its documents' "
       "digest."},
      [this](const Caller& caller, const Request&, std::string_view id) -> Result<Response> {
        auto signed_one = exchange_.sign_policy(caller, id);
        if (!signed_one) return std::unexpected(signed_one.error());
        Response response;
        response.body = proposal_json(*signed_one);
        return response;
      });
}

}  // namespace amanat::server
