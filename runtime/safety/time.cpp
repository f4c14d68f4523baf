#include "runtime/safety/time.h"

#include <algorithm>
#include <limits>
#include <map>
#include <queue>
#include <string>

namespace upg::safety {
namespace {

constexpr std::int64_t kLongest = std::numeric_limits<std::int64_t>::max() / 4;

std::int64_t plus(std::int64_t a, std::int64_t b) { return std::min(kLongest, a + b); }
std::int64_t times(std::int64_t a, std::uint64_t n) {
  if (a <= 0 || n == 0) return 0;
  return static_cast<std::uint64_t>(kLongest / a) < n ? kLongest : a * static_cast<std::int64_t>(n);
}

}  // namespace

Times::Times(const Tree &tree) : tree_(tree), durations_(tree.size()), unlimited_(tree.size()) {
  for (StepIx s = tree.size(); s-- > 0;) {
    unlimited_[s] = compute(s, unlimited_);
    Duration d = compute(s, durations_);
    const plan::Node &node = tree.plan().node(tree[s].node);
    std::int64_t limit = 0;
    if (tree[s].kind == StepKind::at_most) limit = tree.plan().integers[node.a];
    if (tree[s].kind == StepKind::iteration) limit = tree.plan().rollouts[node.a].at_most;
    if (limit > 0) {
      d.worst = limit;
      d.typical = std::min(d.typical, limit);
    }
    durations_[s] = d;
  }
}

Duration Times::await(StepIx s) const {
  Duration d;
  for (const GateIx g : tree_.gates(tree_[s])) {
    const plan::GateId id = tree_.contracts().gate(g).gate;
    if (!id.valid()) continue;
    const plan::Gate &gate = tree_.plan().gates[id.index];
    const std::int64_t passes = times(gate.poll, gate.stable > 0 ? gate.stable - 1 : 0);
    d.typical = std::max(d.typical, passes);
    d.worst = std::max({d.worst, gate.deadline, passes});
  }
  return d;
}

Duration Times::rollout(StepIx s, const std::vector<Duration> &below) const {
  const Step &step = tree_[s];
  Duration sum;
  if (step.batch <= 1) {
    for (const StepIx child : step.children) {
      const std::uint64_t many = tree_.site().host(tree_[child].host).many;
      sum.typical = plus(sum.typical, times(below[child].typical, many));
      sum.worst = plus(sum.worst, times(below[child].worst, many));
    }
    return sum;
  }
  // Turns are admitted in order while there is room; the bound is monotone in the durations.
  const plan::Rollout &record = tree_.plan().rollouts[tree_.plan().node(step.node).a];
  const auto schedule = [&](auto length) {
    using Turn = std::pair<std::int64_t, std::string>;
    std::priority_queue<Turn, std::vector<Turn>, std::greater<>> running;
    std::map<std::string, std::uint32_t> in_group;
    std::int64_t now = 0, last = 0;
    const auto finish_one = [&] {
      now = running.top().first;
      --in_group[running.top().second];
      running.pop();
    };
    for (const StepIx child : step.children) {
      const SiteHost &host = tree_.site().host(tree_[child].host);
      const std::string group = record.per.valid() ? tree_.site().attribute(host.id, record.per) : std::string();
      for (std::uint64_t i = 0; i < host.many; ++i) {
        while (!running.empty() &&
               (running.size() >= step.batch || (step.per_batch != 0 && in_group[group] >= step.per_batch)))
          finish_one();
        const std::int64_t end = plus(now, length(child));
        running.emplace(end, group);
        ++in_group[group];
        last = std::max(last, end);
      }
    }
    return last;
  };
  sum.typical = schedule([&](StepIx c) { return below[c].typical; });
  sum.worst = schedule([&](StepIx c) { return below[c].worst; });
  return sum;
}

Duration Times::compute(StepIx s, const std::vector<Duration> &below) const {
  const Step &step = tree_[s];
  Duration d;
  switch (step.kind) {
    case StepKind::act: {
      const plan::Action &a = tree_.plan().actions[tree_.contract(step).action.index];
      d.typical = a.typical;
      d.worst = plus(times(a.worst, std::uint64_t{a.retries} + 1), times(a.retry_delay, a.retries));
      return d;
    }
    case StepKind::await:
      return await(s);
    case StepKind::roll:
      return rollout(s, below);
    case StepKind::pause: {
      const plan::Node &node = tree_.plan().node(step.node);
      if (node.op == plan::Op::roll) d.typical = d.worst = tree_.plan().rollouts[node.a].soak;
      return d;
    }
    case StepKind::parallel:
    case StepKind::branch:
      for (const StepIx c : step.children) {
        d.typical = std::max(d.typical, below[c].typical);
        d.worst = std::max(d.worst, below[c].worst);
      }
      return d;
    case StepKind::attempt: {
      // Usually once; at worst every time up to the last, a recovery before each but the first, then `otherwise`.
      const std::uint64_t tries = tree_.plan().node(step.node).a;
      Duration recovery;
      for (std::uint32_t i = 1; i <= step.recoveries; ++i)
        recovery.worst = std::max(recovery.worst, below[step.children[i]].worst);
      d.typical = below[step.children[0]].typical;
      d.worst = plus(times(below[step.children[0]].worst, tries), times(recovery.worst, tries - 1));
      if (step.children.size() > step.recoveries + std::size_t{2})
        d.worst = plus(d.worst, below[step.children.back()].worst);
      return d;
    }
    case StepKind::loop: {
      const std::uint64_t n = tree_.plan().node(step.node).b;
      for (const StepIx c : step.children) {
        d.typical = plus(d.typical, below[c].typical);
        d.worst = plus(d.worst, times(below[c].worst, n));
      }
      return d;
    }
    case StepKind::dag: {
      std::vector<Duration> ends(step.children.size());
      const Phases &phases = tree_.phases(s);
      for (const std::uint32_t i : phases.order) {
        for (const std::uint32_t j : phases.into[i]) {
          ends[i].typical = std::max(ends[i].typical, ends[j].typical);
          ends[i].worst = std::max(ends[i].worst, ends[j].worst);
        }
        ends[i].typical = plus(ends[i].typical, below[step.children[i]].typical);
        ends[i].worst = plus(ends[i].worst, below[step.children[i]].worst);
        d.typical = std::max(d.typical, ends[i].typical);
        d.worst = std::max(d.worst, ends[i].worst);
      }
      return d;
    }
    default:
      break;
  }
  const bool visit =
      step.kind == StepKind::sequence && step.host == kNone && tree_.plan().node(step.node).op == plan::Op::visit;
  for (const StepIx c : step.children) {
    if (c == tree_.on_abort()) continue;  // no part of a run that is not aborted
    const std::uint64_t many = visit ? tree_.site().host(tree_[c].host).many : 1;
    d.typical = plus(d.typical, times(below[c].typical, many));
    d.worst = plus(d.worst, times(below[c].worst, many));
  }
  return d;
}

}  // namespace upg::safety
