#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/safety/tree.h"

namespace upg::safety {

/// One outage that the plan opened and has not closed: an element of D in SEMANTICS section 2.
struct Open {
  PairIx pair = 0;
  bool changing = false;  // C; otherwise D
  StepIx region = 0;
  StepIx opener = 0;
  bool operator==(const Open &) const = default;
};
using Opens = std::shared_ptr<const std::vector<Open>>;
/// Pairs not yet proven healthy (kind U), as bits.
using Unknown = std::shared_ptr<const std::vector<bool>>;
/// A cell that may stand in a transient value, and the step that moved it there.
struct Armed {
  CellIx cell = 0;
  StepIx by = 0;
  bool operator==(const Armed &) const = default;
};
using ArmedList = std::shared_ptr<const std::vector<Armed>>;

/// Configuration of the forward pass: D and sigma. Copies share what did not change.
struct State {
  Opens open;
  Unknown unknown;
  ArmedList armed;
  std::vector<Values> cells;
};

/// What holds when a step starts and, for awaits, what it closes.
struct Facts {
  bool reached = false;
  Opens open_before, open_after;
  Unknown unknown_before;
  ArmedList armed_before, armed_after;
  std::vector<Values> values;  // act: of its moved cells, then of the cells it requires; unless, expect: of its cell
  std::vector<PairIx> closed;  // pairs without any outage left after this step
};

/// A place where the two ways through an `if`, `unless` or run-time loop leave different states or outages.
struct Uneven {
  StepIx step = 0;
  PairIx pair = kNone;
  CellIx cell = kNone;
};
struct Starved {
  StepIx await = 0;
  GateIx gate = 0;
  CellIx cell = 0;
  Values values = 0;
};
struct Miscount {
  StepIx act = 0;
  std::size_t need = 0;
  std::uint64_t low = 0, high = 0;
};

/// The forward pass over the folded plan (SEMANTICS section 2, without schedules): given the structural rules, the
/// state of every cell and host depends on the choices taken, never on the schedule.
class Flow {
 public:
  explicit Flow(const Tree &tree);
  const Facts &at(StepIx s) const { return facts_[s]; }
  const State &final_state() const { return final_; }
  const std::vector<Uneven> &uneven() const { return uneven_; }
  const std::vector<Starved> &starved() const { return starved_; }
  const std::vector<Miscount> &miscounts() const { return miscounts_; }

 private:
  void run(StepIx s, State &state);
  void start(StepIx s, State &state);
  void hand_over(StepIx s, State &state);
  void pass(StepIx s, State &state);
  void fork(StepIx s, State &state);
  void dag(StepIx s, State &state);
  void branch(StepIx s, State &state);
  void unless(StepIx s, State &state);
  void loop(StepIx s, State &state);
  void move(StepIx s, State &state, CellIx cell, Values to);
  void close(StepIx s, State &state, const std::vector<PairIx> &pairs, bool everywhere);
  void count(StepIx s, const State &state, const Contract &c);
  int holds_for(plan::NodeId condition, const Env &env, const State &state);
  void taints(StepIx s, const State &state);
  struct Change;
  void compare(StepIx s, const State &a, const State &b, CellIx except);
  State initial() const;

  const Tree &tree_;
  std::vector<Facts> facts_;
  std::vector<Uneven> uneven_;
  std::vector<Starved> starved_;
  std::vector<Miscount> miscounts_;
  State final_;
  std::vector<std::vector<std::pair<plan::StateId, std::size_t>>> tainted_by_;  // gate -> (state, index of its taint)
};

}  // namespace upg::safety
