// Cells, holds, gates and actions with their arguments: contracts as section 1 defines them.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/plan/opcodes.h"
#include "test/oracle/grounder.h"

namespace upg::oracle {

using plan::NodeId;
using plan::Op;

bool Items::meets(const Items &o) const {
  if ((everything && o.any()) || (o.everything && any())) return true;
  return (star && o.star) || (hosts & o.hosts) || (pairs & o.pairs) || (cells & o.cells) || (holds & o.holds);
}

std::string Ground::pair_name(std::size_t pair) const {
  return fmt::format("{}@{}", roles[pairs[pair].role].name, host_names[pairs[pair].host]);
}

std::size_t Grounder::cell_of(plan::StateId state, std::optional<std::size_t> host) {
  const plan::State &record = plan_.states[state.index];
  std::string name(plan_.text(record.name));
  if (host) name += "(" + out_.host_names[*host] + ")";
  const auto [at, fresh] = cell_index_.try_emplace(name, out_.cells.size());
  if (!fresh) return at->second;
  if (out_.cells.size() == word || record.values.size() > 32) throw TooMuch("more states than the oracle counts");
  Cell cell;
  cell.state = state;
  cell.host = host;
  cell.name = name;
  for (std::size_t v = 0; v < record.values.size(); ++v) {
    cell.all |= Values{1} << v;
    if (record.values[v].transient) cell.transient |= Values{1} << v;
  }
  cell.initially = cell.all;
  const auto claimed = [&](const plan::CellClaim &claim) {
    return claim.state == state &&
           (host ? claim.hosts.valid() && has(hosts_of_set(plan_, claim.hosts), *host) : !claim.hosts.valid());
  };
  for (const plan::CellClaim &claim : plan_.initially) {
    if (claimed(claim)) cell.initially = Values{1} << claim.value;
  }
  for (const plan::CellClaim &claim : plan_.finally) {
    if (claimed(claim)) cell.finally = claim.value;
  }
  out_.cells.push_back(std::move(cell));
  return at->second;
}

std::size_t Grounder::cell(NodeId id, const Slots &slots) {
  const plan::StateId state(plan_.node(id).a);
  if (plan_.kids(id).empty()) return cell_of(state, std::nullopt);
  const Value v = evaluate(plan_, plan_.kid(id, 0), slots);
  if (v.kind != Value::Kind::host) throw TooMuch("a state of a host that is known at run time only");
  return cell_of(state, static_cast<std::size_t>(__builtin_ctzll(v.hosts)));
}

std::size_t Grounder::hold(plan::HoldId id, const Slots &arguments) {
  const std::string name = key(plan_, plan_.holds[id.index].name, arguments);
  const auto [at, fresh] = hold_index_.try_emplace(name, out_.holds.size());
  if (fresh) {
    if (out_.holds.size() == word) throw TooMuch("more holds than the oracle counts");
    out_.holds.push_back({id, name});
  }
  return at->second;
}

std::size_t Grounder::hold_of(NodeId held, const Slots &slots) {
  const plan::HoldId id(plan_.node(held).a);
  return hold(id, arguments(plan_, held, 0, plan_.holds[id.index].frame, slots));
}

// ---- gates

std::size_t Grounder::gate(plan::GateId id, const Slots &arguments) {
  const plan::Gate &record = plan_.gates[id.index];
  const std::string name = key(plan_, record.name, arguments);
  const auto [at, fresh] = gate_index_.try_emplace(name, out_.gates.size());
  if (!fresh) return at->second;
  Gate gate;
  gate.gate = id;
  gate.name = name;
  for (std::size_t i = 0; i < arguments.size() && i < record.frame.parameters.size(); ++i) {
    if (record.frame.parameters[i].type.base == plan::BaseType::host) gate.about |= arguments[i].hosts;
  }
  gate.of_cluster = gate.about == 0;
  Target asked;
  asked_at(plan_, record.pass, arguments, asked);
  asked_at(plan_, record.fail, arguments, asked);
  gate.asks = asked.hosts;
  gate.asks_elsewhere = asked.elsewhere;
  gate.clears = record.clears;
  const std::size_t index = at->second;
  out_.gates.push_back(std::move(gate));
  Gate watched = out_.gates[index];
  watch(watched, record, arguments);
  out_.gates[index] = std::move(watched);
  return index;
}

void Grounder::watch(Gate &gate, const plan::Gate &record, const Slots &arguments) {
  switch (record.watch_kind) {
    case plan::WatchKind::nothing:
      return;
    case plan::WatchKind::unwritten:
      // Every probe on its own host: that host. Anything else: every effect.
      if (gate.about != 0 && gate.asks == gate.about && !gate.asks_elsewhere && !(gate.about & (gate.about - 1))) {
        gate.watch.hosts = gate.about;
      } else {
        gate.watch.star = true;
      }
      return;
    default:
      break;
  }
  gate.written = true;
  for (const plan::Watch &w : record.watches) {
    if (w.role.valid()) {
      for (const auto &pair : out_.roles[w.role.index].pair_of) {
        if (pair) gate.watch.pairs |= one(*pair);
      }
    }
    Slots args;
    for (const NodeId a : w.arguments) args.push_back(evaluate(plan_, a, arguments));
    if (w.hold.valid()) {
      if (!args.empty() || plan_.holds[w.hold.index].frame.parameters.empty()) {
        gate.watch.holds |= one(hold(w.hold, args));
      } else {  // every one of that name: those that the plan takes are known when the tree is
        const plan::Hold &h = plan_.holds[w.hold.index];
        if (h.frame.parameters.size() != 1 || h.frame.parameters[0].type.base != plan::BaseType::host)
          throw TooMuch("a watched hold with arguments");
        for (std::size_t host = 0; host < plan_.hosts.size(); ++host)
          gate.watch.holds |= one(hold(w.hold, {host_value(host)}));
      }
    }
    if (w.state.valid()) {
      const plan::State &s = plan_.states[w.state.index];
      if (s.frame.parameters.empty()) {
        gate.watch.cells |= one(cell_of(w.state, std::nullopt));
      } else if (!args.empty() && args[0].kind == Value::Kind::host) {
        gate.watch.cells |= one(cell_of(w.state, static_cast<std::size_t>(__builtin_ctzll(args[0].hosts))));
      } else {
        for (std::size_t host = 0; host < plan_.hosts.size(); ++host) gate.watch.cells |= one(cell_of(w.state, host));
      }
    }
  }
}

std::vector<std::size_t> Grounder::gates_of(NodeId id, const Slots &slots) {
  const plan::Node &node = plan_.node(id);
  if (node.op == Op::gate) {
    const plan::GateId g(node.a);
    return {gate(g, arguments(plan_, id, 0, plan_.gates[g.index].frame, slots))};
  }
  const Value whom = evaluate(plan_, plan_.kid(id, 0), slots);
  if (whom.hosts == 0) throw TooMuch("a host that is known at run time only");
  std::vector<std::size_t> result;
  for (std::size_t p = 0; p < out_.pairs.size(); ++p) {
    const Pair &pair = out_.pairs[p];
    if (!has(whom.hosts, pair.host) || has(out_.out, pair.host)) continue;
    const plan::Role &role = plan_.roles[pair.role];
    const plan::GateId g = node.op == Op::in_service ? role.health : role.stoppable;
    if (!g.valid()) continue;
    Slots args;
    if (!plan_.gates[g.index].frame.parameters.empty()) args.push_back(host_value(pair.host));
    const std::size_t member = gate(g, args);
    if (std::find(result.begin(), result.end(), member) == result.end()) result.push_back(member);
  }
  return result;
}

// ---- actions

Pairs Grounder::pairs_on(std::uint32_t role, Hosts hosts) const {
  Pairs result = 0;
  for (std::size_t p = 0; p < out_.pairs.size(); ++p) {
    if (!has(hosts, out_.pairs[p].host)) continue;
    if (role == plan::all_roles || out_.pairs[p].role == role) result |= one(p);
  }
  return result;
}

bool Grounder::runs_elsewhere(NodeId id, Slots slots, Hosts subject) const {
  if (!id.valid()) return false;
  const plan::Node &node = plan_.node(id);
  const auto kids = plan_.kids(id);
  if (node.op == Op::command) {
    const plan::Node &run = plan_.node(kids[0]);
    if (run.op != Op::run && run.op != Op::shell) return false;
    const Target at = target(plan_, plan_.kid(kids[0], 0), slots);
    return at.elsewhere || (at.hosts & ~subject) != 0;
  }
  if (node.op == Op::let) return false;
  if (node.op == Op::for_data) {
    const Value v = evaluate(plan_, kids[0], slots);
    put(slots, node.a, unknown_value("item", v.hosts));
    return runs_elsewhere(kids.back(), slots, subject);
  }
  return std::any_of(kids.begin(), kids.end(), [&](NodeId kid) { return runs_elsewhere(kid, slots, subject); });
}

std::size_t Grounder::action(plan::ActionId id, const Slots &arguments, std::optional<std::size_t> hold) {
  const plan::Action &record = plan_.actions[id.index];
  const std::string name = key(plan_, record.name, arguments);
  const std::string index_key = fmt::format("{} {}", id.index, name);
  if (const auto at = action_index_.find(index_key); at != action_index_.end()) return at->second;
  Action a;
  a.action = id;
  a.name = name;
  for (std::size_t i = 0; i < arguments.size() && i < record.frame.parameters.size(); ++i) {
    if (record.frame.parameters[i].type.base == plan::BaseType::host) a.subject |= arguments[i].hosts;
  }
  needs(a, record, arguments);
  Items narrowed;
  bool narrows = false;
  effects(a, record, arguments, narrowed, narrows);
  guests(a);
  a.touches = a.subject;
  for (std::size_t p = 0; p < out_.pairs.size(); ++p) {
    if (has(a.disrupts, p)) a.touches |= one(out_.pairs[p].host);
  }
  for (const Move &m : a.moves) a.moved |= one(m.cell);
  for (const CellIs &c : a.values) a.requires_cells |= one(c.cell);
  for (const CountNeed &c : a.counts) a.requires_cells |= c.reads;
  a.person = record.operator_text.valid();
  a.undo_kind = record.undo_kind == plan::UndoKind::none      ? Undo::none
                : record.undo_kind == plan::UndoKind::nothing ? Undo::nothing
                                                              : Undo::action;
  if (record.once) a.once = once_index_.try_emplace(name, once_index_.size()).first->second;
  a.reach = narrowed;
  a.reach.star = true;
  a.reach.hosts |= a.touches;
  a.reach.pairs |= a.disrupts | a.changes;
  a.reach.cells |= a.moved;
  if (hold) a.reach.holds |= one(*hold);
  const bool undeclared = a.person && record.effects.empty();
  if (undeclared || (!narrows && runs_elsewhere(record.body, arguments, a.subject))) a.reach.everything = true;
  const std::size_t index = out_.actions.size();
  action_index_.emplace(index_key, index);
  out_.actions.push_back(std::move(a));
  if (record.undo.valid()) {
    const std::size_t undo = action(record.undo, arguments);
    out_.actions[index].undo = undo;
  }
  return index;
}

void Grounder::needs(Action &a, const plan::Action &record, const Slots &arguments) {
  for (const NodeId need : record.needs) {
    const plan::Node &node = plan_.node(need);
    switch (node.op) {
      case Op::need_gate:
        for (const std::size_t g : gates_of(plan_.kid(need, 0), arguments)) a.gates.push_back(g);
        break;
      case Op::need_value:
        a.values.push_back({cell(plan_.kid(need, 0), arguments), node.a});
        break;
      case Op::need_held:
        a.needs_held |= one(hold_of(plan_.kid(need, 0), arguments));
        break;
      case Op::need_free:
        a.needs_free |= one(hold_of(plan_.kid(need, 0), arguments));
        break;
      case Op::need_count:
        a.counts.push_back(count(need, arguments));
        break;
      default:
        break;  // only asked, never proved
    }
  }
}

void Grounder::effects(Action &a, const plan::Action &record, const Slots &arguments, Items &narrowed, bool &narrows) {
  const auto everywhere = [&](std::uint32_t role) {
    for (std::size_t p = 0; p < out_.pairs.size(); ++p) {
      if (out_.pairs[p].role != role) continue;
      narrowed.pairs |= one(p);
      narrowed.hosts |= one(out_.pairs[p].host);
    }
  };
  const auto hosts_of = [&](NodeId expression) {
    const Value v = evaluate(plan_, expression, arguments);
    const Hosts hosts = v.hosts != 0 ? v.hosts : all_hosts(plan_);
    return v.kind == Value::Kind::host ? hosts : hosts & ~out_.out;
  };
  for (const NodeId effect : record.effects) {
    const plan::Node &node = plan_.node(effect);
    switch (node.op) {
      case Op::changes:
      case Op::disrupts: {
        Hosts hosts = target(plan_, plan_.kid(effect, 0), arguments).hosts;
        const plan::NodeId written = plan_.kid(effect, 0);
        if (plan_.node(written).op != Op::on_host ||
            evaluate(plan_, plan_.kid(written, 0), arguments).kind != Value::Kind::host)
          hosts &= ~out_.out;
        a.subject |= hosts;
        (node.op == Op::changes ? a.changes : a.disrupts) |= pairs_on(node.a, hosts);
        break;
      }
      case Op::reinstalls: {
        const Hosts hosts = hosts_of(plan_.kid(effect, 0));
        a.subject |= hosts;
        a.disrupts |= pairs_on(plan::all_roles, hosts);
        a.destroys = true;
        break;
      }
      case Op::boot_of: {
        const Hosts hosts = hosts_of(plan_.kid(effect, 0));
        a.subject |= hosts;
        a.boots |= hosts;
        break;
      }
      case Op::destroys:
        a.destroys = true;
        break;
      case Op::spills:
        everywhere(node.a);
        break;
      case Op::reaches:
        if (node.a == plan::all_roles) {
          narrowed.everything = true;
        } else {
          everywhere(node.a);
        }
        narrows = true;
        break;
      case Op::moves: {
        const auto kids = plan_.kids(effect);
        Move m{cell(kids[0], arguments), 0, 0, node.a, std::nullopt};
        if (node.b != 0) m.failed = node.b - 1;
        const auto number = [&](std::size_t i) {
          return static_cast<std::uint32_t>(plan_.integers[plan_.node(kids[i]).a]);
        };
        const std::size_t sources = number(1);
        for (std::size_t i = 2; i < kids.size(); ++i) (i < 2 + sources ? m.from : m.via) |= Values{1} << number(i);
        a.arms = a.arms || (out_.cells[m.cell].transient >> m.to & 1) != 0;
        a.moves.push_back(m);
        break;
      }
      default:
        break;  // what is awaited
    }
  }
}

/// A carrier that goes down takes its guests along, unless a required gate proves them gone from it.
void Grounder::guests(Action &a) {
  const auto down = [&](std::size_t host) {
    for (std::size_t p = 0; p < out_.pairs.size(); ++p) {
      if (out_.pairs[p].host == host && out_.roles[out_.pairs[p].role].alive && has(a.disrupts, p)) return true;
    }
    return false;
  };
  bool more = true;
  while (more) {
    more = false;
    for (std::size_t guest = 0; guest < plan_.hosts.size(); ++guest) {
      const plan::RoleId of = plan_.hosts[guest].guest_of;
      if (!of.valid() || has(out_.out, guest) || (a.disrupts & out_.pairs_of_host[guest]) == out_.pairs_of_host[guest])
        continue;
      for (std::size_t carrier = 0; carrier < plan_.hosts.size(); ++carrier) {
        if (!out_.roles[of.index].pair_of[carrier] || carrier == guest || !down(carrier)) continue;
        const bool cleared = std::any_of(a.gates.begin(), a.gates.end(), [&](std::size_t g) {
          const Gate &gate = out_.gates[g];
          return has(gate.about, carrier) && std::find(gate.clears.begin(), gate.clears.end(), of) != gate.clears.end();
        });
        if (cleared) continue;
        a.disrupts |= out_.pairs_of_host[guest];
        more = true;
        break;
      }
    }
  }
}

/// `on boot` is a move by every action that awaits the boot, of cells that the plan speaks of.
void Grounder::boot_moves() {
  for (Action &a : out_.actions) {
    for (std::size_t c = 0; c < out_.cells.size(); ++c) {
      const Cell &cell = out_.cells[c];
      if (!cell.host || !has(a.boots, *cell.host)) continue;
      for (const plan::BootMove &move : plan_.states[cell.state.index].on_boot) {
        a.boot_moves.push_back({c, move.from, move.to});
        a.moved |= one(c);
        a.reach.cells |= one(c);
      }
    }
  }
}

void Grounder::conjuncts(NodeId condition, const Slots &slots, std::vector<CellIs> &out, bool &provable) {
  const plan::Node &node = plan_.node(condition);
  const auto kids = plan_.kids(condition);
  if (node.op == Op::both) {
    conjuncts(kids[0], slots, out, provable);
    conjuncts(kids[1], slots, out, provable);
    return;
  }
  if (node.op == Op::equal) {
    for (std::size_t side = 0; side < 2; ++side) {
      const plan::Node &left = plan_.node(kids[side]);
      const plan::Node &right = plan_.node(kids[1 - side]);
      if (left.op != Op::cell_value || right.op != Op::text) continue;
      const std::size_t c = cell(plan_.kid(kids[side], 0), slots);
      const auto &values = plan_.states[out_.cells[c].state.index].values;
      for (std::size_t v = 0; v < values.size(); ++v) {
        if (plan_.text(values[v].name) != plan_.strings[right.a]) continue;
        out.push_back({c, static_cast<std::uint32_t>(v)});
        return;
      }
    }
  }
  provable = false;
}

CountNeed Grounder::count(NodeId need, const Slots &slots) {
  const plan::Node &node = plan_.node(need);
  CountNeed result;
  result.kind = node.b;
  result.number = static_cast<std::uint32_t>(plan_.integers[plan_.node(plan_.kid(need, 2)).a]);
  const Hosts hosts = evaluate(plan_, plan_.kid(need, 0), slots).hosts;
  for (std::size_t h = 0; h < plan_.hosts.size(); ++h) {
    if (!has(hosts, h)) continue;
    Slots with_host = slots;
    put(with_host, node.a, host_value(h));
    bool provable = true;
    std::vector<CellIs> all;
    conjuncts(plan_.kid(need, 1), with_host, all, provable);
    if (!provable) throw TooMuch("a count that is no test of states");
    for (const CellIs &c : all) result.reads |= one(c.cell);
    result.candidates.push_back(std::move(all));
  }
  return result;
}

}  // namespace upg::oracle
