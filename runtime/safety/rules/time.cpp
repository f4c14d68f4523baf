#include "runtime/safety/time.h"

#include <algorithm>
#include <map>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"
#include "runtime/safety/windows.h"

namespace upg::safety {
namespace {

using diagnostics::Kind;

/// The single act below the step that may take longest.
StepIx longest_act(Analysis &a, const Times &times, StepIx s) {
  StepIx found = kNone;
  for (StepIx x = s; x < a.tree[s].end; ++x) {
    if (a.tree[x].kind == StepKind::act && (found == kNone || times.of(x).worst > times.of(found).worst)) found = x;
  }
  return found;
}

void limits(Analysis &a, const Times &times) {
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    const Step &step = a.tree[s];
    std::int64_t limit = 0;
    diagnostics::Range where = a.range(s);
    if (step.kind == StepKind::at_most) limit = a.plan.integers[a.plan.node(step.node).a];
    if (step.kind == StepKind::iteration) {
      const plan::Rollout &rollout = a.plan.rollouts[a.plan.node(step.node).a];
      limit = rollout.at_most;
      where = a.range(rollout.where);
    }
    if (limit <= 0) continue;
    const StepIx act = longest_act(a, times, s);
    const bool act_too_long = act != kNone && times.of(act).worst > limit;
    if (!act_too_long && times.unlimited(s).typical <= limit) continue;
    if (a.lifted("time", s) || !a.first(Kind::rule_time, step.node)) continue;
    auto out = a.report(Kind::rule_time, where,
                        act_too_long ? a.named(act) + " may take " + duration_text(times.of(act).worst) +
                                           ", it can never start in at most " + duration_text(limit)
                                     : "what has to be done in at most " + duration_text(limit) + " usually takes " +
                                           duration_text(times.unlimited(s).typical));
    if (act_too_long) out.label(a.range(act), "started here");
    out.note("a step starts only if its own worst case still fits");
    out.help("allow more time, or do less in it");
  }
}

/// How long it takes after the act until what it opens is closed, as far as that stands inside of `block`.
Duration until_closed(const Analysis &a, const Times &times, StepIx act, StepIx block) {
  Duration sum;
  const Contract &c = a.tree.contract(a.tree[act]);
  if (c.disrupts.empty() && c.changes.empty()) return sum;
  const auto open = [&](StepIx s) {
    const std::vector<Open> all = a.flow.open_before(s);
    return std::any_of(all.begin(), all.end(), [&](const Open &o) { return o.opener == act; });
  };
  for (StepIx x = act; x != block && a.tree[x].parent != kNone; x = a.tree[x].parent) {
    const StepIx up = a.tree[x].parent;
    const StepKind kind = a.tree[up].kind;
    const bool in_order = (spine(kind) && kind != StepKind::dag) || kind == StepKind::iteration;
    if (!in_order && kind != StepKind::unless) continue;
    for (std::uint32_t i = a.tree.ordinal(x) + 1; i < a.tree[up].children.size(); ++i) {
      const StepIx after = a.tree[up].children[i];
      if (!a.flow.at(after).reached || !open(after)) return sum;
      sum.typical += times.of(after).typical;
      sum.worst += times.of(after).worst;
    }
  }
  return sum;
}

/// An accepted outage that usually lasts longer than was agreed. In the worst case it may; the run says so then.
void outages(Analysis &a, const Times &times) {
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    const Step &step = a.tree[s];
    if (step.kind != StepKind::accept || !a.flow.at(s).reached) continue;
    const plan::Waiver &w = a.plan.waivers[a.plan.node(step.node).a];
    if (w.at_most <= 0 || !w.role.valid()) continue;
    StepIx first = kNone;
    for (StepIx x = s; x < step.end && first == kNone; ++x) {
      if (a.tree[x].kind != StepKind::act || !a.flow.at(x).reached) continue;
      const Contract &c = a.tree.contract(a.tree[x]);
      const auto ours = [&](PairIx p) { return a.site.pair_role(p) == w.role.index; };
      if (std::any_of(c.disrupts.begin(), c.disrupts.end(), ours)) first = x;
    }
    if (first == kNone) continue;
    const std::int64_t typical = times.of(first).typical + until_closed(a, times, first, s).typical;
    if (typical <= w.at_most || a.lifted("time", s) || !a.first(Kind::rule_time, step.node)) continue;
    const std::string role(a.site.role_name(w.role.index));
    auto out = a.report(Kind::rule_time, a.range(w.where),
                        "the outage of `" + role + "` is accepted for at most " + duration_text(w.at_most) +
                            ", but usually lasts " + duration_text(typical));
    out.label(a.range(first), "it begins here");
    out.note(
        "the time counts from the first outage of the role in the block; once it is over the run takes it down no "
        "further");
    out.help("have a longer outage agreed, or do less while the role is down");
  }
}

