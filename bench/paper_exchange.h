#pragma once
// A home whose ledger holds as many entries as asked for, written as fast as they can be hashed and
// sealed: frames, tree, snapshots and chain file as the exchange itself leaves them, so that it
// starts on them and `amanat ledger fsck` accepts them. Invented officers, cases and citizens.

#include <array>
#include <cstdint>
#include <string>

#include "model/ids.h"

namespace amanat::bench {

struct Wanted {
  std::string home;
  std::uint64_t entries = 0;
  unsigned disclosures_percent = 100;  // the others are denials whose slice was destroyed
  unsigned officers = 40'000, cases = 200'000, citizens = 1'000'000;
  unsigned segment_mib = 256;
  unsigned threads = 2;
  std::array<std::uint8_t, 16> destroyed{};  // that slice: append_entries makes it
};

/// make_home makes the home of a new exchange. False, with words on standard error, if it cannot.
bool make_home(const Wanted& wanted);
/// label_of is the label of its citizen of that number, who is in some case or other.
Label label_of(std::uint64_t citizen);
/// append_entries adds wanted.entries to its ledger, which nobody has open.
bool append_entries(const Wanted& wanted);

}  // namespace amanat::bench
