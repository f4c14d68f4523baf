#include "test/oracle/values.h"

#include <fmt/format.h>

#include "runtime/plan/opcodes.h"

namespace upg::oracle {

using plan::NodeId;
using plan::Op;

Value host_value(std::size_t host) { return {Value::Kind::host, one(host), {}}; }
Value unknown_value(std::string identity, Hosts candidates) {
  return {Value::Kind::unknown, candidates, std::move(identity)};
}

Hosts hosts_of_set(const plan::Plan &plan, plan::SetId set) {
  Hosts result = 0;
  if (!set.valid()) return result;
  for (const plan::HostId host : plan.sets[set.index].hosts) result |= one(host.index);
  return result;
}

Hosts all_hosts(const plan::Plan &plan) { return plan.hosts.size() >= word ? ~Hosts{0} : one(plan.hosts.size()) - 1; }

void put(Slots &slots, std::size_t slot, Value value) {
  if (slots.size() <= slot) slots.resize(slot + 1);
  slots[slot] = std::move(value);
}

Value evaluate(const plan::Plan &plan, NodeId id, const Slots &slots) {
  const plan::Node &node = plan.node(id);
  const auto kids = plan.kids(id);
  const auto some = [](Hosts hosts) { return Value{Value::Kind::hosts, hosts, {}}; };
  const auto text = [](std::string t) { return Value{Value::Kind::text, 0, std::move(t)}; };
  switch (node.op) {
    case Op::host:
      return host_value(node.a);
    case Op::local:
      if (node.a < slots.size()) return slots[node.a];
      return unknown_value(fmt::format("slot{}", node.a));
    case Op::set:
    case Op::set_live:
      return some(hosts_of_set(plan, plan::SetId(node.a)));
    case Op::any_of: {
      const Value v = evaluate(plan, kids[0], slots);
      return unknown_value(fmt::format("any of {:x}", v.hosts), v.hosts);
    }
    case Op::set_union:
    case Op::set_except:
    case Op::set_both: {
      const Hosts l = evaluate(plan, kids[0], slots).hosts, r = evaluate(plan, kids[1], slots).hosts;
      return some(node.op == Op::set_union ? l | r : node.op == Op::set_except ? l & ~r : l & r);
    }
    case Op::text:
    case Op::decimal:
    case Op::version:
      return text(plan.strings[node.a]);
    case Op::number:
    case Op::duration:
    case Op::size:
    case Op::percent:
    case Op::time:
      return text(std::to_string(plan.integers[node.a]));
    case Op::boolean:
      return text(node.a != 0 ? "true" : "false");
    case Op::field: {  // what the site says of a host
      const Value of = evaluate(plan, kids[0], slots);
      if (of.kind == Value::Kind::host && of.hosts != 0) {
        for (const plan::Attribute &a : plan.hosts[static_cast<std::size_t>(__builtin_ctzll(of.hosts))].attributes) {
          if (plan.text(a.key) == plan.strings[node.a]) return evaluate(plan, a.value, {});
        }
      }
      return unknown_value(fmt::format("node{}", id.index), 0);
    }
    case Op::list: {
      Hosts hosts = 0;
      std::string all = "[";
      bool only_hosts = !kids.empty();
      for (const NodeId kid : kids) {
        const Value v = evaluate(plan, kid, slots);
        hosts |= v.hosts;
        only_hosts = only_hosts && v.kind == Value::Kind::host;
        all += v.text + ",";
      }
      return only_hosts ? some(hosts) : text(all + "]");
    }
    default:
      return unknown_value(fmt::format("node{}", id.index), 0);
  }
}

Target target(const plan::Plan &plan, NodeId id, const Slots &slots) {
  const plan::Node &node = plan.node(id);
  if (node.op == Op::on_local) return {0, true};
  const Value v = evaluate(plan, plan.kid(id, 0), slots);
  if (v.hosts == 0) return {all_hosts(plan), false};
  return {v.hosts, false};
}

void asked_at(const plan::Plan &plan, NodeId id, Slots slots, Target &out, std::size_t depth) {
  if (!id.valid() || depth > 200) return;
  const plan::Node &node = plan.node(id);
  const auto kids = plan.kids(id);
  const auto merge = [&](const Target &t) {
    out.hosts |= t.hosts;
    out.elsewhere = out.elsewhere || t.elsewhere;
  };
  const auto each_kid = [&] {
    for (const NodeId kid : kids) asked_at(plan, kid, slots, out, depth + 1);
  };
  switch (node.op) {
    case Op::run:
    case Op::shell:
      merge(target(plan, kids[0], slots));
      each_kid();
      return;
    case Op::ask_person:
      out.elsewhere = true;
      return;
    case Op::ask_probe: {
      each_kid();
      const plan::Probe &probe = plan.probes[node.a];
      asked_at(plan, probe.body, arguments(plan, id, 0, probe.frame, slots), out, depth + 1);
      return;
    }
    case Op::cell_value: {
      const NodeId cell = kids[0];
      const plan::State &state = plan.states[plan.node(cell).a];
      asked_at(plan, state.observe, arguments(plan, cell, 0, state.frame, slots), out, depth + 1);
      return;
    }
    case Op::builtin:
      each_kid();
      if (static_cast<plan::Builtin>(node.a) == plan::Builtin::answers && !kids.empty()) {
        const Value v = evaluate(plan, kids[0], slots);
        out.hosts |= v.hosts != 0 ? v.hosts : all_hosts(plan);
      }
      return;
    case Op::every:
    case Op::some:
    case Op::each:
    case Op::count_of: {
      asked_at(plan, kids[0], slots, out, depth + 1);
      const Value v = evaluate(plan, kids[0], slots);
      put(slots, node.a, unknown_value(fmt::format("of node{}", id.index), v.hosts));
      for (std::size_t i = 1; i < kids.size(); ++i) asked_at(plan, kids[i], slots, out, depth + 1);
      return;
    }
    case Op::bind: {
      asked_at(plan, kids[0], slots, out, depth + 1);
      put(slots, node.a, evaluate(plan, kids[0], slots));
      asked_at(plan, kids[1], slots, out, depth + 1);
      return;
    }
    default:
      each_kid();
  }
}

Slots arguments(const plan::Plan &plan, NodeId id, std::size_t first, const plan::Frame &frame, const Slots &slots) {
  Slots result;
  const auto kids = plan.kids(id);
  for (std::size_t i = first; i < kids.size(); ++i) {
    Value v = evaluate(plan, kids[i], slots);
    const std::size_t parameter = i - first;
    if (v.kind == Value::Kind::unknown && v.hosts == 0 && parameter < frame.parameters.size() &&
        frame.parameters[parameter].type.base == plan::BaseType::host) {
      const plan::RoleId role = frame.parameters[parameter].type.role;
      v.hosts = role.valid() ? hosts_of_set(plan, plan.roles[role.index].hosts) : all_hosts(plan);
    }
    result.push_back(std::move(v));
  }
  return result;
}

std::string key(const plan::Plan &plan, plan::StringId name, const Slots &arguments) {
  std::string result(plan.text(name));
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Value &v = arguments[i];
    result += i == 0 ? "(" : ", ";
    switch (v.kind) {
      case Value::Kind::unknown:
        result += "?" + v.text;
        break;
      case Value::Kind::text:
        result += v.text;
        break;
      default: {
        std::string hosts;
        for (std::size_t h = 0; h < plan.hosts.size(); ++h) {
          if (has(v.hosts, h)) hosts += (hosts.empty() ? "" : "+") + std::string(plan.text(plan.hosts[h].name));
        }
        result += hosts;
      }
    }
  }
  return arguments.empty() ? result : result + ")";
}

}  // namespace upg::oracle
