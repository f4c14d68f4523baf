#include <fmt/format.h>

#include "compiler/tools/command.h"
#include "compiler/tools/loaded_plan.h"
#include "runtime/plan/bytecode.h"
#include "runtime/plan/bytecode_writer.h"
#include "runtime/report/review.h"

namespace upg::tools {

Exit run_show(std::span<const char *const> arguments) {
  CommandLine line;
  PlanOptions options;
  if (const auto end = line.parse(arguments, "prints what a reviewer reads before the plan (.upg or .upgb) is run")) {
    return *end;
  }
  const std::optional<LoadedPlan> loaded = load_plan(options);
  if (!loaded) return Exit::usage;
  const Exit exit = finish(*loaded, options);
  if (exit == Exit::clean) {
    // of a source: the digest that `upgc build` would give it
    const std::string digest = loaded->digest.empty() ? plan::digest_hex(plan::write(*loaded->plan)) : loaded->digest;
    put(report::review(*loaded->plan, digest, &loaded->proof));
  }
  return exit;
}

}  // namespace upg::tools
