// amanat ledger fsck, audit: everything a ledger's own exchange can check of it.

#include <algorithm>
#include <chrono>

#include "cli/commands.h"
#include "cli/terminal.h"
#include "cli/when_ready.h"
#include "crypto/crypto.h"
#include "ledger/fork.h"
#include "ledger/refold.h"
#include "net/json.h"
#include "server/engine.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

/// Served reads a running ledger as the world does.
class Served : public ledger::LogSource {
 public:
  explicit Served(const ledger::Ledger& log, std::string checkpoint = "")
      : log_(log), checkpoint_(checkpoint.empty() ? log.checkpoint() : std::move(checkpoint)) {}
  Result<std::string> read(const std::string& path) override {
    if (path == "checkpoint") return checkpoint_;
    auto bytes = log_.resource(path);
    if (!bytes && bytes.error().reason == Reason::pruned) return fail(Reason::no_record, path);
    return bytes;
  }

 private:
  const ledger::Ledger& log_;
  const std::string checkpoint_;
};

struct Found {
  std::uint64_t entries = 0, opened = 0, erased = 0, pruned = 0, epochs = 0, citizens = 0, heads = 0;
  std::string problem;
};

Result<Found> check_frames(server::Exchange& exchange, const Call& call, const Emit& emit) {
  Progress progress(call.manner, emit, "frames and tiles");
  auto verdict = server::verify_ledger(exchange.home(), exchange.ledger().vkey(),
                                       [&](std::uint64_t done) { progress.show(0, 0, done, "entries"); });
  if (!verdict) return std::unexpected(std::move(verdict.error()));
  Found found;
  found.entries = verdict->size;
  found.problem = verdict->problem;
  return found;
}

Result<void> check_openings(server::Exchange& exchange, const Call& call, const Emit& emit, Found& found) {
  Progress progress(call.manner, emit, "openings");
  auto openings = exchange.check_openings([&](std::uint64_t done) { progress.show(0, 0, done, "entries"); });
  if (!openings) return std::unexpected(std::move(openings.error()));
  found.opened = openings->opened;
  found.erased = openings->erased;
  found.pruned = openings->pruned;
  found.problem = openings->problem;
  return {};
}

Result<void> check_map(server::Exchange& exchange, const Call& call, const Emit& emit, Found& found) {
  auto key = exchange.map_key();
  if (!key) return std::unexpected(std::move(key.error()));
  std::vector<ledger::FeedLine> lines;
  Served source(exchange.ledger());
  auto fed = when_ready(call, [&] {
    lines.clear();
    return exchange.ledger().audit_feed(EntryIndex{0}, [&](std::string_view line) {
      if (auto parsed = ledger::parse_feed_line(line.substr(0, line.size() - 1))) lines.push_back(*std::move(parsed));
    });
  });
  if (!fed) return fed;
  std::size_t at = 0;
  const ledger::Feed feed = [&]() -> Result<std::optional<ledger::FeedLine>> {
    if (at == lines.size()) return std::optional<ledger::FeedLine>{};
    return std::optional(lines[at++]);
  };
  const auto log = ledger::parse_verifier_key(exchange.ledger().vkey());
  if (!log) return std::unexpected(log.error());
  ledger::RefoldOptions options;
  options.allow_erased = true;
  Progress progress(call.manner, emit, "map");
  options.progress = [&](std::uint64_t done, std::uint64_t size) { progress.show(done, size, done, "entries"); };
  auto refold = ledger::refold_log(source, *log, *key, feed, options);
  if (!refold) return std::unexpected(std::move(refold.error()));
  found.epochs = refold->epochs;
  found.citizens = refold->citizens;
  found.problem = refold->problem;
  return {};
}

Result<void> check_heads(server::Exchange& exchange, const Call&, const Emit&, Found& found) {
  auto heads = exchange.ledger().check_heads();
  if (!heads) return std::unexpected(std::move(heads.error()));
  found.heads = heads->heads;
  found.problem = heads->problem;
  return {};
}

