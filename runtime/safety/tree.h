#pragma once
#include <llvm/ADT/BitVector.h>

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/plan/plan.h"
#include "runtime/safety/check.h"
#include "runtime/safety/contract.h"

namespace upg::safety {

using StepIx = std::uint32_t;

enum class StepKind : std::uint8_t {
  sequence,
  act,
  await,
  expect,
  pause,
  no_return,
  parallel,
  roll,
  iteration,
  dag,
  phase,
  branch,
  unless,
  loop,
  with,
  accept,
  at_most,
  attempt  // the block, its recoveries, the block again, `otherwise` if it is written
};

/// Whether every run passes what stands in a step of this kind, at once and once.
inline bool spine(StepKind kind) {
  return kind == StepKind::sequence || kind == StepKind::with || kind == StepKind::phase || kind == StepKind::dag ||
         kind == StepKind::accept || kind == StepKind::at_most;
}

/// One step of the folded plan: an action or await for one kept host, or a composition. Steps are numbered in the order
/// of the text (preorder): the steps below step s are s + 1 .. end - 1.
struct Step {
  StepKind kind = StepKind::sequence;
  bool release = false;  // act: gives a hold back
  bool acquire = false;
  bool last_stage = false;  // roll: the part after its canary
  plan::NodeId node;        // act of a hold: the `with` node
  StepIx parent = kNone;
  StepIx end = 0;
  StepIx region = 0;            // innermost iteration around it, 0 outside all
  StepIx with = kNone;          // innermost `with` around it
  StepIx accept = kNone;        // innermost `accept` around it
  HostIx host = kNone;          // iteration: its host
  ContractIx contract = kNone;  // act
  HoldIx hold = kNone;          // with, acquire, release
  CellIx cell = kNone;          // unless, expect
  Values values = 0;            // unless, expect
  std::uint32_t gates = kNone;  // await: a list of Contracts
  std::uint32_t batch = 1;      // roll
  std::uint32_t per_batch = 0;
  std::uint32_t recoveries = 0;  // attempt
  ContractIx undo = kNone;       // act: what an abort or a halt would run to undo it
  std::uint32_t place = 0;       // among the children of its parent
  std::vector<StepIx> children;
};

/// The phases of one dag, by their place among its children; both orders are closed under transitivity, with the edges
/// that ORDER derives.
struct Phases {
  std::vector<std::uint32_t> order;              // fits all edges
  std::vector<std::uint32_t> rank;               // place in that order
  std::vector<llvm::BitVector> before;           // bit i of row j: i ends before j starts
  std::vector<llvm::BitVector> after;            // bit j of row i: the same
  std::vector<std::vector<std::uint32_t>> into;  // edges of which all others follow: to j from each of row j
  std::vector<std::uint32_t> stage;              // all phases of a stage end before any of the next one starts
  std::uint32_t stages = 0;                      // how many
  /// No two of them may run at the same time.
  bool chain() const { return stages == order.size(); }
  bool concurrent(std::uint32_t i, std::uint32_t j) const { return i != j && !before[i].test(j) && !before[j].test(i); }
  /// Those that may run at the same time as phase i.
  llvm::BitVector beside(std::uint32_t i) const;
};

/// The plan with procedures called and rollouts bound to the kept hosts of each class.
class Tree {
 public:
  static constexpr std::size_t kMaxSteps = 1'000'000;
  static constexpr std::uint32_t kMaxDepth = 400;
  static constexpr std::uint32_t kMaxPhases = 10'000;  // of one dag: its order is a square of bits

  explicit Tree(Contracts &contracts);

  /// False: the plan unfolds into more steps than the checker looks at; nothing else of it may be trusted.
  bool complete() const { return complete_; }
  const Step &operator[](StepIx s) const { return steps_[s]; }
  StepIx size() const { return static_cast<StepIx>(steps_.size()); }
  const std::vector<GateIx> &gates(const Step &s) const { return contracts_->gate_list(s.gates).gates; }
  /// What a pass of all that the await asks brings back.
  const std::vector<PairIx> &brings_back(const Step &s) const { return contracts_->gate_list(s.gates).health_of; }
  Contracts &contracts() const { return *contracts_; }
  const plan::Plan &plan() const { return contracts_->plan(); }
  const Site &site() const { return contracts_->site(); }
  const Contract &contract(const Step &s) const { return (*contracts_)[s.contract]; }
  /// Edges that ORDER adds between phases.
  const std::vector<PhaseEdge> &edges() const { return edges_; }
  const Phases &phases(StepIx dag) const;
  StepIx preflight() const { return preflight_; }
  StepIx body() const { return body_; }
  StepIx postflight() const { return postflight_; }
  /// What an abort does: a plan of its own, the last child of the root; kNone if it is not written.
  StepIx on_abort() const { return on_abort_; }
  /// The first point of no return that every run passes, or kNone.
  StepIx point() const { return point_; }
  /// Whether the step may start before the point of no return.
  bool may_precede_point(StepIx s) const;
  /// The innermost part around the step that a failure leads to (a recovery, the block of an attempt run again,
  /// `otherwise`, `on abort`), or kNone: what is known or open when it starts is only what may be.
  StepIx resumed(StepIx s) const;

