#include "server/snapshot.h"

#include <sys/resource.h>

#include <algorithm>
#include <future>
#include <map>
#include <vector>

#include "crypto/crypto.h"
#include "server/alerts.h"
#include "server/log.h"
#include "server/policy_record.h"
#include "server/state.h"

namespace amanat::server {

namespace {

constexpr std::string_view kMagic = "AMNRPL01";
constexpr std::string_view kRow = "snapshot";  // of Table::settings: name of the one that counts
constexpr std::size_t kFixed = 8 + 32 + 8 + 32 + 8 + 1, kIdMax = 255;
constexpr std::size_t kChunkMax = std::size_t{64} << 20;
constexpr unsigned kOpeners = 4;            // threads that open entries or chunks, at most
constexpr std::uint64_t kWorthIt = 10'000;  // entries: a start reads so many in no time

std::string_view text_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

void put_number(std::string& out, std::uint64_t value, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0;) out.push_back(static_cast<char>(value >> (8 * i)));
}

std::uint64_t number_at(std::string_view bytes, std::size_t at, unsigned count) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < count; ++i)
    value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

unsigned openers() { return std::clamp(std::thread::hardware_concurrency(), 1u, kOpeners); }

constexpr std::string_view kKeptRow = "slices-kept";  // of Table::settings

// What a sealed chunk is bound to: its head, its place and whether it is the last one, which is
// empty. So no chunk is left out, moved or taken from another snapshot.
std::string associated(const Digest& head, std::uint64_t number, bool last) {
  std::string out(text_of(head));
  put_number(out, number, 8);
  out.push_back(last ? 1 : 0);
  return out;
}

}  // namespace

std::string encode_head(const SnapshotHead& head) {
  insist(head.state_id.size() <= kIdMax);
  std::string out(kMagic);
  out += text_of(head.log);
  put_number(out, head.size, 8);
  out += text_of(head.root);
  put_number(out, head.slot, 8);
  put_number(out, head.state_id.size(), 1);
  return out += head.state_id;
}

Result<SnapshotHead> decode_head(std::string_view bytes) {
  SnapshotHead head;
  if (bytes.size() >= kFixed) {
    const auto digest = [&](std::size_t at) {
      Digest out;
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), out.size(), out.begin());
      return out;
    };
    head.log = digest(8);
    head.size = number_at(bytes, 40, 8);
    head.root = digest(48);
    head.slot = number_at(bytes, 80, 8);
    head.state_id = bytes.substr(kFixed);
  }
  if (bytes.size() < kFixed || bytes.size() > kFixed + kIdMax || encode_head(head) != bytes)
    return fail(Reason::ledger_corrupt, "the head of a snapshot");
  return head;
}

// A slice is in the store before its entry is queued, and what a store loses with the power is the
// end of what was written: where this row is, so is every slice of the entries below its number.
Result<void> note_slices_kept(storage::Store& store, std::uint64_t size) {
  std::string value;
  put_number(value, size, 8);
  storage::Batch batch;
  batch.put(storage::Table::settings, kKeptRow, value);
  return store.write(batch, storage::Durability::buffered);
}

Result<std::uint64_t> slices_kept(const storage::Store& store) {
  std::string value;
  auto there = store.get(storage::Table::settings, kKeptRow, value);
  if (!there) return std::unexpected(there.error());
  return *there && value.size() == 8 ? number_at(value, 0, 8) : 0;
}

Result<std::unique_ptr<detection::Detection>> Exchange::State::fresh_detection() const {
  auto options = detection_options(home, *vault, catalog->fields());
  if (!options) return std::unexpected(options.error());
  auto fresh = std::make_unique<detection::Detection>(*std::move(options));
  auto canaries = planted(*store, *vault);
  if (!canaries) return std::unexpected(canaries.error());
  fresh->canaries(*canaries);
  return fresh;
}

namespace {

// is_standing says whether an entry is one of the few of which a start needs the words.
bool is_standing(const ledger::Opened& e) {
  const std::string& note = e.parts[static_cast<std::size_t>(BodyPart::purpose) - 1];
  return e.type == EntryType::policy_key && (note == kPolicyInForce || note == kSlotsRecorded ||
                                             note == kYearKeysRecorded || note == kRekeyed);
}

}  // namespace

