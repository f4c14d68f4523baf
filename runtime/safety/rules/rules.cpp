#include "runtime/safety/rules/rules.h"

#include <array>

namespace upg::safety {

std::span<const Rule> rules() {
  static const std::array table = {
      // What overlaps breaks most: what else the same overlap breaks is not told.
      avail_rule(),
      serial_rule(),
      hostx_rule(),
      reach_rule(),
      outage_rule(),
      tolerate_rule(),
      race_rule(),
      fork_rule(),
      guard_rule(),
      base_rule(),
      ret_rule(),
      state_rule(),
      hold_rule(),
      starve_rule(),
      order_rule(),
      rank_rule(),
      arm_rule(),
      once_rule(),
      join_rule(),
      end_rule(),
      scope_rule(),
      command_rule(),
      target_rule(),
      undo_rule(),
      time_rule(),
      window_rule(),
      too_large_rule(),
      // They judge what the others used.
      waiver_rule(),
      unused_waiver_rule(),
  };
  return table;
}

}  // namespace upg::safety
