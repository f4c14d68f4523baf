#pragma once
#include <optional>
#include <string>

#include "runtime/machine/machine.h"
#include "runtime/report/control.h"

namespace upg::run {

/// What the upgrun that drives the run answers to a request of another one.
std::string answer_control(const plan::Plan &plan, const std::string &run, machine::Machine &machine,
                           machine::Clock &clock, const report::Control::Request &request);

/// What goes on in the run now (report/live_status.h); nothing if nobody drives it.
std::optional<std::string> live_status(const report::RunFolder &folder);

}  // namespace upg::run
