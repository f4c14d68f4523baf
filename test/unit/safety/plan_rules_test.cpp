#include <gtest/gtest.h>

#include "test/unit/safety/plan_builder.h"

namespace upg::safety::testing {
namespace {

// ---- scope, undo, time, waivers

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
struct Windows : Trio {
  static constexpr std::int64_t kHour = 3'600'000;
  void open(plan::WindowDay day, std::uint32_t hour, std::int64_t hours, std::int64_t date = 0) {
    p.windows.push_back({day, date, hour * 60, hours * kHour, b.string("Europe/Berlin"), where()});
  }
  std::string turn_of(std::int64_t hours, std::int64_t today) {
    RollOptions o;
    o.at_most = hours * kHour;
    return checked(finish({roll(members, o, [&](auto n) { return turn(n); })}), today);
  }
};
constexpr std::int64_t kMay2026 = 20'577, kMarch2026 = 20'513;  // days since 1970: 2026-05-04, 2026-03-01

TEST(Time, WindowsThatMeetAreOne) {
  Windows t;
  t.open(plan::WindowDay::saturday, 20, 10);
  t.open(plan::WindowDay::sunday, 6, 4);
  EXPECT_EQ(t.turn_of(14, kMay2026).find("E1023"), std::string::npos);
  Windows u;
  u.open(plan::WindowDay::saturday, 20, 9);  // an hour short
  u.open(plan::WindowDay::sunday, 6, 4);
  EXPECT_EQ(u.turn_of(14, kMay2026).substr(0, 5), "E1023");
}
TEST(Time, TheClocksChangeInTheWindow) {
  // On 2026-03-28 ten hours from 20:00 end at 07:00; from 20:00 to 06:00 there are nine, so that these two overlap.
  Windows t;
  t.open(plan::WindowDay::date, 20, 10, 20'540);
  t.open(plan::WindowDay::date, 6, 4, 20'541);
  EXPECT_EQ(t.turn_of(13, kMarch2026).find("E1023"), std::string::npos);
  Windows u;
  u.open(plan::WindowDay::date, 20, 10, 20'540);
  u.open(plan::WindowDay::date, 6, 4, 20'541);
  EXPECT_EQ(u.turn_of(14, kMarch2026).substr(0, 5), "E1023");
  // On 2026-10-24 it is the other way round: between 05:00 and 06:00 nothing is open.
  Windows v;
  v.open(plan::WindowDay::date, 20, 10, 20'750);
  v.open(plan::WindowDay::date, 6, 4, 20'751);
  EXPECT_EQ(v.turn_of(11, kMarch2026).substr(0, 5), "E1023");
}
TEST(Time, EveryWindowIsOver) {
  Windows t;
  t.open(plan::WindowDay::date, 20, 10, kMarch2026);
  EXPECT_EQ(t.turn_of(1, kMay2026), "E1023 every window of the plan is over\n");
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
