#include "ledger/note.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::string_view kSignatureStart = "\u2014 ";
constexpr std::size_t kKeyTextMax = 1024, kIdBytes = 4, kTimeBytes = 8;

// Reads one character of UTF-8 and steps over it; none if the bytes are not its shortest form, a
// surrogate, or above U+10FFFF (RFC 3629).
std::optional<char32_t> next_character(std::string_view& text) {
  insist(!text.empty());
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    text.remove_prefix(1);
    return first;
  }
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return std::nullopt;
  char32_t value = first & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
    value = value << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  if (value < kLeast[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
    return std::nullopt;
  text.remove_prefix(length);
  return value;
}

// White_Space of Unicode, which is what other implementations refuse in a name.
bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

bool valid_note_characters(std::string_view text) {
  while (!text.empty()) {
    const auto c = next_character(text);
    if (!c || (*c < 0x20 && *c != '\n')) return false;
  }
  return true;
}

std::string big_endian(std::uint64_t value, std::size_t bytes) {
  std::string out;
  for (std::size_t i = bytes; i-- > 0;) out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
  return out;
}

std::uint64_t read_big_endian(std::string_view bytes) {
  insist(bytes.size() <= 8);
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

std::unexpected<Failure> malformed(std::string what) {
  return fail(Reason::note_malformed, std::move(what));
}

Result<NoteSignature> parse_line(std::string_view line) {
  if (!line.starts_with(kSignatureStart))
    return malformed("a signature line does not begin with an em dash");
  line.remove_prefix(kSignatureStart.size());
  const std::size_t space = line.find(' ');
  if (space == line.npos || !valid_key_name(line.substr(0, space)))
    return malformed("a signature line has no valid key name");
  const auto bytes = crypto::from_base64(line.substr(space + 1));
  if (!bytes || bytes->size() <= kIdBytes)
    return malformed("a signature line is not base64 of ID and signature");
  const std::string_view all = *bytes;
  return NoteSignature{std::string(line.substr(0, space)),
                       static_cast<std::uint32_t>(read_big_endian(all.substr(0, kIdBytes))),
                       std::string(all.substr(kIdBytes))};
}

std::string signature_line(const VerifierKey& key, std::string_view blob) {
  std::string line(kSignatureStart);
  line += key.name;
  line += ' ';
  crypto::append_base64(line, crypto::bytes_of(big_endian(key.id, kIdBytes) + std::string(blob)));
  line += '\n';
  return line;
}

std::string cosigned_message(std::string_view text, std::uint64_t time) {
  std::string message = "cosignature/v1\ntime " + std::to_string(time) + "\n";
  message += text;
  return message;
}

bool signature_holds(const VerifierKey& key, std::string_view text, std::string_view blob,
                     NoteSigned& by) {
  crypto::Ed25519Signature signature;
  if (key.type == SignatureType::ed25519) {
    if (blob.size() != signature.size()) return false;
    std::memcpy(signature.data(), blob.data(), signature.size());
    return crypto::ed25519_verify(key.key, crypto::bytes_of(text), signature);
  }
  insist(key.type == SignatureType::cosignature);
  if (blob.size() != kTimeBytes + signature.size()) return false;
  by.time = read_big_endian(blob.substr(0, kTimeBytes));
  if (by.time == 0 || by.time > INT64_MAX) return false;
  std::memcpy(signature.data(), blob.data() + kTimeBytes, signature.size());
  return crypto::ed25519_verify(key.key, crypto::bytes_of(cosigned_message(text, by.time)),
                                signature);
}

}  // namespace

bool valid_key_name(std::string_view name) {
  if (name.empty()) return false;
  while (!name.empty()) {
    const auto c = next_character(name);
    if (!c || *c < 0x20 || *c == '+' || is_space(*c)) return false;
  }
  return true;
}

std::uint32_t key_id(std::string_view name, SignatureType type, const crypto::Ed25519Public& key) {
  crypto::Sha256 hash;
  const Digest digest =
      hash.update(name).update('\n').update(static_cast<std::uint8_t>(type)).update(key).finish();
  return static_cast<std::uint32_t>(read_big_endian(crypto::text_of(digest).substr(0, kIdBytes)));
}

VerifierKey make_verifier_key(std::string_view name, SignatureType type,
                              const crypto::Ed25519Public& key) {
  insist(valid_key_name(name));
  return VerifierKey{std::string(name), key_id(name, type, key), type, key};
}

std::string VerifierKey::text() const {
  std::string typed(1, static_cast<char>(type));
  typed += crypto::text_of(key);
  return name + '+' + crypto::hex(crypto::bytes_of(big_endian(id, kIdBytes))) + '+' +
         crypto::base64(crypto::bytes_of(typed));
}

Result<VerifierKey> parse_verifier_key(std::string_view text) {
  if (text.size() > kKeyTextMax) return malformed("a verifier key longer than 1 KiB");
  const std::size_t first = text.find('+');
  const std::size_t second = first == text.npos ? text.npos : text.find('+', first + 1);
  if (second == text.npos) return malformed("a verifier key is name+ID+key");
  const std::string_view name = text.substr(0, first);
  const auto id = crypto::from_hex(text.substr(first + 1, second - first - 1));
  const auto typed = crypto::from_base64(text.substr(second + 1));
  if (!valid_key_name(name)) return malformed("the verifier key's name");
  if (!id || id->size() != kIdBytes)
    return malformed("the verifier key's ID is not 8 hexadecimal digits");
  if (!typed || typed->empty()) return malformed("the verifier key is not base64");
  const auto type = static_cast<SignatureType>((*typed)[0]);
  if (type != SignatureType::ed25519 && type != SignatureType::cosignature)
    return malformed("the verifier key's type is neither 0x01 (Ed25519) nor 0x04 (cosignature)");
  VerifierKey key{std::string(name), 0, type, {}};
  if (typed->size() != 1 + key.key.size())
    return malformed("the verifier key has the wrong length");
  std::memcpy(key.key.data(), typed->data() + 1, key.key.size());
  key.id = key_id(key.name, key.type, key.key);
  if (key.id != read_big_endian(*id))
    return malformed("the verifier key's ID does not fit its name and key");
  return key;
}

Result<Note> parse_note(std::string_view note) {
  if (note.size() > kNoteBytesMax) return malformed("a note larger than 512 KiB");
  if (!valid_note_characters(note))
    return malformed("a note that is not UTF-8, or with control characters");
  // The text may hold blank lines of its own; the signatures cannot.
  const std::size_t blank = note.rfind("\n\n");
  if (blank == note.npos) return malformed("a note without a blank line before its signatures");
  Note parsed{std::string(note.substr(0, blank + 1)), {}};
  std::string_view rest = note.substr(blank + 2);
  if (rest.empty()) return malformed("a note without a signature");
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == rest.npos) return malformed("a note that does not end with a line feed");
    if (parsed.signatures.size() == kNoteSignaturesMax)
      return malformed("a note with more than 64 signatures");
    auto signature = parse_line(rest.substr(0, end));
    if (!signature) return std::unexpected(signature.error());
    parsed.signatures.push_back(*std::move(signature));
    rest.remove_prefix(end + 1);
  }
  return parsed;
}

