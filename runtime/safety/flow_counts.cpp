#include <algorithm>

#include "runtime/safety/flow.h"

/// Counts that actions require: how many hosts are in a state, at least and at most.
namespace upg::safety {

namespace {
int negated(int truth) { return truth < 0 ? truth : 1 - truth; }
}  // namespace

/// 1 true, 0 false, -1 it depends.
int Flow::holds_for(plan::NodeId node, const Env &env, const State &state) {
  using plan::Op;
  const plan::Plan &p = tree_.plan();
  const plan::Node &n = p.node(node);
  switch (n.op) {
    case Op::boolean:
      return n.a != 0 ? 1 : 0;
    case Op::both:
    case Op::either: {
      const int a = holds_for(p.kid(node, 0), env, state), b = holds_for(p.kid(node, 1), env, state);
      const int decisive = n.op == Op::both ? 0 : 1;
      if (a == decisive || b == decisive) return decisive;
      return a < 0 || b < 0 ? -1 : 1 - decisive;
    }
    case Op::negate:
      return negated(holds_for(p.kid(node, 0), env, state));
    case Op::equal:
    case Op::differ: {
      for (const auto &[left, right] : {std::pair(0u, 1u), std::pair(1u, 0u)}) {
        const plan::NodeId x = p.kid(node, left), y = p.kid(node, right);
        if (p.node(x).op != Op::cell_value || p.node(y).op != Op::text) continue;
        const CellIx cell = tree_.contracts().cell(p.kid(x, 0), env);
        if (cell >= cell_count_) return -1;
        if (read_ != nullptr) (*read_)[cell].push_back(reader_);
        const plan::State &record = p.states[tree_.contracts().cell(cell).state.index];
        Values wanted = 0;
        for (std::uint32_t i = 0; i < record.values.size(); ++i) {
          if (p.text(record.values[i].name) == p.strings[p.node(y).a]) wanted = value_bit(i);
        }
        const Values now = value(state, cell);
        const int truth = (now & wanted) == 0 ? 0 : now == wanted ? 1 : -1;
        return n.op == Op::equal ? truth : negated(truth);
      }
      return -1;
    }
    default:
      return -1;
  }
}

void Flow::count(StepIx s, const State &state, bool undo) {
  if ((undo ? tree_.contracts()[tree_[s].undo] : tree_.contract(tree_[s])).counts.empty()) return;
  if (turning_ == 0)
    judge_counts({s, state, undo});
  else
    counts_.push_back({s, state, undo});  // what the turn leaves is not known yet
}

void Flow::end_turn(StepIx s, const State &state) {
  turn_ends_[s] = state;
  if (--turning_ != 0) return;
  for (const Counted &c : counts_) judge_counts(c);
  counts_.clear();
}

/// How many hosts may have been lost before the step, of these.
std::uint64_t Flow::may_be_lost(StepIx s, std::span<const HostIx> hosts) {
  if (tree_.plan().tolerate == 0) return 0;
  if (!tolerant_known_) {
    tolerant_known_ = true;
    for (StepIx x = 0; x < tree_.size(); ++x) {
      const Step &step = tree_[x];
      if (step.kind == StepKind::iteration && tree_.plan().rollouts[tree_.plan().node(step.node).a].tolerant)
        tolerant_turns_.push_back(x);
    }
  }
  std::uint64_t visited = 0;
  for (const StepIx x : tolerant_turns_) {
    if (x >= s || visited >= tree_.plan().tolerate) break;
    if (contains(hosts, tree_[x].host)) visited += tree_.site().host(tree_[x].host).many;
  }
  return std::min<std::uint64_t>(visited, tree_.plan().tolerate);
}

/// Whether the condition depends on nothing but the host that it is bound to and on states.
bool Flow::of_bound_host_only(plan::NodeId node, std::uint32_t slot) const {
  const plan::Plan &p = tree_.plan();
  const plan::Node &n = p.node(node);
  if (n.op == plan::Op::local) return n.a == slot;
  const auto kids = p.kids(node);
  return std::all_of(kids.begin(), kids.end(), [&](plan::NodeId kid) { return of_bound_host_only(kid, slot); });
}

/// The truth for each host of a count, from what it was at the last question: only what moved since is looked at again.
Flow::Tally &Flow::tally(const Contract &c, const CountNeed &need, const State &state) {
  Tally &t = tallies_[need.node.index];
  const plan::NodeId condition = tree_.plan().kid(need.node, 1);
  const auto look = [&](std::uint32_t i, bool note) {
    Env env = c.env;
    // The bound name is the slot after the action's own; the compiler numbers it in the action's frame.
    if (env.size() <= need.slot) env.resize(need.slot + std::size_t{1});
    env[need.slot] = tree_.contracts().of_host((*need.hosts)[i]);
    read_ = note ? &t.readers : nullptr;  // every part is looked at each time, so what is read stays the same
    reader_ = i;
    const int truth = holds_for(condition, env, state);
    read_ = nullptr;
    return truth;
  };
  const bool same =
      t.known && (t.hosts == need.hosts || *t.hosts == *need.hosts) && of_bound_host_only(condition, need.slot);
  if (!same) {
    t = Tally{};
    t.known = true;
    t.hosts = need.hosts;
    for (std::uint32_t i = 0; i < need.hosts->size(); ++i) {
      const SiteHost &host = tree_.site().host((*need.hosts)[i]);
      t.truth.push_back(host.out ? 0 : look(i, true));
      if (host.out) continue;
      t.all += host.many;
      if (host.many > 1) t.crowds.push_back(i);
      t.add(t.truth[i], host.many);
    }
  } else {
    std::vector<std::uint32_t> again;
    cells_.difference(t.cells, state.cells, [&](CellIx cell, Values, Values) {
      const auto readers = t.readers.find(cell);
      if (readers != t.readers.end()) again.insert(again.end(), readers->second.begin(), readers->second.end());
    });
    sort_unique(again);
    for (const std::uint32_t i : again) {
      const std::uint64_t many = tree_.site().host((*need.hosts)[i]).many;
      t.take(t.truth[i], many);
      t.truth[i] = look(i, false);
      t.add(t.truth[i], many);
    }
  }
  t.cells = state.cells;
  return t;
}

void Flow::judge_counts(const Counted &counted) {
  const Site &site = tree_.site();
  const Contract &c = counted.undo ? tree_.contracts()[tree_[counted.act].undo] : tree_.contract(tree_[counted.act]);
  for (std::size_t i = 0; i < c.counts.size(); ++i) {
    const CountNeed &need = c.counts[i];
    Tally &t = tally(c, need, counted.state);
    std::uint64_t low = t.low, high = t.high;
    for (const std::uint32_t k : t.crowds) {
      const HostIx h = (*need.hosts)[k];
      StepIx turn = tree_[counted.act].region;
      while (turn != 0 && tree_[turn].host != h) turn = tree_[turn].region;
      if (turn == 0) continue;
      // In the turn of the host that stands for many: of the others any number has had its turn.
      const std::uint64_t others = site.host(h).many - 1;
      Tally turns;
      turns.low = low;
      turns.high = high;
      turns.take(t.truth[k], others);
      Env env = c.env;
      if (env.size() <= need.slot) env.resize(need.slot + std::size_t{1});
      env[need.slot] = tree_.contracts().of_host(h);
      const plan::NodeId condition = tree_.plan().kid(need.node, 1);
      const int before = holds_for(condition, env, before_[turn]), after = holds_for(condition, env, turn_ends_[turn]);
      turns.add(before == after ? before : -1, others);
      low = turns.low;
      high = turns.high;
    }
    const std::uint64_t lost = may_be_lost(counted.act, *need.hosts);
    low -= std::min(low, lost);
    high = std::min(t.all, high + lost);
    const auto amount = static_cast<std::uint64_t>(std::max<std::int64_t>(need.amount, 0));
    const bool holds = need.relation == 0   ? low == amount && high == amount
                       : need.relation == 1 ? low >= amount
                                            : high <= amount;
    if (holds) continue;
    miscounts_.push_back({counted.act, i, low, high, counted.undo, {}});
    for (std::size_t k = 0; k < t.truth.size(); ++k)
      if (t.truth[k] < 0) miscounts_.back().open.push_back((*need.hosts)[k]);
  }
}

}  // namespace upg::safety
