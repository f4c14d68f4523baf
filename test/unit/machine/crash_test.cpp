// The controller dies at every record, at every start and at every answer; the next one reaches the end, and no command
// of an action ran twice.
#include <fmt/format.h>

#include "test/unit/machine/fixture.h"

namespace upg::machine_test {
namespace {

const char *const everything = R"(
state packages(h: host) { old, new } observe packages_of(h)
probe packages_of(h: host) -> string { return (run("get", "packages") on h).stdout default "old" }
probe jobs -> list<string> { return (run("list-jobs") on any server).stdout.words }
action prepare(h: host) {
  changes server on h
  run("prepare", "one") on h
  run("prepare", "two") on h
  takes 5s..1m
}
action install(h: host) {
  changes server on h
  moves packages(h): old -> new else old
  done when packages_of(h) == "new"
  run("set", "packages", "new") on h
  takes 5s..1m
}
action job(name: string) {
  changes server on web1
  for n in ["a", "b"] at most 2 { run("job", name, n) on web1 }
  takes 5s..1m
}
hold quiet {
  observe (run("get", "quiet") on local).stdout == "on"
  acquire { run("set", "quiet", "on") on local }
  release { run("set", "quiet", "off") on local }
  on halt keep
  takes 2s..1m
}
hold apart(h: host) {
  observe (run("get", "apart") on h).stdout == "on"
  acquire { run("set", "apart", "on") on h }
  release { run("set", "apart", "off") on h }
  on halt release
  takes 2s..1m
}
procedure upgrade_one(h: host) {
  with apart(h) {
    await stoppable(h)
    linux.reboot(h)
    await in_service(h)
  }
}
upgrade u of web {
  preflight { await in_service(all) }
  phase jobs {
    let names = jobs()
    for name in names at most 5 { job(name)  await in_service(web1) }
  }
  phase nodes after jobs {
    with quiet {
      rolling n in server {
        prepare(n)
        unless packages(n) == new { install(n) }
        await in_service(n)
        with quiet { upgrade_one(n) }
        if packages_of(n) == "new" { await answering(n) }
      }
    }
  }
  postflight { await in_service(all) }
}
)";

std::unique_ptr<Lab> lab() {
  auto lab = std::make_unique<Lab>(web(everything));
  for (const char *h : {"web1", "web2", "web3"}) lab->hosts->files[std::string(h) + ":packages"] = "old";
  lab->hosts->takes("prepare", 3'000);
  lab->hosts->takes("job", 3'000);
  lab->hosts->says("list-jobs", "x y\n");
  return lab;
}

void expect_all_done(const Lab &lab, const std::string &where) {
  std::map<std::string, int> count;
  for (const std::string &d : lab.done()) ++count[d];
  std::map<std::string, int> wanted = {{"controller: set quiet on", 1},
                                       {"controller: set quiet off", 1},
                                       {"web1: job x a", 1},
                                       {"web1: job x b", 1},
                                       {"web1: job y a", 1},
                                       {"web1: job y b", 1}};
  for (const char *h : {"web1", "web2", "web3"})
    for (const char *c :
         {"prepare one", "prepare two", "set packages new", "set apart on", "set apart off", "systemctl reboot"})
      wanted[fmt::format("{}: {}", h, c)] = 1;
  EXPECT_EQ(count, wanted) << where << "\n" << lab.journal_text();
}

enum class At { record, start, answer };

class CrashAt : public ::testing::TestWithParam<At> {};

TEST(Crash, WithoutADeathEverythingIsDoneOnce) {
  auto l = lab();
  machine::Ending e = l->run();
  ASSERT_EQ(e.status, Status::done) << e.reason << l->journal_text();
  expect_all_done(*l, "no death");
}

TEST_P(CrashAt, TheNextControllerReachesTheEnd) {
  for (int k = 1; k < 2'000; ++k) {
    for (Millis pause : {0, 90'000}) {
      auto l = lab();
      l->people.reply.reset();
      (GetParam() == At::record  ? l->death.at_record
       : GetParam() == At::start ? l->death.at_start
                                 : l->death.at_answer) = k;
      machine::Ending e = l->run();
      if (!l->died) {
        ASSERT_EQ(e.status, Status::done);
        return;
      }
      l->clock.advance_to(l->clock.monotonic() + pause);
      e = l->resume();
      std::string where = fmt::format("death {} at {}, back after {} ms", k, static_cast<int>(GetParam()), pause);
      ASSERT_EQ(e.status, Status::done) << where << ": " << e.reason << "\n" << l->journal_text();
      expect_all_done(*l, where);
      if (HasFailure()) return;
    }
  }
}

/// Dies again and again, a few records further each time.
TEST(Crash, ManyDeathsInARow) {
  for (int step : {19, 23, 31, 47}) {
    auto l = lab();
    machine::Ending e;
    int lives = 0;
    do {
      l->death.at_record = step;
      e = l->run();
      ASSERT_LT(++lives, 2'000) << l->journal_text();
    } while (l->died);
    ASSERT_EQ(e.status, Status::done) << step << ": " << e.reason << l->journal_text();
    expect_all_done(*l, fmt::format("deaths every {} records", step));
  }
}

INSTANTIATE_TEST_SUITE_P(Every, CrashAt, ::testing::Values(At::record, At::start, At::answer));

TEST(Crash, SameSeedSameRecords) {
  auto once = [](std::uint64_t seed) {
    auto l = lab();
    l->seed = seed;
    l->faults.delay = 50;
    l->faults.lost = 20;
    l->faults.unreachable = 20;
    l->run();
    return l->journal_text();
  };
  EXPECT_EQ(once(7), once(7));
  EXPECT_NE(once(7), once(8));
}

}  // namespace
}  // namespace upg::machine_test
