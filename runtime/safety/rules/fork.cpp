#include <llvm/ADT/BitVector.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <vector>

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

/// What matters of a part that touches a pair.
struct Side {
  bool acts = false;         // on the host of the pair
  bool near = false;         // does no more than close what was opened in the turn that forks
  bool opened_here = false;  // open when the part starts, and opened in that turn
  bool open = false;         // open when the part starts
  bool unproven = false;     // not proven healthy when the part starts
  unsigned code() const {
    return (acts ? 1u : 0) | (near ? 2u : 0) | (opened_here ? 4u : 0) | (open ? 8u : 0) | (unproven ? 16u : 0);
  }
  static constexpr unsigned kCodes = 32;
  static Side of(unsigned code) {
    return {(code & 1) != 0, (code & 2) != 0, (code & 4) != 0, (code & 8) != 0, (code & 16) != 0};
  }
};

/// Two such parts, run at the same time, are a breach.
bool conflict(const Side &x, const Side &y) {
  if ((x.near || y.near) && !x.opened_here && !y.opened_here) return false;
  // Not yet proven and only asked by both: both learn the same.
  return x.open || y.open || ((x.unproven || y.unproven) && (x.acts || y.acts));
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
  const auto side_of = [&](const Part &part) {
    const std::vector<Open> open = a.flow.open_before(part.child, pair);
    Side side;
    side.acts = part.effects.contains(h);
    side.near = !side.acts && !part.closes.contains(pair);
    side.open = !open.empty();
    side.opened_here = a.tree[s].region != 0 && std::any_of(open.begin(), open.end(), [&](const Open &o) {
                         return a.tree.below(o.region, a.tree[s].region);
                       });
    side.unproven = a.flow.unknown_before(part.child, pair);
    return side;
  };
  // The first of each kind of part that may run at the same time; in a dag that depends on the phase.
  const Phases *phases = a.tree[s].kind == StepKind::dag ? &a.tree.phases(s) : nullptr;
  const auto size = static_cast<unsigned>(a.tree[s].children.size());
  std::array<llvm::BitVector, Side::kCodes> before;
  for (const std::size_t j : touching) {
    const Side mine = side_of(parts[j]);
    const auto place = a.tree.ordinal(parts[j].child);
    llvm::BitVector beside;
    if (phases != nullptr) beside = phases->beside(place);
    int found = -1;
    for (unsigned code = 0; code < Side::kCodes; ++code) {
      if (before[code].empty() || !conflict(Side::of(code), mine)) continue;
      int at = before[code].find_first();
      if (phases != nullptr) {
        llvm::BitVector both = before[code];
        both &= beside;
        at = both.find_first();
      }
      if (at >= 0 && (found < 0 || at < found)) found = at;
    }
    if (found >= 0) {
      const Part &x = parts[static_cast<std::size_t>(found)], &y = parts[j];
      StepIx opener = opener_before(a, x.child, pair);
      if (opener == kNone) opener = opener_before(a, y.child, pair);
      report(a, step_of(x), step_of(y), pair, opener);
      return;
    }
    llvm::BitVector &same = before[mine.code()];
    if (same.empty()) same.resize(size);
    same.set(place);
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
    std::vector<StepIx> starts;
    for (const StepIx child : step.children) {
      parts.push_back(part_of(a, child, step.region));
      if (!a.flow.at(child).reached) continue;
      for (const auto &[host, act] : parts.back().effects) acting[host].push_back(parts.size() - 1);
      for (const auto &[pair, await] : parts.back().near) asking[pair].push_back(parts.size() - 1);
      for (const auto &[pair, await] : parts.back().closes) {
        asking[pair].push_back(parts.size() - 1);
        if (a.flow.unknown_before(child, pair)) suspects.push_back(pair);
      }
      starts.push_back(child);
    }
    // Only what some part touches is judged.
    for (const PairIx pair : a.flow.open_before_any(starts)) {
      if (asking.contains(pair) || acting.contains(a.site.pair_host(pair))) suspects.push_back(pair);
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