// fold tells a detection what the entries from the snapshot's size on say, and moves it along.
Result<void> Exchange::State::fold(
    detection::Detection& into, Snapshot& at,
    const std::function<Result<void>(const ledger::Opened&)>& also) const {
  std::map<AccountId, std::string> units;
  for (const Asker& a : identity->accounts()) units[a.account] = a.unit;
  const auto key_of = [this](std::span<const std::uint8_t, 16> id) { return vault->slice_key(id); };
  Result<void> told;
  auto scanned = ledger->scan(
      EntryIndex{at.head.size}, key_of,
      [&](const ledger::Opened& e) {
        told = also(e);
        if (!told) return false;
        if (is_standing(e)) at.standing.push_back(number(e.index));
        const auto unit = e.actor ? units.find(e.actor->account) : units.end();
        tell(into, e, unit == units.end() ? std::string() : unit->second);
        at.head.size = number(e.index) + 1;  // some before it may be past their retention
        return true;
      },
      openers());
  if (!scanned) return scanned;
  return told;
}

// Whatever a snapshot's file turns out to be, a start can do without it: an error says why.
Result<Snapshot> Exchange::State::read_snapshot(const Digest& name,
                                                detection::Detection& into) const {
  auto file = snapshots_disk().open(snapshots_place() + "/" + crypto::hex(name),
                                    storage::Disk::Open::existing);
  if (!file) return std::unexpected(file.error());
  std::uint64_t at = 0;
  const auto take = [&](std::size_t most) -> Result<std::string> {
    std::string bytes;
    if (auto read = (*file)->read_at(at, 4, bytes); !read) return std::unexpected(read.error());
    const std::uint64_t size = bytes.size() == 4 ? number_at(bytes, 0, 4) : 0;
    if (size == 0 || size > most) return fail(Reason::ledger_corrupt, "its lengths");
    bytes.clear();
    if (auto read = (*file)->read_at(at + 4, size, bytes); !read)
      return std::unexpected(read.error());
    if (bytes.size() != size) return fail(Reason::ledger_corrupt, "its end is missing");
    at += 4 + size;
    return bytes;
  };
  auto encoded = take(kFixed + kIdMax);
  if (!encoded) return std::unexpected(encoded.error());
  if (crypto::sha256(*encoded) != name) return fail(Reason::ledger_corrupt, "its head");
  auto head = decode_head(*encoded);
  if (!head) return std::unexpected(head.error());
  if (head->log != crypto::sha256(config.origin) || head->size > ledger->size())
    return fail(Reason::ledger_corrupt, "it is of another ledger");
  if (head->state_id != into.state_id()) return fail(Reason::ledger_corrupt, "other parameters");
  auto root = ledger->root_at(head->size);
  if (!root || *root != head->root) return fail(Reason::ledger_corrupt, "its root");
  auto key = vault->key_of(vault::Slot{head->slot});
  if (!key) return std::unexpected(key.error());

  // Chunk 0 is the exchange's own, the others are detection's.
  Snapshot snapshot{*head, {}};
  auto own = take(kChunkMax);
  if (!own) return std::unexpected(own.error());
  WipingBuffer listed;
  if (auto r = vault::Vault::open(*key, associated(name, 0, false), *own, listed); !r)
    return std::unexpected(r.error());
  if (listed.view().size() % 8 != 0) return fail(Reason::ledger_corrupt, "its standing entries");
  for (std::size_t i = 0; i < listed.view().size(); i += 8)
    snapshot.standing.push_back(number_at(listed.view(), i, 8));

  bool last = false;
  for (std::uint64_t next = 1; !last;) {
    std::vector<std::future<Result<void>>> opening;
    for (unsigned i = 0; i < openers() && !last; ++i, ++next) {
      auto sealed = take(kChunkMax);
      if (!sealed) {
        for (auto& one : opening) one.wait();
        return std::unexpected(sealed.error());
      }
      last = sealed->size() == crypto::kAeadOverhead;
      opening.push_back(std::async(
          std::launch::async, [&, last, next, bytes = *std::move(sealed)]() -> Result<void> {
            WipingBuffer plain;
            if (auto r = vault::Vault::open(*key, associated(name, next, last), bytes, plain); !r)
              return r;
            return last ? Result<void>{} : into.read_state(plain.view());
          }));
    }
    Result<void> all;
    for (auto& one : opening)
      if (auto r = one.get(); !r) all = r;
    if (!all) return std::unexpected(all.error());
  }
  return snapshot;
}

