#include "runtime/report/tell.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cstdlib>
#include <ctime>

#include "runtime/diagnostics/utf8.h"
#include "runtime/machine/past.h"

namespace upg::report {

using machine::Event;
using machine::field_of;

std::string tell(const machine::Record &r) {
  auto f = [&](const char *name) { return field_of(r, name); };
  auto on = [&] { return f("host").empty() || f("host") == "controller" ? std::string() : f("host") + ": "; };
  switch (r.event) {
    case Event::run_started:
      return fmt::format("run {} of {} began, digest {}", f("run"), f("plan"), f("digest").substr(0, 16));
    case Event::run_resumed:
      return "the run is taken up again";
    case Event::fenced:
      return fmt::format("{}: FENCED OUT of {} by {}: nothing new starts from here", f("host"), f("lock"), f("by"));
    case Event::run_ended:
      return fmt::format("{}{}{}", f("status"), f("reason").empty() ? "" : ": ", f("reason"));
    case Event::identity_seen:
      return fmt::format("{}: answers, boot {}", f("host"), f("boot_id").substr(0, 8));
    case Event::gate_waiting:
      return fmt::format("{}waiting for {}: {}", on(), f("gate"), f("answer"));
    case Event::gate_passed:
      return fmt::format("{}gate {} passed", on(), f("gate"));
    case Event::gate_failed:
      return fmt::format("{}gate {} FAILED ({}): {}", on(), f("gate"), f("reason"), f("answer"));
    case Event::act_intended:
      return fmt::format("{}{}{}", on(), f("action"), f("attempt") == "1" ? "" : ", attempt " + f("attempt"));
    case Event::command_started:
      return fmt::format("{}  $ {}", on(), f("text"));
    case Event::act_skipped:
      return fmt::format("{} skipped: {}", f("action"), f("reason"));
    case Event::act_ended:
      return fmt::format("{} {}{}{}", f("action"), f("outcome"), f("detail").empty() ? "" : ": ", f("detail"));
    case Event::hold_taken:
      return fmt::format("hold {}({}) in force", f("hold"), f("arguments"));
    case Event::hold_released:
      return fmt::format("hold {}({}) released", f("hold"), f("arguments"));
    case Event::iteration_started:
      return fmt::format("{}: its turn", f("host"));
    case Event::iteration_ended:
      return fmt::format("{}: complete", f("host"));
    case Event::confirmed:
      return fmt::format("{} answered {} to: {}", f("who"), f("answer"), f("text"));
    case Event::boot_seen:
      return fmt::format("{}: back with boot {}", f("host"), f("boot_id").substr(0, 8));
    case Event::outage_overrun:
      return fmt::format("the accepted outage of {} lasts longer than the {} that were accepted: {} still out",
                         f("role"), duration(std::strtoll(f("ms").c_str(), nullptr, 10)), f("hosts"));
    case Event::attempt_failed:
      return fmt::format("attempt {} of {} failed: {}", f("round"), f("most"), f("reason"));
    case Event::recovery_chosen:
      return fmt::format("recovering, because {}", f("text"));
    case Event::window_awaited:
      return fmt::format("the next turn does not fit into this window: waiting for the next one, with nothing down");
    case Event::abort_started:
      return fmt::format("ABORT asked for by {}: from here the way back", f("by"));
    case Event::step_undone:
      return fmt::format("{} is undone", f("action"));
    case Event::host_lost:
      return fmt::format("{}: LOST, {} of {} that may be: {}", f("host"), f("lost"), f("tolerated"), f("reason"));
    case Event::waiver_used:
      return fmt::format("accepted risk in force: {}: {}", f("rule"), f("reason"));
    case Event::clock_set: {
      const std::int64_t ms = std::strtoll(f("ms").c_str(), nullptr, 10);
      return fmt::format("the clock of this controller was set {} by {}: {}", ms < 0 ? "back" : "forward",
                         duration(std::llabs(ms)),
                         ms < 0 ? "the window gains nothing by it" : "the window ends by the new time");
    }
    case Event::controller_slept:
      return fmt::format("this controller was suspended for {}: the window and every `at most` went on",
                         duration(std::strtoll(f("ms").c_str(), nullptr, 10)));
    case Event::stop_requested:
      return fmt::format("stop asked for by {}: nothing new starts", f("by"));
    case Event::identity_forgotten:
      return fmt::format("{}: reinstalled from here, its old host key is refused when that is done", f("host"));
    case Event::host_key_trusted:
      return fmt::format("{}: new host key {}, for which {} vouches", f("host"), f("host_key"), f("who"));
    case Event::pause_requested:
      return fmt::format("pause asked for by {}: between two turns, with nothing down", f("by"));
    case Event::paused:
      return fmt::format("PAUSED, as {} asked: `upgrun continue` goes on", f("by"));
    case Event::went_on:
      return fmt::format("{} lets it go on", f("by"));
    case Event::statement_done:
      return f("text").empty() ? std::string() : "point of no return: " + f("text");
    case Event::outage_opened:
      return fmt::format("{}: {} out of service by the plan", f("host"), f("role"));
    case Event::outage_closed:
      return fmt::format("{}: {} back in service", f("host"), f("role"));
    case Event::once_claimed:
      return fmt::format("{}: marker of {}, which may start once", f("host"), f("action"));
    case Event::locks_intended:
    case Event::locks_given_up:
    case Event::value_kept:
    case Event::hold_intended:
    case Event::limit_started:
    case Event::cell_seen:
    case Event::count_:
      return {};
  }
  return {};
}

std::string clock_time(std::int64_t unix_ms) {
  std::time_t t = unix_ms / 1000;
  std::tm local{};
  localtime_r(&t, &local);
  return fmt::format("{:%H:%M:%S}", local);
}

std::string date_time(std::int64_t unix_ms) {
  std::time_t t = unix_ms / 1000;
  std::tm local{};
  localtime_r(&t, &local);
  return fmt::format("{:%Y-%m-%d %H:%M:%S %Z}", local);
}

std::string duration(std::int64_t ms) {
  if (ms < 10'000) return fmt::format("{}.{}s", ms / 1000, ms % 1000 / 100);
  std::int64_t s = ms / 1000;
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3600) return fmt::format("{}m{:02}s", s / 60, s % 60);
  return fmt::format("{}h{:02}m", s / 3600, s % 3600 / 60);
}

std::string printable(std::string_view text) { return diagnostics::printable(text); }

std::string printable_lines(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out += (at ? "\n" : "") + printable(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

}  // namespace upg::report
