// Gates, people, windows, and fibers that end while others run.
#include "test/unit/machine/fixture.h"

namespace upg::machine_test {
namespace {

std::string with_gate(const std::string &gate, const std::string &body = "await g") {
  return web(gate + "\nupgrade u of web { preflight { await in_service(all) }  " + body + " }\n");
}

TEST(Gate, UnknownNeverPassesAndTheDeadlineHalts) {
  Lab l(with_gate(
      "/// Ask the storage team.\ngate g { pass when not (run(\"ask\") on web1).json.sick  poll 2s for 20s }"));
  for (const char *out : {"", "{", "[]", "{}", "{\"sick\": null}"}) {
    l.hosts->says("ask", out);
    Millis start = l.clock.monotonic();
    machine::Ending e = l.run();
    EXPECT_EQ(e.status, Status::refused) << out;  // nothing was changed yet
    EXPECT_NE(e.reason.find("within 20s"), std::string::npos) << e.reason;
    EXPECT_NE(e.reason.find("unknown"), std::string::npos) << e.reason;
    EXPECT_NE(e.advice.find("storage team"), std::string::npos);
    EXPECT_LE(l.clock.monotonic() - start, 25'000);
  }
  l.hosts->says("ask", "{\"sick\": false}");
  EXPECT_EQ(l.run().status, Status::done);
}

TEST(Gate, StableStartsAgainAfterAFlap) {
  Lab l(with_gate("gate g { pass when (run(\"ask\") on web1).code == 0  poll 2s for 1m  stable 3 }"));
  int n = 0;
  l.hosts->on("ask", [&](const std::string &, const machine::Command &, Millis) {
    Reply r;
    r.code = ++n == 3 ? 1 : 0;
    return r;
  });
  EXPECT_EQ(l.run().status, Status::done);
  EXPECT_EQ(n, 6);
}

TEST(Gate, FailWhenGivesUpAtOnce) {
  Lab l(
      with_gate("gate g { let r = run(\"ask\") on web1  pass when r.stdout == \"yes\"  fail when r.stdout == \"never\" "
                " poll 2s for 1h }"));
  l.hosts->says("ask", "never");
  machine::Ending e = l.run();
  EXPECT_NE(e.reason.find("`fail when` holds"), std::string::npos) << e.reason;
  EXPECT_EQ(l.asked("ask"), 1) << "one command, asked once for both conditions";
}

TEST(Gate, GatesOfOneAwaitAreWaitedForTogether) {
  Lab l(with_gate("", "await in_service(all)"));
  l.hosts->takes("curl", 20'000);
  EXPECT_EQ(l.run().status, Status::done);
  EXPECT_LT(l.clock.monotonic(), 50'000) << "twice three gates, each three at a time";
}

const char *const two_fibers = R"(
role cache { available may be down  health cached }
gate cached(h: host) { pass when (run("get", "cache") on h).stdout == "none"  poll 2s for 1m }
gate never(h: host) { pass when (run("get", "never") on h).stdout == "yes"  poll 2s for 10s  watches nothing }
action slow(h: host) { changes cache on h  run("slow", "one") on h  run("slow", "two") on h  takes 30s..5m }
action after(h: host) { changes cache on h  run("after") on h  takes 1s..1m }
upgrade u of web {
  preflight { await in_service(all) }
  slow(web3)  await in_service(web3)
  parallel { await never(web1) } and { slow(web2)  after(web2)  await in_service(web2) }
}
)";

TEST(Gate, AHaltLetsARunningStepEndAndStartsNothing) {
  std::string text = web(two_fibers);
  text.replace(text.find("roles server"), 12, "roles server, cache");
  Lab l(text);
  l.hosts->takes("slow", 30'000);
  l.hosts->takes("after", 1'000);
  machine::Ending e = l.run();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("never(web1)"), std::string::npos) << e.reason;
  EXPECT_EQ(l.times("web2: slow"), 2) << "the step came to its end";
  EXPECT_EQ(l.times("after"), 0) << l.journal_text();
  l.hosts->files["web1:never"] = "yes";
  e = l.resume();
  EXPECT_EQ(e.status, Status::done) << e.reason;
  EXPECT_EQ(l.times("web2: slow"), 2);
  EXPECT_EQ(l.times("after"), 1);
}

TEST(Gate, TheElseWayIsTakenAgain) {
  for (int k = 1; k < 200; ++k) {
    Lab l(web(R"(
probe way -> string { return (run("get", "way") on web1).stdout }
action left(h: host) { changes server on h  run("left") on h  takes 1s..1m }
action right(h: host) { changes server on h  run("right") on h  takes 1s..1m }
upgrade u of web {
  preflight { await in_service(all) }
  if way() == "left" { left(web1)  await in_service(web1) } else { right(web1)  await in_service(web1) }
}
)"));
    l.hosts->takes("left", 1'000);
    l.hosts->on("right", [&](const std::string &, const machine::Command &, Millis) {
      l.hosts->files["web1:way"] = "left";  // the step itself changes the answer
      return Reply();
    });
    l.death.at_record = k;
    machine::Ending e = l.run();
    bool died = l.died;
    if (died) e = l.resume();
    ASSERT_EQ(e.status, Status::done) << e.reason;
    ASSERT_EQ(l.times("left"), 0) << k << l.journal_text();
    ASSERT_EQ(l.times("right"), 1);
    if (!died) return;
  }
}

const char *const operated = R"(
action cable(h: host) { changes server on h  operator "swap the cable"  takes 1m..1h }
upgrade u of web { preflight { await in_service(all) }  cable(web1)  await in_service(web1) }
)";

TEST(People, NobodyThereHalts) {
  Lab l(web(R"(
upgrade u of web { preflight { await in_service(all) }  let ok = ask "does the console work?" -> bool  expect ok == true }
)"),
        false);
  l.people.reply = "";
  machine::Ending e = l.run();
  EXPECT_NE(e.status, Status::done);
}

TEST(People, AStopLeavesTheQuestion) {
  Lab l(web(operated));
  l.people.reply.reset();
  l.begin();
  ASSERT_TRUE(l.until([&] { return !l.people.asked.empty(); }));
  l.machine->request_stop("a person");
  EXPECT_EQ(l.finish().status, Status::stopped);
  l.people.reply = "yes";
  EXPECT_EQ(l.resume().status, Status::done);
  ASSERT_EQ(l.events(Event::confirmed).size(), 1u);
  EXPECT_NE(l.events(Event::confirmed)[0].data.find("\"who\":\"operator\""), std::string::npos);
}

TEST(People, WhatWasConfirmedIsNotAskedAgain) {
  Lab l(web(operated));
  l.begin();
  ASSERT_TRUE(l.until([&] { return !l.events(Event::confirmed).empty(); }));
  l.death.dead = true;  // between the confirmation and the end of the step
  l.finish();
  std::erase_if(l.journal.records, [](const Record &r) { return r.event == Event::act_ended; });
  while (l.journal.records.back().event != Event::confirmed) l.journal.records.pop_back();
  for (const char *h : {"web1", "web2", "web3"}) l.simulated->forget_locks(l.host(h));  // it never came to give them up
  l.people.asked.clear();
  EXPECT_EQ(l.resume().status, Status::done);
  EXPECT_TRUE(l.people.asked.empty());
}

TEST(Window, NothingStartsThatMayNotEnd) {
  Lab l(web(R"(
action prepare(h: host) { changes server on h  run("prepare") on h  takes 5s..10m }
upgrade u of web {
  preflight { await in_service(all) }
  rolling n in server at most 20m { prepare(n)  await in_service(n) }
}
)"));
  l.hosts->takes("prepare", 300'000);
  machine::Options options;
  options.window_end_unix_ms = l.clock.unix_ms() + 27 * 60'000;  // the second iteration may start, the third not
  machine::Ending e = l.run(options);
  EXPECT_EQ(e.status, Status::stopped) << e.reason;
  EXPECT_EQ(l.times("prepare"), 2);
  EXPECT_EQ(l.events(Event::iteration_ended).size(), 2u);
  EXPECT_EQ(l.resume().status, Status::done);
  EXPECT_EQ(l.times("prepare"), 3);
}

TEST(Census, AnUnreachablePeerCountsAsDown) {
  Lab l(web(R"(
upgrade u of web {
  preflight { await in_service(all) }
  rolling n in server { await stoppable(n)  linux.reboot(n)  await in_service(n) }
}
)"));
  l.begin();
  ASSERT_TRUE(l.until([&] { return l.events(Event::iteration_ended).size() == 1; }));
  l.simulated->reboot(l.host("web3"), l.clock.monotonic(), 10'000'000);
  machine::Ending e = l.finish();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_EQ(l.times("web2: systemctl reboot"), 0) << l.journal_text();
}

}  // namespace
}  // namespace upg::machine_test
