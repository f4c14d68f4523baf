#include <fmt/format.h>

#include "compiler/tools/command.h"
#include "compiler/tools/loaded_plan.h"

#if __has_include("runtime/safety/review.h")
#include "runtime/safety/review.h"
#endif

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
#if __has_include("runtime/safety/review.h")
  if (exit == Exit::clean) fmt::print("{}", safety::review(*loaded->plan, loaded->proof, loaded->digest));
#else
  if (exit == Exit::clean) {
    fmt::print(stderr, "upgc show: the review is not part of this build\n");
    return Exit::internal;
  }
#endif
  return exit;
}

}  // namespace upg::tools
