// Statements of plans and procedures.
#include "test/unit/lower/support.h"

namespace upg::lower_test {
namespace {

TEST(Statements, EverySimpleOne) {
  EXPECT_EQ(body_tree(R"(
  await in_service(all)
  await stoppable(db1)
  expect base.mode == open
  expect load(db1) < 5
  let x = load(db1)
  if x > 5 { ask "go on?" } else if x > 3 { await base.calm } else { await base.up(db1) }
  unless base.release(db1) == new { base.reboot(db1) }
  at most 2h { await base.calm }
  operator "look at it" takes 1m..5m
  parallel { await base.up(db1) } and { await base.up(db2) }
  point of no return "no way back")"),
            "block\n  await\n    in_service\n      set {db1,db2,db3,web1}\n  await\n    stoppable\n      host db1\n  "
            "expect_value 1\n    cell base.mode\n"
            "  expect_true\n    less\n      ask_probe base.load\n        host db1\n      number 5\n  let $0\n    "
            "ask_probe base.load\n      host db1\n"
            "  branch\n    greater\n      local $0\n      number 5\n    block\n      confirm \"go on?\"\n    block\n   "
            "   branch\n        greater\n          local $0\n          number 3\n"
            "        block\n          await\n            gate base.calm\n        block\n          await\n            "
            "gate base.up\n              host db1\n"
            "  unless 2\n    cell base.release\n      host db1\n    block\n      act base.reboot\n        host db1\n  "
            "at_most 7200000\n    block\n      await\n        gate base.calm\n"
            "  act operator step\n  parallel\n    block\n      await\n        gate base.up\n          host db1\n    "
            "block\n      await\n        gate base.up\n          host db2\n"
            "  no_return \"no way back\"\n");
}

TEST(Statements, ATypedAnswerOfAPersonIsALet) {
  EXPECT_EQ(body_tree("let id = ask \"which ticket?\" -> int\nif id > 5 { await base.calm }"),
            "block\n  let $0\n    ask_person \"which ticket?\" 4\n  let $1\n    builtin int\n      local $0\n  "
            "branch\n    greater\n"
            "      local $1\n      number 5\n    block\n      await\n        gate base.calm\n    block\n");
  EXPECT_EQ(body_tree("let sure = ask \"really?\" -> bool\nif sure { await base.calm }"),
            "block\n  let $0\n    ask_person \"really?\" 4\n  let $1\n    choose\n      within\n        local $0\n     "
            "   list\n"
            "          text \"yes\"\n          text \"y\"\n      boolean 1\n      choose\n        within\n          "
            "local $0\n"
            "          list\n            text \"no\"\n            text \"n\"\n        boolean 0\n"
            "        no_answer \"the answer is neither yes nor no\"\n  branch\n    local $1\n    block\n      await\n"
            "        gate base.calm\n    block\n");
}

TEST(Statements, ConsecutivePhasesAreOneGraph) {
  const plan::Plan plan = plan_of(R"(upgrade u of lab {
  phase a { await base.calm }
  phase b after a { await base.calm }
  phase c after a { await base.calm }
  phase d after c, b { await base.calm }
  await base.calm
  phase e { await base.calm }
})");
  EXPECT_EQ(tree(plan, plan.body),
            "block\n  dag\n    phase a\n      block\n        await\n          gate base.calm\n    phase b\n      "
            "block\n        await\n          gate base.calm\n    phase c\n      block\n"
            "        await\n          gate base.calm\n    phase d\n      block\n        await\n          gate "
            "base.calm\n  await\n    gate base.calm\n  dag\n    phase e\n      block\n        await\n"
            "          gate base.calm\n");
  EXPECT_EQ(named(plan, plan.phases, "d").after, (std::vector<std::uint32_t>{1, 2}));
}

TEST(Statements, AcceptWithoutABlockHoldsToTheEndOfTheBlock) {
  const plan::Plan plan = plan_of(R"(upgrade u of lab {
  await base.calm
  accept serial of base.db reason "tried" until 2027-01-01
  accept starve of base.quiet reason "tried" { await base.calm }
  await base.up(db1)
})");
  EXPECT_EQ(tree(plan, plan.body),
            "block\n  await\n    gate base.calm\n  accept serial\n    block\n      accept starve\n        block\n      "
            "    await\n            gate base.calm\n      await\n        gate base.up\n          host db1\n");
  ASSERT_EQ(plan.waivers.size(), 2u);
  EXPECT_EQ(plan.waivers[0].until == 0 ? plan.waivers[1].until : plan.waivers[0].until, 1798848000);
}

