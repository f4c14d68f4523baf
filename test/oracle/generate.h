#pragma once
#include "test/oracle/sketch.h"

namespace upg::oracle {

/// A random small plan as source text: up to five hosts, one to four roles. Mostly sound, then nothing, one thing or a few
/// things of it changed.
Sketch generate(std::uint64_t seed);

}  // namespace upg::oracle
