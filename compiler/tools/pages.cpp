#include "compiler/tools/pages.h"

#include <span>

#include "runtime/safety/rules/rules.h"

namespace upg::tools {

std::vector<diagnostics::Explanation> all_pages() {
  const std::span<const diagnostics::Explanation> others = diagnostics::explanations();
  std::vector<diagnostics::Explanation> pages(others.begin(), others.end());
  for (const safety::Rule &rule : safety::rules()) {
    if (!rule.doc.empty()) pages.push_back({rule.kind, rule.doc, rule.failing, rule.fixed});
  }
  return pages;
}

}  // namespace upg::tools
