#pragma once
// registry: fetch. Reads departments' files into sealed records, and fetches for a cleared question
// exactly what it grants. Thread-safe; one import of a dataset at a time.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/passes.h"
#include "model/result.h"
#include "model/task.h"
#include "registry/catalog.h"
#include "storage/storage.h"
#include "vault/vault.h"

namespace amanat::registry {

/// ImportReport adds up: rows = accepted + repeated + blank + quarantined.
struct ImportReport {
  std::string dataset;
  std::uint64_t rows = 0, accepted = 0, repeated = 0, blank = 0, quarantined = 0;
  std::map<std::string, std::uint64_t> reasons;  // reason id -> rows quarantined for it
  struct Quarantined {
    std::uint64_t row = 0;   // data row, from 1
    std::uint64_t line = 0;  // line of the file
    Reason reason{};
    std::string field;  // the column at fault
  };
  std::vector<Quarantined> first_quarantined;  // at most 1000; all are in the quarantine file
  std::vector<std::string> notes;              // columns ignored or not sent, for the operator
};

/// Row is one normalised row of a file, for files that become no records (roster, cases).
struct Row {
  std::uint64_t row = 0;
  /// value returns a field's normalised value by its short name; empty if the cell was empty.
  /// Lists (a column with `split`) are joined by '\n'.
  std::map<std::string, std::string, std::less<>> values;
  const std::string& value(std::string_view field) const;
};

struct ImportOptions {
  std::function<void(std::uint64_t bytes_done, std::uint64_t bytes_total, std::uint64_t rows)>
      progress;                 // may be null
  std::string quarantine_file;  // where row numbers and reasons go (never values); empty: none
};

class Registry {
 public:
  Registry(const Catalog& catalog, storage::Store& store, vault::Vault& vault);
  ~Registry();

  /// import takes a CSV or JSON-lines file (by its extension) into a dataset. Streaming,
  /// idempotent, resumable: a run that was killed goes on where its last durable batch ended.
  /// Errors: unknown_dataset, dataset_is_live, columns_missing, csv_malformed (no header), file_failed,
  /// store_failed, disk_full.
  Result<ImportReport> import(std::string_view dataset, const std::string& file,
                              const ImportOptions& options);

  /// read_rows normalises a file by a dataset's declaration without keeping records; `take` says
  /// whether the row was new or a repetition, or refuses it (then it is quarantined).
  enum class Taken : std::uint8_t { accepted, repeated };
  Result<ImportReport> read_rows(std::string_view dataset, const std::string& file,
                                 const ImportOptions& options,
                                 const std::function<Result<Taken>(const Row&)>& take);

  /// import_lines takes records sent over the API (one JSON object a line), same rules.
  Result<ImportReport> import_lines(std::string_view dataset, std::string_view lines);

  /// fetch resolves the subject, follows the tree or search, decrypts what is granted, asks the
  /// departments that keep their datasets themselves, and mints the Findings. A name no registry
  /// knows is a Person that does not exist, and costs the same time; a department that fails
  /// withholds its fields and nothing else. Waits (on this thread's Home) only where a department
  /// is asked. Errors: unknown_subject_form, malformed_value, too_many_subjects, store_failed,
  /// seal_broken.
  Task<Result<Findings>> fetch(Clearance clearance) const;

  /// LiveStanding is how the source of a live dataset fares; `last_failure` never holds a value.
  struct LiveStanding {
    std::string dataset, where;
    bool resting = false;  // it failed too often and is left alone for a while
    std::uint64_t answered = 0, failed = 0, spared = 0, wrong_values = 0;
    std::string last_failure;
  };
  std::vector<LiveStanding> live_standings() const;