// write_snapshot makes a snapshot the one that counts, and ends the one before it.
Result<void> Exchange::State::write_snapshot(const detection::Detection& what, Snapshot made) {
  SnapshotHead& head = made.head;
  storage::Disk& disk = snapshots_disk();
  // What is durable reaches the tree files a moment later.
  auto root = ledger->root_at(head.size);
  for (int i = 0; i < 200 && !root && root.error().reason == Reason::no_record; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    root = ledger->root_at(head.size);
  }
  if (!root) return std::unexpected(root.error());
  auto slot = vault->make_slot();
  if (!slot) return std::unexpected(slot.error());
  if (auto synced = vault->sync_slots(); !synced) return synced;
  auto key = vault->key_of(*slot);
  if (!key) return std::unexpected(key.error());
  head.log = crypto::sha256(config.origin);
  head.root = *root;
  head.slot = number(*slot);
  head.state_id = what.state_id();
  const std::string encoded = encode_head(head);
  const Digest name = crypto::sha256(encoded);
  const std::string path = snapshots_place() + "/" + crypto::hex(name), growing = path + ".new";

  if (auto there = disk.make_directory(snapshots_place()); !there) return there;
  const auto write = [&]() -> Result<void> {
    auto file = disk.open(growing, storage::Disk::Open::create_or_existing);
    if (!file) return std::unexpected(file.error());
    if (auto r = (*file)->truncate(0); !r) return r;
    std::uint64_t at = 0, next = 0;
    const auto put = [&](std::string_view bytes) -> Result<void> {
      std::string piece;
      put_number(piece, bytes.size(), 4);
      piece += bytes;
      if (auto r = (*file)->write_at(at, piece); !r) return r;
      at += piece.size();
      return {};
    };
    const auto seal = [&](std::string_view chunk, bool last) {
      std::string sealed;
      vault::Vault::seal(*key, associated(name, next++, last), chunk, sealed);
      return put(sealed);
    };
    if (auto r = put(encoded); !r) return r;
    std::string listed;
    for (const std::uint64_t entry : made.standing) put_number(listed, entry, 8);
    if (auto r = seal(listed, false); !r) return r;
    if (auto r = what.write_state([&](std::string_view chunk) { return seal(chunk, false); }); !r)
      return r;
    if (auto r = seal({}, true); !r) return r;
    if (auto r = (*file)->sync(); !r) return r;
    if (auto r = disk.rename(growing, path); !r) return r;
    return disk.sync_directory(snapshots_place());
  };
  storage::Batch batch;
  batch.put(storage::Table::settings, kRow, text_of(name));
  auto written = write();
  if (written) written = store->write(batch, storage::Durability::synced);
  if (!written) {
    (void)disk.remove(growing);
    return written;
  }
  snapshot_size = head.size;
  return end_other_snapshots(name);
}

// What does not count any more is destroyed with its key; also what a crash left.
Result<void> Exchange::State::end_other_snapshots(const Digest& but) const {
  storage::Disk& disk = snapshots_disk();
  auto names = disk.list(snapshots_place());
  if (!names) return {};
  for (const std::string& one : *names) {
    if (one == crypto::hex(but)) continue;
    const std::string path = snapshots_place() + "/" + one;
    auto file = disk.open(path, storage::Disk::Open::existing);
    std::string bytes;
    if (file && (*file)->read_at(0, 4, bytes) && bytes.size() == 4) {
      const std::uint64_t size = number_at(bytes, 0, 4);
      bytes.clear();
      if (size <= kFixed + kIdMax && (*file)->read_at(4, size, bytes))
        if (const auto head = decode_head(bytes))
          if (auto ended = vault->destroy(vault::Slot{head->slot});
              !ended && ended.error().reason != Reason::key_missing)
            return ended;
    }
    if (auto removed = disk.remove(path); !removed) return removed;
  }
  return {};
}

std::optional<Digest> Exchange::State::snapshot_named() const {
  std::string name;
  Digest digest{};
  auto there = store->get(storage::Table::settings, kRow, name);
  if (!there || !*there || name.size() != digest.size()) return std::nullopt;
  std::copy(name.begin(), name.end(), digest.begin());
  return digest;
}

// refresh_snapshot makes a new one out of the present one and the entries after it, after `change`.
Result<void> Exchange::State::refresh_snapshot(
    const std::function<bool()>& go, const std::function<void(detection::Detection&)>& change) {
  auto apart = fresh_detection();
  if (!apart) return std::unexpected(apart.error());
  Snapshot at;
  if (const auto name = snapshot_named()) {
    auto read = read_snapshot(*name, **apart);
    if (read) {
      at = *std::move(read);
    } else {
      apart = fresh_detection();  // may have taken a part of it
      if (!apart) return std::unexpected(apart.error());
    }
  }
  auto folded = fold(**apart, at, [&](const ledger::Opened&) -> Result<void> {
    if (!go()) return fail(Reason::shutting_down);
    return {};
  });
  if (!folded) return folded;
  if (change) change(**apart);
  return write_snapshot(**apart, std::move(at));
}

// Where it cannot be made without him it ends: the next start reads the whole ledger again.
Result<void> Exchange::State::forget_in_snapshot(const SubjectName& citizen, const Label& label) {
  if (!snapshot_named()) return {};
  auto made = refresh_snapshot([] { return true; },
                               [&](detection::Detection& state) { state.forget(citizen, label); });
  if (made) return {};
  log(LogLevel::warning, "snapshot-ended",
      {{"reason", std::string(row_of(made.error().reason).id)}});
  snapshot_size = 0;
  storage::Batch batch;
  batch.erase(storage::Table::settings, kRow);
  if (auto written = store->write(batch, storage::Durability::synced); !written) return written;
  return end_other_snapshots(Digest{});
}

