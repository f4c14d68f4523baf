#include "compiler/sema/calendar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

namespace upg::sema::calendar {
namespace {

constexpr std::array<std::string_view, 7> weekdays{"monday", "tuesday",  "wednesday", "thursday",
                                                   "friday", "saturday", "sunday"};

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t begin = text.find_first_not_of(' ', at);
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    at = end;
  }
  return out;
}

std::optional<std::uint32_t> digits(std::string_view text, std::size_t width) {
  std::uint32_t value = 0;
  if (text.size() != width || !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::optional<std::uint32_t> minute_of_day(std::string_view text) {
  if (text.size() == 4) return text[1] == ':' ? minute_of_day("0" + std::string(text)) : std::nullopt;
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hour = digits(text.substr(0, 2), 2), minute = digits(text.substr(3), 2);
  if (!hour || !minute || *hour > 23 || *minute > 59) return std::nullopt;
  return *hour * 60 + *minute;
}

std::optional<std::int64_t> date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = digits(text.substr(0, 4), 4), month = digits(text.substr(5, 2), 2), day = digits(text.substr(8), 2);
  if (!year || !month || !day || !exists({*year, *month, *day})) return std::nullopt;
  return to_days({*year, *month, *day});
}

int weekday(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (std::size_t i = 0; i < weekdays.size(); ++i)
    if (lower == weekdays[i] || lower == weekdays[i].substr(0, 3)) return static_cast<int>(i);
  return -1;
}

}  // namespace

std::int64_t to_days(const Day &day) {
  const std::int64_t y = day.month <= 2 ? day.year - 1 : day.year;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int64_t year_of_era = y - era * 400;
  const std::int64_t shifted = (static_cast<std::int64_t>(day.month) + 9) % 12;
  const std::int64_t day_of_year = (153 * shifted + 2) / 5 + day.day - 1;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719'468;
}

Day from_days(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const std::int64_t of_era = days - era * 146'097;
  const std::int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
  const std::int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted = (5 * of_year + 2) / 153;
  Day out;
  out.day = static_cast<unsigned>(of_year - (153 * shifted + 2) / 5 + 1);
  out.month = static_cast<unsigned>(shifted < 10 ? shifted + 3 : shifted - 9);
  out.year = year_of_era + era * 400 + (out.month <= 2 ? 1 : 0);
  return out;
}

std::string to_string(const Day &day) { return fmt::format("{:04}-{:02}-{:02}", day.year, day.month, day.day); }

bool exists(const Day &day) {
  if (day.month < 1 || day.month > 12 || day.day < 1 || day.day > 31) return false;
  const Day again = from_days(to_days(day));
  return again.year == day.year && again.month == day.month && again.day == day.day;
}

std::optional<Start> parse_start(std::string_view text) {
  const auto parts = words(text);
  if (parts.empty() || parts.size() > 2) return std::nullopt;
  const auto minute = minute_of_day(parts.back());
  if (!minute) return std::nullopt;
  Start start;
  start.minute = *minute;
  if (parts.size() == 1) return start;
  start.weekday = weekday(parts[0]);
  if (start.weekday >= 0) return start;
  start.date = date(parts[0]);
  if (!start.date) return std::nullopt;
  return start;
}

Zone check_zone(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
           c == '-' || c == '/';
  };
  if (name.empty() || name.size() > 64 || !std::all_of(name.begin(), name.end(), fits) || name.front() == '/' ||
      name.back() == '/' || name.find("//") != std::string_view::npos)
    return Zone::malformed;
  if (name == "UTC") return Zone::known;
  const char *from_environment = std::getenv("TZDIR");
  const std::filesystem::path root = from_environment && *from_environment ? from_environment : "/usr/share/zoneinfo";
  std::error_code error;
  if (!std::filesystem::is_directory(root, error)) return Zone::known;
  const std::filesystem::path file = root / std::filesystem::path(std::string(name));
  if (!std::filesystem::is_regular_file(file, error)) return Zone::unknown;
  std::array<char, 4> magic{};
  std::ifstream in(file, std::ios::binary);
  in.read(magic.data(), static_cast<std::streamsize>(magic.size()));
  return in && std::string_view(magic.data(), magic.size()) == "TZif" ? Zone::known : Zone::unknown;
}

}  // namespace upg::sema::calendar
