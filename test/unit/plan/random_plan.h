#pragma once
#include <cstdint>

#include "runtime/plan/plan.h"

namespace upg::plan::testing {

/// A valid plan that uses what the opcode table offers, chosen by the seed. `size` is roughly the number of statements
/// per block.
Plan random_plan(std::uint64_t seed, std::size_t size = 4);

/// A plan with so many statements, shaped like a long upgrade: many phases, gates, actions and texts. For load times.
Plan long_plan(std::size_t statements);

}  // namespace upg::plan::testing
