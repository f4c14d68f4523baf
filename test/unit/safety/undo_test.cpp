#include <gtest/gtest.h>

#include "test/unit/safety/plan_builder.h"

/// Every action before the point of no return can be undone in its place.
namespace upg::safety::testing {
namespace {

struct Undone : Trio {
  plan::StateId os;
  plan::ActionId go;
  Undone() {
    os = state("os", {"old", "new", "odd"});
    go = action("go", {moves(os, {0}, 1), changes(member)});
    p.initially.push_back({os, members, 0, where()});
  }
  std::string said() {
    return checked(finish({act(go, {host_node(node1)}), in_service_all(), no_return(), confirm()}));
  }
};

TEST(Undo, TakesTheStateBackByItself) {
  Undone t;
  t.undo(t.go);
  EXPECT_EQ(t.said(), "");
}
TEST(Undo, LeavesTheStateElsewhere) {
  Undone t;
  t.undo(t.go, {t.moves(t.os, {1}, 2)});
  EXPECT_EQ(t.said(),
            "E1022 the undo of `go` on node1 leaves `os(node1)` at `odd`, not at `old`\n"
            "  1 node1 starts go\n"
            "  2 node1 undoes go\n");
}
TEST(Undo, MovesFromWhereTheStateIsNot) {
  Undone t;
  t.undo(t.go, {t.moves(t.os, {2}, 0)});
  EXPECT_EQ(t.said(),
            "E1022 the undo of `go` on node1 may start while `os(node1)` is `new`, but it needs `odd`\n"
            "  1 node1 starts go\n"
            "  2 the run is halted and aborted\n"
            "  3 node1 undoes go while `os(node1)` is `new`\n");
}
TEST(Undo, NothingWhereAStateWasMoved) {
  Undone t;
  t.undo_nothing(t.go);
  EXPECT_EQ(t.said(),
            "E1022 `go` on node1 moves `os(node1)`, and `undo nothing` leaves it so\n"
            "  1 node1 starts go\n");
}
TEST(Undo, NothingWhereNothingWasMoved) {
  Undone t;
  t.undo_nothing(t.reboot);
  Ns plan = t.turn_of(t.node1);
  plan.push_back(t.no_return());
  EXPECT_EQ(checked(t.finish(plan)), "");
}
TEST(Undo, NoGateIsKnown) {
  Undone t;
  const plan::GateId well = t.host_gate("well", {});
  t.undo(t.go, {}, {t.need_gate(well)});
  EXPECT_EQ(t.said(),
            "E1022 the undo of `go` on node1 requires what nothing has asked when an abort starts\n"
            "  1 node1 starts go\n"
            "  2 the run is halted and aborted\n"
            "  3 node1 undoes go with no gate known\n");
}
TEST(Undo, TakesRolesDown) {
  Undone t;
  t.undo(t.go, {t.disrupts(t.member)});
  const std::string said = t.said();
  EXPECT_NE(said.find("takes roles down, and nothing asks a gate before it"), std::string::npos) << said;
}
TEST(Undo, AnotherHost) {
  Undone t;
  t.undo(t.go, {t.node(Op::changes, t.member.index, 0, {t.node(Op::on_host, 0, 0, {t.host_node(t.node2)})})});
  const std::string said = t.said();
  EXPECT_NE(said.find("the undo of `go` on node1 touches node2, which the action does not touch"), std::string::npos)
      << said;
}
TEST(Undo, DoesNotReachTheOutage) {
  Undone t;
  t.go = t.action("go", {t.moves(t.os, {0}, 1),
                         t.node(Op::changes, t.member.index, 0, {t.node(Op::on_each, 0, 0, {t.set_node(t.members)})})});
  t.undo(t.go);
  const std::string said = t.said();
  EXPECT_NE(said.find("does not reach node2, where the action opens an outage"), std::string::npos) << said;
}
TEST(Undo, BringsTwoUnderChangeWhereTheActionDoesNot) {
  Undone t;
  // Node2 is under change already; the action itself touches no role, its undo does.
  const plan::ActionId quiet = t.action("quiet", {t.moves(t.os, {0}, 1)});
  t.undo(quiet, {t.changes(t.member)});
  t.undo(t.go);
  t.undo_nothing(t.upgrade);
  const std::string said =
      checked(t.finish({t.act(t.upgrade, {t.host_node(t.node2)}), t.act(quiet, {t.host_node(t.node1)}),
                        t.in_service_all(), t.no_return(), t.confirm()}));
  EXPECT_NE(said.find("the undo of `quiet` on node1 brings two hosts of `member` under change at once"),
            std::string::npos)
      << said;
}
TEST(Undo, HoldsAroundTheAction) {
  Undone t;
  const plan::HoldId quiet = t.hold("quiet");
  t.undo(t.go, {}, {t.need_held(quiet)});
  const std::string said = t.said();
  EXPECT_NE(said.find("requires hold `quiet`, which is not held around the action"), std::string::npos) << said;
}
TEST(Undo, WhatArmsIsUndoneWhereverItHalts) {
  for (const bool undone : {true, false}) {
    Trio t;
    const plan::StateId os = t.state("os", {"old", "armed", "new"}, "armed");
    t.p.states[os.index].on_boot.push_back({1, 2});
    const plan::ActionId arm = t.action("arm", {t.moves(os, {0}, 1)});
    t.p.initially.push_back({os, t.members, 0, t.where()});
    if (undone) t.undo(arm);
    Ns plan = {t.act(arm, {t.host_node(t.node1)})};
    for (const N n : t.turn_of(t.node1)) plan.push_back(n);
    EXPECT_EQ(checked(t.finish(plan)),
              undone ? ""
                     : "E1011 if the run halts after `arm` on node1, `os(node1)` stays `armed`: the action has no "
                       "`undo`\n"
                       "  1 node1 starts arm\n");
  }
}

}  // namespace
}  // namespace upg::safety::testing
