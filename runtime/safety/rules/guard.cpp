#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

struct Required {
  GateIx gate = 0;
  plan::NodeId need;    // the `requires` line; absent for an implied stoppable
  PairIx pair = kNone;  // implied: whose
};

/// What an act requires: its `requires` gates, and the stoppable gate of every role that it takes down and that is not
/// down already.
std::vector<Required> requirements(Analysis &a, StepIx s) {
  const Contract &c = a.tree.contract(a.tree[s]);
  std::vector<Required> out;
  for (std::size_t i = 0; i < c.gates.size(); ++i) out.push_back({c.gates[i], c.gate_needs[i], kNone});
  const StepIx resumed = a.tree.resumed(s);
  for (const PairIx p : c.disrupts) {
    // What was opened before a failure may be back or not: only what was opened since is surely down.
    const std::vector<Open> open = a.flow.open_before(s, p);
    const bool down = std::any_of(open.begin(), open.end(), [&](const Open &o) {
      return !o.changing && (resumed == kNone || a.tree.below(o.opener, resumed));
    });
    if (down) continue;
    const GateIx g = a.contracts.stoppable(p);
    if (g == kNone) continue;
    if (std::any_of(out.begin(), out.end(), [&](const Required &r) { return r.gate == g; })) continue;
    if (const StepIx waiver = a.lifting("stoppable", s, plan::RoleId(a.site.pair_role(p))); waiver != kNone) {
      if (!a.knowledge.before(s, g).good()) a.use(waiver);
      continue;
    }
    out.push_back({g, {}, p});
  }
  return out;
}

bool about_it(const Contract &c, const GateInstance &g) { return g.hosts.empty() || intersects(g.hosts, c.hosts); }

/// Whether the answer does not come from what the act destroys alone.
bool another_answers(Analysis &a, const Contract &c, const GateInstance &g) {
  return c.subjects.empty() || a.contracts.asks_beyond(g, c.subjects);
}

/// Passes of the same gate about other hosts that would have counted here.
StepIx asked_of_another(Analysis &a, StepIx s, GateIx gate) {
  const GateInstance &wanted = a.contracts.gate(gate);
  if (wanted.hosts.empty()) return kNone;
  for (GateIx g = 0; g < a.contracts.gate_count(); ++g) {
    if (g == gate || a.contracts.gate(g).gate != wanted.gate) continue;
    for (const StepIx pass : a.knowledge.passes(g)) {
      const StepIx region = a.tree[pass].region;
      if (pass < s && a.tree.below(s, region) && (region != 0 || a.tree[s].region == 0)) return pass;
    }
  }
  return kNone;
}

/// The last pass that would have counted if `known.by` had not come after it.
StepIx undone_pass(Analysis &a, StepIx s, GateIx gate, const Known &known) {
  if (known.concurrent && !known.awaits.empty()) return known.awaits.back();
  StepIx found = kNone;
  for (const StepIx pass : a.knowledge.passes(gate)) {
    if (pass >= s || !a.tree.below(s, a.tree[pass].region)) continue;
    if (known.by == kNone) continue;
    const StepIx abort = a.tree.on_abort();  // nothing is known when it starts
    if (abort != kNone && a.tree.below(s, abort) && !a.tree.below(pass, abort)) continue;
    // Two recoveries of an attempt do not follow one another, nor does anything known outlive a failure.
    const bool apart = pass != known.by && a.tree[a.tree.meet(pass, known.by)].kind == StepKind::attempt;
    if (!apart && (pass == known.by || a.tree.relation(pass, known.by) == Tree::Relation::before)) found = pass;
  }
  return found;
}

