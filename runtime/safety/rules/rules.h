#pragma once
#include <span>
#include <string_view>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/safety/analysis.h"

namespace upg::safety {

/// One rule of the checker: what `upgc explain` prints, and the check. `failing` is a complete .upg file that gets
/// exactly this diagnostic, `fixed` the same file mended; a test compiles both.
struct Rule {
  diagnostics::Kind kind;
  std::string_view name;  // as in `accept NAME`
  std::string_view doc;
  std::string_view failing;
  std::string_view fixed;
  void (*check)(Analysis &);
  bool waivable = true;  // structural rules are not: the exactness of the others rests on them
  /// Runs before every rule's `check`: finds the causes whose consequences the others then leave untold.
  void (*before)(Analysis &) = nullptr;
};

/// Every rule, in the order in which they are checked and reported.
std::span<const Rule> rules();

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
Rule undo_rule();
Rule time_rule();
Rule window_rule();
Rule waiver_rule();
Rule unused_waiver_rule();
Rule too_large_rule();

}  // namespace upg::safety
