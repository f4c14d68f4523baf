#include "runtime/plan/validate.h"

#include <gtest/gtest.h>

namespace upg::plan {
namespace {
TEST(Validate, EmptyPlanIsNone) { EXPECT_TRUE(validate(Plan{})); }
}  // namespace
}  // namespace upg::plan
