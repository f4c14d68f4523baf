// Who a host is: over a reinstallation its old key counts no more and the new one only when somebody vouches for it;
// another machine at a known address stops the run.
#include "test/unit/machine/fixture.h"

namespace upg::machine_test {
namespace {

std::string plan_with(const std::string &attributes) {
  return R"(
use linux
cluster web { host web1 "10.0.0.1" { roles server )" +
         attributes + R"( } host web2 "10.0.0.2", web3 "10.0.0.3" { roles server } }
role server { available >= 2  serial  health answering  stoppable always "a balancer takes it out" }
gate answering(h: host) { let r = run("curl", "-fsS", "http://localhost/") on h  pass when r.code == 0  poll 2s for 5m }
gate others_answer(h: host) { pass when every p in server except h: answers(p)  watches server }
action install_anew(h: host) {
  requires others_answer(h)
  reinstalls h
  run("systemctl", "reboot") on h
  awaits boot of h
  takes 3m..15m
}
upgrade u of web {
  preflight { await in_service(all) }
  await others_answer(web1)
  install_anew(web1)
  await in_service(web1)
}
)";
}

/// Shows the new key and machine id from its next boot on.
void anew(Lab &l, const std::string &key = "SHA256:second") {
  l.host_keys["web1"] = {1, key};
  l.hosts->on("web1: cat /etc/machine-id", [&l](const std::string &, const machine::Command &, Millis now) {
    Reply r;
    r.out = l.simulated->boot(l.host("web1"), now) >= 1 ? "machine-anew\n" : "machine-web1\n";
    return r;
  });
}

TEST(Identity, APersonVouchesForANewKey) {
  Lab l(plan_with(""));
  anew(l);
  EXPECT_EQ(l.run().status, Status::done) << l.journal_text();
  ASSERT_EQ(l.people.asked.size(), 1u);
  EXPECT_NE(l.people.asked[0].find("SHA256:second"), std::string::npos) << l.people.asked[0];
  ASSERT_EQ(l.events(Event::host_key_trusted).size(), 1u);
  EXPECT_EQ(machine::field_of(l.events(Event::host_key_trusted)[0], "who"), "operator");
  EXPECT_EQ(machine::field_of(l.events(Event::identity_seen).back(), "machine_id"), "machine-anew");
  EXPECT_EQ(l.times("systemctl reboot"), 1);
}

TEST(Identity, NobodyVouchesAndAResumeDoes) {
  Lab l(plan_with(""));
  anew(l);
  l.people.reply = "no";
  machine::Ending e = l.run();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("nobody vouches for its new host key SHA256:second"), std::string::npos) << e.reason;
  EXPECT_NE(e.advice.find("--host-key web1=SHA256:second"), std::string::npos) << e.advice;
  machine::Options options;
  options.host_keys["web1"] = "SHA256:second";
  e = l.resume(options);
  EXPECT_EQ(e.status, Status::done) << e.reason << l.journal_text();
  EXPECT_EQ(l.times("systemctl reboot"), 1);
  EXPECT_EQ(l.people.asked.size(), 1u);
}

TEST(Identity, ADeclaredKeyNeedsNobody) {
  Lab l(plan_with("host_key_after_reinstall \"SHA256:second\""));
  anew(l);
  EXPECT_EQ(l.run().status, Status::done) << l.journal_text();
  EXPECT_TRUE(l.people.asked.empty());
}

TEST(Identity, AnotherKeyThanTheDeclaredOneStops) {
  Lab l(plan_with("host_key_after_reinstall \"SHA256:second\""));
  anew(l, "SHA256:third");
  machine::Ending e = l.run();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("SHA256:third; declared is SHA256:second"), std::string::npos) << e.reason;
}

TEST(Identity, TheOldKeyIsRefusedAfterwards) {
  Lab l(plan_with(""));  // it comes back as it was
  machine::Ending e = l.run();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("is not back"), std::string::npos) << e.reason;
  EXPECT_TRUE(l.people.asked.empty());
}

