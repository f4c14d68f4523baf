#include "runtime/safety/windows.h"

#include <date/tz.h>

#include <algorithm>
#include <exception>
#include <string>

namespace upg::safety {
namespace {

constexpr int kYear = 371;     // days looked at: every date of a year, and the week it ends in
constexpr int kLookBack = 16;  // a window may be open already when the year begins
constexpr std::int64_t kDay = 86'400'000;

unsigned weekday_of(plan::WindowDay day) { return (static_cast<unsigned>(day) + 1) % 7; }  // date counts from Sunday

void add_occurrences(const plan::Plan &plan, std::size_t index, std::int64_t today, std::vector<Stretch> &out) {
  const plan::Window &window = plan.windows[index];
  const date::time_zone *zone = date::locate_zone(std::string(plan.text(window.zone)));
  const auto add = [&](date::local_days day) {
    const auto begin =
        zone->to_sys(day + std::chrono::minutes(window.minute) + std::chrono::milliseconds(0), date::choose::earliest);
    const std::int64_t ms = begin.time_since_epoch().count();
    if (ms + window.length > today * kDay) out.push_back({ms, ms + window.length, index});
  };
  if (window.day == plan::WindowDay::date) {
    add(date::local_days(date::days(window.date)));
    return;
  }
  for (std::int64_t d = today - kLookBack; d < today + kYear; ++d) {
    const date::local_days day{date::days(d)};
    if (window.day == plan::WindowDay::daily || date::weekday(day).c_encoding() == weekday_of(window.day)) add(day);
  }
}

}  // namespace

std::vector<Stretch> stretches(const plan::Plan &plan, std::int64_t today, bool &known) {
  known = true;
  std::vector<Stretch> all, out;
  try {
    for (std::size_t i = 0; i < plan.windows.size(); ++i) add_occurrences(plan, i, today, all);
  } catch (const std::exception &) {
    known = false;
    return {};
  }
  std::sort(all.begin(), all.end(), [](const Stretch &a, const Stretch &b) {
    return a.begin_ms != b.begin_ms ? a.begin_ms < b.begin_ms : a.first < b.first;
  });
  for (const Stretch &s : all) {
    if (out.empty() || s.begin_ms > out.back().end_ms) {
      out.push_back(s);
      continue;
    }
    if (s.end_ms > out.back().end_ms) ++out.back().windows;
    out.back().end_ms = std::max(out.back().end_ms, s.end_ms);
  }
  return out;
}

}  // namespace upg::safety
