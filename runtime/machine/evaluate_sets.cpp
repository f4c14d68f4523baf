// Sets of hosts, what goes through lists and sets, functions.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/machine/evaluator.h"

namespace upg::machine {
using plan::HostId;
using plan::NodeId;
using plan::Op;
using Kind = Value::Kind;

plan::RoleId Evaluator::role_of(plan::SetId set) const {
  for (std::size_t r = 0; r < plan_.roles.size(); ++r)
    if (plan_.roles[r].hosts == set) return plan::RoleId(r);
  return {};
}

Value Evaluator::host_set(plan::SetId id) {
  const plan::HostSet &set = plan_.sets[id.index];
  Value::Items hosts;
  bool pending = false;
  Value unknown;
  for (HostId h : set.hosts) {
    if (set.condition.valid()) {
      Environment env;
      env.slots.resize(std::max<std::size_t>(1, set.frame.slots.size()));
      env.slots[0] = Value::host(h);
      std::optional<Value> given;
      if (Simulation *simulation = c_.around_->simulation) given = simulation->answer(set.condition, env.slots);
      Value v = given ? *given : eval(set.condition, env);
      if (v.is(Kind::pending)) pending = true;
      if (v.open() && !v.is(Kind::pending)) {
        // a host that cannot be asked is not in the set only if nobody relies on that: unknown, unless another host
        // answers yes
        unknown = v;
        continue;
      }
      if (!v.yes()) continue;
    }
    hosts.push_back(Value::host(h));
  }
  if (pending) return Value::pending();
  if (hosts.empty() && unknown.open()) return Value::unknown(unknown.text);
  return Value::list(std::move(hosts));
}

Value Evaluator::eval_set(NodeId id, Environment &env) {
  const plan::Node &n = plan_.node(id);
  if (n.op == Op::set) return host_set(plan::SetId(n.a));
  if (n.op == Op::set_live) {
    Value all = host_set(plan::SetId(n.a));
    if (all.open()) return all;
    plan::RoleId role = role_of(plan::SetId(n.a));
    const World &world = *c_.around_->world;
    const bool chosen = chooses(plan_, id);
    Value::Items live;
    for (const Value &h : *all.items)
      if (chosen ? world.machine_up(h.as_host()) : world.up(h.as_host(), role)) live.push_back(h);
    return Value::list(std::move(live));
  }
  std::vector<Value> v;
  for (NodeId k : plan_.kids(id)) v.push_back(eval(k, env));
  if (const Value *bad = unready(v)) return *bad;
  for (Value &x : v)
    if (x.is(Kind::host)) x = Value::list({x});
  for (const Value &x : v)
    if (!x.is(Kind::list)) return Value::unknown("this is no set of hosts");
  if (n.op == Op::any_of) {
    auto h = pick(v[0], {});
    return h ? Value::host(*h) : Value::unknown("no host of the set is up and answers");
  }
  auto has = [](const Value &list, const Value &x) {
    return std::any_of(list.items->begin(), list.items->end(), [&](const Value &y) { return equal(x, y); });
  };
  Value::Items out;
  if (n.op == Op::set_union) {
    out = *v[0].items;
    for (const Value &x : *v[1].items)
      if (!has(v[0], x)) out.push_back(x);
  } else {
    bool keep = n.op == Op::set_both;
    for (const Value &x : *v[0].items)
      if (has(v[1], x) == keep) out.push_back(x);
  }
  return Value::list(std::move(out));
}

/// A set of hosts that are chosen by a condition: it says who can be asked, whatever else of them the plan has taken
/// down.
bool chooses(const plan::Plan &plan, NodeId set) {
  const plan::Node &n = plan.node(set);
  return (n.op == Op::set || n.op == Op::set_live) && plan.sets[n.a].condition.valid();
}

/// The first host that the plan has not taken down, that answered so far or was not asked yet.
std::optional<HostId> Evaluator::pick(const Value &hosts, plan::RoleId role) {
  // A host of which the plan has taken down nothing is asked first. Where there is none, one whose machine itself is up
  // can still answer: its monitor runs while its other services are stopped.
  for (const bool whole : {true, false}) {
    for (const Value &h : *hosts.items) {
      if (!h.is(Kind::host) ||
          !(whole ? c_.around_->world->up(h.as_host(), role) : c_.around_->world->machine_up(h.as_host())))
        continue;
      bool dead = false;
      std::string prefix = fmt::format("{}\n", h.number);
      for (auto it = c_.answers_.lower_bound(prefix); it != c_.answers_.end() && it->first.starts_with(prefix); ++it)
        dead = dead || it->second.outcome == Outcome::unreachable || it->second.outcome == Outcome::lost ||
               it->second.outcome == Outcome::timed_out;
      if (!dead) return h.as_host();
    }
  }
  return std::nullopt;
}

Value Evaluator::eval_binder(NodeId id, Environment &env) {
  const plan::Node &n = plan_.node(id);
  Value source = eval(plan_.kid(id, 0), env);
  if (source.open()) return source;
  if (!source.is(Kind::list)) return Value::unknown("only a list or a set can be gone through");
  if (n.a >= env.slots.size()) return Value::unknown("no such name");
  bool pending = false;
  Value unknown;
  Value::Items kept;
  std::size_t count = 0, yes = 0;
  for (const Value &item : *source.items) {
    env.slots[n.a] = item;
    Value condition = eval(plan_.kid(id, 1), env);
    if (condition.is(Kind::pending))
      pending = true;
    else if (condition.open())
      unknown = condition;
    if (condition.open() || !condition.yes()) continue;
    ++count;
    if (n.op == Op::count_of) continue;
    Value body = eval(plan_.kid(id, 2), env);
    if (body.is(Kind::pending))
      pending = true;
    else if (body.open())
      unknown = body;
    else if (n.op == Op::each)
      kept.push_back(std::move(body));
    else if (body.yes())
      ++yes;
    else if (n.op == Op::every && !pending)
      return Value::boolean(false);
  }
  if (pending) return Value::pending();
  if (n.op == Op::some && yes > 0) return Value::boolean(true);
  if (unknown.open()) return unknown;
  switch (n.op) {
    case Op::each:
      return Value::list(std::move(kept));
    case Op::count_of:
      return Value::integer(static_cast<std::int64_t>(count));
    default:
      if (count == 0 && n.b == 0)
        return Value::unknown("nothing to go through (an empty list is no answer; `if any` says that it is meant)");
      return Value::boolean(n.op == Op::every ? yes == count : yes > 0);
  }
}

Value Evaluator::eval_builtin(NodeId id, Environment &env) {
  const plan::Node &n = plan_.node(id);
  auto which = static_cast<plan::Builtin>(n.a);
  if (which == plan::Builtin::votes && plan_.kids(id).size() == 1) {
    const plan::Node &set = plan_.node(plan_.kid(id, 0));
    plan::RoleId role = set.op == Op::set || set.op == Op::set_live ? role_of(plan::SetId(set.a)) : plan::RoleId();
    if (!role.valid()) return Value::unknown("`votes` needs a role");
    const plan::Role &r = plan_.roles[role.index];
    std::int64_t sum = static_cast<std::int64_t>(plan_.sets[r.hosts.index].hosts.size());
    if (!r.weights.empty()) {
      sum = 0;
      for (auto w : r.weights) sum += w;
    }
    return Value::integer(sum);
  }
  std::vector<Value> v;
  for (NodeId k : plan_.kids(id)) v.push_back(eval(k, env));
  if (const Value *bad = unready(v)) return *bad;
  if (which == plan::Builtin::answers) {
    if (v.empty() || !v[0].is(Kind::host)) return Value::unknown("`answers` needs a host");
    Command command;
    command.argv = {"true"};
    command.timeout = 10'000;
    const Answer *a = ask(v[0].as_host(), std::move(command));
    if (!a) return Value::pending();
    if (a->outcome == Outcome::refused) return Value::unknown(a->detail);
    return Value::boolean(a->outcome == Outcome::exited || a->outcome == Outcome::signaled);
  }
  return apply_builtin(which, v);
}

}  // namespace upg::machine
