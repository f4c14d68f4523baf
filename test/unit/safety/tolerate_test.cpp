#include <gtest/gtest.h>

#include "test/unit/safety/plan_builder.h"

/// Hosts that may be lost, and counts of hosts in the turns of many.
namespace upg::safety::testing {
namespace {

struct Fleet : PlanBuilder {
  plan::RoleId web;
  plan::ActionId restart;
  std::vector<plan::HostId> hosts;
  explicit Fleet(int n, std::uint32_t may_be_down, bool serial = false) {
    web = role("web", {all_but(may_be_down)}, serial);
    usual_gates(web);
    plan::Gate &spare = p.gates[p.roles[web.index].stoppable.index];
    spare.watch_kind = plan::WatchKind::nothing;
    spare.watches.clear();
    for (int i = 0; i < n; ++i) hosts.push_back(host("web" + std::to_string(i), {web}));
    restart = action("restart", {disrupts(web)});
  }
  N rollout(std::uint32_t width, bool tolerant = true) {
    const N n = roll(all_of(web), batch(width), [&](auto h) {
      return Ns{stoppable(h()), act(restart, {h()}), in_service(h())};
    });
    p.rollouts.back().tolerant = tolerant;
    return n;
  }
  std::string said(Ns body, std::uint32_t lost) {
    p.tolerate = lost;
    return checked(finish(body));
  }
};

TEST(Tolerate, LostHostsCountToTheEnd) {
  for (const std::uint32_t budget : {2u, 3u}) {
    Fleet f(8, budget);
    const std::string said = f.said({f.rollout(1)}, 2);
    EXPECT_EQ(said.substr(0, 5), budget == 3 ? "" : "E1001") << said;
  }
}
TEST(Tolerate, OneIsLiveBesideThoseThatAreLost) {
  Fleet f(8, 4);
  EXPECT_EQ(f.said({f.rollout(2)}, 2), "");
  Fleet g(8, 3);
  const std::string said = g.said({g.rollout(2)}, 2);
  EXPECT_EQ(said.substr(0, 5), "E1001") << said;
  EXPECT_NE(said.find("is lost in its turn"), std::string::npos) << said;
}
TEST(Tolerate, WhatWasLostBeforeIsLostInTheNextRollout) {
  Fleet f(8, 2);
  EXPECT_EQ(f.said({f.rollout(1), f.rollout(1, false)}, 1), "");
  Fleet g(8, 1);
  const std::string said = g.said({g.rollout(1), g.rollout(1, false)}, 1);
  EXPECT_EQ(said.substr(0, 5), "E1001") << said;
}
TEST(Tolerate, ASerialRoleToleratesNone) {
  Fleet f(8, 8, true);
  const std::string said = f.said({f.rollout(1)}, 1);
  EXPECT_EQ(said.substr(0, 5), "E1002") << said;
}
TEST(Tolerate, NotBesideAnythingElse) {
  Fleet f(4, 4);
  const std::string said = f.said({f.parallel({{f.rollout(1)}, {f.confirm()}})}, 1);
  EXPECT_NE(said.find("E1027"), std::string::npos) << said;
}
TEST(Tolerate, NoLaterStepOutsideOfRollouts) {
  Fleet f(4, 4);
  const std::string said = f.said({f.rollout(1), f.stoppable(f.host_node(f.hosts[1])),
                                   f.act(f.restart, {f.host_node(f.hosts[1])}), f.in_service(f.host_node(f.hosts[1]))},
                                  1);
  EXPECT_NE(said.find("E1027 `restart` on web1 runs outside of a rollout"), std::string::npos) << said;
}
TEST(Tolerate, NothingForeignInATurn) {
  Fleet f(4, 4);
  const plan::ActionId elsewhere = f.action(
      "elsewhere", {f.node(Op::spills, f.web.index, 0, {}),
                    f.node(Op::changes, f.web.index, 0, {f.node(Op::on_host, 0, 0, {f.host_node(f.hosts[0])})})});
  const N n = f.roll(f.all_of(f.web), {}, [&](auto h) { return Ns{f.act(elsewhere, {h()}), f.in_service_all()}; });
  f.p.rollouts.back().tolerant = true;
  const std::string said = f.said({n}, 1);
  EXPECT_NE(said.find("E1027"), std::string::npos) << said;
}

// ---- counts

struct Counted : Fleet {
  plan::StateId os, other;
  explicit Counted(int n) : Fleet(n, 1) {
    os = state("os", {"old", "new"});
    other = state("other", {"off", "on"});
    for (const plan::StateId s : {os, other}) p.initially.push_back({s, all_of(web), 0, where()});
  }
  /// count(h in web where STATE(h) == VALUE) RELATION N
  plan::ActionId counting(plan::StateId s, std::string_view value, std::uint32_t relation, std::int64_t n) {
    const std::uint32_t slot = 1;  // behind the action's host
    const N condition =
        node(Op::equal, 0, 0, {node(Op::cell_value, 0, 0, {cell(s, {local(slot)})}), b.text(value, where())});
    const N need = node(Op::need_count, slot, relation, {set_node(all_of(web)), condition, b.number(n, where())});
    const plan::ActionId id = action("counting", {moves(os, {0}, 1)}, {need});
    p.actions[id.index].frame.slots.push_back(b.string("c"));
    return id;
  }
  std::string rolled(plan::ActionId id) {
    return checked(finish({roll(all_of(web), {}, [&](auto h) { return Ns{act(id, {h()})}; })}));
  }
};

TEST(Counts, WhatNoTurnMovesIsCountedExactly) {
  Counted c(9);
  EXPECT_EQ(c.rolled(c.counting(c.other, "off", 0, 9)), "");
  Counted d(9);
  EXPECT_EQ(d.rolled(d.counting(d.other, "off", 1, 9)), "");
  Counted e(9);
  const std::string said = e.rolled(e.counting(e.other, "on", 1, 1));
  EXPECT_EQ(said.substr(0, 5), "E1006") << said;
}
TEST(Counts, InTheTurnsOfManyAnyNumberHasHadItsTurn) {
  Counted c(9);
  EXPECT_EQ(c.rolled(c.counting(c.os, "new", 2, 8)), "");  // at most: the last one finds eight
  Counted d(9);
  const std::string said = d.rolled(d.counting(d.os, "new", 2, 7));
  EXPECT_EQ(said.substr(0, 5), "E1006") << said;
  Counted e(9);
  EXPECT_EQ(e.rolled(e.counting(e.os, "old", 1, 1)), "");  // itself
  Counted g(9);
  const std::string more = g.rolled(g.counting(g.os, "old", 1, 2));
  EXPECT_EQ(more.substr(0, 5), "E1006") << more;
}

}  // namespace
}  // namespace upg::safety::testing
