#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/safety/flow.h"
#include "runtime/safety/tree.h"

namespace upg::safety {

/// Hosts that are down (or changing) at one instant, and the step that opened each.
struct Down {
  HostIx host = 0;
  StepIx opener = 0;
  std::uint64_t copies = 1;  // so many hosts of its class
};
struct Cut {
  std::uint64_t weight = 0;
  std::vector<Down> who;
};
inline void keep_heavier(Cut &best, Cut other) {
  if (other.weight > best.weight) best = std::move(other);
}

/// M(P, O) of SEMANTICS section 4: the heaviest moment of one budget over every schedule.
class Cuts {
 public:
  /// `lifted(accept step)`: whether an `accept` block lifts the budget inside.
  using Lifted = std::function<bool(StepIx)>;
  Cuts(const Tree &tree, const Flow &flow, const Budget &budget, Lifted lifted);
  /// Each of the acts (ascending) followed by its undo, in its place: what the undo opens weighs too, but is closed
  /// when it has ended.
  void undoing(std::vector<StepIx> acts);
  Cut worst();

 private:
  struct OpenHost {
    HostIx host;
    StepIx opener;
    bool one = false;  // of those it stands for only one, whose turn has failed
    bool operator==(const OpenHost &other) const { return host == other.host && one == other.one; }
  };
  using OpenHosts = std::vector<OpenHost>;  // ascending by host

  /// The turn of one host in a rollout of several at once.
  struct Turn {
    OpenHosts before, after;
    Cut live;
    std::uint64_t copies = 1;
    std::string group;
    std::uint32_t domain = kNone;
  };

  Cut eval(StepIx s, OpenHosts &open);
  Cut fork(StepIx s, OpenHosts &open);
  Cut roll(StepIx s, OpenHosts &open);
  std::vector<std::uint64_t> heaviest(const Step &step, std::span<const Turn> turns, const OpenHosts &rest) const;
  Cut live_turns(const Step &step, std::span<const Turn> admitted, Cut standing) const;
  Cut dag(StepIx s, OpenHosts &open);
  /// The phases in their order, if no two of them may run at the same time; else none.
  std::vector<StepIx> chain(StepIx dag) const;
  Cut attempt(StepIx s, OpenHosts &open);
  /// As eval, where hosts may be lost: `visited` are the turns of tolerant rollouts so far.
  Cut tolerant(StepIx s, OpenHosts &open, std::vector<StepIx> &visited);
  Cut tolerant_roll(StepIx s, OpenHosts &open, std::vector<StepIx> &visited);
  /// The heaviest hosts that may be lost by now, on top of the cut.
  void lose(Cut &cut, const std::vector<StepIx> &visited) const;

  /// The outages that may be open where a part of the plan fails, each set once.
  struct Failures {
    std::vector<OpenHosts> sets;
    std::vector<bool> joined;  // by set: of many moments, perhaps at none of them all at once
    OpenHosts all;             // stands for the rest once there are too many
    bool of_abort = false;
    bool full = false;
  };
  Cut abort(const Failures &failures, const Cut &worst);
  /// What the step opens is accepted where it stands: a lifted `accept` is around it.
  bool accepted(StepIx opener) const;
  /// An act that opens what weighs in this budget, and not where that is accepted.
  bool takes(StepIx act) const;
  bool takes_below(StepIx s) const;
  static constexpr std::size_t kMaxFailures = 256;
  void may_fail(StepIx s, const OpenHosts &open, bool joined = false);
  void may_fail_anywhere(StepIx s, const OpenHosts &open);
  static void add_failure(Failures &to, const OpenHosts &open, bool joined);
  bool accepts(StepIx s) const;
  /// What a failure leads to; `worst` is the heaviest moment of what failed.
  Cut resume(StepIx s, OpenHosts &open, bool joined, const Cut &worst);
  /// Everything that a step below opens, on top of what is open.
  OpenHosts all_opened(StepIx s, OpenHosts open) const;
  void insert_opened(OpenHosts &into, StepIx act) const;
  void insert_opened(OpenHosts &into, const Contract &c, StepIx act) const;
  Cut sequence(StepIx s, OpenHosts &open);
  Cut iteration(StepIx s, OpenHosts &open);
  Cut measure(const OpenHosts &open) const;
  void count_once(Cut &cut) const;
  bool bound(HostIx h) const { return std::find(bound_.begin(), bound_.end(), h) != bound_.end(); }
  std::uint64_t copies(HostIx h) const { return bound(h) ? 1 : tree_.site().host(h).many; }
  /// Whether an outage begins or ends below `s`.
  bool relevant(StepIx s) const;
  void mark();
  /// Whether an outage of the host begins or ends below `s`.
  bool touches(StepIx s, HostIx host) const;
  /// Those of the hosts that some step below `s` touches.
  OpenHosts touched(StepIx s, const OpenHosts &open) const;
  /// The children of `s` that matter: below the others nothing begins or ends.
  std::vector<StepIx> parts(StepIx s) const;
  static void unite(OpenHosts &into, const OpenHosts &other);
  static void insert(OpenHosts &open, HostIx host, StepIx opener);
  static bool has(const OpenHosts &open, HostIx host);

  const Tree &tree_;
  const Flow &flow_;
  const Budget &budget_;
  bool serial_;
  std::vector<StepIx> undone_;  // acts that are followed by their undo, ascending
  Lifted lifted_;
  mutable std::unordered_map<StepIx, bool> lifts_;  // by `accept`, once asked
  // In an abort: what was accepted where the run was aborted stays so until the abort itself opens more of the role.
  bool aborting_ = false, took_ = false;
  std::vector<Failures *> failures_;                // of the parts around the step that is looked at
  std::vector<HostIx> bound_;                       // hosts whose turn it is
  std::vector<std::pair<StepIx, HostIx>> by_step_;  // where an outage begins or ends, ascending
  std::vector<std::pair<HostIx, StepIx>> by_host_;
};

}  // namespace upg::safety
