// What a resume believes: the journal only where it fits the plan and the world.
#include <nlohmann/json.hpp>

#include "test/unit/machine/everything.h"

namespace upg::machine_test {
namespace {

/// Stopped after the first host, under the hold, with two hosts to go.
std::unique_ptr<Lab> stopped() {
  auto l = lab();
  l->begin();
  l->until([&] { return l->events(Event::iteration_ended).size() == 1; });
  l->machine->request_stop("a person");
  machine::Ending e = l->finish();
  EXPECT_EQ(e.status, Status::stopped) << e.reason;
  EXPECT_EQ(l->hosts->files["controller:quiet"], "on");
  return l;
}

void refuses(Lab &l, const std::string &what) {
  const std::size_t before = l.done().size();
  machine::Ending e = l.resume();
  EXPECT_EQ(e.status, Status::halted) << e.reason;
  EXPECT_NE(e.reason.find(what), std::string::npos) << e.reason;
  EXPECT_NE(e.advice.find("put it back"), std::string::npos) << e.advice;
  EXPECT_EQ(l.done().size(), before) << "something was done";
}

TEST(Resume, AStateThatSomebodyMovedRefuses) {
  auto l = stopped();
  l->hosts->files["web1:packages"] = "old";
  refuses(*l, "packages(web1) was new, it is old now");
  l->hosts->files["web1:packages"] = "new";
  EXPECT_EQ(l->resume().status, Status::done);
  expect_all_done(*l, "put back");
}

TEST(Resume, AHoldThatSomebodyReleasedRefuses) {
  auto l = stopped();
  l->hosts->files["controller:quiet"] = "off";
  refuses(*l, "hold quiet() was in force, it is free now");
  l->hosts->files["controller:quiet"] = "on";
  EXPECT_EQ(l->resume().status, Status::done);
  expect_all_done(*l, "put back");
}

TEST(Resume, AHostThatFellIllRefuses) {
  Lab l(web(R"(
gate ready(h: host) { pass when (run("get", "ready") on h).stdout == "yes"  poll 5s for 1m  watches nothing }
action prepare(h: host) { changes server on h  run("prepare") on h  takes 5s..1m }
upgrade u of web {
  preflight { await in_service(all) }
  prepare(web1)  await in_service(web1)
  await ready(web1)
  prepare(web1)  await in_service(web1)
}
)"));
  l.hosts->takes("prepare", 1'000);
  EXPECT_EQ(l.run().status, Status::halted);
  l.hosts->files["web1:ready"] = "yes";
  l.hosts->says("web2: curl", "", 7);
  refuses(l, "answering(web2) passed, now it does not");
  l.hosts->says("web2: curl", "hello");
  EXPECT_EQ(l.resume().status, Status::done);
  EXPECT_EQ(l.times("prepare"), 2);
}

TEST(Resume, AHostOnItsWayUpIsWaitedFor) {
  auto l = stopped();
  l->simulated->reboot(l->host("web3"), l->clock.monotonic(), 40'000);
  EXPECT_EQ(l->resume().status, Status::done);
  expect_all_done(*l, "came back");
}

/// Each record in turn says something else: the run refuses or goes on, it never falls over.
TEST(Resume, AHostileJournalIsRefusedOrHarmless) {
  auto l = stopped();
  const std::vector<Record> honest = l->journal.records;
  const char *const values[] = {R"({"k":13,"n":99999})",
                                R"({"k":13,"n":-1})",
                                R"({"k":14,"i":[{"k":13,"n":7}]})",
                                R"({"k":16})",
                                R"({"k":15})",
                                "[[[",
                                "\"text\"",
                                "{\"k\":0}",
                                "-9223372036854775809",
                                "nobody",
                                "../../../x"};
  std::size_t tried = 0;
  for (std::size_t i = 0; i < honest.size(); ++i) {
    nlohmann::json fields = nlohmann::json::parse(honest[i].data, nullptr, false);
    if (!fields.is_object()) continue;
    for (const auto &[name, value] : fields.items()) {
      const char *bad = values[tried++ % std::size(values)];
      l->journal.records = honest;
      nlohmann::json other = fields;
      other[name] = bad;
      l->journal.records[i].data = other.dump();
      l->begin();
      for (int turns = 0; turns < 3 && l->turn(); ++turns) {
      }
      l->machine.reset();
      l->journal.pending.clear();
    }
  }
  EXPECT_GT(tried, 100u);
}

TEST(Resume, HostsThatThePlanDoesNotHaveAreRefused) {
  for (auto [event, field, bad] :
       {std::tuple{Event::command_started, "host", "web99"},
        std::tuple{Event::command_started, "step", "1.0; rm -rf /"},
        std::tuple{Event::value_kept, "value", R"({"k":13,"n":3})"}, std::tuple{Event::identity_seen, "host", "web99"},
        std::tuple{Event::cell_seen, "arguments", R"({"k":14,"i":[{"k":13,"n":3}]})"}}) {
    auto l = stopped();
    bool changed = false;
    for (Record &r : l->journal.records) {
      if (r.event != event || changed) continue;
      nlohmann::json j = nlohmann::json::parse(r.data);
      j[field] = bad;
      r.data = j.dump();
      changed = true;
    }
    ASSERT_TRUE(changed) << field;
    machine::Ending e = l->resume();
    EXPECT_EQ(e.status, Status::halted) << bad;
    EXPECT_NE(e.reason.find("the journal cannot be this plan's"), std::string::npos) << e.reason;
  }
}

/// Every event carries exactly the fields of its row.
void expect_rows(const std::vector<Record> &records) {
  for (const Record &r : records) {
    std::set<std::string> wanted, found;
    std::string name;
    for (const char *c = machine::info(r.event).fields;; ++c) {
      if (*c && *c != ' ') {
        name += *c;
        continue;
      }
      if (!name.empty()) wanted.insert(std::exchange(name, {}));
      if (!*c) break;
    }
    const nlohmann::json data = nlohmann::json::parse(r.data);
    for (const auto &[k, v] : data.items()) found.insert(k);
    EXPECT_EQ(found, wanted) << machine::info(r.event).name << " " << r.data;
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(Events, CarryExactlyTheFieldsOfTheirRows) {
  auto whole = lab();
  whole->run();
  expect_rows(whole->journal.records);
  auto twice = stopped();
  twice->resume();
  expect_rows(twice->journal.records);
  auto ill = lab();
  ill->hosts->says("web2: prepare", "", 9);
  ill->run();
  expect_rows(ill->journal.records);
  std::set<Event> seen;
  for (const Lab *l : {whole.get(), twice.get(), ill.get()})
    for (const Record &r : l->journal.records) seen.insert(r.event);
  EXPECT_GE(seen.size(), 18u);
}

}  // namespace
}  // namespace upg::machine_test