void report(Analysis &a, StepIx s, const Required &need, Known known, const std::vector<GateIx> &likewise) {
  const Contract &c = a.tree.contract(a.tree[s]);
  const std::string gate = '`' + a.contracts.gate_text(need.gate) + '`';
  const GateInstance &instance = a.contracts.gate(need.gate);
  const StepIx pass_before = undone_pass(a, s, need.gate, known);
  if (pass_before == kNone && !known.concurrent)
    known.stale = false;  // it was never asked: there is nothing to make stale
  StepIx after = kNone, elsewhere = kNone;
  for (const StepIx pass : a.knowledge.passes(need.gate)) {
    const auto relation = a.tree.relation(pass, s);
    if (relation == Tree::Relation::after) {
      if (after == kNone) after = pass;
    } else {
      elsewhere = pass;
    }
  }
  std::string message = a.named(s);
  if (known.stale)
    message += " may start with a stale gate: " + gate;
  else if (known.passed)
    message += " may start without " + gate + ", which is asked on one way only";
  else
    message += " may start without " + gate;
  auto out = a.report(diagnostics::Kind::rule_guard, a.range(s), message);
  const bool in_plan = a.tree[s].node.valid();
  if (in_plan)
    out.primary(known.stale    ? "starts here"
                : known.passed ? "on another way nothing has asked it"
                               : "nothing has asked it before this");

  if (known.stale) {
    if (pass_before != kNone) {
      out.label(a.range(pass_before), gate + " passes here");
      a.step(out, pass_before);
    }
    if (known.by != kNone) {
      std::string how = known.concurrent ? "may run at the same time and makes it stale" : "makes it stale";
      const Step &by = a.tree[known.by];
      if (by.kind == StepKind::await) how += ": what comes back into service changes what it watches";
      if (a.tree[known.by].node != a.tree[s].node) out.label(a.range(known.by), how);
      a.step(out, known.by, ", which makes " + a.contracts.gate_text(need.gate) + " stale");
    }
    if (after != kNone && !known.concurrent)
      out.label(a.range(after), "it is asked again only here, after the step that needs it");
    a.step(out, s);
  } else if (known.passed) {
    out.label(a.range(known.awaits.back()), gate + " is asked only on the way through here");
    out.step("", "takes the way on which " + a.contracts.gate_text(need.gate) + " is not asked", {});
    a.step(out, s);
  } else {
    a.step(out, s, " with " + a.contracts.gate_text(need.gate) + " never asked");
    const StepIx other = asked_of_another(a, s, need.gate);
    if (other != kNone) {
      const std::vector<HostIx> &asked = a.contracts.gate(a.tree.gates(a.tree[other])[0]).hosts;
      out.label(a.range(other), "asked here, but about another host: " + a.contracts.host_list(asked));
    }
    if (after != kNone) {
      out.label(a.range(after), "it is asked here, after the step that needs it");
    } else if (other == kNone && elsewhere != kNone) {
      out.label(a.range(elsewhere), "asked here, but in a turn of its own; what a turn asks is forgotten when it ends");
    }
  }
  if (need.need.valid()) {
    out.label(a.range(need.need), "required here");
  } else {
    const RoleIx role = a.site.pair_role(need.pair);
    out.label(a.range(a.site.role(role)->where),
              "`" + std::string(a.site.role_name(role)) + "` asks it of every host that it loses (`stoppable`)");
    const HostIx h = a.site.pair_host(need.pair);
    if (contains(c.spread, h))
      out.note(std::string(a.site.host_name(h)) + " is a guest and goes down with its carrier");
  }
  if (instance.gate.valid()) {
    const plan::Gate &record = a.plan.gates[instance.gate.index];
    if (known.stale && record.watch_kind == plan::WatchKind::unwritten) {
      out.note(instance.own_host_only
                   ? "without `watches` a gate watches the host it is about"
                   : "without `watches` a gate that asks elsewhere than on its host watches every effect");
    }
  }
  if (!likewise.empty()) {
    std::string others;
    for (const GateIx g : likewise) others += (others.empty() ? "`" : ", `") + a.contracts.gate_text(g) + '`';
    out.note("nor is there a fresh pass of " + others);
  }
  const std::string host = a.spelled(
      s, need.pair == kNone ? (instance.hosts.empty() ? HostIx{0} : instance.hosts[0]) : a.site.pair_host(need.pair));
  std::string ask = "stoppable(" + host + ")";
  if (need.need.valid()) {
    ask = instance.gate.valid() ? a.contracts.gate_text(need.gate) : "in_service(" + host + ')';
    if (instance.hosts.size() == 1 && instance.gate.valid())
      ask = std::string(a.plan.text(a.plan.gates[instance.gate.index].name)) + '(' + host + ')';
  }
  const std::string statement = "await " + ask;
  const diagnostics::Range where = a.range(s);
  if (where.valid() && a.plan.node(a.tree[s].node).op == plan::Op::act && !known.concurrent) {
    out.fix((known.stale ? "ask it again right before: `" : "ask it right before: `") + statement + '`',
            {where.file, where.begin, where.begin}, statement + "  ");
  } else {
    out.help(known.concurrent ? "keep " + a.named(known.by) + " from running at the same time"
                              : "write `" + statement + "` right before it, on every way that leads here");
  }
}