TEST(Rollouts, VisitRanksFromTheLeastSensitiveUp) {
  const plan::Plan plan =
      plan_of("upgrade u of lab { rolling n in all at most 1h { base.reboot(n)  await in_service(n) } }");
  EXPECT_EQ(tree(plan, plan.body),
            "block\n  roll $0 {web1,db1,db2,db3} batch 1\n    block\n      act base.reboot\n        local $0\n      "
            "await\n        in_service\n          local $0\n");
  EXPECT_EQ(plan.rollouts[0].at_most, 3'600'000);
}

TEST(Rollouts, OptionsAreKept) {
  const plan::Plan plan = plan_of(
      "upgrade u of lab { rolling n in base.db batch 2 canary 1 soak 10m { base.reboot(n) } rolling n in base.db batch "
      "1 per host.rack { base.reboot(n) } }");
  ASSERT_EQ(plan.rollouts.size(), 2u);
  EXPECT_EQ(plan.rollouts[0].batch, 2u);
  EXPECT_EQ(plan.rollouts[0].canary, 1u);
  EXPECT_EQ(plan.rollouts[0].soak, 600'000);
  EXPECT_EQ(plan.text(plan.rollouts[1].per), "rack");
  EXPECT_EQ(plan.rollouts[1].per_batch, 1u);
  EXPECT_EQ(plan.rollouts[1].batch, 3u);
}

TEST(Rollouts, ForWithoutEffectsIsAVisit) {
  EXPECT_EQ(
      body_tree("for n in base.db { await base.up(n) }\nfor n in base.db where n.name != \"db2\" { base.reboot(n)  "
                "await in_service(n) }"),
      "block\n  visit $0 {db1,db2,db3} batch 1\n    block\n      await\n        gate base.up\n          local $0\n"
      "  roll $1 {db1,db3} batch 1\n    block\n      act base.reboot\n        local $1\n      await\n        "
      "in_service\n          local $1\n");
}

TEST(Rollouts, WhatAProcedureDoesCountsAsDone) {
  EXPECT_EQ(body_tree("for n in base.db { first(n) }",
                      "procedure first(h: host) { second(h) }\nprocedure second(h: host) { base.reboot(h) }"),
            "block\n  roll $0 {db1,db2,db3} batch 1\n    block\n      call first\n        local $0\n");
}

TEST(Rollouts, AdmitStandsBeforeTheRestOfItsIteration) {
  EXPECT_EQ(body_tree("rolling n in base.db { admit { await base.calm  await base.up(n) } base.reboot(n) }"),
            "block\n  roll $0 {db1,db2,db3} batch 1\n    block\n      await\n        gate base.calm\n      await\n     "
            "   gate base.up\n          local $0\n      act base.reboot\n        local $0\n");
}

TEST(Rollouts, LimitLeavesHostsOutOfRolloutsButNotOfQuestions) {
  const plan::Plan plan = plan_of(
      "upgrade u of lab { finally every n in base.db: base.release(n) == new\n for n in base.db { await base.up(n) } "
      "rolling n in base.db { base.reboot(n) } rolling n in base.web { base.reboot(n) } }",
      "db2");
  EXPECT_EQ(tree(plan, plan.body),
            "block\n  visit $0 {db1,db2,db3} batch 1\n    block\n      await\n        gate base.up\n          local "
            "$0\n  roll $1 {db2} batch 1\n    block\n      act base.reboot\n        local $1\n");
  EXPECT_EQ(plan.sets[named(plan, plan.roles, "base.db").hosts.index].hosts.size(), 3u);
  ASSERT_EQ(plan.finally.size(), 1u);
  EXPECT_EQ(plan.sets[plan.finally[0].hosts.index].hosts.size(), 1u);
}

TEST(Rollouts, HostsDeclaredOutAreNotVisited) {
  const plan::Plan plan = plan_of(
      "repair r of lab { host db2 out \"burnt\"\n rolling n in base.db { base.reboot(n) } await in_service(all) }");
  EXPECT_EQ(tree(plan, plan.body),
            "block\n  roll $0 {db1,db3} batch 1\n    block\n      act base.reboot\n        local $0\n  await\n    "
            "in_service\n      set {db1,db3,web1}\n");
  EXPECT_EQ(plan.kind, plan::PlanKind::repair);
  EXPECT_EQ(plan.sets[named(plan, plan.roles, "base.db").hosts.index].hosts.size(), 3u);
}

TEST(Loops, OverRunTimeDataAreBounded) {
  EXPECT_EQ(body_tree("for x in facts(db1).list where x != \"\" if any at most 50 { migrate(db1, x) }",
                      "action migrate(h: host, x: string) { changes base.db on h  run(\"m\", x) on h  takes 1s..1m }"),
            "block\n  for_data $0 50\n    field \"list\"\n      ask_probe base.facts\n        host db1\n    differ\n   "
            "   local $0\n      text \"\"\n    block\n      act migrate\n        host db1\n        local $0\n");
}

TEST(Claims, AreAboutHostsOfASetOneHostOrTheCluster) {
  const plan::Plan plan = plan_of(
      "upgrade u of lab { initially every n in base.db: base.release(n) == old, base.mode == closed\n finally "
      "base.release(web1) == new\n await base.calm }");
  ASSERT_EQ(plan.initially.size(), 2u);
  EXPECT_EQ(plan.sets[plan.initially[0].hosts.index].hosts.size(), 3u);
  EXPECT_FALSE(plan.initially[1].hosts.valid());
  ASSERT_EQ(plan.finally.size(), 1u);
  EXPECT_EQ(plan.finally[0].value, 2u);
}

TEST(Head, OfAnUpgradeIsKept) {
  const plan::Plan plan = plan_of(R"(upgrade u of lab {
  from "1" to "2"
  window every "Sat 20:00" for 10h tz "Europe/Berlin"
  exclusive "one", "two"
  preflight { await base.calm }
  await base.calm
  postflight { await base.calm }
})");
  EXPECT_EQ(plan.text(plan.from), "1");
  EXPECT_EQ(plan.text(plan.cluster), "lab");
  ASSERT_EQ(plan.windows.size(), 1u);
  EXPECT_EQ(plan.windows[0].minute, 20u * 60);
  EXPECT_EQ(plan.exclusive.size(), 2u);
  EXPECT_TRUE(plan.preflight.valid());
  EXPECT_TRUE(plan.postflight.valid());
}

