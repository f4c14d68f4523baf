// Runs over model hosts: what a sound plan does, what a director can force, what monitors see, what a schedule says.
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "compiler/compile.h"
#include "runtime/diagnostics/render_text.h"
#include "runtime/diagnostics/schedule.h"
#include "runtime/safety/check.h"
#include "runtime/simulate/director.h"

namespace upg::simulate {
namespace {

using diagnostics::Cue;
using diagnostics::ScheduleStep;

struct Compiled {
  compiler::Compiled compiled;
  safety::Proof proof;
  const plan::Plan &plan() const { return *compiled.plan; }
};

/// Three voters behind roles `alive` and `member`, then the text.
Compiled compile(const std::string &text) {
  compiler::CompileOptions options;
  options.path = "-";
  options.text = R"(
role alive { available may be down  health up  stoppable always "its other roles decide"  boot boot_id }
role member { available quorum  serial  health joined  stoppable to_spare }
probe boot_id(h: host) -> string { return (run("cat", "/proc/sys/kernel/random/boot_id") on h).stdout.trim }
gate up(h: host)       { pass when answers(h)  poll 2s for 5m }
gate joined(h: host)   { pass when (run("true") on h).code == 0  poll 2s for 5m  watches member }
gate to_spare(h: host) { pass when (run("true") on h).code == 0  poll 2s for 5m  watches member }
cluster lab {
  user "root"
  host node1 "10.0.0.1", node2 "10.0.0.2", node3 "10.0.0.3" { roles alive, member }
}
action reboot(h: host) { disrupts all on h  run("systemctl", "reboot") on h  awaits boot of h  takes 3m..15m }
)" + text;
  options.stdlib = {UPG_TEST_STDLIB};
  options.compiler_version = "test";
  Compiled out{compiler::compile(options), {}};
  if (!out.compiled.plan) {
    std::string all;
    for (const auto &d : out.compiled.sink.all()) all += diagnostics::render_text(d, out.compiled.sources);
    throw std::runtime_error(all);
  }
  out.proof = safety::check(out.plan(), 0, out.compiled.sink);
  return out;
}

constexpr const char *kSerial = R"(
upgrade all_nodes of lab {
  preflight { await in_service(all) }
  rolling n in member { await stoppable(n)  reboot(n)  await in_service(n) }
})";
constexpr const char *kTwoAtOnce = R"(
upgrade all_nodes of lab {
  preflight { await in_service(all) }
  rolling n in member batch 2 { await stoppable(n)  reboot(n)  await in_service(n) }
})";

ScheduleStep step(Cue::Kind kind, const std::string &key) { return {"", "", {}, Cue{kind, Cue::no_node, key}}; }

const diagnostics::Diagnostic &rejection(const Compiled &c, diagnostics::Kind kind) {
  for (const auto &d : c.compiled.sink.all())
    if (d.kind == kind) return d;
  std::string all = "the plan is not rejected so, but: ";
  for (const auto &d : c.compiled.sink.all()) all += d.message + "; ";
  throw std::runtime_error(all);
}

TEST(Simulate, ASoundPlanRunsToItsEndAndBreaksNothing) {
  const Compiled c = compile(kSerial);
  ASSERT_EQ(c.compiled.sink.errors(), 0u);
  simulate::Run run(c.plan(), c.proof, {});
  ASSERT_TRUE(run.finish());
  EXPECT_EQ(run.ending().status, machine::Status::done) << run.ending().reason;
  EXPECT_TRUE(run.monitor().violations().empty());
  EXPECT_EQ(run.monitor().worst().at(1).down, 1u);  // one voter at a time
  EXPECT_EQ(run.monitor().worst().at(1).budget, 1u);
}

TEST(Simulate, TheScheduleOfTheCheckerReachesItsViolation) {
  const Compiled c = compile(kTwoAtOnce);
  const auto &d = rejection(c, diagnostics::Kind::rule_avail);
  ASSERT_EQ(d.schedule.size(), 2u);
  ASSERT_TRUE(d.schedule[0].cue && d.schedule[1].cue);
  EXPECT_EQ(d.schedule[0].cue->key, "body/0[node1]/1");
  const Replayed run = replay(c.plan(), c.proof, "avail", d.schedule);
  EXPECT_TRUE(run.reached) << run.why;
  EXPECT_EQ(run.violation.key, d.schedule[1].cue->key);
}

TEST(Simulate, TheCensusOfARealRunStopsIt) {
  const Compiled c = compile(kTwoAtOnce);
  ReplayOptions options;
  options.protected_ = true;
  options.tries = 1;
  options.first_try = 1;  // both hosts stand at their reboot before the first one starts
  const Replayed run =
      replay(c.plan(), c.proof, "avail", rejection(c, diagnostics::Kind::rule_avail).schedule, options);
  EXPECT_FALSE(run.reached);
  EXPECT_FALSE(run.halted.empty());
  EXPECT_NE(run.by, machine::Protection::none);
}

TEST(Simulate, NothingIsReachedWithoutTheFirstStep) {
  const Compiled c = compile(kTwoAtOnce);
  auto schedule = rejection(c, diagnostics::Kind::rule_avail).schedule;
  schedule.erase(schedule.begin());
  EXPECT_FALSE(replay(c.plan(), c.proof, "avail", schedule, {false, 1, 0}).reached);
}

