#include "compiler/tools/loaded_plan.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "compiler/compile.h"
#include "compiler/tools/pages.h"
#include "compiler/tools/version.h"
#include "runtime/diagnostics/explain.h"
#include "runtime/diagnostics/findings.h"
#include "runtime/diagnostics/render_json.h"
#include "runtime/diagnostics/utf8.h"
#include "runtime/plan/bytecode.h"
#include "runtime/plan/bytecode_reader.h"
#include "runtime/report/review_outline.h"
#include "runtime/safety/rules/rules.h"

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

void judge(LoadedPlan &loaded, Wish wish, std::int64_t today) {
  if (wish.judged && loaded.plan && loaded.clean()) loaded.proof = safety::check(*loaded.plan, today, loaded.sink);
  if (wish.strict) loaded.sink.raise_warnings();
}

/// What the plan's waivers lift, for formats that know of suppressed findings. A waiver that is itself found wanting
/// (it lifts nothing, or has expired) is among the findings already; one that lifts only what another cause breaks too
/// is told by itself.
std::vector<diagnostics::AcceptedRisk> accepted_risks(const LoadedPlan &loaded, std::int64_t today) {
  std::vector<diagnostics::AcceptedRisk> out;
  if (!loaded.plan) return out;
  const plan::Plan &plan = *loaded.plan;
  std::vector<bool> told(plan.waivers.size(), false);
  const auto range = [](const plan::Span &s) { return diagnostics::Range{{s.file}, s.begin, s.end}; };
  for (safety::Lifted &lifted : safety::lifted_findings(plan, today)) {
    const plan::Waiver &waiver = plan.waivers[lifted.waiver];
    told[lifted.waiver] = true;
    out.push_back({std::move(lifted.finding), std::string(plan.text(waiver.reason)), range(waiver.where)});
  }
  for (std::size_t i = 0; i < plan.waivers.size(); ++i) {
    const plan::Waiver &waiver = plan.waivers[i];
    const auto all = loaded.sink.all();
    if (told[i] || std::any_of(all.begin(), all.end(), [&](const diagnostics::Diagnostic &d) {
          return (d.kind == Kind::rule_unused_waiver || d.kind == Kind::rule_waiver) &&
                 d.primary.range == range(waiver.where);
        }))
      continue;
    const std::string_view name = plan.text(waiver.rule);
    const auto rules = safety::rules();
    const auto rule = std::find_if(rules.begin(), rules.end(), [&](const safety::Rule &r) { return r.name == name; });
    diagnostics::Diagnostic d{};
    // `accept outage of R` lifts what R needs; that rule's own name is about the outage's end.
    d.kind = name == "outage" || rule == rules.end() ? Kind::rule_avail : rule->kind;
    d.message = "accepted: " + report::waiver_text(plan, waiver);
    d.primary.range = range(waiver.where);
    out.push_back({std::move(d), std::string(plan.text(waiver.reason)), range(waiver.where)});
  }
  return out;
}

std::string for_programs(const LoadedPlan &loaded, const PlanOptions &options) {
  const std::vector<diagnostics::Explanation> pages = all_pages();
  std::vector<diagnostics::AcceptedRisk> accepted;
  if (options.output.format == Format::sarif) accepted = accepted_risks(loaded, today(options.source).value_or(0));
  const std::string input = options.source.stdin_name.empty() ? options.input : options.source.stdin_name;
  const std::string version = program_version();
  const diagnostics::Findings findings{.sink = loaded.sink,
                                       .sources = loaded.sources,
                                       .input = input,
                                       .version = version,
                                       .pages = pages,
                                       .accepted = accepted};
  switch (options.output.format) {
    case Format::sarif:
      return diagnostics::render_sarif(findings);
    case Format::github:
      return diagnostics::render_github(findings);
    case Format::gitlab:
      return diagnostics::render_gitlab(findings);
    case Format::junit:
      return diagnostics::render_junit(findings);
    case Format::text:
    case Format::json:
      break;
  }
  return diagnostics::render_json(loaded.sink, loaded.sources);
}

}  // namespace

bool is_plan_file(const std::string &path) { return plan_bytes(path).has_value(); }

LoadedPlan load_source(const compiler::CompileOptions &how, Wish wish, std::int64_t today) {
  LoadedPlan loaded;
  compiler::CompileOptions own = how;
  own.plan_required = wish.plan_required;
  compiler::Compiled compiled = compiler::compile(own);
  loaded.sources = std::move(compiled.sources);
  loaded.sink = std::move(compiled.sink);
  loaded.plan = std::move(compiled.plan);
  judge(loaded, wish, today);
  return loaded;
}

std::optional<LoadedPlan> load_plan(const std::string &path, const SourceOptions &options, Wish wish) {
  const std::optional<std::int64_t> day = today(options);
  if (!day) return std::nullopt;
  if (const std::optional<std::string> bytes = plan_bytes(path)) {
    LoadedPlan loaded;
    read_plan(path, *bytes, loaded);
    judge(loaded, wish, *day);
    return loaded;
  }
  const std::optional<compiler::CompileOptions> how = compile_options(options, path);
  if (!how) return std::nullopt;
  return load_source(*how, wish, *day);
}

std::optional<LoadedPlan> load_plan(const PlanOptions &options, Wish wish) {
  wish.strict = options.output.strict;
  return load_plan(options.input, options.source, wish);
}

Exit exit_code(const LoadedPlan &loaded) {
  if (loaded.clean()) return Exit::clean;
  for (const diagnostics::Diagnostic &diagnostic : loaded.sink.all()) {
    if (diagnostic.kind == Kind::internal_error) return Exit::internal;
    if (unreadable(diagnostic.kind)) return Exit::usage;
  }
  return Exit::findings;
}

Exit finish(const LoadedPlan &loaded, const PlanOptions &options) {
  if (options.output.format == Format::text) {
    diagnostics::TextStyle style;
    style.color = diagnostics::use_color(options.output.color, STDERR_FILENO);
    put_error(diagnostics::render_text(loaded.sink, loaded.sources, style));
  } else {
    put(for_programs(loaded, options));
  }
  return exit_code(loaded);
}

}  // namespace upg::tools
