#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "test/unit/safety/plan_builder.h"

/// How the checker's work grows, counted by the memory that it asks for: the same on every machine, however busy. What
/// a plan costs in time is a benchmark (test/bench), not a test.
namespace {
std::atomic<std::size_t> asked_for{0}, times_asked{0};

void *take(std::size_t size) {
  asked_for += size;
  ++times_asked;
  if (void *memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
}  // namespace

void *operator new(std::size_t size) { return take(size); }
void *operator new[](std::size_t size) { return take(size); }
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete[](void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void *memory, std::size_t) noexcept { std::free(memory); }

namespace upg::safety::testing {
namespace {

struct Work {
  std::size_t bytes = 0, times = 0;
};
Work work_for(const plan::Plan &plan, std::string_view expected = "") {
  const std::size_t bytes = asked_for, times = times_asked;
  const std::string said = checked(plan);
  const Work out{asked_for - bytes, times_asked - times};
  EXPECT_EQ(std::string_view(said).substr(0, 5), expected) << said;
  EXPECT_LT(said.size(), 2000u);  // once, not per host
  return out;
}
/// Twice the plan takes about twice the work.
void expect_linear(const Work &once, const Work &twice) {
  EXPECT_LT(static_cast<double>(twice.bytes), 2.35 * static_cast<double>(once.bytes));
  EXPECT_LT(static_cast<double>(twice.times), 2.2 * static_cast<double>(once.times));
}

/// `hosts` hosts of a role counted by rack, one rollout of `steps` steps for each.
Work large(std::size_t hosts, std::size_t racks, std::size_t steps, std::uint32_t at_once,
           std::string_view expected = "") {
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
  return work_for(b.p, expected);
}

TEST(Scale, WorkFollowsClassesNotHosts) {
  const Work few = large(1000, 20, 50, 1), many = large(10'000, 20, 50, 1);
  EXPECT_LT(many.times, 6 * few.times);  // the hosts are read and folded, not walked
}
TEST(Scale, Batches) {
  // The stoppable gate watches the whole role, so parallel turns make it stale: rejected, but once, not per host.
  large(10'000, 20, 50, 40, "E1003");
}
TEST(Scale, HostsThatDoNotFold) { expect_linear(large(200, 200, 20, 1), large(400, 400, 20, 1)); }

/// Phases with a role of two hosts each.
Work phases(std::size_t n, bool chain) {
  PlanBuilder b;
  Ns all;
  for (std::size_t i = 0; i < n; ++i) {
    const plan::RoleId role = b.role("r" + std::to_string(i), {PlanBuilder::all_but(1)}, true);
    b.usual_gates(role);
    for (const char *host : {"a", "b"}) b.host(host + std::to_string(i), {role});
    const plan::ActionId stop = b.action("stop" + std::to_string(i), {b.disrupts(role)});
    std::vector<std::uint32_t> after;
    if (chain && i > 0) after.push_back(static_cast<std::uint32_t>(i - 1));
    const N turns = b.roll(b.all_of(role), {}, [&](auto h) {
      return Ns{b.stoppable(h()), b.act(stop, {h()}), b.in_service(h())};
    });
    all.push_back(b.phase("p" + std::to_string(i), after, {turns}));
  }
  b.finish({b.dag(all)});
  return work_for(b.p);
}
TEST(Scale, PhasesOneAfterTheOther) { expect_linear(phases(100, true), phases(200, true)); }
TEST(Scale, PhasesSideBySide) { expect_linear(phases(100, false), phases(200, false)); }

/// Hosts three at a time, each with a step that may be undone.
Work undone(std::size_t hosts) {
  PlanBuilder b;
  plan::Available line = PlanBuilder::all_but(3);
  line.of = b.b.string("rack");
  const plan::RoleId worker = b.role("worker", {line});
  b.usual_gates(worker);
  for (std::size_t i = 0; i < hosts; ++i) b.host("w" + std::to_string(i), {worker}, "r" + std::to_string(i));
  const plan::ActionId step = b.action("step", {b.changes(worker)});
  b.undo(step, {b.changes(worker)});
  b.finish({b.roll(b.all_of(worker), batch(3),
                   [&](auto n) {
                     return Ns{b.act(step, {n()}), b.in_service(n())};
                   }),
            b.no_return()});
  return work_for(b.p);
}
TEST(Scale, Undos) { expect_linear(undone(200), undone(400)); }

}  // namespace
}  // namespace upg::safety::testing
