#include "compiler/lower/lower.h"

#include <fmt/format.h>

#include "compiler/lower/actions.h"
#include "compiler/lower/context.h"
#include "compiler/lower/expressions.h"
#include "compiler/lower/prune.h"
#include "compiler/lower/questions.h"
#include "compiler/lower/recursion.h"
#include "compiler/lower/statements.h"
#include "compiler/lower/tables.h"
#include "compiler/sema/modules.h"
#include "runtime/plan/validate.h"

namespace upg::lower {
namespace {

/// The blocks of the chosen upgrade.
class Blocks {
 public:
  Blocks(Context &context, Statements &statements, Expressions &expressions)
      : context_(context), statements_(statements), expressions_(expressions) {}

  void lower(const sema::Upgrade &upgrade) {
    const ast::UpgradeDecl &written = *upgrade.ast;
    body_.module = upgrade.symbol.module;
    std::vector<const ast::Statement *> statements;
    Range on_abort;
    for (const ast::UpgradeItem &item : written.items) {
      if (const auto *b = item.as<ast::Preflight>())
        once(b->body, Place::preflight, item.range, context_.build.plan.preflight, "preflight");
      if (const auto *b = item.as<ast::Postflight>())
        once(b->body, Place::postflight, item.range, context_.build.plan.postflight, "postflight");
      if (const auto *b = item.as<ast::OnAbort>()) {
        on_abort = item.range;
        once(b->body, Place::on_abort, item.range, context_.build.plan.on_abort, "on abort");
      }
      if (const auto *s = item.as<ast::Statement>()) statements.push_back(s);
    }
    body_.place = Place::plan;
    body_.no_return = false;
    const Range where =
        statements.empty() ? upgrade.symbol.range : join(statements.front()->range, statements.back()->range);
    if (statements.empty() && context_.complete(body_.module)) {
      context_.error(Kind::empty_block, upgrade.symbol.range,
                     fmt::format("{} `{}` does nothing", written.repair ? "repair" : "upgrade", upgrade.symbol.name));
    }
    context_.build.plan.body = statements_.block(statements, where, body_);
    context_.build.plan.frame = std::move(body_.frame);
    if (context_.build.plan.on_abort.valid() && !body_.no_return && context_.complete(body_.module)) {
      context_.error(Kind::misplaced, head(on_abort, 8), "`on abort` in a plan without a point of no return")
          .note("a plan can be aborted before its point of no return; without one it only goes forward")
          .help("write `point of no return \"why\"` where the way back ends");
    }
    tolerance(written);
    lower_claims(context_, expressions_, written, upgrade.symbol.module);
  }

 private:
  NodeId block(Place place, const ast::Block &written) {
    body_.place = place;
    body_.spine = true;
    return statements_.block(written, body_);
  }
  void once(const ast::Block &written, Place place, Range range, NodeId &out, std::string_view name) {
    if (out.valid()) context_.error(Kind::repeated_clause, range, fmt::format("there are two `{}` blocks", name));
    const NodeId lowered = block(place, written);
    if (!out.valid()) out = lowered;
  }

  void tolerance(const ast::UpgradeDecl &written) {
    std::uint32_t &tolerate = context_.build.plan.tolerate;
    for (const ast::UpgradeItem &item : written.items) {
      const auto *one = item.as<ast::Tolerate>();
      if (one == nullptr) continue;
      if (tolerate > 0) context_.error(Kind::repeated_clause, item.range, "`tolerate` is written twice");
      const auto hosts = context_.evaluator.count(*one->hosts, context_.scope(body_), 1, plan::Limits::tolerated,
                                                  "the number of hosts that may be lost");
      tolerate = static_cast<std::uint32_t>(hosts.value_or(1));
      if (!context_.tolerant_seen && context_.complete(body_.module)) {
        context_.error(Kind::misplaced, item.range, "`tolerate` without a tolerant rollout")
            .help("write `tolerant` behind the rollout whose hosts may be lost, or leave `tolerate` out");
      }
    }
  }

  Context &context_;
  Statements &statements_;
  Expressions &expressions_;
  Body body_;
};

/// A tree that is deeper than a plan may be; the first node of it, or nothing.
NodeId too_deep(const plan::Plan &plan) {
  std::vector<std::uint16_t> depth(plan.nodes.size(), 1);
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    for (const NodeId kid : plan.kids(NodeId(i)))
      depth[i] = std::max<std::uint16_t>(depth[i], static_cast<std::uint16_t>(depth[kid.index] + 1));
    if (depth[i] > plan::Limits::depth) return NodeId(i);
  }
  return {};
}

Range range_of(const plan::Span &span) { return span.valid() ? Range{{span.file}, span.begin, span.end} : Range{}; }

}  // namespace

std::optional<plan::Plan> lower(sema::Program &program, sema::Resolver &resolver, const diagnostics::Sources &sources,
                                diagnostics::Sink &sink, const std::string &compiler_version) {
  Context context(program, resolver, sink);
  Expressions expressions(context);
  Questions questions(context, expressions);
  Actions actions(context, expressions);
  Statements statements(context, expressions, actions);

  reserve_tables(context);
  lower_site(context);
  lower_roles(context);
  questions.all();
  actions.all();
  statements.procedures();
  lower_rules(context);
  const bool chosen = program.head.upgrade.valid();
  if (chosen) {
    lower_head(context);
    Blocks(context, statements, expressions).lower(program.upgrades[program.head.upgrade.index]);
  }
  resolver.report_unused();
  if (!chosen || sink.errors() > 0) return std::nullopt;

  plan::Plan &whole = context.build.plan;
  whole.compiler = context.string(compiler_version);
  // Files as they are seen from the plan's own folder: the same text gives the same plan, wherever it lies.
  const std::string folder = sema::folder_of(sources.path(program.module(sema::ModuleId(0)).file));
  for (std::uint32_t i = 0; i < program.source_files; ++i) {
    const diagnostics::FileId file{i};
    std::string_view path = sources.path(file);
    if (!folder.empty() && path.starts_with(folder)) path.remove_prefix(folder.size());
    whole.files.push_back({context.string(path), context.string(sources.text(file))});
  }
  if (const NodeId deep = too_deep(whole); deep.valid()) {
    sink.report(Kind::nested_too_deeply, range_of(whole.span(deep)),
                fmt::format("this is nested more than {} deep", plan::Limits::depth))
        .help("give a part of it a name: a `let`, a probe, a procedure");
    return std::nullopt;
  }
  if (report_recursion(context)) return std::nullopt;
  const Reach reach(whole);
  for (const Deferred &said : context.deferred) {
    if (reach.node(said.node)) sink.report(said.diagnostic);
  }
  if (sink.errors() > 0) return std::nullopt;
  return reach.extract();
}

}  // namespace upg::lower
