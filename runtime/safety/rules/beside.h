#pragma once
#include <algorithm>
#include <unordered_map>
#include <vector>

#include "runtime/safety/tree.h"

namespace upg::safety {

/// Something that an act touches: `key` says what, `strong` whether it writes.
struct Touch {
  std::uint64_t key = 0;
  bool strong = true;
  bool alone = true;    // strong: minds other strong ones too, not only weak ones
  HoldIx hold = kNone;  // those of one hold do not mind one another
};

/// For every part of the plan whose children may run at the same time: calls `conflict(a, b, key)` for steps of two
/// concurrent children that touch the key and mind each other, until it says that these two do conflict.
/// `gather(step, out)` lists what an act, an await or a test of a state (`unless`, `expect`) touches.
/// O(depth * touches), but for pairs that turn out to be no conflict.
template <class Gather, class Conflict>
void for_conflicts(const Tree &tree, Gather gather, Conflict conflict) {
  struct Place {
    std::uint32_t child;
    StepIx step;
  };
  using Places = std::vector<Place>;  // the first such step of each child
  struct OfHold {
    HoldIx hold;
    Places weak, shared, alone;
  };
  struct Others {
    std::vector<OfHold> holds;
    bool told = false;
  };
  std::vector<Touch> touches;
  for (StepIx s = 0; s < tree.size(); ++s) {
    const Step &step = tree[s];
    const bool wide = step.kind == StepKind::parallel || step.kind == StepKind::dag ||
                      (step.kind == StepKind::roll && step.batch > 1);
    if (!wide || step.children.size() < 2) continue;
    const Phases *phases = step.kind == StepKind::dag ? &tree.phases(s) : nullptr;
    std::unordered_map<std::uint64_t, Others> seen;
    for (const StepIx child : step.children) {
      const std::uint32_t place = tree.ordinal(child);
      llvm::BitVector beside;
      if (phases != nullptr) {
        beside = phases->beside(place);
        if (beside.none()) continue;
      }
      const StepIx least = phases == nullptr ? s : step.children[static_cast<unsigned>(beside.find_first())];
      // The first of these in another child that runs beside, not before `from`.
      const auto first = [&](const Places &places, StepIx from) {
        auto at = std::lower_bound(places.begin(), places.end(), std::max(from, least),
                                   [](const Place &p, StepIx x) { return p.step < x; });
        at = std::find_if(at, places.end(),
                          [&](const Place &p) { return phases == nullptr ? p.child != place : beside.test(p.child); });
        return at == places.end() ? kNone : at->step;
      };
      for (StepIx x = child; x < tree[child].end; ++x) {
        const StepKind kind = tree[x].kind;
        if (kind != StepKind::act && kind != StepKind::await && kind != StepKind::unless && kind != StepKind::expect)
          continue;
        touches.clear();
        gather(x, touches);
        for (const Touch &t : touches) {
          Others &others = seen[t.key];
          for (StepIx from = 0; !others.told;) {
            StepIx found = kNone;
            for (const OfHold &h : others.holds) {
              if (h.hold != kNone && h.hold == t.hold) continue;
              if (t.strong) found = std::min(found, first(h.weak, from));
              if (!t.strong || t.alone) found = std::min(found, first(h.shared, from));
              found = std::min(found, first(h.alone, from));
            }
            if (found == kNone) break;
            others.told = conflict(found, x, t.key);
            from = found + 1;
          }
          auto mine =
              std::find_if(others.holds.begin(), others.holds.end(), [&](const OfHold &h) { return h.hold == t.hold; });
          if (mine == others.holds.end()) {
            others.holds.push_back({t.hold, {}, {}, {}});
            mine = std::prev(others.holds.end());
          }
          Places &places = !t.strong ? mine->weak : t.alone ? mine->alone : mine->shared;
          if (places.empty() || places.back().child != place) places.push_back({place, x});
        }
      }
    }
  }
}

}  // namespace upg::safety
