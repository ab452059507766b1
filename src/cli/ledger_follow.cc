// amanat ledger follow: a monitor of a served log. It prints each entry once, as an event that a
// SIEM takes, holds every head to the one before it, and writes a fork proof if they contradict.

#include <unistd.h>

#include <chrono>
#include <ctime>
#include <thread>

#include "cli/commands.h"
#include "cli/terminal.h"
#include "crypto/crypto.h"
#include "ledger/audit.h"
#include "ledger/fork.h"
#include "ledger/proof.h"
#include "ledger/tile.h"
#include "ledger/tree.h"
#include "net/http.h"
#include "net/json.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

constexpr auto kEvery = std::chrono::milliseconds(1000);

/// Remote reads a log over HTTPS on one kept connection.
class Remote : public ledger::LogSource {
 public:
  Remote(std::string url, std::string ca) {
    options_.url = std::move(url);
    options_.ca_file = std::move(ca);
  }
  Result<std::string> read(const std::string& path) override {
    for (const bool fresh : {client_ == nullptr, true}) {
      if (fresh) {
        auto connected = net::Client::connect(options_);
        if (!connected) return std::unexpected(std::move(connected.error()));
        client_ = std::make_unique<net::Client>(std::move(*connected));
      }
      auto reply = client_->ask("GET", "/ledger/" + path, "");
      if (!reply) {
        client_.reset();
        if (fresh) return std::unexpected(std::move(reply.error()));
        continue;
      }
      if (reply->status == 404) return fail(Reason::no_record, path);
      if (reply->status != 200)
        return fail(Reason::peer_unreachable, path + ": status " + std::to_string(reply->status));
      return std::move(reply->body);
    }
    return fail(Reason::peer_unreachable);
  }

 private:
  net::ClientOptions options_;
  std::unique_ptr<net::Client> client_;
};

enum class Format : std::uint8_t { text, json, ecs, ocsf };

std::string rfc3339(Moment moment) {
  const auto s = static_cast<std::time_t>(number(moment) / 1000);
  std::tm parts{};
  ::gmtime_r(&s, &parts);
  char date[32], whole[48];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(whole, sizeof whole, "%s.%03uZ", date,
                static_cast<unsigned>(number(moment) % 1000));
  return whole;
}

// The same five facts in each form: log, index, leaf hash, type, time. With index and leaf hash a
// SIEM's copy can be held to the log.
std::string event_of(Format format, const std::string& origin, std::uint64_t index,
                     const ledger::EntryHead& head, const Digest& leaf) {
  const std::string type = ledger::entry_type_name(head.type), time = rfc3339(head.time),
                    hash = crypto::hex(leaf);
  net::JsonWriter json;
  switch (format) {
    case Format::text:
      return time + "  " + std::to_string(index) + "  " + type + "\n";
    case Format::json:
      json.begin_object().key("time").string(time).key("origin").string(origin).key("index").number(
          index);
      json.key("type").string(type).key("leaf").string(hash).end_object();
      break;
    case Format::ecs:  // Elastic Common Schema 8
      json.begin_object()
          .key("@timestamp")
          .string(time)
          .key("ecs")
          .begin_object()
          .key("version")
          .string("8.11.0")
          .end_object();
      json.key("event")
          .begin_object()
          .key("kind")
          .string("event")
          .key("category")
          .begin_array()
          .string("database")
          .end_array();
      json.key("type").begin_array().string(type == "DENIED" ? "denied" : "access").end_array();
      json.key("action").string(type).key("id").string(origin + "/" + std::to_string(index));
      json.key("sequence")
          .number(index)
          .key("hash")
          .string(hash)
          .key("dataset")
          .string("amanat.ledger")
          .end_object();
      json.key("observer")
          .begin_object()
          .key("name")
          .string(origin)
          .key("product")
          .string("Amanat")
          .end_object();
      json.end_object();
      break;
    case Format::ocsf:  // Open Cybersecurity Schema Framework 1.3, class Datastore Activity (6005)
      json.begin_object()
          .key("class_uid")
          .number(6005)
          .key("category_uid")
          .number(6)
          .key("activity_id")
          .number(1);
      json.key("type_uid")
          .number(600501)
          .key("severity_id")
          .number(1)
          .key("time")
          .number(number(head.time));
      json.key("status_id").number(type == "DENIED" ? 2 : 1).key("metadata").begin_object();
      json.key("version").string("1.3.0").key("sequence").number(index);
      json.key("uid").string(origin + "/" + std::to_string(index)).key("product").begin_object();
      json.key("name")
          .string("Amanat")
          .key("vendor_name")
          .string("Amanat")
          .end_object()
          .end_object();
      json.key("unmapped")
          .begin_object()
          .key("entry_type")
          .string(type)
          .key("leaf_hash")
          .string(hash)
          .end_object();
      json.end_object();
      break;
  }
  return json.take() + "\n";
}

