#pragma once
#include <optional>
#include <string>

#include "runtime/machine/machine.h"
#include "runtime/plan/plan.h"

namespace upg::report {

/// What goes on right now, as data: {"schema": 1, "run", "plan", "pid", "state": "running" | "pausing" | "paused" |
/// "stopping", "now_unix_ms", "window_end_unix_ms", "under_way": [...], "commands": [...], "silent": [...], "holds":
/// [...], "asks": [...], "next": [...]}. One line.
std::string live_json(const plan::Plan &plan, const std::string &run, const machine::Machine &machine,
                      std::int64_t unix_ms, machine::Millis now);

/// The same for a person; nothing if it is no such text (it comes from another process).
std::optional<std::string> live_text(const std::string &json);

}  // namespace upg::report