Result<OpenedNote> open_note(std::string_view note, std::span<const VerifierKey> known) {
  auto parsed = parse_note(note);
  if (!parsed) return std::unexpected(parsed.error());
  OpenedNote opened;
  for (const NoteSignature& signature : parsed->signatures) {
    const auto key = std::ranges::find_if(known, [&](const VerifierKey& k) {
      return k.id == signature.id && k.name == signature.name;
    });
    if (key == known.end()) continue;
    NoteSigned by{key->name, key->id, key->type, 0};
    if (!signature_holds(*key, parsed->text, signature.blob, by))
      return fail(Reason::note_signature_wrong, "the signature of " + key->name + " is wrong");
    opened.signed_by.push_back(std::move(by));
  }
  if (opened.signed_by.empty())
    return fail(Reason::note_signature_wrong, "no known key has signed");
  opened.text = std::move(parsed->text);
  return opened;
}

std::string keep_lines(std::string_view note, std::span<const VerifierKey> known) {
  const auto parsed = parse_note(note);
  insist(parsed.has_value());
  std::string kept = parsed->text + "\n";
  for (const NoteSignature& s : parsed->signatures) {
    const auto key = std::ranges::find_if(
        known, [&](const VerifierKey& k) { return k.id == s.id && k.name == s.name; });
    if (key != known.end()) kept += signature_line(*key, s.blob);
  }
  return kept;
}

NoteSigner::NoteSigner(std::string_view name, const Key256& seed)
    : signer_(seed),
      verifier_(make_verifier_key(name, SignatureType::ed25519, signer_.public_key())) {}

std::string NoteSigner::line(std::string_view text) const {
  insist(text.ends_with('\n'));
  return signature_line(verifier_, crypto::text_of(signer_.sign(crypto::bytes_of(text))));
}

std::string NoteSigner::sign(std::string_view text) const {
  std::string note(text);
  note += '\n';
  note += line(text);
  return note;
}

Cosigner::Cosigner(std::string_view name, const Key256& seed)
    : signer_(seed),
      verifier_(make_verifier_key(name, SignatureType::cosignature, signer_.public_key())) {}

std::string Cosigner::line(std::string_view text, std::uint64_t time) const {
  insist(text.ends_with('\n'));
  insist(time != 0 && time <= INT64_MAX);
  std::string blob = big_endian(time, kTimeBytes);
  blob += crypto::text_of(signer_.sign(crypto::bytes_of(cosigned_message(text, time))));
  return signature_line(verifier_, blob);
}

std::string grease_lines(std::string_view name) {
  const auto line = [](std::string_view as) {
    std::array<std::uint8_t, kIdBytes + sizeof(crypto::Ed25519Signature)> noise;
    crypto::random_bytes(noise);
    std::string out(kSignatureStart);
    out += as;
    out += ' ';
    crypto::append_base64(out, noise);
    out += '\n';
    return out;
  };
  insist(valid_key_name(name));
  return line("grease.invalid") + line(name);
}

}  // namespace amanat::ledger