/// The longest time that the windows are open without a break; nothing if they are all over.
struct Longest {
  std::int64_t length = 0;
  const plan::Window *window = nullptr;
  std::string text;
};
Longest longest_stretch(Analysis &a) {
  Longest out;
  bool known = true;
  for (const Stretch &s : stretches(a.plan, a.today, known)) {
    if (s.length() <= out.length) continue;
    out = {s.length(), &a.plan.windows[s.first],
           s.windows == 1 ? "the longest window: " : counted(s.windows, "window") + " without a break between: "};
  }
  if (known) return out;
  for (const plan::Window &w : a.plan.windows) {  // by their lengths alone
    if (w.length > out.length) out = {w.length, &w, "the longest window: "};
  }
  return out;
}

void windows(Analysis &a, const Times &times) {
  if (a.plan.windows.empty()) return;
  const Longest longest = longest_stretch(a);
  if (longest.window == nullptr) {
    a.report(Kind::rule_time, a.range(a.plan.windows.back().where), "every window of the plan is over")
        .note("a plan starts, and goes on, only while one of its windows is open")
        .help("write the date of a window to come");
    return;
  }
  bool several_turns = false, never = false;
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    const Step &step = a.tree[s];
    if (step.kind != StepKind::iteration || step.region != 0) continue;
    several_turns = several_turns || a.tree[step.parent].children.size() > 1;
    if (times.of(s).worst <= longest.length || a.lifted("time", s)) continue;
    never = true;
    if (!a.first(Kind::rule_time, step.node, 1)) continue;
    const plan::Rollout &rollout = a.plan.rollouts[a.plan.node(step.node).a];
    auto out = a.report(Kind::rule_time, a.range(rollout.where),
                        "the turn of " + std::string(a.site.host_name(step.host)) + " may take " +
                            duration_text(times.of(s).worst) + ", no window is that long");
    out.label(a.range(longest.window->where), longest.text + duration_text(longest.length));
    out.note("a turn starts only if its worst case fits into what is left of the window, so this one never starts");
    out.help("write `at most` with a time that it does keep, lengthen the window, or shorten the deadlines inside");
  }
  const Duration whole = times.of(0);
  if (!several_turns && whole.typical > longest.length && a.first(Kind::rule_time, {}, 2)) {
    a.report(Kind::rule_time, a.range(longest.window->where),
             "the plan usually takes " + duration_text(whole.typical) + ", longer than its longest window of " +
                 duration_text(longest.length))
        .note("it can wait for another window only between the turns of a rollout, and it has none")
        .help("lengthen the window or split the plan");
  } else if (!never && whole.worst > longest.length) {
    a.report(Kind::rule_window, a.range(longest.window->where),
             "in the worst case the plan takes " + duration_text(whole.worst) + ", longer than its longest window of " +
                 duration_text(longest.length))
        .note("usually it takes " + duration_text(whole.typical) +
              "; what does not fit stops the plan between two turns, with nothing down");
  }
}

/// For the machine: a turn starts only if this fits into what is left of the window.
void turns(Analysis &a, const Times &times) {
  std::map<std::uint32_t, TurnBound> bounds;
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    const Step &step = a.tree[s];
    if (step.kind != StepKind::iteration) continue;
    TurnBound bound{step.node, times.of(s).worst, 0};
    for (StepIx w = a.tree[step.parent].with; w != kNone; w = a.tree[w].with) {
      const plan::Hold &hold = a.plan.holds[a.plan.node(a.plan.kid(a.tree[w].node, 0)).a];
      const plan::Afterwards what = hold.on_wait != plan::Afterwards::unwritten ? hold.on_wait : hold.on_halt;
      if (what == plan::Afterwards::release) bound.leave_ms += a.plan.actions[hold.release.index].worst;
    }
    TurnBound &longest = bounds.try_emplace(step.node.index, bound).first->second;
    longest.worst_ms = std::max(longest.worst_ms, bound.worst_ms);
    longest.leave_ms = std::max(longest.leave_ms, bound.leave_ms);
  }
  for (const auto &[node, bound] : bounds) a.proof.turns.push_back(bound);
}

void check(Analysis &a) {
  const Times times(a.tree);
  turns(a, times);
  a.proof.typical_ms = times.of(0).typical;
  a.proof.worst_ms = times.of(0).worst;
  limits(a, times);
  outages(a, times);
  windows(a, times);
}

}  // namespace

Rule time_rule() {
  return {
      Kind::rule_time, "time",
      R"(A step starts only if its worst case fits into the time left: of an `at most` around it, and of the window for the turn of a rollout. A
step or turn that cannot fit would never start, so the plan would stop there; that is an error before the run rather than during it.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
action update(h: host) {
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  rolling n in member at most 5m {
    update(n)                   // may take 10m
    await in_service(n)
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
  rolling n in member at most 30m {
    update(n)
    await in_service(n)
  }
}
)upg",
      check};
}
Rule window_rule() {
  return {
      Kind::rule_window, "window",
      R"(In the worst case the plan does not end inside one window. It stops between two turns then, with nothing down.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
action update(h: host) {
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  window every "Sat 20:00" for 30m tz "Europe/Berlin"
  preflight { await in_service(all) }
  rolling n in member {
    update(n)
    await in_service(n)
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
  window every "Sat 20:00" for 2h tz "Europe/Berlin"
  preflight { await in_service(all) }
  rolling n in member {
    update(n)
    await in_service(n)
  }
}
)upg",
      nullptr, false};
}

}  // namespace upg::safety
