// Lost hosts, rounds that fail, and the way back of an abort.
#include <fmt/format.h>

#include <algorithm>

#include "test/oracle/judge.h"

namespace upg::oracle {

void Judge::gives_up(const Config &config, std::uint32_t index) { after_start(config, index); }

/// TOL: where a host may be lost, and what is lost cannot be followed.
void Judge::tolerance() {
  if (g_.tolerate == 0) return;
  g_.each([&](std::uint32_t i) {
    const Node &node = g_.nodes[i];
    if (node.region == 0 && (node.shape == Shape::fork || node.shape == Shape::dag)) {
      for (const std::uint32_t a : node.children) {
        for (const std::uint32_t b : node.children) {
          if (a < b && g_.concurrent(a, b)) found(Rule::tolerate, i, "parts run side by side outside of turns");
        }
      }
    }
    if (node.shape != Shape::roll || !node.tolerant) return;
    for (std::uint32_t x = node.parent; x != Node::none; x = g_.nodes[x].parent) {
      const Shape around = g_.nodes[x].shape;
      if (around != Shape::sequence && around != Shape::phase && around != Shape::dag)
        found(Rule::tolerate, i, "the rollout may run again, not at all, or beside something");
    }
    if (g_.on_abort != Node::none && g_.contains(g_.on_abort, i))
      found(Rule::tolerate, i, "the rollout stands in `on abort`");
    if (node.group_limit != 0) found(Rule::tolerate, i, "the rollout counts by an attribute");
    Hosts turns = 0;
    for (const std::uint32_t turn : node.children) {
      const std::size_t host = g_.nodes[turn].host;
      turns |= one(host);
      g_.each_under(turn, [&](std::uint32_t k) {
        const Node &step = g_.nodes[k];
        if (step.shape == Shape::fork) found(Rule::tolerate, i, "parts run side by side in a turn");
        if (step.shape != Shape::act) return;
        const Action &a = g_.actions[step.action];
        bool foreign = (a.touches & ~one(host)) != 0;
        for (std::size_t c = 0; c < g_.cells.size(); ++c)
          foreign = foreign || (has(a.moved, c) && g_.cells[c].host != host);
        if (foreign) found(Rule::tolerate, i, fmt::format("{} does something elsewhere", a.name));
      });
      for (std::size_t other = 0; other < g_.plan->hosts.size(); ++other) {
        const plan::RoleId of = g_.plan->hosts[other].guest_of;
        if (of.valid() && g_.roles[of.index].pair_of[host] && other != host)
          found(Rule::tolerate, i, fmt::format("{} carries guests", g_.host_names[host]));
        if (has(g_.via[other], host)) found(Rule::tolerate, i, fmt::format("{} is a bastion", g_.host_names[host]));
      }
    }
    g_.each_under(g_.root, [&](std::uint32_t k) {
      const Node &step = g_.nodes[k];
      if (step.shape != Shape::act || step.in_turn || !g_.before(i, k)) return;
      if ((g_.actions[step.action].touches & turns) != 0)
        found(Rule::tolerate, k, fmt::format("{} acts on a host that may be lost", step.text));
    });
  });
}

/// ABORT as section 2 has it: nothing is in flight, no gate is known; for each step that has begun, the last one first:
/// the holds around it, its undo, their release; an undo ends as its hosts are in service.
void Judge::goes_back(const Config &from) {
  if (!from.in_flight.empty() || from.lost != 0) return;
  Config config = machine_->aborted(from);
  config.accepted = from.accepted;
  const auto move = [&](const Action &a) {
    for (const Move &m : a.moves) config.sigma[m.cell] = Values{1} << m.to;
  };
  const auto hold_action = [&](std::uint32_t with, bool taken) -> const Action & {
    const Node &sequence = g_.nodes[g_.withs[with].node];
    return g_.actions[g_.nodes[taken ? sequence.children.front() : sequence.children.back()].action];
  };
  for (std::size_t i = from.begun.size(); i-- > 0;) {
    const std::uint32_t step = from.begun[i];
    const Action &b = g_.actions[g_.nodes[step].action];
    Hosts back = b.touches;
    if (b.undo_kind == Undo::none) return;  // told where it ends
    if (b.undo_kind == Undo::action) {
      const std::uint32_t index = g_.undo_of[step];
      const Action &u = g_.actions[g_.nodes[index].action];
      for (const std::uint32_t w : g_.nodes[step].withs) move(hold_action(w, true));
      undoing_ = true;
      guard(config, index);
      states(config, index);
      holds(config, index);
      reach(config, index);
      Config opened = config;
      std::erase_if(opened.open, [&](const Outage &o) {
        return (g_.roles[g_.pairs[o.pair].role].pairs & (u.disrupts | u.changes)) == 0;
      });
      for (std::uint16_t p = 0; p < g_.pairs.size(); ++p) {
        if (has(u.disrupts, p)) opened.open.push_back({p, Kind::down, 0});
        if (has(u.changes, p)) opened.open.push_back({p, Kind::changing, 0});
      }
      if ((u.disrupts | u.changes) != 0) after_start(opened, index);
      undoing_ = false;
      move(u);
      for (const Move &m :
           b.moves) {  // what the undo says nothing about goes back to where its step may have come from
        const bool said = std::any_of(u.moves.begin(), u.moves.end(), [&](const Move &w) { return w.cell == m.cell; });
        if (!said && m.from != 0) config.sigma[m.cell] = m.from & (~m.from + 1);
      }
      for (const std::uint32_t w : g_.nodes[step].withs) move(hold_action(w, false));
      back = u.touches;
    }
    std::erase_if(config.open, [&](const Outage &o) { return has(back, g_.pairs[o.pair].host); });
  }
}

}  // namespace upg::oracle
