#pragma once
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "runtime/plan/plan.h"

namespace upg::machine {

/// Programs that the actions of a plan start, with the hosts they start on: (host index, program). Read off the plan,
/// nothing is asked; programs whose name is not written out, and scripts for a shell, are left out.
std::set<std::pair<std::uint32_t, std::string>> needed_tools(const plan::Plan &plan);

/// Hosts that an action of the plan destroys (`destroys`, `reinstalls`); nothing if one of them is known at run time
/// only.
std::optional<std::set<std::uint32_t>> destroyed_hosts(const plan::Plan &plan);

}  // namespace upg::machine
