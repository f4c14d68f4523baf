// `once`: the marker is in the journal and on a host that no action destroys; what cannot be read counts as used.
#include "test/unit/machine/fixture.h"

namespace upg::machine_test {
namespace {

const char *const burning = R"(
action burn(h: host) {
  changes server on h
  destroys "the old image"
  once
  run("burn") on h
  takes 5s..1m
}
upgrade u of web { preflight { await in_service(all) }  burn(web1)  await in_service(web1) }
)";

std::unique_ptr<Lab> lab() {
  auto l = std::make_unique<Lab>(web(burning), false);  // GUARD is not what this is about
  l->hosts->takes("burn", 3'000);
  return l;
}

TEST(Once, ASecondRunOfThePlanDoesNotStartIt) {
  auto l = lab();
  machine::Ending e = l->run();
  ASSERT_EQ(e.status, Status::done) << e.reason;
  ASSERT_EQ(l->events(Event::once_claimed).size(), 1u);
  EXPECT_EQ(machine::field_of(l->events(Event::once_claimed)[0], "host"), "web2") << "web1 is what it destroys";
  l->journal.records.clear();  // another controller, which has no journal
  machine::Options options;
  options.run_id = "run2";
  e = l->run(options);
  EXPECT_NE(e.status, Status::done);
  EXPECT_NE(e.reason.find("was started before, by `run1 "), std::string::npos) << e.reason;
  EXPECT_EQ(l->times("burn"), 1);
}

TEST(Once, AMarkerThatCannotBeReadCountsAsUsed) {
  std::string text = web(burning);
  text.replace(text.find("burn(web1)"), 10, "prepare(web3)  await in_service(web3)  burn(web1)");
  text += "action prepare(h: host) { changes server on h  run(\"prepare\") on h  takes 5s..1m }\n";
  auto l = std::make_unique<Lab>(text, false);
  l->hosts->on("prepare", [&](const std::string &, const machine::Command &, Millis now) {
    l->simulated->reboot(l->host("web2"), now, 10'000'000);
    Reply r;
    r.takes = 3'000;
    return r;
  });
  machine::Ending e = l->run();
  EXPECT_NE(e.status, Status::done);
  EXPECT_NE(e.reason.find("cannot be read"), std::string::npos) << e.reason;
  EXPECT_EQ(l->times("web1: burn"), 0);
}

TEST(Once, AControllerThatDiesStartsItOnce) {
  for (int k = 1; k < 200; ++k) {
    auto l = lab();
    l->death.at_record = k;
    l->run();
    if (!l->died) return;
    machine::Ending e = l->resume();
    ASSERT_EQ(e.status, Status::done) << k << ": " << e.reason << l->journal_text();
    ASSERT_EQ(l->times("web1: burn"), 1) << k;
  }
}

TEST(Once, NowhereToKeepTheMarker) {
  std::string text = web(R"(
action burn(h: host) { changes server on h  destroys "the old image"  once  run("burn") on h  takes 5s..1m }
upgrade u of web {
  preflight { await in_service(all) }
  rolling n in server { burn(n)  await in_service(n) }
}
)");
  Lab l(text, false);
  machine::Ending e = l.run();
  EXPECT_EQ(e.status, Status::refused) << e.reason;
  EXPECT_NE(e.reason.find("no host for its marker"), std::string::npos) << e.reason;
}

}  // namespace
}  // namespace upg::machine_test
