#pragma once
#include <optional>
#include <string>

#include "compiler/sema/program.h"
#include "compiler/sema/resolve.h"
#include "runtime/diagnostics/diagnostic.h"
#include "runtime/diagnostics/sources.h"
#include "runtime/plan/plan.h"

namespace upg::lower {

/// Lowers and type-checks every body of the program; the plan of the chosen upgrade, if nothing was wrong. Without an
/// upgrade (a module alone) the bodies are checked and there is no plan.
std::optional<plan::Plan> lower(sema::Program &program, sema::Resolver &resolver, const diagnostics::Sources &sources,
                                diagnostics::Sink &sink, const std::string &compiler_version);

}  // namespace upg::lower
