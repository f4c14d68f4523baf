#pragma once
#include <cstdint>
#include <vector>

namespace llvm {
class BitVector;
}

namespace upg::safety {

/// A set of pairwise unordered elements of greatest weight.
struct Antichain {
  std::uint64_t weight = 0;
  std::vector<std::uint32_t> elements;  // ascending
};

/// `before[i]` lists the elements that i precedes (any generating set of a strict order; cycles are the caller's
/// fault). Exact: the weighted form of Dilworth's theorem, a maximum flow over the transitive closure; O(n^3) in the
/// number of elements.
Antichain heaviest_antichain(const std::vector<std::uint64_t> &weights,
                             const std::vector<std::vector<std::uint32_t>> &before);
/// The same where the order is known in full: bit j of row i, i precedes j.
Antichain heaviest_antichain(const std::vector<std::uint64_t> &weights, const std::vector<llvm::BitVector> &precedes);

}  // namespace upg::safety
