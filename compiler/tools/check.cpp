#include <fmt/format.h>

#include "compiler/tools/command.h"
#include "compiler/tools/loaded_plan.h"
#include "compiler/tools/output.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::tools {

Exit run_check(std::span<const char *const> arguments) {
  CommandLine line;
  PlanOptions options;
  if (const auto end =
          line.parse(arguments, "proves that a plan (.upg or .upgb) cannot hurt the cluster, or shows how it would")) {
    return *end;
  }
  const std::optional<LoadedPlan> loaded = load_plan(options, {.plan_required = false});
  if (!loaded) return Exit::usage;
  const Exit exit = finish(*loaded, options.output);
  if (exit == Exit::clean && options.output.format == Format::text) {
    if (loaded->plan) {
      const plan::Plan &plan = *loaded->plan;
      put(fmt::format("{}: no errors; {} hosts of cluster {}\n", plan.text(plan.name), plan.hosts.size(),
                      plan.text(plan.cluster)));
    } else {
      put(fmt::format("{}: no errors; a module, nothing to run\n", diagnostics::printable(options.input)));
    }
  }
  return exit;
}

}  // namespace upg::tools
