// Ways to leave a run before its end, and the way back: a journal that cannot be written, a stop, a halt inside holds.
#include "test/unit/machine/everything.h"

namespace upg::machine_test {
namespace {

TEST(Halt, AJournalThatFailsOnceStartsNothingMore) {
  for (int k = 1; k < 2'000; ++k) {
    auto l = lab();
    l->journal.fail_at = k;
    l->begin();
    l->until([&] { return l->journal.appends >= k; });
    const std::size_t before = l->done().size();
    machine::Ending e = l->finish();
    if (e.status == Status::done) return;
    ASSERT_EQ(l->done().size(), before) << "record " << k << " failed, and more was started";
    ASSERT_NE(e.reason.find("no space left"), std::string::npos) << k << ": " << e.reason;
    for (std::size_t i = 0; i < l->journal.records.size(); ++i)
      ASSERT_EQ(l->journal.records[i].number, i + 1) << "a gap: the journal could not be read again";
    e = l->resume();
    ASSERT_EQ(e.status, Status::done) << k << ": " << e.reason << "\n" << l->journal_text();
    expect_all_done(*l, fmt::format("record {} failed", k));
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(Halt, AStopIsResumable) {
  for (int turns = 1; turns < 2'000; turns += 3) {
    auto l = lab();
    l->begin();
    bool more = true;
    for (int i = 0; i < turns && more; ++i) more = l->turn();
    if (!more) return;
    l->machine->request_stop("a person");
    machine::Ending e = l->finish();
    if (e.status == Status::done) {  // its last answers were on their way: nothing was left to start
      expect_all_done(*l, fmt::format("stop after {} turns", turns));
      continue;
    }
    ASSERT_TRUE(e.status == Status::stopped || e.status == Status::refused) << turns << ": " << e.reason;
    // a running step came to its end: as many ends as intents
    ASSERT_EQ(l->events(Event::act_intended).size(), l->events(Event::act_ended).size()) << l->journal_text();
    e = l->resume();
    ASSERT_EQ(e.status, Status::done) << turns << ": " << e.reason << "\n" << l->journal_text();
    expect_all_done(*l, fmt::format("stop after {} turns", turns));
    if (::testing::Test::HasFailure()) return;
  }
}

const char *const two_holds = R"(
hold quiet {
  observe (run("get", "quiet") on local).stdout == "on"
  acquire { run("set", "quiet", "on") on local }
  release { run("set", "quiet", "off") on local }
  on halt release
  takes 2s..1m
}
gate ready(h: host) { pass when (run("get", "ready") on h).stdout == "yes"  poll 5s for 1m }
action prepare(h: host) { changes server on h  run("prepare") on h  takes 5s..1m }
upgrade u of web {
  preflight { await in_service(all) }
  with quiet {
    for n in server { prepare(n)  await in_service(n)  await ready(n) }
  }
}
)";

TEST(Halt, AHoldThatIsGivenBackIsTakenAgain) {
  Lab l(web(two_holds));
  l.hosts->takes("prepare", 1'000);
  l.hosts->files["web1:ready"] = "yes";
  machine::Ending e = l.run();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("ready(web2)"), std::string::npos) << e.reason;
  EXPECT_EQ(l.hosts->files["controller:quiet"], "off");
  l.hosts->files["web2:ready"] = "yes";
  e = l.resume();  // halts at web3 now: given back a second time
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_EQ(l.times("set quiet on"), 2);
  EXPECT_EQ(l.times("set quiet off"), 2);
  l.hosts->files["web3:ready"] = "yes";
  e = l.resume();
  EXPECT_EQ(e.status, Status::done) << e.reason;
  EXPECT_EQ(l.times("prepare"), 3) << l.journal_text();
  EXPECT_EQ(l.times("set quiet on"), 3);
  EXPECT_EQ(l.hosts->files["controller:quiet"], "off");
}

TEST(Halt, TheControllerDiesWhileItGivesBack) {
  for (int k = 1; k < 500; ++k) {
    Lab l(web(two_holds));
    l.hosts->takes("prepare", 1'000);
    l.hosts->files["web1:ready"] = l.hosts->files["web3:ready"] = "yes";
    l.death.at_record = k;
    l.run();
    const bool died = l.died;
    l.hosts->files["web2:ready"] = "yes";
    // every command of the plan's actions must see the hold in force
    l.hosts->on("prepare", [&](const std::string &host, const machine::Command &, Millis) {
      EXPECT_EQ(l.hosts->files["controller:quiet"], "on") << host << " at death " << k;
      return Reply();
    });
    machine::Ending e = l.resume();
    ASSERT_EQ(e.status, Status::done) << k << ": " << e.reason << "\n" << l.journal_text();
    EXPECT_EQ(l.times("prepare"), 3) << k << l.journal_text();
    EXPECT_EQ(l.hosts->files["controller:quiet"], "off") << k << l.journal_text();
    if (!died || ::testing::Test::HasFailure()) return;
  }
}

TEST(Halt, WhatWasFoundOnIsLeftOn) {
  Lab l(web(two_holds));
  l.hosts->takes("prepare", 1'000);
  l.hosts->files["controller:quiet"] = "on";
  for (const char *h : {"web1", "web2", "web3"}) l.hosts->files[std::string(h) + ":ready"] = "yes";
  EXPECT_EQ(l.run().status, Status::done);
  EXPECT_EQ(l.times("set quiet"), 0);
}

TEST(Halt, AnUnknownOutcomeIsNotRepeatedWhileItRuns) {
  Lab l(web(R"(
probe version_of(h: host) -> string { return (run("get", "version") on h).stdout }
action install(h: host) {
  changes server on h
  done when version_of(h) == "new"
  retry 3 every 5s
  run("install") on h
  takes 5s..20s
}
upgrade u of web { preflight { await in_service(all) }  install(web1)  await in_service(web1) }
)"));
  l.hosts->on("install", [&](const std::string &, const machine::Command &, Millis) {
    Reply r;
    r.takes = 35'000;  // longer than its worst case: the request times out, the command goes on
    return r;
  });
  machine::Ending e = l.run();
  EXPECT_EQ(l.times("install"), 1) << l.journal_text();
  EXPECT_EQ(e.status, Status::done) << e.reason << l.journal_text();
}

TEST(Halt, AKnownFailureIsRunAgainOnlyWhenAPersonSaysSo) {
  Lab l(web(R"(
action prepare(h: host) { changes server on h  run("prepare") on h exits 0, 3  takes 5s..20s }
upgrade u of web { preflight { await in_service(all) }  prepare(web1)  await in_service(web1) }
)"));
  l.hosts->says("prepare", "", 7);
  machine::Ending e = l.run();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("exit code 7"), std::string::npos) << e.reason;
  e = l.resume();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_EQ(l.times("prepare"), 1);
  l.hosts->says("prepare", "", 3);
  machine::Options options;
  options.rerun_failed = true;
  e = l.resume(options);
  EXPECT_EQ(e.status, Status::done) << e.reason;
  EXPECT_EQ(l.times("prepare"), 2);
}

TEST(Halt, DryRunAndPreflightChangeNothing) {
  for (Mode mode : {Mode::dry_run, Mode::preflight}) {
    auto l = lab();
    machine::Options options;
    options.mode = mode;
    machine::Ending e = l->run(options);
    EXPECT_EQ(e.status, Status::done) << e.reason;
    EXPECT_TRUE(l->done().empty());
    EXPECT_TRUE(l->journal.records.empty());
  }
}

TEST(Halt, CanariesGoByTheBatchToo) {
  std::string text = web(R"(
role cache { available may be down  health cached }
gate cached(h: host) { pass when (run("get", "cache") on h).stdout == "none"  poll 2s for 1m }
action clear(h: host) { changes cache on h  run("clear") on h  takes 5s..20s }
upgrade u of web {
  preflight { await in_service(all) }
  rolling n in cache batch 1 canary 2 soak 1m { await cached(n)  clear(n)  await in_service(n) }
}
)");
  text.replace(text.find("roles server"), 12, "roles server, cache");
  Lab l(text);
  l.hosts->takes("clear", 5'000);
  machine::Ending e = l.run();
  EXPECT_EQ(e.status, Status::done) << e.reason;
  std::vector<Millis> starts;
  for (const auto &s : l.simulated->started())
    if (!s.command.step_key.empty()) starts.push_back(s.at);
  ASSERT_EQ(starts.size(), 3u);
  EXPECT_GE(starts[1] - starts[0], 5'000);
  EXPECT_GE(starts[2] - starts[1], 65'000);
}

}  // namespace
}  // namespace upg::machine_test
