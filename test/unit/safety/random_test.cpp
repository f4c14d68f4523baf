#include <gtest/gtest.h>

#include "runtime/plan/validate.h"
#include "test/unit/plan/random_plan.h"
#include "test/unit/safety/plan_builder.h"

namespace upg::safety::testing {
namespace {

/// Whatever is a valid plan, the checker ends and says something that can be printed.
TEST(Random, AnyValidPlanIsJudged) {
  std::size_t diagnostics = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const plan::Plan plan = plan::testing::random_plan(seed, 2 + seed % 2);
    ASSERT_FALSE(plan::validate(plan).has_value());
    diagnostics::Sink sink;
    check(plan, 20'000, sink);
    for (const diagnostics::Diagnostic &d : sink.all()) {
      ++diagnostics;
      EXPECT_FALSE(d.message.empty());
      if (d.primary.range.valid()) {
        EXPECT_LE(d.primary.range.begin, d.primary.range.end);
      }
    }
  }
  EXPECT_GT(diagnostics, 100u);
}

TEST(Random, ALongPlanTakesNoLongTime) {
  const plan::Plan plan = plan::testing::long_plan(10'000);
  diagnostics::Sink sink;
  check(plan, 20'000, sink);
  SUCCEED();
}

}  // namespace
}  // namespace upg::safety::testing
