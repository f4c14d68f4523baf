#include "runtime/safety/phases.h"

namespace upg::safety {

Phases::Phases(const Tree &tree, StepIx dag) {
  const std::vector<StepIx> &phases = tree[dag].children;
  const auto n = static_cast<std::uint32_t>(phases.size());
  before.assign(n, llvm::BitVector(n));
  std::vector<std::vector<std::uint32_t>> later(n);
  std::vector<std::size_t> waits(n);
  for (std::uint32_t j = 0; j < n; ++j) {
    waits[j] = tree[phases[j]].after.size();
    for (const std::uint32_t i : tree[phases[j]].after) {
      before[j].set(i);
      later[i].push_back(j);
    }
  }
  std::vector<bool> placed(n, false);
  for (bool more = true; more;) {  // in rounds, so that the order stays that of the text where it may
    more = false;
    for (std::uint32_t i = 0; i < n; ++i) {
      if (placed[i] || waits[i] != 0) continue;
      placed[i] = more = true;
      order.push_back(i);
      for (const std::uint32_t j : later[i]) --waits[j];
    }
  }
}

}  // namespace upg::safety
