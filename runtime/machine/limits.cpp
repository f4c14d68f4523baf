// Time that is given from outside: the window that the run must end in, and the deadlines of `at most`.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "runtime/machine/run.h"

namespace upg::machine {

namespace {
constexpr Millis kNoticed = 5'000;  // a clock is slewed by less than this in a turn

std::string minutes(std::int64_t ms) {
  return ms < 120'000 ? fmt::format("{}s", std::max<std::int64_t>(0, ms) / 1000) : fmt::format("{} min", ms / 60'000);
}
}  // namespace

bool Machine::Run::in_window(std::int64_t worst) const {
  if (!options.window_end_unix_ms || options.mode != Mode::run || release_on_halt) return true;
  return window_left() > worst;
}

std::int64_t Machine::Run::window_left() const {
  const std::int64_t wall = clock.unix_ms();
  if (wall < options.window_begin_unix_ms) return 0;
  return std::min(*options.window_end_unix_ms - wall, window_end_steady - clock.steady());
}

void Machine::Run::enter_window(const Opening &opening) {
  options.window_begin_unix_ms = opening.begin_unix_ms;
  options.window_end_unix_ms = opening.end_unix_ms;
  window_end_steady = clock.steady() + (opening.end_unix_ms - clock.unix_ms());
}

std::int64_t Machine::Run::giving_back() const {
  std::int64_t sum = 0;
  for (const auto &[full, held] : world.holds) {
    const plan::Hold &hold = plan.holds[held.hold.index];
    if (held.count > 0 && !held.found_on && hold.on_halt == plan::Afterwards::release)
      sum += plan.actions[hold.release.index].worst;
  }
  return sum;
}

void Machine::Run::watch_clocks() {
  if (simulation()) return;
  const Clocks seen{clock.monotonic(), clock.steady(), clock.unix_ms()};
  if (const std::optional<Clocks> before = std::exchange(clocks, seen)) {
    const Millis elapsed = seen.steady - before->steady;
    const Millis slept = elapsed - (seen.monotonic - before->monotonic);
    const std::int64_t set = seen.unix_ms - before->unix_ms - elapsed;
    if (slept > kNoticed) write(Event::controller_slept, "", make_data({{"ms", std::to_string(slept)}}));
    if (set > kNoticed || set < -kNoticed) write(Event::clock_set, "", make_data({{"ms", std::to_string(set)}}));
  }
}

bool Machine::Run::fits_window(std::int64_t worst, const std::string &key, plan::Span where) {
  if (in_window(worst)) return true;
  const std::int64_t left = window_left();
  if (!window_over)
    window_over = Ending{
        Status::stopped,
        clock.unix_ms() < options.window_begin_unix_ms
            ? std::string("the clock of this controller was set back to before the window")
        : left <= 0 ? std::string("the window has ended")
                    : fmt::format("the window ends in {}, what comes next may take {}", minutes(left), minutes(worst)),
        "resume in the next window", key, where};
  return false;
}

std::int64_t Machine::Run::turn_worst(NodeId roll) const {
  const plan::Rollout &rollout = plan.rollouts[plan.node(roll).a];
  for (const safety::TurnBound &bound : proof.turns)
    if (bound.roll == roll) return (rollout.at_most ? rollout.at_most : bound.worst_ms) + bound.leave_ms;
  return rollout.at_most;
}

bool Machine::Run::limit(Place *place, std::int64_t ms) {
  if (options.mode != Mode::run) return true;
  const StepPast *before = past.step(place->key);
  std::int64_t elapsed = 0;
  if (before && before->limit_unix_ms && !options.fresh_limits)
    elapsed = std::max<std::int64_t>(0, clock.unix_ms() - *before->limit_unix_ms);
  else if (!write(Event::limit_started, place->key, make_data({{"ms", std::to_string(ms)}})))
    return false;
  const Millis end = std::max<Millis>(1, clock.steady() + ms - std::min(elapsed, ms + clock.steady()));
  place->deadline = place->deadline ? std::min(place->deadline, end) : end;
  return true;
}

}  // namespace upg::machine
