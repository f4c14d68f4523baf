#include <gtest/gtest.h>

#include <set>

#include "runtime/plan/builder.h"
#include "runtime/plan/bytecode.h"
#include "runtime/plan/bytecode_reader.h"
#include "runtime/plan/bytecode_writer.h"
#include "runtime/plan/opcodes.h"
#include "runtime/plan/validate.h"
#include "test/unit/plan/random_plan.h"

namespace upg::plan {
namespace {

TEST(RoundTrip, RandomPlansComeBackAsTheyWere) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const Plan plan = testing::random_plan(seed);
    const auto fault = validate(plan);
    ASSERT_FALSE(fault) << "seed " << seed << ": " << fault->message;
    const std::string bytes = write(plan);
    const ReadResult result = read(bytes);
    ASSERT_TRUE(result) << "seed " << seed << ": " << result.error->message;
    EXPECT_EQ(write(*result.plan), bytes) << "seed " << seed;
    EXPECT_EQ(result.plan->strings, plan.strings);
    EXPECT_EQ(result.plan->integers, plan.integers);
    EXPECT_EQ(result.plan->children, plan.children);
    EXPECT_EQ(result.plan->spans, plan.spans);
    ASSERT_EQ(result.plan->nodes.size(), plan.nodes.size());
    for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
      const Node &a = plan.nodes[i], &b = result.plan->nodes[i];
      EXPECT_TRUE(a.op == b.op && a.a == b.a && a.b == b.b && a.first == b.first && a.count == b.count)
          << "seed " << seed << " node " << i;
    }
  }
}

TEST(RoundTrip, RandomPlansUseEveryOpcode) {
  std::set<Op> seen;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    for (const Node &node : testing::random_plan(seed).nodes) seen.insert(node.op);
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(Op::count_); ++i) {
    const Op op = static_cast<Op>(i);
    // these differ from others by name only
    static const std::set<Op> skipped = {Op::decimal, Op::size,    Op::percent,    Op::time,
                                         Op::on_each, Op::as_user, Op::awaits_true};
    EXPECT_TRUE(seen.count(op) || skipped.count(op)) << info(op).name;
  }
}

TEST(RoundTrip, SamePlanSameDigest) {
  const std::string one = write(testing::random_plan(7)), two = write(testing::random_plan(7)),
                    other = write(testing::random_plan(8));
  EXPECT_EQ(one, two);
  EXPECT_EQ(digest_hex(one), peek(one).digest);
  EXPECT_EQ(digest_hex(one), digest_hex(two));
  EXPECT_NE(digest_hex(one), digest_hex(other));
}

TEST(RoundTrip, DigestCoversFingerprintAndCompiler) {
  const auto built = [](std::string_view fingerprint, std::string_view compiler) {
    Builder b;
    b.plan = testing::random_plan(3);
    b.plan.strings.emplace_back(fingerprint);
    b.plan.inventory_fingerprint = StringId(b.plan.strings.size() - 1);
    b.plan.strings.emplace_back(compiler);
    b.plan.compiler = StringId(b.plan.strings.size() - 1);
    return digest_hex(write(b.plan));
  };
  EXPECT_NE(built("f1", "c1"), built("f2", "c1"));
  EXPECT_NE(built("f1", "c1"), built("f1", "c2"));
  EXPECT_EQ(built("f1", "c1"), built("f1", "c1"));
}

TEST(RoundTrip, HeaderCanBePeeked) {
  const std::string bytes = write(testing::random_plan(1));
  const Header header = peek(bytes);
  EXPECT_TRUE(header.is_plan);
  EXPECT_EQ(header.version, bytecode_version);
  EXPECT_EQ(header.size, bytes.size());
  EXPECT_FALSE(peek("#!/bin/sh\n").is_plan);
}

TEST(RoundTrip, NumbersAtTheirLimits) {
  Plan plan = testing::random_plan(2);
  for (const std::int64_t n :
       {INT64_MIN, INT64_MAX, INT64_MIN + 1, std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 40})
    plan.integers.push_back(n);
  const ReadResult result = read(write(plan));
  ASSERT_TRUE(result) << result.error->message;
  EXPECT_EQ(result.plan->integers, plan.integers);
}

TEST(RoundTrip, LongPlan) {
  const Plan plan = testing::long_plan(20000);
  ASSERT_FALSE(validate(plan)) << validate(plan)->message;
  const std::string bytes = write(plan);
  const ReadResult result = read(bytes);
  ASSERT_TRUE(result) << result.error->message;
  EXPECT_EQ(write(*result.plan), bytes);
}

}  // namespace
}  // namespace upg::plan
