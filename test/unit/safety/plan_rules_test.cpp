#include <gtest/gtest.h>

#include "test/unit/safety/plan_builder.h"

namespace upg::safety::testing {
namespace {

// ---- scope, commands, undo, time, waivers

TEST(Scope, AWholeRoleWithoutARollout) {
  PlanBuilder b;
  const plan::RoleId cache = b.role("cache", {PlanBuilder::available(plan::AvailableKind::may_be_down)});
  b.usual_gates(cache);
  b.p.roles[cache.index].stoppable = {};
  b.host("a", {cache});
  b.host("b", {cache});
  const plan::GateId idle = b.cluster_gate("idle", {cache});
  const plan::ActionId flush = b.action("flush", {b.disrupts_each(cache)}, {b.need_gate(idle, false)}, false);
  EXPECT_EQ(checked(b.finish({b.await(idle), b.act(flush, {}), b.in_service_all()})),
            "E1020 `flush` on a, b takes every host of `cache` down at once, without a rollout\n"
            "  1 a, b starts flush: all of a, b go down\n");
}
TEST(Scope, AnEmptyRollout) {
  Trio t;
  EXPECT_EQ(checked(t.finish({t.roll(t.set({}), {}, [&](auto n) { return t.turn(n); })})),
            "E1020 no host takes a turn here\n");
  t.p.rollouts[0].if_any = true;
  EXPECT_EQ(checked(t.p), "");
}
TEST(Scope, OneMachineUnderTwoNames) {
  Trio t;
  t.p.hosts[t.node2.index].address = t.p.hosts[t.node1.index].address;
  EXPECT_EQ(checked(t.finish({})), "E1020 `node2` and `node1` are one machine: node1\n");
}
TEST(Command, UnderDeclared) {
  Trio t;
  plan::CommandRule rule;
  rule.pattern = t.b.string("systemctl restart corosync*");
  rule.disrupts = {t.member};
  t.p.commands.push_back(rule);
  const auto act_with = [&](Ns effects, bool shell) {
    const plan::ActionId id = t.action("restart", effects);
    const N command =
        shell ? t.node(Op::shell, 0, 0,
                       {t.on_h(), t.b.text("true && sudo /usr/bin/systemctl restart corosync.service", t.where())})
              : t.node(Op::run, 0, 0,
                       {t.on_h(), t.b.text("systemctl", t.where()), t.b.text("restart", t.where()),
                        t.b.text("corosync", t.where())});
    t.p.actions[id.index].body = t.block({t.node(Op::command, 0, 0, {command})});
    return id;
  };
  const std::string complaint = "E1021 `restart` runs a command that disrupts `member`, but does not say so\n";
  act_with({t.changes(t.member)}, false);
  EXPECT_EQ(checked(t.finish({})), complaint);
  act_with({t.changes(t.member)}, true);
  EXPECT_EQ(checked(t.finish({})), complaint + complaint);
  t.p.actions.resize(t.p.actions.size() - 2);
  act_with({t.disrupts(t.member)}, false);
  act_with({t.disrupts_all()}, true);
  EXPECT_EQ(checked(t.finish({})), "");
}
TEST(Command, InAQuestion) {
  Trio t;
  plan::CommandRule rule;
  rule.pattern = t.b.string("reboot*");
  rule.disrupts_all = true;
  t.p.commands.push_back(rule);
  const plan::GateId g = t.own_gate("odd");
  t.p.gates[g.index].pass = t.node(Op::run, 0, 0, {t.on_h(), t.b.text("reboot", t.where())});
  EXPECT_EQ(checked(t.finish({})),
            "E1021 gate `odd` runs a command that changes something; a question may only read\n");
}
TEST(Undo, BeforeThePointOfNoReturn) {
  Trio t;
  const N point = t.node(Op::no_return, t.b.string("why").index, 0, {});
  EXPECT_EQ(checked(t.finish({t.act(t.upgrade, {t.host_node(t.node1)}), t.in_service_all(), point})),
            "E1022 `upgrade` on node1 may start before the point of no return, but nothing says how it is undone\n");
  t.p.actions[t.upgrade.index].undo_kind = plan::UndoKind::nothing;
  EXPECT_EQ(checked(t.p), "");
}
TEST(Time, WhatCanNeverStart) {
  Trio t;
  EXPECT_EQ(checked(t.finish({t.at_most(60'000, {t.act(t.upgrade, {t.host_node(t.node1)}), t.in_service_all()})})),
            "E1023 `upgrade` on node1 may take 2m, it can never start in at most 1m\n");
  Trio u;
  EXPECT_EQ(checked(u.finish({u.at_most(180'000, {u.act(u.upgrade, {u.host_node(u.node1)}), u.in_service_all()})})),
            "");
}
TEST(Time, ATurnLongerThanAnyWindow) {
  Trio t;
  plan::Window w;
  w.length = 120'000;
  t.p.windows.push_back(w);
  EXPECT_EQ(checked(t.finish({t.roll(t.members, {}, [&](auto n) { return t.turn(n); })})),
            "E1023 the turn of node1 may take 4m, no window is that long\n");
}
TEST(Time, BoundsOfAPlan) {
  Trio t;
  const Proof p = proof(t.finish({t.roll(t.members, {}, [&](auto n) { return t.turn(n); })}));
  EXPECT_EQ(p.typical_ms, 3 * 60'000);
  EXPECT_EQ(p.worst_ms, 60'000 + 3 * (60'000 + 120'000 +
                                      60'000));  // the preflight's gate, then each turn: two gates and the action
}
TEST(Waiver, Expired) {
  Trio t;
  const N inside = t.act(t.upgrade, {t.host_node(t.node1)});
  t.finish({t.accept("serial", {inside, t.in_service_all()}, t.member, {}, 86'400 * 10)});
  EXPECT_EQ(checked(t.p, 12), "E1024 the waiver of `serial` has expired 3 days ago\n");
  EXPECT_EQ(checked(t.p, 9), "W1001 the waiver of `serial` lifts nothing\n");
}
TEST(Waiver, OfARuleThatOthersRestOn) {
  Trio t;
  EXPECT_EQ(checked(t.finish({t.accept("hostx", {t.confirm()})})), "E1024 a breach of `hostx` cannot be accepted\n");
}

}  // namespace
}  // namespace upg::safety::testing