/// Watch is one run; what it prints is verified: signature, root, and every entry's place.
class Watch {
 public:
  Watch(const Call& call, const Emit& emit, const ledger::VerifierKey& log, Format format,
        std::uint64_t from, std::uint64_t count)
      : call_(call),
        emit_(emit),
        log_(log),
        format_(format),
        from_(from),
        left_(count),
        source_(call.option("url"), call.option("ca")) {}

  int run() {
    for (;;) {
      auto note = source_.read("checkpoint");
      if (!note) return complain(emit_, call_.manner, note.error());
      if (*note != last_) {
        const int verdict = take(*note);
        if (verdict >= 0) return verdict;
      }
      std::this_thread::sleep_for(kEvery);
    }
  }

 private:
  // -1: go on.
  int take(const std::string& note) {
    auto opened = ledger::open_checkpoint(note, log_);
    if (!opened) return complain(emit_, call_.manner, opened.error());
    const ledger::Checkpoint& head = opened->checkpoint;
    if (!last_.empty()) {
      auto fork = ledger::find_fork(last_, note, &source_, log_);
      if (!fork) return complain(emit_, call_.manner, fork.error());
      if (*fork) return forked(**fork);
      if (head.size < range_.size())
        return -1;  // an older head served by a slower copy: not a fork
    }
    auto shown = show(head);
    if (!shown) return complain(emit_, call_.manner, shown.error());
    if (*shown >= 0) return *shown;
    last_ = note;
    return -1;
  }

  int forked(const ledger::ForkProof& proof) {
    if (call_.has("out")) {
      auto put = storage::replace_file(storage::system_disk(), call_.option("out"),
                                       ledger::write_fork_proof(proof), 0644);
      if (!put) return complain(emit_, call_.manner, put.error());
    }
    emit_(2, "amanat: the log has forked: its key signed two histories" +
                 (call_.has("out") ? "; the proof is in " + call_.option("out") : std::string()) +
                 "\n");
    return 1;
  }

  Result<int> show(const ledger::Checkpoint& head) {
    ledger::CompactRange range = range_;
    std::string events;
    while (range.size() < head.size) {
      const std::uint64_t tile = range.size() / ledger::kTileWidth;
      const unsigned width = ledger::tile_width(0, tile, head.size);
      auto bundle =
          source_.read(ledger::tile_path({ledger::TileName::Kind::entries, 0, tile, width}));
      if (!bundle) return std::unexpected(std::move(bundle.error()));
      auto entries = ledger::parse_bundle(*bundle, width);
      if (!entries) return std::unexpected(std::move(entries.error()));
      for (std::size_t i = range.size() % ledger::kTileWidth; i < entries->size(); ++i) {
        const auto entry = (*entries)[i];
        const auto read = ledger::read_entry_head(entry);
        const Digest leaf = ledger::leaf_hash(entry);
        // Those before --from-entry are held to the root as well, and not shown again.
        if (read && range.size() >= from_)
          events += event_of(format_, head.origin, range.size(), *read, leaf);
        range.append(leaf);
      }
    }
    // Nothing is printed before it is known to be in the tree that was signed.
    if (range.root() != head.root)
      return fail(Reason::ledger_proof_wrong, "the entries are not those that were signed");
    range_ = std::move(range);
    return print(events);
  }

  int print(std::string_view events) {
    while (!events.empty()) {
      const std::size_t end = events.find('\n') + 1;
      emit_(1, events.substr(0, end));
      events.remove_prefix(end);
      if (left_ > 0 && --left_ == 0) return 0;
    }
    return -1;
  }

  const Call& call_;
  const Emit& emit_;
  const ledger::VerifierKey& log_;
  const Format format_;
  const std::uint64_t from_;
  std::uint64_t left_;
  Remote source_;
  ledger::CompactRange range_;
  std::string last_;
};

}  // namespace

int run_ledger_follow(const Call& call, const Emit& emit) {
  const auto log = ledger::parse_verifier_key(call.option("vkey"));
  if (!log) return complain(emit, call.manner, log.error());
  const std::string word = call.option_or("format", call.manner.json ? "json" : "text");
  Format format = Format::text;
  if (word == "json")
    format = Format::json;
  else if (word == "ecs")
    format = Format::ecs;
  else if (word == "ocsf")
    format = Format::ocsf;
  else if (word != "text")
    return complain(emit, call.manner,
                    Failure{Reason::usage_wrong, "--format is json, ecs or ocsf"});
  const auto count = ledger::parse_decimal(call.option_or("count", "0"));
  if (!count)
    return complain(emit, call.manner, Failure{Reason::usage_wrong, "--count is a number"});
  const auto from = ledger::parse_decimal(call.option_or("from-entry", "0"));
  if (!from)
    return complain(emit, call.manner, Failure{Reason::usage_wrong, "--from-entry is a number"});
  return Watch(call, emit, *log, format, *from, *count).run();
}

}  // namespace amanat::cli
