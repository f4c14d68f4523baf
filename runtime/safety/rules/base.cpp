#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

/// The first act that touches a role some of whose hosts nobody has asked.
struct Unproven {
  RoleIx role = 0;
  StepIx act = 0;
  std::vector<HostIx> hosts;
};

std::vector<Unproven> find(Analysis &a) {
  std::vector<Unproven> out;
  std::vector<bool> seen(a.site.role_count(), false);
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    const Step &step = a.tree[s];
    if (step.kind != StepKind::act || !a.flow.at(s).reached || a.condemned(s)) continue;
    const Contract &c = a.tree.contract(step);
    for (const std::vector<PairIx> *pairs : {&c.disrupts, &c.changes}) {
      for (const PairIx p : *pairs) {
        const RoleIx r = a.site.pair_role(p);
        if (r == a.site.alive() || seen[r] || !a.flow.any_unknown_before(s, r)) continue;
        std::vector<HostIx> unproven;
        for (const HostIx h : a.site.hosts_of(r)) {
          if (a.flow.unknown_before(s, a.site.pair(h, r))) unproven.push_back(h);
        }
        if (unproven.empty() || a.lifted("base", s, plan::RoleId(r))) continue;
        seen[r] = true;
        out.push_back({r, s, std::move(unproven)});
      }
    }
  }
  return out;
}

/// One message for all of them: what is missing is one question at the start.
void check(Analysis &a) {
  if (a.plan.kind == plan::PlanKind::repair) return;  // replaced by the census at each start
  const std::vector<Unproven> all = find(a);
  if (all.empty()) return;
  const Unproven &first = all.front();
  const std::string hosts = a.contracts.host_list(first.hosts);
  std::string others;
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (i > 1) others += i + 1 == all.size() ? " and " : ", ";
    others += '`' + std::string(a.site.role_name(all[i].role)) + '`';
  }
  auto out = a.report(diagnostics::Kind::rule_base, a.range(first.act),
                      a.named(first.act) + " may start while `" + std::string(a.site.role_name(first.role)) +
                          "` is not proven healthy on " + hosts);
  if (const plan::Role *role = a.site.role(first.role); role != nullptr)
    out.label(a.range(role->where), "its hosts must all have passed `health` once before the first effect on the role");
  if (!others.empty())
    out.note((all.size() > 2 ? "nor are " : "nor is ") + others + " where the plan touches " +
             (all.size() > 2 ? "them" : "it") + " first");
  a.step(out, first.act, " with the health of " + hosts + " unknown");
  out.help(
      "write `await in_service(all)` in `preflight`; a host that is known to be dead is declared with `host x "
      "out \"reason\"`");
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
