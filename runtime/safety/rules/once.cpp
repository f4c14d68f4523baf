#include <map>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void check(Analysis &a) {
  std::map<ContractIx, std::vector<StepIx>> starts;
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    if (a.tree[s].kind == StepKind::act && a.tree.contract(a.tree[s]).once) starts[a.tree[s].contract].push_back(s);
  }
  for (const auto &[contract, steps] : starts) {
    StepIx first = kNone, second = kNone;
    for (std::size_t i = 0; i < steps.size() && second == kNone; ++i) {
      for (StepIx x = steps[i]; x != kNone; x = a.tree[x].parent) {
        const StepIx up = a.tree[x].parent;
        // Of three rounds two are followed by a recovery.
        const bool recovery = up != kNone && a.tree[up].kind == StepKind::attempt &&
                              a.plan.node(a.tree[up].node).a > 2 && a.tree.ordinal(x) >= 1 &&
                              a.tree.ordinal(x) <= a.tree[up].recoveries;
        if (a.tree[x].kind == StepKind::loop || recovery) first = second = steps[i];
      }
      for (std::size_t j = 0; j < i && second == kNone; ++j) {
        if (a.tree.relation(steps[j], steps[i]) == Tree::Relation::exclusive) continue;
        first = steps[j];
        second = steps[i];
      }
    }
    if (second == kNone || a.lifted("once", second) || !a.first(diagnostics::Kind::rule_once, a.tree[second].node))
      continue;
    auto out = a.report(diagnostics::Kind::rule_once, a.range(second),
                        a.named(second) + " may start twice, but it is declared `once`");
    if (a.tree[first].node != a.tree[second].node) out.label(a.range(first), "it starts here already");
    out.label(a.range(a.plan.actions[a.contracts[contract].action.index].where), "declared `once`");
    a.step(out, first);
    a.step(out, second, " again");
    out.help("start it in one place, outside of rollouts and loops");
  }
}

}  // namespace

Rule once_rule() {
  return {
      diagnostics::Kind::rule_once, "once",
      R"(An action declared `once` may start at most once, with the same arguments, in the life of the plan: not in two places one after the other,
not in a loop, not in the turns of several hosts.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
action convert() {
  once
  changes member on node1
  run("convert-database") on node1
  takes 1m..5m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  convert()
  await in_service(all)
  convert()
  await in_service(all)
}
)upg",
      // fixed
      UPG_EXAMPLE_HEAD R"upg(
action convert() {
  once
  changes member on node1
  run("convert-database") on node1
  takes 1m..5m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  convert()
  await in_service(all)
}
)upg",
      check};
}

}  // namespace upg::safety
