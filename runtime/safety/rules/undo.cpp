#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void check(Analysis &a) {
  std::vector<StepIx> points;
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    if (a.tree[s].kind == StepKind::no_return) points.push_back(s);
  }
  if (points.empty()) return;
  // Before the point the plan must be able to go back: whatever may have started by then says how it is undone.
  StepIx first_point = kNone;  // after it the plan only goes forward
  for (const StepIx point : points) {
    bool on_spine = true;
    for (StepIx x = a.tree[point].parent; x != kNone; x = a.tree[x].parent) {
      const StepKind kind = a.tree[x].kind;
      const bool spine = kind == StepKind::sequence || kind == StepKind::with || kind == StepKind::phase ||
                         kind == StepKind::dag || kind == StepKind::accept || kind == StepKind::at_most;
      on_spine = on_spine && spine;
      if (spine || !a.first(diagnostics::Kind::rule_undo, a.tree[point].node)) continue;
      a.report(diagnostics::Kind::rule_undo, a.range(point),
               "the point of no return is not on the way that every run takes")
          .label(a.range(x), "it stands inside this")
          .help("put it outside of branches, loops, rollouts and parallel parts");
    }
    if (on_spine && first_point == kNone) first_point = point;
  }
  if (first_point == kNone) return;
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    const Step &step = a.tree[s];
    if (step.kind != StepKind::act || step.acquire || step.release) continue;
    const auto relation = a.tree.relation(s, first_point);
    if (relation != Tree::Relation::before && relation != Tree::Relation::concurrent) continue;
    const plan::Action &action = a.plan.actions[a.tree.contract(step).action.index];
    if (action.undo_kind != plan::UndoKind::none || !a.first(diagnostics::Kind::rule_undo, step.node)) continue;
    a.report(diagnostics::Kind::rule_undo, a.range(s),
             a.named(s) + " may start before the point of no return, but nothing says how it is undone")
        .label(a.range(action.where), "without `undo`")
        .label(a.range(first_point), "until here the plan can be aborted")
        .help(
            "write `undo { }` in the action, `undo nothing \"why\"` where nothing needs undoing, or move the point "
            "of no return before it");
  }
}

}  // namespace

Rule undo_rule() {
  return {
      diagnostics::Kind::rule_undo, "undo",
      R"(Until its `point of no return` a plan can be aborted, by the `undo` of each action in reverse order. So every action that may start before
it has one, or says `undo nothing` with the reason, and the point stands where every run passes it.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
action update(h: host) {
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  update(node1)
  await in_service(node1)
  point of no return "the others follow"
  update(node2)
  await in_service(node2)
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
  point of no return "packages are not taken back"
  update(node1)
  await in_service(node1)
  update(node2)
  await in_service(node2)
}
)upg",
      check, false};
}

}  // namespace upg::safety
