#include "runtime/report/diff.h"

#include <fmt/format.h>
#include <unistd.h>

#include "compiler/tools/command.h"
#include "compiler/tools/loaded_plan.h"
#include "runtime/diagnostics/render_text.h"
#include "runtime/plan/bytecode.h"
#include "runtime/plan/bytecode_writer.h"

namespace upg::tools {
namespace {

enum class DiffFormat : std::uint8_t { text, markdown, json };

/// Nothing, with the reason on standard error, if FILE cannot be read or compiled. A plan that breaks a rule is
/// compared too.
std::optional<LoadedPlan> load_side(const std::string &path, const SourceOptions &options, diagnostics::Color color) {
  std::optional<LoadedPlan> loaded = load_plan(path, options, {});
  if (!loaded || loaded->plan) return loaded;
  diagnostics::TextStyle style;
  style.color = diagnostics::use_color(color, STDERR_FILENO);
  put_error(diagnostics::render_text(loaded->sink, loaded->sources, style));
  return std::nullopt;
}

report::PlanSide side(LoadedPlan &loaded) {
  if (loaded.digest.empty()) loaded.digest = plan::digest_hex(plan::write(*loaded.plan));
  report::PlanSide out{*loaded.plan, loaded.digest, nullptr, {}};
  if (loaded.clean()) {
    out.proof = &loaded.proof;
    return out;
  }
  for (const diagnostics::Diagnostic &d : loaded.sink.all()) {
    if (out.problem.empty() && d.severity() == diagnostics::Severity::error)
      out.problem = fmt::format("{}: {}", diagnostics::info(d.kind).code, d.message);
  }
  return out;
}

}  // namespace

Exit run_diff(std::span<const char *const> arguments) {
  CommandLine line;
  llvm::cl::opt<std::string> old_path{llvm::cl::Positional, llvm::cl::Required, llvm::cl::desc("OLD")};
  llvm::cl::opt<std::string> new_path{llvm::cl::Positional, llvm::cl::Required, llvm::cl::desc("NEW")};
  llvm::cl::opt<DiffFormat> format{
      "format", llvm::cl::desc("how the differences are printed"),
      llvm::cl::values(clEnumValN(DiffFormat::text, "text", "for a person (default)"),
                       clEnumValN(DiffFormat::markdown, "markdown", "for a comment on a review"),
                       clEnumValN(DiffFormat::json, "json", "for a program")),
      llvm::cl::init(DiffFormat::text)};
  SourceOptions options;
  ColorOption color_wish;
  if (const auto end =
          line.parse(arguments,
                     "tells what differs between two plans (.upgb or .upg) in terms of safety; exit code 1 "
                     "if anything does")) {
    return *end;
  }
  std::optional<LoadedPlan> before = load_side(old_path, options, color_wish.color);
  if (!before) return Exit::usage;
  std::optional<LoadedPlan> after = load_side(new_path, options, color_wish.color);
  if (!after) return Exit::usage;
  const report::PlanSide old_side = side(*before), new_side = side(*after);
  const std::vector<report::Change> changes = report::compare(old_side, new_side);
  switch (format) {
    case DiffFormat::text:
      put(report::render_diff_text(old_side, new_side, changes));
      break;
    case DiffFormat::markdown:
      put(report::render_diff_markdown(old_side, new_side, changes));
      break;
    case DiffFormat::json:
      put(report::render_diff_json(old_side, new_side, changes));
      break;
  }
  return changes.empty() ? Exit::clean : Exit::findings;
}

}  // namespace upg::tools
