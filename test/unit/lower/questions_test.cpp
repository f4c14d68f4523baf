// Probes, gates and states.
#include "test/unit/lower/support.h"

namespace upg::lower_test {
namespace {

TEST(Probes, BranchesBecomeChoicesAndLetsBindings) {
  EXPECT_EQ(probe_tree("probe p(h: host) -> string {\n  let n = load(h)\n  if n > 5 { return \"busy\" } else if n > 1 "
                       "{ let m = n * 2  if m == 4 { return \"two\" } }\n  return \"calm\"\n}"),
            "bind $1\n  ask_probe base.load\n    local $0\n  choose\n    greater\n      local $1\n      number 5\n    "
            "text \"busy\"\n    choose\n      greater\n"
            "        local $1\n        number 1\n      bind $2\n        multiply\n          local $1\n          number "
            "2\n        choose\n          equal\n            local $2\n"
            "            number 4\n          text \"two\"\n          text \"calm\"\n      text \"calm\"\n");
}

TEST(Gates, PassAndFailAreJoinedWithOrAndGetTheLetsTheyRead) {
  const plan::Plan plan = plan_of(R"(
gate g(h: host) {
  let a = load(h)
  let b = facts(h)
  pass when a < 5
  pass when b.ok
  fail when a > 100
  poll 10s for 30m
  stable 3
  watches base.db, base.quiet
}
upgrade u of lab { await g(db1)  with base.quiet { await base.calm } })");
  const plan::Gate &gate = named(plan, plan.gates, "g");
  EXPECT_EQ(tree(plan, gate.pass),
            "bind $1\n  ask_probe base.load\n    local $0\n  bind $2\n    ask_probe base.facts\n      local $0\n"
            "    either\n      less\n        local $1\n        number 5\n      field \"ok\"\n        local $2\n");
  EXPECT_EQ(tree(plan, gate.fail),
            "bind $1\n  ask_probe base.load\n    local $0\n  greater\n    local $1\n    number 100\n");
  EXPECT_EQ(gate.poll, 10'000);
  EXPECT_EQ(gate.deadline, 1'800'000);
  EXPECT_EQ(gate.stable, 3u);
  EXPECT_EQ(gate.watch_kind, plan::WatchKind::written);
  ASSERT_EQ(gate.watches.size(), 2u);
  EXPECT_TRUE(gate.watches[0].role.valid());
  EXPECT_TRUE(gate.watches[1].hold.valid());
}

TEST(Gates, WithoutPollAGateIsAskedOnceAndWatchesWhatItsProbesTouch) {
  const plan::Plan plan = plan_of(
      "gate g { pass when every d in base.db: load(d) < 5 }\ngate n { pass when load(db1) < 5  watches nothing "
      "}\nupgrade u of lab { await g  await n }");
  EXPECT_EQ(named(plan, plan.gates, "g").deadline, 0);
  EXPECT_EQ(named(plan, plan.gates, "g").stable, 1u);
  EXPECT_EQ(named(plan, plan.gates, "g").watch_kind, plan::WatchKind::unwritten);
  EXPECT_EQ(named(plan, plan.gates, "n").watch_kind, plan::WatchKind::nothing);
}

TEST(Gates, ClearsNamesTheRolesWhoseGuestsAreGone) {
  const plan::Plan plan =
      plan_of("gate g(h: host) { pass when load(h) == 0  clears base.db on h }\nupgrade u of lab { await g(db1) }");
  ASSERT_EQ(named(plan, plan.gates, "g").clears.size(), 1u);
}

TEST(States, ValuesBootMovesAndTaints) {
  const plan::Plan plan = plan_of(R"(
state s(h: host) { one, transient two, three }  observe base.release_of(h)
  on boot two -> three
  while one..two taints base.calm
  while three taints base.calm, base.up
upgrade u of lab { await base.calm  expect s(db1) == one })");
  const plan::State &state = named(plan, plan.states, "s");
  ASSERT_EQ(state.values.size(), 3u);
  EXPECT_TRUE(state.values[1].transient);
  ASSERT_EQ(state.on_boot.size(), 1u);
  EXPECT_EQ(state.on_boot[0].from, 1u);
  EXPECT_EQ(state.on_boot[0].to, 2u);
  ASSERT_EQ(state.taints.size(), 2u);
  EXPECT_EQ(state.taints[0].values, (std::vector<std::uint32_t>{0, 1}));
}

TEST(HostSets, ADynamicSetKeepsItsCondition) {
  const plan::Plan plan = plan_of(
      "hosts busy = d in base.db where load(d) > 5\ngate g { pass when load(any busy) > 5 }\nupgrade u of lab { await "
      "g }");
  const plan::HostSet &set = named(plan, plan.sets, "busy");
  EXPECT_EQ(set.hosts.size(), 3u);
  EXPECT_EQ(tree(plan, set.condition), "greater\n  ask_probe base.load\n    local $0\n  number 5\n");
}

}  // namespace
}  // namespace upg::lower_test
