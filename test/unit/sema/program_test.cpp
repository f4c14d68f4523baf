#include "compiler/sema/program.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "compiler/sema/evaluate.h"
#include "compiler/sema/modules.h"

namespace upg::sema {
namespace {

namespace fs = std::filesystem;

constexpr const char *base_module = R"(module base
role machine { available may be down  stoppable always "x"  boot boot_id }
role db { available quorum  serial  health up  stoppable up  votes host.votes }
role web { available >= 50%  health up  stoppable up }
rank web < db
versions base { "1" -> "2" -> "3" }
probe boot_id(h: host) -> string { return (run("id") on h).stdout }
probe load(h: host) -> int { return int((run("load") on h).stdout) }
gate up(h: host) { pass when answers(h)  poll 5s for 5m }
)";
constexpr const char *plan_text = R"(use base
param step: int = 2
cluster lab {
  user "root"
  spare 1
  host a "10.0.0.1" { votes 3  rack r1  roles db, web }
  host b "10.0.0.2" { rack r2  via c  roles web }
  host c "10.0.0.3" { rack r1  limit 5s  roles db }
  host d "10.0.0.4" { via b  roles web, db }
  host c out "dead"
}
hosts r1 = h in all where (h.rack default "none") == "r1"
hosts busy = h in db where load(h) > step
upgrade u of lab {
  from "1" to "2"
  window every "Sat 20:00" for 10h tz "UTC"
  await up(a)
}
)";

class ProgramTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("upg_sema_" + std::to_string(::getpid()) + "_" +
                                           ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_ / "lib");
    write("lib/base.upg", base_module);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string &name, const std::string &text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }

  std::optional<Program> run(const std::string &text, Options options = {}) {
    write("plan.upg", text);
    options.entry = (folder_ / "plan.upg").string();
    options.library_paths = {(folder_ / "lib").string()};
    sources_ = Sources();
    sink_ = Sink();
    return analyse(sources_, options, sink_);
  }
  std::string messages() const {
    std::string out;
    for (const auto &d : sink_.all()) out += std::string(diagnostics::info(d.kind).name) + ": " + d.message + "\n";
    return out;
  }
  static std::string names(const Program &program, const std::vector<HostId> &hosts) {
    std::string out;
    for (const HostId h : hosts) out += program.site.hosts[h.index].name;
    return out;
  }
  static RoleId role(const Program &program, std::string_view name) {
    for (std::size_t i = 0; i < program.roles.size(); ++i)
      if (program.roles[i].symbol.name == name) return RoleId(i);
    return {};
  }

  fs::path folder_;
  Sources sources_;
  Sink sink_;
};

