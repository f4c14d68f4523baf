#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "runtime/safety/check.h"

namespace upg::safety {

using diagnostics::Diagnostic;
using diagnostics::Kind;

std::vector<Lifted> lifted_findings(const plan::Plan &plan, std::int64_t today) {
  std::vector<Lifted> out;
  std::set<std::tuple<Kind, std::uint32_t, std::uint32_t, std::string>> known;
  const auto collect = [&](const plan::Plan &judged, std::size_t waiver, bool keep) {
    diagnostics::Sink sink;
    check(judged, today, sink);
    for (const Diagnostic &d : sink.all()) {
      if (d.kind == Kind::rule_waiver || d.kind == Kind::rule_unused_waiver) continue;
      const bool fresh = known.emplace(d.kind, d.primary.range.file.index, d.primary.range.begin, d.message).second;
      if (fresh && keep) out.push_back({waiver, d});
    }
  };
  if (plan.waivers.empty()) return out;
  collect(plan, 0, false);
  plan::Plan without = plan;
  for (std::size_t i = 0; i < plan.waivers.size(); ++i) {  // in the order of the text: outer ones first
    without.waivers[i].rule = {};
    if (i + 1 < plan.waivers.size() && i + 1 >= most_waivers) continue;
    collect(without, i, true);
  }
  return out;
}

}  // namespace upg::safety
