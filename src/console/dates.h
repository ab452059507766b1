#pragma once
// console, dates: moments written out for people, never as 03/04. Pure functions.

#include <string>
#include <string_view>

#include "console/words.h"
#include "model/ids.h"

namespace amanat::console {

/// Zone is how far the exchange's clock on the wall is ahead of UTC, in minutes.
struct Zone {
  int minutes = 0;
};

/// written_day is "22 November 2026" in the reader's language.
std::string written_day(Moment moment, Zone zone, Language language);
/// written_day of a day as records write it, YYYY-MM-DD; anything else stays as it is.
std::string written_day(std::string_view day, Language language);
/// written_time is "14:35".
std::string written_time(Moment moment, Zone zone);
/// written is both.
std::string written(Moment moment, Zone zone, Language language);
/// zone_name is "UTC+05:00", or "UTC".
std::string zone_name(Zone zone);
/// day_number counts days since 1970-01-01 in that zone: two moments of one day have one number.
std::uint64_t day_number(Moment moment, Zone zone);

}  // namespace amanat::console
