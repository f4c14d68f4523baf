// Runs in time with faults: the same seed gives the same run, faults do what they say, the monitors see what is broken.
#include "runtime/simulate/campaign.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "compiler/compile.h"
#include "runtime/diagnostics/render_text.h"
#include "runtime/safety/check.h"

namespace upg::simulate {
namespace {

using machine::Status;

struct Compiled {
  compiler::Compiled compiled;
  safety::Proof proof;
  const plan::Plan &plan() const { return *compiled.plan; }
};

Compiled compile(const std::string &body) {
  compiler::CompileOptions options;
  options.path = "-";
  options.text = R"(use linux
role member { available quorum  health joined  stoppable to_spare }
gate joined(h: host)   { pass when (run("true") on h).code == 0  poll 2s for 5m }
gate to_spare(h: host) { pass when (run("true") on h).code == 0  poll 2s for 5m  watches member }
cluster lab { host node1, node2, node3 { roles member } }
action install(h: host) {
  changes member on h
  run("install", "one") on h
  run("install", "two") on h
  takes 30s..5m
}
hold quiet {
  observe (run("get", "quiet") on local).stdout == "on"
  acquire { run("set", "quiet", "on") on local }
  release { run("set", "quiet", "off") on local }
  on halt release
  takes 1s..10s
}
upgrade all_nodes of lab {
  preflight { await in_service(all) }
)" + body + "\n}\n";
  options.stdlib = {UPG_TEST_STDLIB};
  options.compiler_version = "test";
  Compiled out{compiler::compile(options), {}};
  if (out.compiled.plan) out.proof = safety::check(out.plan(), 0, out.compiled.sink);
  if (out.compiled.sink.errors() != 0) {
    std::string all;
    for (const auto &d : out.compiled.sink.all()) all += diagnostics::render_text(d, out.compiled.sources);
    throw std::runtime_error(all);
  }
  return out;
}

constexpr const char *kNodes = R"(
  with quiet {
    rolling n in member {
      install(n)
      await in_service(n)
      await stoppable(n)
      linux.reboot(n)
      await in_service(n)
    }
  })";

Fault fault(Fault::Kind kind, HostIndex host, Millis from, Millis lasts) {
  Fault f;
  f.kind = kind;
  f.host = host;
  f.from = from;
  f.until = from + lasts;
  return f;
}

RunOptions timed(std::vector<Fault> faults) {
  RunOptions options;
  options.model.timed = true;
  options.model.seed = 7;
  options.model.faults = std::move(faults);
  return options;
}

bool broke(const std::vector<Violation> &violations, std::string_view rule) {
  return std::any_of(violations.begin(), violations.end(), [&](const Violation &v) { return v.rule == rule; });
}

TEST(Campaign, TheSameSeedsGiveTheSameRunsWhateverTheThreads) {
  const Compiled c = compile(kNodes);
  CampaignOptions options;
  options.seeds = 60;
  options.faults = 3;
  const Summary one = simulate_all(c.plan(), c.proof, options);
  options.jobs = 3;
  const Summary three = simulate_all(c.plan(), c.proof, options);
  EXPECT_EQ(one.fingerprint, three.fingerprint);
  EXPECT_EQ(one.lengths, three.lengths);
  ASSERT_EQ(one.ends.size(), three.ends.size());
  for (const auto &[key, tally] : one.ends) {
    EXPECT_EQ(tally.seed, three.ends.at(key).seed);
    EXPECT_EQ(tally.text, three.ends.at(key).text);
  }
  options.first_seed = 1'000;
  EXPECT_NE(simulate_all(c.plan(), c.proof, options).fingerprint, one.fingerprint);
}

