#include "runtime/safety/rules/rules.h"

#include <array>

namespace upg::safety {

std::span<const Rule> rules() {
  static const std::array table = {
      avail_rule(), serial_rule(), hostx_rule(),  // first: what else their overlaps break is not told
      guard_rule(), base_rule(),   ret_rule(),       state_rule(),  hold_rule(),          starve_rule(),
      order_rule(), rank_rule(),   arm_rule(),       once_rule(),   race_rule(),          fork_rule(),
      join_rule(),  reach_rule(),  end_rule(),       scope_rule(),  command_rule(),       undo_rule(),
      time_rule(),  window_rule(), too_large_rule(), waiver_rule(), unused_waiver_rule(),  // last: they judge what the
                                                                                           // others used
  };
  return table;
}

}  // namespace upg::safety
