#include "compiler/tools/loaded_plan.h"

#include <fmt/format.h>
#include <unistd.h>

#include "compiler/compile.h"
#include "compiler/tools/output.h"
#include "runtime/diagnostics/explain.h"
#include "runtime/diagnostics/render_json.h"
#include "runtime/diagnostics/utf8.h"
#include "runtime/plan/bytecode.h"
#include "runtime/plan/bytecode_reader.h"

namespace upg::tools {
namespace {

using diagnostics::Kind;

/// The bytes of FILE if it is a .upgb file; its first bytes say so.
std::optional<std::string> plan_bytes(const std::string &path) {
  if (path == "-") return std::nullopt;
  diagnostics::Sources files;
  std::string why;
  const auto file = files.load(path, plan::bytecode_limit, why);
  if (!file || !plan::peek(files.text(*file)).is_plan) return std::nullopt;
  return std::string(files.text(*file));
}

void read_plan(const std::string &path, const std::string &bytes, LoadedPlan &loaded) {
  plan::ReadResult result = plan::read(bytes);
  if (result.error) {
    const plan::ReadErrorInfo &row = plan::info(result.error->kind);
    const Kind kind = diagnostics::find_kind(row.code).value_or(Kind::internal_error);
    loaded.sink.report(kind, {}, fmt::format("`{}`: {}", path, result.error->message)).help(std::string(row.hint));
    return;
  }
  // The plan carries the texts of its sources: its file indices are those of `sources`.
  for (const plan::File &file : result.plan->files) {
    loaded.sources.add(std::string(result.plan->text(file.path)), std::string(result.plan->text(file.text)));
  }
  loaded.digest = plan::digest_hex(bytes);
  loaded.plan = std::move(result.plan);
}

/// Kinds that say that the input could not even be judged.
bool unreadable(Kind kind) {
  const std::string_view code = diagnostics::info(kind).code;
  return kind == Kind::unreadable_input || kind == Kind::unwritable_output || code.substr(0, 3) == "E20";
}

}  // namespace

std::optional<LoadedPlan> load_plan(const PlanOptions &options, Wish wish) {
  const std::optional<std::int64_t> day = today(options);
  if (!day) return std::nullopt;
  LoadedPlan loaded;
  if (const std::optional<std::string> bytes = plan_bytes(options.input)) {
    read_plan(options.input, *bytes, loaded);
  } else {
    std::optional<compiler::CompileOptions> how = compile_options(options);
    if (!how) return std::nullopt;
    how->plan_required = wish.plan_required;
    compiler::Compiled compiled = compiler::compile(*how);
    loaded.sources = std::move(compiled.sources);
    loaded.sink = std::move(compiled.sink);
    loaded.plan = std::move(compiled.plan);
  }
  if (wish.judged && loaded.plan && loaded.clean()) loaded.proof = safety::check(*loaded.plan, *day, loaded.sink);
  return loaded;
}

Exit finish(const LoadedPlan &loaded, const OutputOptions &output) {
  if (output.format == Format::json) {
    put(diagnostics::render_json(loaded.sink, loaded.sources));
  } else {
    diagnostics::TextStyle style;
    style.color = diagnostics::use_color(output.color, STDERR_FILENO);
    put_error(diagnostics::render_text(loaded.sink, loaded.sources, style));
  }
  if (loaded.clean()) return Exit::clean;
  for (const diagnostics::Diagnostic &diagnostic : loaded.sink.all()) {
    if (diagnostic.kind == Kind::internal_error) return Exit::internal;
    if (unreadable(diagnostic.kind)) return Exit::usage;
  }
  return Exit::findings;
}

}  // namespace upg::tools
