#include "trace/trace.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "crypto/crypto.h"
#include "model/insist.h"

namespace amanat::trace {
namespace {

constexpr std::string_view kHead = "amanat trace names 1\n";
constexpr std::size_t kNamesBytesMax = std::size_t{4} << 30;

/// Names are who is who, as keyed hashes: labels of the ledger, phones of citizens. Kept in a file,
/// because a label costs 60 µs.
struct Names {
  std::uint64_t mark = 0;  // records_mark when they were read
  bool known = false;
  std::vector<std::pair<Label, std::uint64_t>> labels;
  Aliases aliases;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> phones;

  std::optional<std::uint64_t> of(const Label& label) const {
    const auto at = std::lower_bound(labels.begin(), labels.end(), label,
                                     [](const auto& a, const Label& b) { return a.first < b; });
    if (at == labels.end() || at->first != label) return std::nullopt;
    return at->second;
  }
  void settle() {
    std::sort(labels.begin(), labels.end());
    std::sort(phones.begin(), phones.end());
    phones.erase(std::unique(phones.begin(), phones.end()), phones.end());
    aliases = {};
    for (const auto& [phone, citizen] : phones) aliases.add(phone, citizen);
    aliases.sort();
    known = true;
  }
};

void put(std::string& out, std::uint64_t n) {
  std::array<char, 8> bytes{};
  std::memcpy(bytes.data(), &n, bytes.size());
  out.append(bytes.data(), bytes.size());
}

std::string encode(const Names& names) {
  std::string out(kHead);
  put(out, names.mark);
  put(out, names.labels.size());
  put(out, names.phones.size());
  for (const auto& [label, hash] : names.labels) {
    out.append(crypto::text_of(label));
    put(out, hash);
  }
  for (const auto& [phone, citizen] : names.phones) {
    put(out, phone);
    put(out, citizen);
  }
  return out;
}

// decode gives empty names for anything but a whole file: they can be read again.
Names decode(std::string_view text) {
  Names names;
  if (!text.starts_with(kHead) || text.size() < kHead.size() + 24) return names;
  text.remove_prefix(kHead.size());
  const auto number = [&] {
    std::uint64_t n = 0;
    std::memcpy(&n, text.data(), 8);
    text.remove_prefix(8);
    return n;
  };
  names.mark = number();
  const std::uint64_t labels = number(), phones = number();
  if (labels > kNamesBytesMax || phones > kNamesBytesMax ||
      text.size() != labels * 40 + phones * 16)
    return {};
  names.labels.resize(static_cast<std::size_t>(labels));
  for (auto& [label, hash] : names.labels) {
    std::memcpy(label.data(), text.data(), label.size());
    text.remove_prefix(label.size());
    hash = number();
  }
  names.phones.resize(static_cast<std::size_t>(phones));
  for (auto& [phone, citizen] : names.phones) {
    phone = number();
    citizen = number();
  }
  names.settle();
  return names;
}

// canonical is the form of a subject's name that the reader finds in a leak; empty for others.
std::string_view canonical(const SubjectName& name) {
  std::string_view value = name.value;
  if (name.kind == SubjectKind::national_id && value.size() == kNationalIdDigits) return value;
  if (name.kind == SubjectKind::msisdn && value.starts_with('+') &&
      value.size() == kMsisdnDigits + 1)
    return value.substr(1);
  return {};
}

}  // namespace

struct Trace::State {
  TraceOptions options;
  Sources sources;
  IdentifierHash hash;
  std::unique_ptr<Index> index;
  Names names;

  State(const TraceOptions& o, Sources s) : options(o), sources(std::move(s)), hash(o.key) {}
  storage::Disk& disk() const {
    return options.disk != nullptr ? *options.disk : storage::system_disk();
  }
  std::string names_path() const { return options.directory + "/names"; }