  /// roll says who the listed citizens of a bulk question are, without decrypting anything, so that
  /// the whole of it is judged once. `citizens`: 13 digits each, ascending, distinct. Errors:
  /// list_unknown (it is not the list that was signed), store_failed.
  Result<Findings> roll(Clearance clearance, const std::vector<std::string>& citizens) const;
  /// fetch_part decrypts what is granted of `count` citizens of a settled roll, from place `from` on.
  /// Errors: as fetch's.
  Result<Findings> fetch_part(const Findings& roll, std::size_t from, std::size_t count) const;
  /// list_digest is what a bulk question names a list by (ListAsked).
  static Digest list_digest(const std::vector<std::string>& citizens);

  /// subject_of_question normalises the subject a question names, where it names one citizen
  /// directly; nothing if it is a search. Errors: unknown_subject_form, malformed_value.
  Result<std::optional<SubjectName>> subject_of_question(const Question& question) const;

  /// erase destroys the keys of a citizen and of what only they hold (their numbers), removes
  /// their records and index postings and rewrites the files. Returns the records removed.
  /// Errors: no_record, store_failed.
  struct Erased {
    std::uint64_t records = 0, keys = 0;
    Label label{};
  };
  Result<Erased> erase(const SubjectName& citizen);

  /// each_subject visits every subject once with its label in the ledger, and every phone number
  /// with the citizen whose record names it (repeatedly, if several records do). It opens every
  /// record: for projections, never on the way of an answer. Errors: store_failed, seal_broken.
  using EachSubject = std::function<void(const SubjectName& name, const Label& label)>;
  using EachNumber = std::function<void(const SubjectName& number, const SubjectName& citizen)>;
  Result<void> each_subject(const EachSubject& subject, const EachNumber& number) const;

  /// Version is one version of one record about a citizen, every value of it. For the trace, which
  /// dates a leak by the versions of its values and renders an old answer again.
  struct Version {
    DatasetId dataset{};
    Tag record{};
    std::uint32_t version = 0;
    Moment taken_in{};
    std::vector<std::pair<FieldId, std::string>> values;  // ascending by field; not empty
  };
  /// versions_of reads every version that is kept of a citizen's records and of the records about
  /// numbers he holds or held: by dataset, record, then version. It opens everything there is about
  /// him: never on the way of an answer. Errors: store_failed, seal_broken.
  Result<std::vector<Version>> versions_of(const SubjectName& citizen) const;

  /// Traits is what the records say of a citizen where the catalog declares a `trait`: values as
  /// kept, addresses folded. Personal data.
  struct Traits {
    SubjectName name;
    Label label{};
    Tag tag{};
    std::string sex, born;  // born: ISO date
    std::vector<std::string> addresses;
  };
  /// each_traits visits every citizen of the datasets that declare traits, once a record. It opens
  /// every record: for reports, never on the way of an answer. Errors: store_failed, seal_broken.
  Result<void> each_traits(const std::function<void(const Traits&)>& visit) const;
  /// invent makes citizens nobody is, drawn after those the registers have, with kin, numbers,
  /// calls, stays and reports, whose numbers come from the catalog's [rules.reserved].
  /// `before_write` is told who they will be before the first record is written: a crash leaves
  /// none unplanted. Errors: usage_wrong (no reserved numbers, or none free; too few real
  /// citizens), store_failed, seal_broken, disk_full, file_failed, what before_write gives.
  struct Invented {
    std::vector<SubjectName> citizens, kin;        // the kin are there for the sake of the citizens
    std::vector<std::string> numbers;              // of theirs
    std::map<std::string, std::uint64_t> records;  // to be written, by dataset
  };
  struct InventOptions {
    std::uint64_t citizens = 0;
    std::function<bool(const SubjectName&)> invented;  // already: never drawn after
    std::function<Result<void>(const Invented&)> before_write;
    std::function<void(std::uint64_t done, std::uint64_t sampled)> progress;  // may be null
  };
  Result<Invented> invent(const InventOptions& options);

  struct DatasetCount {
    std::string dataset;
    std::uint64_t records = 0;
  };
  Result<std::vector<DatasetCount>> counts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace amanat::registry
