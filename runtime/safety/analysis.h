#pragma once
#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/safety/check.h"
#include "runtime/safety/contract.h"
#include "runtime/safety/flow.h"
#include "runtime/safety/knowledge.h"
#include "runtime/safety/site.h"
#include "runtime/safety/tree.h"

namespace upg::safety {

/// Everything the rules look at, computed once; each rule reads it and reports.
class Analysis {
 public:
  Analysis(const plan::Plan &plan, std::int64_t today, diagnostics::Sink &sink, Telling telling = Telling::causes);

  const plan::Plan &plan;
  const std::int64_t today;  // days since 1970
  const Telling telling;
  Site site;
  Contracts contracts;
  Tree tree;
  Flow flow;
  Knowledge knowledge;
  Proof proof;

  /// The acts that take the role down, `changing`: or change it; ascending.
  const std::vector<StepIx> &openers(RoleIx role, bool changing) const;
  /// One of them that may run at the same time as the step, or kNone.
  StepIx opener_beside(StepIx s, RoleIx role, bool changing) const;

  // ---- reporting
  diagnostics::Range range(const plan::Span &span) const {
    return {diagnostics::FileId{span.file}, span.begin, span.end};
  }
  diagnostics::Range range(plan::NodeId node) const {
    return node.valid() ? range(plan.span(node)) : diagnostics::Range{};
  }
  /// Where the step stands: a hold is taken where the `with` names it and given back at the end of its block.
  diagnostics::Range range(StepIx s) const;
  diagnostics::Sink::Builder report(diagnostics::Kind kind, diagnostics::Range range, std::string message) {
    return sink_.report(kind, range, std::move(message));
  }
  /// One diagnostic for each cause: true the first time that (kind, place, what) is seen.
  bool first(diagnostics::Kind kind, plan::NodeId place, std::uint64_t what = 0);

  /// Two steps that AVAIL or SERIAL already rejects side by side: what else their overlap breaks has the same cause.
  /// Remembered by what lets the two overlap: a batch, a `parallel`, phases without `after`.
  void clash(StepIx x, StepIx y);
  bool clashed(StepIx x, StepIx y) const;

  /// A `with` that must not be there at all: what else taking or giving back its hold breaks has the same cause.
  void condemn(StepIx s) { condemned_.insert(tree[s].node.index); }
  /// What the step opens outlives the block that accepts its outage: what that breaks has the same cause.
  void outlives(StepIx s) { outlived_.insert(s); }
  bool outlived(StepIx s) const { return telling == Telling::causes && outlived_.contains(s); }
  bool condemned(StepIx s) const {
    return telling == Telling::causes && (tree[s].acquire || tree[s].release) &&
           condemned_.contains(tree[s].node.index);
  }

  /// Whether an `accept` around the step lifts this rule for the role or hold; the waiver counts as used then. Without
  /// a hold: the one that the step takes or gives back.
  bool lifted(std::string_view rule, StepIx s, plan::RoleId role = {}, plan::HoldId hold = {});
  /// As `lifted`, but the waiver does not count as used: the `accept` step, or kNone.
  StepIx lifting(std::string_view rule, StepIx s, plan::RoleId role) const;
  /// Whether the waiver of this `accept` step is about the rule and the role or hold.
  bool about(StepIx accept, std::string_view rule, plan::RoleId role, plan::HoldId hold) const;
  void use(StepIx accept) { used_waivers_.insert(plan.node(tree[accept].node).a); }
  bool used(std::uint32_t waiver) const { return used_waivers_.contains(waiver); }

  // ---- words for the schedule
  /// Who acts: the subjects of an act, else the host in whose turn it happens; empty: the cluster.
  std::string who(StepIx s) const;
  /// "starts linux.reboot", "takes hold db.frozen", "passes db.joined(node1)".
  std::string what(StepIx s) const;
  /// "after a failure, " for a step of a recovery, of a block run again or of an abort; else nothing.
  std::string_view when(StepIx s) const;
  /// `linux.reboot on node1`
  std::string named(StepIx s) const;
  /// The host as the source has it at the step: the name that a rollout or parameter around it binds,
  /// else the host's own.
  std::string spelled(StepIx s, HostIx h) const;
  std::string pair_text(PairIx p) const;  // `db.replica` of node1
  void step(diagnostics::Sink::Builder &to, StepIx s, const std::string &more = {}) const {
    halts(to, s);
    to.step(who(s), std::string(when(s)) + what(s) + more, range(s), cue(s));
  }
  /// The host of the turn is lost in it.
  void loses(diagnostics::Sink::Builder &to, StepIx turn, const std::string &more = {}) const;
  /// Before the first step of an abort: that the run goes back.
  void halts(diagnostics::Sink::Builder &to, StepIx s) const;
  /// The step for a simulation: a start, a pass, a pause, the end of a turn or phase.
  diagnostics::Cue cue(StepIx s) const;
  diagnostics::Cue cue(StepIx s, diagnostics::Cue::Kind kind) const;
  /// The same place in the turn of another host of its class.
  diagnostics::Cue cue(StepIx s, plan::HostId host) const;
  static diagnostics::Cue plan_end() { return {diagnostics::Cue::Kind::finish, diagnostics::Cue::no_node, {}}; }
  /// The step key that the machine gives this place ("body/2[node1]/0").
  std::string key(StepIx s) const;

 private:
  HostIx host_in(StepIx s, std::uint32_t slot) const;
  bool is_call(StepIx s) const;

  diagnostics::Sink &sink_;
  mutable std::array<std::vector<std::vector<StepIx>>, 2> openers_;  // without and with those that change; by role
  std::set<std::tuple<diagnostics::Kind, std::uint32_t, std::uint64_t>> seen_;
  std::set<std::uint32_t> used_waivers_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> clashes_;
  std::set<std::uint32_t> condemned_;
  std::set<StepIx> outlived_;
  std::set<StepIx> clashing_;  // what lets steps overlap that clash
  std::pair<std::uint32_t, std::uint32_t> pair_of(StepIx x, StepIx y) const {
    return std::minmax(tree[x].node.index, tree[y].node.index);
  }
  /// What lets the two run at the same time, outermost last.
  std::vector<StepIx> overlaps(StepIx x, StepIx y) const;
};

/// `3 votes`, `1 host`
std::string counted(std::uint64_t n, std::string_view noun);
/// `5m`, `1h30m`
std::string duration_text(std::int64_t ms);

}  // namespace upg::safety