  Result<void> learn() {
    auto mark = sources.records_mark();
    if (!mark) return std::unexpected(mark.error());
    if (names.known && names.mark == *mark) return {};
    Names fresh;
    fresh.mark = *mark;
    auto read = sources.each_subject(
        [&](const SubjectName& name, const Label& label) {
          const auto digits = canonical(name);
          if (!digits.empty()) fresh.labels.emplace_back(label, hash(digits));
        },
        [&](const SubjectName& number, const SubjectName& citizen) {
          const auto phone = canonical(number), id = canonical(citizen);
          if (!phone.empty() && !id.empty()) fresh.phones.emplace_back(hash(phone), hash(id));
        });
    if (!read) return read;
    fresh.settle();
    // A disclosure that was left out because nobody knew of whom it was may have a name now.
    const bool renamed = names.known && index->nameless() > 0;
    names = std::move(fresh);
    if (renamed)
      if (auto r = index->forget(); !r) return r;
    return storage::replace_file(disk(), names_path(), encode(names));
  }
};

Trace::Trace(std::unique_ptr<State> state) : state_(std::move(state)) {}
Trace::~Trace() = default;

Result<std::unique_ptr<Trace>> Trace::open(const TraceOptions& options, Sources sources) {
  auto state = std::make_unique<State>(options, std::move(sources));
  auto index = Index::open({options.directory, options.disk});
  if (!index) return std::unexpected(index.error());
  state->index = *std::move(index);
  if (auto text = storage::read_file(state->names_path(), kNamesBytesMax))
    state->names = decode(*text);
  return std::unique_ptr<Trace>(new Trace(std::move(state)));
}

Result<void> Trace::catch_up(const std::atomic<bool>* stop) {
  State& s = *state_;
  const bool new_names = !s.names.known;
  if (auto r = s.learn(); !r) return r;
  bool erased = false, unknown = false;
  const ScanLedger watched = [&](EntryIndex from, const auto& visit) {
    return s.sources.scan(from, [&](const ledger::Opened& entry) {
      erased = erased || entry.type == EntryType::erasure;
      return visit(entry);
    });
  };
  const NameOfLabel name = [&](const Label& label) {
    auto hash = s.names.of(label);
    unknown = unknown || !hash;
    return hash;
  };
  const std::uint64_t before = s.index->snapshot()->entries;
  // Names that were lost may have been others when the index was made.
  if (new_names && before > 0)
    if (auto r = s.index->forget(); !r) return r;
  if (auto r = s.index->catch_up(watched, name, stop); !r) return r;
  if (!erased || before == 0) return {};
  if (auto r = s.index->forget(); !r) return r;
  return s.index->catch_up(s.sources.scan, name, stop);
}

Result<Outcome> Trace::run(const std::string& file, const RunOptions& options) {
  return run_with([&file](const ReadOptions& how) { return read_leak(file, how); }, options);
}

Result<Outcome> Trace::run_at(const net::ReadAt& read, std::uint64_t size, const std::string& name,
                              const RunOptions& options) {
  return run_with([&](const ReadOptions& how) { return read_leak_at(read, size, name, how); },
                  options);
}

Result<Outcome> Trace::run_with(const Read& read_with, const RunOptions& options) {
  State& s = *state_;
  if (auto r = catch_up(options.stop); !r) return std::unexpected(r.error());
  const auto snapshot = s.index->snapshot();
  Matcher matcher(s.hash, snapshot, s.names.aliases, {options.on_match});
  ReadOptions reading;
  reading.limits = options.limits;
  reading.on_row = [&matcher](const LeakRow& row) { matcher.take(row); };
  reading.progress = options.progress;
  reading.stop = options.stop;
  auto read = read_with(reading);
  if (!read) return std::unexpected(read.error());
  Outcome outcome;
  outcome.read = *std::move(read);
  outcome.match = matcher.finish(outcome.read);
  outcome.ledger_entries = snapshot->entries;
  outcome.disclosures = snapshot->disclosures();
  outcome.nameless = s.index->nameless();
  return outcome;
}

std::shared_ptr<const Snapshot> Trace::snapshot() const { return state_->index->snapshot(); }

}  // namespace amanat::trace
