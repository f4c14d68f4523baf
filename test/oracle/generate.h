#pragma once
#include "test/oracle/sketch.h"

namespace upg::oracle {

/// A random small plan as source text: up to five hosts, one to four roles. Mostly sound, then nothing, one thing or a
/// few things of it changed.
Sketch generate(std::uint64_t seed);
/// A plan that is sound but for one thing about one rule, or that thing put right: for rules that chance seldom breaks
/// alone.
Sketch aimed(Random &random);

}  // namespace upg::oracle
