// Failures that the plan itself meets: attempts and recoveries, tolerated hosts, accepted outages; the way back.
#include "test/unit/machine/fixture.h"

namespace upg::machine_test {
namespace {

const char *const repaired = R"(
probe value_of(h: host) -> string { return (run("get", "value") on h).stdout default "" }
probe report -> json { return (run("ask") on web1).json }
probe broken(h: host) -> string { return (run("get", "broken") on h).stdout default "" }
gate wide(h: host) { pass when answers(h)  poll 2s for 1m }
action prepare(h: host) { changes server on h  run("prepare") on h  takes 1s..1m }
action install(h: host) { changes server on h  run("install") on h  takes 1s..1m }
action mend(h: host) { changes server on h  run("set", "broken", "no") on h  takes 1s..1m }
hold quiet {
  observe (run("get", "quiet") on local).stdout == "on"
  acquire { run("set", "quiet", "on") on local }
  release { run("set", "quiet", "off") on local }
  on halt keep
  takes 2s..1m
}
)";

std::string attempt(const std::string &statements) {
  return web(repaired + ("\nupgrade u of web { preflight { await in_service(all) }\n" + statements + "\n}\n"));
}

const char *const usual = R"(
  attempt 3 {
    with quiet { prepare(web1)  install(web1) }
  } recover when broken(web1) == "never" {
    install(web3)
  } recover when broken(web1) == "yes" {
    mend(web1)
  } otherwise {
    prepare(web2)
  }
  await in_service(all)
)";

std::unique_ptr<Lab> breaking(const std::string &statements = usual) {
  auto l = std::make_unique<Lab>(attempt(statements), false);
  Lab *lab = l.get();
  l->hosts->files["web1:broken"] = "yes";
  l->hosts->takes("prepare", 1'000);
  l->hosts->on("install", [lab](const std::string &host, const machine::Command &, Millis) {
    Reply r;
    r.code = lab->hosts->files[host + ":broken"] == "yes" ? 3 : 0;
    EXPECT_EQ(lab->hosts->files["controller:quiet"], "on");
    return r;
  });
  return l;
}

TEST(Attempt, TheFirstTrueRecoveryRunsAndWhatIsDoneIsSkipped) {
  auto l = breaking();
  machine::Ending e = l->run();
  ASSERT_EQ(e.status, Status::done) << e.reason << "\n" << l->journal_text();
  EXPECT_EQ(l->times("web1: prepare"), 1) << "done in the first round";
  EXPECT_EQ(l->times("web1: install"), 2);
  EXPECT_EQ(l->times("web1: set broken no"), 1);
  EXPECT_EQ(l->times("web2: prepare") + l->times("web3: install"), 0);
  EXPECT_EQ(l->times("set quiet on"), 1) << "it stays in force between the rounds";
  EXPECT_EQ(l->times("set quiet off"), 1);
  EXPECT_EQ(l->hosts->files["controller:quiet"], "off");
  ASSERT_EQ(l->events(Event::attempt_failed).size(), 1u);
  EXPECT_NE(machine::field_of(l->events(Event::attempt_failed)[0], "reason").find("exit code 3"), std::string::npos);
  EXPECT_EQ(l->events(Event::recovery_chosen).size(), 1u);
}

TEST(Attempt, WithoutATrueConditionItEndsInOtherwise) {
  auto l = breaking();
  l->hosts->files["web1:broken"] = "odd";
  l->hosts->says("install", "", 3);
  machine::Ending e = l->run();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("no recovery is for that"), std::string::npos) << e.reason;
  EXPECT_EQ(l->times("web1: install"), 1);
  EXPECT_EQ(l->times("web2: prepare"), 1);
  EXPECT_EQ(l->hosts->files["controller:quiet"], "on") << "on halt keep";
}

TEST(Attempt, AnUnknownConditionIsNeverTrue) {
  auto l = breaking(R"(attempt 2 { with quiet { install(web1) } } recover when report().sick { mend(web1) }
  await in_service(all))");
  l->hosts->says("ask", "{}");
  machine::Ending e = l->run();
  EXPECT_EQ(e.status, Status::halted) << e.reason;
  EXPECT_EQ(l->times("set broken"), 0);
}

