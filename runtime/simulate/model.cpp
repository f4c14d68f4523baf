#include "runtime/simulate/model.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/plan/bodies.h"
#include "runtime/plan/opcodes.h"

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
  if (options_.value < plan_.states[which.state].values.size()) at->second = options_.value;
  return at->second;
}

bool Model::up(const Pair &pair) const {
  if (reader_.out(pair.first)) return false;
  for (const auto &[key, act] : flight_) {
    const bool booted = performed_.count(key) != 0 && act->boots.count(pair.first) != 0;
    if (booted) continue;
    if (act->disrupts.count(pair) != 0 || act->changes.count(pair) != 0) return false;
  }
  return true;
}

bool Model::tainted(plan::GateId gate) const {
  for (const auto &[hold, count] : held_) {
    const std::vector<plan::GateId> &taints = plan_.holds[hold.hold].taints;
    if (count > 0 && std::find(taints.begin(), taints.end(), gate) != taints.end()) return true;
  }
  for (const auto &[which, value] : cells_)
    for (const plan::StateTaint &t : plan_.states[which.state].taints)
      if (std::find(t.values.begin(), t.values.end(), value) != t.values.end() &&
          std::find(t.gates.begin(), t.gates.end(), gate) != t.gates.end())
        return true;
  return false;
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
  return true;
}

std::optional<Value> Model::answer(NodeId expression, std::span<const Value> slots) {
  const auto found = owners_.find(expression.index);
  if (found == owners_.end()) return std::nullopt;
  const std::uint32_t record = found->second.record;
  switch (found->second.what) {
    case Owner::What::pass: {
      if (options_.willing) return Value::boolean(true);
      const Gate gate = gate_of(record, slots);
      if (tainted(gate.gate)) return Value::boolean(false);
      const std::set<Pair> pairs = reader_.health_of(gate);
      if (pairs.empty()) return std::nullopt;
      return Value::boolean(std::all_of(pairs.begin(), pairs.end(), [&](const Pair &p) { return up(p); }));
    }
    case Owner::What::probe: {
      const bool host = !slots.empty() && slots[0].is(Kind::host);
      for (const plan::Role &role : plan_.roles) {
        if (host && role.boot.index == record)
          return Value::string(
              fmt::format("boot-of-{}-{}", reader_.name(slots[0].as_host().index), boots_[slots[0].as_host().index]));
        if (host && role.identity.index == record)
          return Value::string("machine-" + reader_.name(slots[0].as_host().index));
        if (role.roster.index != record) continue;
        Value::Items names;
        for (const plan::HostId h : plan_.sets[role.hosts.index].hosts)
          names.push_back(Value::string(reader_.name(h.index)));
        return Value::list(std::move(names));
      }
      return std::nullopt;
    }
    case Owner::What::state: {
      const plan::State &state = plan_.states[record];
      const std::size_t n = std::min(slots.size(), state.frame.parameters.size());
      const Cell which =
          reader_.cell(plan::StateId(record), std::vector<Value>(slots.begin(), slots.begin() + static_cast<long>(n)));
      return Value::string(std::string(plan_.text(state.values[cell(which)].name)));
    }
    case Owner::What::hold:
      return Value::boolean(false);  // found off
    case Owner::What::set:
      return Value::boolean(true);
    default:
      return std::nullopt;
  }
}

Value Model::settle(NodeId expression, std::span<const Value> slots, Value unknown) {
  if (const auto found = owners_.find(expression.index); found != owners_.end()) {
    if (found->second.what == Owner::What::pass) return Value::boolean(calm(gate_of(found->second.record, slots)));
    if (found->second.what == Owner::What::done_when || found->second.what == Owner::What::fail)
      return Value::boolean(false);
    return unknown;
  }
  const auto parent = parents_.find(expression.index);
  if (parent == parents_.end()) return unknown;
  const auto [node, place] = parent->second;
  switch (plan_.node(node).op) {
    case Op::for_data: {
      if (place == 1) return Value::boolean(true);
      Value::Items items;
      for (std::uint32_t i = 0; i < options_.elements; ++i) items.push_back(Value::string(fmt::format("element{}", i)));
      return Value::list(std::move(items));
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

void Model::moved(const Move &move) {
  switch (move.kind) {
    case Move::Kind::start:
      flight_[move.key] = &reader_.contract(move.action, move.arguments);
      break;
    case Move::Kind::perform: {
      const Contract &act = reader_.contract(move.action, move.arguments);
      performed_[move.key] = &act;
      for (const Motion &m : act.moves) {
        std::uint32_t &value = cell(m.cell);
        if (!m.by_boot || m.from.count(value) != 0) value = m.to;
      }
      for (const HostIndex h : act.boots) ++boots_[h];
      break;
    }
    case Move::Kind::end:
      flight_.erase(move.key);
      performed_.erase(move.key);
      break;
    case Move::Kind::hold:
      ++held_[reader_.hold(move.hold, move.arguments)];
      break;
    case Move::Kind::unhold:
      --held_[reader_.hold(move.hold, move.arguments)];
      break;
    default:
      break;
  }
}

transport::Reply Model::answer(plan::HostId host, const machine::Command &command, machine::Millis) {
  static_cast<void>(host);
  static_cast<void>(command);
  transport::Reply reply;
  reply.takes = 1;
  return reply;
}

}  // namespace upg::simulate
