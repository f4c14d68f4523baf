#include <algorithm>

#include "runtime/safety/cuts.h"

/// AVAIL and SERIAL where a part of the plan fails: what is open at each point of failure, followed for itself.
namespace upg::safety {

void Cuts::add_failure(Failures &to, const OpenHosts &open) {
  if (to.full || std::find(to.sets.begin(), to.sets.end(), open) != to.sets.end()) return;
  to.full = to.sets.size() >= kMaxFailures;
  to.sets.push_back(to.full ? to.all : open);
}

void Cuts::may_fail(StepIx s, const OpenHosts &open) {
  if (failures_.empty()) return;
  OpenHosts now = open;
  for (OpenHost &o : now) o.one = o.one || bound(o.host);
  for (Failures *f : failures_) {
    if (!f->of_abort || tree_.may_precede_point(s)) add_failure(*f, now);
  }
}

void Cuts::insert_opened(OpenHosts &into, StepIx act) const {
  if (tree_[act].kind == StepKind::act) insert_opened(into, tree_.contract(tree_[act]), act);
}

void Cuts::insert_opened(OpenHosts &into, const Contract &c, StepIx act) const {
  for (const std::vector<PairIx> *pairs : {&c.disrupts, &c.changes}) {
    if (pairs == &c.changes && !serial_) continue;
    for (const PairIx p : *pairs) {
      const HostIx h = tree_.site().pair_host(p);
      if (tree_.site().pair_role(p) == budget_.role && budget_.weight[h] != 0) insert(into, h, act);
    }
  }
}

void Cuts::undoing(std::vector<StepIx> acts) { undone_ = std::move(acts); }

Cuts::OpenHosts Cuts::all_opened(StepIx s, OpenHosts open) const {
  for (StepIx x = s; x < tree_[s].end; ++x) insert_opened(open, x);
  return open;
}

/// Parts that run at the same time: any of what they open may be open where one of them fails.
void Cuts::may_fail_anywhere(StepIx s, const OpenHosts &open) {
  if (!failures_.empty()) may_fail(s, all_opened(s, open));
}

Cut Cuts::attempt(StepIx s, OpenHosts &open) {
  const Step &step = tree_[s];
  const StepIx again = step.children[step.recoveries + 1];
  Failures failures;
  failures.all = all_opened(s, open);
  failures_.push_back(&failures);
  Cut best = eval(step.children[0], open);
  failures_.pop_back();
  OpenHosts exit = open;
  for (std::size_t i = 0; i < failures.sets.size(); ++i) {
    for (std::uint32_t r = 1; r <= step.recoveries; ++r) {
      OpenHosts now = failures.sets[i];
      keep_heavier(best, eval(step.children[r], now));
      Failures more;
      more.all = failures.all;
      failures_.push_back(&more);
      keep_heavier(best, eval(again, now));
      failures_.pop_back();
      unite(exit, now);
      for (const OpenHosts &set : more.sets) add_failure(failures, set);
    }
    if (step.children.size() > step.recoveries + std::size_t{2}) {
      OpenHosts now = failures.sets[i];
      keep_heavier(best, eval(step.children.back(), now));
    }
  }
  open = std::move(exit);
  return best;
}

/// Holds are given back first; what their release opens is open when the abort starts.
Cut Cuts::abort(const std::vector<OpenHosts> &failures) {
  OpenHosts unwound;
  for (StepIx s = 0; s < tree_.size(); ++s) {
    const Step &step = tree_[s];
    if (step.release && tree_.may_precede_point(step.parent)) insert_opened(unwound, s);
  }
  Cut best;
  for (const OpenHosts &set : failures) {
    OpenHosts now = set;
    unite(now, unwound);
    keep_heavier(best, eval(tree_.on_abort(), now));
  }
  return best;
}

}  // namespace upg::safety
