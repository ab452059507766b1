#pragma once
// sim, leak_find: what leakers publish. A find is a file as it would be handed in, and the truth
// about it: whose copies are in it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/leak_world.h"

namespace amanat::sim {

/// Act is how a leak is made.
enum class Act : std::uint8_t {
  copies,         // rows as they were shown
  common,         // only what one colleague was shown too
  planted,        // the same, and rows that only the colleague was shown, made up
  vote,           // colluders, shared rows: for each coin the side most of them have
  minority,       // for each coin the side fewest have
  blend,          // for each coin the side of one of them by lot
  differing,      // coins on which they differ are left out
  more,           // the leaker pressed "show more" on some rows: both sides are in the file
  lots,           // the leaker publishes for each coin a side by lot, of both sides seen
  again,          // the leaker asked a second time, hoping for other coins
  colleagues,     // half of the rows are a colleague's copies, off the colleague's screen
  old,            // published long ago: most disclosures came later
  several,        // three finds, a third of the rows each
  foreign,        // among rows of citizens that came from elsewhere
  diluted,        // among made-up rows of the stations' own citizens
  backend_raw,    // nobody's copy: storage was copied, both sides in the file
  backend_lots,   // nobody's copy: a side by lot
  backend_first,  // nobody's copy: always the first side
  backend_framed  // nobody's copy: a side by lot, exactly the citizens one officer was shown
};
inline constexpr std::size_t kActs = 19;
std::string_view word_of(Act act);
bool from_nobody(Act act);

/// Style is what the file looks like.
enum class Style : std::uint8_t { csv, renamed, retyped, json_lines, sql, chat, merged };
inline constexpr std::size_t kStyles = 7;
std::string_view word_of(Style style);

struct Plan {
  Act act{};
  Style style{};
  unsigned rows = 10;  // from sources
  unsigned sources = 1;
  bool near = true;  // sources sit in one station
  unsigned planted = 0;
  double foreign = 0;              // rows from elsewhere for one row from a source
  double erased = 0, flipped = 0;  // share of coins
};

struct Find {
  std::string file;
  std::uint16_t day = 0;  // of its appearance
};

struct Truth {
  std::vector<std::uint32_t> sources;  // accounts whose copies are in it; ascending
  unsigned working = 0;       // how many of them leaked; the others' copies were taken off screens
  std::uint64_t foreign = 0;  // rows that came from elsewhere
};

struct Leak {
  std::vector<Find> finds;
  Truth truth;
};

/// make_leak makes one by chance. Fewer rows than asked for if the leaker has not so many.
Leak make_leak(World& world, const Plan& plan, Dice& dice);

}  // namespace amanat::sim
