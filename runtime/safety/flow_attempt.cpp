#include "runtime/safety/flow.h"

/// Where a part of the plan fails: the join of every configuration in which it may (SEMANTICS section 7, `attempt` and
/// `on abort`).
namespace upg::safety {

namespace {
/// After the third time round nothing new is left open: outages are known by the step that opens them.
constexpr int kRounds = 3;
}  // namespace

void Flow::may_fail(StepIx s, const State &state) {
  for (Failures *f : failures_) {
    if (f->of_abort && !tree_.may_precede_point(s)) continue;
    if (f->any) {
      join(f->joined, state, f->last);
    } else {
      f->joined = state;
      f->any = true;
    }
    f->last = state;
  }
}

/// The step has started and fails, or nobody knows: what it moves may be anything.
void Flow::may_fail_in_flight(StepIx s, const State &state) {
  if (failures_.empty()) return;
  const Contract &c = tree_.contract(tree_[s]);
  State failed = state;
  keep();
  const auto lose = [&](CellIx cell) {
    if (cell < cell_count_) failed.cells = cells_.set(failed.cells, cell, tree_.contracts().cell(cell).all);
  };
  for (const Move &m : c.moves) lose(m.cell);
  for (const HostIx h : c.boots) {
    for (const CellIx cell : tree_.contracts().cells_of(h)) {
      if (cell >= cell_count_) continue;
      const Values now = value(state, cell);
      for (const plan::BootMove &boot : tree_.plan().states[tree_.contracts().cell(cell).state.index].on_boot) {
        if ((now & value_bit(boot.from)) != 0) lose(cell);  // a boot moves nothing else
      }
    }
  }
  may_fail(s, failed);
}

/// What was found below the step is found again with more.
void Flow::forget(StepIx s) {
  for (StepIx x = s; x < tree_[s].end; ++x) {
    facts_[x] = Facts{};
    before_[x] = State{};
    after_[x] = 0;
    armed_after_.erase(x);
    left_.erase(x);
  }
}

void Flow::attempt(StepIx s, State &state) {
  const Step &step = tree_[s];
  const StepIx again = step.children[step.recoveries + 1];
  Failures failures;
  failures_.push_back(&failures);
  run(step.children[0], state);
  failures_.pop_back();
  State exit = state;
  // Of two rounds in all no recovery follows the second.
  const int rounds = tree_.plan().node(step.node).a > 2 ? kRounds : 1;
  for (int round = 0; round < rounds; ++round) {
    State ready;
    for (std::uint32_t i = 1; i <= step.recoveries; ++i) {
      forget(step.children[i]);
      State recovered = failures.joined;
      run(step.children[i], recovered);
      if (i == 1)
        ready = recovered;
      else
        join(ready, recovered);
    }
    forget(again);
    Failures more;
    failures_.push_back(&more);
    run(again, ready);
    failures_.pop_back();
    join(failures.joined, more.joined);
    if (round + 1 == rounds) join(exit, ready);
  }
  if (step.children.size() > step.recoveries + std::size_t{2}) {
    State given_up = failures.joined;
    run(step.children.back(), given_up);  // and halts: what follows does not see it
  }
  state = exit;
}

/// An abort starts with the holds given back; what their release does is done by then.
void Flow::abort(const State &reached) {
  State state = reached;
  keep();
  const auto open = [&](const std::vector<PairIx> &pairs, bool changing, StepIx s) {
    for (const PairIx p : pairs) {
      Items more = items_[opens_.get(state.open, slot_[p])];
      more.push_back({next_number_++, s, changing});
      put_open(state, slot_[p], std::move(more));
    }
  };
  for (StepIx s = 0; s < tree_.size(); ++s) {
    const Step &step = tree_[s];
    if (!step.release || !tree_.may_precede_point(step.parent)) continue;
    const Contract &c = tree_.contract(step);
    open(c.disrupts, false, s);
    open(c.changes, true, s);
    for (const Move &m : c.moves) state.cells = cells_.set(state.cells, m.cell, value(state, m.cell) | m.to);
  }
  run(tree_.on_abort(), state);
  aborted_ = final(state);
}

}  // namespace upg::safety
