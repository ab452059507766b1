#pragma once
// vault: keys. One random 256-bit key per subject, wrapped by the master key, in slot files of
// their own apart from the data; keyed names (tags, labels, blind index); slice keys for ledger
// openings. What vault destroys is gone: a slot is overwritten in place and synced.
// Thread-safe; readers never wait for a sync. One process at a time opens a vault: whoever opens
// the exchange holds the DirectoryLock of its home. Layout on disk: docs/vault-format.md.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/entry.h"
#include "model/ids.h"
#include "model/result.h"
#include "model/secret.h"
#include "storage/file.h"
#include "storage/storage.h"

namespace amanat::vault {

class Debts;

/// Slot is where a subject's wrapped key lies; never reused.
enum class Slot : std::uint64_t {};
inline std::uint64_t number(Slot s) { return static_cast<std::uint64_t>(s); }

class Vault {
 public:
  /// create makes the master key (directory/master.key, 0600) and empty slot files. Errors:
  /// exchange_exists, file_failed.
  static Result<std::unique_ptr<Vault>> create(storage::Disk& disk, const std::string& directory);
  /// open reads them; `disk` must outlive the vault. Errors: key_missing (absent, of the wrong
  /// form, of another master key, or open to other accounts), file_failed.
  static Result<std::unique_ptr<Vault>> open(storage::Disk& disk, const std::string& directory);
  ~Vault();
  /// keep_in keeps labels and who has which slice in the store too, which must outlive the vault;
  /// call once, before anything is asked. Without it both live in memory alone.
  void keep_in(storage::Store& store);

  // Keyed names. Deterministic for one exchange; nothing can be learned from them without its keys.
  /// tag names a subject in the store.
  Tag tag(const SubjectName& name) const;
  /// label names a subject in the ledger: the first half of its VRF output (ledger page 5.3).
  /// About 60 µs the first time, 3 µs from the store, 0.4 µs while it is remembered.
  Label label(const SubjectName& name) const;
  /// label_of_tag is the label of a tag, where it was ever asked for: nobody without one is named in
  /// the ledger.
  std::optional<Label> label_of_tag(const Tag& tag) const;
  /// label_proof shows its owner, and whoever he lets see it, that label(name) is of this name
  /// alone. About 110 µs.
  std::array<std::uint8_t, 80> label_proof(const SubjectName& name) const;
  /// label_key is the VRF's public key, for the genesis document.
  std::array<std::uint8_t, 32> label_key() const;
  /// index_tag is the blind index of a searchable value: HMAC of search space and normalised value.
  Tag index_tag(std::string_view space, std::string_view value) const;
  /// record_tag names a record by its dataset and normalised key.
  Tag record_tag(std::string_view dataset, std::string_view key) const;

  // Subject keys.
  /// make_slot makes a fresh key; durable only after sync_slots(). Errors: disk_full, file_failed.
  Result<Slot> make_slot();
  /// sync_slots makes every slot made so far durable. Call before a record that uses one is
  /// written.
  Result<void> sync_slots();
  /// key_of unwraps a subject's key. Errors: erased, seal_broken, key_missing (a slot never made),
  /// file_failed.
  Result<Key256> key_of(Slot slot) const;
  /// destroy overwrites the wrapped key in place and syncs; afterwards key_of says erased.
  /// Idempotent: after an error do it again. Errors: key_missing (a slot never made), file_failed,
  /// disk_full.
  Result<void> destroy(Slot slot);

  /// seal and open a value under a subject's key; `associated` binds dataset, record, version.
  static void seal(const Key256& key, std::string_view associated, std::string_view plaintext,
                   std::string& out);
  static Result<void> open(const Key256& key, std::string_view associated, std::string_view sealed,
                           WipingBuffer& out);

  /// seal_house and open_house keep what belongs to no citizen (cases, devices, settings) under a
  /// key derived from the master key for `use`.
  void seal_house(std::string_view use, std::string_view associated, std::string_view plaintext,
                  std::string& out) const;
  Result<void> open_house(std::string_view use, std::string_view associated,
                          std::string_view sealed, WipingBuffer& out) const;

  // Slices (ledger page 2.2): the keys of openings. Already durable when handed out: slots are made
  // and synced ahead; which citizen has which is kept in the store, and what a power cut took from
  // there is told again from the openings.
  /// slice_for returns the slice of a label for the calendar quarter (UTC) of `at`, assigning one
  /// if need be. Errors: disk_full, file_failed, seal_broken, store_failed.
  Result<Slice> slice_for(const Label& label, Moment at);
  /// system_slice is the slice of entries without a subject.
  Result<Slice> system_slice(Moment at);
  /// slice_key returns the key of a slice id. Errors: erased, key_missing.
  Result<Key256> slice_key(std::span<const std::uint8_t, 16> id) const;
  /// remember tells the vault, at start, that a slice belongs to a label (read from an opening);
  /// the system's slices have the label of zeros. Slices that nobody remembers are never handed out
  /// again. Errors: store_failed, disk_full.
  Result<void> remember(std::span<const std::uint8_t, 16> id, const Label& label, Moment at);
  /// destroy_slices destroys every slice of a label that slice_for or remember knows; returns how
  /// many. Idempotent: after an error do it again. Errors: file_failed, disk_full, store_failed.
  Result<std::uint64_t> destroy_slices(const Label& label);

  /// debts is the book of what is owed to the ledger for unwrapped keys (vault/debts.h).
  Debts& debts();

  /// destroy_slices_before destroys every citizen's slice of a calendar quarter (UTC) that ended at
  /// or before `end`; returns how many. Needs the store. Idempotent, as destroy_slices. Errors: the
  /// same.
  Result<std::uint64_t> destroy_slices_before(Moment end);

  /// named_secret returns (or makes and keeps, wrapped) a 32-byte secret by name: "ledger-signer";
  /// names are 1 to 64 of a-z, 0-9, "-". Errors: seal_broken, key_missing (never replaced),
  /// file_failed, disk_full.
  Result<Key256> named_secret(std::string_view name);

 private:
  struct State;
  explicit Vault(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace amanat::vault
