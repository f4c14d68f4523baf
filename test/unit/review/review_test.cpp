#include "runtime/report/review.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "runtime/plan/builder.h"
#include "runtime/plan/bytecode.h"
#include "runtime/plan/bytecode_reader.h"
#include "runtime/plan/bytecode_writer.h"
#include "runtime/plan/validate.h"
#include "test/unit/plan/lab_plan.h"
#include "test/unit/plan/random_plan.h"

namespace upg::report {
namespace {

using plan::Op;

safety::Proof proof() {
  safety::Proof p;
  p.worst = {{plan::RoleId(0), 3, 1, UINT64_MAX, {plan::HostId(2)}},
             {plan::RoleId(1), 3, 1, 1, {plan::HostId(2)}},
             {plan::RoleId(2), 3, 1, 1, {plan::HostId(2)}},
             {plan::RoleId(3), 2, 0, 1, {}}};
  p.typical_ms = 1500000, p.worst_ms = 7200000;
  return p;
}

TEST(Review, LabPlan) {
  const safety::Proof p = proof();
  const std::string text = review(plan::testing::lab_plan(), std::string(64, 'd'), &p);
  const std::string path = std::string(UPG_TEST_INPUTS) + "/lab.review";
  if (std::getenv("UPG_UPDATE") != nullptr) std::ofstream(path) << text;
  std::ifstream file(path);
  const std::string expected{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_EQ(text, expected) << "if that is meant: UPG_UPDATE=1";
}

TEST(Review, SaysThatAPlanIsNotProved) {
  const std::string text = review(plan::testing::lab_plan(), "d", nullptr);
  EXPECT_NE(text.find("NOT PROVED"), std::string::npos);
  EXPECT_NE(text.find("duration   unknown"), std::string::npos);
}

TEST(Review, RisksStandBeforeStepsAndHosts) {
  const std::string text = review(plan::testing::lab_plan(), "d", nullptr);
  const std::size_t risk = text.find("two OSD hosts share a version");
  ASSERT_NE(risk, std::string::npos);
  EXPECT_LT(risk, text.find("Hosts, in the order"));
  EXPECT_LT(risk, text.find("Steps"));
}

TEST(Review, DurationAgainstTheWindow) {
  safety::Proof p = proof();
  EXPECT_NE(review(plan::testing::lab_plan(), "d", &p).find("fits in one window of 10h"), std::string::npos);
  p.worst_ms = 36000001;
  EXPECT_NE(review(plan::testing::lab_plan(), "d", &p).find("may need more than one window of 10h"), std::string::npos);
  p.typical_ms = 36000001;
  EXPECT_NE(review(plan::testing::lab_plan(), "d", &p).find("needs more than one window of 10h"), std::string::npos);
}

TEST(Review, NothingHostileReachesTheTerminal) {
  const safety::Proof p = proof();
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    plan::Plan plan = plan::testing::random_plan(seed);
    for (std::string &text : plan.strings) {
      if (text.size() < 40) text += "\x1b]0;evil\x07\r\n\x9b\xe2\x80\xae";
    }
    for (const char c : review(plan, "d", nullptr)) {
      ASSERT_FALSE((c < ' ' && c >= 0 && c != '\n') || c == '\x7f') << seed;
    }
    EXPECT_EQ(review(plan, "d", nullptr).find("\xe2\x80\xae"), std::string::npos) << seed;
  }
}

/// Each procedure calls the next one twice: told once each, not 2^40 times.
TEST(Review, ProceduresAreNotMultiplied) {
  plan::Builder b;
  b.plan = plan::testing::lab_plan();
  constexpr std::size_t n = 40;
  const std::size_t first = b.plan.procedures.size();
  for (std::size_t i = 0; i < n; ++i) {
    plan::Procedure procedure;
    procedure.name = b.string("step" + std::to_string(i));
    if (i + 1 < n) {
      const auto call = [&] { return b.node(Op::call, {}, static_cast<std::uint32_t>(first + i + 1), 0, {}); };
      const plan::NodeId one = call(), two = call();
      procedure.body = b.node(Op::block, {}, 0, 0, {one, two});
    } else {
      procedure.body = b.node(Op::block, {}, 0, 0, {b.node(Op::confirm, {}, b.string("the end?").index, 0, {})});
    }
    b.plan.procedures.push_back(procedure);
  }
  const plan::NodeId call = b.node(Op::call, {}, static_cast<std::uint32_t>(first), 0, {});
  const plan::NodeId wrapped = b.node(Op::parallel, {}, 0, 0, {b.plan.body});
  b.plan.body = b.node(Op::block, {}, 0, 0, {call, wrapped});
  ASSERT_FALSE(plan::validate(b.plan)) << plan::validate(b.plan)->message;
  const std::string text = review(b.plan, "d", nullptr);
  EXPECT_LT(text.size(), 20000u);
  EXPECT_NE(text.find("(told below)"), std::string::npos);
  EXPECT_NE(text.find("step39"), std::string::npos);
  EXPECT_NE(text.find("a person answers: \"the end?\""), std::string::npos);
}

/// What a changed file still says, if it is a valid plan, can be shown.
TEST(Review, SurvivesTamperedPlans) {
  const std::string bytes = plan::write(plan::testing::random_plan(31, 2));
  for (std::size_t n = plan::layout::table; n < bytes.size(); ++n) {
    std::string changed = bytes;
    changed[n] = static_cast<char>(changed[n] ^ 0x03);
    plan::seal(changed);
    const plan::ReadResult result = plan::read(changed);
    if (!result) continue;
    EXPECT_FALSE(review(*result.plan, plan::digest_hex(changed), nullptr).empty());
  }
}

}  // namespace
}  // namespace upg::report
