#include <algorithm>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

using diagnostics::Kind;

void check(Analysis &a) {
  constexpr std::int64_t kDay = 86'400;
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    const Step &step = a.tree[s];
    if (step.kind != StepKind::accept || !a.first(Kind::rule_waiver, step.node)) continue;
    const std::uint32_t index = a.plan.node(step.node).a;
    const plan::Waiver &w = a.plan.waivers[index];
    const std::string name(a.plan.text(w.rule));
    const std::span<const Rule> table = rules();
    const auto rule = std::find_if(table.begin(), table.end(), [&](const Rule &r) { return r.name == name; });
    const bool outage = name == "outage";
    if (!outage && rule == table.end()) {
      a.report(Kind::rule_waiver, a.range(w.where), "there is no rule `" + name + "` to accept a breach of")
          .help("`upgc explain --list` shows the rules");
      continue;
    }
    if (!outage && !rule->waivable) {
      a.report(Kind::rule_waiver, a.range(w.where), "a breach of `" + name + "` cannot be accepted")
          .note("what the other rules prove rests on it");
      continue;
    }
    if (w.until != 0 && w.until <= a.today * kDay) {
      a.report(
           Kind::rule_waiver, a.range(w.where),
           "the waiver of `" + name + "` has expired " + std::to_string(a.today - (w.until - 1) / kDay) + " days ago")
          .note("its reason was: " + std::string(a.plan.text(w.reason)))
          .help("mend the plan, or have the risk accepted again with a new date");
      continue;
    }
    if (!a.used(index)) {
      a.report(Kind::rule_unused_waiver, a.range(w.where), "the waiver of `" + name + "` lifts nothing")
          .help("remove it: what is accepted should be read as a risk that is taken");
    }
  }
}

}  // namespace

Rule waiver_rule() {
  return {
      Kind::rule_waiver, "waiver",
      R"(`accept RULE reason "..." until DATE { }` lifts one rule inside its block, for the named role or hold. A waiver whose date has passed, one
of a rule that does not exist, and one of a rule that the others rest on are errors.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
action update(h: host) {
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  accept serial of member reason "the lab has no clients" until 2020-12-31 {
    parallel {
      update(node1)
      await in_service(node1)
    } and {
      update(node2)
      await in_service(node2)
    }
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
  accept serial of member reason "the lab has no clients" until 2999-12-31 {
    parallel {
      update(node1)
      await in_service(node1)
    } and {
      update(node2)
      await in_service(node2)
    }
  }
}
)upg",
      check, false};
}
Rule unused_waiver_rule() {
  return {Kind::rule_unused_waiver, "unused_waiver",
          R"(A waiver that lifts nothing should go: who reads the plan takes it for a risk that is run.)",
          // failing
          UPG_EXAMPLE_HEAD R"upg(
action update(h: host) {
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  accept serial of member reason "in a hurry" {
    update(node1)
    await in_service(node1)
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
}
)upg",
          nullptr, false};
}

}  // namespace upg::safety
