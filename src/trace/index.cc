#include "trace/index.h"

#include <algorithm>
#include <charconv>

#include "model/insist.h"

// Files: `segments`, one line a segment file, oldest first, replaced whole; what it does not name
// is removed at the next start. So a crash leaves the index before or after a step, never between.

namespace amanat::trace {
namespace {

constexpr std::string_view kHead = "amanat trace index 1\n", kNameless = "nameless ";

/// Run is what was read and not yet written.
struct Run {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> postings;  // hash, posting
  Covered covered;
};

Result<void> write_run(storage::Disk& disk, const std::string& path, Run& run) {
  std::sort(run.postings.begin(), run.postings.end());
  auto writer = SegmentWriter::create(disk, path);
  if (!writer) return std::unexpected(writer.error());
  std::vector<std::uint64_t> of_one;
  for (std::size_t i = 0; i < run.postings.size();) {
    const std::uint64_t hash = run.postings[i].first;
    of_one.clear();
    for (; i < run.postings.size() && run.postings[i].first == hash; ++i)
      of_one.push_back(run.postings[i].second);
    if (auto r = writer->add(hash, of_one); !r) return r;
  }
  return writer->finish(run.covered);
}

std::string file_name(std::uint64_t from, std::uint64_t to) {
  return "postings-" + std::to_string(from) + "-" + std::to_string(to);
}

}  // namespace

struct Index::State {
  IndexOptions options;
  storage::Disk* disk = nullptr;
  mutable std::mutex mutex;
  std::shared_ptr<const Snapshot> now = std::make_shared<Snapshot>();
  std::vector<std::string> names;  // of now's segments
  std::vector<std::string> field_sets;
  std::unordered_map<std::string, std::uint16_t> field_set_numbers;
  std::uint64_t nameless = 0;

  std::string path(const std::string& name) const { return options.directory + "/" + name; }

  Result<void> publish(std::vector<std::string> wanted) {
    std::string text(kHead);
    text += std::string(kNameless) + std::to_string(nameless) + "\n";
    for (const auto& n : wanted) text += n + "\n";
    auto next = std::make_shared<Snapshot>();
    for (const auto& n : wanted) {
      auto segment = Segment::open(path(n));
      if (!segment) return std::unexpected(segment.error());
      next->segments.push_back(std::make_shared<const Segment>(*std::move(segment)));
    }
    if (!next->segments.empty()) next->entries = next->segments.back()->covered().to;
    if (auto r = disk->sync_directory(options.directory); !r) return r;
    if (auto r = storage::replace_file(*disk, path("segments"), text); !r) return r;
    const std::vector<std::string> old = std::exchange(names, std::move(wanted));
    {
      const std::lock_guard lock(mutex);
      now = std::move(next);
    }
    // Whoever still searches an old file has it mapped; its bytes go when they are done.
    for (const auto& n : old)
      if (std::find(names.begin(), names.end(), n) == names.end()) (void)disk->remove(path(n));
    return {};
  }

  Result<void> load() {
    auto text = storage::read_file(path("segments"), 1u << 20);
    if (!text || !text->starts_with(kHead)) return publish({});
    std::vector<std::string> wanted;
    std::string_view rest = std::string_view(*text).substr(kHead.size());
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      const std::string_view line = rest.substr(0, end);
      if (line.starts_with(kNameless))
        std::from_chars(line.data() + kNameless.size(), line.data() + line.size(), nameless);
      else
        wanted.emplace_back(line);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    auto files = disk->list(options.directory);
    if (!files) return std::unexpected(files.error());
    for (const auto& file : *files)
      if (file.starts_with("postings-") &&
          std::find(wanted.begin(), wanted.end(), file) == wanted.end())
        if (auto r = disk->remove(path(file)); !r) return r;
    const auto loaded = publish(std::move(wanted));
    // It is a projection: what is damaged is made again rather than mourned.
    if (!loaded) {
      nameless = 0;
      return publish({});
    }
    if (!now->segments.empty()) field_sets = now->segments.back()->covered().field_sets;
    for (std::size_t i = 0; i < field_sets.size(); ++i)
      field_set_numbers.emplace(field_sets[i], static_cast<std::uint16_t>(i));
    return {};
  }

  std::uint16_t field_set(std::string_view bytes) {
    const auto it = field_set_numbers.find(std::string(bytes));
    if (it != field_set_numbers.end()) return it->second;
    if (field_sets.size() >= kFieldSetsMax) return kFieldsUnlisted;
    const auto number = static_cast<std::uint16_t>(field_sets.size());
    field_sets.emplace_back(bytes);
    field_set_numbers.emplace(bytes, number);
    return number;
  }

  Result<void> write(Run& run) {
    run.covered.field_sets = field_sets;
    const std::string name = file_name(run.covered.from, run.covered.to);
    if (auto r = write_run(*disk, path(name), run); !r) return r;
    auto wanted = names;
    wanted.push_back(name);
    if (auto r = publish(std::move(wanted)); !r) return r;
    return tidy();
  }

  // tidy merges the youngest two while the elder is not twice as large: each posting is written
  // again a logarithm of times, and there are as few segments.
  Result<void> tidy() {
    while (names.size() >= 2) {
      const auto& segments = now->segments;
      const std::uint64_t young = segments.back()->postings(),
                          elder = segments[segments.size() - 2]->postings();
      if (young * 2 < elder) return {};
      if (auto r = merge_last(2); !r) return r;
    }
    return {};
  }

