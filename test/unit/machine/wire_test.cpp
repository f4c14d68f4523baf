// A host that is cut off for an hour, with the step that was given to it going on (or not): only virtual time can wait
// for that.
#include "test/unit/machine/fixture.h"

namespace upg::machine_test {
namespace {

constexpr Millis hour = 3'600'000;

std::string preparing(const std::string &takes) {
  return R"(
use linux
cluster web { host web1 "10.0.0.1", web2 "10.0.0.2", web3 "10.0.0.3" { roles server } }
role server { available >= 2  health answering  stoppable always "a balancer takes it out" }
gate answering(h: host) { let r = run("curl", "-fsS", "http://localhost/") on h  pass when r.code == 0  poll 2s for 2h }
action prepare(h: host) { changes server on h  run("prepare") on h  takes )" +
         takes +
         R"( }
action note(h: host) { changes server on h  idempotent  run("note") on h  takes 1s..1m }
upgrade u of web {
  preflight { await in_service(all) }
  parallel { prepare(web1)  await in_service(web1) } and { note(web2)  await in_service(web2) }
}
)";
}

/// Begins; a second later, when its step runs, web1 is cut off for an hour.
Millis cut_off(Lab &l) {
  l.hosts->takes("prepare", 600'000);
  l.hosts->takes("note", 5'000);
  l.simulated->cut(l.host("web1"), 1'000, hour);
  l.begin();
  EXPECT_TRUE(l.until([&] { return l.times("prepare") == 1; }));
  EXPECT_LT(l.clock.monotonic(), 1'000);
  return hour;
}

TEST(Wire, CutOffForAnHourWithinTheTimeOfTheStep) {
  Lab l(preparing("5s..2h"));
  const Millis back = cut_off(l);
  ASSERT_TRUE(l.until([&] { return l.times("note") == 1; }));
  EXPECT_LT(l.clock.monotonic(), 60'000) << "the other host did not wait";
  ASSERT_TRUE(l.until([&] { return !l.machine->silent().empty(); }));
  EXPECT_LT(l.clock.monotonic(), back - hour / 2) << "a person is told";
  EXPECT_EQ(l.finish().status, Status::done) << l.journal_text();
  EXPECT_GE(l.clock.monotonic(), back);
  EXPECT_LT(l.clock.monotonic(), back + 120'000);
  EXPECT_EQ(l.times("prepare"), 1);
}

TEST(Wire, CutOffForLongerThanTheStepMayTake) {
  Lab l(preparing("5s..11m"));
  const Millis back = cut_off(l);
  machine::Ending e = l.finish();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("prepare(web1) has an unknown outcome"), std::string::npos) << e.reason;
  EXPECT_NE(e.reason.find("may still run"), std::string::npos) << e.reason;
  EXPECT_LT(l.clock.monotonic(), 30 * 60'000) << "bounded";
  EXPECT_EQ(l.times("note"), 1) << "the other host has gone on";
  l.clock.advance_to(back);
  e = l.resume();
  EXPECT_EQ(e.status, Status::done) << e.reason << l.journal_text();
  EXPECT_EQ(l.times("prepare"), 1);
}

}  // namespace
}  // namespace upg::machine_test
