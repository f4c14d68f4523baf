#include <algorithm>
#include <set>

#include "runtime/safety/rules/beside.h"
#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

constexpr std::uint64_t kWhole = std::uint64_t{1} << 40;  // key of a state as a whole, for counts over it

void states_of(const plan::Plan &p, plan::NodeId node, std::set<std::uint32_t> &out) {
  if (p.node(node).op == plan::Op::cell) out.insert(p.node(node).a);
  for (const plan::NodeId kid : p.kids(node)) states_of(p, kid, out);
}

/// What an abort would run in the place of the act, or null.
const Contract *undo_in_place(const Analysis &a, StepIx s) {
  const bool abortable = a.tree.point() != kNone && a.tree.on_abort() == kNone && a.tree.may_precede_point(s);
  return abortable && a.tree[s].undo != kNone ? &a.contracts[a.tree[s].undo] : nullptr;
}

/// A test of a state: what it finds must not depend on who is faster.
bool tests(const Analysis &a, StepIx s) {
  return (a.tree[s].kind == StepKind::unless || a.tree[s].kind == StepKind::expect) && a.tree[s].cell != kNone;
}
std::string named(const Analysis &a, StepIx s) {
  if (!tests(a, s)) return a.named(s);
  const std::string word = a.tree[s].kind == StepKind::unless ? "`unless " : "`expect ";
  return word + a.contracts.cell_text(a.tree[s].cell) + " == ...`";
}

void check(Analysis &a) {
  for_conflicts(
      a.tree,
      [&](StepIx x, std::vector<Touch> &out) {
        if (tests(a, x)) out.push_back({a.tree[x].cell, false});
        if (a.tree[x].kind != StepKind::act) return;
        const Contract &c = a.tree.contract(a.tree[x]);
        const std::size_t begin = out.size();
        for (const Move &m : c.moves) {
          out.push_back({m.cell, true});
          // Two moves of one state, on different hosts, do not mind each other; a count minds each.
          out.push_back({kWhole | a.contracts.cell(m.cell).state.index, true, !c.counts.empty()});
        }
        for (const HostIx h : c.boots) {
          for (const CellIx cell : a.contracts.cells_of(h)) {
            if (!a.plan.states[a.contracts.cell(cell).state.index].on_boot.empty()) out.push_back({cell, true});
          }
        }
        if (const Contract *undo = undo_in_place(a, x); undo != nullptr) {
          for (const Move &m : undo->moves) out.push_back({m.cell, true});
          for (const auto &need : undo->values) out.push_back({need.first, false});
        }
        for (const auto &need : c.values) out.push_back({need.first, false});
        std::set<std::uint32_t> counted_states;
        for (const CountNeed &need : c.counts) states_of(a.plan, need.node, counted_states);
        for (const std::uint32_t s : counted_states) out.push_back({kWhole | s, false});
        // Counted: one acquire, one release.
        for (std::size_t i = begin; i < out.size(); ++i) out[i].hold = a.tree[x].hold;
      },
      [&](StepIx x, StepIx y, std::uint64_t key) {
        const Step &first = a.tree[x], &second = a.tree[y];
        if (first.hold != kNone && first.hold == second.hold) return false;  // counted: one acquire, one release
        const bool whole = (key & kWhole) != 0;
        const auto counts = [&](StepIx s) {
          return a.tree[s].kind == StepKind::act && !a.tree.contract(a.tree[s]).counts.empty();
        };
        if (whole && !counts(x) && !counts(y)) return false;  // two moves of one state, on different hosts
        const std::string cell = whole ? std::string(a.plan.text(a.plan.states[key & (kWhole - 1)].name))
                                       : a.contracts.cell_text(static_cast<CellIx>(key));
        if (a.clashed(x, y) || !a.first(diagnostics::Kind::rule_race, first.node, second.node.index)) return true;
        const auto moves = [&](StepIx s) {
          if (a.tree[s].kind != StepKind::act) return false;
          const Contract &c = a.tree.contract(a.tree[s]);
          return std::any_of(c.moves.begin(), c.moves.end(), [&](const Move &m) {
            return whole ? a.contracts.cell(m.cell).state.index == (key & (kWhole - 1)) : m.cell == key;
          });
        };
        const bool both = moves(x) && moves(y), tested = tests(a, x) || tests(a, y);
        auto out = a.report(diagnostics::Kind::rule_race, a.range(y),
                            named(a, x) + " and " + named(a, y) + " may run at the same time, and " +
                                (both     ? "both move"
                                 : tested ? "one moves what the other tests:"
                                          : "one moves what the other relies on:") +
                                " `" + cell + '`');
        if (first.node != second.node) out.label(a.range(x), "may run at the same time");
        if (!tested) {  // a test has no start of its own that a schedule could name
          a.step(out, x);
          a.step(out, y, " while " + a.named(x) + " runs: `" + cell + "` is in flight");
        }
        out.help("put them one after the other");
        return true;
      });
}

}  // namespace

Rule race_rule() {
  return {
      diagnostics::Kind::rule_race, "race",
      R"(While an action moves a state nothing that may run at the same time moves it too, requires a value of it, tests it (`unless`, `expect`) or counts
hosts by it: what they find would depend on who is faster. What an action requires holds from its start to its end. The rule cannot be waived.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
state sources { old, new } observe sources_now()
probe sources_now -> string { return (run("cat", "/srv/mirror/release") on node1).stdout.trim }
action switch_mirror(h: host) {
  moves sources: old -> new
  run("switch-mirror", "new") on h
  takes 1s..1m
}
action update(h: host) {
  requires sources == old
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  initially sources == old
  preflight { await in_service(all) }
  parallel {
    update(node1)
    await in_service(node1)
  } and {
    switch_mirror(node2)
  }
}
)upg",
      // fixed
      UPG_EXAMPLE_HEAD R"upg(
state sources { old, new } observe sources_now()
probe sources_now -> string { return (run("cat", "/srv/mirror/release") on node1).stdout.trim }
action switch_mirror(h: host) {
  moves sources: old -> new
  run("switch-mirror", "new") on h
  takes 1s..1m
}
action update(h: host) {
  requires sources == old
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  initially sources == old
  preflight { await in_service(all) }
  update(node1)
  await in_service(node1)
  switch_mirror(node2)
}
)upg",
      check, false};
}

}  // namespace upg::safety
