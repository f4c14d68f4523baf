#include <map>
#include <set>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

struct Part {
  StepIx child = 0;
  std::map<HostIx, StepIx> effects;  // host -> an act that touches it
  std::map<PairIx, StepIx> closes;   // pair -> an await that would close it
};

Part part_of(Analysis &a, StepIx child) {
  Part part;
  part.child = child;
  for (StepIx x = child; x < a.tree[child].end; ++x) {
    const Step &step = a.tree[x];
    if (step.kind == StepKind::act) {
      for (const HostIx h : a.tree.contract(step).hosts) part.effects.emplace(h, x);
    } else if (step.kind == StepKind::await) {
      for (const GateIx g : a.tree.gates(step)) {
        for (const PairIx p : a.contracts.gate(g).health_of) {
          // In a turn only what belongs to its own host is closed.
          const StepIx region = step.region;
          if (region == 0 || a.tree[region].host == a.site.pair_host(p)) part.closes.emplace(p, x);
        }
      }
    }
  }
  return part;
}

void check(Analysis &a) {
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    const Step &step = a.tree[s];
    const bool wide = step.kind == StepKind::parallel || step.kind == StepKind::dag ||
                      (step.kind == StepKind::roll && step.batch > 1);
    if (!wide || !a.flow.at(s).reached) continue;
    std::set<PairIx> open;
    std::map<PairIx, StepIx> opener;
    for (const Open &o : *a.flow.at(s).open_before) {
      open.insert(o.pair);
      opener.emplace(o.pair, o.opener);
    }
    std::vector<Part> parts;
    for (const StepIx child : step.children) parts.push_back(part_of(a, child));
    const std::vector<bool> &unknown = *a.flow.at(s).unknown_before;
    std::set<PairIx> asked;
    for (const Part &part : parts) {
      for (const auto &[pair, await] : part.closes) {
        if (unknown[pair]) asked.insert(pair);
      }
    }
    asked.insert(open.begin(), open.end());
    for (const PairIx pair : asked) {
      const HostIx h = a.site.pair_host(pair);
      StepIx first = kNone, first_child = kNone;
      bool effect = false;
      for (const Part &part : parts) {
        const auto acts = part.effects.find(h);
        const auto awaits = part.closes.find(pair);
        const bool acts_here = acts != part.effects.end();
        if (!acts_here && awaits == part.closes.end()) continue;
        const StepIx x = acts_here ? acts->second : awaits->second;
        if (first != kNone && a.tree.concurrent_children(s, first_child, part.child)) {
          // Not yet proven and only asked by both: both learn the same.
          if (!open.contains(pair) && !effect && !acts_here) continue;
          if (!a.first(diagnostics::Kind::rule_fork, a.tree[first].node, a.tree[x].node.index)) break;
          auto out = a.report(diagnostics::Kind::rule_fork, a.range(x),
                              a.named(first) + " and " + a.named(x) +
                                  " may run at the same time, and both decide about " + a.pair_text(pair));
          if (a.tree[first].node != a.tree[x].node) out.label(a.range(first), "may run at the same time");
          if (const auto from = opener.find(pair); from != opener.end()) {
            out.label(a.range(from->second), "it is down or under change from here");
          } else {
            out.note(a.pair_text(pair) + " is not proven healthy when the parts begin");
          }
          out.help("await `in_service(" + std::string(a.site.host_name(h)) + ")` before the parts begin");
          break;
        }
        if (first == kNone || acts_here) {
          first = x;
          first_child = part.child;
        }
        effect = effect || acts_here;
      }
    }
  }
}

}  // namespace

Rule fork_rule() {
  return {
      diagnostics::Kind::rule_fork, "fork",
      R"(Where the plan forks into parts that run at the same time, an outage that is open (or a health not yet proven) belongs to one part only:
two parts that could both touch its host, or close it, would each count on what the other does. The rule cannot be waived.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
action update(h: host) {
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  update(node1)
  parallel {
    await in_service(node1)
  } and {
    await in_service(all)
  }
}
)upg",
      // fixed
      UPG_EXAMPLE_HEAD R"upg(
action update(h: host) {
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  update(node1)
  await in_service(node1)
  parallel {
    await joined(node1)
  } and {
    await joined(node2)
  }
}
)upg",
      check, false};
}

}  // namespace upg::safety
