#include "ledger/fork.h"

#include <algorithm>
#include <cstring>

#include "ledger/proof.h"
#include "ledger/tile.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

std::unexpected<Failure> malformed(const char* what) { return fail(Reason::note_malformed, what); }

std::optional<std::string_view> next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  const auto line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

std::optional<Digest> hash_of(std::string_view line) {
  const auto bytes = crypto::from_base64(line);
  if (!bytes || bytes->size() != sizeof(Digest)) return std::nullopt;
  Digest d;
  std::memcpy(d.data(), bytes->data(), d.size());
  return d;
}

}  // namespace

// The head; "root <base64>" and the path, a hash a line; a blank line; "bytes N" and the first
// note; the second note.
std::string write_fork_proof(const ForkProof& proof) {
  std::string out(kForkHead);
  out += "\nroot ";
  crypto::append_base64(out, proof.root_at_m);
  out += '\n';
  for (const Digest& hash : proof.path) {
    crypto::append_base64(out, hash);
    out += '\n';
  }
  out += "\nbytes " + std::to_string(proof.first.size()) + "\n";
  return out + proof.first + proof.second;
}

Result<ForkProof> parse_fork_proof(std::string_view text) {
  if (text.size() > 2 * kNoteBytesMax + 64 * 1024) return malformed("a fork proof: too large");
  ForkProof out;
  const auto head = next_line(text), root = next_line(text);
  if (head != kForkHead || !root || !root->starts_with("root ")) return malformed("a fork proof");
  const auto root_hash = hash_of(root->substr(5));
  if (!root_hash) return malformed("a fork proof: its root");
  out.root_at_m = *root_hash;
  for (;;) {
    const auto line = next_line(text);
    if (!line) return malformed("a fork proof: its path");
    if (line->empty()) break;
    const auto hash = hash_of(*line);
    if (!hash || out.path.size() == kProofHashesMax) return malformed("a fork proof: its path");
    out.path.push_back(*hash);
  }
  const auto length = next_line(text);
  const auto bytes =
      length && length->starts_with("bytes ") ? parse_decimal(length->substr(6)) : std::nullopt;
  if (!bytes || *bytes > text.size()) return malformed("a fork proof: its first checkpoint");
  out.first = text.substr(0, static_cast<std::size_t>(*bytes));
  out.second = text.substr(static_cast<std::size_t>(*bytes));
  return out;
}

Result<void> verify_fork_proof(const ForkProof& proof, const VerifierKey& log) {
  auto first = open_checkpoint(proof.first, log);
  if (!first) return std::unexpected(std::move(first.error()));
  auto second = open_checkpoint(proof.second, log);
  if (!second) return std::unexpected(std::move(second.error()));
  const Checkpoint &a = first->checkpoint, &b = second->checkpoint;
  const auto no_fork = [](const char* why) { return fail(Reason::ledger_proof_wrong, why); };
  if (a.size > b.size || a.size == 0) return no_fork("the smaller one does not come first");
  if (a.size == b.size) {
    if (a.root == b.root) return no_fork("both sign the same tree");
    return {};
  }
  if (proof.root_at_m == a.root) return no_fork("the second tree contains the first");
  return verify_consistency(a.size, b.size, proof.path, proof.root_at_m, b.root);
}

Result<std::optional<ForkProof>> find_fork(std::string_view one, std::string_view other,
                                           LogSource* larger, const VerifierKey& log) {
  auto a = open_checkpoint(one, log), b = open_checkpoint(other, log);
  if (!a) return std::unexpected(std::move(a.error()));
  if (!b) return std::unexpected(std::move(b.error()));
  if (a->checkpoint.size > b->checkpoint.size) {
    std::swap(a, b);
    std::swap(one, other);
  }
  const Checkpoint &m = a->checkpoint, &n = b->checkpoint;
  ForkProof proof{std::string(one), std::string(other), m.root, {}};
  if (m.size == n.size)
    return m.root == n.root ? std::optional<ForkProof>{} : std::optional(std::move(proof));
  if (m.size == 0) return std::optional<ForkProof>{};
  if (larger == nullptr)
    return fail(Reason::usage_wrong, "two sizes can be compared only with the larger one's tiles");
  TileTree tree(n.size, [larger](const TileName& name) -> Result<std::string> {
    auto bytes = larger->read(tile_path(name));
    if (bytes || name.width == kTileWidth) return bytes;
    TileName full = name;  // a source may have dropped the partial once the full one exists
    full.width = kTileWidth;
    return larger->read(tile_path(full));
  });
  auto root = root_of(m.size, tree.reader());
  if (!root) return std::unexpected(std::move(root.error()));
  auto path = consistency_path(m.size, n.size, tree.reader());
  if (!path) return std::unexpected(std::move(path.error()));
  if (!verify_consistency(m.size, n.size, *path, *root, n.root))
    return fail(Reason::ledger_proof_wrong, "these tiles are not of the larger checkpoint");
  if (*root == m.root) return std::optional<ForkProof>{};
  proof.root_at_m = *root;
  proof.path = *std::move(path);
  return std::optional(std::move(proof));
}

}  // namespace amanat::ledger