// keep_snapshots makes one whenever so many entries have come, with what the processor has to
// spare.
void Exchange::State::keep_snapshots() {
  ::setpriority(PRIO_PROCESS, 0, 19);  // of this thread alone, on Linux
  const auto ended = [this] {
    const std::lock_guard held(watch_mutex);
    return stopping;
  };
  while (!ended()) {
    {
      const std::lock_guard one(snapshots_mutex);
      const std::uint64_t since = ledger->size() - snapshot_size;
      if (since >= config.snapshot_entries)
        if (auto made = refresh_snapshot([&] { return !ended(); }, {});
            !made && made.error().reason != Reason::shutting_down)
          log(LogLevel::error, "no-snapshot",
              {{"reason", std::string(row_of(made.error().reason).id)}});
    }
    std::unique_lock waiting(watch_mutex);
    watch_wake.wait_for(waiting, std::chrono::seconds(1), [this] { return stopping; });
  }
}

// Once a second while entries come; what fails now is tried again then.
void Exchange::State::note_slices() {
  const std::uint64_t size = ledger->size();
  if (size != slices_noted && note_slices_kept(*store, size)) slices_noted = size;
}

void Exchange::State::last_snapshot() {
  const std::lock_guard one(snapshots_mutex);
  const std::uint64_t worth = std::min<std::uint64_t>(kWorthIt, config.snapshot_entries);
  if (ledger->size() - snapshot_size < worth) return;
  if (auto made = refresh_snapshot([] { return true; }, {}); !made)
    log(LogLevel::error, "no-snapshot", {{"reason", std::string(row_of(made.error().reason).id)}});
}

// replay tells vault and detection at start what the ledger says: which slice is whose, and whose
// budget was spent on whom. A crash therefore refills nothing. What a snapshot says already is not
// read again.
Result<void> Exchange::replay(State& s) {
  Snapshot at;
  if (const auto name = s.snapshot_named()) {
    auto read = s.read_snapshot(*name, *s.detection);
    if (read) {
      at = *std::move(read);
      s.snapshot_size = at.head.size;
    } else {
      log(LogLevel::warning, "snapshot-not-used",
          {{"reason", std::string(row_of(read.error().reason).id)}, {"why", read.error().detail}});
      auto fresh = s.fresh_detection();
      if (!fresh) return std::unexpected(fresh.error());
      s.detection = *std::move(fresh);
    }
  }
  std::optional<Digest> policy;
  const auto stands = [&](const ledger::Opened& e) -> Result<void> {
    if (auto recorded = policy_recorded_by(e)) policy = recorded;
    return s.recorded_marks.read(e);
  };
  const auto key_of = [&s](std::span<const std::uint8_t, 16> id) { return s.vault->slice_key(id); };
  for (const std::uint64_t entry : at.standing) {
    Result<void> stood;
    auto read = s.ledger->scan(EntryIndex{entry}, key_of, [&](const ledger::Opened& e) {
      stood = stands(e);
      return false;
    });
    if (!read) return read;
    if (!stood) return stood;
  }
  const std::uint64_t whole = s.ledger->size();
  auto kept = slices_kept(*s.store);
  if (!kept) return std::unexpected(kept.error());
  auto told_at = std::chrono::steady_clock::now();
  auto folded = s.fold(*s.detection, at, [&](const ledger::Opened& e) -> Result<void> {
    if (number(e.index) % 65'536 == 0) {
      const auto now = std::chrono::steady_clock::now();
      if (now - told_at > std::chrono::seconds(3)) {
        told_at = now;
        log(LogLevel::info, "reading-ledger",
            {{"entries", std::to_string(number(e.index))}, {"of", std::to_string(whole)}});
      }
    }
    if (auto stood = stands(e); !stood) return stood;
    if (!e.subject || number(e.index) < *kept) return {};
    return s.vault->remember(e.slice_id, *e.subject, e.time);
  });
  if (!folded) return folded;
  if (auto noted = note_slices_kept(*s.store, whole); !noted) return noted;
  // Where there was none, the next start need not read all of this again; otherwise it is made when
  // the exchange runs.
  s.read_at_start = at.head.size - s.snapshot_size;
  if (s.snapshot_size == 0 && s.read_at_start >= s.config.snapshot_entries)
    if (auto written = s.write_snapshot(*s.detection, std::move(at)); !written)
      log(LogLevel::error, "no-snapshot",
          {{"reason", std::string(row_of(written.error().reason).id)}});
  s.detection->replayed();
  return same_policy(s, policy);
}

}  // namespace amanat::server
