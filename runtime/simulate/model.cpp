#include "runtime/simulate/model.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/plan/bodies.h"
#include "runtime/plan/opcodes.h"
#include "runtime/simulate/policy.h"

namespace upg::simulate {
using machine::Move;
using machine::Value;
using plan::NodeId;
using plan::Op;
using Kind = Value::Kind;

Model::Model(const plan::Plan &plan, Reader &reader, ModelOptions options)
    : plan_(plan), reader_(reader), options_(std::move(options)) {
  using What = Owner::What;
  plan::for_each_body(plan, [&](const plan::Body &body) {
    What what = What::none;
    if (body.table == "gates" && body.field == "pass") what = What::pass;
    if (body.table == "gates" && body.field == "fail") what = What::fail;
    if (body.table == "probes") what = What::probe;
    if (body.table == "states") what = What::state;
    if (body.table == "holds" && body.field == "observe") what = What::hold;
    if (body.table == "sets") what = What::set;
    if (body.table == "actions" && body.field == "done_when") what = What::done_when;
    if (what != What::none) owners_[body.root.index] = {what, static_cast<std::uint32_t>(body.record)};
  });
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    const auto kids = plan.kids(NodeId(i));
    for (std::size_t k = 0; k < kids.size(); ++k) parents_[kids[k].index] = {NodeId(i), k};
  }
  for (const plan::CellClaim &claim : plan.initially) {
    std::vector<plan::HostId> hosts(1);
    if (claim.hosts.valid()) hosts = plan.sets[claim.hosts.index].hosts;
    for (const plan::HostId h : hosts) {
      std::vector<Value> arguments;
      if (h.valid()) arguments.push_back(Value::host(h));
      cells_[reader.cell(claim.state, arguments)] = claim.value;
    }
  }
}

Gate Model::gate_of(std::uint32_t gate, std::span<const Value> slots) const {
  const std::size_t n = std::min(slots.size(), plan_.gates[gate].frame.parameters.size());
  return reader_.gate(plan::GateId(gate), std::vector<Value>(slots.begin(), slots.begin() + static_cast<long>(n)));
}

std::uint32_t &Model::cell(const Cell &which) {
  const auto [at, fresh] = cells_.try_emplace(which, 0u);
  if (!fresh) return at->second;
  guessed_.insert(which);
  const std::size_t values = plan_.states[which.state].values.size();
  if (options_.timed) {
    std::vector<std::uint32_t> calm;
    for (std::uint32_t v = 0; v < values; ++v)
      if (!plan_.states[which.state].values[v].transient) calm.push_back(v);
    if (!calm.empty()) at->second = calm[random("cell", reader_.text(which)).below(calm.size())];
  } else if (options_.value < values)
    at->second = options_.value;
  return at->second;
}

/// Whether the action itself waits until the pair is back.
bool Model::awaits(const Contract &act, const Pair &pair) const {
  if (act.boots.count(pair.first) != 0) return true;
  return std::any_of(act.awaits.begin(), act.awaits.end(),
                     [&](const Gate &g) { return reader_.health_of(g).count(pair) != 0; });
}

bool Model::up(const Pair &pair) const {
  if (reader_.out(pair.first)) return false;
  if (options_.timed) {
    if (!hosts_->up(plan::HostId(pair.first), now_()) || crashed(pair.first, 0) || sick_.count(pair) != 0) return false;
    if (const auto back = back_.find(pair); back != back_.end() && now_() < back->second) return false;
  }
  for (const auto &[key, act] : flight_) {
    if (performed_.count(key) != 0 && awaits(*act, pair)) continue;
    if (act->disrupts.count(pair) != 0 || act->changes.count(pair) != 0) return false;
  }
  return true;
}

bool Model::tainted(plan::GateId gate) const {
  for (const auto &[key, hold] : held_) {
    const std::vector<plan::GateId> &taints = plan_.holds[hold.hold].taints;
    if (std::find(taints.begin(), taints.end(), gate) != taints.end()) return true;
  }
  for (const auto &[which, value] : cells_)
    for (const plan::StateTaint &t : plan_.states[which.state].taints)
      if (std::find(t.values.begin(), t.values.end(), value) != t.values.end() &&
          std::find(t.gates.begin(), t.gates.end(), gate) != t.gates.end())
        return true;
  return false;
}

/// Whether the role that the gate speaks for may lose its host, too.
bool Model::spare(const Gate &gate) const {
  for (RoleIndex r = 0; r < plan_.roles.size(); ++r) {
    if (plan_.roles[r].stoppable != gate.gate || !limited(plan_, r)) continue;
    std::set<HostIndex> down = reader_.hosts_of(gate);
    for (const HostIndex h : reader_.carriers_of(r))
      if (!up({h, r})) down.insert(h);
    if (exceeded(reader_, r, down)) return false;
  }
  return true;
}