std::string_view step_word(const Analysis &a, StepIx s) { return a.tree[s].acquire ? "`acquire`" : "`release`"; }

void report_unguarded(Analysis &a, StepIx s) {
  const Contract &c = a.tree.contract(a.tree[s]);
  const plan::Action &action = a.plan.actions[c.action.index];
  auto out =
      a.report(diagnostics::Kind::rule_guard, a.range(s), a.named(s) + " may start without any gate that is about it");
  if (action.where.valid()) out.label(a.range(action.where), c.destroys ? "it destroys" : "it takes roles down");
  if (c.destroys) {
    out.note(
        "what destroys needs a gate that it `requires`, and one that is not answered by the thing destroyed alone");
  } else {
    out.note(
        "a step that takes something down needs a known gate about its hosts or the cluster: one that it `requires` or "
        "whose written `watches` it hits");
  }
  if (c.hold.valid()) {
    const std::string hold(a.plan.text(a.plan.holds[c.hold.index].name));
    out.help("write `requires` with a gate in the " + std::string(step_word(a, s)) + " of `" + hold +
             "` and await it before; where no gate can tell, say who answers for it: `accept guard of " + hold +
             " reason \"...\" { }`");
  } else {
    out.help("write `requires` with a gate in `" + a.contracts.action_text(c) +
             "`, or give its roles a `stoppable` gate, and await it before");
  }
  // A gate that was asked and would be one of those, had nothing come after it.
  std::vector<StepIx> told;
  for (GateIx g = 0; g < a.contracts.gate_count(); ++g) {
    const GateInstance &gate = a.contracts.gate(g);
    if (!gate.written || a.knowledge.passes(g).empty() || !about_it(c, gate) || !a.contracts.hits(c, gate)) continue;
    const Known known = a.knowledge.before(s, g);
    if (!known.concurrent || std::find(told.begin(), told.end(), known.by) != told.end()) continue;
    told.push_back(known.by);
  }
  std::sort(told.begin(), told.end());
  for (const StepIx by : told) a.step(out, by, ", which makes what was asked about it stale");
  a.step(out, s, " with no gate about it known");
}

/// Whether any gate about what the act destroys is among those that it requires.
bool asks_about_it(Analysis &a, StepIx s) {
  const Contract &c = a.tree.contract(a.tree[s]);
  const std::vector<Required> needs = requirements(a, s);
  return std::any_of(needs.begin(), needs.end(),
                     [&](const Required &need) { return about_it(c, a.contracts.gate(need.gate)); });
}

/// A hold that destroys and asks nothing should not be taken: what else it breaks needs no telling.
void before(Analysis &a) {
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    const Step &step = a.tree[s];
    if (step.kind != StepKind::act || !step.acquire || !a.flow.at(s).reached) continue;
    if (!a.tree.contract(step).destroys || asks_about_it(a, s) || a.lifted("guard", s)) continue;
    a.condemn(s);
    if (a.first(diagnostics::Kind::rule_guard, step.node, ~std::uint64_t{0})) report_unguarded(a, s);
  }
}

