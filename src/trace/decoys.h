#pragma once
// trace, decoys: invented citizens of extracts found in a leak (tracing page, part 9;
// docs/trace-weighing.md). Before the seal nobody knows which of the rows that match nobody are
// decoys: what these rows name is sealed as one root. Afterwards the register is opened, and a file
// shows of each decoy that was found whose key gave it, that its EXPORT committed to its rows, and
// that it is among what was sealed. For the exchange and for an outside checker alike. Pure,
// thread-safe.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "disclosure/slots.h"
#include "model/entry.h"
#include "model/ids.h"
#include "model/result.h"
#include "trace/extraction.h"

namespace amanat::trace {

/// Stray is what one row that matches nobody names: a national ID of 13 digits and, where pairs are
/// compared, a phone of the same row (92 and ten digits).
struct Stray {
  std::string citizen, phone;
  std::uint64_t offset = 0, length = 0;
  std::uint32_t cluster = 0;
  friend auto operator<=>(const Stray&, const Stray&) = default;
};

/// More strays than this say too little: decoys are left out then.
inline constexpr std::size_t kStraysMax = 1u << 20;
/// Of a decoy so many phones are compared, the first of its rows.
inline constexpr std::size_t kStrayPhones = 3;
/// One bundle shows so many decoys of an account.
inline constexpr std::size_t kDecoysShown = 16;

/// chance_of_decoy is the most that q of part 9 can be: that some of `strays` is one of `given`
/// decoys by luck. A given number comes out of a seed with a chance of at most one in a million
/// (disclosure/decoy_seed.h), a given phone beside it with one in nine million, and three are
/// compared.
double chance_of_decoy(StrayKind kind, std::uint64_t strays, std::uint64_t given);

/// StrayList is what is sealed of a leak's unknown rows: each stray once, ascending, under a secret
/// that keeps the numbers out of what is published.
class StrayList {
 public:
  /// of keeps pairs where there is any, else numbers.
  static StrayList of(std::vector<Stray> found, const Digest& secret);
  StrayKind kind() const { return kind_; }
  const std::vector<Stray>& strays() const { return strays_; }
  Digest root() const;
  /// find gives the place of a stray; nothing if it is not there.
  std::optional<std::size_t> find(std::string_view citizen, std::string_view phone) const;
  std::array<std::uint8_t, 16> salt(std::size_t place) const;
  std::vector<Digest> path(std::size_t place) const;
  /// write and parse keep a list between two steps of a trace. Errors: evidence_malformed.
  std::string write() const;
  static Result<StrayList> parse(std::string_view text);

 private:
  std::vector<Digest> leaves() const;
  Digest secret_{};
  StrayKind kind_ = StrayKind::numbers;
  std::vector<Stray> strays_;
};

/// RowNumbers are the national IDs and phones that a decoy's rows show, in order.
struct RowNumbers {
  std::vector<std::string> citizens, phones;
};
RowNumbers numbers_of(std::string_view rows);

/// ShownExport opens an EXPORT entry: whose it is, and parts 7 (answers), 8 (marks), 9 (its id).
struct ShownExport {
  Actor actor;
  Digest r_actor{}, r_body{};
  std::array<Digest, kBodyParts> part_hashes{};
  std::array<std::array<std::uint8_t, 16>, 3> salts{};
  std::array<std::string, 3> parts;
};

/// DecoyFile is decoys/N of a bundle; decoys/N.tlog-proof is the receipt of its EXPORT.
struct DecoyFile {
  std::array<std::uint8_t, 16> extract{};
  std::uint32_t number = 0;  // i of its seed
  AccountId account{};
  std::uint16_t epoch = 0;
  Digest seed{};
  ShownExport shown;
  Digest answers{};            // SHA-256 over the answer digests of the extract's disclosures
  std::vector<Digest> decoys;  // SHA-256 of the rows of each of its decoys, in order
  std::string rows;            // of this one, as they stand in the file
  Stray stray;
  std::array<std::uint8_t, 16> salt{};
  std::uint64_t place = 0;
  std::vector<Digest> path;
};
std::string write_decoy(const DecoyFile& decoy);
/// parse_decoy. Errors: evidence_malformed.
Result<DecoyFile> parse_decoy(std::string_view text);

/// DecoyHit is a decoy of an account that was found, and the day of its EXPORT.
struct DecoyHit {
  AccountId account{};
  std::string day;
  friend bool operator==(const DecoyHit&, const DecoyHit&) = default;
};

// What an outside checker asks; each answer in words, empty: it holds.

/// wrong_key: the seed is the key's, and gives the number.
std::string wrong_key(const DecoyFile& decoy, const disclosure::CoinKey& key);
/// wrong_export: the EXPORT is the account's, of this extract, marked with `commitment`, and its
/// answer digest covers the rows.
std::string wrong_export(const DecoyFile& decoy, std::string_view entry, const Digest& commitment);
/// wrong_stray: it is among what was sealed, its rows show it, and the account holds decoys.
std::string wrong_stray(const DecoyFile& decoy, const Extraction& sealed);

}  // namespace amanat::trace