TEST(Campaign, FaultsFallWithinTheRunAndNeverMoreThanAskedFor) {
  const Compiled c = compile(kNodes);
  std::set<Fault::Kind> kinds;
  std::size_t most = 0;
  for (std::uint64_t seed = 1; seed < 500; ++seed) {
    const std::vector<Fault> faults = draw_faults(c.plan(), {600'000, 100, 9}, 3, seed);
    most = std::max(most, faults.size());
    for (const Fault &f : faults) {
      kinds.insert(f.kind);
      EXPECT_LE(f.from, 600'000);
      EXPECT_LE(f.number, 100u);
      EXPECT_GT(f.until, f.from);
    }
  }
  EXPECT_EQ(most, 3u);
  EXPECT_EQ(kinds.size(), 7u);
}

TEST(Campaign, TheControllerMayDieAtEveryRecord) {
  const Compiled c = compile(kNodes);
  CampaignOptions options;
  options.every = CampaignOptions::Every::every_record;
  const Summary all = simulate_all(c.plan(), c.proof, options);
  EXPECT_GT(all.runs, 100u);
  EXPECT_EQ(all.deaths, all.runs);
  EXPECT_EQ(all.statuses.at(Status::done), all.runs);
  EXPECT_TRUE(all.holds.empty());
  for (const auto &[key, tally] : all.violations)
    ADD_FAILURE() << key.first << " at " << key.second << " (seed " << tally.seed << "): " << tally.text;
}

TEST(Campaign, AHostThatGoesByItselfIsCountedAndNoOtherIsTakenDown) {
  const Compiled c = compile(kNodes);
  // node3 is gone before the first reboot and does not come back.
  simulate::Run run(c.plan(), c.proof, timed({fault(Fault::Kind::crash, 2, 1'000, Fault::for_good)}));
  ASSERT_TRUE(run.finish());
  EXPECT_EQ(run.ending().status, Status::halted) << run.ending().reason;
  EXPECT_EQ(run.obligations().worst().at(0).down, 1u) << "node3 alone: no other was taken down";
  EXPECT_TRUE(run.obligations().violations().empty());
  EXPECT_TRUE(run.monitor().violations().empty());
}

TEST(Campaign, WithoutWhatIsAskedAtTheActTheMonitorsReport) {
  const Compiled c = compile(kNodes);
  RunOptions options = timed({fault(Fault::Kind::crash, 2, 1'000, Fault::for_good)});
  options.protected_ = false;  // no guard, no census
  // What awaits the gate is told a lie, so that only the act itself could stop it.
  for (std::size_t g = 0; g < c.plan().gates.size(); ++g) {
    if (c.plan().text(c.plan().gates[g].name) != "to_spare") continue;
    Fault lie = fault(Fault::Kind::lie, 0, 0, Fault::for_good);
    lie.gate = plan::GateId(g);
    options.model.faults.push_back(lie);
  }
  simulate::Run run(c.plan(), c.proof, std::move(options));
  ASSERT_TRUE(run.finish());
  EXPECT_TRUE(broke(run.obligations().violations(), "census"));
}

TEST(Campaign, AFailingCommandHaltsAndTheHoldIsGivenBack) {
  const Compiled c = compile("with quiet { install(node1)  await in_service(node1) }");
  Fault fails = fault(Fault::Kind::failure, 0, 0, 1);
  fails.number = 2;  // the hold's own command is the first
  simulate::Run run(c.plan(), c.proof, timed({fails}));
  ASSERT_TRUE(run.finish());
  EXPECT_EQ(run.ending().status, Status::halted);
  EXPECT_NE(run.ending().reason.find("install"), std::string::npos) << run.ending().reason;
  EXPECT_EQ(run.holds().size(), 1u) << "its host is not proven back, so the hold stays";
}

TEST(Campaign, APartitionIsWaitedOut) {
  const Compiled c = compile("install(node1)  await in_service(node1)");
  simulate::Run alone(c.plan(), c.proof, timed({}));
  ASSERT_TRUE(alone.finish());
  simulate::Run run(c.plan(), c.proof, timed({fault(Fault::Kind::partition, 0, 5'000, 60'000)}));
  ASSERT_TRUE(run.finish());
  EXPECT_EQ(run.ending().status, Status::done) << run.ending().reason;
  EXPECT_EQ(run.model().commands().size(), 2u) << "each command ran once";
  EXPECT_GT(run.elapsed(), alone.elapsed());
}

TEST(Campaign, ASlowHostIsNotAskedTwice) {
  const Compiled c = compile("install(node1)  await in_service(node1)");
  simulate::Run run(c.plan(), c.proof, timed({fault(Fault::Kind::slow, 0, 0, Fault::for_good)}));
  ASSERT_TRUE(run.finish());
  EXPECT_LE(run.model().commands().size(), 2u);
  EXPECT_TRUE(run.obligations().violations().empty());
}

TEST(Campaign, DurationsFollowThePlan) {
  const Compiled c = compile(kNodes);
  CampaignOptions options;
  options.faults = 0;
  options.seeds = 200;
  const Summary all = simulate_all(c.plan(), c.proof, options);
  EXPECT_EQ(all.statuses.at(Status::done), 200u);
  EXPECT_GE(all.lengths.front(), 3 * 15'000);          // three installs take half of what is usual at least
  EXPECT_LE(all.lengths.back(), c.proof.worst_ms);     // and nothing without faults takes longer than the proof says
  EXPECT_GT(all.lengths.back(), all.lengths.front());  // they are drawn
  EXPECT_EQ(quantile(all.lengths, 1.0), all.lengths.back());
  EXPECT_EQ(quantile(all.lengths, 0.0), all.lengths.front());
}

TEST(Random, IsTheSameEverywhere) {
  transport::Random r(42);
  EXPECT_EQ(r.next(), 13679457532755275413ull);
  EXPECT_EQ(r.next(), 2949826092126892291ull);
  EXPECT_EQ(transport::Random::named(42, "a").next(), transport::Random::named(42, "a").next());
  EXPECT_NE(transport::Random::named(42, "a").next(), transport::Random::named(42, "b").next());
}

}  // namespace
}  // namespace upg::simulate
