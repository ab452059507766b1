#pragma once
// lookup, extracts: the story of a bulk answer. The same passes as a lookup's, one clearance and
// one judgement for all of it, the rows part by part into a sealed file, all entries in one append,
// and only then is there anything to fetch. One extract is made at a time, on a thread that yields
// to the lookups. Thread-safe.
//
// Invariants
//  1. Nothing opens the rows but an Extract, which disclosure mints for the Receipt of the EXPORT.
//  2. A row in state closing is durable before the append begins, so a start can tell from the
//  ledger
//     alone whether the extract was released: ready with its EXPORT, else void.
//  3. A slot's key is overwritten before a row says wiped, refused or void.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "disclosure/extract.h"
#include "lookup/decoy_register.h"
#include "lookup/extract_row.h"
#include "lookup/lists.h"
#include "lookup/lookup.h"
#include "storage/file.h"
#include "storage/storage.h"

namespace amanat::lookup {

/// ExtractView is an extract as its recipient sees it.
struct ExtractView {
  ExtractRow row;
  std::uint64_t done = 0;  // citizens read, while it is being made
};

class Extracts {
 public:
  struct Setup {
    Lookup* lookup = nullptr;  // must outlive it
    storage::Store* store = nullptr;
    storage::Disk* disk = nullptr;  // null: the system's
    std::string directory;          // of the sealed files
    const FieldTable* fields = nullptr;
    /// on_decoys is told of invented citizens before they leave, so that whoever looks one up is
    /// noticed. Null: nothing.
    std::function<Result<void>(const std::vector<SubjectName>&, std::string_view extract)>
        on_decoys;
    /// paused is called between parts; tests stop there. Null: nothing.
    std::function<void(std::uint64_t done)> paused;
  };
  /// open makes ready or void what a stop left half-made. Errors: store_failed, seal_broken,
  /// file_failed, ledger_corrupt.
  static Result<std::unique_ptr<Extracts>> open(Setup setup);
  /// The destructor gives up what is being made: it is void.
  ~Extracts();
  Extracts(const Extracts&) = delete;

  /// take_list keeps one part of a list. Errors: as Lists::take's.
  Result<std::size_t> take_list(AccountId account, const Digest& list, unsigned part,
                                std::string_view text, Moment at);

  /// ask takes a bulk question to its clearance and begins to make the extract; returns its id. A
  /// refusal is in the ledger when it is returned. Errors: as Lookup::answer's up to the clearance,
  /// list_unknown, extract_not_granted, format_not_granted, too_busy (eight are waiting, or one of
  /// this account's), store_failed.
  Task<Result<std::string>> ask(const Request& request);

  /// list gives an account's extracts, the newest first. view one of them. Errors: extract_unknown.
  std::vector<ExtractView> list(AccountId account) const;
  Result<ExtractView> view(AccountId account, std::string_view id) const;
  /// manifest is the signed manifest. Errors: extract_unknown, extract_unfinished, extract_gone.
  Result<std::string> manifest(AccountId account, std::string_view id) const;
  /// read hands out bytes of the rows to who asked for them. Errors: as manifest's,
  /// account_on_hold, range_wrong, seal_broken, file_failed.
  Result<Answer> read(const Asker& asker, std::string_view id, std::uint64_t offset,
                      std::size_t size) const;
  /// wipe ends an extract: its key is overwritten, its file removed. Errors: extract_unknown,
  /// extract_unfinished, file_failed, store_failed.
  Result<void> wipe(AccountId account, std::string_view id);
  /// wipe_all ends every extract there is: a citizen was erased, and may be in any.
  Result<void> wipe_all(std::string_view why);
  /// decoys opens the closed register of invented citizens to two people. Errors: as
  /// DecoyRegister::open.
  Result<std::vector<DecoyGiven>> decoys(const Caller& first, const Caller& second) const;
  /// decoys_after_seal opens it for a sealed trace. Errors: as DecoyRegister::open_after_seal.
  Result<std::vector<DecoyGiven>> decoys_after_seal(const DecoyRegister::Sealed& trace) const;
  /// sweep wipes what has expired and forgets what is long over.
  Result<void> sweep(Moment at);

 private:
  struct Job;
  struct Kept;
  explicit Extracts(Setup setup);
  Result<void> load();
  Result<void> settle_left(ExtractRow row);
  Result<void> save(const ExtractRow& row);
  Result<void> destroy(ExtractRow row, ExtractState state);
  void run();
  void make(Job& job);
  Task<Result<void>> made(Job& job);
  Result<void> owe(Job& job, const Draft& part);
  Result<void> note_decoys(const ExtractRow& row, const std::vector<disclosure::Decoy>& decoys,
                           const Digest& answers);
  Result<bool> is_nobody(const std::string& citizen) const;
  Result<Key256> key_of(const ExtractRow& row) const;
  std::shared_ptr<Kept> find(AccountId account, std::string_view id) const;
  std::string file_of(std::string_view id) const;
  storage::Disk& disk() const;

  Setup setup_;
  Lookup& lookup_;
  Lists lists_;
  DecoyRegister register_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, std::shared_ptr<Kept>, std::less<>> kept_;
  std::deque<std::unique_ptr<Job>> waiting_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace amanat::lookup
