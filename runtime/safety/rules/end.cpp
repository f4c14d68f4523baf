#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void check(Analysis &a) {
  for (const plan::CellClaim &claim : a.plan.finally) {
    std::vector<CellIx> cells;
    if (claim.hosts.valid()) {
      for (const HostIx h : a.site.kept(claim.hosts)) {
        if (!a.site.host(h).out) cells.push_back(a.contracts.cell(claim.state, h));
      }
    } else {
      cells.push_back(a.contracts.cell(claim.state, Env{}));
    }
    std::vector<HostIx> wrong;
    Values values = 0;
    bool cluster = false;
    const std::vector<Values> &last = a.flow.final_state().cells;
    for (const CellIx cell : cells) {
      const Values now = cell < last.size() ? last[cell] : a.contracts.cell(cell).all;
      if (now == value_bit(claim.value)) continue;
      values |= now & ~value_bit(claim.value);
      if (a.contracts.cell(cell).host == kNone)
        cluster = true;
      else
        wrong.push_back(a.contracts.cell(cell).host);
    }
    if (wrong.empty() && !cluster) continue;
    const std::string name(a.plan.text(a.plan.states[claim.state.index].name));
    const std::string of = wrong.empty() ? std::string() : " of " + a.contracts.host_list(wrong);
    auto out = a.report(
        diagnostics::Kind::rule_end, a.range(claim.where),
        "`" + name + "`" + of + " may be " + a.contracts.value_name(claim.state, values) + " when the plan ends");
    out.primary("promised here: " + a.contracts.value_name(claim.state, value_bit(claim.value)));
    out.step("", "the plan ends with " + name + of + " at " + a.contracts.value_name(claim.state, values), {},
             Analysis::plan_end());
    out.help("add the step that moves it, for every host that `finally` names");
  }
}

}  // namespace

Rule end_rule() {
  return {
      diagnostics::Kind::rule_end, "end",
      R"(`finally` promises in which states the plan ends. The checker follows every state through the plan; at its end each must be what was
promised, on every host that is named.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
state packages(h: host) { old, new } observe packages_of(h)
probe packages_of(h: host) -> string { return (run("cat", "/etc/release") on h).stdout.trim }
action upgrade_packages(h: host) {
  requires packages(h) == old
  moves packages(h): old -> new
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  initially every n in member: packages(n) == old
  finally   every n in member: packages(n) == new
  preflight { await in_service(all) }
  upgrade_packages(node1)
  upgrade_packages(node2)
}
)upg",
      // fixed
      UPG_EXAMPLE_HEAD R"upg(
state packages(h: host) { old, new } observe packages_of(h)
probe packages_of(h: host) -> string { return (run("cat", "/etc/release") on h).stdout.trim }
action upgrade_packages(h: host) {
  requires packages(h) == old
  moves packages(h): old -> new
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  initially every n in member: packages(n) == old
  finally   every n in member: packages(n) == new
  preflight { await in_service(all) }
  rolling n in member { upgrade_packages(n) }
}
)upg",
      check, false};
}

}  // namespace upg::safety