/// Whether nothing that the gate watches is down.
bool Model::calm(const Gate &gate) {
  const std::set<std::string> &watched = reader_.watch(gate);
  for (const auto &[key, act] : flight_) {
    for (const std::set<Pair> *pairs : {&act->disrupts, &act->changes})
      for (const Pair &p : *pairs)
        if (watched.count(kStar) != 0 || watched.count(host_item(p.first)) != 0 ||
            watched.count(role_item(p.second)) != 0)
          return false;
  }
  if (!options_.timed) return true;
  for (HostIndex h = 0; h < plan_.hosts.size(); ++h) {
    if (!crashed(h, 0) || reader_.out(h)) continue;
    if (watched.count(kStar) != 0 || watched.count(host_item(h)) != 0) return false;
    for (const RoleIndex r : reader_.roles(h))
      if (watched.count(role_item(r)) != 0) return false;
  }
  return true;
}

Value Model::of_probe(std::uint32_t record, std::span<const Value> slots) {
  const bool host = !slots.empty() && slots[0].is(Kind::host);
  const HostIndex h = host ? slots[0].as_host().index : plan::HostId::none;
  for (const plan::Role &role : plan_.roles) {
    const unsigned boot = !host ? 0 : options_.timed ? hosts_->boot(plan::HostId(h), now_()) : boots_[h];
    if (host && role.boot.index == record) return Value::string(fmt::format("boot-of-{}-{}", reader_.name(h), boot));
    if (host && role.identity.index == record) return Value::string("machine-" + reader_.name(h));
    if (role.roster.index != record) continue;
    Value::Items names;
    for (const plan::HostId member : plan_.sets[role.hosts.index].hosts)
      names.push_back(Value::string(reader_.name(member.index)));
    return Value::list(std::move(names));
  }
  return Value::pending();
}

std::optional<Value> Model::answer(NodeId expression, std::span<const Value> slots) {
  const auto found = owners_.find(expression.index);
  if (found == owners_.end()) return std::nullopt;
  const std::uint32_t record = found->second.record;
  if (options_.timed) catch_up();
  const HostIndex h = !slots.empty() && slots[0].is(Kind::host) ? slots[0].as_host().index : plan::HostId::none;
  const bool silent = options_.timed && h != plan::HostId::none && !reachable(h);
  switch (found->second.what) {
    case Owner::What::pass: {
      if (options_.willing) return Value::boolean(true);
      const Gate gate = gate_of(record, slots);
      if (!options_.timed) {
        if (tainted(gate.gate)) return Value::boolean(false);
        const std::set<Pair> pairs = reader_.health_of(gate);
        if (pairs.empty()) return std::nullopt;
        return Value::boolean(std::all_of(pairs.begin(), pairs.end(), [&](const Pair &p) { return up(p); }));
      }
      if (const std::optional<bool> told = told_by_fault(gate.gate)) return Value::boolean(*told);
      if (!answered(gate)) return Value::unknown("no answer");
      const std::optional<bool> is = says(gate);
      if (!is) return std::nullopt;
      return Value::boolean(*is);
    }
    case Owner::What::probe: {
      if (silent) return Value::unknown("no answer");
      Value v = of_probe(record, slots);
      if (v.is(Kind::pending)) return std::nullopt;
      return v;
    }
    case Owner::What::state: {
      if (silent) return Value::unknown("no answer");
      const plan::State &state = plan_.states[record];
      const std::size_t n = std::min(slots.size(), state.frame.parameters.size());
      const Cell which =
          reader_.cell(plan::StateId(record), std::vector<Value>(slots.begin(), slots.begin() + static_cast<long>(n)));
      return Value::string(std::string(plan_.text(state.values[cell(which)].name)));
    }
    case Owner::What::hold: {
      if (!options_.timed) return Value::boolean(false);  // found off
      if (silent) return Value::unknown("no answer");
      const std::size_t n = std::min(slots.size(), plan_.holds[record].frame.parameters.size());
      return Value::boolean(on_[reader_.hold(plan::HoldId(record),
                                             std::vector<Value>(slots.begin(), slots.begin() + static_cast<long>(n)))]);
    }
    case Owner::What::set:
      return Value::boolean(true);
    case Owner::What::done_when: {
      if (!options_.timed) return std::nullopt;
      if (silent) return Value::unknown("no answer");
      // Only what began and was not seen to end: that is when it is asked in doubt.
      const std::size_t n = std::min(slots.size(), plan_.actions[record].frame.parameters.size());
      const Contract &act = reader_.contract(plan::ActionId(record),
                                             std::vector<Value>(slots.begin(), slots.begin() + static_cast<long>(n)));
      return Value::boolean(std::any_of(unended_.begin(), unended_.end(), [&](const auto &f) {
        return f.second == &act && worked_.count(f.first) != 0;
      }));
    }
    default:
      return std::nullopt;
  }
}

