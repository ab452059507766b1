// A policy on its way into force: proposed, compared with the one in force, signed by people, and
// swapped in whole. Whoever decides meanwhile goes on with the policy they began with.

#include <algorithm>

#include "crypto/crypto.h"
#include "policy/analysis.h"
#include "policy/bytes.h"
#include "policy/difference.h"
#include "policy/state.h"

namespace amanat::policy {
namespace {

constexpr std::string_view kUse = "proposals", kRow = "proposal/";
constexpr std::size_t kProposalsMax = 8, kFilesMax = 256, kSignersMax = 16;
constexpr std::size_t kIdDigits = 16;

std::string key_of(std::string_view id) {
  std::string key(kRow);
  key += id;
  return key;
}

std::string encode(const Proposed& p) {
  std::string out;
  put(out, 1, 1);
  out += bytes_of(p.view.base);
  put(out, number(p.view.proposed), 8);
  put(out, p.files.size(), 2);
  for (const Document& file : p.files) {
    put(out, file.name);
    put(out, file.text.size(), 4);
    out += file.text;
  }
  put(out, p.signers.size(), 2);
  for (std::size_t i = 0; i < p.signers.size(); ++i) {
    put(out, number(p.signers[i]), 4);
    put(out, p.view.signers[i]);
  }
  return out;
}

std::optional<Proposed> decode_proposed(std::string_view bytes) {
  Taker take(bytes);
  if (take.number(1) != 1) return std::nullopt;
  Proposed p;
  p.view.base = take.array<32>();
  p.view.proposed = Moment{take.number(8)};
  const std::size_t files = take.count(2, kFilesMax);
  for (std::size_t i = 0; i < files && !take.broken(); ++i) {
    Document file;
    file.name = take.text();
    file.text = std::string(take.take(take.count(4, 1 << 20)));
    p.files.push_back(std::move(file));
  }
  const std::size_t signers = take.count(2, kSignersMax);
  for (std::size_t i = 0; i < signers && !take.broken(); ++i) {
    p.signers.push_back(AccountId{static_cast<std::uint32_t>(take.number(4))});
    p.view.signers.push_back(take.text());
  }
  if (!take.whole()) return std::nullopt;
  return p;
}

// complete compiles what was proposed and compares it with what it is to replace.
Result<void> complete(Proposed& p, const InForce& now_valid, const FieldTable& fields) {
  auto made = read_policy(p.files, fields);
  if (!made) return std::unexpected(made.error());
  p.compiled = *std::move(made);
  p.view.documents = p.compiled->documents;
  p.view.hash = p.compiled->hash;
  p.view.id = crypto::hex(p.view.documents).substr(0, kIdDigits);
  p.view.changes = difference(now_valid.compiled.tables(), p.compiled->compiled.tables(), fields);
  p.view.widens = widens(p.view.changes);
  return {};
}

}  // namespace

Result<void> Policy::State::save(const Proposed& one) {
  const std::string key = key_of(one.view.id);
  std::string sealed;
  vault.seal_house(kUse, key, encode(one), sealed);
  storage::Batch batch;
  batch.put(storage::Table::settings, key, sealed);
  return store.write(batch, storage::Durability::synced);
}

// load_proposals drops what no longer fits the policy in force or its catalog: it can only be
// proposed again.
Result<void> Policy::State::load_proposals() {
  const auto now_valid = current();
  Result<void> loaded;
  auto scanned = store.scan(storage::Table::settings, kRow, "",
                            [&](std::string_view key, std::string_view sealed) {
                              WipingBuffer plain;
                              loaded = vault.open_house(kUse, key, sealed, plain);
                              if (!loaded) return false;
                              auto one = decode_proposed(plain.view());
                              if (!one) {
                                loaded = fail(Reason::store_failed, "a proposal's row");
                                return false;
                              }
                              if (one->view.base != now_valid->documents) return true;
                              if (complete(*one, *now_valid, fields)) {
                                const std::string id = one->view.id;
                                proposals.emplace(id, *std::move(one));
                              }
                              return true;
                            });
  return scanned ? loaded : scanned;
}

Result<Proposal> Policy::propose(const std::string& directory, Moment at) {
  auto documents = read_documents(directory);
  if (!documents) return std::unexpected(documents.error());
  if (documents->size() > kFilesMax) return fail(Reason::policy_wrong, "more than 256 files");
  const auto now_valid = state_->current();
  Proposed one;
  one.files = *std::move(documents);
  one.view.base = now_valid->documents;
  one.view.proposed = at;
  if (auto done = complete(one, *now_valid, state_->fields); !done)
    return std::unexpected(done.error());
  const std::lock_guard lock(state_->proposals_mutex);
  if (const auto there = state_->proposals.find(one.view.id); there != state_->proposals.end()) {
    if (there->second.view.base == one.view.base) return there->second.view;
    state_->proposals.erase(there);
  }
  // What was proposed against a policy that is gone can never be put in force.
  std::erase_if(state_->proposals,
                [&](const auto& other) { return other.second.view.base != now_valid->documents; });
  if (state_->proposals.size() >= kProposalsMax) return fail(Reason::waiting_full, "of proposals");
  if (auto saved = state_->save(one); !saved) return std::unexpected(saved.error());
  Proposal view = one.view;
  state_->proposals.emplace(view.id, std::move(one));
  return view;
}

std::vector<Proposal> Policy::proposals() const {
  const std::lock_guard lock(state_->proposals_mutex);
  std::vector<Proposal> list;
  for (const auto& [id, one] : state_->proposals) list.push_back(one.view);
  return list;
}

Result<Proposal> Policy::proposal(std::string_view id) const {
  const std::lock_guard lock(state_->proposals_mutex);
  const auto one = state_->proposals.find(id);
  if (one == state_->proposals.end()) return fail(Reason::no_such_proposal);
  return one->second.view;
}

Result<std::vector<std::pair<std::string, std::string>>> Policy::proposed_documents(
    std::string_view id) const {
  const std::lock_guard lock(state_->proposals_mutex);
  const auto one = state_->proposals.find(id);
  if (one == state_->proposals.end()) return fail(Reason::no_such_proposal);
  std::vector<std::pair<std::string, std::string>> files;
  for (const Document& file : one->second.files) files.emplace_back(file.name, file.text);
  return files;
}

Result<void> Policy::judge_signature(const Caller& confirmed, std::string_view id) const {
  if (confirmed.asker().service || !may(confirmed.asker(), "policy"))
    return fail(Reason::not_your_right, "policy");
  auto one = proposal(id);
  if (!one) return std::unexpected(one.error());
  const auto& act = confirmed.act();
  if (!act) return fail(Reason::act_wrong, "no act was confirmed");
  if (act->verb != "policy") return fail(Reason::act_wrong, "its verb");
  if (act->target != id) return fail(Reason::act_wrong, "its target");
  if (act->subject != one->documents) return fail(Reason::act_wrong, "its subject");
  const auto in_force = state_->current();
  if (auto fits = proof_fits(in_force->compiled.tables(), confirmed); !fits) return fits;
  const std::lock_guard lock(state_->proposals_mutex);
  const auto at = state_->proposals.find(id);
  if (at == state_->proposals.end()) return fail(Reason::no_such_proposal);
  const auto& signers = at->second.signers;
  if (std::find(signers.begin(), signers.end(), confirmed.asker().account) != signers.end())
    return fail(Reason::approver_wrong, "you have signed it");
  if (signers.size() >= kSignersMax) return fail(Reason::approver_wrong, "it is signed");
  return {};
}

Result<Proposal> Policy::sign(const Caller& confirmed, std::string_view id) {
  if (auto judged = judge_signature(confirmed, id); !judged) return std::unexpected(judged.error());
  const std::lock_guard lock(state_->proposals_mutex);
  const auto at = state_->proposals.find(id);
  if (at == state_->proposals.end()) return fail(Reason::no_such_proposal);
  Proposed signed_one = at->second;
  if (std::find(signed_one.signers.begin(), signed_one.signers.end(), confirmed.asker().account) !=
      signed_one.signers.end())
    return fail(Reason::approver_wrong, "you have signed it");
  signed_one.signers.push_back(confirmed.asker().account);
  signed_one.view.signers.push_back(confirmed.asker().id);
  if (auto saved = state_->save(signed_one); !saved) return std::unexpected(saved.error());
  at->second = std::move(signed_one);
  return at->second.view;
}

Result<void> Policy::ready(std::string_view id) const {
  auto one = proposal(id);
  if (!one) return std::unexpected(one.error());
  if (one->base != state_->current()->documents) return fail(Reason::policy_outdated);
  if (one->signers.size() < one->signatures_wanted())
    return fail(Reason::signatures_missing, std::to_string(one->signers.size()) + " of " +
                                                std::to_string(one->signatures_wanted()));
  return {};
}

Result<void> Policy::put_in_force(std::string_view id) {
  if (auto fit = ready(id); !fit) return fit;
  const std::lock_guard lock(state_->proposals_mutex);
  const auto at = state_->proposals.find(id);
  if (at == state_->proposals.end()) return fail(Reason::no_such_proposal);
  state_->in_force.store(at->second.compiled);
  storage::Batch batch;
  for (const auto& [other, one] : state_->proposals)
    batch.erase(storage::Table::settings, key_of(other));
  state_->proposals.clear();
  // A row that stays names a policy that is gone, and the next start drops it.
  if (auto written = state_->store.write(batch, storage::Durability::buffered); !written) return {};
  return {};
}

namespace {

Result<std::shared_ptr<const InForce>> read_directory(const std::string& directory,
                                                      const FieldTable& fields) {
  auto documents = read_documents(directory);
  if (!documents) return std::unexpected(documents.error());
  return read_policy(*documents, fields);
}

}  // namespace

Result<std::vector<Complaint>> check_directory(const std::string& directory,
                                               const FieldTable& fields) {
  auto documents = read_documents(directory);
  if (!documents) return std::unexpected(documents.error());
  auto tables = read_tables(*documents, fields);
  if (!tables) return std::unexpected(tables.error());
  const Compiled compiled(*std::move(tables), fields);
  return complaints(compiled);
}

Result<std::vector<Sentence>> who_in_directory(const std::string& directory,
                                               const FieldTable& fields, std::string_view pattern,
                                               std::string_view purpose) {
  auto made = read_directory(directory, fields);
  if (!made) return std::unexpected(made.error());
  return sentences_about((*made)->compiled, pattern, purpose);
}

Result<std::vector<Change>> difference_of(const std::string& old_directory,
                                          const std::string& new_directory,
                                          const FieldTable& fields) {
  auto before = read_directory(old_directory, fields);
  if (!before) return std::unexpected(before.error());
  auto after = read_directory(new_directory, fields);
  if (!after) return std::unexpected(after.error());
  return difference((*before)->compiled.tables(), (*after)->compiled.tables(), fields);
}

Result<Digest> digest_of_directory(const std::string& directory) {
  auto documents = read_documents(directory);
  if (!documents) return std::unexpected(documents.error());
  return documents_digest(*documents);
}

}  // namespace amanat::policy