TEST(Plans, KeepWhatTheyReachAndDropTheRest) {
  const compiler::Compiled compiled = compile(R"(
probe never(h: host) -> int { return load(h) }
action not_done(h: host) { changes base.db on h  run("x") on h  takes 1s..1m }
procedure not_called(h: host) { not_done(h) }
upgrade u of lab { await base.calm })");
  ASSERT_TRUE(compiled.plan.has_value()) << messages(compiled);
  const plan::Plan &plan = *compiled.plan;
  EXPECT_FALSE(has(plan, plan.probes, "never"));
  EXPECT_FALSE(has(plan, plan.actions, "not_done"));
  EXPECT_FALSE(has(plan, plan.procedures, "not_called"));
  EXPECT_TRUE(has(plan, plan.roles, "base.db"));
  EXPECT_TRUE(has(plan, plan.gates, "base.db_spare"));  // a role's
  EXPECT_EQ(plan.files.size(), 2u);
}

TEST(Plans, AreTheSameForTheSameText) {
  const std::string_view text = "upgrade u of lab { rolling n in all { base.reboot(n)  await in_service(n) } }";
  const plan::Plan a = plan_of(text), b = plan_of(text);
  EXPECT_EQ(tree(a, a.body), tree(b, b.body));
  EXPECT_EQ(a.strings, b.strings);
  EXPECT_EQ(a.integers, b.integers);
  EXPECT_EQ(a.spans.size(), b.spans.size());
}

TEST(Plans, OfAnyDepthEndInAMessage) {
  std::string deep = "1";
  for (int i = 0; i < 400; ++i) deep += " + load(db1)";
  const compiler::Compiled compiled = compile("gate g { pass when " + deep + " > 0 }\nupgrade u of lab { await g }");
  EXPECT_FALSE(compiled.plan.has_value());
  EXPECT_NE(messages(compiled).find("E0531"), std::string::npos) << messages(compiled);
}

TEST(Statements, AfterAMistakeTheRestIsStillRead) {
  const std::string said = statement_messages("base.up(db1)\nbase.load(db1)\nawait base.load(db1)");
  EXPECT_NE(said.find("gate `base.up` is no step of a plan"), std::string::npos) << said;
  EXPECT_NE(said.find("probe `base.load` is no step of a plan"), std::string::npos) << said;
}

}  // namespace
}  // namespace upg::lower_test
