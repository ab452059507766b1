#pragma once
// server, trace decoys: what a trace asks of extracts (docs/trace-weighing.md, Decoys). Before the
// seal: who was given how many, out of the EXPORT entries alone. After it: which strays of the leak
// the register names. This room only; the thread of Traces.

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lookup/decoy_register.h"
#include "model/result.h"
#include "server/exchange.h"
#include "server/traces.h"
#include "trace/decoys.h"
#include "trace/found.h"
#include "trace/observe.h"

namespace amanat::server {

/// SeededExport is an EXPORT of rows with decoys.
struct SeededExport {
  std::uint64_t entry = 0, decoys = 0;  // as many at most
  AccountId account{};
  std::uint16_t epoch = 0;
  Moment at{};
};
using SeededExports = std::map<std::array<std::uint8_t, 16>, SeededExport>;

/// rekeyed_before gives the epoch each account was last given a new key for, by the entries before
/// one. Errors: the ledger's.
Result<std::map<AccountId, std::uint16_t>> rekeyed_before(Exchange& exchange, std::uint64_t entry);

/// add_strays puts into `find` what is to be sealed of rows that match nobody, of who holds decoys,
/// and of whose keys were published; the list itself is kept beside (empty: there is nothing to
/// seal). Errors: the ledger's.
Result<std::string> add_strays(Exchange& exchange, std::vector<trace::Stray> strays,
                               const trace::AllFacts& facts, trace::Find& find);

/// FoundDecoy is a line of the register whose decoy is among the strays.
struct FoundDecoy {
  lookup::DecoyGiven given;
  std::uint16_t epoch = 0;
  SeededExport exported;
  std::size_t place = 0;
  std::vector<Digest> all;  // SHA-256 of the rows of each decoy of its extract, in order
};
/// found_decoys opens the register for a sealed trace; at most kDecoysShown an account. Errors: as
/// DecoyRegister::open_after_seal, the ledger's.
Result<std::vector<FoundDecoy>> found_decoys(Exchange& exchange, const TraceCase& trace,
                                             const trace::Extraction& sealed,
                                             const trace::StrayList& strays);
/// Decoys are what was found of them in one trace.
struct Traces::Decoys {
  trace::StrayList strays;
  std::vector<FoundDecoy> found;
  std::vector<trace::DecoyHit> hits;
};

/// decoy_file shows one in a bundle. Errors: the ledger's, the vault's.
Result<trace::DecoyFile> decoy_file(Exchange& exchange, const FoundDecoy& found,
                                    const trace::StrayList& strays, const disclosure::CoinKey& key);

}  // namespace amanat::server
