#include <fmt/format.h>

#include "compiler/tools/command.h"
#include "compiler/tools/fix.h"
#include "compiler/tools/loaded_plan.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::tools {

Exit run_check(std::span<const char *const> arguments) {
  CommandLine line;
  PlanOptions options;
  llvm::cl::opt<bool> fix{"fix",
                          llvm::cl::desc("apply the fixes that cannot be meant otherwise, to all files or none")};
  llvm::cl::opt<bool> diff{"diff", llvm::cl::desc("with --fix: show what it would change, and change nothing")};
  if (const auto end =
          line.parse(arguments, "proves that a plan (.upg or .upgb) cannot hurt the cluster, or shows how it would")) {
    return *end;
  }
  if (diff && !fix) {
    put_error("upgc check: --diff shows what --fix would change; give both\n");
    return Exit::usage;
  }
  if (fix) return fix_files(options, diff);
  const std::optional<LoadedPlan> loaded = load_plan(options, {.plan_required = false});
  if (!loaded) return Exit::usage;
  const Exit exit = finish(*loaded, options);
  if (exit == Exit::clean && options.output.format == Format::text) {
    if (loaded->plan) {
      const plan::Plan &plan = *loaded->plan;
      put(fmt::format("{}: no errors; {} of cluster {}\n", plan.text(plan.name),
                      diagnostics::counted(static_cast<std::int64_t>(plan.hosts.size()), "host"),
                      plan.text(plan.cluster)));
    } else {
      put(fmt::format("{}: no errors; a module, nothing to run\n", diagnostics::printable(options.input)));
    }
  }
  return exit;
}

}  // namespace upg::tools
