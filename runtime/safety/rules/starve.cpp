#include <algorithm>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

/// The gates that some hold taints.
std::vector<bool> tainted_gates(const plan::Plan &p) {
  std::vector<bool> out(p.gates.size(), false);
  for (const plan::Hold &hold : p.holds) {
    for (const plan::GateId g : hold.taints) out[g.index] = true;
  }
  return out;
}

/// The `with` around the step whose hold taints the gate, or kNone.
StepIx tainting(Analysis &a, StepIx s, GateIx gate, const std::vector<bool> &tainted) {
  const plan::GateId id = a.contracts.gate(gate).gate;
  if (!id.valid() || !tainted[id.index]) return kNone;
  const auto taints = [&](StepIx w) {
    const std::vector<plan::GateId> &list = a.plan.holds[a.contracts.hold(a.tree[w].hold).hold.index].taints;
    return std::find(list.begin(), list.end(), id) != list.end();
  };
  for (StepIx w = a.tree[s].with; w != kNone; w = a.tree[w].with) {
    if (taints(w)) return w;
  }
  for (const StepIx w : a.tree.left_held(s)) {
    if (taints(w)) return w;
  }
  return kNone;
}

void report_hold(Analysis &a, StepIx s, GateIx gate, bool required, const std::vector<bool> &tainted) {
  const StepIx w = tainting(a, s, gate, tainted);
  if (w == kNone) return;
  const plan::HoldId hold = a.contracts.hold(a.tree[w].hold).hold;
  if (a.lifted("starve", s, {}, hold) ||
      !a.first(diagnostics::Kind::rule_starve, a.tree[s].node, a.contracts.gate(gate).gate.index))
    return;
  const std::string name = a.contracts.hold_text(a.tree[w].hold), asked = a.contracts.gate_text(gate);
  auto out = a.report(diagnostics::Kind::rule_starve, a.range(s),
                      "`" + asked + "` cannot pass while hold `" + name + "` is held");
  if (required) out.primary("it asks the gate again right before it starts");
  const bool inside = a.tree.below(s, w);
  out.label(a.range(w), inside ? "held from here" : "held from here, and still when the attempt fails in it");
  out.label(a.range(a.plan.holds[hold.index].where), "`" + name + "` says that it `taints` this gate");
  out.help(inside ? "ask a gate that the hold does not taint, or ask this one outside of the `with`"
                  : "put the `attempt` inside the `with`, or ask a gate that the hold does not taint");
}

void check(Analysis &a) {
  const std::vector<bool> tainted = tainted_gates(a.plan);
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    const Step &step = a.tree[s];
    if (step.kind == StepKind::await) {
      for (const GateIx g : a.tree.gates(step)) report_hold(a, s, g, false, tainted);
    } else if (step.kind == StepKind::act) {
      const Contract &c = a.tree.contract(step);
      for (const GateIx g : c.gates) report_hold(a, s, g, true, tainted);
      for (const GateIx g : c.awaits) report_hold(a, s, g, false, tainted);
    }
  }
  for (const Starved &x : a.flow.starved()) {
    if (a.lifted("starve", x.await) ||
        !a.first(diagnostics::Kind::rule_starve, a.tree[x.await].node, a.contracts.gate(x.gate).gate.index))
      continue;
    const plan::StateId state = a.contracts.cell(x.cell).state;
    auto out = a.report(diagnostics::Kind::rule_starve, a.range(x.await),
                        "`" + a.contracts.gate_text(x.gate) + "` cannot pass while `" + a.contracts.cell_text(x.cell) +
                            "` is " + a.contracts.value_name(state, x.values));
    if (a.tree[x.await].kind == StepKind::act) out.primary("it asks the gate again right before it starts");
    out.label(a.range(a.plan.states[state.index].where), "the state says that this value `taints` the gate");
    out.help("await it where the state has another value");
  }
}

}  // namespace

Rule starve_rule() {
  return {
      diagnostics::Kind::rule_starve, "starve",
      R"(A hold, or the value of a state, says which gates it `taints`: gates that cannot pass while it lasts. Awaiting such a gate inside waits for
ever, and so does an action inside that requires it, because what an action requires is asked again right before it starts.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
hold quiet {
  observe (run("cat", "/run/quiet") on node1).stdout.trim == "on"
  acquire { reaches alive  run("touch", "/run/quiet") on node1 }
  release { reaches alive  run("rm", "/run/quiet") on node1 }
  takes 1s..1m
  taints all_green
  on halt keep
}
gate all_green { pass when (run("true") on node1).code == 0  poll 5s for 10m }

action update(h: host) {
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  with quiet {
    update(node1)
    await in_service(node1)
    await all_green             // waits for ever: the quiet mode is a warning of its own
  }
}
)upg",
      // fixed
      UPG_EXAMPLE_HEAD R"upg(
hold quiet {
  observe (run("cat", "/run/quiet") on node1).stdout.trim == "on"
  acquire { reaches alive  run("touch", "/run/quiet") on node1 }
  release { reaches alive  run("rm", "/run/quiet") on node1 }
  takes 1s..1m
  taints all_green
  on halt keep
}
gate all_green { pass when (run("true") on node1).code == 0  poll 5s for 10m }

action update(h: host) {
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  with quiet {
    update(node1)
    await in_service(node1)
  }
  await all_green
}
)upg",
      check};
}

}  // namespace upg::safety
