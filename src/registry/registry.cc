#include "registry/registry.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "model/insist.h"
#include "registry/fetch.h"
#include "registry/state.h"

namespace amanat::registry {

Registry::Registry(const Catalog& catalog, storage::Store& store, vault::Vault& vault)
    : state_(
          std::make_unique<State>(State{catalog, nullptr, {}, Failure{Reason::internal_error, {}}})) {
  auto numbers = Numbers::load(catalog, store);
  if (!numbers) {
    state_->failure = numbers.error();
    return;
  }
  auto archive = std::unique_ptr<Archive>(new Archive{.catalog = catalog,
                                                      .store = store,
                                                      .vault = vault,
                                                      .numbers = *std::move(numbers),
                                                      .writing = {},
                                                      .generation = 1,
                                                      .decoys = {}});
  if (auto sampled = archive->decoys.sample(catalog, archive->numbers, store); !sampled) {
    state_->failure = sampled.error();
    return;
  }
  state_->archive = std::move(archive);
  state_->desks = std::make_unique<LiveDesks>(*state_->archive);
}

Registry::~Registry() = default;

namespace {

Wanted wanted_of(const Grant& grant) {
  Wanted wanted;
  wanted.question = &grant.caller().question();
  for (std::size_t s = 0; s < kStandings; ++s)
    wanted.releases[s] = &grant.releases(static_cast<Standing>(s));
  wanted.case_subjects = &grant.content().case_subjects;
  wanted.follow = &grant.content().follow;
  if (grant.individual() || grant.content().guarded) wanted.grant = &grant;
  return wanted;
}

}  // namespace

Digest Registry::list_digest(const std::vector<std::string>& citizens) {
  crypto::Sha256 hash;
  for (const std::string& one : citizens) hash.update(one).update(std::uint8_t{'\n'});
  return hash.finish();
}

Result<Findings> Registry::roll(Clearance clearance,
                                const std::vector<std::string>& citizens) const {
  auto archive = state_->open();
  if (!archive) return std::unexpected(archive.error());
  const auto& list = clearance.grant().caller().question().list;
  insist(list.has_value() && std::is_sorted(citizens.begin(), citizens.end()));
  if (citizens.size() != list->citizens || list_digest(citizens) != list->digest)
    return fail(Reason::list_unknown);
  auto found = find_roll(**archive, wanted_of(clearance.grant()), citizens);
  if (!found) return std::unexpected(found.error());
  return Findings(std::move(clearance), *std::move(found));
}

Result<Findings> Registry::fetch_part(const Findings& roll, std::size_t from,
                                      std::size_t count) const {
  insist(roll.is_settled());
  auto archive = state_->open();
  if (!archive) return std::unexpected(archive.error());
  auto found = find_part(**archive, wanted_of(roll.clearance().grant()), roll.people(), from, count);
  if (!found) return std::unexpected(found.error());
  return Findings(roll, from, *std::move(found));
}

Task<Result<Findings>> Registry::fetch(Clearance clearance) const {
  auto archive = state_->open();
  if (!archive) co_return std::unexpected(archive.error());
  Wanted wanted = wanted_of(clearance.grant());
  wanted.explains = clearance.grant().content().case_explains;
  auto finding = find_everywhere(**archive, *state_->desks, wanted);
  auto found = co_await std::move(finding);
  if (!found) co_return std::unexpected(found.error());
  co_return Findings(std::move(clearance), *std::move(found));
}

std::vector<Registry::LiveStanding> Registry::live_standings() const {
  std::vector<LiveStanding> out;
  if (state_->desks == nullptr) return out;
  for (const LiveDesks::Standing& one : state_->desks->standings()) {
    const Dataset& dataset = state_->catalog.dataset(one.dataset);
    out.push_back({dataset.name, dataset.live->where(), one.resting, one.answered, one.failed,
                   one.spared, one.wrong_values, one.last_failure});
  }
  return out;
}

Result<std::optional<SubjectName>> Registry::subject_of_question(const Question& question) const {
  auto archive = state_->open();
  if (!archive) return std::unexpected(archive.error());
  return subject_named(**archive, question.subject);
}

Result<std::vector<Registry::DatasetCount>> Registry::counts() const {
  auto archive = state_->open();
  if (!archive) return std::unexpected(archive.error());
  std::vector<DatasetCount> out;
  for (const auto& d : (*archive)->catalog.datasets()) {
    if (!d.keep || d.tree) continue;
    auto count = read_count((*archive)->store, d.name);
    if (!count) return std::unexpected(count.error());
    out.push_back({d.name, *count});
  }
  return out;
}

}  // namespace amanat::registry
