#include "vault/vault.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "crypto/crypto.h"
#include "model/insist.h"
#include "vault/debts.h"
#include "vault/labels.h"
#include "vault/master.h"
#include "vault/rewrap.h"
#include "vault/slices.h"
#include "vault/slots.h"

namespace amanat::vault {
namespace {

// 262,144 subject keys stay unwrapped (13 MiB, wiped at the end); slices are read far less often.
constexpr SlotFile::CacheShape kSubjectCache{16, 16'384}, kSliceCache{16, 4096};
constexpr std::size_t kSecretNameMax = 64;

std::string in(const std::string& directory, std::string_view name) {
  return directory + "/" + std::string(name);
}

crypto::Hmac mac_for(const Key256& master, std::string_view use) {
  return crypto::Hmac(crypto::hkdf(master, "amanat/vault/name/v1/" + std::string(use)).bytes());
}

Tag first16(const Digest& digest) {
  Tag tag;
  std::copy_n(digest.begin(), tag.size(), tag.begin());
  return tag;
}

// Length before text, so that ("ab","c") and ("a","bc") have different names.
Digest mac_pair(const crypto::Hmac& mac, std::string_view first, std::string_view second) {
  insist(first.size() <= 0xffff);
  const std::uint8_t length[2] = {static_cast<std::uint8_t>(first.size() >> 8),
                                  static_cast<std::uint8_t>(first.size())};
  return mac.mac({length, crypto::bytes_of(first), crypto::bytes_of(second)});
}

Digest mac_name(const crypto::Hmac& mac, const SubjectName& name) {
  const auto kind = static_cast<std::uint8_t>(name.kind);
  return mac.mac({crypto::Bytes(&kind, 1), crypto::bytes_of(name.value)});
}

bool secret_name_fits(std::string_view name) {
  return !name.empty() && name.size() <= kSecretNameMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

}  // namespace

namespace {

/// Roots are what names and house keys are made of; without a rewrap, of the master key.
struct Roots {
  Key256 names;
  std::vector<Key256> houses;  // house-1, house-2, ...
};

Result<Roots> read_roots(storage::Disk& disk, const std::string& directory, const Key256& master) {
  Roots roots{master, {}};
  const auto rewrapped = has_file(disk, directory, "names.secret");
  if (!rewrapped) return std::unexpected(rewrapped.error());
  if (!*rewrapped) return roots;
  const Key256 wrap = crypto::hkdf(master, "amanat/vault/secret/v1");
  auto names = read_secret(disk, in(directory, "names.secret"), wrap, "names");
  // The slot files say it better when it is another master key's.
  if (!names && names.error().reason == Reason::seal_broken) return roots;
  if (!names) return std::unexpected(names.error());
  roots.names = *std::move(names);
  for (unsigned n = 1;; ++n) {
    const std::string name = "house-" + std::to_string(n);
    const auto there = has_file(disk, directory, name + ".secret");
    if (!there) return std::unexpected(there.error());
    if (!*there) return roots;
    auto house = read_secret(disk, in(directory, name + ".secret"), wrap, name);
    if (!house) return std::unexpected(house.error());
    roots.houses.push_back(*std::move(house));
  }
}

}  // namespace

struct Vault::State {
  /// `names` is what names are made of: the first master key this vault ever had. `newer` are the
  /// roots of house keys that came with later ones, oldest first.
  State(storage::Disk& d, std::string where, const Key256& key, const Key256& names,
        std::vector<Key256> newer)
      : disk(d),
        directory(std::move(where)),
        master(key),
        tags(mac_for(names, "tag")),
        labels(crypto::VrfKey::from_seed(crypto::hkdf(names, "amanat/vault/vrf/v1")),
               crypto::hkdf(names, "amanat/vault/house/v1/labels")),
        index(mac_for(names, "index")),
        records(mac_for(names, "record")),
        houses(std::move(newer)) {
    houses.insert(houses.begin(), names);
  }

  Debts debts;

  /// house_key is the key of `use` under the root of that age; 0 is the newest.
  Key256 house_key(std::string_view use, std::size_t age) {
    insist(age < houses.size());
    const std::pair key{age, std::string(use)};
    {
      const std::shared_lock lock(house_mutex);
      if (const auto it = house.find(key); it != house.end()) return it->second;
    }
    Key256 made = crypto::hkdf(houses[houses.size() - 1 - age],
                               "amanat/vault/house/v1/" + std::string(use));
    const std::unique_lock lock(house_mutex);
    return house.emplace(key, std::move(made)).first->second;
  }

  storage::Disk& disk;
  const std::string directory;
  const Key256 master;
  const crypto::Hmac tags;
  Labels labels;
  const crypto::Hmac index, records;
  std::vector<Key256> houses;  // oldest first
  std::unique_ptr<SlotFile> subjects;
  std::unique_ptr<Slices> slices;

  std::shared_mutex house_mutex;
  std::map<std::pair<std::size_t, std::string>, Key256> house;
  std::mutex secret_mutex;
};

Vault::Vault(std::unique_ptr<State> state) : state_(std::move(state)) { insist(state_ != nullptr); }
Vault::~Vault() = default;

// The slot files come first and master.key last: an interrupted create has no master key, so it is
// simply done again.
Result<std::unique_ptr<Vault>> Vault::create(storage::Disk& disk, const std::string& directory) {
  if (auto made = disk.make_directory(directory); !made)
    return std::unexpected(std::move(made.error()));
  const auto exists = has_file(disk, directory, "master.key");
  if (!exists) return std::unexpected(exists.error());
  if (*exists) return fail(Reason::exchange_exists, directory);
  const Key256 master = crypto::random_key();
  for (const auto& [name, kind] : {std::pair{"subject.slots", SlotFile::Kind::subject},
                                   std::pair{"slice.slots", SlotFile::Kind::slice}})
    if (auto r = SlotFile::create(disk, in(directory, name), kind, master); !r)
      return std::unexpected(std::move(r.error()));
  if (auto synced = disk.sync_directory(directory); !synced)
    return std::unexpected(std::move(synced.error()));
  if (auto written = write_master(disk, in(directory, "master.key"), master); !written)
    return std::unexpected(std::move(written.error()));
  return open(disk, directory);
}

Result<std::unique_ptr<Vault>> Vault::open(storage::Disk& disk, const std::string& directory) {
  const auto begun = rewrap_unfinished(disk, directory);
  if (begun && *begun)
    return fail(Reason::key_missing, directory + ": a rewrap was begun; finish it with amanat keys rewrap");
  const auto master = read_master(disk, in(directory, "master.key"));
  if (!master) return std::unexpected(master.error());
  auto roots = read_roots(disk, directory, *master);
  if (!roots) return std::unexpected(roots.error());
  auto state = std::make_unique<State>(disk, directory, *master, roots->names,
                                       std::move(roots->houses));
  auto subjects = SlotFile::open(disk, in(directory, "subject.slots"), SlotFile::Kind::subject,
                                 *master, kSubjectCache);
  if (!subjects) return std::unexpected(std::move(subjects.error()));
  auto slices = SlotFile::open(disk, in(directory, "slice.slots"), SlotFile::Kind::slice, *master,
                               kSliceCache);
  if (!slices) return std::unexpected(std::move(slices.error()));
  state->subjects = std::move(*subjects);
  state->slices = std::make_unique<Slices>(std::move(*slices), roots->names);
  return std::unique_ptr<Vault>(new Vault(std::move(state)));
}

void Vault::keep_in(storage::Store& store) {
  state_->labels.keep_in(store);
  state_->slices->keep_in(store);
}

Tag Vault::tag(const SubjectName& name) const { return first16(mac_name(state_->tags, name)); }
Label Vault::label(const SubjectName& name) const { return state_->labels.of(name, tag(name)); }
std::optional<Label> Vault::label_of_tag(const Tag& tag) const { return state_->labels.known(tag); }
std::array<std::uint8_t, 80> Vault::label_proof(const SubjectName& name) const {
  return state_->labels.proof(name);
}
std::array<std::uint8_t, 32> Vault::label_key() const { return state_->labels.public_key(); }
Tag Vault::index_tag(std::string_view space, std::string_view value) const {
  return first16(mac_pair(state_->index, space, value));
}
Tag Vault::record_tag(std::string_view dataset, std::string_view key) const {
  return first16(mac_pair(state_->records, dataset, key));
}

Result<Slot> Vault::make_slot() {
  const auto made = state_->subjects->make();
  if (!made) return std::unexpected(made.error());
  return Slot{made->slot};
}

Result<void> Vault::sync_slots() { return state_->subjects->sync(); }

Result<Key256> Vault::key_of(Slot slot) const {
  auto held = state_->subjects->read(number(slot));
  if (!held) return std::unexpected(std::move(held.error()));
  return std::move(held->key);
}

Result<void> Vault::destroy(Slot slot) {
  const std::uint64_t n = number(slot);
  return state_->subjects->destroy({&n, 1});
}

void Vault::seal(const Key256& key, std::string_view associated, std::string_view plaintext,
                 std::string& out) {
  crypto::seal(key, crypto::bytes_of(associated), crypto::bytes_of(plaintext), out);
}

Result<void> Vault::open(const Key256& key, std::string_view associated, std::string_view sealed,
                         WipingBuffer& out) {
  return crypto::open(key, crypto::bytes_of(associated), crypto::bytes_of(sealed), out);
}

void Vault::seal_house(std::string_view use, std::string_view associated,
                       std::string_view plaintext, std::string& out) const {
  seal(state_->house_key(use, 0), associated, plaintext, out);
}

Result<void> Vault::open_house(std::string_view use, std::string_view associated,
                               std::string_view sealed, WipingBuffer& out) const {
  // What was sealed before a rewrap opens under an older root, until it is written again.
  Result<void> opened;
  for (std::size_t age = 0; age < state_->houses.size(); ++age) {
    opened = open(state_->house_key(use, age), associated, sealed, out);
    if (opened) break;
  }
  return opened;
}

Result<Slice> Vault::slice_for(const Label& label, Moment at) {
  return state_->slices->slice_for(label, at);
}
Result<Slice> Vault::system_slice(Moment at) { return state_->slices->slice_for(Label{}, at); }

Result<Key256> Vault::slice_key(std::span<const std::uint8_t, 16> id) const {
  Slices::Id copy;
  std::copy(id.begin(), id.end(), copy.begin());
  return state_->slices->key(copy);
}

Result<void> Vault::remember(std::span<const std::uint8_t, 16> id, const Label& label, Moment at) {
  Slices::Id copy;
  std::copy(id.begin(), id.end(), copy.begin());
  return state_->slices->remember(copy, label, at);
}

Result<std::uint64_t> Vault::destroy_slices(const Label& label) {
  insist(label != Label{});  // the system's slices open the entries nobody may erase
  return state_->slices->destroy(label);
}

// A secret that is there but does not open is an error and is never replaced: a new ledger signer
// would fork the ledger.
Result<std::uint64_t> Vault::destroy_slices_before(Moment end) {
  return state_->slices->destroy_before(end);
}

Debts& Vault::debts() { return state_->debts; }

Result<Key256> Vault::named_secret(std::string_view name) {
  insist(secret_name_fits(name));
  const std::scoped_lock lock(state_->secret_mutex);
  const std::string file = std::string(name) + ".secret";
  const std::string path = in(state_->directory, file);
  const Key256 wrap = crypto::hkdf(state_->master, "amanat/vault/secret/v1");
  const auto exists = has_file(state_->disk, state_->directory, file);
  if (!exists) return std::unexpected(exists.error());
  if (*exists) return read_secret(state_->disk, path, wrap, name);
  Key256 secret = crypto::random_key();
  if (auto r = write_secret(state_->disk, path, wrap, name, secret); !r)
    return std::unexpected(std::move(r.error()));
  return secret;
}

}  // namespace amanat::vault
