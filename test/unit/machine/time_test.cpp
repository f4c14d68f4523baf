// Windows, `at most`, `settles`: time that is given from outside and what it stops.
#include <fmt/format.h>

#include <utility>

#include "test/unit/machine/fixture.h"

namespace upg::machine_test {
namespace {

constexpr Millis kMinute = 60'000;

const char *const no_limit = R"(
action prepare(h: host) { changes server on h  run("prepare") on h  takes 5s..10m }
upgrade u of web {
  preflight { await in_service(all) }
  rolling n in server { prepare(n)  await in_service(n) }
}
)";

TEST(Window, WithoutAtMostTheSumOfATurnMustFit) {
  Lab l(web(no_limit));  // one turn: 10m for the step, 10m for health
  l.hosts->takes("prepare", 5 * kMinute);
  machine::Options options;
  options.window_end_unix_ms = l.clock.unix_ms() + 27 * kMinute;  // 17 min would be left for the third
  machine::Ending e = l.run(options);
  EXPECT_EQ(e.status, Status::stopped) << e.reason;
  EXPECT_NE(e.reason.find("what comes next may take 20 min"), std::string::npos) << e.reason;
  EXPECT_EQ(l.times("prepare"), 2);
  EXPECT_EQ(l.events(Event::iteration_ended).size(), 2u);
  EXPECT_EQ(l.resume().status, Status::done);
}

TEST(Window, GivingBackAHoldMustFitToo) {
  const std::string text = web(R"(
hold quiet {
  observe (run("get", "quiet") on local).stdout == "on"
  acquire { run("set", "quiet", "on") on local }
  release { run("set", "quiet", "off") on local }
  on halt release
  takes 2s..20m
}
action prepare(h: host) { changes server on h  run("prepare") on h  takes 5s..10m }
upgrade u of web {
  preflight { await in_service(all) }
  with quiet { rolling n in server { prepare(n)  await in_service(n) } }
}
)");
  for (Millis window : {47, 52}) {  // two turns of 5, 20 for the next, 20 for the hold
    Lab l(text);
    l.hosts->takes("prepare", 5 * kMinute);
    machine::Options options;
    options.window_end_unix_ms = l.clock.unix_ms() + window * kMinute;
    machine::Ending e = l.run(options);
    EXPECT_EQ(e.status, window == 47 ? Status::stopped : Status::done) << e.reason;
    EXPECT_EQ(l.times("prepare"), window == 47 ? 2 : 3) << l.journal_text();
    EXPECT_EQ(l.hosts->files["controller:quiet"], "off") << "given back before the window ends";
  }
}

TEST(Window, ATurnUnderWayIsNotLeft) {
  std::string text = web(R"(
role cache { available may be down  health cached }
gate cached(h: host) { pass when (run("get", "cache") on h).stdout == "none"  poll 2s for 1m }
action clear(h: host) { changes cache on h  run("clear") on h  takes 5s..10m }
upgrade u of web {
  preflight { await in_service(all) }
  rolling n in cache batch 2 { clear(n)  await in_service(n) }
}
)");
  text.replace(text.find("roles server"), 12, "roles server, cache");
  Lab l(text);
  l.hosts->takes("web1: clear", 5 * kMinute);
  l.hosts->takes("web2: clear", 9 * kMinute);
  machine::Options options;
  options.window_end_unix_ms = l.clock.unix_ms() + 24 * kMinute;  // when web1 is through there is no time for web3
  machine::Ending e = l.run(options);
  EXPECT_EQ(e.status, Status::stopped) << e.reason;
  EXPECT_EQ(l.times("clear"), 2);
  EXPECT_EQ(l.events(Event::iteration_ended).size(), 2u) << l.journal_text();
}

/// One turn is 5 of at most 20 minutes; while the first prepares, something happens to the clock.
machine::Ending with_clock(Lab &l, Millis window, void (*happens)(Lab &)) {
  bool first = true;
  l.hosts->on("prepare", [&l, first, happens](const std::string &, const machine::Command &, Millis) mutable {
    if (std::exchange(first, false)) happens(l);
    Reply r;
    r.takes = 5 * kMinute;
    return r;
  });
  machine::Options options;
  options.window_begin_unix_ms = l.clock.unix_ms() - 30 * kMinute;
  options.window_end_unix_ms = l.clock.unix_ms() + window;
  return l.run(options);
}

TEST(Window, AClockThatIsSetBackGivesNoTime) {
  Lab l(web(no_limit));
  const machine::Ending e = with_clock(l, 27 * kMinute, [](Lab &lab) { lab.clock.set_wall_clock(-20 * kMinute); });
  EXPECT_EQ(e.status, Status::stopped) << e.reason;
  EXPECT_EQ(l.times("prepare"), 2);
  ASSERT_EQ(l.events(Event::clock_set).size(), 1u);
  EXPECT_EQ(machine::field_of(l.events(Event::clock_set)[0], "ms"), "-1200000");
}

TEST(Window, AClockThatIsSetForwardTakesTime) {
  Lab l(web(no_limit));
  const machine::Ending e = with_clock(l, 27 * kMinute, [](Lab &lab) { lab.clock.set_wall_clock(10 * kMinute); });
  EXPECT_EQ(e.status, Status::stopped) << e.reason;
  EXPECT_EQ(l.times("prepare"), 1);
  EXPECT_EQ(l.events(Event::clock_set).size(), 1u);
}

TEST(Window, AClockSetToBeforeTheWindowStopsTheRun) {
  Lab l(web(no_limit));
  const machine::Ending e = with_clock(l, 300 * kMinute, [](Lab &lab) { lab.clock.set_wall_clock(-60 * kMinute); });
  EXPECT_EQ(e.status, Status::stopped) << e.reason;
  EXPECT_NE(e.reason.find("set back to before the window"), std::string::npos) << e.reason;
  EXPECT_EQ(l.times("prepare"), 1);
  EXPECT_EQ(l.events(Event::iteration_ended).size(), 1u) << "a turn that has begun comes to its end";
}

TEST(Window, TheControllersSleepCounts) {
  Lab l(web(no_limit));
  const machine::Ending e = with_clock(l, 27 * kMinute, [](Lab &lab) { lab.clock.sleep(10 * kMinute); });
  EXPECT_EQ(e.status, Status::stopped) << e.reason;
  EXPECT_EQ(l.times("prepare"), 1);
  EXPECT_EQ(l.events(Event::controller_slept).size(), 1u);
  EXPECT_EQ(l.events(Event::clock_set).size(), 0u) << "one cause, one word";
}

std::string holding(const char *takes) {
  return web(fmt::format(R"(
hold quiet {{
  observe (run("get", "quiet") on local).stdout == "on"
  acquire {{ run("set", "quiet", "on") on local }}
  release {{ run("set", "quiet", "off") on local }}
  on halt keep
  takes 2s..{}
}}
action prepare(h: host) {{ changes server on h  run("prepare") on h  takes 5s..10m }}
upgrade u of web {{
  preflight {{ await in_service(all) }}
  with quiet {{ prepare(web1)  await in_service(web1) }}
}}
)",
                         takes));
}

