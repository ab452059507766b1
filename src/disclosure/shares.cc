// What a checker outside needs of the keys: the documents that hold public keys and shares, and
// that K is made of both.

#include <algorithm>
#include <charconv>
#include <cstring>

#include "disclosure/marks.h"

namespace amanat::disclosure {
namespace {

using crypto::VoprfElement;
using crypto::VoprfKey;
using crypto::VoprfProof;

template <class N>
std::optional<N> decimal(std::string_view text) {
  N n{};
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

template <std::size_t N>
bool read_hex(std::string_view text, std::array<std::uint8_t, N>& out) {
  const auto bytes = crypto::from_hex(text);
  if (!bytes || bytes->size() != N) return false;
  std::memcpy(out.data(), bytes->data(), N);
  return true;
}

// Lines takes a document line by line; each has to begin with its word.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  bool more() const { return !rest_.empty(); }
  std::string_view word() const { return rest_.substr(0, std::min(rest_.find(' '), rest_.size())); }
  // take gives the words after `word` if the next line is "word a b ...", with `count` of them.
  std::optional<std::vector<std::string_view>> take(std::string_view word, std::size_t count) {
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view line = rest_.substr(0, end);
    std::vector<std::string_view> words;
    for (;;) {
      const std::size_t blank = std::min(line.find(' '), line.size());
      words.push_back(line.substr(0, blank));
      if (blank == line.size()) break;
      line.remove_prefix(blank + 1);
    }
    if (words.size() != count + 1 || words[0] != word) return std::nullopt;
    rest_.remove_prefix(end + 1);
    words.erase(words.begin());
    return words;
  }
  bool take_line(std::string_view line) {
    if (!rest_.starts_with(line) || rest_.size() <= line.size() || rest_[line.size()] != '\n')
      return false;
    rest_.remove_prefix(line.size() + 1);
    return true;
  }

 private:
  std::string_view rest_;
};

constexpr std::string_view kYearKeys = "amanat-year-keys v1", kUnlock = "amanat-unlock v1";

}  // namespace

std::string year_keys_text(const YearKeys& keys) {
  std::string out(kYearKeys);
  out += "\nyear " + std::to_string(keys.year) + "\nexchange " + crypto::hex(keys.exchange) +
         "\nauditor " + crypto::hex(keys.auditor) + "\n";
  return out;
}

Result<YearKeys> parse_year_keys(std::string_view text) {
  Lines lines(text);
  YearKeys keys;
  if (!lines.take_line(kYearKeys)) return fail(Reason::ledger_corrupt, "year keys: head");
  const auto year = lines.take("year", 1), exchange = lines.take("exchange", 1),
             auditor = lines.take("auditor", 1);
  const auto number = year ? decimal<unsigned>((*year)[0]) : std::nullopt;
  if (!number || *number < 2000 || *number > 6000 || !exchange || !auditor ||
      !read_hex((*exchange)[0], keys.exchange) || !read_hex((*auditor)[0], keys.auditor) ||
      lines.more())
    return fail(Reason::ledger_corrupt, "year keys: not their form");
  keys.year = *number;
  return keys;
}

Result<Key256> key_of_shares(const YearKeys& keys, const Shares& shares) {
  const std::string input = share_input(shares.account, shares.epoch);
  const auto bare = crypto::voprf_element(crypto::bytes_of(input));
  if (!bare || keys.year != year_of(shares.epoch))
    return fail(Reason::auditor_wrong, "the shares are of another year");
  if (!crypto::voprf_verify(keys.exchange, *bare, shares.exchange))
    return fail(Reason::auditor_wrong, "the exchange's share does not hold");
  if (!crypto::voprf_verify(keys.auditor, *bare, shares.auditor))
    return fail(Reason::auditor_wrong, "the auditor's share does not hold");
  auto out_x = crypto::voprf_output(crypto::bytes_of(input), Key256(shares.exchange.element));
  auto out_a = crypto::voprf_output(crypto::bytes_of(input), Key256(shares.auditor.element));
  Key256 key = account_key(out_x, out_a, shares.account, shares.epoch);
  wipe(out_x.data(), out_x.size());
  wipe(out_a.data(), out_a.size());
  return key;
}

std::string unlocked_text(const Unlocked& unlocked, std::string_view origin) {
  std::string out(kUnlock);
  out += "\norigin " + std::string(origin) + "\nextraction " + crypto::hex(unlocked.extraction) +
         "\nseal " + std::to_string(unlocked.index) + "\n";
  for (const YearKeys& year : unlocked.years)
    out += "year " + std::to_string(year.year) + " " + crypto::hex(year.auditor) + "\n";
  for (const Shares& s : unlocked.shares)
    out += "share " + std::to_string(number(s.account)) + " " + std::to_string(s.epoch) + " " +
           crypto::hex(s.auditor.element) + " " + crypto::hex(s.auditor.proof) + "\n";
  return out;
}

Result<Unlocked> parse_unlocked(std::string_view text, std::string_view origin) {
  const auto wrong = [](const char* what) { return fail(Reason::auditor_wrong, what); };
  Lines lines(text);
  Unlocked out;
  if (!lines.take_line(kUnlock) || !lines.take_line("origin " + std::string(origin)))
    return wrong("the statement's head");
  const auto extraction = lines.take("extraction", 1), seal = lines.take("seal", 1);
  const auto index = seal ? decimal<std::uint64_t>((*seal)[0]) : std::nullopt;
  if (!extraction || !read_hex((*extraction)[0], out.extraction) || !index)
    return wrong("the statement's extraction and seal");
  out.index = *index;
  while (lines.word() == "year") {
    const auto words = lines.take("year", 2);
    const auto year = words ? decimal<unsigned>((*words)[0]) : std::nullopt;
    YearKeys keys;
    if (!year || !read_hex((*words)[1], keys.auditor) ||
        (!out.years.empty() && *year <= out.years.back().year))
      return wrong("a year of the statement");
    keys.year = *year;
    out.years.push_back(keys);
  }
  while (lines.more()) {
    const auto words = lines.take("share", 4);
    Shares shares;
    const auto account = words ? decimal<std::uint32_t>((*words)[0]) : std::nullopt;
    const auto epoch = words ? decimal<std::uint16_t>((*words)[1]) : std::nullopt;
    if (!account || !epoch || !read_hex((*words)[2], shares.auditor.element) ||
        !read_hex((*words)[3], shares.auditor.proof) || out.shares.size() == kAccountsUnlockedMax)
      return wrong("a share of the statement");
    shares.account = AccountId{*account};
    shares.epoch = *epoch;
    if (!out.shares.empty() && std::pair(out.shares.back().account, out.shares.back().epoch) >=
                                   std::pair(shares.account, shares.epoch))
      return wrong("the statement's shares are not ascending");
    out.shares.push_back(shares);
  }
  return out;
}

Result<std::vector<std::pair<AccountId, std::uint16_t>>> accounts_of_extraction(
    std::string_view extraction) {
  std::vector<std::pair<AccountId, std::uint16_t>> accounts;
  if (!extraction.starts_with("amanat-extraction v1\n") || extraction.back() != '\n')
    return fail(Reason::malformed_value, "not an extraction");
  for (std::size_t at = 0; at < extraction.size();) {
    const std::size_t end = extraction.find('\n', at);
    std::string_view line = extraction.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with("acct ")) continue;
    Lines one(extraction.substr(at - line.size() - 1, line.size() + 1));
    const auto words = one.take("acct", 3);
    const auto account = words ? decimal<std::uint32_t>((*words)[0]) : std::nullopt;
    const auto epoch = words ? decimal<std::uint16_t>((*words)[1]) : std::nullopt;
    if (!account || !epoch || !decimal<std::uint64_t>((*words)[2]) ||
        accounts.size() == kAccountsUnlockedMax)
      return fail(Reason::malformed_value, "a line acct");
    const std::pair next(AccountId{*account}, *epoch);
    if (!accounts.empty() && next <= accounts.back())
      return fail(Reason::malformed_value, "lines acct are not ascending");
    accounts.push_back(next);
  }
  return accounts;
}

}  // namespace amanat::disclosure
