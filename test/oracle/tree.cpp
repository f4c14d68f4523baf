// Statements to nodes: procedures inlined, one turn for each host of a rollout.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/plan/opcodes.h"
#include "test/oracle/grounder.h"

namespace upg::oracle {

using plan::NodeId;
using plan::Op;

namespace {
constexpr std::size_t max_nodes = 20000;
}

std::uint32_t Grounder::add(Shape shape, std::uint32_t parent, const Place &place, NodeId from) {
  if (out_.nodes.size() >= max_nodes) throw TooMuch("more steps than the oracle counts");
  Node node;
  node.shape = shape;
  node.parent = parent;
  node.region = place.region;
  node.withs = place.withs;
  node.waivers = place.waivers;
  node.outages = place.outages;
  node.in_turn = place.in_turn;
  if (from.valid()) node.where = plan_.span(from);
  const auto index = static_cast<std::uint32_t>(out_.nodes.size());
  if (parent != Node::none) {
    node.place = static_cast<std::uint32_t>(out_.nodes[parent].children.size());
    out_.nodes[parent].children.push_back(index);
  }
  out_.nodes.push_back(std::move(node));
  return index;
}

void Grounder::block(NodeId id, Slots &slots, std::uint32_t parent, const Place &place) {
  const std::uint32_t sequence = add(Shape::sequence, parent, place, id);
  for (const NodeId kid : plan_.kids(id)) statement(kid, slots, sequence, place);
}

void Grounder::statement(NodeId id, Slots &slots, std::uint32_t parent, const Place &place) {
  const plan::Node &node = plan_.node(id);
  const auto kids = plan_.kids(id);
  switch (node.op) {
    case Op::block:
      block(id, slots, parent, place);
      return;
    case Op::let: {
      const bool asks = plan_.node(kids[0]).op == Op::ask_person;
      if (asks) out_.nodes[add(Shape::pause, parent, place, id)].text = "asks a person";
      Value v = evaluate(plan_, kids[0], slots);
      if (v.kind == Value::Kind::unknown) v.text = fmt::format("let{}", unknowns_++);
      put(slots, node.a, std::move(v));
      return;
    }
    case Op::for_data: {
      const std::uint32_t loop = add(Shape::loop, parent, place, id);
      const Value items = evaluate(plan_, kids[0], slots);
      for (std::uint32_t copy = 0; copy < std::min<std::uint32_t>(2, node.b); ++copy) {
        put(slots, node.a, unknown_value(fmt::format("item{}", unknowns_++), items.hosts));
        block(kids.back(), slots, loop, place);
      }
      return;
    }
    case Op::await: {
      std::vector<std::size_t> gates = gates_of(kids[0], slots);
      Node &await = out_.nodes[add(Shape::await, parent, place, id)];
      for (const std::size_t g : gates) await.text += (await.text.empty() ? "" : ", ") + out_.gates[g].name;
      await.text += " passes";
      await.gates = std::move(gates);
      return;
    }
    case Op::act: {
      const plan::ActionId a(node.a);
      const std::size_t index = action(a, arguments(plan_, id, 0, plan_.actions[a.index].frame, slots));
      Node &act = out_.nodes[add(Shape::act, parent, place, id)];
      act.action = index;
      act.text = out_.actions[index].name;
      return;
    }
    case Op::call: {
      const plan::Procedure &p = plan_.procedures[node.a];
      Slots own = arguments(plan_, id, 0, p.frame, slots);
      block(p.body, own, parent, place);
      return;
    }
    case Op::with:
      with(id, slots, parent, place);
      return;
    case Op::roll:
      roll(id, slots, parent, place);
      return;
    case Op::visit: {
      const plan::Rollout &rollout = plan_.rollouts[node.a];
      const std::uint32_t sequence = add(Shape::sequence, parent, place, id);
      for (const plan::HostId host : plan_.sets[rollout.hosts.index].hosts) {
        put(slots, rollout.slot, host_value(host.index));
        block(kids[0], slots, sequence, place);
      }
      return;
    }
    case Op::dag:
      dag(id, slots, parent, place);
      return;
    case Op::parallel: {
      const std::uint32_t fork = add(Shape::fork, parent, place, id);
      for (const NodeId kid : kids) block(kid, slots, fork, place);
      return;
    }
    case Op::branch: {
      const std::uint32_t choice = add(Shape::choice, parent, place, id);
      block(kids[1], slots, choice, place);
      block(kids[2], slots, choice, place);
      return;
    }
    case Op::unless:
    case Op::expect_value: {
      const CellIs test{cell(kids[0], slots), node.a};
      const bool unless = node.op == Op::unless;
      const std::uint32_t index = add(unless ? Shape::unless : Shape::expect, parent, place, id);
      out_.nodes[index].test = test;
      const auto &values = plan_.states[out_.cells[test.cell].state.index].values;
      out_.nodes[index].text = fmt::format("{} == {}", out_.cells[test.cell].name, plan_.text(values[node.a].name));
      if (unless) block(kids[1], slots, index, place);
      return;
    }
    case Op::expect_true:
      return;
    case Op::at_most:
      block(kids[0], slots, parent, place);
      return;
    case Op::accept: {
      Place inside = place;
      const plan::Waiver &waiver = plan_.waivers[node.a];
      if (plan_.text(waiver.rule) == "outage") {
        const std::uint32_t scope = add(Shape::sequence, parent, place, id);
        out_.nodes[scope].accepts = waiver.role.index;
        inside.outages.push_back(scope);
        block(kids[0], slots, scope, inside);
        return;
      }
      inside.waivers.push_back(node.a);
      block(kids[0], slots, parent, inside);
      return;
    }
    case Op::attempt: {
      if (plan_.node(kids[0]).op == Op::block && plan_.node(kids[0]).count == 0) return;  // nothing in it can fail
      const std::uint32_t attempt = add(Shape::attempt, parent, place, id);
      out_.nodes[attempt].limit = node.a;
      out_.nodes[attempt].text = "the attempt";
      for (std::size_t i = 0; i < kids.size(); ++i) {
        const bool recovery = plan_.node(kids[i]).op == Op::recover;
        if (i > 0 && !recovery) out_.nodes[attempt].has_otherwise = true;
        Slots own = slots;
        block(recovery ? plan_.kid(kids[i], 1) : kids[i], own, attempt, place);
      }
      return;
    }
    case Op::no_return: {
      const std::uint32_t index = add(Shape::no_return, parent, place, id);
      if (out_.no_return == Node::none) out_.no_return = index;
      return;
    }
    case Op::confirm:
      out_.nodes[add(Shape::pause, parent, place, id)].text = "a person confirms";
      return;
    default:
      throw TooMuch(fmt::format("`{}` is no statement that the oracle knows", plan::info(node.op).name));
  }
}

void Grounder::with(NodeId id, Slots &slots, std::uint32_t parent, const Place &place) {
  const NodeId held = plan_.kid(id, 0);
  const plan::Hold &record = plan_.holds[plan_.node(held).a];
  const Slots args = arguments(plan_, held, 0, record.frame, slots);
  const std::size_t index = hold(plan::HoldId(plan_.node(held).a), args);
  const auto w = static_cast<std::uint32_t>(out_.withs.size());
  const std::uint32_t sequence = add(Shape::sequence, parent, place, id);
  // Counted by name and arguments: inside itself a hold is neither taken nor given back.
  for (const std::uint32_t around : place.withs) {
    if (out_.withs[around].hold == index) return block(plan_.kid(id, 1), slots, sequence, place);
  }
  out_.withs.push_back({index, sequence});
  const std::size_t acquire = action(record.acquire, args, index);
  const std::uint32_t first = add(Shape::act, sequence, place, id);
  out_.nodes[first].action = acquire;
  out_.nodes[first].acquires = w;
  out_.nodes[first].text = out_.actions[acquire].name;
  Place inside = place;
  inside.withs.push_back(w);
  block(plan_.kid(id, 1), slots, sequence, inside);
  const std::size_t release = action(record.release, args, index);
  const std::uint32_t last = add(Shape::act, sequence, place, id);
  out_.nodes[last].action = release;
  out_.nodes[last].releases = w;
  out_.nodes[last].text = out_.actions[release].name;
}

void Grounder::roll(NodeId id, Slots &slots, std::uint32_t parent, const Place &place) {
  const plan::Rollout &rollout = plan_.rollouts[plan_.node(id).a];
  const std::size_t n = plan_.sets[rollout.hosts.index].hosts.size();
  const std::size_t canary = std::min<std::size_t>(rollout.canary, n);
  if (canary == 0 || canary == n) {
    stage(id, slots, parent, place, 0, n);
    return;
  }
  const std::uint32_t sequence = add(Shape::sequence, parent, place, id);
  stage(id, slots, sequence, place, 0, canary);
  if (rollout.soak > 0) out_.nodes[add(Shape::pause, sequence, place, id)].text = "soaks";
  stage(id, slots, sequence, place, canary, n);
}

void Grounder::stage(NodeId id, const Slots &slots, std::uint32_t parent, const Place &place, std::size_t first,
                     std::size_t last) {
  const plan::Rollout &rollout = plan_.rollouts[plan_.node(id).a];
  const auto &hosts = plan_.sets[rollout.hosts.index].hosts;
  const std::uint32_t index = add(Shape::roll, parent, place, id);
  out_.nodes[index].limit = std::max<std::uint32_t>(1, rollout.batch);
  out_.nodes[index].tolerant = rollout.tolerant;
  out_.nodes[index].group_limit = rollout.per.valid() ? rollout.per_batch : 0;
  std::vector<std::string> values;
  for (std::size_t i = first; i < last; ++i) {
    const std::size_t host = hosts[i].index;
    Place inside = place;
    inside.region = static_cast<std::uint32_t>(out_.regions.size());
    inside.in_turn = true;
    out_.regions.push_back({place.region, host});
    std::uint32_t group = 0;
    if (rollout.per.valid()) {
      const std::string value = attribute(host, rollout.per);
      const auto at = std::find(values.begin(), values.end(), value);
      group = static_cast<std::uint32_t>(at - values.begin());
      if (at == values.end()) values.push_back(value);
    }
    const std::uint32_t turn = add(Shape::turn, index, inside, id);
    out_.nodes[turn].host = host;
    out_.nodes[turn].text = out_.host_names[host] + "'s turn";
    out_.nodes[index].groups.push_back(group);
    if (group != 0) out_.nodes[index].one_group = false;
    Slots own = slots;
    put(own, rollout.slot, host_value(host));
    block(plan_.kid(id, 0), own, turn, inside);
  }
}

void Grounder::dag(NodeId id, Slots &slots, std::uint32_t parent, const Place &place) {
  const std::uint32_t index = add(Shape::dag, parent, place, id);
  for (const NodeId kid : plan_.kids(id)) {
    const plan::Phase &phase = plan_.phases[plan_.node(kid).a];
    const std::uint32_t node = add(Shape::phase, index, place, kid);
    out_.nodes[node].text = fmt::format("phase {}", plan_.text(phase.name));
    out_.nodes[index].after.push_back(phase.after);
    block(plan_.kid(kid, 0), slots, node, place);
  }
}

}  // namespace upg::oracle
