#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

/// What the two ways are called: of an `if`, an `unless`, a run-time loop.
struct Ways {
  std::string_view first, second;
};
Ways ways(StepKind kind) {
  switch (kind) {
    case StepKind::loop:
      return {"after the body of the loop", "if the list is empty"};
    case StepKind::unless:
      return {"after the block", "if it is skipped"};
    default:
      return {"after the first branch", "after the other"};
  }
}

void outage(Analysis &a, const Uneven &u) {
  const Ways way = ways(a.tree[u.step].kind);
  const std::string pair = a.pair_text(u.pair), state = u.open.changing ? "under change" : "down";
  auto out = a.report(diagnostics::Kind::rule_join, a.range(u.step),
                      pair + " is still " + state + ' ' + std::string(u.first ? way.first : way.second) + ", but not " +
                          std::string(u.first ? way.second : way.first));
  out.label(a.range(u.open.opener), (u.open.changing ? "under change from here" : "down from here"));
  out.note("the checker does not know which way a run takes, so what follows must find the same outages on each");
  a.step(out, u.open.opener);
  out.step("", "goes on with " + pair + ' ' + state, {});
  const std::string host = a.spelled(u.open.opener, a.site.pair_host(u.pair));
  out.help(a.tree.below(u.open.opener, u.step) ? "write `await in_service(" + host + ")` after it, on the same way"
                                               : "write `await in_service(" + host + ")` on both ways, or after them");
}

void state(Analysis &a, const Uneven &u) {
  const Step &step = a.tree[u.step];
  const Ways way = ways(step.kind);
  const plan::StateId id = a.contracts.cell(u.cell).state;
  const std::string cell = '`' + a.contracts.cell_text(u.cell) + '`';
  const bool own = step.kind == StepKind::unless && u.cell == step.cell;
  auto out = a.report(diagnostics::Kind::rule_join, a.range(u.step),
                      cell + " is " + a.contracts.value_name(id, u.one) + ' ' + std::string(way.first) + ", but " +
                          a.contracts.value_name(id, u.other) + ' ' + std::string(way.second));
  if (own) {
    out.note("`unless S == v { }` is skipped where S is v already, so the block has to bring S to v");
    out.help("run the action in it that moves " + cell + " to " + a.contracts.value_name(id, u.other));
  } else {
    out.note("the checker does not know which way a run takes, so what follows must find the same states on each");
    out.help("move the state by `unless " + a.contracts.cell_text(u.cell) +
             " == ... { }`, the test that the checker follows");
  }
}

void check(Analysis &a) {
  for (const Uneven &u : a.flow.uneven()) {
    if (!a.first(diagnostics::Kind::rule_join, a.tree[u.step].node)) continue;
    if (u.cell != kNone)
      state(a, u);
    else
      outage(a, u);
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
