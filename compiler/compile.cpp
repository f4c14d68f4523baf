#include "compiler/compile.h"

#include <fmt/format.h>

#include <exception>

#include "compiler/lower/lower.h"
#include "compiler/sema/program.h"
#include "compiler/sema/resolve.h"
#include "runtime/plan/validate.h"

namespace upg::compiler {
namespace {

using diagnostics::Kind;

sema::Options sema_options(const CompileOptions &options) {
  sema::Options result;
  result.entry = options.path;
  result.text = options.text;
  result.shown = options.shown;
  result.drafts = options.drafts;
  result.library_paths = options.stdlib;
  for (const auto &[name, value] : options.defines) result.definitions.push_back({name, value});
  result.plan = options.plan;
  result.limit = options.limit;
  result.plan_required = options.plan_required;
  return result;
}

void compile_into(const CompileOptions &options, Compiled &out) {
  std::optional<sema::Program> program = sema::analyse(out.sources, sema_options(options), out.sink);
  if (!program) return;
  sema::Resolver resolver(*program, out.sink);
  std::optional<plan::Plan> plan = lower::lower(*program, resolver, out.sources, out.sink, options.compiler_version);
  if (!plan) return;
  if (const std::optional<plan::ValidationError> error = plan::validate(*plan)) {
    diagnostics::Range where;
    if (error->node.valid() && error->node.index < plan->nodes.size()) {
      const plan::Span &span = plan->span(error->node);
      if (span.valid()) where = {{span.file}, span.begin, span.end};
    }
    out.sink
        .report(Kind::internal_error, where, fmt::format("the compiler made a plan that is none: {}", error->message))
        .help("report this, with the file that caused it");
    return;
  }
  out.plan = std::move(plan);
}

}  // namespace

Compiled compile(const CompileOptions &options) {
  Compiled out{{}, diagnostics::Sink(options.diagnostic_limit), std::nullopt};
  try {
    compile_into(options, out);
  } catch (const std::exception &error) {
    out.plan.reset();
    out.sink.report(Kind::internal_error, {}, fmt::format("the compiler failed: {}", error.what()))
        .help("report this, with the file that caused it");
  }
  return out;
}

}  // namespace upg::compiler
