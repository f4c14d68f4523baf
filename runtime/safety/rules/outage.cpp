#include <algorithm>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

using diagnostics::Kind;

/// What the block opens of the role, it closes.
void left_open(Analysis &a, StepIx s, const plan::Waiver &w) {
  const std::vector<StepIx> &openers = a.openers(w.role.index, true);
  std::vector<PairIx> pairs;  // that the block may open
  for (auto at = std::lower_bound(openers.begin(), openers.end(), s); at != openers.end() && *at < a.tree[s].end;
       ++at) {
    const Contract &c = a.tree.contract(a.tree[*at]);
    for (const std::vector<PairIx> *some : {&c.disrupts, &c.changes}) {
      for (const PairIx p : *some) {
        if (a.site.pair_role(p) == w.role.index) pairs.push_back(p);
      }
    }
  }
  sort_unique(pairs);
  std::vector<Open> left;
  for (const PairIx p : pairs) {
    for (const Open &o : a.flow.open_after(s, p)) {
      if (a.tree.below(o.opener, s)) left.push_back(o);
    }
  }
  std::sort(left.begin(), left.end(), [](const Open &x, const Open &y) { return x.number < y.number; });
  for (const Open &o : left) {
    a.outlives(o.opener);
    if (!a.first(Kind::rule_outage, a.tree[s].node, 0)) continue;
    const std::string state = o.changing ? "under change" : "down";
    auto out = a.report(Kind::rule_outage, a.range(o.opener),
                        a.pair_text(o.pair) + " is still " + state + " when the block ends that accepts its outage");
    out.primary("opened here");
    out.label(a.range(w.where), "the outage is accepted in this block only");
    a.step(out, o.opener);
    out.step("", "the block ends with " + a.pair_text(o.pair) + ' ' + state, {});
    out.help("await `in_service(" + a.spelled(o.opener, a.site.pair_host(o.pair)) + ")` before the block ends");
  }
}

/// Nothing beside the block opens the role: what is lifted in the block would hold outside of it, too.
void opened_beside(Analysis &a, StepIx s, const plan::Waiver &w) {
  const StepIx y = a.opener_beside(s, w.role.index, true);
  // The turns of one rollout: the same block for another host.
  if (y == kNone || !a.first(Kind::rule_outage, a.tree[s].node, 1)) return;
  const std::vector<StepIx> &openers = a.openers(w.role.index, true);
  const auto mine = std::lower_bound(openers.begin(), openers.end(), s);
  const bool opened =
      mine != openers.end() && *mine < a.tree[s].end;  // else the block opens nothing of the role itself
  if (opened) a.clash(*mine, y);
  const std::string role(a.plan.text(a.plan.roles[w.role.index].name));
  auto out = a.report(Kind::rule_outage, a.range(y),
                      a.named(y) + " may take `" + role + "` down while " +
                          (opened && a.tree[y].node == a.tree[*mine].node ? "another host's" : "its") +
                          " outage is accepted elsewhere");
  out.label(a.range(w.where), "the outage is accepted in this block only");
  if (opened)
    a.step(out, *mine);
  else
    out.step("", "the block begins", a.range(w.where));
  a.step(out, y, " at the same time, outside of the block");
  out.help("put the two one after the other, or both into the block");
}

template <class Judge>
void each_block(Analysis &a, Judge judge) {
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    if (a.tree[s].kind != StepKind::accept || !a.flow.at(s).reached) continue;
    const plan::Waiver &w = a.plan.waivers[a.plan.node(a.tree[s].node).a];
    if (a.plan.text(w.rule) == "outage" && w.role.valid()) judge(a, s, w);
  }
}

void before(Analysis &a) { each_block(a, left_open); }
void check(Analysis &a) { each_block(a, opened_beside); }

}  // namespace

Rule outage_rule() {
  return {
      Kind::rule_outage, "outage",
      R"(`accept outage of ROLE for at most D reason "..." { }` lets the role fall below its policy inside its block: it lifts `available`, `serial` and
the role's `stoppable` there, and nothing else. What the block takes down of the role is back before the block ends, and nothing that may run beside
the block takes the role down. For every other role the plan is proved as without it.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
gate users_gone { pass when (run("users-gone") on node1).code == 0  poll 2s for 5m  watches member }
action restart_all() {
  requires users_gone
  disrupts member on each member
  run("restart-all") on node1
  takes 10s..2m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  accept outage of member for at most 15m reason "agreed with the users" {
    await users_gone
    restart_all()
  }
  await in_service(all)
}
)upg",
      // fixed
      UPG_EXAMPLE_HEAD R"upg(
gate users_gone { pass when (run("users-gone") on node1).code == 0  poll 2s for 5m  watches member }
action restart_all() {
  requires users_gone
  disrupts member on each member
  run("restart-all") on node1
  takes 10s..2m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  accept outage of member for at most 15m reason "agreed with the users" {
    await users_gone
    restart_all()
    await in_service(all)
  }
}
)upg",
      check, false, before};
}

}  // namespace upg::safety
