#include "ledger/tlog_policy.h"

#include <algorithm>
#include <map>
#include <set>

#include "model/insist.h"

namespace amanat::ledger {
namespace {

constexpr std::string_view kNone = "none";

std::unexpected<Failure> wrong(std::size_t line, const std::string& what) {
  return fail(Reason::note_malformed, "line " + std::to_string(line) + ": " + what);
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const auto begin = line.find_first_not_of(" \t");
    if (begin == line.npos) return words;
    line.remove_prefix(begin);
    const auto end = std::min(line.find_first_of(" \t"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

// Reader takes a file line by line; what a line may refer to was defined before it.
class Reader {
 public:
  Result<void> take(std::size_t line, const std::vector<std::string_view>& words) {
    if (words[0] == "log") return take_log(line, words);
    if (words[0] == "witness") return take_witness(line, words);
    if (words[0] == "group") return take_group(line, words);
    if (words[0] == "quorum") return take_quorum(line, words);
    return wrong(line, "it is none of log, witness, group, quorum");
  }
  Result<TlogPolicy> finish() {
    if (policy_.quorum.empty()) return fail(Reason::note_malformed, "there is no quorum line");
    return std::move(policy_);
  }

 private:
  Result<VerifierKey> key_of(std::size_t line, std::string_view text, SignatureType type) {
    auto key = parse_verifier_key(text);
    if (!key) return wrong(line, key.error().detail);
    if (key->type != type)
      return wrong(line, type == SignatureType::ed25519 ? "the key is a witness's, not a log's"
                                                        : "the key is a log's, not a witness's");
    if (!keys_.insert(key->key).second) return wrong(line, "the same public key stands above");
    return key;
  }
  Result<void> define(std::size_t line, std::string_view name) {
    if (name == kNone || !names_.emplace(std::string(name), false).second)
      return wrong(line, "the name is taken");
    return {};
  }
  Result<void> take_log(std::size_t line, const std::vector<std::string_view>& words) {
    if (words.size() != 2 && words.size() != 3) return wrong(line, "log is: log KEY [URL]");
    if (policy_.logs.size() == kTlogPolicyNamesMax) return wrong(line, "too many logs");
    auto key = key_of(line, words[1], SignatureType::ed25519);
    if (!key) return std::unexpected(std::move(key.error()));
    policy_.logs.push_back({*std::move(key), words.size() == 3 ? std::string(words[2]) : ""});
    return {};
  }
  Result<void> take_witness(std::size_t line, const std::vector<std::string_view>& words) {
    if (words.size() != 3 && words.size() != 4)
      return wrong(line, "witness is: witness NAME KEY [URL]");
    if (policy_.witnesses.size() == kTlogPolicyNamesMax) return wrong(line, "too many witnesses");
    auto key = key_of(line, words[2], SignatureType::cosignature);
    if (!key) return std::unexpected(std::move(key.error()));
    if (auto defined = define(line, words[1]); !defined) return defined;
    policy_.witnesses.push_back(
        {std::string(words[1]), *std::move(key), words.size() == 4 ? std::string(words[3]) : ""});
    return {};
  }
  Result<void> take_group(std::size_t line, const std::vector<std::string_view>& words) {
    if (words.size() < 4) return wrong(line, "group is: group NAME all|any|K MEMBER...");
    if (policy_.groups.size() == kTlogPolicyNamesMax) return wrong(line, "too many groups");
    const std::size_t members = words.size() - 3;
    TlogPolicy::Group group{std::string(words[1]), 1, {}};
    if (words[2] == "all") {
      group.needed = static_cast<unsigned>(members);
    } else if (words[2] != "any") {
      const auto k = parse_decimal(words[2]);
      if (!k || *k < 1 || *k > members) return wrong(line, "K is not a number from 1 to members");
      group.needed = static_cast<unsigned>(*k);
    }
    for (std::size_t i = 3; i < words.size(); ++i) {
      const auto member = names_.find(words[i]);
      if (member == names_.end()) return wrong(line, "a member is not defined above");
      if (std::exchange(member->second, true)) return wrong(line, "a member is in a group already");
      group.members.emplace_back(words[i]);
    }
    if (auto defined = define(line, words[1]); !defined) return defined;
    policy_.groups.push_back(std::move(group));
    return {};
  }
  Result<void> take_quorum(std::size_t line, const std::vector<std::string_view>& words) {
    if (words.size() != 2) return wrong(line, "quorum is: quorum NAME|none");
    if (!policy_.quorum.empty()) return wrong(line, "a quorum stands above");
    if (words[1] != kNone && !names_.contains(words[1]))
      return wrong(line, "the quorum is not defined above");
    policy_.quorum = words[1];
    return {};
  }

  TlogPolicy policy_;
  std::set<crypto::Ed25519Public> keys_;
  std::map<std::string, bool, std::less<>> names_;  // true: a member of a group
};

}  // namespace

std::vector<VerifierKey> TlogPolicy::keys() const {
  std::vector<VerifierKey> keys;
  for (const Witness& w : witnesses) keys.push_back(w.key);
  return keys;
}

const VerifierKey* TlogPolicy::log(std::string_view origin) const {
  for (const Log& l : logs)
    if (l.key.name == origin) return &l.key;
  return nullptr;
}

bool TlogPolicy::reached(std::span<const NoteSigned> signed_by) const {
  if (quorum == kNone) return true;
  std::set<std::string, std::less<>> holds;
  for (const Witness& w : witnesses)
    if (std::ranges::any_of(signed_by, [&](const NoteSigned& s) {
          return s.type == SignatureType::cosignature && s.id == w.key.id && s.name == w.key.name;
        }))
      holds.insert(w.name);
  for (const Group& g : groups) {  // members stand before their group
    const auto n = std::ranges::count_if(
        g.members, [&](const std::string& member) { return holds.contains(member); });
    if (static_cast<unsigned>(n) >= g.needed) holds.insert(g.name);
  }
  return holds.contains(quorum);
}

Result<TlogPolicy> parse_tlog_policy(std::string_view text) {
  if (text.size() > kTlogPolicyBytesMax)
    return fail(Reason::note_malformed, "a policy larger than 256 KiB");
  Reader reader;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = text.find('\n');
    if (end == text.npos) return wrong(line, "it does not end in a line feed");
    const std::string_view whole = text.substr(0, end);
    text.remove_prefix(end + 1);
    for (const char c : whole) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return wrong(line, "a control character");
    }
    const auto words = words_of(whole);
    if (words.empty() || words[0].starts_with('#')) continue;
    if (auto taken = reader.take(line, words); !taken)
      return std::unexpected(std::move(taken.error()));
  }
  return reader.finish();
}

Result<Witnessed> open_witnessed(std::string_view note, const TlogPolicy& policy) {
  const std::string_view origin = note.substr(0, std::min(note.find('\n'), note.size()));
  const VerifierKey* const log = policy.log(origin);
  if (log == nullptr)
    return fail(Reason::note_signature_wrong, "the policy names no log of this origin");
  auto opened = open_checkpoint(note, *log, policy.keys());
  if (!opened) return std::unexpected(std::move(opened.error()));
  if (!policy.reached(opened->signed_by))
    return fail(Reason::quorum_missing, "cosignatures do not make the quorum " + policy.quorum);
  Witnessed witnessed{*std::move(opened), 0};
  for (const NoteSigned& s : witnessed.at.signed_by)
    witnessed.youngest = std::max(witnessed.youngest, s.time);
  return witnessed;
}

}  // namespace amanat::ledger
