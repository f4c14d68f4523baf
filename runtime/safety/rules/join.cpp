#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void check(Analysis &a) {
  for (const Uneven &u : a.flow.uneven()) {
    const Step &step = a.tree[u.step];
    if (!a.first(diagnostics::Kind::rule_join, step.node)) continue;
    const std::string what = u.cell != kNone ? "`" + a.contracts.cell_text(u.cell) + '`' : a.pair_text(u.pair);
    const bool own = step.kind == StepKind::unless && u.cell == step.cell;
    std::string message;
    switch (step.kind) {
      case StepKind::loop:
        message = "each time through the loop changes " + what;
        break;
      case StepKind::unless:
        message = own ? "the block does not leave " + what + " where it was meant to"
                      : "the block leaves " + what + " other than skipping it does";
        break;
      default:
        message = "the two branches leave " + what + " differently";
        break;
    }
    auto out = a.report(diagnostics::Kind::rule_join, a.range(u.step), message);
    if (own) {
      out.note("`unless S == v` is skipped where S is v already, so the block must end with S at v: " +
               a.contracts.value_name(a.contracts.cell(u.cell).state, step.values));
    } else if (u.cell != kNone) {
      out.note("conditions are not followed: what comes after must be right whichever way was taken");
      out.help("move the state by `unless " + a.contracts.cell_text(u.cell) +
               " == ... { }`, which the checker understands");
    } else {
      out.note("an outage that is open on one way only would be counted wrongly on the other");
      out.help("await `in_service(" + std::string(a.site.host_name(a.site.pair_host(u.pair))) +
               ")` inside the branch that opened it");
    }
  }
}

}  // namespace

Rule join_rule() {
  return {
      diagnostics::Kind::rule_join, "join",
      R"(Conditions are opaque to the checker: it does not know which way a run takes. So both branches of an `if` must leave the same states and
the same outages, and the body of a run-time loop must change neither. `unless S == v { }` is the test that informs: its block must leave S at v and
nothing else different. The rule cannot be waived.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
probe full(h: host) -> bool { return (run("test", "-e", "/run/full") on h exits 0, 1).code == 0 }

action update(h: host) {
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  if full(node1) {
    update(node1)
  }
  await in_service(node1)
}
)upg",
      // fixed
      UPG_EXAMPLE_HEAD R"upg(
probe full(h: host) -> bool { return (run("test", "-e", "/run/full") on h exits 0, 1).code == 0 }

action update(h: host) {
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  if full(node1) {
    update(node1)
    await in_service(node1)
  }
}
)upg",
      check, false};
}

}  // namespace upg::safety
