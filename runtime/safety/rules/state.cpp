#include <algorithm>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

/// The last step before `s` that moves the cell.
StepIx mover_before(Analysis &a, StepIx s, CellIx cell) {
  StepIx found = kNone;
  for (StepIx x = 0; x < s; ++x) {
    if (a.tree[x].kind != StepKind::act || a.tree.relation(x, s) != Tree::Relation::before) continue;
    for (const Move &m : a.tree.contract(a.tree[x]).moves) {
      if (m.cell == cell) found = x;
    }
  }
  return found;
}

void report(Analysis &a, StepIx s, CellIx cell, Values now, Values wanted, plan::NodeId need, bool moves) {
  if (a.lifted("state", s) ||
      !a.first(diagnostics::Kind::rule_state, a.tree[s].node, a.contracts.cell(cell).state.index))
    return;
  const plan::StateId state = a.contracts.cell(cell).state;
  const std::string name = a.contracts.cell_text(cell);
  const Values wrong = now & ~wanted;
  auto out =
      a.report(diagnostics::Kind::rule_state, a.range(s),
               a.named(s) + " may start while `" + name + "` is " + a.contracts.value_name(state, wrong) + ", but it " +
                   (moves ? "moves it from " : "requires ") + a.contracts.value_name(state, wanted));
  if (need.valid()) out.label(a.range(need), "required here");
  const StepIx mover = mover_before(a, s, cell);
  // An abort may also begin before the step that moves it.
  const bool aborts = a.tree.on_abort() != kNone && a.tree.below(s, a.tree.on_abort());
  const auto brings = [&](const Move &m) { return m.cell == cell && ((m.to | m.between) & wrong) != 0; };
  if (mover != kNone && aborts &&
      std::none_of(a.tree.contract(a.tree[mover]).moves.begin(), a.tree.contract(a.tree[mover]).moves.end(), brings)) {
    out.label(a.range(mover), "it may not have come to this by then");
  } else if (mover != kNone) {
    out.label(a.range(mover), "left it so");
    a.step(out, mover);
  } else if (now == a.contracts.cell(cell).all) {
    out.note("nothing says what `" + name + "` is when the plan starts");
    out.help("say it with `initially`, ask it with `expect " + name + " == ...`, or wrap the step in `unless " + name +
             " == ... { }`");
  }
  a.step(out, s, " while " + name + " may be " + a.contracts.value_name(state, wrong));
}

/// A count is wider by the hosts that may be lost: as many are lost as it takes to miss it, those that come first.
void lose_for(const Analysis &a, diagnostics::Sink::Builder &out, const Miscount &m, const CountNeed &need) {
  const auto amount = static_cast<std::uint64_t>(std::max<std::int64_t>(need.amount, 0));
  std::uint64_t missing = 0;
  if (need.relation != 2 && m.low < amount) missing = amount - m.low;
  if (need.relation != 1 && m.high > amount) missing = m.high - amount;
  if (a.plan.tolerate == 0 || missing > a.plan.tolerate) return;
  std::vector<HostIx> lost;
  const HostIx here = a.tree[a.tree[m.act].region].host;  // who is lost takes no turn any more
  for (StepIx x = 0; x < m.act && lost.size() < missing; ++x) {
    const Step &step = a.tree[x];
    if (step.kind != StepKind::iteration || !a.plan.rollouts[a.plan.node(step.node).a].tolerant) continue;
    if (step.host == here || !contains(*need.hosts, step.host) ||
        std::find(lost.begin(), lost.end(), step.host) != lost.end())
      continue;
    lost.push_back(step.host);
    a.loses(out, x);
  }
}

void check(Analysis &a) {
  for (std::size_t s = 0; s < a.plan.states.size(); ++s) {
    if (a.plan.states[s].values.size() <= kMaxValues) continue;
    a.report(diagnostics::Kind::rule_state, a.range(a.plan.states[s].where),
             "state `" + std::string(a.plan.text(a.plan.states[s].name)) + "` has more than " +
                 std::to_string(kMaxValues) + " values");
  }
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    const Step &step = a.tree[s];
    const Facts &facts = a.flow.at(s);
    if (!facts.reached) continue;
    if (step.kind == StepKind::expect && (facts.values[0] & step.values) == 0) {
      if (!a.first(diagnostics::Kind::rule_state, step.node)) continue;
      const plan::StateId state = a.contracts.cell(step.cell).state;
      a.report(diagnostics::Kind::rule_state, a.range(s),
               "`" + a.contracts.cell_text(step.cell) + "` can never be " + a.contracts.value_name(state, step.values) +
                   " here, it is " + a.contracts.value_name(state, facts.values[0]));
    }
    if (step.kind != StepKind::act) continue;
    const Contract &c = a.tree.contract(step);
    std::size_t i = 0;
    for (const Move &m : c.moves) {
      const Values now = facts.values[i++];
      if ((now & ~m.from) != 0) report(a, s, m.cell, now, m.from, {}, true);
    }
    for (const auto &[cell, need] : c.values) {
      const Values now = facts.values[i++];
      if (now != need.first) report(a, s, cell, now, need.first, need.second, false);
    }
  }
  for (const Miscount &m : a.flow.miscounts()) {
    if (m.undo) continue;  // told with the undo
    const CountNeed &need = a.tree.contract(a.tree[m.act]).counts[m.need];
    if (a.lifted("state", m.act) || !a.first(diagnostics::Kind::rule_state, need.node)) continue;
    static constexpr std::string_view kRelation[] = {"exactly ", "at least ", "at most "};
    const std::string count =
        m.low == m.high ? std::to_string(m.low) : "between " + std::to_string(m.low) + " and " + std::to_string(m.high);
    auto out =
        a.report(diagnostics::Kind::rule_state, a.range(m.act),
                 a.named(m.act) + " may start while a count is wrong: it requires " +
                     std::string(kRelation[need.relation]) + std::to_string(need.amount) + ", there may be " + count);
    out.label(a.range(need.node), "required here");
    lose_for(a, out, m, need);
    a.step(out, m.act, " while the count is " + count);
  }
}

}  // namespace

Rule state_rule() {
  return {
      diagnostics::Kind::rule_state, "state",
      R"(States are followed through the whole plan: an action that moves a state from one value to another, or requires a value or a count, may
start only where every way that leads to it leaves the state so. What the plan starts from is said by `initially` or asked by `expect`.)",

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
  preflight { await in_service(all) }
  upgrade_packages(node1)
  upgrade_packages(node1)       // it is new by now
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
  preflight { await in_service(all) }
  upgrade_packages(node1)
  upgrade_packages(node2)
}
)upg",
      check};
}

}  // namespace upg::safety
