#include "detection/alert.h"

#include <algorithm>
#include <charconv>

#include "crypto/crypto.h"
#include "model/insist.h"

namespace amanat::detection {
namespace {

constexpr std::string_view kHead = "amanat/alert/1";
constexpr std::size_t kEntriesMost = 64, kLooksMost = 64;

template <class T>
bool number_of(std::string_view text, T& out, int base = 10) {
  if (text.empty() || (text.size() > 1 && text.front() == '0' && base == 10)) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc() && end == text.data() + text.size();
}

bool real_of(std::string_view text, double& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

std::string hex16(std::uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(16, '0');
  for (std::size_t i = 16; i-- > 0; value >>= 4) out[i] = kDigits[value & 15];
  return out;
}

bool from_hex16(std::string_view text, std::uint64_t& out) {
  return text.size() == 16 && number_of(text, out, 16) && hex16(out) == text;
}

// One blank-separated word off the front.
std::string_view take(std::string_view& rest) {
  const std::size_t blank = rest.find(' ');
  const std::string_view word = rest.substr(0, blank);
  rest = blank == std::string_view::npos ? std::string_view() : rest.substr(blank + 1);
  return word;
}

// A value stays on its line, whatever a department put into a unit's name.
std::string on_a_line(std::string_view text) {
  std::string out(text.substr(0, 600));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return out;
}

bool put_value(Alert& a, std::string_view key, std::string_view value) {
  if (key == "rule") return rule_named(value, a.rule);
  if (key == "tier") return tier_named(value, a.tier);
  std::uint32_t account = 0;
  if (key == "account") {
    if (!number_of(value, account)) return false;
    a.actor.account = AccountId{account};
    return true;
  }
  if (key == "by") {
    if (!number_of(value, account)) return false;
    a.by = AccountId{account};
    return true;
  }
  if (key == "device") {
    unsigned kind = 0;
    if (!number_of(take(value), kind) || kind > 3) return false;
    const auto bytes = crypto::from_hex(value);
    if (!bytes || bytes->size() != a.actor.thumbprint.size()) return false;
    std::copy(bytes->begin(), bytes->end(), a.actor.thumbprint.begin());
    a.actor.key_kind = static_cast<KeyKind>(kind);
    return true;
  }
  if (key == "class") {
    unsigned level = 0;
    if (!number_of(value, level) || level > 3) return false;
    a.data_class = static_cast<Sensitivity>(level);
    return true;
  }
  if (key == "unit" || key == "case" || key == "purpose" || key == "note" || key == "parameters") {
    (key == "unit"      ? a.unit
     : key == "case"    ? a.case_ref
     : key == "purpose" ? a.purpose
     : key == "note"    ? a.note
                        : a.parameters) = value;
    return true;
  }
  if (key == "at") return number_of(value, a.at);
  if (key == "order") return number_of(value, a.order);
  if (key == "score") return real_of(value, a.score);
  if (key == "threshold") return real_of(value, a.threshold);
  if (key == "releases") {
    std::uint64_t entry = 0;
    if (!number_of(value, entry)) return false;
    a.releases = entry;
    return true;
  }
  if (key == "from") return number_of(value, a.from) && a.from != 0;
  if (key == "until") return number_of(value, a.until) && a.until != 0;
  if (key == "other") {
    const auto bytes = crypto::from_hex(value);
    if (!bytes || bytes->size() != sizeof(Digest)) return false;
    std::copy(bytes->begin(), bytes->end(), a.other.emplace().begin());
    return true;
  }
  if (key == "entries") {
    while (!value.empty()) {
      std::uint64_t entry = 0;
      if (a.entries.size() == kEntriesMost || !number_of(take(value), entry)) return false;
      a.entries.push_back(entry);
    }
    return !a.entries.empty();
  }
  if (key == "look") {
    auto look = look_of(value);
    if (!look || a.looks.size() == kLooksMost) return false;
    a.looks.push_back(*look);
    return true;
  }
  return false;
}

}  // namespace

std::string words_of(const Look& look) {
  std::string out = "judged " + std::to_string(look.order) + ' ' + std::to_string(look.at) + ' ' +
                    hex16(look.subject) + ' ' + std::to_string(static_cast<unsigned>(look.why)) +
                    ' ' + (look.exists ? 'x' : '-') + (look.fresh ? 'f' : '-') +
                    (look.announced ? 'a' : '-') + (look.next ? '+' : '-');
  if (look.near.known)
    out += ' ' + hex16(look.near.below) + ' ' + hex16(look.near.here) + ' ' +
           hex16(look.near.above) + ' ' + std::to_string(look.near.digit);
  if (look.zone != kNoZone) out += " zone " + hex16(look.zone);
  if (look.away) out += " away";
  if (look.off_duty) out += " off";
  if (look.guarded) out += " protected";
  if (look.padded != 0) out += " padded " + std::to_string(look.padded);
  return out;
}

std::string words_of(const Refused& r) {
  return "refused " + std::to_string(r.order) + ' ' + std::to_string(r.at) + ' ' +
         std::string(row_of(r.rule).id);
}

std::optional<Refused> refused_of(std::string_view part) {
  constexpr std::string_view kLine = "\nrefused ";
  const std::size_t at = part.rfind(kLine);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = part.substr(at + kLine.size());
  Refused out;
  if (!number_of(take(rest), out.order) || !number_of(take(rest), out.at) ||
      !rule_named(rest, out.rule))
    return std::nullopt;
  return out;
}

std::optional<Look> look_of(std::string_view words) {
  Look look;
  std::string_view rest = words;
  unsigned why = 0;
  if (take(rest) != "judged" || !number_of(take(rest), look.order) ||
      !number_of(take(rest), look.at) || !from_hex16(take(rest), look.subject) ||
      !number_of(take(rest), why) || why > 4)
    return std::nullopt;
  look.why = static_cast<Why>(why);
  const std::string_view flags = take(rest);
  if (flags.size() != 4) return std::nullopt;
  look.exists = flags[0] == 'x';
  look.fresh = flags[1] == 'f';
  look.announced = flags[2] == 'a';
  look.next = flags[3] == '+';
  std::string_view word = take(rest);
  if (word.size() == 16) {
    Near& n = look.near;
    n.known = true;
    if (!from_hex16(word, n.below) || !from_hex16(take(rest), n.here) ||
        !from_hex16(take(rest), n.above) || !number_of(take(rest), n.digit) || n.digit > 9 ||
        ((n.below | n.here | n.above) & 15) != 0)
      return std::nullopt;
    word = take(rest);
  }
  if (word == "zone") {
    if (!from_hex16(take(rest), look.zone)) return std::nullopt;
    word = take(rest);
  }
  for (const auto& [name, flag] :
       {std::pair{"away", &Look::away}, {"off", &Look::off_duty}, {"protected", &Look::guarded}}) {
    if (word != name) continue;
    look.*flag = true;
    word = take(rest);
  }
  if (word == "padded" && !number_of(take(rest), look.padded)) return std::nullopt;
  if (words_of(look) != words) return std::nullopt;
  return look;
}

std::string encode(const Alert& a) {
  std::string out(kHead);
  const auto line = [&out](std::string_view key, std::string_view value) {
    if (!value.empty()) out.append("\n").append(key).append(" ").append(value);
  };
  line("rule", row_of(a.rule).id);
  line("tier", word_of(a.tier));
  line("account", std::to_string(number(a.actor.account)));
  if (a.actor.key_kind != KeyKind::none)
    line("device", std::to_string(static_cast<unsigned>(a.actor.key_kind)) + ' ' +
                       crypto::hex(a.actor.thumbprint));
  line("unit", on_a_line(a.unit));
  line("case", on_a_line(a.case_ref));
  line("purpose", on_a_line(a.purpose));
  line("class", std::to_string(static_cast<unsigned>(a.data_class)));
  line("at", std::to_string(a.at));
  line("order", std::to_string(a.order));
  line("score", number_text(a.score));
  line("threshold", number_text(a.threshold));
  std::string entries;
  for (std::size_t i = 0; i < std::min(a.entries.size(), kEntriesMost); ++i)
    entries += (i == 0 ? "" : " ") + std::to_string(a.entries[i]);
  line("entries", entries);
  for (std::size_t i = 0; i < std::min(a.looks.size(), kLooksMost); ++i)
    line("look", words_of(a.looks[i]));
  line("parameters", a.parameters);
  line("note", on_a_line(a.note));
  if (number(a.by) != 0) line("by", std::to_string(number(a.by)));
  if (a.releases) line("releases", std::to_string(*a.releases));
  if (a.other) line("other", crypto::hex(*a.other));
  if (a.from != 0) line("from", std::to_string(a.from));
  if (a.until != 0) line("until", std::to_string(a.until));
  return out;
}

std::optional<Alert> decode_alert(std::string_view text) {
  if (text.size() > 64 * 1024 || !text.starts_with(kHead)) return std::nullopt;
  std::string_view rest = text.substr(kHead.size());
  Alert alert;
  while (!rest.empty()) {
    if (rest.front() != '\n') return std::nullopt;
    rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view value = rest.substr(0, end);
    const std::string_view key = take(value);
    if (value.empty() || !put_value(alert, key, value)) return std::nullopt;
    rest.remove_prefix(end);
  }
  // One spelling per alert: what is read back is what was written.
  if (encode(alert) != text) return std::nullopt;
  return alert;
}

std::optional<EntryContent> notice_of(const Alert& alert) {
  if (!alert.citizen) return std::nullopt;
  EntryContent entry;
  entry.type = EntryType::alert;
  entry.subject = *alert.citizen;
  entry.part(BodyPart::denial) = "amanat/notice/1\nrule " + std::string(row_of(alert.rule).id);
  return entry;
}

EntryContent entry_of(const Alert& alert) {
  EntryContent entry;
  entry.type = EntryType::alert;
  entry.actor = alert.actor;
  entry.part(BodyPart::denial) = encode(alert);
  return entry;
}

}  // namespace amanat::detection
