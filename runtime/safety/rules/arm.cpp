#include <algorithm>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void report(Analysis &a, StepIx at, const Armed &armed, const std::string &when, const std::string &last) {
  if (a.lifted("arm", armed.by) || !a.first(diagnostics::Kind::rule_arm, a.tree[armed.by].node)) return;
  const std::string cell = a.contracts.cell_text(armed.cell);
  const plan::StateId state = a.contracts.cell(armed.cell).state;
  const std::string value = a.contracts.value_name(state, a.contracts.cell(armed.cell).transient);
  auto out =
      a.report(diagnostics::Kind::rule_arm, a.range(armed.by), "`" + cell + "` may still be " + value + ' ' + when);
  out.primary("armed here");
  if (at != kNone && at != 0) out.label(a.range(at), last);
  out.label(a.range(a.plan.states[state.index].where), value + " is transient");
  a.step(out, armed.by);
  if (when == "when the abort ends") a.halts(out, a.tree.on_abort());
  if (at == kNone || at == 0)
    out.step("", last + " with " + cell + " still " + value, {}, Analysis::plan_end());
  else
    a.step(out, at, " with " + cell + " still " + value);
  out.help("run the action that moves it on before");
}

/// A halt leaves nothing armed: what arms a state can take it back, and opens no outage by that.
void undos(Analysis &a) {
  if (a.tree.on_abort() != kNone) return;
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    const Step &step = a.tree[s];
    if (step.kind != StepKind::act || !a.flow.at(s).reached) continue;
    const Contract &c = a.tree.contract(step);
    const auto arms = [&](const Move &m) { return (m.to & a.contracts.cell(m.cell).transient) != 0; };
    const auto armed = std::find_if(c.moves.begin(), c.moves.end(), arms);
    if (armed == c.moves.end()) continue;
    const Contract *undo = step.undo == kNone ? nullptr : &a.contracts[step.undo];
    const bool quiet = undo != nullptr && undo->disrupts.empty() && undo->changes.empty();
    if (quiet || a.lifted("arm", s) || !a.first(diagnostics::Kind::rule_arm, step.node, 1)) continue;
    const std::string cell = a.contracts.cell_text(armed->cell);
    const plan::StateId state = a.contracts.cell(armed->cell).state;
    const std::string value = a.contracts.value_name(state, armed->to);
    auto out = a.report(diagnostics::Kind::rule_arm, a.range(s),
                        "if the run halts after " + a.named(s) + ", `" + cell + "` stays " + value +
                            (undo == nullptr ? ": the action has no `undo`" : ": its `undo` takes roles down itself"));
    out.label(a.range(a.plan.actions[c.action.index].where),
              undo == nullptr ? "without `undo`" : "its `undo` opens an outage");
    out.label(a.range(a.plan.states[state.index].where), value + " is transient");
    a.step(out, s);
    out.help(
        "write `undo { }` in the action with the command that takes it back; it may move states, but take nothing "
        "down");
  }
}

void check(Analysis &a) {
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    const Step &step = a.tree[s];
    const Facts &facts = a.flow.at(s);
    if (!facts.reached) continue;
    if (a.tree.is_pause(s)) {
      for (const Armed &x : a.flow.armed_before(s))
        report(a, s, x, "while a person is waited for", "waits for a person");
    }
    if (step.kind == StepKind::iteration) {
      for (const Armed &x : a.flow.armed_after(s)) report(a, s, x, "when the turn ends", "the turn ends");
    }
    if (step.kind == StepKind::phase) {
      for (const Armed &x : a.flow.armed_after(s)) report(a, s, x, "when the phase ends", "the phase ends");
    }
    if (step.kind != StepKind::act) continue;
    // Whatever takes a host down sets off what is armed on it: only the action meant to may.
    const Contract &c = a.tree.contract(step);
    for (const Armed &x : a.flow.armed_before(s)) {
      const HostIx h = a.contracts.cell(x.cell).host;
      if (h == kNone || !contains(c.alive_down, h)) continue;
      const bool moves = std::any_of(c.moves.begin(), c.moves.end(), [&](const Move &m) { return m.cell == x.cell; });
      const bool boots = contains(c.boots, h) && !a.plan.states[a.contracts.cell(x.cell).state.index].on_boot.empty();
      if (!moves && !boots)
        report(a, s, x, "when " + a.named(s) + " restarts the host",
               "restarts it without being the step that is meant to");
    }
  }
  for (const Armed &x : a.flow.final_state().armed) report(a, 0, x, "when the plan ends", "the plan ends");
  for (const Armed &x : a.flow.aborted_state().armed) report(a, 0, x, "when the abort ends", "the abort ends");
  undos(a);
}

}  // namespace

Rule arm_rule() {
  return {
      diagnostics::Kind::rule_arm, "arm",
      R"(A `transient` value of a state is a trap that is set: the next restart does more than restart. It may not stand while a person is waited
for, at the end of a turn, a phase or the plan, and only the action that is meant to move it may take the host down. The action that sets it has an
`undo` that takes it back, because a run that halts undoes it.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
action reboot(h: host) {
  disrupts all on h
  run("systemctl", "reboot") on h
  awaits boot of h
  takes 3m..15m
}

state os(h: host) { old, transient armed, new } observe os_of(h)
  on boot armed -> new
probe os_of(h: host) -> string { return (run("cat", "/etc/os") on h).stdout.trim }
/// The next restart upgrades the system.
action arm(h: host) {
  moves os(h): old -> armed
  run("leapp", "upgrade") on h
  undo { run("grub2-editenv", "-", "unset", "next_entry") on h }
  takes 5m..30m
}

upgrade all_nodes of lab {
  initially every n in member: os(n) == old
  preflight { await in_service(all) }
  rolling n in member {
    arm(n)
    ask "Did the report of the host look well?"
    await stoppable(n)
    reboot(n)
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

state os(h: host) { old, transient armed, new } observe os_of(h)
  on boot armed -> new
probe os_of(h: host) -> string { return (run("cat", "/etc/os") on h).stdout.trim }
/// The next restart upgrades the system.
action arm(h: host) {
  moves os(h): old -> armed
  run("leapp", "upgrade") on h
  undo { run("grub2-editenv", "-", "unset", "next_entry") on h }
  takes 5m..30m
}

upgrade all_nodes of lab {
  initially every n in member: os(n) == old
  preflight { await in_service(all) }
  rolling n in member {
    ask "Does the report of the host look well?"
    arm(n)
    await stoppable(n)
    reboot(n)
    await in_service(n)
  }
}
)upg",
      check};
}

}  // namespace upg::safety
