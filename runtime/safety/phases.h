#pragma once
#include <llvm/ADT/BitVector.h>

#include <cstdint>
#include <vector>

#include "runtime/safety/tree.h"

namespace upg::safety {

/// The phases of one dag, by their place among its children.
struct Phases {
  Phases(const Tree &tree, StepIx dag);

  std::vector<std::uint32_t> order;     // fits all edges
  std::vector<llvm::BitVector> before;  // bit i of row j: i ends before j starts; closed under transitivity
};

}  // namespace upg::safety
