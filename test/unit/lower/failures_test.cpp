// What a plan says about failures: attempts, aborts, tolerance, accepted outages; and its windows.
#include "test/unit/lower/support.h"

namespace upg::lower_test {
namespace {

TEST(Attempt, HoldsItsBlockItsRecoveriesAndItsEnd) {
  EXPECT_EQ(
      body_tree(
          "attempt 3 { base.reboot(db1)  await in_service(db1) } recover when base.mode == open { await base.calm } "
          "recover when true { ask \"go on?\" } otherwise { await base.up(db1) }"),
      "block\n  attempt 3\n    block\n      act base.reboot\n        host db1\n      await\n        in_service\n"
      "          host db1\n    recover\n      equal\n        cell_value\n          cell base.mode\n        text "
      "\"open\"\n"
      "      block\n        await\n          gate base.calm\n    recover\n      boolean 1\n      block\n        "
      "confirm \"go on?\"\n    block\n      await\n        gate base.up\n          host db1\n");
}

TEST(Attempt, SeesWhatStandsBeforeItAndKeepsWhatItBinds) {
  EXPECT_NE(statement_messages("attempt 2 { let a = base.load(db1)  expect a < 5 } recover when a > 1 { ask \"x\" }")
                .find("`a` is not declared"),
            std::string::npos);
  EXPECT_EQ(statement_messages("let a = base.load(db1)\nattempt 2 { expect a < 5 } recover when a > 1 { ask \"x\" }"),
            "");
}

TEST(Attempt, IsNoPlaceForPhasesOrAPointOfNoReturn) {
  EXPECT_NE(statement_messages("attempt 2 { phase a { await base.calm } } recover when true { ask \"x\" }")
                .find("phases stand on the spine"),
            std::string::npos);
}

TEST(Abort, HasABlockOfItsOwn) {
  const plan::Plan plan = plan_of(
      "upgrade u of lab { on abort { let a = base.load(db1)  expect a < 5 } let a = base.load(db2)  expect a < 5\n"
      "point of no return \"why\" }");
  EXPECT_EQ(tree(plan, plan.on_abort),
            "block\n  let $0\n    ask_probe base.load\n      host db1\n  expect_true\n    less\n      local $0\n      "
            "number 5\n");
  EXPECT_EQ(plan.frame.slots.size(), 2u);
}

TEST(Abort, WhatOnlyItReachesIsPartOfThePlan) {
  const plan::Plan plan =
      plan_of("upgrade u of lab { on abort { base.reboot(db1) } await base.calm  point of no return \"why\" }");
  EXPECT_TRUE(has(plan, plan.actions, "base.reboot"));
}

TEST(Tolerance, IsANumberOfThePlanAndAMarkOfARollout) {
  const plan::Plan plan = plan_of(
      "upgrade u of lab { tolerate 2  rolling n in base.web tolerant { base.reboot(n) } rolling n in base.db { "
      "base.reboot(n) } }");
  EXPECT_EQ(plan.tolerate, 2u);
  ASSERT_EQ(plan.rollouts.size(), 2u);
  EXPECT_TRUE(plan.rollouts[0].tolerant);
  EXPECT_FALSE(plan.rollouts[1].tolerant);
}

TEST(Tolerance, OfARolloutThatIsNotReachedNeedsNoNumber) {
  const std::string fleet = "procedure fleet { rolling n in base.web tolerant { base.reboot(n) } }\n";
  const std::string_view missing = "the plan does not say how many hosts may be lost";
  EXPECT_EQ(messages(compile(fleet + "upgrade u of lab { await base.calm }")).find(missing), std::string::npos);
  EXPECT_NE(messages(compile(fleet + "upgrade u of lab { fleet() }")).find(missing), std::string::npos);
}

TEST(Outage, AcceptedForATime) {
  const plan::Plan plan = plan_of(
      "upgrade u of lab { accept outage of base.db for at most 15m reason \"why\" until 2026-12-31 { await base.calm } "
      "}");
  ASSERT_EQ(plan.waivers.size(), 1u);
  EXPECT_EQ(plan.text(plan.waivers[0].rule), "outage");
  EXPECT_EQ(plan.text(plan.roles[plan.waivers[0].role.index].name), "base.db");
  EXPECT_EQ(plan.waivers[0].at_most, 900'000);
  EXPECT_GT(plan.waivers[0].until, 0);
}

TEST(Windows, AreAsManyAsAreWritten) {
  const plan::Plan plan = plan_of(
      "upgrade u of lab { window \"2026-12-05 20:00\" for 10h tz \"UTC\"  window every \"Sat 20:00\" for 2h tz "
      "\"Europe/Berlin\"\n"
      "window every \"22:00\" for 1h tz \"UTC\"\n await base.calm }");
  ASSERT_EQ(plan.windows.size(), 3u);
  EXPECT_EQ(plan.windows[0].day, plan::WindowDay::date);
  EXPECT_EQ(plan.windows[1].day, plan::WindowDay::saturday);
  EXPECT_EQ(plan.windows[2].day, plan::WindowDay::daily);
}

TEST(Limit, IsPartOfThePlan) {
  const std::string_view text = "upgrade u of lab { rolling n in base.db { base.reboot(n) } }";
  EXPECT_FALSE(plan_of(text).limit.valid());
  const plan::Plan plan = plan_of(text, "db1, db2");
  EXPECT_EQ(plan.text(plan.limit), "db1, db2");
}

}  // namespace
}  // namespace upg::lower_test
