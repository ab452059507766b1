#include <chrono>

#include "model/insist.h"
#include "registry/archive.h"
#include "registry/judge.h"
#include "registry/keep.h"
#include "registry/progress.h"
#include "registry/registry.h"
#include "registry/source.h"
#include "registry/state.h"

namespace amanat::registry {
namespace {

constexpr std::size_t kFirstQuarantined = 1000;
constexpr auto kProgressEvery = std::chrono::milliseconds(100);

/// Counter keeps a report while rows go by.
class Counter {
 public:
  Counter(ImportReport& report, const Dataset& dataset, Quarantine& quarantine)
      : report_(report), dataset_(dataset), quarantine_(quarantine) {}

  void begin_row(std::uint64_t line) {
    ++report_.rows;
    line_ = line;
  }
  void blank() { ++report_.blank; }
  void kept(bool repeated) { ++(repeated ? report_.repeated : report_.accepted); }
  void refuse(const Fault& fault) {
    ++report_.quarantined;
    ++report_.reasons[std::string(row_of(fault.reason).id)];
    const ImportReport::Quarantined one{
        report_.rows, line_, fault.reason,
        fault.whole_row ? std::string() : dataset_.fields[fault.field].name};
    quarantine_.add(one);
    if (report_.first_quarantined.size() < kFirstQuarantined)
      report_.first_quarantined.push_back(one);
  }
  void check() const {
    insist(report_.rows ==
           report_.accepted + report_.repeated + report_.blank + report_.quarantined);
  }

 private:
  ImportReport& report_;
  const Dataset& dataset_;
  Quarantine& quarantine_;
  std::uint64_t line_ = 0;
};

/// Teller calls the progress callback at most ten times a second.
class Teller {
 public:
  Teller(const ImportOptions& options, std::uint64_t total) : options_(options), total_(total) {}
  void tell(std::uint64_t done, std::uint64_t rows, bool last) {
    if (!options_.progress || (!last && rows % 256 != 0)) return;
    const auto now_is = std::chrono::steady_clock::now();
    if (!last && now_is - told_ < kProgressEvery) return;
    told_ = now_is;
    options_.progress(done, total_, rows);
  }

