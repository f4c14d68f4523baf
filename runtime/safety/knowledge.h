#pragma once
#include <cstdint>
#include <span>
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

/// Which acts and awaits may hit a gate, in the order of the text: kept by item, so that a question about a part of the
/// plan costs what the gate watches, not what the part does.
class Touches {
 public:
  explicit Touches(const Tree &tree);
  /// The first and the last step of from .. to - 1 that touches one of the items, or kNone.
  StepIx first(std::span<const ItemIx> items, StepIx from, StepIx to) const;
  StepIx last(std::span<const ItemIx> items, StepIx from, StepIx to) const;

 private:
  std::span<const StepIx> of(ItemIx item) const;

  std::vector<std::size_t> begin_;  // by item, into steps_
  std::vector<StepIx> steps_;
  std::vector<StepIx> all_;  // that may touch anything
};

/// GUARD's question (SEMANTICS section 4): for a gate and a part of the plan, may it end with an uncovered hit, with a
/// pass after the last hit, with neither. Asked backwards from the step that relies on the gate, so that the answer
/// names what made it stale.
class Knowledge {
 public:
  explicit Knowledge(const Tree &tree);
  Known before(StepIx s, GateIx gate);
  /// A step below `s` that may hit the gate, or kNone.
  StepIx hitter(StepIx s, GateIx gate) const;
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
  /// Adds what the steps below `up` and before its step `x` may do, as far as `then` does neither.
  void precede(Outcome &then, StepIx up, StepIx x, GateIx gate);
  void earlier_phases(Outcome &then, StepIx dag, StepIx phase, GateIx gate);
  /// The first step of from .. to - 1 that may hit the gate, or kNone.
  StepIx first_hit(GateIx gate, StepIx from, StepIx to) const;
  /// The first and the last that may hit it or passes it.
  StepIx first_touch(GateIx gate, StepIx from, StepIx to) const;
  StepIx last_touch(GateIx gate, StepIx from, StepIx to) const;

  const Tree &tree_;
  Touches touches_;
  std::vector<std::vector<StepIx>> passes_;  // by gate
  std::vector<StepIx> none_;
  std::unordered_map<std::uint64_t, Outcome> outcomes_;
};

}  // namespace upg::safety