TEST(Window, AHoldIsGivenBackThoughTheWindowIsOver) {
  Lab l(holding("1m"));
  const machine::Ending e = with_clock(l, 27 * kMinute, [](Lab &lab) { lab.clock.sleep(60 * kMinute); });
  EXPECT_EQ(e.status, Status::done) << e.reason;
  EXPECT_EQ(l.times("set quiet off"), 1);
}

TEST(Window, AHoldThatCouldNotBeGivenBackIsNotTaken) {
  Lab l(holding("20m"));
  const machine::Ending e = with_clock(l, 27 * kMinute, [](Lab &) {});
  EXPECT_EQ(e.status, Status::refused) << e.reason;
  EXPECT_NE(e.reason.find("may take 40 min"), std::string::npos) << e.reason;
  EXPECT_EQ(l.times("set quiet on"), 0);
}

TEST(AtMost, CountsTheControllersSleep) {
  Lab l(web(R"(
action prepare(h: host) { changes server on h  run("prepare") on h  takes 5s..10m }
upgrade u of web {
  preflight { await in_service(all) }
  at most 30m { prepare(web1)  await in_service(web1)  prepare(web1)  await in_service(web1) }
}
)"));
  const machine::Ending e = with_clock(l, 300 * kMinute, [](Lab &lab) { lab.clock.sleep(20 * kMinute); });
  EXPECT_EQ(e.status, Status::halted) << e.reason;
  EXPECT_NE(e.reason.find("`at most` ends earlier"), std::string::npos) << e.reason;
  EXPECT_EQ(l.times("prepare"), 1);
}

TEST(AtMost, CountsFromTheJournalledStart) {
  for (const char *body : {"rolling n in server at most 30m { prepare(n)  await in_service(n)  await ready(n)  "
                           "prepare(n)  await in_service(n) }",
                           "at most 30m { prepare(web1)  await in_service(web1)  await ready(web1)  prepare(web1)  "
                           "await in_service(web1) }"}) {
    Lab l(web(std::string(R"(
gate ready(h: host) { pass when (run("get", "ready") on h).stdout == "yes"  poll 5s for 1m  watches nothing }
action prepare(h: host) { changes server on h  run("prepare") on h  takes 5s..10m }
upgrade u of web {
  preflight { await in_service(all) }
  )") + body + "\n}\n"));
    l.hosts->takes("prepare", kMinute);
    machine::Ending e = l.run();
    EXPECT_EQ(e.status, Status::halted) << e.reason;
    l.clock.advance_to(l.clock.monotonic() + 20 * kMinute);
    for (const char *h : {"web1", "web2", "web3"}) l.hosts->files[std::string(h) + ":ready"] = "yes";
    e = l.resume();
    EXPECT_EQ(e.status, Status::halted) << body << l.journal_text();
    EXPECT_NE(e.reason.find("`at most` ends earlier"), std::string::npos) << e.reason;
    EXPECT_NE(e.advice.find("--fresh-limits"), std::string::npos) << e.advice;
    EXPECT_EQ(l.times("prepare"), 1);
    machine::Options options;
    options.fresh_limits = true;
    e = l.resume(options);
    EXPECT_EQ(e.status, Status::done) << e.reason;
  }
}

TEST(Settles, AGateWithoutAHostWaitsToo) {
  std::string text = web(R"(
role cache { available may be down  health cached  settles 40s }
gate cached { pass when (run("get", "cache") on web1).stdout == "none"  poll 2s for 1m }
action clear(h: host) { changes cache on h  run("clear") on h  takes 5s..1m }
upgrade u of web { preflight { await in_service(all) }  clear(web2)  await in_service(web2) }
)");
  text.replace(text.find("roles server"), 12, "roles server, cache");
  Lab l(text);
  l.hosts->takes("clear", 5'000);
  EXPECT_EQ(l.run().status, Status::done);
  Millis began = 0, asked = 0;
  for (const auto &s : l.simulated->started()) {
    if (text_of(s.command) == "clear") began = s.at;
    if (text_of(s.command) == "get cache") asked = s.at;
  }
  EXPECT_GE(asked - began, 45'000);
}

TEST(Census, AHealthGateWithoutAHostIsAsked) {
  Lab l(R"(use linux
cluster web { host web1 "10.0.0.1", web2 "10.0.0.2", web3 "10.0.0.3" { roles db } }
role db { available >= 2  health all_joined  stoppable may_stop }
gate all_joined { pass when (run("joined") on web1).code == 0  poll 2s for 20s }
gate may_stop(h: host) { pass when (run("may-stop") on h).code == 0  poll 2s for 20s  watches nothing }
action restart(h: host) { disrupts db on h  run("restart") on h  takes 5s..1m }
upgrade u of web {
  preflight { await in_service(all) }
  rolling n in db { await may_stop(n)  restart(n)  await in_service(n) }
}
)");
  l.hosts->says("may-stop", "");
  l.hosts->says("restart", "");
  bool joined = true;
  l.hosts->on("joined", [&](const std::string &, const machine::Command &, Millis) {
    Reply r;
    r.code = joined ? 0 : 1;
    return r;
  });
  l.begin();
  ASSERT_TRUE(l.until([&] { return l.events(Event::iteration_ended).size() == 1; }));
  joined = false;  // after its health was asked last
  machine::Ending e = l.finish();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("not enough of db"), std::string::npos) << e.reason;
  EXPECT_EQ(l.times("restart"), 1) << l.journal_text();
  joined = true;
  EXPECT_EQ(l.resume().status, Status::done);
  EXPECT_EQ(l.times("restart"), 3);
}

}  // namespace
}  // namespace upg::machine_test