 private:
  const ImportOptions& options_;
  std::uint64_t total_;
  std::chrono::steady_clock::time_point told_{};
};

/// keep_row keeps every copy of a judged row; it is repeated if nothing of it was new.
Result<bool> keep_row(Keeper& keeper, const Judge& judge) {
  bool repeated = true;
  for (std::size_t copy = 0; copy < judge.copies(); ++copy) {
    // Two people without ID and with one name in one row are two people.
    std::size_t twin = 0;
    for (std::size_t before = 0; before < copy; ++before) {
      bool same = true;
      for (std::size_t f = 0; f < judge.copy(copy).size(); ++f)
        same = same && judge.copy(before)[f].value == judge.copy(copy)[f].value;
      twin += same ? 1 : 0;
    }
    auto kept = keeper.keep(judge.copy(copy), twin);
    if (!kept) return std::unexpected(kept.error());
    repeated = repeated && *kept == Kept::repeated;
  }
  return repeated;
}

/// take_all reads a source to its end into records, from where `progress` stands. `key` is the row
/// under which the progress is kept; empty: none is.
Result<ImportReport> take_all(Archive& archive, const Dataset& dataset, RowSource& source,
                              const ImportOptions& options, const std::string& key,
                              Progress progress) {
  auto quarantine = Quarantine::open(options.quarantine_file, progress.quarantine_bytes);
  if (!quarantine) return std::unexpected(quarantine.error());
  progress.report.dataset = dataset.name;
  progress.report.notes = source.notes();
  Keeper keeper(archive, dataset, progress.taken_in);
  Judge judge(archive.catalog.rules(), dataset);
  Counter counter(progress.report, dataset, *quarantine);
  Teller teller(options, source.bytes_total());
  std::size_t unsaved = 0;  // rows since the last commit, quarantined ones included
  const auto commit = [&](bool last) -> Result<void> {
    if (auto ok = quarantine->flush(); !ok) return ok;
    progress.quarantine_bytes = quarantine->bytes();
    unsaved = 0;
    return keeper.commit(key, last ? std::string() : encode(progress));
  };
  RawRow row;
  for (;;) {
    auto more = source.next(row);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    counter.begin_row(row.line);
    if (row.blank) {
      counter.blank();
    } else if (const auto fault = judge.judge(row)) {
      counter.refuse(*fault);
    } else {
      auto repeated = keep_row(keeper, judge);
      if (!repeated) return std::unexpected(repeated.error());
      counter.kept(*repeated);
    }
    progress.offset = row.end_offset;
    progress.line = row.next_line;
    if (++unsaved >= 10'000 || keeper.full())
      if (auto ok = commit(false); !ok) return std::unexpected(ok.error());
    teller.tell(row.end_offset, progress.report.rows, false);
  }
  if (auto ok = commit(true); !ok) return std::unexpected(ok.error());
  if (auto ok = archive.store.sync(); !ok) return std::unexpected(ok.error());
  counter.check();
  teller.tell(source.bytes_total(), progress.report.rows, true);
  return std::move(progress.report);
}

Result<const Dataset*> find_dataset(const Catalog& catalog, std::string_view name, bool keep) {
  const Dataset* dataset = catalog.dataset(name);
  if (dataset == nullptr) {
    const auto names = catalog.dataset_names();
    const auto near = nearest_word(name, names);
    return fail(Reason::unknown_dataset,
                near.empty() ? std::string() : "did you mean \"" + std::string(near) + "\"?");
  }
  if (dataset->tree)
    return fail(Reason::unknown_dataset, dataset->name + " is computed, not imported");
  if (dataset->live)
    return fail(Reason::dataset_is_live, dataset->name + " stays at " + dataset->live->where());
  if (dataset->keep != keep)
    return fail(Reason::unknown_dataset,
                dataset->name + (keep ? " is not kept as records" : " is kept as records"));
  return dataset;
}

}  // namespace

Result<ImportReport> Registry::import(std::string_view dataset_name, const std::string& file,
                                      const ImportOptions& options) {
  auto archive = state_->open();
  if (!archive) return std::unexpected(archive.error());
  auto dataset = find_dataset((*archive)->catalog, dataset_name, true);
  if (!dataset) return std::unexpected(dataset.error());
  auto source = open_source(file, **dataset);
  if (!source) return std::unexpected(source.error());
  auto key = fingerprint((*archive)->vault, (*dataset)->name, file);
  if (!key) return std::unexpected(key.error());
  std::string saved;
  auto begun = (*archive)->store.get(storage::Table::imports, *key, saved);
  if (!begun) return std::unexpected(begun.error());
  Progress progress;
  progress.taken_in = now();
  if (*begun) {
    if (auto known = decode_progress(saved); known && known->offset <= (*source)->bytes_total()) {
      progress = *std::move(known);
      if (auto ok = (*source)->seek(progress.offset, progress.line); !ok)
        return std::unexpected(ok.error());
    }
  }
  return take_all(**archive, **dataset, **source, options, *key, std::move(progress));
}

Result<ImportReport> Registry::import_lines(std::string_view dataset_name, std::string_view lines) {
  auto archive = state_->open();
  if (!archive) return std::unexpected(archive.error());
  auto dataset = find_dataset((*archive)->catalog, dataset_name, true);
  if (!dataset) return std::unexpected(dataset.error());
  const auto source = lines_source(lines, **dataset);
  Progress progress;
  progress.taken_in = now();
  return take_all(**archive, **dataset, *source, ImportOptions{}, std::string(),
                  std::move(progress));
}

const std::string& Row::value(std::string_view field) const {
  static const std::string empty;
  const auto at = values.find(field);
  return at == values.end() ? empty : at->second;
}

Result<ImportReport> Registry::read_rows(std::string_view dataset_name, const std::string& file,
                                         const ImportOptions& options,
                                         const std::function<Result<Taken>(const Row&)>& take) {
  insist(take != nullptr);
  const Catalog& catalog = state_->catalog;
  auto found = find_dataset(catalog, dataset_name, false);
  if (!found) return std::unexpected(found.error());
  const Dataset& dataset = **found;
  auto source = open_source(file, dataset);
  if (!source) return std::unexpected(source.error());
  auto quarantine = Quarantine::open(options.quarantine_file, 0);
  if (!quarantine) return std::unexpected(quarantine.error());
  ImportReport report;
  report.dataset = dataset.name;
  report.notes = (*source)->notes();
  Judge judge(catalog.rules(), dataset);
  Counter counter(report, dataset, *quarantine);
  Teller teller(options, (*source)->bytes_total());
  RawRow raw;
  std::vector<std::string> values;
  for (;;) {
    auto more = (*source)->next(raw);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    counter.begin_row(raw.line);
    if (raw.blank) {
      counter.blank();
      continue;
    }
    if (const auto fault = judge.joined(raw, values)) {
      counter.refuse(*fault);
      continue;
    }
    Row row{.row = report.rows, .values = {}};
    for (std::size_t f = 0; f < values.size(); ++f)
      if (!values[f].empty()) row.values.emplace(dataset.fields[f].name, values[f]);
    auto taken = take(row);
    if (taken)
      counter.kept(*taken == Taken::repeated);
    else if (row_of(taken.error().reason).refused)
      counter.refuse(Fault{taken.error().reason, 0, true});
    else
      return std::unexpected(taken.error());  // trouble is not the row's fault
    teller.tell(raw.end_offset, report.rows, false);
  }
  if (auto ok = quarantine->flush(); !ok) return std::unexpected(ok.error());
  counter.check();
  teller.tell((*source)->bytes_total(), report.rows, true);
  return report;
}

}  // namespace amanat::registry
