// The way back: by undo, last step first, or as `on abort` says.
#include "test/unit/machine/fixture.h"

namespace upg::machine_test {
namespace {

const char *const changes = R"(
probe value_of(h: host) -> string { return (run("get", "value") on h).stdout default "" }
gate ready(h: host) { pass when (run("get", "ready") on h).stdout == "yes"  poll 5s for 1m }
action note(h: host) { changes server on h  run("note") on h  takes 1s..1m  undo nothing "it does no harm" }
action change(h: host) {
  changes server on h
  run("set", "value", "new") on h
  takes 1s..1m
  undo { changes server on h  run("set", "value", "old") on h  takes 1s..1m }
}
hold quiet {
  observe (run("get", "quiet") on local).stdout == "on"
  acquire { run("set", "quiet", "on") on local }
  release { run("set", "quiet", "off") on local }
  on halt keep
  takes 2s..1m
}
)";

std::unique_ptr<Lab> lab(const std::string &more = "") {
  auto l = std::make_unique<Lab>(web(changes + (R"(
upgrade u of web {
  preflight { await in_service(all) }
  note(web1)  await in_service(web1)
  with quiet { rolling n in server { change(n)  await in_service(n)  await ready(n) } }
  point of no return "from here on only forward"
  change(web1)  await in_service(web1)  await ready(web2)
)" + more + "}\n")),
                                 false);
  for (const char *h : {"web1", "web2", "web3"}) {
    l->hosts->files[std::string(h) + ":value"] = "old";
    l->hosts->files[std::string(h) + ":ready"] = "yes";
  }
  l->hosts->takes("note", 1'000);
  return l;
}

machine::Options back() {
  machine::Options o;
  o.abort = true;
  return o;
}

TEST(Abort, UndoesTheLastStepFirst) {
  auto l = lab();
  l->hosts->files["web2:ready"] = "no";
  EXPECT_EQ(l->run().status, Status::halted);
  EXPECT_EQ(l->hosts->files["web2:value"], "new");
  EXPECT_EQ(l->hosts->files["controller:quiet"], "on");
  const std::size_t before = l->done().size();
  machine::Ending e = l->resume(back());
  ASSERT_EQ(e.status, Status::aborted) << e.reason << "\n" << l->journal_text();
  std::vector<std::string> way = l->done();
  way.erase(way.begin(), way.begin() + static_cast<std::ptrdiff_t>(before));
  EXPECT_EQ(way,
            (std::vector<std::string>{"controller: set quiet off", "controller: set quiet on", "web2: set value old",
                                      "controller: set quiet off", "controller: set quiet on", "web1: set value old",
                                      "controller: set quiet off"}))
      << l->journal_text();
  EXPECT_EQ(l->events(Event::step_undone).size(), 2u);
  EXPECT_EQ(l->events(Event::abort_started).size(), 1u);
}

TEST(Abort, WhatNeedsNoUndoIsInServiceAllTheSame) {
  auto l = lab();
  l->begin();
  ASSERT_TRUE(l->until([&] { return l->events(Event::act_ended).size() == 1; }));  // note(web1)
  l->hosts->says("web1: curl", "", 7);
  EXPECT_EQ(l->finish().status, Status::halted);
  machine::Ending e = l->resume(back());
  EXPECT_EQ(e.status, Status::halted);
  EXPECT_NE(e.reason.find("answering(web1)"), std::string::npos) << e.reason;
  l->hosts->says("web1: curl", "hello");
  EXPECT_EQ(l->resume().status, Status::aborted);
}

TEST(Abort, ThePointOfNoReturnIsOne) {
  auto l = lab();
  l->begin();
  ASSERT_TRUE(l->until([&] { return l->hosts->files["web3:value"] == "new"; }));
  l->hosts->files["web2:ready"] = "no";
  EXPECT_EQ(l->finish().status, Status::halted);
  const std::size_t before = l->done().size();
  machine::Ending e = l->resume(back());
  EXPECT_EQ(e.status, Status::stopped);
  EXPECT_NE(e.reason.find("past its point of no return"), std::string::npos) << e.reason;
  EXPECT_EQ(l->done().size(), before);
  l->hosts->files["web2:ready"] = "yes";
  EXPECT_EQ(l->resume().status, Status::done);
}

TEST(Abort, OnAbortTakesThePlaceOfUndo) {
  auto l = lab("on abort { for n in server { change(n)  await in_service(n) } }");
  l->hosts->files["web1:ready"] = "no";
  EXPECT_EQ(l->run().status, Status::halted);
  machine::Ending e = l->resume(back());
  ASSERT_EQ(e.status, Status::aborted) << e.reason << "\n" << l->journal_text();
  EXPECT_EQ(l->times("set value old"), 0);
  EXPECT_EQ(l->times("set value new"), 4);
  EXPECT_EQ(l->hosts->files["controller:quiet"], "off");
}

TEST(Abort, TheControllerDiesAnywhereOnTheWayBack) {
  for (const char *more : {"", "on abort { for n in server { change(n)  await in_service(n) } }"}) {
    for (int k = 1; k < 500; ++k) {
      auto l = lab(more);
      l->hosts->files["web2:ready"] = "no";
      l->run();
      l->death.at_record = k;
      l->resume(back());
      const bool died = l->died;
      l->death.at_record = -1;
      const bool begun = !l->events(Event::abort_started).empty();
      machine::Options plain;
      machine::Ending e = l->resume(begun ? plain : back());  // begun: a resume goes on with it
      ASSERT_EQ(e.status, Status::aborted) << k << more << ": " << e.reason << "\n" << l->journal_text();
      EXPECT_EQ(l->times("set value old"), *more ? 0 : 2) << k << "\n" << l->journal_text();
      EXPECT_EQ(l->times("set value new"), *more ? 5 : 2) << k << "\n" << l->journal_text();
      EXPECT_EQ(l->hosts->files["controller:quiet"], "off") << k;
      if (!died || ::testing::Test::HasFailure()) break;
    }
  }
}

}  // namespace
}  // namespace upg::machine_test
