#include <fmt/format.h>

#include "compiler/tools/command.h"
#include "compiler/tools/fix.h"
#include "compiler/tools/loaded_plan.h"
#include "runtime/cli/replace.h"
#include "runtime/diagnostics/schedule.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::tools {

namespace {

/// --schedule: how each rejection comes about, step by step. Empty: done; else why it could not be written.
std::string give_schedules(const LoadedPlan &loaded, const std::string &path) {
  const std::string text = diagnostics::render_schedules(loaded.sink, loaded.sources);
  if (!path.empty()) return cli::replace_file(path, text);
  put(text);
  return {};
}

}  // namespace

Exit run_check(std::span<const char *const> arguments) {
  CommandLine line;
  PlanOptions options;
  llvm::cl::opt<bool> fix{"fix",
                          llvm::cl::desc("apply the fixes that cannot be meant otherwise, to all files or none")};
  llvm::cl::opt<std::string> schedule{"schedule", llvm::cl::ValueOptional,
                                      llvm::cl::desc("how each rejection comes about, as JSON that can be replayed"),
                                      llvm::cl::value_desc("file")};
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
  const bool schedule_here = schedule.getNumOccurrences() > 0 && schedule.empty();
  if (schedule_here && options.output.format != Format::text) {
    put_error("upgc check: --schedule and --format both write to standard output; give --schedule=FILE\n");
    return Exit::usage;
  }
  std::optional<LoadedPlan> loaded = load_plan(options, {.plan_required = false});
  if (!loaded) return Exit::usage;
  if (schedule.getNumOccurrences() > 0) {
    const std::string why = give_schedules(*loaded, schedule);
    if (!why.empty())
      loaded->sink.report(diagnostics::Kind::unwritable_output, {},
                          fmt::format("cannot write `{}`: {}", schedule.getValue(), why));
  }
  const Exit exit = finish(*loaded, options);
  if (exit == Exit::clean && options.output.format == Format::text && !schedule_here) {
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
