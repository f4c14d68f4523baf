#include <algorithm>

#include "runtime/safety/cuts.h"

/// AVAIL and SERIAL where a part of the plan fails: what is open at each point of failure, followed for itself.
namespace upg::safety {

void Cuts::add_failure(Failures &to, const OpenHosts &open, bool joined) {
  if (to.full || std::find(to.sets.begin(), to.sets.end(), open) != to.sets.end()) return;
  to.full = to.sets.size() >= kMaxFailures;
  to.sets.push_back(to.full ? to.all : open);
  to.joined.push_back(joined || to.full);
}

void Cuts::may_fail(StepIx s, const OpenHosts &open, bool joined) {
  if (failures_.empty()) return;
  OpenHosts now = open;
  for (OpenHost &o : now) o.one = o.one || bound(o.host);
  for (Failures *f : failures_) {
    if (!f->of_abort || tree_.may_precede_point(s)) add_failure(*f, now, joined);
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
  if (!failures_.empty()) may_fail(s, all_opened(s, open), true);
}

/// Inside an accepted outage more may be down than what was weighed.
bool Cuts::accepts(StepIx s) const {
  for (StepIx x = s; x < tree_[s].end; ++x) {
    if (tree_[x].kind == StepKind::accept) return true;
  }
  return false;
}

/// What is open at a failure was open at one moment of what failed, so it weighs no more than the worst of those, and
/// the rest is what the step opens itself: a join of many moments may be heavier than that.
Cut Cuts::resume(StepIx s, OpenHosts &open, bool joined, const Cut &worst) {
  Cut cut = eval(s, open);
  if (!joined) return cut;
  OpenHosts own;
  std::vector<Failures *> outer;
  outer.swap(failures_);
  Cut bound = eval(s, own);
  outer.swap(failures_);
  bound.weight += worst.weight;
  if (bound.weight >= cut.weight) return cut;
  cut.weight = bound.weight;  // the worst moment may as well be one of other hosts: none of them counts once only
  return cut;
}

Cut Cuts::attempt(StepIx s, OpenHosts &open) {
  const Step &step = tree_[s];
  const StepIx again = step.children[step.recoveries + 1];
  Failures failures;
  failures.all = all_opened(s, open);
  failures_.push_back(&failures);
  Cut best = eval(step.children[0], open);
  failures_.pop_back();
  const Cut worst = best;
  const bool bounded = !accepts(step.children[0]);
  OpenHosts exit = open;
  // Of two rounds in all no recovery follows the second.
  const std::size_t first = failures.sets.size();
  const bool more_rounds = tree_.plan().node(step.node).a > 2;
  for (std::size_t i = 0; i < failures.sets.size(); ++i) {
    for (std::uint32_t r = 1; (more_rounds || i < first) && r <= step.recoveries; ++r) {
      OpenHosts now = failures.sets[i];
      keep_heavier(best, resume(step.children[r], now, bounded && failures.joined[i], worst));
      Failures more;
      more.all = failures.all;
      failures_.push_back(&more);
      keep_heavier(best, eval(again, now));
      failures_.pop_back();
      unite(exit, now);
      for (std::size_t m = 0; m < more.sets.size(); ++m)
        add_failure(failures, more.sets[m], more.joined[m] || failures.joined[i]);
    }
    if (step.children.size() > step.recoveries + std::size_t{2}) {
      OpenHosts now = failures.sets[i];
      keep_heavier(best, resume(step.children.back(), now, bounded && failures.joined[i], worst));
    }
  }
  open = std::move(exit);
  return best;
}

bool Cuts::accepted(StepIx opener) const {
  for (StepIx x = tree_[opener].accept; x != kNone; x = tree_[x].accept) {
    const auto [known, fresh] = lifts_.try_emplace(x, false);
    if (fresh) known->second = lifted_(x);
    if (known->second) return true;
  }
  return false;
}

bool Cuts::takes(StepIx act) const {
  const Contract &c = tree_.contract(tree_[act]);
  const auto ours = [&](PairIx p) {
    return tree_.site().pair_role(p) == budget_.role && budget_.weight[tree_.site().pair_host(p)] != 0;
  };
  return (std::any_of(c.disrupts.begin(), c.disrupts.end(), ours) ||
          (serial_ && std::any_of(c.changes.begin(), c.changes.end(), ours))) &&
         !accepted(act);
}

bool Cuts::takes_below(StepIx s) const {
  for (StepIx x = s; x < tree_[s].end; ++x) {
    if (tree_[x].kind == StepKind::act && takes(x)) return true;
  }
  return false;
}

/// Holds are given back first; what their release opens is open when the abort starts.
Cut Cuts::abort(const Failures &failures, const Cut &worst) {
  OpenHosts unwound;
  bool took = false;
  for (StepIx s = 0; s < tree_.size(); ++s) {
    const Step &step = tree_[s];
    if (!step.release || !tree_.may_precede_point(step.parent)) continue;
    insert_opened(unwound, s);
    took = took || takes(s);
  }
  aborting_ = true;
  Cut best;
  Cut heaviest = measure(unwound);
  heaviest.weight += worst.weight;
  heaviest.who.insert(heaviest.who.end(), worst.who.begin(), worst.who.end());
  const bool bounded = !accepts(0);
  for (std::size_t i = 0; i < failures.sets.size(); ++i) {
    OpenHosts now = failures.sets[i];
    unite(now, unwound);
    took_ = took;
    keep_heavier(best, resume(tree_.on_abort(), now, bounded && failures.joined[i], heaviest));
  }
  aborting_ = took_ = false;
  return best;
}

}  // namespace upg::safety