  bool below(StepIx s, StepIx ancestor) const { return s >= ancestor && s < steps_[ancestor].end; }
  /// The smallest step that holds both.
  StepIx meet(StepIx a, StepIx b) const;
  /// `exclusive`: no run has both; also a step behind the point of no return and one of an abort.
  enum class Relation : std::uint8_t { same, before, after, concurrent, exclusive, nested };
  Relation relation(StepIx a, StepIx b) const;
  /// The child of `ancestor` that holds `s`.
  StepIx child_towards(StepIx ancestor, StepIx s) const;
  std::uint32_t ordinal(StepIx child) const { return steps_[child].place; }
  /// Whether two children of a parallel, dag or roll may run at the same time.
  bool concurrent_children(StepIx parent, StepIx a, StepIx b) const;
  /// The first step in a part below `up` that may run at the same time as its child `x`, of those that first(from, to)
  /// finds in the steps from .. to - 1; or kNone.
  template <class First>
  StepIx first_beside(StepIx up, StepIx x, First first) const {
    const Step &parent = steps_[up];
    if (parent.kind == StepKind::parallel || (parent.kind == StepKind::roll && parent.batch > 1)) {
      const StepIx earlier = first(up + 1, x);
      return earlier != kNone ? earlier : first(steps_[x].end, parent.end);
    }
    if (parent.kind != StepKind::dag) return kNone;
    const llvm::BitVector beside = phases(up).beside(steps_[x].place);
    for (int i = beside.find_first(); i >= 0;) {
      const StepIx found = first(parent.children[static_cast<unsigned>(i)], parent.end);
      if (found == kNone) break;
      const std::uint32_t there = steps_[child_towards(up, found)].place;
      if (beside.test(there)) return found;
      i = beside.find_next(there);
    }
    return kNone;
  }
  /// Inside `with` of this hold (or of one that may be the same).
  bool inside(StepIx s, HoldIx hold) const;
  /// The holds (their `with` steps) that an attempt around the step may have left held when it failed.
  std::vector<StepIx> left_held(StepIx s) const;
  /// A `with` of this hold in the part has surely ended before the step.
  bool left_before(StepIx part, StepIx s, HoldIx hold) const;
  /// A person's word is waited for here: an `ask` or an operator's step.
  bool is_pause(StepIx s) const;

 private:
  /// The `with` steps among from .. to - 1.
  std::span<const StepIx> withs_in(StepIx from, StepIx to) const;
  StepIx add(StepKind kind, plan::NodeId node);
  void close(StepIx s) { steps_[s].end = static_cast<StepIx>(steps_.size()); }
  StepIx expand(plan::NodeId node, Env &env);
  void expand_with(StepIx s, plan::NodeId node, Env &env);
  void expand_roll(StepIx s, plan::NodeId node, Env &env);
  void expand_visit(StepIx s, plan::NodeId node, Env &env);
  void expand_dag(StepIx s, plan::NodeId node, Env &env);
  void expand_unless(StepIx s, plan::NodeId node, Env &env);
  void expand_attempt(StepIx s, plan::NodeId node, const Env &env);
  void find_point();
  void add_act(StepIx s, plan::ActionId action, Env arguments);
  void bind(Env &env, std::uint32_t slot, HostIx host);

  Contracts *contracts_;
  std::vector<Step> steps_;
  std::vector<PhaseEdge> edges_;
  std::vector<StepIx> withs_;  // ascending
  std::unordered_map<StepIx, Phases> phases_;
  Phases no_phases_;
  StepIx parent_ = kNone, region_ = 0, with_ = kNone, accept_ = kNone;
  StepIx preflight_ = kNone, body_ = kNone, postflight_ = kNone, on_abort_ = kNone, point_ = kNone;
  std::uint32_t depth_ = 0;
  bool complete_ = true;
};

}  // namespace upg::safety
