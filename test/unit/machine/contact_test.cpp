// Which host is asked for what, and how often: holds of two fibers, `on any`, orders, groups, dead hosts, users,
// reboots.
#include "test/unit/machine/fixture.h"

namespace upg::machine_test {
namespace {

std::string two_roles(const std::string &text) {
  std::string all = web(R"(
role cache { available may be down  health cached }
gate cached(h: host) { pass when (run("get", "cache") on h).stdout == "none"  poll 2s for 1m }
)" + text);
  all.replace(all.find("roles server"), 12, "roles server, cache");
  return all;
}

TEST(Contact, OneHoldInTwoFibersIsTakenAndReleasedOnce) {
  Lab l(two_roles(R"(
hold quiet {
  observe (run("get", "quiet") on local).stdout == "on"
  acquire { run("set", "quiet", "on") on local }
  release { run("set", "quiet", "off") on local }
  on halt keep
  takes 2s..1m
}
action clear(h: host) { changes cache on h  run("clear") on h  takes 5s..5m }
upgrade u of web {
  preflight { await in_service(all) }
  parallel { with quiet { clear(web1)  await in_service(web1) } } and { with quiet { clear(web2)  await in_service(web2) } }
}
)"));
  std::vector<std::string> while_it_is;
  l.hosts->on("clear", [&](const std::string &host, const machine::Command &, Millis) {
    while_it_is.push_back(host + " " + l.hosts->files["controller:quiet"]);
    Reply r;
    r.takes = host == "web1" ? 5'000 : 100'000;  // the second is still inside when the first leaves
    return r;
  });
  EXPECT_EQ(l.run().status, Status::done);
  EXPECT_EQ(while_it_is, (std::vector<std::string>{"web1 on", "web2 on"}));
  EXPECT_EQ(l.times("set quiet on"), 1);
  EXPECT_EQ(l.times("set quiet off"), 1);
  EXPECT_EQ(l.done().back(), "controller: set quiet off");
  EXPECT_EQ(l.events(Event::hold_taken).size(), 2u);
  EXPECT_EQ(l.events(Event::hold_released).size(), 2u);
}

TEST(Contact, OnAnyNeverRunsTwiceWhenTheAnswerWasLost) {
  for (const char *how : {"lost", "vanished"}) {
    Lab l(two_roles(R"(
action announce { changes cache on web3  run("announce") on any server  takes 5s..2m }
upgrade u of web { preflight { await in_service(all) }  announce()  await in_service(web3) }
)"));
    l.hosts->on("announce", [&](const std::string &, const machine::Command &, Millis) {
      Reply r;
      r.takes = 10'000;
      if (std::string(how) == "vanished") r.reboot_after = 2'000;  // it takes the command with it
      return r;
    });
    l.begin();
    ASSERT_TRUE(l.until([&] { return l.times("announce") == 1; }));
    const std::string first = l.done().back();
    if (std::string(how) == "lost")  // the connection only: the host itself stays up
      l.simulated->reboot(l.host("web1"), l.clock.monotonic() + 11'000, 5'000);
    machine::Ending e = l.finish();
    EXPECT_EQ(l.times("announce"), 1) << how << e.reason << l.journal_text();
    if (std::string(how) == "vanished") {
      EXPECT_EQ(e.status, Status::halted) << "nobody knows what became of it";
      EXPECT_EQ(l.resume().status, Status::halted);
      EXPECT_EQ(l.times("announce"), 1);
    }
  }
}

TEST(Contact, OnAnyTakesAnotherHostOnlyWhenNothingWasStarted) {
  Lab l(two_roles(R"(
action announce { changes cache on web3  run("announce") on any server  takes 5s..2m }
action clear(h: host) { changes cache on h  run("clear") on h  takes 5s..5m }
upgrade u of web { preflight { await in_service(all) }  clear(web3)  await in_service(web3)  announce()  await in_service(web3) }
)"));
  l.hosts->takes("announce", 1'000);
  l.hosts->on("clear", [&](const std::string &, const machine::Command &, Millis now) {
    l.simulated->reboot(l.host("web1"), now, 60'000);
    Reply r;
    r.takes = 5'000;
    return r;
  });
  EXPECT_EQ(l.run().status, Status::done);
  EXPECT_EQ(l.done(), (std::vector<std::string>{"web3: clear", "web2: announce"}));
}

TEST(Contact, AQuestionGoesToAHostWhoseMachineIsUpWhereNoneIsUpInEveryRole) {
  std::string text = two_roles(R"(
action stop(h: host) { requires cached(h)  disrupts cache on h  run("stop") on h  takes 5s..5m }
probe asked -> string { return (run("ask") on any server).stdout }
upgrade u of web {
  preflight { await in_service(all) }
  await cached(web1)  stop(web1)
  await cached(web2)  stop(web2)
  await cached(web3)  stop(web3)
  let a = asked()
  await in_service(all)
}
)");
  text.replace(text.find("health cached"), 13, "health cached  stoppable cached");
  Lab l(text);
  l.hosts->takes("stop", 1'000);
  l.hosts->says("ask", "x");
  machine::Ending e = l.run();
  EXPECT_EQ(e.status, Status::done) << e.reason;
  EXPECT_EQ(l.times("stop"), 3);
}

TEST(Contact, PhasesObeyTheEdgesThatOrderAdds) {
  Lab l(two_roles(R"(
order cache before server
action clear(h: host) { changes cache on h  run("clear") on h  takes 5s..5m }
action install(h: host) { changes server on h  run("install") on h  takes 5s..5m }
upgrade u of web {
  preflight { await in_service(all) }
  phase servers { install(web1)  await in_service(web1) }
  phase caches  { clear(web2)  await in_service(web2) }
}
)"));
  l.hosts->takes("clear", 60'000);
  l.hosts->takes("install", 1'000);
  EXPECT_EQ(l.run().status, Status::done);
  EXPECT_EQ(l.done(), (std::vector<std::string>{"web2: clear", "web1: install"}));
  ASSERT_EQ(l.proof.phase_edges.size(), 1u);
}

TEST(Contact, OneOfEachGroupAtATime) {
  std::string text = R"(use linux
cluster web {
  host web1 "10.0.0.1", web2 "10.0.0.2" { rack "a"  roles cache }
  host web3 "10.0.0.3", web4 "10.0.0.4" { rack "b"  roles cache }
}
role cache { available may be down  health cached }
gate cached(h: host) { pass when (run("get", "cache") on h).stdout == "none"  poll 2s for 1m }
action clear(h: host) { changes cache on h  run("clear") on h  takes 5s..5m }
upgrade u of web {
  preflight { await in_service(all) }
  rolling n in cache batch 1 per host.rack { clear(n)  await in_service(n) }
}
)";
  Lab l(text);
  std::map<std::string, int> live;
  int most = 0;
  l.hosts->takes("clear", 20'000);
  l.begin();
  std::size_t seen = 0;
  while (l.turn()) {
    for (; seen < l.journal.records.size(); ++seen) {
      const Record &r = l.journal.records[seen];
      const std::string host = machine::field_of(r, "host");
      const std::string rack = host == "web1" || host == "web2" ? "a" : "b";
      if (r.event == Event::iteration_started) {
        EXPECT_EQ(++live[rack], 1) << host;
        most = std::max(most, live["a"] + live["b"]);
      }
      if (r.event == Event::iteration_ended) --live[rack];
    }
  }
  EXPECT_EQ(l.finish().status, Status::done);
  EXPECT_EQ(most, 2) << "one of each rack side by side";
  EXPECT_EQ(l.times("clear"), 4);
}

TEST(Contact, AHostDeclaredOutIsNeverContacted) {
  std::string text = web(R"(
action prepare(h: host) { changes server on h  run("prepare") on each server  takes 5s..1m }
probe asked -> string { return (run("ask") on any server).stdout }
upgrade u of web {
  preflight { await in_service(all) }
  let a = asked()
  rolling n in server { await stoppable(n)  linux.reboot(n)  await in_service(n) }
}
)");
  text.replace(text.find("available >= 2"), 14, "available >= 1");
  text.replace(text.find("{ roles server } }"), 18, "{ roles server }  host web3 out \"its disk is dead\" }");
  auto made = std::make_unique<Lab>(text, false);
  Lab &l = *made;
  l.hosts->says("ask", "x");
  machine::Ending e = l.run();
  EXPECT_EQ(e.status, Status::done) << e.reason;
  ASSERT_TRUE(l.plan().hosts[l.host("web3").index].out_reason.valid());
  for (const auto &s : l.simulated->started()) EXPECT_NE(s.host, l.host("web3")) << text_of(s.command);
}

TEST(Contact, EachHostHasItsOwnUser) {
  std::string text = web(R"(
action clear { changes server on web1  run("clear") on each server  takes 5s..1m }
probe all_ask -> list<string> { return [r.stdout for r in (run("ask") on each server)] }
probe one_ask -> string { return (run("one") on any server).stdout }
upgrade u of web { preflight { await in_service(all) }  let a = all_ask()  let b = one_ask()  clear()  await in_service(web1) }
)");
  text.replace(text.find("host web1 \"10.0.0.1\","), 21,
               "host web1 \"10.0.0.1\" { become \"alice\"  roles server }\n host web0 \"10.0.0.8\" { become \"root\"  "
               "roles server }\n host");
  Lab l(text, false);
  l.hosts->says("ask", "x");
  l.hosts->says("one", "x");
  l.hosts->takes("clear", 1'000);
  machine::Ending e = l.run();
  EXPECT_EQ(e.status, Status::done) << e.reason;
  std::map<std::string, std::string> users;
  for (const auto &s : l.simulated->started())
    if (text_of(s.command) == "clear" || text_of(s.command) == "ask")
      users[text_of(s.command) + " " + std::string(l.plan().text(l.plan().hosts[s.host.index].name))] = s.command.user;
  for (const char *what : {"clear", "ask"}) {
    EXPECT_EQ(users[std::string(what) + " web1"], "alice");
    EXPECT_EQ(users[std::string(what) + " web0"], "root");
    EXPECT_EQ(users[std::string(what) + " web2"], "");
  }
}

const char *const one_reboot = R"(
upgrade u of web { preflight { await in_service(all) }  await stoppable(web1)  linux.reboot(web1)  await in_service(web1) }
)";

TEST(Boot, AnOldBootIdIsNotBack) {
  Lab l(web(one_reboot));
  l.hosts->on("systemctl reboot", [](const std::string &, const machine::Command &, Millis) {
    Reply r;
    r.reboot_after = 60'000;  // it takes its time and answers meanwhile
    return r;
  });
  l.begin();
  ASSERT_TRUE(l.until([&] {
    for (const auto &a : l.machine->activities())
      if (a.detail.find("still answers with the old boot id") != std::string::npos) return true;
    return false;
  }));
  EXPECT_EQ(l.finish().status, Status::done);
  EXPECT_GE(l.clock.monotonic(), 90'000);
  EXPECT_EQ(l.events(Event::boot_seen).size(), 1u);
}

TEST(Boot, OneThatNeverRebootsIsNotBackInTime) {
  Lab l(web(one_reboot));
  l.hosts->takes("systemctl reboot", 50);
  machine::Ending e = l.run();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("not back from its reboot in time: it still answers with the old boot id"), std::string::npos)
      << e.reason;
  EXPECT_EQ(l.times("systemctl reboot"), 1);
}

TEST(Boot, OneThatStaysDownHaltsAtTheDeadline) {
  Lab l(web(one_reboot));
  l.hosts->on("systemctl reboot", [](const std::string &, const machine::Command &, Millis) {
    Reply r;
    r.reboot_after = 100;
    r.down_for = 100'000'000;
    return r;
  });
  l.begin();
  ASSERT_TRUE(l.until([&] { return !l.machine->silent().empty(); }));
  const machine::Silence s = l.machine->silent()[0];
  EXPECT_EQ(s.host, l.host("web1"));
  EXPECT_LT(l.clock.unix_ms() - s.since_unix_ms, 5'000) << "said within seconds";
  EXPECT_GT(s.until_unix_ms, l.clock.unix_ms()) << "and until when it is waited for";
  machine::Ending e = l.finish();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("not back from its reboot in time"), std::string::npos) << e.reason;
}

TEST(Boot, TwoRebootsInARow) {
  Lab l(web(one_reboot));
  l.hosts->on("systemctl reboot", [&](const std::string &, const machine::Command &, Millis now) {
    Reply r;
    r.reboot_after = 1'000;
    l.simulated->reboot(l.host("web1"), now + 36'000, 30'000);  // down again before it has settled
    return r;
  });
  l.hosts->on("web1: systemctl is-system-running", [&](const std::string &, const machine::Command &, Millis now) {
    Reply r;
    r.out = l.simulated->boot(l.host("web1"), now) == 1 ? "starting\n" : "running\n";
    return r;
  });
  EXPECT_EQ(l.run().status, Status::done) << l.journal_text();
  EXPECT_EQ(l.times("systemctl reboot"), 1);
  EXPECT_GE(l.clock.monotonic(), 61'500);
}

}  // namespace
}  // namespace upg::machine_test
