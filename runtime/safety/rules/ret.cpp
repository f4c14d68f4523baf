#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void report(Analysis &a, StepIx at, const Open &o, std::string_view whole) {
  const bool plan_end = !whole.empty();
  const RoleIx r = a.site.pair_role(o.pair);
  if (a.condemned(o.opener) || a.outlived(o.opener) || a.lifted("return", o.opener, plan::RoleId(r))) return;
  if (!a.first(diagnostics::Kind::rule_ret, a.tree[o.opener].node)) return;
  const std::string host(a.site.host_name(a.site.pair_host(o.pair)));
  const std::string name(a.site.role_name(r));
  const std::string state = o.changing ? "under change" : "down";
  auto out = a.report(diagnostics::Kind::rule_ret, a.range(o.opener),
                      "`" + name + "` of " + host + " is still " + state + " when " +
                          (plan_end ? std::string(whole) : "its turn") + " ends");
  out.primary("opened here");
  if (!plan_end) {
    const plan::Rollout &rollout = a.plan.rollouts[a.plan.node(a.tree[at].node).a];
    out.label(a.range(rollout.where), "the next host starts after this turn");
  }
  // A pass that does not count: of the outage's health gate, but before its end or in another region.
  const GateIx health = a.contracts.health(o.pair);
  if (health == kNone) {
    out.note("`" + name + "` has no `health` gate that could prove it");
  } else {
    out.note("it is back when `" + a.contracts.gate_text(health) + "` has passed after the action");
    for (const StepIx pass : a.knowledge.passes(health)) {
      if (pass < o.opener && a.tree[pass].region == a.tree[o.opener].region) {
        out.label(a.range(pass), "asked here, before it went down");
        break;
      }
    }
  }
  a.step(out, o.opener);
  if (whole == "the abort") a.halts(out, a.tree.on_abort());
  out.step(plan_end ? std::string() : host,
           (plan_end ? std::string(whole) + " ends" : std::string("ends its turn")) + " with `" + name + "` of " +
               host + ' ' + state,
           {}, plan_end ? Analysis::plan_end() : a.cue(at));
  out.help("write `await in_service(" + a.spelled(o.opener, a.site.pair_host(o.pair)) +
           ")` after it, for every host it touches, before " + (plan_end ? std::string(whole) : "the turn") + " ends");
}

void check(Analysis &a) {
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    const Step &step = a.tree[s];
    if (step.kind != StepKind::iteration || !a.flow.at(s).reached) continue;
    for (const Open &o : a.flow.left_by(s)) {
      if (a.site.guarded(a.site.pair_role(o.pair))) report(a, s, o, {});
    }
  }
  for (const Open &o : a.flow.final_state().open) report(a, 0, o, "the plan");
  for (const Open &o : a.flow.aborted_state().open) report(a, 0, o, "the abort");
}

}  // namespace

Rule ret_rule() {
  return {
      diagnostics::Kind::rule_ret, "return",
      R"(What an iteration of a rollout takes down or changes must be proven back before the iteration ends, and everything before the plan
ends: the health gate of each role, asked after the action, in the same host's turn. Otherwise the next host could go down while this one is.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
action reboot(h: host) {
  disrupts all on h
  run("systemctl", "reboot") on h
  awaits boot of h
  takes 3m..15m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  await stoppable(node1)
  reboot(node1)
}
)upg",
      // fixed
      UPG_EXAMPLE_HEAD R"upg(
action reboot(h: host) {
  disrupts all on h
  run("systemctl", "reboot") on h
  awaits boot of h
  takes 3m..15m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  await stoppable(node1)
  reboot(node1)
  await in_service(node1)
}
)upg",
      check};
}

}  // namespace upg::safety
