#pragma once
#include <cstdint>
#include <vector>

#include "runtime/safety/tree.h"

namespace upg::safety {

/// How long a part of the plan takes, in ms: usually, and at most.
struct Duration {
  std::int64_t typical = 0;
  std::int64_t worst = 0;
};

/// Bounds over the folded plan: sums along sequences, the longest way through phases, a list schedule for the turns of
/// a rollout. A step that stands for many hosts counts for all of them.
class Times {
 public:
  explicit Times(const Tree &tree);
  const Duration &of(StepIx s) const { return durations_[s]; }
  /// The bound without the limits that the author wrote (`at most`).
  const Duration &unlimited(StepIx s) const { return unlimited_[s]; }

 private:
  Duration compute(StepIx s, const std::vector<Duration> &below) const;
  Duration rollout(StepIx s, const std::vector<Duration> &below) const;
  Duration await(StepIx s) const;

  const Tree &tree_;
  std::vector<Duration> durations_, unlimited_;
};

}  // namespace upg::safety