TEST(Attempt, TheLastRoundIsTheLast) {
  auto l = breaking();
  l->hosts->says("install", "", 3);
  l->hosts->says("set broken no", "");  // in vain
  machine::Ending e = l->run();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("attempt 3 of 3 failed too"), std::string::npos) << e.reason;
  EXPECT_EQ(l->times("web1: install"), 3);
  EXPECT_EQ(l->times("set broken no"), 2);
  EXPECT_EQ(l->times("web2: prepare"), 1);
}

TEST(Attempt, AFailedRecoveryHalts) {
  auto l = breaking();
  l->hosts->says("set broken no", "", 1);
  machine::Ending e = l->run();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("mend(web1) failed"), std::string::npos) << e.reason;
  EXPECT_EQ(l->times("web2: prepare"), 0);
}

TEST(Attempt, WhatRunsBesideInItIsLeft) {
  Lab l2(web(repaired + std::string(R"(
gate slow { pass when (run("get", "slow") on web3).stdout == "yes"  poll 10s for 2h }
upgrade u of web { preflight { await in_service(all) }
  attempt 2 {
    parallel { with quiet { install(web1) } } and { await slow }
  } recover when broken(web1) == "yes" { mend(web1) }
  await in_service(all) })")),
         false);
  l2.hosts->files["web1:broken"] = "yes";
  l2.hosts->on("install", [&](const std::string &host, const machine::Command &, Millis) {
    Reply r;
    r.code = l2.hosts->files[host + ":broken"] == "yes" ? 3 : 0;
    return r;
  });
  const Millis start = l2.clock.monotonic();
  l2.begin();
  ASSERT_TRUE(l2.until([&] { return !l2.events(Event::attempt_failed).empty(); }));
  EXPECT_LT(l2.clock.monotonic() - start, 1'800'000) << "the gate beside is left, not waited for";
  l2.hosts->files["web3:slow"] = "yes";
  machine::Ending e = l2.finish();
  EXPECT_EQ(e.status, Status::done) << e.reason << l2.journal_text();
}

TEST(Attempt, TheControllerDiesAnywhere) {
  for (int k = 1; k < 2'000; ++k) {
    auto l = breaking();
    l->death.at_record = k;
    l->run();
    const bool died = l->died;
    machine::Ending e = l->resume();
    ASSERT_EQ(e.status, Status::done) << k << ": " << e.reason << "\n" << l->journal_text();
    EXPECT_EQ(l->times("web1: prepare"), 1) << k << "\n" << l->journal_text();
    EXPECT_EQ(l->times("web1: install"), 2) << k << "\n" << l->journal_text();
    EXPECT_EQ(l->times("web1: set broken no"), 1) << k;
    EXPECT_EQ(l->hosts->files["controller:quiet"], "off") << k << "\n" << l->journal_text();
    if (!died || ::testing::Test::HasFailure()) return;
  }
}

TEST(Attempt, ADryRunTellsOfTheBlockAndDoesNothing) {
  auto l = breaking();
  machine::Options options;
  options.mode = Mode::dry_run;
  EXPECT_EQ(l->run(options).status, Status::done);
  EXPECT_TRUE(l->done().empty());
  bool told = false;
  for (const std::string &line : l->observer.lines) told = told || line == "attempt, 3 times at most:";
  EXPECT_TRUE(told);
}

// ---- tolerated hosts

const char *const fleet = R"(
gate fine(h: host) { pass when (run("get", "fine") on h).stdout == "yes"  poll 2s for 20s }
role worker { available may be down  health answering  stoppable always "stateless" }
action install(h: host) { disrupts worker on h  run("install") on h  takes 1s..1m }
hold apart(h: host) {
  observe (run("get", "apart") on local).stdout == "on"
  acquire { run("set", "apart", "on") on local }
  release { run("set", "apart", "off") on local }
  on halt keep
  takes 2s..1m
}
upgrade u of web {
  tolerate 1
  preflight { await in_service(all) }
  rolling n in worker tolerant { with apart(n) { await fine(n)  install(n)  await in_service(n) } }
  await in_service(all)
}
)";

