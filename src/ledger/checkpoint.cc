#include "ledger/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "ledger/tree.h"
#include "model/insist.h"

namespace amanat::ledger {
namespace {

std::unexpected<Failure> malformed(std::string what) {
  return fail(Reason::note_malformed, std::move(what));
}

// Takes the next line off `text`, without its LF; none if no LF is left.
std::optional<std::string_view> next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

}  // namespace

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  if (text.empty() || text.size() > 20 || (text[0] == '0' && text.size() > 1)) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string checkpoint_text(std::string_view origin, std::uint64_t size, const Digest& root) {
  insist(valid_key_name(origin));
  std::string text(origin);
  text += '\n';
  text += std::to_string(size);
  text += '\n';
  crypto::append_base64(text, root);
  text += '\n';
  return text;
}

Result<Checkpoint> parse_checkpoint(std::string_view text) {
  auto checkpoint = parse_checkpoint_form(text);
  if (checkpoint && checkpoint->size == 0 && checkpoint->root != empty_root())
    return malformed("a checkpoint of size 0 whose root is not the empty tree's");
  return checkpoint;
}

Result<Checkpoint> parse_checkpoint_form(std::string_view text) {
  if (text.size() > kNoteBytesMax) return malformed("a checkpoint larger than 512 KiB");
  const auto origin = next_line(text);
  if (!origin || origin->empty()) return malformed("the checkpoint has no origin");
  if (origin->find('\r') != origin->npos) return malformed("the checkpoint's lines end in CR LF");
  const auto size_line = next_line(text);
  const auto size = size_line ? parse_decimal(*size_line) : std::nullopt;
  if (!size) return malformed("the checkpoint's second line is not a size in plain decimal");
  const auto root_line = next_line(text);
  const auto root = root_line ? crypto::from_base64(*root_line) : std::nullopt;
  Checkpoint checkpoint{std::string(*origin), *size, {}, {}};
  if (!root || root->size() != checkpoint.root.size())
    return malformed("the checkpoint's third line is not the base64 of a SHA-256 root");
  std::memcpy(checkpoint.root.data(), root->data(), root->size());
  while (!text.empty()) {
    const auto extension = next_line(text);
    if (!extension || extension->empty())
      return malformed("the checkpoint has an empty or unfinished line");
    checkpoint.extensions.emplace_back(*extension);
  }
  return checkpoint;
}

Result<OpenedCheckpoint> open_checkpoint(std::string_view note, const VerifierKey& log,
                                         std::span<const VerifierKey> witnesses) {
  std::vector<VerifierKey> known{log};
  known.insert(known.end(), witnesses.begin(), witnesses.end());
  auto opened = open_note(note, known);
  if (!opened) return std::unexpected(opened.error());
  const bool by_log = std::ranges::any_of(opened->signed_by, [&](const NoteSigned& s) {
    return s.id == log.id && s.name == log.name && s.type == SignatureType::ed25519;
  });
  if (!by_log)
    return fail(Reason::note_signature_wrong, "the log itself has not signed the checkpoint");
  auto checkpoint = parse_checkpoint(opened->text);
  if (!checkpoint) return std::unexpected(checkpoint.error());
  // A log's key signs for its own origin only; otherwise one key could vouch for another's log.
  if (checkpoint->origin != log.name)
    return fail(Reason::note_signature_wrong, "the checkpoint is of another log than the key's");
  return OpenedCheckpoint{*std::move(checkpoint), std::move(opened->signed_by)};
}

}  // namespace amanat::ledger
