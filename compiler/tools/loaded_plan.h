#pragma once
#include <optional>
#include <string>

#include "compiler/tools/command_line.h"
#include "runtime/diagnostics/diagnostic.h"
#include "runtime/diagnostics/sources.h"
#include "runtime/plan/plan.h"
#include "runtime/safety/check.h"

namespace upg::tools {

/// A plan from source text or from a .upgb file (told apart by content), judged by the rules of the checker.
struct LoadedPlan {
  diagnostics::Sources sources;
  diagnostics::Sink sink;
  std::optional<plan::Plan> plan;  // none if there are errors, or the source is a module without an upgrade
  safety::Proof proof;  // valid if there is a plan and no error
  std::string digest;   // of the .upgb file; empty if it was compiled just now

  bool clean() const { return sink.errors() == 0; }
};

enum class Judge : std::uint8_t { no, yes };

/// Compiles or reads, then checks if `judge` says so. Nothing, with the reason on standard error, if options are wrong.
std::optional<LoadedPlan> load_plan(const PlanOptions &options, Judge judge);

/// For commands that need a plan: true, and said on standard error, if the source is clean but holds none.
bool has_no_upgrade(const LoadedPlan &loaded, const PlanOptions &options);

/// Prints the diagnostics as --format and --color say and gives the exit code that they deserve.
Exit finish(const LoadedPlan &loaded, const OutputOptions &output);

}  // namespace upg::tools
