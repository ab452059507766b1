#include "console/dates.h"

#include <chrono>
#include <cstdio>

namespace amanat::console {
namespace {

constexpr Word kMonths[12] = {Word::january,   Word::february, Word::march,    Word::april,
                              Word::may,       Word::june,     Word::july,     Word::august,
                              Word::september, Word::october,  Word::november, Word::december};

std::int64_t seconds_of(Moment moment, Zone zone) {
  return static_cast<std::int64_t>(number(moment) / 1000) + std::int64_t{zone.minutes} * 60;
}

std::int64_t days_of(std::int64_t seconds) {
  return seconds >= 0 ? seconds / 86'400 : (seconds - 86'399) / 86'400;
}

}  // namespace

std::uint64_t day_number(Moment moment, Zone zone) {
  const std::int64_t days = days_of(seconds_of(moment, zone));
  return days < 0 ? 0 : static_cast<std::uint64_t>(days);
}

std::string written_day(Moment moment, Zone zone, Language language) {
  const std::chrono::sys_days day{
      std::chrono::days(static_cast<int>(days_of(seconds_of(moment, zone))))};
  const std::chrono::year_month_day date(day);
  const Word month = kMonths[static_cast<unsigned>(date.month()) - 1];
  return std::to_string(static_cast<unsigned>(date.day())) + " " +
         std::string(say(month, language)) + " " + std::to_string(static_cast<int>(date.year()));
}

std::string written_day(std::string_view day, Language language) {
  const auto digits = [&](std::size_t at, std::size_t n) {
    unsigned value = 0;
    for (const char c : day.substr(at, n)) {
      if (c < '0' || c > '9') return 0u;
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value;
  };
  if (day.size() != 10 || day[4] != '-' || day[7] != '-') return std::string(day);
  const unsigned year = digits(0, 4), month = digits(5, 2), of_month = digits(8, 2);
  if (year == 0 || month < 1 || month > 12 || of_month < 1) return std::string(day);
  return std::to_string(of_month) + " " + std::string(say(kMonths[month - 1], language)) + " " +
         std::to_string(year);
}

std::string written_time(Moment moment, Zone zone) {
  const std::int64_t seconds = seconds_of(moment, zone);
  const auto of_day = static_cast<unsigned>(seconds - days_of(seconds) * 86'400);
  char text[16];
  std::snprintf(text, sizeof text, "%02u:%02u", of_day / 3600, of_day / 60 % 60);
  return text;
}

std::string written(Moment moment, Zone zone, Language language) {
  return written_day(moment, zone, language) + (language == Language::urdu ? "، " : ", ") +
         written_time(moment, zone);
}

std::string zone_name(Zone zone) {
  if (zone.minutes == 0) return "UTC";
  const unsigned minutes = static_cast<unsigned>(zone.minutes < 0 ? -zone.minutes : zone.minutes);
  char text[24];
  std::snprintf(text, sizeof text, "UTC%c%02u:%02u", zone.minutes < 0 ? '-' : '+',
                minutes / 60 % 100, minutes % 60);
  return text;
}

}  // namespace amanat::console
