#include <gtest/gtest.h>

#include "test/unit/safety/plan_builder.h"

namespace upg::safety::testing {
namespace {

TEST(Guard, MissingBeforeReboot) {
  Trio t;
  EXPECT_EQ(checked(t.finish({t.roll(t.members, {},
                                     [&](auto n) {
                                       return Ns{t.act(t.reboot, {n()}), t.in_service(n())};
                                     })})),
            "E1003 `reboot` on node1 may start without `member_spare(node1)`\n"
            "  1 node1 starts reboot with member_spare(node1) never asked\n");
}

TEST(Guard, TheFixSpeaksAsTheSourceDoes) {
  Trio t;
  diagnostics::Sink sink;
  const N act = t.act(t.reboot, {t.local(0)});  // in a procedure: its parameter
  const plan::ProcedureId restart = t.procedure("restart", {act, t.in_service(t.local(0))});
  check(t.finish({t.roll(t.members, {}, [&](auto n) { return Ns{t.call(restart, {n()})}; })}), 0, sink);
  ASSERT_EQ(sink.all().size(), 1u);
  ASSERT_EQ(sink.all()[0].fixes.size(), 1u);
  EXPECT_EQ(sink.all()[0].fixes[0].edits[0].replacement, "await stoppable(h)  ");
  EXPECT_EQ(sink.all()[0].fixes[0].edits[0].range.begin, t.p.span(act).begin);
  EXPECT_EQ(sink.all()[0].fixes[0].edits[0].range.end, t.p.span(act).begin);
}

TEST(Guard, AskedAfterTheStep) {
  Trio t;
  diagnostics::Sink sink;
  check(t.finish({t.roll(t.members, {},
                         [&](auto n) {
                           return Ns{t.act(t.reboot, {n()}), t.stoppable(n()), t.in_service(n())};
                         })}),
        0, sink);
  ASSERT_EQ(sink.all().size(), 1u);
  ASSERT_FALSE(sink.all()[0].secondary.empty());
  EXPECT_EQ(sink.all()[0].secondary[0].text, "it is asked here, after the step that needs it");
}

TEST(Guard, AskedAboutAnotherHost) {
  Trio t;
  diagnostics::Sink sink;
  check(t.finish({t.stoppable(t.host_node(t.node2)), t.act(t.reboot, {t.host_node(t.node1)}),
                  t.in_service(t.host_node(t.node1))}),
        0, sink);
  ASSERT_EQ(sink.all().size(), 1u);
  EXPECT_EQ(sink.all()[0].message, "`reboot` on node1 may start without `member_spare(node1)`");
  ASSERT_FALSE(sink.all()[0].secondary.empty());
  EXPECT_EQ(sink.all()[0].secondary[0].text, "asked here, but about another host: node2");
}

TEST(Guard, StaleNamesWhatMadeItSo) {
  Trio t;
  EXPECT_EQ(checked(t.finish({t.roll(
                t.members, {},
                [&](auto n) {
                  return Ns{t.stoppable(n()), t.act(t.upgrade, {n()}), t.act(t.reboot, {n()}), t.in_service(n())};
                })})),
            "E1003 `reboot` on node1 may start with a stale gate: `member_spare(node1)`\n"
            "  1 node1 passes stoppable\n"
            "  2 node1 starts upgrade, which makes member_spare(node1) stale\n"
            "  3 node1 starts reboot\n");
}

TEST(Guard, AReturnIntoServiceMakesStale) {
  Trio t;
  EXPECT_EQ(checked(t.finish(
                {t.roll(t.members, {},
                        [&](auto n) {
                          return Ns{t.stoppable(n()), t.in_service(n()), t.act(t.reboot, {n()}), t.in_service(n())};
                        })})),
            "E1003 `reboot` on node1 may start with a stale gate: `member_spare(node1)`\n"
            "  1 node1 passes stoppable\n"
            "  2 node1 is in service again, which makes member_spare(node1) stale\n"
            "  3 node1 starts reboot\n");
}

TEST(Guard, InOneBranchOnly) {
  Trio t;
  EXPECT_EQ(
      checked(t.finish({t.roll(t.members, {},
                               [&](auto n) {
                                 return Ns{t.branch({t.stoppable(n())}, {}), t.act(t.reboot, {n()}), t.in_service(n())};
                               })})),
      "E1003 `reboot` on node1 may start without `member_spare(node1)`, which is asked on one way only\n"
      "  1 takes the way on which member_spare(node1) is not asked\n"
      "  2 node1 starts reboot\n");
}

TEST(Guard, OnBothBranchesIsEnough) {
  Trio t;
  EXPECT_EQ(
      checked(t.finish({t.roll(
          t.members, {},
          [&](auto n) {
            return Ns{t.branch({t.stoppable(n())}, {t.stoppable(n())}), t.act(t.reboot, {n()}), t.in_service(n())};
          })})),
      "");
}

TEST(Guard, ATurnForgetsWhatAnotherAsked) {
  Trio t;
  EXPECT_EQ(checked(t.finish({t.roll(t.members, {}, [&](auto) { return Ns{t.stoppable(t.host_node(t.node1))}; }),
                              t.act(t.reboot, {t.host_node(t.node1)}), t.in_service(t.host_node(t.node1))})),
            "E1003 `reboot` on node1 may start without `member_spare(node1)`\n"
            "  1 node1 starts reboot with member_spare(node1) never asked\n");
}

TEST(Guard, AskedOnceBeforeAllTurnsIsStaleInTheSecond) {
  Trio t;
  const plan::GateId calm = t.cluster_gate("calm", {t.member});
  const plan::ActionId careful = t.action("careful", {t.changes(t.member)}, {t.need_gate(calm, false)});
  EXPECT_EQ(checked(t.finish({t.await(calm), t.roll(t.members, {},
                                                    [&](auto n) {
                                                      return Ns{t.act(careful, {n()}), t.in_service(n())};
                                                    })})),
            "E1003 `careful` on node2 may start with a stale gate: `calm`\n"
            "  1 passes calm\n"
            "  2 node1 starts careful, which makes calm stale\n"
            "  3 node2 starts careful\n");
}

TEST(Guard, AGateThatWatchesNothingStaysKnown) {
  Trio t;
  const plan::GateId calm = t.quiet_gate("calm");
  const plan::ActionId careful = t.action("careful", {t.changes(t.member)}, {t.need_gate(calm, false)});
  EXPECT_EQ(checked(t.finish({t.await(calm), t.roll(t.members, {},
                                                    [&](auto n) {
                                                      return Ns{t.act(careful, {n()}), t.in_service(n())};
                                                    })})),
            "");
}

TEST(Guard, SomethingBesideItMakesItStale) {
  Trio t(false);
  const plan::RoleId web = t.role("web", {PlanBuilder::available(plan::AvailableKind::may_be_down)});
  t.usual_gates(web);
  const plan::HostId other = t.host("other", {web});
  const plan::ActionId change = t.action("change", {t.changes(web)});
  const plan::GateId calm = t.cluster_gate("calm", {web});
  const plan::ActionId careful = t.action("careful", {t.changes(t.member)}, {t.need_gate(calm, false)});
  EXPECT_EQ(checked(t.finish({t.parallel(
                {{t.await(calm), t.act(careful, {t.host_node(t.node1)}), t.in_service(t.host_node(t.node1))},
                 {t.act(change, {t.host_node(other)}), t.in_service(t.host_node(other))}})})),
            "E1003 `careful` on node1 may start with a stale gate: `calm`\n"
            "  1 passes calm\n"
            "  2 other starts change, which makes calm stale\n"
            "  3 node1 starts careful\n");
}

TEST(Guard, WhatReachesARoleReachesItsHosts) {
  Trio t;
  const plan::RoleId other = t.role("other", {PlanBuilder::available(plan::AvailableKind::may_be_down)});
  t.usual_gates(other);
  const plan::HostId away = t.host("away", {other});
  const plan::GateId whole = t.own_gate("whole");  // watches its host
  const plan::ActionId careful = t.action("careful", {t.changes(t.member)}, {t.need_gate(whole)});
  const plan::ActionId careful_other = t.action("careful_other", {t.changes(other)}, {t.need_gate(whole)});
  const plan::ActionId swap = t.action("swap", {t.node(Op::reaches, t.member.index, 0, {})}, {}, false);
  const auto plan_for = [&](plan::HostId host, plan::ActionId action) -> plan::Plan & {
    return t.finish({t.await(whole, {t.host_node(host)}), t.act(swap, {}), t.act(action, {t.host_node(host)}),
                     t.in_service(t.host_node(host))});
  };
  EXPECT_EQ(checked(plan_for(t.node1, careful)),
            "E1003 `careful` on node1 may start with a stale gate: `whole(node1)`\n"
            "  1 passes whole(node1)\n"
            "  2 starts swap, which makes whole(node1) stale\n"
            "  3 node1 starts careful\n");
  EXPECT_EQ(checked(plan_for(away, careful_other)), "");
}

TEST(Guard, AlreadyDownNeedsNoSecondStoppable) {
  Trio t;
  const plan::GateId off = t.host_gate("off", {t.member});
  const plan::ActionId again = t.action("again", {t.disrupts(t.member)}, {t.need_gate(off)});
  EXPECT_EQ(checked(t.finish({t.roll(t.members, {},
                                     [&](auto n) {
                                       return Ns{t.stoppable(n()), t.act(t.reboot, {n()}), t.await(off, {n()}),
                                                 t.act(again, {n()}), t.in_service(n())};
                                     })})),
            "");
}

TEST(Guard, DestroyingNeedsAGateOfItsOwn) {
  Trio t;
  const plan::ActionId wipe = t.action("wipe", {t.destroys()});
  EXPECT_EQ(checked(t.finish({t.stoppable(t.host_node(t.node1)), t.act(wipe, {t.host_node(t.node1)})})),
            "E1003 `wipe` on node1 may start without any gate that is about it\n"
            "  1 node1 starts wipe with no gate about it known\n");
}

TEST(Guard, TheDestroyedDoesNotAnswerForItself) {
  const auto wiped = [](bool alone, bool out) {
    Trio t;
    const plan::RoleId store = t.role("store", {PlanBuilder::available(plan::AvailableKind::may_be_down)});
    t.usual_gates(store);
    const plan::HostId disk1 = t.host("disk1", {store});
    const plan::HostId disk2 = alone ? plan::HostId() : t.host("disk2", {store});
    if (out) t.p.hosts[disk2.index].out_reason = t.b.string("dead");
    const plan::GateId whole = t.cluster_gate("whole", {store});
    const N any = t.node(Op::on_any, 0, 0, {t.set_node(t.all_of(store))});
    t.p.gates[whole.index].pass = t.node(Op::run, 0, 0, {any, t.b.text("whole", t.where())});
    const plan::ActionId wipe = t.action("wipe", {t.destroys()}, {t.need_gate(whole, false)});
    return checked(t.finish({t.await(whole), t.act(wipe, {t.host_node(disk1)})}));
  };
  const std::string refused =
      "E1003 `wipe` on disk1 may start without any gate that is about it\n"
      "  1 disk1 starts wipe with no gate about it known\n";
  EXPECT_EQ(wiped(true, false), refused);
  EXPECT_EQ(wiped(false, true), refused);
  EXPECT_EQ(wiped(false, false), "");
}

TEST(Guard, AcceptedByTheNameOfTheHold) {
  Trio t;
  const plan::HoldId apart = t.hold("apart", false, {t.destroys()});
  EXPECT_EQ(checked(t.finish({t.accept("guard", {t.with(apart, {}, {t.confirm()})}, {}, apart)})), "");
  Trio u;
  const plan::HoldId same = u.hold("apart", false, {u.destroys()});
  const plan::HoldId named = u.hold("other");
  EXPECT_EQ(checked(u.finish({u.accept("guard", {u.with(same, {}, {u.confirm()})}, {}, named)})),
            "E1003 taking hold `apart` may start without any gate that is about it\n"
            "  1 takes hold apart with no gate about it known\n"
            "W1001 the waiver of `guard` lifts nothing\n");
}

TEST(Guard, RelianceNamesTheAwait) {
  Trio t;
  const N asked = t.stoppable(t.host_node(t.node1));
  const N act = t.act(t.reboot, {t.host_node(t.node1)});
  const Proof p = proof(t.finish({asked, act, t.in_service(t.host_node(t.node1))}));
  ASSERT_EQ(p.reliances.size(), 1u);
  EXPECT_EQ(p.reliances[0].act, act);
  EXPECT_EQ(p.reliances[0].awaits, Ns{asked});
}

}  // namespace
}  // namespace upg::safety::testing
