#pragma once
// trace, extraction: what a leak shows, read without any coin, in the one spelling that is sealed
// before a coin is unlocked (tracing page 11.2, docs/trace-evidence.md). For the exchange and for
// an outside checker alike. Pure, thread-safe.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"
#include "model/result.h"

namespace amanat::trace {

inline constexpr std::size_t kExtractionBytesMax = 256u << 20;
inline constexpr std::string_view kExtractionHead = "amanat-extraction v1";

/// Statistic is the one deciding test, named before coins are seen.
enum class Statistic : std::uint8_t { e, tail };

/// StrayKind is what rows that match nobody are compared with decoys by: the national ID, or that
/// and a phone of the same row.
enum class StrayKind : std::uint8_t { numbers, pairs };
std::string_view word_of(StrayKind kind);

/// SealedStrays are what a leak's unknown rows name, each once: how many, and the root over them
/// (trace/decoys.h).
struct SealedStrays {
  StrayKind kind{};
  std::uint64_t count = 0;
  Digest root{};
  friend bool operator==(const SealedStrays&, const SealedStrays&) = default;
};

/// Extraction is the file's content. Every list ascends, without repeats.
struct Extraction {
  /// Held is how many decoys an account was given under the key of one epoch, by the leak's day.
  struct Held {
    std::uint32_t account = 0;
    std::uint16_t epoch = 0;
    std::uint64_t count = 0;
    friend auto operator<=>(const Held&, const Held&) = default;
  };
  /// Rekeyed says that an account's keys of earlier epochs were published: their coins prove nothing.
  struct Rekeyed {
    std::uint32_t account = 0;
    std::uint16_t epoch = 0;
    friend auto operator<=>(const Rekeyed&, const Rekeyed&) = default;
  };
  struct Cluster {
    std::uint32_t id = 0;
    Digest sha256{};  // of the template
    friend auto operator<=>(const Cluster&, const Cluster&) = default;
  };
  struct Erased {
    std::uint32_t cluster = 0;
    std::uint16_t field = 0;
    std::uint8_t slot = 0;
    friend auto operator<=>(const Erased&, const Erased&) = default;
  };
  struct Foreign {
    std::uint32_t cluster = 0;
    std::uint16_t column = 0;
    friend auto operator<=>(const Foreign&, const Foreign&) = default;
  };
  struct Row {
    std::uint64_t n = 0, offset = 0, length = 0;
    std::uint32_t cluster = 0;
    Label subject{};
    friend auto operator<=>(const Row&, const Row&) = default;
  };
  struct Sym {
    std::uint64_t row = 0;
    std::uint16_t field = 0;
    std::array<std::uint8_t, 8> value{};
    std::uint8_t slot = 0;
    std::uint32_t symbol = 0, weight = 0, total = 0;
    friend auto operator<=>(const Sym&, const Sym&) = default;
  };
  struct Source {
    std::uint64_t row = 0;
    std::vector<std::uint64_t> entries;  // at least one
    friend auto operator<=>(const Source&, const Source&) = default;
  };
  struct Page {
    std::uint64_t n = 0;
    Digest found{}, page{}, registration{};
    friend auto operator<=>(const Page&, const Page&) = default;
  };
  struct Account {
    std::uint32_t account = 0;
    std::uint16_t epoch = 0;
    std::uint64_t bits = 0;  // thousandths
    friend auto operator<=>(const Account&, const Account&) = default;
  };

  Digest leak{};
  std::uint64_t leak_bytes = 0;
  std::string leak_day;  // YYYY-MM-DD
  std::string origin;
  std::uint64_t tree_size = 0;
  Digest root{};
  std::uint16_t catalogue = 0;
  Digest catalogue_sha256{};
  Statistic test = Statistic::e;
  std::uint64_t unknown = 0;
  std::optional<SealedStrays> strays;  // there are some, and somebody holds decoys
  std::vector<Held> held;
  std::vector<Rekeyed> rekeyed;
  std::vector<Cluster> clusters;
  std::vector<Erased> erased;
  std::vector<Foreign> foreign;
  std::vector<Row> rows;
  std::vector<Sym> symbols;
  std::vector<Source> sources;
  std::vector<Page> pages;
  std::vector<Account> accounts;
  std::uint64_t candidates = 0;  // N_c
};

/// write_extraction is the file's bytes.
std::string write_extraction(const Extraction& extraction);
/// parse_extraction takes exactly what write_extraction gives: what is not byte for byte the one
/// spelling of its content is refused. Errors: evidence_malformed ("line N: what").
Result<Extraction> parse_extraction(std::string_view text);

/// day_of is the UTC day of a moment as YYYY-MM-DD; valid_day judges one.
std::string day_of(Moment moment);
bool valid_day(std::string_view text);

}  // namespace amanat::trace
