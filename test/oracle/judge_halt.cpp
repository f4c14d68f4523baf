// What a halt starts: undo of armers with a transient cell, then the release of holds that say `on halt release` and have
// nothing open inside. They ask what they require at the act and are left out where it does not hold, so the predicates
// that a halt can still break are those that hold always: AVAIL and SERIAL.
#include <fmt/format.h>

#include <algorithm>

#include "test/oracle/judge.h"

namespace upg::oracle {

/// Steps that a halt may start and that open an outage: usually none, and then no halt needs to be walked.
std::vector<std::uint32_t> Judge::halting_steps() const {
  std::vector<std::uint32_t> result;
  for (std::uint32_t i = 0; i < g_.nodes.size(); ++i) {
    const Node &node = g_.nodes[i];
    if (node.shape != Shape::act || node.releases == Node::none) continue;
    const plan::Hold &hold = g_.plan->holds[g_.holds[g_.withs[node.releases].hold].hold.index];
    const Action &a = g_.actions[node.action];
    if (hold.on_halt == plan::Afterwards::release && (a.disrupts | a.changes) != 0) result.push_back(i);
  }
  return result;
}

void Judge::halts(const Config &config, const std::vector<std::uint32_t> &steps) {
  if (steps.empty()) return;
  Config now = config;
  for (const std::uint32_t index : steps) {
    const With &with = g_.withs[g_.nodes[index].releases];
    const std::uint16_t at = config.at[with.node];
    // Between the end of the acquire and the start of the release.
    if (at < 2 || at == Machine::done || config.at[index] != 0) continue;
    Pairs inside = 0;
    g_.each_under(with.node, [&](std::uint32_t i) {
      const Node &node = g_.nodes[i];
      if (node.shape == Shape::act && i != index) inside |= g_.actions[node.action].disrupts | g_.actions[node.action].changes;
    });
    if ((inside & open_pairs(now)) != 0) continue;
    const Action &a = g_.actions[g_.nodes[index].action];
    for (std::uint16_t p = 0; p < g_.pairs.size(); ++p) {
      if (has(a.disrupts, p)) now.open.push_back({p, Kind::down, 0});
      if (has(a.changes, p)) now.open.push_back({p, Kind::changing, 0});
    }
    after_start(now, index);
  }
}

}  // namespace upg::oracle
