#include <fmt/format.h>

#include "compiler/tools/command.h"
#include "compiler/tools/loaded_plan.h"
#include "runtime/safety/review.h"

namespace upg::tools {

Exit run_show(std::span<const char *const> arguments) {
  CommandLine line;
  PlanOptions options;
  if (const auto end = line.parse(arguments, "prints what a reviewer reads before the plan (.upg or .upgb) is run")) {
    return *end;
  }
  const std::optional<LoadedPlan> loaded = load_plan(options, Judge::yes);
  if (!loaded) return Exit::usage;
  const Exit exit = finish(*loaded, options.output);
  if (has_no_upgrade(*loaded, options)) return Exit::findings;
  if (exit == Exit::clean) fmt::print("{}", safety::review(*loaded->plan, loaded->proof, loaded->digest));
  return exit;
}

}  // namespace upg::tools
