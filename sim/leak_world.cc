#include "sim/leak_world.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include "crypto/crypto.h"
#include "model/insist.h"
#include "trace/segment.h"

namespace amanat::sim {
namespace {

constexpr std::uint8_t kUndrawn = 0xff;
constexpr unsigned kEpochs = 2;
constexpr std::uint16_t kFieldOfCoins = 7;

std::string digits_of(std::uint64_t national_id) {
  char digits[24];
  std::snprintf(digits, sizeof digits, "%013llu", static_cast<unsigned long long>(national_id));
  return digits;
}

Key256 key_from(std::string_view what, std::uint64_t a, std::uint64_t b) {
  const Digest digest =
      crypto::sha256(std::string(what) + " " + std::to_string(a) + " " + std::to_string(b));
  Key256 key;
  std::copy(digest.begin(), digest.end(), key.mutable_bytes().begin());
  return key;
}

}  // namespace

std::string_view place_word(unsigned slot) {
  static constexpr std::string_view kWords[] = {"Gali", "Chak", "Makan", "Block"};
  return kWords[slot % std::size(kWords)];
}

World::World(const Shape& shape, std::uint64_t seed, const Key256& index_key)
    : shape_(shape), seed_(seed), dice_(seed), hash_(index_key) {}

std::uint64_t World::mixed(std::uint64_t a, std::uint64_t b) const {
  Dice d(seed_ * 0x9e3779b97f4a7c15ull ^ a * 0xd1b54a32d192ed03ull ^ b * 0x94d049bb133111ebull);
  return d.next();
}

Result<std::unique_ptr<World>> World::make(const Shape& shape, std::uint64_t seed,
                                           const std::string& directory) {
  insist(shape.overlap > 0 && shape.overlap < 1 && shape.coins > 0);
  std::unique_ptr<World> world(new World(shape, seed, key_from("index", seed, 0)));
  world->invent();
  if (auto written = world->write_index(directory); !written)
    return std::unexpected(written.error());
  return world;
}

void World::invent() {
  // Each officer is shown a citizen of the pool with probability `overlap`, so that a colleague was
  // shown that share of his disclosures too.
  pool_ = static_cast<std::uint32_t>(shape_.disclosures / shape_.overlap);
  const std::uint32_t all = first_elsewhere() + shape_.elsewhere;
  changes_.resize(all);
  postings_.resize(all);
  shown_.resize(officers());
  std::set<std::uint32_t> taken;
  for (std::uint32_t o = 0; o < officers(); ++o) {
    std::uint32_t account;
    do account = kStrangers + static_cast<std::uint32_t>(dice_.below(900'000));
    while (!taken.insert(account).second);
    accounts_.push_back(account);
    officers_[account] = o;
  }
  const std::uint16_t year = kLastDay - kFirstDay + 1;
  for (std::uint32_t c = 0; c < all; ++c) {
    for (unsigned n = dice_.poisson(2 * shape_.changes); n > 0; --n)
      changes_[c].push_back(static_cast<std::uint16_t>(kFirstDay - year + dice_.below(2 * year)));
    std::sort(changes_[c].begin(), changes_[c].end());
    citizens_[hash_(digits_of(national_id(c)))] = c;
    const auto post = [&](std::uint32_t account, std::uint16_t day, std::uint16_t fields) {
      postings_[c].push_back(trace::pack({AccountId{account}, day, version_on(c, day), fields}));
    };
    const auto some_day = [&] { return static_cast<std::uint16_t>(kFirstDay + dice_.below(year)); };
    const bool ours = c < first_elsewhere();
    const std::uint32_t first = c / pool_ * shape_.officers;
    for (std::uint32_t o = first; ours && o < first + shape_.officers; ++o) {
      if (!dice_.chance(shape_.overlap)) continue;
      const std::uint16_t day = some_day();
      shown_[o].push_back({c, day});
      post(accounts_[o], day, kFullFields);
      if (dice_.chance(shape_.again)) post(accounts_[o], some_day(), kFullFields);
    }
    for (unsigned n = dice_.poisson(ours ? shape_.strangers : shape_.strangers / 2); n > 0; --n)
      post(1 + static_cast<std::uint32_t>(dice_.below(kStrangers - 1)), some_day(),
           dice_.chance(.1) ? kNarrowFields : kFullFields);
  }
  known_.resize(static_cast<std::size_t>(officers()) * kEpochs);
}

Result<void> World::write_index(const std::string& directory) {
  const std::string path = directory + "/postings-" + std::to_string(seed_);
  std::vector<std::pair<std::uint64_t, std::uint32_t>> order;
  for (const auto& [hash, citizen] : citizens_)
    if (!postings_[citizen].empty()) order.emplace_back(hash, citizen);
  std::sort(order.begin(), order.end());
  auto writer = trace::SegmentWriter::create(storage::system_disk(), path);
  if (!writer) return std::unexpected(writer.error());
  for (const auto& [hash, citizen] : order) {
    std::sort(postings_[citizen].begin(), postings_[citizen].end());
    if (auto added = writer->add(hash, postings_[citizen]); !added) return added;
  }
  if (auto done = writer->finish({0, 1, {}, {"full", "narrow"}}); !done) return done;
  auto segment = trace::Segment::open(path);
  if (!segment) return std::unexpected(segment.error());
  std::filesystem::remove(path);  // it stays mapped
  auto snapshot = std::make_shared<trace::Snapshot>();
  snapshot->segments.push_back(std::make_shared<const trace::Segment>(*std::move(segment)));
  snapshot_ = std::move(snapshot);
  postings_.clear();
  return {};
}

std::optional<std::uint32_t> World::officer_of(std::uint32_t account) const {
  const auto at = officers_.find(account);
  if (at == officers_.end()) return std::nullopt;
  return at->second;
}

bool World::saw(std::uint32_t officer, std::uint32_t citizen, std::uint16_t by_day) const {
  const auto& all = shown_[officer];
  const auto at =
      std::lower_bound(all.begin(), all.end(), citizen,
                       [](const Shown& s, std::uint32_t wanted) { return s.citizen < wanted; });
  return at != all.end() && at->citizen == citizen && at->day <= by_day;
}

std::uint64_t World::national_id(std::uint32_t citizen) const {
  return 3'000'000'000'000 + mixed(1, citizen) % 5'000'000 * 1'000'000 + citizen;
}

std::optional<std::uint32_t> World::citizen_of(std::uint64_t hash) const {
  const auto at = citizens_.find(hash);
  if (at == citizens_.end()) return std::nullopt;
  return at->second;
}

std::uint16_t World::version_on(std::uint32_t citizen, std::uint16_t day) const {
  const auto& days = changes_[citizen];
  return static_cast<std::uint16_t>(
      1 + (std::upper_bound(days.begin(), days.end(), day) - days.begin()));
}

std::uint32_t World::dated(std::uint32_t citizen, std::uint16_t version) const {
  return 100'000 + static_cast<std::uint32_t>(mixed(2 + citizen * 64ull, version) % 900'000);
}

std::uint32_t World::either(std::uint32_t citizen, unsigned slot, unsigned symbol) const {
  // The two differ, and neither is larger as a rule: symbols number them ascending.
  const auto one = static_cast<std::uint32_t>(mixed(citizen, 100 + slot) % 450'000);
  return 100'000 + 2 * one + symbol;
}

std::string World::either_text(std::uint32_t citizen, unsigned slot, unsigned symbol) const {
  return std::string(place_word(slot)) + " " + std::to_string(either(citizen, slot, symbol));
}

std::vector<trace::Posting> World::postings_of(std::uint32_t citizen) const {
  std::vector<trace::Posting> out;
  const std::uint64_t wanted[] = {hash_(digits_of(national_id(citizen)))};
  for (const auto& segment : snapshot_->segments) {
    std::vector<trace::Found> found;
    segment->find(wanted, found);
    for (const trace::Found& f : found)
      for (const std::uint64_t bits : segment->postings_of(f)) out.push_back(trace::unpack(bits));
  }
  return out;
}

disclosure::CoinKey World::key_of(std::uint32_t account, unsigned epoch) const {
  return disclosure::CoinKey(key_from("account", seed_, account * 2ull + epoch));
}

unsigned World::draw(const disclosure::CoinKey& key, std::uint32_t citizen, unsigned slot) const {
  const std::string id = digits_of(national_id(citizen));
  const disclosure::ValueId value = disclosure::value_id_of(
      {std::to_string(either(citizen, slot, 0)), std::to_string(either(citizen, slot, 1))});
  static constexpr std::uint32_t kEven[] = {1, 1};
  const std::span<const std::uint8_t> subject(reinterpret_cast<const std::uint8_t*>(id.data()),
                                              id.size());
  return disclosure::symbol_of(
      key.draw(subject, kFieldOfCoins, value, static_cast<std::uint8_t>(slot)), kEven);
}

unsigned World::coin(std::uint32_t account, unsigned epoch, std::uint32_t citizen, unsigned slot) {
  const auto officer = officer_of(account);
  if (!officer) return draw(key_of(account, epoch), citizen, slot);
  auto& known = known_[*officer * kEpochs + epoch];
  if (known.empty()) known.assign(std::size_t{citizens()} * shape_.coins, kUndrawn);
  std::uint8_t* const of_citizen = &known[std::size_t{citizen} * shape_.coins];
  if (of_citizen[slot] == kUndrawn) {
    const disclosure::CoinKey key = key_of(account, epoch);
    for (unsigned s = 0; s < shape_.coins; ++s)
      of_citizen[s] = static_cast<std::uint8_t>(draw(key, citizen, s));
  }
  return of_citizen[slot];
}

}  // namespace amanat::sim