std::unique_ptr<Lab> workers() {
  std::string text = web(fleet);
  text.replace(text.find("roles server"), 12, "roles worker");
  text.erase(text.find("/// A web server"), text.find("gate answering") - text.find("/// A web server"));
  text.erase(text.find("gate peers_answer"),
             text.find("\n", text.find("gate peers_answer")) - text.find("gate peers_answer"));
  auto l = std::make_unique<Lab>(text, false);
  for (const char *h : {"web1", "web2", "web3"}) l->hosts->files[std::string(h) + ":fine"] = "yes";
  l->hosts->takes("install", 1'000);
  return l;
}

TEST(Lost, ATurnThatFailsLeavesItsHostBehind) {
  auto l = workers();
  l->hosts->says("web2: install", "", 1);
  machine::Ending e = l->run();
  ASSERT_EQ(e.status, Status::done) << e.reason << "\n" << l->journal_text();
  EXPECT_EQ(l->times("install"), 3);
  ASSERT_EQ(l->events(Event::host_lost).size(), 1u);
  EXPECT_EQ(machine::field_of(l->events(Event::host_lost)[0], "host"), "web2");
  EXPECT_EQ(l->times("set apart off"), 3) << "its holds are given back";
  EXPECT_EQ(e.reason, "1 of 1 hosts that may be lost is lost: web2");
}

TEST(Lost, AHostThatDoesNotAnswerIsLost) {
  auto l = workers();
  l->begin();
  ASSERT_TRUE(l->until([&] { return l->events(Event::iteration_ended).size() == 1; }));
  l->simulated->reboot(l->host("web2"), l->clock.monotonic(), 100'000'000);
  machine::Ending e = l->finish();
  ASSERT_EQ(e.status, Status::done) << e.reason << "\n" << l->journal_text();
  EXPECT_EQ(e.reason, "1 of 1 hosts that may be lost is lost: web2");
  EXPECT_EQ(l->times("install"), 2);
  // nothing is asked of it any more, also at a resume of the end
  EXPECT_TRUE(l->events(Event::gate_passed).back().key.find("web2") == std::string::npos);
}

TEST(Lost, TheBudgetIsAbsolute) {
  auto l = workers();
  l->hosts->says("web1: install", "", 1);
  l->hosts->files["web3:fine"] = "no";
  machine::Ending e = l->run();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("1 of 1 hosts that may be lost are lost already"), std::string::npos) << e.reason;
  EXPECT_EQ(l->times("install"), 2);
  l->hosts->files["web3:fine"] = "yes";
  e = l->resume();
  EXPECT_EQ(e.status, Status::done) << e.reason << "\n" << l->journal_text();
  EXPECT_EQ(l->times("web1: install"), 1) << "lost is lost, also after a resume";
}

TEST(Lost, TheControllerDiesAnywhere) {
  for (int k = 1; k < 500; ++k) {
    auto l = workers();
    l->hosts->says("web2: install", "", 1);
    l->death.at_record = k;
    l->run();
    const bool died = l->died;
    machine::Ending e = l->resume();
    ASSERT_EQ(e.status, Status::done) << k << ": " << e.reason << "\n" << l->journal_text();
    EXPECT_EQ(l->events(Event::host_lost).size(), 1u) << k;
    EXPECT_EQ(l->hosts->files["controller:apart"], "off") << k << "\n" << l->journal_text();
    if (!died || ::testing::Test::HasFailure()) return;
  }
}

// ---- accepted outages

std::string outage(const std::string &accept) {
  return web(R"(
gate calm { pass when (run("get", "calm") on web3).stdout == "yes"  poll 30s for 2h }
upgrade u of web {
  preflight { await in_service(all) }
  )" + accept +
             R"({
    linux.reboot(web1)
    linux.reboot(web2)
    await in_service(web1)  await calm  await in_service(web2)
  }
}
)");
}

TEST(Outage, TheCensusLetsTheAcceptedRoleGo) {
  for (const bool accepted : {false, true}) {
    Lab l(outage(accepted ? "accept outage of server for at most 1h reason \"night\" " : "at most 5h "), false);
    l.hosts->files["web3:calm"] = "yes";
    machine::Ending e = l.run();
    EXPECT_EQ(e.status, accepted ? Status::done : Status::halted) << e.reason << l.journal_text();
    EXPECT_EQ(l.times("systemctl reboot"), accepted ? 2 : 1);
    EXPECT_TRUE(l.events(Event::outage_overrun).empty());
  }
}

