#include "runtime/safety/check.h"

#include <functional>
#include <string>

#include "runtime/safety/analysis.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {

namespace {

/// What a plan may hold and no rule judges yet. It is refused here, and nowhere else, so that nothing passes unproved: a
/// construct leaves this list when its rules are there. Each is told once, where it stands first.
bool all_is_judged(Analysis &analysis) {
  const plan::Plan &plan = analysis.plan;
  bool all = true;
  const auto refuse = [&](diagnostics::Range where, const std::string &what) {
    all = false;
    if (analysis.first(diagnostics::Kind::not_implemented, {}, std::hash<std::string>{}(what))) {
      analysis.report(diagnostics::Kind::not_implemented, where, "not proved yet: " + what)
          .note("a plan passes only if all of it is proved; what no rule judges is refused");
    }
  };
  for (const plan::Rollout &r : plan.rollouts) {
    if (r.tolerant) refuse(analysis.range(r.where), "`tolerant`");
  }
  return all;
}

}  // namespace

Proof check(const plan::Plan &plan, std::int64_t today, diagnostics::Sink &sink, Telling telling) {
  Analysis analysis(plan, today, sink, telling);
  if (!analysis.tree.complete()) {
    analysis
        .report(diagnostics::Kind::rule_too_large, analysis.range(plan.where),
                "the plan unfolds into more than " + std::to_string(Tree::kMaxSteps) +
                    " steps or nests too deeply to be proved")
        .help("split the plan, or call procedures less often from one another");
    return {};
  }
  if (!all_is_judged(analysis)) return {};
  analysis.proof.phase_edges = analysis.tree.edges();
  for (const Rule &rule : rules()) {
    if (rule.before != nullptr) rule.before(analysis);
  }
  for (const Rule &rule : rules()) {
    if (rule.check != nullptr) rule.check(analysis);
  }
  return std::move(analysis.proof);
}

}  // namespace upg::safety