TEST_F(ProgramTest, SiteRolesAndHead) {
  const auto program = run(plan_text);
  ASSERT_TRUE(program);
  EXPECT_EQ(messages(), "");
  EXPECT_EQ(sources_.path(program->modules[1].file), "std/base.upg");
  EXPECT_TRUE(program->modules[1].standard);
  EXPECT_EQ(program->source_files, 2u);

  const Role &db = program->roles[role(*program, "base.db").index];
  EXPECT_EQ(names(*program, db.hosts), "acd");
  EXPECT_EQ(db.weights, (std::vector<std::uint32_t>{3, 1, 1}));
  EXPECT_TRUE(db.serial && db.health.valid() && db.stoppable == db.health);
  const Role &web = program->roles[role(*program, "base.web").index];
  EXPECT_EQ(web.available.at(0).kind, plan::AvailableKind::at_least_percent);
  EXPECT_EQ(web.available.at(0).amount, 500'000u);
  EXPECT_EQ(program->alive, role(*program, "base.machine"));
  EXPECT_EQ(names(*program, program->roles[program->alive.index].hosts), "abcd");

  const Host &d = program->site.hosts[3];
  EXPECT_EQ(names(*program, d.via), "cb");
  EXPECT_EQ(d.user, "root");
  EXPECT_EQ(d.attribute("votes")->value.integer(), 1);  // the default of `votes host.votes`
  EXPECT_EQ(program->site.hosts[2].out_reason, "dead");
  EXPECT_EQ(names(*program, in_visit_order(*program, {HostId(0), HostId(1), HostId(2), HostId(3)})), "bacd");

  EXPECT_EQ(program->head.from, "1");
  ASSERT_EQ(program->head.windows.size(), 1u);
  EXPECT_EQ(program->head.windows[0].day, plan::WindowDay::saturday);
  EXPECT_EQ(program->head.windows[0].length, 36'000'000);

  EXPECT_EQ(names(*program, program->host_sets[0].hosts), "ac");
  EXPECT_FALSE(program->host_sets[0].dynamic);
  EXPECT_TRUE(program->host_sets[1].dynamic);
  EXPECT_EQ(names(*program, program->host_sets[1].hosts), "acd");
}

TEST_F(ProgramTest, DefinitionsAndLimit) {
  Options options;
  options.definitions = {{"step", "7"}};
  options.limit = "d,base.db except c";
  const auto program = run(plan_text, options);
  ASSERT_TRUE(program);
  EXPECT_EQ(messages(), "");
  EXPECT_EQ(program->params[0].value.integer(), 7);
  ASSERT_TRUE(program->limit);
  EXPECT_EQ(names(*program, *program->limit), "ad");
  EXPECT_EQ(names(*program, limited(*program, {HostId(1), HostId(3)})), "d");
}

TEST_F(ProgramTest, FingerprintFollowsTheSiteOnly) {
  const std::string first = run(plan_text)->site.fingerprint;
  EXPECT_EQ(first.size(), 64u);
  std::string same = plan_text, address = plan_text, attribute = plan_text;
  same.replace(same.find("for 10h"), 7, "for 9h");
  address.replace(address.find("10.0.0.4"), 8, "10.0.0.5");
  attribute.replace(attribute.find("rack r2"), 7, "rack r3");
  EXPECT_EQ(run(same)->site.fingerprint, first);
  EXPECT_NE(run(address)->site.fingerprint, first);
  EXPECT_NE(run(attribute)->site.fingerprint, first);
}

TEST_F(ProgramTest, InventoryAndHostBlocksAddUp) {
  write("hosts.json",
        R"({"_meta": {"hostvars": {"a": {"ansible_host": "10.0.0.1", "rack": "r1"}, "b": {"ansible_host": "10.0.0.2"}}},
                          "all": {"hosts": ["a", "b"]}, "dbs": {"hosts": ["a", "b"]}})");
  const auto program = run(R"(use base
cluster lab {
  import "hosts.json" { group "dbs" as base.db }
  host a { votes 2  roles base.web }
}
upgrade u of lab { await up(a) }
)");
  ASSERT_TRUE(program);
  EXPECT_EQ(messages(), "");
  ASSERT_EQ(program->site.hosts.size(), 2u);
  const Host &a = program->site.hosts[0];
  EXPECT_EQ(a.address, "10.0.0.1");
  EXPECT_TRUE(a.carries(role(*program, "base.db")) && a.carries(role(*program, "base.web")));
  EXPECT_EQ(a.attribute("rack")->value.text(), "r1");
  EXPECT_EQ(a.attribute("votes")->value.integer(), 2);
  EXPECT_EQ(program->source_files, 2u);
  EXPECT_EQ(sources_.size(), 3u);
}

