#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>

#include "test/unit/safety/plan_builder.h"

namespace upg::safety::testing {
namespace {

/// `hosts` hosts of a role counted by rack, one rollout of `steps` steps for each.
std::string large(std::size_t hosts, std::size_t racks, std::size_t steps, std::uint32_t at_once) {
  PlanBuilder b;
  plan::Available line = PlanBuilder::all_but(20);
  line.per = b.b.string("rack");
  const plan::RoleId worker = b.role("worker", {line});
  b.usual_gates(worker);
  for (std::size_t i = 0; i < hosts; ++i) b.host("w" + std::to_string(i), {worker}, "r" + std::to_string(i % racks));
  const plan::StateId os = b.state("os", {"old", "new"});
  const plan::ActionId install = b.action("install", {b.changes(worker)});
  const plan::ActionId move = b.action("move", {b.moves(os, {0}, 1)});
  const plan::ActionId stop = b.action("stop", {b.disrupts_all(), b.boot()});
  b.p.initially.push_back({os, b.all_of(worker), 0, b.where()});
  b.p.finally.push_back({os, b.all_of(worker), 1, b.where()});
  RollOptions o = batch(at_once);
  o.per = "rack";
  o.per_batch = at_once > 1 ? 20 : 0;
  b.finish({b.roll(b.all_of(worker), o, [&](auto n) {
    Ns body = {b.act(move, {n()})};
    while (body.size() + 3 < steps) body.push_back(b.act(install, {n()}));
    body.push_back(b.stoppable(n()));
    body.push_back(b.act(stop, {n()}));
    body.push_back(b.in_service(n()));
    return body;
  })});
  const auto start = std::chrono::steady_clock::now();
  std::string said = checked(b.p);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  std::printf("%6zu hosts, %4zu racks, %3zu steps, batch %3u: %8.1f ms\n", hosts, racks, steps, at_once, took.count());
  return said;
}

TEST(Scale, CostFollowsClassesNotHosts) {
  EXPECT_EQ(large(10, 2, 50, 1), "");
  EXPECT_EQ(large(1000, 20, 50, 1), "");
  EXPECT_EQ(large(10'000, 20, 50, 1), "");
  EXPECT_EQ(large(10'000, 200, 50, 1), "");
}
TEST(Scale, Batches) {
  // The stoppable gate watches the whole role, so parallel turns make it stale: rejected, but once, not per host.
  const std::string said = large(10'000, 20, 50, 40);
  EXPECT_EQ(said.substr(0, 5), "E1003") << said;
  EXPECT_LT(said.size(), 2000u);
}

}  // namespace
}  // namespace upg::safety::testing
