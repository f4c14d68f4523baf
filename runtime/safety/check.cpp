#include "runtime/safety/check.h"

#include <string>

#include "runtime/safety/analysis.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {

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