void check(Analysis &a) {
  std::map<std::uint32_t, std::set<std::uint32_t>> reliances;
  std::unordered_map<HostIx, std::vector<GateIx>>
      asked;  // gates with written `watches` that are asked: by host, or kNone
  for (GateIx g = 0; g < a.contracts.gate_count(); ++g) {
    const GateInstance &gate = a.contracts.gate(g);
    if (!gate.written || a.knowledge.passes(g).empty()) continue;
    if (gate.hosts.empty()) asked[kNone].push_back(g);
    for (const HostIx h : gate.hosts) asked[h].push_back(g);
  }
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    const Step &step = a.tree[s];
    if (step.kind != StepKind::act || !a.flow.at(s).reached || a.condemned(s)) continue;
    const Contract &c = a.tree.contract(step);
    bool all_good = true, relevant = false, independent = false;
    const auto rely = [&](const Known &known) {
      for (const StepIx w : known.awaits) reliances[step.node.index].insert(a.tree[w].node.index);
    };
    struct Bad {
      Required need;
      Known known;
    };
    std::vector<Bad> bad;
    for (const Required &need : requirements(a, s)) {
      const Known known = a.knowledge.before(s, need.gate);
      const GateInstance &g = a.contracts.gate(need.gate);
      if (known.good()) {
        rely(known);
        const bool about = about_it(c, g);
        relevant = relevant || about;
        independent = independent || (about && c.destroys && another_answers(a, c, g));
        continue;
      }
      const plan::RoleId role = need.pair == kNone ? plan::RoleId() : plan::RoleId(a.site.pair_role(need.pair));
      all_good = false;
      if (a.lifted("guard", s, role)) continue;
      if (known.concurrent && a.clashed(s, known.by)) continue;
      bad.push_back({need, known});
    }
    bool implied_told = false;
    for (const Bad &b : bad) {
      const bool implied = !b.need.need.valid();
      if (implied && implied_told) continue;
      implied_told = implied_told || implied;
      if (!a.first(diagnostics::Kind::rule_guard, step.node,
                   implied ? ~std::uint64_t{1} : a.contracts.gate(b.need.gate).gate.index))
        continue;
      std::vector<GateIx> likewise;
      for (const Bad &other : bad) {
        if (implied && !other.need.need.valid() && other.need.gate != b.need.gate) likewise.push_back(other.need.gate);
      }
      report(a, s, b.need, b.known, likewise);
    }
    if (!all_good || !c.destructive()) continue;
    if (relevant && (!c.destroys || independent)) continue;
    if (c.destroys && !relevant) {
      if (!a.lifted("guard", s) && a.first(diagnostics::Kind::rule_guard, step.node, ~std::uint64_t{0}))
        report_unguarded(a, s);
      continue;
    }
    bool found = false;
    std::vector<GateIx> candidates = asked[kNone];
    for (const HostIx h : c.hosts) {
      const auto of_host = asked.find(h);
      if (of_host != asked.end()) candidates.insert(candidates.end(), of_host->second.begin(), of_host->second.end());
    }
    sort_unique(candidates);
    for (std::size_t i = 0; i < candidates.size() && !found; ++i) {
      const GateIx g = candidates[i];
      const GateInstance &gate = a.contracts.gate(g);
      if (!a.contracts.hits(c, gate)) continue;
      if (c.destroys && !another_answers(a, c, gate)) continue;
      const Known known = a.knowledge.before(s, g);
      if (!known.good()) continue;
      found = true;
      rely(known);
    }
    if (!found && !a.lifted("guard", s) && a.first(diagnostics::Kind::rule_guard, step.node, ~std::uint64_t{0}))
      report_unguarded(a, s);
  }
  for (const auto &[act, awaits] : reliances) {
    Reliance r{plan::NodeId(act), {}};
    for (const std::uint32_t w : awaits) r.awaits.push_back(plan::NodeId(w));
    a.proof.reliances.push_back(std::move(r));
  }
}

}  // namespace

Rule guard_rule() {
  return {
      diagnostics::Kind::rule_guard, "guard",
      R"(Before an action starts, every gate that it `requires` must have passed, on every way that leads to it, and nothing may have
happened since that touches what the gate watches. An action that takes a role down also requires the role's `stoppable` gate for that host. What
takes down or destroys needs at least one such gate that is about its own hosts or the cluster. A gate that is asked after the step, about another
host, on one branch only, in another host's turn, or before something that made it stale does not count.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
action reboot(h: host) {
  disrupts all on h
  run("systemctl", "reboot") on h
  awaits boot of h
  takes 3m..15m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  rolling n in member {
    reboot(n)
    await stoppable(n)          // too late: the host is down by then
    await in_service(n)
  }
}
)upg",
      // fixed
      UPG_EXAMPLE_HEAD R"upg(
action reboot(h: host) {
  disrupts all on h
  run("systemctl", "reboot") on h
  awaits boot of h
  takes 3m..15m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  rolling n in member {
    await stoppable(n)
    reboot(n)
    await in_service(n)
  }
}
)upg",
      check, true, before};
}

}  // namespace upg::safety
