#include "runtime/report/window.h"

#include <date/tz.h>

#include <algorithm>
#include <exception>

namespace upg::report {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

/// Local time to UTC: in the gap of a clock change the moment after it, in the overlap the first of the two.
date::sys_time<milliseconds> to_utc(const date::time_zone *zone, date::local_days day, std::uint32_t minute) {
  return zone->to_sys(day + minutes(minute) + milliseconds(0), date::choose::earliest);
}

unsigned weekday_of(plan::WindowDay day) { return (static_cast<unsigned>(day) + 1) % 7; }  // date counts from Sunday

}  // namespace

std::optional<Occurrence> occurrence(const plan::Plan &plan, const plan::Window &window, std::int64_t unix_ms,
                                     std::string &why) {
  try {
    const date::time_zone *zone = date::locate_zone(std::string(plan.text(window.zone)));
    date::sys_time<milliseconds> now{milliseconds(unix_ms)};
    auto make = [&](date::local_days day) {
      std::int64_t begin = to_utc(zone, day, window.minute).time_since_epoch().count();
      return Occurrence{
          begin, begin + window.length,
          date::format("%a %F %H:%M ", zone->to_local(date::sys_time<milliseconds>(milliseconds(begin)))) +
              zone->name()};
    };
    if (window.day == plan::WindowDay::date) {
      Occurrence o = make(date::local_days(date::days(window.date)));
      return o.end_ms > unix_ms ? std::optional(o) : std::nullopt;
    }
    auto today = date::floor<date::days>(zone->to_local(now));
    // A window may be longer than a day or a week: look back as far as it reaches.
    int back = static_cast<int>(window.length / 86'400'000) + 2;
    if (back > 15) back = 15;
    for (int d = -back; d <= 8; ++d) {
      date::local_days day = today + date::days(d);
      if (window.day != plan::WindowDay::daily && date::weekday(day).c_encoding() != weekday_of(window.day)) continue;
      Occurrence o = make(day);
      if (o.end_ms > unix_ms) return o;
    }
    return std::nullopt;
  } catch (const std::exception &e) {
    why = "time zone " + std::string(plan.text(window.zone)) + " cannot be used: " + e.what();
    return std::nullopt;
  }
}

std::optional<Occurrence> occurrence(const plan::Plan &plan, std::int64_t unix_ms, std::string &why) {
  std::optional<Occurrence> best;
  const auto each = [&](std::int64_t moment, auto &&take) {
    for (const plan::Window &window : plan.windows) {
      if (const std::optional<Occurrence> o = occurrence(plan, window, moment, why)) take(*o);
      if (!why.empty()) return false;
    }
    return true;
  };
  if (!each(unix_ms, [&](const Occurrence &o) {
        if (!best || o.begin_ms < best->begin_ms) best = o;
      }))
    return std::nullopt;
  constexpr int kMostJoined = 400;  // a window that never closes is shown as one of a year or so
  for (int i = 0; best && i < kMostJoined; ++i) {
    const std::int64_t end = best->end_ms;
    // asked at the end: what holds that moment, or begins right there, goes on
    if (!each(end, [&](const Occurrence &o) {
          if (o.begin_ms <= end) best->end_ms = std::max(best->end_ms, o.end_ms);
        }))
      return std::nullopt;
    if (best->end_ms == end) break;
  }
  return best;
}

std::function<std::optional<machine::Opening>(std::int64_t unix_ms)> openings(const plan::Plan &plan) {
  return [&plan](std::int64_t unix_ms) -> std::optional<machine::Opening> {
    std::string unknown;
    const auto o = occurrence(plan, unix_ms, unknown);
    if (!o) return std::nullopt;
    return machine::Opening{o->begin_ms, o->end_ms};
  };
}

}  // namespace upg::report
