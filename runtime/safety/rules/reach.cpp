#include "runtime/safety/rules/beside.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void check(Analysis &a) {
  const RoleIx alive = a.site.alive();
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    if (a.tree[s].kind != StepKind::act || !a.flow.at(s).reached) continue;
    const Contract &c = a.tree.contract(a.tree[s]);
    for (const Open &o : *a.flow.at(s).open_before) {
      if (o.changing || a.site.pair_role(o.pair) != alive) continue;
      const HostIx down = a.site.pair_host(o.pair);
      for (const HostIx h : c.subjects) {
        const bool through = contains(a.site.host(h).via, down);
        if (h != down && !through) continue;
        if (!a.first(diagnostics::Kind::rule_reach, a.tree[s].node)) break;
        const std::string host(a.site.host_name(h)), bastion(a.site.host_name(down));
        auto out = a.report(diagnostics::Kind::rule_reach, a.range(s), a.named(s) + " may start while " + (through ? "its bastion " + bastion : host) + " is down");
        out.label(a.range(o.opener), "takes " + bastion + " down");
        a.step(out, o.opener);
        a.step(out, s, " while " + bastion + " is down: " + host + " cannot be reached");
        out.help("let the action that takes it down await its boot (`awaits boot of h`), or await `in_service(" + bastion + ")` before");
      }
    }
  }
  // A bastion taken down beside a step on a host behind it.
  for_conflicts(
      a.tree,
      [&](StepIx x, std::vector<Touch> &out) {
        if (a.tree[x].kind != StepKind::act) return;
        const Contract &c = a.tree.contract(a.tree[x]);
        for (const PairIx p : c.disrupts) {
          if (a.site.pair_role(p) == alive) out.push_back({a.site.pair_host(p), true});
        }
        for (const HostIx h : c.subjects) {
          for (const HostIx v : a.site.host(h).via) out.push_back({v, false});
        }
      },
      [&](StepIx x, StepIx y, std::uint64_t key) {
        const auto bastion = static_cast<HostIx>(key);
        const auto takes_down = [&](StepIx s) { return contains(a.tree.contract(a.tree[s]).disrupts, a.site.pair(bastion, alive)); };
        if (takes_down(x) && takes_down(y)) return;  // HOSTX
        const StepIx down = takes_down(x) ? x : y, cut = takes_down(x) ? y : x;
        if (!a.first(diagnostics::Kind::rule_reach, a.tree[down].node, a.tree[cut].node.index)) return;
        const std::string name(a.site.host_name(bastion));
        auto out = a.report(diagnostics::Kind::rule_reach, a.range(cut), a.named(cut) + " may run while its bastion " + name + " is down");
        if (a.tree[down].node != a.tree[cut].node) out.label(a.range(down), "may take " + name + " down at the same time");
        a.step(out, cut);
        a.step(out, down, " while " + a.named(cut) + " runs through it");
        out.help("put the bastion's turn before or after");
      });
}

}  // namespace

Rule reach_rule() {
  return {diagnostics::Kind::rule_reach, "reach",
          R"(Nothing may start on a host that the plan has taken down and not seen boot, nor on a host behind a bastion (`via`) that is down or may
go down meanwhile. The rule cannot be waived.)",
          "", "", check, false};
}

}  // namespace upg::safety
