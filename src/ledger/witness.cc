#include "ledger/witness.h"

#include <algorithm>
#include <optional>
#include <set>

#include "crypto/crypto.h"
#include "ledger/proof.h"
#include "ledger/tree.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::string_view kStateMagic = "amanat-witness/1\n";
constexpr std::size_t kStateBytesMax = 64u << 20;
constexpr std::string_view kOld = "old ";

std::unexpected<Failure> malformed(std::string what) {
  return fail(Reason::note_malformed, std::move(what));
}

std::optional<std::string_view> next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

std::string hash_of_origin(std::string_view origin) { return crypto::hex(crypto::sha256(origin)); }

Witness::Said refuse(unsigned status, std::string_view why) {
  return {status, "text/plain; charset=utf-8", std::string(why) + "\n"};
}

}  // namespace

std::string write_add_checkpoint(const AddCheckpoint& add) {
  insist(add.proof.size() <= kProofHashesMax);
  std::string body(kOld);
  body += std::to_string(add.old_size);
  body += '\n';
  for (const Digest& hash : add.proof) {
    crypto::append_base64(body, hash);
    body += '\n';
  }
  body += '\n';
  return body += add.checkpoint;
}

Result<AddCheckpoint> parse_add_checkpoint(std::string_view body) {
  if (body.size() > kAddCheckpointBytesMax) return malformed("the body is too large");
  AddCheckpoint add;
  const auto first = next_line(body);
  const auto old =
      first && first->starts_with(kOld) ? parse_decimal(first->substr(kOld.size())) : std::nullopt;
  if (!old) return malformed("the first line is not: old SIZE");
  add.old_size = *old;
  for (;;) {
    const auto line = next_line(body);
    if (!line) return malformed("there is no blank line before the checkpoint");
    if (line->empty()) break;
    const auto hash = crypto::from_base64(*line);
    if (!hash || hash->size() != sizeof(Digest)) return malformed("a proof line is not a hash");
    if (add.proof.size() == kProofHashesMax) return malformed("more than 63 proof lines");
    std::memcpy(add.proof.emplace_back().data(), hash->data(), hash->size());
  }
  add.checkpoint = body;
  return add;
}

std::string monitoring_path(std::string_view origin) {
  return "/" + hash_of_origin(origin) + "/checkpoint";
}

Witness::Witness(storage::Disk& disk, std::string state_file, Cosigner cosigner,
                 std::vector<VerifierKey> logs, std::function<Moment()> clock)
    : disk_(disk),
      state_file_(std::move(state_file)),
      cosigner_(std::move(cosigner)),
      logs_(std::move(logs)),
      clock_(clock ? std::move(clock) : std::function<Moment()>(now)) {}

Result<void> Witness::create(storage::Disk& disk, const std::string& state_file) {
  auto there = disk.open(state_file, storage::Disk::Open::existing);
  if (there) return fail(Reason::exchange_exists, state_file);
  std::string bytes(kStateMagic);
  bytes += crypto::hex(crypto::sha256(bytes)) + "\n";
  return storage::replace_file(disk, state_file, bytes);
}

Result<std::unique_ptr<Witness>> Witness::open(storage::Disk& disk, std::string state_file,
                                               std::string_view name, const Key256& seed,
                                               std::vector<VerifierKey> logs,
                                               std::function<Moment()> clock) {
  std::set<std::string> origins;
  for (const VerifierKey& log : logs)
    if (log.type != SignatureType::ed25519 || !origins.insert(log.name).second)
      return fail(Reason::config_wrong, "a log is named twice, or its key is a witness's");
  auto file = disk.open(state_file, storage::Disk::Open::existing);
  if (!file) return std::unexpected(std::move(file.error()));
  auto size = (*file)->size();
  if (!size) return std::unexpected(std::move(size.error()));
  if (*size > kStateBytesMax) return fail(Reason::ledger_corrupt, "the witness's state: its size");
  std::string bytes;
  if (auto read = (*file)->read_at(0, static_cast<std::size_t>(*size), bytes); !read)
    return std::unexpected(std::move(read.error()));
  std::unique_ptr<Witness> witness(new Witness(disk, std::move(state_file), Cosigner(name, seed),
                                               std::move(logs), std::move(clock)));
  if (auto loaded = witness->load(bytes); !loaded)
    return std::unexpected(std::move(loaded.error()));
  return witness;
}

// The state: magic; for each origin "note BYTES" and the last note; the hash of all before it.
std::string Witness::encode() const {
  std::string out(kStateMagic);
  for (const auto& [origin, held] : held_)
    out += "note " + std::to_string(held.note.size()) + "\n" + held.note;
  out += crypto::hex(crypto::sha256(out)) + "\n";
  return out;
}

