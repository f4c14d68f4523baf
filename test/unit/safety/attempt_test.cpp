#include <gtest/gtest.h>

#include "test/unit/safety/plan_builder.h"

/// Failures that the plan goes on from: `attempt` and `on abort`, and accepted outages.
namespace upg::safety::testing {
namespace {

std::string code(const std::string &said) { return said.substr(0, 5); }

// ---- attempt

TEST(Attempt, TriedAgainAfterTheHostIsBack) {
  Trio t;
  const auto n = [&] { return t.host_node(t.node1); };
  EXPECT_EQ(checked(t.finish({t.attempt(3, t.turn(n), {{t.in_service(n())}})})), "");
}
TEST(Attempt, TriedAgainWhileTheHostMayBeDown) {
  Trio t;
  const auto n = [&] { return t.host_node(t.node1); };
  EXPECT_EQ(checked(t.finish({t.attempt(2, t.turn(n), {{t.confirm()}})})),
            "E1017 `reboot` on node1 may start while node1 is down\n"
            "  1 node1 starts reboot\n"
            "  2 node1 after a failure, starts reboot while node1 is down: node1 cannot be reached\n");
}
TEST(Attempt, WhatWasKnownBeforeIsForgotten) {
  Trio t;
  const auto n = [&] { return t.host_node(t.node1); };
  const std::string said = checked(
      t.finish({t.stoppable(n()), t.attempt(2, {t.act(t.reboot, {n()}), t.in_service(n())}, {{t.in_service(n())}})}));
  EXPECT_EQ(code(said), "E1003") << said;
}
TEST(Attempt, TheRecoveryMayAsk) {
  Trio t;
  const auto n = [&] { return t.host_node(t.node1); };
  EXPECT_EQ(checked(t.finish({t.stoppable(n()), t.attempt(2, {t.act(t.reboot, {n()}), t.in_service(n())},
                                                          {{t.in_service(n()), t.stoppable(n())}})})),
            "");
  Trio u;
  const auto m = [&] { return u.host_node(u.node1); };
  const std::string said =
      checked(u.finish({u.stoppable(m()), u.attempt(2, {u.act(u.reboot, {m()}), u.in_service(m())},
                                                    {{u.in_service(m()), u.stoppable(m())}, {u.in_service(m())}})}));
  EXPECT_EQ(code(said), "E1003") << said;  // one of the recoveries does not
}
TEST(Attempt, TheRecoveryTouchesAnotherHostMeanwhile) {
  Trio t;
  const auto n = [&] { return t.host_node(t.node1); };
  const std::string said = checked(t.finish({t.attempt(2, t.turn(n), {t.turn_of(t.node2)}), t.in_service_all()}));
  EXPECT_EQ(code(said), "E1001") << said;
}
TEST(Attempt, ARolloutInItIsLookedAtOneFailureAtATime) {
  Trio t;
  EXPECT_EQ(checked(t.finish(
                {t.attempt(2, {t.roll(t.members, {}, [&](auto n) { return t.turn(n); })}, {{t.in_service_all()}})})),
            "");
}
TEST(Attempt, AHoldThatStaysHeldStarves) {
  Trio t;
  const plan::GateId well = t.cluster_gate("well");
  const plan::HoldId quiet = t.hold("quiet", false, {}, {well});
  const auto n = [&] { return t.host_node(t.node1); };
  const std::string said =
      checked(t.finish({t.attempt(2, {t.await(well), t.with(quiet, {}, t.turn(n))}, {{t.in_service(n())}})}));
  EXPECT_EQ(code(said), "E1008") << said;
  Trio u;
  const plan::GateId fine = u.cluster_gate("well");
  const plan::HoldId calm = u.hold("quiet", false, {}, {fine});
  const auto m = [&] { return u.host_node(u.node1); };
  EXPECT_EQ(checked(u.finish({u.await(fine), u.with(calm, {}, {u.attempt(2, u.turn(m), {{u.in_service(m())}})})})), "");
}
TEST(Attempt, MovedStatesAreUnknownUntilTheyAreAsked) {
  for (const bool asks : {true, false}) {
    Trio t;
    const plan::StateId os = t.state("os", {"old", "new"});
    const plan::ActionId go = t.action("go", {t.moves(os, {0}, 1)});
    t.p.initially.push_back({os, t.members, 0, t.where()});
    const auto n = [&] { return t.host_node(t.node1); };
    const Ns body = asks ? Ns{t.unless(os, {n()}, 1, {t.act(go, {n()})})} : Ns{t.act(go, {n()})};
    const std::string said = checked(t.finish({t.attempt(2, body, {{t.confirm()}})}));
    EXPECT_EQ(said.empty() ? "" : code(said), asks ? "" : "E1006") << said;
  }
}
TEST(Attempt, AStepThatMayStartOnceIsNotTriedAgain) {
  Trio t;
  const plan::ActionId convert = t.action("convert", {t.changes(t.member)});
  t.p.actions[convert.index].once = true;
  const auto n = [&] { return t.host_node(t.node1); };
  const std::string said =
      checked(t.finish({t.attempt(2, {t.act(convert, {n()}), t.in_service(n())}, {{t.in_service(n())}})}));
  EXPECT_EQ(code(said), "E1012") << said;
}
TEST(Attempt, ARecoveryMayRunTwiceFromThreeRoundsOn) {
  for (const std::uint32_t rounds : {2u, 3u}) {
    Trio t;
    const plan::ActionId mend = t.action("mend", {t.changes(t.member)});
    t.p.actions[mend.index].once = true;
    const auto n = [&] { return t.host_node(t.node1); };
    const std::string said =
        checked(t.finish({t.attempt(rounds, {t.stoppable(n()), t.act(t.reboot, {n()}), t.in_service(n())},
                                    {{t.in_service(n()), t.act(mend, {n()}), t.in_service(n())}})}));
    EXPECT_EQ(said.empty() ? "" : code(said), rounds == 2 ? "" : "E1012") << said;
  }
}
TEST(Attempt, RecoveriesComeInAnyOrder) {
  for (const std::uint32_t rounds : {2u, 3u}) {
    Trio t;
    const plan::RoleId client = t.role("client", {t.available(plan::AvailableKind::may_be_down)});
    t.usual_gates(client);
    const plan::HostId desk = t.host("desk", {client});
    plan::Order order;
    order.groups = {{{t.member}}, {{client}}};
    order.where = t.where();
    t.p.orders.push_back(order);
    const plan::ActionId update = t.action("update", {t.changes(client)});
    const auto n = [&] { return t.host_node(t.node1); };
    const auto d = [&] { return t.host_node(desk); };
    const std::string said = checked(t.finish(
        {t.attempt(rounds, {t.in_service(n())},
                   {{t.act(t.upgrade, {n()}), t.in_service(n())}, {t.act(update, {d()}), t.in_service(d())}})}));
    EXPECT_EQ(said.empty() ? "" : code(said), rounds == 2 ? "" : "E1009") << said;
  }
}
TEST(Attempt, OtherwiseIsProvedToo) {
  Trio t;
  const auto n = [&] { return t.host_node(t.node1); };
  const std::string said =
      checked(t.finish({t.attempt(2, t.turn(n), {{t.in_service(n())}}, t.turn_of(t.node2)), t.in_service_all()}));
  EXPECT_EQ(code(said), "E1001") << said;
}

// ---- on abort

struct Abort : Trio {
  plan::StateId os;
  plan::ActionId go, back;
  Abort() {
    os = state("os", {"old", "new"});
    go = action("go", {moves(os, {0}, 1), changes(member)});
    back = action("back", {moves(os, {1}, 0), changes(member)});
    p.initially.push_back({os, members, 0, where()});
  }
  N n1() { return host_node(node1); }
};

TEST(OnAbort, TakesBackWhatMayHaveHappened) {
  Abort t;
  t.on_abort({t.in_service_all(), t.unless(t.os, {t.n1()}, 0, {t.act(t.back, {t.n1()}), t.in_service(t.n1())})});
  EXPECT_EQ(checked(t.finish({t.act(t.go, {t.n1()}), t.in_service_all(), t.no_return()})), "");
}
TEST(OnAbort, TheStateIsNotKnown) {
  Abort t;
  t.on_abort({t.in_service_all(), t.act(t.back, {t.n1()}), t.in_service_all()});
  const std::string said = checked(t.finish({t.act(t.go, {t.n1()}), t.in_service_all(), t.no_return()}));
  EXPECT_EQ(code(said), "E1006") << said;
}
TEST(OnAbort, AnotherHostMayStillBeDown) {
  Abort t;
  const auto n = [&] { return t.n1(); };
  Ns body = t.turn_of(t.node2);
  body.push_back(t.in_service_all());
  t.on_abort(body);
  Ns plan = t.turn(n);
  plan.push_back(t.no_return());
  const std::string said = checked(t.finish(plan));
  EXPECT_EQ(code(said), "E1001") << said;
}
TEST(OnAbort, WhatComesAfterThePointIsNotItsMatter) {
  Abort t;
  Ns abort = {t.in_service_all()};
  for (const N n : t.turn_of(t.node2)) abort.push_back(n);
  t.on_abort(abort);
  Ns plan = {t.no_return()};
  for (const N n : t.turn_of(t.node1)) plan.push_back(n);
  EXPECT_EQ(checked(t.finish(plan)), "");
}
TEST(OnAbort, EndsWithEverythingBack) {
  Abort t;
  t.on_abort({t.confirm()});
  const std::string said = checked(t.finish({t.act(t.go, {t.n1()}), t.in_service_all(), t.no_return()}));
  EXPECT_EQ(said,
            "E1005 `member` of node1 is still under change when the abort ends\n"
            "  1 node1 starts go\n"
            "  2 the run is halted and aborted\n"
            "  3 the abort ends with `member` of node1 under change\n");
}
TEST(OnAbort, NoGateIsKnownWhenItStarts) {
  Abort t;
  t.on_abort({t.in_service_all(), t.act(t.reboot, {t.n1()}), t.in_service_all()});
  const std::string said = checked(t.finish({t.stoppable(t.n1()), t.no_return(), t.confirm()}));
  EXPECT_EQ(code(said), "E1003") << said;
}
TEST(OnAbort, HasNoPointOfNoReturn) {
  Abort t;
  t.on_abort({t.in_service_all(), t.no_return()});
  EXPECT_EQ(checked(t.finish({t.in_service_all(), t.confirm()})), "E1022 a point of no return in an abort\n");
}

// ---- accepted outages

TEST(Outage, LiftsTheBudgetOfItsRoleInsideOnly) {
  for (const bool accepted : {true, false}) {
    Trio t;
    const plan::ActionId all = t.action("all_down", {t.disrupts_each(t.member)}, {}, false);
    const N body = t.block({t.act(all, {}), t.in_service_all()});
    const std::string said = checked(t.finish({accepted ? t.accept("outage", {body}, t.member) : body}));
    EXPECT_EQ(said.empty() ? "" : code(said), accepted ? "" : "E1001") << said;
  }
}
TEST(Outage, DoesNotOutliveItsBlock) {
  Trio t;
  const plan::ActionId all = t.action("all_down", {t.disrupts_each(t.member)}, {}, false);
  const std::string said = checked(t.finish({t.accept("outage", {t.act(all, {})}, t.member), t.in_service_all()}));
  EXPECT_NE(said.find("E1025 `member` of node1 is still down when the block ends that accepts its outage"),
            std::string::npos)
      << said;
}
TEST(Outage, NothingBesideOpensTheRole) {
  Trio t(false);
  const N inside = t.accept("outage", t.turn_of(t.node1), t.member);
  const std::string said = checked(t.finish({t.parallel({{inside}, t.turn_of(t.node2)})}));
  EXPECT_NE(said.find("E1025"), std::string::npos) << said;
}
TEST(Outage, OtherRolesAreProvedAsWithoutIt) {
  Trio t;
  const plan::RoleId other = t.role("other", {PlanBuilder::all_but(0)});
  t.usual_gates(other);
  t.p.hosts[t.node1.index].roles.push_back(other);
  const std::string said = checked(t.finish({t.accept("outage", t.turn_of(t.node1), t.member)}));
  EXPECT_EQ(code(said), "E1001") << said;
}

}  // namespace
}  // namespace upg::safety::testing
