#pragma once
// One plan with nearly every construct, and what must have been done once when it has reached its end.
#include <fmt/format.h>

#include "test/unit/machine/fixture.h"

namespace upg::machine_test {

inline const char *const everything = R"(
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

inline std::unique_ptr<Lab> lab() {
  auto lab = std::make_unique<Lab>(web(everything));
  for (const char *h : {"web1", "web2", "web3"}) lab->hosts->files[std::string(h) + ":packages"] = "old";
  lab->hosts->takes("prepare", 3'000);
  lab->hosts->takes("job", 3'000);
  lab->hosts->says("list-jobs", "x y\n");
  return lab;
}

inline void expect_all_done(const Lab &lab, const std::string &where) {
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

}  // namespace upg::machine_test
