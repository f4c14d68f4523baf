#pragma once
#include "test/oracle/ground.h"
#include "test/oracle/verdict.h"

namespace upg::oracle {

struct Bounds {
  std::size_t states = 5000;        // of the plan
  std::size_t states_alone = 5000;  // of one part that is run alone (JOIN)
};

/// Walks every schedule of the plan, breadth first and each configuration once, and says which predicates break.
Verdict explore(const Ground &ground, Bounds bounds = {});

}  // namespace upg::oracle
