#include <gtest/gtest.h>

#include "test/unit/safety/plan_builder.h"

namespace upg::safety::testing {
namespace {

TEST(Avail, OneHostAfterTheOtherIsFine) {
  Trio t;
  EXPECT_EQ(checked(t.finish({t.roll(t.members, {}, [&](auto n) { return t.turn(n); })})), "");
}

TEST(Avail, WorstMomentOfASequence) {
  Trio t;
  const Proof result = proof(t.finish({t.roll(t.members, {}, [&](auto n) { return t.turn(n); })}));
  ASSERT_EQ(result.worst.size(), 2u);
  EXPECT_EQ(result.worst[1].total, 3u);
  EXPECT_EQ(result.worst[1].down, 1u);
  EXPECT_EQ(result.worst[1].budget, 1u);
  ASSERT_EQ(result.worst[1].hosts.size(), 1u);
}

TEST(Avail, BatchOfTwo) {
  Trio t(false);
  t.p.roles[t.member.index].serial = false;
  const std::string said = checked(t.finish({t.roll(t.members, batch(2), [&](auto n) { return t.turn(n); })}));
  EXPECT_NE(said.find("E1001 `member` would fall below its policy: 1 of 3 votes up, 2 needed\n"
                      "  1 node1 starts reboot\n"
                      "  2 node2 starts reboot while node1 is down: 1 of 3 votes up, 2 needed\n"),
            std::string::npos)
      << said;
}

TEST(Serial, TwoPartsAtOnce) {
  Trio t;
  const std::string said = checked(t.finish({t.parallel({{t.act(t.upgrade, {t.host_node(t.node1)}), t.in_service(t.host_node(t.node1))},
                                                         {t.act(t.upgrade, {t.host_node(t.node2)}), t.in_service(t.host_node(t.node2))}})}));
  EXPECT_EQ(said,
            "E1002 two hosts of `member` would be under change at once: node1 and node2\n"
            "  1 node1 starts upgrade\n"
            "  2 node2 starts upgrade while node1 is under change: `member` is serial\n");
}

TEST(Guard, MissingBeforeReboot) {
  Trio t;
  const std::string said =
      checked(t.finish({t.roll(t.members, {}, [&](auto n) { return Ns{t.act(t.reboot, {n()}), t.in_service(n())}; })}));
  EXPECT_EQ(said,
            "E1003 `reboot` on node1 may start without `member_spare(node1)`\n"
            "  1 node1 starts reboot with member_spare(node1) never asked\n");
}

}  // namespace
}  // namespace upg::safety::testing