TEST_F(ProgramTest, HostileInventoriesGiveLocatedErrors) {
  const auto with = [&](const std::string &json) {
    write("hosts.json", json);
    run("use base\ncluster lab { import \"hosts.json\" { group \"g\" as base.db } }\nupgrade u of lab { await "
        "in_service(all) }\n");
    EXPECT_GT(sink_.errors(), 0u) << json;
    for (const auto &d : sink_.all()) EXPECT_TRUE(d.primary.range.valid()) << d.message;
    return messages();
  };
  const auto ansible = [&](const std::string &variables) {
    return with(R"({"_meta": {"hostvars": {"a": )" + variables + R"(}}, "g": ["a"]})");
  };
  EXPECT_EQ(ansible(R"({"ansible_host": "10.0.0.1 -oProxyCommand=x"})"),
            "bad_address: `10.0.0.1 -oProxyCommand=x` cannot be an address: it may hold letters, digits, `-`, `_` and "
            "`.` only\n");
  EXPECT_EQ(ansible(R"({"ansible_user": "-l root"})"),
            "bad_address: `-l root` cannot be a user: it does not begin with a letter, a digit or `_`\n");
  EXPECT_EQ(with(R"({"_meta": {"hostvars": {"a\u0000b": {}}}, "g": ["a\u0000b"]})"),
            "bad_host_name: `a?b` cannot be the name of a host: it may hold letters, digits, `-`, `_` and `.` only\n");
  EXPECT_EQ(with(R"({"_meta": {"hostvars": {"a": {}, "a": {}}}})"),
            "malformed_inventory: this is not valid JSON: a key stands twice in one object\n");
  EXPECT_EQ(with(R"({"_meta": {"hostvars": {"a": {}}}})"),
            "unknown_group: the inventory has no group `g`\nhost_without_role: host `a` carries no role\n");
  EXPECT_EQ(with(std::string(200'000, '[')), "malformed_inventory: this is not valid JSON: it is nested too deeply\n");
  EXPECT_EQ(with(std::string("\0\xff\x7f"
                             "ELF",
                             6)),
            "malformed_inventory: this is not valid JSON: a value is needed here\n");
  EXPECT_EQ(with(R"({"hosts": [{"name": "a", "roles": ["base.db", "x y"]}, {"name": "A", "address": "a"}]})"),
            "unknown_name: `x y` is not the name of a role\n"
            "unknown_group: this inventory has no groups: its hosts name their roles themselves\n"
            "duplicate_address: hosts `a` and `A` have one address\n"
            "host_without_role: host `A` carries no role\n");
  fs::remove(folder_ / "hosts.json");
  run("use base\ncluster lab { import \"hosts.json\" }\nupgrade u of lab { await in_service(all) }\n");
  // A long path (TMPDIR may be any) is cut in the message: its beginning and its end are what counts.
  EXPECT_EQ(messages().rfind("unreadable_inventory: cannot read inventory `", 0), 0u);
  EXPECT_NE(messages().find("`: no such file\n"), std::string::npos);
}

TEST_F(ProgramTest, WhatCannotBeReadPoisonsQuietly) {
  run("use base, missing\ncluster lab { host a \"10.0.0.1\" { roles base.db, missing.role, other } }\nupgrade u of lab "
      "{ await x }\n");
  EXPECT_EQ(messages(), "unknown_module: there is no module `missing`\n");
}

TEST_F(ProgramTest, ModulesAreReadInOrderOfFirstUse) {
  write("lib/std/two.upg", "module two\nuse three\n");
  write("lib/three.upg", "module three\n");
  write("one.upg", "module one\nuse base, two\n");
  write("two.upg", "module two\nuse base\n");
  const auto program =
      run("use one, base\ncluster lab { host a \"10.0.0.1\" { roles base.db } }\nupgrade u of lab { await up(a) }\n");
  ASSERT_TRUE(program);
  EXPECT_EQ(messages(), "shadowed_module: `two` is read from `" + (folder_ / "two.upg").string() +
                            "`, which hides `std/two.upg` of the standard library\n");
  std::string order;
  for (const Module &module : program->modules) order += module.name + ",";
  EXPECT_EQ(order, ",one,base,two,");
  EXPECT_FALSE(program->modules[3].standard);
}

TEST_F(ProgramTest, AModuleAlone) {
  Options options;
  options.plan_required = false;
  auto program = run(std::string(base_module).replace(0, 11, "module plan"), options);
  ASSERT_TRUE(program);
  EXPECT_EQ(messages(), "");
  EXPECT_FALSE(program->head.upgrade.valid());
  EXPECT_EQ(program->site.fingerprint, "");
  Resolver resolver(*program, sink_);
  resolver.report_unused();
  EXPECT_EQ(messages(), "");
}

TEST_F(ProgramTest, ThousandsOfHostsAreFast) {
  std::string json = R"({"hosts": [)";
  for (int i = 0; i < 10'000; ++i)
    json += (i ? "," : "") + std::string("{\"name\": \"h") + std::to_string(i) +
            "\", \"roles\": [\"base.web\"], \"attributes\": {\"rack\": \"r" + std::to_string(i % 100) + "\"}}";
  write("hosts.json", json + "]}");
  const auto program =
      run("use base\ncluster lab { import \"hosts.json\" }\nhosts r5 = h in all where h.rack == \"r5\"\nupgrade u of "
          "lab { await in_service(r5) }\n");
  ASSERT_TRUE(program);
  EXPECT_EQ(messages(), "");
  EXPECT_EQ(program->host_sets[0].hosts.size(), 100u);
}

}  // namespace
}  // namespace upg::sema
