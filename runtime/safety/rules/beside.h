#pragma once
#include <unordered_map>
#include <vector>

#include "runtime/safety/tree.h"

namespace upg::safety {

/// Something that an act touches: `key` says what, `strong` whether it writes.
struct Touch {
  std::uint64_t key = 0;
  bool strong = true;
};

/// For every part of the plan whose children may run at the same time: calls `conflict(a, b, key)` for steps of two
/// concurrent children that touch the key, at least one of them strongly, until it says that these two do conflict.
/// `gather(step, out)` lists what an act, an await or a test of a state (`unless`, `expect`) touches.
/// O(depth * touches).
template <class Gather, class Conflict>
void for_conflicts(const Tree &tree, Gather gather, Conflict conflict) {
  struct Seen {
    StepIx child, act;
    bool strong;
  };
  std::vector<Touch> touches;
  for (StepIx s = 0; s < tree.size(); ++s) {
    const Step &step = tree[s];
    const bool wide = step.kind == StepKind::parallel || step.kind == StepKind::dag ||
                      (step.kind == StepKind::roll && step.batch > 1);
    if (!wide || step.children.size() < 2) continue;
    std::unordered_map<std::uint64_t, std::vector<Seen>>
        seen;  // per key: the first weak and the first strong step of each child, and those of each hold
    std::unordered_map<std::uint64_t, bool> told;
    for (const StepIx child : step.children) {
      for (StepIx x = child; x < tree[child].end; ++x) {
        const StepKind kind = tree[x].kind;
        if (kind != StepKind::act && kind != StepKind::await && kind != StepKind::unless && kind != StepKind::expect)
          continue;
        touches.clear();
        gather(x, touches);
        for (const Touch &t : touches) {
          if (told.contains(t.key)) continue;
          std::vector<Seen> &others = seen[t.key];
          bool known = false;
          for (const Seen &o : others) {
            if (o.child == child) {
              known = known || (o.strong == t.strong && tree[o.act].hold == tree[x].hold);
            } else if ((o.strong || t.strong) && tree.concurrent_children(s, o.child, child) &&
                       conflict(o.act, x, t.key)) {
              told[t.key] = true;
              break;
            }
          }
          if (!known) others.push_back({child, x, t.strong});
        }
      }
    }
  }
}

}  // namespace upg::safety
