#include "runtime/safety/knowledge.h"

#include <algorithm>

namespace upg::safety {
namespace {
std::uint64_t key(StepIx s, GateIx g) { return (std::uint64_t{s} << 32) | g; }
void add_all(std::vector<StepIx> &into, const std::vector<StepIx> &from) {
  for (const StepIx s : from) {
    if (std::find(into.begin(), into.end(), s) == into.end()) into.push_back(s);
  }
}
}  // namespace

Knowledge::Knowledge(const Tree &tree) : tree_(tree), reach_(tree.size()), reaches_all_(tree.size(), false) {
  passes_.resize(tree.contracts().gate_count());
  Contracts &contracts = tree.contracts();
  // Children have larger numbers than their parents: one sweep from the end gathers what each step may touch.
  for (StepIx s = tree.size(); s-- > 0;) {
    const Step &step = tree[s];
    if (step.kind == StepKind::act) {
      const Contract &c = tree.contract(step);
      reach_[s] = c.reach;
      reaches_all_[s] = c.reaches_all;
    } else if (step.kind == StepKind::await) {
      for (const GateIx g : tree.gates(step)) {
        const GateInstance &gate = contracts.gate(g);
        if (!gate.health_of.empty()) reach_[s].push_back(contracts.star());
        for (const PairIx p : gate.health_of) reach_[s].push_back(contracts.role_item(tree.site().pair_role(p)));
      }
    }
    sort_unique(reach_[s]);
    if (step.parent == kNone) continue;
    std::vector<ItemIx> &up = reach_[step.parent];
    up.insert(up.end(), reach_[s].begin(), reach_[s].end());
    if (up.size() > 4096 && up.size() * 2 > up.capacity()) sort_unique(up);
    if (reaches_all_[s]) reaches_all_[step.parent] = true;
  }
  for (StepIx s = 0; s < tree.size(); ++s) {
    if (tree[s].kind != StepKind::await) continue;
    for (const GateIx g : tree.gates(tree[s])) passes_[g].push_back(s);
  }
}

const std::vector<StepIx> &Knowledge::passes(GateIx gate) const {
  return gate < passes_.size() ? passes_[gate] : none_;
}

bool Knowledge::may_touch(StepIx s, GateIx gate) const {
  const GateInstance &g = tree_.contracts().gate(gate);
  if (g.watch.empty()) return false;
  return reaches_all_[s] || intersects(g.watch, reach_[s]);
}

StepIx Knowledge::hitter(StepIx s, GateIx gate) {
  if (!may_touch(s, gate)) return kNone;
  const Step &step = tree_[s];
  if (step.kind == StepKind::act || step.kind == StepKind::await) return leaf(s, gate).by;
  const auto it = hitters_.find(key(s, gate));
  if (it != hitters_.end()) return it->second;
  StepIx found = kNone;
  for (const StepIx child : step.children) {
    found = hitter(child, gate);
    if (found != kNone) break;
  }
  hitters_[key(s, gate)] = found;
  return found;
}

Knowledge::Outcome Knowledge::leaf(StepIx s, GateIx gate) {
  Contracts &contracts = tree_.contracts();
  const Step &step = tree_[s];
  Outcome out;
  if (step.kind == StepKind::act) {
    if (contracts.hits(tree_.contract(step), contracts.gate(gate))) out.hit = true;
  } else if (step.kind == StepKind::await) {
    for (const GateIx g : tree_.gates(step)) {
      if (contracts.pass_hits(contracts.gate(g), contracts.gate(gate))) out.hit = true;
    }
    if (out.hit) out.by = s;
    if (std::find(tree_.gates(step).begin(), tree_.gates(step).end(), gate) != tree_.gates(step).end()) {
      out.pass = true;
      out.hit = false;
      out.awaits.push_back(s);
    }
    out.neither = !out.hit && !out.pass;
    return out;
  }
  if (out.hit) out.by = s;
  out.neither = !out.hit;
  return out;
}

void Knowledge::precede(Outcome &then, const Outcome &first) {
  then.neither = first.neither;
  then.pass = then.pass || first.pass;
  then.hit = then.hit || first.hit;
  if (then.by == kNone) then.by = first.by;
  add_all(then.awaits, first.awaits);
}

const Knowledge::Outcome &Knowledge::outcome(StepIx s, GateIx gate) {
  const auto it = outcomes_.find(key(s, gate));
  if (it != outcomes_.end()) return it->second;
  Outcome out = compute(s, gate);
  return outcomes_[key(s, gate)] = std::move(out);
}

Knowledge::Outcome Knowledge::compute(StepIx s, GateIx gate) {
  const Step &step = tree_[s];
  Outcome out;
  out.neither = true;
  switch (step.kind) {
    case StepKind::act:
    case StepKind::await:
      return leaf(s, gate);
    case StepKind::roll:
    case StepKind::iteration:
      // What an iteration asks is forgotten when it ends: it can only hit.
      out.by = hitter(s, gate);
      out.hit = out.by != kNone;
      out.neither = !out.hit;
      return out;
    default:
      break;
  }
  // Neither hit nor passed anywhere below: the common case, without a walk.
  const std::vector<StepIx> &asked = passes(gate);
  const auto first = std::lower_bound(asked.begin(), asked.end(), s);
  if (!may_touch(s, gate) && (first == asked.end() || *first >= step.end)) return out;
  switch (step.kind) {
    case StepKind::branch:
      out.neither = false;
      for (const StepIx child : step.children) {
        const Outcome &arm = outcome(child, gate);
        out.hit = out.hit || arm.hit;
        out.pass = out.pass || arm.pass;
        out.neither = out.neither || arm.neither;
        if (out.by == kNone) out.by = arm.by;
        add_all(out.awaits, arm.awaits);
      }
      if (step.children.size() < 2) out.neither = true;
      return out;
    case StepKind::parallel:
    case StepKind::dag: {
      bool clean_pass = false, all_neither = true;
      for (const StepIx child : step.children) {
        const Outcome &fiber = outcome(child, gate);
        // A hit in one phase is covered by what a later phase surely asks.
        bool covered = false;
        if (step.kind == StepKind::dag) {
          for (const StepIx later : step.children) {
            covered =
                covered || (contains(tree_[later].after, tree_.ordinal(s, child)) && !outcome(later, gate).neither);
          }
        }
        if (fiber.hit && !covered) {
          out.hit = true;
          if (out.by == kNone) out.by = fiber.by;
        }
        clean_pass = clean_pass || fiber.pass;
        all_neither = all_neither && fiber.neither;
        add_all(out.awaits, fiber.awaits);
      }
      out.pass = clean_pass;
      out.neither = all_neither;
      return out;
    }
    case StepKind::attempt: {
      // It ends with its block, run first, or again after a recovery; a failure in between forgets all.
      out = outcome(step.children[0], gate);
      const StepIx again = step.children[step.recoveries + 1];
      Outcome second = outcome(again, gate);
      if (second.neither) {
        Outcome recovered;
        for (std::uint32_t i = 1; i <= step.recoveries; ++i) {
          const Outcome &one = outcome(step.children[i], gate);
          recovered.hit = recovered.hit || one.hit || one.neither;
          recovered.pass = recovered.pass || one.pass;
          if (recovered.by == kNone) recovered.by = one.hit ? one.by : s;
          add_all(recovered.awaits, one.awaits);
        }
        precede(second, recovered);
      }
      out.hit = out.hit || second.hit;
      out.pass = out.pass || second.pass;
      if (out.by == kNone) out.by = second.by;
      add_all(out.awaits, second.awaits);
      return out;
    }
    case StepKind::loop: {
      if (step.children.empty()) return out;
      const Outcome &body = outcome(step.children[0], gate);
      out = body;
      out.neither = true;
      return out;
    }
    case StepKind::unless: {
      if (step.children.empty()) return out;
      out = outcome(step.children[0], gate);
      out.neither = true;  // it may be skipped
      return out;
    }
    default:
      for (std::size_t i = step.children.size(); i-- > 0 && out.neither;) precede(out, outcome(step.children[i], gate));
      return out;
  }
}

Known Knowledge::before(StepIx s, GateIx gate) {
  Outcome so_far;
  so_far.neither = true;
  Known known;
  const auto concurrent_hit = [&](StepIx sibling) {
    if (known.concurrent) return;
    const StepIx by = hitter(sibling, gate);
    if (by == kNone) return;
    known.stale = known.concurrent = true;
    known.by = by;
  };
  bool forgotten = false;  // a failure lies between here and what is further out: only what runs beside counts
  for (StepIx x = s; tree_[x].parent != kNone; x = tree_[x].parent) {
    const StepIx up = tree_[x].parent;
    const Step &parent = tree_[up];
    if (forgotten && parent.kind != StepKind::parallel && parent.kind != StepKind::dag &&
        !(parent.kind == StepKind::roll && parent.batch > 1))
      continue;
    switch (parent.kind) {
      case StepKind::attempt: {
        const std::uint32_t me = tree_.ordinal(up, x);
        if (me == 0) break;
        if (me == parent.recoveries + 1 && so_far.neither) {
          Outcome recovered;
          for (std::uint32_t i = 1; i <= parent.recoveries; ++i) {
            const Outcome &one = outcome(parent.children[i], gate);
            recovered.hit = recovered.hit || one.hit;
            recovered.pass = recovered.pass || one.pass;
            recovered.neither = recovered.neither || one.neither;
            if (recovered.by == kNone) recovered.by = one.by;
            add_all(recovered.awaits, one.awaits);
          }
          precede(so_far, recovered);
        }
        forgotten = true;
        break;
      }
      case StepKind::parallel:
        for (const StepIx sibling : parent.children) {
          if (sibling != x) concurrent_hit(sibling);
        }
        break;
      case StepKind::roll:
        for (const StepIx sibling : parent.children) {
          if (sibling == x) continue;
          if (parent.batch > 1) {
            concurrent_hit(sibling);
          } else if (sibling < x && so_far.neither) {
            const StepIx by = hitter(sibling, gate);
            if (by == kNone) continue;
            so_far.hit = true;
            so_far.neither = false;
            if (so_far.by == kNone) so_far.by = by;
          }
        }
        break;
      case StepKind::dag: {
        const std::uint32_t me = tree_.ordinal(up, x);
        for (std::uint32_t i = 0; i < parent.children.size(); ++i) {
          if (i != me && tree_.concurrent_children(up, x, parent.children[i])) concurrent_hit(parent.children[i]);
        }
        if (!so_far.neither || forgotten) break;
        bool settled = false;
        Outcome earlier;
        for (const std::uint32_t i : tree_[x].after) {
          const Outcome &o = outcome(parent.children[i], gate);
          settled = settled || !o.neither;
          bool covered = false;
          for (const std::uint32_t j : tree_[x].after) {
            covered =
                covered || (contains(tree_[parent.children[j]].after, i) && !outcome(parent.children[j], gate).neither);
          }
          if (o.hit && !covered) {
            earlier.hit = true;
            if (earlier.by == kNone) earlier.by = o.by;
          }
          earlier.pass = earlier.pass || o.pass;
          add_all(earlier.awaits, o.awaits);
        }
        earlier.neither = !settled;
        precede(so_far, earlier);
        break;
      }
      case StepKind::branch:
        break;
      case StepKind::loop:
        if (so_far.neither) {
          Outcome again = outcome(x, gate);
          again.neither = true;  // or it is the first time
          precede(so_far, again);
        }
        break;
      default:
        if (x == tree_.on_abort()) break;  // nothing is known when an abort starts
        for (std::uint32_t i = tree_.ordinal(up, x); i-- > 0 && so_far.neither;)
          precede(so_far, outcome(parent.children[i], gate));
        break;
    }
  }
  known.passed = so_far.pass;
  known.never = so_far.neither;
  if (so_far.hit && !known.stale) {
    known.stale = true;
    known.by = so_far.by;
  }
  known.awaits = std::move(so_far.awaits);
  std::sort(known.awaits.begin(), known.awaits.end());
  return known;
}

}  // namespace upg::safety
