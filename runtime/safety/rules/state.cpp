#include <algorithm>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

/// The last step before `s`, and before `end` in the plan's text, that makes such a move.
template <typename Which>
StepIx mover_before(Analysis &a, StepIx s, const Which &which, StepIx end = kNone) {
  for (StepIx x = std::min(s, end); x-- > 0;) {
    if (a.tree[x].kind != StepKind::act || a.tree.relation(x, s) != Tree::Relation::before) continue;
    const std::vector<Move> &moves = a.tree.contract(a.tree[x]).moves;
    if (std::any_of(moves.begin(), moves.end(), which)) return x;
  }
  return kNone;
}

/// As `mover_before`, but one that needs no failure to be come to, where there is one.
template <typename Which>
StepIx plain_mover_before(Analysis &a, StepIx s, const Which &which) {
  const StepIx last = mover_before(a, s, which);
  StepIx found = last;
  const auto plain = [&](StepIx x) { return a.tree.resumed(x) == kNone || a.tree.below(s, a.tree.resumed(x)); };
  while (found != kNone && !plain(found)) found = mover_before(a, s, which, found);
  return found != kNone ? found : last;
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
  const StepIx mover = mover_before(a, s, [&](const Move &m) { return m.cell == cell; });
  // An abort may also begin before the step that moves it.
  const bool aborts = a.tree.on_abort() != kNone && a.tree.below(s, a.tree.on_abort());
  const auto brings = [&](const Move &m) { return m.cell == cell && ((m.to | m.between) & wrong) != 0; };
  if (mover != kNone && aborts &&
      std::none_of(a.tree.contract(a.tree[mover]).moves.begin(), a.tree.contract(a.tree[mover]).moves.end(), brings)) {
    out.label(a.range(mover), "it may not have come to this by then");
    if (const StepIx left = plain_mover_before(a, s, brings); left != kNone) {
      out.label(a.range(left), "left it so");
      a.step(out, left);
    }
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
bool lose_for(const Analysis &a, diagnostics::Sink::Builder &out, const Miscount &m, const CountNeed &need) {
  const auto amount = static_cast<std::uint64_t>(std::max<std::int64_t>(need.amount, 0));
  std::uint64_t missing = 0;
  if (need.relation != 2 && m.low < amount) missing = amount - m.low;
  if (need.relation != 1 && m.high > amount) missing = m.high - amount;
  if (a.plan.tolerate == 0 || missing > a.plan.tolerate) return false;
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
  return !lost.empty();
}

/// Whether the condition of a count holds where one cell is known: 1 yes, 0 no, -1 it depends on others.
int truth_of(Analysis &a, plan::NodeId node, const Env &env, CellIx cell, Values now) {
  const plan::Node &n = a.plan.node(node);
  switch (n.op) {
    case plan::Op::boolean:
      return n.a != 0 ? 1 : 0;
    case plan::Op::negate: {
      const int is = truth_of(a, a.plan.kid(node, 0), env, cell, now);
      return is < 0 ? is : 1 - is;
    }
    case plan::Op::both:
    case plan::Op::either: {
      const int x = truth_of(a, a.plan.kid(node, 0), env, cell, now);
      const int y = truth_of(a, a.plan.kid(node, 1), env, cell, now);
      const int decides = n.op == plan::Op::both ? 0 : 1;
      if (x == decides || y == decides) return decides;
      return x < 0 || y < 0 ? -1 : 1 - decides;
    }
    case plan::Op::equal:
    case plan::Op::differ:
      for (const auto &[left, right] : {std::pair(0u, 1u), std::pair(1u, 0u)}) {
        const plan::NodeId x = a.plan.kid(node, left), y = a.plan.kid(node, right);
        if (a.plan.node(x).op != plan::Op::cell_value || a.plan.node(y).op != plan::Op::text) continue;
        if (a.contracts.cell(a.plan.kid(x, 0), env) != cell) return -1;
        const plan::State &state = a.plan.states[a.contracts.cell(cell).state.index];
        Values wanted = 0;
        for (std::uint32_t i = 0; i < state.values.size(); ++i)
          if (a.plan.text(state.values[i].name) == a.plan.strings[a.plan.node(y).a]) wanted = value_bit(i);
        return ((now & wanted) != 0) == (n.op == plan::Op::equal) ? 1 : 0;
      }
      return -1;
    default:
      return -1;
  }
}

/// What leaves hosts so that the count is missed: as many as it takes, those that are come to first.
void leave_for(Analysis &a, diagnostics::Sink::Builder &out, const Miscount &m, const CountNeed &need) {
  const auto amount = static_cast<std::uint64_t>(std::max<std::int64_t>(need.amount, 0));
  const bool few = need.relation != 2 && m.low < amount;
  std::uint64_t missing = few ? m.high + 1 - std::min(m.high + 1, amount) : amount + 1 - std::min(amount + 1, m.low);
  std::vector<std::pair<StepIx, HostIx>> movers;
  for (const HostIx h : m.open) {
    Env env = a.tree.contract(a.tree[m.act]).env;
    if (env.size() <= need.slot) env.resize(need.slot + std::size_t{1});
    env[need.slot] = a.contracts.of_host(h);
    const StepIx mover = plain_mover_before(a, m.act, [&](const Move &move) {
      return truth_of(a, a.plan.kid(need.node, 1), env, move.cell, move.to) == (few ? 0 : 1);
    });
    if (mover != kNone) movers.emplace_back(mover, h);
  }
  std::sort(movers.begin(), movers.end());
  StepIx last = kNone;
  for (const auto &[mover, host] : movers) {
    if (missing == 0) break;
    missing -= std::min<std::uint64_t>(missing, a.site.host(host).many);
    if (mover == last) continue;
    last = mover;
    out.label(a.range(mover), "may have left a host so that the count is missed");
    a.step(out, mover);
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
      const std::string name = a.contracts.cell_text(step.cell), wanted = a.contracts.value_name(state, step.values);
      auto out = a.report(
          diagnostics::Kind::rule_state, a.range(s),
          "`" + name + "` can never be " + wanted + " here, it is " + a.contracts.value_name(state, facts.values[0]));
      a.halts(out, s);
      out.step(a.who(s), std::string(a.when(s)) + "expects " + name + " to be " + wanted + ", and halts", a.range(s),
               a.cue(s, diagnostics::Cue::Kind::choice));
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
    if (!lose_for(a, out, m, need)) leave_for(a, out, m, need);
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
