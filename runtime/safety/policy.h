#pragma once
#include <string>
#include <vector>

#include "runtime/plan/plan.h"

namespace upg::safety {

/// Whether no `available` line of the role limits how many may be down.
bool unlimited(const plan::Plan &plan, const plan::Role &role);

/// Whether these hosts of the role may be down at one time by every `available` line: empty, or the line that breaks
/// and the numbers
/// ("quorum: 1 of 3 votes up, 2 needed"). Hosts declared out count as down. Used by the checker's messages and by the
/// census at run time.
std::string broken_by(const plan::Plan &plan, plan::RoleId role, const std::vector<plan::HostId> &down);

}  // namespace upg::safety
