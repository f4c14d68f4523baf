// Who is down without the plan's doing counts (SEMANTICS R1, R2): at the act, before a turn, and when two steps go at
// once.
#include "test/unit/machine/fixture.h"

namespace upg::machine_test {
namespace {

std::string small(const std::string &rest) {
  return R"(
use linux
cluster web { host web1 "10.0.0.1", web2 "10.0.0.2", web3 "10.0.0.3" { roles server } }
role server { available >= 2  serial  health answering  stoppable always "nobody else serves what it serves" }
gate answering(h: host) { let r = run("curl", "-fsS", "http://localhost/") on h  pass when r.code == 0  poll 2s for 2m }
)" + rest;
}

const char *const rolling = R"(
action note(h: host) { changes server on h  idempotent  run("note") on h  takes 5s..1m }
upgrade u of web {
  preflight { await in_service(all) }
  rolling n in server {
    note(n)
    await in_service(n)
    linux.reboot(n)
    await in_service(n)
  }
}
)";

bool begun(const Lab &l, const std::string &host) {
  for (const Record &r : l.events(Event::iteration_started))
    if (machine::field_of(r, "host") == host) return true;
  return false;
}

TEST(Bystander, NoNewTurnBeginsWhenOneFallsIll) {
  Lab l(small(rolling));
  l.hosts->takes("note", 5'000);
  l.begin();
  ASSERT_TRUE(l.until([&] { return l.times("web1: systemctl reboot") == 1; }));
  l.hosts->says("web3: curl", "", 7);
  machine::Ending e = l.finish();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("not enough of server"), std::string::npos) << e.reason;
  EXPECT_NE(e.reason.find("web3"), std::string::npos) << e.reason;
  EXPECT_EQ(l.events(Event::iteration_ended).size(), 1u) << "the current host was not finished\n" << l.journal_text();
  EXPECT_FALSE(begun(l, "web2")) << l.journal_text();
  EXPECT_EQ(l.times("note"), 1);
  l.hosts->says("web3: curl", "hello\n");
  EXPECT_EQ(l.resume().status, Status::done);
  EXPECT_EQ(l.times("systemctl reboot"), 3);
}

TEST(Bystander, OneThatComesBackInTimeIsWaitedFor) {
  Lab l(small(rolling));
  l.hosts->takes("note", 5'000);
  l.begin();
  ASSERT_TRUE(l.until([&] { return l.times("web1: systemctl reboot") == 1; }));
  const Millis back = l.clock.monotonic() + 100'000;
  l.hosts->on("web3: curl", [&](const std::string &, const machine::Command &, Millis now) {
    Reply r;
    r.code = now < back ? 7 : 0;
    return r;
  });
  EXPECT_EQ(l.finish().status, Status::done) << l.journal_text();
  for (const auto &s : l.simulated->started()) {
    const bool early = s.host == l.host("web2") && text_of(s.command) == "note" && s.at < back;
    EXPECT_FALSE(early) << s.at;
  }
}

TEST(Bystander, OneThatFallsIllInTheMiddleOfATurnIsSeenAtTheAct) {
  Lab l(small(rolling));
  l.hosts->takes("note", 5'000);
  l.begin();
  ASSERT_TRUE(l.until([&] { return l.times("web2: note") == 1; }));
  l.hosts->says("web1: curl", "", 7);
  machine::Ending e = l.finish();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("web1"), std::string::npos) << e.reason;
  EXPECT_EQ(l.times("web2: systemctl reboot"), 0);
  EXPECT_FALSE(begun(l, "web3"));
  l.hosts->says("web1: curl", "hello\n");
  EXPECT_EQ(l.resume().status, Status::done);
}

/// Five hosts of which two may be down, two restart at once, and one is down that nobody took down: the two together
/// would be one too many, although each of them finds enough.
TEST(Bystander, TwoStepsDoNotGoDownTogetherOverAThird) {
  std::string text = R"(
use linux
cluster web { host web1 "10.0.0.1", web2 "10.0.0.2", web3 "10.0.0.3", web4 "10.0.0.4", web5 "10.0.0.5" { roles server } }
role server { available all but 2  health answering  stoppable always "a balancer takes it out" }
gate answering(h: host) { let r = run("curl", "-fsS", "http://localhost/") on h  pass when r.code == 0  poll 2s for 20m }
action note(h: host) { changes server on h  idempotent  run("note") on h  takes 5s..1m }
action restart(h: host) {
  requires answering(h)
  disrupts all on h
  run("systemctl", "reboot") on h
  awaits boot of h
  takes 3m..15m
}
upgrade u of web {
  preflight { await in_service(all) }
  rolling n in server batch 2 {
    note(n)
    await in_service(n)
    restart(n)
    await in_service(n)
  }
}
)";
  Lab l(text);
  l.hosts->takes("note", 5'000);
  l.begin();
  ASSERT_TRUE(l.until([&] { return l.times("note") == 2; }));
  const Millis back = l.clock.monotonic() + 300'000;
  std::map<std::string, bool> down;
  std::size_t most = 0;
  l.hosts->on("curl", [&](const std::string &host, const machine::Command &, Millis now) {
    down[host] = false;
    Reply r;
    if (host == "web5" && now < back) r.code = 7, down[host] = true;
    return r;
  });
  l.hosts->on("systemctl reboot", [&](const std::string &host, const machine::Command &, Millis now) {
    down[host] = true;
    down["web5"] = now < back;
    std::size_t n = 0;
    for (const auto &[name, is] : down) n += is;
    most = std::max(most, n);
    Reply r;
    r.takes = 50;
    r.reboot_after = 1'000;
    return r;
  });
  EXPECT_EQ(l.finish().status, Status::done) << l.journal_text();
  EXPECT_EQ(most, 2u);
  EXPECT_EQ(l.times("systemctl reboot"), 5);
}

}  // namespace
}  // namespace upg::machine_test
