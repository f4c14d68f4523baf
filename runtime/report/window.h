#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "runtime/machine/machine.h"
#include "runtime/plan/plan.h"

namespace upg::report {

/// One occurrence of a plan's window: [begin, end) in milliseconds since 1970 UTC. Daylight saving counts: the length
/// is elapsed time.
struct Occurrence {
  std::int64_t begin_ms = 0;
  std::int64_t end_ms = 0;
  std::string begin;  // local time of the window's zone, for a person
};

/// The occurrence that contains `unix_ms`, else the next one. Nothing if there is none any more, or, with `why`, if the
/// time zone is unknown here.
std::optional<Occurrence> occurrence(const plan::Plan &plan, const plan::Window &window, std::int64_t unix_ms,
                                     std::string &why);

/// Over all windows of the plan, where what overlaps or touches is one: the one that is open, else the next.
std::optional<Occurrence> occurrence(const plan::Plan &plan, std::int64_t unix_ms, std::string &why);

/// The same as the machine asks for it. The plan must outlive the function.
std::function<std::optional<machine::Opening>(std::int64_t unix_ms)> openings(const plan::Plan &plan);

}  // namespace upg::report
