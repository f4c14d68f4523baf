#include <gtest/gtest.h>

#include "test/unit/safety/plan_builder.h"

namespace upg::safety::testing {
namespace {

TEST(Avail, OneHostAfterTheOtherIsFine) {
  Trio t;
  EXPECT_EQ(checked(t.finish({t.roll(t.members, {}, [&](auto n) { return t.turn(n); })})), "");
}

TEST(Avail, WorstMomentOfASequence) {
  Trio t;
  const Proof result = proof(t.finish({t.roll(t.members, {}, [&](auto n) { return t.turn(n); })}));
  ASSERT_EQ(result.worst.size(), 2u);
  EXPECT_EQ(result.worst[1].total, 3u);
  EXPECT_EQ(result.worst[1].down, 1u);
  EXPECT_EQ(result.worst[1].budget, 1u);
  ASSERT_EQ(result.worst[1].hosts.size(), 1u);
}

TEST(Avail, BatchOfTwo) {
  Trio t(false);
  EXPECT_EQ(checked(t.finish({t.roll(t.members, batch(2), [&](auto n) { return t.turn(n); })})),
            "E1001 `member` would fall below its policy: 1 of 3 votes up, 2 needed\n"
            "  1 node1 starts reboot\n"
            "  2 node2 starts reboot while node1 is down: 1 of 3 votes up, 2 needed\n");
}

TEST(Avail, TwoRolloutsInParallelPhases) {
  Trio t;
  const plan::SetId one = t.set({t.node1}), rest = t.set({t.node2, t.node3});
  EXPECT_EQ(checked(t.finish({t.dag({t.phase("a", {}, {t.roll(one, {}, [&](auto n) { return t.turn(n); })}),
                                     t.phase("b", {}, {t.roll(rest, {}, [&](auto n) { return t.turn(n); })})})})),
            "E1001 `member` would fall below its policy: 1 of 3 votes up, 2 needed\n"
            "  1 node1 starts reboot\n"
            "  2 node2 starts reboot while node1 is down: 1 of 3 votes up, 2 needed\n");
}

TEST(Avail, OrderedPhasesAreFine) {
  Trio t;
  const plan::SetId one = t.set({t.node1}), rest = t.set({t.node2, t.node3});
  EXPECT_EQ(checked(t.finish({t.dag({t.phase("a", {}, {t.roll(one, {}, [&](auto n) { return t.turn(n); })}),
                                     t.phase("b", {0}, {t.roll(rest, {}, [&](auto n) { return t.turn(n); })})})})),
            "");
}

TEST(Avail, AHypervisorTakesItsGuestDown) {
  Trio t;
  const plan::RoleId carrier = t.role("carrier", {PlanBuilder::all_but(1)});
  t.usual_gates(carrier);
  const plan::HostId big = t.host("big", {carrier});
  t.p.hosts[t.node2.index].guest_of = carrier;
  const std::string said = checked(t.finish({t.parallel({t.turn_of(t.node1), t.turn_of(big)})}));
  EXPECT_EQ(said.substr(0, said.find("E1005")),
            "E1001 `member` would fall below its policy: 1 of 3 votes up, 2 needed\n"
            "  1 node1 starts reboot\n"
            "  2 big starts reboot, which takes node2 down with it while node1 is down: 1 of 3 votes up, 2 needed\n");
}

TEST(Avail, AGateThatClearsTheCarrierSparesTheGuest) {
  Trio t;
  const plan::RoleId carrier = t.role("carrier", {PlanBuilder::all_but(1)});
  t.usual_gates(carrier);
  const plan::HostId big = t.host("big", {carrier});
  t.p.hosts[t.node2.index].guest_of = carrier;
  const plan::GateId empty = t.host_gate("empty", {carrier});
  t.p.gates[empty.index].clears = {carrier};
  const plan::ActionId careful = t.action("careful", {t.disrupts_all(), t.boot()}, {t.need_gate(empty)});
  EXPECT_EQ(checked(t.finish({t.stoppable(t.host_node(big)), t.await(empty, {t.host_node(big)}),
                              t.act(careful, {t.host_node(big)}), t.in_service(t.host_node(big))})),
            "");
}

TEST(Avail, RacksCountOnce) {
  for (const bool one_rack : {true, false}) {
    PlanBuilder b;
    plan::Available line = PlanBuilder::all_but(1);
    line.of = b.b.string("rack");
    const plan::RoleId osd = b.role("osd", {line});
    b.usual_gates(osd);
    b.host("a1", {osd}, "a");
    b.host("a2", {osd}, "a");
    b.host("b1", {osd}, one_rack ? "a" : "b");
    const plan::ActionId stop = b.action("stop", {b.disrupts(osd)});
    const std::string said = checked(b.finish({b.roll(b.all_of(osd), batch(3), [&](auto n) {
      return Ns{b.stoppable(n()), b.act(stop, {n()}), b.in_service(n())};
    })}));
    EXPECT_EQ(said.find("E1001") == std::string::npos, one_rack) << said;
  }
}

TEST(Avail, VotesWeigh) {
  PlanBuilder b;
  const plan::RoleId member = b.role("member", {PlanBuilder::quorum()});
  b.usual_gates(member);
  b.host("heavy", {member}, {}, 3);
  b.host("light1", {member});
  b.host("light2", {member});
  const plan::ActionId stop = b.action("stop", {b.disrupts(member)});
  EXPECT_EQ(checked(b.finish({b.roll(b.all_of(member), {},
                                     [&](auto n) {
                                       return Ns{b.stoppable(n()), b.act(stop, {n()}), b.in_service(n())};
                                     })})),
            "E1001 `member` would fall below its policy: 2 of 5 votes up, 3 needed\n"
            "  1 heavy starts stop: 2 of 5 votes up, 3 needed\n");
}

TEST(Avail, ADeadHostIsCountedAsDown) {
  Trio t;
  t.p.hosts[t.node3.index].out_reason = t.b.string("dead");
  const plan::SetId alive = t.set({t.node1, t.node2});
  EXPECT_EQ(checked(t.finish({t.roll(alive, {}, [&](auto n) { return t.turn(n); })})),
            "E1001 `member` would fall below its policy: 1 of 3 votes up, 2 needed\n"
            "  1 node1 starts reboot: 1 of 3 votes up, 2 needed\n");
}

TEST(Avail, PerRackBudgetsHoldInEach) {
  for (const std::uint32_t per : {1u, 2u}) {
    PlanBuilder b;
    plan::Available line = PlanBuilder::all_but(1);
    line.per = b.b.string("rack");
    const plan::RoleId worker = b.role("worker", {line});
    b.usual_gates(worker);
    for (const char *name : {"a1", "a2", "a3"}) b.host(name, {worker}, "a");
    for (const char *name : {"b1", "b2"}) b.host(name, {worker}, "b");
    const plan::ActionId stop = b.action("stop", {b.disrupts(worker)});
    RollOptions o = batch(4);
    o.per = "rack";
    o.per_batch = per;
    const std::string said =
        checked(b.finish({b.roll(b.all_of(worker), o,
                                 [&](auto n) {
                                   return Ns{b.stoppable(n()), b.act(stop, {n()}), b.in_service(n())};
                                 })}),
                0, per != 1);  // turns of one group are taken to overlap, but never do
    EXPECT_EQ(said.find("E1001") == std::string::npos, per == 1) << said;
  }
}

TEST(Serial, TwoPartsAtOnce) {
  Trio t;
  EXPECT_EQ(
      checked(t.finish({t.parallel({{t.act(t.upgrade, {t.host_node(t.node1)}), t.in_service(t.host_node(t.node1))},
                                    {t.act(t.upgrade, {t.host_node(t.node2)}), t.in_service(t.host_node(t.node2))}})})),
      "E1002 two hosts of `member` would be under change at once: node1 and node2\n"
      "  1 node1 starts upgrade\n"
      "  2 node2 starts upgrade while node1 is under change: `member` is serial\n");
}

TEST(Serial, NotProvenBackBeforeTheNext) {
  Trio t;
  const std::string said = checked(t.finish(
      {t.act(t.upgrade, {t.host_node(t.node1)}), t.act(t.upgrade, {t.host_node(t.node2)}), t.in_service_all()}));
  EXPECT_EQ(said,
            "E1002 two hosts of `member` would be under change at once: node1 and node2\n"
            "  1 node1 starts upgrade\n"
            "  2 node2 starts upgrade while node1 is under change: `member` is serial\n");
}

TEST(Serial, TwoWithinOneTurn) {
  Trio t;
  const auto two = [&](auto n) {
    return Ns{t.act(t.upgrade, {t.host_node(t.node3)}), t.act(t.upgrade, {n()}), t.in_service(n()),
              t.in_service(t.host_node(t.node3))};
  };
  EXPECT_EQ(checked(t.finish({t.roll(t.set({t.node1}), {}, two)})),
            "E1002 two hosts of `member` would be under change at once: node3 and node1\n"
            "  1 node3 starts upgrade\n"
            "  2 node1 starts upgrade while node3 is under change: `member` is serial\n");
}

/// What the turn opens outlives it: that is told, and nothing else.
TEST(Serial, LeftByATurn) {
  Trio t;
  const std::string said = checked(
      t.finish({t.roll(t.members, {}, [&](auto n) { return Ns{t.act(t.upgrade, {n()})}; }), t.in_service_all()}));
  EXPECT_NE(said.find("E1005"), std::string::npos) << said;
  EXPECT_EQ(said.find("E1002"), std::string::npos) << said;
}

/// A rollout over a whole class in the turn of a host of another class.
TEST(Serial, AWholeClassInATurnOfAnother) {
  for (const bool one : {true, false}) {
    PlanBuilder b;
    const plan::RoleId db = b.role("db", {PlanBuilder::available(plan::AvailableKind::may_be_down)}, true);
    const plan::RoleId web = b.role("web", {PlanBuilder::available(plan::AvailableKind::may_be_down)});
    b.usual_gates(db);
    b.usual_gates(web);
    for (int i = 0; i < 9; ++i) b.host("db" + std::to_string(i), {db});
    b.host("web", {web});
    const plan::ActionId upgrade = b.action("upgrade", {b.changes(db)});
    const auto inner = [&](auto m) { return Ns{b.act(upgrade, {m()}), b.in_service(m())}; };
    const std::string said = checked(b.finish(
        {b.roll(b.all_of(web), {}, [&](auto) { return Ns{b.roll(b.all_of(db), batch(one ? 1 : 2), inner)}; })}));
    EXPECT_EQ(said.find("E1002") == std::string::npos, one) << said;
  }
}

TEST(Serial, AnAcceptedBreachIsLiftedForItsRoleOnly) {
  Trio t;
  const auto both = [&] {
    return t.parallel({{t.act(t.upgrade, {t.host_node(t.node1)}), t.in_service(t.host_node(t.node1))},
                       {t.act(t.upgrade, {t.host_node(t.node2)}), t.in_service(t.host_node(t.node2))}});
  };
  const N inside = both();
  EXPECT_EQ(checked(t.finish({t.accept("serial", {inside}, t.member)})), "");
  Trio u;
  const N again = u.parallel({{u.act(u.upgrade, {u.host_node(u.node1)}), u.in_service(u.host_node(u.node1))},
                              {u.act(u.upgrade, {u.host_node(u.node2)}), u.in_service(u.host_node(u.node2))}});
  EXPECT_EQ(checked(u.finish({u.accept("serial", {again}, u.alive())})),
            "E1002 two hosts of `member` would be under change at once: node1 and node2\n"
            "  1 node1 starts upgrade\n"
            "  2 node2 starts upgrade while node1 is under change: `member` is serial\n"
            "W1001 the waiver of `serial` lifts nothing\n");
}

TEST(Serial, AManyHostClassInOneBatch) {
  PlanBuilder b;
  const plan::RoleId db = b.role("db", {PlanBuilder::available(plan::AvailableKind::may_be_down)}, true);
  b.usual_gates(db);
  for (int i = 0; i < 50; ++i) b.host("db" + std::to_string(i), {db});
  const plan::ActionId upgrade = b.action("upgrade", {b.changes(db)});
  const auto plan_of = [&](std::uint32_t k) {
    return b.roll(b.all_of(db), batch(k), [&](auto n) { return Ns{b.act(upgrade, {n()}), b.in_service(n())}; });
  };
  EXPECT_EQ(checked(b.finish({plan_of(1)})), "");
  EXPECT_EQ(checked(b.finish({plan_of(2)})),
            "E1002 two hosts of `db` would be under change at once: db0 and db1\n"
            "  1 db0 starts upgrade\n"
            "  2 db1 starts upgrade while db0 is under change: `db` is serial\n");
}

TEST(Avail, HalfOfAThousand) {
  for (const std::uint32_t k : {500u, 501u}) {
    PlanBuilder b;
    plan::Available line = PlanBuilder::available(plan::AvailableKind::at_least_percent, 500'000);
    const plan::RoleId web = b.role("web", {line});
    b.usual_gates(web);
    for (int i = 0; i < 1000; ++i) b.host("web" + std::to_string(i), {web});
    const plan::ActionId stop = b.action("stop", {b.disrupts(web)});
    const std::string said = checked(b.finish({b.roll(b.all_of(web), batch(k), [&](auto n) {
      return Ns{b.stoppable(n()), b.act(stop, {n()}), b.in_service(n())};
    })}));
    EXPECT_EQ(said.find("E1001") == std::string::npos, k == 500) << said;
  }
}

}  // namespace
}  // namespace upg::safety::testing