/// Lists that only a real host knows.
Value Model::elements(NodeId list, std::span<const Value> slots) const {
  std::uint64_t n = options_.elements;
  if (options_.timed) {
    std::string key = std::to_string(list.index);
    key += key_of(std::vector<Value>(slots.begin(), slots.end()));
    n = random("list", key).below(4);
  }
  Value::Items items;
  for (std::uint64_t i = 0; i < n; ++i) items.push_back(Value::string(fmt::format("element{}", i)));
  return Value::list(std::move(items));
}

Value Model::settle(NodeId expression, std::span<const Value> slots, Value unknown) {
  if (const auto found = owners_.find(expression.index); found != owners_.end()) {
    if (found->second.what == Owner::What::pass) {
      const Gate gate = gate_of(found->second.record, slots);
      if (options_.timed && !answered(gate)) return unknown;
      return Value::boolean(calm(gate));
    }
    if (found->second.what == Owner::What::done_when || found->second.what == Owner::What::fail)
      return Value::boolean(false);
    return unknown;
  }
  const auto parent = parents_.find(expression.index);
  if (parent == parents_.end()) return unknown;
  const auto [node, place] = parent->second;
  const plan::Node &n = plan_.node(node);
  switch (n.op) {
    case Op::for_data: {
      if (place == 1) return Value::boolean(true);
      Value list = elements(expression, slots);
      if (options_.timed && n.b != 0 && list.items->size() > n.b)
        list = Value::list({list.items->begin(), list.items->begin() + n.b});
      return list;
    }
    case Op::branch:
    case Op::need_true:
    case Op::awaits_true:
    case Op::expect_true:
    case Op::need_count:
    case Op::recover:
      return Value::boolean(true);
    default:
      return Value::string("simulated");
  }
}

int Model::way(const Move &move) const {
  if (!options_.timed || move.kind != Move::Kind::choice || plan_.node(move.node).op != Op::branch) return 0;
  return static_cast<int>(random("way", move.key).below(2));
}

/// What the contract promises has happened.
void Model::do_what(const Contract &act) {
  for (const Motion &m : act.moves) {
    std::uint32_t &value = cell(m.cell);
    if (!m.by_boot || m.from.count(value) != 0) value = m.to;
  }
  if (act.hold.hold != plan::HoldId::none) on_[act.hold] = act.takes;
}

void Model::moved(const Move &move, int way) {
  if (options_.timed) catch_up();
  if (move.counted) return;
  switch (move.kind) {
    case Move::Kind::start:
      flight_[move.key] = unended_[move.key] = &reader_.contract(move.action, move.arguments);
      performed_.erase(move.key);
      begun_keys_.erase(move.key);
      if (plan_.actions[move.action.index].idempotent) repeatable_.insert(move.key);
      break;
    case Move::Kind::perform: {
      const Contract &act = reader_.contract(move.action, move.arguments);
      performed_[move.key] = &act;
      if (begun_keys_.count(move.key) != 0) break;  // its commands have done it
      const bool nothing_to_do = options_.timed && plan_.actions[act.action.index].body.valid();
      const bool was_on = on_[act.hold];
      do_what(act);
      if (nothing_to_do && act.takes) on_[act.hold] = was_on;  // a hold that needs nothing done is not seen
      worked_.insert(move.key);
      for (const HostIndex h : act.boots) ++boots_[h];
      break;
    }
    case Move::Kind::end: {
      if (options_.timed) let_go(move, reader_.contract(move.action, move.arguments));
      flight_.erase(move.key);
      if (!move.failed) unended_.erase(move.key);
      performed_.erase(move.key);
      break;
    }
    case Move::Kind::choice: {  // an answer that was supposed is what stands there from now on
      const plan::Node &n = plan_.node(move.node);
      if (n.op != Op::unless && n.op != Op::expect_value) break;
      const auto state = plan::StateId(plan_.node(plan_.kid(move.node, 0)).a);
      std::uint32_t &now = cell(reader_.cell(state, move.arguments));
      if (way == 0) now = n.a;
      if (way == 1 && now == n.a && plan_.states[state.index].values.size() > 1) now = n.a == 0 ? 1 : 0;
      break;
    }
    case Move::Kind::hold:
      held_[move.key] = reader_.hold(move.hold, move.arguments);
      break;
    case Move::Kind::unhold:
      held_.erase(move.key);
      break;
    default:
      break;
  }
}

transport::Reply Model::answer(plan::HostId host, const machine::Command &command, machine::Millis now) {
  transport::Reply reply;
  if (command.step_key.starts_with("once/")) {  // whoever claims it first wrote this
    if (!command.argv.empty()) reply.out = command.argv.back() + "\n";
    return reply;
  }
  return options_.timed && !command.step_key.empty() ? step(host, command, now) : reply;
}

}  // namespace upg::simulate