TEST(Identity, TheControllerDiesAnywhere) {
  for (int k = 1; k < 200; ++k) {
    Lab l(plan_with("host_key_after_reinstall \"SHA256:second\""));
    anew(l);
    l.death.at_record = k;
    l.run();
    const bool died = l.died;
    machine::Ending e = l.resume();
    ASSERT_EQ(e.status, Status::done) << k << ": " << e.reason << l.journal_text();
    EXPECT_EQ(l.times("systemctl reboot"), 1) << k;
    if (!died) return;
  }
}

const char *const rebooting = R"(
use linux
cluster web { host web1 "10.0.0.1", web2 "10.0.0.2", web3 "10.0.0.3" { roles server } }
role server { available >= 2  serial  health answering  stoppable always "a balancer takes it out" }
gate answering(h: host) { let r = run("curl", "-fsS", "http://localhost/") on h  pass when r.code == 0  poll 2s for 5m }
upgrade u of web {
  preflight { await in_service(all) }
  linux.reboot(web1)
  await in_service(web1)
}
)";

TEST(Identity, AnotherMachineAfterARebootStops) {
  Lab l(rebooting);
  anew(l, "SHA256:first");
  machine::Ending e = l.run();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("web1 is another machine now: machine id machine-web1 before, machine-anew now"),
            std::string::npos)
      << e.reason;
}

TEST(Identity, AnotherMachineAtAResumeStops) {
  Lab l(rebooting);
  l.begin();
  ASSERT_TRUE(l.until([&] { return l.times("systemctl reboot") == 1; }));
  l.machine->request_stop("ann");
  l.finish();
  l.hosts->says("web2: cat /etc/machine-id", "machine-else\n");
  machine::Ending e = l.resume();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("web2 is another machine now"), std::string::npos) << e.reason;
}

const char *const noting = R"(
action note(h: host) { changes server on h  idempotent  run("note") on h  takes 1s..1m }
action fix(h: host) { changes server on h  idempotent  run("fix") on h  takes 1s..1m }
upgrade u of web {
  preflight { await in_service(all) }
  attempt 3 { note(web1)  await in_service(web1)  note(web2) } recover when answers(web1) { fix(web1)  await in_service(web1) }
  await in_service(all)
}
)";

/// While the step on web1 runs, web2 is connected to anew.
void reconnect(Lab &l) {
  l.hosts->takes("note", 20'000);
  l.hosts->takes("fix", 1'000);
  l.connections = {{"web1", 1}, {"web2", 1}, {"web3", 1}};
  l.begin();
  ASSERT_TRUE(l.until([&] { return l.times("web1: note") == 1; }));
  l.connections["web2"] = 2;
}

TEST(Identity, NoAttemptCatchesAStrangerAndNothingIsDoneThere) {
  Lab l(web(noting), false);
  reconnect(l);
  l.hosts->says("web2: cat /etc/machine-id", "machine-else\n");
  machine::Ending e = l.finish();
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("web2 is another machine now"), std::string::npos) << e.reason;
  EXPECT_EQ(l.times("web2"), 0);
  EXPECT_EQ(l.times("fix"), 0);
  l.hosts->says("web2: cat /etc/machine-id", "machine-web2\n");
  e = l.resume();
  EXPECT_EQ(e.status, Status::done) << e.reason << l.journal_text();
}

TEST(Identity, WhoDoesNotSayWhoItIsDoesNotAnswer) {
  Lab l(web(noting), false);
  reconnect(l);
  const Millis back = l.clock.monotonic() + 45'000;
  l.hosts->on("web2: cat /etc/machine-id", [=](const std::string &, const machine::Command &, Millis now) {
    Reply r;
    r.out = now < back ? "" : "machine-web2\n";
    r.code = now < back ? 1 : 0;
    return r;
  });
  machine::Ending e = l.finish();
  EXPECT_EQ(e.status, Status::done) << e.reason << l.journal_text();
  for (const auto &s : l.simulated->started()) {
    const bool early = s.host == l.host("web2") && text_of(s.command) == "note" && s.at < back;
    EXPECT_FALSE(early) << s.at;
  }
}

TEST(Identity, TheSameMachineIsAskedOnceForEachConnection) {
  Lab l(web(noting), false);
  reconnect(l);
  EXPECT_EQ(l.finish().status, Status::done) << l.journal_text();
  EXPECT_EQ(l.asked("cat /etc/machine-id"), 4);
}

}  // namespace
}  // namespace upg::machine_test
