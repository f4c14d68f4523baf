#pragma once
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "runtime/safety/tree.h"

namespace upg::safety {

/// What is known of a gate at a step: every way that leads there, over all schedules.
struct Known {
  bool passed = false;         // on some way the last thing was a pass
  bool stale = false;          // on some way it was a hit after it (or a hit at any time by something concurrent)
  bool never = false;          // on some way nothing was asked at all
  bool concurrent = false;     // `by` runs at the same time
  StepIx by = kNone;           // an act, or an await that brings something back
  std::vector<StepIx> awaits;  // whose passes are relied on
  bool good() const { return passed && !stale && !never; }
};

/// GUARD's question (SEMANTICS section 4): for a gate and a part of the plan, may it end with an uncovered hit, with a
/// pass after the last hit, with neither. Asked backwards from the step that relies on the gate, so that the answer
/// names what made it stale.
class Knowledge {
 public:
  explicit Knowledge(const Tree &tree);
  Known before(StepIx s, GateIx gate);
  /// A step below `s` that may hit the gate, or kNone.
  StepIx hitter(StepIx s, GateIx gate);
  /// Steps that pass the gate, in the order of the text.
  const std::vector<StepIx> &passes(GateIx gate) const;

 private:
  struct Outcome {
    bool hit = false, pass = false, neither = false;
    StepIx by = kNone;
    std::vector<StepIx> awaits;
  };
  const Outcome &outcome(StepIx s, GateIx gate);
  Outcome compute(StepIx s, GateIx gate);
  Outcome leaf(StepIx s, GateIx gate);
  /// Adds what `first` may do where `then` (so far) does neither.
  static void precede(Outcome &then, const Outcome &first);
  bool may_touch(StepIx s, GateIx gate) const;

  const Tree &tree_;
  std::vector<std::vector<ItemIx>> reach_;  // per composed step: what is touched below it
  std::vector<bool> reaches_all_;
  std::vector<std::vector<StepIx>> passes_;  // by gate
  std::vector<StepIx> none_;
  std::unordered_map<std::uint64_t, Outcome> outcomes_;
  std::unordered_map<std::uint64_t, StepIx> hitters_;
};

}  // namespace upg::safety
