// Census (SEMANTICS R2): what is observed down counts as down, whoever did it. Before an outage on a role its health is
// asked on all its other hosts.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/machine/run.h"
#include "runtime/safety/policy.h"

namespace upg::machine {

namespace {

/// Roles that the statements below a node take down, and those whose outage or budget an `accept` among them lifts.
struct Taken {
  std::set<std::uint32_t> roles, lifted;
  bool all = false;
  std::set<std::uint32_t> procedures;  // seen
};

void collect_action(const plan::Plan &plan, plan::ActionId id, Taken *taken) {
  if (!id.valid()) return;
  for (NodeId e : plan.actions[id.index].effects) {
    const plan::Node &n = plan.node(e);
    if (n.op == plan::Op::reinstalls || (n.op == plan::Op::disrupts && n.a == plan::all_roles)) taken->all = true;
    if (n.op == plan::Op::disrupts && n.a != plan::all_roles) taken->roles.insert(n.a);
  }
}

/// As deep as the plan's own nesting, which the validator bounds; each procedure once.
void collect(const plan::Plan &plan, NodeId node, Taken *taken) {
  const plan::Node &n = plan.node(node);
  switch (n.op) {
    case plan::Op::act:
      return collect_action(plan, plan::ActionId(n.a), taken);
    case plan::Op::call:
      if (taken->procedures.insert(n.a).second) collect(plan, plan.procedures[n.a].body, taken);
      return;
    case plan::Op::with: {
      const plan::Hold &hold = plan.holds[plan.node(plan.kid(node, 0)).a];
      collect_action(plan, hold.acquire, taken);
      collect_action(plan, hold.release, taken);
      break;
    }
    case plan::Op::accept:
      for (std::size_t r = 0; r < plan.roles.size(); ++r)
        if (const RoleId role = plan.waivers[n.a].role; !role.valid() || role.index == r)
          taken->lifted.insert(static_cast<std::uint32_t>(r));
      break;
    default:
      break;
  }
  for (NodeId k : plan.kids(node)) collect(plan, k, taken);
}

}  // namespace

std::vector<Outage> Machine::Run::turn_outages(NodeId roll, HostId host) const {
  Taken taken;
  collect(plan, plan.kid(roll, 0), &taken);
  std::vector<Outage> out;
  for (RoleId r : plan.hosts[host.index].roles)
    if ((taken.all || taken.roles.count(r.index)) && !taken.lifted.count(r.index)) out.push_back({host, r, true});
  return out;
}

Task<bool> Machine::Run::census(std::vector<Outage> opened, std::string key, plan::Span where, bool at_the_act) {
  const std::uint64_t order = next_doing++;
  if (at_the_act) about_to_open[key] = {order, opened};
  std::set<std::uint32_t> roles;
  for (const Outage &o : opened)
    if (o.down && !world.down(o.host, o.role) && plan.roles[o.role.index].health.valid() &&
        !plan.roles[o.role.index].boot.valid())
      roles.insert(o.role.index);
  for (std::uint32_t r : roles) {
    const plan::Role &role = plan.roles[r];
    const plan::Gate &health = plan.gates[role.health.index];
    if (lifted(key, RoleId(r), "available")) continue;
    if (safety::unlimited(plan, role)) continue;
    const bool whole = health.frame.parameters.empty();  // one gate that speaks for all hosts
    if (whole) {  // it cannot tell what others did from what this plan has taken out itself
      bool ours = false;
      for (HostId h : plan.sets[role.hosts.index].hosts) ours = ours || world.out(h, RoleId(r));
      if (ours) continue;
    }
    bool tainted = false;  // a hold in force makes the answer say nothing
    for (const auto &[name, held] : world.holds)
      for (plan::GateId g : plan.holds[held.hold.index].taints)
        tainted = tainted || (held.count > 0 && g == role.health);
    if (tainted) continue;
    Millis deadline = now() + health.deadline;
    for (;;) {
      std::vector<HostId> others, down;
      for (HostId h : plan.sets[role.hosts.index].hosts) {
        bool ours = std::any_of(opened.begin(), opened.end(),
                                [&](const Outage &o) { return o.host == h && o.role.index == r && o.down; });
        for (const auto &[other, earlier] : about_to_open)
          for (const Outage &o : earlier.outages)
            ours = ours || (earlier.order < order && o.host == h && o.role.index == r && o.down);
        if (ours || world.down(h, RoleId(r)))
          down.push_back(h);
        else if (!plan.hosts[h.index].out_reason.valid())
          others.push_back(h);
      }
      std::vector<Task<GateAnswer>> asks;
      asks.reserve(others.size());
      Bell bell(queue);
      std::size_t answered = 0;
      for (HostId h : others) {
        GateCall call{role.health, {}};
        if (whole && !asks.empty()) break;
        if (!whole) call.arguments.push_back(Value::host(h));
        asks.push_back(counted(ask_gate(std::move(call), key), &bell, &answered));
        asks.back().start();
      }
      while (answered < asks.size()) co_await bell;
      std::string missing;
      for (std::size_t i = 0; i < others.size(); ++i) {
        GateAnswer &answer = asks[whole ? 0 : i].result();
        if (answer.pass.yes()) continue;
        down.push_back(others[i]);
        if (whole && i > 0) continue;
        missing += fmt::format("{}{} ({})", missing.empty() ? "" : ", ", whole ? "some of them" : host_name(others[i]),
                               answer.why);
      }
      std::string problem = safety::broken_by(plan, RoleId(r), down);
      if (problem.empty()) break;
      if (leaving()) co_return false;
      write(Event::gate_waiting, key,
            make_data({{"gate", "census of " + std::string(plan.text(role.name))}, {"host", ""}, {"answer", missing}}));
      if (now() > deadline || missing.empty())
        co_return halt(true,
                       fmt::format("not enough of {} is up to go on: {}; observed out of service: {}",
                                   plan.text(role.name), problem, missing),
                       key, where, "bring the missing hosts back, then resume");
      for (Millis end = now() + std::max<Millis>(health.poll, 500); now() < end && !leaving();)
        co_await sleep_until(end);
    }
  }
  co_return true;
}

Task<GateAnswer> Machine::Run::counted(Task<GateAnswer> task, Bell *bell, std::size_t *count) {
  GateAnswer answer = co_await task;
  ++*count;
  bell->fire();
  co_return answer;
}

}  // namespace upg::machine
