#pragma once
#include <string>
#include <string_view>

#include "runtime/plan/plan.h"
#include "runtime/safety/check.h"

namespace upg::report {

/// What a reviewer reads before a plan may run: identity, accepted risks, points of no return, hosts in the order they
/// are visited, roles with their worst moment, the steps as a runbook, and every contract and command behind them.
/// Plain text, safe for any terminal. `digest`: of the plan's file. `proof`: of a plan that passed the checks; null if
/// it did not, and then the review says so.
std::string review(const plan::Plan &plan, std::string_view digest, const safety::Proof *proof);

}  // namespace upg::report
