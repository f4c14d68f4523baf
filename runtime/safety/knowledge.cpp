#include "runtime/safety/knowledge.h"

#include <algorithm>

namespace upg::safety {
namespace {
std::uint64_t key(StepIx s, GateIx g) { return (std::uint64_t{s} << 32) | g; }
void add_all(std::vector<StepIx> &into, const std::vector<StepIx> &from) {
  into.insert(into.end(), from.begin(), from.end());
}
/// The first element that is not below `from`, if it is below `to`.
StepIx first_of(std::span<const StepIx> steps, StepIx from, StepIx to) {
  const auto at = std::lower_bound(steps.begin(), steps.end(), from);
  return at == steps.end() || *at >= to ? kNone : *at;
}
/// The last element below `to`, if it is not below `from`.
StepIx last_of(std::span<const StepIx> steps, StepIx from, StepIx to) {
  const auto at = std::lower_bound(steps.begin(), steps.end(), to);
  return at == steps.begin() || *std::prev(at) < from ? kNone : *std::prev(at);
}
StepIx later(StepIx a, StepIx b) { return a == kNone || (b != kNone && a < b) ? b : a; }
}  // namespace

Touches::Touches(const Tree &tree) {
  Contracts &contracts = tree.contracts();
  std::vector<ItemIx> back;  // what passes of an await bring back
  const auto each = [&](auto use) {
    for (StepIx s = 0; s < tree.size(); ++s) {
      const Step &step = tree[s];
      if (step.kind == StepKind::act) {
        for (const ItemIx i : tree.contract(step).reach) use(s, i);
      } else if (step.kind == StepKind::await) {
        back.clear();
        for (const PairIx p : tree.brings_back(step)) back.push_back(contracts.role_item(tree.site().pair_role(p)));
        if (back.empty()) continue;
        back.push_back(contracts.star());
        sort_unique(back);
        for (const ItemIx i : back) use(s, i);
      }
    }
  };
  each([&](StepIx, ItemIx i) {
    if (begin_.size() < i + std::size_t{2}) begin_.resize(i + std::size_t{2});
    ++begin_[i + 1];
  });
  for (std::size_t i = 1; i < begin_.size(); ++i) begin_[i] += begin_[i - 1];
  steps_.resize(begin_.empty() ? 0 : begin_.back());
  std::vector<std::size_t> next = begin_;
  each([&](StepIx s, ItemIx i) { steps_[next[i]++] = s; });
  for (StepIx s = 0; s < tree.size(); ++s) {
    if (tree[s].kind == StepKind::act && tree.contract(tree[s]).reaches_all) all_.push_back(s);
  }
}

std::span<const StepIx> Touches::of(ItemIx item) const {
  if (item + std::size_t{1} >= begin_.size()) return {};
  return {steps_.data() + begin_[item], begin_[item + 1] - begin_[item]};
}

StepIx Touches::first(std::span<const ItemIx> items, StepIx from, StepIx to) const {
  if (items.empty()) return kNone;  // it watches nothing
  StepIx found = first_of(all_, from, to);
  for (const ItemIx i : items) found = std::min(found, first_of(of(i), from, to));
  return found;
}

StepIx Touches::last(std::span<const ItemIx> items, StepIx from, StepIx to) const {
  if (items.empty()) return kNone;
  StepIx found = last_of(all_, from, to);
  for (const ItemIx i : items) found = later(found, last_of(of(i), from, to));
  return found;
}

Knowledge::Knowledge(const Tree &tree) : tree_(tree), touches_(tree) {
  passes_.resize(tree.contracts().gate_count());
  for (StepIx s = 0; s < tree.size(); ++s) {
    if (tree[s].kind != StepKind::await) continue;
    for (const GateIx g : tree.gates(tree[s])) passes_[g].push_back(s);
  }
}

const std::vector<StepIx> &Knowledge::passes(GateIx gate) const {
  return gate < passes_.size() ? passes_[gate] : none_;
}

StepIx Knowledge::first_hit(GateIx gate, StepIx from, StepIx to) const {
  return touches_.first(tree_.contracts().gate(gate).watch, from, to);
}
StepIx Knowledge::first_touch(GateIx gate, StepIx from, StepIx to) const {
  return std::min(first_hit(gate, from, to), first_of(passes(gate), from, to));
}
StepIx Knowledge::last_touch(GateIx gate, StepIx from, StepIx to) const {
  return later(touches_.last(tree_.contracts().gate(gate).watch, from, to), last_of(passes(gate), from, to));
}

StepIx Knowledge::hitter(StepIx s, GateIx gate) const { return first_hit(gate, s, tree_[s].end); }

Knowledge::Outcome Knowledge::leaf(StepIx s, GateIx gate) {
  Contracts &contracts = tree_.contracts();
  const Step &step = tree_[s];
  Outcome out;
  if (step.kind == StepKind::act) {
    if (contracts.hits(tree_.contract(step), contracts.gate(gate))) out.hit = true;
  } else if (step.kind == StepKind::await) {
    // By what all of its gates bring back: there may be many of them.
    out.hit = first_hit(gate, s, s + 1) != kNone;
    if (out.hit) out.by = s;
    if (std::binary_search(passes(gate).begin(), passes(gate).end(), s)) {
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

void Knowledge::precede(Outcome &then, StepIx up, StepIx x, GateIx gate) {
  while (then.neither) {
    const StepIx at = last_touch(gate, up + 1, x);
    if (at == kNone) return;
    x = tree_.child_towards(up, at);
    precede(then, outcome(x, gate));
  }
}

void Knowledge::earlier_phases(Outcome &then, StepIx dag, StepIx phase, GateIx gate) {
  const Phases &phases = tree_.phases(dag);
  llvm::BitVector left = phases.before[tree_.ordinal(phase)];  // not looked at, and not covered by a later one
  llvm::BitVector covered(left.size());
  std::vector<std::pair<std::uint32_t, const Outcome *>> parts;  // in which something happens to the gate
  Outcome earlier;
  earlier.neither = true;
  for (int i = left.find_last(); i >= 0; i = left.find_last()) {
    const StepIx at = last_touch(gate, dag + 1, tree_[tree_[dag].children[static_cast<unsigned>(i)]].end);
    if (at == kNone) break;
    const StepIx child = tree_.child_towards(dag, at);
    const std::uint32_t there = tree_.ordinal(child);
    const bool ours = left.test(there);
    left.reset(there, static_cast<unsigned>(i) + 1);  // nothing happens to it between the two
    if (!ours) continue;
    const Outcome &part = outcome(child, gate);
    parts.emplace_back(there, &part);
    if (part.neither) continue;
    earlier.neither = false;
    covered |= phases.before[there];
    left.reset(phases.before[there]);
  }
  std::sort(parts.begin(), parts.end());
  for (const auto &[i, part] : parts) {
    if (covered.test(i)) continue;  // what comes after it has the last word
    if (part->hit) {
      earlier.hit = true;
      if (earlier.by == kNone) earlier.by = part->by;
    }
    earlier.pass = earlier.pass || part->pass;
    add_all(earlier.awaits, part->awaits);
  }
  precede(then, earlier);
}

const Knowledge::Outcome &Knowledge::outcome(StepIx s, GateIx gate) {
  const auto it = outcomes_.find(key(s, gate));
  if (it != outcomes_.end()) return it->second;
  Outcome out = compute(s, gate);
  sort_unique(out.awaits);
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
  if (first_touch(gate, s, step.end) == kNone) return out;
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
      std::vector<std::pair<std::uint32_t, const Outcome *>> fibers;  // in which something happens to the gate
      for (StepIx at = first_touch(gate, s, step.end); at != kNone;) {
        const StepIx child = tree_.child_towards(s, at);
        fibers.emplace_back(tree_.ordinal(child), &outcome(child, gate));
        at = first_touch(gate, tree_[child].end, step.end);
      }
      // A hit in one phase is covered by what a later phase surely asks.
      llvm::BitVector covered(static_cast<unsigned>(step.children.size()));
      if (step.kind == StepKind::dag) {
        for (const auto &[i, fiber] : fibers) {
          if (!fiber->neither) covered |= tree_.phases(s).before[i];
        }
      }
      for (const auto &[i, fiber] : fibers) {
        if (fiber->hit && !covered.test(i)) {
          out.hit = true;
          if (out.by == kNone) out.by = fiber->by;
        }
        out.pass = out.pass || fiber->pass;
        out.neither = out.neither && fiber->neither;
        add_all(out.awaits, fiber->awaits);
      }
      return out;
    }
    case StepKind::attempt: {
      // It ends with its block, run first, or again after a recovery; in between no gate asked before counts.
      out = outcome(step.children[0], gate);
      const StepIx again = step.children[step.recoveries + 1];
      Outcome second = outcome(again, gate);
      if (second.neither) {
        // Where neither asks nor hits it, it stands as before, if the block that failed has not hit it.
        const StepIx failed = hitter(step.children[0], gate);
        Outcome recovered;
        for (std::uint32_t i = 1; i <= step.recoveries; ++i) {
          const Outcome &one = outcome(step.children[i], gate);
          recovered.hit = recovered.hit || one.hit || (one.neither && failed != kNone);
          recovered.neither = recovered.neither || (one.neither && failed == kNone);
          recovered.pass = recovered.pass || one.pass;
          if (recovered.by == kNone) recovered.by = one.hit ? one.by : s;
          add_all(recovered.awaits, one.awaits);
        }
        precede(second, recovered);
      }
      out.hit = out.hit || second.hit;
      out.pass = out.pass || second.pass;
      out.neither = out.neither || second.neither;
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
      precede(out, s, step.end, gate);
      return out;
  }
}

Known Knowledge::before(StepIx s, GateIx gate) {
  Outcome so_far;
  so_far.neither = true;
  Known known;
  bool forgotten = false;  // a failure lies between here and what is further out: only what runs beside counts
  for (StepIx x = s; tree_[x].parent != kNone; x = tree_[x].parent) {
    const StepIx up = tree_[x].parent;
    const Step &parent = tree_[up];
    if (!known.concurrent) {
      known.by = tree_.first_beside(up, x, [&](StepIx from, StepIx to) { return first_hit(gate, from, to); });
      known.stale = known.concurrent = known.by != kNone;
    }
    if (forgotten) continue;
    switch (parent.kind) {
      case StepKind::attempt: {
        const std::uint32_t me = tree_.ordinal(x);
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
        break;
      case StepKind::roll: {
        if (parent.batch > 1 || !so_far.neither) break;
        const StepIx earlier = first_hit(gate, up + 1, x);
        if (earlier == kNone) break;
        so_far.hit = true;
        so_far.neither = false;
        if (so_far.by == kNone) so_far.by = earlier;
        break;
      }
      case StepKind::dag:
        if (so_far.neither) earlier_phases(so_far, up, x, gate);
        break;
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
        precede(so_far, up, x, gate);
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
  sort_unique(known.awaits);
  return known;
}

}  // namespace upg::safety
