#pragma once
#include <string>
#include <vector>

#include "runtime/machine/journal.h"
#include "runtime/plan/plan.h"

namespace upg::report {

/// How to go on by hand with a run that is not at its end, from its journal alone: what is open (steps, hosts out of
/// service, states on their way), what is held with the exact commands that release it, what is done, and the commands
/// of upgrun that go on instead. Plain text; control characters are shown escaped.
std::string manual(const plan::Plan &plan, const std::string &run, const std::vector<machine::Record> &records);

}  // namespace upg::report