TEST(Outage, OneThatLastsTooLongIsSaid) {
  Lab l(outage("accept outage of server for at most 10m reason \"night\" "), false);
  l.begin();
  ASSERT_TRUE(l.until([&] { return !l.events(Event::outage_overrun).empty(); })) << l.journal_text();
  EXPECT_EQ(machine::field_of(l.events(Event::outage_overrun)[0], "role"), "server");
  l.hosts->files["web3:calm"] = "yes";
  EXPECT_EQ(l.finish().status, Status::done) << "it is not cut off";
  EXPECT_EQ(l.events(Event::outage_overrun).size(), 1u);
}

// ---- windows

TEST(Windows, BetweenTwoTurnsTheRunWaits) {
  Lab l(web(R"(
hold kept   { observe (run("get", "kept") on local).stdout == "on"  acquire { run("set", "kept", "on") on local }
              release { run("set", "kept", "off") on local }  on halt keep  on wait keep  takes 1s..1m }
hold lifted { observe (run("get", "lifted") on local).stdout == "on"  acquire { run("set", "lifted", "on") on local }
              release { run("set", "lifted", "off") on local }  on halt keep  on wait release  takes 1s..1m }
action prepare(h: host) { changes server on h  run("prepare") on h  takes 5m..10m }
upgrade u of web {
  preflight { await in_service(all) }
  with kept, lifted { rolling n in server at most 20m { prepare(n)  await in_service(n) } }
}
)"),
        false);
  l.hosts->on("prepare", [&](const std::string &host, const machine::Command &, Millis) {
    EXPECT_EQ(l.hosts->files["controller:lifted"], "on") << host;
    EXPECT_EQ(l.hosts->files["controller:kept"], "on") << host;
    Reply r;
    r.takes = 300'000;
    return r;
  });
  machine::Options options;
  const std::int64_t start = l.clock.unix_ms(), hour = 3'600'000;
  const std::vector<machine::Opening> all = {{start, start + 22 * 60'000},                    // one turn
                                             {start + 5 * hour, start + 5 * hour + 300'000},  // too short
                                             {start + 9 * hour, start + 9 * hour + 22 * 60'000},
                                             {start + 20 * hour, start + 24 * hour}};
  options.window_end_unix_ms = all[0].end_unix_ms;
  options.next_window = [all](std::int64_t now) -> std::optional<machine::Opening> {
    for (const machine::Opening &o : all)
      if (o.end_unix_ms > now) return o;
    return std::nullopt;
  };
  machine::Ending e = l.run(options);
  ASSERT_EQ(e.status, Status::done) << e.reason << "\n" << l.journal_text();
  EXPECT_EQ(l.times("prepare"), 3);
  EXPECT_EQ(l.events(Event::window_awaited).size(), 2u);
  EXPECT_EQ(l.times("set kept on"), 1);
  EXPECT_EQ(l.times("set lifted on"), 3) << l.journal_text();
  EXPECT_EQ(l.times("set lifted off"), 3);
  for (const Record &r : l.events(Event::iteration_started)) {
    bool inside = false;
    for (const machine::Opening &o : all)
      inside = inside || (r.unix_ms >= o.begin_unix_ms && r.unix_ms + 1'200'000 < o.end_unix_ms);
    EXPECT_TRUE(inside) << (r.unix_ms - start) / 60'000 << " min";
  }
}

TEST(Windows, AHoldThatDoesNotSayStopsTheRun) {
  Lab l(web(R"(
hold kept { observe (run("get", "kept") on local).stdout == "on"  acquire { run("set", "kept", "on") on local }
            release { run("set", "kept", "off") on local }  on halt keep  takes 1s..1m }
action prepare(h: host) { changes server on h  run("prepare") on h  takes 5m..10m }
upgrade u of web {
  preflight { await in_service(all) }
  with kept { rolling n in server at most 20m { prepare(n)  await in_service(n) } }
}
)"),
        false);
  l.hosts->takes("prepare", 300'000);
  machine::Options options;
  const std::int64_t start = l.clock.unix_ms();
  options.window_end_unix_ms = start + 22 * 60'000;
  options.next_window = [start](std::int64_t) { return machine::Opening{start + 36'000'000, start + 72'000'000}; };
  machine::Ending e = l.run(options);
  EXPECT_EQ(e.status, Status::stopped) << e.reason;
  EXPECT_EQ(l.times("prepare"), 1);
}

}  // namespace
}  // namespace upg::machine_test
