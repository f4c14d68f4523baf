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
struct Shell : Trio {
  plan::ActionId act_of(const std::string &script, bool declared = true) {
    plan::CommandRule rule;
    rule.pattern = b.string("rm -r*");
    rule.destroys = true;
    if (p.commands.empty()) p.commands.push_back(rule);
    const plan::ActionId id = action("clean", declared ? Ns{destroys()} : Ns{spill()});
    p.actions[id.index].body =
        block({node(Op::command, 0, 0, {node(Op::shell, 0, 0, {on_h(), b.text(script, where())})})});
    return id;
  }
  N spill() { return node(Op::spills, member.index, 0, {}); }
};
std::string clean(const std::string &script, bool declared = true) {
  Shell t;
  t.act_of(script, declared);
  const std::string said = checked(t.finish({}));
  return said.substr(0, said.find('\n'));
}

TEST(Command, FoundWhereverAShellRunsIt) {
  for (const char *script : {"rm -rf /srv/x",
                             "sudo rm -rf /srv/x",
                             "sudo -u root rm -rf /srv/x",
                             "env A=1 B=2 rm -r /srv/x",
                             "A=1 rm -r /srv/x",
                             "/usr/bin/rm -rf /srv/x",
                             "true; rm -rf /srv/x",
                             "true && rm -rf /srv/x",
                             "true || rm -rf /srv/x",
                             "ls | xargs -n 1 rm -rf",
                             "timeout 5 rm -rf /srv/x",
                             "nice -n 5 rm -rf /srv/x",
                             "echo $(rm -rf /srv/x)",
                             "echo `rm -rf /srv/x`",
                             "sh -c 'rm -rf /srv/x'",
                             "bash -ec \"rm -rf /srv/x\"",
                             "if true; then rm -rf /srv/x; fi",
                             "(cd /srv; rm -rf /srv/x)",
                             "\"rm\" -rf /srv/x",
                             "r\\m -rf /srv/x",
                             "eval rm -rf /srv/x",
                             "ssh other rm -rf /srv/x",
                             "chroot /mnt rm -rf /srv/x",
                             "x=1\nrm -rf /srv/x",
                             "ls 2>&1; rm -rf /srv/x"}) {
    EXPECT_EQ(clean(script, false), "E1021 `clean` runs a command that destroys, but does not say so") << script;
  }
  for (const char *script :
       {"echo rm -rf /srv/x", "echo 'true; rm -rf /srv/x'", "true # rm -rf /srv/x", "ls > rm -rf"}) {
    EXPECT_EQ(clean(script, false), "") << script;
  }
}
TEST(Command, WhatIsDestroyedIsCertain) {
  EXPECT_EQ(clean("rm -rf /srv/x"), "");
  EXPECT_EQ(clean("rm -rf x"), "E1026 `rm` destroys `x`, a path that is not absolute");
  EXPECT_EQ(clean("cd /srv && rm -rf ./x"), "E1026 `rm` destroys `./x`, a path that is not absolute");
  EXPECT_EQ(clean("rm -rf $DIR/x"), "E1026 what `rm` destroys is a variable outside of quotes");
  EXPECT_EQ(clean("rm -rf \"$DIR/x\""), "");
  EXPECT_EQ(clean("test -d /srv/x && rm -rf /srv/x/old"), "");
  EXPECT_EQ(clean("[ -d /srv/x ] && rm -rf /srv/y"), "E1026 `/srv/x` is tested, but `/srv/y` is destroyed");
  EXPECT_EQ(clean("if test -d /srv/x; then rm -rf /srv/y; fi"), "E1026 `/srv/x` is tested, but `/srv/y` is destroyed");
  EXPECT_EQ(clean("test -d /srv/x; rm -rf /srv/y"), "");
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
