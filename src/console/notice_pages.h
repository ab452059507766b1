#pragma once
// console, pages of notices: how a citizen is told, and where anybody checks whether a message is
// genuine. Pure functions.

#include <optional>
#include <string>

#include "console/dates.h"
#include "console/frame.h"
#include "console/parts.h"

namespace amanat::console {

/// NoticeWish is what the reader has chosen. The number is shown by its end alone.
struct NoticeWish {
  bool offered = false;       // the exchange sends messages
  std::string number_end;     // empty: none
  bool number_wrong = false;  // what was typed is none
};
std::string notices_page(const Reader& reader, const NoticeWish& wish);

/// CheckedNotice is what came of a check.
struct CheckedNotice {
  bool genuine = false;
  std::string text;
  Moment sent{};
};
std::string check_notice_page(const Reader& reader, const std::optional<CheckedNotice>& checked,
                              const ReasonRow* why, Zone zone);

}  // namespace amanat::console
