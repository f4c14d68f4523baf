// The predicates that section 3 judges as an action starts, a gate is awaited or a state is tested.
#include <fmt/format.h>

#include <algorithm>

#include "test/oracle/judge.h"

namespace upg::oracle {

bool Judge::waived(Rule rule, const Node &node, std::optional<std::size_t> role) const {
  if (structural(rule) || rule == Rule::reach || rule == Rule::end || rule == Rule::undo) return false;
  return std::any_of(node.waivers.begin(), node.waivers.end(), [&](std::uint32_t w) {
    const plan::Waiver &waiver = g_.plan->waivers[w];
    if (g_.plan->text(waiver.rule) != name_of(rule)) return false;
    return !waiver.role.valid() || (role && waiver.role.index == *role);
  });
}

void Judge::found(Rule rule, std::uint32_t node, std::string what, std::optional<std::size_t> role) {
  if (undoing_) rule = Rule::undo;
  if (joined_now_) {
    if (!waived(rule, g_.nodes[node], role)) verdict_.joined[static_cast<std::size_t>(rule)] = true;
    return;
  }
  auto &slot = verdict_.findings[static_cast<std::size_t>(rule)];
  if (slot || waived(rule, g_.nodes[node], role)) return;
  slot = Finding{std::move(what), g_.nodes[node].where, schedule_()};
}

void Judge::found_alone(const Config &config, Rule rule, std::uint32_t node, std::string what) {
  const bool before = joined_now_;
  joined_now_ = before || machine_->resumed(config, node);
  found(rule, node, std::move(what));
  joined_now_ = before;
}

void Judge::before_start(const Config &config, std::uint32_t index) {
  const Node &node = g_.nodes[index];
  const Action &a = g_.actions[node.action];
  started_.insert(index);
  guard(config, index);
  states(config, index);
  beside(config, index);
  holds(config, index);
  orders(config, index);
  reach(config, index);
  starve(config, index, machine_->required(config, index), node.releases);
  if (!node.in_turn) ranks(config, index, a.touches);
  if (a.person) armed(config, index, "a person is asked");
  if (a.once && has(config.once, *a.once)) found(Rule::once, index, fmt::format("{} starts a second time", a.name));
  // BASE
  for (std::size_t p = 0; p < g_.pairs.size() && !g_.repair; ++p) {
    const Role &role = g_.roles[g_.pairs[p].role];
    if (!has(a.disrupts | a.changes, p) || role.alive) continue;
    if ((role.pairs & config.unproven) == 0) continue;
    const auto unproven = static_cast<std::size_t>(__builtin_ctzll(role.pairs & config.unproven));
    found(Rule::base, index, fmt::format("{} starts while {} is unproven", a.name, g_.pair_name(unproven)),
          g_.pairs[p].role);
  }
  // ABORT: what the boot moves nothing takes back, but an undo that says so.
  const bool abortable = g_.no_return != Node::none && !g_.before(g_.no_return, index) && g_.on_abort == Node::none;
  for (const BootMove &m : a.boot_moves) {
    if (!abortable || (config.sigma[m.cell] >> m.from & 1) == 0) continue;
    const auto back = [&](const Move &u) { return u.cell == m.cell && u.to == m.from; };
    if (!a.undo || std::none_of(g_.actions[*a.undo].moves.begin(), g_.actions[*a.undo].moves.end(), back))
      found(Rule::undo, index, fmt::format("{} moves {} by the boot", a.name, g_.cells[m.cell].name));
  }
  // ARM
  if (a.arms && g_.on_abort == Node::none &&
      (!a.undo || (g_.actions[*a.undo].disrupts | g_.actions[*a.undo].changes) != 0))
    found(Rule::arm, index, fmt::format("{} arms, and cannot be taken back without an outage", a.name));
  for (std::size_t p = 0; p < g_.pairs.size(); ++p) {
    if (!has(a.disrupts, p) || !g_.roles[g_.pairs[p].role].alive) continue;
    for (std::size_t c = 0; c < g_.cells.size(); ++c) {
      const Cell &cell = g_.cells[c];
      if (cell.host == g_.pairs[p].host && !has(config.vague, c) && (config.sigma[c] & cell.transient) != 0 &&
          !has(a.moved, c))
        found(Rule::arm, index, fmt::format("{} takes its host down while {} is armed", a.name, cell.name));
    }
  }
}

void Judge::guard(const Config &config, std::uint32_t index) {
  const Node &node = g_.nodes[index];
  const Action &a = g_.actions[node.action];
  const std::vector<std::size_t> required = machine_->required(config, index);
  for (const std::size_t g : required) {
    if (!machine_->known(config, g, index))
      found(Rule::guard, index, fmt::format("{} starts without {}", a.name, g_.gates[g].name));
  }
  if (!a.destructive()) return;
  bool relevant = false, beyond = false;
  for (std::size_t g = 0; g < g_.gates.size(); ++g) {
    const Gate &gate = g_.gates[g];
    bool asked = std::find(required.begin(), required.end(), g) != required.end();
    for (std::size_t p = 0; p < g_.pairs.size() && machine_->resumed(config, index); ++p) {
      // After a failure it may be back: then it is asked.
      asked = asked || (has(a.disrupts, p) && g_.stoppable_of[p] == g);
    }
    const bool watched = gate.written && machine_->hits(node.action, g);
    const bool about = gate.of_cluster || (gate.about & a.touches) != 0;
    if (!about || !(asked || watched) || !machine_->known(config, g, index)) continue;
    relevant = true;
    const bool others = gate.asks_elsewhere || a.subject == 0 || (gate.asks & ~a.subject & ~g_.out) != 0;
    beyond = beyond || (asked && others);
  }
  if (!relevant || (a.destroys && !beyond))
    found(Rule::guard, index, fmt::format("{} starts without a relevant gate", a.name));
}

void Judge::states(const Config &config, std::uint32_t index) {
  const Action &a = g_.actions[g_.nodes[index].action];
  for (const CellIs &c : a.values) {
    if (config.sigma[c.cell] != Values{1} << c.value)
      found(Rule::state, index, fmt::format("{} starts, and {} may be something else", a.name, g_.cells[c.cell].name));
  }
  for (const Move &m : a.moves) {
    if ((config.sigma[m.cell] & ~m.from) != 0)
      found(Rule::state, index, fmt::format("{} moves {} from another value", a.name, g_.cells[m.cell].name));
  }
  for (const CountNeed &count : a.counts) {
    std::uint32_t least = 0, most = 0;
    for (const auto &conditions : count.candidates) {
      bool sure = true, possible = true;
      for (const CellIs &c : conditions) {
        const Values v = config.sigma[c.cell], wanted = Values{1} << c.value;
        sure = sure && v == wanted;
        possible = possible && (v & wanted) != 0;
      }
      least += sure ? 1 : 0;
      most += possible ? 1 : 0;
    }
    const bool holds = count.kind == 0   ? least == count.number && most == count.number
                       : count.kind == 1 ? least >= count.number
                                         : most <= count.number;
    if (!holds) found(Rule::state, index, fmt::format("{} starts, and its count may be {}..{}", a.name, least, most));
  }
}

void Judge::beside(const Config &config, std::uint32_t index) {
  const Action &a = g_.actions[g_.nodes[index].action];
  for (const std::uint32_t other : config.in_flight) {
    const Action &b = g_.actions[g_.nodes[other].action];
    if ((a.moved & (b.moved | b.requires_cells)) != 0 || (b.moved & a.requires_cells) != 0)
      found(Rule::race, index, fmt::format("{} starts beside {}", a.name, b.name));
    if ((a.touches & b.touches) != 0)
      found(Rule::hostx, index, fmt::format("{} starts on a host of {}", a.name, b.name));
  }
}

void Judge::holds(const Config &config, std::uint32_t index) {
  const Node &node = g_.nodes[index];
  const Action &a = g_.actions[node.action];
  const auto inside = [&](std::size_t hold) {
    return std::any_of(node.withs.begin(), node.withs.end(), [&](std::uint32_t w) { return g_.withs[w].hold == hold; });
  };
  // Taken anywhere now: a `with` whose acquire has begun and whose release has not ended.
  const auto taken = [&](std::size_t hold) {
    if (has(config.kept, hold)) return true;
    for (std::size_t w = 0; w < g_.withs.size(); ++w) {
      const std::uint16_t at = config.at[g_.withs[w].node];
      if (g_.withs[w].hold != hold || at == 0 || at == Machine::done) continue;
      if (at == 1 && config.at[g_.nodes[g_.withs[w].node].children[0]] != 2) continue;
      return true;
    }
    return false;
  };
  for (std::size_t x = 0; x < g_.holds.size(); ++x) {
    if (has(a.needs_held, x) && !inside(x))
      found(Rule::hold, index, fmt::format("{} starts outside {}", a.name, g_.holds[x].name));
    if (has(a.needs_free, x) && (inside(x) || taken(x)))
      found(Rule::hold, index, fmt::format("{} starts while {} is held", a.name, g_.holds[x].name));
  }
  if (node.acquires != Node::none) {
    const std::size_t x = g_.withs[node.acquires].hold;
    for (const std::uint32_t other : config.in_flight) {
      const Action &b = g_.actions[g_.nodes[other].action];
      if (has(b.needs_free, x)) found(Rule::hold, index, fmt::format("{} starts beside {}", a.name, b.name));
    }
  }
  for (std::size_t p = 0; p < g_.pairs.size(); ++p) {
    const plan::HoldId only = g_.plan->roles[g_.pairs[p].role].down_only_under;
    if (!has(a.disrupts, p) || !only.valid()) continue;
    const auto covers = [&](std::uint32_t w) {
      const std::size_t x = g_.withs[w].hold;
      if (g_.holds[x].hold != only) return false;
      const plan::Hold &record = g_.plan->holds[only.index];
      const std::string name(g_.plan->text(record.name));
      if (record.frame.parameters.empty()) return true;
      return g_.holds[x].name == name + "(" + g_.host_names[g_.pairs[p].host] + ")";
    };
    const bool under = std::any_of(node.withs.begin(), node.withs.end(), covers) ||
                       (node.acquires != Node::none && covers(node.acquires)) ||
                       (node.releases != Node::none && covers(node.releases));
    if (!under)
      found(Rule::hold, index, fmt::format("{} takes {} down outside its hold", a.name, g_.pair_name(p)),
            g_.pairs[p].role);
  }
  if (node.releases == Node::none) return;
  const With &with = g_.withs[node.releases];
  if (inside(with.hold)) return;  // counted: the one around it still holds
  const auto &taints = g_.plan->holds[g_.holds[with.hold].hold.index].taints;
  for (std::size_t p = 0; p < g_.pairs.size(); ++p) {
    if (!has(config.under[node.releases], p) || !has(open_pairs(config), p)) continue;
    if (has(config.lost, g_.pairs[p].host)) continue;  // down to the end, whatever is held
    const plan::GateId health = g_.plan->roles[g_.pairs[p].role].health;
    if (std::find(taints.begin(), taints.end(), health) != taints.end()) continue;
    found(Rule::hold, index, fmt::format("{} ends while {} is open", g_.holds[with.hold].name, g_.pair_name(p)),
          g_.pairs[p].role);
  }
}

void Judge::orders(const Config &config, std::uint32_t index) {
  const Action &a = g_.actions[g_.nodes[index].action];
  Pairs changing = 0;
  for (const Outage &o : config.open) {
    if (o.kind == Kind::changing) changing |= one(o.pair);
  }
  const auto meet = [&](Pairs left, Pairs right, bool same_host) {
    if (!left || !right) return false;
    if (!same_host) return true;
    for (std::size_t x = 0; x < g_.pairs.size(); ++x) {
      for (std::size_t y = 0; y < g_.pairs.size(); ++y) {
        if (has(left, x) && has(right, y) && g_.pairs[x].host == g_.pairs[y].host) return true;
      }
    }
    return false;
  };
  for (const Ordering &order : g_.orders) {
    for (std::size_t i = 0; i < order.groups.size(); ++i) {
      for (std::size_t k = i + 1; k < order.groups.size(); ++k) {
        const Pairs first = a.changes & order.groups[i], second = a.changes & order.groups[k];
        if (meet(first, config.changed & order.groups[k], order.on_each_host) ||
            meet(changing & order.groups[i], second, order.on_each_host) || meet(first, second, order.on_each_host))
          found(Rule::order, index, fmt::format("{} changes roles in another order", a.name));
      }
    }
  }
}

void Judge::ranks(const Config &config, std::uint32_t index, Hosts on) {
  for (const auto &rank : g_.ranks) {
    for (std::size_t u = 0; u < rank.size(); ++u) {
      if (!has(on, u) || has(config.visited, u) || rank[u] < 0) continue;
      for (std::size_t v = 0; v < rank.size(); ++v) {
        if (has(config.visited, v) && rank[v] > rank[u])
          found(Rule::rank, index, fmt::format("{} is touched after {}", g_.host_names[u], g_.host_names[v]));
      }
    }
  }
}

void Judge::admits(const Config &config, std::uint32_t turn) { ranks(config, turn, one(g_.nodes[turn].host)); }

void Judge::reach(const Config &config, std::uint32_t index) {
  const Action &a = g_.actions[g_.nodes[index].action];
  Hosts down = g_.out;
  for (const Outage &o : config.open) {
    if (o.kind == Kind::down && g_.roles[g_.pairs[o.pair].role].alive) down |= one(g_.pairs[o.pair].host);
  }
  Hosts taken = 0;
  for (std::size_t p = 0; p < g_.pairs.size(); ++p) {
    if (has(a.disrupts, p) && g_.roles[g_.pairs[p].role].alive) taken |= one(g_.pairs[p].host);
  }
  for (std::size_t x = 0; x < g_.via.size(); ++x) {
    if (has(a.subject, x) && (down & (one(x) | g_.via[x])) != 0)
      found(Rule::reach, index, fmt::format("{} starts, and {} cannot be reached", a.name, g_.host_names[x]));
    for (const std::uint32_t other : config.in_flight) {
      const Action &b = g_.actions[g_.nodes[other].action];
      if (has(b.subject, x) && (taken & g_.via[x]) != 0)
        found(Rule::reach, index, fmt::format("{} cuts {} off from {}", a.name, g_.host_names[x], b.name));
    }
  }
}

void Judge::starve(const Config &config, std::uint32_t index, const std::vector<std::size_t> &gates,
                   std::uint32_t own) {
  const Node &node = g_.nodes[index];
  std::vector<std::uint32_t> withs = node.withs;
  if (own != Node::none) withs.push_back(own);
  for (const std::size_t g : gates) {
    const plan::GateId id = g_.gates[g].gate;
    for (const std::uint32_t w : withs) {
      const auto &taints = g_.plan->holds[g_.holds[g_.withs[w].hold].hold.index].taints;
      if (std::find(taints.begin(), taints.end(), id) != taints.end())
        found(Rule::starve, index, fmt::format("{} inside {}", g_.gates[g].name, g_.holds[g_.withs[w].hold].name));
    }
    for (std::size_t x = 0; x < g_.holds.size(); ++x) {  // taken by a round that failed
      const auto &taints = g_.plan->holds[g_.holds[x].hold.index].taints;
      if (has(config.kept, x) && std::find(taints.begin(), taints.end(), id) != taints.end())
        found(Rule::starve, index, fmt::format("{} while {} is still held", g_.gates[g].name, g_.holds[x].name));
    }
    for (std::size_t c = 0; c < g_.cells.size(); ++c) {
      const Cell &cell = g_.cells[c];
      // A gate about some hosts is tainted by the states of those.
      if (cell.host && !g_.gates[g].of_cluster && !has(g_.gates[g].about, *cell.host)) continue;
      for (const plan::StateTaint &taint : g_.plan->states[cell.state.index].taints) {
        if (std::find(taint.gates.begin(), taint.gates.end(), id) == taint.gates.end()) continue;
        Values values = 0;
        for (const std::uint32_t v : taint.values) values |= Values{1} << v;
        // What a part beside has moved is another part's: nothing but joins synchronises.
        const std::uint32_t mover = config.mover[c];
        const bool beside = mover != Node::none && g_.concurrent(mover, index);
        if ((config.sigma[c] & ~values) == 0 && !beside)
          found_alone(config, Rule::starve, index, fmt::format("{} while {}", g_.gates[g].name, cell.name));
      }
    }
  }
}

void Judge::at_await(const Config &config, std::uint32_t index) {
  started_.insert(index);
  starve(config, index, g_.nodes[index].gates, Node::none);
}

void Judge::at_test(const Config &config, std::uint32_t index, bool expected) {
  const CellIs &test = g_.nodes[index].test;
  for (const std::uint32_t other : config.in_flight) {
    const Action &b = g_.actions[g_.nodes[other].action];
    if (has(b.moved, test.cell))
      found(Rule::race, index, fmt::format("{} is tested beside {}", g_.cells[test.cell].name, b.name));
  }
  if (expected && (config.sigma[test.cell] & Values{1} << test.value) == 0)
    found_alone(config, Rule::state, index, fmt::format("{} can never be that", g_.cells[test.cell].name));
}

void Judge::after_start(const Config &config, std::uint32_t index) {
  Pairs down = 0, touched = 0;
  for (const Outage &o : config.open) {
    if (has(config.accepted, o.pair)) continue;
    touched |= one(o.pair);
    if (o.kind == Kind::down && !has(config.lowered, o.pair)) down |= one(o.pair);
  }
  // What an abort has found accepted stays so until the abort itself opens more of the role.
  const auto spared = [&](Pairs opened, Pairs of) { return (opened & of) == 0 ? config.left : Pairs{0}; };
  for (const Budget &budget : g_.budgets) {
    std::int64_t sum = 0;
    Hosts hosts = 0, weighed = 0;
    Pairs of = 0;
    for (const auto &[together, weight] : budget.weights) weighed |= weight != 0 ? together : 0;
    for (std::size_t p = 0; p < g_.pairs.size(); ++p) {
      if (g_.pairs[p].role == budget.role && has(weighed, g_.pairs[p].host)) of |= one(p);
    }
    for (std::size_t p = 0; p < g_.pairs.size(); ++p) {
      if (has(down & of & ~spared(config.taken, of), p)) hosts |= one(g_.pairs[p].host);
    }
    for (const auto &[together, weight] : budget.weights) {
      if ((together & hosts) != 0) sum += weight;
    }
    if (sum > budget.amount || budget.amount < 0)
      found(Rule::avail, index, fmt::format("{}: {} down, {} may be", budget.text, sum, budget.amount), budget.role);
  }
  for (std::size_t r = 0; r < g_.roles.size(); ++r) {
    if (!g_.roles[r].serial) continue;
    Hosts hosts = 0;
    for (std::size_t p = 0; p < g_.pairs.size(); ++p) {
      if (g_.pairs[p].role != r) continue;
      if (has(touched & ~spared(config.altered, g_.roles[r].pairs), p)) hosts |= one(g_.pairs[p].host);
    }
    if ((hosts & (hosts - 1)) != 0) found(Rule::serial, index, fmt::format("{} twice", g_.roles[r].name), r);
  }
}

}  // namespace upg::oracle
