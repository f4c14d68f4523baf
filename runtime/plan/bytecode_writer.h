#pragma once
#include <string>

#include "runtime/plan/plan.h"

namespace upg::plan {

/// The bytes of a .upgb file (layout: bytecode.h). The same plan gives the same bytes. The plan must be valid
/// (validate.h): the file does not store what validity implies, such as unused immediates or where a node's children
/// begin.
std::string write(const Plan &plan);

}  // namespace upg::plan
