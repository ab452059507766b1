#include "lookup/lists.h"

#include <algorithm>
#include <map>

#include "crypto/crypto.h"
#include "registry/registry.h"

namespace amanat::lookup {
namespace {

constexpr std::string_view kUse = "extract-lists";
constexpr std::string_view kRows = "extract-list/";
constexpr std::uint64_t kKeptMs = 26 * 3'600'000ull;
constexpr unsigned kPartsMax = 128;
constexpr std::size_t kListsMax = 8;
constexpr std::size_t kDigits = 13;
constexpr std::size_t kTimeBytes = 8;

std::string rows_of(AccountId account) {
  return std::string(kRows) + std::to_string(number(account)) + "/";
}
std::string rows_of(AccountId account, const Digest& list) {
  return rows_of(account) + crypto::hex(list) + "/";
}

// A row begins with the time it was taken, in clear: what is old is dropped without its key.
std::string row_with(Moment at, std::string_view sealed) {
  std::string row;
  for (int shift = 56; shift >= 0; shift -= 8)
    row.push_back(static_cast<char>(number(at) >> shift & 0xff));
  row += sealed;
  return row;
}
std::uint64_t time_of(std::string_view row) {
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < kTimeBytes && i < row.size(); ++i)
    at = at << 8 | static_cast<std::uint8_t>(row[i]);
  return at;
}

}  // namespace

Result<std::vector<std::string>> parse_list(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string digits;
    bool other = false;
    for (const char c : text.substr(0, end)) {
      if (c >= '0' && c <= '9')
        digits.push_back(c);
      else
        other |= c != '-' && c != ' ' && c != '\t' && c != '\r';
    }
    text.remove_prefix(std::min(end + 1, text.size()));
    if (digits.empty() && !other) continue;
    if (other || digits.size() != kDigits)
      return fail(Reason::malformed_value, "line " + std::to_string(line) + " is not 13 digits");
    out.push_back(std::move(digits));
  }
  return out;
}

Result<std::size_t> Lists::take(AccountId account, const Digest& list, unsigned part,
                                std::string_view text, const std::set<std::string>& done,
                                Moment at) {
  if (part >= kPartsMax) return fail(Reason::malformed_value, "a part is 0 to 127");
  auto numbers = parse_list(text);
  if (!numbers) return std::unexpected(numbers.error());
  struct Held {
    std::uint64_t taken = 0;  // its newest part
    std::vector<std::string> keys;
  };
  std::map<std::string, Held> others;  // by digest
  const std::string name = crypto::hex(list), rows = rows_of(account);
  auto scanned = store_.scan(storage::Table::settings, rows, {},
                             [&](std::string_view key, std::string_view row) {
                               std::string digest(key.substr(rows.size()));
                               digest.resize(std::min(digest.find('/'), digest.size()));
                               if (digest == name) return true;
                               Held& held = others[std::move(digest)];
                               held.taken = std::max(held.taken, time_of(row));
                               held.keys.emplace_back(key);
                               return true;
                             });
  if (!scanned) return std::unexpected(scanned.error());
  storage::Batch batch;
  while (others.size() >= kListsMax) {
    auto oldest = others.end();
    for (auto one = others.begin(); one != others.end(); ++one)
      if (done.contains(one->first) &&
          (oldest == others.end() || one->second.taken < oldest->second.taken))
        oldest = one;
    if (oldest == others.end()) return fail(Reason::waiting_full, "eight lists of one account");
    for (const auto& key : oldest->second.keys) batch.erase(storage::Table::settings, key);
    others.erase(oldest);
  }
  std::string plain, sealed;
  for (const auto& one : *numbers) plain += one + "\n";
  const std::string key = rows_of(account, list) + std::to_string(part);
  vault_.seal_house(kUse, key, plain, sealed);
  wipe(plain.data(), plain.size());
  batch.put(storage::Table::settings, key, row_with(at, sealed));
  if (auto written = store_.write(batch, storage::Durability::synced); !written)
    return std::unexpected(written.error());
  return numbers->size();
}

Result<std::vector<std::string>> Lists::load(AccountId account, const Digest& list,
                                             Moment at) const {
  std::vector<std::string> all;
  Result<void> opened;
  auto scanned = store_.scan(storage::Table::settings, rows_of(account, list), {},
                             [&](std::string_view key, std::string_view row) {
                               if (time_of(row) + kKeptMs <= number(at)) return true;
                               WipingBuffer plain;
                               opened = vault_.open_house(
                                   kUse, key, row.substr(std::min(kTimeBytes, row.size())), plain);
                               if (!opened) return false;
                               auto numbers = parse_list(plain.view());
                               if (!numbers) {
                                 opened = std::unexpected(numbers.error());
                                 return false;
                               }
                               all.insert(all.end(), numbers->begin(), numbers->end());
                               return all.size() <= 2 * kListCitizensMax;
                             });
  if (!scanned) return std::unexpected(scanned.error());
  if (!opened) return std::unexpected(opened.error());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  if (all.empty() || all.size() > kListCitizensMax || registry::Registry::list_digest(all) != list)
    return fail(Reason::list_unknown);
  return all;
}

Result<void> Lists::drop_old(Moment at) {
  storage::Batch batch;
  auto scanned = store_.scan(storage::Table::settings, kRows, {},
                             [&](std::string_view key, std::string_view row) {
                               if (time_of(row) + kKeptMs <= number(at))
                                 batch.erase(storage::Table::settings, key);
                               return true;
                             });
  if (!scanned || batch.empty()) return scanned;
  return store_.write(batch, storage::Durability::buffered);
}

}  // namespace amanat::lookup