  Result<void> merge_last(std::size_t n) {
    const auto snapshot = now;
    insist(n >= 2 && n <= snapshot->segments.size());
    std::vector<const Segment*> from;
    for (std::size_t i = snapshot->segments.size() - n; i < snapshot->segments.size(); ++i)
      from.push_back(snapshot->segments[i].get());
    const std::string name = file_name(from.front()->covered().from, from.back()->covered().to);
    if (auto r = merge(*disk, path(name), from); !r) return r;
    auto wanted = names;
    wanted.resize(wanted.size() - n);
    wanted.push_back(name);
    return publish(std::move(wanted));
  }
};

std::uint64_t Snapshot::disclosures() const {
  std::uint64_t n = 0;
  for (const auto& s : segments) n += s->postings();
  return n;
}
std::uint64_t Snapshot::bytes() const {
  std::uint64_t n = 0;
  for (const auto& s : segments) n += s->file_bytes();
  return n;
}

Index::Index(std::unique_ptr<State> state) : state_(std::move(state)) {}
Index::~Index() = default;

Result<std::unique_ptr<Index>> Index::open(const IndexOptions& options) {
  auto state = std::make_unique<State>();
  state->options = options;
  state->disk = options.disk != nullptr ? options.disk : &storage::system_disk();
  if (auto r = state->disk->make_directory(options.directory); !r)
    return std::unexpected(r.error());
  if (auto r = state->load(); !r) return std::unexpected(r.error());
  return std::unique_ptr<Index>(new Index(std::move(state)));
}

std::shared_ptr<const Snapshot> Index::snapshot() const {
  const std::lock_guard lock(state_->mutex);
  return state_->now;
}
std::uint64_t Index::nameless() const { return state_->nameless; }

std::optional<Posting> posting_of(const ledger::Opened& entry,
                                  const std::function<std::uint16_t(std::string_view)>& field_set) {
  if (entry.type != EntryType::disclosure || !entry.subject || !entry.actor) return std::nullopt;
  const std::uint64_t ms = number(entry.time);
  if (ms < kDayZeroMs || (ms - kDayZeroMs) / 86'400'000 >= kDaysMax) return std::nullopt;
  if (number(entry.actor->account) >= kAccountsMax) return std::nullopt;
  Posting p;
  p.account = entry.actor->account;
  p.day = static_cast<std::uint16_t>((ms - kDayZeroMs) / 86'400'000);
  // The greatest version among the records shown: u16 dataset, 16 bytes, u32 version, each.
  const std::string& versions = entry.parts[static_cast<std::size_t>(BodyPart::value_versions) - 1];
  constexpr std::size_t kVersionBytes = 22;
  std::uint32_t greatest = 0;
  for (std::size_t at = 0; at + kVersionBytes <= versions.size(); at += kVersionBytes) {
    std::uint32_t v = 0;
    for (std::size_t i = 18; i < kVersionBytes; ++i)
      v = v << 8 | static_cast<unsigned char>(versions[at + i]);
    greatest = std::max(greatest, v);
  }
  p.version = static_cast<std::uint16_t>(greatest % kVersions);
  p.fields = field_set(entry.parts[static_cast<std::size_t>(BodyPart::granted_fields) - 1]);
  return p;
}

Result<void> Index::catch_up(const ScanLedger& scan, const NameOfLabel& name,
                             const std::atomic<bool>* stop) {
  State& s = *state_;
  Run run;
  run.covered.from = run.covered.to = s.now->entries;
  Result<void> trouble;
  const auto number_of = [&s](std::string_view set) { return s.field_set(set); };
  const auto visit = [&](const ledger::Opened& entry) {
    if (stop != nullptr && stop->load(std::memory_order_relaxed)) {
      trouble = fail(Reason::trace_stopped);
      return false;
    }
    const std::uint64_t day = (std::max(number(entry.time), kDayZeroMs) - kDayZeroMs) / 86'400'000;
    if (run.covered.days.empty() || run.covered.days.back().day < day)
      run.covered.days.push_back({day, number(entry.index)});
    run.covered.to = number(entry.index) + 1;
    if (auto posting = posting_of(entry, number_of)) {
      if (const auto hash = name(*entry.subject))
        run.postings.emplace_back(*hash & kHashMask, pack(*posting));
      else
        ++s.nameless;
    }
    if (run.postings.size() < s.options.run_postings) return true;
    trouble = s.write(run);
    const std::uint64_t covered = run.covered.to;
    run = {};
    run.covered.from = run.covered.to = covered;
    return trouble.has_value();
  };
  if (auto r = scan(EntryIndex{run.covered.from}, visit); !r) return r;
  if (!trouble) return trouble;
  if (run.covered.to == run.covered.from) return {};
  return s.write(run);
}

Result<void> Index::compact() {
  const std::size_t n = state_->names.size();
  return n < 2 ? Result<void>{} : state_->merge_last(n);
}

Result<void> Index::forget() {
  state_->field_sets.clear();
  state_->field_set_numbers.clear();
  state_->nameless = 0;
  return state_->publish({});
}

}  // namespace amanat::trace
