#include <algorithm>
#include <iterator>
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
  std::map<PairIx, StepIx> near;     // pair -> one that would, if it was opened in the turn that forks
};

Part part_of(Analysis &a, StepIx child, StepIx around) {
  Part part;
  part.child = child;
  for (StepIx x = child; x < a.tree[child].end; ++x) {
    const Step &step = a.tree[x];
    if (step.kind == StepKind::act) {
      for (const HostIx h : a.tree.contract(step).hosts) part.effects.emplace(h, x);
    } else if (step.kind == StepKind::await) {
      for (const GateIx g : a.tree.gates(step)) {
        for (const PairIx p : a.contracts.gate(g).health_of) {
          // In a turn what belongs to its own host is closed, and what was opened in it.
          const StepIx region = step.region;
          if (region == 0 || a.tree[region].host == a.site.pair_host(p))
            part.closes.emplace(p, x);
          else if (region == around)
            part.near.emplace(p, x);
        }
      }
    }
  }
  return part;
}

/// The step that opened the pair before the part begins, or kNone.
StepIx opener_before(Analysis &a, StepIx part, PairIx pair) {
  const std::vector<Open> open = a.flow.open_before(part, pair);
  return open.empty() ? kNone : open.front().opener;
}

void report(Analysis &a, StepIx first, StepIx x, PairIx pair, StepIx opener) {
  if (a.clashed(first, x) || !a.first(diagnostics::Kind::rule_fork, a.tree[first].node, a.tree[x].node.index)) return;
  auto out = a.report(
      diagnostics::Kind::rule_fork, a.range(x),
      a.named(first) + " and " + a.named(x) + " may run at the same time, and both decide about " + a.pair_text(pair));
  if (a.tree[first].node != a.tree[x].node) out.label(a.range(first), "may run at the same time");
  if (opener != kNone) {
    out.label(a.range(opener), "it is down or under change from here");
  } else {
    out.note(a.pair_text(pair) + " is not proven healthy when the parts begin");
  }
  out.help("await `in_service(" + std::string(a.site.host_name(a.site.pair_host(pair))) + ")` before the parts begin");
}

/// Whether two concurrent parts touch the pair while it is open, or not yet proven and one of them acts on its host.
void judge(Analysis &a, StepIx s, const std::vector<Part> &parts, PairIx pair, const std::vector<std::size_t> &acting,
           const std::vector<std::size_t> &asking) {
  const HostIx h = a.site.pair_host(pair);
  std::vector<std::size_t> touching;
  std::set_union(acting.begin(), acting.end(), asking.begin(), asking.end(), std::back_inserter(touching));
  const auto step_of = [&](const Part &part) {
    const auto act = part.effects.find(h);
    if (act != part.effects.end()) return act->second;
    const auto await = part.closes.find(pair);
    return await != part.closes.end() ? await->second : part.near.find(pair)->second;
  };
  const auto opened_here = [&](StepIx part) {
    const std::vector<Open> open = a.flow.open_before(part, pair);
    return std::any_of(open.begin(), open.end(), [&](const Open &o) {
      return a.tree[s].region != 0 && a.tree.below(o.region, a.tree[s].region);
    });
  };
  for (std::size_t j = 1; j < touching.size(); ++j) {
    for (std::size_t i = 0; i < j; ++i) {
      const Part &x = parts[touching[i]], &y = parts[touching[j]];
      if (!a.tree.concurrent_children(s, x.child, y.child)) continue;
      const auto only_near = [&](const Part &part) { return !part.effects.contains(h) && !part.closes.contains(pair); };
      if ((only_near(x) || only_near(y)) && !opened_here(x.child) && !opened_here(y.child)) continue;
      StepIx opener = opener_before(a, x.child, pair);
      if (opener == kNone) opener = opener_before(a, y.child, pair);
      const bool unproven = a.flow.unknown_before(x.child, pair) || a.flow.unknown_before(y.child, pair);
      // Not yet proven and only asked by both: both learn the same.
      const bool acts = x.effects.contains(h) || y.effects.contains(h);
      if (opener == kNone && !(unproven && acts)) continue;
      report(a, step_of(x), step_of(y), pair, opener);
      return;
    }
  }
}

void check(Analysis &a) {
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    const Step &step = a.tree[s];
    const bool wide = step.kind == StepKind::parallel || step.kind == StepKind::dag ||
                      (step.kind == StepKind::roll && step.batch > 1);
    if (!wide || !a.flow.at(s).reached) continue;
    // A part of a dag starts after its predecessors: what they left open is open there, not where the dag begins.
    std::vector<Part> parts;
    std::map<HostIx, std::vector<std::size_t>> acting;
    std::map<PairIx, std::vector<std::size_t>> asking;
    std::vector<PairIx> suspects;
    std::vector<StepIx> starts;  // of the parts, one for each set of outages open at a start
    std::set<std::uint32_t> versions;
    for (const StepIx child : step.children) {
      parts.push_back(part_of(a, child, step.region));
      if (!a.flow.at(child).reached) continue;
      for (const auto &[host, act] : parts.back().effects) acting[host].push_back(parts.size() - 1);
      for (const auto &[pair, await] : parts.back().near) asking[pair].push_back(parts.size() - 1);
      for (const auto &[pair, await] : parts.back().closes) {
        asking[pair].push_back(parts.size() - 1);
        if (a.flow.unknown_before(child, pair)) suspects.push_back(pair);
      }
      if (versions.insert(a.flow.version_of_open(child)).second) starts.push_back(child);
    }
    // Only what some part touches is judged.
    const auto suspect = [&](PairIx pair) {
      if (std::any_of(starts.begin(), starts.end(), [&](StepIx x) { return opener_before(a, x, pair) != kNone; }))
        suspects.push_back(pair);
    };
    for (const auto &[pair, by] : asking) suspect(pair);
    for (const auto &[host, by] : acting) {
      for (std::size_t i = 0; i < a.site.host(host).roles.size(); ++i)
        suspect(a.site.host(host).first_pair + static_cast<PairIx>(i));
    }
    sort_unique(suspects);
    for (const PairIx pair : suspects) judge(a, s, parts, pair, acting[a.site.pair_host(pair)], asking[pair]);
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
