#pragma once
#include "runtime/safety/analysis.h"
#include "runtime/safety/rules/table.h"

namespace upg::safety {

// One function per file of this folder.
Rule avail_rule();
Rule serial_rule();
Rule guard_rule();
Rule base_rule();
Rule ret_rule();
Rule state_rule();
Rule hold_rule();
Rule starve_rule();
Rule order_rule();
Rule rank_rule();
Rule arm_rule();
Rule once_rule();
Rule hostx_rule();
Rule race_rule();
Rule fork_rule();
Rule join_rule();
Rule reach_rule();
Rule end_rule();
Rule scope_rule();
Rule command_rule();
Rule outage_rule();
Rule target_rule();
Rule tolerate_rule();
Rule undo_rule();
Rule time_rule();
Rule window_rule();
Rule waiver_rule();
Rule unused_waiver_rule();
Rule too_large_rule();

}  // namespace upg::safety
