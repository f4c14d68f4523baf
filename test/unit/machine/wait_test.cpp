// What is asked of a run from outside while it goes on: a pause between two turns, going on, a stop; and giving back
// holds that it has left behind.
#include "test/unit/machine/fixture.h"

namespace upg::machine_test {
namespace {

std::string plan_with(const std::string &on_wait) {
  return web(R"(
hold quiet {
  observe (run("get", "quiet") on local).stdout == "on"
  acquire { run("set", "quiet", "on") on local }
  release { run("set", "quiet", "off") on local }
  on halt keep  )" +
             on_wait + R"(
  takes 2s..1m
}
gate ready(h: host) { pass when (run("get", "ready") on h).stdout != "no"  poll 5s for 1m }
action prepare(h: host) { changes server on h  run("prepare") on h  takes 5s..1m }
upgrade u of web {
  preflight { await in_service(all) }
  with quiet {
    rolling n in server { await ready(n)  prepare(n)  await in_service(n) }
  }
}
)");
}

/// Begun; a pause was asked for in the middle of web1's step.
void pause_in_first(Lab &l) {
  l.hosts->takes("prepare", 5'000);
  l.begin();
  ASSERT_TRUE(l.until([&] { return l.times("prepare") == 1; }));
  l.machine->request_pause("ann");
  EXPECT_EQ(l.machine->wish(), machine::Wish::pause);
}

TEST(Pause, StandsBetweenTwoTurnsAndKeepsWhatSaysSo) {
  Lab l(plan_with("on wait keep"));
  pause_in_first(l);
  ASSERT_TRUE(l.until([&] { return l.machine->wish() == machine::Wish::paused; }));
  EXPECT_EQ(l.events(Event::iteration_ended).size(), 1u);
  EXPECT_EQ(l.events(Event::act_ended).size(), l.events(Event::act_intended).size());
  for (int i = 0; i < 3'000; ++i) ASSERT_TRUE(l.turn());
  EXPECT_EQ(l.times("prepare"), 1) << "something went on in the pause";
  EXPECT_EQ(l.hosts->files["controller:quiet"], "on");
  ASSERT_EQ(l.machine->next_steps().size(), 1u);
  EXPECT_EQ(l.machine->next_steps()[0].what, "turn of web2");
  l.machine->request_continue("bob");
  EXPECT_EQ(l.finish().status, Status::done);
  EXPECT_EQ(l.times("prepare"), 3);
  EXPECT_EQ(l.times("set quiet"), 2);
  EXPECT_EQ(machine::field_of(l.events(Event::paused).at(0), "by"), "ann");
  EXPECT_EQ(machine::field_of(l.events(Event::went_on).at(0), "by"), "bob");
}

TEST(Pause, GivesBackAndTakesAgainWhatSaysSo) {
  Lab l(plan_with("on wait release"));
  pause_in_first(l);
  ASSERT_TRUE(l.until([&] { return l.machine->wish() == machine::Wish::paused; }));
  EXPECT_EQ(l.hosts->files["controller:quiet"], "off");
  l.hosts->on("prepare", [&](const std::string &host, const machine::Command &, Millis) {
    EXPECT_EQ(l.hosts->files["controller:quiet"], "on") << host;
    return Reply();
  });
  l.machine->request_continue("ann");
  EXPECT_EQ(l.finish().status, Status::done);
  EXPECT_EQ(l.times("set quiet"), 4);
}

TEST(Pause, StopsWhereAHoldDoesNotSay) {
  Lab l(plan_with(""));
  pause_in_first(l);
  machine::Ending e = l.finish();
  EXPECT_EQ(e.status, Status::stopped);
  EXPECT_NE(e.reason.find("quiet()"), std::string::npos) << e.reason;
  EXPECT_EQ(l.times("prepare"), 1);
  EXPECT_EQ(l.resume().status, Status::done);
  EXPECT_EQ(l.times("prepare"), 3);
}

TEST(Pause, AStopEndsIt) {
  Lab l(plan_with("on wait keep"));
  pause_in_first(l);
  ASSERT_TRUE(l.until([&] { return l.machine->wish() == machine::Wish::paused; }));
  l.machine->request_stop("ann");
  EXPECT_EQ(l.finish().status, Status::stopped);
  EXPECT_EQ(l.resume().status, Status::done);
  EXPECT_EQ(l.times("prepare"), 3);
}

TEST(Pause, TheControllerDiesInIt) {
  for (const char *on_wait : {"on wait keep", "on wait release"})
    for (int k = 0; k < 12; ++k) {
      Lab l(plan_with(on_wait));
      pause_in_first(l);
      l.death.at_record = l.death.records + k;
      bool over = false;
      for (int i = 0; i < 500 && !over && !l.death.dead; ++i) over = !l.turn();
      if (!l.death.dead) l.death.dead = true;  // in the middle of the pause
      l.finish();
      ASSERT_EQ(l.resume().status, Status::done) << on_wait << " " << k << "\n" << l.journal_text();
      EXPECT_EQ(l.times("prepare"), 3) << l.journal_text();
      EXPECT_EQ(l.hosts->files["controller:quiet"], "off");
    }
}

/// Halted with the hold in force.
void halted(Lab &l) {
  l.hosts->takes("prepare", 1'000);
  l.hosts->files["web2:ready"] = "no";
  ASSERT_EQ(l.run().status, Status::halted);
  ASSERT_EQ(l.hosts->files["controller:quiet"], "on");
}

std::vector<machine::HoldSeen> seen(Lab &l) {
  machine::Options options;
  options.mode = Mode::holds;
  l.begin(std::move(options));
  while (l.turn()) {
  }
  auto all = l.machine->seen_holds();
  l.finish();
  return all;
}

TEST(Holds, AreSeenWithWhoHoldsThem) {
  Lab l(plan_with(""));
  halted(l);
  auto all = seen(l);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].text, "quiet()");
  EXPECT_EQ(all[0].on, "yes");
  EXPECT_FALSE(all[0].key.empty());
  l.hosts->files["controller:quiet"] = "off";
  EXPECT_EQ(seen(l)[0].on, "no");
}

TEST(Holds, ALeakedOneIsGivenBackAndTakenAgain) {
  Lab l(plan_with(""));
  halted(l);
  machine::Options options;
  options.release = {"quiet()"};
  machine::Ending e = l.run(options);
  EXPECT_EQ(e.status, Status::halted);  // as it was
  EXPECT_NE(e.reason.find("given back by hand: quiet()"), std::string::npos) << e.reason;
  EXPECT_NE(e.reason.find("ready(web2)"), std::string::npos) << e.reason;
  EXPECT_EQ(l.hosts->files["controller:quiet"], "off");
  EXPECT_EQ(l.times("prepare"), 1);
  l.hosts->files["web2:ready"] = "yes";
  l.hosts->on("prepare", [&](const std::string &host, const machine::Command &, Millis) {
    EXPECT_EQ(l.hosts->files["controller:quiet"], "on") << host;
    return Reply();
  });
  EXPECT_EQ(l.resume().status, Status::done);
  EXPECT_EQ(l.times("set quiet"), 4);
}

TEST(Holds, TheControllerDiesWhileOneIsGivenBack) {
  for (int k = 1; k < 30; ++k) {
    Lab l(plan_with(""));
    halted(l);
    machine::Options options;
    options.release = {"quiet()"};
    l.death.at_record = k;
    l.run(options);
    const bool died = l.died;
    l.hosts->files["web2:ready"] = "yes";
    ASSERT_EQ(l.resume().status, Status::done) << k << "\n" << l.journal_text();
    EXPECT_EQ(l.times("prepare"), 3) << k << "\n" << l.journal_text();
    EXPECT_EQ(l.hosts->files["controller:quiet"], "off") << k;
    if (!died) return;
  }
}

TEST(Holds, OneThatNobodyTookIsGivenBackByThePlansRelease) {
  Lab l(plan_with(""));
  l.hosts->files["controller:quiet"] = "on";
  machine::Options options;
  options.release = {"quiet()"};
  EXPECT_EQ(l.run(options).status, Status::done);
  EXPECT_EQ(l.hosts->files["controller:quiet"], "off");
  EXPECT_EQ(l.times("prepare"), 0);
}

}  // namespace
}  // namespace upg::machine_test