int report(const Call& call, const Emit& emit, const Found& found, double took) {
  const bool holds = found.problem.empty();
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("holds").boolean(holds).key("entries").number(found.entries);
    json.key("opened").number(found.opened).key("erased").number(found.erased).key("pruned").number(found.pruned);
    json.key("epochs").number(found.epochs).key("citizens").number(found.citizens);
    json.key("heads").number(found.heads).key("problem");
    if (holds) json.null();
    else json.string(found.problem);
    json.end_object();
    emit(1, json.take() + "\n");
    return holds ? 0 : 1;
  }
  if (!holds) {
    emit(1, painted(call.manner, Paint::bad, "The ledger does not hold.") + "\n  " + visible(found.problem) + "\n");
    return 1;
  }
  emit(1, painted(call.manner, Paint::good, "Everything holds.") + "\n  " + grouped(found.entries) +
              " entries: every frame, leaf, root, tile and signature\n  " + grouped(found.opened) +
              " openings open exactly their entry, " + grouped(found.erased) + " are erased, " + grouped(found.pruned) +
              " entries are pruned\n  " +
              grouped(found.epochs) + " epochs refold to the map of " + grouped(found.citizens) + " citizens\n  " +
              grouped(found.heads) + " heads published with epochs are of this tree\n  in " + seconds(took) + "\n");
  return 0;
}

}  // namespace

int run_ledger_fsck(server::Exchange& exchange, const Call& call, const Emit& emit) {
  const auto began = std::chrono::steady_clock::now();
  auto found = check_frames(exchange, call, emit);
  if (!found) return complain(emit, call.manner, found.error());
  for (const auto check : {check_openings, check_map, check_heads}) {
    if (!found->problem.empty()) break;
    if (auto checked = check(exchange, call, emit, *found); !checked)
      return complain(emit, call.manner, checked.error());
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  return report(call, emit, *found, took.count());
}

namespace {

// A file, or "epoch:123": the head that was published with that epoch, kept for ever.
Result<std::string> head_named(const ledger::Ledger& log, const std::string& name) {
  constexpr std::string_view kEpoch = "epoch:";
  if (!name.starts_with(kEpoch)) return storage::read_file(name, ledger::kNoteBytesMax);
  const auto epoch = ledger::parse_decimal(std::string_view(name).substr(kEpoch.size()));
  if (!epoch) return fail(Reason::usage_wrong, "epoch:N, with N a number from 1");
  return log.head_of_epoch(*epoch);
}

}  // namespace

int run_ledger_audit(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto older = head_named(exchange.ledger(), call.words[0]);
  if (!older) return complain(emit, call.manner, older.error());
  std::string newer = exchange.ledger().checkpoint();
  if (call.words.size() > 1) {
    auto given = head_named(exchange.ledger(), call.words[1]);
    if (!given) return complain(emit, call.manner, given.error());
    newer = *std::move(given);
  }
  const auto log = ledger::parse_verifier_key(exchange.ledger().vkey());
  if (!log) return complain(emit, call.manner, log.error());
  Served source(exchange.ledger(), newer);
  auto fork = ledger::find_fork(*older, newer, &source, *log);
  if (!fork) return complain(emit, call.manner, fork.error());
  const bool forked = fork->has_value();
  if (forked && call.has("out")) {
    auto put = storage::replace_file(storage::system_disk(), call.option("out"), ledger::write_fork_proof(**fork), 0644);
    if (!put) return complain(emit, call.manner, put.error());
  }
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("consistent").boolean(!forked).end_object();
    emit(1, json.take() + "\n");
  } else {
    emit(1, forked ? painted(call.manner, Paint::bad, "The log's key signed two trees that contradict each other.") + "\n"
                   : painted(call.manner, Paint::good, "One is a beginning of the other.") + "\n");
  }
  return forked ? 1 : 0;
}

}  // namespace amanat::cli
