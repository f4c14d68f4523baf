// ABORT, and what a halt starts: undo of armers with a transient cell, then the release of holds that say `on halt
// release` and have nothing open inside. They ask what they require at the act and are left out where it does not hold,
// so the predicates that a halt can still break are those that hold always: AVAIL and SERIAL.
#include <fmt/format.h>

#include <algorithm>

#include "test/oracle/judge.h"

namespace upg::oracle {

/// ABORT of one step that has just ended: as if it were replaced by itself and its undo, in this very configuration.
/// What other parts do between the two they can as well do before.
void Judge::after_end(const Config &config, std::uint32_t index) {
  const Node &node = g_.nodes[index];
  if (node.acquires != Node::none || node.releases != Node::none) return;  // a hold undoes itself
  const Action &b = g_.actions[node.action];
  if (g_.on_abort != Node::none) return;  // it stands for every undo
  const bool before = g_.no_return != Node::none && !g_.before(g_.no_return, index);
  if (!before && !b.arms) return;
  const auto no = [&](std::string_view why) { found(Rule::undo, index, fmt::format("{} {}", b.name, why)); };
  if (b.undo_kind == Undo::none) return no("has no undo");
  if (b.undo_kind == Undo::nothing) {
    if (!b.moves.empty()) no("moves a state, and its undo does nothing");
    return;
  }
  undo(config, index, g_.undo_of[index]);
}

void Judge::undo(const Config &config, std::uint32_t step, std::uint32_t index) {
  const Action &b = g_.actions[g_.nodes[step].action];
  const Action &u = g_.actions[g_.nodes[index].action];
  const auto no = [&](std::string_view why) { found(Rule::undo, step, fmt::format("{} {}", u.name, why)); };
  if ((u.touches & ~b.touches) != 0) no("touches other hosts");
  // An undo that says nothing about a state takes it back; what it writes itself must lead to where the step came from.
  for (const Move &m : b.moves) {
    for (const Move &w : u.moves) {
      if (w.cell == m.cell && (m.from >> w.to & 1) == 0) no("does not restore what was moved");
    }
  }
  for (std::size_t p = 0; p < g_.pairs.size(); ++p) {
    if (has(b.disrupts | b.changes | u.disrupts | u.changes, p) && !has(u.touches, g_.pairs[p].host))
      no("leaves something open");
  }
  undoing_ = true;
  Config alone = config;
  alone.known.clear();
  alone.in_flight.clear();
  guard(alone, index);
  states(alone, index);
  holds(alone, index);
  for (const std::uint32_t other : config.in_flight) {
    const Action &a = g_.actions[g_.nodes[other].action];
    if ((a.moved & (u.moved | u.requires_cells)) != 0 || (u.moved & a.requires_cells) != 0) no("races");
  }
  reach(config, index);
  // Only the roles that the undo touches: the others are judged as AVAIL and SERIAL themselves.
  Config opened = config;
  std::erase_if(opened.open, [&](const Outage &o) {
    return (g_.roles[g_.pairs[o.pair].role].pairs & (u.disrupts | u.changes)) == 0;
  });
  for (std::uint16_t p = 0; p < g_.pairs.size(); ++p) {
    if (has(u.disrupts, p)) opened.open.push_back({p, Kind::down, g_.nodes[index].region});
    if (has(u.changes, p)) opened.open.push_back({p, Kind::changing, g_.nodes[index].region});
  }
  if ((u.disrupts | u.changes) != 0) after_start(opened, index);
  undoing_ = false;
}

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
    if (!now.open.empty()) return;  // nothing is given back while anything is down or under change
    // Between the end of the acquire and the start of the release.
    const bool kept = has(config.kept, with.hold);
    if (!kept && (at < 2 || at == Machine::done || config.at[index] != 0)) continue;
    const Action &a = g_.actions[g_.nodes[index].action];
    now.accepted |= (a.disrupts | a.changes) & machine_->accepted_at(g_.nodes[index]) & ~open_pairs(now);
    for (std::uint16_t p = 0; p < g_.pairs.size(); ++p) {
      if (has(a.disrupts, p)) now.open.push_back({p, Kind::down, 0});
      if (has(a.changes, p)) now.open.push_back({p, Kind::changing, 0});
    }
    after_start(now, index);
  }
}

}  // namespace upg::oracle
