#include <fmt/format.h>

#include "compiler/tools/command.h"
#include "compiler/tools/loaded_plan.h"
#include "runtime/plan/disassemble.h"

namespace upg::tools {

Exit run_disasm(std::span<const char *const> arguments) {
  CommandLine line;
  PlanOptions options;
  if (const auto end = line.parse(arguments, "prints the content of a plan (.upgb, or .upg as it would be built)")) {
    return *end;
  }
  const std::optional<LoadedPlan> loaded = load_plan(options, {.judged = false});
  if (!loaded) return Exit::usage;
  const Exit exit = finish(*loaded, options);
  if (exit == Exit::clean) put(plan::disassemble(*loaded->plan));
  return exit;
}

}  // namespace upg::tools