TEST(Simulate, ASchedulesThatThePlanDoesNotAllowFailsAtItsStep) {
  const Compiled c = compile(kSerial);  // one at a time: the second cannot start while the first is under way
  const std::vector<ScheduleStep> schedule = {step(Cue::Kind::start, "body/0[node1]/1"),
                                              step(Cue::Kind::start, "body/0[node2]/1")};
  const Replayed run = replay(c.plan(), c.proof, "avail", schedule, {false, 8, 0});
  EXPECT_FALSE(run.reached);
  const std::vector<ScheduleStep> nowhere = {step(Cue::Kind::start, "body/7")};
  const Replayed lost = replay(c.plan(), c.proof, "avail", nowhere, {false, 2, 0});
  EXPECT_FALSE(lost.reached);
  EXPECT_EQ(lost.followed, 0u);
  EXPECT_NE(lost.why.find("step 1 (start body/7) cannot be taken"), std::string::npos) << lost.why;
}

TEST(Simulate, TheSameScheduleGivesTheSameRun) {
  const Compiled c = compile(kTwoAtOnce);
  const auto &schedule = rejection(c, diagnostics::Kind::rule_avail).schedule;
  const Replayed a = replay(c.plan(), c.proof, "avail", schedule), b = replay(c.plan(), c.proof, "avail", schedule);
  ASSERT_EQ(a.taken.size(), b.taken.size());
  for (std::size_t i = 0; i < a.taken.size(); ++i) EXPECT_EQ(a.taken[i].key, b.taken[i].key);
}

TEST(Simulate, APersonWhoIsAskedTakesNoTimeFromALimit) {
  const Compiled c = compile(R"(
action look(h: host) { operator "look at the host" takes 5m..20m }
upgrade all_nodes of lab {
  preflight { await in_service(all)  ask "is it the right night?" }
  rolling n in member at most 30m { look(n)  reboot(n) await in_service(n) }
})");
  simulate::Run run(c.plan(), c.proof, {});
  ASSERT_TRUE(run.finish());
  EXPECT_EQ(run.ending().status, machine::Status::done) << run.ending().reason;
  EXPECT_LT(run.elapsed(), 60'000);
}

TEST(Simulate, WhatAnActionTakesDownAndWaitsForIsBackBeforeItEnds) {
  const Compiled c = compile(R"(
role desk { available may be down  health desk_up  stoppable always "nobody needs it at night" }
gate desk_up(h: host) { pass when (run("true") on h).code == 0  poll 2s for 5m  watches desk }
cluster office { user "root"  host front "10.0.0.9" { roles alive, desk } }
action renew(h: desk) { disrupts desk on h  run("renew") on h  awaits desk_up(h)  takes 1m..15m }
upgrade front_desk of office {
  preflight { await in_service(all) }
  await linux_up(front)
  renew(front)
  await in_service(all)
}
gate linux_up(h: host) { pass when answers(h)  poll 2s for 5m  watches desk }
)");
  for (const bool timed : {false, true}) {
    RunOptions options;
    options.model.timed = timed;
    simulate::Run run(c.plan(), c.proof, options);
    ASSERT_TRUE(run.finish());
    EXPECT_EQ(run.ending().status, machine::Status::done) << run.ending().reason;
    EXPECT_TRUE(run.monitor().violations().empty());
  }
}

TEST(Simulate, AGateIsToldFromAnotherByItsHostsAsTheCheckerQuotesIt) {
  const Compiled c = compile(R"(
gate copied(h: host, to: string) { pass when (run("test", "-e", to) on h).code == 0  poll 2s for 5m  watches member }
action wipe(h: host) { requires copied(h, "/one")  disrupts member on h  run("wipe") on h  takes 1m..2m }
upgrade all_nodes of lab {
  preflight { await in_service(all) }
  await stoppable(node1)
  wipe(node1)
  await in_service(node1)
})");
  const auto &d = rejection(c, diagnostics::Kind::rule_guard);
  EXPECT_NE(d.message.find("`copied(node1)`"), std::string::npos) << d.message;
  ReplayOptions options;
  options.tries = 1;
  options.message = d.message;
  const Replayed run = replay(c.plan(), c.proof, "guard", d.schedule, options);
  EXPECT_TRUE(run.reached) << run.why;
  EXPECT_NE(run.violation.text.find("copied(node1, /one)"), std::string::npos) << run.violation.text;
  options.message = "`wipe` on node1 may start without `copied(node2)`";
  EXPECT_FALSE(replay(c.plan(), c.proof, "guard", d.schedule, options).reached);
}

TEST(Schedule, WhatIsWrittenIsReadBack) {
  const Compiled c = compile(kTwoAtOnce);
  std::string problem;
  const auto read =
      diagnostics::read_schedules(diagnostics::render_schedules(c.compiled.sink, c.compiled.sources), problem);
  ASSERT_TRUE(read) << problem;
  ASSERT_FALSE(read->empty());
  const auto &d = rejection(c, diagnostics::Kind::rule_avail);
  bool found = false;
  for (const auto &r : *read) {
    if (r.kind != "rule_avail") continue;
    found = true;
    ASSERT_EQ(r.steps.size(), d.schedule.size());
    EXPECT_EQ(r.steps[0].cue->key, d.schedule[0].cue->key);
    EXPECT_EQ(r.steps[0].cue->kind, d.schedule[0].cue->kind);
    EXPECT_EQ(r.steps[0].cue->node, d.schedule[0].cue->node);
  }
  EXPECT_TRUE(found);
}

TEST(Schedule, HostileTextIsRefused) {
  std::string why;
  for (const char *text : {"", "[]", "{}", R"({"schema": "upg.schedule", "version": 2, "rejections": []})",
                           R"({"schema": "upg.schedule", "version": 1, "rejections": [3]})",
                           R"({"schema": "upg.schedule", "version": 1, "rejections": [{"steps": [{"kind": "fly"}]}]})"})
    EXPECT_FALSE(diagnostics::read_schedules(text, why)) << text;
}

}  // namespace
}  // namespace upg::simulate
