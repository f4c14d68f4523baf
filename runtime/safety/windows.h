#pragma once
#include <cstdint>
#include <vector>

#include "runtime/plan/plan.h"

namespace upg::safety {

/// Windows that are open without a break: [begin, end) in milliseconds since 1970 UTC. A window's length is elapsed
/// time, its start is local time: on the nights the clocks change windows that meet otherwise may leave a gap or
/// overlap.
struct Stretch {
  std::int64_t begin_ms = 0, end_ms = 0;
  std::size_t first = 0;    // of Plan::windows: the one that opens it
  std::size_t windows = 1;  // how many it is made of
  std::int64_t length() const { return end_ms - begin_ms; }
};

/// What is open in the year that begins today (days since 1970), in order of time. Empty: nothing is, any more, or a
/// time zone is not known on this machine (`known` is false then).
std::vector<Stretch> stretches(const plan::Plan &plan, std::int64_t today, bool &known);

}  // namespace upg::safety
