#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void check(Analysis &a) {
  if (a.plan.kind == plan::PlanKind::repair) return;  // replaced by the census at each start
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    const Step &step = a.tree[s];
    if (step.kind != StepKind::act || !a.flow.at(s).reached) continue;
    const Contract &c = a.tree.contract(step);
    for (const std::vector<PairIx> *pairs : {&c.disrupts, &c.changes}) {
      for (const PairIx p : *pairs) {
        const RoleIx r = a.site.pair_role(p);
        if (r == a.site.alive() || !a.flow.any_unknown_before(s, r)) continue;
        std::vector<HostIx> unproven;
        for (const HostIx h : a.site.hosts_of(r)) {
          if (a.flow.unknown_before(s, a.site.pair(h, r))) unproven.push_back(h);
        }
        if (unproven.empty() || a.lifted("base", s, plan::RoleId(r))) continue;
        // One message: the first act that touches a role whose hosts nobody has asked.
        if (!a.first(diagnostics::Kind::rule_base, {})) continue;
        const std::string name(a.site.role_name(r));
        auto out = a.report(
            diagnostics::Kind::rule_base, a.range(s),
            a.named(s) + " may start while `" + name + "` is not proven healthy on " + a.contracts.host_list(unproven));
        const plan::Role *role = a.site.role(r);
        if (role != nullptr)
          out.label(a.range(role->where),
                    "its hosts must all have passed `health` once before the first effect on the role");
        a.step(out, s, " with the health of " + a.contracts.host_list(unproven) + " unknown");
        out.help(
            "write `await in_service(all)` in `preflight`; a host that is known to be dead is declared with `host x "
            "out \"reason\"`");
      }
    }
  }
}

}  // namespace

Rule base_rule() {
  return {
      diagnostics::Kind::rule_base, "base",
      R"(No action may disrupt or change a role while the health of one of the role's hosts has not been proven in this plan: the budget
would be spent on a cluster that may be degraded already. `await in_service(all)` in the preflight proves it. A dead host is declared `out`.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
action update(h: host) {
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  rolling n in member {
    update(n)
    await in_service(n)
  }
}
)upg",
      // fixed
      UPG_EXAMPLE_HEAD R"upg(
action update(h: host) {
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  rolling n in member {
    update(n)
    await in_service(n)
  }
}
)upg",
      check};
}

}  // namespace upg::safety
