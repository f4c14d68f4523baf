#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "compiler/compile.h"
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
  std::optional<plan::Plan> plan;  // none if there are errors, or for a module
  safety::Proof proof;             // valid if there is a plan and no error
  std::string digest;              // of the .upgb file; empty if it was compiled just now

  bool clean() const { return sink.errors() == 0; }
};

/// What a command wants of its FILE.
struct Wish {
  bool judged = true;         // the rules of the checker are asked
  bool plan_required = true;  // a module without an upgrade is an error
  bool strict = false;        // warnings are errors
};

/// Compiles or reads FILE, then checks if asked to. Nothing, with the reason on standard error, if options are wrong.
std::optional<LoadedPlan> load_plan(const PlanOptions &options, Wish wish = {});
std::optional<LoadedPlan> load_plan(const std::string &path, const SourceOptions &options, Wish wish);

/// The same for a source text, how to compile it being known.
LoadedPlan load_source(const compiler::CompileOptions &how, Wish wish, std::int64_t today);

/// Whether FILE is a .upgb file, told by its first bytes.
bool is_plan_file(const std::string &path);

/// Prints the diagnostics as --format and --color say and gives the exit code that they deserve.
Exit finish(const LoadedPlan &loaded, const PlanOptions &options);
/// That exit code.
Exit exit_code(const LoadedPlan &loaded);

}  // namespace upg::tools