Result<void> Witness::load(std::string_view bytes) {
  const auto bad = [] { return fail(Reason::ledger_corrupt, "the witness's state is damaged"); };
  constexpr std::size_t kHash = 65;
  if (bytes.size() < kStateMagic.size() + kHash) return bad();
  const auto content = bytes.substr(0, bytes.size() - kHash);
  if (crypto::hex(crypto::sha256(content)) + "\n" != bytes.substr(content.size())) return bad();
  std::string_view rest = content;
  if (!rest.starts_with(kStateMagic)) return bad();
  rest.remove_prefix(kStateMagic.size());
  while (!rest.empty()) {
    const auto line = next_line(rest);
    const auto length =
        line && line->starts_with("note ") ? parse_decimal(line->substr(5)) : std::nullopt;
    if (!length || *length > rest.size()) return bad();
    const auto note = rest.substr(0, static_cast<std::size_t>(*length));
    rest.remove_prefix(note.size());
    const VerifierKey ours[] = {verifier()};
    auto opened = open_note(note, ours);  // what another key cosigned is no state of ours
    if (!opened) return bad();
    auto checkpoint = parse_checkpoint(opened->text);
    if (!checkpoint) return bad();
    for (const NoteSigned& s : opened->signed_by) last_time_ = std::max(last_time_, s.time);
    held_[checkpoint->origin] = {checkpoint->size, checkpoint->root, std::string(note)};
  }
  return {};
}

Witness::Said Witness::answer(std::string_view method, std::string_view path,
                              std::string_view body) {
  if (path == "/add-checkpoint")
    return method == "POST" ? add_checkpoint(body) : refuse(405, "this takes POST");
  constexpr std::string_view kEnd = "/checkpoint";
  if (path.starts_with('/') && path.ends_with(kEnd) && path.size() == 1 + 64 + kEnd.size())
    return method == "GET" ? latest(path.substr(1, 64)) : refuse(405, "this takes GET");
  return refuse(404, "nothing is here");
}

Witness::Said Witness::latest(std::string_view origin_hash) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [origin, held] : held_)
    if (hash_of_origin(origin) == origin_hash) return {200, "text/plain; charset=utf-8", held.note};
  return refuse(404, "no checkpoint of this log was cosigned here");
}

Witness::Said Witness::add_checkpoint(std::string_view body) {
  const auto add = parse_add_checkpoint(body);
  if (!add) return refuse(400, add.error().detail);
  return judge(*add);
}

Witness::Said Witness::judge(const AddCheckpoint& add) {
  const auto note = parse_note(add.checkpoint);
  if (!note) return refuse(400, note.error().detail);
  const auto checkpoint = parse_checkpoint_form(note->text);
  if (!checkpoint) return refuse(400, checkpoint.error().detail);
  const auto log = std::ranges::find_if(
      logs_, [&](const VerifierKey& key) { return key.name == checkpoint->origin; });
  if (log == logs_.end()) return refuse(404, "this log is not witnessed here");
  const VerifierKey known[] = {*log};
  if (const auto opened = open_note(add.checkpoint, known); !opened)
    return refuse(403, opened.error().detail);
  if (add.old_size > checkpoint->size) return refuse(400, "old is larger than the checkpoint");

  const std::lock_guard lock(mutex_);  // compare and store: one step
  const auto at = held_.find(checkpoint->origin);
  const Held held = at == held_.end() ? Held{0, empty_root(), {}} : at->second;
  if (add.old_size != held.size) return {409, "text/x.tlog.size", std::to_string(held.size) + "\n"};
  if (checkpoint->size == 0 && checkpoint->root != empty_root())
    return refuse(422, "size 0 with another root than the empty tree's");
  if (held.size == 0) {
    if (!add.proof.empty()) return refuse(422, "a proof from size 0 is empty");
  } else if (const auto grown = verify_consistency(held.size, checkpoint->size, add.proof,
                                                   held.root, checkpoint->root);
             !grown) {
    return refuse(422, grown.error().detail);
  }
  return cosign(*checkpoint, add.checkpoint);
}

// Under the lock. What is kept is the log's own signature and ours: lines of unknown keys are not
// vouched for, so they are not stored either.
Witness::Said Witness::cosign(const Checkpoint& checkpoint, const std::string& note) {
  const auto parsed = parse_note(note);
  insist(parsed.has_value());
  last_time_ = std::max(last_time_, std::max<std::uint64_t>(1, number(clock_()) / 1000));
  const std::string line = cosigner_.line(parsed->text, last_time_);
  const auto log = std::ranges::find_if(
      logs_, [&](const VerifierKey& key) { return key.name == checkpoint.origin; });
  insist(log != logs_.end());
  const VerifierKey trusted[] = {*log};
  const Held before = held_[checkpoint.origin];
  held_[checkpoint.origin] = {checkpoint.size, checkpoint.root, keep_lines(note, trusted) + line};
  if (auto stored = storage::replace_file(disk_, state_file_, encode()); !stored) {
    // Perhaps it is stored, perhaps not: what was cosigned before is what we vouch for, and the
    // next submission is judged against it. Nothing was said, so nothing is taken back.
    if (before.note.empty())
      held_.erase(checkpoint.origin);
    else
      held_[checkpoint.origin] = before;
    return refuse(503, "the checkpoint could not be made durable");
  }
  return {200, "text/plain; charset=utf-8", line};
}

}  // namespace amanat::ledger
