#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "test/unit/safety/plan_builder.h"

namespace upg::safety::testing {
namespace {

// ---- BASE

TEST(Base, ProvenInThePreflight) {
  Trio t;
  EXPECT_EQ(checked(t.finish({t.act(t.upgrade, {t.host_node(t.node1)}), t.in_service_all()})), "");
}
TEST(Base, NothingProven) {
  Trio t;
  EXPECT_EQ(checked(t.finish({t.act(t.upgrade, {t.host_node(t.node1)}), t.in_service_all()}, false)),
            "E1004 `upgrade` on node1 may start while `member` is not proven healthy on node1, node2, node3\n"
            "  1 node1 starts upgrade with the health of node1, node2, node3 unknown\n");
}
TEST(Base, ProvenByAPartThatRunsBeside) {
  Trio t;
  EXPECT_EQ(
      checked(t.finish({t.in_service(t.host_node(t.node1)), t.in_service(t.host_node(t.node2)),
                        t.parallel({{t.in_service(t.host_node(t.node3))},
                                    {t.act(t.upgrade, {t.host_node(t.node1)}), t.in_service(t.host_node(t.node1))}})},
                       false)),
      "E1004 `upgrade` on node1 may start while `member` is not proven healthy on node3\n"
      "  1 node1 starts upgrade with the health of node3 unknown\n");
}
TEST(Base, ADeadHostNeedsNoProof) {
  Trio t;
  t.p.hosts[t.node3.index].out_reason = t.b.string("dead");
  EXPECT_EQ(checked(t.finish({t.in_service(t.host_node(t.node1)), t.in_service(t.host_node(t.node2)),
                              t.act(t.upgrade, {t.host_node(t.node1)}), t.in_service(t.host_node(t.node1))},
                             false)),
            "");
}

// ---- RET

TEST(Return, StillDownAtTheEndOfATurn) {
  Trio t;
  EXPECT_EQ(checked(t.finish({t.roll(t.set({t.node1}), {},
                                     [&](auto n) {
                                       return Ns{t.stoppable(n()), t.act(t.reboot, {n()})};
                                     }),
                              t.in_service_all()})),
            "E1005 `member` of node1 is still down when its turn ends\n"
            "  1 node1 starts reboot\n"
            "  2 node1 ends its turn with `member` of node1 down\n");
}
TEST(Return, StillUnderChangeAtTheEndOfThePlan) {
  Trio t;
  EXPECT_EQ(checked(t.finish({t.act(t.upgrade, {t.host_node(t.node1)})})),
            "E1005 `member` of node1 is still under change when the plan ends\n"
            "  1 node1 starts upgrade\n"
            "  2 the plan ends with `member` of node1 under change\n");
}
TEST(Return, AskedBeforeItWentDownDoesNotCount) {
  Trio t;
  const std::string said = checked(t.finish({t.roll(t.set({t.node1}), {}, [&](auto n) {
    return Ns{t.in_service(n()), t.stoppable(n()), t.act(t.reboot, {n()})};
  })}));
  EXPECT_EQ(said.substr(0, 5), "E1005") << said;
}
TEST(Return, ATurnRepairsOnlyItsOwnHost) {
  Trio t(false);
  const std::string said =
      checked(t.finish({t.act(t.upgrade, {t.host_node(t.node1)}),
                        t.roll(t.set({t.node2}), {}, [&](auto) { return Ns{t.in_service(t.host_node(t.node1))}; })}));
  EXPECT_EQ(said.substr(0, 5), "E1005") << said;
  Trio u(false);
  EXPECT_EQ(checked(u.finish({u.act(u.upgrade, {u.host_node(u.node1)}),
                              u.roll(u.set({u.node1}), {}, [&](auto n) { return Ns{u.in_service(n())}; })})),
            "");
}

// ---- STATE, END, ARM

struct Packages : Trio {
  plan::StateId packages;
  plan::ActionId install, finish_up;
  Packages() {
    packages = state("packages", {"old", "armed", "new"}, "armed");
    install = action("install", {moves(packages, {0}, 1)});
    undo(install);
    finish_up = action("finish_up", {moves(packages, {1}, 2)});
    claim(p.initially, 0);
    claim(p.finally, 2);
  }
  void claim(std::vector<plan::CellClaim> &list, std::uint32_t value) {
    list.push_back({packages, members, value, where()});
  }
};

TEST(State, FollowedThroughTheTurns) {
  Packages t;
  EXPECT_EQ(checked(t.finish({t.roll(t.members, {},
                                     [&](auto n) {
                                       return Ns{t.act(t.install, {n()}), t.act(t.finish_up, {n()})};
                                     })})),
            "");
}
TEST(State, MovedTwice) {
  Packages t;
  t.p.finally.clear();
  EXPECT_EQ(checked(t.finish({t.act(t.finish_up, {t.host_node(t.node1)})})),
            "E1006 `finish_up` on node1 may start while `packages(node1)` is `old`, but it moves it from `armed`\n"
            "  1 node1 starts finish_up while packages(node1) may be `old`\n");
}
TEST(State, UnknownWhereNothingSaysWhatItIs) {
  Packages t;
  t.p.initially.clear();
  t.p.finally.clear();
  const std::string said =
      checked(t.finish({t.act(t.install, {t.host_node(t.node1)}), t.act(t.finish_up, {t.host_node(t.node1)})}));
  EXPECT_EQ(
      said,
      "E1006 `install` on node1 may start while `packages(node1)` is `armed` or `new`, but it moves it from `old`\n"
      "  1 node1 starts install while packages(node1) may be `armed` or `new`\n");
}
TEST(State, UnlessInforms) {
  Packages t;
  t.p.initially.clear();
  t.p.states[t.packages.index].values = {{t.b.string("old"), false}, {t.b.string("new"), false}};
  const plan::ActionId go = t.action("go", {t.moves(t.packages, {0}, 1)});
  t.p.finally[0].value = 1;
  EXPECT_EQ(checked(t.finish({t.roll(t.members, {},
                                     [&](auto n) { return Ns{t.unless(t.packages, {n()}, 1, {t.act(go, {n()})})}; })})),
            "");
}
TEST(End, NotEveryHostIsThere) {
  Packages t;
  EXPECT_EQ(checked(t.finish({t.act(t.install, {t.host_node(t.node1)}), t.act(t.finish_up, {t.host_node(t.node1)})})),
            "E1018 `packages` of node2, node3 may be `old` when the plan ends\n"
            "  1 the plan ends with packages of node2, node3 at `old`\n");
}
TEST(End, OneHostIsMissedAmongMany) {
  PlanBuilder b;
  const plan::RoleId web = b.role("web", {PlanBuilder::available(plan::AvailableKind::may_be_down)});
  b.usual_gates(web);
  std::vector<plan::HostId> most;
  for (int i = 0; i < 40; ++i) {
    const plan::HostId h = b.host("web" + std::to_string(i), {web});
    if (i != 17) most.push_back(h);
  }
  const plan::StateId s = b.state("os", {"old", "new"});
  const plan::ActionId go = b.action("go", {b.moves(s, {0}, 1)});
  b.p.initially.push_back({s, b.all_of(web), 0, b.where()});
  b.p.finally.push_back({s, b.all_of(web), 1, b.where()});
  EXPECT_EQ(checked(b.finish({b.roll(b.set(most), {}, [&](auto n) { return Ns{b.act(go, {n()})}; })})),
            "E1018 `os` of web17 may be `old` when the plan ends\n"
            "  1 the plan ends with os of web17 at `old`\n");
}
TEST(Arm, LeftAtTheEndOfATurn) {
  Packages t;
  t.p.finally.clear();
  EXPECT_EQ(checked(t.finish({t.roll(t.set({t.node1}), {}, [&](auto n) { return Ns{t.act(t.install, {n()})}; })})),
            "E1011 `packages(node1)` may still be `armed` when the turn ends\n"
            "  1 node1 starts install\n"
            "  2 node1 ends its turn with packages(node1) still `armed`\n");
}
TEST(Arm, WhileAPersonIsWaitedFor) {
  Packages t;
  t.p.finally.clear();
  EXPECT_EQ(checked(t.finish(
                {t.act(t.install, {t.host_node(t.node1)}), t.confirm(), t.act(t.finish_up, {t.host_node(t.node1)})})),
            "E1011 `packages(node1)` may still be `armed` while a person is waited for\n"
            "  1 node1 starts install\n"
            "  2 waits for a person with packages(node1) still `armed`\n");
}
TEST(Arm, TheBootMovesIt) {
  Packages t;
  t.p.states[t.packages.index].on_boot.push_back({1, 2});
  EXPECT_EQ(checked(t.finish({t.roll(
                t.members, {},
                [&](auto n) {
                  return Ns{t.act(t.install, {n()}), t.stoppable(n()), t.act(t.reboot, {n()}), t.in_service(n())};
                })})),
            "");
}
TEST(Arm, ARestartThatIsNotMeantTo) {
  Packages t;
  const std::string said = checked(t.finish({t.roll(t.members, {}, [&](auto n) {
    return Ns{t.act(t.install, {n()}), t.stoppable(n()), t.act(t.reboot, {n()}), t.in_service(n()),
              t.act(t.finish_up, {n()})};
  })}));
  EXPECT_EQ(said,
            "E1011 `packages(node1)` may still be `armed` when `reboot` on node1 restarts the host\n"
            "  1 node1 starts install\n"
            "  2 node1 starts reboot with packages(node1) still `armed`\n");
}

// ---- HOLD, STARVE

TEST(Hold, Required) {
  Trio t;
  const plan::HoldId quiet = t.hold("quiet");
  const plan::ActionId careful = t.action("careful", {t.changes(t.member)}, {t.need_held(quiet)});
  EXPECT_EQ(checked(t.finish({t.with(quiet, {}, {t.act(careful, {t.host_node(t.node1)}), t.in_service_all()})})), "");
  Trio u;
  const plan::HoldId other = u.hold("quiet");
  const plan::ActionId again = u.action("careful", {u.changes(u.member)}, {u.need_held(other)});
  EXPECT_EQ(
      checked(u.finish({u.with(other, {}, {u.confirm()}), u.act(again, {u.host_node(u.node1)}), u.in_service_all()})),
      "E1007 `careful` on node1 may start without hold `quiet`\n"
      "  1 node1 starts careful while quiet is not held\n");
}
TEST(Hold, OfAnotherHost) {
  Trio t;
  const plan::HoldId drained = t.hold("drained", true);
  const plan::ActionId careful = t.action("careful", {t.changes(t.member)}, {t.need_held(drained, true)});
  EXPECT_EQ(checked(t.finish({t.with(drained, {t.host_node(t.node2)},
                                     {t.act(careful, {t.host_node(t.node1)}), t.in_service_all()})})),
            "E1007 `careful` on node1 may start without hold `drained(node1)`\n"
            "  1 node1 starts careful while drained(node1) is not held\n");
}
TEST(Hold, NotHeldBesideIt) {
  Trio t;
  const plan::HoldId quiet = t.hold("quiet");
  const plan::ActionId loud = t.action("loud", {t.changes(t.member)}, {t.need_free(quiet)});
  EXPECT_EQ(
      checked(t.finish({t.parallel({{t.with(quiet, {}, {t.confirm()})},
                                    {t.act(loud, {t.host_node(t.node1)}), t.in_service(t.host_node(t.node1))}})})),
      "E1007 `loud` on node1 may start while hold `quiet` is held\n"
      "  1 takes hold quiet\n"
      "  2 node1 starts loud\n");
}
TEST(Hold, GivenBackTooEarly) {
  Trio t;
  const plan::HoldId quiet = t.hold("quiet");
  const plan::ActionId careful = t.action("careful", {t.changes(t.member)}, {t.need_held(quiet)});
  EXPECT_EQ(checked(t.finish({t.with(quiet, {}, {t.act(careful, {t.host_node(t.node1)})}), t.in_service_all()})),
            "E1007 hold `quiet` is given back while `member` of node1 is under change\n"
            "  1 node1 starts careful\n"
            "  2 gives hold quiet back with `member` of node1 not proven back\n");
}
TEST(Hold, DownOnlyUnder) {
  Trio t;
  t.p.roles[t.member.index].down_only_under = t.hold("quiet");
  EXPECT_EQ(checked(t.finish({t.roll(t.members, {}, [&](auto n) { return t.turn(n); })})),
            "E1007 `reboot` on node1 may take `member` of node1 down without hold `quiet`\n"
            "  1 node1 starts reboot while quiet is not held: `member` of node1 goes down\n");
  Trio u;
  const plan::HoldId quiet = u.p.roles[u.member.index].down_only_under = u.hold("quiet");
  EXPECT_EQ(checked(u.finish({u.with(quiet, {}, {u.roll(u.members, {}, [&](auto n) { return u.turn(n); })})})), "");
}
TEST(Starve, AGateThatTheHoldTaints) {
  Trio t;
  const plan::GateId green = t.cluster_gate("green", {t.member});
  const plan::HoldId quiet = t.hold("quiet", false, {}, {green});
  EXPECT_EQ(checked(t.finish({t.with(quiet, {}, {t.await(green)})})),
            "E1008 `green` cannot pass while hold `quiet` is held\n");
  Trio u;
  const plan::GateId other = u.cluster_gate("green", {u.member});
  const plan::HoldId hold = u.hold("quiet", false, {}, {other});
  EXPECT_EQ(checked(u.finish({u.await(other), u.with(hold, {}, {u.confirm()}), u.await(other)})), "");
}
TEST(Starve, AnActionInsideAsksItAgain) {
  Trio t;
  const plan::GateId green = t.quiet_gate("green");
  const plan::HoldId quiet = t.hold("quiet", false, {}, {green});
  const plan::ActionId careful = t.action("careful", {t.changes(t.member)}, {t.need_gate(green, false)});
  EXPECT_EQ(checked(t.finish(
                {t.await(green), t.with(quiet, {}, {t.act(careful, {t.host_node(t.node1)}), t.in_service_all()})})),
            "E1008 `green` cannot pass while hold `quiet` is held\n");
}
TEST(Starve, AValueThatTaints) {
  Packages t;
  t.p.finally.clear();
  const plan::GateId green = t.own_gate("green");
  t.p.states[t.packages.index].taints.push_back({{1}, {green}});
  EXPECT_EQ(checked(t.finish({t.act(t.install, {t.host_node(t.node1)}), t.await(green, {t.host_node(t.node1)}),
                              t.act(t.finish_up, {t.host_node(t.node1)})})),
            "E1008 `green(node1)` cannot pass while `packages(node1)` is `armed`\n");
  Packages u;
  u.p.finally.clear();
  const plan::GateId other = u.own_gate("green");
  u.p.states[u.packages.index].taints.push_back({{1}, {other}});
  EXPECT_EQ(checked(u.finish({u.act(u.install, {u.host_node(u.node1)}), u.await(other, {u.host_node(u.node2)}),
                              u.act(u.finish_up, {u.host_node(u.node1)})})),
            "");
}

// ---- ORDER, RANK

struct Ordered : Trio {
  plan::RoleId store;
  plan::ActionId upgrade_store;
  explicit Ordered(bool each_host = false) {
    store = role("store", {all_but(1)});
    usual_gates(store);
    for (plan::Host &h : p.hosts) {
      h.roles.push_back(store);
      std::sort(h.roles.begin(), h.roles.end());
    }
    upgrade_store = action("upgrade_store", {changes(store)});
    p.orders.push_back({{{{member}}, {{store}}}, each_host, where()});
  }
  N members_turns() {
    return roll(members, {}, [&](auto n) { return Ns{act(upgrade, {n()}), in_service(n())}; });
  }
  N stores_turns() {
    return roll(members, {}, [&](auto n) { return Ns{act(upgrade_store, {n()}), in_service(n())}; });
  }
};

TEST(Order, AsDeclared) {
  Ordered t;
  EXPECT_EQ(checked(t.finish({t.members_turns(), t.stores_turns()})), "");
}
TEST(Order, TheOtherWayRound) {
  Ordered t;
  EXPECT_EQ(checked(t.finish({t.stores_turns(), t.members_turns()})),
            "E1009 `member` may be changed after `store`, but it must come before it\n"
            "  1 node1 starts upgrade_store\n"
            "  2 node1 starts upgrade: changes `member` after `store`\n");
}
TEST(Order, HostByHost) {
  const auto turns = [](Ordered &t) {
    return t.roll(t.members, {}, [&](auto n) {
      return Ns{t.act(t.upgrade, {n()}), t.in_service(n()), t.act(t.upgrade_store, {n()}), t.in_service(n())};
    });
  };
  Ordered each(true);
  EXPECT_EQ(checked(each.finish({turns(each)})), "");
  Ordered all;
  EXPECT_EQ(checked(all.finish({turns(all)})),
            "E1009 `member` may be changed after `store`, but it must come before it\n"
            "  1 node1 starts upgrade_store\n"
            "  2 node2 starts upgrade: changes `member` after `store`\n");
}
TEST(Order, StillUnderChange) {
  Ordered t;
  EXPECT_EQ(checked(t.finish({t.act(t.upgrade, {t.host_node(t.node1)}), t.act(t.upgrade_store, {t.host_node(t.node2)}),
                              t.in_service_all()})),
            "E1009 `store` may be changed while `member` of node1 is still under change\n"
            "  1 node1 starts upgrade\n"
            "  2 node2 starts upgrade_store while `member` of node1 is under change\n");
}
TEST(Order, DecidesBetweenUnorderedPhases) {
  Ordered t;
  const N dag = t.dag({t.phase("stores", {}, {t.stores_turns()}), t.phase("members", {}, {t.members_turns()})});
  const Proof p = proof(t.finish({dag}));
  ASSERT_EQ(p.phase_edges.size(), 1u);
  EXPECT_EQ(p.phase_edges[0].before, 1u);
  EXPECT_EQ(p.phase_edges[0].after, 0u);
  EXPECT_EQ(checked(t.p), "");
}
TEST(Rank, LeastSensitiveFirst) {
  for (const bool right : {true, false}) {
    Trio t;
    const plan::RoleId tape = t.role("tape", {PlanBuilder::available(plan::AvailableKind::may_be_down)});
    t.usual_gates(tape);
    const plan::HostId spare = t.host("spare", {tape});
    const plan::ActionId touch = t.action("touch", {t.changes(t.alive())});
    t.p.ranks.push_back({{tape, t.member}, t.where()});
    const auto turns = [&](plan::SetId set) {
      return t.roll(set, {}, [&](auto n) { return Ns{t.act(touch, {n()}), t.in_service(n())}; });
    };
    const plan::SetId low = t.set({spare});
    const N a = turns(right ? low : t.members), b = turns(right ? t.members : low);
    EXPECT_EQ(checked(t.finish({a, b})),
              right ? ""
                    : "E1010 spare may be visited for the first time after node1, which is more sensitive\n"
                      "  1 node1 is visited\n"
                      "  2 spare is visited after it\n");
  }
}

/// What is visited on one way through a condition only may be visited for the first time behind it.
TEST(Rank, AVisitOnOneWayIsNoneOnTheOther) {
  struct Case {
    const char *visits;  // h: of the host that ranks high, l: of the one that ranks low, -: of none
    bool sound;
  };
  const Case cases[] = {
      {"if l else - then h l", false}, {"if l else l then h l", true}, {"if h else - then l", false},
      {"if lh else - then l", true},   {"if hl else - then l", false}, {"if lh else l then h l", true},
      {"if h else l then l", false},   {"if l else h then -", true},   {"unless l then h l", false},
      {"unless lh then l", true},
  };
  for (const Case &c : cases) {
    Trio t;
    const plan::RoleId tape = t.role("tape", {PlanBuilder::available(plan::AvailableKind::may_be_down)});
    t.usual_gates(tape);
    const plan::HostId low = t.host("spare", {tape});
    const plan::ActionId touch = t.action("touch", {t.changes(t.alive())});
    const plan::StateId mode = t.state("mode", {"old", "new"});
    const plan::ActionId swap = t.action("swap", {t.moves(mode, {0}, 1)});
    t.p.ranks.push_back({{tape, t.member}, t.where()});
    const auto visits = [&](const std::string &who) {
      Ns out;
      for (const char h : who) {
        if (h == '-') continue;
        const plan::HostId host = h == 'l' ? low : t.node1;
        out.push_back(t.act(touch, {t.host_node(host)}));
        out.push_back(t.in_service(t.host_node(host)));
      }
      return out;
    };
    std::istringstream words(c.visits);
    std::string kind, one, other, word;
    words >> kind >> one >> word;
    if (kind == "if") words >> other >> word;
    Ns body;
    if (kind == "if") {
      body.push_back(t.branch(visits(one), visits(other)));
    } else {
      Ns inside = {t.act(swap, {t.host_node(low)})};
      for (const N n : visits(one)) inside.push_back(n);
      body.push_back(t.unless(mode, {t.host_node(low)}, 1, inside));
    }
    while (words >> word) {
      for (const N n : visits(word)) body.push_back(n);
    }
    const std::string said = checked(t.finish(body));
    EXPECT_EQ(said.find("E1010") == std::string::npos, c.sound) << c.visits << "\n" << said;
  }
}

// ---- ONCE

TEST(Once, InOnePlaceOnly) {
  Trio t;
  const plan::ActionId convert = t.action("convert", {t.changes(t.member)});
  t.p.actions[convert.index].once = true;
  EXPECT_EQ(checked(t.finish({t.branch({t.act(convert, {t.host_node(t.node1)}), t.in_service_all()},
                                       {t.act(convert, {t.host_node(t.node1)}), t.in_service_all()})})),
            "");
  Trio u;
  const plan::ActionId again = u.action("convert", {u.changes(u.member)});
  u.p.actions[again.index].once = true;
  EXPECT_EQ(checked(u.finish({u.act(again, {u.host_node(u.node1)}), u.in_service_all(),
                              u.act(again, {u.host_node(u.node1)}), u.in_service_all()})),
            "E1012 `convert` on node1 may start twice, but it is declared `once`\n"
            "  1 node1 starts convert\n"
            "  2 node1 starts convert again\n");
}

// ---- the structural rules

TEST(Hostx, TwoPartsOnOneHost) {
  Packages t;
  t.p.finally.clear();
  const plan::StateId other = t.state("other", {"a", "b"});
  t.p.initially.push_back({other, t.members, 0, t.where()});
  const plan::ActionId move = t.action("move", {t.moves(other, {0}, 1)});
  const plan::ActionId back = t.action("back", {t.moves(other, {0}, 1)});
  EXPECT_EQ(
      checked(t.finish({t.parallel({{t.act(move, {t.host_node(t.node1)})}, {t.act(back, {t.host_node(t.node2)})}})})),
      "");
  Packages u;
  u.p.finally.clear();
  const plan::StateId one = u.state("one", {"a", "b"}), two = u.state("two", {"a", "b"});
  u.p.initially.push_back({one, u.members, 0, u.where()});
  u.p.initially.push_back({two, u.members, 0, u.where()});
  const plan::ActionId x = u.action("x", {u.moves(one, {0}, 1)}), y = u.action("y", {u.moves(two, {0}, 1)});
  EXPECT_EQ(checked(u.finish({u.parallel({{u.act(x, {u.host_node(u.node1)})}, {u.act(y, {u.host_node(u.node1)})}})})),
            "E1013 `x` on node1 and `y` on node1 may run at the same time, and both touch node1\n"
            "  1 node1 starts x\n"
            "  2 node1 starts y while `x` on node1 runs: both touch node1\n");
}
TEST(Race, AMoverBesideWhoReliesOnIt) {
  Trio t;
  const plan::StateId mirror = t.state("mirror", {"old", "new"});
  t.p.states[mirror.index].frame = {};
  t.p.initially.push_back({mirror, {}, 0, t.where()});
  const plan::ActionId turn = t.action("turn", {t.moves(mirror, {0}, 1, false)});
  const plan::ActionId use = t.action("use", {t.changes(t.member)}, {t.need_value(mirror, 0, false)});
  EXPECT_EQ(checked(t.finish({t.parallel({{t.act(use, {t.host_node(t.node1)}), t.in_service(t.host_node(t.node1))},
                                          {t.act(turn, {t.host_node(t.node2)})}})})),
            "E1014 `use` on node1 and `turn` on node2 may run at the same time, and one moves what the other relies "
            "on: `mirror`\n"
            "  1 node1 starts use\n"
            "  2 node2 starts turn while `use` on node1 runs: `mirror` is in flight\n");
}
TEST(Race, AMoverBesideATest) {
  const auto beside = [](bool expected, bool own) {
    Trio t;
    const plan::StateId mirror = t.state("mirror", {"old", "new"}), other = t.state("other", {"old", "new"});
    for (const plan::StateId s : {mirror, other}) {
      t.p.states[s.index].frame = {};
      t.p.initially.push_back({s, {}, 0, t.where()});
    }
    const plan::ActionId turn = t.action("turn", {t.moves(mirror, {0}, 1, false)});
    const plan::StateId tested = own ? mirror : other;
    const N test = expected ? t.expect_value(tested, {}, 0) : t.unless(tested, {}, 0, {t.confirm()});
    return checked(t.finish({t.parallel({{t.act(turn, {t.host_node(t.node2)})}, {test, t.confirm()}})}));
  };
  for (const bool expected : {true, false}) {
    const std::string test = expected ? "`expect mirror == ...`" : "`unless mirror == ...`";
    EXPECT_EQ(beside(expected, true), "E1014 `turn` on node2 and " + test +
                                          " may run at the same time, and one moves what the other tests: `mirror`\n");
    EXPECT_EQ(beside(expected, false), "");
  }
}
TEST(Fork, TwoPartsDecideAboutOneOutage) {
  Trio t(false);
  const std::string said =
      checked(t.finish({t.act(t.upgrade, {t.host_node(t.node1)}),
                        t.parallel({{t.in_service(t.host_node(t.node1))}, {t.in_service_all()}})}));
  EXPECT_EQ(said,
            "E1015 `is in service again` and `is in service again` may run at the same time, and both decide about "
            "`member` of node1\n");
  Trio u(false);
  EXPECT_EQ(
      checked(u.finish({u.act(u.upgrade, {u.host_node(u.node1)}),
                        u.parallel({{u.in_service(u.host_node(u.node1))}, {u.stoppable(u.host_node(u.node2))}})})),
      "");
}
TEST(Fork, WhatAnEarlierPhaseLeftOpen) {
  Trio t(false);
  EXPECT_EQ(checked(t.finish({t.dag({t.phase("a", {}, {t.act(t.upgrade, {t.host_node(t.node1)})}),
                                     t.phase("b", {0}, {t.in_service(t.host_node(t.node1))}),
                                     t.phase("c", {0}, {t.in_service_all()})})})),
            "E1015 `is in service again` and `is in service again` may run at the same time, and both decide about "
            "`member` of node1\n");
}
TEST(Join, OneBranchLeavesAnOutage) {
  Trio t(false);
  EXPECT_EQ(checked(t.finish({t.branch({t.act(t.upgrade, {t.host_node(t.node1)})}, {}), t.in_service_all()})),
            "E1016 `member` of node1 is still under change after the first branch, but not after the other\n"
            "  1 node1 starts upgrade\n"
            "  2 goes on with `member` of node1 under change\n");
  Trio u(false);
  EXPECT_EQ(checked(u.finish({u.branch({u.act(u.upgrade, {u.host_node(u.node1)}), u.in_service_all()}, {})})), "");
}
TEST(Join, UnlessMustReachItsValue) {
  Packages t;
  t.p.initially.clear();
  t.p.finally.clear();
  EXPECT_EQ(checked(t.finish({t.unless(t.packages, {t.host_node(t.node1)}, 2, {t.confirm()})})),
            "E1016 `packages(node1)` is `old` or `armed` after the block, but `new` if it is skipped\n");
}
TEST(Return, AGuestThatIsOutIsNoneOfItsCarrier) {
  for (const bool out : {true, false}) {
    Trio t;
    const plan::RoleId aux = t.role("aux", {PlanBuilder::available(plan::AvailableKind::may_be_down)});
    t.usual_gates(aux);
    const plan::HostId guest = t.host("guest", {aux});
    t.p.hosts[guest.index].guest_of = t.member;
    if (out) t.p.hosts[guest.index].out_reason = t.b.string("dead");
    const std::string said = checked(t.finish({t.roll(t.members, {}, [&](auto n) { return t.turn(n); })}));
    EXPECT_EQ(said.empty(), out) << said;
  }
}
TEST(Reach, ABastionThatIsDown) {
  for (const bool beside : {false, true}) {
    Trio t(false);
    const plan::HostId jump = t.host("jump", {});
    t.p.hosts[t.node1.index].via = {jump};
    const plan::GateId idle = t.cluster_gate("idle", {t.alive()});
    const plan::ActionId off = t.action("off", {t.disrupts_all()}, {t.need_gate(idle, false)});
    const Ns down = {t.await(idle), t.act(off, {t.host_node(jump)})};
    const Ns up = {t.in_service(t.host_node(jump))};
    const Ns use = {t.act(t.upgrade, {t.host_node(t.node1)}), t.in_service(t.host_node(t.node1))};
    Ns body;
    if (beside) {
      Ns one = down;
      one.insert(one.end(), up.begin(), up.end());
      body = {t.parallel({one, use})};
    } else {
      body = down;
      body.insert(body.end(), use.begin(), use.end());
      body.insert(body.end(), up.begin(), up.end());
    }
    const std::string said = checked(t.finish(body));
    EXPECT_NE(said.find(beside ? "E1017 `upgrade` on node1 may run while its bastion jump is down\n"
                                 "  1 node1 starts upgrade\n"
                                 "  2 jump starts off while `upgrade` on node1 runs through it\n"
                               : "E1017 `upgrade` on node1 may start while its bastion jump is down\n"
                                 "  1 jump starts off\n"
                                 "  2 node1 starts upgrade while jump is down: node1 cannot be reached\n"),
              std::string::npos)
        << said;
  }
}

TEST(Reach, ADeadHost) {
  Trio t(false);
  t.p.hosts[t.node3.index].out_reason = t.b.string("power supply");
  const std::string said = checked(t.finish({t.act(t.upgrade, {t.host_node(t.node3)})}));
  EXPECT_NE(said.find("E1017 `upgrade` on node3 may start on a host declared out\n"
                      "  1 node3 starts upgrade while node3 is dead\n"),
            std::string::npos)
      << said;
}

}  // namespace
}  // namespace upg::safety::testing
