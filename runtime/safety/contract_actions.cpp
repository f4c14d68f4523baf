#include <algorithm>
#include <string>

#include "runtime/plan/opcodes.h"
#include "runtime/safety/contract.h"

/// Actions with their arguments: what they need, do and reach.
namespace upg::safety {

void Contracts::add_roles(std::vector<PairIx> &out, std::span<const HostIx> hosts, RoleIx role) const {
  for (const HostIx h : hosts) {
    if (role == plan::all_roles) {
      for (std::size_t i = 0; i < site_->host(h).roles.size(); ++i) {
        out.push_back(site_->host(h).first_pair + static_cast<PairIx>(i));
      }
    } else if (const PairIx p = site_->pair(h, role); p != kNone) {
      out.push_back(p);
    }
  }
}

ContractIx Contracts::contract(plan::ActionId action, Env arguments) {
  const ContractIx ix = number(contract_of_, action.index, arguments);
  if (ix < contracts_.size()) return ix;
  Contract c;
  c.action = action;
  c.env = std::move(arguments);
  contracts_.emplace_back();
  resolve(c);
  contracts_[ix] = std::move(c);
  return ix;
}

void Contracts::resolve(Contract &c) {
  const plan::Action &a = plan().actions[c.action.index];
  c.once = a.once;
  for (std::size_t i = 0; i < c.env.size(); ++i) {
    Value &v = c.env[i];
    if (!v.is_hosts && i < a.frame.parameters.size() && a.frame.parameters[i].type.base == plan::BaseType::host) {
      // A host known only at run time: any host it could be.
      v.is_hosts = true;
      v.exact = false;
      const plan::RoleId role = a.frame.parameters[i].type.role;
      v.hosts = role.valid() ? site_->hosts_of(role.index) : std::span<const HostIx>(all_hosts_);
    }
    c.subjects.insert(c.subjects.end(), v.hosts.begin(), v.hosts.end());
  }
  for (const plan::NodeId need : a.needs) resolve_need(c, need);
  for (const plan::NodeId effect : a.effects) resolve_effect(c, effect, c.alive_down);
  if (const auto action = undoes_.find(c.action.index); action != undoes_.end()) take_back(c, action->second);
  if (const auto owner = hold_of_action_.find(c.action.index); owner != hold_of_action_.end()) {
    const auto [hold_id, acquires] = owner->second;
    c.hold = hold_id;
    const HoldIx h = hold(hold_id, c.env);
    c.reach.push_back(hold_item(h));
    c.reach.push_back(holds_item(hold_id));
    for (const plan::NodeId effect : plan().holds[hold_id.index].moves) {
      resolve_effect(c, effect, c.alive_down);
      if (plan().node(effect).op == plan::Op::moves && !acquires) std::swap(c.moves.back().from, c.moves.back().to);
    }
  }
  sort_unique(c.subjects);
  sort_unique(c.alive_down);

  // A carrier takes its guests along unless a required gate clears it of them.
  for (const HostIx h : c.alive_down) {
    for (const HostIx guest : site_->host(h).guests) {
      if (site_->host(guest).out) continue;  // it is down already, and nothing can bring it back
      const plan::RoleId carrier = plan().hosts[site_->host(guest).id.index].guest_of;
      bool cleared = false;
      for (const GateIx g : c.gates) {
        const GateInstance &gate = gates_[g];
        if (!gate.gate.valid() || !contains(gate.hosts, h)) continue;
        for (const plan::RoleId r : plan().gates[gate.gate.index].clears)
          cleared = cleared || !carrier.valid() || r == carrier;
      }
      if (cleared) continue;
      add_roles(c.disrupts, std::span<const HostIx>(&guest, 1), plan::all_roles);
      c.spread.push_back(guest);
    }
  }
  sort_unique(c.disrupts);
  sort_unique(c.changes);
  sort_unique(c.spread);
  c.hosts = c.subjects;
  for (const PairIx p : c.disrupts) c.hosts.push_back(site_->pair_host(p));
  sort_unique(c.hosts);
  sort_unique(c.boots);
  finish_reach(c, a.effects);
}

/// An undo that says nothing about a state takes it back to where its action found it: to the first of several values.
void Contracts::take_back(Contract &c, plan::ActionId action) {
  Contract forth;
  forth.env = c.env;
  for (const plan::NodeId effect : plan().actions[action.index].effects) {
    if (plan().node(effect).op == plan::Op::moves) resolve_effect(forth, effect, forth.alive_down);
  }
  for (const Move &m : forth.moves) {
    if (m.from == 0 || std::any_of(c.moves.begin(), c.moves.end(), [&](const Move &own) { return own.cell == m.cell; }))
      continue;
    c.moves.push_back({m.cell, m.to, m.from & (~m.from + 1), 0});
  }
}

/// Whether the expression is the same wherever it stands.
bool Contracts::fixed(plan::NodeId node) const {
  if (plan().node(node).op == plan::Op::local) return false;
  const auto kids = plan().kids(node);
  return std::all_of(kids.begin(), kids.end(), [&](plan::NodeId kid) { return fixed(kid); });
}

void Contracts::resolve_need(Contract &c, plan::NodeId need) {
  using plan::Op;
  const plan::Plan &p = plan();
  const plan::Node &n = p.node(need);
  switch (n.op) {
    case Op::need_gate:
      for (const GateIx g : gates(p.kid(need, 0), c.env)) {
        c.gates.push_back(g);
        c.gate_needs.push_back(need);
      }
      break;
    case Op::need_value:
      c.values.push_back({cell(p.kid(need, 0), c.env), {value_bit(n.a), need}});
      break;
    case Op::need_held:
      c.held.emplace_back(hold(p.kid(need, 0), c.env), need);
      break;
    case Op::need_free:
      c.free.emplace_back(hold(p.kid(need, 0), c.env), need);
      break;
    case Op::need_count: {
      CountNeed count;
      count.node = need;
      count.slot = n.a;
      count.amount = p.integers[p.node(p.kid(need, 2)).a];
      count.relation = n.b;
      std::shared_ptr<const std::vector<HostIx>> &same = counted_[need.index];
      if (same == nullptr || !fixed(p.kid(need, 0))) {
        const std::span<const HostIx> in = value(p.kid(need, 0), c.env).hosts;
        same = std::make_shared<const std::vector<HostIx>>(in.begin(), in.end());
      }
      count.hosts = same;
      c.counts.push_back(std::move(count));
      break;
    }
    default:
      break;
  }
}

void Contracts::resolve_effect(Contract &c, plan::NodeId effect, std::vector<HostIx> &alive_down) {
  using plan::Op;
  const plan::Plan &p = plan();
  const plan::Node &n = p.node(effect);
  const auto add_subjects = [&](std::span<const HostIx> hosts) {
    c.subjects.insert(c.subjects.end(), hosts.begin(), hosts.end());
  };
  switch (n.op) {
    case Op::changes:
    case Op::disrupts: {
      const Value v = target(p.kid(effect, 0), c.env);
      add_subjects(v.hosts);
      add_roles(n.op == Op::changes ? c.changes : c.disrupts, v.hosts, n.a);
      if (n.op == Op::disrupts && (n.a == plan::all_roles || n.a == site_->alive())) {
        alive_down.insert(alive_down.end(), v.hosts.begin(), v.hosts.end());
      }
      break;
    }
    case Op::destroys:
      c.destroys = true;
      break;
    case Op::reinstalls: {
      const Value v = value(p.kid(effect, 0), c.env);
      c.destroys = true;
      add_subjects(v.hosts);
      add_roles(c.disrupts, v.hosts, plan::all_roles);
      alive_down.insert(alive_down.end(), v.hosts.begin(), v.hosts.end());
      break;
    }
    case Op::moves: {
      Move m;
      m.cell = cell(p.kid(effect, 0), c.env);
      m.to = value_bit(n.a);
      if (n.b != 0) m.between |= value_bit(n.b - 1);
      const auto number = [&](std::size_t i) {
        return static_cast<std::uint32_t>(p.integers[p.node(p.kid(effect, i)).a]);
      };
      const std::uint32_t sources = n.count > 1 ? number(1) : 0;
      for (std::size_t i = 2; i < n.count; ++i)
        (i < 2 + std::size_t{sources} ? m.from : m.between) |= value_bit(number(i));
      c.moves.push_back(m);
      break;
    }
    case Op::boot_of: {
      const Value v = value(p.kid(effect, 0), c.env);
      add_subjects(v.hosts);
      c.boots.insert(c.boots.end(), v.hosts.begin(), v.hosts.end());
      break;
    }
    case Op::awaits_gate:
      for (const GateIx g : gates(p.kid(effect, 0), c.env)) c.awaits.push_back(g);
      break;
    default:
      break;
  }
}

/// Whether every command below `node` runs on one of `hosts`.
bool Contracts::commands_stay_on(plan::NodeId node, const Env &env, std::span<const HostIx> hosts, int depth) {
  using plan::Op;
  const plan::Plan &p = plan();
  constexpr int kMaxDepth = 200;
  if (depth > kMaxDepth) return false;
  const plan::Node &n = p.node(node);
  if (n.op == Op::run || n.op == Op::shell) {
    const Value v = target(p.kid(node, 0), env);
    if (!v.is_hosts || v.hosts.empty()) return false;
    for (const HostIx h : v.hosts) {
      if (!contains(hosts, h)) return false;
    }
    return true;
  }
  // Reads inside an action are no effects of it: probes may ask elsewhere.
  if (n.op == Op::ask_probe || n.op == Op::let) return true;
  for (const plan::NodeId kid : p.kids(node)) {
    if (!commands_stay_on(kid, env, hosts, depth + 1)) return false;
  }
  return true;
}

void Contracts::finish_reach(Contract &c, std::span<const plan::NodeId> effects) {
  using plan::Op;
  const plan::Plan &p = plan();
  const plan::Action &a = p.actions[c.action.index];
  bool narrowed = false;
  c.reach.push_back(star());
  for (const HostIx h : c.hosts) c.reach.push_back(host_item(h));
  for (const PairIx pair : c.disrupts) c.reach.push_back(role_item(site_->pair_role(pair)));
  for (const PairIx pair : c.changes) c.reach.push_back(role_item(site_->pair_role(pair)));
  for (const Move &m : c.moves) {
    c.reach.push_back(cell_item(m.cell));
    c.reach.push_back(state_item(cells_[m.cell].state));
  }
  // A boot moves what is armed for it: a gate that watches such a state is hit.
  for (std::size_t g = 0; g < p.gates.size() && !c.boots.empty(); ++g) {
    for (const plan::Watch &w : p.gates[g].watches) {
      if (!w.state.valid() || p.states[w.state.index].on_boot.empty()) continue;
      if (p.states[w.state.index].frame.parameters.empty()) continue;
      c.reach.push_back(state_item(w.state));
      for (const HostIx h : c.boots) c.reach.push_back(cell_item(cell(w.state, h)));
    }
  }
  for (const plan::NodeId effect : effects) {
    const plan::Node &n = p.node(effect);
    if (n.op != Op::spills && n.op != Op::reaches) continue;
    narrowed = narrowed || n.op == Op::reaches;
    if (n.a == plan::all_roles) {
      c.reaches_all = true;
      continue;
    }
    // A role stands on its hosts: what it touches there is not the role alone.
    c.reach.push_back(role_item(n.a));
    c.reach.push_back(hosts_item(n.a));
  }
  if (!narrowed) {
    // A person does what no one wrote down; a command that runs elsewhere may touch anything.
    if (a.operator_text.valid() && a.effects.empty()) c.reaches_all = true;
    if (a.body.valid() && !commands_stay_on(a.body, c.env, c.subjects, 0)) c.reaches_all = true;
  }
  sort_unique(c.reach);
}

bool Contracts::hits(const Contract &a, const GateInstance &g) const {
  if (g.watch.empty()) return false;
  return a.reaches_all || intersects(g.watch, a.reach);
}

bool Contracts::pass_hits(const GateInstance &g, const GateInstance &other) {
  if (g.health_of.empty() || other.watch.empty()) return false;
  if (contains(other.watch, star())) return true;
  for (const PairIx p : g.health_of) {
    if (contains(other.watch, role_item(site_->pair_role(p)))) return true;
  }
  return false;
}

}  // namespace upg::safety
