#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Days, weekdays and time zones, as far as a plan's head needs them.
namespace upg::sema::calendar {

struct Day {
  std::int64_t year = 1970;
  unsigned month = 1, day = 1;
};
/// Days since 1970-01-01 in the proleptic Gregorian calendar.
std::int64_t to_days(const Day &day);
Day from_days(std::int64_t days);
std::string to_string(const Day &day);  // "2026-12-31"
bool exists(const Day &day);

struct Start {
  int weekday = -1;                  // 0 Monday .. 6 Sunday
  std::optional<std::int64_t> date;  // days since 1970-01-01
  std::uint32_t minute = 0;          // of the day
};
/// "Sat 20:00", "saturday 20:00", "2026-12-31 20:00", "20:00"; nothing if it is none of these.
std::optional<Start> parse_start(std::string_view text);

enum class Zone : std::uint8_t { known, unknown, malformed };
/// Looks the name up in the time zone database of this machine; without one every well-formed name is known.
Zone check_zone(std::string_view name);

}  // namespace upg::sema::calendar
