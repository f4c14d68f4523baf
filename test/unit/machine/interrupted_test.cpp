// Steps that nobody saw end, and what is believed of them: found by `upgrun simulate`.
#include "test/unit/machine/fixture.h"

namespace upg::machine_test {
namespace {

/// The controller is gone between two instructions.
void kill(Lab &l) {
  l.death.dead = true;
  l.finish();
}

const char *const parked = R"(
hold parked(h: host) {
  observe (run("get", "parked") on h).stdout == "on"
  acquire { run("true", "park") on h }
  release { run("true", "unpark") on h }
  on halt keep
  takes 1s..1m
}
action prepare(h: host) { changes server on h  run("prepare") on h  takes 5s..1m }
upgrade u of web {
  preflight { await in_service(all) }
  with parked(web1) { prepare(web1)  await in_service(web1) }
}
)";

TEST(Interrupted, AHoldThatHadNothingToDoIsNoDifference) {
  Lab l(web(parked));
  l.hosts->takes("prepare", 3'000);
  l.begin();
  ASSERT_TRUE(l.until([&] { return l.events(Event::command_started).size() == 2; }));
  kill(l);
  const machine::Ending e = l.resume();
  EXPECT_EQ(e.status, Status::done) << e.reason << "\n" << l.journal_text();
}

TEST(Interrupted, AHoldThatWasSeenOnAndIsOffNowStillIsOne) {
  Lab l(web(parked));
  l.hosts->takes("prepare", 3'000);
  l.hosts->on("true park", [&](const std::string &, const machine::Command &, Millis) {
    l.hosts->files["web1:parked"] = "on";
    return Reply();
  });
  l.begin();
  ASSERT_TRUE(l.until([&] { return l.events(Event::act_ended).size() == 2; }));
  kill(l);
  l.hosts->files["web1:parked"] = "off";  // somebody gave it back
  const machine::Ending e = l.resume();
  EXPECT_EQ(e.status, Status::halted) << l.journal_text();
  EXPECT_NE(e.reason.find("hold parked(web1) was in force"), std::string::npos) << e.reason;
}

TEST(Interrupted, NoHoldIsGivenBackWhileAStepMayRun) {
  Lab l(web(R"(
hold quiet {
  observe (run("get", "quiet") on local).stdout == "on"
  acquire { run("set", "quiet", "on") on local }
  release { run("set", "quiet", "off") on local }
  on halt release
  takes 2s..1m
}
action prepare(h: host) { changes server on h  run("prepare") on h  takes 5s..1m }
upgrade u of web {
  preflight { await in_service(all) }
  with quiet { prepare(web1)  await in_service(web1) }
}
)"));
  l.hosts->takes("prepare", 3'000);
  l.begin();
  ASSERT_TRUE(l.until([&] { return l.times("prepare") == 1; }));
  kill(l);
  const Millis now = l.clock.monotonic();
  l.simulated->cut(l.host("web1"), now, now + 600'000);
  machine::Ending e = l.resume();
  EXPECT_EQ(e.status, Status::halted) << l.journal_text();
  EXPECT_NE(e.reason.find("was interrupted, and its host does not answer"), std::string::npos) << e.reason;
  EXPECT_EQ(l.hosts->files["controller:quiet"], "on") << "given back beside a step that may run";
  l.clock.advance_to(now + 600'000);
  e = l.resume();
  EXPECT_EQ(e.status, Status::done) << e.reason << "\n" << l.journal_text();
  EXPECT_EQ(l.times("prepare"), 1);
  EXPECT_EQ(l.hosts->files["controller:quiet"], "off");
}

TEST(Interrupted, WhatOverrunsTwiceIsNotTriedBesideItself) {
  Lab l(web(R"(
action prepare(h: host) {
  changes server on h
  done when (run("get", "prepared") on h).stdout == "yes"
  retry 2 every 5s
  run("first") on h
  run("second") on h
  takes 5s..1m
}
upgrade u of web {
  preflight { await in_service(all) }
  prepare(web1)
  await in_service(web1)
}
)"));
  Millis busy_until = 0;
  const auto slowly = [&](const std::string &, const machine::Command &command, Millis now) {
    EXPECT_GE(now, busy_until) << text_of(command) << " beside the one before";
    Reply r;
    r.takes = 90'000;  // half a minute longer than it may
    busy_until = now + r.takes;
    return r;
  };
  l.hosts->on("first", slowly);
  l.hosts->on("second", slowly);
  const machine::Ending e = l.run();
  EXPECT_EQ(e.status, Status::done) << e.reason << "\n" << l.journal_text();
  EXPECT_EQ(l.times("first"), 1) << l.journal_text();
  EXPECT_EQ(l.times("second"), 1) << l.journal_text();
}

const char *const boxes = R"(use linux
role box { available may be down  health ok  stoppable always "it serves nobody" }
gate ok(h: host)    { pass when (run("get", "ok") on h).stdout == "yes"  poll 2s for 1m }
gate empty(h: host) { pass when (run("get", "empty") on h).stdout == "yes"  poll 2s for 1m  watches box }
cluster boxes { host box1 "10.0.0.1" { roles box } }
upgrade u of boxes {
  preflight { await in_service(all)  await empty(box1) }
  linux.reboot(box1)
  await in_service(box1)
}
)";

TEST(Guard, WhatPassedBeforeALongWaitIsAskedAgain) {
  Lab l(web(R"(
gate quick(h: host) { pass when (run("get", "quick") on h).stdout == "yes"  poll 5s for 1m  watches server }
gate slow(h: host)  { pass when (run("get", "slow") on h).stdout == "yes"  poll 5s for 10m  watches server }
action wipe(h: host) {
  requires quick(h), slow(h)
  disrupts server on h
  run("wipe") on h
  takes 5s..1m
}
upgrade u of web {
  preflight { await in_service(all) }
  await quick(web1)
  await slow(web1)
  await stoppable(web1)
  wipe(web1)
  await in_service(web1)
}
)"));
  l.hosts->takes("wipe", 3'000);
  const auto yes = [](bool is) {
    Reply r;
    r.out = is ? "yes" : "no";
    return r;
  };
  l.hosts->on("get quick",
              [&](const std::string &, const machine::Command &, Millis now) { return yes(now < 100'000); });
  int asked = 0;  // it passes when it is awaited, and not at the act for some minutes
  l.hosts->on("get slow", [&](const std::string &, const machine::Command &, Millis now) {
    return yes(asked++ == 0 || now > 200'000);
  });
  const machine::Ending e = l.run();
  EXPECT_EQ(e.status, Status::refused) << l.journal_text();
  EXPECT_NE(e.reason.find("gate quick(web1)"), std::string::npos) << e.reason;
  EXPECT_EQ(l.times("wipe"), 0) << l.journal_text();
}

TEST(Interrupted, WhatTheProofReliedOnInThePreflightIsAskedAgain) {
  Lab l(boxes);
  l.hosts->files["box1:ok"] = l.hosts->files["box1:empty"] = "yes";
  l.begin();
  ASSERT_TRUE(l.until([&] { return l.events(Event::act_intended).size() == 1 || l.times("systemctl reboot") > 0; }));
  Lab again(boxes);
  again.hosts->files = l.hosts->files;
  for (const Record &r : l.journal.records) {
    again.journal.records.push_back(r);
    if (r.event == Event::act_intended) break;  // the controller died there: nothing was begun
  }
  again.hosts->files["box1:ok"] = "no";
  const machine::Ending e = again.resume();
  EXPECT_EQ(e.status, Status::halted) << again.journal_text();
  EXPECT_EQ(again.times("systemctl reboot"), 0) << again.journal_text();
  EXPECT_NE(e.reason.find("gate ok(box1)"), std::string::npos) << e.reason;
}

}  // namespace
}  // namespace upg::machine_test
