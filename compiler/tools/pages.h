#pragma once
#include <vector>

#include "runtime/diagnostics/explain.h"

namespace upg::tools {

/// What every kind means: the pages of the rules of the checker stand in the rules' own files, the others in
/// runtime/diagnostics/explanations.
std::vector<diagnostics::Explanation> all_pages();

}  // namespace upg::tools
